//! Chance does everything that can be done; after each operation every unit is accounted for, and nobody has lost by what
//! another did.

use super::*;
use crate::{Deposits, Withdrawals};
use frame_support::traits::fungibles::Inspect;
use keel_math::{mul_div, FixedU128, Rounding};
use keel_primitives::{Balance, LiquidityPool as _, Moment};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Operation {
	Provide {
		who: usize,
		amount: Balance,
		strict: bool,
	},
	Withdraw {
		who: usize,
		share: u8,
	},
	Cancel {
		who: usize,
		nth: usize,
	},
	CancelDeposit {
		who: usize,
		nth: usize,
	},
	/// Shares change hands.
	Give {
		from: usize,
		to: usize,
		share: u8,
	},
	/// Time passes and a block begins, with prices of `age` before it, or none.
	Block {
		ms: Moment,
		age: Option<Moment>,
		per_block: u32,
	},
	/// Traders lose a share of the pool's equity, in cash.
	Lose {
		per_mille: i128,
	},
	/// The pool owes a share of its cash.
	Owe {
		per_mille: Option<i128>,
	},
	/// The worst case takes a share of the equity.
	Stress {
		per_mille: u128,
	},
	/// Dead feeds hide a share of the equity.
	Hide {
		per_mille: u128,
	},
	/// A share of the cash is lent to traders.
	Lend {
		per_mille: u128,
	},
	/// The custody does not pay, or does.
	Custody {
		fails: bool,
	},
	/// An account can't be paid, or can.
	Forbid {
		who: usize,
		blocked: bool,
	},
}

fn operation() -> impl Strategy<Value = Operation> {
	let who = 0..PROVIDERS.len();
	let amount = (0u32..12, 1u128..1_000).prop_map(|(zeros, digits)| digits * 10u128.pow(zeros));
	let age = prop_oneof![
		1 => Just(None),
		6 => (0..BLOCK).prop_map(Some),
		1 => (0..2 * COOLDOWN).prop_map(Some),
	];
	let ms = prop_oneof![3 => Just(BLOCK), 2 => 1..2 * COOLDOWN];
	prop_oneof![
		8 => (who.clone(), amount, any::<bool>())
			.prop_map(|(who, amount, strict)| Operation::Provide { who, amount, strict }),
		8 => (who.clone(), any::<u8>()).prop_map(|(who, share)| Operation::Withdraw { who, share }),
		2 => (who.clone(), 0usize..5).prop_map(|(who, nth)| Operation::Cancel { who, nth }),
		2 => (who.clone(), 0usize..5).prop_map(|(who, nth)| Operation::CancelDeposit { who, nth }),
		2 => (who.clone(), who.clone(), any::<u8>())
			.prop_map(|(from, to, share)| Operation::Give { from, to, share }),
		14 => (ms, age, prop_oneof![Just(50u32), 1u32..4])
			.prop_map(|(ms, age, per_block)| Operation::Block { ms, age, per_block }),
		4 => (-1_100i128..1_500).prop_map(|per_mille| Operation::Lose { per_mille }),
		4 => prop_oneof![5 => (-1_200i128..1_200).prop_map(Some), 1 => Just(None)]
			.prop_map(|per_mille| Operation::Owe { per_mille }),
		6 => (0u128..700).prop_map(|per_mille| Operation::Stress { per_mille }),
		3 => prop_oneof![2 => Just(0u128), 2 => 0..8u128, 1 => 0..1_500u128]
			.prop_map(|per_mille| Operation::Hide { per_mille }),
		3 => prop_oneof![1 => Just(0u128), 2 => 0..1_100u128]
			.prop_map(|per_mille| Operation::Lend { per_mille }),
		1 => any::<bool>().prop_map(|fails| Operation::Custody { fails }),
		2 => (who, any::<bool>()).prop_map(|(who, blocked)| Operation::Forbid { who, blocked }),
	]
}

