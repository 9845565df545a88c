//! Weights for `pallet_asset_tx_payment`.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use frame_support::{traits::Get, weights::Weight};
use core::marker::PhantomData;

/// Weight functions for `pallet_asset_tx_payment`.
// Upper bound until measured.
pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_asset_tx_payment::WeightInfo for WeightInfo<T> {
	fn charge_asset_tx_payment_zero() -> Weight {
		Weight::from_parts(1_000_000, 0)
	}
	// As the native fee: the multiplier, the payer's account, the treasury's.
	fn charge_asset_tx_payment_native() -> Weight {
		Weight::from_parts(45_000_000, 0)
			.saturating_add(Weight::from_parts(0, 3593))
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	// Multiplier, feed of KEEL, parameters, asset, payer's and fund's accounts of it, payer's account, the
	// fund's books.
	fn charge_asset_tx_payment_asset() -> Weight {
		Weight::from_parts(110_000_000, 0)
			.saturating_add(Weight::from_parts(0, 6208))
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(6))
	}
}
