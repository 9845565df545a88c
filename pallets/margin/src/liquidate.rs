//! What happens to an account without its owner: margin calls and liquidations.

use alloc::vec::Vec;
use frame_support::{
	dispatch::DispatchResult,
	ensure,
	traits::{Get, Time},
	weights::Weight,
};
use keel_math::FixedU128;
use keel_primitives::{
	Balance, Closed, Closing, Exposure, Group, InsuranceFund, LiquidationOutcome, MarginAccountId, MarketId,
	Moment, Positioned, Positions, PriceFor, PriceProvider, StabilityPool,
};
use sp_runtime::DispatchError;

use crate::{
	overflow, AccountData, AccountOf, Accounts, Config, Error, Event, FirstStep, Health, Holding,
	LiquidationView, Pallet, Reduction, Totals, WeightInfo,
};

/// What a liquidation did, as it goes on.
#[derive(Default)]
pub(crate) struct Progress {
	pub outcome: LiquidationOutcome,
	fees: Balance,
	/// Whether anything was closed, sold, put up for sale or covered.
	done: bool,
	/// Whether anything is left that has a price and that neither stability pool nor insurance fund bought.
	unsold: bool,
	/// Why the first thing that was tried did not work.
	error: Option<DispatchError>,
}

impl Progress {
	fn failed(&mut self, error: DispatchError) {
		self.error.get_or_insert(error);
	}

	/// Whether anything was done; the error says why not.
	pub fn ensure_done<T: Config>(&self) -> DispatchResult {
		ensure!(
			self.done,
			self.error.unwrap_or_else(|| Error::<T>::NothingDone.into())
		);
		Ok(())
	}
}

impl<T: Config> Pallet<T> {
	/// Account `id` as it stands, with its health.
	pub(crate) fn look(id: MarginAccountId) -> Result<(AccountData<T>, Health), DispatchError> {
		let account = Self::account_data(id)?;
		let health = Self::health(&account, &Self::money())?;
		Ok((account, health))
	}

	fn ensure_in(account: &AccountData<T>, group: Group) -> DispatchResult {
		ensure!(
			account.triggers.iter().any(|(of, _)| *of == group),
			Error::<T>::NotInGroup
		);
		Ok(())
	}

	/// The feed's price a collateral is sold by, if there is one that was made after `changed_at`.
	pub(crate) fn sale_price(
		feed: keel_primitives::FeedId,
		changed_at: Moment,
	) -> Result<FixedU128, DispatchError> {
		let price = T::Prices::price(feed, PriceFor::Liquidate)?;
		ensure!(price.since > changed_at, Error::<T>::PriceNotNewer);
		Ok(price.value)
	}

	/// The markets of `exposures`, largest requirement first: the order in which positions are closed.
	/// Settled ones, which require nothing, come last.
	fn by_requirement(exposures: &[Exposure]) -> Vec<MarketId> {
		let mut order: Vec<&Exposure> = exposures.iter().collect();
		order.sort_by(|a, b| b.maintenance.cmp(&a.maintenance).then(a.market.cmp(&b.market)));
		order.iter().map(|exposure| exposure.market).collect()
	}

