//! Volatility and covariance: against floats, on a clock that stutters, and through outages.

use super::*;
use proptest::prelude::*;
use sp_runtime::FixedI128;

const SECOND: Moment = 1_000;
const MINUTE: Moment = 60 * SECOND;
const YEAR: f64 = 31_536_000.0;
const TAU: f64 = 21_600.0;

/// Every feed named, at the same price by three operators, in one block.
fn publish(now: Moment, values: &[(FeedId, f64)]) {
	let values: Vec<_> = values.iter().map(|(f, v)| (*f, usd(*v))).collect();
	block(now, || {
		for who in (1..=3).filter(|_| !values.is_empty()) {
			assert_ok!(feed(who, &values));
		}
	});
}

fn covariance(a: FeedId, b: FeedId) -> f64 {
	Prices::covariance(a, b).unwrap().to_float()
}

/// One step of the recursion, in floats.
fn step(previous: f64, return_a: f64, return_b: f64, seconds: f64) -> f64 {
	let decay = (-seconds / TAU).exp();
	decay * previous + (1.0 - decay) * return_a * return_b / seconds * YEAR
}

fn close(a: f64, b: f64) -> bool {
	(a - b).abs() <= 1e-9 + 1e-9 * a.abs().max(b.abs())
}

mod sampling {
	use super::*;

	#[test]
	fn starts_with_the_given_volatility_and_no_covariance() {
		ExtBuilder::default().build_and_execute(|| {
			assert!(close(covariance(BTC, BTC), 0.36));
			assert_eq!(covariance(BTC, ETH), 0.0);
			publish(START, &[(BTC, 30_000.0)]);
			assert!(close(Prices::volatility(BTC).unwrap().to_float(), 0.6));
			assert_eq!(Prices::volatility(ETH), None, "no price yet");
			assert!(close(stored(ETH).volatility.to_float(), 0.8));
		});
	}

	#[test]
	fn matches_the_recursion_in_floats() {
		ExtBuilder::default().build_and_execute(|| {
			let (mut v_btc, mut v_eth, mut cov) = (0.36, 0.64, 0.0);
			let (mut btc, mut eth) = (30_000.0, 2_000.0);
			publish(START, &[(BTC, btc), (ETH, eth)]);
			let mut last = START;
			for n in 1..200u64 {
				// Irregular, always more than a minute apart.
				let now = last + MINUTE + n * 37 % 11 * SECOND;
				let (r_btc, r_eth) = (
					(n as f64 * 1.7).sin() * 0.004,
					(n as f64 * 1.7 + 0.4).sin() * 0.006,
				);
				(btc, eth) = (btc * f64::exp(r_btc), eth * f64::exp(r_eth));
				publish(now, &[(BTC, btc), (ETH, eth)]);
				let seconds = (now - last) as f64 / 1_000.0;
				v_btc = step(v_btc, r_btc, r_btc, seconds);
				v_eth = step(v_eth, r_eth, r_eth, seconds);
				cov = step(cov, r_btc, r_eth, seconds);
				last = now;
			}
			assert!(
				close(covariance(BTC, BTC), v_btc),
				"{} {v_btc}",
				covariance(BTC, BTC)
			);
			assert!(close(covariance(ETH, ETH), v_eth));
			assert!(close(covariance(ETH, BTC), cov), "{} {cov}", covariance(ETH, BTC));
			assert_eq!(Prices::covariance(BTC, ETH), Prices::covariance(ETH, BTC));
			assert!(close(stored(BTC).volatility.to_float(), v_btc.sqrt()));
			let correlation = Prices::correlation(BTC, ETH).unwrap().to_float();
			assert!(close(correlation, cov / (v_btc * v_eth).sqrt()));
		});
	}

