//! Perpetual futures against one pool: skew pricing and funding.
//!
//! Sizes are signed base units of the underlying with [`SIZE_DECIMALS`] decimals, long above zero, whatever
//! the decimals of an asset of that name: a market needs only a feed. The skew `s` is the sum of all sizes,
//! the scale `K` the skew at which the premium would be 100 %, the largest premium `M` where it stops. Money
//! is in base units of the synthetic (6 decimals).
//!
//! The price moves linearly with the skew until it is at its bound, and what a trade costs is the difference
//! of a potential ([`PremiumCurve`]): the way does not matter, and going in a circle earns nothing. Source of
//! the linear part: Synthetix perps v2 (SIP-279), skew scale and premium; it has no bound.

use crate::{
	mul_div, mul_ratio,
	signed::{mul_div_signed, of_magnitude, signed, with_sign},
	FixedU128, Rounding, ONE,
};

/// Decimals of a position's size in every market.
pub const SIZE_DECIMALS: u8 = 8;

/// What turns `size × price` into base units of the synthetic: `10^(18 + 8 − 6)`.
pub const SIZE_DIVISOR: u128 = 100_000_000_000_000_000_000;

/// Milliseconds of a day: funding rates are per day.
pub const DAY_MS: u128 = 86_400_000;

/// Milliseconds of a year of 365 days: borrow rates are per year.
pub const YEAR_MS: u128 = 365 * DAY_MS;

/// The value of `size` at `price`, signed, rounded as told along the number line. `None` on overflow.
pub fn value(size: i128, price: FixedU128, rounding: Rounding) -> Option<i128> {
	mul_div_signed(size, price.into_inner(), SIZE_DIVISOR, rounding)
}

/// The value of `|size|` at `price`, rounded as told. `None` on overflow.
pub fn notional(size: i128, price: FixedU128, rounding: Rounding) -> Option<u128> {
	mul_div(size.unsigned_abs(), price.into_inner(), SIZE_DIVISOR, rounding)
}

/// How the premium of a market follows its skew: `π(s) = clamp(s/K, −M, M)`.
///
/// Its integral `Φ(s) = ∫₀ˢ π` is `s²/2K` up to the bound `M·K` and grows by `M` a unit beyond it. A trade
/// pays the mean of the premium over the way it moves the skew, `(Φ(s+q) − Φ(s))/q`, whether it opens or
/// closes: a round trip at one index price earns nothing, and no fill price is further than `M` from the
/// index.
///
/// With `K` of 34,000 BTC and `M` of 0.5 %, 20 BTC bought from a skew of zero fill 0.029 % above the index,
/// and the premium stops growing at a skew of 170 BTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PremiumCurve {
	/// `2·K`.
	doubled_scale: u128,
	/// `⌊M·K⌋`, the skew at which the premium is at its bound; between 0 and `K`.
	bound: i128,
}

impl PremiumCurve {
	/// The curve of scale `K` and largest premium `M`, at most one. `None` for a scale of zero or beyond
	/// `i128`.
	pub fn new(scale: u128, largest: FixedU128) -> Option<Self> {
		signed(scale).filter(|scale| *scale > 0)?;
		let largest = FixedU128::from_inner(largest.into_inner().min(ONE));
		Some(Self {
			doubled_scale: scale.checked_mul(2)?,
			bound: signed(mul_ratio(scale, largest, Rounding::Down)?)?,
		})
	}

	/// The skew, either way, at which the premium stops growing.
	pub fn bound(&self) -> u128 {
		self.bound.unsigned_abs()
	}

	/// The skew as far as the premium follows it.
	fn clamp(&self, skew: i128) -> i128 {
		// The bound is not below zero.
		skew.max(self.bound.saturating_neg()).min(self.bound)
	}

