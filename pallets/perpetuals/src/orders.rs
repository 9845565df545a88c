//! Orders from commitment to their end.

use frame_support::{ensure, storage::with_storage_layer, traits::Time};
use keel_math::{perpetual, FixedU128, Rounding};
use keel_primitives::{
	Act, Action, Balance, BreakerSubject, CircuitBreaker, LiquidityPool, MarginAccountId, MarginAccounts,
	MarketId, MarketParameters, Moment, OrderId, RiskParameters, Size,
};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{
	fees::Fees,
	fill::{clipped, Request},
	order::TRAIL,
	overflow, Book, Config, Error, Event, Filled, Market, NewOrder, NextOrder, Order, Orders, Pallet, Placed,
	Queue, Ratchets, Resting, Stage, Status, TraderOf, Traders, Waiting, LOCK_MS, MAX_LIFE_MS, MAX_SIZE,
	MIN_NOTIONAL,
};

/// What became of an order that was tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tried {
	/// It was filled.
	Filled,
	/// It failed and is gone.
	Failed,
	/// It rests until the mark comes to its limit.
	Rests,
	/// What its limit left of it stays in the queue: it keeps nobody waiting.
	Stays,
	/// It, or what is left of it, fits into the next block; so does all that would move the price the same
	/// way.
	Waits,
}

/// What an order that is placed anew keeps of its life.
#[derive(Clone, Copy, Default)]
struct Kept {
	/// Held for it.
	fee: Balance,
	/// What of that is not taken from its account yet.
	due: Balance,
	filled: Filled,
	twin: Option<OrderId>,
}

impl<T: Config> Pallet<T> {
	/// Commit an order: hold its fee and put it where it waits. Its number.
	pub(crate) fn do_commit(account: MarginAccountId, new: &NewOrder) -> Result<OrderId, DispatchError> {
		let fee = T::RiskParameters::chain().order_fee;
		let id = Self::next_number()?;
		let kept = Kept {
			fee,
			due: fee,
			..Default::default()
		};
		let order = Self::place(account, id, new, kept)?;
		Book::<T>::try_mutate(|book| -> DispatchResult {
			book.order_fees = book.order_fees.checked_add(fee).ok_or_else(overflow)?;
			Ok(())
		})?;
		let taken = 0i128.checked_sub_unsigned(fee).ok_or_else(overflow)?;
		T::Accounts::settle(account, taken)?;
		// Not an act on its positions: it must not put off a liquidation. But it has less than before.
		T::Accounts::acted(account, Act::Suffered)?;
		Self::deposit_event(Event::OrderCommitted {
			order: id,
			account,
			fee,
			terms: order.terms(),
		});
		Ok(id)
	}

	/// Commit two orders of which one cancels the other.
	pub(crate) fn do_commit_pair(account: MarginAccountId, pair: [&NewOrder; 2]) -> DispatchResult {
		let [first, second] = pair;
		ensure!(first.market == second.market, Error::<T>::NotAPair);
		let (first, second) = (
			Self::do_commit(account, first)?,
			Self::do_commit(account, second)?,
		);
		for (id, twin) in [(first, second), (second, first)] {
			Orders::<T>::mutate_extant(id, |order| order.twin = Some(twin));
		}
		Self::deposit_event(Event::OrdersPaired { first, second });
		Ok(())
	}

	/// Give an order that is not in the queue other terms. It keeps its number, its fee and what of it is
	/// filled.
	pub(crate) fn do_amend(who: &T::AccountId, id: OrderId, new: &NewOrder) -> DispatchResult {
		let order = Self::owned(who, id)?;
		ensure!(!order.is_queued(), Error::<T>::TooEarlyToCancel);
		Self::forget(id)?;
		let kept = Kept {
			fee: order.fee,
			due: 0,
			filled: order.filled,
			twin: order.twin,
		};
		let amended = Self::place(order.account, id, new, kept)?;
		T::Accounts::acted(order.account, Act::Suffered)?;
		Self::deposit_event(Event::OrderAmended {
			order: id,
			account: order.account,
			terms: amended.terms(),
		});
		Ok(())
	}

