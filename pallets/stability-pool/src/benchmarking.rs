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
use keel_primitives::{AssetId, Balance, Moment, StabilityPool};
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
/// kind: half of it in a group that joined in the first scale too, others in the same group.
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
		waiting: Default::default(),
		product: Progress {
			p: ONE,
			scale: SCALE_SPAN,
			epoch: 1,
		},
		dust: 0,
		collaterals: collaterals.try_into().expect("no more kinds than fit"),
	});
	let since = Progress {
		p: MINIMUM,
		scale: 0,
		epoch: 1,
	};
	let (half, joins_at) = (left / 2, 1);
	JoinedGroups::<T>::insert(
		joins_at,
		JoinedOf::<T> {
			amount: left * MINIMUM,
			since,
			sums: Default::default(),
		},
	);
	let deposit = DepositOf::<T> {
		amount: (left - half) * MINIMUM,
		waiting: Some(Waiting {
			amount: half * MINIMUM,
			joins_at,
		}),
		since,
		..Default::default()
	};
	Deposits::<T>::insert(&caller, deposit);
	caller
}

/// A pool whose scale any payment ends, and a seller of as much of [`FIRST`] as half of the pool is in kUSD.
fn at_the_end_of_a_scale<T: Config>() -> (T::AccountId, Balance) {
	pool_with_history::<T>(T::MaxCollaterals::get());
	State::<T>::mutate(|pool| pool.product.p = MINIMUM);
	let (seller, amount): (T::AccountId, _) = (account("seller", 0, 0), left::<T>());
	T::Assets::mint_into(FIRST, &seller, amount).expect("collateral can be minted");
	(seller, amount)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn deposit() {
		let caller = pool_with_history::<T>(T::MaxCollaterals::get());
		let amount = left::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), amount);
		assert_eq!(Deposits::<T>::get(&caller).map(|d| d.total()), Some(amount * 2));
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
	fn join_due(n: Linear<0, { MAX_GROUPS }>) {
		pool_with_history::<T>(T::MaxCollaterals::get());
		let (before, amount, first) = (State::<T>::get().deposits, left::<T>(), 1_000);
		let groups = (0..n).map(|index| Waiting {
			amount,
			joins_at: first + Moment::from(index),
		});
		let groups: alloc::vec::Vec<_> = groups.collect();
		State::<T>::mutate(|pool| pool.waiting = groups.try_into().expect("no more than fit"));
		T::BenchmarkHelper::set_time(first + Moment::from(n));
		#[block]
		{
			assert_eq!(Pallet::<T>::join_due(), n);
		}
		assert_eq!(State::<T>::get().deposits, before + amount * Balance::from(n));
	}

	#[benchmark]
	fn absorb() {
		let (seller, amount) = at_the_end_of_a_scale::<T>();
		#[block]
		{
			assert_ok!(<Pallet<T> as StabilityPool<_>>::absorb(
				&seller,
				FIRST,
				amount,
				amount - amount / 5,
				amount / 10,
				&account("owner", 0, 0),
				amount / 5 - amount / 10,
			));
		}
		assert_eq!(State::<T>::get().deposits, amount);
		assert_eq!(State::<T>::get().product.scale, SCALE_SPAN + 1);
	}

	#[benchmark]
	fn buy() {
		let (seller, amount) = at_the_end_of_a_scale::<T>();
		#[block]
		{
			assert_ok!(<Pallet<T> as StabilityPool<_>>::buy(
				&seller, FIRST, amount, amount,
			));
		}
		assert_eq!(State::<T>::get().deposits, amount);
		assert_eq!(State::<T>::get().product.scale, SCALE_SPAN + 1);
		assert_eq!(T::Assets::balance(T::Synthetic::get(), &seller), amount);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
