//! Claims: paid like a shortfall, but out and not burned, and what is left of them is nobody's here.

use frame_support::{assert_noop, assert_ok, assert_storage_noop};
use keel_primitives::{IncomeSource, InsuranceFund as _};
use sp_runtime::{ArithmeticError, TokenError};

use crate::{mock::*, Error, Event, Ledger};

#[test]
fn when_the_shared_tranche_suffices_should_touch_no_other() {
	ExtBuilder::default()
		.shared(50 * USD)
		.treasury(50 * USD)
		.build_and_execute(|| {
			let before = supply();
			assert_eq!(InsuranceFund::shared(), 50 * USD);
			assert_eq!(InsuranceFund::pay(&BOB, 50 * USD), Ok(50 * USD));
			let balances = InsuranceFund::balances();
			assert_eq!((balances.shared, balances.treasury), (0, 50 * USD));
			assert_eq!(InsuranceFund::shared(), 0);
			assert_eq!(Assets::balance(KUSD, BOB), ENDOWMENT + 50 * USD);
			assert_eq!(supply(), before, "nothing is burned");
			let totals = InsuranceFund::totals();
			assert_eq!(
				(totals.claims, totals.covered, totals.shortfalls),
				(50 * USD, 0, 0)
			);
		});
}

#[test]
fn when_the_shared_tranche_is_short_should_go_on_with_the_treasury() {
	ExtBuilder::default()
		.shared(30 * USD)
		.treasury(50 * USD)
		.build_and_execute(|| {
			assert_eq!(InsuranceFund::pay(&BOB, 50 * USD), Ok(50 * USD));
			let balances = InsuranceFund::balances();
			assert_eq!((balances.shared, balances.treasury), (0, 30 * USD));
			assert_eq!(
				last_event(),
				Event::ClaimPaid {
					to: BOB,
					shortfall: 50 * USD,
					shared: 30 * USD,
					treasury: 20 * USD,
				}
			);
		});
}

#[test]
fn when_the_treasury_reaches_its_cap_should_leave_the_rest_to_the_asker() {
	ExtBuilder::default()
		.shared(USD)
		.treasury(500 * USD)
		.build_and_execute(|| {
			assert_eq!(InsuranceFund::pay(&BOB, 151 * USD), Ok(101 * USD));
			assert_eq!(InsuranceFund::balances().treasury, 400 * USD);
			assert_eq!(Assets::balance(KUSD, BOB), ENDOWMENT + 101 * USD);
			assert_eq!(InsuranceFund::bad_debt(), 0);
			assert_eq!(InsuranceFund::meters().drawn, 151 * USD, "all of it counts");
			// The cap holds for all of an hour together.
			assert_eq!(InsuranceFund::pay(&BOB, 100 * USD), Ok(0));
		});
}

#[test]
fn when_the_fund_is_empty_should_move_the_meter_alone() {
	ExtBuilder::default().build_and_execute(|| {
		let before = supply();
		let mut expected = Ledger::<Test>::get();
		assert_eq!(InsuranceFund::pay(&BOB, 7 * USD), Ok(0));
		expected.drawn.add(Now::get(), 7 * USD);
		assert_eq!(Ledger::<Test>::get(), expected);
		assert_eq!(InsuranceFund::bad_debt(), 0);
		assert_eq!((supply(), Assets::balance(KUSD, BOB)), (before, ENDOWMENT));
		assert_eq!(
			last_event(),
			Event::ClaimPaid {
				to: BOB,
				shortfall: 7 * USD,
				shared: 0,
				treasury: 0,
			}
		);
	});
}

#[test]
fn while_bad_debt_is_recorded_the_shared_tranche_has_nothing_to_pay() {
	ExtBuilder::default().bad_debt(10 * USD).build_and_execute(|| {
		// What comes in goes to the bad debt first.
		assert_ok!(InsuranceFund::receive(&ALICE, 4 * USD, IncomeSource::Trading));
		assert_eq!(InsuranceFund::shared(), 0);
		assert_eq!(InsuranceFund::quote_pay(5 * USD), Some(0));
		assert_eq!(InsuranceFund::pay(&BOB, 5 * USD), Ok(0));
		assert_eq!(InsuranceFund::bad_debt(), 6 * USD, "a claim adds nothing to it");
		// Beyond it there is something again.
		assert_ok!(InsuranceFund::receive(&ALICE, 10 * USD, IncomeSource::Trading));
		assert_eq!(InsuranceFund::pay(&BOB, 5 * USD), Ok(4 * USD));
		assert_eq!(
			last_event(),
			Event::ClaimPaid {
				to: BOB,
				shortfall: 5 * USD,
				shared: 3 * USD,
				treasury: USD,
			}
		);
	});
}

#[test]
fn while_bad_debt_is_recorded_the_treasury_pays_up_to_its_cap_as_of_a_shortfall() {
	ExtBuilder::default()
		.treasury(500 * USD)
		.bad_debt(10 * USD)
		.build_and_execute(|| {
			assert_eq!(InsuranceFund::cover(40 * USD, 0).unwrap().covered, 40 * USD);
			assert_eq!(InsuranceFund::pay(&BOB, 150 * USD), Ok(60 * USD));
			assert_eq!(InsuranceFund::balances().treasury, 400 * USD);
			assert_eq!(InsuranceFund::bad_debt(), 10 * USD);
		});
}

#[test]
fn an_account_that_does_not_exist_can_be_paid() {
	ExtBuilder::default().shared(USD).build_and_execute(|| {
		assert_eq!(InsuranceFund::pay(&77, 1), Ok(1));
		assert_eq!(Assets::balance(KUSD, 77), 1);
	});
}

#[test]
fn when_zero_should_touch_nothing() {
	ExtBuilder::default().shared(USD).build_and_execute(|| {
		assert_storage_noop!(assert_eq!(InsuranceFund::pay(&BOB, 0), Ok(0)));
	});
}

#[test]
fn fails_to_the_fund_itself() {
	ExtBuilder::default().shared(USD).build_and_execute(|| {
		assert_noop!(
			InsuranceFund::pay(&InsuranceFund::account(), 1),
			Error::<Test>::OwnAccount
		);
	});
}

#[test]
fn when_the_receiver_is_blocked_should_change_nothing() {
	ExtBuilder::default().shared(USD).build_and_execute(|| {
		assert_ok!(Assets::block(RuntimeOrigin::signed(ISSUER), KUSD, BOB));
		assert_noop!(InsuranceFund::pay(&BOB, 2 * USD), TokenError::Blocked);
		assert_eq!(InsuranceFund::meters().drawn, 0);
	});
}

#[test]
fn when_the_books_overflow_should_change_nothing() {
	new_test_ext().execute_with(|| {
		// As much as can be was paid already, and there is more.
		Ledger::<Test>::mutate(|accounts| {
			accounts.books.shared.inflow = u128::MAX;
			accounts.books.shared.outflow = u128::MAX;
			accounts.books.claims = u128::MAX;
		});
		FundShare::set(sp_runtime::FixedU128::from_u32(0));
		assert_ok!(InsuranceFund::receive(&ALICE, USD, IncomeSource::Trading));
		assert_eq!(InsuranceFund::quote_pay(USD), None);
		assert_noop!(InsuranceFund::pay(&BOB, USD), ArithmeticError::Overflow);
		assert_ok!(InsuranceFund::do_try_state());
	});
}
