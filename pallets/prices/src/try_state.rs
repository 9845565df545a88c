//! What must be true between any two transactions.

use alloc::collections::BTreeSet;
use frame_support::{ensure, traits::Time};
use keel_math::statistics::volatility;
use keel_primitives::{FeedId, Moment, RiskParameters};
use sp_core::U256;
use sp_runtime::{traits::Zero, TryRuntimeError};

use crate::{
	Config, FeedState, Feeds, History, Operators, Pallet, Pending, RawValues, Recovering, Removed, Sample,
	Samples, Statistics, CLOCK_SKEW, SAMPLE_INTERVAL, TWAP_WINDOW,
};

/// Rounding a variance may have gathered: an absolute part, in units of the 18th decimal (half a unit of a
/// return's product, annualised over a minute, twice), and a relative one, one part in this.
const ROUNDING: u128 = 1_000_000;
const ROUNDING_SHARE: u128 = 1_000_000_000;

impl<T: Config> Pallet<T> {
	/// - Feeds and the statistics' rows are the same, and the matrix has their triangle's size.
	/// - No feed has the number of one that was removed.
	/// - Pending feeds are registered; every history has a feed.
	/// - No price is fit to add risk on from the future, and none is of a feed that never had one.
	/// - A recovery from a stop of the chain needs at least one block.
	/// - A price is not from the future, its confidence is above zero, its volatility is its variance's root;
	///   a feed without a price has no history and no streak.
	/// - Samples are in order and spaced, none later than the price; the integral grows between each
	///   interval's lowest and highest price; the five-minute average is within its window's lowest and
	///   highest price.
	/// - Variances are not negative, and no covariance is beyond what the variances allow.
	/// - There are enough operators for the quorum, if any; a feeder serves one of them and is no other's
	///   account; no operator has fed in a later block or observed more than the tolerance ahead; no raw
	///   value is from the future.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let now = T::Time::now();
		let registered: BTreeSet<FeedId> = Feeds::<T>::iter_keys().collect();
		ensure!(
			registered.len() == Feeds::<T>::count() as usize,
			"the count of feeds is wrong"
		);
		ensure!(
			!Removed::<T>::iter_keys().any(|feed| registered.contains(&feed)),
			"a feed has the number of one that was removed"
		);
		ensure!(
			Pending::<T>::get().iter().all(|f| registered.contains(f)),
			"a pending feed is not registered"
		);
		ensure!(
			History::<T>::iter_keys().all(|f| registered.contains(&f)),
			"a history has no feed"
		);
		ensure!(
			!Recovering::<T>::exists() || Recovering::<T>::get() > 0,
			"a recovery that is over is stored"
		);
		Self::check_operators(&registered, now)?;
		Self::check_statistics(&registered, now)?;
		for (feed, state) in Feeds::<T>::iter() {
			Self::check_feed(feed, &state, &History::<T>::get(feed), now)?;
		}
		Ok(())
	}

	fn check_operators(registered: &BTreeSet<FeedId>, now: Moment) -> Result<(), TryRuntimeError> {
		let operators = Operators::<T>::get();
		let quorum = T::RiskParameters::chain().oracle_quorum as usize;
		ensure!(
			operators.is_empty() || operators.len() >= quorum,
			"there are fewer operators than the quorum"
		);
		let mut keys = BTreeSet::new();
		for (operator, record) in &operators {
			let signer = record.feeder.as_ref().unwrap_or(operator);
			let own = signer == operator || !operators.contains_key(signer);
			ensure!(own && keys.insert(signer), "a feeder serves two operators");
			ensure!(
				record.observed_at <= now.saturating_add(CLOCK_SKEW),
				"an operator observed the future"
			);
			ensure!(
				record.fed_in <= frame_system::Pallet::<T>::block_number(),
				"an operator fed in a later block"
			);
		}
		for who in Self::counted() {
			let late = |feed: &FeedId| T::RawValues::get(&who, *feed).is_some_and(|(_, at)| at > now);
			ensure!(!registered.iter().any(late), "a raw value is from the future");
		}
		Ok(())
	}

	fn check_statistics(registered: &BTreeSet<FeedId>, now: Moment) -> Result<(), TryRuntimeError> {
		let matrix = Statistics::<T>::get();
		let rows: BTreeSet<FeedId> = matrix.feeds.iter().map(|b| b.feed).collect();
		let same = rows == *registered && rows.len() == matrix.feeds.len();
		ensure!(same, "feeds and statistics differ");
		ensure!(
			matrix.covariances.len() == rows.len().saturating_mul(rows.len().saturating_add(1)) / 2,
			"the covariance matrix has the wrong size"
		);
		ensure!(matrix.at <= now, "the last sample is from the future");
		let late = |b: &crate::Baseline| {
			b.sampled
				.is_some_and(|(at, price)| at > matrix.at || price.is_zero())
		};
		ensure!(!matrix.feeds.iter().any(late), "a baseline is no earlier sample");
		for b in 0..matrix.feeds.len() {
			let variance_b = matrix.covariance(b, b).unwrap_or(-1);
			ensure!(variance_b >= 0, "a variance is negative");
			for a in 0..b {
				let variance_a = matrix.covariance(a, a).unwrap_or(-1);
				let covariance = U256::from(matrix.covariance(a, b).unwrap_or_default().unsigned_abs());
				// Each below 2^128, so that neither product leaves 256 bits.
				let limit = slack(variance_a).saturating_mul(slack(variance_b));
				let square = covariance.saturating_mul(covariance);
				ensure!(square <= limit, "a covariance is beyond its variances");
			}
		}
		Ok(())
	}

	fn check_feed(
		feed: FeedId,
		state: &FeedState,
		samples: &Samples,
		now: Moment,
	) -> Result<(), TryRuntimeError> {
		let price = &state.price;
		let matrix = Statistics::<T>::get();
		let variance = matrix
			.row(feed)
			.and_then(|row| matrix.covariance(row, row))
			.unwrap_or_default();
		ensure!(
			price.volatility == volatility(variance),
			"a volatility is not its variance's root"
		);
		ensure!(state.fit_at <= now, "a fit price is from the future");
		if !state.has_price() {
			ensure!(samples.is_empty(), "a feed without a price has a history");
			ensure!(
				state.streak == 0 && !state.quorum,
				"a feed without a price has a streak or a quorum"
			);
			ensure!(state.fit_at == 0, "a feed without a price had a fit one");
			return Ok(());
		}
		ensure!(price.at <= now, "a price is from the future");
		ensure!(
			price.since <= state.observed && state.observed <= price.at,
			"a price is newer than its aggregation"
		);
		ensure!(!price.confidence.is_zero(), "a confidence is zero");
		ensure!(state.streak > 0, "a price has no streak");
		let within = state.low <= price.value && price.value <= state.high;
		ensure!(within, "a price is outside its extremes");
		// The open interval, from the last sample to the price, closes the list.
		let open = Sample {
			time: price.at,
			cumulative: state.cumulative,
			low: state.low,
			high: state.high,
		};
		let mut before: Option<&Sample> = None;
		for sample in samples {
			ensure!(sample.time <= price.at, "a sample is later than its price");
			if let Some(last) = before {
				let spaced = sample
					.time
					.checked_sub(last.time)
					.is_some_and(|gap| gap >= SAMPLE_INTERVAL);
				ensure!(spaced, "samples are not spaced");
				ensure!(grows(last, sample), "an integral does not grow with its prices");
			}
			before = Some(sample);
		}
		let Some(last) = before else {
			return Err("a price has no history".into());
		};
		ensure!(grows(last, &open), "an integral does not grow with its prices");
		// An interval belongs to the window if it ends inside.
		let start = price.at.saturating_sub(TWAP_WINDOW);
		let window = || samples.iter().filter(|s| s.time > start).chain([&open]);
		let low = window().map(|s| s.low).min().unwrap_or_default();
		let high = window().map(|s| s.high).max().unwrap_or_default();
		ensure!(
			low <= price.twap && price.twap <= high,
			"an average is outside its window"
		);
		Ok(())
	}
}

/// A variance with the most rounding it may have gathered; below 2^128.
fn slack(variance: i128) -> U256 {
	let variance = u128::try_from(variance).unwrap_or(0);
	U256::from(
		variance
			.saturating_add(variance / ROUNDING_SHARE)
			.saturating_add(ROUNDING),
	)
}

/// Does the integral grow from one sample to the next by prices between the interval's lowest and highest?
fn grows(from: &Sample, to: &Sample) -> bool {
	let elapsed = U256::from(to.time.saturating_sub(from.time));
	let Some(gained) = to.cumulative.checked_sub(from.cumulative) else {
		return false;
	};
	// A price times 64 bits of time is within 192 bits.
	gained >= U256::from(to.low.into_inner()).saturating_mul(elapsed)
		&& gained <= U256::from(to.high.into_inner()).saturating_mul(elapsed)
}
