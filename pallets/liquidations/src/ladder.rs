//! The debt ladder: how much debt hangs at which trigger. Logic alone, without storage.
//!
//! Triggers are grouped in the geometric ticks of [`keel_math::ladder`]: 128 to an octave, each between 1/256 and 1/128 of
//! its triggers wide.

use alloc::vec::Vec;

use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use keel_math::ladder::{ceil, floor, tick, TICKS};
use keel_primitives::Entry;
use scale_info::TypeInfo;

/// Part of a tick, not all of it: the triggers between two, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edge {
	/// The tick.
	pub tick: u16,
	/// The lowest trigger.
	pub from: u128,
	/// The highest trigger.
	pub to: u128,
}

/// A range of triggers, cut along the ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
	/// The first of the ticks that lie in the range whole …
	pub first: u16,
	/// … and the one behind the last: none is whole unless this is higher.
	pub end: u16,
	/// The ticks that lie in the range in part, the lower one first.
	pub edges: [Option<Edge>; 2],
}

impl Cut {
	/// Cut the triggers with `above < trigger ≤ up_to`. `None` if there are none.
	pub fn new(above: u128, up_to: u128) -> Option<Self> {
		let from = above.checked_add(1).filter(|from| *from <= up_to)?;
		let (lowest, highest) = (tick(from), tick(up_to));
		let part = |tick: u16| {
			let edge = Edge {
				tick,
				from: from.max(floor(tick)),
				to: up_to.min(ceil(tick)),
			};
			(edge.from > floor(tick) || edge.to < ceil(tick)).then_some(edge)
		};
		let lower = part(lowest);
		let upper = (highest > lowest).then(|| part(highest)).flatten();
		Some(Self {
			// Ticks are far below the end of their type.
			first: lowest.saturating_add(lower.is_some().into()),
			end: highest.saturating_add(upper.is_none().into()),
			edges: [lower, upper],
		})
	}
}

/// The debt on one tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Rung {
	/// The tick.
	pub tick: u16,
	/// The normalised debt of the positions whose trigger is in it. Never zero in a ladder.
	pub debt: u128,
}

impl Rung {
	/// Where the debt of `entry` hangs.
	pub const fn of(entry: Entry) -> Self {
		Self {
			tick: tick(entry.trigger),
			debt: entry.debt,
		}
	}
}

/// Why a ladder is no longer the sum of its positions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mismatch {
	/// A tick had less debt than was taken off it: nothing is left of it.
	TooLittle,
	/// A tick's debt does not fit: it holds the most it can.
	TooMuch,
}

/// The debt of a group by tick: the ticks that have any, lowest first.
///
/// Its length is the number of ticks between a group's safest and riskiest position at most: collateral ratios
/// from 130 % to 400 % are about 210 ticks, each octave more is 128.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Ladder(pub(crate) BoundedVec<Rung, ConstU32<TICKS>>);

impl Ladder {
	/// The rungs, lowest first.
	pub fn rungs(&self) -> &[Rung] {
		&self.0
	}

	/// Is there no debt at all?
	pub fn is_empty(&self) -> bool {
		self.0.is_empty()
	}

	/// Take `old` off and put `new` on. Does what it can also when it can't do all of it.
	pub fn shift(&mut self, old: Option<Rung>, new: Option<Rung>) -> Result<(), Mismatch> {
		let taken = old.map_or(Ok(()), |rung| self.take(rung));
		let put = new.map_or(Ok(()), |rung| self.put(rung));
		taken.and(put)
	}

	fn take(&mut self, Rung { tick, debt }: Rung) -> Result<(), Mismatch> {
		if debt == 0 {
			return Ok(());
		}
		let at = self.find(tick).map_err(|_| Mismatch::TooLittle)?;
		let rung = self.0.get_mut(at).ok_or(Mismatch::TooLittle)?;
		let left = rung.debt.checked_sub(debt);
		match left {
			Some(left) if left > 0 => rung.debt = left,
			_ => {
				self.0.remove(at);
			}
		}
		left.map(drop).ok_or(Mismatch::TooLittle)
	}

	fn put(&mut self, new: Rung) -> Result<(), Mismatch> {
		if new.debt == 0 {
			return Ok(());
		}
		match self.find(new.tick) {
			Ok(at) => {
				let rung = self.0.get_mut(at).ok_or(Mismatch::TooMuch)?;
				let sum = rung.debt.checked_add(new.debt);
				rung.debt = sum.unwrap_or(u128::MAX);
				sum.map(drop).ok_or(Mismatch::TooMuch)
			}
			// There is room for every tick.
			Err(at) => self.0.try_insert(at, new).map_err(|_| Mismatch::TooMuch),
		}
	}

	/// The debt on one tick.
	pub fn debt_on(&self, tick: u16) -> u128 {
		self.find(tick)
			.ok()
			.and_then(|at| self.0.get(at))
			.map_or(0, |rung| rung.debt)
	}

	/// The debt on the ticks from `first` to the one before `end`. `None` on overflow.
	pub fn debt_from(&self, first: u16, end: u16) -> Option<u128> {
		let skip = self.0.partition_point(|rung| rung.tick < first);
		self.0
			.iter()
			.skip(skip)
			.take_while(|rung| rung.tick < end)
			.try_fold(0u128, |sum, rung| sum.checked_add(rung.debt))
	}

	/// The lowest trigger of each tick that has debt, and that debt.
	pub fn profile(&self) -> Vec<(u128, u128)> {
		self.0.iter().map(|rung| (floor(rung.tick), rung.debt)).collect()
	}

	fn find(&self, tick: u16) -> Result<usize, usize> {
		self.0.binary_search_by_key(&tick, |rung| rung.tick)
	}
}
