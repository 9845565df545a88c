use core::cell::Cell;

use super::*;
use crate::{margin::*, perpetual, SECONDS_PER_YEAR};

/// Base units of one whole unit of an underlying.
const UNIT: i128 = 100_000_000;

/// One kUSD.
const USD: u128 = 1_000_000;

fn negated(a: i128, negative: bool) -> i128 {
	if negative {
		-a
	} else {
		a
	}
}

/// Amounts of up to 10^24 base units, of either sign.
fn money() -> impl Strategy<Value = i128> {
	(magnitudes(1.0, 1e24), any::<bool>()).prop_map(|(n, negative)| negated(n as i128, negative))
}

mod risk {
	use super::*;

	fn any_risk() -> impl Strategy<Value = Risk> {
		(wide_signed(), wide(), wide()).prop_map(|(net, initial, maintenance)| Risk {
			net,
			initial,
			maintenance,
		})
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]

		#[test]
		fn decides_exactly_at_every_size(risk in any_risk()) {
			prop_assert_eq!(risk.is_initial(), q(risk.net) >= q(risk.initial));
			prop_assert_eq!(risk.is_unsafe(), q(risk.net) < q(risk.maintenance));
			for (rest, need) in [(risk.free(), risk.initial), (risk.slack(), risk.maintenance)] {
				prop_assert_eq!(q(rest), (q(risk.net) - q(need)).max(q(i128::MIN)));
			}
		}

		#[test]
		fn adds_up(a in any_risk(), b in any_risk()) {
			let sum = a + b;
			prop_assert_eq!(q(sum.net), (q(a.net) + q(b.net)).clamp(q(i128::MIN), q(i128::MAX)));
			prop_assert_eq!(q(sum.initial), (q(a.initial) + q(b.initial)).min(q(u128::MAX)));
			prop_assert_eq!(q(sum.maintenance), (q(a.maintenance) + q(b.maintenance)).min(q(u128::MAX)));
			prop_assert_eq!(a + Risk::default(), a);
			prop_assert_eq!(b + a, sum);
		}
	}

	#[test]
	fn is_by_hand() {
		let risk = Risk {
			net: 100,
			initial: 100,
			maintenance: 101,
		};
		assert!(risk.is_initial() && risk.is_unsafe());
		assert_eq!((risk.free(), risk.slack()), (0, -1));
		assert!(Risk::default().is_initial() && !Risk::default().is_unsafe());
	}

	/// The kind: a liquidation that takes more than it must, because of what others hold. 120 % of the
	/// maintenance requirement, rounded up, whatever new risk needs.
	#[test]
	fn is_restored_by_a_fifth_more_than_maintenance() {
		let worth = |net| Risk {
			net,
			initial: u128::MAX,
			maintenance: 1_001,
		};
		assert!(worth(1_202).is_restored() && !worth(1_201).is_restored());
		assert!(Risk::default().is_restored());
		let beyond = Risk {
			net: i128::MAX,
			initial: 0,
			maintenance: u128::MAX,
		};
		assert!(!beyond.is_restored());
	}

	/// The most there is does not meet a requirement of more.
	#[test]
	fn is_not_met_by_the_largest_number() {
		let risk = Risk {
			net: i128::MAX,
			initial: i128::MAX as u128 + 1,
			maintenance: u128::MAX,
		};
		assert_eq!(risk.free(), -1);
		assert!(!risk.is_initial() && risk.is_unsafe());
	}
}

