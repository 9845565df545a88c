//! Orders from commitment to their end.

use frame_support::{ensure, storage::with_storage_layer, traits::Time};
use keel_math::{perpetual, FixedU128, Rounding};
use keel_primitives::{
	Act, Action, BreakerSubject, CircuitBreaker, LiquidityPool, MarginAccountId, MarginAccounts, MarketId,
	Moment, OrderId, RiskParameters, Size,
};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{
	fees::Fees,
	fill::{clipped, Request},
	overflow, Book, Config, Error, Event, NextOrder, Order, Orders, Pallet, Queue, Status, Traders, Trigger,
	Waiting, LOCK_MS, MAX_LIFE_MS, MAX_SIZE, MIN_NOTIONAL,
};

/// What became of an order that was tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tried {
	/// It was filled.
	Filled,
	/// It failed and is gone.
	Failed,
	/// It fits into the next block.
	Waits,
}

impl<T: Config> Pallet<T> {
	/// Commit an order: hold its fee and put it where it waits.
	#[allow(clippy::too_many_arguments)]
	pub(crate) fn do_commit(
		account: MarginAccountId,
		market: MarketId,
		size: Size,
		trigger: Option<Trigger>,
		limit: Option<FixedU128>,
		reduce_only: bool,
		expires_in: Moment,
	) -> DispatchResult {
		ensure!(size != 0, Error::<T>::ZeroSize);
		ensure!(
			size.unsigned_abs() <= MAX_SIZE && (1..=MAX_LIFE_MS).contains(&expires_in),
			Error::<T>::OutOfRange
		);
		let mut trader = Traders::<T>::get(account);
		Self::check_commit(
			account,
			market,
			size,
			trader.position(market).size,
			trigger.is_none(),
			reduce_only,
			limit.is_some(),
		)?;

		let now = T::Time::now();
		let fee = T::RiskParameters::chain().order_fee;
		let order = Order {
			account,
			market,
			size,
			trigger,
			limit,
			reduce_only,
			expires_at: now.saturating_add(expires_in),
			committed_at: now,
			queued_at: trigger.is_none().then_some(now),
			fee,
		};
		let id = NextOrder::<T>::get();
		NextOrder::<T>::put(id.checked_add(1).ok_or_else(overflow)?);
		trader
			.orders
			.try_push(id)
			.map_err(|_| Error::<T>::TooManyOrders)?;
		Self::put_trader(account, &trader);
		Orders::<T>::insert(id, order);
		match trigger {
			Some(trigger) => Waiting::<T>::insert((market, trigger.when), trigger.key(id), ()),
			None => Queue::<T>::insert(market, id.to_be_bytes(), ()),
		}
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
			market,
			size,
			trigger,
			limit,
			reduce_only,
			expires_at: order.expires_at,
			fee,
		});
		Ok(())
	}

	/// Could an order of `size` against a position of `held` be filled one day?
	fn check_commit(
		account: MarginAccountId,
		id: MarketId,
		size: Size,
		held: Size,
		at_once: bool,
		reduce_only: bool,
		limited: bool,
	) -> DispatchResult {
		let book = Book::<T>::get();
		let market = book.market(id).ok_or(Error::<T>::UnknownMarket)?;
		ensure!(!market.is_settled(), Error::<T>::MarketSettled);
		ensure!(market.index() > FixedU128::default(), Error::<T>::NoPrice);
		let p = T::RiskParameters::market(id)?;
		let step = Self::step(market, &p).ok_or_else(overflow)?;
		// The step keeps nobody from narrowing much at once. Whoever trades before and behind him at the same price gains less
		// than the fees only as long as he moves the mark by no more than a step; beyond it he has to say what he accepts.
		let named = limited || size.unsigned_abs() <= step.unsigned_abs();
		if reduce_only {
			ensure!(clipped(size, held) != 0, Error::<T>::NothingToReduce);
			ensure!(named, Error::<T>::LimitNeeded);
			return Ok(());
		}
		ensure!(market.status == Status::Open, Error::<T>::MarketClosing);
		let worth = perpetual::notional(size, market.index(), Rounding::Up).ok_or_else(overflow)?;
		ensure!(worth >= MIN_NOTIONAL, Error::<T>::OrderTooSmall);
		if perpetual::split(size, held).0 != 0 {
			ensure!(!Self::is_too_large(market, &p, size)?, Error::<T>::OrderTooLarge);
			if at_once {
				T::CircuitBreaker::ensure(BreakerSubject::Market(id), Action::AddRisk)?;
			}
		}
		ensure!(named, Error::<T>::LimitNeeded);
		ensure!(
			T::Accounts::risk(account)?.is_initial(),
			Error::<T>::NotEnoughMargin
		);
		Ok(())
	}

	/// Cancel an order for `who`.
	pub(crate) fn do_cancel(who: &T::AccountId, id: OrderId) -> DispatchResult {
		let order = Orders::<T>::get(id).ok_or(Error::<T>::UnknownOrder)?;
		let now = T::Time::now();
		let book = Book::<T>::get();
		let over = book.market(order.market).is_none_or(|market| market.is_settled());
		let owns = T::Accounts::owner(order.account).is_some_and(|owner| owner == *who);
		ensure!(owns || over || now >= order.expires_at, Error::<T>::NotOwner);
		let locked = order
			.queued_at
			.is_some_and(|queued| now < queued.saturating_add(LOCK_MS));
		ensure!(!locked || over, Error::<T>::TooEarlyToCancel);
		Self::drop_order(id, over || order.queued_at.is_none())
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
		Self::unqueue(id, &order);
		let mut trader = Traders::<T>::get(order.account);
		trader.orders.retain(|held| *held != id);
		Self::put_trader(order.account, &trader);
		Ok(order)
	}

	/// Take an order out of the queue or the waiting ones.
	fn unqueue(id: OrderId, order: &Order) {
		match order.trigger {
			Some(trigger) if order.queued_at.is_none() => {
				Waiting::<T>::remove((order.market, trigger.when), trigger.key(id))
			}
			_ => Queue::<T>::remove(order.market, id.to_be_bytes()),
		}
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

	/// Move order `id`, whose trigger was met at `index`, into the queue.
	pub(crate) fn trigger(id: OrderId, trigger: Trigger, market: MarketId, index: FixedU128, now: Moment) {
		Waiting::<T>::remove((market, trigger.when), trigger.key(id));
		Queue::<T>::insert(market, id.to_be_bytes(), ());
		Orders::<T>::mutate_extant(id, |order| order.queued_at = Some(now));
		Self::deposit_event(Event::OrderTriggered {
			order: id,
			market,
			index,
		});
	}

	/// Fill an order that is due, or remove it with its fee; or leave it to the next block.
	pub(crate) fn try_order(id: OrderId, order: &Order) -> Tried {
		let filled = with_storage_layer(|| -> DispatchResult {
			ensure!(T::Time::now() < order.expires_at, Error::<T>::Expired);
			Self::unqueue(id, order);
			Orders::<T>::remove(id);
			let request = Request {
				account: order.account,
				market: order.market,
				size: order.size,
				limit: order.limit,
				reduce_only: order.reduce_only,
			};
			let fill = Self::execute(&request, Some((id, order.fee)))?;
			Self::deposit_event(Event::OrderFilled {
				order: id,
				account: order.account,
				market: order.market,
				size: fill.size,
				price: fill.price,
				fee: fill.fee,
				realised: fill.realised,
				funding: fill.funding,
				position: fill.position,
			});
			Ok(())
		});
		match filled {
			Ok(()) => Tried::Filled,
			Err(error) if error == Error::<T>::PremiumStepReached.into() => Tried::Waits,
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
