//! What an order is: as its owner gives it, and as it waits.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_math::{
	mul_div, mul_ratio,
	perpetual::{self, SIZE_DIVISOR},
	FixedU128, Rounding, ONE,
};
use keel_primitives::{Balance, MarketId, Moment, OrderId, Size};
use scale_info::TypeInfo;

/// The least and the largest distance of a trailing trigger from the index price: 0.1 % and 50 %.
pub const TRAIL: [FixedU128; 2] = [FixedU128::from_inner(ONE / 1_000), FixedU128::from_inner(ONE / 2)];

/// In how many steps a trailing trigger follows a price that moves by its distance: it is written once for
/// each.
const TRAIL_STEPS: u128 = 16;

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
	/// A trailing one follows the index price at this share of it, and never goes back: below it when it is
	/// triggered below, as one that sells, else above it.
	pub trail: Option<FixedU128>,
}

/// The place of a waiting order among those of its market and side: the first to be triggered comes first.
pub type TriggerKey = [u8; 24];

impl When {
	/// The other side.
	pub fn opposite(self) -> Self {
		match self {
			Self::Above => Self::Below,
			Self::Below => Self::Above,
		}
	}
}

impl Trigger {
	/// Where a trailing one is at `index`: as it is, or nearer.
	pub(crate) fn followed(&self, index: FixedU128) -> Self {
		let price = self.trail.and_then(|trail| match self.when {
			When::Above => mul_ratio(index.into_inner(), above_one(trail)?, Rounding::Up)
				.map(|price| price.min(self.price.into_inner())),
			When::Below => mul_ratio(index.into_inner(), below_one(trail)?, Rounding::Down)
				.map(|price| price.max(self.price.into_inner())),
		});
		Self {
			price: price.map_or(self.price, FixedU128::from_inner),
			..*self
		}
	}

	/// The index price at which a trailing one moves on: a sixteenth of its distance beyond where it would
	/// stand as it does now. It is met on the other side. Nothing for one that stands still, or on overflow.
	pub(crate) fn ratchet(&self) -> Option<Self> {
		let trail = self.trail?;
		let step = FixedU128::from_inner(trail.into_inner() / TRAIL_STEPS);
		let (distance, step) = match self.when {
			When::Above => (above_one(trail)?, below_one(step)?),
			When::Below => (below_one(trail)?, above_one(step)?),
		};
		let from = mul_div(self.price.into_inner(), ONE, distance.into_inner(), Rounding::Up)?;
		Some(Self {
			price: FixedU128::from_inner(mul_ratio(from, step, Rounding::Up)?),
			when: self.when.opposite(),
			trail: None,
		})
	}

	/// Returns `true` if it is met at `index`.
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

fn above_one(share: FixedU128) -> Option<FixedU128> {
	ONE.checked_add(share.into_inner()).map(FixedU128::from_inner)
}

/// `None` unless something is left.
fn below_one(share: FixedU128) -> Option<FixedU128> {
	let left = ONE.checked_sub(share.into_inner()).filter(|left| *left > 0)?;
	Some(FixedU128::from_inner(left))
}

/// What a key says: where it is met and the order. Of a trailing trigger not that it is one.
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
		trail: None,
	};
	// Eight bytes.
	(trigger, number(id) as OrderId)
}

/// An order as its owner gives it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct NewOrder {
	/// The market.
	pub market: MarketId,
	/// How much, 8 decimals; above zero buys, below sells.
	pub size: Size,
	/// Wait for this index price first.
	pub trigger: Option<Trigger>,
	/// The worst price to fill at, USD per whole unit with 18 decimals. Without one the order is worked off
	/// in steps, block by block.
	pub limit: Option<FixedU128>,
	/// Whether an order with a limit rests until it is filled, in parts if it must; else it fills at once and
	/// as a whole, or fails.
	pub resting: bool,
	/// Whether it only closes, at most what there is.
	pub reduce_only: bool,
	/// Milliseconds from now, at most 30 days.
	pub expires_in: Moment,
}

