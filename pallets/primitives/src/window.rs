//! A limit on a reversible flow, refilling over an hour.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_math::{mul_ratio, statistics::exp_neg, FixedU128, Rounding};
use scale_info::TypeInfo;

use crate::{meter::WINDOW, Balance, Moment};

/// What a reversible flow took and gave back in about the last hour, against a limit of its caller's.
///
/// A window refuses what is beyond its limit and does nothing else. It raises no level: that is for what a
/// [`Meter`] measures of states.
///
/// Both fade by `e^(−Δt/hour)`, in O(1) and with nothing to clear. What was given back cancels what was
/// taken, so that:
///
/// - a round trip uses nothing, in whatever order and however often it is made;
/// - a refund restores what had left and no more: the room never exceeds the limit. What was given back
///   beyond that counts against what is taken later, while it fades;
/// - under a limit `L`, what was taken less what was given back in any time `t` is at most `L × (1 +
///   t/hour)`.
///
/// So nobody holds a window full without taking more every hour: an account that takes all of a limit and
/// stays leaves others what refills, `1 − 1/e` = 63 % of it within the hour, and giving back and taking again
/// renews no use. A limit that is a share of something falls with it: the caller says what is left to others
/// then.
///
/// Worked: a limit of 100 of which 80 was taken an hour ago. `80/e` = 29.44 is used and 70.56 is free. A
/// refund of 80 makes that 100, not 150.56; taking 100 after it leaves `100 − (29.44 + 100 − 80)` = 50.56.
///
/// Amounts are kept in [`FINE`] parts of a base unit, so that what fades is not held back by rounding however
/// often the window moves. What is used is rounded up to a base unit, what was given back beyond it down: no
/// room comes too early. A stop of the chain refills a window by the time of the stop.
///
/// [`Meter`]: crate::Meter
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Window {
	/// What was taken and not given back, faded to `at`, in parts of a base unit.
	out: Balance,
	/// What was given back beyond what was taken, faded to `at`, in parts of a base unit. Zero unless `out`
	/// is.
	refunded: Balance,
	/// When either last moved, in ms.
	at: Moment,
}

/// Parts of a base unit that a window keeps.
pub const FINE: Balance = 1 << 20;

impl Window {
	/// Brings both sides to `now`. Time that runs backwards fades nothing.
	fn faded(&self, now: Moment) -> Self {
		let elapsed = now.saturating_sub(self.at);
		if elapsed == 0 || (self.out == 0 && self.refunded == 0) {
			return Self { at: now, ..*self };
		}
		let left = exp_neg(FixedU128::from_rational(elapsed.into(), WINDOW.into()));
		// A share of at most one of a number that fits, fits.
		Self {
			out: mul_ratio(self.out, left, Rounding::Up).unwrap_or(self.out),
			refunded: mul_ratio(self.refunded, left, Rounding::Down).unwrap_or(0),
			at: now,
		}
	}

	/// What was taken and not given back.
	pub fn used(&self, now: Moment) -> Balance {
		match self.faded(now).out {
			// More than can be kept: more than any limit.
			Balance::MAX => Balance::MAX,
			out => out.div_ceil(FINE),
		}
	}

	/// What was given back beyond what was taken: as much may be taken without using anything.
	pub fn credit(&self, now: Moment) -> Balance {
		self.faded(now).refunded / FINE
	}

	/// The most that [`take`](Self::take) lets through now under `limit`. At most `limit`.
	pub fn room(&self, now: Moment, limit: Balance) -> Balance {
		limit.saturating_sub(self.used(now))
	}

	/// Takes `amount`. Returns `false` and changes nothing if that is more than the [`room`](Self::room)
	/// under `limit`.
	#[must_use]
	pub fn take(&mut self, now: Moment, limit: Balance, amount: Balance) -> bool {
		let fits = amount <= self.room(now, limit);
		if fits {
			self.add(now, amount);
		}
		fits
	}

