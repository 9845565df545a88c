//! The skew scale moves slowly where somebody is in.

use keel_math::FixedU128;

use crate::{mock::*, Market};

const SCALE: u128 = 1_000_000_000_000;

fn governed(scale: u128) {
	set_numbers(BTC, |numbers| numbers.skew_scale = scale);
}

fn scale() -> u128 {
	market(BTC).terms.skew_scale
}

#[test]
fn at_once_where_nobody_is_in() {
	ExtBuilder.build_and_execute(|| {
		governed(SCALE / 10);
		tick();
		assert_eq!(scale(), SCALE / 10);
	});
}

#[test]
fn a_hundredth_in_an_hour_either_way() {
	ExtBuilder.build_and_execute(|| {
		assert_eq!(scale(), SCALE);
		trade(ALICE, BTC, 10 * UNIT);
		governed(SCALE / 2);
		for _ in 0..60 {
			block_after(HOUR / 60);
		}
		// In sixty steps, which compound.
		let there = scale();
		assert!(
			there > SCALE - SCALE / 100 && there < SCALE - SCALE / 101,
			"{there}"
		);
		// A minute of an outage at most: nobody could act in it.
		block_after(50 * HOUR);
		assert_eq!(scale(), there - there / 6_000);
		governed(SCALE * 2);
		let from = scale();
		block_after(BLOCK);
		assert_eq!(scale(), from + from / 180_000);
		// In small steps no faster than in a large one, but for what compounds.
		for _ in 0..1_799 {
			block_after(BLOCK);
		}
		let grown = scale() - from;
		assert!(
			grown >= from / 100 - 1_800 && grown <= from / 100 + from / 19_000,
			"{grown}"
		);
	});
}

#[test]
fn not_beyond_and_by_a_unit_at_least() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 10 * UNIT);
		governed(SCALE + 5);
		tick();
		assert_eq!(scale(), SCALE + 5);
		let mut small = Market::new(9, 9, &numbers(1), 0);
		small.positions = 1;
		small.terms.skew_scale = 100;
		let mut target = numbers(1);
		target.skew_scale = 103;
		let mut refreshed = |now| {
			small.refresh(now, None, Default::default(), Default::default(), Some(&target));
			small.terms.skew_scale
		};
		assert_eq!([1, 1, 2, 3, 4].map(&mut refreshed), [101, 101, 102, 103, 103]);
	});
}

#[test]
fn a_vote_moves_no_mark_at_once() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 40 * UNIT);
		let before = market(BTC).mark().into_inner();
		governed(SCALE / 100);
		tick();
		let after = market(BTC).mark().into_inner();
		// The premium is 0.4 %, and grew by a part in 180 000 of itself.
		let most = FixedU128::from_u32(200).into_inner() / 179_000;
		assert!(after > before && after - before <= most, "{}", after - before);
	});
}
