//! The book: read as of now, brought up to date once a block; what the fund is due.

use alloc::vec::Vec;
use frame_support::{
	storage::with_storage_layer,
	traits::{Get, Time},
};
use keel_math::cover;
use keel_primitives::{
	BreakerSubject, CircuitBreaker, FeedId, IncomeSource, InsuranceFund, LiquidityPool, MarginAccountId,
	MarginAccounts, MarketId, Moment, PoolExposure, PriceFor, PriceProvider, RiskParameters,
};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{overflow, Book, BookOf, Config, Event, Fit, Pallet, TraderOf, Traders, WeightInfo};

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
			"the book must be brought up to date in a tenth of a block"
		);
	}

	/// The book. Where no block brought it up to date, no price in it is good for anything.
	pub(crate) fn book() -> BookOf<T> {
		let mut book = Book::<T>::get();
		if book.refreshed_at != T::Time::now() {
			book.markets
				.iter_mut()
				.for_each(|market| market.fit = Fit::default());
		}
		book
	}

	/// Keep what an account has; nothing of one that has nothing.
	pub(crate) fn put_trader(account: MarginAccountId, trader: &TraderOf<T>) {
		if trader.is_empty() {
			Traders::<T>::remove(account);
		} else {
			Traders::<T>::insert(account, trader);
		}
	}

	/// Does a market that is not settled stand on `feed`? Such a feed must not be removed.
	pub fn uses_feed(feed: FeedId) -> bool {
		Book::<T>::get()
			.markets
			.iter()
			.any(|market| market.feed == feed && !market.is_settled())
	}

	/// Bring every market up to date: price and what it is good enough for, funding, margin rates; settle those whose time has
	/// come; and set the fund's share of fees.
	pub(crate) fn refresh(now: Moment) {
		let mut book = Book::<T>::get();
		let mut settled = Vec::<(MarketId, _)>::new();
		for market in book.markets.iter_mut().filter(|market| !market.is_settled()) {
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
		let held = T::InsuranceFund::shared().saturating_add(book.tranches());
		book.fund_share = cover::fee_share(held, T::Accounts::cover_target());
		book.refreshed_at = now;
		Book::<T>::put(book);
		for (market, price) in settled {
			Self::deposit_event(Event::MarketSettled { market, price });
		}
	}

	/// Is the fund due something, and a sweep?
	pub(crate) fn is_sweep_due(now: Moment) -> bool {
		let book = Book::<T>::get();
		book.fund_due > 0 && now.saturating_sub(book.swept_at) >= T::SweepPeriod::get()
	}

	/// Pay the fund what it is due. If that fails, the next sweep tries again.
	pub(crate) fn sweep(now: Moment) {
		let amount = Book::<T>::get().fund_due;
		if amount == 0 {
			return;
		}
		let paid = with_storage_layer(|| -> DispatchResult {
			// Before the transfer: it is no longer clearing's when it leaves.
			Book::<T>::mutate(|book| book.fund_due = 0);
			T::Accounts::release(amount)?;
			T::InsuranceFund::receive(&T::Accounts::custody(), amount, IncomeSource::Trading)
		});
		Book::<T>::mutate(|book| book.swept_at = now);
		Self::deposit_event(match paid {
			Ok(()) => Event::FundPaid { amount },
			Err(error) => Event::SweepFailed { amount, error },
		});
	}

	/// What the pool has above what it owes, in base units of kUSD.
	pub(crate) fn pool_equity(book: &BookOf<T>) -> Result<i128, DispatchError> {
		T::Pool::cash()
			.checked_sub(Self::owed_by(book)?)
			.ok_or_else(overflow)
	}

	fn owed_by(book: &BookOf<T>) -> Result<i128, DispatchError> {
		book.markets
			.iter()
			.try_fold(0i128, |sum, market| sum.checked_add(market.owed()?))
			// What is cut is not owed, though it still shows in the sums over positions.
			.and_then(|owed| owed.checked_sub_unsigned(book.cut_outstanding))
			.ok_or_else(overflow)
	}

	/// The worst case of all markets together. Saturates.
	pub(crate) fn worst_case_of(book: &BookOf<T>) -> u128 {
		book.markets
			.iter()
			.fold(0, |sum, market| sum.saturating_add(market.worst_case()))
	}
}

impl<T: Config> PoolExposure for Pallet<T> {
	fn owed() -> Result<i128, DispatchError> {
		Self::owed_by(&Book::<T>::get())
	}

	fn worst_case() -> u128 {
		Self::worst_case_of(&Book::<T>::get())
	}

	fn priced_after(moment: Moment) -> bool {
		Self::book()
			.markets
			.iter()
			.filter(|market| market.positions > 0 && !market.is_settled())
			.all(|market| market.fit.add_risk && market.price.since > moment)
	}
}
