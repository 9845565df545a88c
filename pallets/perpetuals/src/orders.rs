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
	overflow, Book, Config, Error, Event, Market, NextOrder, Order, Orders, Pallet, Placed, Queue, Status,
	TraderOf, Traders, Trigger, Waiting, LOCK_MS, MAX_LIFE_MS, MAX_SIZE, MIN_NOTIONAL,
};

/// What became of an order that was tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tried {
	/// It was filled.
	Filled,
	/// It failed and is gone.
	Failed,
	/// It, or what is left of it, fits into the next block.
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
		let fee = T::RiskParameters::chain().order_fee;
		let margin = Self::check_commit(
			account,
			market,
			size,
			&trader,
			trigger.is_none(),
			reduce_only,
			limit.is_some(),
			fee,
		)?;

		let now = T::Time::now();
		let id = Self::next_number()?;
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
			place: id,
			fee,
		};
		let placed = Placed {
			id,
			market,
			size,
			margin,
		};
		trader
			.orders
			.try_push(placed)
			.map_err(|_| Error::<T>::TooManyOrders)?;
		Self::put_trader(account, &trader);
		Orders::<T>::insert(id, order);
		match trigger {
			Some(trigger) => Waiting::<T>::insert((market, trigger.when), trigger.key(id), ()),
			None => Queue::<T>::insert(market, id.to_be_bytes(), id),
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

	/// The next number of an order, or place in a queue.
	fn next_number() -> Result<OrderId, DispatchError> {
		let id = NextOrder::<T>::get();
		NextOrder::<T>::put(id.checked_add(1).ok_or_else(overflow)?);
		Ok(id)
	}

	/// Does trading `size` at once need a limit? The mark moves by more than a step with it, and somebody who trades before and
	/// behind it at the same price would gain more than the fees.
	pub(crate) fn needs_limit(
		market: &Market,
		p: &MarketParameters,
		size: Size,
	) -> Result<bool, DispatchError> {
		let step = Self::step(market, p).ok_or_else(overflow)?;
		Ok(size.unsigned_abs() > step.unsigned_abs())
	}

	/// Could an order of `size` be filled one day? What it needs of the account's margin.
	///
	/// The account must have that, and it is held: whoever could do without it could make an order fail, or let it fill, with the
	/// price in sight.
	#[allow(clippy::too_many_arguments)]
	fn check_commit(
		account: MarginAccountId,
		id: MarketId,
		size: Size,
		trader: &TraderOf<T>,
		at_once: bool,
		reduce_only: bool,
		limited: bool,
		fee: Balance,
	) -> Result<Balance, DispatchError> {
		let book = Book::<T>::get();
		let market = book.market(id).ok_or(Error::<T>::UnknownMarket)?;
		ensure!(!market.is_settled(), Error::<T>::MarketSettled);
		ensure!(!market.has_stopped(T::Time::now()), Error::<T>::MarketStopped);
		ensure!(market.index() > FixedU128::default(), Error::<T>::NoPrice);
		let p = T::RiskParameters::market(id)?;
		let held = trader.position(id).size;
		let named = limited || !Self::needs_limit(market, &p, size)?;
		if reduce_only {
			ensure!(clipped(size, held) != 0, Error::<T>::NothingToReduce);
			ensure!(named, Error::<T>::LimitNeeded);
			// Of an account that holds nothing for others the fee is taken, whatever is left: it must be able
			// to reduce.
			if trader.held_margin() > 0 {
				Self::ensure_free(account, fee)?;
			}
			return Ok(0);
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
		let needs = Self::ensure_margin(account, market, trader, &p, size, fee)?;
		// The order fee is taken now and is one of the fees then.
		Ok(needs.saturating_sub(fee))
	}

	/// Has `account` the margin for an order of `size`, beside what it holds for others? What that is, with the fees.
	pub(crate) fn ensure_margin(
		account: MarginAccountId,
		market: &Market,
		trader: &TraderOf<T>,
		p: &MarketParameters,
		size: Size,
		fee: Balance,
	) -> Result<Balance, DispatchError> {
		let before = trader.size_before(market.id, size);
		let needs = Self::margin_for(market, before, p, size, fee).ok_or_else(overflow)?;
		Self::ensure_free(account, needs.max(fee))?;
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
		trader.drop_order(id);
		Self::put_trader(order.account, &trader);
		Ok(order)
	}

	/// Take an order out of the queue or the waiting ones.
	fn unqueue(id: OrderId, order: &Order) {
		match order.trigger {
			Some(trigger) if order.queued_at.is_none() => {
				Waiting::<T>::remove((order.market, trigger.when), trigger.key(id))
			}
			_ => Queue::<T>::remove(order.market, order.place.to_be_bytes()),
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

	/// Move order `id`, whose trigger was met at `index`, to the end of the queue. Like any other it fills at a price made
	/// after that: at the one that triggered it, whoever saw that coming could have cancelled it, or not.
	pub(crate) fn trigger(id: OrderId, trigger: Trigger, market: MarketId, index: FixedU128, now: Moment) {
		Waiting::<T>::remove((market, trigger.when), trigger.key(id));
		// Where there is no further number, which no chain lives to see, it keeps its own.
		let place = Self::next_number().unwrap_or(id);
		Queue::<T>::insert(market, place.to_be_bytes(), id);
		Orders::<T>::mutate_extant(id, |order| {
			order.queued_at = Some(now);
			order.place = place;
		});
		Self::deposit_event(Event::OrderTriggered {
			order: id,
			market,
			index,
		});
	}

	/// Fill an order that is due, or remove it with its fee; or leave it to the next block.
	pub(crate) fn try_order(id: OrderId, order: &Order) -> Tried {
		let filled = with_storage_layer(|| -> Result<Size, DispatchError> {
			ensure!(T::Time::now() < order.expires_at, Error::<T>::Expired);
			let fill = Self::execute(&Request::from(order), Some((id, order)))?;
			if fill.left == 0 {
				Self::unqueue(id, order);
				Orders::<T>::remove(id);
			} else {
				// It keeps its place; what was held for it went into the fee of this part.
				Orders::<T>::insert(
					id,
					Order {
						size: fill.left,
						fee: 0,
						..*order
					},
				);
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
			});
			Ok(fill.left)
		});
		match filled {
			Ok(0) => Tried::Filled,
			Ok(_) => Tried::Waits,
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
