//! The step of a block that ends a gap. What the gap's receivers do registers a weight of its own; it is
//! measured with the step, so that the step is rather too dear.

use frame_benchmarking::v2::*;
use frame_support::traits::{OnTimestampSet, Time};
use keel_primitives::{Moment, RiskParameters};

use super::*;

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn step() {
		let at: Moment = T::Time::now().saturating_add(1);
		Last::<T>::put(Reading { at, active: 0 });
		let now = at
			.saturating_add(T::RiskParameters::chain().oracle_max_age)
			.saturating_add(1);

		#[block]
		{
			Pallet::<T>::on_timestamp_set(now);
		}

		assert_eq!(Last::<T>::get().at, now);
		assert!(Last::<T>::get().active > 0);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
