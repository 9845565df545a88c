//! The debt of a range of triggers: what it is, and what asking for it costs.

use frame_support::storage::unhashed;
use keel_math::ladder::{ceil, floor, tick};
use keel_primitives::{DebtBetween, Entry, TriggerIndex};
use proptest::prelude::*;

use crate::{ladder::Rung, mock::*, *};

/// A tick of triggers of about 75,000 USD.
const TICK: u16 = 70 * 128;

/// The keys a range may read at most: in each of two ticks those it counts, and the next.
const MOST: u32 = 2 * (MAX_EDGE + 1);

fn exactly(debt: u128) -> DebtBetween {
	DebtBetween { debt, exact: true }
}

fn at_most(debt: u128) -> DebtBetween {
	DebtBetween { debt, exact: false }
}

fn entry(trigger: u128, debt: u128) -> Entry {
	Entry { trigger, debt }
}

/// `count` positions of group 1 with a debt of one each, from `first` on, under `trigger`.
fn crowd(first: u64, count: u32, trigger: u128) {
	for i in 0..u64::from(count) {
		Liquidations::moved(b(1), first + i, None, Some(entry(trigger, 1)));
	}
}

fn rungs_of(group: u32) -> Vec<Rung> {
	Ladders::<Test>::get(b(group))
		.map(|ladder| ladder.rungs().to_vec())
		.unwrap_or_default()
}

mod moved {
	use super::*;

	#[test]
	fn keeps_the_ladder() {
		ExtBuilder::default().build_and_execute(|| {
			let rung = |trigger, debt| Rung::of(entry(trigger, debt));
			set_entry(1, 1, entry(1_000, 5));
			set_entry(1, 2, entry(5_000, 7));
			assert_eq!(rungs_of(1), vec![rung(1_000, 5), rung(5_000, 7)]);
			// Debt alone, the trigger inside its tick, both, and away.
			set_entry(1, 1, entry(1_000, 6));
			assert_eq!(rungs_of(1), vec![rung(1_000, 6), rung(5_000, 7)]);
			set_entry(1, 1, entry(1_003, 6));
			assert_eq!(rungs_of(1), vec![rung(1_000, 6), rung(5_000, 7)]);
			assert_eq!(index_of(1), vec![(5_000, 2), (1_003, 1)]);
			set_entry(1, 1, entry(5_000, 4));
			assert_eq!(rungs_of(1), vec![rung(5_000, 11)]);
			unset(1, 2);
			assert_eq!(rungs_of(1), vec![rung(5_000, 4)]);
			unset(1, 1);
			assert!(!Ladders::<Test>::contains_key(b(1)));
		});
	}

	#[test]
	fn writes_a_changed_debt_under_the_same_key() {
		ExtBuilder::default().build_and_execute(|| {
			set_entry(1, 1, entry(1_000, 5));
			set_entry(1, 1, entry(1_000, 9));
			assert_eq!(Index::<Test>::get(b(1), TriggerKey::new(1_000, 1)), Some(9));
			assert_eq!(index_of(1), vec![(1_000, 1)]);
			assert!(Liquidations::contains(b(1), 1, entry(1_000, 9)));
			assert!(!Liquidations::contains(b(1), 1, entry(1_000, 5)));
		});
	}

	#[test]
	fn inside_a_tick_leaves_the_ladder_alone() {
		ExtBuilder::default().build().execute_with(|| {
			set_entry(1, 1, entry(1_000, 5));
			// Whoever touched this would replace it.
			let key = Ladders::<Test>::hashed_key_for(b(1));
			unhashed::put_raw(&key, &[4, 1]);
			set_entry(1, 1, entry(1_003, 5));
			assert_eq!(index_of(1), vec![(1_003, 1)]);
			assert_eq!(unhashed::get_raw(&key), Some(vec![4, 1]));
		});
	}

