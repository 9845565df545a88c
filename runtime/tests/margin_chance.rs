//! Chance plays owners, lenders, liquidity providers, guardians, governance, feeds and time against fifty margin accounts in four
//! markets. After every single operation all money of the derivatives side is counted anew, twice: from what is stored, and from
//! what the events say has moved. Not one base unit may be missing or too many.

mod common;

use std::{
	collections::{BTreeMap, BTreeSet},
	iter::Sum,
	ops::{Add, Mul, Neg, Sub},
};

use common::*;
use frame_support::{
	assert_ok,
	storage::{with_storage_layer, with_transaction, TransactionOutcome},
	traits::{
		fungibles::{Inspect, Mutate},
		tokens::{Fortitude, Precision, Preservation},
		TryState, TryStateSelect,
	},
};
use keel_math::{perpetual::SIZE_DIVISOR, RAY};
use keel_primitives::{
	Act, Balance, BranchParameters, BreakerSubject, ChainKey, ChainParameters, Clearing as _, Closing,
	CollateralKey, Level, LiquidityPool as _, MarginAccountId, MarginAccounts as _, MarketId, MarketKey,
	MarketParameters, OrderId, PoolExposure as _, Positions as _, RiskParameters as _,
};
use keel_runtime::{
	governance::pallet_origins::Origin, AllPalletsWithSystem, Assets, LiquidityPool, Margin, Moment,
	Perpetuals, RiskParameters, Runtime, RuntimeEvent, System, Timestamp, SLOT_DURATION,
};
use pallet_perpetuals::{NewOrder, Status, Trigger, When};
use pallet_risk_parameters::{Change, Key, Subject};
use sp_core::U256;
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{DispatchError, DispatchResult, FixedU128, Permill};

const USDC: u32 = 5;
const SOL: u32 = 6;
const SHARES: u32 = 100;
const MARKETS: [MarketId; 4] = [BTC, ETH, DOT, SOL];
const COLLATERALS: [u32; 4] = [BTC, ETH, DOT, USDC];
const OWNERS: [Sr25519Keyring; 6] = [Alice, Bob, Charlie, Dave, Eve, Ferdie];
const ACCOUNTS: usize = 50;
const OPERATIONS: usize = 5_000;

/// Feeds and where they start: KEEL, BTC, ETH, DOT, USDC, SOL.
const FEEDS: [(u32, f64); 6] = [
	(1, 1.0),
	(BTC, 60_000.0),
	(ETH, 3_000.0),
	(DOT, 6.0),
	(USDC, 1.0),
	(SOL, 150.0),
];

/// A whole number with a sign in 256 bits, two's complement: products that 128 bits do not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Wide(U256);

impl Wide {
	const ZERO: Self = Self(U256::zero());

	fn is_negative(self) -> bool {
		self.0.bit(255)
	}

	/// Divided, rounded down along the number line.
	fn floor(self, divisor: impl Into<Wide>) -> i128 {
		let divisor = divisor.into().0;
		if self.is_negative() {
			let (quotient, rest) = (-self).0.div_mod(divisor);
			-i128::try_from(quotient.as_u128()).unwrap() - i128::from(!rest.is_zero())
		} else {
			(self.0 / divisor).as_u128().try_into().unwrap()
		}
	}

	/// Divided, rounded up along the number line.
	fn ceil(self, divisor: impl Into<Wide>) -> i128 {
		-(-self).floor(divisor)
	}
}

impl From<u128> for Wide {
	fn from(n: u128) -> Self {
		Self(n.into())
	}
}

impl From<i128> for Wide {
	fn from(n: i128) -> Self {
		let magnitude = Self::from(n.unsigned_abs());
		if n < 0 {
			-magnitude
		} else {
			magnitude
		}
	}
}

impl Neg for Wide {
	type Output = Self;
	fn neg(self) -> Self {
		Self((!self.0).overflowing_add(1.into()).0)
	}
}

impl Add for Wide {
	type Output = Self;
	fn add(self, other: Self) -> Self {
		Self(self.0.overflowing_add(other.0).0)
	}
}

impl Sub for Wide {
	type Output = Self;
	fn sub(self, other: Self) -> Self {
		self + -other
	}
}

impl Mul for Wide {
	type Output = Self;
	fn mul(self, other: Self) -> Self {
		Self(self.0.overflowing_mul(other.0).0)
	}
}

impl Sum for Wide {
	fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
		all.fold(Self::ZERO, Add::add)
	}
}

fn signed(n: u128) -> i128 {
	n.try_into().unwrap()
}

macro_rules! same {
	($what:literal, $left:expr, $right:expr) => {
		let (left, right) = ($left, $right);
		if left != right {
			return Err(format!("{}: {left:?} against {right:?}", $what));
		}
	};
}

macro_rules! holds {
	($what:literal, $condition:expr) => {
		if !$condition {
			return Err($what.into());
		}
	};
}

/// The derivatives side as it is stored, summed up here.
#[derive(Debug)]
struct Books {
	/// Cash of all accounts.
	cash: i128,
	/// The idle part of the lending reserve.
	idle: i128,
	/// Interest of the pool that it has not collected.
	earned: i128,
	/// What all accounts owe, in base units, rounded up.
	debt: i128,
	/// The pool's cash, and what waits to become shares.
	pool: i128,
	waiting: i128,
	/// Rebates, tranches, what the fund is due, and what repays those who were cut.
	pots: i128,
	/// Held for orders.
	/// kUSD in custody.
	custody: i128,
	/// Of each collateral in custody.
	collateral: BTreeMap<u32, i128>,
	/// Shares of the pool, and of the reserve.
	shares: i128,
	lent_shares: i128,
	/// What closing every position, one after another, would pay traders, before fees; no more than the pool says it owes.
	closing: i128,
	owed: i128,
	positions: usize,
}

impl Books {
	/// Count everything, and see that it adds up.
	fn count() -> Result<Self, String> {
		let custody_account = Margin::custody_account();
		let held = |asset| signed(Assets::balance(asset, &custody_account));
		let money = pallet_margin::Totals::<Runtime>::get();
		let book = pallet_perpetuals::Markets::<Runtime>::get();
		let pool = pallet_liquidity_pool::State::<Runtime>::get();

		// Accounts.
		let (mut cash, mut normalised, mut debt, mut owned) = (0i128, 0u128, 0i128, Wide::ZERO);
		let mut collateral: BTreeMap<u32, i128> = BTreeMap::new();
		for (_, account) in pallet_margin::Accounts::<Runtime>::iter() {
			cash += signed(account.cash);
			normalised += account.debt;
			let owes = Wide::from(account.debt) * Wide::from(money.index);
			debt += owes.ceil(RAY);
			owned = owned + Wide::from(account.cash) * Wide::from(RAY) - owes;
			for (asset, amount) in account.collateral {
				*collateral.entry(asset).or_default() += signed(amount);
			}
		}
		same!("what accounts owe is what is lent", normalised, money.lent);

		// Clearing.
		let markets: u128 = book.markets.iter().map(|m| m.rebates + m.tranche).sum();
		let pots = markets + book.fund_due + book.recovery;
		let waiting: u128 = pallet_liquidity_pool::Deposits::<Runtime>::iter_values()
			.map(|q| q.request.amount)
			.sum();
		same!("what waits is what was deposited", waiting, pool.waiting);
		same!(
			"the pool holds its cash and what waits",
			LiquidityPool::held(),
			pool.cash + signed(waiting)
		);
		let clearing = pool.cash + signed(waiting) + signed(pots);
		same!("clearing is the pool's and the pots", money.clearing, clearing);

		// Custody.
		let custody = held(KUSD);
		same!(
			"custody is cash, idle and clearing",
			custody,
			cash + money.idle + money.clearing + signed(money.earned)
		);
		for listed in pallet_margin::Collaterals::<Runtime>::get() {
			let sum = collateral.entry(listed.asset).or_default();
			same!("collateral in custody is the accounts'", held(listed.asset), *sum);
			same!("collateral counted is the accounts'", signed(listed.total), *sum);
		}
		holds!(
			"accounts hold what is listed",
			collateral.keys().all(|asset| COLLATERALS.contains(asset))
		);

		// Everything anybody owns, in rays so that nothing is rounded.
		let reserve =
			Wide::from(money.idle) * Wide::from(RAY) + Wide::from(money.lent) * Wide::from(money.index);
		let clearing = Wide::from(clearing + signed(money.earned));
		let everything = owned + reserve + clearing * Wide::from(RAY);
		same!(
			"all that is owned is held",
			everything,
			Wide::from(custody) * Wide::from(RAY)
		);
		holds!("the reserve is not below zero", !reserve.is_negative());
		let lent_shares: u128 = pallet_margin::Lenders::<Runtime>::iter_values().sum();
		same!("lenders' shares are all shares", lent_shares, money.shares);
		let worth: i128 = pallet_margin::Lenders::<Runtime>::iter_values()
			.map(|shares| signed(money.worth(shares).unwrap()))
			.sum();
		holds!(
			"lenders own no more than the reserve",
			worth <= reserve.floor(RAY).max(0)
		);

		// Shares of the pool.
		let shares = <Assets as Inspect<_>>::total_issuance(SHARES);
		let leaving: u128 = pallet_liquidity_pool::Withdrawals::<Runtime>::iter_values()
			.map(|q| q.request.shares)
			.sum();
		same!("shares leaving are those asked for", leaving, pool.leaving);
		same!(
			"shares leaving are held",
			leaving,
			Assets::balance(SHARES, LiquidityPool::account_id())
		);
		same!("shares that exist are those issued", shares, pool.issued);
		same!("somebody has every share", shares, everybody(SHARES));

		// kUSD.
		let issuance = <Assets as Inspect<_>>::total_issuance(KUSD);
		same!("somebody has every kUSD", issuance, everybody(KUSD));
		let branches: i128 = pallet_vaults::Branches::<Runtime>::iter_values()
			.map(|b| b.issued)
			.sum();
		same!(
			"the supply of kUSD",
			signed(issuance),
			branches + signed(auction_debt() + fund_bad_debt())
		);

		let (closing, positions) = Self::positions(&book)?;
		let owed = Perpetuals::owed().map_err(|e| format!("{e:?}"))?;
		holds!("closing pays no more than is owed", closing <= owed);
		// A unit of the value and one of the funding of each position, and a few of each market.
		holds!(
			"closing pays what is owed but for roundings",
			owed - closing <= 2 * positions as i128 + 16
		);
		Ok(Self {
			cash,
			idle: money.idle,
			earned: signed(money.earned),
			debt,
			pool: pool.cash,
			waiting: signed(waiting),
			pots: signed(pots),
			custody,
			collateral,
			shares: signed(shares),
			lent_shares: signed(lent_shares),
			closing,
			owed,
			positions,
		})
	}

