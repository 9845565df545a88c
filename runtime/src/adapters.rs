//! Glue: primitives' traits over SDK pallets.

use alloc::{vec, vec::Vec};
use frame_support::{
	pallet_prelude::{DispatchError, DispatchResult, Weight},
	traits::{fungibles::Inspect, Contains},
};
use keel_primitives::{
	AssetId, Balance, BreakerSubject, FeedId, Fuse, Gauge, Gauges, Group, LiquidationOutcome, LiveFacts,
	Moment, PositionId, PositionLedger, Triggers,
};
use sp_runtime::{traits::AccountIdConversion, FixedU128};

use crate::{
	configs::{KeelFeed, Synthetic},
	AccountId, AssetRegistry, Assets, Auctions, InsuranceFund, Margin, Perpetuals, Prices, Runtime, Vaults,
};

/// Every protocol account derives from a pallet id that begins so.
const PROTOCOL_PREFIX: &[u8] = b"modlkeel/";

/// The protocol's own accounts, to which nobody has a key: what is sent there is stuck, and their books,
/// which say to the unit what they hold, are off by it.
pub struct ProtocolAccounts;

impl Contains<AccountId> for ProtocolAccounts {
	fn contains(who: &AccountId) -> bool {
		AsRef::<[u8]>::as_ref(who).starts_with(PROTOCOL_PREFIX)
	}
}

type TimestampedValue = pallet_oracle::TimestampedValue<FixedU128, Moment>;

/// The oracle's own combining, switched off: it keeps an old value when too few are fresh, and that must not reach
/// anybody. Its `Values` stay empty; `Prices` aggregates the raw values.
pub struct NeverCombine;

impl pallet_oracle::CombineData<FeedId, TimestampedValue> for NeverCombine {
	fn combine_data(
		_: &FeedId,
		_: Vec<TimestampedValue>,
		_: Option<TimestampedValue>,
	) -> Option<TimestampedValue> {
		None
	}
}

/// Tells `Prices` that Root has fed a raw value.
pub struct NotePrices;

impl pallet_oracle::OnNewData<AccountId, FeedId, FixedU128> for NotePrices {
	fn on_new_data(_: &AccountId, feed: &FeedId, _: &FixedU128) {
		Prices::note_new_value(*feed);
	}
}

/// The raw values of `Oracle`, as `Prices` reads and writes them. Written past the oracle's own call, which
/// would stamp them with the time of the block and combine them anew with every one.
pub struct OracleValues;

impl pallet_prices::RawValues<AccountId> for OracleValues {
	fn root() -> AccountId {
		<Runtime as pallet_oracle::Config>::PalletId::get().into_account_truncating()
	}

	fn get(who: &AccountId, feed: FeedId) -> Option<(FixedU128, Moment)> {
		pallet_oracle::RawValues::<Runtime>::get(who, feed).map(|v| (v.value, v.timestamp))
	}

	fn set(who: &AccountId, feed: FeedId, value: FixedU128, timestamp: Moment) {
		pallet_oracle::RawValues::<Runtime>::insert(who, feed, TimestampedValue { value, timestamp });
	}

	fn remove(who: &AccountId, feed: FeedId) {
		pallet_oracle::RawValues::<Runtime>::remove(who, feed);
	}
}

/// What the governed numbers rely on.
pub struct Facts;

impl LiveFacts for Facts {
	fn operators() -> u32 {
		Prices::operator_count()
	}

	fn minimum_balance() -> Balance {
		Assets::minimum_balance(Synthetic::get())
	}
}

/// Compares the kUSD there is with the kUSD the ledgers account for, to the unit: what branches have issued, what running
/// auctions carry, and the bad debt on record. More than that came into existence past every door.
pub struct SupplyGauge;

impl SupplyGauge {
	/// kUSD in existence that no ledger accounts for, in base units. Sums saturate far beyond any supply.
	pub fn unexplained() -> Balance {
		let signed = |amount: Balance| i128::try_from(amount).unwrap_or(i128::MAX);
		let issued = Vaults::issued();
		let carried = <Auctions as keel_primitives::Auctions<AccountId>>::debt();
		let bad = <InsuranceFund as keel_primitives::InsuranceFund<AccountId>>::bad_debt();
		signed(Assets::total_issuance(Synthetic::get()))
			.saturating_sub(signed(carried))
			.saturating_sub(signed(bad))
			.saturating_sub(issued)
			.try_into()
			.unwrap_or(0)
	}
}

