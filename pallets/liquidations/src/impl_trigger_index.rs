//! The index and the debt ladder: [`TriggerIndex`], and walks along it.

use alloc::vec::Vec;

use frame_support::{traits::Get, weights::Weight};
use keel_math::{mul_div, Rounding, ONE};
use keel_primitives::{level_of, DebtBetween, Entry, Group, PositionId, PositionLedger, TriggerIndex};
use sp_runtime::FixedU128;

use crate::{
	ladder::{Cut, Edge, Rung},
	*,
};

/// `above / below` of two levels as [keys](level_of), rounded up. `None` where one is not above zero.
fn ratio_of(above: u128, below: u128) -> Option<u128> {
	let level = |key| u128::try_from(level_of(key)).ok();
	mul_div(level(above)?, ONE, level(below)?, Rounding::Up)
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
	/// Reads key by key and stops at the first one not above `bound`. The result is a copy, so that
	/// liquidating while going through it neither skips a position nor meets it twice.
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
	/// One read of the ladder, and at most [`MAX_EDGE`] keys and one more in each of the two ticks the range
	/// cuts. A sum beyond `u128` is the most there is and not exact. A group that is no branch has no debt.
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

	/// The debt of `group` in part of a tick, and how many keys were read for it. No debt if there are more
	/// than [`MAX_EDGE`] positions, or if it overflows.
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
}
