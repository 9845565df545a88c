//! # Emergency powers
//!
//! Powers that act at once, end by themselves, and leave the chain alone for most of the time.
//!
//! ## Overview
//!
//! A *power* ([`Power`]) stops something: prices, calls, everything outside the exits, or a member of the
//! committee itself. One use of it is a *spell*: it begins with the first thing that is stopped, ends
//! [`Config::SuspendOrigin`]'s time later, and whatever else is stopped meanwhile ends with it. After a spell
//! the power rests for [`REST`] times as long as the spell lasted. So no holder, however often and in
//! whatever order, keeps a power in use for more than one block in `REST + 1` = 4, beyond the spell that
//! runs. Ending a spell early shortens the rest with it.
//!
//! | Power | Stops | Kept by |
//! |---|---|---|
//! | [`Power::Prices`] | operators' values, feeds | this pallet |
//! | [`Power::Committee`] | the votes of committee members | this pallet |
//! | [`Power::Calls`] | calls by name | `pallet-tx-pause`, whose origin is [`Spends`] |
//! | [`Power::SafeMode`] | all calls that are not exits | `pallet-safe-mode`, whose origin is [`Spends`] |
//!
//! A stricter origin may be granted a longer spell; it lengthens the one that runs, counted from its
//! beginning.
//!
//! ## Clock
//!
//! Spells and rests count blocks: while no block is made, neither passes.
//!
//! ## What it leaves alone
//!
//! Nothing is ever added, loosened or paid. What a power stops, the runtime says ([`Config::Stops`]); exits
//! are not among it.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use impls::Spends;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impls;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
mod try_state;
pub mod types;
pub mod weights;

#[frame_support::pallet]
pub mod pallet {
	use alloc::vec::Vec;
	use frame_support::{pallet_prelude::*, traits::EnsureOriginWithArg};
	use frame_system::pallet_prelude::*;

	use super::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// Origin that may suspend a subject; its success is the length of the spell it is granted, in
		/// blocks.
		type SuspendOrigin: EnsureOriginWithArg<
			Self::RuntimeOrigin,
			Subject<Self::AccountId>,
			Success = BlockNumberFor<Self>,
		>;

		/// Origin that may resume a subject before its time.
		type ResumeOrigin: EnsureOriginWithArg<Self::RuntimeOrigin, Subject<Self::AccountId>>;

		/// Effects of suspending, resuming and releasing.
		type Stops: Stops<Self::AccountId>;

		/// The most subjects suspended at a time.
		#[pallet::constant]
		type MaxSubjects: Get<u32>;

		/// Weights of the calls and the hook.
		type WeightInfo: WeightInfo;
	}

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// Last spell of every power that was ever used.
	#[pallet::storage]
	pub type Spells<T: Config> = StorageValue<_, SpellsOf<BlockNumberFor<T>>, ValueQuery>;

	/// Subjects that are suspended now.
	#[pallet::storage]
	pub type Suspended<T: Config> =
		StorageValue<_, BoundedVec<Subject<T::AccountId>, T::MaxSubjects>, ValueQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A spell of a power began, or was lengthened.
		SpellSet {
			/// The power.
			power: Power,
			/// First block.
			since: BlockNumberFor<T>,
			/// First block after it.
			until: BlockNumberFor<T>,
		},
		/// A spell of a power ended; all that it stopped goes on.
		SpellEnded {
			/// The power.
			power: Power,
			/// First block at which the power may be used again.
			ready_at: BlockNumberFor<T>,
		},
		/// A subject was suspended, until its power's spell ends.
		Suspended {
			/// The subject.
			subject: Subject<T::AccountId>,
		},
		/// A suspended subject goes on.
		Resumed {
			/// The subject.
			subject: Subject<T::AccountId>,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The power was used too recently and rests. The view `powers` says from which block on it may be
		/// used again.
		PowerResting,
		/// The subject is suspended already. A longer spell takes a stricter origin.
		AlreadySuspended,
		/// The subject is not suspended. The view `powers` lists what is.
		NotSuspended,
		/// There is no such operator, feed or committee member. Use one that exists.
		UnknownSubject,
		/// As many subjects are suspended as there is room for. Resume one first.
		TooManySuspended,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Ends the spells whose time is over, before any transaction of the block.
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			T::WeightInfo::on_initialize(Self::end_due(now))
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// Every power: what it holds, its last spell, and the block from which on a new one may begin.
		pub fn powers() -> Vec<PowerView<T::AccountId, BlockNumberFor<T>>> {
			Self::views()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Suspend an operator, a feed or a member of the committee.
		///
		/// ## Origin
		///
		/// [`Config::SuspendOrigin`].
		///
		/// ## Details
		///
		/// At once, until the spell of the subject's power ends. Begins a spell if none runs. A subject that
		/// is suspended already may be named again by an origin that is granted longer, which lengthens the
		/// spell, counted from its beginning.
		///
		/// ## Errors
		///
		/// [`Error::PowerResting`], [`Error::AlreadySuspended`], [`Error::UnknownSubject`],
		/// [`Error::TooManySuspended`].
		///
		/// ## Events
		///
		/// [`Event::Suspended`], and [`Event::SpellSet`] if the spell began or became longer.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::suspend())]
		pub fn suspend(origin: OriginFor<T>, subject: Subject<T::AccountId>) -> DispatchResult {
			let granted = T::SuspendOrigin::ensure_origin(origin, &subject)?;
			Self::do_suspend(subject, granted)
		}

		/// Resume a suspended subject before its time.
		///
		/// ## Origin
		///
		/// [`Config::ResumeOrigin`].
		///
		/// ## Details
		///
		/// With the last subject of a power its spell ends, and the rest begins.
		///
		/// ## Errors
		///
		/// [`Error::NotSuspended`].
		///
		/// ## Events
		///
		/// [`Event::Resumed`], and [`Event::SpellEnded`] if it was the last one.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::resume())]
		pub fn resume(origin: OriginFor<T>, subject: Subject<T::AccountId>) -> DispatchResult {
			T::ResumeOrigin::ensure_origin(origin, &subject)?;
			Self::do_resume(subject)
		}
	}
}
