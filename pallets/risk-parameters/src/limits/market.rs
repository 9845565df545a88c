//! The rules of a perpetual market's keys.

use keel_primitives::{BranchKey, MarketKey};

use super::*;
use crate::types::{Policy, Safer::*, Unit::*};

/// Base units of a size from whole units.
const fn whole(n: u128) -> u128 {
	n * 100_000_000
}

/// The rule of a market's `key`.
pub const fn rule(key: MarketKey) -> Policy {
	match key {
		// The markets meet it on the ramp, but nobody counts whom it would make unsafe, so it is not for guardians. Below half a
		// percent the next price is a loss; above one half it is no margin trading.
		MarketKey::MaintenanceMargin => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(250),
			bounds: range(bps(100), bps(1_000)),
			limits: range(bps(50), bps(5_000)),
			tighten: step(200, bps(50)),
			loosen: step(50, bps(10)),
			cooldown: DAY,
			..REST
		},
		// In calm weather far above what volatility asks for: it arms the margin for the next storm.
		MarketKey::MaintenanceCap => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(2_000),
			bounds: range(bps(500), bps(5_000)),
			limits: range(bps(100), bps(10_000)),
			tighten: step(250, bps(200)),
			loosen: step(100, bps(100)),
			cooldown: DAY,
			..REST
		},
		MarketKey::VolatilityMultiple => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(23_300),
			bounds: range(bps(16_400), bps(40_000)),
			limits: range(bps(10_000), bps(100_000)),
			tighten: step(200, bps(1_000)),
			loosen: step(50, bps(500)),
			cooldown: DAY,
			..REST
		},
		// An hour, not the day of a vault: a position is closed against the pool, with no buyer to wait for,
		// but a crash lasts longer than a block, and the margin is there before it.
		MarketKey::VolatilityHorizon => Policy {
			unit: Seconds,
			safer: Higher,
			guardian: false,
			default: 3_600,
			bounds: range(600, 14_400),
			limits: range(30, 86_400),
			tighten: step(500, 60),
			loosen: step(100, 30),
			cooldown: DAY,
			..REST
		},
		// The traders' time to react, as a branch's is its owners'.
		MarketKey::RampPerHour => branch(BranchKey::RampPerHour),
		// Asked of new risk alone.
		// So are all that make the initial margin: this, `OpenInterestLower`, `OpenInterestUpper`, `GuardedMultiple`.
		MarketKey::InitialMultiple => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(18_000),
			bounds: range(bps(12_000), bps(50_000)),
			// At one, somebody would open what is liquidated in the next block.
			limits: range(bps(10_500), bps(200_000)),
			tighten: step(200, bps(1_000)),
			loosen: step(50, bps(500)),
			cooldown: DAY,
			..REST
		},
		MarketKey::OpenInterestLower => Policy {
			unit: Amount,
			safer: Lower,
			guardian: false,
			default: kusd(5_000_000),
			bounds: range(kusd(100_000), kusd(100_000_000)),
			limits: range(0, kusd(10_000_000_000)),
			tighten: step(250, kusd(50_000)),
			loosen: step(200, kusd(25_000)),
			cooldown: DAY,
			..REST
		},
		// Zero would mean that the initial margin never rises.
		MarketKey::OpenInterestUpper => Policy {
			unit: Amount,
			safer: Lower,
			guardian: false,
			default: kusd(500_000_000),
			bounds: range(kusd(1_000_000), kusd(2_000_000_000)),
			limits: range(kusd(100_000), kusd(100_000_000_000)),
			tighten: step(250, kusd(500_000)),
			loosen: step(200, kusd(250_000)),
			cooldown: DAY,
			..REST
		},
		// Down to zero at once, which only stops new positions; up slowly.
		MarketKey::MaxOpenInterest => Policy {
			unit: Amount,
			safer: Lower,
			guardian: true,
			default: kusd(20_000_000),
			bounds: range(0, kusd(200_000_000)),
			limits: range(0, kusd(10_000_000_000)),
			tighten: step(1_000, kusd(100_000)),
			loosen: step(200, kusd(50_000)),
			cooldown: DAY,
			..REST
		},
		// Sizes have as many magnitudes as prices, so the range is as wide. Smaller makes every trade move the mark more, and
		// moving the mark dearer. It moves the mark of those who are in too, so it is not for guardians and the step is small
		// both ways: at the largest premium of the defaults it is worth less than a taker fee to whoever holds the skew.
		MarketKey::SkewScale => Policy {
			unit: Size,
			safer: Lower,
			guardian: false,
			default: whole(1_000_000),
			bounds: range(whole(100), whole(1_000_000_000_000)),
			limits: range(whole(1), whole(10_000_000_000_000_000)),
			tighten: step(20, whole(1)),
			loosen: step(20, whole(1)),
			cooldown: DAY,
			..REST
		},
		// How far the mark and every fill are from the index at most. Twice that is what others can move a
		// position by without the index moving, and the margins have to cover it: see the constraints. It
		// moves the marks of those who are in, so it is not for guardians; theirs is the cap on open
		// interest.
		MarketKey::MaxPremium => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: false,
			default: bps(50),
			bounds: range(bps(25), bps(300)),
			limits: range(bps(10), bps(1_000)),
			tighten: step(500, bps(20)),
			loosen: step(100, bps(5)),
			cooldown: DAY,
			..REST
		},
		// How far those who open may push the mark in a block. At zero nobody could; who leaves meets it only without a limit. What a batch can
		// widen has to cost more than it gains: see the constraints.
		MarketKey::PremiumStep => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: true,
			default: bps(3),
			bounds: range(bps(1), bps(50)),
			limits: range(bps(1), bps(100)),
			tighten: step(250, bps(1)),
			loosen: step(100, ppm(50)),
			cooldown: DAY,
			..REST
		},
		// Fees: what traders pay for the pool that stands on the other side. Who leaves pays them too. Without a taker fee a
		// trade would cost nothing to somebody who knows the next price.
		MarketKey::TakerFee => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(5),
			bounds: range(bps(1), bps(20)),
			limits: range(ppm(10), bps(100)),
			tighten: step(250, ppm(50)),
			loosen: step(100, ppm(20)),
			cooldown: DAY,
			..REST
		},
		MarketKey::MakerFee => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(2),
			bounds: range(0, bps(10)),
			limits: range(0, bps(50)),
			tighten: step(250, ppm(50)),
			loosen: step(100, ppm(20)),
			cooldown: DAY,
			..REST
		},
		// Rebates are a gift out of other trades' fees: less of it, later and out of a smaller share takes nothing from anybody.
		MarketKey::Rebate => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: true,
			default: bps(2),
			bounds: range(0, bps(10)),
			limits: range(0, bps(50)),
			tighten: step(500, ppm(50)),
			loosen: step(100, ppm(20)),
			cooldown: DAY,
			..REST
		},
		MarketKey::RebateBand => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: true,
			default: bps(10),
			bounds: range(bps(1), bps(100)),
			limits: range(0, bps(1_000)),
			tighten: step(500, bps(2)),
			loosen: step(100, bps(1)),
			cooldown: DAY,
			..REST
		},
		// Premiums beyond the band are rare, so most of a larger share would lie unpaid: see
		// `docs/providers.md`.
		MarketKey::RebateShare => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: true,
			default: bps(1_000),
			bounds: range(0, bps(6_000)),
			limits: range(0, bps(8_000)),
			tighten: step(500, bps(500)),
			loosen: step(100, bps(200)),
			cooldown: DAY,
			..REST
		},
		// The triggers of those who are in keep a reserve for so much funding, so what they may be charged grows slowly. A lower one
		// pays the pool less for the skew it holds: not for guardians.
		MarketKey::MaxFundingRate => Policy {
			unit: DailyRate,
			safer: Lower,
			guardian: false,
			default: bps(500),
			bounds: range(bps(100), bps(1_500)),
			limits: range(bps(10), bps(3_000)),
			tighten: step(250, bps(50)),
			loosen: step(100, bps(10)),
			cooldown: DAY,
			..REST
		},
		// A faster one closes the skew sooner; never beyond the rate's own limit. Those who are in pay for
		// it. A third of it is the rate that a skew at its bound settles at.
		MarketKey::FundingVelocity => Policy {
			unit: DailyVelocity,
			safer: Higher,
			guardian: false,
			default: bps(2_000),
			bounds: range(bps(500), bps(10_000)),
			limits: range(bps(100), bps(50_000)),
			tighten: step(250, bps(200)),
			loosen: step(100, bps(100)),
			cooldown: DAY,
			..REST
		},
		// A larger one asks more of the pool, and keeps those who provide it from leaving.
		MarketKey::Stress => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(2_000),
			bounds: range(bps(1_000), bps(5_000)),
			limits: range(bps(500), bps(9_000)),
			tighten: step(250, bps(500)),
			loosen: step(100, bps(200)),
			cooldown: DAY,
			..REST
		},
		// That the margin covers it is one of the constraints.
		MarketKey::LiquidationFee => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(50),
			bounds: range(bps(20), bps(200)),
			limits: range(0, bps(500)),
			tighten: step(200, bps(10)),
			loosen: step(100, bps(5)),
			cooldown: DAY,
			..REST
		},
		// What an hour may not liquidate becomes a loss of the fund; what it may at most is what a cascade can do to those who are
		// in. At a tenth, a single large account would stand unsafe for a day.
		MarketKey::LiquidationLimit => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(6_000),
			bounds: range(bps(2_000), bps(9_000)),
			limits: range(bps(1_000), bps(10_000)),
			tighten: step(250, bps(500)),
			loosen: step(100, bps(200)),
			cooldown: DAY,
			..REST
		},
		MarketKey::GuardedMultiple => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(15_000),
			bounds: range(bps(11_000), bps(30_000)),
			limits: range(bps(10_000), bps(50_000)),
			tighten: step(200, bps(1_000)),
			loosen: step(50, bps(500)),
			cooldown: DAY,
			..REST
		},
		// Zero would only mean that nobody opens anything in a storm.
		MarketKey::GuardedCaps => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: true,
			default: bps(5_000),
			bounds: range(bps(1_000), bps(9_000)),
			limits: range(0, bps(10_000)),
			tighten: step(500, bps(1_000)),
			loosen: step(100, bps(500)),
			cooldown: DAY,
			..REST
		},
		// Filled from fees to come, and spent before anybody else's money.
		MarketKey::TrancheTarget => Policy {
			unit: Amount,
			safer: Higher,
			guardian: true,
			default: kusd(50_000),
			bounds: range(kusd(10_000), kusd(500_000)),
			limits: range(0, kusd(100_000_000)),
			tighten: step(500, kusd(10_000)),
			loosen: step(200, kusd(5_000)),
			cooldown: DAY,
			..REST
		},
		// The fuses read the same feeds as a branch's, and liquidations as a share of what is there: the same rules.
		MarketKey::DeviationGuarded => branch(BranchKey::DeviationGuarded),
		MarketKey::DeviationReduceOnly => branch(BranchKey::DeviationReduceOnly),
		MarketKey::DeviationHalted => branch(BranchKey::DeviationHalted),
		MarketKey::RefusedGuarded => branch(BranchKey::RefusedGuarded),
		MarketKey::RefusedReduceOnly => branch(BranchKey::RefusedReduceOnly),
		MarketKey::RefusedHalted => branch(BranchKey::RefusedHalted),
		MarketKey::LiquidatedGuarded => branch(BranchKey::LiquidatedGuarded),
		MarketKey::LiquidatedReduceOnly => branch(BranchKey::LiquidatedReduceOnly),
		MarketKey::LiquidatedHalted => branch(BranchKey::LiquidatedHalted),
	}
}
