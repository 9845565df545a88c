//! Operators and feeds that are stopped for a time. Which, by whom and for how long is another pallet's
//! affair.

use frame_support::dispatch::DispatchResult;
use keel_primitives::FeedId;

use crate::{Config, Error, FeedState, Feeds, Operators, Pallet, Withheld};

impl<T: Config> Pallet<T> {
	/// Suspends an operator, or lets it feed again.
	///
	/// While it is suspended its values count nowhere, those given already included, and its feeds are
	/// refused. The [quorum](Self::quorum) rises with each. No last price, which may be made of its values,
	/// is fit to add risk or to liquidate until the rest have made one.
	///
	/// # Errors
	///
	/// [`Error::NotOperator`].
	pub fn suspend_operator(operator: &T::AccountId, suspended: bool) -> DispatchResult {
		Operators::<T>::try_mutate(|operators| {
			let record = operators.get_mut(operator).ok_or(Error::<T>::NotOperator)?;
			record.suspended = suspended;
			Ok::<_, Error<T>>(())
		})?;
		if suspended {
			Feeds::<T>::translate_values(|mut state: FeedState| {
				if state.withheld == Withheld::No {
					state.withheld = Withheld::UntilPrice;
				}
				Some(state)
			});
			Self::note_pending(Feeds::<T>::iter_keys());
		}
		Ok(())
	}

	/// Suspends a feed, or lets it have prices again.
	///
	/// While it is suspended no price is made, and the last one, or the first to come, is fit for leaving
	/// alone: it ages as ever.
	///
	/// # Errors
	///
	/// [`Error::UnknownFeed`].
	pub fn suspend_feed(feed: FeedId, suspended: bool) -> DispatchResult {
		Feeds::<T>::try_mutate(feed, |state| {
			let state = state.as_mut().ok_or(Error::<T>::UnknownFeed)?;
			state.withheld = match suspended {
				true => Withheld::Suspended,
				false => Withheld::UntilPrice,
			};
			Ok::<_, Error<T>>(())
		})?;
		Ok(())
	}

	/// The quorum in force: the `governed` one and one more for each suspended operator, and while any is
	/// suspended more than half of all, the suspended included.
	///
	/// Suspending honest operators makes no majority of the others: what makes a price is a majority of all.
	/// With 11 operators, a governed quorum of 3 and two suspended it is 6, so that five of the nine that are
	/// left make no price against the other four.
	pub(crate) fn quorum(governed: u32) -> u32 {
		let operators = Operators::<T>::get();
		// Both bounded by `MaxOperators`.
		let all = operators.len() as u32;
		match operators.values().filter(|record| record.suspended).count() as u32 {
			0 => governed,
			suspended => governed
				.saturating_add(suspended)
				.max((all / 2).saturating_add(1)),
		}
	}
}