	/// A ledger that reports what was not so moves the index all the same, and `try_state` tells.
	#[test]
	fn survives_a_report_that_does_not_fit() {
		let message = "Ladders: a tick's debt is not the sum of its positions'";
		let after = |report: fn(), message: &'static str| {
			ExtBuilder::default().build().execute_with(|| {
				set_entry(1, 1, entry(1_000, 5));
				set_entry(1, 2, entry(1_000, 5));
				report();
				assert_eq!(Liquidations::do_try_state(), Err(message.into()));
			});
		};
		// More than the tick has, less than the position had, more than fits.
		after(
			|| Liquidations::moved(b(1), 1, Some(entry(1_000, 11)), Some(entry(2_000, 5))),
			message,
		);
		after(
			|| Liquidations::moved(b(1), 1, Some(entry(1_000, 4)), None),
			message,
		);
		after(
			|| Liquidations::moved(b(1), 3, None, Some(entry(1_000, u128::MAX))),
			"Index: the debt of a tick overflows",
		);
	}

	/// What was never there can't be taken off: nothing is, and the rest is as reported.
	#[test]
	fn survives_a_position_it_never_had() {
		ExtBuilder::default().build_and_execute(|| {
			set_entry(1, 1, entry(1_000, 5));
			Liquidations::moved(b(1), 3, Some(entry(9_000, 1)), Some(entry(2_000, 7)));
			assert_eq!(
				rungs_of(1),
				vec![Rung::of(entry(1_000, 5)), Rung::of(entry(2_000, 7))]
			);
			Liquidations::moved(b(2), 3, Some(entry(9_000, 1)), None);
			assert!(!Ladders::<Test>::contains_key(b(2)));
		});
	}

	#[test]
	fn replaces_a_ladder_that_does_not_decode() {
		ExtBuilder::default().build().execute_with(|| {
			set_entry(1, 1, entry(1_000, 5));
			unhashed::put_raw(&Ladders::<Test>::hashed_key_for(b(1)), &[4, 1]);
			set_entry(1, 2, entry(2_000, 7));
			assert_eq!(rungs_of(1), vec![Rung::of(entry(2_000, 7))]);
			assert_eq!(
				Liquidations::do_try_state(),
				Err("Ladders: a tick's debt is not the sum of its positions'".into())
			);
		});
	}
}

mod between {
	use super::*;

	#[test]
	fn nothing_is_nothing() {
		ExtBuilder::default().build_and_execute(|| {
			set_entry(1, 1, entry(1_000, 5));
			for (above, up_to) in [
				(1_000, 1_000),
				(1_001, 1_000),
				(u128::MAX, 0),
				(u128::MAX, u128::MAX),
				(0, 0),
			] {
				assert_eq!(Liquidations::sum_between(b(1), above, up_to), (exactly(0), 0));
			}
			// A group without positions.
			assert_eq!(Liquidations::sum_between(b(2), 0, u128::MAX), (exactly(0), 0));
		});
	}

	#[test]
	fn excludes_the_lower_end_and_includes_the_upper() {
		ExtBuilder::default().build_and_execute(|| {
			// Within a tick and across two; large triggers and small.
			for base in [floor(TICK), ceil(TICK) - 1, 5, 999] {
				for (i, debt) in [(0, 1), (1, 10), (2, 100)] {
					set_entry(1, i, entry(base + u128::from(i), debt));
				}
				for (above, up_to, debt) in [
					(base, base + 1, 10),
					(base - 1, base, 1),
					(base, base + 2, 110),
					(base - 1, base + 2, 111),
					(base + 2, base + 9, 0),
					(base - 3, base - 1, 0),
				] {
					assert_eq!(
						Liquidations::debt_between(b(1), above, up_to),
						exactly(debt),
						"{above} to {up_to}"
					);
				}
			}
		});
	}

