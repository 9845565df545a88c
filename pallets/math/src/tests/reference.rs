//! Numbers from public test suites and textbooks, each with its source in `reference_vectors.json`.

use serde_json::Value;

use crate::{auction, statistics, FixedU128, ONE};

fn vectors(name: &str) -> Value {
	let all: Value =
		serde_json::from_str(include_str!("../../reference_vectors.json")).expect("the vectors are JSON");
	let entry = all[name].clone();
	assert!(entry["source"].is_string(), "{name} has a source");
	entry
}

/// A JSON number with 18 decimals, digit by digit.
fn inner(number: &Value) -> u128 {
	let text = number.to_string();
	let (whole, decimals) = text.split_once('.').unwrap_or((text.as_str(), ""));
	assert!(decimals.len() <= 18, "{text} has at most 18 decimals");
	format!("{whole}{decimals:0<18}")
		.parse()
		.expect("a number without exponent or sign")
}

fn fixed(number: &Value) -> FixedU128 {
	FixedU128::from_inner(inner(number))
}

fn list(value: &Value) -> &[Value] {
	value.as_array().expect("a list")
}

#[test]
fn maker_linear_decrease() {
	let case = &vectors("maker_abacus")["linear"];
	let duration = case["tau"].as_u64().expect("seconds");
	let points = case["price_at"].as_object().expect("points");
	assert_eq!(points.len(), 11);
	for (elapsed, expected) in points {
		let elapsed = elapsed.parse().expect("seconds");
		assert_eq!(
			auction::linear(fixed(&case["top"]), duration, elapsed),
			Some(fixed(expected))
		);
	}
}

/// Maker's exponential decrease cuts every second.
#[test]
fn maker_exponential_decrease() {
	let case = &vectors("maker_abacus")["exponential"];
	let tolerance = case["rel_tol"].as_f64().expect("a tolerance");
	assert_eq!(list(&case["t"]).len(), 5);
	for (elapsed, expected) in list(&case["t"]).iter().zip(list(&case["price"])) {
		let elapsed = elapsed.as_u64().expect("seconds");
		let price = auction::stairstep_exponential(fixed(&case["top"]), fixed(&case["cut"]), 1, elapsed)
			.expect("within the type");
		let expected = inner(expected);
		let error = price.into_inner().abs_diff(expected) as f64 / expected as f64;
		assert!(error <= tolerance, "{price:?} after {elapsed} s is {error} off");
	}
}

#[test]
fn hull_volatility_update() {
	let case = vectors("ewma_hull");
	let squared = |v: &Value| (inner(v) * inner(v) / ONE) as i128;
	let (previous, observed) = (squared(&case["sigma_prev"]), squared(&case["u_prev"]));
	let variance = statistics::ewma(previous, observed, fixed(&case["lambda"])).expect("within the type");
	assert_eq!(variance as u128, inner(&case["var"]));
	// The book prints four decimals.
	let printed = (statistics::volatility(variance).into_inner() + ONE / 20_000) / (ONE / 10_000);
	assert_eq!(printed * (ONE / 10_000), inner(&case["sigma"]));
}

fn empyrical_cases() -> Vec<(Vec<i128>, FixedU128, i128)> {
	let entry = vectors("empyrical_var");
	let cases = list(&entry["cases"]);
	assert_eq!(cases.len(), 6);
	cases
		.iter()
		.map(|case| {
			let returns = list(&case[0]).iter().map(|r| inner(r) as i128).collect();
			(returns, fixed(&case[1]), inner(&case[2]) as i128)
		})
		.collect()
}

#[test]
fn empyrical_value_at_risk() {
	for (returns, cutoff, expected) in empyrical_cases() {
		assert_eq!(
			statistics::value_at_risk(&returns, cutoff),
			Some(expected),
			"{returns:?} {cutoff:?}"
		);
	}
}

/// `mean(sorted[:int((n − 1)·cutoff) + 1])`, on the same cases.
#[test]
fn empyrical_conditional_value_at_risk() {
	let one = ONE as i128;
	let expected = [one, one, 3 * one / 2, one, 41 * one, 41 * one];
	for ((returns, cutoff, _), expected) in empyrical_cases().into_iter().zip(expected) {
		assert_eq!(
			statistics::expected_shortfall(&returns, cutoff),
			Some(expected),
			"{returns:?} {cutoff:?}"
		);
		let worst = ((returns.len() - 1) as f64 * (cutoff.into_inner() as f64 / ONE as f64)) as usize + 1;
		let mean = returns[..worst]
			.iter()
			.map(|r| *r as f64 / ONE as f64)
			.sum::<f64>()
			/ worst as f64;
		assert!((mean - expected as f64 / ONE as f64).abs() < 1e-12);
	}
}