	/// What a liquidation of account `id` does first: what validation, worker, dispatch and view ask. Writes
	/// nothing.
	///
	/// The account is safe and its debt is recalled, or it is unsafe and something can be done about it now:
	/// a position can be closed or paid out, collateral has a buyer or was not offered yet, or nothing but a
	/// debt is left. What is for sale to anybody is not tried again until
	/// stability pool or insurance fund can pay for some of it.
	///
	/// ## Errors
	///
	/// [`Error::AccountSafe`]; else why the first thing that could be tried would fail: a price that is
	/// refused or not newer than the account's last risk, a full window, an overflow, or
	/// [`Error::NothingDone`] where there is no buyer.
	pub(crate) fn first_step(account: &AccountData<T>, health: &Health) -> Result<FirstStep, DispatchError> {
		if Self::is_recalled(health) {
			let owed = Self::to_recall(health, &Self::money());
			return Ok(FirstStep::SellCollateral { owed });
		}
		ensure!(health.risk.is_unsafe(), Error::<T>::AccountSafe);
		let mut error = None;
		for market in Self::by_requirement(&health.exposures) {
			let closing = Closing::Liquidate {
				market,
				risk: health.risk,
				changed_at: account.changed_at,
			};
			match T::Positions::quote(&account.trader, closing) {
				Ok(Closed { notional, fee, .. }) => {
					return Ok(FirstStep::Close {
						market,
						notional,
						fee,
					})
				}
				Err(refused) => error = error.or(Some(refused)),
			}
		}
		let owed = health.debt;
		if owed > 0 {
			let closed = health.exposures.is_empty();
			if closed && health.holdings.is_empty() {
				return Ok(FirstStep::Cover { owed });
			}
			let most = T::StabilityPool::capacity().max(T::InsuranceFund::shared());
			let mut offers = false;
			for holding in &health.holdings {
				match Self::lot(holding, account.changed_at) {
					Ok(lot) if lot.has_buyer(owed, most) => return Ok(FirstStep::SellCollateral { owed }),
					Ok(_) => offers = closed && account.for_sale_since.is_none(),
					Err(refused) => error = error.or(Some(refused)),
				}
			}
			if offers {
				return Ok(FirstStep::OfferCollateral { owed });
			}
		}
		Err(error.unwrap_or_else(|| Error::<T>::NothingDone.into()))
	}

	/// Is account `id` to be liquidated now? What [`PositionLedger::deficit`] and [`PositionLedger::liquidate`] both go by.
	pub(crate) fn assess(
		group: Group,
		id: MarginAccountId,
	) -> Result<(AccountData<T>, Health), DispatchError> {
		let (account, health) = Self::look(id)?;
		Self::ensure_in(&account, group)?;
		Self::first_step(&account, &health)?;
		Ok((account, health))
	}

	/// What a liquidation of account `id` would do now, in whatever group it stands.
	pub(crate) fn view_can_liquidate(id: MarginAccountId) -> Result<LiquidationView, DispatchError> {
		let (account, health) = Self::look(id)?;
		Ok(LiquidationView {
			first: Self::first_step(&account, &health)?,
			// Nothing is missing from one that is safe and only has to repay.
			deficit: health.risk.slack().min(0).unsigned_abs(),
		})
	}

	/// `closing` of what account `id` has, booked.
	fn trade(
		id: MarginAccountId,
		account: &mut AccountData<T>,
		closing: Closing,
	) -> Result<Closed, DispatchError> {
		Self::attempt(account, |account| {
			let closed = T::Positions::trade(id, &mut account.trader, closing)?;
			Self::book(account, closed.credit)?;
			Ok(closed)
		})
	}

	/// Close positions, largest requirement first, until the account is restored. Those in settled markets
	/// are paid out.
	fn close_positions(
		id: MarginAccountId,
		account: &mut AccountData<T>,
		mut health: Health,
		progress: &mut Progress,
	) -> Result<Health, DispatchError> {
		for market in Self::by_requirement(&health.exposures) {
			if health.risk.is_restored() {
				break;
			}
			let closing = Closing::Liquidate {
				market,
				risk: health.risk,
				changed_at: account.changed_at,
			};
			match Self::trade(id, account, closing) {
				Ok(closed) => {
					progress.done = true;
					progress.outcome.closed = progress
						.outcome
						.closed
						.checked_add(closed.notional)
						.ok_or_else(overflow)?;
					progress.fees = progress.fees.checked_add(closed.fee).ok_or_else(overflow)?;
					health = Self::health(account, &Self::money())?;
				}
				Err(error) => progress.failed(error),
			}
		}
		Ok(health)
	}

