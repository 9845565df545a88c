//! What the pallet stores and what its views answer.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	traits::{ConstU32, Get},
	BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound,
};
use keel_math::{interest, lending::Curve, margin::Risk, mul_div, value, FixedU128, Rounding, ONE, RAY};
use keel_primitives::{
	AssetId, Balance, ChainParameters, Exposure, FeedId, Group, MarginAccountId, MarketId, Moment,
	PriceProvider,
};
use scale_info::TypeInfo;
use sp_runtime::{ArithmeticError, DispatchError, Permill};

/// The most markets an account or the stress scenarios reach.
pub const MAX_MARKETS: u32 = 16;
/// The most triggers of an account: one for each market, one for each collateral, one deadline, and one
/// while it is in line. One with a position and kUSD has one trigger.
pub const MAX_TRIGGERS: u32 = 32;
/// The most collaterals of one account.
pub const MAX_HELD: u32 = MAX_TRIGGERS - MAX_MARKETS - 2;
/// How many of a scenario's largest shortfalls are kept.
pub const MAX_WORST: u32 = 8;
/// Each market down and up, all of them down, all of them up.
pub const MAX_SCENARIOS: u32 = 2 * MAX_MARKETS + 2;
/// Decimals of kUSD, which the maths of margin and markets reckon with.
pub const KUSD_DECIMALS: u8 = 6;
/// How long the price of collateral for sale to anybody stands before it falls, in ms of active time.
pub const SALE_STEP_MS: Moment = 60_000;
/// How much it falls by then: a hundredth of the feed's price. To the floor it takes as many steps at most as the haircut has more
/// hundredths than the discount.
pub const SALE_FALL: FixedU128 = FixedU128::from_inner(ONE / 100);
/// The share of clearing that may be lent to accounts, as a divisor, before collateral of those who owe is
/// sold: a tenth.
pub const OVERDRAFT: Balance = 10;

/// Clearing that lends too much goes on lending half of that if it is at least this, in base units of kUSD:
/// who leaves the liquidity pool is paid to the end.
pub const LITTLE_LENT: Balance = 1_000_000_000;
/// How often accounts that owe are looked at while clearing lends, in ms: ten minutes.
pub const OVERDRAFT_LOOK_MS: Moment = 600_000;
/// Shares of the lending reserve nobody owns, against whoever would inflate the price of the first ones: with
/// [`VIRTUAL_ASSETS`] they make a share worth a millionth of a base unit of kUSD to begin with.
pub const VIRTUAL_SHARES: u128 = 1_000_000;
/// What stands behind the shares nobody owns, in base units of kUSD.
pub const VIRTUAL_ASSETS: Balance = 1;

/// Where an account stands in the trigger index: the groups, and its trigger in each.
pub type Triggers = BoundedVec<(Group, u128), ConstU32<MAX_TRIGGERS>>;

/// What an owner wants closed of an account that is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Reduction {
	/// The share of every position.
	pub share: Permill,
	/// When that was said, in ms: no price up to then closes anything, as nobody trades on one he has seen.
	pub set_at: Moment,
}

/// One sub-account of an owner. Cash and debt are never both above zero.
#[derive(
	CloneNoBound, PartialEqNoBound, EqNoBound, DebugNoBound, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
#[scale_info(skip_type_params(MaxHeld))]
pub struct Account<
	AccountId: Clone + PartialEq + Eq + core::fmt::Debug,
	MaxHeld: Get<u32>,
	Trader: Clone + PartialEq + Eq + core::fmt::Debug,
