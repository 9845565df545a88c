//! What finding ten unsafe vaults costs among a thousand, ten thousand and a hundred thousand, as ratios in one run.
//!
//! ```sh
//! . .keel/env && cargo run -p keel-runtime --example discovery --features runtime-benchmarks,try-runtime
//! ```
//!
//! Measured is what a validator's worker asks: the threshold, the walk through the index, and for each candidate the
//! check the call makes; on the development chain's state, in a trie over a hash table, as a node's database is one.
//! (`frame-omni-bencher` keeps its trie in an ordered map, whose every access slows with the size of the whole state.)

use std::time::{Duration, Instant};

use keel_primitives::PositionLedger;
use keel_runtime::{Liquidations, RuntimeGenesisConfig, Vaults};

const UNSAFE: u32 = 10;
const ROUNDS: usize = 2_000;

fn merge(base: &mut serde_json::Value, patch: serde_json::Value) {
	match (base, patch) {
		(serde_json::Value::Object(base), serde_json::Value::Object(patch)) => {
			for (key, value) in patch {
				merge(base.entry(key).or_insert(serde_json::Value::Null), value);
			}
		}
		(base, patch) => *base = patch,
	}
}

fn genesis() -> Vec<u8> {
	let default =
		frame_support::genesis_builder_helper::get_preset::<RuntimeGenesisConfig>(&None, |_| None).unwrap();
	let mut whole: serde_json::Value = serde_json::from_slice(&default).unwrap();
	let patch = keel_runtime::genesis_presets::get(&"development".into()).unwrap();
	merge(&mut whole, serde_json::from_slice(&patch).unwrap());
	serde_json::to_vec(&whole).unwrap()
}

/// The median time of one discovery among `total` vaults.
fn discovery(total: u32) -> Duration {
	let mut ext = sp_io::TestExternalities::new_empty();
	let branch = ext.execute_with(|| {
		frame_support::genesis_builder_helper::build_state::<RuntimeGenesisConfig>(genesis()).unwrap();
		Vaults::create_positions(total, UNSAFE)
	});
	ext.commit_all().unwrap();
	let mut times: Vec<Duration> = (0..ROUNDS)
		.map(|_| {
			ext.execute_with(|| {
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
