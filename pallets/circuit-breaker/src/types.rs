//! What is stored about a raised subject, what the views answer, and the rule by which levels move.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::BoundedBTreeMap;
use keel_math::{mul_div, mul_ratio, FixedU128, Rounding, ONE};
use keel_primitives::{BreakerSubject, ChainParameters, Fuse, Gauge, Level, Moment, Triggers};
use scale_info::TypeInfo;

use crate::Config;

/// What guardians wait at least between two trips of a subject, in milliseconds: six hours.
pub const TRIP_PAUSE_MS: Moment = 21_600_000;

/// The steps from the highest level to `Normal`.
pub(crate) const STEPS: u64 = 3;

/// The subjects above `Normal`.
pub type RaisedSubjects<T> = BoundedBTreeMap<BreakerSubject, State, <T as Config>::MaxSubjects>;

/// Why a subject is raised.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Cause {
	/// This fuse reached a trigger.
	Fuse(Fuse),
	/// Guardians tripped it.
	Guardian,
	/// A referendum set it.
	Referendum,
	/// The chain made no block for longer than `OracleMaxAge`. Never stored: it holds the chain to
	/// `ReduceOnly` until enough blocks have a new price.
	Stop,
}

/// A raised subject.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct State {
	/// Its own level; above `Normal`.
	pub level: Level,
	/// When it reached this level, from above or below, in milliseconds since 1970; later by the length of
	/// stops of the chain since.
	pub since: Moment,
	/// What raised it last.
	pub cause: Cause,
	/// Since when no fuse has held this level; `None` while one does, or until the next evaluation.
	pub calm_since: Option<Moment>,
	/// Where a fuse raised it: the highest level guardians or a referendum had set before and that has not
	/// been lowered since.
	pub by_hand: Level,
	/// Where a fuse raised it: the level it was held to at the last evaluation without that fuse, by others
	/// and by hand.
	pub others: Level,
}

impl State {
	/// The state with `to` set by hand beside a fuse that raised it and [leaves its remedy
	/// open](Fuse::leaves_remedy_open); `None` for any other cause, if that is above the present level, or if
	/// as much is set already. It moves neither the level nor its time.
	pub(crate) fn beside(&self, to: Level) -> Option<Self> {
		let open = matches!(self.cause, Cause::Fuse(fuse) if fuse.leaves_remedy_open());
		let fits = open && self.by_hand < to && to <= self.level;
		fits.then(|| Self {
			by_hand: to,
			others: self.others.max(to),
			..*self
		})
	}
}

/// What guardians did to a subject last.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Trip {
	/// When, in milliseconds since 1970.
	pub at: Moment,
	/// To which level.
	pub level: Level,
}

/// One fuse, as it reads now.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct FuseStatus {
	/// Which.
	pub fuse: Fuse,
	/// What it reads, in the fuse's unit.
	pub reading: u128,
	/// Where it raises the subject.
	pub triggers: Triggers,
	/// The reading over the trigger of the level above the present one, or of the fuse's highest; 1 is 100 %. Rounded
	/// down: one or more exactly if the trigger is reached.
	pub fill: FixedU128,
}

/// Where a subject stands. Times are in milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Status {
	/// Its own level; of the chain at least `ReduceOnly` while it recovers from a stop.
	pub level: Level,
	/// The level it is held to: the highest of its own and its parents'.
	pub binding: Level,
	/// Whose level that is: the subject itself, unless a parent's is higher.
	pub bound_by: BreakerSubject,
	/// Why its own level is raised; nothing at `Normal`, like all that follow but the fuses.
	pub cause: Option<Cause>,
	/// Where a fuse raised it: the level guardians or a referendum hold it to as well. It closes what the
	/// fuse alone leaves open, and goes down with the level.
	pub by_hand: Level,
	/// When it reached its own level, later by the length of stops of the chain since; nothing while only a
	/// stop holds it, like all times that follow.
	pub since: Option<Moment>,
	/// Blocks with a new price that are missing until a stop of the chain holds it no more; zero for other
	/// subjects.
	pub blocks_needed: u32,
	/// Since when no fuse has held its own level; nothing while one does.
	pub calm_since: Option<Moment>,
	/// The earliest time its own level goes down by one, if every fuse stays calm from now on. It does at the beginning
	/// of the block after the first one of that time or later.
	pub lower_from: Option<Moment>,
	/// The earliest time its own level is `Normal` again, if every fuse stays calm from now on, give or take a block
	/// per level.
	pub normal_from: Option<Moment>,
	/// What its fuses read.
	pub fuses: Vec<FuseStatus>,
}

