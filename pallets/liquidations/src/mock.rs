//! A runtime with this pallet and two ledgers in one: vaults that are nothing but entries of the index, and margin accounts
//! that are worth something and have their triggers from it.

use std::collections::{BTreeMap, BTreeSet};

use codec::{Decode, Encode};
use frame_support::{
	derive_impl,
	dispatch::{DispatchResult, GetDispatchInfo},
	ensure, parameter_types,
	storage::unhashed,
	traits::{ConstU32, Hooks},
	weights::{constants::RocksDbWeight, Weight},
};
use keel_primitives::{
	Balance, BranchId, BranchParameters, ChainParameters, Entry, Group, LiquidationOutcome, PositionId,
	PositionLedger, TriggerIndex,
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
	type MaxGroups = ConstU32<8>;
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

// ---- the ledgers ----

pub const PRICE_REFUSED_ERROR: DispatchError = DispatchError::Unavailable;
pub const FAILING_ERROR: DispatchError = DispatchError::Corruption;
pub const SAFE_ERROR: DispatchError = DispatchError::Other("safe");
pub const UNSAFE_ERROR: DispatchError = DispatchError::Other("unsafe");
/// What a failing liquidation, or a refused refresh, writes before it fails.
pub const LITTER: &[u8] = b"litter";

/// The groups a margin account may stand in.
pub const LONG: Group = Group::Long(1);
pub const SHORT: Group = Group::Short(1);
pub const COLLATERAL: Group = Group::Collateral(2);
pub const DEADLINE: Group = Group::Deadline;
pub const ESTIMATES: [Group; 4] = [LONG, SHORT, COLLATERAL, DEADLINE];
/// The group of accounts whose trigger is exact.
pub const SOLE: Group = Group::SoleLong(1);

/// A value in storage, so that it is taken back with what wrote it.
macro_rules! stored {
	($($(#[$meta:meta])* $name:ident: $value:ty;)*) => { $(
		$(#[$meta])*
		pub struct $name;
		impl $name {
			const KEY: &'static [u8] = stringify!($name).as_bytes();
			pub fn get() -> $value {
				unhashed::get_or_default(Self::KEY)
			}
			pub fn set(value: $value) {
				unhashed::put(Self::KEY, &value);
			}
			pub fn mutate<R>(change: impl FnOnce(&mut $value) -> R) -> R {
				let mut value = Self::get();
				let result = change(&mut value);
				Self::set(value);
				result
			}
		}
	)* };
}

stored! {
	Positions: BTreeMap<(Group, PositionId), Entry>;
	Accounts: BTreeMap<PositionId, Account>;
	/// What was liquidated, in order.
	Liquidated: Vec<(Group, PositionId)>;
}

impl Liquidated {
	pub fn take() -> Vec<(Group, PositionId)> {
		Self::mutate(std::mem::take)
	}
}

parameter_types! {
	pub static Groups: Vec<Group> = vec![];
	pub static Limits: BTreeMap<Group, u128> = BTreeMap::new();
	pub static Refused: BTreeSet<Group> = BTreeSet::new();
	/// Positions whose liquidation fails half-way.
	pub static Failing: BTreeSet<(Group, PositionId)> = BTreeSet::new();
	/// Positions that can't be liquidated yet, unsafe as they are.
	pub static TooFresh: BTreeSet<(Group, PositionId)> = BTreeSet::new();
	/// What the ledger says that an account's liquidation weighs, where it says anything.
	pub static AccountWeight: Option<Weight> = None;
	/// Liquidations leave nothing of a position.
	pub static Closing: bool = false;
	pub static DeficitCalls: u32 = 0;
	/// The accounts looked at again, and whether they got new triggers.
	pub static Looks: Vec<(Group, PositionId, bool)> = vec![];
	/// To refresh the one account the ledger acts on the other, which gets new triggers too.
	pub static Helped: Option<(PositionId, PositionId)> = None;
	/// The liquidation of the one account saves the other.
	pub static Rescued: Option<(PositionId, PositionId)> = None;
	pub static LookWeight: Weight = Weight::zero();
	pub static Chain: ChainParameters = ChainParameters::default();
}

/// A margin account: cash, a size at the price of market 1 and collateral at the price of asset 2, less what every
/// block takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Account {
	pub cash: i128,
	pub size: i128,
	pub collateral: i128,
	/// What a block takes …
	pub drift: i128,
	/// … since this one.
	pub since: u64,
}

impl Account {
	/// What it is worth now; unsafe below zero.
	pub fn worth(&self) -> i128 {
		let blocks = i128::from(System::block_number() - self.since);
		self.cash + self.size * price(LONG) + self.collateral * price(COLLATERAL) - self.drift * blocks
	}

	/// Triggers within which what it is worth can't be lost: a quarter for time, the rest in equal shares for its legs.
	fn triggers(&self) -> BTreeMap<Group, u128> {
		let slack = self.worth().max(0);
		let reserve = if self.drift > 0 { slack / 4 } else { 0 };
		let legs = i128::from(self.size != 0) + i128::from(self.collateral != 0);
		let share = (slack - reserve) / legs.max(1);
		let below = |price: i128, size: i128| (price - share / size).max(0) as u128;
		let mut all = BTreeMap::new();
		if self.size > 0 {
			all.insert(LONG, below(price(LONG), self.size));
		}
		if self.size < 0 {
			all.insert(SHORT, !((price(LONG) - share / self.size) as u128));
		}
		if self.collateral > 0 {
			all.insert(COLLATERAL, below(price(COLLATERAL), self.collateral));
		}
		if self.drift > 0 {
			let last = System::block_number() + (reserve / self.drift) as u64;
			all.insert(DEADLINE, !u128::from(last));
		}
		all
	}
}

/// The price of a group of margin accounts.
pub fn price(group: Group) -> i128 {
	Limits::get()[&group] as i128
}

/// The market's price, or that of the collateral.
pub fn set_price(group: Group, price: u128) {
	assert!(group == LONG || group == COLLATERAL);
	Limits::mutate(|limits| limits.insert(group, price));
}

/// Write an account and give it its triggers. `None` takes it out.
pub fn set_account(id: PositionId, account: Option<Account>) {
	let triggers = account.map(|account| account.triggers()).unwrap_or_default();
	Accounts::mutate(|accounts| match account {
		Some(account) => accounts.insert(id, account),
		None => accounts.remove(&id),
	});
	for group in ESTIMATES {
		let new = triggers.get(&group).map(|trigger| Entry {
			trigger: *trigger,
			debt: 0,
		});
		let old = Positions::mutate(|positions| match new {
			Some(new) => positions.insert((group, id), new),
			None => positions.remove(&(group, id)),
		});
		Liquidations::moved(group, id, old, new);
	}
}

/// Put an account's key where it is crossed, or not, whatever the account is worth.
pub fn misplace(group: Group, id: PositionId, trigger: u128) {
	set_entry(group, id, Entry { trigger, debt: 0 });
}

/// An account that is safe as long as the prices stay, with a crossed key in each of `groups`.
pub fn stale(id: PositionId, groups: impl IntoIterator<Item = Group>) {
	let groups = groups.into_iter().collect::<BTreeSet<_>>();
	let account = Account {
		cash: 1_600,
		size: if groups.contains(&SHORT) {
			-1
		} else {
			i128::from(groups.contains(&LONG))
		},
		collateral: groups.contains(&COLLATERAL).into(),
		drift: groups.contains(&DEADLINE).into(),
		since: System::block_number(),
	};
	set_account(id, Some(account));
	assert!(account.worth() > 0);
	groups.iter().for_each(|group| misplace(*group, id, u128::MAX));
}

/// An account that is unsafe, with a crossed key in each of `groups`: the worse the lower its number.
pub fn broke(id: PositionId, groups: impl IntoIterator<Item = Group>) {
	stale(id, groups);
	Accounts::mutate(|accounts| accounts.get_mut(&id).unwrap().cash = -100_000);
}

/// The accounts that were looked at again since this was asked last, and got new triggers.
pub fn refreshed() -> Vec<PositionId> {
	let looks = Looks::take();
	looks
		.into_iter()
		.filter(|(.., done)| *done)
		.map(|(_, id, _)| id)
		.collect()
}

pub struct Ledger;
impl Ledger {
	fn unsafe_account(group: Group, id: PositionId) -> Result<(Account, u128), DispatchError> {
		ensure!(
			Positions::get().contains_key(&(group, id)),
			DispatchError::CannotLookup
		);
		Self::threshold(group)?;
		ensure!(
			!TooFresh::get().contains(&(group, id)),
			DispatchError::Other("too fresh")
		);
		let account = Accounts::get()[&id];
		ensure!(account.worth() < 0, SAFE_ERROR);
		Ok((account, account.worth().unsigned_abs()))
	}
	fn unsafe_vault(group: Group, position: PositionId) -> Result<(Entry, u128), DispatchError> {
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
	/// What must not last of what fails half-way.
	fn litter(group: Group, id: PositionId) {
		Liquidations::moved(group, id, Positions::get().get(&(group, id)).copied(), None);
		sp_io::storage::set(LITTER, b"x");
	}
	fn liquidate_account(group: Group, id: PositionId) -> Result<LiquidationOutcome, DispatchError> {
		let (account, deficit) = Self::unsafe_account(group, id)?;
		if Failing::get().contains(&(group, id)) {
			Self::litter(group, id);
			return Err(FAILING_ERROR);
		}
		let left = Account {
			cash: account.cash + deficit as i128 + 100,
			..account
		};
		set_account(id, (!Closing::get()).then_some(left));
		if group == SOLE {
			let old = Positions::mutate(|positions| positions.remove(&(group, id)));
			Liquidations::moved(group, id, old, None);
		}
		if let Some((_, other)) = Rescued::get().filter(|(one, _)| *one == id) {
			Accounts::mutate(|accounts| accounts.get_mut(&other).unwrap().cash = 1_000_000);
		}
		// What its collateral does not bring is covered.
		let sold = (account.collateral * price(COLLATERAL))
			.unsigned_abs()
			.min(deficit);
		Ok(LiquidationOutcome {
			debt: sold,
			collateral: sold,
			closed: account.size.unsigned_abs(),
			absorbed: sold,
			shortfall: deficit - sold,
			..Default::default()
		})
	}
	fn liquidate_vault(group: Group, position: PositionId) -> Result<LiquidationOutcome, DispatchError> {
		let (entry, deficit) = Self::unsafe_vault(group, position)?;
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
		Ok(LiquidationOutcome {
			debt: deficit,
			collateral: deficit,
			absorbed: deficit,
			..Default::default()
		})
	}
}

impl PositionLedger for Ledger {
	fn groups() -> Vec<Group> {
		Groups::get()
	}
	fn threshold(group: Group) -> Result<u128, DispatchError> {
		if Refused::get().contains(&group) {
			return Err(PRICE_REFUSED_ERROR);
		}
		match group {
			SHORT => Ok(!(price(LONG) as u128)),
			Group::Deadline => Ok(!u128::from(System::block_number())),
			_ => Limits::get()
				.get(&group)
				.copied()
				.ok_or(DispatchError::CannotLookup),
		}
	}
	fn deficit(group: Group, position: PositionId) -> Result<Balance, DispatchError> {
		DeficitCalls::mutate(|calls| *calls += 1);
		match group {
			Group::Branch(_) => Self::unsafe_vault(group, position).map(|(_, deficit)| deficit),
			_ => Self::unsafe_account(group, position).map(|(_, deficit)| deficit),
		}
	}
	fn is_unsafe(group: Group, position: PositionId) -> bool {
		match group {
			Group::Branch(_) => Self::unsafe_vault(group, position).is_ok(),
			_ => Accounts::get()
				.get(&position)
				.is_some_and(|account| account.worth() < 0),
		}
	}
	fn liquidate(group: Group, position: PositionId) -> Result<LiquidationOutcome, DispatchError> {
		let outcome = match group {
			Group::Branch(_) => Self::liquidate_vault(group, position),
			_ => Self::liquidate_account(group, position),
		}?;
		Liquidated::mutate(|list| list.push((group, position)));
		Ok(outcome)
	}
	fn refresh(group: Group, id: PositionId) -> DispatchResult {
		assert!(
			group.is_estimate(),
			"a trigger that is exact is never looked at again"
		);
		let account = *Accounts::get().get(&id).ok_or(DispatchError::CannotLookup)?;
		let safe = account.worth() >= 0;
		Looks::mutate(|looks| looks.push((group, id, safe)));
		if !safe {
			Self::litter(group, id);
			return Err(UNSAFE_ERROR);
		}
		set_account(id, Some(account));
		if let Some((_, other)) = Helped::get().filter(|(one, _)| *one == id) {
			set_account(other, Accounts::get().get(&other).copied());
		}
		Ok(())
	}
	fn liquidation_weight(group: Group, _: PositionId) -> Option<Weight> {
		AccountWeight::get().filter(|_| group.is_estimate())
	}
	fn refresh_weight() -> Weight {
		LookWeight::get()
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn create_unsafe_position(seed: u32) -> (Group, PositionId) {
		let id = 1_000_000 + PositionId::from(seed);
		Groups::mutate(|groups| groups.extend(ESTIMATES));
		broke(id, [LONG]);
		(LONG, id)
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn create_unsafe_account() -> Option<(Group, PositionId)> {
		let id = 1_000_000;
		Groups::mutate(|groups| groups.extend(ESTIMATES));
		Closing::set(true);
		broke(id, [LONG, COLLATERAL, DEADLINE]);
		Some((LONG, id))
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn create_positions(total: u32, unsafe_ones: u32) -> Group {
		set_threshold(1, 200_000);
		let trigger = |i: u32| {
			if i < unsafe_ones {
				300_000
			} else {
				200_000 - u128::from(i)
			}
		};
		Positions::mutate(|positions| {
			positions.extend((0..total).map(|i| ((b(1), PositionId::from(i)), at(trigger(i)))));
		});
		for i in 0..total {
			Liquidations::moved(b(1), i.into(), None, Some(at(trigger(i))));
		}
		b(1)
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

/// The group of a branch.
pub const fn b(branch: BranchId) -> Group {
	Group::Branch(branch)
}

/// What a helper takes for a group: the group, or the number of a branch.
pub struct In(pub Group);
impl From<BranchId> for In {
	fn from(branch: BranchId) -> Self {
		Self(b(branch))
	}
}
impl From<Group> for In {
	fn from(group: Group) -> Self {
		Self(group)
	}
}

/// Put a position into the index, the way a ledger would.
pub fn set_entry(group: impl Into<In>, position: PositionId, entry: Entry) {
	let In(group) = group.into();
	let old = Positions::mutate(|positions| positions.insert((group, position), entry));
	Liquidations::moved(group, position, old, Some(entry));
}

/// Put a position under a trigger.
pub fn set(group: impl Into<In>, position: PositionId, trigger: u128) {
	set_entry(group, position, at(trigger));
}

/// Every position's trigger.
pub fn triggers() -> BTreeMap<(Group, PositionId), u128> {
	Positions::get()
		.into_iter()
		.map(|(key, entry)| (key, entry.trigger))
		.collect()
}

/// The debt of `group` with `above < trigger ≤ up_to`, position by position.
pub fn recount(group: Group, above: u128, up_to: u128) -> u128 {
	Positions::get()
		.into_iter()
		.filter(|((of, _), entry)| *of == group && above < entry.trigger && entry.trigger <= up_to)
		.map(|(_, entry)| entry.debt)
		.sum()
}

/// Take a position out.
pub fn unset(group: impl Into<In>, position: PositionId) {
	let In(group) = group.into();
	let old = Positions::mutate(|positions| positions.remove(&(group, position)));
	Liquidations::moved(group, position, old, None);
}

pub fn set_threshold(group: impl Into<In>, threshold: u128) {
	Limits::mutate(|limits| limits.insert(group.into().0, threshold));
}

pub fn refuse(group: impl Into<In>) {
	Refused::mutate(|refused| refused.insert(group.into().0));
}

pub fn fail(group: impl Into<In>, position: PositionId) {
	Failing::mutate(|failing| failing.insert((group.into().0, position)));
}

pub fn set_per_block(limit: u32) {
	Chain::mutate(|chain| chain.liquidations_per_block = limit);
}

pub fn set_looks(limit: u32) {
	Chain::mutate(|chain| chain.refreshes_per_block = limit);
}

/// A group's index in the order of its keys.
pub fn index_of(group: impl Into<In>) -> Vec<(u128, PositionId)> {
	Index::<Test>::iter_key_prefix(group.into().0)
		.map(|key| (key.trigger(), key.position()))
		.collect()
}

/// The ring of a group.
pub fn ring(group: impl Into<In>) -> Option<Ring> {
	let In(group) = group.into();
	let mut rings = Thresholds::<Test>::get()?.rings.into_iter();
	rings.find(|ring| ring.group == group)
}

/// The thresholds of a group.
pub fn ring_of(group: impl Into<In>) -> Option<Vec<u128>> {
	ring(group).map(|ring| ring.thresholds.into_inner())
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
pub fn transaction(group: impl Into<In>, position: PositionId) -> Vec<u8> {
	use frame_system::offchain::CreateAuthorizedTransaction;
	let In(group) = group.into();
	let call = RuntimeCall::Liquidations(Call::liquidate { group, position });
	<Test as CreateAuthorizedTransaction<Call<Test>>>::create_authorized_transaction(call).encode()
}

#[derive(Default)]
pub struct ExtBuilder {
	positions: Vec<(BranchId, PositionId, u128)>,
	accounts: bool,
}

impl ExtBuilder {
	/// Start with these vaults (branch, id, trigger).
	pub fn positions(mut self, positions: impl IntoIterator<Item = (BranchId, PositionId, u128)>) -> Self {
		self.positions.extend(positions);
		self
	}

	/// Start with the groups of margin accounts too.
	pub fn accounts(mut self) -> Self {
		self.accounts = true;
		self
	}

	/// Block 1, branches 1 to 3 with a threshold of 1,000; prices of 1,000 too.
	pub fn build(self) -> sp_io::TestExternalities {
		let mut groups = [1, 2, 3].map(b).to_vec();
		if self.accounts {
			groups.extend(ESTIMATES);
		}
		Groups::set(groups);
		Limits::set(
			[b(1), b(2), b(3), LONG, COLLATERAL]
				.map(|group| (group, 1_000))
				.into(),
		);
		Refused::set(BTreeSet::new());
		Failing::set(BTreeSet::new());
		TooFresh::set(BTreeSet::new());
		Closing::set(false);
		DeficitCalls::set(0);
		Looks::set(vec![]);
		Rescued::set(None);
		Helped::set(None);
		LookWeight::set(Weight::from_parts(300_000_000, 30_000));
		Immortal::set(false);
		Chain::set(ChainParameters {
			fallback_blocks: 3,
			liquidations_per_block: 10,
			refreshes_per_block: 20,
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
