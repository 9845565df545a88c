//! Closing what an account can no longer bear, and what its owner asked to be closed in time.

use alloc::vec::Vec;
use frame_support::{ensure, traits::Time};
use keel_math::{
	margin::{self, bankruptcy_quote, liquidation_fee, smallest_part, Risk},
	mul_div, mul_ratio, perpetual, FixedU128, Rounding,
};
use keel_primitives::{
	Balance, Closed, LiquidityPool, MarginAccountId, MarketId, MarketParameters, Moment, RiskParameters, Size,
};
use sp_runtime::{DispatchError, Permill};

use crate::{
	fill::{Portion, Request, Traded},
	haircut::Moved,
	overflow, Config, Error, Event, Market, Markets, Pallet, Position, Status, Trade, TraderOf,
	ALWAYS_LIQUIDATED, LEAST_PART, PARTS,
};

/// A part of a position, closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
	/// The market afterwards.
	pub market: Market,
	/// What is traded: of the other sign than the position.
	pub delta: Size,
	/// The position afterwards.
	pub position: Position,
	pub trade: Trade,
	/// The value of the part at the fill price, rounded up.
	pub notional: Balance,
	/// The fee of the liquidation.
	pub fee: Balance,
	/// The whole account afterwards.
	pub after: Risk,
}

impl Part {
	/// `None` on overflow.
	fn closed(&self) -> Option<Closed> {
		Some(Closed {
			notional: self.notional,
			fee: self.fee,
			credit: self.trade.gain()?.checked_sub_unsigned(self.fee)?,
		})
	}
}

/// Returns `true` if an account is so far below its requirement that no window may keep it waiting.
///
/// At three quarters of it: from there a liquidation takes two blocks, and in a crash a price moves by half
/// of a requirement in as many.
fn is_urgent(risk: &Risk) -> bool {
	let enough = risk.maintenance.saturating_sub(risk.maintenance / 4);
	risk.net < margin::saturating_signed(enough)
}

/// The trade that closes `part` of [`PARTS`] of `size`, rounded away from zero.
fn closing(size: Size, part: u32) -> Option<Size> {
	let magnitude = mul_div(size.unsigned_abs(), part.into(), PARTS.into(), Rounding::Up)?;
	keel_math::signed::with_sign(magnitude, size > 0)
}

/// The smallest part of [`PARTS`] of `size` that `restores`; all of it if none does.
///
/// A part that is closed beyond the bound of the premium moves no price and only takes requirement off the
/// account. One that moves the price may take more off its worth again. So what is closed beyond the bound is
/// looked at first: if it is enough, the smallest part is in it, else there is one place after it from which
/// on the rest is enough.
pub(crate) fn smallest_restoring(market: &Market, size: Size, restores: impl Fn(u32) -> bool) -> u32 {
	let beyond = market.parts_beyond_bound(size);
	if beyond > 0 && restores(beyond) {
		return smallest_part(beyond, restores);
	}
	// Most often of an account with several positions: not even all of this one is enough.
	match restores(PARTS) {
		true => smallest_part(PARTS, restores),
		false => PARTS,
	}
}

/// What trading `delta`, which closes, does to an account at `risk`: the mark moves with it, the rest of the position is valued at
/// that, and the fee takes no more than what was left of the account's equity for the part. `None` on overflow.
pub(crate) fn close_part(
	market: &Market,
	position: &Position,
	delta: Size,
	risk: &Risk,
	fee_rate: FixedU128,
) -> Option<Part> {
	let (mut after, mut rest) = (*market, *position);
	let trade = after.trade(&mut rest, delta)?;
	after.update_initial();
	let had = market.risk(position)?;
	let has = after.risk(&rest)?;
	// The requirement of what was closed, at the mark it was held to.
	let kept = market.requirement(rest.size, market.rates.maintenance)?;
	let closed = had.maintenance.saturating_sub(kept);
	let worth = perpetual::value(delta.checked_neg()?, market.mark(), Rounding::Down)?;
	// An account without a requirement has no reason to pay for a liquidation.
	let fee = bankruptcy_quote(worth, risk.net, closed, risk.maintenance).map_or(Some(0), |bankruptcy| {
		liquidation_fee(trade.cost.checked_neg()?, bankruptcy, fee_rate)
	})?;
	let net = risk
		.net
		.checked_sub(had.net)?
		.checked_add(has.net)?
		.checked_add(trade.gain()?)?
		.checked_sub_unsigned(fee)?;
	Some(Part {
		notional: perpetual::notional(delta, trade.price, Rounding::Up)?,
		market: after,
		delta,
		position: rest,
		trade,
		fee,
		after: Risk {
			net,
			// What the account needs is the sum over its positions, this one among them.
			initial: risk
				.initial
				.saturating_sub(had.initial)
				.checked_add(has.initial)?,
			maintenance: risk
				.maintenance
				.saturating_sub(had.maintenance)
				.checked_add(has.maintenance)?,
		},
	})
}

