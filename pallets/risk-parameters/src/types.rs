//! Subjects, keys, and what a change, a rule and an answer look like.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use keel_math::{mul_div, mul_ratio, FixedU128, Rounding, ONE};
use keel_primitives::{
	Balance, BranchId, BranchKey, BranchParameters, BreakerSubject, ChainKey, ChainParameters, Impact, Moment,
};
use scale_info::TypeInfo;
use sp_runtime::Permill;

use crate::{
	constraints::{self, Broken},
	limits,
};

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
}

impl Subject {
	/// Every key of this kind of subject, in order.
	pub fn keys(self) -> Vec<Key> {
		match self {
			Subject::Chain => ChainKey::ALL.iter().copied().map(Key::Chain).collect(),
			Subject::Branch(_) => BranchKey::ALL.iter().copied().map(Key::Branch).collect(),
		}
	}

	/// Is `key` one of this kind of subject's?
	pub const fn has(self, key: Key) -> bool {
		matches!(
			(self, key),
			(Subject::Chain, Key::Chain(_)) | (Subject::Branch(_), Key::Branch(_))
		)
	}

	/// Its breaker: while that is above `Normal`, none of its numbers is loosened. A branch's is held by the chain's too.
	///
	/// Not the breakers of the ways kUSD is minted. Anybody with collateral raises one of those by minting up to its window
	/// and has it back by repaying: in the block before an enactment, that would be a veto.
	pub const fn breaker(self) -> BreakerSubject {
		match self {
			Subject::Chain => BreakerSubject::Chain,
			Subject::Branch(branch) => BreakerSubject::Branch(branch),
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
}

/// A wanted value. Raw: a ratio or rate has 18 decimals (1.5 is 1500000000000000000), kUSD has 6, times and counts
/// are plain; the views name each key's unit.
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

/// From `min` to `max`, both included.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Range {
	/// The lowest.
	pub min: u128,
	/// The highest.
	pub max: u128,
}

impl Range {
	/// Is `value` in here?
	pub const fn contains(&self, value: u128) -> bool {
		self.min <= value && value <= self.max
	}

	/// Is all of this inside `outer`? Not for one whose ends are the wrong way round.
	pub const fn is_inside(&self, outer: &Range) -> bool {
		outer.min <= self.min && self.min <= self.max && self.max <= outer.max
	}

	/// What both allow.
	pub fn intersection(&self, other: &Range) -> Range {
		Range {
			min: self.min.max(other.min),
			max: self.max.min(other.max),
		}
	}
}

/// How a raw number reads.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Unit {
	/// 18 decimals; 1 is 100 %.
	Ratio,
	/// 18 decimals per year; 1 is 100 % a year.
	AnnualRate,
	/// Base units of kUSD: 6 decimals.
	Amount,
	/// Milliseconds.
	Milliseconds,
	/// Seconds.
	Seconds,
	/// A plain number.
	Count,
}

/// Which way a number makes the system safer.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Safer {
	/// Up.
	Higher,
	/// Down.
	Lower,
}

/// Which way a change went.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Direction {
	/// The safer way.
	Tightened,
	/// The other way.
	Loosened,
}

/// On whose word values move.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Authority {
	/// Whoever may move values both ways.
	Adjuster,
	/// Whoever may only tighten, and only what its policy leaves to guardians.
	Guardian,
	/// A machine: both ways, by [`CONTROLLER_STEP`], and only what its policy leaves to controllers.
	Controller,
}

/// The largest move at once: a share of the present value, or `least` where that is more, so that a small value or
/// zero is no trap.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Step {
	/// Share of the present value.
	pub relative: Permill,
	/// Raw; never zero.
	pub least: u128,
}

impl Step {
	/// How far `value` may move at once, raw, rounded down: the smaller step.
	pub fn of(&self, value: u128) -> u128 {
		// A share of at most one can't overflow; no share at all would be the strict answer.
		mul_div(
			value,
			self.relative.deconstruct() as u128,
			1_000_000,
			Rounding::Down,
		)
		.unwrap_or(0)
		.max(self.least)
	}

	/// `share` of this step, both parts rounded down; still a move.
	pub fn part(self, share: Permill) -> Step {
		Step {
			relative: self.relative * share,
			least: share.mul_floor(self.least).max(1),
		}
	}
}

/// The rule of one key, fixed at compile time.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Policy {
	/// How its raw number reads.
	pub unit: Unit,
	/// Which way is safer.
	pub safer: Safer,
	/// May guardians move it, the safer way? Not where that alone could stop the chain or costs somebody who is in
	/// already, now or in the next storm.
	pub guardian: bool,
	/// May controllers move it, either way, in smaller steps?
	pub controller: bool,
	/// Can a move make somebody unsafe who is in already? Then it is judged by its impact first.
	pub moves_existing: bool,
	/// The value of a fresh subject.
	pub default: u128,
	/// The bounds of a fresh subject.
	pub bounds: Range,
	/// What no vote can pass.
	pub limits: Range,
	/// The largest tightening at once.
	pub tighten: Step,
	/// The largest loosening at once.
	pub loosen: Step,
	/// Between two loosenings, in milliseconds.
	pub cooldown: Moment,
}

