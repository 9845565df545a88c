//! Ways to take what is somebody else's.

use super::*;
use keel_primitives::LiquidityPool as _;

/// Everything `who` has, if it left now: kUSD beyond the start, and what its shares would bring.
fn wealth(who: AccountId) -> i128 {
	won(who) + holding(who).value.unwrap() as i128
}

mod inflation {
	use super::*;

	/// The attacker is first, with next to nothing, and then gives the pool `gift` by losing trades on purpose; the victim
	/// comes after it.
	fn attack(left: u128, gift: u128, victim: u128) -> (i128, i128) {
		let mut outcome = (0, 0);
		ExtBuilder::default()
			.provided(&[(ALICE, USD)])
			.build_and_execute(|| {
				if left < USD {
					assert_ok!(withdraw(ALICE, USD - left));
					pass(COOLDOWN + 1);
				}
				traders_lose(gift as i128);
				assert_ok!(provide(BOB, victim));
				next_block();
				outcome = (wealth(ALICE) - gift as i128, wealth(BOB));
			});
		outcome
	}

	#[test]
	fn when_a_first_depositor_inflates_a_share_should_lose_by_it() {
		for left in [1, 1_000, USD] {
			for gift in [1_000 * USD, 1_000_000 * USD] {
				for victim in [10 * USD, 500 * USD, 999_999 * USD] {
					let (attacker, victims) = attack(left, gift, victim);
					// Half of the gift is the offset's at least.
					assert!(attacker <= -(gift as i128) / 2 + USD as i128, "{attacker}");
					// What one unit of a share is worth, and the offset's part of it.
					let most = (gift / 1_000_000 + 2) * 2;
					assert!(-victims <= most as i128, "{left} {gift} {victim}: {victims}");
					assert!(-victims * 100_000 < -attacker, "{left} {gift} {victim}");
				}
			}
		}
	}

	#[test]
	fn a_victim_who_says_what_it_expects_loses_nothing() {
		ExtBuilder::default()
			.provided(&[(ALICE, USD)])
			.build_and_execute(|| {
				let expected = LiquidityPool::preview_provide(500 * USD).unwrap().shares;
				assert_ok!(provide_for(BOB, 500 * USD, expected));
				traders_lose(1_000_000 * USD as i128);
				next_block();
				assert_eq!(won(BOB), 0);
			});
	}

	/// kUSD sent to an account is no equity: only what the pool's books say is.
	#[test]
	fn a_transfer_to_the_custody_or_the_pool_moves_no_price() {
		ExtBuilder::default()
			.provided(&[(ALICE, USD)])
			.build_and_execute(|| {
				let before = summary();
				for to in [CUSTODY, pool_account()] {
					assert_ok!(Assets::transfer(
						RuntimeOrigin::signed(DAVE),
						KUSD,
						to,
						1_000 * USD
					));
					assert_eq!(summary(), before);
				}
				// Undone, for the books of this test.
				assert_ok!(Assets::transfer(
					RuntimeOrigin::signed(CUSTODY),
					KUSD,
					DAVE,
					1_000 * USD
				));
				assert_ok!(Assets::transfer(
					RuntimeOrigin::signed(pool_account()),
					KUSD,
					DAVE,
					1_000 * USD
				));
			});
	}
}

mod timing {
	use super::*;

	fn pool(test: impl FnOnce()) {
		ExtBuilder::default()
			.provided(&[(ALICE, 1_000_000 * USD)])
			.build_and_execute(|| {
				priced(Now::get());
				next_block();
				test()
			});
	}

	#[test]
	fn when_a_gain_is_known_should_come_in_after_it() {
		pool(|| {
			// The exchanges have moved; the chain will know with the next price.
			assert_ok!(provide(BOB, 1_000_000 * USD));
			Owed::set(Some(-500_000 * USD as i128));
			priced(Now::get());
			next_block();
			assert_eq!(shares(BOB), 0, "the price of the request's own block is no newer");
			priced(Now::get());
			next_block();
			assert!(shares(BOB) > 0);
			assert!(wealth(BOB) <= 0, "{}", wealth(BOB));
			assert!(holding(ALICE).value.unwrap() > 1_499_999 * USD);
		});
	}

	#[test]
	fn when_a_loss_is_known_should_not_leave_before_it() {
		pool(|| {
			assert_ok!(withdraw(ALICE, 1_000_000 * USD));
			Owed::set(Some(500_000 * USD as i128));
			pass(COOLDOWN + 1);
			// The prices are older than the end of the cooldown.
			assert_eq!(won(ALICE), -1_000_000 * USD as i128);
			priced(Now::get());
			next_block();
			assert_eq!(won(ALICE), -500_000 * USD as i128);
		});
	}

