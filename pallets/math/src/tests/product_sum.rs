use super::wide;
use crate::product_sum::{
	compounded, dust_after, dust_gain, gain, offset, sum_increment, Product, DUST_UNIT, MINIMUM, ONE,
	SCALE_FACTOR, SCALE_SPAN,
};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};
use proptest::prelude::*;
use sp_core::U256;
use std::collections::BTreeMap;

fn int(value: u128) -> BigRational {
	BigRational::from_integer(BigInt::from(value))
}

struct Depositor {
	deposit: u128,
	snapshot: Product,
	s_snapshot: U256,
	exact: BigRational,
	exact_gain: BigRational,
	/// What the exact gain holds that was earned by less than a 10⁻³⁶ part of the deposit.
	uncounted: BigRational,
}

/// The pool by the product-sum method beside the same pool by exact bookkeeping of every depositor.
#[derive(Default)]
struct Pool {
	total: u128,
	product: Product,
	sums: BTreeMap<(u64, u64), U256>,
	depositors: Vec<Depositor>,
	received: u128,
	payments: u128,
	dust: u128,
	collateral_dust: u128,
	/// Σ totals that a rounding of `P` or `S` was relative to.
	rounded: u128,
}

impl Pool {
	fn sum(&self, epoch: u64, scale: u64) -> U256 {
		self.sums.get(&(epoch, scale)).copied().unwrap_or_default()
	}

	fn join(&mut self, deposit: u128) {
		self.depositors.push(Depositor {
			deposit,
			snapshot: self.product,
			s_snapshot: self.sum(self.product.epoch, self.product.scale),
			exact: int(deposit),
			exact_gain: BigRational::zero(),
			uncounted: BigRational::zero(),
		});
		self.total += deposit;
	}

	fn pay(&mut self, paid: u128, collateral: u128) {
		let increment = sum_increment(collateral, self.product, self.total).unwrap();
		let key = (self.product.epoch, self.product.scale);
		*self.sums.entry(key).or_default() += increment;
		self.collateral_dust += dust_gain(collateral, self.dust, self.total, self.product).unwrap();
		self.dust = dust_after(self.dust, self.total, paid).unwrap();
		let next = offset(self.total, paid, self.product).unwrap();
		for d in &mut self.depositors {
			let share = &d.exact / int(self.total);
			let gained = &share * int(collateral);
			// Also of a payment that ends the epoch.
			let behind = key.0 == d.snapshot.epoch && key.1 > d.snapshot.scale + SCALE_SPAN;
			if behind {
				assert!(d.exact < int(d.deposit) / int(ONE));
				d.uncounted += &gained;
			}
			d.exact_gain += gained;
			d.exact -= share * int(paid);
		}
		self.rounded += self.total;
		self.total -= paid;
		self.product = next;
		self.received += collateral;
		self.payments += 1;
	}

	fn compounded(&self, d: &Depositor) -> u128 {
		compounded(d.deposit, d.snapshot, self.product).unwrap()
	}

	fn gain(&self, d: &Depositor) -> u128 {
		let sums: Vec<_> = (d.snapshot.scale..=d.snapshot.scale + SCALE_SPAN)
			.map(|scale| self.sum(d.snapshot.epoch, scale))
			.collect();
		gain(d.deposit, d.snapshot.p, d.s_snapshot, &sums).unwrap()
	}

