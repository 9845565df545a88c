//! A runtime of this pallet and a clock, with gauges and governed numbers the tests set.

use std::collections::BTreeMap;

use frame_support::{
	derive_impl, ord_parameter_types, parameter_types, traits::Hooks, weights::constants::RocksDbWeight,
};
use frame_system::{mocking::MockBlock, EnsureRoot, EnsureSignedBy};
use keel_math::FixedU128;
use keel_primitives::{
	BranchId, BranchParameters, BreakerSubject, ChainParameters, Fuse, Gauge, Level, MintPath, Moment,
	RiskParameters, Triggers,
};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult};

use crate::{Raised, State};

pub const GUARDIAN: u64 = 1;
pub const STRANGER: u64 = 2;

pub const CHAIN: BreakerSubject = BreakerSubject::Chain;
pub const BTC: BreakerSubject = BreakerSubject::Branch(2);
pub const ETH: BreakerSubject = BreakerSubject::Branch(3);
pub const MARKET: BreakerSubject = BreakerSubject::Market(2);
pub const BTC_MINT: BreakerSubject = BreakerSubject::Mint(MintPath::Vaults(2));
pub const FEES: BreakerSubject = BreakerSubject::Mint(MintPath::StabilityFees);
pub const LENDING: BreakerSubject = BreakerSubject::Lending;
/// Nobody measures it.
pub const NOBODYS: BreakerSubject = BreakerSubject::Market(7);

pub const SECOND: Moment = 1_000;
pub const MINUTE: Moment = 60 * SECOND;
pub const HOUR: Moment = 60 * MINUTE;
pub const DAY: Moment = 24 * HOUR;
pub const DWELL: Moment = 10 * MINUTE;
pub const COOLDOWN: Moment = 30 * MINUTE;
/// When the tests begin: 2030.
pub const START: Moment = 1_893_456_000_000;

#[frame_support::runtime]
mod test_runtime {
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
	pub type CircuitBreaker = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = MockBlock<Test>;
	type DbWeight = RocksDbWeight;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

/// A share in the fuses' unit.
pub const fn percent(n: u128) -> u128 {
	n * keel_math::ONE / 100
}

const fn triggers(guarded: u128, reduce_only: u128, halted: Option<u128>) -> Triggers {
	Triggers {
		guarded,
		reduce_only,
		halted,
	}
}

pub const DEVIATION: Triggers = triggers(percent(5), percent(10), Some(percent(25)));
pub const LEAVING: Triggers = triggers(percent(10), percent(20), None);
pub const PATH: Triggers = triggers(percent(20), percent(40), None);
pub const LIQUIDATED: Triggers = triggers(percent(20), percent(40), Some(percent(60)));
pub const UTILISATION: Triggers = triggers(percent(50), percent(80), None);
pub const DRAWDOWN: Triggers = triggers(percent(10), percent(25), Some(percent(50)));

/// Everything reads zero.
pub fn calm_gauges() -> BTreeMap<BreakerSubject, Vec<Gauge>> {
	let gauge = |fuse, triggers| Gauge {
		fuse,
		reading: 0,
		triggers,
	};
	let branch = || {
		vec![
			gauge(Fuse::PriceDeviation, DEVIATION),
			gauge(Fuse::Leaving, LEAVING),
		]
	};
	[
		(CHAIN, vec![gauge(Fuse::Drawdown, DRAWDOWN)]),
		(BTC, branch()),
		(ETH, branch()),
		(
			MARKET,
			vec![
				gauge(Fuse::PriceDeviation, DEVIATION),
				gauge(Fuse::Liquidated, LIQUIDATED),
			],
		),
		(BTC_MINT, vec![gauge(Fuse::Utilisation, PATH)]),
		(FEES, vec![gauge(Fuse::Utilisation, PATH)]),
		(LENDING, vec![gauge(Fuse::Utilisation, UTILISATION)]),
	]
	.into()
}

pub fn default_parameters() -> ChainParameters {
	ChainParameters {
		breaker_dwell: DWELL,
		breaker_cooldown: COOLDOWN,
		breaker_release: FixedU128::from_rational(70, 100),
		..Default::default()
	}
}

parameter_types! {
	pub static Measured: BTreeMap<BreakerSubject, Vec<Gauge>> = calm_gauges();
	pub static Parameters: ChainParameters = default_parameters();
	pub static MaxSubjects: u32 = 8;
	/// Blocks with a price that the chain needs after a stop.
	pub static BlocksNeeded: u32 = 0;
}

pub struct MockRecovery;

impl keel_primitives::Recovery for MockRecovery {
	fn blocks_needed() -> u32 {
		BlocksNeeded::get()
	}
}

ord_parameter_types! {
	pub const Guardian: u64 = GUARDIAN;
}

pub struct MockGauges;

impl keel_primitives::Gauges for MockGauges {
	fn subjects() -> Vec<BreakerSubject> {
		Measured::get().into_keys().collect()
	}

