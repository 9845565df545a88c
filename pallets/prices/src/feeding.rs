//! Operators, the keys that sign for them, and their feeds.

use alloc::{collections::BTreeSet, vec::Vec};
use codec::Encode;
use frame_support::{
	dispatch::DispatchResult,
	ensure,
	traits::{Contains, SortedMembers, Time},
};
use frame_system::pallet_prelude::BlockNumberFor;
use keel_primitives::{FeedId, Moment, RiskParameters};
use sp_runtime::{
	traits::{Verify, Zero},
	transaction_validity::{
		InvalidTransaction, TransactionSource, TransactionValidityError, ValidTransaction,
	},
};

use crate::{
	Config, Error, Event, FeedValues, Feeds, Operator, Operators, OperatorsOf, Pallet, Pending, RawValues,
	BASE_PRIORITY, CLOCK_SKEW, FEED_DOMAIN, FROM_THE_FUTURE, LATEST_RANKED, LONGEVITY, TAG,
};

impl<T: Config> Pallet<T> {
	/// The bytes an operator's feeder signs: a prefix no extrinsic begins with, then the SCALE encoding of
	/// the genesis hash, the operator, the time of observation and the values.
	pub fn feed_payload(operator: &T::AccountId, observed_at: Moment, values: &FeedValues<T>) -> Vec<u8> {
		let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
		(FEED_DOMAIN, genesis, operator, observed_at, values).encode()
	}

	/// Validity of a feed in the pool, or in a block. The signature comes last, for it is dearest.
	pub(crate) fn validate_feed(
		source: TransactionSource,
		operator: &T::AccountId,
		observed_at: Moment,
		values: &FeedValues<T>,
		signature: &T::Signature,
	) -> Result<ValidTransaction, TransactionValidityError> {
		// In the pool the clock is the last block's, however long ago that was.
		let latest = match source {
			TransactionSource::InBlock => Self::latest_observation(),
			TransactionSource::Local | TransactionSource::External => Moment::MAX,
		};
		let operators = Operators::<T>::get();
		let record = Self::ensure_may_feed(&operators, operator, observed_at, latest, values)
			.map_err(InvalidTransaction::from)?;
		let feeder = record.feeder.as_ref().unwrap_or(operator);
		let payload = Self::feed_payload(operator, observed_at, values);
		ensure!(
			signature.verify(&payload[..], feeder),
			InvalidTransaction::BadProof
		);
		ValidTransaction::with_tag_prefix(TAG)
			.priority(BASE_PRIORITY.saturating_add(observed_at.min(LATEST_RANKED)))
			.and_provides(operator)
			.longevity(LONGEVITY)
			.propagate(true)
			.build()
	}

	/// Takes a feed: keeps the values of registered feeds and has those aggregated at the end of the block.
	pub(crate) fn do_feed(
		operator: T::AccountId,
		observed_at: Moment,
		values: FeedValues<T>,
	) -> DispatchResult {
		let mut operators = Operators::<T>::get();
		Self::ensure_may_feed(
			&operators,
			&operator,
			observed_at,
			Self::latest_observation(),
			&values,
		)?;
		let record = operators.get_mut(&operator).ok_or(Error::<T>::NotOperator)?;
		record.observed_at = observed_at;
		record.fed_in = frame_system::Pallet::<T>::block_number();
		Operators::<T>::put(operators);
		let values: Vec<_> = values
			.into_iter()
			.filter(|(feed, _)| Feeds::<T>::contains_key(feed))
			.collect();
		// A clock that is ahead makes nothing newer than the block.
		let at = observed_at.min(T::Time::now());
		for (feed, value) in &values {
			T::RawValues::set(&operator, *feed, *value, at);
		}
		Self::note_pending(values.iter().map(|(feed, _)| *feed));
		Self::deposit_event(Event::Fed {
			operator,
			observed_at,
			values,
		});
		Ok(())
	}

	/// The latest time of observation this block takes.
	fn latest_observation() -> Moment {
		T::Time::now().saturating_add(CLOCK_SKEW)
	}

