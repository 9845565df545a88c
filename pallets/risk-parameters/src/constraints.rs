//! Numbers that must go together. Checked on the whole set after a change; nothing is clipped to make it fit.
//!
//! Each holds on one unbroken range of every single key (the others fixed), which the views rely on.

use keel_math::{auction::stairstep_exponential, mul_div, Rounding, ONE};
use keel_primitives::{BranchParameters, ChainParameters, CollateralParameters, MarketParameters};

/// What a liquidation's target must keep above `1 + penalty`, as a raw ratio (0.02). The amount to liquidate is divided by that
/// distance: near zero, the smallest breach would take the whole vault.
pub const TARGET_GAP: u128 = ONE / 50;

/// How many times the largest premium is the way from one end of its range to the other.
pub const PREMIUM_RANGE: u128 = 2;

/// What the maintenance margin holds beyond the premium and the fees of a way out, as a raw ratio (0.0025):
/// the price may move against a position while it is closed.
pub const EXIT_GAP: u128 = ONE / 400;

/// How many liquidation fees fit into a maintenance margin.
pub const LIQUIDATION_FEES: u128 = 4;

/// How many rebates fit into a taker fee: whoever widens the skew to be paid for narrowing it again pays twice what comes back.
pub const REBATES: u128 = 2;

/// The constraint that does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
	/// `liquidation_ratio ≤ 1 + liquidation_penalty`.
	RatioWithinPenalty,
	/// `liquidation_ratio + target_margin < 1 + liquidation_penalty + TARGET_GAP`.
	TargetTooClose,
	/// `pool_bonus > liquidation_penalty`.
	BonusAbovePenalty,
	/// `liquidation_ratio_cap < liquidation_ratio`.
	CapBelowRatio,
	/// An auction's time is over before its price reaches the reserve.
	AuctionMissesReserve,
	/// Not `add_risk_age ≤ liquidate_age ≤ reduce_risk_age`.
	AgesOutOfOrder,
	/// Not `add_risk_confidence ≤ liquidate_confidence ≤ reduce_risk_confidence`.
	ConfidencesOutOfOrder,
	/// `liquidate_age > oracle_max_age`.
	LiquidateAgeAboveOracleAge,
	/// Not `deviation_guarded ≤ deviation_reduce_only ≤ deviation_halted`.
	DeviationOutOfOrder,
	/// Not `refused_guarded ≤ refused_reduce_only ≤ refused_halted`.
	RefusedOutOfOrder,
	/// Not `liquidated_guarded ≤ liquidated_reduce_only ≤ liquidated_halted`.
	LiquidatedOutOfOrder,
	/// `leaving_guarded > leaving_reduce_only`.
	LeavingOutOfOrder,
	/// Not `drawdown_guarded ≤ drawdown_reduce_only ≤ drawdown_halted`.
	DrawdownOutOfOrder,
	/// `lending_guarded > lending_reduce_only`.
	LendingOutOfOrder,
	/// `maintenance_cap < maintenance_margin`.
	CapBelowMaintenance,
	/// `maintenance_margin × (1 − p) < PREMIUM_RANGE × p + liquidation_fee + taker_fee + EXIT_GAP`, where `p`
	/// is `max_premium`.
	ExitNotCovered,
	/// `premium_step > max_premium`.
	PremiumStepAboveMaximum,
	/// `PREMIUM_RANGE × p > maintenance_margin × (initial_multiple × (1 − p) − (1 + p))`, where `p` is
	/// `max_premium`; or `initial_multiple × (1 − p) ≤ 1 + p`.
	MaxPremiumTooWide,
	/// `LIQUIDATION_FEES × liquidation_fee > maintenance_margin`.
	LiquidationFeeTooLarge,
	/// `maker_fee > taker_fee`.
	MakerAboveTaker,
	/// `REBATES × rebate > taker_fee`.
	RebateTooLarge,
	/// `premium_step > taker_fee − rebate`.
	PremiumStepAboveFees,
	/// `open_interest_lower > open_interest_upper`.
	OpenInterestOutOfOrder,
	/// `sale_discount ≥ haircut`.
	DiscountNotBelowHaircut,
}

