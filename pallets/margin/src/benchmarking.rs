//! Worst cases of every call and of the hook: an account that holds as many assets as it can and has a position in every market,
//! so that all its triggers move.

use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{
	assert_ok,
	traits::{
		fungible::MutateHold,
		fungibles::{Inspect as _, Mutate as _},
		EnsureOrigin, Get, Time,
	},
	weights::WeightMeter,
	BoundedVec,
};
use frame_system::RawOrigin;
use keel_math::FixedU128;
use keel_primitives::{
	Act, AssetId, AssetRegistry, Balance, ChainParameters, CollateralParameters, Exposure, FeedId, Group,
	IncomeSource, InsuranceFund, MarginAccountId, MarginAccounts, Moment, PositionLedger, Positions,
	PriceProvider, RegisteredAsset, RiskParameters, Size, StabilityPool,
};
use sp_runtime::{DispatchResult, Permill};

use crate::{
	AccountOf, Accounts, Call, Collateral, Collaterals, Config, HoldReason, Lenders, Losses, Pallet,
	Reduction, Scenario, Stress, Totals, MAX_SCENARIOS, MAX_WORST,
};

/// What benchmarks need and no trait here offers.
pub trait BenchmarkHelper<AccountId> {
	/// A fungible asset with 10 decimals and a minimum balance of one, never listed before, and a feed for it.
	fn create_collateral(seed: u32) -> (AssetId, FeedId);
	/// Give `who` KEEL for deposits.
	fn endow(who: &AccountId);
	/// Set the chain's time, in ms.
	fn set_time(now: Moment);
}

/// A time for a chain that has none.
const NOW: Moment = 1_800_000_000_000;
/// A million kUSD.
const MILLION: Balance = 1_000_000_000_000;
/// A thousand whole units of a collateral with 10 decimals.
const UNITS: Balance = 10_000_000_000_000;
/// A whole unit of a position's size.
const ONE_SIZE: Size = 100_000_000;

fn percent(percent: u32) -> FixedU128 {
	FixedU128::from_rational(percent.into(), 100)
}

fn kusd<T: Config>() -> AssetId {
	T::Synthetic::get()
}

pub(crate) fn mint<T: Config>(asset: AssetId, who: &T::AccountId, amount: Balance) {
	T::Assets::mint_into(asset, who, amount).expect("assets can be minted");
}

/// A clock, parameters, and nothing lent that costs anything.
fn prepare<T: Config>() {
	if T::Time::now() == 0 {
		T::BenchmarkHelper::set_time(NOW);
	}
	let chain = T::RiskParameters::chain();
	T::RiskParameters::set_chain(ChainParameters {
		margin_call: percent(120),
		profit_share: percent(80),
		profit_cap: MILLION,
		lending_base: percent(1),
		lending_slope: percent(10),
		lending_kink: percent(80),
		lending_jump: percent(200),
		lending_cap: percent(95),
		lending_guarded: percent(97),
		lending_reduce_only: percent(99),
		..chain
	});
}

/// Register `asset` as what nobody lists.
fn unlist<T: Config>(asset: AssetId, feed: FeedId) {
	T::Registry::insert(
		asset,
		RegisteredAsset {
			feed,
			decimals: 10,
			branch: None,
			margin: false,
		},
	);
}

/// `count` listed collaterals with a price of 100 dollars.
fn list_collaterals<T: Config>(count: u32) -> Vec<Collateral> {
	if Collaterals::<T>::get().len() == count as usize {
		return Collaterals::<T>::get().into_inner();
	}
	Collaterals::<T>::kill();
	for seed in 0..count {
		let (asset, feed) = T::BenchmarkHelper::create_collateral(seed);
		T::Prices::set_price(feed, FixedU128::from_u32(100));
		T::RiskParameters::set_collateral(
			asset,
			CollateralParameters {
				haircut: percent(20),
				haircut_ramp: percent(1),
				deposit_cap: MILLION * MILLION,
				sale_discount: percent(5),
			},
		);
		unlist::<T>(asset, feed);
		Pallet::<T>::add_collateral(asset, feed, 10).expect("the asset can be listed");
	}
	Collaterals::<T>::get().into_inner()
}

