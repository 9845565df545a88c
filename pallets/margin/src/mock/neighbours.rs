//! The pallet's other neighbours: they really move the money.

use frame_support::{
	pallet_prelude::*,
	storage_alias,
	traits::{
		fungibles::{Inspect, Mutate},
		tokens::Preservation,
	},
};
use keel_math::FixedU128;
use keel_primitives::{
	Action, AssetId, Balance, BranchId, BranchParameters, BreakerSubject, ChainParameters,
	CircuitBreaker as CircuitBreakerT, CollateralParameters, Coverage, DebtBetween, Entry, FeedId, Group,
	IncomeSource, InsuranceFund as InsuranceFundT, Level, Moment, PositionId, Price, PriceFor, PriceProvider,
	RiskParameters as RiskParametersT, StabilityPool as StabilityPoolT, TriggerIndex,
};
use sp_runtime::{DispatchError, DispatchResult};

use super::*;

pub struct MockPrices;
impl PriceProvider for MockPrices {
	fn price(feed: FeedId, purpose: PriceFor) -> Result<Price, DispatchError> {
		ensure!(!RefusedFor::get().contains(&(feed, purpose)), refused());
		Self::last(feed).ok_or(DispatchError::Other("no price"))
	}
	fn last(feed: FeedId) -> Option<Price> {
		PriceTable::get().get(&feed).copied()
	}
	fn fit_at(feed: FeedId) -> Option<Moment> {
		Self::last(feed).map(|price| price.at)
	}
	fn volatility(feed: FeedId) -> Option<FixedU128> {
		Self::last(feed).map(|price| price.volatility)
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
	fn branch(_: BranchId) -> Result<BranchParameters, DispatchError> {
		Err(DispatchError::CannotLookup)
	}
	fn chain() -> ChainParameters {
		ChainNumbers::get()
	}
	fn collateral(asset: AssetId) -> Result<CollateralParameters, DispatchError> {
		CollateralTable::get()
			.get(&asset)
			.cloned()
			.ok_or(DispatchError::CannotLookup)
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(_: BranchId, _: BranchParameters) {}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_collateral(asset: AssetId, parameters: CollateralParameters) {
		CollateralTable::mutate(|all| all.insert(asset, parameters));
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_chain(parameters: ChainParameters) {
		ChainNumbers::set(parameters);
	}
}

/// The levels of `Levels`, each binding the subjects below it.
pub struct MockBreaker;
impl CircuitBreakerT for MockBreaker {
	fn level(subject: BreakerSubject) -> Level {
		let own = Levels::get().get(&subject).copied().unwrap_or_default();
		subject
			.parent()
			.map_or(own, |parent| own.max(Self::level(parent)))
	}
	fn ensure(subject: BreakerSubject, action: Action) -> DispatchResult {
		ensure!(Self::level(subject) <= action.tolerates(), raised());
		Ok(())
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn raise(subject: BreakerSubject, level: Level) {
		raise(subject, level);
	}
}

pub fn raised() -> DispatchError {
	DispatchError::Other("breaker raised")
}

/// Raise, or lower, one subject.
pub fn raise(subject: BreakerSubject, level: Level) {
	Levels::mutate(|levels| levels.insert(subject, level));
}

#[storage_alias]
type TriggerMap = StorageDoubleMap<MockIndex, Twox64Concat, Group, Twox64Concat, (PositionId, u128), ()>;

/// An index that does not take a wrong word.
pub struct MockIndex;
impl TriggerIndex for MockIndex {
	fn moved(group: Group, position: PositionId, old: Option<Entry>, new: Option<Entry>) {
		assert_ne!(old, new, "told of an entry that did not move");
		if let Some(entry) = old {
			let there = TriggerMap::take(group, (position, entry.trigger));
			assert!(there.is_some(), "the old entry is not in the index");
		}
		if let Some(entry) = new {
			assert_eq!(entry.debt, 0, "a margin account has no normalised debt here");
			let key = (position, entry.trigger);
			assert!(
				!TriggerMap::contains_key(group, key),
				"the new entry is in the index"
			);
			TriggerMap::insert(group, key, ());
		}
	}
	fn debt_between(_: Group, _: u128, _: u128) -> DebtBetween {
		DebtBetween { debt: 0, exact: true }
	}
	fn first(group: Group, most: u32) -> Vec<PositionId> {
		let mut all: Vec<_> = TriggerMap::iter_key_prefix(group)
			.map(|(position, trigger)| (!trigger, position))
			.collect();
		all.sort_unstable();
		all.truncate(most as usize);
		all.into_iter().map(|(_, position)| position).collect()
	}
	fn contains(group: Group, position: PositionId, entry: Entry) -> bool {
		TriggerMap::contains_key(group, (position, entry.trigger))
	}
	fn count(group: Group) -> u64 {
		TriggerMap::iter_key_prefix(group).count() as u64
	}
}

/// Have `position` stand in the index at `trigger` alone, behind everybody's back.
pub fn corrupt_index(group: Group, position: PositionId, trigger: Option<u128>) {
	let all: Vec<_> = TriggerMap::iter_key_prefix(group)
		.filter(|(id, _)| *id == position)
		.collect();
	all.into_iter().for_each(|key| TriggerMap::remove(group, key));
	if let Some(trigger) = trigger {
		TriggerMap::insert(group, (position, trigger), ());
	}
}

pub fn send(asset: AssetId, from: &AccountId, to: &AccountId, amount: Balance) -> DispatchResult {
	if amount > 0 {
		<Assets as Mutate<_>>::transfer(asset, from, to, amount, Preservation::Expendable)?;
	}
	Ok(())
}

/// Make `amount` of an asset for somebody.
pub fn mint(asset: AssetId, who: &AccountId, amount: Balance) {
	<Assets as Mutate<_>>::mint_into(asset, who, amount).unwrap();
}

pub struct MockPool;
impl StabilityPoolT<AccountId> for MockPool {
	fn capacity() -> Balance {
		Assets::balance(KUSD, &POOL)
	}
	fn absorb(
		_: &AccountId,
		_: AssetId,
		_: Balance,
		_: Balance,
		_: Balance,
		_: &AccountId,
		_: Balance,
	) -> DispatchResult {
		Err(DispatchError::Unavailable)
	}
	fn buy(seller: &AccountId, asset: AssetId, collateral: Balance, price: Balance) -> DispatchResult {
		send(KUSD, &POOL, seller, price)?;
		// Fails halfway: what it paid has to go back.
		ensure!(!PoolFails::get(), DispatchError::Exhausted);
		send(asset, seller, &POOL, collateral)
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn fund(amount: Balance) {
		mint(KUSD, &POOL, amount);
	}
}

pub struct MockFund;
impl InsuranceFundT<AccountId> for MockFund {
	fn receive(from: &AccountId, amount: Balance, _: IncomeSource) -> DispatchResult {
		send(KUSD, from, &FUND, amount)
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
	fn pay(to: &AccountId, shortfall: Balance) -> Result<Balance, DispatchError> {
		let paid = shortfall.min(Self::shared());
		send(KUSD, &FUND, to, paid)?;
		Ok(paid)
	}
	fn shared() -> Balance {
		Assets::balance(KUSD, &FUND)
	}
	fn buy(seller: &AccountId, asset: AssetId, amount: Balance, price: Balance) -> DispatchResult {
		send(KUSD, &FUND, seller, price)?;
		ensure!(!FundFails::get(), DispatchError::Corruption);
		send(asset, seller, &FUND, amount)
	}
	fn take_collateral(from: &AccountId, asset: AssetId, amount: Balance) -> DispatchResult {
		ensure!(!FundFails::get(), DispatchError::Corruption);
		send(asset, from, &FUND, amount)
	}
	fn release_collateral(to: &AccountId, asset: AssetId, amount: Balance) -> DispatchResult {
		send(asset, &FUND, to, amount)
	}
	fn collateral(asset: AssetId) -> Balance {
		Assets::balance(asset, &FUND)
	}
	fn collaterals() -> Vec<AssetId> {
		Vec::new()
	}
	fn bad_debt() -> Balance {
		0
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub struct MockHelper;
#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper<AccountId> for MockHelper {
	fn create_collateral(seed: u32) -> (AssetId, FeedId) {
		let asset = 1_000 + seed;
		if !Assets::asset_exists(asset) {
			Assets::force_create(RuntimeOrigin::root(), asset, ALICE, true, 1).unwrap();
			let name = b"Benchmark".to_vec();
			Assets::force_set_metadata(RuntimeOrigin::root(), asset, name.clone(), name, 10, false).unwrap();
		}
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
