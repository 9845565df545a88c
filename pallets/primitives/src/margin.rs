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
//! for it, by [`Clearing::overdrawn`].
//!
//! A trade moves nothing but numbers between an account and clearing. Who shares clearing is known to those
//! who keep it: `clearing = cash of the liquidity pool + rebates and tranches of the markets + what their
//! fees owe the insurance fund and those whose gains were cut`, exactly.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{dispatch::DispatchResult, pallet_prelude::DispatchError, weights::Weight, Parameter};
use keel_math::{
	margin::{maintenance_level, Risk},
	mul_ratio, FixedU128, Rounding,
};
use scale_info::TypeInfo;
use sp_arithmetic::Permill;

use crate::{level_key, Balance, FeedId, Group, MarginAccountId, MarketId, Moment, Size};

/// What part of a block the markets may take before its transactions, one in so many: what the others may
/// rely on that they leave.
pub const MARKETS_PART: u64 = 8;

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
	/// What a whole unit of its side has been charged since the market was last empty: funding, and of a long
	/// the borrow fee; of a short less that. USD with 18 decimals.
	pub carry: i128,
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

/// The numbers of a market that decide which accounts are unsafe, good enough to liquidate on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pricing {
	/// The mark price. Of a settled market the settlement price: it may be beyond a trigger that the last mark
	/// was not.
	pub mark: FixedU128,
	/// The share of a position's value at the mark that is its maintenance requirement; zero once settled.
	pub maintenance: FixedU128,
	/// What a whole unit of the longs has been charged, as in [`Exposure::carry`].
	pub long_carry: i128,
	/// The same of the shorts.
	pub short_carry: i128,
}

impl Pricing {
	/// The threshold of a group of this market. `None` for any other group, and on overflow.
	pub fn threshold(&self, group: Group) -> Option<u128> {
		let level = |carry, is_long| maintenance_level(self.mark, carry, self.maintenance, is_long);
		match group {
			Group::Long(_) => Some(self.mark.into_inner()),
			Group::Short(_) => Some(!self.mark.into_inner()),
			Group::SoleLong(_) => level(self.long_carry, true).map(level_key),
			Group::SoleShort(_) => level(self.short_carry, false).map(|level| !level_key(level)),
			_ => None,
		}
	}
}

/// What is to be done with what an account has in the markets, without its owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closing {
	/// Close the smallest part of the position in `market` that restores `risk` (of the whole account, with
	/// all profit counted, [`Risk::is_restored`]), at the fill price, with the fee of a liquidation, as far
	/// as the market's window has room. Refused where the price is, or is not newer than `changed_at`. In a
	/// settled market the position is paid out at the settlement price, without a fee.
	Liquidate {
		market: MarketId,
		risk: Risk,
		changed_at: Moment,
	},
	/// Close `share` of every position, at the fill price, with the fee of a trade: what the owner asked for
	/// when called. Those whose price is not newer than `set_at` are left out; refused if that is all.
	Reduce { share: Permill, set_at: Moment },
	/// Cancel all orders. What was held for them is free again.
	CancelOrders,
}

/// What a [`Closing`] did, in base units of kUSD.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Closed {
	/// The notional closed, at the fill price.
	pub notional: Balance,
	/// The fee taken for it.
	pub fee: Balance,
	/// What the account gains by it, fees included; below zero, owes. It is clearing's until whoever keeps
	/// the account books it.
	pub credit: i128,
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

impl Waterfall {
	/// All of it. `None` on overflow.
	pub fn total(&self) -> Option<Balance> {
		self.claim
			.checked_add(self.tranche)?
			.checked_add(self.fund)?
			.checked_add(self.pool)
	}
}

/// What an account just did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
	/// Ordered, or took an order back: it is worth what it was.
	Ordered,
	/// Took on risk: its initial requirement must be met.
	Opened,
	/// Gave risk back: its owner acted, but nothing has to be met.
	Reduced,
	/// Something happened to it that was not its owner's act.
	Involuntary,
}

/// The keeper of the accounts: asked by the markets, which load one, change what they keep in it and commit
/// it once.
pub trait MarginAccounts<AccountId>: Clearing<AccountId> {
	/// An account, loaded.
	type Account: Clone;
	/// What the markets keep in it.
	type Trader;

	/// The account `sub` of `owner`.
	fn account(owner: &AccountId, sub: u8) -> Option<MarginAccountId>;

