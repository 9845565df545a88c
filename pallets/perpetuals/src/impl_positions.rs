//! What margin asks of the markets: [`Positions`].

use alloc::vec::Vec;
use frame_support::{traits::Get, weights::Weight};
use keel_math::{
	margin::Risk, mul_div, mul_ratio, perpetual, perpetual::DAY_MS, signed::mul_div_signed, FixedU128,
	Rounding, ONE,
};
use keel_primitives::{
	Balance, Closed, Closing, Exposure, Level, MarginAccountId, MarketId, Positioned, Positions, Pricing,
	Size, Waterfall,
};
use sp_runtime::DispatchError;

use crate::{Config, Error, Market, Markets, MarketsStateOf, Pallet, Position, TraderOf, WeightInfo};

impl Market {
	/// What `position` is to its account. Saturates where it overflows, on the protocol's side.
	pub(crate) fn exposure(&self, position: &Position) -> Exposure {
		let (size, mark) = (position.size, self.mark());
		let settled = self.is_settled();
		let risk = self.risk(position).unwrap_or(Risk {
			net: i128::MIN,
			initial: Balance::MAX,
			maintenance: Balance::MAX,
		});
		Exposure {
			market: self.id,
			feed: self.feed,
			size,
			mark,
			carry: self.carry_on(size),
			notional: perpetual::notional(size, mark, Rounding::Up).unwrap_or(Balance::MAX),
			unrealised: risk.net,
			haircut: self.haircut.of(position, risk.net),
			initial: risk.initial,
			maintenance: risk.maintenance,
			share: self.share(size),
			drift_per_hour: if settled {
				0
			} else {
				self.drift_per_hour(position).unwrap_or(Balance::MAX)
			},
			funding_per_hour: if settled {
				0
			} else {
				self.funding_per_hour(position).unwrap_or(i128::MAX)
			},
			stress: if settled {
				FixedU128::default()
			} else {
				self.terms.stress
			},
			price_at: self.price.since,
			fit: settled || (self.fit.add_risk && self.level < Level::Halted),
		}
	}

	/// What decides who is unsafe.
	fn pricing(&self) -> Pricing {
		Pricing {
			mark: self.mark(),
			maintenance: match self.is_settled() {
				true => FixedU128::default(),
				false => self.rates.maintenance,
			},
			long_carry: self.carry.long,
			short_carry: self.carry.short,
		}
	}

	/// What a position of `size` is of its side, rounded down. Nothing where there is none.
	fn share(&self, size: Size) -> FixedU128 {
		let side = if size > 0 { self.long } else { self.short };
		FixedU128::from_inner(
			mul_div(size.unsigned_abs(), ONE, side, Rounding::Down)
				.unwrap_or(0)
				.min(ONE),
		)
	}

	/// `|q|·2P·(max rate/24 + max borrow rate/8760 + ramp)`, rounded up.
	fn drift_per_hour(&self, position: &Position) -> Option<Balance> {
		let funding = self.terms.max_funding_rate.into_inner().div_ceil(24);
		let borrow = self.most_borrow_rate().into_inner().div_ceil(365 * 24);
		let rate = funding
			.checked_add(borrow)?
			.checked_add(self.terms.ramp_per_hour.into_inner())?;
		let worth = perpetual::notional(position.size, self.index(), Rounding::Up)?.checked_mul(2)?;
		mul_ratio(worth, FixedU128::from_inner(rate), Rounding::Up)
	}

	/// `q·P·rate/24` and the borrow fee, rounded up.
	fn funding_per_hour(&self, position: &Position) -> Option<i128> {
		let notional = perpetual::notional(position.size, self.index(), Rounding::Up)?;
		let per_year = mul_ratio(notional, self.borrow_rate(self.borrow.rate), Rounding::Up)?;
		let borrow = per_year.div_ceil(365 * 24);
		let worth = perpetual::value(position.size, self.index(), Rounding::Up)?;
		let magnitude = mul_div_signed(worth, self.rate.unsigned_abs(), ONE, Rounding::Up)?;
		let per_day = if self.rate < 0 {
			magnitude.checked_neg()?
		} else {
			magnitude
		};
		mul_div_signed(per_day, 3_600_000, DAY_MS, Rounding::Up)?.checked_add_unsigned(borrow)
	}
}

impl<T: Config> Pallet<T> {
	/// What `trader` has, in the order it was opened.
	pub(crate) fn exposures_in(state: &MarketsStateOf<T>, trader: &TraderOf<T>) -> Vec<Exposure> {
		trader
			.positions
			.iter()
			.filter_map(|position| Some(state.market(position.market)?.exposure(position)))
			.collect()
	}
}

impl<T: Config> Positions for Pallet<T> {
	type Trader = TraderOf<T>;

	fn pricing() -> Vec<(MarketId, Result<Pricing, DispatchError>)> {
		// A settlement price stands, and accounts still have triggers there: they are looked at again at
		// that.
		let of = |market: &Market| match market.is_settled() || market.fit.liquidate {
			true => Ok(market.pricing()),
			false => Err(Error::<T>::PriceRefused.into()),
		};
		let state = Self::state();
		state
			.markets
			.iter()
			.map(|market| (market.id, of(market)))
			.collect()
	}

	fn worst_market() -> Balance {
		let state = Markets::<T>::get();
		state.markets.iter().map(Market::worst_case).max().unwrap_or(0)
	}

	fn view(trader: &Self::Trader) -> Positioned {
		Positioned {
			exposures: match trader.positions.is_empty() {
				true => Vec::new(),
				false => Self::exposures_in(&Markets::<T>::get(), trader),
			},
			held: trader.held_margin(),
			// Bounded by a `u32`.
			orders: trader.orders.len() as u32,
		}
	}

	fn quote(trader: &Self::Trader, closing: Closing) -> Result<Closed, DispatchError> {
		match closing {
			Closing::Liquidate {
				market,
				risk,
				changed_at,
			} => Self::ask_liquidation(trader, market, &risk, changed_at),
			Closing::Reduce { .. } | Closing::CancelOrders => Ok(Closed::default()),
		}
	}

	fn trade(
		account: MarginAccountId,
		trader: &mut Self::Trader,
		closing: Closing,
	) -> Result<Closed, DispatchError> {
		match closing {
			Closing::Liquidate {
				market,
				risk,
				changed_at,
			} => Self::do_liquidate(account, trader, market, &risk, changed_at),
			Closing::Reduce { share, set_at } => Self::do_reduce(account, trader, share, set_at),
			Closing::CancelOrders => {
				for order in trader.orders.clone() {
					Self::cancel(account, trader, &order);
				}
				Ok(Closed::default())
			}
		}
	}

	fn is_owed(account: MarginAccountId) -> bool {
		crate::Claims::<T>::contains_key(account)
	}

	fn cover(
		account: MarginAccountId,
		markets: &[MarketId],
		deficit: Balance,
	) -> Result<Waterfall, DispatchError> {
		Self::do_cover(account, markets, deficit)
	}

	fn view_weight() -> Weight {
		T::WeightInfo::exposures(T::MaxPositions::get())
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create(account: MarginAccountId, market: MarketId, size: i128) {
		crate::benchmarking::create_position::<T>(account, market, size)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create_many(account: MarginAccountId, size: i128, positions: u32, orders: u32) {
		crate::benchmarking::create_many::<T>(account, size, positions, orders)
	}
}
