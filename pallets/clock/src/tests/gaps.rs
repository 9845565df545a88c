use frame_support::dispatch::DispatchClass;

use crate::{mock::*, Event};

#[test]
fn a_time_longer_than_the_oracles_age_is_told_with_its_length() {
	build_and_execute(|| {
		blocks(&[0, 2 * SECOND, 602 * SECOND]);
		assert_eq!(Gaps::get(), vec![600 * SECOND]);
		assert_eq!(
			events(),
			vec![Event::BlocksMissed {
				from: START + 2 * SECOND,
				length: 600 * SECOND,
			}]
		);
		// The blocks after it end none.
		blocks(&[604 * SECOND, 660 * SECOND]);
		assert_eq!(Gaps::get().len(), 1);
	});
}

#[test]
fn the_age_itself_is_no_gap_and_a_millisecond_more_is_one() {
	build_and_execute(|| {
		blocks(&[0, MINUTE]);
		assert_eq!((Gaps::get(), events()), (vec![], vec![]));
		blocks(&[2 * MINUTE + 1]);
		assert_eq!(Gaps::get(), vec![MINUTE + 1]);
	});
}

#[test]
fn the_first_block_ends_no_gap() {
	build_and_execute(|| {
		blocks(&[0]);
		assert_eq!((Gaps::get(), events()), (vec![], vec![]));
	});
}

#[test]
fn follows_the_governed_age() {
	build_and_execute(|| {
		OracleMaxAge::set(10 * SECOND);
		blocks(&[0, 30 * SECOND]);
		assert_eq!(Gaps::get(), vec![30 * SECOND]);
		OracleMaxAge::set(10 * MINUTE);
		blocks(&[5 * MINUTE]);
		assert_eq!(Gaps::get().len(), 1);
		// Active time stood still all the same: its limit is its own.
		assert_eq!(active(), 90 * SECOND);
	});
}

#[test]
fn what_the_receiver_does_is_weighed_in_its_block() {
	build_and_execute(|| {
		let used = || *frame_system::Pallet::<Test>::block_weight().get(DispatchClass::Mandatory);
		blocks(&[0]);
		let before = used();
		blocks(&[2 * MINUTE]);
		assert_eq!(used() - before, GAP_WEIGHT);
	});
}
