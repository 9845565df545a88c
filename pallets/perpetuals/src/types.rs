//! What the pallet stores.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	pallet_prelude::Get, BoundedVec, CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound,
};
use keel_math::FixedU128;
use keel_primitives::{Balance, MarketId, MarketParameters, Moment, OrderId, Progress, Size};
use scale_info::TypeInfo;

use crate::{Config, Market, Order};

/// The largest size of an order, either way: twelve quintillion whole units.
pub const MAX_SIZE: u128 = 1 << 90;

/// The longest an order lives, in milliseconds: 30 days.
pub const MAX_LIFE_MS: Moment = 30 * 86_400_000;

/// How long an order in the queue can't be cancelled, in milliseconds.
pub const LOCK_MS: Moment = 60_000;

/// The least time between the announcement of a market's end and its settlement, in milliseconds: an hour.
pub const NOTICE_MS: Moment = 3_600_000;

/// The length of the average a market is settled at, in milliseconds: five minutes. Nothing trades within it.
pub const AVERAGE_MS: Moment = 300_000;

/// How long after a settlement, in milliseconds, only the owner may have a gain paid out that the pool can't
/// pay in full: a week. Nobody's absence keeps the pool short for longer.
pub const PAY_OUT_GRACE_MS: Moment = 7 * 86_400_000;

/// The least an order that is not reduce-only is worth at the index price, in base units of kUSD.
pub const MIN_NOTIONAL: Balance = 10_000_000;

/// A position worth at most this, in base units of kUSD, is liquidated whatever the market's window says: else one position
/// that is most of a small market could never be.
pub const ALWAYS_LIQUIDATED: Balance = 1_000_000_000;

/// What a liquidation closes at least, unless it restores its account: [`ALWAYS_LIQUIDATED`], or the market's
/// window over this number where that is less.
pub const LEAST_PART: Balance = 16;

/// The longest time that funding accrues for at once, in milliseconds. Nobody pays for more of an outage of
/// the chain.
pub const MAX_ACCRUAL_MS: Moment = 3_600_000;

/// The longest time that a ramp moves for at once, in milliseconds: a minute. After a stop of the chain
/// nobody meets a requirement that rose while nobody could act.
pub const MAX_RAMP_MS: Moment = 60_000;

/// In how many milliseconds the skew scale, and the range of the mark, move by all of themselves: by a hundredth in an hour.
pub const SCALE_RAMP_MS: u128 = 360_000_000;

/// Parts a position is divided into to find the smallest that a liquidation has to close.
pub const PARTS: u32 = 4_096;

/// Steps of the search in [`max_size`](crate::Pallet::max_size).
pub const SEARCH_STEPS: u32 = 40;

/// Where a market is in its life.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Status {
	/// Anything goes.
	Open,
	/// Only reductions; settled at this time.
	Closing {
		/// Milliseconds since the epoch.
		settle_at: Moment,
	},
	/// No trades. Positions are paid out at this price.
	Settled {
		/// USD per whole unit.
		price: FixedU128,
	},
}

/// What a market's price is good enough for in this block.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Fit {
	/// To open.
	pub add_risk: bool,
	/// To close.
	pub reduce_risk: bool,
	/// To liquidate.
	pub liquidate: bool,
}

/// Margin as a share of a position's value.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Rates {
	/// What existing positions are held to: on its way to the target.
	pub maintenance: FixedU128,
	/// What volatility and the governed numbers ask for.
	pub target: FixedU128,
	/// What new risk needs: open interest and the breaker's level are in it.
	pub initial: FixedU128,
}

/// The governed numbers a market's arithmetic needs, as of the block's start.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Terms {
	/// `K`; never zero.
	pub skew_scale: u128,
	/// `M`, how far the mark and every fill price are from the index at most, as a share of it.
	pub max_premium: FixedU128,
	/// The highest funding rate, either way, per day.
	pub max_funding_rate: FixedU128,
	/// How fast the funding rate moves, per day and day.
	pub funding_velocity: FixedU128,
	/// How fast the maintenance rate moves, per hour.
	pub ramp_per_hour: FixedU128,
	/// The initial rate as a multiple of the maintenance rate.
	pub initial_multiple: FixedU128,
	/// Open interest of a side from which on the initial rate rises.
	pub open_interest_lower: Balance,
	/// Open interest of a side at which it is 100 %.
	pub open_interest_upper: Balance,
	/// What the initial rate is multiplied by while the breaker is raised.
	pub guarded_multiple: FixedU128,
	/// The price move the market is measured against.
	pub stress: FixedU128,
}

impl From<&MarketParameters> for Terms {
	fn from(p: &MarketParameters) -> Self {
		Self {
			skew_scale: p.skew_scale,
			max_premium: p.max_premium,
			max_funding_rate: p.max_funding_rate,
			funding_velocity: p.funding_velocity,
			ramp_per_hour: p.ramp_per_hour,
			initial_multiple: p.initial_multiple,
			open_interest_lower: p.open_interest_lower,
			open_interest_upper: p.open_interest_upper,
			guarded_multiple: p.guarded_multiple,
			stress: p.stress,
		}
	}
}

/// What one account has in one market.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Position {
	/// The market.
	pub market: MarketId,
	/// The size; never zero where it is stored.
	pub size: Size,
	/// What was paid for it, in base units of kUSD; a short was paid for, so below zero.
	pub cost: i128,
	/// What its size had been charged in funding and borrow fee when it was entered, in base units of kUSD.
	pub funding: i128,
}

