use frame_support::{assert_noop, assert_ok};
use keel_primitives::{BranchParameters, ChainParameters, CollateralParameters, MarketParameters};
use sp_runtime::{DispatchError, FixedU128};

use super::*;
use crate::limits;

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
		maintenance_margin: percent(1),
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

#[test]
fn premium_step_stays_within_a_quarter_of_the_margin() {
	with_market(dear(), || {
		let (margin, step) = (m(MarketKey::MaintenanceMargin), m(MarketKey::PremiumStep));
		assert_ok!(set_bounds(MARKET, &[(margin, bps(50), bps(1_000))]));
		walk(margin, bps(80));
		raise_fee();
		assert_noop!(
			set(ADJUSTER, MARKET, &[(step, bps(20) + 1)]),
			Error::<Test>::PremiumStepTooLarge
		);
		// Not by a unit in the last place.
		later(DAY);
		for less in 1..=4 {
			assert_noop!(
				set(ADJUSTER, MARKET, &[(margin, bps(80) - less)]),
				Error::<Test>::PremiumStepTooLarge
			);
		}
		assert_ok!(set(
			ADJUSTER,
			MARKET,
			&[(margin, bps(80) - 4), (step, bps(20) - 1)]
		));
		assert_ok!(set(
			ADJUSTER,
			MARKET,
			&[(margin, bps(80) + 4), (step, bps(20) + 1)]
		));
	});
}

#[test]
fn premium_step_stays_within_the_largest_premium() {
	let tight = MarketParameters {
		max_premium: ratio(bps(50)),
		maintenance_margin: percent(2),
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
			set(GUARDIAN, MARKET, &[(largest, bps(25))]),
			Error::<Test>::PremiumStepAboveMaximum
		);
	});
}

#[test]
fn the_range_of_the_premium_stays_within_what_initial_is_above_maintenance() {
	// 2 × 1 % = 0.8 × 2.5 %.
	ExtBuilder::default().build_and_execute(|| {
		let (largest, margin, multiple) = (
			m(MarketKey::MaxPremium),
			m(MarketKey::MaintenanceMargin),
			m(MarketKey::InitialMultiple),
		);
		// Not by a unit in the last place.
		for list in [
			[(largest, bps(100) + 1)],
			[(margin, bps(250) - 1)],
			[(multiple, bps(18_000) - 1)],
		] {
			assert_noop!(set(ADJUSTER, MARKET, &list), Error::<Test>::MaxPremiumTooWide);
		}
		// A unit of the premium is two and a half of the margin. What is left over rounds against whoever asks.
		assert_noop!(
			set(
				ADJUSTER,
				MARKET,
				&[(largest, bps(100) + 1), (margin, bps(250) + 2)]
			),
			Error::<Test>::MaxPremiumTooWide
		);
		assert_ok!(set(
			ADJUSTER,
			MARKET,
			&[(largest, bps(100) + 1), (margin, bps(250) + 3)]
		));
		// It is 80 of the multiple.
		assert_noop!(
			set(
				ADJUSTER,
				MARKET,
				&[
					(largest, bps(100)),
					(margin, bps(250)),
					(multiple, bps(18_000) - 1)
				]
			),
			Error::<Test>::MaxPremiumTooWide
		);
		assert_ok!(set(
			ADJUSTER,
			MARKET,
			&[
				(largest, bps(100) - 1),
				(margin, bps(250)),
				(multiple, bps(18_000) - 80)
			]
		));
		later(DAY);
		assert_noop!(
			set(ADJUSTER, MARKET, &[(multiple, bps(18_000) - 81)]),
			Error::<Test>::MaxPremiumTooWide
		);
		// A guardian only makes room.
		assert_ok!(set(GUARDIAN, MARKET, &[(largest, bps(50))]));
		assert_ok!(set(ADJUSTER, MARKET, &[(multiple, bps(17_500))]));
	});
}

