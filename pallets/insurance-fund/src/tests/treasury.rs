//! What governance may do with the treasury tranche.

use frame_support::{assert_noop, assert_ok, assert_storage_noop};
use keel_primitives::InsuranceFund as _;
use sp_runtime::DispatchError;

use crate::{mock::*, Error, Event};

mod spend {
	use super::*;

	#[test]
	fn pays_from_the_treasury_alone() {
		ExtBuilder::default()
			.shared(9 * USD)
			.treasury(5 * USD)
			.build_and_execute(|| {
				assert_ok!(InsuranceFund::spend(RuntimeOrigin::root(), BOB, 5 * USD));
				let balances = InsuranceFund::balances();
				assert_eq!((balances.shared, balances.treasury), (9 * USD, 0));
				assert_eq!(Assets::balance(KUSD, BOB), ENDOWMENT + 5 * USD);
				assert_eq!(InsuranceFund::totals().spent, 5 * USD);
				assert_eq!(
					last_event(),
					Event::TreasurySpent {
						to: BOB,
						amount: 5 * USD
					}
				);
			});
	}

	#[test]
	fn never_reaches_the_shared_tranche() {
		ExtBuilder::default()
			.shared(9 * USD)
			.treasury(5 * USD)
			.build_and_execute(|| {
				assert_noop!(
					InsuranceFund::spend(RuntimeOrigin::root(), BOB, 5 * USD + 1),
					Error::<Test>::TreasuryTooSmall
				);
				assert_noop!(
					InsuranceFund::spend(RuntimeOrigin::root(), BOB, u128::MAX),
					Error::<Test>::TreasuryTooSmall
				);
			});
	}

	#[test]
	fn fails_while_bad_debt_is_recorded() {
		ExtBuilder::default()
			.treasury(5 * USD)
			.bad_debt(1)
			.build_and_execute(|| {
				assert_noop!(
					InsuranceFund::spend(RuntimeOrigin::root(), BOB, 1),
					Error::<Test>::BadDebtOutstanding
				);
				assert_ok!(InsuranceFund::pay_bad_debt(RuntimeOrigin::root(), 1));
				assert_ok!(InsuranceFund::spend(RuntimeOrigin::root(), BOB, 1));
			});
	}

	#[test]
	fn fails_for_anybody_else_and_to_the_fund_itself() {
		ExtBuilder::default().treasury(5 * USD).build_and_execute(|| {
			assert_noop!(
				InsuranceFund::spend(RuntimeOrigin::signed(ALICE), ALICE, 1),
				DispatchError::BadOrigin
			);
			assert_noop!(
				InsuranceFund::spend(RuntimeOrigin::root(), InsuranceFund::account(), 1),
				Error::<Test>::ProtocolAccount
			);
		});
	}

	/// Money is never sent to an account nobody owns: there it is stuck, and the books of the account's
	/// pallet are off by it.
	#[test]
	fn fails_to_any_account_of_the_protocol() {
		ExtBuilder::default().treasury(5 * USD).build_and_execute(|| {
			assert_noop!(
				InsuranceFund::spend(RuntimeOrigin::root(), POOL, 1),
				Error::<Test>::ProtocolAccount
			);
			assert_ok!(InsuranceFund::spend(RuntimeOrigin::root(), BOB, 1));
		});
	}

	#[test]
	fn when_the_receiver_is_blocked_should_change_nothing() {
		ExtBuilder::default().treasury(5 * USD).build_and_execute(|| {
			assert_ok!(Assets::block(RuntimeOrigin::signed(ISSUER), KUSD, BOB));
			let before = InsuranceFund::totals();
			assert!(InsuranceFund::spend(RuntimeOrigin::root(), BOB, 1).is_err());
			assert_eq!(InsuranceFund::totals(), before);
		});
	}

	#[test]
	fn when_zero_should_touch_nothing() {
		ExtBuilder::default().build_and_execute(|| {
			assert_storage_noop!(InsuranceFund::spend(RuntimeOrigin::root(), BOB, 0).unwrap());
		});
	}
}

mod pay_bad_debt {
	use super::*;

	#[test]
	fn burns_treasury_money_beyond_the_cap() {
		ExtBuilder::default()
			.treasury(500 * USD)
			.bad_debt(300 * USD)
			.build_and_execute(|| {
				let before = supply();
				assert!(TreasuryCap::get() < 250 * USD);
				assert_ok!(InsuranceFund::pay_bad_debt(RuntimeOrigin::root(), 250 * USD));
				assert_eq!(InsuranceFund::bad_debt(), 50 * USD);
				assert_eq!(InsuranceFund::balances().treasury, 250 * USD);
				assert_eq!(supply(), before - 250 * USD);
				assert_eq!(
					last_event(),
					Event::BadDebtPaid {
						amount: 250 * USD,
						bad_debt: 50 * USD
					}
				);
			});
	}

	#[test]
	fn fails_beyond_the_bad_debt_or_the_tranche() {
		ExtBuilder::default()
			.treasury(5 * USD)
			.bad_debt(3 * USD)
			.build_and_execute(|| {
				assert_noop!(
					InsuranceFund::pay_bad_debt(RuntimeOrigin::root(), 3 * USD + 1),
					Error::<Test>::ExceedsBadDebt
				);
				assert_ok!(InsuranceFund::pay_bad_debt(RuntimeOrigin::root(), 3 * USD));
				InsuranceFund::cover(200 * USD, 0).unwrap();
				assert_noop!(
					InsuranceFund::pay_bad_debt(RuntimeOrigin::root(), 1),
					Error::<Test>::TreasuryTooSmall
				);
			});
	}

	#[test]
	fn fails_for_anybody_else() {
		ExtBuilder::default()
			.treasury(5 * USD)
			.bad_debt(3 * USD)
			.build_and_execute(|| {
				assert_noop!(
					InsuranceFund::pay_bad_debt(RuntimeOrigin::signed(ALICE), 1),
					DispatchError::BadOrigin
				);
			});
	}

	#[test]
	fn when_zero_should_touch_nothing() {
		ExtBuilder::default().bad_debt(1).build_and_execute(|| {
			assert_storage_noop!(InsuranceFund::pay_bad_debt(RuntimeOrigin::root(), 0).unwrap());
		});
	}
}
