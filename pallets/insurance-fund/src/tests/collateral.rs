//! Collateral bought and sold again.

use frame_support::{assert_noop, assert_ok, assert_storage_noop};
use keel_primitives::InsuranceFund as _;
use sp_runtime::{ArithmeticError, TokenError};

use crate::{mock::*, Collateral, Error, Event, Tranche};

#[test]
fn comes_in_and_goes_out() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(InsuranceFund::take_collateral(&ALICE, BTC, 3 * BITCOIN));
		assert_eq!(
			last_event(),
			Event::CollateralTaken {
				from: ALICE,
				asset: BTC,
				amount: 3 * BITCOIN
			}
		);
		assert_ok!(InsuranceFund::release_collateral(&BOB, BTC, BITCOIN));
		assert_eq!(
			last_event(),
			Event::CollateralReleased {
				to: BOB,
				asset: BTC,
				amount: BITCOIN
			}
		);
		assert_eq!(InsuranceFund::collateral(BTC), 2 * BITCOIN);
		assert_eq!(
			Collateral::<Test>::get(BTC),
			Some(Tranche {
				inflow: 3 * BITCOIN,
				outflow: BITCOIN
			})
		);
		assert_eq!(Assets::balance(BTC, BOB), ENDOWMENT + BITCOIN);
		assert_ok!(InsuranceFund::release_collateral(&BOB, BTC, 2 * BITCOIN));
		assert_eq!(InsuranceFund::collateral(BTC), 0);
		assert_eq!(Collateral::<Test>::get(BTC), None);
	});
}

#[test]
fn fails_beyond_what_is_held() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			InsuranceFund::release_collateral(&BOB, BTC, 1),
			Error::<Test>::CollateralTooSmall
		);
		assert_ok!(InsuranceFund::take_collateral(&ALICE, BTC, 5));
		assert_noop!(
			InsuranceFund::release_collateral(&BOB, BTC, 6),
			Error::<Test>::CollateralTooSmall
		);
		assert_noop!(
			InsuranceFund::release_collateral(&BOB, BTC, u128::MAX),
			Error::<Test>::CollateralTooSmall
		);
		assert_noop!(
			InsuranceFund::take_collateral(&ALICE, BTC, ENDOWMENT),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn the_synthetic_is_not_collateral() {
	ExtBuilder::default().shared(USD).build_and_execute(|| {
		assert_noop!(
			InsuranceFund::take_collateral(&ALICE, KUSD, 1),
			Error::<Test>::NotCollateral
		);
		// Nor can the fund's own money leave this way.
		assert_noop!(
			InsuranceFund::release_collateral(&BOB, KUSD, 1),
			Error::<Test>::CollateralTooSmall
		);
	});
}

#[test]
fn fails_with_the_fund_on_both_sides() {
	ExtBuilder::default().build_and_execute(|| {
		let fund = InsuranceFund::account();
		assert_ok!(InsuranceFund::take_collateral(&ALICE, BTC, 5));
		assert_noop!(
			InsuranceFund::take_collateral(&fund, BTC, 5),
			Error::<Test>::OwnAccount
		);
		assert_noop!(
			InsuranceFund::release_collateral(&fund, BTC, 5),
			Error::<Test>::OwnAccount
		);
	});
}

#[test]
fn holds_as_many_kinds_as_it_may() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(InsuranceFund::take_collateral(&ALICE, BTC, 5));
		assert_ok!(InsuranceFund::take_collateral(&ALICE, ETH, 5));
		assert_noop!(
			InsuranceFund::take_collateral(&ALICE, DOT, 5),
			Error::<Test>::TooManyCollaterals
		);
		// A known one is always welcome.
		assert_ok!(InsuranceFund::take_collateral(&ALICE, BTC, 5));
		assert_eq!(InsuranceFund::collateral(BTC), 10);
	});
}

/// A kind that is sold out is forgotten: the bound is on what is held, not on what ever was.
#[test]
fn what_is_sold_out_makes_room_for_another_kind() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(InsuranceFund::take_collateral(&ALICE, BTC, 5));
		assert_ok!(InsuranceFund::take_collateral(&ALICE, ETH, 5));
		assert_ok!(InsuranceFund::release_collateral(&BOB, BTC, 5));
		assert_eq!(InsuranceFund::collaterals(), vec![ETH]);
		assert_ok!(InsuranceFund::take_collateral(&ALICE, DOT, 5));
		assert_noop!(
			InsuranceFund::take_collateral(&ALICE, BTC, 5),
			Error::<Test>::TooManyCollaterals
		);
	});
}

#[test]
fn when_zero_should_touch_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		assert_storage_noop!(InsuranceFund::take_collateral(&ALICE, BTC, 0).unwrap());
		assert_storage_noop!(InsuranceFund::release_collateral(&ALICE, BTC, 0).unwrap());
	});
}

#[test]
fn when_the_books_overflow_should_change_nothing() {
	new_test_ext().execute_with(|| {
		Collateral::<Test>::insert(
			BTC,
			Tranche {
				inflow: u128::MAX,
				outflow: u128::MAX,
			},
		);
		assert_noop!(
			InsuranceFund::take_collateral(&ALICE, BTC, 1),
			ArithmeticError::Overflow
		);
	});
}

#[test]
fn when_the_receiver_is_blocked_should_change_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(InsuranceFund::take_collateral(&ALICE, BTC, 5));
		assert_ok!(Assets::block(RuntimeOrigin::signed(ISSUER), BTC, BOB));
		assert_noop!(
			InsuranceFund::release_collateral(&BOB, BTC, 5),
			TokenError::Blocked
		);
	});
}
