//! # Liquidations
//!
//! Finds unsafe positions without a scan and has them liquidated.
//!
//! ## The index
//!
//! [`Index`] holds one key per position with debt: its group, its trigger `k` inverted, its id, all big-endian. The
//! trie keeps keys in order, so the first key of a group is its worst position and the unsafe ones are a prefix: a
//! walk reads the unsafe positions and one key more, however many positions there are. A position's owner pallet
//! reports through [`TriggerIndex`](keel_primitives::TriggerIndex) when `k` changes; price, interest and the
//! liquidation ratio move only the [`threshold`](keel_primitives::PositionLedger::threshold).
//!
//! Keys are not hashed, so an owner may choose where theirs goes. The worst that buys is a trie path of 48 nibbles,
//! one position with at least the minimum debt for each of them.
//!
//! ## The debt ladder
//!
//! [`Ladders`] holds one value per group: how much normalised debt hangs on each geometric tick of the trigger (128 to
//! an octave, see [`ladder`]). It answers how much debt a move of the threshold would make unsafe, at a cost that is
//! bounded whatever the number of positions: the ticks inside the range are added up from that one value; inside the
//! two ticks the range cuts, the index is walked, whose values are the debts, by at most [`MAX_EDGE`] positions and one
//! key more each. A cut tick with more than those is counted whole, and the answer says that it is an upper bound.
//! Crowding a tick takes [`MAX_EDGE`] positions of the minimum debt and buys an answer that errs towards caution by
//! less than 0.8 % of the trigger at that end.
//!
//! ## Who liquidates
//!
//! 1. *The workers.* Each validator's offchain worker walks the prefix and submits [`Pallet::liquidate`], an authorised
//!    transaction: unsigned, free, class `Operational`, tagged with the position, so that many validators' duplicates
//!    are one in the pool. Validation and dispatch ask the ledger again; nothing a sender says is believed.
//! 2. *The block.* `on_idle` liquidates what has been unsafe for `fallback_blocks` blocks in a row and nobody sent.
//!    [`Thresholds`] keeps each group's last thresholds: a position above the largest of them has been unsafe all along,
//!    because its trigger moves only with its owner. A refused price empties the group's ring, and a block in which the
//!    thresholds were not observed empties all of them: the count starts again.
//!
//! Together they liquidate at most `liquidations_per_block` positions in a block.
//!
//! ## The reserve
//!
//! `on_idle` gets what the block's transactions left. Normal transactions may fill at most their share of a block
//! (75 %), so no flood of them can starve the fallback: the `integrity_test` checks that the rest has room for the
//! observation of all groups and one liquidation. Only operational transactions can use that rest, and those are
//! this pallet's own liquidations and what governance calls.
//!
//! ## Switching the worker off
//!
//! A node's worker rests while the persistent offchain key `keel/liquidations/off` is `1`:
//! `offchain_localStorageSet("PERSISTENT", "0x6b65656c2f6c69717569646174696f6e732f6f6666", "0x01")`; `"0x00"` switches it
//! back on. Meant for tests and replays. The fallback is consensus and has no switch.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impls;
pub mod ladder;
#[cfg(test)]
mod mock;
mod offchain;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
pub mod types;
pub mod weights;

