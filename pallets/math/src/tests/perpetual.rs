use super::*;
use crate::perpetual::*;

/// Base units of one whole unit of an underlying.
const UNIT: i128 = 100_000_000;

/// One kUSD.
const USD: i128 = 1_000_000;

const HOUR: u64 = 3_600_000;

/// `numerator` of a hundred thousand parts of `scale`.
fn part(scale: u128, numerator: i32) -> i128 {
	scale as i128 * i128::from(numerator) / 100_000
}

fn curve(scale: u128, largest: u128) -> PremiumCurve {
	PremiumCurve::new(scale, f(largest)).expect("a scale")
}

/// `Φ(s) = ∫π`, in base units of a size.
fn integral(skew: i128, scale: u128, largest: u128) -> BigRational {
	let bound = curve(scale, largest).bound();
	let (size, bound) = (q(skew).abs(), q(bound));
	let doubled = if size <= bound {
		&size * &size
	} else {
		&bound * (q(2) * &size - &bound)
	};
	doubled / q(2) / q(scale)
}

/// What the skew is worth, `P·(s + Φ(s))`, in base units of the synthetic.
fn potential(index: u128, skew: i128, scale: u128, largest: u128) -> BigRational {
	q(index) / q(SIZE_DIVISOR) * (q(skew) + integral(skew, scale, largest))
}

/// What a trade of `size` costs.
fn trade(index: u128, skew: i128, (scale, largest): (u128, u128), size: i128) -> i128 {
	let price = curve(scale, largest)
		.fill_price(f(index), skew, size)
		.expect("within the type");
	cost(size, price).expect("within the type")
}

/// Above the exact cost of a trade by less than this: the last place of a base unit and of the price, and a
/// unit of the doubled mean of the skew.
fn rounding_of(index: u128, scale: u128, size: i128) -> BigRational {
	q(1) + q(size).abs() / q(SIZE_DIVISOR) * (q(1) + ratio(index as i128, 2 * scale))
}

/// An index price from 10^−6 to 10^7 USD.
fn index_price() -> impl Strategy<Value = u128> {
	magnitudes(1e12, 1e25)
}

/// A scale of 0.01 to 10^8 whole units, and a largest premium of nothing to all.
fn scales() -> impl Strategy<Value = (u128, u128)> {
	let largest = prop_oneof![Just(0), Just(ONE / 200), Just(ONE), 0..=ONE];
	(magnitudes(1e6, 1e16), largest)
}

/// A skew of at most three bounds or twice the scale, in hundred-thousandths of the scale.
fn skews() -> impl Strategy<Value = i32> {
	prop_oneof![-1_500..=1_500i32, -200_000..=200_000i32]
}

