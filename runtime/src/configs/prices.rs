//! Operators' raw values and the prices made of them.

use frame_support::{parameter_types, traits::ConstU32, PalletId};
use frame_system::EnsureRoot;
use keel_primitives::FeedId;
use sp_runtime::FixedU128;

use crate::{
	adapters::{FeedsInUse, NeverCombine, NotePrices, OracleValues},
	governance::{powers::SuspendedOperators, RootOrRiskBounds},
	AccountId, Prices, RiskParameters, Runtime, Signature, Timestamp,
};

parameter_types! {
	pub const OraclePalletId: PalletId = PalletId(*b"keel/orc");
}

/// The most feeds there can be.
pub type MaxFeeds = ConstU32<16>;
/// The most operators there can be.
pub type MaxOperators = ConstU32<16>;

impl pallet_oracle::Config for Runtime {
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::adapters::OracleBenchmarks;
	type CombineData = NeverCombine;
	type MaxFeedValues = MaxFeeds;
	// Root alone feeds through its call.
	type MaxHasDispatchedSize = ConstU32<1>;
	type Members = Prices;
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
	type OperatorOrigin = EnsureRoot<AccountId>;
	type RawValues = OracleValues;
	type RiskParameters = RiskParameters;
	type Signature = Signature;
	type Suspended = SuspendedOperators;
	type Time = Timestamp;
	type WeightInfo = crate::weights::pallet_prices::WeightInfo<Runtime>;
}
