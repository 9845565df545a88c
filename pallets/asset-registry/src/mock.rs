//! A chain with the registry, feeds, and a set of assets that somebody holds.

use frame_support::{derive_impl, parameter_types, traits::Contains};
use frame_system::EnsureRoot;
use keel_primitives::{AssetId, FeedId};
use sp_runtime::BuildStorage;

#[frame_support::runtime]
mod test_runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type AssetRegistry = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlock<Test>;
}

parameter_types! {
	pub const MaxAssets: u32 = 3;
	/// What somebody holds.
	pub static HeldAssets: Vec<AssetId> = Vec::new();
}

/// Feeds 1 to 9.
pub struct Feeds;
impl Contains<FeedId> for Feeds {
	fn contains(feed: &FeedId) -> bool {
		(1..10).contains(feed)
	}
}

pub struct Held;
impl Contains<AssetId> for Held {
	fn contains(asset: &AssetId) -> bool {
		HeldAssets::get().contains(asset)
	}
}

impl crate::Config for Test {
	type AdminOrigin = EnsureRoot<u64>;
	type Feeds = Feeds;
	type Held = Held;
	type MaxAssets = MaxAssets;
	type WeightInfo = ();
}

pub fn new_test_ext() -> sp_io::TestExternalities {
	HeldAssets::set(Vec::new());
	let storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.unwrap();
	let mut ext = sp_io::TestExternalities::from(storage);
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// Where every test starts, and how it ends.
pub fn build_and_execute(test: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		test();
		AssetRegistry::do_try_state().expect("the state is sound after the test");
	});
}
