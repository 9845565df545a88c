//! The index, the check, the liquidation and the fallback.

use alloc::vec::Vec;

use frame_support::{
	ensure,
	pallet_prelude::{InvalidTransaction, TransactionPriority, TransactionValidityError},
	storage::with_storage_layer,
	traits::Get,
	weights::{Weight, WeightMeter},
	BoundedVec,
};
use frame_system::pallet_prelude::BlockNumberFor;
use keel_math::{mul_div, Rounding, ONE};
use keel_primitives::{
	Balance, BranchId, DebtBetween, Entry, LiquidationOutcome, PositionLedger, RiskParameters, TriggerIndex,
	VaultId,
};
use sp_runtime::{
	traits::{One, SaturatedConversion, Saturating},
	DispatchError, FixedU128,
};

use crate::{
	ladder::{Cut, Edge, Rung},
	*,
};

impl<T: Config> TriggerIndex for Pallet<T> {
	/// Writes the index once or, if the trigger changed, twice, and the group's ladder once at most.
	fn moved(group: BranchId, position: VaultId, old: Option<Entry>, new: Option<Entry>) {
		if old == new {
			return;
		}
		let (from, to) = (old.map(|entry| entry.trigger), new.map(|entry| entry.trigger));
		if let Some(trigger) = from.filter(|_| from != to) {
			Index::<T>::remove(group, TriggerKey::new(trigger, position));
		}
		if let Some(entry) = new {
			Index::<T>::insert(group, TriggerKey::new(entry.trigger, position), entry.debt);
		}

		let (old, new) = (old.map(Rung::of), new.map(Rung::of));
		if old == new {
			return;
		}
		let shifted = Ladders::<T>::mutate_exists(group, |value| {
			let mut ladder = value.take().unwrap_or_default();
			let shifted = ladder.shift(old, new);
			*value = Some(ladder).filter(|ladder| !ladder.is_empty());
			shifted
		});
		if let Err(mismatch) = shifted {
			// The index stays right whatever the ladder says, and `try_state` finds the difference.
			log::error!(
				target: LOG,
				"group {group}: the ladder does not fit position {position}, {old:?} to {new:?}: {mismatch:?}",
			);
		}
	}

	fn debt_between(group: BranchId, above: u128, up_to: u128) -> DebtBetween {
		Self::sum_between(group, above, up_to).0
	}

	/// With both edges walked to their end. The search for each key is added by hand, as for a walk.
	fn debt_between_weight() -> Weight {
		let keys = MAX_EDGE.saturating_mul(2);
		let searches = u64::from(keys).saturating_add(2);
		T::WeightInfo::debt_between(keys).saturating_add(T::DbWeight::get().reads(searches))
	}

	fn first(group: BranchId, most: u32) -> Vec<VaultId> {
		Index::<T>::iter_key_prefix(group)
			.take(most as usize)
			.map(|key| key.position())
			.collect()
	}

	fn contains(group: BranchId, position: VaultId, entry: Entry) -> bool {
		Index::<T>::get(group, TriggerKey::new(entry.trigger, position)) == Some(entry.debt)
	}

	fn count(group: BranchId) -> u64 {
		Index::<T>::iter_key_prefix(group).count() as u64
	}
}

impl<T: Config> Pallet<T> {
	/// The positions of `group` above `bound`, worst first, from behind `after`; reads at most `most` keys.
	///
	/// Reads key by key and stops at the first one not above `bound`. The result is a copy, so that liquidating while
	/// going through it neither skips a position nor meets it twice.
	pub fn walk(group: BranchId, after: Option<TriggerKey>, bound: u128, most: u32) -> Walk {
		let mut visited = 0u32;
		let all = match after {
			Some(key) => Index::<T>::iter_key_prefix_from(group, Index::<T>::hashed_key_for(group, key)),
			None => Index::<T>::iter_key_prefix(group),
		};
		let keys = all
			.take(most as usize)
			// At most `most`, which fits.
			.inspect(|_| visited = visited.saturating_add(1))
			.take_while(|key| key.trigger() > bound)
			.collect();
		Walk { keys, visited }
	}

