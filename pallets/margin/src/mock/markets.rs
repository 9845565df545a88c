//! Markets that trade at their mark: positions are stored as integers and every profit is settled against clearing.

use frame_support::{pallet_prelude::*, storage_alias};
use keel_math::{
	margin::{self, Risk},
	mul_div, mul_ratio, perpetual,
	signed::mul_div_signed,
	Rounding,
};
use keel_primitives::{
	Act, Closed, Closing, Exposure, MarginAccounts, Positioned, Positions, Pricing, Size, Waterfall,
};
use sp_runtime::{DispatchError, DispatchResult};

use super::*;
use crate::Accounts;

/// What a liquidated position pays of its value.
pub const LIQUIDATION_FEE: u128 = 1;

#[derive(Clone, Copy, Debug)]
pub struct MockMarket {
	pub feed: FeedId,
	pub mark: FixedU128,
	/// Maintenance, as a share of the value.
	pub rate: FixedU128,
	/// Initial over maintenance.
	pub multiple: FixedU128,
	/// When the price was made.
	pub at: Moment,
	/// The most that funding takes of a position's value in an hour.
	pub max_funding: FixedU128,
	/// How fast `rate` may rise, per hour.
	pub ramp: FixedU128,
	/// What longs pay in an hour now, in basis points of a position's value.
	pub funding_bps: i32,
	/// The funding index, USD per whole unit with 18 decimals.
	pub index: i128,
	pub stress: FixedU128,
	/// Whether the price is refused.
	pub refused: bool,
	/// Whether the market was settled at its mark.
	pub settled: bool,
	/// The most notional that can be liquidated.
	pub window: Balance,
	/// What each position is of its side.
	pub share: FixedU128,
}

impl MockMarket {
	pub fn new(feed: FeedId, mark: FixedU128) -> Self {
		Self {
			feed,
			mark,
			rate: percent(5),
			multiple: percent(200),
			at: Now::get(),
			max_funding: bps(1),
			ramp: bps(10),
			funding_bps: 0,
			index: 0,
			stress: percent(20),
			refused: false,
			settled: false,
			window: Balance::MAX,
			share: percent(100),
		}
	}
}

pub fn market(id: MarketId) -> MockMarket {
	MarketTable::get()[&id]
}

pub fn set_market(id: MarketId, change: impl FnOnce(&mut MockMarket)) {
	MarketTable::mutate(|all| change(all.get_mut(&id).unwrap()));
}

/// A fresh mark.
pub fn set_mark(id: MarketId, mark: FixedU128) {
	set_market(id, |market| {
		market.mark = mark;
		market.at = Now::get();
	});
}

/// Time passes and a market has a new mark.
pub fn move_mark(id: MarketId, mark: FixedU128) {
	Now::mutate(|now| *now += 2_000);
	set_mark(id, mark);
}

/// The account that is to be repaid what was cut from its profits.
#[storage_alias]
pub type Owed = StorageValue<MockPositions, MarginAccountId>;

/// A position: size, cost, funding at entry.
type Entered = (Size, i128, i128);

/// What the markets keep in an account.
#[derive(
	Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct MockTrader {
	pub positions: BoundedVec<(MarketId, Entered), ConstU32<16>>,
	pub orders: u32,
	/// What its orders need of its margin.
	pub held: Balance,
}

impl MockTrader {
	fn entered(&self, id: MarketId) -> Option<Entered> {
		self.positions
			.iter()
			.find(|(market, _)| *market == id)
			.map(|(_, entered)| *entered)
	}

	fn enter(&mut self, id: MarketId, entered: Entered) {
		self.positions.retain(|(market, _)| *market != id);
		if entered.0 != 0 {
			self.positions.try_push((id, entered)).unwrap();
		}
		self.positions.sort();
	}

	fn exposures(&self) -> Vec<Exposure> {
		let exposure = |(id, entered): &(MarketId, Entered)| MockPositions::exposure(*id, *entered);
		self.positions.iter().map(exposure).collect()
	}
}

