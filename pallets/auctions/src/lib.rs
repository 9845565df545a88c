//! # Auctions
//!
//! Sells, at a falling price, the collateral that the stability pool could not take.
//!
//! ## Overview
//!
//! An auction starts above spot and falls by a cut every step. Anyone buys any part of it at the price of the moment with
//! [`take`](Pallet::take). What is paid first burns the debt the auction carries, then the penalty goes to the insurance
//! fund; when both are raised, the rest of the collateral returns to its owner. Every parameter is copied at the start:
//! governance, prices and the branch may change, a running auction does not.
//!
//! Nothing is sold below the **reserve price**. When the curve falls below it, or the longest duration is
//! over, nobody can take any more and the insurance fund buys: it takes collateral worth debt and penalty at
//! the reserve price, burns what it can of the debt, and records the rest as bad debt. What is left returns
//! to the owner. Where the price fit for leaving is lower by then, the fund counts what it takes at that
//! price, and at nothing without one.
//!
//! ## The fund's collateral
//!
//! Collateral the fund had to buy is sold the same way, by rule: once a minute `on_idle` starts a sale of
//! every asset the fund holds whose price is fit and calm, that is within `deviation_guarded` of its
//! five-minute average. Anyone may start one by [`sell_fund_collateral`](Pallet::sell_fund_collateral), under
//! the same conditions. The registry of assets says the feed and the decimals; a sale follows the parameters
//! of the live branch of the asset, or [`types::without_branch`] if there is none.
//!
//! A sale offers a portion: a quarter of what the fund holds of the asset, at least [`types::LEAST_PORTION`];
//! less is sold whole. One sale of an asset runs at a time, and the amount is not its caller's to choose.
//!
//! Where a feed has no price, Root may name one by
//! [`sell_fund_collateral_at`](Pallet::sell_fund_collateral_at).
//!
//! ## Time
//!
//! The price falls by **active time** ([`Config::ActiveTime`]): the time in which blocks were made and buyers
//! could act. A stop of the chain costs an auction at most the step the clock makes in one block, 60 s in the
//! runtime, which is three cuts at the default of 1 % every 20 s. So no auction falls from its start to its
//! reserve while nobody could buy.
//!
//! ## Circuit breaker
//!
//! A sale of the fund's collateral can wait, so that none starts while the asset's live branch, or the chain,
//! is held to `ReduceOnly` or more: that is when the price is least to be trusted and buyers are fewest. A
//! level the drawdown fuse alone holds is no obstacle, for the proceeds are its remedy. Everything else stays
//! open at every level: liquidated collateral is auctioned, bought, settled and claimed, and a sale that runs
//! goes on.
//!
//! ## Who ends an auction
//!
//! The length of an auction is known at its start. Auctions wait in a queue ordered by it; `on_idle` settles
//! those that are due, and anyone may [`settle`](Pallet::settle). A settlement that fails is put off and
//! never holds up those behind it.
//!
//! ## Rounding
//!
//! A buyer pays for a whole number of base units, rounded up, so that the last of them may bring more than
//! was needed, by less than its price. From [`keel_primitives::KEPT_ROUNDING`] on that is the owner's, in
//! kUSD; less goes to the fund with the penalty. Likewise the fund pays the owner what a takeover exceeds
//! debt and penalty by at the price it counts, as far as its shared tranche goes.
//!
//! ## Dust
//!
//! A purchase ends the auction or leaves something worth buying: at least a tenth of the branch's minimum debt, both
//! in kUSD still to raise and in collateral at the price of the moment. A lot too small for that is bought whole.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod impls;
pub mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;

