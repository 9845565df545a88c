//! Deposits that wait before they join.

use super::*;
use crate::{mock::absorb, Waiting, MAX_GROUPS};
use keel_primitives::{Balance, Moment};

/// With deposits that wait a minute or two from here on.
fn with_delay(deposits: &[(AccountId, Balance)], test: impl FnOnce()) {
	ExtBuilder::default().deposits(deposits).build_and_execute(|| {
		JoinDelay::set(MINUTE);
		test();
	});
}

fn group(amount: Balance, joins_at: Moment) -> Waiting {
	Waiting { amount, joins_at }
}

fn waiting() -> Vec<Waiting> {
	State::<Test>::get().waiting.into_inner()
}

#[test]
fn a_deposit_waits_and_joins_by_itself() {
	with_delay(&[(ALICE, 100 * USD)], || {
		assert_ok!(deposit(BOB, 300 * USD));
		let joins_at = Some(START + 2 * MINUTE);
		assert_eq!(
			last_event(),
			Event::Deposited {
				who: BOB,
				amount: 300 * USD,
				deposit: 300 * USD,
				joins_at
			}
		);
		let shown = stake(BOB);
		assert_eq!(
			(shown.deposit, shown.waiting, shown.joins_at),
			(300 * USD, 300 * USD, joins_at)
		);
		assert_eq!(
			(capacity(), balance(KUSD, pool_account())),
			(100 * USD, 400 * USD)
		);
		assert_eq!(StabilityPool::totals().waiting, 300 * USD);
		pass(2 * MINUTE - 1);
		assert_eq!(capacity(), 100 * USD);
		pass(1);
		assert_eq!(
			last_event(),
			Event::GroupJoined {
				joins_at: START + 2 * MINUTE,
				amount: 300 * USD,
				deposits: 400 * USD
			}
		);
		assert_eq!((capacity(), StabilityPool::totals().waiting), (400 * USD, 0));
		let shown = stake(BOB);
		assert_eq!(
			(shown.deposit, shown.waiting, shown.joins_at),
			(300 * USD, 0, None)
		);
		assert_ok!(absorb(ETH, 4 * ONE_ETH, 40 * USD, 0));
		assert_eq!((gain(ALICE, ETH), gain(BOB, ETH)), (ONE_ETH, 3 * ONE_ETH));
		assert_eq!((stake(ALICE).deposit, stake(BOB).deposit), (90 * USD, 270 * USD));
	});
}

#[test]
fn when_someone_joins_just_before_a_liquidation_should_have_no_part_in_it() {
	with_delay(&[(ALICE, 1_000 * USD)], || {
		assert_ok!(deposit(BOB, 9_000 * USD));
		assert_ok!(absorb(ETH, 550 * ONE_ETH, 495 * USD, 5 * USD));
		assert_eq!((gain(ALICE, ETH), gain(BOB, ETH)), (550 * ONE_ETH, 0));
		assert_ok!(withdraw(BOB, u128::MAX));
		assert_eq!(balance(KUSD, BOB), PURSE);
		assert_eq!(Deposits::<Test>::get(BOB), None);
		assert_noop!(claim_all(BOB), Error::<Test>::NothingToClaim);
	});
}

#[test]
fn nobody_waits_less_than_the_delay_or_more_than_twice() {
	for since in [0, 1, MINUTE / 2, MINUTE - 1] {
		with_delay(&[], || {
			pass(since);
			assert_ok!(deposit(ALICE, 10 * USD));
			pass(MINUTE);
			assert_eq!(capacity(), 0, "after a delay, {since} into a period");
			pass(MINUTE);
			assert_eq!(capacity(), 10 * USD);
		});
	}
}

