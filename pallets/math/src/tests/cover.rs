use super::*;
use crate::cover::*;

proptest! {
	#![proptest_config(ProptestConfig::with_cases(4_000))]

	#[test]
	fn the_share_is_exact_but_for_rounding_up(held in wide(), target in wide(), near in 0..=3 * ONE, close in any::<bool>()) {
		// Half of the cases on the line.
		let held = if close { crate::mul_ratio(target, f(near), Rounding::Down).unwrap_or(held) } else { held };
		let share = fixed(fee_share(held, target).into_inner());
		let exact = if target == 0 {
			if held == 0 { q(1) } else { ratio(1, 10) }
		} else {
			(q(1) - ratio(9, 10) * (ratio(held, target) - ratio(1, 2))).clamp(ratio(1, 10), q(1))
		};
		prop_assert!(share >= exact);
		prop_assert!(share < exact + fixed(2));
	}

	/// The fuller the fund, the less it takes; the more it should hold, the more.
	#[test]
	fn the_share_follows_the_fund(held in up_to_bits(100), target in up_to_bits(100), more in up_to_bits(100)) {
		prop_assert!(fee_share(held + more, target) <= fee_share(held, target));
		prop_assert!(fee_share(held, target + more) >= fee_share(held, target));
	}
}

#[test]
fn the_line_by_hand() {
	let percent = ONE / 100;
	for (held, share) in [
		(0, 100),
		(50, 100),
		(60, 91),
		(100, 55),
		(140, 19),
		(150, 10),
		(1_000, 10),
	] {
		assert_eq!(fee_share(held, 100), f(share * percent), "{held} %");
	}
}

#[test]
fn the_ends() {
	let tenth = f(ONE / 10);
	assert_eq!(fee_share(0, 0), f(ONE));
	assert_eq!(fee_share(1, 0), tenth);
	assert_eq!(fee_share(u128::MAX, 0), tenth);
	assert_eq!(fee_share(u128::MAX, 1), tenth);
	assert_eq!(fee_share(0, u128::MAX), f(ONE));
	assert_eq!(fee_share(u128::MAX, u128::MAX), f(ONE / 100 * 55));
}
