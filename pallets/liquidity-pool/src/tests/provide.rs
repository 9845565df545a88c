//! Coming in.

use super::*;
use keel_primitives::{Action, BreakerSubject, Level, LiquidityPool as _};

mod provide {
	use super::*;
	use crate::mock::provide;

	#[test]
	fn takes_kusd_at_once_and_waits() {
		ExtBuilder::default().build_and_execute(|| {
			priced(START);
			assert_eq!(provide_for(ALICE, 100 * USD, 90 * USD), Ok(0));
			assert_eq!(
				last_event(),
				Event::DepositRequested {
					id: 0,
					who: ALICE,
					amount: 100 * USD,
					least_shares: 90 * USD
				}
			);
			assert_eq!(won(ALICE), -100 * USD as i128);
			assert_eq!((shares(ALICE), LiquidityPool::cash()), (0, 0));
			assert_eq!(LiquidityPool::held(), 100 * USD as i128);
			assert_eq!(state().waiting, 100 * USD);
		});
	}

	#[test]
	fn becomes_shares_when_all_prices_are_newer() {
		ExtBuilder::default().build_and_execute(|| {
			priced(START);
			assert_ok!(provide(ALICE, 100 * USD));
			// The price of the very moment of the request was known before it.
			next_block();
			assert_eq!(shares(ALICE), 0);
			priced(START + 1);
			next_block();
			assert_eq!(
				last_event(),
				Event::Provided {
					id: 0,
					who: ALICE,
					amount: 100 * USD,
					shares: 100 * USD,
					equity: 100 * USD as i128,
					supply: 100 * USD
				}
			);
			assert_eq!((shares(ALICE), state().waiting), (100 * USD, 0));
			assert_eq!(LiquidityPool::cash(), 100 * USD as i128);
		});
	}

	/// The kind: buying a rebound from those who bore the fall. Not where the equity is nearly gone; a pool
	/// that is only used a lot takes money in.
	#[test]
	fn goes_back_where_equity_is_nearly_gone() {
		for (worst, gone) in [(100, false), (150, false), (400, false), (404, true)] {
			ExtBuilder::default().build_and_execute(|| {
				priced(START);
				assert_ok!(provide(ALICE, 100 * USD));
				priced(START + 1);
				next_block();
				WorstOf::set(worst * USD);
				assert_ok!(provide(BOB, 10 * USD));
				priced(PricedAt::get().unwrap_or(START) + 100_000);
				next_block();
				let refunded = System::events().iter().any(|record| {
					let reason = Error::<Test>::EquityNearlyGone.into();
					matches!(
						&record.event,
						RuntimeEvent::LiquidityPool(Event::DepositRefunded { reason: why, .. }) if *why == reason
					)
				});
				assert_eq!((refunded, shares(BOB) == 0), (gone, gone), "{worst}");
			});
		}
	}

	#[test]
	fn waits_for_the_next_block_where_nothing_is_traded() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(provide(ALICE, 100 * USD));
			poll();
			assert_eq!(shares(ALICE), 0);
			next_block();
			assert_eq!(shares(ALICE), 100 * USD);
		});
	}

	#[test]
	fn pays_what_a_share_is_worth_then() {
		ExtBuilder::default()
			.provided(&[(ALICE, 1_000 * USD)])
			.build_and_execute(|| {
				assert_ok!(provide(BOB, 1_000 * USD));
				traders_lose(300 * USD as i128);
				Owed::set(Some(-700 * USD as i128));
				next_block();
				// 2,000 kUSD of equity, 1,000 shares.
				let expected = 1_000 * USD * (1_000 * USD + USD) / (2_000 * USD + USD);
				assert_eq!(shares(BOB), expected);
				assert_eq!(expected, 500_249_875);
			});
	}

	#[test]
	fn fails_below_minimum() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(provide(ALICE, USD - 1), Error::<Test>::BelowMinimum);
			assert_ok!(provide(ALICE, USD));
		});
	}

	#[test]
	fn fails_without_the_kusd() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(provide(ALICE, PURSE + 1), TokenError::FundsUnavailable);
			assert_noop!(provide(77, USD), TokenError::FundsUnavailable);
		});
	}

	#[test]
	fn asks_the_breaker_which_refuses_only_when_halted() {
		for level in [Level::Normal, Level::Guarded, Level::ReduceOnly, Level::Halted] {
			ExtBuilder::default().build_and_execute(|| {
				BreakerLevel::set(level);
				if level < Level::Halted {
					assert_ok!(provide(ALICE, USD));
					// What is in already is not held up later.
					BreakerLevel::set(Level::Halted);
					next_block();
					assert_eq!(shares(ALICE), USD);
				} else {
					assert_noop!(provide(ALICE, USD), DispatchError::Other("breaker raised"));
				}
				assert_eq!(Asked::get(), vec![(BreakerSubject::Chain, Action::Deposit)]);
			});
		}
	}
}