	#[test]
	fn reaches_the_ends_of_the_type() {
		ExtBuilder::default().build_and_execute(|| {
			set_entry(1, 1, entry(u128::MAX, 1));
			set_entry(1, 2, entry(u128::MAX - 1, 10));
			set_entry(1, 3, entry(0, 100));
			set_entry(1, u64::MAX, entry(1, 1_000));
			let between = |above, up_to| Liquidations::debt_between(b(1), above, up_to);
			// A trigger of zero is above nothing.
			assert_eq!(between(0, u128::MAX), exactly(1_011));
			assert_eq!(between(u128::MAX - 1, u128::MAX), exactly(1));
			assert_eq!(between(u128::MAX - 2, u128::MAX - 1), exactly(10));
			assert_eq!(between(1, u128::MAX - 1), exactly(10));
			assert_eq!(between(0, 1), exactly(1_000));
		});
	}

	#[test]
	fn begins_with_the_lowest_id_of_its_upper_end() {
		ExtBuilder::default().build_and_execute(|| {
			for (position, trigger, debt) in [
				(0, floor(TICK) + 5, 1),
				(u64::MAX, floor(TICK) + 6, 10),
				(u64::MAX, floor(TICK) + 5, 100),
			] {
				// One id twice is fine for the index: other positions in all but name.
				Liquidations::moved(b(1), position, None, Some(entry(trigger, debt)));
			}
			assert_eq!(Liquidations::debt_between(b(1), 0, floor(TICK) + 5), exactly(101));
			Liquidations::moved(b(1), u64::MAX, Some(entry(floor(TICK) + 6, 10)), None);
		});
	}

	#[test]
	fn keeps_groups_apart() {
		ExtBuilder::default().build_and_execute(|| {
			for group in 1..4 {
				set_entry(group, 1, entry(floor(TICK) + 7, u128::from(group)));
			}
			for group in 1..4 {
				let between = |above, up_to| Liquidations::debt_between(b(group), above, up_to);
				assert_eq!(between(0, floor(TICK) + 7), exactly(group.into()));
				assert_eq!(between(floor(TICK), u128::MAX), exactly(group.into()));
			}
		});
	}

	#[test]
	fn whole_ticks_need_no_walk() {
		ExtBuilder::default().build_and_execute(|| {
			crowd(0, 600, floor(TICK));
			crowd(600, 600, ceil(TICK));
			crowd(1_200, 600, floor(TICK + 1));
			for (last, debt) in [(TICK, 1_200), (TICK + 1, 1_800)] {
				assert_eq!(
					Liquidations::sum_between(b(1), floor(TICK) - 1, ceil(last)),
					(exactly(debt), 0)
				);
			}
		});
	}

	#[test]
	fn ticks_without_debt_need_no_walk() {
		ExtBuilder::default().build_and_execute(|| {
			crowd(0, 600, floor(TICK));
			assert_eq!(
				Liquidations::sum_between(b(1), floor(TICK - 9) + 1, ceil(TICK + 9) - 1),
				(exactly(600), 0)
			);
		});
	}

	#[test]
	fn sums_beyond_the_type_are_the_most_there_is() {
		ExtBuilder::default().build_and_execute(|| {
			set_entry(1, 1, entry(floor(TICK), u128::MAX));
			set_entry(1, 2, entry(floor(TICK + 1), u128::MAX));
			// From the ladder alone, and with an edge.
			assert_eq!(Liquidations::debt_between(b(1), 0, u128::MAX), at_most(u128::MAX));
			assert_eq!(
				Liquidations::debt_between(b(1), 0, floor(TICK + 1)),
				at_most(u128::MAX)
			);
			assert_eq!(
				Liquidations::debt_between(b(1), 0, floor(TICK)),
				exactly(u128::MAX)
			);
		});
	}
}

mod edge {
	use super::*;

	#[test]
	fn of_as_many_as_are_counted_is_exact() {
		ExtBuilder::default().build_and_execute(|| {
			// The position out of the range makes the tick's sum the wrong answer.
			set_entry(1, 9_999, entry(ceil(TICK), 1));
			crowd(0, MAX_EDGE, floor(TICK) + 5);
			let (debt, visited) = Liquidations::sum_between(b(1), 0, ceil(TICK) - 1);
			assert_eq!((debt, visited), (exactly(MAX_EDGE.into()), MAX_EDGE));
			// With something behind it to look at.
			set_entry(1, 8_888, entry(7, 1));
			let (debt, visited) = Liquidations::sum_between(b(1), 9, ceil(TICK) - 1);
			assert_eq!((debt, visited), (exactly(MAX_EDGE.into()), MAX_EDGE + 1));
		});
	}

