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
	/// Judging a feed of `n` values, its signature included.
	fn authorize_feed(n: u32) -> Weight;
	/// [`Pallet::feed`](crate::Pallet::feed) of `n` values.
	fn feed(n: u32) -> Weight;
	/// [`Pallet::set_feeder`](crate::Pallet::set_feeder).
	fn set_feeder() -> Weight;
	/// [`Pallet::add_operator`](crate::Pallet::add_operator).
	fn add_operator() -> Weight;
	/// [`Pallet::remove_operator`](crate::Pallet::remove_operator).
	fn remove_operator() -> Weight;
}

impl WeightInfo for () {
	fn add_feed() -> Weight {
		Weight::from_parts(25_000_000, 6_000).saturating_add(RocksDbWeight::get().reads_writes(3, 3))
	}
	fn remove_feed() -> Weight {
		// With a read to find out that nobody stands on it, and every account's value of it.
		Weight::from_parts(60_000_000, 6_000).saturating_add(RocksDbWeight::get().reads_writes(6, 22))
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
	fn authorize_feed(n: u32) -> Weight {
		// The operators, the clock, the chain's parameters, the genesis hash and the signature.
		Weight::from_parts(90_000_000, 6_000)
			.saturating_add(RocksDbWeight::get().reads(4_u64.saturating_add(n.into())))
	}
	fn feed(n: u32) -> Weight {
		Weight::from_parts(5_000_000, 3_000)
			.saturating_add(RocksDbWeight::get().reads_writes(1, 1))
			.saturating_mul(n.into())
			.saturating_add(Weight::from_parts(25_000_000, 6_000))
			.saturating_add(RocksDbWeight::get().reads_writes(5, 2))
	}
	fn set_feeder() -> Weight {
		Weight::from_parts(15_000_000, 4_000).saturating_add(RocksDbWeight::get().reads_writes(1, 1))
	}
	fn add_operator() -> Weight {
		Weight::from_parts(15_000_000, 4_000).saturating_add(RocksDbWeight::get().reads_writes(2, 1))
	}
	fn remove_operator() -> Weight {
		Weight::from_parts(60_000_000, 60_000).saturating_add(RocksDbWeight::get().reads_writes(18, 17))
	}
}
