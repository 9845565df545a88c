//! Gains ladder: the unrealised profit of a market's positions at a price, without a look at each position.
//!
//! A position is worth `size·x − basis`, where `x` is the price less what a whole unit of its side has been
//! charged ([`Carry`](crate::Carry)) and `basis` its cost less the charge at entry. It is in profit on one
//! side of its break-even price `basis / size`. Positions are grouped by that price in bins of one width;
//! each bin keeps the exact sums of sizes and bases, so the profit of all bins beyond `x` is exact whatever
//! `x` is, below zero too. Positions in the bin of `x` itself, within a bin's width of breaking even, are not
//! counted, nor is [dust](DUST).
//!
//! Width: about a thousandth of the price when the first position enters an empty ladder. A ladder that has
//! more bins than there is room for doubles its width until it fits.
//!
//! Logic alone, without storage.

use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use keel_math::{
	perpetual::{funding_on, SIZE_DIVISOR},
	signed::mul_div_signed,
	FixedU128, Rounding,
};
use keel_primitives::Balance;
use scale_info::TypeInfo;

use crate::Position;

/// The most bins of a side.
pub const MAX_BINS: u32 = 512;

/// A position of a smaller cost, in base units of kUSD, is dust: it is neither counted nor cut. What is left
/// of a position by closing all but a few units breaks even wherever rounding puts it. A kUSD: at that a
/// rounding moves where it breaks even by a millionth, and no order opens as little.
const DUST: u128 = 1_000_000;

/// Bins to the price when a ladder begins, as a power of two.
const BINS_TO_PRICE: u32 = 10;

/// The positions of one side whose break-even prices are in one bin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Bin {
	/// Break-even price over the bin's width, rounded down.
	pub at: i64,
	/// Sum of sizes, with their sign; never zero in a ladder.
	pub size: i128,
	/// Sum of cost less funding at entry, in base units of kUSD.
	pub basis: i128,
}

/// One side, lowest break-even price first.
type Side = BoundedVec<Bin, ConstU32<MAX_BINS>>;

/// A market's positions by side and break-even price.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Ladder {
	/// A bin is `2^bits` wide, in USD per whole unit with 18 decimals.
	pub bits: u8,
	/// The longs.
	pub long: Side,
	/// The shorts.
	pub short: Side,
}

/// The bin of `price`, USD per whole unit with 18 decimals.
pub(crate) fn bin(price: i128, bits: u8) -> i64 {
	let at = price >> u32::from(bits).min(127);
	i64::try_from(at).unwrap_or(if at < 0 { i64::MIN } else { i64::MAX })
}

/// The price at which a size with a basis breaks even, rounded down; saturates.
fn break_even(size: i128, basis: i128) -> i128 {
	let basis = if size < 0 { basis.saturating_neg() } else { basis };
	mul_div_signed(basis, SIZE_DIVISOR, size.unsigned_abs(), Rounding::Down).unwrap_or(if basis < 0 {
		i128::MIN
	} else {
		i128::MAX
	})
}

impl Position {
	/// Cost less the funding at entry, in base units of kUSD. `None` on overflow.
	pub(crate) fn basis(&self) -> Option<i128> {
		self.cost.checked_sub(self.funding)
	}

	/// Whether it is too small to be counted among gains.
	pub(crate) fn is_dust(&self) -> bool {
		self.cost.unsigned_abs() < DUST
	}

	/// The bin of its break-even price. `None` on overflow.
	pub(crate) fn bin(&self, bits: u8) -> Option<i64> {
		Some(bin(break_even(self.size, self.basis()?), bits))
	}
}

/// Whether positions of a side in bin `at` gain at a price in bin `edge`.
pub(crate) fn gains(is_long: bool, at: i64, edge: i64) -> bool {
	match is_long {
		true => at < edge,
		false => at > edge,
	}
}

impl Ladder {
	/// Whether no position is in it.
	pub fn is_empty(&self) -> bool {
		self.long.is_empty() && self.short.is_empty()
	}

	/// Takes `old` out and puts `new` in, either of which may be dust or nothing; `price` is that of now.
	/// `None`, with nothing that may be used, where `old` is not in it, and on overflow.
	pub fn shift(&mut self, price: FixedU128, old: &Position, new: &Position) -> Option<()> {
		if !old.is_dust() {
			self.take(old)?;
		}
		if new.is_dust() {
			return Some(());
		}
		if self.is_empty() {
			let bits = price.into_inner().checked_ilog2().unwrap_or(0);
			// Below 128.
			self.bits = bits.saturating_sub(BINS_TO_PRICE) as u8;
		}
		self.put(new)
	}

