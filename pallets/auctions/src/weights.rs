//! Weights of the calls and of the hook: estimates from the storage they touch. A runtime uses measured ones.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// Weight functions needed for this pallet.
pub trait WeightInfo {
	/// [`Pallet::take`](crate::Pallet::take)
	fn take() -> Weight;
	/// [`Pallet::settle`](crate::Pallet::settle)
	fn settle() -> Weight;
	/// [`Pallet::sell_fund_collateral`](crate::Pallet::sell_fund_collateral)
	fn sell_fund_collateral() -> Weight;
	/// [`Pallet::claim`](crate::Pallet::claim)
	fn claim() -> Weight;
	/// A block that settles `n` auctions.
	fn settle_due(n: u32) -> Weight;
	/// A block that looks for collateral of the fund's to sell and finds `n` kinds of it.
	fn sell_due(n: u32) -> Weight;
}

impl WeightInfo for () {
	/// As for `settle`, with the buyer in the fund's place, the fund's kUSD besides, and kUSD that is over by
	/// way of the auctions' account to the owner.
	fn take() -> Weight {
		Weight::from_parts(260_000_000, 16_634).saturating_add(RocksDbWeight::get().reads_writes(24, 22))
	}

	/// The auction, its queue key, the debt, both assets; of each the auctions' account, which may die, the
	/// fund's and the owner's, which may be new, each with its system account; the clock, the fund's books,
	/// the parameters, the last price, two claims.
	fn settle() -> Weight {
		Weight::from_parts(260_000_000, 16_634).saturating_add(RocksDbWeight::get().reads_writes(25, 21))
	}

	/// The registry, the breaker with its fuses, the sale on record, the price, the parameters, the fund's
	/// books, the asset, two accounts of it, the decimals of kUSD, the number, the auction, its queue key.
	fn sell_fund_collateral() -> Weight {
		Weight::from_parts(180_000_000, 60_000).saturating_add(RocksDbWeight::get().reads_writes(40, 10))
	}

	/// The claim, the asset, two accounts of it.
	fn claim() -> Weight {
		Weight::from_parts(60_000_000, 6_208).saturating_add(RocksDbWeight::get().reads_writes(4, 4))
	}

	/// The clock and the head of the queue, then a settlement each.
	fn settle_due(n: u32) -> Weight {
		Weight::from_parts(10_000_000, 3_500)
			.saturating_add(RocksDbWeight::get().reads(2))
			.saturating_add(Self::settle().saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(1).saturating_mul(n.into()))
	}

	/// The clock and the time of the next look, then a kind on record and a sale each.
	fn sell_due(n: u32) -> Weight {
		Weight::from_parts(10_000_000, 3_500)
			.saturating_add(RocksDbWeight::get().reads_writes(3, 1))
			.saturating_add(Self::sell_fund_collateral().saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(1).saturating_mul(n.into()))
	}
}
