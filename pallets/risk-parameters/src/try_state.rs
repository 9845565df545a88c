//! What must always be true of the storage.

#![cfg(any(test, feature = "try-runtime"))]

use frame_support::{ensure, traits::Time};
use sp_runtime::TryRuntimeError;

use crate::{types::*, Bounds, Config, LastLoosened, Pallet};

impl<T: Config> Pallet<T> {
	/// Every value is inside its stored bounds, every bound inside the limits, every set goes together, and nothing
	/// is stored about a subject or a key that is not there.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		for subject in Self::all_subjects() {
			Self::try_subject(subject)?;
		}
		for (subject, key, _) in Bounds::<T>::iter() {
			ensure!(
				subject.has(key) && Self::is_listed(subject),
				"risk parameters: bounds of nothing"
			);
		}
		let now = T::Time::now();
		for (subject, key, last) in LastLoosened::<T>::iter() {
			ensure!(
				subject.has(key) && Self::is_listed(subject),
				"risk parameters: a loosening of nothing"
			);
			ensure!(last <= now, "risk parameters: loosened in the future");
		}
		Ok(())
	}

	fn try_subject(subject: Subject) -> Result<(), TryRuntimeError> {
		let set = Self::stored(subject).map_err(|_| "risk parameters: numbers do not decode")?;
		for (key, value) in set.values() {
			let bounds = Bounds::<T>::get(subject, key).ok_or("risk parameters: a number without bounds")?;
			ensure!(
				bounds.is_inside(&policy(key).limits),
				"risk parameters: bounds outside limits"
			);
			ensure!(value >= bounds.min, "risk parameters: value below bounds");
			ensure!(value <= bounds.max, "risk parameters: value above bounds");
		}
		set.check().map_err(|broken| broken.message().into())
	}
}
