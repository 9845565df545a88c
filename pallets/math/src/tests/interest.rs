use super::*;
use crate::{interest::*, SECONDS_PER_YEAR};

const YEAR: u64 = SECONDS_PER_YEAR;

/// `index × (1 + rate / year)^seconds`, between two rationals.
fn exact(index: u128, rate: u128, seconds: u64) -> (BigRational, BigRational) {
	let (low, high) = power(&(q(1) + fixed(rate) / q(YEAR)), seconds);
	(q(index) * low, q(index) * high)
}

/// `result` is at least the exact index and above it by at most `3 × 10⁻²⁷` of it per second.
fn check(index: u128, rate: u128, seconds: u64) -> Result<BigRational, TestCaseError> {
	let result = q(compound(index, f(rate), seconds).expect("within the type"));
	let (low, high) = exact(index, rate, seconds);
	prop_assert!(result >= low, "below the exact index");
	let excess = (&result - &low) / &low;
	prop_assert!(
		result <= &high * (q(1) + q(seconds) * q(3) * ten(-27)),
		"excess of {:?}",
		excess.to_f64()
	);
	Ok(excess)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(500))]

	#[test]
	fn compound_is_never_below_the_exact_index_nor_far_above(
		index in magnitudes(1e27, 1e30), rate in 0..5 * ONE, seconds in magnitudes(1.0, 3.2e8),
	) {
		let seconds = seconds as u64;
		// What the type carries: a growth by 10^8 on top of an index of up to 1,000.
		prop_assume!(rate as f64 / ONE as f64 * (seconds as f64 / YEAR as f64) < 18.0);
		check(index, rate, seconds)?;
	}

	#[test]
	fn compounding_in_steps_does_not_lose_anything(
		rate in 0..5 * ONE, first in 0..YEAR, second in 0..YEAR,
	) {
		let once = compound(RAY, f(rate), first + second).expect("within the type");
		let halfway = compound(RAY, f(rate), first).expect("within the type");
		let twice = compound(halfway, f(rate), second).expect("within the type");
		let error = q(once) * q(first + second) * q(3) * ten(-27) + q(1);
		prop_assert!((q(once) - q(twice)).abs() <= error);
		// Both are at least the exact index, whichever way it is cut.
		prop_assert!(q(twice) >= exact(RAY, rate, first + second).0);
	}

	#[test]
	fn compound_never_falls(index in up_to_bits(100), rate in wide(), seconds in any::<u64>(), more in any::<u64>()) {
		if let Some(result) = compound(index, f(rate), seconds) {
			prop_assert!(result >= index);
			if let Some(later) = compound(index, f(rate), seconds.saturating_add(more)) {
				// Cut differently, rounded differently: a unit in the last place per product.
				prop_assert!(q(later) * (q(1) + q(seconds) * q(3) * ten(-27)) + q(128) >= q(result));
			}
		}
	}
}

#[test]
fn a_year_untouched() {
	for (percent, low, high) in [
		(2u128, 1.020_201, 1.020_202),
		(50, 1.648_721, 1.648_722),
		(500, 148.413, 148.414),
	] {
		let excess = check(RAY, percent * ONE / 100, YEAR).expect("within its error");
		assert!(
			excess < ten(-19),
			"a year's excess is a tenth of the last place of a ratio"
		);
		let index = compound(RAY, f(percent * ONE / 100), YEAR).expect("within the type") as f64 / RAY as f64;
		assert!(low < index && index < high, "{index}");
	}
}

#[test]
fn ten_years_untouched() {
	for rate in [1, ONE / 100, ONE / 50, ONE / 2, 2 * ONE] {
		let excess = check(RAY, rate, 10 * YEAR).expect("within its error");
		assert!(excess < ten(-18));
	}
}

#[test]
fn every_second_of_a_minute_one_by_one() {
	let mut index = RAY;
	for second in 1..=60 {
		index = compound(index, f(ONE / 20), 1).expect("within the type");
		let (low, _) = exact(RAY, ONE / 20, second);
		assert!(q(index) >= low && q(index) <= low + q(2 * second));
	}
}

#[test]
fn nothing_grows_without_time_or_rate() {
	assert_eq!(compound(RAY + 7, f(5 * ONE), 0), Some(RAY + 7));
	assert_eq!(compound(RAY + 7, f(0), u64::MAX), Some(RAY + 7));
}

