//! Every public function with arguments from its whole range: an answer or `None`, never a panic. The numbers
//! themselves are checked against exact ones elsewhere.

use super::*;
use crate::{
	auction, cover, div_ratio, interest, ladder, lending, liquidation, margin, mul_div, mul_ratio, perpetual,
	signed, statistics, value,
};

/// A duration of any length.
fn any_time() -> impl Strategy<Value = u64> {
	wide().prop_map(|n| u64::try_from(n).unwrap_or(u64::MAX))
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(4_000))]

	#[test]
	fn no_unsigned_argument_panics(
		(a, b, c) in (wide(), wide(), wide()),
		(d, e, g) in (wide(), wide(), wide()),
		(t, u) in (any_time(), any_time()),
		decimals in (any::<u8>(), any::<u8>()),
	) {
		for rounding in ROUNDINGS {
			let _ = mul_div(a, b, c, rounding);
			let _ = mul_ratio(a, f(b), rounding);
			let _ = div_ratio(a, f(b), rounding);
			let _ = value::value_of(a, f(b), c, rounding);
			let _ = value::amount_for(a, f(b), c, rounding);
		}
		prop_assert_eq!(
			value::price_divisor(decimals.0, decimals.1).is_some(),
			decimals.0 <= 18 && decimals.1 <= 18,
		);
		prop_assert_eq!(value::trigger(a, b, c).is_some(), a > 0);
		let _ = value::threshold(f(a), b, f(c));
		let _ = value::liquidation_price(a, b, f(c));
		prop_assert_eq!(value::collateral_ratio(a, b).is_some(), b > 0);

		let _ = interest::compound(a, f(b), t);
		let _ = interest::debt_of(a, b);
		let _ = interest::normalise_up(a, b);
		let _ = interest::normalise_down(a, b);
		let _ = interest::accrued(a, b, c);
		let _ = interest::ramp(f(a), f(b), f(c), t);

		let _ = liquidation::liquidation_ratio(f(a), f(b), f(c), f(d), f(e), t);
		if let Some(size) = liquidation::size(a, b, f(c), d, f(e), f(g), 0) {
			prop_assert!(size.debt <= a && size.collateral <= b);
		}
		if let Some(size) = liquidation::size(a, b, f(c), d, f(e), f(g), g) {
			prop_assert!(size.debt <= a && size.collateral <= b);
		}
		let lot = liquidation::Size { debt: a, collateral: b, penalty: c };
		if let Some(bought) = liquidation::purchase(&lot, f(d), e, f(g), c) {
			prop_assert!(bought.burn <= a && bought.collateral <= b);
			prop_assert!(bought.burn.checked_add(bought.income).is_some_and(|paid| paid <= c));
		}

		let _ = auction::stairstep_exponential(f(a), f(b), t, u);
		prop_assert!(auction::linear(f(a), t, u).is_some());
		let _ = statistics::ln_ratio(f(a), f(b));
		prop_assert!(statistics::exp_neg(f(a)) <= f(ONE));
		prop_assert!(statistics::median(&[a, b, c, d]).is_some());
		prop_assert!(statistics::median_absolute_deviation(&[a, b, c], d).is_some());
	}

	#[test]
	fn no_signed_argument_panics(
		(a, b, c) in (wide_signed(), wide_signed(), wide_signed()),
		weight in wide(),
		(t, u) in (any_time(), any_time()),
	) {
		let _ = statistics::ewma_covariance(a, b, c, t, u);
		prop_assert!(weight <= ONE || statistics::ewma(a, b, f(weight)).is_none());
		let _ = statistics::volatility(a);
		prop_assert_eq!(statistics::value_at_risk(&[a, b, c], f(weight)).is_some(), weight <= ONE);
		prop_assert_eq!(statistics::expected_shortfall(&[a, b, c], f(weight)).is_some(), weight <= ONE);
	}
	#[test]
	fn no_trade_panics(
		(size, skew, index) in (wide_signed(), wide_signed(), wide_signed()),
		(price, scale, rate) in (wide(), wide(), wide()),
	) {
		for rounding in ROUNDINGS {
			let _ = signed::mul_div_signed(size, price, scale, rounding);
			let _ = perpetual::value(size, f(price), rounding);
			let _ = perpetual::notional(size, f(price), rounding);
			let _ = perpetual::funding_on(size, index, rounding);
		}
		let _ = (signed::with_sign(price, false), signed::with_sign(price, true), signed::signed(price));
		let _ = perpetual::cost(size, f(price));
		if let Some(curve) = perpetual::PremiumCurve::new(scale, f(rate)) {
			let _ = (curve.bound(), curve.premium(skew), curve.mark(f(price), skew));
			let _ = (curve.fill_price(f(price), skew, size), curve.owed(f(price), skew, size));
		}
		let _ = perpetual::funding_delta(index, f(price));
		let _ = perpetual::split(size, skew);
		let _ = margin::requirement(size, f(price), f(rate));
	}

	#[test]
	fn no_funding_panics(
		(rate, skew) in (wide_signed(), wide_signed()),
		(price, scale) in (wide(), wide()),
		(velocity, max_rate) in (wide(), wide()),
		t in any_time(),
	) {
		for decay_ms in [None, Some(0), Some(t)] {
			let (velocity, max_rate) = (f(velocity), f(max_rate));
			let curve = perpetual::FundingCurve { bound: scale, velocity, max_rate, decay_ms };
			if let Some(moved) = curve.accrue(rate, f(price), skew, t) {
				prop_assert!(moved.rate.unsigned_abs() <= max_rate.into_inner(), "within the limit");
			}
		}
	}

	#[test]
	fn no_account_panics(
		(a, b, c) in (wide_signed(), wide_signed(), wide_signed()),
		(d, e, g) in (wide(), wide(), wide()),
		(h, i) in (wide(), wide()),
		t in any_time(),
		steps in any::<u32>(),
	) {
		let risk = margin::Risk { net: a, initial: d, maintenance: e } + margin::Risk { net: b, initial: g, maintenance: h };
		let _ = (risk.is_initial(), risk.is_unsafe(), risk.free(), risk.slack());
		let _ = margin::maintenance_rate(f(d), f(e), f(g), f(h), t);
		let _ = margin::initial_rate(f(d), f(e), g, h, i);
		prop_assert!(margin::counted_profit(a, f(d), e) <= a);
		prop_assert_eq!(margin::tolerated_move(d, e).is_some(), e > 0);
		prop_assert!(margin::falling_trigger(f(d), f(e)).is_none_or(|trigger| trigger <= f(d)));
		prop_assert!(margin::rising_trigger(f(d), f(e)).is_none_or(|trigger| trigger >= f(d)));
		let _ = margin::bankruptcy_quote(a, b, d, e);
		let _ = margin::liquidation_fee(a, c, f(d));
		prop_assert!(margin::smallest_part(steps, |part| u128::from(part) >= d) <= steps);
		prop_assert_eq!(margin::time_to_breach(d, e).is_some(), e > 0);
		prop_assert!(margin::saturating_signed(d) >= 0);
	}

	#[test]
	fn no_reserve_panics((a, b, c) in (wide(), wide(), wide()), (d, e) in (wide(), wide()), t in any::<u16>()) {
		prop_assert!(lending::utilisation(a, b) <= f(ONE));
		let curve = lending::Curve { base: f(a), slope: f(b), kink: f(c), jump: f(d) };
		let _ = curve.rate(f(e));
		let share = cover::fee_share(a, b);
		prop_assert!(share <= f(ONE) && share >= f(ONE / 10));
		prop_assert!(u32::from(ladder::tick(a)) < ladder::TICKS);
		prop_assert!(ladder::floor(t) <= ladder::ceil(t));
	}
}

