//! The rules of the chain's keys.

use keel_primitives::ChainKey;

use super::*;
use crate::types::{Policy, Safer::*, Unit::*};

/// The rule of the chain's `key`.
pub const fn rule(key: ChainKey) -> Policy {
	match key {
		// One operator is an opinion, not a price.
		ChainKey::OracleQuorum => Policy {
			unit: Count,
			safer: Higher,
			guardian: false,
			default: 3,
			bounds: range(2, 7),
			// As many as there can be operators.
			limits: range(2, 16),
			tighten: step(250, 1),
			loosen: step(100, 1),
			cooldown: 7 * DAY,
			..REST
		},
		ChainKey::OracleMaxAge => Policy {
			unit: Milliseconds,
			safer: Lower,
			guardian: false,
			default: sec(60),
			bounds: range(sec(30), sec(180)),
			limits: range(sec(2), sec(600)),
			tighten: step(250, sec(5)),
			loosen: step(200, sec(2)),
			cooldown: DAY,
			..REST
		},
		// Below two deviations honest operators are dropped every day.
		ChainKey::OutlierDeviations => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: false,
			default: bps(50_000),
			bounds: range(bps(30_000), bps(100_000)),
			limits: range(bps(20_000), bps(200_000)),
			tighten: step(200, bps(5_000)),
			loosen: step(100, bps(2_500)),
			cooldown: DAY,
			..REST
		},
		ChainKey::OutlierFloor => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: false,
			default: bps(50),
			bounds: range(bps(10), bps(200)),
			limits: range(bps(1), bps(1_000)),
			tighten: step(250, bps(5)),
			loosen: step(100, bps(2)),
			cooldown: DAY,
			..REST
		},
		ChainKey::RecoveryPrices => Policy {
			unit: Count,
			safer: Higher,
			guardian: false,
			default: 3,
			bounds: range(2, 10),
			limits: range(1, 50),
			tighten: step(500, 1),
			loosen: step(200, 1),
			cooldown: DAY,
			..REST
		},
		ChainKey::AddRiskAge => Policy {
			unit: Milliseconds,
			safer: Lower,
			guardian: true,
			default: sec(30),
			bounds: range(sec(10), sec(120)),
			limits: range(sec(2), sec(600)),
			tighten: step(500, sec(5)),
			loosen: step(200, sec(2)),
			cooldown: DAY,
			..REST
		},
		// Not for guardians: a price that is less certain than this is no price to the fuse that counts how long there was
		// none, and that one halts.
		ChainKey::AddRiskConfidence => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: false,
			default: bps(100),
			bounds: range(bps(25), bps(300)),
			limits: range(bps(5), bps(1_000)),
			tighten: step(500, bps(10)),
			loosen: step(200, bps(5)),
			cooldown: DAY,
			..REST
		},
		// The way out: wider is safer.
		ChainKey::ReduceRiskAge => Policy {
			unit: Milliseconds,
			safer: Higher,
			guardian: true,
			default: sec(300),
			bounds: range(sec(120), sec(3_600)),
			limits: range(sec(30), sec(86_400)),
			tighten: step(1_000, sec(60)),
			loosen: step(100, sec(15)),
			cooldown: DAY,
			..REST
		},
		ChainKey::ReduceRiskConfidence => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: true,
			default: bps(500),
			bounds: range(bps(300), bps(2_000)),
			limits: range(bps(100), bps(5_000)),
			tighten: step(500, bps(100)),
			loosen: step(100, bps(25)),
			cooldown: DAY,
			..REST
		},
		// Stricter keeps an owner from losing collateral to a doubtful price; too strict stops liquidations, so the
		// bounds end well above the feeders' rhythm.
		ChainKey::LiquidateAge => Policy {
			unit: Milliseconds,
			safer: Lower,
			guardian: false,
			default: sec(60),
			bounds: range(sec(30), sec(180)),
			limits: range(sec(10), sec(600)),
			tighten: step(250, sec(5)),
			loosen: step(200, sec(2)),
			cooldown: DAY,
			..REST
		},
		ChainKey::LiquidateConfidence => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: false,
			default: bps(200),
			bounds: range(bps(100), bps(500)),
			limits: range(bps(10), bps(2_000)),
			tighten: step(250, bps(10)),
			loosen: step(200, bps(5)),
			cooldown: DAY,
			..REST
		},
		// A short memory raises the liquidation ratio sooner when a storm begins. Not judged by its impact: the volatility of
		// now stays what it is, only how it goes on averaging changes, and vaults meet that on the ramp. No guardian shortens it
		// in calm weather: a storm would find every branch armed.
		ChainKey::VolatilityTau => Policy {
			unit: Seconds,
			safer: Lower,
			guardian: false,
			default: 21_600,
			bounds: range(7_200, 86_400),
			limits: range(600, 2_592_000),
			tighten: step(250, 1_800),
			loosen: step(100, 900),
			cooldown: DAY,
			..REST
		},
		// The shared tranche pays every shortfall, the treasury's only up to its cap.
		ChainKey::FundShare => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: true,
			default: bps(8_000),
			bounds: range(bps(5_000), bps(10_000)),
			limits: range(bps(1_000), bps(10_000)),
			tighten: step(250, bps(1_000)),
			loosen: step(100, bps(500)),
			cooldown: DAY,
			..REST
		},
		ChainKey::TreasuryCap => Policy {
			unit: Amount,
			safer: Higher,
			guardian: true,
			default: kusd(1_000_000),
			bounds: range(kusd(100_000), kusd(5_000_000)),
			limits: range(0, kusd(1_000_000_000)),
			tighten: step(500, kusd(50_000)),
			loosen: step(200, kusd(25_000)),
			cooldown: DAY,
			..REST
		},
		// Zero would leave the workers no time at all.
		ChainKey::FallbackBlocks => Policy {
			unit: Count,
			safer: Lower,
			guardian: true,
			default: 3,
			bounds: range(1, 10),
			// The ring of thresholds holds as many.
			limits: range(1, 16),
			tighten: step(500, 1),
			loosen: step(200, 1),
			cooldown: DAY,
			..REST
		},
		// A block of liquidations that leaves a quarter of the normal class to exits; the limit is what fits
		// without any. See `docs/decisions/liquidations-per-block.md`.
		ChainKey::LiquidationsPerBlock => Policy {
			unit: Count,
			safer: Higher,
			guardian: true,
			default: 350,
			bounds: range(20, 400),
			limits: range(1, 450),
			tighten: step(500, 10),
			loosen: step(200, 5),
			cooldown: DAY,
			..REST
		},
		// What a fund may lose in an hour before somebody should look.
		ChainKey::DrawdownGuarded => trigger(
			NEW_RISK,
			bps(1_000),
			range(bps(500), bps(2_000)),
			range(bps(300), bps(4_000)),
		),
		ChainKey::DrawdownReduceOnly => trigger(
			NEW_RISK,
			bps(2_500),
			range(bps(1_000), bps(4_000)),
			range(bps(800), bps(6_000)),
		),
		// At all of the fund, nothing would be left to halt for.
		ChainKey::DrawdownHalted => trigger(
			DOORS,
			bps(5_000),
			range(bps(3_000), bps(8_000)),
			range(bps(2_500), bps(8_000)),
		),
		// It stands under all three drawdowns, the halting one too. Below a thousand kUSD, an empty fund and the shortfall
		// of one small vault would stop the chain; above a million, a fund could be lost whole and read as a scratch.
		ChainKey::DrawdownFloor => Policy {
			unit: Amount,
			safer: Lower,
			guardian: false,
			default: kusd(10_000),
			bounds: range(kusd(2_000), kusd(1_000_000)),
			limits: range(kusd(1_000), kusd(1_000_000)),
			tighten: step(500, kusd(1_000)),
			loosen: step(200, kusd(500)),
			cooldown: DAY,
			..REST
		},
		// After an outage interest is made up for: an hour's at every visit, 120 visits an hour. At the
		// highest fee anybody can ever vote for (100 % a year) that reads 1.38 %: accrual must never meet its
		// window. Not for guardians: too low a window stops accrual.
		ChainKey::FeeLimit => Policy {
			tighten: step(250, bps(10)),
			loosen: step(100, bps(5)),
			..trigger(
				DOORS,
				bps(150),
				range(bps(140), bps(300)),
				range(bps(140), bps(1_000)),
			)
		},
		// These three say how long a level stays, a halt too, so nobody prolongs one in an emergency; and nobody can vote
		// for one that never ends.
		ChainKey::BreakerDwell => Policy {
			unit: Milliseconds,
			safer: Higher,
			guardian: false,
			default: sec(600),
			bounds: range(sec(300), sec(3_600)),
			limits: range(sec(60), sec(21_600)),
			tighten: step(500, sec(60)),
			loosen: step(100, sec(30)),
			cooldown: DAY,
			..REST
		},
		ChainKey::BreakerCooldown => Policy {
			unit: Milliseconds,
			safer: Higher,
			guardian: false,
			default: sec(600),
			bounds: range(sec(300), sec(3_600)),
			limits: range(sec(60), sec(21_600)),
			tighten: step(500, sec(60)),
			loosen: step(100, sec(30)),
			cooldown: DAY,
			..REST
		},
		// At 100 % a level would go up and down with every block; below 20 % a lively day is never calm.
		ChainKey::BreakerRelease => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: false,
			default: bps(7_000),
			bounds: range(bps(3_000), bps(9_000)),
			limits: range(bps(2_000), bps(9_500)),
			tighten: step(250, bps(500)),
			loosen: step(50, bps(200)),
			cooldown: DAY,
			..REST
		},
		// Safer for those who are in: it binds guardians too, so it is not theirs. At zero no ratio could ever be raised.
		ChainKey::ImpactLimit => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: false,
			default: bps(1_000),
			bounds: range(bps(100), bps(2_500)),
			limits: range(bps(10), bps(5_000)),
			tighten: step(500, bps(50)),
			loosen: step(100, bps(10)),
			cooldown: DAY,
			..REST
		},
		// Called sooner is reduced sooner: those who are in pay for it. At one, the call would come with the liquidation.
		ChainKey::MarginCall => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(12_500),
			bounds: range(bps(11_000), bps(15_000)),
			limits: range(bps(10_500), bps(20_000)),
			tighten: step(50, bps(250)),
			loosen: step(20, bps(100)),
			cooldown: DAY,
			..REST
		},
		// Asked where risk is added or money leaves against it. Who closes has all of the profit.
		ChainKey::ProfitShare => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: true,
			default: bps(8_000),
			bounds: range(bps(5_000), bps(9_500)),
			limits: range(0, bps(10_000)),
			tighten: step(500, bps(1_000)),
			loosen: step(50, bps(200)),
			cooldown: DAY,
			..REST
		},
		ChainKey::ProfitCap => Policy {
			unit: Amount,
			safer: Lower,
			guardian: true,
			default: kusd(100_000),
			bounds: range(kusd(10_000), kusd(1_000_000)),
			limits: range(0, kusd(100_000_000)),
			tighten: step(500, kusd(10_000)),
			loosen: step(100, kusd(5_000)),
			cooldown: DAY,
			..REST
		},
		// What keeps the queue from being filled for nothing. Who leaves pays it too: not for guardians, and never much.
		ChainKey::OrderFee => Policy {
			unit: Amount,
			safer: Higher,
			guardian: false,
			default: kusd(1) / 10,
			bounds: range(kusd(1) / 100, kusd(1)),
			limits: range(kusd(1) / 1_000, kusd(10)),
			tighten: step(500, kusd(1) / 100),
			loosen: step(200, kusd(1) / 200),
			cooldown: DAY,
			..REST
		},
		// Those who leave stand in the same line: at a handful a block, the line would be a closed door. The block's weight ends
		// it in any case.
		ChainKey::OrdersPerBlock => Policy {
			unit: Count,
			safer: Higher,
			guardian: true,
			default: 500,
			bounds: range(100, 2_000),
			limits: range(20, 5_000),
			tighten: step(500, 5),
			loosen: step(200, 2),
			cooldown: DAY,
			..REST
		},
		// A quarter of a block. A crash of 2 % a block takes a thousand accounts past a trigger in three
		// blocks.
		ChainKey::RefreshesPerBlock => Policy {
			unit: Count,
			safer: Higher,
			guardian: true,
			default: 300,
			bounds: range(20, 400),
			limits: range(5, 1_000),
			tighten: step(500, 10),
			loosen: step(200, 5),
			cooldown: DAY,
			..REST
		},
		// These two are doors of the liquidity pool. Who sees a loss coming must not be gone before it; who just wants to leave
		// is out within two weeks, whatever anybody votes for, and as soon as the traders' positions allow it.
		ChainKey::PoolCooldown => Policy {
			unit: Milliseconds,
			safer: Higher,
			guardian: false,
			default: sec(86_400),
			bounds: range(sec(3_600), sec(604_800)),
			limits: range(sec(600), sec(1_209_600)),
			tighten: step(250, sec(1_800)),
			loosen: step(100, sec(900)),
			cooldown: DAY,
			..REST
		},
		ChainKey::PoolStress => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: false,
			default: bps(8_000),
			bounds: range(bps(5_000), bps(9_500)),
			limits: range(bps(2_000), bps(10_000)),
			tighten: step(200, bps(500)),
			loosen: step(50, bps(200)),
			cooldown: DAY,
			..REST
		},
		// A fund that is short takes fees from those who stand in before it, up to this. More of it leaves
		// the fund short for longer.
		ChainKey::PoolFeeFloor => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: false,
			default: bps(3_000),
			bounds: range(bps(1_000), bps(5_000)),
			limits: range(0, bps(8_000)),
			tighten: step(250, bps(500)),
			loosen: step(100, bps(200)),
			cooldown: DAY,
			..REST
		},
		// The rent of the pool's capital. Dearer keeps room in it; who is in pays it at once. Filling the
		// largest market alone, hedged, costs 5 % a year of what is held: see `docs/providers.md`.
		ChainKey::BorrowSlope => Policy {
			unit: AnnualRate,
			safer: Higher,
			guardian: false,
			default: bps(15_000),
			bounds: range(bps(1_000), bps(20_000)),
			limits: range(0, bps(50_000)),
			tighten: step(250, bps(500)),
			loosen: step(100, bps(200)),
			cooldown: DAY,
			..REST
		},
		ChainKey::BorrowKink => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: false,
			default: bps(6_000),
			bounds: range(bps(4_000), bps(9_000)),
			limits: range(bps(2_000), bps(9_500)),
			tighten: step(100, bps(200)),
			loosen: step(50, bps(100)),
			cooldown: DAY,
			..REST
		},
		// What filling the whole pool costs whoever keeps others from opening and providers from leaving.
		// Steeper, a provider with a quarter of the pool gains by filling it.
		ChainKey::BorrowJump => Policy {
			unit: AnnualRate,
			safer: Higher,
			guardian: false,
			default: bps(25_000),
			bounds: range(bps(10_000), bps(80_000)),
			limits: range(bps(2_000), bps(100_000)),
			tighten: step(250, bps(5_000)),
			loosen: step(100, bps(2_000)),
			cooldown: DAY,
			..REST
		},
		// The price of a negative balance. Dearer brings lenders and keeps borrowers few, and those who are in pay it at once.
		ChainKey::LendingBase => Policy {
			unit: AnnualRate,
			safer: Higher,
			guardian: false,
			default: bps(200),
			bounds: range(0, bps(1_000)),
			limits: range(0, bps(5_000)),
			tighten: step(500, bps(100)),
			loosen: step(250, bps(50)),
			cooldown: DAY,
			..REST
		},
		ChainKey::LendingSlope => Policy {
			unit: AnnualRate,
			safer: Higher,
			guardian: false,
			default: bps(1_000),
			bounds: range(bps(200), bps(5_000)),
			limits: range(0, bps(20_000)),
			tighten: step(500, bps(200)),
			loosen: step(250, bps(100)),
			cooldown: DAY,
			..REST
		},
		ChainKey::LendingKink => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: false,
			default: bps(8_000),
			bounds: range(bps(6_000), bps(9_000)),
			limits: range(bps(3_000), bps(9_500)),
			tighten: step(100, bps(200)),
			loosen: step(50, bps(100)),
			cooldown: DAY,
			..REST
		},
		// Without it nothing brings the last lender's money back.
		ChainKey::LendingJump => Policy {
			unit: AnnualRate,
			safer: Higher,
			guardian: false,
			default: bps(20_000),
			bounds: range(bps(5_000), bps(50_000)),
			limits: range(bps(2_000), bps(100_000)),
			tighten: step(500, bps(5_000)),
			loosen: step(250, bps(2_000)),
			cooldown: DAY,
			..REST
		},
		// New debt meets it. Who owes already, or loses by a price, does not.
		ChainKey::LendingCap => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: true,
			default: bps(9_000),
			bounds: range(bps(6_000), bps(9_500)),
			limits: range(bps(3_000), bps(10_000)),
			tighten: step(200, bps(500)),
			loosen: step(50, bps(200)),
			cooldown: DAY,
			..REST
		},
		// Lending only has new debt to keep out. A reserve that is lent as it should be reads the kink; one that reads a whole is
		// empty, so both end below.
		ChainKey::LendingGuarded => trigger(
			NEW_RISK,
			bps(8_500),
			range(bps(7_500), bps(9_500)),
			range(bps(6_000), bps(9_800)),
		),
		ChainKey::LendingReduceOnly => trigger(
			NEW_RISK,
			bps(9_500),
			range(bps(8_500), bps(9_800)),
			range(bps(7_000), bps(9_900)),
		),
	}
}
