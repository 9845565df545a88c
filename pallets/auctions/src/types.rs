//! An auction and its arithmetic: what it costs now, what a purchase does, what the last buyer takes. No storage.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_math::{auction::stairstep_exponential, mul_div, mul_ratio, value, FixedU128, Rounding, ONE};
use keel_primitives::{
	AssetId, AuctionId, Balance, BranchId, BranchParameters, FeedId, Moment, Price, KEPT_ROUNDING,
};
use scale_info::TypeInfo;

/// A key of the queue: the active time at which an auction is due, in milliseconds, then its number, both
/// big-endian, so that keys sort by time.
pub type QueueKey = [u8; 16];

/// The key of an auction due at `due`.
pub fn queue_key(due: Moment, auction: AuctionId) -> QueueKey {
	((due as u128) << 64 | auction as u128).to_be_bytes()
}

/// The time and the auction a key stands for.
pub fn from_queue_key(key: QueueKey) -> (Moment, AuctionId) {
	let key = u128::from_be_bytes(key);
	((key >> 64) as Moment, key as AuctionId)
}

/// Whose collateral is sold.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Kind<AccountId> {
	/// A vault's. What is left over returns to its owner.
	Liquidation {
		/// The vault's owner.
		owner: AccountId,
	},
	/// The insurance fund's. The whole lot is for sale.
	FundSale,
}

/// A running auction: what is left of it, and the parameters it started with.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Auction<AccountId> {
	/// Whose collateral this is.
	pub kind: Kind<AccountId>,
	/// The branch whose parameters it follows; `None` if no branch takes the asset, for a sale of the fund's.
	pub branch: Option<BranchId>,
	/// What is sold.
	pub asset: AssetId,
	/// Its feed.
	pub feed: FeedId,
	/// How much of it is left, in base units.
	pub collateral: Balance,
	/// kUSD still to raise and burn, in base units.
	pub debt: Balance,
	/// kUSD still to raise for the insurance fund, in base units.
	pub penalty: Balance,
	/// Turns collateral times price into kUSD; see `keel_math::value`.
	pub divisor: u128,
	/// Active time of its start, in milliseconds.
	pub active_start: Moment,
	/// USD per whole unit when it started.
	pub spot: FixedU128,
	/// The price it started with, USD per whole unit.
	pub start_price: FixedU128,
	/// Below this it sells nothing, USD per whole unit.
	pub reserve_price: FixedU128,
	/// What is left of the price after a step.
	pub cut: FixedU128,
	/// The length of a step, in seconds.
	pub step: u64,
	/// Active time of its end, in milliseconds: from here on it sells nothing, because the price would be
	/// below the reserve or the time is up.
	pub active_end: Moment,
	/// Active time at which the block settles it, in milliseconds: `active_end`, or later after a settlement
	/// that failed.
	pub active_due: Moment,
	/// The least a purchase may leave unless it leaves nothing, in base units of kUSD.
	pub minimum_rest: Balance,
}

/// What a purchase does, in base units.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Purchase {
	/// USD per whole unit.
	pub price: FixedU128,
	/// Collateral the buyer gets.
	pub collateral: Balance,
	/// kUSD the buyer pays.
	pub paid: Balance,
	/// The part of it that is burned against the debt.
	pub burned: Balance,
	/// The part of it that the insurance fund receives: penalty, and of the fund's own sales all.
	pub income: Balance,
	/// The part of it beyond debt and penalty: the owner's. It is less than the price of one base unit of
	/// collateral, and below [`KEPT_ROUNDING`] it is zero and counts as income.
	pub surplus: Balance,
	/// Whether this ends the auction.
	pub closes: bool,
	/// Collateral the owner gets back if it does.
	pub returned: Balance,
	/// Debt the fund has to carry if it does.
	pub uncovered: Balance,
}

/// Why nothing can be bought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
	/// The auction is over.
	Expired,
	/// Nothing was asked for.
	NothingAsked,
	/// Too little would be left.
	DustLeft,
	/// A number would leave its range.
	Overflow,
}

/// What the last buyer does. Collateral is in base units, and together all that is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Takeover {
	/// For the insurance fund.
	pub taken: Balance,
	/// For the owner.
	pub returned: Balance,
	/// What `taken` is worth beyond debt and penalty at the least price, in base units of kUSD: zero below
	/// [`KEPT_ROUNDING`].
	pub surplus: Balance,
}

/// A portion of the fund's collateral is worth at least this, in base units of kUSD: 100,000 kUSD. Less is
/// sold whole.
pub const LEAST_PORTION: Balance = 100_000_000_000;

/// The parts the fund's collateral of one asset is sold in, while it is worth more than that many
/// [`LEAST_PORTION`]s.
const PORTIONS: Balance = 4;

