//! What calls announce and views answer.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_math::{mul_div, mul_ratio, FixedU128, Rounding, ONE};
use keel_primitives::{Balance, Impact, Moment};
use scale_info::TypeInfo;

use super::{Direction, Key, Policy, Range};

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
