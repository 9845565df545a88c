use frame_support::{assert_noop, assert_ok};
use keel_math::FixedU128;
use keel_primitives::{Level, PriceFor};

use crate::{
	mock::*,
	Change::{Decrease, Increase, Keep},
	Error, Preview,
};

#[test]
fn health_says_how_a_vault_is() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(Vaults::health(0), None);
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		let health = Vaults::health(id).unwrap();
		assert_eq!((health.collateral, health.debt), (ONE_BTC, 20_000 * USD));
		assert_eq!(
			(health.value, health.ratio),
			(Some(50_000 * USD), Some(percent(250)))
		);
		assert_eq!(
			(health.liquidation_ratio, health.liquidation_ratio_target),
			(percent(130), percent(130))
		);
		assert_eq!(health.liquidation_price, Some(dollars(26_000)));
		assert_eq!(Vaults::liquidation_price(id), Some(dollars(26_000)));
		assert_eq!(health.safe, Ok(true));

		pass(YEAR);
		assert!(Vaults::health(id).unwrap().debt > 20_000 * USD);
		RefusedFor::set(vec![PriceFor::Liquidate]);
		let health = Vaults::health(id).unwrap();
		assert_eq!(
			(health.value, health.ratio, health.safe),
			(None, None, Err(refused()))
		);
	});
}

#[test]
fn the_liquidation_price_is_where_safe_ends() {
	ExtBuilder::default().build_and_execute(|| {
		set_parameters(BTC_BRANCH, |p| p.stability_fee = percent(7));
		set_index(BTC_BRANCH, keel_math::RAY * 10_236 / 10_000 + 1);
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC - 7, 20_000 * USD + 3);
		pass(YEAR / 3);
		let price = Vaults::liquidation_price(id).unwrap();
		move_price(BTC, price);
		assert!(unsafe_vaults(BTC_BRANCH).is_empty());
		move_price(BTC, FixedU128::from_inner(price.into_inner() - 2));
		assert_eq!(unsafe_vaults(BTC_BRANCH), vec![id]);
		assert_ok!(Vaults::repay(signed(&ALICE), id, 10_000 * USD));
		assert!(Vaults::liquidation_price(id).unwrap() < price);
		assert_eq!(Vaults::liquidation_price(9), None);
	});
}

#[test]
fn the_maximum_mintable_is_exact() {
	ExtBuilder::default().build_and_execute(|| {
		set_parameters(BTC_BRANCH, |p| p.stability_fee = percent(37));
		set_index(BTC_BRANCH, keel_math::RAY * 10_543 / 10_000 + 1);
		pass(3_600_000);
		set_price(BTC, FixedU128::from_inner(43_210_987_654_321_987_654_321));
		for collateral in [ONE_BTC, 987_654_321, 3_333_333] {
			let most = Vaults::maximum_mintable(BTC_BRANCH, collateral).unwrap();
			assert!(Vaults::preview_open(BTC_BRANCH, collateral, most).is_ok());
			assert_eq!(
				Vaults::preview_open(BTC_BRANCH, collateral, most + 1),
				Err(Error::<Test>::RatioTooLow.into())
			);
			let id = open(&ALICE, BTC_BRANCH, collateral, most / 2);
			pass(PERIOD);
			let more = Vaults::maximum_mintable_by(id).unwrap();
			assert_noop!(
				Vaults::adjust(signed(&ALICE), id, Keep, Increase(more + 1)),
				Error::<Test>::RatioTooLow
			);
			assert_ok!(Vaults::adjust(signed(&ALICE), id, Keep, Increase(more)));
			assert!(Vaults::maximum_mintable_by(id).unwrap() <= 1);
		}
	});
}

#[test]
fn the_maximum_mintable_knows_ceiling_minimum_and_refusal() {
	ExtBuilder::default().build_and_execute(|| {
		set_parameters(BTC_BRANCH, |p| p.debt_ceiling = 1_000 * USD);
		assert_eq!(Vaults::maximum_mintable(BTC_BRANCH, ONE_BTC), Ok(1_000 * USD));
		set_parameters(BTC_BRANCH, |p| p.debt_ceiling = 99 * USD);
		assert_eq!(Vaults::maximum_mintable(BTC_BRANCH, ONE_BTC), Ok(0));
		assert_eq!(Vaults::maximum_mintable(BTC_BRANCH, 1), Ok(0));
		assert_eq!(Vaults::maximum_mintable(BTC_BRANCH, 0), Ok(0));
		assert_eq!(
			Vaults::maximum_mintable(9, 0),
			Err(Error::<Test>::UnknownBranch.into())
		);
		assert_eq!(
			Vaults::maximum_mintable_by(9),
			Err(Error::<Test>::UnknownVault.into())
		);
		RefusedFor::set(vec![PriceFor::AddRisk]);
		assert_eq!(Vaults::maximum_mintable(BTC_BRANCH, ONE_BTC), Err(refused()));
	});
}

