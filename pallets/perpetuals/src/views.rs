//! What a user sees: everything by the functions that execute.

use frame_support::{ensure, storage::with_transaction};
use keel_math::{margin, mul_div, perpetual, perpetual::SIZE_DIVISOR, FixedU128, Rounding, ONE};
use keel_primitives::{Balance, Exposure, MarginAccountId, MarginAccounts, MarketId, RiskParameters};
use sp_runtime::{DispatchError, TransactionOutcome};

use crate::{
	fill::{Portion, Request, Traded},
	overflow, AccountRisk, Config, Error, MarketView, Markets, NewOrder, Pallet, PositionView, Preview,
	MAX_SIZE, SEARCH_STEPS,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn view_market(id: MarketId) -> Option<MarketView> {
		let state = Self::state();
		let market = state.market(id)?;
		let p = T::RiskParameters::market(id).unwrap_or_default();
		let max_open_interest = market.cap(p.max_open_interest, p.guarded_caps);
		let (long_value, short_value) = (market.side_value(market.long), market.side_value(market.short));
		Some(MarketView {
			id,
			feed: market.feed,
			status: market.status,
			index: market.index(),
			price_at: market.price.at,
			fit: market.fit,
			mark: market.mark(),
			premium: if market.is_settled() {
				0
			} else {
				market.curve()?.premium(market.skew())?
			},
			funding_per_day: market.rate,
			borrow_per_year: market.borrow_rate(market.borrow.rate),
			haircut: market.haircut.rate,
			funding_per_hour: market.rate / 24,
			long: market.long,
			short: market.short,
			long_value,
			short_value,
			max_open_interest,
			long_room: max_open_interest.saturating_sub(long_value),
			short_room: max_open_interest.saturating_sub(short_value),
			max_premium: market.opening_premium(&p),
			skew_scale: market.terms.skew_scale,
			rates: market.rates,
			max_leverage: mul_div(ONE, ONE, market.rates.initial.into_inner(), Rounding::Down)
				.map(FixedU128::from_inner)
				.unwrap_or_default(),
			level: market.level,
			rebates: market.rebates,
			tranche: market.tranche,
			liquidated: market
				.liquidated
				.reading(<T::Time as frame_support::traits::Time>::now()),
			owed: market.owed(),
			worst_case: market.worst_case(),
			positions: market.positions,
		})
	}

	pub(crate) fn view_position(account: MarginAccountId, id: MarketId) -> Option<PositionView> {
		let loaded = T::Accounts::load(account).ok()?;
		let held = T::Accounts::trader(&loaded).position(id);
		if held.size == 0 {
			return None;
		}
		let state = Self::state();
		let market = state.market(id)?;
		let position = held;
		let risk = market.risk(&position)?;
		let mark = market.mark();
		let bankruptcy_quote = T::Accounts::risk(&loaded).ok().and_then(|whole| {
			let worth = perpetual::value(position.size, mark, Rounding::Down)?;
			margin::bankruptcy_quote(worth, whole.net, risk.maintenance, whole.maintenance)
		});
		let entry = mul_div(
			position.cost.unsigned_abs(),
			SIZE_DIVISOR,
			position.size.unsigned_abs(),
			Rounding::Down,
		)?;
		Some(PositionView {
			market: id,
			size: position.size,
			entry_price: FixedU128::from_inner(entry),
			mark,
			notional: perpetual::notional(position.size, mark, Rounding::Up)?,
			unrealised: risk.net,
			haircut: market.haircut.of(&position, risk.net),
			funding: market.funding_owed(&position)?,
			initial: risk.initial,
			maintenance: risk.maintenance,
			bankruptcy_quote,
		})
	}

	/// Run the fill and take it back.
	///
	/// As when it is committed, the account must have margin for it beside what it holds for other orders.
	fn tried(request: &Request) -> Result<Preview, DispatchError> {
		with_transaction(|| TransactionOutcome::Rollback(Self::run(request)))
	}

	fn run(request: &Request) -> Result<Preview, DispatchError> {
		let mut state = Self::state();
		let market = state
			.market_mut(request.market)
			.ok_or(Error::<T>::UnknownMarket)?;
		// The block that fills it starts at the skew of now.
		market.skew_at_block_start = market.skew();
		let mut account = T::Accounts::load(request.account)?;
		if !request.reduce_only {
			let p = T::RiskParameters::market(request.market)?;
			Self::ensure_margin(&account, market, &p, request.size, request.least_fee)?;
		}
		let trader = T::Accounts::trader_mut(&mut account);
		let Traded { fill, act, .. } = Self::fill(&mut state, trader, request)?;
		let exposures = Self::exposures_in(&state, trader);
		let credit = fill.credit().ok_or_else(overflow)?;
		Markets::<T>::put(state);
		T::Accounts::commit(request.account, account, credit, act, &exposures)?;
		let after = T::Accounts::load(request.account)?;
		let risk = AccountRisk::from(T::Accounts::risk(&after)?);
		let leverage = Self::leverage(&exposures, risk.net);
		Ok(Preview { fill, risk, leverage })
	}

	/// What the positions are worth over `net`, rounded up. `None` unless that is above zero.
	fn leverage(exposures: &[Exposure], net: i128) -> Option<FixedU128> {
		let worth = exposures
			.iter()
			.try_fold(0u128, |sum, exposure| sum.checked_add(exposure.notional))?;
		let net = u128::try_from(net).ok().filter(|net| *net > 0)?;
		mul_div(worth, ONE, net, Rounding::Up).map(FixedU128::from_inner)
	}

	pub(crate) fn view_preview(
		owner: &T::AccountId,
		sub: u8,
		order: &NewOrder,
	) -> Result<Preview, DispatchError> {
		let account = T::Accounts::account(owner, sub).ok_or(Error::<T>::UnknownAccount)?;
		ensure!(order.size != 0, Error::<T>::ZeroSize);
		ensure!(order.size.unsigned_abs() <= MAX_SIZE, Error::<T>::OutOfRange);
		ensure!(!order.resting || order.limit.is_some(), Error::<T>::LimitNeeded);
		Self::tried(&Request {
			account,
			market: order.market,
			size: order.size,
			limit: order.limit,
			reduce_only: order.reduce_only,
			least_fee: T::RiskParameters::chain().order_fee,
			portion: Portion::of(order.limit, order.resting),
		})
	}

	pub(crate) fn view_max_size(owner: &T::AccountId, sub: u8, id: MarketId, buy: bool) -> Balance {
		Self::largest(owner, sub, id, buy).unwrap_or(0)
	}

	/// Halving between nothing and what premium step and position allow at all.
	fn largest(owner: &T::AccountId, sub: u8, id: MarketId, buy: bool) -> Option<u128> {
		let account = T::Accounts::account(owner, sub)?;
		let state = Markets::<T>::get();
		let market = state.market(id)?;
		let p = T::RiskParameters::market(id).ok()?;
		let loaded = T::Accounts::load(account).ok()?;
		let held = T::Accounts::trader(&loaded).position(id).size;
		let step = Self::step(market, &p)?.unsigned_abs();
		// What it could close, and what it could move the skew by.
		let most = held
			.unsigned_abs()
			.max(market.skew().unsigned_abs().checked_add(step)?)
			.min(MAX_SIZE);
		let fits = |size: u128| {
			let size = keel_math::signed::with_sign(size, !buy);
			size.is_some_and(|size| {
				let request = Request {
					account,
					market: id,
					size,
					limit: None,
					reduce_only: false,
					least_fee: T::RiskParameters::chain().order_fee,
					portion: Portion::Whole,
				};
				Self::tried(&request).is_ok()
			})
		};
		if most > 0 && fits(most) {
			return Some(most);
		}
		let (mut low, mut high) = (0, most);
		for _ in 0..SEARCH_STEPS {
			if high.saturating_sub(low) <= 1 {
				break;
			}
			let middle = low + (high - low) / 2;
			if fits(middle) {
				low = middle;
			} else {
				high = middle;
			}
		}
		Some(low)
	}
}
