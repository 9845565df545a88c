//! The origins referenda decide with, how fast this chain's referenda are, and what is said of those that
//! could not be scheduled.

pub use pallet_origins::*;

/// No calls: a name for each power, the pace, and the events of [`enactment`](super::enactment).
#[frame_support::pallet]
pub mod pallet_origins {
	use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
	use frame_support::{pallet_prelude::*, traits::schedule::v3::TaskName};
	use frame_system::pallet_prelude::BlockNumberFor;
	use scale_info::TypeInfo;
	use serde::{Deserialize, Serialize};

	#[pallet::config]
	pub trait Config: frame_system::Config {}

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// A power short of Root.
	#[derive(
		Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
	)]
	#[pallet::origin]
	pub enum Origin {
		/// Moves the bounds of risk parameters, lists collateral and feeds.
		RiskBounds,
		/// Moves risk parameters inside their bounds, and lowers a breaker early.
		RiskAdjust,
		/// Spends from the treasury and from the insurance fund's treasury tranche.
		Treasurer,
		/// Dispatches as Root what the technical committee has whitelisted.
		WhitelistedCaller,
		/// Cancels referenda.
		ReferendumCanceller,
		/// Cancels referenda and burns their deposits.
		ReferendumKiller,
		/// An automatic controller of the chain itself. No track leads here: only the chain's own code can be it.
		RiskController,
	}

	/// How fast referenda are.
	#[derive(
		Clone,
		Copy,
		PartialEq,
		Eq,
		Debug,
		Default,
		Encode,
		Decode,
		DecodeWithMemTracking,
		MaxEncodedLen,
		TypeInfo,
		Serialize,
		Deserialize,
	)]
	pub enum Pace {
		/// Hours to weeks: for a chain with something to lose.
		#[default]
		Serious,
		/// Seconds, to walk through a referendum in two minutes: for a development chain.
		Rehearsal,
	}

	/// How fast this chain's referenda are. Set at genesis; no call changes it.
	#[pallet::storage]
	pub type ReferendaPace<T> = StorageValue<_, Pace, ValueQuery>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// How fast this chain's referenda are.
		pub pace: Pace,
		#[serde(skip)]
		pub _config: PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			ReferendaPace::<T>::put(self.pace);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An approved referendum is enacted later than it asked for: the agenda of that block was full.
		Postponed {
			/// The scheduled task.
			id: TaskName,
			/// The block it asked for, or the earliest its track allows.
			desired: BlockNumberFor<T>,
			/// The block it is enacted at.
			at: BlockNumberFor<T>,
		},
		/// No block within reach had room on its agenda. With an `id`: **an approved referendum will not be
		/// enacted**; put it to the vote again. Without: a referendum's alarm was not set, and a vote on it
		/// sets it again.
		NotScheduled {
			/// The task of an approved referendum; none for an alarm.
			id: Option<TaskName>,
			/// The scheduler's error.
			error: DispatchError,
		},
	}

	macro_rules! ensures {
		($($(#[$meta:meta])* $name:ident,)*) => {$(
			$(#[$meta])*
			pub struct $name;

			impl<O: OriginTrait + From<Origin>> EnsureOrigin<O> for $name
			where
				for<'a> &'a O::PalletsOrigin: TryInto<&'a Origin>,
			{
				type Success = ();

				fn try_origin(o: O) -> Result<(), O> {
					let is = matches!(o.caller().try_into(), Ok(Origin::$name));
					is.then_some(()).ok_or(o)
				}

				#[cfg(feature = "runtime-benchmarks")]
				fn try_successful_origin() -> Result<O, ()> {
					Ok(O::from(Origin::$name))
				}
			}
		)*};
	}
	use frame_support::traits::OriginTrait;
	ensures! {
		/// Is it a referendum of that track?
		RiskBounds,
		/// Is it a referendum of that track?
		RiskAdjust,
		/// Is it a referendum of that track?
		Treasurer,
		/// Is it a referendum of that track?
		WhitelistedCaller,
		/// Is it a referendum of that track?
		ReferendumCanceller,
		/// Is it a referendum of that track?
		ReferendumKiller,
		/// Is it one of the chain's own controllers?
		RiskController,
	}
}