pub use ladder::Ladder;
pub use offchain::{LOCK_KEY, OFF_KEY, SENT_KEY};
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Log target.
pub(crate) const LOG: &str = "keel::liquidations";

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use frame_support::{pallet_prelude::*, weights::WeightMeter};
	use frame_system::{offchain::CreateAuthorizedTransaction, pallet_prelude::*};
	use keel_primitives::{BranchId, LiquidationOutcome, PositionLedger, VaultId};
	use sp_runtime::transaction_validity::TransactionValidityWithRefund;

	/// The thresholds a ring holds at most, and so the longest `fallback_blocks` that counts.
	pub const RING: u32 = 16;

	/// Liquidations of one group the fallback lets fail in one block before it leaves the group to the next block,
	/// which continues behind the failed ones.
	pub const MAX_FAILURES: u32 = 8;

	/// Positions counted one by one in a tick that a range of triggers cuts.
	pub const MAX_EDGE: u32 = 512;

	/// The most positions a view lists.
	pub const MAX_LISTED: u32 = 1_000;

	/// Blocks a submitted liquidation waits in the pool.
	pub const LONGEVITY: u64 = 5;

	/// The least priority of a liquidation. Ordinary transactions are ranked by tip times the transactions that fit a
	/// block and stay far below, short of tips in the trillions.
	pub const BASE_PRIORITY: TransactionPriority = TransactionPriority::MAX / 2;

	/// Tag prefix of a liquidation; the tag is `(group, position)`.
	pub const TAG: &str = "KeelLiquidation";

	/// `InvalidTransaction::Custom` code: the group's price is refused for liquidations. Valid again once
	/// the price is good.
	pub const PRICE_REFUSED: u8 = 1;

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// # Requirements
	///
	/// - `frame_system::AuthorizeCall` stands in the runtime's transaction extension pipeline, before the checks
	///   that need an authorised origin.
	/// - `create_extension` is mortal from the current block on, with a period of at least 1,024 blocks
	///   (`CheckMortality::from(Era::mortal(2048, block))`, `BlockHashCount` no less). The pool bans the bytes of
	///   every transaction it has seen included or invalid for half an hour; a position liquidated in part must not be
	///   locked out by its own first liquidation. The `integrity_test` checks it.
	#[pallet::config]
	pub trait Config: CreateAuthorizedTransaction<Call<Self>> + frame_system::Config {
		/// The ledger that owns the positions.
		type Ledger: PositionLedger;

		/// Where `fallback_blocks` and `liquidations_per_block` come from.
		type RiskParameters: keel_primitives::RiskParameters;

		/// The most groups the ledger may have.
		#[pallet::constant]
		type MaxGroups: Get<u32>;

		/// Weights of this pallet.
		type WeightInfo: WeightInfo;
	}

	/// The normalised debt of positions by group, worst first. Only
	/// [`TriggerIndex::moved`](keel_primitives::TriggerIndex::moved) writes here.
	#[pallet::storage]
	pub type Index<T: Config> =
		StorageDoubleMap<_, Identity, BranchId, Identity, TriggerKey, u128, OptionQuery>;

	/// The normalised debt of each group by tick of the trigger: the sums of what [`Index`] holds, written with it. No
	/// value for a group without positions.
	#[pallet::storage]
	pub type Ladders<T: Config> = StorageMap<_, Identity, BranchId, Ladder, OptionQuery>;

	/// The last thresholds of every group whose price was not refused, and the block they were last observed in. One
	/// value, so that an idle block reads and writes it once.
	#[pallet::storage]
	pub type Thresholds<T: Config> = StorageValue<_, HistoryOf<T>, OptionQuery>;

	/// The last block with a liquidation and how many it had. Not reset: another block's count is no count.
	#[pallet::storage]
	pub type LiquidatedInBlock<T: Config> = StorageValue<_, (BlockNumberFor<T>, u32), OptionQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A position was liquidated, in part or whole.
		Liquidated {
			/// The group.
			group: BranchId,
			/// The position.
			position: VaultId,
			/// Who had it liquidated.
			by: LiquidatedBy,
			/// What moved, in base units.
			outcome: LiquidationOutcome,
		},
		/// The block could not liquidate an unsafe position; nothing moved. It will be tried again.
		FallbackFailed {
			/// The group.
			group: BranchId,
			/// The position.
			position: VaultId,
			/// Why.
			error: DispatchError,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// This block has liquidated as many positions as `liquidations_per_block` allows. The same call works in
		/// the next block.
		TooManyThisBlock,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Observe the thresholds and liquidate what nobody sent. Never uses more than `remaining`, and does
		/// nothing if that does not cover the observation of all groups.
		fn on_idle(now: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let mut meter = WeightMeter::with_limit(remaining);
			Self::do_idle(now, &mut meter);
			meter.consumed()
		}

		fn offchain_worker(now: BlockNumberFor<T>) {
			Self::run_worker(now);
		}

		#[cfg(feature = "std")]
		fn integrity_test() {
			Self::check_config();
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Liquidate an unsafe position.
		///
		/// ## Origin
		///
		/// Authorised: nobody signs. The pool and the block admit the transaction only if the position can be
		/// liquidated now. A signed or root origin is refused.
		///
		/// ## Details
		///
		/// Takes as much of the position's debt and collateral as restores it, in the ledger's way. Nobody
		/// is charged; class `Operational`; in the pool for 5 blocks under the tag `(group, position)`, the larger the deficit the sooner.
		/// Refused by the pool as *outdated* if the position is unknown, safe, or changed after the price; as custom
		/// error `1` if the group's price is refused; kept for the next block if this one has had its
		/// `liquidations_per_block`.
		///
		/// ## Errors
		///
		/// [`Error::TooManyThisBlock`], and the ledger's own: safe, unknown, or changed after the price; and those of
		/// the prices pallet where the price is refused.
		///
		/// ## Events
		///
		/// [`Event::Liquidated`] by `Worker`.
		#[pallet::call_index(0)]
		// Not `Pays::No`: an authorised transaction has nobody to charge, a signed one, which fails, must pay for that.
		#[pallet::weight((T::WeightInfo::liquidate(), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_liquidate())]
		#[pallet::authorize(Self::authorize_liquidation)]
		pub fn liquidate(origin: OriginFor<T>, group: BranchId, position: VaultId) -> DispatchResult {
			ensure_authorized(origin)?;
			Self::do_liquidate(group, position, LiquidatedBy::Worker)?;
			Ok(())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The unsafe positions of a group, worst first, at most `limit` of them and never more than 1,000. For each its
		/// trigger (normalised debt per whole unit of collateral, USD with 18 decimals) and how much debt has to go, in
		/// base units of kUSD; no deficit means it can't be liquidated yet. Empty also while the
		/// group's price is refused for liquidations: `threshold` says whether it is.
		pub fn unsafe_positions(group: BranchId, limit: u32) -> Vec<UnsafePosition> {
			let Ok(threshold) = T::Ledger::threshold(group) else {
				return Vec::new();
			};
			let walk = Self::walk(group, None, threshold, limit.min(MAX_LISTED));
			walk.keys
				.iter()
				.map(|key| UnsafePosition {
					position: key.position(),
					trigger: key.trigger(),
					deficit: T::Ledger::deficit(group, key.position()).ok(),
				})
				.collect()
		}

		/// The number a position's trigger must exceed to be unsafe: price over rate index and liquidation ratio, USD
		/// with 18 decimals. An error means the price is refused for liquidations, and nobody is liquidated.
		pub fn threshold(group: BranchId) -> Result<u128, DispatchError> {
			T::Ledger::threshold(group)
		}

		/// The position of a group that is liquidated first. Its `ratio` is its trigger over the threshold: above 1 it is
		/// unsafe, and at 0.9 it becomes unsafe when the price is at 0.9 of today's. No ratio means the price is
		/// refused now. Nothing means that nobody in the group has debt.
		pub fn next_to_liquidate(group: BranchId) -> Option<NextToLiquidate> {
			Self::next_in_line(group)
		}

		/// How much debt of a group hangs at which trigger, safest first: each entry is the lowest trigger of a tick
		/// (normalised debt per whole unit of collateral, USD with 18 decimals; a tick reaches up to 0.8 % higher) and the
		/// debt of the positions in it, normalised: times the group's rate index it is base units of kUSD with
		/// interest. Ticks without debt are left out. What stands above `threshold` is unsafe.
		pub fn debt_profile(group: BranchId) -> Vec<(u128, u128)> {
			Ladders::<T>::get(group)
				.map(|ladder| ladder.profile())
				.unwrap_or_default()
		}
	}

	impl<T: Config> Pallet<T> {
		/// May `liquidate` enter the pool, or the block? One read for the block's count and the ledger's health check.
		fn authorize_liquidation(
			_source: TransactionSource,
			group: &BranchId,
			position: &VaultId,
		) -> TransactionValidityWithRefund {
			let deficit = Self::check(*group, *position)?;
			ValidTransaction::with_tag_prefix(TAG)
				.priority(Self::priority(deficit))
				.and_provides((*group, *position))
				.longevity(LONGEVITY)
				.propagate(true)
				.build()
				.map(|valid| (valid, Weight::zero()))
		}
	}
}
