//! Where the market stands, and where its mark is.

use keel_math::{perpetual, FixedU128, Rounding};
use keel_primitives::Positions;
use proptest::prelude::*;

use crate::{mock::*, Market, Position};

/// BTC at 50 000 with a scale of 10 000 and a range of one per cent: a premium of 1.5 %, reached by leaving.
fn beyond(long: bool) {
	set_numbers(BTC, |numbers| {
		numbers.max_premium = ratio(1, 100);
		numbers.premium_step = ratio(1, 100);
	});
	tick();
	let sign = if long { 1 } else { -1 };
	trade(ALICE, BTC, 100 * sign * UNIT);
	trade(BOB, BTC, -50 * sign * UNIT);
	trade(CAROL, BTC, 50 * sign * UNIT);
	let terms = Terms {
		limit: Some(dollars(if long { 100_000 } else { 1 })),
		reduce_only: true,
		..Default::default()
	};
	let leaves = try_commit(BOB, BTC, 50 * sign * UNIT, terms).unwrap();
	ticks();
	assert_eq!(filled(leaves).position, 0);
	assert_eq!(market(BTC).skew(), 150 * sign * UNIT);
}

#[test]
fn the_mark_ends_where_opening_does() {
	for (long, standing, mark) in [(true, 50_750, 50_500), (false, 49_250, 49_500)] {
		ExtBuilder.build_and_execute(|| {
			beyond(long);
			let there = market(BTC);
			assert_eq!(
				(there.standing(), there.mark()),
				(dollars(standing), dollars(mark))
			);
			// Positions are valued, liquidated and cut by the mark; whoever wants more has to look at where the market stands.
			let exposure = Perpetuals::exposures(account(ALICE))[0];
			let held = position(ALICE, BTC);
			let funding = there.funding_owed(&held).unwrap();
			let at =
				|price| perpetual::value(held.size, price, Rounding::Down).unwrap() - held.cost - funding;
			assert_eq!(
				(exposure.mark, exposure.unrealised),
				(dollars(mark), at(dollars(mark)))
			);
			// The side that is crowded stands better than its mark.
			assert_eq!(exposure.realisable, exposure.unrealised);
			let other = Position {
				size: -held.size,
				cost: -held.cost,
				funding: 0,
				..held
			};
			let (mark, standing) = (
				there.unrealised(&other).unwrap(),
				there.realisable(&other).unwrap(),
			);
			// 250 of 100 BTC.
			assert_eq!(mark - standing, 25_000 * USD as i128);
			assert_eq!(Perpetuals::mark(BTC).unwrap(), there.mark());
			// A trade pays what it moves, wherever the mark is.
			let back = fill_now(DAVE, BTC, if long { -10 * UNIT } else { 10 * UNIT }).unwrap();
			assert_eq!(back.price, dollars(if long { 50_725 } else { 49_275 }));
		});
	}
}

#[test]
fn a_settled_market_has_neither() {
	ExtBuilder.build_and_execute(|| {
		beyond(true);
		let mut settled = market(BTC);
		settled.status = crate::Status::Settled {
			price: dollars(47_000),
		};
		assert_eq!(
			(settled.standing(), settled.mark()),
			(dollars(47_000), dollars(47_000))
		);
	});
}

/// Lowering the range must not be a price move for who is in.
#[test]
fn the_range_moves_slowly_where_somebody_is_in() {
	ExtBuilder.build_and_execute(|| {
		beyond(true);
		set_numbers(BTC, |numbers| numbers.max_premium = ratio(1, 1_000));
		let before = market(BTC).terms.mark_range.into_inner();
		block_after(BLOCK);
		assert_eq!(
			market(BTC).terms.mark_range.into_inner(),
			before - before / 180_000
		);
		// New risk meets the number itself.
		set_price(BTC, dollars(50_000));
		tick();
		assert!(fill_now(DAVE, BTC, UNIT).is_err());
		for _ in 0..60 {
			block_after(HOUR / 60);
		}
		let after = market(BTC).terms.mark_range.into_inner();
		assert!(
			after < before - before / 101 && after > before - before / 99,
			"{after} of {before}"
		);
	});
}

proptest! {
	#[test]
	fn within_its_range_the_mark_is_where_the_market_stands(
		index in 1u128..1 << 80,
		skew in -(1i128 << 60)..1 << 60,
		scale in 1u128 << 50..1 << 70,
		range in 0u128..200_000_000_000_000_000,
	) {
		let mut there = Market::new(1, 1, &numbers(100), 0);
		there.price.value = FixedU128::from_inner(index);
		there.terms.skew_scale = scale;
		there.terms.mark_range = FixedU128::from_inner(range);
		(there.long, there.short) = (skew.max(0) as u128, (-skew).max(0) as u128);
		let (standing, mark) = (there.standing().into_inner(), there.mark().into_inner());
		let reach = keel_math::mul_ratio(index, FixedU128::from_inner(range), Rounding::Down).unwrap();
		prop_assert!(mark.abs_diff(index) <= reach);
		if standing.abs_diff(index) <= reach {
			prop_assert_eq!(standing, mark);
		} else {
			prop_assert_eq!(mark > index, standing > index);
			prop_assert_eq!(mark.abs_diff(index), reach);
		}
	}
}
