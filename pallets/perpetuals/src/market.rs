//! A market's own arithmetic, without storage.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_math::{
	margin, mul_div, mul_ratio,
	perpetual::{self, PremiumCurve},
	signed::{mul_div_signed, signed},
	FixedU128, Rounding, ONE,
};
use keel_primitives::{Balance, FeedId, Level, MarketId, MarketParameters, Meter, Moment, Price, Size};
use scale_info::TypeInfo;

use crate::{Fit, Position, Rates, Status, Terms, Trade, MAX_ACCRUAL_MS, MAX_RAMP_MS, PARTS, SCALE_RAMP_MS};

/// A market: what there is of it, what it costs, and what holds in this block.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Market {
	/// Its number.
	pub id: MarketId,
	/// Its feed.
	pub feed: FeedId,
	/// Where it is in its life.
	pub status: Status,
	/// Sum of the sizes above zero.
	pub long: u128,
	/// Sum of the sizes below zero, without their sign.
	pub short: u128,
	/// Sum of the positions' costs.
	pub cost: i128,
	/// Sum of the positions' funding at entry.
	pub funding_debt: i128,
	/// The funding rate per day, 18 decimals; above zero longs pay.
	pub rate: i128,
	/// The funding index: USD per whole unit, 18 decimals.
	pub funding_index: i128,
	/// When funding and ramp last moved.
	pub at: Moment,
	/// The last price known.
	pub price: Price,
	/// What it is good enough for.
	pub fit: Fit,
	/// The breaker's level at the block's start.
	pub level: Level,
	/// Margin rates.
	pub rates: Rates,
	/// Governed numbers.
	pub terms: Terms,
	/// The skew at the block's start.
	pub skew_at_block_start: i128,
	/// Taker fees set aside for rebates, in base units of kUSD.
	pub rebates: Balance,
	/// The market's own tranche of the insurance fund, in base units of kUSD.
	pub tranche: Balance,
	/// Notional liquidated in about the last hour.
	pub liquidated: Meter,
	/// How many positions there are.
	pub positions: u32,
}

/// `mark − funding index`, zero where it would be below; saturates.
pub(crate) fn net_mark(mark: FixedU128, funding_index: i128) -> FixedU128 {
	let (mark, funding) = (mark.into_inner(), funding_index.unsigned_abs());
	FixedU128::from_inner(if funding_index < 0 {
		mark.saturating_add(funding)
	} else {
		mark.saturating_sub(funding)
	})
}

impl Market {
	/// A market nobody is in.
	pub fn new(id: MarketId, feed: FeedId, parameters: &MarketParameters, now: Moment) -> Self {
		Self {
			id,
			feed,
			status: Status::Open,
			long: 0,
			short: 0,
			cost: 0,
			funding_debt: 0,
			rate: 0,
			funding_index: 0,
			at: now,
			price: Price::default(),
			fit: Fit::default(),
			level: Level::Normal,
			// The first refresh of a market without positions sets them at once.
			rates: Rates::default(),
			terms: Terms::from(parameters),
			skew_at_block_start: 0,
			rebates: 0,
			tranche: 0,
			liquidated: Meter::default(),
			positions: 0,
		}
	}

	/// Has it come to its end?
	pub fn is_settled(&self) -> bool {
		matches!(self.status, Status::Settled { .. })
	}

	/// Longs less shorts. Sizes are bounded far below where that would saturate.
	pub fn skew(&self) -> i128 {
		let side = |size: u128| signed(size).unwrap_or(i128::MAX);
		side(self.long).saturating_sub(side(self.short))
	}

	/// The index price; the settlement price once there is one.
	pub fn index(&self) -> FixedU128 {
		match self.status {
			Status::Settled { price } => price,
			_ => self.price.value,
		}
	}

	/// How the premium follows the skew in this block. `None` for a scale that is none.
	pub fn curve(&self) -> Option<PremiumCurve> {
		PremiumCurve::new(self.terms.skew_scale, self.terms.max_premium)
	}

	/// The largest premium that new risk may lead to: the governed one or the one on its way there, whichever
	/// is lower; a share of it while the breaker is raised.
	pub fn opening_premium(&self, p: &MarketParameters) -> FixedU128 {
		let largest = p.max_premium.min(self.terms.max_premium);
		FixedU128::from_inner(self.cap(largest.into_inner(), p.guarded_caps))
	}

