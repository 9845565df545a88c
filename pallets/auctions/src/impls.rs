//! Where money moves, and the door the liquidations use.

use alloc::vec::Vec;
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult, Get},
	storage::with_storage_layer,
	traits::{
		fungibles::{metadata::Inspect as _, Mutate},
		tokens::{Fortitude, Precision, Preservation},
		Time,
	},
	weights::WeightMeter,
};
use keel_math::{value, FixedU128};
use keel_primitives::{
	Action, AssetId, AuctionId, Auctions as AuctionHouse, Balance, BranchId, BreakerSubject, CircuitBreaker,
	Coverage, FeedId, IncomeSource, InsuranceFund, Lot, Moment, PriceFor, PriceProvider, RiskParameters,
};
use sp_runtime::{traits::AccountIdConversion, ArithmeticError};

use crate::{
	types::{from_queue_key, queue_key, Curve, Refusal},
	Auction, AuctionPage, Auctions, Claims, Config, Debt, EndQueue, Error, Event, Feeds, FundSales, Kind,
	NextAuctionId, Pallet, Purchase, WeightInfo, MAX_PAGE, RETRY_AFTER_MS,
};

/// What is the same for every kind of auction at its start.
struct Opening<AccountId> {
	kind: Kind<AccountId>,
	branch: BranchId,
	asset: AssetId,
	feed: FeedId,
	collateral: Balance,
	debt: Balance,
	penalty: Balance,
	spot: FixedU128,
}

impl<T: Config> Pallet<T> {
	/// The account that holds what is for sale, and what waits to be claimed.
	pub fn account() -> T::AccountId {
		T::PalletId::get().into_account_truncating()
	}

	/// What a purchase does; what [`do_take`](Self::do_take) executes and the view shows.
	pub(crate) fn quote(
		auction: &Auction<T::AccountId>,
		now: Moment,
		max_collateral: Balance,
	) -> Result<Purchase, DispatchError> {
		auction
			.quote(now, max_collateral)
			.map_err(|refusal| match refusal {
				Refusal::Expired => Error::<T>::AuctionExpired.into(),
				Refusal::NothingAsked => Error::<T>::NothingAsked.into(),
				Refusal::DustLeft => Error::<T>::DustLeft.into(),
				Refusal::Overflow => ArithmeticError::Overflow.into(),
			})
	}

	/// Sell a liquidated lot.
	fn do_start(
		seller: &T::AccountId,
		lot: Lot<T::AccountId>,
		spot: FixedU128,
	) -> Result<AuctionId, DispatchError> {
		let Lot {
			branch,
			asset,
			feed,
			collateral,
			debt,
			penalty,
			owner,
		} = lot;
		let account = Self::account();
		let needed = debt.checked_add(penalty).ok_or(ArithmeticError::Overflow)?;
		ensure!(collateral > 0 && needed > 0, Error::<T>::EmptyLot);
		ensure!(asset != T::Synthetic::get(), Error::<T>::InvalidLot);
		// A transfer to oneself moves nothing, and the books would say it did.
		ensure!(*seller != account && owner != account, Error::<T>::InvalidLot);
		with_storage_layer(|| {
			Self::transfer(asset, seller, &account, collateral)?;
			let debts = Debt::<T>::get()
				.checked_add(debt)
				.ok_or(ArithmeticError::Overflow)?;
			Debt::<T>::put(debts);
			if Feeds::<T>::get(branch, asset) != Some(feed) {
				Feeds::<T>::insert(branch, asset, feed);
			}
			let kind = Kind::Liquidation { owner };
			Self::open(Opening {
				kind,
				branch,
				asset,
				feed,
				collateral,
				debt,
				penalty,
				spot,
			})
		})
	}