	/// Positions against the book; what closing them one after another pays, and how many there are.
	fn positions(book: &pallet_perpetuals::MarketsStateOf<Runtime>) -> Result<(i128, usize), String> {
		let mut all: BTreeMap<MarketId, Vec<pallet_perpetuals::Position>> = BTreeMap::new();
		for (_, trader) in traders() {
			for position in trader.positions {
				all.entry(position.market).or_default().push(position);
			}
		}
		holds!(
			"positions are in markets",
			all.keys().all(|id| book.market(*id).is_some())
		);
		let (mut paid, mut count) = (0i128, 0);
		for market in &book.markets {
			let positions = all.remove(&market.id).unwrap_or_default();
			let sum =
				|part: fn(&pallet_perpetuals::Position) -> i128| positions.iter().map(part).sum::<i128>();
			let (long, short) = (sum(|p| p.size.max(0)), sum(|p| (-p.size).max(0)));
			same!("longs", long, signed(market.long));
			same!("shorts", short, signed(market.short));
			same!("longs less shorts are the skew", long - short, market.skew());
			same!("costs", sum(|p| p.cost), market.cost);
			same!("funding at entry", sum(|p| p.funding), market.funding_debt);
			same!("how many positions", positions.len(), market.positions as usize);

			// What longs pay shorts get, and the pool the rest: exactly, before anybody rounds.
			let index = |size: i128| match size > 0 {
				true => Wide::from(market.carry.long),
				false => Wide::from(market.carry.short),
			};
			let exact: Wide = positions.iter().map(|p| Wide::from(p.size) * index(p.size)).sum();
			let (ours, theirs) = (Wide::from(long) * index(1), Wide::from(short) * index(-1));
			same!("each side is charged its own", exact, ours - theirs);
			holds!(
				"a borrow fee is charged, never paid",
				market.carry.long >= market.carry.short
			);
			// What the positions are charged covers what the pool counts on, and exceeds it by less than a unit each.
			let charged: i128 = positions
				.iter()
				.map(|p| (Wide::from(p.size) * index(p.size)).ceil(SIZE_DIVISOR) - p.funding)
				.sum();
			let counted = ours.floor(SIZE_DIVISOR) - theirs.ceil(SIZE_DIVISOR) - market.funding_debt;
			let spare = charged - counted;
			holds!(
				"funding charged is funding counted on",
				(0..=positions.len() as i128 + 2).contains(&spare)
			);

			// Closing one after another, each for what it takes off the potential: `s²/2K`, and beyond the
			// bound a line.
			let bound = (Wide::from(market.terms.skew_scale)
				* Wide::from(market.terms.max_premium.into_inner()))
			.floor(1_000_000_000_000_000_000u128);
			let doubled_potential = |skew: i128| {
				let size = skew.abs();
				match size <= bound {
					true => Wide::from(size) * Wide::from(size),
					false => Wide::from(bound) * Wide::from(2 * size - bound),
				}
			};
			let price = Wide::from(market.index().into_inner());
			let scale = Wide::from(market.terms.skew_scale);
			let mut skew = market.skew();
			for position in &positions {
				let size = Wide::from(position.size);
				let received = if market.is_settled() {
					(size * price).floor(SIZE_DIVISOR)
				} else {
					let left = doubled_potential(skew - position.size);
					let doubled = (scale + scale) * size + doubled_potential(skew) - left;
					(price * doubled).floor((scale + scale) * Wide::from(SIZE_DIVISOR))
				};
				skew -= position.size;
				let funding = (size * index(position.size)).ceil(SIZE_DIVISOR) - position.funding;
				paid += received - position.cost - funding;
			}
			same!("closing everything leaves no skew", skew, 0);
			count += positions.len();
		}
		Ok((paid, count))
	}

	fn equity(&self) -> i128 {
		self.pool - self.owed
	}
}

/// What all accounts there are hold of an asset together.
fn everybody(asset: u32) -> Balance {
	pallet_assets::Account::<Runtime>::iter_prefix_values(asset)
		.map(|account| account.balance)
		.sum()
}

/// The same money, followed by what events say has moved.
#[derive(Default)]
struct Shadow {
	/// Cash of accounts, the idle reserve, and interest to be collected: borrowing moves money between them
	/// without an event.
	accounts: i128,
	/// The pool's cash and the pots: a fee is divided between them.
	clearing: i128,
	waiting: i128,
	/// What is held for each order, of its account's cash.
	held: BTreeMap<OrderId, i128>,
	collateral: BTreeMap<u32, i128>,
	shares: i128,
	lent_shares: i128,
	/// How many events of this block are in already.
	seen: usize,
	/// How often each thing happened, and what was moved by it, in base units.
	counts: BTreeMap<&'static str, (usize, u128)>,
	checks: usize,
}

impl Shadow {
	fn note(&mut self, what: &'static str, amount: u128) {
		let count = self.counts.entry(what).or_default();
		count.0 += 1;
		count.1 += amount;
	}

	fn count(&self, what: &str) -> usize {
		self.counts.get(what).map_or(0, |count| count.0)
	}

	/// What a haircut took of a gain.
	fn cut(&mut self, haircut: u128) -> i128 {
		if haircut > 0 {
			self.note("gains cut", haircut);
		}
		signed(haircut)
	}

	/// A trader gained `gain` and paid `fee`.
	fn trade(&mut self, gain: i128, fee: i128) {
		self.accounts += gain - fee;
		self.clearing += fee - gain;
	}

	fn release(&mut self, order: OrderId) -> i128 {
		self.held.remove(&order).expect("an order that was committed")
	}

	/// A part of an order was filled, and `left` of it was not: what was held for it went into the fee.
	fn filled(&mut self, order: OrderId, left: i128) {
		self.release(order);
		if left != 0 {
			self.held.insert(order, 0);
		}
	}

