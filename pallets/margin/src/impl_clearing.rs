//! What the markets and the pool ask of the custody: [`Clearing`].

use frame_support::{dispatch::DispatchResult, traits::Get};
use keel_primitives::{Balance, Clearing};
use sp_runtime::DispatchError;

use crate::{overflow, Config, Pallet, Totals};

impl<T: Config> Pallet<T> {
	/// `amount` more of what is in custody is clearing's; below zero: less.
	fn move_clearing(amount: Balance, more: bool) -> DispatchResult {
		let amount = i128::try_from(amount).map_err(|_| overflow())?;
		Totals::<T>::try_mutate(|money| money.clear(if more { amount } else { amount.saturating_neg() }))
	}
}

impl<T: Config> Clearing<T::AccountId> for Pallet<T> {
	fn bring_in(from: &T::AccountId, amount: Balance) -> DispatchResult {
		Self::send(T::Synthetic::get(), from, &Self::custody_account(), amount)?;
		Self::move_clearing(amount, true)
	}

	fn pay_out(to: &T::AccountId, amount: Balance) -> DispatchResult {
		Self::move_clearing(amount, false)?;
		Self::send(T::Synthetic::get(), &Self::custody_account(), to, amount)
	}

	fn custody() -> T::AccountId {
		Self::custody_account()
	}

	fn note(amount: Balance) -> DispatchResult {
		Self::move_clearing(amount, true)
	}

	fn release(amount: Balance) -> DispatchResult {
		Self::move_clearing(amount, false)
	}

	fn clearing() -> i128 {
		Totals::<T>::get().clearing
	}

	fn overdrawn() -> Balance {
		Totals::<T>::get().overdrawn()
	}

	fn collect() -> Result<Balance, DispatchError> {
		let mut money = Totals::<T>::get();
		let earned = core::mem::take(&mut money.earned);
		if earned > 0 {
			money.clear(i128::try_from(earned).map_err(|_| overflow())?)?;
			Totals::<T>::put(money);
		}
		Ok(earned)
	}

	fn cover_target() -> Balance {
		Self::target()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn endow(amount: Balance) {
		crate::benchmarking::mint::<T>(T::Synthetic::get(), &Self::custody_account(), amount);
		Self::note(amount).expect("the amount fits");
	}
}
