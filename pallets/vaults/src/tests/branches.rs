use frame_support::{assert_noop, assert_ok, traits::Hooks};
use sp_runtime::{BuildStorage, DispatchError};

use crate::{mock::*, Branch, BranchList, Branches, Error, Event};

fn add(branch: u32, asset: u32) -> frame_support::dispatch::DispatchResult {
	Vaults::add_branch(RuntimeOrigin::root(), branch, asset, asset)
}

fn with_parameters(branch: u32) {
	Parameters::mutate(|all| all.insert(branch, default_parameters()));
}

#[test]
fn lists_a_collateral() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(Assets::force_create(RuntimeOrigin::root(), 20, ALICE, true, 1));
		with_parameters(9);
		assert_ok!(add(9, 20));
		assert_eq!(
			last_event(),
			Event::BranchAdded {
				branch: 9,
				collateral: 20,
				feed: 20
			}
		);
		// No metadata: no decimals.
		assert_eq!(
			branch(9),
			Branch::new(20, 20, 10u128.pow(12), &default_parameters(), START)
		);
		assert_eq!(BranchList::<Test>::get().to_vec(), vec![1, 2, 3, 4, 9]);
	});
}

mod an_asset_that_keeps_no_account_alive {
	use super::*;

	fn sufficient(asset: u32, is_sufficient: bool) {
		let (alice, root) = (ALICE, RuntimeOrigin::root());
		assert_ok!(Assets::force_asset_status(
			root,
			asset,
			alice.clone(),
			alice.clone(),
			alice.clone(),
			alice,
			1,
			is_sufficient,
			false
		));
	}

	#[test]
	fn is_refused_until_it_does() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(Assets::force_create(RuntimeOrigin::root(), 20, ALICE, false, 1));
			with_parameters(9);
			assert_noop!(add(9, 20), Error::<Test>::CollateralNotSufficient);
			// Nor does it help that somebody holds some.
			assert_ok!(Assets::mint(signed(&ALICE), 20, ALICE, 1_000));
			assert_noop!(add(9, 20), Error::<Test>::CollateralNotSufficient);
			sufficient(20, true);
			assert_ok!(add(9, 20));
		});
	}

	#[test]
	fn stays_with_the_branch_that_has_it() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(Assets::force_create(RuntimeOrigin::root(), 20, ALICE, true, 1));
			assert_ok!(Assets::mint(signed(&ALICE), 20, ALICE, 1_000));
			with_parameters(9);
			set_price(20, dollars(10));
			assert_ok!(add(9, 20));
			sufficient(20, false);
			let id = open(&ALICE, 9, 1_000, 1_000 * USD);
			assert_ok!(Vaults::close(signed(&ALICE), id));
			assert_eq!(Assets::balance(20, &ALICE), 1_000);
		});
	}
}

#[test]
fn refuses_what_does_not_fit() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(Assets::force_create(RuntimeOrigin::root(), 20, ALICE, true, 1));
		assert_noop!(
			Vaults::add_branch(signed(&ALICE), 9, 20, 20),
			DispatchError::BadOrigin
		);
		assert_noop!(add(9, 20), DispatchError::CannotLookup);
		with_parameters(9);
		assert_noop!(add(BTC_BRANCH, 20), Error::<Test>::BranchExists);
		assert_noop!(add(9, KUSD), Error::<Test>::CollateralIsSynthetic);
		assert_noop!(add(9, BTC), pallet_asset_registry::Error::<Test>::BranchRuns);
		assert_noop!(add(9, 21), Error::<Test>::UnknownCollateral);
		assert_noop!(add(9, WIDE), Error::<Test>::TooManyDecimals);
		assert_noop!(add(9, LUMPY), Error::<Test>::MinimumBalanceTooHigh);
		assert_ok!(add(9, 20));
		assert_ok!(Assets::force_create(RuntimeOrigin::root(), 22, ALICE, true, 1));
		with_parameters(10);
		assert_noop!(add(10, 22), Error::<Test>::TooManyBranches);
	});
}

#[test]
fn branches_keep_their_collateral_apart() {
	ExtBuilder::default().build_and_execute(|| {
		let accounts = [1, 2, 3, 4].map(Vaults::branch_account);
		for (i, account) in accounts.iter().enumerate() {
			assert!(!accounts[i + 1..].contains(account));
		}
		Vaults::integrity_test();
	});
}

#[test]
#[should_panic(expected = "a genesis branch has parameters")]
fn genesis_refuses_what_the_call_refuses() {
	let _ = ExtBuilder::default().build();
	let _ = crate::GenesisConfig::<Test> {
		branches: vec![(1, 99, 99)],
		..Default::default()
	}
	.build_storage();
}

mod clock {
	use super::*;

	#[test]
	fn starts_with_the_first_time_there_is() {
		ExtBuilder::default().at_time_zero().build_and_execute(|| {
			assert_eq!((branch(1).accrued_at, branch(1).ramped_at), (0, 0));
			pass(0);
			assert_eq!((branch(1).accrued_at, branch(1).ramped_at), (0, 0));
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			// From nothing to today: no interest for the years before the chain.
			pass(START);
			assert_eq!((branch(1).accrued_at, branch(1).ramped_at), (START, START));
			assert_eq!(branch(1).rate_index, keel_math::RAY);
			assert_eq!(branch(1).ramped_ratio, percent(130));
			assert_eq!(debt(id), 20_000 * USD);
			pass(PERIOD);
			assert!(branch(1).rate_index > keel_math::RAY);
		});
	}

	#[test]
	fn costs_by_the_branches_it_visits() {
		ExtBuilder::default().build_and_execute(|| {
			let idle = Vaults::on_initialize(2);
			Now::set(START + PERIOD);
			let busy = Vaults::on_initialize(3);
			assert!(busy.all_gt(idle) || busy.ref_time() > idle.ref_time());
			assert_eq!(busy.ref_time() - idle.ref_time(), {
				use crate::WeightInfo;
				let cost = |b| <() as WeightInfo>::on_initialize(b).ref_time();
				cost(4) - cost(0)
			});
			assert_eq!(Branches::<Test>::iter().count(), 4);
		});
	}
}