	fn follow(&mut self, event: RuntimeEvent) {
		use pallet_liquidity_pool::Event as Pool;
		use pallet_margin::Event as M;
		use pallet_perpetuals::Event as P;
		match event {
			RuntimeEvent::Margin(M::Deposited { asset, amount, .. }) if asset == KUSD => {
				self.accounts += signed(amount);
				self.note("kUSD deposited", amount);
			}
			RuntimeEvent::Margin(M::Deposited { asset, amount, .. }) => {
				*self.collateral.entry(asset).or_default() += signed(amount);
				self.note("collateral deposited", 0);
			}
			RuntimeEvent::Margin(M::Withdrawn { asset, amount, .. }) if asset == KUSD => {
				self.accounts -= signed(amount);
				self.note("kUSD withdrawn", amount);
			}
			RuntimeEvent::Margin(M::Withdrawn { asset, amount, .. }) => {
				*self.collateral.entry(asset).or_default() -= signed(amount);
				self.note("collateral withdrawn", 0);
			}
			RuntimeEvent::Margin(M::Supplied { amount, shares, .. }) => {
				self.accounts += signed(amount);
				self.lent_shares += signed(shares);
				self.note("supplied to the reserve", amount);
			}
			RuntimeEvent::Margin(M::Redeemed { amount, shares, .. }) => {
				self.accounts -= signed(amount);
				self.lent_shares -= signed(shares);
				self.note("redeemed from the reserve", amount);
			}
			RuntimeEvent::Margin(M::CollateralSold {
				asset,
				amount,
				price,
				to_pool,
				..
			}) => {
				*self.collateral.entry(asset).or_default() -= signed(amount);
				self.accounts += signed(price);
				let buyer = if to_pool {
					"collateral bought by the stability pool"
				} else {
					"collateral bought by the fund"
				};
				self.note(buyer, price);
			}
			RuntimeEvent::InsuranceFund(pallet_insurance_fund::Event::CollateralTaken {
				from,
				asset,
				amount,
			}) if from == Margin::custody_account() => {
				*self.collateral.entry(asset).or_default() -= signed(amount);
				self.note("worthless collateral", 0);
			}
			RuntimeEvent::Margin(M::Transferred { amount, .. }) => self.note("transferred", amount),
			RuntimeEvent::Margin(M::ToppedUp { amount, .. }) => self.note("topped up", amount),
			RuntimeEvent::Margin(M::MarginCalled { .. }) => self.note("margin calls", 0),
			RuntimeEvent::Margin(M::MarginRestored { .. }) => self.note("margin restored", 0),
			RuntimeEvent::Margin(M::MeasureFailed { .. }) => self.note("measures failed", 0),
			RuntimeEvent::Margin(M::CoverFailed { .. }) => self.note("covers failed", 0),
			RuntimeEvent::Margin(M::AccountOpened { .. }) => self.note("accounts opened", 0),
			RuntimeEvent::Margin(M::AccountClosed { .. }) => self.note("accounts closed", 0),
			RuntimeEvent::Margin(M::AccountLiquidated { closed, .. }) => {
				self.note("accounts liquidated", closed)
			}

			RuntimeEvent::Perpetuals(P::OrderCommitted { order, fee, .. }) => {
				assert_eq!(
					self.held.insert(order, signed(fee)),
					None,
					"a number is given out once"
				);
				self.note("orders committed", 0);
			}
			RuntimeEvent::Perpetuals(P::OrderTriggered { .. }) => self.note("orders triggered", 0),
			RuntimeEvent::Perpetuals(P::OrderRests { .. }) => self.note("orders rested", 0),
			RuntimeEvent::Perpetuals(P::OrdersPaired { .. }) => self.note("orders paired", 0),
			RuntimeEvent::Perpetuals(P::OrderAmended { .. }) => self.note("orders amended", 0),
			RuntimeEvent::Perpetuals(P::OrderCancelled { order, fee, .. }) => {
				let held = self.release(order);
				assert!(fee == 0 || signed(fee) == held, "{fee} of {held}");
				self.trade(0, signed(fee));
				self.note("orders cancelled", 0);
			}
			RuntimeEvent::Perpetuals(P::OrderFilled {
				order,
				fee,
				realised,
				funding,
				haircut,
				left,
				..
			}) => {
				self.filled(order, left);
				if left != 0 {
					self.note("parts filled", 0);
				}
				let gain = realised - funding - self.cut(haircut);
				self.trade(gain, fee);
				self.note("fills", fee.max(0).unsigned_abs());
				if fee < 0 {
					self.note("fills with a rebate", fee.unsigned_abs());
				}
				if funding != 0 {
					self.note("fills with funding", funding.unsigned_abs());
				}
			}
			RuntimeEvent::Perpetuals(P::OrderFailed { order, fee, .. }) => {
				assert_eq!(self.release(order), signed(fee), "what was held is lost");
				self.trade(0, signed(fee));
				self.note("orders failed", 0);
			}
			RuntimeEvent::Perpetuals(P::PositionLiquidated {
				fee,
				realised,
				funding,
				haircut,
				notional,
				..
			}) => {
				let gain = realised - funding - self.cut(haircut);
				self.trade(gain, signed(fee));
				self.note("positions liquidated", notional);
			}
			RuntimeEvent::Perpetuals(P::PositionReduced {
				fee,
				realised,
				funding,
				haircut,
				..
			}) => {
				let gain = realised - funding - self.cut(haircut);
				self.trade(gain, fee);
				self.note("positions reduced", 0);
			}
			RuntimeEvent::Perpetuals(P::PositionPaidOut {
				realised,
				funding,
				haircut,
				..
			}) => {
				let gain = realised - funding - self.cut(haircut);
				self.trade(gain, 0);
				self.note("positions paid out", 0);
			}
			RuntimeEvent::Perpetuals(P::DeficitCovered {
				claim,
				tranche,
				fund,
				pool,
				..
			}) => {
				self.accounts += signed(claim + tranche + fund + pool);
				self.clearing -= signed(claim + tranche + pool);
				self.note("deficits covered", claim + tranche + fund + pool);
				for (who, part) in [
					("by tranches", tranche),
					("by the fund", fund),
					("by the pool", pool),
				] {
					if part > 0 {
						self.note(who, part);
					}
				}
			}
			RuntimeEvent::Perpetuals(P::FundPaid { amount }) => {
				self.clearing -= signed(amount);
				self.note("fund paid", amount);
			}
			RuntimeEvent::Perpetuals(P::RecoveryClaimed { amount, .. }) => {
				self.accounts += signed(amount);
				self.clearing -= signed(amount);
				self.note("recoveries claimed", amount);
			}
			RuntimeEvent::Perpetuals(P::GainsHaircut { deficit, .. }) => self.note("haircuts", deficit),
			RuntimeEvent::Perpetuals(P::MarketSettled { .. }) => self.note("markets settled", 0),
			RuntimeEvent::Perpetuals(P::MarketRemoved { .. }) => self.note("markets removed", 0),
			RuntimeEvent::Perpetuals(P::MarketListed { .. }) => self.note("markets listed", 0),

			RuntimeEvent::LiquidityPool(Pool::DepositRequested { amount, .. }) => {
				self.waiting += signed(amount);
			}
			RuntimeEvent::LiquidityPool(Pool::Provided { amount, shares, .. }) => {
				self.waiting -= signed(amount);
				self.clearing += signed(amount);
				self.shares += signed(shares);
				self.note("liquidity provided", amount);
			}
			RuntimeEvent::LiquidityPool(Pool::DepositRefunded { amount, .. }) => {
				self.waiting -= signed(amount);
				self.note("liquidity refunded", amount);
			}
			RuntimeEvent::LiquidityPool(Pool::DepositCancelled { amount, .. }) => {
				self.waiting -= signed(amount);
				self.note("deposits of liquidity cancelled", amount);
			}
			RuntimeEvent::LiquidityPool(Pool::Withdrawn {
				amount, shares, left, ..
			}) => {
				self.clearing -= signed(amount);
				self.shares -= signed(shares);
				self.note("liquidity withdrawn", amount);
				if left > 0 {
					self.note("liquidity withdrawn in part", amount);
				}
			}
			RuntimeEvent::LiquidityPool(Pool::InterestCollected { amount }) => {
				self.accounts -= signed(amount);
				self.clearing += signed(amount);
				self.note("interest of the pool collected", amount);
			}
			RuntimeEvent::Margin(pallet_margin::Event::DebtRecalled { debt, .. }) => {
				self.note("debts recalled", debt);
			}
			RuntimeEvent::LiquidityPool(Pool::WithdrawalCancelled { .. }) => {
				self.note("withdrawals of liquidity cancelled", 0)
			}
			RuntimeEvent::Liquidations(pallet_liquidations::Event::Liquidated { group, by, .. }) => {
				let what = match (group.is_of_accounts(), by) {
					(true, pallet_liquidations::LiquidatedBy::Block) => "accounts liquidated by the block",
					(true, _) => "accounts liquidated by workers",
					_ => "vaults liquidated",
				};
				self.note(what, 0);
			}
			RuntimeEvent::CircuitBreaker(pallet_circuit_breaker::Event::LevelRaised {
				reading: Some(_),
				..
			}) => self.note("breakers raised by a fuse", 0),
			_ => (),
		}
	}

	/// Take in the events since the last time, count everything, and compare.
	fn check(&mut self, after: &str) -> Books {
		let events: Vec<_> = events().into_iter().skip(self.seen).collect();
		self.seen += events.len();
		events.into_iter().for_each(|event| self.follow(event));
		self.checks += 1;
		let books = Books::count().and_then(|books| self.compare(&books).map(|()| books));
		books.unwrap_or_else(|e| {
			panic!(
				"check {}, block {}, {after}: {e}",
				self.checks,
				System::block_number()
			)
		})
	}

	fn compare(&self, books: &Books) -> Result<(), String> {
		same!(
			"cash and idle reserve by their moves",
			books.cash + books.idle + books.earned,
			self.accounts
		);
		same!(
			"the pool's cash and the pots by their moves",
			books.pool + books.pots,
			self.clearing
		);
		same!("deposits that wait by their moves", books.waiting, self.waiting);
		let held: u128 = traders()
			.iter()
			.flat_map(|(_, trader)| trader.orders.iter().map(|order| order.fee))
			.sum();
		same!(
			"what is held for orders",
			signed(held),
			self.held.values().sum::<i128>()
		);
		let moved: BTreeMap<u32, i128> = COLLATERALS
			.iter()
			.map(|asset| (*asset, self.collateral.get(asset).copied().unwrap_or(0)))
			.collect();
		same!("collateral by its moves", &books.collateral, &moved);
		same!("shares of the pool by their moves", books.shares, self.shares);
		same!(
			"shares of the reserve by their moves",
			books.lent_shares,
			self.lent_shares
		);
		Ok(())
	}
}

/// Choices; and how much liquidity is provided at a time, at most.
struct Chance(Random, f64);

impl Chance {
	fn happens(&mut self, probability: f64) -> bool {
		self.0.next() < probability
	}

	fn below(&mut self, n: usize) -> usize {
		(self.0.next() * n as f64) as usize
	}

	fn of<T: Copy>(&mut self, all: &[T]) -> T {
		all[self.below(all.len())]
	}

	/// Small and large alike.
	fn between(&mut self, low: f64, high: f64) -> f64 {
		low * (high / low).powf(self.0.next())
	}

	/// Evenly between -1 and 1.
	fn sign(&mut self) -> f64 {
		self.0.next() * 2.0 - 1.0
	}

	/// Some of `amount`, often all.
	fn part(&mut self, amount: u128) -> u128 {
		match self.happens(0.2) {
			true => amount,
			false => amount / 1_000 * (self.0.next() * 1_000.0) as u128,
		}
	}

	/// One of the accounts' owners with one of its subs.
	fn account(&mut self) -> (Sr25519Keyring, u8) {
		let n = self.below(ACCOUNTS);
		(OWNERS[n % 6], (n / 6) as u8)
	}
}

fn price_of(prices: &[(u32, f64)], feed: u32) -> f64 {
	prices.iter().find(|(f, _)| *f == feed).unwrap().1
}

/// Base units of `value` USD of an asset.
fn units(prices: &[(u32, f64)], asset: u32, value: f64) -> u128 {
	let whole = match asset {
		KUSD | USDC => 1e6,
		BTC => 1e8,
		ETH => 1e18,
		_ => 1e10,
	};
	let price = if asset == KUSD {
		1.0
	} else {
		price_of(prices, asset)
	};
	(value / price * whole) as u128
}

fn account_of(owner: Sr25519Keyring, sub: u8) -> Option<MarginAccountId> {
	Margin::account(&who(owner), sub)
}

fn nothing() -> DispatchResult {
	Err(DispatchError::Other("nothing to try it on"))
}

/// Markets that are listed now; the first one of all if none is.
fn listed() -> Vec<MarketId> {
	let listed: Vec<_> = pallet_perpetuals::Markets::<Runtime>::get()
		.markets
		.iter()
		.map(|market| market.id)
		.collect();
	match listed.is_empty() {
		true => vec![BTC],
		false => listed,
	}
}

/// The feed of a market: of a successor of `m`, which is called `m + 10·n`, that of `m`.
fn feed_of(market: MarketId) -> u32 {
	market % 10
}

/// Lists a market in place of one that was removed, under a number that was never given, with the numbers of
/// the first.
fn list_successor() -> DispatchResult {
	let listed = listed();
	let gone = |market: &&MarketId| !listed.iter().any(|id| feed_of(*id) == **market);
	let Some(base) = MARKETS.iter().find(gone).copied() else {
		return nothing();
	};
	let given = |id: &MarketId| pallet_perpetuals::Removed::<Runtime>::contains_key(id);
	let Some(market) = (base..).step_by(10).find(|id| !given(id)) else {
		return nothing();
	};
	RiskParameters::set_market(market, RiskParameters::market(base)?);
	as_root(pallet_perpetuals::Call::<Runtime>::list_market { market, feed: base })
}

