//! Accounts and the custody: who owns what, and what moves.

use frame_support::{
	dispatch::DispatchResult,
	ensure,
	storage::with_storage_layer,
	traits::{
		fungible::MutateHold,
		fungibles::{metadata::Inspect as _, Inspect, Mutate},
		tokens::{DepositConsequence, Precision, Preservation, Provenance},
		Get, Time,
	},
};
use keel_math::{interest, margin::Risk, value, Rounding};
use keel_primitives::{
	Action, AssetId, AssetRegistry, Balance, BreakerSubject, CircuitBreaker, Exposure, FeedId, Listing,
	MarginAccountId, Positioned, Positions, PriceProvider, RiskParameters,
};
use sp_runtime::{traits::AccountIdConversion, DispatchError, Permill};

use crate::{
	overflow, Account, AccountData, AccountOf, Accounts, Collateral, Collaterals, Config, Error, Event,
	HoldReason, Money, NextId, Pallet, Reduction, Totals, KUSD_DECIMALS,
};

impl<T: Config> Pallet<T> {
	/// Who holds all kUSD and collateral of the derivatives side.
	pub fn custody_account() -> T::AccountId {
		T::PalletId::get().into_account_truncating()
	}

	/// So that the custody can hold assets even if they should cease to keep an account alive by themselves.
	pub(crate) fn keep_custody() {
		frame_system::Pallet::<T>::inc_providers(&Self::custody_account());
	}

	/// Move `amount` of `asset`; nothing moves for zero.
	pub(crate) fn send(
		asset: AssetId,
		from: &T::AccountId,
		to: &T::AccountId,
		amount: Balance,
	) -> DispatchResult {
		if amount > 0 {
			T::Assets::transfer(asset, from, to, amount, Preservation::Expendable)?;
		}
		Ok(())
	}

	pub(crate) fn account_data(id: MarginAccountId) -> Result<AccountData<T>, DispatchError> {
		Accounts::<T>::get(id).ok_or_else(|| Error::<T>::UnknownAccount.into())
	}

	pub(crate) fn id_of(owner: &T::AccountId, sub: u8) -> Result<MarginAccountId, DispatchError> {
		AccountOf::<T>::get(owner, sub).ok_or_else(|| Error::<T>::UnknownAccount.into())
	}

	fn owned(owner: &T::AccountId, sub: u8) -> Result<(MarginAccountId, AccountData<T>), DispatchError> {
		let id = Self::id_of(owner, sub)?;
		Ok((id, Self::account_data(id)?))
	}

	/// The account `sub` of `owner`, opened if there is none.
	fn open(owner: &T::AccountId, sub: u8) -> Result<(MarginAccountId, AccountData<T>), DispatchError> {
		if let Some(id) = AccountOf::<T>::get(owner, sub) {
			return Ok((id, Self::account_data(id)?));
		}
		let deposit = T::AccountDeposit::get();
		T::Currency::hold(&HoldReason::AccountDeposit.into(), owner, deposit)?;
		let (id, account) = Self::register(owner, sub, deposit)?;
		Self::deposit_event(Event::AccountOpened {
			account: id,
			owner: owner.clone(),
			sub,
			deposit,
		});
		Ok((id, account))
	}

	/// A new account, whatever is held for it.
	pub(crate) fn register(
		owner: &T::AccountId,
		sub: u8,
		deposit: Balance,
	) -> Result<(MarginAccountId, AccountData<T>), DispatchError> {
		let id = NextId::<T>::get();
		NextId::<T>::put(id.checked_add(1).ok_or_else(overflow)?);
		AccountOf::<T>::insert(owner, sub, id);
		let account = Account::new(owner.clone(), sub, deposit, T::Time::now());
		Accounts::<T>::insert(id, &account);
		Ok((id, account))
	}

	/// Credit `amount` that is or came into custody: debt first, the rest is cash. What was repaid.
	pub(crate) fn credit(
		account: &mut AccountData<T>,
		money: &mut Money,
		amount: Balance,
	) -> Result<Balance, DispatchError> {
		let owed = money.debt_of(account.debt)?;
		let repaid = amount.min(owed);
		let relieved = if repaid == owed {
			account.debt
		} else {
			interest::normalise_down(repaid, money.index)
				.ok_or_else(overflow)?
				// Less than all is repaid, and it is rounded down.
				.min(account.debt)
		};
		account.debt = account.debt.checked_sub(relieved).ok_or_else(overflow)?;
		money.lent = money.lent.checked_sub(relieved).ok_or_else(overflow)?;
		money.lend(i128::try_from(repaid).map_err(|_| overflow())?.saturating_neg())?;
		let rest = amount.checked_sub(repaid).ok_or_else(overflow)?;
		account.cash = account.cash.checked_add(rest).ok_or_else(overflow)?;
		if account.debt == 0 {
			account.for_sale_since = None;
		}
		Ok(repaid)
	}

