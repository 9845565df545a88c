//! Keys, rings and the answers of views.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use frame_system::pallet_prelude::BlockNumberFor;
use keel_primitives::{Balance, BranchId, VaultId};
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
	/// `u128::MAX − k`, big-endian.
	inverted: [u8; 16],
	/// The position, big-endian.
	position: [u8; 8],
}

impl TriggerKey {
	/// The key of `position` under the trigger `k`.
	pub const fn new(trigger: u128, position: VaultId) -> Self {
		// `!k` is `u128::MAX − k`.
		Self {
			inverted: (!trigger).to_be_bytes(),
			position: position.to_be_bytes(),
		}
	}

	/// The trigger `k`.
	pub const fn trigger(&self) -> u128 {
		!u128::from_be_bytes(self.inverted)
	}

	/// The position.
	pub const fn position(&self) -> VaultId {
		VaultId::from_be_bytes(self.position)
	}
}

/// The last thresholds of one group.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Ring {
	/// The group.
	pub group: BranchId,
	/// Its thresholds in the last blocks in a row, the latest last.
	pub thresholds: BoundedVec<u128, ConstU32<{ crate::RING }>>,
	/// Where the fallback goes on, behind positions whose liquidation failed.
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

/// A position that may be liquidated.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct UnsafePosition {
	/// The position.
	pub position: VaultId,
	/// Normalised debt per whole unit of collateral, USD with 18 decimals.
	pub trigger: u128,
	/// Debt that has to go, in base units of kUSD; `None` if it can't be liquidated yet.
	pub deficit: Option<Balance>,
}

/// The first in line.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct NextToLiquidate {
	/// The position.
	pub position: VaultId,
	/// Normalised debt per whole unit of collateral, USD with 18 decimals.
	pub trigger: u128,
	/// Trigger over threshold, rounded up: unsafe above 1. `None` while the price is refused.
	pub ratio: Option<FixedU128>,
}
