use frame_support::{assert_noop, assert_ok};
use keel_primitives::{BranchParameters, ChainParameters, CollateralParameters, MarketParameters};
use sp_runtime::{DispatchError, FixedU128};

use super::*;
use crate::{
	constraints::{market, Broken},
	limits,
};

fn percent(n: u128) -> FixedU128 {
	FixedU128::from_inner(pct(n))
}

fn with_branch(parameters: BranchParameters, test: impl FnOnce()) {
	ExtBuilder::default()
		.branches(vec![(BTC, parameters)])
		.build_and_execute(test);
}

fn with_chain(parameters: ChainParameters, test: impl FnOnce()) {
	ExtBuilder::default().chain(parameters).build_and_execute(test);
}

#[test]
fn ratio_stays_above_one_plus_penalty() {
	let tight = BranchParameters {
		liquidation_ratio: percent(120),
		liquidation_penalty: percent(19),
		..limits::default_branch()
	};
	with_branch(tight, || {
		let penalty = b(BranchKey::LiquidationPenalty);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(penalty, pct(20))]),
			Error::<Test>::RatioWithinPenalty
		);
		assert_ok!(set(ADJUSTER, BRANCH, &[(penalty, pct(20) - 1)]));
		assert_ok!(set(
			ADJUSTER,
			BRANCH,
			&[(penalty, pct(20)), (b(BranchKey::LiquidationRatio), pct(121))]
		));
	});
}

#[test]
fn target_keeps_its_distance() {
	let tight = BranchParameters {
		liquidation_ratio: percent(120),
		liquidation_penalty: percent(19),
		target_margin: percent(2),
		..limits::default_branch()
	};
	with_branch(tight, || {
		let margin = b(BranchKey::TargetMargin);
		assert_ok!(set_bounds(BRANCH, &[(margin, pct(1) / 2, pct(10))]));
		assert_ok!(set(ADJUSTER, BRANCH, &[(margin, pct(3) / 2)]));
		later(DAY);
		// 120 % + 1 % is exactly two points above 119 %.
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(margin, pct(1) - 1)]),
			Error::<Test>::LoosenedTooFar
		);
		assert_ok!(set(ADJUSTER, BRANCH, &[(margin, pct(1))]));
		later(DAY);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(margin, pct(1) - 1)]),
			Error::<Test>::TargetTooClose
		);
		assert_noop!(
			set(
				ADJUSTER,
				BRANCH,
				&[(b(BranchKey::LiquidationPenalty), pct(19) + 1)]
			),
			Error::<Test>::TargetTooClose
		);
		assert_ok!(set(
			ADJUSTER,
			BRANCH,
			&[(margin, pct(1) - 1), (b(BranchKey::LiquidationRatio), pct(121))]
		));
	});
}

#[test]
fn bonus_stays_within_the_penalty() {
	let tight = BranchParameters {
		pool_bonus: percent(13),
		..limits::default_branch()
	};
	with_branch(tight, || {
		let (bonus, penalty) = (b(BranchKey::PoolBonus), b(BranchKey::LiquidationPenalty));
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(bonus, pct(13) + 1)]),
			Error::<Test>::BonusAbovePenalty
		);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(penalty, pct(13) - 1)]),
			Error::<Test>::BonusAbovePenalty
		);
		assert_ok!(set(
			ADJUSTER,
			BRANCH,
			&[(bonus, pct(13) + 1), (penalty, pct(13) + 1)]
		));
	});
}

#[test]
fn cap_stays_at_or_above_the_ratio() {
	let tight = BranchParameters {
		liquidation_ratio_cap: percent(150),
		..limits::default_branch()
	};
	with_branch(tight, || {
		let (ratio, cap) = (b(BranchKey::LiquidationRatio), b(BranchKey::LiquidationRatioCap));
		assert_noop!(
			set(GUARDIAN, BRANCH, &[(ratio, pct(150) + 1)]),
			Error::<Test>::CapBelowRatio
		);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(cap, pct(150) - 1)]),
			Error::<Test>::CapBelowRatio
		);
		assert_ok!(set(ADJUSTER, BRANCH, &[(ratio, pct(160)), (cap, pct(165))]));
		assert_ok!(set(ADJUSTER, BRANCH, &[(cap, pct(170)), (ratio, pct(170))]));
	});
}

