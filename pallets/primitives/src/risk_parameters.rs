//! The governed numbers, one storage value per subject, each number reachable by key.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::DispatchError, weights::Weight};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_arithmetic::FixedU128;

use crate::{Balance, BranchId};

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
		/// The least a vault may owe unless it owes nothing, in base units of kUSD.
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
		/// kUSD minted (less repaid) in an hour, over the debt ceiling, that makes the mint path `Guarded` …
		MintedGuarded / minted_guarded: FixedU128,
		/// … `ReduceOnly`; and the most a window lets through.
		MintedReduceOnly / minted_reduce_only: FixedU128,
		/// Collateral that debt stood on and that left (less what came in) in an hour, over all such collateral, that makes
		/// the branch `Guarded` …
		LeavingGuarded / leaving_guarded: FixedU128,
		/// … `ReduceOnly`.
		LeavingReduceOnly / leaving_reduce_only: FixedU128,
		/// The most collateral a window lets out of vaults that go on owing, over all collateral. Repaying everything
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
		/// The most the treasury tranche pays for one shortfall, in base units of kUSD.
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
		/// Stability fees minted in an hour, over all kUSD, that make that mint path `Guarded` …
		FeesMintedGuarded / fees_minted_guarded: FixedU128,
		/// … `ReduceOnly`; and the most a window lets through.
		FeesMintedReduceOnly / fees_minted_reduce_only: FixedU128,
		/// The least time a breaker stays at a level, in milliseconds.
		BreakerDwell / breaker_dwell: u64,
		/// How long every fuse has to be calm before a breaker goes down one level, in milliseconds.
		BreakerCooldown / breaker_cooldown: u64,
		/// A fuse is calm below this share of the trigger of the present level.
		BreakerRelease / breaker_release: FixedU128,
		/// The largest share of a branch's debt that a change of its numbers may make unsafe.
		ImpactLimit / impact_limit: FixedU128,
	}
}

/// Whoever keeps the governed numbers.
pub trait RiskParameters {
	/// The numbers of `branch`, or the error that says it has none.
	fn branch(branch: BranchId) -> Result<BranchParameters, DispatchError>;

	/// The numbers of the chain.
	fn chain() -> ChainParameters;

	/// Write a branch's numbers past every rule, for benchmarks and the tests of other pallets.
	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(branch: BranchId, parameters: BranchParameters);

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
