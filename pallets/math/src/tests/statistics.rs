use super::*;
use crate::{statistics::*, SECONDS_PER_YEAR};

fn float(inner: i128) -> f64 {
	inner as f64 / ONE as f64
}

mod medians {
	use super::*;

	proptest! {
		#[test]
		fn half_are_on_either_side(values in prop::collection::vec(wide(), 1..30)) {
			let median = median(&values).expect("has values");
			prop_assert!(2 * values.iter().filter(|v| **v < median).count() <= values.len());
			prop_assert!(2 * values.iter().filter(|v| **v > median).count() <= values.len());
			let mut sorted = values.clone();
			sorted.sort_unstable();
			let (lower, upper) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
			prop_assert_eq!(Some(median), rounded(&((q(lower) + q(upper)) / q(2)), Rounding::Down));
		}

		#[test]
		fn deviations_are_from_the_centre(values in prop::collection::vec(wide(), 1..30), centre in wide()) {
			let deviations = values.iter().map(|v| v.max(&centre) - v.min(&centre)).collect::<Vec<_>>();
			prop_assert_eq!(median_absolute_deviation(&values, centre), median(&deviations));
		}
	}

	#[test]
	fn by_hand() {
		assert_eq!(median(&[]), None);
		assert_eq!(median(&[7]), Some(7));
		assert_eq!(median(&[9, 1, 5]), Some(5));
		assert_eq!(median(&[4, 1, 10, 7]), Some(5));
		assert_eq!(median(&[u128::MAX, u128::MAX - 3]), Some(u128::MAX - 2));
		assert_eq!(median_absolute_deviation(&[], 3), None);
		// The textbook's: 1 1 2 2 4 6 9 has the median 2 and the deviations 0 0 1 1 2 4 7.
		assert_eq!(median_absolute_deviation(&[1, 1, 2, 2, 4, 6, 9], 2), Some(1));
		assert_eq!(median_absolute_deviation(&[0, u128::MAX], 0), Some(u128::MAX / 2));
	}
}

mod logarithms {
	use super::*;

	/// The error of a logarithm, in units of the last place: `e^l · b / a = e^error`.
	fn error(l: i128, a: u128, b: u128) -> f64 {
		((exp(&ratio(l, ONE)) * q(b) / q(a) - q(1)) * q(ONE))
			.to_f64()
			.expect("a number")
	}

	/// Numbers near each other, as two prices are, and any others.
	fn pairs() -> impl Strategy<Value = (u128, u128)> {
		prop_oneof![
			(1..u128::MAX, 1..u128::MAX),
			(wide(), wide()),
			(magnitudes(1e9, 1e30), 0..ONE, any::<bool>()).prop_map(|(a, by, up)| {
				let by = crate::mul_ratio(a, f(by), Rounding::Down).expect("within the type");
				(a, if up { a + by } else { a - by })
			}),
		]
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(3_000))]

		#[test]
		fn are_within_the_stated_error((a, b) in pairs()) {
			let l = ln_ratio(f(a), f(b));
			prop_assert_eq!(l, ln_ratio(f(b), f(a)).map(|l| -l), "antisymmetric");
			match l {
				Some(l) => {
					let off = error(l, a, b);
					prop_assert!(off.abs() < MOST, "{} units off", off);
					// And against another implementation, as far as it goes.
					let other = (a as f64 / b as f64).ln();
					prop_assert!((float(l) - other).abs() < 1e-12 + other.abs() * 1e-12);
				},
				None => {
					let (large, small) = (a.max(b), a.min(b));
					prop_assert!(small == 0 || q(large) * q(ONE) / q(small) >= q(u128::MAX), "only what overflows");
				},
			}
		}

		#[test]
		fn exponentials_are_within_the_stated_error(x in prop_oneof![0..50 * ONE, wide()]) {
			let y = exp_neg(f(x)).into_inner();
			prop_assert!(y <= ONE);
			let exact = if x > 90 * ONE { q(0) } else { exp(&-fixed(x)) * q(ONE) };
			let off = (q(y) - &exact).to_f64().expect("a number");
			prop_assert!(off.abs() < 10.0, "{} units off", off);
			let other = (-(x as f64 / ONE as f64)).exp();
			prop_assert!((y as f64 / ONE as f64 - other).abs() < 1e-14);
		}

		#[test]
		fn are_each_other_s_inverse(x in 0..20 * ONE) {
			let y = exp_neg(f(x));
			let back = ln_ratio(f(ONE), y).expect("not zero");
			// A unit of y is e^x units of x.
			let unit = float(x as i128).exp();
			prop_assert!((back as f64 - x as f64).abs() < MOST * (unit + 1.0) + 1e-15 * x as f64);
		}
	}

	/// Units of the last place.
	const MOST: f64 = 40.0;

	#[test]
	fn of_known_constants() {
		let close = |a: i128, b: i128| (a - b).abs() <= 40;
		let l = |a: u128, b: u128| ln_ratio(f(a), f(b)).expect("within the type");
		assert_eq!(l(7 * ONE, 7 * ONE), 0);
		assert!(close(l(2 * ONE, ONE), 693_147_180_559_945_309));
		assert!(close(l(10 * ONE, ONE), 2_302_585_092_994_045_684));
		assert!(close(l(ONE, 3 * ONE), -1_098_612_288_668_109_691));
		assert!(close(l(2_718_281_828_459_045_235, ONE), ONE as i128));
		// One per cent up and back is nothing.
		assert_eq!(l(101 * ONE, 100 * ONE) + l(100 * ONE, 101 * ONE), 0);
		assert!(close(
			exp_neg(f(ONE)).into_inner() as i128,
			367_879_441_171_442_321
		));
		assert!(close(
			exp_neg(f(ONE / 2)).into_inner() as i128,
			606_530_659_712_633_423
		));
		assert!(close(
			exp_neg(f(10 * ONE)).into_inner() as i128,
			45_399_929_762_484
		));
		assert_eq!(exp_neg(f(0)), f(ONE));
		assert_eq!(exp_neg(f(100 * ONE)), f(0));
		assert_eq!(exp_neg(f(u128::MAX)), f(0));
	}

	#[test]
	fn at_the_type_s_edge() {
		assert_eq!(ln_ratio(f(0), f(1)), None);
		assert_eq!(ln_ratio(f(1), f(0)), None);
		assert_eq!(ln_ratio(f(u128::MAX), f(1)), None);
		assert_eq!(ln_ratio(f(1), f(u128::MAX)), None);
		// Twice, but for half a unit: the ratio must not be rounded up to two.
		let (a, b) = (u128::MAX, u128::MAX / 2 + 1);
		assert!(ln_ratio(f(a), f(b)).is_some_and(|l| error(l, a, b).abs() < MOST));
		let (a, b) = (u128::MAX, ONE);
		assert!(ln_ratio(f(a), f(b)).is_some_and(|l| error(l, a, b).abs() < MOST));
	}
}