mod maintenance {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(2_000))]

		/// The root is compared by its square: `rate² ≥ multiple²·σ²·years`.
		#[test]
		fn rate_is_never_too_low_and_hardly_too_high(
			multiple in magnitudes(1e16, 1e19), volatility in magnitudes(1e15, 1e20), horizon in 1u64..40_000_000,
		) {
			let rate = maintenance_rate(f(0), f(u128::MAX), f(multiple), f(volatility), horizon);
			let rate = fixed(rate.expect("within the type").into_inner());
			let factor = fixed(multiple) * fixed(volatility);
			let square = &factor * &factor * ratio(horizon, SECONDS_PER_YEAR);
			prop_assert!(&rate * &rate >= square);
			// Years are rounded up, and the root of a second is 2·10^−4.
			let most = rate - &factor * ten(-14) - fixed(4);
			prop_assert!(!most.is_positive() || &most * &most <= square);
		}

		#[test]
		fn rate_stays_between_base_and_cap(
			base in wide(), cap in wide(), multiple in wide(), volatility in wide(), horizon in any::<u64>(),
		) {
			if let Some(rate) = maintenance_rate(f(base), f(cap), f(multiple), f(volatility), horizon) {
				prop_assert!(rate >= f(base) && rate <= f(base.max(cap)));
				let unbounded = maintenance_rate(f(0), f(u128::MAX), f(multiple), f(volatility), horizon);
				prop_assert_eq!(unbounded.map(|free| free.min(f(cap)).max(f(base))), Some(rate));
			}
		}

		#[test]
		fn rate_grows_with_risk(
			multiple in magnitudes(1e16, 1e19), volatility in magnitudes(1e15, 1e20), horizon in 0u64..40_000_000,
			more in magnitudes(1.0, 1e20), longer in 0u64..40_000_000,
		) {
			let rate = |volatility, horizon| {
				maintenance_rate(f(0), f(u128::MAX), f(multiple), f(volatility), horizon).expect("within the type")
			};
			prop_assert!(rate(volatility + more, horizon) >= rate(volatility, horizon));
			prop_assert!(rate(volatility, horizon + longer) >= rate(volatility, horizon));
		}
	}

	/// A quarter of a year at 80 %, 2.33 deviations: 93.2 %.
	#[test]
	fn rate_by_hand() {
		let percent = ONE / 100;
		let rate = |base, cap| {
			maintenance_rate(
				f(base),
				f(cap),
				f(233 * percent),
				f(80 * percent),
				SECONDS_PER_YEAR / 4,
			)
			.expect("within the type")
		};
		let free = rate(0, u128::MAX).into_inner();
		assert!((932 * ONE / 1_000..=932 * ONE / 1_000 + 4).contains(&free));
		assert_eq!(rate(0, 50 * percent), f(50 * percent));
		assert_eq!(rate(2 * ONE, 3 * ONE), f(2 * ONE));
		// The base wins over a cap below it.
		assert_eq!(rate(20 * percent, 10 * percent), f(20 * percent));
	}

	#[test]
	fn rate_that_does_not_fit_is_none() {
		let cap = f(ONE);
		assert_eq!(maintenance_rate(f(0), cap, f(ONE), f(u128::MAX), u64::MAX), None);
		assert_eq!(
			maintenance_rate(f(0), cap, f(u128::MAX), f(2 * ONE), SECONDS_PER_YEAR),
			None
		);
		// No time, no volatility or no multiple: the base.
		assert_eq!(maintenance_rate(f(7), cap, f(ONE), f(ONE), 0), Some(f(7)));
		assert_eq!(maintenance_rate(f(7), cap, f(ONE), f(0), u64::MAX), Some(f(7)));
		assert_eq!(maintenance_rate(f(7), cap, f(0), f(ONE), u64::MAX), Some(f(7)));
	}
}

