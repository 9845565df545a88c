//! A runtime with the real oracle, whose operators and governed numbers the tests set.

use crate as pallet_prices;
use crate::*;
use alloc::{vec, vec::Vec};
use frame_support::{
	derive_impl, parameter_types,
	traits::{ConstU32, ConstU64, Contains, Hooks},
	PalletId,
};
use frame_system::EnsureRoot;
use keel_math::FixedU128;
use keel_primitives::{
	BranchId, BranchParameters, ChainParameters, FeedId, Moment, Price, PriceFor, PriceProvider,
	RiskParameters,
};
use sp_runtime::{
	testing::TestSignature,
	traits::{AccountIdConversion, IdentityLookup},
	BuildStorage, DispatchError, DispatchResult,
};

pub type AccountId = u64;
type Block = frame_system::mocking::MockBlock<Test>;

/// The feeds of the tests' genesis.
pub const BTC: FeedId = 2;
pub const ETH: FeedId = 3;
pub const USDC: FeedId = 5;
/// No feed.
pub const NOTHING: FeedId = 99;
/// When the first block of a test is.
pub const START: Moment = 1_700_000_000_000;

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
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(2)]
	pub type Oracle = pallet_oracle;
	#[runtime::pallet_index(3)]
	pub type Prices = pallet_prices;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type AccountId = AccountId;
	type Block = Block;
	type Lookup = IdentityLookup<AccountId>;
}

impl pallet_timestamp::Config for Test {
	type MinimumPeriod = ConstU64<1>;
	type Moment = Moment;
	type OnTimestampSet = ();
	type WeightInfo = ();
}

/// The numbers of the mechanisms' defaults.
pub fn default_parameters() -> ChainParameters {
	ChainParameters {
		oracle_quorum: 3,
		oracle_max_age: 60_000,
		outlier_deviations: FixedU128::from_u32(5),
		outlier_floor: FixedU128::from_rational(5, 1_000),
		recovery_prices: 3,
		add_risk_age: 30_000,
		add_risk_confidence: FixedU128::from_rational(1, 100),
		reduce_risk_age: 300_000,
		reduce_risk_confidence: FixedU128::from_rational(5, 100),
		liquidate_age: 60_000,
		liquidate_confidence: FixedU128::from_rational(2, 100),
		volatility_tau: 21_600,
		..Default::default()
	}
}

parameter_types! {
	pub static Parameters: ChainParameters = default_parameters();
	/// The feeds somebody stands on.
	pub static Used: Vec<FeedId> = Vec::new();
	pub const OraclePalletId: PalletId = PalletId(*b"keel/orc");
	pub const MaxFeeds: u32 = 16;
	pub const MaxOperators: u32 = 16;
}

pub struct InUse;

impl Contains<FeedId> for InUse {
	fn contains(feed: &FeedId) -> bool {
		Used::get().contains(feed)
	}
}

pub struct Governed;

impl RiskParameters for Governed {
	fn branch(_: BranchId) -> Result<BranchParameters, DispatchError> {
		Err(DispatchError::CannotLookup)
	}

	fn chain() -> ChainParameters {
		Parameters::get()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(_: BranchId, _: BranchParameters) {}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_chain(parameters: ChainParameters) {
		Parameters::set(parameters);
	}
}

type TimestampedValue = pallet_oracle::TimestampedValue<FixedU128, Moment>;

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

pub struct NotePrices;

impl pallet_oracle::OnNewData<AccountId, FeedId, FixedU128> for NotePrices {
	fn on_new_data(_: &AccountId, feed: &FeedId, _: &FixedU128) {
		Prices::note_new_value(*feed);
	}
}

/// The account root feeds through.
pub fn root_operator() -> AccountId {
	OraclePalletId::get().into_account_truncating()
}

pub struct OracleValues;

impl RawValues<AccountId> for OracleValues {
	fn root() -> AccountId {
		root_operator()
	}

	fn get(who: &AccountId, feed: FeedId) -> Option<(FixedU128, Moment)> {
		pallet_oracle::RawValues::<Test>::get(who, feed).map(|v| (v.value, v.timestamp))
	}

	fn set(who: &AccountId, feed: FeedId, value: FixedU128, timestamp: Moment) {
		pallet_oracle::RawValues::<Test>::insert(who, feed, TimestampedValue { value, timestamp });
	}

	fn remove(who: &AccountId, feed: FeedId) {
		pallet_oracle::RawValues::<Test>::remove(who, feed);
	}
}

impl pallet_oracle::Config for Test {
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = ();
	type CombineData = NeverCombine;
	type MaxFeedValues = ConstU32<16>;
	type MaxHasDispatchedSize = ConstU32<32>;
	type Members = Prices;
	type OnNewData = NotePrices;
	type OracleKey = FeedId;
	type OracleValue = FixedU128;
	type PalletId = OraclePalletId;
	type Time = Timestamp;
	type WeightInfo = ();
}

#[cfg(feature = "runtime-benchmarks")]
pub struct Helper;

#[cfg(feature = "runtime-benchmarks")]
impl BenchmarkHelper<AccountId, TestSignature> for Helper {
	fn set_time(now: Moment) {
		Timestamp::set_timestamp(now);
	}

