//! The mark and the bound of the premium.

use keel_math::{perpetual, FixedU128, Rounding};
use proptest::prelude::*;

use crate::{mock::*, Market};

/// BTC at 50 000 with a scale of 10 000 and a bound of one per cent: a skew of 1.5 % of the scale, reached by
/// leaving.
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
	let fill = filled(leaves);
	assert_eq!(fill.position, 0);
	// All of it at the bound.
	assert_eq!(fill.price, dollars(if long { 50_500 } else { 49_500 }));
	assert_eq!(market(BTC).skew(), 150 * sign * UNIT);
}

#[test]
fn the_premium_ends_where_opening_does_for_leaving_too() {
	for (long, mark) in [(true, 50_500), (false, 49_500)] {
		ExtBuilder.build_and_execute(|| {
			beyond(long);
			let there = market(BTC);
			assert_eq!(there.mark(), dollars(mark));
			// Positions are valued, liquidated and cut by the mark, and closed at it.
			let exposure = exposures(account(ALICE))[0];
			let held = position(ALICE, BTC);
			let funding = there.funding_owed(&held).unwrap();
			let worth = perpetual::value(held.size, dollars(mark), Rounding::Down).unwrap();
			assert_eq!(
				(exposure.mark, exposure.unrealised),
				(dollars(mark), worth - held.cost - funding)
			);
			assert_eq!(mark_of(BTC).unwrap(), there.mark());
			// Back towards the bound at the bound.
			let sign = if long { -1 } else { 1 };
			let back = fill_now(DAVE, BTC, 10 * sign * UNIT).unwrap();
			assert_eq!(back.price, dollars(mark));
			// Nobody opens beyond it.
			let more = fill_now(CAROL, BTC, -sign * UNIT);
			assert_eq!(more, Err(crate::Error::<Test>::PremiumTooWide.into()));
		});
	}
}

#[test]
fn a_settled_market_has_no_premium() {
	ExtBuilder.build_and_execute(|| {
		beyond(true);
		let mut settled = market(BTC);
		settled.status = crate::Status::Settled {
			price: dollars(47_000),
		};
		assert_eq!(settled.mark(), dollars(47_000));
	});
}

/// Lowering the range must not be a price move for who is in.
#[test]
fn the_range_moves_slowly_where_somebody_is_in() {
	ExtBuilder.build_and_execute(|| {
		beyond(true);
		set_numbers(BTC, |numbers| numbers.max_premium = ratio(1, 1_000));
		let before = market(BTC).terms.max_premium.into_inner();
		block_after(BLOCK);
		assert_eq!(
			market(BTC).terms.max_premium.into_inner(),
			before - before / 180_000
		);
		// New risk meets the number itself.
		set_price(BTC, dollars(50_000));
		tick();
		assert!(fill_now(DAVE, BTC, UNIT).is_err());
		for _ in 0..60 {
			block_after(HOUR / 60);
		}
		let after = market(BTC).terms.max_premium.into_inner();
		assert!(
			after < before - before / 101 && after > before - before / 99,
			"{after} of {before}"
		);
	});
}

proptest! {
	#[test]
	fn no_price_is_further_from_the_index_than_the_bound(
		index in 1u128..1 << 80,
		skew in -(1i128 << 60)..1 << 60,
		size in -(1i128 << 60)..1 << 60,
		scale in 1u128 << 50..1 << 70,
		largest in 0u128..200_000_000_000_000_000,
	) {
		let mut there = Market::new(1, 1, &numbers(100), 0);
		there.price.value = FixedU128::from_inner(index);
		there.terms.skew_scale = scale;
		there.terms.max_premium = FixedU128::from_inner(largest);
		(there.long, there.short) = (skew.max(0) as u128, (-skew).max(0) as u128);
		let reach = keel_math::mul_ratio(index, FixedU128::from_inner(largest), Rounding::Up).unwrap();
		prop_assert!(there.mark().into_inner().abs_diff(index) <= reach + 1);
		let price = there.fill_price(size).unwrap().into_inner();
		prop_assert!(price.abs_diff(index) <= reach + 1);
		// In the direction of the skew.
		prop_assert!(skew <= 0 || there.mark().into_inner() >= index);
		prop_assert!(skew >= 0 || there.mark().into_inner() <= index);
	}
}