mod prices {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]

		#[test]
		fn values_are_exact_in_every_rounding(size in wide_signed(), price in wide()) {
			let exact = q(size) * q(price) / q(SIZE_DIVISOR);
			for rounding in ROUNDINGS {
				prop_assert_eq!(value(size, f(price), rounding), rounded_signed(&exact, rounding));
				prop_assert_eq!(notional(size, f(price), rounding), rounded(&exact.abs(), rounding));
			}
			prop_assert_eq!(cost(size, f(price)), rounded_signed(&exact, Rounding::Up));
		}

		#[test]
		fn premiums_are_exact_but_for_rounding_towards_zero(skew in wide_signed(), (scale, largest) in scales()) {
			let bound = curve(scale, largest).bound() as i128;
			let exact = q(skew.clamp(-bound, bound)) * q(ONE) / q(scale);
			prop_assert_eq!(curve(scale, largest).premium(skew), exact.trunc().to_integer().to_i128());
		}

		#[test]
		fn marks_are_exact(index in wide(), skew in wide_signed(), (scale, largest) in scales()) {
			let bound = curve(scale, largest).bound() as i128;
			let exact = q(index) * (q(1) + ratio(skew.clamp(-bound, bound), scale));
			prop_assert_eq!(curve(scale, largest).mark(f(index), skew), rounded(&exact, Rounding::Down).map(f));
		}

		/// The mean of the premium on the way, rounded against the trader by less than a unit of the doubled
		/// skew and the last place.
		#[test]
		fn fills_are_the_mean_of_the_premium(index in index_price(), (scale, largest) in scales(), from in skews(), to in skews()) {
			let (from, to) = (part(scale, from), part(scale, to));
			prop_assume!(from != to);
			let size = to - from;
			let mean = (integral(to, scale, largest) - integral(from, scale, largest)) / q(size);
			let exact = q(index) * (q(1) + mean);
			let price = curve(scale, largest).fill_price(f(index), from, size).expect("within the type");
			let off = q(price.into_inner()) - exact;
			let off = if size > 0 { off } else { -off };
			prop_assert!(!off.is_negative(), "{off}");
			prop_assert!(off < q(1) + ratio(index as i128, 2 * scale), "{off}");
			// Exact where the way is within the bound, or beyond it.
			let bound = curve(scale, largest).bound();
			let within = |skew: i128| skew.unsigned_abs() <= bound;
			if within(from) && within(to) || !within(from) && !within(to) && (from > 0) == (to > 0) {
				prop_assert!(off < q(1), "{off}");
			}
		}

		/// No price is further from the index than the bound, and none is beyond the marks it lies between.
		#[test]
		fn fills_lie_between_the_marks_and_within_the_bound(
			index in index_price(), (scale, largest) in scales(), from in skews(), to in skews(),
		) {
			let (from, to) = (part(scale, from), part(scale, to));
			let curve = curve(scale, largest);
			let at = |skew| curve.mark(f(index), skew).expect("within the type").into_inner();
			let fill = curve.fill_price(f(index), from, to - from).expect("within the type").into_inner();
			prop_assert!(fill >= at(from).min(at(to)));
			// Marks are rounded down.
			prop_assert!(fill <= at(from).max(at(to)) + 1);
			let reach = crate::mul_ratio(index, f(largest), Rounding::Up).expect("within the type");
			prop_assert!(fill.abs_diff(index) <= reach + 1);
		}
	}

	/// 50,000 with 10 of 1,000 on the long side, and a premium of at most 2 %.
	#[test]
	fn by_hand() {
		let (index, scale) = (f(50_000 * ONE), 1_000 * UNIT as u128);
		let market = (scale, ONE / 50);
		let curve = curve(market.0, market.1);
		assert_eq!(curve.bound(), 20 * UNIT as u128);
		assert_eq!(curve.premium(10 * UNIT), Some(ONE as i128 / 100));
		assert_eq!(curve.premium(-10 * UNIT), Some(-(ONE as i128) / 100));
		assert_eq!(curve.premium(30 * UNIT), Some(ONE as i128 / 50));
		assert_eq!(curve.mark(index, 10 * UNIT), Some(f(50_500 * ONE)));
		assert_eq!(curve.mark(index, -10 * UNIT), Some(f(49_500 * ONE)));
		assert_eq!(curve.mark(index, i128::MIN), Some(f(49_000 * ONE)));
		assert_eq!(
			curve.fill_price(index, 10 * UNIT, 2 * UNIT),
			Some(f(50_550 * ONE))
		);
		assert_eq!(
			curve.fill_price(index, 10 * UNIT, -20 * UNIT),
			Some(index),
			"through the middle"
		);
		// From 10 to 40: ten at 1.5 % on average, twenty at 2 %.
		assert_eq!(
			curve
				.fill_price(index, 10 * UNIT, 30 * UNIT)
				.map(|price| price.into_inner() / ONE),
			Some(50_916)
		);
		assert_eq!(
			curve.fill_price(index, 40 * UNIT, -10 * UNIT),
			Some(f(51_000 * ONE))
		);
		assert_eq!(curve.fill_price(index, 40 * UNIT, -80 * UNIT), Some(index));
		assert_eq!(trade(50_000 * ONE, 10 * UNIT, market, 2 * UNIT), 101_100 * USD);
		assert_eq!(trade(50_000 * ONE, 10 * UNIT, market, -2 * UNIT), -100_900 * USD);
		assert_eq!(value(3, f(ONE), Rounding::Up), Some(1));
		assert_eq!(value(-3, f(ONE), Rounding::Up), Some(0));
		assert_eq!(value(-3, f(ONE), Rounding::Down), Some(-1));
		assert_eq!(notional(-UNIT, f(ONE), Rounding::Up), Some(USD as u128));
	}

	#[test]
	fn at_the_edges() {
		let index = f(ONE);
		assert_eq!(PremiumCurve::new(0, f(ONE)), None);
		assert_eq!(PremiumCurve::new(u128::MAX, f(ONE)), None);
		// A premium above one is one: no price is below zero.
		assert_eq!(
			PremiumCurve::new(1_000, f(u128::MAX)),
			PremiumCurve::new(1_000, f(ONE))
		);
		let widest = curve(1_000, ONE);
		assert_eq!(widest.mark(index, -1_000), Some(f(0)));
		assert_eq!(widest.mark(index, -1_001), Some(f(0)));
		assert_eq!(widest.mark(index, i128::MAX), Some(f(2 * ONE)));
		assert_eq!(widest.mark(f(u128::MAX), 1), None);
		assert_eq!(widest.fill_price(index, 0, -1_000), Some(f(ONE / 2)));
		// There is a way out from anywhere.
		assert_eq!(widest.fill_price(index, -5_000, 1_000), Some(f(0)));
		assert_eq!(
			widest
				.fill_price(index, -5_000, 5_000)
				.map(|price| price.into_inner() / ONE),
			Some(0)
		);
		assert_eq!(widest.fill_price(index, 7, 0), widest.mark(index, 7));
		for extreme in [i128::MIN, i128::MAX] {
			assert_eq!(widest.fill_price(index, extreme, extreme), None);
			assert_eq!(widest.owed(f(u128::MAX), extreme, 0), None);
		}
		// Without a premium everything trades at the index.
		let flat = curve(1_000, 0);
		assert_eq!(flat.fill_price(index, -5_000, 9_000), Some(index));
		assert_eq!(flat.premium(i128::MIN), Some(0));
		assert_eq!(value(i128::MIN, f(SIZE_DIVISOR), Rounding::Up), Some(i128::MIN));
		assert_eq!(value(i128::MAX, f(2 * SIZE_DIVISOR), Rounding::Up), None);
		assert_eq!(notional(i128::MIN, f(SIZE_DIVISOR), Rounding::Up), Some(1 << 127));
	}
}

