//! Weights of the calls, estimated; the runtime uses measured ones.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// Weights of the pool's calls, and of what liquidations ask of it.
pub trait WeightInfo {
	/// [`Pallet::deposit`](crate::Pallet::deposit) by somebody as many scales behind as count.
	fn deposit() -> Weight;
	/// [`Pallet::withdraw`](crate::Pallet::withdraw), likewise.
	fn withdraw() -> Weight;
	/// [`Pallet::claim`](crate::Pallet::claim), likewise.
	fn claim() -> Weight;
	/// [`Pallet::claim_all`](crate::Pallet::claim_all) of `n` kinds of collateral, likewise.
	fn claim_all(n: u32) -> Weight;
	/// A block in which `n` groups join.
	fn join_due(n: u32) -> Weight;
	/// `StabilityPool::absorb` at the end of a scale, the insurance fund's part included.
	fn absorb() -> Weight;
	/// `StabilityPool::buy` at the end of a scale.
	fn buy() -> Weight;
}

impl WeightInfo for () {
	fn deposit() -> Weight {
		// The breaker, the clock; pool, stake, its group, four past sums for each part; kUSD, its two accounts.
		Weight::from_parts(90_000_000, 15_000).saturating_add(RocksDbWeight::get().reads_writes(16, 6))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(90_000_000, 15_000).saturating_add(RocksDbWeight::get().reads_writes(14, 6))
	}
	fn claim() -> Weight {
		Weight::from_parts(90_000_000, 15_000).saturating_add(RocksDbWeight::get().reads_writes(14, 6))
	}
	fn claim_all(n: u32) -> Weight {
		let n = u64::from(n);
		Weight::from_parts(60_000_000, 15_000)
			.saturating_add(Weight::from_parts(35_000_000, 8_000).saturating_mul(n))
			.saturating_add(RocksDbWeight::get().reads_writes(11, 3))
			.saturating_add(RocksDbWeight::get().reads_writes(3, 3).saturating_mul(n))
	}
	fn join_due(n: u32) -> Weight {
		// The clock and the pool; the pool and a group each.
		let n = u64::from(n);
		Weight::from_parts(8_000_000, 3_000)
			.saturating_add(Weight::from_parts(10_000_000, 0).saturating_mul(n))
			.saturating_add(RocksDbWeight::get().reads_writes(2, n.saturating_add(n.min(1))))
	}
	fn absorb() -> Weight {
		// Pool, past sums; kUSD, the pool's and the fund's accounts, the fund; the collateral and its two
		// accounts.
		Weight::from_parts(120_000_000, 20_000).saturating_add(RocksDbWeight::get().reads_writes(8, 9))
	}
	fn buy() -> Weight {
		// Pool, past sums; kUSD and the collateral, two accounts of each, the seller's and the pool's.
		Weight::from_parts(110_000_000, 20_000).saturating_add(RocksDbWeight::get().reads_writes(9, 10))
	}
}