impl<T: Config> Pallet<T> {
	/// The most that the market's window lets be liquidated in about an hour. Saturates at "no limit".
	fn window(market: &Market, p: &MarketParameters) -> Balance {
		mul_ratio(market.open_interest(), p.liquidation_limit, Rounding::Down).unwrap_or(Balance::MAX)
	}

	/// How much of a position of `size` the market's window lets be closed now. All of a small one.
	fn room(market: &Market, p: &MarketParameters, size: Size, now: Moment) -> Option<u128> {
		let whole = size.checked_neg()?;
		let fill = market.fill_price(whole)?;
		// The higher of the two, so that no part is worth more than it is taken for.
		let price = fill.max(market.mark());
		let worth = perpetual::notional(size, price, Rounding::Up)?;
		let room = market.liquidated.room(now, Self::window(market, p));
		if worth <= room.max(ALWAYS_LIQUIDATED) {
			return Some(size.unsigned_abs());
		}
		mul_div(size.unsigned_abs(), room, worth, Rounding::Down)
	}

	/// The smallest part of `position` that restores its account, at `risk`, as far as there is room: what
	/// the question and the dispatch go by. A full window is found before anything is computed.
	///
	/// A part that does not restore the account is worth at least [`ALWAYS_LIQUIDATED`], or a sixteenth of
	/// the window where that is less: what refills from block to block is no reason to liquidate in each.
	fn plan_liquidation(
		market: &Market,
		position: &Position,
		risk: &Risk,
		changed_at: Moment,
	) -> Result<Part, DispatchError> {
		ensure!(position.size != 0, Error::<T>::NoPosition);
		ensure!(market.fit.liquidate, Error::<T>::PriceRefused);
		ensure!(market.price.since > changed_at, Error::<T>::PriceNotNewer);
		let p = T::RiskParameters::market(market.id)?;
		let room = if is_urgent(risk) {
			position.size.unsigned_abs()
		} else {
			Self::room(market, &p, position.size, T::Time::now()).ok_or_else(overflow)?
		};
		ensure!(room > 0, Error::<T>::LiquidationsFull);
		let part = |delta| close_part(market, position, delta, risk, p.liquidation_fee);
		let restores = |parts| {
			closing(position.size, parts)
				.and_then(part)
				.is_some_and(|part| part.after.is_restored())
		};
		let needed = closing(position.size, smallest_restoring(market, position.size, restores))
			.ok_or_else(overflow)?
			.unsigned_abs();
		let delta = keel_math::signed::with_sign(needed.min(room), position.size > 0).ok_or_else(overflow)?;
		let part = part(delta).ok_or_else(overflow)?;
		let least = ALWAYS_LIQUIDATED.min(Self::window(market, &p) / LEAST_PART);
		ensure!(
			needed <= room || part.notional >= least,
			Error::<T>::LiquidationsFull
		);
		Ok(part)
	}

	/// What [`Self::do_liquidate`] would close and charge now, or why it would fail. Writes nothing.
	pub(crate) fn ask_liquidation(
		trader: &TraderOf<T>,
		id: MarketId,
		risk: &Risk,
		changed_at: Moment,
	) -> Result<Closed, DispatchError> {
		let (state, held) = (Self::state(), trader.position(id));
		let market = state.market(id).ok_or(Error::<T>::UnknownMarket)?;
		let closed = match market.status {
			Status::Settled { price } => {
				Self::ensure_current(&state)?;
				market.paid_out(&held, price)
			}
			_ => Self::plan_liquidation(market, &held, risk, changed_at)?.closed(),
		};
		closed.ok_or_else(overflow)
	}

