//! What the breaker forbids, and what it never does.

use super::*;
use crate::mock::absorb;
use keel_primitives::{Action, BreakerSubject, Level};

const LEVELS: [Level; 4] = [Level::Normal, Level::Guarded, Level::ReduceOnly, Level::Halted];

#[test]
fn a_deposit_waits_only_while_the_chain_is_halted() {
	for level in LEVELS {
		ExtBuilder::default().build_and_execute(|| {
			BreakerLevel::set(level);
			if level < Level::Halted {
				assert_ok!(deposit(ALICE, 10 * USD));
			} else {
				assert_noop!(deposit(ALICE, 10 * USD), DispatchError::Other("breaker raised"));
				assert_eq!(balance(KUSD, ALICE), PURSE);
			}
			assert_eq!(Asked::get(), vec![(BreakerSubject::Chain, Action::Deposit)]);
		});
	}
}

#[test]
fn nothing_else_ever_asks() {
	for level in LEVELS {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD), (BOB, 100 * USD)])
			.build_and_execute(|| {
				JoinDelay::set(MINUTE);
				assert_ok!(deposit(CAROL, 100 * USD));
				Asked::set(vec![]);
				BreakerLevel::set(level);
				assert_ok!(absorb(BTC, ONE_BTC, 10 * USD, USD));
				assert_ok!(absorb(ETH, ONE_ETH, 10 * USD, USD));
				assert_ok!(sell(ETH, ONE_ETH, 10 * USD));
				assert_ok!(claim(ALICE, BTC));
				assert_ok!(claim_all(BOB));
				assert_ok!(withdraw(ALICE, u128::MAX));
				assert_ok!(withdraw(CAROL, 50 * USD));
				pass(2 * MINUTE);
				// But for rounding.
				assert!(capacity() - stake(BOB).deposit - 50 * USD <= 2);
				assert_ok!(withdraw(CAROL, u128::MAX));
				assert_eq!(Asked::get(), vec![], "at {level:?}");
			});
	}
}
