//! What comes in, and where it goes.

use frame_support::{assert_noop, assert_ok, assert_storage_noop};
use keel_primitives::{IncomeSource, InsuranceFund as _};
use sp_runtime::{ArithmeticError, FixedU128, TokenError};

use crate::{mock::*, Error, Event, Income, Ledger};

mod receive {
	use super::*;

	#[test]
	fn splits_by_the_fund_share() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(InsuranceFund::receive(&ALICE, 100 * USD, IncomeSource::Penalty));
			let balances = InsuranceFund::balances();
			assert_eq!((balances.shared, balances.treasury), (75 * USD, 25 * USD));
			assert_eq!(Assets::balance(KUSD, ALICE), ENDOWMENT - 100 * USD);
			assert_eq!(
				last_event(),
				Event::IncomeReceived {
					source: IncomeSource::Penalty,
					amount: 100 * USD,
					burned: 0,
					shared: 75 * USD,
					treasury: 25 * USD
				}
			);
		});
	}

	#[test]
	fn splits_the_fees_of_markets_like_any_other() {
		ExtBuilder::default().bad_debt(20 * USD).build_and_execute(|| {
			assert_ok!(InsuranceFund::receive(&ALICE, 100 * USD, IncomeSource::Trading));
			assert_eq!(
				last_event(),
				Event::IncomeReceived {
					source: IncomeSource::Trading,
					amount: 100 * USD,
					burned: 20 * USD,
					shared: 60 * USD,
					treasury: 20 * USD
				}
			);
		});
	}

	#[test]
	fn rounds_to_the_shared_tranche() {
		ExtBuilder::default().build_and_execute(|| {
			assert_eq!(
				InsuranceFund::do_receive(&ALICE, 1, IncomeSource::Penalty),
				Ok(Income {
					burned: 0,
					shared: 1,
					treasury: 0
				})
			);
			assert_eq!(
				InsuranceFund::do_receive(&ALICE, 5, IncomeSource::Penalty),
				Ok(Income {
					burned: 0,
					shared: 4,
					treasury: 1
				})
			);
		});
	}

	#[test]
	fn when_the_share_is_above_one_should_keep_all_in_the_shared_tranche() {
		ExtBuilder::default().build_and_execute(|| {
			FundShare::set(FixedU128::from_u32(7));
			assert_eq!(
				InsuranceFund::do_receive(&ALICE, 100, IncomeSource::StabilityFee),
				Ok(Income {
					burned: 0,
					shared: 100,
					treasury: 0
				})
			);
		});
	}

	#[test]
	fn when_the_share_is_zero_should_keep_all_in_the_treasury_tranche() {
		ExtBuilder::default().build_and_execute(|| {
			FundShare::set(FixedU128::from_u32(0));
			assert_eq!(
				InsuranceFund::do_receive(&ALICE, 100, IncomeSource::Penalty),
				Ok(Income {
					burned: 0,
					shared: 0,
					treasury: 100
				})
			);
			// Collateral was paid for by the shared tranche: what it brings is no income to divide.
			assert_eq!(
				InsuranceFund::do_receive(&ALICE, 100, IncomeSource::Collateral),
				Ok(Income {
					burned: 0,
					shared: 100,
					treasury: 0
				})
			);
		});
	}

	#[test]
	fn burns_bad_debt_first() {
		ExtBuilder::default().bad_debt(60 * USD).build_and_execute(|| {
			let before = supply();
			assert_ok!(InsuranceFund::receive(&ALICE, 40 * USD, IncomeSource::Penalty));
			assert_eq!(InsuranceFund::bad_debt(), 20 * USD);
			assert_eq!(supply(), before - 40 * USD);
			assert_eq!(InsuranceFund::balances(), Default::default());

			assert_eq!(
				InsuranceFund::do_receive(&ALICE, 60 * USD, IncomeSource::Penalty),
				Ok(Income {
					burned: 20 * USD,
					shared: 30 * USD,
					treasury: 10 * USD
				})
			);
			assert_eq!(InsuranceFund::bad_debt(), 0);
			assert_eq!(supply(), before - 60 * USD);
			let books = InsuranceFund::totals();
			// What was burned passed through the shared tranche.
			assert_eq!((books.shared.inflow, books.shared.outflow), (90 * USD, 60 * USD));
			assert_eq!((books.shortfalls, books.covered), (60 * USD, 60 * USD));
		});
	}

	#[test]
	fn when_zero_should_touch_nothing() {
		ExtBuilder::default().bad_debt(USD).build_and_execute(|| {
			assert_storage_noop!(InsuranceFund::receive(&ALICE, 0, IncomeSource::Penalty).unwrap());
			assert_storage_noop!(InsuranceFund::mint(0, IncomeSource::StabilityFee).unwrap());
		});
	}

	#[test]
	fn fails_beyond_the_payers_balance() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(
				InsuranceFund::receive(&ALICE, ENDOWMENT + 1, IncomeSource::Penalty),
				TokenError::FundsUnavailable
			);
		});
	}

	#[test]
	fn fails_from_the_fund_itself() {
		ExtBuilder::default().shared(USD).build_and_execute(|| {
			assert_noop!(
				InsuranceFund::receive(&InsuranceFund::account(), USD, IncomeSource::Penalty),
				Error::<Test>::OwnAccount
			);
		});
	}

	#[test]
	fn when_the_books_overflow_should_change_nothing() {
		new_test_ext().execute_with(|| {
			// An inflow at the end of its range, all of it gone again.
			Ledger::<Test>::mutate(|accounts| {
				accounts.books.shared.inflow = u128::MAX;
				accounts.books.shared.outflow = u128::MAX;
				accounts.books.claims = u128::MAX;
			});
			assert_noop!(
				InsuranceFund::receive(&ALICE, 1, IncomeSource::Donation),
				ArithmeticError::Overflow
			);
			assert_noop!(
				InsuranceFund::mint(1, IncomeSource::Donation),
				ArithmeticError::Overflow
			);
			assert_ok!(InsuranceFund::do_try_state());
		});
	}
}