#[test]
fn what_waits_is_not_paid_out_of() {
	with_delay(&[(ALICE, 100 * USD)], || {
		assert_ok!(deposit(BOB, 300 * USD));
		assert_noop!(absorb(ETH, 1, 100 * USD, 1), Error::<Test>::CapacityExceeded);
		assert_ok!(absorb(ETH, 1, 100 * USD, 0));
		// Nor does it own what is bought while nobody is in.
		assert_noop!(absorb(ETH, 1, 0, 0), Error::<Test>::PoolEmpty);
		pass(2 * MINUTE);
		assert_eq!((stake(BOB).deposit, gain(BOB, ETH)), (300 * USD, 0));
		assert_ok!(absorb(ETH, 6, 300 * USD, 0));
		assert_eq!((stake(BOB).deposit, gain(BOB, ETH)), (0, 6));
	});
}

#[test]
fn a_second_deposit_waits_with_the_first_while_that_waits() {
	with_delay(&[], || {
		assert_ok!(deposit(ALICE, 10 * USD));
		assert_ok!(deposit(BOB, 10 * USD));
		pass(MINUTE);
		assert_ok!(deposit(ALICE, 5 * USD));
		assert_eq!(
			waiting(),
			vec![
				group(10 * USD, START + 2 * MINUTE),
				group(15 * USD, START + 3 * MINUTE)
			]
		);
		pass(MINUTE);
		assert_eq!(capacity(), 10 * USD);
		pass(MINUTE);
		assert_eq!(capacity(), 25 * USD);
		// What has joined stays in.
		assert_ok!(deposit(ALICE, 7 * USD));
		assert_eq!((capacity(), stake(ALICE).waiting), (25 * USD, 7 * USD));
		assert_eq!(stake(ALICE).deposit, 22 * USD);
	});
}

#[test]
fn a_withdrawal_takes_what_waits_first() {
	with_delay(&[(ALICE, 100 * USD)], || {
		assert_ok!(deposit(ALICE, 50 * USD));
		assert_ok!(deposit(BOB, 20 * USD));
		assert_ok!(withdraw(ALICE, 30 * USD));
		assert_eq!(
			last_event(),
			Event::Withdrawn {
				who: ALICE,
				amount: 30 * USD,
				deposit: 120 * USD
			}
		);
		assert_eq!((capacity(), stake(ALICE).waiting), (100 * USD, 20 * USD));
		assert_ok!(withdraw(ALICE, 25 * USD));
		assert_eq!((capacity(), stake(ALICE).waiting), (95 * USD, 0));
		assert_eq!(waiting(), vec![group(20 * USD, START + 2 * MINUTE)]);
		assert_ok!(withdraw(BOB, u128::MAX));
		assert_eq!(waiting(), vec![]);
		assert_ok!(withdraw(ALICE, u128::MAX));
		assert_eq!(capacity(), 0);
	});
}

#[test]
fn the_minimum_is_of_all_together() {
	with_delay(&[], || {
		assert_noop!(deposit(ALICE, 10 * USD - 1), Error::<Test>::BelowMinimum);
		assert_ok!(deposit(ALICE, 10 * USD));
		pass(2 * MINUTE);
		assert_ok!(deposit(ALICE, 1));
		assert_noop!(withdraw(ALICE, 2), Error::<Test>::BelowMinimum);
		assert_ok!(withdraw(ALICE, 1));
	});
}

#[test]
fn a_joined_group_is_forgotten_with_its_last_member_who_acts() {
	with_delay(&[], || {
		assert_ok!(deposit(ALICE, 10 * USD));
		assert_ok!(deposit(BOB, 30 * USD));
		pass(2 * MINUTE);
		let at = START + 2 * MINUTE;
		assert_eq!(JoinedGroups::<Test>::get(at).unwrap().amount, 40 * USD);
		assert_ok!(absorb(ETH, 8, 4 * USD, 0));
		assert_ok!(claim(ALICE, ETH));
		assert_eq!(balance(ETH, ALICE), 2);
		assert_eq!(JoinedGroups::<Test>::get(at).unwrap().amount, 30 * USD);
		// Acting again changes nothing of it.
		assert_ok!(withdraw(ALICE, u128::MAX));
		assert_eq!(JoinedGroups::<Test>::get(at).unwrap().amount, 30 * USD);
		assert_ok!(deposit(BOB, 5 * USD));
		assert_eq!(JoinedGroups::<Test>::iter().count(), 0);
		assert_eq!((stake(BOB).deposit, gain(BOB, ETH)), (32 * USD, 6));
	});
}

