//! Liquidation discovery and execution: who keeps the triggers, who owns the positions.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::DispatchError, weights::Weight};
use scale_info::TypeInfo;

use crate::{Balance, BranchId, VaultId};
use alloc::vec::Vec;

/// Where a position stands in the index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
	/// What decides who is unsafe first.
	pub trigger: u128,
	/// Its normalised debt.
	pub debt: u128,
}

/// The normalised debt of a range of triggers.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct DebtBetween {
	/// Sum of normalised debt. Where it is not exact, an upper bound.
	pub debt: u128,
	/// Whether it is exact.
	pub exact: bool,
}

/// The trigger index: positions of one group, ordered by the number that decides who is unsafe first.
///
/// For a vault the trigger is `k`, normalised debt per whole unit of collateral: it moves only when the vault
/// is acted on, never with price, interest or the liquidation ratio. A position without debt has no entry.
pub trait TriggerIndex {
	/// Move `position` of `group` from its `old` entry to its `new` one. `None` is "not in the index".
	fn moved(group: BranchId, position: VaultId, old: Option<Entry>, new: Option<Entry>);

	/// Sum of the normalised debt of `group`'s positions with `above < trigger ≤ up_to`, at a cost that does not grow
	/// with their number.
	fn debt_between(group: BranchId, above: u128, up_to: u128) -> DebtBetween;

	/// The most that can weigh; nothing for an index that is none.
	fn debt_between_weight() -> Weight {
		Weight::zero()
	}

	/// The `most` positions of `group` with the highest triggers, highest first.
	fn first(group: BranchId, most: u32) -> Vec<VaultId>;

	/// Is `position` in the index under exactly this entry? For `try_state`.
	fn contains(group: BranchId, position: VaultId, entry: Entry) -> bool;

	/// How many positions of `group` the index holds. Walks them all: for `try_state` only.
	fn count(group: BranchId) -> u64;
}

/// What a liquidation moved, in base units.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct LiquidationOutcome {
	/// Debt taken off the position.
	pub debt: Balance,
	/// Collateral seized.
	pub collateral: Balance,
	/// Debt repaid by the stability pool.
	pub absorbed: Balance,
	/// Debt handed to an auction.
	pub auctioned: Balance,
	/// Debt neither could carry: covered by the insurance fund or recorded as bad.
	pub shortfall: Balance,
}

/// The ledger that owns the positions the index points at.
pub trait PositionLedger {
	/// The groups that have positions. Bounded by the ledger.
	fn groups() -> Vec<BranchId>;

	/// A position of `group` is unsafe iff its trigger is strictly above this. `Err` where the price is refused
	/// for [`PriceFor::Liquidate`](crate::PriceFor::Liquidate).
	fn threshold(group: BranchId) -> Result<u128, DispatchError>;

	/// How far below its liquidation ratio `position` is, as debt to repay, in base units of kUSD; the error says
	/// why it can't be liquidated (unknown, safe, price refused, changed after the price). The same check the
	/// liquidation makes.
	fn deficit(group: BranchId, position: VaultId) -> Result<Balance, DispatchError>;

	/// Liquidate `position`. All or nothing.
	fn liquidate(group: BranchId, position: VaultId) -> Result<LiquidationOutcome, DispatchError>;

	/// An unsafe position `(group, position)` at the current price, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn create_unsafe_position(seed: u32) -> (BranchId, VaultId);

	/// A group of `total` positions, `unsafe_ones` of them unsafe at the current price, for benchmarks of discovery.
	#[cfg(feature = "runtime-benchmarks")]
	fn create_positions(total: u32, unsafe_ones: u32) -> BranchId;
}

/// An index that holds nothing; for mocks.
impl TriggerIndex for () {
	fn moved(_: BranchId, _: VaultId, _: Option<Entry>, _: Option<Entry>) {}
	fn debt_between(_: BranchId, _: u128, _: u128) -> DebtBetween {
		DebtBetween { debt: 0, exact: true }
	}
	fn first(_: BranchId, _: u32) -> Vec<VaultId> {
		Vec::new()
	}
	fn contains(_: BranchId, _: VaultId, _: Entry) -> bool {
		true
	}
	fn count(_: BranchId) -> u64 {
		0
	}
}