/// The curve and the calm of an asset that no running branch takes: from 110 % of spot, 1 % less every 20 s,
/// never below 60 %, two hours; calm within 5 % of the average. The other fields are not used.
pub fn without_branch() -> BranchParameters {
	BranchParameters {
		minimum_debt: 100_000_000,
		auction_start: FixedU128::from_rational(11, 10),
		auction_cut: FixedU128::from_rational(99, 100),
		auction_step: 20,
		auction_reserve: FixedU128::from_rational(6, 10),
		auction_duration: 7_200,
		deviation_guarded: FixedU128::from_rational(5, 100),
		..Default::default()
	}
}

/// Whether spot is within `limit` of its five-minute average, as a share of the average, rounded up.
pub fn is_calm(price: &Price, limit: FixedU128) -> bool {
	let (spot, average) = (price.value.into_inner(), price.twap.into_inner());
	// Without an average, or beyond 128 bits, nothing is calm.
	mul_div(spot.abs_diff(average), ONE, average, Rounding::Up)
		.is_some_and(|share| share <= limit.into_inner())
}

/// How much of `held` is sold next at `price`: a quarter, rounded up, but no less than [`LEAST_PORTION`] is
/// worth and all if less than that would be left. An overflow is more than there can be.
pub fn portion(held: Balance, price: FixedU128, divisor: u128) -> Balance {
	let least = value::amount_for(LEAST_PORTION, price, divisor, Rounding::Up).unwrap_or(Balance::MAX);
	let portion = held.div_ceil(PORTIONS).max(least).min(held);
	// Safe: at most `held`.
	if held.saturating_sub(portion) < least {
		held
	} else {
		portion
	}
}

/// The part of an auction that depends on price and parameters alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Curve {
	/// USD per whole unit.
	pub start_price: FixedU128,
	/// USD per whole unit, rounded up.
	pub reserve_price: FixedU128,
	/// How long it runs, in seconds: until the first step below the reserve, or the longest duration.
	pub length: u64,
}

impl Curve {
	/// The curve of `parameters` from `spot`. `None` where they make none: a reserve of zero or above the start, a cut
	/// above one, no duration, or an overflow.
	pub fn new(spot: FixedU128, parameters: &BranchParameters) -> Option<Self> {
		let times = |ratio| mul_ratio(spot.into_inner(), ratio, Rounding::Up).map(FixedU128::from_inner);
		let start_price = times(parameters.auction_start)?;
		let reserve_price = times(parameters.auction_reserve)?;
		let sound = reserve_price.into_inner() > 0
			&& start_price >= reserve_price
			&& parameters.auction_cut.into_inner() <= ONE
			&& parameters.auction_duration > 0;
		if !sound {
			return None;
		}
		let step = parameters.auction_step.max(1);
		let above = |steps: u64| {
			let elapsed = steps.checked_mul(step)?;
			let price = stairstep_exponential(start_price, parameters.auction_cut, step, elapsed)?;
			Some(price >= reserve_price)
		};
		// The price never rises, so the first step below the reserve is found by halving: at most 64 rounds. Step zero is
		// at or above it; `low` always is.
		let mut low = 0;
		let mut high = parameters.auction_duration.checked_sub(1)? / step;
		if above(high)? {
			return Some(Self {
				start_price,
				reserve_price,
				length: parameters.auction_duration,
			});
		}
		while high.checked_sub(low)? > 1 {
			let middle = low + (high - low) / 2;
			if above(middle)? {
				low = middle;
			} else {
				high = middle;
			}
		}
		Some(Self {
			start_price,
			reserve_price,
			length: high.checked_mul(step)?,
		})
	}
}

impl<AccountId: Clone> Auction<AccountId> {
	/// kUSD still to raise: debt and penalty. Saturates, and the start refuses a sum that would.
	pub fn needed(&self) -> Balance {
		self.debt.saturating_add(self.penalty)
	}

	/// What the curve says at the active time `now`, USD per whole unit; `None` on overflow.
	fn curve(&self, now: Moment) -> Option<FixedU128> {
		// Saturates: before its start an auction costs what it costs at its start.
		let elapsed = now.saturating_sub(self.active_start) / 1000;
		stairstep_exponential(self.start_price, self.cut, self.step, elapsed)
	}

	/// The price at the active time `now`, USD per whole unit. `None` once the auction is over.
	pub fn price_at(&self, now: Moment) -> Option<FixedU128> {
		if now >= self.active_end {
			return None;
		}
		self.curve(now).filter(|price| *price >= self.reserve_price)
	}

	/// Whether anything can be bought at `now`.
	pub fn is_open(&self, now: Moment) -> bool {
		self.price_at(now).is_some()
	}