	#[test]
	fn of_one_more_is_the_whole_tick_and_says_so() {
		ExtBuilder::default().build_and_execute(|| {
			set_entry(1, 9_999, entry(ceil(TICK), 1_000));
			crowd(0, MAX_EDGE + 1, floor(TICK) + 5);
			let whole = u128::from(MAX_EDGE) + 1 + 1_000;
			let (debt, visited) = Liquidations::sum_between(b(1), 0, ceil(TICK) - 1);
			assert_eq!((debt, visited), (at_most(whole), MAX_EDGE + 1));
			// The other end of the tick, where few stand, is exact.
			let (debt, visited) = Liquidations::sum_between(b(1), floor(TICK) + 5, u128::MAX);
			assert_eq!((debt, visited), (exactly(1_000), 2));
			// And so is the tick as a whole.
			assert_eq!(
				Liquidations::sum_between(b(1), 0, ceil(TICK)),
				(exactly(whole), 0)
			);
		});
	}

	#[test]
	fn inside_one_crowded_tick_is_its_whole() {
		ExtBuilder::default().build_and_execute(|| {
			crowd(0, 10 * MAX_EDGE, floor(TICK) + 5);
			let (debt, visited) = Liquidations::sum_between(b(1), floor(TICK) + 1, ceil(TICK) - 1);
			assert_eq!(debt, at_most(u128::from(10 * MAX_EDGE)));
			assert_eq!(visited, MAX_EDGE + 1);
		});
	}

	#[test]
	fn at_both_ends_costs_what_is_bounded() {
		for extra in [0, 1, 2_000] {
			ExtBuilder::default().build_and_execute(|| {
				let count = MAX_EDGE + extra;
				crowd(0, count, ceil(TICK));
				crowd(10_000, count, floor(TICK + 2));
				set_entry(1, 20_000, entry(floor(TICK), 1));
				set_entry(1, 20_001, entry(floor(TICK + 1), 1));
				set_entry(1, 20_002, entry(ceil(TICK + 2), 1));
				let (debt, visited) = Liquidations::sum_between(b(1), floor(TICK), ceil(TICK + 2) - 1);
				assert_eq!(visited, MOST);
				let inside = u128::from(2 * count) + 1;
				let expected = if extra == 0 {
					exactly(inside)
				} else {
					at_most(inside + 2)
				};
				assert_eq!(debt, expected);
			});
		}
	}

	#[test]
	fn of_one_end_too_crowded_leaves_the_other_exact() {
		ExtBuilder::default().build_and_execute(|| {
			crowd(0, MAX_EDGE + 1, ceil(TICK));
			set_entry(1, 5_000, entry(floor(TICK), 10));
			set_entry(1, 5_001, entry(floor(TICK + 2), 100));
			set_entry(1, 5_002, entry(ceil(TICK + 2), 1_000));
			assert_eq!(
				Liquidations::debt_between(b(1), floor(TICK), ceil(TICK + 2) - 1),
				at_most(u128::from(MAX_EDGE) + 1 + 10 + 100)
			);
		});
	}

	#[test]
	fn weighs_at_least_what_it_reads() {
		let db: frame_support::weights::RuntimeDbWeight = <Test as frame_system::Config>::DbWeight::get();
		// The ladder, and of each key the search and the value.
		assert!(Liquidations::debt_between_weight().all_gte(db.reads(1 + 2 * u64::from(MOST))));
	}
}

mod random {
	use super::*;

