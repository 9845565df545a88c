//! Shares of a pool that shrinks and pays out: O(1) per event, whatever the number of depositors.
//!
//! Every payment out of the pool multiplies all deposits by the same factor, so one running product `P` tells
//! what is left of a deposit: `deposit × P / P₀`, `P₀` being `P` when it was made. What a payment brings is
//! shared by deposits as they stood before it, so one running sum `S` per collateral tells a deposit's gain:
//! `deposit × (S − S₀) / P₀`.
//!
//! - *Scale.* `P` only falls. When it would leave `[MINIMUM, ONE]` it is multiplied by [`SCALE_FACTOR`] and
//!   the scale goes up by one, as often as needed, before it is rounded; `S` starts again at zero.
//! - *Epoch.* When the pool is emptied nothing is left of any deposit: the epoch goes up by one, `P` is
//!   [`ONE`] again and the scale zero.
//!
//! Rounding favours the pool: `P` down (a loss up), `S` down, what is left of a deposit and its gain down. So
//! the sum of what depositors own never exceeds what the pool holds.
//!
//! Error: `P` has 27 to 36 significant decimals, so one payment rounds away less than a `10⁻²⁷` part of a
//! deposit and less than a `10⁻²⁷` part of its gain, plus `deposit / 10²⁷` base units for `S`; reading a
//! deposit or a gain rounds away less than one base unit. A deposit that is more than [`SCALE_SPAN`] scales
//! behind has less than a `10⁻³⁶` part left, and what that part gains is not counted.
//!
//! What is rounded away belongs to nobody: *dust*. [`dust_after`] and [`dust_gain`] bound it from above, so
//! that a ledger can prove that no more than that is missing.
//!
//! Source: Batog, Boca, Johnson, *Scalable Reward Distribution on the Ethereum Blockchain*, with the
//! compounding stakes, scales and epochs of Liquity's stability pool.

use crate::{mul_div, Rounding};
use sp_core::U256;

/// `1` of the running product, and its largest value: 36 decimals.
pub const ONE: u128 = 1_000_000_000_000_000_000_000_000_000_000_000_000;

/// What the product is multiplied by at a change of scale.
pub const SCALE_FACTOR: u128 = 1_000_000_000;

/// The smallest value of the running product.
pub const MINIMUM: u128 = ONE / SCALE_FACTOR;

/// How many scales after its own still add to a deposit's gain.
pub const SCALE_SPAN: u64 = 4;

/// The running product.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Product {
	/// Share left of a deposit of this epoch's start, times [`ONE`], times [`SCALE_FACTOR`]`^scale`. In
	/// `[MINIMUM, ONE]`.
	pub p: u128,
	/// Times the product was multiplied by [`SCALE_FACTOR`] in this epoch.
	pub scale: u64,
	/// Times the pool was emptied.
	pub epoch: u64,
}

impl Default for Product {
	fn default() -> Self {
		Product {
			p: ONE,
			scale: 0,
			epoch: 0,
		}
	}
}

impl Product {
	/// Is `self` what the product was before or when it was `later`?
	pub fn is_at_or_before(&self, later: &Product) -> bool {
		(self.epoch, self.scale, later.p) <= (later.epoch, later.scale, self.p)
	}
}

/// The product after a pool with `total` deposited has paid `paid`: `P × (total − paid) / total`, rounded
/// down.
///
/// A payment of nothing changes nothing; a payment of everything starts an epoch. `None` if `paid` exceeds
/// `total`, for a product of zero, or if a counter overflows.
pub fn offset(total: u128, paid: u128, product: Product) -> Option<Product> {
	let left = total.checked_sub(paid).filter(|_| product.p > 0)?;
	if paid == 0 {
		return Some(product);
	}
	if left == 0 {
		return Some(Product {
			p: ONE,
			scale: 0,
			epoch: product.epoch.checked_add(1)?,
		});
	}
	let mut numerator = U256::from(product.p).checked_mul(left.into())?;
	let mut scale = product.scale;
	loop {
		let p = numerator.checked_div(total.into())?;
		if p >= MINIMUM.into() {
			return Some(Product {
				p: p.try_into().ok()?,
				scale,
				epoch: product.epoch,
			});
		}
		// Ends: the numerator is not zero, so it grows, and `total` does not.
		numerator = numerator.checked_mul(SCALE_FACTOR.into())?;
		scale = scale.checked_add(1)?;
	}
}

/// What `collateral` base units shared by `total` deposited add to the sum of the product's scale:
/// `collateral × P / total`, rounded down. `product` is the one *before* the payment.
///
/// `None` if `total` is zero or on overflow.
pub fn sum_increment(collateral: u128, product: Product, total: u128) -> Option<U256> {
	U256::from(collateral)
		.checked_mul(product.p.into())?
		.checked_div(total.into())
}

