//! The state of the clock and how a block moves it. No storage.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_primitives::Moment;
use scale_info::TypeInfo;

/// The time of a block, and the active time up to it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Reading {
	/// When the block was made, in milliseconds since 1970; zero before the first one.
	pub at: Moment,
	/// Active time, in milliseconds since the first block.
	pub active: Moment,
}

impl Reading {
	/// The time from this block to one at `now`, in milliseconds. Zero for the first block, and if time ran
	/// backwards.
	pub fn since(&self, now: Moment) -> Moment {
		match self.at {
			0 => 0,
			at => now.saturating_sub(at),
		}
	}

	/// The reading of the block at `now`: active time moves by the time since this one, at most `max_step`.
	pub fn next(&self, now: Moment, max_step: Moment) -> Self {
		Self {
			at: now.max(self.at),
			// Saturates after 584 million years.
			active: self.active.saturating_add(self.since(now).min(max_step)),
		}
	}
}
