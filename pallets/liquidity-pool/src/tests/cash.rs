//! What is there to be paid: part of the pool's cash may be lent to traders.

use super::*;
use keel_primitives::LiquidityPool as _;

/// Traders owe `amount` to clearing from now on: more, which they lost to the pool and have not paid; or
/// less, which they repaid.
fn lend(amount: u128) {
	let was = Overdrawn::get();
	match amount > was {
		true => traders_lose((amount - was) as i128),
		false => pay_in(was - amount),
	}
	Overdrawn::set(amount);
}

fn failures() -> usize {
	events()
		.iter()
		.filter(|event| matches!(event, Event::PaymentFailed { .. }))
		.count()
}

/// The kind: a view counts what is owed as cash, the first is paid with all there is, and a payment that
/// fails stops the queue.
#[test]
fn exits_are_paid_in_part_and_in_order_out_of_what_is_there() {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD), (BOB, 1_000 * USD), (DAVE, 5 * USD)])
		.build_and_execute(|| {
			// Traders have nothing in custody, and 116 of 2,121 are lent.
			pay_off(TRADERS);
			lend(116 * USD);
			let now = summary();
			assert_eq!((now.cash, now.available), (2_121 * USD as i128, 2_005 * USD));
			assert_eq!(now.free, Some(2_005 * USD));
			for (who, amount) in [(ALICE, 1_000 * USD), (BOB, 1_000 * USD), (DAVE, 5 * USD)] {
				assert_ok!(withdraw(who, amount));
			}
			pass(COOLDOWN + 1);
			let paid = |who| (balance(KUSD, who) + 1_000 * USD - PURSE) / USD;
			assert_eq!(paid(ALICE), 1_057);
			assert_eq!(paid(BOB), 947);
			assert_eq!((state().withdrawals.count, failures()), (2, 0));
			assert!(summary().available < USD);
			// What comes back goes to the next in line.
			lend(56 * USD);
			next_block();
			assert_eq!((paid(BOB), state().withdrawals.count), (1_007, 2));
			lend(0);
			next_block();
			assert_eq!((paid(BOB), state().withdrawals.count), (1_057, 0));
			assert_eq!(failures(), 0);
		});
}

#[test]
fn nothing_leaves_while_more_is_lent_than_there_is() {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD)])
		.build_and_execute(|| {
			Overdrawn::set(1_000 * USD);
			assert_ok!(withdraw(ALICE, 100 * USD));
			pass(COOLDOWN + 1);
			assert_eq!((summary().available, summary().free), (0, Some(0)));
			Overdrawn::set(5_000 * USD);
			next_block();
			assert_eq!((state().withdrawals.count, failures()), (1, 0));
			Overdrawn::set(0);
			next_block();
			assert_eq!(state().withdrawals.count, 0);
		});
}

#[test]
fn interest_on_what_is_lent_is_the_pools() {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD)])
		.build_and_execute(|| {
			Interest::set(10 * USD);
			let equity = LiquidityPool::cash();
			next_block();
			assert_eq!(LiquidityPool::cash(), equity + 10 * USD as i128);
			assert_eq!(Interest::get(), 0);
			assert_eq!(events(), vec![Event::InterestCollected { amount: 10 * USD }]);
			next_block();
			assert_eq!(LiquidityPool::cash(), equity + 10 * USD as i128);
		});
}

/// A deposit that should go back while others were paid with it makes room for those behind it, who bring
/// kUSD in.
#[test]
fn a_deposit_that_can_not_go_back_yet_holds_up_nobody() {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD)])
		.build_and_execute(|| {
			let id = provide_for(BOB, 100 * USD, u128::MAX).unwrap();
			assert_ok!(provide(CAROL, 50 * USD));
			let rest = balance(KUSD, CUSTODY);
			pay_off(rest - USD);
			next_block();
			assert_eq!(
				events()[2],
				Event::MovedToEnd {
					queue: QueueName::Deposits,
					id,
					who: BOB,
					error: TokenError::FundsUnavailable.into()
				}
			);
			assert_eq!(shares(CAROL), 50 * USD);
			assert_eq!(won(BOB), -100 * USD as i128);
			pay_in(rest - USD);
			next_block();
			assert_eq!((won(BOB), state().waiting), (0, 0));
		});
}
