//! Checks every pallet's invariants on a state taken from a running node: `try_state FILE`, the file being a JSON list of
//! `[key, value]` in hex, as the RPC `state_queryStorageAt` answers. Says what is wrong and exits with 1, or how many keys
//! there were.

use std::process::ExitCode;

use frame_support::traits::{PalletsInfoAccess, TryState, TryStateSelect};
use keel_runtime::{AllPalletsWithSystem, Runtime, System};
use sp_core::bytes::from_hex;

/// A key and its value.
type Pair = (Vec<u8>, Vec<u8>);

fn state(file: &str) -> Result<Vec<Pair>, String> {
	let text = std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?;
	let pairs: Vec<(String, Option<String>)> =
		serde_json::from_str(&text).map_err(|e| format!("{file}: {e}"))?;
	pairs
		.into_iter()
		.filter_map(|(key, value)| value.map(|value| (key, value)))
		.map(|(key, value)| {
			let bytes = |hex: &str| from_hex(hex).map_err(|e| format!("{hex}: {e:?}"));
			Ok((bytes(&key)?, bytes(&value)?))
		})
		.collect()
}

fn main() -> ExitCode {
	let Some(file) = std::env::args().nth(1) else {
		eprintln!("which file? `try_state FILE`");
		return ExitCode::FAILURE;
	};
	let pairs = match state(&file) {
		Ok(pairs) if pairs.len() > 10 => pairs,
		Ok(pairs) => {
			eprintln!("{} keys are no chain's state", pairs.len());
			return ExitCode::FAILURE;
		}
		Err(error) => {
			eprintln!("{error}");
			return ExitCode::FAILURE;
		}
	};
	let keys = pairs.len();
	let mut ext = sp_io::TestExternalities::new_empty();
	ext.execute_with(|| {
		for (key, value) in &pairs {
			sp_io::storage::set(key, value);
		}
		let number = System::block_number();
		match AllPalletsWithSystem::try_state(number, TryStateSelect::All) {
			Ok(()) => {
				let gap = keel_runtime::adapters::SupplyGauge::unexplained();
				if gap > 0 {
					eprintln!("{gap} base units of kUSD in existence that no ledger accounts for");
					return ExitCode::FAILURE;
				}
				println!(
					"block {number}, {keys} keys, spec version {}: every invariant holds",
					<Runtime as frame_system::Config>::Version::get().spec_version
				);
				ExitCode::SUCCESS
			}
			Err(_) => {
				// Which one, and what: all of them together only say that something is wrong.
				for pallet in AllPalletsWithSystem::infos() {
					let one = TryStateSelect::Only(vec![pallet.name.as_bytes().to_vec()]);
					if let Err(error) = AllPalletsWithSystem::try_state(number, one) {
						eprintln!("block {number}: {}: {error:?}", pallet.name);
					}
				}
				ExitCode::FAILURE
			}
		}
	})
}
