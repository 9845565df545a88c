//! Orders from commitment to their end.

use frame_support::{ensure, storage::with_storage_layer, traits::Time};
use keel_math::{margin::saturating_signed, perpetual, FixedU128, Rounding};
use keel_primitives::{
	Act, Action, Balance, BreakerSubject, CircuitBreaker, LiquidityPool, MarginAccountId, MarginAccounts,
	MarketId, MarketParameters, Moment, OrderId, RiskParameters, Size,
};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{
	fees::Fees,
	fill::{clipped, Request, Traded},
	haircut::Moved,
	order::TRAIL,
	overflow, Config, Error, Event, Filled, Ladder, Market, Markets, MarketsStateOf, NewOrder, NextOrder,
	Order, Pallet, Queue, Ratchets, Resting, Stage, Status, TraderOf, Waiting, LOCK_MS, MAX_LIFE_MS,
	MAX_SIZE, MIN_NOTIONAL,
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
	filled: Filled,
	twin: Option<OrderId>,
}

/// An account as whoever keeps it loaded it.
pub(crate) type AccountOf<T> =
	<<T as Config>::Accounts as MarginAccounts<<T as frame_system::Config>::AccountId>>::Account;

impl<T: Config> Pallet<T> {
	/// Commit an order: hold its fee and margin and put it where it waits.
	pub(crate) fn do_commit(id: MarginAccountId, new: &NewOrder) -> DispatchResult {
		let mut account = T::Accounts::load(id)?;
		Self::commit_in(id, &mut account, new)?;
		T::Accounts::commit(id, account, 0, Act::Ordered, &[])
	}

	/// The same in an account that is loaded. The order's number.
	fn commit_in(
		id: MarginAccountId,
		account: &mut AccountOf<T>,
		new: &NewOrder,
	) -> Result<OrderId, DispatchError> {
		let kept = Kept {
			fee: T::RiskParameters::chain().order_fee,
			..Default::default()
		};
		let order = Self::place(id, account, Self::next_number()?, new, kept)?;
		Self::deposit_event(Event::OrderCommitted {
			order: order.id,
			account: id,
			fee: order.fee,
			terms: order.terms(),
		});
		Ok(order.id)
	}

	/// Commit two orders of which one cancels the other.
	pub(crate) fn do_commit_pair(id: MarginAccountId, pair: [&NewOrder; 2]) -> DispatchResult {
		ensure!(pair[0].market == pair[1].market, Error::<T>::NotAPair);
		let mut account = T::Accounts::load(id)?;
		let first = Self::commit_in(id, &mut account, pair[0])?;
		let second = Self::commit_in(id, &mut account, pair[1])?;
		for order in T::Accounts::trader_mut(&mut account).orders.iter_mut() {
			if order.id == first {
				order.twin = Some(second);
			} else if order.id == second {
				order.twin = Some(first);
			}
		}
		Self::deposit_event(Event::OrdersPaired { first, second });
		T::Accounts::commit(id, account, 0, Act::Ordered, &[])
	}

	/// Give an order that is not in the queue other terms. It keeps its number and what of it is filled, and
	/// holds a fee like a new one: what it held went with its first fill, and nothing may join the queue
	/// without one.
	pub(crate) fn do_amend(id: MarginAccountId, order: OrderId, new: &NewOrder) -> DispatchResult {
		let mut account = T::Accounts::load(id)?;
		let order = Self::find(&account, order)?;
		ensure!(!order.is_queued(), Error::<T>::TooEarlyToCancel);
		// A pair is of one market.
		ensure!(
			order.twin.is_none() || new.market == order.market,
			Error::<T>::NotAPair
		);
		Self::unlist(&order);
		T::Accounts::trader_mut(&mut account).drop_order(order.id);
		let kept = Kept {
			fee: order.fee.max(T::RiskParameters::chain().order_fee),
			filled: order.filled,
			twin: order.twin,
		};
		let amended = Self::place(id, &mut account, order.id, new, kept)?;
		Self::deposit_event(Event::OrderAmended {
			order: order.id,
			account: id,
			terms: amended.terms(),
		});
		T::Accounts::commit(id, account, 0, Act::Ordered, &[])
	}

