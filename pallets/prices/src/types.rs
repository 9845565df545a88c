//! What the pallet keeps, what it is asked for and what it answers.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use frame_support::{
	traits::{ConstU32, Get},
	BoundedVec, CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound,
};
use keel_math::FixedU128;
use keel_primitives::{FeedId, Moment, Price};
use scale_info::TypeInfo;
use sp_core::U256;
use sp_runtime::traits::Zero;

/// Shortest time between two samples of a feed's history and of the statistics, in milliseconds.
///
/// The shape of the storage follows from it ([`HISTORY`] samples cover [`LONGEST_WINDOW`]), so it is not
/// governed.
pub const SAMPLE_INTERVAL: Moment = 60_000;

/// Samples a feed's history holds.
pub const HISTORY: u32 = 64;

/// The longest window an average can be asked for, in milliseconds.
pub const LONGEST_WINDOW: Moment = 3_600_000;

/// The window of [`Price::twap`], in milliseconds.
pub const TWAP_WINDOW: Moment = 300_000;

/// The highest initial volatility a feed may be given: 10,000 %. Its square is far inside 128 bits.
pub const HIGHEST_VOLATILITY: FixedU128 = FixedU128::from_u32(100);

/// A normal distribution's standard deviation over its median absolute deviation, `1 / Φ⁻¹(3/4)`.
pub const DEVIATIONS_PER_MAD: FixedU128 = FixedU128::from_inner(1_482_600_000_000_000_000);

/// How a feed is called, in printable ASCII: `BTC`.
pub type Symbol = BoundedVec<u8, ConstU32<16>>;

/// A feed's samples, oldest first.
pub type Samples = BoundedVec<Sample, ConstU32<HISTORY>>;

/// The operators' raw values, one per account and feed.
pub trait RawValues<AccountId> {
	/// The account Root feeds through.
	fn root() -> AccountId;

	/// The last value of `who` for `feed`, in USD per whole unit, with the time it was observed.
	fn get(who: &AccountId, feed: FeedId) -> Option<(FixedU128, Moment)>;

	/// Replaces the value of `who` for `feed`.
	fn set(who: &AccountId, feed: FeedId, value: FixedU128, observed_at: Moment);

	/// Forgets the value of `who` for `feed`.
	fn remove(who: &AccountId, feed: FeedId);
}

/// What the benchmarks need from the runtime.
#[cfg(feature = "runtime-benchmarks")]
pub trait BenchmarkHelper<AccountId, Signature> {
	/// Sets the clock.
	fn set_time(now: Moment);

	/// A key that can sign.
	fn feeder() -> AccountId;

	/// Signs with a key that [`feeder`](Self::feeder) returned.
	fn sign(feeder: &AccountId, payload: &[u8]) -> Signature;
}

/// An operator's record.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Operator<AccountId, BlockNumber> {
	/// The key that signs its feeds; `None` is its own account.
	pub feeder: Option<AccountId>,
	/// When the prices of its last feed were observed, in milliseconds since 1970; before the first, when it
	/// was added.
	pub observed_at: Moment,
	/// The block of its last feed; zero before the first.
	pub fed_in: BlockNumber,
	/// Whether its values count nowhere for the time being.
	pub suspended: bool,
}

/// Whether a feed's last price is withheld from those who add risk or liquidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Withheld {
	/// It is not.
	#[default]
	No,
	/// Until the next price: the last one may be made of a suspended operator's values.
	UntilPrice,
	/// Until the feed is resumed: no price is made meanwhile.
	Suspended,
}

