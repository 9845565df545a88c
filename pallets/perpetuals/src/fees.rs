//! What a trade is charged, and who gets it.

use keel_math::{mul_ratio, perpetual, FixedU128, Rounding};
use keel_primitives::{Balance, MarketId, MarketParameters, Size};

use crate::{Config, Market, MarketsStateOf, Pallet};

/// The fees of a trade, in base units of kUSD.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fees {
	/// For what widened the skew, rounded up.
	pub taker: Balance,
	/// For what narrowed it, rounded up.
	pub maker: Balance,
	/// Received for what narrowed it, rounded down, out of the market's pot.
	pub rebate: Balance,
}

impl Fees {
	/// The fees of trading `delta` at `price` in `market`, as it was before. Outside its band the premium turns the maker fee into
	/// a rebate, of at most what the market's pot has. `None` on overflow.
	pub fn of(market: &Market, p: &MarketParameters, delta: Size, price: FixedU128) -> Option<Self> {
		let skew = market.skew();
		let (widening, narrowing) = perpetual::split(delta, skew);
		let charge = |size, rate| {
			mul_ratio(
				perpetual::notional(size, price, Rounding::Up)?,
				rate,
				Rounding::Up,
			)
		};
		let premium = market.curve()?.premium(skew)?.unsigned_abs();
		let taker = charge(widening, p.taker_fee)?;
		if premium > p.rebate_band.into_inner() {
			let worth = perpetual::notional(narrowing, price, Rounding::Down)?;
			let rebate = mul_ratio(worth, p.rebate, Rounding::Down)?.min(market.rebates);
			return Some(Self {
				taker,
				maker: 0,
				rebate,
			});
		}
		Some(Self {
			taker,
			maker: charge(narrowing, p.maker_fee)?,
			rebate: 0,
		})
	}

	/// The same fees, with as much more for what widened as makes them `least` before the rebate. `None` on overflow.
	pub fn at_least(self, least: Balance) -> Option<Self> {
		let more = least.saturating_sub(self.taker.checked_add(self.maker)?);
		Some(Self {
			taker: self.taker.checked_add(more)?,
			..self
		})
	}

	/// What the trader pays; below zero receives. `None` on overflow.
	pub fn net(&self) -> Option<i128> {
		let fees = self.taker.checked_add(self.maker)?;
		i128::try_from(fees)
			.ok()?
			.checked_sub(i128::try_from(self.rebate).ok()?)
	}
}

impl<T: Config> Pallet<T> {
	/// Markets the fees of a trade in market `id`, and take the rebate out of its pot: a share of taker
	/// fees is set aside for rebates; the rest goes to those whose profits were cut until they are repaid;
	/// then the fund's share fills the market's tranche, then goes to the fund; what is left, the pool's,
	/// is returned. `None` on overflow. Callers hold a storage layer.
	pub(crate) fn split_fee(
		state: &mut MarketsStateOf<T>,
		id: MarketId,
		p: &MarketParameters,
		fees: &Fees,
	) -> Option<Balance> {
		let share = state.fund_share;
		let market = state.market_mut(id)?;
		let aside = mul_ratio(fees.taker, p.rebate_share, Rounding::Down)?.min(fees.taker);
		market.rebates = market.rebates.checked_sub(fees.rebate)?.checked_add(aside)?;
		let rest = fees.taker.checked_add(fees.maker)?.checked_sub(aside)?;
		let rest = Self::repay(state, rest)?;
		let fund = mul_ratio(rest, share, Rounding::Up)?.min(rest);
		Self::to_fund(state, id, p, fund)?;
		rest.checked_sub(fund)
	}

	/// `amount` is the fund's: the market's tranche up to its target, then what is due. `None` on overflow.
	pub(crate) fn to_fund(
		state: &mut MarketsStateOf<T>,
		id: MarketId,
		p: &MarketParameters,
		amount: Balance,
	) -> Option<()> {
		let market = state.market_mut(id)?;
		// A tranche above a target that was lowered takes nothing.
		let kept = amount.min(p.tranche_target.saturating_sub(market.tranche));
		market.tranche = market.tranche.checked_add(kept)?;
		state.fund_due = state.fund_due.checked_add(amount.checked_sub(kept)?)?;
		Some(())
	}
}
