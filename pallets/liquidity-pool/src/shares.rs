//! What shares are worth. No storage, no floats; every rounding is in the pool's favour.

use keel_math::{div_ratio, mul_div, mul_ratio, FixedU128, Rounding, ONE};

/// `V`: the shares, and the base units of kUSD, that are added on either side of a share's value and belong to nobody. One
/// whole share and one kUSD. Source: OpenZeppelin's ERC-4626, "virtual shares and assets", with an offset on both sides, so that
/// the first share costs one kUSD.
///
/// Against inflation: an attacker who owns all `S` shares and gives the pool `D` loses `D·V/(S + V)` of it to
/// the offset at once. To make one share unit worth `u`, so that others lose up to `u` by rounding, he has to give
/// `D ≈ u·V`: a million times what one of them can lose.
pub const OFFSET: u128 = 1_000_000;

/// A pool's equity and its shares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Worth {
	/// Its equity, in base units of kUSD; below zero it is in debt.
	pub equity: i128,
	/// Its shares, in base units.
	pub supply: u128,
}

impl Worth {
	/// The equity, where there is any; also none of it where there are no shares yet.
	fn solvent(&self) -> Option<u128> {
		u128::try_from(self.equity)
			.ok()
			.filter(|equity| *equity > 0 || self.supply == 0)
	}

	/// What is paid per share, as a fraction: `min((E + V) / (S + V), E / S)`. `None` without equity, and on overflow.
	fn rate(&self) -> Option<(u128, u128)> {
		let equity = self.solvent()?;
		if equity < self.supply {
			// So the supply is not zero.
			return Some((equity, self.supply));
		}
		Some((equity.checked_add(OFFSET)?, self.supply.checked_add(OFFSET)?))
	}

	/// The shares that `amount` buys: `amount × (S + V) / (E + V)`, rounded down. A pool that was emptied to
	/// the last unit is filled again at the offset's price, at which those who lost everything keep next to
	/// nothing. `None` with equity below zero, and on overflow.
	pub fn shares_for(&self, amount: u128) -> Option<u128> {
		let equity = u128::try_from(self.equity).ok()?;
		mul_div(
			amount,
			self.supply.checked_add(OFFSET)?,
			equity.checked_add(OFFSET)?,
			Rounding::Down,
		)
	}

	/// What `shares` are paid: `shares × min((E + V) / (S + V), E / S)`, rounded down: of all shares never more than the
	/// equity. `None` without equity, and on overflow.
	pub fn value_of(&self, shares: u128) -> Option<u128> {
		let (value, per) = self.rate()?;
		mul_div(shares, value, per, Rounding::Down)
	}

	/// The most shares [whose value](Self::value_of) is surely at most `value`: rounded down. `None` without equity, and on
	/// overflow.
	pub fn shares_within(&self, value: u128) -> Option<u128> {
		let (all, shares) = self.rate()?;
		mul_div(value, shares, all, Rounding::Down)
	}

	/// The value of one whole share in kUSD, rounded down; zero without equity. `None` on overflow.
	pub fn share_value(&self) -> Option<FixedU128> {
		if self.solvent().is_none() {
			return Some(FixedU128::from_inner(0));
		}
		let (value, per) = self.rate()?;
		mul_div(value, ONE, per, Rounding::Down).map(FixedU128::from_inner)
	}
}

/// The least equity in whose share `limit` a loss of `worst_case` fits, rounded up: the smallest `e` with
/// `worst_case ≤ ⌊limit × e⌋`. The largest number there is where none is enough.
pub fn equity_needed(worst_case: u128, limit: FixedU128) -> u128 {
	if worst_case == 0 {
		return 0;
	}
	// None for a limit of zero, and on overflow.
	div_ratio(worst_case, limit, Rounding::Up).unwrap_or(u128::MAX)
}

/// What there is to pay of a pool's realised `cash`, of which `overdrawn` is lent: nothing where less than
/// nothing is left.
pub fn available(cash: i128, overdrawn: u128) -> u128 {
	u128::try_from(cash.saturating_sub_unsigned(overdrawn)).unwrap_or(0)
}

/// What may leave a pool: the equity that `worst_case` does not need, but never more than what is `available`
/// to be paid.
pub fn free(available: u128, equity: i128, worst_case: u128, limit: FixedU128) -> u128 {
	// Saturates: nothing is free where more is needed than there is.
	u128::try_from(equity)
		.unwrap_or(0)
		.saturating_sub(equity_needed(worst_case, limit))
		.min(available)
}

/// The share of its limit that `worst_case` takes, rounded up: above one, nothing may leave and no risk be added. `None` where the
/// limit is nothing and the worst case something, and on overflow.
pub fn utilisation(worst_case: u128, equity: i128, limit: FixedU128) -> Option<FixedU128> {
	if worst_case == 0 {
		return Some(FixedU128::from_inner(0));
	}
	let most = mul_ratio(u128::try_from(equity).unwrap_or(0), limit, Rounding::Down)?;
	mul_div(worst_case, ONE, most, Rounding::Up).map(FixedU128::from_inner)
}

/// The fewest shares of `supply` that a withdrawal may be of while `waiting` of at most `most` wait: `4·S·n³ / most⁴`,
/// rounded up. Its sum over a whole queue is below `S`, so that filling one takes about all shares there are.
pub fn least_withdrawal(supply: u128, waiting: u32, most: u32) -> u128 {
	let cubed = u128::from(waiting).checked_pow(3).and_then(|n| n.checked_mul(4));
	let all = u128::from(most).checked_pow(4);
	// Where it does not fit, it is more than there are shares.
	cubed
		.zip(all)
		.and_then(|(part, all)| mul_div(supply, part, all, Rounding::Up))
		.unwrap_or(u128::MAX)
}