	/// Sell collateral, what counts most first, for what is still owed beyond what `stays` owed.
	pub(crate) fn sell_collateral(
		id: MarginAccountId,
		account: &mut AccountData<T>,
		holdings: &[Holding],
		stays: Balance,
		changed_at: Moment,
		progress: &mut Progress,
	) -> DispatchResult {
		let mut order: Vec<&Holding> = holdings.iter().collect();
		order.sort_by(|a, b| b.counted.cmp(&a.counted).then(a.asset.cmp(&b.asset)));
		for holding in order {
			let owed = Self::money().debt_of(account.debt)?.saturating_sub(stays);
			if owed == 0 {
				break;
			}
			match Self::attempt(account, |account| {
				Self::sell_one(id, account, holding, owed, changed_at)
			}) {
				Ok(Sale {
					moved,
					unsold,
					sold,
					proceeds,
					absorbed,
				}) => {
					progress.done |= moved;
					progress.unsold |= unsold;
					if !moved {
						progress.failed(Error::<T>::NothingDone.into());
					}
					let outcome = &mut progress.outcome;
					outcome.collateral = outcome.collateral.checked_add(sold).ok_or_else(overflow)?;
					outcome.debt = outcome
						.debt
						.checked_add(proceeds.min(owed))
						.ok_or_else(overflow)?;
					outcome.absorbed = outcome.absorbed.checked_add(absorbed).ok_or_else(overflow)?;
				}
				Err(error) => progress.failed(error),
			}
		}
		Ok(())
	}

	/// Sell as much of one holding as repays `owed`: the stability pool buys what it can pay, the insurance fund the rest of what it
	/// can. What neither buys stays.
	fn sell_one(
		id: MarginAccountId,
		account: &mut AccountData<T>,
		holding: &Holding,
		owed: Balance,
		changed_at: Moment,
	) -> Result<Sale, DispatchError> {
		let lot = Self::lot(holding, changed_at)?;
		let mut sale = Sale::default();
		if lot.whole() == 0 {
			// Nobody pays for it, and it must not keep what is missing from being covered.
			Self::hand_over(account, holding.asset, holding.amount, 0)?;
			T::InsuranceFund::take_collateral(&Self::custody_account(), holding.asset, holding.amount)?;
			sale.moved = true;
			return Ok(sale);
		}
		let mut left = lot.wanted(owed);
		for to_pool in [true, false] {
			let can_pay = match to_pool {
				true => T::StabilityPool::capacity(),
				false => T::InsuranceFund::shared(),
			};
			let Some((amount, pays)) = lot.part(left, can_pay) else {
				continue;
			};
			let bought = Self::attempt(account, |account| {
				let custody = Self::custody_account();
				Self::hand_over(account, holding.asset, amount, pays)?;
				match to_pool {
					true => T::StabilityPool::buy(&custody, holding.asset, amount, pays),
					false => T::InsuranceFund::buy(&custody, holding.asset, amount, pays),
				}
			});
			// A buyer that fails bought nothing: the next one is asked.
			if bought.is_err() {
				continue;
			}
			sale.moved = true;
			left = left.checked_sub(amount).ok_or_else(overflow)?;
			sale.sold = sale.sold.checked_add(lot.value(amount)).ok_or_else(overflow)?;
			sale.proceeds = sale.proceeds.checked_add(pays).ok_or_else(overflow)?;
			if to_pool {
				sale.absorbed = pays.min(owed);
			}
			Self::deposit_event(Event::CollateralSold {
				account: id,
				asset: holding.asset,
				amount,
				price: pays,
				to_pool,
			});
		}
		sale.unsold = left > 0;
		Ok(sale)
	}

