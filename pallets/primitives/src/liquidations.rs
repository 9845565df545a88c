//! Liquidation discovery and execution: who keeps the triggers, who owns the positions.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{dispatch::DispatchResult, pallet_prelude::DispatchError, weights::Weight};
use scale_info::TypeInfo;

use crate::{AssetId, Balance, BranchId, MarketId, PositionId};
use alloc::vec::Vec;

/// Positions whose triggers compare with one number.
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
pub enum Group {
	/// The vaults of a branch. The trigger is `k`, normalised debt per whole unit of collateral.
	Branch(BranchId),
	/// Margin accounts that lose when a market's mark falls. The trigger is that price.
	Long(MarketId),
	/// Margin accounts that lose when a market's mark rises. The trigger is that price, subtracted from
	/// `u128::MAX`.
	Short(MarketId),
	/// Margin accounts that lose when the price of an asset they hold falls. The trigger is that price.
	Collateral(AssetId),
	/// Margin accounts to be looked at again by a time. The trigger is that moment, subtracted from
	/// `u128::MAX`.
	Deadline,
	/// Margin accounts that did something, to be looked at before the block ends. The trigger is when that
	/// was, subtracted from `u128::MAX`.
	Due,
	/// Margin accounts with kUSD and one position, a long. The trigger is the account's
	/// [bankruptcy level](keel_math::margin::bankruptcy_level), the threshold the market's
	/// [maintenance level](keel_math::margin::maintenance_level), both as [`level_key`].
	SoleLong(MarketId),
	/// Margin accounts with kUSD and one position, a short. As for a long, subtracted from `u128::MAX`.
	SoleShort(MarketId),
}

/// A level, which may be below zero, as a trigger: order is kept, and zero is in the middle.
pub const fn level_key(level: i128) -> u128 {
	level.cast_unsigned() ^ (1 << 127)
}

/// The level of a [`level_key`].
pub const fn level_of(key: u128) -> i128 {
	(key ^ (1 << 127)).cast_signed()
}

impl Group {
	/// Returns `true` if a crossed trigger is only a reason to look, so that a position behind it may be safe
	/// and get another. Triggers of vaults and of accounts with one position and kUSD are exact.
	pub const fn is_estimate(self) -> bool {
		!matches!(self, Self::Branch(_) | Self::SoleLong(_) | Self::SoleShort(_))
	}

	/// Returns `true` if the positions are margin accounts.
	pub const fn is_of_accounts(self) -> bool {
		!matches!(self, Self::Branch(_))
	}
}

/// Where a position stands in the index.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Entry {
	/// What decides who is unsafe first.
	pub trigger: u128,
	/// Its normalised debt; zero in a group that is no branch.
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
/// is acted on, never with price, interest or the liquidation ratio. A position without debt has no entry. A
/// margin account has an entry in each group that can make it unsafe.
pub trait TriggerIndex {
	/// Move `position` of `group` from its `old` entry to its `new` one. `None` is "not in the index".
	fn moved(group: Group, position: PositionId, old: Option<Entry>, new: Option<Entry>);

	/// Sum of the normalised debt of a branch's positions with `above < trigger ≤ up_to`, at a cost that does
	/// not grow with their number.
	fn debt_between(group: Group, above: u128, up_to: u128) -> DebtBetween;

	/// The most that can weigh; nothing for an index that is none.
	fn debt_between_weight() -> Weight {
		Weight::zero()
	}

	/// The `most` positions of `group` with the highest triggers, highest first.
	fn first(group: Group, most: u32) -> Vec<PositionId>;

	/// Is `position` in the index under exactly this entry? For `try_state`.
	fn contains(group: Group, position: PositionId, entry: Entry) -> bool;

	/// How many positions of `group` the index holds. Walks them all: for `try_state` only.
	fn count(group: Group) -> u64;
}