	/// Charge `amount`: cash first, the rest is borrowed. What was borrowed.
	pub(crate) fn charge(
		account: &mut AccountData<T>,
		money: &mut Money,
		amount: Balance,
	) -> Result<Balance, DispatchError> {
		let paid = amount.min(account.cash);
		account.cash = account.cash.checked_sub(paid).ok_or_else(overflow)?;
		let rest = amount.checked_sub(paid).ok_or_else(overflow)?;
		if rest > 0 {
			let owed = interest::normalise_up(rest, money.index).ok_or_else(overflow)?;
			account.debt = account.debt.checked_add(owed).ok_or_else(overflow)?;
			money.lent = money.lent.checked_add(owed).ok_or_else(overflow)?;
			money.lend(i128::try_from(rest).map_err(|_| overflow())?)?;
		}
		Ok(rest)
	}

	/// Move `credit` from clearing to `account`; below zero the other way, where what it can't pay in cash
	/// is borrowed.
	pub(crate) fn book(account: &mut AccountData<T>, credit: i128) -> DispatchResult {
		if credit == 0 {
			return Ok(());
		}
		let mut money = Self::money();
		money.clear(credit.checked_neg().ok_or_else(overflow)?)?;
		match credit > 0 {
			true => Self::credit(account, &mut money, credit.unsigned_abs())?,
			false => Self::charge(account, &mut money, credit.unsigned_abs())?,
		};
		Totals::<T>::put(money);
		Ok(())
	}

	/// Runs `step`, which changes `account` and storage: all of that or, where it fails, nothing.
	pub(crate) fn attempt<R>(
		account: &mut AccountData<T>,
		step: impl FnOnce(&mut AccountData<T>) -> Result<R, DispatchError>,
	) -> Result<R, DispatchError> {
		let mut changed = account.clone();
		let done = with_storage_layer(|| step(&mut changed))?;
		*account = changed;
		Ok(done)
	}

	pub(crate) fn do_deposit(
		owner: &T::AccountId,
		sub: u8,
		asset: AssetId,
		amount: Balance,
	) -> Result<(MarginAccountId, Balance), DispatchError> {
		ensure!(amount > 0, Error::<T>::NothingChanged);
		let (id, mut account) = Self::open(owner, sub)?;
		let mut repaid = 0;
		if asset == T::Synthetic::get() {
			let mut money = Self::money();
			repaid = Self::credit(&mut account, &mut money, amount)?;
			Totals::<T>::put(money);
		} else {
			Self::take_in(&mut account, asset, amount)?;
		}
		Self::send(asset, owner, &Self::custody_account(), amount)?;
		// What comes in is no risk: the time of the last risk stays, else a deposit a block would keep every price too old to
		// liquidate on.
		Self::review(id, account)?;
		Ok((id, repaid))
	}

	/// Book `amount` of a collateral into an account, within its cap.
	fn take_in(account: &mut AccountData<T>, asset: AssetId, amount: Balance) -> DispatchResult {
		let mut collaterals = Collaterals::<T>::get();
		let collateral = collaterals
			.iter_mut()
			.find(|collateral| collateral.asset == asset)
			.ok_or(Error::<T>::UnknownCollateral)?;
		let cap = T::RiskParameters::collateral(asset)?.deposit_cap;
		let price = T::Prices::last(collateral.feed).ok_or(Error::<T>::NoPrice)?.value;
		collateral.total = collateral.total.checked_add(amount).ok_or_else(overflow)?;
		let worth = value::value_of(collateral.total, price, collateral.divisor, Rounding::Up);
		ensure!(
			worth.is_some_and(|worth| worth <= cap),
			Error::<T>::DepositCapReached
		);
		let held = account.held(asset).checked_add(amount).ok_or_else(overflow)?;
		account.set_held(asset, held).ok_or(Error::<T>::TooManyHeld)?;
		Collaterals::<T>::put(collaterals);
		Ok(())
	}

