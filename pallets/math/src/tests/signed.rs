use super::*;
use crate::signed::*;

proptest! {
	#![proptest_config(ProptestConfig::with_cases(4_000))]

	#[test]
	fn mul_div_signed_is_exact_in_every_rounding(a in wide_signed(), b in wide(), c in wide()) {
		for rounding in ROUNDINGS {
			let expected = (c > 0).then(|| q(a) * q(b) / q(c)).and_then(|exact| rounded_signed(&exact, rounding));
			prop_assert_eq!(mul_div_signed(a, b, c, rounding), expected, "{:?}", rounding);
		}
	}

	/// What one side is credited is never more than what the other is charged.
	#[test]
	fn a_credit_is_no_more_than_its_charge(a in wide_signed(), b in up_to_bits(90), c in wide()) {
		let pair = (mul_div_signed(a, b, c, Rounding::Down), mul_div_signed(a, b, c, Rounding::Up));
		if let (Some(credit), Some(charge)) = pair {
			prop_assert!(credit <= charge && charge - credit <= 1);
			// The same with the sign turned round.
			if let Some(opposite) = a.checked_neg() {
				prop_assert_eq!(mul_div_signed(opposite, b, c, Rounding::Down), charge.checked_neg());
			}
		}
	}

	#[test]
	fn a_sign_changes_nothing_but_the_sign(magnitude in wide(), negative in any::<bool>()) {
		let exact = if negative { -q(magnitude) } else { q(magnitude) };
		prop_assert_eq!(with_sign(magnitude, negative), exact.to_integer().to_i128());
		prop_assert_eq!(signed(magnitude), q(magnitude).to_integer().to_i128());
	}
}

#[test]
fn the_lowest_number_is_one() {
	let lowest = 1u128 << 127;
	assert_eq!(with_sign(lowest, true), Some(i128::MIN));
	assert_eq!(with_sign(lowest, false), None);
	assert_eq!(with_sign(lowest + 1, true), None);
	assert_eq!(with_sign(lowest - 1, true), Some(i128::MIN + 1));
	assert_eq!(with_sign(lowest - 1, false), Some(i128::MAX));
	assert_eq!(with_sign(0, true), Some(0));
	for rounding in ROUNDINGS {
		assert_eq!(mul_div_signed(i128::MIN, 1, 1, rounding), Some(i128::MIN));
		assert_eq!(
			mul_div_signed(i128::MIN, u128::MAX, u128::MAX, rounding),
			Some(i128::MIN)
		);
		assert_eq!(mul_div_signed(i128::MIN, 3, 2, rounding), None);
		assert_eq!(mul_div_signed(i128::MIN, 1, 0, rounding), None);
		assert_eq!(mul_div_signed(i128::MIN, 0, 1, rounding), Some(0));
	}
}

#[test]
fn rounding_goes_along_the_number_line() {
	let all = |a| ROUNDINGS.map(|rounding| mul_div_signed(a, 1, 2, rounding));
	assert_eq!(all(5), [Some(3), Some(2), Some(3), Some(2)]);
	assert_eq!(all(-5), [Some(-2), Some(-3), Some(-2), Some(-3)]);
	assert_eq!(all(-4), [Some(-2); 4]);
}
