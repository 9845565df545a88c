//! The state: read as of now, brought up to date once a block; what the fund is due.

use alloc::vec::Vec;
use frame_support::{
	ensure,
	storage::with_storage_layer,
	traits::{Get, Time},
};
use keel_math::{cover, FixedU128, ONE};
use keel_primitives::{
	BreakerSubject, ChainParameters, CircuitBreaker, Clearing, FeedId, IncomeSource, InsuranceFund,
	LiquidityPool, MarketId, Moment, PriceFor, PriceProvider, RiskParameters,
};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{overflow, Borrow, Config, Error, Event, Fit, Markets, MarketsStateOf, Pallet, WeightInfo};

impl<T: Config> Pallet<T> {
	/// Is the configuration one the pallet can work with?
	pub(crate) fn check_config() {
		assert!(T::MaxMarkets::get() > 0, "there must be room for a market");
		assert!(T::MaxPositions::get() > 0, "there must be room for a position");
		assert!(T::MaxOrders::get() > 0, "there must be room for an order");
		assert!(T::SweepPeriod::get() > 0, "sweeps must be apart");
		let block = T::BlockWeights::get().max_block;
		assert!(
			T::WeightInfo::refresh(T::MaxMarkets::get())
				.saturating_mul(10)
				.all_lte(block),
			"the state must be brought up to date in a tenth of a block"
		);
		assert!(
			T::WeightInfo::follow_deficit(T::MaxMarkets::get())
				.saturating_mul(4)
				.all_lte(block),
			"a haircut must be set in a quarter of a block"
		);
	}

	/// The state. Where no block brought it up to date, no price in it is good for anything.
	pub(crate) fn state() -> MarketsStateOf<T> {
		let mut state = Markets::<T>::get();
		if state.refreshed_at != T::Time::now() {
			state
				.markets
				.iter_mut()
				.for_each(|market| market.fit = Fit::default());
		}
		state
	}

	/// Checks that this block brought `state` up to date: else no gain is paid, for the share that the pool
	/// can pay is not known.
	pub(crate) fn ensure_current(state: &MarketsStateOf<T>) -> DispatchResult {
		ensure!(state.refreshed_at == T::Time::now(), Error::<T>::PriceRefused);
		Ok(())
	}

	/// Does a market that is not settled stand on `feed`? Such a feed must not be removed.
	pub fn uses_feed(feed: FeedId) -> bool {
		Markets::<T>::get()
			.markets
			.iter()
			.any(|market| market.feed == feed && !market.is_settled())
	}

	/// Bring every market up to date: price and what it is good enough for, funding, margin rates; settle those whose time has
	/// come; and set the fund's share of fees.
	pub(crate) fn refresh(now: Moment) {
		let mut state = Markets::<T>::get();
		let mut settled = Vec::<(MarketId, _)>::new();
		for market in state.markets.iter_mut().filter(|market| !market.is_settled()) {
			let fit = |purpose| T::Prices::price(market.feed, purpose).is_ok();
			let fit = Fit {
				add_risk: fit(PriceFor::AddRisk),
				reduce_risk: fit(PriceFor::ReduceRisk),
				liquidate: fit(PriceFor::Liquidate),
			};
			let parameters = T::RiskParameters::market(market.id).ok();
			let level = T::CircuitBreaker::level(BreakerSubject::Market(market.id));
			market.refresh(now, T::Prices::last(market.feed), fit, level, parameters.as_ref());
			settled.extend(Self::settle_if_due(market, now).map(|price| (market.id, price)));
		}
		// Saturates above every target.
		let held = T::InsuranceFund::shared().saturating_add(state.tranches());
		let chain = T::RiskParameters::chain();
		let most = FixedU128::from_inner(ONE.saturating_sub(chain.pool_fee_floor.into_inner()));
		state.fund_share = cover::fee_share(held, T::Accounts::cover_target()).min(most);
		let borrow = Self::borrow_of(&state, &chain);
		state.markets.iter_mut().for_each(|market| market.borrow = borrow);
		state.refreshed_at = now;
		Markets::<T>::put(state);
		for (market, price) in settled {
			Self::deposit_event(Event::MarketSettled { market, price });
		}
	}

	/// Is the fund due something, and a sweep?
	pub(crate) fn is_sweep_due(now: Moment) -> bool {
		let state = Markets::<T>::get();
		state.fund_due > 0 && now.saturating_sub(state.swept_at) >= T::SweepPeriod::get()
	}

	/// Pay the fund what it is due. If that fails, the next sweep tries again.
	pub(crate) fn sweep(now: Moment) {
		let amount = Markets::<T>::get().fund_due;
		if amount == 0 {
			return;
		}
		let paid = with_storage_layer(|| -> DispatchResult {
			// Before the transfer: it is no longer clearing's when it leaves.
			Markets::<T>::mutate(|state| state.fund_due = 0);
			T::Accounts::release(amount)?;
			T::InsuranceFund::receive(&T::Accounts::custody(), amount, IncomeSource::Trading)
		});
		Markets::<T>::mutate(|state| state.swept_at = now);
		Self::deposit_event(match paid {
			Ok(()) => Event::FundPaid { amount },
			Err(error) => Event::SweepFailed { amount, error },
		});
	}

	/// The borrow fee from now on.
	fn borrow_of(state: &MarketsStateOf<T>, chain: &ChainParameters) -> Borrow {
		let equity = Self::pool_equity(state).map_or(0, |equity| u128::try_from(equity).unwrap_or(0));
		Borrow::of(Self::worst_case_of(state), equity, chain)
	}

	/// What the pool has above what it owes, in base units of kUSD.
	pub(crate) fn pool_equity(state: &MarketsStateOf<T>) -> Result<i128, DispatchError> {
		T::Pool::cash()
			.checked_sub(Self::owed_by(state)?)
			.ok_or_else(overflow)
	}

	pub(crate) fn owed_by(state: &MarketsStateOf<T>) -> Result<i128, DispatchError> {
		state
			.markets
			.iter()
			.try_fold(0i128, |sum, market| sum.checked_add(market.owed()?))
			.ok_or_else(overflow)
	}

	/// The worst case of all markets together. Saturates.
	pub(crate) fn worst_case_of(state: &MarketsStateOf<T>) -> u128 {
		state
			.markets
			.iter()
			.fold(0, |sum, market| sum.saturating_add(market.worst_case()))
	}
}
