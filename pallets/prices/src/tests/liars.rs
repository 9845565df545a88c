//! Two liars: against three honest operators, and against two while the third is silent.

use super::*;
use proptest::prelude::*;

const SECOND: Moment = 1_000;
const MINUTE: Moment = 60 * SECOND;
const YEAR: f64 = 31_536_000.0;
const TAU: f64 = 21_600.0;

/// Operators 1 and 2 say `honest`, 4 and 5 `lie`; the third is silent.
fn split(now: Moment, honest: f64, lie: f64) {
	block(now, || {
		for (who, value) in [(1, honest), (2, honest), (4, lie), (5, lie)] {
			assert_ok!(feed(who, &[(BTC, usd(value))]));
		}
	})
}

/// One step of the variance, in floats.
fn step(previous: f64, moved: f64, seconds: f64) -> f64 {
	let decay = (-seconds / TAU).exp();
	decay * previous + (1.0 - decay) * moved * moved / seconds * YEAR
}

fn close(a: f64, b: f64) -> bool {
	(a - b).abs() <= 1e-9 + 1e-9 * a.abs().max(b.abs())
}

/// The annualised volatility a vault's liquidation ratio follows.
fn sigma() -> f64 {
	<Prices as PriceProvider>::volatility(BTC).unwrap().to_float()
}

/// The price stands at 100. After two calm minutes the liars say `100·factor` in every other minute, for ten. What is
/// stored after each block of those.
fn attack(factor: f64) -> Vec<(Moment, keel_primitives::Price)> {
	let mut seen = vec![];
	for n in 0..=72 {
		let after = n * 10 * SECOND;
		let lies = after >= 2 * MINUTE && after / MINUTE % 2 == 1;
		split(START + after, 100.0, if lies { 100.0 * factor } else { 100.0 });
		if after >= 2 * MINUTE {
			seen.push((after, stored(BTC)));
		}
	}
	seen
}

/// The volatility after twelve minutes at which the price was what the closure says.
fn expected(price: impl Fn(u64) -> f64) -> f64 {
	let variance = (1..=12).fold(0.36, |v, n| step(v, f64::ln(price(n) / price(n - 1)), 60.0));
	variance.sqrt()
}

fn calm(_: u64) -> f64 {
	100.0
}

mod half_of_the_values {
	use super::*;

	#[test]
	fn make_no_price_where_the_difference_is_huge() {
		for factor in [1e9, 1e-9, 2.0, 0.5, 1.075, 0.93] {
			ExtBuilder::default().build_and_execute(|| {
				for (after, price) in attack(factor) {
					assert_eq!(price.value, usd(100.0), "{factor} after {after}");
					assert_eq!(price.twap, usd(100.0), "{factor} after {after}");
					let lied = after / MINUTE % 2 == 1;
					assert_eq!(price.at == START + after, !lied);
				}
				assert_eq!(Prices::twap(BTC, 10 * MINUTE), Some(usd(100.0)));
				assert!(close(sigma(), expected(calm)), "{factor}: {}", sigma());
			});
		}
	}

	#[test]
	fn make_a_price_to_leave_on_but_no_volatility_where_it_is_moderate() {
		ExtBuilder::default().build_and_execute(|| {
			for (after, price) in attack(1.05) {
				let lied = after / MINUTE % 2 == 1;
				let expected = if lied { 102.5 } else { 100.0 };
				assert_eq!((price.value, price.at), (usd(expected), START + after));
				// Never further off than the price it averages.
				assert!(price.twap >= usd(100.0) && price.twap <= usd(102.5));
			}
			let average = Prices::twap(BTC, 10 * MINUTE).unwrap();
			assert!(average > usd(101.0) && average < usd(101.5), "{average:?}");
			// As calm as if nobody had lied: a sample that is left out is made up for by the next one's interval.
			assert!(close(sigma(), expected(calm)), "{}", sigma());
			split(START + 13 * MINUTE, 100.0, 105.0);
			assert_ok!(ask(BTC, PriceFor::ReduceRisk));
			for purpose in [PriceFor::AddRisk, PriceFor::Liquidate] {
				assert_eq!(ask(BTC, purpose), Err(Error::<Test>::PriceTooUncertain.into()));
			}
		});
	}