/// What was covered so far: the markets named and the deficits.
#[storage_alias]
type CoverLog = StorageValue<MockPositions, Vec<(Vec<MarketId>, Balance)>, ValueQuery>;

/// Whether a market is halted itself, whatever the chain is.
fn is_halted(id: MarketId) -> bool {
	Levels::get().get(&BreakerSubject::Market(id)) == Some(&Level::Halted)
}

pub fn covered() -> Vec<(Vec<MarketId>, Balance)> {
	CoverLog::get()
}

pub fn size_of(account: MarginAccountId, id: MarketId) -> Size {
	trader(account).entered(id).map_or(0, |(size, ..)| size)
}

pub fn trader(account: MarginAccountId) -> MockTrader {
	Accounts::<Test>::get(account).map_or(MockTrader::default(), |account| account.trader)
}

/// What an account has.
pub fn exposures(account: MarginAccountId) -> Vec<Exposure> {
	trader(account).exposures()
}

/// Change what the markets keep in an account.
pub fn change_trader<R>(account: MarginAccountId, change: impl FnOnce(&mut MockTrader) -> R) -> R {
	Accounts::<Test>::mutate(account, |account| change(&mut account.as_mut().unwrap().trader))
}

/// Move `credit` from clearing to an account.
pub fn settle(id: MarginAccountId, credit: i128) -> DispatchResult {
	frame_support::storage::with_storage_layer(|| {
		Margin::commit(id, Margin::load(id)?, credit, Act::Involuntary, &[])
	})
}

pub struct MockPositions;

impl MockPositions {
	/// Change a position at the mark. The notional, and what is realised of what of it is closed.
	fn change(trader: &mut MockTrader, id: MarketId, size: Size) -> (Balance, i128) {
		let market = market(id);
		let (old, cost, funding) = trader.entered(id).unwrap_or_default();
		let notional = perpetual::notional(size, market.mark, Rounding::Up).unwrap();
		let new = old + size;
		if old == 0 || (old > 0) == (size > 0) {
			let more = perpetual::cost(size, market.mark).unwrap();
			let debt = perpetual::funding_on(size, market.index, Rounding::Down).unwrap();
			trader.enter(id, (new, cost + more, funding + debt));
			return (notional, 0);
		}
		assert!(size.abs() <= old.abs(), "the mock does not turn positions around");
		let closed = size.unsigned_abs();
		let part = |of| mul_div_signed(of, closed, old.unsigned_abs(), Rounding::Up).unwrap();
		let (cost_part, funding_part) = (
			part(cost),
			mul_div_signed(funding, closed, old.unsigned_abs(), Rounding::Down).unwrap(),
		);
		let worth = perpetual::value(-size, market.mark, Rounding::Down).unwrap();
		let owed = perpetual::funding_on(-size, market.index, Rounding::Up).unwrap() - funding_part;
		trader.enter(id, (new, cost - cost_part, funding - funding_part));
		(notional, worth - cost_part - owed)
	}

