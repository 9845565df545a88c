//! The standing buyer of liquidated collateral.

use frame_support::dispatch::DispatchResult;

use crate::{AssetId, Balance};

/// A pool of kUSD that buys liquidated collateral at once, at a discount set by its caller.
pub trait StabilityPool<AccountId> {
	/// The most kUSD the pool can pay now.
	fn capacity() -> Balance;

	/// Pay `burn + income + surplus` kUSD for `collateral` of `asset`: `burn` leaves the supply, `income`
	/// goes to the insurance fund, `surplus` to `owner`, and the collateral moves from `seller` into the pool
	/// as its depositors' gain. The sum must not exceed [`capacity`](Self::capacity). All or nothing.
	fn absorb(
		seller: &AccountId,
		asset: AssetId,
		collateral: Balance,
		burn: Balance,
		income: Balance,
		owner: &AccountId,
		surplus: Balance,
	) -> DispatchResult;

	/// Pay `price` kUSD to `seller` for `collateral` of `asset`, which moves from `seller` into the pool as its depositors'
	/// gain. `price` must not exceed [`capacity`](Self::capacity). All or nothing.
	fn buy(seller: &AccountId, asset: AssetId, collateral: Balance, price: Balance) -> DispatchResult;

	/// Give the pool `amount` kUSD of a depositor's, minted past every rule, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn fund(amount: Balance);
}