	#[test]
	fn takes_no_more_than_one_a_minute() {
		ExtBuilder::default().build_and_execute(|| {
			publish(START, &[(BTC, 100.0)]);
			let before = Prices::covariance(BTC, BTC);
			// Two-second noise that is back where it was after a minute.
			for n in 1..30 {
				publish(
					START + n * 2 * SECOND,
					&[(BTC, if n % 2 == 0 { 100.0 } else { 101.0 })],
				);
				assert_eq!(Prices::covariance(BTC, BTC), before);
			}
			publish(START + MINUTE, &[(BTC, 100.0)]);
			assert!(close(covariance(BTC, BTC), step(0.36, 0.0, 0.0, 60.0)));
		});
	}

	#[test]
	fn stands_still_with_the_clock() {
		ExtBuilder::default().build_and_execute(|| {
			publish(START, &[(BTC, 100.0), (ETH, 100.0)]);
			let before = Statistics::<Test>::get();
			for price in [50.0, 200.0, 100.0] {
				publish(START, &[(BTC, price), (ETH, price)]);
			}
			assert_eq!(Statistics::<Test>::get(), before);
		});
	}

	#[test]
	fn needs_a_memory_length() {
		ExtBuilder::default().build_and_execute(|| {
			Parameters::mutate(|p| p.volatility_tau = 0);
			publish(START, &[(BTC, 100.0)]);
			publish(START + MINUTE, &[(BTC, 200.0)]);
			assert!(close(covariance(BTC, BTC), 0.36));
		});
	}
}

mod correlation {
	use super::*;

	#[test]
	fn of_feeds_that_move_alike_grows_to_one_and_against_each_other_to_minus_one() {
		ExtBuilder::default().build_and_execute(|| {
			for n in 0..2_000u64 {
				let moved = f64::exp((n as f64 * 0.9).sin() * 0.01);
				publish(
					START + n * MINUTE,
					&[(BTC, 100.0 * moved), (ETH, 10.0 * moved), (USDC, 1.0 / moved)],
				);
			}
			let correlation = |a, b| Prices::correlation(a, b).unwrap().to_float();
			assert!(correlation(BTC, ETH) > 0.999, "{}", correlation(BTC, ETH));
			assert!(correlation(BTC, USDC) < -0.999, "{}", correlation(BTC, USDC));
			assert_eq!(Prices::correlation(BTC, BTC), Some(FixedI128::from_u32(1)));
		});
	}

	#[test]
	fn of_what_never_moved_or_is_unknown_is_none() {
		let feeds = vec![(1, b"A".to_vec(), usd(0.0)), (2, b"B".to_vec(), usd(0.5))];
		ExtBuilder::default().feeds(feeds).build_and_execute(|| {
			assert_eq!(Prices::correlation(1, 2), None);
			assert_eq!(Prices::correlation(1, 1), None);
			assert_eq!(Prices::correlation(2, NOTHING), None);
			assert_eq!(Prices::covariance(2, NOTHING), None);
			assert_eq!(Prices::correlation(2, 2), Some(FixedI128::from_u32(1)));
		});
	}
}

mod outage {
	use super::*;

