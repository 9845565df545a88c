//! What raises a subject, and what holds it.

use super::*;

const DEVIATION_CAUSE: Cause = Cause::Fuse(Fuse::PriceDeviation);

mod raise {
	use super::*;

	#[test]
	fn at_the_trigger_and_not_below() {
		ExtBuilder::default().build_and_execute(|| {
			deviate(percent(5) - 1);
			block(SECOND);
			assert!(!Raised::<Test>::exists());
			assert_eq!(events(), vec![]);
			deviate(percent(5));
			block(SECOND);
			assert_eq!(
				state(BTC),
				Some(State {
					level: Level::Guarded,
					since: START + 2 * SECOND,
					cause: DEVIATION_CAUSE,
					calm_since: None,
					by_hand: Level::Normal,
					others: Level::Normal,
				})
			);
			let event = raised_event(
				BTC,
				Level::Normal,
				Level::Guarded,
				DEVIATION_CAUSE,
				Some(percent(5)),
			);
			assert_eq!(events(), vec![event]);
			assert_eq!(Raised::<Test>::get().len(), 1);
		});
	}

	#[test]
	fn by_each_trigger_to_its_level() {
		for (reading, expected) in [
			(0, Level::Normal),
			(percent(10) - 1, Level::Guarded),
			(percent(10), Level::ReduceOnly),
			(percent(25) - 1, Level::ReduceOnly),
			(percent(25), Level::Halted),
			(u128::MAX, Level::Halted),
		] {
			ExtBuilder::default().build_and_execute(|| {
				deviate(reading);
				block(SECOND);
				assert_eq!(level(BTC), expected, "{reading}");
				assert_eq!(level(ETH), Level::Normal);
			});
		}
	}

	#[test]
	fn no_further_than_the_fuse_goes() {
		ExtBuilder::default().build_and_execute(|| {
			read(BTC_MINT, Fuse::Utilisation, u128::MAX);
			block(SECOND);
			assert_eq!(level(BTC_MINT), Level::ReduceOnly);
		});
	}

	#[test]
	fn over_several_levels_in_one_go() {
		ExtBuilder::default().build_and_execute(|| {
			deviate(percent(30));
			block(SECOND);
			let event = raised_event(
				BTC,
				Level::Normal,
				Level::Halted,
				DEVIATION_CAUSE,
				Some(percent(30)),
			);
			assert_eq!(events(), vec![event]);
		});
	}

	#[test]
	fn further_while_raised_and_the_time_begins_anew() {
		ExtBuilder::default().build_and_execute(|| {
			deviate(percent(5));
			block(SECOND);
			deviate(0);
			block(MINUTE);
			assert_eq!(state(BTC).unwrap().calm_since, Some(START + SECOND + MINUTE));
			read(BTC, Fuse::Leaving, percent(21));
			block(MINUTE);
			assert_eq!(
				state(BTC),
				Some(State {
					level: Level::ReduceOnly,
					since: START + SECOND + 2 * MINUTE,
					cause: Cause::Fuse(Fuse::Leaving),
					calm_since: None,
					by_hand: Level::Normal,
					others: Level::Normal,
				})
			);
			let event = raised_event(
				BTC,
				Level::Guarded,
				Level::ReduceOnly,
				Cause::Fuse(Fuse::Leaving),
				Some(percent(21)),
			);
			assert_eq!(events(), vec![event]);
		});
	}

	#[test]
	fn once_and_not_again_at_the_same_level() {
		ExtBuilder::default().build_and_execute(|| {
			deviate(percent(5));
			block(SECOND);
			let first = state(BTC).unwrap();
			deviate(percent(9));
			read(BTC, Fuse::Leaving, percent(11));
			block(HOUR);
			assert_eq!(events(), vec![]);
			// The second one would hold it alone.
			let others = Level::Guarded;
			assert_eq!(state(BTC), Some(State { others, ..first }));
		});
	}

	#[test]
	fn by_the_fuse_that_demands_most_the_first_among_equals() {
		ExtBuilder::default().build_and_execute(|| {
			deviate(percent(5));
			read(BTC, Fuse::Leaving, percent(20));
			deviate(percent(9));
			read(ETH, Fuse::PriceDeviation, percent(10));
			read(ETH, Fuse::Leaving, percent(20));
			block(SECOND);
			assert_eq!(state(BTC).unwrap().cause, Cause::Fuse(Fuse::Leaving));
			assert_eq!(state(ETH).unwrap().cause, DEVIATION_CAUSE);
		});
	}

