//! Margin of accounts with several exposures.
//!
//! Money is in base units of the synthetic (6 decimals), sizes are as in [`perpetual`](crate::perpetual).

use core::ops::Add;

use crate::{
	mul_div, mul_ratio, perpetual,
	signed::{mul_div_signed, signed},
	sqrt, FixedU128, Rounding, ONE, SECONDS_PER_YEAR,
};

/// What a liquidation brings an account to, in tenths of its maintenance requirement: 120 %.
pub const RESTORED: u128 = 12;

/// What an account or a part of one is worth and needs. Adds up across positions. Shape: dYdX v4's `Risk`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Risk {
	/// What it is worth, rounded down.
	pub net: i128,
	/// What it must be worth to take on risk, rounded up.
	pub initial: u128,
	/// What it must be worth not to be liquidated, rounded up.
	pub maintenance: u128,
}

/// Saturates: what is beyond 128 bits is beyond every requirement.
impl Add for Risk {
	type Output = Self;

	fn add(self, other: Self) -> Self {
		Self {
			net: self.net.saturating_add(other.net),
			initial: self.initial.saturating_add(other.initial),
			maintenance: self.maintenance.saturating_add(other.maintenance),
		}
	}
}

impl Risk {
	/// May it take on risk?
	pub fn is_initial(&self) -> bool {
		self.free() >= 0
	}

	/// Returns `true` if it is worth [`RESTORED`] tenths of its maintenance requirement, rounded up, which is
	/// where a liquidation stops. Open interest and the breaker raise what new risk needs and are no part of
	/// it.
	pub fn is_restored(&self) -> bool {
		// What is beyond 128 bits is beyond every worth.
		let needs = mul_div(self.maintenance, RESTORED, 10, Rounding::Up);
		needs
			.and_then(|needs| i128::try_from(needs).ok())
			.is_some_and(|needs| self.net >= needs)
	}

	/// Must it be liquidated?
	pub fn is_unsafe(&self) -> bool {
		self.slack() < 0
	}

	/// What it is worth above its initial requirement.
	pub fn free(&self) -> i128 {
		self.net.saturating_sub_unsigned(self.initial)
	}

	/// What it is worth above its maintenance requirement.
	pub fn slack(&self) -> i128 {
		self.net.saturating_sub_unsigned(self.maintenance)
	}
}

/// The share of a position's value it has to be worth: `max(base, min(cap, multiple × σ × √(horizon in years)))`, rounded up:
/// `base` also where the cap is below it. `None` on overflow.
pub fn maintenance_rate(
	base: FixedU128,
	cap: FixedU128,
	multiple: FixedU128,
	volatility: FixedU128,
	horizon_seconds: u64,
) -> Option<FixedU128> {
	let years = mul_div(horizon_seconds.into(), ONE, SECONDS_PER_YEAR.into(), Rounding::Up)?;
	// The root is rounded down: one unit in the last place more is on the safe side.
	let root = sqrt(FixedU128::from_inner(years)).into_inner().checked_add(1)?;
	let deviation = mul_div(volatility.into_inner(), root, ONE, Rounding::Up)?;
	let scaled = mul_ratio(deviation, multiple, Rounding::Up)?;
	Some(FixedU128::from_inner(
		scaled.min(cap.into_inner()).max(base.into_inner()),
	))
}

/// The share of a position's value new risk needs: `multiple × maintenance`, then on a line with open interest from there at
/// `lower` to 100 % at `upper`, and at most 100 %. Rounded up. No scaling if `upper` is zero; to 100 % at once above `lower`
/// where `upper` is not above it. Source: dYdX v4, `LiquidityTier.GetAdjustedInitialMarginPpm`. `None` on overflow.
pub fn initial_rate(
	maintenance: FixedU128,
	multiple: FixedU128,
	open_interest: u128,
	lower: u128,
	upper: u128,
) -> Option<FixedU128> {
	let base = mul_ratio(maintenance.into_inner(), multiple, Rounding::Up)?.min(ONE);
	if upper == 0 || open_interest <= lower {
		return Some(FixedU128::from_inner(base));
	}
	if open_interest >= upper {
		return Some(FixedU128::from_inner(ONE));
	}
	// Strictly between, so neither difference is below zero and the second is not zero.
	let scaled = mul_div(
		ONE.checked_sub(base)?,
		open_interest.checked_sub(lower)?,
		upper.checked_sub(lower)?,
		Rounding::Up,
	)?;
	Some(FixedU128::from_inner(base.checked_add(scaled)?.min(ONE)))
}

/// The requirement of a position of `size` at `rate`: `|q|·mark·rate`, rounded up. What closing it moves the
/// price by needs no term of its own: the premium is bounded, and rates are above twice its bound. `None` on
/// overflow.
pub fn requirement(size: i128, mark: FixedU128, rate: FixedU128) -> Option<u128> {
	mul_ratio(perpetual::notional(size, mark, Rounding::Up)?, rate, Rounding::Up)
}

/// What of an unrealised profit counts for new risk: `share` of it, rounded down, at most `cap` and never more than all of it.
/// A loss counts in full.
pub fn counted_profit(unrealised: i128, share: FixedU128, cap: u128) -> i128 {
	if unrealised <= 0 {
		return unrealised;
	}
	// A share that does not fit is more than the cap.
	let counted = mul_ratio(unrealised.unsigned_abs(), share, Rounding::Down).unwrap_or(cap);
	i128::try_from(counted.min(cap))
		.unwrap_or(unrealised)
		.min(unrealised)
}

