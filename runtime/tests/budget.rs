//! What the money paths cost in storage on the whole runtime: distinct keys read and written, counted on a real trie.

mod common;

use common::*;
use frame_support::assert_ok;
use keel_primitives::{Group, VaultId};
use keel_runtime::{Liquidations, Moment, Runtime, RuntimeOrigin, SLOT_DURATION};
use pallet_vaults::Change;
use sp_keyring::Sr25519Keyring::{Alice, Bob};

const ONE_ETH: u128 = 1_000_000_000_000_000_000;

fn prices(eth: f64) -> Vec<(u32, f64)> {
	vec![(1, 1.0), (BTC, 60_000.0), (ETH, eth), (DOT, 6.0)]
}

/// Bob's vault of 10 ETH against 15,000 kUSD, and Alice's `deposit` kUSD in the pool; then ETH falls to `price`.
fn fallen(deposit: u128, price: f64) -> (Chain, VaultId) {
	let mut chain = Chain::new();
	chain.workers = false;
	let mut time: Moment = BEGIN;
	let mut tick = || {
		time += SLOT_DURATION;
		time
	};
	for _ in 0..4 {
		chain.fed_block(tick(), &prices(3_000.0));
	}
	let vault = chain.block(tick(), || {
		feed_all(&prices(3_000.0));
		let open = |branch, collateral, debt| pallet_vaults::Call::<Runtime>::open {
			branch,
			collateral,
			debt,
		};
		assert_ok!(call(Bob, open(ETH, 10 * ONE_ETH, kusd(15_000))));
		assert_ok!(call(Alice, open(ETH, 100 * ONE_ETH, kusd(60_000))));
		assert_ok!(call(Alice, open(BTC, 100_000_000, kusd(10_000))));
		if deposit > 0 {
			assert_ok!(call(
				Alice,
				pallet_stability_pool::Call::<Runtime>::deposit { amount: deposit }
			));
		}
		pallet_vaults::Pallet::<Runtime>::vaults_of(who(Bob))[0]
	});
	// Long enough for interest, so that the fund exists; then the fall.
	let now = chain.let_deposits_join(&prices(3_000.0));
	for i in 1..4 {
		chain.fed_block(now + i * SLOT_DURATION, &prices(price));
	}
	(chain, vault)
}

fn liquidate(vault: VaultId) {
	assert_ok!(Liquidations::liquidate(
		RuntimeOrigin::from(frame_system::RawOrigin::Authorized),
		Group::Branch(ETH),
		vault
	));
}

fn within(what: &str, (reads, writes): (usize, usize), most: (usize, usize)) {
	println!(
		"{what}: {reads} reads, {writes} writes (at most {} and {})",
		most.0, most.1
	);
	assert!(
		reads <= most.0 && writes <= most.1,
		"{what}: {reads} reads, {writes} writes"
	);
}

#[test]
fn adjust() {
	let (mut chain, vault) = fallen(0, 3_000.0);
	let cost = chain.tally(|| {
		assert_ok!(call(
			Bob,
			pallet_vaults::Call::<Runtime>::adjust {
				vault,
				collateral: Change::Increase(ONE_ETH),
				debt: Change::Increase(kusd(100)),
			},
		));
	});
	within("adjust", cost, (16, 10));
}

#[test]
fn liquidation_by_the_pool() {
	let (mut chain, vault) = fallen(kusd(50_000), 2_000.0);
	let cost = chain.tally(|| liquidate(vault));
	within("liquidation by the pool", cost, (22, 15));
}

#[test]
fn whole_liquidation_by_the_pool() {
	// 114 %: everything goes to the pool, the vault stays behind empty or nearly so.
	let (mut chain, vault) = fallen(kusd(50_000), 1_720.0);
	let cost = chain.tally(|| liquidate(vault));
	within("whole liquidation by the pool", cost, (22, 15));
}

#[test]
fn liquidation_by_auction() {
	let (mut chain, vault) = fallen(0, 2_000.0);
	let cost = chain.tally(|| liquidate(vault));
	// Acala's published weight for the same work: 29 and 15.
	within("liquidation by auction", cost, (29, 15));
}

#[test]
fn liquidation_with_a_shortfall() {
	// 93 %: the pool pays what the collateral is worth to it, the fund carries the rest, the vault is empty.
	let (mut chain, vault) = fallen(kusd(50_000), 1_400.0);
	let cost = chain.tally(|| liquidate(vault));
	within("liquidation by the pool with a shortfall", cost, (22, 15));
}
