//! What the calls and the hook do with deposits and withdrawals.

use frame_support::{
	dispatch::DispatchResult,
	ensure,
	pallet_prelude::DispatchError,
	storage::with_storage_layer,
	traits::{
		fungibles::{Inspect, Mutate},
		tokens::{Fortitude, Precision, Preservation},
		Get, Time,
	},
	weights::{Weight, WeightMeter},
};
use keel_math::{signed::signed, FixedU128};
use keel_primitives::{
	Action, Balance, BreakerSubject, CircuitBreaker, Clearing, LiquidityPool, Moment, PoolExposure, Priced,
	RiskParameters,
};
use sp_runtime::{traits::AccountIdConversion, ArithmeticError, TokenError};

use crate::{
	shares::{self, Worth},
	Config, Deposit, Deposits, Error, Event, Pallet, PoolState, Queue, QueueName, RequestId, State,
	WeightInfo, Withdrawal, Withdrawals,
};

/// How many times the equity the worst case is where the equity is nearly gone.
pub(crate) const NEARLY_GONE: Balance = 4;

/// Share of the equity that dead feeds may hide, as a divisor, for exits to be paid without a second
/// cooldown: a hundredth.
const HIDDEN: Balance = 100;

/// What markets and custody say, once for all requests of a block: nobody's coming or going changes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Markets {
	/// What the pool owes traders at the last prices.
	pub owed: i128,
	/// What those prices do not tell.
	pub priced: Priced,
	/// The most it can lose.
	pub worst_case: Balance,
	/// The share of its equity that may be.
	pub limit: FixedU128,
	/// What of its cash is lent to traders, and so is not there.
	pub overdrawn: Balance,
}

impl Markets {
	/// What those who leave count the pool as owing: the most it may owe. Saturates where nothing leaves.
	pub fn most_owed(&self) -> i128 {
		self.owed.saturating_add_unsigned(self.priced.unpriced)
	}

	/// What those who come in count the pool as owing: the least it may owe. Saturates where nothing buys a
	/// share.
	pub fn least_owed(&self) -> i128 {
		self.owed.saturating_sub_unsigned(self.priced.unpriced)
	}

	/// Whether every price that can be had is newer than `moment`.
	fn is_after(&self, moment: Moment) -> bool {
		self.priced.since.is_some_and(|since| since > moment)
	}

	/// Whether dead feeds hide more than a [`HIDDEN`] part of the equity of a pool with `cash`.
	fn hides_much(&self, cash: i128) -> bool {
		let equity = cash.saturating_sub(self.owed);
		self.priced.unpriced > Balance::try_from(equity).unwrap_or(0) / HIDDEN
	}
}

/// What became of the request that was first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Served {
	/// It is out of the way: done, gone back, or at the end of its queue.
	Next,
	/// It waits on, and so do all behind it.
	Wait,
}

impl<T: Config> Pallet<T> {
	/// The account that holds the shares of those who wait to leave. Nothing may be sent to it past this
	/// pallet.
	pub fn account_id() -> T::AccountId {
		T::PalletId::get().into_account_truncating()
	}

	/// The pool's equity and shares, if it has `cash` and owes `owed`.
	pub(crate) fn worth(cash: i128, owed: i128) -> Result<Worth, DispatchError> {
		Ok(Worth {
			equity: cash.checked_sub(owed).ok_or(ArithmeticError::Overflow)?,
			supply: T::Assets::total_issuance(T::Shares::get()),
		})
	}

	/// The markets of now, or why they can't be told.
	pub(crate) fn markets(limit: FixedU128) -> Result<Markets, DispatchError> {
		Ok(Markets {
			owed: T::Exposure::owed()?,
			priced: T::Exposure::priced(),
			worst_case: T::Exposure::worst_case(),
			limit,
			overdrawn: T::Accounts::overdrawn(),
		})
	}

	/// What may leave a pool of `worth` with `cash`.
	pub(crate) fn free(cash: i128, worth: Worth, markets: Markets) -> Balance {
		shares::free(
			shares::available(cash, markets.overdrawn),
			worth.equity,
			markets.worst_case,
			markets.limit,
		)
	}

