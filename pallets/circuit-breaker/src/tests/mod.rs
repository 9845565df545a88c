mod clock;
mod corruption;
mod despite;
mod fuses;
mod guardians;
mod levels;
mod margin;
mod overflow;
mod random;
mod recovery;
mod referendum;
mod stops;
mod views;

pub use frame_support::{assert_noop, assert_ok};
pub use keel_math::FixedU128;
pub use keel_primitives::{
	Action, BreakerSubject, CircuitBreaker as CircuitBreakerT, Fuse, Gauge, Level, MintPath, Moment, Triggers,
};

pub use crate::{mock::*, Cause, Error, Event, LastTrip, Raised, State, Trip, TRIP_PAUSE_MS};

pub fn raised_event(
	subject: BreakerSubject,
	from: Level,
	to: Level,
	cause: Cause,
	reading: Option<u128>,
) -> Event<Test> {
	Event::LevelRaised {
		subject,
		from,
		to,
		cause,
		reading,
	}
}

pub fn lowered_event(subject: BreakerSubject, from: Level, to: Level) -> Event<Test> {
	Event::LevelLowered { subject, from, to }
}