	#[test]
	fn move_the_volatility_by_half_of_a_small_difference() {
		// One per cent, and the largest difference a liquidation still accepts.
		for (difference, at_most) in [(1.0, 1.05), (2.7, 2.4)] {
			ExtBuilder::default().build_and_execute(|| {
				let middle = 100.0 + difference / 2.0;
				for (after, price) in attack(1.0 + difference / 100.0) {
					let lied = after / MINUTE % 2 == 1;
					let expected = if lied { middle } else { 100.0 };
					assert!(close(price.value.to_float(), expected), "{price:?}");
					assert!(price.twap >= usd(100.0) && price.twap <= usd(middle + 1e-9));
				}
				assert_ok!(ask(BTC, PriceFor::Liquidate));
				let moved = expected(|n| if n > 2 && n % 2 == 1 { middle } else { 100.0 });
				assert!((sigma() - moved).abs() < 1e-6, "{} {moved}", sigma());
				assert!(sigma() < at_most, "{}", sigma());
			});
		}
	}
}

mod sampling {
	use super::*;

	fn sampled() -> (Moment, FixedU128) {
		let statistics = Statistics::<Test>::get();
		statistics.feeds[statistics.row(BTC).unwrap()].sampled.unwrap()
	}

	#[test]
	fn takes_no_price_too_old_to_liquidate_on() {
		ExtBuilder::default().build_and_execute(|| {
			Parameters::mutate(|p| p.liquidate_age = 40 * SECOND);
			block_with(START, BTC, &[100.0; 5]);
			block_with(START + 19 * SECOND, BTC, &[101.0; 5]);
			block(START + 60 * SECOND, || ());
			assert_eq!(sampled(), (START, usd(100.0)), "41 seconds old");
			block_with(START + 80 * SECOND, BTC, &[102.0; 5]);
			block(START + 120 * SECOND, || ());
			assert_eq!(sampled(), (START + 120 * SECOND, usd(102.0)), "40 seconds old");
			// One return over both minutes.
			let variance = step(0.36, f64::ln(1.02), 120.0);
			assert!(close(sigma(), variance.sqrt()), "{} {variance}", sigma());
		});
	}

	#[test]
	fn takes_no_price_too_uncertain_to_liquidate_on_by_the_governed_limit() {
		for (limit, taken) in [(FixedU128::from_rational(2, 100), false), (usd(0.04), true)] {
			ExtBuilder::default().build_and_execute(|| {
				Parameters::mutate(|p| p.liquidate_confidence = limit);
				split(START, 100.0, 100.0);
				split(START + MINUTE, 100.0, 105.0);
				assert_eq!(stored(BTC).value, usd(102.5));
				assert_eq!(sampled().0 == START + MINUTE, taken);
				assert_eq!(sigma() > 1.0, taken, "{}", sigma());
			});
		}
	}

	#[test]
	fn takes_a_recovering_price() {
		ExtBuilder::default().build_and_execute(|| {
			block_with(START, BTC, &[100.0; 5]);
			assert_eq!(
				ask(BTC, PriceFor::Liquidate),
				Err(Error::<Test>::PriceRecovering.into())
			);
			assert_eq!(sampled(), (START, usd(100.0)));
		});
	}
}

/// What the operators say in one block: how long after the last, how the market moved, the honest operators' own
/// differences, the liars' factors, and who of the honest is silent (nobody from 3 on).
type Said = (u64, i32, [i32; 3], [f64; 2], usize);

