//! Numbers from public test suites and textbooks, each with its source in `reference_vectors.json`.
//!
//! Two that are about the same subjects are not among them. dYdX v4's fillable price is what a liquidation order may be filled
//! at in an order book; here a liquidation fills at the skew's price, as every trade does. Drift's funding is an average
//! premium per hour; here the rate moves with a velocity, and all the two have in common is that there is a limit.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Signed;
use serde_json::Value;

use super::{
	f,
	perpetual::{days, Market},
	q, ratio, ten,
};
use crate::{auction, lending, margin, mul_ratio, perpetual, statistics, FixedU128, Rounding, ONE};

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

/// A whole number.
fn whole(number: &Value) -> i128 {
	number.as_i64().expect("a whole number").into()
}

/// A decimal number as it is written, with or without a sign.
fn decimal(text: &str) -> BigRational {
	let (digits, decimals) = text.split_once('.').unwrap_or((text, ""));
	let number = format!("{digits}{decimals}")
		.parse::<BigInt>()
		.expect("a number without exponent");
	q(number) * ten(-(decimals.len() as i32))
}

/// A rational that is a whole number of `10^-decimals`.
fn scaled(number: &BigRational, decimals: i32) -> i128 {
	let scaled = number * ten(decimals);
	assert!(scaled.is_integer(), "{number} has at most {decimals} decimals");
	i128::try_from(scaled.to_integer()).expect("within the type")
}