	/// Sell all the fund holds of `asset`, if the branch's breaker lets it.
	pub(crate) fn do_sell_fund_collateral(
		branch: BranchId,
		asset: AssetId,
	) -> Result<AuctionId, DispatchError> {
		T::CircuitBreaker::ensure(BreakerSubject::Branch(branch), Action::Discretionary)?;
		let feed = Feeds::<T>::get(branch, asset).ok_or(Error::<T>::UnknownCollateral)?;
		ensure!(!FundSales::<T>::contains_key(asset), Error::<T>::SaleRunning);
		let collateral = T::InsuranceFund::collateral(asset);
		ensure!(collateral > 0, Error::<T>::FundHoldsNone);
		let spot = T::Prices::price(feed, PriceFor::Liquidate)?.value;
		T::InsuranceFund::release_collateral(&Self::account(), asset, collateral)?;
		let auction = Self::open(Opening {
			kind: Kind::FundSale,
			branch,
			asset,
			feed,
			collateral,
			debt: 0,
			penalty: 0,
			spot,
		})?;
		FundSales::<T>::insert(asset, auction);
		Ok(auction)
	}

	/// Write down a new auction whose collateral has arrived.
	fn open(opening: Opening<T::AccountId>) -> Result<AuctionId, DispatchError> {
		let Opening {
			kind,
			branch,
			asset,
			feed,
			collateral,
			debt,
			penalty,
			spot,
		} = opening;
		let parameters = T::RiskParameters::branch(branch)?;
		let curve = Curve::new(spot, &parameters).ok_or(Error::<T>::InvalidParameters)?;
		let active_start = T::ActiveTime::now();
		let ends_in = curve.length.checked_mul(1000).ok_or(ArithmeticError::Overflow)?;
		let active_end = active_start
			.checked_add(ends_in)
			.ok_or(ArithmeticError::Overflow)?;
		let id = NextAuctionId::<T>::get();
		NextAuctionId::<T>::put(id.checked_add(1).ok_or(ArithmeticError::Overflow)?);
		let auction = Auction {
			kind: kind.clone(),
			branch,
			asset,
			feed,
			collateral,
			debt,
			penalty,
			divisor: Self::divisor(asset)?,
			active_start,
			spot,
			start_price: curve.start_price,
			reserve_price: curve.reserve_price,
			cut: parameters.auction_cut,
			step: parameters.auction_step,
			active_end,
			active_due: active_end,
			minimum_rest: parameters.minimum_debt / 10,
		};
		Auctions::<T>::insert(id, auction);
		EndQueue::<T>::insert(queue_key(active_end, id), ());
		Self::deposit_event(Event::Started {
			auction: id,
			kind,
			branch,
			asset,
			collateral,
			debt,
			penalty,
			start_price: curve.start_price,
			reserve_price: curve.reserve_price,
			ends_in,
		});
		Ok(id)
	}

	/// Buy.
	pub(crate) fn do_take(
		buyer: &T::AccountId,
		id: AuctionId,
		max_collateral: Balance,
		max_price: FixedU128,
	) -> Result<Purchase, DispatchError> {
		let auction = Auctions::<T>::get(id).ok_or(Error::<T>::UnknownAuction)?;
		let account = Self::account();
		ensure!(*buyer != account, Error::<T>::OwnAccount);
		let purchase = Self::quote(&auction, T::ActiveTime::now(), max_collateral)?;
		let Purchase {
			price,
			collateral,
			paid,
			burned,
			income,
			closes,
			returned,
			uncovered,
		} = purchase;
		ensure!(price <= max_price, Error::<T>::PriceAboveLimit);

		Self::burn(buyer, burned)?;
		let source = match auction.kind {
			Kind::Liquidation { .. } => IncomeSource::Penalty,
			Kind::FundSale => IncomeSource::Collateral,
		};
		if income > 0 {
			T::InsuranceFund::receive(buyer, income, source)?;
		}
		Self::transfer(auction.asset, &account, buyer, collateral)?;
		Self::relieve(burned)?;
		Self::deposit_event(Event::Taken {
			auction: id,
			buyer: buyer.clone(),
			price,
			collateral,
			paid,
			burned,
		});

		if closes {
			Self::remove(id, &auction);
			let Coverage { covered, bad_debt } = Self::cover(uncovered)?;
			Self::give_back(&auction, returned)?;
			Self::deposit_event(Event::Closed {
				auction: id,
				returned,
				covered,
				bad_debt,
			});
		} else {
			Auctions::<T>::insert(id, auction.after(&purchase).ok_or(ArithmeticError::Underflow)?);
		}
		Ok(purchase)
	}

