use frame_support::{assert_noop, assert_ok};
use keel_primitives::{Entry, PriceFor, TriggerIndex};
use sp_runtime::TokenError;

use crate::{mock::*, Error, Event, NextVaultId, OwnerVaults};

#[test]
fn moves_collateral_debt_and_deposit() {
	ExtBuilder::default().build_and_execute(|| {
		let before = Assets::balance(BTC, &ALICE);
		assert_ok!(Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, 20_000 * USD));

		assert_eq!(
			last_event(),
			Event::VaultOpened {
				vault: 0,
				owner: ALICE,
				branch: BTC_BRANCH,
				collateral: ONE_BTC,
				debt: 20_000 * USD
			}
		);
		assert_eq!(Assets::balance(BTC, &ALICE), before - ONE_BTC);
		assert_eq!(Assets::balance(BTC, Vaults::branch_account(BTC_BRANCH)), ONE_BTC);
		assert_eq!(kusd(&ALICE), 20_000 * USD);
		assert_eq!(held(&ALICE), DEPOSIT);
		assert_eq!(vault(0).risk_added_at, START);
		assert_eq!(branch(BTC_BRANCH).issued, 20_000 * USD as i128);
		assert_eq!(branch(BTC_BRANCH).operations, 1);
		// 20,000 kUSD per BTC.
		let entry = Entry {
			trigger: 20_000 * keel_math::ONE,
			debt: 20_000 * USD,
		};
		assert!(MockIndex::contains(Group::Branch(BTC_BRANCH), 0, entry));
		assert!(OwnerVaults::<Test>::contains_key(&ALICE, 0));
		assert_eq!(NextVaultId::<Test>::get(), 1);
	});
}

#[test]
fn works_at_the_exact_ratio_and_fails_one_unit_above() {
	ExtBuilder::default().build_and_execute(|| {
		// 130 % + 10 %: 50,000 / 1.4 = 35,714.285714…, one unit less for the confidence.
		let most = 35_714_285_713;
		assert_noop!(
			Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, most + 1),
			Error::<Test>::RatioTooLow
		);
		assert_ok!(Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, most));
		assert!(unsafe_vaults(BTC_BRANCH).is_empty());
	});
}

#[test]
fn new_risk_meets_the_target_of_volatility_at_once() {
	ExtBuilder::default().build_and_execute(|| {
		// 1 + 0.1 + 2.33 · 5 · √(1/365) = 1.7098; plus the margin 1.8098
		set_volatility(BTC, percent(500));
		assert_eq!(branch(BTC_BRANCH).ramped_ratio, percent(130));
		assert_noop!(
			Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, 27_630 * USD),
			Error::<Test>::RatioTooLow
		);
		assert_ok!(Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, 27_620 * USD));
	});
}

#[test]
fn counts_collateral_at_the_lower_of_spot_less_confidence_and_average() {
	ExtBuilder::default().build_and_execute(|| {
		let change = |f: fn(&mut keel_primitives::Price)| {
			set_price(BTC, dollars(50_000));
			PriceTable::mutate(|table| f(table.get_mut(&BTC).unwrap()));
		};
		let opens = || Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, 35_000 * USD);
		change(|price| price.twap = dollars(48_000));
		assert_noop!(opens(), Error::<Test>::RatioTooLow);
		change(|price| price.confidence = dollars(2_000));
		assert_noop!(opens(), Error::<Test>::RatioTooLow);
		// A higher average does not help.
		change(|price| price.twap = dollars(60_000));
		assert_noop!(
			Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, 36_000 * USD),
			Error::<Test>::RatioTooLow
		);
		assert_ok!(opens());
	});
}

#[test]
fn fails_below_the_minimum_debt() {
	ExtBuilder::default().build_and_execute(|| {
		for debt in [0, 1, 100 * USD - 1] {
			assert_noop!(
				Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, debt),
				Error::<Test>::DebtBelowMinimum
			);
		}
		set_parameters(BTC_BRANCH, |p| p.minimum_debt = 0);
		assert_noop!(
			Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, 0),
			Error::<Test>::DebtBelowMinimum
		);
		assert_ok!(Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, 1));
	});
}

