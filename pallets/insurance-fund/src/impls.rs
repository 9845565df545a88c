//! Where money moves, and the door the other pallets use.
//!
//! Every function here changes all or nothing, whoever calls it.

use alloc::{vec, vec::Vec};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult, Get},
	storage::with_storage_layer,
	traits::{
		fungibles::{Inspect, Mutate},
		tokens::{Fortitude, Precision, Preservation},
		Contains, Time,
	},
};
use keel_math::{mul_div, mul_ratio, FixedU128, Rounding, ONE};
use keel_primitives::{
	Action, AssetId, Balance, BreakerSubject, ChainParameters, CircuitBreaker, Coverage, Fuse, Gauge, Gauges,
	IncomeSource, InsuranceFund, MintPath, RiskParameters, Triggers,
};
use sp_runtime::{traits::AccountIdConversion, ArithmeticError};

use crate::{
	Accounts, Books, Claim, Collateral, Config, Error, Event, Income, Ledger, Pallet, Payment,
	DRAWDOWN_SHARE, LEAST_FEE_WINDOW,
};

/// The only way the fund brings kUSD into existence.
const FEES: BreakerSubject = BreakerSubject::Mint(MintPath::StabilityFees);

impl<T: Config> Pallet<T> {
	/// The account that holds the fund's kUSD and collateral.
	pub fn account() -> T::AccountId {
		T::PalletId::get().into_account_truncating()
	}

	/// Move income from `from` and book it.
	pub(crate) fn do_receive(
		from: &T::AccountId,
		amount: Balance,
		source: IncomeSource,
	) -> Result<Income, DispatchError> {
		if amount == 0 {
			return Ok(Income::default());
		}
		let fund = Self::account();
		// A transfer to oneself moves nothing, and there would be nothing to book.
		ensure!(*from != fund, Error::<T>::OwnAccount);
		with_storage_layer(|| {
			Self::transfer(T::Synthetic::get(), from, &fund, amount)?;
			Self::book_income(Ledger::<T>::get(), amount, source, &T::RiskParameters::chain())
		})
	}

	/// Mint income and book it, if the breaker lets it and its window has room. Whatever the source: no way of minting
	/// passes by the meter.
	pub(crate) fn do_mint(amount: Balance, source: IncomeSource) -> Result<Income, DispatchError> {
		if amount == 0 {
			return Ok(Income::default());
		}
		let mut accounts = Ledger::<T>::get();
		let parameters = T::RiskParameters::chain();
		let limit = Self::fee_limit(&parameters)?;
		ensure!(
			accounts.fees_minted.take(T::Time::now(), limit, amount),
			Error::<T>::FeeWindowFull
		);
		with_storage_layer(|| {
			T::Assets::mint_into(T::Synthetic::get(), &Self::account(), amount)?;
			Self::book_income(accounts, amount, source, &parameters)
		})
	}

	/// Books `amount` kUSD that has already reached the fund's account by another way than a transfer, as
	/// fees of transactions do. Bad debt is paid down first: that part is burned.
	pub fn note_income(amount: Balance, source: IncomeSource) -> DispatchResult {
		if amount == 0 {
			return Ok(());
		}
		with_storage_layer(|| {
			Self::book_income(Ledger::<T>::get(), amount, source, &T::RiskParameters::chain()).map(|_| ())
		})
	}

	/// The limit of the window of fees, or the breaker's refusal: `fee_limit` of all kUSD, rounded down and
	/// at least [`LEAST_FEE_WINDOW`].
	fn fee_limit(parameters: &ChainParameters) -> Result<Balance, DispatchError> {
		T::CircuitBreaker::ensure(FEES, Action::AddRisk)?;
		let issuance = T::Assets::total_issuance(T::Synthetic::get());
		// A share beyond 128 bits limits nothing.
		let share = mul_ratio(issuance, parameters.fee_limit, Rounding::Down).unwrap_or(Balance::MAX);
		Ok(share.max(LEAST_FEE_WINDOW))
	}

	/// What the `fee_room` view shows.
	pub(crate) fn room_now() -> Balance {
		Self::fee_limit(&T::RiskParameters::chain()).map_or(0, |limit| {
			Ledger::<T>::get().fees_minted.room(T::Time::now(), limit)
		})
	}