	/// Crowded ticks, single triggers, all sizes and the ends.
	fn trigger() -> impl Strategy<Value = u128> {
		let crowded = floor(TICK)..floor(TICK + 3);
		prop_oneof![
			3 => crowded,
			2 => Just(floor(TICK) + 5),
			2 => 0u128..400,
			1 => (any::<u128>(), 0u32..128).prop_map(|(bits, shift)| bits >> shift),
			1 => prop_oneof![Just(0), Just(u128::MAX), Just(u128::MAX - 1)],
		]
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(24))]
		#[test]
		fn ranges_are_what_counting_gives_or_more(
			positions in prop::collection::vec((trigger(), 1u128..1 << 100), 0..2_000),
			ranges in prop::collection::vec((trigger(), trigger()), 60),
		) {
			ExtBuilder::default().build_and_execute(|| {
				for (i, (trigger, debt)) in positions.iter().enumerate() {
					Liquidations::moved(b(1), i as u64, None, Some(entry(*trigger, *debt)));
				}
				let count = |from: u128, to: u128| -> u128 {
					positions.iter().filter(|(k, _)| (from..=to).contains(k)).map(|(_, debt)| debt).sum()
				};
				for (above, up_to) in ranges {
					let (found, visited) = Liquidations::sum_between(b(1), above, up_to);
					assert!(visited <= MOST);
					assert_eq!(Liquidations::debt_between(b(1), above, up_to), found);
					if above >= up_to {
						assert_eq!(found, exactly(0));
						continue;
					}
					let real = count(above + 1, up_to);
					if found.exact {
						assert_eq!(found.debt, real);
					} else {
						// Not more than the range made of whole ticks, and only where an edge is crowded.
						assert!(found.debt >= real);
						assert!(found.debt <= count(floor(tick(above + 1)), ceil(tick(up_to))));
						assert!(visited > MAX_EDGE);
					}
				}
			});
		}
	}
}

mod example {
	use super::*;

	/// A uniform number below `bound`, from a fixed sequence.
	fn draw(state: &mut u64, bound: u128) -> u128 {
		*state = state
			.wrapping_mul(6_364_136_223_846_793_005)
			.wrapping_add(1_442_695_040_888_963_407);
		u128::from(*state >> 16) % bound
	}

	/// The trigger of a vault with this collateral ratio, in millionths, at 60,000 USD.
	fn trigger_of(ratio: u128) -> u128 {
		60_000_000_000_000_000_000_000 * 1_000_000 / ratio
	}

	/// `total` vaults with collateral ratios from 1.3 to 4: for 200 pairs of thresholds, the most and the mean
	/// number of keys read.
	fn read_among(total: u64) -> (u32, u32) {
		let (mut most, mut all) = (0, 0);
		ExtBuilder::default().build_and_execute(|| {
			let mut state = total;
			let positions = (0..total)
				.map(|_| {
					let ratio = 1_300_000 + draw(&mut state, 2_700_000);
					// 100 to 100,000 kUSD.
					entry(trigger_of(ratio), 100_000_000 + draw(&mut state, 99_900_000_000))
				})
				.collect::<Vec<_>>();
			for (i, position) in positions.iter().enumerate() {
				Liquidations::moved(b(1), i as u64, None, Some(*position));
			}
			for _ in 0..200 {
				let one = trigger_of(1_200_000 + draw(&mut state, 3_000_000));
				let other = trigger_of(1_200_000 + draw(&mut state, 3_000_000));
				let (above, up_to) = (one.min(other), one.max(other));
				let (found, visited) = Liquidations::sum_between(b(1), above, up_to);
				let real = positions
					.iter()
					.filter(|entry| above < entry.trigger && entry.trigger <= up_to)
					.map(|entry| entry.debt)
					.sum();
				assert_eq!(found, exactly(real));
				most = most.max(visited);
				all += visited;
			}
			println!(
				"{total} vaults on {} ticks: {most} keys read at most, {} on average",
				rungs_of(1).len(),
				all / 200
			);
		});
		(most, all / 200)
	}

	#[test]
	fn vaults_are_summed_by_few_of_their_keys() {
		for total in [100, 1_000, 10_000] {
			let (most, _) = read_among(total);
			assert!(most <= MOST);
		}
		let (most, mean) = read_among(10_000);
		assert!(most <= 500 && mean <= 150, "{most} at most, {mean} on average");
	}
}
