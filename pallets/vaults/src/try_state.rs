//! What always holds.
//!
//! Each branch keeps a ledger of the kUSD in existence because of it, so that `Σ issued + debt in auctions +
//! recorded bad debt = total issuance`, exactly. Debt minus `issued` and minus the interest that waits to be
//! minted is never negative and at most one unit of normalised debt per operation; debt that a shutdown
//! settled counts until the claims are known, which are `issued` from then on.
//!
//! A vault below the branch's minimum debt is not a violation: a raised minimum reaches a vault when it
//! mints. It never owes less than the minimum it keeps itself.

use alloc::collections::{BTreeMap, BTreeSet};
use frame_support::{
	ensure,
	traits::{fungible::InspectHold as _, fungibles::Inspect as _, Get, Time},
};
use keel_math::{mul_div, Rounding, RAY};
use keel_primitives::{
	AssetRegistry, Auctions, Balance, BranchId, Group, InsuranceFund, TriggerIndex, Window,
};
use sp_runtime::TryRuntimeError;

use crate::{
	Branch, BranchList, Branches, Config, HoldReason, NextVaultId, OwnerVaults, Pallet, PastIssued,
	Settlement, Vaults,
};

/// What the vaults of one branch add up to.
#[derive(Default)]
struct Sum {
	normalised: u128,
	collateral: Balance,
	held: Balance,
	/// Whether one of them owes less than the minimum it keeps.
	below_minimum: bool,
	indebted: u64,
}