impl Broken {
	/// In words.
	pub const fn message(self) -> &'static str {
		match self {
			Self::RatioWithinPenalty => "liquidation ratio is not above 1 + penalty",
			Self::TargetTooClose => "liquidation target is too close to 1 + penalty",
			Self::BonusAbovePenalty => "pool bonus is above the penalty",
			Self::CapBelowRatio => "liquidation ratio cap is below the liquidation ratio",
			Self::AuctionMissesReserve => "auction ends before its price reaches the reserve",
			Self::AgesOutOfOrder => "price ages are not in the order AddRisk, Liquidate, ReduceRisk",
			Self::ConfidencesOutOfOrder => {
				"price confidences are not in the order AddRisk, Liquidate, ReduceRisk"
			}
			Self::LiquidateAgeAboveOracleAge => "liquidations accept a price older than an outage",
			Self::DeviationOutOfOrder => "price deviation triggers are not in the order of their levels",
			Self::RefusedOutOfOrder => "refused price triggers are not in the order of their levels",
			Self::LiquidatedOutOfOrder => "liquidated triggers are not in the order of their levels",
			Self::LeavingOutOfOrder => "leaving triggers are not in the order of their levels",
			Self::DrawdownOutOfOrder => "drawdown triggers are not in the order of their levels",
			Self::LendingOutOfOrder => "lending triggers are not in the order of their levels",
			Self::CapBelowMaintenance => "maintenance cap is below the maintenance margin",
			Self::ExitNotCovered => {
				"maintenance margin does not cover twice the largest premium, the fees and the gap of a way out"
			}
			Self::PremiumStepAboveMaximum => "premium step is above the largest premium",
			Self::MaxPremiumTooWide => {
				"pushing the mark through its range takes more than the initial margin is above maintenance"
			}
			Self::LiquidationFeeTooLarge => "liquidation fee is above a quarter of the maintenance margin",
			Self::MakerAboveTaker => "maker fee is above the taker fee",
			Self::RebateTooLarge => "rebate is above half of the taker fee",
			Self::PremiumStepAboveFees => "premium step is above the taker fee less the rebate",
			Self::OpenInterestOutOfOrder => "open interest thresholds are not in order",
			Self::DiscountNotBelowHaircut => "sale discount is not below the haircut",
		}
	}
}

/// Do the numbers of a branch go together?
///
/// A fuse's triggers are in the order of their levels: a higher level is never reached before a lower one.
pub fn branch(set: &BranchParameters) -> Result<(), Broken> {
	let ratio = set.liquidation_ratio.into_inner();
	let penalty = set.liquidation_penalty.into_inner();
	// Sums are only compared. A saturated one is larger than any sane other side: refused on the right, and on the
	// left refused by its limits.
	let claim = ONE.saturating_add(penalty);
	let target = ratio.saturating_add(set.target_margin.into_inner());
	hold(ratio > claim, Broken::RatioWithinPenalty)?;
	hold(target >= claim.saturating_add(TARGET_GAP), Broken::TargetTooClose)?;
	hold(set.pool_bonus.into_inner() <= penalty, Broken::BonusAbovePenalty)?;
	hold(
		set.liquidation_ratio_cap.into_inner() >= ratio,
		Broken::CapBelowRatio,
	)?;
	let last = stairstep_exponential(
		set.auction_start,
		set.auction_cut,
		set.auction_step,
		set.auction_duration,
	);
	hold(
		last.is_some_and(|last| last <= set.auction_reserve),
		Broken::AuctionMissesReserve,
	)?;
	ordered(
		&[
			set.deviation_guarded,
			set.deviation_reduce_only,
			set.deviation_halted,
		],
		Broken::DeviationOutOfOrder,
	)?;
	ordered(
		&[set.refused_guarded, set.refused_reduce_only, set.refused_halted],
		Broken::RefusedOutOfOrder,
	)?;
	ordered(
		&[
			set.liquidated_guarded,
			set.liquidated_reduce_only,
			set.liquidated_halted,
		],
		Broken::LiquidatedOutOfOrder,
	)?;
	ordered(
		&[set.leaving_guarded, set.leaving_reduce_only],
		Broken::LeavingOutOfOrder,
	)
}

