//! A chain of assets and the pool. The insurance fund is an account that can be told to refuse.

use frame_support::{
	assert_ok, derive_impl, ensure, parameter_types,
	traits::{
		fungibles::Mutate, tokens::Preservation, AsEnsureOriginWithArg, ConstU128, ConstU32, Hooks, Time,
	},
	PalletId,
};
use frame_system::{EnsureRoot, EnsureSigned};
use keel_primitives::{
	Action, AssetId, Balance, BreakerSubject, Coverage, IncomeSource, InsuranceFund, Level, Moment,
	StabilityPool as _,
};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult};

use crate::{Pallet, Stake};

pub type AccountId = u64;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CAROL: AccountId = 3;
pub const DAVE: AccountId = 4;
pub const DEPOSITORS: [AccountId; 4] = [ALICE, BOB, CAROL, DAVE];
pub const SELLER: AccountId = 100;
pub const FUND: AccountId = 200;
pub const OWNER: AccountId = 300;

pub const KUSD: AssetId = 1;
pub const BTC: AssetId = 2;
pub const ETH: AssetId = 3;
pub const DOT: AssetId = 4;
pub const COLLATERALS: [AssetId; 3] = [BTC, ETH, DOT];

/// One kUSD.
pub const USD: Balance = 1_000_000;
pub const ONE_BTC: Balance = 100_000_000;
pub const ONE_ETH: Balance = 1_000_000_000_000_000_000;
pub const ONE_DOT: Balance = 10_000_000_000;
/// When every test starts: the beginning of a [`MINUTE`].
pub const START: Moment = 60_000 * 28_333_333;
/// A minute, and the delay of the tests in which deposits wait.
pub const MINUTE: Moment = 60_000;
/// The kUSD every depositor starts with.
pub const PURSE: Balance = 1_000_000_000 * USD;
/// The collateral of each kind the seller starts with.
pub const STOCK: Balance = 1_000_000_000_000 * ONE_ETH;

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
	pub type StabilityPool = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlock<Test>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<1>;
	type AccountStore = System;
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
	pub static FundRefuses: bool = false;
	pub static Received: Vec<(Balance, IncomeSource)> = Vec::new();
	pub static MaxCollaterals: u32 = 8;
	/// Deposits join at once, unless a test says otherwise.
	pub static JoinDelay: Moment = 0;
	pub static Now: Moment = START;
	/// What the breaker holds everything to.
	pub static BreakerLevel: Level = Level::Normal;
	/// What the breaker was asked.
	pub static Asked: Vec<(BreakerSubject, Action)> = Vec::new();
	pub const PoolId: PalletId = PalletId(*b"keel/stb");
	pub const MinimumDeposit: Balance = 10 * USD;
}

pub struct Clock;
impl Time for Clock {
	type Moment = Moment;
	fn now() -> Moment {
		Now::get()
	}
}

