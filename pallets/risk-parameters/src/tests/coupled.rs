use frame_support::{assert_noop, assert_ok};
use keel_primitives::{BranchParameters, ChainParameters};
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

fn put(subject: Subject, key: Key, value: u128) {
	match (subject, key) {
		(Subject::Branch(branch), Key::Branch(key)) => {
			Branches::<Test>::mutate(branch, |set| set.as_mut().unwrap().set(key, value)).unwrap()
		}
		(_, Key::Chain(key)) => Chain::<Test>::mutate(|set| set.set(key, value)).unwrap(),
		_ => panic!("a key of another subject"),
	}
}

/// Each family of triggers, from the lowest level up.
fn families() -> [(Subject, &'static [Key], DispatchError); 7] {
	use BranchKey::*;
	use ChainKey::*;
	[
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
fn triggers_stay_in_the_order_of_their_levels() {
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
	assert_eq!(pairs, 11);
}

#[test]
fn what_fits_has_no_gap_in_any_key() {
	const POINTS: u128 = 400;
	let mut narrower = 0;
	ExtBuilder::default().build_and_execute(|| {
		for subject in BOTH {
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
	assert!(narrower > 30, "only {narrower} borders");
}