#[test]
fn numbers_nothing_could_be_multiplied_with_are_no_room_for_a_premium() {
	use crate::constraints::{market, Broken};
	for (multiple, margin, largest) in [
		// Below one, as one that was listed for its own limits could not be.
		(ONE - 1, ONE, 1),
		(ONE, ONE, 1),
		(0, ONE, 1),
		// A product that does not fit.
		(u128::MAX, u128::MAX / 2, bps(100)),
		(bps(18_000), bps(250), u128::MAX),
	] {
		let set = MarketParameters {
			initial_multiple: ratio(multiple),
			maintenance_margin: ratio(margin),
			maintenance_cap: ratio(u128::MAX),
			max_premium: ratio(largest),
			premium_step: ratio(0),
			..limits::default_market()
		};
		assert_eq!(
			market(&set),
			Err(Broken::MaxPremiumTooWide),
			"{multiple} {margin} {largest}"
		);
	}
}

#[test]
fn pushing_the_mark_through_its_range_takes_no_account_from_initial_to_maintenance() {
	use keel_math::{margin, mul_ratio, Rounding};
	// Margins, multiples, and the widest premium they leave room for; prices are the index's, notional is a whole.
	for (rate, multiple) in [
		(250, 18_000),
		(400, 18_000),
		(100, 12_500),
		(1_000, 12_000),
		(333, 17_777),
	] {
		let room = mul_ratio(bps(rate), ratio(bps(multiple) - ONE), Rounding::Down).unwrap();
		let set = MarketParameters {
			maintenance_margin: ratio(bps(rate)),
			initial_multiple: ratio(bps(multiple)),
			max_premium: ratio(room / 2),
			liquidation_fee: ratio(bps(20)),
			..limits::default_market()
		};
		assert_ok!(crate::constraints::market(&set));
		let (lower, upper) = (set.open_interest_lower, set.open_interest_upper);
		let initial =
			margin::initial_rate(set.maintenance_margin, set.initial_multiple, 0, lower, upper).unwrap();
		// A long whose requirement was made at the highest mark.
		let (low, high) = (ONE - room / 2, ONE + room / 2);
		let asked = |mark, rate| mul_ratio(mark, rate, Rounding::Up).unwrap();
		let left = asked(high, initial) - (high - low);
		assert!(left >= asked(low, set.maintenance_margin));
		// At either requirement's own price, a short as well: what the requirement grows by with the mark comes on top, at most
		// the premium's share of both.
		let left = asked(low, initial) - (high - low);
		let short = asked(high, set.maintenance_margin).saturating_sub(left);
		let both = initial.into_inner() + set.maintenance_margin.into_inner();
		assert!(short <= mul_ratio(both, set.max_premium, Rounding::Up).unwrap() + 1);
	}
}

#[test]
fn margin_covers_the_fee_of_a_liquidation() {
	let tight = MarketParameters {
		maintenance_margin: percent(2),
		liquidation_fee: ratio(pct(2) - 1),
		max_premium: ratio(bps(50)),
		..limits::default_market()
	};
	with_market(tight, || {
		let (margin, fee) = (m(MarketKey::MaintenanceMargin), m(MarketKey::LiquidationFee));
		assert_noop!(
			set(ADJUSTER, MARKET, &[(fee, pct(2))]),
			Error::<Test>::LiquidationFeeTooLarge
		);
		assert_noop!(
			set(ADJUSTER, MARKET, &[(margin, pct(2) - 1)]),
			Error::<Test>::LiquidationFeeTooLarge
		);
		assert_ok!(set(ADJUSTER, MARKET, &[(fee, pct(2)), (margin, pct(2) + 1)]));
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
	assert_ok!(crate::constraints::market(&none));
	let step = ratio(bps(25) / 10 + 1);
	assert_eq!(
		crate::constraints::market(&MarketParameters {
			premium_step: step,
			..none
		}),
		Err(crate::constraints::Broken::PremiumStepAboveFees)
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
fn families() -> [(Subject, &'static [Key], DispatchError); 12] {
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
			&[Key::Branch(MintedGuarded), Key::Branch(MintedReduceOnly)],
			Error::<Test>::MintedOutOfOrder.into(),
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
		(
			Subject::Chain,
			&[Key::Chain(FeesMintedGuarded), Key::Chain(FeesMintedReduceOnly)],
			Error::<Test>::FeesMintedOutOfOrder.into(),
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
	assert_eq!(pairs, 19);
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
