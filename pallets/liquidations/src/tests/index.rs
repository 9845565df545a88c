//! The order of the index, and what a walk reads.

use codec::{Decode, Encode, MaxEncodedLen};
use keel_primitives::{DebtBetween, Entry, Group, TriggerIndex};

use crate::{mock::*, *};

mod key {
	use super::*;

	#[test]
	fn is_24_bytes_big_endian() {
		let key = TriggerKey::new(1, 0x0102_0304_0506_0708);
		let mut bytes = [0xff; 24];
		bytes[15] = 0xfe;
		bytes[16..].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
		assert_eq!(key.encode(), bytes);
		assert_eq!(TriggerKey::max_encoded_len(), 24);
		assert_eq!(TriggerKey::decode(&mut &bytes[..]).unwrap(), key);
	}

	#[test]
	fn gives_back_what_it_was_made_of() {
		for (trigger, position) in [(0, 0), (u128::MAX, u64::MAX), (1 << 100, 7), (u128::MAX - 1, 1)] {
			let key = TriggerKey::new(trigger, position);
			assert_eq!((key.trigger(), key.position()), (trigger, position));
		}
	}

	#[test]
	fn orders_large_triggers_first_then_low_ids() {
		assert!(TriggerKey::new(2, 9) < TriggerKey::new(1, 0));
		assert!(TriggerKey::new(256, 9) < TriggerKey::new(255, 0));
		assert!(TriggerKey::new(5, 255) < TriggerKey::new(5, 256));
	}
}

mod moved {
	use super::*;

	#[test]
	fn keeps_the_exact_order_with_ties_by_id() {
		let given = [
			(1, 300, 5),
			(1, 2, 7),
			(1, 1, 7),
			(1, 9, u128::MAX),
			(1, 256, 7),
			(1, 4, 0),
		];
		ExtBuilder::default().positions(given).build_and_execute(|| {
			assert_eq!(
				index_of(1),
				vec![(u128::MAX, 9), (7, 1), (7, 2), (7, 256), (5, 300), (0, 4)]
			);
		});
	}

	#[test]
	fn keeps_groups_apart() {
		ExtBuilder::default()
			.positions([(1, 1, 5), (2, 1, 9), (3, 2, 7)])
			.build_and_execute(|| {
				assert_eq!(
					(index_of(1), index_of(2), index_of(3)),
					(vec![(5, 1)], vec![(9, 1)], vec![(7, 2)])
				);
				assert_eq!(
					(1..5)
						.map(|branch| Liquidations::count(b(branch)))
						.collect::<Vec<_>>(),
					vec![1, 1, 1, 0]
				);
			});
	}

	#[test]
	fn removes_and_inserts() {
		ExtBuilder::default()
			.positions([(1, 1, 5), (1, 2, 6)])
			.build_and_execute(|| {
				set(1, 1, 7);
				assert_eq!(index_of(1), vec![(7, 1), (6, 2)]);
				assert!(Liquidations::contains(b(1), 1, at(7)));
				assert!(!Liquidations::contains(b(1), 1, at(5)));
				assert!(!Liquidations::contains(
					b(1),
					1,
					Entry {
						trigger: 7,
						debt: DEBT + 1
					}
				));
				assert!(!Liquidations::contains(b(2), 1, at(7)));
				assert!(!Liquidations::contains(b(1), 2, at(7)));
				unset(1, 2);
				assert_eq!(index_of(1), vec![(7, 1)]);
			});
	}

	#[test]
	fn writes_nothing_for_an_unchanged_entry() {
		ExtBuilder::default().build_and_execute(|| {
			// A key that is not there stays away, so nothing was inserted either.
			Liquidations::moved(b(1), 1, Some(at(5)), Some(at(5)));
			Liquidations::moved(b(1), 1, None, None);
			assert_eq!(index_of(1), vec![]);
			assert!(!Ladders::<Test>::contains_key(b(1)));
		});
	}
}

mod first {
	use super::*;