/// Every open order, with its account.
fn open_orders() -> Vec<(MarginAccountId, pallet_perpetuals::Order)> {
	let mut all: Vec<_> = traders()
		.into_iter()
		.flat_map(|(id, trader)| trader.orders.into_iter().map(move |order| (id, order)))
		.collect();
	all.sort_by_key(|(_, order)| order.id);
	all
}

/// The owner of an account, of those who play.
fn owner_of(account: MarginAccountId) -> Option<Sr25519Keyring> {
	let owner = pallet_margin::Accounts::<Runtime>::get(account)?.owner;
	OWNERS.into_iter().find(|key| who(*key) == owner)
}

/// An order of every kind.
fn order(chance: &mut Chance, prices: &[(u32, f64)]) -> (&'static str, DispatchResult) {
	let (owner, sub) = chance.account();
	let market = chance.of(&listed());
	let index = price_of(prices, feed_of(market));
	let side = if chance.happens(0.6) { 1.0 } else { -1.0 };
	let account = account_of(owner, sub);
	let held = account.map_or(0, |id| trader(id).position(market).size);
	let free = account
		.and_then(Margin::statement)
		.map_or(0, |statement| statement.free.max(0));
	// Mostly what it can afford, or nearly.
	let worth = match chance.happens(0.7) {
		true => (free as f64 / 1e6 * chance.between(0.5, 16.0)).clamp(10.0, 60_000.0),
		false => chance.between(10.0, 60_000.0),
	};
	let usual = (side * worth / index * 1e8) as i128;
	let near = usd(index * (1.0 + 0.03 * chance.sign()));
	let at = |when, trail| Trigger {
		price: near,
		when,
		trail,
	};
	let away = |when, reduce_only| (Some(at(when, None)), None, reduce_only);
	let expires_in = chance.between(6_000.0, 86_400_000.0) as Moment;
	let new = |size, (trigger, limit, reduce_only)| NewOrder {
		market,
		size,
		trigger,
		limit,
		resting: false,
		reduce_only,
		expires_in,
	};
	match chance.below(100) {
		0..=5 => {
			// Near enough to be filled in part, or to rest a while.
			let limit = usd(index * (1.0 + 0.0003 * chance.between(-1.0, 1.0)));
			let resting = NewOrder {
				resting: true,
				reduce_only: chance.happens(0.2),
				..new(usual, (None, Some(limit), false))
			};
			let commit = pallet_perpetuals::Call::<Runtime>::commit_order { sub, order: resting };
			return ("resting order", call(owner, commit));
		}
		6..=8 => {
			let when = if held > 0 { When::Below } else { When::Above };
			let trail = Some(FixedU128::from_float(chance.between(0.001, 0.1)));
			let trailing = new(-held, (Some(at(when, trail)), None, true));
			let commit = pallet_perpetuals::Call::<Runtime>::commit_order { sub, order: trailing };
			return ("trailing stop", call(owner, commit));
		}
		9..=11 => {
			let size = if chance.happens(0.8) { -held } else { usual };
			let pair = [When::Above, When::Below].map(|when| new(size, away(when, size == -held)));
			let [first, second] = pair;
			let commit = pallet_perpetuals::Call::<Runtime>::commit_pair { sub, first, second };
			return ("pair of orders", call(owner, commit));
		}
		12 => {
			let close = pallet_perpetuals::Call::<Runtime>::close_all { sub, expires_in };
			return ("close all", call(owner, close));
		}
		13..=16 => {
			let mut orders = open_orders();
			orders.retain(|(_, order)| !order.is_queued());
			if !orders.is_empty() {
				let (account, of) = orders[chance.below(orders.len())];
				let key = owner_of(account).unwrap_or(owner);
				let sub = (0..=u8::MAX)
					.find(|sub| account_of(key, *sub) == Some(account))
					.unwrap_or(sub);
				if chance.happens(0.3) {
					let market = chance.happens(0.5).then_some(of.market);
					let cancel = pallet_perpetuals::Call::<Runtime>::cancel_all { sub, market };
					return ("cancel all", call(key, cancel));
				}
				let terms = NewOrder {
					market: of.market,
					size: of.size / 2,
					trigger: of.trigger,
					limit: of.limit,
					resting: of.resting,
					reduce_only: of.reduce_only,
					expires_in,
				};
				let amend = pallet_perpetuals::Call::<Runtime>::amend_order {
					sub,
					order: of.id,
					terms,
				};
				return ("amend order", call(key, amend));
			}
		}
		_ => (),
	}
	let (name, size, (trigger, limit, reduce_only)) = match chance.below(20) {
		0..=7 => ("market order", usual, (None, None, false)),
		8..=9 => ("limit order", usual, (None, Some(near), false)),
		10 => (
			"stop order",
			usual,
			away(chance.of(&[When::Above, When::Below]), false),
		),
		11..=12 => (
			"stop loss or profit",
			-held,
			away(chance.of(&[When::Above, When::Below]), true),
		),
		13..=14 => (
			"reduce-only order",
			-held / (1 + chance.below(3) as i128),
			(None, None, true),
		),
		15 => ("reduce-only order beyond", -held * 3, (None, None, true)),
		16..=17 => ("flip", -2 * held, (None, None, false)),
		18 => (
			"tiny order",
			chance.below(2_000) as i128 - 1_000,
			(None, None, chance.happens(0.5)),
		),
		_ => (
			"huge order",
			usual * 1i128.checked_shl(chance.below(70) as u32).unwrap(),
			(None, None, false),
		),
	};
	let order = new(size, (trigger, limit, reduce_only));
	(
		name,
		call(
			owner,
			pallet_perpetuals::Call::<Runtime>::commit_order { sub, order },
		),
	)
}

/// Move one number, the safer way or the other.
fn adjust(chance: &mut Chance) -> DispatchResult {
	let (subject, key) = match chance.below(8) {
		0..=4 => {
			let key = chance.of(&[
				MarketKey::MaintenanceMargin,
				MarketKey::InitialMultiple,
				MarketKey::TakerFee,
				MarketKey::MakerFee,
				MarketKey::LiquidationFee,
				MarketKey::MaxFundingRate,
				MarketKey::FundingVelocity,
				MarketKey::SkewScale,
				MarketKey::RebateShare,
				MarketKey::TrancheTarget,
				MarketKey::LiquidationLimit,
			]);
			(Subject::Market(chance.of(&MARKETS)), Key::Market(key))
		}
		5..=6 => {
			let key = chance.of(&[
				CollateralKey::Haircut,
				CollateralKey::SaleDiscount,
				CollateralKey::DepositCap,
			]);
			(Subject::Collateral(chance.of(&COLLATERALS)), Key::Collateral(key))
		}
		_ => (
			Subject::Chain,
			Key::Chain(chance.of(&[ChainKey::OrderFee, ChainKey::MarginCall, ChainKey::LendingSlope])),
		),
	};
	let Some(info) = RiskParameters::parameter(subject, key) else {
		return nothing();
	};
	let range = if chance.happens(0.5) {
		info.tighten
	} else {
		info.loosen
	};
	let span = range.max.saturating_sub(range.min);
	let value = range.min + span / 1_000 * chance.below(1_001) as u128;
	as_referendum(
		Origin::RiskAdjust,
		pallet_risk_parameters::Call::<Runtime>::set_values {
			subject,
			changes: vec![Change { key, value }].try_into().unwrap(),
		},
	)
}

/// Lower every breaker that is raised.
fn lower() -> DispatchResult {
	let raised: Vec<BreakerSubject> = pallet_circuit_breaker::Raised::<Runtime>::get()
		.keys()
		.copied()
		.collect();
	if raised.is_empty() {
		return nothing();
	}
	raised.into_iter().try_for_each(|subject| {
		as_referendum(
			Origin::RiskAdjust,
			pallet_circuit_breaker::Call::<Runtime>::set_level {
				subject,
				level: Level::Normal,
			},
		)
	})
}

