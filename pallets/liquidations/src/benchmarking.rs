//! Benchmarks. `discover_*` show that the cost of finding the unsafe follows their number, not that of all.

use frame_benchmarking::v2::*;
use frame_support::{pallet_prelude::TransactionSource, storage::with_storage_layer, traits::Authorize};
use frame_system::RawOrigin;
use keel_primitives::{BranchId, PositionLedger, RiskParameters};

use crate::*;

/// A group no ledger has; only its keys are looked at.
const NOWHERE: BranchId = BranchId::MAX;

/// Between the safe and the unsafe triggers below.
const BOUND: u128 = u128::MAX / 2;

/// Fill the index with `total` positions, `unsafe_ones` of them above [`BOUND`].
fn fill<T: Config>(group: BranchId, total: u32, unsafe_ones: u32) {
	for i in 0..total {
		let trigger = if i < unsafe_ones {
			u128::MAX - i as u128
		} else {
			BOUND - i as u128
		};
		Index::<T>::insert(group, TriggerKey::new(trigger, i.into()), ());
	}
}

#[benchmarks(where <T as frame_system::Config>::RuntimeCall: From<Call<T>>)]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn liquidate() {
		let (group, position) = T::Ledger::create_unsafe_position(0);

		#[extrinsic_call]
		_(RawOrigin::Authorized, group, position);

		assert_eq!(
			Pallet::<T>::liquidated_in(frame_system::Pallet::<T>::block_number()),
			1
		);
	}

	#[benchmark]
	fn authorize_liquidate() -> Result<(), BenchmarkError> {
		let (group, position) = T::Ledger::create_unsafe_position(0);
		let call: <T as frame_system::Config>::RuntimeCall = Call::liquidate { group, position }.into();

		#[block]
		{
			call.authorize(TransactionSource::InBlock)
				.ok_or("liquidate is authorised")?
				.map_err(|_| "refused")?;
		}

		Ok(())
	}

	#[benchmark]
	fn on_idle_base() {
		let (group, _) = T::Ledger::create_unsafe_position(0);
		let now = frame_system::Pallet::<T>::block_number();
		let rings;

		#[block]
		{
			let _groups = T::Ledger::groups();
			let window = T::RiskParameters::chain().fallback_blocks as usize;
			let _left = Pallet::<T>::liquidated_in(now);
			rings = Pallet::<T>::observe(now, &[group], window);
			Thresholds::<T>::put(History {
				at: now,
				rings: frame_support::BoundedVec::truncate_from(rings.clone()),
			});
		}

		assert_eq!(rings.len(), 1);
	}

	#[benchmark]
	fn observe_group() -> Result<(), BenchmarkError> {
		let (group, _) = T::Ledger::create_unsafe_position(0);

		#[block]
		{
			T::Ledger::threshold(group)?;
		}

		Ok(())
	}

	#[benchmark]
	fn liquidate_in_block() -> Result<(), BenchmarkError> {
		let (group, position) = T::Ledger::create_unsafe_position(0);

		#[block]
		{
			with_storage_layer(|| Pallet::<T>::do_liquidate(group, position, LiquidatedBy::Block))?;
		}

		assert_eq!(
			Pallet::<T>::liquidated_in(frame_system::Pallet::<T>::block_number()),
			1
		);
		Ok(())
	}

	#[benchmark]
	fn walk(n: Linear<1, 100>) {
		fill::<T>(NOWHERE, n, n);
		let found;

		#[block]
		{
			found = Pallet::<T>::walk(NOWHERE, None, BOUND, n);
		}

		assert_eq!(found.keys.len() as u32, n);
	}

	/// Ten unsafe among 1,000: the threshold, the walk, and the check of each that the call makes.
	#[benchmark]
	fn discover_1k() {
		let group = T::Ledger::create_positions(1_000, 10);
		let found;

		#[block]
		{
			found = Pallet::<T>::unsafe_positions(group, 100);
		}

		assert!(found.len() == 10 && found.iter().all(|position| position.deficit.is_some()));
	}

	/// Ten unsafe among 10,000: the threshold, the walk, and the check of each that the call makes.
	#[benchmark]
	fn discover_10k() {
		let group = T::Ledger::create_positions(10_000, 10);
		let found;

		#[block]
		{
			found = Pallet::<T>::unsafe_positions(group, 100);
		}

		assert!(found.len() == 10 && found.iter().all(|position| position.deficit.is_some()));
	}

	/// Ten unsafe among 100,000: the threshold, the walk, and the check of each that the call makes.
	#[benchmark]
	fn discover_100k() {
		let group = T::Ledger::create_positions(100_000, 10);
		let found;

		#[block]
		{
			found = Pallet::<T>::unsafe_positions(group, 100);
		}

		assert!(found.len() == 10 && found.iter().all(|position| position.deficit.is_some()));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
