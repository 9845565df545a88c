//! The pallet's tests, by theme. Each ends in `do_try_state`, and so does every block of it.

use crate::{
	mock::*, types::*, Call, Error, Event, FeedValues, Feeds, History, Operators, Pending, Statistics,
	CLOCK_SKEW, FROM_THE_FUTURE, LONGEVITY,
};
use frame_support::{assert_noop, assert_ok};
use keel_math::FixedU128;
use keel_primitives::{FeedId, Moment, PriceFor, PriceProvider};

mod aggregation;
mod feeds;
mod freshness;
mod history;
mod invariants;
mod liars;
mod operators;
mod random;
mod replay;
mod statistics;
mod suspension;
