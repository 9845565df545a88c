//! Weights of the calls and of the parts of a block's work, estimated; the runtime uses measured ones.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// Weights of the pallet's calls, and of what a block does by itself.
pub trait WeightInfo {
	/// [`Pallet::commit_order`](crate::Pallet::commit_order), by an account with as many positions and orders as may be.
	fn commit_order() -> Weight;
	/// [`Pallet::cancel_order`](crate::Pallet::cancel_order).
	fn cancel_order() -> Weight;
	/// [`Pallet::pay_out`](crate::Pallet::pay_out), with `n` orders to cancel.
	fn pay_out(n: u32) -> Weight;
	/// [`Pallet::list_market`](crate::Pallet::list_market).
	fn list_market() -> Weight;
	/// [`Pallet::delist`](crate::Pallet::delist).
	fn delist() -> Weight;
	/// [`Pallet::remove`](crate::Pallet::remove).
	fn remove() -> Weight;
	/// Bring a state of `n` markets up to date.
	fn refresh(n: u32) -> Weight;
	/// Move an order whose trigger is met into the queue.
	fn trigger_order() -> Weight;
	/// Fill `n` orders of a market.
	fn fill_orders(n: u32) -> Weight;
	/// Try to fill `n` orders of a market, and remove them.
	fn fail_orders(n: u32) -> Weight;
	/// Pay the insurance fund.
	fn sweep() -> Weight;
	/// What an account has in `n` markets.
	fn exposures(n: u32) -> Weight;
	/// [`Pallet::claim_recovery`](crate::Pallet::claim_recovery).
	fn claim_recovery() -> Weight;
	/// Set the gains haircut of `n` markets with full ladders.
	fn follow_deficit(n: u32) -> Weight;
}

impl WeightInfo for () {
	fn commit_order() -> Weight {
		// Markets, trader, order, number, queue, parameters; the account: cash, clearing, positions,
		// triggers.
		Weight::from_parts(150_000_000, 20_000).saturating_add(RocksDbWeight::get().reads_writes(24, 16))
	}
	fn cancel_order() -> Weight {
		Weight::from_parts(90_000_000, 15_000).saturating_add(RocksDbWeight::get().reads_writes(9, 8))
	}
	fn pay_out(n: u32) -> Weight {
		Weight::from_parts(160_000_000, 20_000)
			.saturating_add(RocksDbWeight::get().reads_writes(25, 20))
			.saturating_add(
				Weight::from_parts(15_000_000, 2_000)
					.saturating_add(RocksDbWeight::get().reads_writes(1, 2))
					.saturating_mul(n.into()),
			)
	}
	fn list_market() -> Weight {
		Weight::from_parts(40_000_000, 12_000).saturating_add(RocksDbWeight::get().reads_writes(5, 1))
	}
	fn delist() -> Weight {
		Weight::from_parts(30_000_000, 10_000).saturating_add(RocksDbWeight::get().reads_writes(2, 1))
	}
	fn remove() -> Weight {
		Weight::from_parts(40_000_000, 12_000).saturating_add(RocksDbWeight::get().reads_writes(5, 1))
	}
	fn refresh(n: u32) -> Weight {
		// Markets, clock, breaker, fund, target, pool; price and parameters each.
		Weight::from_parts(40_000_000, 12_000)
			.saturating_add(RocksDbWeight::get().reads_writes(7, 1))
			.saturating_add(
				Weight::from_parts(20_000_000, 2_000)
					.saturating_add(RocksDbWeight::get().reads(2))
					.saturating_mul(n.into()),
			)
	}
	fn trigger_order() -> Weight {
		Weight::from_parts(25_000_000, 4_000).saturating_add(RocksDbWeight::get().reads_writes(2, 3))
	}
	fn fill_orders(n: u32) -> Weight {
		// Markets, parameters, ladder, pool, clearing; of each its account, with a place in the queue and
		// one in the index.
		Weight::from_parts(100_000_000, 20_000)
			.saturating_add(RocksDbWeight::get().reads_writes(10, 4))
			.saturating_add(
				Weight::from_parts(150_000_000, 5_000)
					.saturating_add(RocksDbWeight::get().reads_writes(2, 3))
					.saturating_mul(n.into()),
			)
	}
	fn fail_orders(n: u32) -> Weight {
		Weight::from_parts(100_000_000, 20_000)
			.saturating_add(RocksDbWeight::get().reads_writes(10, 4))
			.saturating_add(
				Weight::from_parts(150_000_000, 5_000)
					.saturating_add(RocksDbWeight::get().reads_writes(2, 3))
					.saturating_mul(n.into()),
			)
	}
	fn sweep() -> Weight {
		Weight::from_parts(120_000_000, 15_000).saturating_add(RocksDbWeight::get().reads_writes(9, 7))
	}
	fn exposures(n: u32) -> Weight {
		Weight::from_parts(10_000_000, 10_000)
			.saturating_add(RocksDbWeight::get().reads(4))
			.saturating_add(Weight::from_parts(5_000_000, 0).saturating_mul(n.into()))
	}
	fn claim_recovery() -> Weight {
		// Markets and claim; the account: cash, clearing, positions, triggers.
		Weight::from_parts(100_000_000, 20_000).saturating_add(RocksDbWeight::get().reads_writes(16, 12))
	}
	fn follow_deficit(n: u32) -> Weight {
		// The state; a ladder of some hundred bins each.
		Weight::from_parts(60_000_000, 60_000)
			.saturating_add(RocksDbWeight::get().reads_writes(2, 1))
			.saturating_add(
				Weight::from_parts(60_000_000, 16_000)
					.saturating_add(RocksDbWeight::get().reads(1))
					.saturating_mul(n.into()),
			)
	}
}
