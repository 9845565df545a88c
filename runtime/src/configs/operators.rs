//! Who feeds prices.

use frame_support::traits::ConstU32;
use frame_system::EnsureRoot;
use pallet_membership::Instance1;

use crate::{AccountId, Oracle, Runtime, RuntimeEvent};

/// The most operators there can be.
pub type MaxMembers = ConstU32<16>;
/// The most values a feed can have: one per operator, and Root's. Every aggregation is weighed for as many.
pub type MaxOperators = ConstU32<17>;

impl pallet_membership::Config<Instance1> for Runtime {
	type AddOrigin = EnsureRoot<AccountId>;
	type MaxMembers = MaxMembers;
	// A removed operator's values are dropped at once.
	type MembershipChanged = Oracle;
	type MembershipInitialized = ();
	type PrimeOrigin = EnsureRoot<AccountId>;
	type RemoveOrigin = EnsureRoot<AccountId>;
	type ResetOrigin = EnsureRoot<AccountId>;
	type RuntimeEvent = RuntimeEvent;
	type SwapOrigin = EnsureRoot<AccountId>;
	type WeightInfo = pallet_membership::weights::SubstrateWeight<Runtime>;
}
