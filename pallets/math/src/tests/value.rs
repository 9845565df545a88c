use super::*;
use crate::{div_ratio, mul_div, mul_ratio, sqrt, value::*};

proptest! {
	#![proptest_config(ProptestConfig::with_cases(4_000))]

	#[test]
	fn mul_div_is_exact_in_every_rounding(a in wide(), b in wide(), c in wide()) {
		for rounding in ROUNDINGS {
			let expected = if c == 0 { None } else { rounded(&(q(a) * q(b) / q(c)), rounding) };
			prop_assert_eq!(mul_div(a, b, c, rounding), expected, "{:?}", rounding);
		}
	}

	#[test]
	fn ratios_are_exact_in_every_rounding(amount in wide(), by in wide()) {
		for rounding in ROUNDINGS {
			prop_assert_eq!(mul_ratio(amount, f(by), rounding), rounded(&(q(amount) * fixed(by)), rounding));
			let expected = if by == 0 { None } else { rounded(&(q(amount) / fixed(by)), rounding) };
			prop_assert_eq!(div_ratio(amount, f(by), rounding), expected);
		}
	}

	#[test]
	fn sqrt_is_the_floor_of_the_root(value in wide()) {
		let root = BigUint::from(sqrt(f(value)).into_inner());
		let square = BigUint::from(value) * ONE;
		prop_assert!(&root * &root <= square);
		prop_assert!((&root + 1u8) * (&root + 1u8) > square);
	}
}

#[test]
fn mul_div_holds_at_every_combination_of_edges() {
	let edges = [
		0,
		1,
		2,
		3,
		ONE,
		RAY,
		1 << 64,
		(1 << 64) - 1,
		u128::MAX / 2,
		u128::MAX / 2 + 1,
		u128::MAX - 1,
		u128::MAX,
	];
	for (a, b, c) in edges
		.iter()
		.flat_map(|a| edges.iter().flat_map(|b| edges.map(|c| (*a, *b, c))))
	{
		for rounding in ROUNDINGS {
			let expected = if c == 0 {
				None
			} else {
				rounded(&(q(a) * q(b) / q(c)), rounding)
			};
			assert_eq!(
				mul_div(a, b, c, rounding),
				expected,
				"{a} · {b} / {c} {rounding:?}"
			);
		}
	}
}

#[test]
fn price_divisor_turns_whole_units_into_whole_units() {
	for (collateral, synthetic) in (0..=18u8).flat_map(|c| (0..=18u8).map(move |s| (c, s))) {
		let divisor = price_divisor(collateral, synthetic).expect("18 decimals at most");
		assert_eq!(q(divisor), ten(18 + collateral as i32 - synthetic as i32));
		// One whole unit at 3 USD is worth three whole units of the synthetic.
		let worth = value_of(10u128.pow(collateral as u32), f(3 * ONE), divisor, Rounding::Down);
		assert_eq!(worth, Some(3 * 10u128.pow(synthetic as u32)));
	}
	assert_eq!(price_divisor(19, 6), None);
	assert_eq!(price_divisor(6, 19), None);
	assert_eq!(price_divisor(u8::MAX, u8::MAX), None);
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(2_000))]

	#[test]
	fn value_and_amount_are_exact_for_all_decimals(
		amount in wide(), price in wide(), collateral in 0u8..=18, synthetic in 0u8..=18,
	) {
		let divisor = price_divisor(collateral, synthetic).expect("18 decimals at most");
		let unit_price = fixed(price) * ten(synthetic as i32 - collateral as i32);
		for rounding in ROUNDINGS {
			let expected = rounded(&(q(amount) * &unit_price), rounding);
			prop_assert_eq!(value_of(amount, f(price), divisor, rounding), expected);
			let expected = if price == 0 { None } else { rounded(&(q(amount) / &unit_price), rounding) };
			prop_assert_eq!(amount_for(amount, f(price), divisor, rounding), expected);
		}
	}

	#[test]
	fn buying_and_valuing_gains_nothing(
		value in up_to_bits(90), price in up_to_bits(90), collateral in 0u8..=18, synthetic in 0u8..=18,
	) {
		let divisor = price_divisor(collateral, synthetic).expect("18 decimals at most");
		if let Some(bought) = amount_for(value, f(price), divisor, Rounding::Down) {
			let back = value_of(bought, f(price), divisor, Rounding::Down);
			prop_assert!(back.is_some_and(|back| back <= value));
		}
	}

	#[test]
	fn collateral_ratio_is_exact(value in wide(), debt in wide()) {
		let ratio = collateral_ratio(value, debt).map(|r| r.into_inner());
		if debt == 0 {
			prop_assert_eq!(ratio, None);
		} else {
			let exact = q(value) / q(debt) * q(ONE);
			prop_assert_eq!(ratio, Some(rounded(&exact, Rounding::Down).unwrap_or(u128::MAX)));
		}
	}
}

