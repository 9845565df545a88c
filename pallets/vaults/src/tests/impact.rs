//! What a change would do, against a recount of every vault.

use std::cell::RefCell;

use frame_support::assert_ok;
use keel_math::{interest, RAY};
use keel_primitives::{BranchParameters, Impact, ImpactGauge, PriceFor};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::mock::*;

/// The parameters of now, and those with another liquidation ratio.
fn change(ratio: u128) -> (BranchParameters, BranchParameters) {
	let before = Parameters::get()[&BTC_BRANCH].clone();
	let mut after = before.clone();
	after.liquidation_ratio = percent(ratio);
	(before, after)
}

fn impact(ratio: u128) -> Option<Impact> {
	let (before, after) = change(ratio);
	Vaults::impact(BTC_BRANCH, &before, &after).unwrap()
}

#[test]
fn is_the_debt_of_the_vaults_between() {
	ExtBuilder::default().build_and_execute(|| {
		// Ratios of 250 %, 166.7 %, 142.9 %.
		for debt in [20_000, 30_000, 35_000] {
			open(&ALICE, BTC_BRANCH, ONE_BTC, debt * USD);
		}
		let expect = |debt| {
			Some(Impact {
				newly_unsafe: debt * USD,
				total: 85_000 * USD,
				exact: true,
			})
		};
		assert_eq!(impact(131), expect(0));
		assert_eq!(impact(142), expect(0));
		assert_eq!(impact(143), expect(35_000));
		assert_eq!(impact(167), expect(65_000));
		assert_eq!(impact(251), expect(85_000));
		// What is unsafe already is not made so by the change.
		move_price(BTC, dollars(45_000));
		assert_eq!(impact(151), expect(30_000));
		IndexExact::set(false);
		assert!(!impact(151).unwrap().exact);
	});
}

#[test]
fn is_none_where_nobody_can_become_unsafe() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
		assert_eq!((impact(130), impact(120), impact(100)), (None, None, None));
		assert!(impact(150).is_some());
		// Other numbers that move the target count like the ratio itself, those that do not, do not.
		let (before, mut after) = change(130);
		after.debt_ceiling = 0;
		after.safety_margin = percent(90);
		assert_eq!(Vaults::impact(BTC_BRANCH, &before, &after), Ok(None));
		after.liquidation_penalty = percent(45);
		let raised = Vaults::impact(BTC_BRANCH, &before, &after).unwrap().unwrap();
		assert_eq!(raised.newly_unsafe, 35_000 * USD);
		// Already held to more than the new target.
		crate::Branches::<Test>::mutate(BTC_BRANCH, |branch| {
			branch.as_mut().unwrap().ramped_ratio = percent(140)
		});
		assert_eq!(impact(140), None);
		assert!(impact(141).is_some());
		// No debt, no branch, no branch any more.
		assert_ok!(Vaults::close(signed(&ALICE), id));
		assert_eq!(impact(150), None);
		let (before, after) = change(150);
		assert_eq!(Vaults::impact(9, &before, &after), Ok(None));
		open(&ALICE, BTC_BRANCH, ONE_BTC, 30_000 * USD);
		assert!(impact(150).is_some());
		shut_down_btc();
		assert_eq!(impact(150), None);
	});
}

#[test]
fn of_many_small_changes_sums_up() {
	ExtBuilder::default().build_and_execute(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
		// Each step alone harms nobody; measured from where vaults are held, the last one shows all of it.
		for ratio in 131..=142 {
			assert_eq!(impact(ratio).unwrap().newly_unsafe, 0);
			set_parameters(BTC_BRANCH, |p| p.liquidation_ratio = percent(ratio));
		}
		assert_eq!(impact(143).unwrap().newly_unsafe, 35_000 * USD);
		set_parameters(BTC_BRANCH, |p| p.liquidation_ratio = percent(143));
		assert_eq!(impact(144).unwrap().newly_unsafe, 35_000 * USD);
	});
}

#[test]
fn needs_a_price_lenient_enough_for_leaving() {
	ExtBuilder::default().build_and_execute(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
		RefusedFor::set(vec![PriceFor::AddRisk, PriceFor::Liquidate]);
		assert!(impact(150).is_some());
		RefusedFor::set(vec![PriceFor::ReduceRisk]);
		let (before, after) = change(150);
		assert_eq!(Vaults::impact(BTC_BRANCH, &before, &after), Err(refused()));
		// What harms nobody needs none.
		assert_eq!(impact(130), None);
	});
}

thread_local! {
	/// Cases in which nobody and somebody became unsafe.
	static SEEN: RefCell<[u32; 2]> = RefCell::default();
}

#[test]
fn equals_a_recount_over_random_vaults() {
	let config = ProptestConfig {
		cases: 200,
		..ProptestConfig::with_source_file(file!())
	};
	let vaults = prop::collection::vec((1..500u128, 1..=255u128), 1..10);
	let inputs = (
		vaults,
		60..140u128,
		101..260u128,
		100..220u128,
		RAY..3 * RAY,
		0..400u128,
	);
	let run = TestRunner::new(config).run(&inputs, |(vaults, price, to, from, index, volatility)| {
		ExtBuilder::default().build_and_execute(|| {
			set_index(BTC_BRANCH, index);
			for (collateral, share) in vaults {
				let collateral = collateral * ONE_BTC / 100 + share;
				let most = Vaults::maximum_mintable(BTC_BRANCH, collateral).unwrap();
				let debt = most * share / 255;
				let _ = Vaults::open(signed(&ALICE), BTC_BRANCH, collateral, debt);
			}
			move_price(BTC, dollars(500 * price));
			set_volatility(BTC, percent(volatility));
			crate::Branches::<Test>::mutate(BTC_BRANCH, |branch| {
				branch.as_mut().unwrap().ramped_ratio = percent(from)
			});
			let Some(impact) = impact(to) else {
				return;
			};
			let safe = || {
				let mut safe: Vec<_> = crate::Vaults::<Test>::iter_keys().collect();
				safe.retain(|id| Vaults::health(*id).unwrap().safe == Ok(true));
				safe
			};
			let before = safe();
			let target = Vaults::target_ratio(&change(to).1, percent(volatility));
			crate::Branches::<Test>::mutate(BTC_BRANCH, |branch| {
				branch.as_mut().unwrap().ramped_ratio = target
			});
			let after = safe();
			let normalised = before
				.iter()
				.filter(|id| !after.contains(id))
				.map(|id| vault(*id).normalised_debt)
				.sum();
			assert_eq!(impact.newly_unsafe, interest::debt_of(normalised, index).unwrap());
			assert_eq!(impact.total, branch(BTC_BRANCH).debt().unwrap());
			SEEN.with_borrow_mut(|seen| {
				seen[usize::from(impact.newly_unsafe > 0)] += 1;
			});
		});
		Ok(())
	});
	if let Err(error) = run {
		panic!("{error}");
	}
	let seen = SEEN.take();
	println!("{seen:?}");
	assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}