/// An account with `cash`, its deposit held.
pub(crate) fn create_account<T: Config>(owner: &T::AccountId, sub: u8, cash: Balance) -> MarginAccountId {
	prepare::<T>();
	T::BenchmarkHelper::endow(owner);
	let deposit = T::AccountDeposit::get();
	T::Currency::hold(&HoldReason::AccountDeposit.into(), owner, deposit).expect("it is endowed");
	let (id, mut account) = Pallet::<T>::register(owner, sub, deposit).expect("there are numbers left");
	if cash > 0 {
		mint::<T>(kusd::<T>(), &Pallet::<T>::custody_account(), cash);
	}
	account.cash = cash;
	Accounts::<T>::insert(id, account);
	id
}

/// Give account `id` `amount` of every collateral it can hold.
fn fill<T: Config>(id: MarginAccountId, list: &[Collateral], amount: Balance) {
	for collateral in list.iter().take(T::MaxHeld::get() as usize) {
		mint::<T>(collateral.asset, &Pallet::<T>::custody_account(), amount);
		Collaterals::<T>::mutate(|all| {
			all.iter_mut()
				.filter(|listed| listed.asset == collateral.asset)
				.for_each(|listed| listed.total += amount);
		});
		Accounts::<T>::mutate(id, |account| {
			if let Some(account) = account {
				account.set_held(collateral.asset, amount).expect("there is room");
			}
		});
	}
}

/// An account with all that an account can have, in all stress lists there can be, and its triggers.
fn full_account<T: Config>(owner: &T::AccountId, sub: u8) -> (MarginAccountId, Vec<Collateral>) {
	let id = create_account::<T>(owner, sub, MILLION);
	let list = list_collaterals::<T>(T::MaxCollaterals::get());
	fill::<T>(id, &list, UNITS);
	for market in T::Positions::markets() {
		// A hundredth of a whole unit: every market lets it in.
		T::Positions::create(id, market, 1_000_000);
	}
	fill_stress::<T>(id);
	place::<T>(id);
	(id, list)
}

/// Move `credit` from clearing to account `id`.
fn settle<T: Config>(id: MarginAccountId, credit: i128) -> DispatchResult {
	let account = Pallet::<T>::load(id)?;
	Pallet::<T>::commit(id, account, credit, Act::Involuntary, &[])
}

/// What account `id` has in the markets.
fn exposures<T: Config>(id: MarginAccountId) -> Vec<Exposure> {
	let account = Accounts::<T>::get(id).expect("there is one");
	T::Positions::view(&account.trader).exposures
}

/// Give account `id` all its triggers, which what it did leaves to the end of the block.
pub(crate) fn place<T: Config>(id: MarginAccountId) {
	let account = Accounts::<T>::get(id).expect("there is one");
	Pallet::<T>::review(id, account).expect("small numbers");
}

/// Stress lists as long as they get, with `id` in each.
fn fill_stress<T: Config>(id: MarginAccountId) {
	let scenarios = (0..MAX_SCENARIOS).map(|i| match i {
		0 => Scenario::AllDown,
		1 => Scenario::AllUp,
		i if i % 2 == 0 => Scenario::Down(i / 2),
		i => Scenario::Up(i / 2),
	});
	let lists: Vec<_> = scenarios
		.map(|scenario| Losses {
			scenario,
			worst: BoundedVec::truncate_from(
				(0..MAX_WORST)
					.map(|i| match i {
						0 => (id, MILLION),
						// There are none of these numbers: whoever looks for them finds nothing.
						i => (u64::MAX - u64::from(i), MILLION / u128::from(i + 1)),
					})
					.collect(),
			),
		})
		.collect();
	Stress::<T>::put(BoundedVec::truncate_from(lists));
}

