//! What the pallet stores and shows. A market's own arithmetic is here, without storage.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	pallet_prelude::Get, BoundedVec, CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound,
};
use keel_math::{
	margin, mul_div, mul_ratio, perpetual,
	signed::{mul_div_signed, signed},
	FixedU128, Rounding, ONE,
};
use keel_primitives::{
	Balance, FeedId, Level, MarginAccountId, MarketId, MarketParameters, Meter, Moment, OrderId, Price, Size,
};
use scale_info::TypeInfo;

use crate::Config;

/// The largest size of an order, either way: twelve quintillion whole units.
pub const MAX_SIZE: u128 = 1 << 90;

/// The longest an order lives, in milliseconds: 30 days.
pub const MAX_LIFE_MS: Moment = 30 * 86_400_000;

/// How long an order in the queue can't be cancelled, in milliseconds.
pub const LOCK_MS: Moment = 60_000;

/// The least time between the announcement of a market's end and its settlement, in milliseconds: an hour.
pub const NOTICE_MS: Moment = 3_600_000;

/// The least an order that is not reduce-only is worth at the index price, in base units of kUSD.
pub const MIN_NOTIONAL: Balance = 10_000_000;

/// A position worth at most this, in base units of kUSD, is liquidated whatever the market's window says: else one position
/// that is most of a small market could never be.
pub const ALWAYS_LIQUIDATED: Balance = 1_000_000_000;

/// The longest time that funding accrues and a ramp moves for at once, in milliseconds. Nobody pays for more of an outage of
/// the chain.
pub const MAX_ACCRUAL_MS: Moment = 3_600_000;

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
	/// The funding that hung on it when it was last settled.
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
	/// The funding settled: above zero the trader pays.
	pub funding: i128,
}

/// A market: what there is of it, what it costs, and what holds in this block.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Market {
	/// Its number.
	pub id: MarketId,
	/// Its feed.
	pub feed: FeedId,
	/// Where it is in its life.
	pub status: Status,
	/// Sum of the sizes above zero.
	pub long: u128,
	/// Sum of the sizes below zero, without their sign.
	pub short: u128,
	/// Sum of the positions' costs.
	pub cost: i128,
	/// Sum of the positions' funding at entry.
	pub funding_debt: i128,
	/// The funding rate per day, 18 decimals; above zero longs pay.
	pub rate: i128,
	/// The funding index: USD per whole unit, 18 decimals.
	pub funding_index: i128,
	/// When funding and ramp last moved.
	pub at: Moment,
	/// The last price known.
	pub price: Price,
	/// What it is good enough for.
	pub fit: Fit,
	/// The breaker's level at the block's start.
	pub level: Level,
	/// Margin rates.
	pub rates: Rates,
	/// Governed numbers.
	pub terms: Terms,
	/// The skew at the block's start.
	pub skew_at_block_start: i128,
	/// Taker fees set aside for rebates, in base units of kUSD.
	pub rebates: Balance,
	/// The market's own tranche of the insurance fund, in base units of kUSD.
	pub tranche: Balance,
	/// Notional liquidated in about the last hour.
	pub liquidated: Meter,
	/// How many positions there are.
	pub positions: u32,
}

impl Market {
	/// A market nobody is in.
	pub fn new(id: MarketId, feed: FeedId, parameters: &MarketParameters, now: Moment) -> Self {
		Self {
			id,
			feed,
			status: Status::Open,
			long: 0,
			short: 0,
			cost: 0,
			funding_debt: 0,
			rate: 0,
			funding_index: 0,
			at: now,
			price: Price::default(),
			fit: Fit::default(),
			level: Level::Normal,
			// The first refresh of a market without positions sets them at once.
			rates: Rates::default(),
			terms: Terms::from(parameters),
			skew_at_block_start: 0,
			rebates: 0,
			tranche: 0,
			liquidated: Meter::default(),
			positions: 0,
		}
	}

	/// Has it come to its end?
	pub fn is_settled(&self) -> bool {
		matches!(self.status, Status::Settled { .. })
	}

	/// Longs less shorts. Sizes are bounded far below where that would saturate.
	pub fn skew(&self) -> i128 {
		let side = |size: u128| signed(size).unwrap_or(i128::MAX);
		side(self.long).saturating_sub(side(self.short))
	}

	/// The index price; the settlement price once there is one.
	pub fn index(&self) -> FixedU128 {
		match self.status {
			Status::Settled { price } => price,
			_ => self.price.value,
		}
	}

