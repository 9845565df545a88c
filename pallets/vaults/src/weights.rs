//! Weights of the calls: estimates, which a runtime replaces by measurements.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// What the calls and the hook cost.
pub trait WeightInfo {
	/// [`crate::Pallet::open`].
	fn open() -> Weight;
	/// [`crate::Pallet::adjust`].
	fn adjust() -> Weight;
	/// [`crate::Pallet::close`].
	fn close() -> Weight;
	/// [`crate::Pallet::repay`].
	fn repay() -> Weight;
	/// [`crate::Pallet::top_up`].
	fn top_up() -> Weight;
	/// [`crate::Pallet::add_branch`].
	fn add_branch() -> Weight;
	/// [`crate::Pallet::shut_down`].
	fn shut_down() -> Weight;
	/// [`crate::Pallet::settle`].
	fn settle() -> Weight;
	/// [`crate::Pallet::redeem`].
	fn redeem() -> Weight;
	/// The hook at a block's start with `b` branches due.
	fn on_initialize(b: u32) -> Weight;
	/// What the hook at a block's end does to one branch that was shut down: settle up to `n` vaults and finish.
	fn settle_worst(n: u32) -> Weight;
}

impl WeightInfo for () {
	fn open() -> Weight {
		Weight::from_parts(190_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(17, 15))
	}
	fn adjust() -> Weight {
		Weight::from_parts(140_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(14, 11))
	}
	fn close() -> Weight {
		Weight::from_parts(180_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(13, 14))
	}
	fn repay() -> Weight {
		Weight::from_parts(80_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(8, 7))
	}
	fn top_up() -> Weight {
		Weight::from_parts(90_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(9, 8))
	}
	fn add_branch() -> Weight {
		Weight::from_parts(90_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(26, 3))
	}
	fn shut_down() -> Weight {
		Weight::from_parts(40_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(6, 1))
	}
	fn settle() -> Weight {
		Weight::from_parts(180_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(18, 14))
	}
	fn redeem() -> Weight {
		Weight::from_parts(180_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(14, 12))
	}
	fn on_initialize(b: u32) -> Weight {
		Weight::from_parts(5_000_000, 0)
			.saturating_add(Weight::from_parts(90_000_000, 0).saturating_mul(u64::from(b)))
			.saturating_add(RocksDbWeight::get().reads_writes(9, 3))
			.saturating_add(
				RocksDbWeight::get()
					.reads_writes(3, 1)
					.saturating_mul(u64::from(b)),
			)
	}
	fn settle_worst(n: u32) -> Weight {
		Weight::from_parts(130_000_000, 0)
			.saturating_add(Weight::from_parts(40_000_000, 0).saturating_mul(u64::from(n)))
			.saturating_add(RocksDbWeight::get().reads_writes(14, 9))
			.saturating_add(
				RocksDbWeight::get()
					.reads_writes(4, 4)
					.saturating_mul(u64::from(n)),
			)
	}
}
