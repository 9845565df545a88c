//! Keys, rings and the answers of views.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use frame_system::pallet_prelude::BlockNumberFor;
use keel_primitives::{Balance, BranchId, Group, PositionId};
use scale_info::TypeInfo;
use sp_runtime::FixedU128;

/// Where a position stands in its group: exactly 24 bytes whose lexicographic order is "largest trigger first, then
/// lowest id".
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
pub struct TriggerKey {
	/// `u128::MAX` less the trigger, big-endian.
	inverted: [u8; 16],
	/// The position, big-endian.
	position: [u8; 8],
}

impl TriggerKey {
	/// The key of `position` under `trigger`.
	pub const fn new(trigger: u128, position: PositionId) -> Self {
		// `!k` is `u128::MAX − k`.
		Self {
			inverted: (!trigger).to_be_bytes(),
			position: position.to_be_bytes(),
		}
	}

	/// The trigger.
	pub const fn trigger(&self) -> u128 {
		!u128::from_be_bytes(self.inverted)
	}

	/// The position.
	pub const fn position(&self) -> PositionId {
		PositionId::from_be_bytes(self.position)
	}
}

/// Who stands behind a position, whatever group names it: a vault is of its branch, a margin account is one account in all
/// the groups it has a key in.
pub type Holder = (Option<BranchId>, PositionId);

/// The holder of `position` of `group`.
pub const fn holder(group: Group, position: PositionId) -> Holder {
	match group {
		Group::Branch(branch) => (Some(branch), position),
		_ => (None, position),
	}
}

/// The last thresholds of one group.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Ring {
	/// The group.
	pub group: Group,
	/// Its thresholds in the last blocks in a row, the latest last.
	pub thresholds: BoundedVec<u128, ConstU32<{ crate::RING }>>,
	/// Where the next block goes on: the fallback behind positions whose liquidation failed; where triggers are
	/// estimates, the looks behind positions that were found unsafe.
	pub resume: Option<TriggerKey>,
}

/// What the fallback knows of the past.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct History<BlockNumber, Rings> {
	/// The block of the latest thresholds.
	pub at: BlockNumber,
	/// A ring for each group that had a price in that block.
	pub rings: Rings,
}

/// [`History`] of a runtime.
pub type HistoryOf<T> = History<BlockNumberFor<T>, BoundedVec<Ring, <T as crate::Config>::MaxGroups>>;

/// Who had a position liquidated.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum LiquidatedBy {
	/// A validator's offchain worker.
	Worker,
	/// The block itself, because nobody else did.
	Block,
}

/// A walk along the index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Walk {
	/// The positions found, worst first.
	pub keys: alloc::vec::Vec<TriggerKey>,
	/// The keys read to find them.
	pub visited: u32,
}

/// The keys a block passed whose positions it had found unsafe, by group.
pub(crate) type Found = alloc::collections::BTreeMap<Group, alloc::vec::Vec<TriggerKey>>;

/// How far a walk came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Walked {
	/// Not a key: there is no weight for it.
	Nothing,
	/// Some keys, and there are more.
	Part,
	/// All that is crossed.
	ToTheEnd,
}

impl Walked {
	/// Returns `true` if there is more to walk in this block: behind the end, at the front, unless it began
	/// there.
	pub fn goes_on(self, began_at_front: bool) -> bool {
		match self {
			Self::Nothing => false,
			Self::Part => true,
			Self::ToTheEnd => !began_at_front,
		}
	}
}

/// What became of the keys of a walk: where the next one goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Passed {
	/// How many were passed.
	count: usize,
	/// The last of them.
	last: Option<TriggerKey>,
	/// Whether one of them stays where it is.
	stays: bool,
}

impl Passed {
	/// `key` was passed and stays: nothing could be done.
	pub(crate) fn stays(&mut self, key: TriggerKey) {
		self.stays = true;
		self.leaves(key);
	}

	/// `key` was passed and leaves its place.
	pub(crate) fn leaves(&mut self, key: TriggerKey) {
		self.count = self.count.saturating_add(1);
		self.last = Some(key);
	}

	/// Did `walk`, which read `most` keys at most, come to the end of what is crossed, and was all of it passed?
	pub(crate) fn ended(&self, walk: &Walk, most: u32) -> bool {
		self.count == walk.keys.len() && (walk.keys.len() as u64) < u64::from(most)
	}

	/// How far `walk` came, which read `most` keys at most.
	pub(crate) fn walked(&self, walk: &Walk, most: u32) -> Walked {
		match self.count {
			_ if self.ended(walk, most) => Walked::ToTheEnd,
			0 => Walked::Nothing,
			_ => Walked::Part,
		}
	}

	/// Where to go on after `walk`, which began behind `after` and read `most` keys at most: at the front if it came to the
	/// end or if nobody stays, else behind the last one passed.
	pub(crate) fn resume(&self, walk: &Walk, most: u32, after: Option<TriggerKey>) -> Option<TriggerKey> {
		match self.ended(walk, most) {
			true => None,
			false if self.stays => self.last,
			// Still behind those who stayed in an earlier block.
			false if after.is_some() => self.last.or(after),
			false => None,
		}
	}
}

/// A position whose trigger is crossed: one that may be liquidated or, where triggers are estimates, looked at again.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct UnsafePosition {
	/// The position.
	pub position: PositionId,
	/// Its trigger, in the unit of its group.
	pub trigger: u128,
	/// Debt that has to go, or equity that is missing, in base units of kUSD; `None` if it can't be liquidated now.
	pub deficit: Option<Balance>,
}

/// The first in line.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct NextToLiquidate {
	/// The position.
	pub position: PositionId,
	/// Its trigger, in the unit of its group.
	pub trigger: u128,
	/// How near it is, rounded up: crossed above 1. `None` while the price is refused.
	pub ratio: Option<FixedU128>,
}
