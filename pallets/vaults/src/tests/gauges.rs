//! What the fuses read, to the last digit.

use frame_support::assert_ok;
use keel_math::{FixedU128, ONE};
use keel_primitives::{
	BreakerSubject, Fuse, Gauge, Gauges, MintPath, Moment, PositionLedger, PriceFor, Triggers,
};

use crate::{mock::*, Change};

const BRANCH: BreakerSubject = BreakerSubject::Branch(BTC_BRANCH);
const PATH: BreakerSubject = BreakerSubject::Mint(MintPath::Vaults(BTC_BRANCH));
const HOUR: Moment = 3_600_000;

fn gauge(fuse: Fuse) -> Option<Gauge> {
	Vaults::gauges(BRANCH)
		.into_iter()
		.find(|gauge| gauge.fuse == fuse)
}

fn reading(fuse: Fuse) -> u128 {
	gauge(fuse).unwrap().reading
}

fn triggers(guarded: u128, reduce_only: u128, halted: Option<u128>) -> Triggers {
	Triggers {
		guarded,
		reduce_only,
		halted,
	}
}

#[test]
fn subjects_are_every_branch_and_its_mint_path() {
	ExtBuilder::default().build_and_execute(|| {
		let expected: Vec<_> = (1..=4)
			.flat_map(|b| {
				[
					BreakerSubject::Branch(b),
					BreakerSubject::Mint(MintPath::Vaults(b)),
				]
			})
			.collect();
		assert_eq!(Vaults::subjects(), expected);
		for foreign in [
			BreakerSubject::Chain,
			BreakerSubject::Market(1),
			BreakerSubject::Mint(MintPath::StabilityFees),
			BreakerSubject::Branch(9),
			BreakerSubject::Mint(MintPath::Vaults(9)),
		] {
			assert_eq!(Vaults::gauges(foreign), vec![]);
		}
	});
}

#[test]
fn a_branch_at_rest_reads_zero_and_triggers_come_from_its_parameters() {
	ExtBuilder::default().build_and_execute(|| {
		let point = ONE / 100;
		assert_eq!(
			Vaults::gauges(BRANCH),
			vec![
				Gauge {
					fuse: Fuse::PriceDeviation,
					reading: 0,
					triggers: triggers(5 * point, 10 * point, Some(25 * point))
				},
				Gauge {
					fuse: Fuse::PriceRefused,
					reading: 0,
					triggers: triggers(60_000, 180_000, Some(1_800_000))
				},
				Gauge {
					fuse: Fuse::Liquidated,
					reading: 0,
					triggers: triggers(5 * point, 15 * point, Some(40 * point))
				},
				Gauge {
					fuse: Fuse::Leaving,
					reading: 0,
					triggers: triggers(10 * point, 20 * point, None)
				},
			]
		);
		assert_eq!(Vaults::gauges(PATH), vec![]);
	});
}

#[test]
fn the_price_against_its_average() {
	ExtBuilder::default().build_and_execute(|| {
		let at = |value: u128, twap: u128| {
			set_price(BTC, dollars(value));
			PriceTable::mutate(|table| table.get_mut(&BTC).unwrap().twap = dollars(twap));
			reading(Fuse::PriceDeviation)
		};
		assert_eq!(at(55_000, 50_000), ONE / 10);
		assert_eq!(at(45_000, 50_000), ONE / 10);
		// A third, rounded up.
		assert_eq!(at(40_000, 30_000), 333_333_333_333_333_334);
		assert_eq!(at(0, 50_000), ONE);
		assert_eq!(at(50_000, 0), u128::MAX);
		// Refused or not, it is measured.
		RefusedFor::set(vec![PriceFor::AddRisk, PriceFor::ReduceRisk, PriceFor::Liquidate]);
		assert_eq!(at(55_000, 50_000), ONE / 10);
		PriceTable::mutate(|table| table.remove(&BTC));
		assert_eq!(gauge(Fuse::PriceDeviation), None);
	});
}

#[test]
fn how_long_the_price_is_unfit() {
	ExtBuilder::default().build_and_execute(|| {
		Now::mutate(|now| *now += 12_345);
		assert_eq!(reading(Fuse::PriceRefused), 12_345);
		FitAt::mutate(|fit| fit.insert(BTC, Now::get() + 1));
		assert_eq!(reading(Fuse::PriceRefused), 0);
		FitAt::mutate(|fit| fit.remove(&BTC));
		assert_eq!(gauge(Fuse::PriceRefused), None);
		// The others are still there.
		assert_eq!(Vaults::gauges(BRANCH).len(), 3);
	});
}

