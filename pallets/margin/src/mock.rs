//! A runtime around the pallet, with small markets, pool, fund and trigger index that really move the money.

use std::collections::BTreeMap;

use frame_support::{
	derive_impl, parameter_types,
	traits::{AsEnsureOriginWithArg, ConstU128, ConstU32, Everything, Hooks, Nothing, Time},
	weights::{constants::RocksDbWeight, Weight, WeightMeter},
	PalletId,
};
use frame_system::{mocking::MockBlock, EnsureRoot, EnsureSigned};
use keel_math::FixedU128;
use keel_primitives::{
	AssetId, Balance, BreakerSubject, ChainParameters, Clearing, CollateralParameters, FeedId, Group, Level,
	MarginAccountId, MarginAccounts, MarketId, Moment, PositionLedger, Price, PriceFor,
};
use sp_runtime::{traits::IdentityLookup, AccountId32, BuildStorage};

mod markets;
mod neighbours;
pub use markets::*;
pub use neighbours::*;

pub type AccountId = AccountId32;

pub const ALICE: AccountId = AccountId::new([1; 32]);
pub const BOB: AccountId = AccountId::new([2; 32]);
pub const CHARLIE: AccountId = AccountId::new([3; 32]);
/// Has kUSD and no KEEL.
pub const PAUPER: AccountId = AccountId::new([4; 32]);
/// Whose money is on the other side of every trade.
pub const MAKER: AccountId = AccountId::new([99; 32]);
pub const POOL: AccountId = AccountId::new([100; 32]);
pub const FUND: AccountId = AccountId::new([102; 32]);

pub const KUSD: AssetId = 1;
pub const BTC: AssetId = 2;
pub const ETH: AssetId = 3;
pub const DOT: AssetId = 4;
/// Not listed.
pub const USDC: AssetId = 5;
/// 19 decimals.
pub const WIDE: AssetId = 7;
/// A minimum balance of two.
pub const LUMPY: AssetId = 8;
/// Not sufficient.
pub const NEEDY: AssetId = 9;

pub const BTC_MARKET: MarketId = 2;
pub const ETH_MARKET: MarketId = 3;
pub const DOT_MARKET: MarketId = 4;

/// A whole unit of each.
pub const USD: Balance = 1_000_000;
pub const ONE_BTC: Balance = 100_000_000;
pub const ONE_ETH: Balance = 1_000_000_000_000_000_000;
pub const ONE_DOT: Balance = 10_000_000_000;
/// A whole unit of a position's size in every market.
pub const ONE_SIZE: i128 = 100_000_000;

pub const DEPOSIT: Balance = 5_000_000_000_000;
pub const START: Moment = 1_800_000_000_000;
pub const HOUR: Moment = 3_600_000;
pub const DAY: Moment = 24 * HOUR;

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
	pub type Margin = crate;
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
	pub const AccountDeposit: Balance = DEPOSIT;
	pub const MarginPalletId: PalletId = PalletId(*b"keel/mgn");

	pub static Now: Moment = START;
	pub static PriceTable: BTreeMap<FeedId, Price> = BTreeMap::new();
	pub static RefusedFor: Vec<(FeedId, PriceFor)> = Vec::new();
	pub static CollateralTable: BTreeMap<AssetId, CollateralParameters> = BTreeMap::new();
	pub static ChainNumbers: ChainParameters = ChainParameters::default();
	pub static Levels: BTreeMap<BreakerSubject, Level> = BTreeMap::new();
	pub static MarketTable: BTreeMap<MarketId, MockMarket> = BTreeMap::new();
	pub static PoolFails: bool = false;
	pub static FundFails: bool = false;
	pub static CoverFails: bool = false;
	pub static CoverForgets: bool = false;
	/// The worst case of the market in which that is largest.
	pub static WorstMarket: Balance = 0;
}

/// Any feed, and nothing that is held: what is forgotten is not this pallet's.
impl pallet_asset_registry::Config for Test {
	type AdminOrigin = EnsureRoot<AccountId>;
	type Feeds = Everything;
	type Held = Nothing;
	type MaxAssets = ConstU32<16>;
	type WeightInfo = ();
}