mod trades {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]

		#[test]
		fn cost_the_difference_of_the_potential_rounded_against_the_trader(
			index in index_price(), market in scales(), from in skews(), to in skews(), nudge in -50i128..=50,
		) {
			let (scale, largest) = market;
			// Sizes that are not round.
			let (from, to) = (part(scale, from) + nudge, part(scale, to));
			let paid = q(trade(index, from, market, to - from));
			let exact = potential(index, to, scale, largest) - potential(index, from, scale, largest);
			prop_assert!(paid >= exact);
			prop_assert!(paid < exact + rounding_of(index, scale, to - from));
		}

		/// Whatever the way from a skew back to it, at one index price: nothing is earned, and what is lost is a unit a trade
		/// and the last place of its price.
		#[test]
		fn in_a_circle_earn_nothing(
			index in index_price(), market in scales(), start in skews(), stops in prop::collection::vec(skews(), 1..12),
		) {
			let start = part(market.0, start);
			let (mut skew, mut paid, mut most) = (start, 0, q(0));
			for stop in stops.into_iter().map(|stop| part(market.0, stop)).chain([start]) {
				paid += trade(index, skew, market, stop - skew);
				most += rounding_of(index, market.0, stop - skew);
				skew = stop;
			}
			prop_assert!(paid >= 0, "earned {}", -paid);
			prop_assert!(q(paid) <= most);
		}

		/// A trade cut in parts costs what it costs in one, but for the rounding of the parts.
		#[test]
		fn cut_in_parts_gain_nothing(
			index in index_price(), market in scales(), from in skews(), to in skews(), stops in prop::collection::vec(skews(), 1..8),
		) {
			let (from, to) = (part(market.0, from), part(market.0, to));
			let once = trade(index, from, market, to - from);
			let (mut skew, mut parts, mut most) = (from, 0, rounding_of(index, market.0, to - from));
			for stop in stops.into_iter().map(|stop| part(market.0, stop)).chain([to]) {
				parts += trade(index, skew, market, stop - skew);
				most += rounding_of(index, market.0, stop - skew);
				skew = stop;
			}
			// In one it may be rounded by just as much.
			prop_assert!(q(parts) > q(once) - rounding_of(index, market.0, to - from));
			prop_assert!(q(parts) < q(once) + most);
		}

		/// A buyer never pays less than a seller of the same gets for it.
		#[test]
		fn there_and_back_cost_their_rounding(index in index_price(), market in scales(), from in skews(), to in skews()) {
			let (from, to) = (part(market.0, from), part(market.0, to));
			let lost = trade(index, from, market, to - from) + trade(index, to, market, from - to);
			prop_assert!(lost >= 0);
			prop_assert!(q(lost) < q(2) * rounding_of(index, market.0, to - from));
		}

		/// Whatever others do between: who leaves gets a price within the bound of the index, so at most two
		/// bounds and the fees worse than what the position was valued at.
		#[test]
		fn cost_at_most_twice_the_bound_whoever_leaves_before(
			index in index_price(), market in scales(), size in skews(), before in skews(), at_exit in skews(),
		) {
			let (scale, largest) = market;
			let (size, before, at_exit) = (part(scale, size), part(scale, before), part(scale, at_exit));
			let curve = curve(scale, largest);
			let mark = curve.mark(f(index), before).expect("within the type");
			let valued = value(size, mark, Rounding::Down).expect("within the type");
			let received = -trade(index, at_exit, market, -size);
			let most = q(2) * fixed(largest) * q(size).abs() * q(index) / q(SIZE_DIVISOR);
			// The mark is rounded too.
			let rounding = rounding_of(index, scale, size) + rounding_of(index, scale, size);
			prop_assert!(q(valued - received) <= most + rounding);
		}
	}
}