	#[test]
	fn every_subject_in_the_same_block() {
		ExtBuilder::default().build_and_execute(|| {
			deviate(percent(5));
			read(CHAIN, Fuse::Drawdown, percent(50));
			read(BTC_MINT, Fuse::Utilisation, percent(20));
			read(FEES, Fuse::Utilisation, percent(40));
			block(SECOND);
			assert_eq!(
				[CHAIN, BTC, ETH, BTC_MINT, FEES].map(level),
				[
					Level::Halted,
					Level::Guarded,
					Level::Normal,
					Level::Guarded,
					Level::ReduceOnly
				]
			);
			assert_eq!(events().len(), 4);
		});
	}

	#[test]
	fn at_a_trigger_of_zero_always() {
		ExtBuilder::default().build_and_execute(|| {
			let zero = Triggers {
				guarded: 0,
				reduce_only: percent(1),
				halted: None,
			};
			Measured::mutate(|m| m.get_mut(&FEES).unwrap()[0].triggers = zero);
			blocks(2 * HOUR, MINUTE);
			assert_eq!(level(FEES), Level::Guarded);
			assert_eq!(state(FEES).unwrap().calm_since, None);
		});
	}

	#[test]
	fn to_the_highest_of_triggers_out_of_order() {
		ExtBuilder::default().build_and_execute(|| {
			let inverted = Triggers {
				guarded: percent(30),
				reduce_only: percent(10),
				halted: Some(percent(20)),
			};
			Measured::mutate(|m| m.get_mut(&BTC).unwrap()[0].triggers = inverted);
			deviate(percent(10));
			block(SECOND);
			assert_eq!(level(BTC), Level::ReduceOnly);
			deviate(percent(20));
			block(SECOND);
			assert_eq!(level(BTC), Level::Halted);
		});
	}
}

mod hold {
	use super::*;

	/// Raised to `Guarded` by the deviation, which then reads `reading`: is the branch calm?
	fn calm_at(reading: u128) -> bool {
		let mut calm = false;
		ExtBuilder::default().build_and_execute(|| {
			deviate(percent(5));
			block(SECOND);
			deviate(reading);
			block(SECOND);
			calm = state(BTC).unwrap().calm_since == Some(now());
		});
		calm
	}

	#[test]
	fn from_the_release_share_of_the_trigger_on() {
		// 70 % of 5 %.
		assert!(!calm_at(percent(5) - 1));
		assert!(!calm_at(percent(350) / 100));
		assert!(calm_at(percent(350) / 100 - 1));
		assert!(calm_at(0));
	}

	#[test]
	fn rounded_so_that_it_holds_longer_but_never_at_zero() {
		ExtBuilder::default().build_and_execute(|| {
			let tiny = Triggers {
				guarded: 3,
				reduce_only: 100,
				halted: None,
			};
			Measured::mutate(|m| m.get_mut(&FEES).unwrap()[0].triggers = tiny);
			read(FEES, Fuse::Utilisation, 3);
			block(SECOND);
			// 70 % of 3 is 2.1; two holds, one does not.
			for (reading, calm) in [(2, false), (1, true)] {
				read(FEES, Fuse::Utilisation, reading);
				block(SECOND);
				assert_eq!(state(FEES).unwrap().calm_since.is_some(), calm);
			}
			// 70 % of 1 is nothing; a fuse at nothing holds nothing.
			Measured::mutate(|m| m.get_mut(&FEES).unwrap()[0].triggers.guarded = 1);
			read(FEES, Fuse::Utilisation, 1);
			block(SECOND);
			assert_eq!(state(FEES).unwrap().calm_since, None);
			read(FEES, Fuse::Utilisation, 0);
			block(SECOND);
			assert_eq!(state(FEES).unwrap().calm_since, Some(now()));
			blocks(HOUR, MINUTE);
			assert_eq!(level(FEES), Level::Normal);
		});
	}

	#[test]
	fn the_present_level_and_not_the_one_above() {
		ExtBuilder::default().build_and_execute(|| {
			deviate(percent(10));
			block(SECOND);
			// Below 70 % of 10 %: calm for `ReduceOnly`; above 5 %: not for `Guarded`.
			deviate(percent(6));
			blocks(COOLDOWN, MINUTE);
			assert_eq!(level(BTC), Level::ReduceOnly);
			block(MINUTE);
			assert_eq!(
				state(BTC),
				Some(State {
					level: Level::Guarded,
					since: now(),
					cause: DEVIATION_CAUSE,
					calm_since: None,
					by_hand: Level::Normal,
					others: Level::Normal,
				})
			);
			blocks(DAY, 10 * MINUTE);
			assert_eq!(level(BTC), Level::Guarded);
			assert_eq!(state(BTC).unwrap().calm_since, None);
		});
	}

