//! Time in which blocks were made, and what happens after a time without.
//!
//! **Active time** is the sum of the times between two blocks, each counted up to a limit. It stands still
//! while the chain does. A pallet reads it through `frame_support::traits::Time`, as a second clock beside
//! the wall clock. It starts at zero: a number of it is not a date, and is shown to users only as a duration.

use frame_support::weights::Weight;

use crate::Moment;

/// Receiver of stops of the chain.
pub trait OnGap {
	/// Called in the first block after a time without blocks longer than `OracleMaxAge`, before its
	/// transactions. That time was `length` milliseconds. Returns the weight used.
	fn on_gap(length: Moment) -> Weight;
}

#[impl_trait_for_tuples::impl_for_tuples(4)]
impl OnGap for Tuple {
	fn on_gap(length: Moment) -> Weight {
		let mut weight = Weight::zero();
		for_tuples!( #( weight = weight.saturating_add(Tuple::on_gap(length)); )* );
		weight
	}
}

/// Progress of the recovery from a stop of the chain.
pub trait Recovery {
	/// Blocks with a new price that are still missing; zero if the chain is not recovering.
	fn blocks_needed() -> u32;
}

/// Never recovers; for mocks.
impl Recovery for () {
	fn blocks_needed() -> u32 {
		0
	}
}