	/// Take `amount` of `asset` off what an account has.
	pub(crate) fn take_off(account: &mut AccountData<T>, asset: AssetId, amount: Balance) -> DispatchResult {
		if asset == T::Synthetic::get() {
			account.cash = account
				.cash
				.checked_sub(amount)
				.ok_or(Error::<T>::ExceedsBalance)?;
			return Ok(());
		}
		let held = account
			.held(asset)
			.checked_sub(amount)
			.ok_or(Error::<T>::ExceedsBalance)?;
		// Less of what is held already always fits.
		account.set_held(asset, held).ok_or(Error::<T>::TooManyHeld)?;
		Ok(())
	}

	/// Take `amount` of a collateral off what all accounts have; nothing for kUSD.
	pub(crate) fn count_out(asset: AssetId, amount: Balance) -> DispatchResult {
		if asset == T::Synthetic::get() {
			return Ok(());
		}
		Collaterals::<T>::try_mutate(|collaterals| -> DispatchResult {
			let collateral = collaterals
				.iter_mut()
				.find(|collateral| collateral.asset == asset)
				.ok_or(Error::<T>::UnknownCollateral)?;
			collateral.total = collateral.total.checked_sub(amount).ok_or_else(overflow)?;
			Ok(())
		})
	}

	/// May `account`, from which something was just taken, do without it? What withdrawals, transfers and their previews ask.
	pub(crate) fn may_leave(account: &AccountData<T>) -> Result<Risk, DispatchError> {
		let Positioned { exposures, held, .. } = T::Positions::view(&account.trader);
		let risk = Self::claimed_risk(account, &exposures, held)?;
		if Self::is_unclaimed(account, &exposures, held) {
			return Ok(risk);
		}
		Self::ensure_open()?;
		ensure!(risk.is_initial(), Error::<T>::InitialRequirement);
		Ok(risk)
	}

	/// The breaker's leave to take something out of an account that could fail to pay: the chain's. A market
	/// that is `Halted` holds back by what its position counts for ([`Exposure::counted_for_leaving`]).
	pub(crate) fn ensure_open() -> DispatchResult {
		T::CircuitBreaker::ensure(BreakerSubject::Chain, Action::Withdraw)
	}

	/// Is there nothing `account` could fail to pay for?
	pub(crate) fn is_bare(account: &AccountData<T>, exposures: &[Exposure]) -> bool {
		account.debt == 0 && exposures.is_empty()
	}

	/// Is there nothing but its owner's wish that anything of `account` is for?
	pub(crate) fn is_unclaimed(account: &AccountData<T>, exposures: &[Exposure], held: Balance) -> bool {
		Self::is_bare(account, exposures) && held == 0
	}

	/// The account as a withdrawal leaves it, checked but not written, and its risk afterwards.
	pub(crate) fn plan_withdrawal(
		mut account: AccountData<T>,
		asset: AssetId,
		amount: Balance,
	) -> Result<(AccountData<T>, Risk), DispatchError> {
		ensure!(amount > 0, Error::<T>::NothingChanged);
		Self::take_off(&mut account, asset, amount)?;
		let risk = Self::may_leave(&account)?;
		Ok((account, risk))
	}

	pub(crate) fn do_withdraw(
		owner: &T::AccountId,
		sub: u8,
		asset: AssetId,
		amount: Balance,
	) -> Result<MarginAccountId, DispatchError> {
		let (id, account) = Self::owned(owner, sub)?;
		let (mut account, _) = Self::plan_withdrawal(account, asset, amount)?;
		Self::count_out(asset, amount)?;
		Self::send(asset, &Self::custody_account(), owner, amount)?;
		account.changed_at = T::Time::now();
		Self::review(id, account)?;
		Ok(id)
	}

	pub(crate) fn do_transfer(
		owner: &T::AccountId,
		from: u8,
		to: u8,
		amount: Balance,
	) -> Result<(MarginAccountId, MarginAccountId, Balance), DispatchError> {
		ensure!(from != to, Error::<T>::SameAccount);
		let (from_id, account) = Self::owned(owner, from)?;
		let (mut giver, _) = Self::plan_withdrawal(account, T::Synthetic::get(), amount)?;
		giver.changed_at = T::Time::now();
		let (to_id, mut taker) = Self::open(owner, to)?;
		let mut money = Self::money();
		let repaid = Self::credit(&mut taker, &mut money, amount)?;
		Totals::<T>::put(money);
		Self::review(from_id, giver)?;
		Self::review(to_id, taker)?;
		Ok((from_id, to_id, repaid))
	}

