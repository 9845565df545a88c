//! Medians, logarithms, moving averages and tail measures. None of it is money: results are to the nearest, with the
//! error stated.

use alloc::vec::Vec;

use crate::{mul_div, sqrt, FixedU128, Rounding, ONE, RAY, SECONDS_PER_YEAR};

/// `ln 2` with 18 decimals.
const LN_2: u128 = 693_147_180_559_945_309;

/// `ln 2` as a ray.
const LN_2_RAY: u128 = 693_147_180_559_945_309_417_232_121;

/// The median of `values`; the mean of the middle two, rounded down, for an even count. `None` without values.
pub fn median(values: &[u128]) -> Option<u128> {
	let mut sorted = Vec::from(values);
	sorted.sort_unstable();
	let middle = sorted.len() / 2;
	let upper = *sorted.get(middle)?;
	if sorted.len() % 2 == 1 {
		return Some(upper);
	}
	let lower = *sorted.get(middle.checked_sub(1)?)?;
	Some(lower + (upper - lower) / 2)
}

/// The median absolute deviation from `centre`. `None` without values.
pub fn median_absolute_deviation(values: &[u128], centre: u128) -> Option<u128> {
	median(&values.iter().map(|v| v.abs_diff(centre)).collect::<Vec<_>>())
}

/// `ln(a / b)` with 18 decimals, within 40 units of the last place (25 measured). `None` if either is zero or the
/// ratio is beyond what 128 bits carry.
pub fn ln_ratio(a: FixedU128, b: FixedU128) -> Option<i128> {
	let (a, b) = (a.into_inner(), b.into_inner());
	if a == 0 || b == 0 {
		return None;
	}
	if a < b {
		return ln_ratio(FixedU128::from_inner(b), FixedU128::from_inner(a)).map(|l| -l);
	}
	// Rounded down, so that 2^shift · b is at most a.
	let ratio = mul_div(a, ONE, b, Rounding::Down)?;
	// ratio = m · 2^shift with m in [1, 2)
	let shift = (ratio / ONE).checked_ilog2()?;
	let m = mul_div(
		a,
		ONE,
		b.checked_mul(1u128.checked_shl(shift)?)?,
		Rounding::NearestPrefUp,
	)?;
	// ln m = 2·atanh(z), z = (m − 1)/(m + 1) in [0, 1/3]
	let z = mul_div(m.saturating_sub(ONE), ONE, m + ONE, Rounding::NearestPrefUp)?;
	let square = z * z / ONE;
	let (mut power, mut sum, mut n) = (z, 0u128, 1u128);
	while power > 0 {
		sum += power / n;
		power = power * square / ONE;
		n += 2;
	}
	// sum < 0.35, shift < 69: neither product comes near the type's edge.
	i128::try_from(2 * sum + shift as u128 * LN_2_RAY / (RAY / ONE)).ok()
}

/// `e^(−x)` with 18 decimals, within 10 units of the last place (6 measured); never above one.
pub fn exp_neg(x: FixedU128) -> FixedU128 {
	let x = x.into_inner();
	let (halvings, rest) = (x / LN_2, x % LN_2);
	if halvings >= 64 {
		return FixedU128::from_inner(0);
	}
	// Taylor series of e^rest, rest in [0, ln 2), then its inverse.
	let (mut term, mut sum, mut n) = (ONE, ONE, 1u128);
	loop {
		term = term * rest / ONE / n;
		if term == 0 {
			break;
		}
		sum += term;
		n += 1;
	}
	FixedU128::from_inner((ONE * ONE / sum) >> halvings)
}