> {
	/// Whose it is.
	pub owner: AccountId,
	/// Which of the owner's.
	pub sub: u8,
	/// kUSD in base units.
	pub cash: Balance,
	/// kUSD owed to the lending reserve, divided by its index.
	pub debt: u128,
	/// What else it holds, in base units; nothing twice, nothing of zero.
	pub collateral: BoundedVec<(AssetId, Balance), MaxHeld>,
	/// Whether it was called, and has not recovered since.
	pub called: bool,
	/// When its owner last took on risk with it, in ms: no price up to then liquidates it.
	pub changed_at: Moment,
	/// Where it stands in the trigger index.
	pub triggers: Triggers,
	/// Active time, in ms, since which anybody may buy of its collateral what neither stability pool nor
	/// insurance fund could pay for.
	pub for_sale_since: Option<Moment>,
	/// What to do first when it is called: move up to this much cash from that sub-account.
	pub top_up: Option<(u8, Balance)>,
	/// What to do next: close a share of every position.
	pub reduce: Option<Reduction>,
	/// KEEL held from the owner until the account is closed, in base units.
	pub deposit: Balance,
	/// What the markets keep in it: its positions and orders.
	pub trader: Trader,
}

impl<AccountId, MaxHeld, Trader> Account<AccountId, MaxHeld, Trader>
where
	AccountId: Clone + PartialEq + Eq + core::fmt::Debug,
	MaxHeld: Get<u32>,
	Trader: Clone + PartialEq + Eq + core::fmt::Debug + Default,
{
	/// An empty account.
	pub fn new(owner: AccountId, sub: u8, deposit: Balance, now: Moment) -> Self {
		Self {
			owner,
			sub,
			cash: 0,
			debt: 0,
			collateral: BoundedVec::new(),
			called: false,
			changed_at: now,
			triggers: BoundedVec::new(),
			for_sale_since: None,
			top_up: None,
			reduce: None,
			deposit,
			trader: Trader::default(),
		}
	}

	/// Whether its owner asked for something to be done when it is called. Nobody else is called: there is
	/// nothing to do.
	pub fn has_measures(&self) -> bool {
		self.top_up.is_some() || self.reduce.is_some()
	}

	/// Returns `true` if a margin call comes before its liquidation.
	pub fn may_be_called(&self) -> bool {
		self.has_measures() && !self.called
	}

	/// What it holds of a collateral, in base units.
	pub fn held(&self, asset: AssetId) -> Balance {
		self.collateral
			.iter()
			.find(|(held, _)| *held == asset)
			.map_or(0, |(_, amount)| *amount)
	}

	/// Hold `amount` of `asset` from now on. `None` if that would be one asset too many.
	pub(crate) fn set_held(&mut self, asset: AssetId, amount: Balance) -> Option<()> {
		if amount == 0 {
			self.collateral.retain(|(held, _)| *held != asset);
			return Some(());
		}
		match self.collateral.iter_mut().find(|(held, _)| *held == asset) {
			Some((_, held)) => *held = amount,
			None => self.collateral.try_push((asset, amount)).ok()?,
		}
		Some(())
	}
}

/// A kinked curve of annual rates over utilisation, as it is stored. See [`Curve`].
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct RateCurve {
	/// The rate when nothing is borrowed.
	pub base: FixedU128,
	/// What a utilisation of 100 % would add below the kink.
	pub slope: FixedU128,
	/// Where the curve becomes steep.
	pub kink: FixedU128,
	/// What a utilisation of 100 % more adds above it.
	pub jump: FixedU128,
}

impl From<ChainParameters> for RateCurve {
	fn from(chain: ChainParameters) -> Self {
		Self {
			base: chain.lending_base,
			slope: chain.lending_slope,
			kink: chain.lending_kink,
			jump: chain.lending_jump,
		}
	}
}

impl RateCurve {
	/// The annual rate at a utilisation, rounded up. `None` on overflow.
	pub fn rate(&self, utilisation: FixedU128) -> Option<FixedU128> {
		let Self {
			base,
			slope,
			kink,
			jump,
		} = *self;
		Curve {
			base,
			slope,
			kink,
			jump,
		}
		.rate(utilisation)
	}
}