	#[test]
	fn when_a_gain_passes_should_not_leave_with_it() {
		pool(|| {
			assert_ok!(provide(BOB, 1_000_000 * USD));
			priced(Now::get() + 1);
			next_block();
			// In before a gain by chance; asked to leave at once; the gain is gone again before the cooldown is over.
			Owed::set(Some(-500_000 * USD as i128));
			assert_ok!(withdraw(BOB, shares(BOB)));
			next_block();
			Owed::set(Some(0));
			pass(COOLDOWN);
			priced(Now::get());
			next_block();
			assert!(won(BOB) <= 0);
		});
	}

	#[test]
	fn when_prices_stand_still_should_not_be_an_option() {
		pool(|| {
			// A deposit under prices that are refused can't be taken back as soon as its owner has seen better ones.
			let id = provide(BOB, 1_000 * USD).unwrap();
			pass(COOLDOWN / 2);
			assert_noop!(cancel_deposit(BOB, id), Error::<Test>::TooEarly);
			priced(Now::get());
			next_block();
			assert_noop!(cancel_deposit(BOB, id), Error::<Test>::UnknownRequest);
		});
	}

	#[test]
	fn when_in_and_out_again_should_cost_the_cooldown() {
		pool(|| {
			assert_ok!(provide(BOB, 1_000 * USD));
			priced(Now::get() + 1);
			next_block();
			assert_ok!(withdraw(BOB, shares(BOB)));
			for _ in 0..10 {
				priced(Now::get());
				next_block();
			}
			assert_eq!(won(BOB), -1_000 * USD as i128);
		});
	}

	/// A request does not get older by being cancelled and made again.
	#[test]
	fn when_cancelled_and_made_again_should_wait_again() {
		pool(|| {
			let id = withdraw(ALICE, USD).unwrap();
			pass(COOLDOWN - 1);
			assert_ok!(cancel(ALICE, id));
			assert_ok!(withdraw(ALICE, USD));
			priced(Now::get() + 2);
			pass(2);
			assert_eq!(state().leaving, USD);
		});
	}
}

mod rounding {
	use super::*;

	/// Ten thousand small deposits and as many withdrawals, all the way through the pallet.
	#[test]
	fn when_asked_twenty_thousand_times_should_never_pay_a_unit() {
		ExtBuilder::default()
			.provided(&[(ALICE, 777 * USD + 7)])
			.build_and_execute(|| {
				MaxWaiting::set(1_000);
				Chain::mutate(|chain| {
					chain.pool_cooldown = 0;
					chain.orders_per_block = 500;
				});
				traders_lose(333_333_331);
				let alice = holding(ALICE).value.unwrap();
				let mut requests = 0;
				for round in 0u128..40 {
					for visit in 0..250u128 {
						assert_ok!(provide(BOB, USD + round * 7 + visit));
					}
					next_block();
					let (each, rest) = (shares(BOB) / 250, shares(BOB) % 250);
					for visit in 0..250u128 {
						assert_ok!(withdraw(BOB, each + u128::from(visit < rest)));
					}
					next_block();
					requests += 500;
					System::reset_events();
					assert!(won(BOB) <= 0, "after {requests} requests: {}", won(BOB));
				}
				assert_eq!((requests, shares(BOB), state().leaving), (20_000, 0, 0));
				assert!(won(BOB) < 0);
				assert!(holding(ALICE).value.unwrap() >= alice);
			});
	}

	/// Leaving one unit at a time.
	#[test]
	fn when_leaving_in_crumbs_should_not_gain() {
		ExtBuilder::default()
			.provided(&[(ALICE, 10 * USD), (BOB, 10 * USD)])
			.build_and_execute(|| {
				Chain::mutate(|chain| chain.pool_cooldown = 0);
				traders_lose(7 * USD as i128);
				let promised = holding(BOB).value.unwrap();
				let before = balance(KUSD, BOB);
				for _ in 0..200 {
					assert_ok!(withdraw(BOB, 1));
					next_block();
				}
				assert_ok!(withdraw(BOB, shares(BOB)));
				next_block();
				assert!(balance(KUSD, BOB) - before <= promised);
			});
	}
}

mod flooding {
	use super::*;