#[test]
fn an_auction_reaches_its_reserve() {
	// 1.2 · 0.998^360 = 0.5837 of spot at the end.
	let slow = BranchParameters {
		auction_start: percent(120),
		auction_cut: FixedU128::from_rational(998, 1_000),
		..limits::default_branch()
	};
	with_branch(slow, || {
		let (start, reserve) = (b(BranchKey::AuctionStart), b(BranchKey::AuctionReserve));
		assert_noop!(
			set(GUARDIAN, BRANCH, &[(start, pct(125))]),
			Error::<Test>::AuctionMissesReserve
		);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(reserve, pct(58))]),
			Error::<Test>::AuctionMissesReserve
		);
		assert_noop!(
			set(GUARDIAN, BRANCH, &[(b(BranchKey::AuctionStep), 22)]),
			Error::<Test>::AuctionMissesReserve
		);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(b(BranchKey::AuctionDuration), 6_900)]),
			Error::<Test>::AuctionMissesReserve
		);
		assert_ok!(set(ADJUSTER, BRANCH, &[(start, pct(125)), (reserve, pct(62))]));
	});
}

#[test]
fn ages_stay_in_order() {
	let (add, liquidate, reduce) = (
		c(ChainKey::AddRiskAge),
		c(ChainKey::LiquidateAge),
		c(ChainKey::ReduceRiskAge),
	);
	let equal = ChainParameters {
		add_risk_age: 60_000,
		..limits::default_chain()
	};
	with_chain(equal, || {
		assert_noop!(
			set(ADJUSTER, Subject::Chain, &[(add, 60_001)]),
			Error::<Test>::AgesOutOfOrder
		);
		assert_noop!(
			set(ADJUSTER, Subject::Chain, &[(liquidate, 59_999)]),
			Error::<Test>::AgesOutOfOrder
		);
		assert_ok!(set(
			ADJUSTER,
			Subject::Chain,
			&[(liquidate, 59_999), (add, 59_999)]
		));
	});
	let outage = ChainParameters {
		oracle_max_age: 150_000,
		liquidate_age: 130_000,
		reduce_risk_age: 130_000,
		..limits::default_chain()
	};
	with_chain(outage, || {
		assert_noop!(
			set(ADJUSTER, Subject::Chain, &[(reduce, 129_999)]),
			Error::<Test>::AgesOutOfOrder
		);
		assert_noop!(
			set(ADJUSTER, Subject::Chain, &[(liquidate, 130_001)]),
			Error::<Test>::AgesOutOfOrder
		);
		assert_ok!(set(GUARDIAN, Subject::Chain, &[(reduce, 140_000)]));
	});
}

#[test]
fn confidences_stay_in_order() {
	let (add, liquidate, reduce) = (
		c(ChainKey::AddRiskConfidence),
		c(ChainKey::LiquidateConfidence),
		c(ChainKey::ReduceRiskConfidence),
	);
	let equal = ChainParameters {
		add_risk_confidence: percent(2),
		liquidate_confidence: percent(2),
		..limits::default_chain()
	};
	with_chain(equal, || {
		assert_noop!(
			set(ADJUSTER, Subject::Chain, &[(add, pct(2) + 1)]),
			Error::<Test>::ConfidencesOutOfOrder
		);
		assert_noop!(
			set(ADJUSTER, Subject::Chain, &[(liquidate, pct(2) - 1)]),
			Error::<Test>::ConfidencesOutOfOrder
		);
		assert_ok!(set(
			ADJUSTER,
			Subject::Chain,
			&[(liquidate, pct(2) - 1), (add, pct(2) - 1)]
		));
	});
	let wide = ChainParameters {
		liquidate_confidence: percent(5),
		reduce_risk_confidence: percent(5),
		..limits::default_chain()
	};
	with_chain(wide, || {
		assert_noop!(
			set(ADJUSTER, Subject::Chain, &[(reduce, pct(5) - 1)]),
			Error::<Test>::ConfidencesOutOfOrder
		);
		assert_ok!(set(GUARDIAN, Subject::Chain, &[(reduce, pct(6))]));
	});
}

