//! What shares are worth, without a pallet.

use crate::shares::{available, equity_needed, free, least_withdrawal, utilisation, Worth, OFFSET};
use keel_math::{mul_ratio, FixedU128, Rounding};
use proptest::prelude::*;

fn worth(equity: i128, supply: u128) -> Worth {
	Worth { equity, supply }
}

#[test]
fn the_first_share_costs_one_kusd() {
	assert_eq!(worth(0, 0).shares_for(5_000_000), Some(5_000_000));
	assert_eq!(worth(0, 0).share_value(), Some(FixedU128::from_u32(1)));
}

#[test]
fn reference_values() {
	// 1,000 kUSD, 500 shares: (1000 + 1)/(500 + 1) = 1.998003992… per share.
	let rich = worth(1_000_000_000, 500_000_000);
	assert_eq!(rich.shares_for(1_000_000_000), Some(500_499_500));
	assert_eq!(rich.value_of(500_000_000), Some(999_001_996));
	assert_eq!(
		rich.share_value(),
		Some(FixedU128::from_inner(1_998_003_992_015_968_063))
	);
	// 500 kUSD, 1,000 shares: in at 501/1001, out at 500/1000.
	let poor = worth(500_000_000, 1_000_000_000);
	assert_eq!(poor.shares_for(500_000_000), Some(999_001_996));
	assert_eq!(poor.value_of(1_000_000_000), Some(500_000_000));
	assert_eq!(poor.share_value(), Some(FixedU128::from_rational(1, 2)));
}

#[test]
fn without_equity_there_is_no_price() {
	for broke in [worth(0, 1), worth(-1, 1), worth(-1, 0), worth(i128::MIN, 0)] {
		let filled = broke.shares_for(1_000_000);
		assert_eq!(filled.is_some(), broke.equity == 0, "{broke:?}");
		assert_eq!(broke.value_of(1), None, "{broke:?}");
		assert_eq!(broke.shares_within(1), None, "{broke:?}");
		assert_eq!(broke.share_value(), Some(FixedU128::from_inner(0)), "{broke:?}");
	}
}

/// The kind: a state that nothing leads out of. A pool that was emptied to the last unit can be filled again,
/// and those who lost everything keep a part of a kUSD.
#[test]
fn an_emptied_pool_can_be_filled_again() {
	let emptied = worth(0, 1_000_000_000_000);
	let bought = emptied.shares_for(1_000_000_000).unwrap();
	let filled = worth(1_000_000_000, emptied.supply + bought);
	assert!(filled.value_of(bought).unwrap() >= 998_000_000);
	assert!(filled.value_of(emptied.supply).unwrap() < 1_000_000);
}

#[test]
fn the_offset_pays_for_nobody() {
	// With the offset alone, one share would be paid 0.50005 kUSD of a pool that has 0.0001.
	assert_eq!(worth(100, OFFSET).value_of(OFFSET), Some(100));
	assert_eq!(worth(1, u128::MAX / 4).value_of(u128::MAX / 4), Some(1));
}

#[test]
fn what_does_not_fit_is_refused() {
	assert_eq!(worth(1, u128::MAX).shares_for(1), None);
	assert_eq!(worth(1, u128::MAX / 2).shares_for(u128::MAX), None);
	assert_eq!(worth(i128::MAX, 0).value_of(u128::MAX), None);
}

#[test]
fn the_worst_case_needs_equity() {
	let half = FixedU128::from_rational(1, 2);
	assert_eq!(equity_needed(0, FixedU128::from_inner(0)), 0);
	assert_eq!(equity_needed(1, FixedU128::from_inner(0)), u128::MAX);
	assert_eq!(equity_needed(5, half), 10);
	assert_eq!(equity_needed(u128::MAX, half), u128::MAX);
	assert_eq!(free(100, 100, 20, half), 60);
	assert_eq!(free(100, 100, 51, half), 0);
	// What traders owe is not there yet.
	assert_eq!(free(30, 100, 20, half), 30);
	assert_eq!(free(0, 100, 20, half), 0);
	assert_eq!(free(100, -1, 0, half), 0);
	assert_eq!((available(30, 0), available(-30, 0)), (30, 0));
	assert_eq!((available(30, 20), available(30, 31)), (10, 0));
	assert_eq!(available(i128::MIN, u128::MAX), 0);
	assert_eq!(utilisation(0, -5, half), Some(FixedU128::from_inner(0)));
	assert_eq!(utilisation(25, 100, half), Some(half));
	assert_eq!(utilisation(100, 100, half), Some(FixedU128::from_u32(2)));
	assert_eq!(utilisation(1, 0, half), None);
}