	#[test]
	fn lists_the_worst_first_and_no_more_than_asked_for() {
		let given = [(1, 1, 5), (1, 2, 9), (1, 3, 9), (1, 4, 7), (2, 5, 8)];
		ExtBuilder::default().positions(given).build_and_execute(|| {
			assert_eq!(Liquidations::first(b(1), 3), vec![2, 3, 4]);
			assert_eq!(Liquidations::first(b(1), u32::MAX), vec![2, 3, 4, 1]);
			assert_eq!(Liquidations::first(b(2), 9), vec![5]);
			assert_eq!(Liquidations::first(b(1), 0), Vec::<u64>::new());
			assert_eq!(Liquidations::first(b(3), 9), Vec::<u64>::new());
		});
	}
}

mod walk {
	use super::*;

	#[test]
	fn stops_at_the_first_safe_position() {
		let given = (0..100).map(|i| (1, i, 1_000 + 10 - i.min(20) as u128));
		ExtBuilder::default().positions(given).build_and_execute(|| {
			let walk = Liquidations::walk(b(1), None, 1_000, u32::MAX);
			let ids = walk.keys.iter().map(|key| key.position()).collect::<Vec<_>>();
			assert_eq!(ids, (0..10).collect::<Vec<_>>());
			assert_eq!(walk.visited, 11);
		});
	}

	#[test]
	fn is_strict_at_the_threshold() {
		ExtBuilder::default()
			.positions([(1, 1, 1_000), (1, 2, 1_001)])
			.build_and_execute(|| {
				let walk = Liquidations::walk(b(1), None, 1_000, u32::MAX);
				assert_eq!(walk.keys, vec![TriggerKey::new(1_001, 2)]);
			});
	}

	#[test]
	fn reads_no_more_than_told() {
		ExtBuilder::default()
			.positions((0..50).map(|i| (1, i, 2_000)))
			.build_and_execute(|| {
				let walk = Liquidations::walk(b(1), None, 1_000, 7);
				assert_eq!((walk.keys.len(), walk.visited), (7, 7));
				assert_eq!(
					Liquidations::walk(b(1), None, 1_000, 0),
					Walk {
						keys: vec![],
						visited: 0
					}
				);
			});
	}

	#[test]
	fn goes_on_behind_a_key_even_if_it_is_gone() {
		ExtBuilder::default()
			.positions((0..5).map(|i| (1, i, 2_000)))
			.build_and_execute(|| {
				unset(1, 2);
				let walk = Liquidations::walk(b(1), Some(TriggerKey::new(2_000, 2)), 1_000, 9);
				assert_eq!(
					walk.keys,
					vec![TriggerKey::new(2_000, 3), TriggerKey::new(2_000, 4)]
				);
			});
	}

	#[test]
	fn does_not_run_into_the_next_group() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000), (2, 2, 3_000)])
			.build_and_execute(|| {
				assert_eq!(
					Liquidations::walk(b(1), None, 0, 9).keys,
					vec![TriggerKey::new(2_000, 1)]
				);
			});
	}

	/// Ten unsafe positions among `total`: keys read, trie nodes read.
	fn discover(total: u64) -> (u32, usize) {
		let positions = (0..total).map(|i| {
			(
				1,
				i,
				if i < 10 {
					2_000 + i as u128
				} else {
					900 - i as u128 % 900
				},
			)
		});
		let mut ext = ExtBuilder::default().build();
		ext.execute_with(|| {
			for (group, position, trigger) in positions {
				Liquidations::moved(b(group), position, None, Some(at(trigger)));
			}
		});
		ext.commit_all().unwrap();
		let (walk, proof) = ext.execute_and_prove(|| Liquidations::walk(b(1), None, 1_000, u32::MAX));
		assert_eq!(walk.keys.len(), 10);
		assert_eq!(walk.keys[0], TriggerKey::new(2_009, 9));
		(walk.visited, proof.iter_nodes().count())
	}

	#[test]
	fn costs_the_same_among_1k_and_100k() {
		let (small, small_nodes) = discover(1_000);
		let (large, large_nodes) = discover(100_000);
		assert_eq!((small, large), (11, 11));
		// A hundred times as many positions: the trie is two levels deeper at most.
		assert!(
			large_nodes <= small_nodes + 4,
			"{small_nodes} nodes among 1k, {large_nodes} among 100k"
		);
	}

	#[test]
	fn fallback_asks_the_ledger_the_same_among_1k_and_10k() {
		let calls = |total: u64| {
			let positions = (0..total).map(|i| (1, i, if i < 10 { 2_000 } else { 500 }));
			let mut calls = 0;
			ExtBuilder::default().build_and_execute(|| {
				for (group, position, trigger) in positions {
					Liquidations::moved(b(group), position, None, Some(at(trigger)));
					if trigger > 1_000 {
						Positions::mutate(|positions| positions.insert((b(group), position), at(trigger)));
					}
				}
				pass(3);
				assert_eq!(Liquidated::get().len(), 10);
				calls = DeficitCalls::get();
			});
			calls
		};
		assert_eq!(calls(1_000), calls(10_000));
	}
}

