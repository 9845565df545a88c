//! What the calls and the trait do.

use alloc::vec::Vec;
use frame_support::{
	dispatch::DispatchResult,
	ensure,
	pallet_prelude::DispatchError,
	storage::with_storage_layer,
	traits::{
		fungibles::Mutate,
		tokens::{Fortitude, Precision, Preservation},
		Get, Time,
	},
};
use keel_math::product_sum::{self, Product, DUST_UNIT, SCALE_SPAN};
use keel_primitives::{
	Action, AssetId, Balance, BreakerSubject, CircuitBreaker, IncomeSource, InsuranceFund, Moment,
	StabilityPool,
};
use sp_core::U256;
use sp_runtime::{traits::AccountIdConversion, ArithmeticError};

use crate::{
	Config, DepositOf, Deposits, Error, Event, Pallet, PastSums, Pending, PoolStateOf, State, SumsOf,
};

impl<T: Config> Pallet<T> {
	/// The account that holds the pool's kUSD and collateral. Nothing may be sent to it past this pallet.
	pub fn account_id() -> T::AccountId {
		T::PalletId::get().into_account_truncating()
	}

	/// Returns the new deposit, and from when on what waits of it may join.
	pub(crate) fn do_deposit(
		who: &T::AccountId,
		amount: Balance,
	) -> Result<(Balance, Option<Moment>), DispatchError> {
		T::CircuitBreaker::ensure(BreakerSubject::Chain, Action::Deposit)?;
		ensure!(amount > 0, Error::<T>::ZeroAmount);
		let (mut pool, mut deposit) = Self::settled(who)?;
		Self::admit(who, &mut pool, &mut deposit)?;
		match T::JoinDelay::get() {
			0 => Self::credit(&mut pool, &mut deposit, amount)?,
			delay => Self::wait(&mut pool, &mut deposit, amount, delay)?,
		}
		ensure!(
			deposit.total() >= T::MinimumDeposit::get(),
			Error::<T>::BelowMinimum
		);
		T::Assets::transfer(
			T::Synthetic::get(),
			who,
			&Self::account_id(),
			amount,
			Preservation::Expendable,
		)?;
		let told = (deposit.total(), deposit.pending.map(|pending| pending.from));
		Self::store(who, pool, deposit);
		Ok(told)
	}

	/// Let what has waited long enough join.
	pub(crate) fn do_join(who: &T::AccountId) -> DispatchResult {
		let (mut pool, mut deposit) = Self::settled(who)?;
		ensure!(
			Self::admit(who, &mut pool, &mut deposit)?,
			Error::<T>::NothingToJoin
		);
		Self::store(who, pool, deposit);
		Ok(())
	}

	/// Returns what was paid and what is left.
	pub(crate) fn do_withdraw(
		who: &T::AccountId,
		amount: Balance,
	) -> Result<(Balance, Balance), DispatchError> {
		ensure!(amount > 0, Error::<T>::ZeroAmount);
		let (mut pool, mut deposit) = Self::settled(who)?;
		let total = deposit.total();
		ensure!(total > 0, Error::<T>::NothingDeposited);
		let paid = amount.min(total);
		let less = |from: Balance, amount| from.checked_sub(amount).ok_or(ArithmeticError::Underflow);
		let left = less(total, paid)?;
		ensure!(
			left == 0 || left >= T::MinimumDeposit::get(),
			Error::<T>::BelowMinimum
		);
		// What waits first.
		let (waits, joined) = (deposit.waits(), paid.saturating_sub(deposit.waits()));
		let waited = less(paid, joined)?;
		pool.pending = less(pool.pending, waited)?;
		let rest = less(waits, waited)?;
		deposit.pending = deposit.pending.filter(|_| rest > 0).map(|pending| Pending {
			amount: rest,
			..pending
		});
		deposit.amount = less(deposit.amount, joined)?;
		pool.deposits = less(pool.deposits, joined)?;
		Self::admit(who, &mut pool, &mut deposit)?;
		T::Assets::transfer(
			T::Synthetic::get(),
			&Self::account_id(),
			who,
			paid,
			Preservation::Expendable,
		)?;
		Self::store(who, pool, deposit);
		Ok((paid, left))
	}

