//! Who carries what is short.

use frame_support::{parameter_types, PalletId};
use frame_system::EnsureRoot;

use super::{vaults::MaxBranches, Synthetic};
use crate::{AccountId, Assets, RiskParameters, Runtime};

parameter_types! {
	pub const InsuranceFundPalletId: PalletId = PalletId(*b"keel/ins");
}

impl pallet_insurance_fund::Config for Runtime {
	type AdminOrigin = EnsureRoot<AccountId>;
	type Assets = Assets;
	type MaxCollaterals = MaxBranches;
	type PalletId = InsuranceFundPalletId;
	type RiskParameters = RiskParameters;
	type Synthetic = Synthetic;
	type WeightInfo = crate::weights::pallet_insurance_fund::WeightInfo<Runtime>;
}