	/// Twice the mean of the clamped skew on the way from `from` to `to`, in base units of a size, rounded as
	/// told. Exact as long as the way is within the bound or beyond it.
	fn doubled_mean(&self, from: i128, to: i128, rounding: Rounding) -> Option<i128> {
		let (low, high) = (from.min(to), from.max(to));
		let ends = self.clamp(low).checked_add(self.clamp(high))?;
		// How far the way leads beyond the bound on each side.
		let below = high.min(self.bound.checked_neg()?).checked_sub(low)?.max(0);
		let above = high.checked_sub(low.max(self.bound))?.max(0);
		let beyond = above.checked_sub(below)?;
		if beyond == 0 {
			return Some(ends);
		}
		// What is beyond counts at the bound instead of at the mean of the ends.
		let most = self.bound.checked_mul(2)?;
		let gap = if beyond > 0 {
			most.checked_sub(ends)?
		} else {
			most.checked_add(ends)?
		};
		let length = high.checked_sub(low)?.unsigned_abs();
		let more = mul_div_signed(beyond, gap.unsigned_abs(), length, rounding)?;
		ends.checked_add(more)
	}

	/// `P·(1 + doubled/2K)`, rounded as told. `None` on overflow.
	fn price(&self, index: FixedU128, doubled: i128, rounding: Rounding) -> Option<FixedU128> {
		// Not below zero: the doubled bound is at most twice the scale.
		let factor = self.doubled_scale.checked_add_signed(doubled)?;
		mul_div(index.into_inner(), factor, self.doubled_scale, rounding).map(FixedU128::from_inner)
	}

	/// The premium `π(s)`, signed, 18 decimals, rounded towards zero. `None` on overflow.
	pub fn premium(&self, skew: i128) -> Option<i128> {
		let doubled = self.clamp(skew).checked_mul(2)?;
		with_sign(
			mul_div(doubled.unsigned_abs(), ONE, self.doubled_scale, Rounding::Down)?,
			skew < 0,
		)
	}

	/// The mark price `P·(1 + π(s))`, rounded down. `None` on overflow.
	pub fn mark(&self, index: FixedU128, skew: i128) -> Option<FixedU128> {
		self.price(index, self.clamp(skew).checked_mul(2)?, Rounding::Down)
	}

	/// The price `size` trades at, `P·(1 + (Φ(s + size) − Φ(s))/size)`: rounded up for a buyer, down for a
	/// seller, in the last place of the price and, where the way crosses the bound, by at most a base unit of
	/// the skew. `None` on overflow.
	pub fn fill_price(&self, index: FixedU128, skew: i128, size: i128) -> Option<FixedU128> {
		let rounding = if size > 0 { Rounding::Up } else { Rounding::Down };
		let doubled = self.doubled_mean(skew, skew.checked_add(size)?, rounding)?;
		self.price(index, doubled, rounding)
	}

	/// What all positions of a market could be closed for together, above what they cost: `P·(s + Φ(s)) −
	/// Σcost`, rounded up: what the pool owes traders before funding. A trade does not change it but by its
	/// rounding. `None` on overflow.
	pub fn owed(&self, index: FixedU128, skew: i128, cost: i128) -> Option<i128> {
		// The price at which the skew could have been bought from zero, which is what it can be sold for.
		let mean = self.fill_price(index, 0, skew)?;
		value(skew, mean, Rounding::Up)?.checked_sub(cost)
	}
}

/// What `size` costs at `price`: above zero the trader pays, below zero receives. Rounded up. `None` on overflow.
pub fn cost(size: i128, price: FixedU128) -> Option<i128> {
	value(size, price, Rounding::Up)
}

/// A funding rate after some time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accrued {
	/// The rate per day at the end, signed, 18 decimals.
	pub rate: i128,
	/// How much the funding index grows: USD per whole unit, signed, 18 decimals. Above zero longs pay.
	pub index: i128,
}

/// How long the funding rate takes to fall to `1/e` of itself at a skew of zero, in milliseconds: 8 hours.
pub const FUNDING_DECAY_MS: u64 = 28_800_000;

