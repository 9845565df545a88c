//! # Stability pool
//!
//! The standing buyer of liquidated collateral. Depositors hold kUSD in it; a liquidation takes part of it,
//! burns the debt it repays or pays the seller, and leaves collateral, bought below its price, as their gain.
//!
//! ## How it works
//!
//! - Whoever liquidates asks [`capacity`](keel_primitives::StabilityPool::capacity) and calls
//!   [`absorb`](keel_primitives::StabilityPool::absorb), which burns what it pays, or
//!   [`buy`](keel_primitives::StabilityPool::buy), which pays the seller. Their cost does not depend on the number of
//!   depositors: the running product and sums of [`keel_math::product_sum`] are updated, and each depositor's
//!   loss and gain follow from them when they next act.
//! - Everybody loses and gains in proportion to the deposit just before the payment. Who joins after it has
//!   no part in it.
//! - The pool may be emptied, again and again; gains from before stay claimable.
//! - A deposit **waits** before it joins: longer than `JoinDelay`, at most twice as long. What waits can't be paid out
//!   of, loses nothing and gains nothing. So nobody who sees a liquidation coming can step in for its discount and out
//!   again, at the cost of those who stood by. Deposits of one `JoinDelay` form a group and join together, at the
//!   beginning of a block, by the pool's own doing and at a cost that does not grow with their number.
//! - No deposit comes in while the circuit breaker holds the chain to `Halted`. Everything else is always open.
//! - Withdrawals are always open, of what waits first. Gains are kept apart from the deposit: an asset that cannot be moved keeps
//!   nobody's kUSD in.
//!
//! ## Accounting
//!
//! The pool's account holds exactly [`PoolState::deposits`] and [`PoolState::waiting`] of kUSD and exactly [`Collateral::held`] of each
//! collateral. What depositors own is never more; what rounding leaves to nobody is bounded by the recorded
//! dust and is never paid out.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use keel_primitives::Progress;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod impls;
mod try_state;
pub mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

use keel_primitives::{AssetId, Balance};

/// What the benchmarks need from the runtime.
#[cfg(feature = "runtime-benchmarks")]
pub trait BenchmarkHelper {
	/// Make sure that `asset` exists, is sufficient and has a minimum balance of one.
	fn create_asset(asset: AssetId);

