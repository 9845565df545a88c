//! Random operations against a model.

use std::{
	cmp::Reverse,
	collections::{BTreeMap, BTreeSet},
};

use frame_system::RawOrigin;
use keel_primitives::{DebtBetween, Entry, Group, PositionLedger, TriggerIndex};
use proptest::prelude::*;

use crate::{mock::*, *};

#[derive(Clone, Debug)]
enum Op {
	Set {
		branch: u32,
		position: u64,
		entry: Entry,
	},
	Unset {
		branch: u32,
		position: u64,
	},
	/// An account with this much to lose.
	Account {
		position: u64,
		slack: i128,
		size: i128,
		collateral: i128,
		drift: i128,
	},
	/// An account gets this much, or loses it, behind the back of the index: what it gains it is not crossed for.
	Gain {
		position: u64,
		amount: i128,
	},
	Remove {
		position: u64,
	},
	Ask {
		group: Group,
		above: u128,
		up_to: u128,
	},
	Threshold {
		branch: u32,
		threshold: u128,
	},
	Price {
		market: bool,
		price: u128,
	},
	Refuse {
		group: Group,
		refused: bool,
	},
	Liquidate {
		group: Group,
		position: u64,
	},
	Block {
		seen: bool,
	},
}

/// All groups there are.
fn groups() -> Vec<Group> {
	let branches = (1..4).map(b);
	branches.chain(ESTIMATES).collect()
}

/// Accounts there are at most.
const ACCOUNTS: u64 = 8;

fn op() -> impl Strategy<Value = Op> {
	let (branch, position, group) = (1u32..4, 0u64..40, prop::sample::select(groups()));
	// Few triggers, for ties; some at the ends.
	let trigger = prop_oneof![8 => 900u128..1_100, 1 => Just(u128::MAX), 1 => Just(0)];
	let account = 0..ACCOUNTS;
	prop_oneof![
		6 => (branch.clone(), position.clone(), trigger.clone(), 1u128..5)
			.prop_map(|(branch, position, trigger, debt)| Op::Set { branch, position, entry: Entry { trigger, debt } }),
		2 => (branch.clone(), position.clone()).prop_map(|(branch, position)| Op::Unset { branch, position }),
		4 => (account.clone(), 0i128..400, -3i128..4, 0i128..3, 0i128..8).prop_map(
			|(position, slack, size, collateral, drift)| Op::Account { position, slack, size, collateral, drift }
		),
		2 => (account.clone(), 0i128..300).prop_map(|(position, amount)| Op::Gain { position, amount }),
		1 => account.prop_map(|position| Op::Remove { position }),
		3 => (group.clone(), trigger.clone(), trigger)
			.prop_map(|(group, above, up_to)| Op::Ask { group, above, up_to }),
		2 => (branch, 950u128..1_150).prop_map(|(branch, threshold)| Op::Threshold { branch, threshold }),
		3 => (any::<bool>(), 900u128..1_100).prop_map(|(market, price)| Op::Price { market, price }),
		1 => (group.clone(), prop::bool::weighted(0.3))
			.prop_map(|(group, refused)| Op::Refuse { group, refused }),
		2 => (group, position).prop_map(|(group, position)| Op::Liquidate { group, position }),
		6 => prop::bool::weighted(0.95).prop_map(|seen| Op::Block { seen }),
	]
}

/// The order the index must have.
fn model(group: Group) -> Vec<(u128, u64)> {
	let mut all = triggers()
		.into_iter()
		.filter(|((g, _), _)| *g == group)
		.map(|((_, position), trigger)| (trigger, position))
		.collect::<Vec<_>>();
	all.sort_by_key(|(trigger, position)| (Reverse(*trigger), *position));
	all
}

/// Is the trigger crossed at the price of now, refused or not?
fn crossed(group: Group, trigger: u128) -> bool {
	let threshold = match group {
		SHORT => !(price(LONG) as u128),
		DEADLINE => !u128::from(System::block_number()),
		_ => Limits::get()[&group],
	};
	trigger > threshold
}

/// Is the position to be liquidated, if its price is not refused?
fn is_unsafe(group: Group, position: u64, trigger: u128) -> bool {
	match group {
		Group::Branch(_) => crossed(group, trigger),
		_ => Accounts::get()[&position].worth() < 0,
	}
}

/// What each group's thresholds were since they were last not seen.
type Seen = BTreeMap<Group, Vec<u128>>;

