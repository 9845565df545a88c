//! What the view functions answer. They go through the functions the calls go through.

use alloc::vec::Vec;
use frame_support::{ensure, traits::Time};
use keel_math::{value, FixedU128, Rounding};
use keel_primitives::{
	Balance, BranchId, BranchParameters, BreakerSubject, CircuitBreaker, PriceFor, PriceProvider,
	RiskParameters, VaultId,
};
use sp_runtime::DispatchError;

use crate::{
	liquidation_price, Branch, BranchSummary, Branches, Change, Config, Error, Health, OwnerVaults, Pallet,
	Preview, ShutdownView, Vaults,
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
			ensure!(branch.settlement.is_none(), Error::<T>::BranchShutDown);
			let threshold = branch.threshold(price)?;
			Ok(vault
				.trigger(branch.divisor)
				.is_none_or(|trigger| trigger <= threshold))
		});
		Some(Health {
			collateral: vault.collateral,
			debt,
			minimum_debt: vault.minimum_debt.min(parameters.minimum_debt),
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
		Self::mintable(id, &Self::running(id)?, collateral, 0, T::Time::now())
	}

	pub(crate) fn view_maximum_mintable_by(id: VaultId) -> Result<Balance, DispatchError> {
		let vault = Self::vault_of(id)?;
		let branch = Self::running(vault.branch)?;
		Self::mintable(
			vault.branch,
			&branch,
			vault.collateral,
			vault.normalised_debt,
			T::Time::now(),
		)
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
		let mint_level = Self::mint_level(id);
		let (mint_room, exit_room) = Self::rooms(&branch, &parameters);
		Some(BranchSummary {
			collateral_asset: branch.collateral,
			feed: branch.feed,
			account: Self::branch_account(id),
			collateral: branch.total_collateral,
			debt: branch.debt().ok()?,
			issued: branch.issued,
			ceiling: parameters.debt_ceiling,
			ceiling_left: Self::ceiling_left(&branch, &parameters, mint_level),
			level: T::CircuitBreaker::level(BreakerSubject::Branch(id)),
			mint_level,
			mint_room,
			exit_room,
			shut_down: branch.settlement.is_some(),
			minimum_debt: parameters.minimum_debt,
			stability_fee: parameters.stability_fee,
			unminted: branch.unminted,
			rate_index: branch.rate_index,
			liquidation_ratio: branch.ramped_ratio,
			liquidation_ratio_target: Self::target_ratio(&parameters, volatility),
			required_ratio: Self::required_ratio(&branch, &parameters, volatility, mint_level).ok()?,
		})
	}

	/// What the windows let out now: kUSD, and collateral of vaults that go on owing. Nothing after a shutdown.
	fn rooms(branch: &Branch, parameters: &BranchParameters) -> (Balance, Balance) {
		if branch.settlement.is_some() {
			return (0, 0);
		}
		let now = T::Time::now();
		(
			Self::window_for_mints(branch, parameters, now),
			Self::window_for_exits(branch, parameters, Self::last_price(branch), now),
		)
	}

	pub(crate) fn view_rooms(id: BranchId) -> Option<(Balance, Balance)> {
		let branch = Branches::<T>::get(id)?;
		Some(Self::rooms(&branch, &T::RiskParameters::branch(id).ok()?))
	}

	pub(crate) fn view_shutdown(id: BranchId) -> Option<ShutdownView> {
		let branch = Branches::<T>::get(id)?;
		let debt_left = branch.debt().ok()?;
		let settlement = branch.settlement?;
		// An overflow is far beyond par.
		let worth = value::value_of(settlement.pot, settlement.price, branch.divisor, Rounding::Down)
			.unwrap_or(Balance::MAX);
		Some(ShutdownView {
			price: settlement.price,
			at: settlement.at,
			settles_in: settlement.settles_in(T::ActiveTime::now()),
			vaults_left: branch.total_normalised > 0,
			debt_left,
			pot: settlement.pot,
			claims: settlement.claims,
			redeem_in: settlement
				.claims
				.map(|_| settlement.active_until.saturating_sub(T::ActiveTime::now())),
			rate: settlement
				.claims
				.and_then(|claims| value::collateral_ratio(worth, claims)),
		})
	}
}