	/// Check what an order asks for, keep it in its account and put it where it waits.
	fn place(
		id: MarginAccountId,
		account: &mut AccountOf<T>,
		number: OrderId,
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
		let state = Markets::<T>::get();
		let market = state.market(new.market).ok_or(Error::<T>::UnknownMarket)?;
		let margin = Self::check_commit(account, market, new, kept.fee)?;

		let now = T::Time::now();
		let trigger = new.trigger.map(|trigger| trigger.followed(market.index()));
		let stage = match trigger {
			Some(_) => Stage::Waiting,
			None => Stage::Queued {
				since: now,
				place: Self::place_for(number)?,
			},
		};
		let order = Order {
			id: number,
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
			margin,
		};
		T::Accounts::trader_mut(account)
			.orders
			.try_push(order)
			.map_err(|_| Error::<T>::TooManyOrders)?;
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

	/// Put an order of account `id` where it waits.
	fn list(id: MarginAccountId, order: &Order) {
		match order.stage {
			Stage::Waiting => {
				if let Some(trigger) = order.trigger {
					Waiting::<T>::insert((order.market, trigger.when), trigger.key(order.id), id);
					if let Some(ratchet) = trigger.ratchet() {
						Ratchets::<T>::insert((order.market, ratchet.when), ratchet.key(order.id), id);
					}
				}
			}
			Stage::Resting => {
				if let Some(limit) = order.rests_for() {
					Resting::<T>::insert((order.market, limit.when), limit.key(order.id), id);
				}
			}
			Stage::Queued { place, .. } => {
				Queue::<T>::insert(order.market, place.to_be_bytes(), (id, order.id))
			}
		}
	}

	/// Take an order from where it waits.
	pub(crate) fn unlist(order: &Order) {
		match order.stage {
			Stage::Waiting => {
				if let Some(trigger) = order.trigger {
					Waiting::<T>::remove((order.market, trigger.when), trigger.key(order.id));
					if let Some(ratchet) = trigger.ratchet() {
						Ratchets::<T>::remove((order.market, ratchet.when), ratchet.key(order.id));
					}
				}
			}
			Stage::Resting => {
				if let Some(limit) = order.rests_for() {
					Resting::<T>::remove((order.market, limit.when), limit.key(order.id));
				}
			}
			Stage::Queued { place, .. } => Queue::<T>::remove(order.market, place.to_be_bytes()),
		}
	}

	/// Have an order of account `id`, whose trader this is, wait as `changed` does.
	fn relist(id: MarginAccountId, trader: &mut TraderOf<T>, order: &Order, changed: Order) {
		Self::unlist(order);
		Self::list(id, &changed);
		trader.put_order(changed);
	}

	/// Checks that an order could be filled one day. Returns what it needs of the account's margin.
	///
	/// The account must have that, and it is held: whoever could do without it could make an order fail, or let it fill, with the
	/// price in sight.
	fn check_commit(
		account: &AccountOf<T>,
		market: &Market,
		new: &NewOrder,
		fee: Balance,
	) -> Result<Balance, DispatchError> {
		let trader = T::Accounts::trader(account);
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
			// An account that opens nothing must be able to reduce, whatever it needs: what it is worth
			// pays the fees. One order it may have even so.
			let held = trader.held_margin();
			if trader.orders.iter().any(|order| order.margin > 0) {
				Self::ensure_free(account, fee)?;
			} else if held > 0 {
				let fees = held.checked_add(fee).ok_or_else(overflow)?;
				let net = T::Accounts::risk(account)?.net;
				ensure!(net >= saturating_signed(fees), Error::<T>::NotEnoughMargin);
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
		let needs = Self::ensure_margin(account, market, &p, size, fee)?;
		// The order fee is held by itself and is one of the fees then.
		Ok(needs.saturating_sub(fee))
	}

	/// Checks that `account` has the margin for an order of `size`, beside what it holds for others. Returns
	/// that, with the fees, at least `fee`.
	pub(crate) fn ensure_margin(
		account: &AccountOf<T>,
		market: &Market,
		p: &MarketParameters,
		size: Size,
		fee: Balance,
	) -> Result<Balance, DispatchError> {
		let before = T::Accounts::trader(account).size_before(market.id, size);
		let needs = Self::margin_for(market, before, p, size, fee).ok_or_else(overflow)?;
		Self::ensure_free(account, needs.max(fee))?;
		Ok(needs)
	}

	/// Whether `account` has so much beside what it needs and holds for its orders. Nothing else pays for
	/// another order: three fees taken from what an earlier one holds would make that fail with the price in
	/// sight.
	fn ensure_free(account: &AccountOf<T>, amount: Balance) -> DispatchResult {
		let mut risk = T::Accounts::risk(account)?;
		risk.initial = risk.initial.checked_add(amount).ok_or_else(overflow)?;
		ensure!(risk.is_initial(), Error::<T>::NotEnoughMargin);
		Ok(())
	}

	/// An open order of `account`.
	fn find(account: &AccountOf<T>, order: OrderId) -> Result<Order, DispatchError> {
		let found = T::Accounts::trader(account).order(order).copied();
		found.ok_or_else(|| Error::<T>::UnknownOrder.into())
	}

	/// Returns `true` if `order` is about to be filled, at a price that may be in sight.
	fn is_locked(order: &Order, now: Moment) -> bool {
		matches!(order.stage, Stage::Queued { since, .. } if now < since.saturating_add(LOCK_MS))
	}

	/// Cancel an order of account `id` for `who`.
	pub(crate) fn do_cancel(who: &T::AccountId, id: MarginAccountId, order: OrderId) -> DispatchResult {
		let mut account = T::Accounts::load(id).map_err(|_| Error::<T>::UnknownOrder)?;
		let order = Self::find(&account, order)?;
		let now = T::Time::now();
		let mut state = Markets::<T>::get();
		let over = state
			.market(order.market)
			.is_none_or(|market| market.is_settled());
		if !over && now < order.expires_at {
			ensure!(T::Accounts::owner(&account) == who, Error::<T>::NotOwner);
		}
		ensure!(
			over || !Self::is_locked(&order, now),
			Error::<T>::TooEarlyToCancel
		);
		// What rests had nothing to choose: it costs nothing when it is over.
		let ran_out = order.resting && now >= order.expires_at;
		if over || ran_out || !order.is_queued() {
			Self::cancel(id, T::Accounts::trader_mut(&mut account), &order);
			return T::Accounts::commit(id, account, 0, Act::Ordered, &[]);
		}
		let credit = Self::cancel_queued(&mut state, id, &mut account, &order)?;
		Markets::<T>::put(state);
		T::Accounts::commit(id, account, credit, Act::Involuntary, &[])
	}

	/// Cancel all orders of an account, or those of one market, but for those about to be filled. How many.
	pub(crate) fn do_cancel_all(id: MarginAccountId, market: Option<MarketId>) -> Result<u32, DispatchError> {
		let mut account = T::Accounts::load(id)?;
		let mut state = Markets::<T>::get();
		let now = T::Time::now();
		let orders = T::Accounts::trader(&account).orders.clone();
		let (mut cancelled, mut credit) = (0u32, 0i128);
		for order in orders
			.iter()
			.filter(|order| market.is_none_or(|id| order.market == id) && !Self::is_locked(order, now))
		{
			if order.is_queued() {
				let paid = Self::cancel_queued(&mut state, id, &mut account, order)?;
				credit = credit.checked_add(paid).ok_or_else(overflow)?;
			} else {
				Self::cancel(id, T::Accounts::trader_mut(&mut account), order);
			}
			// At most `MaxOrders`.
			cancelled = cancelled.saturating_add(1);
		}
		ensure!(cancelled > 0, Error::<T>::NothingToCancel);
		Markets::<T>::put(state);
		let act = if credit == 0 {
			Act::Ordered
		} else {
			Act::Involuntary
		};
		T::Accounts::commit(id, account, credit, act, &[])?;
		Ok(cancelled)
	}

	/// Commit an order without a limit to close each position of an account. How many.
	pub(crate) fn do_close_all(id: MarginAccountId, expires_in: Moment) -> Result<u32, DispatchError> {
		let mut account = T::Accounts::load(id)?;
		let positions = T::Accounts::trader(&account).positions.clone();
		let state = Markets::<T>::get();
		let now = T::Time::now();
		let mut closing = 0u32;
		for position in &positions {
			let trades = state
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
				Self::commit_in(id, &mut account, &order)?;
				// At most `MaxPositions`.
				closing = closing.saturating_add(1);
			}
		}
		ensure!(closing > 0, Error::<T>::NothingToReduce);
		T::Accounts::commit(id, account, 0, Act::Ordered, &[])?;
		Ok(closing)
	}

	/// Take an order out of everything. What was held for it is free again.
	pub(crate) fn cancel(id: MarginAccountId, trader: &mut TraderOf<T>, order: &Order) {
		Self::unlist(order);
		trader.drop_order(order.id);
		Self::deposit_event(Event::OrderCancelled {
			order: order.id,
			account: id,
			market: order.market,
			fee: 0,
		});
	}

	/// Take an order that is in the queue out of everything, for its fee. What the account gains: below zero.
	fn cancel_queued(
		state: &mut MarketsStateOf<T>,
		id: MarginAccountId,
		account: &mut AccountOf<T>,
		order: &Order,
	) -> Result<i128, DispatchError> {
		Self::unlist(order);
		T::Accounts::trader_mut(account).drop_order(order.id);
		let credit = Self::charge_fee(state, order)?;
		Self::deposit_event(Event::OrderCancelled {
			order: order.id,
			account: id,
			market: order.market,
			fee: order.fee,
		});
		Ok(credit)
	}

	/// The fee held for an order is earned: split as a taker fee. Where that can't be done, it is the fund's.
	/// What the order's account gains: below zero.
	fn charge_fee(state: &mut MarketsStateOf<T>, order: &Order) -> Result<i128, DispatchError> {
		let mut split = state.clone();
		let pool = with_storage_layer(|| -> DispatchResult {
			let p = T::RiskParameters::market(order.market)?;
			let fees = Fees {
				taker: order.fee,
				..Default::default()
			};
			let pool = Self::split_fee(&mut split, order.market, &p, &fees).ok_or_else(overflow)?;
			T::Pool::settle(pool.try_into().map_err(|_| overflow())?)
		});
		match pool {
			Ok(()) => *state = split,
			Err(_) => state.fund_due = state.fund_due.checked_add(order.fee).ok_or_else(overflow)?,
		}
		0i128.checked_sub_unsigned(order.fee).ok_or_else(overflow)
	}

	/// Give an order of account `id` another stage or trigger. Nothing for one that is gone.
	fn change(id: MarginAccountId, number: OrderId, change: impl FnOnce(&Order) -> Order) -> Option<Order> {
		let mut account = T::Accounts::load(id).ok()?;
		let order = Self::find(&account, number).ok()?;
		Self::relist(id, T::Accounts::trader_mut(&mut account), &order, change(&order));
		// It is worth what it was: nothing is checked that could fail.
		T::Accounts::commit(id, account, 0, Act::Ordered, &[]).ok()?;
		Some(order)
	}

	/// Move an order, whose trigger or limit was met at `price`, to the end of the queue. Like any other it
	/// fills at a price made after that: at the one that triggered it, whoever saw that coming could have
	/// cancelled it, or not.
	pub(crate) fn trigger(id: MarginAccountId, number: OrderId, price: FixedU128, now: Moment) {
		let queued = Self::change(id, number, |order| Order {
			stage: Stage::Queued {
				since: now,
				// Where there is no further number, which no chain lives to see, it keeps its own.
				place: Self::next_number().unwrap_or(number),
			},
			..*order
		});
		if let Some(order) = queued {
			Self::deposit_event(Event::OrderTriggered {
				order: number,
				market: order.market,
				price,
			});
		}
	}

	/// Have the trailing trigger of an order follow the index price.
	pub(crate) fn follow(id: MarginAccountId, number: OrderId, index: FixedU128) {
		Self::change(id, number, |order| Order {
			trigger: order.trigger.map(|trigger| trigger.followed(index)),
			..*order
		});
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

	/// Fill an order of account `id` that is due, or a part of it; or remove it with its fee; or have it
	/// rest or wait. The account is as it was loaded, and `state` is the block's.
	pub(crate) fn try_order(
		state: &mut MarketsStateOf<T>,
		ladder: &mut Ladder,
		id: MarginAccountId,
		account: AccountOf<T>,
		order: &Order,
	) -> Tried {
		let mut after = state.clone();
		let filled = with_storage_layer(|| Self::fill_order(&mut after, id, account.clone(), order));
		let error = match filled {
			Ok((left, moved)) => {
				*state = after;
				moved.shift_in(ladder);
				return match left {
					0 => Tried::Filled,
					_ if order.resting => Tried::Stays,
					_ => Tried::Waits,
				};
			}
			Err(error) if error == Error::<T>::PremiumStepReached.into() => return Tried::Waits,
			Err(error) => error,
		};
		let rests = order.resting && error == Error::<T>::LimitNotMet.into();
		// It was not filled, and had nothing to choose.
		let is_free = order.resting && error == Error::<T>::Expired.into();
		let mut after = state.clone();
		let ended = with_storage_layer(|| -> Result<Tried, DispatchError> {
			let mut account = account;
			let trader = T::Accounts::trader_mut(&mut account);
			if rests {
				let stage = Stage::Resting;
				Self::relist(id, trader, order, Order { stage, ..*order });
				Self::deposit_event(Event::OrderRests {
					order: order.id,
					market: order.market,
				});
				T::Accounts::commit(id, account, 0, Act::Ordered, &[])?;
				return Ok(Tried::Rests);
			}
			if is_free {
				Self::cancel(id, trader, order);
				T::Accounts::commit(id, account, 0, Act::Ordered, &[])?;
				return Ok(Tried::Failed);
			}
			Self::unlist(order);
			trader.drop_order(order.id);
			let credit = Self::charge_fee(&mut after, order)?;
			Self::deposit_event(Event::OrderFailed {
				order: order.id,
				account: id,
				market: order.market,
				error,
				fee: order.fee,
			});
			T::Accounts::commit(id, account, credit, Act::Involuntary, &[])?;
			Ok(Tried::Failed)
		});
		match ended {
			Ok(tried) => {
				*state = after;
				tried
			}
			// Its fee does not fit into a sum of fees, which fit into the supply of kUSD.
			Err(_) => Tried::Waits,
		}
	}

	/// Fill an order, or a part of it. What is left, and the position that moved. What fails may have
	/// written.
	fn fill_order(
		state: &mut MarketsStateOf<T>,
		id: MarginAccountId,
		mut account: AccountOf<T>,
		order: &Order,
	) -> Result<(Size, Moved), DispatchError> {
		ensure!(T::Time::now() < order.expires_at, Error::<T>::Expired);
		let trader = T::Accounts::trader_mut(&mut account);
		let Traded { fill, act, moved } = Self::fill(state, trader, &Request::of(id, order))?;
		let rest = order
			.filled_to(fill.left, fill.size, fill.price)
			.ok_or_else(overflow)?;
		if fill.left == 0 {
			Self::unlist(order);
			trader.drop_order(order.id);
			// It is gone if it was cancelled or failed.
			if let Some(twin) = order.twin.and_then(|twin| trader.order(twin).copied()) {
				Self::cancel(id, trader, &twin);
			}
		} else {
			let stage = Self::stage_of_rest(order)?;
			Self::relist(id, trader, order, Order { stage, ..rest });
		}
		let exposures = Self::exposures_in(state, trader);
		Self::deposit_event(Event::OrderFilled {
			order: order.id,
			account: id,
			market: order.market,
			size: fill.size,
			price: fill.price,
			fee: fill.fee,
			realised: fill.realised,
			funding: fill.funding,
			haircut: fill.haircut,
			position: fill.position,
			left: fill.left,
			average: rest.filled.average().unwrap_or(fill.price),
		});
		T::Accounts::commit(id, account, fill.credit().ok_or_else(overflow)?, act, &exposures)?;
		Ok((fill.left, moved))
	}
}