	/// The shares that `amount` becomes, or why it does not.
	///
	/// Not where the worst case is [`NEARLY_GONE`] times what there is: whoever comes in then buys the
	/// rebound from those who bore the fall. Below that a pool that is used a lot may be filled up.
	pub(crate) fn shares_for(
		cash: i128,
		markets: Markets,
		amount: Balance,
		least: Balance,
	) -> Result<Balance, DispatchError> {
		// Of what is there at least.
		let equity = cash.saturating_sub(markets.most_owed());
		ensure!(
			markets.worst_case / NEARLY_GONE <= Balance::try_from(equity).unwrap_or(0),
			Error::<T>::EquityNearlyGone
		);
		let worth = Self::worth(cash, markets.least_owed())?;
		let shares = worth.shares_for(amount).ok_or(Error::<T>::NoEquity)?;
		ensure!(shares > 0 && shares >= least, Error::<T>::TooFewShares);
		Ok(shares)
	}

	/// Whether `amount` may be provided now.
	pub(crate) fn ensure_may_provide(pool: &PoolState, amount: Balance) -> DispatchResult {
		T::CircuitBreaker::ensure(BreakerSubject::Chain, Action::Deposit)?;
		ensure!(amount >= T::MinimumDeposit::get(), Error::<T>::BelowMinimum);
		ensure!(pool.deposits.count < T::MaxWaiting::get(), Error::<T>::QueueFull);
		Ok(())
	}

	/// The fewest shares a withdrawal may be of now.
	pub(crate) fn least_withdrawal(pool: &PoolState) -> Balance {
		shares::least_withdrawal(
			T::Assets::total_issuance(T::Shares::get()),
			pool.withdrawals.count,
			T::MaxWaiting::get(),
		)
	}

	/// Whether a withdrawal of `shares` may be asked for now. Returns the end of its cooldown.
	pub(crate) fn ensure_may_withdraw(pool: &PoolState, shares: Balance) -> Result<Moment, DispatchError> {
		ensure!(shares > 0, Error::<T>::ZeroShares);
		ensure!(
			pool.withdrawals.count < T::MaxWaiting::get(),
			Error::<T>::QueueFull
		);
		ensure!(shares >= Self::least_withdrawal(pool), Error::<T>::TooFewForQueue);
		Self::after_cooldown(T::Time::now())
	}

	/// The cooldown after `from`.
	fn after_cooldown(from: Moment) -> Result<Moment, DispatchError> {
		from.checked_add(T::RiskParameters::chain().pool_cooldown)
			.ok_or(ArithmeticError::Overflow.into())
	}

	/// Returns what the deposit is called.
	pub(crate) fn do_provide(
		who: &T::AccountId,
		amount: Balance,
		least_shares: Balance,
	) -> Result<RequestId, DispatchError> {
		let mut pool = State::<T>::get();
		Self::ensure_may_provide(&pool, amount)?;
		pool.waiting = pool
			.waiting
			.checked_add(amount)
			.ok_or(ArithmeticError::Overflow)?;
		T::Accounts::bring_in(who, amount)?;
		let id = pool.deposits.push::<Deposits<T>, _>(Deposit {
			who: who.clone(),
			amount,
			at: T::Time::now(),
			least_shares,
		})?;
		State::<T>::put(pool);
		Ok(id)
	}

	/// Returns what the withdrawal is called, and the end of its cooldown.
	pub(crate) fn do_request_withdrawal(
		who: &T::AccountId,
		shares: Balance,
	) -> Result<(RequestId, Moment), DispatchError> {
		let mut pool = State::<T>::get();
		let due = Self::ensure_may_withdraw(&pool, shares)?;
		pool.leaving = pool
			.leaving
			.checked_add(shares)
			.ok_or(ArithmeticError::Overflow)?;
		T::Assets::transfer(
			T::Shares::get(),
			who,
			&Self::account_id(),
			shares,
			Preservation::Expendable,
		)?;
		let id = pool.withdrawals.push::<Withdrawals<T>, _>(Withdrawal {
			who: who.clone(),
			shares,
			at: T::Time::now(),
			due,
		})?;
		State::<T>::put(pool);
		Ok((id, due))
	}