	/// The operator's record, if it may feed `values` now. All there is to check but the signature.
	fn ensure_may_feed<'a>(
		operators: &'a OperatorsOf<T>,
		operator: &T::AccountId,
		observed_at: Moment,
		latest: Moment,
		values: &FeedValues<T>,
	) -> Result<&'a Operator<T::AccountId, BlockNumberFor<T>>, Error<T>> {
		let record = operators.get(operator).ok_or(Error::<T>::NotOperator)?;
		ensure!(!record.suspended, Error::<T>::OperatorSuspended);
		ensure!(observed_at > record.observed_at, Error::<T>::NotNewer);
		ensure!(observed_at <= latest, Error::<T>::ObservedInTheFuture);
		let age = T::Time::now().saturating_sub(observed_at);
		ensure!(
			age <= T::RiskParameters::chain().oracle_max_age,
			Error::<T>::ObservedTooLongAgo
		);
		let fed = !record.fed_in.is_zero() && record.fed_in == frame_system::Pallet::<T>::block_number();
		ensure!(!fed, Error::<T>::AlreadyFed);
		let feeds: BTreeSet<FeedId> = values.iter().map(|(feed, _)| *feed).collect();
		ensure!(feeds.len() == values.len(), Error::<T>::DuplicateFeed);
		ensure!(
			feeds.iter().any(Feeds::<T>::contains_key),
			Error::<T>::NothingToFeed
		);
		Ok(record)
	}

	/// Makes an account an operator. Feeds it signed before are void.
	pub(crate) fn do_add_operator(operator: T::AccountId) -> DispatchResult {
		let mut operators = Operators::<T>::get();
		ensure!(!operators.contains_key(&operator), Error::<T>::AlreadyOperator);
		// Its account signs for itself, whichever operator had named it: naming keeps no newcomer out.
		for (_, record) in operators.iter_mut() {
			if record.feeder.as_ref() == Some(&operator) {
				record.feeder = None;
			}
		}
		let suspended = T::Suspended::contains(&operator);
		operators
			.try_insert(
				operator,
				Operator {
					feeder: None,
					observed_at: T::Time::now(),
					fed_in: Zero::zero(),
					suspended,
				},
			)
			.map_err(|_| Error::<T>::TooManyOperators)?;
		Operators::<T>::put(operators);
		Ok(())
	}

	/// Removes an operator and its values, if a quorum is left without it.
	pub(crate) fn do_remove_operator(operator: &T::AccountId) -> DispatchResult {
		let mut operators = Operators::<T>::get();
		operators.remove(operator).ok_or(Error::<T>::NotOperator)?;
		let quorum = T::RiskParameters::chain().oracle_quorum as usize;
		ensure!(operators.len() >= quorum, Error::<T>::TooFewOperators);
		Operators::<T>::put(operators);
		// Root's account keeps its values also when it stops being an operator.
		if *operator != T::RawValues::root() {
			for feed in Feeds::<T>::iter_keys() {
				T::RawValues::remove(operator, feed);
			}
		}
		Ok(())
	}

	/// Names the key that signs for an operator.
	pub(crate) fn do_set_feeder(operator: &T::AccountId, feeder: Option<T::AccountId>) -> DispatchResult {
		let mut operators = Operators::<T>::get();
		ensure!(operators.contains_key(operator), Error::<T>::NotOperator);
		if let Some(feeder) = feeder.as_ref().filter(|feeder| *feeder != operator) {
			let taken = operators.iter().any(|(other, record)| {
				other == feeder || (other != operator && record.feeder.as_ref() == Some(feeder))
			});
			ensure!(!taken, Error::<T>::FeederTaken);
		}
		if let Some(record) = operators.get_mut(operator) {
			record.feeder = feeder;
		}
		Operators::<T>::put(operators);
		Ok(())
	}

	/// The accounts whose values count, each once: the operators' and the one Root feeds through, in order.
	pub(crate) fn counted() -> BTreeSet<T::AccountId> {
		let mut all: BTreeSet<T::AccountId> = Operators::<T>::get().into_iter().map(|(who, _)| who).collect();
		all.insert(T::RawValues::root());
		all
	}

	/// Number of operators: the largest quorum that can be met.
	pub fn operator_count() -> u32 {
		// Bounded by `MaxOperators`.
		Operators::<T>::decode_len().unwrap_or(0) as u32
	}

	/// Schedules registered feeds for aggregation at the end of this block.
	pub(crate) fn note_pending(feeds: impl IntoIterator<Item = FeedId>) {
		Pending::<T>::mutate(|pending| {
			for feed in feeds {
				// Pending feeds are registered ones, and those are at most as many: there is room.
				if pending.try_insert(feed).is_err() {
					log::error!(target: "runtime::prices", "no room for feed {feed} among the pending ones");
				}
			}
		});
	}
}

impl<T: Config> From<Error<T>> for InvalidTransaction {
	fn from(error: Error<T>) -> Self {
		match error {
			Error::NotOperator => InvalidTransaction::BadSigner,
			Error::NotNewer | Error::ObservedTooLongAgo => InvalidTransaction::Stale,
			Error::ObservedInTheFuture => InvalidTransaction::Custom(FROM_THE_FUTURE),
			// The next block has room for it.
			Error::AlreadyFed => InvalidTransaction::ExhaustsResources,
			_ => InvalidTransaction::Call,
		}
	}
}

/// The operators, for the oracle.
impl<T: Config> SortedMembers<T::AccountId> for Pallet<T> {
	fn sorted_members() -> Vec<T::AccountId> {
		Operators::<T>::get().into_iter().map(|(who, _)| who).collect()
	}

	fn contains(who: &T::AccountId) -> bool {
		Operators::<T>::get().contains_key(who)
	}

	fn count() -> usize {
		Self::operator_count() as usize
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn add(who: &T::AccountId) {
		Operators::<T>::kill();
		Self::do_add_operator(who.clone()).expect("there is room for one");
	}
}
