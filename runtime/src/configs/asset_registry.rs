//! The facts about every asset the protocol takes.

use frame_support::traits::ConstU32;

use crate::{
	adapters::{AssetsHeld, RegisteredFeeds},
	governance::RootOrRiskBounds,
	Runtime,
};

/// The most assets that are registered at a time: as many as branches and margin accounts may list together.
pub type MaxAssets = ConstU32<32>;

impl pallet_asset_registry::Config for Runtime {
	type AdminOrigin = RootOrRiskBounds;
	type Feeds = RegisteredFeeds;
	type Held = AssetsHeld;
	type MaxAssets = MaxAssets;
	type WeightInfo = crate::weights::pallet_asset_registry::WeightInfo<Runtime>;
}