impl Policy {
	/// Which way a change goes; `None` if it is none.
	pub const fn direction(&self, old: u128, new: u128) -> Option<Direction> {
		if old == new {
			return None;
		}
		let safer_is_up = matches!(self.safer, Safer::Higher);
		Some(if (new > old) == safer_is_up {
			Direction::Tightened
		} else {
			Direction::Loosened
		})
	}

	/// The step of that direction.
	pub const fn step(&self, direction: Direction) -> Step {
		match direction {
			Direction::Tightened => self.tighten,
			Direction::Loosened => self.loosen,
		}
	}

	/// The step of that direction for `authority`.
	pub fn step_for(&self, authority: Authority, direction: Direction) -> Step {
		let step = self.step(direction);
		match authority {
			Authority::Adjuster | Authority::Guardian => step,
			Authority::Controller => step.part(CONTROLLER_STEP),
		}
	}

	/// From `value` to the farthest one move in `direction` may take it inside `bounds`.
	pub fn reach(&self, value: u128, direction: Direction, bounds: Range) -> Range {
		let step = self.step(direction).of(value);
		let up = matches!(
			(self.safer, direction),
			(Safer::Higher, Direction::Tightened) | (Safer::Lower, Direction::Loosened)
		);
		// Saturation is cut off by the bound at once.
		if up {
			Range {
				min: value,
				max: value.saturating_add(step).min(bounds.max).max(value),
			}
		} else {
			Range {
				min: value.saturating_sub(step).max(bounds.min).min(value),
				max: value,
			}
		}
	}

	/// Does the rule make sense: default inside bounds inside limits, steps that move, loosening no faster than
	/// tightening and always waiting?
	pub const fn is_sane(&self) -> bool {
		self.bounds.contains(self.default)
			&& self.bounds.is_inside(&self.limits)
			&& self.loosen.least > 0
			&& self.loosen.least <= self.tighten.least
			&& self.loosen.relative.deconstruct() <= self.tighten.relative.deconstruct()
			&& self.cooldown > 0
	}
}

/// All numbers of one subject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ParameterSet {
	/// Of the chain.
	Chain(ChainParameters),
	/// Of a branch.
	Branch(BranchId, BranchParameters),
}

impl ParameterSet {
	/// Every key with its raw number, in order.
	pub fn values(&self) -> Vec<(Key, u128)> {
		match self {
			Self::Chain(set) => ChainKey::ALL
				.iter()
				.map(|key| (Key::Chain(*key), set.get(*key)))
				.collect(),
			Self::Branch(_, set) => BranchKey::ALL
				.iter()
				.map(|key| (Key::Branch(*key), set.get(*key)))
				.collect(),
		}
	}

	/// The raw number under `key`; `None` for a key of another kind of subject.
	pub fn get(&self, key: Key) -> Option<u128> {
		match (self, key) {
			(Self::Chain(set), Key::Chain(key)) => Some(set.get(key)),
			(Self::Branch(_, set), Key::Branch(key)) => Some(set.get(key)),
			_ => None,
		}
	}

	/// Write the raw number under `key`; `None`, and nothing written, if it does not fit its type or the key is of
	/// another kind of subject.
	pub fn set(&mut self, key: Key, raw: u128) -> Option<()> {
		match (self, key) {
			(Self::Chain(set), Key::Chain(key)) => set.set(key, raw),
			(Self::Branch(_, set), Key::Branch(key)) => set.set(key, raw),
			_ => None,
		}
	}

	/// Do the numbers go together?
	pub fn check(&self) -> Result<(), Broken> {
		match self {
			Self::Chain(set) => constraints::chain(set),
			Self::Branch(_, set) => constraints::branch(set),
		}
	}

	/// Would the numbers go together with `raw` under `key`?
	pub fn fits_with(&self, key: Key, raw: u128) -> bool {
		self.with(key, raw).is_some_and(|changed| changed.check().is_ok())
	}

	/// The numbers with `raw` under `key`; `None` if it does not fit its type or the key is of another kind of subject.
	fn with(&self, key: Key, raw: u128) -> Option<ParameterSet> {
		let mut changed = self.clone();
		changed.set(key, raw).map(|()| changed)
	}

	/// The value nearest to `wanted`, from the present one on, with which the numbers go together; the others stay.
	/// `None` for a key of another kind of subject.
	pub fn nearest_fit(&self, key: Key, wanted: u128) -> Option<u128> {
		self.nearest_where(key, wanted, |changed| changed.check().is_ok())
	}