	#[test]
	fn by_any_fuse_not_only_the_one_that_raised() {
		ExtBuilder::default().build_and_execute(|| {
			deviate(percent(5));
			block(SECOND);
			deviate(0);
			// 70 % of 10 %.
			read(BTC, Fuse::Leaving, percent(7));
			blocks(DAY, 10 * MINUTE);
			assert_eq!(level(BTC), Level::Guarded);
			read(BTC, Fuse::Leaving, percent(7) - 1);
			blocks(HOUR, MINUTE);
			assert_eq!(level(BTC), Level::Normal);
		});
	}

	#[test]
	fn without_a_trigger_not_before_the_subject_is_down_at_its_highest() {
		// 70 % of 20 %, the trigger of `ReduceOnly`; and far above it.
		for reading in [percent(14), u128::MAX] {
			ExtBuilder::default().build_and_execute(|| {
				deviate(percent(25));
				block(SECOND);
				deviate(0);
				read(BTC, Fuse::Leaving, reading);
				block(SECOND);
				// It can't have raised to `Halted`, and there it is calm.
				assert_eq!(level(BTC), Level::Halted);
				assert_eq!(state(BTC).unwrap().calm_since, Some(now()));
				block(COOLDOWN - 1);
				assert_eq!(level(BTC), Level::Halted);
				block(1);
				assert_eq!(level(BTC), Level::ReduceOnly);
				assert_eq!(state(BTC).unwrap().calm_since, None);
				blocks(DAY, 10 * MINUTE);
				assert_eq!(level(BTC), Level::ReduceOnly);
				read(BTC, Fuse::Leaving, percent(14) - 1);
				blocks(COOLDOWN + MINUTE, MINUTE);
				assert_eq!(level(BTC), Level::Guarded);
			});
		}
	}

	#[test]
	fn by_the_fuse_that_has_the_trigger_beside_one_that_has_not() {
		ExtBuilder::default().build_and_execute(|| {
			// 70 % of 25 %, and more than ever leaves.
			deviate(percent(25));
			read(BTC, Fuse::Leaving, percent(20));
			block(SECOND);
			deviate(percent(1750) / 100);
			blocks(DAY, 10 * MINUTE);
			assert_eq!(level(BTC), Level::Halted);
			assert_eq!(state(BTC).unwrap().calm_since, None);
			deviate(percent(1750) / 100 - 1);
			blocks(COOLDOWN + MINUTE, MINUTE);
			assert_eq!(level(BTC), Level::ReduceOnly);
		});
	}

	#[test]
	fn never_below_the_trigger_whatever_the_release() {
		// A release above one must not hold more than the trigger, nor one of zero hold a reading of zero.
		for (release, calm_below) in [(5, true), (u32::MAX, true), (0, false)] {
			ExtBuilder::default().build_and_execute(|| {
				Parameters::mutate(|p| p.breaker_release = FixedU128::from_u32(release));
				deviate(percent(5));
				block(SECOND);
				block(SECOND);
				assert_eq!(state(BTC).unwrap().calm_since, None);
				deviate(percent(5) - 1);
				block(SECOND);
				assert_eq!(state(BTC).unwrap().calm_since.is_some(), calm_below);
				deviate(0);
				blocks(HOUR, MINUTE);
				assert_eq!(level(BTC), Level::Normal);
			});
		}
		// Nor let go at the highest trigger of a fuse that does not reach all levels.
		ExtBuilder::default().build_and_execute(|| {
			Parameters::mutate(|p| p.breaker_release = FixedU128::from_u32(5));
			read(BTC, Fuse::Leaving, percent(20));
			assert_ok!(set_level(BTC, Level::Halted));
			blocks(2 * HOUR, MINUTE);
			assert_eq!(level(BTC), Level::ReduceOnly);
		});
		// A product that does not fit.
		ExtBuilder::default().build_and_execute(|| {
			Parameters::mutate(|p| p.breaker_release = FixedU128::from_inner(u128::MAX));
			deviate(percent(5));
			block(SECOND);
			blocks(2 * HOUR, MINUTE);
			assert_eq!(level(BTC), Level::Guarded);
		});
	}
}
