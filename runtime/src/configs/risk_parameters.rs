//! The governed numbers. Referenda move values and bounds; guardians tighten.

use crate::{
	governance::{Guardians, RiskController, RootOrRiskAdjust, RootOrRiskBounds},
	CircuitBreaker, Runtime, Timestamp, Vaults,
};

impl pallet_risk_parameters::Config for Runtime {
	type AdjustOrigin = RootOrRiskAdjust;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::adapters::RiskBenchmarks;
	type BoundsOrigin = RootOrRiskBounds;
	type CircuitBreaker = CircuitBreaker;
	type ControllerOrigin = RiskController;
	type GuardianOrigin = Guardians;
	type Impact = Vaults;
	type LiveFacts = crate::adapters::Facts;
	type Time = Timestamp;
	type WeightInfo = crate::weights::pallet_risk_parameters::WeightInfo<Runtime>;
}
