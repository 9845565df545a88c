//! A runtime of this pallet alone. Half of the committee is account 1, two thirds of it account 2, a
//! referendum account 3.

use std::cell::RefCell;

use frame_support::{
	derive_impl, parameter_types,
	traits::{EnsureOrigin, Hooks},
};
use frame_system::{mocking::MockBlock, EnsureSigned};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult};

use crate::{Power, Stops, Subject};

pub const HALF: u64 = 1;
pub const TWO_THIRDS: u64 = 2;
pub const REFERENDUM: u64 = 3;

/// Blocks of a spell that half of the committee is granted.
pub const SHORT: u64 = 100;
/// Blocks of a spell that two thirds are granted.
pub const LONG: u64 = 400;

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
	pub type Emergency = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = MockBlock<Test>;
}

thread_local! {
	/// What is stopped, as the rest of a runtime would know it.
	pub static STOPPED: RefCell<Vec<Subject<u64>>> = const { RefCell::new(Vec::new()) };
	/// Calls that are paused, released two a block.
	pub static PAUSED: RefCell<u32> = const { RefCell::new(0) };
}

pub fn stopped() -> Vec<Subject<u64>> {
	STOPPED.with_borrow(Clone::clone)
}

pub struct Rest;

impl Stops<u64> for Rest {
	fn suspended(subject: &Subject<u64>) -> DispatchResult {
		if matches!(subject, Subject::Operator(id) | Subject::Member(id) if *id >= 100) {
			return Err(crate::Error::<Test>::UnknownSubject.into());
		}
		STOPPED.with_borrow_mut(|all| all.push(subject.clone()));
		Ok(())
	}

	fn resumed(subject: &Subject<u64>) {
		STOPPED.with_borrow_mut(|all| all.retain(|one| one != subject));
	}

	fn release(power: Power) -> (u32, bool) {
		if power != Power::Calls {
			return (0, true);
		}
		PAUSED.with_borrow_mut(|paused| {
			let released = 2.min(*paused);
			*paused -= released;
			(released, *paused == 0)
		})
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn subjects() -> Vec<Subject<u64>> {
		(0..5)
			.map(Subject::Operator)
			.chain((0..3).map(Subject::Feed))
			.collect()
	}
}

/// Signed by the committee: how long a spell its share is granted.
pub struct Committee;

impl EnsureOrigin<RuntimeOrigin> for Committee {
	type Success = u64;

	fn try_origin(origin: RuntimeOrigin) -> Result<u64, RuntimeOrigin> {
		match EnsureSigned::<u64>::try_origin(origin.clone())? {
			HALF => Ok(SHORT),
			TWO_THIRDS => Ok(LONG),
			_ => Err(origin),
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin() -> Result<RuntimeOrigin, ()> {
		Ok(RuntimeOrigin::signed(TWO_THIRDS))
	}
}

impl frame_support::traits::EnsureOriginWithArg<RuntimeOrigin, Subject<u64>> for Committee {
	type Success = u64;

	fn try_origin(origin: RuntimeOrigin, _: &Subject<u64>) -> Result<u64, RuntimeOrigin> {
		<Self as EnsureOrigin<RuntimeOrigin>>::try_origin(origin)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin(_: &Subject<u64>) -> Result<RuntimeOrigin, ()> {
		Ok(RuntimeOrigin::signed(TWO_THIRDS))
	}
}

pub struct Resumes;

impl frame_support::traits::EnsureOriginWithArg<RuntimeOrigin, Subject<u64>> for Resumes {
	type Success = ();

	fn try_origin(origin: RuntimeOrigin, _: &Subject<u64>) -> Result<(), RuntimeOrigin> {
		let who = <EnsureSigned<u64> as EnsureOrigin<_>>::try_origin(origin.clone())?;
		(who <= REFERENDUM).then_some(()).ok_or(origin)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin(_: &Subject<u64>) -> Result<RuntimeOrigin, ()> {
		Ok(RuntimeOrigin::signed(REFERENDUM))
	}
}

parameter_types! {
	pub const MaxSubjects: u32 = 8;
	pub const Calls: Power = Power::Calls;
}

impl crate::Config for Test {
	type MaxSubjects = MaxSubjects;
	type ResumeOrigin = Resumes;
	type Stops = Rest;
	type SuspendOrigin = Committee;
	type WeightInfo = ();
}

pub fn new_test_ext() -> sp_io::TestExternalities {
	STOPPED.with_borrow_mut(Vec::clear);
	PAUSED.with_borrow_mut(|paused| *paused = 0);
	let storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.expect("the genesis builds");
	let mut ext = sp_io::TestExternalities::from(storage);
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// A test that ends with every invariant true.
pub fn build_and_execute(test: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		test();
		Emergency::do_try_state().expect("every invariant holds");
	});
}

/// Go to the beginning of block `number`, through every block between.
pub fn to(number: u64) {
	while System::block_number() < number {
		System::set_block_number(System::block_number() + 1);
		Emergency::on_initialize(System::block_number());
		Emergency::do_try_state().expect("every invariant holds");
	}
}

pub fn suspend(who: u64, subject: Subject<u64>) -> Result<(), DispatchError> {
	Emergency::suspend(RuntimeOrigin::signed(who), subject)
}

pub fn resume(who: u64, subject: Subject<u64>) -> Result<(), DispatchError> {
	Emergency::resume(RuntimeOrigin::signed(who), subject)
}