	/// Returns what was paid.
	pub(crate) fn do_claim(who: &T::AccountId, asset: AssetId) -> Result<Balance, DispatchError> {
		let (mut pool, mut deposit) = Self::settled(who)?;
		let amount = Self::pay_gain(&mut pool, &mut deposit, who, asset)?;
		Self::admit(who, &mut pool, &mut deposit)?;
		Self::store(who, pool, deposit);
		Ok(amount)
	}

	/// Returns what was paid, by asset; the error of the last asset if nothing was.
	pub(crate) fn do_claim_all(who: &T::AccountId) -> Result<Vec<(AssetId, Balance)>, DispatchError> {
		let (mut pool, mut deposit) = Self::settled(who)?;
		let mut refusal = Error::<T>::NothingToClaim.into();
		let mut paid = Vec::new();
		// Bounded by `MaxCollaterals`.
		for asset in deposit.gains.keys().copied().collect::<Vec<_>>() {
			match with_storage_layer(|| Self::pay_gain(&mut pool, &mut deposit, who, asset)) {
				Ok(amount) => paid.push((asset, amount)),
				Err(error) => refusal = error,
			}
		}
		ensure!(!paid.is_empty(), refusal);
		Self::admit(who, &mut pool, &mut deposit)?;
		Self::store(who, pool, deposit);
		Ok(paid)
	}

	/// Pay a settled deposit's gain of `asset`. `pool` and `deposit` change only if it succeeds.
	fn pay_gain(
		pool: &mut PoolStateOf<T>,
		deposit: &mut DepositOf<T>,
		who: &T::AccountId,
		asset: AssetId,
	) -> Result<Balance, DispatchError> {
		let amount = deposit
			.gains
			.get(&asset)
			.copied()
			.ok_or(Error::<T>::NothingToClaim)?;
		let collateral = pool
			.collaterals
			.get_mut(&asset)
			.ok_or(Error::<T>::NothingToClaim)?;
		let held = collateral
			.held
			.checked_sub(amount)
			.ok_or(ArithmeticError::Underflow)?;
		T::Assets::transfer(asset, &Self::account_id(), who, amount, Preservation::Expendable)?;
		collateral.held = held;
		deposit.gains.remove(&asset);
		Ok(amount)
	}

	/// The pool, and `who`'s stake as it stands now: losses taken, gains added up. Nothing is written. Calls
	/// and views alike start from it.
	pub(crate) fn settled(who: &T::AccountId) -> Result<(PoolStateOf<T>, DepositOf<T>), DispatchError> {
		let mut pool = State::<T>::get();
		let mut deposit = Deposits::<T>::get(who).unwrap_or_default();
		let (since, now) = (Product::from(deposit.since), Product::from(pool.product));
		if deposit.amount > 0 {
			let history = Self::sums_since(&pool, since);
			for (asset, collateral) in pool.collaterals.iter_mut() {
				let snapshot = deposit.sums.get(asset).copied().unwrap_or_default();
				let sums: Vec<U256> = history
					.iter()
					.map(|sums| sums.get(asset).copied().unwrap_or_default())
					.collect();
				let gain = product_sum::gain(deposit.amount, since.p, snapshot, &sums)
					.ok_or(ArithmeticError::Overflow)?;
				let started = |i: usize| if i == 0 { snapshot } else { U256::zero() };
				if sums.iter().enumerate().any(|(i, sum)| *sum != started(i)) {
					// Less than one unit in reading, and less than one in bringing sums to one scale.
					// Saturates: a bound.
					collateral.dust = collateral.dust.saturating_add(2);
				}
				if gain > 0 {
					let owed = deposit.gains.get(asset).copied().unwrap_or_default();
					let owed = owed.checked_add(gain).ok_or(ArithmeticError::Overflow)?;
					// Fits: the kinds of gains are among the pool's kinds, which have the same bound.
					deposit
						.gains
						.try_insert(*asset, owed)
						.map_err(|_| Error::<T>::TooManyCollaterals)?;
				}
			}
			deposit.amount =
				product_sum::compounded(deposit.amount, since, now).ok_or(ArithmeticError::Overflow)?;
			if since != now && now.epoch == since.epoch {
				// Less than one unit. Saturates: a bound.
				pool.dust = pool.dust.saturating_add(DUST_UNIT);
			}
		}
		deposit.since = pool.product;
		deposit.sums = pool.sums();
		Ok((pool, deposit))
	}

