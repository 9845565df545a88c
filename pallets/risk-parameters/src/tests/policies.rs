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
		(c(LiquidationsPerBlock), 350),
		(b(GuardedMargin), ratio(1_000)),
		(b(GuardedCeiling), ratio(8_000)),
		(b(DeviationGuarded), ratio(500)),
		(b(DeviationReduceOnly), ratio(1_000)),
		(b(DeviationHalted), ratio(2_500)),
		(b(RefusedGuarded), 60_000),
		(b(RefusedReduceOnly), 180_000),
		(b(RefusedHalted), 1_800_000),
		(b(LiquidatedGuarded), ratio(500)),
		(b(LiquidatedReduceOnly), ratio(1_500)),
		(b(LiquidatedHalted), ratio(4_000)),
		(b(MintLimit), ratio(4_000)),
		(b(LeavingGuarded), ratio(1_000)),
		(b(LeavingReduceOnly), ratio(2_000)),
		(b(ExitLimit), ratio(5_000)),
		(c(DrawdownGuarded), ratio(1_000)),
		(c(DrawdownReduceOnly), ratio(2_500)),
		(c(DrawdownHalted), ratio(5_000)),
		(c(DrawdownFloor), kusd(10_000)),
		(c(FeeLimit), ratio(150)),
		(c(BreakerDwell), 600_000),
		(c(BreakerCooldown), 600_000),
		(c(BreakerRelease), ratio(7_000)),
		(c(ImpactLimit), ratio(1_000)),
		(c(MarginCall), ratio(12_500)),
		(c(ProfitShare), ratio(8_000)),
		(c(ProfitCap), kusd(100_000)),
		(c(OrderFee), kusd(1) / 10),
		(c(OrdersPerBlock), 500),
		(c(RefreshesPerBlock), 300),
		(c(PoolCooldown), DAY as u128),
		(c(PoolStress), ratio(8_000)),
		(c(PoolFeeFloor), ratio(3_000)),
		(c(BorrowSlope), ratio(15_000)),
		(c(BorrowKink), ratio(6_000)),
		(c(BorrowJump), ratio(25_000)),
		(c(LendingBase), ratio(200)),
		(c(LendingSlope), ratio(1_000)),
		(c(LendingKink), ratio(8_000)),
		(c(LendingJump), ratio(20_000)),
		(c(LendingCap), ratio(9_000)),
		(c(LendingGuarded), ratio(8_500)),
		(c(LendingReduceOnly), ratio(9_500)),
		(m(MarketKey::MaintenanceMargin), ratio(250)),
		(m(MarketKey::MaintenanceCap), ratio(2_000)),
		(m(MarketKey::VolatilityMultiple), ratio(23_300)),
		(m(MarketKey::VolatilityHorizon), 3_600),
		(m(MarketKey::RampPerHour), ratio(100)),
		(m(MarketKey::InitialMultiple), ratio(18_000)),
		(m(MarketKey::OpenInterestLower), kusd(5_000_000)),
		(m(MarketKey::OpenInterestUpper), kusd(500_000_000)),
		(m(MarketKey::MaxOpenInterest), kusd(20_000_000)),
		(m(MarketKey::SkewScale), 100_000_000_000_000),
		(m(MarketKey::MaxPremium), ratio(50)),
		(m(MarketKey::PremiumStep), ratio(3)),
		(m(MarketKey::TakerFee), ratio(5)),
		(m(MarketKey::MakerFee), ratio(2)),
		(m(MarketKey::Rebate), ratio(2)),
		(m(MarketKey::RebateBand), ratio(10)),
		(m(MarketKey::RebateShare), ratio(1_000)),
		(m(MarketKey::MaxFundingRate), ratio(500)),
		(m(MarketKey::FundingVelocity), ratio(2_000)),
		(m(MarketKey::Stress), ratio(2_000)),
		(m(MarketKey::LiquidationFee), ratio(50)),
		(m(MarketKey::LiquidationLimit), ratio(6_000)),
		(m(MarketKey::GuardedMultiple), ratio(15_000)),
		(m(MarketKey::GuardedCaps), ratio(5_000)),
		(m(MarketKey::TrancheTarget), kusd(50_000)),
		(m(MarketKey::DeviationGuarded), ratio(500)),
		(m(MarketKey::DeviationReduceOnly), ratio(1_000)),
		(m(MarketKey::DeviationHalted), ratio(2_500)),
		(m(MarketKey::RefusedGuarded), 60_000),
		(m(MarketKey::RefusedReduceOnly), 180_000),
		(m(MarketKey::RefusedHalted), 1_800_000),
		(m(MarketKey::LiquidatedGuarded), ratio(500)),
		(m(MarketKey::LiquidatedReduceOnly), ratio(1_500)),
		(m(MarketKey::LiquidatedHalted), ratio(4_000)),
		(a(CollateralKey::Haircut), ratio(1_000)),
		(a(CollateralKey::HaircutRamp), ratio(100)),
		(a(CollateralKey::DepositCap), kusd(10_000_000)),
		(a(CollateralKey::SaleDiscount), ratio(500)),
	];
	assert_eq!(expected.len(), KEYS);
	assert!(ChainKey::ALL.len() <= MAX_CHANGES as usize);
	for (key, value) in expected {
		assert_eq!(policy(key).default, value, "{key:?}");
	}
}