	fn side(&mut self, is_long: bool) -> &mut Side {
		match is_long {
			true => &mut self.long,
			false => &mut self.short,
		}
	}

	fn take(&mut self, old: &Position) -> Option<()> {
		let (at, basis) = (old.bin(self.bits)?, old.basis()?);
		let side = self.side(old.size > 0);
		let index = side.binary_search_by_key(&at, |bin| bin.at).ok()?;
		let bin = side.get_mut(index)?;
		bin.size = bin.size.checked_sub(old.size)?;
		bin.basis = bin.basis.checked_sub(basis)?;
		if bin.size == 0 {
			// No position is left, so nothing of a basis is.
			let left = bin.basis;
			side.remove(index);
			return (left == 0).then_some(());
		}
		// No more than there was.
		((bin.size > 0) == (old.size > 0)).then_some(())
	}

	/// Puts `new` in at the width there is, for `try_state`.
	#[cfg(any(test, feature = "try-runtime"))]
	pub(crate) fn add(&mut self, new: &Position) -> Option<()> {
		let bits = self.bits;
		self.put(new)?;
		(self.bits == bits).then_some(())
	}

	fn put(&mut self, new: &Position) -> Option<()> {
		let basis = new.basis()?;
		// Ends: after 128 doublings there is one bin for each sign.
		loop {
			let at = new.bin(self.bits)?;
			let side = self.side(new.size > 0);
			match side.binary_search_by_key(&at, |bin| bin.at) {
				Ok(index) => {
					let bin = side.get_mut(index)?;
					bin.size = bin.size.checked_add(new.size)?;
					bin.basis = bin.basis.checked_add(basis)?;
					return Some(());
				}
				Err(index) => {
					let bin = Bin {
						at,
						size: new.size,
						basis,
					};
					if side.try_insert(index, bin).is_ok() {
						return Some(());
					}
				}
			}
			self.widen()?;
		}
	}

	/// Doubles the width. `None` on overflow.
	fn widen(&mut self) -> Option<()> {
		self.bits = self.bits.checked_add(1)?;
		for side in [&mut self.long, &mut self.short] {
			let mut merged = Side::new();
			for bin in side.iter() {
				let at = bin.at >> 1;
				match merged.last_mut().filter(|last| last.at == at) {
					Some(last) => {
						last.size = last.size.checked_add(bin.size)?;
						last.basis = last.basis.checked_add(bin.basis)?;
					}
					None => merged.try_push(Bin { at, ..*bin }).ok()?,
				}
			}
			*side = merged;
		}
		Some(())
	}

