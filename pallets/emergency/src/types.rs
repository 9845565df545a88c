//! Powers, spells, subjects, and the door to what is stopped.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedBTreeMap};
use keel_primitives::FeedId;
use scale_info::TypeInfo;
use sp_runtime::{
	traits::{AtLeast32BitUnsigned, One},
	DispatchResult,
};

/// Length of a power's rest in lengths of the spell before it.
pub const REST: u32 = 3;

/// A power that acts at once and ends by itself.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Power {
	/// Suspends operators and feeds.
	Prices,
	/// Suspends members of the committee.
	Committee,
	/// Pauses calls by name.
	Calls,
	/// Stops all calls that are not always open.
	SafeMode,
}

impl Power {
	/// Every power.
	pub const ALL: [Power; 4] = [Power::Prices, Power::Committee, Power::Calls, Power::SafeMode];
}

/// What this pallet suspends.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Subject<AccountId> {
	/// An operator: its values count nowhere, those given already included.
	Operator(AccountId),
	/// A feed: it gets no price; nobody adds risk or is liquidated on the last one, exits use it as long as
	/// its age allows.
	Feed(FeedId),
	/// A member of the committee: its votes are dropped and it gives none; its seat still counts, so that
	/// every threshold stays where it was.
	Member(AccountId),
}

impl<AccountId> Subject<AccountId> {
	/// The power it takes to suspend it.
	pub fn power(&self) -> Power {
		match self {
			Self::Operator(_) | Self::Feed(_) => Power::Prices,
			Self::Member(_) => Power::Committee,
		}
	}
}

/// One use of a power: from block `since` to before block `until`.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Spell<BlockNumber> {
	/// First block.
	pub since: BlockNumber,
	/// First block after it.
	pub until: BlockNumber,
	/// Whether something may still be stopped by it.
	pub open: bool,
}

impl<BlockNumber: AtLeast32BitUnsigned + Copy> Spell<BlockNumber> {
	/// First block at which another spell of the same power may begin: [`REST`] times the spell's length
	/// after its end. Example: a spell of blocks 100 to 399 (`until` 400) rests until block 1,300.
	pub fn ready_at(&self) -> BlockNumber {
		let length = self.until.saturating_sub(self.since);
		self.until.saturating_add(length.saturating_mul(REST.into()))
	}

	/// Returns `true` while something may be stopped by it at `now`.
	pub fn runs(&self, now: BlockNumber) -> bool {
		self.open && now < self.until
	}

	/// End it at `now`. It counts as one block at least, so that stopping and resuming within blocks is
	/// bounded too.
	pub fn end(&mut self, now: BlockNumber) {
		self.until = now.max(self.since.saturating_add(One::one())).min(self.until);
		self.open = false;
	}
}

/// The last spell of each power.
pub type SpellsOf<BlockNumber> = BoundedBTreeMap<Power, Spell<BlockNumber>, ConstU32<4>>;

/// A power as the view shows it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct PowerView<AccountId, BlockNumber> {
	/// The power.
	pub power: Power,
	/// Subjects that this pallet has suspended with it.
	pub suspended: Vec<Subject<AccountId>>,
	/// The spell that runs: its first block, and the first one after it.
	pub running: Option<(BlockNumber, BlockNumber)>,
	/// First block at which a new spell may begin, if none did before.
	pub ready_at: BlockNumber,
}

/// Effects of emergency powers on the rest of the runtime.
pub trait Stops<AccountId> {
	/// `subject` is suspended from now on; the pallet lists it already. Fails for one that does not exist.
	fn suspended(subject: &Subject<AccountId>) -> DispatchResult;

	/// `subject` goes on from now on; the pallet does not list it any more.
	fn resumed(subject: &Subject<AccountId>);

	/// The spell of a power that other pallets keep is over: end what it stopped, at most as many as there
	/// may be subjects. Returns how many, and whether that was all.
	fn release(power: Power) -> (u32, bool);

	/// `MaxSubjects` subjects that exist, of the kinds there are. The same each time.
	#[cfg(feature = "runtime-benchmarks")]
	fn subjects() -> Vec<Subject<AccountId>>;
}