#[test]
fn no_liquidation_on_a_price_from_before_an_outage() {
	ExtBuilder::default().build_and_execute(|| {
		let (oracle, liquidate) = (c(ChainKey::OracleMaxAge), c(ChainKey::LiquidateAge));
		assert_noop!(
			set(ADJUSTER, Subject::Chain, &[(oracle, 59_999)]),
			Error::<Test>::LiquidateAgeAboveOracleAge
		);
		assert_noop!(
			set(ADJUSTER, Subject::Chain, &[(liquidate, 60_001)]),
			Error::<Test>::LiquidateAgeAboveOracleAge
		);
		assert_ok!(set(
			ADJUSTER,
			Subject::Chain,
			&[(oracle, 59_000), (liquidate, 59_000)]
		));
	});
}

fn with_market(parameters: MarketParameters, test: impl FnOnce()) {
	ExtBuilder::default()
		.markets(vec![(BTC, parameters)])
		.build_and_execute(test);
}

fn ratio(raw: u128) -> FixedU128 {
	FixedU128::from_inner(raw)
}

#[test]
fn maintenance_stays_within_its_cap() {
	let tight = MarketParameters {
		maintenance_margin: percent(5),
		maintenance_cap: percent(5),
		..limits::default_market()
	};
	with_market(tight, || {
		let (margin, cap) = (m(MarketKey::MaintenanceMargin), m(MarketKey::MaintenanceCap));
		assert_noop!(
			set(ADJUSTER, MARKET, &[(margin, pct(5) + 1)]),
			Error::<Test>::CapBelowMaintenance
		);
		// Where the cap starts is where its bounds end.
		assert_ok!(set_bounds(MARKET, &[(cap, pct(1), pct(50))]));
		assert_noop!(
			set(ADJUSTER, MARKET, &[(cap, pct(5) - 1)]),
			Error::<Test>::CapBelowMaintenance
		);
		assert_ok!(set(ADJUSTER, MARKET, &[(cap, pct(6)), (margin, pct(6))]));
	});
}

/// A market with fees so high that the step may be as large.
fn dear() -> MarketParameters {
	MarketParameters {
		maintenance_margin: percent(3),
		liquidation_fee: ratio(bps(20)),
		taker_fee: ratio(bps(20)),
		rebate: ratio(0),
		premium_step: ratio(bps(20)),
		max_premium: ratio(bps(30)),
		..limits::default_market()
	}
}

/// So that the fee stands in no step's way.
fn raise_fee() {
	let fee = m(MarketKey::TakerFee);
	assert_ok!(set_bounds(MARKET, &[(fee, bps(1), bps(100))]));
	walk(fee, bps(30));
}

/// Move a number of the market, a step and a cooldown at a time.
fn walk(key: Key, to: u128) {
	for _ in 0..10 {
		let next = nearest(MARKET, key, to).now;
		if next != get(MARKET, key) {
			assert_ok!(set(ADJUSTER, MARKET, &[(key, next)]));
		}
		if next == to {
			return;
		}
		later(DAY);
	}
	panic!("{key:?} is at {}", get(MARKET, key));
}

/// The kind: safety that rests on numbers that happen to fit. Whatever the price and the scale, a position at
/// its margin pays for every way out, to a unit.
#[test]
fn margin_covers_every_way_out() {
	let (largest, margin, fee, taker) = (
		m(MarketKey::MaxPremium),
		m(MarketKey::MaintenanceMargin),
		m(MarketKey::LiquidationFee),
		m(MarketKey::TakerFee),
	);
	let tight = MarketParameters {
		maintenance_margin: ratio(bps(172)),
		liquidation_fee: ratio(bps(40)),
		..limits::default_market()
	};
	with_market(tight, || {
		let holds = |p, r, f, t| covers_exit(p, r, f + t);
		let (p, r, f, t) = (bps(50), bps(172), bps(40), bps(5));
		// 1.72 % of 0.995 against 1 + 0.4 + 0.05 + 0.25 %.
		assert!(holds(p, r, f, t));
		let widest = edge(p, ONE, |p| holds(p, r, f, t));
		let least = edge(r, 0, |r| holds(p, r, f, t));
		assert_eq!(widest, 5_056_513_979_773_944);
		assert_eq!(least, 17_085_427_135_678_392);
		let dearest = edge(t, ONE, |t| holds(p, r, f, t));
		for (key, last, next) in [
			(largest, widest, widest + 1),
			(margin, least, least - 1),
			(taker, dearest, dearest + 1),
		] {
			assert_noop!(
				set(ADJUSTER, MARKET, &[(key, next)]),
				Error::<Test>::ExitNotCovered
			);
			frame_support::hypothetically!({
				assert_ok!(set(ADJUSTER, MARKET, &[(key, last)]));
				assert_ok!(RiskParameters::do_try_state());
			});
		}
		// All or nothing, as everywhere.
		assert_noop!(
			set(ADJUSTER, MARKET, &[(largest, widest), (fee, f + 1)]),
			Error::<Test>::ExitNotCovered
		);
	});
}