	/// The mark price: zero where the skew would make it less. A settled market has no premium.
	pub fn mark(&self) -> FixedU128 {
		match self.status {
			Status::Settled { price } => price,
			_ => perpetual::mark(self.price.value, self.skew(), self.terms.skew_scale).unwrap_or_default(),
		}
	}

	/// The value of one side at the index price, rounded up. Saturates above every cap.
	pub fn side_value(&self, size: u128) -> Balance {
		signed(size)
			.and_then(|size| perpetual::notional(size, self.index(), Rounding::Up))
			.unwrap_or(Balance::MAX)
	}

	/// The value of the larger side at the index price.
	pub fn open_interest(&self) -> Balance {
		self.side_value(self.long.max(self.short))
	}

	/// What closing `position` at the mark would realise, funding included, rounded down. `None` on overflow.
	pub fn unrealised(&self, position: &Position) -> Option<i128> {
		perpetual::value(position.size, self.mark(), Rounding::Down)?
			.checked_sub(position.cost)?
			.checked_sub(self.funding_owed(position)?)
	}

	/// The funding `position` owes, rounded up; below zero it is owed. `None` on overflow.
	pub fn funding_owed(&self, position: &Position) -> Option<i128> {
		perpetual::funding_on(position.size, self.funding_index, Rounding::Up)?.checked_sub(position.funding)
	}

	/// The requirement of `size` at `rate`, rounded up. Nothing once it is settled. `None` on overflow.
	pub fn requirement(&self, size: Size, rate: FixedU128) -> Option<Balance> {
		if self.is_settled() {
			return Some(0);
		}
		margin::requirement(size, self.mark(), rate, self.terms.skew_scale)
	}

	/// What `position` is worth and needs. `None` on overflow.
	pub fn risk(&self, position: &Position) -> Option<margin::Risk> {
		Some(margin::Risk {
			net: self.unrealised(position)?,
			initial: self.requirement(position.size, self.rates.initial)?,
			maintenance: self.requirement(position.size, self.rates.maintenance)?,
		})
	}

	/// What the pool owes all positions together, funding included, rounded so that it owes rather more: `Φ(s) − Σcost −
	/// (s·F − Σfunding)`. A settled market has no premium. `None` on overflow.
	pub fn owed(&self) -> Option<i128> {
		let skew = self.skew();
		let worth = match self.status {
			Status::Settled { price } => {
				perpetual::value(skew, price, Rounding::Up)?.checked_sub(self.cost)?
			}
			_ => perpetual::owed(self.price.value, skew, self.terms.skew_scale, self.cost)?,
		};
		let funding = perpetual::funding_on(skew, self.funding_index, Rounding::Down)?
			.checked_sub(self.funding_debt)?;
		worth.checked_sub(funding)
	}

	/// The most the pool loses if the price moves by the market's stress against it: `|Φ(s)|·stress`, rounded up. Saturates.
	pub fn worst_case(&self) -> Balance {
		let skew = self.skew();
		if self.is_settled() || skew == 0 {
			return 0;
		}
		let potential = perpetual::owed(self.price.value, skew, self.terms.skew_scale, 0)
			.map(i128::unsigned_abs)
			// Without a potential the price is so far off that the value at the index is more.
			.unwrap_or_else(|| self.side_value(skew.unsigned_abs()));
		mul_ratio(potential, self.terms.stress, Rounding::Up)
			.unwrap_or(Balance::MAX)
			// The potential of a short skew is rounded towards zero.
			.saturating_add(1)
	}

	/// Trade `delta` of `position` at the fill price of now. The position is another one afterwards, as are the sums. `None` on
	/// overflow, with nothing that may be used.
	pub fn trade(&mut self, position: &mut Position, delta: Size) -> Option<Trade> {
		let price = perpetual::fill_price(self.price.value, self.skew(), self.terms.skew_scale, delta)?;
		let funding = self.funding_owed(position)?;
		let (opening, closing) = perpetual::split(delta, position.size);
		let basis = if closing == 0 {
			0
		} else if closing.unsigned_abs() == position.size.unsigned_abs() {
			position.cost
		} else {
			// Rounded up: the trader's profit is rather less.
			mul_div_signed(
				position.cost,
				closing.unsigned_abs(),
				position.size.unsigned_abs(),
				Rounding::Up,
			)?
		};
		let received = perpetual::cost(closing, price)?.checked_neg()?;
		let paid = perpetual::cost(opening, price)?;
		let size = position.size.checked_add(delta)?;
		let after = Position {
			market: self.id,
			size,
			cost: position.cost.checked_sub(basis)?.checked_add(paid)?,
			funding: perpetual::funding_on(size, self.funding_index, Rounding::Down)?,
		};
		self.replace(position, &after)?;
		*position = after;
		Some(Trade {
			price,
			cost: paid.checked_sub(received)?,
			realised: received.checked_sub(basis)?,
			funding,
		})
	}