#[test]
fn fails_above_the_ceiling() {
	ExtBuilder::default().build_and_execute(|| {
		set_parameters(BTC_BRANCH, |p| p.debt_ceiling = 30_000 * USD);
		open(&BOB, BTC_BRANCH, ONE_BTC, 10_000 * USD);
		assert_noop!(
			Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, 20_000 * USD + 1),
			Error::<Test>::CeilingReached
		);
		assert_ok!(Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, 20_000 * USD));
		// Another branch has its own.
		assert_ok!(Vaults::open(
			signed(&ALICE),
			ETH_BRANCH,
			100 * ONE_ETH,
			20_000 * USD
		));
	});
}

#[test]
fn fails_on_a_refused_missing_or_zero_price() {
	ExtBuilder::default().build_and_execute(|| {
		let opens = || Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, 1_000 * USD);
		RefusedFor::set(vec![PriceFor::AddRisk]);
		assert_noop!(opens(), refused());
		RefusedFor::set(vec![PriceFor::ReduceRisk, PriceFor::Liquidate]);
		assert_ok!(opens());
		set_price(BTC, dollars(0));
		assert_noop!(opens(), Error::<Test>::RatioTooLow);
		PriceTable::mutate(|table| table.remove(&BTC));
		assert_noop!(opens(), sp_runtime::DispatchError::Other("no price"));
	});
}

#[test]
fn fails_without_branch_collateral_or_deposit() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Vaults::open(signed(&ALICE), 9, 1, 1),
			Error::<Test>::UnknownBranch
		);
		assert_noop!(
			Vaults::open(signed(&ALICE), BTC_BRANCH, 0, 1_000 * USD),
			Error::<Test>::RatioTooLow
		);
		assert!(Vaults::open(signed(&PAUPER), BTC_BRANCH, ONE_BTC, 1_000 * USD).is_err());
		assert_ok!(Balances::force_set_balance(
			RuntimeOrigin::root(),
			ALICE,
			DEPOSIT - 1
		));
		assert_noop!(
			Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, 1_000 * USD),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn every_number_of_decimals_counts_the_same() {
	ExtBuilder::default().build_and_execute(|| {
		for decimals in 0..=18u8 {
			// A new collateral at a dollar in the place of DOT's.
			let asset = 50 + u32::from(decimals);
			let unit = 10u128.pow(decimals.into());
			assert_ok!(Assets::force_create(RuntimeOrigin::root(), asset, ALICE, true, 1));
			let name = b"Asset".to_vec();
			assert_ok!(Assets::force_set_metadata(
				RuntimeOrigin::root(),
				asset,
				name.clone(),
				name,
				decimals,
				false
			));
			assert_ok!(Assets::mint(signed(&ALICE), asset, ALICE, 10_000 * unit));
			let branch = 50 + u32::from(decimals);
			Parameters::mutate(|all| all.insert(branch, default_parameters()));
			crate::BranchList::<Test>::mutate(|list| {
				// Room for one at a time; the others stay in storage and out of this test.
				while list.len() > 4 {
					let last = list.pop().unwrap();
					crate::Branches::<Test>::remove(last);
				}
			});
			set_price(asset, dollars(2));
			assert_ok!(Vaults::add_branch(RuntimeOrigin::root(), branch, asset, asset));
			assert_noop!(
				Vaults::open(signed(&ALICE), branch, 1_400 * unit, 2_000 * USD + 1),
				Error::<Test>::RatioTooLow
			);
			// One unit of confidence makes the exact ratio fall just short.
			assert_noop!(
				Vaults::open(signed(&ALICE), branch, 1_400 * unit, 2_000 * USD),
				Error::<Test>::RatioTooLow
			);
			let id = open(&ALICE, branch, 1_400 * unit, 2_000 * USD - 1);
			assert_eq!(debt(id), 2_000 * USD - 1);
			assert_eq!(Vaults::health(id).unwrap().value, Some(2_800 * USD));
			assert_ok!(Vaults::close(signed(&ALICE), id));
		}
	});
}
