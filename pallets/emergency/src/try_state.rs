//! What must be true between any two transactions.

#![cfg(any(test, feature = "try-runtime"))]

use frame_support::ensure;
use sp_runtime::TryRuntimeError;

use crate::*;

impl<T: Config> Pallet<T> {
	/// - A spell ends after its beginning, and none began in the future.
	/// - What is suspended belongs to a spell that is open, and is listed once.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let now = frame_system::Pallet::<T>::block_number();
		let spells = Spells::<T>::get();
		for spell in spells.values() {
			ensure!(spell.since < spell.until, "emergency: a spell has no length");
			ensure!(spell.since <= now, "emergency: a spell began in the future");
		}
		let suspended = Suspended::<T>::get();
		for (at, subject) in suspended.iter().enumerate() {
			ensure!(
				spells.get(&subject.power()).is_some_and(|spell| spell.open),
				"emergency: a subject is suspended without a spell"
			);
			ensure!(
				!suspended.iter().skip(at + 1).any(|other| other == subject),
				"emergency: a subject is suspended twice"
			);
		}
		Ok(())
	}
}
