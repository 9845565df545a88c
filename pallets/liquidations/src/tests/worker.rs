//! The offchain worker.

use codec::Encode;
use frame_support::{
	assert_ok,
	traits::{Get, Hooks},
};
use keel_primitives::Group;
use sp_core::offchain::{Duration, StorageKind};
use sp_runtime::{
	offchain::{
		storage::StorageValueRef,
		storage_lock::{BlockAndTime, StorageLock},
	},
	transaction_validity::InvalidTransaction,
};

use crate::{mock::*, offchain::*, *};

fn work() -> Result<u32, Resting> {
	Liquidations::submit_liquidations(System::block_number())
}

fn ids(transactions: &[Vec<u8>]) -> Vec<(Group, u64)> {
	transactions
		.iter()
		.map(|bytes| match open(bytes).0 {
			RuntimeCall::Liquidations(Call::liquidate { group, position }) => (group, position),
			other => panic!("{other:?}"),
		})
		.collect()
}

fn store(key: &[u8], value: &[u8]) {
	sp_io::offchain::local_storage_set(StorageKind::PERSISTENT, key, value);
}

mod submission {
	use super::*;

	#[test]
	fn is_a_general_transaction_that_the_next_block_takes() {
		ExtBuilder::default()
			.positions([(1, 7, 2_000), (1, 8, 900)])
			.build_offchain_and_execute(|take| {
				Liquidations::offchain_worker(System::block_number());
				let sent = take();
				assert_eq!(ids(&sent), vec![(b(1), 7)]);
				next_block();
				let valid = validate(&sent[0]).unwrap();
				assert_eq!(valid.provides, vec![(TAG, (Some(1u32), 7u64)).encode()]);
				assert_eq!(valid.priority, BASE_PRIORITY + 1_000);
				// The era would last longer.
				assert_eq!(valid.longevity, LONGEVITY);
				assert!(valid.propagate);
				assert_eq!(apply(&sent[0]), Ok(Ok(())));
				assert_eq!(Liquidated::get(), vec![(b(1), 7)]);
			});
	}

	#[test]
	fn is_worst_first_and_bounded() {
		let given = (0..40).map(|i| (1, i, 2_000 + i as u128));
		ExtBuilder::default()
			.positions(given)
			.build_offchain_and_execute(|take| {
				assert_eq!(work(), Ok(10));
				assert_eq!(
					ids(&take()),
					(30..40).rev().map(|i| (b(1), i)).collect::<Vec<_>>()
				);
				assert_eq!(DeficitCalls::get(), 10);
			});
	}

	#[test]
	fn covers_all_groups() {
		let given = [(1, 1, 2_000), (2, 1, 900), (3, 4, 2_000), (2, 9, 1_001)];
		ExtBuilder::default()
			.positions(given)
			.build_offchain_and_execute(|take| {
				assert_eq!(work(), Ok(3));
				let mut sent = ids(&take());
				sent.sort();
				assert_eq!(sent, vec![(b(1), 1), (b(2), 9), (b(3), 4)]);
			});
	}

	#[test]
	fn passes_over_what_cannot_be_liquidated_yet() {
		ExtBuilder::default()
			.positions((0..40).map(|i| (1, i, 2_000)))
			.build_offchain_and_execute(|take| {
				TooFresh::set((0..20).map(|i| (b(1), i)).collect());
				assert_eq!(work(), Ok(10));
				assert_eq!(ids(&take()), (20..30).map(|i| (b(1), i)).collect::<Vec<_>>());
			});
	}

	#[test]
	fn leaves_a_refused_price_alone() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000), (2, 2, 2_000)])
			.build_offchain_and_execute(|take| {
				refuse(1);
				assert_eq!(work(), Ok(1));
				assert_eq!(ids(&take()), vec![(b(2), 2)]);
			});
	}

	#[test]
	fn differs_from_block_to_block_in_its_bytes() {
		// The pool bans bytes it has seen; the same position must be able to come again.
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_offchain_and_execute(|take| {
				assert_eq!(work(), Ok(1));
				let first = take().remove(0);
				next_block();
				assert_eq!(apply(&first), Ok(Ok(())));
				set_threshold(1, 500);
				assert_eq!(work(), Ok(1));
				let second = take().remove(0);
				assert_ne!(first, second);
				next_block();
				assert_eq!(apply(&second), Ok(Ok(())));
			});
	}
}

mod accounts {
	use super::*;

