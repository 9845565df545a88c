//! # Keel's maths
//!
//! Fixed-point finance without FRAME, storage or floats. Every function says which way it rounds and whom that
//! favours: always the protocol, so that what is owed is never more than what is held. Products go through 256
//! bits; `None` is "overflow or division by zero", never a wrong number.
//!
//! Units: amounts are `u128` base units; ratios, rates per year and prices are [`FixedU128`]; the rate index is a
//! *ray*, a `u128` with 27 decimals.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod auction;
pub mod cover;
pub mod interest;
pub mod ladder;
pub mod lending;
pub mod liquidation;
pub mod margin;
pub mod perpetual;
pub mod product_sum;
pub mod signed;
pub mod statistics;
pub mod value;

pub use sp_arithmetic::{FixedU128, Rounding};

/// `1` of a [`FixedU128`].
pub const ONE: u128 = 1_000_000_000_000_000_000;

/// `1` of a ray: 27 decimals.
pub const RAY: u128 = 1_000_000_000_000_000_000_000_000_000;

/// Seconds of a year of 365 days, which every annual rate here refers to.
pub const SECONDS_PER_YEAR: u64 = 31_536_000;

/// `a × b / c` through 256 bits, rounded as told. `None` if `c` is zero or the result exceeds 128 bits.
pub const fn mul_div(a: u128, b: u128, c: u128, rounding: Rounding) -> Option<u128> {
	sp_arithmetic::helpers_128bit::multiply_by_rational_with_rounding(a, b, c, rounding)
}

/// `amount × ratio`, rounded as told.
pub const fn mul_ratio(amount: u128, ratio: FixedU128, rounding: Rounding) -> Option<u128> {
	mul_div(amount, ratio.into_inner(), ONE, rounding)
}

/// `amount / ratio`, rounded as told.
pub const fn div_ratio(amount: u128, ratio: FixedU128, rounding: Rounding) -> Option<u128> {
	mul_div(amount, ONE, ratio.into_inner(), rounding)
}

/// `start × base^exponent` for a `base` in rays, by squaring, rounded up at every product: at most 127 of them.
///
/// Never below the exact value. For a `base` of at least one ray the relative excess is under
/// `(2 × exponent + 128) × 10⁻²⁷`, plus one unit in the last place of `start` per product.
pub(crate) fn mul_pow(start: u128, base_ray: u128, exponent: u64) -> Option<u128> {
	let (mut result, mut base, mut left) = (start, base_ray, exponent);
	while left > 0 {
		if left & 1 == 1 {
			result = mul_div(result, base, RAY, Rounding::Up)?;
		}
		left >>= 1;
		if left > 0 {
			base = mul_div(base, base, RAY, Rounding::Up)?;
		}
	}
	Some(result)
}

/// The square root, rounded down: the exact one, where `FixedU128::checked_sqrt` drops digits above 340.
pub(crate) fn sqrt(value: FixedU128) -> FixedU128 {
	let inner = value.into_inner();
	if inner == 0 {
		return value;
	}
	// Newton's iteration from above: it falls until it stands on the root.
	let mut root = (sp_arithmetic::helpers_128bit::sqrt(inner) + 1) * 1_000_000_000;
	// The quotient is at most the root, so that there always is one.
	while let Some(quotient) = mul_div(inner, ONE, root, Rounding::Down) {
		let next = (root + quotient) / 2;
		if next >= root {
			break;
		}
		root = next;
	}
	FixedU128::from_inner(root)
}

#[cfg(test)]
mod tests;