/// What leaving would pay if the pool owed `hidden` more than the last prices say, as a fraction; `None`
/// where nobody can.
fn rate(hidden: i128) -> Option<(u128, u128)> {
	let equity = u128::try_from(LiquidityPool::cash() - Owed::get()? - hidden).ok()?;
	let supply = Assets::total_issuance(SHARES);
	if equity == 0 && supply > 0 {
		return None;
	}
	Some(if equity < supply {
		(equity, supply)
	} else {
		(equity + crate::shares::OFFSET, supply + crate::shares::OFFSET)
	})
}

/// Whether the first fraction is at least the second, but for the last of 18 digits.
fn at_least((a, b): (u128, u128), (c, d): (u128, u128)) -> bool {
	let scale = 10u128.pow(18);
	let part = |n, d| mul_div(n, scale, d, Rounding::Down).unwrap_or(u128::MAX);
	part(a, b).saturating_add(1) >= part(c, d)
}

/// Do it. Whether it was carried out.
fn perform(operation: &Operation) -> bool {
	let nth = |ids: Vec<u64>, nth: usize| ids.get(nth % ids.len().max(1)).copied();
	match *operation {
		Operation::Provide { who, amount, strict } => {
			let who = PROVIDERS[who];
			let shown = LiquidityPool::preview_provide(amount);
			let least = shown.as_ref().map_or(0, |shown| shown.shares);
			provide_for(who, amount, if strict { least } else { 0 }).is_ok()
		}
		Operation::Withdraw { who, share } => {
			let who = PROVIDERS[who];
			let part = if share > 200 {
				shares(who)
			} else {
				mul_div(shares(who), share.into(), 255, Rounding::Down).unwrap()
			};
			withdraw(who, part).is_ok()
		}
		Operation::Cancel { who, nth: n } => {
			let who = PROVIDERS[who];
			let ids = requests(who).withdrawals.iter().map(|own| own.id).collect();
			nth(ids, n).is_some_and(|id| {
				// Unless its shares can't go back, which nothing here forbids.
				assert_ok!(cancel(who, id));
				true
			})
		}
		Operation::CancelDeposit { who, nth: n } => {
			let who = PROVIDERS[who];
			let ids = requests(who).deposits.iter().map(|own| own.id).collect();
			// As a call is dispatched.
			nth(ids, n).is_some_and(|id| {
				frame_support::storage::with_storage_layer(|| cancel_deposit(who, id)).is_ok()
			})
		}
		Operation::Give { from, to, share } => {
			let (from, to) = (PROVIDERS[from], PROVIDERS[to]);
			let part = mul_div(shares(from), share.into(), 255, Rounding::Down).unwrap();
			Assets::transfer(RuntimeOrigin::signed(from), SHARES, to, part).is_ok()
		}
		Operation::Block { ms, age, per_block } => {
			Chain::mutate(|chain| chain.orders_per_block = per_block);
			Now::mutate(|now| *now += ms);
			PricedAt::set(age.map(|age| Now::get() - age));
			let before = (
				Deposits::<Test>::iter().count(),
				Withdrawals::<Test>::iter().count(),
			);
			let known = events().len();
			poll();
			// A part of a withdrawal, or one that failed, is served too, and stays.
			let served = events().len() - known;
			assert!(served <= 2 * per_block as usize, "{served} of {per_block}");
			before
				!= (
					Deposits::<Test>::iter().count(),
					Withdrawals::<Test>::iter().count(),
				)
		}
		Operation::Lose { per_mille } => {
			let equity = (LiquidityPool::cash() - Owed::get().unwrap_or(0)).abs();
			// So that numbers stay those of a world with that much kUSD.
			if equity > 10i128.pow(20) {
				return false;
			}
			traders_lose(equity / 1_000 * per_mille);
			true
		}
		Operation::Owe { per_mille } => {
			Owed::set(per_mille.map(|part| LiquidityPool::cash().abs() / 1_000 * part));
			true
		}
		Operation::Stress { per_mille } => {
			let equity = summary()
				.equity
				.map_or(0, |equity| u128::try_from(equity).unwrap_or(0));
			WorstOf::set(equity / 1_000 * per_mille);
			true
		}
		Operation::Hide { per_mille } => {
			Unpriced::set(LiquidityPool::cash().unsigned_abs() / 1_000 * per_mille);
			true
		}
		Operation::Lend { per_mille } => {
			Overdrawn::set(LiquidityPool::cash().unsigned_abs() / 1_000 * per_mille);
			true
		}
		Operation::Custody { fails } => {
			CustodyFails::set(fails);
			true
		}
		Operation::Forbid { who, blocked } => {
			if blocked {
				block(KUSD, PROVIDERS[who]);
			} else {
				unblock(KUSD, PROVIDERS[who]);
			}
			true
		}
	}
}

