//! What the calls and hooks do, and the door other pallets come through.

use alloc::vec::Vec;
use frame_support::{
	dispatch::DispatchResult,
	ensure,
	pallet_prelude::DispatchError,
	traits::{Contains, Get, Time},
	weights::Weight,
};
use keel_math::{mul_div, statistics, FixedU128, Rounding, ONE};
use keel_primitives::{
	ChainParameters, FeedId, Moment, OnGap, Price, PriceFor, PriceProvider, Recovery, RiskParameters,
};
use sp_core::U256;
use sp_runtime::FixedI128;

use crate::{
	aggregation, history, Aggregate, Config, Error, Event, FeedState, Feeds, History, NoQuorum,
	OperatorValue, Pallet, Pending, PriceView, RawValues, Recovering, Refusal, Removed, Samples, Statistics,
	Symbol, HIGHEST_VOLATILITY, SAMPLE_INTERVAL,
};

impl<T: Config> Pallet<T> {
	/// Register a feed without a price.
	pub(crate) fn do_add_feed(feed: FeedId, symbol: Symbol, initial_volatility: FixedU128) -> DispatchResult {
		let printable = symbol.iter().all(|c| c.is_ascii_graphic());
		ensure!(printable && !symbol.is_empty(), Error::<T>::InvalidSymbol);
		ensure!(
			initial_volatility <= HIGHEST_VOLATILITY,
			Error::<T>::VolatilityTooHigh
		);
		ensure!(
			!Feeds::<T>::contains_key(feed) && !Removed::<T>::contains_key(feed),
			Error::<T>::FeedExists
		);
		let variance = mul_div(
			initial_volatility.into_inner(),
			initial_volatility.into_inner(),
			ONE,
			Rounding::Up,
		)
		.and_then(|v| i128::try_from(v).ok())
		.ok_or(Error::<T>::VolatilityTooHigh)?;
		Statistics::<T>::mutate(|s| s.add(feed, variance)).ok_or(Error::<T>::TooManyFeeds)?;
		let price = Price {
			volatility: statistics::volatility(variance),
			..Default::default()
		};
		Feeds::<T>::insert(
			feed,
			FeedState {
				price,
				symbol,
				..Default::default()
			},
		);
		Ok(())
	}

	/// Removes a feed that is not in use.
	pub(crate) fn do_remove_feed(feed: FeedId) -> DispatchResult {
		ensure!(Feeds::<T>::contains_key(feed), Error::<T>::UnknownFeed);
		ensure!(!T::InUse::contains(&feed), Error::<T>::FeedInUse);
		Self::forget(feed);
		Removed::<T>::insert(feed, ());
		Ok(())
	}

	/// Removes everything about a feed, the accounts' values of it too, whether in use or not.
	pub(crate) fn forget(feed: FeedId) {
		for who in Self::counted() {
			T::RawValues::remove(&who, feed);
		}
		Feeds::<T>::remove(feed);
		History::<T>::remove(feed);
		Pending::<T>::mutate(|pending| pending.remove(&feed));
		Statistics::<T>::mutate(|s| s.remove(feed));
	}

	/// The end of a block: aggregate the feeds that got values, and sample once a minute.
	pub(crate) fn do_finalize() {
		let now = T::Time::now();
		let due = now.saturating_sub(Statistics::<T>::get().at) >= SAMPLE_INTERVAL;
		let mut pending = Pending::<T>::take();
		if pending.is_empty() && !due {
			return;
		}
		let mut parameters = T::RiskParameters::chain();
		parameters.oracle_quorum = Self::quorum(parameters.oracle_quorum);
		if due {
			// When every operator is silent nothing is pending, and somebody has to notice.
			for feed in Self::silent(now, &parameters) {
				// Registered, so there is room.
				let _ = pending.try_insert(feed);
			}
		}
		let mut published = false;
		for feed in pending {
			published |= Self::aggregate(feed, now, &parameters);
		}
		if published {
			Self::recover();
		}
		if due {
			Self::sample(now, &parameters);
		}
	}

	/// Feeds that count as having a quorum although their price is too old for that.
	fn silent(now: Moment, parameters: &ChainParameters) -> Vec<FeedId> {
		let feeds = Statistics::<T>::get().feeds;
		let silent = |feed: &FeedId| {
			Feeds::<T>::get(feed)
				.is_some_and(|s| s.quorum && now.saturating_sub(s.observed) > parameters.oracle_max_age)
		};
		feeds.iter().map(|b| b.feed).filter(silent).collect()
	}

