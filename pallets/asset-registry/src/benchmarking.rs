//! Benchmarks: every call at its most expensive.

use frame_benchmarking::v2::*;
use frame_support::traits::EnsureOrigin;
use keel_primitives::RegisteredAsset;

use crate::{Call, Config, Pallet, Registry};

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn forget() -> Result<(), BenchmarkError> {
		let origin = T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		// Nobody holds it, so that every account that might is asked.
		let asset = 4_000_000;
		Registry::<T>::insert(
			asset,
			RegisteredAsset {
				feed: 2,
				decimals: 8,
				branch: None,
				margin: false,
			},
		);

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, asset);

		assert!(!Registry::<T>::contains_key(asset));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
