//! What the markets and the pool ask of margin: [`MarginAccounts`] and [`Clearing`].

use alloc::vec::Vec;
use frame_support::{
	dispatch::DispatchResult,
	ensure,
	traits::{Get, Time},
};
use keel_math::margin::Risk;
use keel_primitives::{
	Act, Balance, Clearing, Exposure, Group, MarginAccountId, MarginAccounts, Positioned, Positions,
	TriggerIndex,
};
use sp_runtime::DispatchError;

use crate::{overflow, AccountData, AccountOf, Accounts, Config, Error, Pallet, Totals};

/// For how long accounts may wait to be looked at for what they did before no more risk is opened, in ms:
/// three blocks.
const BEHIND_MS: u128 = 6_000;

impl<T: Config> Pallet<T> {
	/// `amount` more of what is in custody is clearing's; below zero: less.
	fn move_clearing(amount: Balance, more: bool) -> DispatchResult {
		let amount = i128::try_from(amount).map_err(|_| overflow())?;
		Totals::<T>::try_mutate(|money| money.clear(if more { amount } else { amount.saturating_neg() }))
	}
}

impl<T: Config> MarginAccounts<T::AccountId> for Pallet<T> {
	type Account = AccountData<T>;
	type Trader = <T::Positions as Positions>::Trader;

	fn account(owner: &T::AccountId, sub: u8) -> Option<MarginAccountId> {
		AccountOf::<T>::get(owner, sub)
	}

	fn load(account: MarginAccountId) -> Result<Self::Account, DispatchError> {
		Self::account_data(account)
	}

	fn owner(account: &Self::Account) -> &T::AccountId {
		&account.owner
	}

	fn trader(account: &Self::Account) -> &Self::Trader {
		&account.trader
	}

	fn trader_mut(account: &mut Self::Account) -> &mut Self::Trader {
		&mut account.trader
	}

	fn risk(account: &Self::Account) -> Result<Risk, DispatchError> {
		let Positioned { exposures, held, .. } = T::Positions::view(&account.trader);
		Self::claimed_risk(account, &exposures, held)
	}

	fn commit(
		id: MarginAccountId,
		mut account: Self::Account,
		credit: i128,
		act: Act,
		exposures: &[Exposure],
	) -> DispatchResult {
		Self::book(&mut account, credit)?;
		// Only who takes on risk, and so meets the initial requirement, moves the time no older price liquidates on: else an account
		// below its requirement could stay there by giving back a unit of risk in every block.
		if act == Act::Opened {
			ensure!(
				Self::strict_risk(&account, exposures)?.is_initial(),
				Error::<T>::InitialRequirement
			);
			if account.debt > 0 {
				Self::may_owe(&Self::money())?;
			}
			account.changed_at = T::Time::now();
			account.for_sale_since = None;
		}
		// What an order costs must not grow with what its account has.
		if act != Act::Ordered {
			Self::look_soon(id, &mut account)?;
		}
		Accounts::<T>::insert(id, account);
		Ok(())
	}

	fn is_behind() -> bool {
		let now = T::Time::now();
		let first = T::Triggers::first(Group::Due, 1).into_iter().next();
		let since = first.and_then(Accounts::<T>::get).and_then(|account| {
			let due = account.triggers.iter().find(|(group, _)| *group == Group::Due);
			due.map(|(_, trigger)| u128::MAX.saturating_sub(*trigger))
		});
		since.is_some_and(|since| u128::from(now).saturating_sub(since) > BEHIND_MS)
	}

	fn traders() -> Vec<(MarginAccountId, Self::Trader)> {
		Accounts::<T>::iter()
			.map(|(id, account)| (id, account.trader))
			.collect()
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
