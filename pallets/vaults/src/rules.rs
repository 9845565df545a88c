//! What is allowed: the rules of every plan and the room they leave. Calls and views go by the same ones.

use frame_support::ensure;
use keel_math::{div_ratio, interest, liquidation, mul_div, mul_ratio, value, FixedU128, Rounding, RAY};
use keel_primitives::{
	Action, Balance, BranchId, BranchParameters, BreakerSubject, CircuitBreaker, Level, MintPath, Moment,
	PriceFor, PriceProvider, RiskParameters,
};
use sp_runtime::DispatchError;

use crate::{debt_of, overflow, Branch, Config, Error, Pallet, Plan, Vault};

/// The way owners of `branch` mint.
pub(crate) fn mint_path(branch: BranchId) -> BreakerSubject {
	BreakerSubject::Mint(MintPath::Vaults(branch))
}

/// The least that the exits and liquidations of a branch are measured against, in base units of kUSD: 100,000
/// kUSD, of a branch with a ceiling below a million a tenth of that. The first exit or liquidation of a young
/// branch is no reason to stop it, and a high ceiling none to overlook what happens to a small branch.
const FLOOR: Balance = 100_000_000_000;

/// [`FLOOR`] of a branch.
pub(crate) fn floor(parameters: &BranchParameters) -> Balance {
	FLOOR.min(parameters.debt_ceiling / 10)
}

/// [`floor`] in base units of collateral at `last`, rounded down; nothing without a price.
pub(crate) fn floor_in_collateral(
	branch: &Branch,
	parameters: &BranchParameters,
	last: Option<FixedU128>,
) -> Balance {
	last.and_then(|price| value::amount_for(floor(parameters), price, branch.divisor, Rounding::Down))
		.unwrap_or_default()
}

/// The most a branch may have issued at `level`: of the governed ceiling a share, rounded down, while it is raised.
fn ceiling(parameters: &BranchParameters, level: Level) -> Balance {
	let governed = parameters.debt_ceiling;
	if level < Level::Guarded {
		return governed;
	}
	// A share is at most one; one that overflows is none.
	mul_ratio(governed, parameters.guarded_ceiling, Rounding::Down).unwrap_or(governed)
}

/// The part of the exit limit that is each vault's own, whatever others took: one in so many.
///
/// Without it a large owner holds the window full: by withdrawing from one vault and closing another, which
/// shrinks what the limit is a share of, or by taking from one of many vaults whatever refills.
pub const OWN_EXITS: Balance = 5;

impl<T: Config> Pallet<T> {
	/// Where the liquidation ratio of a branch is heading at this volatility.
	pub(crate) fn target_ratio(parameters: &BranchParameters, volatility: FixedU128) -> FixedU128 {
		liquidation::liquidation_ratio(
			parameters.liquidation_ratio,
			parameters.liquidation_ratio_cap,
			parameters.liquidation_penalty,
			parameters.volatility_multiple,
			volatility,
			parameters.volatility_horizon,
		)
		// An overflow is a volatility far beyond what the cap lets through.
		.unwrap_or(parameters.liquidation_ratio_cap.max(parameters.liquidation_ratio))
	}

	/// The collateral ratio new risk has to meet: the target at once, the ramp while that is still higher, the margin, and
	/// the guarded margin while minting is at a raised `level`.
	pub(crate) fn required_ratio(
		branch: &Branch,
		parameters: &BranchParameters,
		volatility: FixedU128,
		level: Level,
	) -> Result<FixedU128, DispatchError> {
		let ratio = Self::target_ratio(parameters, volatility).max(branch.ramped_ratio);
		let guarded = match level {
			Level::Normal => 0,
			_ => parameters.guarded_margin.into_inner(),
		};
		let required = ratio
			.into_inner()
			.checked_add(parameters.safety_margin.into_inner())
			.and_then(|required| required.checked_add(guarded));
		required.map(FixedU128::from_inner).ok_or_else(overflow)
	}

	/// The level minting in branch `id` is held to: the highest of its own, the branch's and the chain's. It also binds
	/// whoever adds risk without minting.
	pub(crate) fn mint_level(id: BranchId) -> Level {
		T::CircuitBreaker::level(mint_path(id))
	}

	/// How much more may be issued under the ceiling of `level`.
	pub(crate) fn ceiling_left(branch: &Branch, parameters: &BranchParameters, level: Level) -> Balance {
		branch.ceiling_left(ceiling(parameters, level))
	}

	/// How much kUSD the window lets out now: `mint_limit × ceiling`, rounded down, less what it let out
	/// before.
	pub(crate) fn window_for_mints(branch: &Branch, parameters: &BranchParameters, now: Moment) -> Balance {
		// Saturates at "no limit".
		let limit =
			mul_ratio(parameters.debt_ceiling, parameters.mint_limit, Rounding::Down).unwrap_or(Balance::MAX);
		branch.minted.room(now, limit)
	}

	/// How much collateral the window lets out of vaults that go on owing, beside their credits: `exit_limit
	/// × max(what owing vaults would hold without the last hour's moves, the floor at the last price)`,
	/// rounded down, less what left.
	pub(crate) fn window_for_exits(
		branch: &Branch,
		parameters: &BranchParameters,
		last: Option<FixedU128>,
		now: Moment,
	) -> Balance {
		// Saturates at "no limit", which is more than there is.
		let all = branch
			.settled_collateral(now)
			.max(floor_in_collateral(branch, parameters, last));
		let limit = mul_ratio(all, parameters.exit_limit, Rounding::Down).unwrap_or(Balance::MAX);
		branch.withdrawn.room(now, limit)
	}

