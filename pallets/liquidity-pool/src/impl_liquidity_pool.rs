//! What the markets ask of the pool: [`LiquidityPool`].

use frame_support::dispatch::DispatchResult;
use keel_math::signed::signed;
#[cfg(feature = "runtime-benchmarks")]
use keel_primitives::Balance;
use keel_primitives::LiquidityPool;
use sp_runtime::ArithmeticError;

use crate::{Config, Pallet, State};

impl<T: Config> LiquidityPool for Pallet<T> {
	fn cash() -> i128 {
		State::<T>::get().cash
	}

	fn held() -> i128 {
		let pool = State::<T>::get();
		// Saturates: both are kUSD in custody, the supply of which is far below.
		pool.cash
			.saturating_add(signed(pool.waiting).unwrap_or(i128::MAX))
	}

	fn settle(amount: i128) -> DispatchResult {
		State::<T>::try_mutate(|pool| {
			pool.cash = pool.cash.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
			Ok(())
		})
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn fund(amount: Balance) {
		crate::benchmarking::fund::<T>(amount);
	}
}