#[test]
fn when_the_pool_is_emptied_and_scaled_after_joining_should_settle_from_the_joining() {
	with_delay(&[(ALICE, 100_000 * USD)], || {
		assert_ok!(absorb(BTC, ONE_BTC, 100 * USD, 0));
		assert_ok!(deposit(ALICE, 100 * USD));
		assert_ok!(deposit(BOB, 99_900 * USD));
		assert_ok!(absorb(BTC, ONE_BTC, 99_800 * USD, 0));
		pass(2 * MINUTE);
		// Alice has 100 from before and 100 that joined, of 100,100.
		assert_eq!(capacity(), 100_100 * USD);
		assert_ok!(absorb(ETH, 1_001 * ONE_ETH, capacity() - 1_000, 0));
		assert_eq!(StabilityPool::totals().scale, 1);
		assert_eq!((gain(ALICE, ETH), gain(BOB, ETH)), (2 * ONE_ETH, 999 * ONE_ETH));
		assert_ok!(absorb(ETH, 1_000, capacity(), 0));
		assert_eq!(StabilityPool::totals().epoch, 1);
		assert_eq!((stake(ALICE).deposit, stake(BOB).deposit), (0, 0));
		assert_ok!(claim_all(ALICE));
		assert_ok!(claim_all(BOB));
		assert_eq!(balance(BTC, ALICE), 2 * ONE_BTC);
		assert_eq!(JoinedGroups::<Test>::iter().count(), 0);
	});
}

#[test]
fn groups_are_few_and_stay_in_order_when_the_delay_changes() {
	with_delay(&[], || {
		assert_ok!(deposit(ALICE, 10 * USD));
		JoinDelay::set(10 * MINUTE);
		assert_ok!(deposit(BOB, 10 * USD));
		let late = waiting()[1].joins_at;
		assert!(late > START + 10 * MINUTE);
		// No earlier than those who came before.
		JoinDelay::set(MINUTE);
		assert_ok!(deposit(CAROL, 10 * USD));
		assert_eq!(
			waiting(),
			vec![group(10 * USD, START + 2 * MINUTE), group(20 * USD, late)]
		);
		// A clock that runs ahead of the blocks, and more groups than there should be.
		let found = State::<Test>::get();
		State::<Test>::mutate(|pool| {
			for more in 1..=Moment::from(MAX_GROUPS) - 2 {
				pool.waiting.try_push(group(1, late + more)).unwrap();
			}
		});
		Now::set(late + 60 * MINUTE);
		assert_noop!(deposit(DAVE, 10 * USD), Error::<Test>::TooManyGroups);
		State::<Test>::put(found);
		assert_ok!(deposit(DAVE, 10 * USD));
		pass(0);
		assert_eq!(waiting(), vec![group(10 * USD, late + 62 * MINUTE)]);
		pass(2 * MINUTE);
		assert_eq!(waiting(), vec![]);
		assert_eq!(capacity(), balance(KUSD, pool_account()));
	});
}

#[test]
fn when_there_is_no_delay_should_join_at_once_beside_what_waits() {
	with_delay(&[], || {
		assert_ok!(deposit(ALICE, 10 * USD));
		JoinDelay::set(0);
		assert_ok!(deposit(ALICE, 10 * USD));
		assert_eq!((capacity(), stake(ALICE).waiting), (10 * USD, 10 * USD));
		pass(2 * MINUTE);
		assert_eq!((capacity(), stake(ALICE).deposit), (20 * USD, 20 * USD));
	});
}

mod invariants {
	use super::*;
	use crate::{DepositOf, JoinedOf, PoolStateOf};
	use frame_support::hypothetically;
	use sp_core::U256;