	fn feeder() -> AccountId {
		77
	}

	fn sign(feeder: &AccountId, payload: &[u8]) -> TestSignature {
		TestSignature(*feeder, payload.to_vec())
	}
}

impl Config for Test {
	type AdminOrigin = EnsureRoot<AccountId>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = Helper;
	type InUse = InUse;
	type MaxFeeds = MaxFeeds;
	type MaxOperators = MaxOperators;
	type OperatorOrigin = EnsureRoot<AccountId>;
	type Suspended = frame_support::traits::Nothing;
	type RawValues = OracleValues;
	type RiskParameters = Governed;
	type Signature = TestSignature;
	type Time = Timestamp;
	type WeightInfo = ();
}

pub struct ExtBuilder {
	feeds: Vec<(FeedId, Vec<u8>, FixedU128)>,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self {
			feeds: vec![
				(BTC, b"BTC".to_vec(), FixedU128::from_rational(60, 100)),
				(ETH, b"ETH".to_vec(), FixedU128::from_rational(80, 100)),
				(USDC, b"USDC".to_vec(), FixedU128::from_rational(5, 100)),
			],
		}
	}
}

impl ExtBuilder {
	pub fn feeds(mut self, feeds: Vec<(FeedId, Vec<u8>, FixedU128)>) -> Self {
		self.feeds = feeds;
		self
	}

	pub fn build(self) -> sp_io::TestExternalities {
		Parameters::set(default_parameters());
		Used::set(Vec::new());
		let mut storage = frame_system::GenesisConfig::<Test>::default()
			.build_storage()
			.unwrap();
		pallet_prices::GenesisConfig::<Test> {
			feeds: self.feeds,
			operators: vec![1, 2, 3, 4, 5],
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.unwrap();
		let mut ext = sp_io::TestExternalities::from(storage);
		ext.execute_with(|| {
			System::set_block_number(1);
			Timestamp::set_timestamp(START);
		});
		ext
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			Prices::do_try_state().unwrap();
		})
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub fn new_test_ext() -> sp_io::TestExternalities {
	ExtBuilder::default().build()
}

/// USD per whole unit.
pub fn usd(value: f64) -> FixedU128 {
	FixedU128::from_float(value)
}

/// An operator feeds what it observed just now.
pub fn feed(who: AccountId, values: &[(FeedId, FixedU128)]) -> DispatchResult {
	// A second feed of the same moment is a millisecond ahead.
	let last = Operators::<Test>::get().get(&who).map_or(0, |o| o.observed_at);
	feed_at(who, Timestamp::get().max(last + 1), values)
}

/// An operator feeds what it observed at some time. The dispatch alone: no signature is asked for.
pub fn feed_at(who: AccountId, observed_at: Moment, values: &[(FeedId, FixedU128)]) -> DispatchResult {
	let values = values.to_vec().try_into().expect("few enough values");
	let nobody = TestSignature(0, Vec::new());
	Prices::feed(
		frame_system::RawOrigin::Authorized.into(),
		who,
		observed_at,
		values,
		nobody,
	)
}

/// Make these the operators.
pub fn operators(all: impl IntoIterator<Item = AccountId>) {
	Operators::<Test>::kill();
	for who in all {
		Prices::do_add_operator(who).expect("there is room");
		Operators::<Test>::mutate(|o| o.get_mut(&who).unwrap().observed_at = 0);
	}
}

/// A block at `now` with the given transactions, and the invariants after it.
pub fn block(now: Moment, transactions: impl FnOnce()) {
	let number = System::block_number() + 1;
	System::set_block_number(number);
	System::reset_events();
	Prices::on_initialize(number);
	Timestamp::set_timestamp(now);
	transactions();
	Prices::on_finalize(number);
	Oracle::on_finalize(number);
	assert!(Pending::<Test>::get().is_empty());
	Prices::do_try_state().unwrap();
}

/// A block at `now` in which operators 1, 2, … feed one value each for `feed_id`.
pub fn block_with(now: Moment, feed_id: FeedId, values: &[f64]) {
	block(now, || {
		for (who, value) in (1..).zip(values) {
			feed(who, &[(feed_id, usd(*value))]).unwrap();
		}
	})
}

/// The stored price of a feed.
pub fn stored(feed_id: FeedId) -> Price {
	Feeds::<Test>::get(feed_id).expect("registered").price
}

/// What a consumer gets.
pub fn ask(feed_id: FeedId, purpose: PriceFor) -> Result<Price, DispatchError> {
	<Prices as PriceProvider>::price(feed_id, purpose)
}

/// The pallet's events of the last block, without what operators fed.
pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|r| match r.event {
			RuntimeEvent::Prices(Event::Fed { .. }) => None,
			RuntimeEvent::Prices(event) => Some(event),
			_ => None,
		})
		.collect()
}