	fn gauges(subject: BreakerSubject) -> Vec<Gauge> {
		Measured::get().remove(&subject).unwrap_or_default()
	}
}

pub struct MockParameters;

impl RiskParameters for MockParameters {
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

impl crate::Config for Test {
	type Time = Timestamp;
	type Gauges = MockGauges;
	type Recovery = MockRecovery;
	type RiskParameters = MockParameters;
	type GuardianOrigin = EnsureSignedBy<Guardian, u64>;
	type OverrideOrigin = EnsureRoot<u64>;
	type MaxSubjects = MaxSubjects;
	type WeightInfo = ();
}

pub struct ExtBuilder {
	time: Moment,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self { time: START }
	}
}

impl ExtBuilder {
	pub fn at_time_zero(mut self) -> Self {
		self.time = 0;
		self
	}

	pub fn build(self) -> sp_io::TestExternalities {
		Measured::set(calm_gauges());
		Parameters::set(default_parameters());
		MaxSubjects::set(8);
		BlocksNeeded::set(0);
		let storage = frame_system::GenesisConfig::<Test>::default()
			.build_storage()
			.unwrap();
		let mut ext = sp_io::TestExternalities::from(storage);
		ext.execute_with(|| {
			System::set_block_number(1);
			Timestamp::set_timestamp(self.time);
		});
		ext
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			CircuitBreaker::do_try_state().unwrap();
		})
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub fn new_test_ext() -> sp_io::TestExternalities {
	ExtBuilder::default().build()
}

pub fn now() -> Moment {
	Timestamp::get()
}

/// Time passes within the last block.
pub fn later(ms: Moment) {
	Timestamp::set_timestamp(now() + ms);
}

/// A block begins: it sees the time of the last one.
pub fn begin() {
	let number = System::block_number() + 1;
	System::set_block_number(number);
	System::reset_events();
	CircuitBreaker::on_initialize(number);
	CircuitBreaker::do_try_state().unwrap();
}

/// A block `ms` after the last one, and the beginning of the next.
pub fn block(ms: Moment) {
	later(ms);
	begin();
}

/// Blocks every `each` ms for `ms`.
pub fn blocks(ms: Moment, each: Moment) {
	for _ in 0..ms / each {
		block(each);
	}
}

/// From now on this fuse reads this.
pub fn read(subject: BreakerSubject, fuse: Fuse, reading: u128) {
	Measured::mutate(|measured| {
		let gauges = measured.get_mut(&subject).expect("a measured subject");
		let gauge = gauges
			.iter_mut()
			.find(|gauge| gauge.fuse == fuse)
			.expect("one of its fuses");
		gauge.reading = reading;
	});
}

/// From now on the branch's price deviates by this.
pub fn deviate(reading: u128) {
	read(BTC, Fuse::PriceDeviation, reading);
}

pub fn trip(subject: BreakerSubject, level: Level) -> DispatchResult {
	CircuitBreaker::trip(RuntimeOrigin::signed(GUARDIAN), subject, level)
}

pub fn set_level(subject: BreakerSubject, level: Level) -> DispatchResult {
	CircuitBreaker::set_level(RuntimeOrigin::root(), subject, level)
}

pub fn state(subject: BreakerSubject) -> Option<State> {
	Raised::<Test>::get().get(&subject).copied()
}

/// The subject's own level.
pub fn level(subject: BreakerSubject) -> Level {
	state(subject).map_or(Level::Normal, |state| state.level)
}

/// The pallet's events of this block.
pub fn events() -> Vec<crate::Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::CircuitBreaker(event) => Some(event),
			_ => None,
		})
		.collect()
}
