//! Weights, estimated by reads and writes. A runtime uses measured ones.

use frame_support::weights::{constants::RocksDbWeight, Weight};
use keel_primitives::{BranchKey, CollateralKey, MarketKey};

/// What the calls cost.
pub trait WeightInfo {
	/// `n` changes.
	fn set_values(n: u32) -> Weight;
	/// `n` changes.
	fn set_bounds(n: u32) -> Weight;
	/// `n` bounds that differ from the table.
	fn add_branch(n: u32) -> Weight;
	/// `n` bounds that differ from the table.
	fn add_market(n: u32) -> Weight;
	/// `n` bounds that differ from the table.
	fn add_collateral(n: u32) -> Weight;
}

/// The set, and the bounds of every one of `keys`; `n` of them not the table's.
fn list(keys: usize, n: u32) -> Weight {
	Weight::from_parts(50_000_000, 4_000)
		.saturating_add(Weight::from_parts(1_000_000, 0).saturating_mul(n as u64))
		.saturating_add(RocksDbWeight::get().reads_writes(1, (keys as u64).saturating_add(1)))
}

impl WeightInfo for () {
	/// The set, the time, the breaker, the chain's impact limit and what a gauge reads, a hundred values at a guess; and per
	/// change its bounds and its last loosening.
	fn set_values(n: u32) -> Weight {
		let n = n as u64;
		Weight::from_parts(60_000_000, 8_000)
			.saturating_add(Weight::from_parts(4_000_000, 2_600).saturating_mul(100))
			.saturating_add(RocksDbWeight::get().reads(102))
			.saturating_add(Weight::from_parts(6_000_000, 5_200).saturating_mul(n))
			.saturating_add(
				RocksDbWeight::get().reads_writes(n.saturating_mul(2).saturating_add(2), n.saturating_add(1)),
			)
	}

	/// The set, and per change its bounds.
	fn set_bounds(n: u32) -> Weight {
		let n = n as u64;
		Weight::from_parts(15_000_000, 4_000)
			.saturating_add(Weight::from_parts(4_000_000, 2_600).saturating_mul(n))
			.saturating_add(RocksDbWeight::get().reads_writes(n.saturating_add(1), n))
	}

	fn add_branch(n: u32) -> Weight {
		list(BranchKey::ALL.len(), n)
	}

	fn add_market(n: u32) -> Weight {
		list(MarketKey::ALL.len(), n)
	}

	fn add_collateral(n: u32) -> Weight {
		list(CollateralKey::ALL.len(), n)
	}
}
