//! The profit ladder of a market: how much is in profit at a price, without looking at positions. Logic alone, without
//! storage.
//!
//! What a position is worth is linear in one price, `x = mark − funding index`: a long is worth `size·x − basis`, a short
//! `basis − size·x`, with `basis = ±(cost − funding at entry)`, which stays what it is until the position is acted on. So it
//! is in profit or not as `x` stands to its break-even price `basis / size`. Positions are grouped by the geometric tick of that price
//! (128 to an octave); each tick keeps the sum of sizes and the sum of bases, both exact.
//!
//! The tick that `x` itself is in holds both winners and losers and is left out on both sides of the question: positions in it,
//! whose profit is less than 0.8 % of the price, are not counted, and not touched by what is done with the answer.

use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use keel_math::{
	ladder::{ceil, floor, tick, TICKS},
	mul_div, mul_ratio, perpetual,
	perpetual::SIZE_DIVISOR,
	signed::signed,
	FixedU128, Rounding,
};
use keel_primitives::Balance;
use scale_info::TypeInfo;

use crate::{market::net_mark, Position};

/// The positions of one side whose break-even price is in one tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Step {
	/// The tick.
	pub tick: u16,
	/// Sum of their sizes, without sign. Never zero in a ladder.
	pub size: u128,
	/// Sum of their bases.
	pub basis: i128,
}

/// One side, lowest break-even price first.
type Side = BoundedVec<Step, ConstU32<TICKS>>;

/// The positions of a market by side and break-even price.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Profits {
	/// The longs.
	pub long: Side,
	/// The shorts.
	pub short: Side,
}

/// Where a position stands: its side and its step alone. `None` without a size, and on overflow.
pub fn step(position: &Position) -> Option<(bool, Step)> {
	let size = position.size.unsigned_abs();
	if size == 0 {
		return None;
	}
	let is_long = position.size > 0;
	let net = position.cost.checked_sub(position.funding)?;
	let basis = if is_long { net } else { net.checked_neg()? };
	// A break-even price below zero is as good as zero.
	let price = mul_div(
		u128::try_from(basis).unwrap_or(0),
		SIZE_DIVISOR,
		size,
		Rounding::Down,
	)
	.unwrap_or(u128::MAX);
	let tick = tick(price);
	Some((is_long, Step { tick, size, basis }))
}

/// Is a position of this side and tick counted as a winner at `x`?
pub fn wins(is_long: bool, at: u16, x: u128) -> bool {
	let edge = tick(x);
	if is_long {
		at < edge
	} else {
		at > edge
	}
}

/// A cut of profits as one market sees it.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
	/// The share.
	rate: FixedU128,
	/// The mark at that time.
	mark: FixedU128,
	/// The funding index at that time.
	funding_index: i128,
	/// The one less the other.
	x: u128,
}

impl Slice {
	/// A cut of `rate` at this mark and funding index.
	pub fn new(rate: FixedU128, mark: FixedU128, funding_index: i128) -> Self {
		Self {
			rate,
			mark,
			funding_index,
			x: net_mark(mark, funding_index).into_inner(),
		}
	}
}

/// Those of one side whose break-even prices were in one tick, on their way through cuts: the end of the tick that is nearest to
/// losing. Each cut of theirs moves it towards its price as it does their break-even prices, rounded away from winning, so that
/// none of them is beyond it.
#[derive(Clone, Copy, Debug)]
pub struct Front {
	is_long: bool,
	near: u128,
}

impl Front {
	/// Those of `tick`, before any cut.
	pub fn of(is_long: bool, tick: u16) -> Self {
		Self {
			is_long,
			near: if is_long { ceil(tick) } else { floor(tick) },
		}
	}

	/// Do they win at `x`?
	fn wins(&self, x: u128) -> bool {
		wins(self.is_long, tick(self.near), x)
	}

	/// Does `slice` cut them? Then they have moved.
	fn is_cut(&mut self, slice: &Slice) -> bool {
		if !self.wins(slice.x) {
			return false;
		}
		let way = self.near.abs_diff(slice.x);
		// A share is at most all.
		let moved = mul_ratio(way, slice.rate, Rounding::Up).map_or(way, |moved| moved.min(way));
		self.near = if self.is_long {
			self.near.saturating_add(moved)
		} else {
			self.near.saturating_sub(moved)
		};
		true
	}

	/// What `slice` takes from `position`, one of them, which earlier ones are taken from: its share of what closing at that mark
	/// would have realised, rounded down. `None` if nothing, and on overflow.
	pub fn share(&mut self, position: &Position, slice: &Slice) -> Option<Balance> {
		if !self.is_cut(slice) {
			return None;
		}
		let basis = position.cost.checked_sub(position.funding)?;
		let realised = perpetual::value(position.size, slice.mark, Rounding::Down)?
			.checked_sub(perpetual::funding_on(
				position.size,
				slice.funding_index,
				Rounding::Up,
			)?)?
			.checked_sub(basis)?;
		// Where the price less funding is below zero, no more than what the ladder counts.
		let counted = perpetual::value(position.size, FixedU128::from_inner(slice.x), Rounding::Down)?
			.checked_sub(basis)?;
		let profit = u128::try_from(realised.min(counted)).ok()?;
		mul_ratio(profit, slice.rate, Rounding::Down)
	}
}