impl crate::Config for Test {
	type Assets = Assets;
	type Synthetic = Synthetic;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type AccountDeposit = AccountDeposit;
	type Registry = AssetRegistry;
	type Prices = MockPrices;
	type RiskParameters = MockParameters;
	type CircuitBreaker = MockBreaker;
	type Positions = MockPositions;
	type Triggers = MockIndex;
	type StabilityPool = MockPool;
	type InsuranceFund = MockFund;
	type ActiveTime = MockTime;
	type Time = MockTime;
	type ListOrigin = EnsureRoot<AccountId>;
	type PalletId = MarginPalletId;
	type MaxCollaterals = ConstU32<4>;
	type MaxHeld = ConstU32<3>;
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

/// Hundredths of a percent.
pub fn bps(bps: u128) -> FixedU128 {
	FixedU128::from_inner(bps * keel_math::ONE / 10_000)
}

pub fn dollars(dollars: u128) -> FixedU128 {
	FixedU128::from_inner(dollars * keel_math::ONE)
}

pub fn default_chain() -> ChainParameters {
	ChainParameters {
		margin_call: percent(120),
		profit_share: percent(80),
		profit_cap: 1_000_000 * USD,
		lending_base: percent(1),
		lending_slope: percent(10),
		lending_kink: percent(80),
		lending_jump: percent(200),
		lending_cap: percent(90),
		lending_guarded: percent(92),
		lending_reduce_only: percent(97),
		..Default::default()
	}
}

pub fn default_collateral() -> CollateralParameters {
	CollateralParameters {
		haircut: percent(10),
		haircut_ramp: percent(1),
		deposit_cap: 1_000_000_000 * USD,
		sale_discount: percent(5),
	}
}

pub fn set_chain(change: impl FnOnce(&mut ChainParameters)) {
	ChainNumbers::mutate(change);
}

/// Change the parameters of one collateral.
pub fn set_collateral(asset: AssetId, change: impl FnOnce(&mut CollateralParameters)) {
	CollateralTable::mutate(|all| change(all.entry(asset).or_insert_with(default_collateral)));
}

/// A fresh price without any disagreement. A collateral's feed has its number.
pub fn set_price(feed: FeedId, value: FixedU128) {
	PriceTable::mutate(|table| {
		let price = table.entry(feed).or_default();
		price.value = value;
		price.confidence = FixedU128::from_inner(1);
		price.twap = value;
		price.at = Now::get();
		price.since = price.at;
	});
}

/// Refuse a feed's price for one purpose.
pub fn refuse(feed: FeedId, purpose: PriceFor) {
	RefusedFor::mutate(|all| all.push((feed, purpose)));
}

/// Let `ms` pass and start a block.
pub fn pass(ms: Moment) {
	Now::mutate(|now| *now += ms);
	poll();
}

/// Start a block.
pub fn poll() {
	let block = System::block_number() + 1;
	System::set_block_number(block);
	Margin::on_poll(block, &mut WeightMeter::new());
}

/// Let time pass and publish the same prices and marks again, so that they are newer than everything.
pub fn refresh_prices() {
	Now::mutate(|now| *now += 2_000);
	PriceTable::mutate(|all| {
		all.values_mut().for_each(|price| {
			price.at = Now::get();
			price.since = price.at;
		})
	});
	MarketTable::mutate(|all| all.values_mut().for_each(|market| market.at = Now::get()));
}

pub fn signed(who: &AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who.clone())
}

/// Pay `amount` kUSD into a sub-account and return its number.
pub fn fund(owner: &AccountId, sub: u8, amount: Balance) -> MarginAccountId {
	Margin::deposit(signed(owner), sub, KUSD, amount).unwrap();
	Margin::account(owner, sub).unwrap()
}

/// Pay in anything.
pub fn pay_in(owner: &AccountId, sub: u8, asset: AssetId, amount: Balance) -> MarginAccountId {
	Margin::deposit(signed(owner), sub, asset, amount).unwrap();
	Margin::account(owner, sub).unwrap()
}

pub fn account(id: MarginAccountId) -> crate::AccountData<Test> {
	crate::Accounts::<Test>::get(id).unwrap()
}

pub fn money() -> crate::Money {
	Margin::money()
}

/// What an account owes now.
pub fn debt(id: MarginAccountId) -> Balance {
	money().debt_of(account(id).debt).unwrap()
}

pub fn statement(id: MarginAccountId) -> crate::Statement<AccountId> {
	Margin::statement(id).unwrap()
}

pub fn kusd(who: &AccountId) -> Balance {
	Assets::balance(KUSD, who)
}

pub fn held(who: &AccountId) -> Balance {
	use frame_support::traits::fungible::InspectHold;
	Balances::balance_on_hold(&crate::HoldReason::AccountDeposit.into(), who)
}

/// Where account `id` stands in `group`.
pub fn trigger(id: MarginAccountId, group: Group) -> Option<u128> {
	account(id)
		.triggers
		.iter()
		.find(|(of, _)| *of == group)
		.map(|(_, trigger)| *trigger)
}

/// The groups in which account `id` is behind its trigger.
pub fn crossed(id: MarginAccountId) -> Vec<Group> {
	account(id)
		.triggers
		.iter()
		.filter(|(group, trigger)| Margin::threshold(*group).is_ok_and(|threshold| *trigger > threshold))
		.map(|(group, _)| *group)
		.collect()
}

/// A group that account `id` stands in, that of the deadlines if it can be, then of who is due; that of the
/// deadlines also if it stands in none.
pub fn line(id: MarginAccountId) -> Group {
	let account = crate::Accounts::<Test>::get(id);
	let groups = account.iter().flat_map(|account| account.triggers.iter());
	let rank = |group: &Group| (*group == Group::Deadline, *group == Group::Due);
	groups
		.map(|(group, _)| *group)
		.max_by_key(rank)
		.unwrap_or(Group::Deadline)
}