#[test]
fn premium_step_stays_within_the_largest_premium() {
	let tight = MarketParameters {
		max_premium: ratio(bps(50)),
		..dear()
	};
	with_market(tight, || {
		let (largest, step) = (m(MarketKey::MaxPremium), m(MarketKey::PremiumStep));
		assert_ok!(set_bounds(MARKET, &[(largest, bps(25), bps(800))]));
		raise_fee();
		walk(step, bps(25));
		walk(largest, bps(25));
		later(DAY);
		assert_noop!(
			set(ADJUSTER, MARKET, &[(step, bps(25) + 1)]),
			Error::<Test>::PremiumStepAboveMaximum
		);
		let both = [(largest, bps(25) + 1), (step, bps(25) + 1)];
		assert_ok!(set(ADJUSTER, MARKET, &both));
		assert_noop!(
			set(ADJUSTER, MARKET, &[(largest, bps(25))]),
			Error::<Test>::PremiumStepAboveMaximum
		);
	});
}

#[test]
fn the_range_of_the_premium_stays_within_what_initial_is_above_maintenance() {
	let (largest, margin, multiple) = (
		m(MarketKey::MaxPremium),
		m(MarketKey::MaintenanceMargin),
		m(MarketKey::InitialMultiple),
	);
	// So low a multiple that this is the first rule to bind.
	let (p, r, i) = (bps(25), bps(250), bps(12_100));
	let wide = |list: &[(Key, u128)]| {
		assert_noop!(set(ADJUSTER, MARKET, list), Error::<Test>::MaxPremiumTooWide);
	};
	let fits = |list: &[(Key, u128)]| {
		frame_support::hypothetically!({
			assert_ok!(set(ADJUSTER, MARKET, list));
			assert_ok!(RiskParameters::do_try_state());
		});
	};
	let near = MarketParameters {
		max_premium: ratio(p),
		initial_multiple: ratio(i),
		..limits::default_market()
	};
	with_market(near, || {
		// The ends of the rule, worked out elsewhere: p = 0.00525 / 2.05525.
		let widest = widest_premium(r, i);
		assert_eq!(widest, 2_554_433_767_181_608);
		let (least, fewest) = (least_margin(p, i), least_multiple(p, r));
		assert!(p <= widest && widest < bps(26));
		// Not by a unit in the last place.
		for (key, last, next) in [
			(largest, widest, widest + 1),
			(margin, least, least - 1),
			(multiple, fewest, fewest - 1),
		] {
			wide(&[(key, next)]);
			fits(&[(key, last)]);
		}
		wide(&[(largest, widest), (margin, r - 1)]);
	});
}

#[test]
fn the_rule_of_the_range_is_the_same_to_a_unit_wherever_it_ends() {
	for margin in [50, 87, 250, 333, 1_000, 5_000].map(bps) {
		for multiple in [10_500, 12_345, 14_000].map(bps) {
			let set = |premium: u128, margin: u128, multiple: u128| MarketParameters {
				taker_fee: ratio(1),
				maker_fee: ratio(0),
				rebate: ratio(0),
				maintenance_margin: ratio(margin),
				maintenance_cap: ratio(ONE),
				initial_multiple: ratio(multiple),
				max_premium: ratio(premium),
				premium_step: ratio(1),
				liquidation_fee: ratio(0),
				..limits::default_market()
			};
			let premium = widest_premium(margin, multiple);
			let (least, fewest) = (least_margin(premium, multiple), least_multiple(premium, margin));
			for last in [
				set(premium, margin, multiple),
				set(premium, least, multiple),
				set(premium, margin, fewest),
			] {
				assert_ok!(market(&last));
			}
			for next in [
				set(premium + 1, margin, multiple),
				set(premium, least - 1, multiple),
				set(premium, margin, fewest - 1),
			] {
				assert_eq!(market(&next), Err(Broken::MaxPremiumTooWide), "{next:?}");
			}
		}
	}
}