impl Gauges for SupplyGauge {
	fn subjects() -> Vec<BreakerSubject> {
		vec![BreakerSubject::Chain]
	}

	/// One unit is a defect in the books, and a reason to look; a kUSD stops new risk, a thousand stops all that can wait.
	fn gauges(subject: BreakerSubject) -> Vec<Gauge> {
		if subject != BreakerSubject::Chain {
			return Vec::new();
		}
		vec![Gauge {
			fuse: Fuse::UnexplainedSupply,
			reading: Self::unexplained(),
			triggers: Triggers {
				guarded: 1,
				reduce_only: 1_000_000,
				halted: Some(1_000_000_000),
			},
		}]
	}
}

/// The ledgers the trigger index points at: vaults in their branches, margin accounts everywhere else.
pub struct Ledgers;

impl PositionLedger for Ledgers {
	fn groups() -> Vec<Group> {
		let mut all = Vaults::groups();
		all.extend(Margin::groups());
		all
	}

	fn thresholds() -> Vec<(Group, Result<u128, DispatchError>)> {
		let mut all = Vaults::thresholds();
		all.extend(Margin::thresholds());
		all
	}

	fn threshold(group: Group) -> Result<u128, DispatchError> {
		match group {
			Group::Branch(_) => Vaults::threshold(group),
			_ => Margin::threshold(group),
		}
	}

	fn deficit(group: Group, position: PositionId) -> Result<Balance, DispatchError> {
		match group {
			Group::Branch(_) => Vaults::deficit(group, position),
			_ => Margin::deficit(group, position),
		}
	}

	fn liquidate(group: Group, position: PositionId) -> Result<LiquidationOutcome, DispatchError> {
		match group {
			Group::Branch(_) => <Vaults as PositionLedger>::liquidate(group, position),
			_ => <Margin as PositionLedger>::liquidate(group, position),
		}
	}

	fn liquidation_weight(group: Group, position: PositionId) -> Option<Weight> {
		match group {
			Group::Branch(_) => Vaults::liquidation_weight(group, position),
			_ => Margin::liquidation_weight(group, position),
		}
	}

	fn refresh(group: Group, position: PositionId) -> DispatchResult {
		match group {
			Group::Branch(_) => Vaults::refresh(group, position),
			_ => <Margin as PositionLedger>::refresh(group, position),
		}
	}

	fn is_unsafe(group: Group, position: PositionId) -> bool {
		match group {
			Group::Branch(_) => Vaults::is_unsafe(group, position),
			_ => Margin::is_unsafe(group, position),
		}
	}