	/// The normalised debt of `group` with `above < trigger ≤ up_to`, and how many keys were read for it.
	///
	/// One read of the ladder, and at most [`MAX_EDGE`] keys and one more in each of the two ticks the range cuts. A sum
	/// beyond `u128` is the most there is and not exact.
	pub(crate) fn sum_between(group: BranchId, above: u128, up_to: u128) -> (DebtBetween, u32) {
		let nothing = DebtBetween { debt: 0, exact: true };
		let Some(cut) = Cut::new(above, up_to) else {
			return (nothing, 0);
		};
		let Some(ladder) = Ladders::<T>::get(group) else {
			return (nothing, 0);
		};
		let (mut sum, mut exact, mut visited) = (ladder.debt_from(cut.first, cut.end), true, 0u32);
		for edge in cut.edges.into_iter().flatten() {
			let whole = ladder.debt_on(edge.tick);
			if whole == 0 {
				continue;
			}
			let (part, keys) = Self::walk_edge(group, edge);
			// Twice `MAX_EDGE + 1` at most.
			visited = visited.saturating_add(keys);
			exact &= part.is_some();
			sum = sum.and_then(|sum| sum.checked_add(part.unwrap_or(whole)));
		}
		let between = DebtBetween {
			debt: sum.unwrap_or(u128::MAX),
			exact: exact && sum.is_some(),
		};
		(between, visited)
	}

	/// The debt of `group` in part of a tick, and how many keys were read for it. No debt if there are more than
	/// [`MAX_EDGE`] positions, or if it overflows.
	fn walk_edge(group: BranchId, edge: Edge) -> (Option<u128>, u32) {
		// An iterator begins behind the key it is given: behind the last one a higher trigger could have.
		let below = match edge.to.checked_add(1) {
			Some(higher) => {
				let last = TriggerKey::new(higher, VaultId::MAX);
				Index::<T>::iter_prefix_from(group, Index::<T>::hashed_key_for(group, last))
			}
			None => Index::<T>::iter_prefix(group),
		};
		let (mut sum, mut visited) = (Some(0u128), 0u32);
		for (key, debt) in below.take(MAX_EDGE.saturating_add(1) as usize) {
			// At most `MAX_EDGE + 1`.
			visited = visited.saturating_add(1);
			if key.trigger() < edge.from {
				break;
			}
			if visited > MAX_EDGE {
				return (None, visited);
			}
			sum = sum.and_then(|sum| sum.checked_add(debt));
		}
		(sum, visited)
	}

	/// The worst position of `group`.
	pub(crate) fn next_in_line(group: BranchId) -> Option<NextToLiquidate> {
		let key = Index::<T>::iter_key_prefix(group).next()?;
		let ratio = T::Ledger::threshold(group)
			.ok()
			.and_then(|threshold| mul_div(key.trigger(), ONE, threshold, Rounding::Up))
			.map(FixedU128::from_inner);
		Some(NextToLiquidate {
			position: key.position(),
			trigger: key.trigger(),
			ratio,
		})
	}

	/// Can `position` be liquidated in this block? Its deficit, or what to tell the pool.
	pub(crate) fn check(group: BranchId, position: VaultId) -> Result<Balance, TransactionValidityError> {
		let now = frame_system::Pallet::<T>::block_number();
		// The block's author keeps the transaction for the next block on this answer.
		ensure!(
			Self::liquidated_in(now) < T::RiskParameters::chain().liquidations_per_block,
			InvalidTransaction::ExhaustsResources
		);
		T::Ledger::deficit(group, position).map_err(|_| {
			let refused = T::Ledger::groups().contains(&group) && T::Ledger::threshold(group).is_err();
			let reason = if refused {
				InvalidTransaction::Custom(PRICE_REFUSED)
			} else {
				InvalidTransaction::Stale
			};
			reason.into()
		})
	}

	/// The larger the deficit the sooner. Saturates: a deficit of trillions of kUSD comes first anyway.
	pub(crate) fn priority(deficit: Balance) -> TransactionPriority {
		BASE_PRIORITY.saturating_add(deficit.saturated_into())
	}

