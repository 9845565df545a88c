//! What a fill does: the same for an order, a preview, and what an owner asked for when called.

use frame_support::{ensure, traits::Time};
use keel_math::{
	mul_div, mul_ratio,
	perpetual::{self, PremiumCurve},
	FixedU128, Rounding,
};
use keel_primitives::{
	Act, Action, Balance, BreakerSubject, CircuitBreaker, LiquidityPool, MarginAccountId, MarketId,
	MarketParameters, RiskParameters, Size,
};
use sp_runtime::DispatchError;

use crate::{
	fees::Fees, haircut::Moved, overflow, Config, Error, Fill, Market, MarketsStateOf, Order, Pallet,
	Position, Status, TraderOf, MIN_NOTIONAL,
};

/// What is to be traded.
#[derive(Clone, Copy)]
pub(crate) struct Request {
	pub account: MarginAccountId,
	pub market: MarketId,
	pub size: Size,
	pub limit: Option<FixedU128>,
	pub reduce_only: bool,
	/// What it costs at least, before a rebate, in base units of kUSD.
	pub least_fee: Balance,
	/// What of it fills at one price.
	pub portion: Portion,
}

/// What was traded.
pub(crate) struct Traded {
	pub fill: Fill,
	/// What the account did by it.
	pub act: Act,
	/// Its position.
	pub moved: Moved,
}

/// What of an order fills at one price.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Portion {
	/// All of it.
	Whole,
	/// What moves the mark by no more than a step together with all others of the block.
	Step,
	/// What its limit allows.
	ToLimit,
}

impl Portion {
	/// Of an order with that `limit`, which rests or does not.
	pub(crate) fn of(limit: Option<FixedU128>, resting: bool) -> Self {
		match limit {
			None => Self::Step,
			Some(_) if resting => Self::ToLimit,
			Some(_) => Self::Whole,
		}
	}
}

impl Request {
	/// That of an order of `account`.
	pub(crate) fn of(account: MarginAccountId, order: &Order) -> Self {
		Self {
			account,
			market: order.market,
			size: order.size,
			limit: order.limit,
			reduce_only: order.reduce_only,
			least_fee: order.fee,
			portion: Portion::of(order.limit, order.resting),
		}
	}
}

/// What of `size` a reduce-only order trades against `held`: nothing of the same side, at most all of it.
pub(crate) fn clipped(size: Size, held: Size) -> Size {
	// The part that narrows a position as it narrows a skew; against nothing, nothing.
	match held {
		0 => 0,
		_ => perpetual::split(size, held).1,
	}
}

impl<T: Config> Pallet<T> {
	/// The range the skew may be moved to by opening in this block: the premium step beyond what lies between zero and
	/// where the block started. `None` on overflow.
	fn step_range(market: &Market, p: &MarketParameters) -> Option<(i128, i128)> {
		let step = Self::step(market, p)?;
		let start = market.skew_at_block_start;
		Some((start.min(0).checked_sub(step)?, start.max(0).checked_add(step)?))
	}

	/// The premium step as a size. `None` on overflow.
	pub(crate) fn step(market: &Market, p: &MarketParameters) -> Option<i128> {
		mul_ratio(market.terms.skew_scale, p.premium_step, Rounding::Down)?
			.try_into()
			.ok()
	}

	/// The part of `delta` that leaves the mark no worse than `limit`. `None` on overflow.
	fn to_limit(market: &Market, limit: FixedU128, delta: Size) -> Option<Size> {
		let (index, scale) = (market.index().into_inner(), market.terms.skew_scale);
		let above = limit.into_inner() >= index;
		// The skew at which the mark is the limit, rounded to where less trades.
		let rounding = match above == (delta > 0) {
			true => Rounding::Down,
			false => Rounding::Up,
		};
		let gap = limit.into_inner().abs_diff(index);
		let magnitude = mul_div(scale, gap, index, rounding).and_then(|skew| i128::try_from(skew).ok());
		// Farther than there are sizes.
		let magnitude = magnitude.unwrap_or(i128::MAX);
		let at = if above {
			magnitude
		} else {
			magnitude.checked_neg()?
		};
		// Beyond its bound the premium stands still: all fills there, or nothing.
		let bound = i128::try_from(market.curve()?.bound()).ok()?;
		let fits = at.checked_sub(market.skew())?;
		Some(match delta > 0 {
			true if at >= bound => delta,
			true if at < bound.checked_neg()? => 0,
			true => fits.clamp(0, delta),
			false if at <= bound.checked_neg()? => delta,
			false if at > bound => 0,
			false => fits.clamp(delta, 0),
		})
	}

