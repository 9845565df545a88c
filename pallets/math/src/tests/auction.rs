use super::*;
use crate::auction::*;

proptest! {
	#![proptest_config(ProptestConfig::with_cases(500))]

	/// Rounded up, and by less than the stated error.
	#[test]
	fn the_stairs_are_exact_but_for_rounding_up(
		top in magnitudes(1.0, 1e27), cut in 0..=ONE, near_one in any::<bool>(), step in 1u64..600, elapsed in 0u64..200_000,
	) {
		// An auction's cut is near one.
		let cut = if near_one { ONE - cut / 50 } else { cut };
		let price = stairstep_exponential(f(top), f(cut), step, elapsed).expect("within the type");
		let (low, high) = power(&fixed(cut), elapsed / step);
		prop_assert!(q(price.into_inner()) >= q(top) * low);
		prop_assert!(q(price.into_inner()) <= q(top) * (high + q(2 * (elapsed / step) + 128) * ten(-27)) + q(1));
	}

	#[test]
	fn the_stairs_never_rise_and_move_only_at_a_step(
		top in magnitudes(1.0, 1e27), cut in 0..=ONE, step in 1u64..600, elapsed in 0u64..20_000,
	) {
		let at = |t| stairstep_exponential(f(top), f(cut), step, t).expect("within the type");
		prop_assert_eq!(at(0), f(top));
		prop_assert_eq!(at(elapsed), at(elapsed / step * step));
		// Rounding up may lift a price that has stopped falling by the error of its factor.
		let lift = crate::mul_div(top, 2 * (elapsed / step) as u128 + 130, RAY, Rounding::Up).expect("within the type") + 1;
		prop_assert!(at(elapsed + step).into_inner() <= at(elapsed).into_inner() + lift);
	}

	#[test]
	fn linear_is_exact(top in wide(), duration in any::<u64>(), elapsed in any::<u64>(), shift in 0u32..64) {
		let elapsed = elapsed >> shift;
		let left = duration.saturating_sub(elapsed);
		let exact = if left == 0 { q(0) } else { q(top) * q(left) / q(duration) };
		let price = linear(f(top), duration, elapsed).map(|p| p.into_inner());
		prop_assert_eq!(price, rounded(&exact, Rounding::Up));
		let later = linear(f(top), duration, elapsed.saturating_add(1)).map(|p| p.into_inner());
		prop_assert!(later <= price);
	}
}

#[test]
fn few_cuts_are_exact() {
	let price = |elapsed| stairstep_exponential(f(110 * ONE), f(ONE / 100 * 99), 20, elapsed);
	assert_eq!(price(19), Some(f(110 * ONE)));
	assert_eq!(price(20), Some(f(108_900_000_000_000_000_000)));
	assert_eq!(price(40), Some(f(107_811_000_000_000_000_000)));
	assert_eq!(price(59), Some(f(107_811_000_000_000_000_000)));
}

#[test]
fn a_step_of_zero_is_one_second() {
	let (top, cut) = (f(1_000 * ONE), f(ONE / 10 * 9));
	assert_eq!(
		stairstep_exponential(top, cut, 0, 3),
		stairstep_exponential(top, cut, 1, 3)
	);
	assert_eq!(stairstep_exponential(top, cut, 0, 3), Some(f(729 * ONE)));
}

#[test]
fn the_ends_of_a_curve() {
	assert_eq!(linear(f(ONE), 0, 0), Some(f(0)));
	assert_eq!(linear(f(u128::MAX), u64::MAX, 0), Some(f(u128::MAX)));
	assert_eq!(linear(f(u128::MAX), u64::MAX, u64::MAX), Some(f(0)));
	assert_eq!(
		stairstep_exponential(f(u128::MAX), f(ONE), 1, u64::MAX),
		Some(f(u128::MAX))
	);
	assert_eq!(stairstep_exponential(f(u128::MAX), f(0), 1, 1), Some(f(0)));
	assert_eq!(stairstep_exponential(f(ONE), f(2 * ONE), 1, 1_000), None);
	assert_eq!(stairstep_exponential(f(ONE), f(u128::MAX), 1, 1), None);
	assert_eq!(stairstep_exponential(f(u128::MAX), f(ONE + 1), 1, 1), None);
}
