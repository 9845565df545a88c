//! The governed numbers, one storage value per subject, each number reachable by key.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::DispatchError, weights::Weight};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_arithmetic::FixedU128;

use crate::{AssetId, Balance, BranchId, MarketId};

/// A number of a parameter set as governance writes it: the inner value of a `FixedU128`, base units, or a count.
pub trait RawParameter: Sized {
	/// The raw number.
	fn into_raw(self) -> u128;
	/// From the raw number; `None` if it does not fit.
	fn from_raw(raw: u128) -> Option<Self>;
}

impl RawParameter for FixedU128 {
	fn into_raw(self) -> u128 {
		self.into_inner()
	}
	fn from_raw(raw: u128) -> Option<Self> {
		Some(FixedU128::from_inner(raw))
	}
}

macro_rules! raw_integer {
	($($t:ty),*) => {$(
		impl RawParameter for $t {
			fn into_raw(self) -> u128 {
				self as u128
			}
			fn from_raw(raw: u128) -> Option<Self> {
				raw.try_into().ok()
			}
		}
	)*};
}
raw_integer!(u32, u64, u128);

macro_rules! parameter_set {
	(
		$(#[$smeta:meta])* $set:ident, $(#[$kmeta:meta])* $key:ident {
			$( $(#[$meta:meta])* $variant:ident / $field:ident : $t:ty, )*
		}
	) => {
		$(#[$smeta])*
		#[derive(
			Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen,
			TypeInfo, Serialize, Deserialize,
		)]
		pub struct $set {
			$( $(#[$meta])* pub $field: $t, )*
		}

		$(#[$kmeta])*
		#[derive(
			Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode,
			DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
		)]
		// The documentation of parameters is written from these.
		#[scale_info(capture_docs = "always")]
		pub enum $key {
			$( $(#[$meta])* $variant, )*
		}

		impl $key {
			/// Every key, in order.
			pub const ALL: &'static [$key] = &[ $( $key::$variant, )* ];
		}

		impl $set {
			/// The raw number under `key`.
			pub fn get(&self, key: $key) -> u128 {
				match key { $( $key::$variant => RawParameter::into_raw(self.$field), )* }
			}

			/// Write the raw number under `key`; `None`, and nothing written, if it does not fit its type.
			pub fn set(&mut self, key: $key, raw: u128) -> Option<()> {
				match key { $( $key::$variant => self.$field = RawParameter::from_raw(raw)?, )* }
				Some(())
			}

			/// The same numbers, each one outside `limits(key)` (lowest, highest) moved to the nearest
			/// inside.
			pub fn within(mut self, limits: impl Fn($key) -> (u128, u128)) -> Self {
				$(
					let (low, high) = limits($key::$variant);
					let raw = RawParameter::into_raw(self.$field);
					if raw < low || raw > high {
						// Limits fit the number's type: it stays where it is if a limit did not.
						let _ = self.set($key::$variant, raw.max(low).min(high));
					}
				)*
				self
			}
		}
	};
}

parameter_set! {
	/// The governed numbers of one branch. Ratios and rates are `FixedU128`, `1` being 100 %.
	BranchParameters,
	/// The keys of [`BranchParameters`].
	BranchKey {
		/// `LR_base`: collateral value over debt value below which a vault is liquidated in calm markets.
		LiquidationRatio / liquidation_ratio: FixedU128,
		/// The highest liquidation ratio volatility may ask for.
		LiquidationRatioCap / liquidation_ratio_cap: FixedU128,
		/// How fast the liquidation ratio of existing vaults may move, per hour.
		RampPerHour / ramp_per_hour: FixedU128,
		/// What new risk needs on top of the liquidation ratio.
		SafetyMargin / safety_margin: FixedU128,
		/// How far above the liquidation ratio a liquidation restores a vault.
		TargetMargin / target_margin: FixedU128,
		/// What a liquidated owner pays on top of the debt repaid.
		LiquidationPenalty / liquidation_penalty: FixedU128,
		/// The stability pool's discount: it takes collateral at `price / (1 + bonus)`.
		PoolBonus / pool_bonus: FixedU128,
		/// Annual interest, compounding per second.
		StabilityFee / stability_fee: FixedU128,
		/// The most kUSD the branch may owe, in base units.
		DebtCeiling / debt_ceiling: Balance,
		/// The least a vault may owe when it mints, in base units of kUSD. One that minted before keeps a
		/// lower minimum.
		MinimumDebt / minimum_debt: Balance,
		/// Multiple of `σ·√h` the liquidation ratio covers (2.33: 99 % one-sided normal).
		VolatilityMultiple / volatility_multiple: FixedU128,
		/// `h`, the horizon the liquidation ratio covers, in seconds.
		VolatilityHorizon / volatility_horizon: u64,
		/// Where an auction starts, as a multiple of spot.
		AuctionStart / auction_start: FixedU128,
		/// What is left of an auction's price after one step.
		AuctionCut / auction_cut: FixedU128,
		/// The length of a step, in seconds.
		AuctionStep / auction_step: u64,
		/// Below this multiple of spot at its start an auction sells nothing; the fund takes over.
		AuctionReserve / auction_reserve: FixedU128,
		/// The longest an auction runs, in seconds.
		AuctionDuration / auction_duration: u64,
		/// What new risk needs on top of the safety margin while the branch is `Guarded`.
		GuardedMargin / guarded_margin: FixedU128,
		/// The share of the debt ceiling that may be used while the branch is `Guarded`.
		GuardedCeiling / guarded_ceiling: FixedU128,
		/// Distance of spot from its five-minute average, over the average, that makes the branch `Guarded` …
		DeviationGuarded / deviation_guarded: FixedU128,
		/// … `ReduceOnly` …
		DeviationReduceOnly / deviation_reduce_only: FixedU128,
		/// … `Halted`.
		DeviationHalted / deviation_halted: FixedU128,
		/// How long the price has to be unfit for adding risk to make the branch `Guarded`, in milliseconds …
		RefusedGuarded / refused_guarded: u64,
		/// … `ReduceOnly` …
		RefusedReduceOnly / refused_reduce_only: u64,
		/// … `Halted`.
		RefusedHalted / refused_halted: u64,
		/// Debt liquidated in an hour, over all debt, that makes the branch `Guarded` …
		LiquidatedGuarded / liquidated_guarded: FixedU128,
		/// … `ReduceOnly` …
		LiquidatedReduceOnly / liquidated_reduce_only: FixedU128,
		/// … `Halted`.
		LiquidatedHalted / liquidated_halted: FixedU128,
		/// The most kUSD that may be minted in an hour, less what is repaid, over the debt ceiling.
		MintLimit / mint_limit: FixedU128,
		/// Collateral that debt stood on, that left in an hour and stayed away for minutes, over all such
		/// collateral, that makes the branch `Guarded` …
		LeavingGuarded / leaving_guarded: FixedU128,
		/// … `ReduceOnly`.
		LeavingReduceOnly / leaving_reduce_only: FixedU128,
		/// The most collateral that vaults which go on owing may give out in an hour, less what comes back,
		/// over what they hold; and beside it a fifth of that for each vault of its own. Repaying everything
		/// and closing is always open.
		ExitLimit / exit_limit: FixedU128,
	}
}

parameter_set! {
	/// The governed numbers of the whole chain.
	ChainParameters,
	/// The keys of [`ChainParameters`].
	ChainKey {
		/// Fresh values a price needs.
		OracleQuorum / oracle_quorum: u32,
		/// Age at which an operator's value stops counting, in milliseconds.
		OracleMaxAge / oracle_max_age: u64,
		/// Values further from the median than this many median deviations are dropped …
		OutlierDeviations / outlier_deviations: FixedU128,
		/// … unless they are within this share of the median.
		OutlierFloor / outlier_floor: FixedU128,
		/// Fresh prices in a row that end an outage for liquidations.
		RecoveryPrices / recovery_prices: u32,
		/// Oldest price risk may be added on, in milliseconds.
		AddRiskAge / add_risk_age: u64,
		/// Largest confidence over price risk may be added on.
		AddRiskConfidence / add_risk_confidence: FixedU128,
		/// Oldest price risk may be reduced on, in milliseconds.
		ReduceRiskAge / reduce_risk_age: u64,
		/// Largest confidence over price risk may be reduced on.
		ReduceRiskConfidence / reduce_risk_confidence: FixedU128,
		/// Oldest price a position may be liquidated on, in milliseconds.
		LiquidateAge / liquidate_age: u64,
		/// Largest confidence over price a position may be liquidated on.
		LiquidateConfidence / liquidate_confidence: FixedU128,
		/// `τ` of the volatility average, in seconds.
		VolatilityTau / volatility_tau: u64,
		/// Share of fee and penalty income that goes to the shared tranche; the rest to the treasury tranche.
		FundShare / fund_share: FixedU128,
		/// The most the treasury tranche pays for shortfalls and claims within an hour, in base units of
		/// kUSD.
		TreasuryCap / treasury_cap: Balance,
		/// Blocks a position stays unsafe before the block itself liquidates it.
		FallbackBlocks / fallback_blocks: u32,
		/// The most positions liquidated in one block, by whomever.
		LiquidationsPerBlock / liquidations_per_block: u32,
		/// Shortfalls of an hour, over what the insurance fund had, that make the chain `Guarded` …
		DrawdownGuarded / drawdown_guarded: FixedU128,
		/// … `ReduceOnly` …
		DrawdownReduceOnly / drawdown_reduce_only: FixedU128,
		/// … `Halted`.
		DrawdownHalted / drawdown_halted: FixedU128,
		/// The least a drawdown is measured against, in base units of kUSD, beside a hundredth of all kUSD: a young fund is no
		/// reason to stop a chain.
		DrawdownFloor / drawdown_floor: Balance,
		/// The most stability fees that may be minted in an hour, over all kUSD.
		FeeLimit / fee_limit: FixedU128,
		/// The least time a breaker stays at a level, in milliseconds.
		BreakerDwell / breaker_dwell: u64,
		/// How long every fuse has to be calm before a breaker goes down one level, in milliseconds.
		BreakerCooldown / breaker_cooldown: u64,
		/// A fuse is calm below this share of the trigger of the present level.
		BreakerRelease / breaker_release: FixedU128,
		/// The largest share of a branch's debt that a change of its numbers may make unsafe.
		ImpactLimit / impact_limit: FixedU128,
		/// A margin account with measures is called when its equity falls under this multiple of its
		/// maintenance requirement.
		MarginCall / margin_call: FixedU128,
		/// The share of an account's unrealised profit that counts for new risk …
		ProfitShare / profit_share: FixedU128,
		/// … and the most profit it is a share of, of all positions of one side of a market together, each by
		/// its size; in base units of kUSD.
		ProfitCap / profit_cap: Balance,
		/// What an order holds back until it is filled, and costs if it fails, in base units of kUSD.
		OrderFee / order_fee: Balance,
		/// The most orders and pool requests handled in a block, each.
		OrdersPerBlock / orders_per_block: u32,
		/// The most margin accounts looked at again in a block.
		RefreshesPerBlock / refreshes_per_block: u32,
		/// How long a withdrawal from the liquidity pool waits, in milliseconds.
		PoolCooldown / pool_cooldown: u64,
		/// The largest share of the liquidity pool's equity its worst case may take, for new risk and for withdrawals.
		PoolStress / pool_stress: FixedU128,
		/// Share of the fees of trades, after what is set aside for rebates, that the liquidity pool gets at
		/// least, whatever the insurance fund is short of.
		PoolFeeFloor / pool_fee_floor: FixedU128,
		/// Borrow fee at a full utilisation of the pool's stress limit, per year of the worst case a position
		/// is to the pool …
		BorrowSlope / borrow_slope: FixedU128,
		/// … up to this utilisation …
		BorrowKink / borrow_kink: FixedU128,
		/// … and what a full utilisation adds on top beyond it.
		BorrowJump / borrow_jump: FixedU128,
		/// What margin accounts pay for a negative balance while nothing is borrowed, a year.
		LendingBase / lending_base: FixedU128,
		/// What a full utilisation of the lending reserve would add, a year …
		LendingSlope / lending_slope: FixedU128,
		/// … up to this utilisation …
		LendingKink / lending_kink: FixedU128,
		/// … and what it adds on top beyond it.
		LendingJump / lending_jump: FixedU128,
		/// The highest utilisation of the lending reserve an action of an owner may lead to.
		LendingCap / lending_cap: FixedU128,
		/// Utilisation of the lending reserve that makes lending `Guarded` …
		LendingGuarded / lending_guarded: FixedU128,
		/// … `ReduceOnly`.
		LendingReduceOnly / lending_reduce_only: FixedU128,
	}
}

parameter_set! {
	/// The governed numbers of one perpetual market. Ratios and rates are `FixedU128`, `1` being 100 %.
	MarketParameters,
	/// The keys of [`MarketParameters`].
	MarketKey {
		/// The least share of its value a position has to be worth not to be liquidated, in calm markets.
		MaintenanceMargin / maintenance_margin: FixedU128,
		/// The highest share volatility may ask for.
		MaintenanceCap / maintenance_cap: FixedU128,
		/// Multiple of `σ·√h` the maintenance margin covers.
		VolatilityMultiple / volatility_multiple: FixedU128,
		/// `h`, the time a liquidation may take, in seconds.
		VolatilityHorizon / volatility_horizon: u64,
		/// How fast the maintenance margin of existing positions may move, per hour.
		RampPerHour / ramp_per_hour: FixedU128,
		/// The initial margin, as a multiple of the maintenance margin.
		InitialMultiple / initial_multiple: FixedU128,
		/// Open interest of a side, in base units of kUSD, from which on the initial margin rises …
		OpenInterestLower / open_interest_lower: Balance,
		/// … and at which it is 100 %.
		OpenInterestUpper / open_interest_upper: Balance,
		/// The most open interest of a side, in base units of kUSD.
		MaxOpenInterest / max_open_interest: Balance,
		/// `K`, the skew at which the premium would be 100 %, in base units of a size (8 decimals).
		SkewScale / skew_scale: u128,
		/// `M`, the largest premium, either way: no fill is further from the index. New risk may take the
		/// skew to `M × K`.
		MaxPremium / max_premium: FixedU128,
		/// How far the premium may widen in one block, and all orders without a limit may move it together, either way.
		PremiumStep / premium_step: FixedU128,
		/// What of a trade that widens the skew is paid.
		TakerFee / taker_fee: FixedU128,
		/// What of a trade that narrows the skew is paid.
		MakerFee / maker_fee: FixedU128,
		/// What of a trade that narrows the skew is received while the premium is outside its band.
		Rebate / rebate: FixedU128,
		/// The premium, either way, beyond which rebates are paid.
		RebateBand / rebate_band: FixedU128,
		/// The share of taker fees set aside for rebates.
		RebateShare / rebate_share: FixedU128,
		/// The highest funding rate, either way, per day.
		MaxFundingRate / max_funding_rate: FixedU128,
		/// How fast the funding rate moves while the premium is at its bound, per day and day. The rate
		/// decays with a time constant of 8 hours, so that it settles at a third of this.
		FundingVelocity / funding_velocity: FixedU128,
		/// The price move, either way, the pool and the insurance fund are measured against.
		Stress / stress: FixedU128,
		/// What a liquidated position pays of its value.
		LiquidationFee / liquidation_fee: FixedU128,
		/// The most a window (about an hour) lets be liquidated, over open interest. An account that is worth
		/// less than three quarters of its requirement does not wait for it.
		LiquidationLimit / liquidation_limit: FixedU128,
		/// What the initial margin is multiplied by while the market is `Guarded`.
		GuardedMultiple / guarded_multiple: FixedU128,
		/// The share of the caps on open interest and premium that may be used while the market is `Guarded`.
		GuardedCaps / guarded_caps: FixedU128,
		/// What the market's own tranche of the insurance fund is filled up to, in base units of kUSD.
		TrancheTarget / tranche_target: Balance,
		/// Distance of spot from its five-minute average, over the average, that makes the market `Guarded` …
		DeviationGuarded / deviation_guarded: FixedU128,
		/// … `ReduceOnly` …
		DeviationReduceOnly / deviation_reduce_only: FixedU128,
		/// … `Halted`.
		DeviationHalted / deviation_halted: FixedU128,
		/// How long the price has to be unfit for adding risk to make the market `Guarded`, in milliseconds …
		RefusedGuarded / refused_guarded: u64,
		/// … `ReduceOnly` …
		RefusedReduceOnly / refused_reduce_only: u64,
		/// … `Halted`.
		RefusedHalted / refused_halted: u64,
		/// Notional liquidated in an hour, over open interest, that makes the market `Guarded` …
		LiquidatedGuarded / liquidated_guarded: FixedU128,
		/// … `ReduceOnly` …
		LiquidatedReduceOnly / liquidated_reduce_only: FixedU128,
		/// … `Halted`.
		LiquidatedHalted / liquidated_halted: FixedU128,
	}
}

parameter_set! {
	/// The governed numbers of one asset that margin accounts may hold.
	CollateralParameters,
	/// The keys of [`CollateralParameters`].
	CollateralKey {
		/// The share of its value that does not count.
		Haircut / haircut: FixedU128,
		/// How fast the haircut of what is held already may move, per hour.
		HaircutRamp / haircut_ramp: FixedU128,
		/// The most of it all accounts together may hold, as a value in base units of kUSD.
		DepositCap / deposit_cap: Balance,
		/// The discount at which it is sold when an account is liquidated: the buyer pays `price / (1 + discount)`.
		SaleDiscount / sale_discount: FixedU128,
	}
}

/// Whoever keeps the governed numbers.
pub trait RiskParameters {
	/// The numbers of `branch`, or the error that says it has none.
	fn branch(branch: BranchId) -> Result<BranchParameters, DispatchError>;

	/// The numbers of the chain.
	fn chain() -> ChainParameters;

	/// The numbers of `market`, or the error that says it has none.
	fn market(_market: MarketId) -> Result<MarketParameters, DispatchError> {
		Err(DispatchError::Unavailable)
	}

	/// The numbers of `asset` as collateral of margin accounts, or the error that says it has none.
	fn collateral(_asset: AssetId) -> Result<CollateralParameters, DispatchError> {
		Err(DispatchError::Unavailable)
	}

	/// Write a branch's numbers past every rule, for benchmarks and the tests of other pallets.
	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(branch: BranchId, parameters: BranchParameters);

	/// Write a market's numbers past every rule, for benchmarks and the tests of other pallets.
	#[cfg(feature = "runtime-benchmarks")]
	fn set_market(_market: MarketId, _parameters: MarketParameters) {}

	/// Write an asset's numbers past every rule, for benchmarks and the tests of other pallets.
	#[cfg(feature = "runtime-benchmarks")]
	fn set_collateral(_asset: AssetId, _parameters: CollateralParameters) {}

	/// Write the chain's numbers past every rule, for benchmarks and the tests of other pallets.
	#[cfg(feature = "runtime-benchmarks")]
	fn set_chain(parameters: ChainParameters);
}

/// What a change of a branch's numbers would do to those who are in already.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Impact {
	/// Debt of positions that are safe at the price of now and would not be, in base units of kUSD. Where it is not
	/// exact, an upper bound.
	pub newly_unsafe: Balance,
	/// Debt of all positions of the branch.
	pub total: Balance,
	/// Whether `newly_unsafe` is exact.
	pub exact: bool,
}

/// Whoever can say what a change would do, before it is made.
pub trait ImpactGauge {
	/// What moving `branch` from `before` to `after` would do, once the ramp has run. `None` if it can make nobody
	/// unsafe; an error if that can't be known now, because the price is refused.
	fn impact(
		branch: BranchId,
		before: &BranchParameters,
		after: &BranchParameters,
	) -> Result<Option<Impact>, DispatchError>;

	/// The most that can weigh beyond a branch's own storage; nothing for a gauge that counts nothing.
	fn weight() -> Weight {
		Weight::zero()
	}
}

/// Nothing makes anybody unsafe; for mocks.
impl ImpactGauge for () {
	fn impact(
		_: BranchId,
		_: &BranchParameters,
		_: &BranchParameters,
	) -> Result<Option<Impact>, DispatchError> {
		Ok(None)
	}
}

/// Facts outside the governed numbers that bound them.
pub trait LiveFacts {
	/// Operators who feed prices: the largest quorum that can be met.
	fn operators() -> u32;

	/// The least kUSD an account may hold, in base units: no smaller debt can be paid out.
	fn minimum_balance() -> Balance;
}

/// Facts that bound nothing; for mocks.
impl LiveFacts for () {
	fn operators() -> u32 {
		u32::MAX
	}

	fn minimum_balance() -> Balance {
		0
	}
}
