//! What the markets and the pool ask of margin: [`MarginAccounts`].

use frame_support::{
	dispatch::DispatchResult,
	ensure,
	traits::{Get, Time},
};
use keel_math::margin::Risk;
use keel_primitives::{Act, Balance, MarginAccountId, MarginAccounts, Positions};
use sp_runtime::DispatchError;

use crate::{overflow, AccountOf, Accounts, Config, Error, Pallet, Totals};

/// An account of at most so many positions and collaterals gets new triggers with what it does; one of more, by the end of the
/// block, once for all it did.
const LEGS_AT_ONCE: usize = 1;

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
			// Whoever begins to owe is looked at, even if nobody tells of what was done.
			if borrowed > 0 && account.triggers.is_empty() {
				Self::look_soon(id, &mut account)?;
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
			account.for_sale_since = None;
		}
		// What an order costs must not grow with what its account has.
		if exposures.len().saturating_add(account.collateral.len()) > LEGS_AT_ONCE {
			Self::look_soon(id, &mut account)?;
			Accounts::<T>::insert(id, account);
		} else {
			Self::review(id, account, exposures)?;
		}
		Ok(())
	}

	fn risk(id: MarginAccountId) -> Result<Risk, DispatchError> {
		Self::claimed_risk(id, &Self::account_data(id)?, &T::Positions::exposures(id))
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
	fn create(owner: &T::AccountId, sub: u8, cash: Balance) -> MarginAccountId {
		crate::benchmarking::create_account::<T>(owner, sub, cash)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn look_again(account: MarginAccountId) {
		crate::benchmarking::place::<T>(account)
	}
}
