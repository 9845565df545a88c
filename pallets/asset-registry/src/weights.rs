//! Weights of the calls: estimates from the storage they touch. A runtime uses measured ones.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// Weight functions needed for this pallet.
pub trait WeightInfo {
	/// [`Pallet::forget`](crate::Pallet::forget)
	fn forget() -> Weight;
}

impl WeightInfo for () {
	/// The record and the counter, and the accounts that may hold the asset: the fund's, the auctions', the
	/// custody's, and one of each branch.
	fn forget() -> Weight {
		Weight::from_parts(150_000_000, 60_000).saturating_add(RocksDbWeight::get().reads_writes(25, 2))
	}
}