mod moving_averages {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(500))]

		#[test]
		fn a_step_is_exact_within_a_unit(previous in -(1i128 << 90)..1 << 90, seen in -(1i128 << 90)..1 << 90, weight in 0..=ONE) {
			let step = ewma(previous, seen, f(weight)).expect("within the type");
			let exact = q(previous) * fixed(weight) + q(seen) * (q(1) - fixed(weight));
			prop_assert!((q(step) - exact).abs() <= q(1));
			prop_assert!(step >= previous.min(seen) - 1 && step <= previous.max(seen) + 1);
		}

		/// Two assets observed together: symmetric, variances not negative, covariance within Cauchy and Schwarz.
		#[test]
		fn covariances_are_those_of_something(
			returns in prop::collection::vec((-(ONE as i128)..ONE as i128, -(ONE as i128)..ONE as i128, 1_000u64..100_000), 1..60),
			shift in 0u32..50,
			tau in 60u64..86_400,
		) {
			let (mut va, mut vb, mut cov, mut voc) = (0, 0, 0, 0);
			for (a, b, dt) in returns {
				let (a, b) = (a >> shift, b >> (shift / 2));
				let step = |v, a, b| ewma_covariance(v, a, b, dt, tau).expect("within the type");
				(va, vb, cov, voc) = (step(va, a, a), step(vb, b, b), step(cov, a, b), step(voc, b, a));
			}
			prop_assert_eq!(cov, voc);
			prop_assert!(va >= 0 && vb >= 0);
			// Half a unit of a product of returns, made annual: at most a year over the shortest interval.
			let unit = q(SECONDS_PER_YEAR + 2 * 86_400);
			let over = (q(cov).abs() - &unit).max(q(0));
			prop_assert!(&over * &over <= (q(va) + &unit) * (q(vb) + &unit));
			let bound = volatility(va).into_inner() as f64 * volatility(vb).into_inner() as f64 / 1e18;
			prop_assert!(cov.unsigned_abs() as f64 <= bound * 1.000_001 + 1e13);
		}

		#[test]
		fn a_step_of_the_covariance_is_the_formula(
			previous in 0..10 * ONE as i128, a in -(ONE as i128)..ONE as i128, b in -(ONE as i128)..ONE as i128,
			dt in 100u64..10_000_000, tau in 1u64..1_000_000,
		) {
			let step = ewma_covariance(previous, a, b, dt, tau).expect("within the type");
			let (dt, tau) = (dt as f64 / 1_000.0, tau as f64);
			let decay = (-dt / tau).exp();
			let seen = float(a) * float(b) / dt * SECONDS_PER_YEAR as f64;
			let expected = decay * float(previous) + (1.0 - decay) * seen;
			prop_assert!((float(step) - expected).abs() < 1e-9 + 1e-9 * seen.abs(), "{} {}", float(step), expected);
		}
	}

	/// A constant return per interval is a constant volatility: 0.1 % every minute is 72.5 % a year.
	#[test]
	fn a_steady_market_has_its_volatility() {
		let (r, mut v) = (ONE as i128 / 1_000, 0);
		for minute in 1..=10 * 24 * 60 {
			v = ewma_covariance(v, if minute % 2 == 0 { r } else { -r }, r, 60_000, 21_600)
				.expect("within the type");
			v = v.abs();
		}
		let mut variance = 0;
		for _ in 0..10 * 24 * 60 {
			variance = ewma_covariance(variance, r, r, 60_000, 21_600).expect("within the type");
		}
		let expected = 0.001 * (SECONDS_PER_YEAR as f64 / 60.0).sqrt();
		assert!((float(volatility(variance).into_inner() as i128) - expected).abs() < 1e-9);
		// Returns that alternate in sign against steady ones are uncorrelated.
		assert!(float(v) < 0.01 * float(variance));
	}

	/// Two half intervals of the same decay forget as much as a whole one.
	#[test]
	fn forgetting_does_not_depend_on_the_sampling() {
		let start = ONE as i128;
		let once = ewma_covariance(start, 0, 0, 7_200_000, 21_600).expect("within the type");
		let half = ewma_covariance(start, 0, 0, 3_600_000, 21_600).expect("within the type");
		let twice = ewma_covariance(half, 0, 0, 3_600_000, 21_600).expect("within the type");
		assert!((once - twice).abs() < 100);
		assert!((float(once) - (-1.0f64 / 3.0).exp()).abs() < 1e-15);
	}

	#[test]
	fn refuse_what_makes_no_sense() {
		assert_eq!(ewma_covariance(0, 1, 1, 0, 60), None);
		assert_eq!(ewma_covariance(0, 1, 1, 1_000, 0), None);
		assert_eq!(ewma_covariance(0, i128::MIN, i128::MIN, 1_000, 60), None);
		assert_eq!(ewma(1, 1, f(ONE + 1)), None);
		assert_eq!(ewma(1, 1, f(u128::MAX)), None);
		assert_eq!(ewma(i128::MAX, -5, f(ONE)), Some(i128::MAX));
		assert_eq!(ewma(5, i128::MIN + 1, f(0)), Some(i128::MIN + 1));
		assert_eq!(volatility(-1), f(0));
		assert_eq!(volatility(i128::MIN), f(0));
		assert_eq!(volatility(4 * ONE as i128), f(2 * ONE));
		// 400², where fewer digits of the root would be left.
		assert_eq!(volatility(160_001 * ONE as i128), f(400_001_249_998_046_881_103));
	}
}

