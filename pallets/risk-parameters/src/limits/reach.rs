//! How a change of each key reaches what exists: open vaults and positions, collateral that is held, shares
//! of the pool.

use keel_primitives::{BranchKey, ChainKey, CollateralKey, MarketKey};

use crate::types::Reach::{self, *};

/// How a branch's `key` reaches vaults that are open.
pub const fn branch(key: BranchKey) -> Reach {
	use BranchKey::*;
	match key {
		LiquidationRatio | LiquidationRatioCap | LiquidationPenalty | VolatilityMultiple
		| VolatilityHorizon => Gate,
		TargetMargin => Ramp,
		// The speed of the ramp itself: at most five points an hour, whatever anybody votes for.
		RampPerHour => AtOnce,
		// Charged from then on and for no time before. Repaying is always open.
		StabilityFee => AtOnce,
		// Withdrawing under a debt waits longer. Repaying everything never does.
		ExitLimit => AtOnce,
		SafetyMargin | DebtCeiling | GuardedMargin | GuardedCeiling | MintLimit => New,
		// A vault keeps the minimum of its last mint, an auction the terms it began with.
		MinimumDebt | AuctionStart | AuctionCut | AuctionStep | AuctionReserve | AuctionDuration => New,
		// The owner pays the penalty, whatever share of it the pool gets.
		PoolBonus => Harmless,
		DeviationGuarded | DeviationReduceOnly | DeviationHalted | RefusedGuarded | RefusedReduceOnly
		| RefusedHalted | LiquidatedGuarded | LiquidatedReduceOnly | LiquidatedHalted | LeavingGuarded
		| LeavingReduceOnly => Breaker,
	}
}

/// How the chain's `key` reaches what exists.
pub const fn chain(key: ChainKey) -> Reach {
	use ChainKey::*;
	match key {
		VolatilityTau => Ramp,
		// Which values make a price, and which price is good enough to liquidate or to leave on.
		OracleQuorum | OracleMaxAge | OutlierDeviations | OutlierFloor | RecoveryPrices | LiquidateAge
		| LiquidateConfidence | ReduceRiskAge | ReduceRiskConfidence => AtOnce,
		// What is not fit for new risk counts as refused.
		AddRiskAge | AddRiskConfidence => Breaker,
		DrawdownGuarded | DrawdownReduceOnly | DrawdownHalted | DrawdownFloor | BreakerDwell
		| BreakerCooldown | BreakerRelease | LendingGuarded | LendingReduceOnly => Breaker,
		FundShare | TreasuryCap | FeeLimit | PoolFeeFloor => Harmless,
		// Only who is unsafe already is liquidated sooner or later by them.
		FallbackBlocks | LiquidationsPerBlock => Harmless,
		// The gate itself.
		ImpactLimit => Harmless,
		ProfitShare | ProfitCap | LendingCap => New,
		// Margin accounts: called, charged, kept in a line or in the pool.
		MarginCall | OrderFee | OrdersPerBlock | RefreshesPerBlock | PoolCooldown | PoolStress
		| BorrowSlope | BorrowKink | BorrowJump | LendingBase | LendingSlope | LendingKink | LendingJump => AtOnce,
	}
}

/// How a market's `key` reaches positions that are open.
pub const fn market(key: MarketKey) -> Reach {
	use MarketKey::*;
	match key {
		MaintenanceMargin | MaintenanceCap | VolatilityMultiple | VolatilityHorizon => Ramp,
		// They move marks, by a hundredth of themselves in an hour. New risk meets a lower bound at once.
		SkewScale | MaxPremium => Ramp,
		// A liquidation asks for none of them.
		MaxOpenInterest | GuardedCaps | InitialMultiple | OpenInterestLower | OpenInterestUpper
		| GuardedMultiple => New,
		Rebate | RebateBand | RebateShare | TrancheTarget => Harmless,
		// The speed of the ramp itself.
		RampPerHour => AtOnce,
		// What leaving and holding costs, what a liquidation costs, and how much of the market may be
		// liquidated in an hour.
		PremiumStep | TakerFee | MakerFee | MaxFundingRate | FundingVelocity | LiquidationFee
		| LiquidationLimit => AtOnce,
		// It keeps the pool's providers in.
		Stress => AtOnce,
		DeviationGuarded | DeviationReduceOnly | DeviationHalted | RefusedGuarded | RefusedReduceOnly
		| RefusedHalted | LiquidatedGuarded | LiquidatedReduceOnly | LiquidatedHalted => Breaker,
	}
}

/// How an asset's `key` reaches collateral that is held.
pub const fn collateral(key: CollateralKey) -> Reach {
	match key {
		CollateralKey::Haircut => Ramp,
		CollateralKey::DepositCap => New,
		// The speed of the ramp itself, and what a liquidation sells at.
		CollateralKey::HaircutRamp | CollateralKey::SaleDiscount => AtOnce,
	}
}