/// The money of the derivatives side that no account owns.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Money {
	/// kUSD that belongs to the liquidity pool and the markets, in base units.
	pub clearing: i128,
	/// kUSD of the lending reserve that is not lent, in base units. Below zero where losses were realised
	/// that their accounts' cash and the reserve could not pay: so much is lent by clearing.
	pub idle: i128,
	/// Interest on what clearing lends, not collected yet, in base units of kUSD.
	pub earned: Balance,
	/// What accounts owe the reserve, divided by `index`.
	pub lent: u128,
	/// What debt has grown to since the beginning, with 27 decimals.
	pub index: u128,
	/// Up to when interest has accrued, in ms.
	pub index_at: Moment,
	/// What borrowing costs from then on: the governed curve at that time. One that changes is charged from
	/// the next block that accrues on, never for the time before.
	pub curve: RateCurve,
	/// Shares of the lenders.
	pub shares: u128,
}

impl Default for Money {
	fn default() -> Self {
		Self {
			clearing: 0,
			idle: 0,
			earned: 0,
			lent: 0,
			index: RAY,
			index_at: 0,
			curve: RateCurve::default(),
			shares: 0,
		}
	}
}

impl Money {
	/// Base units of kUSD for a normalised debt, rounded up.
	pub fn debt_of(&self, normalised: u128) -> Result<Balance, DispatchError> {
		interest::debt_of(normalised, self.index).ok_or_else(overflow)
	}

	/// What all accounts owe together, in base units, rounded up.
	pub fn lent_value(&self) -> Result<Balance, DispatchError> {
		self.debt_of(self.lent)
	}

	/// What clearing lends: what is lent beyond the reserve, in base units.
	pub fn overdrawn(&self) -> Balance {
		self.idle.min(0).unsigned_abs()
	}

	/// What clearing wants back of what it lends, in base units of kUSD: nothing up to a tenth of what it
	/// has, beyond that what exceeds a twentieth; all of it where that is little.
	pub fn to_recall(&self) -> Balance {
		let most = Balance::try_from(self.clearing).unwrap_or(0) / OVERDRAFT;
		let keeps = Some(most / 2).filter(|keeps| *keeps >= LITTLE_LENT).unwrap_or(0);
		match self.overdrawn() > most {
			true => self.overdrawn().saturating_sub(keeps),
			false => 0,
		}
	}

	/// What belongs to lenders: idle kUSD and what is owed, rounded down, never below zero.
	pub fn reserve(&self) -> Result<Balance, DispatchError> {
		let lent = mul_div(self.lent, self.index, RAY, Rounding::Down).ok_or_else(overflow)?;
		let sum = i128::try_from(lent)
			.ok()
			.and_then(|lent| lent.checked_add(self.idle))
			.ok_or_else(overflow)?;
		// Below zero by the last unit of a rounding at most: a loss the lenders would carry is covered first.
		Ok(Balance::try_from(sum).unwrap_or(0))
	}

	/// What is lent over all the reserve, `1` being 100 %, rounded up: above 100 % where more is lent than there is, and the
	/// largest number where there is nothing.
	pub fn utilisation(&self) -> Result<FixedU128, DispatchError> {
		let lent = self.lent_value()?;
		if lent == 0 {
			return Ok(FixedU128::from_inner(0));
		}
		let supplied = self.reserve()?;
		let ratio = mul_div(lent, ONE, supplied, Rounding::Up).unwrap_or(u128::MAX);
		Ok(FixedU128::from_inner(ratio))
	}

	/// Shares for `amount` supplied, rounded down.
	pub fn shares_for(&self, amount: Balance) -> Result<u128, DispatchError> {
		let (shares, assets) = self.virtual_totals()?;
		mul_div(amount, shares, assets, Rounding::Down).ok_or_else(overflow)
	}

	/// What `shares` are worth, in base units, rounded down.
	pub fn worth(&self, shares: u128) -> Result<Balance, DispatchError> {
		let (all, assets) = self.virtual_totals()?;
		mul_div(shares, assets, all, Rounding::Down).ok_or_else(overflow)
	}

