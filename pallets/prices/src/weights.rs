//! Weights of the calls and hooks. The runtime measures its own; these are estimates for tests.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// What the pallet's calls and hooks weigh.
pub trait WeightInfo {
	/// [`Pallet::add_feed`](crate::Pallet::add_feed), without the aggregation it makes possible in its block.
	fn add_feed() -> Weight;
	/// [`Pallet::remove_feed`](crate::Pallet::remove_feed).
	fn remove_feed() -> Weight;
	/// [`Pallet::note_new_value`](crate::Pallet::note_new_value) for one feed.
	fn note_new_value() -> Weight;
	/// Aggregating `n` pending feeds, each with the most operators.
	fn aggregate(n: u32) -> Weight;
	/// Sampling the statistics with the most feeds.
	fn sample() -> Weight;
}

impl WeightInfo for () {
	fn add_feed() -> Weight {
		Weight::from_parts(25_000_000, 6_000).saturating_add(RocksDbWeight::get().reads_writes(3, 3))
	}
	fn remove_feed() -> Weight {
		// With a read to find out that nobody stands on it.
		Weight::from_parts(30_000_000, 6_000).saturating_add(RocksDbWeight::get().reads_writes(5, 5))
	}
	fn note_new_value() -> Weight {
		Weight::from_parts(8_000_000, 4_000).saturating_add(RocksDbWeight::get().reads_writes(2, 1))
	}
	fn aggregate(n: u32) -> Weight {
		// A feed: its state, its history and a raw value per operator.
		Weight::from_parts(60_000_000, 60_000)
			.saturating_mul(n.into())
			.saturating_add(Weight::from_parts(10_000_000, 6_000))
			.saturating_add(RocksDbWeight::get().reads_writes(20, 2).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(5, 1))
	}
	fn sample() -> Weight {
		Weight::from_parts(300_000_000, 60_000).saturating_add(RocksDbWeight::get().reads_writes(19, 18))
	}
}
