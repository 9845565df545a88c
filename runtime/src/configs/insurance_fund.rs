//! Who carries what is short.

use frame_support::{parameter_types, PalletId};

use super::{asset_registry::MaxAssets, Synthetic};
use crate::{
	adapters::ProtocolAccounts, governance::RootOrTreasurer, AssetRegistry, Assets, CircuitBreaker,
	RiskParameters, Runtime, Timestamp,
};

parameter_types! {
	pub const InsuranceFundPalletId: PalletId = PalletId(*b"keel/ins");
}

impl pallet_insurance_fund::Config for Runtime {
	type AdminOrigin = RootOrTreasurer;
	type Assets = Assets;
	type CircuitBreaker = CircuitBreaker;
	type MaxCollaterals = MaxAssets;
	type PalletId = InsuranceFundPalletId;
	type ProtocolAccounts = ProtocolAccounts;
	type Registry = AssetRegistry;
	type RiskParameters = RiskParameters;
	type Synthetic = Synthetic;
	type Time = Timestamp;
	type WeightInfo = crate::weights::pallet_insurance_fund::WeightInfo<Runtime>;
}
