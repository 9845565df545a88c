//! What must hold after every operation.

use alloc::collections::{BTreeMap, BTreeSet};
use frame_support::{
	ensure,
	traits::{fungible::InspectHold, fungibles::Inspect, Get, Time},
};
use keel_math::RAY;
use keel_primitives::{
	AssetId, AssetRegistry, Balance, Entry, Group, MarginAccountId, PositionLedger, Positions, TriggerIndex,
};
use sp_runtime::TryRuntimeError;

use crate::{AccountOf, Accounts, Collaterals, Config, HoldReason, Lenders, NextId, Pallet, Stress, Totals};

/// What the accounts add up to.
#[derive(Default)]
struct Sums {
	cash: Balance,
	debt: u128,
	collateral: BTreeMap<AssetId, Balance>,
}

impl<T: Config> Pallet<T> {
	/// - the custody's kUSD is the accounts' cash, the idle reserve, clearing and what that earned, to the
	///   unit;
	/// - what accounts owe is what is lent; none has both cash and debt;
	/// - the custody holds of each collateral what is counted, which is what the accounts hold, and nothing is listed twice;
	/// - every account is found under its owner and sub-account and no entry leads elsewhere, and every deposit is held;
	/// - each account stands in the trigger index where it says, and nobody else does; who owes, stands there;
	/// - an account for sale owes, so it has no cash, and has collateral and no positions;
	/// - the lenders' shares are all the shares;
	/// - the stress lists name existing accounts once each, largest first, and no scenario twice.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let sums = Self::check_accounts()?;
		Self::check_money(&sums)?;
		Self::check_collateral(&sums)?;
		Self::check_lenders()?;
		Self::check_stress()
	}

	fn check_accounts() -> Result<Sums, TryRuntimeError> {
		let now = T::Time::now();
		let next = NextId::<T>::get();
		let mut sums = Sums::default();
		let mut deposits = BTreeMap::<T::AccountId, Balance>::new();
		let mut groups: BTreeMap<Group, u64> = Self::groups().into_iter().map(|group| (group, 0)).collect();
		let mut accounts = 0u64;
		for (id, account) in Accounts::<T>::iter() {
			ensure!(id < next, "an account has a number that was not given out");
			ensure!(account.changed_at <= now, "an account was changed in the future");
			ensure!(
				account.cash == 0 || account.debt == 0,
				"an account has both cash and debt"
			);
			ensure!(
				account.debt == 0 || !account.triggers.is_empty(),
				"an account owes and is not in the trigger index"
			);
			if let Some(since) = account.for_sale_since {
				ensure!(
					since <= T::ActiveTime::now(),
					"an account is for sale since the future"
				);
				ensure!(account.debt > 0, "an account for sale owes nothing");
				ensure!(
					!account.collateral.is_empty(),
					"an account for sale has no collateral"
				);
				ensure!(
					T::Positions::view(&account.trader).exposures.is_empty(),
					"an account for sale has positions"
				);
			}
			ensure!(
				AccountOf::<T>::get(&account.owner, account.sub) == Some(id),
				"an account is not found under its owner and sub-account"
			);
			sums.cash = sums
				.cash
				.checked_add(account.cash)
				.ok_or("the accounts' cash overflows")?;
			sums.debt = sums
				.debt
				.checked_add(account.debt)
				.ok_or("the accounts' debt overflows")?;
			let mut held = BTreeSet::new();
			for (asset, amount) in account.collateral.iter() {
				ensure!(*amount > 0, "an account holds nothing of an asset");
				ensure!(held.insert(*asset), "an account holds an asset twice");
				let sum = sums.collateral.entry(*asset).or_default();
				*sum = sum
					.checked_add(*amount)
					.ok_or("the accounts' collateral overflows")?;
			}
			let mut stands = BTreeSet::new();
			for (group, trigger) in account.triggers.iter() {
				ensure!(stands.insert(*group), "an account has two triggers in a group");
				let entry = Entry {
					trigger: *trigger,
					debt: 0,
				};
				ensure!(
					T::Triggers::contains(*group, id, entry),
					"an account is not in the trigger index under its trigger"
				);
				let count = groups.entry(*group).or_default();
				*count = count.saturating_add(1);
			}
			let deposit = deposits.entry(account.owner).or_default();
			*deposit = deposit.checked_add(account.deposit).ok_or("deposits overflow")?;
			accounts = accounts.saturating_add(1);
		}
		// Each account is found; as many entries as accounts means no entry without one.
		ensure!(
			AccountOf::<T>::iter().count() as u64 == accounts,
			"an owner's sub-account leads to no account of theirs"
		);
		for (group, count) in groups {
			ensure!(
				T::Triggers::count(group) == count,
				"the trigger index does not hold the accounts with a trigger and no others"
			);
		}
		for (owner, deposit) in deposits {
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::AccountDeposit.into(), &owner) == deposit,
				"the deposits held are not those of the owner's accounts"
			);
		}
		Ok(sums)
	}

	fn check_money(sums: &Sums) -> Result<(), TryRuntimeError> {
		let money = Totals::<T>::get();
		ensure!(money.index >= RAY, "the debt index is below one");
		ensure!(
			money.index_at <= T::Time::now(),
			"the debt index is ahead of the chain's clock"
		);
		ensure!(money.lent <= sums.debt, "more is lent than accounts owe");
		ensure!(money.lent >= sums.debt, "less is lent than accounts owe");
		let claims = i128::try_from(sums.cash)
			.ok()
			.and_then(|cash| cash.checked_add(money.idle)?.checked_add(money.clearing))
			.and_then(|claims| claims.checked_add_unsigned(money.earned))
			.ok_or("the claims on the custody overflow")?;
		let held = T::Assets::balance(T::Synthetic::get(), &Self::custody_account());
		let held = i128::try_from(held).map_err(|_| "the custody's kUSD overflows")?;
		ensure!(held >= claims, "the custody holds less kUSD than is claimed");
		ensure!(held <= claims, "the custody holds more kUSD than is claimed");
		Ok(())
	}

	fn check_collateral(sums: &Sums) -> Result<(), TryRuntimeError> {
		let now = T::ActiveTime::now();
		let mut listed = BTreeSet::new();
		for collateral in Collaterals::<T>::get() {
			ensure!(listed.insert(collateral.asset), "a collateral is listed twice");
			ensure!(
				T::Registry::asset(collateral.asset)
					.is_ok_and(|facts| facts.margin && facts.feed == collateral.feed),
				"the registry does not know a collateral, or knows another feed of it"
			);
			ensure!(
				collateral.haircut_active <= now,
				"a haircut is ahead of the chain's clock"
			);
			let held = T::Assets::balance(collateral.asset, &Self::custody_account());
			ensure!(
				held >= collateral.total,
				"the custody holds less of a collateral than is counted"
			);
			ensure!(
				held <= collateral.total,
				"the custody holds more of a collateral than is counted"
			);
			ensure!(
				sums.collateral.get(&collateral.asset).copied().unwrap_or(0) == collateral.total,
				"the accounts' collateral is not what is counted"
			);
		}
		ensure!(
			sums.collateral.keys().all(|asset| listed.contains(asset)),
			"an account holds what is no collateral"
		);
		Ok(())
	}

	fn check_lenders() -> Result<(), TryRuntimeError> {
		let mut shares = 0u128;
		for held in Lenders::<T>::iter_values() {
			ensure!(held > 0, "a lender has no shares");
			shares = shares.checked_add(held).ok_or("shares overflow")?;
		}
		let all = Totals::<T>::get().shares;
		ensure!(shares <= all, "lenders have more shares than there are");
		ensure!(shares >= all, "lenders have fewer shares than there are");
		Ok(())
	}

	fn check_stress() -> Result<(), TryRuntimeError> {
		let mut scenarios = BTreeSet::new();
		for losses in Stress::<T>::get() {
			ensure!(
				scenarios.insert(losses.scenario),
				"a stress scenario is listed twice"
			);
			ensure!(
				!losses.worst.is_empty(),
				"a stress scenario without shortfalls is listed"
			);
			let mut named = BTreeSet::<MarginAccountId>::new();
			let mut last = Balance::MAX;
			for (id, shortfall) in losses.worst {
				ensure!(
					Accounts::<T>::contains_key(id),
					"a stress list names an account there is not"
				);
				ensure!(named.insert(id), "a stress list names an account twice");
				ensure!(
					shortfall > 0 && shortfall <= last,
					"a stress list is not sorted, or names a shortfall of zero"
				);
				last = shortfall;
			}
		}
		Ok(())
	}
}
