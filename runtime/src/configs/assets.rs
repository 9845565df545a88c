//! KEEL, fees, and the assets.

use frame_support::{
	parameter_types,
	traits::{AsEnsureOriginWithArg, ConstU32, ConstU8, NeverEnsureOrigin, VariantCountOf},
	weights::ConstantMultiplier,
};
use frame_system::EnsureRoot;

use crate::{
	fees, AccountId, AssetId, Assets, Balance, Balances, FeedId, Runtime, RuntimeEvent, RuntimeFreezeReason,
	RuntimeHoldReason, System, KEEL, MILLI_KEEL,
};

parameter_types! {
	/// kUSD.
	pub const Synthetic: AssetId = 1;
	/// The feed of KEEL, in which fees are reckoned.
	pub const KeelFeed: FeedId = 1;
	pub const ExistentialDeposit: Balance = MILLI_KEEL;
	pub const AssetDeposit: Balance = 100 * KEEL;
	pub const AssetAccountDeposit: Balance = fees::state::ASSET_ACCOUNT;
	pub const MetadataDepositBase: Balance = KEEL;
	pub const MetadataDepositPerByte: Balance = MILLI_KEEL;
	pub const ApprovalDeposit: Balance = fees::state::price(1, 148);
}

impl pallet_balances::Config for Runtime {
	type AccountStore = System;
	type Balance = Balance;
	type DoneSlashHandler = ();
	type DustRemoval = ();
	type ExistentialDeposit = ExistentialDeposit;
	type FreezeIdentifier = RuntimeFreezeReason;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
	type MaxLocks = ConstU32<50>;
	type MaxReserves = ConstU32<50>;
	type ReserveIdentifier = [u8; 8];
	type RuntimeEvent = RuntimeEvent;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type RuntimeHoldReason = RuntimeHoldReason;
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

impl pallet_transaction_payment::Config for Runtime {
	type FeeMultiplierUpdate = fees::load::Load;
	type LengthToFee = fees::load::BytesToFee;
	type OnChargeTransaction = fees::state::InKeel;
	type OperationalFeeMultiplier = ConstU8<5>;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
	type WeightToFee = WeightToFee;
}

impl pallet_asset_tx_payment::Config for Runtime {
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::adapters::FeeBenchmarks;
	type Fungibles = Assets;
	type OnChargeAssetTransaction = fees::kusd::InKusd;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = crate::weights::pallet_asset_tx_payment::WeightInfo<Runtime>;
}

/// One picosecond of execution costs 100 base units: a second of it, a full block, costs 100 KEEL.
pub type WeightToFee = ConstantMultiplier<Balance, frame_support::traits::ConstU128<100>>;

impl pallet_assets::Config for Runtime {
	type ApprovalDeposit = ApprovalDeposit;
	type AssetAccountDeposit = AssetAccountDeposit;
	type AssetDeposit = AssetDeposit;
	type AssetId = AssetId;
	type AssetIdAllocator = ();
	type AssetIdParameter = AssetId;
	type Balance = Balance;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = ();
	type CallbackHandle = ();
	// Assets are listed by Root: what nobody vetted has no place beside collateral.
	type CreateOrigin = AsEnsureOriginWithArg<NeverEnsureOrigin<AccountId>>;
	type Currency = Balances;
	type Extra = ();
	type ForceOrigin = EnsureRoot<AccountId>;
	type Freezer = ();
	type Holder = ();
	type MetadataDepositBase = MetadataDepositBase;
	type MetadataDepositPerByte = MetadataDepositPerByte;
	type RemoveItemsLimit = ConstU32<1_000>;
	type ReserveData = ();
	type RuntimeEvent = RuntimeEvent;
	type StringLimit = ConstU32<50>;
	type WeightInfo = pallet_assets::weights::SubstrateWeight<Runtime>;
}