	#[test]
	fn of_one_feed_is_one_return_over_all_of_it_and_none_with_the_others() {
		ExtBuilder::default().build_and_execute(|| {
			publish(START, &[(BTC, 100.0), (ETH, 100.0)]);
			publish(START + MINUTE, &[(BTC, 101.0), (ETH, 101.0)]);
			let r = f64::ln(1.01);
			let (mut v_btc, mut v_eth) = (step(0.36, r, r, 60.0), step(0.64, r, r, 60.0));
			let mut cov = step(0.0, r, r, 60.0);
			assert!(close(covariance(BTC, ETH), cov));
			// BTC is out for ten minutes and comes back at half; ETH does not move.
			for n in 2..=11 {
				publish(START + n * MINUTE, &[(ETH, 101.0)]);
				v_eth = step(v_eth, 0.0, 0.0, 60.0);
				if n == 2 {
					// A minute old: still fresh, and it did not move.
					v_btc = step(v_btc, 0.0, 0.0, 60.0);
				}
				cov = step(cov, 0.0, 0.0, 60.0);
				assert!(close(covariance(BTC, BTC), v_btc));
			}
			publish(START + 12 * MINUTE, &[(BTC, 50.5), (ETH, 101.0)]);
			let r = f64::ln(0.5);
			v_btc = step(v_btc, r, r, 600.0);
			v_eth = step(v_eth, 0.0, 0.0, 60.0);
			cov = step(cov, 0.0, 0.0, 60.0);
			assert!(
				close(covariance(BTC, BTC), v_btc),
				"{} {v_btc}",
				covariance(BTC, BTC)
			);
			assert!(close(covariance(ETH, ETH), v_eth));
			assert!(close(covariance(BTC, ETH), cov));
			// From here on they have minutes in common again.
			publish(START + 13 * MINUTE, &[(BTC, 101.0), (ETH, 102.0)]);
			cov = step(cov, f64::ln(2.0), f64::ln(102.0 / 101.0), 60.0);
			assert!(close(covariance(BTC, ETH), cov));
		});
	}

	#[test]
	fn of_everything_is_a_common_return_over_all_of_it() {
		ExtBuilder::default().build_and_execute(|| {
			publish(START, &[(BTC, 100.0), (ETH, 100.0)]);
			for n in 1..=720 {
				block(START + n * MINUTE, || ());
			}
			let half_a_day = START + 721 * MINUTE;
			publish(half_a_day, &[(BTC, 50.0), (ETH, 60.0)]);
			let (r_btc, r_eth) = (f64::ln(0.5), f64::ln(0.6));
			// At the first minute the first prices were still fresh, and had not moved.
			let (v_btc, seconds) = (step(0.36, 0.0, 0.0, 60.0), 720.0 * 60.0);
			assert!(close(covariance(BTC, BTC), step(v_btc, r_btc, r_btc, seconds)));
			assert!(close(covariance(BTC, ETH), step(0.0, r_btc, r_eth, seconds)));
		});
	}

	#[test]
	fn of_days_never_breaks_the_matrix() {
		ExtBuilder::default().build_and_execute(|| {
			for n in 0..300u64 {
				let moved = f64::exp((n as f64 * 0.9).sin() * 0.02);
				publish(START + n * MINUTE, &[(BTC, moved), (ETH, moved), (USDC, moved)]);
			}
			// Perfectly correlated, and then BTC is silent for two days while time goes on for the others.
			for n in 300..3_000u64 {
				publish(START + n * MINUTE, &[(ETH, 1.0), (USDC, 1.0)]);
			}
			publish(START + 3_000 * MINUTE, &[(BTC, 1.0), (ETH, 1.0), (USDC, 1.0)]);
			assert!(covariance(BTC, BTC) > 0.0);
		});
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(16))]

	/// Whoever is out, whenever, and however prices move: variances stay positive and correlations within one
	/// (`block` checks the matrix after every step).
	#[test]
	fn the_matrix_stays_one(
		steps in prop::collection::vec((60u64..400, 0u8..8, -200i32..200, -200i32..200, -200i32..200), 40..100),
	) {
		ExtBuilder::default().build_and_execute(|| {
			let (mut now, mut prices) = (START, [100.0f64, 10.0, 1.0]);
			for (wait, present, a, b, c) in steps {
				now += wait * SECOND;
				for (price, moved) in prices.iter_mut().zip([a, b, c]) {
					*price *= f64::exp(moved as f64 / 1_000.0);
				}
				let fed: Vec<_> = [BTC, ETH, USDC]
					.into_iter()
					.zip(prices)
					.enumerate()
					.filter(|(n, _)| present & (1 << n) != 0)
					.map(|(_, fed)| fed)
					.collect();
				publish(now, &fed);
			}
		});
	}
}
