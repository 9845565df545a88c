//! Weights, estimated by reads and writes. A runtime uses measured ones.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// What the calls and the hook cost.
pub trait WeightInfo {
	/// [`crate::Pallet::trip`].
	fn trip() -> Weight;
	/// [`crate::Pallet::set_level`].
	fn set_level() -> Weight;
	/// The hook with `n` subjects evaluated.
	fn on_initialize(n: u32) -> Weight;
}

impl WeightInfo for () {
	/// The subjects, what is raised, the time, the last trip and the chain's numbers.
	fn trip() -> Weight {
		Weight::from_parts(35_000_000, 6_000).saturating_add(RocksDbWeight::get().reads_writes(7, 2))
	}

	/// The subjects, what is raised and the time.
	fn set_level() -> Weight {
		Weight::from_parts(25_000_000, 6_000).saturating_add(RocksDbWeight::get().reads_writes(5, 1))
	}

	/// The time, what is raised, the subjects and the chain's numbers; and per subject what its ledger reads to measure.
	fn on_initialize(n: u32) -> Weight {
		let n = u64::from(n);
		Weight::from_parts(15_000_000, 6_000)
			.saturating_add(Weight::from_parts(20_000_000, 6_000).saturating_mul(n))
			.saturating_add(RocksDbWeight::get().reads_writes(5, 1))
			.saturating_add(RocksDbWeight::get().reads(4).saturating_mul(n))
	}
}