mod owing {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]

		#[test]
		fn is_never_too_little_and_hardly_too_much(
			index in index_price(), (scale, largest) in scales(), skew in skews(), cost in wide_signed(),
		) {
			let (skew, cost) = (part(scale, skew), cost >> 8);
			let exact = potential(index, skew, scale, largest) - q(cost);
			let owed = q(curve(scale, largest).owed(f(index), skew, cost).expect("within the type"));
			prop_assert!(owed >= exact);
			prop_assert!(owed < exact + rounding_of(index, scale, skew));
		}

		/// Sizes on which the last place of the price is worth many units.
		#[test]
		fn is_never_too_little_on_the_largest_skews(
			index in up_to_bits(70), scale in magnitudes(1e20, 1e30), largest in 0..=ONE, skew in skews(),
		) {
			let skew = part(scale, skew);
			let exact = potential(index, skew, scale, largest);
			let owed = q(curve(scale, largest).owed(f(index), skew, 0).expect("within the type"));
			prop_assert!(owed >= exact);
			prop_assert!(owed < exact + rounding_of(index, scale, skew));
		}

		/// Traders come and go, then the price moves, then all close one after the other, in any order and
		/// from beyond the bound too: what they get together is never more than what was owed before, and
		/// less only by rounding.
		#[test]
		fn is_kept_by_trades_and_enough_for_all(
			(index, later) in (index_price(), index_price()),
			market in scales(),
			moves in prop::collection::vec((0usize..6, skews()), 1..24),
			order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
		) {
			let (scale, largest) = market;
			let curve = curve(scale, largest);
			let mut positions = [(0i128, 0i128); 6];
			let (mut skew, mut total) = (0, 0);
			let mut bound = q(0);
			let rounding = |index, size| rounding_of(index, scale, size);
			for (who, to) in moves {
				let size = part(scale, to) - skew;
				let before = curve.owed(f(index), skew, total).expect("within the type");
				let paid = trade(index, skew, market, size);
				let error = rounding(index, size) + rounding(index, skew) + rounding(index, skew + size);
				positions[who].0 += size;
				positions[who].1 += paid;
				skew += size;
				total += paid;
				bound += rounding(index, size);
				let after = curve.owed(f(index), skew, total).expect("within the type");
				prop_assert!(q(after - before).abs() < error, "{before} before, {after} after");
				// Not more than the rounding of all trades has left with the pool since it began with nothing.
				prop_assert!(q(after) < rounding(index, skew) && q(after) > -bound.clone());
			}
			prop_assert_eq!(positions.iter().map(|(size, _)| size).sum::<i128>(), skew);

			let promised = curve.owed(f(later), skew, total).expect("within the type");
			let mut received = 0;
			let mut least = q(promised) - rounding(later, skew);
			for (size, cost) in order.into_iter().map(|who| positions[who]) {
				let price = curve.fill_price(f(later), skew, -size).expect("a way out from anywhere");
				received -= super::cost(-size, price).expect("within the type") + cost;
				least -= rounding(later, size);
				skew -= size;
			}
			prop_assert_eq!(skew, 0);
			prop_assert!(received <= promised, "{received} of {promised}");
			prop_assert!(q(received) > least);
		}
	}

	/// 10 bought at 50,000 of a skew of 0, then the price rises by a tenth.
	#[test]
	fn is_by_hand() {
		let scale = 1_000 * UNIT as u128;
		let market = (scale, ONE);
		let owed = |index, skew, cost| curve(scale, ONE).owed(index, skew, cost);
		let paid = trade(50_000 * ONE, 0, market, 10 * UNIT);
		assert_eq!(paid, 502_500 * USD);
		assert_eq!(owed(f(50_000 * ONE), 10 * UNIT, paid), Some(0));
		assert_eq!(owed(f(55_000 * ONE), 10 * UNIT, paid), Some(50_250 * USD));
		assert_eq!(owed(f(45_000 * ONE), 10 * UNIT, paid), Some(-50_250 * USD));
		assert_eq!(owed(f(ONE), 0, 7), Some(-7));
		assert_eq!(owed(f(ONE), 0, i128::MIN), None);
		// Half a unit owed is one; half a unit owing is none.
		let wide = curve(u128::MAX >> 3, ONE);
		assert_eq!(wide.owed(f(ONE / 2), 100, 0), Some(1));
		assert_eq!(wide.owed(f(ONE / 2), -100, 0), Some(0));
	}
}

/// A market a rate moves in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Market {
	pub price: u128,
	pub skew: i128,
	pub scale: u128,
	pub velocity: u128,
	pub max_rate: u128,
}

impl Market {
	pub fn accrue(&self, rate: i128, elapsed: u64) -> Accrued {
		self.decaying(None, rate, elapsed)
	}

	pub fn decaying(&self, decay_ms: Option<u64>, rate: i128, elapsed: u64) -> Accrued {
		FundingCurve {
			bound: self.scale,
			velocity: f(self.velocity),
			max_rate: f(self.max_rate),
			decay_ms,
		}
		.accrue(rate, f(self.price), self.skew, elapsed)
		.expect("within the type")
	}

