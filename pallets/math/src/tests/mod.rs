//! The maths against exact rationals, high-precision references and published numbers.

use num_bigint::{BigInt, BigUint};
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use proptest::prelude::*;

use crate::{FixedU128, Rounding, ONE, RAY};

mod auction;
mod cover;
mod interest;
mod ladder;
mod lending;
mod liquidation;
mod margin;
mod panics;
mod perpetual;
mod product_sum;
mod reference;
mod signed;
mod statistics;
mod value;

pub(crate) const ROUNDINGS: [Rounding; 4] = [
	Rounding::Up,
	Rounding::Down,
	Rounding::NearestPrefUp,
	Rounding::NearestPrefDown,
];

/// An integer as a rational.
pub(crate) fn q(n: impl Into<BigInt>) -> BigRational {
	BigRational::from_integer(n.into())
}

/// `n / d`.
pub(crate) fn ratio(n: impl Into<BigInt>, d: impl Into<BigInt>) -> BigRational {
	BigRational::new(n.into(), d.into())
}

/// What the inner value of a `FixedU128` stands for.
pub(crate) fn fixed(inner: u128) -> BigRational {
	ratio(inner, ONE)
}

/// What a ray stands for.
pub(crate) fn ray(inner: u128) -> BigRational {
	ratio(inner, RAY)
}

/// `10^exponent`, also for negative exponents.
pub(crate) fn ten(exponent: i32) -> BigRational {
	let power = q(BigInt::from(10).pow(exponent.unsigned_abs()));
	if exponent < 0 {
		power.recip()
	} else {
		power
	}
}

/// A rational rounded as told along the number line.
fn to_integer(exact: &BigRational, rounding: Rounding) -> BigInt {
	let half = ratio(1, 2);
	let integer = match rounding {
		Rounding::Up => exact.ceil(),
		Rounding::Down => exact.floor(),
		Rounding::NearestPrefUp => (exact + half).floor(),
		Rounding::NearestPrefDown => (exact - half).ceil(),
	};
	integer.to_integer()
}

/// A non-negative rational rounded as told; `None` beyond 128 bits.
pub(crate) fn rounded(exact: &BigRational, rounding: Rounding) -> Option<u128> {
	to_integer(exact, rounding).to_u128()
}

/// A rational rounded as told along the number line; `None` beyond 128 bits.
pub(crate) fn rounded_signed(exact: &BigRational, rounding: Rounding) -> Option<i128> {
	to_integer(exact, rounding).to_i128()
}

/// What a signed number with 18 decimals stands for.
pub(crate) fn fixed_signed(inner: i128) -> BigRational {
	ratio(inner, ONE)
}

/// A fixed number from its inner value.
pub(crate) fn f(inner: u128) -> FixedU128 {
	FixedU128::from_inner(inner)
}

/// Any number: edges, and otherwise as many of each length in bits.
pub(crate) fn wide() -> impl Strategy<Value = u128> {
	prop_oneof![
		1 => prop::sample::select(vec![0, 1, 2, ONE - 1, ONE, ONE + 1, RAY, u128::MAX / 2, u128::MAX - 1, u128::MAX]),
		9 => up_to_bits(128),
	]
}

/// Numbers of up to `bits` bits, as many of each length.
pub(crate) fn up_to_bits(bits: u32) -> impl Strategy<Value = u128> {
	(128 - bits..=127, any::<u128>()).prop_map(|(shift, n)| n >> shift)
}

/// Numbers in a range, as many of each magnitude.
pub(crate) fn magnitudes(from: f64, to: f64) -> impl Strategy<Value = u128> {
	(from.ln()..to.ln()).prop_map(|l| l.exp() as u128)
}

/// Any signed number, as many of each length in bits.
pub(crate) fn wide_signed() -> impl Strategy<Value = i128> {
	prop_oneof![
		1 => prop::sample::select(vec![0, 1, -1, i128::MAX, i128::MIN, i128::MIN + 1]),
		9 => (0u32..=127, any::<i128>()).prop_map(|(shift, n)| n >> shift),
	]
}

/// Decimals after the point of the high-precision references.
const DIGITS: u32 = 90;

/// `base^exponent` between two rationals less than `10^−60` of it apart, for a `base` within `[0, 10]` and results
/// below `10^12`.
pub(crate) fn power(base: &BigRational, exponent: u64) -> (BigRational, BigRational) {
	let one = BigUint::from(10u8).pow(DIGITS);
	let scaled = base * ten(DIGITS as i32);
	let unsigned = |r: BigRational| r.to_integer().to_biguint().expect("not negative");
	let run = |mut base: BigUint, up: bool| {
		let product =
			|a: &BigUint, b: &BigUint| (a * b + if up { &one - 1u8 } else { BigUint::zero() }) / &one;
		let (mut result, mut left) = (one.clone(), exponent);
		while left > 0 {
			if left & 1 == 1 {
				result = product(&result, &base);
			}
			left >>= 1;
			base = product(&base, &base);
		}
		ratio(result, one.clone())
	};
	let (low, high) = (
		run(unsigned(scaled.floor()), false),
		run(unsigned(scaled.ceil()), true),
	);
	assert!(low <= high);
	(low, high)
}

/// `e^x` within `10^−60` of itself, for `|x| ≤ 100`: Taylor's series of `x / 2^16`, then squared back.
pub(crate) fn exp(x: &BigRational) -> BigRational {
	let one = BigInt::from(10).pow(DIGITS);
	let step = (x * ten(DIGITS as i32)).to_integer() / 65_536;
	let (mut term, mut sum, mut n) = (one.clone(), one.clone(), 1u32);
	while !term.is_zero() {
		term = &term * &step / &one / n;
		sum += &term;
		n += 1;
	}
	for _ in 0..16 {
		sum = &sum * &sum / &one;
	}
	ratio(sum, one)
}

mod references {
	use super::*;

	#[test]
	fn power_brackets_exact_powers() {
		let base = ratio(7, 3);
		let exact = num_traits::pow(base.clone(), 23);
		let (low, high) = power(&base, 23);
		assert!(low <= exact && exact <= high && (high - low) < ten(-60));
		assert_eq!(
			power(&BigRational::one(), u64::MAX),
			(BigRational::one(), BigRational::one())
		);
	}

	#[test]
	fn exp_gives_known_digits() {
		let e = "2718281828459045235360287471352662497757247093699959574966967"
			.parse::<BigInt>()
			.expect("digits");
		assert!((exp(&q(1)) - ratio(e.clone(), BigInt::from(10).pow(60))).abs() < ten(-59));
		assert!((exp(&q(-1)) * ratio(e, BigInt::from(10).pow(60)) - q(1)).abs() < ten(-59));
		assert_eq!(exp(&q(0)), q(1));
	}

	#[test]
	fn rounding_goes_the_four_ways() {
		let half = ratio(5, 2);
		let all = ROUNDINGS.map(|r| rounded(&half, r));
		assert_eq!(all, [Some(3), Some(2), Some(3), Some(2)]);
		assert_eq!(rounded(&q(BigInt::one() << 128), Rounding::Down), None);
	}
}
