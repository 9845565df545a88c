use frame_support::traits::Hooks;
use sp_runtime::Permill;

use super::*;

#[test]
fn integrity_test_passes() {
	ExtBuilder::default().build_and_execute(|| {
		<RiskParameters as Hooks<u64>>::integrity_test();
	});
}

#[test]
fn defaults_are_those_of_the_mechanisms() {
	let ratio = |per_10_000: u128| per_10_000 * ONE / 10_000;
	let kusd = |whole: u128| whole * 1_000_000;
	use BranchKey::*;
	use ChainKey::*;
	let expected = [
		(b(LiquidationRatio), ratio(15_000)),
		(b(LiquidationRatioCap), ratio(18_000)),
		(b(RampPerHour), ratio(100)),
		(b(SafetyMargin), ratio(1_000)),
		(b(TargetMargin), ratio(500)),
		(b(LiquidationPenalty), ratio(1_300)),
		(b(PoolBonus), ratio(800)),
		(b(StabilityFee), ratio(200)),
		(b(DebtCeiling), kusd(10_000_000)),
		(b(MinimumDebt), kusd(100)),
		(b(VolatilityMultiple), ratio(23_300)),
		(b(VolatilityHorizon), 86_400),
		(b(AuctionStart), ratio(11_000)),
		(b(AuctionCut), ratio(9_900)),
		(b(AuctionStep), 20),
		(b(AuctionReserve), ratio(6_000)),
		(b(AuctionDuration), 7_200),
		(c(OracleQuorum), 3),
		(c(OracleMaxAge), 60_000),
		(c(OutlierDeviations), 5 * ONE),
		(c(OutlierFloor), ratio(50)),
		(c(RecoveryPrices), 3),
		(c(AddRiskAge), 30_000),
		(c(AddRiskConfidence), ratio(100)),
		(c(ReduceRiskAge), 300_000),
		(c(ReduceRiskConfidence), ratio(500)),
		(c(LiquidateAge), 60_000),
		(c(LiquidateConfidence), ratio(200)),
		(c(VolatilityTau), 21_600),
		(c(FundShare), ratio(8_000)),
		(c(TreasuryCap), kusd(1_000_000)),
		(c(FallbackBlocks), 3),
		(c(LiquidationsPerBlock), 200),
	];
	assert_eq!(expected.len(), BranchKey::ALL.len() + ChainKey::ALL.len());
	for (key, value) in expected {
		assert_eq!(policy(key).default, value, "{key:?}");
	}
}

#[test]
fn every_policy_is_sane() {
	for subject in BOTH {
		for key in subject.keys() {
			let policy = policy(key);
			assert!(
				policy.limits.min <= policy.bounds.min && policy.bounds.max <= policy.limits.max,
				"{key:?}"
			);
			assert!(
				policy.bounds.min <= policy.default && policy.default <= policy.bounds.max,
				"{key:?}"
			);
			assert!(policy.bounds.min < policy.bounds.max, "{key:?} can't move");
			assert!(policy.cooldown >= DAY, "{key:?} waits less than a day");
			assert!(policy.is_sane(), "{key:?}");
			for value in [0, 1, policy.limits.min, policy.limits.max] {
				assert!(policy.loosen.of(value) > 0, "{key:?} is trapped at {value}");
				assert!(
					policy.loosen.of(value) <= policy.tighten.of(value),
					"{key:?} loosens faster"
				);
			}
			// A loosening never crosses the bounds at one go.
			assert!(
				policy.loosen.of(policy.default) < policy.bounds.max - policy.bounds.min,
				"{key:?} loosens all at once"
			);
		}
	}
}

