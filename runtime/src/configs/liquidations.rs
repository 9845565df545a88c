//! Discovery and execution of liquidations.

use frame_support::traits::ConstU32;

use crate::{adapters::Ledgers, RiskParameters, Runtime};

impl pallet_liquidations::Config for Runtime {
	type Ledger = Ledgers;
	// 16 branches; longs and shorts of 16 markets, with anything and with kUSD alone; 16 collaterals; the
	// deadlines, and who acted.
	type MaxGroups = ConstU32<98>;
	type RiskParameters = RiskParameters;
	type WeightInfo = crate::weights::pallet_liquidations::WeightInfo<Runtime>;
}
