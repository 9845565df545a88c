//! Leaving.

use super::*;
use keel_math::FixedU128;
use keel_primitives::{Level, LiquidityPool as _};

fn pool(test: impl FnOnce()) {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD), (BOB, 500 * USD)])
		.build_and_execute(test);
}

mod request_withdrawal {
	use super::*;

	#[test]
	fn takes_the_shares_and_waits() {
		pool(|| {
			assert_eq!(withdraw(ALICE, 400 * USD), Ok(0));
			assert_eq!(
				last_event(),
				Event::WithdrawalRequested {
					id: 0,
					who: ALICE,
					shares: 400 * USD,
					due: Now::get() + COOLDOWN
				}
			);
			assert_eq!(shares(ALICE), 600 * USD);
			assert_eq!(shares(pool_account()), 400 * USD);
			assert_eq!(state().leaving, 400 * USD);
			assert_eq!(summary().supply, 1_500 * USD);
		});
	}

	#[test]
	fn fails_with_nothing_or_too_much() {
		pool(|| {
			assert_noop!(withdraw(ALICE, 0), Error::<Test>::ZeroShares);
			assert_noop!(withdraw(ALICE, 1_000 * USD + 1), TokenError::FundsUnavailable);
			assert_noop!(withdraw(CAROL, 1), TokenError::FundsUnavailable);
		});
	}

	#[test]
	fn never_asks_the_breaker() {
		pool(|| {
			Asked::set(vec![]);
			BreakerLevel::set(Level::Halted);
			let id = withdraw(ALICE, 400 * USD).unwrap();
			assert_ok!(cancel(ALICE, id));
			assert_ok!(withdraw(ALICE, 400 * USD));
			pass(COOLDOWN + 1);
			assert_eq!(won(ALICE), -600 * USD as i128);
			assert_eq!(Asked::get(), vec![]);
		});
	}
}

mod cancel_withdrawal {
	use super::*;

	#[test]
	fn gives_the_shares_back() {
		pool(|| {
			let id = withdraw(ALICE, 400 * USD).unwrap();
			assert_noop!(cancel(BOB, id), Error::<Test>::NotYours);
			assert_ok!(cancel(ALICE, id));
			assert_eq!(
				last_event(),
				Event::WithdrawalCancelled {
					id,
					who: ALICE,
					shares: 400 * USD
				}
			);
			assert_eq!((shares(ALICE), state().leaving), (1_000 * USD, 0));
			assert_noop!(cancel(ALICE, id), Error::<Test>::UnknownRequest);
		});
	}

	#[test]
	fn gives_back_what_was_not_paid() {
		pool(|| {
			// 1,500 of equity, 1,200 needed: 300 may leave.
			WorstOf::set(600 * USD);
			let id = withdraw(ALICE, 1_000 * USD).unwrap();
			pass(COOLDOWN + 1);
			assert_eq!(won(ALICE), -700 * USD as i128);
			assert_ok!(cancel(ALICE, id));
			assert_eq!(shares(ALICE), 700 * USD);
		});
	}
}

mod payment {
	use super::*;

	#[test]
	fn comes_at_the_first_prices_made_after_the_cooldown() {
		pool(|| {
			priced(Now::get());
			assert_ok!(withdraw(ALICE, 400 * USD));
			let due = Now::get() + COOLDOWN;
			priced(due - 1);
			pass(COOLDOWN);
			// The price made at the end of the cooldown is not after it.
			priced(due);
			next_block();
			assert_eq!(shares(pool_account()), 400 * USD);
			priced(due + 1);
			next_block();
			assert_eq!(
				last_event(),
				Event::Withdrawn {
					id: 0,
					who: ALICE,
					shares: 400 * USD,
					amount: 400 * USD,
					left: 0,
					equity: 1_100 * USD as i128,
					supply: 1_100 * USD
				}
			);
			assert_eq!((won(ALICE), state().leaving), (-600 * USD as i128, 0));
		});
	}

	#[test]
	fn waits_for_the_cooldown_also_where_nothing_is_traded() {
		pool(|| {
			assert_ok!(withdraw(ALICE, 400 * USD));
			pass(COOLDOWN);
			assert_eq!(state().leaving, 400 * USD);
			pass(1);
			assert_eq!(state().leaving, 0);
		});
	}

