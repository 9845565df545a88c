//! Down by itself: not too early, not too far, and not for ever.

use super::*;

#[test]
fn goes_down_one_level_at_a_time_at_the_earliest_moment() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(25));
		block(SECOND);
		let raised = START + SECOND;
		deviate(0);
		block(MINUTE);
		let calm = raised + MINUTE;
		let mut expected = vec![];
		for (step, from) in [Level::Halted, Level::ReduceOnly, Level::Guarded]
			.into_iter()
			.enumerate()
		{
			let due = calm + (step as Moment + 1) * COOLDOWN;
			later(due - 1 - now());
			begin();
			assert_eq!(level(BTC), from);
			assert_eq!(events(), vec![]);
			block(1);
			assert_eq!(level(BTC), from.lower());
			assert_eq!(events(), vec![lowered_event(BTC, from, from.lower())]);
			expected.push(state(BTC));
		}
		let at = |level, steps| State {
			level,
			since: calm + steps * COOLDOWN,
			cause: Cause::Fuse(Fuse::PriceDeviation),
			calm_since: Some(calm + steps * COOLDOWN),
			by_hand: Level::Normal,
			others: Level::Normal,
		};
		assert_eq!(
			expected,
			vec![Some(at(Level::ReduceOnly, 1)), Some(at(Level::Guarded, 2)), None]
		);
		assert!(!Raised::<Test>::exists());
	});
}

#[test]
fn dwells_where_the_dwell_is_longer() {
	ExtBuilder::default().build_and_execute(|| {
		Parameters::mutate(|p| (p.breaker_dwell, p.breaker_cooldown) = (HOUR, MINUTE));
		deviate(percent(10));
		block(SECOND);
		deviate(0);
		block(HOUR - 1);
		assert_eq!(level(BTC), Level::ReduceOnly);
		assert_eq!(state(BTC).unwrap().calm_since, Some(now()));
		// Dwelt, not yet calm long enough.
		block(MINUTE - 1);
		assert_eq!(level(BTC), Level::ReduceOnly);
		block(1);
		assert_eq!(level(BTC), Level::Guarded);
		block(HOUR - 1);
		assert_eq!(level(BTC), Level::Guarded);
		block(1);
		assert_eq!(level(BTC), Level::Normal);
	});
}

#[test]
fn without_dwell_and_cooldown_falls_a_level_per_evaluation() {
	ExtBuilder::default().build_and_execute(|| {
		Parameters::mutate(|p| (p.breaker_dwell, p.breaker_cooldown) = (0, 0));
		deviate(percent(25));
		block(SECOND);
		begin();
		assert_eq!(level(BTC), Level::Halted);
		deviate(0);
		for expected in [Level::ReduceOnly, Level::Guarded, Level::Normal] {
			begin();
			assert_eq!(level(BTC), expected);
		}
	});
}

#[test]
fn when_a_fuse_flutters_it_never_goes_down() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(10));
		block(SECOND);
		for minute in 0..2 * 24 * 60 {
			// Back for a single block, a minute before the cooldown is over.
			deviate(if minute % 30 == 29 { percent(7) } else { 0 });
			block(MINUTE);
			assert_eq!(level(BTC), Level::ReduceOnly, "after {minute} minutes");
			assert_eq!(events(), vec![]);
		}
		assert_eq!(state(BTC).unwrap().since, START + SECOND);
	});
}

#[test]
fn when_a_fuse_comes_back_during_recovery_it_goes_up_again() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(25));
		block(SECOND);
		deviate(0);
		blocks(2 * COOLDOWN + MINUTE, MINUTE);
		assert_eq!(level(BTC), Level::Guarded);
		read(BTC, Fuse::Leaving, percent(20));
		block(MINUTE);
		assert_eq!(level(BTC), Level::ReduceOnly);
		assert_eq!(state(BTC).unwrap().since, now());
		read(BTC, Fuse::Leaving, 0);
		blocks(COOLDOWN, MINUTE);
		assert_eq!(level(BTC), Level::ReduceOnly);
		block(MINUTE);
		assert_eq!(level(BTC), Level::Guarded);
		assert_eq!(state(BTC).unwrap().cause, Cause::Fuse(Fuse::Leaving));
	});
}

#[test]
fn recovers_also_what_nobody_measures_any_more() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(25));
		block(SECOND);
		Measured::mutate(|measured| measured.remove(&BTC));
		blocks(3 * COOLDOWN + MINUTE, MINUTE);
		assert!(!Raised::<Test>::exists());
	});
}

#[test]
fn each_subject_recovers_on_its_own_time() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(5));
		read(CHAIN, Fuse::Drawdown, percent(10));
		block(SECOND);
		deviate(0);
		blocks(10 * MINUTE, MINUTE);
		read(CHAIN, Fuse::Drawdown, 0);
		blocks(21 * MINUTE, MINUTE);
		assert_eq!((level(BTC), level(CHAIN)), (Level::Normal, Level::Guarded));
		blocks(10 * MINUTE, MINUTE);
		assert_eq!(level(CHAIN), Level::Normal);
	});
}

#[test]
fn follows_the_governed_times_of_the_moment() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(5));
		block(SECOND);
		deviate(0);
		blocks(11 * MINUTE, MINUTE);
		assert_eq!(level(BTC), Level::Guarded);
		Parameters::mutate(|p| p.breaker_cooldown = 5 * MINUTE);
		begin();
		assert_eq!(level(BTC), Level::Normal);
	});
}

#[test]
fn writes_only_what_moved() {
	use frame_support::storage::unhashed;
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(5));
		block(SECOND);
		// A mark behind the value, which only a write takes away.
		let key = Raised::<Test>::hashed_key();
		let mark = || {
			let mut marked = unhashed::get_raw(&key).unwrap();
			marked.push(0xff);
			unhashed::put_raw(&key, &marked);
		};
		let marked = || unhashed::get_raw(&key).unwrap().ends_with(&[0xff]);
		mark();
		block(MINUTE);
		assert!(marked(), "held: nothing moved");
		deviate(0);
		block(MINUTE);
		assert!(!marked(), "the calm begins");
		mark();
		block(MINUTE);
		assert!(marked(), "the calm goes on");
		deviate(percent(4));
		block(MINUTE);
		assert!(!marked(), "the calm ends");
	});
}
