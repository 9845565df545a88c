//! Signed amounts: what somebody owns above zero, and owes below it.

use crate::{mul_div, Rounding};

/// `a × b / c`, rounded as told along the number line: `Down` is towards minus infinity, `Up` towards plus infinity. `None`
/// if `c` is zero or the result does not fit.
///
/// What a trader is credited is rounded `Down`, what one is charged `Up`, whatever the sign.
pub fn mul_div_signed(a: i128, b: u128, c: u128, rounding: Rounding) -> Option<i128> {
	let towards_zero = matches!(rounding, Rounding::Down) == (a >= 0);
	let magnitude = mul_div(
		a.unsigned_abs(),
		b,
		c,
		if towards_zero {
			Rounding::Down
		} else {
			Rounding::Up
		},
	)?;
	with_sign(magnitude, a < 0)
}

/// `−magnitude` if `negative`. `None` if it does not fit.
pub fn with_sign(magnitude: u128, negative: bool) -> Option<i128> {
	let value = i128::try_from(magnitude).ok()?;
	// A number that is at least zero has an opposite.
	Some(if negative { -value } else { value })
}

/// An unsigned amount as a signed one. `None` beyond `i128::MAX`.
pub fn signed(amount: u128) -> Option<i128> {
	i128::try_from(amount).ok()
}