	#[test]
	fn is_worth_what_it_is_then_gains_and_losses_included() {
		for (lost, expected) in [
			// (1,800 + 1)/(1,500 + 1) per share.
			(300i128, 1_000 * USD * (1_801 * USD) / (1_501 * USD)),
			// 1,200/1,500.
			(-300, 800 * USD),
		] {
			pool(|| {
				assert_ok!(withdraw(ALICE, 1_000 * USD));
				traders_lose(lost * USD as i128);
				pass(COOLDOWN + 1);
				assert_eq!(balance(KUSD, ALICE), PURSE - 1_000 * USD + expected);
			});
		}
	}

	#[test]
	fn of_everybody_leaves_the_pool_empty_and_usable() {
		pool(|| {
			assert_ok!(withdraw(ALICE, 1_000 * USD));
			assert_ok!(withdraw(BOB, 500 * USD));
			pass(COOLDOWN + 1);
			assert_eq!((won(ALICE), won(BOB)), (0, 0));
			assert_eq!((LiquidityPool::held(), summary().supply), (0, 0));
			assert_ok!(provide(CAROL, 10 * USD));
			next_block();
			assert_eq!(shares(CAROL), 10 * USD);
		});
	}

	#[test]
	fn waits_while_there_is_no_equity_or_no_price() {
		pool(|| {
			assert_ok!(withdraw(ALICE, 1_000 * USD));
			for owed in [None, Some(1_500 * USD as i128), Some(2_000 * USD as i128)] {
				Owed::set(owed);
				pass(COOLDOWN + 1);
				assert_eq!(state().leaving, 1_000 * USD, "owed {owed:?}");
			}
			// Two thirds of 150.
			Owed::set(Some(1_350 * USD as i128));
			next_block();
			assert_eq!(won(ALICE), -900 * USD as i128);
		});
	}

	#[test]
	fn of_shares_without_value_gives_them_back() {
		pool(|| {
			assert_ok!(withdraw(ALICE, 1));
			assert_ok!(withdraw(BOB, 500 * USD));
			traders_lose(-(USD as i128));
			pass(COOLDOWN + 1);
			assert_eq!(
				events()[2],
				Event::SharesReturned {
					id: 0,
					who: ALICE,
					shares: 1
				}
			);
			assert_eq!(shares(ALICE), 1_000 * USD);
			assert!(won(BOB) > -(USD as i128));
		});
	}
}

mod utilisation {
	use super::*;

	#[test]
	fn what_the_worst_case_needs_does_not_leave() {
		pool(|| {
			// Half of 1,500.
			WorstOf::set(750 * USD);
			assert_ok!(withdraw(ALICE, 100 * USD));
			pass(COOLDOWN + 1);
			assert_eq!(state().leaving, 100 * USD);
			WorstOf::set(700 * USD);
			next_block();
			assert_eq!(won(ALICE), -900 * USD as i128);
			let now = summary();
			assert!(now.utilisation <= Some(FixedU128::from_u32(1)));
			assert_eq!(now.free, Some(0));
		});
	}

	#[test]
	fn a_limit_of_nothing_lets_leave_only_without_risk() {
		pool(|| {
			Chain::mutate(|chain| chain.pool_stress = FixedU128::from_inner(0));
			assert_ok!(withdraw(ALICE, 100 * USD));
			WorstOf::set(1);
			pass(COOLDOWN + 1);
			assert_eq!(state().leaving, 100 * USD);
			WorstOf::set(0);
			next_block();
			assert_eq!(state().leaving, 0);
		});
	}

	#[test]
	fn what_traders_owe_does_not_leave() {
		pool(|| {
			// All of the pool's cash went to those who won, those who lost still owe it.
			traders_lose(-1_400 * USD as i128);
			Owed::set(Some(-1_400 * USD as i128));
			assert_ok!(withdraw(ALICE, 1_000 * USD));
			pass(COOLDOWN + 1);
			assert_eq!(won(ALICE), -900 * USD as i128);
			assert_eq!(LiquidityPool::cash(), 0);
			traders_lose(-1);
			next_block();
			assert_eq!((LiquidityPool::cash(), state().leaving), (-1, 900 * USD));
			traders_lose(1 + 1_400 * USD as i128);
			Owed::set(Some(0));
			next_block();
			assert_eq!((won(ALICE), state().leaving), (0, 0));
		});
	}

