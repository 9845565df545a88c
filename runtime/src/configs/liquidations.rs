//! Discovery and execution of liquidations.

use frame_support::traits::ConstU32;

use crate::{adapters::Ledgers, RiskParameters, Runtime};

impl pallet_liquidations::Config for Runtime {
	type Ledger = Ledgers;
	// 16 branches; a long and a short side of 16 markets; 16 collaterals; the deadlines, and who acted.
	type MaxGroups = ConstU32<66>;
	type RiskParameters = RiskParameters;
	type WeightInfo = crate::weights::pallet_liquidations::WeightInfo<Runtime>;
}
