use frame_support::traits::Hooks;
use proptest::prelude::*;

use crate::{mock::*, Reading, WeightInfo};

#[test]
fn starts_at_zero_with_the_first_block() {
	build_and_execute(|| {
		assert_eq!((active(), Clock::reading()), (0, Reading::default()));
		blocks(&[0]);
		let first = Reading { at: START, active: 0 };
		assert_eq!((active(), Clock::reading()), (0, first));
	});
}

#[test]
fn counts_each_step_up_to_the_limit() {
	build_and_execute(|| {
		// The example of the documentation: 0 + 2 + 60 + 2 seconds.
		blocks(&[0, 2 * SECOND, 602 * SECOND, 604 * SECOND]);
		assert_eq!(active(), 64 * SECOND);
		// To the millisecond.
		blocks(&[664 * SECOND]);
		assert_eq!(active(), 124 * SECOND);
		blocks(&[724 * SECOND + 1]);
		assert_eq!(active(), 184 * SECOND);
	});
}

#[test]
fn a_clock_that_goes_back_takes_nothing_back() {
	build_and_execute(|| {
		blocks(&[0, 30 * SECOND]);
		let last = Reading {
			at: START + 30 * SECOND,
			active: 30 * SECOND,
		};
		assert_eq!(last.next(START, MINUTE), last);
		assert_eq!(last.next(START + 31 * SECOND, MINUTE).active, 31 * SECOND);
	});
}

#[test]
fn every_block_reserves_the_step() {
	build_and_execute(|| {
		assert_eq!(Clock::on_initialize(2), <() as WeightInfo>::step());
	});
}

#[test]
#[should_panic(expected = "active time would never move")]
fn without_a_step_the_runtime_does_not_start() {
	MaxStep::set(0);
	Clock::integrity_test();
}

proptest! {
	/// Between any two blocks active time moves by no more than the wall clock, and by no more than the limit
	/// a block.
	#[test]
	fn never_runs_faster_than_the_wall_clock(steps in prop::collection::vec(1u64..10_000_000, 1..50)) {
		build_and_execute(|| {
			let (mut now, mut sum) = (0, 0);
			blocks(&[now]);
			for step in steps {
				let before = active();
				now += step;
				blocks(&[now]);
				sum += step.min(MINUTE);
				assert_eq!(active() - before, step.min(MINUTE));
			}
			assert_eq!(active(), sum);
			assert!(active() <= now);
		});
	}
}
