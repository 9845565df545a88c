//! # Keel's runtime
//!
//! Which pallets there are, in which order, and who answers whose questions. Rules live in the pallets; what they
//! need from each other is wired in `configs`, one file per pallet or family.

#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "512"]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

extern crate alloc;

// First, for its macros.
#[cfg(feature = "runtime-benchmarks")]
#[macro_use]
mod benchmarks;

pub mod adapters;
pub mod apis;
pub mod configs;
pub mod extensions;
pub mod fees;
pub mod genesis_presets;
pub mod governance;
pub mod migrations;
pub mod weights;

use alloc::vec::Vec;
#[cfg(feature = "std")]
pub use sp_runtime::BuildStorage;
use sp_runtime::{
	generic, impl_opaque_keys,
	traits::{BlakeTwo256, IdentifyAccount, Verify},
	MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

pub use configs::TechnicalCollective;
pub use keel_primitives::{AssetId, Balance, BranchId, FeedId, Moment, VaultId};

/// A signature of any of the supported schemes.
pub type Signature = MultiSignature;
/// An account: 32 bytes.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How many transactions an account has sent.
pub type Nonce = u32;
/// A block's hash.
pub type Hash = sp_core::H256;
/// A block's number.
pub type BlockNumber = u32;
/// How accounts are written in calls.
pub type Address = MultiAddress<AccountId, ()>;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// A transaction as it travels.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;

/// What every transaction is checked for. `AuthorizeCall` stands first: it admits the workers' fee-less calls.
pub type TxExtension = (
	frame_system::AuthorizeCall<Runtime>,
	extensions::ProtocolFirst,
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckEra<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	pallet_asset_tx_payment::ChargeAssetTxPayment<Runtime>,
	frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
	frame_system::WeightReclaim<Runtime>,
);

/// What is signed.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// The block machine.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
>;

/// The types a node needs without knowing the calls.
pub mod opaque {
	pub use super::{Block as RuntimeBlock, Header};
	use sp_runtime::{generic, OpaqueExtrinsic};

	/// A transaction as bytes.
	pub type UncheckedExtrinsic = OpaqueExtrinsic;
	/// A block of them.
	pub type Block = generic::Block<Header, UncheckedExtrinsic>;
	/// A block by hash or number.
	pub type BlockId = generic::BlockId<Block>;
}

impl_opaque_keys! {
	/// What a validator signs with.
	pub struct SessionKeys {
		/// Authors blocks.
		pub aura: Aura,
		/// Votes on finality.
		pub grandpa: Grandpa,
	}
}

macro_rules! version {
	($spec_version:tt) => {
		/// The version of this runtime.
		#[sp_version::runtime_version]
		pub const VERSION: RuntimeVersion = RuntimeVersion {
			spec_name: alloc::borrow::Cow::Borrowed("keel"),
			impl_name: alloc::borrow::Cow::Borrowed("keel"),
			authoring_version: 1,
			spec_version: $spec_version,
			impl_version: 1,
			apis: apis::RUNTIME_API_VERSIONS,
			transaction_version: 3,
			system_version: 1,
		};
	};
}

#[cfg(not(feature = "rehearsal"))]
version!(102);
// The runtime after this one: for rehearsing an upgrade.
#[cfg(feature = "rehearsal")]
version!(103);

/// Milliseconds of a slot: a block every two seconds.
pub const SLOT_DURATION: Moment = 2_000;

/// The mortality of a worker's transaction, in blocks: longer than a pool remembers bytes it refused (half an hour).
/// The call's own longevity is far shorter.
const AUTHORIZED_LIFETIME: u64 = 2_048;

/// `1` KEEL: 12 decimals.
pub const KEEL: Balance = 1_000_000_000_000;
/// A thousandth of a KEEL.
pub const MILLI_KEEL: Balance = KEEL / 1_000;

#[frame_support::runtime]
mod runtime {
	/// The runtime.
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
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(2)]
	pub type Aura = pallet_aura;
	#[runtime::pallet_index(3)]
	pub type Grandpa = pallet_grandpa;
	#[runtime::pallet_index(4)]
	pub type Clock = pallet_clock;

	#[runtime::pallet_index(10)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(11)]
	pub type TransactionPayment = pallet_transaction_payment;
	#[runtime::pallet_index(12)]
	pub type Assets = pallet_assets;
	#[runtime::pallet_index(13)]
	pub type AssetTxPayment = pallet_asset_tx_payment;

	#[runtime::pallet_index(20)]
	pub type Utility = pallet_utility;
	#[runtime::pallet_index(21)]
	pub type Multisig = pallet_multisig;
	#[runtime::pallet_index(22)]
	pub type Proxy = pallet_proxy;

	#[runtime::pallet_index(31)]
	pub type TechnicalMembership = pallet_membership<Instance2>;
	#[runtime::pallet_index(32)]
	pub type TechnicalCommittee = pallet_collective<Instance1>;
	#[runtime::pallet_index(33)]
	pub type TxPause = pallet_tx_pause;
	#[runtime::pallet_index(34)]
	pub type SafeMode = pallet_safe_mode;
	#[runtime::pallet_index(35)]
	pub type Emergency = pallet_emergency;

	// Down the page, as data flows: prices before their users.
	#[runtime::pallet_index(40)]
	pub type Oracle = pallet_oracle;
	#[runtime::pallet_index(41)]
	pub type Prices = pallet_prices;
	#[runtime::pallet_index(42)]
	pub type RiskParameters = pallet_risk_parameters;
	#[runtime::pallet_index(49)]
	pub type AssetRegistry = pallet_asset_registry;
	#[runtime::pallet_index(43)]
	pub type Vaults = pallet_vaults;
	#[runtime::pallet_index(44)]
	pub type Liquidations = pallet_liquidations;
	#[runtime::pallet_index(45)]
	pub type StabilityPool = pallet_stability_pool;
	#[runtime::pallet_index(46)]
	pub type Auctions = pallet_auctions;
	#[runtime::pallet_index(47)]
	pub type InsuranceFund = pallet_insurance_fund;
	// After those it measures, before what referenda enact in the same block.
	#[runtime::pallet_index(48)]
	pub type CircuitBreaker = pallet_circuit_breaker;

	// The accounts, the markets that move what they hold, the pool on the other side.
	#[runtime::pallet_index(60)]
	pub type Margin = pallet_margin;
	#[runtime::pallet_index(61)]
	pub type Perpetuals = pallet_perpetuals;
	#[runtime::pallet_index(62)]
	pub type LiquidityPool = pallet_liquidity_pool;

	#[runtime::pallet_index(50)]
	pub type Preimage = pallet_preimage;
	#[runtime::pallet_index(51)]
	pub type Scheduler = pallet_scheduler;
	#[runtime::pallet_index(52)]
	pub type ConvictionVoting = pallet_conviction_voting;
	#[runtime::pallet_index(53)]
	pub type Referenda = pallet_referenda;
	#[runtime::pallet_index(54)]
	pub type Origins = governance::pallet_origins;
	#[runtime::pallet_index(55)]
	pub type Whitelist = pallet_whitelist;
	#[runtime::pallet_index(56)]
	pub type Treasury = pallet_treasury;
}