	/// Takes `amount` whatever the limit: for what nobody is refused.
	pub fn add(&mut self, now: Moment, amount: Balance) {
		let Self { out, refunded, .. } = self.faded(now);
		// Saturates far above any supply, here and below: where no limit leaves any room.
		let amount = amount.saturating_mul(FINE);
		let repaid = amount.min(refunded);
		*self = Self {
			// The other two are at most what they are taken from.
			out: out.saturating_add(amount.saturating_sub(repaid)),
			refunded: refunded.saturating_sub(repaid),
			at: now,
		};
	}

	/// Gives `amount` back.
	pub fn refund(&mut self, now: Moment, amount: Balance) {
		let Self { out, refunded, .. } = self.faded(now);
		let amount = amount.saturating_mul(FINE);
		let restored = amount.min(out);
		*self = Self {
			out: out.saturating_sub(restored),
			// Saturates where nothing that can be taken uses any room.
			refunded: refunded.saturating_add(amount.saturating_sub(restored)),
			at: now,
		};
	}

	/// Follows one of the windows whose uses this one sums, from what it `was` to what it `is`, to the part
	/// of a base unit.
	pub fn follow_used(&mut self, now: Moment, was: &Self, is: &Self) {
		self.follow(now, was.faded(now).out, is.faded(now).out);
	}

	/// Follows one of the windows whose credits this one sums, as [`follow_used`](Self::follow_used) does
	/// uses.
	pub fn follow_credit(&mut self, now: Moment, was: &Self, is: &Self) {
		self.follow(now, was.faded(now).refunded, is.faded(now).refunded);
	}

