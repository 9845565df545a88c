//! A chain of the markets alone. Accounts, pool and fund are numbers in storage, so that what fails is taken back.

use std::collections::BTreeMap;

use frame_support::{
	assert_ok, derive_impl, ensure, parameter_types,
	traits::{ConstU32, ConstU64, Hooks, Time},
	weights::WeightMeter,
	Twox64Concat,
};
use frame_system::EnsureRoot;
use keel_math::{margin::Risk, FixedU128, ONE};
use keel_primitives::{
	Act, Action, AssetId, Balance, BranchId, BranchParameters, BreakerSubject, ChainParameters, Closed,
	Closing, Coverage, Exposure, FeedId, IncomeSource, Level, MarginAccountId, MarginAccounts, MarketId,
	MarketParameters, Moment, OrderId, Positions, Price, PriceFor, Size, Waterfall,
};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult, Permill};

use crate::{Event, Market, Markets, NewOrder, Order, Pallet, Position, Stage, Trigger};

pub type AccountId = u64;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CAROL: AccountId = 3;
pub const DAVE: AccountId = 4;
pub const ALL: [AccountId; 4] = [ALICE, BOB, CAROL, DAVE];
pub const CUSTODY: AccountId = 100;

pub const BTC: MarketId = 1;
pub const ETH: MarketId = 2;
pub const DOT: MarketId = 3;
pub const SOL: MarketId = 4;
pub const MARKETS: [MarketId; 4] = [BTC, ETH, DOT, SOL];

/// One kUSD.
pub const USD: Balance = 1_000_000;
/// One whole unit of any underlying.
pub const UNIT: Size = 100_000_000;
pub const START: Moment = 1_800_000_000_000;
pub const BLOCK: Moment = 2_000;
pub const HOUR: Moment = 3_600_000;
/// What every account starts with.
pub const PURSE: Balance = 1_000_000 * USD;
/// What the pool starts with.
pub const POOL: Balance = 200_000_000 * USD;
pub const ORDER_FEE: Balance = USD / 10;

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
	pub type Perpetuals = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlock<Test>;
	type DbWeight = frame_support::weights::constants::RocksDbWeight;
}

parameter_types! {
	pub static Now: Moment = START;
	pub static PriceTable: BTreeMap<FeedId, Price> = BTreeMap::new();
	pub static RefusedFor: Vec<PriceFor> = Vec::new();
	pub static FitAt: BTreeMap<FeedId, Moment> = BTreeMap::new();
	pub static Numbers: BTreeMap<MarketId, MarketParameters> = BTreeMap::new();
	pub static ChainNumbers: ChainParameters = ChainParameters::default();
	pub static Levels: BTreeMap<BreakerSubject, Level> = BTreeMap::new();
	pub static CoverTarget: Balance = 0;
	pub static FundFails: bool = false;
	pub static AccountsFail: bool = false;
	/// Whether accounts wait to be looked at.
	pub static Behind: bool = false;
	/// What whoever keeps the accounts was told last, by what failed later too.
	pub static LastAct: Option<(MarginAccountId, Act)> = None;
}

/// kUSD of each account; below zero it owes.
#[frame_support::storage_alias]
pub type Cash = StorageMap<Mock, Twox64Concat, MarginAccountId, i128>;
/// Whose an account is, where its number does not say it.
#[frame_support::storage_alias]
pub type Owners = StorageMap<Mock, Twox64Concat, MarginAccountId, AccountId>;
#[frame_support::storage_alias]
pub type Clearing = StorageValue<Mock, i128, frame_support::pallet_prelude::ValueQuery>;
/// kUSD in custody, counted by what came and went.
#[frame_support::storage_alias]
pub type Custody = StorageValue<Mock, i128, frame_support::pallet_prelude::ValueQuery>;
#[frame_support::storage_alias]
pub type PoolCash = StorageValue<Mock, i128, frame_support::pallet_prelude::ValueQuery>;
#[frame_support::storage_alias]
pub type FundCash = StorageValue<Mock, Balance, frame_support::pallet_prelude::ValueQuery>;
/// kUSD that ever came.
#[frame_support::storage_alias]
pub type Brought = StorageValue<Mock, i128, frame_support::pallet_prelude::ValueQuery>;