#[test]
fn what_was_liquidated_over_all_debt() {
	ExtBuilder::default().build_and_execute(|| {
		set_parameters(BTC_BRANCH, |p| p.debt_ceiling = 700_000 * USD);
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
		move_price(BTC, dollars(30_000));
		assert_eq!(
			Vaults::liquidate(Group::Branch(BTC_BRANCH), id).unwrap().debt,
			35_000 * USD
		);
		// Everything there was, but measured against a tenth of the ceiling: half.
		assert_eq!(reading(Fuse::Liquidated), ONE / 2);
		set_price(BTC, dollars(50_000));
		open(&ALICE, BTC_BRANCH, 10 * ONE_BTC, 70_000 * USD);
		// 35 of 105, rounded up.
		assert_eq!(reading(Fuse::Liquidated), 333_333_333_333_333_334);
		set_parameters(BTC_BRANCH, |p| p.debt_ceiling = 0);
		assert_eq!(reading(Fuse::Liquidated), 333_333_333_333_333_334);
		Now::mutate(|now| *now += 30 * HOUR);
		// A unit is left of it, of 70,000 kUSD and a unit.
		assert_eq!(reading(Fuse::Liquidated), 14_285_715);
		Now::mutate(|now| *now += 100 * HOUR);
		assert_eq!(reading(Fuse::Liquidated), 0);
	});
}

/// What ceased to back debt within the hour, on balance, in base units.
fn away() -> u128 {
	branch(BTC_BRANCH).leaving.away(Now::get())
}

#[test]
fn what_ceased_to_back_debt_over_all_that_does() {
	ExtBuilder::default().build_and_execute(|| {
		// 1.3 · 200,000 / 50,000: 5.2 BTC of the twenty back debt.
		let id = open(&ALICE, BTC_BRANCH, 10 * ONE_BTC, 20_000 * USD);
		open(&BOB, BTC_BRANCH, 10 * ONE_BTC, 180_000 * USD);
		Now::mutate(|now| *now += 1_200 * HOUR);
		set_price(BTC, dollars(50_000));
		let withdraw = |amount| Vaults::adjust(signed(&ALICE), id, Change::Decrease(amount), Change::Keep);
		assert_ok!(withdraw(5 * ONE_BTC));
		assert_eq!(away(), 0);
		// 0.26 of 5.2, also if none of it is taken out, and no more if all of it is.
		assert_ok!(Vaults::repay(signed(&ALICE), id, 10_000 * USD));
		assert_eq!(away(), 26 * ONE_BTC / 100);
		assert_ok!(withdraw(ONE_BTC));
		assert_eq!(away(), 26 * ONE_BTC / 100);
		// What stayed, over what is there and what of it is away.
		let reads = |backing: u128| {
			let stayed = branch(BTC_BRANCH).leaving.stayed(Now::get());
			assert!(stayed > 0);
			assert_eq!(reading(Fuse::Leaving), (stayed * ONE).div_ceil(backing + away()));
		};
		assert_eq!(reading(Fuse::Leaving), 0);
		Now::mutate(|now| *now += 22 * 60_000);
		set_price(BTC, dollars(50_000));
		reads(494 * ONE_BTC / 100);
		// At twice the price 2.47 do.
		set_price(BTC, dollars(100_000));
		reads(247 * ONE_BTC / 100);
		// Without a price nobody knows how much does: all of the fourteen at most.
		PriceTable::mutate(|table| table.remove(&BTC));
		reads(14 * ONE_BTC);
		set_price(BTC, dollars(0));
		reads(14 * ONE_BTC);
		set_price(BTC, dollars(50_000));
		let before = away();
		assert_ok!(Vaults::close(signed(&ALICE), id));
		assert_eq!(away(), before + 26 * ONE_BTC / 100);
		// Going back in takes the same debt, not the same collateral.
		let id = open(&ALICE, BTC_BRANCH, 10 * ONE_BTC, 10_000 * USD);
		assert_eq!(away(), before);
		assert_ok!(Vaults::adjust(
			signed(&ALICE),
			id,
			Change::Keep,
			Change::Increase(10_000 * USD)
		));
		assert_eq!((away(), reading(Fuse::Leaving)), (0, 0));
	});
}

