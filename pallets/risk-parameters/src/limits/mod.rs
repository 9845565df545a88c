//! The rules of every key, fixed at compile time. **Limits** are what could never be right, whoever votes for it;
//! **bounds** are what a fresh subject starts with and a referendum may move inside the limits; between them stand
//! the steps and the cooldown.
//!
//! Which way is safer is a judgement per key, from the system's side: more collateral, more for the buyer of last
//! resort, stricter prices before somebody adds risk or loses collateral. Exits are the exception that proves it:
//! for prices somebody *leaves* on, lenient is safer, so no guardian can close the door.
//!
//! Guardians act at once and nobody can undo them for days, so they don't move every number (`guardian`). Theirs are
//! those whose safer side at its worst keeps new risk out, and of what existing vaults meet on the ramp
//! `LiquidationRatio` alone: its impact is judged for all it does, and it ends at the cap. Nobody can judge that for margin
//! accounts, so of what they meet, on the ramp or at once, guardians move nothing. Not theirs are numbers whose safer side
//!
//! - arms the liquidation ratio for the next storm: `LiquidationRatioCap`, `VolatilityMultiple`,
//!   `VolatilityHorizon`, `VolatilityTau`. In calm weather they make nobody unsafe, so the impact lets them
//!   pass; once volatility comes, they liquidate vaults that would have stood. So does `MaintenanceCap` for
//!   positions, with the same two and `MaintenanceMargin`;
//! - stops prices or liquidations: `OracleQuorum`, `OracleMaxAge`, `RecoveryPrices`, `LiquidateAge`,
//!   `LiquidateConfidence`, `OutlierDeviations`, `OutlierFloor` (with no operator to spare, one dropped value
//!   is no price);
//! - takes from those who are in already: `StabilityFee`, and `RampPerHour`, which is the time owners have,
//!   at once; `LiquidationPenalty` and `TargetMargin` on the ramp. `PoolBonus` and `MinimumDebt` reach nobody
//!   who is in, but say who buys and who may come. Of margin accounts: `Haircut`, `HaircutRamp`,
//!   `SaleDiscount`, `MarginCall`, `LiquidationFee`, `SkewScale` and `MaxPremium` (they move the mark),
//!   `MaxFundingRate`, `FundingVelocity`, the rates of the borrow fee and of lending;
//! - costs those who leave: `TakerFee`, `MakerFee`, `OrderFee`; or keeps the pool's providers in:
//!   `PoolCooldown`, `PoolStress`, `Stress`;
//! - leaves the insurance fund with what the market would still have bought: `AuctionReserve`; or the market
//!   with a wider window for a cascade: `LiquidationLimit`;
//! - closes doors to those who are in: what makes a breaker halt (`DeviationHalted`, `RefusedHalted`,
//!   `LiquidatedHalted`, `DrawdownHalted`; `DrawdownFloor`, which stands under a drawdown;
//!   `AddRiskConfidence`, which decides what counts as an outage, and a long one halts) or keeps it there
//!   longer (`BreakerDwell`, `BreakerCooldown`, `BreakerRelease`), and `ExitLimit`. A guardian who needs a
//!   halt raises the breaker itself: that passes, a number stays;
//! - stops accrual: `FeeLimit`; or stops tightening: `ImpactLimit`.
//!
//! The lower limit of a fuse's trigger is above what a calm day reads, so that nobody can vote a market dead; the upper
//! one is within what a crash reads, so that nobody can vote a fuse away: a trigger at a whole, or over a floor larger
//! than any fund, would never blow.
//!
//! What is listed starts inside the table's bounds with every number, whatever bounds it is given: wider bounds only say how
//! far it may go, by steps and cooldowns. And it starts small: a branch with a ceiling of at most [`NEW_BRANCH_CEILING`], a
//! market with [`NEW_MARKET_CEILING`] open to a side, an asset with [`NEW_COLLATERAL_CEILING`] deposited.
//!
//! Controllers move `StabilityFee` alone (`controller`). Not `DebtCeiling`: guardians cut it, and a machine that raises
//! it would lend into every rally.
//!
//! [`reach`] says of every key how a change of it reaches what exists. What makes vaults unsafe
//! (`moves_existing`) are the five numbers the liquidation ratio is made of; a change of one of them is
//! judged by its impact first. None of a market or an asset is: the maintenance margin of open positions and
//! the haircut of what is held follow their targets by `RampPerHour` and `HaircutRamp`, which the pallets
//! that keep them see to, and the impact on accounts that net many markets can't be counted in a call.

mod branch;
mod chain;
mod collateral;
mod market;
pub mod reach;

pub use branch::rule as branch;
pub use chain::rule as chain;
pub use collateral::rule as collateral;
pub use market::rule as market;

use keel_math::ONE;
use keel_primitives::{
	Balance, BranchKey, BranchParameters, ChainKey, ChainParameters, CollateralKey, CollateralParameters,
	MarketKey, MarketParameters, Moment,
};
use sp_runtime::Permill;

use crate::types::{Policy, Range, Safer, Step, Unit, MAX_CHANGES};

macro_rules! clamps {
	($($clamp:ident, $set:ty, $rule:path;)*) => {$(
		/// `set` with each number outside its limits moved to the nearest inside.
		pub fn $clamp(set: $set) -> $set {
			set.within(|key| {
				let limits = $rule(key).limits;
				(limits.min, limits.max)
			})
		}
	)*};
}

clamps! {
	clamp_branch, BranchParameters, branch;
	clamp_chain, ChainParameters, chain;
	clamp_market, MarketParameters, market;
	clamp_collateral, CollateralParameters, collateral;
}