	#[test]
	fn crossed_in_three_groups_are_one_transaction() {
		ExtBuilder::default()
			.accounts()
			.build_offchain_and_execute(|take| {
				broke(1, [LONG, COLLATERAL, DEADLINE]);
				assert_eq!(work(), Ok(1));
				assert_eq!(DeficitCalls::get(), 1);
				let sent = ids(&take());
				assert_eq!(sent.len(), 1);
				assert_eq!(sent[0].1, 1);
				let memory = StorageValueRef::persistent(SENT_KEY)
					.get::<Vec<Sent<u64>>>()
					.unwrap()
					.unwrap();
				assert_eq!(memory.len(), 1);
				// Not again in this block, from whatever group.
				assert_eq!(work(), Ok(0));
				assert_eq!(take(), Vec::<Vec<u8>>::new());
			});
	}

	#[test]
	fn are_tagged_alike_in_all_groups_and_unlike_vaults() {
		ExtBuilder::default()
			.accounts()
			.positions([(1, 1, 2_000), (2, 1, 2_000)])
			.build_offchain_and_execute(|_| {
				broke(1, [LONG, COLLATERAL, DEADLINE]);
				broke(2, [LONG]);
				let tag = |group: Group, position| {
					let transaction = transaction(group, position);
					frame_support::hypothetically!({
						next_block();
						validate(&transaction).unwrap().provides
					})
				};
				let account = tag(LONG, 1);
				assert_eq!(account, vec![(TAG, (None::<u32>, 1u64)).encode()]);
				assert_eq!(
					(tag(COLLATERAL, 1), tag(DEADLINE, 1)),
					(account.clone(), account.clone())
				);
				let all = [account, tag(LONG, 2), tag(b(1), 1), tag(b(2), 1)];
				assert_eq!(std::collections::BTreeSet::from(all).len(), 4);
			});
	}

	#[test]
	fn that_are_safe_are_left_to_the_block() {
		ExtBuilder::default()
			.accounts()
			.build_offchain_and_execute(|take| {
				stale(1, [LONG, DEADLINE]);
				stale(2, [SHORT]);
				broke(3, [SHORT, DEADLINE]);
				assert_eq!(work(), Ok(1));
				assert_eq!(ids(&take())[0].1, 3);
				// Each was asked about once.
				assert_eq!(DeficitCalls::get(), 3);
				idle();
				let mut done = refreshed();
				done.sort();
				assert_eq!(done, vec![1, 2]);
			});
	}

	/// More than a run looks at, all of them safe but the last: found in the next run.
	#[test]
	fn that_are_safe_do_not_hide_the_unsafe_behind_them() {
		ExtBuilder::default()
			.accounts()
			.build_offchain_and_execute(|take| {
				(0..500).for_each(|id| stale(id, [LONG]));
				broke(500, [LONG]);
				assert_eq!(work(), Ok(0));
				assert_eq!(DeficitCalls::take(), 266);
				next_block();
				assert_eq!(work(), Ok(1));
				assert_eq!(ids(&take()), vec![(LONG, 500)]);
				assert_eq!(DeficitCalls::take(), 501 - 266);
				// That was the end: the next run begins at the front.
				let again = || {
					store(WAITING_KEY, b"");
					(work(), DeficitCalls::take())
				};
				next_block();
				assert_eq!(again(), (Ok(0), 266));
				// A price that comes back, nonsense, and a group that is gone.
				set_price(LONG, u128::MAX);
				assert_eq!(work(), Ok(0));
				store(NEXT_KEY, b"\xff\xff\xff");
				set_price(LONG, 1_000);
				assert_eq!(again(), (Ok(0), 266));
				Groups::set([1, 2, 3].map(b).to_vec());
				assert_eq!(work(), Ok(0));
				Groups::mutate(|groups| groups.extend(ESTIMATES));
				assert_eq!(again(), (Ok(0), 266));
			});
	}

	#[test]
	fn come_with_vaults_of_the_same_number() {
		ExtBuilder::default()
			.accounts()
			.positions([(1, 7, 2_000)])
			.build_offchain_and_execute(|take| {
				broke(7, [LONG, COLLATERAL]);
				assert_eq!(work(), Ok(2));
				next_block();
				for transaction in take() {
					assert_eq!(apply(&transaction), Ok(Ok(())));
				}
				let done = Liquidated::get().into_iter().map(|(group, id)| holder(group, id));
				let done = done.collect::<std::collections::BTreeSet<_>>();
				assert_eq!(done, [(None, 7), (Some(1), 7)].into());
			});
	}

	/// What one validator found in one group and another in another: the second finds nothing left to do.
	#[test]
	fn are_not_liquidated_twice_for_two_groups() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			broke(1, [LONG, COLLATERAL]);
			let (one, other) = (transaction(LONG, 1), transaction(COLLATERAL, 1));
			next_block();
			assert_eq!(apply(&one), Ok(Ok(())));
			assert_eq!(apply(&other), Err(InvalidTransaction::Stale.into()));
			assert_eq!(Liquidated::get(), vec![(LONG, 1)]);
		});
	}
}

