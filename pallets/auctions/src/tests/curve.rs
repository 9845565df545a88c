//! The price over time, and when it ends.

use keel_math::auction::stairstep_exponential;
use proptest::prelude::*;
use sp_runtime::FixedU128;

use crate::{mock::*, types::Curve, Auctions as Running};

fn price(auction: u64) -> Option<FixedU128> {
	Running::<Test>::get(auction).unwrap().price_at(Now::get())
}

#[test]
fn falls_by_whole_steps() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 500 * USD, 50 * USD);
		assert_eq!(price(id), Some(usd(110)));
		Now::set(START + 19_999);
		assert_eq!(price(id), Some(usd(110)));
		Now::set(START + 20_000);
		assert_eq!(price(id), Some(FixedU128::from_rational(1089, 10)));
		Now::set(START + 40_000);
		assert_eq!(price(id), Some(FixedU128::from_rational(107_811, 1000)));
	});
}

#[test]
fn ends_with_the_first_step_below_the_reserve() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 500 * USD, 50 * USD);
		let auction = Running::<Test>::get(id).unwrap();
		// 1.1 · 0.99⁶⁰ = 0.6019, 1.1 · 0.99⁶¹ = 0.5959
		assert_eq!(auction.active_end, START + 61 * 20_000);
		Now::set(auction.active_end - 1);
		let last = price(id).unwrap();
		assert!(last >= usd(60) && last < usd(61), "{last:?}");
		Now::set(auction.active_end);
		assert_eq!(price(id), None);
		Now::set(u64::MAX);
		assert_eq!(price(id), None);
	});
}

#[test]
fn ends_with_the_longest_duration() {
	ExtBuilder::default()
		.parameters(|p| p.auction_duration = 50)
		.build_and_execute(|| {
			let id = start(10 * BITCOIN, 500 * USD, 50 * USD);
			assert_eq!(Running::<Test>::get(id).unwrap().active_end, START + 50_000);
			Now::set(START + 49_999);
			assert!(price(id).is_some());
			Now::set(START + 50_000);
			assert_eq!(price(id), None);
		});
}

#[test]
fn when_start_and_reserve_are_one_should_last_a_step() {
	ExtBuilder::default()
		.parameters(|p| p.auction_reserve = p.auction_start)
		.build_and_execute(|| {
			let id = start(10 * BITCOIN, 500 * USD, 50 * USD);
			assert_eq!(Running::<Test>::get(id).unwrap().active_end, START + 20_000);
			assert_eq!(price(id), Some(usd(110)));
		});
}

#[test]
fn when_nothing_is_cut_should_last_the_duration() {
	ExtBuilder::default()
		.parameters(|p| p.auction_cut = FixedU128::from_u32(1))
		.build_and_execute(|| {
			let id = start(10 * BITCOIN, 500 * USD, 50 * USD);
			assert_eq!(Running::<Test>::get(id).unwrap().active_end, START + 7_200_000);
			advance(7_199);
			assert_eq!(price(id), Some(usd(110)));
		});
}

#[test]
fn when_the_step_is_zero_should_count_as_a_second() {
	ExtBuilder::default()
		.parameters(|p| p.auction_step = 0)
		.build_and_execute(|| {
			let id = start(10 * BITCOIN, 500 * USD, 50 * USD);
			assert_eq!(Running::<Test>::get(id).unwrap().active_end, START + 61_000);
			advance(1);
			assert_eq!(price(id), Some(FixedU128::from_rational(1089, 10)));
		});
}

proptest! {
	/// The end found by halving is the end found by walking.
	#[test]
	fn the_end_is_the_first_time_nothing_may_be_sold(
		spot in 1u128..1_000_000_000_000_000_000_000_000,
		start in 100u128..200, reserve in 1u128..100, cut in 0u128..=1000, step in 0u64..100, duration in 1u64..1000,
	) {
		let mut p = parameters();
		p.auction_start = FixedU128::from_rational(start, 100);
		p.auction_reserve = FixedU128::from_rational(reserve, 100);
		p.auction_cut = FixedU128::from_rational(cut, 1000);
		p.auction_step = step;
		p.auction_duration = duration;
		let curve = Curve::new(FixedU128::from_inner(spot), &p).expect("sound parameters");
		let walked = (0..duration)
			.find(|t| {
				stairstep_exponential(curve.start_price, p.auction_cut, step, *t).unwrap() < curve.reserve_price
			})
			.unwrap_or(duration);
		prop_assert_eq!(curve.length, walked);
	}
}
