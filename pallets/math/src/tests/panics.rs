//! Every public function with arguments from its whole range: an answer or `None`, never a panic. The numbers
//! themselves are checked against exact ones elsewhere.

use super::*;
use crate::{auction, div_ratio, interest, liquidation, mul_div, mul_ratio, statistics, value};

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
}