/// Accounts that are unsafe and can't be liquidated now.
mod waiting {
	use super::*;

	/// The blocks of a hundred in which an account that waits is asked about.
	#[test]
	fn are_asked_about_less_and_less_often() {
		ExtBuilder::default()
			.accounts()
			.build_offchain_and_execute(|take| {
				broke(1, [LONG, DEADLINE]);
				let waits = || [(LONG, 1), (DEADLINE, 1)].into();
				TooFresh::set(waits());
				let mut asked = vec![];
				for block in 1..=20u64 {
					assert_eq!(work(), Ok(0));
					if DeficitCalls::take() > 0 {
						asked.push(block);
					}
					next_block();
				}
				assert_eq!(asked, [1, 2, 4, 8, 12, 16, 20]);
				assert_eq!(take(), Vec::<Vec<u8>>::new());
				// Within four blocks of when it can be, it is sent; and remembered no longer.
				TooFresh::set(Default::default());
				let sent = (0..4).find(|_| {
					next_block();
					work() == Ok(1)
				});
				assert!(sent.is_some());
			});
	}

	/// Kind: a crash makes unsafe who was crossed and safe a block before. Who is safe waits for nothing.
	#[test]
	fn are_none_that_are_safe() {
		ExtBuilder::default()
			.accounts()
			.build_offchain_and_execute(|take| {
				stale(1, [LONG, DEADLINE]);
				for _ in 0..7 {
					assert_eq!(work(), Ok(0));
					next_block();
				}
				broke(1, [LONG, DEADLINE]);
				assert_eq!(work(), Ok(1));
				assert_eq!(take().len(), 1);
			});
	}

	#[test]
	fn are_bounded_in_what_they_cost() {
		ExtBuilder::default().accounts().build_offchain_and_execute(|_| {
			(0..200).for_each(|id| broke(id, [DEADLINE]));
			TooFresh::set((0..200).map(|id| (DEADLINE, id)).collect());
			for _ in 0..10 {
				assert_eq!(work(), Ok(0));
				next_block();
			}
			DeficitCalls::take();
			for _ in 0..20 {
				assert_eq!(work(), Ok(0));
				next_block();
			}
			// A quarter of them in a block.
			assert_eq!(DeficitCalls::take(), 200 * 20 / 4);
		});
	}

	/// A fork's memory, and nonsense, keep nobody waiting.
	#[test]
	fn are_forgotten_on_a_fork() {
		ExtBuilder::default().accounts().build_offchain_and_execute(|_| {
			broke(1, [LONG]);
			System::set_block_number(50);
			TooFresh::set([(LONG, 1)].into());
			assert_eq!(work(), Ok(0));
			TooFresh::set(Default::default());
			System::set_block_number(49);
			assert_eq!(work(), Ok(1));
			store(WAITING_KEY, b"\xff\xff\xff");
			System::set_block_number(48);
			assert_eq!(work(), Ok(1));
		});
	}

	/// Of several that share what there is room for, those are sent that it suffices for: the worker tries
	/// them out in turn, and takes back what that did.
	#[test]
	fn are_not_sent_where_those_before_them_took_the_room() {
		ExtBuilder::default()
			.accounts()
			.build_offchain_and_execute(|take| {
				broke(1, [LONG]);
				broke(2, [LONG]);
				Rescued::set(Some((1, 2)));
				let before = index_of(LONG);
				assert_eq!(work(), Ok(1));
				assert_eq!(ids(&take()), vec![(LONG, 1)]);
				assert_eq!((index_of(LONG), Liquidated::get()), (before, vec![]));
				assert_eq!(System::events(), vec![]);
				// One that fails half-way is not sent either.
				next_block();
				Rescued::set(None);
				fail(LONG, 1);
				assert_eq!(work(), Ok(1));
				assert_eq!(ids(&take()), vec![(LONG, 2)]);
			});
	}

	/// No more than a block takes is on its way, and so tried out.
	#[test]
	fn are_those_that_do_not_fit_the_block() {
		ExtBuilder::default()
			.accounts()
			.build_offchain_and_execute(|take| {
				set_per_block(100);
				(0..100).for_each(|id| broke(id, [LONG]));
				type Weights = <Test as frame_system::Config>::BlockWeights;
				let block = <Weights as Get<frame_system::limits::BlockWeights>>::get().max_block;
				let each = Liquidations::weight_of(LONG, 0);
				let fit = block.checked_div_per_component(&each).unwrap() as u32;
				assert!(fit < 100, "{fit}");
				assert_eq!(work(), Ok(fit));
				assert_eq!(take().len(), fit as usize);
			});
	}
}