	/// Have `deficit`, which account `id` owes and has nothing left for, carried.
	pub(crate) fn cover_deficit(
		id: MarginAccountId,
		account: &mut AccountData<T>,
		markets: &[MarketId],
		deficit: Balance,
	) -> DispatchResult {
		let covered = Self::attempt(account, |account| {
			let by = T::Positions::cover(id, markets, deficit)?;
			ensure!(by.total() == Some(deficit), Error::<T>::DeficitNotCovered);
			Self::book(account, i128::try_from(deficit).map_err(|_| overflow())?)?;
			Ok(by)
		});
		Self::deposit_event(match covered {
			Ok(by) => Event::DeficitCovered {
				account: id,
				deficit,
				by,
			},
			Err(error) => Event::CoverFailed {
				account: id,
				deficit,
				error,
			},
		});
		covered.map(|_| ())
	}

	/// Cancel orders, close positions, sell collateral, put up for sale to anybody what nobody buys, have the rest covered: as far as is
	/// needed and possible.
	pub(crate) fn do_liquidate(
		group: Group,
		id: MarginAccountId,
	) -> Result<LiquidationOutcome, DispatchError> {
		let (mut account, before) = Self::assess(group, id)?;
		if !before.risk.is_unsafe() {
			return Self::recall(id, account, &before);
		}
		let changed_at = account.changed_at;
		let markets: Vec<MarketId> = before.exposures.iter().map(|exposure| exposure.market).collect();
		let mut progress = Progress::default();
		Self::trade(id, &mut account, Closing::CancelOrders)?;
		let health = Self::close_positions(id, &mut account, before, &mut progress)?;
		let stuck = health.exposures.is_empty() || !progress.done;
		if stuck && health.debt > 0 && !health.risk.is_restored() {
			Self::sell_collateral(id, &mut account, &health.holdings, 0, changed_at, &mut progress)?;
			let owed = Self::money().debt_of(account.debt)?;
			if health.exposures.is_empty() && account.collateral.is_empty() && owed > 0 {
				match Self::cover_deficit(id, &mut account, &markets, owed) {
					Ok(()) => {
						progress.done = true;
						progress.outcome.shortfall = owed;
					}
					Err(error) => progress.failed(error),
				}
			}
		}
		// The first time that something is left over is as good as a sale; after that the time stands.
		let offers = progress.unsold
			&& health.exposures.is_empty()
			&& account.debt > 0
			&& account.for_sale_since.is_none();
		if offers {
			account.for_sale_since = Some(T::ActiveTime::now());
			progress.done = true;
		}
		progress.ensure_done::<T>()?;
		if progress.outcome.closed > 0 {
			// The next call is a new one, with its owner's measures: the account may be below what ends a
			// call.
			account.called = false;
		}
		let owner = account.owner.clone();
		let after = Self::review(id, account)?;
		// What was sold may have been enough.
		if offers && after.risk.is_unsafe() {
			Self::deposit_event(Event::CollateralForSale { account: id });
		}
		let outcome = progress.outcome;
		Self::deposit_event(Event::AccountLiquidated {
			account: id,
			owner,
			closed: outcome.closed,
			fees: progress.fees,
			collateral: outcome.collateral,
			debt: outcome.debt,
			absorbed: outcome.absorbed,
			shortfall: outcome.shortfall,
			equity: after.risk.net,
			maintenance: after.risk.maintenance,
		});
		Ok(outcome)
	}

	/// Move cash from the sub-account its owner named, as much as brings account `id` to its initial requirement and the other can give.
	fn top_up(id: MarginAccountId, account: &mut AccountData<T>, health: &Health) -> DispatchResult {
		let Some((sub, most)) = account.top_up else {
			return Ok(());
		};
		let missing = Balance::try_from(health.risk.free().saturating_neg()).unwrap_or(0);
		let from = AccountOf::<T>::get(&account.owner, sub).ok_or(Error::<T>::UnknownAccount)?;
		let mut giver = Self::account_data(from)?;
		let gives = missing.min(most).min(Self::spare_cash(&giver)?);
		if gives == 0 {
			return Ok(());
		}
		giver.cash = giver.cash.checked_sub(gives).ok_or_else(overflow)?;
		giver.changed_at = T::Time::now();
		let mut money = Self::money();
		Self::credit(account, &mut money, gives)?;
		Totals::<T>::put(money);
		Self::review(from, giver)?;
		Self::deposit_event(Event::ToppedUp {
			account: id,
			from,
			amount: gives,
		});
		Ok(())
	}

