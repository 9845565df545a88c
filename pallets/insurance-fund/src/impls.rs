//! Where money moves, and the door the other pallets use.
//!
//! Every function here changes all or nothing, whoever calls it.

use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult, Get},
	storage::with_storage_layer,
	traits::{
		fungibles::Mutate,
		tokens::{Fortitude, Precision, Preservation},
	},
};
use keel_math::{FixedU128, ONE};
use keel_primitives::{AssetId, Balance, Coverage, IncomeSource, InsuranceFund, RiskParameters};
use sp_runtime::{traits::AccountIdConversion, ArithmeticError};

use crate::{Books, Collateral, Config, Error, Event, Income, Ledger, Pallet, Payment};

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
			Self::book_income(amount, source)
		})
	}

	/// Mint income and book it.
	pub(crate) fn do_mint(amount: Balance, source: IncomeSource) -> Result<Income, DispatchError> {
		if amount == 0 {
			return Ok(Income::default());
		}
		with_storage_layer(|| {
			T::Assets::mint_into(T::Synthetic::get(), &Self::account(), amount)?;
			Self::book_income(amount, source)
		})
	}

	/// Book income that has arrived and burn what pays bad debt.
	fn book_income(amount: Balance, source: IncomeSource) -> Result<Income, DispatchError> {
		let share = match source {
			// A gift is for everybody.
			IncomeSource::Donation => FixedU128::from_inner(ONE),
			_ => T::RiskParameters::chain().fund_share,
		};
		let (books, income) = Ledger::<T>::get()
			.with_income(amount, share)
			.ok_or(ArithmeticError::Overflow)?;
		Self::burn(income.burned)?;
		Ledger::<T>::put(books);
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

	/// The books after a shortfall, and who carries it. What [`do_cover`](Self::do_cover) does and the view shows.
	pub(crate) fn preview_cover(shortfall: Balance) -> Result<(Books, Payment), DispatchError> {
		let cap = T::RiskParameters::chain().treasury_cap;
		Ledger::<T>::get()
			.with_shortfall(shortfall, cap)
			.ok_or(ArithmeticError::Overflow.into())
	}

	/// Carry a shortfall.
	pub(crate) fn do_cover(shortfall: Balance) -> Result<Payment, DispatchError> {
		if shortfall == 0 {
			return Ok(Payment::default());
		}
		with_storage_layer(|| {
			let (books, payment) = Self::preview_cover(shortfall)?;
			Self::burn(payment.coverage().covered)?;
			Ledger::<T>::put(books);
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

	/// Pay out of the treasury tranche.
	pub(crate) fn do_spend(to: &T::AccountId, amount: Balance) -> DispatchResult {
		if amount == 0 {
			return Ok(());
		}
		let fund = Self::account();
		ensure!(*to != fund, Error::<T>::OwnAccount);
		Ledger::<T>::try_mutate(|books| -> DispatchResult {
			ensure!(books.bad_debt() == 0, Error::<T>::BadDebtOutstanding);
			books.treasury = books.treasury.debit(amount).ok_or(Error::<T>::TreasuryTooSmall)?;
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
		let bad_debt = Ledger::<T>::try_mutate(|books| -> Result<Balance, DispatchError> {
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

	/// Move collateral in.
	fn do_take_collateral(from: &T::AccountId, asset: AssetId, amount: Balance) -> DispatchResult {
		if amount == 0 {
			return Ok(());
		}
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
		with_storage_layer(|| Self::transfer(asset, from, &fund, amount))?;
		Collateral::<T>::insert(asset, held);
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
		Collateral::<T>::insert(asset, held);
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

	fn cover(shortfall: Balance) -> Result<Coverage, DispatchError> {
		Self::do_cover(shortfall).map(|payment| payment.coverage())
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

	fn bad_debt() -> Balance {
		Self::bad_debt_recorded()
	}
}