	/// How many positions were liquidated in block `now` so far.
	pub fn liquidated_in(now: BlockNumberFor<T>) -> u32 {
		LiquidatedInBlock::<T>::get()
			.filter(|(block, _)| *block == now)
			.map_or(0, |(_, count)| count)
	}

	/// Liquidate `position` if the block has room for it and the ledger agrees. Must run in a storage layer.
	pub fn do_liquidate(
		group: BranchId,
		position: VaultId,
		by: LiquidatedBy,
	) -> Result<LiquidationOutcome, DispatchError> {
		let now = frame_system::Pallet::<T>::block_number();
		let count = Self::liquidated_in(now);
		ensure!(
			count < T::RiskParameters::chain().liquidations_per_block,
			Error::<T>::TooManyThisBlock
		);
		let outcome = T::Ledger::liquidate(group, position)?;
		// Below the limit, so one more fits.
		LiquidatedInBlock::<T>::put((now, count.saturating_add(1)));
		Self::deposit_event(Event::Liquidated {
			group,
			position,
			by,
			outcome,
		});
		Ok(outcome)
	}

	/// Observe every group's threshold, then liquidate worst first what has been unsafe long enough.
	///
	/// The group that comes first changes from block to block, so that none can starve another.
	pub(crate) fn do_idle(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		if meter.try_consume(T::WeightInfo::on_idle_base()).is_err() {
			return;
		}
		let mut groups = T::Ledger::groups();
		if groups.len() > T::MaxGroups::get() as usize {
			log::error!(target: LOG, "{} groups; only {} are observed", groups.len(), T::MaxGroups::get());
			groups.truncate(T::MaxGroups::get() as usize);
		}
		let Some(others) = (groups.len() as u64).checked_sub(1) else {
			return;
		};
		if meter
			.try_consume(T::WeightInfo::observe_group().saturating_mul(others))
			.is_err()
		{
			return;
		}

		let chain = T::RiskParameters::chain();
		let window = chain.fallback_blocks.clamp(1, RING) as usize;
		let mut rings = Self::observe(now, &groups, window);
		let mut left = chain
			.liquidations_per_block
			.saturating_sub(Self::liquidated_in(now));
		if !rings.is_empty() {
			let first: usize = (now % (rings.len() as u32).into()).saturated_into();
			rings.rotate_left(first);
		}
		for ring in rings.iter_mut() {
			Self::fall_back(ring, window, &mut left, meter);
		}
		Thresholds::<T>::put(History {
			at: now,
			rings: BoundedVec::truncate_from(rings),
		});
	}

	/// The rings as of block `now`, this block's thresholds included; no ring for a group whose price is refused.
	pub(crate) fn observe(now: BlockNumberFor<T>, groups: &[BranchId], window: usize) -> Vec<Ring> {
		let unbroken = Thresholds::<T>::get()
			.filter(|history| history.at.saturating_add(One::one()) == now)
			.map(|history| history.rings.into_inner())
			.unwrap_or_default();
		groups
			.iter()
			.filter_map(|group| {
				let threshold = T::Ledger::threshold(*group).ok()?;
				let old = unbroken.iter().find(|ring| ring.group == *group);
				let known = old.map(|ring| ring.thresholds.as_slice()).unwrap_or_default();
				// Of what is known, the last `window - 1`.
				let skip = known.len().saturating_add(1).saturating_sub(window);
				let thresholds = known
					.iter()
					.skip(skip)
					.copied()
					.chain([threshold])
					.collect::<Vec<_>>();
				Some(Ring {
					group: *group,
					// `window` is at most `RING`.
					thresholds: BoundedVec::truncate_from(thresholds),
					resume: old.and_then(|ring| ring.resume),
				})
			})
			.collect()
	}