/// All a consumer needs of a feed, in one storage value.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct FeedState {
	/// The last price. Its value is zero as long as the feed never had one; its volatility counts from the
	/// start.
	pub price: Price,
	/// When the last price was observed: more than half of its values, at this time or later. Ages count from
	/// here.
	pub observed: Moment,
	/// Prices since the last gap longer than the operators' maximum age, counted at distinct times.
	pub streak: u32,
	/// When the newest price within `AddRiskConfidence` was observed, by the limit of the moment it was
	/// published: a later change of the limit does not rewrite it. A stop of the chain moves it on by its
	/// length. Zero as long as there was none.
	pub fit_at: Moment,
	/// Whether the last aggregation made a price.
	pub quorum: bool,
	/// Whether the last price is fit for leaving alone.
	pub withheld: Withheld,
	/// How the feed is called.
	pub symbol: Symbol,
	/// Σ price·ms from the first price to `price.at`, the price's inner value in force until the next one.
	pub cumulative: U256,
	/// The lowest price in force since the last sample.
	pub low: FixedU128,
	/// The highest price in force since the last sample.
	pub high: FixedU128,
}

impl FeedState {
	/// Returns `true` once the feed has had a price.
	pub fn has_price(&self) -> bool {
		// The aggregate of values above zero is above zero.
		!self.price.value.is_zero()
	}

	/// When the newest price fit to add risk on was observed; `None` if none ever was.
	pub fn last_fit(&self) -> Option<Moment> {
		(self.fit_at > 0).then_some(self.fit_at)
	}
}

/// A point of a feed's history.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Sample {
	/// When: a multiple of [`SAMPLE_INTERVAL`], except for a feed's first.
	pub time: Moment,
	/// Σ price·ms from the first price to `time`.
	pub cumulative: U256,
	/// The lowest price in force since the sample before.
	pub low: FixedU128,
	/// The highest price in force since the sample before.
	pub high: FixedU128,
}

/// What was last sampled of a feed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Baseline {
	/// The feed.
	pub feed: FeedId,
	/// The last sample at which its price was good enough to liquidate on by age and confidence, with the
	/// price there.
	pub sampled: Option<(Moment, FixedU128)>,
}

/// `n·(n + 1)/2`: the size of a symmetric matrix of `n` rows without its mirror image.
pub struct Triangle<N>(PhantomData<N>);

impl<N: Get<u32>> Get<u32> for Triangle<N> {
	fn get() -> u32 {
		let n = N::get() as u64;
		// Saturates only for more than 92,000 feeds; `integrity_test` asks for far fewer.
		u32::try_from(n.saturating_mul(n.saturating_add(1)) / 2).unwrap_or(u32::MAX)
	}
}

/// Volatilities and covariances of all feeds, in one storage value, so that they are always of one time.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	DefaultNoBound,
	Encode,
	Decode,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(MaxFeeds))]
#[codec(mel_bound())]
pub struct MarketStatistics<MaxFeeds: Get<u32> + 'static> {
	/// When the last sample was taken.
	pub at: Moment,
	/// The feeds, in the order of the matrix's rows.
	pub feeds: BoundedVec<Baseline, MaxFeeds>,
	/// The upper triangle of the covariance matrix, packed by columns: annualised, 18 decimals, signed.
	pub covariances: BoundedVec<i128, Triangle<MaxFeeds>>,
}

/// Where the covariance of rows `a` and `b` is in the packed triangle.
pub const fn packed(a: usize, b: usize) -> usize {
	let (row, column) = if a < b { (a, b) } else { (b, a) };
	// Rows are bounded by the number of feeds: far from overflow.
	column.saturating_mul(column.saturating_add(1)) / 2 + row
}