	/// This block made a price: the recovery from a stop of the chain is nearer by one.
	fn recover() {
		match Recovering::<T>::get() {
			0 => (),
			1 => {
				Recovering::<T>::kill();
				Self::deposit_event(Event::ChainRecovered);
			}
			// Above one.
			more => Recovering::<T>::put(more.saturating_sub(1)),
		}
	}

	/// Make a price of the operators' values, or note that they don't make one. Returns whether they did.
	fn aggregate(feed: FeedId, now: Moment, parameters: &ChainParameters) -> bool {
		let Some(mut state) = Feeds::<T>::get(feed) else {
			return false;
		};
		let had_quorum = state.quorum;
		if state.withheld == crate::Withheld::Suspended {
			state.quorum = false;
			Feeds::<T>::insert(feed, state);
			return false;
		}
		match aggregation::combine(&Self::assess(feed, now, parameters), parameters) {
			Ok(aggregate) => {
				state.quorum = true;
				History::<T>::mutate(feed, |samples| {
					Self::publish(&mut state, samples, &aggregate, now, parameters)
				});
				Feeds::<T>::insert(feed, state);
				if !had_quorum {
					Self::deposit_event(Event::QuorumRestored { feed });
				}
				let Aggregate {
					value,
					confidence,
					fresh,
					used,
					..
				} = aggregate;
				Self::deposit_event(Event::PriceUpdated {
					feed,
					value,
					confidence,
					fresh,
					used,
				});
				return true;
			}
			Err(missed) if had_quorum => {
				state.quorum = false;
				Feeds::<T>::insert(feed, state);
				let NoQuorum { fresh, used } = missed;
				Self::deposit_event(Event::QuorumLost { feed, fresh, used });
			}
			Err(_) => (),
		}
		false
	}

	/// Write a new price into `state` and its past into `samples`.
	fn publish(
		state: &mut FeedState,
		samples: &mut Samples,
		aggregate: &Aggregate,
		now: Moment,
		parameters: &ChainParameters,
	) {
		let gap = now.saturating_sub(state.price.at);
		let was_good = !state.has_price() || state.streak >= parameters.recovery_prices;
		if !state.has_price() || gap > parameters.oracle_max_age {
			state.streak = 1;
		} else if gap > 0 {
			// Two prices of one moment are one: recovering takes time. Saturates far above any number asked
			// for.
			state.streak = state.streak.saturating_add(1);
		}
		history::advance(state, samples, now, aggregate.value);
		state.low = state.low.min(aggregate.value);
		state.high = state.high.max(aggregate.value);
		state.price.value = aggregate.value;
		state.price.confidence = aggregate.confidence;
		state.price.at = now;
		state.price.since = aggregate.since;
		state.observed = aggregate.observed;
		state.price.twap = history::five_minutes(state, samples);
		state.withheld = crate::Withheld::No;
		let narrow = aggregation::tolerated(aggregate.value, parameters.add_risk_confidence);
		// The first price after an outage ends it; but a feed that has another one before it has recovered is
		// one that nobody may act on for all that time.
		let is_good = was_good || state.streak >= parameters.recovery_prices;
		if aggregate.confidence <= narrow && is_good {
			state.fit_at = state.fit_at.max(aggregate.observed);
		}
	}