/// How a funding rate follows the skew `s`: `dr/dt = velocity·clamp(s/bound, ±1) − r/decay`, `|r| ≤
/// max_rate`, rates per day.
///
/// The rate of a constant skew settles at `velocity·decay·s/bound`, and at a skew of zero it dies out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FundingCurve {
	/// The skew at which the rate is pushed most.
	pub bound: u128,
	/// How fast it moves there, per day and day.
	pub velocity: FixedU128,
	/// The highest rate, either way, per day.
	pub max_rate: FixedU128,
	/// The time constant of its decay, in milliseconds; `None` for a rate that stays.
	pub decay_ms: Option<u64>,
}

impl FundingCurve {
	/// Moves a rate on by `elapsed_ms` at one skew and index price.
	///
	/// The push is exact, the part at the limit included; the decay is one implicit step, `r₁ = r₀·τ/(τ +
	/// Δt)`: exact where the rate settles, and within `(Δt/τ)²/2` of the exponential otherwise (0.8 % of the
	/// change after an hour). A rate beyond the limit, which has been lowered, is at the limit at once.
	///
	/// Worked: 20 % per day and day, a skew at the bound, a decay of 8 hours, a rate of zero: after an hour
	/// 0.74 % a day, in the end 6.67 %, or the limit.
	///
	/// Rounding: the push moves too little by less than `1 + Δt` units in the last place, `Δt` in days, the
	/// decay by less than a unit too much; the growth of the index is rounded towards minus infinity. `None`
	/// on overflow and for a bound of zero.
	pub fn accrue(&self, rate: i128, index_price: FixedU128, skew: i128, elapsed_ms: u64) -> Option<Accrued> {
		let (pushed, area) = self.push(rate, skew, elapsed_ms)?;
		let (rate, area) = match self.decay_ms {
			None => (pushed, area),
			Some(decay) => {
				let whole = u128::from(decay).checked_add(elapsed_ms.into())?;
				let left = mul_div(pushed.unsigned_abs(), decay.into(), whole, Rounding::Down)?;
				let rate = with_sign(left, pushed < 0)?;
				let lost = mul_div_signed(pushed.checked_sub(rate)?, elapsed_ms.into(), 2, Rounding::Up)?;
				(rate, area.checked_sub(lost)?)
			}
		};
		Some(Accrued {
			rate,
			index: funding_delta(area, index_price)?,
		})
	}

	/// The rate after `elapsed_ms` without decay, and its integral: rate times milliseconds.
	fn push(&self, rate: i128, skew: i128, elapsed_ms: u64) -> Option<(i128, i128)> {
		let elapsed = u128::from(elapsed_ms);
		let limit = signed(self.max_rate.into_inner())?;
		let rate = rate.clamp(-limit, limit);
		let falls = skew < 0;
		// Per day and day.
		let slope = mul_div(
			skew.unsigned_abs().min(self.bound),
			self.velocity.into_inner(),
			self.bound,
			Rounding::Down,
		)?;
		// What does not fit is beyond every room.
		let change = mul_div(slope, elapsed, DAY_MS, Rounding::Down).unwrap_or(u128::MAX);
		let target = if falls { -limit } else { limit };
		let room = target.abs_diff(rate);
		if change <= room {
			let moved = if falls {
				rate.checked_sub_unsigned(change)?
			} else {
				rate.checked_add_unsigned(change)?
			};
			let area = mul_div_signed(rate.checked_add(moved)?, elapsed, 2, Rounding::Down)?;
			return Some((moved, area));
		}
		// At the limit all the time, but for the triangle before it got there: `room² / (2·slope)`. A slope
		// that goes beyond the room in that time is not zero.
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
		Some((target, area))
	}
}

/// The borrow fee on a whole unit after `elapsed_ms` at a rate of `rate` per year of its value at
/// `index_price`: USD with 18 decimals, rounded up. `None` on overflow.
///
/// Worked: 20 % a year on a price of 60,000 for an hour is 1.37.
pub fn borrow_delta(rate: FixedU128, index_price: FixedU128, elapsed_ms: u64) -> Option<u128> {
	let per_year = mul_ratio(index_price.into_inner(), rate, Rounding::Up)?;
	mul_div(per_year, elapsed_ms.into(), YEAR_MS, Rounding::Up)
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
