//! What must hold after every block.

#![cfg(any(test, feature = "try-runtime"))]

use alloc::collections::BTreeMap;
use frame_support::{
	ensure,
	traits::{fungibles::Inspect, Get},
};
use keel_math::product_sum::{Product, DUST_UNIT, MINIMUM, ONE};
use keel_primitives::{AssetId, Balance};
use sp_runtime::TryRuntimeError;

use crate::{Config, Deposits, Pallet, PastSums, State};

impl<T: Config> Pallet<T> {
	/// Check every invariant of the pool. Walks all stakes.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let pool = State::<T>::get();
		let account = Self::account_id();
		let now = Product::from(pool.product);
		let current_sums = pool.sums();

		ensure!(
			Some(T::Assets::balance(T::Synthetic::get(), &account))
				== pool.deposits.checked_add(pool.pending),
			"the kUSD held is not what is deposited"
		);
		ensure!(
			(MINIMUM..=ONE).contains(&now.p),
			"the running product is out of range"
		);
		for (asset, collateral) in &*pool.collaterals {
			ensure!(
				T::Assets::balance(*asset, &account) == collateral.held,
				"the collateral held is not what was bought less what was claimed"
			);
		}
		for (epoch, scale, _) in PastSums::<T>::iter() {
			ensure!(
				(epoch, scale) < (now.epoch, now.scale),
				"past sums of a time that is not over"
			);
		}

		let (mut deposits, mut depositors, mut pending) = (0 as Balance, 0 as Balance, 0 as Balance);
		let mut gains = BTreeMap::<AssetId, Balance>::new();
		for (who, stored) in Deposits::<T>::iter() {
			let since = Product::from(stored.since);
			ensure!(
				stored.total() > 0 || !stored.gains.is_empty(),
				"a stake of nothing"
			);
			ensure!(
				(MINIMUM..=ONE).contains(&since.p),
				"a stake's product is out of range"
			);
			ensure!(since.is_at_or_before(&now), "a stake is ahead of the pool");
			let sums = if (since.epoch, since.scale) == (now.epoch, now.scale) {
				current_sums.clone()
			} else {
				PastSums::<T>::get(since.epoch, since.scale)
			};
			for (asset, sum) in &*stored.sums {
				ensure!(
					*sum <= sums.get(asset).copied().unwrap_or_default(),
					"a stake's sum is ahead of the pool's"
				);
			}
			ensure!(
				stored.pending.is_none() || stored.waits() > 0,
				"a stake waits with nothing"
			);
			pending = pending
				.checked_add(stored.waits())
				.ok_or("what waits overflows")?;
			let (_, settled) = Self::settled(&who)?;
			deposits = deposits.checked_add(settled.amount).ok_or("deposits overflow")?;
			for (asset, gain) in &*settled.gains {
				ensure!(
					pool.collaterals.contains_key(asset),
					"a gain of a collateral that was never bought"
				);
				let total = gains.entry(*asset).or_default();
				*total = total.checked_add(*gain).ok_or("gains overflow")?;
			}
			depositors = depositors.checked_add(1).ok_or("depositors overflow")?;
		}

		ensure!(
			pending <= pool.pending,
			"depositors wait with more than the pool keeps apart"
		);
		ensure!(
			pending >= pool.pending,
			"depositors wait with less than the pool keeps apart"
		);
		// Reading a deposit rounds away less than a unit; a gain, less than two.
		let dust = pool.dust.div_ceil(DUST_UNIT).saturating_add(depositors);
		let unowned = pool
			.deposits
			.checked_sub(deposits)
			.ok_or("depositors own more kUSD than the pool holds")?;
		ensure!(
			unowned <= dust,
			"more kUSD without an owner than rounding explains"
		);
		for (asset, collateral) in &*pool.collaterals {
			let dust = collateral.dust.saturating_add(depositors.saturating_mul(2));
			let owned = gains.get(asset).copied().unwrap_or_default();
			let unowned = collateral
				.held
				.checked_sub(owned)
				.ok_or("depositors own more collateral than the pool holds")?;
			ensure!(
				unowned <= dust,
				"more collateral without an owner than rounding explains"
			);
		}
		Ok(())
	}
}