/// What is left at `now` of a deposit made at `snapshot`: `deposit × P / P₀`, rounded down.
///
/// `None` if `snapshot` is later than `now`, or for a product of zero.
pub fn compounded(deposit: u128, snapshot: Product, now: Product) -> Option<u128> {
	if snapshot.p == 0 || !snapshot.is_at_or_before(&now) {
		return None;
	}
	if snapshot.epoch < now.epoch {
		return Some(0);
	}
	let mut denominator = U256::from(snapshot.p);
	for _ in snapshot.scale..now.scale {
		// Both factors of the numerator have 128 bits: a denominator beyond 256 bits leaves nothing.
		match denominator.checked_mul(SCALE_FACTOR.into()) {
			Some(next) => denominator = next,
			None => return Some(0),
		}
	}
	U256::from(deposit)
		.checked_mul(now.p.into())?
		.checked_div(denominator)?
		.try_into()
		.ok()
}

/// What a deposit gained of one collateral since it was made at `snapshot_p`: `deposit × (S − S₀) / P₀`,
/// rounded down.
///
/// `s_snapshot` is the sum when it was made; `sums` are the sums as they stand, or stood at the end, in the
/// deposit's own scale, the next, and so on. The first [`SCALE_SPAN`]` + 1` count.
///
/// `None` if a sum is below its snapshot, for a product of zero, or on overflow. It does not overflow for a
/// deposit that was part of the pool's total whenever the sum grew, as long as all the collateral ever
/// received stays under `10⁴¹` base units: `deposit × (S − S₀)` is at most that times [`ONE`].
pub fn gain(deposit: u128, snapshot_p: u128, s_snapshot: U256, sums: &[U256]) -> Option<u128> {
	let (own, later) = sums.split_first()?;
	let mut sum = own.checked_sub(s_snapshot)?;
	let mut factor = U256::one();
	for next in later.iter().take(SCALE_SPAN as usize) {
		factor = factor.checked_mul(SCALE_FACTOR.into())?;
		sum = sum.checked_add(next.checked_div(factor)?)?;
	}
	U256::from(deposit)
		.checked_mul(sum)?
		.checked_div(snapshot_p.into())?
		.try_into()
		.ok()
}

/// What [`dust_after`] counts dust in: a base unit is this many.
pub const DUST_UNIT: u128 = MINIMUM;

/// An upper bound, after a payment, of the part of the total that belongs to no depositor, in `1
/// /`[`DUST_UNIT`] base units, given one before: `dust × (total − paid) / total + (total − paid)`, rounded
/// up. The second term is the rounding of `P`. Whoever stores a deposit anew as [`compounded`] gives it adds
/// one [`DUST_UNIT`].
///
/// Saturates: only a bound, and beyond 10¹¹ base units of dust no longer a true one. `None` if `paid` exceeds
/// `total`.
pub fn dust_after(dust: u128, total: u128, paid: u128) -> Option<u128> {
	let left = total.checked_sub(paid)?;
	if left == 0 || paid == 0 {
		return Some(if left == 0 { 0 } else { dust });
	}
	Some(mul_div(dust, left, total, Rounding::Up)?.saturating_add(left))
}

/// An upper bound of the part of `collateral`, in base units, that goes to no depositor when `total`
/// deposited, of which `dust` in `1 /`[`DUST_UNIT`] base units belongs to nobody, shares it: the dust's
/// share, the rounding of `S`, and from scale [`SCALE_SPAN`] on a `10⁻¹⁸` part for deposits too far behind to
/// count (true while those were made of less than `10¹⁸` base units). Rounded up.
///
/// Saturates at `collateral`, which is always enough. `None` if `total` is zero.
pub fn dust_gain(collateral: u128, dust: u128, total: u128, product: Product) -> Option<u128> {
	let owned_by_all = U256::from(total).checked_mul(DUST_UNIT.into())?;
	let (share, rest) = U256::from(collateral)
		.checked_mul(dust.into())
		.filter(|_| total > 0)?
		.div_mod(owned_by_all);
	let share = u128::try_from(share)
		.unwrap_or(collateral)
		.saturating_add(u128::from(!rest.is_zero()));
	let rounding = (total / DUST_UNIT).saturating_add(1);
	let behind = if product.scale > SCALE_SPAN {
		collateral / crate::ONE + 1
	} else {
		0
	};
	Some(
		share
			.saturating_add(rounding)
			.saturating_add(behind)
			.min(collateral),
	)
}