/// Do the numbers of the chain go together?
///
/// Exits stay open longest: whoever reduces risk may use the oldest and least certain price, a liquidation a better
/// one, new risk the best. A gap longer than `oracle_max_age` is an outage; a price from before it must neither
/// liquidate nor add risk.
pub fn chain(set: &ChainParameters) -> Result<(), Broken> {
	ordered(
		&[set.add_risk_age, set.liquidate_age, set.reduce_risk_age],
		Broken::AgesOutOfOrder,
	)?;
	ordered(
		&[
			set.add_risk_confidence,
			set.liquidate_confidence,
			set.reduce_risk_confidence,
		],
		Broken::ConfidencesOutOfOrder,
	)?;
	hold(
		set.liquidate_age <= set.oracle_max_age,
		Broken::LiquidateAgeAboveOracleAge,
	)?;
	ordered(
		&[
			set.drawdown_guarded,
			set.drawdown_reduce_only,
			set.drawdown_halted,
		],
		Broken::DrawdownOutOfOrder,
	)?;
	ordered(
		&[set.lending_guarded, set.lending_reduce_only],
		Broken::LendingOutOfOrder,
	)
}

/// Do the numbers of a market go together?
///
/// With `p` the largest premium, `r` the maintenance margin and `m` the initial multiple, all as shares of
/// the value at the index price:
///
/// - **Exit.** A position is valued at the mark, between `1 − p` and `1 + p`, and closed no further than that
///   from the index, whatever others do before it. A short valued at `1 − p` loses `2p` at most on the way
///   out and pays the fees, out of the `r·(1 − p)` it has to be worth; a long valued at `1 + p` loses as much
///   and has to be worth more. So `r·(1 − p)` is at least `2p`, the liquidation fee, the taker fee and
///   [`EXIT_GAP`]. With 2.5 %, 0.5 %, 0.5 % and 0.05 %: 2.4875 % of 1.8 %.
/// - **Range.** Pushing the mark through all of its range, with the index standing still, takes no account
///   from its initial to its maintenance requirement: a short opened at `1 − p` has at least `m·r·(1 − p)`;
///   at `1 + p` it has lost `2p` and needs `r·(1 + p)`. A long, pushed down, started with more and needs
///   less. So `2p ≤ r·(m·(1 − p) − (1 + p))`. More volatility, open interest or a raised breaker only ask for
///   more, until the initial margin is all of the notional: that is enough for a maintenance rate up to `(1 −
///   3p)/(1 + p)`, 63 % at the widest premium of the limits.
/// - **Orders.** The orders of a batch fill at one index price, so whoever knows of an order could go in
///   before it and out behind it. Together the two widen the premium by the step at most, which is less than
///   the taker fee going in less the rebate going out. A rebate never pays for the fee of the trade that
///   earned it.
///
/// The left of each rule grows with `p` and its right falls; the right grows with `r` and `m`: each holds on
/// one unbroken range of every key. None of them depends on the price, the skew scale or a cap. Funding,
/// interest and what amounts are rounded by come on top.
pub fn market(set: &MarketParameters) -> Result<(), Broken> {
	hold(
		set.maintenance_cap >= set.maintenance_margin,
		Broken::CapBelowMaintenance,
	)?;
	hold(
		set.premium_step <= set.max_premium,
		Broken::PremiumStepAboveMaximum,
	)?;
	// Products are only compared; a saturated one is larger than any sane other side, and refused.
	let fees = set.liquidation_fee.into_inner().saturating_mul(LIQUIDATION_FEES);
	hold(
		fees <= set.maintenance_margin.into_inner(),
		Broken::LiquidationFeeTooLarge,
	)?;
	hold(set.maker_fee <= set.taker_fee, Broken::MakerAboveTaker)?;
	let rebates = set.rebate.into_inner().saturating_mul(REBATES);
	hold(rebates <= set.taker_fee.into_inner(), Broken::RebateTooLarge)?;
	let kept = set.taker_fee.into_inner().saturating_sub(set.rebate.into_inner());
	hold(
		set.premium_step.into_inner() <= kept,
		Broken::PremiumStepAboveFees,
	)?;
	hold(covers_exit(set).unwrap_or(false), Broken::ExitNotCovered)?;
	hold(survives_range(set).unwrap_or(false), Broken::MaxPremiumTooWide)?;
	ordered(
		&[set.open_interest_lower, set.open_interest_upper],
		Broken::OpenInterestOutOfOrder,
	)?;
	ordered(
		&[
			set.deviation_guarded,
			set.deviation_reduce_only,
			set.deviation_halted,
		],
		Broken::DeviationOutOfOrder,
	)?;
	ordered(
		&[set.refused_guarded, set.refused_reduce_only, set.refused_halted],
		Broken::RefusedOutOfOrder,
	)?;
	ordered(
		&[
			set.liquidated_guarded,
			set.liquidated_reduce_only,
			set.liquidated_halted,
		],
		Broken::LiquidatedOutOfOrder,
	)
}