	/// The mark price, at which positions are valued and the smallest trade would fill. A settled market has
	/// no premium. The index price where it does not fit.
	pub fn mark(&self) -> FixedU128 {
		match self.status {
			Status::Settled { price } => price,
			_ => self
				.curve()
				.and_then(|curve| curve.mark(self.price.value, self.skew()))
				.unwrap_or(self.price.value),
		}
	}

	/// The price `size` would trade at now, whatever it does to a position. `None` on overflow.
	pub fn fill_price(&self, size: Size) -> Option<FixedU128> {
		self.curve()?.fill_price(self.index(), self.skew(), size)
	}

	/// What a whole unit is worth at the mark less the funding on it: what decides who is in profit. Zero where it would be
	/// below; saturates.
	pub fn net_mark(&self) -> FixedU128 {
		net_mark(self.mark(), self.funding_index)
	}

	/// The value of one side at the index price, rounded up. Saturates above every cap.
	pub fn side_value(&self, size: u128) -> Balance {
		signed(size)
			.and_then(|size| perpetual::notional(size, self.index(), Rounding::Up))
			.unwrap_or(Balance::MAX)
	}

	/// The value of the larger side at the index price.
	pub fn open_interest(&self) -> Balance {
		self.side_value(self.long.max(self.short))
	}

	/// What closing `position` at the mark would realise, funding included, rounded down. `None` on overflow.
	pub fn unrealised(&self, position: &Position) -> Option<i128> {
		perpetual::value(position.size, self.mark(), Rounding::Down)?
			.checked_sub(position.cost)?
			.checked_sub(self.funding_owed(position)?)
	}

	/// The funding `position` owes, rounded up; below zero it is owed. `None` on overflow.
	pub fn funding_owed(&self, position: &Position) -> Option<i128> {
		perpetual::funding_on(position.size, self.funding_index, Rounding::Up)?.checked_sub(position.funding)
	}

	/// The requirement of `size` at `rate` of its value at the mark, rounded up. Nothing once it is settled.
	/// `None` on overflow.
	pub fn requirement(&self, size: Size, rate: FixedU128) -> Option<Balance> {
		if self.is_settled() {
			return Some(0);
		}
		margin::requirement(size, self.mark(), rate)
	}

	/// What `position` is worth and needs. `None` on overflow.
	pub fn risk(&self, position: &Position) -> Option<margin::Risk> {
		Some(margin::Risk {
			net: self.unrealised(position)?,
			initial: self.requirement(position.size, self.rates.initial)?,
			maintenance: self.requirement(position.size, self.rates.maintenance)?,
		})
	}

	/// What the pool owes all positions together, funding included, rounded so that it owes rather more: `Φ(s) − Σcost −
	/// (s·F − Σfunding)`. A settled market has no premium. `None` on overflow.
	pub fn owed(&self) -> Option<i128> {
		let skew = self.skew();
		let worth = match self.status {
			Status::Settled { price } => {
				perpetual::value(skew, price, Rounding::Up)?.checked_sub(self.cost)?
			}
			_ => self.curve()?.owed(self.price.value, skew, self.cost)?,
		};
		let funding = perpetual::funding_on(skew, self.funding_index, Rounding::Down)?
			.checked_sub(self.funding_debt)?;
		worth.checked_sub(funding)
	}

	/// The most the pool loses if the price moves by the market's stress, whoever closed before: `max(long,
	/// short)·P·((1 + M)·(1 + stress) − 1)`, rounded up. Saturates.
	///
	/// The pool stands opposite the net of both sides, but either may leave first; or both stay, and the side
	/// that loses has no more than its margins. In any case the other side gains at most that. Worked: 20 M
	/// of longs and 20 M of shorts, a stress of 20 % and a premium of at most 0.5 %: 4.12 M, as for 20 M of
	/// longs alone.
	pub fn worst_case(&self) -> Balance {
		let size = self.long.max(self.short);
		if self.is_settled() || size == 0 {
			return 0;
		}
		let (stress, premium) = (self.terms.stress, self.terms.max_premium.into_inner());
		// A product that does not fit is beyond every share.
		let both = mul_ratio(premium, stress, Rounding::Up).unwrap_or(u128::MAX);
		let share = stress.into_inner().saturating_add(premium).saturating_add(both);
		mul_ratio(self.side_value(size), FixedU128::from_inner(share), Rounding::Up).unwrap_or(Balance::MAX)
	}

