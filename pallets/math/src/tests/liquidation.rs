use super::*;
use crate::{liquidation::*, value, SECONDS_PER_YEAR};

proptest! {
	#![proptest_config(ProptestConfig::with_cases(2_000))]

	/// `multiple · σ · √h` at least, and less than one part in 10^9 and a few units above. Compared by squares.
	#[test]
	fn the_liquidation_ratio_covers_volatility(
		penalty in 0..ONE, multiple in 0..10 * ONE, volatility in 0..10 * ONE, horizon in 0u64..=10 * SECONDS_PER_YEAR,
	) {
		let ratio = liquidation_ratio(f(0), f(u128::MAX), f(penalty), f(multiple), f(volatility), horizon);
		let term = ratio.expect("within the type").into_inner() - ONE - penalty;
		let square = |r: BigRational| &r * &r;
		let exact_square = square(fixed(multiple) * fixed(volatility)) * ratio_of_year(horizon);
		prop_assert!(square(fixed(term)) >= exact_square);
		// The root's own error counts as often as what it multiplies.
		let rounding = (fixed(multiple) * fixed(volatility) * q(2) + fixed(multiple) + q(2)) * ten(-18);
		let excess = (fixed(term) - rounding) * (q(1) - ten(-9));
		prop_assert!(excess <= q(0) || square(excess) <= exact_square);
	}

	#[test]
	fn the_liquidation_ratio_stays_between_base_and_cap(
		base in magnitudes(1e18, 2e18), cap in magnitudes(1e18, 3e18), penalty in 0..ONE / 5,
		volatility in 0..5 * ONE, more in 0..ONE, horizon in 0u64..=SECONDS_PER_YEAR,
	) {
		let at = |volatility| {
			liquidation_ratio(f(base), f(cap), f(penalty), f(ONE * 233 / 100), f(volatility), horizon)
				.expect("within the type")
				.into_inner()
		};
		prop_assert!(at(volatility) >= base && at(volatility) <= cap.max(base));
		prop_assert!(at(volatility + more) >= at(volatility));
	}
}

fn ratio_of_year(seconds: u64) -> BigRational {
	ratio(seconds, SECONDS_PER_YEAR)
}

#[test]
fn liquidation_ratios_by_hand() {
	let ratio = |base, cap, volatility, horizon| {
		let (penalty, multiple) = (f(ONE / 10), f(2 * ONE));
		liquidation_ratio(f(base), f(cap), penalty, multiple, f(volatility), horizon).map(|r| r.into_inner())
	};
	// A year at 30 %: 1 + 10 % + 2 · 30 %. The root is taken one unit high.
	assert!(ratio(0, 9 * ONE, 3 * ONE / 10, SECONDS_PER_YEAR).is_some_and(|r| r - 17 * ONE / 10 <= 2));
	// A quarter of the time, half the risk.
	assert!(ratio(0, 9 * ONE, 3 * ONE / 10, SECONDS_PER_YEAR / 4).is_some_and(|r| r - 14 * ONE / 10 <= 2));
	assert_eq!(ratio(3 * ONE, 9 * ONE, ONE / 10, SECONDS_PER_YEAR), Some(3 * ONE));
	assert_eq!(ratio(ONE, 2 * ONE, 9 * ONE, SECONDS_PER_YEAR), Some(2 * ONE));
	assert_eq!(ratio(3 * ONE, 2 * ONE, 9 * ONE, SECONDS_PER_YEAR), Some(3 * ONE));
	assert_eq!(ratio(ONE, u128::MAX, u128::MAX, SECONDS_PER_YEAR), None);
	// The default branch at 80 %: 1 + 13 % + 2.33 · 80 % / √365.
	let default = liquidation_ratio(
		f(ONE),
		f(9 * ONE),
		f(ONE * 13 / 100),
		f(ONE * 233 / 100),
		f(ONE * 8 / 10),
		86_400,
	);
	let expected = 1.13 + 2.33 * 0.8 / 365f64.sqrt();
	assert!(default.is_some_and(|r| (r.into_inner() as f64 / 1e18 - expected).abs() < 1e-12));
}

#[derive(Clone, Debug)]
struct Case {
	debt: u128,
	collateral: u128,
	price: u128,
	divisor: u128,
	target: u128,
	penalty: u128,
	minimum: u128,
}

