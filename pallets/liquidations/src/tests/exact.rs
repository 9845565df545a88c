//! Accounts whose trigger is exact: nobody looks at them again, and a crossed one is unsafe.

use std::collections::BTreeSet;

use crate::{mock::*, *};

fn with_limit() -> ExtBuilder {
	ExtBuilder::default().accounts()
}

/// The group of such accounts is observed too.
fn observe() {
	Groups::mutate(|groups| groups.push(SOLE));
	Limits::mutate(|limits| limits.insert(SOLE, 1_000));
}

#[test]
fn are_not_looked_at() {
	with_limit().build_and_execute(|| {
		observe();
		broke(1, [SOLE]);
		stale(2, [LONG]);
		idle();
		assert_eq!(Looks::get(), vec![(LONG, 2, true)]);
	});
}

#[test]
fn are_liquidated_by_the_block_after_as_many_blocks_as_others() {
	with_limit().build_and_execute(|| {
		observe();
		broke(1, [SOLE]);
		pass(Chain::get().fallback_blocks - 1);
		assert_eq!(Liquidated::get(), vec![]);
		pass(1);
		assert_eq!(Liquidated::get(), vec![(SOLE, 1)]);
		assert_eq!(index_of(SOLE), vec![]);
	});
}

#[test]
fn that_cannot_be_liquidated_are_asked_about_and_pass_others_by() {
	with_limit().build_and_execute(|| {
		observe();
		// However many wait, they take nobody's place.
		let waiting = 1..=u64::from(3 * MAX_FAILURES);
		for id in waiting.clone() {
			broke(id, [SOLE]);
			TooFresh::mutate(|all| all.insert((SOLE, id)));
		}
		let behind = u64::from(3 * MAX_FAILURES) + 1;
		broke(behind, [SOLE]);
		Chain::mutate(|chain| chain.liquidations_per_block = 2 * MAX_FAILURES + 1);
		pass(Chain::get().fallback_blocks);
		assert_eq!(Liquidated::take(), vec![(SOLE, behind)]);
		// No failure is told: nothing was tried.
		let failed = |record: &frame_system::EventRecord<RuntimeEvent, _>| {
			matches!(
				record.event,
				RuntimeEvent::Liquidations(Event::FallbackFailed { .. })
			)
		};
		assert!(!System::events().iter().any(failed));
		TooFresh::set(BTreeSet::new());
		pass(3);
		let done: BTreeSet<_> = Liquidated::get().into_iter().map(|(_, id)| id).collect();
		assert_eq!(done, waiting.collect());
	});
}

#[test]
fn that_fail_are_told_and_move_nothing() {
	with_limit().build_and_execute(|| {
		observe();
		broke(1, [SOLE]);
		Failing::mutate(|all| all.insert((SOLE, 1)));
		let before = index_of(SOLE);
		pass(Chain::get().fallback_blocks);
		System::assert_last_event(
			Event::FallbackFailed {
				group: SOLE,
				position: 1,
				error: FAILING_ERROR,
			}
			.into(),
		);
		assert_eq!((index_of(SOLE), sp_io::storage::get(LITTER)), (before, None));
	});
}

#[test]
fn are_sent_by_the_worker_and_put_off_if_they_have_to_wait() {
	with_limit().build_offchain_and_execute(|take| {
		observe();
		broke(1, [SOLE]);
		broke(2, [SOLE]);
		TooFresh::mutate(|all| all.insert((SOLE, 1)));
		let asked = || {
			DeficitCalls::set(0);
			Liquidations::run_worker(System::block_number());
			DeficitCalls::get()
		};
		assert_eq!(asked(), 2);
		assert_eq!(take().len(), 1);
		// The one that waits is not asked about in the next block but one.
		next_block();
		asked();
		next_block();
		assert_eq!(asked(), 1);
	});
}

#[test]
fn are_as_near_as_their_levels_say() {
	with_limit().build_and_execute(|| {
		use keel_primitives::level_key;
		let short = keel_primitives::Group::SoleShort(1);
		Limits::mutate(|limits| {
			limits.insert(SOLE, level_key(1_000));
			limits.insert(short, !level_key(1_000));
		});
		misplace(SOLE, 1, level_key(900));
		misplace(short, 2, !level_key(1_250));
		let ratio = |group| {
			Liquidations::next_in_line(group)
				.unwrap()
				.ratio
				.map(|ratio| ratio.to_float())
		};
		assert_eq!((ratio(SOLE), ratio(short)), (Some(0.9), Some(0.8)));
		// A level that is not above zero has no ratio.
		misplace(SOLE, 1, level_key(-5));
		assert_eq!(ratio(SOLE), None);
		Groups::mutate(|groups| groups.extend([SOLE, short]));
	});
}
