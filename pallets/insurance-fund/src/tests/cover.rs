//! The waterfall: shared tranche, treasury tranche up to its cap, bad debt.

use frame_support::{assert_noop, assert_ok, assert_storage_noop};
use keel_primitives::{Coverage, InsuranceFund as _};
use sp_runtime::ArithmeticError;

use crate::{mock::*, Event, Ledger};

#[test]
fn when_the_shared_tranche_suffices_should_touch_no_other() {
	ExtBuilder::default()
		.shared(50 * USD)
		.treasury(50 * USD)
		.build_and_execute(|| {
			let before = supply();
			assert_eq!(
				InsuranceFund::cover(50 * USD, 0),
				Ok(Coverage {
					covered: 50 * USD,
					bad_debt: 0
				})
			);
			let balances = InsuranceFund::balances();
			assert_eq!((balances.shared, balances.treasury), (0, 50 * USD));
			assert_eq!(supply(), before - 50 * USD);
			assert_eq!(InsuranceFund::bad_debt(), 0);
		});
}

#[test]
fn when_the_shared_tranche_is_short_should_go_on_with_the_treasury() {
	ExtBuilder::default()
		.shared(30 * USD)
		.treasury(50 * USD)
		.build_and_execute(|| {
			assert_eq!(
				InsuranceFund::cover(50 * USD, 0),
				Ok(Coverage {
					covered: 50 * USD,
					bad_debt: 0
				})
			);
			let balances = InsuranceFund::balances();
			assert_eq!((balances.shared, balances.treasury), (0, 30 * USD));
			assert_eq!(
				last_event(),
				Event::ShortfallCovered {
					shortfall: 50 * USD,
					shared: 30 * USD,
					treasury: 20 * USD,
					bad_debt: 0
				}
			);
		});
}

#[test]
fn when_the_treasury_reaches_its_cap_should_record_the_rest() {
	ExtBuilder::default()
		.shared(USD)
		.treasury(500 * USD)
		.build_and_execute(|| {
			let before = supply();
			assert_eq!(
				InsuranceFund::cover(151 * USD, 0),
				Ok(Coverage {
					covered: 101 * USD,
					bad_debt: 50 * USD
				})
			);
			assert_eq!(InsuranceFund::balances().treasury, 400 * USD);
			assert_eq!(InsuranceFund::bad_debt(), 50 * USD);
			assert_eq!(supply(), before - 101 * USD);
		});
}

/// The cap is a window: fifty small shortfalls take no more of the treasury within an hour than one large
/// one.
#[test]
fn the_cap_holds_within_an_hour_however_many_shortfalls_there_are() {
	ExtBuilder::default().treasury(500 * USD).build_and_execute(|| {
		for _ in 0..50 {
			assert_ok!(InsuranceFund::cover(10 * USD, 0));
		}
		assert_eq!(InsuranceFund::balances().treasury, 400 * USD);
		assert_eq!(InsuranceFund::bad_debt(), 400 * USD);
		assert_eq!(InsuranceFund::meters().treasury_paid, 100 * USD);
		// Claims are paid out of the same.
		assert_eq!(InsuranceFund::pay(&BOB, 10 * USD), Ok(0));
		// An hour later 100 · (1 − 1/e) = 63.2 are free again.
		advance(HOUR);
		assert_eq!(InsuranceFund::quote_pay(500 * USD), Some(63_212_055));
		assert_eq!(InsuranceFund::cover(100 * USD, 0).unwrap().covered, 63_212_055);
		assert_eq!(InsuranceFund::pay(&BOB, 10 * USD), Ok(0));
	});
}

#[test]
fn when_the_fund_is_empty_should_record_everything() {
	ExtBuilder::default().build_and_execute(|| {
		let before = supply();
		assert_eq!(
			InsuranceFund::cover(7, 0),
			Ok(Coverage {
				covered: 0,
				bad_debt: 7
			})
		);
		assert_eq!(
			InsuranceFund::cover(5, 0),
			Ok(Coverage {
				covered: 0,
				bad_debt: 5
			})
		);
		assert_eq!(InsuranceFund::bad_debt(), 12);
		assert_eq!(supply(), before);
	});
}

#[test]
fn when_zero_should_touch_nothing() {
	ExtBuilder::default().shared(USD).build_and_execute(|| {
		assert_storage_noop!(assert_eq!(InsuranceFund::cover(0, 0), Ok(Coverage::default())));
	});
}

#[test]
fn when_the_books_overflow_should_change_nothing() {
	ExtBuilder::default().shared(USD).build_and_execute(|| {
		assert_ok!(InsuranceFund::cover(2 * USD, 0));
		assert_noop!(InsuranceFund::cover(u128::MAX, 0), ArithmeticError::Overflow);
	});
}

#[test]
fn when_the_synthetic_is_frozen_should_change_nothing() {
	ExtBuilder::default().shared(USD).build_and_execute(|| {
		assert_ok!(Assets::freeze_asset(RuntimeOrigin::signed(ISSUER), KUSD));
		let before = Ledger::<Test>::get();
		assert!(InsuranceFund::cover(USD, 0).is_err());
		assert_eq!(Ledger::<Test>::get(), before);
	});
}