impl Case {
	fn size(&self) -> Option<Size> {
		let (target, penalty) = (f(self.target), f(self.penalty));
		size(
			self.debt,
			self.collateral,
			f(self.price),
			self.divisor,
			target,
			penalty,
			self.minimum,
		)
	}

	/// One base unit of collateral in base units of the synthetic.
	fn unit(&self) -> BigRational {
		ratio(self.price, self.divisor)
	}

	fn worth(&self) -> BigRational {
		q(self.collateral) * self.unit()
	}

	fn needed(&self) -> BigRational {
		q(self.debt) * fixed(self.target)
	}

	/// `T − (1 + p)`
	fn spread(&self) -> BigRational {
		fixed(self.target) - q(1) - fixed(self.penalty)
	}
}

/// Vaults from worthless to above target, with few to many base units.
fn cases() -> impl Strategy<Value = Case> {
	let ratios = (
		magnitudes(1.01e18, 3e18),
		prop_oneof![Just(0), 0..ONE / 4],
		0..2 * ONE,
		0..5 * ONE / 4,
	);
	(
		(0u8..=18, 0u8..=18),
		magnitudes(1e12, 1e24),
		prop_oneof![magnitudes(1.0, 1e4), magnitudes(1.0, 1e26)],
		ratios,
	)
		.prop_map(|(decimals, price, debt, (target, penalty, minimum, held))| {
			let divisor = value::price_divisor(decimals.0, decimals.1).expect("18 decimals at most");
			let collateral = q(debt) * fixed(target) * fixed(held) * q(divisor) / q(price);
			Case {
				debt,
				collateral: rounded(&collateral, Rounding::NearestPrefUp).unwrap_or(0),
				price,
				divisor,
				target,
				penalty,
				// Often none, sometimes more than the debt.
				minimum: crate::mul_ratio(debt, f(minimum.saturating_sub(ONE)), Rounding::Up)
					.expect("within the type"),
			}
		})
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(6_000))]

	#[test]
	fn a_liquidation_takes_no_more_than_there_is(case in cases()) {
		if let Some(size) = case.size() {
			prop_assert!(size.debt > 0 && size.debt <= case.debt);
			prop_assert!(size.collateral <= case.collateral);
			prop_assert!(q(size.penalty) <= (q(size.debt) * fixed(case.penalty)).ceil());
		}
	}

	#[test]
	fn a_partial_liquidation_restores_the_target(case in cases()) {
		if let Some(size) = case.size().filter(|size| size.debt < case.debt) {
			let rest = Case {
				debt: case.debt - size.debt,
				collateral: case.collateral - size.collateral,
				..case.clone()
			};
			prop_assert!(rest.worth() >= rest.needed(), "the rest is at or above target");
			prop_assert_eq!(rest.size(), None, "and is not liquidated again");
			prop_assert!(rest.debt >= case.minimum);
			// What is seized is worth the claim, and one unit less would not be.
			let claim = q(size.debt + size.penalty);
			prop_assert!(q(size.collateral) * case.unit() >= claim);
			prop_assert!(q(size.collateral - 1) * case.unit() < claim);
			prop_assert_eq!(q(size.penalty), (q(size.debt) * fixed(case.penalty)).ceil());
			// The smallest that does it, within rounding.
			let exact = (case.needed() - case.worth()) / case.spread();
			prop_assert!(q(size.debt) >= exact);
			prop_assert!(q(size.debt) <= exact + (case.unit() + q(5)) / case.spread() + q(1));
		}
	}

	#[test]
	fn a_whole_liquidation_has_a_reason(case in cases()) {
		if let Some(size) = case.size().filter(|size| size.debt == case.debt) {
			if case.spread() > q(0) {
				let exact = (case.needed() - case.worth()) / case.spread();
				let most = exact + (case.unit() + q(5)) / case.spread() + q(1);
				prop_assert!(most > q(case.debt) - q(case.minimum.max(1)), "a part would have done");
			}
			let claim = (q(case.debt) * (q(1) + fixed(case.penalty))).ceil();
			let worth = case.worth().floor();
			if claim >= worth {
				prop_assert_eq!(size.collateral, case.collateral, "all of it goes");
				let left = (worth - q(case.debt)).max(q(0));
				prop_assert_eq!(q(size.penalty), left, "and the penalty shrinks first");
			} else {
				prop_assert_eq!(q(case.debt + size.penalty), claim.clone());
				prop_assert!(q(size.collateral) * case.unit() >= claim || size.collateral == case.collateral);
			}
		}
	}

	#[test]
	fn a_vault_is_sized_iff_it_is_below_target(case in cases()) {
		match case.size() {
			// One unit each for two roundings.
			Some(_) => prop_assert!(case.worth() < case.needed() + q(2)),
			None => prop_assert!(case.worth() >= case.needed()),
		}
	}

	/// Debt without collateral never stays behind.
	#[test]
	fn what_stays_is_solvent_or_nothing(case in cases()) {
		if let Some(size) = case.size() {
			let left = case.collateral - size.collateral;
			prop_assert!(case.debt == size.debt || left > 0);
		}
	}
}

