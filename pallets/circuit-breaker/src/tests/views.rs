//! What people see.

use crate::{FuseStatus, Status};

use super::*;

fn status(subject: BreakerSubject) -> Status {
	CircuitBreaker::status(subject).unwrap()
}

#[test]
fn a_normal_subject_shows_its_fuses_only() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(4));
		assert_eq!(
			status(BTC),
			Status {
				level: Level::Normal,
				binding: Level::Normal,
				bound_by: BTC,
				cause: None,
				by_hand: Level::Normal,
				since: None,
				blocks_needed: 0,
				calm_since: None,
				lower_from: None,
				normal_from: None,
				fuses: vec![
					FuseStatus {
						fuse: Fuse::PriceDeviation,
						reading: percent(4),
						triggers: DEVIATION,
						fill: FixedU128::from_rational(80, 100),
					},
					FuseStatus {
						fuse: Fuse::Leaving,
						reading: 0,
						triggers: LEAVING,
						fill: FixedU128::from_u32(0),
					},
				],
			}
		);
	});
}

#[test]
fn a_raised_subject_shows_why_since_when_and_until_when() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(25));
		block(SECOND);
		let raised = now();
		let held = status(BTC);
		assert_eq!(
			(held.level, held.binding, held.bound_by),
			(Level::Halted, Level::Halted, BTC)
		);
		assert_eq!(held.cause, Some(Cause::Fuse(Fuse::PriceDeviation)));
		assert_eq!((held.since, held.calm_since), (Some(raised), None));
		// Were it calm from now on.
		assert_eq!(held.lower_from, Some(raised + COOLDOWN));
		assert_eq!(held.normal_from, Some(raised + 3 * COOLDOWN));
		deviate(0);
		block(5 * MINUTE);
		later(MINUTE);
		let calm = status(BTC);
		assert_eq!(
			(calm.since, calm.calm_since),
			(Some(raised), Some(raised + 5 * MINUTE))
		);
		assert_eq!(calm.lower_from, Some(raised + 5 * MINUTE + COOLDOWN));
		assert_eq!(calm.normal_from, Some(raised + 5 * MINUTE + 3 * COOLDOWN));
	});
}

#[test]
fn the_times_foretold_are_the_times_that_come() {
	for (dwell, cooldown) in [(DWELL, COOLDOWN), (COOLDOWN, DWELL), (0, MINUTE)] {
		for to in [Level::Guarded, Level::ReduceOnly, Level::Halted] {
			ExtBuilder::default().build_and_execute(|| {
				Parameters::mutate(|p| (p.breaker_dwell, p.breaker_cooldown) = (dwell, cooldown));
				assert_ok!(trip(BTC, to));
				begin();
				let foretold = status(BTC);
				let mut lowered = None;
				while level(BTC) > Level::Normal {
					block(SECOND);
					if level(BTC) < to {
						lowered = lowered.or(Some(now()));
					}
				}
				assert_eq!(foretold.lower_from, lowered);
				assert_eq!(foretold.normal_from, Some(now()));
			});
		}
	}
}

#[test]
fn a_fuse_that_came_back_counts_at_once() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(5));
		block(SECOND);
		deviate(0);
		block(COOLDOWN - MINUTE);
		deviate(percent(4));
		let status = status(BTC);
		assert_eq!(status.calm_since, None);
		assert_eq!(status.lower_from, Some(now() + COOLDOWN));
	});
}

#[test]
fn what_is_due_is_due_now() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(10));
		block(SECOND);
		deviate(0);
		block(MINUTE);
		later(DAY);
		assert_eq!(status(BTC).lower_from, Some(now()));
		assert_eq!(status(BTC).normal_from, Some(now() + COOLDOWN));
		begin();
		assert_eq!(level(BTC), Level::Guarded);
	});
}

#[test]
fn a_parent_shows_as_what_binds() {
	ExtBuilder::default().build_and_execute(|| {
		let bound = || {
			let status = status(BTC_MINT);
			(status.level, status.binding, status.bound_by)
		};
		assert_ok!(set_level(CHAIN, Level::ReduceOnly));
		assert_eq!(bound(), (Level::Normal, Level::ReduceOnly, CHAIN));
		assert_ok!(set_level(BTC, Level::ReduceOnly));
		assert_eq!(bound(), (Level::Normal, Level::ReduceOnly, BTC));
		assert_ok!(set_level(BTC_MINT, Level::Guarded));
		assert_eq!(bound(), (Level::Guarded, Level::ReduceOnly, BTC));
		assert_ok!(set_level(BTC_MINT, Level::ReduceOnly));
		assert_eq!(bound(), (Level::ReduceOnly, Level::ReduceOnly, BTC_MINT));
		assert_ok!(set_level(CHAIN, Level::Halted));
		assert_eq!(bound(), (Level::ReduceOnly, Level::Halted, CHAIN));
	});
}

#[test]
fn fill_is_of_the_next_trigger_or_the_highest() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(12));
		read(BTC, Fuse::Leaving, percent(5));
		let fills = || {
			let fill = |fuse: &FuseStatus| fuse.fill.into_inner();
			status(BTC).fuses.iter().map(fill).collect::<Vec<_>>()
		};
		assert_eq!(fills(), vec![percent(240), percent(50)]);
		assert_ok!(set_level(BTC, Level::Guarded));
		assert_eq!(fills(), vec![percent(120), percent(25)]);
		for level in [Level::ReduceOnly, Level::Halted] {
			assert_ok!(set_level(BTC, level));
			// Leaving never halts: of its highest.
			assert_eq!(fills(), vec![percent(48), percent(25)]);
		}
		assert_ok!(set_level(BTC, Level::Normal));
		deviate(percent(5) - 1);
		assert!(fills()[0] < percent(100));
		// A reading just below the trigger does not round up to it.
		Measured::mutate(|m| m.get_mut(&BTC).unwrap()[0].triggers.guarded = percent(300));
		deviate(percent(300) - 1);
		assert_eq!(fills()[0], percent(100) - 1);
		deviate(u128::MAX);
		Measured::mutate(|m| m.get_mut(&BTC).unwrap()[0].triggers.guarded = 1);
		assert_eq!(fills()[0], u128::MAX);
		Measured::mutate(|m| m.get_mut(&BTC).unwrap()[0].triggers.guarded = 0);
		assert_eq!(fills()[0], u128::MAX);
	});
}

#[test]
fn all_that_are_measured_or_raised_are_listed_once() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set_level(BTC, Level::Halted));
		assert_ok!(set_level(ETH, Level::Guarded));
		Measured::mutate(|measured| measured.remove(&ETH));
		let statuses = CircuitBreaker::statuses();
		let subjects: Vec<_> = statuses.iter().map(|(subject, _)| *subject).collect();
		assert_eq!(subjects, vec![CHAIN, BTC, ETH, MARKET, BTC_MINT, FEES, LENDING]);
		for (subject, listed) in statuses {
			assert_eq!(listed, status(subject));
		}
		assert_eq!(status(ETH).fuses, vec![]);
		assert_eq!(CircuitBreaker::status(NOBODYS), None);
	});
}

#[test]
fn the_time_of_the_next_trip_is_shown() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(CircuitBreaker::trip_from(BTC), 0);
		later(MINUTE);
		assert_ok!(trip(BTC, Level::Guarded));
		assert_eq!(CircuitBreaker::trip_from(BTC), START + MINUTE + TRIP_PAUSE_MS);
	});
}