	/// What a liquidation trades, and what of it is closed and charged.
	fn plan(
		trader: &MockTrader,
		id: MarketId,
		risk: Risk,
		changed_at: Moment,
	) -> Result<(Size, Closed), DispatchError> {
		let now = market(id);
		let position = trader.entered(id).ok_or(DispatchError::CannotLookup)?;
		let notional_of = |size| perpetual::notional(size, now.mark, Rounding::Up).unwrap();
		if now.settled {
			let notional = notional_of(position.0);
			let (size, fee, credit) = (-position.0, 0, 0);
			return Ok((
				size,
				Closed {
					notional,
					fee,
					credit,
				},
			));
		}
		ensure!(!now.refused, refused());
		ensure!(now.at > changed_at, crate::Error::<Test>::PriceNotNewer);
		let exposure = Self::exposure(id, position);
		let fee_of = |notional| mul_ratio(notional, percent(LIQUIDATION_FEE), Rounding::Up).unwrap();
		let restores = |part: u32| {
			let share = |of: Balance| mul_div(of, part.into(), 100, Rounding::Up).unwrap();
			let closed = mul_div(exposure.maintenance, part.into(), 100, Rounding::Down).unwrap();
			let after = Risk {
				net: risk.net - fee_of(share(exposure.notional)) as i128,
				maintenance: risk.maintenance - closed,
				..risk
			};
			after.is_restored()
		};
		let part = margin::smallest_part(100, restores);
		let mut closes = mul_div(position.0.unsigned_abs(), part.into(), 100, Rounding::Up).unwrap();
		if notional_of(closes as i128) > now.window {
			closes = mul_div(
				now.window,
				perpetual::SIZE_DIVISOR,
				now.mark.into_inner(),
				Rounding::Down,
			)
			.unwrap();
		}
		ensure!(closes > 0, DispatchError::Exhausted);
		let size = closes as i128 * -position.0.signum();
		let notional = notional_of(size);
		let fee = fee_of(notional);
		let credit = -(fee as i128);
		Ok((
			size,
			Closed {
				notional,
				fee,
				credit,
			},
		))
	}

	fn exposure(id: MarketId, (size, cost, funding): Entered) -> Exposure {
		let market = market(id);
		let notional = perpetual::notional(size, market.mark, Rounding::Up).unwrap();
		let owed = perpetual::funding_on(size, market.index, Rounding::Up).unwrap() - funding;
		let unrealised = perpetual::value(size, market.mark, Rounding::Down).unwrap() - cost - owed;
		let maintenance = match market.settled {
			true => 0,
			false => margin::requirement(size, market.mark, market.rate).unwrap(),
		};
		let drift = FixedU128::from_inner(market.max_funding.into_inner() + market.ramp.into_inner());
		let pays = mul_div(
			notional,
			market.funding_bps.unsigned_abs().into(),
			10_000,
			Rounding::Up,
		)
		.unwrap() as i128;
		Exposure {
			market: id,
			feed: market.feed,
			size,
			mark: market.mark,
			carry: market.index,
			notional,
			unrealised,
			haircut: 0,
			initial: mul_ratio(maintenance, market.multiple, Rounding::Up).unwrap(),
			maintenance,
			share: market.share,
			drift_per_hour: match market.settled {
				true => 0,
				false => mul_ratio(2 * notional, drift, Rounding::Up).unwrap(),
			},
			funding_per_hour: match (market.funding_bps < 0) == (size < 0) {
				true => pays,
				false => -pays,
			},
			stress: market.stress,
			price_at: market.at,
			fit: market.settled || (!market.refused && !is_halted(id)),
		}
	}
}

impl Positions for MockPositions {
	type Trader = MockTrader;

	fn pricing() -> Vec<(MarketId, Result<Pricing, DispatchError>)> {
		let of = |market: MockMarket| match market.settled || !market.refused {
			true => Ok(Pricing {
				mark: market.mark,
				maintenance: match market.settled {
					true => percent(0),
					false => market.rate,
				},
				long_carry: market.index,
				short_carry: market.index,
			}),
			false => Err(refused()),
		};
		MarketTable::get()
			.into_iter()
			.map(|(id, market)| (id, of(market)))
			.collect()
	}

	fn worst_market() -> Balance {
		WorstMarket::get()
	}

	fn view(trader: &MockTrader) -> Positioned {
		Positioned {
			exposures: trader.exposures(),
			held: trader.held,
			orders: trader.orders,
		}
	}

	fn is_owed(account: MarginAccountId) -> bool {
		Owed::get() == Some(account)
	}

	fn quote(trader: &MockTrader, closing: Closing) -> Result<Closed, DispatchError> {
		match closing {
			Closing::Liquidate {
				market,
				risk,
				changed_at,
			} => Self::plan(trader, market, risk, changed_at).map(|(_, closed)| closed),
			_ => Err(DispatchError::Unavailable),
		}
	}