	/// How many of [`PARTS`] of a position of `size` can be closed before the premium begins to move: those
	/// for which the skew stays beyond its bound on the position's side. None where it is within it.
	pub fn parts_beyond_bound(&self, size: Size) -> u32 {
		let skew = self.skew();
		let bound = self.curve().map_or(u128::MAX, |curve| curve.bound());
		let beyond = match (skew > 0) == (size > 0) {
			true => skew.unsigned_abs().saturating_sub(bound),
			false => 0,
		};
		// A size of zero has no parts, and more parts than there are are all of them.
		mul_div(beyond, PARTS.into(), size.unsigned_abs(), Rounding::Down)
			.map_or(0, |parts| parts.min(PARTS.into()) as u32)
	}

	/// Trade `delta` of `position` at the fill price of now. The position is another one afterwards, as are the sums. `None` on
	/// overflow, with nothing that may be used.
	pub fn trade(&mut self, position: &mut Position, delta: Size) -> Option<Trade> {
		let price = self.fill_price(delta)?;
		let funding = self.funding_owed(position)?;
		let (opening, closing) = perpetual::split(delta, position.size);
		let basis = if closing == 0 {
			0
		} else if closing.unsigned_abs() == position.size.unsigned_abs() {
			position.cost
		} else {
			// Rounded up: the trader's profit is rather less.
			mul_div_signed(
				position.cost,
				closing.unsigned_abs(),
				position.size.unsigned_abs(),
				Rounding::Up,
			)?
		};
		let received = perpetual::cost(closing, price)?.checked_neg()?;
		let paid = perpetual::cost(opening, price)?;
		let size = position.size.checked_add(delta)?;
		let after = Position {
			market: self.id,
			size,
			cost: position.cost.checked_sub(basis)?.checked_add(paid)?,
			funding: perpetual::funding_on(size, self.funding_index, Rounding::Down)?,
			cuts_seen: position.cuts_seen,
		};
		self.replace(position, &after)?;
		*position = after;
		Some(Trade {
			price,
			cost: paid.checked_sub(received)?,
			realised: received.checked_sub(basis)?,
			funding,
		})
	}

	/// A position costs `amount` more from now on, without a trade. `None` on overflow.
	pub(crate) fn cut(&mut self, amount: Balance) -> Option<()> {
		self.cost = self.cost.checked_add_unsigned(amount)?;
		Some(())
	}

	/// Take `position` out at the settlement price. `None` on overflow.
	pub fn pay_out(&mut self, position: &Position, price: FixedU128) -> Option<Trade> {
		let worth = perpetual::value(position.size, price, Rounding::Down)?;
		let trade = Trade {
			price,
			cost: worth.checked_neg()?,
			realised: worth.checked_sub(position.cost)?,
			funding: self.funding_owed(position)?,
		};
		self.replace(position, &Position::default())?;
		Some(trade)
	}

	/// Count `new` instead of `old`.
	fn replace(&mut self, old: &Position, new: &Position) -> Option<()> {
		let long = |p: &Position| u128::try_from(p.size).unwrap_or(0);
		let short = |p: &Position| if p.size < 0 { p.size.unsigned_abs() } else { 0 };
		let one = |p: &Position| u32::from(p.size != 0);
		self.long = self.long.checked_sub(long(old))?.checked_add(long(new))?;
		self.short = self.short.checked_sub(short(old))?.checked_add(short(new))?;
		self.cost = self.cost.checked_sub(old.cost)?.checked_add(new.cost)?;
		self.funding_debt = self
			.funding_debt
			.checked_sub(old.funding)?
			.checked_add(new.funding)?;
		self.positions = self.positions.checked_sub(one(old))?.checked_add(one(new))?;
		Some(())
	}