/// The governed numbers a breaker goes by.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
	/// The least time at a level, in milliseconds.
	pub dwell: Moment,
	/// How long every fuse has to be calm, in milliseconds.
	pub cooldown: Moment,
	/// The share of a trigger from which a fuse holds the level.
	pub release: FixedU128,
}

impl From<ChainParameters> for Rules {
	fn from(chain: ChainParameters) -> Self {
		Self {
			dwell: chain.breaker_dwell,
			cooldown: chain.breaker_cooldown,
			release: chain.breaker_release,
		}
	}
}

// Times saturate here and below: a time that far away is never.
impl Rules {
	/// The least time between two steps down.
	pub fn step(&self) -> Moment {
		self.dwell.max(self.cooldown)
	}

	/// What guardians wait between two trips: twice the longest recovery, so that it can't be waited out while raised.
	pub fn pause(&self) -> Moment {
		self.dwell
			.saturating_add(self.cooldown)
			.saturating_mul(STEPS.saturating_mul(2))
			.max(TRIP_PAUSE_MS)
	}

	/// From when on a level reached at `since` and calm since `calm_since` may go down.
	pub fn lower_from(&self, since: Moment, calm_since: Moment) -> Moment {
		since
			.saturating_add(self.dwell)
			.max(calm_since.saturating_add(self.cooldown))
	}

	/// Does any fuse hold `level`?
	pub fn hold(&self, level: Level, gauges: &[Gauge]) -> bool {
		gauges.iter().any(|gauge| self.holds(level, gauge))
	}

	/// Does this fuse hold `level`, by reading too near to the trigger? Always where it demands the level.
	///
	/// Never where it has no trigger for the level: what it could not have raised the subject to, it does not hold it at.
	fn holds(&self, level: Level, gauge: &Gauge) -> bool {
		let Some(trigger) = gauge.triggers.of(level) else {
			return false;
		};
		// A share that does not fit is above one: the trigger itself is the most that can hold.
		let share = mul_ratio(trigger, self.release, Rounding::Down).unwrap_or(trigger);
		gauge.reading >= share.min(trigger).max(1) || demanded_by(gauge) >= level
	}

	/// The level, at most `level`, that fuses beside `cause` hold, or a hand did; `Normal` where no fuse is
	/// the cause.
	fn others(&self, level: Level, cause: Cause, by_hand: Level, gauges: &[Gauge]) -> Level {
		let Cause::Fuse(own) = cause else {
			return Level::Normal;
		};
		let held = |level: &Level| {
			let mut others = gauges.iter().filter(|gauge| gauge.fuse != own);
			others.any(|gauge| self.holds(*level, gauge))
		};
		let by_fuses = [Level::Halted, Level::ReduceOnly, Level::Guarded]
			.into_iter()
			.find(held)
			.unwrap_or(Level::Normal);
		by_fuses.max(by_hand).min(level)
	}

