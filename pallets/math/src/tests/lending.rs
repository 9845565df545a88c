use super::*;
use crate::lending::*;

fn curve() -> impl Strategy<Value = Curve> {
	(
		magnitudes(1.0, 1e19),
		magnitudes(1.0, 1e20),
		0..=2 * ONE,
		magnitudes(1.0, 1e21),
	)
		.prop_map(|(base, slope, kink, jump)| Curve {
			base: f(base),
			slope: f(slope),
			kink: f(kink),
			jump: f(jump),
		})
}

/// What the curve is without rounding.
fn exact(curve: &Curve, utilisation: u128) -> BigRational {
	let at = |n: FixedU128| fixed(n.into_inner());
	let (u, kink) = (fixed(utilisation), at(curve.kink));
	if u <= kink {
		return at(curve.base) + at(curve.slope) * u;
	}
	at(curve.base) + at(curve.slope) * &kink + at(curve.jump) * (u - kink)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(4_000))]

	#[test]
	fn utilisation_is_exact_and_at_most_all(borrowed in wide(), supplied in wide()) {
		let expected = match (borrowed, supplied) {
			(0, _) => q(0),
			(_, 0) => q(1),
			_ => ratio(borrowed, supplied).min(q(1)),
		};
		let expected = rounded(&(expected * q(ONE)), Rounding::Up).expect("at most one");
		prop_assert_eq!(utilisation(borrowed, supplied), f(expected));
	}

	/// Two products, each rounded up.
	#[test]
	fn the_rate_is_exact_but_for_rounding_up(curve in curve(), u in 0..=ONE) {
		let rate = fixed(curve.rate(f(u)).expect("within the type").into_inner());
		let exact = exact(&curve, u);
		prop_assert!(rate >= exact);
		prop_assert!(rate < exact + fixed(2));
	}

	#[test]
	fn the_rate_never_falls(curve in curve(), a in 0..=ONE, b in 0..=ONE) {
		prop_assert!(curve.rate(f(a.min(b))) <= curve.rate(f(a.max(b))));
	}

	/// Borrowing more never makes it cheaper, lending more never makes it dearer.
	#[test]
	fn the_rate_follows_the_reserve(
		curve in curve(), borrowed in up_to_bits(100), supplied in up_to_bits(100), more in up_to_bits(100),
	) {
		let rate = |borrowed, supplied| curve.rate(utilisation(borrowed, supplied)).expect("within the type");
		prop_assert!(rate(borrowed + more, supplied) >= rate(borrowed, supplied));
		prop_assert!(rate(borrowed, supplied + more) <= rate(borrowed, supplied));
	}
}

/// 2 % at rest, 10 % at the kink of 80 %, 110 % at the end.
#[test]
fn a_curve_by_hand() {
	let percent = ONE / 100;
	let curve = Curve {
		base: f(2 * percent),
		slope: f(10 * percent),
		kink: f(80 * percent),
		jump: f(500 * percent),
	};
	for (u, expected) in [(0, 2), (40, 6), (80, 10), (81, 15), (100, 110)] {
		assert_eq!(curve.rate(f(u * percent)), Some(f(expected * percent)), "{u} %");
	}
	assert_eq!(utilisation(1, 3), f(ONE / 3 + 1));
	assert_eq!(utilisation(u128::MAX, 1), f(ONE));
	assert_eq!(utilisation(0, 0), f(0));
	assert_eq!(utilisation(1, 0), f(ONE));
}

#[test]
fn what_does_not_fit_is_none() {
	let zero = Curve {
		base: f(0),
		slope: f(0),
		kink: f(0),
		jump: f(0),
	};
	assert_eq!(zero.rate(f(u128::MAX)), Some(f(0)));
	let base = Curve {
		base: f(u128::MAX),
		..zero
	};
	assert_eq!(base.rate(f(ONE)), Some(f(u128::MAX)));
	let both = Curve {
		slope: f(1),
		kink: f(ONE),
		..base
	};
	assert_eq!(both.rate(f(1)), None);
	let jump = Curve {
		jump: f(u128::MAX),
		..zero
	};
	assert_eq!(jump.rate(f(ONE)), Some(f(u128::MAX)));
	assert_eq!(jump.rate(f(ONE + 1)), None);
}
