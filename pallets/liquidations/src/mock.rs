//! A runtime with this pallet and a ledger whose positions are nothing but entries of the index.

use std::collections::{BTreeMap, BTreeSet};

use codec::{Decode, Encode};
use frame_support::{
	derive_impl,
	dispatch::GetDispatchInfo,
	parameter_types,
	traits::{ConstU32, Hooks},
	weights::{constants::RocksDbWeight, Weight},
};
use keel_primitives::{
	Balance, BranchId, BranchParameters, ChainParameters, Entry, LiquidationOutcome, PositionLedger,
	TriggerIndex, VaultId,
};
use sp_core::offchain::{
	testing::{TestOffchainExt, TestTransactionPoolExt},
	OffchainDbExt, OffchainWorkerExt, TransactionPoolExt,
};
use sp_runtime::{
	generic::{Era, Preamble},
	testing::TestXt,
	traits::{BlakeTwo256, DispatchTransaction, ExtensionVariant},
	transaction_validity::{TransactionSource, TransactionValidityError, ValidTransaction},
	ApplyExtrinsicResult, BuildStorage, DispatchError,
};

use crate::{self as pallet_liquidations, *};

pub type TxExtension = (
	frame_system::AuthorizeCall<Test>,
	frame_system::CheckMortality<Test>,
);
pub type Extrinsic = TestXt<RuntimeCall, TxExtension>;
type Block = sp_runtime::generic::Block<sp_runtime::generic::Header<u64, BlakeTwo256>, Extrinsic>;

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
	pub type Liquidations = pallet_liquidations;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type BlockHashCount = sp_core::ConstU64<4096>;
	type DbWeight = RocksDbWeight;
}

impl Config for Test {
	type Ledger = Ledger;
	type RiskParameters = Parameters;
	type MaxGroups = ConstU32<4>;
	type WeightInfo = ();
}

parameter_types! {
	/// Whether a worker's transactions are immortal, which the pallet does not accept of a runtime.
	pub static Immortal: bool = false;
}

impl<LocalCall> frame_system::offchain::CreateTransactionBase<LocalCall> for Test
where
	RuntimeCall: From<LocalCall>,
{
	type RuntimeCall = RuntimeCall;
	type Extrinsic = Extrinsic;
}

impl<LocalCall> frame_system::offchain::CreateTransaction<LocalCall> for Test
where
	RuntimeCall: From<LocalCall>,
{
	type Extension = TxExtension;
	fn create_transaction(call: RuntimeCall, extension: Self::Extension) -> Extrinsic {
		Extrinsic::new_transaction(call, extension)
	}
}

impl<LocalCall> frame_system::offchain::CreateAuthorizedTransaction<LocalCall> for Test
where
	RuntimeCall: From<LocalCall>,
{
	fn create_extension() -> Self::Extension {
		let era = if Immortal::get() {
			Era::Immortal
		} else {
			Era::mortal(2048, System::block_number())
		};
		(
			frame_system::AuthorizeCall::new(),
			frame_system::CheckMortality::from(era),
		)
	}
}

// ---- the ledger ----

pub const PRICE_REFUSED_ERROR: DispatchError = DispatchError::Unavailable;
pub const FAILING_ERROR: DispatchError = DispatchError::Corruption;
pub const SAFE_ERROR: DispatchError = DispatchError::Other("safe");
/// What a failing liquidation writes before it fails.
pub const LITTER: &[u8] = b"litter";

parameter_types! {
	pub static Groups: Vec<BranchId> = vec![1, 2, 3];
	pub static Positions: BTreeMap<(BranchId, VaultId), Entry> = BTreeMap::new();
	pub static Limits: BTreeMap<BranchId, u128> = BTreeMap::new();
	pub static Refused: BTreeSet<BranchId> = BTreeSet::new();
	/// Positions whose liquidation fails half-way.
	pub static Failing: BTreeSet<(BranchId, VaultId)> = BTreeSet::new();
	/// Positions that can't be liquidated yet, unsafe as they are.
	pub static TooFresh: BTreeSet<(BranchId, VaultId)> = BTreeSet::new();
	/// Liquidations leave nothing of a position.
	pub static Closing: bool = false;
	pub static DeficitCalls: u32 = 0;
	pub static Liquidated: Vec<(BranchId, VaultId)> = vec![];
	pub static Chain: ChainParameters =
		ChainParameters { fallback_blocks: 3, liquidations_per_block: 10, ..Default::default() };
}

pub struct Ledger;
impl Ledger {
	fn deficit_of(group: BranchId, position: VaultId) -> Result<(Entry, u128), DispatchError> {
		let threshold = Self::threshold(group)?;
		let entry = *Positions::get()
			.get(&(group, position))
			.ok_or(DispatchError::CannotLookup)?;
		if TooFresh::get().contains(&(group, position)) {
			return Err(DispatchError::Other("too fresh"));
		}
		entry
			.trigger
			.checked_sub(threshold)
			.filter(|d| *d > 0)
			.map(|d| (entry, d))
			.ok_or(SAFE_ERROR)
	}
}