mod initial {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]

		#[test]
		fn rate_is_exact_but_for_rounding_up(
			maintenance in magnitudes(1e14, 2e18), multiple in magnitudes(1e17, 5e18),
			(lower, width) in (up_to_bits(110), up_to_bits(110)), share in 0..=2 * ONE,
		) {
			let upper = lower + width;
			let open_interest = lower / 2 + crate::mul_ratio(upper, f(share), Rounding::Down).expect("within the type") / 2;
			let rate = initial_rate(f(maintenance), f(multiple), open_interest, lower, upper);
			let rate = fixed(rate.expect("within the type").into_inner());
			let base = (fixed(maintenance) * fixed(multiple)).min(q(1));
			let exact = if upper == 0 || open_interest <= lower {
				base
			} else if open_interest >= upper {
				q(1)
			} else {
				&base + (q(1) - &base) * ratio(open_interest - lower, upper - lower)
			};
			prop_assert!(rate >= exact);
			prop_assert!(rate < exact + fixed(2));
			prop_assert!(rate <= q(1));
		}

		#[test]
		fn rate_never_falls_with_open_interest(
			maintenance in 0..=ONE, multiple in 0..=3 * ONE, lower in wide(), upper in wide(), a in wide(), b in wide(),
		) {
			let rate = |oi| initial_rate(f(maintenance), f(multiple), oi, lower, upper).expect("within the type");
			prop_assert!(rate(a.min(b)) <= rate(a.max(b)));
			prop_assert!(rate(a) <= f(ONE));
		}
	}

	#[test]
	fn rate_by_hand() {
		let percent = ONE / 100;
		let rate = |open_interest, lower, upper| {
			initial_rate(f(10 * percent), f(2 * ONE), open_interest, lower, upper).expect("within the type")
		};
		assert_eq!(rate(150, 100, 200), f(60 * percent));
		// No scaling at all.
		assert_eq!(rate(u128::MAX, 0, 0), f(20 * percent));
		assert_eq!(rate(u128::MAX, 100, 0), f(20 * percent));
		// At once.
		assert_eq!(rate(100, 100, 100), f(20 * percent));
		assert_eq!(rate(101, 100, 100), f(ONE));
		assert_eq!(rate(100, 100, 50), f(20 * percent));
		assert_eq!(rate(101, 100, 50), f(ONE));
		// Never above the whole.
		assert_eq!(initial_rate(f(ONE), f(3 * ONE), 0, 1, 2), Some(f(ONE)));
		assert_eq!(initial_rate(f(u128::MAX), f(2 * ONE), 0, 1, 2), None);
	}
}

mod requirement {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]

		#[test]
		fn is_exact_but_for_rounding_up(
			size in magnitudes(1.0, 1e18), short in any::<bool>(), mark in magnitudes(1e10, 1e25), rate in 0..=2 * ONE,
		) {
			let need = requirement(negated(size as i128, short), f(mark), f(rate)).expect("within the type");
			let exact = q(size) * q(mark) / q(perpetual::SIZE_DIVISOR) * fixed(rate);
			prop_assert!(q(need) >= exact);
			// Of the notional rounded up, and of the product.
			prop_assert!(q(need) < exact + fixed(rate) + q(1));
		}

		/// At a rate of twice the largest premium it covers the way out from wherever the skew is to wherever
		/// others take it: a rate above that by the fees is enough for every order in which they leave.
		#[test]
		fn covers_the_way_out(
			size in magnitudes(1.0, 1e15), short in any::<bool>(), index in magnitudes(1e12, 1e24),
			scale in magnitudes(1e9, 1e16), largest in 0..=ONE / 10,
			now in -200_000..=200_000i32, then in -200_000..=200_000i32,
		) {
			let size = negated(size as i128, short);
			let skew = |part: i32| scale as i128 * i128::from(part) / 100_000;
			let curve = perpetual::PremiumCurve::new(scale, f(largest)).expect("a scale");
			let mark = curve.mark(f(index), skew(now)).expect("within the type");
			let fill = curve.fill_price(f(index), skew(then), -size).expect("within the type");
			let received = -perpetual::cost(-size, fill).expect("within the type");
			let value = perpetual::value(size, mark, Rounding::Down).expect("within the type");
			// The mark of a short may be the largest premium below the index.
			let rate = crate::mul_div(2 * largest, ONE, ONE - largest, Rounding::Up).expect("within the type");
			let need = requirement(size, mark, f(rate)).expect("within the type");
			// One unit for each of the roundings, and the last place of two prices.
			let last = q(2) * q(size).abs() / q(perpetual::SIZE_DIVISOR) * (q(1) + ratio(index as i128, 2 * scale));
			prop_assert!(q(value - received) <= q(need) + q(2) + last);
		}
	}

	/// 10 BTC at 50,000 and 5 %.
	#[test]
	fn is_by_hand() {
		for size in [10 * UNIT, -10 * UNIT] {
			assert_eq!(
				requirement(size, f(50_000 * ONE), f(ONE / 20)),
				Some(25_000 * USD)
			);
		}
		assert_eq!(requirement(0, f(ONE), f(ONE)), Some(0));
		assert_eq!(requirement(1, f(1), f(1)), Some(1), "never for nothing");
	}

	#[test]
	fn that_does_not_fit_is_none() {
		assert_eq!(requirement(i128::MIN, f(u128::MAX), f(ONE)), None);
		assert_eq!(requirement(ONE as i128 * 200, f(ONE), f(u128::MAX)), None);
		assert!(requirement(ONE as i128 * 100, f(ONE), f(u128::MAX / 2)).is_some());
	}
}

