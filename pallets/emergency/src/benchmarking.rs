//! The calls with everything else of their power suspended; the hook with everything going on again.

use frame_benchmarking::v2::*;
use frame_support::traits::{EnsureOriginWithArg, Get};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::Bounded;

use super::*;

/// Suspend the first `n` subjects; the one after them.
fn crowd<T: Config>(n: usize) -> Result<Subject<T::AccountId>, BenchmarkError> {
	let mut subjects = T::Stops::subjects().into_iter();
	for subject in subjects.by_ref().take(n) {
		Pallet::<T>::do_suspend(subject, 1_000u32.into())?;
	}
	subjects
		.next()
		.ok_or(BenchmarkError::Stop("there are too few subjects"))
}

/// All there may be but one.
fn most<T: Config>() -> u32 {
	T::MaxSubjects::get().saturating_sub(1)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn suspend() -> Result<(), BenchmarkError> {
		let subject = crowd::<T>(most::<T>() as usize)?;
		let origin =
			T::SuspendOrigin::try_successful_origin(&subject).map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, subject.clone());

		assert!(Pallet::<T>::is_suspended(&subject));
		Ok(())
	}

	#[benchmark]
	fn resume() -> Result<(), BenchmarkError> {
		let subject = crowd::<T>(most::<T>() as usize)?;
		Pallet::<T>::do_suspend(subject.clone(), 1_000u32.into())?;
		let origin =
			T::ResumeOrigin::try_successful_origin(&subject).map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, subject.clone());

		assert!(!Pallet::<T>::is_suspended(&subject));
		Ok(())
	}

	#[benchmark]
	fn on_initialize(n: Linear<0, { most::<T>() }>) -> Result<(), BenchmarkError> {
		crowd::<T>(n as usize)?;

		#[block]
		{
			Pallet::<T>::end_due(BlockNumberFor::<T>::max_value());
		}

		assert!(Suspended::<T>::get().is_empty());
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