	/// The rate per day after `elapsed` and the growth of the index in USD: the integral piece by piece.
	pub fn exact(&self, rate: &BigRational, elapsed: u64) -> (BigRational, BigRational) {
		let limit = fixed(self.max_rate);
		let rate = rate.clone().clamp(-limit.clone(), limit.clone());
		let slope = ratio(self.skew, self.scale).clamp(q(-1), q(1)) * fixed(self.velocity);
		let days = days(elapsed);
		let free = &rate + &slope * &days;
		if free.abs() <= limit {
			let area = (&rate + &free) / q(2) * days;
			return (free, area * fixed(self.price));
		}
		let end = if slope.is_positive() { limit } else { -limit };
		let until = (&end - &rate) / slope;
		let area = (rate + &end) / q(2) * &until + &end * (days - until);
		(end, area * fixed(self.price))
	}

	/// How far a rate may be from the exact one, in USD per USD and day.
	pub fn rate_error(elapsed: u64) -> BigRational {
		(q(1) + days(elapsed)) / q(ONE)
	}

	/// How far the growth of an index may be from the exact one, in USD.
	pub fn index_error(&self, elapsed: u64) -> BigRational {
		let mean = Self::rate_error(elapsed) / q(2) * days(elapsed);
		// The area is a number of units times milliseconds.
		(mean + days(1) / q(ONE)) * fixed(self.price) + fixed(1)
	}
}

/// Milliseconds in days.
pub(super) fn days(elapsed: u64) -> BigRational {
	ratio(elapsed, DAY_MS)
}

mod funding_rate {
	use super::*;

	/// Up to half a year, as many of each magnitude.
	fn elapsed() -> impl Strategy<Value = u64> {
		prop_oneof![
			1 => Just(0),
			9 => magnitudes(1.0, 1.5e10).prop_map(|ms| ms as u64),
		]
	}

	/// Skews up to twice the scale, from velocities that hardly move to those that reach the limit at once.
	fn market() -> impl Strategy<Value = Market> {
		(
			index_price(),
			scales().prop_map(|(scale, _)| scale),
			prop_oneof![1 => Just(0), 9 => -200_000..=200_000i32],
			prop_oneof![1 => Just(0), 9 => magnitudes(1.0, 1e22)],
			prop_oneof![1 => Just(0), 9 => magnitudes(1.0, 1e20)],
		)
			.prop_map(|(price, scale, skew, velocity, max_rate)| Market {
				price,
				skew: part(scale, skew),
				scale,
				velocity,
				max_rate,
			})
	}

