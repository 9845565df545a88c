//! What the pool stores and shows.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	pallet_prelude::Get, traits::ConstU32, BoundedVec, CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound,
	PartialEqNoBound,
};
use keel_primitives::{AssetId, Balance, Moment, Progress};
use scale_info::TypeInfo;
use sp_core::U256;
use sp_runtime::BoundedBTreeMap;

use crate::Config;

/// One kind of collateral the pool has bought.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Collateral {
	/// In base units: bought and not yet claimed. Exactly what the pool's account holds.
	pub held: Balance,
	/// The running sum of the current scale.
	pub sum: U256,
	/// The most of `held` that rounding has left to nobody, in base units.
	pub dust: Balance,
}

/// The most groups that wait at a time. Two do as long as `JoinDelay` and the clock are steady.
pub const MAX_GROUPS: u32 = 4;

/// kUSD that waits to join the pool: of a group, or of one depositor in it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Waiting {
	/// In base units.
	pub amount: Balance,
	/// It joins at the beginning of the first block after one of this time or later. Names the group.
	pub joins_at: Moment,
}

/// Running sums by kind of collateral.
pub type Sums<Max> = BoundedBTreeMap<AssetId, U256, Max>;

/// The pool as a whole: one value, so that buying collateral reads and writes one.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	DefaultNoBound,
	Encode,
	Decode,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(Max))]
#[codec(mel_bound(Max: Get<u32>))]
pub struct PoolState<Max: Get<u32>> {
	/// kUSD deposited and joined, less what was paid, in base units. With what waits, exactly what the pool's account
	/// holds.
	pub deposits: Balance,
	/// kUSD that waits to join, by group, the first to join first.
	pub waiting: BoundedVec<Waiting, ConstU32<MAX_GROUPS>>,
	/// The running product.
	pub product: Progress,
	/// The most of `deposits` that rounding has left to nobody, in `10⁻²⁷` base units.
	pub dust: u128,
	/// Every kind of collateral ever bought. A kind is never forgotten, so that a depositor never has gains
	/// of more kinds than fit.
	pub collaterals: BoundedBTreeMap<AssetId, Collateral, Max>,
}

impl<Max: Get<u32>> PoolState<Max> {
	/// The running sums of the current scale.
	pub fn sums(&self) -> Sums<Max> {
		self.collaterals.clone().map(|(_, collateral)| collateral.sum)
	}
}

/// A group that has joined: the pool as it was then, for its members to settle from.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	DefaultNoBound,
	Encode,
	Decode,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(Max))]
#[codec(mel_bound(Max: Get<u32>))]
pub struct Joined<Max: Get<u32>> {
	/// What members who have not acted since had put in, in base units.
	pub amount: Balance,
	/// The running product then.
	pub since: Progress,
	/// The running sums then.
	pub sums: Sums<Max>,
}

/// A depositor's stake.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	DefaultNoBound,
	Encode,
	Decode,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(Max))]
#[codec(mel_bound(Max: Get<u32>))]
pub struct Deposit<Max: Get<u32>> {
	/// kUSD in the pool, in base units, when the depositor last acted.
	pub amount: Balance,
	/// What waited to join then.
	pub waiting: Option<Waiting>,
	/// The running product then.
	pub since: Progress,
	/// The running sums then.
	pub sums: Sums<Max>,
	/// Collateral gained until then and not yet claimed, in base units.
	pub gains: BoundedBTreeMap<AssetId, Balance, Max>,
}

impl<Max: Get<u32>> Deposit<Max> {
	/// What waits, in base units.
	pub fn waits(&self) -> Balance {
		self.waiting.map_or(0, |waiting| waiting.amount)
	}

	/// All the depositor's kUSD, in base units. Saturates: the supply of kUSD has the same type.
	pub fn total(&self) -> Balance {
		self.amount.saturating_add(self.waits())
	}
}

/// The pool's state in the pallet's storage.
pub type PoolStateOf<T> = PoolState<<T as Config>::MaxCollaterals>;
/// A stake in the pallet's storage.
pub type DepositOf<T> = Deposit<<T as Config>::MaxCollaterals>;
/// A group that has joined in the pallet's storage.
pub type JoinedOf<T> = Joined<<T as Config>::MaxCollaterals>;
/// Running sums in the pallet's storage.
pub type SumsOf<T> = Sums<<T as Config>::MaxCollaterals>;

/// The pool's totals, in base units.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct PoolTotals {
	/// kUSD that has joined: what the pool can pay.
	pub deposits: Balance,
	/// kUSD that waits to join.
	pub waiting: Balance,
	/// Collateral bought and not yet claimed.
	pub collaterals: Vec<(AssetId, Balance)>,
	/// Times the pool was emptied.
	pub epoch: u64,
	/// Times its running product was scaled up since.
	pub scale: u64,
}

/// What a depositor owns now, in base units.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Stake {
	/// kUSD that can be withdrawn.
	pub deposit: Balance,
	/// How much of it waits, and shares in no liquidation yet.
	pub waiting: Balance,
	/// When that joins, in milliseconds since the Unix epoch; `None` if nothing waits.
	pub joins_at: Option<Moment>,
	/// Collateral that can be claimed.
	pub gains: Vec<(AssetId, Balance)>,
}