impl Step {
	/// The profit of these at `x`, rounded up; below zero a loss. `None` on overflow.
	fn profit(&self, is_long: bool, x: u128) -> Option<i128> {
		let worth = |rounding| signed(mul_div(self.size, x, SIZE_DIVISOR, rounding)?);
		if is_long {
			worth(Rounding::Up)?.checked_sub(self.basis)
		} else {
			self.basis.checked_sub(worth(Rounding::Down)?)
		}
	}

	/// The profit of these at `x`, after `slices`, none of which they have seen; nothing if they do not win. `None` on overflow.
	fn winning_after(mut self, is_long: bool, slices: &[Slice], x: u128) -> Option<u128> {
		let mut front = Front::of(is_long, self.tick);
		for slice in slices {
			if front.is_cut(slice) {
				// A winner's profit is above zero.
				let profit = u128::try_from(self.profit(is_long, slice.x)?).unwrap_or(0);
				let taken = signed(mul_ratio(profit, slice.rate, Rounding::Down)?)?;
				self.basis = if is_long {
					self.basis.checked_add(taken)?
				} else {
					self.basis.checked_sub(taken)?
				};
			}
		}
		if !front.wins(x) {
			return Some(0);
		}
		Some(u128::try_from(self.profit(is_long, x)?).unwrap_or(0))
	}
}

impl Profits {
	/// Is nobody in?
	pub fn is_empty(&self) -> bool {
		self.long.is_empty() && self.short.is_empty()
	}

	/// Take `old` out and put `new` in. `None`, with nothing that may be used, where the ladder does not fit the position.
	pub fn shift(&mut self, old: &Position, new: &Position) -> Option<()> {
		let (from, to) = (step(old), step(new));
		if from == to {
			return Some(());
		}
		if let Some((is_long, step)) = from {
			let side = self.side(is_long);
			let at = side.binary_search_by_key(&step.tick, |s| s.tick).ok()?;
			let held = side.get_mut(at)?;
			held.size = held.size.checked_sub(step.size)?;
			held.basis = held.basis.checked_sub(step.basis)?;
			if held.size == 0 {
				// Nobody is left, so nothing of a basis is.
				let left = held.basis;
				side.remove(at);
				return (left == 0).then_some(()).and_then(|()| self.put(to));
			}
		}
		self.put(to)
	}

	fn put(&mut self, new: Option<(bool, Step)>) -> Option<()> {
		let Some((is_long, step)) = new else {
			return Some(());
		};
		let side = self.side(is_long);
		match side.binary_search_by_key(&step.tick, |s| s.tick) {
			Ok(at) => {
				let held = side.get_mut(at)?;
				held.size = held.size.checked_add(step.size)?;
				held.basis = held.basis.checked_add(step.basis)?;
				Some(())
			}
			// There is room for every tick.
			Err(at) => side.try_insert(at, step).ok(),
		}
	}

	fn side(&mut self, is_long: bool) -> &mut Side {
		if is_long {
			&mut self.long
		} else {
			&mut self.short
		}
	}

	/// The profit of all positions that win at `x`, in base units of kUSD, rounded up tick by tick: never less than the sum of their
	/// profits. `None` on overflow.
	#[cfg(test)]
	pub fn winning(&self, x: u128) -> Option<u128> {
		self.winning_after(&[], x)
	}

