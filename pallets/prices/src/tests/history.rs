//! Averages over any window, against the exact integral.
#![allow(clippy::redundant_closure_call)] // the closure is what `?` returns from

use super::*;
use proptest::prelude::*;

const SECOND: Moment = 1_000;
const MINUTE: Moment = 60 * SECOND;

/// Publish `value` at `now`, by three operators.
fn publish(now: Moment, value: FixedU128) {
	block(now, || {
		for who in 1..=3 {
			assert_ok!(feed(who, &[(BTC, value)]));
		}
	});
}

/// Σ price·ms of the step function `steps` over `[start, end)`.
fn integral(steps: &[(Moment, u128)], start: Moment, end: Moment) -> u128 {
	steps
		.iter()
		.enumerate()
		.map(|(n, (at, value))| {
			let until = steps.get(n + 1).map_or(end, |next| next.0).min(end);
			value * until.saturating_sub((*at).max(start)) as u128
		})
		.sum()
}

mod twap {
	use super::*;

	#[test]
	fn of_a_first_price_is_the_price() {
		ExtBuilder::default().build_and_execute(|| {
			publish(START, usd(100.0));
			assert_eq!(stored(BTC).twap, usd(100.0));
			assert_eq!(Prices::twap(BTC, 1), None);
			assert_eq!(Prices::twap(BTC, 0), None);
			block(START + 10 * SECOND, || ());
			assert_eq!(Prices::twap(BTC, 10 * SECOND), Some(usd(100.0)));
			assert_eq!(Prices::twap(BTC, 10 * SECOND + 1), None);
		});
	}

	#[test]
	fn of_a_short_history_is_over_what_there_is() {
		ExtBuilder::default().build_and_execute(|| {
			publish(START, usd(100.0));
			publish(START + 30 * SECOND, usd(200.0));
			assert_eq!(stored(BTC).twap, usd(100.0));
			publish(START + 60 * SECOND, usd(300.0));
			assert_eq!(stored(BTC).twap, usd(150.0));
			assert_eq!(Prices::twap(BTC, 60 * SECOND), Some(usd(150.0)));
		});
	}

	#[test]
	fn does_not_clamp_a_jump() {
		ExtBuilder::default().build_and_execute(|| {
			for n in 0..=5 {
				publish(START + n * MINUTE, usd(100.0));
			}
			publish(START + 5 * MINUTE, usd(1_000.0));
			assert_eq!(stored(BTC).twap, usd(100.0));
			publish(START + 6 * MINUTE, usd(1_000.0));
			// One minute of five at 1,000.
			assert_eq!(stored(BTC).twap, usd(280.0));
		});
	}

	#[test]
	fn of_an_unknown_feed_or_one_without_a_price_is_none() {
		ExtBuilder::default().build_and_execute(|| {
			assert_eq!(Prices::twap(NOTHING, MINUTE), None);
			assert_eq!(Prices::twap(BTC, MINUTE), None);
		});
	}

	#[test]
	fn covers_an_hour_and_no_more() {
		ExtBuilder::default().build_and_execute(|| {
			let mut steps = vec![];
			for n in 0..3_000 {
				let value = 100 + n as u128 * 7 % 50;
				let now = START + n * 2 * SECOND;
				block(now, || {
					if n % 5 == 0 {
						for who in 1..=3 {
							assert_ok!(feed(who, &[(BTC, FixedU128::from_u32(value as u32))]));
						}
						steps.push((now, value));
					}
				});
			}
			let now = START + 2_999 * 2 * SECOND;
			let samples = History::<Test>::get(BTC);
			assert_eq!(samples.len(), HISTORY as usize);
			assert!(samples[0].time <= now - LONGEST_WINDOW);
			assert_eq!(Prices::twap(BTC, LONGEST_WINDOW + 1), None);
			let hour = Prices::twap(BTC, LONGEST_WINDOW).unwrap();
			let exact = integral(&steps, now - LONGEST_WINDOW, now) as f64 / LONGEST_WINDOW as f64;
			// One interval of 60 is interpolated: at most a sixtieth of the prices' range.
			assert!((hour.to_float() - exact).abs() < 50.0 / 60.0, "{hour:?} {exact}");
		});
	}

	#[test]
	fn is_exact_through_a_long_outage() {
		ExtBuilder::default().build_and_execute(|| {
			publish(START, usd(100.0));
			publish(START + 30 * SECOND, usd(200.0));
			// Twelve hours without a price: 200 is in force.
			let back = START + 12 * 60 * MINUTE;
			publish(back, usd(50.0));
			assert_eq!(stored(BTC).twap, usd(200.0));
			publish(back + 30 * SECOND, usd(50.0));
			for window in [MINUTE, 2 * MINUTE, 30 * MINUTE, LONGEST_WINDOW] {
				let exact = (200.0 * (window - 30 * SECOND) as f64 + 50.0 * 30_000.0) / window as f64;
				let average = Prices::twap(BTC, window).unwrap().to_float();
				assert!((average - exact).abs() < 1e-9, "{window}: {average} {exact}");
			}
			// A few samples are enough for it.
			assert!(History::<Test>::get(BTC).len() <= 4);
		});
	}

	#[test]
	fn of_the_largest_prices_does_not_overflow() {
		ExtBuilder::default().build_and_execute(|| {
			for n in 0..70 {
				publish(START + n * MINUTE, FixedU128::from_inner(u128::MAX));
			}
			let largest = Some(FixedU128::from_inner(u128::MAX));
			assert_eq!(Prices::twap(BTC, LONGEST_WINDOW), largest);
			assert_eq!(Some(stored(BTC).twap), largest);
		});
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(48))]

	/// Against the exact integral of the step function: equal where the window begins at a sample, otherwise off by no
	/// more than one interval's range of prices.
	#[test]
	fn averages_match_the_integral_of_the_step_function(
		prices in prop::collection::vec((0u64..200_000, 20u128..1_000_000_000_000_000_000_000_000), 2..60),
		windows in prop::collection::vec(1u64..=LONGEST_WINDOW, 8),
	) {
		let mut result = Ok(());
		ExtBuilder::default().build_and_execute(|| {
			let mut steps: Vec<(Moment, u128)> = vec![];
			let mut now = START;
			for (wait, value) in &prices {
				now += wait;
				if steps.last().is_some_and(|(at, _)| *at == now) {
					steps.pop();
				}
				steps.push((now, *value));
				publish(now, FixedU128::from_inner(*value));
			}
			let (lowest, highest) =
				steps.iter().fold((u128::MAX, 0), |(l, h), (_, v)| (l.min(*v), h.max(*v)));
			let check = || {
				for sample in History::<Test>::get(BTC).iter().filter(|s| s.time < now) {
					let window = now - sample.time;
					if window <= LONGEST_WINDOW {
						let exact = integral(&steps, sample.time, now) / window as u128;
						let average = Prices::twap(BTC, window).map(|a| a.into_inner());
						prop_assert_eq!(average, Some(exact));
					}
				}
				for window in &windows {
					let covered = now - steps[0].0 >= *window;
					let average = Prices::twap(BTC, *window);
					prop_assert_eq!(average.is_some(), covered);
					let Some(average) = average else { continue };
					let exact = integral(&steps, now - window, now) / *window as u128;
					let bound = (highest - lowest) * (SAMPLE_INTERVAL as u128 * 2) / *window as u128 + 1;
					prop_assert!(average.into_inner().abs_diff(exact) <= bound, "{average:?} {exact}");
					prop_assert!((lowest..=highest).contains(&average.into_inner()));
				}
				Ok(())
			};
			result = check();
		});
		result?;
	}
}