#[test]
fn numbers_nothing_could_be_multiplied_with_are_no_room_for_a_premium() {
	for (multiple, margin, largest) in [
		// Below one, as one that was listed for its own limits could not be.
		(ONE - 1, ONE, 1),
		(ONE, ONE, 1),
		(0, ONE, 1),
		// No further above maintenance than the marks are apart, or not by enough to be a unit.
		(ONE, ONE, 0),
		(bps(15_000), ONE, pct(20)),
		(bps(15_000) + 1, ONE, pct(20)),
		(ONE + 2, ONE, 1),
		// No price is left at the lower end of the range.
		(bps(18_000), bps(250), ONE),
		(bps(18_000), bps(250), ONE + 1),
		(u128::MAX, ONE, ONE),
		// What does not fit: the multiple, the room it makes, the premium.
		(u128::MAX, ONE, 1),
		(300 * ONE, u128::MAX, 1),
		(u128::MAX, u128::MAX / 2, bps(95)),
		(bps(18_000), bps(250), u128::MAX),
		(bps(18_000), bps(250), u128::MAX / 2),
	] {
		let set = MarketParameters {
			initial_multiple: ratio(multiple),
			maintenance_margin: ratio(margin),
			maintenance_cap: ratio(u128::MAX),
			max_premium: ratio(largest),
			premium_step: ratio(0),
			..limits::default_market()
		};
		let refused = matches!(
			market(&set),
			Err(Broken::MaxPremiumTooWide | Broken::ExitNotCovered)
		);
		assert!(refused, "{multiple} {margin} {largest}");
	}
}

/// A position that meets the initial requirement at one mark and is pushed to another. Marks, rates and the premium have 18
/// decimals, the index is one and nothing is rounded.
#[derive(Clone, Copy)]
struct Push {
	initial: u128,
	maintenance: u128,
	premium: u128,
}

impl Push {
	/// What is left of the margin above what it has to be at `to`, in shares of `ONE²` of the notional. Below
	/// zero: what is missing.
	fn spare(&self, from: u128, to: u128, lost: i128) -> i128 {
		(from * self.initial) as i128 - lost * ONE as i128 - (to * self.maintenance) as i128
	}

	fn short(&self, from: u128, to: u128) -> i128 {
		self.spare(from, to, to as i128 - from as i128)
	}

	fn long(&self, from: u128, to: u128) -> i128 {
		self.spare(from, to, from as i128 - to as i128)
	}

	/// The same by the functions that the markets use, in base units of a position as large as the whole
	/// range.
	fn spare_in_units(&self, short: bool) -> i128 {
		use keel_math::{margin::requirement, perpetual};
		let curve =
			perpetual::PremiumCurve::new(policy(m(MarketKey::SkewScale)).limits.max, ratio(self.premium))
				.unwrap();
		let end = curve.bound() as i128;
		let (size, from) = if short { (-2 * end, -end) } else { (2 * end, end) };
		let mark = |skew| curve.mark(ratio(ONE), skew).unwrap();
		let worth = |skew| perpetual::value(size, mark(skew), keel_math::Rounding::Down).unwrap();
		let asked = |skew, rate| requirement(size, mark(skew), ratio(rate)).unwrap() as i128;
		asked(from, self.initial) + worth(-from) - worth(from) - asked(-from, self.maintenance)
	}
}

