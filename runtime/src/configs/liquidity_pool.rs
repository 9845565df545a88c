//! The pool on the other side of every perpetual trade.

use frame_support::{parameter_types, traits::ConstU32, PalletId};
use keel_primitives::{AssetId, Balance};

use crate::{Assets, CircuitBreaker, Margin, Perpetuals, RiskParameters, Runtime, Timestamp};

parameter_types! {
	pub const LiquidityPoolPalletId: PalletId = PalletId(*b"keel/lpl");
	/// Shares of the pool: kLP.
	pub const PoolShares: AssetId = 100;
	/// `1` kUSD: what is too small to be worth a place in the queue.
	pub const MinimumProvided: Balance = 1_000_000;
}

impl pallet_liquidity_pool::Config for Runtime {
	type Accounts = Margin;
	type Assets = Assets;
	type CircuitBreaker = CircuitBreaker;
	type Exposure = Perpetuals;
	type MaxWaiting = ConstU32<10_000>;
	type MinimumDeposit = MinimumProvided;
	type PalletId = LiquidityPoolPalletId;
	type RiskParameters = RiskParameters;
	type Shares = PoolShares;
	type Time = Timestamp;
	type WeightInfo = crate::weights::pallet_liquidity_pool::WeightInfo<Runtime>;
}