	/// Take `position` out at the settlement price. `None` on overflow.
	pub fn pay_out(&mut self, position: &Position, price: FixedU128) -> Option<Trade> {
		let worth = perpetual::value(position.size, price, Rounding::Down)?;
		let trade = Trade {
			price,
			cost: worth.checked_neg()?,
			realised: worth.checked_sub(position.cost)?,
			funding: self.funding_owed(position)?,
		};
		self.replace(position, &Position::default())?;
		Some(trade)
	}

	/// Count `new` instead of `old`.
	fn replace(&mut self, old: &Position, new: &Position) -> Option<()> {
		let long = |p: &Position| u128::try_from(p.size).unwrap_or(0);
		let short = |p: &Position| if p.size < 0 { p.size.unsigned_abs() } else { 0 };
		let one = |p: &Position| u32::from(p.size != 0);
		self.long = self.long.checked_sub(long(old))?.checked_add(long(new))?;
		self.short = self.short.checked_sub(short(old))?.checked_add(short(new))?;
		self.cost = self.cost.checked_sub(old.cost)?.checked_add(new.cost)?;
		self.funding_debt = self
			.funding_debt
			.checked_sub(old.funding)?
			.checked_add(new.funding)?;
		self.positions = self.positions.checked_sub(one(old))?.checked_add(one(new))?;
		Some(())
	}

	/// Bring the market to `now`: what it was told, funding, the ramp, the start of a block.
	pub fn refresh(
		&mut self,
		now: Moment,
		price: Option<Price>,
		fit: Fit,
		level: Level,
		parameters: Option<&MarketParameters>,
	) {
		if let Some(parameters) = parameters.filter(|p| p.skew_scale > 0) {
			self.terms = Terms::from(parameters);
		}
		self.price = price.unwrap_or(self.price);
		(self.fit, self.level) = (fit, level);
		let elapsed = now.saturating_sub(self.at).min(MAX_ACCRUAL_MS);
		self.at = now;
		let terms = &self.terms;
		let accrued = perpetual::accrue(
			self.rate,
			self.price.value,
			self.skew(),
			terms.skew_scale,
			terms.funding_velocity,
			terms.max_funding_rate,
			elapsed,
		);
		// What overflows stands still.
		if let Some((rate, index)) =
			accrued.and_then(|a| Some((a.rate, self.funding_index.checked_add(a.index)?)))
		{
			(self.rate, self.funding_index) = (rate, index);
		}
		let target = parameters.and_then(|p| {
			margin::maintenance_rate(
				p.maintenance_margin,
				p.maintenance_cap,
				p.volatility_multiple,
				self.price.volatility,
				p.volatility_horizon,
			)
		});
		self.rates.target = target.unwrap_or(self.rates.target);
		self.ramp(elapsed);
		self.skew_at_block_start = self.skew();
		self.update_initial();
	}

	/// Move the maintenance rate towards its target, as far as `elapsed` lets it. Where nobody is in there is nobody to spare.
	fn ramp(&mut self, elapsed: Moment) {
		let (rate, target) = (
			self.rates.maintenance.into_inner(),
			self.rates.target.into_inner(),
		);
		let most = if self.positions == 0 {
			u128::MAX
		} else {
			mul_div(
				self.terms.ramp_per_hour.into_inner(),
				elapsed.into(),
				3_600_000,
				Rounding::Down,
			)
			.unwrap_or(u128::MAX)
		};
		let step = rate.abs_diff(target).min(most);
		// Not beyond the target.
		self.rates.maintenance = FixedU128::from_inner(if target > rate {
			rate.saturating_add(step)
		} else {
			rate.saturating_sub(step)
		});
	}