mod profit {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]

		#[test]
		fn counts_in_part_and_loss_in_full(unrealised in wide_signed(), share in wide(), cap in wide()) {
			let counted = counted_profit(unrealised, f(share), cap);
			if unrealised <= 0 {
				prop_assert_eq!(counted, unrealised);
			} else {
				let exact = (q(unrealised) * fixed(share)).floor().min(q(cap)).min(q(unrealised));
				prop_assert_eq!(q(counted), exact);
			}
		}
	}

	#[test]
	fn is_by_hand() {
		let share = f(ONE / 10 * 8);
		assert_eq!(counted_profit(1_001, share, 10_000), 800);
		assert_eq!(counted_profit(1_001, share, 500), 500);
		assert_eq!(counted_profit(-1_001, share, 500), -1_001);
		assert_eq!(counted_profit(1_001, f(5 * ONE), u128::MAX), 1_001);
		assert_eq!(counted_profit(i128::MIN, f(u128::MAX), u128::MAX), i128::MIN);
		assert_eq!(counted_profit(i128::MAX, f(u128::MAX), u128::MAX), i128::MAX);
	}
}

/// Of an account with one position and kUSD.
mod levels {
	use super::*;
	use crate::perpetual::{funding_on, value, SIZE_DIVISOR};

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]

		#[test]
		fn are_exact(
			mark in wide(), carry in wide_signed(), equity in wide_signed(), size in wide_signed(), rate in wide(),
		) {
			let level = i128::try_from(mark).ok().and_then(|mark| mark.checked_sub(carry));
			let along = |amount: Option<i128>, up: bool| match up {
				true => level?.checked_add(amount?),
				false => level?.checked_sub(amount?),
			};
			let per_unit = (size != 0)
				.then(|| q(equity) * q(SIZE_DIVISOR) / q(size.unsigned_abs()))
				.and_then(|exact| rounded_signed(&exact, Rounding::Down));
			prop_assert_eq!(bankruptcy_level(f(mark), carry, equity, size), along(per_unit, size < 0));
			let needs = rounded_signed(&(q(mark) * fixed(rate)), Rounding::Up);
			for is_long in [true, false] {
				prop_assert_eq!(maintenance_level(f(mark), carry, f(rate), is_long), along(needs, !is_long));
			}
		}

		/// Whatever mark, charges and rate become: crossed if and only if the account, valued and measured as it
		/// is, is worth less than it needs, but for a few base units by which it is crossed before.
		#[test]
		fn tell_exactly_who_is_unsafe(
			size in prop_oneof![-1_000_000_000_000i128..1_000_000_000_000, -1_000..1_000i128],
			cash in 0..1_000_000_000_000i128,
			entered in magnitudes(1e15, 1e23),
			carries in (-1_000_000_000_000_000_000_000i128..1_000_000_000_000_000_000_000, -1_000_000_000_000_000_000_000i128..1_000_000_000_000_000_000_000),
			moves in 1..4_000u128,
			rate in 0..2 * ONE,
		) {
			prop_assume!(size != 0);
			let worth = |mark: u128, carry: i128| {
				let cost = value(size, f(entered), Rounding::Up)?;
				let owed = funding_on(size, carry, Rounding::Up)?.checked_sub(funding_on(size, carries.0, Rounding::Down)?)?;
				Some(cash + value(size, f(mark), Rounding::Down)? - cost - owed)
			};
			let slack = 32;
			let Some(equity) = worth(entered, carries.0) else { return Ok(()) };
			let Some(level) = bankruptcy_level(f(entered), carries.0, equity - slack, size) else { return Ok(()) };
			let mark = entered * moves / 1_000;
			let Some(then) = worth(mark, carries.1) else { return Ok(()) };
			let threshold = maintenance_level(f(mark), carries.1, f(rate), size > 0).expect("fits");
			let crossed = if size > 0 { level > threshold } else { level < threshold };
			let needs = requirement(size, f(mark), f(rate)).expect("fits") as i128;
			prop_assert!(crossed || then >= needs, "{then} of {needs} and not crossed");
			// A unit in the last place of a level is as much of a large size.
			let rounded = slack + 8 + 4 * (size.unsigned_abs() / 100_000_000_000_000_000_000 + 1) as i128;
			prop_assert!(!crossed || then - needs <= rounded, "{then} of {needs} and crossed");
		}
	}

	#[test]
	fn are_by_hand() {
		let dollars = |usd: u128| f(usd * ONE);
		// A long of 1 at 60,000 with 3,000 left, charged 20.
		let carry = 20 * ONE as i128;
		let size = 100_000_000;
		let level = bankruptcy_level(dollars(60_000), carry, 3_000_000_000, size);
		assert_eq!(level, Some(56_980 * ONE as i128));
		// At 3 % it is unsafe once the mark is below 57,000 / 0.97 = 58,762.89.
		let at = |mark: u128| maintenance_level(dollars(mark), carry, f(3 * ONE / 100), true);
		assert!(at(58_763) > level && at(58_762) < level);
		// A short of as much: above 63,000 / 1.03 = 61,165.05.
		let level = bankruptcy_level(dollars(60_000), carry, 3_000_000_000, -size);
		assert_eq!(level, Some(62_980 * ONE as i128));
		let at = |mark: u128| maintenance_level(dollars(mark), carry, f(3 * ONE / 100), false);
		assert!(at(61_165) < level && at(61_166) > level);
		assert_eq!(bankruptcy_level(dollars(1), 0, 1, 0), None);
	}
}

