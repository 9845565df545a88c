//! The integral of the price over time, sampled, and averages over any window of it.
//!
//! A price is in force from its time until the next one's, also through an outage. Samples are taken at multiples of
//! [`SAMPLE_INTERVAL`]; where the price stood still for longer, at the first and the last of them, so that
//! interpolation between two samples is exact except inside an interval in which the price moved.

use keel_math::FixedU128;
use keel_primitives::Moment;
use sp_core::U256;

use crate::types::{FeedState, Sample, Samples, LONGEST_WINDOW, SAMPLE_INTERVAL, TWAP_WINDOW};

/// Advance the integral to `now` with the price in force, and sample on the way.
/// A feed without a price starts its history with `first`.
pub fn advance(state: &mut FeedState, samples: &mut Samples, now: Moment, first: FixedU128) {
	if !state.has_price() {
		samples.clear();
		state.cumulative = U256::zero();
		(state.low, state.high) = (first, first);
		push(
			samples,
			Sample {
				time: now,
				cumulative: state.cumulative,
				low: first,
				high: first,
			},
		);
		return;
	}
	let value = state.price.value;
	let start = state.price.at;
	let begin = state.cumulative;
	let integral = |time: Moment| begin.saturating_add(area(value, start, time));
	let after_last = samples
		.last()
		.map_or(start, |s| s.time.saturating_add(SAMPLE_INTERVAL));
	let first_point = after_last.max(start).checked_next_multiple_of(SAMPLE_INTERVAL);
	if let Some(time) = first_point.filter(|time| *time <= now) {
		push(
			samples,
			Sample {
				time,
				cumulative: integral(time),
				low: state.low,
				high: state.high,
			},
		);
		(state.low, state.high) = (value, value);
		let last_point = now - now % SAMPLE_INTERVAL;
		if last_point > time {
			let sample = Sample {
				time: last_point,
				cumulative: integral(last_point),
				low: value,
				high: value,
			};
			push(samples, sample);
		}
	}
	state.cumulative = integral(now);
}

/// The average over the [`TWAP_WINDOW`] before `price.at`, or over what there is of it; without any, the price.
/// Rounded down.
pub fn five_minutes(state: &FeedState, samples: &Samples) -> FixedU128 {
	let at = state.price.at;
	let oldest = samples.first().map_or(at, |s| s.time);
	let start = at.saturating_sub(TWAP_WINDOW).max(oldest);
	average(state, samples, start, at).unwrap_or(state.price.value)
}

/// The average over the last `window_ms` before `now`; `None` if the window is empty, longer than
/// [`LONGEST_WINDOW`], or begins before the history. Rounded down.
pub fn twap(state: &FeedState, samples: &Samples, now: Moment, window_ms: Moment) -> Option<FixedU128> {
	if window_ms > LONGEST_WINDOW {
		return None;
	}
	average(state, samples, now.checked_sub(window_ms)?, now)
}

fn average(state: &FeedState, samples: &Samples, start: Moment, end: Moment) -> Option<FixedU128> {
	let window = end.checked_sub(start)?;
	let sum = integral_at(state, samples, end)?.checked_sub(integral_at(state, samples, start)?)?;
	let mean = sum.checked_div(U256::from(window))?;
	u128::try_from(mean).ok().map(FixedU128::from_inner)
}

/// Σ price·ms up to `time`, interpolated between samples, rounded down. `None` before the first sample.
fn integral_at(state: &FeedState, samples: &Samples, time: Moment) -> Option<U256> {
	if time < samples.first()?.time {
		return None;
	}
	if time >= state.price.at {
		return state
			.cumulative
			.checked_add(area(state.price.value, state.price.at, time));
	}
	let after = samples.partition_point(|s| s.time <= time);
	let lower = samples.get(after.checked_sub(1)?)?;
	let (end, total) = samples
		.get(after)
		.map_or((state.price.at, state.cumulative), |s| (s.time, s.cumulative));
	let gained = total.checked_sub(lower.cumulative)?;
	let part = gained.checked_mul(U256::from(time.checked_sub(lower.time)?))?;
	lower
		.cumulative
		.checked_add(part.checked_div(U256::from(end.checked_sub(lower.time)?))?)
}

/// `value·ms` from `start` to `end`: 192 bits at most.
fn area(value: FixedU128, start: Moment, end: Moment) -> U256 {
	U256::from(value.into_inner()).saturating_mul(U256::from(end.saturating_sub(start)))
}

fn push(samples: &mut Samples, sample: Sample) {
	if samples.is_full() {
		samples.remove(0);
	}
	// There is room now.
	let _ = samples.try_push(sample);
}