/// Returns `true` if the maintenance margin is enough for every way out, as [`market`] has it. `None` for a
/// premium above one, and on overflow.
fn covers_exit(set: &MarketParameters) -> Option<bool> {
	let largest = set.max_premium.into_inner();
	let lowest = ONE.checked_sub(largest)?;
	let margin = mul_div(set.maintenance_margin.into_inner(), lowest, ONE, Rounding::Down)?;
	let exit = largest
		.checked_mul(PREMIUM_RANGE)?
		.checked_add(set.liquidation_fee.into_inner())?
		.checked_add(set.taker_fee.into_inner())?
		.checked_add(EXIT_GAP)?;
	Some(exit <= margin)
}

/// Returns `true` if the initial margin is enough for the way through the premium's range, as [`market`] has
/// it. What there is for it is rounded down. `None` without anything for it, for a premium of one or more,
/// and on overflow.
fn survives_range(set: &MarketParameters) -> Option<bool> {
	let largest = set.max_premium.into_inner();
	let (lowest, highest) = (ONE.checked_sub(largest)?, ONE.checked_add(largest)?);
	// With 36 decimals, so that only the whole is rounded.
	let initial = set.initial_multiple.into_inner().checked_mul(lowest)?;
	let above = initial
		.checked_sub(highest.checked_mul(ONE)?)
		.filter(|above| *above > 0)?;
	let room = mul_div(
		set.maintenance_margin.into_inner(),
		above,
		ONE.checked_mul(ONE)?,
		Rounding::Down,
	)?;
	Some(largest.checked_mul(PREMIUM_RANGE)? <= room)
}

/// Do the numbers of an asset that accounts hold go together?
///
/// Collateral counts `1 − haircut` and is sold for `1 / (1 + discount)`, which is more wherever the discount is below the haircut:
/// a sale never leaves an account with less than it counted.
pub fn collateral(set: &CollateralParameters) -> Result<(), Broken> {
	hold(set.sale_discount < set.haircut, Broken::DiscountNotBelowHaircut)
}

/// Smallest first; equal ones are in order.
fn ordered<N: PartialOrd>(numbers: &[N], otherwise: Broken) -> Result<(), Broken> {
	hold(numbers.is_sorted(), otherwise)
}

fn hold(holds: bool, otherwise: Broken) -> Result<(), Broken> {
	if holds {
		Ok(())
	} else {
		Err(otherwise)
	}
}