mod triggers {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]

		#[test]
		fn are_exact(slack in wide(), exposures in wide(), price in wide(), tolerated in wide()) {
			let expected = (exposures > 0)
				.then(|| f(rounded(&(q(slack) * q(ONE) / q(exposures)), Rounding::Down).unwrap_or(u128::MAX)));
			prop_assert_eq!(tolerated_move(slack, exposures), expected);

			let falling = (tolerated < ONE).then(|| rounded(&(q(price) * (q(1) - fixed(tolerated))), Rounding::Up));
			prop_assert_eq!(falling_trigger(f(price), f(tolerated)), falling.flatten().map(f));

			let rising = rounded(&(q(price) * (q(1) + fixed(tolerated.min(ONE)))), Rounding::Down);
			prop_assert_eq!(rising_trigger(f(price), f(tolerated)), rising.map(f));
		}

		/// Legs of either direction, all prices anywhere up to their triggers, the worst among them: what they lose together
		/// is within the slack.
		#[test]
		fn hold_an_account_safe_until_one_is_crossed(
			slack in magnitudes(1.0, 1e18),
			legs in prop::collection::vec((magnitudes(1.0, 1e18), magnitudes(1e6, 1e24), any::<bool>(), 0..=ONE), 1..8),
			worst in any::<bool>(),
		) {
			let exposures = legs.iter().map(|(exposure, ..)| exposure).sum();
			let tolerated = tolerated_move(slack, exposures).expect("exposed");
			let mut lost = q(0);
			for (exposure, price, long, part) in legs {
				let part = if worst { ONE } else { part };
				let between = |trigger: u128| {
					q(price) + (q(trigger) - q(price)) * fixed(part)
				};
				let now = if long {
					// Without a trigger it may fall to nothing.
					between(falling_trigger(f(price), tolerated).map_or(0, |trigger| trigger.into_inner()))
				} else {
					between(rising_trigger(f(price), tolerated).expect("within the type").into_inner())
				};
				let adverse = if long { q(price) - now } else { now - q(price) };
				lost += q(exposure) * adverse / q(price);
			}
			prop_assert!(lost <= q(slack));
		}
	}

	#[test]
	fn are_by_hand() {
		// 500 of slack against 2,000 of exposure: 25 %.
		let tolerated = tolerated_move(500, 2_000).expect("exposed");
		assert_eq!(tolerated, f(ONE / 4));
		assert_eq!(falling_trigger(f(40_000 * ONE), tolerated), Some(f(30_000 * ONE)));
		assert_eq!(rising_trigger(f(40_000 * ONE), tolerated), Some(f(50_000 * ONE)));
		// Nothing left: where the price is.
		let none = tolerated_move(0, 1).expect("exposed");
		assert_eq!(falling_trigger(f(7), none), Some(f(7)));
		assert_eq!(rising_trigger(f(7), none), Some(f(7)));
	}

	#[test]
	fn are_none_for_moves_no_price_makes() {
		assert_eq!(tolerated_move(0, 0), None);
		assert_eq!(tolerated_move(u128::MAX, 0), None);
		assert_eq!(tolerated_move(u128::MAX, 1), Some(f(u128::MAX)));
		assert_eq!(falling_trigger(f(ONE), f(ONE)), None);
		assert_eq!(falling_trigger(f(ONE), f(u128::MAX)), None);
		assert_eq!(
			falling_trigger(f(u128::MAX), f(ONE - 1)),
			Some(f(u128::MAX / ONE + 1))
		);
		assert_eq!(rising_trigger(f(ONE), f(u128::MAX)), Some(f(2 * ONE)));
		assert_eq!(rising_trigger(f(u128::MAX), f(1)), None);
	}
}

