//! What must hold after every block.

use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};

use codec::DecodeAll;
use frame_support::{
	ensure,
	storage::{unhashed, StoragePrefixedMap},
};
use keel_math::ladder::tick;
use keel_primitives::{Group, PositionLedger};
use sp_runtime::TryRuntimeError;

use crate::{ladder::Rung, *};

/// The debt of each branch's ticks, counted position by position.
type Recount = BTreeMap<Group, BTreeMap<u16, u128>>;

/// What is stored under `prefix`, key by key: the rest of the key, and the value.
fn stored(prefix: [u8; 32]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
	let next =
		move |key: &Vec<u8>| sp_io::storage::next_key(key).filter(|next| next.starts_with(prefix.as_slice()));
	core::iter::successors(next(&prefix.to_vec()), next).map(move |key| {
		let value = unhashed::get_raw(&key).unwrap_or_default();
		(key.into_iter().skip(prefix.len()).collect(), value)
	})
}

impl<T: Config> Pallet<T> {
	/// The invariants of this pallet. Whether each position stands under the trigger it should is the ledger's to
	/// check, through [`TriggerIndex`](keel_primitives::TriggerIndex).
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let groups = T::Ledger::groups();
		let recount = Self::try_index(&groups)?;
		Self::try_ladders(recount)?;
		Self::try_thresholds(&groups)?;
		Self::try_count()
	}

	/// Every key is 24 bytes under a group the ledger knows, and no position has two in a group. In a branch each has debt,
	/// elsewhere none has. The debt by tick.
	fn try_index(groups: &[Group]) -> Result<Recount, TryRuntimeError> {
		let mut seen = BTreeSet::new();
		let mut recount = Recount::new();
		for (key, value) in stored(<Index<T> as StoragePrefixedMap<u128>>::final_prefix()) {
			let (group, trigger) = <(Group, TriggerKey)>::decode_all(&mut &*key)
				.map_err(|_| TryRuntimeError::Other("Index: a key is malformed"))?;
			ensure!(
				groups.contains(&group),
				"Index: a key's group is unknown to the ledger"
			);
			ensure!(
				seen.insert((group, trigger.position())),
				"Index: a position has two keys in a group"
			);
			let debt = u128::decode_all(&mut &*value)
				.map_err(|_| TryRuntimeError::Other("Index: a debt is malformed"))?;
			if group.is_of_accounts() {
				ensure!(
					debt == 0,
					"Index: a position of a group that is no branch has debt"
				);
				continue;
			}
			ensure!(debt > 0, "Index: a position has no debt");
			let sum = recount
				.entry(group)
				.or_default()
				.entry(tick(trigger.trigger()))
				.or_default();
			*sum = sum
				.checked_add(debt)
				.ok_or(TryRuntimeError::Other("Index: the debt of a tick overflows"))?;
		}
		Ok(recount)
	}

	/// Each branch with positions has a ladder and nothing else has; its ticks are in order, none is empty, and each holds
	/// the debt of its positions exactly.
	fn try_ladders(mut recount: Recount) -> Result<(), TryRuntimeError> {
		for (key, value) in stored(<Ladders<T> as StoragePrefixedMap<Ladder>>::final_prefix()) {
			let group = Group::decode_all(&mut &*key)
				.map_err(|_| TryRuntimeError::Other("Ladders: a key is malformed"))?;
			let ladder = Ladder::decode_all(&mut &*value)
				.map_err(|_| TryRuntimeError::Other("Ladders: a ladder does not decode"))?;
			ensure!(
				!group.is_of_accounts(),
				"Ladders: a group that is no branch has a ladder"
			);
			ensure!(!ladder.is_empty(), "Ladders: a ladder is empty");
			let sums = recount.remove(&group).ok_or(TryRuntimeError::Other(
				"Ladders: a group without positions has a ladder",
			))?;
			let rungs = ladder.rungs();
			ensure!(
				rungs
					.iter()
					.zip(rungs.iter().skip(1))
					.all(|(one, next)| one.tick < next.tick),
				"Ladders: ticks are out of order"
			);
			ensure!(rungs.iter().all(|rung| rung.debt > 0), "Ladders: a tick is empty");
			ensure!(
				sums.into_iter()
					.map(|(tick, debt)| Rung { tick, debt })
					.eq(rungs.iter().copied()),
				"Ladders: a tick's debt is not the sum of its positions'"
			);
		}
		ensure!(
			recount.is_empty(),
			"Ladders: a group with positions has no ladder"
		);
		Ok(())
	}

	/// Rings decode (so they are bounded), none is empty, none is double, none is from the future.
	fn try_thresholds(groups: &[Group]) -> Result<(), TryRuntimeError> {
		let Some(history) = Thresholds::<T>::get() else {
			ensure!(!Thresholds::<T>::exists(), "Thresholds: the rings do not decode");
			return Ok(());
		};
		ensure!(
			history.at <= frame_system::Pallet::<T>::block_number(),
			"Thresholds: observed in a block that has not been"
		);
		let mut seen = BTreeSet::new();
		for ring in history.rings.iter() {
			ensure!(!ring.thresholds.is_empty(), "Thresholds: a ring is empty");
			ensure!(
				groups.contains(&ring.group),
				"Thresholds: a ring's group is unknown to the ledger"
			);
			ensure!(seen.insert(ring.group), "Thresholds: a group has two rings");
		}
		Ok(())
	}

	/// The count is of a block that has been, and of at least one liquidation.
	fn try_count() -> Result<(), TryRuntimeError> {
		if let Some((block, count)) = LiquidatedInBlock::<T>::get() {
			ensure!(
				block <= frame_system::Pallet::<T>::block_number(),
				"LiquidatedInBlock: a block that has not been"
			);
			ensure!(count > 0, "LiquidatedInBlock: a count of nothing");
		}
		Ok(())
	}
}
