//! The evaluation, what the calls do, and the door.

use alloc::{
	collections::{BTreeMap, BTreeSet},
	format,
	vec::Vec,
};
use core::cmp::Reverse;

use frame_support::{
	ensure,
	traits::{Get, Time},
	weights::Weight,
};
use keel_primitives::{
	Action, BreakerSubject, CircuitBreaker, Fuse, Gauges, Level, Moment, OnGap, Recovery,
	RiskParameters as RiskParametersT,
};
use sp_runtime::{DispatchError, DispatchResult};

use crate::*;

const LOG: &str = "runtime::circuit-breaker";

type States = BTreeMap<BreakerSubject, State>;

impl<T: Config> Pallet<T> {
	/// Evaluate every measured and every raised subject at `now`; how many there were. Storage is written if a level or
	/// the beginning of a calm moved.
	pub(crate) fn evaluate(now: Moment) -> u32 {
		let before = Raised::<T>::get().into_inner();
		let rules = Self::rules();
		let mut subjects: BTreeSet<BreakerSubject> = T::Gauges::subjects().into_iter().collect();
		// Also what is no longer measured comes down.
		subjects.extend(before.keys());
		let (mut after, mut readings) = (States::new(), BTreeMap::new());
		for subject in &subjects {
			let gauges = T::Gauges::gauges(*subject);
			let outcome = rules.evaluate(before.get(subject).copied(), &gauges, now);
			after.extend(outcome.state.map(|state| (*subject, state)));
			readings.extend(outcome.reading.map(|reading| (*subject, reading)));
		}
		let left_out = Self::keep_the_highest(&mut after);
		if after != before {
			for subject in &subjects {
				Self::note_move(
					*subject,
					before.get(subject),
					after.get(subject),
					readings.get(subject).copied(),
				);
			}
			Self::write(after);
		}
		for (subject, level) in left_out {
			Self::deposit_event(Event::LeftOut { subject, level });
		}
		// Fewer than there is memory for.
		u32::try_from(subjects.len()).unwrap_or(u32::MAX)
	}

	/// Drop the lowest levels, of those the last subjects, until the rest has room; what was dropped. More than there is
	/// room for is a mistake of the runtime's.
	fn keep_the_highest(states: &mut States) -> Vec<(BreakerSubject, Level)> {
		let room = Self::room();
		if states.len() <= room {
			return Vec::new();
		}
		let mut ranked: Vec<(BreakerSubject, Level)> = states
			.iter()
			.map(|(subject, state)| (*subject, state.level))
			.collect();
		// Stable: among equals the order of the subjects stays, the chain first.
		ranked.sort_by_key(|(_, level)| Reverse(*level));
		let left_out = ranked.split_off(room.min(ranked.len()));
		for (subject, _) in &left_out {
			states.remove(subject);
		}
		let message = format!("{} raised subjects have no room", left_out.len());
		// Zero is an error.
		sp_io::logging::log(0u32.into(), LOG, message.as_bytes());
		left_out
	}

	fn note_move(
		subject: BreakerSubject,
		before: Option<&State>,
		after: Option<&State>,
		reading: Option<u128>,
	) {
		let from = level_of(before);
		let to = level_of(after);
		if to < from {
			Self::deposit_event(Event::LevelLowered { subject, from, to });
		} else if let Some(state) = after.filter(|_| to > from) {
			Self::deposit_event(Event::LevelRaised {
				subject,
				from,
				to,
				cause: state.cause,
				reading,
			});
		}
	}

	/// Returns the level before.
	pub(crate) fn do_trip(subject: BreakerSubject, to: Level) -> Result<Level, DispatchError> {
		ensure!(
			T::Gauges::subjects().contains(&subject),
			Error::<T>::UnknownSubject
		);
		let mut states = Raised::<T>::get().into_inner();
		let before = states.get(&subject).copied();
		let from = level_of(before.as_ref());
		// Beside a fuse it holds what that fuse leaves open.
		let beside = before.and_then(|state| state.beside(to));
		ensure!(to > from || beside.is_some(), Error::<T>::NotAbove);
		let now = T::Time::now();
		if let Some(last) = LastTrip::<T>::get(subject) {
			// What goes up only can be drawn out twice; what came down and goes up again could be for ever.
			let escalates = from > Level::Normal && to > last.level;
			ensure!(
				escalates || now >= Self::pause_ends(&last),
				Error::<T>::TrippedRecently
			);
		}
		states.insert(subject, beside.unwrap_or(reached(to, Cause::Guardian, now)));
		ensure!(states.len() <= Self::room(), Error::<T>::TooManyRaised);
		Self::write(states);
		LastTrip::<T>::insert(subject, Trip { at: now, level: to });
		Ok(from)
	}