	/// What becomes of a subject at the evaluation at `now`.
	pub fn evaluate(&self, before: Option<State>, gauges: &[Gauge], now: Moment) -> Outcome {
		let level = before.map_or(Level::Normal, |state| state.level);
		if let Some((to, gauge)) = demanded(gauges).filter(|(to, _)| *to > level) {
			let cause = Cause::Fuse(gauge.fuse);
			let by_hand = before.map_or(Level::Normal, |state| match state.cause {
				Cause::Fuse(_) | Cause::Stop => state.by_hand,
				Cause::Guardian | Cause::Referendum => state.level,
			});
			let state = State {
				level: to,
				since: now,
				cause,
				calm_since: None,
				by_hand,
				others: self.others(to, cause, by_hand, gauges),
			};
			return Outcome {
				state: Some(state),
				reading: Some(gauge.reading),
			};
		}
		let state = before
			.and_then(|state| self.recover(state, gauges, now))
			.map(|state| State {
				by_hand: state.by_hand.min(state.level),
				others: self.others(state.level, state.cause, state.by_hand.min(state.level), gauges),
				..state
			});
		Outcome { state, reading: None }
	}

	/// A raised subject no fuse raises further: as it was, or one level down; `None` at `Normal`.
	fn recover(&self, state: State, gauges: &[Gauge], now: Moment) -> Option<State> {
		let calm = |level| !self.hold(level, gauges);
		if !calm(state.level) {
			return Some(State {
				calm_since: None,
				..state
			});
		}
		let calm_since = state.calm_since.unwrap_or(now);
		if now < self.lower_from(state.since, calm_since) {
			return Some(State {
				calm_since: Some(calm_since),
				..state
			});
		}
		let level = state.level.lower();
		(level > Level::Normal).then(|| State {
			level,
			since: now,
			calm_since: calm(level).then_some(now),
			..state
		})
	}
}

/// What an evaluation makes of a subject.
#[derive(Clone, Copy)]
pub(crate) struct Outcome {
	/// `None` at `Normal`.
	pub state: Option<State>,
	/// What the fuse that raised it reads, if one did.
	pub reading: Option<u128>,
}

/// The highest level any fuse demands, and the first fuse that does; nothing if all are fine with `Normal`.
pub(crate) fn demanded(gauges: &[Gauge]) -> Option<(Level, &Gauge)> {
	let mut highest = None;
	for gauge in gauges {
		let level = demanded_by(gauge);
		if level > highest.map_or(Level::Normal, |(level, _)| level) {
			highest = Some((level, gauge));
		}
	}
	highest
}

/// The highest level whose trigger the fuse reaches.
fn demanded_by(gauge: &Gauge) -> Level {
	let reaches = |level: &Level| {
		gauge
			.triggers
			.of(*level)
			.is_some_and(|trigger| gauge.reading >= trigger)
	};
	[Level::Halted, Level::ReduceOnly, Level::Guarded]
		.into_iter()
		.find(reaches)
		.unwrap_or(Level::Normal)
}

/// The trigger of `level`, or where the fuse does not reach so far its highest below; `None` for `Normal`.
fn trigger_up_to(triggers: &Triggers, level: Level) -> Option<u128> {
	// Only `Halted` may be without.
	triggers.of(level).or_else(|| triggers.of(level.lower()))
}

/// The level above; `Halted` above itself.
const fn above(level: Level) -> Level {
	match level {
		Level::Normal => Level::Guarded,
		Level::Guarded => Level::ReduceOnly,
		Level::ReduceOnly | Level::Halted => Level::Halted,
	}
}

impl FuseStatus {
	/// The fuse of a subject at `level`.
	pub(crate) fn new(gauge: &Gauge, level: Level) -> Self {
		// `above` is never `Normal`, so there is a trigger. Zero is reached by everything, and a quotient that does not
		// fit is far above one.
		let fill = trigger_up_to(&gauge.triggers, above(level))
			.and_then(|trigger| mul_div(gauge.reading, ONE, trigger, Rounding::Down))
			.unwrap_or(u128::MAX);
		Self {
			fuse: gauge.fuse,
			reading: gauge.reading,
			triggers: gauge.triggers,
			fill: FixedU128::from_inner(fill),
		}
	}
}