	#[test]
	fn a_large_one_is_paid_in_parts_and_those_behind_wait_their_turn() {
		pool(|| {
			WorstOf::set(600 * USD);
			assert_ok!(withdraw(ALICE, 1_000 * USD));
			assert_ok!(withdraw(BOB, 100 * USD));
			pass(COOLDOWN + 1);
			assert_eq!(
				last_event(),
				Event::Withdrawn {
					id: 0,
					who: ALICE,
					shares: 300 * USD,
					amount: 300 * USD,
					left: 700 * USD,
					equity: 1_200 * USD as i128,
					supply: 1_200 * USD
				}
			);
			assert_eq!(won(BOB), -500 * USD as i128);
			// Less than the minimum is not worth the weight.
			WorstOf::set(600 * USD - USD / 2 + 1);
			next_block();
			assert_eq!(state().leaving, 800 * USD);
			WorstOf::set(600 * USD - USD / 2);
			next_block();
			assert_eq!(state().leaving, 799 * USD);
			// Whatever becomes free is the first one's, then the next one's.
			WorstOf::set(250 * USD - USD / 2);
			next_block();
			assert_eq!((won(ALICE), won(BOB)), (0, -499 * USD as i128));
			WorstOf::set(0);
			next_block();
			assert_eq!((won(BOB), state().leaving), (-400 * USD as i128, 0));
		});
	}

	#[test]
	fn what_comes_in_makes_room_in_the_same_block() {
		pool(|| {
			WorstOf::set(750 * USD);
			assert_ok!(withdraw(ALICE, 100 * USD));
			pass(COOLDOWN + 1);
			assert_ok!(provide(CAROL, 100 * USD));
			next_block();
			assert_eq!((state().leaving, shares(CAROL)), (0, 100 * USD));
		});
	}
}

mod failure {
	use super::*;

	#[test]
	fn when_the_custody_fails_should_wait_in_order() {
		pool(|| {
			assert_ok!(withdraw(ALICE, 100 * USD));
			assert_ok!(withdraw(BOB, 100 * USD));
			CustodyFails::set(true);
			pass(COOLDOWN + 1);
			assert_eq!(
				last_event(),
				Event::PaymentFailed {
					queue: QueueName::Withdrawals,
					id: 0,
					who: ALICE,
					error: DispatchError::Exhausted
				}
			);
			check();
			assert_eq!((state().leaving, summary().supply), (200 * USD, 1_500 * USD));
			CustodyFails::set(false);
			next_block();
			assert_eq!((won(ALICE), won(BOB)), (-900 * USD as i128, -400 * USD as i128));
		});
	}

	#[test]
	fn when_the_account_is_blocked_should_hold_up_nobody_and_be_paid_later() {
		pool(|| {
			assert_ok!(withdraw(ALICE, 100 * USD));
			assert_ok!(withdraw(BOB, 100 * USD));
			block(KUSD, ALICE);
			pass(COOLDOWN + 1);
			assert_eq!(
				events()[2],
				Event::MovedToEnd {
					queue: QueueName::Withdrawals,
					id: 0,
					who: ALICE,
					error: TokenError::Blocked.into()
				}
			);
			assert_eq!((won(BOB), state().leaving), (-400 * USD as i128, 100 * USD));
			let waiting = requests(ALICE).withdrawals[0].clone();
			assert_eq!((waiting.shares, waiting.due), (100 * USD, Now::get() + COOLDOWN));
			check();
			// Not tried again in every block.
			let before = events().len();
			next_block();
			assert_eq!(events().len(), before);
			unblock(KUSD, ALICE);
			pass(COOLDOWN + 1);
			assert_eq!(won(ALICE), -900 * USD as i128);
		});
	}

	#[test]
	fn when_it_was_paid_in_part_should_keep_the_rest() {
		pool(|| {
			WorstOf::set(600 * USD);
			assert_ok!(withdraw(ALICE, 1_000 * USD));
			pass(COOLDOWN + 1);
			block(KUSD, ALICE);
			WorstOf::set(0);
			next_block();
			assert_eq!(requests(ALICE).withdrawals[0].shares, 700 * USD);
		});
	}

	#[test]
	fn when_shares_cannot_go_back_should_hold_up_nobody() {
		pool(|| {
			assert_ok!(withdraw(ALICE, 1));
			assert_ok!(withdraw(BOB, 100 * USD));
			traders_lose(-(USD as i128));
			block(SHARES, ALICE);
			pass(COOLDOWN + 1);
			assert_eq!(state().leaving, 1);
			assert!(won(BOB) > -401 * USD as i128);
		});
	}
}