	/// Let the fund take over an auction that is over. All or nothing.
	pub(crate) fn do_settle(id: AuctionId) -> DispatchResult {
		let auction = Auctions::<T>::get(id).ok_or(Error::<T>::UnknownAuction)?;
		ensure!(!auction.is_open(T::ActiveTime::now()), Error::<T>::NotExpired);
		with_storage_layer(|| {
			let division = auction.takeover();
			Self::remove(id, &auction);
			T::InsuranceFund::take_collateral(&Self::account(), auction.asset, division.taken)?;
			let Coverage { covered, bad_debt } = Self::cover(auction.debt)?;
			Self::give_back(&auction, division.returned)?;
			Self::deposit_event(Event::Settled {
				auction: id,
				collateral: division.taken,
				returned: division.returned,
				covered,
				bad_debt,
			});
			Ok(())
		})
	}

	/// Settle what is due, earliest first, as far as `meter` and [`Config::MaxSettlePerBlock`] allow. Returns how many
	/// were settled or put off.
	pub(crate) fn settle_due(meter: &mut WeightMeter) -> u32 {
		let base = T::WeightInfo::settle_due(0);
		let each = T::WeightInfo::settle_due(1).saturating_sub(base);
		if meter.try_consume(base).is_err() {
			return 0;
		}
		let now = T::ActiveTime::now();
		let mut done: u32 = 0;
		// The keys first: settling changes the queue under an iterator.
		for (due, id) in Self::queue(T::MaxSettlePerBlock::get()) {
			if due > now || meter.try_consume(each).is_err() {
				break;
			}
			if let Err(error) = Self::do_settle(id) {
				Self::postpone(due, id, now, error);
			}
			// Safe: at most `MaxSettlePerBlock`.
			done = done.saturating_add(1);
		}
		done
	}

	/// Put off a settlement that failed, so that it does not stand before the others in every block.
	fn postpone(due: Moment, id: AuctionId, now: Moment, error: DispatchError) {
		EndQueue::<T>::remove(queue_key(due, id));
		// Saturates at the end of time, where it stays due for `settle`.
		let again = now.saturating_add(RETRY_AFTER_MS);
		let known = Auctions::<T>::mutate(id, |auction| {
			auction
				.as_mut()
				.map(|auction| auction.active_due = again)
				.is_some()
		});
		// A key without an auction would be damage; it is dropped rather than visited for ever.
		if known {
			EndQueue::<T>::insert(queue_key(again, id), ());
		}
		log::warn!(target: "runtime::auctions", "settlement of auction {id} put off: {error:?}");
		Self::deposit_event(Event::SettlementPostponed {
			auction: id,
			error,
			retry_in: RETRY_AFTER_MS,
		});
	}

	/// The first `limit` entries of the queue: the active time at which each is due, and its number.
	pub(crate) fn queue(limit: u32) -> Vec<(Moment, AuctionId)> {
		EndQueue::<T>::iter_keys()
			.take(limit as usize)
			.map(from_queue_key)
			.collect()
	}

	/// Pay out what could not be returned.
	pub(crate) fn do_claim(owner: &T::AccountId, asset: AssetId) -> DispatchResult {
		let amount = Claims::<T>::take(owner, asset);
		ensure!(amount > 0, Error::<T>::NothingToClaim);
		Self::transfer(asset, &Self::account(), owner, amount)?;
		Self::deposit_event(Event::Claimed {
			owner: owner.clone(),
			asset,
			amount,
		});
		Ok(())
	}

