//! Weights of the calls and of the hook, estimated; the runtime uses measured ones.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// Weights of the pool's calls, and of what it does at the beginning of a block.
pub trait WeightInfo {
	/// [`Pallet::provide`](crate::Pallet::provide).
	fn provide() -> Weight;
	/// [`Pallet::request_withdrawal`](crate::Pallet::request_withdrawal).
	fn request_withdrawal() -> Weight;
	/// [`Pallet::cancel_withdrawal`](crate::Pallet::cancel_withdrawal) from the middle of the queue.
	fn cancel_withdrawal() -> Weight;
	/// [`Pallet::cancel_deposit`](crate::Pallet::cancel_deposit) from the middle of the queue.
	fn cancel_deposit() -> Weight;
	/// A block in which somebody waits and nobody is served.
	fn poll() -> Weight;
	/// A deposit becomes shares.
	fn provide_next() -> Weight;
	/// A deposit goes back, after it turned out that it can't become shares.
	fn refund_next() -> Weight;
	/// A withdrawal is paid.
	fn withdraw_next() -> Weight;
}

impl WeightInfo for () {
	fn provide() -> Weight {
		// The breaker, the clock, the pool, the request and the one before; kUSD, two accounts, the custody's books.
		Weight::from_parts(80_000_000, 12_000).saturating_add(RocksDbWeight::get().reads_writes(9, 7))
	}
	fn request_withdrawal() -> Weight {
		// The parameters, the clock, the pool, the request and the one before; the shares and two accounts.
		Weight::from_parts(60_000_000, 12_000).saturating_add(RocksDbWeight::get().reads_writes(8, 6))
	}
	fn cancel_withdrawal() -> Weight {
		Weight::from_parts(60_000_000, 12_000).saturating_add(RocksDbWeight::get().reads_writes(7, 7))
	}
	fn cancel_deposit() -> Weight {
		Weight::from_parts(80_000_000, 12_000).saturating_add(RocksDbWeight::get().reads_writes(10, 8))
	}
	fn poll() -> Weight {
		// The pool, the markets, the parameters, the clock, who is first in both queues.
		Weight::from_parts(30_000_000, 12_000).saturating_add(RocksDbWeight::get().reads_writes(6, 0))
	}
	fn provide_next() -> Weight {
		// The pool, the request and the one behind; the shares and an account.
		Weight::from_parts(60_000_000, 12_000).saturating_add(RocksDbWeight::get().reads_writes(6, 5))
	}
	fn refund_next() -> Weight {
		// Also kUSD, two accounts, the custody's books.
		Weight::from_parts(120_000_000, 15_000).saturating_add(RocksDbWeight::get().reads_writes(10, 9))
	}
	fn withdraw_next() -> Weight {
		Weight::from_parts(120_000_000, 15_000).saturating_add(RocksDbWeight::get().reads_writes(10, 10))
	}
}
