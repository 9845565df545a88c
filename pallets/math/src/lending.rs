//! What borrowing costs: a rate with a kink.

use crate::{mul_div, mul_ratio, FixedU128, Rounding, ONE};

/// A kinked curve of annual rates over utilisation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Curve {
	/// The rate when nothing is borrowed.
	pub base: FixedU128,
	/// What a utilisation of 100 % would add below the kink.
	pub slope: FixedU128,
	/// Where the curve becomes steep.
	pub kink: FixedU128,
	/// What a utilisation of 100 % more adds above it.
	pub jump: FixedU128,
}

/// `borrowed / supplied`, rounded up, at most 100 %; 100 % where something is borrowed and nothing supplied.
pub fn utilisation(borrowed: u128, supplied: u128) -> FixedU128 {
	if borrowed == 0 {
		return FixedU128::from_inner(0);
	}
	FixedU128::from_inner(mul_div(borrowed, ONE, supplied, Rounding::Up).map_or(ONE, |u| u.min(ONE)))
}

impl Curve {
	/// The annual rate at a utilisation: `base + slope·min(u, kink) + jump·max(0, u − kink)`, every term rounded up. Source:
	/// Compound's `JumpRateModel`. `None` on overflow.
	pub fn rate(&self, utilisation: FixedU128) -> Option<FixedU128> {
		let (u, kink) = (utilisation.into_inner(), self.kink.into_inner());
		let below = mul_ratio(u.min(kink), self.slope, Rounding::Up)?;
		let above = mul_ratio(u.saturating_sub(kink), self.jump, Rounding::Up)?;
		let sum = self.base.into_inner().checked_add(below)?.checked_add(above)?;
		Some(FixedU128::from_inner(sum))
	}
}