mod liquidation_of_a_part {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]

		#[test]
		fn has_an_exact_bankruptcy_quote(
			value in wide_signed(), equity in wide_signed(), closed in wide(), total in wide(),
		) {
			let share = (total > 0).then(|| q(equity) * q(closed) / q(total));
			// The share itself has to fit.
			let expected = share
				.filter(|share| rounded_signed(share, Rounding::Down).is_some())
				.and_then(|share| rounded_signed(&(q(value) - share), Rounding::Up));
			prop_assert_eq!(bankruptcy_quote(value, equity, closed, total), expected);
		}

		/// Closed at its bankruptcy quote, a part leaves the rest no worse off in proportion, and no better but for a unit.
		#[test]
		fn leaves_the_rest_as_it_was(
			value in money(), equity in money(), closed in 1..1_000_000_000_000u128, rest in 1..1_000_000_000_000u128,
		) {
			let quote = bankruptcy_quote(value, equity, closed, closed + rest).expect("within the type");
			// The part's value is exchanged for the quote.
			let after = q(equity) - q(value) + q(quote);
			let exact = q(equity) * q(rest) / q(closed + rest);
			prop_assert!(after >= exact && after < exact + q(1));
		}

		#[test]
		fn pays_a_fee_out_of_what_it_brought(fill in wide_signed(), bankruptcy in wide_signed(), rate in wide()) {
			let surplus = q(fill) - q(bankruptcy);
			let asked = rounded(&(q(fill).abs() * fixed(rate)), Rounding::Up);
			let fits = rounded_signed(&surplus, Rounding::Down).is_some();
			let expected = asked.filter(|_| fits).map(|asked| q(asked).min(surplus.clone().max(q(0))));
			prop_assert_eq!(liquidation_fee(fill, bankruptcy, f(rate)).map(q), expected);
			if let Some(fee) = liquidation_fee(fill, bankruptcy, f(rate)) {
				prop_assert!(fee == 0 || q(fill) - q(fee) >= q(bankruptcy));
			}
		}
	}

	/// A long of 100 with 10 of equity, all of the requirement: sold for 90 it leaves nothing.
	#[test]
	fn is_by_hand() {
		assert_eq!(bankruptcy_quote(100, 10, 5, 5), Some(90));
		assert_eq!(bankruptcy_quote(-100, 10, 5, 5), Some(-110));
		// Under water: more than it is worth would be needed.
		assert_eq!(bankruptcy_quote(100, -10, 5, 5), Some(110));
		// A third of 10 is 3.33: rounded up either way.
		assert_eq!(bankruptcy_quote(100, 10, 1, 3), Some(97));
		assert_eq!(bankruptcy_quote(100, -10, 1, 3), Some(104));
		assert_eq!(bankruptcy_quote(100, 10, 0, 0), None);
		assert_eq!(bankruptcy_quote(i128::MIN, 1, 1, 1), None);

		assert_eq!(liquidation_fee(1_001, 900, f(ONE / 100)), Some(11));
		assert_eq!(liquidation_fee(1_001, 995, f(ONE / 100)), Some(6));
		assert_eq!(liquidation_fee(1_001, 1_002, f(ONE / 100)), Some(0));
		assert_eq!(liquidation_fee(-1_001, -1_100, f(ONE / 100)), Some(11));
		assert_eq!(liquidation_fee(i128::MAX, -1, f(ONE)), None);
		assert_eq!(liquidation_fee(i128::MIN, i128::MIN, f(0)), Some(0));
	}
}

