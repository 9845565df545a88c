//! First come, first served, and never more than a block can take.

use super::*;
use crate::{Pallet, WeightInfo};
use frame_support::weights::Weight;

#[test]
fn deposits_are_served_in_order_as_many_as_a_block_may() {
	ExtBuilder::default().build_and_execute(|| {
		Chain::mutate(|chain| chain.orders_per_block = 2);
		let order = [ALICE, BOB, ALICE, CAROL, DAVE];
		for (n, who) in order.into_iter().enumerate() {
			assert_ok!(provide(who, (n as u128 + 1) * USD));
		}
		for expected in [vec![0, 1], vec![2, 3], vec![4], vec![]] {
			System::reset_events();
			next_block();
			let served: Vec<_> = events()
				.into_iter()
				.map(|event| match event {
					Event::Provided { id, who, .. } => {
						assert_eq!(who, order[id as usize]);
						id
					}
					other => panic!("{other:?}"),
				})
				.collect();
			assert_eq!(served, expected);
		}
	});
}

#[test]
fn withdrawals_are_served_in_order_as_many_as_a_block_may() {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD), (BOB, 1_000 * USD)])
		.build_and_execute(|| {
			Chain::mutate(|chain| chain.orders_per_block = 2);
			for who in [ALICE, BOB, BOB, ALICE, BOB] {
				assert_ok!(withdraw(who, 10 * USD));
			}
			assert_ok!(cancel(BOB, 2));
			pass(COOLDOWN + 1);
			assert_eq!(
				(state().withdrawals.first, state().withdrawals.count),
				(Some(3), 2)
			);
			next_block();
			assert_eq!((state().withdrawals.first, state().leaving), (None, 0));
		});
}

#[test]
fn a_queue_loses_any_of_its_requests_without_a_gap() {
	for gone in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 2, 0, 3], [2, 0, 3, 1]] {
		ExtBuilder::default()
			.provided(&[(ALICE, 1_000 * USD)])
			.build_and_execute(|| {
				for _ in 0..4 {
					assert_ok!(withdraw(ALICE, 10 * USD));
				}
				for (n, id) in gone.into_iter().enumerate() {
					assert_ok!(cancel(ALICE, id));
					check();
					let left: Vec<_> = requests(ALICE).withdrawals.iter().map(|w| w.id).collect();
					let mut expected: Vec<_> = gone[n + 1..].to_vec();
					expected.sort();
					assert_eq!(left, expected);
				}
				assert_eq!(withdraw(ALICE, 10 * USD), Ok(4));
			});
	}
}

#[test]
fn queues_are_bounded() {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD)])
		.build_and_execute(|| {
			MaxWaiting::set(3);
			for shares in [100, 300, 400] {
				assert_ok!(provide(BOB, USD));
				assert_ok!(withdraw(ALICE, shares * USD));
			}
			assert_noop!(provide(BOB, USD), Error::<Test>::QueueFull);
			assert_noop!(withdraw(ALICE, 100 * USD), Error::<Test>::QueueFull);
			// One that leaves makes room for another.
			assert_ok!(cancel(ALICE, 1));
			assert_ok!(withdraw(ALICE, 400 * USD));
			next_block();
			assert_ok!(provide(BOB, USD));
		});
}

#[test]
fn a_block_without_weight_serves_nobody() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(provide(ALICE, USD));
		assert_ok!(provide(ALICE, USD));
		Now::mutate(|now| *now += BLOCK);
		let (look, each) = (<() as WeightInfo>::poll(), Pallet::<Test>::deposit_weight());
		assert_eq!(
			poll_within(look.saturating_sub(Weight::from_parts(1, 0))),
			Weight::zero()
		);
		assert_eq!(poll_within(look), look);
		let base = look.saturating_add(PRICED);
		assert_eq!(poll_within(base), base);
		let almost = base.saturating_add(each).saturating_sub(Weight::from_parts(0, 1));
		assert_eq!(poll_within(almost), base);
		assert_eq!(state().deposits.count, 2);
		assert_eq!(poll_within(base.saturating_add(each)), base.saturating_add(each));
		assert_eq!(state().deposits.count, 1);
	});
}

#[test]
fn withdrawals_keep_within_the_weight() {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD)])
		.build_and_execute(|| {
			assert_ok!(withdraw(ALICE, USD));
			assert_ok!(withdraw(ALICE, USD));
			Now::mutate(|now| *now += COOLDOWN + 1);
			let limit = <() as WeightInfo>::poll()
				.saturating_add(PRICED)
				.saturating_add(<() as WeightInfo>::withdraw_next());
			assert_eq!(poll_within(limit), limit);
			assert_eq!(state().withdrawals.count, 1);
		});
}

#[test]
fn an_idle_block_costs_no_more_than_a_look() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(poll_within(Weight::MAX), <() as WeightInfo>::poll());
		assert_eq!(PricesAsked::get(), 0);
	});
}

#[test]
fn prices_are_asked_once_for_all_requests_of_a_moment() {
	ExtBuilder::default().build_and_execute(|| {
		for _ in 0..10 {
			assert_ok!(provide(ALICE, USD));
		}
		PricesAsked::set(0);
		priced(Now::get() + 1);
		next_block();
		assert_eq!((PricesAsked::get(), state().deposits.count), (1, 0));
	});
}

#[test]
fn a_shorter_cooldown_does_not_overtake() {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD)])
		.build_and_execute(|| {
			assert_ok!(withdraw(ALICE, USD));
			Chain::mutate(|chain| chain.pool_cooldown = 1);
			assert_ok!(withdraw(ALICE, 2 * USD));
			pass(COOLDOWN);
			assert_eq!(state().leaving, 3 * USD);
			pass(1);
			assert_eq!(state().leaving, 0);
		});
}

/// Requests made at different times, prices that come in between: each waits for its own.
#[test]
fn each_waits_for_prices_newer_than_itself() {
	ExtBuilder::default().build_and_execute(|| {
		priced(START);
		assert_ok!(provide(ALICE, USD));
		Now::mutate(|now| *now += BLOCK);
		assert_ok!(provide(BOB, USD));
		priced(START + BLOCK);
		Now::mutate(|now| *now += BLOCK);
		poll();
		assert_eq!((shares(ALICE), shares(BOB)), (USD, 0));
		priced(START + BLOCK + 1);
		poll();
		assert_eq!(shares(BOB), USD);
	});
}
