//! What an account is worth and needs, and where its triggers are.

use alloc::vec::Vec;
use frame_support::traits::Time;
use keel_math::{
	interest,
	margin::{self, Risk},
	mul_div, mul_ratio,
	signed::mul_div_signed,
	FixedU128, Rounding, ONE,
};
use keel_primitives::{
	level_key, Balance, Entry, Exposure, Group, MarginAccountId, Moment, Positioned, Positions, PriceFor,
	PriceProvider, RiskParameters, TriggerIndex,
};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{
	after_haircut, last_price, overflow, AccountData, Accounts, Collateral, Collaterals, Config, Error,
	Event, Health, Holding, Money, Pallet, Triggers, OVERDRAFT_LOOK_MS,
};

/// The longest an account goes without being looked at: parameters may have moved.
pub(crate) const DAY_MS: Moment = 86_400_000;
/// The same in hours.
const DAY_HOURS: u128 = 24;
/// What rounding may take from the slack for each position and collateral, in base units of kUSD: a handful of units where a
/// value, a requirement and a multiple of it are rounded, before and after a move.
const ROUNDING: Balance = 32;

/// What a move of its price costs an account.
struct Slope {
	group: Group,
	price: FixedU128,
	/// What a move of 100 % takes.
	exposure: Balance,
	rises: bool,
}

impl<T: Config> Pallet<T> {
	/// The holdings of `account` at the last prices, less the haircut what is held already is subject to.
	pub(crate) fn holdings(
		account: &AccountData<T>,
		collaterals: &[Collateral],
		now: Moment,
	) -> Vec<Holding> {
		let known = |asset| collaterals.iter().find(|collateral| collateral.asset == asset);
		account
			.collateral
			.iter()
			.filter_map(|(asset, amount)| known(*asset).map(|collateral| (collateral, *amount)))
			.map(|(collateral, amount)| {
				let price = last_price::<T::Prices>(collateral.feed);
				let value = collateral.value(amount, price);
				let haircut = collateral.haircut(now);
				Holding {
					asset: collateral.asset,
					feed: collateral.feed,
					amount,
					price,
					value,
					haircut,
					counted: after_haircut(value, haircut),
					ramp: collateral.haircut_ramp,
				}
			})
			.collect()
	}

	/// What cash, debt and exposures are worth and need, `unrealised` and `collateral` being what of those counts.
	///
	/// Sums saturate, as those of [`Risk`] do: what is beyond 128 bits is beyond every requirement.
	pub(crate) fn sum(
		cash: Balance,
		debt: Balance,
		collateral: Balance,
		unrealised: i128,
		exposures: &[Exposure],
	) -> Risk {
		let own = Risk {
			net: margin::saturating_signed(cash)
				.saturating_sub_unsigned(debt)
				.saturating_add_unsigned(collateral)
				.saturating_add(unrealised),
			initial: 0,
			maintenance: 0,
		};
		exposures.iter().fold(own, |sum, exposure| {
			sum + Risk {
				net: 0,
				initial: exposure.initial,
				maintenance: exposure.maintenance,
			}
		})
	}

	/// Σ of a profit or loss of each exposure. Saturates as above.
	fn total(exposures: &[Exposure], of: impl Fn(&Exposure) -> i128) -> i128 {
		exposures
			.iter()
			.fold(0, |sum: i128, exposure| sum.saturating_add(of(exposure)))
	}

	/// How `account` is for a liquidation: last prices, all profit, haircuts as they are ramped.
	pub(crate) fn health(account: &AccountData<T>, money: &Money) -> Result<Health, DispatchError> {
		let Positioned { exposures, held, .. } = T::Positions::view(&account.trader);
		let debt = money.debt_of(account.debt)?;
		let holdings = Self::holdings(account, &Collaterals::<T>::get(), T::ActiveTime::now());
		let counted = holdings
			.iter()
			.fold(0, |sum: Balance, holding| sum.saturating_add(holding.counted));
		let risk = Self::sum(
			account.cash,
			debt,
			counted,
			Self::total(&exposures, |exposure| exposure.unrealised),
			&exposures,
		);
		Ok(Health {
			risk,
			debt,
			exposures,
			held,
			holdings,
		})
	}

	/// What `amount` of a collateral counts for new risk: its conservative value less the larger of the haircut in force and the governed
	/// one; nothing while its price is not fit for adding risk.
	pub(crate) fn strict_value(collateral: &Collateral, amount: Balance, now: Moment) -> Balance {
		let Ok(price) = T::Prices::price(collateral.feed, PriceFor::AddRisk) else {
			return 0;
		};
		let governed = T::RiskParameters::collateral(collateral.asset)
			.map_or(FixedU128::from_inner(ONE), |parameters| parameters.haircut);
		let value = collateral.value(amount, price.as_collateral());
		after_haircut(value, collateral.haircut(now).max(governed))
	}

	/// How `account` is for new risk and for what leaves it: profit as far as it counts, collateral at its
	/// conservative value, and neither at a price that is not fit for it.
	pub(crate) fn strict_risk(
		account: &AccountData<T>,
		exposures: &[Exposure],
	) -> Result<Risk, DispatchError> {
		let money = Self::money();
		let chain = T::RiskParameters::chain();
		let now = T::ActiveTime::now();
		let mut counted: Balance = 0;
		if !account.collateral.is_empty() {
			for collateral in Collaterals::<T>::get().iter() {
				let held = account.held(collateral.asset);
				if held > 0 {
					// Saturates as sums of risk do.
					counted = counted.saturating_add(Self::strict_value(collateral, held, now));
				}
			}
		}
		let unrealised = Self::total(exposures, |exposure| {
			exposure.counted_for_leaving(chain.profit_cap)
		});
		// The cap is in each position's part of it.
		let unrealised = margin::counted_profit(unrealised, chain.profit_share, Balance::MAX);
		Ok(Self::sum(
			account.cash,
			money.debt_of(account.debt)?,
			counted,
			unrealised,
			exposures,
		))
	}