	/// Check what an order asks for and put it where it waits.
	fn place(
		account: MarginAccountId,
		id: OrderId,
		new: &NewOrder,
		kept: Kept,
	) -> Result<Order, DispatchError> {
		ensure!(new.size != 0, Error::<T>::ZeroSize);
		let trail = new.trigger.and_then(|trigger| trigger.trail);
		ensure!(
			new.size.unsigned_abs() <= MAX_SIZE
				&& (1..=MAX_LIFE_MS).contains(&new.expires_in)
				&& trail.is_none_or(|trail| TRAIL[0] <= trail && trail <= TRAIL[1]),
			Error::<T>::OutOfRange
		);
		ensure!(!new.resting || new.limit.is_some(), Error::<T>::LimitNeeded);
		let mut trader = Traders::<T>::get(account);
		let book = Book::<T>::get();
		let market = book.market(new.market).ok_or(Error::<T>::UnknownMarket)?;
		let margin = Self::check_commit(account, market, new, &trader, &kept)?;

		let now = T::Time::now();
		let trigger = new.trigger.map(|trigger| trigger.followed(market.index()));
		let stage = match trigger {
			Some(_) => Stage::Waiting,
			None => Stage::Queued {
				since: now,
				place: Self::place_for(id)?,
			},
		};
		let order = Order {
			account,
			market: new.market,
			size: new.size,
			trigger,
			limit: new.limit,
			resting: new.resting,
			reduce_only: new.reduce_only,
			expires_at: now.saturating_add(new.expires_in),
			committed_at: now,
			stage,
			filled: kept.filled,
			twin: kept.twin,
			fee: kept.fee,
		};
		let placed = Placed {
			id,
			market: new.market,
			size: new.size,
			margin,
		};
		trader
			.orders
			.try_push(placed)
			.map_err(|_| Error::<T>::TooManyOrders)?;
		Self::put_trader(account, &trader);
		Orders::<T>::insert(id, order);
		Self::list(id, &order);
		Ok(order)
	}

	/// The next number of an order, or place in a queue.
	fn next_number() -> Result<OrderId, DispatchError> {
		let id = NextOrder::<T>::get();
		NextOrder::<T>::put(id.checked_add(1).ok_or_else(overflow)?);
		Ok(id)
	}

	/// The place of order `id` at the end of the queue: its own number where that is the last one given.
	fn place_for(id: OrderId) -> Result<OrderId, DispatchError> {
		match NextOrder::<T>::get().checked_sub(1) {
			Some(last) if last == id => Ok(id),
			_ => Self::next_number(),
		}
	}

	/// Put an order where it waits.
	fn list(id: OrderId, order: &Order) {
		match order.stage {
			Stage::Waiting => {
				if let Some(trigger) = order.trigger {
					Waiting::<T>::insert((order.market, trigger.when), trigger.key(id), ());
					if let Some(ratchet) = trigger.ratchet() {
						Ratchets::<T>::insert((order.market, ratchet.when), ratchet.key(id), ());
					}
				}
			}
			Stage::Resting => {
				if let Some(limit) = order.rests_for() {
					Resting::<T>::insert((order.market, limit.when), limit.key(id), ());
				}
			}
			Stage::Queued { place, .. } => Queue::<T>::insert(order.market, place.to_be_bytes(), id),
		}
	}

	/// Take an order from where it waits.
	fn unlist(id: OrderId, order: &Order) {
		match order.stage {
			Stage::Waiting => {
				if let Some(trigger) = order.trigger {
					Waiting::<T>::remove((order.market, trigger.when), trigger.key(id));
					if let Some(ratchet) = trigger.ratchet() {
						Ratchets::<T>::remove((order.market, ratchet.when), ratchet.key(id));
					}
				}
			}
			Stage::Resting => {
				if let Some(limit) = order.rests_for() {
					Resting::<T>::remove((order.market, limit.when), limit.key(id));
				}
			}
			Stage::Queued { place, .. } => Queue::<T>::remove(order.market, place.to_be_bytes()),
		}
	}

	/// Have order `id` wait where `changed` does.
	fn relist(id: OrderId, order: &Order, changed: &Order) {
		Self::unlist(id, order);
		Self::list(id, changed);
		Orders::<T>::insert(id, changed);
	}

