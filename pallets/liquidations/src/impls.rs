//! The index, the check, the liquidation and the fallback.

use alloc::{collections::BTreeSet, vec::Vec};

use frame_support::{
	dispatch::DispatchResult,
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
	level_of, Balance, DebtBetween, Entry, Group, LiquidationOutcome, PositionId, PositionLedger,
	RiskParameters, TriggerIndex, MARKETS_PART,
};
use sp_runtime::{
	traits::{One, SaturatedConversion, Saturating},
	DispatchError, FixedU128,
};

use crate::{
	ladder::{Cut, Edge, Rung},
	*,
};

/// `above / below` of two levels as [keys](level_of), rounded up. `None` where one is not above zero.
fn ratio_of(above: u128, below: u128) -> Option<u128> {
	let level = |key| u128::try_from(level_of(key)).ok();
	mul_div(level(above)?, ONE, level(below)?, Rounding::Up)
}

/// What became of a liquidation by the block.
enum Tried {
	/// Too little weight is left.
	NoRoom,
	/// Done.
	Done,
	/// It can't be done now.
	Waits,
}

impl<T: Config> TriggerIndex for Pallet<T> {
	/// Writes the index once or, if the trigger changed, twice, and a branch's ladder once at most.
	fn moved(group: Group, position: PositionId, old: Option<Entry>, new: Option<Entry>) {
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
		if old == new || group.is_of_accounts() {
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
				"group {group:?}: the ladder does not fit position {position}, {old:?} to {new:?}: {mismatch:?}",
			);
		}
	}

	fn debt_between(group: Group, above: u128, up_to: u128) -> DebtBetween {
		Self::sum_between(group, above, up_to).0
	}

	/// With both edges walked to their end. The search for each key is added by hand, as for a walk.
	fn debt_between_weight() -> Weight {
		let keys = MAX_EDGE.saturating_mul(2);
		let searches = u64::from(keys).saturating_add(2);
		T::WeightInfo::debt_between(keys).saturating_add(T::DbWeight::get().reads(searches))
	}

	fn first(group: Group, most: u32) -> Vec<PositionId> {
		Index::<T>::iter_key_prefix(group)
			.take(most as usize)
			.map(|key| key.position())
			.collect()
	}

	fn contains(group: Group, position: PositionId, entry: Entry) -> bool {
		Index::<T>::get(group, TriggerKey::new(entry.trigger, position)) == Some(entry.debt)
	}

	fn count(group: Group) -> u64 {
		Index::<T>::iter_key_prefix(group).count() as u64
	}
}