	/// A rate up to half beyond the limit, either way.
	fn start(market: &Market, start: i32) -> i128 {
		part(market.max_rate, start)
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(8_000))]

		#[test]
		fn is_the_exact_integral_but_for_the_last_place(
			market in market(), from in -150_000..=150_000i32, elapsed in elapsed(),
		) {
			let from = start(&market, from);
			let moved = market.accrue(from, elapsed);
			let (rate, index) = market.exact(&fixed_signed(from), elapsed);
			let missing = rate - fixed_signed(moved.rate);
			prop_assert!(market.skew != 0 || missing.is_zero(), "nothing pushes");
			let lag = missing * q(market.skew.signum());
			prop_assert!(!lag.is_negative(), "never moves too much");
			prop_assert!(lag < Market::rate_error(elapsed));
			let off = index - fixed_signed(moved.index);
			prop_assert!(off.abs() <= market.index_error(elapsed), "off by {:?}", off.to_f64());
			prop_assert!(moved.rate.unsigned_abs() <= market.max_rate);
		}

		/// Cut in two, each half lags on its own, and the second starts where the first ended.
		#[test]
		fn in_two_steps_is_that_in_one(
			market in market(), from in -150_000..=150_000i32, first in elapsed(), second in elapsed(),
		) {
			let from = start(&market, from);
			let once = market.accrue(from, first + second);
			let halfway = market.accrue(from, first);
			let end = market.accrue(halfway.rate, second);
			let lags = Market::rate_error(first) + Market::rate_error(second);
			prop_assert!(fixed_signed(once.rate - end.rate).abs() < lags);
			let most = market.index_error(first + second)
				+ market.index_error(first)
				+ market.index_error(second)
				+ Market::rate_error(first) * days(second) * fixed(market.price);
			prop_assert!(fixed_signed(once.index - halfway.index - end.index).abs() <= most);
		}

		/// Everything the other way round: the same, but for the rounding of the index.
		#[test]
		fn is_the_same_for_shorts(market in market(), from in -150_000..=150_000i32, elapsed in elapsed()) {
			let from = start(&market, from);
			let moved = market.accrue(from, elapsed);
			let mirrored = Market { skew: -market.skew, ..market }.accrue(-from, elapsed);
			prop_assert_eq!(mirrored.rate, -moved.rate);
			let apart = fixed_signed(mirrored.index + moved.index);
			prop_assert!(apart.abs() <= fixed(2) + days(2) * fixed(market.price) / q(ONE));
			prop_assert!(!apart.is_positive(), "both towards minus infinity");
		}

		/// At a push of one and a velocity that is whole per millisecond the rate is exact, so that all there is to see is how the
		/// area and the index are rounded: with these prices a unit of the area is many of the index.
		#[test]
		fn rounds_the_index_towards_minus_infinity(
			price in magnitudes(1e27, 1e33), per_ms in 1u128..1_000, falls in any::<bool>(),
			max_rate in magnitudes(1.0, 1e13), from in -100_000..=100_000i32, elapsed in magnitudes(1.0, 1e10),
		) {
			let market = Market {
				price,
				skew: if falls { -1 } else { 1 },
				scale: 1,
				velocity: per_ms * DAY_MS,
				max_rate,
			};
			let (from, elapsed) = (start(&market, from), elapsed as u64);
			let moved = market.accrue(from, elapsed);
			let (rate, index) = market.exact(&fixed_signed(from), elapsed);
			prop_assert_eq!(fixed_signed(moved.rate), rate);
			let area = (index * q(ONE) * q(DAY_MS) / fixed(price)).floor();
			prop_assert_eq!(q(moved.index), (area * fixed(price) / q(DAY_MS)).floor());
		}

		#[test]
		fn moves_towards_the_skew(market in market(), from in -100_000..=100_000i32, first in elapsed(), second in elapsed()) {
			let from = start(&market, from);
			let (sooner, later) = (market.accrue(from, first.min(second)), market.accrue(from, first.max(second)));
			let along = market.skew.signum();
			prop_assert!((sooner.rate - from) * along >= 0);
			prop_assert!((later.rate - sooner.rate) * along >= 0);
			prop_assert!(along != 0 || later.rate == from);
		}
	}

	const DAY: u64 = 24 * HOUR;

	/// 1 USD, a velocity of 9, at most 1 a day.
	fn plain(skew: i128) -> Market {
		Market {
			price: ONE,
			skew,
			scale: 100_000,
			velocity: 9 * ONE,
			max_rate: ONE,
		}
	}

	fn is(market: Market, from: i128, elapsed: u64, rate: i128, index: i128) {
		assert_eq!(market.accrue(from, elapsed), Accrued { rate, index });
	}

	#[test]
	fn is_by_hand() {
		let one = ONE as i128;
		// A tenth of the scale for a third of a day: 0.3, on average 0.15.
		is(plain(10_000), 0, DAY / 3, one / 10 * 3, one / 20);
		// From −0.1 to 0.2: on average 0.05.
		is(plain(10_000), -one / 10, DAY / 3, one / 5, one / 60);
		// There after two ninths of a day, 0.5 on average, then 1 until half a day is over.
		is(plain(50_000), 0, DAY / 2, one, one * 7 / 18);
		is(plain(-50_000), 0, DAY / 2, -one, -one * 7 / 18 - 1);
		// No skew: it stays.
		is(plain(0), one / 2, DAY, one / 2, one / 2);
		is(plain(0), -one / 2, DAY, -one / 2, -one / 2);
	}

	#[test]
	fn stands_still_without_time() {
		is(plain(100_000), 7, 0, 7, 0);
		is(plain(-100_000), -7, 0, -7, 0);
	}

	#[test]
	fn beyond_a_lowered_limit_is_at_the_limit_at_once() {
		let one = ONE as i128;
		is(plain(0), 3 * one, 0, one, 0);
		is(plain(0), 3 * one, DAY, one, one);
		is(plain(100_000), 3 * one, DAY, one, one);
		is(plain(0), i128::MIN, DAY, -one, -one);
		// From the limit, not from where it was.
		is(
			plain(-10_000),
			i128::MAX,
			DAY / 9,
			one / 10 * 9,
			one / 100 * 95 / 9,
		);
	}

	#[test]
	fn is_nothing_where_the_limit_is_nothing() {
		let closed = Market {
			max_rate: 0,
			..plain(100_000)
		};
		is(closed, 5, DAY, 0, 0);
		is(closed, -5, u64::MAX, 0, 0);
	}

	/// However far beyond the scale: no more than the velocity, and no overflow.
	#[test]
	fn is_pushed_by_the_velocity_at_most() {
		let one = ONE as i128;
		for skew in [100_000, 100_001, i128::MAX] {
			is(plain(skew), 0, DAY / 18, one / 2, one / 72);
			is(plain(-skew), 0, DAY / 18, -one / 2, -one / 72 - 1);
		}
		is(plain(i128::MIN), 0, DAY / 18, -one / 2, -one / 72 - 1);
	}

	/// A gap in which the change does not fit is one in which the limit was reached.
	#[test]
	fn reaches_the_limit_however_long_it_takes() {
		let fast = Market {
			velocity: u128::MAX,
			..plain(100_000)
		};
		assert_eq!(fast.accrue(0, DAY * 2).rate, ONE as i128);
		assert_eq!(fast.accrue(0, u64::MAX).rate, ONE as i128);
	}

	#[test]
	fn that_does_not_fit_is_none() {
		let at = |bound, max_rate, elapsed, price| {
			FundingCurve {
				bound,
				velocity: f(ONE),
				max_rate: f(max_rate),
				decay_ms: None,
			}
			.accrue(0, f(price), 1, elapsed)
		};
		assert_eq!(at(0, ONE, 1, ONE), None);
		assert_eq!(at(1, u128::MAX, 1, ONE), None);
		assert_eq!(at(1, ONE, u64::MAX, u128::MAX), None);
		assert_eq!(at(1, i128::MAX as u128, u64::MAX, ONE), None);
		assert!(at(1, ONE, u64::MAX, ONE).is_some());
	}

	/// Half of a rate is gone after 5.5 hours without a skew, in blocks of 6 seconds; the index grew by the
	/// area.
	#[test]
	fn decays_without_a_skew() {
		let market = plain(0);
		let (mut rate, mut index) = (ONE as i128 / 20, 0);
		for _ in 0..3_327 {
			let moved = market.decaying(Some(FUNDING_DECAY_MS), rate, 6_000);
			(rate, index) = (moved.rate, index + moved.index);
		}
		let one = ONE as f64;
		let exact = 0.05 * (-3_327.0 * 6.0 / 28_800.0f64).exp();
		assert!((rate as f64 / one - exact).abs() < 1e-5, "{rate}");
		// The integral of an exponential over a third of a day: what is lost of the rate times that.
		assert!(
			(index as f64 / one - (0.05 - exact) / 3.0).abs() < 1e-5,
			"{index}"
		);
		// One step of an hour is within a per cent of it.
		let hour = market.decaying(Some(FUNDING_DECAY_MS), ONE as i128, HOUR).rate as f64 / one;
		assert!((hour - (-0.125f64).exp()).abs() < 0.008, "{hour}");
		assert_eq!(
			market.decaying(Some(FUNDING_DECAY_MS), 7, 0),
			Accrued { rate: 7, index: 0 }
		);
	}

	/// A third of the velocity, whatever the length of the steps, from below and from above.
	#[test]
	fn settles_at_velocity_times_decay() {
		for (skew, settled) in [(100_000, ONE as i128 / 15), (-50_000, -(ONE as i128) / 30)] {
			let market = Market {
				velocity: ONE / 5,
				..plain(skew)
			};
			for (from, step) in [(0, HOUR), (ONE as i128, HOUR / 2), (-(ONE as i128), DAY)] {
				let mut rate = from;
				for _ in 0..2_000 {
					rate = market.decaying(Some(FUNDING_DECAY_MS), rate, step).rate;
				}
				assert!((rate - settled).abs() < 100, "{rate} {settled}");
			}
		}
		let limited = Market {
			velocity: ONE / 5,
			max_rate: ONE / 20,
			..plain(100_000)
		};
		let mut rate = 0;
		for _ in 0..100 {
			rate = limited.decaying(Some(FUNDING_DECAY_MS), rate, HOUR).rate;
			assert!(rate <= ONE as i128 / 20);
		}
		// A step pushes to the limit and decays from there.
		assert!(rate > ONE as i128 / 24, "{rate}");
	}

	/// 20 % a year on 60,000 for an hour is 1.37, rounded up.
	#[test]
	fn borrow_fee_by_hand() {
		let price = f(60_000 * ONE);
		let hour = borrow_delta(f(ONE / 5), price, HOUR).expect("small numbers");
		assert_eq!(hour, (12_000 * ONE).div_ceil(8_760));
		assert_eq!(borrow_delta(f(ONE), price, 365 * DAY), Some(60_000 * ONE));
		assert_eq!(borrow_delta(f(1), f(1), 1), Some(1));
		assert_eq!(borrow_delta(f(0), price, u64::MAX), Some(0));
		assert_eq!(borrow_delta(f(u128::MAX), f(u128::MAX), 1), None);
	}
}

