//! # Circuit breaker
//!
//! Fuses and levels: who may add risk now, and who no more. The ledgers measure ([`Config::Gauges`]) and enforce
//! ([`keel_primitives::CircuitBreaker`]); this pallet judges, and brings every subject back by itself.
//!
//! ## Levels
//!
//! A **subject** (the chain, a branch, a perpetual market, the lending to margin accounts, a way kUSD is minted) stands at one
//! of four levels, and is held to the highest of its own and its parents': the chain binds every branch, every market and the
//! lending, a branch its mint path.
//!
//! | Level | What it forbids |
//! |---|---|
//! | `Normal` | nothing |
//! | `Guarded` | nothing; new risk needs a wider margin and meets lower caps |
//! | `ReduceOnly` | new risk, and what the protocol can put off |
//! | `Halted` | depositing, and withdrawing while debt remains, too |
//!
//! Repaying, topping up, closing, claiming and being liquidated never ask.
//!
//! ## Up at once, down by itself
//!
//! Every block begins with an evaluation of every subject, at the time of the block before:
//!
//! - **Up.** A fuse that reads at or above the trigger of a higher level raises the subject to it, in one go.
//! - **Held.** A fuse that reads at or above `breaker_release` of the present level's trigger holds the level. The product
//!   is rounded down, so that it holds longer, but a reading of zero holds nothing. A fuse without that trigger is calm:
//!   what it could not have raised the subject to, it does not hold it at. It holds the highest level it has a trigger
//!   for, once the subject is down there.
//! - **Down.** Once the level has stood for `breaker_dwell`, and no fuse has held it for `breaker_cooldown`, it goes down
//!   by one level. Both begin anew there. At most one level goes per evaluation, however long the chain stood still.
//!
//! So from `Halted` to `Normal` it takes at least `3 × max(breaker_dwell, breaker_cooldown)` of calm, and nobody has
//! to do anything. A fuse that flutters around its trigger lowers nothing: each time it comes back the calm begins anew.
//!
//! ## Stops of the chain
//!
//! After a time without blocks longer than `OracleMaxAge` the chain is held to `ReduceOnly` at least, until
//! enough blocks have a new price ([`Config::Recovery`]). This is no level of its own: nothing is stored
//! here, no dwell and no cooldown apply, and nobody can lower it. The view `status` of the chain says
//! [`Cause::Stop`] and how many blocks are missing.
//!
//! What nobody watched is no calm: a stop moves the beginning of each level, of each calm and of each
//! guardians' pause on by its length, so that they take as long as they do on a chain that runs.
//!
//! ## People
//!
//! **Guardians** ([`Config::GuardianOrigin`]) may raise a measured subject, never lower one. What they raised goes down
//! like anything else. They can't hold a subject's own level up: after a trip the next one has to wait for the *pause*,
//!
//! `max(TRIP_PAUSE_MS, 2 × 3 × (breaker_dwell + breaker_cooldown))`,
//!
//! counted from the last trip; before that they may only go above both the present level and that of the last trip, and
//! only while the subject is raised. So with `s = max(dwell, cooldown)` and a block for each step, three trips drawn out
//! as far as can be keep it raised for `6·s` of every `3·s + pause`: 40 % of the time for `s` = 30 minutes, and under no
//! parameters more than two thirds.
//!
//! That is the share of **one subject**, of its own level. Each has a pause of its own, and a mint path is held to its
//! branch's and the chain's level too, so that trips of different subjects add up: in turn, they can hold a branch, a market or
//! the lending (its own and the chain's) up for twice that share, and minting (those and the path's) for three times, which at 40 % is all
//! the time. Repaying, topping up, closing and claiming stay open at that, and a referendum lowers any of them at once.
//!
//! **Referenda** ([`Config::OverrideOrigin`]) set any level at once, both ways. Where a fuse still reads above its
//! trigger the next block raises it again: if the fuse is wrong, loosen it in the same batch.
//!
//! ## Storage
//!
//! Everything raised is one value, empty in calm times; with the recovery from a stop any number of questions
//! is two reads.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

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
	use frame_support::{pallet_prelude::*, traits::Time};
	use frame_system::pallet_prelude::*;
	use keel_primitives::{Action, BreakerSubject, CircuitBreaker, Level, Moment};

	use super::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// The clock levels and pauses go by.
		type Time: Time<Moment = Moment>;

		/// Progress of the chain's recovery from a stop: while blocks are missing, the chain adds no risk.
		type Recovery: keel_primitives::Recovery;

		/// Whoever measures: all ledgers that have subjects.
		type Gauges: keel_primitives::Gauges;

		/// Whoever keeps `breaker_dwell`, `breaker_cooldown` and `breaker_release`.
		type RiskParameters: keel_primitives::RiskParameters;

		/// Guardians: raise a subject.
		type GuardianOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Referenda: set any level.
		type OverrideOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// The most subjects that may be raised at a time: at least as many as are measured. It may grow, and shrink only
		/// to what is stored: a longer list would not decode.
		#[pallet::constant]
		type MaxSubjects: Get<u32>;

		/// What the calls and the hook cost.
		type WeightInfo: WeightInfo;
	}

	/// What measuring one subject reads at most: its ledger, its numbers, its price, and when that was fit.
	const READS_PER_SUBJECT: u64 = 4;

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// The subjects above `Normal`.
	#[pallet::storage]
	pub type Raised<T: Config> = StorageValue<_, RaisedSubjects<T>, ValueQuery>;

	/// The last time guardians raised a subject, later by the length of stops of the chain since. One for
	/// every subject they ever did.
	#[pallet::storage]
	pub type LastTrip<T: Config> = StorageMap<_, Twox64Concat, BreakerSubject, Trip>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A subject went up. `reading` is what the fuse read, in the fuse's unit, if it was one.
		LevelRaised {
			subject: BreakerSubject,
			from: Level,
			to: Level,
			cause: Cause,
			reading: Option<u128>,
		},
		/// A subject that a fuse holds at `level` or above is held to `level` by guardians or a referendum
		/// too: what that fuse alone leaves open (the sale of the insurance fund's collateral) waits.
		HeldByHand {
			/// The subject.
			subject: BreakerSubject,
			/// The level.
			level: Level,
		},
		/// A subject went down.
		LevelLowered {
			subject: BreakerSubject,
			from: Level,
			to: Level,
		},
		/// More subjects have to be raised than there is room for: this one, among the lowest, reads `Normal` instead of
		/// `level`. Repeated in every block; only a larger `MaxSubjects` ends it.
		LeftOut { subject: BreakerSubject, level: Level },
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The subject, or the one it belongs to, is at `ReduceOnly`: no new risk, and nothing the protocol can put off.
		/// Repaying, topping up, closing, depositing, withdrawing what is free and claiming work. The view `status` says
		/// which subject binds (`bound_by`), why, and from when on it may be lowered.
		SubjectReduceOnly,
		/// The subject, or the one it belongs to, is at `Halted`. Repaying, topping up, closing and claiming work. The view
		/// `status` says which subject binds (`bound_by`), why, and from when on it may be lowered.
		SubjectHalted,
		/// Nobody measures the subject. Use one that the view `statuses` lists.
		UnknownSubject,
		/// The level is not above the subject's present one, nor above what is set by hand beside the fuse
		/// that raised it. Guardians only raise: take a level above `level` of the view `status`. A subject
		/// comes down by itself, or by referendum.
		NotAbove,
		/// Guardians raised this subject too recently. They can do it again from what the view `trip_from` answers; before,
		/// only while it is raised, and only to a level above the one of their last trip.
		TrippedRecently,
		/// As many subjects are raised as there is room for. Wait until one is `Normal` again, or set one to `Normal`.
		TooManyRaised,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Evaluate every subject. The weight is that of the subjects evaluated.
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			let now = T::Time::now();
			// The first block has no block before it.
			let evaluated = if now == 0 { 0 } else { Self::evaluate(now) };
			// The benchmark reads the gauges of its own chain's branches. What another branch's ledger reads is added for every
			// subject: rather too much than too little.
			T::WeightInfo::on_initialize(evaluated)
				.saturating_add(T::DbWeight::get().reads(READS_PER_SUBJECT.saturating_mul(evaluated.into())))
		}

		fn integrity_test() {
			assert!(T::MaxSubjects::get() > 0, "there is no room for a raised subject");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// Where a subject stands: its own level, the level it is held to and whose that is, why and since when it is
		/// raised, the earliest times it goes down, and how far each of its fuses is from the next trigger. Nothing for a
		/// subject nobody measures.
		pub fn status(subject: BreakerSubject) -> Option<Status> {
			Self::is_known(subject).then(|| Self::status_of(subject))
		}

		/// `status` of every subject.
		pub fn statuses() -> Vec<(BreakerSubject, Status)> {
			Self::known()
				.into_iter()
				.map(|subject| (subject, Self::status_of(subject)))
				.collect()
		}

		/// Whether this action is open on this subject now, or the error it would end in. The ledgers ask the same, and
		/// have rules of their own on top.
		pub fn allows(subject: BreakerSubject, action: Action) -> Result<(), DispatchError> {
			<Self as CircuitBreaker>::ensure(subject, action)
		}

		/// From when on guardians may raise this subject again, in milliseconds since 1970; zero if they never did. Before,
		/// they may only go above the level of their last trip, and only while the subject is raised.
		pub fn trip_from(subject: BreakerSubject) -> Moment {
			LastTrip::<T>::get(subject).map_or(0, |last| Self::pause_ends(&last))
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Raise a subject to a level.
		///
		/// ## Origin
		///
		/// `GuardianOrigin`.
		///
		/// ## Details
		///
		/// At once, to any level above the subject's own present one, or up to that one where a fuse holds it
		/// and leaves its remedy open, to close that too. It goes down by itself like after a fuse: one level
		/// at a time, each after `breaker_dwell` and `breaker_cooldown`. Then guardians have to wait: the
		/// view `trip_from` says until when, for this subject alone. While the subject is still raised they
		/// need not wait to go above the level of their last trip.
		///
		/// ## Errors
		///
		/// `UnknownSubject`, `NotAbove`, `TrippedRecently`, `TooManyRaised`.
		///
		/// ## Events
		///
		/// `LevelRaised` or `HeldByHand`.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::trip())]
		pub fn trip(origin: OriginFor<T>, subject: BreakerSubject, level: Level) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			let from = Self::do_trip(subject, level)?;
			Self::deposit_event(if level > from {
				Event::LevelRaised {
					subject,
					from,
					to: level,
					cause: Cause::Guardian,
					reading: None,
				}
			} else {
				Event::HeldByHand { subject, level }
			});
			Ok(())
		}

		/// Set a subject to a level.
		///
		/// ## Origin
		///
		/// `OverrideOrigin`.
		///
		/// ## Details
		///
		/// Up or down, at once, past dwell and cooldown; both begin anew at the new level, from which it goes
		/// down by itself. A fuse that reads at or above its trigger raises the subject again in the next
		/// block: if the fuse is wrong, loosen it in the same batch. Where the subject is at the level
		/// already, the call succeeds and what it is batched with goes ahead; where a fuse holds it there and
		/// leaves its remedy open, that is closed until the level goes down.
		///
		/// ## Errors
		///
		/// `UnknownSubject`, `TooManyRaised`.
		///
		/// ## Events
		///
		/// `LevelRaised`, `LevelLowered`, or `HeldByHand`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::set_level())]
		pub fn set_level(origin: OriginFor<T>, subject: BreakerSubject, level: Level) -> DispatchResult {
			T::OverrideOrigin::ensure_origin(origin)?;
			let from = Self::do_set_level(subject, level)?;
			if level > from {
				Self::deposit_event(Event::LevelRaised {
					subject,
					from,
					to: level,
					cause: Cause::Referendum,
					reading: None,
				});
			} else if level < from {
				Self::deposit_event(Event::LevelLowered {
					subject,
					from,
					to: level,
				});
			}
			Ok(())
		}
	}
}
