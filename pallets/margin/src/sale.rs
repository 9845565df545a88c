//! What collateral of liquidated accounts is sold for, and its third buyer, who is anybody.

use frame_support::{
	dispatch::DispatchResult,
	ensure,
	traits::{Get, Time},
};
use keel_math::{interest, mul_div, value, FixedU128, Rounding, ONE};
use keel_primitives::{AssetId, Balance, MarginAccountId, Moment, RiskParameters};
use sp_runtime::DispatchError;

use crate::{
	after_haircut, overflow, AccountData, Collateral, Config, Error, Health, Holding, Money, Offer, Pallet,
	Totals, SALE_FALL, SALE_STEP_MS,
};

/// What stability pool or insurance fund has to have before they are asked again for what is for sale to anybody, in base units of
/// kUSD: for less nobody makes a liquidation, unless it pays for all that is wanted.
const LEAST_ASKED: Balance = 1_000_000;

/// A holding and its prices, USD per whole unit.
#[derive(Clone, Copy)]
pub(crate) struct Lot {
	holding: Holding,
	collateral: Collateral,
	/// The feed's.
	price: FixedU128,
	/// What it is sold for.
	unit: FixedU128,
	/// What it is sold for at least: what it counts for, rounded up, or more.
	floor: FixedU128,
}

impl Lot {
	/// What `amount` of it is sold for, in base units of kUSD. `None` on overflow.
	fn worth(&self, amount: Balance, rounding: Rounding) -> Option<Balance> {
		value::value_of(amount, self.unit, self.collateral.divisor, rounding)
	}

	/// The same for all of it, rounded down; zero where nobody pays for it.
	pub fn whole(&self) -> Balance {
		self.worth(self.holding.amount, Rounding::Down).unwrap_or(0)
	}

	/// The value of `amount` at the feed's price, in base units of kUSD, rounded down.
	pub fn value(&self, amount: Balance) -> Balance {
		self.collateral.value(amount, self.price)
	}

	/// As much as repays `owed`, rounded up, or all there is.
	pub fn wanted(&self, owed: Balance) -> Balance {
		value::amount_for(owed, self.unit, self.collateral.divisor, Rounding::Up)
			.unwrap_or(Balance::MAX)
			.min(self.holding.amount)
	}

	/// The part of `amount` that `can_pay` pays for, and what is paid for it, both rounded down. `None` where either is zero.
	pub fn part(&self, amount: Balance, can_pay: Balance) -> Option<(Balance, Balance)> {
		let all = self.worth(amount, Rounding::Down).unwrap_or(0);
		let part = if all <= can_pay {
			amount
		} else {
			mul_div(amount, can_pay, all, Rounding::Down)?
		};
		let pays = self.worth(part, Rounding::Down).unwrap_or(0).min(can_pay);
		(part > 0 && pays > 0).then_some((part, pays))
	}

	/// Returns `true` if a liquidation that sells nothing but this for `owed` is worth it: a buyer who can
	/// pay `most` takes all that is wanted or pays [`LEAST_ASKED`], or nobody pays for any of it and the
	/// account is rid of it.
	pub fn has_buyer(&self, owed: Balance, most: Balance) -> bool {
		let wanted = self.wanted(owed);
		self.whole() == 0
			|| self
				.part(wanted, most)
				.is_some_and(|(part, pays)| part == wanted || pays >= LEAST_ASKED)
	}

	/// The same, with a floor that repays an account's `debt` out of all its `holdings` in proportion to their value, where the price it
	/// starts at does: nobody who waits has somebody else pay what the collateral could have paid.
	fn covering(self, debt: Balance, holdings: &[Holding]) -> Self {
		// Saturates: what all is worth is only compared.
		let all = holdings
			.iter()
			.fold(0, |sum: Balance, holding| sum.saturating_add(holding.value));
		// What nothing is worth repays nothing.
		let repays = mul_div(self.price.into_inner(), debt, all, Rounding::Up).unwrap_or(u128::MAX);
		let floor = self.unit.min(FixedU128::from_inner(repays)).max(self.floor);
		Self { floor, ..self }
	}

