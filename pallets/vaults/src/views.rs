//! What the view functions answer. They go through the functions the calls go through.

use alloc::vec::Vec;
use keel_math::{div_ratio, interest, mul_div, value, FixedU128, Rounding, RAY};
use keel_primitives::{Balance, BranchId, PriceFor, PriceProvider, RiskParameters, VaultId};
use sp_runtime::DispatchError;

use crate::{
	debt_of, liquidation_price, overflow, Branch, BranchSummary, Branches, Change, Config, Health,
	OwnerVaults, Pallet, Preview, Vaults,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn view_health(id: VaultId) -> Option<Health> {
		let vault = Vaults::<T>::get(id)?;
		let branch = Branches::<T>::get(vault.branch)?;
		let parameters = T::RiskParameters::branch(vault.branch).ok()?;
		let volatility = T::Prices::volatility(branch.feed).unwrap_or_default();
		let debt = vault.debt(branch.rate_index).ok()?;
		let price = T::Prices::price(branch.feed, PriceFor::Liquidate).map(|price| price.value);
		let worth = price
			.ok()
			.and_then(|price| value::value_of(vault.collateral, price, branch.divisor, Rounding::Down));
		let safe = price.and_then(|price| {
			let threshold = branch.threshold(price)?;
			Ok(vault
				.trigger(branch.divisor)
				.is_none_or(|trigger| trigger <= threshold))
		});
		Some(Health {
			collateral: vault.collateral,
			debt,
			value: worth,
			ratio: worth.and_then(|worth| value::collateral_ratio(worth, debt)),
			liquidation_ratio: branch.ramped_ratio,
			liquidation_ratio_target: Self::target_ratio(&parameters, volatility),
			liquidation_price: liquidation_price(&branch, &vault),
			safe,
		})
	}

	pub(crate) fn view_liquidation_price(id: VaultId) -> Option<FixedU128> {
		let vault = Vaults::<T>::get(id)?;
		liquidation_price(&Branches::<T>::get(vault.branch)?, &vault)
	}

	pub(crate) fn view_maximum_mintable(id: BranchId, collateral: Balance) -> Result<Balance, DispatchError> {
		Self::mintable(id, &Self::branch_of(id)?, collateral, 0)
	}

	pub(crate) fn view_maximum_mintable_by(id: VaultId) -> Result<Balance, DispatchError> {
		let vault = Self::vault_of(id)?;
		let branch = Self::branch_of(vault.branch)?;
		Self::mintable(vault.branch, &branch, vault.collateral, vault.normalised_debt)
	}

	/// The inverse of the rules of [`Self::plan`]: the largest mint they let through, zero if none.
	fn mintable(
		id: BranchId,
		branch: &Branch,
		collateral: Balance,
		normalised: u128,
	) -> Result<Balance, DispatchError> {
		let parameters = T::RiskParameters::branch(id)?;
		let price = T::Prices::price(branch.feed, PriceFor::AddRisk)?;
		let required = Self::required_ratio(branch, &parameters, price.volatility)?;
		let worth = value::value_of(collateral, price.as_collateral(), branch.divisor, Rounding::Down)
			.ok_or_else(overflow)?;
		// Each step rounds down what the rules round up, so the result passes them and one unit more does not.
		let debt = div_ratio(worth, required, Rounding::Down).ok_or_else(overflow)?;
		let most = interest::normalise_down(debt, branch.rate_index).ok_or_else(overflow)?;
		let room = most.saturating_sub(normalised);
		let by_ratio = mul_div(room, branch.rate_index, RAY, Rounding::Down).ok_or_else(overflow)?;
		let mint = by_ratio.min(branch.ceiling_left(parameters.debt_ceiling));
		let gained = interest::normalise_up(mint, branch.rate_index).ok_or_else(overflow)?;
		let total = normalised.checked_add(gained).ok_or_else(overflow)?;
		let reaches_minimum = debt_of(total, branch.rate_index)? >= parameters.minimum_debt;
		Ok(if reaches_minimum { mint } else { 0 })
	}

	pub(crate) fn view_preview_open(
		branch: BranchId,
		collateral: Balance,
		debt: Balance,
	) -> Result<Preview, DispatchError> {
		// Whose vault it is makes no difference to the plan.
		let owner = Self::branch_account(branch);
		Self::plan_open(owner, branch, collateral, debt).map(|plan| plan.preview())
	}

	pub(crate) fn view_preview_adjust(
		id: VaultId,
		collateral: Change,
		debt: Change,
	) -> Result<Preview, DispatchError> {
		let vault = Self::vault_of(id)?;
		let branch = Self::branch_of(vault.branch)?;
		Self::plan_change(&branch, &vault, collateral, debt).map(|plan| plan.preview())
	}

	/// As many as the owner holds deposits for.
	pub(crate) fn view_vaults_of(owner: T::AccountId) -> Vec<VaultId> {
		let mut vaults: Vec<_> = OwnerVaults::<T>::iter_key_prefix(owner).collect();
		vaults.sort_unstable();
		vaults
	}

	pub(crate) fn view_branch(id: BranchId) -> Option<BranchSummary<T::AccountId>> {
		let branch = Branches::<T>::get(id)?;
		let parameters = T::RiskParameters::branch(id).ok()?;
		let volatility = T::Prices::volatility(branch.feed).unwrap_or_default();
		Some(BranchSummary {
			collateral_asset: branch.collateral,
			feed: branch.feed,
			account: Self::branch_account(id),
			collateral: branch.total_collateral,
			debt: branch.debt().ok()?,
			issued: branch.issued,
			ceiling: parameters.debt_ceiling,
			ceiling_left: branch.ceiling_left(parameters.debt_ceiling),
			minimum_debt: parameters.minimum_debt,
			stability_fee: parameters.stability_fee,
			rate_index: branch.rate_index,
			liquidation_ratio: branch.ramped_ratio,
			liquidation_ratio_target: Self::target_ratio(&parameters, volatility),
			required_ratio: Self::required_ratio(&branch, &parameters, volatility).ok()?,
		})
	}
}
