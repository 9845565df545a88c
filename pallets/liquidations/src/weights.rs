//! Weights. The values for `()` are estimates for tests; a runtime uses measured ones.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// What this pallet's work weighs.
pub trait WeightInfo {
	/// The call, for a vault.
	fn liquidate() -> Weight;
	/// Its validation, for a vault.
	fn authorize_liquidate() -> Weight;
	/// The call, for a margin account with all that one can have.
	fn liquidate_account() -> Weight;
	/// Its validation, for such an account.
	fn authorize_liquidate_account() -> Weight;
	/// An idle block with one group.
	fn on_idle_base() -> Weight;
	/// The threshold of one more group.
	fn observe_group() -> Weight;
	/// The liquidation of a vault by the block.
	fn liquidate_in_block() -> Weight;
	/// The liquidation of a margin account with all that one can have by the block.
	fn liquidate_account_in_block() -> Weight;
	/// One look of the block at a position with an estimated trigger, the ledger's own
	/// [`refresh_weight`](keel_primitives::PositionLedger::refresh_weight) not included.
	fn refresh_in_block() -> Weight;
	/// Reading `n` keys of the index, database reads not included.
	fn walk(n: u32) -> Weight;
	/// The debt of a range of triggers with `n` positions to count at its ends, searches for their keys not
	/// included.
	fn debt_between(n: u32) -> Weight;
	/// A position that moves in a ladder of `t` ticks. Not charged anywhere: part of the ledger's own weights.
	fn moved(t: u32) -> Weight;
	/// Finding 10 unsafe positions among 1,000. Not charged anywhere: shows that the next two are no larger.
	fn discover_1k() -> Weight;
	/// Finding 10 unsafe positions among 10,000.
	fn discover_10k() -> Weight;
	/// Finding 10 unsafe positions among 100,000.
	fn discover_100k() -> Weight;
}

impl WeightInfo for () {
	fn liquidate() -> Weight {
		Weight::from_parts(400_000_000, 60_000).saturating_add(RocksDbWeight::get().reads_writes(40, 30))
	}
	fn authorize_liquidate() -> Weight {
		Weight::from_parts(60_000_000, 20_000).saturating_add(RocksDbWeight::get().reads(10))
	}
	fn liquidate_account() -> Weight {
		Weight::from_parts(20_000_000_000, 400_000)
			.saturating_add(RocksDbWeight::get().reads_writes(200, 200))
	}
	fn authorize_liquidate_account() -> Weight {
		Weight::from_parts(400_000_000, 60_000).saturating_add(RocksDbWeight::get().reads(20))
	}
	fn on_idle_base() -> Weight {
		Weight::from_parts(40_000_000, 20_000).saturating_add(RocksDbWeight::get().reads_writes(12, 1))
	}
	fn observe_group() -> Weight {
		Weight::from_parts(20_000_000, 10_000).saturating_add(RocksDbWeight::get().reads(7))
	}
	fn liquidate_in_block() -> Weight {
		Weight::from_parts(400_000_000, 60_000).saturating_add(RocksDbWeight::get().reads_writes(40, 30))
	}
	fn liquidate_account_in_block() -> Weight {
		Weight::from_parts(20_000_000_000, 400_000)
			.saturating_add(RocksDbWeight::get().reads_writes(200, 200))
	}
	fn refresh_in_block() -> Weight {
		Weight::from_parts(20_000_000, 10_000).saturating_add(RocksDbWeight::get().reads(2))
	}
	fn walk(n: u32) -> Weight {
		Weight::from_parts(2_000_000, 3_000)
			.saturating_add(Weight::from_parts(3_000_000, 2_500).saturating_mul(n.into()))
	}
	fn debt_between(n: u32) -> Weight {
		Weight::from_parts(30_000_000, 300_000)
			.saturating_add(Weight::from_parts(3_000_000, 2_500).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(u64::from(n).saturating_add(3)))
	}
	fn moved(t: u32) -> Weight {
		Weight::from_parts(10_000_000, 300_000)
			.saturating_add(Weight::from_parts(30_000, 0).saturating_mul(t.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(1, 3))
	}
	fn discover_1k() -> Weight {
		Weight::from_parts(40_000_000, 30_000)
	}
	fn discover_10k() -> Weight {
		Weight::from_parts(40_000_000, 30_000)
	}
	fn discover_100k() -> Weight {
		Weight::from_parts(40_000_000, 30_000)
	}
}
