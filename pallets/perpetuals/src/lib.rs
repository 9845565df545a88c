//! # Perpetuals
//!
//! Perpetual futures against one liquidity pool: markets, orders, positions, funding, and who carries a loss.
//!
//! ## Overview
//!
//! - A **market** needs a feed and parameters. Its price depends on the net of all positions, the *skew*: the
//!   premium over the index is `skew / K`, between `−M` and `M`, and a trade fills at the mean of the premium
//!   on the way it moves the skew, whether it opens or closes. Going in a circle earns nothing.
//! - The **mark**, by which accounts are judged, is the index and that premium. Nobody's exit is further than
//!   `M` from the index whatever others do before, and the maintenance margin covers `2·M` and the fees: no
//!   order in which positions are closed leaves a loss to others while the index stands still.
//! - All markets are in one value, the **state**, brought up to date once a block, before transactions:
//!   prices and what they are good enough for, funding, margin rates. Everything else in the block reads
//!   it, so that views quote what execution does.
//! - An **order** is committed and fills at the first index price made after that, in the order of
//!   commitment. Nobody trades on a price they have seen, or drops an order with it in sight: what its
//!   opening needs of the account's margin must be there and is held. It holds back a fee too, the least that
//!   it costs when it fills and what it loses when it fails. An order with a trigger waits for the index
//!   price first, a stop, or with `reduce_only` a stop loss or a profit taken, then for the next price like
//!   any other. A trailing trigger follows the index price and never goes back.
//! - Orders **without a limit** move the price by a step a block, either way and all together; what is left
//!   of them is worked off in the next ones. Who stands before and behind them at one price gains less than
//!   the fees.
//! - Orders **with a limit** fill as a whole or fail; **resting** ones wait until the mark comes to their
//!   limit, then fill at the next price as far as it lets them, and rest again. They lose no fee by waiting.
//! - Of a **pair** one order cancels the other: a profit taken and a stop loss are a bracket.
//! - **Opening** needs a price fit for adding risk, the circuit breaker's leave, room under the caps of open
//!   interest and premium, a pool that could bear the stress scenario, and the account's initial margin.
//!   **Reducing** needs a price, no more.
//! - **Money** moves as numbers between an account and clearing, which margin keeps. Of clearing the pool has
//!   its cash, and this pallet the markets' rebates and tranches, what the insurance fund is due, and
//!   what fees repaid of claims; together exactly all.
//! - **Liquidations** close the smallest part that brings an account to 120 % of its maintenance requirement,
//!   at the price everybody else gets, as far as the market's window has room. What is missing in the end is
//!   carried by the markets' tranches, the insurance fund, and the pool.
//! - What the pool can't bear is a **gains haircut**: while it owes traders more than it has, every gain that
//!   is realised is paid without the same share, which is repaid out of later fees before anybody else gets
//!   of them. A pool that has money again repays nothing by itself: its providers lost theirs first.
//! - Positions pay the pool a **borrow fee**, a rent for the worst case that their market is, which rises
//!   with the share of the pool in use. The **funding rate** follows the skew and decays where there is none.
//! - A market that is **delisted** only shrinks until it is settled at its average price; positions are paid
//!   out at that. Trading stops when that average begins, so that nobody trades against the part of it that
//!   is known.
//!
//! Rounding favours the pool: a trader pays rounded up and receives rounded down.
//!
//! What two orders gain by standing around a third one with a limit is at most what that lets the price move. Whoever leaves with much
//! over many blocks is seen leaving, and others may go before him: at prices nobody knows yet.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod answers;
mod delisting;
mod fees;
mod fill;
mod gauges;
mod haircut;
mod impl_pool_exposure;
mod impl_positions;
mod ladder;
mod liquidate;
mod market;
mod order;
mod orders;
mod poll;
mod recovery;
mod state;
pub mod types;
mod views;
mod waterfall;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;

pub use answers::*;
pub use fees::Fees;
pub use ladder::{Bin, Ladder, MAX_BINS};
pub use market::{Borrow, Carry, Haircut, Market};
pub use order::{Filled, NewOrder, Order, OrderTerms, Stage, Trigger, TriggerKey, When};
pub use pallet::*;
pub use recovery::Claim;
pub use types::*;
pub use weights::WeightInfo;