#[test]
fn previews_say_what_the_calls_would_do() {
	ExtBuilder::default().build_and_execute(|| {
		let preview = Vaults::preview_open(BTC_BRANCH, ONE_BTC, 20_000 * USD).unwrap();
		assert_eq!(
			preview,
			Preview {
				deposited: ONE_BTC,
				withdrawn: 0,
				minted: 20_000 * USD,
				repaid: 0,
				collateral: ONE_BTC,
				debt: 20_000 * USD,
				adds_risk: true,
				liquidation_price: Some(dollars(26_000)),
			}
		);
		// Nothing was done.
		assert_eq!(crate::Vaults::<Test>::iter().count(), 0);
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		assert_eq!(Vaults::liquidation_price(id), preview.liquidation_price);
		let preview = Vaults::preview_adjust(id, Increase(ONE_BTC), Decrease(u128::MAX)).unwrap();
		assert_eq!((preview.debt, preview.repaid), (0, 20_000 * USD));
		assert_eq!((preview.adds_risk, preview.liquidation_price), (false, None));
		assert_eq!(debt(id), 20_000 * USD);
		assert_eq!(
			Vaults::preview_adjust(id, Keep, Increase(20_000 * USD)),
			Err(Error::<Test>::RatioTooLow.into())
		);
		assert_eq!(
			Vaults::preview_adjust(9, Keep, Keep),
			Err(Error::<Test>::UnknownVault.into())
		);
	});
}

#[test]
fn owners_and_branches_are_found() {
	ExtBuilder::default().build_and_execute(|| {
		let ids: Vec<_> = (0..5)
			.map(|_| open(&ALICE, BTC_BRANCH, ONE_BTC, 1_000 * USD))
			.collect();
		open(&BOB, ETH_BRANCH, ONE_ETH, 1_000 * USD);
		assert_eq!(Vaults::vaults_of(ALICE), ids);
		assert_eq!(Vaults::vaults_of(PAUPER), Vec::<u64>::new());
		let summary = Vaults::branch(BTC_BRANCH).unwrap();
		assert_eq!((summary.collateral, summary.debt), (5 * ONE_BTC, 5_000 * USD));
		assert_eq!((summary.collateral_asset, summary.feed), (BTC, BTC));
		assert_eq!(summary.account, Vaults::branch_account(BTC_BRANCH));
		assert_eq!(summary.ceiling_left, summary.ceiling - 5_000 * USD);
		assert_eq!(summary.required_ratio, percent(140));
		assert_eq!(
			(summary.level, summary.mint_level, summary.shut_down),
			(Level::Normal, Level::Normal, false)
		);
		assert_eq!(summary.mint_room, summary.ceiling - 5_000 * USD);
		assert_eq!(Some(summary.mint_room), Vaults::mint_room(BTC_BRANCH));
		// All of it came in just now: 100 % of the floor, 100,000 kUSD's worth.
		assert_eq!(summary.exit_room, 2 * ONE_BTC);
		assert_eq!(Some(summary.exit_room), Vaults::exit_room(BTC_BRANCH));
		assert_eq!((Vaults::mint_room(9), Vaults::exit_room(9)), (None, None));
		assert_eq!(Vaults::branch(9), None);
	});
}

#[test]
fn the_ceiling_left_counts_a_ledger_below_zero() {
	let mut branch = crate::Branch::new(BTC, BTC, 1, &default_parameters(), 1);
	assert_eq!(branch.ceiling_left(10), 10);
	branch.issued = -3;
	assert_eq!(branch.ceiling_left(10), 13);
	assert_eq!(branch.ceiling_left(u128::MAX), u128::MAX);
	branch.issued = 11;
	assert_eq!(branch.ceiling_left(10), 0);
}