#[test]
fn what_does_not_fit_is_none() {
	assert_eq!(compound(RAY, f(5 * ONE), 6 * YEAR), None);
	assert!(compound(RAY, f(5 * ONE), 5 * YEAR).is_some());
	assert_eq!(compound(u128::MAX, f(1), 1), None);
	assert_eq!(compound(RAY, f(u128::MAX), 1), None);
	assert_eq!(compound(RAY, f(ONE), u64::MAX), None);
	assert_eq!(debt_of(u128::MAX, RAY + 1), None);
	assert_eq!(debt_of(u128::MAX, RAY), Some(u128::MAX));
	assert_eq!(normalise_up(1, 0), None);
	assert_eq!(normalise_down(1, 0), None);
	assert_eq!(normalise_up(u128::MAX, RAY - 1), None);
	assert_eq!(accrued(1, RAY, RAY - 1), None);
	assert_eq!(accrued(u128::MAX, 0, u128::MAX), None);
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(4_000))]

	#[test]
	fn debts_are_exact(amount in wide(), index in wide()) {
		prop_assert_eq!(debt_of(amount, index), rounded(&(q(amount) * ray(index)), Rounding::Up));
		let normalised = (index > 0).then(|| q(amount) / ray(index));
		prop_assert_eq!(normalise_up(amount, index), normalised.clone().and_then(|n| rounded(&n, Rounding::Up)));
		prop_assert_eq!(normalise_down(amount, index), normalised.and_then(|n| rounded(&n, Rounding::Down)));
	}

	/// On top of a debt that is already there: at least what was minted, at most an index more.
	#[test]
	fn minting_owes_what_was_minted(
		before in magnitudes(1.0, 1e24), amount in magnitudes(1.0, 1e24), index in magnitudes(1e27, 1e32),
	) {
		let added = normalise_up(amount, index).expect("within the type");
		let old = debt_of(before, index).expect("within the type");
		let new = debt_of(before + added, index).expect("within the type");
		prop_assert!(new - old >= amount);
		prop_assert!(new - old <= amount + index.div_ceil(RAY));
	}

	#[test]
	fn repaying_relieves_of_no_more_than_was_burned(
		before in magnitudes(1.0, 1e24), share in 0..=ONE, index in magnitudes(1e27, 1e32),
	) {
		let old = debt_of(before, index).expect("within the type");
		let amount = crate::mul_ratio(old, f(share), Rounding::Down).expect("within the type");
		let removed = normalise_down(amount, index).expect("within the type");
		prop_assert!(removed <= before, "a repayment within the debt is within the normalised debt");
		let new = debt_of(before - removed, index).expect("within the type");
		prop_assert!(old - new <= amount);
		prop_assert!(old - new + index.div_ceil(RAY) >= amount);
	}

	#[test]
	fn minting_and_repaying_gains_nothing(
		amount in magnitudes(1.0, 1e24), index in magnitudes(1e27, 1e32), rate in 0..ONE, seconds in 0..YEAR,
	) {
		let minted = normalise_up(amount, index).expect("within the type");
		prop_assert!(normalise_down(amount, index).expect("within the type") <= minted);
		// Later the same amount relieves of less.
		let later = compound(index, f(rate), seconds).expect("within the type");
		prop_assert!(normalise_down(amount, later).expect("within the type") <= minted);
	}

	/// What is minted as income is covered by what the vaults owe, however many they are.
	#[test]
	fn accrued_income_is_owed(
		vaults in prop::collection::vec(magnitudes(1.0, 1e20), 1..20),
		index in magnitudes(1e27, 1e30),
		step in magnitudes(1.0, 1e27),
	) {
		let total = vaults.iter().sum::<u128>();
		let income = accrued(total, index, index + step).expect("within the type");
		prop_assert!(q(income) <= q(total) * ray(step) && q(income) + q(1) > q(total) * ray(step));
		let owed = |index: u128| vaults.iter().map(|v| debt_of(*v, index).expect("within the type")).sum::<u128>();
		prop_assert!(q(owed(index + step)) >= q(total) * ray(index) + q(income));
	}

	#[test]
	fn accrued_is_exact(total in wide(), old in wide(), new in wide()) {
		let expected = new.checked_sub(old).and_then(|step| rounded(&(q(total) * ray(step)), Rounding::Down));
		prop_assert_eq!(accrued(total, old, new), expected);
	}

	#[test]
	fn ramp_arrives_on_time_and_never_overshoots(
		from in wide(), to in wide(), per_hour in wide(), elapsed in any::<u64>(), shift in 0u32..64,
	) {
		let elapsed = elapsed >> shift;
		let moved = ramp(f(from), f(to), f(per_hour), elapsed).into_inner();
		let most = rounded(&(q(per_hour) * q(elapsed) / q(3_600_000)), Rounding::Down).unwrap_or(u128::MAX);
		prop_assert!(moved >= from.min(to) && moved <= from.max(to), "between the two");
		prop_assert_eq!(moved.abs_diff(from), most.min(to.abs_diff(from)), "as fast as it may, no faster");
	}

	#[test]
	fn ramp_in_two_steps_is_no_faster_than_in_one(
		from in magnitudes(1e18, 3e18), to in magnitudes(1e18, 3e18), per_hour in magnitudes(1.0, 1e18),
		first in 0u64..7_200_000, second in 0u64..7_200_000,
	) {
		let once = ramp(f(from), f(to), f(per_hour), first + second).into_inner();
		let twice = ramp(ramp(f(from), f(to), f(per_hour), first), f(to), f(per_hour), second).into_inner();
		prop_assert!(twice.abs_diff(from) <= once.abs_diff(from));
		prop_assert!(once.abs_diff(twice) <= 1);
	}
}

/// One percentage point per hour, up and down.
#[test]
fn ramp_by_hand() {
	let percent = ONE / 100;
	let hour = 3_600_000;
	assert_eq!(
		ramp(f(150 * percent), f(160 * percent), f(percent), 3 * hour),
		f(153 * percent)
	);
	assert_eq!(
		ramp(f(150 * percent), f(140 * percent), f(percent), hour / 2),
		f(150 * percent - percent / 2)
	);
	assert_eq!(
		ramp(f(150 * percent), f(151 * percent), f(percent), 2 * hour),
		f(151 * percent)
	);
	assert_eq!(
		ramp(f(150 * percent), f(149 * percent), f(percent), u64::MAX),
		f(149 * percent)
	);
	assert_eq!(
		ramp(f(150 * percent), f(160 * percent), f(0), u64::MAX),
		f(150 * percent)
	);
	assert_eq!(ramp(f(0), f(u128::MAX), f(u128::MAX), u64::MAX), f(u128::MAX));
}
