//! What a block does by itself: observes, looks again at what is crossed, liquidates what nobody sent.

use alloc::{collections::BTreeSet, vec::Vec};

use frame_support::{
	storage::with_storage_layer,
	traits::Get,
	weights::{Weight, WeightMeter},
	BoundedVec,
};
use frame_system::pallet_prelude::BlockNumberFor;
use keel_primitives::{Group, PositionId, PositionLedger, RiskParameters};
use sp_runtime::{
	traits::{One, SaturatedConversion, Saturating},
	DispatchError,
};

use crate::*;

/// What became of a liquidation by the block.
enum Tried {
	/// Too little weight is left.
	NoRoom,
	/// Done.
	Done,
	/// It can't be done now, which was known before it was tried.
	Waits,
	/// It was tried and failed.
	Failed,
}

impl<T: Config> Pallet<T> {
	/// Observe every group's threshold, look again at what is crossed by estimate, then liquidate worst first
	/// what has been crossed long enough.
	///
	/// Looking again may take half the weight, so that neither can starve the other. The group that comes
	/// first changes from block to block, so that none can starve another.
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

	/// The rings as of block `now`, this block's thresholds included; no ring for a group whose price is
	/// refused.
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

	/// Look again at what is crossed now in groups of estimates, `most` positions at most, while the weight
	/// lasts. The keys of those found unsafe.
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
	/// The group is walked only now: an account that got new triggers in a group before is no longer met. One
	/// that is unsafe stays, and unless the walk came to its end, the next block goes on behind it.
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

	/// Liquidate those of `found` whose trigger was above each of the last `window` thresholds, while the
	/// weight and `left` last. Nobody is tried twice in a block, in whatever groups they are crossed.
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
				Tried::Waits | Tried::Failed => (),
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
				Tried::Failed
			}
		}
	}

	/// What a position's trigger has to be above to have been crossed in the last `window` blocks. `None` if
	/// that is not known.
	fn overdue(ring: &Ring, window: usize) -> Option<u128> {
		ring.thresholds
			.iter()
			.max()
			.copied()
			.filter(|_| ring.thresholds.len() >= window)
	}

	/// Liquidate worst first what was above each of the last `window` thresholds, while the weight and `left`
	/// last. For triggers that are exact.
	///
	/// A failure moves nothing and costs its weight, an account that has to wait the question. If they kept
	/// the walk from its end, the next block goes on behind them: a position that can't be liquidated delays
	/// the others but never blocks them.
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
				Tried::Waits => passed.stays(*key),
				Tried::Failed => {
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
}
