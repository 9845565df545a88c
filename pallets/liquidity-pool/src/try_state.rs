//! What must hold after every block.

#![cfg(any(test, feature = "try-runtime"))]

use alloc::vec::Vec;
use codec::FullCodec;
use frame_support::{
	ensure,
	storage::StorageMap,
	traits::{fungibles::Inspect, Get, Time},
};
use keel_primitives::Balance;
use sp_runtime::TryRuntimeError;

use crate::{Config, Deposits, Pallet, Queue, Queued, RequestId, State, Withdrawals};

/// All of `queue`, in order; `broken` if links, count and names do not agree with the `stored` requests.
fn read<Map, Request>(queue: Queue, stored: usize, broken: &'static str) -> Result<Vec<Request>, &'static str>
where
	Map: StorageMap<RequestId, Queued<Request>, Query = Option<Queued<Request>>>,
	Request: FullCodec,
{
	let (mut all, mut before, mut next) = (Vec::new(), None, queue.first);
	while let Some(id) = next {
		let queued = Map::get(id).ok_or(broken)?;
		// Seen more often than there are requests: the links go in a circle.
		ensure!(
			all.len() < stored && queued.before == before && id < queue.next_id,
			broken
		);
		(before, next) = (Some(id), queued.after);
		all.push(queued.request);
	}
	ensure!(
		before == queue.last && all.len() == stored && u32::try_from(stored) == Ok(queue.count),
		broken
	);
	Ok(all)
}

fn sum(amounts: impl Iterator<Item = Balance>) -> Option<Balance> {
	let mut amounts = amounts;
	amounts.try_fold(0, Balance::checked_add)
}

impl<T: Config> Pallet<T> {
	/// Check every invariant of the pool. Walks all requests.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let pool = State::<T>::get();
		let (shares, now) = (T::Shares::get(), T::Time::now());
		let deposits = read::<Deposits<T>, _>(
			pool.deposits,
			Deposits::<T>::iter_keys().count(),
			"the queue of deposits is not what its requests say",
		)?;
		let withdrawals = read::<Withdrawals<T>, _>(
			pool.withdrawals,
			Withdrawals::<T>::iter_keys().count(),
			"the queue of withdrawals is not what its requests say",
		)?;
		ensure!(
			pool.deposits.count.max(pool.withdrawals.count) <= T::MaxWaiting::get(),
			"a queue is longer than it may be"
		);
		ensure!(
			deposits
				.iter()
				.all(|deposit| deposit.amount >= T::MinimumDeposit::get())
				&& withdrawals.iter().all(|withdrawal| withdrawal.shares > 0),
			"a request of nothing"
		);
		ensure!(
			deposits.iter().all(|deposit| deposit.at <= now)
				&& withdrawals
					.iter()
					.all(|withdrawal| withdrawal.at <= now && withdrawal.at <= withdrawal.due),
			"a request from the future"
		);
		// Equal: neither too much nor too little.
		ensure!(
			sum(deposits.iter().map(|deposit| deposit.amount)) == Some(pool.waiting),
			"the kUSD waiting is not what was deposited"
		);
		ensure!(
			sum(withdrawals.iter().map(|withdrawal| withdrawal.shares)) == Some(pool.leaving),
			"the shares leaving are not what was asked for"
		);
		ensure!(
			T::Assets::balance(shares, &Self::account_id()) == pool.leaving,
			"the shares held are not those that leave"
		);
		ensure!(
			T::Assets::total_issuance(shares) == pool.issued,
			"the shares that exist are not those issued"
		);
		Ok(())
	}
}
