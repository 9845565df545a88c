//! # Prices
//!
//! One price per feed out of what several operators say, and everything that must be known with it.
//!
//! ## Overview
//!
//! Operators feed raw values ([`Pallet::feed`]), which the oracle keeps: one per operator and feed. At the
//! end of every block in which a feed got a new value, this pallet aggregates: stale values are dropped, a
//! quorum is required, outliers are dropped around the median, and the median of the rest becomes the price,
//! with their spread as its confidence. Where the operators don't agree there is **no new price**: the old
//! one keeps its time and ages. They don't agree where a quorum is missing, before or after outliers, and
//! where their spread is beyond `ReduceRiskConfidence`: a price that serves no purpose would only bend the
//! averages.
//!
//! A price travels whole: value, confidence, time, five-minute average and volatility. A consumer names its
//! purpose ([`PriceFor`]) and gets the price or the limit that failed. There is no door to a bare number.
//!
//! How long a price has been unfit follows from the time of the last one that was fit to add risk on. Fitness
//! is judged once, when a price is published: a later change of `AddRiskConfidence` does not rewrite it.
//!
//! ## Operators and their feeds
//!
//! The operators are one storage value, [`Operators`]: at most [`Config::MaxOperators`], at least as many as
//! `OracleQuorum`. A feed is signed by the operator's *feeder*, a key the operator names
//! ([`Pallet::set_feeder`]), and by the operator's own account until it names one. The signature is inside
//! the call, so a feed needs no nonce, no balance and no account, and is free.
//!
//! A feed carries `observed_at`, the time at which the operator saw the prices. It must be newer than the
//! operator's last one, at most `OracleMaxAge` old, and at most [`CLOCK_SKEW`] ahead of the block. Raw
//! values, ages and [`Price::since`](keel_primitives::Price::since) count from there: a feed that waited in
//! the pool is as old as its observation. A price is as old as the median of its values' times. An operator
//! feeds once a block. The pool keeps one feed per operator, the newest.
//!
//! The pool judges by the time of the last block, which a stop of the chain leaves far behind. It therefore
//! refuses what is too old but not what is ahead; the block, which has its own time, refuses both.
//!
//! ## Order within a block
//!
//! Aggregation runs in `on_finalize`, once for all values of the block: their order within the block doesn't
//! matter, and a price is public one block before it can be acted on. `on_initialize` reserves its weight for
//! every registered feed: each of them may become pending in the block, and a feed fed by five operators is
//! still aggregated once, so that the feeding calls are the wrong place to charge. A feed added in the block
//! itself is reserved for in the weight of [`Pallet::add_feed`].
//!
//! ## Averages
//!
//! The integral of the price is sampled every minute into a ring of 64, so that any window up to an hour can
//! be averaged. The last price is in force until the next one, also through an outage. A jump is not clamped:
//! a real crash is real. Every published price counts, which is every price on which risk may be reduced.
//!
//! ## Volatility and covariance
//!
//! All feeds are sampled together, once a minute (more often would measure the operators' noise, not the
//! market). A feed is fresh at a sample if its price is good enough to liquidate on, by age and by confidence
//! (whether it is recovering doesn't matter: the market moved all the same). Volatility sets liquidation
//! ratios, so a price that is not good enough to liquidate on must not move it. At any other price the feed
//! counts as out. A feed's return runs from the last sample at which it was fresh to this one, over the time
//! that really passed: a jump during an outage is one return over the whole outage, neither lost nor taken
//! for a minute's. Two feeds' covariance takes the product of returns over the same interval only; where one
//! of the two was out, there is no such product, and the covariance fades towards zero over that time. So no
//! covariance can exceed what the two variances allow.
//!
//! ## Recovery
//!
//! After an outage of a feed, and when it is new, risk is added and positions are liquidated from the
//! `RecoveryPrices`th price in a row on (three by default): values fed together after an outage may be of
//! different ages, and one price made of them is no market. Leaving accepts the first.
//!
//! A stop of the chain is an outage of all feeds and is told by the clock ([`keel_primitives::OnGap`]). From
//! then on the whole chain recovers ([`Recovering`], read by the circuit breaker) until as many blocks have
//! each made a price of any feed. A stop says nothing about how long the operators disagreed, so it does not
//! count as time without a fit price.
//!
//! ## What liars can do
//!
//! Let the honest be within half of `OutlierFloor` of each other. Two liars of five that all feed can't move
//! the price out of what the honest three say, nor the volatility beyond what their prices do. With one
//! honest operator silent the liars are half of the values: the price is then up to `confidence / 1.4826` off
//! the nearest honest value. At the defaults that is 3.4 % of a price on which risk may be reduced, and 1.35
//! % of one that counts for the volatility or for a liquidation. A larger difference makes no price, and the
//! old one ages.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