mod smallest {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(2_000))]

		#[test]
		fn part_is_what_counting_up_finds(steps in 0u32..2_000, first in 0u32..2_500) {
			let asked = Cell::new(0u32);
			let restores = |part: u32| {
				assert!((1..=steps).contains(&part), "only parts there are");
				asked.set(asked.get() + 1);
				part >= first
			};
			let found = smallest_part(steps, restores);
			prop_assert!(asked.get() <= 11, "halving 2,000 takes 11 questions");
			prop_assert_eq!(found, (1..=steps).find(|part| *part >= first).unwrap_or(steps));
		}

		/// The equity that is missing falls with every part closed: the part found restores, the one before does not.
		#[test]
		fn part_is_the_first(steps in 1u32..=u32::MAX, need in any::<u64>()) {
			let restores = |part: u32| u64::from(part).saturating_mul(3) >= need;
			let part = smallest_part(steps, restores);
			prop_assert!(part >= 1 && part <= steps);
			prop_assert!(restores(part) || part == steps);
			prop_assert!(part == 1 || !restores(part - 1));
		}
	}

	#[test]
	fn part_at_the_ends() {
		assert_eq!(smallest_part(0, |_| true), 0);
		assert_eq!(smallest_part(1, |_| false), 1);
		assert_eq!(smallest_part(u32::MAX, |_| true), 1);
		assert_eq!(smallest_part(u32::MAX, |_| false), u32::MAX);
		assert_eq!(smallest_part(u32::MAX, |part| part == u32::MAX), u32::MAX);
		let asked = Cell::new(0);
		smallest_part(u32::MAX, |_| {
			asked.set(asked.get() + 1);
			false
		});
		assert!(asked.get() <= 32);
	}
}

mod time {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]

		#[test]
		fn to_breach_is_exact(slack in wide(), per_hour in wide()) {
			let expected = (per_hour > 0).then(|| {
				let ms = q(slack) * q(3_600_000) / q(per_hour);
				rounded(&ms, Rounding::Down).and_then(|ms| u64::try_from(ms).ok()).unwrap_or(u64::MAX)
			});
			prop_assert_eq!(time_to_breach(slack, per_hour), expected);
			// By then no more than the slack is used up.
			if let Some(ms) = expected {
				prop_assert!(q(ms) * q(per_hour) / q(3_600_000) <= q(slack));
			}
		}

		#[test]
		fn amounts_saturate(amount in wide()) {
			prop_assert_eq!(q(saturating_signed(amount)), q(amount).min(q(i128::MAX)));
		}
	}

	#[test]
	fn to_breach_by_hand() {
		assert_eq!(time_to_breach(500, 1_000), Some(1_800_000));
		assert_eq!(time_to_breach(0, 1), Some(0));
		assert_eq!(time_to_breach(u128::MAX, 0), None);
		assert_eq!(time_to_breach(u128::MAX, 1), Some(u64::MAX));
	}
}
