//! The rules of a branch's keys.

use keel_primitives::BranchKey;

use super::*;
use crate::types::{Policy, Safer::*, Unit::*};

/// The rule of a branch's `key`.
pub const fn rule(key: BranchKey) -> Policy {
	match key {
		// At 105 % a fall of 5 % is a loss; above 1000 % nobody would come.
		BranchKey::LiquidationRatio => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: true,
			moves_existing: true,
			default: bps(15_000),
			bounds: range(bps(12_000), bps(25_000)),
			limits: range(bps(10_500), bps(100_000)),
			tighten: step(100, bps(500)),
			loosen: step(20, bps(100)),
			cooldown: DAY,
			..REST
		},
		// In calm weather far above what volatility asks for, so raising it costs nobody then, whatever it costs in a storm.
		BranchKey::LiquidationRatioCap => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			moves_existing: true,
			default: bps(18_000),
			bounds: range(bps(12_500), bps(40_000)),
			limits: range(bps(10_500), bps(200_000)),
			tighten: step(100, bps(500)),
			loosen: step(20, bps(100)),
			cooldown: DAY,
			..REST
		},
		// The owners' time to react. Fast is safer for the system, so the limit protects the owners: never more than
		// 5 points an hour, and no guardian shortens it.
		BranchKey::RampPerHour => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(100),
			bounds: range(bps(50), bps(200)),
			limits: range(bps(10), bps(500)),
			tighten: step(250, bps(10)),
			loosen: step(100, bps(5)),
			cooldown: DAY,
			..REST
		},
		// Zero would let somebody open a vault that is liquidated in the next block.
		BranchKey::SafetyMargin => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: true,
			default: bps(1_000),
			bounds: range(bps(200), bps(5_000)),
			limits: range(bps(100), bps(10_000)),
			tighten: step(500, bps(200)),
			loosen: step(100, bps(50)),
			cooldown: DAY,
			..REST
		},
		BranchKey::TargetMargin => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(500),
			bounds: range(bps(200), bps(1_500)),
			limits: range(bps(50), bps(5_000)),
			tighten: step(250, bps(100)),
			loosen: step(100, bps(50)),
			cooldown: DAY,
			..REST
		},
		// Above one half it is confiscation.
		BranchKey::LiquidationPenalty => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			moves_existing: true,
			default: bps(1_300),
			bounds: range(bps(300), bps(2_500)),
			limits: range(0, bps(5_000)),
			tighten: step(200, bps(100)),
			loosen: step(100, bps(50)),
			cooldown: DAY,
			..REST
		},
		BranchKey::PoolBonus => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(800),
			bounds: range(bps(100), bps(1_500)),
			limits: range(0, bps(5_000)),
			tighten: step(200, bps(100)),
			loosen: step(100, bps(50)),
			cooldown: DAY,
			..REST
		},
		// What a controller of the peg needs, and nothing else: nobody becomes unsafe by it in an hour.
		BranchKey::StabilityFee => Policy {
			unit: AnnualRate,
			safer: Higher,
			guardian: false,
			controller: true,
			default: bps(200),
			bounds: range(0, bps(2_500)),
			limits: range(0, bps(10_000)),
			tighten: step(500, bps(100)),
			loosen: step(250, bps(50)),
			cooldown: DAY,
			..REST
		},
		// Down to zero at once, which only stops new debt; up slowly.
		BranchKey::DebtCeiling => Policy {
			unit: Amount,
			safer: Lower,
			guardian: true,
			default: kusd(10_000_000),
			bounds: range(0, kusd(100_000_000)),
			limits: range(0, kusd(10_000_000_000)),
			tighten: step(1_000, kusd(100_000)),
			loosen: step(200, kusd(50_000)),
			cooldown: DAY,
			..REST
		},
		// A vault must be worth a liquidation's place in a block.
		BranchKey::MinimumDebt => Policy {
			unit: Amount,
			safer: Higher,
			guardian: false,
			default: kusd(100),
			bounds: range(kusd(10), kusd(2_000)),
			limits: range(kusd(1), kusd(1_000_000)),
			tighten: step(1_000, kusd(50)),
			loosen: step(200, kusd(10)),
			cooldown: DAY,
			..REST
		},
		// Below one the threshold would not even cover an ordinary day. No guardian stretches this or the horizon in calm
		// weather: both multiply what a storm brings.
		BranchKey::VolatilityMultiple => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			moves_existing: true,
			default: bps(23_300),
			bounds: range(bps(16_400), bps(40_000)),
			limits: range(bps(10_000), bps(100_000)),
			tighten: step(200, bps(1_000)),
			loosen: step(50, bps(500)),
			cooldown: DAY,
			..REST
		},
		BranchKey::VolatilityHorizon => Policy {
			unit: Seconds,
			safer: Higher,
			guardian: false,
			moves_existing: true,
			default: 86_400,
			bounds: range(21_600, 604_800),
			limits: range(3_600, 2_592_000),
			tighten: step(500, 7_200),
			loosen: step(100, 3_600),
			cooldown: DAY,
			..REST
		},
		// Auctions: a better price and more time to get it is safer; that a sale still reaches its reserve in time
		// is one of the constraints.
		BranchKey::AuctionStart => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: true,
			default: bps(11_000),
			bounds: range(bps(10_000), bps(15_000)),
			limits: range(bps(10_000), bps(20_000)),
			tighten: step(50, bps(500)),
			loosen: step(20, bps(200)),
			cooldown: DAY,
			..REST
		},
		BranchKey::AuctionCut => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: true,
			default: bps(9_900),
			bounds: range(bps(9_500), bps(9_980)),
			limits: range(bps(5_000), bps(9_999)),
			tighten: step(10, bps(50)),
			loosen: step(5, bps(20)),
			cooldown: DAY,
			..REST
		},
		BranchKey::AuctionStep => Policy {
			unit: Seconds,
			safer: Higher,
			guardian: true,
			default: 20,
			bounds: range(4, 120),
			limits: range(2, 600),
			tighten: step(500, 4),
			loosen: step(200, 2),
			cooldown: DAY,
			..REST
		},
		// Never sold for nothing.
		BranchKey::AuctionReserve => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(6_000),
			bounds: range(bps(4_000), bps(9_000)),
			limits: range(bps(2_000), bps(9_900)),
			tighten: step(100, bps(500)),
			loosen: step(50, bps(200)),
			cooldown: DAY,
			..REST
		},
		BranchKey::AuctionDuration => Policy {
			unit: Seconds,
			safer: Higher,
			guardian: true,
			default: 7_200,
			bounds: range(1_800, 21_600),
			limits: range(300, 172_800),
			tighten: step(500, 600),
			loosen: step(200, 300),
			cooldown: DAY,
			..REST
		},
		// New risk in a storm; what exists is not asked for it.
		BranchKey::GuardedMargin => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: true,
			default: bps(1_000),
			bounds: range(bps(200), bps(5_000)),
			limits: range(bps(100), bps(10_000)),
			tighten: step(500, bps(200)),
			loosen: step(100, bps(50)),
			cooldown: DAY,
			..REST
		},
		// Zero would only mean that nobody mints in a storm.
		BranchKey::GuardedCeiling => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: true,
			default: bps(8_000),
			bounds: range(bps(2_000), bps(10_000)),
			limits: range(0, bps(10_000)),
			tighten: step(500, bps(1_000)),
			loosen: step(100, bps(500)),
			cooldown: DAY,
			..REST
		},
		// Against a five-minute average: 2 % is not a calm day, 4 % and 10 % are less so.
		BranchKey::DeviationGuarded => trigger(
			NEW_RISK,
			bps(500),
			range(bps(300), bps(1_000)),
			range(bps(200), bps(2_000)),
		),
		BranchKey::DeviationReduceOnly => trigger(
			NEW_RISK,
			bps(1_000),
			range(bps(500), bps(2_000)),
			range(bps(400), bps(4_000)),
		),
		// Nine tenths away from a five-minute average, nothing would be left to halt for.
		BranchKey::DeviationHalted => trigger(
			DOORS,
			bps(2_500),
			range(bps(1_500), bps(5_000)),
			range(bps(1_000), bps(6_000)),
		),
		// Feeders speak every 20 s where nothing moves, and the strictest legal age is passed between two of their
		// values: below 30 s an ordinary pause would trip it.
		BranchKey::RefusedGuarded => patience(
			NEW_RISK,
			sec(60),
			range(sec(40), sec(300)),
			range(sec(30), sec(1_800)),
		),
		BranchKey::RefusedReduceOnly => patience(
			NEW_RISK,
			sec(180),
			range(sec(90), sec(900)),
			range(sec(60), sec(3_600)),
		),
		// A restart of the operators' nodes takes minutes.
		BranchKey::RefusedHalted => patience(
			DOORS,
			sec(1_800),
			range(sec(900), sec(7_200)),
			range(sec(600), sec(86_400)),
		),
		// A calm day liquidates next to nothing.
		BranchKey::LiquidatedGuarded => trigger(
			NEW_RISK,
			bps(500),
			range(bps(300), bps(1_500)),
			range(bps(200), bps(3_000)),
		),
		BranchKey::LiquidatedReduceOnly => trigger(
			NEW_RISK,
			bps(1_500),
			range(bps(800), bps(3_000)),
			range(bps(500), bps(6_000)),
		),
		// At all of the debt, nothing would be left to halt for.
		BranchKey::LiquidatedHalted => trigger(
			DOORS,
			bps(4_000),
			range(bps(2_500), bps(7_000)),
			range(bps(2_000), bps(8_000)),
		),
		// Ceilings are made to last for weeks. At a tenth of the ceiling an hour, a branch is slow, not dead.
		BranchKey::MintLimit => trigger(
			NEW_RISK,
			bps(4_000),
			range(bps(2_000), bps(8_000)),
			range(bps(1_000), bps(10_000)),
		),
		// These raise a level no further than where everybody may still leave.
		BranchKey::LeavingGuarded => trigger(
			NEW_RISK,
			bps(1_000),
			range(bps(500), bps(3_000)),
			range(bps(400), bps(5_000)),
		),
		BranchKey::LeavingReduceOnly => trigger(
			NEW_RISK,
			bps(2_000),
			range(bps(1_000), bps(5_000)),
			range(bps(800), bps(8_000)),
		),
		// Lower is safer although it is a door: it is there for the hole nobody knows yet, through which everything would
		// leave in an hour, and a wider one must wait. Whoever is inside is protected otherwise: repaying and closing
		// never meets it, no guardian moves it, and the lower limit lets a fifth out at once and as much again every hour.
		BranchKey::ExitLimit => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: false,
			default: bps(5_000),
			bounds: range(bps(3_000), bps(8_000)),
			limits: range(bps(2_000), bps(10_000)),
			tighten: step(200, bps(500)),
			loosen: step(100, bps(500)),
			cooldown: DAY,
			..REST
		},
	}
}
