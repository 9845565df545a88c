//! What a change of a branch's numbers would do to those who are in already.

use frame_support::weights::Weight;
use keel_math::value;
use keel_primitives::{
	BranchId, BranchParameters, Group, Impact, ImpactGauge, PriceFor, PriceProvider, TriggerIndex,
};
use sp_runtime::DispatchError;

use crate::{debt_of, overflow, Branches, Config, Pallet};

impl<T: Config> ImpactGauge for Pallet<T> {
	/// The debt of vaults between two thresholds: of the ratio they are held to now, and of the one they will be held to once the
	/// ramp has run, both at the price and the index of now. Measured from the ratio of now and not from the old numbers, so
	/// that many small changes can't sum up past a limit on one.
	fn impact(
		id: BranchId,
		before: &BranchParameters,
		after: &BranchParameters,
	) -> Result<Option<Impact>, DispatchError> {
		let branch = match Branches::<T>::get(id) {
			Some(branch) if branch.settlement.is_none() && branch.total_normalised > 0 => branch,
			// Parameters come before their branch and stay behind its end.
			_ => return Ok(None),
		};
		let volatility = T::Prices::volatility(branch.feed).unwrap_or_default();
		let from = branch.ramped_ratio;
		let to = Self::target_ratio(after, volatility);
		if to <= from || to <= Self::target_ratio(before, volatility) {
			return Ok(None);
		}
		let price = T::Prices::price(branch.feed, PriceFor::ReduceRisk)?.value;
		let above = value::threshold(price, branch.rate_index, to).ok_or_else(overflow)?;
		let between = T::Triggers::debt_between(Group::Branch(id), above, branch.threshold(price)?);
		Ok(Some(Impact {
			newly_unsafe: debt_of(between.debt, branch.rate_index)?,
			total: branch.debt()?,
			exact: between.exact,
		}))
	}

	fn weight() -> Weight {
		T::Triggers::debt_between_weight()
	}
}