#[test]
fn limits_hold_what_could_never_be_right() {
	let limits = |key| policy(key).limits;
	assert!(limits(b(BranchKey::LiquidationRatio)).min > ONE);
	assert!(limits(b(BranchKey::AuctionReserve)).max < ONE);
	assert!(limits(b(BranchKey::AuctionReserve)).min > 0);
	assert!(limits(b(BranchKey::AuctionStart)).min >= ONE);
	assert!(limits(b(BranchKey::AuctionCut)).min > 0);
	assert!(limits(b(BranchKey::AuctionCut)).max < ONE);
	assert!(limits(b(BranchKey::LiquidationPenalty)).max <= ONE / 2);
	assert!(limits(b(BranchKey::AuctionStep)).min > 0);
	assert!(limits(b(BranchKey::MinimumDebt)).min > 0);
	assert!(limits(c(ChainKey::OracleQuorum)).min >= 2);
	assert!(limits(c(ChainKey::FundShare)).max <= ONE);
	assert!(limits(c(ChainKey::LiquidationsPerBlock)).min > 0);
	assert!(limits(c(ChainKey::FallbackBlocks)).min > 0);
	assert!(limits(c(ChainKey::VolatilityTau)).min > 0);
}

#[test]
fn guardians_keep_off_what_could_stop_the_chain_or_costs_somebody_who_is_in() {
	use BranchKey::*;
	use ChainKey::*;
	let expected = [
		b(RampPerHour),
		b(TargetMargin),
		b(LiquidationPenalty),
		b(PoolBonus),
		b(StabilityFee),
		b(MinimumDebt),
		b(AuctionReserve),
		c(OracleQuorum),
		c(OracleMaxAge),
		c(RecoveryPrices),
		c(LiquidateAge),
		c(LiquidateConfidence),
	];
	let others: Vec<Key> = [BRANCH, Subject::Chain]
		.into_iter()
		.flat_map(Subject::keys)
		.filter(|key| !policy(*key).guardian)
		.collect();
	assert_eq!(others, expected);
	// What keeps new risk out stays theirs, and what existing vaults meet on the ramp.
	for key in [
		b(DebtCeiling),
		b(SafetyMargin),
		b(LiquidationRatio),
		c(AddRiskAge),
		c(AddRiskConfidence),
	] {
		assert!(policy(key).guardian, "{key:?}");
	}
}

#[test]
fn exits_can_only_be_opened_by_guardians() {
	assert_eq!(policy(c(ChainKey::ReduceRiskAge)).safer, Safer::Higher);
	assert_eq!(policy(c(ChainKey::ReduceRiskConfidence)).safer, Safer::Higher);
}

#[test]
fn a_policy_that_makes_no_sense_is_noticed() {
	let good = policy(b(BranchKey::PoolBonus));
	assert!(good.is_sane());
	let bad = [
		Policy {
			default: good.bounds.max + 1,
			..good
		},
		Policy {
			default: good.bounds.min - 1,
			..good
		},
		Policy {
			bounds: Range {
				min: good.bounds.min,
				max: good.limits.max + 1,
			},
			..good
		},
		Policy {
			limits: Range {
				min: good.bounds.min + 1,
				max: good.limits.max,
			},
			..good
		},
		Policy {
			bounds: Range {
				min: good.default + 1,
				max: good.default - 1,
			},
			..good
		},
		Policy {
			loosen: Step {
				least: 0,
				..good.loosen
			},
			..good
		},
		Policy {
			loosen: Step {
				least: good.tighten.least + 1,
				..good.loosen
			},
			..good
		},
		Policy {
			loosen: Step {
				relative: Permill::one(),
				..good.loosen
			},
			..good
		},
		Policy { cooldown: 0, ..good },
	];
	for (index, policy) in bad.iter().enumerate() {
		assert!(!policy.is_sane(), "bad policy {index} passed");
	}
}

#[test]
fn steps_are_a_share_or_the_least() {
	let step = Step {
		relative: Permill::from_percent(10),
		least: 5,
	};
	assert_eq!(step.of(0), 5);
	assert_eq!(step.of(50), 5);
	assert_eq!(step.of(59), 5);
	assert_eq!(step.of(60), 6);
	assert_eq!(step.of(69), 6);
	assert_eq!(step.of(u128::MAX), u128::MAX / 10);
	assert_eq!(
		Step {
			relative: Permill::one(),
			least: 1
		}
		.of(u128::MAX),
		u128::MAX
	);
}