	/// The part of `delta`, which opens, that the block's range has room for. `None` on overflow.
	fn in_range(market: &Market, p: &MarketParameters, delta: Size) -> Option<Size> {
		let ((least, most), step) = (Self::step_range(market, p)?, Self::step(market, p)?);
		let skew = market.skew();
		// What narrows the skew, and a step beyond.
		let up = skew.min(0).checked_neg()?.checked_add(step)?;
		let down = skew.max(0).checked_add(step)?.checked_neg()?;
		let up = most.checked_sub(skew)?.min(up).max(0);
		let down = least.checked_sub(skew)?.max(down).min(0);
		Some(delta.clamp(down, up))
	}

	/// What of `wanted` fills at the price of now. A part is worth what an order has to be, at least, or a
	/// whole step where that is less, unless it is the rest.
	fn portion(
		market: &Market,
		p: &MarketParameters,
		request: &Request,
		wanted: Size,
		opens: bool,
	) -> Result<Size, DispatchError> {
		let (part, error) = match (request.portion, request.limit) {
			(Portion::Step, _) => (Self::paced(market, p, wanted)?, Error::<T>::PremiumStepReached),
			(Portion::ToLimit, Some(limit)) => {
				let part = Self::to_limit(market, limit, wanted).ok_or_else(overflow)?;
				let fits = match opens {
					true => Self::in_range(market, p, part).ok_or_else(overflow)?,
					false => part,
				};
				if fits == part {
					(part, Error::<T>::LimitNotMet)
				} else {
					(fits, Error::<T>::PremiumStepReached)
				}
			}
			_ => return Ok(wanted),
		};
		let worth = |size| perpetual::notional(size, market.index(), Rounding::Up).ok_or_else(overflow);
		let least = MIN_NOTIONAL.min(worth(Self::step(market, p).ok_or_else(overflow)?)?);
		ensure!(part == wanted || (part != 0 && worth(part)? >= least), error);
		Ok(part)
	}

	/// The part of `delta` that leaves the skew no more than a step away, on its side, from where the block
	/// started: what orders without a limit may trade. All orders of a block fill at one index price: whoever
	/// trades before and behind such orders gains what they move the mark by, and that is less than the fees
	/// as long as it is a step at most, however many they are.
	fn paced(market: &Market, p: &MarketParameters, delta: Size) -> Result<Size, DispatchError> {
		let step = Self::step(market, p).ok_or_else(overflow)?;
		let moved = market
			.skew()
			.checked_sub(market.skew_at_block_start)
			.ok_or_else(overflow)?;
		// Less what the block moved this way already; sizes are bounded far below where that saturates.
		let down = step.saturating_neg().saturating_sub(moved);
		let up = step.saturating_sub(moved);
		// And a step at most, whatever others moved the other way.
		let (down, up) = (down.max(step.saturating_neg()), up.min(step));
		Ok(delta.clamp(down.min(0), up.max(0)))
	}

	/// What an order of `size` needs of an account's margin where it has a position of `held`, if its other orders of that side are
	/// filled first: the initial requirement it adds and the fees, at least `least_fee`. Nothing for what only closes.
	///
	/// At the prices of now and a bit too much: what the fill moves the mark by is not counted in its favour. The fill asks again.
	/// `None` on overflow.
	pub(crate) fn margin_for(
		market: &Market,
		held: Size,
		p: &MarketParameters,
		size: Size,
		least_fee: Balance,
	) -> Option<Balance> {
		let (opening, _) = perpetual::split(size, held);
		if opening == 0 {
			return Some(0);
		}
		let mut after = *market;
		// Open interest grows by what opens.
		after.trade(&mut Position::default(), opening)?;
		after.update_initial();
		let needs = after.requirement(held.checked_add(size)?, after.rates.initial)?;
		// What is there already, or is freed by closing it.
		let has = market.requirement(held, market.rates.initial)?;
		let price = market.fill_price(size)?;
		let fee = Fees::of(market, p, size, price)?.at_least(least_fee)?.net()?;
		// A rebate is not counted on. A position that shrinks while it turns adds nothing.
		needs.saturating_sub(has).checked_add(fee.try_into().unwrap_or(0))
	}

	/// Would `delta` widen the skew by more than the premium step, whatever else the block does?
	pub(crate) fn is_too_large(
		market: &Market,
		p: &MarketParameters,
		delta: Size,
	) -> Result<bool, DispatchError> {
		let (widening, _) = perpetual::split(delta, market.skew());
		let step = Self::step(market, p).ok_or_else(overflow)?;
		Ok(widening.unsigned_abs() > step.unsigned_abs())
	}

