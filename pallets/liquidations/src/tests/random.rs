//! Random operations against a model.

use std::{cmp::Reverse, collections::BTreeMap};

use frame_system::RawOrigin;
use keel_primitives::{DebtBetween, Entry, TriggerIndex};
use proptest::prelude::*;

use crate::mock::*;

#[derive(Clone, Debug)]
enum Op {
	Set { group: u32, position: u64, entry: Entry },
	Ask { group: u32, above: u128, up_to: u128 },
	Unset { group: u32, position: u64 },
	Threshold { group: u32, threshold: u128 },
	Refuse { group: u32, refused: bool },
	Liquidate { group: u32, position: u64 },
	Block { seen: bool },
}

fn op() -> impl Strategy<Value = Op> {
	let (group, position) = (1u32..4, 0u64..40);
	// Few triggers, for ties; some at the ends.
	let trigger = prop_oneof![8 => 900u128..1_100, 1 => Just(u128::MAX), 1 => Just(0)];
	prop_oneof![
		6 => (group.clone(), position.clone(), trigger.clone(), 1u128..5)
			.prop_map(|(group, position, trigger, debt)| Op::Set { group, position, entry: Entry { trigger, debt } }),
		3 => (group.clone(), trigger.clone(), trigger)
			.prop_map(|(group, above, up_to)| Op::Ask { group, above, up_to }),
		2 => (group.clone(), position.clone()).prop_map(|(group, position)| Op::Unset { group, position }),
		2 => (group.clone(), 950u128..1_150).prop_map(|(group, threshold)| Op::Threshold { group, threshold }),
		1 => (group.clone(), prop::bool::weighted(0.3))
			.prop_map(|(group, refused)| Op::Refuse { group, refused }),
		2 => (group, position).prop_map(|(group, position)| Op::Liquidate { group, position }),
		5 => prop::bool::weighted(0.95).prop_map(|seen| Op::Block { seen }),
	]
}

/// The order the index must have.
fn model(group: u32) -> Vec<(u128, u64)> {
	let mut all = triggers()
		.into_iter()
		.filter(|((g, _), _)| *g == group)
		.map(|((_, position), trigger)| (trigger, position))
		.collect::<Vec<_>>();
	all.sort_by_key(|(trigger, position)| (Reverse(*trigger), *position));
	all
}

/// What each group's thresholds were since they were last not seen.
type Seen = BTreeMap<u32, Vec<u128>>;

/// End a block; the fallback must do exactly what the thresholds seen ask for.
fn end_block(seen: &mut Seen) {
	for group in 1..4 {
		match Refused::get().contains(&group) {
			true => seen.remove(&group),
			false => {
				seen.entry(group).or_default().push(Limits::get()[&group]);
				None
			}
		};
	}
	let before = triggers();
	let by_workers = Liquidations::liquidated_in(System::block_number());
	let due = before
		.iter()
		.filter(|((group, _), trigger)| {
			let last = seen
				.get(group)
				.map(|all| all.iter().rev().take(3).collect::<Vec<_>>());
			last.is_some_and(|last| last.len() == 3 && last.iter().all(|threshold| *trigger > *threshold))
		})
		.map(|(key, _)| *key)
		.collect::<Vec<_>>();
	Liquidated::set(vec![]);
	idle();
	let done = Liquidated::take();
	assert_eq!(done.len(), due.len().min(10 - by_workers as usize));
	assert!(done.iter().all(|key| due.contains(key)));
	// Within a group nobody overtakes a worse one.
	for group in 1..4 {
		let triggers = done
			.iter()
			.filter(|(g, _)| *g == group)
			.map(|key| (Reverse(before[key]), key.1));
		assert!(triggers.is_sorted());
		let left = due
			.iter()
			.filter(|key| key.0 == group && !done.contains(key))
			.map(|key| before[key])
			.max();
		let least = done
			.iter()
			.filter(|key| key.0 == group)
			.map(|key| before[key])
			.min();
		assert!(left.is_none() || least.is_none() || left <= least);
	}
}

fn run(ops: Vec<Op>) {
	ExtBuilder::default().build_and_execute(|| {
		let mut seen = Seen::new();
		for op in ops {
			match op {
				Op::Set {
					group,
					position,
					entry,
				} => set_entry(group, position, entry),
				Op::Ask { group, above, up_to } => {
					let expected = DebtBetween {
						debt: recount(group, above, up_to),
						exact: true,
					};
					assert_eq!(Liquidations::debt_between(group, above, up_to), expected);
				}
				Op::Unset { group, position } => unset(group, position),
				Op::Threshold { group, threshold } => set_threshold(group, threshold),
				Op::Refuse { group, refused } => Refused::mutate(|all| {
					match refused {
						true => all.insert(group),
						false => all.remove(&group),
					};
				}),
				Op::Liquidate { group, position } => {
					let trigger = triggers().get(&(group, position)).copied();
					let unsafe_now = trigger.is_some_and(|trigger| trigger > Limits::get()[&group])
						&& !Refused::get().contains(&group);
					let room = Liquidations::liquidated_in(System::block_number()) < 10;
					let admitted = Liquidations::check(group, position).is_ok();
					let result = Liquidations::liquidate(RawOrigin::Authorized.into(), group, position);
					assert_eq!(result.is_ok(), unsafe_now && room);
					assert_eq!(result.is_ok(), admitted);
				}
				Op::Block { seen: observed } => {
					match observed {
						true => end_block(&mut seen),
						false => seen.clear(),
					}
					next_block();
				}
			}
			for group in 1..4 {
				let expected = model(group);
				assert_eq!(index_of(group), expected);
				assert_eq!(Liquidations::count(group), expected.len() as u64);
				let ids = expected.iter().map(|(_, position)| *position).take(7);
				assert!(Liquidations::first(group, 7).into_iter().eq(ids));
			}
			assert!(Liquidations::liquidated_in(System::block_number()) <= 10);
			Liquidations::do_try_state().expect("invariants");
		}
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(24))]
	#[test]
	fn operations_keep_index_and_fallback_true_to_the_model(ops in prop::collection::vec(op(), 150)) {
		run(ops);
	}
}