pub use pallet::*;
pub use types::{Auction, AuctionPage, AuctionView, Kind, Purchase, QueueKey};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use alloc::vec::Vec;
	use frame_support::{
		pallet_prelude::*,
		traits::{fungibles, Time},
		weights::WeightMeter,
		PalletId,
	};
	use frame_system::pallet_prelude::*;
	use keel_primitives::{AssetId, AuctionId, Balance, BranchId, Moment};
	use sp_runtime::FixedU128;

	use super::*;

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// The assets: the synthetic and the collateral, each with a minimum balance of one.
		type Assets: fungibles::Inspect<Self::AccountId, AssetId = AssetId, Balance = Balance>
			+ fungibles::Mutate<Self::AccountId>
			+ fungibles::metadata::Inspect<Self::AccountId>;

		/// kUSD.
		#[pallet::constant]
		type Synthetic: Get<AssetId>;

		/// The price at which a sale of the fund's collateral starts. Liquidations bring their own.
		type Prices: keel_primitives::PriceProvider;

		/// Feed, decimals and live branch of the fund's collateral.
		type Registry: keel_primitives::AssetRegistry;

		/// Origin that may sell the fund's collateral at a price it names.
		type NamedPriceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// The curve's parameters, by branch.
		type RiskParameters: keel_primitives::RiskParameters;

		/// The last buyer, and the receiver of penalties.
		type InsuranceFund: keel_primitives::InsuranceFund<Self::AccountId>;

		/// Asked before a sale of the fund's collateral starts.
		type CircuitBreaker: keel_primitives::CircuitBreaker;

		/// Active time, in milliseconds: the clock that prices fall by. It stands still while no block is
		/// made.
		type ActiveTime: Time<Moment = Moment>;

		/// The account that holds what is for sale is derived from this.
		#[pallet::constant]
		type PalletId: Get<PalletId>;

		/// The most auctions one block settles by itself.
		#[pallet::constant]
		type MaxSettlePerBlock: Get<u32>;

		/// Weights of the calls and of the hook.
		type WeightInfo: WeightInfo;
	}

	/// How long a settlement that failed waits before the block tries it again, in milliseconds of active
	/// time.
	pub const RETRY_AFTER_MS: Moment = 600_000;

	/// How often the block looks for collateral of the fund's to sell, in milliseconds of active time.
	pub const SELL_EVERY_MS: Moment = 60_000;

	/// The most auctions the view `running` looks at in one page.
	pub const MAX_PAGE: u32 = 500;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// The running auctions.
	#[pallet::storage]
	pub type Auctions<T: Config> = StorageMap<_, Twox64Concat, AuctionId, Auction<T::AccountId>>;

	/// The next auction's number.
	#[pallet::storage]
	pub type NextAuctionId<T> = StorageValue<_, AuctionId, ValueQuery>;

	/// Debt carried by running auctions, in base units of kUSD.
	#[pallet::storage]
	pub type Debt<T> = StorageValue<_, Balance, ValueQuery>;

	/// The running auctions by the active time at which they are due to be settled, the earliest first.
	#[pallet::storage]
	pub type EndQueue<T> = StorageMap<_, Identity, QueueKey, ()>;

	/// Collateral, or kUSD that was over, that could not be paid to its owner. It waits for `claim`.
	#[pallet::storage]
	pub type Claims<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, AssetId, Balance, ValueQuery>;

	/// The running sale of each collateral the fund holds. At most one per asset.
	#[pallet::storage]
	pub type FundSales<T> = StorageMap<_, Twox64Concat, AssetId, AuctionId>;

	/// Active time at which the block looks for collateral of the fund's to sell next, in milliseconds.
	#[pallet::storage]
	pub type NextSales<T> = StorageValue<_, Moment, ValueQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An auction started. Prices are in USD per whole unit; `ends_in` is in milliseconds of active time,
		/// in which a time without blocks does not count.
		Started {
			auction: AuctionId,
			kind: Kind<T::AccountId>,
			branch: Option<BranchId>,
			asset: AssetId,
			collateral: Balance,
			debt: Balance,
			penalty: Balance,
			start_price: FixedU128,
			reserve_price: FixedU128,
			ends_in: Moment,
		},
		/// `buyer` paid `paid` kUSD for `collateral`; `burned` of it repaid debt, `surplus` went to the
		/// owner, the rest to the insurance fund.
		Taken {
			auction: AuctionId,
			buyer: T::AccountId,
			price: FixedU128,
			collateral: Balance,
			paid: Balance,
			burned: Balance,
			surplus: Balance,
		},
		/// A purchase ended the auction. `returned` went to the owner; of the debt that was not raised the fund burned
		/// `covered` and recorded `bad_debt`.
		Closed {
			auction: AuctionId,
			returned: Balance,
			covered: Balance,
			bad_debt: Balance,
		},
		/// The auction ended unsold. The fund took `collateral`, burned `covered` and recorded `bad_debt`; `returned` went
		/// to the owner.
		Settled {
			auction: AuctionId,
			collateral: Balance,
			returned: Balance,
			covered: Balance,
			bad_debt: Balance,
		},
		/// A settlement failed. A block tries again after `retry_in` milliseconds of active time.
		SettlementPostponed {
			auction: AuctionId,
			error: DispatchError,
			retry_in: Moment,
		},
		/// An amount could not be paid to `owner`, and waits for `claim`.
		ClaimRecorded {
			owner: T::AccountId,
			asset: AssetId,
			amount: Balance,
		},
		/// An amount that had waited was claimed.
		Claimed {
			owner: T::AccountId,
			asset: AssetId,
			amount: Balance,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// No such auction is running: it never was, or it is over. The view `running` lists those that are.
		UnknownAuction,
		/// The auction is over: its price fell below the reserve or its time is up. The insurance fund takes the rest; look
		/// for another auction.
		AuctionExpired,
		/// The auction is still open. It can be settled after the time `ends_in` of the view `auction` has
		/// passed.
		NotExpired,
		/// The price is above your limit. Raise `max_price`, or wait for the price to fall.
		PriceAboveLimit,
		/// Nothing was asked for. Name an amount above zero.
		NothingAsked,
		/// What you would leave is too little for anybody to buy. Take all of it (a larger `max_collateral` does), or less.
		DustLeft,
		/// There is nothing to sell or nothing to raise. A lot needs collateral, and debt or penalty.
		EmptyLot,
		/// The lot can't be sold: its asset is kUSD itself, or its owner or seller is the auctions' own account. Name others.
		InvalidLot,
		/// The auctions' own account can't buy. Use another one.
		OwnAccount,
		/// The branch's auction parameters or the price make no curve: the start must be at or above a reserve above zero,
		/// the cut at most one, the duration above zero. Governance has to correct them.
		InvalidParameters,
		/// An asset with more than 18 decimals has no price here. Only others can be sold.
		UnsupportedDecimals,
		/// Spot is too far from its five-minute average for a sale of the fund's that can wait. Try again
		/// once it is calm.
		PriceNotCalm,
		/// The asset's price has risen since this sale of the fund's began, and it sells nothing below the
		/// reserve's share of the price of now. Wait for the next sale; it begins at that price.
		PriceOvertaken,
		/// The feed of the asset has a price, so none may be named. Use `sellFundCollateral`.
		PriceIsKnown,
		/// A sale of this collateral is running. Wait until it is over.
		SaleRunning,
		/// The fund holds nothing of this asset. Name one of which its view `collateral_held` says more than zero.
		FundHoldsNone,
		/// Nothing of this asset waits for you. The view `claim_of` says what does.
		NothingToClaim,
		/// The asset could not be moved in this exact amount: a rest would fall below its minimum balance. Lower the asset's
		/// minimum balance to one.
		NotExact,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let mut meter = WeightMeter::with_limit(remaining);
			Self::settle_due(&mut meter);
			Self::sell_due(&mut meter);
			meter.consumed()
		}

		fn integrity_test() {
			assert!(
				T::MaxSettlePerBlock::get() > 0,
				"a block must be able to settle an auction"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// A running auction, its price now, what it still has to raise and how long it runs. Nothing, if it
		/// is over.
		pub fn auction(auction: AuctionId) -> Option<AuctionView<T::AccountId>> {
			Auctions::<T>::get(auction).map(|running| running.view(auction, T::ActiveTime::now()))
		}

		/// What `take` would do now for at most `max_collateral` base units of collateral: how many you get, at what price,
		/// and what you pay; or the error it would fail with.
		pub fn quote_take(auction: AuctionId, max_collateral: Balance) -> Result<Purchase, DispatchError> {
			let running = Auctions::<T>::get(auction).ok_or(Error::<T>::UnknownAuction)?;
			Self::quote(&running, T::ActiveTime::now(), max_collateral)
		}

		/// The running auctions of `branch`, or all of them if none is named, from number `from` on, at most
		/// `limit` of them. `next` is where the next page starts; nothing, if this was the last one. A page
		/// may be short: go on until there is no `next`.
		pub fn running(branch: Option<BranchId>, from: AuctionId, limit: u32) -> AuctionPage<T::AccountId> {
			Self::page(branch, from, limit)
		}

		/// What waits of `asset` for `owner` to claim it, in its base units.
		pub fn claim_of(owner: T::AccountId, asset: AssetId) -> Balance {
			Claims::<T>::get(owner, asset)
		}

		/// Debt carried by running auctions, in base units of kUSD.
		pub fn carried_debt() -> Balance {
			Debt::<T>::get()
		}

		/// The auctions that are over and wait to be settled, by number; at most 500. Anybody may call `settle` for them.
		pub fn expired() -> Vec<AuctionId> {
			let now = T::ActiveTime::now();
			Self::queue(MAX_PAGE)
				.into_iter()
				.filter(|(_, auction)| {
					Auctions::<T>::get(auction).is_some_and(|running| !running.is_open(now))
				})
				.map(|(_, auction)| auction)
				.collect()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Buy collateral from a running auction, at the price of this moment.
		///
		/// ## Origin
		///
		/// Signed, by whoever pays.
		///
		/// ## Details
		///
		/// You get at most `max_collateral` base units, and no more than is needed to raise the debt and the penalty, for a
		/// price per whole unit of at most `max_price`. The view `quote_take` says beforehand what you get and pay. A part is
		/// fine as long as what you leave is worth buying; see the pallet's notes on dust.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownAuction`], [`Error::AuctionExpired`]: there is nothing to buy.
		/// - [`Error::PriceAboveLimit`]: the price has not fallen to your limit.
		/// - [`Error::NothingAsked`]: `max_collateral` is zero.
		/// - [`Error::DustLeft`]: too little would be left.
		/// - [`Error::OwnAccount`]: the buyer is the seller.
		/// - those of the assets pallet when your kUSD does not suffice or is frozen.
		///
		/// ## Events
		///
		/// - [`Event::Taken`], and [`Event::Closed`] if that was the end.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::take())]
		pub fn take(
			origin: OriginFor<T>,
			auction: AuctionId,
			max_collateral: Balance,
			max_price: FixedU128,
		) -> DispatchResult {
			let buyer = ensure_signed(origin)?;
			Self::do_take(&buyer, auction, max_collateral, max_price).map(|_| ())
		}

		/// Settle an auction that is over: the insurance fund takes what was not sold.
		///
		/// ## Origin
		///
		/// Signed, by anyone. Blocks do it by themselves when they have time.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownAuction`]: it is not running.
		/// - [`Error::NotExpired`]: it is still open.
		/// - those of the fund and of the assets pallet, when they can't move what has to be moved.
		///
		/// ## Events
		///
		/// - [`Event::Settled`], and [`Event::ClaimRecorded`] if the owner could not be paid.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::settle())]
		pub fn settle(origin: OriginFor<T>, auction: AuctionId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_settle(auction)
		}

		/// Start a sale of collateral the insurance fund holds.
		///
		/// ## Origin
		///
		/// Signed, by anyone. Blocks do it by themselves when they have time.
		///
		/// ## Details
		///
		/// The registry says how `asset` is priced. The sale follows the parameters of its live branch, or
		/// the pallet's own if there is none, and starts from the price at which positions may be liquidated.
		/// All it brings goes to the fund, which pays bad debt down first. What is not sold at the end
		/// returns to the fund. A quarter of what the fund holds is for sale, at least 100,000 kUSD worth;
		/// one sale runs per asset.
		///
		/// ## Errors
		///
		/// - the registry's own: `asset` is not registered.
		/// - the circuit breaker's own, while something else than the drawdown holds the live branch of
		///   `asset`, or the chain, to `ReduceOnly` or more: wait until it is lowered.
		/// - those of the prices pallet, when the price is refused, and [`Error::PriceNotCalm`].
		/// - [`Error::SaleRunning`]: one sale per asset at a time.
		/// - [`Error::FundHoldsNone`]: there is nothing to sell.
		/// - [`Error::InvalidParameters`]: the branch's parameters make no curve.
		///
		/// ## Events
		///
		/// - [`Event::Started`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::sell_fund_collateral())]
		pub fn sell_fund_collateral(origin: OriginFor<T>, asset: AssetId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_sell_fund_collateral(asset).map(|_| ())
		}

		/// Fetch collateral or kUSD that could not be paid to you when an auction ended.
		///
		/// ## Origin
		///
		/// Signed, by its owner.
		///
		/// ## Errors
		///
		/// - [`Error::NothingToClaim`]: nothing of `asset` waits for you.
		/// - those of the assets pallet, while your account still can't receive it; the claim stays.
		///
		/// ## Events
		///
		/// - [`Event::Claimed`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::claim())]
		pub fn claim(origin: OriginFor<T>, asset: AssetId) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_claim(&owner, asset)
		}

		/// Start a sale of collateral the insurance fund holds, at a price that is named because its feed has
		/// none.
		///
		/// ## Origin
		///
		/// [`Config::NamedPriceOrigin`].
		///
		/// ## Details
		///
		/// `price` is USD per whole unit, with 18 decimals, and takes the place of spot: the curve starts
		/// above it and ends at its reserve. All the fund holds of `asset` is for sale. No breaker is asked:
		/// a feed without a price holds its branch for good.
		///
		/// ## Errors
		///
		/// - the registry's own: `asset` is not registered.
		/// - [`Error::PriceIsKnown`]: the feed has a price.
		/// - [`Error::SaleRunning`]: one sale per asset at a time.
		/// - [`Error::FundHoldsNone`]: there is nothing to sell.
		/// - [`Error::InvalidParameters`]: the price is zero, or the branch's parameters make no curve.
		///
		/// ## Events
		///
		/// - [`Event::Started`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::sell_fund_collateral())]
		pub fn sell_fund_collateral_at(
			origin: OriginFor<T>,
			asset: AssetId,
			price: FixedU128,
		) -> DispatchResult {
			T::NamedPriceOrigin::ensure_origin(origin)?;
			Self::do_sell_fund_collateral_at(asset, price).map(|_| ())
		}
	}
}