mod funding {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]

		#[test]
		fn delta_is_exact(area in wide_signed(), price in wide()) {
			let exact = q(area) * fixed(price) / q(DAY_MS);
			prop_assert_eq!(funding_delta(area, f(price)), rounded_signed(&exact, Rounding::Down));
		}

		#[test]
		fn on_a_size_is_exact_in_every_rounding(size in wide_signed(), index in wide_signed()) {
			let exact = q(size) * q(index) / q(SIZE_DIVISOR);
			for rounding in ROUNDINGS {
				prop_assert_eq!(funding_on(size, index, rounding), rounded_signed(&exact, rounding), "{:?}", rounding);
			}
		}

		/// Charged rounded up, remembered rounded down: never less than is owed, and at most two units more.
		#[test]
		fn is_never_owed_too_little(size in wide_signed(), entry in wide_signed(), now in wide_signed()) {
			let (size, entry, now) = (size >> 40, entry >> 40, now >> 40);
			let owes = funding_on(size, now, Rounding::Up).expect("within the type")
				- funding_on(size, entry, Rounding::Down).expect("within the type");
			let exact = q(size) * q(now - entry) / q(SIZE_DIVISOR);
			prop_assert!(q(owes) >= exact && q(owes) < exact + q(2));
		}

		/// What all positions owe together is what hangs on the skew since they were opened: the pool is the other side of it, and
		/// is never short.
		#[test]
		fn of_all_positions_covers_the_skew(
			positions in prop::collection::vec((wide_signed(), wide_signed()), 1..12), now in wide_signed(),
		) {
			let now = now >> 48;
			let (mut owes, mut skew, mut debt, mut exact) = (0, 0, 0, q(0));
			for (size, entry) in positions.iter().map(|(size, entry)| (size >> 48, entry >> 48)) {
				let remembered = funding_on(size, entry, Rounding::Down).expect("within the type");
				owes += funding_on(size, now, Rounding::Up).expect("within the type") - remembered;
				skew += size;
				debt += remembered;
				exact += q(size) * q(now - entry) / q(SIZE_DIVISOR);
			}
			// As the aggregates give it, with one rounding for all.
			let by_skew = funding_on(skew, now, Rounding::Down).expect("within the type") - debt;
			prop_assert!(q(owes) >= exact && by_skew <= owes);
			prop_assert!(owes - by_skew <= positions.len() as i128);
		}
	}

	#[test]
	fn by_hand() {
		// 2 units for 100 USD a unit.
		let index = 100 * ONE as i128;
		assert_eq!(funding_on(2 * UNIT, index, Rounding::Up), Some(200 * USD));
		assert_eq!(funding_on(-2 * UNIT, index, Rounding::Up), Some(-200 * USD));
		assert_eq!(funding_on(-2 * UNIT, -index, Rounding::Up), Some(200 * USD));
		// A tenth of a base unit.
		let tenth = ONE as i128 / 10;
		for (size, index, up, down) in [
			(100, tenth, 1, 0),
			(-100, tenth, 0, -1),
			(100, -tenth, 0, -1),
			(-100, -tenth, 1, 0),
		] {
			assert_eq!(funding_on(size, index, Rounding::Up), Some(up));
			assert_eq!(funding_on(size, index, Rounding::Down), Some(down));
		}
		assert_eq!(funding_on(0, -1, Rounding::Down), Some(0));
		assert_eq!(funding_on(-1, 0, Rounding::Down), Some(0));
		assert_eq!(funding_on(i128::MIN, i128::MIN, Rounding::Up), None);
		assert_eq!(
			funding_on(i128::MIN, SIZE_DIVISOR as i128, Rounding::Up),
			Some(i128::MIN)
		);
		assert_eq!(funding_on(i128::MIN, -(SIZE_DIVISOR as i128), Rounding::Up), None);
		// A rate of 1 for a day, at 3 USD.
		assert_eq!(
			funding_delta((ONE * DAY_MS) as i128, f(3 * ONE)),
			Some(3 * ONE as i128)
		);
		assert_eq!(funding_delta(-1, f(1)), Some(-1));
		assert_eq!(funding_delta(1, f(1)), Some(0));
		assert_eq!(funding_delta(i128::MAX, f(u128::MAX)), None);
	}
}

