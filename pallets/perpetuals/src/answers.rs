//! What the views answer.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_math::{margin, FixedU128};
use keel_primitives::{Balance, FeedId, Level, MarketId, Moment, Size};
use scale_info::TypeInfo;

use crate::{Fit, Rates, Status};

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
	/// Funding and borrow fee of what was closed: above zero paid.
	pub funding: i128,
	/// What the pool could not pay of the gain.
	pub haircut: Balance,
	/// The size of the position afterwards.
	pub position: Size,
	/// What waits for a later price, because this one moves no further or is beyond the limit.
	pub left: Size,
}

impl Fill {
	/// What the account gains, the fee included. `None` on overflow.
	pub fn credit(&self) -> Option<i128> {
		self.realised
			.checked_sub(self.funding)?
			.checked_sub_unsigned(self.haircut)?
			.checked_sub(self.fee)
	}
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
	/// The value of all its positions afterwards over what it is worth for new risk, 18 decimals; `None`
	/// where that is nothing.
	pub leverage: Option<FixedU128>,
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
	/// The borrow fee per year, as a share of a position's value at the index price, 18 decimals.
	pub borrow_per_year: FixedU128,
	/// The share of every gain that the pool can't pay now, 18 decimals.
	pub haircut: FixedU128,
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
	/// The most a new position may be worth over what its account is worth, 18 decimals.
	pub max_leverage: FixedU128,
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
	/// What closing at the mark would realise, funding included, before fees and haircut.
	pub unrealised: i128,
	/// What the pool could not pay of that now.
	pub haircut: Balance,
	/// The funding and borrow fee it owes; below zero it is owed.
	pub funding: i128,
	/// What it adds to the account's initial requirement.
	pub initial: Balance,
	/// What it adds to the account's maintenance requirement.
	pub maintenance: Balance,
	/// What closing it has to bring at least (below zero: may cost at most) so that the account's other positions are not worse
	/// off; nothing without an account or a requirement.
	pub bankruptcy_quote: Option<i128>,
}

/// What a gains haircut would take from an account that closes everything at the mark.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct HaircutView {
	/// The share of every gain.
	pub rate: FixedU128,
	/// What the account would lose, in base units of kUSD.
	pub cost: Balance,
}

/// What haircuts took from an account, in base units of kUSD.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct RecoveryView {
	/// What is not repaid yet.
	pub owed: Balance,
	/// What `claimRecovery` would pay now.
	pub claimable: Balance,
}

/// What this pallet has of clearing beside the markets' own, in base units of kUSD.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct PotsView {
	/// The share of fees the insurance fund gets in this block.
	pub fund_share: FixedU128,
	/// What it is due.
	pub fund_due: Balance,
	/// What haircuts took and fees have not repaid yet.
	pub claims: Balance,
	/// What was repaid and is not claimed yet.
	pub recovery: Balance,
	/// What the pool is short of: the deficit that the haircut of now is for.
	pub deficit: Balance,
}