	/// The same, for no less than the price it starts at.
	fn at_its_price(self) -> Self {
		Self {
			floor: self.unit,
			..self
		}
	}

	/// The same at the price after `elapsed` ms of active time for sale to anybody: it falls by [`SALE_FALL`]
	/// of the feed's price with every full [`SALE_STEP_MS`]. What it falls by is rounded down.
	fn fallen(self, elapsed: Moment) -> Self {
		let steps = elapsed / SALE_STEP_MS;
		let share = SALE_FALL.into_inner().saturating_mul(steps.into());
		// What does not fit is more than there is.
		let fall = mul_div(self.price.into_inner(), share, ONE, Rounding::Down).unwrap_or(u128::MAX);
		let unit = self.unit.into_inner().saturating_sub(fall);
		Self {
			unit: FixedU128::from_inner(unit).max(self.floor),
			..self
		}
	}

	/// How long a price that has not fallen yet takes to its floor, in ms of active time.
	fn falls_for(&self) -> Moment {
		let above = self.unit.into_inner().saturating_sub(self.floor.into_inner());
		let share = mul_div(above, ONE, self.price.into_inner(), Rounding::Up).unwrap_or(0);
		let steps = share.div_ceil(SALE_FALL.into_inner());
		// A hundred steps at most: what it falls by is less than the price.
		SALE_STEP_MS.saturating_mul(u64::try_from(steps).unwrap_or(u64::MAX))
	}

	/// What anybody pays for `amount` of it, in base units of kUSD, if the account owes `debt`, normalised:
	/// its worth, rounded up, and no less than what leaves the account, to the unit, worth what it was.
	/// `None` on overflow.
	fn costs(&self, amount: Balance, debt: u128, money: &Money) -> Option<Balance> {
		let holding = &self.holding;
		let kept = self
			.collateral
			.value(holding.amount.checked_sub(amount)?, holding.price);
		let counts = holding
			.counted
			.checked_sub(after_haircut(kept, holding.haircut))?;
		// What may be owed afterwards: nothing where it counts for more, which the worth pays for. The
		// payment relieves of what it buys, rounded down.
		let rest = interest::debt_of(debt, money.index)?.saturating_sub(counts);
		let rest = interest::normalise_down(rest, money.index)?;
		let least = interest::debt_of(debt.saturating_sub(rest), money.index)?;
		Some(self.worth(amount, Rounding::Up)?.max(least))
	}
}

impl<T: Config> Pallet<T> {
	/// A holding at the price that stability pool and insurance fund pay: `price / (1 + discount)`, rounded down, but no less than
	/// what it counts for, so that no sale makes an account worth less. Refused where the price is, or is not newer than `changed_at`.
	pub(crate) fn lot(holding: &Holding, changed_at: Moment) -> Result<Lot, DispatchError> {
		let collateral = Self::collateral(holding.asset).ok_or(Error::<T>::UnknownCollateral)?;
		let price = Self::sale_price(holding.feed, changed_at)?;
		let discount = T::RiskParameters::collateral(collateral.asset)?.sale_discount;
		let divisor = ONE.checked_add(discount.into_inner()).ok_or_else(overflow)?;
		let sold = mul_div(price.into_inner(), ONE, divisor, Rounding::Down).ok_or_else(overflow)?;
		let left = ONE.saturating_sub(holding.haircut.into_inner());
		let counts = mul_div(price.into_inner(), left, ONE, Rounding::Up).ok_or_else(overflow)?;
		Ok(Lot {
			holding: *holding,
			collateral,
			price,
			unit: FixedU128::from_inner(sold.max(counts)),
			floor: FixedU128::from_inner(counts),
		})
	}

