//! From approval to enactment. A referendum that was approved is dispatched, or an event says that it was
//! not.
//!
//! | Way to be lost | What stands against it |
//! |---|---|
//! | the agenda of its block is full | half of every block's agenda is kept for enactments; beyond that the next block with room |
//! | its alarm finds no room, and nothing wakes it | the same, in the other half; every slot costs a submission deposit |
//! | it weighs more than the scheduler may use | refused when it is submitted ([`enactable`]) |
//! | its preimage is missing, too long or nested too deeply | the same; from approval on the scheduler keeps the preimage |
//! | its dispatch fails | nothing: a rule refused it. It is said and never tried again |
//!
//! Events to watch: `Origins.NotScheduled`, `Origins.Postponed`; `Scheduler.CallUnavailable`,
//! `PermanentlyOverweight`, `AgendaIncomplete`, `Dispatched` with an error;
//! `Whitelist.WhitelistedCallDispatched` with an error, which the scheduler calls dispatched;
//! `Utility.BatchInterrupted` and `ItemFailed`.
//!
//! A dispatch is not retried: what a rule refuses today (a named price while there is one, a loosening while
//! a breaker is raised) would take effect hours later, in circumstances that nobody voted for. A referendum
//! may be proposed again.

use codec::DecodeLimit;
use frame_support::{
	dispatch::GetDispatchInfo,
	pallet_prelude::{DispatchError, DispatchResult, Weight},
	parameter_types,
	traits::{
		schedule::{v3, DispatchTime, Period, Priority},
		Bounded, QueryPreimage,
	},
	MAX_EXTRINSIC_DEPTH,
};
use pallet_scheduler::TaskAddress;
use sp_runtime::{traits::BlakeTwo256, Perbill};

use super::origins::pallet_origins::Event;
use crate::{
	configs::BlockWeights, BlockNumber, OriginCaller, Origins, Preimage, Runtime, RuntimeCall, Scheduler,
	System,
};

/// A call as a referendum carries it.
type Proposal = Bounded<RuntimeCall, BlakeTwo256>;

/// Tasks of one block. The weights of the SDK's scheduler and referenda are measured with as many.
pub const MAX_SCHEDULED: u32 = 512;
/// Tasks of one block that may be alarms of referenda. The rest is for what referenda enact.
pub const MAX_ALARMS: u32 = 256;
/// Blocks a task is put off at most to find room.
pub const LOOK_AHEAD: BlockNumber = 30;
/// Longest proposal, in bytes: hundreds of calls. An upgrade travels as its hash. Every pool decodes a
/// proposal before it is paid for, at 24 ns a byte.
pub const MAX_PROPOSAL_LENGTH: u32 = 16 * 1024;

parameter_types! {
	/// What the scheduler may use of a block.
	pub MaximumSchedulerWeight: Weight = Perbill::from_percent(60) * BlockWeights::get().max_block;
	/// The most one proposal may weigh. The difference to [`MaximumSchedulerWeight`] is for finding and
	/// decoding it, and the rest of the block for the hooks before the scheduler's.
	pub MaxEnactmentWeight: Weight = Perbill::from_percent(50) * BlockWeights::get().max_block;
}

/// Why a proposal could not be enacted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unenactable {
	/// No preimage of this hash and length is noted. Note it first.
	PreimageMissing,
	/// It is longer than [`MAX_PROPOSAL_LENGTH`], does not decode, or is nested too deeply.
	Malformed,
	/// It weighs more than [`MaxEnactmentWeight`]. Divide it among several referenda.
	Overweight,
}

/// Checks that the scheduler could dispatch `proposal` as things stand. Decodes at most
/// [`MAX_PROPOSAL_LENGTH`] bytes.
pub fn enactable(proposal: &Proposal) -> Result<(), Unenactable> {
	let decode = |bytes: &[u8]| {
		RuntimeCall::decode_all_with_depth_limit(MAX_EXTRINSIC_DEPTH, &mut &bytes[..])
			.map_err(|_| Unenactable::Malformed)
	};
	let call = match proposal {
		Bounded::Inline(bytes) => decode(bytes)?,
		Bounded::Lookup { hash, len } => {
			if *len > MAX_PROPOSAL_LENGTH {
				return Err(Unenactable::Malformed);
			}
			let bytes = <Preimage as QueryPreimage>::fetch(hash, Some(*len))
				.map_err(|_| Unenactable::PreimageMissing)?;
			decode(&bytes)?
		}
		Bounded::Legacy { .. } => return Err(Unenactable::Malformed),
	};
	if call
		.get_dispatch_info()
		.call_weight
		.all_lte(MaxEnactmentWeight::get())
	{
		Ok(())
	} else {
		Err(Unenactable::Overweight)
	}
}

/// Upper bound of what [`enactable`] costs: a preimage's status and bytes, and their decoding at the
/// scheduler's measured price of a fetched byte.
pub fn weight_of_enactable() -> Weight {
	// Upper bound until measured.
	Weight::from_parts(24_000, 0)
		.saturating_mul(MAX_PROPOSAL_LENGTH.into())
		.saturating_add(<Runtime as frame_system::Config>::DbWeight::get().reads(2))
}

/// The scheduler as referenda use it: a task that finds no room goes to the next block that has some.
pub struct Agenda;

