//! Each invariant fails when storage breaks it.

use super::*;
use sp_core::U256;
use sp_runtime::TryRuntimeError;

const MINUTE: Moment = 60_000;

/// A state with prices, histories and a full matrix; then `corrupt` it, and the check must say `message`.
fn fails(message: &'static str, corrupt: impl FnOnce()) {
	ExtBuilder::default().build().execute_with(|| {
		for n in 0..12u64 {
			let moved = 1.0 + n as f64 / 1_000.0;
			block(START + n * MINUTE, || {
				for who in 1..=3 {
					assert_ok!(feed(who, &[(BTC, usd(100.0 * moved)), (ETH, usd(10.0 * moved))]));
				}
			});
		}
		assert_ok!(Prices::do_try_state());
		corrupt();
		assert_eq!(Prices::do_try_state(), Err(TryRuntimeError::Other(message)));
	})
}

fn state(change: impl FnOnce(&mut FeedState)) {
	Feeds::<Test>::mutate(BTC, |s| change(s.as_mut().unwrap()))
}

fn samples(change: impl FnOnce(&mut Samples)) {
	History::<Test>::mutate(BTC, change)
}

fn matrix(change: impl FnOnce(&mut MarketStatistics<MaxFeeds>)) {
	Statistics::<Test>::mutate(change)
}

mod registry {
	use super::*;

	#[test]
	fn a_wrong_count_of_feeds() {
		fails("the count of feeds is wrong", || {
			let key = Feeds::<Test>::counter_storage_final_key();
			frame_support::storage::unhashed::put(&key, &7u32);
		});
	}

	#[test]
	fn a_pending_stranger() {
		fails("a pending feed is not registered", || {
			Pending::<Test>::mutate(|p| p.try_insert(NOTHING)).unwrap();
		});
	}

	#[test]
	fn a_history_without_a_feed() {
		fails("a history has no feed", || {
			History::<Test>::insert(NOTHING, History::<Test>::get(BTC))
		});
	}

	#[test]
	fn a_feed_without_statistics() {
		fails("feeds and statistics differ", || {
			Feeds::<Test>::insert(NOTHING, FeedState::default());
		});
		fails("feeds and statistics differ", || {
			matrix(|m| {
				m.add(NOTHING, 0).unwrap();
			})
		});
	}

	#[test]
	fn a_row_twice() {
		fails("feeds and statistics differ", || {
			matrix(|m| {
				m.add(BTC, 0).unwrap();
			})
		});
	}
}

mod matrix {
	use super::*;

	#[test]
	fn of_the_wrong_size() {
		fails("the covariance matrix has the wrong size", || {
			matrix(|m| {
				m.covariances.pop();
			})
		});
	}

	#[test]
	fn from_the_future() {
		fails("the last sample is from the future", || {
			matrix(|m| m.at = Timestamp::get() + 1)
		});
	}

	#[test]
	fn with_a_baseline_after_its_sample() {
		fails("a baseline is no earlier sample", || {
			matrix(|m| m.feeds[0].sampled = Some((m.at + 1, usd(1.0))))
		});
		fails("a baseline is no earlier sample", || {
			matrix(|m| m.feeds[0].sampled = Some((m.at, usd(0.0))))
		});
	}

	#[test]
	fn with_a_negative_variance() {
		fails("a variance is negative", || {
			matrix(|m| m.covariances[packed(1, 1)] = -1)
		});
	}

	#[test]
	fn with_a_covariance_beyond_its_variances() {
		for sign in [1, -1] {
			fails("a covariance is beyond its variances", || {
				matrix(|m| {
					let larger = m.covariances[packed(0, 0)].max(m.covariances[packed(1, 1)]);
					m.covariances[packed(0, 1)] = sign * (larger + larger / 1_000)
				})
			});
		}
	}

	#[test]
	fn whose_root_is_not_the_volatility() {
		fails("a volatility is not its variance's root", || {
			state(|s| s.price.volatility = s.price.volatility + FixedU128::from_inner(1))
		});
	}
}

#[test]
fn a_recovery_that_is_over() {
	fails("a recovery that is over is stored", || {
		crate::Recovering::<Test>::put(0)
	});
}

mod price {
	use super::*;

	#[test]
	fn from_the_future() {
		fails("a price is from the future", || state(|s| s.price.at += 1));
	}

	#[test]
	fn fit_in_the_future() {
		fails("a fit price is from the future", || {
			state(|s| s.fit_at = s.price.at + 1)
		});
	}

