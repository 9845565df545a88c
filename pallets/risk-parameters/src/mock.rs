//! A runtime of this pallet and a clock, a breaker whose levels tests set, and a gauge that answers what they say.

use std::collections::BTreeMap;

use frame_support::{derive_impl, dispatch::DispatchResult, ord_parameter_types, parameter_types};
use frame_system::{mocking::MockBlock, EnsureRoot, EnsureSignedBy};
use keel_primitives::{
	Action, AssetId, BranchId, BranchParameters, BreakerSubject, ChainParameters, CircuitBreaker,
	CollateralParameters, Impact, ImpactGauge, Level, LiveFacts, MarketId, MarketParameters, Moment,
};
use sp_runtime::{BuildStorage, DispatchError, FixedU128};

use crate::{limits, GenesisConfig};

pub const ADJUSTER: u64 = 1;
pub const GUARDIAN: u64 = 2;
pub const STRANGER: u64 = 3;
pub const CONTROLLER: u64 = 4;

pub const BTC: BranchId = 2;
pub const DOT: BranchId = 4;
pub const USDC: AssetId = 5;
/// A market has only a feed.
pub const SOL: MarketId = 6;

pub const DAY: Moment = 86_400_000;
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
	pub type RiskParameters = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = MockBlock<Test>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

ord_parameter_types! {
	pub const Adjuster: u64 = ADJUSTER;
	pub const Guardian: u64 = GUARDIAN;
	pub const Controller: u64 = CONTROLLER;
}

/// What a gauge answers.
pub type Answer = Result<Option<Impact>, DispatchError>;

/// What a gauge was asked.
pub type Question = (BranchId, BranchParameters, BranchParameters);

parameter_types! {
	/// Each breaker's own level; one that is not here is at `Normal`.
	pub static Levels: BTreeMap<BreakerSubject, Level> = BTreeMap::new();
	/// What the gauge answers …
	pub static Verdict: Answer = Ok(None);
	/// … unless this knows better.
	pub static Judge: Option<fn(&BranchParameters, &BranchParameters) -> Answer> = None;
	/// What it was asked last.
	pub static Asked: Option<Question> = None;
	/// Operators there are.
	pub static OperatorCount: u32 = 16;
	/// The least kUSD an account may hold.
	pub static LeastBalance: u128 = 1;
}

/// As the real one: held to the highest of its own level and its parents'.
pub struct MockBreaker;

impl CircuitBreaker for MockBreaker {
	fn level(subject: BreakerSubject) -> Level {
		let own = Levels::get().get(&subject).copied().unwrap_or_default();
		subject
			.parent()
			.map_or(own, |parent| own.max(Self::level(parent)))
	}

	fn ensure(subject: BreakerSubject, action: Action) -> DispatchResult {
		if Self::level(subject) <= action.tolerates() {
			Ok(())
		} else {
			Err(DispatchError::Other("raised"))
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn raise(subject: BreakerSubject, to: Level) {
		level(subject, to);
	}
}

/// Set a breaker's own level.
pub fn level(subject: BreakerSubject, level: Level) {
	Levels::mutate(|levels| levels.insert(subject, level));
}

pub struct MockGauge;

impl ImpactGauge for MockGauge {
	fn impact(branch: BranchId, before: &BranchParameters, after: &BranchParameters) -> Answer {
		Asked::set(Some((branch, before.clone(), after.clone())));
		match Judge::get() {
			Some(judge) => judge(before, after),
			None => Verdict::get(),
		}
	}
}

pub struct MockFacts;

impl LiveFacts for MockFacts {
	fn operators() -> u32 {
		OperatorCount::get()
	}

	fn minimum_balance() -> u128 {
		LeastBalance::get()
	}
}

impl crate::Config for Test {
	type Time = Timestamp;
	type AdjustOrigin = EnsureSignedBy<Adjuster, u64>;
	type GuardianOrigin = EnsureSignedBy<Guardian, u64>;
	type ControllerOrigin = EnsureSignedBy<Controller, u64>;
	type BoundsOrigin = EnsureRoot<u64>;
	type CircuitBreaker = MockBreaker;
	type Impact = MockGauge;
	type LiveFacts = MockFacts;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = ();
}

/// As the development chain has it: a higher ratio, a small ceiling.
pub fn dot() -> BranchParameters {
	BranchParameters {
		liquidation_ratio: FixedU128::from_rational(165, 100),
		liquidation_ratio_cap: FixedU128::from_rational(195, 100),
		debt_ceiling: 500_000_000_000,
		..limits::default_branch()
	}
}

/// As the development chain has it: deeper in dollars, and wilder.
pub fn sol() -> MarketParameters {
	MarketParameters {
		maintenance_margin: FixedU128::from_rational(4, 100),
		stress: FixedU128::from_rational(35, 100),
		skew_scale: 400_000 * 100_000_000,
		max_open_interest: 5_000_000_000_000,
		..limits::default_market()
	}
}

/// As the development chain has it: next to no haircut.
pub fn usdc() -> CollateralParameters {
	CollateralParameters {
		haircut: FixedU128::from_rational(6, 100),
		..limits::default_collateral()
	}
}

pub struct ExtBuilder {
	chain: ChainParameters,
	branches: Vec<(BranchId, BranchParameters)>,
	markets: Vec<(MarketId, MarketParameters)>,
	collaterals: Vec<(AssetId, CollateralParameters)>,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self {
			chain: limits::default_chain(),
			branches: vec![(BTC, limits::default_branch()), (DOT, dot())],
			markets: vec![(BTC, limits::default_market()), (SOL, sol())],
			collaterals: vec![(BTC, limits::default_collateral()), (USDC, usdc())],
		}
	}
}

impl ExtBuilder {
	pub fn chain(mut self, chain: ChainParameters) -> Self {
		self.chain = chain;
		self
	}

	pub fn branches(mut self, branches: Vec<(BranchId, BranchParameters)>) -> Self {
		self.branches = branches;
		self
	}

	pub fn markets(mut self, markets: Vec<(MarketId, MarketParameters)>) -> Self {
		self.markets = markets;
		self
	}

	pub fn collaterals(mut self, collaterals: Vec<(AssetId, CollateralParameters)>) -> Self {
		self.collaterals = collaterals;
		self
	}

	pub fn build(self) -> sp_io::TestExternalities {
		let mut storage = frame_system::GenesisConfig::<Test>::default()
			.build_storage()
			.unwrap();
		GenesisConfig::<Test> {
			chain: self.chain,
			branches: self.branches,
			markets: self.markets,
			collaterals: self.collaterals,
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.unwrap();
		// Tests may share a thread.
		Levels::set(BTreeMap::new());
		Verdict::set(Ok(None));
		Judge::set(None);
		Asked::set(None);
		OperatorCount::set(16);
		LeastBalance::set(1);
		let mut ext: sp_io::TestExternalities = storage.into();
		ext.execute_with(|| {
			System::set_block_number(1);
			Timestamp::set_timestamp(START);
		});
		ext
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			RiskParameters::do_try_state().expect("what must be true after every test");
		});
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub fn new_test_ext() -> sp_io::TestExternalities {
	ExtBuilder::default().build()
}

pub fn later(ms: Moment) {
	Timestamp::set_timestamp(Timestamp::get() + ms);
}