	/// Book `amount` of a collateral out of `account`, and what was paid for it in.
	pub(crate) fn hand_over(
		account: &mut AccountData<T>,
		asset: AssetId,
		amount: Balance,
		paid: Balance,
	) -> DispatchResult {
		Self::take_off(account, asset, amount)?;
		Self::count_out(asset, amount)?;
		if paid > 0 {
			let mut money = Self::money();
			Self::credit(account, &mut money, paid)?;
			Totals::<T>::put(money);
		}
		Ok(())
	}

	/// What anybody may buy now of a collateral of `account`, at most `most` base units of it: what the
	/// call and its view both go by.
	pub(crate) fn offer(
		account: &AccountData<T>,
		health: &Health,
		asset: AssetId,
		most: Balance,
	) -> Result<Offer, DispatchError> {
		let money = Self::money();
		let recalled = Self::to_recall(health, &money);
		let since = if recalled > 0 {
			ensure!(!Self::is_recalled(health), Error::<T>::NotForSale);
			None
		} else {
			ensure!(health.risk.is_unsafe(), Error::<T>::AccountSafe);
			ensure!(health.exposures.is_empty(), Error::<T>::PositionsOpen);
			Some(account.for_sale_since.ok_or(Error::<T>::NotForSale)?)
		};
		let holding = health
			.holdings
			.iter()
			.find(|holding| holding.asset == asset)
			.ok_or(Error::<T>::NotHeld)?;
		// A recall judges no risk, so that no price has to be newer than it.
		let changed_at = since.map_or(0, |_| account.changed_at);
		let lot = Self::lot(holding, changed_at)?;
		let (lot, owed, falls_for) = match since {
			// A safe account sells for what the first two pay, and no less.
			None => (lot.at_its_price(), recalled, 0),
			Some(since) => {
				let first = lot.covering(health.debt, &health.holdings);
				// A clock that went back lowers nothing.
				let elapsed = T::ActiveTime::now().saturating_sub(since);
				// Saturates at zero once it is there.
				let falls_for = first.falls_for().saturating_sub(elapsed);
				(first.fallen(elapsed), health.debt, falls_for)
			}
		};
		let amount = lot.wanted(owed).min(most);
		let pays = lot.costs(amount, account.debt, &money).ok_or_else(overflow)?;
		// Nothing is sold for nothing.
		ensure!(amount > 0 && pays > 0, Error::<T>::NothingChanged);
		Ok(Offer {
			amount,
			pays,
			price: lot.unit,
			floor: lot.floor,
			falls_for,
		})
	}

	/// Sell collateral of account `id`, for sale to anybody, to `buyer`: how much, in base units, and for how many of kUSD.
	pub(crate) fn do_buy_collateral(
		buyer: &T::AccountId,
		id: MarginAccountId,
		asset: AssetId,
		most: Balance,
		pay_at_most: Balance,
	) -> Result<(Balance, Balance), DispatchError> {
		let custody = Self::custody_account();
		ensure!(*buyer != custody, Error::<T>::OwnAccount);
		let (mut account, health) = Self::look(id)?;
		let Offer { amount, pays, .. } = Self::offer(&account, &health, asset, most)?;
		ensure!(pays <= pay_at_most, Error::<T>::CostsMore);
		Self::send(T::Synthetic::get(), buyer, &custody, pays)?;
		Self::hand_over(&mut account, asset, amount, pays)?;
		Self::send(asset, &custody, buyer, amount)?;
		// One that is safe has positions: what they are worth is not looked at here.
		let bare = account.collateral.is_empty() && account.trader == Default::default();
		if bare && account.debt > 0 {
			let owed = Self::money().debt_of(account.debt)?;
			// The purchase stands: what can't be covered now is tried again by a liquidation.
			let _ = Self::cover_deficit(id, &mut account, &[], owed);
		}
		Self::review(id, account)?;
		Ok((amount, pays))
	}
}
