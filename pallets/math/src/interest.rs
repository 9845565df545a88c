//! The rate index: debt that grows without touching a vault.

use crate::{mul_div, mul_pow, FixedU128, Rounding, ONE, RAY, SECONDS_PER_YEAR};

/// `index × (1 + annual_rate / year)^seconds`, compounding per second, rounded up at every product (in favour of
/// the protocol). Source of the shape: Maker's `jug`/`rpow`.
///
/// Never below the exact value; for an index of at least one, above it by less than `3 × 10⁻²⁷` of itself per second:
/// `10⁻¹⁸` after ten years. `None` on overflow: an index carries a growth by 3.4 × 10¹¹, five years at 500 %.
pub fn compound(index_ray: u128, annual_rate: FixedU128, seconds: u64) -> Option<u128> {
	let per_second = mul_div(
		annual_rate.into_inner(),
		RAY / ONE,
		SECONDS_PER_YEAR as u128,
		Rounding::Up,
	)?;
	mul_pow(index_ray, RAY.checked_add(per_second)?, seconds)
}

/// Debt in base units for a normalised debt, rounded up.
pub const fn debt_of(normalised: u128, index_ray: u128) -> Option<u128> {
	mul_div(normalised, index_ray, RAY, Rounding::Up)
}

/// Normalised debt for `amount` of new debt, rounded up: the vault owes at least what was minted, and at most
/// `⌈index⌉` base units more. `None` on overflow or an index of zero.
pub const fn normalise_up(amount: u128, index_ray: u128) -> Option<u128> {
	mul_div(amount, RAY, index_ray, Rounding::Up)
}

/// Normalised debt for `amount` repaid, rounded down: the vault is relieved of at most what was burned, and at least
/// of that less `⌈index⌉` base units. `None` on overflow or an index of zero.
pub const fn normalise_down(amount: u128, index_ray: u128) -> Option<u128> {
	mul_div(amount, RAY, index_ray, Rounding::Down)
}

/// What a step of the index adds to the debt of a branch: `⌊total × (new − old)⌋`, what may be minted as income.
/// `None` if the index fell, or on overflow.
pub fn accrued(total_normalised: u128, old_index_ray: u128, new_index_ray: u128) -> Option<u128> {
	mul_div(
		total_normalised,
		new_index_ray.checked_sub(old_index_ray)?,
		RAY,
		Rounding::Down,
	)
}

/// Move `from` towards `to` by at most `per_hour × elapsed`. Rounded down: the slower move.
pub fn ramp(from: FixedU128, to: FixedU128, per_hour: FixedU128, elapsed_ms: u64) -> FixedU128 {
	// An overflow means more than enough time to arrive.
	let most = mul_div(
		per_hour.into_inner(),
		elapsed_ms as u128,
		3_600_000,
		Rounding::Down,
	)
	.unwrap_or(u128::MAX);
	let (from, to) = (from.into_inner(), to.into_inner());
	FixedU128::from_inner(if to >= from {
		from + most.min(to - from)
	} else {
		from - most.min(from - to)
	})
}
