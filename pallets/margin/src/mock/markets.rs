//! Markets that trade at their mark: positions are stored as integers and every profit is settled against clearing.

use frame_support::{pallet_prelude::*, storage_alias};
use keel_math::{
	margin::{self, Risk},
	mul_div, mul_ratio, perpetual,
	signed::mul_div_signed,
	Rounding,
};
use keel_primitives::{Act, Closed, Exposure, MarginAccounts, Positions, Size, Waterfall};
use sp_runtime::{DispatchError, DispatchResult, Permill};

use super::*;

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

/// Size, cost, funding at entry.
#[storage_alias]
type PositionMap = StorageDoubleMap<
	MockPositions,
	Twox64Concat,
	MarginAccountId,
	Twox64Concat,
	MarketId,
	(Size, i128, i128),
>;
/// Fees held for orders.
#[storage_alias]
type OrderFees = StorageMap<MockPositions, Twox64Concat, MarginAccountId, Balance, ValueQuery>;
/// What an account's orders need of its margin.
#[storage_alias]
pub type HeldForOrders = StorageMap<MockPositions, Twox64Concat, MarginAccountId, Balance>;
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
	PositionMap::get(account, id).map_or(0, |(size, ..)| size)
}

pub struct MockPositions;

impl MockPositions {
	/// Change a position at the mark; what of it is closed is realised. The notional.
	fn change(account: MarginAccountId, id: MarketId, size: Size) -> Result<Balance, DispatchError> {
		let market = market(id);
		let (old, cost, funding) = PositionMap::get(account, id).unwrap_or_default();
		let notional = perpetual::notional(size, market.mark, Rounding::Up).unwrap();
		let new = old + size;
		if old == 0 || (old > 0) == (size > 0) {
			let more = perpetual::cost(size, market.mark).unwrap();
			let debt = perpetual::funding_on(size, market.index, Rounding::Down).unwrap();
			PositionMap::insert(account, id, (new, cost + more, funding + debt));
			return Ok(notional);
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
		if new == 0 {
			PositionMap::remove(account, id);
		} else {
			PositionMap::insert(account, id, (new, cost - cost_part, funding - funding_part));
		}
		Margin::settle(account, worth - cost_part - owed)?;
		Ok(notional)
	}

	/// What a liquidation trades, and what of it is closed and charged.
	fn plan(
		account: MarginAccountId,
		id: MarketId,
		risk: Risk,
		changed_at: Moment,
	) -> Result<(Size, Closed), DispatchError> {
		let now = market(id);
		let position = PositionMap::get(account, id).ok_or(DispatchError::CannotLookup)?;
		let notional_of = |size| perpetual::notional(size, now.mark, Rounding::Up).unwrap();
		if now.settled {
			let notional = notional_of(position.0);
			return Ok((-position.0, Closed { notional, fee: 0 }));
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
		Ok((size, Closed { notional, fee }))
	}

	fn exposure(id: MarketId, (size, cost, funding): (Size, i128, i128)) -> Exposure {
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
	fn markets() -> Vec<MarketId> {
		MarketTable::get().keys().copied().collect()
	}

	fn worst_market() -> Balance {
		WorstMarket::get()
	}

	fn mark(id: MarketId) -> Result<FixedU128, DispatchError> {
		let market = MarketTable::get()
			.get(&id)
			.copied()
			.ok_or(DispatchError::CannotLookup)?;
		ensure!(market.settled || !market.refused, refused());
		Ok(market.mark)
	}

	fn exposures(account: MarginAccountId) -> Vec<Exposure> {
		let mut all: Vec<_> = PositionMap::iter_prefix(account).collect();
		all.sort();
		all.into_iter()
			.map(|(id, position)| Self::exposure(id, position))
			.collect()
	}

	fn is_owed(account: MarginAccountId) -> bool {
		Owed::get() == Some(account)
	}

	fn cancel_orders(account: MarginAccountId) -> DispatchResult {
		Margin::settle(account, OrderFees::take(account) as i128)
	}

	fn order_fees(account: MarginAccountId) -> Balance {
		OrderFees::get(account)
	}

	fn can_liquidate(
		account: MarginAccountId,
		id: MarketId,
		risk: Risk,
		changed_at: Moment,
	) -> Result<Closed, DispatchError> {
		Self::plan(account, id, risk, changed_at).map(|(_, closed)| closed)
	}

	fn liquidate(
		account: MarginAccountId,
		id: MarketId,
		risk: Risk,
		changed_at: Moment,
	) -> Result<Closed, DispatchError> {
		let (size, closed) = Self::plan(account, id, risk, changed_at)?;
		Self::change(account, id, size)?;
		set_market(id, |market| {
			market.window = market.window.saturating_sub(closed.notional)
		});
		Margin::settle(account, -(closed.fee as i128))?;
		Ok(closed)
	}

	fn reduce(account: MarginAccountId, share: Permill, _: Moment) -> Result<Closed, DispatchError> {
		let mut all = Closed::default();
		for exposure in Self::exposures(account) {
			ensure!(!market(exposure.market).refused, refused());
			let size = share * exposure.size.unsigned_abs();
			if size > 0 {
				let size = size as i128 * -exposure.size.signum();
				let notional = Self::change(account, exposure.market, size)?;
				let fee = mul_ratio(notional, bps(5), Rounding::Up).unwrap();
				Margin::settle(account, -(fee as i128))?;
				all.notional += notional;
				all.fee += fee;
			}
		}
		Ok(all)
	}

	fn count(account: MarginAccountId) -> (u32, u32) {
		let positions = PositionMap::iter_prefix(account).count() as u32;
		(positions, u32::from(OrderFees::contains_key(account)))
	}

	fn held_for_orders(account: MarginAccountId) -> Balance {
		HeldForOrders::get(account).unwrap_or_default()
	}

	fn cover(
		account: MarginAccountId,
		markets: &[MarketId],
		deficit: Balance,
	) -> Result<Waterfall, DispatchError> {
		CoverLog::append((markets.to_vec(), deficit));
		if !CoverForgets::get() {
			Margin::settle(account, deficit as i128)?;
		}
		// Fails halfway: what it credited has to go back.
		ensure!(!CoverFails::get(), DispatchError::Corruption);
		Ok(Waterfall {
			claim: 0,
			pool: deficit,
			..Default::default()
		})
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create(account: MarginAccountId, id: MarketId, size: Size) {
		Self::change(account, id, size).unwrap();
	}
}

/// Trade at the mark, as an owner does: an opening has to meet the initial requirement. The block ends.
pub fn trade(account: MarginAccountId, id: MarketId, size: Size) -> DispatchResult {
	frame_support::storage::with_storage_layer(|| {
		let old = size_of(account, id);
		MockPositions::change(account, id, size)?;
		let opened = old == 0 || (old > 0) == (size > 0);
		acted(account, if opened { Act::Opened } else { Act::Reduced })
	})
}

/// An account acted, and the block ends: it looks again at an account whose deadline is over.
pub fn acted(account: MarginAccountId, act: Act) -> DispatchResult {
	Margin::acted(account, act)?;
	if crate::mock::crossed(account).contains(&keel_primitives::Group::Deadline) {
		// Refused for one that is unsafe.
		let _ = crate::mock::refresh(account);
	}
	Ok(())
}

/// Give a position past every rule.
pub fn give(account: MarginAccountId, id: MarketId, size: Size) {
	MockPositions::change(account, id, size).unwrap();
}

/// Place an order whose fee is held.
pub fn order(account: MarginAccountId, fee: Balance) {
	Margin::settle(account, -(fee as i128)).unwrap();
	OrderFees::mutate(account, |held| *held += fee);
}
