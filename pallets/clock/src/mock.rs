//! A runtime of this pallet and the timestamps that move it.

use frame_support::{derive_impl, parameter_types, weights::Weight};
use frame_system::mocking::MockBlock;
use keel_primitives::{BranchId, BranchParameters, ChainParameters, Moment, OnGap, RiskParameters};
use sp_runtime::{BuildStorage, DispatchError};

pub const SECOND: Moment = 1_000;
pub const MINUTE: Moment = 60 * SECOND;
/// When the tests begin: 2030.
pub const START: Moment = 1_893_456_000_000;
/// What the receiver of gaps says it weighs.
pub const GAP_WEIGHT: Weight = Weight::from_parts(77, 7);

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
	pub type Clock = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = MockBlock<Test>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {
	type OnTimestampSet = Clock;
}

parameter_types! {
	pub static MaxStep: Moment = MINUTE;
	pub static OracleMaxAge: Moment = MINUTE;
	/// What the receiver was told, in order.
	pub static Gaps: Vec<Moment> = Vec::new();
}

pub struct Receiver;

impl OnGap for Receiver {
	fn on_gap(length: Moment) -> Weight {
		Gaps::mutate(|gaps| gaps.push(length));
		GAP_WEIGHT
	}
}

pub struct Parameters;

impl RiskParameters for Parameters {
	fn branch(_: BranchId) -> Result<BranchParameters, DispatchError> {
		Err(DispatchError::CannotLookup)
	}

	fn chain() -> ChainParameters {
		ChainParameters {
			oracle_max_age: OracleMaxAge::get(),
			..Default::default()
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(_: BranchId, _: BranchParameters) {}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_chain(parameters: ChainParameters) {
		OracleMaxAge::set(parameters.oracle_max_age);
	}
}

impl crate::Config for Test {
	type MaxStep = MaxStep;
	type OnGap = Receiver;
	type RiskParameters = Parameters;
	type Time = Timestamp;
	type WeightInfo = ();
}

pub fn new_test_ext() -> sp_io::TestExternalities {
	MaxStep::set(MINUTE);
	OracleMaxAge::set(MINUTE);
	Gaps::set(Vec::new());
	let storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.unwrap();
	let mut ext = sp_io::TestExternalities::from(storage);
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// Where every test starts, and how it ends.
pub fn build_and_execute(test: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		test();
		Clock::do_try_state().expect("the state is sound after the test");
	});
}

/// Blocks at these times, in milliseconds after [`START`].
pub fn blocks(times: &[Moment]) {
	for time in times {
		System::set_block_number(System::block_number() + 1);
		Timestamp::set_timestamp(START + time);
	}
}

/// Active time.
pub fn active() -> Moment {
	<Clock as frame_support::traits::Time>::now()
}

/// The events of the pallet, in order.
pub fn events() -> Vec<crate::Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Clock(event) => Some(event),
			_ => None,
		})
		.collect()
}