const HOUR: Moment = 3_600_000;
const DAY: Moment = 24 * HOUR;

/// The highest debt ceiling a branch is listed with, in base units of kUSD: 1,000,000 kUSD. That is what a wrong listing
/// can cost. From there the ceiling grows by steps, each after a cooldown, in view of everybody. Genesis is exempt.
pub const NEW_BRANCH_CEILING: Balance = kusd(1_000_000);

/// The most open interest of a side a market is listed with, in base units of kUSD: 1,000,000 kUSD. Grows as
/// [`NEW_BRANCH_CEILING`] does. Genesis is exempt.
pub const NEW_MARKET_CEILING: Balance = kusd(1_000_000);

/// The highest deposit cap an asset is listed with, in base units of kUSD: 1,000,000 kUSD. Grows as [`NEW_BRANCH_CEILING`]
/// does. Genesis is exempt.
pub const NEW_COLLATERAL_CEILING: Balance = kusd(1_000_000);

/// A raw ratio from basis points.
const fn bps(n: u128) -> u128 {
	n * ONE / 10_000
}

/// A raw ratio from millionths.
const fn ppm(n: u128) -> u128 {
	n * ONE / 1_000_000
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

/// What a rule leaves out: not for controllers, and nobody who is in already becomes unsafe by it. The rest of this makes
/// no sense, so that a rule that leaves out more does not compile.
const REST: Policy = Policy {
	unit: Unit::Count,
	safer: Safer::Higher,
	guardian: false,
	controller: false,
	moves_existing: false,
	default: 0,
	bounds: range(0, 0),
	limits: range(0, 0),
	tighten: step(0, 0),
	loosen: step(0, 0),
	cooldown: 0,
};

/// A trigger whose level only keeps new risk out, and what can wait: guardians may lower it.
const NEW_RISK: bool = true;

/// A trigger whose level closes doors to those who are in: guardians may not move it.
const DOORS: bool = false;

/// A fuse's trigger that is a share. Lower is safer: it trips sooner.
const fn trigger(guardian: bool, default: u128, bounds: Range, limits: Range) -> Policy {
	Policy {
		unit: Unit::Ratio,
		safer: Safer::Lower,
		guardian,
		default,
		bounds,
		limits,
		tighten: step(250, bps(100)),
		loosen: step(100, bps(50)),
		cooldown: DAY,
		..REST
	}
}

/// A fuse's trigger that is a time, in milliseconds. Lower is safer: it trips sooner.
const fn patience(guardian: bool, default: u128, bounds: Range, limits: Range) -> Policy {
	Policy {
		unit: Unit::Milliseconds,
		tighten: step(250, sec(10)),
		loosen: step(100, sec(5)),
		..trigger(guardian, default, bounds, limits)
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

/// The numbers of a branch that is listed: as fresh, with the ceiling it may start with.
pub fn new_branch() -> BranchParameters {
	let fresh = default_branch();
	BranchParameters {
		debt_ceiling: fresh.debt_ceiling.min(NEW_BRANCH_CEILING),
		..fresh
	}
}

/// The numbers of a fresh market.
pub fn default_market() -> MarketParameters {
	let mut set = MarketParameters::default();
	for key in MarketKey::ALL {
		let _ = set.set(*key, market(*key).default);
	}
	set
}

/// The numbers of a market that is listed: as fresh, with the open interest it may start with.
pub fn new_market() -> MarketParameters {
	let fresh = default_market();
	MarketParameters {
		max_open_interest: fresh.max_open_interest.min(NEW_MARKET_CEILING),
		..fresh
	}
}

/// The numbers of a fresh asset that margin accounts hold.
pub fn default_collateral() -> CollateralParameters {
	let mut set = CollateralParameters::default();
	for key in CollateralKey::ALL {
		let _ = set.set(*key, collateral(*key).default);
	}
	set
}

/// The numbers of an asset that is listed: as fresh, with the cap it may start with.
pub fn new_collateral() -> CollateralParameters {
	let fresh = default_collateral();
	CollateralParameters {
		deposit_cap: fresh.deposit_cap.min(NEW_COLLATERAL_CEILING),
		..fresh
	}
}

/// The numbers of a fresh chain.
pub fn default_chain() -> ChainParameters {
	let mut set = ChainParameters::default();
	for key in ChainKey::ALL {
		let _ = set.set(*key, chain(*key).default);
	}
	set
}

/// Every rule of a kind of subject makes sense, and one call can name all of its keys.
macro_rules! sane {
	($keys:ty, $rule:path) => {
		assert!(<$keys>::ALL.len() <= MAX_CHANGES as usize);
		let mut i = 0;
		while i < <$keys>::ALL.len() {
			assert!($rule(<$keys>::ALL[i]).is_sane(), "a policy makes no sense");
			i += 1;
		}
	};
}

// A table that makes no sense does not compile.
const _: () = {
	sane!(ChainKey, chain);
	sane!(BranchKey, branch);
	sane!(MarketKey, market);
	sane!(CollateralKey, collateral);
	assert!(
		branch(BranchKey::DebtCeiling).bounds.contains(NEW_BRANCH_CEILING)
			&& market(MarketKey::MaxOpenInterest)
				.bounds
				.contains(NEW_MARKET_CEILING)
			&& collateral(CollateralKey::DepositCap)
				.bounds
				.contains(NEW_COLLATERAL_CEILING),
		"nothing could be listed as large as it may be"
	);
};
