//! The lending reserve: what accounts owe, who lends it, and what the breaker reads of it.

use alloc::{vec, vec::Vec};
use frame_support::{
	dispatch::DispatchResult,
	ensure,
	traits::{Get, Time},
};
use keel_math::{interest, FixedU128, ONE};
use keel_primitives::{
	Action, Balance, BreakerSubject, CircuitBreaker, Fuse, Gauge, Gauges, RiskParameters, Triggers,
};
use sp_runtime::DispatchError;

use crate::{overflow, Config, Error, Lenders, Money, Pallet, RateCurve, Totals};

impl<T: Config> Pallet<T> {
	/// The annual rate at the present utilisation, which the curve takes up to 100 %, by the curve in force.
	pub(crate) fn rate(money: &Money) -> Result<FixedU128, DispatchError> {
		let utilisation = money.utilisation()?.min(FixedU128::from_inner(ONE));
		money.curve.rate(utilisation).ok_or_else(overflow)
	}

	/// The totals with interest up to now, not written: whoever moves money writes them.
	///
	/// Interest accrues for whole seconds at the rate of the utilisation there was and by the curve that was
	/// in force; from now on the governed one is. It goes to whose kUSD is lent: lenders, and beyond the
	/// reserve clearing. An index that can't grow any more stays where it is: they miss interest, and nobody
	/// is locked in.
	pub(crate) fn money() -> Money {
		let mut money = Totals::<T>::get();
		let now = T::Time::now();
		let governed = RateCurve::from(T::RiskParameters::chain());
		if money.lent == 0 {
			money.index_at = now.max(money.index_at);
			money.curve = governed;
			return money;
		}
		let seconds = now.saturating_sub(money.index_at) / 1_000;
		// What overflows stands still.
		let _ = Self::rate(&money)
			.ok()
			.and_then(|rate| interest::compound(money.index, rate, seconds))
			.and_then(|index| money.accrue(index));
		// No more than there is between the two.
		money.index_at = money.index_at.saturating_add(seconds.saturating_mul(1_000));
		// Less than a second of the time before is left.
		money.curve = governed;
		money
	}

	pub(crate) fn do_supply(who: &T::AccountId, amount: Balance) -> Result<u128, DispatchError> {
		ensure!(amount > 0, Error::<T>::NothingChanged);
		T::CircuitBreaker::ensure(BreakerSubject::Lending, Action::Deposit)?;
		let mut money = Self::money();
		let shares = money.shares_for(amount)?;
		ensure!(shares > 0, Error::<T>::SupplyTooSmall);
		Self::send(T::Synthetic::get(), who, &Self::custody_account(), amount)?;
		money.shares = money.shares.checked_add(shares).ok_or_else(overflow)?;
		money.lend(i128::try_from(amount).map_err(|_| overflow())?.saturating_neg())?;
		Totals::<T>::put(money);
		Lenders::<T>::try_mutate(who, |held| -> DispatchResult {
			*held = held.checked_add(shares).ok_or_else(overflow)?;
			Ok(())
		})?;
		Ok(shares)
	}

	pub(crate) fn do_redeem(who: &T::AccountId, shares: u128) -> Result<Balance, DispatchError> {
		ensure!(shares > 0, Error::<T>::NothingChanged);
		let mut money = Self::money();
		let left = Lenders::<T>::get(who)
			.checked_sub(shares)
			.ok_or(Error::<T>::ExceedsShares)?;
		let amount = money.worth(shares)?;
		ensure!(amount > 0, Error::<T>::RedemptionTooSmall);
		let signed = i128::try_from(amount).map_err(|_| overflow())?;
		ensure!(signed <= money.idle, Error::<T>::ReserveLent);
		money.lend(signed)?;
		money.shares = money.shares.checked_sub(shares).ok_or_else(overflow)?;
		Totals::<T>::put(money);
		match left {
			0 => Lenders::<T>::remove(who),
			left => Lenders::<T>::insert(who, left),
		}
		Self::send(T::Synthetic::get(), &Self::custody_account(), who, amount)?;
		Ok(amount)
	}

	/// May an account that owes go on taking risk? Asked of an owner's act, never of what happens to an account.
	pub(crate) fn may_owe(money: &Money) -> DispatchResult {
		T::CircuitBreaker::ensure(BreakerSubject::Lending, Action::AddRisk)?;
		ensure!(
			money.utilisation()? <= T::RiskParameters::chain().lending_cap,
			Error::<T>::LendingCapReached
		);
		Ok(())
	}
}

impl<T: Config> Gauges for Pallet<T> {
	fn subjects() -> Vec<BreakerSubject> {
		vec![BreakerSubject::Lending]
	}

	fn gauges(subject: BreakerSubject) -> Vec<Gauge> {
		if subject != BreakerSubject::Lending {
			return Vec::new();
		}
		let chain = T::RiskParameters::chain();
		// What can't be computed is above every trigger.
		let reading = Self::money()
			.utilisation()
			.map_or(u128::MAX, FixedU128::into_inner);
		vec![Gauge {
			fuse: Fuse::Utilisation,
			reading,
			triggers: Triggers {
				guarded: chain.lending_guarded.into_inner(),
				reduce_only: chain.lending_reduce_only.into_inner(),
				halted: None,
			},
		}]
	}
}