	/// The running sums from `since`'s scale on, as far as they count and exist. At most `SCALE_SPAN + 1`
	/// reads.
	fn sums_since(pool: &PoolStateOf<T>, since: Product) -> Vec<SumsOf<T>> {
		(0..=SCALE_SPAN)
			.map_while(|further| {
				let scale = since.scale.checked_add(further)?;
				let here = (since.epoch, scale);
				let now = (pool.product.epoch, pool.product.scale);
				match here.cmp(&now) {
					core::cmp::Ordering::Less => Some(PastSums::<T>::get(since.epoch, scale)),
					core::cmp::Ordering::Equal => Some(pool.sums()),
					core::cmp::Ordering::Greater => None,
				}
			})
			.collect()
	}

	/// Let `amount` wait for `delay`, and with it what of a settled deposit waits still.
	fn wait(
		pool: &mut PoolStateOf<T>,
		deposit: &mut DepositOf<T>,
		amount: Balance,
		delay: Moment,
	) -> DispatchResult {
		let overflow = ArithmeticError::Overflow;
		pool.pending = pool.pending.checked_add(amount).ok_or(overflow)?;
		deposit.pending = Some(Pending {
			amount: deposit.waits().checked_add(amount).ok_or(overflow)?,
			from: T::Time::now().checked_add(delay).ok_or(overflow)?,
		});
		Ok(())
	}

	/// Let what of a settled deposit has waited long enough join. Says whether anything did.
	fn admit(
		who: &T::AccountId,
		pool: &mut PoolStateOf<T>,
		deposit: &mut DepositOf<T>,
	) -> Result<bool, DispatchError> {
		let now = T::Time::now();
		let Some(Pending { amount, .. }) = deposit.pending.filter(|pending| pending.from <= now) else {
			return Ok(false);
		};
		deposit.pending = None;
		pool.pending = pool
			.pending
			.checked_sub(amount)
			.ok_or(ArithmeticError::Underflow)?;
		Self::credit(pool, deposit, amount)?;
		Self::deposit_event(Event::Joined {
			who: who.clone(),
			amount,
		});
		Ok(true)
	}

	/// Add `amount` to a settled deposit and to the pool's total.
	fn credit(pool: &mut PoolStateOf<T>, deposit: &mut DepositOf<T>, amount: Balance) -> DispatchResult {
		deposit.amount = deposit
			.amount
			.checked_add(amount)
			.ok_or(ArithmeticError::Overflow)?;
		pool.deposits = pool
			.deposits
			.checked_add(amount)
			.ok_or(ArithmeticError::Overflow)?;
		Ok(())
	}

	/// Write a settled deposit back; forget it if nothing is left in it.
	fn store(who: &T::AccountId, pool: PoolStateOf<T>, deposit: DepositOf<T>) {
		if deposit.total() == 0 && deposit.gains.is_empty() {
			Deposits::<T>::remove(who);
		} else {
			Deposits::<T>::insert(who, deposit);
		}
		State::<T>::put(pool);
	}

