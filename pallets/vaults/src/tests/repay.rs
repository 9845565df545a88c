use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, Change, Error, Event};

mod repay {
	use super::*;

	#[test]
	fn by_anyone_at_their_own_expense() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			open(&BOB, ETH_BRANCH, 100 * ONE_ETH, 5_000 * USD);
			assert_ok!(Vaults::repay(signed(&BOB), id, 4_000 * USD));
			assert_eq!(
				last_event(),
				Event::DebtRepaid {
					vault: id,
					by: BOB,
					amount: 4_000 * USD,
					debt: 16_000 * USD
				}
			);
			assert_eq!((kusd(&ALICE), kusd(&BOB)), (20_000 * USD, 1_000 * USD));
		});
	}

	#[test]
	fn is_capped_at_the_debt() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			assert_ok!(Vaults::repay(signed(&ALICE), id, u128::MAX));
			assert_eq!(
				last_event(),
				Event::DebtRepaid {
					vault: id,
					by: ALICE,
					amount: 20_000 * USD,
					debt: 0
				}
			);
			// The collateral stays the owner's.
			assert_eq!(vault(id).collateral, ONE_BTC);
		});
	}

	#[test]
	fn of_one_more_than_the_debt_is_all() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			assert_ok!(Vaults::repay(signed(&ALICE), id, 20_000 * USD + 1));
			assert_eq!(debt(id), 0);
		});
	}

	#[test]
	fn cannot_push_a_vault_below_the_minimum() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 1_000 * USD);
			open(&BOB, ETH_BRANCH, 100 * ONE_ETH, 5_000 * USD);
			for amount in [900 * USD + 1, 1_000 * USD - 1] {
				assert_noop!(
					Vaults::repay(signed(&BOB), id, amount),
					Error::<Test>::DebtBelowMinimum
				);
			}
			assert_ok!(Vaults::repay(signed(&BOB), id, 900 * USD));
			// The owner is not stuck: all of it can still be repaid.
			assert_ok!(Vaults::close(signed(&ALICE), id));
		});
	}

	#[test]
	fn fails_when_there_is_nothing_to_repay() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 1_000 * USD);
			assert_noop!(
				Vaults::repay(signed(&ALICE), id, 0),
				Error::<Test>::NothingChanged
			);
			assert_ok!(Vaults::adjust(
				signed(&ALICE),
				id,
				Change::Keep,
				Change::Decrease(u128::MAX)
			));
			assert_noop!(
				Vaults::repay(signed(&ALICE), id, 5),
				Error::<Test>::NothingChanged
			);
			assert_noop!(Vaults::repay(signed(&ALICE), 5, 5), Error::<Test>::UnknownVault);
		});
	}

	#[test]
	fn fails_without_the_means() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 1_000 * USD);
			assert!(Vaults::repay(signed(&PAUPER), id, 500 * USD).is_err());
			assert_eq!(debt(id), 1_000 * USD);
		});
	}

	#[test]
	fn of_dust_never_relieves_of_more_than_is_burned() {
		ExtBuilder::default().build_and_execute(|| {
			set_index(BTC_BRANCH, keel_math::RAY * 164_872 / 100_000 + 1);
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 10_000 * USD);
			set_parameters(BTC_BRANCH, |p| p.stability_fee = percent(50));
			pass(PERIOD);
			for amount in 1..50u128 {
				let before = debt(id);
				assert_ok!(Vaults::repay(signed(&ALICE), id, amount));
				assert!(debt(id) >= before - amount);
				assert_ok!(Vaults::do_try_state());
			}
		});
	}
}

mod top_up {
	use super::*;

	#[test]
	fn by_anyone_at_their_own_expense() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			let before = Assets::balance(BTC, &BOB);
			assert_ok!(Vaults::top_up(signed(&BOB), id, ONE_BTC));
			assert_eq!(
				last_event(),
				Event::CollateralAdded {
					vault: id,
					by: BOB,
					amount: ONE_BTC,
					collateral: 2 * ONE_BTC
				}
			);
			assert_eq!(Assets::balance(BTC, &BOB), before - ONE_BTC);
			// Once in, it is the owner's.
			assert_ok!(Vaults::close(signed(&ALICE), id));
		});
	}

	#[test]
	fn fails_without_amount_means_or_vault() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			assert_noop!(
				Vaults::top_up(signed(&ALICE), id, 0),
				Error::<Test>::NothingChanged
			);
			assert_noop!(Vaults::top_up(signed(&ALICE), 9, 1), Error::<Test>::UnknownVault);
			assert!(Vaults::top_up(signed(&PAUPER), id, 1).is_err());
			assert_eq!(vault(id).collateral, ONE_BTC);
		});
	}
}
