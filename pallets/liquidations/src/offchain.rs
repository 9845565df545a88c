//! The worker: finds what is unsafe and submits its liquidation. Cheap checks first, bounded work; the dispatch
//! believes none of it.

use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};

use codec::{Decode, Encode};
use frame_support::{
	dispatch::DispatchResult,
	storage::{with_storage_layer, with_transaction},
	traits::Get,
	weights::Weight,
};
use frame_system::{offchain::SubmitTransaction, pallet_prelude::BlockNumberFor};
use keel_primitives::{Group, PositionId, PositionLedger, RiskParameters};
use sp_core::offchain::{Duration, StorageKind};
use sp_runtime::{
	offchain::{
		storage::StorageValueRef,
		storage_lock::{BlockAndTime, StorageLock},
	},
	traits::{SaturatedConversion, Saturating},
	DispatchError, TransactionOutcome,
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

/// Persistent offchain key of the accounts that could not be liquidated, and when to ask again.
pub const WAITING_KEY: &[u8] = b"keel/liquidations/waiting";

/// The most blocks until a worker asks again about an account that could not be liquidated: it doubles from
/// one to this.
const MAX_WAIT: u32 = 4;

/// The most accounts a worker remembers as waiting.
const MAX_WAITING: usize = 1_024;

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

/// When an account could not be liquidated, and for how many blocks the worker asks nothing about it.
type Waiting<BlockNumber> = BTreeMap<Holder, (BlockNumber, u32)>;

/// What a run knows and learns.
struct Run<BlockNumber> {
	now: BlockNumber,
	/// The most that may be on their way.
	limit: u32,
	/// What a block takes and is not used by those on their way.
	room: Weight,
	/// Where each group's walk goes on.
	next: BTreeMap<Group, TriggerKey>,
	/// Accounts asked about in this run: one may be crossed in several groups.
	seen: BTreeSet<Holder>,
	sent: Vec<Sent<BlockNumber>>,
	waiting: Waiting<BlockNumber>,
	/// How many it sent.
	count: u32,
}

impl<BlockNumber: Copy + Saturating + PartialOrd + From<u32>> Run<BlockNumber> {
	/// Returns `true` if `who` could not be liquidated lately and its time to be asked about again has not
	/// come.
	fn is_waiting(&self, who: &Holder) -> bool {
		self.waiting
			.get(who)
			.is_some_and(|(since, blocks)| self.now.saturating_sub(*since) < (*blocks).into())
	}

	/// Asks nothing about `who` for twice as long as the last time.
	fn wait(&mut self, who: Holder) {
		let last = self.waiting.get(&who);
		if last.is_none() && self.waiting.len() >= MAX_WAITING {
			return;
		}
		let blocks = last.map_or(1, |(_, blocks)| blocks.saturating_mul(2).min(MAX_WAIT));
		self.waiting.insert(who, (self.now, blocks));
	}
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

	/// Submit what is unsafe, worst first, with at most `liquidations_per_block` on their way at a time, and
	/// no more than a block takes. How many were submitted.
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

		let mut groups = T::Ledger::thresholds();
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
		let waits = StorageValueRef::persistent(WAITING_KEY);
		let waited = waits
			.get::<Waiting<BlockNumberFor<T>>>()
			.ok()
			.flatten()
			.unwrap_or_default();
		let mut run = Run {
			now,
			limit: T::RiskParameters::chain().liquidations_per_block,
			room: T::BlockWeights::get().max_block,
			next: before.clone(),
			seen: sent
				.iter()
				.map(|sent| holder(sent.group, sent.position))
				.collect(),
			sent,
			waiting: waited.clone(),
			count: 0,
		};
		run.next
			.retain(|group, _| groups.iter().any(|(known, _)| known == group));
		// Who was not asked about when it could be is not crossed any more, or it is another fork's.
		let forget = BlockNumberFor::<T>::from(MAX_WAIT.saturating_mul(2));
		run.waiting
			.retain(|_, (since, _)| *since <= now && now.saturating_sub(*since) <= forget);
		// What the run liquidates to see whether it can be is taken back: the state is not the worker's to
		// change.
		let _ = with_transaction(|| {
			for (group, threshold) in groups {
				if run.sent.len() >= run.limit as usize {
					break;
				}
				Self::submit_group(group, threshold, &mut run);
			}
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(()))
		});
		if run.next != before {
			places.set(&run.next);
		}
		if run.waiting != waited {
			waits.set(&run.waiting);
		}
		if run.count > 0 || forgotten {
			memory.set(&run.sent);
		}
		Ok(run.count)
	}

	/// Submit the unsafe positions of one group nobody was asked about in this run, worst first. What is
	/// crossed but safe is left to the block, which refreshes it; if there is more of it than a run looks at,
	/// the next one goes on behind.
	fn submit_group(group: Group, threshold: Result<u128, DispatchError>, run: &mut Run<BlockNumberFor<T>>) {
		let threshold = match threshold {
			Ok(threshold) => threshold,
			Err(error) => {
				log::debug!(target: LOG, "group {group:?}: no price to liquidate on: {error:?}");
				return;
			}
		};
		let after = run.next.remove(&group).filter(|key| key.trigger() > threshold);
		let most = run.limit.saturating_add(MAX_SKIPPED);
		let keys = Self::walk(group, after, threshold, most).keys;
		let more = keys
			.last()
			.filter(|_| group.is_of_accounts() && keys.len() == most as usize)
			.copied();
		for key in keys {
			if run.sent.len() >= run.limit as usize {
				return;
			}
			let (position, trigger) = (key.position(), key.trigger());
			let who = holder(group, position);
			if run.is_waiting(&who) || !run.seen.insert(who) {
				continue;
			}
			// What does not fit the block any more is not carried out here either.
			let Some(room) = run.room.checked_sub(&Self::weight_of(group, position)) else {
				continue;
			};
			if let Err(error) = Self::try_out(group, position) {
				log::debug!(target: LOG, "group {group:?}: position {position} can't be liquidated: {error:?}");
				// What keeps a vault from being liquidated is over with the next price, and who is safe may
				// be unsafe with it: neither is put off.
				if group.is_of_accounts() && T::Ledger::is_unsafe(group, position) {
					run.wait(who);
				}
				continue;
			}
			run.room = room;
			run.waiting.remove(&who);
			let call = Call::<T>::liquidate { group, position };
			let transaction = T::create_authorized_transaction(call.into());
			match SubmitTransaction::<T, Call<T>>::submit_transaction(transaction) {
				Ok(()) => {
					log::debug!(target: LOG, "group {group:?}: sent position {position}, trigger {trigger}");
					run.sent.push(Sent {
						group,
						position,
						trigger,
						at: run.now,
					});
					run.count = run.count.saturating_add(1);
				}
				// Most often another validator's is there already.
				Err(()) => log::debug!(target: LOG, "group {group:?}: the pool refused position {position}"),
			}
		}
		if let Some(key) = more {
			run.next.insert(group, key);
		}
	}

	/// Liquidate `position` as the next block would, behind those sent before. All or nothing.
	fn try_out(group: Group, position: PositionId) -> DispatchResult {
		T::Ledger::deficit(group, position)?;
		with_storage_layer(|| T::Ledger::liquidate(group, position)).map(|_| ())
	}
}