impl<T: Config> Pallet<T> {
	/// Checks every invariant of this pallet:
	///
	/// - the list is of the branches that are not over, and the registry agrees with each that runs; clocks
	///   and indices are sane;
	/// - per branch: Σ normalised debt, Σ collateral and Σ collateral held under a debt of its vaults are its
	///   totals, and its account holds exactly that collateral and the pot of its settlement;
	/// - a vault that owes owes at least the minimum it keeps, and is credited no more than it holds; one
	///   that does not keeps no minimum and has moved nothing;
	/// - every vault with debt has collateral and stands in the trigger index under its entry, and the index
	///   has no other;
	/// - a branch's debt minus what it issued and what interest waits to be minted is between zero and one
	///   unit of normalised debt per operation;
	/// - no vault is settled within the grace period;
	/// - the claims on a settled branch are what it issued, it has no debt, and there is a pot as long as
	///   there are claims;
	/// - Σ issued + debt in auctions + recorded bad debt is the synthetic's total issuance;
	/// - the owners' lists and the vaults agree, and every deposit is held.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let sums = Self::check_vaults()?;
		Self::check_branches(&sums)?;
		Self::check_issuance()
	}

	fn check_vaults() -> Result<BTreeMap<BranchId, Sum>, TryRuntimeError> {
		let now = T::Time::now();
		let next = NextVaultId::<T>::get();
		let mut sums = BTreeMap::<BranchId, Sum>::new();
		let mut deposits = BTreeMap::<T::AccountId, Balance>::new();
		let mut vaults = 0u64;
		for (id, vault) in Vaults::<T>::iter() {
			let branch = Branches::<T>::get(vault.branch).ok_or("a vault's branch does not exist")?;
			ensure!(id < next, "a vault has a number that was not given out");
			ensure!(
				vault.risk_added_at <= now,
				"a vault's risk was added in the future"
			);
			ensure!(
				vault.normalised_debt == 0 || vault.collateral > 0,
				"a vault has debt without collateral"
			);
			ensure!(
				OwnerVaults::<T>::contains_key(&vault.owner, id),
				"a vault is missing in its owner's list"
			);
			let sum = sums.entry(vault.branch).or_default();
			sum.normalised = sum
				.normalised
				.checked_add(vault.normalised_debt)
				.ok_or("normalised debt overflows")?;
			sum.collateral = sum
				.collateral
				.checked_add(vault.collateral)
				.ok_or("collateral overflows")?;
			sum.held = sum
				.held
				.checked_add(vault.held())
				.ok_or("held collateral overflows")?;
			if vault.normalised_debt == 0 {
				ensure!(
					vault.minimum_debt == 0 && vault.exits == Window::default(),
					"a vault without debt keeps a minimum or a window"
				);
			}
			sum.below_minimum |= vault.debt(branch.rate_index)? < vault.minimum_debt;
			ensure!(
				vault.exits.credit(now) <= vault.collateral,
				"a vault is credited more collateral than it holds"
			);
			if let Some(entry) = vault.entry(branch.divisor) {
				sum.indebted = sum.indebted.saturating_add(1);
				ensure!(
					T::Triggers::contains(Group::Branch(vault.branch), id, entry),
					"a vault with debt is not in the trigger index under its trigger and debt"
				);
			}
			let deposit = deposits.entry(vault.owner).or_default();
			*deposit = deposit.checked_add(vault.deposit).ok_or("deposits overflow")?;
			vaults = vaults.saturating_add(1);
		}
		// Each vault is in a list; as many entries as vaults means no entry without one.
		ensure!(
			OwnerVaults::<T>::iter().count() as u64 == vaults,
			"an owner's list names a vault that is not theirs"
		);
		for (owner, deposit) in deposits {
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::VaultDeposit.into(), &owner) == deposit,
				"the deposits held are not those of the owner's vaults"
			);
		}
		Ok(sums)
	}

	fn check_branches(sums: &BTreeMap<BranchId, Sum>) -> Result<(), TryRuntimeError> {
		let now = T::Time::now();
		let list = BranchList::<T>::get();
		let unique: BTreeSet<_> = list.iter().copied().collect();
		ensure!(unique.len() == list.len(), "a branch is listed twice");
		let (mut running, mut past) = (BTreeSet::new(), 0i128);
		for (id, branch) in Branches::<T>::iter() {
			if branch.settlement.as_ref().is_some_and(Settlement::is_over) {
				past = past.saturating_add(branch.issued);
			} else {
				running.insert(id);
			}
			if branch.settlement.is_none() {
				let facts = T::Registry::asset(branch.collateral)
					.map_err(|_| "the collateral of a branch that runs is not registered")?;
				ensure!(
					facts.branch == Some(id) && facts.feed == branch.feed,
					"the registry knows another branch or feed of a collateral"
				);
			}
		}
		ensure!(unique == running, "the list of branches and the branches differ");
		ensure!(
			PastIssued::<T>::get() == past,
			"what branches that are over have issued is not on record"
		);
		let none = Sum::default();
		for (id, branch) in Branches::<T>::iter() {
			let sum = sums.get(&id).unwrap_or(&none);
			ensure!(
				sum.normalised == branch.total_normalised,
				"the normalised debt of vaults is not the branch's"
			);
			ensure!(
				sum.collateral == branch.total_collateral,
				"the collateral of vaults is not the branch's"
			);
			ensure!(
				sum.held == branch.held,
				"the collateral of vaults that owe is not the branch's"
			);
			let pot = branch.settlement.as_ref().map_or(0, |settlement| settlement.pot);
			ensure!(
				Some(T::Assets::balance(branch.collateral, &Self::branch_account(id)))
					== branch.total_collateral.checked_add(pot),
				"a branch's account does not hold its collateral and its pot, no more and no less"
			);
			ensure!(
				T::Triggers::count(Group::Branch(id)) == sum.indebted,
				"the trigger index does not hold the vaults with debt and no others"
			);
			ensure!(branch.rate_index >= RAY, "a rate index is below one");
			ensure!(!sum.below_minimum, "a vault owes less than the minimum it keeps");
			ensure!(
				branch.accrued_at <= now && branch.ramped_at <= now,
				"a branch's clock is ahead of the chain's"
			);

			match &branch.settlement {
				Some(settlement) => Self::check_settlement(&branch, settlement)?,
				None => Self::check_gap(&branch, 0)?,
			}
		}
		Ok(())
	}

	/// `gap = (normalised + settled) × index − issued − unminted`, in whole units; a mint or a repayment adds
	/// less than one unit of normalised debt to it, an accrual less than one unit.
	fn check_gap(branch: &Branch, settled: u128) -> Result<(), TryRuntimeError> {
		let debt = branch
			.total_normalised
			.checked_add(settled)
			.and_then(|normalised| mul_div(normalised, branch.rate_index, RAY, Rounding::Down))
			.and_then(|debt| i128::try_from(debt).ok())
			.ok_or("a branch's debt overflows")?;
		let unit = branch.rate_index.div_ceil(RAY);
		let most = u128::from(branch.operations)
			.checked_mul(unit)
			.and_then(|most| i128::try_from(most).ok())
			.ok_or("the bound of a branch's rounding overflows")?;
		let gap = debt
			.checked_sub(branch.issued)
			.zip(i128::try_from(branch.unminted).ok())
			.and_then(|(gap, unminted)| gap.checked_sub(unminted))
			.ok_or("a branch's issuance overflows")?;
		ensure!(gap >= 0, "a branch issued more than its vaults owe");
		ensure!(gap <= most, "a branch's vaults owe more than rounding explains");
		Ok(())
	}

	fn check_settlement(branch: &Branch, settlement: &Settlement) -> Result<(), TryRuntimeError> {
		ensure!(
			settlement.at <= T::Time::now() && settlement.active_at <= T::ActiveTime::now(),
			"a branch was shut down in the future"
		);
		ensure!(
			settlement.settled == 0 || settlement.settles_in(T::ActiveTime::now()) == 0,
			"a vault was settled within the grace period"
		);
		let Some(claims) = settlement.claims else {
			return Self::check_gap(branch, settlement.settled);
		};
		ensure!(
			branch.total_normalised == 0,
			"a branch's claims are fixed while its vaults owe"
		);
		let issued = Balance::try_from(branch.issued).unwrap_or(0);
		ensure!(
			branch.unminted == 0,
			"interest of a settled branch waits to be minted"
		);
		ensure!(claims <= issued, "there are more claims than a branch issued");
		ensure!(claims >= issued, "there are fewer claims than a branch issued");
		ensure!(
			claims == 0 || settlement.pot > 0,
			"there are claims on an empty pot"
		);
		Ok(())
	}

	fn check_issuance() -> Result<(), TryRuntimeError> {
		let carried = [T::Auctions::debt(), T::InsuranceFund::bad_debt()]
			.into_iter()
			.try_fold(0i128, |sum, debt| sum.checked_add(i128::try_from(debt).ok()?))
			.ok_or("debt carried elsewhere overflows")?;
		let backed = Branches::<T>::iter_values()
			.try_fold(carried, |sum, branch| sum.checked_add(branch.issued))
			.ok_or("issuance overflows")?;
		let issuance = i128::try_from(T::Assets::total_issuance(T::Synthetic::get()))
			.map_err(|_| "total issuance overflows")?;
		ensure!(
			backed >= issuance,
			"there is more of the synthetic than the ledgers know"
		);
		ensure!(
			backed <= issuance,
			"there is less of the synthetic than the ledgers know"
		);
		Ok(())
	}
}