	fn refresh_weight() -> Weight {
		Margin::refresh_weight()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create_unsafe_position(seed: u32) -> (Group, PositionId) {
		Vaults::create_unsafe_position(seed)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create_unsafe_account() -> Option<(Group, PositionId)> {
		Margin::create_unsafe_account()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create_positions(total: u32, unsafe_ones: u32) -> Group {
		Vaults::create_positions(total, unsafe_ones)
	}
}

/// The feeds of registered assets and of markets, and KEEL's, in which fees are priced: none of them can be
/// removed.
pub struct FeedsInUse;

impl Contains<FeedId> for FeedsInUse {
	fn contains(feed: &FeedId) -> bool {
		*feed == KeelFeed::get() || AssetRegistry::uses_feed(*feed) || Perpetuals::uses_feed(*feed)
	}
}

/// The feeds there are.
pub struct RegisteredFeeds;

impl Contains<FeedId> for RegisteredFeeds {
	fn contains(feed: &FeedId) -> bool {
		pallet_prices::Feeds::<Runtime>::contains_key(feed)
	}
}

/// The assets that the insurance fund, the auctions, margin's custody or a branch that is not over holds:
/// they need their price to be sold or settled. What waits in the stability pool, and what owners left in a
/// branch that is over, is paid out in kind.
pub struct AssetsHeld;

impl Contains<AssetId> for AssetsHeld {
	fn contains(asset: &AssetId) -> bool {
		let branches = pallet_vaults::BranchList::<Runtime>::get();
		[
			InsuranceFund::account(),
			Auctions::account(),
			Margin::custody_account(),
		]
		.into_iter()
		.chain(branches.into_iter().map(Vaults::branch_account))
		.any(|who| Assets::balance(*asset, who) > 0)
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarks::*;

/// What the pallets' benchmarks need from the runtime around them.
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks {
	use alloc::format;
	use frame_support::{
		assert_ok,
		traits::Get as _,
		traits::{
			fungible::Mutate as _,
			fungibles::{metadata::Mutate as _, Create, Inspect},
		},
		BoundedVec,
	};
	use keel_primitives::{AssetId, BranchId, FeedId, Group, Moment, PositionLedger, PriceProvider};
	use sp_core::{crypto::KeyTypeId, sr25519};
	use sp_runtime::{app_crypto::RuntimePublic, FixedU128};

	use crate::{
		configs::{KeelFeed, MaxFeeds, MaxOperators, Synthetic},
		AccountId, Assets, Balances, Prices, Runtime, RuntimeOrigin, Signature, Vaults, KEEL,
	};

	/// The first asset and feed benchmarks may invent.
	const FIRST: u32 = 1_000;

	fn keeper() -> AccountId {
		frame_benchmarking::account("keeper", 0, 0)
	}

	fn create(asset: AssetId, decimals: u8) {
		if Assets::asset_exists(asset) {
			return;
		}
		assert_ok!(Balances::mint_into(&keeper(), 1_000 * KEEL));
		assert_ok!(<Assets as Create<AccountId>>::create(asset, keeper(), true, 1));
		let name = format!("Asset {asset}").into_bytes();
		assert_ok!(Assets::set(asset, &keeper(), name.clone(), name, decimals));
	}

	/// Both clocks, as if there had been a block all the time.
	fn set_time(now: Moment) {
		pallet_timestamp::Now::<Runtime>::put(now);
		pallet_clock::Last::<Runtime>::put(pallet_clock::Reading { at: now, active: now });
	}

	/// For the stability pool.
	pub struct AssetBenchmarks;

	impl pallet_stability_pool::BenchmarkHelper for AssetBenchmarks {
		fn create_asset(asset: AssetId) {
			create(asset, 10);
		}

		fn set_time(now: Moment) {
			set_time(now);
		}
	}

	/// For risk parameters: a branch whose gauge has to walk an edge of the range that is crowded, though not so much that it
	/// gives up.
	pub struct RiskBenchmarks;

	impl pallet_risk_parameters::BenchmarkHelper for RiskBenchmarks {
		fn branch() -> BranchId {
			let Group::Branch(branch) = <Vaults as PositionLedger>::create_positions(500, 0) else {
				return 0;
			};
			// The positions are made past the ledger's totals; a branch that owes nothing asks nobody.
			let owed = pallet_vaults::Vaults::<Runtime>::iter_values()
				.filter(|vault| vault.branch == branch)
				.map(|vault| vault.normalised_debt)
				.sum();
			pallet_vaults::Branches::<Runtime>::mutate(branch, |stored| {
				if let Some(stored) = stored {
					stored.total_normalised = owed;
				}
			});
			// All stand at 200 %. At three quarters of the price they stand where the default ratio is.
			let feed = pallet_vaults::Branches::<Runtime>::get(branch).map_or(0, |b| b.feed);
			let price = <Prices as PriceProvider>::last(feed).map_or(FixedU128::from_u32(1), |p| p.value);
			<Prices as PriceProvider>::set_price(feed, price * FixedU128::from_rational(3, 4));
			branch
		}
	}

	/// For fees in kUSD: a price of KEEL, and an account with both.
	pub struct FeeBenchmarks;

	impl pallet_asset_tx_payment::BenchmarkHelperTrait<AccountId, AssetId, AssetId> for FeeBenchmarks {
		fn create_asset_id_parameter(_: u32) -> (AssetId, AssetId) {
			(Synthetic::get(), Synthetic::get())
		}

		fn setup_balances_and_pool(asset: AssetId, account: AccountId) {
			set_time(1_000_000);
			<Prices as PriceProvider>::set_price(KeelFeed::get(), FixedU128::from_u32(1));
			assert_ok!(Balances::mint_into(&account, 1_000 * KEEL));
			assert_ok!(
				<Assets as frame_support::traits::fungibles::Mutate<AccountId>>::mint_into(
					asset,
					&account,
					1_000_000_000
				)
			);
		}
	}

	/// For the treasury: KEEL, to somebody.
	pub struct TreasuryBenchmarks;

	impl pallet_treasury::ArgumentsFactory<(), AccountId> for TreasuryBenchmarks {
		fn create_asset_kind(_: u32) {}

		fn create_beneficiary(seed: [u8; 32]) -> AccountId {
			AccountId::new(seed)
		}
	}

	/// For vaults.
	pub struct VaultsBenchmarks;

	impl pallet_vaults::BenchmarkHelper<AccountId> for VaultsBenchmarks {
		fn create_collateral(seed: u32) -> (AssetId, FeedId) {
			let id = FIRST + seed;
			create(id, 10);
			if !pallet_prices::Feeds::<Runtime>::contains_key(id) {
				// Room for one more: the benchmarks need no more than the feeds there can be.
				let symbol = BoundedVec::truncate_from(format!("F{seed}").into_bytes());
				if Prices::add_feed(RuntimeOrigin::root(), id, symbol, FixedU128::from_u32(1)).is_err() {
					return (id, 2);
				}
			}
			(id, id)
		}

		fn endow(who: &AccountId) {
			assert_ok!(Balances::mint_into(who, 1_000_000 * KEEL));
		}

		fn set_time(now: Moment) {
			set_time(now);
		}
	}

	/// For margin: the same.
	impl pallet_margin::BenchmarkHelper<AccountId> for VaultsBenchmarks {
		fn create_collateral(seed: u32) -> (AssetId, FeedId) {
			<Self as pallet_vaults::BenchmarkHelper<AccountId>>::create_collateral(seed)
		}

		fn endow(who: &AccountId) {
			<Self as pallet_vaults::BenchmarkHelper<AccountId>>::endow(who);
		}

		fn set_time(now: Moment) {
			set_time(now);
		}
	}

	/// For prices.
	pub struct PricesBenchmarks;

	/// Where the keystore keeps the keys of feeders.
	const FEEDERS: KeyTypeId = KeyTypeId(*b"feed");

	impl pallet_prices::BenchmarkHelper<AccountId, Signature> for PricesBenchmarks {
		fn set_time(now: Moment) {
			set_time(now);
		}

		fn feeder() -> AccountId {
			AccountId::new(sr25519::Public::generate_pair(FEEDERS, None).0)
		}

		fn sign(feeder: &AccountId, payload: &[u8]) -> Signature {
			let public = sr25519::Public::from_raw(*feeder.as_ref());
			let signature = public.sign(FEEDERS, &payload);
			Signature::Sr25519(signature.expect("the key is in the keystore"))
		}
	}

	/// For the oracle: as many registered feeds as one call may carry, each with as many operators' values as there
	/// can be, for all of them are read.
	pub struct OracleBenchmarks;

	impl pallet_oracle::BenchmarkHelper<FeedId, FixedU128, MaxFeeds> for OracleBenchmarks {
		fn get_currency_id_value_pairs() -> BoundedVec<(FeedId, FixedU128), MaxFeeds> {
			set_time(1_000_000);
			let feeds = 1..=MaxFeeds::get();
			// The caller is an operator already, and stays one.
			for i in 0..MaxOperators::get() {
				let _ = Prices::add_operator(
					RuntimeOrigin::root(),
					frame_benchmarking::account("operator", i, 0),
				);
			}
			let members = <Prices as frame_support::traits::SortedMembers<AccountId>>::sorted_members();
			for feed in feeds.clone() {
				let symbol = BoundedVec::truncate_from(format!("F{feed}").into_bytes());
				// The development chain's own are there.
				let _ = Prices::add_feed(RuntimeOrigin::root(), feed, symbol, FixedU128::from_u32(1));
				for operator in &members {
					pallet_oracle::RawValues::<Runtime>::insert(
						operator,
						feed,
						pallet_oracle::TimestampedValue {
							value: FixedU128::from_u32(feed),
							timestamp: 1_000_000,
						},
					);
				}
			}
			BoundedVec::truncate_from(feeds.map(|feed| (feed, FixedU128::from_u32(feed))).collect())
		}
	}
}