#[test]
fn every_policy_is_sane() {
	for subject in KINDS {
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
	assert!(limits(b(BranchKey::GuardedCeiling)).max <= ONE);
	assert!(limits(b(BranchKey::ExitLimit)).min >= ONE / 5);
	assert!(limits(b(BranchKey::ExitLimit)).max <= ONE);
	assert!(limits(c(ChainKey::DrawdownFloor)).min > 0);
	assert!(limits(c(ChainKey::BreakerRelease)).max < ONE);
	assert!(limits(c(ChainKey::BreakerRelease)).min > 0);
	assert!(limits(c(ChainKey::BreakerDwell)).max <= DAY as u128 / 4);
	assert!(limits(c(ChainKey::BreakerCooldown)).max <= DAY as u128 / 4);
	assert!(limits(c(ChainKey::ImpactLimit)).max <= ONE / 2);
	assert!(limits(c(ChainKey::ImpactLimit)).min > 0);
	assert!(limits(c(ChainKey::MarginCall)).min > ONE);
	assert!(limits(c(ChainKey::ProfitShare)).max <= ONE);
	assert!(limits(c(ChainKey::OrderFee)).min > 0);
	assert!(limits(c(ChainKey::OrdersPerBlock)).min > 0);
	assert!(limits(c(ChainKey::RefreshesPerBlock)).min > 0);
	assert!(limits(c(ChainKey::PoolCooldown)).min >= 600_000);
	assert!(limits(c(ChainKey::PoolCooldown)).max <= 14 * DAY as u128);
	assert!(limits(c(ChainKey::PoolStress)).min > 0);
	assert!(limits(c(ChainKey::PoolStress)).max <= ONE);
	assert!(limits(c(ChainKey::LendingKink)).max < ONE);
	assert!(limits(c(ChainKey::LendingCap)).max <= ONE);
	assert!(limits(m(MarketKey::MaintenanceMargin)).min > 0);
	assert!(limits(m(MarketKey::MaintenanceCap)).max <= ONE);
	assert!(limits(m(MarketKey::InitialMultiple)).min > ONE);
	assert!(limits(m(MarketKey::OpenInterestUpper)).min > 0);
	assert!(limits(m(MarketKey::SkewScale)).min >= 100_000_000);
	assert!(limits(m(MarketKey::SkewScale)).max <= 1_000_000_000_000_000_000_000_000);
	assert!(limits(m(MarketKey::MaxPremium)).max <= ONE / 10);
	assert!(limits(m(MarketKey::PremiumStep)).min > 0);
	assert!(limits(m(MarketKey::PremiumStep)).max <= ONE / 100);
	assert!(limits(m(MarketKey::TakerFee)).min > 0);
	assert!(limits(m(MarketKey::TakerFee)).max <= ONE / 100);
	assert!(limits(m(MarketKey::RebateShare)).max < ONE);
	assert!(limits(m(MarketKey::MaxFundingRate)).min > 0);
	assert!(limits(m(MarketKey::MaxFundingRate)).max <= ONE * 3 / 10);
	assert!(limits(m(MarketKey::FundingVelocity)).min > 0);
	assert!(limits(m(MarketKey::FundingVelocity)).max <= 100 * ONE);
	assert!(limits(m(MarketKey::Stress)).min > 0);
	assert!(limits(m(MarketKey::Stress)).max < ONE);
	assert!(limits(m(MarketKey::LiquidationFee)).max <= ONE / 20);
	assert!(limits(m(MarketKey::LiquidationLimit)).min >= ONE / 10);
	assert!(limits(m(MarketKey::GuardedMultiple)).min >= ONE);
	assert!(limits(m(MarketKey::GuardedCaps)).max <= ONE);
	assert!(limits(a(CollateralKey::Haircut)).min > 0);
	assert!(limits(a(CollateralKey::Haircut)).max < ONE);
	assert!(limits(a(CollateralKey::HaircutRamp)).max <= ONE / 20);
	assert!(limits(a(CollateralKey::SaleDiscount)).min > 0);
	assert!(limits(a(CollateralKey::SaleDiscount)).max <= ONE / 4);
}

#[test]
fn nobody_is_listed_or_moved_to_where_positions_cannot_be_measured() {
	use keel_math::{margin, perpetual, FixedU128};
	// A side at the ceiling of the limits, at prices from a millionth to a billion, against either end of the scale.
	let open = policy(m(MarketKey::MaxOpenInterest)).limits.max;
	let scales = policy(m(MarketKey::SkewScale)).limits;
	for price in [1u128, 1_000_000, 1_000_000_000_000_000] {
		let mark = FixedU128::from_rational(price, 1_000_000);
		let size = open * 100 / price * 1_000_000;
		for scale in [scales.min, scales.max] {
			let size = (size as i128).min(scale as i128);
			let curve = perpetual::PremiumCurve::new(scale, FixedU128::from_u32(1)).unwrap();
			for size in [size, -size] {
				assert!(curve.fill_price(mark, 0, size).is_some());
				assert!(curve.mark(mark, size).is_some());
				assert!(curve.owed(mark, size, 0).is_some());
				assert!(margin::requirement(size, mark, FixedU128::from_u32(1)).is_some());
			}
		}
	}
}

#[test]
fn leverage_above_twenty_is_possible_and_a_hundred_is_not() {
	let set = crate::limits::default_market();
	let rate = keel_math::margin::initial_rate(
		set.maintenance_margin,
		set.initial_multiple,
		0,
		set.open_interest_lower,
		set.open_interest_upper,
	)
	.unwrap();
	assert_eq!(rate.into_inner(), bps(450));
	let least = |key| policy(m(key)).bounds.min;
	assert!(least(MarketKey::MaintenanceMargin) * least(MarketKey::InitialMultiple) / ONE > bps(100));
}

#[test]
fn nobody_can_vote_a_market_dead_or_a_fuse_away() {
	use BranchKey::*;
	use ChainKey::*;
	// Trigger, what a calm day stays below, what a fuse must not sleep through.
	let fuses = [
		(b(DeviationGuarded), bps(200), bps(2_000)),
		(b(DeviationReduceOnly), bps(400), bps(4_000)),
		(b(DeviationHalted), bps(1_000), bps(6_000)),
		(b(RefusedGuarded), 30_000, 30 * 60_000),
		(b(RefusedReduceOnly), 60_000, 60 * 60_000),
		(b(RefusedHalted), 600_000, DAY as u128),
		(b(LiquidatedGuarded), bps(200), bps(3_000)),
		(b(LiquidatedReduceOnly), bps(500), bps(6_000)),
		(b(LiquidatedHalted), bps(2_000), bps(8_000)),
		(b(MintLimit), bps(1_000), ONE),
		(b(LeavingGuarded), bps(400), bps(5_000)),
		(b(LeavingReduceOnly), bps(800), bps(8_000)),
		(c(DrawdownGuarded), bps(300), bps(4_000)),
		(c(DrawdownReduceOnly), bps(800), bps(6_000)),
		(c(DrawdownHalted), bps(2_500), bps(8_000)),
		(c(FeeLimit), bps(140), bps(1_000)),
		(c(LendingGuarded), bps(6_000), bps(9_800)),
		(c(LendingReduceOnly), bps(7_000), bps(9_900)),
		(m(MarketKey::DeviationGuarded), bps(200), bps(2_000)),
		(m(MarketKey::DeviationReduceOnly), bps(400), bps(4_000)),
		(m(MarketKey::DeviationHalted), bps(1_000), bps(6_000)),
		(m(MarketKey::RefusedGuarded), 30_000, 30 * 60_000),
		(m(MarketKey::RefusedReduceOnly), 60_000, 60 * 60_000),
		(m(MarketKey::RefusedHalted), 600_000, DAY as u128),
		(m(MarketKey::LiquidatedGuarded), bps(200), bps(3_000)),
		(m(MarketKey::LiquidatedReduceOnly), bps(500), bps(6_000)),
		(m(MarketKey::LiquidatedHalted), bps(2_000), bps(8_000)),
	];
	for (key, min, max) in fuses {
		assert_eq!(policy(key).limits, Range { min, max }, "{key:?}");
		assert_eq!(policy(key).safer, Safer::Lower, "{key:?}");
	}
	// Nor what a drawdown is measured against.
	let floor = policy(c(DrawdownFloor));
	assert_eq!(
		floor.limits,
		Range {
			min: 1_000_000_000,
			max: 1_000_000_000_000
		}
	);
	assert_eq!(floor.safer, Safer::Lower);
}

/// Interest an hour of catching up mints at `rate` a year, over all kUSD, as the fund's meter reads it at its highest: an
/// hour of interest at every visit, a visit every 30 s.
fn catching_up(rate: u128) -> u128 {
	use keel_math::{interest::compound, FixedU128, RAY};
	let supply = 1_000_000_000_000_000u128;
	let (mut index, mut meter) = (RAY, keel_primitives::Meter::default());
	let (mut now, mut highest) = (START, 0);
	// Eight hours of visits: the meter has levelled off.
	for _ in 0..960 {
		let next = compound(index, FixedU128::from_inner(rate), 3_600).unwrap();
		// Over a supply that does not grow: a little more than is true.
		let minted = supply * ((next - index) / 1_000_000_000) / index.div_ceil(1_000_000_000);
		index = next;
		meter.add(now, minted);
		highest = highest.max(meter.reading(now));
		now += 30_000;
	}
	highest * ONE / supply
}

#[test]
fn no_legal_stability_fee_ever_meets_the_fee_window() {
	let fee = policy(b(BranchKey::StabilityFee));
	let window = policy(c(ChainKey::FeeLimit)).limits.min;
	let highest = catching_up(fee.limits.max);
	assert!(
		highest > bps(137) && highest < window,
		"the highest fee reads {highest}"
	);
}

/// The kind: a parameter reaches what exists without the gate and the ramp. What still does is named here,
/// with what bounds it.
#[test]
fn what_reaches_those_who_are_in_at_once_and_may_cost_them_is_known() {
	use crate::types::{reach, Reach};
	let (mut at_once, mut guarded) = (Vec::new(), Vec::new());
	for key in KINDS.into_iter().flat_map(Subject::keys) {
		// The gate judges exactly what the gate is said to judge.
		assert_eq!(policy(key).moves_existing, reach(key) == Reach::Gate, "{key:?}");
		// A controller acts unwatched: its numbers wait for nothing, so its steps are small.
		assert!(!policy(key).controller || key == b(BranchKey::StabilityFee));
		if reach(key) == Reach::AtOnce {
			at_once.push(key);
			if policy(key).guardian {
				guarded.push(key);
			}
		}
	}
	// Of vaults: how fast the ramp is, what is charged from now on, how much may leave under a debt in an
	// hour.
	let of_vaults: Vec<Key> = at_once
		.iter()
		.copied()
		.filter(|key| matches!(key, Key::Branch(_)))
		.collect();
	assert_eq!(
		of_vaults,
		[
			BranchKey::RampPerHour,
			BranchKey::StabilityFee,
			BranchKey::ExitLimit
		]
		.map(b)
	);
	// Guardians move these the safer way only, which is the wider door; and the premium's step, which an
	// order with a limit passes.
	assert_eq!(
		guarded,
		[
			c(ChainKey::ReduceRiskAge),
			c(ChainKey::ReduceRiskConfidence),
			c(ChainKey::OrdersPerBlock),
			c(ChainKey::RefreshesPerBlock),
			m(MarketKey::PremiumStep),
		]
	);
	for key in &guarded[..4] {
		assert_eq!(policy(*key).safer, Safer::Higher, "{key:?}");
	}
}

#[test]
fn what_reaches_existing_positions_is_what_their_ratio_is_made_of() {
	use BranchKey::*;
	let reach: Vec<Key> = KINDS
		.into_iter()
		.flat_map(Subject::keys)
		.filter(|key| policy(*key).moves_existing)
		.collect();
	let expected = [
		LiquidationRatio,
		LiquidationRatioCap,
		LiquidationPenalty,
		VolatilityMultiple,
		VolatilityHorizon,
	];
	assert_eq!(reach, expected.map(b));
}

#[test]
fn guardians_keep_off_what_could_stop_the_chain_or_costs_somebody_who_is_in() {
	use BranchKey::*;
	use ChainKey::*;
	let expected = [
		b(LiquidationRatioCap),
		b(RampPerHour),
		b(TargetMargin),
		b(LiquidationPenalty),
		b(PoolBonus),
		b(StabilityFee),
		b(MinimumDebt),
		// They arm the liquidation ratio for the next storm, as its cap above does and `VolatilityTau` below.
		b(VolatilityMultiple),
		b(VolatilityHorizon),
		b(AuctionReserve),
		// A halt closes doors; guardians raise the breaker itself, which passes.
		b(DeviationHalted),
		b(RefusedHalted),
		b(LiquidatedHalted),
		b(ExitLimit),
		c(OracleQuorum),
		c(OracleMaxAge),
		// With no operator to spare, one value dropped is no price.
		c(OutlierDeviations),
		c(OutlierFloor),
		c(RecoveryPrices),
		// What is too uncertain for it counts as an outage, and a long one halts.
		c(AddRiskConfidence),
		c(LiquidateAge),
		c(LiquidateConfidence),
		c(VolatilityTau),
		c(DrawdownHalted),
		c(DrawdownFloor),
		// Accrual must go on.
		c(FeeLimit),
		// How long a level stays, a halt too.
		c(BreakerDwell),
		c(BreakerCooldown),
		c(BreakerRelease),
		// It binds guardians themselves.
		c(ImpactLimit),
		// Called sooner is reduced sooner.
		c(MarginCall),
		// Who leaves pays it too.
		c(OrderFee),
		// Doors of the pool.
		c(PoolCooldown),
		c(PoolStress),
		// What the fund is short of.
		c(PoolFeeFloor),
		// Those who borrow pay them at once.
		c(BorrowSlope),
		c(BorrowKink),
		c(BorrowJump),
		c(LendingBase),
		c(LendingSlope),
		c(LendingKink),
		c(LendingJump),
		// What positions meet on the ramp, and nobody counts whom.
		m(MarketKey::MaintenanceMargin),
		m(MarketKey::MaintenanceCap),
		m(MarketKey::VolatilityMultiple),
		m(MarketKey::VolatilityHorizon),
		m(MarketKey::RampPerHour),
		// Where a liquidation stops.
		m(MarketKey::InitialMultiple),
		m(MarketKey::OpenInterestLower),
		m(MarketKey::OpenInterestUpper),
		// It moves the mark.
		m(MarketKey::SkewScale),
		m(MarketKey::MaxPremium),
		// Who leaves pays them.
		m(MarketKey::TakerFee),
		m(MarketKey::MakerFee),
		// What the pool is paid, and what those who are in pay.
		m(MarketKey::MaxFundingRate),
		m(MarketKey::FundingVelocity),
		// It keeps the pool's providers in.
		m(MarketKey::Stress),
		m(MarketKey::LiquidationFee),
		m(MarketKey::LiquidationLimit),
		m(MarketKey::GuardedMultiple),
		m(MarketKey::DeviationHalted),
		m(MarketKey::RefusedHalted),
		m(MarketKey::LiquidatedHalted),
		a(CollateralKey::Haircut),
		a(CollateralKey::HaircutRamp),
		a(CollateralKey::SaleDiscount),
	];
	let others: Vec<Key> = [BRANCH, Subject::Chain, MARKET, COLLATERAL]
		.into_iter()
		.flat_map(Subject::keys)
		.filter(|key| !policy(*key).guardian)
		.collect();
	assert_eq!(others, expected);
	// What keeps new risk out stays theirs, and the ratio itself, whose impact is judged at the price of now.
	for key in [
		b(DebtCeiling),
		b(SafetyMargin),
		b(LiquidationRatio),
		b(GuardedMargin),
		b(GuardedCeiling),
		b(DeviationReduceOnly),
		b(MintLimit),
		b(LeavingReduceOnly),
		c(DrawdownReduceOnly),
		c(AddRiskAge),
		c(ProfitShare),
		c(ProfitCap),
		c(LendingCap),
		c(LendingReduceOnly),
		m(MarketKey::MaxOpenInterest),
		m(MarketKey::PremiumStep),
		m(MarketKey::GuardedCaps),
		a(CollateralKey::DepositCap),
	] {
		assert!(policy(key).guardian, "{key:?}");
	}
}

#[test]
fn exits_can_only_be_opened_by_guardians() {
	assert_eq!(policy(c(ChainKey::ReduceRiskAge)).safer, Safer::Higher);
	assert_eq!(policy(c(ChainKey::ReduceRiskConfidence)).safer, Safer::Higher);
	// The line everybody stands in who leaves.
	assert_eq!(policy(c(ChainKey::OrdersPerBlock)).safer, Safer::Higher);
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
	// A part of it is still a move.
	assert_eq!(step.part(Permill::from_percent(25)).of(4_000), 100);
	assert_eq!(step.part(Permill::from_percent(25)).of(0), 1);
	assert_eq!(step.part(Permill::zero()).of(4_000), 1);
	assert_eq!(
		Step {
			relative: Permill::one(),
			least: 1
		}
		.of(u128::MAX),
		u128::MAX
	);
}