	/// Book income that has arrived on `accounts`, burn what pays bad debt, and write them.
	fn book_income(
		mut accounts: Accounts,
		amount: Balance,
		source: IncomeSource,
		parameters: &ChainParameters,
	) -> Result<Income, DispatchError> {
		let share = match source {
			// A gift is for everybody, and collateral was paid for by the shared tranche or stands for a
			// shortfall.
			IncomeSource::Donation | IncomeSource::Collateral => FixedU128::from_inner(ONE),
			_ => parameters.fund_share,
		};
		let (books, income) = accounts
			.books
			.with_income(amount, share)
			.ok_or(ArithmeticError::Overflow)?;
		Self::burn(income.burned)?;
		accounts.books = books;
		if source == IncomeSource::Collateral {
			// What had left for collateral is back, as far as it is still counted.
			let now = T::Time::now();
			let back = amount.min(accounts.backed.reading(now));
			accounts.backed.sub(now, back);
		}
		Ledger::<T>::put(accounts);
		let Income {
			burned,
			shared,
			treasury,
		} = income;
		Self::deposit_event(Event::IncomeReceived {
			source,
			amount,
			burned,
			shared,
			treasury,
		});
		Ok(income)
	}

	/// The accounts after a shortfall, and who carries it. What [`do_cover`](Self::do_cover) does and the view shows.
	///
	/// What it exceeds `worth` by counts as drawn, also what the fund can't pay: the meter tells what hit the
	/// fund, not how much it had to lose. `worth` is the least value of the collateral that came beside it.
	pub(crate) fn preview_cover(
		shortfall: Balance,
		worth: Balance,
	) -> Result<(Accounts, Payment), DispatchError> {
		let (accounts, now) = (Ledger::<T>::get(), T::Time::now());
		let cap = T::RiskParameters::chain().treasury_cap;
		let room = accounts.treasury_paid.room(now, cap);
		let overflow = ArithmeticError::Overflow;
		let (books, payment) = accounts.books.with_shortfall(shortfall, room).ok_or(overflow)?;
		let mut accounts = accounts
			.with_treasury_paid(now, cap, payment.treasury)
			.ok_or(overflow)?;
		accounts.books = books;
		let backed = worth.min(shortfall);
		accounts.backed.add(now, backed);
		// Safe: at most the shortfall.
		accounts.drawn.add(now, shortfall.saturating_sub(backed));
		Ok((accounts, payment))
	}

	/// Carry a shortfall.
	pub(crate) fn do_cover(shortfall: Balance, worth: Balance) -> Result<Payment, DispatchError> {
		if shortfall == 0 {
			return Ok(Payment::default());
		}
		with_storage_layer(|| {
			let (accounts, payment) = Self::preview_cover(shortfall, worth)?;
			Self::burn(payment.coverage().covered)?;
			Ledger::<T>::put(accounts);
			let Payment {
				shared,
				treasury,
				bad_debt,
			} = payment;
			Self::deposit_event(Event::ShortfallCovered {
				shortfall,
				shared,
				treasury,
				bad_debt,
			});
			Ok(payment)
		})
	}

	/// The accounts after a claim, and who pays how much of it. What [`do_pay`](Self::do_pay) does and the view shows.
	///
	/// All of it counts as drawn, as of a shortfall.
	pub(crate) fn preview_pay(shortfall: Balance) -> Result<(Accounts, Claim), DispatchError> {
		let (accounts, now) = (Ledger::<T>::get(), T::Time::now());
		let cap = T::RiskParameters::chain().treasury_cap;
		let room = accounts.treasury_paid.room(now, cap);
		let overflow = ArithmeticError::Overflow;
		let (books, claim) = accounts.books.with_claim(shortfall, room).ok_or(overflow)?;
		let mut accounts = accounts
			.with_treasury_paid(now, cap, claim.treasury)
			.ok_or(overflow)?;
		accounts.books = books;
		accounts.drawn.add(now, shortfall);
		Ok((accounts, claim))
	}

	/// Pay what can be paid of a claim. Nothing was minted for it, so that what is left is no bad debt.
	pub(crate) fn do_pay(to: &T::AccountId, shortfall: Balance) -> Result<Claim, DispatchError> {
		if shortfall == 0 {
			return Ok(Claim::default());
		}
		let fund = Self::account();
		ensure!(*to != fund, Error::<T>::OwnAccount);
		with_storage_layer(|| {
			let (accounts, claim) = Self::preview_pay(shortfall)?;
			if claim.paid() > 0 {
				Self::transfer(T::Synthetic::get(), &fund, to, claim.paid())?;
			}
			Ledger::<T>::put(accounts);
			let Claim { shared, treasury } = claim;
			Self::deposit_event(Event::ClaimPaid {
				to: to.clone(),
				shortfall,
				shared,
				treasury,
			});
			Ok(claim)
		})
	}

