//! Deposits that wait before they join.

use super::*;
use crate::{mock::absorb, Pending};
use keel_primitives::Balance;

/// With deposits that wait a minute from here on.
fn with_delay(deposits: &[(AccountId, Balance)], test: impl FnOnce()) {
	ExtBuilder::default().deposits(deposits).build_and_execute(|| {
		JoinDelay::set(MINUTE);
		test();
	});
}

#[test]
fn a_deposit_waits_and_then_joins_by_anybodys_call() {
	with_delay(&[(ALICE, 100 * USD)], || {
		assert_ok!(deposit(BOB, 300 * USD));
		let joins_from = Some(START + MINUTE);
		assert_eq!(
			last_event(),
			Event::Deposited {
				who: BOB,
				amount: 300 * USD,
				deposit: 300 * USD,
				joins_from
			}
		);
		let shown = stake(BOB);
		assert_eq!(
			(shown.deposit, shown.pending, shown.joins_from),
			(300 * USD, 300 * USD, joins_from)
		);
		assert_eq!(
			(capacity(), balance(KUSD, pool_account())),
			(100 * USD, 400 * USD)
		);
		assert_eq!(StabilityPool::totals().pending, 300 * USD);
		pass(MINUTE - 1);
		assert_noop!(join(BOB), Error::<Test>::NothingToJoin);
		pass(1);
		// It may join; it has not.
		assert_eq!((capacity(), stake(BOB).pending), (100 * USD, 300 * USD));
		assert_ok!(join(BOB));
		assert_eq!(
			last_event(),
			Event::Joined {
				who: BOB,
				amount: 300 * USD
			}
		);
		assert_eq!((capacity(), StabilityPool::totals().pending), (400 * USD, 0));
		let shown = stake(BOB);
		assert_eq!(
			(shown.deposit, shown.pending, shown.joins_from),
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
		assert_noop!(join(BOB), Error::<Test>::NothingToJoin);
		assert_ok!(absorb(ETH, 550 * ONE_ETH, 495 * USD, 5 * USD));
		assert_eq!((gain(ALICE, ETH), gain(BOB, ETH)), (550 * ONE_ETH, 0));
		assert_ok!(withdraw(BOB, u128::MAX));
		assert_eq!(balance(KUSD, BOB), PURSE);
		assert_eq!(Deposits::<Test>::get(BOB), None);
		assert_noop!(claim_all(BOB), Error::<Test>::NothingToClaim);
	});
}

#[test]
fn when_it_joins_late_should_have_no_part_in_what_came_before() {
	with_delay(&[(ALICE, 100 * USD)], || {
		assert_ok!(deposit(ALICE, 100 * USD));
		assert_ok!(deposit(BOB, 100 * USD));
		pass(10 * MINUTE);
		assert_ok!(absorb(ETH, 8, 50 * USD, 0));
		assert_ok!(join(BOB));
		assert_ok!(join(ALICE));
		assert_eq!((stake(ALICE).deposit, stake(BOB).deposit), (150 * USD, 100 * USD));
		assert_eq!((gain(ALICE, ETH), gain(BOB, ETH)), (8, 0));
		assert_ok!(absorb(ETH, 5, 25 * USD, 0));
		assert_eq!((stake(ALICE).deposit, stake(BOB).deposit), (135 * USD, 90 * USD));
		assert_eq!((gain(ALICE, ETH), gain(BOB, ETH)), (8 + 3, 2));
	});
}

#[test]
fn what_waits_is_not_paid_out_of() {
	with_delay(&[(ALICE, 100 * USD)], || {
		assert_ok!(deposit(BOB, 300 * USD));
		pass(MINUTE);
		assert_noop!(absorb(ETH, 1, 100 * USD, 1), Error::<Test>::CapacityExceeded);
		assert_ok!(absorb(ETH, 1, 100 * USD, 0));
		// Nor does it own what is bought while nobody is in.
		assert_noop!(absorb(ETH, 1, 0, 0), Error::<Test>::PoolEmpty);
		assert_ok!(join(BOB));
		assert_eq!((stake(BOB).deposit, gain(BOB, ETH)), (300 * USD, 0));
		assert_ok!(absorb(ETH, 6, 300 * USD, 0));
		assert_eq!((stake(BOB).deposit, gain(BOB, ETH)), (0, 6));
	});
}

#[test]
fn every_call_of_its_owners_lets_it_join() {
	type Call = fn() -> sp_runtime::DispatchResult;
	let calls: [(Call, Balance); 4] = [
		(|| deposit(ALICE, USD), 140),
		(|| withdraw(ALICE, 10 * USD), 130),
		(|| claim(ALICE, ETH), 140),
		(|| claim_all(ALICE), 140),
	];
	for (call, joined) in calls {
		with_delay(&[(ALICE, 100 * USD)], || {
			assert_ok!(absorb(ETH, ONE_ETH, 10 * USD, 0));
			assert_ok!(deposit(ALICE, 50 * USD));
			pass(MINUTE);
			assert_ok!(call());
			assert_eq!(capacity(), joined * USD);
			assert_eq!(gain(ALICE, ETH) + balance(ETH, ALICE), ONE_ETH);
		});
	}
}

#[test]
fn a_second_deposit_waits_with_the_first_while_that_waits() {
	with_delay(&[], || {
		assert_ok!(deposit(ALICE, 10 * USD));
		pass(MINUTE / 2);
		assert_ok!(deposit(ALICE, 5 * USD));
		assert_eq!(
			Deposits::<Test>::get(ALICE).unwrap().pending,
			Some(Pending {
				amount: 15 * USD,
				from: START + MINUTE / 2 + MINUTE
			})
		);
		pass(MINUTE);
		// What has waited long enough does not wait again.
		assert_ok!(deposit(ALICE, 7 * USD));
		assert_eq!((capacity(), stake(ALICE).pending), (15 * USD, 7 * USD));
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
		// The rest waits as long as it would have.
		assert_eq!((capacity(), stake(ALICE).pending), (100 * USD, 20 * USD));
		assert_eq!(stake(ALICE).joins_from, Some(START + MINUTE));
		assert_ok!(withdraw(ALICE, 25 * USD));
		assert_eq!((capacity(), stake(ALICE).pending), (95 * USD, 0));
		assert_ok!(withdraw(BOB, u128::MAX));
		assert_eq!(StabilityPool::totals().pending, 0);
		assert_ok!(withdraw(ALICE, u128::MAX));
		assert_eq!(capacity(), 0);
		for who in [ALICE, BOB] {
			assert_eq!(balance(KUSD, who), PURSE);
		}
	});
}

#[test]
fn the_minimum_is_of_all_together() {
	with_delay(&[], || {
		assert_noop!(deposit(ALICE, 10 * USD - 1), Error::<Test>::BelowMinimum);
		assert_ok!(deposit(ALICE, 10 * USD));
		pass(MINUTE);
		assert_ok!(deposit(ALICE, 1));
		assert_noop!(withdraw(ALICE, 2), Error::<Test>::BelowMinimum);
		assert_ok!(withdraw(ALICE, 1));
	});
}

#[test]
fn joining_takes_somebody_who_waits_and_a_signature() {
	with_delay(&[(ALICE, 100 * USD)], || {
		assert_noop!(join(ALICE), Error::<Test>::NothingToJoin);
		assert_noop!(join(BOB), Error::<Test>::NothingToJoin);
		assert_ok!(deposit(BOB, 10 * USD));
		pass(MINUTE);
		assert_noop!(
			StabilityPool::join(RuntimeOrigin::root(), BOB),
			DispatchError::BadOrigin
		);
		assert_ok!(join(BOB));
		assert_noop!(join(BOB), Error::<Test>::NothingToJoin);
	});
}

#[test]
fn when_the_delay_changes_should_keep_what_was_said() {
	with_delay(&[], || {
		assert_ok!(deposit(ALICE, 10 * USD));
		JoinDelay::set(0);
		assert_ok!(deposit(ALICE, 10 * USD));
		assert_eq!((capacity(), stake(ALICE).pending), (10 * USD, 10 * USD));
		JoinDelay::set(10 * MINUTE);
		pass(MINUTE);
		assert_ok!(join(ALICE));
		assert_eq!(capacity(), 20 * USD);
	});
}

mod invariants {
	use super::*;
	use crate::{DepositOf, PoolStateOf};
	use frame_support::hypothetically;

	/// One is in, two wait; then `corrupt` it.
	fn after(corrupt: impl FnOnce()) -> &'static str {
		let mut message = "";
		with_delay(&[(ALICE, 100 * USD)], || {
			assert_ok!(absorb(ETH, ONE_ETH, USD, 0));
			assert_ok!(deposit(ALICE, 50 * USD));
			assert_ok!(deposit(BOB, 50 * USD));
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

	fn own(who: AccountId, change: impl FnOnce(&mut DepositOf<Test>)) -> impl FnOnce() {
		move || Deposits::<Test>::mutate(who, |deposit| change(deposit.as_mut().unwrap()))
	}

	#[test]
	fn what_waits_is_held() {
		const MESSAGE: &str = "the kUSD held is not what is deposited";
		assert_eq!(after(pool(|pool| pool.pending += 1)), MESSAGE);
		assert_eq!(after(pool(|pool| pool.pending -= 1)), MESSAGE);
		assert_eq!(after(pool(|pool| pool.pending = u128::MAX)), MESSAGE);
	}

	#[test]
	fn nobody_waits_with_nothing() {
		assert_eq!(
			after(own(BOB, |stake| stake.pending.as_mut().unwrap().amount = 0)),
			"a stake of nothing"
		);
		assert_eq!(
			after(own(ALICE, |stake| stake.pending.as_mut().unwrap().amount = 0)),
			"a stake waits with nothing"
		);
	}

	#[test]
	fn what_depositors_wait_with_is_kept_apart() {
		const MORE: &str = "depositors wait with more than the pool keeps apart";
		const LESS: &str = "depositors wait with less than the pool keeps apart";
		assert_eq!(
			after(own(BOB, |stake| stake.pending.as_mut().unwrap().amount += 1)),
			MORE
		);
		assert_eq!(
			after(own(BOB, |stake| stake.pending.as_mut().unwrap().amount -= 1)),
			LESS
		);
		assert_eq!(after(|| Deposits::<Test>::remove(BOB)), LESS);
		// In the pool instead of apart.
		let moved = |pool: &mut PoolStateOf<Test>| {
			pool.pending -= 1;
			pool.deposits += 1;
		};
		assert_eq!(after(pool(moved)), MORE);
	}
}
