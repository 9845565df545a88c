//! The debt ladder alone.

use std::collections::BTreeMap;

use codec::MaxEncodedLen;
use keel_math::ladder::{ceil, floor, tick, TICKS};
use proptest::prelude::*;

use crate::ladder::*;

/// Triggers of every size.
fn trigger() -> impl Strategy<Value = u128> {
	prop_oneof![
		(any::<u128>(), 0u32..128).prop_map(|(bits, shift)| bits >> shift),
		(0u32..128, 0u128..3).prop_map(|(octave, step)| ((1u128 << octave) + step).saturating_sub(1)),
		Just(u128::MAX),
	]
}

mod cut {
	use super::*;

	#[test]
	fn of_nothing_is_nothing() {
		for (above, up_to) in [(0, 0), (5, 5), (6, 5), (u128::MAX, u128::MAX), (u128::MAX, 0)] {
			assert_eq!(Cut::new(above, up_to), None);
		}
	}

	#[test]
	fn along_the_ticks_has_no_edges() {
		let (first, last) = (1_000, 1_005);
		for last in [first, last] {
			assert_eq!(
				Cut::new(floor(first) - 1, ceil(last)),
				Some(Cut {
					first,
					end: last + 1,
					edges: [None, None]
				})
			);
		}
		assert_eq!(
			Cut::new(0, u128::MAX),
			Some(Cut {
				first: 1,
				end: TICKS as u16,
				edges: [None, None]
			})
		);
	}

	#[test]
	fn inside_a_tick_is_one_edge() {
		let t = 1_000;
		for (from, to) in [
			(floor(t) + 1, ceil(t)),
			(floor(t), ceil(t) - 1),
			(floor(t) + 1, ceil(t) - 1),
		] {
			let cut = Cut::new(from - 1, to).unwrap();
			assert_eq!(cut.edges, [Some(Edge { tick: t, from, to }), None]);
			assert!(cut.end <= cut.first);
		}
	}

	#[test]
	fn between_neighbours_has_two_edges_and_nothing_whole() {
		let (one, next) = (1_000, 1_001);
		let cut = Cut::new(floor(one), ceil(next) - 1).unwrap();
		let lower = Edge {
			tick: one,
			from: floor(one) + 1,
			to: ceil(one),
		};
		let upper = Edge {
			tick: next,
			from: floor(next),
			to: ceil(next) - 1,
		};
		assert_eq!(cut.edges, [Some(lower), Some(upper)]);
		assert!(cut.end <= cut.first);
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]
		/// Its parts follow each other from the one end to the other, and no edge is a whole tick.
		#[test]
		fn covers_the_range_and_no_more(above in trigger(), up_to in trigger()) {
			let Some(cut) = Cut::new(above, up_to) else {
				prop_assert!(above >= up_to);
				return Ok(());
			};
			let [lower, upper] = cut.edges;
			let whole = (cut.first < cut.end).then(|| (floor(cut.first), ceil(cut.end - 1)));
			let parts = [lower.map(|edge| (edge.from, edge.to)), whole, upper.map(|edge| (edge.from, edge.to))];
			let mut covered = above;
			for (from, to) in parts.into_iter().flatten() {
				prop_assert_eq!(from, covered + 1);
				prop_assert!(from <= to);
				covered = to;
			}
			prop_assert_eq!(covered, up_to);
			for edge in cut.edges.into_iter().flatten() {
				prop_assert_eq!((tick(edge.from), tick(edge.to)), (edge.tick, edge.tick));
				prop_assert!(edge.from > floor(edge.tick) || edge.to < ceil(edge.tick));
			}
		}
	}
}

mod shift {
	use super::*;

	fn rung(tick: u16, debt: u128) -> Option<Rung> {
		Some(Rung { tick, debt })
	}

	fn ladder(rungs: &[(u16, u128)]) -> Ladder {
		let mut ladder = Ladder::default();
		for (tick, debt) in rungs {
			ladder.shift(None, rung(*tick, *debt)).unwrap();
		}
		ladder
	}

	fn pairs(ladder: &Ladder) -> Vec<(u16, u128)> {
		ladder.rungs().iter().map(|rung| (rung.tick, rung.debt)).collect()
	}

