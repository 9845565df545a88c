//! A runtime around the pallet, with small pool, auctions, fund and trigger index that really move the money.

use std::collections::BTreeMap;

use frame_support::{
	derive_impl,
	pallet_prelude::*,
	parameter_types, storage_alias,
	traits::{
		fungibles::Mutate,
		tokens::{Fortitude, Precision, Preservation},
		AsEnsureOriginWithArg, ConstU128, ConstU64, Hooks, Time,
	},
	weights::constants::RocksDbWeight,
	PalletId,
};
use frame_system::{mocking::MockBlock, EnsureRoot, EnsureSigned};
use keel_math::FixedU128;
use keel_primitives::{
	AssetId, AuctionId, Auctions as AuctionsT, Balance, BranchId, BranchParameters, ChainParameters,
	Coverage, FeedId, IncomeSource, InsuranceFund as InsuranceFundT, Lot, Moment, PositionLedger, Price,
	PriceFor, PriceProvider, RiskParameters as RiskParametersT, StabilityPool as StabilityPoolT,
	TriggerIndex, VaultId,
};
use sp_runtime::{traits::IdentityLookup, AccountId32, BuildStorage, DispatchError, DispatchResult};

pub type AccountId = AccountId32;

pub const ALICE: AccountId = AccountId::new([1; 32]);
pub const BOB: AccountId = AccountId::new([2; 32]);
pub const CHARLIE: AccountId = AccountId::new([3; 32]);
/// Has KEEL and nothing else.
pub const PAUPER: AccountId = AccountId::new([4; 32]);
pub const POOL: AccountId = AccountId::new([100; 32]);
pub const AUCTIONS: AccountId = AccountId::new([101; 32]);
pub const FUND: AccountId = AccountId::new([102; 32]);

pub const KUSD: AssetId = 1;
pub const BTC: AssetId = 2;
pub const ETH: AssetId = 3;
pub const DOT: AssetId = 4;
/// Indivisible.
pub const DEED: AssetId = 6;
/// 19 decimals.
pub const WIDE: AssetId = 7;
/// A minimum balance of two.
pub const LUMPY: AssetId = 8;

pub const BTC_BRANCH: BranchId = 1;
pub const ETH_BRANCH: BranchId = 2;
pub const DOT_BRANCH: BranchId = 3;
pub const DEED_BRANCH: BranchId = 4;

/// A whole unit of each.
pub const USD: Balance = 1_000_000;
pub const ONE_BTC: Balance = 100_000_000;
pub const ONE_ETH: Balance = 1_000_000_000_000_000_000;
pub const ONE_DOT: Balance = 10_000_000_000;

pub const DEPOSIT: Balance = 5_000_000_000_000;
pub const START: Moment = 1_800_000_000_000;
pub const PERIOD: Moment = 30_000;
pub const YEAR: Moment = 31_536_000_000;

#[frame_support::runtime]
mod runtime {
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
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type Assets = pallet_assets;
	#[runtime::pallet_index(3)]
	pub type Vaults = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = MockBlock<Test>;
	type DbWeight = RocksDbWeight;
	type AccountData = pallet_balances::AccountData<Balance>;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<Self::AccountId>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<1>;
	type AccountStore = System;
	type RuntimeHoldReason = RuntimeHoldReason;
}

#[derive_impl(pallet_assets::config_preludes::TestDefaultConfig)]
impl pallet_assets::Config for Test {
	type Balance = Balance;
	type AssetId = AssetId;
	type AssetIdParameter = AssetId;
	type Currency = Balances;
	type CreateOrigin = AsEnsureOriginWithArg<EnsureSigned<AccountId>>;
	type ForceOrigin = EnsureRoot<AccountId>;
}

parameter_types! {
	pub const Synthetic: AssetId = KUSD;
	pub const VaultDeposit: Balance = DEPOSIT;
	pub const VaultsPalletId: PalletId = PalletId(*b"kl/vault");

	pub static Now: Moment = START;
	pub static PriceTable: BTreeMap<FeedId, Price> = BTreeMap::new();
	pub static RefusedFor: Vec<PriceFor> = Vec::new();
	pub static Parameters: BTreeMap<BranchId, BranchParameters> = BTreeMap::new();
	pub static FundFails: bool = false;
	pub static FundForgets: bool = false;
	pub static PoolFails: bool = false;
	pub static AuctionsFail: bool = false;
}