/// One operation. Much of what chance tries is refused; the books must balance whatever happens.
fn act(chance: &mut Chance, prices: &[(u32, f64)]) -> (&'static str, DispatchResult) {
	type MarginCall = pallet_margin::Call<Runtime>;
	type PoolCall = pallet_liquidity_pool::Call<Runtime>;
	let (owner, sub) = chance.account();
	match chance.below(1_000) {
		0..=49 => {
			let amount = chance.between(1.0, 5e9) as u128;
			(
				"deposit kUSD",
				call(
					owner,
					MarginCall::deposit {
						sub,
						asset: KUSD,
						amount,
					},
				),
			)
		}
		50..=84 => {
			let asset = chance.of(&COLLATERALS);
			let amount = units(prices, asset, chance.between(1.0, 2_000.0));
			(
				"deposit collateral",
				call(owner, MarginCall::deposit { sub, asset, amount }),
			)
		}
		85..=139 => {
			let asset = if chance.happens(0.5) {
				KUSD
			} else {
				chance.of(&COLLATERALS)
			};
			let account = account_of(owner, sub).and_then(pallet_margin::Accounts::<Runtime>::get);
			let has = account.map_or(0, |a| if asset == KUSD { a.cash } else { a.held(asset) });
			// What it has, or what it is said to be able to give.
			let most = if chance.happens(0.5) {
				has
			} else {
				Margin::withdrawable(who(owner), sub, asset)
			};
			let amount = chance.part(most);
			(
				"withdraw",
				call(owner, MarginCall::withdraw { sub, asset, amount }),
			)
		}
		140..=169 => {
			let to = chance.below(9) as u8;
			let most = Margin::withdrawable(who(owner), sub, KUSD);
			(
				"transfer",
				call(
					owner,
					MarginCall::transfer {
						from: sub,
						to,
						amount: chance.part(most),
					},
				),
			)
		}
		170..=184 => {
			let amount = chance.between(1.0, 2e9) as u128;
			("supply", call(owner, MarginCall::supply { amount }))
		}
		185..=204 => {
			let shares = chance.part(pallet_margin::Lenders::<Runtime>::get(who(owner)));
			("redeem", call(owner, MarginCall::redeem { shares }))
		}
		205..=604 => order(chance, prices),
		605..=644 => {
			let orders = open_orders();
			let result = match orders.is_empty() {
				true => nothing(),
				false => {
					let (account, of) = orders[chance.below(orders.len())];
					let own = owner_of(account);
					let caller = if chance.happens(0.9) {
						own.unwrap_or(owner)
					} else {
						owner
					};
					let order = of.id;
					call(
						caller,
						pallet_perpetuals::Call::<Runtime>::cancel_order { account, order },
					)
				}
			};
			("cancel order", result)
		}
		645..=679 => {
			let amount = chance.between(1e6, chance.1) as u128;
			(
				"provide",
				call(
					owner,
					PoolCall::provide {
						amount,
						least_shares: 0,
					},
				),
			)
		}
		680..=714 => {
			let shares = chance.part(balance(SHARES, owner) / 4);
			(
				"request withdrawal",
				call(owner, PoolCall::request_withdrawal { shares }),
			)
		}
		715..=724 => {
			let mut ids: Vec<_> = pallet_liquidity_pool::Withdrawals::<Runtime>::iter_keys().collect();
			ids.sort();
			let id = if ids.is_empty() { 0 } else { chance.of(&ids) };
			(
				"cancel withdrawal",
				call(owner, PoolCall::cancel_withdrawal { id }),
			)
		}
		725..=734 => {
			let mut ids: Vec<_> = pallet_liquidity_pool::Deposits::<Runtime>::iter_keys().collect();
			ids.sort();
			let id = if ids.is_empty() { 0 } else { chance.of(&ids) };
			("cancel deposit", call(owner, PoolCall::cancel_deposit { id }))
		}
		735..=754 => {
			let top_up = chance
				.happens(0.9)
				.then(|| (chance.below(9) as u8, chance.between(1.0, 1e9) as u128));
			("set top-up", call(owner, MarginCall::set_top_up { sub, top_up }))
		}
		755..=769 => {
			let reduce = chance
				.happens(0.8)
				.then(|| Permill::from_percent(1 + chance.below(60) as u32));
			("set reduce", call(owner, MarginCall::set_reduce { sub, reduce }))
		}
		770..=779 => {
			let market = chance.of(&MARKETS);
			let subject = chance.of(&[
				BreakerSubject::Chain,
				BreakerSubject::Lending,
				BreakerSubject::Market(market),
				BreakerSubject::Market(market),
			]);
			let level = chance.of(&[Level::Guarded, Level::Guarded, Level::ReduceOnly, Level::Halted]);
			(
				"trip",
				as_guardian(pallet_circuit_breaker::Call::<Runtime>::trip { subject, level }),
			)
		}
		780..=829 => ("lower breakers", lower()),
		830..=869 => ("adjust a number", adjust(chance)),
		870..=889 => ("close account", call(owner, MarginCall::close_account { sub })),
		890..=899 => {
			let amount = chance.between(1e6, 2e10) as u128;
			(
				"stability deposit",
				call(owner, pallet_stability_pool::Call::<Runtime>::deposit { amount }),
			)
		}
		900..=914 => {
			let amount = chance.between(1e6, 1e11) as u128;
			(
				"stability withdrawal",
				call(owner, pallet_stability_pool::Call::<Runtime>::withdraw { amount }),
			)
		}
		915..=922 => (
			"claim",
			call(owner, pallet_stability_pool::Call::<Runtime>::claim_all {}),
		),
		923..=929 => {
			let amount = chance.between(1e6, 2e9) as u128;
			(
				"donate",
				call(owner, pallet_insurance_fund::Call::<Runtime>::donate { amount }),
			)
		}
		930..=934 => {
			let market = chance.of(&listed());
			let open = pallet_perpetuals::Markets::<Runtime>::get()
				.markets
				.iter()
				.filter(|m| m.status == Status::Open)
				.count();
			// Some market has to be left to trade in.
			let result = match open > 2 {
				true => {
					let settle_at = Timestamp::get() + 3_600_000;
					as_root(pallet_perpetuals::Call::<Runtime>::delist { market, settle_at })
				}
				false => nothing(),
			};
			("delist", result)
		}
		935..=959 => {
			let book = pallet_perpetuals::Markets::<Runtime>::get();
			let market = book
				.markets
				.iter()
				.find(|market| market.is_settled())
				.map(|market| market.id);
			let account = traders()
				.iter()
				.find(|(_, trader)| {
					market.is_some_and(|market| {
						trader.position(market).size != 0
							|| trader.orders.iter().any(|placed| placed.market == market)
					})
				})
				.map_or(sub.into(), |(id, _)| *id);
			let market = market.unwrap_or(BTC);
			(
				"pay out",
				call(
					owner,
					pallet_perpetuals::Call::<Runtime>::pay_out { account, market },
				),
			)
		}
		960..=967 => {
			let settled = pallet_perpetuals::Markets::<Runtime>::get()
				.markets
				.iter()
				.find(|market| market.is_settled())
				.map(|market| market.id);
			let removed = settled.map_or(Err(DispatchError::Unavailable), |market| {
				as_root(pallet_perpetuals::Call::<Runtime>::remove { market })
			});
			("remove or list a market", removed.or_else(|_| list_successor()))
		}
		968..=971 => {
			let account = account_of(owner, sub).unwrap_or_default();
			(
				"claim a recovery",
				call(
					owner,
					pallet_perpetuals::Call::<Runtime>::claim_recovery { account },
				),
			)
		}
		972..=974 => {
			// Nobody gives the custody what no account owns.
			let target = Margin::custody_account();
			let gift = pallet_assets::Call::<Runtime>::transfer {
				id: KUSD,
				target: target.into(),
				amount: 1,
			};
			let result = call(owner, gift);
			assert!(result.is_err(), "a gift to the custody belongs to nobody");
			("gift to the custody", result)
		}
		975..=984 => {
			let amount = chance.part(balance(KUSD, owner));
			let result = pallet_vaults::Vaults::<Runtime>::iter_keys()
				.max()
				.map_or_else(nothing, |n| {
					let vault = chance.below(n as usize + 1) as u64;
					call(
						owner,
						pallet_vaults::Call::<Runtime>::repay {
							vault,
							amount: amount / 50,
						},
					)
				});
			("repay a vault", result)
		}
		_ => {
			let mut auctions: Vec<_> = pallet_auctions::Auctions::<Runtime>::iter().collect();
			auctions.sort_by_key(|(id, _)| *id);
			let result = auctions.first().map_or_else(nothing, |(auction, lot)| {
				call(
					owner,
					pallet_auctions::Call::<Runtime>::take {
						auction: *auction,
						max_collateral: lot.collateral,
						max_price: usd(1e9),
					},
				)
			});
			("take from an auction", result)
		}
	}
}

/// A chain, its prices, and what has been seen of it.
struct World {
	chain: Chain,
	chance: Chance,
	shadow: Shadow,
	prices: Vec<(u32, f64)>,
	/// Feeds that are silent, and for how many more blocks.
	silent: (BTreeSet<u32>, usize),
	time: Moment,
	operations: usize,
	/// Of each operation: tried, done.
	tally: BTreeMap<&'static str, (usize, usize)>,
	equity: (i128, i128),
	pool: (i128, i128),
	closings: usize,
	blocks: usize,
}

impl World {
	/// Everybody has kUSD, `pool` of each is in the pool, the reserve has some, and fifty accounts are open.
	fn new(seed: u64, pool: Balance) -> Self {
		let mut world = Self {
			chain: Chain::new(),
			chance: Chance(Random(seed), pool as f64 / 2.0),
			shadow: Shadow::default(),
			prices: FEEDS.to_vec(),
			silent: Default::default(),
			time: BEGIN,
			operations: 0,
			tally: BTreeMap::new(),
			equity: (i128::MAX, i128::MIN),
			pool: (i128::MAX, i128::MIN),
			closings: 0,
			blocks: 0,
		};
		world.chain.try_state = false;
		world.chain.state(|| {
			for branch in [BTC, ETH, DOT] {
				let numbers = RiskParameters::branch(branch).unwrap();
				RiskParameters::set_branch(
					branch,
					BranchParameters {
						debt_ceiling: kusd(90_000_000),
						..numbers
					},
				);
			}
			for market in MARKETS {
				// Rebates from a premium on that fifty accounts can make, a premium that they can take to its
				// bound, and positions that a small pool can't bear in the end.
				let numbers = RiskParameters::market(market).unwrap();
				let rebate_band = FixedU128::from_rational(1, 10_000);
				let stress = FixedU128::from_rational(10, 100);
				RiskParameters::set_market(
					market,
					MarketParameters {
						rebate_band,
						stress,
						skew_scale: numbers.skew_scale / 10,
						..numbers
					},
				);
			}
			let numbers = RiskParameters::chain();
			RiskParameters::set_chain(ChainParameters {
				pool_cooldown: 3_600_000,
				margin_call: FixedU128::from_rational(150, 100),
				..numbers
			});
		});
		for _ in 0..4 {
			world.block(2_000, |_| ());
		}
		world.block(2_000, |_| {
			for owner in OWNERS {
				for (branch, collateral, debt) in [
					(BTC, 100 * 100_000_000, kusd(2_000_000)),
					(ETH, 100 * 1_000_000_000_000_000_000, kusd(165_000)),
				] {
					assert_ok!(call(
						owner,
						pallet_vaults::Call::<Runtime>::open {
							branch,
							collateral,
							debt
						}
					));
				}
			}
		});
		world.block(2_000, |world| {
			for owner in OWNERS {
				let provide = pallet_liquidity_pool::Call::<Runtime>::provide {
					amount: pool,
					least_shares: 0,
				};
				assert_ok!(call(owner, provide));
			}
			assert_ok!(call(
				Alice,
				pallet_margin::Call::<Runtime>::supply { amount: kusd(30_000) }
			));
			assert_ok!(call(
				Bob,
				pallet_stability_pool::Call::<Runtime>::deposit { amount: kusd(50_000) }
			));
			for n in 0..ACCOUNTS {
				let (owner, sub) = (OWNERS[n % 6], (n / 6) as u8);
				let value = world.chance.between(200.0, 4_000.0);
				// A few have both, most one.
				let own = world.chance.of(&[KUSD, KUSD, KUSD, BTC, ETH, DOT, USDC]);
				for (asset, value) in [(own, value), (KUSD, 5.0)] {
					let amount = units(world.prices, asset, value);
					assert_ok!(call(
						owner,
						pallet_margin::Call::<Runtime>::deposit { sub, asset, amount }
					));
				}
				if n % 2 == 0 {
					// Half of them look out for themselves when called.
					let top_up = Some(((sub + 1) % 8, kusd(100)));
					let reduce = Some(Permill::from_percent(30));
					assert_ok!(call(
						owner,
						pallet_margin::Call::<Runtime>::set_top_up { sub, top_up }
					));
					assert_ok!(call(
						owner,
						pallet_margin::Call::<Runtime>::set_reduce { sub, reduce }
					));
				}
			}
		});
		for _ in 0..3 {
			world.block(2_000, |_| ());
		}
		world
	}

