//! A chain with assets, the pool, and a custody that keeps its books; markets, parameters, breaker and clock do what a
//! test says.

use codec::{Decode, Encode};
use frame_support::{
	assert_ok, derive_impl, ensure, parameter_types,
	storage::unhashed,
	traits::{
		fungibles::{Inspect, Mutate},
		tokens::{Fortitude, Precision, Preservation},
		AsEnsureOriginWithArg, ConstU128, ConstU32, Hooks, Time,
	},
	weights::{Weight, WeightMeter},
	PalletId,
};
use frame_system::{EnsureRoot, EnsureSigned};
use keel_math::FixedU128;
use keel_primitives::{
	Action, AssetId, Balance, BranchId, BranchParameters, BreakerSubject, ChainParameters, Clearing, Level,
	LiquidityPool as _, Moment, PoolExposure, Priced,
};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult};

use crate::{Holding, Pallet, PoolSummary, RequestId, Requests, State};

pub type AccountId = u64;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CAROL: AccountId = 3;
pub const DAVE: AccountId = 4;
pub const PROVIDERS: [AccountId; 4] = [ALICE, BOB, CAROL, DAVE];
pub const CUSTODY: AccountId = 200;
pub const OWNER: AccountId = 300;

pub const KUSD: AssetId = 1;
pub const SHARES: AssetId = 100;

/// One kUSD, and one share.
pub const USD: Balance = 1_000_000;
/// When every test starts.
pub const START: Moment = 1_700_000_000_000;
/// The time of a block.
pub const BLOCK: Moment = 2_000;
/// How long a withdrawal waits.
pub const COOLDOWN: Moment = 3_600_000;
/// The kUSD every provider starts with.
pub const PURSE: Balance = 1_000_000_000_000 * USD;
/// What asking the markets for their prices weighs.
pub const PRICED: Weight = Weight::from_parts(1_000, 1);
/// The cash traders start with in the custody.
pub const TRADERS: Balance = 1_000_000_000_000 * USD;

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
	pub type LiquidityPool = crate;
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
	pub static Now: Moment = START;
	/// What the pool owes traders; `None` while a price is missing.
	pub static Owed: Option<i128> = Some(0);
	pub static WorstOf: Balance = 0;
	/// When the oldest price of a market with open interest was made; `None` if there is no open interest.
	pub static PricedAt: Option<Moment> = None;
	/// A price is refused, and its feed not dead.
	pub static PriceRefused: bool = false;
	/// What dead feeds may hide.
	pub static Unpriced: Balance = 0;
	/// How often the markets were asked how old their prices are.
	pub static PricesAsked: u32 = 0;
	/// What of clearing is lent to accounts.
	pub static Overdrawn: Balance = 0;
	/// Interest on that which was not collected yet.
	pub static Interest: Balance = 0;
	pub static Chain: ChainParameters = parameters();
	/// The custody refuses to pay.
	pub static CustodyFails: bool = false;
	/// What the breaker holds everything to.
	pub static BreakerLevel: Level = Level::Normal;
	/// What the breaker was asked.
	pub static Asked: Vec<(BreakerSubject, Action)> = Vec::new();
	pub static MaxWaiting: u32 = 100;
	pub const PoolId: PalletId = PalletId(*b"keel/lpl");
	pub const MinimumDeposit: Balance = USD;
}

