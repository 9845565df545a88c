//! What finding ten unsafe vaults costs among a thousand, ten thousand and a hundred thousand, as ratios in one run.
//!
//! ```sh
//! . .keel/env && cargo run -p keel-runtime --example discovery --features runtime-benchmarks,try-runtime
//! ```
//!
//! Measured is what a validator's worker asks: the threshold, the walk through the index, and for each candidate the
//! check the call makes; on the development chain's state, in a trie over a hash table, as a node's database is one.
//! (`frame-omni-bencher` keeps its trie in an ordered map, whose every access slows with the size of the whole state.)

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use keel_primitives::PositionLedger;
use keel_runtime::{Liquidations, Vaults};

const UNSAFE: u32 = 10;
const ROUNDS: usize = 2_000;

/// The median time of one discovery among `total` vaults.
fn discovery(total: u32) -> Duration {
	let mut chain = common::Chain::new();
	let branch = chain.state(|| Vaults::create_positions(total, UNSAFE));
	chain.commit();
	let mut times: Vec<Duration> = (0..ROUNDS)
		.map(|_| {
			chain.state(|| {
				let begin = Instant::now();
				let found = Liquidations::unsafe_positions(branch, 100);
				let time = begin.elapsed();
				assert_eq!(found.len(), UNSAFE as usize);
				assert!(found.iter().all(|position| position.deficit.is_some()));
				time
			})
		})
		.collect();
	times.sort();
	times[ROUNDS / 2]
}

fn main() {
	println!("{:>10} {:>12} {:>10}", "vaults", "median", "ratio");
	let mut first = None;
	for total in [1_000, 10_000, 100_000] {
		let time = discovery(total);
		let ratio = time.as_secs_f64() / first.get_or_insert(time).as_secs_f64();
		println!("{total:>10} {:>9.1} µs {ratio:>9.2}x", time.as_secs_f64() * 1e6);
	}
}
