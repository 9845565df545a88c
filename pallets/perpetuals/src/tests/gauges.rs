//! What the breaker reads.

use keel_primitives::{BreakerSubject, Fuse, Gauges};

use crate::mock::*;

fn reading(id: u32, fuse: Fuse) -> Option<u128> {
	Perpetuals::gauges(BreakerSubject::Market(id))
		.into_iter()
		.find(|gauge| gauge.fuse == fuse)
		.map(|gauge| gauge.reading)
}

#[test]
fn every_running_market_is_a_subject() {
	ExtBuilder.build_and_execute(|| {
		assert_eq!(Perpetuals::subjects(), MARKETS.map(BreakerSubject::Market));
		assert_eq!(Perpetuals::gauges(BreakerSubject::Market(9)), vec![]);
		assert_eq!(Perpetuals::gauges(BreakerSubject::Chain), vec![]);
		change_market(BTC, |market| {
			market.status = crate::Status::Settled { price: dollars(1) }
		});
		assert_eq!(Perpetuals::subjects().len(), 3);
		assert_eq!(Perpetuals::gauges(BreakerSubject::Market(BTC)), vec![]);
	});
}

#[test]
fn triggers_are_the_governed_ones() {
	ExtBuilder.build_and_execute(|| {
		let gauges = Perpetuals::gauges(BreakerSubject::Market(BTC));
		let triggers = |fuse| gauges.iter().find(|gauge| gauge.fuse == fuse).unwrap().triggers;
		let percent = |percent| ratio(percent, 100).into_inner();
		let deviation = triggers(Fuse::PriceDeviation);
		assert_eq!(
			(deviation.guarded, deviation.reduce_only, deviation.halted),
			(percent(5), percent(10), Some(percent(25)))
		);
		let refused = triggers(Fuse::PriceRefused);
		assert_eq!(
			(refused.guarded, refused.reduce_only, refused.halted),
			(60_000, 180_000, Some(1_800_000))
		);
		let liquidated = triggers(Fuse::Liquidated);
		assert_eq!(
			(liquidated.guarded, liquidated.reduce_only, liquidated.halted),
			(percent(5), percent(15), Some(percent(40)))
		);
	});
}

#[test]
fn deviation_and_refusal_are_those_of_the_price() {
	ExtBuilder.build_and_execute(|| {
		set_price(BTC, dollars(45_000));
		PriceTable::mutate(|table| table.get_mut(&BTC).unwrap().twap = dollars(50_000));
		assert_eq!(
			reading(BTC, Fuse::PriceDeviation),
			Some(ratio(10, 100).into_inner())
		);
		assert_eq!(reading(BTC, Fuse::PriceRefused), Some(0));
		Now::mutate(|now| *now += 61_000);
		assert_eq!(reading(BTC, Fuse::PriceRefused), Some(61_000));
		Now::mutate(|now| *now -= 61_000);
		FitAt::mutate(|fit| fit.remove(&BTC));
		assert_eq!(reading(BTC, Fuse::PriceRefused), None);
	});
}

#[test]
fn liquidations_are_measured_against_what_was_open() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| {
			numbers.liquidation_limit = ratio(1, 1);
			numbers.max_open_interest = 3_000_000 * USD;
		});
		trade(BOB, BTC, -40 * UNIT);
		trade(ALICE, BTC, 40 * UNIT);
		leave(ALICE, 60_000 * USD);
		move_to(BTC, dollars(49_000));
		let closed = liquidate(ALICE, BTC).unwrap().notional;
		let whole = 40 * 49_000 * USD + closed;
		let read = reading(BTC, Fuse::Liquidated).unwrap();
		assert_eq!(read, (closed * keel_math::ONE).div_ceil(whole));
	});
}

#[test]
fn one_small_liquidation_stops_no_young_market() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| numbers.max_open_interest = 0);
		change_market(BTC, |market| market.liquidated.add(Now::get(), 500 * USD));
		// Against ten thousand kUSD, not against itself.
		assert_eq!(reading(BTC, Fuse::Liquidated), Some(ratio(5, 100).into_inner()));
		set_numbers(BTC, |numbers| numbers.max_open_interest = 100_000_000 * USD);
		assert_eq!(
			reading(BTC, Fuse::Liquidated),
			Some(ratio(1, 100_000).into_inner())
		);
	});
}

/// Kind: somebody has positions of his own liquidated in a market that is nearly empty, so that others meet a
/// raised breaker.
///
/// Measured against a hundredth of the cap, 10,000 kUSD liquidated of 20 M were enough: about 300 kUSD in
/// all.
#[test]
fn tripping_the_fuse_costs_a_share_of_the_cap() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| {
			numbers.liquidation_limit = ratio(1, 1);
			numbers.max_open_interest = 20_000_000 * USD;
		});
		let trigger = ratio(5, 100).into_inner();
		change_market(BTC, |market| market.liquidated.add(Now::get(), 10_000 * USD));
		assert_eq!(reading(BTC, Fuse::Liquidated), Some(ratio(1, 1_000).into_inner()));
		change_market(BTC, |market| market.liquidated = Default::default());
		// What a liquidation costs, a hundredth here, until the fuse is tripped.
		trade(ALICE, BTC, 40 * UNIT);
		leave(ALICE, 84_500 * USD);
		let mut paid = 0;
		let mut price = 49_000;
		while reading(BTC, Fuse::Liquidated) < Some(trigger) {
			move_to(BTC, dollars(price));
			paid += liquidate(ALICE, BTC).map_or(0, |closed| closed.fee);
			price -= 100;
		}
		// floor · trigger · fee: 10 M, 5 %, 1 %.
		assert!(paid >= 4_990 * USD, "{paid}");
	});
}