	/// Close the smallest part of a position that restores its account, at `risk`, as far as there is room;
	/// in a settled market pay it out. Callers hold a storage layer.
	pub(crate) fn do_liquidate(
		account: MarginAccountId,
		trader: &mut TraderOf<T>,
		id: MarketId,
		risk: &Risk,
		changed_at: Moment,
	) -> Result<Closed, DispatchError> {
		let mut state = Self::state();
		let held = trader.position(id);
		let status = state.market(id).ok_or(Error::<T>::UnknownMarket)?.status;
		if let Status::Settled { price } = status {
			Self::ensure_current(&state)?;
			let closed = Self::pay_out_position(&mut state, account, trader, held, price)?;
			Markets::<T>::put(state);
			return Ok(closed);
		}
		let market = state.market_mut(id).ok_or(Error::<T>::UnknownMarket)?;
		let part = Self::plan_liquidation(market, &held, risk, changed_at)?;

		*market = part.market;
		market.liquidated.add(T::Time::now(), part.notional);
		let p = T::RiskParameters::market(id)?;
		let fee = Self::repay(&mut state, part.fee).ok_or_else(overflow)?;
		Self::to_fund(&mut state, id, &p, fee).ok_or_else(overflow)?;
		// It was there, so there is room for what is left of it.
		trader.keep(part.position).ok_or_else(overflow)?;
		Self::shift(&Moved::of(&part.market, &held, &part.position));
		let gain = part.trade.gain().ok_or_else(overflow)?;
		Self::claim_more(&mut state, account, part.trade.haircut).ok_or_else(overflow)?;
		Markets::<T>::put(state);
		T::Pool::settle(gain.checked_neg().ok_or_else(overflow)?)?;
		Self::deposit_event(Event::PositionLiquidated {
			account,
			market: id,
			size: part.delta,
			price: part.trade.price,
			notional: part.notional,
			fee: part.fee,
			realised: part.trade.realised,
			funding: part.trade.funding,
			haircut: part.trade.haircut,
			position: part.position.size,
		});
		part.closed().ok_or_else(overflow)
	}

	/// Close `share` of every position of `account` that has a price to leave at, with the fees of a trade. Refused if none has.
	///
	/// Of a price up to `set_at`, when the owner asked for it, none is one to leave at. Callers hold a
	/// storage layer.
	pub(crate) fn do_reduce(
		account: MarginAccountId,
		trader: &mut TraderOf<T>,
		share: Permill,
		set_at: Moment,
	) -> Result<Closed, DispatchError> {
		let (mut state, now) = (Self::state(), T::Time::now());
		let able = |position: &&Position| {
			state.market(position.market).is_some_and(|market| {
				market.fit.reduce_risk
					&& market.price.since > set_at
					&& !market.is_settled()
					&& !market.has_stopped(now)
			})
		};
		ensure!(!trader.positions.is_empty(), Error::<T>::NoPosition);
		let requests = trader
			.positions
			.iter()
			.filter(able)
			.filter_map(|position| {
				let magnitude = share.mul_ceil(position.size.unsigned_abs());
				let size = keel_math::signed::with_sign(magnitude, position.size > 0)?;
				Some(Request {
					account,
					market: position.market,
					size,
					limit: None,
					reduce_only: true,
					least_fee: 0,
					portion: Portion::Whole,
				})
			})
			.filter(|request| request.size != 0)
			.collect::<Vec<_>>();
		ensure!(!requests.is_empty(), Error::<T>::PriceRefused);
		let mut closed = Closed::default();
		for request in &requests {
			let Traded { fill, moved, .. } = Self::fill(&mut state, trader, request)?;
			Self::shift(&moved);
			Self::deposit_event(Event::PositionReduced {
				account,
				market: request.market,
				size: fill.size,
				price: fill.price,
				fee: fill.fee,
				realised: fill.realised,
				funding: fill.funding,
				haircut: fill.haircut,
				position: fill.position,
			});
			let notional = perpetual::notional(fill.size, fill.price, Rounding::Up).ok_or_else(overflow)?;
			let credit = fill.credit().ok_or_else(overflow)?;
			closed = Closed {
				notional: closed.notional.checked_add(notional).ok_or_else(overflow)?,
				// A rebate is no fee.
				fee: closed
					.fee
					.checked_add(u128::try_from(fill.fee).unwrap_or(0))
					.ok_or_else(overflow)?,
				credit: closed.credit.checked_add(credit).ok_or_else(overflow)?,
			};
		}
		Markets::<T>::put(state);
		Ok(closed)
	}
}