impl Agenda {
	/// The first block from `when` on whose agenda has fewer than `most` entries, or `when` itself.
	fn with_room(when: DispatchTime<BlockNumber>, most: u32) -> BlockNumber {
		let desired = when.evaluate(System::block_number());
		let has_room = |at: &BlockNumber| {
			pallet_scheduler::Agenda::<Runtime>::decode_len(*at).unwrap_or(0) < most as usize
		};
		(0..LOOK_AHEAD)
			.map(|blocks| desired.saturating_add(blocks))
			.find(has_room)
			.unwrap_or(desired)
	}
}

impl v3::Anon<BlockNumber, RuntimeCall, OriginCaller> for Agenda {
	type Address = TaskAddress<BlockNumber>;
	type Hasher = BlakeTwo256;

	/// An alarm.
	fn schedule(
		when: DispatchTime<BlockNumber>,
		maybe_periodic: Option<Period<BlockNumber>>,
		priority: Priority,
		origin: OriginCaller,
		call: Proposal,
	) -> Result<Self::Address, DispatchError> {
		let at = DispatchTime::At(Self::with_room(when, MAX_ALARMS));
		<Scheduler as v3::Anon<_, _, _>>::schedule(at, maybe_periodic, priority, origin, call).inspect_err(
			|error| {
				Origins::deposit_event(Event::NotScheduled {
					id: None,
					error: *error,
				})
			},
		)
	}

	fn cancel(address: Self::Address) -> DispatchResult {
		<Scheduler as v3::Anon<_, RuntimeCall, OriginCaller>>::cancel(address)
	}

	fn reschedule(
		address: Self::Address,
		when: DispatchTime<BlockNumber>,
	) -> Result<Self::Address, DispatchError> {
		<Scheduler as v3::Anon<_, RuntimeCall, OriginCaller>>::reschedule(address, when)
	}

	fn next_dispatch_time(address: Self::Address) -> Result<BlockNumber, DispatchError> {
		<Scheduler as v3::Anon<_, RuntimeCall, OriginCaller>>::next_dispatch_time(address)
	}
}

impl v3::Named<BlockNumber, RuntimeCall, OriginCaller> for Agenda {
	type Address = TaskAddress<BlockNumber>;
	type Hasher = BlakeTwo256;

	/// What a referendum enacts.
	fn schedule_named(
		id: v3::TaskName,
		when: DispatchTime<BlockNumber>,
		maybe_periodic: Option<Period<BlockNumber>>,
		priority: Priority,
		origin: OriginCaller,
		call: Proposal,
	) -> Result<Self::Address, DispatchError> {
		let desired = when.evaluate(System::block_number());
		let at = Self::with_room(when, MAX_SCHEDULED);
		let address = <Scheduler as v3::Named<_, _, _>>::schedule_named(
			id,
			DispatchTime::At(at),
			maybe_periodic,
			priority,
			origin,
			call,
		)
		.inspect_err(|error| {
			Origins::deposit_event(Event::NotScheduled {
				id: Some(id),
				error: *error,
			})
		})?;
		if at > desired {
			Origins::deposit_event(Event::Postponed { id, desired, at });
		}
		Ok(address)
	}

	fn cancel_named(id: v3::TaskName) -> DispatchResult {
		<Scheduler as v3::Named<_, RuntimeCall, OriginCaller>>::cancel_named(id)
	}

	fn reschedule_named(
		id: v3::TaskName,
		when: DispatchTime<BlockNumber>,
	) -> Result<Self::Address, DispatchError> {
		<Scheduler as v3::Named<_, RuntimeCall, OriginCaller>>::reschedule_named(id, when)
	}

	fn next_dispatch_time(id: v3::TaskName) -> Result<BlockNumber, DispatchError> {
		<Scheduler as v3::Named<_, RuntimeCall, OriginCaller>>::next_dispatch_time(id)
	}
}

macro_rules! weights_of_referenda {
	($($name:ident)*) => {
		/// The SDK's weights of referenda; submission also pays for [`enactable`].
		pub struct ReferendaWeights;

		impl pallet_referenda::WeightInfo for ReferendaWeights {
			fn submit() -> Weight {
				// Once before it is included, once by the call filter.
				<Sdk as pallet_referenda::WeightInfo>::submit()
					.saturating_add(weight_of_enactable().saturating_mul(2))
			}

			$(fn $name() -> Weight {
				<Sdk as pallet_referenda::WeightInfo>::$name()
			})*
		}
	};
}

type Sdk = pallet_referenda::weights::SubstrateWeight<Runtime>;

weights_of_referenda! {
	place_decision_deposit_preparing
	place_decision_deposit_queued
	place_decision_deposit_not_queued
	place_decision_deposit_passing
	place_decision_deposit_failing
	refund_decision_deposit
	refund_submission_deposit
	cancel
	kill
	one_fewer_deciding_queue_empty
	one_fewer_deciding_failing
	one_fewer_deciding_passing
	nudge_referendum_requeued_insertion
	nudge_referendum_requeued_slide
	nudge_referendum_queued
	nudge_referendum_not_queued
	nudge_referendum_no_deposit
	nudge_referendum_preparing
	nudge_referendum_timed_out
	nudge_referendum_begin_deciding_failing
	nudge_referendum_begin_deciding_passing
	nudge_referendum_begin_confirming
	nudge_referendum_end_confirming
	nudge_referendum_continue_not_confirming
	nudge_referendum_continue_confirming
	nudge_referendum_approved
	nudge_referendum_rejected
	set_some_metadata
	clear_metadata
}
