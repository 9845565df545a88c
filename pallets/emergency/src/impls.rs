//! What the calls and the hook do, and the origin that spends a power.

use alloc::vec::Vec;
use core::marker::PhantomData;
use frame_support::{
	ensure,
	traits::{EnsureOrigin, Get},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{Saturating, Zero},
	DispatchResult,
};

use crate::*;

impl<T: Config> Pallet<T> {
	/// Returns `true` while `subject` is suspended.
	pub fn is_suspended(subject: &Subject<T::AccountId>) -> bool {
		Suspended::<T>::get().contains(subject)
	}

	/// Begin a spell of `power` for `granted` blocks, or join the one that runs and lengthen it to that,
	/// counted from its beginning.
	///
	/// # Errors
	///
	/// [`Error::PowerResting`].
	pub fn spend(power: Power, granted: BlockNumberFor<T>) -> Result<(), Error<T>> {
		let now = frame_system::Pallet::<T>::block_number();
		let mut spells = Spells::<T>::get();
		let before = spells.get(&power).copied();
		let spell = match before {
			Some(running) if running.runs(now) => Spell {
				until: running.until.max(running.since.saturating_add(granted)),
				..running
			},
			Some(last) if last.open || now < last.ready_at() => return Err(Error::PowerResting),
			_ => Spell {
				since: now,
				until: now.saturating_add(granted),
				open: true,
			},
		};
		if before == Some(spell) {
			return Ok(());
		}
		// There is room for every power.
		let _ = spells.try_insert(power, spell);
		Spells::<T>::put(spells);
		let Spell { since, until, .. } = spell;
		Self::deposit_event(Event::SpellSet { power, since, until });
		Ok(())
	}

	/// End the spell of `power` that runs, if one does: what it stopped goes on already.
	pub fn end(power: Power) {
		let now = frame_system::Pallet::<T>::block_number();
		Spells::<T>::mutate(|spells| {
			if let Some(spell) = spells.get_mut(&power).filter(|spell| spell.open) {
				spell.end(now);
				let ready_at = spell.ready_at();
				Self::deposit_event(Event::SpellEnded { power, ready_at });
			}
		});
	}

	pub(crate) fn do_suspend(subject: Subject<T::AccountId>, granted: BlockNumberFor<T>) -> DispatchResult {
		let power = subject.power();
		let before = Spells::<T>::get().get(&power).copied();
		Self::spend(power, granted)?;
		if Self::is_suspended(&subject) {
			// Naming it again is for lengthening the spell.
			ensure!(
				before != Spells::<T>::get().get(&power).copied(),
				Error::<T>::AlreadySuspended
			);
			return Ok(());
		}
		Suspended::<T>::try_append(subject.clone()).map_err(|()| Error::<T>::TooManySuspended)?;
		T::Stops::suspended(&subject)?;
		Self::deposit_event(Event::Suspended { subject });
		Ok(())
	}

	pub(crate) fn do_resume(subject: Subject<T::AccountId>) -> DispatchResult {
		let power = subject.power();
		let mut suspended = Suspended::<T>::get();
		let at = suspended
			.iter()
			.position(|one| *one == subject)
			.ok_or(Error::<T>::NotSuspended)?;
		suspended.remove(at);
		let last = !suspended.iter().any(|one| one.power() == power);
		Suspended::<T>::put(suspended);
		Self::go_on(subject);
		if last {
			Self::end(power);
		}
		Ok(())
	}

	fn go_on(subject: Subject<T::AccountId>) {
		T::Stops::resumed(&subject);
		Self::deposit_event(Event::Resumed { subject });
	}

	/// End every spell whose time is over at `now`. Returns how many subjects and calls went on.
	pub(crate) fn end_due(now: BlockNumberFor<T>) -> u32 {
		let due: Vec<Power> = Spells::<T>::get()
			.iter()
			.filter(|(_, spell)| spell.open && !spell.runs(now))
			.map(|(power, _)| *power)
			.collect();
		let mut resumed = 0u32;
		for power in due {
			let (over, on): (Vec<_>, Vec<_>) = Suspended::<T>::get()
				.into_iter()
				.partition(|subject| subject.power() == power);
			if !over.is_empty() {
				// Fewer than before.
				Suspended::<T>::put(frame_support::BoundedVec::truncate_from(on));
			}
			for subject in over {
				Self::go_on(subject);
				resumed = resumed.saturating_add(1);
			}
			let (released, all) = T::Stops::release(power);
			resumed = resumed.saturating_add(released);
			if all {
				Self::end(power);
			}
		}
		resumed
	}

	/// What the `powers` view shows.
	pub(crate) fn views() -> Vec<PowerView<T::AccountId, BlockNumberFor<T>>> {
		let now = frame_system::Pallet::<T>::block_number();
		let (spells, suspended) = (Spells::<T>::get(), Suspended::<T>::get());
		let view = |power: Power| {
			let spell = spells.get(&power);
			PowerView {
				power,
				suspended: suspended
					.iter()
					.filter(|subject| subject.power() == power)
					.cloned()
					.collect(),
				running: spell
					.filter(|spell| spell.runs(now))
					.map(|spell| (spell.since, spell.until)),
				ready_at: spell.map_or(Zero::zero(), |spell| spell.ready_at()),
			}
		};
		Power::ALL.into_iter().map(view).collect()
	}
}

/// Origin `O`, whose success is the length of a spell in blocks, if the power `P` is ready; using it spends
/// the power. For pallets that keep a power's effects themselves. A dispatch that fails afterwards takes the
/// spell back with it.
pub struct Spends<T, O, P>(PhantomData<(T, O, P)>);

impl<T, O, P> EnsureOrigin<T::RuntimeOrigin> for Spends<T, O, P>
where
	T: Config,
	O: EnsureOrigin<T::RuntimeOrigin, Success = BlockNumberFor<T>>,
	P: Get<Power>,
{
	type Success = BlockNumberFor<T>;

	fn try_origin(origin: T::RuntimeOrigin) -> Result<Self::Success, T::RuntimeOrigin> {
		let granted = O::try_origin(origin.clone())?;
		match Pallet::<T>::spend(P::get(), granted) {
			Ok(()) => Ok(granted),
			Err(_) => Err(origin),
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin() -> Result<T::RuntimeOrigin, ()> {
		O::try_successful_origin()
	}
}