	/// Checks that an order could be filled one day. Returns what it needs of the account's margin.
	///
	/// The account must have that, and it is held: whoever could do without it could make an order fail, or let it fill, with the
	/// price in sight.
	fn check_commit(
		account: MarginAccountId,
		market: &Market,
		new: &NewOrder,
		trader: &TraderOf<T>,
		kept: &Kept,
	) -> Result<Balance, DispatchError> {
		let (id, size) = (new.market, new.size);
		ensure!(!market.is_settled(), Error::<T>::MarketSettled);
		ensure!(!market.has_stopped(T::Time::now()), Error::<T>::MarketStopped);
		ensure!(market.index() > FixedU128::default(), Error::<T>::NoPrice);
		let p = T::RiskParameters::market(id)?;
		let held = trader.position(id).size;
		if new.reduce_only {
			// What waits may reduce what an open order opens before.
			let attached = new.trigger.is_some() && trader.opens_against(id, size);
			ensure!(attached || clipped(size, held) != 0, Error::<T>::NothingToReduce);
			// Of an account that holds nothing for others the fee is taken, whatever is left: it must be able
			// to reduce.
			if trader.held_margin() > 0 {
				Self::ensure_free(account, kept.due)?;
			}
			return Ok(0);
		}
		ensure!(market.status == Status::Open, Error::<T>::MarketClosing);
		let worth = perpetual::notional(size, market.index(), Rounding::Up).ok_or_else(overflow)?;
		ensure!(worth >= MIN_NOTIONAL, Error::<T>::OrderTooSmall);
		if perpetual::split(size, held).0 != 0 {
			// One that fills as a whole or not at all.
			let whole = new.limit.is_some() && !new.resting;
			ensure!(
				!whole || !Self::is_too_large(market, &p, size)?,
				Error::<T>::OrderTooLarge
			);
			if new.trigger.is_none() {
				T::CircuitBreaker::ensure(BreakerSubject::Market(id), Action::AddRisk)?;
			}
		}
		let needs = Self::ensure_margin(account, market, trader, &p, size, (kept.fee, kept.due))?;
		// The order fee is taken by now and is one of the fees then.
		Ok(needs.saturating_sub(kept.fee))
	}

	/// Checks that `account` has the margin for an order of `size`, beside what it holds for others. Returns
	/// that, with the fees. Of the order's `fee` what is `due` is still to be taken.
	pub(crate) fn ensure_margin(
		account: MarginAccountId,
		market: &Market,
		trader: &TraderOf<T>,
		p: &MarketParameters,
		size: Size,
		(fee, due): (Balance, Balance),
	) -> Result<Balance, DispatchError> {
		let before = trader.size_before(market.id, size);
		let needs = Self::margin_for(market, before, p, size, fee).ok_or_else(overflow)?;
		let taken = fee.saturating_sub(due);
		Self::ensure_free(account, needs.saturating_sub(taken).max(due))?;
		Ok(needs)
	}

	/// Whether `account` has so much beside what it needs and holds for its orders. Nothing else pays for
	/// another order: three fees taken from what an earlier one holds would make that fail with the price in
	/// sight.
	fn ensure_free(account: MarginAccountId, amount: Balance) -> DispatchResult {
		let mut risk = T::Accounts::risk(account)?;
		risk.initial = risk.initial.checked_add(amount).ok_or_else(overflow)?;
		ensure!(risk.is_initial(), Error::<T>::NotEnoughMargin);
		Ok(())
	}

	/// Order `id`, if it is one of `who`.
	fn owned(who: &T::AccountId, id: OrderId) -> Result<Order, DispatchError> {
		let order = Orders::<T>::get(id).ok_or(Error::<T>::UnknownOrder)?;
		let owns = T::Accounts::owner(order.account).is_some_and(|owner| owner == *who);
		ensure!(owns, Error::<T>::NotOwner);
		Ok(order)
	}

	/// Returns `true` if `order` is about to be filled, at a price that may be in sight.
	fn is_locked(order: &Order, now: Moment) -> bool {
		matches!(order.stage, Stage::Queued { since, .. } if now < since.saturating_add(LOCK_MS))
	}

	/// Cancel an order for `who`.
	pub(crate) fn do_cancel(who: &T::AccountId, id: OrderId) -> DispatchResult {
		let order = Orders::<T>::get(id).ok_or(Error::<T>::UnknownOrder)?;
		let now = T::Time::now();
		let book = Book::<T>::get();
		let over = book.market(order.market).is_none_or(|market| market.is_settled());
		if !over && now < order.expires_at {
			Self::owned(who, id)?;
		}
		ensure!(
			over || !Self::is_locked(&order, now),
			Error::<T>::TooEarlyToCancel
		);
		Self::drop_order(id, over || !order.is_queued())
	}