/// What an order asks for, as it was accepted.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct OrderTerms {
	/// The market.
	pub market: MarketId,
	/// How much; above zero buys.
	pub size: Size,
	/// The index price it waits for; where a trailing one stands.
	pub trigger: Option<Trigger>,
	/// The worst price it fills at.
	pub limit: Option<FixedU128>,
	/// Rests where its limit is not met.
	pub resting: bool,
	/// Only closes.
	pub reduce_only: bool,
	/// From when on it fills no more.
	pub expires_at: Moment,
}

/// What an open order waits for.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Stage {
	/// The index price of its trigger.
	Waiting,
	/// A mark price no worse than its limit.
	Resting,
	/// The first index price made after it joined the queue.
	Queued {
		/// When it joined, in milliseconds.
		since: Moment,
		/// Its place: its own number, or the one an order would have got then.
		place: OrderId,
	},
}

/// What of an order is filled.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Filled {
	/// The size, of both directions above zero.
	pub size: u128,
	/// Its value at the prices it filled at, in base units of kUSD.
	pub value: Balance,
}

impl Filled {
	/// With a further part of `size` at `price`. `None` on overflow.
	pub(crate) fn and(&self, size: Size, price: FixedU128) -> Option<Self> {
		let value = perpetual::notional(size, price, Rounding::Down)?;
		Some(Self {
			size: self.size.checked_add(size.unsigned_abs())?,
			value: self.value.checked_add(value)?,
		})
	}

	/// The average price, rounded down. `None` where nothing is filled, or on overflow.
	pub fn average(&self) -> Option<FixedU128> {
		if self.size == 0 {
			return None;
		}
		mul_div(self.value, SIZE_DIVISOR, self.size, Rounding::Down).map(FixedU128::from_inner)
	}
}

/// An order that is not filled yet, as its account keeps it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Order {
	/// Its number.
	pub id: OrderId,
	/// The market.
	pub market: MarketId,
	/// How much is to be filled yet; above zero buys.
	pub size: Size,
	/// The index price it waits for, or waited.
	pub trigger: Option<Trigger>,
	/// The worst price it fills at.
	pub limit: Option<FixedU128>,
	/// Rests where its limit is not met.
	pub resting: bool,
	/// Only closes, as much as there is.
	pub reduce_only: bool,
	/// From when on it fills no more.
	pub expires_at: Moment,
	/// When it was committed.
	pub committed_at: Moment,
	/// What it waits for.
	pub stage: Stage,
	/// What of it is filled.
	pub filled: Filled,
	/// The order that is cancelled when this one is filled.
	pub twin: Option<OrderId>,
	/// Held for it in its account, in base units of kUSD: what it costs at least when it fills, and what it
	/// costs when it fails.
	pub fee: Balance,
	/// What else it needs of the account's margin, in base units of kUSD, by the prices of when it was
	/// committed: it can't be withdrawn or ordered with again.
	pub margin: Balance,
}

impl Order {
	/// Returns `true` if it is in the queue, to be filled at a price that its owner may see coming.
	pub fn is_queued(&self) -> bool {
		matches!(self.stage, Stage::Queued { .. })
	}

	/// With `left` to be filled yet, which is not zero and no more than before, after a part at `price`.
	/// What was held for it went into the fee of that part. `None` on overflow.
	pub(crate) fn filled_to(&self, left: Size, part: Size, price: FixedU128) -> Option<Self> {
		Some(Self {
			size: left,
			filled: self.filled.and(part, price)?,
			fee: 0,
			margin: mul_div(
				self.margin,
				left.unsigned_abs(),
				self.size.unsigned_abs(),
				Rounding::Up,
			)?,
			..*self
		})
	}

	/// What its owner asked for, as it stands: what a user reads of it in an event.
	pub(crate) fn terms(&self) -> OrderTerms {
		OrderTerms {
			market: self.market,
			size: self.size,
			trigger: self.trigger,
			limit: self.limit,
			resting: self.resting,
			reduce_only: self.reduce_only,
			expires_at: self.expires_at,
		}
	}

	/// The mark price it rests for: that, or lower for one that buys. `None` for one that never rests.
	pub(crate) fn rests_for(&self) -> Option<Trigger> {
		let price = self.limit.filter(|_| self.resting)?;
		Some(Trigger {
			price,
			when: if self.size > 0 { When::Below } else { When::Above },
			trail: None,
		})
	}
}
