//! What the views show: the numbers the hook would use now.

use frame_support::{
	pallet_prelude::DispatchError,
	traits::{fungibles::Inspect, Get},
};
use keel_math::{mul_ratio, signed::signed, FixedU128, Rounding};
use keel_primitives::{Balance, Clearing, PoolExposure, RiskParameters};

use crate::{
	requests::Markets,
	shares::{self, Worth},
	Config, DepositView, Deposits, Holding, Pallet, PoolState, PoolSummary, ProvidePreview, Requests, State,
	WithdrawalPreview, WithdrawalView, Withdrawals, WorstCase,
};

impl<T: Config> Pallet<T> {
	/// The pool, the markets, and what the pool is worth to those who leave; or the price that is missing.
	fn now() -> Result<(PoolState, Markets, Worth), DispatchError> {
		let pool = State::<T>::get();
		let markets = Self::markets(T::RiskParameters::chain().pool_stress)?;
		let worth = Self::worth(pool.cash, markets.most_owed())?;
		Ok((pool, markets, worth))
	}

	/// What the pool would be worth after its worst case.
	fn worth_then(worth: Worth, markets: Markets) -> Option<Worth> {
		Some(Worth {
			equity: worth.equity.checked_sub(signed(markets.worst_case)?)?,
			..worth
		})
	}

	/// The value of `shares`; nothing without equity.
	fn value_or_zero(worth: Worth, shares: Balance) -> Option<Balance> {
		if worth.equity <= 0 {
			return Some(0);
		}
		worth.value_of(shares)
	}

	pub(crate) fn summary() -> PoolSummary {
		let pool = State::<T>::get();
		let limit: FixedU128 = T::RiskParameters::chain().pool_stress;
		let worst_case = T::Exposure::worst_case();
		let now = Self::now().ok();
		PoolSummary {
			cash: pool.cash,
			available: shares::available(pool.cash, T::Accounts::overdrawn()),
			owed: now.map(|(_, markets, _)| markets.owed),
			unpriced: now.map(|(_, markets, _)| markets.priced.unpriced),
			equity: now.map(|(_, _, worth)| worth.equity),
			worst_case,
			limit,
			utilisation: now.and_then(|(_, _, worth)| shares::utilisation(worst_case, worth.equity, limit)),
			supply: T::Assets::total_issuance(T::Shares::get()),
			share_value: now.and_then(|(_, _, worth)| worth.share_value()),
			free: now.map(|(pool, markets, worth)| Self::free(pool.cash, worth, markets)),
			waiting: pool.waiting,
			deposits: pool.deposits.count,
			leaving: pool.leaving,
			withdrawals: pool.withdrawals.count,
			least_withdrawal: Self::least_withdrawal(&pool),
		}
	}

	pub(crate) fn in_worst_case() -> Option<WorstCase> {
		let (_, markets, worth) = Self::now().ok()?;
		let then = Self::worth_then(worth, markets)?;
		let equity = u128::try_from(worth.equity).unwrap_or(0);
		Some(WorstCase {
			loss: markets.worst_case,
			equity: worth.equity,
			equity_then: then.equity,
			share_value: worth.share_value()?,
			share_value_then: then.share_value()?,
			equity_needed: shares::equity_needed(markets.worst_case, markets.limit),
			// Saturates: there is no room where the limit is passed.
			room: mul_ratio(equity, markets.limit, Rounding::Down)?.saturating_sub(markets.worst_case),
		})
	}

	pub(crate) fn provide_preview(amount: Balance) -> Result<ProvidePreview, DispatchError> {
		Self::ensure_may_provide(&State::<T>::get(), amount)?;
		let (pool, markets, _) = Self::now()?;
		Ok(ProvidePreview {
			shares: Self::shares_for(pool.cash, markets, amount, 0)?,
			ahead: pool.deposits.count,
		})
	}

	pub(crate) fn withdrawal_preview(shares: Balance) -> Result<WithdrawalPreview, DispatchError> {
		let due = Self::ensure_may_withdraw(&State::<T>::get(), shares)?;
		let (pool, markets, worth) = Self::now()?;
		let refused = || DispatchError::from(crate::Error::<T>::NoEquity);
		let value = worth.value_of(shares).ok_or_else(refused)?;
		let before = worth.value_of(pool.leaving).ok_or_else(refused)?;
		Ok(WithdrawalPreview {
			value,
			// Saturates: those before want more than there is.
			free: Self::free(pool.cash, worth, markets)
				.saturating_sub(before)
				.min(value),
			due,
			ahead: pool.leaving,
		})
	}

	pub(crate) fn requests(who: &T::AccountId) -> Requests {
		let pool = State::<T>::get();
		let worth = Self::now().ok().map(|(_, _, worth)| worth);
		let deposits = pool
			.deposits
			.walk::<Deposits<T>, _>()
			.zip(0u32..)
			.filter(|((_, deposit), _)| deposit.who == *who)
			.map(|((id, deposit), ahead)| DepositView {
				id,
				amount: deposit.amount,
				least_shares: deposit.least_shares,
				at: deposit.at,
				ahead,
			});
		let mut before: Balance = 0;
		let withdrawals = pool
			.withdrawals
			.walk::<Withdrawals<T>, _>()
			.filter_map(|(id, withdrawal)| {
				let ahead = before;
				// Saturates: the supply of shares has the same type.
				before = before.saturating_add(withdrawal.shares);
				(withdrawal.who == *who).then(|| WithdrawalView {
					id,
					shares: withdrawal.shares,
					value: worth.and_then(|worth| worth.value_of(withdrawal.shares)),
					at: withdrawal.at,
					due: withdrawal.due,
					ahead,
				})
			});
		Requests {
			deposits: deposits.collect(),
			withdrawals: withdrawals.collect(),
		}
	}

	pub(crate) fn holding(who: &T::AccountId) -> Holding {
		let requests = Self::requests(who);
		let shares = T::Assets::balance(T::Shares::get(), who);
		// These saturate: the supplies of shares and of kUSD have the same type.
		let leaving = requests
			.withdrawals
			.iter()
			.fold(0u128, |sum, withdrawal| sum.saturating_add(withdrawal.shares));
		let waiting = requests
			.deposits
			.iter()
			.fold(0u128, |sum, deposit| sum.saturating_add(deposit.amount));
		let all = shares.saturating_add(leaving);
		let now = Self::now().ok();
		Holding {
			shares,
			leaving,
			waiting,
			value: now.and_then(|(_, _, worth)| Self::value_or_zero(worth, all)),
			value_in_worst_case: now
				.and_then(|(_, markets, worth)| Self::value_or_zero(Self::worth_then(worth, markets)?, all)),
		}
	}
}