	/// Close the share of its positions the owner of account `id` named.
	fn reduce(id: MarginAccountId, account: &mut AccountData<T>) -> DispatchResult {
		let Some(Reduction { share, set_at }) = account.reduce else {
			return Ok(());
		};
		let closed = Self::trade(id, account, Closing::Reduce { share, set_at })?;
		Self::deposit_event(Event::PositionsReduced {
			account: id,
			share,
			notional: closed.notional,
			fee: closed.fee,
		});
		Ok(())
	}

	/// Call account `id` if it is close to its requirement and has measures, and give it new triggers.
	pub(crate) fn do_refresh(group: Group, id: MarginAccountId) -> DispatchResult {
		let (mut account, health) = Self::look(id)?;
		Self::ensure_in(&account, group)?;
		// It must keep nobody in line waiting, however long nothing can be done about it: from now on it is
		// the first of the deadlines, where it is found unsafe.
		if group == Group::Due && health.risk.is_unsafe() {
			return Self::review(id, account).map(|_| ());
		}
		ensure!(
			!health.risk.is_unsafe() && !Self::is_recalled(&health),
			Error::<T>::AccountUnsafe
		);
		let below = |health: &Health| {
			health.risk.net < keel_math::margin::saturating_signed(Self::call_level(&health.risk))
		};
		if account.may_be_called() && below(&health) {
			account.called = true;
			Self::deposit_event(Event::MarginCalled {
				account: id,
				owner: account.owner.clone(),
				equity: health.risk.net,
				maintenance: health.risk.maintenance,
				breach_in_ms: Self::breach_in(&account, &health, &Self::money()),
			});
			if let Err(error) = Self::attempt(&mut account, |account| Self::top_up(id, account, &health)) {
				Self::deposit_event(Event::MeasureFailed { account: id, error });
			}
			if below(&Self::health(&account, &Self::money())?) {
				if let Err(error) = Self::attempt(&mut account, |account| Self::reduce(id, account)) {
					Self::deposit_event(Event::MeasureFailed { account: id, error });
				}
			}
		}
		Self::review(id, account)?;
		Ok(())
	}

	/// The most that liquidating account `id` weighs, by what it has.
	pub(crate) fn weight_of_liquidation(id: MarginAccountId) -> Option<Weight> {
		// Bounded by a `u32`.
		let account = Accounts::<T>::get(id)?;
		let held = account.collateral.len() as u32;
		let Positioned {
			exposures, orders, ..
		} = T::Positions::view(&account.trader);
		Some(T::WeightInfo::liquidate(exposures.len() as u32, held, orders))
	}

	pub(crate) fn weight_of_refresh() -> Weight {
		// Before, after topping up, after reducing, and the account the top-up comes from. And who buys what
		// is recalled: two buyers, and a discount for each holding.
		let buyers = T::DbWeight::get().reads(u64::from(T::MaxHeld::get()).saturating_add(2));
		T::WeightInfo::refresh()
			.saturating_add(T::Positions::view_weight().saturating_mul(4))
			.saturating_add(buyers)
	}
}

/// What was sold of one holding, in base units of kUSD.
#[derive(Default)]
struct Sale {
	/// Whether anything went.
	moved: bool,
	/// Whether anything that should have gone is left.
	unsold: bool,
	/// Its value at the last price.
	sold: Balance,
	/// What was paid for it.
	proceeds: Balance,
	/// What of that the stability pool paid against debt.
	absorbed: Balance,
}