#[test]
fn pushing_the_mark_through_its_range_takes_no_account_from_initial_to_maintenance() {
	use keel_math::margin::initial_rate;
	/// What may be missing of an amount that is a difference of several, each of them rounded to a base unit.
	const DUST: i128 = 4;
	let limits = policy(m(MarketKey::MaxPremium)).limits;
	for (rate, multiple) in [
		(250, 18_000),
		(400, 18_000),
		(100, 12_500),
		(1_000, 12_000),
		(333, 13_777),
		(50, 10_500),
		(1_000, 30_000),
		// Where the initial margin is all of the value already.
		(5_000, 200_000),
	] {
		let (maintenance, multiple) = (bps(rate), bps(multiple));
		let with = |premium| MarketParameters {
			maintenance_margin: ratio(maintenance),
			maintenance_cap: ratio(ONE),
			initial_multiple: ratio(multiple),
			max_premium: ratio(premium),
			premium_step: ratio(1),
			taker_fee: ratio(1),
			maker_fee: ratio(0),
			rebate: ratio(0),
			liquidation_fee: ratio(0),
			..limits::default_market()
		};
		// The widest that the rules themselves let through.
		let widest = edge(1, ONE, |premium| market(&with(premium)).is_ok());
		let premium = widest.min(limits.max);
		let set = with(premium);
		let (lower, upper) = (set.open_interest_lower, set.open_interest_upper);
		let initial = initial_rate(set.maintenance_margin, set.initial_multiple, 0, lower, upper)
			.unwrap()
			.into_inner();
		let (low, high) = (ONE - premium, ONE + premium);
		let push = Push {
			initial,
			maintenance,
			premium,
		};
		// From anywhere in the range to anywhere.
		let worst = push.short(low, high);
		let marks = [low, ONE - premium / 3, ONE, ONE + premium / 2, high];
		for (from, to) in marks.iter().flat_map(|from| marks.map(|to| (*from, to))) {
			for (side, spare) in [("short", push.short(from, to)), ("long", push.long(from, to))] {
				assert!(
					spare >= 0 && spare >= worst,
					"a {side} from {from} to {to} at {rate} and {multiple} lacks {spare}"
				);
			}
		}
		assert!(push.spare_in_units(true) >= -DUST, "{rate} {multiple}");
		assert!(push.spare_in_units(false) >= -DUST, "{rate} {multiple}");
		// And nothing is wasted where this rule is the first to bind: a unit of the premium is worth three of
		// the notional at most, as much is rounded.
		if widest == premium && widest == widest_premium(maintenance, multiple) {
			assert!(worst < 3 * ONE as i128, "{rate} {multiple} leaves {worst}");
		}
	}
}

#[test]
fn where_the_initial_margin_is_all_of_the_value_it_is_enough_for_every_cap_of_the_table() {
	let widest = policy(m(MarketKey::MaxPremium)).limits.max;
	let cap = policy(m(MarketKey::MaintenanceCap)).bounds.max;
	let spare = |maintenance| {
		let push = Push {
			initial: ONE,
			maintenance,
			premium: widest,
		};
		push.short(ONE - widest, ONE + widest)
			.min(push.long(ONE + widest, ONE - widest))
	};
	// (1 − 0.3) / 1.1.
	let most = edge(cap, ONE, |maintenance| spare(maintenance) >= 0);
	assert_eq!(most, ONE * 70 / 110);
}

#[test]
fn liquidation_fee_is_a_quarter_of_the_margin_at_most() {
	let tight = MarketParameters {
		maintenance_margin: percent(4),
		liquidation_fee: ratio(bps(100) - 1),
		..limits::default_market()
	};
	with_market(tight, || {
		let (margin, fee) = (m(MarketKey::MaintenanceMargin), m(MarketKey::LiquidationFee));
		assert_ok!(set(ADJUSTER, MARKET, &[(fee, bps(100))]));
		assert_noop!(
			set(ADJUSTER, MARKET, &[(margin, pct(4) - 1)]),
			Error::<Test>::LiquidationFeeTooLarge
		);
		assert_ok!(set(ADJUSTER, MARKET, &[(margin, pct(4) + 4)]));
		later(DAY);
		assert_noop!(
			set(ADJUSTER, MARKET, &[(fee, bps(100) + 2)]),
			Error::<Test>::LiquidationFeeTooLarge
		);
		assert_ok!(set(ADJUSTER, MARKET, &[(fee, bps(100) + 1)]));
	});
}

#[test]
fn a_trade_back_and_forth_costs_its_fees() {
	let tight = MarketParameters {
		taker_fee: ratio(bps(4)),
		maker_fee: ratio(bps(4)),
		rebate: ratio(bps(2)),
		premium_step: ratio(bps(1)),
		..limits::default_market()
	};
	with_market(tight, || {
		let (taker, maker, rebate) = (
			m(MarketKey::TakerFee),
			m(MarketKey::MakerFee),
			m(MarketKey::Rebate),
		);
		assert_noop!(
			set(ADJUSTER, MARKET, &[(maker, bps(4) + 1)]),
			Error::<Test>::MakerAboveTaker
		);
		assert_noop!(
			set(ADJUSTER, MARKET, &[(taker, bps(4) - 1)]),
			Error::<Test>::MakerAboveTaker
		);
		assert_noop!(
			set(ADJUSTER, MARKET, &[(rebate, bps(2) + 1)]),
			Error::<Test>::RebateTooLarge
		);
		let fees = [(taker, bps(4) - 1), (maker, bps(4) - 1)];
		assert_noop!(set(ADJUSTER, MARKET, &fees), Error::<Test>::RebateTooLarge);
		assert_ok!(set(ADJUSTER, MARKET, &[fees[0], fees[1], (rebate, bps(2) - 1)]));
		assert_ok!(set(
			ADJUSTER,
			MARKET,
			&[(taker, bps(4) + 2), (maker, bps(4) + 2), (rebate, bps(2) + 1)]
		));
	});
}