	/// Book a payment of `paid` for `collateral` of `asset`. Returns the deposits left. One read and one
	/// write; a second write where a scale or an epoch ends.
	fn book(asset: AssetId, collateral: Balance, paid: Balance) -> Result<Balance, DispatchError> {
		let mut pool = State::<T>::get();
		let before = Product::from(pool.product);
		let left = pool
			.deposits
			.checked_sub(paid)
			.ok_or(Error::<T>::CapacityExceeded)?;
		ensure!(pool.deposits > 0, Error::<T>::PoolEmpty);

		// Shared by deposits as they stood before the payment.
		let overflow = ArithmeticError::Overflow;
		let mut kind = pool.collaterals.get(&asset).copied().unwrap_or_default();
		let increment = product_sum::sum_increment(collateral, before, pool.deposits).ok_or(overflow)?;
		let dust = product_sum::dust_gain(collateral, pool.dust, pool.deposits, before).ok_or(overflow)?;
		kind.held = kind.held.checked_add(collateral).ok_or(overflow)?;
		kind.sum = kind.sum.checked_add(increment).ok_or(overflow)?;
		// Saturates: a bound.
		kind.dust = kind.dust.saturating_add(dust);
		pool.collaterals
			.try_insert(asset, kind)
			.map_err(|_| Error::<T>::TooManyCollaterals)?;

		let after = product_sum::offset(pool.deposits, paid, before).ok_or(overflow)?;
		pool.dust = product_sum::dust_after(pool.dust, pool.deposits, paid).ok_or(overflow)?;
		if (after.epoch, after.scale) != (before.epoch, before.scale) {
			PastSums::<T>::insert(before.epoch, before.scale, pool.sums());
			pool.collaterals
				.iter_mut()
				.for_each(|(_, kind)| kind.sum = U256::zero());
		}
		pool.product = after.into();
		pool.deposits = left;
		State::<T>::put(pool);
		Ok(left)
	}

	fn do_absorb(
		seller: &T::AccountId,
		asset: AssetId,
		collateral: Balance,
		burn: Balance,
		income: Balance,
	) -> DispatchResult {
		let (account, synthetic) = (Self::account_id(), T::Synthetic::get());
		ensure!(asset != synthetic && *seller != account, Error::<T>::NotForSale);
		ensure!(collateral > 0, Error::<T>::NothingBought);
		let paid = burn.checked_add(income).ok_or(ArithmeticError::Overflow)?;
		let deposits = Self::book(asset, collateral, paid)?;
		if income > 0 {
			T::InsuranceFund::receive(&account, income, IncomeSource::Penalty)?;
		}
		if burn > 0 {
			T::Assets::burn_from(
				synthetic,
				&account,
				burn,
				Preservation::Expendable,
				Precision::Exact,
				Fortitude::Polite,
			)?;
		}
		T::Assets::transfer(asset, seller, &account, collateral, Preservation::Expendable)?;
		Self::deposit_event(Event::Absorbed {
			asset,
			collateral,
			burn,
			income,
			deposits,
		});
		Ok(())
	}
}

impl<T: Config> StabilityPool<T::AccountId> for Pallet<T> {
	fn capacity() -> Balance {
		Pallet::<T>::capacity()
	}

	fn absorb(
		seller: &T::AccountId,
		asset: AssetId,
		collateral: Balance,
		burn: Balance,
		income: Balance,
	) -> DispatchResult {
		with_storage_layer(|| Self::do_absorb(seller, asset, collateral, burn, income))
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn fund(amount: Balance) {
		let who: T::AccountId = frame_benchmarking::account("stability-pool-depositor", 0, 0);
		let (mut pool, mut deposit) = Self::settled(&who).expect("the stake can be settled");
		Self::credit(&mut pool, &mut deposit, amount).expect("the amount fits");
		T::Assets::mint_into(T::Synthetic::get(), &Self::account_id(), amount).expect("kUSD can be minted");
		Self::store(&who, pool, deposit);
	}
}
