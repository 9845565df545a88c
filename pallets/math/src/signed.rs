//! Signed amounts: what somebody owns above zero, and owes below it.

use crate::{mul_div, Rounding};

/// `a × b / c`, rounded as told along the number line: `Down` is towards minus infinity, `Up` towards plus infinity. `None`
/// if `c` is zero or the result does not fit.
///
/// What a trader is credited is rounded `Down`, what one is charged `Up`, whatever the sign.
pub fn mul_div_signed(a: i128, b: u128, c: u128, rounding: Rounding) -> Option<i128> {
	let negative = a < 0;
	with_sign(
		mul_div(a.unsigned_abs(), b, c, of_magnitude(rounding, negative))?,
		negative,
	)
}

/// How a magnitude is rounded so that the number with its sign is rounded as told along the number line.
pub(crate) const fn of_magnitude(rounding: Rounding, negative: bool) -> Rounding {
	match (rounding, negative) {
		(rounding, false) => rounding,
		(Rounding::Up, true) => Rounding::Down,
		(Rounding::Down, true) => Rounding::Up,
		(Rounding::NearestPrefUp, true) => Rounding::NearestPrefDown,
		(Rounding::NearestPrefDown, true) => Rounding::NearestPrefUp,
	}
}

/// `−magnitude` if `negative`. `None` if it does not fit.
pub fn with_sign(magnitude: u128, negative: bool) -> Option<i128> {
	if negative {
		// There is one more number below zero than above it.
		0i128.checked_sub_unsigned(magnitude)
	} else {
		signed(magnitude)
	}
}

/// An unsigned amount as a signed one. `None` beyond `i128::MAX`.
pub fn signed(amount: u128) -> Option<i128> {
	i128::try_from(amount).ok()
}