/// Where account `id`, with one position and kUSD, stands: the level at which it is worth nothing.
pub fn bankruptcy_level(id: MarginAccountId) -> i128 {
	match account(id).triggers.as_slice() {
		[(Group::SoleLong(_), key)] => keel_primitives::level_of(*key),
		[(Group::SoleShort(_), key)] => keel_primitives::level_of(!*key),
		other => panic!("{other:?}"),
	}
}

/// Liquidate through a line that it stands in.
pub fn liquidate(
	id: MarginAccountId,
) -> Result<keel_primitives::LiquidationOutcome, sp_runtime::DispatchError> {
	<Margin as PositionLedger>::liquidate(line(id), id)
}

pub fn refresh(id: MarginAccountId) -> sp_runtime::DispatchResult {
	<Margin as PositionLedger>::refresh(line(id), id)
}

/// What anybody may buy of a collateral of account `id`.
pub fn offer(
	id: MarginAccountId,
	asset: AssetId,
	most: Balance,
) -> Result<crate::Offer, sp_runtime::DispatchError> {
	let (account, health) = Margin::look(id)?;
	Margin::offer(&account, &health, asset, most)
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
			RuntimeEvent::Margin(event) => Some(event),
			_ => None,
		})
		.collect()
}

pub struct ExtBuilder {
	reserve: Balance,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self {
			reserve: 10_000_000 * USD,
		}
	}
}

impl ExtBuilder {
	/// What CHARLIE has lent.
	pub fn reserve(mut self, amount: Balance) -> Self {
		self.reserve = amount;
		self
	}

	pub fn build(self) -> sp_io::TestExternalities {
		Now::set(START);
		RefusedFor::set(Vec::new());
		ChainNumbers::set(default_chain());
		Levels::set(BTreeMap::new());
		PoolFails::set(false);
		FundFails::set(false);
		CoverFails::set(false);
		CoverForgets::set(false);
		WorstMarket::set(0);
		CollateralTable::set([BTC, ETH, DOT].map(|asset| (asset, default_collateral())).into());
		PriceTable::set(BTreeMap::new());
		MarketTable::set(BTreeMap::new());
		for (feed, price) in [(BTC, 50_000), (ETH, 2_500), (DOT, 5), (USDC, 1)] {
			set_price(feed, dollars(price));
		}
		for (market, price) in [(BTC_MARKET, 50_000), (ETH_MARKET, 2_500), (DOT_MARKET, 5)] {
			MarketTable::mutate(|all| all.insert(market, MockMarket::new(market, dollars(price))));
		}

		let mut storage = frame_system::GenesisConfig::<Test>::default()
			.build_storage()
			.unwrap();
		pallet_balances::GenesisConfig::<Test> {
			balances: [ALICE, BOB, CHARLIE].map(|who| (who, DEPOSIT * 1_000)).into(),
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.unwrap();
		let assets = [
			(KUSD, 6u8, 1_000_000_000 * USD),
			(BTC, 8, 1_000_000 * ONE_BTC),
			(ETH, 18, 100_000_000 * ONE_ETH),
			(DOT, 10, 1_000_000_000 * ONE_DOT),
			(USDC, 6, 1_000_000_000 * USD),
			(WIDE, 19, 0),
			(LUMPY, 6, 0),
			(NEEDY, 6, 0),
		];
		pallet_assets::GenesisConfig::<Test> {
			assets: assets
				.iter()
				.map(|(id, ..)| (*id, ALICE, *id != NEEDY, if *id == LUMPY { 2 } else { 1 }))
				.collect(),
			metadata: assets
				.iter()
				.map(|(id, decimals, _)| (*id, b"Asset".to_vec(), b"AST".to_vec(), *decimals))
				.collect(),
			accounts: assets
				.iter()
				.filter(|(.., amount)| *amount > 0)
				.flat_map(|(id, _, amount)| {
					[ALICE, BOB, CHARLIE, PAUPER, MAKER].map(|who| (*id, who, *amount))
				})
				.collect(),
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.unwrap();
		crate::GenesisConfig::<Test> {
			collaterals: vec![(BTC, BTC, 8), (ETH, ETH, 18), (DOT, DOT, 10)],
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.unwrap();
		let mut ext = sp_io::TestExternalities::new(storage);
		ext.execute_with(|| {
			System::set_block_number(1);
			Margin::bring_in(&MAKER, 100_000_000 * USD).unwrap();
			if self.reserve > 0 {
				Margin::supply(signed(&CHARLIE), self.reserve).unwrap();
			}
			System::reset_events();
		});
		ext
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			Margin::do_try_state().unwrap();
		});
	}
}

/// A meter with nothing left.
pub fn no_weight() -> WeightMeter {
	WeightMeter::with_limit(Weight::zero())
}

#[cfg(feature = "runtime-benchmarks")]
pub fn new_test_ext() -> sp_io::TestExternalities {
	ExtBuilder::default().build()
}
