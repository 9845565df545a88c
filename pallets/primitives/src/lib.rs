//! # Primitives
//!
//! The doors between Keel's pallets: the types that travel and the traits a pallet asks for or offers.
//! There is no storage here and nothing to dispatch. A pallet names what it needs as an associated type
//! bounded by one of these traits; the runtime says who answers.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod asset_registry;
pub mod auctions;
pub mod circuit_breaker;
pub mod clock;
pub mod insurance_fund;
pub mod liquidations;
pub mod margin;
pub mod meter;
pub mod prices;
pub mod risk_parameters;
pub mod stability_pool;
pub mod types;
pub mod window;

pub use asset_registry::{AssetRegistry, Listing, RegisteredAsset};
pub use auctions::{Auctions, Lot};
pub use circuit_breaker::{
	Action, BreakerSubject, CircuitBreaker, Fuse, Gauge, Gauges, Level, MintPath, Triggers,
};
pub use clock::{OnGap, Recovery};
pub use insurance_fund::{Coverage, IncomeSource, InsuranceFund};
pub use liquidations::{
	level_key, level_of, DebtBetween, Entry, Group, LiquidationOutcome, PositionLedger, TriggerIndex,
};
pub use margin::{
	Act, Clearing, Closed, Closing, Exposure, LiquidityPool, MarginAccounts, PoolExposure, Positioned,
	Positions, Priced, Pricing, Waterfall, MARKETS_PART,
};
pub use meter::Meter;
pub use prices::{Price, PriceFor, PriceProvider};
pub use risk_parameters::{
	BranchKey, BranchParameters, ChainKey, ChainParameters, CollateralKey, CollateralParameters, Impact,
	ImpactGauge, LiveFacts, MarketKey, MarketParameters, RiskParameters,
};
pub use stability_pool::StabilityPool;
pub use types::*;
pub use window::Window;
