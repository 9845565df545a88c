//! Markets whose feed is dead: they hold up nobody, and nobody buys from the others what cannot be priced.

use super::*;
use keel_primitives::LiquidityPool as _;

const HIDDEN: u128 = 4 * USD;

fn pool(test: impl FnOnce()) {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD), (BOB, 1_000 * USD)])
		.build_and_execute(test);
}

/// The kind: one market holds up all. A price that is refused is waited for; a dead feed is not.
#[test]
fn a_dead_feed_holds_up_nobody() {
	pool(|| {
		assert_ok!(withdraw(ALICE, 100 * USD));
		assert_ok!(provide(CAROL, 100 * USD));
		PriceRefused::set(true);
		pass(COOLDOWN + 1);
		assert_eq!((state().withdrawals.count, state().deposits.count), (1, 1));
		PriceRefused::set(false);
		Unpriced::set(HIDDEN);
		next_block();
		assert_eq!((state().withdrawals.count, state().deposits.count), (0, 0));
		// A share is worth 1,996/2,000 to who leaves, with a bit of what CAROL pays more, and 2,004/2,000 to
		// her.
		let paid = balance(KUSD, ALICE) - (PURSE - 1_000 * USD);
		assert!((99_800_000..99_830_000).contains(&paid), "{paid}");
		let bought = shares(CAROL);
		assert!((99_800_000..99_810_000).contains(&bought), "{bought}");
	});
}

#[test]
fn other_prices_are_waited_for_beside_a_dead_feed() {
	pool(|| {
		Unpriced::set(HIDDEN);
		assert_ok!(withdraw(ALICE, 100 * USD));
		let due = Now::get() + COOLDOWN;
		priced(due);
		pass(COOLDOWN + 1);
		assert_eq!(state().withdrawals.count, 1);
		priced(due + 1);
		next_block();
		assert_eq!(state().withdrawals.count, 0);
	});
}

/// Whatever the dead market turns out to be worth, those who stay have lost nothing to who left or came.
#[test]
fn neither_who_leaves_nor_who_comes_buys_from_the_others() {
	for leaves in [true, false] {
		pool(|| {
			Unpriced::set(HIDDEN);
			// With the offset.
			let books = || {
				(
					LiquidityPool::cash() + USD as i128,
					(summary().supply + USD) as i128,
				)
			};
			let (cash, supply) = books();
			if leaves {
				assert_ok!(withdraw(ALICE, 500 * USD));
			} else {
				assert_ok!(provide(CAROL, 500 * USD));
			}
			pass(COOLDOWN + 1);
			assert_eq!((state().withdrawals.count, state().deposits.count), (0, 0));
			for owes in [-(HIDDEN as i128), 0, HIDDEN as i128] {
				let (cash_then, supply_then) = books();
				// What a share is worth then and was before, over a common denominator, but for the last
				// unit.
				let (then, before) = ((cash_then - owes) * supply, (cash - owes) * supply_then);
				assert!(then + 2 * supply >= before, "owes {owes}: {then} {before}");
			}
		});
	}
}

/// The kind: somebody who looks away is sold out. Where dead feeds hide much, an exit waits for a second
/// cooldown.
#[test]
fn an_exit_that_would_cost_much_can_be_cancelled_for_a_second_cooldown() {
	pool(|| {
		// A hundredth of 2,000, and a unit more.
		Unpriced::set(20 * USD + 1);
		let id = withdraw(ALICE, 100 * USD).unwrap();
		let due = Now::get() + COOLDOWN;
		pass(COOLDOWN + 1);
		next_block();
		assert_eq!(state().withdrawals.count, 1);
		// At the last moment.
		Now::set(due + COOLDOWN - BLOCK);
		next_block();
		assert_eq!(state().withdrawals.count, 1);
		frame_support::hypothetically!({
			assert_ok!(cancel(ALICE, id));
			assert_eq!(shares(ALICE), 1_000 * USD);
		});
		frame_support::hypothetically!({
			Unpriced::set(20 * USD);
			next_block();
			assert_eq!(state().withdrawals.count, 0);
		});
		Now::set(due + COOLDOWN);
		next_block();
		assert_eq!(state().withdrawals.count, 0);
		// 1,980/2,000 each.
		assert!((98_990_000..=99_000_000).contains(&(balance(KUSD, ALICE) + 1_000 * USD - PURSE)));
		Now::set(START + 10 * COOLDOWN);
	});
}

#[test]
fn nobody_leaves_where_all_may_be_gone() {
	pool(|| {
		Unpriced::set(2_000 * USD);
		assert_ok!(withdraw(ALICE, 100 * USD));
		pass(3 * COOLDOWN);
		assert_eq!(state().withdrawals.count, 1);
		// Who comes in buys no part of what may not be lost.
		assert_ok!(cancel(ALICE, 0));
		assert_ok!(provide(CAROL, 100 * USD));
		next_block();
		assert!((49 * USD..51 * USD).contains(&shares(CAROL)));
		assert_ok!(withdraw(ALICE, 100 * USD));
		Unpriced::set(u128::MAX);
		WorstOf::set(USD);
		assert_ok!(provide(DAVE, 100 * USD));
		next_block();
		assert_eq!((state().withdrawals.count, won(DAVE)), (1, 0));
	});
}

#[test]
fn what_is_shown_is_what_is_paid() {
	pool(|| {
		Unpriced::set(HIDDEN);
		Owed::set(Some(100 * USD as i128));
		let now = summary();
		assert_eq!((now.owed, now.unpriced), (Some(100 * USD as i128), Some(HIDDEN)));
		assert_eq!(now.equity, Some(1_896 * USD as i128));
		let shown = LiquidityPool::preview_withdrawal(100 * USD).unwrap();
		assert_eq!(shown.value, 94_800_000);
		assert_eq!(holding(ALICE).value, Some(948 * USD));
		assert_ok!(withdraw(ALICE, 100 * USD));
		assert_eq!(requests(ALICE).withdrawals[0].value, Some(shown.value));
		pass(COOLDOWN + 1);
		assert_eq!(won(ALICE), -1_000 * USD as i128 + shown.value as i128);
		let shown = LiquidityPool::preview_provide(100 * USD).unwrap();
		assert_ok!(provide(CAROL, 100 * USD));
		next_block();
		assert_eq!(shares(CAROL), shown.shares);
	});
}
