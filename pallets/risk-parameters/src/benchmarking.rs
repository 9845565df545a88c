//! Every change loosens by one raw unit: it reads and writes most, and all of them together fit.

use alloc::{boxed::Box, vec::Vec};
use frame_benchmarking::v2::*;
use frame_support::traits::EnsureOrigin;
use keel_primitives::{BranchId, BranchKey, RiskParameters};

use super::*;

const BRANCH: BranchId = 4_242;
const SUBJECT: Subject = Subject::Branch(BRANCH);
const KEYS: u32 = BranchKey::ALL.len() as u32;

fn changes<T: Config>(n: u32) -> Result<Changes, BenchmarkError> {
	Pallet::<T>::set_branch(BRANCH, limits::default_branch());
	let changes: Vec<Change> = Pallet::<T>::parameters(SUBJECT)
		.into_iter()
		.take(n as usize)
		.map(|info| Change {
			key: info.key,
			value: match info.policy.safer {
				Safer::Higher => info.value.saturating_sub(1),
				Safer::Lower => info.value.saturating_add(1),
			},
		})
		.collect();
	changes
		.try_into()
		.map_err(|_| BenchmarkError::Stop("too many changes"))
}

/// The table's bounds, narrowed by one at the lower end.
fn bounds(n: u32) -> Result<BoundsChanges, BenchmarkError> {
	let bounds: Vec<BoundsChange> = SUBJECT
		.keys()
		.into_iter()
		.take(n as usize)
		.map(|key| {
			let Range { min, max } = policy(key).bounds;
			BoundsChange {
				key,
				min: min.saturating_add(1),
				max,
			}
		})
		.collect();
	bounds
		.try_into()
		.map_err(|_| BenchmarkError::Stop("too many bounds"))
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn set_values(n: Linear<1, KEYS>) -> Result<(), BenchmarkError> {
		let changes = changes::<T>(n)?;
		let last = changes.last().copied().ok_or(BenchmarkError::Stop("no change"))?;
		let origin = T::AdjustOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, SUBJECT, changes);

		let info = Pallet::<T>::parameter(SUBJECT, last.key).ok_or(BenchmarkError::Stop("no value"))?;
		assert_eq!(info.value, last.value);
		assert!(info.last_loosened.is_some());
		Ok(())
	}

	#[benchmark]
	fn set_bounds(n: Linear<1, KEYS>) -> Result<(), BenchmarkError> {
		Pallet::<T>::set_branch(BRANCH, limits::default_branch());
		let bounds = bounds(n)?;
		let last = bounds.last().copied().ok_or(BenchmarkError::Stop("no bounds"))?;
		let origin = T::BoundsOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, SUBJECT, bounds);

		assert_eq!(
			Bounds::<T>::get(SUBJECT, last.key),
			Some(Range {
				min: last.min,
				max: last.max
			})
		);
		Ok(())
	}

	#[benchmark]
	fn add_branch(n: Linear<0, KEYS>) -> Result<(), BenchmarkError> {
		let bounds = bounds(n)?;
		let origin = T::BoundsOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(
			origin as T::RuntimeOrigin,
			BRANCH,
			Box::new(limits::default_branch()),
			bounds,
		);

		assert_eq!(Branches::<T>::get(BRANCH), Some(limits::default_branch()));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