	fn follow(&mut self, now: Moment, was: Balance, is: Balance) {
		let Self { out, refunded, .. } = self.faded(now);
		*self = Self {
			// A part is at most the sum, but for what rounding up added to the part: zero at least.
			out: out.saturating_add(is).saturating_sub(was),
			refunded,
			at: now,
		};
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const HOUR: Moment = WINDOW;
	/// A window of which `amount` was taken at `now`.
	fn taken(now: Moment, amount: Balance) -> Window {
		let mut window = Window::default();
		window.add(now, amount);
		window
	}

	#[test]
	fn refuses_what_is_beyond_the_limit_and_changes_nothing() {
		let mut window = taken(HOUR, 60);
		let before = window;
		assert_eq!(window.room(HOUR, 100), 40);
		assert!(!window.take(HOUR, 100, 41));
		assert_eq!(window, before);
		assert!(window.take(HOUR, 100, 40));
		assert_eq!((window.used(HOUR), window.room(HOUR, 100)), (100, 0));
		assert!(window.take(HOUR, 100, 0));
		// A limit that fell below what is used leaves no room.
		assert_eq!(window.room(HOUR, 50), 0);
	}

	#[test]
	fn refills_over_the_hour() {
		let window = taken(HOUR, 1_000_000);
		// 10⁶/e = 367,879.44, rounded up.
		assert_eq!(window.used(2 * HOUR), 367_880);
		assert_eq!(window.room(2 * HOUR, 1_000_000), 632_120);
		assert!(window.used(100 * HOUR) <= 1);
		assert_eq!(window.used(0), 1_000_000);
	}

	/// The kind: opening and closing, or closing and opening, takes room from others for nothing.
	#[test]
	fn a_round_trip_uses_nothing_in_either_order() {
		let mut window = Window::default();
		for minute in 0..120u64 {
			let now = HOUR + minute * 60_000;
			assert!(window.take(now, 1_000, 1_000));
			window.refund(now, 1_000);
			assert_eq!(window.room(now, 1_000), 1_000, "at minute {minute}");
		}
		let mut window = Window::default();
		for minute in 0..120u64 {
			let now = HOUR + minute * 60_000;
			window.refund(now, 1_000);
			assert!(window.take(now, 1_000, 1_000));
			assert_eq!(window.room(now, 1_000), 1_000, "at minute {minute}");
		}
	}

	/// The kind: an inflow widens a window past its limit.
	#[test]
	fn a_refund_restores_at_most_what_had_left() {
		let mut window = taken(HOUR, 30);
		window.refund(HOUR, 500);
		assert_eq!(window.room(HOUR, 100), 100);
		assert_eq!((window.used(HOUR), window.credit(HOUR)), (0, 470));
		// The rest counts against what is taken later, and fades.
		assert!(!window.take(HOUR, 100, 101));
		assert!(window.take(HOUR, 100, 100));
		assert_eq!((window.room(HOUR, 100), window.credit(HOUR)), (100, 370));
		assert_eq!(window.credit(100 * HOUR), 0);
		assert_eq!(window.room(100 * HOUR, 100), 100);
	}

	/// The kind: giving back and taking again keeps others out without ever owing more.
	#[test]
	fn giving_back_and_taking_again_does_not_renew_a_use() {
		let mut window = taken(HOUR, 1_000_000);
		for minute in 1..=60u64 {
			let now = HOUR + minute * 60_000;
			window.refund(now, 1_000_000);
			assert!(window.take(now, 1_000_000, 1_000_000));
		}
		// As if nothing had happened since: 632,120, less what rounding took.
		let room = window.room(2 * HOUR, 1_000_000);
		assert!((632_000..=632_120).contains(&room), "{room}");
	}

	/// The kind: rounding holds back what fades, and whoever touches the window holds others out for nothing.
	/// Of assets with few decimals a base unit is much.
	#[test]
	fn refills_however_often_it_is_touched() {
		for (amount, step) in [(50u128, 60_000u64), (1_800, 2_000), (1, 2_000)] {
			let mut window = taken(HOUR, amount);
			for n in 1..=HOUR / step {
				window.refund(HOUR + n * step, 0);
			}
			// 1/e, rounded up.
			let left = amount * 3_679 / 10_000 + 1;
			assert!(
				window.used(2 * HOUR) <= left,
				"{} of {amount}",
				window.used(2 * HOUR)
			);
			assert!(window.used(2 * HOUR) >= amount * 3_678 / 10_000);
		}
		// A deposit of a unit is credit for more than a block: taking it out again uses a part of a unit.
		let mut window = Window::default();
		window.refund(HOUR, 1);
		window.add(HOUR + 2_000, 1);
		assert!(window.out < FINE / 1_000);
	}

	/// A sum of windows follows its parts to less than a unit, however they move.
	#[test]
	fn a_sum_follows_its_parts() {
		let (mut sum, mut part) = (Window::default(), Window::default());
		for n in 0..1_000u64 {
			let (now, was) = (HOUR + n * 60_000, part);
			match n % 3 {
				0 => part.add(now, 1),
				1 => part.refund(now, 2),
				_ => part.add(now, 1),
			}
			sum.follow_used(now, &was, &part);
			assert!(sum.used(now).abs_diff(part.used(now)) <= 1, "at minute {n}");
			assert_eq!(sum.credit(now), 0);
		}
	}

	#[test]
	fn no_more_than_the_limit_and_its_share_of_time_leaves() {
		let (limit, mut window, mut left) = (1_000_000u128, Window::default(), 0i128);
		for second in 0..=7_200u64 {
			let now = second * 1_000;
			// A third of it comes back each minute.
			if second % 60 == 59 {
				window.refund(now, limit / 3);
				left -= (limit / 3) as i128;
			}
			let amount = window.room(now, limit);
			assert!(window.take(now, limit, amount));
			left += amount as i128;
		}
		// Two hours: L·(1 + 2).
		assert!(left <= 3 * limit as i128, "{left}");
		assert!(left > 29 * limit as i128 / 10, "{left}");
	}

	#[test]
	fn nothing_panics_at_the_edges() {
		let mut window = taken(u64::MAX, u128::MAX);
		assert_eq!(window.room(u64::MAX, u128::MAX), 0);
		window.refund(0, u128::MAX);
		window.refund(0, u128::MAX);
		assert_eq!(window.room(u64::MAX, u128::MAX), u128::MAX);
		assert!(window.take(u64::MAX, u128::MAX, u128::MAX));
		assert!(window.take(u64::MAX, u128::MAX, 0));
	}
}
