//! The governed numbers, one storage value per subject, each number reachable by key.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::pallet_prelude::DispatchError;
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
}