/// What does not fit.
pub(crate) fn overflow() -> sp_runtime::DispatchError {
	sp_runtime::ArithmeticError::Overflow.into()
}

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use frame_support::{
		pallet_prelude::*,
		traits::{EnsureOrigin, Time},
		weights::WeightMeter,
	};
	use frame_system::pallet_prelude::*;
	use keel_math::FixedU128;
	use keel_primitives::{
		Balance, CircuitBreaker, FeedId, InsuranceFund, LiquidityPool, MarginAccountId, MarginAccounts,
		MarketId, Moment, OrderId, PriceProvider, RiskParameters, Size,
	};

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// Who keeps the accounts and the money.
		type Accounts: MarginAccounts<Self::AccountId, Trader = TraderOf<Self>>;
		/// The other side of every trade.
		type Pool: LiquidityPool;
		/// Who gets its share of fees and carries what is short.
		type InsuranceFund: InsuranceFund<Self::AccountId>;
		/// Who knows prices.
		type Prices: PriceProvider;
		/// Who keeps the governed numbers.
		type RiskParameters: RiskParameters;
		/// Asked before risk is added.
		type CircuitBreaker: CircuitBreaker;
		/// The chain's time, in milliseconds.
		type Time: Time<Moment = Moment>;
		/// Who may list and delist markets.
		type ListOrigin: EnsureOrigin<Self::RuntimeOrigin>;
		/// The most markets.
		#[pallet::constant]
		type MaxMarkets: Get<u32>;
		/// The most positions of an account.
		#[pallet::constant]
		type MaxPositions: Get<u32>;
		/// The most open orders of an account.
		#[pallet::constant]
		type MaxOrders: Get<u32>;
		/// How often the insurance fund is paid what it is due, in milliseconds.
		#[pallet::constant]
		type SweepPeriod: Get<Moment>;
		/// Weights of the calls and of a block's work.
		type WeightInfo: WeightInfo;
	}

	/// The numbers of markets that were removed. None is given again.
	#[pallet::storage]
	pub type Removed<T: Config> = StorageMap<_, Twox64Concat, MarketId, ()>;

	/// All markets, as of this block.
	#[pallet::storage]
	pub type Markets<T: Config> = StorageValue<_, MarketsStateOf<T>, ValueQuery>;

	/// The next number of an order, or place of one that is triggered.
	#[pallet::storage]
	pub type NextOrder<T: Config> = StorageValue<_, OrderId, ValueQuery>;

	/// Orders to be filled, with their accounts, by market and place in big endian: first come, first served.
	#[pallet::storage]
	pub type Queue<T: Config> =
		StorageDoubleMap<_, Identity, MarketId, Identity, [u8; 8], (MarginAccountId, OrderId)>;

	/// Accounts of orders that wait for their trigger, by market and side: the first to be triggered comes
	/// first.
	#[pallet::storage]
	pub type Waiting<T: Config> =
		StorageDoubleMap<_, Identity, (MarketId, When), Identity, TriggerKey, MarginAccountId>;

	/// Accounts of orders that rest until the mark comes to their limit, by market and side: the best limit
	/// comes first.
	#[pallet::storage]
	pub type Resting<T: Config> =
		StorageDoubleMap<_, Identity, (MarketId, When), Identity, TriggerKey, MarginAccountId>;

	/// Index prices at which waiting orders with a trailing trigger move that on, by market and side: the
	/// next comes first. With the order's account.
	#[pallet::storage]
	pub type Ratchets<T: Config> =
		StorageDoubleMap<_, Identity, (MarketId, When), Identity, TriggerKey, MarginAccountId>;

	/// Gains ladder of each market with positions.
	#[pallet::storage]
	pub type Ladders<T: Config> = StorageMap<_, Twox64Concat, MarketId, Ladder, ValueQuery>;

	/// What haircuts took from an account and fees have not repaid in full.
	#[pallet::storage]
	pub type Claims<T: Config> = StorageMap<_, Twox64Concat, MarginAccountId, Claim, ValueQuery>;

	/// Markets to begin with. Their parameters have to be built before; prices may come later.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Market, feed.
		pub markets: Vec<(MarketId, FeedId)>,
		#[serde(skip)]
		pub _config: PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			for (market, feed) in &self.markets {
				Pallet::<T>::do_list(*market, *feed)
					.expect("a genesis market has parameters and a number of its own");
			}
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A market was listed.
		MarketListed { market: MarketId, feed: FeedId },
		/// A market only shrinks from now on and is settled at that time.
		MarketClosing { market: MarketId, settle_at: Moment },
		/// A market was settled at that price. `payOut` pays its positions.
		MarketSettled { market: MarketId, price: FixedU128 },
		/// A settled market was removed. What its pots held is due to the insurance fund.
		MarketRemoved { market: MarketId, pots: Balance },
		/// An order was committed and `fee` kUSD are held for it.
		OrderCommitted {
			order: OrderId,
			account: MarginAccountId,
			fee: Balance,
			terms: OrderTerms,
		},
		/// Of two orders one cancels the other from now on.
		OrdersPaired { first: OrderId, second: OrderId },
		/// An order was given other terms.
		OrderAmended {
			order: OrderId,
			account: MarginAccountId,
			terms: OrderTerms,
		},
		/// An order's trigger was met by that index price, or its limit by that mark price; it joined the
		/// queue.
		OrderTriggered {
			order: OrderId,
			market: MarketId,
			price: FixedU128,
		},
		/// An order rests: the mark is beyond its limit.
		OrderRests { order: OrderId, market: MarketId },
		/// An order was cancelled. `fee` is what that cost: what was held for it if its owner took it out
		/// of the queue, else nothing.
		OrderCancelled {
			order: OrderId,
			account: MarginAccountId,
			market: MarketId,
			fee: Balance,
		},
		/// An order was filled. `fee` below zero is a rebate; `funding`, with the borrow fee, is that of
		/// the part that was closed, above zero paid; `haircut` is what the pool could not pay of the gain,
		/// and is claimed. What was held for the order is part of the first fee. `left` stays in the queue,
		/// where the price moves no further in this block or is beyond the order's limit; `average` is the
		/// price of all that was filled.
		OrderFilled {
			order: OrderId,
			account: MarginAccountId,
			market: MarketId,
			size: Size,
			price: FixedU128,
			fee: i128,
			realised: i128,
			funding: i128,
			haircut: Balance,
			position: Size,
			left: Size,
			average: FixedU128,
		},
		/// An order could not be filled and is gone, with the `fee` held for it.
		OrderFailed {
			order: OrderId,
			account: MarginAccountId,
			market: MarketId,
			error: DispatchError,
			fee: Balance,
		},
		/// A part of a position was closed because its account had to be liquidated. Others as in an order filled.
		PositionLiquidated {
			account: MarginAccountId,
			market: MarketId,
			size: Size,
			price: FixedU128,
			notional: Balance,
			fee: Balance,
			realised: i128,
			funding: i128,
			haircut: Balance,
			position: Size,
		},
		/// A part of a position was closed as its owner had asked for. Others as in an order filled.
		PositionReduced {
			account: MarginAccountId,
			market: MarketId,
			size: Size,
			price: FixedU128,
			fee: i128,
			realised: i128,
			funding: i128,
			haircut: Balance,
			position: Size,
		},
		/// A position was paid out at the settlement price.
		PositionPaidOut {
			account: MarginAccountId,
			market: MarketId,
			size: Size,
			price: FixedU128,
			realised: i128,
			funding: i128,
			haircut: Balance,
		},
		/// What was missing from an account with nothing left was carried by these: its own claim on what a
		/// haircut had taken from it, the tranches of its markets, the insurance fund and the pool.
		DeficitCovered {
			account: MarginAccountId,
			claim: Balance,
			tranche: Balance,
			fund: Balance,
			pool: Balance,
		},
		/// The insurance fund failed to pay; the pool carries its part.
		FundFailed { error: DispatchError },
		/// The insurance fund was paid what it was due.
		FundPaid { amount: Balance },
		/// The insurance fund could not be paid; the next sweep tries again.
		SweepFailed { amount: Balance, error: DispatchError },
		/// The pool owes traders `deficit` more than it has: gains that are realised from now on, `gains`
		/// together, are paid without the share `rate`, until the next of these. With a deficit of zero gains
		/// are paid in full again.
		GainsHaircut {
			deficit: Balance,
			gains: Balance,
			rate: FixedU128,
		},
		/// An account was paid `amount` of what haircuts had taken from it.
		RecoveryClaimed {
			account: MarginAccountId,
			amount: Balance,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// There is no such market. The view `markets` lists them.
		UnknownMarket,
		/// The market's number is taken, or was and its market was removed. Choose one that was never given.
		MarketExists,
		/// There are as many markets as the chain allows. Remove a settled one first.
		TooManyMarkets,
		/// The market's parameters have no skew scale. Set one above zero first.
		NoSkewScale,
		/// The market's feed has no price yet. Wait for its first one.
		NoPrice,
		/// The market is closing: it takes reduce-only orders until it is settled, and no others.
		MarketClosing,
		/// The market is settled within five minutes, at the average of them, and trades no more. Wait:
		/// `payOut` pays the position then, and orders cost nothing.
		MarketStopped,
		/// The market is settled. `payOut` pays what you had in it.
		MarketSettled,
		/// The market is not settled. Delist it, and wait for the time you set.
		NotSettled,
		/// Accounts still have positions or orders in the market. `payOut` each of them first.
		MarketInUse,
		/// The settlement is too soon. Announce it at least an hour ahead.
		NoticeTooShort,
		/// There is no such account. Create it with a deposit to margin first.
		UnknownAccount,
		/// The size is zero. Name at least one base unit, above zero to buy, below to sell.
		ZeroSize,
		/// The size is beyond 2^90 base units, the expiry zero or beyond 30 days, or a trailing distance
		/// outside 0.1 % to 50 %. Name what is within.
		OutOfRange,
		/// The order is worth less than 10 kUSD. Order more, or reduce-only.
		OrderTooSmall,
		/// The order alone would widen the premium by more than a block lets it, and fills as a whole or not
		/// at all. Order less at a time (`maxSize` says how much), let it rest, or leave out the limit: then
		/// it is worked off block by block.
		OrderTooLarge,
		/// An order that rests needs the price it rests for. Name it with `limit`.
		LimitNeeded,
		/// The account has as many open orders as it may. Cancel one, or wait until one is filled.
		TooManyOrders,
		/// The account has as many positions as it may. Close one first.
		TooManyPositions,
		/// The order is reduce-only and there is no position it could reduce. Order without it to open one.
		NothingToReduce,
		/// The account has not the initial margin and the fees for the order, beside what its other orders hold. Deposit more, order
		/// less, cancel one, or order reduce-only.
		NotEnoughMargin,
		/// There is no such open order. The view `orders` lists those of an account.
		UnknownOrder,
		/// The order belongs to another account, and has not expired. Its owner may cancel it.
		NotOwner,
		/// The order joined the queue less than a minute ago, or is in it and was to be amended: that would
		/// be choosing with the price in sight. Wait.
		TooEarlyToCancel,
		/// The account has no order that could be cancelled now. Those in the queue can be a minute after
		/// they joined it.
		NothingToCancel,
		/// The two orders are in different markets. Commit them one by one.
		NotAPair,
		/// The order expired before there was a price for it. Commit another, with a later expiry.
		Expired,
		/// The fill price was worse than the order's limit. Commit another, with another limit.
		LimitNotMet,
		/// The market's price is too old or too uncertain for this. Wait for a better one; reducing asks for less.
		PriceRefused,
		/// The price is not newer than the account's last change. Wait for the next one.
		PriceNotNewer,
		/// The side's open interest would be above its cap. Order less: the view `market` shows the room.
		OpenInterestFull,
		/// The skew would be beyond where the premium ends (`MaxPremium × SkewScale`; a share of it while the
		/// market is `Guarded`). Order less, or on the other side.
		PremiumTooWide,
		/// The price moves no further this way in this block, by opening or without a limit. The order is tried again in the next one.
		PremiumStepReached,
		/// The pool could not bear the stress scenario with this. Order less, on the other side, or wait for liquidity.
		PoolStressed,
		/// The account has no position in the market.
		NoPosition,
		/// As much was liquidated in the market within an hour as may be. It goes on as that fades.
		LiquidationsFull,
		/// The account has neither a position nor an order in the market. There is nothing to pay out.
		NothingToPayOut,
		/// The pool can't pay gains in full now: only the account's owner may have it paid out. Ask again
		/// when `pots` shows no deficit, or a week after the settlement.
		OwnerOnly,
		/// Nothing that a haircut took from the account was repaid since. `recovery` shows what it waits for.
		NothingToClaim,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Brings the state up to date, pays the insurance fund, triggers and fills orders.
		fn on_poll(block: BlockNumberFor<T>, meter: &mut WeightMeter) {
			Self::poll(block, meter)
		}

		fn integrity_test() {
			Self::check_config()
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Commit an order: it fills at the first index price made after now, once its trigger, if it has one, is met.
		///
		/// ## Origin
		///
		/// Signed, by the owner of account `sub`.
		///
		/// ## Details
		///
		/// The order fee is held in the account. It counts towards the fees of the fill, which are at least
		/// that; an order costs it when it fails or is taken out of the queue, and nothing when it is
		/// cancelled while it waits or rests. Orders of a market fill in the order they were committed;
		/// those that waited or rested join them at the end.
		///
		/// What an order that opens needs of the account's margin at the price of now (initial requirement
		/// and fees) is held until it is filled or gone: it can't be withdrawn or ordered with again. A
		/// reduce-only order needs no more than its fee. Open orders of the same side in the same market
		/// are taken to fill first.
		///
		/// - Without a `limit` it fills at any price. All orders of a block fill at one index price, and so
		///   that nobody gains by standing around others, those without a limit move the price by
		///   `PremiumStep` a block, either way, all together. What does not fit is worked off in the next
		///   blocks, in turn with others; parts after the first cost their own fees.
		/// - With a `limit` it fills as a whole at no worse a price, or fails.
		/// - `resting`: it fills as far as the limit allows; what is left rests until the mark comes to the
		///   limit, joins the queue, and fills at the next price, again as far as the limit allows. It fails
		///   for what would fail any other, not for its limit, and costs nothing when it expires.
		/// - `trigger`: it waits until the index price is at or beyond that. With `trail` (0.1 % to 50 %) the
		///   trigger follows the index price at that distance, in sixteenths of it, and never goes back;
		///   `price` is where it begins, unless that is farther away than the distance.
		/// - `reduceOnly`: it closes at most what there is. With a trigger it is a stop loss or a profit
		///   taken.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownAccount`], [`Error::UnknownMarket`]: there is none
		/// - [`Error::ZeroSize`], [`Error::OutOfRange`], [`Error::OrderTooSmall`], [`Error::OrderTooLarge`]:
		///   numbers no order can have
		/// - [`Error::LimitNeeded`]: it is to rest and there is no `limit`
		/// - [`Error::MarketClosing`], [`Error::MarketStopped`], [`Error::MarketSettled`]: the market comes
		///   to its end
		/// - [`Error::NoPrice`]: the market never had a price
		/// - [`Error::NothingToReduce`]: reduce-only without a position on the other side, or, where it waits
		///   for a trigger, an open order for one
		/// - [`Error::NotEnoughMargin`]: any other order of an account that has not the margin for it
		/// - [`Error::TooManyOrders`]: cancel one first
		/// - the circuit breaker's own, for an order without a trigger that would add risk
		///
		/// ## Events
		///
		/// [`Event::OrderCommitted`]; later [`Event::OrderTriggered`], [`Event::OrderRests`],
		/// [`Event::OrderFilled`] or [`Event::OrderFailed`].
		#[pallet::call_index(0)]
		#[pallet::weight(Pallet::<T>::weight_of_commit())]
		pub fn commit_order(origin: OriginFor<T>, sub: u8, order: NewOrder) -> DispatchResult {
			let account = Self::signed_account(origin, sub)?;
			Self::do_commit(account, &order)
		}

		/// Cancel an order. What was held for it is free again.
		///
		/// ## Origin
		///
		/// Signed, by the owner; by anyone for an order that has expired, or whose market is settled.
		///
		/// ## Details
		///
		/// An order that waits or rests costs nothing, nor does any in a settled market. One in the queue
		/// can't be cancelled for its first minute, and costs its fee. Of a pair the other one stays.
		/// `account` is the number of the order's margin account, which its events name.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownOrder`], [`Error::NotOwner`]: it is not the sender's open order
		/// - [`Error::TooEarlyToCancel`]: it is about to be filled
		///
		/// ## Events
		///
		/// [`Event::OrderCancelled`].
		#[pallet::call_index(1)]
		#[pallet::weight(Pallet::<T>::weight_of_cancel())]
		pub fn cancel_order(
			origin: OriginFor<T>,
			#[pallet::compact] account: MarginAccountId,
			#[pallet::compact] order: OrderId,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_cancel(&who, account, order)
		}

		/// Pay out what an account has in a settled market, and cancel its orders there.
		///
		/// ## Origin
		///
		/// Signed, by anyone; in the first week after the settlement, while the pool can't pay gains in full,
		/// by the owner, who may rather wait.
		///
		/// ## Details
		///
		/// The position is realised at the settlement price, with the funding up to then and without a fee;
		/// nor do its orders cost one.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownMarket`], [`Error::NotSettled`]: there is nothing settled
		/// - [`Error::OwnerOnly`]: there is a gains haircut, and the account is another's
		/// - [`Error::PriceRefused`]: this block did not bring the markets up to date
		/// - [`Error::NothingToPayOut`]: the account has nothing there
		///
		/// ## Events
		///
		/// [`Event::PositionPaidOut`], [`Event::OrderCancelled`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::pay_out(T::MaxOrders::get()))]
		pub fn pay_out(
			origin: OriginFor<T>,
			#[pallet::compact] account: MarginAccountId,
			market: MarketId,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_pay_out(&who, account, market)
		}

		/// List a market.
		///
		/// ## Origin
		///
		/// `ListOrigin`.
		///
		/// ## Details
		///
		/// Its parameters have to be there and its feed has to have a price.
		///
		/// ## Errors
		///
		/// - [`Error::MarketExists`], [`Error::TooManyMarkets`]: no room for it
		/// - [`Error::NoPrice`], [`Error::NoSkewScale`], or the parameters' own error: it is not prepared
		///
		/// ## Events
		///
		/// [`Event::MarketListed`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::list_market())]
		pub fn list_market(origin: OriginFor<T>, market: MarketId, feed: FeedId) -> DispatchResult {
			T::ListOrigin::ensure_origin(origin)?;
			let price = T::Prices::last(feed).ok_or(Error::<T>::NoPrice)?;
			ensure!(price.value > FixedU128::default(), Error::<T>::NoPrice);
			Self::do_list(market, feed)?;
			Self::deposit_event(Event::MarketListed { market, feed });
			Ok(())
		}

		/// Announce the end of a market.
		///
		/// ## Origin
		///
		/// `ListOrigin`.
		///
		/// ## Details
		///
		/// From now on it only takes reduce-only orders, and from five minutes before `settle_at` on none:
		/// what is in the queue waits and costs nothing, and only liquidations go on. In the first block
		/// at or after `settle_at` (milliseconds since the epoch, at least an hour ahead) it is settled at
		/// its five-minute average, or at the last price if that is refused. Called again, it moves the time.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownMarket`], [`Error::MarketSettled`]: there is nothing to end
		/// - [`Error::NoticeTooShort`]: too soon
		///
		/// ## Events
		///
		/// [`Event::MarketClosing`], later [`Event::MarketSettled`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::delist())]
		pub fn delist(origin: OriginFor<T>, market: MarketId, settle_at: Moment) -> DispatchResult {
			T::ListOrigin::ensure_origin(origin)?;
			Self::do_delist(market, settle_at)?;
			Self::deposit_event(Event::MarketClosing { market, settle_at });
			Ok(())
		}

		/// Remove a settled market that nobody has anything in.
		///
		/// ## Origin
		///
		/// `ListOrigin`.
		///
		/// ## Details
		///
		/// Its rebates and its tranche are due to the insurance fund.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownMarket`], [`Error::NotSettled`]: it can't be removed
		/// - [`Error::MarketInUse`]: pay everybody out first
		///
		/// ## Events
		///
		/// [`Event::MarketRemoved`].
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::remove())]
		pub fn remove(origin: OriginFor<T>, market: MarketId) -> DispatchResult {
			T::ListOrigin::ensure_origin(origin)?;
			let pots = Self::do_remove(market)?;
			Self::deposit_event(Event::MarketRemoved { market, pots });
			Ok(())
		}

		/// Pays an account what was repaid of its claim.
		///
		/// ## Origin
		///
		/// Signed, by anyone.
		///
		/// ## Details
		///
		/// Fees repay all claims pro rata. The account gets new triggers.
		///
		/// ## Errors
		///
		/// - [`Error::NothingToClaim`]: the account has no claim, or nothing was repaid since it was last
		///   paid
		///
		/// ## Events
		///
		/// [`Event::RecoveryClaimed`].
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::claim_recovery())]
		pub fn claim_recovery(
			origin: OriginFor<T>,
			#[pallet::compact] account: MarginAccountId,
		) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_claim(account)
		}

		/// Commit two orders of which one cancels the other: when one is filled to its end, the other is
		/// cancelled and costs nothing.
		///
		/// ## Origin
		///
		/// Signed, by the owner of account `sub`.
		///
		/// ## Details
		///
		/// A bracket is a pair of reduce-only orders with a trigger on either side of the price: a profit
		/// taken and a stop loss. It may be committed right after the order that opens the position, in one
		/// batch. If one of a pair fails or is cancelled, the other one stays.
		///
		/// ## Errors
		///
		/// - [`Error::NotAPair`]: they are in different markets
		/// - as for `commitOrder`
		///
		/// ## Events
		///
		/// [`Event::OrderCommitted`] twice, [`Event::OrdersPaired`].
		#[pallet::call_index(7)]
		#[pallet::weight(Pallet::<T>::weight_of_commit().saturating_mul(2))]
		pub fn commit_pair(
			origin: OriginFor<T>,
			sub: u8,
			first: NewOrder,
			second: NewOrder,
		) -> DispatchResult {
			let account = Self::signed_account(origin, sub)?;
			Self::do_commit_pair(account, [&first, &second])
		}

		/// Give an order that waits or rests other terms. It keeps its number and its twin, and holds the order
		/// fee anew if a fill has taken it.
		///
		/// ## Origin
		///
		/// Signed, by the owner of account `sub`.
		///
		/// ## Details
		///
		/// It is checked as if it was committed now, and without a trigger joins the queue at the end.
		/// `size` is what is to be filled yet.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownAccount`], [`Error::UnknownOrder`]: it is no open order of the account
		/// - [`Error::TooEarlyToCancel`]: it is in the queue
		/// - [`Error::NotAPair`]: it is one of a pair, and the terms are of another market
		/// - as for `commitOrder`
		///
		/// ## Events
		///
		/// [`Event::OrderAmended`].
		#[pallet::call_index(8)]
		#[pallet::weight(Pallet::<T>::weight_of_cancel().saturating_add(Pallet::<T>::weight_of_commit()))]
		pub fn amend_order(
			origin: OriginFor<T>,
			sub: u8,
			#[pallet::compact] order: OrderId,
			terms: NewOrder,
		) -> DispatchResult {
			let account = Self::signed_account(origin, sub)?;
			Self::do_amend(account, order, &terms)
		}

		/// Cancel all orders of an account, or those of one market.
		///
		/// ## Origin
		///
		/// Signed, by the owner of account `sub`.
		///
		/// ## Details
		///
		/// Each as by `cancelOrder`; those that joined the queue less than a minute ago stay.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownAccount`]: there is none
		/// - [`Error::NothingToCancel`]: no order can be cancelled now
		///
		/// ## Events
		///
		/// [`Event::OrderCancelled`] for each.
		#[pallet::call_index(9)]
		#[pallet::weight(Pallet::<T>::weight_of_cancel().saturating_mul(T::MaxOrders::get().into()))]
		pub fn cancel_all(
			origin: OriginFor<T>,
			sub: u8,
			market: Option<MarketId>,
		) -> DispatchResultWithPostInfo {
			let account = Self::signed_account(origin, sub)?;
			let cancelled = Self::do_cancel_all(account, market)?;
			Ok(Some(Self::weight_of_cancel().saturating_mul(cancelled.into())).into())
		}

		/// Commit an order to close each position of an account, at any price.
		///
		/// ## Origin
		///
		/// Signed, by the owner of account `sub`.
		///
		/// ## Details
		///
		/// Each is a reduce-only order without a limit, worked off block by block, with a fee of its own; it
		/// expires after `expiresIn` milliseconds. Positions in markets that trade no more are left out:
		/// `payOut` pays them.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownAccount`]: there is none
		/// - [`Error::NothingToReduce`]: there is no position to close
		/// - as for `commitOrder`
		///
		/// ## Events
		///
		/// [`Event::OrderCommitted`] for each.
		#[pallet::call_index(10)]
		#[pallet::weight(Pallet::<T>::weight_of_commit().saturating_mul(T::MaxPositions::get().into()))]
		pub fn close_all(
			origin: OriginFor<T>,
			sub: u8,
			#[pallet::compact] expires_in: Moment,
		) -> DispatchResultWithPostInfo {
			let account = Self::signed_account(origin, sub)?;
			let closing = Self::do_close_all(account, expires_in)?;
			Ok(Some(Self::weight_of_commit().saturating_mul(closing.into())).into())
		}
	}

	impl<T: Config> Pallet<T> {
		/// Account `sub` of whoever signed.
		fn signed_account(origin: OriginFor<T>, sub: u8) -> Result<MarginAccountId, DispatchError> {
			let who = ensure_signed(origin)?;
			T::Accounts::account(&who, sub).ok_or_else(|| Error::<T>::UnknownAccount.into())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The numbers of all markets.
		pub fn markets() -> Vec<MarketId> {
			Markets::<T>::get()
				.markets
				.iter()
				.map(|market| market.id)
				.collect()
		}

		/// A market: prices, premium, funding, open interest and room, margin rates, pots. Nothing for an unknown one.
		pub fn market(market: MarketId) -> Option<MarketView> {
			Self::view_market(market)
		}

		/// An open order of an account. Nothing for one that was filled, failed or was cancelled.
		pub fn order(account: MarginAccountId, order: OrderId) -> Option<Order> {
			let account = T::Accounts::load(account).ok()?;
			T::Accounts::trader(&account).order(order).copied()
		}

		/// The open orders of an account, oldest first.
		pub fn orders(account: MarginAccountId) -> Vec<Order> {
			T::Accounts::load(account)
				.map(|account| T::Accounts::trader(&account).orders.to_vec())
				.unwrap_or_default()
		}

		/// The position of an account in a market. Nothing if it has none.
		pub fn position(account: MarginAccountId, market: MarketId) -> Option<PositionView> {
			Self::view_position(account, market)
		}

		/// What an order of account `sub` of `owner` would do at the price of now, or the error it would fail
		/// with: one without a limit or that rests, its first part, with `left` for later. It will fill at a
		/// later price, and after the orders before it. Its trigger is not looked at.
		pub fn preview_order(
			owner: T::AccountId,
			sub: u8,
			order: NewOrder,
		) -> Result<Preview, DispatchError> {
			Self::view_preview(&owner, sub, &order)
		}

		/// The largest size account `sub` of `owner` could buy (or sell) at the price of now, 8 decimals, never below zero.
		/// What is above the premium step needs several blocks, or a limit.
		/// It tries the fill up to 42 times: ask for it when somebody looks, not with every block.
		pub fn max_size(owner: T::AccountId, sub: u8, market: MarketId, buy: bool) -> Balance {
			Self::view_max_size(&owner, sub, market, buy)
		}

		/// The share of fees the insurance fund gets in this block, and what of clearing is nobody's market's or the pool's.
		pub fn pots() -> PotsView {
			let state = Markets::<T>::get();
			PotsView {
				fund_share: state.fund_share,
				fund_due: state.fund_due,
				claims: state.claims,
				recovery: state.recovery,
				deficit: state.deficit,
			}
		}

		/// The unrealised gains of all positions of a market, but for those within about a thousandth of
		/// breaking even: what a gains haircut takes its share of. Nothing for an unknown market.
		pub fn gains_in(market: MarketId) -> Balance {
			Self::view_gains(market)
		}

		/// The share that a gains haircut would take if the pool were short of `deficit` now, and what of
		/// that an account would lose that closes all its positions at the mark.
		pub fn haircut_of(account: MarginAccountId, deficit: Balance) -> HaircutView {
			Self::view_haircut(account, deficit)
		}

		/// What haircuts took from an account: what is not repaid yet and what can be claimed. Nothing
		/// without a claim.
		pub fn recovery(account: MarginAccountId) -> Option<RecoveryView> {
			Self::view_recovery(account)
		}
	}
}