/// Whether it is the markets' doing what a share is worth after it.
fn moves_the_price(operation: &Operation) -> bool {
	matches!(
		operation,
		Operation::Lose { .. } | Operation::Owe { .. } | Operation::Stress { .. } | Operation::Hide { .. }
	)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(80))]

	#[test]
	fn when_anything_happens_should_conserve_every_unit(
		operations in prop::collection::vec(operation(), 120..180),
	) {
		ExtBuilder::default().build_and_execute(|| {
			let mut done = 0;
			for operation in &operations {
				// Whatever the markets that are not priced are worth in the end.
				let hidden = i128::try_from(Unpriced::get()).unwrap();
				let rates = || [-hidden, 0, hidden].map(rate);
				let before = (rates(), summary());
				let held = LiquidityPool::held();
				done += u32::from(perform(operation));
				check();
				if moves_the_price(operation) {
					continue;
				}
				// Nobody's coming or going lowers what the others are paid.
				for pair in before.0.into_iter().zip(rates()) {
					let (Some(before), Some(after)) = pair else {
						continue;
					};
					if Assets::total_issuance(SHARES) > 0 {
						assert!(at_least(after, before), "{operation:?}: {before:?} to {after:?}");
					}
				}
				// Whoever left did not leave the worst case uncovered, nor took what was not there.
				let (was, now) = (before.1, summary());
				if now.cash < was.cash {
					assert!(now.cash >= Overdrawn::get() as i128, "{operation:?}");
					assert!(
						now.utilisation.is_some_and(|part| part <= FixedU128::from_u32(1)),
						"{operation:?}: {now:?}"
					);
				}
				// What the pool holds moves only with what its users have.
				let moved = LiquidityPool::held() - held;
				if matches!(operation, Operation::Give { .. } | Operation::Cancel { .. }) {
					assert_eq!(moved, 0);
				}
			}
			assert!(done > 20, "only {done} operations were carried out");

			// Exits stay open: once the markets are calm, everybody leaves.
			for who in PROVIDERS {
				unblock(KUSD, who);
			}
			CustodyFails::set(false);
			Owed::set(Some(0));
			WorstOf::set(0);
			Unpriced::set(0);
			Overdrawn::set(0);
			PricedAt::set(None);
			Chain::mutate(|chain| chain.orders_per_block = 100);
			if LiquidityPool::cash() <= 0 {
				traders_lose(10 * USD as i128 - LiquidityPool::cash());
			}
			next_block();
			for who in PROVIDERS {
				for own in requests(who).withdrawals {
					assert_ok!(cancel(who, own.id));
				}
			}
			assert_eq!((state().deposits.count, state().withdrawals.count), (0, 0));
			for who in PROVIDERS {
				if shares(who) > 0 && shares(who) >= summary().least_withdrawal {
					assert_ok!(withdraw(who, shares(who)));
				}
			}
			pass(COOLDOWN + 1);
			assert_eq!(state().leaving, 0);
			assert!(LiquidityPool::cash() >= 0);
			check();
		});
	}
}