	/// A block, `after` milliseconds later. Every operator feeds what is not silent, then `body`.
	fn block(&mut self, after: Moment, body: impl FnOnce(&mut Inside)) {
		// Blocks are in slots.
		self.time += after.div_ceil(SLOT_DURATION) * SLOT_DURATION;
		self.blocks += 1;
		let fed: Vec<(u32, f64)> = self
			.prices
			.iter()
			.filter(|(feed, _)| !self.silent.0.contains(feed))
			.copied()
			.collect();
		let Self {
			chain,
			chance,
			shadow,
			prices,
			tally,
			..
		} = self;
		shadow.seen = 0;
		chain.block(self.time, || {
			shadow.check("at the beginning of a block");
			if !fed.is_empty() {
				feed_all(&fed);
			}
			body(&mut Inside {
				chance,
				shadow,
				prices,
				tally,
			});
		});
		chain.state(|| shadow.check("at the end of a block"));
	}

	/// Let prices walk, jump, and be silent.
	fn walk(&mut self) {
		let all = self.chance.happens(0.3);
		// Now and then every market goes the way its traders are, which is the pool's worst.
		let against_pool = self.chance.happens(1.0 / 200.0);
		let skews: BTreeMap<u32, i128> = self.chain.state(|| {
			let book = pallet_perpetuals::Markets::<Runtime>::get();
			book.markets
				.iter()
				.map(|market| (market.feed, market.skew()))
				.collect()
		});
		let jumps = self.chance.happens(1.0 / 70.0);
		let (which, jump) = (self.chance.of(&FEEDS).0, 0.30 * self.chance.sign());
		for ((feed, price), (_, start)) in self.prices.iter_mut().zip(FEEDS) {
			let noise = if *feed == USDC { 0.000_2 } else { 0.006 };
			// Drawn back to where it started, so that all of it goes on.
			let mut shift = noise * self.chance.sign() + 0.002 * (start / *price).ln();
			if jumps && (all || which == *feed) {
				shift += if *feed == USDC { jump / 4.0 } else { jump };
			}
			if against_pool {
				shift += 0.25 * skews.get(feed).map_or(0, |skew| skew.signum()) as f64;
			}
			*price *= 1.0 + shift;
		}
		if self.silent.1 > 0 {
			self.silent.1 -= 1;
			if self.silent.1 == 0 {
				self.silent.0.clear();
			}
		} else if self.chance.happens(1.0 / 100.0) {
			let feeds = match self.chance.happens(0.3) {
				true => FEEDS.iter().map(|(feed, _)| *feed).collect(),
				false => BTreeSet::from([self.chance.of(&FEEDS).0]),
			};
			self.silent = (feeds, 5 + self.chance.below(40));
		}
	}

	/// How long until the next block.
	fn pause(&mut self) -> Moment {
		let chance = &mut self.chance;
		if !self.silent.0.is_empty() && chance.happens(0.03) {
			return chance.between(600_000.0, 7_200_000.0) as Moment;
		}
		match chance.below(1_000) {
			0..=3 => chance.between(3_600_000.0, 86_400_000.0) as Moment,
			4..=22 => chance.between(60_000.0, 1_800_000.0) as Moment,
			23..=500 => 2_000,
			_ => chance.of(&[4_000, 6_000, 12_000, 20_000, 30_000]),
		}
	}

	/// A block or a few.
	fn go_on(&mut self) {
		self.walk();
		// Workers are there for a while and gone for a while.
		if self.chance.happens(1.0 / 80.0) {
			self.chain.workers = !self.chain.workers;
		}
		let pause = self.pause();
		let many = 1 + self.chance.below(4);
		self.block(pause, |inside| {
			if pause > 3_600_000 {
				inside.impatience();
			}
			(0..many).for_each(|_| inside.act());
		});
		if self.chance.happens(1.0 / 60.0) {
			// Prices and averages meet again.
			for _ in 0..11 {
				self.block(30_000, |_| ());
			}
			self.block(2_000, |inside| inside.do_it(|_, _| ("lower breakers", lower())));
		}
		if self.blocks.is_multiple_of(10) {
			self.measure();
			self.everybody_closes();
		}
		let before = self.operations / 100;
		self.operations += many;
		if self.operations / 100 > before {
			self.chain.state(check_state);
		}
	}

	fn measure(&mut self) {
		let Self {
			chain, equity, pool, ..
		} = self;
		chain.state(|| {
			for id in pallet_margin::Accounts::<Runtime>::iter_keys() {
				let worth = Margin::statement(id).unwrap().equity;
				*equity = (equity.0.min(worth), equity.1.max(worth));
			}
			let worth = LiquidityPool::cash() - Perpetuals::owed().unwrap();
			*pool = (pool.0.min(worth), pool.1.max(worth));
		});
	}

	/// If everybody closed now, one after another, and took the money: nobody would be paid what is not there.
	fn everybody_closes(&mut self) {
		let closed = self.chain.state(|| {
			with_transaction(|| TransactionOutcome::Rollback(Ok::<_, DispatchError>(close_all()))).unwrap()
		});
		self.closings += usize::from(closed.unwrap_or_else(|e| panic!("block {}: {e}", self.blocks)));
	}

	/// Every market comes to its end, everybody is paid out and leaves.
	fn wind_down(&mut self) {
		self.silent = Default::default();
		self.chain.workers = true;
		self.block(2_000, |inside| {
			let _ = lower();
			for market in listed() {
				inside.do_it(|_, _| {
					let settle_at = Timestamp::get() + 3_600_000;
					(
						"delist",
						as_root(pallet_perpetuals::Call::<Runtime>::delist { market, settle_at }),
					)
				});
			}
		});
		for _ in 0..125 {
			self.block(30_000, |_| ());
		}
		self.block(2_000, |inside| {
			let book = pallet_perpetuals::Markets::<Runtime>::get();
			assert!(
				book.markets.iter().all(|market| market.is_settled()),
				"every market is settled"
			);
			for (account, _) in traders() {
				// While the pool is short, by its owner alone.
				let payer = owner_of(account).unwrap_or(Ferdie);
				for market in &book.markets {
					let market = market.id;
					inside.do_it(|_, _| {
						(
							"pay out",
							call(
								payer,
								pallet_perpetuals::Call::<Runtime>::pay_out { account, market },
							),
						)
					});
				}
			}
			assert_eq!(traders().len(), 0, "nobody has anything in a market");
		});
		// What owes and can't pay is sold and covered.
		for _ in 0..20 {
			self.block(10_000, |_| ());
		}
		self.block(2_000, |inside| {
			let _ = lower();
			for market in listed() {
				inside.do_it(|_, _| {
					(
						"remove or list a market",
						as_root(pallet_perpetuals::Call::<Runtime>::remove { market }),
					)
				});
			}
			assert_eq!(
				pallet_perpetuals::Markets::<Runtime>::get().markets.len(),
				0,
				"no market is left"
			);
			assert_eq!(Perpetuals::owed(), Ok(0), "and nothing is owed");
			for owner in OWNERS {
				for sub in 0..=8 {
					leave(inside, owner, sub);
				}
			}
			// Now that nobody owes, lenders can leave too; and nobody's position keeps providers in.
			for owner in OWNERS {
				let shares = balance(SHARES, owner);
				let request = pallet_liquidity_pool::Call::<Runtime>::request_withdrawal { shares };
				inside.do_it(|_, _| ("request withdrawal", call(owner, request)));
				let shares = pallet_margin::Lenders::<Runtime>::get(who(owner));
				let redeem = pallet_margin::Call::<Runtime>::redeem { shares };
				inside.do_it(|_, _| ("redeem", call(owner, redeem)));
			}
			// Who is still to be repaid waits for that, with nothing else.
			for (id, account) in pallet_margin::Accounts::<Runtime>::iter() {
				let waits = pallet_perpetuals::Claims::<Runtime>::contains_key(id);
				assert!(
					waits && account.cash == 0 && account.collateral.is_empty(),
					"{id} could not leave: {account:?}"
				);
			}
		});
		for _ in 0..125 {
			self.block(30_000, |_| ());
		}
		self.chain.state(check_state);
		let books = self.chain.state(|| self.shadow.check("at the end"));
		assert_eq!((books.cash, books.debt, books.positions), (0, 0, 0), "{books:?}");
		assert_eq!(books.shares, 0, "everybody left the pool: {books:?}");
		assert_eq!(books.waiting, 0, "{books:?}");
		assert!(self.shadow.held.is_empty());
		// What is left is the offset's part, whose share is one kUSD's worth, and what roundings made.
		assert!((0..=kusd(5) as i128).contains(&books.pool), "{books:?}");
		// Shares worth less than a base unit can't be redeemed.
		assert!(
			books.lent_shares < pallet_margin::VIRTUAL_SHARES as i128 && (0..=1_000).contains(&books.idle),
			"{books:?}"
		);
		assert_eq!(
			books.custody,
			books.pool + books.pots + books.idle + books.earned,
			"{books:?}"
		);
	}

