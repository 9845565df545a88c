use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, Change, Error, Event, OwnerVaults, Vaults as VaultMap};

#[test]
fn returns_everything() {
	ExtBuilder::default().build_and_execute(|| {
		let before = (Assets::balance(BTC, &ALICE), Balances::free_balance(&ALICE));
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		assert_ok!(Vaults::close(signed(&ALICE), id));
		assert_eq!(
			last_event(),
			Event::VaultClosed {
				vault: id,
				owner: ALICE,
				collateral: ONE_BTC,
				repaid: 20_000 * USD,
				deposit: DEPOSIT
			}
		);
		assert_eq!(
			(Assets::balance(BTC, &ALICE), Balances::free_balance(&ALICE)),
			before
		);
		assert_eq!((kusd(&ALICE), held(&ALICE)), (0, 0));
		assert_eq!(Assets::total_supply(KUSD), 0);
		assert!(!VaultMap::<Test>::contains_key(id));
		assert!(!OwnerVaults::<Test>::contains_key(&ALICE, id));
		assert_eq!(branch(BTC_BRANCH).issued, 0);
		// Numbers are never reused.
		assert_eq!(open(&ALICE, BTC_BRANCH, ONE_BTC, 100 * USD), id + 1);
	});
}

#[test]
fn needs_the_interest_too() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		pass(YEAR);
		assert!(Vaults::close(signed(&ALICE), id).is_err());
		open(&BOB, ETH_BRANCH, 100 * ONE_ETH, 1_000 * USD);
		assert_ok!(Assets::transfer(signed(&BOB), KUSD, ALICE, 1_000 * USD));
		let owed = debt(id);
		assert_ok!(Vaults::close(signed(&ALICE), id));
		assert_eq!(kusd(&ALICE), 21_000 * USD - owed);
		assert_eq!(branch(BTC_BRANCH).total_normalised, 0);
		// What is left of the ledger is what rounding took from the owners, in the protocol's favour.
		assert!((-2..=0).contains(&branch(BTC_BRANCH).issued));
	});
}

#[test]
fn works_for_an_empty_vault() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		let all = Change::Decrease(u128::MAX);
		assert_ok!(Vaults::adjust(signed(&ALICE), id, all, all));
		assert_ok!(Vaults::close(signed(&ALICE), id));
		assert_eq!(held(&ALICE), 0);
	});
}

#[test]
fn only_the_owner_may() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		assert_ok!(Assets::transfer(signed(&ALICE), KUSD, BOB, 20_000 * USD));
		assert_noop!(Vaults::close(signed(&BOB), id), Error::<Test>::NotOwner);
		assert_noop!(Vaults::close(signed(&BOB), 7), Error::<Test>::UnknownVault);
	});
}

#[test]
fn releases_the_deposit_that_was_held() {
	ExtBuilder::default().build_and_execute(|| {
		let [a, b] = [(); 2].map(|_| open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD));
		assert_eq!(held(&ALICE), 2 * DEPOSIT);
		assert_ok!(Vaults::close(signed(&ALICE), b));
		assert_eq!(held(&ALICE), DEPOSIT);
		assert_eq!(Vaults::vaults_of(ALICE), vec![a]);
	});
}