	fn virtual_totals(&self) -> Result<(u128, Balance), DispatchError> {
		let shares = self.shares.checked_add(VIRTUAL_SHARES).ok_or_else(overflow)?;
		let assets = self.reserve()?.checked_add(VIRTUAL_ASSETS).ok_or_else(overflow)?;
		Ok((shares, assets))
	}

	/// Debt grows to `index`. Of the interest, the share of clearing in what is lent is clearing's, rounded
	/// down, and by as much more it lends; the rest is the lenders'. `None` on overflow, with nothing
	/// changed.
	///
	/// Worked: 116 of 316 are lent by clearing. Of 10 of interest 3.67 are its own, and it lends 119.67 of
	/// 326.
	pub(crate) fn accrue(&mut self, index: u128) -> Option<()> {
		let lent = |index| mul_div(self.lent, index, RAY, Rounding::Down);
		let before = lent(self.index)?;
		let interest = lent(index)?.checked_sub(before)?;
		let share = match before {
			0 => 0,
			// The last unit of a rounding may be lent by nobody.
			lent => mul_div(interest, self.overdrawn().min(lent), lent, Rounding::Down)?,
		};
		let idle = self.idle.checked_sub_unsigned(share)?;
		self.earned = self.earned.checked_add(share)?;
		(self.idle, self.index) = (idle, index);
		Some(())
	}

	pub(crate) fn clear(&mut self, amount: i128) -> Result<(), DispatchError> {
		self.clearing = self.clearing.checked_add(amount).ok_or_else(overflow)?;
		Ok(())
	}

	pub(crate) fn lend(&mut self, amount: i128) -> Result<(), DispatchError> {
		self.idle = self.idle.checked_sub(amount).ok_or_else(overflow)?;
		Ok(())
	}
}

/// An asset accounts may hold beside kUSD.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Collateral {
	/// The asset.
	pub asset: AssetId,
	/// Its price feed.
	pub feed: FeedId,
	/// What turns amount times price into base units of kUSD.
	pub divisor: u128,
	/// The haircut at `haircut_active` …
	pub haircut: FixedU128,
	/// … an active time, in ms …
	pub haircut_active: Moment,
	/// … which since then moves towards this …
	pub haircut_target: FixedU128,
	/// … by at most this per hour.
	pub haircut_ramp: FixedU128,
	/// What all accounts together hold, in base units.
	pub total: Balance,
}

impl Collateral {
	/// The haircut that what is held already is subject to at the active time `now`. A stop of the chain
	/// moves it no further than the clock's step of one block does.
	pub fn haircut(&self, now: Moment) -> FixedU128 {
		interest::ramp(
			self.haircut,
			self.haircut_target,
			self.haircut_ramp,
			// A clock that went back moves nothing.
			now.saturating_sub(self.haircut_active),
		)
	}

	/// What `amount` is worth at `price`, in base units of kUSD, rounded down. Nothing where it does not fit: then it does not count.
	pub fn value(&self, amount: Balance, price: FixedU128) -> Balance {
		value::value_of(amount, price, self.divisor, Rounding::Down).unwrap_or(0)
	}
}

/// What is left of `value` after `haircut`, rounded down.
pub fn after_haircut(value: Balance, haircut: FixedU128) -> Balance {
	// A haircut above 100 % leaves nothing.
	let left = ONE.saturating_sub(haircut.into_inner());
	// No more than `value`, so it fits.
	mul_div(value, left, ONE, Rounding::Down).unwrap_or(0)
}

/// A case the insurance fund is measured against.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Scenario {
	/// A market falls by its stress.
	Down(MarketId),
	/// A market rises by its stress.
	Up(MarketId),
	/// All markets fall by their stress, and collateral counts with another haircut.
	AllDown,
	/// All markets rise by their stress.
	AllUp,
}

