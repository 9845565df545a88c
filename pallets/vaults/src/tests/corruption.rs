//! Every invariant of `do_try_state`, broken on purpose.

use frame_support::{
	assert_ok,
	traits::{
		fungible::MutateHold,
		fungibles::Mutate,
		tokens::{Fortitude, Precision, Preservation},
	},
};
use keel_primitives::{Entry, TriggerIndex};
use sp_runtime::TryRuntimeError;

use crate::{
	mock::*, Branch, BranchList, Branches, HoldReason, NextVaultId, OwnerVaults, Settlement, Vault,
	Vaults as VaultMap,
};

/// Break something in a sound state with two vaults and check that it is noticed, by the right check.
fn breaks(message: &'static str, corrupt: impl FnOnce()) {
	ExtBuilder::default().build().execute_with(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		open(&ALICE, BTC_BRANCH, 2 * ONE_BTC, 10_000 * USD);
		pass(YEAR);
		assert_ok!(Vaults::do_try_state());
		corrupt();
		assert_eq!(Vaults::do_try_state(), Err(TryRuntimeError::Other(message)));
	});
}

fn change_vault(change: impl FnOnce(&mut Vault<AccountId>)) {
	VaultMap::<Test>::mutate(0, |vault| change(vault.as_mut().unwrap()));
}

fn change_branch(change: impl FnOnce(&mut Branch)) {
	Branches::<Test>::mutate(BTC_BRANCH, |branch| change(branch.as_mut().unwrap()));
}

fn entry() -> Option<Entry> {
	vault(0).entry(branch(BTC_BRANCH).divisor)
}

fn burn(amount: u128) {
	Assets::burn_from(
		KUSD,
		&ALICE,
		amount,
		Preservation::Expendable,
		Precision::Exact,
		Fortitude::Polite,
	)
	.unwrap();
}

#[test]
fn vault_of_no_branch() {
	breaks("a vault's branch does not exist", || {
		change_vault(|vault| vault.branch = 9)
	});
}

#[test]
fn vault_number_not_given_out() {
	breaks("a vault has a number that was not given out", || {
		NextVaultId::<Test>::put(1)
	});
}

#[test]
fn vault_dated_in_the_future() {
	breaks("a vault's risk was added in the future", || {
		change_vault(|vault| vault.risk_added_at = Now::get() + 1)
	});
}

#[test]
fn debt_without_collateral() {
	breaks("a vault has debt without collateral", || {
		change_vault(|vault| vault.collateral = 0)
	});
}

#[test]
fn vault_missing_in_list() {
	breaks("a vault is missing in its owner's list", || {
		OwnerVaults::<Test>::remove(&ALICE, 0)
	});
	breaks("a vault is missing in its owner's list", || {
		change_vault(|vault| vault.owner = BOB)
	});
}

#[test]
fn list_names_a_foreign_vault() {
	breaks("an owner's list names a vault that is not theirs", || {
		OwnerVaults::<Test>::insert(&BOB, 0, ())
	});
}

#[test]
fn normalised_debt() {
	let message = "the normalised debt of vaults is not the branch's";
	breaks(message, || change_branch(|branch| branch.total_normalised += 1));
	breaks(message, || change_branch(|branch| branch.total_normalised -= 1));
}

#[test]
fn collateral() {
	let message = "the collateral of vaults is not the branch's";
	breaks(message, || change_branch(|branch| branch.total_collateral += 1));
	breaks(message, || change_branch(|branch| branch.total_collateral -= 1));
}

#[test]
fn held_collateral() {
	let message = "the collateral of vaults that owe is not the branch's";
	breaks(message, || change_branch(|branch| branch.held += 1));
	breaks(message, || change_branch(|branch| branch.held -= 1));
}

#[test]
fn less_debt_than_the_minimum_kept() {
	breaks("a vault owes less than the minimum it keeps", || {
		let owed = debt(0);
		change_vault(|vault| vault.minimum_debt = owed + 1)
	});
}

#[test]
fn a_minimum_or_a_window_without_debt() {
	let repaid = |corrupt: fn(&mut Vault<AccountId>)| {
		move || {
			assert_ok!(Vaults::repay(signed(&ALICE), 1, u128::MAX));
			assert_ok!(Vaults::do_try_state());
			VaultMap::<Test>::mutate(1, |vault| corrupt(vault.as_mut().unwrap()));
		}
	};
	let message = "a vault without debt keeps a minimum or a window";
	breaks(message, repaid(|vault| vault.minimum_debt = 1));
	breaks(message, repaid(|vault| vault.exits.refund(Now::get(), 1)));
}

