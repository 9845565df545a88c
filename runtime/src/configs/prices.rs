//! Operators' raw values and the prices made of them.

use frame_support::{parameter_types, traits::ConstU32, PalletId};
use keel_primitives::FeedId;
use sp_runtime::FixedU128;

use super::operators::MaxOperators;
use crate::{
	adapters::{FeedsInUse, NeverCombine, NotePrices, OracleValues},
	governance::RootOrRiskBounds,
	OracleOperators, RiskParameters, Runtime, Timestamp,
};

parameter_types! {
	pub const OraclePalletId: PalletId = PalletId(*b"keel/orc");
}

/// The most feeds there can be.
pub type MaxFeeds = ConstU32<16>;

impl pallet_oracle::Config for Runtime {
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::adapters::OracleBenchmarks;
	type CombineData = NeverCombine;
	type MaxFeedValues = MaxFeeds;
	type MaxHasDispatchedSize = MaxOperators;
	type Members = OracleOperators;
	type OnNewData = NotePrices;
	type OracleKey = FeedId;
	type OracleValue = FixedU128;
	type PalletId = OraclePalletId;
	type Time = Timestamp;
	type WeightInfo = crate::weights::pallet_oracle::WeightInfo<Runtime>;
}

impl pallet_prices::Config for Runtime {
	type AdminOrigin = RootOrRiskBounds;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::adapters::PricesBenchmarks;
	type InUse = FeedsInUse;
	type MaxFeeds = MaxFeeds;
	type MaxOperators = MaxOperators;
	type RawValues = OracleValues;
	type RiskParameters = RiskParameters;
	type Time = Timestamp;
	type WeightInfo = crate::weights::pallet_prices::WeightInfo<Runtime>;
}
