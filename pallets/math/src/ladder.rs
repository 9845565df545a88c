//! Geometric ticks: numbers grouped by their leading bits.
//!
//! Everything but a number's leading one and the 7 bits below it is dropped, so an octave has 128 ticks and a tick is
//! between 1/256 and 1/128 of its numbers wide. Below 256 every number is a tick of its own. Integers only, so that every node
//! counts the same.

/// Ticks in an octave.
pub const PER_OCTAVE: u16 = 128;

/// All the ticks there are: one for each number below 128, then 128 for each of 121 octaves.
pub const TICKS: u32 = 122 * 128;

/// The tick of a number: the same or a higher one for a higher number.
pub const fn tick(number: u128) -> u16 {
	let shift = match number.checked_ilog2() {
		Some(highest) if highest > 7 => highest - 7,
		_ => 0,
	};
	// The shift is at most 120 and what is left is below 256: below 15,616 together.
	shift as u16 * PER_OCTAVE + (number >> shift) as u16
}

/// The lowest number of a tick; `u128::MAX` for what is no tick.
pub const fn floor(tick: u16) -> u128 {
	if tick as u32 >= TICKS {
		return u128::MAX;
	}
	if tick < PER_OCTAVE {
		return tick as u128;
	}
	// 8 bits shifted by at most 120.
	((tick % PER_OCTAVE + PER_OCTAVE) as u128) << (tick / PER_OCTAVE - 1)
}

/// The highest number of a tick; `u128::MAX` for what is no tick.
pub const fn ceil(tick: u16) -> u128 {
	if tick as u32 >= TICKS - 1 {
		return u128::MAX;
	}
	// Of a tick that is not the first: at least one.
	floor(tick + 1) - 1
}