#[test]
fn more_credit_than_collateral() {
	breaks("a vault is credited more collateral than it holds", || {
		change_vault(|vault| vault.exits.refund(Now::get(), ONE_BTC + 1))
	});
}

#[test]
fn account_balance() {
	let message = "a branch's account does not hold its collateral and its pot, no more and no less";
	let account = Vaults::branch_account(BTC_BRANCH);
	breaks(message, || {
		assert_ok!(Assets::transfer(signed(&ALICE), BTC, account.clone(), 1));
	});
	breaks(message, || {
		assert_ok!(Assets::transfer(signed(&account), BTC, ALICE, 1));
	});
}

#[test]
fn trigger_wrong_or_missing() {
	let message = "a vault with debt is not in the trigger index under its trigger and debt";
	let moves = |change: fn(&mut Entry)| {
		let mut new = entry().unwrap();
		change(&mut new);
		MockIndex::moved(Group::Branch(BTC_BRANCH), 0, entry(), Some(new));
	};
	breaks(message, || {
		MockIndex::moved(Group::Branch(BTC_BRANCH), 0, entry(), None)
	});
	breaks(message, || moves(|entry| entry.trigger += 1));
	breaks(message, || moves(|entry| entry.debt += 1));
	breaks(message, || moves(|entry| entry.debt -= 1));
}

#[test]
fn trigger_too_many() {
	let message = "the trigger index does not hold the vaults with debt and no others";
	let five = Entry { trigger: 5, debt: 5 };
	breaks(message, || {
		MockIndex::moved(Group::Branch(BTC_BRANCH), 0, None, Some(five))
	});
	breaks(message, || {
		MockIndex::moved(Group::Branch(BTC_BRANCH), 7, None, Some(five))
	});
	breaks(message, || {
		MockIndex::moved(Group::Branch(ETH_BRANCH), 0, None, Some(five))
	});
}

#[test]
fn deposits() {
	let message = "the deposits held are not those of the owner's vaults";
	breaks(message, || change_vault(|vault| vault.deposit += 1));
	breaks(message, || {
		let reason = HoldReason::VaultDeposit.into();
		assert_ok!(Balances::release(&reason, &ALICE, 1, Precision::Exact));
	});
	breaks(message, || {
		assert_ok!(Balances::hold(&HoldReason::VaultDeposit.into(), &ALICE, 1));
	});
}

#[test]
fn branch_lists() {
	breaks("a branch is listed twice", || {
		BranchList::<Test>::mutate(|list| list.try_push(BTC_BRANCH).unwrap())
	});
	let message = "the list of branches and the branches differ";
	breaks(message, || {
		BranchList::<Test>::mutate(|list| list.try_push(9).unwrap())
	});
	breaks(message, || Branches::<Test>::remove(DOT_BRANCH));
}

#[test]
fn the_registry() {
	use keel_primitives::AssetRegistry as _;
	let message = "the registry knows another branch or feed of a collateral";
	breaks(message, || AssetRegistry::end_branch(BTC));
	breaks(message, || {
		pallet_asset_registry::Registry::<Test>::mutate(BTC, |facts| facts.as_mut().unwrap().feed = ETH)
	});
	breaks("the collateral of a branch that runs is not registered", || {
		pallet_asset_registry::Registry::<Test>::remove(BTC)
	});
}

#[test]
fn what_was_issued_before() {
	breaks("what branches that are over have issued is not on record", || {
		crate::PastIssued::<Test>::put(-1)
	});
}

#[test]
fn rate_index() {
	breaks("a rate index is below one", || {
		change_branch(|branch| branch.rate_index = 5)
	});
}

#[test]
fn clocks() {
	let message = "a branch's clock is ahead of the chain's";
	breaks(message, || {
		change_branch(|branch| branch.accrued_at = Now::get() + 1)
	});
	breaks(message, || {
		change_branch(|branch| branch.ramped_at = Now::get() + 1)
	});
}

#[test]
fn issued_above_the_debt() {
	breaks("a branch issued more than its vaults owe", || {
		change_branch(|branch| branch.issued += 4);
	});
}

#[test]
fn interest_that_waits_and_is_not_owed() {
	breaks("a branch issued more than its vaults owe", || {
		change_branch(|branch| branch.unminted += 4);
	});
}

