//! Benchmarks. `discover_*` show that the cost of finding the unsafe follows their number, not that of all.

use frame_benchmarking::v2::*;
use frame_support::{pallet_prelude::TransactionSource, storage::with_storage_layer, traits::Authorize};
use frame_system::RawOrigin;
use keel_math::ladder::{ceil, floor};
use keel_primitives::{
	BranchId, DebtBetween, Entry, Group, LiquidationOutcome, PositionId, PositionLedger, RiskParameters,
	TriggerIndex,
};

use crate::{ladder::Rung, *};

/// A group no ledger has; only its keys are looked at.
const NOWHERE: Group = Group::Branch(BranchId::MAX);

/// Between the safe and the unsafe triggers below.
const BOUND: u128 = u128::MAX / 2;

/// The lowest tick of the ladders below: triggers of about 75,000 USD.
const LOWEST: u16 = 70 * 128;

/// The ticks of a long ladder: almost 8 octaves of collateral ratios.
const LONG: u16 = 1_000;

/// Give [`NOWHERE`] a ladder of `ticks` ticks with a debt of one each.
fn fill_ladder<T: Config>(ticks: u16) {
	let mut ladder = Ladder::default();
	for tick in LOWEST..LOWEST + ticks {
		ladder.shift(None, Some(Rung { tick, debt: 1 })).expect("fits");
	}
	Ladders::<T>::insert(NOWHERE, ladder);
}

/// Add `n` positions with a debt of one each under `trigger`.
fn crowd<T: Config>(trigger: u128, n: u32) {
	for i in 0..n {
		Pallet::<T>::moved(NOWHERE, i.into(), None, Some(Entry { trigger, debt: 1 }));
	}
}

/// Fill the index with `total` positions, `unsafe_ones` of them above [`BOUND`].
fn fill<T: Config>(group: Group, total: u32, unsafe_ones: u32) {
	for i in 0..total {
		let trigger = if i < unsafe_ones {
			u128::MAX - i as u128
		} else {
			BOUND - i as u128
		};
		Index::<T>::insert(group, TriggerKey::new(trigger, i.into()), 1);
	}
}

/// A margin account in more than one group.
fn create_unsafe_account<T: Config>() -> Result<(Group, PositionId), BenchmarkError> {
	let (group, position) = T::Ledger::create_unsafe_account().ok_or(BenchmarkError::Weightless)?;
	assert!(keys::<T>(position) > 1);
	Ok((group, position))
}

/// How many groups a margin account stands in.
fn keys<T: Config>(position: PositionId) -> usize {
	let groups = T::Ledger::groups()
		.into_iter()
		.filter(|group| group.is_of_accounts());
	groups
		.filter(|group| Index::<T>::iter_key_prefix(*group).any(|key| key.position() == position))
		.count()
}

/// Did the last liquidation, that of a margin account, do all there is to do? Positions closed, collateral sold, to the stability
/// pool too, what was missing covered, and every key taken out.
fn assert_dearest<T: Config>(position: PositionId)
where
	<T as frame_system::Config>::RuntimeEvent: TryInto<Event<T>>,
{
	let last = frame_system::Pallet::<T>::events().pop();
	let Some(Ok(Event::Liquidated { outcome, .. })) = last.map(|record| record.event.try_into()) else {
		panic!("nothing was liquidated");
	};
	let LiquidationOutcome {
		closed,
		collateral,
		absorbed,
		shortfall,
		..
	} = outcome;
	assert!(
		[closed, collateral, absorbed, shortfall]
			.iter()
			.all(|moved| *moved > 0),
		"{outcome:?}"
	);
	assert_eq!(keys::<T>(position), 0);
}

#[benchmarks(where
	<T as frame_system::Config>::RuntimeCall: From<Call<T>>,
	<T as frame_system::Config>::RuntimeEvent: TryInto<Event<T>>,
)]
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
	fn liquidate_account() -> Result<(), BenchmarkError> {
		let (group, position) = create_unsafe_account::<T>()?;

		#[extrinsic_call]
		liquidate(RawOrigin::Authorized, group, position);

		assert_dearest::<T>(position);
		Ok(())
	}

	#[benchmark]
	fn authorize_liquidate_account() -> Result<(), BenchmarkError> {
		let (group, position) = create_unsafe_account::<T>()?;
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
			let _groups = T::Ledger::thresholds();
			let window = T::RiskParameters::chain().fallback_blocks as usize;
			let _left = Pallet::<T>::liquidated_in(now);
			rings = Pallet::<T>::observe(now, &[(group, T::Ledger::threshold(group))], window);
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
	fn liquidate_account_in_block() -> Result<(), BenchmarkError> {
		let (group, position) = create_unsafe_account::<T>()?;

		#[block]
		{
			with_storage_layer(|| Pallet::<T>::do_liquidate(group, position, LiquidatedBy::Block))?;
		}

		assert_dearest::<T>(position);
		Ok(())
	}

	/// What the block does around the ledger's own part, which weighs what the ledger says: here it refuses, because
	/// the position is unsafe.
	#[benchmark]
	fn refresh_in_block() {
		let (group, position) = T::Ledger::create_unsafe_position(0);
		let refreshed;

		#[block]
		{
			refreshed = Pallet::<T>::do_refresh(group, position);
		}

		assert!(refreshed.is_err());
		assert!(T::Ledger::deficit(group, position).is_ok());
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

	/// A range from the lowest to the highest tick of a long ladder, without the lowest trigger of the one and the highest
	/// of the other: at both ends the index is walked, `n` positions and one key more at each.
	#[benchmark]
	fn debt_between(n: Linear<0, { 2 * MAX_EDGE }>) {
		fill_ladder::<T>(LONG);
		let (lowest, highest) = (LOWEST, LOWEST + LONG - 1);
		// What the ladder has there so far, outside the range.
		Index::<T>::insert(NOWHERE, TriggerKey::new(floor(lowest), u64::MAX), 1);
		Index::<T>::insert(NOWHERE, TriggerKey::new(ceil(highest), u64::MAX), 1);
		crowd::<T>(ceil(lowest), n / 2);
		crowd::<T>(floor(highest), n - n / 2);
		let found;

		#[block]
		{
			found = Pallet::<T>::debt_between(NOWHERE, floor(lowest), ceil(highest) - 1);
		}

		let debt = u128::from(LONG) - 2 + u128::from(n);
		assert_eq!(found, DebtBetween { debt, exact: true });
	}

	/// A position leaves the first tick of a ladder empty and becomes the first on a tick below.
	#[benchmark]
	fn moved(t: Linear<1, 1_000>) {
		fill_ladder::<T>(t as u16);
		let entry = |tick| Entry {
			trigger: floor(tick),
			debt: 1,
		};
		let (old, new) = (entry(LOWEST), entry(LOWEST - 1));
		Index::<T>::insert(NOWHERE, TriggerKey::new(old.trigger, 0), old.debt);

		#[block]
		{
			Pallet::<T>::moved(NOWHERE, 0, Some(old), Some(new));
		}

		assert!(Pallet::<T>::contains(NOWHERE, 0, new));
		let ladder = Ladders::<T>::get(NOWHERE).expect("not empty");
		assert_eq!((ladder.rungs().len() as u32, ladder.debt_on(LOWEST)), (t, 0));
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
