//! What is shown is what is done.

use super::*;
use crate::{
	DepositView, Holding, PoolSummary, ProvidePreview, WithdrawalPreview, WithdrawalView, WorstCase,
};
use keel_math::FixedU128;
use keel_primitives::Level;

fn ratio(a: u128, b: u128) -> FixedU128 {
	FixedU128::from_rational(a, b)
}

#[test]
fn an_empty_pool() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(
			summary(),
			PoolSummary {
				cash: 0,
				available: 0,
				owed: Some(0),
				unpriced: Some(0),
				equity: Some(0),
				worst_case: 0,
				limit: ratio(1, 2),
				utilisation: Some(ratio(0, 1)),
				supply: 0,
				share_value: Some(ratio(1, 1)),
				free: Some(0),
				waiting: 0,
				deposits: 0,
				leaving: 0,
				withdrawals: 0,
				least_withdrawal: 0,
			}
		);
		assert_eq!(requests(ALICE), Default::default());
		assert_eq!(
			holding(ALICE),
			Holding {
				value: Some(0),
				value_in_worst_case: Some(0),
				..Default::default()
			}
		);
	});
}

#[test]
fn a_pool_in_use() {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD), (BOB, 1_000 * USD)])
		.build_and_execute(|| {
			assert_ok!(provide(CAROL, 50 * USD));
			assert_ok!(withdraw(BOB, 200 * USD));
			traders_lose(-700 * USD as i128);
			Owed::set(Some(300 * USD as i128));
			WorstOf::set(250 * USD);
			assert_eq!(
				summary(),
				PoolSummary {
					cash: 1_300 * USD as i128,
					available: 1_300 * USD,
					owed: Some(300 * USD as i128),
					unpriced: Some(0),
					equity: Some(1_000 * USD as i128),
					worst_case: 250 * USD,
					limit: ratio(1, 2),
					utilisation: Some(ratio(1, 2)),
					supply: 2_000 * USD,
					share_value: Some(ratio(1, 2)),
					free: Some(500 * USD),
					waiting: 50 * USD,
					deposits: 1,
					leaving: 200 * USD,
					withdrawals: 1,
					// 4 × 2,000 × 1³ / 100⁴.
					least_withdrawal: 80,
				}
			);
			assert_eq!(
				LiquidityPool::worst_case(),
				Some(WorstCase {
					loss: 250 * USD,
					equity: 1_000 * USD as i128,
					equity_then: 750 * USD as i128,
					share_value: ratio(1, 2),
					share_value_then: ratio(3, 8),
					equity_needed: 500 * USD,
					room: 250 * USD,
				})
			);
			assert_eq!(
				holding(BOB),
				Holding {
					shares: 800 * USD,
					leaving: 200 * USD,
					waiting: 0,
					value: Some(500 * USD),
					value_in_worst_case: Some(375 * USD),
				}
			);
			assert_eq!(holding(CAROL).waiting, 50 * USD);
		});
}

#[test]
fn without_prices_there_is_no_value() {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD)])
		.build_and_execute(|| {
			Owed::set(None);
			let now = summary();
			assert_eq!((now.equity, now.share_value, now.free), (None, None, None));
			assert_eq!(now.cash, 1_000 * USD as i128);
			assert_eq!(LiquidityPool::worst_case(), None);
			assert_eq!(holding(ALICE).value, None);
			assert_eq!(holding(ALICE).shares, 1_000 * USD);
			assert_eq!(
				LiquidityPool::preview_provide(USD),
				Err(DispatchError::Other("no price"))
			);
			assert_eq!(
				LiquidityPool::preview_withdrawal(USD),
				Err(DispatchError::Other("no price"))
			);
		});
}

#[test]
fn a_pool_that_would_not_survive() {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD)])
		.build_and_execute(|| {
			WorstOf::set(1_200 * USD);
			let then = LiquidityPool::worst_case().unwrap();
			assert_eq!(then.equity_then, -200 * USD as i128);
			assert_eq!((then.share_value_then, then.room), (ratio(0, 1), 0));
			assert_eq!(then.equity_needed, 2_400 * USD);
			assert_eq!(holding(ALICE).value_in_worst_case, Some(0));
			assert_eq!(summary().utilisation, Some(ratio(12, 5)));
			Owed::set(Some(1_000 * USD as i128));
			assert_eq!(holding(ALICE).value, Some(0));
			assert_eq!(summary().share_value, Some(ratio(0, 1)));
			assert_eq!(
				LiquidityPool::preview_withdrawal(USD),
				Err(Error::<Test>::NoEquity.into())
			);
		});
}