#[test]
fn a_sandwich_costs_what_it_can_gain() {
	ExtBuilder::default().build_and_execute(|| {
		let (step, taker, rebate) = (
			m(MarketKey::PremiumStep),
			m(MarketKey::TakerFee),
			m(MarketKey::Rebate),
		);
		for list in [
			[(step, bps(3) + 1)],
			[(taker, bps(5) - 1)],
			[(rebate, bps(2) + 1)],
		] {
			assert_noop!(set(ADJUSTER, MARKET, &list), Error::<Test>::PremiumStepAboveFees);
		}
		assert_ok!(set(ADJUSTER, MARKET, &[(step, bps(3) + 1), (taker, bps(5) + 1)]));
		assert_ok!(set(ADJUSTER, MARKET, &[(step, bps(3) - 1), (rebate, bps(2) + 1)]));
		assert_ok!(set(ADJUSTER, MARKET, &[(taker, bps(5))]));
		later(DAY);
		assert_ok!(set(ADJUSTER, MARKET, &[(step, bps(3) - 2), (taker, bps(5) - 1)]));
	});
	// At the largest rebate there is, half of the fee, the other half is left.
	let none = MarketParameters {
		taker_fee: ratio(bps(5)),
		rebate: ratio(bps(25) / 10),
		premium_step: ratio(bps(25) / 10),
		..limits::default_market()
	};
	assert_ok!(market(&none));
	let step = ratio(bps(25) / 10 + 1);
	assert_eq!(
		market(&MarketParameters {
			premium_step: step,
			..none
		}),
		Err(Broken::PremiumStepAboveFees)
	);
}

#[test]
fn a_sale_never_leaves_an_account_with_less_than_its_collateral_counted() {
	let tight = CollateralParameters {
		haircut: percent(5),
		sale_discount: ratio(pct(5) - 1),
		..limits::default_collateral()
	};
	ExtBuilder::default()
		.collaterals(vec![(BTC, tight)])
		.build_and_execute(|| {
			let (haircut, discount) = (a(CollateralKey::Haircut), a(CollateralKey::SaleDiscount));
			assert_noop!(
				set(ADJUSTER, COLLATERAL, &[(discount, pct(5))]),
				Error::<Test>::DiscountNotBelowHaircut
			);
			assert_noop!(
				set(ADJUSTER, COLLATERAL, &[(haircut, pct(5) - 1)]),
				Error::<Test>::DiscountNotBelowHaircut
			);
			assert_ok!(set(
				ADJUSTER,
				COLLATERAL,
				&[(discount, pct(5)), (haircut, pct(5) + 1)]
			));
		});
	// What it is there for: 1 / (1 + d) ≥ 1 − h for every pair it lets through, at the edge too.
	for raw in [1, bps(10), pct(1), pct(5), pct(25), pct(95) - 1] {
		let (discount, haircut) = (raw, raw + 1);
		let set = CollateralParameters {
			haircut: ratio(haircut),
			sale_discount: ratio(discount),
			..limits::default_collateral()
		};
		assert_ok!(crate::constraints::collateral(&set));
		let counted = keel_math::mul_div(ONE - haircut, ONE + discount, ONE, keel_math::Rounding::Up);
		assert!(counted.unwrap() <= ONE, "{discount}");
	}
}

