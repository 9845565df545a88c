//! Benchmarks. The depositor is always as many scales behind as count, with gains of every kind in each.

use alloc::collections::BTreeMap;
use frame_benchmarking::v2::*;
use frame_support::{
	assert_ok,
	traits::{
		fungibles::{Inspect, Mutate},
		Get,
	},
};
use frame_system::RawOrigin;
use keel_math::product_sum::{MINIMUM, ONE, SCALE_FACTOR, SCALE_SPAN};
use keel_primitives::{AssetId, Balance, StabilityPool};
use sp_core::U256;

use crate::*;

/// First of the collaterals the benchmarks make.
const FIRST: AssetId = 1_000_000;

/// What the depositor has left.
fn left<T: Config>() -> Balance {
	T::MinimumDeposit::get().max(1_000_000)
}

fn collateral<T: Config>(index: u32) -> AssetId {
	let asset = FIRST + index;
	T::BenchmarkHelper::create_asset(asset);
	asset
}

/// A pool that has bought `kinds` of collateral in each of `SCALE_SPAN + 1` scales, and a depositor from its
/// first one who has [`left`] kUSD, as much again as somebody else, and gained a multiple of that of each
/// kind.
fn pool_with_history<T: Config>(kinds: u32) -> T::AccountId {
	let caller: T::AccountId = whitelisted_caller();
	let (account, left) = (Pallet::<T>::account_id(), left::<T>());
	T::BenchmarkHelper::create_asset(T::Synthetic::get());
	let held = left * 10;
	let assets: alloc::vec::Vec<_> = (0..kinds).map(collateral::<T>).collect();
	for asset in &assets {
		T::Assets::mint_into(*asset, &account, held).expect("collateral can be minted");
	}
	T::Assets::mint_into(T::Synthetic::get(), &account, left * 2).expect("kUSD can be minted");
	T::Assets::mint_into(T::Synthetic::get(), &caller, left * 2).expect("kUSD can be minted");

	let sum = |scale: u64| U256::from(SCALE_FACTOR).pow(scale.into());
	for scale in 0..SCALE_SPAN {
		let sums: BTreeMap<_, _> = assets.iter().map(|asset| (*asset, sum(scale))).collect();
		PastSums::<T>::insert(
			1,
			scale,
			SumsOf::<T>::try_from(sums).expect("no more kinds than fit"),
		);
	}
	let collaterals: BTreeMap<_, _> = assets
		.iter()
		.map(|asset| {
			(
				*asset,
				Collateral {
					held,
					sum: sum(SCALE_SPAN),
					dust: 0,
				},
			)
		})
		.collect();
	State::<T>::put(PoolStateOf::<T> {
		deposits: left * 2,
		pending: 0,
		product: Progress {
			p: ONE,
			scale: SCALE_SPAN,
			epoch: 1,
		},
		dust: 0,
		collaterals: collaterals.try_into().expect("no more kinds than fit"),
	});
	let deposit = DepositOf::<T> {
		amount: left * MINIMUM,
		since: Progress {
			p: MINIMUM,
			scale: 0,
			epoch: 1,
		},
		..Default::default()
	};
	Deposits::<T>::insert(&caller, deposit);
	caller
}

/// [`left`] more of `who`'s has waited long enough.
fn has_waited<T: Config>(who: &T::AccountId) {
	let amount = left::<T>();
	T::Assets::mint_into(T::Synthetic::get(), &Pallet::<T>::account_id(), amount)
		.expect("kUSD can be minted");
	State::<T>::mutate(|pool| pool.pending = amount);
	Deposits::<T>::mutate(who, |deposit| {
		deposit.as_mut().expect("the depositor has a stake").pending = Some(Pending { amount, from: 0 })
	});
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn deposit() {
		let caller = pool_with_history::<T>(T::MaxCollaterals::get());
		has_waited::<T>(&caller);
		let amount = left::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), amount);
		assert_eq!(Deposits::<T>::get(&caller).map(|d| d.total()), Some(amount * 3));
	}

	#[benchmark]
	fn withdraw() {
		let caller = pool_with_history::<T>(T::MaxCollaterals::get());
		let before = T::Assets::balance(T::Synthetic::get(), &caller);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), Balance::MAX);
		assert_eq!(
			T::Assets::balance(T::Synthetic::get(), &caller),
			before + left::<T>()
		);
	}

	#[benchmark]
	fn claim() {
		let caller = pool_with_history::<T>(T::MaxCollaterals::get());
		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), FIRST);
		assert_eq!(
			T::Assets::balance(FIRST, &caller),
			left::<T>() * (Balance::from(SCALE_SPAN) + 1)
		);
	}

	#[benchmark]
	fn claim_all(n: Linear<1, { T::MaxCollaterals::get() }>) {
		let caller = pool_with_history::<T>(n);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()));
		assert_eq!(
			T::Assets::balance(FIRST + n - 1, &caller),
			left::<T>() * (Balance::from(SCALE_SPAN) + 1)
		);
	}

	#[benchmark]
	fn join() {
		let who = pool_with_history::<T>(T::MaxCollaterals::get());
		has_waited::<T>(&who);
		let caller: T::AccountId = account("anyone", 0, 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), who.clone());
		assert_eq!(Deposits::<T>::get(&who).map(|d| d.amount), Some(left::<T>() * 2));
	}

	#[benchmark]
	fn absorb() {
		pool_with_history::<T>(T::MaxCollaterals::get());
		// Any payment ends the scale.
		State::<T>::mutate(|pool| pool.product.p = MINIMUM);
		let seller: T::AccountId = account("seller", 0, 0);
		let amount = left::<T>();
		T::Assets::mint_into(FIRST, &seller, amount).expect("collateral can be minted");
		#[block]
		{
			assert_ok!(<Pallet<T> as StabilityPool<_>>::absorb(
				&seller,
				FIRST,
				amount,
				amount - amount / 10,
				amount / 10,
			));
		}
		assert_eq!(State::<T>::get().deposits, amount);
		assert_eq!(State::<T>::get().product.scale, SCALE_SPAN + 1);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
