//! What a liquidation does: [`PositionLedger`] for whoever finds the unsafe vaults.

use alloc::vec::Vec;
use frame_support::{dispatch::DispatchResult, ensure, storage::with_storage_layer, traits::Time};
use keel_math::{
	div_ratio,
	liquidation::{self, Purchase, Size},
	mul_div, FixedU128, Rounding, ONE,
};
use keel_primitives::{
	Auctions, Balance, BranchId, BranchParameters, Coverage, Group, InsuranceFund, LiquidationOutcome, Lot,
	PositionId, PositionLedger, Price, PriceFor, PriceProvider, RiskParameters, StabilityPool, VaultId,
	KEPT_ROUNDING,
};
use sp_runtime::DispatchError;

use crate::{overflow, Branch, BranchList, Branches, Config, Error, Event, Pallet, Vault, Vaults};

/// How far above one plus the penalty a liquidation aims, and how far below the ramped ratio the penalty stays, as a raw ratio
/// (0.02). The gap that risk-parameters' constraints ask for between a target and one plus the penalty: a liquidation takes
/// everything as that gap closes. They look at the governed ratio, which the ramped one may still be far below.
const TARGET_GAP: u128 = ONE / 50;

/// What a liquidation aims for and charges.
struct Terms {
	/// The ratio it restores.
	target: FixedU128,
	/// What the owner pays on top of the debt repaid.
	penalty: FixedU128,
	/// The pool's discount. Never above the penalty: else the fund would pay for it.
	bonus: FixedU128,
}

impl Terms {
	/// `target = max(ramped + margin, 1 + reached penalty + 0.02)`, `penalty = min(reached, ramped − 1 −
	/// 0.02)`. Penalty and margin are the governed ones as far as they have reached existing vaults.
	///
	/// Governance may raise ratio and penalty together; the ratio of existing vaults may follow more slowly.
	/// A part restores a vault only as long as its ratio is above one plus the penalty, whatever the target,
	/// so a penalty of `ramped − 1` or more would take every unsafe vault whole, and with it all of its
	/// owner's buffer. Less than that leaves the owner who falls below the ramped ratio room of 0.02 in which
	/// a part does.
	///
	/// `None` on overflow.
	fn new(branch: &Branch, parameters: &BranchParameters) -> Option<Self> {
		let ramped = branch.ramped_ratio;
		let governed = parameters.liquidation_penalty.min(branch.ramped_penalty);
		let margin = parameters.target_margin.min(branch.ramped_margin);
		let restored = ramped.into_inner().checked_add(margin.into_inner())?;
		let floor = ONE.checked_add(governed.into_inner())?.checked_add(TARGET_GAP)?;
		// Saturates at no penalty, for a ratio at which there is no buffer to take it from.
		let room = ramped.into_inner().saturating_sub(ONE).saturating_sub(TARGET_GAP);
		let penalty = governed.min(FixedU128::from_inner(room));
		Some(Self {
			target: FixedU128::from_inner(restored.max(floor)),
			penalty,
			bonus: parameters.pool_bonus.min(penalty),
		})
	}
}

/// An unsafe vault with all that its liquidation needs.
struct Assessment<AccountId> {
	vault: Vault<AccountId>,
	branch: Branch,
	bonus: FixedU128,
	price: Price,
	debt: Balance,
	/// The minimum debt the vault is held to.
	minimum: Balance,
	size: Size,
}

impl<T: Config> Pallet<T> {
	/// The branch a group of vaults is; an error for a group of anything else.
	fn branch_id(group: Group) -> Result<BranchId, DispatchError> {
		match group {
			Group::Branch(branch) => Ok(branch),
			_ => Err(Error::<T>::UnknownBranch.into()),
		}
	}