	fn report(&self, seed: u64) {
		println!(
			"seed {seed}: {} operations in {} blocks, {} checks",
			self.operations, self.blocks, self.shadow.checks
		);
		for (name, (tried, done)) in &self.tally {
			println!("  {name}: {done} of {tried}");
		}
		for (name, (count, amount)) in &self.shadow.counts {
			println!("  {name}: {count}, {} kUSD", amount / 1_000_000);
		}
		let whole = |n: i128| n / 1_000_000;
		println!(
			"  equity of accounts from {} to {} kUSD",
			whole(self.equity.0),
			whole(self.equity.1)
		);
		println!(
			"  equity of the pool from {} to {} kUSD",
			whole(self.pool.0),
			whole(self.pool.1)
		);
		println!("  everybody closed {} times", self.closings);
	}
}

/// Take everything out of an account and close it.
fn leave(inside: &mut Inside, owner: Sr25519Keyring, sub: u8) {
	let Some(account) = account_of(owner, sub).and_then(pallet_margin::Accounts::<Runtime>::get) else {
		return;
	};
	let owed = account_of(owner, sub)
		.and_then(Margin::statement)
		.map_or(0, |statement| statement.debt);
	if owed > 0 {
		let deposit = pallet_margin::Call::<Runtime>::deposit {
			sub,
			asset: KUSD,
			amount: owed,
		};
		inside.do_it(|_, _| ("deposit kUSD", call(owner, deposit)));
	}
	let held = account
		.collateral
		.iter()
		.copied()
		.chain([(KUSD, account.cash)])
		.filter(|(_, amount)| *amount > 0);
	for (asset, amount) in held {
		let withdraw = pallet_margin::Call::<Runtime>::withdraw { sub, asset, amount };
		inside.do_it(|_, _| ("withdraw", call(owner, withdraw)));
	}
	let close = pallet_margin::Call::<Runtime>::close_account { sub };
	inside.do_it(|_, _| ("close account", call(owner, close)));
}

/// Close every position at the price everybody gets and take all cash out. Whether every market could be left.
fn close_all() -> Result<bool, String> {
	let before = Books::count()?;
	let accounts: Vec<_> = traders().into_iter().map(|(id, _)| id).collect();
	for account in &accounts {
		// Where a price is refused it stays.
		let _ = with_storage_layer(|| {
			let mut loaded = Margin::load(*account)?;
			let all = Closing::Reduce {
				share: Permill::one(),
				set_at: 0,
			};
			let closed = Perpetuals::trade(*account, &mut loaded.trader, all)?;
			Margin::commit(*account, loaded, closed.credit, Act::Reduced, &[])
		});
	}
	let after = Books::count()?;
	holds!(
		"the pool pays no more than it said it owes",
		after.equity() >= before.equity()
	);
	if after.positions > 0 {
		return Ok(false);
	}
	same!("nothing is owed when everybody is out", after.owed, 0);
	let gained = (after.cash - after.debt) - (before.cash - before.debt);
	// Each account's debt is rounded up by less than a unit, before and after.
	let rounding = 2 * ACCOUNTS as i128 + 20;
	holds!(
		"traders get no more than closing pays",
		gained <= before.closing + before.pots + rounding
	);
	if before.equity() < 0 {
		return Ok(true);
	}
	holds!("the pool can pay", after.pool >= 0);
	// What accounts have is there, but for what others still owe.
	holds!("cash is held", after.cash <= after.custody + after.debt);
	let mut left = after.custody;
	for (id, account) in pallet_margin::Accounts::<Runtime>::iter() {
		// What orders still hold of it stays.
		let risk_free = account.debt == 0 && account.cash > 0 && account.trader.orders.is_empty();
		if !risk_free || left < signed(account.cash) {
			continue;
		}
		left -= signed(account.cash);
		let owner = OWNERS
			.into_iter()
			.find(|owner| who(*owner) == account.owner)
			.ok_or("an owner nobody knows")?;
		let withdraw = pallet_margin::Call::<Runtime>::withdraw {
			sub: account.sub,
			asset: KUSD,
			amount: account.cash,
		};
		call(owner, withdraw).map_err(|e| format!("account {id} can't leave: {e:?}"))?;
	}
	let last = Books::count()?;
	same!("what was taken is gone", last.custody, left);
	Ok(true)
}

/// What an operation inside a block sees.
struct Inside<'a> {
	chance: &'a mut Chance,
	shadow: &'a mut Shadow,
	prices: &'a [(u32, f64)],
	tally: &'a mut BTreeMap<&'static str, (usize, usize)>,
}

impl Inside<'_> {
	/// Whose deposit of liquidity has waited for too long takes it back.
	fn impatience(&mut self) {
		let mut waiting: Vec<_> = pallet_liquidity_pool::Deposits::<Runtime>::iter().collect();
		waiting.sort_by_key(|(id, _)| *id);
		for (id, queued) in waiting {
			let owner = OWNERS.into_iter().find(|key| who(*key) == queued.request.who);
			let cancel = pallet_liquidity_pool::Call::<Runtime>::cancel_deposit { id };
			let cancelled = owner.map_or_else(nothing, |owner| call(owner, cancel));
			self.do_it(|_, _| ("cancel deposit", cancelled));
		}
	}

	/// One operation of chance.
	fn act(&mut self) {
		self.do_it(act);
	}

	/// One operation, counted and checked.
	fn do_it(
		&mut self,
		operation: impl FnOnce(&mut Chance, &[(u32, f64)]) -> (&'static str, DispatchResult),
	) {
		let (name, result) = operation(self.chance, self.prices);
		let (tried, done) = self.tally.entry(name).or_default();
		*tried += 1;
		*done += usize::from(result.is_ok());
		self.shadow.check(name);
	}
}

/// What has to happen, and how often at least: without it nothing would be proved.
const OFTEN: &[(&str, usize)] = &[
	("fills", 200),
	("fills with a rebate", 5),
	("fills with funding", 50),
	("orders failed", 20),
	("orders triggered", 20),
	("orders cancelled", 20),
	("orders rested", 10),
	("orders paired", 5),
	("orders amended", 5),
	("parts filled", 1),
	("margin calls", 5),
	("topped up", 1),
	("positions reduced", 1),
	("accounts liquidated", 20),
	("accounts liquidated by the block", 3),
	("accounts liquidated by workers", 3),
	("collateral bought by the stability pool", 3),
	("deficits covered", 3),
	("liquidity provided", 20),
	("liquidity withdrawn", 5),
	("deposits of liquidity cancelled", 1),
	("withdrawals of liquidity cancelled", 1),
	("supplied to the reserve", 20),
	("redeemed from the reserve", 5),
	("fund paid", 1),
	("markets settled", 1),
	("positions paid out", 3),
	("markets removed", 1),
	("markets listed", 1),
	("breakers raised by a fuse", 5),
];