/// The largest shortfalls of a scenario.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Losses {
	/// Which.
	pub scenario: Scenario,
	/// The accounts and what would be missing from them, in base units of kUSD, largest first.
	pub worst: BoundedVec<(MarginAccountId, Balance), ConstU32<MAX_WORST>>,
}

/// A collateral of an account, valued.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Holding {
	/// The asset.
	pub asset: AssetId,
	/// Its feed.
	pub feed: FeedId,
	/// What is held, in base units.
	pub amount: Balance,
	/// The last price, USD per whole unit; zero if there never was one.
	pub price: FixedU128,
	/// The value at that price, in base units of kUSD, rounded down.
	pub value: Balance,
	/// The share of it that does not count.
	pub haircut: FixedU128,
	/// What counts, in base units of kUSD, rounded down.
	pub counted: Balance,
	/// The most the haircut rises in an hour.
	pub ramp: FixedU128,
}

/// An account at the last prices, all profit counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Health {
	pub risk: Risk,
	pub debt: Balance,
	pub exposures: Vec<Exposure>,
	/// What is held for its orders.
	pub held: Balance,
	pub holdings: Vec<Holding>,
}

/// What an account is worth and needs, in base units of kUSD.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct RiskView {
	/// What it is worth.
	pub equity: i128,
	/// What it must be worth to take on risk.
	pub initial: Balance,
	/// What it must be worth not to be liquidated.
	pub maintenance: Balance,
	/// Whether it would be liquidated.
	pub is_unsafe: bool,
}

impl From<Risk> for RiskView {
	fn from(risk: Risk) -> Self {
		Self {
			equity: risk.net,
			initial: risk.initial,
			maintenance: risk.maintenance,
			is_unsafe: risk.is_unsafe(),
		}
	}
}

/// All about an account. Money in base units of kUSD.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Statement<AccountId> {
	/// Its number.
	pub account: MarginAccountId,
	/// Whose it is.
	pub owner: AccountId,
	/// Which of the owner's.
	pub sub: u8,
	/// Cash.
	pub cash: Balance,
	/// What it owes, with interest up to now.
	pub debt: Balance,
	/// What else it holds.
	pub collateral: Vec<Holding>,
	/// Its positions, at the markets' marks.
	pub exposures: Vec<Exposure>,
	/// What it is worth for a liquidation: last prices, all profit, collateral less its haircut.
	pub equity: i128,
	/// What it must be worth to take on risk.
	pub initial: Balance,
	/// What it must be worth not to be liquidated.
	pub maintenance: Balance,
	/// What it is worth for new risk above the initial requirement: profit as far as it counts, collateral at its conservative
	/// value. Below zero nothing can be opened or withdrawn.
	pub free: i128,
	/// What its open orders need of it: held until they are filled or gone, so that it is not free.
	pub held_for_orders: Balance,
	/// Whether it was called: it came close to its maintenance requirement and its owner had set a measure.
	pub called: bool,
	/// Milliseconds until it is unsafe at today's prices, funding and interest; none if they do not bring it there.
	pub breach_in_ms: Option<u64>,
	/// What is moved from which sub-account when it is called.
	pub top_up: Option<(u8, Balance)>,
	/// What share of its positions is closed when that is not enough.
	pub reduce: Option<Permill>,
	/// No price up to this moment liquidates it, in ms.
	pub changed_at: Moment,
	/// How long anybody has been able to buy of its collateral, in ms; none if nobody may. A time without
	/// blocks does not count. `collateralOffer` says what for.
	pub for_sale_for: Option<Moment>,
}

/// Something whose price can make an account unsafe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Leg {
	/// A position: the price is the market's mark.
	Market(MarketId),
	/// A collateral: the price is its feed's.
	Collateral(AssetId),
}

/// The price at which an account is unsafe if nothing else moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct LiquidationPrice {
	/// What moves.
	pub leg: Leg,
	/// Its price now, USD per whole unit.
	pub now: FixedU128,
	/// The first price, from now on, at which the account is unsafe; none if there is none.
	pub at: Option<FixedU128>,
}

