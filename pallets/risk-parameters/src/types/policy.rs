//! What a rule says, and what follows from it.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_math::{mul_div, Rounding};
use keel_primitives::Moment;
use scale_info::TypeInfo;
use sp_runtime::Permill;

use super::{Key, CONTROLLER_STEP};
use crate::limits;

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
	/// Base units of a position: 8 decimals.
	Size,
	/// 18 decimals per day; 1 is 100 % a day.
	DailyRate,
	/// How fast a daily rate moves: 18 decimals per day and day; 1 is 100 % a day more every day.
	DailyVelocity,
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

/// How a change of a number reaches what exists: open vaults and positions, collateral that is held, shares
/// of the pool.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Reach {
	/// Not at all: only what is opened, minted, deposited or started later meets it.
	New,
	/// Judged by its impact first, then on the ramp.
	Gate,
	/// On the ramp.
	Ramp,
	/// Only through the level of a breaker, which comes down by itself and never closes repaying, topping up
	/// and closing.
	Breaker,
	/// At once, and nobody who is in is liquidated sooner or for more, charged more or kept from leaving by
	/// it.
	Harmless,
	/// At once, and it may cost those who are in: by a step at a time, the way that is not the safer one
	/// after a cooldown.
	AtOnce,
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
	/// Can a move make somebody unsafe whose ledger can be asked? Then it is judged by its impact first. Vaults can; what
	/// reaches margin accounts, their pallets ramp.
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

/// How a change of `key` reaches what exists.
pub const fn reach(key: Key) -> Reach {
	match key {
		Key::Chain(key) => limits::reach::chain(key),
		Key::Branch(key) => limits::reach::branch(key),
		Key::Market(key) => limits::reach::market(key),
		Key::Collateral(key) => limits::reach::collateral(key),
	}
}

/// The rule of `key`.
pub const fn policy(key: Key) -> Policy {
	match key {
		Key::Chain(key) => limits::chain(key),
		Key::Branch(key) => limits::branch(key),
		Key::Market(key) => limits::market(key),
		Key::Collateral(key) => limits::collateral(key),
	}
}
