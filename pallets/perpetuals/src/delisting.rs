//! The beginning and the end of a market.

use frame_support::{
	ensure,
	traits::{Get, Time},
	weights::Weight,
};
use keel_math::{perpetual, FixedU128, Rounding};
use keel_primitives::{
	Act, Balance, Closed, FeedId, LiquidityPool, MarginAccountId, MarginAccounts, MarketId, Moment, OnGap,
	PriceProvider, RiskParameters,
};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{
	haircut::Moved, overflow, Config, Error, Event, Market, Markets, MarketsStateOf, Pallet, Position, Queue,
	Removed, Resting, Status, TraderOf, Waiting, When, NOTICE_MS, PAY_OUT_GRACE_MS,
};

impl Market {
	/// What paying `position` out at `price` closes: all of it, without a fee. `None` where that overflows.
	pub(crate) fn paid_out(&self, position: &Position, price: FixedU128) -> Option<Closed> {
		let mut after = *self;
		let trade = after.pay_out(position, price)?;
		Some(Closed {
			notional: perpetual::notional(position.size, price, Rounding::Up)?,
			fee: 0,
			credit: trade.gain()?,
		})
	}
}

impl<T: Config> Pallet<T> {
	/// List a market. Whether its feed has a price is the caller's to look at.
	pub(crate) fn do_list(id: MarketId, feed: FeedId) -> DispatchResult {
		let parameters = T::RiskParameters::market(id)?;
		ensure!(parameters.skew_scale > 0, Error::<T>::NoSkewScale);
		Markets::<T>::try_mutate(|state| {
			ensure!(
				state.market(id).is_none() && !Removed::<T>::contains_key(id),
				Error::<T>::MarketExists
			);
			let mut market = Market::new(id, feed, &parameters, T::Time::now());
			market.price = T::Prices::last(feed).unwrap_or_default();
			state
				.markets
				.try_push(market)
				.map_err(|_| Error::<T>::TooManyMarkets.into())
		})
	}

	/// From now on only reductions; settled at `settle_at`.
	pub(crate) fn do_delist(id: MarketId, settle_at: Moment) -> DispatchResult {
		let earliest = T::Time::now().saturating_add(NOTICE_MS);
		ensure!(settle_at >= earliest, Error::<T>::NoticeTooShort);
		Markets::<T>::try_mutate(|state| {
			let market = state.market_mut(id).ok_or(Error::<T>::UnknownMarket)?;
			ensure!(!market.is_settled(), Error::<T>::MarketSettled);
			market.status = Status::Closing { settle_at };
			Ok(())
		})
	}

	/// Markets that close do so later by the `length` of a stop of the chain: traders have all of their
	/// notice, and no market is settled before prices are back.
	pub(crate) fn put_off(length: Moment) {
		let mut state = Markets::<T>::get();
		for market in state.markets.iter_mut() {
			if let Status::Closing { settle_at } = &mut market.status {
				// Saturates where time ends.
				*settle_at = settle_at.saturating_add(length);
			}
		}
		Markets::<T>::put(state);
	}

	/// Settle `market` if its time has come: at the average if the price is fit for leaving, else at the last price. The price
	/// it was settled at.
	pub(crate) fn settle_if_due(market: &mut Market, now: Moment) -> Option<FixedU128> {
		let due = matches!(market.status, Status::Closing { settle_at } if now >= settle_at);
		if !due {
			return None;
		}
		let averaged = market.fit.reduce_risk && market.price.twap > FixedU128::default();
		let price = if averaged {
			market.price.twap
		} else {
			market.price.value
		};
		market.status = Status::Settled { price };
		market.fit = Default::default();
		Some(price)
	}