	/// `account` as it stands; an error for one there is not.
	fn load(account: MarginAccountId) -> Result<Self::Account, DispatchError>;

	/// The owner of an account.
	fn owner(account: &Self::Account) -> &AccountId;

	/// What the markets keep in it.
	fn trader(account: &Self::Account) -> &Self::Trader;

	/// The same, to be changed.
	fn trader_mut(account: &mut Self::Account) -> &mut Self::Trader;

	/// What it is worth and needs for new risk: unrealised profit as far as it counts, collateral at its
	/// conservative value; what is held for its orders is needed too.
	fn risk(account: &Self::Account) -> Result<Risk, DispatchError>;

	/// Move `credit` from clearing to the account, below zero the other way, where what it can't pay in
	/// cash is borrowed; check what it has to meet after that `act` with `exposures`, which only matter
	/// where it opened; and write it, to be given new triggers and measured for the fund by the end of the
	/// block.
	fn commit(
		id: MarginAccountId,
		account: Self::Account,
		credit: i128,
		act: Act,
		exposures: &[Exposure],
	) -> DispatchResult;

	/// Whether accounts wait for longer than a few blocks to be looked at for what they did: no more risk
	/// is to be opened until they are. One read of the index and one of an account.
	fn is_behind() -> bool {
		false
	}

	/// What the markets keep in all accounts: for `try_state`.
	fn traders() -> Vec<(MarginAccountId, Self::Trader)>;

	/// An account of `owner` with `cash` kUSD, past every rule, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn create(owner: &AccountId, sub: u8, cash: Balance) -> MarginAccountId;

	/// Give `account` all its triggers, as the end of a block does, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn look_again(_account: MarginAccountId) {}
}

/// The keeper of the custody, and in it of clearing: asked by the markets and the pool.
pub trait Clearing<AccountId> {
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

	/// `amount` kUSD more of clearing, out of nowhere, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn endow(amount: Balance);
}

/// What the markets say of what they keep in an account.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Positioned {
	/// Its positions, in the order they were opened, at the last prices known. In a market that was settled:
	/// at its settlement price, with nothing required.
	pub exposures: Vec<Exposure>,
	/// What its open orders need of its margin, in base units of kUSD: held until they are filled or gone.
	pub held: Balance,
	/// How many open orders it has.
	pub orders: u32,
}

/// The keeper of the markets: asked by margin, in whose accounts the positions and orders are.
///
/// They answer with what an account gains or owes, and never ask margin for an account that acts.
pub trait Positions {
	/// What they keep in an account: its positions and orders.
	type Trader: Parameter + MaxEncodedLen + Default;

	/// All markets with what decides who is unsafe in them, or why that is not good enough to liquidate on;
	/// settled ones too as long as anybody may be in. Bounded by the pallet that keeps them.
	fn pricing() -> Vec<(MarketId, Result<Pricing, DispatchError>)>;

	/// All markets.
	fn markets() -> Vec<MarketId> {
		Self::pricing().into_iter().map(|(market, _)| market).collect()
	}

	/// What the stress scenario takes at most in the market in which that is most, whoever has the positions:
	/// in base units of kUSD.
	fn worst_market() -> Balance {
		0
	}

	/// What `trader` has and ordered.
	fn view(trader: &Self::Trader) -> Positioned;

	/// What [`trade`](Self::trade) would close, charge and credit now, or why it would fail: the same plan,
	/// not carried out. Asked for every transaction that is validated, so a refusal is cheap.
	fn quote(trader: &Self::Trader, closing: Closing) -> Result<Closed, DispatchError>;

	/// Closes as told of `trader`, which is what `account` has.
	fn trade(
		account: MarginAccountId,
		trader: &mut Self::Trader,
		closing: Closing,
	) -> Result<Closed, DispatchError>;

	/// Whether `account` has a claim on what a haircut took from its gains. It must not be closed before: no
	/// other account can be paid.
	fn is_owed(_account: MarginAccountId) -> bool {
		false
	}

	/// `deficit` is missing from `account`, which has nothing left: its claim, the tranches of `markets`,
	/// the fund, the pool. All of it is clearing's, to be credited to the account.
	fn cover(
		account: MarginAccountId,
		markets: &[MarketId],
		deficit: Balance,
	) -> Result<Waterfall, DispatchError>;

	/// The most that [`view`](Self::view) weighs.
	fn view_weight() -> Weight {
		Weight::zero()
	}

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
