//! The ledger of collateralised debt.

use frame_support::{
	parameter_types,
	traits::{ConstU32, ConstU64},
	PalletId,
};
use frame_system::EnsureRoot;
use keel_primitives::Balance;

use super::Synthetic;
use crate::{
	governance::RootOrRiskBounds, AccountId, AssetRegistry, Assets, Auctions, Balances, CircuitBreaker,
	Clock, InsuranceFund, Liquidations, Prices, RiskParameters, Runtime, RuntimeHoldReason, StabilityPool,
	Timestamp,
};

parameter_types! {
	pub const VaultsPalletId: PalletId = PalletId(*b"keel/vlt");
	/// Held from the owner while a vault exists: the price of its three storage entries.
	pub const VaultDeposit: Balance = crate::fees::state::price(3, 300);
}

/// The most branches there can be.
pub type MaxBranches = ConstU32<16>;

impl pallet_vaults::Config for Runtime {
	// Interest moves and ratios ramp twice a minute: fine enough for either, and cheap.
	type AccrualPeriod = ConstU64<30_000>;
	type ActiveTime = Clock;
	type Assets = Assets;
	type Auctions = Auctions;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::adapters::VaultsBenchmarks;
	type BranchOrigin = RootOrRiskBounds;
	type CircuitBreaker = CircuitBreaker;
	type Currency = Balances;
	type InsuranceFund = InsuranceFund;
	type MaxBranches = MaxBranches;
	type PalletId = VaultsPalletId;
	type Prices = Prices;
	type Registry = AssetRegistry;
	type RiskParameters = RiskParameters;
	type RuntimeHoldReason = RuntimeHoldReason;
	type ShutdownOrigin = EnsureRoot<AccountId>;
	type StabilityPool = StabilityPool;
	type Synthetic = Synthetic;
	type Time = Timestamp;
	type Triggers = Liquidations;
	type VaultDeposit = VaultDeposit;
	type WeightInfo = crate::weights::pallet_vaults::WeightInfo<Runtime>;
}
