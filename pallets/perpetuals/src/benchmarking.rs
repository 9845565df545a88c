//! Worst cases of every call and of every part of a block's work.

use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{
	assert_ok,
	traits::{EnsureOrigin, Get, Time},
	weights::WeightMeter,
};
use frame_system::RawOrigin;
use keel_math::{FixedU128, ONE};
use keel_primitives::{
	Act, Balance, ChainParameters, InsuranceFund, LiquidityPool, MarginAccountId, MarginAccounts, MarketId,
	MarketParameters, OrderId, Positions, PriceProvider, RiskParameters, Size,
};

use crate::{
	haircut::Moved, orders::AccountOf, poll::Budget, Call, Claims, Config, Fit, Ladders, Markets, NewOrder,
	NextOrder, Pallet, Position, Status, TraderOf, Trigger, When,
};

/// The first market of a benchmark; its feed has the same number.
const FIRST: MarketId = 1_000;
/// As many feeds as a chain has room for beside its own; further markets share them.
const FEEDS: u32 = 8;
/// A whole unit.
const UNIT: Size = 100_000_000;
const USD: Balance = 1_000_000;
/// Bins of a side of a ladder in a benchmark: all but some for the positions of the benchmark itself.
const BINS: u32 = crate::MAX_BINS - 8;
/// The longest an order lives.
const LIFE: u64 = crate::MAX_LIFE_MS;

fn ratio(parts: u128, of: u128) -> FixedU128 {
	FixedU128::from_inner(parts * ONE / of)
}

fn price() -> FixedU128 {
	ratio(100, 1)
}

