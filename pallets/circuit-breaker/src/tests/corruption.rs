//! Each invariant fails when storage breaks it.

use std::collections::BTreeMap;

use frame_support::storage::unhashed;

use super::*;

fn fails(message: &'static str, corrupt: impl FnOnce()) {
	ExtBuilder::default().build().execute_with(|| {
		assert_ok!(trip(BTC, Level::ReduceOnly));
		block(MINUTE);
		assert!(state(BTC).unwrap().calm_since.is_some());
		corrupt();
		assert_eq!(CircuitBreaker::do_try_state(), Err(message.into()));
	});
}

fn corrupt_state(corrupt: impl FnOnce(&mut State)) {
	Raised::<Test>::mutate(|raised| corrupt(raised.get_mut(&BTC).unwrap()));
}

fn corrupt_trip(corrupt: impl FnOnce(&mut Trip)) {
	LastTrip::<Test>::mutate(BTC, |trip| corrupt(trip.as_mut().unwrap()));
}

#[test]
fn every_measured_subject_has_room() {
	fails(
		"circuit breaker: more subjects are measured than may be raised",
		|| MaxSubjects::set(4),
	);
}

#[test]
fn what_is_raised_decodes() {
	let message = "circuit breaker: what is raised does not decode";
	// The length does not.
	fails(message, || {
		unhashed::put_raw(&Raised::<Test>::hashed_key(), &[0xff])
	});
	// What follows does not.
	fails(message, || {
		unhashed::put_raw(&Raised::<Test>::hashed_key(), &[4, 0])
	});
}

#[test]
fn nothing_is_stored_where_nothing_is_raised() {
	fails("circuit breaker: nothing is raised, and stored", || {
		Raised::<Test>::put(crate::RaisedSubjects::<Test>::new())
	});
}

#[test]
fn no_more_is_raised_than_may_be() {
	fails("circuit breaker: more is raised than may be", || {
		let state = state(BTC).unwrap();
		let many: BTreeMap<BreakerSubject, State> =
			(0..9).map(|n| (BreakerSubject::Market(n), state)).collect();
		unhashed::put(&Raised::<Test>::hashed_key(), &many)
	});
}

#[test]
fn what_is_raised_is_above_normal() {
	fails("circuit breaker: a raised subject is normal", || {
		corrupt_state(|state| state.level = Level::Normal)
	});
}

#[test]
fn no_level_was_reached_in_the_future() {
	fails("circuit breaker: a level was reached in the future", || {
		corrupt_state(|state| state.since = now() + 1)
	});
}

#[test]
fn no_level_was_calm_before_it_was_reached() {
	fails("circuit breaker: a level was calm before it was reached", || {
		corrupt_state(|state| state.calm_since = Some(state.since - 1))
	});
}

#[test]
fn no_level_is_calm_from_the_future_on() {
	fails("circuit breaker: a level is calm from the future on", || {
		corrupt_state(|state| state.calm_since = Some(now() + 1))
	});
}

#[test]
fn no_trip_was_in_the_future() {
	fails("circuit breaker: a trip was in the future", || {
		corrupt_trip(|trip| trip.at = now() + 1)
	});
}

#[test]
fn no_trip_was_to_normal() {
	fails("circuit breaker: a trip was to normal", || {
		corrupt_trip(|trip| trip.level = Level::Normal)
	});
}

#[test]
fn nothing_is_held_higher_by_less() {
	let message = "circuit breaker: a level is held higher by less";
	fails(message, || corrupt_state(|state| state.others = Level::Halted));
	fails(message, || {
		corrupt_state(|state| (state.by_hand, state.others) = (Level::ReduceOnly, Level::Guarded))
	});
}
