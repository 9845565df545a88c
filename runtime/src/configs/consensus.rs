//! Time, authorship and finality.

use frame_support::traits::{ConstBool, ConstU32, ConstU64};
use sp_consensus_aura::sr25519::AuthorityId as AuraId;

use crate::{
	Aura, CircuitBreaker, Clock, Moment, Perpetuals, Prices, RiskParameters, Runtime, RuntimeEvent,
	Timestamp, SLOT_DURATION,
};

impl pallet_timestamp::Config for Runtime {
	type MinimumPeriod = ConstU64<{ SLOT_DURATION / 2 }>;
	type Moment = Moment;
	type OnTimestampSet = (Aura, Clock);
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_clock::Config for Runtime {
	// Thirty slots without an author, and three steps of an auction at the default of 20 s.
	type MaxStep = ConstU64<60_000>;
	type OnGap = (Prices, CircuitBreaker, Perpetuals);
	type RiskParameters = RiskParameters;
	type Time = Timestamp;
	type WeightInfo = crate::weights::pallet_clock::WeightInfo<Runtime>;
}

impl pallet_aura::Config for Runtime {
	type AllowMultipleBlocksPerSlot = ConstBool<false>;
	type AuthorityId = AuraId;
	type DisabledValidators = ();
	type MaxAuthorities = ConstU32<64>;
	type SlotDuration = ConstU64<SLOT_DURATION>;
}

impl pallet_grandpa::Config for Runtime {
	type EquivocationReportSystem = ();
	type KeyOwnerProof = sp_core::Void;
	type MaxAuthorities = ConstU32<64>;
	type MaxNominators = ConstU32<0>;
	type MaxSetIdSessionEntries = ConstU64<0>;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ();
}
