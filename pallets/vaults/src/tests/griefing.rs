//! Closing a branch to others costs something: no round trip of collateral or debt holds others out.

use frame_support::assert_ok;
use keel_math::ONE;
use keel_primitives::{BreakerSubject, Fuse, Gauges, Level, VaultId};

use crate::{
	mock::*,
	Change::{Decrease, Increase, Keep},
};

const BRANCH: BreakerSubject = BreakerSubject::Branch(BTC_BRANCH);
const BLOCK: u64 = 2_000;
const ROUNDS: u32 = 200;

/// What the attacker has: a fifth of the branch's collateral.
const FIFTH: u128 = 20 * ONE_BTC;

fn leaving() -> u128 {
	let gauges = Vaults::gauges(BRANCH);
	let gauge = gauges.iter().find(|gauge| gauge.fuse == Fuse::Leaving);
	gauge.unwrap().reading
}

fn room() -> u128 {
	Vaults::exit_room(BTC_BRANCH).unwrap()
}

/// The attacker's vault with the least debt there is, beside one that owes a million; what either did in
/// coming is long ago.
fn besieged() -> (VaultId, VaultId) {
	set_parameters(BTC_BRANCH, |p| p.exit_limit = percent(25));
	let others = open(&BOB, BTC_BRANCH, 80 * ONE_BTC, 1_000_000 * USD);
	let attacker = open(&ALICE, BTC_BRANCH, FIFTH, 100 * USD);
	// kUSD for fees, of another branch.
	open(&ALICE, ETH_BRANCH, 100 * ONE_ETH, 10_000 * USD);
	Now::mutate(|now| *now += 50 * 3_600_000);
	set_price(BTC, dollars(50_000));
	(attacker, others)
}

fn withdraw(id: VaultId, amount: u128) {
	assert_ok!(Vaults::adjust(signed(&ALICE), id, Decrease(amount), Keep));
}

fn mint(id: VaultId, amount: u128) {
	assert_ok!(Vaults::adjust(signed(&ALICE), id, Keep, Increase(amount)));
}

fn repay_all(id: VaultId) {
	assert_ok!(Vaults::repay(signed(&ALICE), id, u128::MAX));
}

fn top_up(id: VaultId, amount: u128) {
	assert_ok!(Vaults::top_up(signed(&ALICE), id, amount));
}

#[test]
fn withdrawing_a_debt_free_fifth_and_coming_back_every_ten_minutes_raises_nothing() {
	for wait in [BLOCK, 600_000] {
		ExtBuilder::default().build_and_execute(|| {
			let (id, _) = besieged();
			repay_all(id);
			for _ in 0..ROUNDS {
				withdraw(id, FIFTH);
				pass(BLOCK);
				// A quarter of what the others hold under a debt, whatever is beside it.
				assert_eq!(room(), 20 * ONE_BTC);
				// The hundred that she repaid.
				assert!(leaving() < ONE / 1_000);
				top_up(id, FIFTH);
				pass(wait);
				assert_eq!(room(), 20 * ONE_BTC);
				assert!(leaving() < ONE / 1_000);
			}
		});
	}
}

#[test]
fn withdrawing_all_that_a_minimum_debt_leaves_free_and_coming_back_raises_nothing() {
	for wait in [BLOCK, 600_000] {
		ExtBuilder::default().build_and_execute(|| {
			let (id, _) = besieged();
			for _ in 0..ROUNDS {
				// All but what the debt needs goes out through the window.
				withdraw(id, FIFTH - ONE_BTC);
				pass(BLOCK);
				assert_eq!(leaving(), 0);
				top_up(id, FIFTH - ONE_BTC);
				pass(wait);
				assert_eq!(leaving(), 0);
				// What went out came in again: a quarter of what the others hold, and of what counts as hers
				// from before.
				assert!(room() >= 20 * ONE_BTC && room() <= 25 * ONE_BTC, "{}", room());
			}
		});
	}
}

#[test]
fn a_raised_breaker_is_not_held_up_by_collateral_that_comes_and_goes() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, _) = besieged();
		// Whatever raised it: without new debt there is nothing to leave with again, and nobody mints now.
		raise(BRANCH, Level::ReduceOnly);
		repay_all(id);
		for _ in 0..ROUNDS {
			withdraw(id, FIFTH);
			pass(BLOCK);
			top_up(id, FIFTH);
			let back = Vaults::adjust(signed(&ALICE), id, Keep, Increase(100 * USD));
			assert_eq!(back, Err(raised()));
			pass(BLOCK);
			assert!(leaving() < ONE / 1_000);
		}
	});
}

#[test]
fn coming_back_without_debt_and_leaving_with_it_does_not_fill_the_window() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, others) = besieged();
		repay_all(id);
		for _ in 0..ROUNDS {
			// The window counts what leaves a debt behind, so it counts what comes under one.
			mint(id, 100 * USD);
			pass(BLOCK);
			withdraw(id, FIFTH - ONE_BTC);
			repay_all(id);
			top_up(id, FIFTH - ONE_BTC);
			pass(BLOCK);
			// A quarter of what the others hold, but for what rounding took.
			assert!(room() >= 20 * ONE_BTC - u128::from(ROUNDS), "{}", room());
			assert!(leaving() < ONE / 1_000);
		}
		// Others use it.
		assert_ok!(Vaults::adjust(signed(&BOB), others, Decrease(19 * ONE_BTC), Keep));
	});
}

#[test]
fn borrowing_and_repaying_again_and_again_does_not_widen_the_window() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, others) = besieged();
		repay_all(id);
		assert_eq!(room(), 20 * ONE_BTC);
		for _ in 0..ROUNDS {
			mint(id, 100 * USD);
			repay_all(id);
			let id = open(&ALICE, BTC_BRANCH, FIFTH, 100 * USD);
			assert_ok!(Vaults::close(signed(&ALICE), id));
			assert_eq!(room(), 20 * ONE_BTC);
		}
		// Nor does it take away from what others put in: that is theirs to take out again, beside the room.
		assert_ok!(Vaults::top_up(signed(&BOB), others, 4 * ONE_BTC));
		assert_eq!(room(), 20 * ONE_BTC);
		let id = open(&ALICE, BTC_BRANCH, FIFTH, 100 * USD);
		assert_ok!(Vaults::close(signed(&ALICE), id));
		assert_eq!(room(), 20 * ONE_BTC);
		assert_ok!(Vaults::adjust(signed(&BOB), others, Decrease(24 * ONE_BTC), Keep));
		assert_eq!(room(), 0);
	});
}

#[test]
fn dust_in_every_block_moves_no_reading() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, _) = besieged();
		for _ in 0..ROUNDS {
			withdraw(id, 1);
			pass(BLOCK);
			top_up(id, 1);
			mint(id, 1);
			pass(BLOCK);
			assert_ok!(Vaults::repay(signed(&ALICE), id, 1));
			assert!(leaving() < ONE / 1_000_000, "{}", leaving());
			assert!(room() >= 25 * ONE_BTC - 10);
		}
	});
}