/// Each family of thresholds, from the lowest up.
fn families() -> [(Subject, &'static [Key], DispatchError); 10] {
	use BranchKey::*;
	use ChainKey::*;
	[
		(
			Subject::Chain,
			&[Key::Chain(LendingGuarded), Key::Chain(LendingReduceOnly)],
			Error::<Test>::LendingOutOfOrder.into(),
		),
		(
			MARKET,
			&[
				Key::Market(MarketKey::OpenInterestLower),
				Key::Market(MarketKey::OpenInterestUpper),
			],
			Error::<Test>::OpenInterestOutOfOrder.into(),
		),
		(
			MARKET,
			&[
				Key::Market(MarketKey::DeviationGuarded),
				Key::Market(MarketKey::DeviationReduceOnly),
				Key::Market(MarketKey::DeviationHalted),
			],
			Error::<Test>::DeviationOutOfOrder.into(),
		),
		(
			MARKET,
			&[
				Key::Market(MarketKey::RefusedGuarded),
				Key::Market(MarketKey::RefusedReduceOnly),
				Key::Market(MarketKey::RefusedHalted),
			],
			Error::<Test>::RefusedOutOfOrder.into(),
		),
		(
			MARKET,
			&[
				Key::Market(MarketKey::LiquidatedGuarded),
				Key::Market(MarketKey::LiquidatedReduceOnly),
				Key::Market(MarketKey::LiquidatedHalted),
			],
			Error::<Test>::LiquidatedOutOfOrder.into(),
		),
		(
			BRANCH,
			&[
				Key::Branch(DeviationGuarded),
				Key::Branch(DeviationReduceOnly),
				Key::Branch(DeviationHalted),
			],
			Error::<Test>::DeviationOutOfOrder.into(),
		),
		(
			BRANCH,
			&[
				Key::Branch(RefusedGuarded),
				Key::Branch(RefusedReduceOnly),
				Key::Branch(RefusedHalted),
			],
			Error::<Test>::RefusedOutOfOrder.into(),
		),
		(
			BRANCH,
			&[
				Key::Branch(LiquidatedGuarded),
				Key::Branch(LiquidatedReduceOnly),
				Key::Branch(LiquidatedHalted),
			],
			Error::<Test>::LiquidatedOutOfOrder.into(),
		),
		(
			BRANCH,
			&[Key::Branch(LeavingGuarded), Key::Branch(LeavingReduceOnly)],
			Error::<Test>::LeavingOutOfOrder.into(),
		),
		(
			Subject::Chain,
			&[
				Key::Chain(DrawdownGuarded),
				Key::Chain(DrawdownReduceOnly),
				Key::Chain(DrawdownHalted),
			],
			Error::<Test>::DrawdownOutOfOrder.into(),
		),
	]
}

#[test]
fn thresholds_stay_in_order() {
	let mut pairs = 0;
	for (subject, family, error) in families() {
		for pair in family.windows(2) {
			pairs += 1;
			ExtBuilder::default().build_and_execute(|| {
				let (lower, higher) = (pair[0], pair[1]);
				for key in family {
					let limits = policy(*key).limits;
					assert_ok!(set_bounds(subject, &[(*key, limits.min, limits.max)]));
				}
				// Both at the lowest level that leaves room below for either.
				let level = policy(lower).limits.min.max(policy(higher).limits.min) + 1;
				put(subject, lower, level);
				put(subject, higher, level);
				assert_ok!(RiskParameters::do_try_state());
				assert_noop!(set(ADJUSTER, subject, &[(higher, level - 1)]), error);
				assert_noop!(set(ADJUSTER, subject, &[(lower, level + 1)]), error);
				// Together they go either way.
				assert_ok!(set(ADJUSTER, subject, &[(higher, level - 1), (lower, level - 1)]));
				assert_ok!(set(ADJUSTER, subject, &[(higher, level), (lower, level)]));
			});
		}
	}
	assert_eq!(pairs, 17);
}

#[test]
fn what_fits_has_no_gap_in_any_key() {
	const POINTS: u128 = 400;
	let mut narrower = 0;
	ExtBuilder::default().build_and_execute(|| {
		for subject in KINDS {
			let set = RiskParameters::set_of(subject).unwrap();
			for (key, value) in set.values() {
				let Range { min, max } = policy(key).limits;
				let mut points: Vec<u128> = (0..=POINTS)
					.map(|n| min + (max - min) / POINTS * n)
					.chain([value, value - 1, value + 1, max])
					.collect();
				points.sort();
				let fits: Vec<bool> = points.iter().map(|raw| set.fits_with(key, *raw)).collect();
				let borders = fits.windows(2).filter(|pair| pair[0] != pair[1]).count();
				let outside = [fits.first(), fits.last()]
					.iter()
					.filter(|end| **end == Some(&false))
					.count();
				assert_eq!(borders, outside, "{key:?} has a gap");
				narrower += borders;
			}
		}
	});
	assert!(narrower > 50, "only {narrower} borders");
}