	/// The value nearest to `wanted`, from the present one on, with which the numbers are `accepted`; the others stay.
	/// `None` for a key of another kind of subject.
	///
	/// Halves the way at most 128 times, so it relies on `accepted` to hold on one unbroken range around the present
	/// value: every constraint does, and so does the impact, which only grows with the distance.
	pub fn nearest_where(
		&self,
		key: Key,
		wanted: u128,
		accepted: impl Fn(&ParameterSet) -> bool,
	) -> Option<u128> {
		let mut fits = self.get(key)?;
		let accepts = |raw| self.with(key, raw).is_some_and(|changed| accepted(&changed));
		if accepts(wanted) {
			return Some(wanted);
		}
		let mut fails = wanted;
		while fits.abs_diff(fails) > 1 {
			let low = fits.min(fails);
			// The middle of two numbers is at most the larger.
			let middle = low.saturating_add(fits.abs_diff(fails) / 2);
			if accepts(middle) {
				fits = middle;
			} else {
				fails = middle;
			}
		}
		Some(fits)
	}
}

/// A change that was made, or would be.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Move {
	/// Which number.
	pub key: Key,
	/// Raw, before.
	pub old: u128,
	/// Raw, after.
	pub new: u128,
	/// Which way.
	pub direction: Direction,
}

/// Everything about one number.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct ParameterInfo {
	/// Which number.
	pub key: Key,
	/// Raw, now.
	pub value: u128,
	/// What governance allows at present.
	pub bounds: Range,
	/// Its rule: unit, safer direction, who may move it, whether a move is judged by its impact, default, limits, steps,
	/// cooldown in milliseconds.
	pub policy: Policy,
	/// Where one move the safer way may take it now, on its own.
	pub tighten: Range,
	/// Where one move the other way may take it once `loosen_from` has come and the breaker is at `Normal`, on its own.
	pub loosen: Range,
	/// When it was last loosened, in milliseconds since 1970.
	pub last_loosened: Option<Moment>,
	/// From when it may be loosened, in milliseconds since 1970; past or zero is "now".
	pub loosen_from: Moment,
	/// Is loosening refused now, whatever `loosen_from` says, because the subject's breaker or the chain's is above
	/// `Normal`?
	pub breaker_raised: bool,
}

/// The value nearest to a wanted one that would be accepted, with all others as they are.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Nearest {
	/// Accepted now; the present value if none is.
	pub now: u128,
	/// Accepted from `from` on, once the subject's breaker is at `Normal`; differs from `now` only while a cooldown runs
	/// or the breaker is raised.
	pub then: u128,
	/// When the cooldown is over, in milliseconds since 1970; past or zero is "now".
	pub from: Moment,
	/// Which way it would go; `None` if the wanted value is the present one.
	pub direction: Option<Direction>,
}

/// How far a number could go with all others as they are, steps and cooldown aside: to its bounds, or to where it no
/// longer goes with the others.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Headroom {
	/// Which number.
	pub key: Key,
	/// Raw, now.
	pub value: u128,
	/// Raw distance the safer way.
	pub tighten: u128,
	/// Raw distance the other way.
	pub loosen: u128,
}

/// What a change would do to those who are in already, and whether it may.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct ImpactReport {
	/// Debt of positions that are safe now and would not be, in base units of kUSD; zero if the change can make nobody
	/// unsafe.
	pub newly_unsafe: Balance,
	/// Debt of all positions of the branch, in base units of kUSD; zero if nobody had to be asked about.
	pub total: Balance,
	/// `newly_unsafe` over `total`, rounded up. 18 decimals.
	pub share: FixedU128,
	/// The most that share may be: `ImpactLimit` of the chain. 18 decimals.
	pub limit: FixedU128,
	/// Whether `newly_unsafe` is exact, and not an upper bound.
	pub exact: bool,
	/// Is `newly_unsafe` at most `limit × total`, rounded down?
	pub allowed: bool,
}

impl ImpactReport {
	/// `impact` against `limit`; no impact is nobody.
	pub fn new(impact: Option<Impact>, limit: FixedU128) -> Self {
		let Impact {
			newly_unsafe,
			total,
			exact,
		} = impact.unwrap_or(Impact {
			exact: true,
			..Default::default()
		});
		// A share of nothing, or one that does not fit, is more than any limit.
		let share = match newly_unsafe {
			0 => 0,
			some => mul_div(some, ONE, total, Rounding::Up).unwrap_or(u128::MAX),
		};
		Self {
			newly_unsafe,
			total,
			share: FixedU128::from_inner(share),
			limit,
			exact,
			// A limit is at most one, so the product fits; nobody at all would be the strict answer.
			allowed: newly_unsafe <= mul_ratio(total, limit, Rounding::Down).unwrap_or(0),
		}
	}
}

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

/// The rule of `key`.
pub const fn policy(key: Key) -> Policy {
	match key {
		Key::Chain(key) => limits::chain(key),
		Key::Branch(key) => limits::branch(key),
	}
}