	/// Returns `true` if `vault`, as it is after a withdrawal, took no more than is its own: of what it would
	/// hold without its moves of the last hour, a part of `exit_limit`, [`OWN_EXITS`], rounded down.
	///
	/// That is let out however full the branch's window is. All vaults' own together are `exit_limit /
	/// OWN_EXITS` of the branch, so that an hour lets out `exit_limit × (1 + 1 / OWN_EXITS)` at most: 60 % by
	/// default.
	fn took_its_own(vault: &Vault<T::AccountId>, parameters: &BranchParameters, now: Moment) -> bool {
		let used = vault.exits.used(now);
		// Saturates far above any supply.
		let settled = vault
			.collateral
			.saturating_add(used)
			.saturating_sub(vault.exits.credit(now));
		let own = mul_ratio(settled, parameters.exit_limit, Rounding::Down).unwrap_or(Balance::MAX);
		used <= own / OWN_EXITS
	}

	/// The rules of [`Self::plan`], cheapest first. `last` is [`Self::last_price`] of a branch whose vault owes.
	///
	/// Returns the minimum debt the vault is held to from now on. A raised one reaches a vault when it mints.
	pub(crate) fn ensure_allowed(
		branch: &Branch,
		plan: &Plan<T::AccountId>,
		last: Option<FixedU128>,
		now: Moment,
	) -> Result<Balance, DispatchError> {
		let kept = plan.vault.minimum_debt;
		if branch.settlement.is_some() {
			// What comes in goes towards a debt, what goes out leaves none behind.
			let enters = plan.minted > 0 || (plan.deposited > 0 && plan.old_entry.is_none());
			ensure!(!enters && !plan.leaves_owing(), Error::<T>::BranchShutDown);
			// Of a debt that is to be settled any part may be repaid.
			return Ok(kept.min(plan.debt));
		}
		let (riskier, leaves) = (plan.is_riskier(), plan.leaves_owing());
		let repays_part = plan.repaid > 0 && plan.debt > 0;
		if !riskier && !leaves && !repays_part {
			return Ok(kept);
		}
		let id = plan.vault.branch;
		let subject = BreakerSubject::Branch(id);
		if plan.minted > 0 {
			T::CircuitBreaker::ensure(mint_path(id), Action::AddRisk)?;
		} else if riskier {
			T::CircuitBreaker::ensure(subject, Action::AddRisk)?;
		} else if leaves {
			T::CircuitBreaker::ensure(subject, Action::Withdraw)?;
		}
		let parameters = T::RiskParameters::branch(id)?;
		let minimum = match plan.minted {
			0 => kept.min(parameters.minimum_debt),
			_ => parameters.minimum_debt,
		};
		if plan.minted > 0 || plan.repaid > 0 {
			ensure!(plan.debt >= minimum, Error::<T>::DebtBelowMinimum);
		}
		if leaves {
			let room = Self::window_for_exits(branch, &parameters, last, now);
			ensure!(
				plan.taken(branch, now) <= room || Self::took_its_own(&plan.vault, &parameters, now),
				Error::<T>::ExitWindowFull
			);
		}
		if riskier {
			let level = Self::mint_level(id);
			if plan.minted > 0 {
				let left = Self::ceiling_left(branch, &parameters, level);
				ensure!(plan.minted <= left, Error::<T>::CeilingReached);
				let room = Self::window_for_mints(branch, &parameters, now);
				ensure!(plan.minted <= room, Error::<T>::MintWindowFull);
			}
			let price = T::Prices::price(branch.feed, PriceFor::AddRisk)?;
			let required = Self::required_ratio(branch, &parameters, price.volatility, level)?;
			let worth = value::value_of(
				plan.vault.collateral,
				price.as_collateral(),
				branch.divisor,
				Rounding::Down,
			)
			.ok_or_else(overflow)?;
			let needed = mul_ratio(plan.debt, required, Rounding::Up).ok_or_else(overflow)?;
			ensure!(worth >= needed, Error::<T>::RatioTooLow);
		} else if leaves {
			T::Prices::price(branch.feed, PriceFor::ReduceRisk)?;
		}
		Ok(minimum)
	}

	/// The inverse of [`Self::ensure_allowed`] for a mint against `collateral` that owes `normalised` already: the largest it lets
	/// through, zero if none.
	pub(crate) fn mintable(
		id: BranchId,
		branch: &Branch,
		collateral: Balance,
		normalised: u128,
		now: Moment,
	) -> Result<Balance, DispatchError> {
		T::CircuitBreaker::ensure(mint_path(id), Action::AddRisk)?;
		let level = Self::mint_level(id);
		let parameters = T::RiskParameters::branch(id)?;
		let price = T::Prices::price(branch.feed, PriceFor::AddRisk)?;
		let required = Self::required_ratio(branch, &parameters, price.volatility, level)?;
		let worth = value::value_of(collateral, price.as_collateral(), branch.divisor, Rounding::Down)
			.ok_or_else(overflow)?;
		// Each step rounds down what the rules round up, so the result passes them and one unit more does not.
		let debt = div_ratio(worth, required, Rounding::Down).ok_or_else(overflow)?;
		let most = interest::normalise_down(debt, branch.rate_index).ok_or_else(overflow)?;
		let room = most.saturating_sub(normalised);
		let by_ratio = mul_div(room, branch.rate_index, RAY, Rounding::Down).ok_or_else(overflow)?;
		let mint = by_ratio
			.min(Self::ceiling_left(branch, &parameters, level))
			.min(Self::window_for_mints(branch, &parameters, now));
		let gained = interest::normalise_up(mint, branch.rate_index).ok_or_else(overflow)?;
		let total = normalised.checked_add(gained).ok_or_else(overflow)?;
		let reaches_minimum = debt_of(total, branch.rate_index)? >= parameters.minimum_debt;
		Ok(if reaches_minimum { mint } else { 0 })
	}
}
