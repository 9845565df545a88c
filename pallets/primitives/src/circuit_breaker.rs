//! The breaker: who asks before risk is added, and who says what the fuses measure.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::dispatch::DispatchResult;
use scale_info::TypeInfo;

use crate::{BranchId, MarketId};

/// How far a breaker is raised. Ordered: each level forbids what the one below forbids, and more.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Default,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Level {
	/// Everything is open.
	#[default]
	Normal,
	/// New risk needs a wider margin and meets lower caps.
	Guarded,
	/// No new risk. Repaying, closing, topping up, depositing, withdrawing what is free and liquidations stay open.
	ReduceOnly,
	/// Repaying, closing, topping up and liquidations only. From a margin account in a halted market what
	/// stands beside it may still be withdrawn: its position counts as losing all of its value
	/// ([`Exposure::counted_for_leaving`](crate::Exposure::counted_for_leaving)).
	Halted,
}

impl Level {
	/// The level below; `Normal` below itself.
	pub const fn lower(self) -> Level {
		match self {
			Level::Normal | Level::Guarded => Level::Normal,
			Level::ReduceOnly => Level::Guarded,
			Level::Halted => Level::ReduceOnly,
		}
	}
}

/// A way new kUSD comes into existence.
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
pub enum MintPath {
	/// Owners mint against the collateral of a branch.
	Vaults(BranchId),
	/// Accrued stability fees are minted to the insurance fund.
	StabilityFees,
}

/// What has a breaker.
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
pub enum BreakerSubject {
	/// The whole chain.
	Chain,
	/// A branch of the vault system.
	Branch(BranchId),
	/// A perpetual market.
	Market(MarketId),
	/// A way kUSD is minted.
	Mint(MintPath),
	/// What margin accounts borrow from the lending reserve.
	Lending,
}

impl BreakerSubject {
	/// The subject that binds this one too, if there is one: a branch its mint path, the chain every branch, market and the lending.
	/// Fees are owed whatever the chain's level: their path stands alone.
	pub const fn parent(self) -> Option<BreakerSubject> {
		match self {
			Self::Chain | Self::Mint(MintPath::StabilityFees) => None,
			Self::Branch(_) | Self::Market(_) | Self::Lending => Some(Self::Chain),
			Self::Mint(MintPath::Vaults(branch)) => Some(Self::Branch(branch)),
		}
	}
}

/// What somebody is about to do. Repaying, topping up, closing, claiming, liquidating and feeding prices are not here:
/// nobody has to ask for them.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Action {
	/// Mint, open, withdraw so that risk rises.
	AddRisk,
	/// Spend or sell what the protocol holds, which can wait.
	Discretionary,
	/// Bring new money in.
	Deposit,
	/// Take out what is free and go on owing. Asked of the chain and of a branch; a market holds back by how
	/// it is counted.
	Withdraw,
}

impl Action {
	/// The highest level at which this is open.
	pub const fn tolerates(self) -> Level {
		match self {
			Self::AddRisk | Self::Discretionary => Level::Guarded,
			Self::Deposit | Self::Withdraw => Level::ReduceOnly,
		}
	}
}

/// Source of the levels. Two storage reads for any number of questions: what is raised, and whether the chain
/// recovers from a stop.
pub trait CircuitBreaker {
	/// The level `subject` is held to: the highest of its own and its parents'.
	fn level(subject: BreakerSubject) -> Level;

	/// May `action` happen on `subject` now? The error names the level.
	fn ensure(subject: BreakerSubject, action: Action) -> DispatchResult;

	/// The same, with whatever level `fuse` alone holds left out of account: for an action that is the remedy
	/// of what `fuse` measures. Other fuses, guardians and referenda hold it as ever.
	fn ensure_despite(subject: BreakerSubject, action: Action, _fuse: Fuse) -> DispatchResult {
		Self::ensure(subject, action)
	}

	/// Raise `subject`, past every rule, for benchmarks and the tests of other pallets.
	#[cfg(feature = "runtime-benchmarks")]
	fn raise(subject: BreakerSubject, level: Level);
}

/// Always `Normal`; for mocks.
impl CircuitBreaker for () {
	fn level(_: BreakerSubject) -> Level {
		Level::Normal
	}
	fn ensure(_: BreakerSubject, _: Action) -> DispatchResult {
		Ok(())
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn raise(_: BreakerSubject, _: Level) {}
}

/// What can raise a breaker.
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
pub enum Fuse {
	/// Distance of spot from its five-minute average, over the average. A ratio.
	PriceDeviation,
	/// How long the price has been unfit for adding risk, stops of the chain left out. Milliseconds.
	PriceRefused,
	/// Debt liquidated in an hour, over all debt; in a market notional liquidated over open interest. A ratio.
	Liquidated,
	/// Shortfalls of an hour, over what the insurance fund had, or a hundredth of all kUSD if that is more. A ratio.
	Drawdown,
	/// Collateral that debt stood on, that left in an hour and stayed away for minutes, over all such
	/// collateral. A ratio.
	Leaving,
	/// kUSD in existence that no ledger accounts for. Base units of kUSD.
	UnexplainedSupply,
	/// What margin accounts borrow, over the lending reserve. A ratio.
	Utilisation,
}

impl Fuse {
	/// Whether this fuse alone leaves open what remedies it ([`CircuitBreaker::ensure_despite`]): a drawdown
	/// the sale of the insurance fund's collateral.
	pub const fn leaves_remedy_open(self) -> bool {
		matches!(self, Self::Drawdown)
	}
}

/// The readings at which a fuse raises its subject: at or above. Raw, in the fuse's unit.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Triggers {
	/// To `Guarded`.
	pub guarded: u128,
	/// To `ReduceOnly`.
	pub reduce_only: u128,
	/// To `Halted`; `None` if it never does.
	pub halted: Option<u128>,
}

impl Triggers {
	/// The trigger of `level`; `None` for `Normal`, and where the fuse does not reach so far.
	pub const fn of(&self, level: Level) -> Option<u128> {
		match level {
			Level::Normal => None,
			Level::Guarded => Some(self.guarded),
			Level::ReduceOnly => Some(self.reduce_only),
			Level::Halted => self.halted,
		}
	}
}

/// What one fuse of a subject measures now.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Gauge {
	/// Which fuse.
	pub fuse: Fuse,
	/// What it reads now, in the fuse's unit.
	pub reading: u128,
	/// Where it raises the level.
	pub triggers: Triggers,
}

/// Whoever measures: each ledger its own subjects, from what it stores anyway.
pub trait Gauges {
	/// The subjects measured here. Bounded by the ledger.
	fn subjects() -> Vec<BreakerSubject>;

	/// What the fuses of `subject` read now; empty for a subject that is not measured here.
	fn gauges(subject: BreakerSubject) -> Vec<Gauge>;
}

#[impl_trait_for_tuples::impl_for_tuples(6)]
impl Gauges for Tuple {
	fn subjects() -> Vec<BreakerSubject> {
		let mut all = Vec::new();
		for_tuples!( #( all.extend(Tuple::subjects()); )* );
		all
	}

	fn gauges(subject: BreakerSubject) -> Vec<Gauge> {
		let mut all = Vec::new();
		for_tuples!( #( all.extend(Tuple::gauges(subject)); )* );
		all
	}
}
