//! Benchmarks: every call, the hook the oracle comes through, and what the end of a block does at its worst.

use super::*;
use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{
	pallet_prelude::*,
	traits::{EnsureOrigin, Time},
};
use keel_math::FixedU128;
use keel_primitives::{FeedId, Moment, PriceProvider};

/// Benchmark feeds are counted from here.
const FIRST: FeedId = 1_000_000;

fn symbol() -> Symbol {
	Symbol::truncate_from(alloc::vec![b'X'; 16])
}

/// Nothing but the benchmark's own feeds, `count` of them. Those of the chain's genesis go, also where a branch stands
/// on them; nobody stands on the benchmark's own.
fn register<T: Config>(count: u32) {
	for feed in Feeds::<T>::iter_keys().collect::<Vec<_>>() {
		Pallet::<T>::forget(feed);
	}
	for feed in FIRST..FIRST + count {
		Pallet::<T>::do_add_feed(feed, symbol(), FixedU128::from_u32(1)).expect("there is room");
	}
}

/// A value per operator, all different and close enough together to count.
fn values<T: Config>() -> Vec<FixedU128> {
	(0..T::MaxOperators::get())
		.map(|n| FixedU128::from_u32(1_000_000 + n))
		.collect()
}

/// Fill the feed's history: a price a minute, for longer than it reaches back.
fn fill_history<T: Config>(count: u32) -> Moment {
	let start = T::Time::now().max(1_000_000);
	let mut now = start;
	for minute in 0..=HISTORY as Moment {
		now = start + minute * SAMPLE_INTERVAL;
		T::BenchmarkHelper::set_time(now);
		for feed in FIRST..FIRST + count {
			<Pallet<T> as PriceProvider>::set_price(feed, FixedU128::from_u32(1_000_000 + minute as u32));
		}
		Statistics::<T>::mutate(|s| s.at = now);
	}
	now
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn add_feed() -> Result<(), BenchmarkError> {
		let origin = T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		register::<T>(T::MaxFeeds::get() - 1);

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, 1, symbol(), FixedU128::from_u32(1));

		assert!(Feeds::<T>::contains_key(1));
		Ok(())
	}

	#[benchmark]
	fn remove_feed() -> Result<(), BenchmarkError> {
		let origin = T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		register::<T>(T::MaxFeeds::get());
		fill_history::<T>(1);
		Pallet::<T>::note_new_value(FIRST);

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, FIRST);

		assert!(!Feeds::<T>::contains_key(FIRST));
		assert!(!History::<T>::contains_key(FIRST));
		Ok(())
	}

	#[benchmark]
	fn note_new_value() {
		let count = T::MaxFeeds::get();
		register::<T>(count);
		for feed in FIRST..FIRST + count - 1 {
			Pallet::<T>::note_new_value(feed);
		}

		#[block]
		{
			Pallet::<T>::note_new_value(FIRST + count - 1);
		}

		assert_eq!(Pending::<T>::get().len() as u32, count);
	}

	#[benchmark]
	fn aggregate(n: Linear<0, { T::MaxFeeds::get() }>) {
		register::<T>(T::MaxFeeds::get());
		// A minute and a bit later every history moves on, by two samples. No sample of the statistics is due.
		let now = fill_history::<T>(n) + 3 * SAMPLE_INTERVAL;
		T::BenchmarkHelper::set_time(now);
		Statistics::<T>::mutate(|s| s.at = now);
		for feed in FIRST..FIRST + n {
			T::BenchmarkHelper::feed(feed, values::<T>());
			Pallet::<T>::note_new_value(feed);
		}

		#[block]
		{
			Pallet::<T>::do_finalize();
		}

		assert!((FIRST..FIRST + n).all(|feed| Feeds::<T>::get(feed).is_some_and(|s| s.price.at == now)));
		assert!(Pending::<T>::get().is_empty());
	}

	#[benchmark]
	fn sample() {
		let count = T::MaxFeeds::get();
		register::<T>(count);
		let now = T::Time::now().max(1_000_000);
		T::BenchmarkHelper::set_time(now);
		for feed in FIRST..FIRST + count {
			<Pallet<T> as PriceProvider>::set_price(feed, FixedU128::from_u32(1_000));
		}
		Pallet::<T>::do_finalize();
		let now = now + SAMPLE_INTERVAL;
		T::BenchmarkHelper::set_time(now);
		for feed in FIRST..FIRST + count {
			// Every pair has a return.
			<Pallet<T> as PriceProvider>::set_price(feed, FixedU128::from_u32(1_100 + feed - FIRST));
		}

		#[block]
		{
			Pallet::<T>::do_finalize();
		}

		assert_eq!(Statistics::<T>::get().at, now);
		assert!(Statistics::<T>::get()
			.covariance(0, count as usize - 1)
			.is_some_and(|c| c > 0));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