	/// Liquidate worst first what was above each of the last `window` thresholds, while the weight and `left` last.
	///
	/// A failure moves nothing and costs its weight. If failures kept the walk from its end, the next block
	/// goes on behind them: a position that can't be liquidated delays the others but never blocks them.
	fn fall_back(ring: &mut Ring, window: usize, left: &mut u32, meter: &mut WeightMeter) {
		let group = ring.group;
		if ring.thresholds.len() < window {
			ring.resume = None;
			return;
		}
		let Some(bound) = ring.thresholds.iter().max().copied() else {
			return;
		};
		let each = Self::walk_weight(1).saturating_add(T::WeightInfo::liquidate_in_block());
		// No answer means that nothing costs anything.
		let affordable = meter
			.remaining()
			.checked_div_per_component(&each)
			.unwrap_or(u64::MAX);
		let most = left.saturating_add(MAX_FAILURES).min(affordable.saturated_into());
		if *left == 0 || most == 0 {
			return;
		}

		let after = ring.resume.filter(|key| key.trigger() > bound);
		let walk = Self::walk(group, after, bound, most);
		// The end of the index is found by looking for one key more.
		if meter
			.try_consume(Self::walk_weight(walk.visited.saturating_add(1).min(most)))
			.is_err()
		{
			return;
		}
		let exhausted = (walk.keys.len() as u64) < most as u64;
		let (mut tried, mut failures, mut last) = (0usize, 0u32, None);
		for key in walk.keys.iter() {
			if *left == 0
				|| failures == MAX_FAILURES
				|| meter.try_consume(T::WeightInfo::liquidate_in_block()).is_err()
			{
				break;
			}
			tried = tried.saturating_add(1);
			last = Some(*key);
			let position = key.position();
			match with_storage_layer(|| Self::do_liquidate(group, position, LiquidatedBy::Block)) {
				Ok(_) => *left = left.saturating_sub(1),
				Err(error) => {
					failures = failures.saturating_add(1);
					log::warn!(target: LOG, "group {group}: position {position} not liquidated: {error:?}");
					Self::deposit_event(Event::FallbackFailed {
						group,
						position,
						error,
					});
				}
			}
		}
		ring.resume = match tried == walk.keys.len() && exhausted {
			true => None,
			false if failures > 0 => last,
			// Still behind the failures of an earlier block.
			false if after.is_some() => last.or(after),
			false => None,
		};
	}

	/// The weight of reading `keys` keys of the index. The reads are added by hand: a benchmark sees values read, not
	/// the search for the next key.
	pub(crate) fn walk_weight(keys: u32) -> Weight {
		T::WeightInfo::walk(keys).saturating_add(T::DbWeight::get().reads(keys.into()))
	}

	/// Is the configuration sane? Panics if not: for `integrity_test`.
	#[cfg(feature = "std")]
	pub(crate) fn check_config() {
		use codec::Encode;
		use frame_support::dispatch::DispatchClass;

		let groups = T::MaxGroups::get();
		assert!(
			groups > 0,
			"MaxGroups must be at least 1: the ledger needs a group"
		);

		let limits = T::BlockWeights::get();
		let call = T::WeightInfo::liquidate().saturating_add(T::WeightInfo::authorize_liquidate());
		if let Some(most) = limits.get(DispatchClass::Operational).max_extrinsic {
			assert!(
				call.all_lte(most),
				"a liquidation does not fit an operational transaction"
			);
		}
		if let Some(normal) = limits.get(DispatchClass::Normal).max_total {
			let idle = T::WeightInfo::on_idle_base()
				.saturating_add(T::WeightInfo::observe_group().saturating_mul(groups.into()))
				.saturating_add(Self::walk_weight(1))
				.saturating_add(T::WeightInfo::liquidate_in_block());
			assert!(
				idle.all_lte(limits.max_block.saturating_sub(normal)),
				"normal transactions leave no room for the fallback"
			);
		}

		// Bytes the pool has banned must not come back within half an hour.
		let bytes_at = |block: u32| {
			frame_system::Pallet::<T>::set_block_number(block.into());
			T::create_authorized_transaction(
				Call::<T>::liquidate {
					group: 0,
					position: 0,
				}
				.into(),
			)
			.encode()
		};
		let (first, next, later) = (bytes_at(1_024), bytes_at(1_025), bytes_at(1_024 + 512));
		assert!(
			first != next && first != later,
			"create_extension must be mortal from the current block on, with a period of 1,024 blocks or more"
		);
	}
}
