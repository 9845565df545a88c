
//! Weights for `pallet_clock`.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use frame_support::{traits::Get, weights::Weight};
use core::marker::PhantomData;

/// Weight functions for `pallet_clock`.
pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_clock::WeightInfo for WeightInfo<T> {
	// Upper bound until measured.
	/// Storage: `Clock::Last` (r:1 w:1), `RiskParameters::Chain` (r:1 w:0)
	fn step() -> Weight {
		Weight::from_parts(20_000_000, 0)
			.saturating_add(Weight::from_parts(0, 4000))
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}
}
