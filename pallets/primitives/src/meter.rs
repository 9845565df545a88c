//! What flowed in about the last hour, in one number.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_math::{mul_ratio, statistics::exp_neg, FixedU128, Rounding};
use scale_info::TypeInfo;

use crate::{Balance, Moment};

/// The window of every meter, in milliseconds: an hour.
pub const WINDOW: Moment = 3_600_000;

/// A leaking bucket: what flowed, each unit fading by `e^(−Δt/hour)`. O(1), nothing to clear.
///
/// A steady flow reads as what flows in an hour; a burst reads in full at once and is 37 % of that an hour later. Under
/// a limit `L` on the reading, no more than `L·(1 + t/hour)` flows in any time `t`. It may be below zero: what flowed
/// the other way makes room, and fades too. So going to and fro adds nothing.
///
/// Rounded up: what is left of a flow never fades too fast, what is left of the room never too slowly.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Meter {
	/// The reading at `at`.
	level: i128,
	/// When it last moved.
	at: Moment,
}

impl Meter {
	/// What flowed in about the last hour, net.
	pub fn net(&self, now: Moment) -> i128 {
		// Time does not run backwards; if it did, nothing would fade.
		let elapsed = now.saturating_sub(self.at);
		if elapsed == 0 || self.level == 0 {
			return self.level;
		}
		let left = exp_neg(FixedU128::from_rational(elapsed.into(), WINDOW.into()));
		let rounding = if self.level > 0 {
			Rounding::Up
		} else {
			Rounding::Down
		};
		// A share of at most one of a number that fits, so it fits.
		let faded = mul_ratio(self.level.unsigned_abs(), left, rounding).and_then(|v| i128::try_from(v).ok());
		match faded {
			Some(faded) if self.level > 0 => faded,
			Some(faded) => faded.saturating_neg(),
			None => self.level,
		}
	}

	/// What flowed in about the last hour; zero if more flowed the other way.
	pub fn reading(&self, now: Moment) -> Balance {
		u128::try_from(self.net(now)).unwrap_or(0)
	}

	/// How much more may flow now under `limit`.
	pub fn room(&self, now: Moment, limit: Balance) -> Balance {
		match self.net(now) {
			net if net >= 0 => limit.saturating_sub(net.unsigned_abs()),
			// Saturates at "no limit".
			net => limit.saturating_add(net.unsigned_abs()),
		}
	}

	/// `amount` flowed. Saturates: a reading that large is above every limit.
	pub fn add(&mut self, now: Moment, amount: Balance) {
		let amount = i128::try_from(amount).unwrap_or(i128::MAX);
		self.level = self.net(now).saturating_add(amount);
		self.at = now;
	}

	/// `amount` flowed the other way. Saturates: only flows larger than every limit are affected.
	pub fn sub(&mut self, now: Moment, amount: Balance) {
		let amount = i128::try_from(amount).unwrap_or(i128::MAX);
		self.level = self.net(now).saturating_sub(amount);
		self.at = now;
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const HOUR: Moment = WINDOW;

	#[test]
	fn a_burst_fades_by_e_in_an_hour() {
		let mut meter = Meter::default();
		meter.add(HOUR, 1_000_000);
		assert_eq!(meter.reading(HOUR), 1_000_000);
		// 10⁶/e = 367 879.44, rounded up.
		assert_eq!(meter.reading(2 * HOUR), 367_880);
		assert!(meter.reading(100 * HOUR) <= 1);
		assert_eq!(meter.reading(0), 1_000_000);
	}

	#[test]
	fn a_steady_flow_reads_as_an_hour_of_it() {
		let mut meter = Meter::default();
		for minute in 0..600u64 {
			meter.add(minute * 60_000, 1_000);
		}
		let reading = meter.reading(599 * 60_000);
		// 60 per hour; a step of a minute reads half a step too much.
		assert!((60_000..61_000).contains(&reading), "{reading}");
	}

	#[test]
	fn to_and_fro_adds_nothing() {
		let mut meter = Meter::default();
		for _ in 0..100 {
			meter.sub(HOUR, 500);
			meter.add(HOUR, 500);
		}
		assert_eq!(meter.net(HOUR), 0);
		meter.sub(HOUR, 500);
		assert_eq!(meter.reading(HOUR), 0);
		assert_eq!(meter.room(HOUR, 100), 600);
		// 500/e = 183.9: of the room, rounded down.
		assert_eq!(meter.room(2 * HOUR, 100), 283);
	}

	#[test]
	fn under_a_limit_no_more_than_the_limit_and_its_share_of_time_flows() {
		let (limit, mut meter, mut flowed) = (1_000_000u128, Meter::default(), 0u128);
		for second in 0..=7_200u64 {
			let now = second * 1_000;
			let amount = meter.room(now, limit);
			meter.add(now, amount);
			flowed += amount;
		}
		// Two hours: L·(1 + 2).
		assert!(flowed <= 3 * limit, "{flowed}");
		assert!(flowed > 29 * limit / 10, "{flowed}");
	}

	#[test]
	fn nothing_panics_at_the_edges() {
		let mut meter = Meter::default();
		meter.add(u64::MAX, u128::MAX);
		assert_eq!(meter.room(u64::MAX, u128::MAX), u128::MAX - i128::MAX as u128);
		meter.sub(0, u128::MAX);
		meter.sub(0, u128::MAX);
		assert_eq!(meter.reading(u64::MAX), 0);
		assert_eq!(meter.room(u64::MAX, u128::MAX), u128::MAX);
	}
}