/// 10 ETH against 10,000 kUSD at 1,500 USD, target 155 %, penalty 10 %: x = (15,500 − 15,000) / 0.45.
#[test]
fn a_partial_liquidation_by_hand() {
	let divisor = value::price_divisor(18, 6).expect("18 decimals at most");
	let at = |price: u128, minimum| {
		let target = f(ONE * 155 / 100);
		size(
			10_000_000_000,
			10 * ONE,
			f(price * ONE),
			divisor,
			target,
			f(ONE / 10),
			minimum,
		)
	};
	let size = at(1_500, 0).expect("below target");
	assert!(
		size.debt >= 1_111_111_112 && size.debt <= 1_111_111_120,
		"{size:?}"
	);
	assert_eq!(size.penalty, size.debt.div_ceil(10));
	assert_eq!(
		Some(size.collateral),
		value::amount_for(size.debt + size.penalty, f(1_500 * ONE), divisor, Rounding::Up)
	);
	// At 1,550 it is on target, above it nothing happens.
	assert_eq!(at(1_550, 0), None);
	assert_eq!(at(2_000, 0), None);
	// The rest would be too small: all of it, what is left of the collateral is the owner's.
	let whole = Size {
		debt: 10_000_000_000,
		collateral: 7_333_333_333_333_333_334,
		penalty: 1_000_000_000,
	};
	assert_eq!(at(1_500, 9_000_000_000), Some(whole));
	// Worth 10,500: 500 for the penalty. Worth 9,000: nothing.
	let all = |penalty| {
		Some(Size {
			debt: 10_000_000_000,
			collateral: 10 * ONE,
			penalty,
		})
	};
	assert_eq!(at(1_050, 0), all(500_000_000));
	assert_eq!(at(900, 0), all(0));
	assert_eq!(at(0, 0), all(0));
}

/// Numbers that divide leave nothing to rounding: exactly the formula.
#[test]
fn a_liquidation_without_rounding_is_the_formula() {
	let divisor = value::price_divisor(18, 6).expect("18 decimals at most");
	// x = (1.6 · 1,000 − 1,500) / (1.6 − 1.1) = 200; seized 220 / 1,500 would not divide, so at 1,100 USD a unit.
	let collateral = ONE / 1_100 * 1_500;
	let taken = size(
		1_000_000_000,
		collateral,
		f(1_100 * ONE),
		divisor,
		f(ONE * 8 / 5),
		f(ONE / 10),
		0,
	);
	assert!(taken.is_some_and(
		|s| s.debt.abs_diff(200_000_000) <= 8 && s.collateral.abs_diff(ONE / 5) < 1_000_000_000_000_000
	));
	let at_least = |minimum| size(1_000, 1_500, f(ONE), ONE, f(ONE * 8 / 5), f(ONE / 10), minimum);
	let even = at_least(0);
	// A rest of exactly the minimum may stay.
	assert_eq!(at_least(800), even);
	assert!(at_least(801)
		.is_some_and(|size| size.debt == 1_000 && size.collateral == 1_100 && size.penalty == 100));
	assert_eq!(
		even,
		Some(Size {
			debt: 200,
			collateral: 220,
			penalty: 20
		})
	);
}