/// An account that owes and has nothing else: every market refuses nothing, and everybody behind it is asked.
pub(crate) fn create_unsafe_position<T: Config>(seed: u32) -> (Group, MarginAccountId) {
	let owner: T::AccountId = account("owner", seed, 0);
	let id = create_account::<T>(&owner, 0, 0);
	settle::<T>(id, -1_000_000).expect("it has an account");
	(Group::Due, id)
}

/// The dearest account there can be to liquidate.
pub(crate) fn create_unsafe_account<T: Config>() -> (Group, MarginAccountId) {
	unsafe_account::<T>(u32::MAX, u32::MAX, u32::MAX)
}

/// An account with so many positions, collaterals and orders, at most as many as there can be; in
/// all stress lists there can be and with all its triggers. It has lost more than it has: its orders are cancelled, all its positions
/// closed and all its holdings sold, half of them to the stability pool and the others to the fund, and what is still missing
/// is covered.
fn unsafe_account<T: Config>(positions: u32, held: u32, orders: u32) -> (Group, MarginAccountId) {
	let owner: T::AccountId = account("owner", 0, 2);
	let id = create_account::<T>(&owner, 0, MILLION);
	let list = list_collaterals::<T>(T::MaxCollaterals::get());
	let held = held.min(T::MaxHeld::get()).min(list.len() as u32);
	fill::<T>(id, &list[..held as usize], UNITS / 1_000);
	T::Positions::create_many(id, ONE_SIZE, positions, orders);
	// So little above what it needs that every price has a trigger.
	let exposures = exposures::<T>(id);
	let cash = exposures
		.iter()
		.map(|exposure| exposure.initial + exposure.notional / 10)
		.sum();
	Accounts::<T>::mutate(id, |account| {
		if let Some(account) = account {
			account.cash = cash;
			// The prices of now are new to it.
			account.changed_at = 0;
		}
	});
	place::<T>(id);
	if !exposures.is_empty() {
		let legs = exposures.len() as u32 + held + 1;
		let triggers = Accounts::<T>::get(id).map_or(0, |account| account.triggers.len() as u32);
		assert_eq!(triggers, legs);
	}
	fill_stress::<T>(id);

	// A hundred dollars for each holding, and ten thousand owed.
	let loss = cash as i128 + MILLION as i128 / 100;
	settle::<T>(id, -loss).expect("it has an account");
	// Something even for those who have nothing to buy.
	let half = Balance::from(held.max(1)) * MILLION / 20_000;
	T::StabilityPool::fund(half.saturating_sub(T::StabilityPool::capacity()));
	let donor: T::AccountId = account("donor", 0, 2);
	mint::<T>(kusd::<T>(), &donor, 4 * half);
	T::InsuranceFund::receive(&donor, 2 * half, IncomeSource::Donation).expect("the fund takes gifts");
	lend::<T>(&account("lender", 0, 2));
	(Group::Due, id)
}

/// An account with as many collaterals as it can hold, a hundred dollars of each, all its triggers, and in all stress lists there can be;
/// it owes a thousand dollars more than they count for and is for sale to anybody. Beside it the collaterals, and somebody with kUSD.
/// The fund has less than is owed.
fn account_for_sale<T: Config>() -> (MarginAccountId, Vec<Collateral>, T::AccountId) {
	let id = create_account::<T>(&account("owner", 0, 3), 0, 0);
	let mut list = list_collaterals::<T>(T::MaxCollaterals::get());
	list.truncate(T::MaxHeld::get() as usize);
	fill::<T>(id, &list, UNITS / 1_000);
	let counts = list.len() as i128 * 80_000_000;
	settle::<T>(id, -counts / 2).expect("it has an account");
	place::<T>(id);
	let triggers = Accounts::<T>::get(id).map_or(0, |account| account.triggers.len());
	assert_eq!(triggers, list.len() + 1);
	fill_stress::<T>(id);
	settle::<T>(id, -counts / 2 - 1_000_000_000).expect("it has an account");
	Accounts::<T>::mutate(id, |account| {
		if let Some(account) = account {
			// The prices of now are new to it.
			account.changed_at = 0;
			account.for_sale_since = Some(T::ActiveTime::now());
		}
	});
	let (buyer, donor): (T::AccountId, T::AccountId) = (whitelisted_caller(), account("donor", 0, 3));
	mint::<T>(kusd::<T>(), &buyer, MILLION);
	mint::<T>(kusd::<T>(), &donor, MILLION);
	T::InsuranceFund::receive(&donor, MILLION / 10_000, IncomeSource::Donation)
		.expect("the fund takes gifts");
	lend::<T>(&account("lender", 0, 3));
	(id, list, buyer)
}

