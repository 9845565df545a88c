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
	let subject = if fuse == Fuse::Minted { PATH } else { BRANCH };
	Vaults::gauges(subject)
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
		assert_eq!(
			Vaults::gauges(PATH),
			vec![Gauge {
				fuse: Fuse::Minted,
				reading: 0,
				triggers: triggers(20 * point, 100 * point, None)
			}]
		);
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
		assert_eq!(Vaults::liquidate(BTC_BRANCH, id).unwrap().debt, 35_000 * USD);
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

#[test]
fn what_left_over_all_collateral() {
	ExtBuilder::default().build_and_execute(|| {
		// A tenth of the ceiling is 20 BTC.
		let id = open(&ALICE, BTC_BRANCH, 10 * ONE_BTC, 1_000 * USD);
		Now::mutate(|now| *now += 50 * HOUR);
		set_price(BTC, dollars(50_000));
		assert_eq!(reading(Fuse::Leaving), 0);
		assert_ok!(Vaults::adjust(
			signed(&ALICE),
			id,
			Change::Decrease(ONE_BTC),
			Change::Keep
		));
		assert_eq!(reading(Fuse::Leaving), ONE / 20);
		// At twice the price it is ten: as much as there was.
		set_price(BTC, dollars(100_000));
		assert_eq!(reading(Fuse::Leaving), ONE / 10);
		set_price(BTC, dollars(1_000_000));
		assert_eq!(reading(Fuse::Leaving), ONE / 10);
		// Nobody knows the floor without a price.
		PriceTable::mutate(|table| table.remove(&BTC));
		assert_eq!(reading(Fuse::Leaving), ONE / 10);
		set_price(BTC, dollars(0));
		assert_eq!(reading(Fuse::Leaving), ONE / 10);
		assert_ok!(Vaults::close(signed(&ALICE), id));
		assert_eq!(reading(Fuse::Leaving), ONE);
		// What comes in counts against it.
		set_price(BTC, dollars(1_000_000));
		open(&ALICE, BTC_BRANCH, 11 * ONE_BTC, 1_000 * USD);
		assert_eq!(reading(Fuse::Leaving), 0);
	});
}

#[test]
fn what_was_minted_over_the_ceiling() {
	ExtBuilder::default().build_and_execute(|| {
		set_parameters(BTC_BRANCH, |p| p.debt_ceiling = 60_000 * USD);
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		assert_eq!(reading(Fuse::Minted), 333_333_333_333_333_334);
		assert_ok!(Vaults::repay(signed(&ALICE), id, 5_000 * USD));
		assert_eq!(reading(Fuse::Minted), ONE / 4);
		assert_ok!(Vaults::close(signed(&ALICE), id));
		assert_eq!(reading(Fuse::Minted), 0);
		set_parameters(BTC_BRANCH, |p| p.debt_ceiling = 0);
		assert_eq!(Vaults::gauges(PATH), vec![]);
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
		assert_eq!(reading(Fuse::Minted), 1);
		Parameters::set(Default::default());
		assert_eq!((Vaults::gauges(BRANCH), Vaults::gauges(PATH)), (vec![], vec![]));
	});
}

#[test]
fn a_branch_that_was_shut_down_measures_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		assert_ok!(Vaults::shut_down(RuntimeOrigin::root(), BTC_BRANCH));
		assert_eq!((Vaults::gauges(BRANCH), Vaults::gauges(PATH)), (vec![], vec![]));
		assert_eq!(Vaults::gauges(BreakerSubject::Branch(ETH_BRANCH)).len(), 4);
	});
}
