//! Prices travel whole: value, confidence, age, average and volatility together.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::pallet_prelude::DispatchError;
use scale_info::TypeInfo;
use sp_arithmetic::{traits::Saturating, FixedU128};

use crate::{FeedId, Moment};

/// Purpose of a price. Each has its own tolerance for age and for confidence.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum PriceFor {
	/// To mint, to withdraw, to open: the strictest, and silent for the first prices after an outage.
	AddRisk,
	/// To leave: the most lenient.
	ReduceRisk,
	/// To liquidate: strict, and refused for the first prices after an outage.
	Liquidate,
}

/// A price with everything that must be known with it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Price {
	/// USD per whole unit of the asset.
	pub value: FixedU128,
	/// One standard deviation of the operators' disagreement, in USD per whole unit; never zero.
	pub confidence: FixedU128,
	/// When it was aggregated.
	pub at: Moment,
	/// More than three quarters of the values it is made of were observed at this time or later. A consumer
	/// that needs a price observed after some moment compares with this: an aggregate can be newer than what
	/// it says, and the quarter that may be older cannot, with a quarter of liars beside it, hold the median
	/// at an old price.
	pub since: Moment,
	/// The time-weighted average over the five minutes before `at`.
	pub twap: FixedU128,
	/// Annualised volatility, `1` being 100 %.
	pub volatility: FixedU128,
}

impl Price {
	/// What a unit of collateral counts for when risk is added: `min(value − confidence, twap)`.
	/// Saturates at zero, which favours the protocol.
	pub fn as_collateral(&self) -> FixedU128 {
		self.value.saturating_sub(self.confidence).min(self.twap)
	}

	/// What a unit of debt counts for when risk is added: `max(value + confidence, twap)`.
	/// Saturates at the type's maximum, which favours the protocol.
	pub fn as_debt(&self) -> FixedU128 {
		self.value.saturating_add(self.confidence).max(self.twap)
	}
}

/// Source of prices. Enforces the limits on age and confidence of each [`PriceFor`].
pub trait PriceProvider {
	/// The price of `feed`, good enough for `purpose`, or the error that names the limit that failed
	/// (missing, too old, too uncertain, recovering).
	fn price(feed: FeedId, purpose: PriceFor) -> Result<Price, DispatchError>;

	/// The last price of `feed`, however old and however uncertain; `None` for one that never had any. For
	/// gauges and for the price a branch is settled at, never to add risk or to liquidate.
	fn last(feed: FeedId) -> Option<Price>;

	/// When the last price of `feed` whose confidence was fit for [`PriceFor::AddRisk`] was observed, later
	/// by the length of stops of the chain since; `None` if it never had one.
	fn fit_at(feed: FeedId) -> Option<Moment>;

	/// The annualised volatility of `feed`, however old; `None` for a feed that never had a price.
	fn volatility(feed: FeedId) -> Option<FixedU128>;

	/// Publish a fresh price, for benchmarks and the tests of other pallets.
	#[cfg(feature = "runtime-benchmarks")]
	fn set_price(feed: FeedId, value: FixedU128);
}