	/// The bounds of the module's documentation.
	fn check(&self) {
		let part = BigRational::new(BigInt::one(), BigInt::from(10u8).pow(27));
		let (mut left, mut gains) = (0u128, 0u128);
		assert!(self.product.p >= MINIMUM && self.product.p <= ONE);
		for d in &self.depositors {
			let (has, got) = (self.compounded(d), self.gain(d));
			let lost = &d.exact - int(has);
			assert!(lost >= BigRational::zero(), "deposit above its exact value");
			assert!(
				lost < BigRational::one() + int(self.rounded) * &part,
				"deposit lost {lost}"
			);
			let lost = &d.exact_gain - int(got) - &d.uncounted;
			assert!(int(got) <= d.exact_gain, "gain above its exact value");
			let relative = &d.exact_gain * int(self.payments) * &part;
			// One unit for reading, and the roundings of `S`: one per payment and one per later scale read.
			let absolute = int(d.deposit) * int(self.payments + SCALE_SPAN as u128) * &part;
			assert!(
				lost < BigRational::one() + relative + absolute,
				"gain lost {lost}"
			);
			left += has;
			gains += got;
		}
		assert!(left <= self.total);
		assert!(gains <= self.received);
		assert!(
			int(self.total - left) < int(self.depositors.len() as u128 + 1) + int(self.rounded) * &part,
			"too much dust",
		);
		// One unit each for reading; the bounds hold for what is exact.
		let readers = self.depositors.len() as u128;
		assert!(
			self.total - left <= self.dust.div_ceil(DUST_UNIT) + readers,
			"dust above its bound"
		);
		assert!(
			self.received - gains <= self.collateral_dust + 2 * readers,
			"collateral dust above its bound"
		);
	}
}

/// `liquity_stability_pool` of the reference vectors: whole units of 18 decimals; the collateral of a
/// liquidation reaches the pool less 0.5 % compensation. The expected numbers are doubles.
#[test]
fn reproduces_liquity() {
	const UNIT: u128 = crate::ONE;
	let vectors: serde_json::Value =
		serde_json::from_str(include_str!("../../reference_vectors.json")).unwrap();
	let numbers = |value: &serde_json::Value| -> Vec<f64> {
		value
			.as_array()
			.unwrap()
			.iter()
			.map(|n| n.as_f64().unwrap())
			.collect()
	};
	let cases = vectors["liquity_stability_pool"]["cases"].as_array().unwrap();
	assert_eq!(cases.len(), 6);
	for case in cases {
		let mut pool = Pool::default();
		numbers(&case["deposits"])
			.iter()
			.for_each(|d| pool.join(*d as u128 * UNIT));
		for payment in case["liqs"].as_array().unwrap() {
			let [paid, collateral] = numbers(payment)[..] else {
				panic!("not a pair")
			};
			pool.pay(
				paid as u128 * UNIT,
				(collateral * 1000.0).round() as u128 * (UNIT / 1000) / 1000 * 995,
			);
			pool.check();
		}
		let (left, gains) = (numbers(&case["left"]), numbers(&case["eth"]));
		assert_eq!(
			(left.len(), gains.len()),
			(pool.depositors.len(), pool.depositors.len())
		);
		for (i, d) in pool.depositors.iter().enumerate() {
			for (got, expected) in [(pool.compounded(d), left[i]), (pool.gain(d), gains[i])] {
				let got = got as f64 / UNIT as f64;
				assert!(
					(got - expected).abs() <= expected * 1e-14,
					"{got} is not {expected}"
				);
			}
		}
	}
}

mod offset {
	use super::*;

	#[test]
	fn of_nothing_changes_nothing() {
		let product = Product {
			p: ONE - 7,
			scale: 3,
			epoch: 2,
		};
		assert_eq!(offset(10, 0, product), Some(product));
		assert_eq!(offset(0, 0, product), Some(product));
	}

	#[test]
	fn of_everything_starts_an_epoch() {
		let product = Product {
			p: MINIMUM,
			scale: 3,
			epoch: 2,
		};
		assert_eq!(
			offset(10, 10, product),
			Some(Product {
				p: ONE,
				scale: 0,
				epoch: 3
			})
		);
	}

	#[test]
	fn rounds_down() {
		assert_eq!(offset(3, 1, Product::default()).unwrap().p, 2 * ONE / 3);
		assert_eq!(offset(3, 2, Product::default()).unwrap().p, ONE / 3);
	}