	/// A page of running auctions. Looks at no more than [`MAX_PAGE`] numbers.
	pub(crate) fn page(branch: BranchId, from: AuctionId, limit: u32) -> AuctionPage<T::AccountId> {
		let (now, end) = (T::ActiveTime::now(), NextAuctionId::<T>::get());
		let stop = from.saturating_add(MAX_PAGE.into()).min(end);
		let (mut auctions, mut next) = (Vec::new(), from);
		while next < stop && auctions.len() < limit as usize {
			if let Some(auction) = Auctions::<T>::get(next).filter(|auction| auction.branch == branch) {
				auctions.push(auction.view(next, now));
			}
			// Safe: below `stop`.
			next = next.saturating_add(1);
		}
		AuctionPage {
			auctions,
			next: (next < end).then_some(next),
		}
	}

	/// What turns `asset` times price into kUSD.
	fn divisor(asset: AssetId) -> Result<u128, DispatchError> {
		value::price_divisor(
			T::Assets::decimals(asset),
			T::Assets::decimals(T::Synthetic::get()),
		)
		.ok_or(Error::<T>::UnsupportedDecimals.into())
	}

	/// Forget an auction; its collateral and its debt are the caller's to place.
	fn remove(id: AuctionId, auction: &Auction<T::AccountId>) {
		Auctions::<T>::remove(id);
		EndQueue::<T>::remove(queue_key(auction.active_due, id));
		if auction.kind == Kind::FundSale {
			FundSales::<T>::remove(auction.asset);
		}
	}

	/// Carry `amount` less debt.
	fn relieve(amount: Balance) -> DispatchResult {
		if amount == 0 {
			return Ok(());
		}
		let debts = Debt::<T>::get()
			.checked_sub(amount)
			.ok_or(ArithmeticError::Underflow)?;
		Debt::<T>::put(debts);
		Ok(())
	}

	/// Hand debt that was not raised to the fund.
	fn cover(shortfall: Balance) -> Result<Coverage, DispatchError> {
		if shortfall == 0 {
			return Ok(Coverage::default());
		}
		Self::relieve(shortfall)?;
		T::InsuranceFund::cover(shortfall)
	}

	/// Return what is left to its owner. An owner who can't receive it never keeps an auction from ending: it
	/// waits to be claimed.
	fn give_back(auction: &Auction<T::AccountId>, amount: Balance) -> DispatchResult {
		let Kind::Liquidation { owner } = &auction.kind else {
			return Ok(());
		};
		if amount == 0 {
			return Ok(());
		}
		let asset = auction.asset;
		if with_storage_layer(|| Self::transfer(asset, &Self::account(), owner, amount)).is_err() {
			Self::record_claim(owner, asset, amount)?;
		}
		Ok(())
	}

	/// Write down collateral that could not be returned.
	pub(crate) fn record_claim(owner: &T::AccountId, asset: AssetId, amount: Balance) -> DispatchResult {
		Claims::<T>::try_mutate(owner, asset, |claim| -> DispatchResult {
			*claim = claim.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
			Ok(())
		})?;
		Self::deposit_event(Event::ClaimRecorded {
			owner: owner.clone(),
			asset,
			amount,
		});
		Ok(())
	}

	/// Move exactly `amount`.
	fn transfer(asset: AssetId, from: &T::AccountId, to: &T::AccountId, amount: Balance) -> DispatchResult {
		let moved = T::Assets::transfer(asset, from, to, amount, Preservation::Expendable)?;
		ensure!(moved == amount, Error::<T>::NotExact);
		Ok(())
	}

	/// Burn exactly `amount` of a buyer's kUSD.
	fn burn(from: &T::AccountId, amount: Balance) -> DispatchResult {
		if amount == 0 {
			return Ok(());
		}
		let burned = T::Assets::burn_from(
			T::Synthetic::get(),
			from,
			amount,
			Preservation::Expendable,
			Precision::Exact,
			Fortitude::Polite,
		)?;
		ensure!(burned == amount, Error::<T>::NotExact);
		Ok(())
	}
}

impl<T: Config> AuctionHouse<T::AccountId> for Pallet<T> {
	fn start(
		seller: &T::AccountId,
		lot: Lot<T::AccountId>,
		spot: FixedU128,
	) -> Result<AuctionId, DispatchError> {
		Self::do_start(seller, lot, spot)
	}

	fn debt() -> Balance {
		Debt::<T>::get()
	}
}
