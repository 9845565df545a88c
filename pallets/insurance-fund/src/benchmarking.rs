//! Benchmarks: every call at its most expensive.

use frame_benchmarking::v2::*;
use frame_support::traits::{
	fungibles::{Create, Inspect, Mutate},
	EnsureOrigin, Get,
};
use frame_system::RawOrigin;
use keel_primitives::{Balance, InsuranceFund};

use crate::{Call, Config, Ledger, Pallet};

const AMOUNT: Balance = 1_000_000_000;

/// kUSD exists, and `who` has plenty.
fn endow<T: Config>(who: &T::AccountId)
where
	T::Assets: Create<T::AccountId>,
{
	let synthetic = T::Synthetic::get();
	if !T::Assets::asset_exists(synthetic) {
		T::Assets::create(synthetic, who.clone(), true, 1).expect("a new asset can be created");
	}
	T::Assets::mint_into(synthetic, who, 10 * AMOUNT).expect("the synthetic can be minted");
}

/// The treasury tranche has money.
fn fill_treasury<T: Config>() {
	T::Assets::mint_into(T::Synthetic::get(), &Pallet::<T>::account(), 2 * AMOUNT)
		.expect("the synthetic can be minted");
	Ledger::<T>::mutate(|accounts| accounts.books.treasury.inflow += 2 * AMOUNT);
}

#[benchmarks(where T::Assets: Create<T::AccountId>)]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn donate() {
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);
		// Half of the gift is burned against bad debt, half is kept: both paths in one call.
		let held = Pallet::<T>::totals().shared.balance() + Pallet::<T>::totals().treasury.balance();
		Pallet::<T>::cover(held + AMOUNT / 2, 0).expect("a shortfall can be covered");
		let before = Pallet::<T>::totals();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), AMOUNT);

		let after = Pallet::<T>::totals();
		assert_eq!(
			after.bad_debt(),
			before.bad_debt() - after.covered.abs_diff(before.covered)
		);
		assert_eq!(after.shared.inflow, before.shared.inflow + AMOUNT);
	}

	#[benchmark]
	fn spend() -> Result<(), BenchmarkError> {
		let origin = T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		let to: T::AccountId = account("to", 0, 0);
		endow::<T>(&whitelisted_caller());
		fill_treasury::<T>();

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, to.clone(), AMOUNT);

		assert_eq!(T::Assets::balance(T::Synthetic::get(), &to), AMOUNT);
		Ok(())
	}

	#[benchmark]
	fn pay_bad_debt() -> Result<(), BenchmarkError> {
		let origin = T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		endow::<T>(&whitelisted_caller());
		let held = Pallet::<T>::totals().shared.balance() + Pallet::<T>::totals().treasury.balance();
		Pallet::<T>::cover(held + AMOUNT, 0).expect("a shortfall can be covered");
		fill_treasury::<T>();
		let before = Pallet::<T>::totals();

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, AMOUNT);

		assert_eq!(Pallet::<T>::totals().covered, before.covered + AMOUNT);
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
