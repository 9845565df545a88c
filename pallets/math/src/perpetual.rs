//! Perpetual futures against one pool: skew pricing and funding.
//!
//! Sizes are signed base units of the underlying with [`SIZE_DECIMALS`] decimals, long above zero, whatever the decimals of
//! an asset of that name: a market needs only a feed. The skew `s` is the sum of all sizes, the scale `K` the skew
//! at which the premium would be 100 %. Money is in base units of the synthetic (6 decimals).
//!
//! The price moves linearly with the skew, so that what a trade costs is the difference of a potential
//! `Φ(s) = P·(s + s²/2K)`: the way does not matter, and going in a circle earns nothing. Source: Synthetix perps v2
//! (SIP-279), skew scale and premium.

use crate::{
	mul_div,
	signed::{mul_div_signed, of_magnitude, signed, with_sign},
	FixedU128, Rounding, ONE,
};

/// Decimals of a position's size in every market.
pub const SIZE_DECIMALS: u8 = 8;

/// What turns `size × price` into base units of the synthetic: `10^(18 + 8 − 6)`.
pub const SIZE_DIVISOR: u128 = 100_000_000_000_000_000_000;

/// Milliseconds of a day: funding rates are per day.
pub const DAY_MS: u128 = 86_400_000;

/// The value of `size` at `price`, signed, rounded as told along the number line. `None` on overflow.
pub fn value(size: i128, price: FixedU128, rounding: Rounding) -> Option<i128> {
	mul_div_signed(size, price.into_inner(), SIZE_DIVISOR, rounding)
}

/// The value of `|size|` at `price`, rounded as told. `None` on overflow.
pub fn notional(size: i128, price: FixedU128, rounding: Rounding) -> Option<u128> {
	mul_div(size.unsigned_abs(), price.into_inner(), SIZE_DIVISOR, rounding)
}

/// The premium `s/K`, signed, 18 decimals, rounded towards zero. `None` for a scale of zero, or on overflow.
pub fn premium(skew: i128, scale: u128) -> Option<i128> {
	with_sign(
		mul_div(skew.unsigned_abs(), ONE, scale, Rounding::Down)?,
		skew < 0,
	)
}

/// The mark price `P·(1 + s/K)`, rounded down. `None` if the skew is below `−K`, and on overflow.
pub fn mark(index: FixedU128, skew: i128, scale: u128) -> Option<FixedU128> {
	let factor = u128::try_from(signed(scale)?.checked_add(skew)?).ok()?;
	mul_div(index.into_inner(), factor, scale, Rounding::Down).map(FixedU128::from_inner)
}

/// The price `size` trades at: `P·(1 + (s + size/2)/K)`, the mean of the mark before and after; rounded up for a
/// buyer, down for a seller. `None` where the price or the mark after it would be below zero, and on overflow.
pub fn fill_price(index: FixedU128, skew: i128, scale: u128, size: i128) -> Option<FixedU128> {
	let before = signed(scale)?.checked_add(skew)?;
	let after = before.checked_add(size).filter(|after| *after >= 0)?;
	let factor = u128::try_from(before.checked_add(after)?).ok()?;
	let rounding = if size > 0 { Rounding::Up } else { Rounding::Down };
	mul_div(index.into_inner(), factor, scale.checked_mul(2)?, rounding).map(FixedU128::from_inner)
}

/// What `size` costs at `price`: above zero the trader pays, below zero receives. Rounded up. `None` on overflow.
pub fn cost(size: i128, price: FixedU128) -> Option<i128> {
	value(size, price, Rounding::Up)
}

/// What all positions of a market could be closed for together, above what they cost: `Φ(s) − Σcost`, rounded up: what
/// the pool owes traders before funding. A trade does not change it but by its rounding. `None` on overflow.
pub fn owed(index: FixedU128, skew: i128, scale: u128, cost: i128) -> Option<i128> {
	let doubled = signed(scale)?.checked_mul(2)?;
	let factor = u128::try_from(doubled.checked_add(skew)?).ok()?;
	// The mean of the mark and the index. Rounded so that what is owed is never too little.
	let rounding = if skew > 0 { Rounding::Up } else { Rounding::Down };
	let mean = mul_div(index.into_inner(), factor, scale.checked_mul(2)?, rounding)?;
	value(skew, FixedU128::from_inner(mean), Rounding::Up)?.checked_sub(cost)
}