	#[test]
	fn changes_scale_only_below_the_minimum() {
		let at = offset(SCALE_FACTOR, SCALE_FACTOR - 1, Product::default()).unwrap();
		assert_eq!(
			at,
			Product {
				p: MINIMUM,
				scale: 0,
				epoch: 0
			}
		);
		let below = offset(SCALE_FACTOR + 1, SCALE_FACTOR, Product::default()).unwrap();
		assert_eq!(below.scale, 1);
		// Scaled before it is rounded: all 36 decimals are there.
		assert_eq!(
			below.p,
			(U256::from(ONE) * U256::from(SCALE_FACTOR) / U256::from(SCALE_FACTOR + 1)).as_u128()
		);
	}

	#[test]
	fn crosses_several_scales_at_once() {
		let product = offset(u128::MAX, u128::MAX - 1, Product::default()).unwrap();
		assert_eq!(product.scale, 4);
		assert!(product.p >= MINIMUM && product.p <= ONE);
		assert_eq!(compounded(u128::MAX, Product::default(), product), Some(0));
		assert_eq!(
			offset(
				u128::MAX,
				u128::MAX - 2,
				Product {
					p: MINIMUM,
					..product
				}
			)
			.unwrap()
			.scale,
			9
		);
	}

	#[test]
	fn refuses_more_than_there_is_a_zero_product_and_worn_counters() {
		assert_eq!(
			offset(
				10,
				9,
				Product {
					p: 0,
					..Default::default()
				}
			),
			None
		);
		assert_eq!(offset(10, 11, Product::default()), None);
		assert_eq!(
			offset(
				10,
				10,
				Product {
					epoch: u64::MAX,
					..Default::default()
				}
			),
			None
		);
		let worn = Product {
			p: MINIMUM,
			scale: u64::MAX,
			epoch: 0,
		};
		assert_eq!(offset(10, 9, worn), None);
	}
}

mod dust {
	use super::*;

	#[test]
	fn shrinks_with_the_pool_and_goes_with_the_epoch() {
		assert_eq!(dust_after(10 * DUST_UNIT, 100, 50), Some(5 * DUST_UNIT + 50));
		assert_eq!(dust_after(10 * DUST_UNIT, 100, 0), Some(10 * DUST_UNIT));
		assert_eq!(dust_after(10 * DUST_UNIT, 100, 100), Some(0));
		assert_eq!(dust_after(0, 0, 0), Some(0));
		assert_eq!(dust_after(10 * DUST_UNIT, 100, 101), None);
		assert_eq!(
			dust_after(u128::MAX, 100, 1),
			Some(u128::MAX / 100 * 99 + 55 * 99 / 100 + 1 + 99)
		);
	}

	#[test]
	fn gains_its_share_and_never_more_than_there_is() {
		let product = Product::default();
		assert_eq!(dust_gain(1000, 10 * DUST_UNIT, 100, product), Some(101));
		assert_eq!(dust_gain(1000, 10 * DUST_UNIT + 1, 100, product), Some(102));
		assert_eq!(dust_gain(1000, u128::MAX, 1, product), Some(1000));
		assert_eq!(
			dust_gain(u128::MAX, u128::MAX, u128::MAX, product),
			Some(u128::MAX / DUST_UNIT * 2 + 2)
		);
		assert_eq!(dust_gain(0, 10 * DUST_UNIT, 100, product), Some(0));
		assert_eq!(dust_gain(1, 0, 0, product), None);
		let far = Product {
			scale: SCALE_SPAN + 1,
			..product
		};
		assert_eq!(dust_gain(3 * crate::ONE, 0, 100, far), Some(1 + 3 + 1));
	}
}

mod reading {
	use super::*;

	#[test]
	fn a_deposit_at_its_own_snapshot_is_whole() {
		for p in [MINIMUM, MINIMUM + 1, ONE / 3, ONE] {
			let product = Product {
				p,
				scale: 9,
				epoch: 4,
			};
			assert_eq!(compounded(u128::MAX, product, product), Some(u128::MAX));
		}
	}