/// A vault in the ranges a branch can be in.
#[derive(Clone, Debug)]
struct Vault {
	normalised: u128,
	collateral: u128,
	divisor: u128,
	price: u128,
	index: u128,
	ratio: u128,
}

impl Vault {
	fn trigger(&self) -> u128 {
		trigger(self.normalised, self.collateral, self.divisor).expect("has debt")
	}

	fn threshold(&self) -> u128 {
		threshold(f(self.price), self.index, f(self.ratio)).expect("within the type")
	}

	fn is_unsafe(&self) -> bool {
		self.trigger() > self.threshold()
	}

	/// `normalised · R · LR` and `collateral · price`, in base units of the synthetic.
	fn exact(&self) -> (BigRational, BigRational) {
		(
			q(self.normalised) * ray(self.index) * fixed(self.ratio),
			q(self.collateral) * q(self.price) / q(self.divisor),
		)
	}
}

/// Anywhere, or with collateral within a few base units of the boundary.
fn vault() -> impl Strategy<Value = Vault> {
	let numbers = (
		(0u8..=18, 0u8..=18, magnitudes(1e12, 1e25)),
		(
			magnitudes(1e27, 1e33),
			magnitudes(1e18, 1e19),
			magnitudes(1.0, 1e24),
		),
		prop_oneof![(-5i128..=5).prop_map(Ok), magnitudes(1.0, 1e24).prop_map(Err)],
	);
	numbers.prop_map(
		|((collateral, synthetic, price), (index, ratio, normalised), at)| {
			let divisor = price_divisor(collateral, synthetic).expect("18 decimals at most");
			let mut vault = Vault {
				normalised,
				collateral: 0,
				divisor,
				price,
				index,
				ratio,
			};
			vault.collateral = match at {
				Err(anywhere) => anywhere,
				Ok(offset) => {
					let boundary = vault.exact().0 * q(divisor) / q(price);
					let boundary = rounded(&boundary, Rounding::NearestPrefUp).unwrap_or(1);
					boundary.checked_add_signed(offset).unwrap_or(1).max(1)
				}
			};
			vault
		},
	)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(4_000))]

	/// Never safe when the exact inequality says unsafe; never unsafe when it is safe by more than the stated error.
	#[test]
	fn the_decision_is_the_exact_one_within_its_error(vault in vault()) {
		let (needed, held) = vault.exact();
		if needed > held {
			prop_assert!(vault.is_unsafe(), "too little collateral must be unsafe");
		}
		let threshold = vault.threshold();
		if threshold > 0 && held > needed * (q(1) + ratio(2, threshold) + ten(-18)) {
			prop_assert!(!vault.is_unsafe(), "enough collateral must be safe");
		}
	}

	#[test]
	fn the_trigger_is_exact(normalised in wide(), collateral in wide(), divisor in wide()) {
		let k = trigger(normalised, collateral, divisor);
		if normalised == 0 {
			prop_assert_eq!(k, None);
		} else if collateral == 0 {
			prop_assert_eq!(k, Some(u128::MAX));
		} else {
			let exact = q(normalised) * q(divisor) / q(collateral);
			prop_assert_eq!(k, Some(rounded(&exact, Rounding::Up).unwrap_or(u128::MAX)));
		}
	}

	#[test]
	fn triggers_are_ordered_as_debt_over_collateral(
		a in (magnitudes(1.0, 1e24), magnitudes(1.0, 1e24)),
		b in (magnitudes(1.0, 1e24), magnitudes(1.0, 1e24)),
		near in any::<bool>(),
		decimals in 0u8..=18,
	) {
		let b = if near { (a.0, a.1 + b.1 % 3) } else { b };
		let divisor = price_divisor(decimals, 6).expect("18 decimals at most");
		let (ka, kb) = (trigger(a.0, a.1, divisor), trigger(b.0, b.1, divisor));
		let (ra, rb) = (ratio(a.0, a.1), ratio(b.0, b.1));
		prop_assert!(ra <= rb || ka >= kb);
		prop_assert!(ka <= kb || ra > rb);
	}

	#[test]
	fn the_decision_is_monotone_in_every_argument(vault in vault(), by in magnitudes(1.0, 1e24)) {
		let (k, limit) = (vault.trigger(), vault.threshold());
		prop_assert!(trigger(vault.normalised + by, vault.collateral, vault.divisor) >= Some(k));
		prop_assert!(trigger(vault.normalised, vault.collateral + by, vault.divisor) <= Some(k));
		prop_assert!(threshold(f(vault.price + by), vault.index, f(vault.ratio)) >= Some(limit));
		prop_assert!(threshold(f(vault.price), vault.index + by, f(vault.ratio)) <= Some(limit));
		prop_assert!(threshold(f(vault.price), vault.index, f(vault.ratio + by)) <= Some(limit));
	}

	#[test]
	fn the_threshold_is_exact_but_for_its_factor(price in wide(), index in wide(), ratio in wide()) {
		let factor = rounded(&(q(index) * q(ratio) / q(RAY)), Rounding::Up);
		let expected = factor
			.filter(|factor| *factor > 0)
			.and_then(|factor| rounded(&(q(price) * q(ONE) / q(factor)), Rounding::Down))
			.map(|threshold| threshold.min(u128::MAX - 1));
		prop_assert_eq!(threshold(f(price), index, f(ratio)), expected);
	}

	/// The liquidation price is the first at which the decision is "safe".
	#[test]
	fn the_liquidation_price_is_the_inverse_of_the_threshold(vault in vault()) {
		let k = vault.trigger();
		if let Some(price) = liquidation_price(k, vault.index, f(vault.ratio)) {
			let at = |price: u128| Vault { price, ..vault.clone() };
			prop_assert!(!at(price.into_inner()).is_unsafe());
			prop_assert!(at(price.into_inner() - 1).is_unsafe());
		}
	}
}

