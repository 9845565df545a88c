//! The step of a block, and the clock's face.

use frame_support::{
	dispatch::DispatchClass,
	traits::{Get, OnTimestampSet, Time},
};
use keel_primitives::{Moment, OnGap, RiskParameters};

use crate::{Config, Event, Last, Pallet};

impl<T: Config> OnTimestampSet<Moment> for Pallet<T> {
	fn on_timestamp_set(now: Moment) {
		let last = Last::<T>::get();
		Last::<T>::put(last.next(now, T::MaxStep::get()));
		let length = last.since(now);
		if length <= T::RiskParameters::chain().oracle_max_age {
			return;
		}
		let weight = T::OnGap::on_gap(length);
		// The inherent is mandatory: its block has room for it, and later transactions see what is left.
		frame_system::Pallet::<T>::register_extra_weight_unchecked(weight, DispatchClass::Mandatory);
		Self::deposit_event(Event::BlocksMissed {
			from: last.at,
			length,
		});
	}
}

/// Active time, in milliseconds since the first block.
impl<T: Config> Time for Pallet<T> {
	type Moment = Moment;

	fn now() -> Moment {
		Last::<T>::get().active
	}
}