	/// Is vault `id` of branch `group` to be liquidated now, and how much of it? What [`PositionLedger::deficit`] and
	/// [`PositionLedger::liquidate`] both go by.
	fn assess(group: BranchId, id: VaultId) -> Result<Assessment<T::AccountId>, DispatchError> {
		let vault = Self::vault_of(id)?;
		ensure!(vault.branch == group, Error::<T>::WrongBranch);
		let branch = Self::running(group)?;
		let trigger = vault.trigger(branch.divisor).ok_or(Error::<T>::VaultSafe)?;
		let price = T::Prices::price(branch.feed, PriceFor::Liquidate)?;
		ensure!(trigger > branch.threshold(price.value)?, Error::<T>::VaultSafe);
		ensure!(price.since > vault.risk_added_at, Error::<T>::PriceNotNewer);
		let parameters = T::RiskParameters::branch(group)?;
		let debt = vault.debt(branch.rate_index)?;
		let terms = Terms::new(&branch, &parameters).ok_or_else(overflow)?;
		// A minimum raised since the vault last minted is none of its.
		let minimum = vault.minimum_debt.min(parameters.minimum_debt);
		// What restores the ratio existing vaults are held to, and the target margin.
		let size = liquidation::size(
			debt,
			vault.collateral,
			price.value,
			branch.divisor,
			terms.target,
			terms.penalty,
			minimum,
		)
		.ok_or(Error::<T>::TargetUnreachable)?;
		Ok(Assessment {
			vault,
			branch,
			bonus: terms.bonus,
			price,
			debt,
			minimum,
			size,
		})
	}

	/// Offer `lot` to the stability pool. What it bought; nothing if it has nothing or fails, whatever the reason.
	///
	/// What rounding the lot to whole base units makes the pool pay beyond debt and penalty, at its discount,
	/// is `owner`'s from [`KEPT_ROUNDING`] on.
	fn sell_to_pool(
		id: VaultId,
		owner: &T::AccountId,
		seller: &T::AccountId,
		branch: &Branch,
		lot: &Size,
		price: FixedU128,
		bonus: FixedU128,
	) -> Purchase {
		const NOTHING: Purchase = Purchase {
			collateral: 0,
			burn: 0,
			income: 0,
		};
		let offer = liquidation::purchase(lot, price, branch.divisor, bonus, T::StabilityPool::capacity());
		// What costs nothing is not the depositors' to get: worthless collateral goes to auction.
		let Some(offer) = offer.filter(|offer| offer.collateral > 0 && offer.burn > 0) else {
			return NOTHING;
		};
		let surplus = Self::pool_surplus(lot, &offer, bonus);
		let absorbed = with_storage_layer(|| {
			T::StabilityPool::absorb(
				seller,
				branch.collateral,
				offer.collateral,
				offer.burn,
				// Safe: a surplus is a part of the income.
				offer.income.saturating_sub(surplus),
				owner,
				surplus,
			)
		});
		match absorbed {
			Ok(()) => offer,
			Err(error) => {
				Self::deposit_event(Event::PoolFailed { vault: id, error });
				NOTHING
			}
		}
	}

	/// The part of an offer's income beyond `(debt + penalty) / (1 + bonus)`, rounded up: zero below
	/// [`KEPT_ROUNDING`], and for a part of a lot.
	fn pool_surplus(lot: &Size, offer: &Purchase, bonus: FixedU128) -> Balance {
		if offer.collateral < lot.collateral {
			return 0;
		}
		let due = || {
			let claim = lot.debt.checked_add(lot.penalty)?;
			let with_bonus = FixedU128::from_inner(ONE.checked_add(bonus.into_inner())?);
			div_ratio(claim, with_bonus, Rounding::Up)
		};
		// Beyond 128 bits all of it is due.
		let due = due().unwrap_or(Balance::MAX).max(offer.burn);
		let surplus = offer.burn.saturating_add(offer.income).saturating_sub(due);
		if surplus < KEPT_ROUNDING {
			0
		} else {
			surplus
		}
	}

	/// Hand `shortfall` to the insurance fund, all of it, beside collateral worth `worth`. Callers hold a
	/// storage layer.
	pub(crate) fn carry(shortfall: Balance, worth: Balance) -> Result<Coverage, DispatchError> {
		let coverage = T::InsuranceFund::cover(shortfall, worth)?;
		let carried = coverage.covered.checked_add(coverage.bad_debt);
		ensure!(carried == Some(shortfall), Error::<T>::ShortfallNotCarried);
		Ok(coverage)
	}

