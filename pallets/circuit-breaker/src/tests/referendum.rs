//! Any level, at once, both ways.

use sp_runtime::DispatchError;

use super::*;

#[test]
fn raises_at_once_and_the_level_goes_down_by_itself() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set_level(BTC, Level::Halted));
		assert_eq!(
			events(),
			vec![raised_event(
				BTC,
				Level::Normal,
				Level::Halted,
				Cause::Referendum,
				None
			)]
		);
		assert_eq!(
			state(BTC),
			Some(State {
				level: Level::Halted,
				since: START,
				cause: Cause::Referendum,
				calm_since: None,
				by_hand: Level::Normal,
				others: Level::Normal,
			})
		);
		blocks(3 * COOLDOWN + MINUTE, MINUTE);
		assert_eq!(level(BTC), Level::Normal);
	});
}

#[test]
fn lowers_at_once_past_dwell_and_cooldown() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(25));
		block(SECOND);
		deviate(0);
		assert_ok!(set_level(BTC, Level::Guarded));
		assert_eq!(
			events().last(),
			Some(&lowered_event(BTC, Level::Halted, Level::Guarded))
		);
		let state = state(BTC).unwrap();
		assert_eq!((state.since, state.cause), (now(), Cause::Referendum));
		assert_ok!(set_level(BTC, Level::Normal));
		assert_eq!(
			events().last(),
			Some(&lowered_event(BTC, Level::Guarded, Level::Normal))
		);
		assert!(!Raised::<Test>::exists());
		block(MINUTE);
		assert!(!Raised::<Test>::exists());
	});
}

#[test]
fn when_the_fuse_still_demands_it_the_next_block_raises_again() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(12));
		block(SECOND);
		assert_ok!(set_level(BTC, Level::Normal));
		assert_eq!(level(BTC), Level::Normal);
		block(SECOND);
		assert_eq!(level(BTC), Level::ReduceOnly);
		assert_eq!(
			events(),
			vec![raised_event(
				BTC,
				Level::Normal,
				Level::ReduceOnly,
				Cause::Fuse(Fuse::PriceDeviation),
				Some(percent(12))
			)]
		);
		// Loosened in the same batch it stays down.
		Measured::mutate(|m| m.get_mut(&BTC).unwrap()[0].triggers.guarded = percent(15));
		Measured::mutate(|m| m.get_mut(&BTC).unwrap()[0].triggers.reduce_only = percent(20));
		assert_ok!(set_level(BTC, Level::Normal));
		blocks(HOUR, MINUTE);
		assert_eq!(level(BTC), Level::Normal);
	});
}

#[test]
fn at_the_level_already_it_succeeds_and_does_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set_level(BTC, Level::Normal));
		assert!(!Raised::<Test>::exists());
		deviate(percent(5));
		block(SECOND);
		let before = state(BTC);
		later(MINUTE);
		System::reset_events();
		assert_ok!(set_level(BTC, Level::Guarded));
		assert_eq!(state(BTC), before);
		assert_eq!(events(), vec![]);
	});
}

#[test]
fn lowers_what_is_raised_and_no_longer_measured() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set_level(BTC, Level::Halted));
		Measured::mutate(|measured| measured.remove(&BTC));
		assert_ok!(set_level(BTC, Level::ReduceOnly));
		assert_ok!(set_level(BTC, Level::Normal));
		assert_noop!(set_level(BTC, Level::Halted), Error::<Test>::UnknownSubject);
	});
}

#[test]
fn fails_for_a_subject_nobody_measures() {
	ExtBuilder::default().build_and_execute(|| {
		for level in [Level::Normal, Level::Halted] {
			assert_noop!(set_level(NOBODYS, level), Error::<Test>::UnknownSubject);
		}
	});
}

#[test]
fn fails_for_any_other_origin() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set_level(BTC, Level::Guarded));
		for origin in [
			RuntimeOrigin::signed(GUARDIAN),
			RuntimeOrigin::signed(STRANGER),
			RuntimeOrigin::none(),
		] {
			for level in [Level::Normal, Level::Halted] {
				assert_noop!(
					CircuitBreaker::set_level(origin.clone(), BTC, level),
					DispatchError::BadOrigin
				);
			}
		}
	});
}

#[test]
fn fails_without_room() {
	ExtBuilder::default().build().execute_with(|| {
		MaxSubjects::set(2);
		assert_ok!(set_level(BTC, Level::Guarded));
		assert_ok!(set_level(ETH, Level::Guarded));
		assert_noop!(set_level(CHAIN, Level::Halted), Error::<Test>::TooManyRaised);
		assert_noop!(trip(CHAIN, Level::Halted), Error::<Test>::TooManyRaised);
		// One that is raised already needs no room.
		assert_ok!(set_level(BTC, Level::Halted));
		assert_ok!(trip(ETH, Level::Halted));
		assert_ok!(set_level(ETH, Level::Normal));
		assert_ok!(trip(CHAIN, Level::Halted));
	});
}