	#[test]
	fn when_flooded_with_crumbs_should_still_take_those_who_have_something() {
		ExtBuilder::default()
			.provided(&[(ALICE, 1_000_000 * USD), (BOB, 100 * USD), (CAROL, 50_000 * USD)])
			.build_and_execute(|| {
				let mut flooded = 0;
				while withdraw(BOB, 1).is_ok() {
					flooded += 1;
				}
				assert_noop!(withdraw(BOB, 1), Error::<Test>::TooFewForQueue);
				assert!(flooded < 5, "{flooded}");
				// All that 100 kUSD can do.
				while withdraw(BOB, summary().least_withdrawal.max(1)).is_ok() {
					flooded += 1;
				}
				assert!(flooded < 15, "{flooded}");
				assert_ok!(withdraw(CAROL, 50_000 * USD));
				assert_ok!(withdraw(ALICE, 1_000_000 * USD));
				// The flood goes as it falls due, and everybody is paid.
				pass(COOLDOWN + 1);
				assert_eq!(state().leaving, 0);
				assert_eq!((won(ALICE), won(CAROL)), (0, 0));
			});
	}

	#[test]
	fn when_somebody_has_a_tenth_of_the_pool_should_not_fill_the_queue() {
		ExtBuilder::default()
			.provided(&[(ALICE, 900_000 * USD), (BOB, 100_000 * USD)])
			.build_and_execute(|| {
				let mut flooded = 0u32;
				while withdraw(BOB, summary().least_withdrawal.max(1)).is_ok() {
					flooded += 1;
				}
				assert!(flooded < 60, "{flooded} of 100");
				// Two thirds of a hundredth of the pool are enough to leave.
				assert!(summary().least_withdrawal < 1_000_000 * USD / 100);
				assert_ok!(withdraw(ALICE, 10_000 * USD));
			});
	}

	/// Making and cancelling requests leaves nothing behind that others would have to step over.
	#[test]
	fn when_requests_come_and_go_should_leave_no_gaps() {
		ExtBuilder::default()
			.provided(&[(ALICE, 1_000 * USD), (BOB, 1_000 * USD)])
			.build_and_execute(|| {
				assert_ok!(withdraw(ALICE, 10 * USD));
				for _ in 0..500 {
					let id = withdraw(BOB, 10 * USD).unwrap();
					assert_ok!(cancel(BOB, id));
				}
				assert_ok!(withdraw(ALICE, 20 * USD));
				Chain::mutate(|chain| chain.orders_per_block = 2);
				pass(COOLDOWN + 1);
				assert_eq!(state().leaving, 0);
			});
	}

	#[test]
	fn when_deposits_that_must_fail_flood_should_be_gone_with_the_next_price() {
		ExtBuilder::default().build_and_execute(|| {
			MaxWaiting::set(50);
			while provide_for(BOB, USD, u128::MAX).is_ok() {}
			assert_noop!(provide(ALICE, USD), Error::<Test>::QueueFull);
			next_block();
			assert_eq!((state().deposits.count, won(BOB)), (0, 0));
			assert_ok!(provide(ALICE, USD));
		});
	}
}

mod bank_run {
	use super::*;

	/// The first to leave after a loss is paid no better than the last.
	#[test]
	fn when_all_leave_after_a_loss_should_share_it() {
		ExtBuilder::default()
			.provided(&[(ALICE, 1_000 * USD), (BOB, 1_000 * USD), (CAROL, 1_000 * USD)])
			.build_and_execute(|| {
				traders_lose(-1_500 * USD as i128);
				for who in [ALICE, BOB, CAROL] {
					assert_ok!(withdraw(who, 1_000 * USD));
				}
				pass(COOLDOWN + 1);
				for who in [ALICE, BOB, CAROL] {
					assert_eq!(won(who), -500 * USD as i128);
				}
				assert_eq!(LiquidityPool::held(), 0);
			});
	}

	/// Deposits that wait are not the pool's to pay with.
	#[test]
	fn when_the_pool_is_empty_should_not_pay_with_deposits_that_wait() {
		ExtBuilder::default()
			.provided(&[(ALICE, 1_000 * USD)])
			.build_and_execute(|| {
				traders_lose(-1_000 * USD as i128);
				assert_ok!(withdraw(ALICE, 1_000 * USD));
				Now::mutate(|now| *now += COOLDOWN + 1);
				Owed::set(Some(-1_000 * USD as i128));
				priced(Now::get() - 1);
				assert_ok!(provide(BOB, 1_000 * USD));
				Now::mutate(|now| *now += BLOCK);
				poll();
				assert_eq!((state().leaving, state().waiting), (1_000 * USD, 1_000 * USD));
			});
	}
}
