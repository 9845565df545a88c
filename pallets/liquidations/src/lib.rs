//! # Liquidations
//!
//! Finds unsafe positions without a scan and has them liquidated.
//!
//! ## The index
//!
//! [`Index`] holds a key per position and [`Group`](keel_primitives::Group) it stands in: the group, the
//! trigger inverted, the id, big-endian the last two. The trie keeps keys in order, so the first key of a
//! group is its worst position and the crossed ones are a prefix: a walk reads the crossed positions and one
//! key more, however many positions there are. A position's owner pallet reports through
//! [`TriggerIndex`](keel_primitives::TriggerIndex) when a trigger changes; the market moves only the
//! [`threshold`](keel_primitives::PositionLedger::threshold).
//!
//! Groups are not hashed: one is encoded in five bytes, or in the single byte of its kind, and the first byte
//! says which. So no group's keys begin like another's, and the keys of a group stand together.
//!
//! Keys are not hashed either, so an owner may choose where theirs goes. The worst that buys is a trie path
//! of 48 nibbles, one position for each of them.
//!
//! *A vault* has one key, in the group of its branch. Its trigger is `k`, normalised debt per whole unit of collateral,
//! and exact: it moves with the vault alone, and above the threshold the vault is unsafe.
//!
//! *A margin account with kUSD and one position* has one key, in the group of its market and side. Its trigger is
//! its bankruptcy level, the price less what the market charged its side at which it is worth nothing, and
//! exact: beyond the market's maintenance level the account is unsafe. Neither prices nor funding, borrow
//! fees or margin rates move it.
//!
//! *Any other margin account* may have a key in each of several groups: for each market and side, each collateral,
//! and a deadline. Its triggers are estimates: while none is crossed the account is safe, and one that is
//! crossed is a reason to look at it again.
//!
//! ## The debt ladder
//!
//! [`Ladders`] holds one value per branch: how much normalised debt hangs on each geometric tick of the
//! trigger (128 to an octave, see [`keel_math::ladder`]). It answers how much debt a move of the threshold
//! would make unsafe, at a cost that is bounded whatever the number of positions: the ticks inside the range
//! are added up from that one value; inside the two ticks the range cuts, the index is walked, whose values
//! are the debts, by at most [`MAX_EDGE`] positions and one key more each. A cut tick with more than those is
//! counted whole, and the answer says that it is an upper bound. Crowding a tick takes [`MAX_EDGE`] positions
//! of the minimum debt and buys an answer that errs towards caution by less than 0.8 % of the trigger at that
//! end. Other groups have no debt and no ladder.
//!
//! ## Looking again
//!
//! In groups of estimates `on_idle` walks the crossed keys, worst first, and has the ledger look at each: an
//! account that is safe gets new triggers behind the present price, and its keys move. An account that is not
//! stays where it is, for those who liquidate; the next block goes on behind it, so that the unsafe never
//! keep the walk from the safe. At most `refreshes_per_block` accounts are looked at in a block, shared
//! evenly among the groups in which something is crossed, and the group that comes first changes from block
//! to block. All looks together may use half the weight the block has left; the other half is for the
//! fallback. An account that is crossed in several groups is looked at once in a block. There is no event:
//! nothing of anybody's has moved.
//!
//! ## Who liquidates
//!
//! 1. *The workers.* Each validator's offchain worker walks the prefix and submits [`Pallet::liquidate`], an
//!    authorised transaction: unsigned, free, class `Operational`, tagged with the vault or the account, so
//!    that many validators' duplicates are one in the pool, whichever group they found it in. Worker,
//!    validation and dispatch ask the ledger the same question
//!    ([`PositionLedger::deficit`](keel_primitives::PositionLedger::deficit)); nothing a sender says is
//!    believed. A worker carries out what it sends, in a layer it takes back, so that of several that share a
//!    window it sends those there is room for; and it asks less and less often about an account that has to
//!    wait.
//! 2. *The block.* `on_idle` liquidates what has been crossed for `fallback_blocks` blocks in a row and
//!    nobody sent. [`Thresholds`] keeps each group's last thresholds: a position above the largest of them
//!    would have been crossed all along: its trigger moves only with its owner or when it is looked at
//!    again. All of `Due` are crossed; an account that is found unsafe there goes to the front of
//!    `Deadline`, so that it keeps nobody waiting. Where triggers are estimates, it liquidates those that this
//!    block has looked at and found unsafe, so that nothing is spent on the safe. A refused price empties the
//!    group's ring, and a block in which the thresholds were not observed empties all of them: the count
//!    starts again.
//!
//! Together they liquidate at most `liquidations_per_block` positions in a block.
//!
//! ## The reserve
//!
//! `on_idle` gets what the block's transactions left. Normal transactions may fill at most their share of a
//! block (75 %), and the markets an eighth before them, so no flood of them can starve the fallback: the
//! `integrity_test` checks that the rest has room for the observation of all groups, and each half of what
//! is then left for the first keys of every group and one look, or one liquidation, be it that of a margin
//! account with all that one can have. Only operational transactions can use that rest: this pallet's own
//! liquidations, the operators' feeds (a twenty-fifth of a block at most) and what governance calls.
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
mod fallback;
mod impl_trigger_index;
pub mod ladder;
mod liquidate;
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
pub use offchain::{LOCK_KEY, NEXT_KEY, OFF_KEY, SENT_KEY, WAITING_KEY};
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Log target.
pub(crate) const LOG: &str = "keel::liquidations";

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use frame_support::{dispatch::WithPostDispatchInfo, pallet_prelude::*, weights::WeightMeter};
	use frame_system::{offchain::CreateAuthorizedTransaction, pallet_prelude::*};
	use keel_primitives::{Group, LiquidationOutcome, PositionId, PositionLedger};
	use sp_runtime::transaction_validity::TransactionValidityWithRefund;

	/// The thresholds a ring holds at most, and so the longest `fallback_blocks` that counts.
	pub const RING: u32 = 16;

	/// Liquidations of one group with exact triggers that the fallback lets fail in one block before it
	/// leaves the group to the next block, which continues behind the failed ones.
	pub const MAX_FAILURES: u32 = 8;

	/// Positions counted one by one in a tick that a range of triggers cuts.
	pub const MAX_EDGE: u32 = 512;

	/// The most positions a view lists.
	pub const MAX_LISTED: u32 = 1_000;

	/// Blocks a submitted liquidation waits in the pool.
	pub const LONGEVITY: u64 = 5;

	/// The least priority of a liquidation. Ordinary transactions are ranked by tip times the transactions
	/// that fit a block and stay far below, short of tips in the trillions.
	pub const BASE_PRIORITY: TransactionPriority = TransactionPriority::MAX / 2;

	/// Tag prefix of a liquidation; the tag is the [`Holder`], `(branch of a vault or none, position)`.
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

		/// Where `fallback_blocks`, `liquidations_per_block` and `refreshes_per_block` come from.
		type RiskParameters: keel_primitives::RiskParameters;

		/// The most groups the ledger may have.
		#[pallet::constant]
		type MaxGroups: Get<u32>;

		/// Weights of this pallet.
		type WeightInfo: WeightInfo;
	}

	/// The normalised debt of positions by group, worst first; zero in a group that is no branch. Only
	/// [`TriggerIndex::moved`](keel_primitives::TriggerIndex::moved) writes here.
	///
	/// Identity of a group keeps groups apart: its encoding is 5 bytes, or 1 for `Deadline` and `Due`, and
	/// the first tells which.
	#[pallet::storage]
	pub type Index<T: Config> = StorageDoubleMap<_, Identity, Group, Identity, TriggerKey, u128, OptionQuery>;

	/// The normalised debt of each branch by tick of the trigger: the sums of what [`Index`] holds, written
	/// with it. No value for a branch without positions, nor for a group that is no branch.
	#[pallet::storage]
	pub type Ladders<T: Config> = StorageMap<_, Identity, Group, Ladder, OptionQuery>;

	/// The last thresholds of every group whose price was not refused, and the block they were last observed
	/// in. One value, so that an idle block reads and writes it once.
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
			group: Group,
			/// The position.
			position: PositionId,
			/// Who had it liquidated.
			by: LiquidatedBy,
			/// What moved, in base units.
			outcome: LiquidationOutcome,
		},
		/// The block could not liquidate an unsafe position; nothing moved. It will be tried again.
		FallbackFailed {
			/// The group.
			group: Group,
			/// The position.
			position: PositionId,
			/// Why.
			error: DispatchError,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// This block has liquidated as many positions as `liquidations_per_block` allows. The same call
		/// works in the next block.
		TooManyThisBlock,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Observe the thresholds, look again at what is crossed by estimate, and liquidate what nobody sent.
		/// Never uses more than `remaining`, and does nothing if that does not cover the observation of all
		/// groups.
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
		/// Takes as much of the position's debt and collateral as restores it, in the ledger's way. Nobody is
		/// charged; class `Operational`; in the pool for 5 blocks under a tag of the vault or the account,
		/// the larger the deficit the sooner. Of a margin account any group it stands in may be named. A
		/// vault weighs what a vault's liquidation does, an account what that of the dearest account would;
		/// what is too much for what it has comes back to the block, whether it succeeds or fails. Refused by
		/// the pool as *outdated* if the position is unknown, safe, or changed after the price; as custom
		/// error `1` if the group's price is refused; kept for the next block if this one has had its
		/// `liquidations_per_block`.
		///
		/// ## Errors
		///
		/// [`Error::TooManyThisBlock`], and the ledger's own: safe, unknown, or changed after the price; and
		/// those of the prices pallet where the price is refused.
		///
		/// ## Events
		///
		/// [`Event::Liquidated`] by `Worker`.
		#[pallet::call_index(0)]
		// Not `Pays::No`: an authorised transaction has nobody to charge, a signed one, which fails, must pay
		// for that.
		#[pallet::weight((Pallet::<T>::call_weight(*group), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(Pallet::<T>::authorize_weight(*group))]
		#[pallet::authorize(Self::authorize_liquidation)]
		pub fn liquidate(
			origin: OriginFor<T>,
			group: Group,
			position: PositionId,
		) -> DispatchResultWithPostInfo {
			ensure_authorized(origin)?;
			let weight = Self::weight_of(group, position);
			Self::do_liquidate(group, position, LiquidatedBy::Worker)
				.map_err(|error| error.with_weight(weight))?;
			Ok(Some(weight).into())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The positions of a group whose trigger is crossed, worst first, at most `limit` of them and
		/// never more than 1,000. The group is `{ Branch: 0 }`, `{ Long: 0 }`, `{ Short: 0 }`,
		/// `{ SoleLong: 0 }`, `{ SoleShort: 0 }`, `{ Collateral: 2 }`, `Deadline` or `Due`. For each its trigger, in the unit of `threshold`, and how
		/// much debt has to go or equity is missing, in base units of kUSD; no deficit means it can't be
		/// liquidated now: not yet, or in a group whose triggers are estimates also that it is safe and will
		/// be looked at again. Empty also while the group's price is refused for liquidations: `threshold` says
		/// whether it is.
		pub fn unsafe_positions(group: Group, limit: u32) -> Vec<UnsafePosition> {
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

		/// The number a position's trigger must exceed to be crossed. Of a `Branch`: price over rate index
		/// and liquidation ratio; of `Long` the mark price and of `Collateral` its price, all USD with 18
		/// decimals; of `Short` the mark price and of `Deadline` the time in milliseconds, both subtracted
		/// from 2^128 − 1; of `Due` zero; of `SoleLong` the mark price less the maintenance requirement and
		/// the charges of a whole unit, USD with 18 decimals, plus 2^127; of `SoleShort` the mark price plus
		/// the requirement less the charges, plus 2^127, all of it subtracted from 2^128 − 1. An error means
		/// the price is refused for liquidations, and nobody of the group is liquidated.
		pub fn threshold(group: Group) -> Result<u128, DispatchError> {
			T::Ledger::threshold(group)
		}

		/// The position of a group that comes first. Its `ratio` says how near: above 1 its trigger is
		/// crossed, and at 0.9 it will be when the price is at 0.9 of today's, of `Short` at today's over
		/// 0.9; of `Deadline` it is the time over the deadline, of `SoleLong` and `SoleShort` the one level
		/// over the other. A crossed position of a `Branch`, `SoleLong` or `SoleShort` is unsafe, any other
		/// is looked at. No ratio means that the price is refused now, that a level is not above zero, or
		/// that the group is `Due`, where all are looked at. Nothing means that the group is empty.
		pub fn next_to_liquidate(group: Group) -> Option<NextToLiquidate> {
			Self::next_in_line(group)
		}

		/// How much debt of a branch hangs at which trigger, safest first: each entry is the lowest trigger
		/// of a tick (normalised debt per whole unit of collateral, USD with 18 decimals; a tick reaches up
		/// to 0.8 % higher) and the debt of the positions in it, normalised: times the branch's rate index it
		/// is base units of kUSD with interest. Ticks without debt are left out. What stands above
		/// `threshold` is unsafe. Empty for a group that is no branch.
		pub fn debt_profile(group: Group) -> Vec<(u128, u128)> {
			Ladders::<T>::get(group)
				.map(|ladder| ladder.profile())
				.unwrap_or_default()
		}
	}

	impl<T: Config> Pallet<T> {
		/// Whether `liquidate` may enter the pool, or the block. One read for the block's count and the
		/// ledger's health check.
		fn authorize_liquidation(
			_source: TransactionSource,
			group: &Group,
			position: &PositionId,
		) -> TransactionValidityWithRefund {
			let deficit = Self::check(*group, *position)?;
			ValidTransaction::with_tag_prefix(TAG)
				.priority(Self::priority(deficit))
				.and_provides(holder(*group, *position))
				.longevity(LONGEVITY)
				.propagate(true)
				.build()
				.map(|valid| (valid, Weight::zero()))
		}
	}
}
