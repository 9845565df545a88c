//! The standing buyer.

use frame_support::{parameter_types, traits::ConstU64, PalletId};
use keel_primitives::Balance;

use super::{asset_registry::MaxAssets, Synthetic};
use crate::{AssetRegistry, Assets, CircuitBreaker, InsuranceFund, Runtime, Timestamp};

parameter_types! {
	pub const StabilityPoolPalletId: PalletId = PalletId(*b"keel/stb");
	/// `1` kUSD: what is too small to be worth a row.
	pub const MinimumDeposit: Balance = 1_000_000;
}

impl pallet_stability_pool::Config for Runtime {
	type Assets = Assets;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::adapters::AssetBenchmarks;
	type CircuitBreaker = CircuitBreaker;
	type InsuranceFund = InsuranceFund;
	// Two to four minutes: longer than a liquidation can be seen coming.
	type JoinDelay = ConstU64<120_000>;
	type MaxCollaterals = MaxAssets;
	type MinimumDeposit = MinimumDeposit;
	type PalletId = StabilityPoolPalletId;
	type Registry = AssetRegistry;
	type Synthetic = Synthetic;
	type Time = Timestamp;
	type WeightInfo = crate::weights::pallet_stability_pool::WeightInfo<Runtime>;
}
