//! The pallet's neighbours: they really move the money.

use frame_support::{
	pallet_prelude::*,
	storage_alias,
	traits::{
		fungibles::Mutate,
		tokens::{Fortitude, Precision, Preservation},
	},
};
use keel_math::FixedU128;
use keel_primitives::{
	Action, AssetId, AuctionId, Auctions as AuctionsT, Balance, BranchId, BranchParameters, BreakerSubject,
	ChainParameters, CircuitBreaker as CircuitBreakerT, Coverage, DebtBetween, Entry, FeedId, Group,
	IncomeSource, InsuranceFund as InsuranceFundT, Level, Lot, Moment, PositionId, PositionLedger, Price,
	PriceFor, PriceProvider, RiskParameters as RiskParametersT, StabilityPool as StabilityPoolT,
	TriggerIndex, VaultId,
};
use sp_runtime::{DispatchError, DispatchResult};

use super::*;

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
	fn last(feed: FeedId) -> Option<Price> {
		PriceTable::get().get(&feed).copied()
	}
	fn fit_at(feed: FeedId) -> Option<Moment> {
		FitAt::get().get(&feed).copied()
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
		ChainNumbers::get()
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(branch: BranchId, parameters: BranchParameters) {
		Parameters::mutate(|all| all.insert(branch, parameters));
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

/// Big-endian inverted trigger, then the position: iterates worst first. The value is the normalised debt.
#[storage_alias]
type TriggerMap = StorageDoubleMap<MockIndex, Twox64Concat, Group, Identity, [u8; 24], u128>;

/// An index that is always exact.
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
	fn position(key: [u8; 24]) -> VaultId {
		VaultId::from_be_bytes(key[16..].try_into().unwrap())
	}
}
impl TriggerIndex for MockIndex {
	fn moved(group: Group, position: PositionId, old: Option<Entry>, new: Option<Entry>) {
		assert_ne!(old, new, "told of an entry that did not move");
		if let Some(old) = old {
			let key = Self::key(position, old.trigger);
			assert_eq!(
				TriggerMap::get(group, key),
				Some(old.debt),
				"the old entry is not in the index"
			);
			TriggerMap::remove(group, key);
		}
		if let Some(new) = new {
			TriggerMap::insert(group, Self::key(position, new.trigger), new.debt);
		}
	}
	fn debt_between(group: Group, above: u128, up_to: u128) -> DebtBetween {
		let debt = TriggerMap::iter_prefix(group)
			.filter(|(key, _)| (above + 1..=up_to).contains(&Self::trigger(*key)))
			.map(|(_, debt)| debt)
			.sum();
		DebtBetween {
			debt,
			exact: IndexExact::get(),
		}
	}
	fn first(group: Group, most: u32) -> Vec<PositionId> {
		TriggerMap::iter_key_prefix(group)
			.take(most as usize)
			.map(Self::position)
			.collect()
	}
	fn contains(group: Group, position: PositionId, entry: Entry) -> bool {
		TriggerMap::get(group, Self::key(position, entry.trigger)) == Some(entry.debt)
	}
	fn count(group: Group) -> u64 {
		TriggerMap::iter_prefix_values(group).count() as u64
	}
}

/// The prefix of the index above the branch's threshold, worst first.
pub fn unsafe_vaults(branch: BranchId) -> Vec<VaultId> {
	let group = Group::Branch(branch);
	let threshold = Vaults::threshold(group).unwrap();
	TriggerMap::iter_key_prefix(group)
		.take_while(|key| MockIndex::trigger(*key) > threshold)
		.map(MockIndex::position)
		.collect()
}

pub(super) fn burn(who: &AccountId, amount: Balance) -> DispatchResult {
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

pub(super) fn send(asset: AssetId, from: &AccountId, to: &AccountId, amount: Balance) -> DispatchResult {
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
		owner: &AccountId,
		surplus: Balance,
	) -> DispatchResult {
		burn(&POOL, burned)?;
		// Fails halfway: what it burned has to come back.
		ensure!(!PoolFails::get(), DispatchError::Exhausted);
		send(KUSD, &POOL, owner, surplus)?;
		MockFund::receive(&POOL, income, IncomeSource::Penalty)?;
		send(asset, seller, &POOL, collateral)
	}
	fn buy(seller: &AccountId, asset: AssetId, collateral: Balance, price: Balance) -> DispatchResult {
		send(KUSD, &POOL, seller, price)?;
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
	MockFund::cover(lot.debt - paid, 0).unwrap();
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
	fn mint_room() -> Balance {
		FeeRoom::get()
	}
	fn mint(amount: Balance, source: IncomeSource) -> DispatchResult {
		assert!(source == IncomeSource::StabilityFee && amount > 0);
		ensure!(amount <= FeeRoom::get(), DispatchError::Exhausted);
		Assets::mint_into(KUSD, &FUND, amount)?;
		ensure!(!FundFails::get(), DispatchError::Corruption);
		Self::pay_down(amount)
	}
	fn cover(shortfall: Balance, _: Balance) -> Result<Coverage, DispatchError> {
		let covered = shortfall.min(Assets::balance(KUSD, &FUND));
		if covered > 0 {
			burn(&FUND, covered)?;
		}
		// Fails halfway: what it burned has to come back.
		ensure!(!FundFails::get(), DispatchError::Corruption);
		let bad_debt = shortfall - covered;
		BadDebt::mutate(|debt| *debt += bad_debt);
		Ok(Coverage {
			covered: covered + u128::from(FundBoasts::get()),
			bad_debt: if FundForgets::get() { 0 } else { bad_debt },
		})
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