	/// Set what new risk needs: never less than what existing risk does. All of a position's value where that overflows.
	pub fn update_initial(&mut self) {
		let (rates, terms) = (&self.rates, &self.terms);
		let initial = margin::initial_rate(
			rates.maintenance.max(rates.target),
			terms.initial_multiple,
			self.open_interest(),
			terms.open_interest_lower,
			terms.open_interest_upper,
		)
		.map_or(ONE, FixedU128::into_inner);
		let raised = if self.level >= Level::Guarded {
			mul_ratio(initial, terms.guarded_multiple, Rounding::Up).unwrap_or(ONE)
		} else {
			initial
		};
		self.rates.initial = FixedU128::from_inner(raised.min(ONE).max(initial)).max(rates.maintenance);
	}

	/// A governed cap, in base units of kUSD or as a ratio's inner value: a share of it while the breaker is raised.
	pub fn cap(&self, governed: u128, share: FixedU128) -> u128 {
		if self.level < Level::Guarded {
			return governed;
		}
		// A share beyond 128 bits is no share.
		mul_ratio(governed, share, Rounding::Down)
			.unwrap_or(governed)
			.min(governed)
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
pub struct BookState<M: Get<u32>> {
	/// The markets, in the order they were listed.
	pub markets: BoundedVec<Market, M>,
	/// Owed to the insurance fund until the next sweep, in base units of kUSD.
	pub fund_due: Balance,
	/// The share of fees that goes to the insurance fund in this block.
	pub fund_share: FixedU128,
	/// Held for open orders, in base units of kUSD.
	pub order_fees: Balance,
	/// When the fund was last paid.
	pub swept_at: Moment,
	/// When the book was last brought up to date: prices are fit for that moment alone.
	pub refreshed_at: Moment,
	/// When it was last said that the pool is insolvent.
	pub insolvent_at: Moment,
}

/// The book of a runtime.
pub type BookOf<T> = BookState<<T as Config>::MaxMarkets>;

impl<M: Get<u32>> BookState<M> {
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
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(P, O))]
#[codec(mel_bound())]
pub struct TraderState<P: Get<u32>, O: Get<u32>> {
	/// Its positions, at most one of a market, in the order they were opened.
	pub positions: BoundedVec<Position, P>,
	/// Its open orders, oldest first.
	pub orders: BoundedVec<OrderId, O>,
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

	/// Is there nothing to remember?
	pub fn is_empty(&self) -> bool {
		self.positions.is_empty() && self.orders.is_empty()
	}
}

/// On which side of its trigger an order waits for the index price.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum When {
	/// It is triggered at or above.
	Above,
	/// It is triggered at or below.
	Below,
}

/// The index price an order waits for.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Trigger {
	/// USD per whole unit, 18 decimals.
	pub price: FixedU128,
	/// On which side.
	pub when: When,
}

/// The place of a waiting order among those of its market and side: the first to be triggered comes first.
pub type TriggerKey = [u8; 24];

impl Trigger {
	/// Is it met at `index`?
	pub fn is_met(&self, index: FixedU128) -> bool {
		match self.when {
			When::Above => index >= self.price,
			When::Below => index <= self.price,
		}
	}

	/// The place of order `id`: nearest trigger first, then the older order.
	pub fn key(&self, id: OrderId) -> TriggerKey {
		let rank = match self.when {
			When::Above => self.price.into_inner(),
			// Never below zero.
			When::Below => u128::MAX - self.price.into_inner(),
		};
		let mut key = [0; 24];
		for (byte, from) in key
			.iter_mut()
			.zip(rank.to_be_bytes().into_iter().chain(id.to_be_bytes()))
		{
			*byte = from;
		}
		key
	}
}

/// What a key says: the trigger and the order.
pub(crate) fn read_key(when: When, key: &TriggerKey) -> (Trigger, OrderId) {
	let number = |bytes: &[u8]| bytes.iter().fold(0u128, |n, byte| n << 8 | u128::from(*byte));
	let (rank, id) = key.split_at(16);
	let rank = number(rank);
	let price = match when {
		When::Above => rank,
		When::Below => u128::MAX - rank,
	};
	let trigger = Trigger {
		price: FixedU128::from_inner(price),
		when,
	};
	// Eight bytes.
	(trigger, number(id) as OrderId)
}