#[test]
fn previews_are_what_happens() {
	for (lost, owed) in [(0i128, 0i128), (123_456_789, 45_678), (-300_000_001, -7)] {
		ExtBuilder::default()
			.provided(&[(ALICE, 1_000 * USD)])
			.build_and_execute(|| {
				traders_lose(lost);
				Owed::set(Some(owed));
				let shown = LiquidityPool::preview_provide(77_777_777).unwrap();
				assert_eq!(shown.ahead, 0);
				assert_ok!(provide_for(BOB, 77_777_777, shown.shares));
				next_block();
				assert_eq!(shares(BOB), shown.shares);

				let shown = LiquidityPool::preview_withdrawal(shares(BOB)).unwrap();
				assert_eq!(shown.free, shown.value);
				let before = balance(KUSD, BOB);
				assert_ok!(withdraw(BOB, shares(BOB)));
				assert_eq!(requests(BOB).withdrawals[0].due, shown.due);
				assert_eq!(requests(BOB).withdrawals[0].value, Some(shown.value));
				pass(COOLDOWN + 1);
				assert_eq!(balance(KUSD, BOB) - before, shown.value);
			});
	}
}

#[test]
fn previews_fail_as_the_calls_do() {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD)])
		.build_and_execute(|| {
			assert_eq!(
				LiquidityPool::preview_provide(USD - 1),
				Err(Error::<Test>::BelowMinimum.into())
			);
			assert_eq!(
				LiquidityPool::preview_withdrawal(0),
				Err(Error::<Test>::ZeroShares.into())
			);
			MaxWaiting::set(1);
			assert_ok!(provide(BOB, USD));
			assert_ok!(withdraw(ALICE, USD));
			assert_eq!(
				LiquidityPool::preview_provide(USD),
				Err(Error::<Test>::QueueFull.into())
			);
			assert_eq!(
				LiquidityPool::preview_withdrawal(USD),
				Err(Error::<Test>::QueueFull.into())
			);
			BreakerLevel::set(Level::Halted);
			assert_eq!(
				LiquidityPool::preview_provide(USD),
				Err(DispatchError::Other("breaker raised"))
			);
		});
}

#[test]
fn requests_say_what_waits_before_them() {
	ExtBuilder::default()
		.provided(&[(ALICE, 1_000 * USD), (BOB, 1_000 * USD)])
		.build_and_execute(|| {
			let at = Now::get();
			assert_ok!(provide(ALICE, 10 * USD));
			assert_ok!(provide(BOB, 20 * USD));
			assert_ok!(provide_for(ALICE, 30 * USD, 5));
			for (who, amount) in [(ALICE, 100), (BOB, 200), (ALICE, 300)] {
				assert_ok!(withdraw(who, amount * USD));
			}
			let own = requests(ALICE);
			assert_eq!(own.deposits.len(), 2);
			assert_eq!(
				own.deposits[1],
				DepositView {
					id: 4,
					amount: 30 * USD,
					least_shares: 5,
					at,
					ahead: 2
				}
			);
			assert_eq!(own.withdrawals.len(), 2);
			assert_eq!(
				own.withdrawals[1],
				WithdrawalView {
					id: 2,
					shares: 300 * USD,
					value: Some(300 * USD),
					at,
					due: at + COOLDOWN,
					ahead: 300 * USD
				}
			);
			// 2,000 of equity, 1,000 needed, 600 wanted by those before.
			WorstOf::set(500 * USD);
			assert_eq!(
				LiquidityPool::preview_withdrawal(500 * USD),
				Ok(WithdrawalPreview {
					value: 500 * USD,
					free: 400 * USD,
					due: at + COOLDOWN,
					ahead: 600 * USD
				})
			);
			assert_eq!(
				LiquidityPool::preview_provide(USD),
				Ok(ProvidePreview {
					shares: USD,
					ahead: 3
				})
			);
		});
}