	#[test]
	fn fit_without_one() {
		fails("a feed without a price had a fit one", || {
			Feeds::<Test>::mutate(USDC, |s| s.as_mut().unwrap().fit_at = 1)
		});
	}

	#[test]
	fn without_confidence() {
		fails("a confidence is zero", || {
			state(|s| s.price.confidence = usd(0.0))
		});
	}

	#[test]
	fn without_a_streak() {
		fails("a price has no streak", || state(|s| s.streak = 0));
	}

	#[test]
	fn that_is_none_with_a_history() {
		fails("a feed without a price has a history", || {
			state(|s| s.price.value = usd(0.0))
		});
	}

	#[test]
	fn that_is_none_with_a_streak_or_a_quorum() {
		fails("a feed without a price has a streak or a quorum", || {
			Feeds::<Test>::mutate(USDC, |s| s.as_mut().unwrap().streak = 1)
		});
		fails("a feed without a price has a streak or a quorum", || {
			Feeds::<Test>::mutate(USDC, |s| s.as_mut().unwrap().quorum = true)
		});
	}

	#[test]
	fn outside_its_extremes() {
		fails("a price is outside its extremes", || {
			state(|s| s.price.value = s.high + usd(1.0))
		});
		fails("a price is outside its extremes", || {
			state(|s| s.price.value = s.low - usd(1.0))
		});
	}
}

mod history {
	use super::*;

	#[test]
	fn that_is_missing() {
		fails("a price has no history", || samples(|s| s.clear()));
	}

	#[test]
	fn later_than_its_price() {
		fails("a sample is later than its price", || {
			samples(|s| s.last_mut().unwrap().time = stored(BTC).at + 1)
		});
	}

	#[test]
	fn out_of_order_or_too_close() {
		fails("samples are not spaced", || samples(|s| s.as_mut().swap(3, 4)));
		fails("samples are not spaced", || {
			samples(|s| s[4].time = s[3].time + SAMPLE_INTERVAL - 1)
		});
	}

	#[test]
	fn that_grows_too_little_too_much_or_shrinks() {
		let message = "an integral does not grow with its prices";
		fails(message, || samples(|s| s[4].cumulative = s[3].cumulative));
		fails(message, || samples(|s| s[4].cumulative *= 2));
		fails(message, || samples(|s| s[4].cumulative = U256::zero()));
		fails(message, || state(|s| s.cumulative *= 2));
		fails(message, || state(|s| s.cumulative = U256::zero()));
	}

	#[test]
	fn with_an_average_outside_its_window() {
		// The prices of the last five minutes only: an hour's lowest doesn't make it right.
		fails("an average is outside its window", || {
			state(|s| s.price.twap = usd(100.1))
		});
		fails("an average is outside its window", || {
			state(|s| s.price.twap = s.high + usd(0.1))
		});
	}
}

#[test]
fn no_number_is_given_twice() {
	fails("a feed has the number of one that was removed", || {
		crate::Removed::<Test>::insert(BTC, ())
	});
}

mod operators {
	use super::*;

	fn one(change: impl FnOnce(&mut Operator<u64, u64>)) {
		Operators::<Test>::mutate(|all| change(all.get_mut(&1).unwrap()))
	}

	#[test]
	fn too_few_for_the_quorum() {
		fails("there are fewer operators than the quorum", || {
			Parameters::mutate(|p| p.oracle_quorum = 6)
		});
	}

	#[test]
	fn with_a_feeder_of_two() {
		fails("a feeder serves two operators", || {
			Operators::<Test>::mutate(|all| all.iter_mut().for_each(|(_, o)| o.feeder = Some(77)))
		});
		fails("a feeder serves two operators", || one(|o| o.feeder = Some(2)));
	}

	#[test]
	fn ahead_of_the_chain() {
		fails("an operator observed the future", || {
			one(|o| o.observed_at = Timestamp::get() + CLOCK_SKEW + 1)
		});
		fails("an operator fed in a later block", || one(|o| o.fed_in += 1));
	}

	#[test]
	fn with_a_value_from_the_future() {
		fails("a raw value is from the future", || {
			OracleValues::set(&1, BTC, usd(1.0), Timestamp::get() + 1)
		});
		fails("a price is newer than its aggregation", || {
			state(|s| s.observed = s.price.at + 1)
		});
		fails("a price is newer than its aggregation", || {
			state(|s| s.price.since = s.observed + 1)
		});
	}
}
