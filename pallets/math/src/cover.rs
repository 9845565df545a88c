//! How large an insurance fund should be, and how fast it gets there. Source: CPMI-IOSCO, Principles for financial market
//! infrastructures, principle 4 (Cover 2).

use crate::{mul_div, FixedU128, Rounding, ONE};

/// The share of fees that goes to the fund: all of them while it holds less than half its target, then on a line down to a
/// tenth at one and a half times the target. Rounded up, by less than two units in the last place. Everything where there is
/// a target of zero and nothing held; a tenth where there is money and no target.
pub fn fee_share(held: u128, target: u128) -> FixedU128 {
	let tenth = ONE / 10;
	let coverage = match target {
		0 if held == 0 => 0,
		target => mul_div(held, ONE, target, Rounding::Down).unwrap_or(u128::MAX),
	};
	let half = ONE / 2;
	if coverage <= half {
		return FixedU128::from_inner(ONE);
	}
	// Nine tenths over a coverage of one.
	let fallen = mul_div(coverage - half, 9, 10, Rounding::Down).unwrap_or(u128::MAX);
	FixedU128::from_inner(ONE.saturating_sub(fallen).max(tenth))
}
