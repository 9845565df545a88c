//! The worker: finds what is unsafe and submits its liquidation. Cheap checks first, bounded work; the dispatch
//! believes none of it.

use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};

use codec::{Decode, Encode};
use frame_system::{offchain::SubmitTransaction, pallet_prelude::BlockNumberFor};
use keel_primitives::{Group, PositionId, PositionLedger, RiskParameters};
use sp_core::offchain::{Duration, StorageKind};
use sp_runtime::{
	offchain::{
		storage::StorageValueRef,
		storage_lock::{BlockAndTime, StorageLock},
	},
	traits::SaturatedConversion,
};

use crate::*;

/// Persistent offchain key that switches this node's worker off while it is `1` (the byte or the digit).
pub const OFF_KEY: &[u8] = b"keel/liquidations/off";

/// Persistent offchain key of the lock that keeps two runs apart.
pub const LOCK_KEY: &[u8] = b"keel/liquidations/lock";

/// Persistent offchain key of what was submitted lately.
pub const SENT_KEY: &[u8] = b"keel/liquidations/sent";

/// Persistent offchain key of where the walks of the next run go on.
pub const NEXT_KEY: &[u8] = b"keel/liquidations/next";

/// The lock of a run that never ended expires after this many blocks …
const LOCK_BLOCKS: u32 = 3;

/// … and this many milliseconds, whichever is later.
const LOCK_MS: u64 = 10_000;

/// Keys per group a run looks at beyond those it may send: room for some that can't be liquidated yet, and for accounts
/// that are safe though a trigger of theirs is crossed.
const MAX_SKIPPED: u32 = 256;

/// A liquidation that is on its way.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct Sent<BlockNumber> {
	/// The group it was found in.
	pub group: Group,
	pub position: PositionId,
	/// The position's trigger in that group when it was sent: another one means it has been acted on since.
	pub trigger: u128,
	pub at: BlockNumber,
}

/// Why a run did nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resting {
	/// The node is no validator.
	NotValidator,
	/// The operator switched it off.
	SwitchedOff,
	/// Another run is not done.
	Busy,
}

impl<T: Config> Pallet<T> {
	/// The worker's run after block `now`.
	pub(crate) fn run_worker(now: BlockNumberFor<T>) {
		match Self::submit_liquidations(now) {
			Ok(0) => log::debug!(target: LOG, "{now:?}: nothing to send"),
			Ok(sent) => log::info!(target: LOG, "{now:?}: sent {sent} liquidations"),
			Err(reason) => log::debug!(target: LOG, "{now:?}: resting: {reason:?}"),
		}
	}

	/// Submit what is unsafe, worst first, with at most `liquidations_per_block` on their way at a time. How many
	/// were submitted.
	///
	/// A worker may run twice after one block (on a fork, or restarted); what it sent is not sent twice.
	pub(crate) fn submit_liquidations(now: BlockNumberFor<T>) -> Result<u32, Resting> {
		if !sp_io::offchain::is_validator() {
			return Err(Resting::NotValidator);
		}
		let off = sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, OFF_KEY);
		if matches!(off.as_deref(), Some([1]) | Some(b"1")) {
			return Err(Resting::SwitchedOff);
		}
		let mut lock = StorageLock::<BlockAndTime<frame_system::Pallet<T>>>::with_block_and_time_deadline(
			LOCK_KEY,
			LOCK_BLOCKS,
			Duration::from_millis(LOCK_MS),
		);
		let _guard = lock.try_lock().map_err(|_| Resting::Busy)?;

		let memory = StorageValueRef::persistent(SENT_KEY);
		// What can't be decoded is as good as forgotten.
		let mut sent = memory
			.get::<Vec<Sent<BlockNumberFor<T>>>>()
			.ok()
			.flatten()
			.unwrap_or_default();
		let known = sent.len();
		// Of this block only: what has not happened by the next one is said again. A pool that was busy with the new block
		// may have judged it by the state before and dropped it. Its ban binds bytes, which differ from block to block,
		// and a copy of what is still waiting collapses by its tag.
		sent.retain(|sent| {
			sent.at == now
				&& Index::<T>::contains_key(sent.group, TriggerKey::new(sent.trigger, sent.position))
		});
		let forgotten = known > sent.len();

		let limit = T::RiskParameters::chain().liquidations_per_block;
		let mut groups = T::Ledger::groups();
		if !groups.is_empty() {
			let first: usize = (now % (groups.len() as u32).into()).saturated_into();
			groups.rotate_left(first);
		}
		let places = StorageValueRef::persistent(NEXT_KEY);
		let before = places
			.get::<BTreeMap<Group, TriggerKey>>()
			.ok()
			.flatten()
			.unwrap_or_default();
		let mut next = before.clone();
		next.retain(|group, _| groups.contains(group));
		// An account may be crossed in several groups: it is asked about once.
		let mut seen = sent
			.iter()
			.map(|sent| holder(sent.group, sent.position))
			.collect();
		let mut count = 0u32;
		for group in groups {
			if sent.len() >= limit as usize {
				break;
			}
			count = count.saturating_add(Self::submit_group(
				group, now, limit, &mut next, &mut seen, &mut sent,
			));
		}
		if next != before {
			places.set(&next);
		}
		if count > 0 || forgotten {
			memory.set(&sent);
		}
		Ok(count)
	}

	/// Submit the unsafe positions of one group nobody has `seen` in this run and note them in `sent`, which holds `limit`
	/// at most. What is crossed but safe is left to the block, which refreshes it; if there is more of it than a run
	/// looks at, the next one goes on behind.
	fn submit_group(
		group: Group,
		now: BlockNumberFor<T>,
		limit: u32,
		next: &mut BTreeMap<Group, TriggerKey>,
		seen: &mut BTreeSet<Holder>,
		sent: &mut Vec<Sent<BlockNumberFor<T>>>,
	) -> u32 {
		let threshold = match T::Ledger::threshold(group) {
			Ok(threshold) => threshold,
			Err(error) => {
				log::debug!(target: LOG, "group {group:?}: no price to liquidate on: {error:?}");
				return 0;
			}
		};
		let after = next.remove(&group).filter(|key| key.trigger() > threshold);
		let most = limit.saturating_add(MAX_SKIPPED);
		let keys = Self::walk(group, after, threshold, most).keys;
		let more = keys
			.last()
			.filter(|_| group.is_estimate() && keys.len() == most as usize)
			.copied();
		let mut count = 0u32;
		for key in keys {
			if sent.len() >= limit as usize {
				return count;
			}
			let (position, trigger) = (key.position(), key.trigger());
			if !seen.insert(holder(group, position)) {
				continue;
			}
			if let Err(error) = T::Ledger::deficit(group, position) {
				log::debug!(target: LOG, "group {group:?}: position {position} can't be liquidated: {error:?}");
				continue;
			}
			let call = Call::<T>::liquidate { group, position };
			let transaction = T::create_authorized_transaction(call.into());
			match SubmitTransaction::<T, Call<T>>::submit_transaction(transaction) {
				Ok(()) => {
					log::debug!(target: LOG, "group {group:?}: sent position {position}, trigger {trigger}");
					sent.push(Sent {
						group,
						position,
						trigger,
						at: now,
					});
					count = count.saturating_add(1);
				}
				// Most often another validator's is there already.
				Err(()) => log::debug!(target: LOG, "group {group:?}: the pool refused position {position}"),
			}
		}
		if let Some(key) = more {
			next.insert(group, key);
		}
		count
	}
}
