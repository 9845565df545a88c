
#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use frame_support::{traits::Get, weights::Weight};
use core::marker::PhantomData;

/// Weight functions for `pallet_emergency`.
pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_emergency::WeightInfo for WeightInfo<T> {
	// Upper bound until measured: spells, what is suspended, 16 feeds, the committee's members and its 48
	// motions.
	fn suspend() -> Weight {
		Weight::from_parts(400_000_000, 0)
			.saturating_add(T::DbWeight::get().reads(80))
			.saturating_add(T::DbWeight::get().writes(75))
	}
	// Upper bound until measured.
	fn resume() -> Weight {
		Self::suspend()
	}
	// Upper bound until measured.
	fn on_initialize(n: u32, ) -> Weight {
		Weight::from_parts(10_000_000, 0)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(Self::suspend().saturating_mul(n.into()))
	}
}
