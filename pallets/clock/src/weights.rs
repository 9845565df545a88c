//! The weight of a block's step: an estimate from the storage it touches. A runtime uses a measured one.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// Weight functions needed for this pallet.
pub trait WeightInfo {
	/// The step of a block that ends a gap, without what [`Config::OnGap`](crate::Config::OnGap) does.
	fn step() -> Weight;
}

impl WeightInfo for () {
	/// The reading, the chain's parameters; the reading written, and an event.
	fn step() -> Weight {
		Weight::from_parts(10_000_000, 2_000).saturating_add(RocksDbWeight::get().reads_writes(2, 1))
	}
}