	#[test]
	fn a_snapshot_from_the_future_is_refused() {
		let now = Product {
			p: ONE / 2,
			scale: 1,
			epoch: 1,
		};
		for later in [
			Product {
				p: ONE / 2 - 1,
				..now
			},
			Product {
				p: ONE,
				scale: 2,
				epoch: 1,
			},
			Product {
				p: ONE,
				scale: 0,
				epoch: 2,
			},
		] {
			assert_eq!(compounded(1, later, now), None);
		}
		assert_eq!(compounded(2, Product { p: ONE, ..now }, now), Some(1));
		let zero = Product { p: 0, ..now };
		assert_eq!(compounded(1, zero, zero), None);
	}

	#[test]
	fn an_older_epoch_leaves_nothing() {
		let now = Product {
			p: MINIMUM,
			scale: 0,
			epoch: 1,
		};
		assert_eq!(
			compounded(
				u128::MAX,
				Product {
					p: ONE,
					scale: 7,
					epoch: 0
				},
				now
			),
			Some(0)
		);
	}

	#[test]
	fn a_far_scale_leaves_nothing_and_does_not_loop_for_ever() {
		let now = Product {
			p: ONE,
			scale: u64::MAX,
			epoch: 0,
		};
		assert_eq!(compounded(u128::MAX, Product::default(), now), Some(0));
	}

	#[test]
	fn a_sum_below_its_snapshot_no_sum_or_no_product_is_refused() {
		assert_eq!(gain(1, ONE, U256::from(2), &[U256::from(1)]), None);
		assert_eq!(gain(1, ONE, U256::zero(), &[]), None);
		assert_eq!(gain(1, 0, U256::zero(), &[U256::one()]), None);
	}

	#[test]
	fn an_overflow_is_refused() {
		assert_eq!(sum_increment(1, Product::default(), 0), None);
		assert_eq!(gain(u128::MAX, ONE, U256::zero(), &[U256::MAX]), None);
		assert_eq!(gain(u128::MAX, MINIMUM, U256::zero(), &[U256::from(ONE)]), None);
	}

	#[test]
	fn only_the_span_counts() {
		let mut sums = [U256::zero(); SCALE_SPAN as usize + 2];
		sums[SCALE_SPAN as usize] = U256::from(ONE) * U256::from(ONE);
		assert_eq!(gain(7, ONE, U256::zero(), &sums), Some(7));
		sums[SCALE_SPAN as usize + 1] = U256::from(ONE) * U256::from(ONE);
		assert_eq!(gain(7, ONE, U256::zero(), &sums), Some(7));
	}
}

#[test]
fn the_largest_amounts_fit() {
	let mut pool = Pool::default();
	pool.join(u128::MAX - 1);
	pool.join(1);
	pool.pay(u128::MAX - 2, 10u128.pow(38));
	assert_eq!(pool.product.scale, 4);
	assert!(pool.compounded(&pool.depositors[0]) <= 2);
	let gains: u128 = pool.depositors.iter().map(|d| pool.gain(d)).sum();
	assert!(gains <= 10u128.pow(38) && gains >= 10u128.pow(38) - 10u128.pow(12));
}

#[test]
fn a_million_payments_round_away_less_than_a_unit() {
	// One unit of 10¹⁸ and some is paid a million times; the product falls by one part in 10¹⁸ and rounds
	// each time.
	let (mut total, mut product) = (1_000_000_000_000_000_003u128, Product::default());
	let (deposit, mut sum) = (total, U256::zero());
	for _ in 0..1_000_000 {
		sum += sum_increment(7, product, total).unwrap();
		product = offset(total, 1, product).unwrap();
		total -= 1;
	}
	let left = compounded(deposit, Product::default(), product).unwrap();
	assert!(left <= total && total - left <= 1, "{left} of {total}");
	let got = gain(deposit, ONE, U256::zero(), &[sum]).unwrap();
	assert!(got <= 7_000_000 && 7_000_000 - got <= 1, "{got}");
}