/// The relative move all prices may make against an account at once before `slack` is used up: `slack / Σ exposure`, rounded
/// down; each exposure is what a move of 100 % against it costs. `None` without exposure: no move hurts.
///
/// While every price stays within this of where it is, on its adverse side, the account is safe.
pub fn tolerated_move(slack: u128, exposures: u128) -> Option<FixedU128> {
	if exposures == 0 {
		return None;
	}
	Some(FixedU128::from_inner(
		mul_div(slack, ONE, exposures, Rounding::Down).unwrap_or(u128::MAX),
	))
}

/// The price that is `tolerated` below `price`, rounded up (towards "unsafe"). `None` for a move of 100 % or more, which no
/// price makes.
pub fn falling_trigger(price: FixedU128, tolerated: FixedU128) -> Option<FixedU128> {
	let left = ONE.checked_sub(tolerated.into_inner()).filter(|left| *left > 0)?;
	mul_ratio(price.into_inner(), FixedU128::from_inner(left), Rounding::Up).map(FixedU128::from_inner)
}

/// The price that is `tolerated`, at most 100 %, above `price`, rounded down (towards "unsafe"). `None` on overflow.
pub fn rising_trigger(price: FixedU128, tolerated: FixedU128) -> Option<FixedU128> {
	let factor = ONE.checked_add(tolerated.into_inner().min(ONE))?;
	mul_ratio(price.into_inner(), FixedU128::from_inner(factor), Rounding::Down).map(FixedU128::from_inner)
}

/// The bankruptcy level of an account with one position of `size` and otherwise kUSD alone: the mark less
/// `carry` at which it would be worth nothing, `mark − carry − equity/size`, USD per whole unit with 18
/// decimals. It stays what it is while the mark moves and `carry`, what a whole unit of the position's side
/// has been charged, grows. `None` without a size, or on overflow.
///
/// Rounded towards "unsafe": up for a long, down for a short.
///
/// Worked: a long of 1 at a mark of 60,000, charged 20 a unit since the market began, with an equity of
/// 3,000: 56,980.
pub fn bankruptcy_level(mark: FixedU128, carry: i128, equity: i128, size: i128) -> Option<i128> {
	let per_unit = mul_div_signed(
		equity,
		perpetual::SIZE_DIVISOR,
		size.unsigned_abs(),
		Rounding::Down,
	)?;
	let level = signed(mark.into_inner())?.checked_sub(carry)?;
	match size > 0 {
		true => level.checked_sub(per_unit),
		false => level.checked_add(per_unit),
	}
}

/// The maintenance level of a side of a market: `mark·(1 ∓ rate) − carry`, `−` for longs, USD per whole unit
/// with 18 decimals. An account with one position and kUSD is unsafe if its
/// [bankruptcy level](bankruptcy_level) is above that as a long, below it as a short. `None` on overflow.
///
/// Rounded towards "safe": down for longs, up for shorts.
pub fn maintenance_level(mark: FixedU128, carry: i128, rate: FixedU128, is_long: bool) -> Option<i128> {
	let needs = signed(mul_ratio(mark.into_inner(), rate, Rounding::Up)?)?;
	let level = signed(mark.into_inner())?.checked_sub(carry)?;
	match is_long {
		true => level.checked_sub(needs),
		false => level.checked_add(needs),
	}
}

/// What closing a part of an account may cost it at most before the rest is worse off in proportion: the quote of the part at
/// which the account's equity per unit of maintenance stays what it is. Above zero for a part that is sold.
///
/// `D − E·ΔMMR/MMR` with `D` the part's signed value, `E` the account's equity, rounded up (towards "nothing is left for a
/// fee"). Source: dYdX v4, `GetBankruptcyPriceInQuoteQuantums`. `None` without a requirement, or on overflow.
pub fn bankruptcy_quote(closed_value: i128, equity: i128, closed_mmr: u128, total_mmr: u128) -> Option<i128> {
	let share = mul_div_signed(equity, closed_mmr, total_mmr, Rounding::Down)?;
	closed_value.checked_sub(share)
}

/// The fee of a liquidation: `rate` of the filled value, rounded up, but never more than the fill brought above the
/// bankruptcy quote, and never below zero. Source: dYdX v4, `GetLiquidationInsuranceFundDelta`. `None` on overflow.
pub fn liquidation_fee(fill: i128, bankruptcy: i128, rate: FixedU128) -> Option<u128> {
	let most = u128::try_from(fill.checked_sub(bankruptcy)?).unwrap_or(0);
	Some(mul_ratio(fill.unsigned_abs(), rate, Rounding::Up)?.min(most))
}

/// The smallest part in `1..=steps` that `restores`, found by halving: `restores` must not turn false again beyond the first part
/// that does. All of it, `steps`, if none does. Asks at most 32 times.
pub fn smallest_part(steps: u32, restores: impl Fn(u32) -> bool) -> u32 {
	let (mut low, mut high) = (1, steps);
	while low < high {
		let middle = low + (high - low) / 2;
		if restores(middle) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	high
}

/// Milliseconds until `slack` is used up by `per_hour`. `None` if nothing uses it up.
pub fn time_to_breach(slack: u128, per_hour: u128) -> Option<u64> {
	if per_hour == 0 {
		return None;
	}
	let ms = mul_div(slack, 3_600_000, per_hour, Rounding::Down).unwrap_or(u128::MAX);
	Some(u64::try_from(ms).unwrap_or(u64::MAX))
}

/// An amount as a signed one; the largest there is where it does not fit.
pub fn saturating_signed(amount: u128) -> i128 {
	signed(amount).unwrap_or(i128::MAX)
}