/// Five thousand operations, more if `OFTEN` and `besides` ask for them, and the end of it all.
/// `KEEL_CHANCE_SEED` plays another game.
fn five_thousand(seed: u64, pool: Balance, besides: &[(&'static str, usize)]) {
	let seed = std::env::var("KEEL_CHANCE_SEED").map_or(seed, |seed| seed.parse().unwrap());
	let mut world = World::new(seed, pool);
	let often: Vec<_> = OFTEN.iter().chain(besides).copied().collect();
	let missing = |world: &World| -> Vec<(&str, usize, usize)> {
		let counts = often
			.iter()
			.map(|(what, least)| (*what, world.shadow.count(what), *least));
		counts.filter(|(_, count, least)| count < least).collect()
	};
	while world.operations < OPERATIONS || (world.operations < 3 * OPERATIONS && !missing(&world).is_empty())
	{
		world.go_on();
	}
	world.report(seed);
	assert_eq!(
		missing(&world),
		[],
		"what happened too seldom, how often, and how often it has to"
	);
	assert!(world.closings >= 20, "everybody closed {} times", world.closings);
	assert!(world.tally["adjust a number"].1 >= 20, "{:?}", world.tally);
	world.wind_down();
}

#[test]
fn not_a_unit_is_lost_in_five_thousand_operations() {
	five_thousand(20_200_312, kusd(100_000), &[]);
}

/// A pool so small that it owes more than it has: profits are cut.
#[test]
fn not_a_unit_is_lost_where_the_pool_can_not_pay() {
	let besides = [
		("haircuts", 1),
		("gains cut", 5),
		("recoveries claimed", 1),
		("liquidity withdrawn in part", 1),
	];
	five_thousand(20_210_521, kusd(5_000), &besides);
}

/// `try_state` of one pallet, as its message.
fn state_of(pallet: &str) -> Result<(), String> {
	let one = TryStateSelect::Only(vec![pallet.as_bytes().to_vec()]);
	match AllPalletsWithSystem::try_state(System::block_number(), one) {
		Err(DispatchError::Other(message)) => Err(message.into()),
		other => other.map_err(|e| format!("{e:?}")),
	}
}

/// One number moved, what the count here makes of it, and which pallets find it.
struct Corruption {
	name: &'static str,
	corrupt: fn(),
	counted: &'static str,
	found: &'static [(&'static str, &'static str)],
}

fn money(change: impl FnOnce(&mut pallet_margin::Money)) {
	pallet_margin::Totals::<Runtime>::mutate(change);
}

fn pool(change: impl FnOnce(&mut pallet_liquidity_pool::PoolState)) {
	pallet_liquidity_pool::State::<Runtime>::mutate(change);
}

fn book(change: impl FnOnce(&mut pallet_perpetuals::MarketsStateOf<Runtime>)) {
	pallet_perpetuals::Markets::<Runtime>::mutate(change);
}

fn first_market(change: impl FnOnce(&mut pallet_perpetuals::Market)) {
	book(|book| {
		change(
			book.markets
				.iter_mut()
				.find(|market| market.positions > 0)
				.expect("somebody is in"),
		)
	});
}

fn an_account(change: impl FnOnce(&mut pallet_margin::AccountData<Runtime>)) {
	let (id, mut account) = pallet_margin::Accounts::<Runtime>::iter()
		.find(|(_, account)| account.cash > 1)
		.expect("one has cash");
	change(&mut account);
	pallet_margin::Accounts::<Runtime>::insert(id, account);
}

fn a_position(change: impl FnOnce(&mut pallet_perpetuals::Position)) {
	let (id, mut account) = pallet_margin::Accounts::<Runtime>::iter()
		.find(|(_, account)| !account.trader.positions.is_empty())
		.expect("somebody has a position");
	let positions = &mut account.trader.positions;
	change(positions.iter_mut().next().expect("which is the first"));
	pallet_margin::Accounts::<Runtime>::insert(id, account);
}

fn mint(asset: u32, to: &keel_runtime::AccountId) {
	<Assets as Mutate<_>>::mint_into(asset, to, 1).expect("there is room for a unit");
}

fn burn(asset: u32, from: &keel_runtime::AccountId) {
	let burned = <Assets as Mutate<_>>::burn_from(
		asset,
		from,
		1,
		Preservation::Expendable,
		Precision::Exact,
		Fortitude::Force,
	);
	burned.expect("there is a unit");
}

const LESS: (&str, &str) = ("Margin", "the custody holds less kUSD than is claimed");
const MORE: (&str, &str) = ("Margin", "the custody holds more kUSD than is claimed");
const CLEARING_MORE: (&str, &str) = ("Perpetuals", "clearing is more than the pool's and the pots");
const CLEARING_LESS: (&str, &str) = ("Perpetuals", "clearing is less than the pool's and the pots");
const CLEARING: &str = "clearing is the pool's and the pots";
const CUSTODY: &str = "custody is cash, idle and clearing";

/// Every number of the equations between the pallets, a unit up and a unit down.
const CORRUPTIONS: &[Corruption] = &[
	Corruption {
		name: "more clearing",
		corrupt: || money(|money| money.clearing += 1),
		counted: CLEARING,
		found: &[LESS, CLEARING_MORE],
	},
	Corruption {
		name: "less clearing",
		corrupt: || money(|money| money.clearing -= 1),
		counted: CLEARING,
		found: &[MORE, CLEARING_LESS],
	},
	Corruption {
		name: "more idle",
		corrupt: || money(|money| money.idle += 1),
		counted: CUSTODY,
		found: &[LESS],
	},
	Corruption {
		name: "less idle",
		corrupt: || money(|money| money.idle -= 1),
		counted: CUSTODY,
		found: &[MORE],
	},
	Corruption {
		name: "more earned",
		corrupt: || money(|money| money.earned += 1),
		counted: CUSTODY,
		found: &[LESS],
	},
	Corruption {
		name: "more cash",
		corrupt: || an_account(|account| account.cash += 1),
		counted: CUSTODY,
		found: &[LESS],
	},
	Corruption {
		name: "less cash",
		corrupt: || an_account(|account| account.cash -= 1),
		counted: CUSTODY,
		found: &[MORE],
	},
	Corruption {
		name: "more cash out of clearing, which margin does not see",
		corrupt: || {
			an_account(|account| account.cash += 1);
			money(|money| money.clearing -= 1);
		},
		counted: CLEARING,
		found: &[CLEARING_LESS],
	},
	Corruption {
		name: "more of the pool and of clearing, which the markets do not see",
		corrupt: || {
			pool(|pool| pool.cash += 1);
			money(|money| money.clearing += 1);
		},
		counted: CUSTODY,
		found: &[LESS],
	},
	Corruption {
		name: "more lent",
		corrupt: || money(|money| money.lent += 1),
		counted: "what accounts owe is what is lent",
		found: &[("Margin", "more is lent than accounts owe")],
	},
	Corruption {
		name: "more shares of the reserve",
		corrupt: || money(|money| money.shares += 1),
		counted: "lenders' shares are all shares",
		found: &[("Margin", "lenders have fewer shares than there are")],
	},
	Corruption {
		name: "more of the pool",
		corrupt: || pool(|pool| pool.cash += 1),
		counted: CLEARING,
		found: &[CLEARING_LESS],
	},
	Corruption {
		name: "less of the pool",
		corrupt: || pool(|pool| pool.cash -= 1),
		counted: CLEARING,
		found: &[CLEARING_MORE],
	},
	Corruption {
		name: "more that waits",
		corrupt: || pool(|pool| pool.waiting += 1),
		counted: "what waits is what was deposited",
		found: &[
			CLEARING_LESS,
			("LiquidityPool", "the kUSD waiting is not what was deposited"),
		],
	},
	Corruption {
		name: "more shares issued",
		corrupt: || pool(|pool| pool.issued += 1),
		counted: "shares that exist are those issued",
		found: &[("LiquidityPool", "the shares that exist are not those issued")],
	},
	Corruption {
		name: "a share minted",
		corrupt: || mint(SHARES, &who(Alice)),
		counted: "shares that exist are those issued",
		found: &[("LiquidityPool", "the shares that exist are not those issued")],
	},
	Corruption {
		name: "more for rebates",
		corrupt: || first_market(|market| market.rebates += 1),
		counted: CLEARING,
		found: &[CLEARING_LESS],
	},
	Corruption {
		name: "a larger tranche",
		corrupt: || first_market(|market| market.tranche += 1),
		counted: CLEARING,
		found: &[CLEARING_LESS],
	},
	Corruption {
		name: "more due to the fund",
		corrupt: || book(|book| book.fund_due += 1),
		counted: CLEARING,
		found: &[CLEARING_LESS],
	},
	Corruption {
		name: "more for those who were cut",
		corrupt: || book(|book| book.recovery += 1),
		counted: CLEARING,
		found: &[("Perpetuals", "what was repaid is not the sum of what is due")],
	},
	Corruption {
		name: "kUSD given to the custody",
		corrupt: || mint(KUSD, &Margin::custody_account()),
		counted: CUSTODY,
		found: &[MORE],
	},
	Corruption {
		name: "kUSD taken from the custody",
		corrupt: || burn(KUSD, &Margin::custody_account()),
		counted: CUSTODY,
		found: &[LESS],
	},
	Corruption {
		name: "kUSD out of nothing",
		corrupt: || mint(KUSD, &who(Alice)),
		counted: "the supply of kUSD",
		found: &[],
	},
	Corruption {
		name: "kUSD into nothing",
		corrupt: || burn(KUSD, &who(Alice)),
		counted: "the supply of kUSD",
		found: &[],
	},
	Corruption {
		name: "collateral given to the custody",
		corrupt: || mint(BTC, &Margin::custody_account()),
		counted: "collateral in custody is the accounts'",
		found: &[("Margin", "the custody holds more of a collateral than is counted")],
	},
	Corruption {
		name: "collateral taken from the custody",
		corrupt: || burn(BTC, &Margin::custody_account()),
		counted: "collateral in custody is the accounts'",
		found: &[("Margin", "the custody holds less of a collateral than is counted")],
	},
	Corruption {
		name: "a larger position",
		corrupt: || a_position(|position| position.size += position.size.signum()),
		counted: "",
		found: &[("Perpetuals", "open interest is not the sum of sizes")],
	},
	Corruption {
		name: "a dearer position",
		corrupt: || a_position(|position| position.cost += 1),
		counted: "costs",
		found: &[("Perpetuals", "the cost is not the sum of costs")],
	},
	Corruption {
		name: "a position that owes less funding",
		corrupt: || a_position(|position| position.funding += 1),
		counted: "funding at entry",
		found: &[(
			"Perpetuals",
			"the funding debt is not the sum of funding at entry",
		)],
	},
	Corruption {
		name: "more longs",
		corrupt: || first_market(|market| market.long += 1),
		counted: "longs",
		found: &[("Perpetuals", "open interest is not the sum of sizes")],
	},
	Corruption {
		name: "more cost",
		corrupt: || first_market(|market| market.cost += 1),
		counted: "costs",
		found: &[("Perpetuals", "the cost is not the sum of costs")],
	},
	Corruption {
		name: "more funding at entry",
		corrupt: || first_market(|market| market.funding_debt += 1),
		counted: "funding at entry",
		found: &[(
			"Perpetuals",
			"the funding debt is not the sum of funding at entry",
		)],
	},
	Corruption {
		name: "a position nobody counts",
		corrupt: || first_market(|market| market.positions += 1),
		counted: "how many positions",
		found: &[("Perpetuals", "the number of positions is wrong")],
	},
];

#[test]
fn one_unit_moved_is_found() {
	let mut world = World::new(1, kusd(100_000));
	for _ in 0..60 {
		world.block(2_000, |inside| (0..4).for_each(|_| inside.act()));
	}
	world.chain.state(|| {
		check_state();
		for Corruption {
			name,
			corrupt,
			counted,
			found,
		} in CORRUPTIONS
		{
			let result = with_transaction(|| {
				corrupt();
				let count = Books::count();
				let states: Vec<_> = found.iter().map(|(pallet, _)| state_of(pallet)).collect();
				TransactionOutcome::Rollback(Ok::<_, DispatchError>((count, states)))
			});
			let (count, states) = result.unwrap();
			let message = count.expect_err(name);
			assert!(message.starts_with(counted), "{name}: {message}");
			for ((pallet, expected), state) in found.iter().zip(states) {
				assert_eq!(state, Err((*expected).into()), "{name}, {pallet}");
			}
			// And nothing of it is left.
			Books::count().unwrap();
		}
		check_state();
	});
}

/// What events say is no copy of what is stored: money that moved without one is found.
#[test]
fn a_move_without_an_event_is_found() {
	let mut world = World::new(2, kusd(100_000));
	for _ in 0..20 {
		world.block(2_000, |inside| (0..4).for_each(|_| inside.act()));
	}
	let shadow = &world.shadow;
	world.chain.state(|| {
		let silently = |change: fn()| {
			with_transaction(|| {
				change();
				let books = Books::count().expect("it adds up, which is the point");
				TransactionOutcome::Rollback(Ok::<_, DispatchError>(shadow.compare(&books)))
			})
			.unwrap()
		};
		assert_eq!(silently(|| ()), Ok(()));
		// From an account to the pool.
		let moved = silently(|| {
			an_account(|account| account.cash -= 1);
			money(|money| money.clearing += 1);
			pool(|pool| pool.cash += 1);
		});
		assert!(moved
			.unwrap_err()
			.starts_with("cash and idle reserve by their moves"));
		// From the pool to somebody outside.
		let paid = silently(|| {
			pool(|pool| pool.cash -= 1);
			Margin::pay_out(&who(Alice), 1).unwrap();
		});
		assert!(paid
			.unwrap_err()
			.starts_with("the pool's cash and the pots by their moves"));
	});
}
