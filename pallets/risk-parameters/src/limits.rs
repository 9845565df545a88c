//! The rules of every key, fixed at compile time. **Limits** are what could never be right, whoever votes for it;
//! **bounds** are what a fresh subject starts with and a referendum may move inside the limits; between them stand
//! the steps and the cooldown.
//!
//! Which way is safer is a judgement per key, from the system's side: more collateral, more for the buyer of last
//! resort, stricter prices before somebody adds risk or loses collateral. Exits are the exception that proves it:
//! for prices somebody *leaves* on, lenient is safer, so no guardian can close the door.
//!
//! Guardians act at once and nobody can undo them for days, so they don't move every number (`guardian`). Theirs are
//! those whose safer side at its worst keeps new risk out, and those that existing vaults meet on the ramp. Not theirs
//! are numbers whose safer side
//!
//! - stops prices or liquidations: `OracleQuorum`, `OracleMaxAge`, `RecoveryPrices`, `LiquidateAge`,
//!   `LiquidateConfidence`;
//! - takes from those who are in already, with no ramp: `LiquidationPenalty`, `PoolBonus`, `TargetMargin` (more is
//!   liquidated, with its penalty), `StabilityFee`, `MinimumDebt` (a vault below it can't repay a part, and is
//!   liquidated whole), and `RampPerHour`, which is the time owners have;
//! - leaves the insurance fund with what the market would still have bought: `AuctionReserve`.

use keel_math::ONE;
use keel_primitives::{BranchKey, BranchParameters, ChainKey, ChainParameters, Moment};
use sp_runtime::Permill;

use crate::types::{Policy, Range, Safer::*, Step, Unit::*, MAX_CHANGES};

const HOUR: Moment = 3_600_000;
const DAY: Moment = 24 * HOUR;

/// A raw ratio from basis points.
const fn bps(n: u128) -> u128 {
	n * ONE / 10_000
}

/// Base units from whole kUSD.
const fn kusd(n: u128) -> u128 {
	n * 1_000_000
}

/// Milliseconds from seconds.
const fn sec(n: u128) -> u128 {
	n * 1_000
}

const fn range(min: u128, max: u128) -> Range {
	Range { min, max }
}

/// A step from thousandths of the present value and the least raw move.
const fn step(per_mille: u32, least: u128) -> Step {
	Step {
		relative: Permill::from_parts(per_mille * 1_000),
		least,
	}
}

/// The rule of a branch's `key`.
pub const fn branch(key: BranchKey) -> Policy {
	match key {
		// At 105 % a fall of 5 % is a loss; above 1000 % nobody would come.
		BranchKey::LiquidationRatio => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: true,
			default: bps(15_000),
			bounds: range(bps(12_000), bps(25_000)),
			limits: range(bps(10_500), bps(100_000)),
			tighten: step(100, bps(500)),
			loosen: step(20, bps(100)),
			cooldown: DAY,
		},
		BranchKey::LiquidationRatioCap => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: true,
			default: bps(18_000),
			bounds: range(bps(12_500), bps(40_000)),
			limits: range(bps(10_500), bps(200_000)),
			tighten: step(100, bps(500)),
			loosen: step(20, bps(100)),
			cooldown: DAY,
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
		},
		// Above one half it is confiscation.
		BranchKey::LiquidationPenalty => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(1_300),
			bounds: range(bps(300), bps(2_500)),
			limits: range(0, bps(5_000)),
			tighten: step(200, bps(100)),
			loosen: step(100, bps(50)),
			cooldown: DAY,
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
		},
		BranchKey::StabilityFee => Policy {
			unit: AnnualRate,
			safer: Higher,
			guardian: false,
			default: bps(200),
			bounds: range(0, bps(2_500)),
			limits: range(0, bps(10_000)),
			tighten: step(500, bps(100)),
			loosen: step(250, bps(50)),
			cooldown: DAY,
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
		},
		// Below one the threshold would not even cover an ordinary day.
		BranchKey::VolatilityMultiple => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: true,
			default: bps(23_300),
			bounds: range(bps(16_400), bps(40_000)),
			limits: range(bps(10_000), bps(100_000)),
			tighten: step(200, bps(1_000)),
			loosen: step(50, bps(500)),
			cooldown: DAY,
		},
		BranchKey::VolatilityHorizon => Policy {
			unit: Seconds,
			safer: Higher,
			guardian: true,
			default: 86_400,
			bounds: range(21_600, 604_800),
			limits: range(3_600, 2_592_000),
			tighten: step(500, 7_200),
			loosen: step(100, 3_600),
			cooldown: DAY,
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
		},
	}
}

