//! What must hold between any two transactions.

use frame_support::{ensure, traits::Time};
use sp_runtime::TryRuntimeError;

use crate::{Config, Last, Pallet};

impl<T: Config> Pallet<T> {
	/// - The reading decodes.
	/// - The last block is not in the future.
	/// - Active time is not longer than there has been time.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		if !Last::<T>::exists() {
			return Ok(());
		}
		let last = Last::<T>::try_get().map_err(|()| "clock: the reading does not decode")?;
		ensure!(
			last.at <= T::Time::now(),
			"clock: the last block was in the future"
		);
		ensure!(
			last.active <= last.at,
			"clock: more active time than there has been time"
		);
		Ok(())
	}
}