mod groups {
	use super::*;

	/// Groups of all kinds, with numbers whose bytes look like kinds.
	fn all() -> Vec<Group> {
		let numbers = [0, 1, 4, 256, 0x0404_0404, u32::MAX];
		let kinds = [Group::Branch, Group::Long, Group::Short, Group::Collateral];
		let mut all = kinds
			.into_iter()
			.flat_map(|kind| numbers.map(kind))
			.collect::<Vec<_>>();
		all.push(Group::Deadline);
		all
	}

	#[test]
	fn are_five_bytes_or_one_and_none_begins_like_another() {
		for one in all() {
			let bytes = one.encode();
			assert_eq!(bytes.len(), if one == Group::Deadline { 1 } else { 5 });
			for other in all() {
				assert_eq!(other.encode().starts_with(&bytes), one == other);
			}
		}
		assert_eq!(Group::max_encoded_len(), 5);
	}

	#[test]
	fn keep_their_keys_apart() {
		ExtBuilder::default().build().execute_with(|| {
			// One position in all of them, and one in each alone.
			for (i, group) in all().into_iter().enumerate() {
				let debt = u128::from(!group.is_estimate());
				let entry = |trigger| Entry { trigger, debt };
				set_entry(group, 7, entry(500 + i as u128));
				set_entry(group, 100 + i as u64, entry(100));
			}
			for (i, group) in all().into_iter().enumerate() {
				let keys = vec![(500 + i as u128, 7), (100, 100 + i as u64)];
				assert_eq!(index_of(group), keys);
				assert_eq!(Liquidations::first(group, 9), vec![7, 100 + i as u64]);
				assert_eq!(Liquidations::count(group), 2);
				assert_eq!(Liquidations::walk(group, None, 0, 9).keys.len(), 2);
				let behind = TriggerKey::new(500 + i as u128, 7);
				assert_eq!(Liquidations::walk(group, Some(behind), 0, 9).keys.len(), 1);
			}
			Groups::set(all());
			Liquidations::do_try_state().expect("several keys, one in each group");
			unset(LONG, 7);
			assert!(!Liquidations::first(LONG, 9).contains(&7));
			assert!(Liquidations::first(SHORT, 9).contains(&7));
		});
	}

	#[test]
	fn that_are_no_branch_have_no_ladder_and_no_debt() {
		ExtBuilder::default().accounts().build().execute_with(|| {
			for group in ESTIMATES {
				misplace(group, 1, 500);
				misplace(group, 1, 5_000);
				assert!(!Ladders::<Test>::contains_key(group));
				// Also if a ledger reports what it should not.
				set(group, 2, 5_000);
				assert!(!Ladders::<Test>::contains_key(group));
				let nothing = DebtBetween { debt: 0, exact: true };
				for (above, up_to) in [(0, u128::MAX), (4_999, 5_000), (4_990, 5_003)] {
					assert_eq!(Liquidations::sum_between(group, above, up_to), (nothing, 0));
				}
			}
		});
	}
}
