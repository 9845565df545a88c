//! Benchmarks. Requests stand in the middle of their queue, or before another, so that leaving changes as many as it can.

use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{
		fungibles::{Create, Inspect, Mutate},
		Get, Hooks,
	},
	weights::WeightMeter,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use keel_math::FixedU128;
use keel_primitives::{Balance, Clearing, LiquidityPool, PoolExposure, Priced, RiskParameters};

use crate::{requests::Served, *};

/// What everybody provides.
fn amount<T: Config>() -> Balance {
	T::MinimumDeposit::get().max(1_000_000) * 1_000
}

/// Give the pool `amount` kUSD, and somebody as many shares, past every rule.
pub(crate) fn fund<T: Config>(amount: Balance) {
	let asset = T::Shares::get();
	// Another one each time: what was issued before tells them apart.
	let index = (State::<T>::get().issued % Balance::from(u32::MAX)) as u32;
	let who: T::AccountId = account("liquidity-provider", index, 0);
	if !T::Assets::asset_exists(asset) {
		T::Assets::create(asset, who.clone(), true, 1).expect("the shares can be created");
	}
	let signed = i128::try_from(amount).expect("the amount fits");
	T::Accounts::endow(amount);
	T::Assets::mint_into(asset, &who, amount).expect("shares can be minted");
	State::<T>::mutate(|pool| {
		pool.cash += signed;
		pool.issued += amount;
	});
}

/// A pool, and a caller with kUSD and as many shares.
fn pool_and_caller<T: Config>() -> T::AccountId {
	let (caller, amount) = (whitelisted_caller(), amount::<T>());
	fund::<T>(amount * 100);
	// Paid out of what the pool was given, for nothing.
	T::Accounts::pay_out(&caller, amount).expect("clearing has that much");
	T::Assets::mint_into(T::Shares::get(), &caller, amount).expect("shares can be minted");
	State::<T>::mutate(|pool| {
		pool.cash -= amount as i128;
		pool.issued += amount;
	});
	let mut parameters = T::RiskParameters::chain();
	parameters.pool_stress = FixedU128::from_u32(1);
	parameters.orders_per_block = parameters.orders_per_block.max(1);
	// Time may stand at zero.
	parameters.pool_cooldown = 0;
	T::RiskParameters::set_chain(parameters);
	caller
}

/// Three deposits of the caller that have waited for longer than any cooldown. Returns their names.
fn deposits<T: Config>(caller: &T::AccountId, least_shares: Balance) -> Vec<RequestId> {
	(0..3)
		.map(|_| {
			let id = Pallet::<T>::do_provide(caller, amount::<T>() / 4, least_shares)
				.expect("kUSD can be provided");
			Deposits::<T>::mutate(id, |waiting| {
				if let Some(waiting) = waiting {
					waiting.request.at = 0;
				}
			});
			id
		})
		.collect()
}

/// Three withdrawals of the caller, their cooldown over. Returns their names.
fn withdrawals<T: Config>(caller: &T::AccountId) -> Vec<RequestId> {
	(0..3)
		.map(|_| {
			let (id, _) = Pallet::<T>::do_request_withdrawal(caller, amount::<T>() / 4)
				.expect("a withdrawal can be asked for");
			Withdrawals::<T>::mutate(id, |waiting| {
				if let Some(waiting) = waiting {
					waiting.request.due = waiting.request.at;
				}
			});
			id
		})
		.collect()
}

/// Markets nobody is in.
fn no_markets() -> crate::requests::Markets {
	crate::requests::Markets {
		owed: 0,
		priced: Priced::default(),
		worst_case: 0,
		limit: FixedU128::from_u32(1),
		overdrawn: 0,
	}
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn provide() {
		let caller = pool_and_caller::<T>();
		deposits::<T>(&caller, 0);
		let amount = amount::<T>() / 4;
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), amount, 0);
		assert_eq!(State::<T>::get().waiting, amount * 4);
	}

	#[benchmark]
	fn request_withdrawal() {
		let caller = pool_and_caller::<T>();
		withdrawals::<T>(&caller);
		let shares = amount::<T>() / 4;
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), shares);
		assert_eq!(State::<T>::get().leaving, shares * 4);
	}

	#[benchmark]
	fn cancel_withdrawal() {
		let caller = pool_and_caller::<T>();
		let ids = withdrawals::<T>(&caller);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), ids[1]);
		assert_eq!(State::<T>::get().withdrawals.count, 2);
	}

	#[benchmark]
	fn cancel_deposit() {
		let caller = pool_and_caller::<T>();
		let ids = deposits::<T>(&caller, 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), ids[1]);
		assert_eq!(State::<T>::get().deposits.count, 2);
	}

	/// Somebody waits in both queues, and the weight is used up before the first is served.
	#[benchmark]
	fn poll() {
		let caller = pool_and_caller::<T>();
		deposits::<T>(&caller, 0);
		withdrawals::<T>(&caller);
		let limit = Pallet::<T>::poll_weight().saturating_add(T::Exposure::priced_weight());
		let mut meter = WeightMeter::with_limit(limit);
		#[block]
		{
			Pallet::<T>::on_poll(BlockNumberFor::<T>::default(), &mut meter);
		}
		assert_eq!(State::<T>::get().deposits.count, 3);
		assert_eq!(State::<T>::get().withdrawals.count, 3);
	}

	#[benchmark]
	fn provide_next() {
		let caller = pool_and_caller::<T>();
		let id = deposits::<T>(&caller, 0)[0];
		let deposit = Deposits::<T>::get(id).expect("it waits").request;
		#[block]
		{
			assert_eq!(
				Pallet::<T>::serve_deposit(id, deposit, no_markets()),
				Served::Next
			);
		}
		assert!(T::Assets::balance(T::Shares::get(), &caller) > amount::<T>());
	}

	#[benchmark]
	fn refund_next() {
		let caller = pool_and_caller::<T>();
		let id = deposits::<T>(&caller, Balance::MAX)[0];
		let deposit = Deposits::<T>::get(id).expect("it waits").request;
		#[block]
		{
			assert_eq!(
				Pallet::<T>::serve_deposit(id, deposit, no_markets()),
				Served::Next
			);
		}
		assert_eq!(State::<T>::get().waiting, amount::<T>() / 4 * 2);
		assert_eq!(T::Assets::balance(T::Shares::get(), &caller), amount::<T>());
	}

	#[benchmark]
	fn withdraw_next() {
		let caller = pool_and_caller::<T>();
		let id = withdrawals::<T>(&caller)[0];
		let withdrawal = Withdrawals::<T>::get(id).expect("it waits").request;
		let markets = Pallet::<T>::markets(FixedU128::from_u32(1)).expect("the markets have prices");
		let before = Pallet::<T>::cash();
		#[block]
		{
			assert_eq!(
				Pallet::<T>::serve_withdrawal(id, withdrawal, markets),
				Served::Next
			);
		}
		assert!(Pallet::<T>::cash() < before);
		assert_eq!(State::<T>::get().withdrawals.count, 2);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