	/// May `delta` open, on the side of a position of `size` afterwards? `after` is the market with it.
	fn check_opening(
		before: &Market,
		after: &Market,
		p: &MarketParameters,
		delta: Size,
		size: Size,
	) -> Result<(), DispatchError> {
		ensure!(before.status == Status::Open, Error::<T>::MarketClosing);
		ensure!(before.fit.add_risk, Error::<T>::PriceRefused);
		T::CircuitBreaker::ensure(BreakerSubject::Market(before.id), Action::AddRisk)?;
		let side = if size > 0 { after.long } else { after.short };
		ensure!(
			after.side_value(side) <= after.cap(p.max_open_interest, p.guarded_caps),
			Error::<T>::OpenInterestFull
		);
		let skew = after.skew();
		if skew.unsigned_abs() > before.skew().unsigned_abs() {
			// Beyond the bound the premium is the same, so it is the skew that says how far new risk went.
			let bound = PremiumCurve::new(after.terms.skew_scale, after.opening_premium(p))
				.ok_or_else(overflow)?
				.bound();
			ensure!(skew.unsigned_abs() <= bound, Error::<T>::PremiumTooWide);
		}
		ensure!(!Self::is_too_large(before, p, delta)?, Error::<T>::OrderTooLarge);
		let (least, most) = Self::step_range(before, p).ok_or_else(overflow)?;
		// Only what moves the skew out of the range: others may have left it by closing.
		let leaves = if delta > 0 { skew > most } else { skew < least };
		ensure!(!leaves, Error::<T>::PremiumStepReached);
		Ok(())
	}

	/// Could the pool bear the stress scenario?
	fn check_stress(state: &MarketsStateOf<T>) -> Result<(), DispatchError> {
		let equity = u128::try_from(Self::pool_equity(state)?).unwrap_or(0);
		let share = T::RiskParameters::chain().pool_stress;
		let most = mul_ratio(equity, share, Rounding::Down).ok_or_else(overflow)?;
		ensure!(Self::worst_case_of(state) <= most, Error::<T>::PoolStressed);
		Ok(())
	}

	/// Trade as requested at the fill price of now: changes `state` and `trader`, and settles with the
	/// pool. The caller moves the position in the ladder, and what the account did is to be told to whoever
	/// keeps it, with [`Fill::credit`]. Callers hold a storage layer: what fails may have written.
	pub(crate) fn fill(
		state: &mut MarketsStateOf<T>,
		trader: &mut TraderOf<T>,
		request: &Request,
	) -> Result<Traded, DispatchError> {
		let held = trader.position(request.market);
		let mut position = held;
		let delta = if request.reduce_only {
			clipped(request.size, position.size)
		} else {
			request.size
		};
		ensure!(delta != 0, Error::<T>::NothingToReduce);
		let opens = perpetual::split(delta, position.size).0 != 0;

		let market = state
			.market_mut(request.market)
			.ok_or(Error::<T>::UnknownMarket)?;
		ensure!(!market.is_settled(), Error::<T>::MarketSettled);
		ensure!(!market.has_stopped(T::Time::now()), Error::<T>::MarketStopped);
		ensure!(market.fit.reduce_risk, Error::<T>::PriceRefused);
		let before = *market;
		let p = T::RiskParameters::market(request.market)?;
		let wanted = delta;
		let delta = Self::portion(&before, &p, request, wanted, opens)?;
		let opens = perpetual::split(delta, position.size).0 != 0;
		let left = wanted.checked_sub(delta).ok_or_else(overflow)?;
		let trade = market.trade(&mut position, delta).ok_or_else(overflow)?;
		let met = request.limit.is_none_or(|limit| {
			if delta > 0 {
				trade.price <= limit
			} else {
				trade.price >= limit
			}
		});
		ensure!(met, Error::<T>::LimitNotMet);
		if opens {
			Self::check_opening(&before, market, &p, delta, position.size)?;
		}
		let burdens = market.worst_case() > before.worst_case();
		market.update_initial();
		let after = *market;

		let fees = Fees::of(&before, &p, delta, trade.price)
			.and_then(|fees| fees.at_least(request.least_fee))
			.ok_or_else(overflow)?;
		let pool = Self::split_fee(state, request.market, &p, &fees).ok_or_else(overflow)?;
		let gain = trade.gain().ok_or_else(overflow)?;
		Self::claim_more(state, request.account, trade.haircut).ok_or_else(overflow)?;
		let pool = gain
			.checked_neg()
			.and_then(|loss| loss.checked_add_unsigned(pool))
			.ok_or_else(overflow)?;

		trader.keep(position).ok_or(Error::<T>::TooManyPositions)?;
		T::Pool::settle(pool)?;
		if opens && burdens {
			Self::check_stress(state)?;
		}
		let fill = Fill {
			size: delta,
			price: trade.price,
			fee: fees.net().ok_or_else(overflow)?,
			realised: trade.realised,
			funding: trade.funding,
			haircut: trade.haircut,
			position: position.size,
			left,
		};
		Ok(Traded {
			fill,
			act: if opens { Act::Opened } else { Act::Reduced },
			moved: Moved::of(&after, &held, &position),
		})
	}
}
