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
	Config, DepositOf, Deposits, Error, Event, JoinedGroups, JoinedOf, Pallet, PastSums, PoolStateOf,
	Progress, State, SumsOf, Waiting,
};

impl<T: Config> Pallet<T> {
	/// The account that holds the pool's kUSD and collateral. Nothing may be sent to it past this pallet.
	pub fn account_id() -> T::AccountId {
		T::PalletId::get().into_account_truncating()
	}

	/// Returns the new deposit, and when what waits of it joins.
	pub(crate) fn do_deposit(
		who: &T::AccountId,
		amount: Balance,
	) -> Result<(Balance, Option<Moment>), DispatchError> {
		T::CircuitBreaker::ensure(BreakerSubject::Chain, Action::Deposit)?;
		ensure!(amount > 0, Error::<T>::ZeroAmount);
		let (mut pool, mut deposit) = Self::settled(who)?;
		match Self::next_group()? {
			Some(joins_at) => Self::wait(&mut pool, &mut deposit, amount, joins_at)?,
			None => Self::credit(&mut pool, &mut deposit, amount)?,
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
		let told = (deposit.total(), deposit.waiting.map(|waiting| waiting.joins_at));
		Self::store(who, pool, deposit);
		Ok(told)
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
		let left = total.checked_sub(paid).ok_or(ArithmeticError::Underflow)?;
		ensure!(
			left == 0 || left >= T::MinimumDeposit::get(),
			Error::<T>::BelowMinimum
		);
		let joined = paid
			.checked_sub(Self::stop_waiting(&mut pool, &mut deposit, paid)?)
			.ok_or(ArithmeticError::Underflow)?;
		deposit.amount = deposit
			.amount
			.checked_sub(joined)
			.ok_or(ArithmeticError::Underflow)?;
		pool.deposits = pool
			.deposits
			.checked_sub(joined)
			.ok_or(ArithmeticError::Underflow)?;
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
		// Nothing is owed of what is not held, and snapshots of a sum of zero are zero: the kind may be
		// forgotten.
		if collateral.held == 0 && collateral.sum.is_zero() {
			pool.collaterals.remove(&asset);
		}
		deposit.gains.remove(&asset);
		Ok(amount)
	}

	/// The pool, and `who`'s stake as it stands now: losses taken, gains added up, what has waited long enough joined.
	/// Nothing is written. Calls and views alike start from it.
	pub(crate) fn settled(who: &T::AccountId) -> Result<(PoolStateOf<T>, DepositOf<T>), DispatchError> {
		let mut pool = State::<T>::get();
		let mut deposit = Deposits::<T>::get(who).unwrap_or_default();
		let (since, sums) = (deposit.since, core::mem::take(&mut deposit.sums));
		let amount = deposit.amount;
		let mut left = Self::settle(&mut pool, &mut deposit, amount, since, &sums)?;
		let joined = deposit
			.waiting
			.and_then(|waiting| Some((waiting, JoinedGroups::<T>::get(waiting.joins_at)?)));
		if let Some((waiting, group)) = joined {
			deposit.waiting = None;
			let more = Self::settle(&mut pool, &mut deposit, waiting.amount, group.since, &group.sums)?;
			left = left.checked_add(more).ok_or(ArithmeticError::Overflow)?;
		}
		deposit.amount = left;
		deposit.since = pool.product;
		deposit.sums = pool.sums();
		Ok((pool, deposit))
	}

	/// What is left of `amount` that has been in the pool since it stood at `since` and `snapshots`. What it gained is added
	/// to `deposit`'s gains, what rounding takes to the pool's dust.
	fn settle(
		pool: &mut PoolStateOf<T>,
		deposit: &mut DepositOf<T>,
		amount: Balance,
		since: Progress,
		snapshots: &SumsOf<T>,
	) -> Result<Balance, DispatchError> {
		if amount == 0 {
			return Ok(0);
		}
		let (since, now) = (Product::from(since), Product::from(pool.product));
		let history = Self::sums_since(pool, since);
		for (asset, collateral) in pool.collaterals.iter_mut() {
			let snapshot = snapshots.get(asset).copied().unwrap_or_default();
			let sums: Vec<U256> = history
				.iter()
				.map(|sums| sums.get(asset).copied().unwrap_or_default())
				.collect();
			let gain =
				product_sum::gain(amount, since.p, snapshot, &sums).ok_or(ArithmeticError::Overflow)?;
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
		if since != now && now.epoch == since.epoch {
			// Less than one unit. Saturates: a bound.
			pool.dust = pool.dust.saturating_add(DUST_UNIT);
		}
		product_sum::compounded(amount, since, now).ok_or(ArithmeticError::Overflow.into())
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

	/// When a deposit made now joins: at the end of the period of `JoinDelay` that follows the present one. `None` for at
	/// once.
	fn next_group() -> Result<Option<Moment>, DispatchError> {
		let delay = T::JoinDelay::get();
		let Some(period) = T::Time::now().checked_div(delay) else {
			return Ok(None);
		};
		let joins_at = period.checked_add(2).and_then(|end| end.checked_mul(delay));
		Ok(Some(joins_at.ok_or(ArithmeticError::Overflow)?))
	}

	/// Let `amount` wait with the group of `joins_at`, and what of the settled deposit waits already with it: so that a
	/// stake is never in more than one group.
	fn wait(
		pool: &mut PoolStateOf<T>,
		deposit: &mut DepositOf<T>,
		amount: Balance,
		joins_at: Moment,
	) -> DispatchResult {
		let earlier = Self::stop_waiting(pool, deposit, Balance::MAX)?;
		let amount = amount.checked_add(earlier).ok_or(ArithmeticError::Overflow)?;
		// Groups stay in order, also where `JoinDelay` was shortened.
		let last = pool.waiting.last_mut();
		let joins_at = last.as_ref().map_or(joins_at, |last| last.joins_at.max(joins_at));
		let waiting = Waiting { amount, joins_at };
		match last.filter(|last| last.joins_at == joins_at) {
			Some(last) => last.amount = last.amount.checked_add(amount).ok_or(ArithmeticError::Overflow)?,
			None => pool
				.waiting
				.try_push(waiting)
				.map_err(|_| Error::<T>::TooManyGroups)?,
		}
		deposit.waiting = Some(waiting);
		Ok(())
	}

	/// Take up to `most` of what waits of a settled deposit out of its group. Returns how much.
	fn stop_waiting(
		pool: &mut PoolStateOf<T>,
		deposit: &mut DepositOf<T>,
		most: Balance,
	) -> Result<Balance, DispatchError> {
		let Some(mut own) = deposit.waiting else {
			return Ok(0);
		};
		let taken = own.amount.min(most);
		let group = pool
			.waiting
			.iter_mut()
			.find(|group| group.joins_at == own.joins_at)
			.ok_or(ArithmeticError::Underflow)?;
		for part in [&mut own, group] {
			part.amount = part.amount.checked_sub(taken).ok_or(ArithmeticError::Underflow)?;
		}
		pool.waiting.retain(|group| group.amount > 0);
		deposit.waiting = Some(own).filter(|own| own.amount > 0);
		Ok(taken)
	}

	/// Let the groups whose time has come join the pool. Returns how many did. In a hook the time is that of the block
	/// before.
	pub(crate) fn join_due() -> u32 {
		let mut pool = State::<T>::get();
		let (now, mut joined) = (T::Time::now(), 0u32);
		// Bounded by `MAX_GROUPS`.
		while let Some(group) = pool
			.waiting
			.first()
			.copied()
			.filter(|group| group.joins_at <= now)
		{
			// Kept waiting where the total overflows; the supply of kUSD, which has the same type, forbids that.
			let Some(deposits) = pool.deposits.checked_add(group.amount) else {
				break;
			};
			pool.waiting.remove(0);
			pool.deposits = deposits;
			let Waiting { amount, joins_at } = group;
			let (since, sums) = (pool.product, pool.sums());
			JoinedGroups::<T>::insert(joins_at, JoinedOf::<T> { amount, since, sums });
			Self::deposit_event(Event::GroupJoined {
				joins_at,
				amount,
				deposits,
			});
			joined = joined.saturating_add(1);
		}
		if joined > 0 {
			State::<T>::put(pool);
		}
		joined
	}

	/// `who`'s stake as it is stored is about to be replaced by what it settled to: if its group has joined, the group
	/// counts it no longer, and is forgotten after its last.
	fn leave_group(who: &T::AccountId) {
		let Some(own) = Deposits::<T>::get(who).and_then(|stored| stored.waiting) else {
			return;
		};
		if let Some(mut group) = JoinedGroups::<T>::get(own.joins_at) {
			// No less than nothing: a group is the sum of its members.
			group.amount = group.amount.saturating_sub(own.amount);
			if group.amount == 0 {
				JoinedGroups::<T>::remove(own.joins_at);
			} else {
				JoinedGroups::<T>::insert(own.joins_at, group);
			}
		}
	}

	/// Write a settled deposit back; forget it if nothing is left in it.
	fn store(who: &T::AccountId, pool: PoolStateOf<T>, deposit: DepositOf<T>) {
		Self::leave_group(who);
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
			// Nobody has a snapshot of the new scale, and nobody is owed what is not held.
			pool.collaterals.retain(|_, kind| kind.held > 0);
		}
		pool.product = after.into();
		pool.deposits = left;
		State::<T>::put(pool);
		Ok(left)
	}

	/// Take `collateral` of `asset` from `seller` for `paid`, which `pay` takes out of the pool's account, and not a unit more
	/// or less. Returns the deposits left. Changes storage before it may fail: the caller holds a storage layer.
	fn exchange(
		seller: &T::AccountId,
		asset: AssetId,
		collateral: Balance,
		paid: Balance,
		pay: impl FnOnce(&T::AccountId) -> DispatchResult,
	) -> Result<Balance, DispatchError> {
		let account = Self::account_id();
		ensure!(
			asset != T::Synthetic::get() && *seller != account,
			Error::<T>::NotForSale
		);
		ensure!(collateral > 0, Error::<T>::NothingBought);
		let deposits = Self::book(asset, collateral, paid)?;
		pay(&account)?;
		T::Assets::transfer(asset, seller, &account, collateral, Preservation::Expendable)?;
		Ok(deposits)
	}

	/// Pay for liquidated collateral: `burn` is burned, `income` is the fund's, `surplus` is `owner`'s.
	fn do_absorb(
		seller: &T::AccountId,
		asset: AssetId,
		collateral: Balance,
		[burn, income, surplus]: [Balance; 3],
		owner: &T::AccountId,
	) -> DispatchResult {
		let paid = burn
			.checked_add(income)
			.and_then(|paid| paid.checked_add(surplus))
			.ok_or(ArithmeticError::Overflow)?;
		let deposits = Self::exchange(seller, asset, collateral, paid, |account| {
			if income > 0 {
				T::InsuranceFund::receive(account, income, IncomeSource::Penalty)?;
			}
			if surplus > 0 {
				T::Assets::transfer(
					T::Synthetic::get(),
					account,
					owner,
					surplus,
					Preservation::Expendable,
				)?;
			}
			if burn > 0 {
				T::Assets::burn_from(
					T::Synthetic::get(),
					account,
					burn,
					Preservation::Expendable,
					Precision::Exact,
					Fortitude::Polite,
				)?;
			}
			Ok(())
		})?;
		Self::deposit_event(Event::Absorbed {
			asset,
			collateral,
			burn,
			income,
			surplus,
			deposits,
		});
		Ok(())
	}

	fn do_buy(seller: &T::AccountId, asset: AssetId, collateral: Balance, price: Balance) -> DispatchResult {
		let deposits = Self::exchange(seller, asset, collateral, price, |account| {
			if price > 0 {
				T::Assets::transfer(
					T::Synthetic::get(),
					account,
					seller,
					price,
					Preservation::Expendable,
				)?;
			}
			Ok(())
		})?;
		Self::deposit_event(Event::Bought {
			seller: seller.clone(),
			asset,
			collateral,
			price,
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
		owner: &T::AccountId,
		surplus: Balance,
	) -> DispatchResult {
		with_storage_layer(|| Self::do_absorb(seller, asset, collateral, [burn, income, surplus], owner))
	}

	fn buy(seller: &T::AccountId, asset: AssetId, collateral: Balance, price: Balance) -> DispatchResult {
		with_storage_layer(|| Self::do_buy(seller, asset, collateral, price))
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
