//! The fund's books. Pure arithmetic: a function returns `None` when a number would leave its range, and then
//! nothing is changed.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_math::{mul_ratio, FixedU128, Rounding, ONE};
use keel_primitives::{Balance, Coverage, Meter, Moment, Window};
use scale_info::TypeInfo;

/// What came in and what went out, cumulative, in base units.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Tranche {
	/// All that ever came in.
	pub inflow: Balance,
	/// All that ever went out.
	pub outflow: Balance,
}

impl Tranche {
	/// `inflow − outflow`. Saturates at zero; [`debit`](Self::debit) never lets it come to that, and `try_state` says if it did.
	pub fn balance(&self) -> Balance {
		self.inflow.saturating_sub(self.outflow)
	}

	/// With `amount` more. `None` on overflow.
	pub fn credit(self, amount: Balance) -> Option<Self> {
		Some(Self {
			inflow: self.inflow.checked_add(amount)?,
			..self
		})
	}

	/// With `amount` less. `None` if it holds less.
	pub fn debit(self, amount: Balance) -> Option<Self> {
		let outflow = self
			.outflow
			.checked_add(amount)
			.filter(|out| *out <= self.inflow)?;
		Some(Self { outflow, ..self })
	}
}

/// The fund's kUSD books.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Books {
	/// Pays shortfalls and claims first, and alone for collateral.
	pub shared: Tranche,
	/// Pays next, up to a cap within an hour.
	pub treasury: Tranche,
	/// All shortfalls ever reported.
	pub shortfalls: Balance,
	/// What was burned against them, at once or later.
	pub covered: Balance,
	/// What was paid to those who had a claim. It stays in circulation: no shortfall, and never bad debt.
	pub claims: Balance,
	/// What was paid for collateral.
	pub purchases: Balance,
	/// What governance paid out.
	pub spent: Balance,
}

/// All the fund writes down about kUSD, in one storage value.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Accounts {
	/// What came in, went out, was short and was covered.
	pub books: Books,
	/// Shortfalls and claims that came to the fund in about the last hour, whether it could carry them or
	/// not, less what the collateral beside them was worth.
	pub drawn: Meter,
	/// The part of the shortfalls of about the last hour that the collateral beside them was worth.
	pub backed: Meter,
	/// Stability fees minted in about the last hour.
	pub fees_minted: Window,
	/// What the treasury tranche paid for shortfalls and claims in about the last hour.
	pub treasury_paid: Window,
}

impl Accounts {
	/// The accounts after the treasury tranche paid `amount`. `None` if that is more than `cap` leaves within
	/// the hour.
	pub fn with_treasury_paid(mut self, now: Moment, cap: Balance, amount: Balance) -> Option<Self> {
		let fits = amount == 0 || self.treasury_paid.take(now, cap, amount);
		fits.then_some(self)
	}
}

/// What the meters read now, in base units of kUSD.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Readings {
	/// Shortfalls and claims that came to the fund in about the last hour.
	pub drawn: Balance,
	/// Stability fees minted in about the last hour.
	pub fees_minted: Balance,
	/// What the treasury tranche paid for shortfalls and claims in about the last hour.
	pub treasury_paid: Balance,
}

/// The kUSD in each tranche, in base units.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct TrancheBalances {
	/// Of the shared tranche.
	pub shared: Balance,
	/// Of the treasury tranche.
	pub treasury: Balance,
}

/// Where income went. The three parts add up to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Income {
	/// Burned against recorded bad debt.
	pub burned: Balance,
	/// Kept by the shared tranche.
	pub shared: Balance,
	/// Kept by the treasury tranche.
	pub treasury: Balance,
}

/// Who pays a claim. What the two parts leave of it stays with whoever asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Claim {
	/// Paid out of the shared tranche.
	pub shared: Balance,
	/// Paid out of the treasury tranche.
	pub treasury: Balance,
}

impl Claim {
	/// What is paid.
	pub fn paid(&self) -> Balance {
		// Safe: both parts together are at most the claim, which is a `Balance`.
		self.shared.saturating_add(self.treasury)
	}
}

