//! From the operators' values to one price: which are fresh, which are outliers, what is left.
//!
//! No storage, so that what a validator is shown and what the block does is one function.

use alloc::vec::Vec;
use keel_math::{
	mul_ratio,
	statistics::{median, median_absolute_deviation},
	FixedU128, Rounding,
};
use keel_primitives::{ChainParameters, Moment};
use sp_runtime::traits::Zero;

use crate::types::{Aggregate, NoQuorum, OperatorValue, DEVIATIONS_PER_MAD};

/// Judge every value: fresh iff above zero and `now − at ≤ max_age`; an outlier iff fresh and `|x − m| >
/// max(deviations·MAD, floor·m)` with `m` the median of the fresh ones. Limits are rounded down and saturate
/// at the type's maximum, where no distance exceeds them.
pub fn assess(raw: &[(FixedU128, Moment)], now: Moment, parameters: &ChainParameters) -> Vec<OperatorValue> {
	// A time in the future doesn't count as fresh either.
	let fresh = |value: FixedU128, at: Moment| {
		!value.is_zero()
			&& now
				.checked_sub(at)
				.is_some_and(|age| age <= parameters.oracle_max_age)
	};
	let values: Vec<u128> = raw
		.iter()
		.filter(|(value, at)| fresh(*value, *at))
		.map(|(value, _)| value.into_inner())
		.collect();
	let limits = median(&values).and_then(|centre| {
		let mad = median_absolute_deviation(&values, centre)?;
		let spread = mul_ratio(mad, parameters.outlier_deviations, Rounding::Down).unwrap_or(u128::MAX);
		let floor = mul_ratio(centre, parameters.outlier_floor, Rounding::Down).unwrap_or(u128::MAX);
		Some((centre, spread.max(floor)))
	});
	raw.iter()
		.map(|&(value, at)| {
			let fresh = fresh(value, at);
			let outlier =
				fresh && limits.is_some_and(|(centre, limit)| value.into_inner().abs_diff(centre) > limit);
			OperatorValue {
				value,
				at,
				fresh,
				outlier,
			}
		})
		.collect()
}

/// The most confidence a price of `value` may have where `ratio` of it is tolerated. Rounded down, against
/// the caller. A limit beyond 128 bits limits nothing.
pub fn tolerated(value: FixedU128, ratio: FixedU128) -> FixedU128 {
	mul_ratio(value.into_inner(), ratio, Rounding::Down)
		.map_or(FixedU128::from_inner(u128::MAX), FixedU128::from_inner)
}

/// The median of the fresh values that are no outliers, with `1.4826·MAD` of the same values, rounded up, at
/// least one unit in the last place. A quorum of them and at least half of the fresh ones must be left, and
/// they must agree closely enough for the most lenient purpose there is, reducing risk.
///
/// An even split has no outliers: in `[h, h, m, m]` every distance from the middle is the MAD. No operator
/// said its midpoint. Where that serves no purpose, it must not enter the averages either.
///
/// More than three quarters of the values used were observed at `since` or later. Fewer than a quarter are
/// older; with a quarter of liars that repeat the old price they are fewer than half, so that the median is
/// an honest value of that time or later, or between two such.
///
/// More than half of them were observed at `observed` or later, from which the price's age counts: a minority
/// that lags makes no price old, and a minority that is first makes none new.
pub fn combine(values: &[OperatorValue], parameters: &ChainParameters) -> Result<Aggregate, NoQuorum> {
	let fresh = count(values.iter().filter(|v| v.fresh));
	// No set of parameters makes a price out of nothing.
	let quorum = parameters.oracle_quorum.max(1);
	if fresh < quorum {
		return Err(NoQuorum { fresh, used: 0 });
	}
	let rest: Vec<u128> = values
		.iter()
		.filter(|v| v.fresh && !v.outlier)
		.map(|v| v.value.into_inner())
		.collect();
	let used = count(rest.iter());
	let refused = NoQuorum { fresh, used };
	if used < quorum || (used as u64).saturating_mul(2) < fresh as u64 {
		return Err(refused);
	}
	let value = median(&rest).ok_or(refused)?;
	let mad = median_absolute_deviation(&rest, value).ok_or(refused)?;
	// Saturates where the spread is beyond 128 bits: the largest uncertainty there is.
	let confidence = mul_ratio(mad, DEVIATIONS_PER_MAD, Rounding::Up)
		.unwrap_or(u128::MAX)
		.max(1);
	let (value, confidence) = (FixedU128::from_inner(value), FixedU128::from_inner(confidence));
	if confidence > tolerated(value, parameters.reduce_risk_confidence) {
		return Err(refused);
	}
	let mut times: Vec<Moment> = values
		.iter()
		.filter(|v| v.fresh && !v.outlier)
		.map(|v| v.at)
		.collect();
	times.sort_unstable_by(|a, b| b.cmp(a));
	// As many as are used, so there is one at half and at three quarters; without any there is no price.
	let at = |index: usize| times.get(index).copied().unwrap_or_default();
	let since = at(times.len().saturating_mul(3) / 4);
	let observed = at(times.len() / 2);
	Ok(Aggregate {
		value,
		confidence,
		fresh,
		used,
		since,
		observed,
	})
}

fn count(values: impl Iterator) -> u32 {
	// Bounded by the number of operators, which is a `u32`.
	u32::try_from(values.count()).unwrap_or(u32::MAX)
}