/// End a block; the looks and the fallback must do exactly what the thresholds seen ask for.
fn end_block(seen: &mut Seen, looks: u32) {
	for group in groups() {
		match Ledger::threshold(group) {
			Err(_) => drop(seen.remove(&group)),
			Ok(threshold) => seen.entry(group).or_default().push(threshold),
		}
	}
	let before = triggers();
	let by_workers = Liquidations::liquidated_in(System::block_number());
	let due = before
		.iter()
		.filter(|((group, position), trigger)| {
			let last = seen
				.get(group)
				.map(|all| all.iter().rev().take(3).collect::<Vec<_>>());
			last.is_some_and(|last| last.len() == 3 && last.iter().all(|threshold| *trigger > *threshold))
				&& is_unsafe(*group, *position, **trigger)
		})
		.map(|(key, _)| *key)
		.collect::<Vec<_>>();
	let holders = |keys: &[(Group, u64)]| {
		let holders = keys.iter().map(|(group, position)| holder(*group, *position));
		holders.collect::<BTreeSet<_>>()
	};
	Liquidated::set(vec![]);
	Looks::set(vec![]);
	idle();
	let done = Liquidated::take();
	let room = 10 - by_workers as usize;
	let all = looks as usize >= ESTIMATES.len() * ACCOUNTS as usize;
	if all {
		assert_eq!(done.len(), holders(&due).len().min(room));
	} else {
		// Of accounts, those that were looked at.
		let exact = due.iter().filter(|(group, _)| !group.is_estimate()).count();
		assert!(done.len() >= exact.min(room) && done.len() <= holders(&due).len().min(room));
	}
	assert!(done.iter().all(|key| due.contains(key)));
	// Nobody is liquidated for two groups.
	assert_eq!(holders(&done).len(), done.len());
	// Within a branch nobody overtakes a worse one, and neither does an account if all were looked at.
	for group in groups().into_iter().filter(|group| all || !group.is_estimate()) {
		let triggers = done
			.iter()
			.filter(|(g, _)| *g == group)
			.map(|key| (Reverse(before[key]), key.1));
		assert!(triggers.is_sorted());
		let left = due
			.iter()
			.filter(|key| key.0 == group && !holders(&done).contains(&holder(key.0, key.1)))
			.map(|key| before[key])
			.max();
		let least = done
			.iter()
			.filter(|key| key.0 == group)
			.map(|key| before[key])
			.min();
		assert!(left.is_none() || least.is_none() || left <= least);
	}

	// Only what is crossed is looked at, once, and no more of it than may be.
	let looked = Looks::take();
	assert!(looked
		.iter()
		.all(|(group, id, _)| crossed(*group, before[&(*group, *id)])));
	assert!(looked.len() <= looks as usize);
	let ids = looked.iter().map(|(_, id, _)| *id).collect::<BTreeSet<_>>();
	assert_eq!(ids.len(), looked.len());
	// With a look for every key, nobody safe is left crossed.
	if all {
		for ((group, position), trigger) in triggers() {
			let left = group.is_estimate()
				&& Ledger::threshold(group).is_ok()
				&& crossed(group, trigger)
				&& !is_unsafe(group, position, trigger);
			assert!(!left, "{group:?} {position}");
		}
	}
}

fn apply(op: Op, seen: &mut Seen, looks: u32) {
	match op {
		Op::Set {
			branch,
			position,
			entry,
		} => set_entry(branch, position, entry),
		Op::Unset { branch, position } => unset(branch, position),
		Op::Account {
			position,
			slack,
			size,
			collateral,
			drift,
		} => {
			let account = Account {
				cash: slack - size * price(LONG) - collateral * price(COLLATERAL),
				size,
				collateral,
				drift,
				since: System::block_number(),
			};
			assert_eq!(account.worth(), slack);
			set_account(position, Some(account));
		}
		Op::Gain { position, amount } => Accounts::mutate(|accounts| {
			if let Some(account) = accounts.get_mut(&position) {
				account.cash += amount;
			}
		}),
		Op::Remove { position } => set_account(position, None),
		Op::Ask { group, above, up_to } => {
			let expected = DebtBetween {
				debt: recount(group, above, up_to),
				exact: true,
			};
			assert_eq!(Liquidations::debt_between(group, above, up_to), expected);
		}
		Op::Threshold { branch, threshold } => set_threshold(branch, threshold),
		Op::Price { market, price } => set_price(if market { LONG } else { COLLATERAL }, price),
		Op::Refuse { group, refused } => Refused::mutate(|all| {
			match refused {
				true => all.insert(group),
				false => all.remove(&group),
			};
		}),
		Op::Liquidate { group, position } => {
			let trigger = triggers().get(&(group, position)).copied();
			let unsafe_now = trigger.is_some_and(|trigger| is_unsafe(group, position, trigger))
				&& !Refused::get().contains(&group);
			let room = Liquidations::liquidated_in(System::block_number()) < 10;
			let admitted = Liquidations::check(group, position).is_ok();
			let result = Liquidations::liquidate(RawOrigin::Authorized.into(), group, position);
			assert_eq!(result.is_ok(), unsafe_now && room);
			assert_eq!(result.is_ok(), admitted);
		}
		Op::Block { seen: observed } => {
			match observed {
				true => end_block(seen, looks),
				false => seen.clear(),
			}
			next_block();
		}
	}
}

fn run(ops: Vec<Op>, looks: u32) {
	ExtBuilder::default().accounts().build_and_execute(|| {
		set_looks(looks);
		let mut seen = Seen::new();
		for op in ops {
			apply(op, &mut seen, looks);
			for group in groups() {
				let expected = model(group);
				assert_eq!(index_of(group), expected);
				assert_eq!(Liquidations::count(group), expected.len() as u64);
				let ids = expected.iter().map(|(_, position)| *position).take(7);
				assert!(Liquidations::first(group, 7).into_iter().eq(ids));
			}
			// Nobody is unsafe and not crossed anywhere.
			let keys = triggers();
			for (id, account) in Accounts::get() {
				let found = ESTIMATES
					.iter()
					.filter_map(|group| Some((*group, *keys.get(&(*group, id))?)))
					.any(|(group, trigger)| crossed(group, trigger));
				assert!(found || account.worth() >= 0, "{id}: {account:?}");
			}
			assert!(Liquidations::liquidated_in(System::block_number()) <= 10);
			Liquidations::do_try_state().expect("invariants");
		}
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(40))]
	#[test]
	fn operations_keep_index_looks_and_fallback_true_to_the_model(
		ops in prop::collection::vec(op(), 150),
		looks in prop_oneof![2 => Just(40u32), 1 => 0u32..6],
	) {
		run(ops, looks);
	}
}