	/// Returns the shares given back.
	pub(crate) fn do_cancel_withdrawal(who: &T::AccountId, id: RequestId) -> Result<Balance, DispatchError> {
		let Withdrawal {
			who: owner, shares, ..
		} = Withdrawals::<T>::get(id)
			.ok_or(Error::<T>::UnknownRequest)?
			.request;
		ensure!(owner == *who, Error::<T>::NotYours);
		Self::hand_back(who, shares)?;
		let mut pool = State::<T>::get();
		pool.withdrawals
			.remove::<Withdrawals<T>, Withdrawal<T::AccountId>>(id);
		pool.leaving = pool
			.leaving
			.checked_sub(shares)
			.ok_or(ArithmeticError::Underflow)?;
		State::<T>::put(pool);
		Ok(shares)
	}

	/// Returns the kUSD given back.
	pub(crate) fn do_cancel_deposit(who: &T::AccountId, id: RequestId) -> Result<Balance, DispatchError> {
		let Deposit {
			who: owner,
			amount,
			at,
			..
		} = Deposits::<T>::get(id).ok_or(Error::<T>::UnknownRequest)?.request;
		ensure!(owner == *who, Error::<T>::NotYours);
		ensure!(T::Time::now() >= Self::after_cooldown(at)?, Error::<T>::TooEarly);
		Self::pay_back(id, who, amount)?;
		Ok(amount)
	}

	/// Move shares that waited to leave to `who`.
	fn hand_back(who: &T::AccountId, shares: Balance) -> DispatchResult {
		T::Assets::transfer(
			T::Shares::get(),
			&Self::account_id(),
			who,
			shares,
			Preservation::Expendable,
		)?;
		Ok(())
	}

	/// Pay the `amount` of the deposit `id` to `who`, who made it, and forget it.
	fn pay_back(id: RequestId, who: &T::AccountId, amount: Balance) -> DispatchResult {
		T::Accounts::pay_out(who, amount)?;
		let mut pool = State::<T>::get();
		pool.deposits
			.remove::<Deposits<T>, Deposit<T::AccountId>>(id)
			.ok_or(Error::<T>::UnknownRequest)?;
		pool.waiting = pool
			.waiting
			.checked_sub(amount)
			.ok_or(ArithmeticError::Underflow)?;
		State::<T>::put(pool);
		Ok(())
	}

	/// What a block weighs in which nobody is served: with the books of interest that is collected, which is
	/// not measured.
	pub(crate) fn poll_weight() -> Weight {
		T::WeightInfo::poll().saturating_add(T::DbWeight::get().writes(2))
	}

	/// What serving a deposit weighs at most: that it can't become shares turns out at the end.
	pub(crate) fn deposit_weight() -> Weight {
		T::WeightInfo::provide_next().saturating_add(T::WeightInfo::refund_next())
	}

	/// Take in the interest on what of the pool's cash is lent. What fails is tried again by the next block.
	fn collect() {
		let _ = with_storage_layer(|| -> DispatchResult {
			let amount = T::Accounts::collect()?;
			if amount == 0 {
				return Ok(());
			}
			let interest = signed(amount).ok_or(ArithmeticError::Overflow)?;
			<Self as LiquidityPool>::settle(interest)?;
			Self::deposit_event(Event::InterestCollected { amount });
			Ok(())
		});
	}

