//! What an account is worth and needs.

use alloc::vec::Vec;
use frame_support::traits::Time;
use keel_math::{
	margin::{self, Risk},
	mul_div, mul_ratio,
	signed::mul_div_signed,
	FixedU128, Rounding, ONE,
};
use keel_primitives::{
	Balance, Exposure, MarginAccountId, Moment, Positioned, Positions, PriceFor, PriceProvider,
	RiskParameters,
};
use sp_runtime::DispatchError;

use crate::{
	after_haircut, last_price, overflow, AccountData, Accounts, Collateral, Collaterals, Config, Event,
	Health, Holding, Money, Pallet,
};

/// The longest an account whose triggers are estimates goes without being looked at: parameters may have
/// moved.
pub(crate) const DAY_MS: Moment = 86_400_000;
/// The same in hours.
pub(crate) const DAY_HOURS: u128 = 24;

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

	/// What cash, debt and exposures are worth and need, `unrealised` and `collateral` being what of those
	/// counts.
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

	/// What `amount` of a collateral counts for new risk: its conservative value less the larger of the
	/// haircut in force and the governed one; nothing while its price is not fit for adding risk.
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

	/// The same, with what is held for the account's orders as required: what is above it can be withdrawn or
	/// ordered with.
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

	/// Write `account` with its new triggers, whether it is still called and for sale, and what it adds to
	/// the stress lists.
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