	/// The same, with what is held for the account's orders as required: what is above it can be withdrawn or ordered with.
	pub(crate) fn claimed_risk(
		account: &AccountData<T>,
		exposures: &[Exposure],
		held: Balance,
	) -> Result<Risk, DispatchError> {
		let risk = Self::strict_risk(account, exposures)?;
		Ok(Risk {
			// Saturates as sums of risk do.
			initial: risk.initial.saturating_add(held),
			..risk
		})
	}

	/// The multiple of the maintenance requirement below which an account is called; at least one.
	pub(crate) fn call_multiple() -> FixedU128 {
		T::RiskParameters::chain()
			.margin_call
			.max(FixedU128::from_inner(ONE))
	}

	/// What `account` has to be worth not to be called, in base units of kUSD. Saturates as requirements do.
	pub(crate) fn call_level(risk: &Risk) -> Balance {
		mul_ratio(risk.maintenance, Self::call_multiple(), Rounding::Up).unwrap_or(Balance::MAX)
	}

	/// The most that time alone takes from the slack in an hour, `multiple` times what the markets say (requirements are measured
	/// at that multiple), with the interest of a fully used reserve and haircuts rising as fast as they may.
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
			// What it is worth and what it needs move with the price. A short loses both as the price rises; a long gains the one and
			// loses the other, so where it needs more than it is worth it, too, suffers from a rise.
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
	/// is unsafe once that is crossed and not before, but for a few base units. `None` for an account with
	/// anything else, a debt or a measure, and on overflow.
	fn exact_trigger(account: &AccountData<T>, health: &Health) -> Option<(Group, u128)> {
		let [position] = health.exposures.as_slice() else {
			return None;
		};
		if account.debt > 0 || !account.collateral.is_empty() || account.has_measures() {
			return None;
		}
		let (size, equity) = (position.size, health.risk.net.checked_sub_unsigned(ROUNDING)?);
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
	/// Of the slack a part, at most a quarter, is set aside for what time takes; how long that lasts is the deadline, at most a
	/// day. The rest is spread so that all prices may move against the account by the same share at once.
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

	/// Write `account` with its new triggers, whether it is still called and for sale, and what it adds to the stress lists.
	pub(crate) fn review(id: MarginAccountId, mut account: AccountData<T>) -> Result<Health, DispatchError> {
		let money = Self::money();
		let health = Self::health(&account, &money)?;
		if account.called
			&& health.risk.is_initial()
			&& health.risk.net >= margin::saturating_signed(Self::call_level(&health.risk))
		{
			account.called = false;
			Self::deposit_event(Event::MarginRestored {
				account: id,
				equity: health.risk.net,
				initial: health.risk.initial,
			});
		}
		if health.risk.is_initial() || account.collateral.is_empty() {
			account.for_sale_since = None;
		}
		let triggers = Self::triggers(&account, &health, &money)?;
		Self::retrigger(id, &account.triggers, &triggers);
		account.triggers = triggers;
		Accounts::<T>::insert(id, &account);
		Self::measure(id, &account, &health);
		Ok(health)
	}

	/// Milliseconds until `account` is unsafe at today's prices, funding and interest.
	pub(crate) fn breach_in(account: &AccountData<T>, health: &Health, money: &Money) -> Option<Moment> {
		let slack = Balance::try_from(health.risk.slack()).unwrap_or(0);
		let funding = health.exposures.iter().fold(0, |sum: i128, exposure| {
			sum.saturating_add(exposure.funding_per_hour)
		});
		let interest = if account.debt == 0 {
			0
		} else {
			// Of an hour, not compounded: a forecast.
			Self::rate(money)
				.and_then(|rate| mul_ratio(health.debt, rate, Rounding::Up).ok_or_else(overflow))
				.map_or(0, |year| year.div_ceil(365 * DAY_HOURS))
		};
		let per_hour = funding.saturating_add_unsigned(interest);
		margin::time_to_breach(slack, Balance::try_from(per_hour).unwrap_or(0))
	}

	/// `exposure` after its mark moved to `mark`: what it is worth and needs is proportional, rounded against the account.
	pub(crate) fn moved_to(exposure: &Exposure, mark: FixedU128) -> Option<Exposure> {
		let worth = |price: FixedU128, rounding| keel_math::perpetual::value(exposure.size, price, rounding);
		let scaled = |amount| {
			mul_div(
				amount,
				mark.into_inner(),
				exposure.mark.into_inner(),
				Rounding::Up,
			)
		};
		let change = worth(mark, Rounding::Down)?.checked_sub(worth(exposure.mark, Rounding::Down)?)?;
		Some(Exposure {
			mark,
			notional: keel_math::perpetual::notional(exposure.size, mark, Rounding::Up)?,
			unrealised: exposure.unrealised.checked_add(change)?,
			initial: scaled(exposure.initial)?,
			maintenance: scaled(exposure.maintenance)?,
			..*exposure
		})
	}

	/// `amount × (1 + bps / 10 000)`, rounded down and never below zero. `None` on overflow.
	pub(crate) fn shifted(price: FixedU128, bps: i32) -> Option<FixedU128> {
		let change = mul_div_signed(i128::from(bps), price.into_inner(), 10_000, Rounding::Down)?;
		let moved = i128::try_from(price.into_inner()).ok()?.checked_add(change)?;
		Some(FixedU128::from_inner(u128::try_from(moved).unwrap_or(0)))
	}
}