impl PositionLedger for Ledger {
	fn groups() -> Vec<BranchId> {
		Groups::get()
	}
	fn threshold(group: BranchId) -> Result<u128, DispatchError> {
		if Refused::get().contains(&group) {
			return Err(PRICE_REFUSED_ERROR);
		}
		Limits::get()
			.get(&group)
			.copied()
			.ok_or(DispatchError::CannotLookup)
	}
	fn deficit(group: BranchId, position: VaultId) -> Result<Balance, DispatchError> {
		DeficitCalls::mutate(|calls| *calls += 1);
		Self::deficit_of(group, position).map(|(_, deficit)| deficit)
	}
	fn liquidate(group: BranchId, position: VaultId) -> Result<LiquidationOutcome, DispatchError> {
		let (entry, deficit) = Self::deficit_of(group, position)?;
		let left = (!Closing::get()).then_some(Entry {
			trigger: entry.trigger - deficit,
			debt: entry.debt.div_ceil(2),
		});
		Liquidations::moved(group, position, Some(entry), left);
		if Failing::get().contains(&(group, position)) {
			sp_io::storage::set(LITTER, b"x");
			return Err(FAILING_ERROR);
		}
		Positions::mutate(|positions| match left {
			Some(left) => positions.insert((group, position), left),
			None => positions.remove(&(group, position)),
		});
		Liquidated::mutate(|list| list.push((group, position)));
		Ok(LiquidationOutcome {
			debt: deficit,
			collateral: deficit,
			absorbed: deficit,
			auctioned: 0,
			shortfall: 0,
		})
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn create_unsafe_position(seed: u32) -> (BranchId, VaultId) {
		let position = 1_000_000 + seed as VaultId;
		set_threshold(1, 1_000);
		set(1, position, 2_000);
		(1, position)
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn create_positions(total: u32, unsafe_ones: u32) -> BranchId {
		set_threshold(1, 200_000);
		let trigger = |i: u32| {
			if i < unsafe_ones {
				300_000
			} else {
				200_000 - u128::from(i)
			}
		};
		Positions::mutate(|positions| {
			positions.extend((0..total).map(|i| ((1, VaultId::from(i)), at(trigger(i)))));
		});
		for i in 0..total {
			Liquidations::moved(1, i.into(), None, Some(at(trigger(i))));
		}
		1
	}
}

pub struct Parameters;
impl keel_primitives::RiskParameters for Parameters {
	fn branch(_: BranchId) -> Result<BranchParameters, DispatchError> {
		Err(DispatchError::CannotLookup)
	}
	fn chain() -> ChainParameters {
		Chain::get()
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(_: BranchId, _: BranchParameters) {}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_chain(chain: ChainParameters) {
		Chain::set(chain);
	}
}

/// The debt of a position of which only the trigger matters.
pub const DEBT: u128 = 1_000;

/// An entry of which only the trigger matters.
pub fn at(trigger: u128) -> Entry {
	Entry { trigger, debt: DEBT }
}

/// Put a position into the index, the way a ledger would.
pub fn set_entry(group: BranchId, position: VaultId, entry: Entry) {
	let old = Positions::mutate(|positions| positions.insert((group, position), entry));
	Liquidations::moved(group, position, old, Some(entry));
}

/// Put a position under a trigger.
pub fn set(group: BranchId, position: VaultId, trigger: u128) {
	set_entry(group, position, at(trigger));
}

/// Every position's trigger.
pub fn triggers() -> BTreeMap<(BranchId, VaultId), u128> {
	Positions::get()
		.into_iter()
		.map(|(key, entry)| (key, entry.trigger))
		.collect()
}

/// The debt of `group` with `above < trigger ≤ up_to`, position by position.
pub fn recount(group: BranchId, above: u128, up_to: u128) -> u128 {
	Positions::get()
		.into_iter()
		.filter(|((of, _), entry)| *of == group && above < entry.trigger && entry.trigger <= up_to)
		.map(|(_, entry)| entry.debt)
		.sum()
}

/// Take a position out.
pub fn unset(group: BranchId, position: VaultId) {
	let old = Positions::mutate(|positions| positions.remove(&(group, position)));
	Liquidations::moved(group, position, old, None);
}

pub fn set_threshold(group: BranchId, threshold: u128) {
	Limits::mutate(|limits| limits.insert(group, threshold));
}

pub fn refuse(group: BranchId) {
	Refused::mutate(|refused| refused.insert(group));
}

pub fn fail(group: BranchId, position: VaultId) {
	Failing::mutate(|failing| failing.insert((group, position)));
}

pub fn set_per_block(limit: u32) {
	Chain::mutate(|chain| chain.liquidations_per_block = limit);
}

/// A group's index in the order of its keys.
pub fn index_of(group: BranchId) -> Vec<(u128, VaultId)> {
	Index::<Test>::iter_key_prefix(group)
		.map(|key| (key.trigger(), key.position()))
		.collect()
}

/// The ring of a group.
pub fn ring_of(group: BranchId) -> Option<Vec<u128>> {
	Thresholds::<Test>::get()?
		.rings
		.into_iter()
		.find(|ring| ring.group == group)
		.map(|ring| ring.thresholds.into_inner())
}

// ---- blocks and transactions ----

pub fn next_block() {
	let now = System::block_number();
	frame_system::BlockHash::<Test>::insert(now, sp_core::H256::repeat_byte(now as u8));
	System::set_block_number(now + 1);
}

/// The idle hook with this much weight; how much it used.
pub fn idle_with(weight: Weight) -> Weight {
	Liquidations::on_idle(System::block_number(), weight)
}

/// The idle hook with all the weight there is.
pub fn idle() {
	idle_with(Weight::MAX);
}

/// End this block idle, and begin the next.
pub fn pass(blocks: u32) {
	for _ in 0..blocks {
		idle();
		next_block();
	}
}

/// A submitted transaction taken apart.
pub fn open(bytes: &[u8]) -> (RuntimeCall, TxExtension) {
	let extrinsic = Extrinsic::decode(&mut &*bytes).expect("an extrinsic");
	match extrinsic.preamble {
		Preamble::General(ExtensionVariant::V0(extension)) => (extrinsic.function, extension),
		other => panic!("not a general transaction: {other:?}"),
	}
}

/// What the pool asks.
pub fn validate(bytes: &[u8]) -> Result<ValidTransaction, TransactionValidityError> {
	let (call, extension) = open(bytes);
	extension
		.validate_only(
			RuntimeOrigin::none(),
			&call,
			&call.get_dispatch_info(),
			bytes.len(),
			TransactionSource::External,
			0,
		)
		.map(|(valid, ..)| valid)
}

/// What the block does.
pub fn apply(bytes: &[u8]) -> ApplyExtrinsicResult {
	let (call, extension) = open(bytes);
	let info = call.get_dispatch_info();
	extension
		.dispatch_transaction(RuntimeOrigin::none(), call, &info, bytes.len(), 0)
		.map(|result| result.map(|_| ()).map_err(|error| error.error))
}

/// A liquidation as the worker would send it.
pub fn transaction(group: BranchId, position: VaultId) -> Vec<u8> {
	use frame_system::offchain::CreateAuthorizedTransaction;
	let call = RuntimeCall::Liquidations(Call::liquidate { group, position });
	<Test as CreateAuthorizedTransaction<Call<Test>>>::create_authorized_transaction(call).encode()
}

#[derive(Default)]
pub struct ExtBuilder {
	positions: Vec<(BranchId, VaultId, u128)>,
}

impl ExtBuilder {
	/// Start with these positions (group, id, trigger).
	pub fn positions(mut self, positions: impl IntoIterator<Item = (BranchId, VaultId, u128)>) -> Self {
		self.positions.extend(positions);
		self
	}

	/// Block 1, groups 1 to 3 with a threshold of 1,000.
	pub fn build(self) -> sp_io::TestExternalities {
		Groups::set(vec![1, 2, 3]);
		Positions::set(BTreeMap::new());
		Limits::set([(1, 1_000), (2, 1_000), (3, 1_000)].into());
		Refused::set(BTreeSet::new());
		Failing::set(BTreeSet::new());
		TooFresh::set(BTreeSet::new());
		Closing::set(false);
		DeficitCalls::set(0);
		Liquidated::set(vec![]);
		Immortal::set(false);
		Chain::set(ChainParameters {
			fallback_blocks: 3,
			liquidations_per_block: 10,
			..Default::default()
		});
		let storage = frame_system::GenesisConfig::<Test>::default()
			.build_storage()
			.expect("storage");
		let mut ext = sp_io::TestExternalities::from(storage);
		ext.execute_with(|| {
			System::set_block_number(1);
			for (group, position, trigger) in self.positions {
				set(group, position, trigger);
			}
		});
		ext
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			Liquidations::do_try_state().expect("invariants");
		});
	}

	/// With an offchain database and a pool; the test may take what the pool has got.
	pub fn build_offchain_and_execute(self, test: impl FnOnce(&dyn Fn() -> Vec<Vec<u8>>)) {
		let mut ext = self.build();
		let (offchain, _) = TestOffchainExt::new();
		let (pool, state) = TestTransactionPoolExt::new();
		ext.register_extension(OffchainDbExt::new(offchain.clone()));
		ext.register_extension(OffchainWorkerExt::new(offchain));
		ext.register_extension(TransactionPoolExt::new(pool));
		ext.execute_with(|| {
			test(&|| std::mem::take(&mut state.write().transactions));
			Liquidations::do_try_state().expect("invariants");
		});
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub fn new_test_ext() -> sp_io::TestExternalities {
	ExtBuilder::default().build()
}