	/// Buy collateral out of the shared tranche.
	pub(crate) fn do_buy(
		seller: &T::AccountId,
		asset: AssetId,
		amount: Balance,
		price: Balance,
	) -> DispatchResult {
		ensure!(amount > 0, Error::<T>::NothingBought);
		with_storage_layer(|| {
			Self::bring_in(seller, asset, amount)?;
			if price > 0 {
				Ledger::<T>::try_mutate(|Accounts { books, backed, .. }| -> DispatchResult {
					*books = books.with_purchase(price).ok_or(Error::<T>::SharedTooSmall)?;
					backed.add(T::Time::now(), price);
					Self::transfer(T::Synthetic::get(), &Self::account(), seller, price)
				})?;
			}
			Self::deposit_event(Event::CollateralBought {
				seller: seller.clone(),
				asset,
				amount,
				price,
			});
			Ok(())
		})
	}

	/// Pay out of the treasury tranche, if the breaker lets it.
	pub(crate) fn do_spend(to: &T::AccountId, amount: Balance) -> DispatchResult {
		T::CircuitBreaker::ensure(BreakerSubject::Chain, Action::Discretionary)?;
		if amount == 0 {
			return Ok(());
		}
		ensure!(!T::ProtocolAccounts::contains(to), Error::<T>::ProtocolAccount);
		let fund = Self::account();
		Ledger::<T>::try_mutate(|Accounts { books, .. }| -> DispatchResult {
			ensure!(books.bad_debt() == 0, Error::<T>::BadDebtOutstanding);
			*books = books.with_spending(amount).ok_or(Error::<T>::TreasuryTooSmall)?;
			Self::transfer(T::Synthetic::get(), &fund, to, amount)
		})?;
		Self::deposit_event(Event::TreasurySpent {
			to: to.clone(),
			amount,
		});
		Ok(())
	}

	/// Burn treasury money against bad debt.
	pub(crate) fn do_pay_bad_debt(amount: Balance) -> DispatchResult {
		if amount == 0 {
			return Ok(());
		}
		let bad_debt = Ledger::<T>::try_mutate(|Accounts { books, .. }| -> Result<Balance, DispatchError> {
			ensure!(amount <= books.bad_debt(), Error::<T>::ExceedsBadDebt);
			books.treasury = books.treasury.debit(amount).ok_or(Error::<T>::TreasuryTooSmall)?;
			books.covered = books
				.covered
				.checked_add(amount)
				.ok_or(ArithmeticError::Overflow)?;
			Self::burn(amount)?;
			Ok(books.bad_debt())
		})?;
		Self::deposit_event(Event::BadDebtPaid { amount, bad_debt });
		Ok(())
	}

	/// Move collateral in and book it. Changes storage before it may fail: the caller holds a storage layer.
	fn bring_in(from: &T::AccountId, asset: AssetId, amount: Balance) -> DispatchResult {
		let fund = Self::account();
		ensure!(asset != T::Synthetic::get(), Error::<T>::NotCollateral);
		ensure!(*from != fund, Error::<T>::OwnAccount);
		let held = match Collateral::<T>::get(asset) {
			Some(held) => held,
			None => {
				ensure!(
					Collateral::<T>::count() < T::MaxCollaterals::get(),
					Error::<T>::TooManyCollaterals
				);
				Default::default()
			}
		};
		let held = held.credit(amount).ok_or(ArithmeticError::Overflow)?;
		Self::transfer(asset, from, &fund, amount)?;
		Collateral::<T>::insert(asset, held);
		Ok(())
	}

	/// Take collateral without a price.
	fn do_take_collateral(from: &T::AccountId, asset: AssetId, amount: Balance) -> DispatchResult {
		if amount == 0 {
			return Ok(());
		}
		with_storage_layer(|| Self::bring_in(from, asset, amount))?;
		Self::deposit_event(Event::CollateralTaken {
			from: from.clone(),
			asset,
			amount,
		});
		Ok(())
	}

