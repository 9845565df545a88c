//! # Clock
//!
//! A clock that stands still while the chain does, and the event of a time without blocks.
//!
//! ## Overview
//!
//! A process that runs by the wall clock goes on while no block is made, although nobody can act: an auction
//! would fall from its start to its reserve within one block. Such a process runs by **active time** instead:
//! the sum, over all blocks, of the time since the block before, each counted up to [`Config::MaxStep`].
//!
//! With a limit of 60 s, blocks at 0 s, 2 s, 602 s and 604 s make an active time of 0 + 2 + 60 + 2 = 64 s.
//!
//! A **gap** is a time between two blocks longer than `OracleMaxAge`: no price of before it is fresh any
//! more. The first block after a gap deposits [`Event::BlocksMissed`] and calls [`Config::OnGap`] before its
//! transactions. The first block of the chain ends no gap.
//!
//! ## Order within a block
//!
//! The clock moves when the block's timestamp is set, as an inherent. Hooks that run before it
//! (`on_initialize`) read the active time of the block before, as they do with the wall clock.
//!
//! ## Reading it
//!
//! The pallet implements `frame_support::traits::Time`. What it returns starts at zero with the chain and is
//! not a date.

#![cfg_attr(not(feature = "std"), no_std)]

pub use pallet::*;
pub use types::Reading;
pub use weights::WeightInfo;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impls;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
pub mod types;
pub mod weights;

#[frame_support::pallet]
pub mod pallet {
	use frame_support::{pallet_prelude::*, traits::Time};
	use frame_system::pallet_prelude::*;
	use keel_primitives::Moment;

	use super::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// The wall clock. Compared with in `try_state` only: the pallet is told the time by
		/// `OnTimestampSet`.
		type Time: Time<Moment = Moment>;

		/// Source of `OracleMaxAge`, the longest time between two blocks that is no gap.
		type RiskParameters: keel_primitives::RiskParameters;

		/// Called in the first block after a gap.
		type OnGap: keel_primitives::OnGap;

		/// The most active time one block adds, in milliseconds.
		#[pallet::constant]
		type MaxStep: Get<Moment>;

		/// Weight of the clock's step in every block.
		type WeightInfo: WeightInfo;
	}

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// The time of the last block and the active time up to it.
	#[pallet::storage]
	pub type Last<T> = StorageValue<_, Reading, ValueQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// No block was made for `length` milliseconds since `from` (milliseconds since 1970), longer than
		/// `OracleMaxAge`. The chain adds no risk until enough blocks have a new price.
		BlocksMissed { from: Moment, length: Moment },
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Reserves the weight of the step that the timestamp's inherent makes. A gap registers its own on
		/// top.
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			T::WeightInfo::step()
		}

		fn integrity_test() {
			assert!(T::MaxStep::get() > 0, "active time would never move");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The time of the last block, and the active time up to it, both in milliseconds. Active time counts
		/// from the first block and is no date: only the difference of two readings means something.
		pub fn reading() -> Reading {
			Last::<T>::get()
		}
	}
}