mod mint {
	use super::*;

	#[test]
	fn adds_to_the_supply_and_splits() {
		ExtBuilder::default().build_and_execute(|| {
			let before = supply();
			assert_ok!(InsuranceFund::mint(8 * USD, IncomeSource::StabilityFee));
			assert_eq!(supply(), before + 8 * USD);
			let balances = InsuranceFund::balances();
			assert_eq!((balances.shared, balances.treasury), (6 * USD, 2 * USD));
		});
	}

	#[test]
	fn when_bad_debt_is_larger_should_leave_the_supply_as_it_was() {
		ExtBuilder::default().bad_debt(10 * USD).build_and_execute(|| {
			let before = supply();
			assert_ok!(InsuranceFund::mint(8 * USD, IncomeSource::StabilityFee));
			assert_eq!(supply(), before);
			assert_eq!(InsuranceFund::bad_debt(), 2 * USD);
		});
	}

	#[test]
	fn fails_beyond_what_the_supply_can_be() {
		ExtBuilder::default().build_and_execute(|| {
			FeeWindow::set(FixedU128::from_inner(u128::MAX));
			let huge = 1_000_000_000_000_000_000;
			assert_ok!(InsuranceFund::mint(huge, IncomeSource::StabilityFee));
			assert_noop!(
				InsuranceFund::mint(u128::MAX - huge, IncomeSource::StabilityFee),
				ArithmeticError::Overflow
			);
		});
	}
}

mod donate {
	use super::*;
	use sp_runtime::DispatchError;

	#[test]
	fn goes_to_the_shared_tranche_alone() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(InsuranceFund::donate(RuntimeOrigin::signed(ALICE), 10 * USD));
			let balances = InsuranceFund::balances();
			assert_eq!((balances.shared, balances.treasury), (10 * USD, 0));
			assert_eq!(
				last_event(),
				Event::IncomeReceived {
					source: IncomeSource::Donation,
					amount: 10 * USD,
					burned: 0,
					shared: 10 * USD,
					treasury: 0
				}
			);
		});
	}

	#[test]
	fn pays_bad_debt_first() {
		ExtBuilder::default().bad_debt(4 * USD).build_and_execute(|| {
			assert_ok!(InsuranceFund::donate(RuntimeOrigin::signed(ALICE), 10 * USD));
			assert_eq!(InsuranceFund::bad_debt(), 0);
			assert_eq!(InsuranceFund::balances().shared, 6 * USD);
		});
	}

	#[test]
	fn fails_unsigned_and_from_a_frozen_account() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(
				InsuranceFund::donate(RuntimeOrigin::root(), USD),
				DispatchError::BadOrigin
			);
			assert_noop!(
				InsuranceFund::donate(RuntimeOrigin::none(), USD),
				DispatchError::BadOrigin
			);
			assert_ok!(Assets::freeze(RuntimeOrigin::signed(ISSUER), KUSD, ALICE));
			assert_noop!(
				InsuranceFund::donate(RuntimeOrigin::signed(ALICE), USD),
				TokenError::Frozen
			);
		});
	}

	#[test]
	fn may_give_everything() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(InsuranceFund::donate(RuntimeOrigin::signed(ALICE), ENDOWMENT));
			assert_eq!(Assets::balance(KUSD, ALICE), 0);
			assert_eq!(InsuranceFund::balances().shared, ENDOWMENT);
		});
	}
}

/// Income that reached the account without a transfer: fees of transactions.
mod note_income {
	use super::*;
	use frame_support::traits::fungibles::Mutate;

	#[test]
	fn books_what_has_arrived_bad_debt_first() {
		ExtBuilder::default().bad_debt(20 * USD).build_and_execute(|| {
			assert_ok!(<Assets as Mutate<_>>::transfer(
				KUSD,
				&ALICE,
				&InsuranceFund::account(),
				100 * USD,
				frame_support::traits::tokens::Preservation::Expendable,
			));
			assert_ok!(InsuranceFund::note_income(
				100 * USD,
				IncomeSource::TransactionFee
			));
			assert_eq!(
				last_event(),
				Event::IncomeReceived {
					source: IncomeSource::TransactionFee,
					amount: 100 * USD,
					burned: 20 * USD,
					shared: 60 * USD,
					treasury: 20 * USD
				}
			);
		});
	}

	/// What has not arrived breaks the books, and the check says so.
	#[test]
	fn fails_try_state_without_the_money() {
		new_test_ext().execute_with(|| {
			assert_ok!(InsuranceFund::note_income(100, IncomeSource::TransactionFee));
			assert_eq!(
				InsuranceFund::do_try_state(),
				Err("the fund holds less kUSD than its tranches".into())
			);
		});
	}

	#[test]
	fn of_nothing_is_nothing() {
		ExtBuilder::default().build_and_execute(|| {
			assert_storage_noop!(assert_ok!(InsuranceFund::note_income(
				0,
				IncomeSource::TransactionFee
			)));
		});
	}
}