	#[test]
	fn keeps_order_and_sums() {
		let mut ladder = ladder(&[(7, 1), (3, 2), (9, 4), (3, 8)]);
		assert_eq!(pairs(&ladder), vec![(3, 10), (7, 1), (9, 4)]);
		assert_eq!(ladder.shift(rung(3, 8), rung(8, 5)), Ok(()));
		assert_eq!(pairs(&ladder), vec![(3, 2), (7, 1), (8, 5), (9, 4)]);
		// On one tick.
		assert_eq!(ladder.shift(rung(9, 4), rung(9, 1)), Ok(()));
		assert_eq!(ladder.debt_on(9), 1);
	}

	#[test]
	fn leaves_no_empty_tick() {
		let mut ladder = ladder(&[(3, 2), (7, 1)]);
		assert_eq!(ladder.shift(rung(3, 2), None), Ok(()));
		assert_eq!(pairs(&ladder), vec![(7, 1)]);
		assert_eq!(ladder.shift(rung(7, 1), None), Ok(()));
		assert!(ladder.is_empty());
		// Nor makes one.
		assert_eq!(ladder.shift(rung(4, 0), rung(5, 0)), Ok(()));
		assert!(ladder.is_empty());
	}

	#[test]
	fn takes_what_there_is_and_says_so() {
		let mut ladder = ladder(&[(3, 2), (7, 1)]);
		// Too little on the tick, and none at all: the other half is done.
		assert_eq!(ladder.shift(rung(3, 3), rung(7, 1)), Err(Mismatch::TooLittle));
		assert_eq!(pairs(&ladder), vec![(7, 2)]);
		assert_eq!(ladder.shift(rung(5, 1), rung(6, 1)), Err(Mismatch::TooLittle));
		assert_eq!(pairs(&ladder), vec![(6, 1), (7, 2)]);
	}

	#[test]
	fn holds_the_most_it_can_and_says_so() {
		let mut ladder = ladder(&[(3, u128::MAX - 1), (7, 5)]);
		assert_eq!(ladder.shift(rung(7, 5), rung(3, 2)), Err(Mismatch::TooMuch));
		assert_eq!(pairs(&ladder), vec![(3, u128::MAX)]);
	}

	#[test]
	fn has_room_for_every_tick() {
		let mut ladder = Ladder::default();
		for tick in (0..TICKS as u16).rev() {
			assert_eq!(ladder.shift(None, rung(tick, 1)), Ok(()));
		}
		assert_eq!(ladder.debt_from(0, u16::MAX), Some(TICKS.into()));
		assert_eq!(Ladder::max_encoded_len(), 2 + 18 * TICKS as usize);
	}

	#[test]
	fn sums_ranges_of_ticks() {
		let ladder = ladder(&[(3, 1), (5, 2), (9, 4)]);
		for (first, end, sum) in [
			(0, 100, 7),
			(3, 10, 7),
			(4, 9, 2),
			(5, 6, 2),
			(6, 9, 0),
			(9, 9, 0),
			(9, 3, 0),
		] {
			assert_eq!(ladder.debt_from(first, end), Some(sum), "{first}..{end}");
		}
		assert_eq!((ladder.debt_on(5), ladder.debt_on(6)), (2, 0));
		let full = self::ladder(&[(1, u128::MAX), (2, u128::MAX)]);
		assert_eq!(full.debt_from(0, 9), None);
		assert_eq!(full.debt_from(0, 2), Some(u128::MAX));
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(24))]
	/// 200 moves of 30 positions: after each the ladder is what counting the positions gives.
	#[test]
	fn moves_keep_the_sums(
		moves in prop::collection::vec((0usize..30, prop::option::weighted(0.8, (trigger(), 1u128..1_000))), 200),
		near in any::<bool>(),
	) {
		let mut ladder = Ladder::default();
		let mut positions = [None; 30];
		for (position, new) in moves {
			let new = new.map(|(trigger, debt)| Rung {
				// Near: few ticks, so that they are shared.
				tick: if near { tick(trigger % 8) } else { tick(trigger) },
				debt,
			});
			prop_assert_eq!(ladder.shift(positions[position], new), Ok(()));
			positions[position] = new;
			let mut sums = BTreeMap::new();
			for rung in positions.iter().flatten() {
				*sums.entry(rung.tick).or_insert(0) += rung.debt;
			}
			let expected = sums.into_iter().map(|(tick, debt)| Rung { tick, debt }).collect::<Vec<_>>();
			prop_assert_eq!(ladder.rungs(), &expected[..]);
		}
	}
}