	/// Set the clock.
	fn set_time(now: keel_primitives::Moment);
}

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use frame_support::{
		pallet_prelude::*,
		traits::{
			fungibles::{Inspect, Mutate},
			Time,
		},
		PalletId,
	};
	use frame_system::pallet_prelude::*;
	use keel_primitives::{AssetRegistry, CircuitBreaker, InsuranceFund, Moment};

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// kUSD and the collaterals.
		type Assets: Inspect<Self::AccountId, AssetId = AssetId, Balance = Balance> + Mutate<Self::AccountId>;

		/// kUSD.
		#[pallet::constant]
		type Synthetic: Get<AssetId>;

		/// The registry of assets, which says how many kinds of collateral there can be.
		type Registry: AssetRegistry;

		/// Where the income of a liquidation goes.
		type InsuranceFund: InsuranceFund<Self::AccountId>;

		/// Asked before a deposit comes in.
		type CircuitBreaker: CircuitBreaker;

		/// The clock, in milliseconds.
		type Time: Time<Moment = Moment>;

		/// A deposit waits longer than this before it joins, and at most twice as long, in milliseconds. It should be
		/// longer than a liquidation can be seen coming. Zero lets deposits join at once.
		#[pallet::constant]
		type JoinDelay: Get<Moment>;

		/// What the pool's account is derived from.
		#[pallet::constant]
		type PalletId: Get<PalletId>;

		/// The most kinds of collateral the pool holds at a time; at least as many as may be registered. A
		/// kind is forgotten when all of it was claimed and the running sums have begun anew.
		#[pallet::constant]
		type MaxCollaterals: Get<u32>;

		/// The least somebody may have deposited, unless it is nothing, in base units of kUSD. So that a
		/// stake is worth more than what rounding can move.
		#[pallet::constant]
		type MinimumDeposit: Get<Balance>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;

		/// What the benchmarks need.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper;
	}

	/// The pool as a whole.
	#[pallet::storage]
	pub type State<T: Config> = StorageValue<_, PoolStateOf<T>, ValueQuery>;

	/// The running sums of epochs and scales that are over, as they stood at their end. Nothing is stored for
	/// one in which nothing was bought.
	#[pallet::storage]
	pub type PastSums<T: Config> =
		StorageDoubleMap<_, Twox64Concat, u64, Twox64Concat, u64, SumsOf<T>, ValueQuery>;

	/// Stakes by depositor, as they were when its owner last acted. One that losses have used up without a
	/// gain stays until its owner deposits again.
	#[pallet::storage]
	pub type Deposits<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, DepositOf<T>, OptionQuery>;

	/// Groups of deposits that have joined, by the time they were due to, for members who have not acted since. A group
	/// is forgotten with its last such member.
	#[pallet::storage]
	pub type JoinedGroups<T: Config> = StorageMap<_, Twox64Concat, Moment, JoinedOf<T>, OptionQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// `who` deposited `amount` kUSD and has `deposit` with the pool now, after losses. What waits joins at
		/// `joins_at`.
		Deposited {
			who: T::AccountId,
			amount: Balance,
			deposit: Balance,
			joins_at: Option<Moment>,
		},
		/// `amount` kUSD of deposits that had waited until `joins_at` joined the pool, which can pay `deposits` now.
		GroupJoined {
			joins_at: Moment,
			amount: Balance,
			deposits: Balance,
		},
		/// `who` withdrew `amount` kUSD and has `deposit` left with the pool.
		Withdrawn {
			who: T::AccountId,
			amount: Balance,
			deposit: Balance,
		},
		/// `who` was paid `amount` of `asset`, gained in liquidations.
		GainsClaimed {
			who: T::AccountId,
			asset: AssetId,
			amount: Balance,
		},
		/// The pool paid `burn + income + surplus` kUSD for `collateral` of `asset` in a liquidation: `burn`
		/// was burned, `income` went to the insurance fund, `surplus` to the owner, and `deposits` kUSD are
		/// left.
		Absorbed {
			asset: AssetId,
			collateral: Balance,
			burn: Balance,
			income: Balance,
			surplus: Balance,
			deposits: Balance,
		},
		/// The pool paid `price` kUSD to `seller` for `collateral` of `asset` in a liquidation, and `deposits` kUSD are
		/// left.
		Bought {
			seller: T::AccountId,
			asset: AssetId,
			collateral: Balance,
			price: Balance,
			deposits: Balance,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The amount is zero. Name at least one base unit.
		ZeroAmount,
		/// This would leave a deposit below `MinimumDeposit`. Deposit more; or withdraw less, or everything
		/// by naming any amount that is at least the deposit.
		BelowMinimum,
		/// The account has no kUSD in the pool: it never deposited, or liquidations used all of it up. Gains,
		/// if any, can be had with `claim_all`.
		NothingDeposited,
		/// The account has no unclaimed gain of this asset, or of any. The view `deposit_of` lists what there
		/// is.
		NothingToClaim,
		/// The payment is more than the pool has. At most `capacity` can be paid.
		CapacityExceeded,
		/// A payment without collateral in return. Hand over at least one base unit of it.
		NothingBought,
		/// Nobody has anything in the pool, so nobody could own the collateral. Ask `capacity` first.
		PoolEmpty,
		/// kUSD itself, or collateral that the pool already holds, cannot be sold to it. Sell another asset
		/// from another account.
		NotForSale,
		/// The pool holds `MaxCollaterals` kinds of collateral and takes no other. Sell it by auction.
		TooManyCollaterals,
		/// As many groups of deposits wait as there may be. The next block lets the first of them join; deposit then.
		TooManyGroups,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Deposits that have waited long enough join.
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			T::WeightInfo::join_due(Self::join_due())
		}

		fn integrity_test() {
			assert!(
				T::MaxCollaterals::get() >= T::Registry::capacity(),
				"the pool must be able to buy every asset that may be registered"
			);
			assert!(T::MinimumDeposit::get() > 0, "a deposit must be something");
			assert!(
				T::MinimumDeposit::get() >= T::Assets::minimum_balance(T::Synthetic::get()),
				"a deposit must be enough for an account to exist"
			);
			let block = T::BlockWeights::get().max_block;
			assert!(
				T::WeightInfo::join_due(MAX_GROUPS)
					.saturating_mul(4)
					.all_lte(block),
				"groups join in at most a quarter of a block"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Deposit `amount` base units of kUSD into the pool.
		///
		/// ## Origin
		///
		/// Signed, by the depositor.
		///
		/// ## Details
		///
		/// The deposit waits for longer than `JoinDelay` and at most twice as long, and joins by itself; the view
		/// `deposit_of` says when. It can be withdrawn all the time. Something of yours that waits already waits on,
		/// together with the new deposit. Once it has joined it shares, in proportion, in every liquidation: it loses
		/// kUSD and gains collateral. Gains so far are kept for `claim`. The total deposit must reach `MinimumDeposit`.
		///
		/// ## Errors
		///
		/// - [`Error::ZeroAmount`], [`Error::BelowMinimum`]: the amount is too small.
		/// - [`Error::TooManyGroups`]: try again in the next block.
		/// - the circuit breaker's own, while it holds the chain to `Halted`: wait until it is lowered.
		/// - the asset's own, if the kUSD cannot be moved.
		///
		/// ## Events
		///
		/// [`Event::Deposited`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::deposit())]
		pub fn deposit(origin: OriginFor<T>, #[pallet::compact] amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let (deposit, joins_at) = Self::do_deposit(&who, amount)?;
			Self::deposit_event(Event::Deposited {
				who,
				amount,
				deposit,
				joins_at,
			});
			Ok(())
		}

		/// Withdraw `amount` base units of kUSD from the pool.
		///
		/// ## Origin
		///
		/// Signed, by the depositor.
		///
		/// ## Details
		///
		/// What waits to join is paid first. An amount of at least the deposit withdraws all of it. What is left must be
		/// nothing or at least `MinimumDeposit`. Always open, and independent of gains, which are kept for `claim`.
		///
		/// ## Errors
		///
		/// [`Error::ZeroAmount`], [`Error::NothingDeposited`], [`Error::BelowMinimum`], or the asset's own
		/// error if the kUSD cannot be moved.
		///
		/// ## Events
		///
		/// [`Event::Withdrawn`], with the amount that was paid.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>, #[pallet::compact] amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let (amount, deposit) = Self::do_withdraw(&who, amount)?;
			Self::deposit_event(Event::Withdrawn { who, amount, deposit });
			Ok(())
		}

		/// Be paid all gains of one collateral.
		///
		/// ## Origin
		///
		/// Signed, by the depositor.
		///
		/// ## Details
		///
		/// The deposit is not touched. If the asset cannot be moved the gain stays claimable.
		///
		/// ## Errors
		///
		/// [`Error::NothingToClaim`], or the asset's own error.
		///
		/// ## Events
		///
		/// [`Event::GainsClaimed`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::claim())]
		pub fn claim(origin: OriginFor<T>, asset: AssetId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let amount = Self::do_claim(&who, asset)?;
			Self::deposit_event(Event::GainsClaimed { who, asset, amount });
			Ok(())
		}

		/// Be paid all gains of every collateral.
		///
		/// ## Origin
		///
		/// Signed, by the depositor.
		///
		/// ## Details
		///
		/// Each asset by itself: one that cannot be moved stays claimable and does not hold up the others.
		///
		/// ## Errors
		///
		/// [`Error::NothingToClaim`], or an asset's own error if not a single one could be paid.
		///
		/// ## Events
		///
		/// [`Event::GainsClaimed`] for each asset paid.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::claim_all(T::MaxCollaterals::get()))]
		pub fn claim_all(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			for (asset, amount) in Self::do_claim_all(&who)? {
				Self::deposit_event(Event::GainsClaimed {
					who: who.clone(),
					asset,
					amount,
				});
			}
			Ok(())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The pool's totals: kUSD deposited, kUSD that waits to join, collateral not yet claimed, and how often it was emptied.
		pub fn totals() -> PoolTotals {
			let pool = State::<T>::get();
			PoolTotals {
				deposits: pool.deposits,
				waiting: pool
					.waiting
					.iter()
					// Saturates: the supply of kUSD has the same type.
					.fold(0, |sum, group| sum.saturating_add(group.amount)),
				collaterals: pool
					.collaterals
					.iter()
					.map(|(asset, c)| (*asset, c.held))
					.collect::<Vec<_>>(),
				epoch: pool.product.epoch,
				scale: pool.product.scale,
			}
		}

		/// What `who` can withdraw and claim now, in base units: kUSD after losses, how much of it waits to join and
		/// until when, and gains by asset. `None` for somebody who can do neither.
		pub fn deposit_of(who: T::AccountId) -> Option<Stake> {
			let (_, deposit) = Self::settled(&who).ok()?;
			let stake = Stake {
				deposit: deposit.total(),
				waiting: deposit.waits(),
				joins_at: deposit.waiting.map(|waiting| waiting.joins_at),
				gains: deposit.gains.into_iter().collect(),
			};
			(stake != Stake::default()).then_some(stake)
		}

		/// The most kUSD the pool can pay in liquidations now, in base units. What waits to join is not part of it.
		pub fn capacity() -> Balance {
			State::<T>::get().deposits
		}
	}
}