/// A number of the vectors in units of `10^-decimals`.
fn amount(number: &Value, decimals: i32) -> i128 {
	scaled(&decimal(&number.to_string()), decimals)
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

/// The rates are in per cent; ours is exact at all of them.
#[test]
fn compound_jump_rate() {
	let entry = vectors("compound_jump_rate");
	let percent = |number: &Value| f(inner(number) / 100);
	let mut points = 0;
	for case in list(&entry["cases"]) {
		let curve = lending::Curve {
			base: percent(&case["base"]),
			slope: percent(&case["slope"]),
			kink: percent(&case["kink"]),
			jump: percent(&case["jump"]),
		};
		for point in list(&case["points"]) {
			assert_eq!(
				curve.rate(percent(&point[0])),
				Some(percent(&point[1])),
				"{case} {point}"
			);
			points += 1;
		}
	}
	assert_eq!(points, 18);
}

/// Their rate is for 8 hours and in millionths, their index has a unit of its own: a price of
/// `price · 10^(exp + atomic + 12)` in our last place gives the same number.
///
/// They round towards zero, we towards minus infinity, so that ours is the same for what longs pay, and one less for
/// what they are paid where the exact number is not whole.
#[test]
fn dydx_funding_index_delta() {
	let entry = vectors("dydx_v4_funding_index_delta");
	assert_eq!(list(&entry["cases"]).len(), 4);
	let mut differ = 0;
	for case in list(&entry["cases"]) {
		let exponent = whole(&case["exp"]) + whole(&case["atomic"]) + 12;
		let price = scaled(&(q(whole(&case["price"])) * ten(exponent as i32)), 0) as u128;
		// Three times 8 hours are a day, a millionth is 10^12 of our last places.
		let rate = whole(&case["rate"]) * 3 * 1_000_000_000_000;
		let elapsed = case["dt"].as_u64().expect("seconds") * 1_000;
		let theirs = whole(&case["expected"]);

		let ours = perpetual::funding_delta(rate * i128::from(elapsed), f(price)).expect("within the type");
		let exact = ratio(rate, ONE) * days(elapsed) * q(price);
		assert_eq!((q(ours), q(theirs)), (exact.floor(), exact.trunc()), "{case}");
		assert!(theirs - ours == 0 || theirs - ours == 1);
		differ += theirs - ours;

		// Without a skew a rate stays, and an index grows by just that.
		let stays = perpetual::FundingCurve {
			bound: 1,
			velocity: f(ONE),
			max_rate: f(10 * ONE),
			decay_ms: None,
		};
		let moved = stays.accrue(rate, f(price), 0, elapsed);
		assert_eq!(moved, Some(perpetual::Accrued { rate, index: ours }), "{case}");
	}
	assert_eq!(differ, 1, "of the two that are below zero one is not whole");
}

/// Theirs drop what is below a millionth; what we then ask for is at least as much as they do.
#[test]
fn dydx_open_interest_margin() {
	let entry = vectors("dydx_v4_open_interest_margin");
	let millionth = ONE / 1_000_000;
	let rate = |case: &Value| {
		let [base, lower, upper, oi] = [0, 1, 2, 3].map(|column| whole(&case[column]) as u128);
		margin::initial_rate(f(base * millionth), f(ONE), oi, lower, upper)
			.expect("within the type")
			.into_inner()
	};
	assert_eq!(list(&entry["adjusted_ppm"]).len(), 7);
	for case in list(&entry["adjusted_ppm"]) {
		assert_eq!((rate(case) / millionth) as i128, whole(&case[4]), "{case}");
	}
	assert_eq!(list(&entry["initial_margin"]).len(), 6);
	for case in list(&entry["initial_margin"]) {
		let (notional, expected) = (whole(&case[4]) as u128, whole(&case[5]) as u128);
		let cut = rate(case) / millionth * millionth;
		assert_eq!(
			mul_ratio(notional, f(cut), Rounding::Up),
			Some(expected),
			"{case}"
		);
		let ours = mul_ratio(notional, f(rate(case)), Rounding::Up).expect("within the type");
		assert!(ours >= expected && ours <= expected + 1, "{case}");
		// The same through a position of that notional: one unit is a base unit's worth. Closing costs nothing in a market
		// without depth limits.
		let size = notional as i128 * 100;
		let position = margin::requirement(size, f(ONE), f(cut)).expect("within the type");
		assert!(position == expected || position == expected + 1, "{case}");
	}
}

/// What an account of theirs is worth, in base units: cash, and for each position its size, value and requirement.
struct Account {
	equity: i128,
	requirement: u128,
}

/// What a position is worth: BTC at 50,000, ETH at 3,000.
fn value(market: &str, size: &Value) -> i128 {
	let price = match market {
		"BTC" => 50_000,
		"ETH" => 3_000,
		_ => panic!("no market {market}"),
	};
	let size = amount(size, perpetual::SIZE_DECIMALS.into());
	let value = |rounding| perpetual::value(size, f(price * ONE), rounding).expect("within the type");
	assert_eq!(value(Rounding::Up), value(Rounding::Down), "no rounding");
	value(Rounding::Up)
}

/// A tenth of its value.
fn required(value: i128) -> u128 {
	mul_ratio(value.unsigned_abs(), f(ONE / 10), Rounding::Up).expect("within the type")
}

fn account(cash: &Value, positions: &[i128]) -> Account {
	Account {
		equity: amount(cash, 6) + positions.iter().sum::<i128>(),
		requirement: positions.iter().copied().map(required).sum(),
	}
}

fn values(positions: &Value) -> Vec<i128> {
	let positions = positions.as_object().expect("positions");
	positions
		.iter()
		.map(|(market, size)| value(market, size))
		.collect()
}

#[test]
fn dydx_bankruptcy_quote() {
	let entry = vectors("dydx_v4_liquidation");
	assert_eq!(list(&entry["bankruptcy_quote_usd"]).len(), 7);
	for case in list(&entry["bankruptcy_quote_usd"]) {
		let account = account(&case["cash"], &values(&case["pos"]));
		let [closed] = values(&case["close"])[..] else {
			panic!("one market is closed");
		};
		let quote = margin::bankruptcy_quote(closed, account.equity, required(closed), account.requirement);
		assert_eq!(quote, Some(amount(&case["expected"], 6)), "{case}");
	}
}

/// All of the position is closed for `fill` per whole unit; their fee goes to their insurance fund.
#[test]
fn dydx_liquidation_fee() {
	let entry = vectors("dydx_v4_liquidation");
	assert_eq!(list(&entry["insurance_delta"]).len(), 7);
	for case in list(&entry["insurance_delta"]) {
		let closed = value("BTC", &case["BTC"]);
		let account = account(&case["cash"], &[closed]);
		let bankruptcy =
			margin::bankruptcy_quote(closed, account.equity, required(closed), account.requirement)
				.expect("within the type");
		let size = amount(&case["BTC"], perpetual::SIZE_DECIMALS.into());
		let fill = perpetual::value(size, fixed(&case["fill"]), Rounding::Down).expect("within the type");
		let rate = f(whole(&case["fee_ppm"]) as u128 * (ONE / 1_000_000));
		let fee = margin::liquidation_fee(fill, bankruptcy, rate).expect("within the type");
		assert_eq!(fee as i128, amount(&case["expected"], 6), "{case}");
	}
}

/// `n` or `n/d`.
fn fraction(text: &Value) -> BigRational {
	text.as_str().expect("a fraction").parse().expect("a fraction")
}

/// Nine steps in which the rate rises, stays, falls, meets both limits and leaves them, and changes its sign twice.
///
/// A rate starts a step as far off as it ended the one before, and adds less than a unit in the last place and one per day;
/// where it meets a limit it is exact again. An index adds those lags, times price and time.
#[test]
fn funding_velocity_nine_steps() {
	let entry = vectors("funding_velocity_nine_steps");
	let steps = list(&entry["steps"]);
	assert_eq!(steps.len(), 9);
	let size = |number: &BigRational| scaled(number, perpetual::SIZE_DECIMALS.into());
	let text = |value: &Value| decimal(value.as_str().expect("a decimal number"));
	let unsigned = |number: &BigRational| scaled(number, 18) as u128;

	let (mut rate, mut index, mut skew) = (0i128, 0i128, 0i128);
	let (mut exact_rate, mut exact_index) = (q(0), q(0));
	let (mut rate_error, mut index_error) = (q(0), q(0));
	let mut opened = Vec::new();
	let (mut at_limit, mut beyond_scale, mut signs) = (0, 0, Vec::new());
	for step in steps {
		let market = Market {
			price: unsigned(&text(&step["price"])),
			skew,
			scale: size(&fraction(&entry["scale"])) as u128,
			velocity: unsigned(&fraction(&entry["velocity"])),
			max_rate: unsigned(&fraction(&entry["max_rate"])),
		};
		let elapsed = step["elapsed_ms"].as_u64().expect("milliseconds");
		assert_eq!(skew, size(&fraction(&step["skew"])), "{step}");

		// Two ways to the exact numbers.
		let (expected_rate, growth) = market.exact(&exact_rate, elapsed);
		exact_index += growth;
		exact_rate = expected_rate;
		assert_eq!(exact_rate, fraction(&step["rate"]), "{step}");
		assert_eq!(exact_index, fraction(&step["index"]), "{step}");

		let moved = market.accrue(rate, elapsed);
		(rate, index) = (moved.rate, index + moved.index);
		index_error += &rate_error * days(elapsed) * ratio(market.price, ONE) + market.index_error(elapsed);
		rate_error += Market::rate_error(elapsed);
		let off = (ratio(rate, ONE) - &exact_rate).abs();
		assert!(off <= rate_error, "{step}");
		assert!(off <= ratio(5, ONE), "a few units in the last place: {step}");
		if rate.unsigned_abs() == market.max_rate {
			assert!(off == q(0), "the limit is exact");
			rate_error = q(0);
			at_limit += 1;
		}
		assert!((ratio(index, ONE) - &exact_index).abs() <= index_error, "{step}");
		assert!(
			index_error < ten(-12),
			"a millionth of a base unit per unit: {step}"
		);

		beyond_scale += u32::from(skew.unsigned_abs() > market.scale);
		signs.push(rate.signum());
		let trade = size(&text(&step["trade"]));
		opened.push((trade, index, fraction(&step["owes"])));
		skew += trade;
	}
	assert_eq!(skew, 0);
	signs.dedup();
	assert_eq!((at_limit, beyond_scale), (3, 1));
	assert_eq!(signs, [0, 1, -1, 1, -1]);

	// What the position opened in each step owes after the last one: rounded against it twice.
	for (trade, entry, owes) in opened {
		let charged = perpetual::funding_on(trade, index, Rounding::Up).expect("within the type")
			- perpetual::funding_on(trade, entry, Rounding::Down).expect("within the type");
		let exact = owes * ten(6);
		let off = q(charged) - &exact;
		// The index's error on so many units.
		let error = ratio(2 * trade.abs(), perpetual::SIZE_DIVISOR) * &index_error * q(ONE);
		assert!(error < ratio(1, 4), "a part of a base unit on 137,000 units");
		assert!(
			off >= -error.clone() && off < error + q(2),
			"{trade} owes {charged}, exactly {exact}"
		);
	}
}