mod refund {
	use super::*;
	use crate::mock::provide;

	fn refunded(reason: Error<Test>) {
		assert_eq!(
			last_event(),
			Event::DepositRefunded {
				id: 1,
				who: BOB,
				amount: 100 * USD,
				reason: reason.into()
			}
		);
		assert_eq!((won(BOB), shares(BOB), state().waiting), (0, 0, 0));
	}

	fn pool(test: impl FnOnce()) {
		ExtBuilder::default()
			.provided(&[(ALICE, 1_000 * USD)])
			.build_and_execute(test);
	}

	#[test]
	fn when_shares_are_too_few_should_give_back() {
		pool(|| {
			assert_ok!(provide_for(BOB, 100 * USD, 100 * USD));
			Owed::set(Some(-1));
			next_block();
			refunded(Error::<Test>::TooFewShares);
		});
	}

	#[test]
	fn when_shares_are_just_enough_should_give_them() {
		pool(|| {
			assert_ok!(provide_for(BOB, 100 * USD, 100 * USD));
			next_block();
			assert_eq!(shares(BOB), 100 * USD);
		});
	}

	#[test]
	fn when_there_is_no_equity_should_give_back() {
		for owed in [1_000 * USD as i128 + 1, 1_001 * USD as i128, i128::MAX / 2] {
			pool(|| {
				assert_ok!(provide(BOB, 100 * USD));
				Owed::set(Some(owed));
				next_block();
				refunded(Error::<Test>::NoEquity);
			});
		}
	}

	#[test]
	fn when_an_empty_pool_is_in_debt_should_give_back() {
		ExtBuilder::default().build_and_execute(|| {
			Owed::set(Some(1));
			assert_ok!(provide(BOB, 100 * USD));
			next_block();
			assert_eq!(
				last_event(),
				Event::DepositRefunded {
					id: 0,
					who: BOB,
					amount: 100 * USD,
					reason: Error::<Test>::NoEquity.into()
				}
			);
		});
	}

	#[test]
	fn when_it_buys_nothing_should_give_back() {
		pool(|| {
			// A unit of a share is worth more than 100 kUSD.
			Owed::set(Some(-(2_000 * USD as i128) * 100 * USD as i128));
			assert_ok!(provide(BOB, 100 * USD));
			next_block();
			refunded(Error::<Test>::TooFewShares);
		});
	}

	#[test]
	fn when_shares_cannot_be_had_should_give_back() {
		pool(|| {
			assert_ok!(Assets::transfer(RuntimeOrigin::signed(ALICE), SHARES, BOB, 1));
			block(SHARES, BOB);
			assert_ok!(provide(BOB, 100 * USD));
			next_block();
			assert_eq!(
				last_event(),
				Event::DepositRefunded {
					id: 1,
					who: BOB,
					amount: 100 * USD,
					reason: TokenError::Blocked.into()
				}
			);
			assert_eq!((won(BOB), shares(BOB)), (0, 1));
		});
	}

	#[test]
	fn when_the_custody_fails_should_wait_in_order() {
		pool(|| {
			assert_ok!(provide_for(BOB, 100 * USD, u128::MAX));
			assert_ok!(provide(CAROL, 100 * USD));
			CustodyFails::set(true);
			next_block();
			assert_eq!(
				last_event(),
				Event::PaymentFailed {
					queue: QueueName::Deposits,
					id: 1,
					who: BOB,
					error: DispatchError::Exhausted
				}
			);
			check();
			assert_eq!((shares(CAROL), state().deposits.count), (0, 2));
			CustodyFails::set(false);
			next_block();
			assert_eq!((won(BOB), shares(CAROL)), (0, 100 * USD));
		});
	}