	/// Serve both queues, as far as the prices, the governed number of requests and `meter` allow.
	///
	/// Deposits first: what they bring in makes room for those who leave.
	pub(crate) fn serve(meter: &mut WeightMeter) {
		if meter.try_consume(Self::poll_weight()).is_err() {
			return;
		}
		Self::collect();
		let pool = State::<T>::get();
		if pool.deposits.count == 0 && pool.withdrawals.count == 0 {
			return;
		}
		if meter.try_consume(T::Exposure::priced_weight()).is_err() {
			return;
		}
		let parameters = T::RiskParameters::chain();
		let (most, now) = (parameters.orders_per_block, T::Time::now());
		let Ok(markets) = Self::markets(parameters.pool_stress) else {
			// All wait: what the pool is worth is not known.
			return;
		};
		let priced = |moment: Moment| moment < now && markets.is_after(moment);

		// No request is looked at twice in a block: one that went to the end of its queue is not reached
		// again.
		for _ in 0..pool.deposits.count.min(most) {
			let Some(id) = State::<T>::get().deposits.first else {
				break;
			};
			let Some(deposit) = Deposits::<T>::get(id).map(|queued| queued.request) else {
				break;
			};
			if !priced(deposit.at)
				|| meter.try_consume(Self::deposit_weight()).is_err()
				|| Self::serve_deposit(id, deposit, markets) == Served::Wait
			{
				break;
			}
		}
		for _ in 0..pool.withdrawals.count.min(most) {
			let Some(id) = State::<T>::get().withdrawals.first else {
				break;
			};
			let Some(withdrawal) = Withdrawals::<T>::get(id).map(|queued| queued.request) else {
				break;
			};
			let due = match markets.hides_much(State::<T>::get().cash) {
				// Its owner has that long to take it back. What does not fit is never over.
				true => withdrawal.due.saturating_add(parameters.pool_cooldown),
				false => withdrawal.due,
			};
			if now <= due
				|| !priced(withdrawal.due)
				|| meter.try_consume(T::WeightInfo::withdraw_next()).is_err()
				|| Self::serve_withdrawal(id, withdrawal, markets) == Served::Wait
			{
				break;
			}
		}
	}

	/// Make shares of the deposit `id`; if that can't be, give it back.
	pub(crate) fn serve_deposit(id: RequestId, deposit: Deposit<T::AccountId>, markets: Markets) -> Served {
		let Err(reason) = with_storage_layer(|| Self::join(id, markets)) else {
			return Served::Next;
		};
		let Err(error) = with_storage_layer(|| Self::refund(id, reason)) else {
			return Served::Next;
		};
		let requeue = Deposit {
			at: T::Time::now(),
			..deposit.clone()
		};
		// What came in last may be what others were paid with: those behind it, who join, bring it back.
		let moves = Self::is_own(error) || error == TokenError::FundsUnavailable.into();
		Self::failed(QueueName::Deposits, id, deposit.who, error, moves, |pool| {
			pool.deposits
				.remove::<Deposits<T>, Deposit<T::AccountId>>(id)
				.ok_or(Error::<T>::UnknownRequest)?;
			pool.deposits.append::<Deposits<T>, _>(id, requeue)
		})
	}

	fn join(id: RequestId, markets: Markets) -> DispatchResult {
		let mut pool = State::<T>::get();
		let Deposit {
			who,
			amount,
			least_shares,
			..
		} = pool
			.deposits
			.remove::<Deposits<T>, _>(id)
			.ok_or(Error::<T>::UnknownRequest)?;
		let shares = Self::shares_for(pool.cash, markets, amount, least_shares)?;
		let cash = signed(amount).ok_or(ArithmeticError::Overflow)?;
		pool.waiting = pool
			.waiting
			.checked_sub(amount)
			.ok_or(ArithmeticError::Underflow)?;
		pool.cash = pool.cash.checked_add(cash).ok_or(ArithmeticError::Overflow)?;
		pool.issued = pool.issued.checked_add(shares).ok_or(ArithmeticError::Overflow)?;
		State::<T>::put(pool);
		T::Assets::mint_into(T::Shares::get(), &who, shares)?;
		let Worth { equity, supply } = Self::worth(pool.cash, markets.most_owed())?;
		Self::deposit_event(Event::Provided {
			id,
			who,
			amount,
			shares,
			equity,
			supply,
		});
		Ok(())
	}

	fn refund(id: RequestId, reason: DispatchError) -> DispatchResult {
		let Deposit { who, amount, .. } = Deposits::<T>::get(id).ok_or(Error::<T>::UnknownRequest)?.request;
		Self::pay_back(id, &who, amount)?;
		Self::deposit_event(Event::DepositRefunded {
			id,
			who,
			amount,
			reason,
		});
		Ok(())
	}

