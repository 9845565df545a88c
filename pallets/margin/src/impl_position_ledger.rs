//! What the liquidations pallet asks of margin: [`PositionLedger`].

use alloc::vec::Vec;
use frame_support::{dispatch::DispatchResult, storage::with_storage_layer, weights::Weight};
use keel_primitives::{Balance, Group, LiquidationOutcome, PositionId, PositionLedger};
use sp_runtime::DispatchError;

use crate::{Config, Error, Pallet};

impl<T: Config> PositionLedger for Pallet<T> {
	fn groups() -> Vec<Group> {
		Self::group_thresholds()
			.into_iter()
			.map(|(group, _)| group)
			.collect()
	}

	fn threshold(group: Group) -> Result<u128, DispatchError> {
		Self::group_thresholds()
			.into_iter()
			.find(|(of, _)| *of == group)
			.ok_or(Error::<T>::UnknownGroup)?
			.1
	}

	fn thresholds() -> Vec<(Group, Result<u128, DispatchError>)> {
		Self::group_thresholds()
	}

	fn deficit(group: Group, position: PositionId) -> Result<Balance, DispatchError> {
		let (_, health) = Self::assess(group, position)?;
		// Nothing is missing from one that is safe and only has to repay.
		Ok(health.risk.slack().min(0).unsigned_abs())
	}

	fn is_unsafe(_: Group, position: PositionId) -> bool {
		Self::look(position).is_ok_and(|(_, health)| health.risk.is_unsafe())
	}

	fn liquidate(group: Group, position: PositionId) -> Result<LiquidationOutcome, DispatchError> {
		with_storage_layer(|| Self::do_liquidate(group, position))
	}

	fn liquidation_weight(_: Group, position: PositionId) -> Option<Weight> {
		Self::weight_of_liquidation(position)
	}

	fn refresh(group: Group, position: PositionId) -> DispatchResult {
		with_storage_layer(|| Self::do_refresh(group, position))
	}

	fn refresh_weight() -> Weight {
		Self::weight_of_refresh()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create_unsafe_position(seed: u32) -> (Group, PositionId) {
		crate::benchmarking::create_unsafe_position::<T>(seed)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create_unsafe_account() -> Option<(Group, PositionId)> {
		Some(crate::benchmarking::create_unsafe_account::<T>())
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create_positions(total: u32, unsafe_ones: u32) -> Group {
		crate::benchmarking::create_positions::<T>(total, unsafe_ones)
	}
}