	fn trade(_: MarginAccountId, trader: &mut MockTrader, closing: Closing) -> Result<Closed, DispatchError> {
		match closing {
			Closing::Liquidate {
				market: id,
				risk,
				changed_at,
			} => {
				let (size, closed) = Self::plan(trader, id, risk, changed_at)?;
				let (_, realised) = Self::change(trader, id, size);
				set_market(id, |market| {
					market.window = market.window.saturating_sub(closed.notional)
				});
				let credit = closed.credit + realised;
				Ok(Closed { credit, ..closed })
			}
			Closing::Reduce { share, .. } => {
				let mut all = Closed::default();
				for exposure in trader.exposures() {
					ensure!(!market(exposure.market).refused, refused());
					let size = share * exposure.size.unsigned_abs();
					if size > 0 {
						let size = size as i128 * -exposure.size.signum();
						let (notional, realised) = Self::change(trader, exposure.market, size);
						let fee = mul_ratio(notional, bps(5), Rounding::Up).unwrap();
						all.notional += notional;
						all.fee += fee;
						all.credit += realised - fee as i128;
					}
				}
				Ok(all)
			}
			Closing::CancelOrders => {
				(trader.orders, trader.held) = (0, 0);
				Ok(Closed::default())
			}
		}
	}

	fn cover(_: MarginAccountId, markets: &[MarketId], deficit: Balance) -> Result<Waterfall, DispatchError> {
		CoverLog::append((markets.to_vec(), deficit));
		// Fails halfway: what it wrote has to go back.
		ensure!(!CoverFails::get(), DispatchError::Corruption);
		Ok(Waterfall {
			claim: 0,
			pool: if CoverForgets::get() { deficit - 1 } else { deficit },
			..Default::default()
		})
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create(account: MarginAccountId, id: MarketId, size: Size) {
		give(account, id, size);
	}
}

/// Trade at the mark, as an owner does: an opening has to meet the initial requirement. The block ends.
pub fn trade(id: MarginAccountId, market: MarketId, size: Size) -> DispatchResult {
	frame_support::storage::with_storage_layer(|| {
		let old = size_of(id, market);
		let mut account = Margin::load(id)?;
		let (_, realised) = MockPositions::change(&mut account.trader, market, size);
		let opened = old == 0 || (old > 0) == (size > 0);
		let exposures = account.trader.exposures();
		let act = if opened { Act::Opened } else { Act::Reduced };
		Margin::commit(id, account, realised, act, &exposures)
	})?;
	end_block(id);
	Ok(())
}

/// An account acted; the block goes on.
pub fn act(id: MarginAccountId, act: Act) -> DispatchResult {
	frame_support::storage::with_storage_layer(|| {
		Margin::commit(id, Margin::load(id)?, 0, act, &exposures(id))
	})
}

/// An account acted, and the block ends.
pub fn acted(id: MarginAccountId, act: Act) -> DispatchResult {
	crate::mock::act(id, act)?;
	end_block(id);
	Ok(())
}

/// The block looks again at an account whose deadline is over.
fn end_block(id: MarginAccountId) {
	let crossed = crate::mock::crossed(id);
	if crossed.contains(&Group::Deadline) || crossed.contains(&Group::Due) {
		// Refused for one that is unsafe.
		let _ = crate::mock::refresh(id);
	}
}

/// Give a position past every rule.
pub fn give(account: MarginAccountId, id: MarketId, size: Size) {
	let (_, realised) = change_trader(account, |trader| MockPositions::change(trader, id, size));
	if realised != 0 {
		settle(account, realised).unwrap();
	}
}

/// Place an order that holds so much.
pub fn order(account: MarginAccountId, held: Balance) {
	change_trader(account, |trader| {
		trader.orders += 1;
		trader.held += held;
	});
}