	/// Pay the withdrawal `id`, or what of it may leave.
	pub(crate) fn serve_withdrawal(
		id: RequestId,
		withdrawal: Withdrawal<T::AccountId>,
		markets: Markets,
	) -> Served {
		let error = match with_storage_layer(|| Self::leave(id, markets)) {
			Ok(served) => return served,
			Err(error) => error,
		};
		// As if asked for now: it waits for a cooldown before it is tried again.
		let now = T::Time::now();
		let requeue = Self::after_cooldown(now).map(|due| Withdrawal {
			at: now,
			due,
			..withdrawal.clone()
		});
		let moves = Self::is_own(error);
		Self::failed(QueueName::Withdrawals, id, withdrawal.who, error, moves, |pool| {
			// With what is left of it, which nothing has changed.
			pool.withdrawals
				.remove::<Withdrawals<T>, Withdrawal<T::AccountId>>(id)
				.ok_or(Error::<T>::UnknownRequest)?;
			pool.withdrawals.append::<Withdrawals<T>, _>(id, requeue?)
		})
	}

	fn leave(id: RequestId, markets: Markets) -> Result<Served, DispatchError> {
		let mut pool = State::<T>::get();
		let Withdrawal { who, shares, .. } = Withdrawals::<T>::get(id)
			.ok_or(Error::<T>::UnknownRequest)?
			.request;
		let worth = Self::worth(pool.cash, markets.most_owed())?;
		let Some(value) = worth.value_of(shares) else {
			return Ok(Served::Wait);
		};
		let free = Self::free(pool.cash, worth, markets);
		let (part, paid) = if value <= free {
			(shares, value)
		} else {
			let part = worth.shares_within(free).ok_or(ArithmeticError::Overflow)?;
			let paid = worth.value_of(part).ok_or(ArithmeticError::Overflow)?;
			if paid < T::MinimumDeposit::get() {
				return Ok(Served::Wait);
			}
			(part, paid)
		};
		let left = shares.checked_sub(part).ok_or(ArithmeticError::Underflow)?;
		if left == 0 {
			pool.withdrawals
				.remove::<Withdrawals<T>, Withdrawal<T::AccountId>>(id);
		} else {
			Queue::edit::<Withdrawals<T>, Withdrawal<T::AccountId>>(id, |queued| {
				queued.request.shares = left
			});
		}
		pool.leaving = pool.leaving.checked_sub(part).ok_or(ArithmeticError::Underflow)?;
		if paid == 0 {
			State::<T>::put(pool);
			Self::hand_back(&who, part)?;
			Self::deposit_event(Event::SharesReturned {
				id,
				who,
				shares: part,
			});
			return Ok(Served::Next);
		}
		let cash = signed(paid).ok_or(ArithmeticError::Overflow)?;
		pool.cash = pool.cash.checked_sub(cash).ok_or(ArithmeticError::Underflow)?;
		pool.issued = pool.issued.checked_sub(part).ok_or(ArithmeticError::Underflow)?;
		State::<T>::put(pool);
		T::Assets::burn_from(
			T::Shares::get(),
			&Self::account_id(),
			part,
			Preservation::Expendable,
			Precision::Exact,
			Fortitude::Polite,
		)?;
		T::Accounts::pay_out(&who, paid)?;
		let Worth { equity, supply } = Self::worth(pool.cash, markets.most_owed())?;
		Self::deposit_event(Event::Withdrawn {
			id,
			who,
			shares: part,
			amount: paid,
			left,
			equity,
			supply,
		});
		Ok(if left == 0 { Served::Next } else { Served::Wait })
	}

	/// The first request could not be carried out for `error`. If it `moves` it goes to the end, by
	/// `requeue`.
	fn failed(
		queue: QueueName,
		id: RequestId,
		who: T::AccountId,
		error: DispatchError,
		moves: bool,
		requeue: impl FnOnce(&mut PoolState) -> DispatchResult,
	) -> Served {
		let moved = moves
			&& with_storage_layer(|| {
				let mut pool = State::<T>::get();
				requeue(&mut pool)?;
				State::<T>::put(pool);
				Ok::<_, DispatchError>(())
			})
			.is_ok();
		if moved {
			Self::deposit_event(Event::MovedToEnd {
				queue,
				id,
				who,
				error,
			});
			Served::Next
		} else {
			Self::deposit_event(Event::PaymentFailed {
				queue,
				id,
				who,
				error,
			});
			Served::Wait
		}
	}

	/// Does `error` say that this account can't be paid, whatever the payer has?
	fn is_own(error: DispatchError) -> bool {
		matches!(
			error,
			DispatchError::Token(TokenError::Blocked | TokenError::CannotCreate | TokenError::BelowMinimum)
		)
	}
}