	/// Take every fresh feed's return since its last sample into the covariance matrix. Fresh is what a
	/// liquidation would accept by age and confidence: liquidation ratios follow from the volatility.
	///
	/// A pair's covariance stands at the later of the two baselines. It moves when one of the two is fresh:
	/// by the product of both returns if they cover the same interval, otherwise by nothing but time. A
	/// variance moves over the feed's own interval. With that `cov² ≤ vₐ·v_b` stays true whichever feeds were
	/// out and for how long.
	fn sample(now: Moment, parameters: &ChainParameters) {
		let mut matrix = Statistics::<T>::get();
		let fresh: Vec<Option<FixedU128>> = matrix
			.feeds
			.iter()
			.map(|b| {
				Feeds::<T>::get(b.feed)
					.filter(|s| Self::tolerate(s, PriceFor::Liquidate, now, parameters).is_ok())
					.map(|s| s.price.value)
			})
			.collect();
		// (interval's start, price then, price now if fresh), by row
		let rows: Vec<_> = matrix
			.feeds
			.iter()
			.map(|b| b.sampled)
			.zip(fresh.iter().copied())
			.collect();
		for (b, (baseline_b, now_b)) in rows.iter().enumerate() {
			for (a, (baseline_a, now_a)) in rows.iter().enumerate().take(b + 1) {
				let (Some((since_a, then_a)), Some((since_b, then_b))) = (baseline_a, baseline_b) else {
					continue;
				};
				if now_a.is_none() && now_b.is_none() {
					continue;
				}
				// `None` where one is not fresh, or the ratio is beyond what 128 bits carry.
				let return_a = now_a.and_then(|p| statistics::ln_ratio(p, *then_a));
				let return_b = now_b.and_then(|p| statistics::ln_ratio(p, *then_b));
				let (return_a, return_b) = match (return_a, return_b) {
					(Some(r_a), Some(r_b)) if since_a == since_b => (r_a, r_b),
					_ if a == b => continue,
					_ => (0, 0),
				};
				let elapsed = now.saturating_sub(*since_a.max(since_b));
				if let Some(entry) = matrix.covariances.get_mut(crate::packed(a, b)) {
					let tau = parameters.volatility_tau;
					// Keeps what it was where the step can't be computed: no memory length is set.
					*entry = statistics::ewma_covariance(*entry, return_a, return_b, elapsed, tau)
						.unwrap_or(*entry);
				}
			}
		}
		matrix.at = now;
		for (row, price) in fresh.iter().enumerate() {
			let variance = matrix.covariance(row, row).unwrap_or_default();
			let (Some(price), Some(baseline)) = (price, matrix.feeds.get_mut(row)) else {
				continue;
			};
			baseline.sampled = Some((now, *price));
			Feeds::<T>::mutate(baseline.feed, |state| {
				if let Some(state) = state {
					state.price.volatility = statistics::volatility(variance);
				}
			});
		}
		Statistics::<T>::put(matrix);
	}

	/// The raw values of a feed, judged.
	fn assess(feed: FeedId, now: Moment, parameters: &ChainParameters) -> Vec<OperatorValue> {
		let operators = crate::Operators::<T>::get();
		let raw: Vec<_> = Self::counted()
			.iter()
			.filter(|who| !operators.get(*who).is_some_and(|record| record.suspended))
			.filter_map(|who| T::RawValues::get(who, feed))
			.collect();
		aggregation::assess(&raw, now, parameters)
	}

	/// What the `operator_values` view shows.
	pub(crate) fn assessed(feed: FeedId) -> Vec<OperatorValue> {
		if !Feeds::<T>::contains_key(feed) {
			return Vec::new();
		}
		Self::assess(feed, T::Time::now(), &T::RiskParameters::chain())
	}

	/// What the `price` view shows.
	pub(crate) fn price_view(feed: FeedId) -> Option<PriceView> {
		let state = Feeds::<T>::get(feed)?;
		let (now, parameters) = (T::Time::now(), T::RiskParameters::chain());
		let accept = |purpose| Self::accept(&state, purpose, now, &parameters);
		let (add_risk, reduce_risk, liquidate) = (
			accept(PriceFor::AddRisk),
			accept(PriceFor::ReduceRisk),
			accept(PriceFor::Liquidate),
		);
		let Price {
			value, confidence, ..
		} = state.price;
		let ratio = mul_div(confidence.into_inner(), ONE, value.into_inner(), Rounding::Up);
		Some(PriceView {
			age: state.has_price().then_some(now.saturating_sub(state.observed)),
			confidence_ratio: ratio.map(FixedU128::from_inner),
			fit_at: state.last_fit(),
			price: state.price,
			streak: state.streak,
			quorum: state.quorum,
			symbol: state.symbol,
			add_risk,
			reduce_risk,
			liquidate,
		})
	}

	/// What the `twap` view shows.
	pub(crate) fn average(feed: FeedId, window_ms: Moment) -> Option<FixedU128> {
		history::twap(
			&Feeds::<T>::get(feed)?,
			&History::<T>::get(feed),
			T::Time::now(),
			window_ms,
		)
	}

	/// What the `covariance` view shows.
	pub(crate) fn covariance_of(a: FeedId, b: FeedId) -> Option<FixedI128> {
		let matrix = Statistics::<T>::get();
		matrix
			.covariance(matrix.row(a)?, matrix.row(b)?)
			.map(FixedI128::from_inner)
	}

