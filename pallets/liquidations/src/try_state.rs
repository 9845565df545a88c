//! What must hold after every block.

use alloc::collections::BTreeSet;

use codec::DecodeAll;
use frame_support::{ensure, storage::StoragePrefixedMap};
use keel_primitives::{BranchId, PositionLedger};
use sp_runtime::TryRuntimeError;

use crate::*;

impl<T: Config> Pallet<T> {
	/// The invariants of this pallet. Whether each position stands under the trigger it should is the ledger's to
	/// check, through [`TriggerIndex`](keel_primitives::TriggerIndex).
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let groups = T::Ledger::groups();
		Self::try_index(&groups)?;
		Self::try_thresholds(&groups)?;
		Self::try_count()
	}

	/// Every key is 24 bytes under a group the ledger knows, and no position has two.
	fn try_index(groups: &[BranchId]) -> Result<(), TryRuntimeError> {
		let prefix = <Index<T> as StoragePrefixedMap<()>>::final_prefix();
		let mut seen = BTreeSet::new();
		let mut key = prefix.to_vec();
		while let Some(next) = sp_io::storage::next_key(&key) {
			let Some(rest) = next.strip_prefix(prefix.as_slice()) else {
				break;
			};
			let (group, trigger) = <(BranchId, TriggerKey)>::decode_all(&mut &*rest)
				.map_err(|_| TryRuntimeError::Other("Index: a key is malformed"))?;
			ensure!(
				groups.contains(&group),
				"Index: a key's group is unknown to the ledger"
			);
			ensure!(
				seen.insert((group, trigger.position())),
				"Index: a position has two keys"
			);
			key = next;
		}
		Ok(())
	}

	/// Rings decode (so they are bounded), none is empty, none is double, none is from the future.
	fn try_thresholds(groups: &[BranchId]) -> Result<(), TryRuntimeError> {
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
