//! Glue: primitives' traits over SDK pallets.

use alloc::vec::Vec;
use keel_primitives::{FeedId, Moment};
use sp_runtime::FixedU128;

use crate::{AccountId, Oracle, Prices, Runtime};

/// Every protocol account derives from a pallet id that begins so.
const PROTOCOL_PREFIX: &[u8] = b"modlkeel/";

/// Is `who` one of the protocol's own accounts?
pub fn is_protocol_account(who: &AccountId) -> bool {
	AsRef::<[u8]>::as_ref(who).starts_with(PROTOCOL_PREFIX)
}

type TimestampedValue = pallet_oracle::TimestampedValue<FixedU128, Moment>;

/// The oracle's own combining, switched off: it keeps an old value when too few are fresh, and that must not reach
/// anybody. Its `Values` stay empty; `Prices` aggregates the raw values.
pub struct NeverCombine;

impl pallet_oracle::CombineData<FeedId, TimestampedValue> for NeverCombine {
	fn combine_data(
		_: &FeedId,
		_: Vec<TimestampedValue>,
		_: Option<TimestampedValue>,
	) -> Option<TimestampedValue> {
		None
	}
}

/// Tells `Prices` that a feed has a new raw value.
pub struct NotePrices;

impl pallet_oracle::OnNewData<AccountId, FeedId, FixedU128> for NotePrices {
	fn on_new_data(_: &AccountId, feed: &FeedId, _: &FixedU128) {
		Prices::note_new_value(*feed);
	}
}

/// The operators' raw values, as `Prices` reads them.
pub struct OracleValues;

impl pallet_prices::RawValues for OracleValues {
	fn raw_values(feed: FeedId) -> Vec<(FixedU128, Moment)> {
		Oracle::read_raw_values(&feed).into_iter().map(|v| (v.value, v.timestamp)).collect()
	}
}