mod memory {
	use super::*;

	#[test]
	fn sends_nothing_twice_in_a_block_and_again_in_the_next() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_offchain_and_execute(|take| {
				assert_eq!(work(), Ok(1));
				assert_eq!(work(), Ok(0));
				assert_eq!(take().len(), 1);
				// Lost, or dropped by a pool that judged it by the state before: said again.
				next_block();
				assert_eq!(work(), Ok(1));
				assert_eq!(take().len(), 1);
			});
	}

	#[test]
	fn makes_room_for_the_next_in_line() {
		ExtBuilder::default()
			.positions((0..25).map(|i| (1, i, 2_000)))
			.build_offchain_and_execute(|take| {
				let mut counts = vec![];
				while index_of(1).iter().any(|(trigger, _)| *trigger > 1_000) {
					counts.push(work().unwrap());
					next_block();
					for transaction in take() {
						assert_ok!(apply(&transaction));
					}
				}
				assert_eq!(counts, vec![10, 10, 5]);
			});
	}

	#[test]
	fn has_no_more_on_its_way_than_a_block_takes() {
		ExtBuilder::default()
			.positions((0..25).map(|i| (1, i, 2_000)))
			.build_offchain_and_execute(|take| {
				assert_eq!(work(), Ok(10));
				assert_eq!(work(), Ok(0));
				assert_eq!(take().len(), 10);
				// None of them happened: the same ten again, nobody else.
				next_block();
				assert_eq!(work(), Ok(10));
				assert_eq!(ids(&take()), (0..10).map(|i| (b(1), i)).collect::<Vec<_>>());
			});
	}

	#[test]
	fn knows_a_position_that_was_acted_on() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_offchain_and_execute(|_| {
				assert_eq!(work(), Ok(1));
				set(1, 1, 2_500);
				assert_eq!(work(), Ok(1));
			});
	}

	#[test]
	fn survives_a_fork_and_nonsense() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_offchain_and_execute(|_| {
				System::set_block_number(50);
				assert_eq!(work(), Ok(1));
				// Another block, on a fork or not: said again.
				System::set_block_number(49);
				assert_eq!(work(), Ok(1));
				System::set_block_number(10);
				assert_eq!(work(), Ok(1));
				store(SENT_KEY, b"\xff\xff\xff");
				assert_eq!(work(), Ok(1));
			});
	}
}

mod rest {
	use super::*;

	#[test]
	fn while_switched_off() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_offchain_and_execute(|take| {
				for off in [&b"\x01"[..], b"1"] {
					store(OFF_KEY, off);
					assert_eq!(work(), Err(Resting::SwitchedOff));
				}
				assert_eq!(take(), Vec::<Vec<u8>>::new());
				store(OFF_KEY, &[0]);
				assert_eq!(work(), Ok(1));
			});
	}

	#[test]
	fn leaves_the_work_to_the_block() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_offchain_and_execute(|take| {
				store(OFF_KEY, &[1]);
				for _ in 0..3 {
					assert_eq!(Liquidated::get(), vec![]);
					idle();
					Liquidations::offchain_worker(System::block_number());
					next_block();
				}
				assert_eq!(take(), Vec::<Vec<u8>>::new());
				assert_eq!(Liquidated::get(), vec![(b(1), 1)]);
			});
	}

	#[test]
	fn while_another_run_is_not_done() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_offchain_and_execute(|take| {
				let mut lock = StorageLock::<BlockAndTime<System>>::with_block_and_time_deadline(
					LOCK_KEY,
					3,
					Duration::from_millis(10_000),
				);
				let guard = lock.try_lock().ok().unwrap();
				assert_eq!(work(), Err(Resting::Busy));
				assert_eq!(take(), Vec::<Vec<u8>>::new());
				drop(guard);
				assert_eq!(work(), Ok(1));
				// The run gave the lock back.
				assert_eq!(work(), Ok(0));
			});
	}

	#[test]
	fn ends_when_the_lock_of_a_dead_run_expires() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_offchain_and_execute(|_| {
				let mut lock = StorageLock::<BlockAndTime<System>>::with_block_and_time_deadline(
					LOCK_KEY,
					3,
					Duration::from_millis(10_000),
				);
				lock.try_lock().ok().unwrap().forget();
				System::set_block_number(5);
				// The blocks have passed, the time has not.
				assert_eq!(work(), Err(Resting::Busy));
				sp_io::offchain::sleep_until(sp_io::offchain::timestamp().add(Duration::from_millis(10_001)));
				assert_eq!(work(), Ok(1));
			});
	}
}
