//! What the markets and the pool ask of margin: [`MarginAccounts`].

use frame_support::{
	dispatch::DispatchResult,
	ensure,
	traits::{Get, Time},
};
use keel_math::margin::Risk;
use keel_primitives::{Act, Balance, Entry, Group, MarginAccountId, MarginAccounts, Positions, TriggerIndex};
use sp_runtime::DispatchError;

use crate::{overflow, AccountOf, Accounts, Config, Error, Pallet, Totals};

impl<T: Config> Pallet<T> {
	/// `amount` more of what is in custody is clearing's; below zero: less.
	fn move_clearing(amount: Balance, more: bool) -> DispatchResult {
		let amount = i128::try_from(amount).map_err(|_| overflow())?;
		Totals::<T>::try_mutate(|money| money.clear(if more { amount } else { amount.saturating_neg() }))
	}
}

impl<T: Config> MarginAccounts<T::AccountId> for Pallet<T> {
	fn account(owner: &T::AccountId, sub: u8) -> Option<MarginAccountId> {
		AccountOf::<T>::get(owner, sub)
	}

	fn owner(account: MarginAccountId) -> Option<T::AccountId> {
		Accounts::<T>::get(account).map(|account| account.owner)
	}

	fn settle(id: MarginAccountId, amount: i128) -> DispatchResult {
		if amount == 0 {
			return Ok(());
		}
		let mut account = Self::account_data(id)?;
		let mut money = Self::money();
		money.clear(amount.checked_neg().ok_or_else(overflow)?)?;
		if amount > 0 {
			Self::credit(&mut account, &mut money, amount.unsigned_abs())?;
		} else {
			let borrowed = Self::charge(&mut account, &mut money, amount.unsigned_abs())?;
			// Whoever begins to owe is looked at with the next block, even if nobody tells of what was done.
			if borrowed > 0 && account.triggers.is_empty() {
				let trigger = u128::MAX.saturating_sub(T::Time::now().into());
				account
					.triggers
					.try_push((Group::Deadline, trigger))
					.map_err(|_| Error::<T>::TooManyTriggers)?;
				T::Triggers::moved(Group::Deadline, id, None, Some(Entry { trigger, debt: 0 }));
			}
		}
		Totals::<T>::put(money);
		Accounts::<T>::insert(id, account);
		Ok(())
	}

	fn acted(id: MarginAccountId, act: Act) -> DispatchResult {
		let mut account = Self::account_data(id)?;
		let exposures = T::Positions::exposures(id);
		// Only who takes on risk, and so meets the initial requirement, moves the time no older price liquidates on: else an account
		// below its requirement could stay there by giving back a unit of risk in every block.
		if act == Act::Opened {
			ensure!(
				Self::strict_risk(&account, &exposures)?.is_initial(),
				Error::<T>::InitialRequirement
			);
			if account.debt > 0 {
				Self::may_owe(&Self::money())?;
			}
			account.changed_at = T::Time::now();
		}
		Self::review(id, account, exposures)?;
		Ok(())
	}

	fn risk(id: MarginAccountId) -> Result<Risk, DispatchError> {
		Self::strict_risk(&Self::account_data(id)?, &T::Positions::exposures(id))
	}

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

	fn cover_target() -> Balance {
		Self::target()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create(owner: &T::AccountId, sub: u8, cash: Balance) -> MarginAccountId {
		crate::benchmarking::create_account::<T>(owner, sub, cash)
	}
}