pub struct Clock;
impl Time for Clock {
	type Moment = Moment;
	fn now() -> Moment {
		Now::get()
	}
}

/// The account `sub` of `owner`.
pub fn account_of(owner: AccountId, sub: u8) -> MarginAccountId {
	(owner % (1 << 48)) * 256 + u64::from(sub)
}

/// The first account of `owner`.
pub fn account(owner: AccountId) -> MarginAccountId {
	account_of(owner, 0)
}

/// What the markets keep in each account.
#[frame_support::storage_alias]
pub type TraderMap = StorageMap<
	Mock,
	Twox64Concat,
	MarginAccountId,
	crate::TraderOf<Test>,
	frame_support::pallet_prelude::ValueQuery,
>;

pub struct MockAccounts;

/// An account, loaded.
#[derive(Clone)]
pub struct MockAccount {
	id: MarginAccountId,
	owner: AccountId,
	trader: crate::TraderOf<Test>,
}

impl keel_primitives::MarginAccounts<AccountId> for MockAccounts {
	type Account = MockAccount;
	type Trader = crate::TraderOf<Test>;

	fn account(owner: &AccountId, sub: u8) -> Option<MarginAccountId> {
		let id = account_of(*owner, sub);
		Cash::contains_key(id).then_some(id)
	}
	fn load(id: MarginAccountId) -> Result<MockAccount, DispatchError> {
		ensure!(Cash::contains_key(id), DispatchError::CannotLookup);
		Ok(MockAccount {
			id,
			owner: Owners::get(id).unwrap_or(id / 256),
			trader: TraderMap::get(id),
		})
	}
	fn owner(account: &MockAccount) -> &AccountId {
		&account.owner
	}
	fn trader(account: &MockAccount) -> &Self::Trader {
		&account.trader
	}
	fn trader_mut(account: &mut MockAccount) -> &mut Self::Trader {
		&mut account.trader
	}
	fn risk(account: &MockAccount) -> Result<Risk, DispatchError> {
		let view = Perpetuals::view(&account.trader);
		let risk = risk_of(account.id, &view.exposures);
		Ok(Risk {
			initial: risk.initial + view.held,
			..risk
		})
	}
	fn commit(
		id: MarginAccountId,
		account: MockAccount,
		credit: i128,
		act: Act,
		exposures: &[Exposure],
	) -> DispatchResult {
		ensure!(
			matches!(act, Act::Ordered | Act::Involuntary) || !AccountsFail::get(),
			DispatchError::Other("accounts fail")
		);
		Cash::mutate(id, |cash| *cash.as_mut().unwrap() += credit);
		Clearing::mutate(|clearing| *clearing -= credit);
		LastAct::set(Some((id, act)));
		if act == Act::Opened {
			ensure!(
				risk_of(id, exposures).is_initial(),
				DispatchError::Other("initial margin")
			);
		}
		TraderMap::insert(id, account.trader);
		Ok(())
	}
	fn is_behind() -> bool {
		Behind::get()
	}
	fn traders() -> Vec<(MarginAccountId, Self::Trader)> {
		TraderMap::iter().collect()
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn create(owner: &AccountId, sub: u8, cash: Balance) -> MarginAccountId {
		let id = account_of(*owner, sub);
		Owners::insert(id, *owner);
		deposit(id, cash);
		id
	}
}

impl keel_primitives::Clearing<AccountId> for MockAccounts {
	fn bring_in(_: &AccountId, _: Balance) -> DispatchResult {
		Err(DispatchError::Unavailable)
	}
	fn pay_out(_: &AccountId, _: Balance) -> DispatchResult {
		Err(DispatchError::Unavailable)
	}
	fn custody() -> AccountId {
		CUSTODY
	}
	fn note(amount: Balance) -> DispatchResult {
		Clearing::mutate(|clearing| *clearing += amount as i128);
		Ok(())
	}
	fn release(amount: Balance) -> DispatchResult {
		Clearing::mutate(|clearing| *clearing -= amount as i128);
		Ok(())
	}
	fn clearing() -> i128 {
		Clearing::get()
	}
	fn cover_target() -> Balance {
		CoverTarget::get()
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn endow(amount: Balance) {
		Clearing::mutate(|clearing| *clearing += amount as i128);
		Custody::mutate(|custody| *custody += amount as i128);
		Brought::mutate(|brought| *brought += amount as i128);
	}
}

/// What account `id` has in the markets.
pub fn exposures(id: MarginAccountId) -> Vec<Exposure> {
	Perpetuals::view(&TraderMap::get(id)).exposures
}

/// Close what account `id` has as told, and state it.
pub fn close(id: MarginAccountId, closing: Closing) -> Result<Closed, DispatchError> {
	frame_support::storage::with_storage_layer(|| {
		let mut account = MockAccounts::load(id)?;
		let closed = Perpetuals::trade(id, &mut account.trader, closing)?;
		MockAccounts::commit(id, account, closed.credit, Act::Involuntary, &[])?;
		Ok(closed)
	})
}

/// Liquidate what account `id` has in `market` at that risk.
pub fn close_at(
	id: MarginAccountId,
	market: MarketId,
	risk: Risk,
	changed_at: Moment,
) -> Result<Closed, DispatchError> {
	let closing = Closing::Liquidate {
		market,
		risk,
		changed_at,
	};
	close(id, closing)
}

pub fn reduce(id: MarginAccountId, share: Permill, set_at: Moment) -> Result<Closed, DispatchError> {
	close(id, Closing::Reduce { share, set_at })
}

pub fn cancel_orders(id: MarginAccountId) -> DispatchResult {
	close(id, Closing::CancelOrders).map(|_| ())
}

/// What liquidating what account `id` has in `market` would do.
pub fn can_liquidate(
	id: MarginAccountId,
	market: MarketId,
	risk: Risk,
	changed_at: Moment,
) -> Result<Closed, DispatchError> {
	let closing = Closing::Liquidate {
		market,
		risk,
		changed_at,
	};
	Perpetuals::quote(&TraderMap::get(id), closing)
}

/// Have `deficit` of account `id` carried, and state it.
pub fn cover(
	id: MarginAccountId,
	markets: &[MarketId],
	deficit: Balance,
) -> Result<Waterfall, DispatchError> {
	let by = <Perpetuals as Positions>::cover(id, markets, deficit)?;
	assert_eq!(by.total(), Some(deficit));
	MockAccounts::commit(
		id,
		MockAccounts::load(id)?,
		deficit as i128,
		Act::Involuntary,
		&[],
	)?;
	Ok(by)
}

/// What its orders hold of account `id`'s margin.
pub fn held(id: MarginAccountId) -> Balance {
	Perpetuals::view(&TraderMap::get(id)).held
}

/// What an account is worth and needs, with all profit.
pub fn risk(account: MarginAccountId) -> Risk {
	risk_of(account, &exposures(account))
}

fn risk_of(account: MarginAccountId, exposures: &[Exposure]) -> Risk {
	let cash = Cash::get(account).unwrap_or_default();
	exposures.iter().fold(
		Risk {
			net: cash,
			..Default::default()
		},
		|sum, exposure| {
			sum + Risk {
				net: exposure.unrealised,
				initial: exposure.initial,
				maintenance: exposure.maintenance,
			}
		},
	)
}

pub struct MockPool;

impl keel_primitives::LiquidityPool for MockPool {
	fn cash() -> i128 {
		PoolCash::get()
	}
	fn held() -> i128 {
		PoolCash::get()
	}
	fn settle(amount: i128) -> DispatchResult {
		PoolCash::mutate(|cash| *cash += amount);
		Ok(())
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn fund(amount: Balance) {
		fund_pool(amount);
	}
}

pub struct MockFund;

impl keel_primitives::InsuranceFund<AccountId> for MockFund {
	fn receive(from: &AccountId, amount: Balance, source: IncomeSource) -> DispatchResult {
		ensure!(!FundFails::get(), DispatchError::Other("the fund fails"));
		assert_eq!((*from, source), (CUSTODY, IncomeSource::Trading));
		Custody::mutate(|custody| *custody -= amount as i128);
		FundCash::mutate(|cash| *cash += amount);
		Ok(())
	}
	fn pay(to: &AccountId, shortfall: Balance) -> Result<Balance, DispatchError> {
		ensure!(!FundFails::get(), DispatchError::Other("the fund fails"));
		assert_eq!(*to, CUSTODY);
		let paid = FundCash::get().min(shortfall);
		FundCash::mutate(|cash| *cash -= paid);
		Custody::mutate(|custody| *custody += paid as i128);
		Ok(paid)
	}
	fn shared() -> Balance {
		FundCash::get()
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

/// Prices that age.
pub struct MockPrices;

impl keel_primitives::PriceProvider for MockPrices {
	fn price(feed: FeedId, purpose: PriceFor) -> Result<Price, DispatchError> {
		let price = PriceTable::get()
			.get(&feed)
			.copied()
			.ok_or(DispatchError::CannotLookup)?;
		let age = match purpose {
			PriceFor::AddRisk => 30_000,
			PriceFor::ReduceRisk => 300_000,
			PriceFor::Liquidate => 60_000,
		};
		ensure!(
			!RefusedFor::get().contains(&purpose) && Now::get() - price.at <= age,
			DispatchError::Other("price refused")
		);
		Ok(price)
	}
	fn last(feed: FeedId) -> Option<Price> {
		PriceTable::get().get(&feed).copied()
	}
	fn fit_at(feed: FeedId) -> Option<Moment> {
		FitAt::get().get(&feed).copied()
	}
	fn volatility(feed: FeedId) -> Option<FixedU128> {
		Self::last(feed).map(|price| price.volatility)
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_price(feed: FeedId, value: FixedU128) {
		set_price(feed, value);
	}
}

pub struct MockParameters;

impl keel_primitives::RiskParameters for MockParameters {
	fn branch(_: BranchId) -> Result<BranchParameters, DispatchError> {
		Err(DispatchError::Unavailable)
	}
	fn chain() -> ChainParameters {
		ChainNumbers::get()
	}
	fn market(market: MarketId) -> Result<MarketParameters, DispatchError> {
		Numbers::get()
			.get(&market)
			.cloned()
			.ok_or(DispatchError::Other("no parameters"))
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(_: BranchId, _: BranchParameters) {}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_market(market: MarketId, parameters: MarketParameters) {
		Numbers::mutate(|all| all.insert(market, parameters));
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_chain(parameters: ChainParameters) {
		ChainNumbers::set(parameters);
	}
}

pub struct MockBreaker;

impl keel_primitives::CircuitBreaker for MockBreaker {
	fn level(subject: BreakerSubject) -> Level {
		Levels::get().get(&subject).copied().unwrap_or_default()
	}
	fn ensure(subject: BreakerSubject, action: Action) -> DispatchResult {
		ensure!(
			Self::level(subject) <= action.tolerates(),
			DispatchError::Other("breaker raised")
		);
		Ok(())
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn raise(subject: BreakerSubject, level: Level) {
		raise(subject, level);
	}
}

pub fn raise(subject: BreakerSubject, level: Level) {
	Levels::mutate(|levels| levels.insert(subject, level));
}

impl crate::Config for Test {
	type Accounts = MockAccounts;
	type Pool = MockPool;
	type InsuranceFund = MockFund;
	type Prices = MockPrices;
	type RiskParameters = MockParameters;
	type CircuitBreaker = MockBreaker;
	type Time = Clock;
	type ListOrigin = EnsureRoot<AccountId>;
	type MaxMarkets = ConstU32<6>;
	type MaxPositions = ConstU32<3>;
	type MaxOrders = ConstU32<6>;
	type SweepPeriod = ConstU64<HOUR>;
	type WeightInfo = ();
}

pub fn ratio(parts: u128, of: u128) -> FixedU128 {
	FixedU128::from_inner(parts * ONE / of)
}

pub fn dollars(dollars: u128) -> FixedU128 {
	FixedU128::from_inner(dollars * ONE)
}

/// Numbers of a market whose skew scale is worth 500 million kUSD at its first price.
pub fn numbers(price: u128) -> MarketParameters {
	MarketParameters {
		maintenance_margin: ratio(25, 1_000),
		maintenance_cap: ratio(20, 100),
		volatility_multiple: ratio(233, 100),
		volatility_horizon: 600,
		ramp_per_hour: ratio(1, 100),
		initial_multiple: ratio(2, 1),
		open_interest_lower: 0,
		open_interest_upper: 0,
		max_open_interest: 50_000_000 * USD,
		skew_scale: 500_000_000 / price * UNIT as u128,
		max_premium: ratio(5, 100),
		premium_step: ratio(5, 1_000),
		taker_fee: ratio(1, 1_000),
		maker_fee: ratio(2, 10_000),
		rebate: ratio(3, 10_000),
		rebate_band: ratio(2, 1_000),
		rebate_share: ratio(20, 100),
		max_funding_rate: ratio(10, 100),
		funding_velocity: ratio(1, 1),
		stress: ratio(25, 100),
		liquidation_fee: ratio(1, 100),
		liquidation_limit: ratio(25, 100),
		guarded_multiple: ratio(2, 1),
		guarded_caps: ratio(50, 100),
		tranche_target: 1_000 * USD,
		deviation_guarded: ratio(5, 100),
		deviation_reduce_only: ratio(10, 100),
		deviation_halted: ratio(25, 100),
		refused_guarded: 60_000,
		refused_reduce_only: 180_000,
		refused_halted: 1_800_000,
		liquidated_guarded: ratio(5, 100),
		liquidated_reduce_only: ratio(15, 100),
		liquidated_halted: ratio(40, 100),
	}
}

pub fn set_numbers(market: MarketId, change: impl FnOnce(&mut MarketParameters)) {
	Numbers::mutate(|all| change(all.get_mut(&market).unwrap()));
}

pub fn set_chain(change: impl FnOnce(&mut ChainParameters)) {
	ChainNumbers::mutate(change);
}

/// A price made now. A market's feed has its number.
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

pub fn price_of(feed: FeedId) -> FixedU128 {
	PriceTable::get()[&feed].value
}

/// The next block begins, `ms` later: nobody made a price.
pub fn block_after(ms: Moment) {
	Now::mutate(|now| *now += ms);
	let number = System::block_number() + 1;
	System::set_block_number(number);
	let mut meter = WeightMeter::new();
	Perpetuals::on_poll(number, &mut meter);
}

/// The block ends with prices, those of before unless they were just set, and the next one begins.
pub fn tick() {
	for feed in PriceTable::get().into_keys() {
		set_price(feed, price_of(feed));
	}
	block_after(BLOCK);
}

/// As many blocks as an order needs.
pub fn ticks() {
	tick();
	tick();
}

/// The block ends with this price of `market`, and the next one begins.
pub fn move_to(market: MarketId, value: FixedU128) {
	set_price(market, value);
	tick();
}

pub fn deposit(account: MarginAccountId, amount: Balance) {
	Cash::mutate(account, |cash| {
		*cash = Some(cash.unwrap_or_default() + amount as i128)
	});
	Custody::mutate(|custody| *custody += amount as i128);
	Brought::mutate(|brought| *brought += amount as i128);
}

/// Take cash from an account, as if its owner withdrew it.
pub fn withdraw(account: MarginAccountId, amount: Balance) {
	Cash::mutate(account, |cash| {
		*cash = Some(cash.unwrap_or_default() - amount as i128)
	});
	Custody::mutate(|custody| *custody -= amount as i128);
	Brought::mutate(|brought| *brought -= amount as i128);
}

pub fn fund_pool(amount: Balance) {
	PoolCash::mutate(|cash| *cash += amount as i128);
	Clearing::mutate(|clearing| *clearing += amount as i128);
	Custody::mutate(|custody| *custody += amount as i128);
	Brought::mutate(|brought| *brought += amount as i128);
}

/// The pool has `left` from now on: the rest went nobody knows where.
pub fn drain_pool(left: i128) {
	let gone = PoolCash::get() - left;
	PoolCash::put(left);
	Clearing::mutate(|clearing| *clearing -= gone);
	Custody::mutate(|custody| *custody -= gone);
	Brought::mutate(|brought| *brought -= gone);
}

pub fn fund_fund(amount: Balance) {
	FundCash::mutate(|cash| *cash += amount);
	Brought::mutate(|brought| *brought += amount as i128);
}

pub fn cash(who: AccountId) -> i128 {
	Cash::get(account(who)).unwrap()
}

/// Nothing came from nowhere: what accounts and clearing claim is in custody, and that and the fund is what was brought.
pub fn check_conservation() {
	let accounts: i128 = Cash::iter_values().sum();
	assert_eq!(accounts + Clearing::get(), Custody::get(), "custody");
	assert_eq!(Custody::get() + FundCash::get() as i128, Brought::get(), "supply");
}

/// The mark of a market, if it is good enough to liquidate on.
pub fn mark_of(id: MarketId) -> Result<FixedU128, DispatchError> {
	let all = <Perpetuals as Positions>::pricing();
	let (_, pricing) = all.into_iter().find(|(of, _)| *of == id).unwrap();
	pricing.map(|pricing| pricing.mark)
}

pub fn market(id: MarketId) -> Market {
	*Markets::<Test>::get().market(id).unwrap()
}

pub fn change_market(id: MarketId, change: impl FnOnce(&mut Market)) {
	Markets::<Test>::mutate(|state| change(state.market_mut(id).unwrap()));
}

pub fn position(who: AccountId, market: MarketId) -> Position {
	TraderMap::get(account(who)).position(market)
}

pub fn order(id: OrderId) -> Option<Order> {
	TraderMap::iter_values().find_map(|trader| trader.order(id).copied())
}

pub fn next_order() -> OrderId {
	crate::NextOrder::<Test>::get()
}

/// What an order may say beyond its size.
#[derive(Clone, Copy, Default)]
pub struct Terms {
	pub trigger: Option<Trigger>,
	pub limit: Option<FixedU128>,
	pub resting: bool,
	pub reduce_only: bool,
	pub life: Option<Moment>,
}

impl Terms {
	/// The order of `size` that says so.
	pub fn of(&self, market: MarketId, size: Size) -> NewOrder {
		NewOrder {
			market,
			size,
			trigger: self.trigger,
			limit: self.limit,
			resting: self.resting,
			reduce_only: self.reduce_only,
			expires_in: self.life.unwrap_or(HOUR),
		}
	}
}

/// When an order joined the queue, if it is in it.
pub fn queued_at(id: OrderId) -> Option<Moment> {
	match order(id).unwrap().stage {
		Stage::Queued { since, .. } => Some(since),
		_ => None,
	}
}

/// The place of an order in the queue.
pub fn place(id: OrderId) -> OrderId {
	match order(id).unwrap().stage {
		Stage::Queued { place, .. } => place,
		stage => panic!("order {id} is not in the queue: {stage:?}"),
	}
}

/// What an order would do now.
pub fn preview(
	who: AccountId,
	market: MarketId,
	size: Size,
	terms: Terms,
) -> Result<crate::Preview, DispatchError> {
	Perpetuals::preview_order(who, 0, terms.of(market, size))
}

pub fn try_commit(
	who: AccountId,
	market: MarketId,
	size: Size,
	terms: Terms,
) -> Result<OrderId, DispatchError> {
	let id = next_order();
	frame_support::storage::with_storage_layer(|| {
		Perpetuals::commit_order(RuntimeOrigin::signed(who), 0, terms.of(market, size))
	})?;
	Ok(id)
}

pub fn commit(who: AccountId, market: MarketId, size: Size) -> OrderId {
	try_commit(who, market, size, Terms::default()).unwrap()
}

pub fn commit_reduce(who: AccountId, market: MarketId, size: Size) -> OrderId {
	let terms = Terms {
		reduce_only: true,
		..Default::default()
	};
	try_commit(who, market, size, terms).unwrap()
}

pub fn cancel(who: AccountId, id: OrderId) -> DispatchResult {
	// The account that has it, or had.
	let owner = TraderMap::iter()
		.find(|(_, trader)| trader.order(id).is_some())
		.map_or(account(who), |(owner, _)| owner);
	frame_support::storage::with_storage_layer(|| {
		Perpetuals::cancel_order(RuntimeOrigin::signed(who), owner, id)
	})
}

/// Commit and see it filled.
pub fn trade(who: AccountId, market: MarketId, size: Size) -> crate::Fill {
	let id = commit(who, market, size);
	ticks();
	filled(id)
}

/// Fill at the price of now, past the queue.
pub fn fill_now(who: AccountId, market: MarketId, size: Size) -> Result<crate::Fill, DispatchError> {
	frame_support::storage::with_storage_layer(|| {
		let request = crate::fill::Request {
			account: account(who),
			market,
			size,
			limit: None,
			reduce_only: false,
			least_fee: ORDER_FEE,
			portion: crate::fill::Portion::Whole,
		};
		let id = account(who);
		let (mut account, mut state) = (MockAccounts::load(id)?, Perpetuals::state());
		let crate::fill::Traded { fill, act, moved } =
			Perpetuals::fill(&mut state, &mut account.trader, &request)?;
		Perpetuals::shift(&moved);
		let exposures = Perpetuals::exposures_in(&state, &account.trader);
		Markets::<Test>::put(state);
		MockAccounts::commit(id, account, fill.credit().unwrap(), act, &exposures)?;
		Ok(fill)
	})
}

/// Liquidate what `who` has in `market` at the risk of now.
pub fn liquidate(who: AccountId, market: MarketId) -> Result<Closed, DispatchError> {
	let id = account(who);
	close_at(id, market, risk(id), 0)
}

/// Withdraw so that `left` kUSD remain.
pub fn leave(who: AccountId, left: Balance) {
	let have = u128::try_from(cash(who)).unwrap();
	withdraw(account(who), have - left);
}

/// What an order that was filled did.
pub fn filled(id: OrderId) -> crate::Fill {
	let fill = events().into_iter().rev().find_map(|event| match event {
		Event::OrderFilled {
			order,
			size,
			price,
			fee,
			realised,
			funding,
			haircut,
			position,
			left,
			..
		} if order == id => Some(crate::Fill {
			size,
			price,
			fee,
			realised,
			funding,
			haircut,
			position,
			left,
		}),
		_ => None,
	});
	fill.unwrap_or_else(|| panic!("order {id} was not filled: {:?}", failed(id)))
}

/// Why an order failed.
pub fn failed(id: OrderId) -> Option<DispatchError> {
	events().into_iter().rev().find_map(|event| match event {
		Event::OrderFailed { order, error, .. } if order == id => Some(error),
		_ => None,
	})
}

/// The pallet's events.
pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Perpetuals(event) => Some(event),
			_ => None,
		})
		.collect()
}

pub fn new_test_ext() -> sp_io::TestExternalities {
	Now::set(START);
	RefusedFor::set(Vec::new());
	PriceTable::set(BTreeMap::new());
	FitAt::set(BTreeMap::new());
	Levels::set(BTreeMap::new());
	CoverTarget::set(0);
	FundFails::set(false);
	AccountsFail::set(false);
	Behind::set(false);
	LastAct::set(None);
	ChainNumbers::set(ChainParameters {
		order_fee: ORDER_FEE,
		orders_per_block: 50,
		pool_stress: ratio(50, 100),
		..Default::default()
	});
	let prices = [(BTC, 50_000), (ETH, 2_500), (DOT, 5), (SOL, 100)];
	Numbers::set(prices.map(|(market, price)| (market, numbers(price))).into());
	for (feed, price) in prices {
		set_price(feed, dollars(price));
	}
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.unwrap();
	crate::GenesisConfig::<Test> {
		markets: MARKETS.map(|market| (market, market)).into(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	let mut ext = sp_io::TestExternalities::new(storage);
	ext.execute_with(|| System::set_block_number(1));
	ext
}

#[derive(Default)]
pub struct ExtBuilder;

impl ExtBuilder {
	pub fn build_and_execute(self, test: impl FnOnce()) {
		new_test_ext().execute_with(|| {
			fund_pool(POOL);
			ALL.iter().for_each(|who| deposit(account(*who), PURSE));
			tick();
			test();
			check_conservation();
			assert_ok!(Pallet::<Test>::do_try_state());
		});
	}
}
