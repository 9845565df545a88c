//! From amounts to money and back, and the trigger `k` of a vault.

use crate::{mul_div, FixedU128, Rounding, ONE, RAY};

/// What turns `amount × price` into base units of the synthetic: `10^(18 + collateral decimals − synthetic decimals)`.
///
/// Computed once from two assets' decimals; `None` beyond 18 decimals on either side.
pub const fn price_divisor(collateral_decimals: u8, synthetic_decimals: u8) -> Option<u128> {
	if collateral_decimals > 18 || synthetic_decimals > 18 {
		return None;
	}
	10u128.checked_pow(18 + collateral_decimals as u32 - synthetic_decimals as u32)
}

/// The value of `amount` base units at `price` USD per whole unit, in base units of the synthetic, rounded as told
/// (down for what somebody owns, up for what somebody pays).
pub const fn value_of(amount: u128, price: FixedU128, divisor: u128, rounding: Rounding) -> Option<u128> {
	mul_div(amount, price.into_inner(), divisor, rounding)
}

/// The amount in base units that `value` base units of the synthetic buy at `price`, rounded as told.
pub const fn amount_for(value: u128, price: FixedU128, divisor: u128, rounding: Rounding) -> Option<u128> {
	mul_div(value, divisor, price.into_inner(), rounding)
}

/// `k`: normalised debt per whole unit of collateral, in USD with 18 decimals, rounded up (towards "unsafe").
///
/// `None` without debt: such a vault has no trigger. Debt without collateral, or an overflow, is `u128::MAX`: the
/// first to be looked at.
pub fn trigger(normalised_debt: u128, collateral: u128, divisor: u128) -> Option<u128> {
	if normalised_debt == 0 {
		return None;
	}
	Some(mul_div(normalised_debt, divisor, collateral, Rounding::Up).unwrap_or(u128::MAX))
}

/// A vault of a branch is unsafe iff its [`trigger`] is strictly above `price / (rate_index × liquidation_ratio)`,
/// rounded down (towards "unsafe"). `None` on overflow or a zero ratio.
///
/// A vault whose exact ratio is too low is always unsafe. One that is above it by a factor of more than
/// `1 + 2 / threshold + 10⁻¹⁸` is always safe (for ratios and indices of at least one). A trigger of `u128::MAX` is
/// above every threshold.
pub fn threshold(price: FixedU128, rate_index_ray: u128, liquidation_ratio: FixedU128) -> Option<u128> {
	let factor = mul_div(rate_index_ray, liquidation_ratio.into_inner(), RAY, Rounding::Up)?;
	mul_div(price.into_inner(), ONE, factor, Rounding::Down).map(|k| k.min(u128::MAX - 1))
}

/// The lowest price at which a vault with this trigger is safe: one unit in the last place less, and its trigger is
/// above the [`threshold`]. For views. `None` on overflow and for a trigger of `u128::MAX`, which no price makes safe.
pub fn liquidation_price(
	trigger: u128,
	rate_index_ray: u128,
	liquidation_ratio: FixedU128,
) -> Option<FixedU128> {
	if trigger == u128::MAX {
		return None;
	}
	let factor = mul_div(rate_index_ray, liquidation_ratio.into_inner(), RAY, Rounding::Up)?;
	mul_div(trigger, factor, ONE, Rounding::Up).map(FixedU128::from_inner)
}

/// Collateral value over debt, rounded down. `None` without debt.
pub fn collateral_ratio(collateral_value: u128, debt: u128) -> Option<FixedU128> {
	if debt == 0 {
		return None;
	}
	Some(FixedU128::from_inner(
		mul_div(collateral_value, ONE, debt, Rounding::Down).unwrap_or(u128::MAX),
	))
}