/// Who carries a shortfall. The three parts add up to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Payment {
	/// Burned out of the shared tranche.
	pub shared: Balance,
	/// Burned out of the treasury tranche.
	pub treasury: Balance,
	/// Recorded as bad debt.
	pub bad_debt: Balance,
}

impl Payment {
	/// The same as the other pallets see it.
	pub fn coverage(&self) -> Coverage {
		// Safe: both parts together are at most the shortfall, which is a `Balance`.
		Coverage {
			covered: self.shared.saturating_add(self.treasury),
			bad_debt: self.bad_debt,
		}
	}
}

impl Books {
	/// `shortfalls − covered`. Saturates at zero; no function here covers more than is short, and `try_state` says if it did.
	pub fn bad_debt(&self) -> Balance {
		self.shortfalls.saturating_sub(self.covered)
	}

	/// After `amount` of income: bad debt first, then `share` of the rest (rounded up, at most all of it) to the shared
	/// tranche and the remainder to the treasury tranche. What is burned passes through the shared tranche. `None` on overflow.
	pub fn with_income(mut self, amount: Balance, share: FixedU128) -> Option<(Self, Income)> {
		let burned = amount.min(self.bad_debt());
		let rest = amount.checked_sub(burned)?;
		let share = share.min(FixedU128::from_inner(ONE));
		let shared = mul_ratio(rest, share, Rounding::Up)?.min(rest);
		let treasury = rest.checked_sub(shared)?;
		self.covered = self.covered.checked_add(burned)?;
		self.shared = self.shared.credit(burned.checked_add(shared)?)?.debit(burned)?;
		self.treasury = self.treasury.credit(treasury)?;
		Some((
			self,
			Income {
				burned,
				shared,
				treasury,
			},
		))
	}

	/// After `amount` was asked of the tranches: the shared one gives what it can, the treasury tranche at most `cap` of what
	/// is left. `None` on overflow.
	fn drawn(mut self, amount: Balance, cap: Balance) -> Option<(Self, Claim)> {
		let shared = amount.min(self.shared.balance());
		let rest = amount.checked_sub(shared)?;
		let treasury = rest.min(cap).min(self.treasury.balance());
		self.shared = self.shared.debit(shared)?;
		self.treasury = self.treasury.debit(treasury)?;
		Some((self, Claim { shared, treasury }))
	}

	/// After a shortfall: the shared tranche pays what it can, the treasury tranche at most `cap` of what is left, the
	/// rest is bad debt. `None` on overflow.
	pub fn with_shortfall(self, shortfall: Balance, cap: Balance) -> Option<(Self, Payment)> {
		let (mut books, drawn) = self.drawn(shortfall, cap)?;
		let bad_debt = shortfall.checked_sub(drawn.paid())?;
		books.shortfalls = books.shortfalls.checked_add(shortfall)?;
		books.covered = books.covered.checked_add(drawn.paid())?;
		let Claim { shared, treasury } = drawn;
		Some((
			books,
			Payment {
				shared,
				treasury,
				bad_debt,
			},
		))
	}

	/// After a claim: paid as a shortfall is, but out and not burned, and what nobody here pays is not recorded. `None` on
	/// overflow.
	pub fn with_claim(self, claim: Balance, cap: Balance) -> Option<(Self, Claim)> {
		let (mut books, claim) = self.drawn(claim, cap)?;
		books.claims = books.claims.checked_add(claim.paid())?;
		Some((books, claim))
	}

	/// After `price` was paid for collateral out of the shared tranche. `None` if it holds less, or on overflow.
	pub fn with_purchase(mut self, price: Balance) -> Option<Self> {
		self.shared = self.shared.debit(price)?;
		self.purchases = self.purchases.checked_add(price)?;
		Some(self)
	}

	/// After governance paid `amount` out of the treasury tranche. `None` if it holds less, or on overflow.
	pub fn with_spending(mut self, amount: Balance) -> Option<Self> {
		self.treasury = self.treasury.debit(amount)?;
		self.spent = self.spent.checked_add(amount)?;
		Some(self)
	}
}
