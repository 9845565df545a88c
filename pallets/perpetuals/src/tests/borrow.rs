//! What providers earn for being there: borrow fee, funding that decays, and a floor under their share of
//! fees.

use keel_math::{mul_ratio, perpetual, Rounding};
use keel_primitives::{Balance, PoolExposure};

use crate::{mock::*, Borrow, Carry, Markets};

const DAY: u64 = 24 * HOUR;

/// A curve: 30 % a year at a utilisation of 60 %, 190 % at 100 %.
fn curve() {
	set_chain(|chain| {
		chain.pool_stress = ratio(80, 100);
		chain.borrow_slope = ratio(50, 100);
		chain.borrow_kink = ratio(60, 100);
		chain.borrow_jump = ratio(4, 1);
	});
}

/// A day at one price, in hours.
fn day() {
	for _ in 0..DAY / HOUR {
		set_price(BTC, price_of(BTC));
		block_after(HOUR);
	}
	tick();
}

/// Without funding.
fn quiet() {
	set_numbers(BTC, |numbers| {
		numbers.max_funding_rate = Default::default();
	});
	tick();
}

fn owes(who: crate::mock::AccountId) -> i128 {
	market(BTC).funding_owed(&position(who, BTC)).unwrap()
}

#[test]
fn is_a_rent_for_the_worst_case_by_utilisation() {
	ExtBuilder.build_and_execute(|| {
		curve();
		quiet();
		fill_now(ALICE, BTC, 40 * UNIT).unwrap();
		drain_pool(2_000_000 * USD as i128);
		tick();
		// 1.05·1.25 − 1 of 2 M over 80 % of 2 M: between none and the kink.
		let worst = Perpetuals::worst_case();
		assert_eq!(worst, 625_000 * USD);
		let Borrow { rate, most } = market(BTC).borrow;
		assert_eq!(most, ratio(19, 10));
		let low = 0.5 * 625_000.0 / 1_600_000.0;
		assert!((rate.into_inner() as f64 / 1e18 - low).abs() < 1e-3, "{rate:?}");
		let before = owes(ALICE);
		day();
		let paid = owes(ALICE) - before;
		let expected = mul_ratio(worst, rate, Rounding::Up).unwrap() / 365;
		assert!(
			(paid - expected as i128).abs() < expected as i128 / 1_000,
			"{paid} {expected}"
		);
		// All of it is the pool's.
		let cash = PoolCash::get();
		let fill = fill_now(ALICE, BTC, -40 * UNIT).unwrap();
		assert!(fill.funding >= paid);
		assert!(PoolCash::get() - cash >= fill.funding - fill.realised);
	});
}

/// Both sides are the worst case, and no order of a few units decides who pays.
#[test]
fn is_spread_over_both_sides() {
	ExtBuilder.build_and_execute(|| {
		curve();
		quiet();
		fill_now(ALICE, BTC, 20 * UNIT).unwrap();
		tick();
		let before = owes(ALICE);
		day();
		let alone = owes(ALICE) - before;
		fill_now(BOB, BTC, -10 * UNIT).unwrap();
		let (alice, bob) = (owes(ALICE), owes(BOB));
		day();
		let (long, short) = (owes(ALICE) - alice, owes(BOB) - bob);
		assert!((long - 2 * short).abs() <= 2, "{long} {short}");
		// The same sum: the worst case is the same.
		assert!(
			(long + short - alone).abs() <= alone / 200,
			"{long} {short} {alone}"
		);
		// A unit more or less of a side moves next to nothing.
		fill_now(BOB, BTC, -10 * UNIT).unwrap();
		let both = market(BTC).borrow_rate(ratio(1, 1));
		fill_now(BOB, BTC, -UNIT / 100).unwrap();
		let more = market(BTC).borrow_rate(ratio(1, 1));
		let off = both.into_inner().abs_diff(more.into_inner());
		assert!(off < both.into_inner() / 1_000, "{both:?} {more:?}");
		// What a margin call says of an hour is what an hour costs.
		let alice = owes(ALICE);
		day();
		let said = market(BTC).exposure(&position(ALICE, BTC)).funding_per_hour;
		let long = owes(ALICE) - alice;
		assert!((said * 24 - long).abs() <= long / 40, "{said} {long}");
	});
}

/// The attack: one owner fills the pool's gross worst case with a hedged pair, for a trade's fees, and holds
/// all others out and all providers in.
#[test]
fn squatting_on_the_whole_pool_costs_by_the_day() {
	ExtBuilder.build_and_execute(|| {
		curve();
		quiet();
		set_numbers(BTC, |numbers| {
			numbers.premium_step = ratio(5, 100);
			numbers.max_premium = ratio(5, 100);
		});
		drain_pool(10_000_000 * USD as i128);
		[ALICE, BOB]
			.iter()
			.for_each(|who| deposit(account(*who), 10 * PURSE));
		tick();
		let sizes = [100; 5].map(|size: i128| size * UNIT);
		let mut held = 0;
		for size in sizes {
			if fill_now(ALICE, BTC, size).is_ok() {
				fill_now(BOB, BTC, -size).unwrap();
				held += size;
			}
			tick();
		}
		let used = Perpetuals::worst_case();
		assert!(used > 7_500_000 * USD, "{used} with {held}");
		let before = owes(ALICE) + owes(BOB);
		day();
		let paid = (owes(ALICE) + owes(BOB) - before) as u128;
		// More than 3 kUSD a day for every million of the pool.
		assert!(paid > 30_000 * USD, "{paid}");
	});
}