impl crate::Config for Test {
	type Assets = Assets;
	type Synthetic = Synthetic;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type VaultDeposit = VaultDeposit;
	type Prices = MockPrices;
	type RiskParameters = MockParameters;
	type Triggers = MockIndex;
	type StabilityPool = MockPool;
	type Auctions = MockAuctions;
	type InsuranceFund = MockFund;
	type Time = MockTime;
	type BranchOrigin = EnsureRoot<AccountId>;
	type PalletId = VaultsPalletId;
	type MaxBranches = ConstU32<5>;
	type AccrualPeriod = ConstU64<PERIOD>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = MockHelper;
}

pub struct MockTime;
impl Time for MockTime {
	type Moment = Moment;
	fn now() -> Moment {
		Now::get()
	}
}

pub struct MockPrices;
impl PriceProvider for MockPrices {
	fn price(feed: FeedId, purpose: PriceFor) -> Result<Price, DispatchError> {
		if RefusedFor::get().contains(&purpose) {
			return Err(refused());
		}
		PriceTable::get()
			.get(&feed)
			.copied()
			.ok_or(DispatchError::Other("no price"))
	}
	fn volatility(feed: FeedId) -> Option<FixedU128> {
		PriceTable::get().get(&feed).map(|price| price.volatility)
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_price(feed: FeedId, value: FixedU128) {
		set_price(feed, value);
	}
}

pub fn refused() -> DispatchError {
	DispatchError::Other("price refused")
}

pub struct MockParameters;
impl RiskParametersT for MockParameters {
	fn branch(branch: BranchId) -> Result<BranchParameters, DispatchError> {
		Parameters::get()
			.get(&branch)
			.cloned()
			.ok_or(DispatchError::CannotLookup)
	}
	fn chain() -> ChainParameters {
		ChainParameters::default()
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(branch: BranchId, parameters: BranchParameters) {
		Parameters::mutate(|all| all.insert(branch, parameters));
	}
}

/// Big-endian inverted trigger, then the position: iterates worst first.
#[storage_alias]
type TriggerMap = StorageDoubleMap<MockIndex, Twox64Concat, BranchId, Identity, [u8; 24], VaultId>;

pub struct MockIndex;
impl MockIndex {
	fn key(position: VaultId, trigger: u128) -> [u8; 24] {
		let mut key = [0; 24];
		key[..16].copy_from_slice(&(!trigger).to_be_bytes());
		key[16..].copy_from_slice(&position.to_be_bytes());
		key
	}
	fn trigger(key: [u8; 24]) -> u128 {
		!u128::from_be_bytes(key[..16].try_into().unwrap())
	}
}
impl TriggerIndex for MockIndex {
	fn moved(group: BranchId, position: VaultId, old: Option<u128>, new: Option<u128>) {
		assert_ne!(old, new, "told of a trigger that did not move");
		if let Some(old) = old {
			let key = Self::key(position, old);
			assert!(
				TriggerMap::contains_key(group, key),
				"the old trigger is not in the index"
			);
			TriggerMap::remove(group, key);
		}
		if let Some(new) = new {
			let key = Self::key(position, new);
			TriggerMap::insert(group, key, position);
		}
	}
	fn contains(group: BranchId, position: VaultId, trigger: u128) -> bool {
		TriggerMap::get(group, Self::key(position, trigger)) == Some(position)
	}
	fn count(group: BranchId) -> u64 {
		TriggerMap::iter_prefix_values(group).count() as u64
	}
}

/// The prefix of the index above the branch's threshold, worst first.
pub fn unsafe_vaults(branch: BranchId) -> Vec<VaultId> {
	let threshold = Vaults::threshold(branch).unwrap();
	TriggerMap::iter_prefix(branch)
		.take_while(|(key, _)| MockIndex::trigger(*key) > threshold)
		.map(|(_, vault)| vault)
		.collect()
}

fn burn(who: &AccountId, amount: Balance) -> DispatchResult {
	Assets::burn_from(
		KUSD,
		who,
		amount,
		Preservation::Expendable,
		Precision::Exact,
		Fortitude::Polite,
	)?;
	Ok(())
}

fn send(asset: AssetId, from: &AccountId, to: &AccountId, amount: Balance) -> DispatchResult {
	if amount > 0 {
		<Assets as Mutate<_>>::transfer(asset, from, to, amount, Preservation::Expendable)?;
	}
	Ok(())
}

pub struct MockPool;
impl StabilityPoolT<AccountId> for MockPool {
	fn capacity() -> Balance {
		Assets::balance(KUSD, &POOL)
	}
	fn absorb(
		seller: &AccountId,
		asset: AssetId,
		collateral: Balance,
		burned: Balance,
		income: Balance,
	) -> DispatchResult {
		burn(&POOL, burned)?;
		// Fails halfway: what it burned has to come back.
		ensure!(!PoolFails::get(), DispatchError::Exhausted);
		MockFund::receive(&POOL, income, IncomeSource::Penalty)?;
		send(asset, seller, &POOL, collateral)
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn fund(amount: Balance) {
		Assets::mint_into(KUSD, &POOL, amount).unwrap();
	}
}

#[storage_alias]
type AuctionDebt = StorageValue<MockAuctions, Balance, ValueQuery>;
#[storage_alias]
type AuctionLots = StorageMap<MockAuctions, Twox64Concat, AuctionId, Lot<AccountId>>;
#[storage_alias]
type AuctionCount = StorageValue<MockAuctions, AuctionId, ValueQuery>;

pub struct MockAuctions;
impl AuctionsT<AccountId> for MockAuctions {
	fn start(seller: &AccountId, lot: Lot<AccountId>, _: FixedU128) -> Result<AuctionId, DispatchError> {
		assert!(
			lot.collateral > 0 && lot.debt > 0,
			"nothing to sell or nothing to raise"
		);
		send(lot.asset, seller, &AUCTIONS, lot.collateral)?;
		ensure!(!AuctionsFail::get(), DispatchError::Unavailable);
		AuctionDebt::mutate(|debt| *debt += lot.debt);
		let id = AuctionCount::mutate(|count| {
			*count += 1;
			*count
		});
		AuctionLots::insert(id, lot);
		Ok(id)
	}
	fn debt() -> Balance {
		AuctionDebt::get()
	}
}

/// The lots on sale, oldest first.
pub fn lots() -> Vec<Lot<AccountId>> {
	let mut lots: Vec<_> = AuctionLots::iter().collect();
	lots.sort_by_key(|(id, _)| *id);
	lots.into_iter().map(|(_, lot)| lot).collect()
}

/// End the oldest auction: `buyer` pays what it can of the debt, the fund carries the rest, the buyer gets the lot.
pub fn settle_auction(buyer: &AccountId) {
	let Some(id) = AuctionLots::iter_keys().min() else {
		return;
	};
	let lot = AuctionLots::take(id).unwrap();
	let paid = lot.debt.min(Assets::balance(KUSD, buyer));
	if paid > 0 {
		burn(buyer, paid).unwrap();
	}
	AuctionDebt::mutate(|debt| *debt -= lot.debt);
	MockFund::cover(lot.debt - paid).unwrap();
	send(lot.asset, &AUCTIONS, buyer, lot.collateral).unwrap();
}

#[storage_alias]
type BadDebt = StorageValue<MockFund, Balance, ValueQuery>;

pub struct MockFund;
impl MockFund {
	/// Recorded bad debt first.
	fn pay_down(income: Balance) -> DispatchResult {
		let paid = income.min(BadDebt::get());
		if paid > 0 {
			burn(&FUND, paid)?;
			BadDebt::mutate(|debt| *debt -= paid);
		}
		Ok(())
	}
}
impl InsuranceFundT<AccountId> for MockFund {
	fn receive(from: &AccountId, amount: Balance, _: IncomeSource) -> DispatchResult {
		send(KUSD, from, &FUND, amount)?;
		Self::pay_down(amount)
	}
	fn mint(amount: Balance, source: IncomeSource) -> DispatchResult {
		assert!(source == IncomeSource::StabilityFee && amount > 0);
		Assets::mint_into(KUSD, &FUND, amount)?;
		ensure!(!FundFails::get(), DispatchError::Corruption);
		Self::pay_down(amount)
	}
	fn cover(shortfall: Balance) -> Result<Coverage, DispatchError> {
		ensure!(!FundFails::get(), DispatchError::Corruption);
		let covered = shortfall.min(Assets::balance(KUSD, &FUND));
		if covered > 0 {
			burn(&FUND, covered)?;
		}
		let bad_debt = shortfall - covered;
		BadDebt::mutate(|debt| *debt += bad_debt);
		Ok(Coverage {
			covered,
			bad_debt: if FundForgets::get() { 0 } else { bad_debt },
		})
	}
	fn take_collateral(from: &AccountId, asset: AssetId, amount: Balance) -> DispatchResult {
		send(asset, from, &FUND, amount)
	}
	fn release_collateral(to: &AccountId, asset: AssetId, amount: Balance) -> DispatchResult {
		send(asset, &FUND, to, amount)
	}
	fn collateral(asset: AssetId) -> Balance {
		Assets::balance(asset, &FUND)
	}
	fn bad_debt() -> Balance {
		BadDebt::get()
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub struct MockHelper;
#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper<AccountId> for MockHelper {
	fn create_collateral(seed: u32) -> (AssetId, FeedId) {
		let asset = 1_000 + seed;
		Assets::force_create(RuntimeOrigin::root(), asset, ALICE, true, 1).unwrap();
		let name = b"Benchmark".to_vec();
		Assets::force_set_metadata(RuntimeOrigin::root(), asset, name.clone(), name, 10, false).unwrap();
		(asset, asset)
	}
	fn endow(who: &AccountId) {
		use frame_support::traits::fungible::Mutate as _;
		Balances::set_balance(who, DEPOSIT * 100);
	}
	fn set_time(now: Moment) {
		Now::set(now);
	}
}

pub fn percent(percent: u128) -> FixedU128 {
	FixedU128::from_inner(percent * keel_math::ONE / 100)
}

pub fn dollars(dollars: u128) -> FixedU128 {
	FixedU128::from_inner(dollars * keel_math::ONE)
}

pub fn default_parameters() -> BranchParameters {
	BranchParameters {
		liquidation_ratio: percent(130),
		liquidation_ratio_cap: percent(200),
		ramp_per_hour: percent(1),
		safety_margin: percent(10),
		target_margin: percent(5),
		liquidation_penalty: percent(10),
		pool_bonus: percent(5),
		stability_fee: percent(2),
		debt_ceiling: 10_000_000 * USD,
		minimum_debt: 100 * USD,
		volatility_multiple: percent(233),
		volatility_horizon: 86_400,
		auction_start: percent(110),
		auction_cut: percent(99),
		auction_step: 20,
		auction_reserve: percent(60),
		auction_duration: 7_200,
	}
}

/// Change the parameters of one branch.
pub fn set_parameters(branch: BranchId, change: impl FnOnce(&mut BranchParameters)) {
	Parameters::mutate(|all| change(all.get_mut(&branch).unwrap()));
}

/// A fresh price without any disagreement. A branch's feed has the number of its collateral.
pub fn set_price(feed: FeedId, value: FixedU128) {
	PriceTable::mutate(|table| {
		let price = table.entry(feed).or_default();
		price.value = value;
		price.confidence = FixedU128::from_inner(1);
		price.twap = value;
		price.at = Now::get();
	});
}

pub fn set_volatility(feed: FeedId, volatility: FixedU128) {
	PriceTable::mutate(|table| table.entry(feed).or_default().volatility = volatility);
}

/// Let `ms` pass and start a block.
pub fn pass(ms: Moment) {
	Now::mutate(|now| *now += ms);
	let block = System::block_number() + 1;
	System::set_block_number(block);
	Vaults::on_initialize(block);
}

/// Let time pass and publish a price.
pub fn move_price(feed: FeedId, value: FixedU128) {
	Now::mutate(|now| *now += 2_000);
	set_price(feed, value);
}

pub fn signed(who: &AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who.clone())
}

/// Open a vault and return its number.
pub fn open(owner: &AccountId, branch: BranchId, collateral: Balance, debt: Balance) -> VaultId {
	let id = crate::NextVaultId::<Test>::get();
	Vaults::open(signed(owner), branch, collateral, debt).unwrap();
	id
}

pub fn vault(id: VaultId) -> crate::Vault<AccountId> {
	crate::Vaults::<Test>::get(id).unwrap()
}

pub fn branch(id: BranchId) -> crate::Branch {
	crate::Branches::<Test>::get(id).unwrap()
}

pub fn debt(id: VaultId) -> Balance {
	vault(id).debt(branch(vault(id).branch).rate_index).unwrap()
}

pub fn kusd(who: &AccountId) -> Balance {
	Assets::balance(KUSD, who)
}

pub fn held(who: &AccountId) -> Balance {
	use frame_support::traits::fungible::InspectHold;
	Balances::balance_on_hold(&crate::HoldReason::VaultDeposit.into(), who)
}

/// Give the pool `amount` kUSD that BOB mints in a vault of his own.
pub fn fund_pool(amount: Balance) {
	open(&BOB, ETH_BRANCH, 100_000 * ONE_ETH, amount);
	send(KUSD, &BOB, &POOL, amount).unwrap();
}

/// Give the fund `amount` kUSD likewise.
pub fn fund_fund(amount: Balance) {
	open(&BOB, ETH_BRANCH, 100_000 * ONE_ETH, amount);
	send(KUSD, &BOB, &FUND, amount).unwrap();
}

/// The pallet's last event.
pub fn last_event() -> crate::Event<Test> {
	events().pop().unwrap()
}

/// The pallet's events of this block.
pub fn events() -> Vec<crate::Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Vaults(event) => Some(event),
			_ => None,
		})
		.collect()
}

