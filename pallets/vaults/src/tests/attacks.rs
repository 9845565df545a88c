use frame_support::{assert_noop, assert_ok};
use keel_primitives::{PositionLedger, PriceFor};

use crate::{
	mock::*,
	Change::{Decrease, Increase, Keep},
	Error,
};

#[test]
fn dust_top_ups_every_block_do_not_dodge_liquidation() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
		fund_pool(50_000 * USD);
		move_price(BTC, dollars(43_000));
		for _ in 0..5 {
			pass(2_000);
			assert_ok!(Vaults::top_up(signed(&ALICE), id, 1));
			assert_ok!(Vaults::repay(signed(&ALICE), id, 1));
			assert_ok!(Vaults::adjust(signed(&ALICE), id, Increase(1), Keep));
			// Even with the price of before the dust.
			assert_ok!(Vaults::deficit(Group::Branch(BTC_BRANCH), id));
		}
		assert_eq!(vault(id).risk_added_at, START);
		assert_ok!(Vaults::liquidate(Group::Branch(BTC_BRANCH), id));
	});
}

#[test]
fn dust_risk_every_block_does_not_dodge_liquidation() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
		move_price(BTC, dollars(43_000));
		// An unsafe vault can't add risk, so it can't date itself anew.
		assert_noop!(
			Vaults::adjust(signed(&ALICE), id, Decrease(1), Keep),
			Error::<Test>::RatioTooLow
		);
		assert_noop!(
			Vaults::adjust(signed(&ALICE), id, Keep, Increase(1)),
			Error::<Test>::RatioTooLow
		);
		assert_ok!(Vaults::deficit(Group::Branch(BTC_BRANCH), id));
	});
}

#[test]
fn stale_prices_do_not_mint_against_collateral_that_crashed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		RefusedFor::set(vec![PriceFor::AddRisk]);
		// The trigger would fall, yet the mint is refused.
		assert_noop!(
			Vaults::adjust(
				signed(&ALICE),
				id,
				Increase(100 * ONE_BTC),
				Increase(500_000 * USD)
			),
			refused()
		);
	});
}

#[test]
fn an_unsafe_vault_mints_nothing_even_in_proportion() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
		move_price(BTC, dollars(40_000));
		assert_noop!(
			Vaults::adjust(signed(&ALICE), id, Increase(ONE_BTC), Increase(35_000 * USD)),
			Error::<Test>::RatioTooLow
		);
	});
}

#[test]
fn opening_and_closing_many_times_earns_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		set_parameters(BTC_BRANCH, |p| p.stability_fee = percent(50));
		set_index(BTC_BRANCH, keel_math::RAY * 164_872 / 100_000 + 1);
		pass(PERIOD);
		let spare = open(&ALICE, BTC_BRANCH, ONE_BTC, 1_000 * USD);
		let before = kusd(&ALICE);
		for i in 0..50 {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 100 * USD + i);
			assert_ok!(Vaults::adjust(signed(&ALICE), id, Keep, Increase(1)));
			assert_ok!(Vaults::adjust(signed(&ALICE), id, Keep, Decrease(1)));
			assert_ok!(Vaults::close(signed(&ALICE), id));
		}
		assert!(kusd(&ALICE) <= before);
		assert_ok!(Vaults::repay(signed(&ALICE), spare, 1));
	});
}

#[test]
fn dust_vaults_cost_their_deposit() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(Balances::force_set_balance(
			RuntimeOrigin::root(),
			ALICE,
			3 * DEPOSIT + 1
		));
		let least = 280_001; // 100 · 1.4 / 50,000 BTC, and the confidence
		for _ in 0..3 {
			open(&ALICE, BTC_BRANCH, least, 100 * USD);
		}
		assert!(Vaults::open(signed(&ALICE), BTC_BRANCH, least, 100 * USD).is_err());
		assert_eq!(held(&ALICE), 3 * DEPOSIT);
	});
}

#[test]
fn a_third_party_cannot_move_a_vault_closer_to_liquidation() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
		open(&BOB, ETH_BRANCH, 100 * ONE_ETH, 50_000 * USD);
		let price = Vaults::liquidation_price(id).unwrap();
		pass(2_000);
		assert_ok!(Vaults::repay(signed(&BOB), id, 1));
		assert_ok!(Vaults::top_up(signed(&BOB), id, 1));
		assert!(Vaults::liquidation_price(id).unwrap() <= price);
		for call in [Keep, Increase(1), Decrease(1)] {
			assert_noop!(
				Vaults::adjust(signed(&BOB), id, call, call),
				Error::<Test>::NotOwner
			);
		}
	});
}

#[test]
fn a_jump_between_plan_and_price_leaves_no_unsafe_newborn() {
	ExtBuilder::default().build_and_execute(|| {
		// The most a vault can mint, at prices, fees and margins of all sizes: safe the moment it exists.
		set_parameters(BTC_BRANCH, |p| p.safety_margin = percent(0));
		// Rounding may make her owe a unit more than she minted.
		open(&ALICE, ETH_BRANCH, ONE_ETH, 1_000 * USD);
		for price in [1u128, 3, 997, 43_210, 7_777_777] {
			for fee in [0, 13] {
				set_parameters(BTC_BRANCH, |p| p.stability_fee = percent(fee));
				pass(PERIOD * 7 + 1_000);
				set_price(BTC, dollars(price));
				let most = Vaults::maximum_mintable(BTC_BRANCH, 1_000 * ONE_BTC).unwrap();
				let id = open(&ALICE, BTC_BRANCH, 1_000 * ONE_BTC, most);
				assert!(unsafe_vaults(BTC_BRANCH).is_empty());
				assert_ok!(Vaults::repay(signed(&ALICE), id, u128::MAX));
			}
		}
	});
}
