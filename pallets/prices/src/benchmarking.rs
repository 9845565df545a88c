//! Benchmarks: every call, the hook the oracle comes through, and what the end of a block does at its worst.

use super::*;
use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{
	pallet_prelude::*,
	traits::{Authorize, EnsureOrigin, Time},
};
use frame_system::RawOrigin;
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

fn operator<T: Config>(n: u32) -> T::AccountId {
	frame_benchmarking::account("operator", n, 0)
}

/// Nobody but the benchmark's own operators, `count` of them, each with a feeder.
fn operators<T: Config>(count: u32) {
	Operators::<T>::kill();
	for n in 0..count {
		Pallet::<T>::do_add_operator(operator::<T>(n)).expect("there is room");
		let feeder = frame_benchmarking::account("feeder", n, 0);
		Pallet::<T>::do_set_feeder(&operator::<T>(n), Some(feeder)).expect("it is free");
	}
}

/// A value of every operator and of Root for `feed`, all different and close enough together to count.
fn give_values<T: Config>(feed: FeedId) {
	operators::<T>(T::MaxOperators::get());
	for (n, who) in (0..).zip(Pallet::<T>::counted()) {
		let value = FixedU128::from_u32(1_000_000 + n);
		T::RawValues::set(&who, feed, value, T::Time::now());
	}
}

/// A feed of the last operator with `n` values, as its feeder signs it.
fn signed_feed<T: Config>(n: u32) -> (T::AccountId, Moment, FeedValues<T>, T::Signature) {
	T::BenchmarkHelper::set_time(T::Time::now().max(1_000_000));
	register::<T>(T::MaxFeeds::get());
	operators::<T>(T::MaxOperators::get());
	let operator = operator::<T>(T::MaxOperators::get() - 1);
	let feeder = T::BenchmarkHelper::feeder();
	Pallet::<T>::do_set_feeder(&operator, Some(feeder.clone())).expect("it is free");
	let values: Vec<_> = (FIRST..FIRST + n)
		.map(|feed| (feed, FixedU128::from_u32(feed)))
		.collect();
	let values = FeedValues::<T>::truncate_from(values);
	let observed_at = T::Time::now() + 1;
	let payload = Pallet::<T>::feed_payload(&operator, observed_at, &values);
	let signature = T::BenchmarkHelper::sign(&feeder, &payload);
	(operator, observed_at, values, signature)
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
		give_values::<T>(FIRST);
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
		for id in FIRST..FIRST + count - 1 {
			Pallet::<T>::note_new_value(id);
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
		for id in FIRST..FIRST + n {
			give_values::<T>(id);
			Pallet::<T>::note_new_value(id);
		}

		#[block]
		{
			Pallet::<T>::do_finalize();
		}

		assert!((FIRST..FIRST + n).all(|id| Feeds::<T>::get(id).is_some_and(|s| s.price.at == now)));
		assert!(Pending::<T>::get().is_empty());
	}

	#[benchmark]
	fn sample() {
		let count = T::MaxFeeds::get();
		register::<T>(count);
		let now = T::Time::now().max(1_000_000);
		T::BenchmarkHelper::set_time(now);
		for id in FIRST..FIRST + count {
			<Pallet<T> as PriceProvider>::set_price(id, FixedU128::from_u32(1_000));
		}
		Pallet::<T>::do_finalize();
		let now = now + SAMPLE_INTERVAL;
		T::BenchmarkHelper::set_time(now);
		for id in FIRST..FIRST + count {
			// Every pair has a return.
			<Pallet<T> as PriceProvider>::set_price(id, FixedU128::from_u32(1_100 + id - FIRST));
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

	#[benchmark]
	fn authorize_feed(n: Linear<1, { T::MaxFeeds::get() }>) -> Result<(), BenchmarkError> {
		let (operator, observed_at, values, signature) = signed_feed::<T>(n);
		let call = Call::<T>::feed {
			operator,
			observed_at,
			values,
			signature,
		};

		#[block]
		{
			call.authorize(TransactionSource::InBlock)
				.ok_or("nobody authorises it")?
				.map_err(|_| "the feed is refused")?;
		}
		Ok(())
	}

	#[benchmark]
	fn feed(n: Linear<1, { T::MaxFeeds::get() }>) {
		let (operator, observed_at, values, signature) = signed_feed::<T>(n);

		#[extrinsic_call]
		_(
			RawOrigin::Authorized,
			operator.clone(),
			observed_at,
			values,
			signature,
		);

		assert_eq!(
			Operators::<T>::get().get(&operator).map(|o| o.observed_at),
			Some(observed_at)
		);
		assert_eq!(Pending::<T>::get().len() as u32, n);
	}

	#[benchmark]
	fn set_feeder() {
		operators::<T>(T::MaxOperators::get());
		let operator = operator::<T>(0);
		let feeder = T::BenchmarkHelper::feeder();

		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()), Some(feeder.clone()));

		assert_eq!(
			Operators::<T>::get()
				.get(&operator)
				.and_then(|o| o.feeder.clone()),
			Some(feeder)
		);
	}

	#[benchmark]
	fn add_operator() -> Result<(), BenchmarkError> {
		let origin = T::OperatorOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		operators::<T>(T::MaxOperators::get() - 1);
		let new = operator::<T>(T::MaxOperators::get());

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, new);

		assert_eq!(Pallet::<T>::operator_count(), T::MaxOperators::get());
		Ok(())
	}

	#[benchmark]
	fn remove_operator() -> Result<(), BenchmarkError> {
		let origin = T::OperatorOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		let feeds = T::MaxFeeds::get();
		register::<T>(feeds);
		for id in FIRST..FIRST + feeds {
			give_values::<T>(id);
		}
		let gone = operator::<T>(0);

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, gone.clone());

		assert!(T::RawValues::get(&gone, FIRST).is_none());
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
