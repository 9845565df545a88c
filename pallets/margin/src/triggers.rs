//! Where an account stands in the trigger index, and what that is compared with.

use alloc::vec::Vec;
use frame_support::traits::Time;
use keel_math::{interest, margin, mul_ratio, FixedU128, Rounding, ONE};
use keel_primitives::{
	level_key, Balance, Entry, Group, MarginAccountId, Positions, PriceFor, PriceProvider, TriggerIndex,
};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{
	health::{DAY_HOURS, DAY_MS},
	overflow, AccountData, Collaterals, Config, Error, Health, Money, Pallet, Triggers, OVERDRAFT_LOOK_MS,
};

/// What rounding may take from the slack for each position and collateral, in base units of kUSD: a handful
/// of units where a value, a requirement and a multiple of it are rounded, before and after a move.
const ROUNDING: Balance = 32;
/// What is added to the equity of an account whose trigger is exact, in base units of kUSD: more than
/// rounding takes from it, so that whoever is crossed is unsafe. The other way around dust, for which a unit
/// of equity is hundreds of USD a whole unit, would stand at the head of its group for ever and never be
/// unsafe.
const LATE: Balance = 4;

/// What a move of its price costs an account.
struct Slope {
	group: Group,
	price: FixedU128,
	/// What a move of 100 % takes.
	exposure: Balance,
	rises: bool,
}

impl<T: Config> Pallet<T> {
	/// The most that time alone takes from the slack in an hour, `multiple` times what the markets say
	/// (requirements are measured at that multiple), with the interest of a fully used reserve and haircuts
	/// rising as fast as they may.
	fn drift_per_hour(
		account: &AccountData<T>,
		health: &Health,
		money: &Money,
		multiple: FixedU128,
	) -> Result<Balance, DispatchError> {
		let markets = health.exposures.iter().fold(0, |sum: Balance, exposure| {
			sum.saturating_add(exposure.drift_per_hour)
		});
		let markets = mul_ratio(markets, multiple, Rounding::Up).unwrap_or(Balance::MAX);
		let haircuts = health.holdings.iter().fold(0, |sum: Balance, holding| {
			let rises = mul_ratio(holding.value, holding.ramp, Rounding::Up).unwrap_or(Balance::MAX);
			sum.saturating_add(rises)
		});
		// Interest compounds, so a day's is more than 24 times an hour's: the mean bounds every shorter time.
		let interest = if account.debt == 0 {
			0
		} else {
			let dearest = money
				.curve
				.rate(FixedU128::from_inner(ONE))
				.ok_or_else(overflow)?;
			let index = interest::compound(money.index, dearest, DAY_MS / 1_000).ok_or_else(overflow)?;
			interest::debt_of(account.debt, index)
				.ok_or_else(overflow)?
				.saturating_sub(health.debt)
				.div_ceil(DAY_HOURS)
		};
		Ok(markets.saturating_add(haircuts).saturating_add(interest))
	}

	/// What `account` loses per price, measured against `multiple` times its maintenance requirement.
	fn slopes(health: &Health, multiple: FixedU128) -> Vec<Slope> {
		let positions = health.exposures.iter().filter_map(|exposure| {
			// A settled market has a price that stands still.
			if exposure.maintenance == 0 {
				return None;
			}
			let needs = mul_ratio(exposure.maintenance, multiple, Rounding::Up).unwrap_or(Balance::MAX);
			// What it is worth and what it needs move with the price. A short loses both as the price rises;
			// a long gains the one and loses the other, so where it needs more than it is worth it, too,
			// suffers from a rise.
			let (exposed, rises) = if exposure.size < 0 {
				(exposure.notional.saturating_add(needs), true)
			} else if exposure.notional >= needs {
				(exposure.notional.saturating_sub(needs), false)
			} else {
				(needs.saturating_sub(exposure.notional), true)
			};
			let group = match rises {
				true => Group::Short(exposure.market),
				false => Group::Long(exposure.market),
			};
			Some(Slope {
				group,
				price: exposure.mark,
				exposure: exposed,
				rises,
			})
		});
		let holdings = health.holdings.iter().map(|holding| Slope {
			group: Group::Collateral(holding.asset),
			price: holding.price,
			exposure: holding.counted,
			rises: false,
		});
		positions
			.chain(holdings)
			.filter(|slope| slope.exposure > 0)
			.collect()
	}

	/// The trigger of an account with one position and kUSD, which nothing but what it does itself moves: it
	/// is unsafe where that is crossed, and crossed where it is short of its requirement by more than
	/// [`LATE`] and what rounding takes. `None` for an account with anything else, a debt or a measure, and
	/// on overflow.
	fn exact_trigger(account: &AccountData<T>, health: &Health) -> Option<(Group, u128)> {
		let [position] = health.exposures.as_slice() else {
			return None;
		};
		if account.debt > 0 || !account.collateral.is_empty() || account.has_measures() {
			return None;
		}
		let (size, equity) = (position.size, health.risk.net.checked_add_unsigned(LATE)?);
		let level = level_key(margin::bankruptcy_level(
			position.mark,
			position.carry,
			equity,
			size,
		)?);
		Some(match size > 0 {
			true => (Group::SoleLong(position.market), level),
			false => (Group::SoleShort(position.market), !level),
		})
	}