mod splitting {
	use super::*;

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]

		#[test]
		fn tells_widening_from_narrowing(size in wide_signed(), skew in wide_signed()) {
			let (widening, narrowing) = split(size, skew);
			prop_assert_eq!(q(widening) + q(narrowing), q(size));
			for part in [widening, narrowing] {
				prop_assert!(part == 0 || (part > 0) == (size > 0), "with the sign of the trade");
			}
			let (before, between) = (q(skew).abs(), (q(skew) + q(narrowing)).abs());
			prop_assert_eq!(&between, &(before - q(narrowing).abs()), "the one narrows by all of it");
			let after = (q(skew) + q(size)).abs();
			prop_assert_eq!(after, between + q(widening).abs(), "the other widens by all of it");
		}
	}

	#[test]
	fn by_hand() {
		assert_eq!(split(5, 3), (5, 0));
		assert_eq!(split(-5, -3), (-5, 0));
		assert_eq!(split(-5, 3), (-2, -3));
		assert_eq!(split(5, -3), (2, 3));
		assert_eq!(split(-3, 5), (0, -3));
		assert_eq!(split(-3, 3), (0, -3));
		assert_eq!(split(5, 0), (5, 0));
		assert_eq!(split(0, 5), (0, 0));
		assert_eq!(split(i128::MIN, i128::MAX), (-1, -i128::MAX));
		assert_eq!(split(i128::MAX, i128::MIN), (0, i128::MAX));
		assert_eq!(split(i128::MIN, i128::MIN), (i128::MIN, 0));
		assert_eq!(split(i128::MIN, 1), (i128::MIN + 1, -1));
	}
}