	/// Sell what [`Self::assess`] says: to the pool, then by auction; what neither carries is the fund's.
	fn do_liquidate(group: BranchId, id: VaultId) -> Result<LiquidationOutcome, DispatchError> {
		let Assessment {
			vault,
			mut branch,
			bonus,
			price,
			debt,
			minimum,
			size,
		} = Self::assess(group, id)?;
		let seller = Self::branch_account(group);
		let bought = Self::sell_to_pool(id, &vault.owner, &seller, &branch, &size, price.value, bonus);
		let debt_left = size.debt.checked_sub(bought.burn).ok_or_else(overflow)?;
		let collateral_left = size
			.collateral
			.checked_sub(bought.collateral)
			.ok_or_else(overflow)?;
		let mut outcome = LiquidationOutcome {
			debt: size.debt,
			absorbed: bought.burn,
			..Default::default()
		};
		if debt_left == 0 {
			// The pool paid all of the debt; a rounded-off rest of the lot stays with the owner.
			outcome.collateral = bought.collateral;
		} else if collateral_left == 0 {
			Self::carry(debt_left, 0)?;
			outcome.collateral = size.collateral;
			outcome.shortfall = debt_left;
		} else {
			// The penalty in proportion: the pool's discount is not charged to the owner again.
			let penalty = mul_div(size.penalty, collateral_left, size.collateral, Rounding::Down)
				.ok_or_else(overflow)?;
			let lot = Lot {
				branch: group,
				asset: branch.collateral,
				feed: branch.feed,
				divisor: branch.divisor,
				collateral: collateral_left,
				debt: debt_left,
				penalty,
				owner: vault.owner.clone(),
			};
			T::Auctions::start(&seller, lot, price.value)?;
			outcome.collateral = size.collateral;
			outcome.auctioned = debt_left;
		}

		let relieved = Self::relieved(&vault, debt, size.debt, branch.rate_index)?;
		let less = |from: u128, amount: u128| from.checked_sub(amount).ok_or_else(overflow);
		let mut after = vault.clone();
		after.normalised_debt = less(vault.normalised_debt, relieved)?;
		after.collateral = less(vault.collateral, outcome.collateral)?;
		branch.total_normalised = less(branch.total_normalised, relieved)?;
		branch.total_collateral = less(branch.total_collateral, outcome.collateral)?;
		branch.retire(size.debt)?;
		let now = T::Time::now();
		branch.liquidated.add(now, size.debt);
		branch.rehold(&vault, &after).ok_or_else(overflow)?;
		branch.trim_credit(now, &mut after);
		after.minimum_debt = if after.normalised_debt > 0 { minimum } else { 0 };
		Self::retrigger(
			group,
			id,
			vault.entry(branch.divisor),
			after.entry(branch.divisor),
		);
		Branches::<T>::insert(group, branch);
		// Also an emptied vault stays: its owner closes it and gets the deposit back. A liquidation must be cheap.
		Vaults::<T>::insert(id, after);
		Self::deposit_event(Event::Liquidated {
			vault: id,
			owner: vault.owner,
			branch: group,
			price: price.value,
			debt: outcome.debt,
			collateral: outcome.collateral,
			penalty: size.penalty,
			absorbed: outcome.absorbed,
			auctioned: outcome.auctioned,
			shortfall: outcome.shortfall,
		});
		Ok(outcome)
	}
}

impl<T: Config> PositionLedger for Pallet<T> {
	fn groups() -> Vec<Group> {
		BranchList::<T>::get().into_iter().map(Group::Branch).collect()
	}

	fn threshold(group: Group) -> Result<u128, DispatchError> {
		let branch = Self::running(Self::branch_id(group)?)?;
		branch.threshold(T::Prices::price(branch.feed, PriceFor::Liquidate)?.value)
	}

	fn deficit(group: Group, position: PositionId) -> Result<Balance, DispatchError> {
		Self::assess(Self::branch_id(group)?, position).map(|assessment| assessment.size.debt)
	}

	fn is_unsafe(group: Group, position: PositionId) -> bool {
		Self::deficit(group, position).is_ok()
	}

	fn liquidate(group: Group, position: PositionId) -> Result<LiquidationOutcome, DispatchError> {
		let branch = Self::branch_id(group)?;
		with_storage_layer(|| Self::do_liquidate(branch, position))
	}

	/// Always an error: the trigger of a vault is exact and moves with the vault alone.
	fn refresh(group: Group, _: PositionId) -> DispatchResult {
		Self::branch_id(group)?;
		Err(Error::<T>::NothingChanged.into())
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create_unsafe_position(seed: u32) -> (Group, PositionId) {
		crate::benchmarking::create_unsafe_position::<T>(seed)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create_positions(total: u32, unsafe_ones: u32) -> Group {
		crate::benchmarking::create_positions::<T>(total, unsafe_ones)
	}
}
