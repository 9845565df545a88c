//! Cross-margin accounts.

use frame_support::{parameter_types, traits::ConstU32, PalletId};
use keel_primitives::Balance;

use super::Synthetic;
use crate::{
	governance::RootOrRiskBounds, AssetRegistry, Assets, Balances, CircuitBreaker, Clock, InsuranceFund,
	Liquidations, Perpetuals, Prices, RiskParameters, Runtime, RuntimeHoldReason, StabilityPool, Timestamp,
	KEEL,
};

parameter_types! {
	pub const MarginPalletId: PalletId = PalletId(*b"keel/mgn");
	/// Held from the owner while an account exists: the price of its entries, with all the positions and
	/// orders there may be.
	pub const AccountDeposit: Balance = 5 * KEEL / 2;
}

impl pallet_margin::Config for Runtime {
	type AccountDeposit = AccountDeposit;
	type ActiveTime = Clock;
	type Assets = Assets;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::adapters::VaultsBenchmarks;
	type CircuitBreaker = CircuitBreaker;
	type Currency = Balances;
	type InsuranceFund = InsuranceFund;
	type ListOrigin = RootOrRiskBounds;
	type MaxCollaterals = ConstU32<16>;
	type MaxHeld = ConstU32<8>;
	type PalletId = MarginPalletId;
	type Positions = Perpetuals;
	type Prices = Prices;
	type Registry = AssetRegistry;
	type RiskParameters = RiskParameters;
	type RuntimeHoldReason = RuntimeHoldReason;
	type StabilityPool = StabilityPool;
	type Synthetic = Synthetic;
	type Time = Timestamp;
	type Triggers = Liquidations;
	type WeightInfo = crate::weights::pallet_margin::WeightInfo<Runtime>;
}