/// `total` accounts that owe, the first `unsafe_ones` of them with nothing to pay it with, the others with collateral.
pub(crate) fn create_positions<T: Config>(total: u32, unsafe_ones: u32) -> Group {
	prepare::<T>();
	let list = list_collaterals::<T>(1);
	for seed in 0..total {
		let owner: T::AccountId = account("owner", seed, 1);
		let id = create_account::<T>(&owner, 0, 0);
		if seed >= unsafe_ones {
			fill::<T>(id, &list, UNITS);
		}
		settle::<T>(id, -1_000_000).expect("it has an account");
		place::<T>(id);
	}
	Group::Deadline
}

/// Money in the reserve that is partly lent, with time for interest.
fn lend<T: Config>(who: &T::AccountId) {
	T::BenchmarkHelper::endow(who);
	mint::<T>(kusd::<T>(), who, 10 * MILLION);
	Pallet::<T>::do_supply(who, 5 * MILLION).expect("the reserve is open");
	let borrower = create_account::<T>(&account("borrower", 0, 0), 0, 0);
	settle::<T>(borrower, -1_000_000_000).expect("it has an account");
	Totals::<T>::mutate(|money| money.index_at = money.index_at.saturating_sub(3_583_000));
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn deposit() {
		let owner: T::AccountId = account("owner", 0, 0);
		let (id, list) = full_account::<T>(&owner, 0);
		lend::<T>(&account("lender", 0, 0));
		// The slowest asset: the last one held.
		let asset = Accounts::<T>::get(id)
			.and_then(|account| account.collateral.last().map(|(asset, _)| *asset))
			.unwrap_or(kusd::<T>());
		mint::<T>(asset, &owner, UNITS);

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), 0, asset, UNITS / 2);

		assert!(list.iter().any(|collateral| collateral.asset == asset));
		assert_eq!(
			Accounts::<T>::get(id).map(|a| a.held(asset)),
			Some(UNITS + UNITS / 2)
		);
	}

	#[benchmark]
	fn withdraw() {
		let owner: T::AccountId = account("owner", 0, 0);
		let (id, _) = full_account::<T>(&owner, 0);
		lend::<T>(&account("lender", 0, 0));
		let asset = Accounts::<T>::get(id)
			.and_then(|account| account.collateral.last().map(|(asset, _)| *asset))
			.unwrap_or(kusd::<T>());

		#[extrinsic_call]
		_(RawOrigin::Signed(owner.clone()), 0, asset, UNITS / 1_000);

		assert_eq!(T::Assets::balance(asset, &owner), UNITS / 1_000);
	}

	#[benchmark]
	fn transfer() {
		let owner: T::AccountId = account("owner", 0, 0);
		let (from, _) = full_account::<T>(&owner, 0);
		let (to, _) = full_account::<T>(&owner, 1);
		lend::<T>(&account("lender", 0, 0));

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), 0, 1, MILLION / 1_000);

		let cash = |id| Accounts::<T>::get(id).map(|account| account.cash);
		assert!(cash(from) < cash(to));
	}

	#[benchmark]
	fn supply() {
		prepare::<T>();
		let lender: T::AccountId = account("lender", 0, 0);
		lend::<T>(&lender);
		let before = Lenders::<T>::get(&lender);

		#[extrinsic_call]
		_(RawOrigin::Signed(lender.clone()), MILLION);

		assert!(Lenders::<T>::get(&lender) > before);
	}

	#[benchmark]
	fn redeem() {
		prepare::<T>();
		let lender: T::AccountId = account("lender", 0, 0);
		lend::<T>(&lender);
		let before = Lenders::<T>::get(&lender);

		#[extrinsic_call]
		_(RawOrigin::Signed(lender.clone()), before / 2);

		assert_eq!(Lenders::<T>::get(&lender), before - before / 2);
	}

	#[benchmark]
	fn set_top_up() {
		let owner: T::AccountId = account("owner", 0, 0);
		let (id, _) = full_account::<T>(&owner, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), 0, Some((1, MILLION)));

		assert_eq!(
			Accounts::<T>::get(id).and_then(|account| account.top_up),
			Some((1, MILLION))
		);
	}

	#[benchmark]
	fn set_reduce() {
		let owner: T::AccountId = account("owner", 0, 0);
		let (id, _) = full_account::<T>(&owner, 0);
		let half = Permill::from_percent(50);

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), 0, Some(half));

		assert_eq!(
			Accounts::<T>::get(id)
				.and_then(|account| account.reduce)
				.map(|reduction| reduction.share),
			Some(half)
		);
	}

	#[benchmark]
	fn close_account() {
		let owner: T::AccountId = account("owner", 0, 0);
		let id = create_account::<T>(&owner, 0, 0);
		fill_stress::<T>(id);

		#[extrinsic_call]
		_(RawOrigin::Signed(owner.clone()), 0);

		assert_eq!(AccountOf::<T>::get(&owner, 0), None);
	}

	#[benchmark]
	fn list_collateral() -> Result<(), BenchmarkError> {
		prepare::<T>();
		let origin = T::ListOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		let list = list_collaterals::<T>(T::MaxCollaterals::get());
		let last = list
			.last()
			.copied()
			.ok_or(BenchmarkError::Stop("no collateral fits"))?;
		Collaterals::<T>::mutate(|all| all.retain(|listed| listed.asset != last.asset));
		unlist::<T>(last.asset, last.feed);

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, last.asset, last.feed);

		assert_eq!(Collaterals::<T>::get().len(), list.len());
		Ok(())
	}

	/// The last of all that the account had, triggers of all of it still set, for less than is owed. What is
	/// missing is covered by the fund and a pool that owes more than it has, which sets a gains haircut then.
	/// That is dearer than a part of the first one, after which all triggers are set anew.
	#[benchmark]
	fn buy_collateral() {
		let winner = create_account::<T>(&account("winner", 0, 3), 0, MILLION);
		T::Positions::create_many(winner, ONE_SIZE, u32::MAX, 0);
		let (id, mut list, buyer) = account_for_sale::<T>();
		let asset = list.pop().map(|collateral| collateral.asset).unwrap_or_default();
		let custody = Pallet::<T>::custody_account();
		let held = UNITS / 1_000;
		let mut account = Accounts::<T>::get(id).expect("it was made");
		for collateral in list {
			assert_ok!(Pallet::<T>::hand_over(&mut account, collateral.asset, held, 0));
			assert_ok!(Pallet::<T>::send(collateral.asset, &custody, &buyer, held));
		}
		Accounts::<T>::insert(id, account);

		#[extrinsic_call]
		_(RawOrigin::Signed(buyer.clone()), id, asset, Balance::MAX, MILLION);

		assert_eq!(T::Assets::balance(asset, &buyer), held);
		let left = Accounts::<T>::get(id).expect("it is still there");
		assert!(left.debt == 0 && left.collateral.is_empty() && left.triggers.is_empty());
	}

	#[benchmark]
	fn on_poll_base() {
		prepare::<T>();
		let list = list_collaterals::<T>(T::MaxCollaterals::get());
		lend::<T>(&account("lender", 0, 0));
		let first = list
			.first()
			.map(|collateral| collateral.asset)
			.unwrap_or_default();
		let parameters = T::RiskParameters::collateral(first).expect("it is listed");
		T::RiskParameters::set_collateral(
			first,
			CollateralParameters {
				haircut: percent(50),
				..parameters
			},
		);
		let index = Totals::<T>::get().index;

		#[block]
		{
			Pallet::<T>::do_poll(0u32.into(), &mut WeightMeter::new());
		}

		assert!(Totals::<T>::get().index > index);
	}

	#[benchmark]
	fn restress() {
		let owner: T::AccountId = account("owner", 0, 0);
		let (id, _) = full_account::<T>(&owner, 0);
		lend::<T>(&account("lender", 0, 0));
		fill_stress::<T>(id);

		#[block]
		{
			Pallet::<T>::restress(id);
		}

		assert!(Stress::<T>::get()
			.iter()
			.all(|losses| losses.worst.iter().all(|(listed, _)| *listed != id)));
	}

	/// A call with a top-up that is not enough, so that its positions are reduced too. The account is called
	/// whatever it is worth: its requirement is raised to what it has.
	#[benchmark]
	fn refresh() {
		let owner: T::AccountId = account("owner", 0, 0);
		let (from, _) = full_account::<T>(&owner, 1);
		let (id, list) = full_account::<T>(&owner, 0);
		lend::<T>(&account("lender", 0, 0));
		// The collateral is worth nothing any more, and cash just what is required.
		for collateral in list {
			T::Prices::set_price(collateral.feed, FixedU128::from_inner(1));
		}
		let exposures = exposures::<T>(id);
		let required: Balance = exposures.iter().map(|exposure| exposure.maintenance).sum();
		let unrealised: i128 = exposures.iter().map(|exposure| exposure.unrealised).sum();
		Accounts::<T>::mutate(id, |account| {
			if let Some(account) = account {
				account.cash = required.saturating_add_signed(-unrealised);
				account.top_up = Some((1, 1));
				account.reduce = Some(Reduction {
					share: Permill::from_percent(50),
					set_at: 0,
				});
			}
		});
		Accounts::<T>::mutate(from, |account| {
			if let Some(account) = account {
				account.cash = 10 * MILLION;
			}
		});

		#[block]
		{
			assert_ok!(<Pallet<T> as PositionLedger>::refresh(Group::Deadline, id));
		}

		assert!(Accounts::<T>::contains_key(id));
	}

	/// With `p` positions, `c` collaterals and `o` orders.
	#[benchmark]
	fn liquidate(
		p: Linear<0, 8>,
		c: Linear<0, { T::MaxHeld::get() }>,
		o: Linear<0, 16>,
	) -> Result<(), BenchmarkError> {
		let (group, id) = unsafe_account::<T>(p, c, o);
		let outcome;

		#[block]
		{
			outcome = <Pallet<T> as PositionLedger>::liquidate(group, id);
		}

		let outcome = outcome.map_err(|_| BenchmarkError::Stop("it is not liquidated"))?;
		assert!(outcome.shortfall > 0);
		let left = Accounts::<T>::get(id).ok_or("it is still there")?;
		assert!(left.debt == 0 && left.collateral.is_empty() && left.trader == Default::default());
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::mock::{new_test_ext, Margin, Test};

	#[test]
	fn the_dearest_account_loses_all_it_has() {
		new_test_ext().execute_with(|| {
			let (group, id) = create_unsafe_account::<Test>();
			let outcome = <Margin as PositionLedger>::liquidate(group, id).unwrap();
			assert!(outcome.closed > 0 && outcome.collateral > outcome.absorbed && outcome.absorbed > 0);
			assert!(outcome.shortfall > 0);
			let left = Accounts::<Test>::get(id).unwrap();
			assert!(left.debt == 0 && left.collateral.is_empty() && left.triggers.is_empty());
		});
	}
}