	/// Move collateral out.
	fn do_release_collateral(to: &T::AccountId, asset: AssetId, amount: Balance) -> DispatchResult {
		if amount == 0 {
			return Ok(());
		}
		let fund = Self::account();
		ensure!(*to != fund, Error::<T>::OwnAccount);
		let held = Collateral::<T>::get(asset)
			.and_then(|held| held.debit(amount))
			.ok_or(Error::<T>::CollateralTooSmall)?;
		with_storage_layer(|| Self::transfer(asset, &fund, to, amount))?;
		// What is sold out is forgotten, and makes room for another kind.
		Collateral::<T>::set(asset, Some(held).filter(|held| held.balance() > 0));
		Self::deposit_event(Event::CollateralReleased {
			to: to.clone(),
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

	/// Burn exactly `amount` of the fund's kUSD.
	fn burn(amount: Balance) -> DispatchResult {
		if amount == 0 {
			return Ok(());
		}
		let burned = T::Assets::burn_from(
			T::Synthetic::get(),
			&Self::account(),
			amount,
			Preservation::Expendable,
			Precision::Exact,
			Fortitude::Force,
		)?;
		ensure!(burned == amount, Error::<T>::NotExact);
		Ok(())
	}
}

impl<T: Config> InsuranceFund<T::AccountId> for Pallet<T> {
	fn receive(from: &T::AccountId, amount: Balance, source: IncomeSource) -> DispatchResult {
		Self::do_receive(from, amount, source).map(|_| ())
	}

	fn mint(amount: Balance, source: IncomeSource) -> DispatchResult {
		Self::do_mint(amount, source).map(|_| ())
	}

	fn mint_room() -> Balance {
		Self::room_now()
	}

	fn cover(shortfall: Balance, worth: Balance) -> Result<Coverage, DispatchError> {
		Self::do_cover(shortfall, worth).map(|payment| payment.coverage())
	}

	fn pay(to: &T::AccountId, shortfall: Balance) -> Result<Balance, DispatchError> {
		Self::do_pay(to, shortfall).map(|claim| claim.paid())
	}

	fn shared() -> Balance {
		Ledger::<T>::get().books.shared.balance()
	}

	fn buy(seller: &T::AccountId, asset: AssetId, amount: Balance, price: Balance) -> DispatchResult {
		Self::do_buy(seller, asset, amount, price)
	}

	fn take_collateral(from: &T::AccountId, asset: AssetId, amount: Balance) -> DispatchResult {
		Self::do_take_collateral(from, asset, amount)
	}

	fn release_collateral(to: &T::AccountId, asset: AssetId, amount: Balance) -> DispatchResult {
		Self::do_release_collateral(to, asset, amount)
	}

	fn collateral(asset: AssetId) -> Balance {
		Self::collateral_held(asset)
	}

	fn collaterals() -> Vec<AssetId> {
		Collateral::<T>::iter_keys().collect()
	}

	fn bad_debt() -> Balance {
		Self::bad_debt_recorded()
	}
}

/// The chain's drawdown, which reads the accounts, the parameters, the clock and the supply. The fees have a
/// window and no fuse.
impl<T: Config> Gauges for Pallet<T> {
	fn subjects() -> Vec<BreakerSubject> {
		vec![BreakerSubject::Chain, FEES]
	}

	fn gauges(subject: BreakerSubject) -> Vec<Gauge> {
		match subject {
			BreakerSubject::Chain => vec![Self::drawdown()],
			_ => Vec::new(),
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Net shortfalls and claims of about the last hour over what there was to carry them:
	///
	/// `drawn / max(held + backed + drawn, drawdown_floor, DRAWDOWN_SHARE × all kUSD)`,
	///
	/// where `backed` left the tranches for collateral of that worth, bought or taken, and did not come back
	/// by selling it: a fund of 100,000 that paid 80,000 for collateral worth 54,000 reads 26,000 / 100,000.
	/// The share is rounded down and the ratio up; it is at most one.
	fn drawdown() -> Gauge {
		let (accounts, parameters) = (Ledger::<T>::get(), T::RiskParameters::chain());
		let now = T::Time::now();
		let drawn = accounts.drawn.reading(now);
		let Books { shared, treasury, .. } = accounts.books;
		// Saturates far above any supply, and then reads higher than it is.
		let before = shared
			.balance()
			.saturating_add(treasury.balance())
			.saturating_add(accounts.backed.reading(now))
			.saturating_add(drawn);
		let issuance = T::Assets::total_issuance(T::Synthetic::get());
		// A share below one of what fits, fits; without it the reading would be the higher one.
		let share = mul_ratio(issuance, DRAWDOWN_SHARE, Rounding::Down).unwrap_or(0);
		let measure = before.max(parameters.drawdown_floor).max(share);
		Gauge {
			fuse: Fuse::Drawdown,
			// Nothing was drawn where there is nothing to measure against.
			reading: mul_div(drawn, ONE, measure, Rounding::Up).unwrap_or(0),
			triggers: Triggers {
				guarded: parameters.drawdown_guarded.into_inner(),
				reduce_only: parameters.drawdown_reduce_only.into_inner(),
				halted: Some(parameters.drawdown_halted.into_inner()),
			},
		}
	}
}