/// No part of a vault can reach a target at or below `1 + penalty`; it is still liquidated.
#[test]
fn a_target_out_of_reach_takes_the_whole_vault() {
	for target in [ONE * 105 / 100, ONE * 110 / 100] {
		let taken = size(1_000, 1_049, f(ONE), ONE, f(target), f(ONE / 10), 0);
		assert_eq!(
			taken,
			Some(Size {
				debt: 1_000,
				collateral: 1_049,
				penalty: 49
			})
		);
	}
}

/// Collateral of which one base unit is worth more than what is missing.
#[test]
fn coarse_collateral_does_not_leave_the_rest_below_target() {
	// 3 units at 100 against 200, target 160 %: 320 needed, 300 held. x = 20 / 0.5 = 40 would seize 44, that is a
	// whole unit, and leave 160 against 200. The whole vault goes instead.
	let taken = size(200, 3, f(100 * ONE), ONE, f(ONE * 8 / 5), f(ONE / 10), 0);
	assert_eq!(
		taken,
		Some(Size {
			debt: 200,
			collateral: 3,
			penalty: 20
		})
	);
}

#[test]
fn sizes_that_do_not_fit_are_none() {
	let target = f(ONE * 3 / 2);
	assert_eq!(size(0, 0, f(ONE), ONE, target, f(0), 0), None);
	assert_eq!(size(u128::MAX, 0, f(ONE), ONE, target, f(0), 0), None);
	assert_eq!(size(1, u128::MAX, f(u128::MAX), ONE, target, f(0), 0), None);
	assert_eq!(size(1, 0, f(ONE), 0, target, f(0), 0), None);
	assert_eq!(size(1, 0, f(ONE), ONE, target, f(u128::MAX), 0), None);
}

#[derive(Clone, Debug)]
struct Offer {
	lot: Size,
	price: u128,
	divisor: u128,
	bonus: u128,
	capacity: u128,
}

impl Offer {
	fn of(&self, lot: &Size, capacity: u128) -> Purchase {
		purchase(lot, f(self.price), self.divisor, f(self.bonus), capacity).expect("within the type")
	}

	/// What `collateral` costs, exactly.
	fn cost(&self, collateral: u128) -> BigRational {
		q(collateral) * ratio(self.price, self.divisor) / (q(1) + fixed(self.bonus))
	}
}

fn offers() -> impl Strategy<Value = Offer> {
	let lots = (magnitudes(1.0, 1e24), 0..2 * ONE, 0..ONE / 4);
	(
		(0u8..=18, 0u8..=18),
		magnitudes(1e12, 1e24),
		lots,
		0..ONE / 4,
		0..3 * ONE / 2,
	)
		.prop_map(|(decimals, price, (debt, held, penalty), bonus, means)| {
			let divisor = value::price_divisor(decimals.0, decimals.1).expect("18 decimals at most");
			let part = |ratio| crate::mul_ratio(debt, f(ratio), Rounding::Up).expect("within the type");
			let collateral = value::amount_for(part(held), f(price), divisor, Rounding::Up).unwrap_or(0);
			let lot = Size {
				debt,
				collateral,
				penalty: part(penalty),
			};
			Offer {
				lot,
				price,
				divisor,
				bonus,
				capacity: part(means),
			}
		})
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(6_000))]

	#[test]
	fn a_purchase_stays_within_its_means_and_its_lot(offer in offers()) {
		let bought = offer.of(&offer.lot, offer.capacity);
		prop_assert!(bought.burn + bought.income <= offer.capacity);
		prop_assert!(bought.burn <= offer.lot.debt);
		prop_assert!(bought.collateral <= offer.lot.collateral);
		// Money and collateral move together or not at all.
		prop_assert_eq!(bought.collateral == 0, bought.burn + bought.income == 0);
		// Enough means buy all of it.
		if q(offer.capacity) >= offer.cost(offer.lot.collateral) + q(2) && offer.lot.collateral > 0 {
			prop_assert_eq!(bought.collateral, offer.lot.collateral);
		}
	}

	/// Never cheaper than promised; dearer by rounding only.
	#[test]
	fn a_purchase_has_the_promised_discount(offer in offers()) {
		let bought = offer.of(&offer.lot, offer.capacity);
		let paid = q(bought.burn + bought.income);
		prop_assert!(paid >= offer.cost(bought.collateral));
		prop_assert!(paid <= offer.cost(bought.collateral + 1) + q(2));
	}

	/// The debt is burned first in a whole purchase, and at least in proportion in a partial one.
	#[test]
	fn a_purchase_burns_the_debt(offer in offers()) {
		let bought = offer.of(&offer.lot, offer.capacity);
		let paid = bought.burn + bought.income;
		if bought.collateral == offer.lot.collateral {
			prop_assert_eq!(bought.burn, paid.min(offer.lot.debt));
		} else if paid > 0 {
			let cost = offer.cost(offer.lot.collateral) + q(2);
			let proportional = q(offer.lot.debt) * q(paid) / cost;
			prop_assert!(q(bought.burn) >= proportional.min(q(paid.min(offer.lot.debt))));
		}
	}

	/// Two purchases of a lot get no more for the same money than one, but for one unit of collateral and `2 + bonus`
	/// units of the synthetic.
	#[test]
	fn splitting_a_purchase_gains_nothing(offer in offers(), share in 0..=ONE) {
		let first = crate::mul_ratio(offer.capacity, f(share), Rounding::Down).expect("within the type");
		let once = offer.of(&offer.lot, offer.capacity);
		let one = offer.of(&offer.lot, first);
		let rest = Size {
			debt: offer.lot.debt - one.burn,
			collateral: offer.lot.collateral - one.collateral,
			penalty: offer.lot.penalty,
		};
		let two = offer.of(&rest, offer.capacity - first);
		prop_assert!(one.burn + two.burn <= offer.lot.debt);
		let gain = q(one.collateral + two.collateral) - q(once.collateral);
		let gained = gain * ratio(offer.price, offer.divisor);
		let rounding = ratio(offer.price, offer.divisor) + q(2) + fixed(offer.bonus);
		prop_assert!(gained <= rounding, "gained {:?}", gained.to_f64());
	}
}