/// What a trade did to a position. Money is in base units of kUSD.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trade {
	/// What it filled at.
	pub price: FixedU128,
	/// What the trader paid for the size; below zero, received.
	pub cost: i128,
	/// The profit of the part that was closed.
	pub realised: i128,
	/// Funding and borrow fee of that part: above zero the trader pays.
	pub funding: i128,
	/// What the pool can't pay of that part's gain; the account claims it.
	pub haircut: Balance,
}

impl Trade {
	/// What the pool pays the account: profit less funding, borrow fee and haircut. `None` on overflow.
	pub fn gain(&self) -> Option<i128> {
		self.realised
			.checked_sub(self.funding)?
			.checked_sub_unsigned(self.haircut)
	}
}

/// All markets and what is shared between them: one value, read and written once for whatever happens.
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
#[scale_info(skip_type_params(M))]
#[codec(mel_bound())]
pub struct MarketsState<M: Get<u32>> {
	/// The markets, in the order they were listed.
	pub markets: BoundedVec<Market, M>,
	/// Owed to the insurance fund until the next sweep, in base units of kUSD.
	pub fund_due: Balance,
	/// The share of fees that goes to the insurance fund in this block.
	pub fund_share: FixedU128,
	/// When the fund was last paid.
	pub swept_at: Moment,
	/// When the state was last brought up to date: prices are fit for that moment alone.
	pub refreshed_at: Moment,
	/// The deficit that the haircut of now is for, in base units of kUSD; zero while there is none.
	pub deficit: Balance,
	/// What haircuts took and fees have not repaid yet, in base units of kUSD.
	pub claims: Balance,
	/// The share of a claim that is not repaid yet.
	pub unrepaid: Progress,
	/// What was repaid and is not claimed yet, in base units of kUSD. Part of clearing.
	pub recovery: Balance,
	/// How often a claim was rounded up, each time by less than a base unit.
	pub roundings: u64,
}

/// The state of a runtime.
pub type MarketsStateOf<T> = MarketsState<<T as Config>::MaxMarkets>;

impl<M: Get<u32>> MarketsState<M> {
	/// Market `id`.
	pub fn market(&self, id: MarketId) -> Option<&Market> {
		self.markets.iter().find(|market| market.id == id)
	}

	/// Market `id`, to be changed.
	pub fn market_mut(&mut self, id: MarketId) -> Option<&mut Market> {
		self.markets.iter_mut().find(|market| market.id == id)
	}

	/// The markets' tranches together. Saturates: kUSD has the same type.
	pub fn tranches(&self) -> Balance {
		self.markets
			.iter()
			.fold(0, |sum, market| sum.saturating_add(market.tranche))
	}
}

/// What one account has and has ordered.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	DefaultNoBound,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(P, O))]
#[codec(mel_bound())]
pub struct TraderState<P: Get<u32>, O: Get<u32>> {
	/// Its positions, at most one of a market, in the order they were opened.
	pub positions: BoundedVec<Position, P>,
	/// Its open orders, oldest first.
	pub orders: BoundedVec<Order, O>,
}

/// The trader of a runtime.
pub type TraderOf<T> = TraderState<<T as Config>::MaxPositions, <T as Config>::MaxOrders>;

impl<P: Get<u32>, O: Get<u32>> TraderState<P, O> {
	/// The position in `market`; one of size zero if there is none.
	pub fn position(&self, market: MarketId) -> Position {
		self.positions
			.iter()
			.find(|position| position.market == market)
			.copied()
			.unwrap_or(Position {
				market,
				..Default::default()
			})
	}

	/// Keep `position` instead of what was there; of size zero it is forgotten. `None` if there are as many as may be.
	pub fn keep(&mut self, position: Position) -> Option<()> {
		if position.size == 0 {
			self.positions.retain(|held| held.market != position.market);
			return Some(());
		}
		match self
			.positions
			.iter_mut()
			.find(|held| held.market == position.market)
		{
			Some(held) => *held = position,
			None => self.positions.try_push(position).ok()?,
		}
		Some(())
	}

	/// Order `id`.
	pub fn order(&self, id: OrderId) -> Option<&Order> {
		self.orders.iter().find(|order| order.id == id)
	}

	/// Keep `order` instead of what it was.
	pub fn put_order(&mut self, order: Order) {
		if let Some(kept) = self.orders.iter_mut().find(|kept| kept.id == order.id) {
			*kept = order;
		}
	}

	/// Forget order `id`.
	pub fn drop_order(&mut self, id: OrderId) {
		self.orders.retain(|order| order.id != id);
	}

	/// What its orders need of its margin, in base units of kUSD. Saturates: it is only compared.
	pub fn held_margin(&self) -> Balance {
		self.orders.iter().fold(0, |sum: Balance, order| {
			sum.saturating_add(order.margin).saturating_add(order.fee)
		})
	}

	/// Returns `true` if an open order adds to the side in `market` that `size` reduces.
	pub fn opens_against(&self, market: MarketId, size: Size) -> bool {
		self.orders
			.iter()
			.any(|order| order.market == market && order.margin > 0 && (order.size > 0) != (size > 0))
	}

	/// The position in `market` if its open orders on the side of `size` are all filled first. Saturates: sizes are bounded far below.
	pub fn size_before(&self, market: MarketId, size: Size) -> Size {
		self.orders
			.iter()
			.filter(|order| order.market == market && (order.size > 0) == (size > 0))
			.fold(self.position(market).size, |sum, order| {
				sum.saturating_add(order.size)
			})
	}
}