#[derive(Default)]
pub struct ExtBuilder {
	at_time_zero: bool,
}

impl ExtBuilder {
	/// A genesis before there is any time.
	pub fn at_time_zero(mut self) -> Self {
		self.at_time_zero = true;
		self
	}

	pub fn build(self) -> sp_io::TestExternalities {
		Now::set(if self.at_time_zero { 0 } else { START });
		RefusedFor::set(Vec::new());
		FundFails::set(false);
		FundForgets::set(false);
		PoolFails::set(false);
		AuctionsFail::set(false);
		let branches = [
			(BTC_BRANCH, BTC),
			(ETH_BRANCH, ETH),
			(DOT_BRANCH, DOT),
			(DEED_BRANCH, DEED),
		];
		Parameters::set(branches.map(|(branch, _)| (branch, default_parameters())).into());
		PriceTable::set(BTreeMap::new());
		for (feed, price) in [(BTC, 50_000), (ETH, 2_500), (DOT, 5), (DEED, 50_000)] {
			set_price(feed, dollars(price));
			set_volatility(feed, percent(50));
		}

		let mut storage = frame_system::GenesisConfig::<Test>::default()
			.build_storage()
			.unwrap();
		pallet_balances::GenesisConfig::<Test> {
			balances: [ALICE, BOB, CHARLIE, PAUPER]
				.map(|who| (who, DEPOSIT * 1_000))
				.into(),
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.unwrap();
		let assets = [
			(KUSD, 6u8, 0u128),
			(BTC, 8, 1_000_000 * ONE_BTC),
			(ETH, 18, 100_000_000 * ONE_ETH),
			(DOT, 10, 1_000_000_000 * ONE_DOT),
			(DEED, 0, 1_000_000),
			(WIDE, 19, 0),
			(LUMPY, 6, 0),
		];
		pallet_assets::GenesisConfig::<Test> {
			assets: assets
				.iter()
				.map(|(id, ..)| (*id, ALICE, true, if *id == LUMPY { 2 } else { 1 }))
				.collect(),
			metadata: assets
				.iter()
				.map(|(id, decimals, _)| (*id, b"Asset".to_vec(), b"AST".to_vec(), *decimals))
				.collect(),
			accounts: assets
				.iter()
				.filter(|(.., amount)| *amount > 0)
				.flat_map(|(id, _, amount)| [ALICE, BOB, CHARLIE].map(|who| (*id, who, *amount)))
				.collect(),
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.unwrap();
		crate::GenesisConfig::<Test> {
			branches: branches.map(|(branch, asset)| (branch, asset, asset)).into(),
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.unwrap();
		let mut ext = sp_io::TestExternalities::new(storage);
		ext.execute_with(|| System::set_block_number(1));
		ext
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			Vaults::do_try_state().unwrap();
		});
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub fn new_test_ext() -> sp_io::TestExternalities {
	ExtBuilder::default().build()
}