	/// The same after `slices`, oldest first, none of which these positions have seen. Each of them may make a position's part
	/// less by a few base units than what it is.
	pub fn winning_after(&self, slices: &[Slice], x: u128) -> Option<u128> {
		let longs = self.long.iter().map(|step| step.winning_after(true, slices, x));
		let shorts = self.short.iter().map(|step| step.winning_after(false, slices, x));
		longs
			.chain(shorts)
			.try_fold(0u128, |sum, profit| sum.checked_add(profit?))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const UNIT: i128 = 100_000_000;

	fn position(size: i128, price: u32, funding: i128) -> Position {
		Position {
			market: 1,
			size,
			cost: perpetual::cost(size, FixedU128::from_u32(price)).unwrap(),
			funding,
			cuts_seen: 0,
		}
	}

	fn x(price: u32) -> u128 {
		FixedU128::from_u32(price).into_inner()
	}

	#[test]
	fn winners_are_summed_and_losers_are_not() {
		let mut ladder = Profits::default();
		let all = [
			position(UNIT, 100, 0),
			position(2 * UNIT, 120, 0),
			position(-3 * UNIT, 130, 0),
			position(-UNIT, 90, 0),
		];
		for p in &all {
			ladder.shift(&Position::default(), p).unwrap();
		}
		// At 110: the long from 100 wins 10, the short from 130 wins 60.
		assert_eq!(ladder.winning(x(110)), Some(70_000_000));
		// At 200 both longs: 100 and 160.
		assert_eq!(ladder.winning(x(200)), Some(260_000_000));
		// At nothing both shorts: 390 and 90.
		assert_eq!(ladder.winning(0), Some(480_000_000));
		for p in &all {
			ladder.shift(p, &Position::default()).unwrap();
		}
		assert!(ladder.is_empty());
	}

	#[test]
	fn funding_moves_the_break_even() {
		// Funding owed at entry makes a long cheaper to break even on by as much.
		let with = step(&position(UNIT, 100, 5_000_000)).unwrap().1;
		assert_eq!(with.basis, 95_000_000);
		assert_eq!(with.tick, tick(x(95)));
		let short = step(&position(-UNIT, 100, 5_000_000)).unwrap().1;
		assert_eq!(short.basis, 105_000_000);
	}

	#[test]
	fn the_edge_is_left_out_on_both_sides() {
		let mut ladder = Profits::default();
		// From 1 000.7 to 1 005.3 is one tick.
		let near = position(UNIT, 1_001, 0);
		ladder.shift(&Position::default(), &near).unwrap();
		assert_eq!(ladder.winning(x(1_005)), Some(0));
		assert!(!wins(true, step(&near).unwrap().1.tick, x(1_005)));
		assert_eq!(ladder.winning(x(1_021)), Some(20_000_000));
	}

	#[test]
	fn cuts_move_the_sum_as_they_move_its_parts() {
		let mut seed = 11u64;
		let mut random = |n: u64| {
			seed = seed
				.wrapping_mul(6_364_136_223_846_793_005)
				.wrapping_add(1_442_695_040_888_963_407);
			(seed >> 33) % n
		};
		let mut ladder = Profits::default();
		let mut all = Vec::new();
		for _ in 0..400 {
			let size = i128::from(random(1_000_000_000)) - 500_000_000;
			let p = position(size, 50 + random(200) as u32, i128::from(random(1_000)) - 500);
			if size != 0 {
				ladder.shift(&Position::default(), &p).unwrap();
				all.push((p, Front::of(p.size > 0, step(&p).unwrap().1.tick)));
			}
		}
		let mut slices = Vec::new();
		for (price, per_cent, funding) in [
			(240, 30, 0),
			(60, 50, 7),
			(180, 1, -9),
			(300, 90, 3),
			(100, 100, 0),
		] {
			let rate = FixedU128::from_inner(per_cent * 10_000_000_000_000_000);
			let slice = Slice::new(rate, FixedU128::from_u32(price), funding);
			let all_of_it = Slice::new(FixedU128::from_u32(1), slice.mark, funding);
			let parts: u128 = all
				.iter()
				.map(|(p, front)| front.clone().share(p, &all_of_it).unwrap_or(0))
				.sum();
			let sum = ladder.winning_after(&slices, slice.x).unwrap();
			// Three units at most of a position and a cut.
			let off = 3 * all.len() as u128 * (slices.len() as u128 + 1);
			assert!(
				parts > 0 && sum.abs_diff(parts) <= off,
				"{price}: {sum} for {parts}"
			);
			for (p, front) in &mut all {
				let before = *p;
				p.cost += front.share(p, &slice).unwrap_or(0) as i128;
				// Nobody who wins loses by it.
				let worth =
					|p: &Position| perpetual::value(p.size, slice.mark, Rounding::Down).unwrap() - p.cost;
				assert!(worth(p) == worth(&before) || worth(p) >= -1_000);
			}
			slices.push(slice);
		}
		// All was taken at the last price.
		assert_eq!(ladder.winning_after(&slices, x(100)), Some(0));
	}

	#[test]
	fn what_is_not_there_can_not_be_taken_out() {
		let mut ladder = Profits::default();
		assert_eq!(ladder.shift(&position(UNIT, 100, 0), &Position::default()), None);
		ladder
			.shift(&Position::default(), &position(UNIT, 100, 0))
			.unwrap();
		assert_eq!(
			ladder.shift(&position(2 * UNIT, 100, 0), &Position::default()),
			None
		);
	}

	#[test]
	fn the_sum_is_never_less_than_its_parts() {
		let mut seed = 7u64;
		let mut random = |n: u64| {
			seed = seed
				.wrapping_mul(6_364_136_223_846_793_005)
				.wrapping_add(1_442_695_040_888_963_407);
			(seed >> 33) % n
		};
		let mut ladder = Profits::default();
		let mut all = Vec::new();
		for _ in 0..500 {
			let size = i128::from(random(1_000_000_000)) - 500_000_000;
			let p = position(size, 50 + random(200) as u32, i128::from(random(1_000)) - 500);
			if size != 0 {
				ladder.shift(&Position::default(), &p).unwrap();
				all.push(p);
			}
		}
		for price in [1u32, 60, 100, 151, 240, 1_000] {
			let parts: i128 = all
				.iter()
				.filter(|p| {
					let (is_long, step) = step(p).unwrap();
					wins(is_long, step.tick, x(price))
				})
				.map(|p| {
					perpetual::value(p.size, FixedU128::from_u32(price), Rounding::Down).unwrap() - p.cost
						+ p.funding
				})
				.sum();
			let sum = ladder.winning(x(price)).unwrap() as i128;
			assert!(sum >= parts && sum <= parts + 1_000, "{price}: {sum} for {parts}");
		}
	}
}