fn parameters() -> MarketParameters {
	MarketParameters {
		maintenance_margin: ratio(25, 1_000),
		maintenance_cap: ratio(20, 100),
		volatility_multiple: ratio(233, 100),
		volatility_horizon: 600,
		ramp_per_hour: ratio(1, 100),
		initial_multiple: ratio(2, 1),
		open_interest_lower: 10_000_000 * USD,
		open_interest_upper: 100_000_000 * USD,
		max_open_interest: 50_000_000 * USD,
		// A hundred million kUSD.
		skew_scale: 1_000_000 * UNIT as u128,
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

/// Market `id`, listed with a price if it is not, as good as a price can be in this block.
fn prepare_market<T: Config>(id: MarketId) {
	if Markets::<T>::get().market(id).is_none() {
		T::RiskParameters::set_market(id, parameters());
		let feed = if id >= FIRST {
			FIRST + (id - FIRST) % FEEDS
		} else {
			id
		};
		T::Prices::set_price(feed, price());
		assert_ok!(Pallet::<T>::do_list(id, feed));
	}
	let feed = Markets::<T>::get().market(id).map_or(id, |market| market.feed);
	if T::Prices::last(feed).is_none_or(|price| price.value == FixedU128::default()) {
		T::Prices::set_price(feed, price());
	}
	Pallet::<T>::refresh(T::Time::now());
	Markets::<T>::mutate(|state| {
		for market in state.markets.iter_mut() {
			market.fit = Fit {
				add_risk: true,
				reduce_risk: true,
				liquidate: true,
			};
		}
	});
}

/// [`Positions::create`].
pub(crate) fn create_position<T: Config>(account: MarginAccountId, id: MarketId, size: Size) {
	prepare_market::<T>(id);
	let mut state = Markets::<T>::get();
	let mut loaded = T::Accounts::load(account).expect("there is one");
	let trader = T::Accounts::trader_mut(&mut loaded);
	let held = trader.position(id);
	let mut position = held;
	let market = state.market_mut(id).expect("it was prepared");
	market.trade(&mut position, size).expect("small numbers");
	market.update_initial();
	trader.keep(position).expect("there is room for the position");
	Pallet::<T>::shift(&Moved::of(market, &held, &position));
	Markets::<T>::put(state);
	keep::<T>(account, loaded);
}

/// What `account` has in the markets.
fn trader<T: Config>(account: MarginAccountId) -> TraderOf<T> {
	T::Accounts::trader(&T::Accounts::load(account).expect("there is one")).clone()
}

/// Write an account as it is.
fn keep<T: Config>(id: MarginAccountId, account: AccountOf<T>) {
	assert_ok!(T::Accounts::commit(id, account, 0, Act::Ordered, &[]));
}

/// An empty state, a pool, and the numbers that concern them.
fn prepare_pool<T: Config>() {
	Markets::<T>::kill();
	T::RiskParameters::set_chain(ChainParameters {
		order_fee: USD / 10,
		orders_per_block: 100,
		pool_stress: ratio(1, 1),
		profit_share: ratio(1, 1),
		profit_cap: Balance::MAX / 4,
		..T::RiskParameters::chain()
	});
	T::Pool::fund(1_000_000_000 * USD);
}

/// A full ladder in every market.
fn fill_ladders<T: Config>() {
	for index in 0..T::MaxMarkets::get() {
		fill_ladder::<T>(FIRST + index);
	}
}

/// A full state of markets, with `account` in `positions` of them, at most as many as may be, beginning
/// with the first, with `size` in each, and `orders` orders there that wait for their triggers.
fn enter<T: Config>(account: MarginAccountId, size: Size, positions: u32, orders: u32) {
	for index in 0..T::MaxMarkets::get() {
		prepare_market::<T>(FIRST + index);
	}
	let most = T::MaxPositions::get().min(T::MaxMarkets::get());
	for index in 0..positions.min(most) {
		create_position::<T>(account, FIRST + index, size);
	}
	for _ in 0..orders.min(T::MaxOrders::get()) {
		wait::<T>(account);
	}
}

/// A pool, and an account with 10 000 kUSD that has as many small positions as may be, and `orders` orders.
fn crowd<T: Config>(orders: u32) -> (T::AccountId, MarginAccountId) {
	prepare_pool::<T>();
	let caller: T::AccountId = whitelisted_caller();
	let account = T::Accounts::create(&caller, 0, 10_000 * USD);
	enter::<T>(account, UNIT, u32::MAX, orders);
	fill_ladders::<T>();
	T::Accounts::look_again(account);
	(caller, account)
}

/// [`Positions::create_many`]: beside positions and orders a full ladder in every market, and a pool that
/// owes more than it has, with something in the pots that come before it. So whoever closes a gain claims a
/// part of it, and covering a deficit pays what is due to the fund, asks everybody, and sets a gains haircut
/// in the end.
pub(crate) fn create_many<T: Config>(account: MarginAccountId, size: Size, positions: u32, orders: u32) {
	prepare_pool::<T>();
	enter::<T>(account, size, positions, orders);
	owe::<T>();
	Markets::<T>::mutate(|state| {
		state.fund_due += 1_000 * USD;
		for market in state.markets.iter_mut() {
			market.tranche += USD;
		}
		Pallet::<T>::follow_deficit(state);
	});
}

/// A full ladder in every market, and a pool that is short of a part of all gains.
fn owe<T: Config>() {
	fill_ladders::<T>();
	assert_ok!(T::Pool::settle(-T::Pool::cash()));
	Markets::<T>::mutate(|state| {
		for market in state.markets.iter_mut() {
			market.cost -= 1_000 * USD as i128;
		}
	});
}

/// An order of `size` without a trigger or a limit.
fn order(size: i128) -> NewOrder {
	NewOrder {
		market: FIRST,
		size,
		expires_in: LIFE,
		..Default::default()
	}
}

/// An order far below its trigger.
fn wait<T: Config>(account: MarginAccountId) -> OrderId {
	let trigger = Trigger {
		price: ratio(1_000, 1),
		when: When::Above,
		trail: None,
	};
	let order = NewOrder {
		trigger: Some(trigger),
		..order(UNIT)
	};
	commit::<T>(account, &order)
}

fn commit<T: Config>(account: MarginAccountId, order: &NewOrder) -> OrderId {
	let id = NextOrder::<T>::get();
	assert_ok!(Pallet::<T>::do_commit(account, order));
	id
}

/// An order of `size` in the queue.
fn queue<T: Config>(account: MarginAccountId, size: Size) -> OrderId {
	commit::<T>(account, &order(size))
}

/// `n` accounts with as many small positions and orders as may be, one of them in the queue.
fn queue_many<T: Config>(n: u32) -> Vec<MarginAccountId> {
	prepare_pool::<T>();
	let accounts: Vec<_> = (0..n)
		.map(|index| {
			let owner: T::AccountId = account("trader", index, 0);
			let account = T::Accounts::create(&owner, 0, 10_000 * USD);
			enter::<T>(account, UNIT, u32::MAX, T::MaxOrders::get() - 1);
			account
		})
		.collect();
	fill_ladders::<T>();
	for account in &accounts {
		T::Accounts::look_again(*account);
		queue::<T>(*account, UNIT);
	}
	accounts
}

/// Work off the queue of the first market, as a block with a price made just now does.
fn work_off<T: Config>() {
	let mut meter = WeightMeter::new();
	let mut budget = Budget {
		looks: u32::MAX,
		tries: u32::MAX,
		triggers: u32::MAX,
		resting: u32::MAX,
		behind: false,
		meter: &mut meter,
	};
	let mut state = Pallet::<T>::state();
	Pallet::<T>::work(&mut state, FIRST, T::Time::now() + 1, &mut budget);
	Markets::<T>::put(state);
}

/// Adds longs below the price and shorts above it to a ladder, each in a bin of its own, beside those who are
/// there.
fn fill_ladder<T: Config>(id: MarketId) {
	let mut ladder = Ladders::<T>::get(id);
	for bin in 1..=BINS {
		for side in [1, -1] {
			let position = Position {
				market: id,
				size: side * 100 * UNIT,
				cost: side * 10_000_000_000 - i128::from(bin) * 15_000_000,
				..Default::default()
			};
			ladder
				.shift(price(), &Position::default(), &position)
				.expect("small numbers");
		}
	}
	Ladders::<T>::insert(id, ladder);
}

fn change_market<T: Config>(id: MarketId, status: Status) {
	Markets::<T>::mutate(|state| {
		if let Some(market) = state.market_mut(id) {
			market.status = status;
		}
	});
}

fn origin<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::ListOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn commit_order() {
		let (caller, account) = crowd::<T>(T::MaxOrders::get() - 1);
		let id = NextOrder::<T>::get();
		let new = order(10 * UNIT);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), 0, new);
		assert!(trader::<T>(account).order(id).is_some());
	}

	#[benchmark]
	fn cancel_order() {
		let (caller, account) = crowd::<T>(T::MaxOrders::get() - 1);
		let id = wait::<T>(account);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), account, id);
		assert!(trader::<T>(account).order(id).is_none());
	}

	#[benchmark]
	fn pay_out(n: Linear<0, { T::MaxOrders::get() }>) {
		let (caller, account) = crowd::<T>(n);
		change_market::<T>(FIRST, Status::Settled { price: price() });
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), account, FIRST);
		assert_eq!(trader::<T>(account).position(FIRST).size, 0);
		assert!(trader::<T>(account).orders.is_empty());
	}

	#[benchmark]
	fn list_market() -> Result<(), BenchmarkError> {
		crowd::<T>(0);
		let id = FIRST + T::MaxMarkets::get() - 1;
		Markets::<T>::mutate(|state| state.markets.pop());
		let origin = origin::<T>()?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, id, FIRST);
		assert!(Markets::<T>::get().market(id).is_some());
		Ok(())
	}

	#[benchmark]
	fn delist() -> Result<(), BenchmarkError> {
		crowd::<T>(0);
		let settle_at = T::Time::now() + LIFE;
		let origin = origin::<T>()?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, FIRST, settle_at);
		assert_eq!(
			Markets::<T>::get().market(FIRST).map(|market| market.status),
			Some(Status::Closing { settle_at })
		);
		Ok(())
	}

	#[benchmark]
	fn remove() -> Result<(), BenchmarkError> {
		crowd::<T>(0);
		// Nobody is in the last one.
		let id = FIRST + T::MaxMarkets::get() - 1;
		change_market::<T>(id, Status::Settled { price: price() });
		let origin = origin::<T>()?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, id);
		assert!(Markets::<T>::get().market(id).is_none());
		Ok(())
	}

	#[benchmark]
	fn refresh(n: Linear<1, { T::MaxMarkets::get() }>) {
		crowd::<T>(0);
		Markets::<T>::mutate(|state| state.markets.truncate(n as usize));
		let now = T::Time::now() + 1;
		#[block]
		{
			Pallet::<T>::refresh(now);
			assert!(!Pallet::<T>::has_deficit(&Markets::<T>::get()));
		}
		assert_eq!(Markets::<T>::get().refreshed_at, now);
	}

	#[benchmark]
	fn trigger_order() {
		let (_, account) = crowd::<T>(T::MaxOrders::get() - 1);
		let id = wait::<T>(account);
		#[block]
		{
			Pallet::<T>::trigger(account, id, price(), T::Time::now());
		}
		assert!(trader::<T>(account)
			.order(id)
			.is_some_and(|order| order.is_queued()));
	}

	#[benchmark]
	fn fill_orders(n: Linear<1, 20>) {
		let accounts = queue_many::<T>(n);
		#[block]
		{
			work_off::<T>();
		}
		for account in accounts {
			assert_eq!(trader::<T>(account).position(FIRST).size, 2 * UNIT);
		}
	}

	#[benchmark]
	fn fail_orders(n: Linear<1, 20>) {
		let accounts = queue_many::<T>(n);
		for id in &accounts {
			// Worth forty times what the account has, which was another when it was committed: it fails at
			// the very end.
			let mut account = T::Accounts::load(*id).expect("there is one");
			let trader = T::Accounts::trader_mut(&mut account);
			let last = trader.orders.last_mut().expect("it was committed");
			(last.size, last.limit) = (4_000 * UNIT, Some(ratio(200, 1)));
			keep::<T>(*id, account);
		}
		#[block]
		{
			work_off::<T>();
		}
		for account in accounts {
			assert_eq!(trader::<T>(account).position(FIRST).size, UNIT);
			assert_eq!(trader::<T>(account).orders.len() as u32, T::MaxOrders::get() - 1);
		}
	}

	#[benchmark]
	fn sweep() {
		crowd::<T>(0);
		let amount = 1_000 * USD;
		assert_ok!(T::Pool::settle(-(amount as i128)));
		Markets::<T>::mutate(|state| state.fund_due += amount);
		let before = Markets::<T>::get().fund_due;
		#[block]
		{
			Pallet::<T>::sweep(T::Time::now());
		}
		assert_eq!((before, Markets::<T>::get().fund_due), (amount, 0));
		assert!(T::InsuranceFund::shared() > 0);
	}

	#[benchmark]
	fn exposures(n: Linear<1, { T::MaxPositions::get() }>) {
		let (_, account) = crowd::<T>(0);
		let mut trader = trader::<T>(account);
		trader.positions.truncate(n as usize);
		let view;
		#[block]
		{
			view = Pallet::<T>::view(&trader);
		}
		assert_eq!(view.exposures.len(), n as usize);
	}

	#[benchmark]
	fn claim_recovery() {
		let (caller, account) = crowd::<T>(0);
		let (cut, repaid) = (100 * USD, 50 * USD);
		assert_ok!(T::Pool::settle(-(repaid as i128)));
		Markets::<T>::mutate(|state| {
			Pallet::<T>::claim_more(state, account, cut).expect("small numbers");
			Pallet::<T>::repay(state, repaid).expect("small numbers");
		});
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), account);
		assert!(Claims::<T>::get(account).paid > 0);
		assert!(Markets::<T>::get().recovery < repaid);
	}

	#[benchmark]
	fn follow_deficit(n: Linear<1, { T::MaxMarkets::get() }>) {
		prepare_pool::<T>();
		for index in 0..T::MaxMarkets::get() {
			prepare_market::<T>(FIRST + index);
		}
		owe::<T>();
		Markets::<T>::mutate(|state| {
			state.markets.truncate(n as usize);
			// There are positions in all of them, and enough is owed by however few there are.
			for market in state.markets.iter_mut() {
				market.positions = 1;
			}
		});
		#[block]
		{
			Markets::<T>::mutate(Pallet::<T>::follow_deficit);
		}
		let state = Markets::<T>::get();
		assert!(
			state.deficit > 0
				&& state
					.markets
					.iter()
					.all(|market| market.haircut.rate > FixedU128::default())
		);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
