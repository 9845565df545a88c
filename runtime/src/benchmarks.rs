//! Which benchmarks there are.

pub use frame_benchmarking::{baseline::Pallet as Baseline, BenchmarkBatch};
pub use frame_system_benchmarking::{extensions::Pallet as SystemExtensions, Pallet as SystemBench};

use crate::*;

frame_benchmarking::define_benchmarks!(
	[pallet_oracle, Oracle]
	[pallet_prices, Prices]
	[pallet_risk_parameters, RiskParameters]
	[pallet_vaults, Vaults]
	[pallet_liquidations, Liquidations]
	[pallet_stability_pool, StabilityPool]
	[pallet_auctions, Auctions]
	[pallet_insurance_fund, InsuranceFund]
);
