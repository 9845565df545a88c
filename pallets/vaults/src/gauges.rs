//! What the breaker's fuses read in a branch.

use alloc::vec::Vec;
use frame_support::traits::Time;
use keel_math::{mul_div, FixedU128, Rounding, ONE};
use keel_primitives::{
	Balance, BranchId, BranchParameters, BreakerSubject, Fuse, Gauge, Gauges, PriceProvider, RiskParameters,
	Triggers,
};

use crate::{
	rules::{floor, floor_in_collateral, mint_path},
	Branch, BranchList, Branches, Config, Pallet,
};

/// `part / whole` with 18 decimals, rounded up; nothing of nothing is zero. Saturates: above every trigger.
fn ratio(part: Balance, whole: Balance) -> u128 {
	match part {
		0 => 0,
		part => mul_div(part, ONE, whole, Rounding::Up).unwrap_or(u128::MAX),
	}
}

fn gauge(
	fuse: Fuse,
	reading: u128,
	guarded: FixedU128,
	reduce_only: FixedU128,
	halted: Option<FixedU128>,
) -> Gauge {
	Gauge {
		fuse,
		reading,
		triggers: Triggers {
			guarded: guarded.into_inner(),
			reduce_only: reduce_only.into_inner(),
			halted: halted.map(FixedU128::into_inner),
		},
	}
}

impl<T: Config> Pallet<T> {
	fn branch_gauges(branch: &Branch, p: &BranchParameters) -> Vec<Gauge> {
		let now = T::Time::now();
		let price = T::Prices::last(branch.feed);
		let deviation = price.map(|price| {
			let (value, twap) = (price.value.into_inner(), price.twap.into_inner());
			gauge(
				Fuse::PriceDeviation,
				ratio(value.abs_diff(twap), twap),
				p.deviation_guarded,
				p.deviation_reduce_only,
				Some(p.deviation_halted),
			)
		});
		// A feed that never had a price lets nobody in anyway.
		let refused = T::Prices::fit_at(branch.feed).map(|at| Gauge {
			fuse: Fuse::PriceRefused,
			reading: now.saturating_sub(at).into(),
			triggers: Triggers {
				guarded: p.refused_guarded.into(),
				reduce_only: p.refused_reduce_only.into(),
				halted: Some(p.refused_halted.into()),
			},
		});
		// An index at which the debt overflows is never reached. The sums saturate where no money is.
		let debt = branch.debt().unwrap_or_default();
		let liquidated = branch.liquidated.reading(now);
		let liquidated = gauge(
			Fuse::Liquidated,
			ratio(liquidated, debt.saturating_add(liquidated).max(floor(p))),
			p.liquidated_guarded,
			p.liquidated_reduce_only,
			Some(p.liquidated_halted),
		);
		let (left, stayed) = (branch.leaving.away(now), branch.leaving.stayed(now));
		let last = price.map(|price| price.value);
		// Without a price nobody knows how much of it backs debt: all of it at most.
		let backing = last.map_or(branch.total_collateral, |price| {
			branch.backing(branch.total_collateral, debt, price)
		});
		let leaving = gauge(
			Fuse::Leaving,
			ratio(
				stayed,
				backing
					.saturating_add(left)
					.max(floor_in_collateral(branch, p, last)),
			),
			p.leaving_guarded,
			p.leaving_reduce_only,
			None,
		);
		[deviation, refused, Some(liquidated), Some(leaving)]
			.into_iter()
			.flatten()
			.collect()
	}

	/// A branch that runs and its parameters.
	fn measured(id: BranchId) -> Option<(Branch, BranchParameters)> {
		let branch = Branches::<T>::get(id).filter(|branch| branch.settlement.is_none())?;
		Some((branch, T::RiskParameters::branch(id).ok()?))
	}
}

impl<T: Config> Gauges for Pallet<T> {
	fn subjects() -> Vec<BreakerSubject> {
		BranchList::<T>::get()
			.into_iter()
			.flat_map(|id| [BreakerSubject::Branch(id), mint_path(id)])
			.collect()
	}

	/// Nothing for a mint path: its window refuses what is too much, and no fuse latches for what may be
	/// repaid at once.
	fn gauges(subject: BreakerSubject) -> Vec<Gauge> {
		match subject {
			BreakerSubject::Branch(id) => Self::measured(id)
				.map(|(branch, parameters)| Self::branch_gauges(&branch, &parameters))
				.unwrap_or_default(),
			_ => Vec::new(),
		}
	}
}