	/// One group waits, one has joined and was liquidated since; then `corrupt` it.
	fn after(corrupt: impl FnOnce()) -> &'static str {
		let mut message = "";
		with_delay(&[(ALICE, 100 * USD)], || {
			assert_ok!(absorb(ETH, ONE_ETH, USD, 0));
			assert_ok!(deposit(BOB, 50 * USD));
			assert_ok!(deposit(CAROL, 50 * USD));
			pass(2 * MINUTE);
			assert_ok!(absorb(ETH, ONE_ETH, 10 * USD, 0));
			assert_ok!(deposit(DAVE, 20 * USD));
			assert_ok!(StabilityPool::do_try_state());
			message = hypothetically!({
				corrupt();
				match StabilityPool::do_try_state() {
					Err(DispatchError::Other(message)) => message,
					other => panic!("the corruption went unnoticed: {other:?}"),
				}
			});
		});
		message
	}

	fn pool(change: impl FnOnce(&mut PoolStateOf<Test>)) -> impl FnOnce() {
		|| State::<Test>::mutate(change)
	}

	fn joined(change: impl FnOnce(&mut JoinedOf<Test>)) -> impl FnOnce() {
		|| JoinedGroups::<Test>::mutate(START + 2 * MINUTE, |group| change(group.as_mut().unwrap()))
	}

	fn own(who: AccountId, change: impl FnOnce(&mut DepositOf<Test>)) -> impl FnOnce() {
		move || Deposits::<Test>::mutate(who, |deposit| change(deposit.as_mut().unwrap()))
	}

	#[test]
	fn groups_are_in_order_and_of_something() {
		const MESSAGE: &str = "groups that wait are of nothing or out of order";
		let push =
			|joins_at, amount| pool(move |pool| pool.waiting.try_push(group(amount, joins_at)).unwrap());
		assert_eq!(after(push(START + 9 * MINUTE, 0)), MESSAGE);
		assert_eq!(after(push(START, 1)), MESSAGE);
	}

	#[test]
	fn what_waits_is_held() {
		const MESSAGE: &str = "the kUSD held is not what is deposited";
		assert_eq!(after(pool(|pool| pool.waiting[0].amount += 1)), MESSAGE);
		assert_eq!(after(pool(|pool| pool.waiting[0].amount -= 1)), MESSAGE);
		assert_eq!(after(pool(|pool| pool.waiting.clear())), MESSAGE);
	}

	#[test]
	fn a_group_waits_or_has_joined() {
		assert_eq!(
			after(pool(|pool| {
				pool.deposits -= 1;
				pool.waiting.try_insert(0, group(1, START + 2 * MINUTE)).unwrap();
			})),
			"a group has joined and waits"
		);
	}

	#[test]
	fn a_joined_group_is_not_ahead_of_the_pool() {
		const MESSAGE: &str = "a group that joined is ahead of the pool";
		assert_eq!(after(joined(|group| group.since.epoch += 1)), MESSAGE);
		assert_eq!(after(joined(|group| group.since.p = 0)), MESSAGE);
		assert_eq!(
			after(joined(|group| {
				group.sums.try_insert(ETH, U256::MAX).unwrap();
			})),
			MESSAGE
		);
	}

	#[test]
	fn members_have_no_more_than_their_group() {
		const MESSAGE: &str = "a stake waits with nothing, or with more than its group";
		let waits = |amount, joins_at| own(DAVE, move |stake| stake.waiting = Some(group(amount, joins_at)));
		let dave = START + 4 * MINUTE;
		assert_eq!(after(waits(20 * USD + 1, dave)), MESSAGE);
		assert_eq!(after(waits(0, dave)), MESSAGE);
		assert_eq!(after(waits(20 * USD, START)), MESSAGE);
		assert_eq!(after(joined(|group| group.amount -= 1)), MESSAGE);
		assert_eq!(
			after(|| JoinedGroups::<Test>::remove(START + 2 * MINUTE)),
			MESSAGE
		);
	}

	#[test]
	fn a_group_has_no_more_than_its_members() {
		const MESSAGE: &str = "a group has more than its members put in";
		assert_eq!(after(joined(|group| group.amount += 1)), MESSAGE);
		assert_eq!(
			after(own(DAVE, |stake| stake.waiting.as_mut().unwrap().amount -= 1)),
			MESSAGE
		);
		assert_eq!(after(|| Deposits::<Test>::remove(DAVE)), MESSAGE);
	}
}