/// One level for every subject.
pub struct MockBreaker;
impl keel_primitives::CircuitBreaker for MockBreaker {
	fn level(_: BreakerSubject) -> Level {
		BreakerLevel::get()
	}
	fn ensure(subject: BreakerSubject, action: Action) -> DispatchResult {
		Asked::mutate(|asked| asked.push((subject, action)));
		ensure!(
			BreakerLevel::get() <= action.tolerates(),
			DispatchError::Other("breaker raised")
		);
		Ok(())
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn raise(_: BreakerSubject, level: Level) {
		BreakerLevel::set(level);
	}
}

/// An account.
pub struct Fund;
impl InsuranceFund<AccountId> for Fund {
	fn receive(from: &AccountId, amount: Balance, source: IncomeSource) -> DispatchResult {
		if FundRefuses::get() {
			return Err(DispatchError::Other("the fund refuses"));
		}
		<Assets as Mutate<AccountId>>::transfer(KUSD, from, &FUND, amount, Preservation::Expendable)?;
		Received::mutate(|received| received.push((amount, source)));
		Ok(())
	}
	fn mint_room() -> Balance {
		Balance::MAX
	}
	fn mint(_: Balance, _: IncomeSource) -> DispatchResult {
		Err(DispatchError::Unavailable)
	}
	fn cover(_: Balance, _: Balance) -> Result<Coverage, DispatchError> {
		Err(DispatchError::Unavailable)
	}
	fn pay(_: &AccountId, _: Balance) -> Result<Balance, DispatchError> {
		Err(DispatchError::Unavailable)
	}
	fn shared() -> Balance {
		0
	}
	fn buy(_: &AccountId, _: AssetId, _: Balance, _: Balance) -> DispatchResult {
		Err(DispatchError::Unavailable)
	}
	fn take_collateral(_: &AccountId, _: AssetId, _: Balance) -> DispatchResult {
		Err(DispatchError::Unavailable)
	}
	fn release_collateral(_: &AccountId, _: AssetId, _: Balance) -> DispatchResult {
		Err(DispatchError::Unavailable)
	}
	fn collateral(_: AssetId) -> Balance {
		0
	}
	fn collaterals() -> Vec<AssetId> {
		Vec::new()
	}
	fn bad_debt() -> Balance {
		0
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub struct Helper;
#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper for Helper {
	fn create_asset(asset: AssetId) {
		use frame_support::traits::fungibles::{Create, Inspect};
		if !Assets::asset_exists(asset) {
			assert_ok!(<Assets as Create<AccountId>>::create(asset, OWNER, true, 1));
		}
	}
	fn set_time(now: Moment) {
		Now::set(now);
	}
}

/// As many assets as the pool has room for.
pub struct Registry;
impl keel_primitives::AssetRegistry for Registry {
	fn asset(_: AssetId) -> Result<keel_primitives::RegisteredAsset, DispatchError> {
		Err(DispatchError::CannotLookup)
	}
	fn assets() -> Vec<AssetId> {
		Vec::new()
	}
	fn list(_: AssetId, _: u32, _: u8, _: keel_primitives::Listing) -> DispatchResult {
		Err(DispatchError::Unavailable)
	}
	fn end_branch(_: AssetId) {}
	fn capacity() -> u32 {
		MaxCollaterals::get()
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn insert(_: AssetId, _: keel_primitives::RegisteredAsset) {}
}

impl crate::Config for Test {
	type Assets = Assets;
	type Registry = Registry;
	type Synthetic = ConstU32<KUSD>;
	type InsuranceFund = Fund;
	type CircuitBreaker = MockBreaker;
	type Time = Clock;
	type JoinDelay = JoinDelay;
	type PalletId = PoolId;
	type MaxCollaterals = MaxCollaterals;
	type MinimumDeposit = MinimumDeposit;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = Helper;
}

pub fn new_test_ext() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.unwrap();
	let assets = [KUSD, BTC, ETH, DOT];
	pallet_assets::GenesisConfig::<Test> {
		assets: assets.iter().map(|asset| (*asset, OWNER, true, 1)).collect(),
		accounts: DEPOSITORS
			.iter()
			.map(|who| (KUSD, *who, PURSE))
			.chain(COLLATERALS.iter().map(|asset| (*asset, SELLER, STOCK)))
			.collect(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	let mut ext = sp_io::TestExternalities::new(storage);
	ext.execute_with(|| {
		System::set_block_number(1);
		FundRefuses::set(false);
		Received::set(Vec::new());
		MaxCollaterals::set(8);
		JoinDelay::set(0);
		Now::set(START);
		BreakerLevel::set(Level::Normal);
		Asked::set(Vec::new());
	});
	ext
}

#[derive(Default)]
pub struct ExtBuilder {
	deposits: Vec<(AccountId, Balance)>,
}

impl ExtBuilder {
	/// Deposits made before the test, in base units.
	pub fn deposits(mut self, deposits: &[(AccountId, Balance)]) -> Self {
		self.deposits = deposits.to_vec();
		self
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		new_test_ext().execute_with(|| {
			for (who, amount) in self.deposits {
				assert_ok!(deposit(who, amount));
			}
			test();
			assert_ok!(Pallet::<Test>::do_try_state());
		});
	}
}

pub fn deposit(who: AccountId, amount: Balance) -> DispatchResult {
	StabilityPool::deposit(RuntimeOrigin::signed(who), amount)
}

pub fn withdraw(who: AccountId, amount: Balance) -> DispatchResult {
	StabilityPool::withdraw(RuntimeOrigin::signed(who), amount)
}

pub fn claim(who: AccountId, asset: AssetId) -> DispatchResult {
	StabilityPool::claim(RuntimeOrigin::signed(who), asset)
}

pub fn claim_all(who: AccountId) -> DispatchResult {
	StabilityPool::claim_all(RuntimeOrigin::signed(who))
}

/// A liquidation sells `collateral` of `asset` for `burn + income`.
pub fn absorb(asset: AssetId, collateral: Balance, burn: Balance, income: Balance) -> DispatchResult {
	StabilityPool::absorb(&SELLER, asset, collateral, burn, income, &OWNER, 0)
}

/// `collateral` of `asset` is sold for `price`, and the seller is paid.
pub fn sell(asset: AssetId, collateral: Balance, price: Balance) -> DispatchResult {
	StabilityPool::buy(&SELLER, asset, collateral, price)
}

/// A block `ms` later begins, and then another, which knows the time of the first.
pub fn pass(ms: Moment) {
	Now::mutate(|now| *now += ms);
	StabilityPool::on_initialize(System::block_number());
}

pub fn stake(who: AccountId) -> Stake {
	StabilityPool::deposit_of(who).unwrap_or_default()
}

pub fn gain(who: AccountId, asset: AssetId) -> Balance {
	stake(who)
		.gains
		.iter()
		.find(|(a, _)| *a == asset)
		.map_or(0, |(_, gain)| *gain)
}

pub fn balance(asset: AssetId, who: AccountId) -> Balance {
	Assets::balance(asset, who)
}

pub fn capacity() -> Balance {
	<StabilityPool as keel_primitives::StabilityPool<AccountId>>::capacity()
}

pub fn pool_account() -> AccountId {
	Pallet::<Test>::account_id()
}
