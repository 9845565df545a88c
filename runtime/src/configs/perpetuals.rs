//! Perpetual markets.

use frame_support::traits::{ConstU32, ConstU64};

use crate::{
	governance::RootOrRiskBounds, CircuitBreaker, InsuranceFund, LiquidityPool, Margin, Prices,
	RiskParameters, Runtime, Timestamp,
};

impl pallet_perpetuals::Config for Runtime {
	type Accounts = Margin;
	type CircuitBreaker = CircuitBreaker;
	type InsuranceFund = InsuranceFund;
	type ListOrigin = RootOrRiskBounds;
	type MaxMarkets = ConstU32<16>;
	type MaxOrders = ConstU32<16>;
	type MaxPositions = ConstU32<8>;
	type Pool = LiquidityPool;
	type Prices = Prices;
	type RiskParameters = RiskParameters;
	// The fund gets its share of fees once an hour: one transfer for all of them.
	type SweepPeriod = ConstU64<3_600_000>;
	type Time = Timestamp;
	type WeightInfo = crate::weights::pallet_perpetuals::WeightInfo<Runtime>;
}