	/// What the `correlation` view shows: `cov / √(vₐ·v_b)`, to the nearest, kept within ±1 where the last
	/// place would leave it.
	pub(crate) fn correlation_of(a: FeedId, b: FeedId) -> Option<FixedI128> {
		let matrix = Statistics::<T>::get();
		let (a, b) = (matrix.row(a)?, matrix.row(b)?);
		let variance = |row| matrix.covariance(row, row).and_then(|v| u128::try_from(v).ok());
		// The root of a product of two 127-bit numbers has 127 bits.
		let product = U256::from(variance(a)?).checked_mul(U256::from(variance(b)?))?;
		let scale = u128::try_from(product.integer_sqrt()).ok()?;
		let covariance = matrix.covariance(a, b)?;
		let magnitude = mul_div(covariance.unsigned_abs(), ONE, scale, Rounding::NearestPrefUp)?.min(ONE);
		let magnitude = i128::try_from(magnitude).ok()?;
		Some(FixedI128::from_inner(if covariance < 0 {
			-magnitude
		} else {
			magnitude
		}))
	}
}

/// A price takes the feed's state, the chain's parameters and the clock: three values, whatever the purpose.
/// The rest takes the feed's state.
impl<T: Config> PriceProvider for Pallet<T> {
	fn price(feed: FeedId, purpose: PriceFor) -> Result<Price, DispatchError> {
		let state = Feeds::<T>::get(feed).ok_or(Error::<T>::UnknownFeed)?;
		Self::accept(&state, purpose, T::Time::now(), &T::RiskParameters::chain())
			.map_err(|refusal: Refusal| Error::<T>::from(refusal))?;
		Ok(state.price)
	}

	fn last(feed: FeedId) -> Option<Price> {
		Feeds::<T>::get(feed)
			.filter(FeedState::has_price)
			.map(|s| s.price)
	}

	/// Judged when it was published, by the limit of that moment and by its confidence: a recovery from an
	/// outage ends with the next prices and is no time without one, unless the next outage comes before.
	fn fit_at(feed: FeedId) -> Option<Moment> {
		Feeds::<T>::get(feed).and_then(|s| s.last_fit())
	}

	fn volatility(feed: FeedId) -> Option<FixedU128> {
		Feeds::<T>::get(feed)
			.filter(FeedState::has_price)
			.map(|s| s.price.volatility)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_price(feed: FeedId, value: FixedU128) {
		let (now, parameters) = (T::Time::now(), T::RiskParameters::chain());
		if !Feeds::<T>::contains_key(feed) {
			let symbol = Symbol::truncate_from(alloc::vec![b'X']);
			Self::do_add_feed(feed, symbol, FixedU128::default()).expect("there is room for the feed");
		}
		let mut state = Feeds::<T>::get(feed).expect("the feed is registered");
		// A price of zero is none.
		let value = value.max(FixedU128::from_inner(1));
		let aggregate = Aggregate {
			value,
			confidence: FixedU128::from_inner(1),
			fresh: 1,
			used: 1,
			since: now,
			observed: now,
		};
		History::<T>::mutate(feed, |samples| {
			Self::publish(&mut state, samples, &aggregate, now, &parameters)
		});
		state.streak = state.streak.max(parameters.recovery_prices);
		state.quorum = true;
		Feeds::<T>::insert(feed, state);
	}
}

/// A stop of the chain: every feed's last fit price counts as if it had been made later by its length, and
/// the chain recovers.
impl<T: Config> OnGap for Pallet<T> {
	fn on_gap(length: Moment) -> Weight {
		let mut feeds: u64 = 0;
		Feeds::<T>::translate_values(|mut state: FeedState| {
			// Saturates where time ends.
			state.fit_at = state.last_fit().map_or(0, |at| at.saturating_add(length));
			feeds = feeds.saturating_add(1);
			Some(state)
		});
		match T::RiskParameters::chain().recovery_prices {
			0 => Recovering::<T>::kill(),
			needed => Recovering::<T>::put(needed),
		}
		// Each feed, the parameters, the blocks needed.
		T::DbWeight::get().reads_writes(feeds.saturating_add(1), feeds.saturating_add(1))
	}
}

impl<T: Config> Recovery for Pallet<T> {
	fn blocks_needed() -> u32 {
		Recovering::<T>::get()
	}
}