	/// What buying at most `max_collateral` at `now` does.
	pub fn quote(&self, now: Moment, max_collateral: Balance) -> Result<Purchase, Refusal> {
		let price = self.price_at(now).ok_or(Refusal::Expired)?;
		if max_collateral == 0 {
			return Err(Refusal::NothingAsked);
		}
		let needed = self.needed();
		let goal = match self.kind {
			// An overflow here is more collateral than there can be: all of it is needed.
			Kind::Liquidation { .. } => {
				value::amount_for(needed, price, self.divisor, Rounding::Up).unwrap_or(Balance::MAX)
			}
			Kind::FundSale => Balance::MAX,
		};
		let collateral = max_collateral.min(goal).min(self.collateral);
		let rest = self.collateral.checked_sub(collateral).ok_or(Refusal::Overflow)?;
		let paid = value::value_of(collateral, price, self.divisor, Rounding::Up).ok_or(Refusal::Overflow)?;
		let burned = paid.min(self.debt);
		let raised = matches!(self.kind, Kind::Liquidation { .. }) && paid >= needed;
		let surplus = if raised { self.surplus(paid) } else { 0 };
		let income = paid
			.checked_sub(burned)
			.and_then(|rest| rest.checked_sub(surplus))
			.ok_or(Refusal::Overflow)?;
		let uncovered = self.debt.checked_sub(burned).ok_or(Refusal::Overflow)?;

		let closes = raised || rest == 0;
		if !closes {
			// An overflow here is a fortune, not dust.
			let worth = value::value_of(rest, price, self.divisor, Rounding::Down).unwrap_or(Balance::MAX);
			let left = match self.kind {
				Kind::Liquidation { .. } => worth.min(needed.checked_sub(paid).ok_or(Refusal::Overflow)?),
				Kind::FundSale => worth,
			};
			if left < self.minimum_rest {
				return Err(Refusal::DustLeft);
			}
		}
		let (returned, uncovered) = if closes { (rest, uncovered) } else { (0, 0) };
		Ok(Purchase {
			price,
			collateral,
			paid,
			burned,
			income,
			surplus,
			closes,
			returned,
			uncovered,
		})
	}

	/// What `raised` is beyond debt and penalty; zero below [`KEPT_ROUNDING`].
	fn surplus(&self, raised: Balance) -> Balance {
		let beyond = raised.saturating_sub(self.needed());
		if beyond < KEPT_ROUNDING {
			0
		} else {
			beyond
		}
	}

	/// The auction after a purchase that does not close it. `None` if the purchase is not of this auction.
	pub fn after(&self, purchase: &Purchase) -> Option<Self> {
		let penalty = match self.kind {
			Kind::Liquidation { .. } => self.penalty.checked_sub(purchase.income)?,
			Kind::FundSale => self.penalty,
		};
		Some(Self {
			collateral: self.collateral.checked_sub(purchase.collateral)?,
			debt: self.debt.checked_sub(purchase.burned)?,
			penalty,
			..self.clone()
		})
	}

	/// How the collateral divides when nobody bought it: to the fund what debt and penalty are worth at the reserve
	/// price, rounded up, the rest to the owner. A sale of the fund's own goes back to it whole. `least` is
	/// what a whole unit certainly is worth now, at most the reserve price.
	pub fn takeover(&self, least: FixedU128) -> Takeover {
		let claim = match self.kind {
			// An overflow here is more collateral than there can be.
			Kind::Liquidation { .. } => {
				value::amount_for(self.needed(), self.reserve_price, self.divisor, Rounding::Up)
					.unwrap_or(Balance::MAX)
			}
			Kind::FundSale => Balance::MAX,
		};
		let taken = claim.min(self.collateral);
		let surplus = match self.kind {
			Kind::Liquidation { .. } => self.surplus(self.worth(taken, least)),
			Kind::FundSale => 0,
		};
		// Safe: `taken` is at most the collateral.
		Takeover {
			taken,
			returned: self.collateral.saturating_sub(taken),
			surplus,
		}
	}

	/// What `amount` of the collateral is worth at `price`, in base units of kUSD, rounded down. A value
	/// beyond 128 bits is none.
	pub fn worth(&self, amount: Balance, price: FixedU128) -> Balance {
		value::value_of(amount, price, self.divisor, Rounding::Down).unwrap_or(0)
	}

	/// The auction as its bidders see it at `now`.
	pub fn view(self, auction: AuctionId, now: Moment) -> AuctionView<AccountId> {
		AuctionView {
			auction,
			open: self.is_open(now),
			price: self.curve(now).unwrap_or_default(),
			collateral: self.collateral,
			needed: self.needed(),
			// Saturates at zero once it is over.
			ends_in: self.active_end.saturating_sub(now),
			details: self,
		}
	}
}

/// A running auction as its bidders see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct AuctionView<AccountId> {
	/// Its number.
	pub auction: AuctionId,
	/// Whether anything can still be bought.
	pub open: bool,
	/// Where the curve is now, USD per whole unit. Nobody can buy at it once `open` is false.
	pub price: FixedU128,
	/// Collateral left, in base units.
	pub collateral: Balance,
	/// kUSD still to raise, in base units. Zero for a sale of the fund's.
	pub needed: Balance,
	/// Active time left until its end, in milliseconds; zero once it is over. A time without blocks does not
	/// count.
	pub ends_in: Moment,
	/// All that is stored of it.
	pub details: Auction<AccountId>,
}

/// A page of running auctions.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct AuctionPage<AccountId> {
	/// In order of their numbers.
	pub auctions: Vec<AuctionView<AccountId>>,
	/// Where the next page starts; nothing, if this was the last one.
	pub next: Option<AuctionId>,
}
