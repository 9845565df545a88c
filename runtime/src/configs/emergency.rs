//! The breaker, and the SDK's switches for what is outside its reach.

use frame_support::{
	parameter_types,
	traits::{ConstU32, Contains, GetCallMetadata, NeverEnsureOrigin},
};
use pallet_tx_pause::RuntimeCallNameOf;

use crate::{
	adapters::SupplyGauge,
	governance::{
		powers::{Effects, Ends, EntersSafeMode, OnSafeMode, Pauses, Resumes, Suspends},
		tracks::SafeModeDuration,
		Guardians, HalfOfCommittee, RootOrRiskAdjust,
	},
	Balance, Balances, InsuranceFund, Margin, Perpetuals, Prices, RiskParameters, Runtime, RuntimeCall,
	RuntimeEvent, RuntimeHoldReason, Timestamp, Vaults,
};

impl pallet_circuit_breaker::Config for Runtime {
	type Gauges = (Vaults, InsuranceFund, SupplyGauge, Margin, Perpetuals);
	type GuardianOrigin = Guardians;
	// Two for each of 16 branches, one for each of 16 markets, the chain, the fees' path and the lending; and some room.
	type MaxSubjects = ConstU32<64>;
	type OverrideOrigin = RootOrRiskAdjust;
	type Recovery = Prices;
	type RiskParameters = RiskParameters;
	type Time = Timestamp;
	type WeightInfo = crate::weights::pallet_circuit_breaker::WeightInfo<Runtime>;
}

/// What no switch may stop: time and prices, governance, liquidations, and every way out.
///
/// `vaults.adjust` is here because it repays and tops up; that it mints nothing while the chain is in trouble is the
/// breaker's work. So is `perpetuals.commit_order`: a position is closed by an order. A wrapper (batch, proxy, multisig) is open because what it carries is judged by itself.
pub struct AlwaysOpen;

impl AlwaysOpen {
	/// Pallets, and which of their calls; none named is all of them.
	pub const OPEN: [(&str, &[&str]); 29] = [
		("System", &[]),
		("Timestamp", &[]),
		("Utility", &[]),
		("Multisig", &[]),
		("Proxy", &[]),
		("TechnicalMembership", &[]),
		("TechnicalCommittee", &[]),
		("TxPause", &[]),
		("SafeMode", &[]),
		("Emergency", &[]),
		("Oracle", &[]),
		("Prices", &[]),
		("RiskParameters", &[]),
		("CircuitBreaker", &[]),
		("Liquidations", &[]),
		("Preimage", &[]),
		("Scheduler", &[]),
		("ConvictionVoting", &[]),
		("Referenda", &[]),
		("Whitelist", &[]),
		("Treasury", &[]),
		("Grandpa", &[]),
		(
			"Vaults",
			&[
				"adjust",
				"close",
				"repay",
				"top_up",
				"shut_down",
				"settle",
				"redeem",
			],
		),
		("StabilityPool", &["withdraw", "claim", "claim_all"]),
		("Auctions", &["take", "settle", "claim"]),
		("InsuranceFund", &["donate", "pay_bad_debt"]),
		(
			"Margin",
			&[
				"deposit",
				"withdraw",
				"transfer",
				"redeem",
				"set_top_up",
				"set_reduce",
				"close_account",
				"buy_collateral",
			],
		),
		(
			"Perpetuals",
			&[
				"commit_order",
				"commit_pair",
				"amend_order",
				"cancel_order",
				"cancel_all",
				"close_all",
				"pay_out",
			],
		),
		(
			"LiquidityPool",
			&["request_withdrawal", "cancel_withdrawal", "cancel_deposit"],
		),
	];

	/// Is `call` of `pallet` always open?
	fn is_open(pallet: &str, call: &str) -> bool {
		Self::OPEN
			.iter()
			.any(|(name, calls)| *name == pallet && (calls.is_empty() || calls.contains(&call)))
	}
}

impl Contains<RuntimeCall> for AlwaysOpen {
	fn contains(call: &RuntimeCall) -> bool {
		let name = call.get_call_metadata();
		Self::is_open(name.pallet_name, name.function_name)
	}
}

impl Contains<RuntimeCallNameOf<Runtime>> for AlwaysOpen {
	fn contains((pallet, call): &RuntimeCallNameOf<Runtime>) -> bool {
		match (core::str::from_utf8(pallet), core::str::from_utf8(call)) {
			(Ok(pallet), Ok(call)) => Self::is_open(pallet, call),
			_ => false,
		}
	}
}

impl pallet_emergency::Config for Runtime {
	// Feeds, operators and seats of the committee, sixteen of each.
	type MaxSubjects = ConstU32<48>;
	type ResumeOrigin = Resumes;
	type Stops = Effects;
	type SuspendOrigin = Suspends;
	type WeightInfo = crate::weights::pallet_emergency::WeightInfo<Runtime>;
}

impl pallet_tx_pause::Config for Runtime {
	type MaxNameLen = ConstU32<64>;
	type PauseOrigin = Pauses;
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type UnpauseOrigin = Ends;
	type WeightInfo = pallet_tx_pause::weights::SubstrateWeight<Runtime>;
	type WhitelistedCalls = AlwaysOpen;
}

parameter_types! {
	/// Nobody buys safe mode.
	pub const NoDeposit: Option<Balance> = None;
	pub const NoRelease: Option<crate::BlockNumber> = None;
}

impl pallet_safe_mode::Config for Runtime {
	type Currency = Balances;
	type EnterDepositAmount = NoDeposit;
	type EnterDuration = SafeModeDuration;
	type ExtendDepositAmount = NoDeposit;
	type ExtendDuration = SafeModeDuration;
	type ForceDepositOrigin = HalfOfCommittee;
	type ForceEnterOrigin = EntersSafeMode;
	type ForceExitOrigin = Ends;
	// A spell ends when it said it would.
	type ForceExtendOrigin = NeverEnsureOrigin<crate::BlockNumber>;
	type Notify = OnSafeMode;
	type ReleaseDelay = NoRelease;
	type RuntimeEvent = RuntimeEvent;
	type RuntimeHoldReason = RuntimeHoldReason;
	type WeightInfo = pallet_safe_mode::weights::SubstrateWeight<Runtime>;
	type WhitelistedCalls = AlwaysOpen;
}
