//! Weights of the calls: estimates from the storage they touch. A runtime uses measured ones.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// Weight functions needed for this pallet.
pub trait WeightInfo {
	/// [`Pallet::donate`](crate::Pallet::donate)
	fn donate() -> Weight;
	/// [`Pallet::spend`](crate::Pallet::spend)
	fn spend() -> Weight;
	/// [`Pallet::pay_bad_debt`](crate::Pallet::pay_bad_debt)
	fn pay_bad_debt() -> Weight;
}

impl WeightInfo for () {
	/// The asset, two accounts of it, the books.
	fn donate() -> Weight {
		Weight::from_parts(70_000_000, 6_208).saturating_add(RocksDbWeight::get().reads_writes(4, 4))
	}

	/// The breaker, the asset, two accounts of it, the receiver's system account, the books.
	fn spend() -> Weight {
		Weight::from_parts(60_000_000, 6_208).saturating_add(RocksDbWeight::get().reads_writes(6, 5))
	}

	/// The asset, one account of it, the books.
	fn pay_bad_debt() -> Weight {
		Weight::from_parts(40_000_000, 3_675).saturating_add(RocksDbWeight::get().reads_writes(3, 3))
	}
}