/// A funding rate after some time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accrued {
	/// The rate per day at the end, signed, 18 decimals.
	pub rate: i128,
	/// How much the funding index grows: USD per whole unit, signed, 18 decimals. Above zero longs pay.
	pub index: i128,
}

/// Move a funding rate on by `elapsed_ms`: `dr/dt = clamp(s/K, ±1)·velocity` per day, `|r| ≤ max_rate`; the index grows by
/// `r̄·P·Δt` with `r̄` the mean of the rate over that time, the part at the limit included. A rate beyond the limit, which has
/// been lowered, is at the limit at once.
///
/// Rounding: the rate moves too little by less than `1 + Δt` units in the last place, `Δt` in days, so that its mean is off by
/// half of that at most; the index's growth is rounded towards minus infinity. `None` on overflow.
pub fn accrue(
	rate: i128,
	index_price: FixedU128,
	skew: i128,
	scale: u128,
	velocity: FixedU128,
	max_rate: FixedU128,
	elapsed_ms: u64,
) -> Option<Accrued> {
	let elapsed = u128::from(elapsed_ms);
	let limit = signed(max_rate.into_inner())?;
	let rate = rate.clamp(-limit, limit);
	let falls = skew < 0;
	// Per day and day.
	let slope = mul_div(
		skew.unsigned_abs().min(scale),
		velocity.into_inner(),
		scale,
		Rounding::Down,
	)?;
	// What does not fit is beyond every room.
	let change = mul_div(slope, elapsed, DAY_MS, Rounding::Down).unwrap_or(u128::MAX);
	let target = if falls { -limit } else { limit };
	let room = target.abs_diff(rate);
	// Rate times milliseconds.
	let (new_rate, area) = if change <= room {
		let moved = if falls {
			rate.checked_sub_unsigned(change)?
		} else {
			rate.checked_add_unsigned(change)?
		};
		(
			moved,
			mul_div_signed(rate.checked_add(moved)?, elapsed, 2, Rounding::Down)?,
		)
	} else {
		// At the limit all the time, but for the triangle before it got there: `room² / (2·slope)`. A slope that goes beyond the
		// room in that time is not zero.
		let triangle = mul_div(
			room.checked_mul(DAY_MS / 2)?,
			room,
			slope,
			if falls { Rounding::Down } else { Rounding::Up },
		)?;
		let flat = mul_div_signed(target, elapsed, 1, Rounding::Down)?;
		let area = if falls {
			flat.checked_add_unsigned(triangle)?
		} else {
			flat.checked_sub_unsigned(triangle)?
		};
		(target, area)
	};
	Some(Accrued {
		rate: new_rate,
		index: funding_delta(area, index_price)?,
	})
}

/// `area × P / day`: what a funding rate integrated over milliseconds adds to the index, USD per whole unit, rounded towards
/// minus infinity. `None` on overflow.
pub fn funding_delta(area: i128, index_price: FixedU128) -> Option<i128> {
	mul_div_signed(
		area,
		index_price.into_inner(),
		DAY_MS.checked_mul(ONE)?,
		Rounding::Down,
	)
}

/// The funding that hangs on `size` at a funding index, base units, signed, rounded as told. A position owes the difference of
/// this between now, rounded up, and its entry, rounded down. `None` on overflow.
pub fn funding_on(size: i128, funding_index: i128, rounding: Rounding) -> Option<i128> {
	let negative = (size < 0) != (funding_index < 0);
	let magnitude = mul_div(
		size.unsigned_abs(),
		funding_index.unsigned_abs(),
		SIZE_DIVISOR,
		of_magnitude(rounding, negative),
	)?;
	with_sign(magnitude, negative)
}

/// What of a trade of `size` widens the skew, and what narrows it: both with the sign of `size`, together `size`.
pub fn split(size: i128, skew: i128) -> (i128, i128) {
	if size == 0 || skew == 0 || (size > 0) == (skew > 0) {
		return (size, 0);
	}
	// Against the skew: as much as there is of it narrows.
	let narrowing = if size.unsigned_abs() <= skew.unsigned_abs() {
		size
	} else {
		// As large as the skew, which has an opposite because `size` is larger.
		skew.saturating_neg()
	};
	// Of the same sign and no larger.
	(size.saturating_sub(narrowing), narrowing)
}
