//! The standing buyer.

use frame_support::{parameter_types, PalletId};
use keel_primitives::Balance;

use super::{vaults::MaxBranches, Synthetic};
use crate::{Assets, InsuranceFund, Runtime};

parameter_types! {
	pub const StabilityPoolPalletId: PalletId = PalletId(*b"keel/stb");
	/// `1` kUSD: what is too small to be worth a row.
	pub const MinimumDeposit: Balance = 1_000_000;
}

impl pallet_stability_pool::Config for Runtime {
	type Assets = Assets;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::adapters::AssetBenchmarks;
	type InsuranceFund = InsuranceFund;
	type MaxCollaterals = MaxBranches;
	type MinimumDeposit = MinimumDeposit;
	type PalletId = StabilityPoolPalletId;
	type Synthetic = Synthetic;
	type WeightInfo = crate::weights::pallet_stability_pool::WeightInfo<Runtime>;
}
