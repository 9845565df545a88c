//! Subjects, keys, and what a change, a rule and an answer look like.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use keel_primitives::{
	AssetId, BranchId, BranchKey, BreakerSubject, ChainKey, CollateralKey, MarketId, MarketKey,
};
use scale_info::TypeInfo;
use sp_runtime::Permill;

mod answers;
mod policy;
mod set;

pub use answers::*;
pub use policy::*;
pub use set::*;

/// The most keys one call may name: enough for every key of a subject at once.
pub const MAX_CHANGES: u32 = 48;

/// A controller's step, as a share of the key's: it acts often and unwatched.
pub const CONTROLLER_STEP: Permill = Permill::from_percent(25);

/// Whose numbers they are.
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
pub enum Subject {
	/// The whole chain.
	Chain,
	/// One branch of the vault system.
	Branch(BranchId),
	/// One perpetual market.
	Market(MarketId),
	/// One asset that margin accounts may hold.
	Collateral(AssetId),
}

impl Subject {
	/// Every key of this kind of subject, in order.
	pub fn keys(self) -> Vec<Key> {
		match self {
			Subject::Chain => ChainKey::ALL.iter().copied().map(Key::Chain).collect(),
			Subject::Branch(_) => BranchKey::ALL.iter().copied().map(Key::Branch).collect(),
			Subject::Market(_) => MarketKey::ALL.iter().copied().map(Key::Market).collect(),
			Subject::Collateral(_) => CollateralKey::ALL.iter().copied().map(Key::Collateral).collect(),
		}
	}

	/// Is `key` one of this kind of subject's?
	pub const fn has(self, key: Key) -> bool {
		matches!(
			(self, key),
			(Subject::Chain, Key::Chain(_))
				| (Subject::Branch(_), Key::Branch(_))
				| (Subject::Market(_), Key::Market(_))
				| (Subject::Collateral(_), Key::Collateral(_))
		)
	}

	/// Its breaker: while that is above `Normal`, none of its numbers is loosened. A branch's and a market's are held by the
	/// chain's too; an asset has none of its own, accounts hold it whatever market they are in.
	///
	/// Not the breakers of the ways kUSD is minted, which guardians alone raise, nor that of lending: an
	/// account with collateral raises it by borrowing and is out again by repaying. In the block before an
	/// enactment, that would be a veto.
	pub const fn breaker(self) -> BreakerSubject {
		match self {
			Subject::Chain => BreakerSubject::Chain,
			Subject::Branch(branch) => BreakerSubject::Branch(branch),
			Subject::Market(market) => BreakerSubject::Market(market),
			Subject::Collateral(_) => BreakerSubject::Chain,
		}
	}
}

/// Which number of a subject.
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
pub enum Key {
	/// A number of the chain.
	Chain(ChainKey),
	/// A number of a branch.
	Branch(BranchKey),
	/// A number of a perpetual market.
	Market(MarketKey),
	/// A number of an asset as collateral of margin accounts.
	Collateral(CollateralKey),
}

/// A wanted value. Raw: a ratio or rate has 18 decimals (1.5 is 1500000000000000000), kUSD has 6, sizes
/// have 8, times and counts are plain; the views name each key's unit.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Change {
	/// Which number.
	pub key: Key,
	/// Its new raw value.
	pub value: u128,
}

/// Wanted bounds, raw as in [`Change`], both ends included.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct BoundsChange {
	/// Which number.
	pub key: Key,
	/// The lowest raw value to allow.
	pub min: u128,
	/// The highest raw value to allow.
	pub max: u128,
}

/// What [`set_values`](crate::Call::set_values) takes.
pub type Changes = BoundedVec<Change, ConstU32<MAX_CHANGES>>;

/// What [`set_bounds`](crate::Call::set_bounds) takes.
pub type BoundsChanges = BoundedVec<BoundsChange, ConstU32<MAX_CHANGES>>;

/// What benchmarks need and no trait here offers.
#[cfg(feature = "runtime-benchmarks")]
pub trait BenchmarkHelper {
	/// A branch of the ledger whose impact the gauge can tell now, and at its greatest cost, for the table's numbers.
	fn branch() -> BranchId;
}

/// For a gauge that answers about any branch.
#[cfg(feature = "runtime-benchmarks")]
impl BenchmarkHelper for () {
	fn branch() -> BranchId {
		4_242
	}
}