	/// Bring the market to `now`: what it was told, funding, the ramp, the start of a block. Funding accrues
	/// by the numbers that were in force until now.
	pub fn refresh(
		&mut self,
		now: Moment,
		price: Option<Price>,
		fit: Fit,
		level: Level,
		parameters: Option<&MarketParameters>,
	) {
		let elapsed = now.saturating_sub(self.at).min(MAX_ACCRUAL_MS);
		let ramped = elapsed.min(MAX_RAMP_MS);
		let before = self.terms;
		if let Some(parameters) = parameters.filter(|p| p.skew_scale > 0) {
			self.terms = Terms {
				skew_scale: self.towards(self.terms.skew_scale, parameters.skew_scale, ramped),
				max_premium: FixedU128::from_inner(self.towards(
					self.terms.max_premium.into_inner(),
					parameters.max_premium.into_inner(),
					ramped,
				)),
				..Terms::from(parameters)
			};
		}
		self.price = price.unwrap_or(self.price);
		(self.fit, self.level) = (fit, level);
		self.at = now;
		let accrued = perpetual::accrue(
			self.rate,
			self.price.value,
			self.skew(),
			before.skew_scale,
			before.funding_velocity,
			before.max_funding_rate,
			elapsed,
		);
		// What overflows stands still.
		if let Some((rate, index)) =
			accrued.and_then(|a| Some((a.rate, self.funding_index.checked_add(a.index)?)))
		{
			(self.rate, self.funding_index) = (rate, index);
		}
		let target = parameters.and_then(|p| {
			margin::maintenance_rate(
				p.maintenance_margin,
				p.maintenance_cap,
				p.volatility_multiple,
				self.price.volatility,
				p.volatility_horizon,
			)
		});
		self.rates.target = target.unwrap_or(self.rates.target);
		self.ramp(ramped);
		self.skew_at_block_start = self.skew();
		self.update_initial();
	}

	/// What moves marks (the skew scale, with it what the pool owes, and the range) after `elapsed` on its way to the governed number:
	/// a hundredth of itself in an hour. At least a unit a block, so that it gets there. At once where nobody is in.
	fn towards(&self, now: u128, target: u128, elapsed: Moment) -> u128 {
		if self.positions == 0 {
			return target;
		}
		let step = mul_div(now, elapsed.into(), SCALE_RAMP_MS, Rounding::Down)
			.unwrap_or(u128::MAX)
			.max(elapsed.min(1).into())
			.min(now.abs_diff(target));
		// Not beyond the target.
		if target > now {
			now.saturating_add(step)
		} else {
			now.saturating_sub(step)
		}
	}

	/// Move the maintenance rate towards its target, as far as `elapsed` lets it. Where nobody is in there is nobody to spare.
	fn ramp(&mut self, elapsed: Moment) {
		let (rate, target) = (
			self.rates.maintenance.into_inner(),
			self.rates.target.into_inner(),
		);
		let most = if self.positions == 0 {
			u128::MAX
		} else {
			mul_div(
				self.terms.ramp_per_hour.into_inner(),
				elapsed.into(),
				3_600_000,
				Rounding::Down,
			)
			.unwrap_or(u128::MAX)
		};
		let step = rate.abs_diff(target).min(most);
		// Not beyond the target.
		self.rates.maintenance = FixedU128::from_inner(if target > rate {
			rate.saturating_add(step)
		} else {
			rate.saturating_sub(step)
		});
	}

	/// Set what new risk needs: never less than what existing risk does. All of a position's value where that overflows.
	pub fn update_initial(&mut self) {
		let (rates, terms) = (&self.rates, &self.terms);
		let initial = margin::initial_rate(
			rates.maintenance.max(rates.target),
			terms.initial_multiple,
			self.open_interest(),
			terms.open_interest_lower,
			terms.open_interest_upper,
		)
		.map_or(ONE, FixedU128::into_inner);
		let raised = if self.level >= Level::Guarded {
			mul_ratio(initial, terms.guarded_multiple, Rounding::Up).unwrap_or(ONE)
		} else {
			initial
		};
		self.rates.initial = FixedU128::from_inner(raised.min(ONE).max(initial)).max(rates.maintenance);
	}

	/// A governed cap, in base units of kUSD or as a ratio's inner value: a share of it while the breaker is raised.
	pub fn cap(&self, governed: u128, share: FixedU128) -> u128 {
		if self.level < Level::Guarded {
			return governed;
		}
		// A share beyond 128 bits is no share.
		mul_ratio(governed, share, Rounding::Down)
			.unwrap_or(governed)
			.min(governed)
	}
}
