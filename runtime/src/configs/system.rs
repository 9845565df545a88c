//! Frame system and the filter every call passes.

use frame_support::{
	derive_impl,
	dispatch::DispatchClass,
	parameter_types,
	traits::{ConstU32, Contains, InsideBoth},
	weights::{constants::ParityDbWeight, constants::WEIGHT_REF_TIME_PER_SECOND, Weight},
};
use sp_runtime::Perbill;

use crate::{
	adapters::ProtocolAccounts, governance::enactment::enactable, AccountId, Address, Balance, Block, Hash,
	Nonce, PalletInfo, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin, RuntimeTask, RuntimeVersion,
	SafeMode, TxPause, VERSION,
};

/// What normal transactions may use of a block; the rest is for operational ones (liquidations) and hooks.
const NORMAL: Perbill = Perbill::from_percent(75);

parameter_types! {
	pub const BlockHashCount: crate::BlockNumber = 2_400;
	pub const Version: RuntimeVersion = VERSION;
	/// Half of a slot is for execution.
	pub BlockWeights: frame_system::limits::BlockWeights = frame_system::limits::BlockWeights::with_sensible_defaults(
		Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND, u64::MAX),
		NORMAL,
	);
	pub BlockLength: frame_system::limits::BlockLength = frame_system::limits::BlockLength::builder()
		.max_length(5 * 1024 * 1024)
		.modify_max_length_for_class(DispatchClass::Normal, |max| *max = NORMAL * *max)
		.build();
	/// As on other chains without a registered prefix.
	pub const SS58Prefix: u16 = 42;
}

/// What nobody but Root may call, from a signature, a batch, a proxy or a multisig alike. Behind it stand the switches of
/// `emergency`: safe mode and paused calls.
///
/// - Nothing may be sent to a protocol account by hand, nor by the treasury: it would belong to nobody, and
///   the books, which say to the unit what each of these accounts holds, would be off by it.
/// - A registered asset may not be destroyed by its owner: the protocol holds it, and its number would be
///   free for another.
/// - Raw values are Root's to feed. Operators feed through `prices.feed`, which knows when a value was
///   observed.
/// - A referendum may only propose what the scheduler could dispatch ([`enactable`]).
/// - A member of the committee keeps its key: under a new one it would outrun its suspension and every
///   referendum that names it. Root swaps keys.
/// - Nobody may burn an asset outside the pallets that keep its books, which `refund` with `allow_burn`
///   would.
pub struct CallFilter;

impl CallFilter {
	fn sends_to_protocol(target: &Address) -> bool {
		matches!(target, Address::Id(who) if ProtocolAccounts::contains(who))
	}
}

impl Contains<RuntimeCall> for CallFilter {
	fn contains(call: &RuntimeCall) -> bool {
		use pallet_assets::Call as Assets;
		use pallet_balances::Call as Balances;

		let target: Option<&Address> = match call {
			RuntimeCall::Assets(
				Assets::transfer { target, .. }
				| Assets::transfer_keep_alive { target, .. }
				| Assets::transfer_all { dest: target, .. }
				| Assets::transfer_approved {
					destination: target, ..
				}
				| Assets::force_transfer { dest: target, .. }
				| Assets::mint {
					beneficiary: target, ..
				},
			) => Some(target),
			RuntimeCall::Balances(
				Balances::transfer_allow_death { dest: target, .. }
				| Balances::transfer_keep_alive { dest: target, .. }
				| Balances::transfer_all { dest: target, .. },
			) => Some(target),
			RuntimeCall::Oracle(_)
			| RuntimeCall::Assets(Assets::refund { allow_burn: true, .. })
			| RuntimeCall::TechnicalMembership(pallet_membership::Call::change_key { .. }) => return false,
			RuntimeCall::Treasury(pallet_treasury::Call::spend_local { beneficiary, .. }) => {
				Some(beneficiary)
			}
			RuntimeCall::Treasury(pallet_treasury::Call::spend { beneficiary, .. }) => {
				return !ProtocolAccounts::contains(beneficiary)
			}
			RuntimeCall::Assets(Assets::start_destroy { id }) => {
				return !pallet_asset_registry::Registry::<Runtime>::contains_key(id)
			}
			RuntimeCall::Referenda(pallet_referenda::Call::submit { proposal, .. }) => {
				return enactable(proposal).is_ok()
			}
			_ => None,
		};
		!target.is_some_and(Self::sends_to_protocol)
	}
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
	type AccountData = pallet_balances::AccountData<Balance>;
	type AccountId = AccountId;
	type BaseCallFilter = InsideBoth<CallFilter, InsideBoth<SafeMode, TxPause>>;
	type Block = Block;
	type BlockHashCount = BlockHashCount;
	type BlockLength = BlockLength;
	type BlockWeights = BlockWeights;
	type DbWeight = ParityDbWeight;
	type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
	type Hash = Hash;
	type MaxConsumers = ConstU32<128>;
	type Nonce = Nonce;
	type SingleBlockMigrations = crate::migrations::Released;
	type SS58Prefix = SS58Prefix;
	type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
	type Version = Version;
}
