//! Falling prices. The curves and their reference numbers are those of Maker's `abaci`.

use crate::{mul_div, mul_pow, FixedU128, Rounding, ONE, RAY};

/// `top × cut^⌊elapsed / step⌋`: what is left after whole steps, rounded up at every product (the seller's favour).
/// A `step` of zero counts as one. `None` on overflow, which takes a `cut` above one.
///
/// Above the exact price by less than `(2 × steps + 128) × 10⁻²⁷ × top` and one unit in the last place, for a `cut` of
/// at most one.
pub fn stairstep_exponential(top: FixedU128, cut: FixedU128, step: u64, elapsed: u64) -> Option<FixedU128> {
	let factor = mul_pow(
		RAY,
		cut.into_inner().checked_mul(RAY / ONE)?,
		elapsed / step.max(1),
	)?;
	mul_div(top.into_inner(), factor, RAY, Rounding::Up).map(FixedU128::from_inner)
}

/// `top × (duration − elapsed) / duration`, zero from `duration` on, rounded up.
pub fn linear(top: FixedU128, duration: u64, elapsed: u64) -> Option<FixedU128> {
	match duration.checked_sub(elapsed) {
		None | Some(0) => Some(FixedU128::from_inner(0)),
		Some(left) => {
			mul_div(top.into_inner(), left as u128, duration as u128, Rounding::Up).map(FixedU128::from_inner)
		}
	}
}
