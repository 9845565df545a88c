//! What must hold after every block.

#![cfg(any(test, feature = "try-runtime"))]

use alloc::collections::BTreeMap;
use frame_support::{
	ensure,
	traits::{fungibles::Inspect, Get},
};
use keel_math::product_sum::{Product, DUST_UNIT, MINIMUM, ONE};
use keel_primitives::{AssetId, Balance, Moment};
use sp_runtime::TryRuntimeError;

use crate::{Config, Deposits, JoinedGroups, Pallet, PastSums, Progress, State, SumsOf};

impl<T: Config> Pallet<T> {
	/// Check every invariant of the pool. Walks all stakes.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let pool = State::<T>::get();
		let account = Self::account_id();
		let now = Product::from(pool.product);
		let current_sums = pool.sums();
		// By group: what it is said to have.
		let mut groups = BTreeMap::<Moment, Balance>::new();

		let (mut waiting, mut before) = (0 as Balance, 0 as Moment);
		for group in &pool.waiting {
			ensure!(
				group.amount > 0 && group.joins_at > before,
				"groups that wait are of nothing or out of order"
			);
			before = group.joins_at;
			waiting = waiting.checked_add(group.amount).ok_or("what waits overflows")?;
			groups.insert(group.joins_at, group.amount);
		}
		ensure!(
			Some(T::Assets::balance(T::Synthetic::get(), &account)) == pool.deposits.checked_add(waiting),
			"the kUSD held is not what is deposited"
		);
		ensure!(
			(MINIMUM..=ONE).contains(&now.p),
			"the running product is out of range"
		);
		for (asset, collateral) in &*pool.collaterals {
			ensure!(
				collateral.held > 0 || !collateral.sum.is_zero(),
				"a collateral of nothing that should be forgotten"
			);
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

		// Whether no sum is beyond the pool's at that time's end.
		let behind = |since: &Product, snapshots: &SumsOf<T>| {
			let sums = if (since.epoch, since.scale) == (now.epoch, now.scale) {
				current_sums.clone()
			} else {
				PastSums::<T>::get(since.epoch, since.scale)
			};
			snapshots
				.iter()
				.all(|(asset, sum)| *sum <= sums.get(asset).copied().unwrap_or_default())
		};
		let sound = |since: Progress, snapshots: &SumsOf<T>| {
			let since = Product::from(since);
			(MINIMUM..=ONE).contains(&since.p) && since.is_at_or_before(&now) && behind(&since, snapshots)
		};
		for (joins_at, group) in JoinedGroups::<T>::iter() {
			ensure!(
				sound(group.since, &group.sums),
				"a group that joined is ahead of the pool"
			);
			ensure!(group.amount > 0, "a group that joined has nothing");
			ensure!(
				groups.insert(joins_at, group.amount).is_none(),
				"a group has joined and waits"
			);
		}

		let (mut deposits, mut depositors) = (0 as Balance, 0 as Balance);
		let mut gains = BTreeMap::<AssetId, Balance>::new();
		for (who, stored) in Deposits::<T>::iter() {
			let since = Product::from(stored.since);
			ensure!(
				stored.amount > 0 || stored.waiting.is_some() || !stored.gains.is_empty(),
				"a stake of nothing"
			);
			ensure!(
				(MINIMUM..=ONE).contains(&since.p),
				"a stake's product is out of range"
			);
			ensure!(since.is_at_or_before(&now), "a stake is ahead of the pool");
			ensure!(
				stored.gains.values().all(|gain| *gain > 0),
				"a stake has a gain of nothing"
			);
			ensure!(
				behind(&since, &stored.sums),
				"a stake's sum is ahead of the pool's"
			);
			if let Some(own) = stored.waiting {
				// What is left over here, a group says it has and nobody put in.
				let left = groups
					.get(&own.joins_at)
					.and_then(|group| group.checked_sub(own.amount))
					.filter(|_| own.amount > 0)
					.ok_or("a stake waits with nothing, or with more than its group")?;
				groups.insert(own.joins_at, left);
				if JoinedGroups::<T>::contains_key(own.joins_at) {
					// Read in two parts.
					depositors = depositors.checked_add(1).ok_or("depositors overflow")?;
				}
			}
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
			groups.values().all(|left| *left == 0),
			"a group has more than its members put in"
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