#[test]
fn a_vault_that_no_price_can_save_is_unsafe_at_every_price() {
	let without_collateral = trigger(1, 0, 1).expect("has debt");
	assert_eq!(without_collateral, u128::MAX);
	for (price, ratio) in [
		(u128::MAX, ONE),
		(u128::MAX - 1, ONE),
		(u128::MAX, 2 * ONE),
		(0, ONE),
	] {
		assert!(threshold(f(price), RAY, f(ratio)).is_some_and(|t| without_collateral > t));
	}
	assert_eq!(liquidation_price(without_collateral, RAY, f(ONE)), None);
	assert_eq!(liquidation_price(without_collateral, RAY, f(ONE / 2)), None);
}

#[test]
fn threshold_without_a_ratio_or_an_index_is_none() {
	assert_eq!(threshold(f(ONE), RAY, f(0)), None);
	assert_eq!(threshold(f(ONE), 0, f(ONE)), None);
	assert_eq!(threshold(f(0), RAY, f(ONE)), Some(0));
	assert_eq!(threshold(f(u128::MAX), u128::MAX, f(u128::MAX)), None);
}

/// 1.5 BTC at 60,000 USD against 40,000 kUSD, index 1.1, ratio 150 %: safe down to 44,000 USD.
#[test]
fn a_vault_by_hand() {
	let divisor = price_divisor(8, 6).expect("18 decimals at most");
	let worth = value_of(150_000_000, f(60_000 * ONE), divisor, Rounding::Down);
	assert_eq!(worth, Some(90_000_000_000));
	let k = trigger(40_000_000_000, 150_000_000, divisor).expect("has debt");
	assert_eq!(k, (80_000 * ONE).div_ceil(3));
	let (index, ratio) = (RAY / 10 * 11, f(ONE / 2 * 3));
	assert!(threshold(f(60_000 * ONE), index, ratio).is_some_and(|t| k < t));
	let price = liquidation_price(k, index, ratio)
		.expect("within the type")
		.into_inner();
	assert!((44_000 * ONE..=44_000 * ONE + 2).contains(&price));
	assert_eq!(
		collateral_ratio(90_000_000_000, 44_000_000_000),
		Some(f(2_045_454_545_454_545_454))
	);
}