#[test]
fn a_fifth_of_the_debt_that_is_unwound_is_a_fifth() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, 20 * ONE_BTC, 100_000 * USD);
		open(&BOB, BTC_BRANCH, 80 * ONE_BTC, 400_000 * USD);
		Now::mutate(|now| *now += 1_200 * HOUR);
		set_price(BTC, dollars(50_000));
		assert_ok!(Vaults::close(signed(&ALICE), id));
		// Of 1.3 · 500,000 / 50,000.
		assert_eq!(away(), 13 * ONE_BTC / 5);
	});
	// In part, and underwater too: all of the collateral backs the debt, and what is taken out backed it.
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, 10 * ONE_BTC, 350_000 * USD);
		Now::mutate(|now| *now += 1_200 * HOUR);
		set_price(BTC, dollars(30_000));
		assert_ok!(Vaults::adjust(
			signed(&ALICE),
			id,
			Change::Decrease(2 * ONE_BTC),
			Change::Decrease(70_000 * USD)
		));
		assert_eq!(away(), 2 * ONE_BTC);
	});
}

#[test]
fn nothing_is_counted_that_nobody_knows_the_worth_of() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, 10 * ONE_BTC, 20_000 * USD);
		Now::mutate(|now| *now += 1_200 * HOUR);
		PriceTable::mutate(|table| table.remove(&BTC));
		assert_ok!(Vaults::close(signed(&ALICE), id));
		assert_eq!((reading(Fuse::Leaving), away()), (0, 0));
	});
}

#[test]
fn the_floor_is_a_tenth_of_the_ceiling_and_never_more_than_a_hundred_thousand() {
	for (ceiling, liquidated, floor) in [
		// 35,000 liquidated, backing for 45,500 gone: of 10, 50 and 100 thousand, or of what there was if that is more.
		(100_000 * USD, ONE, 0),
		(500_000 * USD, 7 * ONE / 10, ONE_BTC),
		(1_000_000 * USD, 35 * ONE / 100, 2 * ONE_BTC),
		(10_000_000 * USD, 35 * ONE / 100, 2 * ONE_BTC),
		(u128::MAX, 35 * ONE / 100, 2 * ONE_BTC),
	] {
		ExtBuilder::default().build_and_execute(|| {
			set_parameters(BTC_BRANCH, |p| p.debt_ceiling = ceiling);
			let id = open(&ALICE, BTC_BRANCH, 2 * ONE_BTC, 35_000 * USD);
			Now::mutate(|now| *now += 1_200 * HOUR);
			set_price(BTC, dollars(50_000));
			frame_support::hypothetically!({
				assert_ok!(Vaults::close(signed(&ALICE), id));
				Now::mutate(|now| *now += 22 * 60_000);
				let stayed = branch(BTC_BRANCH).leaving.stayed(Now::get());
				assert!(stayed > 50_000_000);
				assert_eq!(reading(Fuse::Leaving), (stayed * ONE).div_ceil(away().max(floor)));
			});
			move_price(BTC, dollars(15_000));
			assert_eq!(
				Vaults::liquidate(Group::Branch(BTC_BRANCH), id).unwrap().debt,
				35_000 * USD
			);
			assert_eq!(reading(Fuse::Liquidated), liquidated);
		});
	}
}

/// The kind: the limit of a window is the trigger of a level, and whoever reaches the limit latches the level
/// for all.
#[test]
fn a_full_window_of_mints_raises_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		set_parameters(BTC_BRANCH, |p| p.mint_limit = percent(40));
		let room = Vaults::mint_room(BTC_BRANCH).unwrap();
		open(&ALICE, BTC_BRANCH, 1_000 * ONE_BTC, room);
		assert_eq!(Vaults::mint_room(BTC_BRANCH), Some(0));
		assert_eq!(Vaults::gauges(PATH), vec![]);
		for _ in 0..120 {
			Now::mutate(|now| *now += 60_000);
			assert_eq!(reading(Fuse::Leaving), 0);
		}
	});
}