#[test]
fn interest_that_is_owed_and_does_not_wait() {
	breaks("a branch's vaults owe more than rounding explains", || {
		FeeRoom::set(0);
		pass(YEAR);
		assert_ok!(Vaults::do_try_state());
		change_branch(|branch| branch.unminted = 0);
	});
}

#[test]
fn issued_below_what_rounding_explains() {
	breaks("a branch's vaults owe more than rounding explains", || {
		// Three operations at an index below two: six units at most.
		change_branch(|branch| branch.issued -= 7);
	});
	breaks("a branch's vaults owe more than rounding explains", || {
		change_branch(|branch| branch.rate_index += branch.rate_index / 1_000);
	});
}

#[test]
fn issuance() {
	breaks("there is more of the synthetic than the ledgers know", || {
		assert_ok!(Assets::mint_into(KUSD, &BOB, 1));
	});
	breaks("there is less of the synthetic than the ledgers know", || burn(1));
}

/// As [`breaks`], in a branch that was shut down with one of its vaults settled, or with both and some of it redeemed.
fn breaks_settlement(message: &'static str, done: bool, corrupt: impl FnOnce(&mut Branch)) {
	ExtBuilder::default().build().execute_with(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		open(&ALICE, BTC_BRANCH, 2 * ONE_BTC, 10_000 * USD);
		pass(YEAR);
		shut_down_btc();
		pass_grace();
		assert_ok!(Vaults::settle(signed(&BOB), 0));
		if done {
			assert_ok!(Vaults::settle(signed(&BOB), 1));
			assert_ok!(Vaults::redeem(signed(&ALICE), BTC_BRANCH, 1_000 * USD));
		}
		assert_ok!(Vaults::do_try_state());
		change_branch(corrupt);
		assert_eq!(Vaults::do_try_state(), Err(TryRuntimeError::Other(message)));
	});
}

fn settlement(branch: &mut Branch) -> &mut Settlement {
	branch.settlement.as_mut().unwrap()
}

#[test]
fn pot() {
	let message = "a branch's account does not hold its collateral and its pot, no more and no less";
	for done in [false, true] {
		breaks_settlement(message, done, |branch| settlement(branch).pot += 1);
		breaks_settlement(message, done, |branch| settlement(branch).pot -= 1);
	}
}

#[test]
fn claims() {
	let message = "there are more claims than a branch issued";
	breaks_settlement(message, true, |branch| {
		*settlement(branch).claims.as_mut().unwrap() += 1
	});
	breaks_settlement(message, true, |branch| branch.issued -= 1);
	let message = "there are fewer claims than a branch issued";
	breaks_settlement(message, true, |branch| {
		*settlement(branch).claims.as_mut().unwrap() -= 1
	});
	breaks_settlement(message, true, |branch| branch.issued += 1);
	let message = "interest of a settled branch waits to be minted";
	breaks_settlement(message, true, |branch| branch.unminted += 1);
	breaks_settlement(
		"a branch's claims are fixed while its vaults owe",
		false,
		|branch| settlement(branch).claims = Some(5),
	);
}

#[test]
fn claims_on_nothing() {
	ExtBuilder::default().build().execute_with(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		shut_down_btc();
		pass_grace();
		assert_ok!(Vaults::settle(signed(&BOB), 0));
		let pot = settlement(&mut branch(BTC_BRANCH)).pot;
		change_branch(|branch| settlement(branch).pot = 0);
		let account = Vaults::branch_account(BTC_BRANCH);
		assert_ok!(Assets::transfer(signed(&account), BTC, ALICE, pot));
		let message = TryRuntimeError::Other("there are claims on an empty pot");
		assert_eq!(Vaults::do_try_state(), Err(message));
	});
}

#[test]
fn settled_debt() {
	breaks_settlement("a branch issued more than its vaults owe", false, |branch| {
		settlement(branch).settled -= 4
	});
	breaks_settlement(
		"a branch's vaults owe more than rounding explains",
		false,
		|branch| settlement(branch).settled += 10,
	);
}

#[test]
fn shutdown_in_the_future() {
	for done in [false, true] {
		breaks_settlement("a branch was shut down in the future", done, |branch| {
			settlement(branch).at = Now::get() + 1
		});
	}
}

#[test]
fn settled_within_the_grace_period() {
	for done in [false, true] {
		breaks_settlement("a vault was settled within the grace period", done, |branch| {
			settlement(branch).active_at += 1
		});
	}
}
