//! How much of a vault is liquidated, and how the purchase splits.

use crate::{div_ratio, mul_div, mul_ratio, sqrt, value, FixedU128, Rounding, ONE, SECONDS_PER_YEAR};

/// `max(base, 1 + penalty + multiple × σ × √(horizon in years))`, capped; every step rounded up.
///
/// `None` on overflow. `cap` below `base` gives `base`.
pub fn liquidation_ratio(
	base: FixedU128,
	cap: FixedU128,
	penalty: FixedU128,
	multiple: FixedU128,
	volatility: FixedU128,
	horizon_seconds: u64,
) -> Option<FixedU128> {
	let years = FixedU128::from_inner(mul_div(
		horizon_seconds as u128,
		ONE,
		SECONDS_PER_YEAR as u128,
		Rounding::Up,
	)?);
	// The root is rounded down: one unit in the last place more is on the safe side.
	let root = sqrt(years).into_inner().checked_add(1)?;
	let term = mul_ratio(
		mul_div(volatility.into_inner(), root, ONE, Rounding::Up)?,
		multiple,
		Rounding::Up,
	)?;
	let scaled = ONE.checked_add(penalty.into_inner())?.checked_add(term)?;
	Some(FixedU128::from_inner(
		scaled.min(cap.into_inner()).max(base.into_inner()),
	))
}

/// What one liquidation does to a vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
	/// Debt taken off the vault, in base units of the synthetic.
	pub debt: u128,
	/// Collateral seized, in base units.
	pub collateral: u128,
	/// What its sale should bring on top of `debt`.
	pub penalty: u128,
}

/// The smallest liquidation that restores `target`: `x = (T·D − C) / (T − (1 + p))`, rounded up, and where
/// whole base units cannot restore it that closely, more by at most `(v + 5) / (T − (1 + p)) + 1`, with `v` the value
/// of one base unit of collateral.
///
/// The whole vault if `x` reaches the debt, if the rest would be under `minimum_debt`, or if no part restores it
/// (`target ≤ 1 + penalty`). If the collateral does not reach `(1 + p)` times the debt, all of it goes and the penalty
/// shrinks first. The seizure is rounded up. `None` if the vault is at or above target, or on overflow.
pub fn size(
	debt: u128,
	collateral: u128,
	price: FixedU128,
	divisor: u128,
	target: FixedU128,
	penalty: FixedU128,
	minimum_debt: u128,
) -> Option<Size> {
	let worth = value::value_of(collateral, price, divisor, Rounding::Down)?;
	let with_penalty = FixedU128::from_inner(ONE.checked_add(penalty.into_inner())?);
	let missing = mul_ratio(debt, target, Rounding::Up)?
		.checked_sub(worth)
		.filter(|m| *m > 0)?;
	let spread = target.into_inner().saturating_sub(with_penalty.into_inner());
	let seize = |taken: u128| {
		let claim = mul_ratio(taken, with_penalty, Rounding::Up)?;
		let seized = value::amount_for(claim, price, divisor, Rounding::Up)?;
		Some(Size {
			debt: taken,
			collateral: seized,
			penalty: claim.checked_sub(taken)?,
		})
	};
	let restores = |size: &Size| {
		let rest = debt
			.checked_sub(size.debt)
			.filter(|rest| *rest > 0 && *rest >= minimum_debt)?;
		let left = collateral.checked_sub(size.collateral)?;
		let owed = mul_ratio(rest, target, Rounding::Up)?;
		(value::value_of(left, price, divisor, Rounding::Down)? >= owed).then_some(())
	};
	// The claim and the test may be rounded up by one unit each and the seizure by one unit of collateral: the second
	// attempt has them all.
	// `None` in here is an overflow, far more than the debt, or no spread: the whole vault.
	let slack = value::value_of(1, price, divisor, Rounding::Up).and_then(|v| v.checked_add(2));
	let part = [Some(0), slack].into_iter().flatten().find_map(|slack| {
		let part = seize(mul_div(missing.checked_add(slack)?, ONE, spread, Rounding::Up)?)?;
		restores(&part).map(|()| part)
	});
	if part.is_some() {
		return part;
	}
	let claim = mul_ratio(debt, with_penalty, Rounding::Up)?;
	if claim >= worth {
		// Underwater or nearly so: what the collateral is worth beyond the debt is left for the penalty, if anything.
		return Some(Size {
			debt,
			collateral,
			penalty: worth.saturating_sub(debt),
		});
	}
	// A claim below what the collateral is worth seizes no more than there is.
	seize(debt)
}

/// How a standing buyer with limited means takes part of a lot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Purchase {
	/// Collateral it gets.
	pub collateral: u128,
	/// Synthetic it pays that is burned against the debt.
	pub burn: u128,
	/// Synthetic it pays on top: penalty income.
	pub income: u128,
}

/// The purchase of up to `lot` by a buyer who pays `price / (1 + bonus)` and has `capacity`.
///
/// The payment is rounded up and the collateral of a partial purchase down, so that the buyer pays up to two base
/// units of the synthetic and the price of one base unit of collateral too much, never too little. `burn` never
/// exceeds the lot's debt; when the lot costs less than its debt, all that is paid is burned. A purchase that would
/// get no collateral or cost nothing moves nothing. `None` on overflow.
pub fn purchase(
	lot: &Size,
	price: FixedU128,
	divisor: u128,
	bonus: FixedU128,
	capacity: u128,
) -> Option<Purchase> {
	let worth = value::value_of(lot.collateral, price, divisor, Rounding::Up)?;
	let with_bonus = FixedU128::from_inner(ONE.checked_add(bonus.into_inner())?);
	let cost = div_ratio(worth, with_bonus, Rounding::Up)?;
	if cost == 0 {
		// Nothing is sold for nothing.
		return Some(Purchase {
			collateral: 0,
			burn: 0,
			income: 0,
		});
	}
	if capacity >= cost {
		let burn = cost.min(lot.debt);
		return Some(Purchase {
			collateral: lot.collateral,
			burn,
			income: cost - burn,
		});
	}
	let collateral = mul_div(lot.collateral, capacity, cost, Rounding::Down)?;
	if collateral == 0 {
		return Some(Purchase {
			collateral: 0,
			burn: 0,
			income: 0,
		});
	}
	let burn = mul_div(lot.debt, capacity, cost, Rounding::Up)?
		.min(capacity)
		.min(lot.debt);
	Some(Purchase {
		collateral,
		burn,
		income: capacity - burn,
	})
}