impl<T: Config> Pallet<T> {
	/// The positions of `group` above `bound`, worst first, from behind `after`; reads at most `most` keys.
	///
	/// Reads key by key and stops at the first one not above `bound`. The result is a copy, so that liquidating while
	/// going through it neither skips a position nor meets it twice.
	pub fn walk(group: Group, after: Option<TriggerKey>, bound: u128, most: u32) -> Walk {
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
	/// beyond `u128` is the most there is and not exact. A group that is no branch has no debt.
	pub(crate) fn sum_between(group: Group, above: u128, up_to: u128) -> (DebtBetween, u32) {
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
	fn walk_edge(group: Group, edge: Edge) -> (Option<u128>, u32) {
		// An iterator begins behind the key it is given: behind the last one a higher trigger could have.
		let below = match edge.to.checked_add(1) {
			Some(higher) => {
				let last = TriggerKey::new(higher, PositionId::MAX);
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
	pub(crate) fn next_in_line(group: Group) -> Option<NextToLiquidate> {
		let key = Index::<T>::iter_key_prefix(group).next()?;
		let ratio = T::Ledger::threshold(group)
			.ok()
			.and_then(|threshold| match group {
				Group::SoleLong(_) => ratio_of(key.trigger(), threshold),
				Group::SoleShort(_) => ratio_of(!threshold, !key.trigger()),
				// Of what was subtracted from `u128::MAX`, which turns the fraction over.
				Group::Short(_) | Group::Deadline => mul_div(!threshold, ONE, !key.trigger(), Rounding::Up),
				// All of them are looked at.
				Group::Due => None,
				_ => mul_div(key.trigger(), ONE, threshold, Rounding::Up),
			})
			.map(FixedU128::from_inner);
		Some(NextToLiquidate {
			position: key.position(),
			trigger: key.trigger(),
			ratio,
		})
	}

	/// Can `position` be liquidated in this block? Its deficit, or what to tell the pool.
	pub(crate) fn check(group: Group, position: PositionId) -> Result<Balance, TransactionValidityError> {
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
		group: Group,
		position: PositionId,
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

	/// Have the ledger look again at `position`. An error means that it can't get new triggers, and moves nothing.
	pub(crate) fn do_refresh(group: Group, position: PositionId) -> DispatchResult {
		with_storage_layer(|| T::Ledger::refresh(group, position))
	}

	/// Observe every group's threshold, look again at what is crossed by estimate, then liquidate worst first what has been
	/// crossed long enough.
	///
	/// Looking again may take half the weight, so that neither can starve the other. The group that comes first
	/// changes from block to block, so that none can starve another.
	pub(crate) fn do_idle(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		if meter.try_consume(T::WeightInfo::on_idle_base()).is_err() {
			return;
		}
		let mut groups = T::Ledger::thresholds();
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
		let mut half = WeightMeter::with_limit(meter.remaining().saturating_div(2));
		let found = Self::refresh_all(&mut rings, chain.refreshes_per_block, &mut half);
		meter.consume(half.consumed());
		let mut tried = BTreeSet::new();
		for ring in rings.iter_mut() {
			match ring.group.is_estimate() {
				true => Self::liquidate_found(ring, window, &found, &mut left, &mut tried, meter),
				false => Self::fall_back(ring, window, &mut left, &mut tried, meter),
			}
		}
		Thresholds::<T>::put(History {
			at: now,
			rings: BoundedVec::truncate_from(rings),
		});
	}

	/// The rings as of block `now`, this block's thresholds included; no ring for a group whose price is refused.
	pub(crate) fn observe(
		now: BlockNumberFor<T>,
		groups: &[(Group, Result<u128, DispatchError>)],
		window: usize,
	) -> Vec<Ring> {
		let unbroken = Thresholds::<T>::get()
			.filter(|history| history.at.saturating_add(One::one()) == now)
			.map(|history| history.rings.into_inner())
			.unwrap_or_default();
		groups
			.iter()
			.filter_map(|(group, threshold)| {
				let threshold = (*threshold).ok()?;
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

	/// Look again at what is crossed now in groups of estimates, `most` positions at most, while the weight lasts. The keys
	/// of those found unsafe.
	///
	/// The groups in which something is crossed share the looks evenly; what some do not need is for the
	/// others, in further rounds. A round takes each group a step further, from where the last block ended
	/// to the end and then from the front, or drops it.
	pub(crate) fn refresh_all(rings: &mut [Ring], most: u32, meter: &mut WeightMeter) -> Found {
		let mut crossed = Vec::new();
		for ring in rings.iter_mut().filter(|ring| ring.group.is_estimate()) {
			let Some(bound) = ring.thresholds.last().copied() else {
				continue;
			};
			if meter.try_consume(Self::walk_weight(1)).is_err() {
				break;
			}
			match Self::walk(ring.group, None, bound, 1).keys.is_empty() {
				true => ring.resume = None,
				false => crossed.push((ring, bound, false)),
			}
		}
		let mut left = most.min(Self::affordable(meter, Self::refresh_step()));
		let (mut seen, mut found) = (BTreeSet::new(), Found::new());
		// The accounts that acted come first, with half of the looks: nothing else finds what is new in them.
		crossed.retain_mut(|(ring, bound, is_front)| {
			if ring.group != Group::Due {
				return true;
			}
			*is_front = ring.resume.is_none();
			let half = left.div_ceil(2);
			let (looks, walked) = Self::refresh_group(ring, *bound, half, &mut seen, &mut found, meter);
			// A half is at most what is left.
			left = left.saturating_sub(looks);
			walked.goes_on(*is_front)
		});
		while left > 0 && !crossed.is_empty() {
			let mut groups = crossed.len() as u32;
			crossed.retain_mut(|(ring, bound, is_front)| {
				let share = left.div_ceil(groups.max(1));
				groups = groups.saturating_sub(1);
				*is_front |= ring.resume.is_none_or(|key| key.trigger() <= *bound);
				let (looks, walked) = Self::refresh_group(ring, *bound, share, &mut seen, &mut found, meter);
				// A share is at most what is left.
				left = left.saturating_sub(looks);
				walked.goes_on(*is_front)
			});
		}
		found
	}

	/// Look again at up to `most` positions of one group above `bound`, worst first, which nobody has `seen`.
	/// How many were, and how far the walk came. Who is unsafe is noted in `found`, also if that is known
	/// from another group.
	///
	/// The group is walked only now: an account that got new triggers in a group before is no longer met. One that is
	/// unsafe stays, and unless the walk came to its end, the next block goes on behind it.
	fn refresh_group(
		ring: &mut Ring,
		bound: u128,
		most: u32,
		seen: &mut BTreeSet<PositionId>,
		found: &mut Found,
		meter: &mut WeightMeter,
	) -> (u32, Walked) {
		let group = ring.group;
		let most = most.min(Self::affordable(meter, Self::refresh_step()));
		if most == 0 {
			return (0, Walked::Nothing);
		}
		let after = ring.resume.filter(|key| key.trigger() > bound);
		let walk = Self::walk(group, after, bound, most);
		// The end of the index is found by looking for one key more.
		if meter
			.try_consume(Self::walk_weight(walk.visited.saturating_add(1).min(most)))
			.is_err()
		{
			return (0, Walked::Nothing);
		}
		let (mut looks, mut passed) = (0u32, Passed::default());
		for key in walk.keys.iter() {
			let position = key.position();
			if !seen.contains(&position) {
				if meter.try_consume(Self::look_weight()).is_err() {
					break;
				}
				// To help one account the ledger may have acted on another.
				if !Index::<T>::contains_key(group, key) {
					passed.leaves(*key);
					continue;
				}
				seen.insert(position);
				// At most `most`.
				looks = looks.saturating_add(1);
				match Self::do_refresh(group, position) {
					Ok(()) => {
						passed.leaves(*key);
						continue;
					}
					Err(error) => {
						log::debug!(target: LOG, "group {group:?}: position {position} stays: {error:?}");
					}
				}
			}
			passed.stays(*key);
			found.entry(group).or_default().push(*key);
		}
		ring.resume = passed.resume(&walk, most, after);
		(looks, passed.walked(&walk, most))
	}

	/// Liquidate those of `found` whose trigger was above each of the last `window` thresholds, while the weight and `left`
	/// last. Nobody is tried twice in a block, in whatever groups they are crossed.
	///
	/// Those the block has not looked at have to wait for that: nothing is spent on who may be safe.
	fn liquidate_found(
		ring: &Ring,
		window: usize,
		found: &Found,
		left: &mut u32,
		tried: &mut BTreeSet<PositionId>,
		meter: &mut WeightMeter,
	) {
		let (group, Some(bound)) = (ring.group, Self::overdue(ring, window)) else {
			return;
		};
		let due = found.get(&group).into_iter().flatten();
		for key in due.filter(|key| key.trigger() > bound) {
			let position = key.position();
			if tried.contains(&position) {
				continue;
			}
			if *left == 0 {
				return;
			}
			tried.insert(position);
			match Self::try_in_block(group, position, meter) {
				Tried::NoRoom => return,
				Tried::Done => *left = left.saturating_sub(1),
				Tried::Waits => (),
			}
		}
	}

	/// Liquidate an account, if the ledger says that it can be: one that can't be now (a window is full, or
	/// the block's own liquidations moved a price in its favour) costs the question, and is no failure.
	fn try_in_block(group: Group, position: PositionId, meter: &mut WeightMeter) -> Tried {
		if meter.try_consume(Self::authorize_weight(group)).is_err() {
			return Tried::NoRoom;
		}
		if let Err(error) = T::Ledger::deficit(group, position) {
			log::debug!(target: LOG, "group {group:?}: position {position} waits: {error:?}");
			return Tried::Waits;
		}
		if meter.try_consume(Self::weight_of(group, position)).is_err() {
			return Tried::NoRoom;
		}
		Self::liquidate_or_tell(group, position)
	}

	/// Liquidate a position; a failure moves nothing, and an event tells it.
	fn liquidate_or_tell(group: Group, position: PositionId) -> Tried {
		match with_storage_layer(|| Self::do_liquidate(group, position, LiquidatedBy::Block)) {
			Ok(_) => Tried::Done,
			Err(error) => {
				log::warn!(target: LOG, "group {group:?}: position {position} not liquidated: {error:?}");
				Self::deposit_event(Event::FallbackFailed {
					group,
					position,
					error,
				});
				Tried::Waits
			}
		}
	}

	/// What a position's trigger has to be above to have been crossed in the last `window` blocks. `None` if that is
	/// not known.
	fn overdue(ring: &Ring, window: usize) -> Option<u128> {
		ring.thresholds
			.iter()
			.max()
			.copied()
			.filter(|_| ring.thresholds.len() >= window)
	}

	/// Liquidate worst first what was above each of the last `window` thresholds, while the weight and `left` last. For
	/// triggers that are exact.
	///
	/// A failure moves nothing and costs its weight. If failures kept the walk from its end, the next block
	/// goes on behind them: a position that can't be liquidated delays the others but never blocks them.
	fn fall_back(
		ring: &mut Ring,
		window: usize,
		left: &mut u32,
		tried: &mut BTreeSet<PositionId>,
		meter: &mut WeightMeter,
	) {
		let group = ring.group;
		let Some(bound) = Self::overdue(ring, window) else {
			ring.resume = None;
			return;
		};
		let accounts = group.is_of_accounts();
		let step = match accounts {
			true => Self::authorize_weight(group),
			false => Self::in_block_weight(group),
		};
		let each = Self::walk_weight(1).saturating_add(step);
		let most = left
			.saturating_add(MAX_FAILURES)
			.min(Self::affordable(meter, each));
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
		let (mut failures, mut passed) = (0u32, Passed::default());
		for key in walk.keys.iter() {
			if *left == 0 || failures == MAX_FAILURES {
				break;
			}
			let position = key.position();
			let outcome = match accounts {
				// Of an account the block has tried in another group, this is what is left.
				true if !tried.insert(position) => Tried::Waits,
				true => Self::try_in_block(group, position, meter),
				false if meter.try_consume(step).is_err() => Tried::NoRoom,
				false => Self::liquidate_or_tell(group, position),
			};
			match outcome {
				Tried::NoRoom => break,
				Tried::Done => {
					*left = left.saturating_sub(1);
					passed.leaves(*key);
				}
				Tried::Waits => {
					failures = failures.saturating_add(1);
					passed.stays(*key);
				}
			}
		}
		ring.resume = passed.resume(&walk, most, after);
	}

	/// How many times `each` fits what `meter` has left.
	fn affordable(meter: &WeightMeter, each: Weight) -> u32 {
		// No answer means that nothing costs anything.
		meter
			.remaining()
			.checked_div_per_component(&each)
			.unwrap_or(u64::MAX)
			.saturated_into()
	}

	/// What liquidating `position` weighs: what its ledger says of what it has now, with as much for what is done around
	/// it as for a vault, but no more than the dearest.
	///
	/// Reads what the ledger looks at: part of the liquidation.
	pub(crate) fn weight_of(group: Group, position: PositionId) -> Weight {
		let dearest = Self::in_block_weight(group);
		T::Ledger::liquidation_weight(group, position).map_or(dearest, |own| {
			T::WeightInfo::liquidate_in_block()
				.saturating_add(own)
				.min(dearest)
		})
	}

	/// The most the call weighs. What there is of an account is known when it is dispatched: before that each weighs as
	/// much as the dearest one.
	pub(crate) fn call_weight(group: Group) -> Weight {
		match group.is_of_accounts() {
			true => T::WeightInfo::liquidate_account(),
			false => T::WeightInfo::liquidate(),
		}
	}

	/// The weight of the call's validation.
	pub(crate) fn authorize_weight(group: Group) -> Weight {
		match group.is_of_accounts() {
			true => T::WeightInfo::authorize_liquidate_account(),
			false => T::WeightInfo::authorize_liquidate(),
		}
	}

	/// The weight of a liquidation by the block.
	pub(crate) fn in_block_weight(group: Group) -> Weight {
		match group.is_of_accounts() {
			true => T::WeightInfo::liquidate_account_in_block(),
			false => T::WeightInfo::liquidate_in_block(),
		}
	}

	/// The weight of one look at a position, and of whether its key is still there.
	pub(crate) fn look_weight() -> Weight {
		T::WeightInfo::refresh_in_block()
			.saturating_add(T::Ledger::refresh_weight())
			.saturating_add(T::DbWeight::get().reads(1))
	}

	/// The weight of one look, and of the key that leads to it.
	pub(crate) fn refresh_step() -> Weight {
		Self::walk_weight(1).saturating_add(Self::look_weight())
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
		let (vault, account) = (Group::Branch(0), Group::Deadline);
		if let Some(most) = limits.get(DispatchClass::Operational).max_extrinsic {
			for group in [vault, account] {
				let call = Self::call_weight(group).saturating_add(Self::authorize_weight(group));
				assert!(
					call.all_lte(most),
					"a liquidation does not fit an operational transaction"
				);
			}
		}
		if let Some(normal) = limits.get(DispatchClass::Normal).max_total {
			let observation = T::WeightInfo::on_idle_base()
				.saturating_add(T::WeightInfo::observe_group().saturating_mul(groups.into()));
			// The end of a group is found by looking for one key more.
			let looks = Self::walk_weight(2).saturating_mul(groups.into());
			let one = Self::refresh_step()
				.max(Self::walk_weight(1).saturating_add(Self::in_block_weight(vault)))
				.max(Self::authorize_weight(account).saturating_add(Self::in_block_weight(account)));
			let idle = observation.saturating_add(looks.saturating_add(one).saturating_mul(2));
			let markets = limits.max_block / MARKETS_PART;
			let left = limits.max_block.saturating_sub(normal).saturating_sub(markets);
			assert!(
				idle.all_lte(left),
				"normal transactions and markets leave no room for the fallback"
			);
		}

		// Bytes the pool has banned must not come back within half an hour.
		let bytes_at = |block: u32| {
			frame_system::Pallet::<T>::set_block_number(block.into());
			T::create_authorized_transaction(
				Call::<T>::liquidate {
					group: Group::Branch(0),
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