	pub(crate) fn do_set_top_up(
		owner: &T::AccountId,
		sub: u8,
		top_up: Option<(u8, Balance)>,
	) -> Result<MarginAccountId, DispatchError> {
		let (id, mut account) = Self::owned(owner, sub)?;
		if let Some((from, most)) = top_up {
			ensure!(from != sub, Error::<T>::SameAccount);
			ensure!(most > 0, Error::<T>::NothingChanged);
		}
		account.top_up = top_up;
		Self::review(id, account)?;
		Ok(id)
	}

	pub(crate) fn do_set_reduce(
		owner: &T::AccountId,
		sub: u8,
		reduce: Option<Permill>,
	) -> Result<MarginAccountId, DispatchError> {
		let (id, mut account) = Self::owned(owner, sub)?;
		ensure!(
			reduce.is_none_or(|share| share > Permill::zero()),
			Error::<T>::NothingChanged
		);
		account.reduce = reduce.map(|share| Reduction {
			share,
			set_at: T::Time::now(),
		});
		Self::review(id, account)?;
		Ok(id)
	}

	pub(crate) fn do_close(
		owner: &T::AccountId,
		sub: u8,
	) -> Result<(MarginAccountId, Balance), DispatchError> {
		let id = Self::id_of(owner, sub)?;
		let account = Self::account_data(id)?;
		ensure!(
			account.trader == Default::default()
				&& account.cash == 0
				&& account.debt == 0
				&& account.collateral.is_empty()
				&& !T::Positions::is_owed(id),
			Error::<T>::NotEmpty
		);
		let deposit = account.deposit;
		T::Currency::release(
			&HoldReason::AccountDeposit.into(),
			owner,
			deposit,
			Precision::Exact,
		)?;
		Self::retrigger(id, &account.triggers, &[]);
		Self::forget_stress(id);
		Accounts::<T>::remove(id);
		AccountOf::<T>::remove(owner, sub);
		Ok((id, deposit))
	}

	pub(crate) fn do_list_collateral(asset: AssetId, feed: FeedId) -> DispatchResult {
		ensure!(T::Assets::asset_exists(asset), Error::<T>::UnknownAsset);
		ensure!(
			T::Assets::minimum_balance(asset) <= 1,
			Error::<T>::MinimumBalanceTooHigh
		);
		ensure!(Self::is_sufficient(asset), Error::<T>::CollateralNotSufficient);
		ensure!(T::Prices::last(feed).is_some(), Error::<T>::NoPrice);
		Self::add_collateral(asset, feed, T::Assets::decimals(asset))
	}

	/// List `asset`, whatever it is.
	pub(crate) fn add_collateral(asset: AssetId, feed: FeedId, decimals: u8) -> DispatchResult {
		let parameters = T::RiskParameters::collateral(asset)?;
		ensure!(asset != T::Synthetic::get(), Error::<T>::CollateralIsSynthetic);
		let mut list = Collaterals::<T>::get();
		let divisor = value::price_divisor(decimals, KUSD_DECIMALS).ok_or(Error::<T>::TooManyDecimals)?;
		T::Registry::list(asset, feed, decimals, Listing::Margin)?;
		list.try_push(Collateral {
			asset,
			feed,
			divisor,
			haircut: parameters.haircut,
			haircut_active: T::ActiveTime::now(),
			haircut_target: parameters.haircut,
			haircut_ramp: parameters.haircut_ramp,
			total: 0,
		})
		.map_err(|_| Error::<T>::TooManyCollaterals)?;
		Collaterals::<T>::put(list);
		Ok(())
	}

	/// Can an account without anything receive one base unit of `asset`? No trait asks the asset itself.
	///
	/// The account that is asked about comes from the parent's hash, so that nobody gave it anything to live on before.
	fn is_sufficient(asset: AssetId) -> bool {
		let stranger: T::AccountId =
			T::PalletId::get().into_sub_account_truncating(frame_system::Pallet::<T>::parent_hash());
		let can = T::Assets::can_deposit(asset, &stranger, 1, Provenance::Extant);
		can == DepositConsequence::Success
	}
}