pub mod aggregation;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod feeding;
mod fitness;
pub mod history;
mod impls;
#[cfg(test)]
mod mock;
mod suspension;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
pub mod types;
pub mod weights;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use frame_support::{
		pallet_prelude::*,
		traits::{Contains, Time},
	};
	use frame_system::pallet_prelude::*;
	use keel_math::FixedU128;
	use keel_primitives::{FeedId, Moment, RiskParameters};
	use sp_runtime::{
		traits::{IdentifyAccount, Verify},
		transaction_validity::TransactionValidityWithRefund,
		FixedI128,
	};

	/// How far ahead of the block's time an observation may be, in milliseconds: the operator's clock and the
	/// author's are two. What is ahead counts as observed at the block's time.
	pub const CLOCK_SKEW: Moment = 3_000;

	/// Blocks a feed waits in the pool.
	pub const LONGEVITY: u64 = 5;

	/// Tag prefix of a feed in the pool; the tag is the operator.
	pub const TAG: &str = "KeelFeed";

	/// Priority of a feed observed in 1970. Every millisecond adds one, so that a newer feed replaces an
	/// older one of the same operator. Above every liquidation.
	pub const BASE_PRIORITY: TransactionPriority = TransactionPriority::MAX - LATEST_RANKED;

	/// Observations later than this, in the year 10889, have the same priority.
	pub const LATEST_RANKED: Moment = 1 << 48;

	/// `InvalidTransaction::Custom` code: the observation is more than [`CLOCK_SKEW`] ahead of the block.
	pub const FROM_THE_FUTURE: u8 = 2;

	/// What a feeder signs begins with this. No extrinsic does.
	pub const FEED_DOMAIN: [u8; 9] = *b"keel/feed";

	/// Prices in USD per whole unit, by feed.
	pub type FeedValues<T> = BoundedVec<(FeedId, FixedU128), <T as Config>::MaxFeeds>;

	/// The operators by account.
	pub type OperatorsOf<T> = BoundedBTreeMap<
		<T as frame_system::Config>::AccountId,
		Operator<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>,
		<T as Config>::MaxOperators,
	>;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// Adds and removes feeds.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Adds and removes operators.
		type OperatorOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// The signature of a feeder.
		type Signature: Parameter + Verify<Signer: IdentifyAccount<AccountId = Self::AccountId>>;

		/// The clock.
		type Time: Time<Moment = Moment>;

		/// The operators' raw values.
		type RawValues: RawValues<Self::AccountId>;

		/// The governed numbers: quorum, ages, tolerances.
		type RiskParameters: RiskParameters;

		/// Feeds a branch, a market or collateral relies on. They can't be removed.
		type InUse: Contains<FeedId>;

		/// Operators that are suspended. One that is removed and added again is what it was.
		type Suspended: Contains<Self::AccountId>;

		/// The most feeds there can be. The covariance matrix has its square, halved.
		#[pallet::constant]
		type MaxFeeds: Get<u32>;

		/// The most operators there can be. An aggregation looks at one value more: Root's.
		#[pallet::constant]
		type MaxOperators: Get<u32>;

		/// Weights of the calls and hooks.
		type WeightInfo: WeightInfo;

		/// Sets the clock and signs feeds for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper<Self::AccountId, Self::Signature>;
	}

	/// The registered feeds: all a consumer needs of one, in one value.
	#[pallet::storage]
	pub type Feeds<T: Config> = CountedStorageMap<_, Twox64Concat, FeedId, FeedState>;

	/// The numbers of feeds that were removed. None is given again: what somebody still holds by it would be
	/// priced by another.
	#[pallet::storage]
	pub type Removed<T: Config> = StorageMap<_, Twox64Concat, FeedId, ()>;

	/// The operators: their feeders, and when they last fed. Small and bounded, so that one read answers
	/// everything.
	#[pallet::storage]
	pub type Operators<T: Config> = StorageValue<_, OperatorsOf<T>, ValueQuery>;

	/// Each feed's integral of the price over time, sampled every minute, oldest first.
	#[pallet::storage]
	pub type History<T: Config> = StorageMap<_, Twox64Concat, FeedId, Samples, ValueQuery>;

	/// Feeds with new values in this block. Empty between blocks.
	#[pallet::storage]
	pub type Pending<T: Config> = StorageValue<_, BoundedBTreeSet<FeedId, T::MaxFeeds>, ValueQuery>;

	/// Volatilities and covariances of all feeds.
	#[pallet::storage]
	pub type Statistics<T: Config> = StorageValue<_, MarketStatistics<T::MaxFeeds>, ValueQuery>;

	/// Blocks with a new price that the chain still needs after a stop; zero if it does not recover from one.
	#[pallet::storage]
	pub type Recovering<T> = StorageValue<_, u32, ValueQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An operator fed prices. Values of unknown feeds were left out.
		Fed {
			/// The operator.
			operator: T::AccountId,
			/// When it observed them, in milliseconds since 1970.
			observed_at: Moment,
			/// The values taken, in USD per whole unit.
			values: Vec<(FeedId, FixedU128)>,
		},
		/// An operator named the key that signs its feeds.
		FeederSet {
			/// The operator.
			operator: T::AccountId,
			/// The key; `None` is the operator's own account.
			feeder: Option<T::AccountId>,
		},
		/// An operator was added.
		OperatorAdded {
			/// The operator.
			operator: T::AccountId,
		},
		/// An operator was removed, with its feeder and its values.
		OperatorRemoved {
			/// The operator.
			operator: T::AccountId,
		},
		/// The operators' values made a new price.
		PriceUpdated {
			/// The feed.
			feed: FeedId,
			/// USD per whole unit.
			value: FixedU128,
			/// One standard deviation of the values used, in USD per whole unit.
			confidence: FixedU128,
			/// Values that were fresh.
			fresh: u32,
			/// Values that were fresh and no outliers.
			used: u32,
		},
		/// Too few values are fresh and agree, or they disagree too much for any purpose: the
		/// feed's price ages until they agree. Said once.
		QuorumLost {
			/// The feed.
			feed: FeedId,
			/// Values that are fresh.
			fresh: u32,
			/// Values that are fresh and no outliers; zero where too few are fresh. A quorum or more, and at
			/// least half of the fresh ones, where their spread is the reason.
			used: u32,
		},
		/// Enough values are fresh and agree closely enough, for the first time or again.
		QuorumRestored {
			/// The feed.
			feed: FeedId,
		},
		/// Enough blocks have made a price since the chain stood still: it adds risk again.
		ChainRecovered,
		/// A feed was added.
		FeedAdded {
			/// The feed.
			feed: FeedId,
			/// How it is called.
			symbol: Symbol,
			/// The annualised volatility it starts with.
			initial_volatility: FixedU128,
		},
		/// A feed was removed, with its price, history and statistics.
		FeedRemoved {
			/// The feed.
			feed: FeedId,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// No feed has this id. Use one that the `feeds` storage lists, or have it added by governance.
		UnknownFeed,
		/// The feed never had a price. It gets one as soon as a quorum of operators has fed it and agrees to
		/// within `ReduceRiskConfidence`.
		PriceMissing,
		/// The last price is older than this action allows. Wait for the next one; leaving or repaying
		/// accepts older prices than taking risk. The `price` view shows the age and each limit.
		PriceTooOld,
		/// The operators disagree more than this action allows. Wait until they agree again; leaving or
		/// repaying accepts more than taking risk. The `price` view shows the confidence and each limit.
		PriceTooUncertain,
		/// The price is one of the first after an outage of its feed, or of a new feed. Adding risk and
		/// liquidating take `RecoveryPrices` of them in a row, a few seconds each; repaying and closing work
		/// now. The `price` view shows how many there are and how many it takes.
		PriceRecovering,
		/// This feed's prices are stopped for some hours, or one that made the last price is suspended: there
		/// is no price to add risk or to liquidate on. Leaving uses the last one as long as its age allows.
		/// The view `powers` of `emergency` says until when.
		PriceWithheld,
		/// The operator is suspended: its feeds are refused until it is resumed. The view `powers` of
		/// `emergency` says when.
		OperatorSuspended,
		/// A feed with this id exists, or did and was removed. Use an id that was never given.
		FeedExists,
		/// As many feeds as the chain supports are registered. Remove one first.
		TooManyFeeds,
		/// The symbol is empty or not printable ASCII. Use 1 to 16 letters, digits or signs, such as `BTC`.
		InvalidSymbol,
		/// The initial volatility is above 10,000 %. Use a number up to 100, with `1` being 100 % a year.
		VolatilityTooHigh,
		/// A registered asset or a market uses this feed, and what anybody holds of it needs a price. Settle
		/// and remove the market; shut the branch down, wait until nothing is held, and
		/// `assetRegistry.forget` the asset first.
		FeedInUse,
		/// The account is no operator. Use one that the `operators` storage lists, or have it added by Root.
		NotOperator,
		/// The account is an operator already.
		AlreadyOperator,
		/// As many operators as the chain supports are listed. Remove one first.
		TooManyOperators,
		/// Fewer operators would be left than `OracleQuorum` asks for, and no price could be made. Add
		/// another operator or lower the quorum first.
		TooFewOperators,
		/// The key feeds for another operator, or is another operator's account. Name a key of its own.
		FeederTaken,
		/// The operator has fed prices observed at that time or later. Send newer ones.
		NotNewer,
		/// The prices were observed longer ago than `OracleMaxAge`. Send newer ones.
		ObservedTooLongAgo,
		/// The prices were observed more than three seconds after this block's time. Set the feeder's clock.
		ObservedInTheFuture,
		/// The operator has fed in this block. Feed again in the next one.
		AlreadyFed,
		/// None of the feeds is registered, or no value is there. Feed one that the `feeds` storage lists.
		NothingToFeed,
		/// A feed is there twice. Name each feed once.
		DuplicateFeed,
	}

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Feeds: id, symbol, initial annualised volatility. Prices come from operators only.
		pub feeds: Vec<(FeedId, Vec<u8>, FixedU128)>,
		/// The operators.
		pub operators: Vec<T::AccountId>,
		/// Names the runtime the feeds are for.
		#[serde(skip)]
		pub _config: PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			for (feed, symbol, volatility) in &self.feeds {
				// A chain whose genesis is wrong must not start.
				let symbol = Symbol::try_from(symbol.clone()).expect("a symbol has at most 16 bytes");
				Pallet::<T>::do_add_feed(*feed, symbol, *volatility).expect("the genesis feeds are valid");
			}
			for operator in &self.operators {
				Pallet::<T>::do_add_operator(operator.clone()).expect("the genesis operators are valid");
			}
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Reserves the weight of `on_finalize`: every registered feed may become pending in this block, and
		/// a sample may be due (the block's time is not known yet).
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			T::WeightInfo::aggregate(Feeds::<T>::count())
				.saturating_add(T::WeightInfo::sample())
				// The count of feeds; the blocks that a recovery still needs.
				.saturating_add(T::DbWeight::get().reads_writes(2, 1))
		}

		fn on_finalize(_: BlockNumberFor<T>) {
			Self::do_finalize();
		}

		fn integrity_test() {
			let (feeds, operators) = (T::MaxFeeds::get(), T::MaxOperators::get());
			assert!(
				(1..=64).contains(&feeds),
				"between 1 and 64 feeds: the covariance matrix is their square"
			);
			assert!(operators >= 1, "a price takes at least one operator");
			let feeds_of_a_block = T::WeightInfo::feed(feeds)
				.saturating_add(T::WeightInfo::authorize_feed(feeds))
				.saturating_mul(operators.into());
			assert!(
				feeds_of_a_block
					.saturating_mul(10)
					.all_lte(T::BlockWeights::get().max_block),
				"the feeds of all operators take at most a tenth of a block"
			);
			let reserved = T::WeightInfo::aggregate(feeds).saturating_add(T::WeightInfo::sample());
			let block = T::BlockWeights::get().max_block;
			assert!(
				reserved.saturating_mul(2).all_lte(block),
				"aggregation takes at most half of a block"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The last price of a feed, whole: symbol, value, confidence, time, five-minute average, volatility,
		/// age, and for each purpose whether it is good enough or which limit fails. `None` for an unknown
		/// feed.
		pub fn price(feed: FeedId) -> Option<PriceView> {
			Self::price_view(feed)
		}

		/// The time-weighted average price of a feed over the last `window_ms` milliseconds, up to an hour,
		/// in USD per whole unit, rounded down. The last price counts until now. `None` for an unknown feed,
		/// an empty or longer window, or one that begins before the feed's history.
		pub fn twap(feed: FeedId, window_ms: Moment) -> Option<FixedU128> {
			Self::average(feed, window_ms)
		}

		/// The annualised covariance of two feeds' returns; of a feed with itself, its variance. `None` for
		/// unknown feeds.
		pub fn covariance(a: FeedId, b: FeedId) -> Option<FixedI128> {
			Self::covariance_of(a, b)
		}

		/// The correlation of two feeds' returns, between -1 and 1. `None` for unknown feeds, and where one
		/// of them has not moved yet.
		pub fn correlation(a: FeedId, b: FeedId) -> Option<FixedI128> {
			Self::correlation_of(a, b)
		}

		/// What each operator says about a feed now: value, time, whether it is fresh, whether it is an
		/// outlier. In the order in which the oracle lists its operators. Empty for an unknown feed.
		pub fn operator_values(feed: FeedId) -> Vec<OperatorValue> {
			Self::assessed(feed)
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Add a feed.
		///
		/// ## Origin
		///
		/// [`Config::AdminOrigin`].
		///
		/// ## Details
		///
		/// The feed has no price until a quorum of operators has fed it and agrees. Until it has moved,
		/// `initial_volatility` (annualised, `1` being 100 %) stands for its volatility: choose it rather too
		/// high than too low. It has no covariance with other feeds yet.
		///
		/// ## Errors
		///
		/// - [`Error::InvalidSymbol`], [`Error::VolatilityTooHigh`]: an argument is out of range.
		/// - [`Error::FeedExists`]: the id is taken, or was.
		/// - [`Error::TooManyFeeds`]: there is no room.
		///
		/// ## Events
		///
		/// [`Event::FeedAdded`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::add_feed().saturating_add(T::WeightInfo::aggregate(1)))]
		pub fn add_feed(
			origin: OriginFor<T>,
			feed: FeedId,
			symbol: Symbol,
			initial_volatility: FixedU128,
		) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::do_add_feed(feed, symbol.clone(), initial_volatility)?;
			Self::deposit_event(Event::FeedAdded {
				feed,
				symbol,
				initial_volatility,
			});
			Ok(())
		}

		/// Remove a feed with its price, history and statistics.
		///
		/// ## Origin
		///
		/// [`Config::AdminOrigin`].
		///
		/// ## Details
		///
		/// Only a feed that no branch, market or collateral relies on: without a price also exits and
		/// liquidations would be refused. The operators' values go with it; feeds that still name it are
		/// accepted without it.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownFeed`]: no feed has this id.
		/// - [`Error::FeedInUse`]: a registered asset or a market uses it.
		///
		/// ## Events
		///
		/// [`Event::FeedRemoved`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::remove_feed())]
		pub fn remove_feed(origin: OriginFor<T>, feed: FeedId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::do_remove_feed(feed)?;
			Self::deposit_event(Event::FeedRemoved { feed });
			Ok(())
		}

		/// Feed prices of an operator.
		///
		/// ## Origin
		///
		/// Authorised: `signature` is the authority; the transaction itself carries none. A signed or root
		/// origin is refused.
		///
		/// ## Details
		///
		/// Free, without a nonce. The operator's feeder signs the bytes `keel/feed`, then the SCALE encoding
		/// of the genesis hash, `operator`, `observed_at` and `values`. `observed_at` is in milliseconds
		/// since 1970; values are in USD per whole unit with 18 decimals; zero withdraws the operator's
		/// value. Values of unknown feeds are skipped.
		///
		/// The pool refuses as *outdated* what is not newer than the operator's last feed or older than
		/// `OracleMaxAge`, as *bad signer* what names no operator, as *bad proof* what the feeder did not
		/// sign, as *call not expected* what names no registered feed or one twice. A block also refuses, as
		/// custom error `2`, what was observed more than three seconds after its own time, and leaves an
		/// operator's second feed to the next block.
		///
		/// Class `Operational`: no tip of other transactions keeps feeds out of a block. They are bounded by
		/// one per operator and block.
		///
		/// ## Errors
		///
		/// - [`Error::NotOperator`]: the account is no operator.
		/// - [`Error::NotNewer`], [`Error::ObservedTooLongAgo`], [`Error::ObservedInTheFuture`]: the time
		///   does not fit.
		/// - [`Error::AlreadyFed`]: the operator fed in this block.
		/// - [`Error::NothingToFeed`], [`Error::DuplicateFeed`]: the values do not fit.
		///
		/// ## Events
		///
		/// [`Event::Fed`].
		#[pallet::call_index(2)]
		#[pallet::weight((T::WeightInfo::feed(values.len() as u32), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_feed(values.len() as u32))]
		#[pallet::authorize(Self::authorize_feed)]
		pub fn feed(
			origin: OriginFor<T>,
			operator: T::AccountId,
			observed_at: Moment,
			values: FeedValues<T>,
			signature: T::Signature,
		) -> DispatchResult {
			// Only `authorize_feed` gives this origin, in a block too: the signature is good.
			ensure_authorized(origin)?;
			let _ = signature;
			Self::do_feed(operator, observed_at, values)
		}

		/// Name the key that signs the operator's feeds.
		///
		/// ## Origin
		///
		/// Signed by the operator.
		///
		/// ## Details
		///
		/// The key needs no account and no balance. `None` is the operator's own account. Feeds that wait in
		/// the pool with another key's signature are void from then on.
		///
		/// ## Errors
		///
		/// - [`Error::NotOperator`]: the caller is no operator.
		/// - [`Error::FeederTaken`]: the key serves another operator.
		///
		/// ## Events
		///
		/// [`Event::FeederSet`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::set_feeder())]
		pub fn set_feeder(origin: OriginFor<T>, feeder: Option<T::AccountId>) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			Self::do_set_feeder(&operator, feeder.clone())?;
			Self::deposit_event(Event::FeederSet { operator, feeder });
			Ok(())
		}

		/// Add an operator.
		///
		/// ## Origin
		///
		/// [`Config::OperatorOrigin`].
		///
		/// ## Details
		///
		/// Its own account signs its feeds until it names another key.
		///
		/// ## Errors
		///
		/// - [`Error::AlreadyOperator`]: it is one.
		/// - [`Error::TooManyOperators`]: there is no room.
		///
		/// ## Events
		///
		/// [`Event::OperatorAdded`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::add_operator())]
		pub fn add_operator(origin: OriginFor<T>, operator: T::AccountId) -> DispatchResult {
			T::OperatorOrigin::ensure_origin(origin)?;
			Self::do_add_operator(operator.clone())?;
			Self::deposit_event(Event::OperatorAdded { operator });
			Ok(())
		}

		/// Remove an operator, its feeder and its values, at once.
		///
		/// ## Origin
		///
		/// [`Config::OperatorOrigin`].
		///
		/// ## Details
		///
		/// At least `OracleQuorum` operators must be left, or no price could be made: to replace one, add the
		/// other first.
		///
		/// ## Errors
		///
		/// - [`Error::NotOperator`]: it is none.
		/// - [`Error::TooFewOperators`]: the quorum could not be met.
		///
		/// ## Events
		///
		/// [`Event::OperatorRemoved`].
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::remove_operator())]
		pub fn remove_operator(origin: OriginFor<T>, operator: T::AccountId) -> DispatchResult {
			T::OperatorOrigin::ensure_origin(origin)?;
			Self::do_remove_operator(&operator)?;
			Self::deposit_event(Event::OperatorRemoved { operator });
			Ok(())
		}
	}

	impl<T: Config> Pallet<T> {
		/// Validity of a feed. In a block, part of consensus.
		fn authorize_feed(
			source: TransactionSource,
			operator: &T::AccountId,
			observed_at: &Moment,
			values: &FeedValues<T>,
			signature: &T::Signature,
		) -> TransactionValidityWithRefund {
			Self::validate_feed(source, operator, *observed_at, values, signature)
				.map(|valid| (valid, Weight::zero()))
		}

		/// `feed` has a new raw value: aggregate it at the end of this block. A feed that is not registered
		/// is ignored.
		pub fn note_new_value(feed: FeedId) {
			if !Feeds::<T>::contains_key(feed) {
				return;
			}
			Self::note_pending([feed]);
		}
	}
}