/// An order that is not filled yet.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Order {
	/// Whose.
	pub account: MarginAccountId,
	/// Where.
	pub market: MarketId,
	/// How much; above zero buys.
	pub size: Size,
	/// The index price it waits for.
	pub trigger: Option<Trigger>,
	/// The worst price it fills at.
	pub limit: Option<FixedU128>,
	/// Does it only close, as much as there is?
	pub reduce_only: bool,
	/// From when on it fills no more.
	pub expires_at: Moment,
	/// When it was committed: it fills at a price made later.
	pub committed_at: Moment,
	/// When it joined the queue; `None` while it waits for its trigger.
	pub queued_at: Option<Moment>,
	/// Held for it, in base units of kUSD.
	pub fee: Balance,
}

/// What filling an order did, or would do. Money is in base units of kUSD.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Fill {
	/// What was traded; above zero bought.
	pub size: Size,
	/// What it filled at.
	pub price: FixedU128,
	/// The fee; below zero a rebate.
	pub fee: i128,
	/// The profit of what was closed.
	pub realised: i128,
	/// The funding settled: above zero paid.
	pub funding: i128,
	/// The size of the position afterwards.
	pub position: Size,
}

/// What an account is worth and needs, in base units of kUSD.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct AccountRisk {
	/// What it is worth for new risk.
	pub net: i128,
	/// What new risk needs.
	pub initial: Balance,
	/// What existing risk needs.
	pub maintenance: Balance,
}

impl From<margin::Risk> for AccountRisk {
	fn from(risk: margin::Risk) -> Self {
		Self {
			net: risk.net,
			initial: risk.initial,
			maintenance: risk.maintenance,
		}
	}
}

/// What an order would do at the price of now.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Preview {
	/// The fill.
	pub fill: Fill,
	/// The account afterwards.
	pub risk: AccountRisk,
}

/// A market as a view shows it. Money is in base units of kUSD, prices in USD per whole unit with 18 decimals.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct MarketView {
	/// Its number.
	pub id: MarketId,
	/// Its feed.
	pub feed: FeedId,
	/// Where it is in its life.
	pub status: Status,
	/// The index price.
	pub index: FixedU128,
	/// When that was made, in milliseconds.
	pub price_at: Moment,
	/// What it is good enough for.
	pub fit: Fit,
	/// The mark price.
	pub mark: FixedU128,
	/// The premium, signed, 18 decimals.
	pub premium: i128,
	/// The funding rate per day, signed, 18 decimals; above zero longs pay.
	pub funding_per_day: i128,
	/// The same per hour.
	pub funding_per_hour: i128,
	/// Longs, 8 decimals.
	pub long: u128,
	/// Shorts, 8 decimals.
	pub short: u128,
	/// The value of the longs at the index price.
	pub long_value: Balance,
	/// The value of the shorts at the index price.
	pub short_value: Balance,
	/// The most value of a side, at the breaker's level.
	pub max_open_interest: Balance,
	/// What the longs may still grow by.
	pub long_room: Balance,
	/// What the shorts may still grow by.
	pub short_room: Balance,
	/// The largest premium, either way, at the breaker's level; 18 decimals.
	pub max_premium: FixedU128,
	/// The skew at which the premium is 100 %, 8 decimals.
	pub skew_scale: u128,
	/// Margin rates.
	pub rates: Rates,
	/// The breaker's level at the block's start.
	pub level: Level,
	/// Set aside for rebates.
	pub rebates: Balance,
	/// The market's tranche of the insurance fund.
	pub tranche: Balance,
	/// Notional liquidated in about the last hour.
	pub liquidated: Balance,
	/// What the pool owes all positions together; `None` on overflow.
	pub owed: Option<i128>,
	/// The most the pool loses in the stress move.
	pub worst_case: Balance,
	/// How many positions there are.
	pub positions: u32,
}

/// A position as a view shows it. Money is in base units of kUSD, prices in USD per whole unit with 18 decimals.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct PositionView {
	/// The market.
	pub market: MarketId,
	/// The size, 8 decimals; above zero long.
	pub size: Size,
	/// What a whole unit cost on average.
	pub entry_price: FixedU128,
	/// The mark price.
	pub mark: FixedU128,
	/// The value at the mark.
	pub notional: Balance,
	/// What closing at the mark would realise, funding included, before fees.
	pub unrealised: i128,
	/// The funding it owes; below zero it is owed.
	pub funding: i128,
	/// What it adds to the account's initial requirement.
	pub initial: Balance,
	/// What it adds to the account's maintenance requirement.
	pub maintenance: Balance,
	/// What closing it has to bring at least (below zero: may cost at most) so that the account's other positions are not worse
	/// off; nothing without an account or a requirement.
	pub bankruptcy_quote: Option<i128>,
}