	/// Realises what account `account` has in a settled market for `who`, and cancels its orders there.
	pub(crate) fn do_pay_out(who: &T::AccountId, account: MarginAccountId, id: MarketId) -> DispatchResult {
		let mut state = Markets::<T>::get();
		let market = state.market(id).ok_or(Error::<T>::UnknownMarket)?;
		let Status::Settled { price } = market.status else {
			return Err(Error::<T>::NotSettled.into());
		};
		// The share that the pool can't pay is that of this block, or not known.
		Self::ensure_current(&state)?;
		let mut loaded = T::Accounts::load(account).map_err(|_| Error::<T>::NothingToPayOut)?;
		let owns = T::Accounts::owner(&loaded) == who;
		// A settled market stands still since. Saturates where time ends.
		let waited = T::Time::now() >= market.at.saturating_add(PAY_OUT_GRACE_MS);
		ensure!(owns || state.deficit == 0 || waited, Error::<T>::OwnerOnly);
		let trader = T::Accounts::trader_mut(&mut loaded);
		let held = trader.position(id);
		let mut orders = trader.orders.clone();
		orders.retain(|order| order.market == id);
		ensure!(held.size != 0 || !orders.is_empty(), Error::<T>::NothingToPayOut);
		let mut credit = 0;
		if held.size != 0 {
			credit = Self::pay_out_position(&mut state, account, trader, held, price)?.credit;
			Markets::<T>::put(state);
		}
		for order in &orders {
			Self::cancel(account, trader, order);
		}
		let act = if held.size != 0 {
			Act::Involuntary
		} else {
			Act::Ordered
		};
		T::Accounts::commit(account, loaded, credit, act, &[])
	}

	/// Realise `held`, a position of `account`, in a market settled at `price`: by call and by liquidation.
	/// Changes `state` and `trader`. Callers hold a storage layer.
	pub(crate) fn pay_out_position(
		state: &mut MarketsStateOf<T>,
		account: MarginAccountId,
		trader: &mut TraderOf<T>,
		held: Position,
		price: FixedU128,
	) -> Result<Closed, DispatchError> {
		let id = held.market;
		ensure!(held.size != 0, Error::<T>::NoPosition);
		let market = state.market_mut(id).ok_or(Error::<T>::UnknownMarket)?;
		let closed = market.paid_out(&held, price).ok_or_else(overflow)?;
		let trade = market.pay_out(&held, price).ok_or_else(overflow)?;
		let after = *market;
		// Of size zero it is forgotten, which there always is room for.
		let gone = Position {
			market: id,
			..Default::default()
		};
		trader.keep(gone).ok_or_else(overflow)?;
		Self::shift(&Moved::of(&after, &held, &gone));
		Self::claim_more(state, account, trade.haircut).ok_or_else(overflow)?;
		T::Pool::settle(closed.credit.checked_neg().ok_or_else(overflow)?)?;
		Self::deposit_event(Event::PositionPaidOut {
			account,
			market: id,
			size: held.size,
			price,
			realised: trade.realised,
			funding: trade.funding,
			haircut: trade.haircut,
		});
		Ok(closed)
	}

	/// Remove a settled market nobody is in. What its pots held.
	pub(crate) fn do_remove(id: MarketId) -> Result<Balance, DispatchError> {
		let mut state = Markets::<T>::get();
		let market = state.market(id).copied().ok_or(Error::<T>::UnknownMarket)?;
		ensure!(market.is_settled(), Error::<T>::NotSettled);
		let ordered = Queue::<T>::iter_key_prefix(id).next().is_some()
			|| [When::Above, When::Below].iter().any(|when| {
				let side = (id, *when);
				Waiting::<T>::iter_key_prefix(side)
					.chain(Resting::<T>::iter_key_prefix(side))
					.next()
					.is_some()
			});
		ensure!(market.positions == 0 && !ordered, Error::<T>::MarketInUse);
		let pots = market.rebates.checked_add(market.tranche).ok_or_else(overflow)?;
		state.fund_due = state.fund_due.checked_add(pots).ok_or_else(overflow)?;
		state.markets.retain(|market| market.id != id);
		Markets::<T>::put(state);
		Removed::<T>::insert(id, ());
		Ok(pots)
	}
}

impl<T: Config> OnGap for Pallet<T> {
	fn on_gap(length: Moment) -> Weight {
		Self::put_off(length);
		T::DbWeight::get().reads_writes(1, 1)
	}
}