#[test]
fn is_dearest_where_the_pool_has_nothing() {
	ExtBuilder.build_and_execute(|| {
		curve();
		fill_now(ALICE, BTC, 10 * UNIT).unwrap();
		drain_pool(-(USD as i128));
		tick();
		let Borrow { rate, most } = market(BTC).borrow;
		assert_eq!((rate, most), (ratio(19, 10), ratio(19, 10)));
	});
}

#[test]
fn changes_count_from_the_change_on() {
	ExtBuilder.build_and_execute(|| {
		quiet();
		fill_now(ALICE, BTC, 40 * UNIT).unwrap();
		tick();
		let before = owes(ALICE);
		curve();
		block_after(HOUR);
		// The rate of that time was none.
		assert_eq!(owes(ALICE), before);
		block_after(HOUR);
		assert!(owes(ALICE) > before);
	});
}

/// Charges begin anew in an empty market: nothing measures on how large they ever were.
#[test]
fn an_empty_market_forgets_what_it_charged() {
	ExtBuilder.build_and_execute(|| {
		curve();
		fill_now(ALICE, BTC, 40 * UNIT).unwrap();
		day();
		assert!(market(BTC).carry.long > market(BTC).carry.short);
		fill_now(ALICE, BTC, -40 * UNIT).unwrap();
		let charged = market(BTC).carry;
		assert_ne!(charged, Carry::default());
		tick();
		assert_eq!(market(BTC).carry, Carry::default());
	});
}

/// The first design's rate stayed at 5 % a day for ever once the skew was gone.
#[test]
fn the_funding_rate_dies_out_without_a_skew() {
	ExtBuilder.build_and_execute(|| {
		fill_now(ALICE, BTC, 40 * UNIT).unwrap();
		day();
		let there = market(BTC);
		// 8 hours of a velocity of 1 a day and day, by a skew of 40 out of 500.
		let settled = 40.0 / 500.0 / 3.0;
		let off = there.rate as f64 / 1e18 / settled;
		assert!(off > 0.9 && off < 1.0, "{off}");
		fill_now(BOB, BTC, -40 * UNIT).unwrap();
		day();
		assert!(market(BTC).rate < there.rate / 15, "{}", market(BTC).rate);
		day();
		day();
		assert!(market(BTC).rate < there.rate / 1_000);
	});
}

/// An empty insurance fund took all fees: the pool got none of them for as long as the fund was short.
#[test]
fn the_pool_gets_a_floor_of_the_fees() {
	ExtBuilder.build_and_execute(|| {
		CoverTarget::set(1_000_000_000 * USD);
		set_chain(|chain| chain.pool_fee_floor = ratio(30, 100));
		tick();
		assert_eq!(Markets::<Test>::get().fund_share, ratio(70, 100));
		let (cash, rebates) = (PoolCash::get(), market(BTC).rebates);
		let fill = fill_now(ALICE, BTC, 40 * UNIT).unwrap();
		let rest = fill.fee as u128 - (market(BTC).rebates - rebates);
		let pool = (PoolCash::get() - cash) as u128;
		let expected: Balance = mul_ratio(rest, ratio(30, 100), Rounding::Down).unwrap();
		assert_eq!(pool, expected);
	});
}

/// A position that is not closed is charged what it owes, whatever is traded beside it: what opens settles
/// nothing.
#[test]
fn what_opens_settles_nothing() {
	ExtBuilder.build_and_execute(|| {
		curve();
		fill_now(ALICE, BTC, 10 * UNIT).unwrap();
		day();
		let before = owes(ALICE);
		assert!(before > 0);
		let fill = fill_now(ALICE, BTC, 10 * UNIT).unwrap();
		assert_eq!(fill.funding, 0);
		assert!((owes(ALICE) - before).abs() <= 2);
		// A part settles its part.
		let fill = fill_now(ALICE, BTC, -5 * UNIT).unwrap();
		assert!((fill.funding - before / 4).abs() <= 2);
		assert!((owes(ALICE) - before * 3 / 4).abs() <= 3);
		let carry = market(BTC).carry;
		let held = position(ALICE, BTC);
		let charged = perpetual::funding_on(held.size, carry.long, Rounding::Up).unwrap();
		assert_eq!(owes(ALICE), charged - held.funding);
	});
}