/// The rule of the chain's `key`.
pub const fn chain(key: ChainKey) -> Policy {
	match key {
		// One operator is an opinion, not a price.
		ChainKey::OracleQuorum => Policy {
			unit: Count,
			safer: Higher,
			guardian: false,
			default: 3,
			bounds: range(2, 7),
			limits: range(2, 50),
			tighten: step(250, 1),
			loosen: step(100, 1),
			cooldown: 7 * DAY,
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
		},
		// Below two deviations honest operators are dropped every day.
		ChainKey::OutlierDeviations => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: true,
			default: bps(50_000),
			bounds: range(bps(30_000), bps(100_000)),
			limits: range(bps(20_000), bps(200_000)),
			tighten: step(200, bps(5_000)),
			loosen: step(100, bps(2_500)),
			cooldown: DAY,
		},
		ChainKey::OutlierFloor => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: true,
			default: bps(50),
			bounds: range(bps(10), bps(200)),
			limits: range(bps(1), bps(1_000)),
			tighten: step(250, bps(5)),
			loosen: step(100, bps(2)),
			cooldown: DAY,
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
		},
		ChainKey::AddRiskConfidence => Policy {
			unit: Ratio,
			safer: Lower,
			guardian: true,
			default: bps(100),
			bounds: range(bps(25), bps(300)),
			limits: range(bps(5), bps(1_000)),
			tighten: step(500, bps(10)),
			loosen: step(200, bps(5)),
			cooldown: DAY,
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
		},
		// A short memory raises the liquidation ratio sooner when a storm begins.
		ChainKey::VolatilityTau => Policy {
			unit: Seconds,
			safer: Lower,
			guardian: true,
			default: 21_600,
			bounds: range(7_200, 86_400),
			limits: range(600, 2_592_000),
			tighten: step(250, 1_800),
			loosen: step(100, 900),
			cooldown: DAY,
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
		},
		ChainKey::LiquidationsPerBlock => Policy {
			unit: Count,
			safer: Higher,
			guardian: true,
			default: 200,
			bounds: range(20, 400),
			limits: range(1, 1_000),
			tighten: step(500, 10),
			loosen: step(200, 5),
			cooldown: DAY,
		},
	}
}

/// The numbers of a fresh branch.
pub fn default_branch() -> BranchParameters {
	let mut set = BranchParameters::default();
	for key in BranchKey::ALL {
		// `integrity_test` sees that every default fits its type.
		let _ = set.set(*key, branch(*key).default);
	}
	set
}

/// The numbers of a fresh chain.
pub fn default_chain() -> ChainParameters {
	let mut set = ChainParameters::default();
	for key in ChainKey::ALL {
		let _ = set.set(*key, chain(*key).default);
	}
	set
}

// A table that makes no sense does not compile.
const _: () = {
	assert!(BranchKey::ALL.len() <= MAX_CHANGES as usize && ChainKey::ALL.len() <= MAX_CHANGES as usize);
	let mut i = 0;
	while i < BranchKey::ALL.len() {
		assert!(
			branch(BranchKey::ALL[i]).is_sane(),
			"a branch policy makes no sense"
		);
		i += 1;
	}
	let mut i = 0;
	while i < ChainKey::ALL.len() {
		assert!(chain(ChainKey::ALL[i]).is_sane(), "a chain policy makes no sense");
		i += 1;
	}
};
