//! What the calls cost in storage: distinct keys read and written, own, assets' and balances', counted on a real trie.

use std::collections::BTreeSet;

use frame_support::assert_ok;
use keel_primitives::PositionLedger;

use crate::{mock::*, Change};

fn two<R: Default + Clone>() -> (R, R) {
	let one = R::default();
	(one.clone(), one)
}

/// Keys that every block touches anyway, and events.
fn counts(key: &[u8]) -> bool {
	let system = sp_io::hashing::twox_128(b"System");
	let account = sp_io::hashing::twox_128(b"Account");
	!key.starts_with(b":") && (!key.starts_with(&system) || key[16..].starts_with(&account))
}

/// Distinct keys `call` reads and writes after `set_up` was committed.
fn tally(set_up: impl FnOnce(), call: impl FnOnce()) -> (usize, usize) {
	let mut ext = ExtBuilder::default().build();
	ext.execute_with(|| {
		set_up();
		assert_ok!(Vaults::do_try_state());
		System::reset_events();
	});
	ext.commit_all().unwrap();
	let (recorder, seen) = two();
	ext.execute_with_recorder(recorder, call);
	let reads: BTreeSet<Vec<u8>> = seen
		.recorded_keys()
		.into_values()
		.flat_map(|keys| keys.into_keys())
		.map(|key| key.to_vec())
		.filter(|key| counts(key))
		.collect();
	let writes = ext
		.overlayed_changes()
		.changes()
		.filter(|(key, _)| counts(key))
		.count();
	ext.execute_with(|| Vaults::do_try_state().unwrap());
	(reads.len(), writes)
}

/// What the mocked neighbours read in a runtime: parameters, the price, the chain's parameters, the time, the breaker's
/// levels. They write nothing.
const NEIGHBOURS: usize = 5;

#[test]
fn of_adjust() {
	let (reads, writes) = tally(
		|| {
			open(&ALICE, BTC_BRANCH, ONE_BTC, 1_000 * USD);
		},
		|| {
			assert_ok!(Vaults::adjust(
				signed(&ALICE),
				0,
				Change::Increase(ONE_BTC),
				Change::Increase(5_000 * USD)
			));
		},
	);
	println!("adjust: {reads} + {NEIGHBOURS} reads, {writes} writes");
	assert!(reads + NEIGHBOURS <= 16, "{reads} reads");
	assert!(writes <= 10, "{writes} writes");
}

#[test]
fn of_an_adjustment_that_every_meter_counts() {
	let (reads, writes) = tally(
		|| {
			open(&ALICE, BTC_BRANCH, 2 * ONE_BTC, 10_000 * USD);
		},
		|| {
			assert_ok!(Vaults::adjust(
				signed(&ALICE),
				0,
				Change::Decrease(ONE_BTC),
				Change::Decrease(5_000 * USD)
			));
		},
	);
	println!("adjust that withdraws: {reads} + {NEIGHBOURS} reads, {writes} writes");
	assert!(reads + NEIGHBOURS <= 16, "{reads} reads");
	assert!(writes <= 10, "{writes} writes");
}

#[test]
fn of_a_liquidation_by_the_pool() {
	// Pool and fund of the mock keep less than the real ones: their books come on top.
	let (reads, writes) = tally(
		|| {
			open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
			open(&BOB, BTC_BRANCH, 10 * ONE_BTC, 35_000 * USD);
			fund_pool(50_000 * USD);
			fund_fund(1_000 * USD);
			move_price(BTC, dollars(43_000));
		},
		|| {
			assert_ok!(Vaults::liquidate(Group::Branch(BTC_BRANCH), 0));
		},
	);
	println!("liquidation by the pool: {reads} + {NEIGHBOURS} reads, {writes} writes");
	assert!(reads + NEIGHBOURS <= 22, "{reads} reads");
	assert!(writes <= 15, "{writes} writes");
}

#[test]
fn of_a_liquidation_that_empties_the_vault() {
	let (reads, writes) = tally(
		|| {
			open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
			open(&BOB, BTC_BRANCH, 10 * ONE_BTC, 35_000 * USD);
			fund_pool(50_000 * USD);
			fund_fund(1_000 * USD);
			move_price(BTC, dollars(30_000));
		},
		|| {
			assert_ok!(Vaults::liquidate(Group::Branch(BTC_BRANCH), 0));
		},
	);
	println!("liquidation that empties the vault: {reads} + {NEIGHBOURS} reads, {writes} writes");
	// One trigger less, and the fund's cover.
	assert!(reads + NEIGHBOURS <= 22, "{reads} reads");
	assert!(writes <= 15, "{writes} writes");
}

#[test]
fn of_a_visit_with_nothing_due() {
	let (reads, writes) = tally(|| (), || pass(2_000));
	// The list and each branch.
	assert_eq!((reads, writes), (5, 0));
}
