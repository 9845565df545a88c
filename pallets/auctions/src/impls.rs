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
use keel_math::{mul_div, value, FixedU128, Rounding};
use keel_primitives::{
	Action, AssetId, AssetRegistry, AuctionId, Auctions as AuctionHouse, Balance, BranchId, BranchParameters,
	BreakerSubject, CircuitBreaker, Coverage, FeedId, Fuse, IncomeSource, InsuranceFund, Lot, Moment,
	PriceFor, PriceProvider, RegisteredAsset, RiskParameters,
};
use sp_runtime::{traits::AccountIdConversion, ArithmeticError};

use crate::{
	types::{from_queue_key, is_calm, portion, queue_key, without_branch, Curve, Refusal, Takeover},
	Auction, AuctionPage, Auctions, Claims, Config, Debt, EndQueue, Error, Event, FundSales, Kind,
	NextAuctionId, NextSales, Pallet, Purchase, WeightInfo, MAX_PAGE, RETRY_AFTER_MS, SELL_EVERY_MS,
};

/// What is the same for every kind of auction at its start.
struct Opening<AccountId> {
	kind: Kind<AccountId>,
	branch: Option<BranchId>,
	parameters: BranchParameters,
	asset: AssetId,
	feed: FeedId,
	divisor: u128,
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
		let purchase = auction
			.quote(now, max_collateral)
			.map_err(|refusal| match refusal {
				Refusal::Expired => Error::<T>::AuctionExpired.into(),
				Refusal::NothingAsked => Error::<T>::NothingAsked.into(),
				Refusal::DustLeft => Error::<T>::DustLeft.into(),
				Refusal::Overflow => DispatchError::from(ArithmeticError::Overflow),
			})?;
		if auction.kind == Kind::FundSale {
			Self::ensure_not_overtaken(auction, purchase.price)?;
		}
		Ok(purchase)
	}

	/// Refuses to sell the fund's own below its reserve share of the price of now: the sale can wait, and the
	/// price may have risen since it began. A feed without a fit price refuses nothing, for a sale at a named
	/// price has none.
	fn ensure_not_overtaken(auction: &Auction<T::AccountId>, price: FixedU128) -> DispatchResult {
		let Ok(now) = T::Prices::price(auction.feed, PriceFor::Liquidate) else {
			return Ok(());
		};
		let floor = mul_div(
			now.value.into_inner(),
			auction.reserve_price.into_inner(),
			auction.spot.into_inner(),
			Rounding::Up,
		)
		.ok_or(ArithmeticError::Overflow)?;
		ensure!(price.into_inner() >= floor, Error::<T>::PriceOvertaken);
		Ok(())
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
			divisor,
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
			Self::open(Opening {
				kind: Kind::Liquidation { owner },
				branch: Some(branch),
				parameters: T::RiskParameters::branch(branch)?,
				asset,
				feed,
				divisor,
				collateral,
				debt,
				penalty,
				spot,
			})
		})
	}

	/// Sell a portion of what the fund holds of `asset`, if its price is fit and calm and the breaker lets
	/// it. What the call and the hook both go by.
	pub(crate) fn do_sell_fund_collateral(asset: AssetId) -> Result<AuctionId, DispatchError> {
		let facts = T::Registry::asset(asset)?;
		let subject = facts.branch.map_or(BreakerSubject::Chain, BreakerSubject::Branch);
		// A drawdown is what the proceeds remedy.
		T::CircuitBreaker::ensure_despite(subject, Action::Discretionary, Fuse::Drawdown)?;
		let price = T::Prices::price(facts.feed, PriceFor::Liquidate)?;
		let parameters = Self::sale_parameters(&facts)?;
		ensure!(
			is_calm(&price, parameters.deviation_guarded),
			Error::<T>::PriceNotCalm
		);
		let divisor = Self::divisor(&facts)?;
		let amount = portion(T::InsuranceFund::collateral(asset), price.value, divisor);
		Self::sell(asset, facts, parameters, amount, price.value)
	}

	/// Sell all the fund holds of `asset` from `price` on, which its feed does not have.
	pub(crate) fn do_sell_fund_collateral_at(
		asset: AssetId,
		price: FixedU128,
	) -> Result<AuctionId, DispatchError> {
		let facts = T::Registry::asset(asset)?;
		ensure!(
			T::Prices::price(facts.feed, PriceFor::Liquidate).is_err(),
			Error::<T>::PriceIsKnown
		);
		let parameters = Self::sale_parameters(&facts)?;
		Self::sell(
			asset,
			facts,
			parameters,
			T::InsuranceFund::collateral(asset),
			price,
		)
	}

	/// The numbers a sale of the fund's follows: those of the live branch of the asset, or
	/// [`without_branch`].
	fn sale_parameters(facts: &RegisteredAsset) -> Result<BranchParameters, DispatchError> {
		facts
			.branch
			.map_or_else(|| Ok(without_branch()), T::RiskParameters::branch)
	}

	/// Sell `amount` of the fund's collateral.
	fn sell(
		asset: AssetId,
		facts: RegisteredAsset,
		parameters: BranchParameters,
		amount: Balance,
		spot: FixedU128,
	) -> Result<AuctionId, DispatchError> {
		ensure!(!FundSales::<T>::contains_key(asset), Error::<T>::SaleRunning);
		ensure!(amount > 0, Error::<T>::FundHoldsNone);
		with_storage_layer(|| {
			T::InsuranceFund::release_collateral(&Self::account(), asset, amount)?;
			let auction = Self::open(Opening {
				kind: Kind::FundSale,
				branch: facts.branch,
				parameters,
				asset,
				feed: facts.feed,
				divisor: Self::divisor(&facts)?,
				collateral: amount,
				debt: 0,
				penalty: 0,
				spot,
			})?;
			FundSales::<T>::insert(asset, auction);
			Ok(auction)
		})
	}

	/// Start the sales of the fund's collateral that can start, once in [`SELL_EVERY_MS`], as far as `meter`
	/// allows. Returns how many did. What can't be sold now is tried again.
	pub(crate) fn sell_due(meter: &mut WeightMeter) -> u32 {
		let none = T::WeightInfo::sell_due(0);
		let each = T::WeightInfo::sell_due(1).saturating_sub(none);
		if meter.try_consume(none).is_err() {
			return 0;
		}
		let now = T::ActiveTime::now();
		if now < NextSales::<T>::get() {
			return 0;
		}
		let mut started: u32 = 0;
		for asset in T::InsuranceFund::collaterals() {
			if meter.try_consume(each).is_err() {
				return started;
			}
			if Self::do_sell_fund_collateral(asset).is_ok() {
				// Safe: at most as many as there are assets.
				started = started.saturating_add(1);
			}
		}
		// Saturates at the end of time.
		NextSales::<T>::put(now.saturating_add(SELL_EVERY_MS));
		started
	}

	/// Write down a new auction whose collateral has arrived.
	fn open(opening: Opening<T::AccountId>) -> Result<AuctionId, DispatchError> {
		let Opening {
			kind,
			branch,
			parameters,
			asset,
			feed,
			divisor,
			collateral,
			debt,
			penalty,
			spot,
		} = opening;
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
			divisor,
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
			surplus,
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
		if surplus > 0 {
			Self::transfer(T::Synthetic::get(), buyer, &account, surplus)?;
			Self::give_back(&auction, T::Synthetic::get(), surplus)?;
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
			surplus,
		});

		if closes {
			Self::remove(id, &auction);
			let Coverage { covered, bad_debt } = Self::cover(uncovered, 0)?;
			Self::give_back(&auction, auction.asset, returned)?;
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
			let least = Self::least_price(&auction);
			let division = auction.takeover(least);
			Self::remove(id, &auction);
			let Coverage { covered, bad_debt } =
				Self::cover(auction.debt, auction.worth(division.taken, least))?;
			Self::hand_to_fund(&auction, &division)?;
			Self::give_back(&auction, auction.asset, division.returned)?;
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

	/// What the fund counts collateral it takes as, USD per whole unit: the reserve price, or the price fit
	/// for leaving where that is lower. Nothing where there is none.
	fn least_price(auction: &Auction<T::AccountId>) -> FixedU128 {
		T::Prices::price(auction.feed, PriceFor::ReduceRisk).map_or(FixedU128::default(), |price| {
			price.value.min(auction.reserve_price)
		})
	}

	/// Give the fund what it takes over. What rounding to whole base units takes beyond debt and penalty it
	/// pays the owner for, as far as its shared tranche goes.
	fn hand_to_fund(auction: &Auction<T::AccountId>, division: &Takeover) -> DispatchResult {
		let (account, asset, taken) = (Self::account(), auction.asset, division.taken);
		let pays = match division.surplus {
			0 => 0,
			surplus => surplus.min(T::InsuranceFund::shared()),
		};
		if pays == 0 {
			return T::InsuranceFund::take_collateral(&account, asset, taken);
		}
		T::InsuranceFund::buy(&account, asset, taken, pays)?;
		Self::give_back(auction, T::Synthetic::get(), pays)
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
	pub(crate) fn page(branch: Option<BranchId>, from: AuctionId, limit: u32) -> AuctionPage<T::AccountId> {
		let (now, end) = (T::ActiveTime::now(), NextAuctionId::<T>::get());
		let stop = from.saturating_add(MAX_PAGE.into()).min(end);
		let (mut auctions, mut next) = (Vec::new(), from);
		while next < stop && auctions.len() < limit as usize {
			let wanted = |auction: &Auction<_>| branch.is_none() || auction.branch == branch;
			if let Some(auction) = Auctions::<T>::get(next).filter(wanted) {
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

	/// What turns an amount of a registered asset times a price into kUSD.
	fn divisor(facts: &RegisteredAsset) -> Result<u128, DispatchError> {
		value::price_divisor(facts.decimals, T::Assets::decimals(T::Synthetic::get()))
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

	/// Hand debt that was not raised to the fund, which took collateral of at least `worth` beside it.
	fn cover(shortfall: Balance, worth: Balance) -> Result<Coverage, DispatchError> {
		if shortfall == 0 {
			return Ok(Coverage::default());
		}
		Self::relieve(shortfall)?;
		T::InsuranceFund::cover(shortfall, worth)
	}

	/// Pay `amount` of `asset` from the auctions' account to the owner: collateral that is left, or kUSD that
	/// is over. An owner who can't receive it never keeps an auction from ending: it waits to be claimed.
	fn give_back(auction: &Auction<T::AccountId>, asset: AssetId, amount: Balance) -> DispatchResult {
		let Kind::Liquidation { owner } = &auction.kind else {
			return Ok(());
		};
		if amount == 0 {
			return Ok(());
		}
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