	#[test]
	fn when_the_account_is_blocked_should_hold_up_nobody() {
		pool(|| {
			assert_ok!(provide_for(BOB, 100 * USD, u128::MAX));
			assert_ok!(provide(CAROL, 100 * USD));
			block(KUSD, BOB);
			next_block();
			assert_eq!(
				events()[2],
				Event::MovedToEnd {
					queue: QueueName::Deposits,
					id: 1,
					who: BOB,
					error: TokenError::Blocked.into()
				}
			);
			assert_eq!(shares(CAROL), 100 * USD);
			assert_eq!(requests(BOB).deposits[0].at, Now::get());
			check();
			unblock(KUSD, BOB);
			next_block();
			assert_eq!((won(BOB), state().deposits.count), (0, 0));
		});
	}
}

mod cancel_deposit {
	use super::*;
	use crate::mock::{cancel_deposit, provide};

	#[test]
	fn when_no_price_came_for_a_cooldown_should_give_back() {
		ExtBuilder::default().build_and_execute(|| {
			priced(START);
			let id = provide(ALICE, 100 * USD).unwrap();
			assert_ok!(provide(BOB, 50 * USD));
			pass(COOLDOWN - 1);
			assert_noop!(cancel_deposit(ALICE, id), Error::<Test>::TooEarly);
			pass(1);
			assert_noop!(cancel_deposit(BOB, id), Error::<Test>::NotYours);
			assert_ok!(cancel_deposit(ALICE, id));
			assert_eq!(
				last_event(),
				Event::DepositCancelled {
					id,
					who: ALICE,
					amount: 100 * USD
				}
			);
			assert_eq!((won(ALICE), state().waiting), (0, 50 * USD));
			assert_noop!(cancel_deposit(ALICE, id), Error::<Test>::UnknownRequest);
			assert_noop!(cancel_deposit(ALICE, 99), Error::<Test>::UnknownRequest);
		});
	}

	#[test]
	fn fails_when_the_custody_does() {
		ExtBuilder::default().build_and_execute(|| {
			priced(START);
			let id = provide(ALICE, 100 * USD).unwrap();
			pass(COOLDOWN);
			CustodyFails::set(true);
			// As a call is dispatched: what fails is undone.
			let call = RuntimeCall::LiquidityPool(crate::Call::cancel_deposit { id });
			let outcome =
				sp_runtime::traits::Dispatchable::dispatch(call, RuntimeOrigin::signed(ALICE)).map(drop);
			assert_eq!(
				outcome.map_err(|failed| failed.error),
				Err(DispatchError::Exhausted)
			);
			assert_eq!(state().deposits.count, 1);
		});
	}

	#[test]
	fn is_open_at_every_level() {
		ExtBuilder::default().build_and_execute(|| {
			priced(START);
			let id = provide(ALICE, 100 * USD).unwrap();
			BreakerLevel::set(Level::Halted);
			pass(COOLDOWN);
			assert_ok!(cancel_deposit(ALICE, id));
		});
	}
}

mod settle {
	use super::*;

	#[test]
	fn moves_the_cash_below_zero_and_back() {
		ExtBuilder::default()
			.provided(&[(ALICE, 10 * USD)])
			.build_and_execute(|| {
				traders_lose(-30 * USD as i128);
				assert_eq!(LiquidityPool::cash(), -20 * USD as i128);
				assert_ok!(provide(BOB, 50 * USD));
				assert_eq!(LiquidityPool::held(), 30 * USD as i128);
				check();
				traders_lose(30 * USD as i128);
				assert_eq!(LiquidityPool::cash(), 10 * USD as i128);
			});
	}

	#[test]
	fn fails_on_overflow() {
		ExtBuilder::default()
			.provided(&[(ALICE, 10 * USD)])
			.build_and_execute(|| {
				assert_noop!(
					LiquidityPool::settle(i128::MAX),
					sp_runtime::ArithmeticError::Overflow
				);
			});
	}
}
