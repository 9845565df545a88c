//! What must be true between any two transactions.

#![cfg(any(test, feature = "try-runtime"))]

use alloc::collections::BTreeSet;

use frame_support::{
	ensure,
	traits::{Get, Time},
};
use keel_primitives::{BreakerSubject, Gauges, Level};
use sp_runtime::TryRuntimeError;

use crate::{Config, LastTrip, Pallet, Raised};

impl<T: Config> Pallet<T> {
	/// - There is room for every subject that is measured.
	/// - What is raised decodes, has room, is above `Normal`, and nothing is stored where nothing is raised.
	/// - What is held without the fuse that raised a subject is at least what a hand set, and at most its
	///   level.
	/// - No level was reached in the future; none was calm before it was reached, or will be only in the
	///   future.
	/// - Guardians tripped nothing in the future, and nothing to `Normal`.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let now = T::Time::now();
		let room = T::MaxSubjects::get() as usize;
		let measured: BTreeSet<BreakerSubject> = T::Gauges::subjects().into_iter().collect();
		ensure!(
			measured.len() <= room,
			"circuit breaker: more subjects are measured than may be raised"
		);
		if Raised::<T>::exists() {
			let count = Raised::<T>::decode_len().ok_or("circuit breaker: what is raised does not decode")?;
			ensure!(count > 0, "circuit breaker: nothing is raised, and stored");
			ensure!(count <= room, "circuit breaker: more is raised than may be");
			let raised =
				Raised::<T>::try_get().map_err(|()| "circuit breaker: what is raised does not decode")?;
			for state in raised.values() {
				ensure!(
					state.level > Level::Normal,
					"circuit breaker: a raised subject is normal"
				);
				ensure!(
					state.since <= now,
					"circuit breaker: a level was reached in the future"
				);
				ensure!(
					state.by_hand <= state.others && state.others <= state.level,
					"circuit breaker: a level is held higher by less"
				);
				let Some(calm_since) = state.calm_since else {
					continue;
				};
				ensure!(
					calm_since >= state.since,
					"circuit breaker: a level was calm before it was reached"
				);
				ensure!(
					calm_since <= now,
					"circuit breaker: a level is calm from the future on"
				);
			}
		}
		for trip in LastTrip::<T>::iter_values() {
			ensure!(trip.at <= now, "circuit breaker: a trip was in the future");
			ensure!(
				trip.level > Level::Normal,
				"circuit breaker: a trip was to normal"
			);
		}
		Ok(())
	}
}
