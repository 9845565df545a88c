//! Every invariant, broken on purpose.

use super::*;
use crate::{Deposit, Deposits, PoolState, Queued, RequestId, State, Withdrawal, Withdrawals};
use frame_support::{hypothetically, traits::fungibles::Mutate};

/// A pool with three requests in each queue; then `corrupt` it.
fn after(corrupt: impl FnOnce()) -> &'static str {
	let mut message = "";
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD), (BOB, 500 * USD)])
		.build_and_execute(|| {
			priced(START);
			for who in [ALICE, BOB, ALICE] {
				assert_ok!(provide(who, 10 * USD));
				assert_ok!(withdraw(who, 20 * USD));
			}
			check();
			message = hypothetically!({
				corrupt();
				match LiquidityPool::do_try_state() {
					Err(DispatchError::Other(message)) => message,
					other => panic!("the corruption went unnoticed: {other:?}"),
				}
			});
			// Not part of storage.
			MaxWaiting::set(100);
		});
	message
}

fn pool(change: impl FnOnce(&mut PoolState)) -> impl FnOnce() {
	|| State::<Test>::mutate(change)
}

/// Two deposits were served before the test.
const FIRST: RequestId = 2;

fn deposit(id: RequestId, change: impl FnOnce(&mut Queued<Deposit<AccountId>>)) -> impl FnOnce() {
	move || Deposits::<Test>::mutate(FIRST + id, |queued| change(queued.as_mut().unwrap()))
}

fn withdrawal(id: RequestId, change: impl FnOnce(&mut Queued<Withdrawal<AccountId>>)) -> impl FnOnce() {
	move || Withdrawals::<Test>::mutate(id, |queued| change(queued.as_mut().unwrap()))
}

#[test]
fn the_queue_of_deposits_is_what_its_requests_say() {
	const MESSAGE: &str = "the queue of deposits is not what its requests say";
	assert_eq!(after(pool(|pool| pool.deposits.first = None)), MESSAGE);
	assert_eq!(after(pool(|pool| pool.deposits.first = Some(FIRST + 1))), MESSAGE);
	assert_eq!(after(pool(|pool| pool.deposits.last = None)), MESSAGE);
	assert_eq!(after(pool(|pool| pool.deposits.count += 1)), MESSAGE);
	assert_eq!(after(pool(|pool| pool.deposits.count -= 1)), MESSAGE);
	assert_eq!(after(pool(|pool| pool.deposits.next_id = FIRST + 2)), MESSAGE);
	assert_eq!(after(|| Deposits::<Test>::remove(FIRST + 1)), MESSAGE);
	assert_eq!(after(deposit(0, |queued| queued.after = None)), MESSAGE);
	assert_eq!(after(deposit(1, |queued| queued.before = None)), MESSAGE);
	// A circle.
	assert_eq!(after(deposit(2, |queued| queued.after = Some(FIRST))), MESSAGE);
	// One that nobody is before or after.
	assert_eq!(
		after(|| Deposits::<Test>::insert(0, Deposits::<Test>::get(FIRST).unwrap())),
		MESSAGE
	);
}

#[test]
fn the_queue_of_withdrawals_is_what_its_requests_say() {
	const MESSAGE: &str = "the queue of withdrawals is not what its requests say";
	assert_eq!(after(pool(|pool| pool.withdrawals.first = None)), MESSAGE);
	assert_eq!(after(pool(|pool| pool.withdrawals.last = Some(0))), MESSAGE);
	assert_eq!(after(pool(|pool| pool.withdrawals.count += 1)), MESSAGE);
	assert_eq!(after(pool(|pool| pool.withdrawals.next_id = 2)), MESSAGE);
	assert_eq!(after(|| Withdrawals::<Test>::remove(2)), MESSAGE);
	assert_eq!(after(withdrawal(0, |queued| queued.after = Some(2))), MESSAGE);
	assert_eq!(after(withdrawal(2, |queued| queued.after = Some(0))), MESSAGE);
}

#[test]
fn no_queue_is_too_long() {
	assert_eq!(after(|| MaxWaiting::set(2)), "a queue is longer than it may be");
}

#[test]
fn a_request_is_of_something() {
	const MESSAGE: &str = "a request of nothing";
	assert_eq!(after(deposit(1, |queued| queued.request.amount = 0)), MESSAGE);
	assert_eq!(after(withdrawal(1, |queued| queued.request.shares = 0)), MESSAGE);
}

#[test]
fn a_request_is_from_the_past() {
	const MESSAGE: &str = "a request from the future";
	assert_eq!(
		after(deposit(1, |queued| queued.request.at = Now::get() + 1)),
		MESSAGE
	);
	assert_eq!(
		after(withdrawal(1, |queued| queued.request.at = Now::get() + 1)),
		MESSAGE
	);
	assert_eq!(
		after(withdrawal(1, |queued| queued.request.due = queued.request.at - 1)),
		MESSAGE
	);
}

#[test]
fn what_waits_is_what_was_deposited() {
	const MESSAGE: &str = "the kUSD waiting is not what was deposited";
	assert_eq!(after(pool(|pool| pool.waiting += 1)), MESSAGE);
	assert_eq!(after(pool(|pool| pool.waiting -= 1)), MESSAGE);
	assert_eq!(after(deposit(1, |queued| queued.request.amount += 1)), MESSAGE);
	assert_eq!(
		after(deposit(1, |queued| queued.request.amount = u128::MAX)),
		MESSAGE
	);
}

#[test]
fn what_leaves_is_what_was_asked_for() {
	const MESSAGE: &str = "the shares leaving are not what was asked for";
	assert_eq!(after(pool(|pool| pool.leaving += 1)), MESSAGE);
	assert_eq!(after(pool(|pool| pool.leaving -= 1)), MESSAGE);
	assert_eq!(after(withdrawal(1, |queued| queued.request.shares += 1)), MESSAGE);
}

#[test]
fn the_shares_held_are_those_that_leave() {
	const MESSAGE: &str = "the shares held are not those that leave";
	assert_eq!(
		after(|| {
			assert_ok!(Assets::transfer(
				RuntimeOrigin::signed(ALICE),
				SHARES,
				pool_account(),
				1
			));
		}),
		MESSAGE
	);
	assert_eq!(
		after(|| {
			assert_ok!(Assets::transfer(
				RuntimeOrigin::signed(pool_account()),
				SHARES,
				ALICE,
				1
			));
		}),
		MESSAGE
	);
}

#[test]
fn the_shares_that_exist_are_those_issued() {
	const MESSAGE: &str = "the shares that exist are not those issued";
	assert_eq!(after(pool(|pool| pool.issued += 1)), MESSAGE);
	assert_eq!(after(pool(|pool| pool.issued -= 1)), MESSAGE);
	assert_eq!(
		after(|| {
			Assets::mint_into(SHARES, &CAROL, 1).unwrap();
		}),
		MESSAGE
	);
}