/// One step of an exponentially weighted (co)variance, annualised, for two returns over the same interval:
/// `v ← e^(−Δt/τ)·v + (1 − e^(−Δt/τ))·(rₐ·r_b/Δt)·year`. Returns are [`ln_ratio`]s; `v` has 18 decimals and a sign.
///
/// RiskMetrics' recursion with a decay that fits the interval. `None` if `Δt` or `τ` is zero, or on overflow.
pub fn ewma_covariance(
	previous: i128,
	return_a: i128,
	return_b: i128,
	dt_ms: u64,
	tau_seconds: u64,
) -> Option<i128> {
	let elapsed = mul_div(
		dt_ms as u128,
		ONE,
		(tau_seconds as u128).checked_mul(1000)?,
		Rounding::NearestPrefUp,
	)?;
	let decay = exp_neg(FixedU128::from_inner(elapsed));
	let product = signed_mul_div(return_a, return_b, ONE)?;
	let annual = signed_mul_div(product, 1000 * SECONDS_PER_YEAR as i128, dt_ms as u128)?;
	ewma(previous, annual, decay)
}

/// `λ·previous + (1 − λ)·observation` for `λ` in `[0, 1]`. `None` for a larger `λ` or on overflow.
pub fn ewma(previous: i128, observation: i128, lambda: FixedU128) -> Option<i128> {
	let old = signed_mul_div(previous, i128::try_from(lambda.into_inner()).ok()?, ONE)?;
	let weight = ONE.checked_sub(lambda.into_inner())?;
	old.checked_add(signed_mul_div(observation, i128::try_from(weight).ok()?, ONE)?)
}

/// The square root of a variance with 18 decimals, rounded down; a negative one counts as zero.
pub fn volatility(variance: i128) -> FixedU128 {
	sqrt(FixedU128::from_inner(u128::try_from(variance).unwrap_or(0)))
}

/// `a × b / c`, to the nearest, ties away from zero.
fn signed_mul_div(a: i128, b: i128, c: u128) -> Option<i128> {
	let magnitude = mul_div(a.unsigned_abs(), b.unsigned_abs(), c, Rounding::NearestPrefUp)?;
	let magnitude = i128::try_from(magnitude).ok()?;
	Some(if (a < 0) == (b < 0) { magnitude } else { -magnitude })
}

/// The `cutoff` quantile of `returns` with linear interpolation between the neighbours, rounded towards minus
/// infinity. `numpy.percentile`'s definition, which empyrical's value at risk uses. `None` without returns or for a
/// cutoff above one.
pub fn value_at_risk(returns: &[i128], cutoff: FixedU128) -> Option<i128> {
	if cutoff.into_inner() > ONE {
		return None;
	}
	let mut sorted = Vec::from(returns);
	sorted.sort_unstable();
	let last = sorted.len().checked_sub(1)?;
	let position = (last as u128).checked_mul(cutoff.into_inner())?;
	let (index, fraction) = ((position / ONE) as usize, position % ONE);
	let below = *sorted.get(index)?;
	if fraction == 0 {
		return Some(below);
	}
	let above = *sorted.get(index + 1)?;
	below.checked_add_unsigned(mul_div(above.abs_diff(below), fraction, ONE, Rounding::Down)?)
}

/// The mean of the worst `⌊(n − 1)·cutoff⌋ + 1` returns (empyrical's conditional value at risk), rounded towards
/// minus infinity. `None` as for [`value_at_risk`].
pub fn expected_shortfall(returns: &[i128], cutoff: FixedU128) -> Option<i128> {
	if cutoff.into_inner() > ONE {
		return None;
	}
	let mut sorted = Vec::from(returns);
	sorted.sort_unstable();
	let last = sorted.len().checked_sub(1)?;
	let count = ((last as u128).checked_mul(cutoff.into_inner())? / ONE) as usize + 1;
	let worst = *sorted.first()?;
	// Distances from the worst return, divided one by one: neither sum can overflow, and none of it is lost.
	let (whole, rest) = sorted
		.iter()
		.take(count)
		.map(|r| r.abs_diff(worst))
		.fold((0, 0), |(whole, rest), d| {
			(whole + d / count as u128, rest + d % count as u128)
		});
	worst.checked_add_unsigned(whole + rest / count as u128)
}