/// All combinations of the edges, not only those that chance finds.
#[test]
fn no_edge_panics() {
	let signed = [i128::MIN, i128::MIN + 1, -1, 0, 1, i128::MAX - 1, i128::MAX];
	let unsigned = [0, 1, ONE, i128::MAX as u128, 1 << 127, u128::MAX - 1, u128::MAX];
	let combinations = signed
		.iter()
		.flat_map(|a| signed.iter().map(move |b| (*a, *b)))
		.flat_map(|(a, b)| unsigned.iter().map(move |c| (a, b, *c)))
		.flat_map(|(a, b, c)| unsigned.iter().map(move |d| (a, b, c, *d)));
	for (a, b, c, d) in combinations {
		for t in [0, 1, u64::MAX] {
			for (price, velocity) in [(0, 0), (1, u128::MAX), (u128::MAX, 1), (u128::MAX, u128::MAX)] {
				for decay_ms in [None, Some(t)] {
					let (velocity, max_rate) = (f(velocity), f(d));
					let curve = perpetual::FundingCurve {
						bound: c,
						velocity,
						max_rate,
						decay_ms,
					};
					let moved = curve.accrue(a, f(price), b, t);
					assert!(moved.is_none_or(|moved| moved.rate.unsigned_abs() <= d));
				}
				let _ = perpetual::borrow_delta(f(velocity), f(price), t);
			}
		}
		let curve = perpetual::PremiumCurve::new(c, f(d));
		for price in unsigned {
			let _ = margin::requirement(a, f(price), f(d));
			if let Some(curve) = &curve {
				let _ = (curve.fill_price(f(price), a, b), curve.owed(f(price), a, b));
				let _ = (curve.mark(f(price), a), curve.premium(a));
			}
		}
		let (widening, narrowing) = perpetual::split(a, b);
		assert_eq!(widening.checked_add(narrowing), Some(a));
		let _ = margin::bankruptcy_quote(a, b, c, d);
		let _ = margin::liquidation_fee(a, b, f(c));
		assert!(margin::counted_profit(a, f(c), d) <= a);
	}
}