mod tails {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(1_000))]

		#[test]
		fn a_quantile_is_numpy_s(returns in prop::collection::vec(wide_signed(), 1..40), cutoff in 0..=ONE) {
			let mut sorted = returns.clone();
			sorted.sort_unstable();
			let position = q(sorted.len() as u128 - 1) * fixed(cutoff);
			let index = position.to_integer().to_usize().expect("an index");
			let above = sorted[(index + 1).min(sorted.len() - 1)];
			let exact = q(sorted[index]) + (q(above) - q(sorted[index])) * position.fract();
			let result = value_at_risk(&returns, f(cutoff)).expect("has returns");
			prop_assert_eq!(q(result), exact.floor());
		}

		#[test]
		fn a_shortfall_is_the_mean_of_the_worst(returns in prop::collection::vec(wide_signed(), 1..40), cutoff in 0..=ONE) {
			let mut sorted = returns.clone();
			sorted.sort_unstable();
			let worst = (q(sorted.len() as u128 - 1) * fixed(cutoff)).to_integer().to_usize().expect("an index") + 1;
			let sum = sorted[..worst].iter().fold(q(0), |sum, r| sum + q(*r));
			let result = expected_shortfall(&returns, f(cutoff)).expect("has returns");
			prop_assert_eq!(q(result), (sum / q(worst as u128)).floor());
			// The tail is no better than where it begins.
			prop_assert!(Some(result) <= value_at_risk(&returns, f(cutoff)));
		}
	}

	#[test]
	fn at_the_ends() {
		assert_eq!(value_at_risk(&[], f(0)), None);
		assert_eq!(expected_shortfall(&[], f(0)), None);
		assert_eq!(value_at_risk(&[1], f(ONE + 1)), None);
		assert_eq!(expected_shortfall(&[1], f(ONE + 1)), None);
		assert_eq!(value_at_risk(&[1], f(u128::MAX)), None);
		assert_eq!(value_at_risk(&[-7], f(ONE)), Some(-7));
		assert_eq!(value_at_risk(&[i128::MIN, i128::MAX], f(ONE / 2)), Some(-1));
		assert_eq!(value_at_risk(&[i128::MIN, i128::MAX], f(ONE)), Some(i128::MAX));
		assert_eq!(expected_shortfall(&[3, -8, 1], f(ONE)), Some(-2));
		assert_eq!(
			expected_shortfall(&[i128::MIN, i128::MIN], f(ONE)),
			Some(i128::MIN)
		);
		assert_eq!(
			expected_shortfall(&[i128::MAX, i128::MIN, i128::MAX], f(ONE)),
			Some(i128::MAX / 3)
		);
		assert_eq!(expected_shortfall(&[i128::MIN, 5], f(0)), Some(i128::MIN));
	}
}