	/// Cancel all orders of an account, or those of one market, but for those about to be filled. How many.
	pub(crate) fn do_cancel_all(
		account: MarginAccountId,
		market: Option<MarketId>,
	) -> Result<u32, DispatchError> {
		let now = T::Time::now();
		let orders = Traders::<T>::get(account).orders;
		let mut cancelled = 0u32;
		for placed in orders
			.iter()
			.filter(|placed| market.is_none_or(|id| placed.market == id))
		{
			let order = Orders::<T>::get(placed.id).ok_or(Error::<T>::UnknownOrder)?;
			if !Self::is_locked(&order, now) {
				Self::drop_order(placed.id, !order.is_queued())?;
				// At most `MaxOrders`.
				cancelled = cancelled.saturating_add(1);
			}
		}
		ensure!(cancelled > 0, Error::<T>::NothingToCancel);
		Ok(cancelled)
	}

	/// Commit an order without a limit to close each position of an account. How many.
	pub(crate) fn do_close_all(account: MarginAccountId, expires_in: Moment) -> Result<u32, DispatchError> {
		let positions = Traders::<T>::get(account).positions;
		let book = Book::<T>::get();
		let now = T::Time::now();
		let mut closing = 0u32;
		for position in &positions {
			let trades = book
				.market(position.market)
				.is_some_and(|market| !market.is_settled() && !market.has_stopped(now));
			if trades {
				let order = NewOrder {
					market: position.market,
					size: position.size.checked_neg().ok_or_else(overflow)?,
					reduce_only: true,
					expires_in,
					..Default::default()
				};
				Self::do_commit(account, &order)?;
				// At most `MaxPositions`.
				closing = closing.saturating_add(1);
			}
		}
		ensure!(closing > 0, Error::<T>::NothingToReduce);
		Ok(closing)
	}

	/// Take order `id` out of everything; its fee goes back if `returns`, else it is kept. All or nothing, if the caller is.
	pub(crate) fn drop_order(id: OrderId, returns: bool) -> DispatchResult {
		let order = Self::forget(id)?;
		let returned = if returns { order.fee } else { 0 };
		if returns {
			Book::<T>::try_mutate(|book| -> DispatchResult {
				book.order_fees = book.order_fees.checked_sub(order.fee).ok_or_else(overflow)?;
				Ok(())
			})?;
			let credit = order.fee.try_into().map_err(|_| overflow())?;
			T::Accounts::settle(order.account, credit)?;
		} else {
			Self::keep_fee(&order)?;
		}
		Self::deposit_event(Event::OrderCancelled {
			order: id,
			account: order.account,
			market: order.market,
			returned,
		});
		Ok(())
	}

	/// Take order `id` out of its account, the queue or the waiting ones.
	fn forget(id: OrderId) -> Result<Order, DispatchError> {
		let order = Orders::<T>::take(id).ok_or(Error::<T>::UnknownOrder)?;
		Self::unlist(id, &order);
		let mut trader = Traders::<T>::get(order.account);
		trader.drop_order(id);
		Self::put_trader(order.account, &trader);
		Ok(order)
	}

	/// The fee held for an order is earned: split as a taker fee. Where that can't be done, it is the fund's.
	fn keep_fee(order: &Order) -> DispatchResult {
		let split = with_storage_layer(|| -> DispatchResult {
			let mut book = Book::<T>::get();
			let p = T::RiskParameters::market(order.market)?;
			let fees = Fees {
				taker: order.fee,
				..Default::default()
			};
			book.order_fees = book.order_fees.checked_sub(order.fee).ok_or_else(overflow)?;
			let pool = Self::split_fee(&mut book, order.market, &p, &fees).ok_or_else(overflow)?;
			Book::<T>::put(book);
			T::Pool::settle(pool.try_into().map_err(|_| overflow())?)
		});
		if split.is_ok() {
			return Ok(());
		}
		Book::<T>::try_mutate(|book| {
			book.order_fees = book.order_fees.checked_sub(order.fee).ok_or_else(overflow)?;
			book.fund_due = book.fund_due.checked_add(order.fee).ok_or_else(overflow)?;
			Ok(())
		})
	}