impl frame_system::offchain::CreateTransactionBase<pallet_liquidations::Call<Runtime>> for Runtime {
	type Extrinsic = UncheckedExtrinsic;
	type RuntimeCall = RuntimeCall;
}

impl frame_system::offchain::CreateTransaction<pallet_liquidations::Call<Runtime>> for Runtime {
	type Extension = TxExtension;

	fn create_transaction(call: RuntimeCall, extension: TxExtension) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_transaction(call, extension)
	}
}

impl frame_system::offchain::CreateAuthorizedTransaction<pallet_liquidations::Call<Runtime>> for Runtime {
	fn create_extension() -> TxExtension {
		(
			frame_system::AuthorizeCall::new(),
			extensions::ProtocolFirst,
			frame_system::CheckNonZeroSender::new(),
			frame_system::CheckSpecVersion::new(),
			frame_system::CheckTxVersion::new(),
			frame_system::CheckGenesis::new(),
			// Mortal, and so of other bytes every block: a pool refuses bytes it has seen for half an hour, and a
			// vault may need a second liquidation before that.
			frame_system::CheckEra::from(generic::Era::mortal(
				AUTHORIZED_LIFETIME,
				System::block_number().into(),
			)),
			frame_system::CheckNonce::from(0),
			frame_system::CheckWeight::new(),
			pallet_asset_tx_payment::ChargeAssetTxPayment::from(0, None),
			frame_metadata_hash_extension::CheckMetadataHash::new(false),
			frame_system::WeightReclaim::new(),
		)
	}
}