	/// Returns the level before.
	pub(crate) fn do_set_level(subject: BreakerSubject, to: Level) -> Result<Level, DispatchError> {
		ensure!(Self::is_known(subject), Error::<T>::UnknownSubject);
		let mut states = Raised::<T>::get().into_inner();
		let from = level_of(states.get(&subject));
		if to == from {
			if let Some(beside) = states.get(&subject).and_then(|state| state.beside(to)) {
				states.insert(subject, beside);
				Self::write(states);
				Self::deposit_event(Event::HeldByHand { subject, level: to });
			}
			return Ok(from);
		}
		if to == Level::Normal {
			states.remove(&subject);
		} else {
			states.insert(subject, reached(to, Cause::Referendum, T::Time::now()));
		}
		ensure!(states.len() <= Self::room(), Error::<T>::TooManyRaised);
		Self::write(states);
		Ok(from)
	}

	/// Store what is raised; nothing at all in calm times. The caller has seen that there is room.
	fn write(states: States) {
		if states.is_empty() {
			return Raised::<T>::kill();
		}
		match RaisedSubjects::<T>::try_from(states) {
			Ok(states) => Raised::<T>::put(states),
			Err(_) => sp_io::logging::log(
				0u32.into(),
				LOG,
				b"raised subjects that don't fit were not stored",
			),
		}
	}

	fn room() -> usize {
		T::MaxSubjects::get() as usize
	}

	fn rules() -> Rules {
		T::RiskParameters::chain().into()
	}

	/// When guardians may raise again what they raised last by `last`.
	pub(crate) fn pause_ends(last: &Trip) -> Moment {
		last.at.saturating_add(Self::rules().pause())
	}

	/// Every measured and every raised subject, in order.
	pub(crate) fn known() -> BTreeSet<BreakerSubject> {
		let mut known: BTreeSet<BreakerSubject> = T::Gauges::subjects().into_iter().collect();
		known.extend(Raised::<T>::get().keys());
		known
	}

	pub(crate) fn is_known(subject: BreakerSubject) -> bool {
		Raised::<T>::get().contains_key(&subject) || T::Gauges::subjects().contains(&subject)
	}

	/// The highest of the levels of `subject` and its parents, and whose it is: the nearest one's.
	fn binding(subject: BreakerSubject) -> (Level, BreakerSubject) {
		let raised = Raised::<T>::get();
		let own = |subject| level_of(raised.get(&subject)).max(Self::held_by_stop(subject));
		let mut binding = (own(subject), subject);
		let mut next = subject.parent();
		// A path has a branch; a branch, a market and the lending have the chain; the chain nothing.
		while let Some(parent) = next {
			let level = own(parent);
			if level > binding.0 {
				binding = (level, parent);
			}
			next = parent.parent();
		}
		binding
	}

	/// The level of `subject` alone, without what `fuse` raised it to.
	fn level_despite(subject: BreakerSubject, fuse: Fuse) -> Level {
		let own = match Raised::<T>::get().get(&subject) {
			Some(state) if state.cause == Cause::Fuse(fuse) => state.others,
			state => level_of(state),
		};
		own.max(Self::held_by_stop(subject))
	}

	/// What a stop holds `subject` to: the chain to `ReduceOnly`, until it has recovered.
	fn held_by_stop(subject: BreakerSubject) -> Level {
		if subject == BreakerSubject::Chain && T::Recovery::blocks_needed() > 0 {
			Level::ReduceOnly
		} else {
			Level::Normal
		}
	}