	/// Move order `id`, whose trigger or limit was met at `price`, to the end of the queue. Like any other it
	/// fills at a price made after that: at the one that triggered it, whoever saw that coming could have
	/// cancelled it, or not.
	pub(crate) fn trigger(id: OrderId, price: FixedU128, now: Moment) {
		let Some(order) = Orders::<T>::get(id) else {
			return;
		};
		let stage = Stage::Queued {
			since: now,
			// Where there is no further number, which no chain lives to see, it keeps its own.
			place: Self::next_number().unwrap_or(id),
		};
		Self::relist(id, &order, &Order { stage, ..order });
		Self::deposit_event(Event::OrderTriggered {
			order: id,
			market: order.market,
			price,
		});
	}

	/// Have the trailing trigger of order `id` follow the index price.
	pub(crate) fn follow(id: OrderId, index: FixedU128) {
		let Some(order) = Orders::<T>::get(id) else {
			return;
		};
		let trigger = order.trigger.map(|trigger| trigger.followed(index));
		Self::relist(id, &order, &Order { trigger, ..order });
	}

	/// Where what is left of an order waits. One that moves the price by all that a block lets it goes to the
	/// end of the queue: others have their turn before it goes on.
	fn stage_of_rest(order: &Order) -> Result<Stage, DispatchError> {
		Ok(match order.stage {
			Stage::Queued { since, .. } if !order.resting => Stage::Queued {
				since,
				place: Self::next_number()?,
			},
			stage => stage,
		})
	}

	/// Fill an order that is due, or a part of it; or remove it with its fee; or have it rest or wait.
	pub(crate) fn try_order(id: OrderId, order: &Order) -> Tried {
		let filled = with_storage_layer(|| -> Result<Size, DispatchError> {
			ensure!(T::Time::now() < order.expires_at, Error::<T>::Expired);
			let fill = Self::execute(&Request::from(order), Some((id, order)))?;
			let filled = order.filled.and(fill.size, fill.price).ok_or_else(overflow)?;
			if fill.left == 0 {
				Self::unlist(id, order);
				Orders::<T>::remove(id);
				// It is gone if it was cancelled or failed.
				if let Some(twin) = order.twin.filter(|twin| Orders::<T>::contains_key(twin)) {
					Self::drop_order(twin, true)?;
				}
			} else {
				// What was held for it went into the fee of this part.
				let rest = Order {
					size: fill.left,
					filled,
					fee: 0,
					stage: Self::stage_of_rest(order)?,
					..*order
				};
				Self::relist(id, order, &rest);
			}
			Self::deposit_event(Event::OrderFilled {
				order: id,
				account: order.account,
				market: order.market,
				size: fill.size,
				price: fill.price,
				fee: fill.fee,
				realised: fill.realised,
				funding: fill.funding,
				haircut: fill.haircut,
				position: fill.position,
				left: fill.left,
				average: filled.average().unwrap_or(fill.price),
			});
			Ok(fill.left)
		});
		match filled {
			Ok(0) => Tried::Filled,
			Ok(_) if order.resting => Tried::Stays,
			Ok(_) => Tried::Waits,
			Err(error) if error == Error::<T>::PremiumStepReached.into() => Tried::Waits,
			Err(error) if order.resting && error == Error::<T>::LimitNotMet.into() => {
				let stage = Stage::Resting;
				Self::relist(id, order, &Order { stage, ..*order });
				Self::deposit_event(Event::OrderRests {
					order: id,
					market: order.market,
				});
				Tried::Rests
			}
			// It was not filled, and had nothing to choose.
			Err(error) if order.resting && error == Error::<T>::Expired.into() => {
				match with_storage_layer(|| Self::drop_order(id, true)) {
					Ok(()) => Tried::Failed,
					Err(error) => Self::fail(id, error),
				}
			}
			Err(error) => Self::fail(id, error),
		}
	}

	/// Remove an order that failed and keep its fee.
	fn fail(id: OrderId, error: DispatchError) -> Tried {
		let failed = with_storage_layer(|| -> DispatchResult {
			let order = Self::forget(id)?;
			Self::keep_fee(&order)?;
			Self::deposit_event(Event::OrderFailed {
				order: id,
				account: order.account,
				market: order.market,
				error,
				fee: order.fee,
			});
			Ok(())
		});
		match failed {
			Ok(()) => Tried::Failed,
			// Its fee does not fit into a sum of fees, which fit into the supply of kUSD.
			Err(_) => Tried::Waits,
		}
	}
}
