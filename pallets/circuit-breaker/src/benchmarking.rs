//! The calls with everything else raised; the hook with everything going down.
//!
//! What a fuse costs to read is its ledger's affair. The hook is measured with the gauges of the runtime the benchmark
//! runs in: they are read whatever `n` is, so that the base covers the subjects which that runtime measures from its
//! genesis on. Measure with as many branches as the chain has.

use alloc::{collections::BTreeMap, vec::Vec};

use frame_benchmarking::v2::*;
use frame_support::traits::{EnsureOrigin, Get, Time};
use keel_primitives::{BreakerSubject, Gauges, Level, Moment};

use super::*;

/// Late enough for anything raised at zero to come down.
const NOW: Moment = 4_000_000_000_000;

/// The `n`th subject nobody measures.
fn filler(n: u32) -> BreakerSubject {
	BreakerSubject::Market(u32::MAX.saturating_sub(n))
}

fn state(level: Level, since: Moment) -> State {
	State {
		level,
		since,
		cause: Cause::Referendum,
		calm_since: Some(since),
		by_hand: Level::Normal,
		others: Level::Normal,
	}
}

/// A measured subject at `Guarded`, and as many others at `Halted` as there is room for.
fn crowd<T: Config>() -> Result<BreakerSubject, BenchmarkError> {
	let subject = *T::Gauges::subjects()
		.first()
		.ok_or(BenchmarkError::Stop("nothing is measured"))?;
	let now = T::Time::now();
	let mut states: BTreeMap<_, _> = (1..T::MaxSubjects::get())
		.map(|n| (filler(n), state(Level::Halted, now)))
		.collect();
	states.insert(subject, state(Level::Guarded, now));
	put::<T>(states)?;
	Ok(subject)
}

fn put<T: Config>(states: BTreeMap<BreakerSubject, State>) -> Result<(), BenchmarkError> {
	let states =
		RaisedSubjects::<T>::try_from(states).map_err(|_| BenchmarkError::Stop("too many subjects"))?;
	Raised::<T>::put(states);
	Ok(())
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// Further, within the pause of the last trip.
	#[benchmark]
	fn trip() -> Result<(), BenchmarkError> {
		let subject = crowd::<T>()?;
		let last = Trip {
			at: T::Time::now(),
			level: Level::Guarded,
		};
		LastTrip::<T>::insert(subject, last);
		let origin = T::GuardianOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, subject, Level::Halted);

		assert_eq!(
			LastTrip::<T>::get(subject).map(|last| last.level),
			Some(Level::Halted)
		);
		assert_eq!(
			Raised::<T>::get().get(&subject).map(|state| state.level),
			Some(Level::Halted)
		);
		Ok(())
	}

	#[benchmark]
	fn set_level() -> Result<(), BenchmarkError> {
		let subject = crowd::<T>()?;
		let origin = T::OverrideOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, subject, Level::Halted);

		assert_eq!(
			Raised::<T>::get().get(&subject).map(|state| state.level),
			Some(Level::Halted)
		);
		Ok(())
	}

	/// `n` subjects raised, the measured ones first, and every one that no fuse holds goes down.
	#[benchmark]
	fn on_initialize(n: Linear<0, { T::MaxSubjects::get() }>) -> Result<(), BenchmarkError> {
		let subjects: Vec<_> = T::Gauges::subjects()
			.into_iter()
			.chain((0..n).map(filler))
			.take(n as usize)
			.collect();
		put::<T>(
			subjects
				.iter()
				.map(|subject| (*subject, state(Level::Halted, 0)))
				.collect(),
		)?;

		#[block]
		{
			// The hook, whatever the clock of the benchmark says.
			let _ = T::Time::now();
			Pallet::<T>::evaluate(NOW);
		}

		let raised = Raised::<T>::get();
		for subject in subjects.iter().filter(|s| T::Gauges::gauges(**s).is_empty()) {
			assert_eq!(
				raised.get(subject).map(|state| state.level),
				Some(Level::ReduceOnly)
			);
		}
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