/// What a withdrawal would leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct WithdrawalPreview {
	/// What the account would be worth and need for new risk.
	pub after: RiskView,
	/// What is left of the asset in the account, in base units.
	pub left: Balance,
}

/// What anybody may buy of a collateral of a liquidated account now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Offer {
	/// How much there is to buy, in base units: what repays all that the account owes, or all it has.
	pub amount: Balance,
	/// What that costs, in base units of kUSD. A part costs its share of it, rounded up by a few base units.
	pub pays: Balance,
	/// The price now, USD per whole unit.
	pub price: FixedU128,
	/// What it falls to, USD per whole unit: with what repays the debt out of all collateral alike, or where it began if that is less;
	/// never below what the collateral counts for.
	pub floor: FixedU128,
	/// How long it takes to get there, in ms, if the feed's price stays; zero once it is there. A time
	/// without blocks does not count.
	pub falls_for: Moment,
}

/// What the liquidation of an account does first. Amounts in base units of kUSD.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum FirstStep {
	/// Closes some or all of the position with the largest requirement that can be closed; in a settled
	/// market pays it out, without a fee.
	Close {
		/// The market.
		market: MarketId,
		/// The value of what is closed, at the fill price.
		notional: Balance,
		/// The fee of the liquidation.
		fee: Balance,
	},
	/// Sells collateral to the stability pool or the insurance fund for what is owed.
	SellCollateral {
		/// What is owed.
		owed: Balance,
	},
	/// Puts collateral up for sale to anybody for what is owed.
	OfferCollateral {
		/// What is owed.
		owed: Balance,
	},
	/// The waterfall covers what is owed: nothing else is left.
	Cover {
		/// What is owed.
		owed: Balance,
	},
}

/// The liquidation of an account, were it carried out now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct LiquidationView {
	/// How far the account's equity is below its maintenance requirement, in base units of kUSD.
	pub deficit: Balance,
	/// What is done first. What follows depends on what that brings.
	pub first: FirstStep,
}

/// The lending reserve. Money in base units of kUSD.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct LendingState {
	/// What can be redeemed or borrowed now. Below zero, what the liquidity pool lends beyond the reserve.
	pub idle: i128,
	/// What accounts owe, with interest up to now.
	pub lent: Balance,
	/// What belongs to lenders.
	pub reserve: Balance,
	/// `lent` over the reserve, `1` being 100 %.
	pub utilisation: FixedU128,
	/// What borrowing costs a year.
	pub rate: FixedU128,
	/// What lenders earn a year.
	pub earned: FixedU128,
	/// Shares of all lenders.
	pub shares: u128,
	/// What a million shares are worth, in base units of kUSD with 18 decimals.
	pub share_price: FixedU128,
	/// The debt index, with 27 decimals.
	pub index: u128,
}

/// What one lender has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct LenderView {
	/// Shares.
	pub shares: u128,
	/// What they are worth, in base units of kUSD.
	pub worth: Balance,
	/// How many of them can be redeemed now.
	pub redeemable: u128,
}

/// What the insurance fund is measured against. Money in base units of kUSD.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct CoverView {
	/// What it should hold: the two largest shortfalls of the worst scenario, at least `floor`.
	pub target: Balance,
	/// Half of what the stress scenario takes at most in one market, whoever has the positions.
	pub floor: Balance,
	/// Each scenario in which something would be missing, with the sum of its two largest shortfalls.
	pub scenarios: Vec<(Scenario, Balance)>,
}

/// The last price of `feed`; zero for one that never had any: what has no price does not count.
pub(crate) fn last_price<P: PriceProvider>(feed: FeedId) -> FixedU128 {
	P::last(feed).map_or(FixedU128::from_inner(0), |price| price.value)
}

/// What every failed checked operation becomes.
pub(crate) fn overflow() -> DispatchError {
	ArithmeticError::Overflow.into()
}
