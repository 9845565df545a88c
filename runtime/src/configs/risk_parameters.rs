//! The governed numbers. Root moves values and bounds until referenda do; guardians tighten.

use frame_system::{EnsureRoot, EnsureSignedBy};

use crate::{AccountId, Guardians, Runtime, Timestamp};

impl pallet_risk_parameters::Config for Runtime {
	type AdjustOrigin = EnsureRoot<AccountId>;
	type BoundsOrigin = EnsureRoot<AccountId>;
	type GuardianOrigin = EnsureSignedBy<Guardians, AccountId>;
	type Time = Timestamp;
	type WeightInfo = crate::weights::pallet_risk_parameters::WeightInfo<Runtime>;
}