fn lie() -> impl Strategy<Value = f64> {
	prop_oneof![
		4 => 0.97f64..1.03,
		2 => 0.8f64..1.25,
		1 => prop_oneof![Just(1e-9), Just(0.5), Just(2.0), Just(1e9)],
	]
}

fn said() -> impl Strategy<Value = Said> {
	let lies = prop_oneof![
		lie().prop_map(|both| [both; 2]),
		(lie(), lie()).prop_map(<[f64; 2]>::from)
	];
	(
		61u64..200,
		-100i32..=100,
		[-10i32..=10, -10i32..=10, -10i32..=10],
		lies,
		0usize..9,
	)
}

/// Plays it, and checks price and variance against the honest values with `slack` around them: how far off the nearest
/// honest value a price may be that somebody may leave on, and one that counts for the volatility.
fn play(blocks: Vec<Said>, silence: bool, slack: (f64, f64)) {
	let (to_leave_on, to_count) = slack;
	ExtBuilder::default().build_and_execute(|| {
		let (mut now, mut market, mut bound, mut samples) = (START, 100.0, 0.36, 0);
		let mut before: Option<(Moment, f64, f64)> = None;
		for (wait, moved, own, lies, silent) in blocks {
			// Later than any value counts: what is fresh is what this block says.
			now += wait * SECOND;
			market *= f64::exp(moved as f64 / 10_000.0);
			let honest: Vec<(AccountId, f64)> = (1..)
				.zip(own)
				.filter(|(who, _)| !silence || *who != silent as AccountId + 1)
				.map(|(who, own)| (who, market * (1.0 + own as f64 / 10_000.0)))
				.collect();
			block(now, || {
				let lies = (4..).zip(lies.map(|factor| market * factor));
				for (who, value) in honest.iter().copied().chain(lies) {
					assert_ok!(feed(who, &[(BTC, usd(value))]));
				}
			});
			let lowest = honest.iter().map(|(_, v)| *v).fold(f64::MAX, f64::min);
			let highest = honest.iter().map(|(_, v)| *v).fold(0.0, f64::max);
			let range = |slack: f64| (lowest / (1.0 + slack), highest / (1.0 - slack));
			let price = stored(BTC);
			let made = price.at == now;
			if made {
				let (low, high) = range(to_leave_on + 1e-12);
				let value = price.value.to_float();
				assert!(
					low <= value && value <= high,
					"{value} of {honest:?} and {lies:?}"
				);
			}
			let statistics = Statistics::<Test>::get();
			let taken = statistics.feeds[statistics.row(BTC).unwrap()].sampled == Some((now, price.value));
			assert!(made || !taken);
			// Three honest operators always make a price, and one that counts.
			assert!(taken || honest.len() < 3);
			if taken {
				samples += 1;
				let (low, high) = range(to_count);
				if let Some((at, then_low, then_high)) = before {
					let widest = f64::ln(high / then_low).abs().max(f64::ln(low / then_high).abs());
					bound = step(bound, widest, (now - at) as f64 / 1_000.0);
				}
				before = Some((now, low, high));
			}
			let variance = Prices::covariance(BTC, BTC).unwrap().to_float();
			assert!(variance <= bound * (1.0 + 1e-9) + 1e-9, "{variance} {bound}");
		}
		assert!(samples > 10, "only {samples} samples");
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(32))]

	/// Whatever two of five say, the price is within what the honest three say, and the volatility no higher than what
	/// their prices would make of it.
	#[test]
	fn two_of_five_move_neither_price_nor_volatility(blocks in prop::collection::vec(said(), 30..60)) {
		play(blocks, false, (0.0, 0.0));
	}

	/// With one of the honest silent now and then, by no more than the tolerances let them.
	#[test]
	fn two_of_four_move_both_within_the_tolerances(blocks in prop::collection::vec(said(), 30..60)) {
		play(blocks, true, (0.05 / 1.4826, 0.02 / 1.4826));
	}
}