/// 1 ETH at 1,050 USD for a debt of 900 and a penalty of 90, at a bonus of 5 %: costs 1,000.
#[test]
fn purchases_by_hand() {
	let divisor = value::price_divisor(18, 6).expect("18 decimals at most");
	let buy = |debt: u128, collateral, price: u128, capacity: u128| {
		let lot = Size {
			debt,
			collateral,
			penalty: debt / 10,
		};
		purchase(&lot, f(price * ONE), divisor, f(ONE / 20), capacity)
	};
	let bought = |collateral, burn, income| {
		Some(Purchase {
			collateral,
			burn,
			income,
		})
	};
	assert_eq!(
		buy(900_000_000, ONE, 1_050, 5_000_000_000),
		bought(ONE, 900_000_000, 100_000_000)
	);
	assert_eq!(
		buy(900_000_000, ONE, 1_050, 1_000_000_000),
		bought(ONE, 900_000_000, 100_000_000)
	);
	assert_eq!(
		buy(900_000_000, ONE, 1_050, 250_000_000),
		bought(ONE / 4, 225_000_000, 25_000_000)
	);
	// Underwater: all that is paid is burned.
	assert_eq!(
		buy(1_200_000_000, ONE, 1_050, 5_000_000_000),
		bought(ONE, 1_000_000_000, 0)
	);
	assert_eq!(
		buy(1_200_000_000, ONE, 1_050, 250_000_000),
		bought(ONE / 4, 250_000_000, 0)
	);
	// Nothing for nothing.
	assert_eq!(buy(900_000_000, ONE, 1_050, 0), bought(0, 0, 0));
	assert_eq!(buy(900_000_000, ONE, 0, 1_000_000_000), bought(0, 0, 0));
	assert_eq!(buy(900_000_000, 0, 1_050, 1_000_000_000), bought(0, 0, 0));
	// Too little for one base unit of a coarse collateral: keep the money.
	let coarse = Size {
		debt: 100,
		collateral: 3,
		penalty: 10,
	};
	assert_eq!(purchase(&coarse, f(100 * ONE), ONE, f(0), 99), bought(0, 0, 0));
	assert_eq!(purchase(&coarse, f(100 * ONE), ONE, f(u128::MAX), 99), None);
	assert_eq!(purchase(&coarse, f(u128::MAX), 1, f(0), 99), None);
	assert_eq!(purchase(&coarse, f(ONE), 0, f(0), 99), None);
}
