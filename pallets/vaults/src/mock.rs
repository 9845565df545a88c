//! A runtime around the pallet, with small pool, auctions, fund and trigger index that really move the money.

use std::collections::BTreeMap;

use frame_support::{
	derive_impl, parameter_types,
	traits::{AsEnsureOriginWithArg, ConstU128, ConstU32, ConstU64, Everything, Hooks, Nothing, Time},
	weights::{constants::RocksDbWeight, Weight},
	PalletId,
};
use frame_system::{mocking::MockBlock, EnsureRoot, EnsureSigned};
use keel_math::FixedU128;
use keel_primitives::{
	AssetId, Balance, BranchId, BranchParameters, BreakerSubject, ChainParameters, FeedId, Level, Moment,
	Price, PriceFor, VaultId,
};
use sp_runtime::{traits::IdentityLookup, AccountId32, BuildStorage};

mod neighbours;
pub use keel_primitives::Group;
pub use neighbours::*;

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
	#[runtime::pallet_index(4)]
	pub type AssetRegistry = pallet_asset_registry;
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
	pub static ChainNumbers: ChainParameters = ChainParameters::default();
	pub static FitAt: BTreeMap<FeedId, Moment> = BTreeMap::new();
	pub static Levels: BTreeMap<BreakerSubject, Level> = BTreeMap::new();
	pub static IndexExact: bool = true;
	pub static FundBoasts: bool = false;
	pub static FundFails: bool = false;
	/// What the fund may mint.
	pub static FeeRoom: Balance = Balance::MAX;
	pub static FundForgets: bool = false;
	pub static PoolFails: bool = false;
	pub static AuctionsFail: bool = false;
}

/// Any feed, and nothing that is held: what is forgotten is not this pallet's.
impl pallet_asset_registry::Config for Test {
	type AdminOrigin = EnsureRoot<AccountId>;
	type Feeds = Everything;
	type Held = Nothing;
	type MaxAssets = ConstU32<32>;
	type WeightInfo = ();
}

impl crate::Config for Test {
	type Assets = Assets;
	type Synthetic = Synthetic;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type VaultDeposit = VaultDeposit;
	type Registry = AssetRegistry;
	type Prices = MockPrices;
	type RiskParameters = MockParameters;
	type CircuitBreaker = MockBreaker;
	type Triggers = MockIndex;
	type StabilityPool = MockPool;
	type Auctions = MockAuctions;
	type InsuranceFund = MockFund;
	type ActiveTime = MockTime;
	type Time = MockTime;
	type BranchOrigin = EnsureRoot<AccountId>;
	type ShutdownOrigin = EnsureRoot<AccountId>;
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
		guarded_margin: percent(10),
		guarded_ceiling: percent(50),
		deviation_guarded: percent(5),
		deviation_reduce_only: percent(10),
		deviation_halted: percent(25),
		refused_guarded: 60_000,
		refused_reduce_only: 180_000,
		refused_halted: 1_800_000,
		liquidated_guarded: percent(5),
		liquidated_reduce_only: percent(15),
		liquidated_halted: percent(40),
		// So wide that only the tests of the windows meet them.
		mint_limit: percent(100),
		leaving_guarded: percent(10),
		leaving_reduce_only: percent(20),
		exit_limit: percent(100),
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
		price.since = price.at;
	});
	FitAt::mutate(|fit| fit.insert(feed, Now::get()));
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

/// Let `hours` pass hour by hour.
pub fn pass_hours(hours: u32) {
	for _ in 0..hours {
		pass(3_600_000);
	}
}

/// Shut the BTC branch down at the price its feed has.
pub fn shut_down_btc() {
	Vaults::shut_down(RuntimeOrigin::root(), BTC_BRANCH, None).unwrap();
}

/// Let the grace period of a shutdown pass, to the millisecond, without a block.
pub fn pass_grace() {
	Now::mutate(|now| *now += crate::GRACE_MS);
}

/// End a block that has this much weight left.
pub fn idle(limit: Weight) -> Weight {
	Vaults::on_idle(System::block_number(), limit)
}

/// Start a branch at this rate index, before anybody owes anything.
pub fn set_index(branch: BranchId, index: u128) {
	crate::Branches::<Test>::mutate(branch, |branch| {
		let branch = branch.as_mut().unwrap();
		assert_eq!(branch.total_normalised, 0);
		branch.rate_index = index;
	});
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
		ChainNumbers::set(ChainParameters::default());
		FitAt::set(BTreeMap::new());
		Levels::set(BTreeMap::new());
		IndexExact::set(true);
		FundBoasts::set(false);
		FundFails::set(false);
		FeeRoom::set(Balance::MAX);
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
