//! Cross-margin accounts and what they stand in: who holds the money, who owns the positions, who is the other side.
//!
//! ## Who holds what
//!
//! All kUSD and collateral of the derivatives side is in one account, the custody of the margin pallet. It stands for three
//! claims: what accounts own, what lenders own, and *clearing*, the rest: the liquidity pool, the markets' tranches and fees.
//!
//! `kUSD in custody = Σ cash of accounts + idle kUSD of the lending reserve + clearing`, exactly, at all times.
//!
//! A trade moves nothing but numbers between an account and clearing. Who shares clearing is known to those who keep it:
//! `clearing = cash of the liquidity pool + fees, rebates and tranches of the markets`, exactly.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{dispatch::DispatchResult, pallet_prelude::DispatchError, weights::Weight};
use keel_math::{margin::Risk, FixedU128};
use scale_info::TypeInfo;
use sp_arithmetic::Permill;

use crate::{Balance, FeedId, MarginAccountId, MarketId, Moment, Size};

/// What an account has in one market, as margin sees it. Money is in base units of kUSD.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Exposure {
	/// The market.
	pub market: MarketId,
	/// Its feed.
	pub feed: FeedId,
	/// The size.
	pub size: Size,
	/// The market's mark price.
	pub mark: FixedU128,
	/// The size's value at the mark, rounded up.
	pub notional: Balance,
	/// What closing at the mark would realise, funding included, rounded down.
	pub unrealised: i128,
	/// The initial requirement, with what the breaker asks for, rounded up.
	pub initial: Balance,
	/// The maintenance requirement, rounded up.
	pub maintenance: Balance,
	/// The most that funding and ramps can take from the account's slack in an hour, at twice today's price.
	pub drift_per_hour: Balance,
	/// Funding it pays in an hour at the present rate; below zero it receives.
	pub funding_per_hour: i128,
	/// The price move the market is measured against.
	pub stress: FixedU128,
	/// Since when the market's price is what it is: [`Price::since`](crate::Price::since).
	pub price_at: Moment,
	/// Whether that price is fit for adding risk, and its market not `Halted`. A settlement price is.
	pub fit: bool,
}

impl Exposure {
	/// The profit or loss that counts for what leaves an account and for new risk elsewhere: all of it at a
	/// fit price; at one that is not, a profit counts nothing, and a loss is as large as it is after another
	/// move by all of the position's value.
	///
	/// Worked: a long of 60,000 with a profit of 2,000 counts −60,000 while its feed is silent; with a loss
	/// of 2,000, −62,000.
	pub fn counted_for_leaving(&self) -> i128 {
		if self.fit {
			return self.unrealised;
		}
		self.unrealised.min(0).saturating_sub_unsigned(self.notional)
	}
}

/// What a liquidation closed in one market.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Closed {
	/// The notional closed, at the fill price.
	pub notional: Balance,
	/// The fee taken for it.
	pub fee: Balance,
}

/// Who carried a deficit. The parts add up to it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Waterfall {
	/// The tranches of the markets the account was in.
	pub tranche: Balance,
	/// The insurance fund: its shared tranche, then the treasury's up to its cap of an hour.
	pub fund: Balance,
	/// The liquidity pool. What it can't bear is taken from unrealised profits, pro rata.
	pub pool: Balance,
}

/// What an account just did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
	/// Took on risk: its initial requirement must be met.
	Opened,
	/// Gave risk back: its owner acted, but nothing has to be met.
	Reduced,
	/// Something happened to it that was not its owner's act.
	Suffered,
}

/// Whoever keeps the accounts and the custody: asked by the markets and the pool.
pub trait MarginAccounts<AccountId> {
	/// The account `sub` of `owner`.
	fn account(owner: &AccountId, sub: u8) -> Option<MarginAccountId>;

	/// Whose `account` is; `None` for one there is not.
	fn owner(account: MarginAccountId) -> Option<AccountId>;

	/// Move `amount` from clearing to `account`; below zero the other way. What an account can't pay in cash it borrows.
	fn settle(account: MarginAccountId, amount: i128) -> DispatchResult;

	/// `account` did something and its positions are written: check what it has to meet, and give it new triggers and measure it for
	/// the fund, now or by the end of the block. Reads its exposures once.
	fn acted(account: MarginAccountId, act: Act) -> DispatchResult;

	/// What `account` is worth and needs for new risk: unrealised profit as far as it counts, collateral at its conservative
	/// value; what is held for its orders is needed too.
	fn risk(account: MarginAccountId) -> Result<Risk, DispatchError>;

	/// Take `amount` kUSD of `from` into custody, for clearing.
	fn bring_in(from: &AccountId, amount: Balance) -> DispatchResult;

	/// Pay `amount` kUSD of clearing to `to`.
	fn pay_out(to: &AccountId, amount: Balance) -> DispatchResult;

	/// The custody: where the insurance fund pays to. What it pays belongs to clearing once it is [`note`](Self::note)d.
	fn custody() -> AccountId;

	/// `amount` kUSD came into custody for clearing without a transfer from here.
	fn note(amount: Balance) -> DispatchResult;