/// The kind: a flow that is back in the next block raises a level.
#[test]
fn what_leaves_and_comes_back_reads_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		open(&BOB, BTC_BRANCH, 10 * ONE_BTC, 100_000 * USD);
		let mut id = open(&ALICE, BTC_BRANCH, 10 * ONE_BTC, 100_000 * USD);
		Now::mutate(|now| *now += 1_200 * HOUR);
		let mut highest = 0;
		for _ in 0..60 {
			set_price(BTC, dollars(50_000));
			assert_ok!(Vaults::close(signed(&ALICE), id));
			Now::mutate(|now| *now += 2_000);
			highest = highest.max(reading(Fuse::Leaving));
			set_price(BTC, dollars(50_000));
			id = open(&ALICE, BTC_BRANCH, 10 * ONE_BTC, 100_000 * USD);
			Now::mutate(|now| *now += 120_000);
			highest = highest.max(reading(Fuse::Leaving));
		}
		// Half of all there is, away for two seconds of two minutes: 0.55 %, of a threshold of 10 %.
		assert!(highest < 6 * ONE / 1_000, "{highest}");
	});
}

#[test]
fn what_stays_away_reads_most_after_twenty_odd_minutes() {
	ExtBuilder::default().build_and_execute(|| {
		open(&BOB, BTC_BRANCH, 10 * ONE_BTC, 150_000 * USD);
		let id = open(&ALICE, BTC_BRANCH, 10 * ONE_BTC, 50_000 * USD);
		Now::mutate(|now| *now += 1_200 * HOUR);
		set_price(BTC, dollars(50_000));
		assert_ok!(Vaults::close(signed(&ALICE), id));
		let mut readings = Vec::new();
		for minute in 0..120u64 {
			readings.push((reading(Fuse::Leaving), minute));
			Now::mutate(|now| *now += 60_000);
		}
		assert_eq!(readings[0].0, 0);
		let (highest, minute) = readings.iter().max().copied().unwrap();
		assert!((21..=25).contains(&minute), "{minute}");
		// A quarter left; 0.582 of it stayed, over what is there and what of it is away: 0.146 / 0.925.
		assert!(
			(150 * ONE / 1_000..160 * ONE / 1_000).contains(&highest),
			"{highest}"
		);
	});
}

#[test]
fn no_parameters_and_numbers_at_the_edge_do_no_harm() {
	ExtBuilder::default().build_and_execute(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		set_parameters(BTC_BRANCH, |p| p.debt_ceiling = u128::MAX);
		PriceTable::mutate(|table| {
			let price = table.get_mut(&BTC).unwrap();
			price.value = FixedU128::from_inner(u128::MAX);
			price.twap = FixedU128::from_inner(1);
		});
		assert_eq!(reading(Fuse::PriceDeviation), u128::MAX);
		assert_eq!(Vaults::gauges(BRANCH).len(), 4);
		Parameters::set(Default::default());
		assert_eq!((Vaults::gauges(BRANCH), Vaults::gauges(PATH)), (vec![], vec![]));
	});
}

#[test]
fn a_branch_that_was_shut_down_measures_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		shut_down_btc();
		assert_eq!((Vaults::gauges(BRANCH), Vaults::gauges(PATH)), (vec![], vec![]));
		assert_eq!(Vaults::gauges(BreakerSubject::Branch(ETH_BRANCH)).len(), 4);
	});
}

/// The kind: a level is bought for the interest of an hour. A debt that came within the day and goes again is
/// no run, however long it stayed.
#[test]
fn what_came_within_the_day_and_leaves_again_reads_little() {
	ExtBuilder::default().build_and_execute(|| {
		open(&BOB, BTC_BRANCH, 10 * ONE_BTC, 100_000 * USD);
		Now::mutate(|now| *now += 1_200 * HOUR);
		set_price(BTC, dollars(50_000));
		for hours in [1, 3] {
			frame_support::hypothetically!({
				let id = open(&ALICE, BTC_BRANCH, 10 * ONE_BTC, 100_000 * USD);
				Now::mutate(|now| *now += hours * HOUR);
				set_price(BTC, dollars(50_000));
				assert_ok!(Vaults::repay(signed(&ALICE), id, u128::MAX));
				for _ in 0..120 {
					Now::mutate(|now| *now += 60_000);
					// Of a threshold of 10 %: half of all debt came and went.
					assert!(
						reading(Fuse::Leaving) < 7 * ONE / 100,
						"{}",
						reading(Fuse::Leaving)
					);
				}
			});
		}
	});
}
