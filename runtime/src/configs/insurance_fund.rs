//! Who carries what is short.

use frame_support::{parameter_types, PalletId};

use super::{vaults::MaxBranches, Synthetic};
use crate::{governance::RootOrTreasurer, Assets, CircuitBreaker, RiskParameters, Runtime, Timestamp};

parameter_types! {
	pub const InsuranceFundPalletId: PalletId = PalletId(*b"keel/ins");
}

impl pallet_insurance_fund::Config for Runtime {
	type AdminOrigin = RootOrTreasurer;
	type Assets = Assets;
	type CircuitBreaker = CircuitBreaker;
	type MaxCollaterals = MaxBranches;
	type PalletId = InsuranceFundPalletId;
	type RiskParameters = RiskParameters;
	type Synthetic = Synthetic;
	type Time = Timestamp;
	type WeightInfo = crate::weights::pallet_insurance_fund::WeightInfo<Runtime>;
}