pub fn parameters() -> ChainParameters {
	ChainParameters {
		pool_cooldown: COOLDOWN,
		pool_stress: FixedU128::from_rational(1, 2),
		orders_per_block: 50,
		..Default::default()
	}
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

pub struct Parameters;
impl keel_primitives::RiskParameters for Parameters {
	fn branch(_: BranchId) -> Result<BranchParameters, DispatchError> {
		Err(DispatchError::Unavailable)
	}
	fn chain() -> ChainParameters {
		Chain::get()
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(_: BranchId, _: BranchParameters) {}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_chain(parameters: ChainParameters) {
		Chain::set(parameters);
	}
}

pub struct Markets;
impl PoolExposure for Markets {
	fn owed() -> Result<i128, DispatchError> {
		Owed::get().ok_or(DispatchError::Other("no price"))
	}
	fn worst_case() -> Balance {
		WorstOf::get()
	}
	fn priced() -> Priced {
		PricesAsked::mutate(|asked| *asked += 1);
		Priced {
			since: (!PriceRefused::get()).then(|| PricedAt::get().unwrap_or(Moment::MAX)),
			unpriced: Unpriced::get(),
		}
	}
	fn priced_weight() -> Weight {
		PRICED
	}
}

/// The custody's books. In storage, so that what is undone is undone here too.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Books {
	/// What is the pool's.
	pub clearing: i128,
	/// What is the traders'.
	pub accounts: i128,
}

const BOOKS: &[u8] = b"books";

pub fn books() -> Books {
	unhashed::get_or_default(BOOKS)
}

fn book(change: impl FnOnce(&mut Books)) {
	let mut books = books();
	change(&mut books);
	unhashed::put(BOOKS, &books);
}

pub struct Custody;
impl Clearing<AccountId> for Custody {
	fn bring_in(from: &AccountId, amount: Balance) -> DispatchResult {
		<Assets as Mutate<AccountId>>::transfer(KUSD, from, &CUSTODY, amount, Preservation::Expendable)?;
		book(|books| books.clearing += amount as i128);
		Ok(())
	}
	fn pay_out(to: &AccountId, amount: Balance) -> DispatchResult {
		// First, so that a refusal has something to undo.
		book(|books| books.clearing -= amount as i128);
		ensure!(!CustodyFails::get(), DispatchError::Exhausted);
		<Assets as Mutate<AccountId>>::transfer(KUSD, &CUSTODY, to, amount, Preservation::Expendable)?;
		Ok(())
	}
	fn custody() -> AccountId {
		CUSTODY
	}
	fn note(_: Balance) -> DispatchResult {
		Err(DispatchError::Unavailable)
	}
	fn release(_: Balance) -> DispatchResult {
		Err(DispatchError::Unavailable)
	}
	fn clearing() -> i128 {
		books().clearing
	}
	fn overdrawn() -> Balance {
		Overdrawn::get()
	}
	fn collect() -> Result<Balance, DispatchError> {
		let interest = Interest::take();
		book(|books| {
			books.clearing += interest as i128;
			books.accounts -= interest as i128;
		});
		Ok(interest)
	}
	fn cover_target() -> Balance {
		0
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn endow(amount: Balance) {
		assert_ok!(<Assets as Mutate<AccountId>>::mint_into(KUSD, &CUSTODY, amount));
		book(|books| books.clearing += amount as i128);
	}
}

impl crate::Config for Test {
	type Accounts = Custody;
	type Assets = Assets;
	type CircuitBreaker = MockBreaker;
	type Exposure = Markets;
	type MaxWaiting = MaxWaiting;
	type MinimumDeposit = MinimumDeposit;
	type PalletId = PoolId;
	type RiskParameters = Parameters;
	type Shares = ConstU32<SHARES>;
	type Time = Clock;
	type WeightInfo = ();
}

pub fn new_test_ext() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.unwrap();
	pallet_assets::GenesisConfig::<Test> {
		assets: vec![(KUSD, OWNER, true, 1), (SHARES, OWNER, true, 1)],
		accounts: PROVIDERS
			.iter()
			.map(|who| (KUSD, *who, PURSE))
			.chain([(KUSD, CUSTODY, TRADERS)])
			.collect(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	let mut ext = sp_io::TestExternalities::new(storage);
	ext.execute_with(|| {
		System::set_block_number(1);
		book(|books| books.accounts = TRADERS as i128);
		Now::set(START);
		Owed::set(Some(0));
		WorstOf::set(0);
		PricedAt::set(None);
		PriceRefused::set(false);
		Unpriced::set(0);
		PricesAsked::set(0);
		Overdrawn::set(0);
		Interest::set(0);
		Chain::set(parameters());
		CustodyFails::set(false);
		BreakerLevel::set(Level::Normal);
		Asked::set(Vec::new());
		MaxWaiting::set(100);
	});
	ext
}

#[derive(Default)]
pub struct ExtBuilder {
	provided: Vec<(AccountId, Balance)>,
}

impl ExtBuilder {
	/// What was provided and became shares before the test, in base units of kUSD.
	pub fn provided(mut self, provided: &[(AccountId, Balance)]) -> Self {
		self.provided = provided.to_vec();
		self
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		new_test_ext().execute_with(|| {
			for (who, amount) in self.provided {
				assert_ok!(provide(who, amount));
				next_block();
			}
			System::reset_events();
			test();
			check();
		});
	}
}

/// Every invariant of the pool, and that of the custody.
pub fn check() {
	assert_ok!(Pallet::<Test>::do_try_state());
	let books = books();
	assert_eq!(books.clearing, LiquidityPool::held(), "clearing is the pool's");
	assert_eq!(
		balance(KUSD, CUSTODY) as i128,
		books.clearing + books.accounts,
		"the custody holds what its books say"
	);
	let users: Balance = PROVIDERS.iter().map(|who| balance(KUSD, *who)).sum();
	assert_eq!(
		users + balance(KUSD, CUSTODY),
		Assets::total_issuance(KUSD),
		"no kUSD is lost"
	);
	let holders: Balance = PROVIDERS.iter().map(|who| shares(*who)).sum();
	assert_eq!(
		holders + shares(pool_account()),
		Assets::total_issuance(SHARES),
		"no share is lost"
	);
}

/// Ask for shares; returns the request's name.
pub fn provide_for(
	who: AccountId,
	amount: Balance,
	least_shares: Balance,
) -> Result<RequestId, DispatchError> {
	let id = State::<Test>::get().deposits.next_id;
	LiquidityPool::provide(RuntimeOrigin::signed(who), amount, least_shares).map(|_| id)
}

pub fn provide(who: AccountId, amount: Balance) -> Result<RequestId, DispatchError> {
	provide_for(who, amount, 0)
}

/// Ask to leave; returns the request's name.
pub fn withdraw(who: AccountId, shares: Balance) -> Result<RequestId, DispatchError> {
	let id = State::<Test>::get().withdrawals.next_id;
	LiquidityPool::request_withdrawal(RuntimeOrigin::signed(who), shares).map(|_| id)
}

pub fn cancel(who: AccountId, id: RequestId) -> DispatchResult {
	LiquidityPool::cancel_withdrawal(RuntimeOrigin::signed(who), id)
}

pub fn cancel_deposit(who: AccountId, id: RequestId) -> DispatchResult {
	LiquidityPool::cancel_deposit(RuntimeOrigin::signed(who), id)
}

/// The hook, with as much weight as it likes.
pub fn poll() {
	poll_within(Weight::MAX);
}

/// The hook, with `limit`. Returns what it used.
pub fn poll_within(limit: Weight) -> Weight {
	let mut meter = WeightMeter::with_limit(limit);
	LiquidityPool::on_poll(System::block_number(), &mut meter);
	meter.consumed()
}

/// The next block begins; its prices are as old as they are.
pub fn next_block() {
	pass(BLOCK);
}

/// A block begins `ms` later.
pub fn pass(ms: Moment) {
	Now::mutate(|now| *now += ms);
	poll();
}

/// Markets with open interest made their prices at `at`.
pub fn priced(at: Moment) {
	PricedAt::set(Some(at));
}

/// Traders lose `amount` to the pool; below zero they win. In cash.
pub fn traders_lose(amount: i128) {
	assert_ok!(LiquidityPool::settle(amount));
	book(|books| {
		books.clearing += amount;
		books.accounts -= amount;
	});
}

/// Traders take `amount` of their own out of the custody, and off this world.
pub fn pay_off(amount: Balance) {
	assert_ok!(<Assets as Mutate<AccountId>>::burn_from(
		KUSD,
		&CUSTODY,
		amount,
		Preservation::Expendable,
		Precision::Exact,
		Fortitude::Polite,
	));
	book(|books| books.accounts -= amount as i128);
}

/// Traders bring `amount` of their own into the custody.
pub fn pay_in(amount: Balance) {
	assert_ok!(<Assets as Mutate<AccountId>>::mint_into(KUSD, &CUSTODY, amount));
	book(|books| books.accounts += amount as i128);
}

pub fn balance(asset: AssetId, who: AccountId) -> Balance {
	Assets::balance(asset, who)
}

pub fn shares(who: AccountId) -> Balance {
	balance(SHARES, who)
}

/// The kUSD of `who` beyond what everybody started with.
pub fn won(who: AccountId) -> i128 {
	balance(KUSD, who) as i128 - PURSE as i128
}

pub fn summary() -> PoolSummary {
	LiquidityPool::pool()
}

pub fn requests(who: AccountId) -> Requests {
	LiquidityPool::requests_of(who)
}

pub fn holding(who: AccountId) -> Holding {
	LiquidityPool::holding_of(who)
}

pub fn state() -> crate::PoolState {
	State::<Test>::get()
}

pub fn pool_account() -> AccountId {
	Pallet::<Test>::account_id()
}
