//! Values of a branch: no other kind asks the gauge, and every change reads and writes the same, so that the longer list of the
//! chain costs no more a change. Bounds of the chain, which has most keys.
//!
//! Every change but one loosens by one raw unit: it reads and writes most, asks the breaker, and all of them together fit.
//! The liquidation ratio, the first, tightens by one: then the gauge can't answer without counting, which costs more than
//! the loosening that is left out.

use alloc::{boxed::Box, vec::Vec};
use frame_benchmarking::v2::*;
use frame_support::traits::EnsureOrigin;
use keel_primitives::{
	AssetId, BranchId, BranchKey, ChainKey, CollateralKey, MarketId, MarketKey, RiskParameters,
};

use super::*;

/// A branch nobody has numbers for.
const NEW: BranchId = 4_243;
/// Nor for this market.
const NEW_MARKET: MarketId = 4_244;
/// Nor for this asset.
const NEW_ASSET: AssetId = 4_245;
const RATIO: Key = Key::Branch(BranchKey::LiquidationRatio);
const KEYS: u32 = BranchKey::ALL.len() as u32;
const CHAIN_KEYS: u32 = ChainKey::ALL.len() as u32;
const MARKET_KEYS: u32 = MarketKey::ALL.len() as u32;
const COLLATERAL_KEYS: u32 = CollateralKey::ALL.len() as u32;

/// A branch the gauge knows, with the table's numbers, and a chain that stores its own.
fn subject<T: Config>() -> Subject {
	let branch = T::BenchmarkHelper::branch();
	Pallet::<T>::set_branch(branch, limits::default_branch());
	Pallet::<T>::set_chain(limits::default_chain());
	Subject::Branch(branch)
}

fn changes<T: Config>(subject: Subject, n: u32) -> Result<Changes, BenchmarkError> {
	let changes: Vec<Change> = Pallet::<T>::parameters(subject)
		.into_iter()
		.take(n as usize)
		.map(|info| {
			let up = info.key == RATIO || info.policy.safer == Safer::Lower;
			Change {
				key: info.key,
				value: if up {
					info.value.saturating_add(1)
				} else {
					info.value.saturating_sub(1)
				},
			}
		})
		.collect();
	changes
		.try_into()
		.map_err(|_| BenchmarkError::Stop("too many changes"))
}

/// The table's bounds, narrowed by one at the lower end.
fn bounds(subject: Subject, n: u32) -> Result<BoundsChanges, BenchmarkError> {
	let bounds: Vec<BoundsChange> = subject
		.keys()
		.into_iter()
		.take(n as usize)
		.map(|key| {
			let Range { min, max } = policy(key).bounds;
			BoundsChange {
				key,
				min: min.saturating_add(1),
				max,
			}
		})
		.collect();
	bounds
		.try_into()
		.map_err(|_| BenchmarkError::Stop("too many bounds"))
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn set_values(n: Linear<1, KEYS>) -> Result<(), BenchmarkError> {
		let subject = subject::<T>();
		let changes = changes::<T>(subject, n)?;
		let last = changes.last().copied().ok_or(BenchmarkError::Stop("no change"))?;
		let origin = T::AdjustOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, subject, changes);

		let info = Pallet::<T>::parameter(subject, last.key).ok_or(BenchmarkError::Stop("no value"))?;
		assert_eq!(info.value, last.value);
		assert_eq!(info.last_loosened.is_some(), last.key != RATIO);
		Ok(())
	}

	#[benchmark]
	fn set_bounds(n: Linear<1, CHAIN_KEYS>) -> Result<(), BenchmarkError> {
		Pallet::<T>::set_chain(limits::default_chain());
		let subject = Subject::Chain;
		let bounds = bounds(subject, n)?;
		let last = bounds.last().copied().ok_or(BenchmarkError::Stop("no bounds"))?;
		let origin = T::BoundsOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, subject, bounds);

		assert_eq!(
			Bounds::<T>::get(subject, last.key),
			Some(Range {
				min: last.min,
				max: last.max
			})
		);
		Ok(())
	}

	#[benchmark]
	fn add_branch(n: Linear<0, KEYS>) -> Result<(), BenchmarkError> {
		let bounds = bounds(Subject::Branch(NEW), n)?;
		let origin = T::BoundsOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(
			origin as T::RuntimeOrigin,
			NEW,
			Box::new(limits::new_branch()),
			bounds,
		);

		assert_eq!(Branches::<T>::get(NEW), Some(limits::new_branch()));
		Ok(())
	}

	#[benchmark]
	fn add_market(n: Linear<0, MARKET_KEYS>) -> Result<(), BenchmarkError> {
		let bounds = bounds(Subject::Market(NEW_MARKET), n)?;
		let origin = T::BoundsOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(
			origin as T::RuntimeOrigin,
			NEW_MARKET,
			Box::new(limits::new_market()),
			bounds,
		);

		assert_eq!(Markets::<T>::get(NEW_MARKET), Some(limits::new_market()));
		Ok(())
	}

	#[benchmark]
	fn add_collateral(n: Linear<0, COLLATERAL_KEYS>) -> Result<(), BenchmarkError> {
		let bounds = bounds(Subject::Collateral(NEW_ASSET), n)?;
		let origin = T::BoundsOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(
			origin as T::RuntimeOrigin,
			NEW_ASSET,
			Box::new(limits::new_collateral()),
			bounds,
		);

		assert_eq!(Collaterals::<T>::get(NEW_ASSET), Some(limits::new_collateral()));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
