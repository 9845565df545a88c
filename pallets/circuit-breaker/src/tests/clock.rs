//! A clock that has not begun, stands still, jumps or runs backwards; and what an evaluation costs.

use frame_support::{traits::Hooks, weights::constants::RocksDbWeight};

use crate::WeightInfo;

use super::*;

#[test]
fn before_the_first_time_nothing_is_evaluated() {
	ExtBuilder::default().at_time_zero().build_and_execute(|| {
		deviate(percent(25));
		assert_eq!(
			CircuitBreaker::on_initialize(1),
			<() as WeightInfo>::on_initialize(0)
		);
		assert!(!Raised::<Test>::exists());
		block(START);
		assert_eq!(level(BTC), Level::Halted);
		assert_eq!(state(BTC).unwrap().since, START);
	});
}

#[test]
fn while_the_clock_stands_still_fuses_raise_and_nothing_goes_down() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(5));
		begin();
		assert_eq!(level(BTC), Level::Guarded);
		deviate(0);
		for _ in 0..10_000 {
			CircuitBreaker::on_initialize(2);
		}
		assert_eq!(level(BTC), Level::Guarded);
		deviate(percent(25));
		begin();
		assert_eq!(level(BTC), Level::Halted);
	});
}

#[test]
fn after_an_outage_at_most_one_level_goes() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(25));
		block(SECOND);
		deviate(0);
		block(MINUTE);
		block(30 * DAY);
		assert_eq!(level(BTC), Level::ReduceOnly);
		assert_eq!(state(BTC).unwrap().since, now());
		block(COOLDOWN - 1);
		assert_eq!(level(BTC), Level::ReduceOnly);
		block(30 * DAY);
		assert_eq!(level(BTC), Level::Guarded);
	});
}

#[test]
fn when_nothing_was_seen_calm_before_an_outage_the_calm_begins_after_it() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(25));
		block(SECOND);
		deviate(0);
		block(30 * DAY);
		assert_eq!(level(BTC), Level::Halted);
		assert_eq!(state(BTC).unwrap().calm_since, Some(now()));
	});
}

#[test]
fn when_it_is_not_calm_at_the_level_below_the_calm_does_not_begin() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(10));
		block(SECOND);
		deviate(percent(6));
		block(MINUTE);
		block(COOLDOWN);
		assert_eq!(level(BTC), Level::Guarded);
		// The next evaluation is late and finds everything calm: it was not calm all the time.
		deviate(0);
		block(DAY);
		assert_eq!(level(BTC), Level::Guarded);
		assert_eq!(state(BTC).unwrap().calm_since, Some(now()));
	});
}

#[test]
fn when_the_clock_runs_backwards_nothing_goes_down() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(25));
		block(SECOND);
		deviate(0);
		for back in [1, HOUR, START] {
			CircuitBreaker::evaluate(now() - back);
			assert_eq!(level(BTC), Level::Halted);
		}
		set_level(BTC, Level::Normal).unwrap();
	});
}

#[test]
fn at_the_end_of_time_nothing_overflows() {
	ExtBuilder::default().build_and_execute(|| {
		Parameters::mutate(|p| (p.breaker_dwell, p.breaker_cooldown) = (Moment::MAX, Moment::MAX));
		later(Moment::MAX - now() - 1);
		assert_ok!(trip(BTC, Level::Halted));
		begin();
		let status = CircuitBreaker::status(BTC).unwrap();
		assert_eq!(status.lower_from, Some(Moment::MAX));
		assert_eq!(status.normal_from, Some(Moment::MAX));
		assert_eq!(CircuitBreaker::trip_from(BTC), Moment::MAX);
	});
}

#[test]
fn costs_by_the_subjects_it_evaluates() {
	// What the hook costs, and four reads for every subject.
	let cost = |subjects: u64| {
		let reads = RocksDbWeight::get().reads(4 * subjects);
		<() as WeightInfo>::on_initialize(subjects as u32).saturating_add(reads)
	};
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(CircuitBreaker::on_initialize(2), cost(7));
		assert_ok!(set_level(BTC, Level::Guarded));
		// Raised and measured count once.
		assert_eq!(CircuitBreaker::on_initialize(2), cost(7));
		Measured::mutate(|measured| {
			measured.remove(&BTC);
			measured.remove(&ETH);
		});
		// Raised and no longer measured counts.
		assert_eq!(CircuitBreaker::on_initialize(2), cost(6));
		assert!(<() as WeightInfo>::on_initialize(7).all_gt(<() as WeightInfo>::on_initialize(6)));
	});
}

#[test]
#[should_panic(expected = "there is no room for a raised subject")]
fn without_room_the_runtime_does_not_start() {
	MaxSubjects::set(0);
	CircuitBreaker::integrity_test();
}
