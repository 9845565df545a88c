//! Discovery and execution of liquidations.

use super::vaults::MaxBranches;
use crate::{RiskParameters, Runtime, Vaults};

impl pallet_liquidations::Config for Runtime {
	type Ledger = Vaults;
	type MaxGroups = MaxBranches;
	type RiskParameters = RiskParameters;
	type WeightInfo = crate::weights::pallet_liquidations::WeightInfo<Runtime>;
}