/// Draws a payment that is ordinary, leaves a few units, or takes everything.
#[derive(Clone, Debug)]
enum Step {
	Join(u128),
	Pay { share: u64, collateral: u128 },
	LeaveUnits { units: u128, collateral: u128 },
	Empty { collateral: u128 },
}

fn amount() -> impl Strategy<Value = u128> {
	(0u32..18, 1u128..10).prop_map(|(exponent, digit)| digit * 10u128.pow(exponent))
}

fn step() -> impl Strategy<Value = Step> {
	let collateral = (0u32..24, 1u128..1000).prop_map(|(exponent, digits)| digits * 10u128.pow(exponent));
	prop_oneof![
		3 => amount().prop_map(Step::Join),
		4 => (1u64.., collateral.clone()).prop_map(|(share, collateral)| Step::Pay { share, collateral }),
		2 => (1u128..20, collateral.clone())
			.prop_map(|(units, collateral)| Step::LeaveUnits { units, collateral }),
		1 => collateral.prop_map(|collateral| Step::Empty { collateral }),
	]
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(200))]

	#[test]
	fn stays_within_its_bounds_of_the_exact_pool(
		first in amount(),
		steps in prop::collection::vec(step(), 1..40),
	) {
		let mut pool = Pool::default();
		pool.join(first);
		for step in steps {
			match step {
				Step::Join(deposit) => pool.join(deposit),
				_ if pool.total == 0 => continue,
				Step::Pay { share, collateral } => {
					let paid = ((U256::from(pool.total) * U256::from(share)) >> 64).as_u128();
					pool.pay(paid, collateral);
				},
				Step::LeaveUnits { units, collateral } => {
					pool.pay(pool.total.saturating_sub(units), collateral);
				},
				Step::Empty { collateral } => pool.pay(pool.total, collateral),
			}
			pool.check();
		}
	}

	#[test]
	fn a_product_never_rises_and_stays_in_range(
		p in MINIMUM..=ONE,
		total in 1u128..,
		share in any::<u64>(),
	) {
		let before = Product { p, scale: 1, epoch: 1 };
		let paid = ((U256::from(total) * U256::from(share)) >> 64).as_u128();
		let after = offset(total, paid, before).unwrap();
		prop_assert!(before.is_at_or_before(&after));
		prop_assert!(after.p >= MINIMUM && after.p <= ONE);
		let left = compounded(total, before, after).unwrap();
		prop_assert!(left <= total - paid);
		// Less than a 10⁻²⁷ part of what is left, and the last unit.
		prop_assert!(total - paid - left <= (total - paid) / MINIMUM + 1);
	}

	#[test]
	fn no_argument_panics_or_hangs(
		(a, b, c) in (wide(), wide(), wide()),
		(s, t) in (wide(), wide()),
		(scale, epoch) in (any::<u64>(), any::<u64>()),
	) {
		let product = Product { p: c, scale, epoch };
		if let Some(after) = offset(a, b, product) {
			prop_assert!(product.is_at_or_before(&after) || c < MINIMUM);
		}
		for now in [product, Product { scale: scale / 2, ..product }, Product { p: a, scale: u64::MAX, epoch }] {
			let _ = compounded(a, product, now);
			let _ = compounded(b, now, product);
		}
		let wide = |n: u128, m: u128| U256::from(n).saturating_mul(U256::from(m));
		let _ = sum_increment(a, product, b);
		let _ = gain(a, b, wide(c, s), &[wide(a, t), wide(s, t), U256::MAX]);
		let _ = dust_after(a, b, c);
		let _ = dust_gain(a, b, c, product);
	}
}