#[test]
fn a_queue_cannot_be_filled_with_less_than_the_pool() {
	assert_eq!(least_withdrawal(1_000_000_000_000, 0, 1_000), 0);
	assert_eq!(least_withdrawal(1_000_000_000_000, 10, 1_000), 4_000);
	assert_eq!(least_withdrawal(1_000_000_000_000, 500, 1_000), 500_000_000);
	assert_eq!(least_withdrawal(0, 500, 1_000), 0);
	for (supply, most) in [(1_000_000_000_000u128, 1_000u32), (1_000_000_000_000_000, 100)] {
		let all: u128 = (0..most).map(|n| least_withdrawal(supply, n, most)).sum();
		assert!(all <= supply && all >= supply / 100 * 97, "{all} of {supply}");
	}
	// The largest queue there may be.
	assert!(least_withdrawal(u128::MAX / 5, 999_999, 1_000_000) > 0);
	// More than there are shares.
	assert_eq!(least_withdrawal(u128::MAX, u32::MAX, 1), u128::MAX);
}

/// A million small visits to a pool of an odd value, in maths.
#[test]
fn when_visited_a_million_times_should_never_pay_a_unit() {
	for (equity, supply) in [
		(1_000_000_007i128, 700_000_001u128),
		(700_000_001, 1_000_000_007),
		(3, 1_000_003),
		(10_000_000_019, 3),
	] {
		let mut pool = worth(equity, supply);
		let (mut spent, mut received) = (0u128, 0u128);
		for visit in 0u128..250_000 {
			let amount = 1 + visit % 1_013;
			let shares = pool.shares_for(amount).unwrap();
			pool.equity += amount as i128;
			pool.supply += shares;
			let value = pool.value_of(shares).unwrap();
			pool.equity -= value as i128;
			pool.supply -= shares;
			spent += amount;
			received += value;
			assert!(value <= amount);
		}
		assert!(received < spent);
		assert!(pool.equity > equity && pool.supply == supply);
	}
}

/// `a/b ≥ c/d`.
fn at_least(a: u128, b: u128, c: u128, d: u128) -> bool {
	// Small enough to multiply: tests draw less than 10¹⁸.
	a * d >= c * b
}

/// Whether leaving `after` pays at least what leaving `before` did, exactly.
fn no_worse(after: Worth, before: Worth) -> bool {
	let rate = |pool: Worth| {
		let equity = pool.equity as u128;
		if equity < pool.supply {
			(equity, pool.supply)
		} else {
			(equity + OFFSET, pool.supply + OFFSET)
		}
	};
	let ((a, b), (c, d)) = (rate(after), rate(before));
	at_least(a, b, c, d)
}

fn amounts() -> impl Strategy<Value = u128> {
	(0u32..16, 1u128..1_000).prop_map(|(zeros, digits)| digits * 10u128.pow(zeros))
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(4_000))]

	#[test]
	fn coming_and_going_never_lowers_what_the_others_are_paid(
		equity in amounts(),
		supply in amounts(),
		amount in amounts(),
		part in 0u128..=1_000,
	) {
		let before = worth(equity as i128, supply);
		let bought = before.shares_for(amount).unwrap();
		let after = worth((equity + amount) as i128, supply + bought);
		if after.supply < 10u128.pow(18) {
			prop_assert!(no_worse(after, before));
		}
		// In and out again never pays.
		prop_assert!(after.value_of(bought).unwrap() <= amount);

		let sold = supply * part / 1_000;
		let paid = before.value_of(sold).unwrap();
		prop_assert!(paid <= equity);
		let left = worth((equity - paid) as i128, supply - sold);
		prop_assert!(no_worse(left, before));
	}

	#[test]
	fn a_part_is_never_paid_more_than_is_free(
		equity in amounts(),
		supply in amounts(),
		free in amounts(),
		split in 0u128..=1_000,
	) {
		let pool = worth(equity as i128, supply);
		let part = pool.shares_within(free).unwrap();
		prop_assert!(pool.value_of(part).unwrap() <= free);
		// The largest such part, but for rounding.
		let one_more = pool.value_of(part + 2).unwrap();
		let per_share = pool.value_of(1).unwrap() + 1;
		prop_assert!(one_more + 2 * per_share >= free);
		// Two parts never bring more than the whole.
		let (first, second) = (supply * split / 1_000, supply - supply * split / 1_000);
		let whole = pool.value_of(supply).unwrap();
		prop_assert!(pool.value_of(first).unwrap() + pool.value_of(second).unwrap() <= whole);
	}

	#[test]
	fn what_is_needed_is_enough_and_no_more(worst in amounts(), percent in 1u128..=300) {
		let limit = FixedU128::from_rational(percent, 100);
		let needed = equity_needed(worst, limit);
		prop_assert!(mul_ratio(needed, limit, Rounding::Down).unwrap() >= worst);
		prop_assert!(mul_ratio(needed - 1, limit, Rounding::Down).unwrap() < worst);
	}
}
