//! Collateral bought at a price.

use frame_support::{assert_noop, assert_ok};
use keel_primitives::{IncomeSource, InsuranceFund as _};
use sp_runtime::TokenError;

use crate::{mock::*, Collateral, Error, Event, Tranche};

#[test]
fn pays_the_price_out_of_the_shared_tranche() {
	ExtBuilder::default()
		.shared(50 * USD)
		.treasury(50 * USD)
		.build_and_execute(|| {
			let before = supply();
			assert_ok!(InsuranceFund::buy(&ALICE, BTC, 3 * BITCOIN, 30 * USD));
			assert_eq!(
				last_event(),
				Event::CollateralBought {
					seller: ALICE,
					asset: BTC,
					amount: 3 * BITCOIN,
					price: 30 * USD
				}
			);
			let balances = InsuranceFund::balances();
			assert_eq!((balances.shared, balances.treasury), (20 * USD, 50 * USD));
			assert_eq!(Assets::balance(KUSD, ALICE), ENDOWMENT + 30 * USD);
			assert_eq!(Assets::balance(BTC, ALICE), ENDOWMENT - 3 * BITCOIN);
			assert_eq!(InsuranceFund::collateral(BTC), 3 * BITCOIN);
			assert_eq!(InsuranceFund::totals().purchases, 30 * USD);
			assert_eq!(supply(), before);
			assert_eq!(InsuranceFund::meters().drawn, 0, "no shortfall");
			// What was taken and what was bought are in the same books, and go out alike.
			assert_ok!(InsuranceFund::take_collateral(&ALICE, BTC, BITCOIN));
			assert_ok!(InsuranceFund::release_collateral(&BOB, BTC, 3 * BITCOIN));
			assert_eq!(
				Collateral::<Test>::get(BTC),
				Some(Tranche {
					inflow: 4 * BITCOIN,
					outflow: 3 * BITCOIN
				})
			);
		});
}

#[test]
fn is_of_the_whole_or_nothing() {
	ExtBuilder::default()
		.shared(50 * USD)
		.treasury(50 * USD)
		.build_and_execute(|| {
			// The treasury tranche is not for buying.
			for price in [50 * USD + 1, u128::MAX] {
				assert_noop!(
					InsuranceFund::buy(&ALICE, BTC, BITCOIN, price),
					Error::<Test>::SharedTooSmall
				);
			}
			assert_noop!(
				InsuranceFund::buy(&ALICE, BTC, ENDOWMENT + 1, USD),
				TokenError::FundsUnavailable
			);
			assert_ok!(InsuranceFund::buy(&ALICE, BTC, BITCOIN, 50 * USD));
			assert_eq!(InsuranceFund::shared(), 0);
		});
}

#[test]
fn fails_while_bad_debt_is_recorded() {
	ExtBuilder::default()
		.treasury(50 * USD)
		.bad_debt(10 * USD)
		.build_and_execute(|| {
			assert_ok!(InsuranceFund::receive(&ALICE, 4 * USD, IncomeSource::Trading));
			assert_noop!(
				InsuranceFund::buy(&ALICE, BTC, BITCOIN, 1),
				Error::<Test>::SharedTooSmall
			);
			assert_ok!(InsuranceFund::pay_bad_debt(RuntimeOrigin::root(), 6 * USD));
			assert_ok!(InsuranceFund::donate(RuntimeOrigin::signed(ALICE), USD));
			assert_ok!(InsuranceFund::buy(&ALICE, BTC, BITCOIN, USD));
		});
}

#[test]
fn fails_for_nothing() {
	ExtBuilder::default().shared(USD).build_and_execute(|| {
		for price in [0, 1] {
			assert_noop!(
				InsuranceFund::buy(&ALICE, BTC, 0, price),
				Error::<Test>::NothingBought
			);
		}
	});
}

#[test]
fn when_the_price_is_nothing_should_take_the_collateral() {
	ExtBuilder::default().bad_debt(1).build_and_execute(|| {
		assert_ok!(InsuranceFund::buy(&ALICE, BTC, 5, 0));
		assert_eq!(InsuranceFund::collateral(BTC), 5);
		assert_eq!(InsuranceFund::totals().purchases, 0);
	});
}

#[test]
fn fails_for_kusd_and_from_the_fund_itself() {
	ExtBuilder::default().shared(USD).build_and_execute(|| {
		assert_noop!(
			InsuranceFund::buy(&ALICE, KUSD, 2, 1),
			Error::<Test>::NotCollateral
		);
		assert_ok!(InsuranceFund::take_collateral(&ALICE, BTC, 5));
		assert_noop!(
			InsuranceFund::buy(&InsuranceFund::account(), BTC, 5, 1),
			Error::<Test>::OwnAccount
		);
	});
}

#[test]
fn holds_as_many_kinds_as_it_may() {
	ExtBuilder::default().shared(USD).build_and_execute(|| {
		assert_ok!(InsuranceFund::buy(&ALICE, BTC, 5, 1));
		assert_ok!(InsuranceFund::take_collateral(&ALICE, ETH, 5));
		assert_noop!(
			InsuranceFund::buy(&ALICE, DOT, 5, 1),
			Error::<Test>::TooManyCollaterals
		);
		assert_ok!(InsuranceFund::buy(&ALICE, ETH, 5, 1));
		assert_eq!(InsuranceFund::collateral(ETH), 10);
	});
}

#[test]
fn a_seller_may_give_all_it_has_and_be_paid() {
	ExtBuilder::default().shared(USD).build_and_execute(|| {
		assert_ok!(InsuranceFund::take_collateral(&ALICE, BTC, 5));
		assert_ok!(InsuranceFund::release_collateral(&77, BTC, 5));
		// Its only asset goes, and with it the account; the price brings it back.
		assert_ok!(InsuranceFund::buy(&77, BTC, 5, 3));
		assert_eq!((Assets::balance(BTC, 77), Assets::balance(KUSD, 77)), (0, 3));
	});
}

#[test]
fn when_the_seller_can_not_be_paid_should_change_nothing() {
	ExtBuilder::default().shared(USD).build_and_execute(|| {
		assert_ok!(Assets::block(RuntimeOrigin::signed(ISSUER), KUSD, ALICE));
		assert_noop!(InsuranceFund::buy(&ALICE, BTC, 5, 1), TokenError::Blocked);
		assert_eq!(InsuranceFund::collateral(BTC), 0);
	});
}
