//! Cross-margin accounts and what they stand in: who holds the money, who owns the positions, who is the other side.
//!
//! ## Who holds what
//!
//! All kUSD and collateral of the derivatives side is in one account, the custody of the margin pallet. It stands for three
//! claims: what accounts own, what lenders own, and *clearing*, the rest: the liquidity pool, the markets' tranches and fees.
//!
//! `kUSD in custody = Σ cash of accounts + idle kUSD of the lending reserve + clearing`, exactly, at all
//! times; interest earned by clearing counts with it until it is collected.
//!
//! A loss of an account that has other collateral is borrowed, whatever there is to lend. Beyond the reserve
//! the idle kUSD is below zero: what is lent then is clearing's, so clearing is more than the kUSD there is
//! for it, by [`MarginAccounts::overdrawn`].
//!
//! A trade moves nothing but numbers between an account and clearing. Who shares clearing is known to those who keep it:
//! `clearing = cash of the liquidity pool + fees, rebates and tranches of the markets`, exactly.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{dispatch::DispatchResult, pallet_prelude::DispatchError, weights::Weight};
use keel_math::{margin::Risk, mul_ratio, FixedU128, Rounding};
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
	/// What closing at the mark would realise, funding included, before a gains haircut, rounded down.
	pub unrealised: i128,
	/// What the pool could not pay of that now. A liquidation does not count it, for a gain that is not
	/// realised is not cut for good; what leaves the account and new risk do.
	pub haircut: Balance,
	/// The initial requirement, with what the breaker asks for, rounded up.
	pub initial: Balance,
	/// The maintenance requirement, rounded up.
	pub maintenance: Balance,
	/// The position's part of its side's open interest, rounded down: all positions of a side together have
	/// at most one.
	pub share: FixedU128,
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
	/// The profit or loss that counts for what leaves an account and for new risk elsewhere: at a fit price a
	/// loss in full and a profit up to the position's share of `cap`; at one that is not, a profit counts
	/// nothing, and a loss is as large as it is after another move by all of the position's value.
	///
	/// The cap bounds what can leave against profit at a manipulated mark. It is per side of a market,
	/// divided by size: whoever splits a position over accounts or keys has the same sum counted, and all
	/// traders of a side together no more than `cap`. A cap per account would be as many caps as there are
	/// accounts.
	///
	/// Worked: a long of 60,000 with a profit of 2,000 counts −60,000 while its feed is silent; with a loss
	/// of 2,000, −62,000. With a fit price, a hundredth of all longs and a cap of 100,000 the profit counts
	/// 1,000.
	pub fn counted_for_leaving(&self, cap: Balance) -> i128 {
		if self.fit {
			// A share of at most one fits, and what does not fit counts nothing.
			let most = mul_ratio(cap, self.share, Rounding::Down).unwrap_or(0);
			return self
				.unrealised
				.saturating_sub_unsigned(self.haircut)
				.min(i128::try_from(most).unwrap_or(i128::MAX));
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
	/// The account's own claim on what a haircut took from its gains: what fees repaid of it.
	pub claim: Balance,
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

	/// The part of clearing that is lent to accounts, in base units of kUSD: what they owe beyond the lending
	/// reserve. It is not in custody until it is repaid.
	fn overdrawn() -> Balance {
		0
	}

	/// Moves the interest earned on [`overdrawn`](Self::overdrawn) into clearing, for the liquidity pool,
	/// whose kUSD is lent. Returns how much, in base units.
	fn collect() -> Result<Balance, DispatchError> {
		Ok(0)
	}

	/// What the insurance fund should hold, in base units of kUSD: the two largest shortfalls of the worst
	/// scenario, at least half of what the stress scenario takes at most in one market.
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

	/// What the stress scenario takes at most in the market in which that is most, whoever has the positions:
	/// in base units of kUSD.
	fn worst_market() -> Balance {
		0
	}

	/// The mark price of `market`, good enough to liquidate on; or why it is not. Of a settled one the settlement price: it may be
	/// beyond a trigger that the last mark was not.
	fn mark(market: MarketId) -> Result<FixedU128, DispatchError>;

	/// What `account` has, in the order it was opened, at the last prices known. In a market that was settled: at its settlement
	/// price, with nothing required.
	fn exposures(account: MarginAccountId) -> Vec<Exposure>;

	/// Whether `account` has a claim on what a haircut took from its gains. It must not be closed before: no
	/// other account can be paid.
	fn is_owed(_account: MarginAccountId) -> bool {
		false
	}

	/// What the open orders of `account` need of its margin, in base units of kUSD: held until they are filled or gone.
	fn held_for_orders(_account: MarginAccountId) -> Balance {
		0
	}

	/// Cancel all orders of `account`. Their fees go back to it.
	fn cancel_orders(account: MarginAccountId) -> DispatchResult;

	/// The fees held for the open orders of `account`, in base units of kUSD: what
	/// [`cancel_orders`](Self::cancel_orders) gives back.
	fn order_fees(_account: MarginAccountId) -> Balance {
		0
	}

	/// What [`liquidate`](Self::liquidate) would close and charge now, or why it would fail: the same plan,
	/// not carried out. Asked for every transaction that is validated, so a refusal is cheap.
	fn can_liquidate(
		account: MarginAccountId,
		market: MarketId,
		risk: Risk,
		changed_at: Moment,
	) -> Result<Closed, DispatchError>;

	/// Liquidate the position of `account` in `market`: close the smallest part that restores `risk` (of the
	/// whole account, with all profit counted, [`Risk::is_restored`]), at the fill price, with the fee of a
	/// liquidation, as far as the market's window has room. Refused where the price is, or is not newer than
	/// `changed_at`. In a settled market the position is paid out at the settlement price, without a fee.
	fn liquidate(
		account: MarginAccountId,
		market: MarketId,
		risk: Risk,
		changed_at: Moment,
	) -> Result<Closed, DispatchError>;

	/// Close `share` of every position of `account`, at the fill price, with the fee of a trade: what the owner asked for when
	/// called. Those whose price is not newer than `set_at` are left out; refused if that is all.
	fn reduce(account: MarginAccountId, share: Permill, set_at: Moment) -> Result<Closed, DispatchError>;

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

	/// Give `account` a position of `size` in `market` at the present mark, past every rule, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn create(account: MarginAccountId, market: MarketId, size: Size);

	/// Gives `account` `positions` of `size`, in as many markets, and so many `orders`, at most as many as
	/// there may be, and makes it as dear to cover as can be, past every rule, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn create_many(account: MarginAccountId, size: Size, positions: u32, _orders: u32) {
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

/// How far the prices of the markets with positions tell what the pool owes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Priced {
	/// When the oldest of them was made, in ms, and [`Moment::MAX`] without any; `None` where one is not fit
	/// for adding risk now. Markets whose feed is dead are left out.
	pub since: Option<Moment>,
	/// The most by which the pool may owe more than the last prices say, or less, for the markets whose feed
	/// is dead; in base units of kUSD.
	pub unpriced: Balance,
}

impl Default for Priced {
	fn default() -> Self {
		Self {
			since: Some(Moment::MAX),
			unpriced: 0,
		}
	}
}

/// What the pool has to know of the markets.
pub trait PoolExposure {
	/// What all positions together could be closed for above what they cost, funding included, at the last prices known: what
	/// the pool owes traders. Below zero: what they owe it. In base units of kUSD, rounded up.
	fn owed() -> Result<i128, DispatchError>;

	/// The most the pool can lose in the stress scenario: every market moves by its stress against the pool at once.
	fn worst_case() -> Balance;

	/// What of [`owed`](Self::owed) the prices of now tell, and what they do not.
	fn priced() -> Priced;

	/// The most that [`priced`](Self::priced) weighs beside reading the markets.
	fn priced_weight() -> Weight {
		Weight::zero()
	}
}

/// No markets; for mocks.
impl PoolExposure for () {
	fn owed() -> Result<i128, DispatchError> {
		Ok(0)
	}
	fn worst_case() -> Balance {
		0
	}
	fn priced() -> Priced {
		Priced::default()
	}
}
