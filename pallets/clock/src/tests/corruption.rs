use frame_support::storage::unhashed;

use crate::{mock::*, Last, Reading};

/// `try_state` has to say this after `damage`, and nothing before it.
fn says(expected: &'static str, damage: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		blocks(&[0, 2 * SECOND]);
		Clock::do_try_state().unwrap();
		damage();
		assert_eq!(Clock::do_try_state(), Err(expected.into()));
	});
}

#[test]
fn sees_a_reading_that_does_not_decode() {
	says("clock: the reading does not decode", || {
		unhashed::put_raw(&Last::<Test>::hashed_key(), &[1]);
	});
}

#[test]
fn sees_a_block_of_the_future() {
	says("clock: the last block was in the future", || {
		Last::<Test>::mutate(|last| last.at += 1);
	});
}

#[test]
fn sees_more_active_time_than_time() {
	says("clock: more active time than there has been time", || {
		Last::<Test>::put(Reading {
			at: START,
			active: START + 1,
		});
	});
}