	/// The profit of all positions in the bins beyond those of `long` and `short`, the prices less charges of
	/// the two sides, in base units of kUSD, rounded up side by side. `None` on overflow.
	///
	/// Every position beyond gains, so what all of them gain is what their sums do: one product a side,
	/// however many bins there are.
	pub fn gains(&self, long: i128, short: i128) -> Option<Balance> {
		let of = |side: &Side, is_long, x| {
			let edge = bin(x, self.bits);
			let (mut size, mut basis) = (0i128, 0i128);
			for bin in side.iter().filter(|bin| gains(is_long, bin.at, edge)) {
				size = size.checked_add(bin.size)?;
				basis = basis.checked_add(bin.basis)?;
			}
			let profit = funding_on(size, x, Rounding::Up)?.checked_sub(basis)?;
			Some(u128::try_from(profit).unwrap_or(0))
		};
		of(&self.long, true, long)?.checked_add(of(&self.short, false, short)?)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use keel_math::perpetual;

	/// A hundred whole units, so that none is dust.
	const UNIT: i128 = 10_000_000_000;

	fn position(size: i128, price: u32, funding: i128) -> Position {
		Position {
			market: 1,
			size,
			cost: perpetual::cost(size, FixedU128::from_u32(price)).unwrap(),
			funding,
		}
	}

	fn x(price: i128) -> i128 {
		price * 1_000_000_000_000_000_000
	}

	fn enter(ladder: &mut Ladder, p: &Position) {
		ladder
			.shift(FixedU128::from_u32(100), &Position::default(), p)
			.unwrap();
	}

	/// Numbers below `n`.
	fn random(mut seed: u64) -> impl FnMut(u64) -> u64 {
		move |n| {
			seed = seed
				.wrapping_mul(6_364_136_223_846_793_005)
				.wrapping_add(1_442_695_040_888_963_407);
			(seed >> 33) % n
		}
	}

	#[test]
	fn sums_winners_and_no_losers() {
		let mut ladder = Ladder::default();
		let all = [
			position(UNIT, 100, 0),
			position(2 * UNIT, 120, 0),
			position(-3 * UNIT, 130, 0),
			position(-UNIT, 90, 0),
		];
		all.iter().for_each(|p| enter(&mut ladder, p));
		// At 110: the long from 100 gains 10, the short from 130 gains 60.
		assert_eq!(ladder.gains(x(110), x(110)), Some(7_000_000_000));
		// At 200 both longs: 100 and 160.
		assert_eq!(ladder.gains(x(200), x(200)), Some(26_000_000_000));
		// At nothing both shorts: 390 and 90.
		assert_eq!(ladder.gains(0, 0), Some(48_000_000_000));
		// Where longs were charged 150 and shorts were paid 20: all four by what is left.
		assert_eq!(ladder.gains(x(-50), x(-50)), Some((180 * 3 + 140) * 100_000_000));
		for p in &all {
			ladder
				.shift(FixedU128::from_u32(7), p, &Position::default())
				.unwrap();
		}
		assert!(ladder.is_empty());
	}

	#[test]
	fn funding_at_entry_moves_the_break_even() {
		assert_eq!(
			position(UNIT, 100, 500_000_000).bin(40),
			Some((x(95) >> 40) as i64)
		);
		assert_eq!(
			position(-UNIT, 100, 500_000_000).bin(40),
			Some((x(105) >> 40) as i64)
		);
		assert_eq!(position(UNIT, 100, 30_000_000_000).bin(61), Some(-87));
		assert_eq!(position(-UNIT, 100, -30_000_000_000).bin(61), Some(-87));
	}

	#[test]
	fn leaves_the_bin_of_the_price_out() {
		let mut ladder = Ladder::default();
		// A bin is 0.0721 wide.
		enter(&mut ladder, &position(UNIT, 100, 0));
		assert_eq!(ladder.bits, 56);
		let edge = ((x(100) >> 56) + 1) << 56;
		assert_eq!(ladder.gains(edge - 1, edge - 1), Some(0));
		let gain = (edge - x(100)) as u128;
		assert_eq!(ladder.gains(edge, edge), Some(gain.div_ceil(10_000_000_000)));
	}

	#[test]
	fn widens_where_there_are_too_many_bins() {
		let mut random = random(3);
		let mut ladder = Ladder::default();
		let all: Vec<_> = (0..3_000)
			.map(|_| {
				let size = (i128::from(random(1_000_000_000)) - 500_000_000) * 10_000;
				position(
					size | 1,
					1 + random(4_000) as u32,
					i128::from(random(9)) * 10_000_000_000_000,
				)
			})
			.collect();
		all.iter().for_each(|p| enter(&mut ladder, p));
		assert!(ladder.bits > 58, "{}", ladder.bits);
		let bits = ladder.bits;
		for price in [-10_000, -1_000, 0, 17, 900, 100_000] {
			let parts: i128 = all
				.iter()
				.filter(|p| !p.is_dust() && gains(p.size > 0, p.bin(bits).unwrap(), bin(x(price), bits)))
				.map(|p| {
					let profit = funding_on(p.size, x(price), Rounding::Down).unwrap() - p.basis().unwrap();
					assert!(profit >= 0);
					profit
				})
				.sum();
			let sum = ladder.gains(x(price), x(price)).unwrap() as i128;
			assert!(sum >= parts && sum <= parts + 4_000, "{price}: {sum} for {parts}");
		}
		for p in &all {
			ladder
				.shift(FixedU128::from_u32(100), p, &Position::default())
				.unwrap();
		}
		assert!(ladder.is_empty());
	}

	#[test]
	fn gives_back_only_what_is_in_it() {
		let mut ladder = Ladder::default();
		let price = FixedU128::from_u32(100);
		let one = position(UNIT, 100, 0);
		assert_eq!(ladder.shift(price, &one, &Position::default()), None);
		enter(&mut ladder, &one);
		assert_eq!(
			ladder.shift(price, &position(2 * UNIT, 100, 0), &Position::default()),
			None
		);
	}

	#[test]
	fn extremes_stay_in_order() {
		for (size, basis) in [
			(1, i128::MAX),
			(-1, i128::MIN + 1),
			(1, i128::MIN + 1),
			(-1, i128::MAX),
		] {
			let at = break_even(size, basis);
			assert_eq!(at == i128::MAX, (size < 0) == (basis < 0));
			assert_eq!(bin(at, 0), if at > 0 { i64::MAX } else { i64::MIN });
		}
		assert_eq!(bin(-1, 200), -1);
	}
}