	/// Where `account` has to be looked at again: while no price has crossed its trigger and the deadline
	/// is not over, it is worth at least what it is measured against: the maintenance requirement, or the
	/// call level of an account that may yet be called.
	///
	/// Of the slack a part, at most a quarter, is set aside for what time takes; how long that lasts is the
	/// deadline, at most a day. The rest is spread so that all prices may move against the account by the
	/// same share at once.
	pub(crate) fn triggers(
		account: &AccountData<T>,
		health: &Health,
		money: &Money,
	) -> Result<Triggers, DispatchError> {
		if Self::is_bare(account, &health.exposures) {
			return Ok(Triggers::default());
		}
		let mut all = Triggers::default();
		let mut push = |group, trigger| {
			all.try_push((group, trigger))
				.map_err(|_| DispatchError::from(Error::<T>::TooManyTriggers))
		};
		if let Some((group, trigger)) = Self::exact_trigger(account, health) {
			push(group, trigger)?;
			return Ok(all);
		}
		let now = T::Time::now();
		let multiple = match account.may_be_called() {
			true => Self::call_multiple(),
			false => FixedU128::from_inner(ONE),
		};
		let level = mul_ratio(health.risk.maintenance, multiple, Rounding::Up).unwrap_or(Balance::MAX);
		let legs = health
			.exposures
			.len()
			.saturating_add(health.holdings.len())
			.saturating_add(1) as u128;
		let above = health.risk.net.saturating_sub_unsigned(level);
		// Nothing where it is below the level already.
		let slack = Balance::try_from(above)
			.unwrap_or(0)
			.saturating_sub(legs.saturating_mul(ROUNDING));

		let drift = Self::drift_per_hour(account, health, money, multiple)?;
		let reserve = (slack / 4).min(drift.saturating_mul(DAY_HOURS));
		// While clearing lends, it may want back what this account owes.
		let longest = match account.debt > 0 && money.overdrawn() > 0 {
			true => OVERDRAFT_LOOK_MS,
			false => DAY_MS,
		};
		let lasts = margin::time_to_breach(reserve, drift).map_or(longest, |ms| ms.min(longest));
		let deadline = match health.risk.is_unsafe() {
			// Before everybody else.
			true => 0,
			// Saturates where time ends.
			false => now.saturating_add(lasts),
		};

		let slopes = Self::slopes(health, multiple);
		let exposed = slopes
			.iter()
			.fold(0, |sum: Balance, slope| sum.saturating_add(slope.exposure));
		if let Some(tolerated) = margin::tolerated_move(slack.saturating_sub(reserve), exposed) {
			for slope in slopes {
				let trigger = if slope.rises {
					margin::rising_trigger(slope.price, tolerated)
						.map(|price| u128::MAX.saturating_sub(price.into_inner()))
				} else {
					margin::falling_trigger(slope.price, tolerated).map(FixedU128::into_inner)
				};
				if let Some(trigger) = trigger {
					push(slope.group, trigger)?;
				}
			}
		}
		push(Group::Deadline, u128::MAX.saturating_sub(deadline.into()))?;
		Ok(all)
	}

	/// Tell the index where account `id` stands now; only what changed.
	pub(crate) fn retrigger(id: MarginAccountId, old: &[(Group, u128)], new: &[(Group, u128)]) {
		let find = |all: &[(Group, u128)], group: Group| {
			all.iter().find(|(of, _)| *of == group).map(|(_, trigger)| Entry {
				trigger: *trigger,
				debt: 0,
			})
		};
		for (group, _) in old {
			if find(new, *group).is_none() {
				T::Triggers::moved(*group, id, find(old, *group), None);
			}
		}
		for (group, _) in new {
			let (from, to) = (find(old, *group), find(new, *group));
			if from != to {
				T::Triggers::moved(*group, id, from, to);
			}
		}
	}

	/// Have the block look again at account `id` before it ends, or the next one that can. Its triggers
	/// stay until then, and it stands in line besides: one write for all that a block does with it. One
	/// that is in line stays where it is.
	pub(crate) fn look_soon(id: MarginAccountId, account: &mut AccountData<T>) -> DispatchResult {
		let due = u128::MAX.saturating_sub(T::Time::now().into());
		let waits = |(group, trigger): &(Group, u128)| match group {
			Group::Due => true,
			Group::Deadline => *trigger > due,
			_ => false,
		};
		if !account.triggers.iter().any(waits) {
			account
				.triggers
				.try_push((Group::Due, due))
				.map_err(|_| Error::<T>::TooManyTriggers)?;
			let entry = Entry {
				trigger: due,
				debt: 0,
			};
			T::Triggers::moved(Group::Due, id, None, Some(entry));
		}
		Ok(())
	}

	/// What the triggers of each group compare with now: a position is unsafe, or to be looked at, above it.
	pub(crate) fn group_thresholds() -> Vec<(Group, Result<u128, DispatchError>)> {
		let markets = T::Positions::pricing().into_iter().flat_map(|(market, pricing)| {
			let groups = [Group::Long, Group::Short, Group::SoleLong, Group::SoleShort];
			groups.map(|of| {
				let group = of(market);
				(
					group,
					pricing.and_then(|it| it.threshold(group).ok_or_else(overflow)),
				)
			})
		});
		let collaterals = Collaterals::<T>::get().into_iter().map(|held| {
			let price = T::Prices::price(held.feed, PriceFor::Liquidate);
			(
				Group::Collateral(held.asset),
				price.map(|price| price.value.into_inner()),
			)
		});
		let now = u128::MAX.saturating_sub(T::Time::now().into());
		markets
			.chain(collaterals)
			// All that are due.
			.chain([(Group::Deadline, Ok(now)), (Group::Due, Ok(0))])
			.collect()
	}
}
