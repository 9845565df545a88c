//! Weights, estimated by reads and writes. A runtime uses measured ones.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// Weights of the calls and the hook.
pub trait WeightInfo {
	/// [`crate::Pallet::suspend`].
	fn suspend() -> Weight;
	/// [`crate::Pallet::resume`].
	fn resume() -> Weight;
	/// The hook, with `n` subjects that go on.
	fn on_initialize(n: u32) -> Weight;
}

impl WeightInfo for () {
	/// The spells, what is suspended, and what the committee's motions hold.
	fn suspend() -> Weight {
		Weight::from_parts(150_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(30, 30))
	}

	fn resume() -> Weight {
		Self::suspend()
	}

	fn on_initialize(n: u32) -> Weight {
		Weight::from_parts(5_000_000, 0)
			.saturating_add(RocksDbWeight::get().reads(1))
			.saturating_add(Self::suspend().saturating_mul(n.into()))
	}
}
