//! What the markets ask of margin: [`MarginAccounts`].

use alloc::vec::Vec;
use frame_support::{dispatch::DispatchResult, ensure, traits::Time};
use keel_math::margin::Risk;
use keel_primitives::{
	Act, Balance, Exposure, Group, MarginAccountId, MarginAccounts, Positioned, Positions, TriggerIndex,
};
use sp_runtime::DispatchError;

use crate::{AccountData, AccountOf, Accounts, Config, Error, Pallet};

/// For how long accounts may wait to be looked at for what they did before no more risk is opened, in ms:
/// three blocks.
const BEHIND_MS: u128 = 6_000;

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
		// Only who takes on risk, and so meets the initial requirement, moves the time no older price
		// liquidates on: else an account below its requirement could stay there by giving back a unit of risk
		// in every block.
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