/// What a liquidation moved, in base units.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct LiquidationOutcome {
	/// Debt taken off the position. Of a margin account: its negative balance repaid.
	pub debt: Balance,
	/// Collateral seized; of a margin account its value in kUSD, for it may be of several assets.
	pub collateral: Balance,
	/// Notional of the perpetual positions closed, in base units of kUSD; zero for a vault.
	pub closed: Balance,
	/// Debt repaid by the stability pool.
	pub absorbed: Balance,
	/// Debt handed to an auction.
	pub auctioned: Balance,
	/// Debt nobody of these could carry: covered by the insurance fund, and what comes behind it, or recorded
	/// as bad.
	pub shortfall: Balance,
}

/// The ledger that owns the positions the index points at.
pub trait PositionLedger {
	/// The groups that have positions. Bounded by the ledger.
	fn groups() -> Vec<Group>;

	/// A position of `group` is unsafe iff its trigger is strictly above this. `Err` where the price is
	/// refused for [`PriceFor::Liquidate`](crate::PriceFor::Liquidate).
	fn threshold(group: Group) -> Result<u128, DispatchError>;

	/// The thresholds of all groups.
	fn thresholds() -> Vec<(Group, Result<u128, DispatchError>)> {
		let of = |group| (group, Self::threshold(group));
		Self::groups().into_iter().map(of).collect()
	}

	/// How far below its requirement `position` is, as debt to repay or equity that is missing, in base units
	/// of kUSD; the error says why it can't be liquidated (unknown, safe, price refused, changed after the
	/// price). The same check the liquidation makes.
	fn deficit(group: Group, position: PositionId) -> Result<Balance, DispatchError>;

	/// Returns `true` if `position` is below its requirement, whether anything can be done about it now or
	/// not.
	fn is_unsafe(group: Group, position: PositionId) -> bool;

	/// Liquidate `position`. All or nothing.
	fn liquidate(group: Group, position: PositionId) -> Result<LiquidationOutcome, DispatchError>;

	/// The most that liquidating `position` weighs, by what it has now; `None` where one is as dear as
	/// another.
	fn liquidation_weight(_group: Group, _position: PositionId) -> Option<Weight> {
		None
	}

	/// Look again at `position` of a group whose triggers are [estimates](Group::is_estimate): if it is safe,
	/// give it new ones, behind the present price. The error says why not (unknown, unsafe). All or nothing.
	fn refresh(group: Group, position: PositionId) -> DispatchResult;

	/// The most a refresh weighs; nothing for a ledger whose triggers are exact.
	fn refresh_weight() -> Weight {
		Weight::zero()
	}

	/// An unsafe position `(group, position)` at the current price, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn create_unsafe_position(seed: u32) -> (Group, PositionId);

	/// An unsafe position of a group whose triggers are [estimates](Group::is_estimate), with all that one of
	/// them can have, so that no liquidation does more, for benchmarks. `None` from a ledger without such
	/// groups.
	#[cfg(feature = "runtime-benchmarks")]
	fn create_unsafe_account() -> Option<(Group, PositionId)> {
		None
	}

	/// A group of `total` positions, `unsafe_ones` of them unsafe at the current price, for benchmarks of
	/// discovery.
	#[cfg(feature = "runtime-benchmarks")]
	fn create_positions(total: u32, unsafe_ones: u32) -> Group;
}

/// An index that holds nothing; for mocks.
impl TriggerIndex for () {
	fn moved(_: Group, _: PositionId, _: Option<Entry>, _: Option<Entry>) {}
	fn debt_between(_: Group, _: u128, _: u128) -> DebtBetween {
		DebtBetween { debt: 0, exact: true }
	}
	fn first(_: Group, _: u32) -> Vec<PositionId> {
		Vec::new()
	}
	fn contains(_: Group, _: PositionId, _: Entry) -> bool {
		true
	}
	fn count(_: Group) -> u64 {
		0
	}
}