	/// `amount` of clearing leaves custody without a transfer from here: the counterpart of [`note`](Self::note).
	fn release(amount: Balance) -> DispatchResult;

	/// kUSD in custody that belongs to clearing.
	fn clearing() -> i128;

	/// What the insurance fund should hold: the two largest shortfalls of the worst scenario, in base units of kUSD.
	fn cover_target() -> Balance;

	/// An account of `owner` with `cash` kUSD, past every rule, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn create(owner: &AccountId, sub: u8, cash: Balance) -> MarginAccountId;

	/// Give `account` all its triggers, as the end of a block does, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn look_again(_account: MarginAccountId) {}
}

/// Whoever keeps the markets and the positions: asked by margin.
pub trait Positions {
	/// All markets, settled ones too as long as anybody may be in. Bounded by the pallet that keeps them.
	fn markets() -> Vec<MarketId>;

	/// The mark price of `market`, good enough to liquidate on; or why it is not. Of a settled one the settlement price: it may be
	/// beyond a trigger that the last mark was not.
	fn mark(market: MarketId) -> Result<FixedU128, DispatchError>;

	/// What `account` has, in the order it was opened, at the last prices known. In a market that was settled: at its settlement
	/// price, with nothing required.
	fn exposures(account: MarginAccountId) -> Vec<Exposure>;

	/// Is `account` still to be repaid what was cut from its profits? It must not be closed before: nobody else can be paid.
	fn is_owed(_account: MarginAccountId) -> bool {
		false
	}

	/// What the open orders of `account` need of its margin, in base units of kUSD: held until they are filled or gone.
	fn held_for_orders(_account: MarginAccountId) -> Balance {
		0
	}

	/// Cancel all orders of `account`. Their fees go back to it.
	fn cancel_orders(account: MarginAccountId) -> DispatchResult;

	/// Liquidate the position of `account` in `market`: close the smallest part that restores `risk` (of the
	/// whole account, with all profit counted, [`Risk::is_restored`]), at the fill price, with the fee of a
	/// liquidation, as far as the market's window has room. Refused where the price is, or is not newer than
	/// `changed_at`.
	fn liquidate(
		account: MarginAccountId,
		market: MarketId,
		risk: Risk,
		changed_at: Moment,
	) -> Result<Closed, DispatchError>;

	/// Close `share` of every position of `account`, at the fill price, with the fee of a trade: what the owner asked for when
	/// called.
	fn reduce(account: MarginAccountId, share: Permill) -> Result<Closed, DispatchError>;

	/// `deficit` is missing from `account`, which has nothing left: the tranches of `markets`, the fund, the pool. All of it is
	/// credited to the account's cash.
	fn cover(
		account: MarginAccountId,
		markets: &[MarketId],
		deficit: Balance,
	) -> Result<Waterfall, DispatchError>;

	/// The most an account's exposures weigh.
	fn exposures_weight() -> Weight {
		Weight::zero()
	}

	/// How many positions and open orders `account` has.
	fn count(account: MarginAccountId) -> (u32, u32);

	/// What the cuts of profits that are remembered add to liquidating an account of so many positions, to the end.
	fn cuts_weight(_positions: u32) -> Weight {
		Weight::zero()
	}

	/// Give `account` a position of `size` in `market` at the present mark, past every rule, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn create(account: MarginAccountId, market: MarketId, size: Size);

	/// Give `account` `positions` of `size`, in as many markets, and so many `orders`, at most as many as there may be; let there be so
	/// many `cuts`, and whatever else makes it dear to cover, past every rule, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn create_many(account: MarginAccountId, size: Size, positions: u32, _orders: u32, _cuts: u32) {
		for market in Self::markets().into_iter().take(positions as usize) {
			Self::create(account, market, size);
		}
	}
}

/// The pool on the other side of every trade: asked by the markets.
pub trait LiquidityPool {
	/// Its realised cash: deposits, fees, and what traders paid it less what it paid them. Part of clearing. It may be below
	/// zero while traders' unrealised losses are not.
	fn cash() -> i128;

	/// All of clearing that is the pool's: its cash and what waits to become shares.
	fn held() -> i128;

	/// `amount` more of clearing is the pool's; below zero: less.
	fn settle(amount: i128) -> DispatchResult;

	/// Give the pool `amount` kUSD, past every rule, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn fund(amount: Balance);
}

/// What the pool has to know of the markets.
pub trait PoolExposure {
	/// What all positions together could be closed for above what they cost, funding included, at the last prices known: what
	/// the pool owes traders. Below zero: what they owe it. In base units of kUSD, rounded up.
	fn owed() -> Result<i128, DispatchError>;

	/// The most the pool can lose in the stress scenario: every market moves by its stress against the pool at once.
	fn worst_case() -> Balance;

	/// Does every market with open interest have a price that is fit for adding risk and was made after `moment`?
	fn priced_after(moment: Moment) -> bool;
}

/// No markets; for mocks.
impl PoolExposure for () {
	fn owed() -> Result<i128, DispatchError> {
		Ok(0)
	}
	fn worst_case() -> Balance {
		0
	}
	fn priced_after(_: Moment) -> bool {
		true
	}
}
