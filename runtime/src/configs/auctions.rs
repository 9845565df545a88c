//! Sales of what the pool could not take.

use frame_support::{parameter_types, traits::ConstU32, PalletId};
use frame_system::EnsureRoot;

use super::Synthetic;
use crate::{
	AccountId, AssetRegistry, Assets, CircuitBreaker, Clock, InsuranceFund, Prices, RiskParameters, Runtime,
};

parameter_types! {
	pub const AuctionsPalletId: PalletId = PalletId(*b"keel/auc");
}

impl pallet_auctions::Config for Runtime {
	type ActiveTime = Clock;
	type Assets = Assets;
	type CircuitBreaker = CircuitBreaker;
	type InsuranceFund = InsuranceFund;
	type MaxSettlePerBlock = ConstU32<20>;
	type NamedPriceOrigin = EnsureRoot<AccountId>;
	type PalletId = AuctionsPalletId;
	type Prices = Prices;
	type Registry = AssetRegistry;
	type RiskParameters = RiskParameters;
	type Synthetic = Synthetic;
	type WeightInfo = crate::weights::pallet_auctions::WeightInfo<Runtime>;
}