	/// What the views answer, by the rules the evaluation goes by.
	pub(crate) fn status_of(subject: BreakerSubject) -> Status {
		let (now, rules) = (T::Time::now(), Self::rules());
		let state = Raised::<T>::get().get(&subject).copied();
		let gauges = T::Gauges::gauges(subject);
		let stored = level_of(state.as_ref());
		let stopped = Self::held_by_stop(subject);
		let level = stored.max(stopped);
		let (binding, bound_by) = Self::binding(subject);
		// A fuse that came back since the last evaluation ends the calm at the next.
		let calm_since = state
			.and_then(|state| state.calm_since)
			.filter(|_| !rules.hold(stored, &gauges));
		let lower_from = state.map(|state| rules.lower_from(state.since, calm_since.unwrap_or(now)).max(now));
		let steps_after = match stored {
			Level::Normal | Level::Guarded => 0,
			Level::ReduceOnly => 1,
			Level::Halted => STEPS.saturating_sub(1),
		};
		Status {
			level,
			binding,
			bound_by,
			cause: if stopped > stored {
				Some(Cause::Stop)
			} else {
				state.map(|state| state.cause)
			},
			by_hand: state.map_or(Level::Normal, |state| state.by_hand),
			since: state.map(|state| state.since),
			blocks_needed: if subject == BreakerSubject::Chain {
				T::Recovery::blocks_needed()
			} else {
				0
			},
			calm_since,
			lower_from,
			// A time that far away is never.
			normal_from: lower_from.map(|at| at.saturating_add(rules.step().saturating_mul(steps_after))),
			fuses: gauges
				.iter()
				.map(|gauge| FuseStatus::new(gauge, stored))
				.collect(),
		}
	}
}

impl<T: Config> CircuitBreaker for Pallet<T> {
	fn level(subject: BreakerSubject) -> Level {
		Self::binding(subject).0
	}

	fn ensure(subject: BreakerSubject, action: Action) -> DispatchResult {
		match Self::level(subject) {
			level if level <= action.tolerates() => Ok(()),
			Level::Halted => Err(Error::<T>::SubjectHalted.into()),
			_ => Err(Error::<T>::SubjectReduceOnly.into()),
		}
	}

	fn ensure_despite(subject: BreakerSubject, action: Action, fuse: Fuse) -> DispatchResult {
		let (tolerated, mut next) = (action.tolerates(), Some(subject));
		// A path has a branch; a branch, a market and the lending have the chain; the chain nothing.
		while let Some(subject) = next {
			match Self::level_despite(subject, fuse) {
				level if level <= tolerated => next = subject.parent(),
				Level::Halted => return Err(Error::<T>::SubjectHalted.into()),
				_ => return Err(Error::<T>::SubjectReduceOnly.into()),
			}
		}
		Ok(())
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn raise(subject: BreakerSubject, level: Level) {
		let mut states = Raised::<T>::get().into_inner();
		states.insert(subject, reached(level, Cause::Referendum, T::Time::now()));
		states.retain(|_, state| state.level > Level::Normal);
		Self::keep_the_highest(&mut states);
		Self::write(states);
	}
}

/// Nobody watched during a stop: levels, calms and guardians' pauses begin later by its length.
impl<T: Config> OnGap for Pallet<T> {
	fn on_gap(length: Moment) -> Weight {
		// Times saturate where time ends.
		let mut states = Raised::<T>::get().into_inner();
		for state in states.values_mut() {
			state.since = state.since.saturating_add(length);
			state.calm_since = state.calm_since.map(|at| at.saturating_add(length));
		}
		Self::write(states);
		let mut trips: u64 = 0;
		LastTrip::<T>::translate_values(|trip: Trip| {
			trips = trips.saturating_add(1);
			Some(Trip {
				at: trip.at.saturating_add(length),
				..trip
			})
		});
		T::DbWeight::get().reads_writes(trips.saturating_add(1), trips.saturating_add(1))
	}
}

fn level_of(state: Option<&State>) -> Level {
	state.map_or(Level::Normal, |state| state.level)
}

/// A level reached just now, not known to be calm.
fn reached(level: Level, cause: Cause, now: Moment) -> State {
	State {
		level,
		since: now,
		cause,
		calm_since: None,
		by_hand: Level::Normal,
		others: Level::Normal,
	}
}