impl<MaxFeeds: Get<u32> + 'static> MarketStatistics<MaxFeeds> {
	/// The row of `feed`.
	pub fn row(&self, feed: FeedId) -> Option<usize> {
		self.feeds.iter().position(|b| b.feed == feed)
	}

	/// The annualised covariance of two rows, 18 decimals.
	pub fn covariance(&self, a: usize, b: usize) -> Option<i128> {
		self.covariances.get(packed(a, b)).copied()
	}

	/// Add a feed with the given annualised variance and no covariance to any other. `None` if there is no
	/// room; nothing is changed then.
	pub fn add(&mut self, feed: FeedId, variance: i128) -> Option<()> {
		let before = self.feeds.len();
		self.feeds.try_push(Baseline { feed, sampled: None }).ok()?;
		let column = core::iter::repeat_n(0, before)
			.chain([variance])
			.collect::<Vec<_>>();
		if self.covariances.try_extend(column.into_iter()).is_err() {
			self.feeds.pop();
			return None;
		}
		Some(())
	}

	/// Forget a feed: its row, its column, its baseline.
	pub fn remove(&mut self, feed: FeedId) {
		let Some(gone) = self.row(feed) else { return };
		let count = self.feeds.len();
		let mut kept =
			(0..count).flat_map(|column| (0..=column).map(move |row| row != gone && column != gone));
		self.covariances.retain(|_| kept.next().unwrap_or(false));
		self.feeds.remove(gone);
	}
}

/// An operator's value and what became of it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct OperatorValue {
	/// USD per whole unit.
	pub value: FixedU128,
	/// When it was observed.
	pub at: Moment,
	/// Above zero and not older than the maximum age: it counts.
	pub fresh: bool,
	/// Fresh, but too far from the median of the fresh ones: it is left out of the price.
	pub outlier: bool,
}

/// What the operators' values add up to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aggregate {
	/// USD per whole unit, above zero.
	pub value: FixedU128,
	/// One standard deviation of the values used, above zero.
	pub confidence: FixedU128,
	/// Values that were fresh.
	pub fresh: u32,
	/// Values that were fresh and no outliers.
	pub used: u32,
	/// More than three quarters of those were observed at this time or later.
	pub since: Moment,
	/// More than half of those were observed at this time or later.
	pub observed: Moment,
}

/// Too few values agree, or not closely enough, to make a price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoQuorum {
	/// Values that were fresh.
	pub fresh: u32,
	/// Values that were fresh and no outliers.
	pub used: u32,
}

/// Why a price is not good enough, with the limit that failed.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Refusal {
	/// The operators never agreed on a price.
	Missing,
	/// The price is older than the purpose allows.
	TooOld {
		/// How old it is, in milliseconds.
		age: Moment,
		/// How old it may be, in milliseconds.
		limit: Moment,
	},
	/// The operators disagree more than the purpose allows.
	TooUncertain {
		/// The price's confidence, in USD per whole unit.
		confidence: FixedU128,
		/// The most the purpose allows at this price, in USD per whole unit.
		limit: FixedU128,
	},
	/// The feed is suspended, or one of its operators is and the others have made no price since.
	Withheld,
	/// Too few prices since an outage.
	Recovering {
		/// Prices since.
		prices: u32,
		/// Prices it takes.
		needed: u32,
	},
}

/// A price whole, with what it is good for.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct PriceView {
	/// How the feed is called.
	pub symbol: Symbol,
	/// The last price. A value of zero means that there was none yet.
	pub price: Price,
	/// How long ago it was observed, in milliseconds; `None` without a price.
	pub age: Option<Moment>,
	/// Confidence over price, `1` being 100 %, rounded up; `None` without a price.
	pub confidence_ratio: Option<FixedU128>,
	/// Prices since the last outage.
	pub streak: u32,
	/// When the newest price that agreed enough to add risk on was observed, by the limit of the moment it
	/// was published, later by the length of stops of the chain since; `None` if none ever was. A feed whose
	/// prices go on being refused falls ever further behind it.
	pub fit_at: Option<Moment>,
	/// Whether the last aggregation made a price: a quorum of operators agreed closely enough.
	pub quorum: bool,
	/// Whether risk may be added on it; `Err` says which limit failed.
	pub add_risk: Result<(), Refusal>,
	/// Whether risk may be reduced on it.
	pub reduce_risk: Result<(), Refusal>,
	/// Whether a position may be liquidated on it.
	pub liquidate: Result<(), Refusal>,
}
