//! A market's own arithmetic, without storage.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_math::{
	lending::{utilisation, Curve},
	margin, mul_div, mul_ratio,
	perpetual::{self, FundingCurve, PremiumCurve, FUNDING_DECAY_MS},
	signed::{mul_div_signed, signed},
	FixedU128, Rounding, ONE,
};
use keel_primitives::{
	Balance, ChainParameters, FeedId, Level, MarketId, MarketParameters, Meter, Moment, Price, Size,
};
use scale_info::TypeInfo;

use crate::{
	ladder::gains, Fit, Position, Rates, Status, Terms, Trade, AVERAGE_MS, MAX_ACCRUAL_MS, MAX_RAMP_MS,
	PARTS, SCALE_RAMP_MS,
};

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
	/// What a whole unit of each side has been charged.
	pub carry: Carry,
	/// What the side that uses the pool pays for it.
	pub borrow: Borrow,
	/// The share of gains the pool can't pay.
	pub haircut: Haircut,
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

/// What a whole unit of each side has been charged since the market was last empty: USD with 18 decimals.
/// Both grow by the funding, the longs' by the borrow fee too, and the shorts' falls by it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Carry {
	/// A long was charged this.
	pub long: i128,
	/// A short was paid this.
	pub short: i128,
}

/// The borrow fee: a rent for the worst case that a market is to the pool, per year, spread over its
/// positions.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Borrow {
	/// As a share of the worst case, at the pool's utilisation of now.
	pub rate: FixedU128,
	/// The same at a utilisation of 100 %.
	pub most: FixedU128,
}

impl Borrow {
	/// The fee of a pool with `equity` that loses `worst_case` at most, both in base units of kUSD: by how
	/// much of what it may lose, above which nothing is opened, is in use. Rates are rounded up.
	pub fn of(worst_case: Balance, equity: Balance, chain: &ChainParameters) -> Self {
		// A share of at most all.
		let most = mul_ratio(equity, chain.pool_stress, Rounding::Down).unwrap_or(equity);
		let curve = Curve {
			base: FixedU128::default(),
			slope: chain.borrow_slope,
			kink: chain.borrow_kink,
			jump: chain.borrow_jump,
		};
		// The limits of the numbers keep rates far from overflow.
		let rate = |utilisation| curve.rate(utilisation).unwrap_or_default();
		Self {
			rate: rate(utilisation(worst_case, most)),
			most: rate(FixedU128::from_inner(ONE)),
		}
	}
}

/// The share of every gain that the pool can't pay now.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Haircut {
	/// The share; zero while the pool owes no more than it has.
	pub rate: FixedU128,
	/// The width of a bin of the gains ladder, as a power of two.
	pub bits: u8,
	/// Longs gain that break even in a lower bin.
	pub long: i64,
	/// Shorts gain that break even in a higher bin.
	pub short: i64,
}

impl Haircut {
	/// What is cut of `gain`, which all or a part of `position` makes: its share, rounded up, or nothing
	/// where the position breaks even too near to the price to be counted, is dust, or has no gain.
	pub fn of(&self, position: &Position, gain: i128) -> Balance {
		if gain <= 0 || self.rate.into_inner() == 0 || position.is_dust() {
			return 0;
		}
		let is_long = position.size > 0;
		let edge = if is_long { self.long } else { self.short };
		let counts = position.bin(self.bits).is_some_and(|at| gains(is_long, at, edge));
		if !counts {
			return 0;
		}
		let gain = gain.unsigned_abs();
		mul_ratio(gain, self.rate, Rounding::Up).map_or(gain, |cut| cut.min(gain))
	}
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
			carry: Carry::default(),
			borrow: Borrow::default(),
			haircut: Haircut::default(),
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

	/// Returns `true` if trading has stopped before the settlement: the average it is settled at has begun.
	pub fn has_stopped(&self, now: Moment) -> bool {
		matches!(self.status, Status::Closing { settle_at } if now.saturating_add(AVERAGE_MS) >= settle_at)
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

	/// What a whole unit of the side of `size` has been charged: USD with 18 decimals; below zero for a short
	/// that was charged.
	pub(crate) fn carry_on(&self, size: Size) -> i128 {
		if size < 0 {
			self.carry.short
		} else {
			self.carry.long
		}
	}

	/// The prices less charges at which both sides' gains are measured: the price at which all positions
	/// could be closed together. `None` on overflow.
	pub(crate) fn exit_prices(&self) -> Option<(i128, i128)> {
		let price = match self.status {
			Status::Settled { price } => price,
			_ => self.curve()?.fill_price(self.price.value, 0, self.skew())?,
		};
		let price = signed(price.into_inner())?;
		Some((
			price.checked_sub(self.carry.long)?,
			price.checked_sub(self.carry.short)?,
		))
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

	/// What closing `position` at the mark would realise, funding included, before a haircut, rounded down.
	/// `None` on overflow.
	pub fn unrealised(&self, position: &Position) -> Option<i128> {
		perpetual::value(position.size, self.mark(), Rounding::Down)?
			.checked_sub(position.cost)?
			.checked_sub(self.funding_owed(position)?)
	}

	/// Funding and borrow fee that `position` owes, rounded up; below zero it is owed. `None` on overflow.
	pub fn funding_owed(&self, position: &Position) -> Option<i128> {
		perpetual::funding_on(position.size, self.carry_on(position.size), Rounding::Up)?
			.checked_sub(position.funding)
	}

	/// The requirement of `size` at `rate` of its value at the mark, rounded up. Nothing once it is settled.
	/// `None` on overflow.
	pub fn requirement(&self, size: Size, rate: FixedU128) -> Option<Balance> {
		if self.is_settled() {
			return Some(0);
		}
		margin::requirement(size, self.mark(), rate)
	}

	/// What `position` is worth, before a haircut, and needs. `None` on overflow.
	pub fn risk(&self, position: &Position) -> Option<margin::Risk> {
		Some(margin::Risk {
			net: self.unrealised(position)?,
			initial: self.requirement(position.size, self.rates.initial)?,
			maintenance: self.requirement(position.size, self.rates.maintenance)?,
		})
	}

	/// What the pool owes all positions together, funding included, before a haircut, rounded so that it owes
	/// rather more: `Φ(s) − Σcost − (Σcharges − Σcharges at entry)`. A settled market has no premium. `None`
	/// on overflow.
	pub fn owed(&self) -> Option<i128> {
		let skew = self.skew();
		let worth = match self.status {
			Status::Settled { price } => {
				perpetual::value(skew, price, Rounding::Up)?.checked_sub(self.cost)?
			}
			_ => self.curve()?.owed(self.price.value, skew, self.cost)?,
		};
		let long = perpetual::funding_on(signed(self.long)?, self.carry.long, Rounding::Down)?;
		let short = signed(self.short)?.checked_neg()?;
		let short = perpetual::funding_on(short, self.carry.short, Rounding::Down)?;
		let charged = long.checked_add(short)?.checked_sub(self.funding_debt)?;
		worth.checked_sub(charged)
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
		mul_ratio(self.side_value(size), self.stress_share(), Rounding::Up).unwrap_or(Balance::MAX)
	}

	/// `(1 + M)·(1 + stress) − 1`: what a side may gain of its value. Saturates.
	fn stress_share(&self) -> FixedU128 {
		let (stress, premium) = (self.terms.stress, self.terms.max_premium.into_inner());
		// A product that does not fit is beyond every share.
		let both = mul_ratio(premium, stress, Rounding::Up).unwrap_or(u128::MAX);
		FixedU128::from_inner(stress.into_inner().saturating_add(premium).saturating_add(both))
	}

	/// The borrow fee of a position at `rate` of the market's worst case, as a share of its value, per year,
	/// rounded up. Saturates.
	pub(crate) fn borrow_rate(&self, rate: FixedU128) -> FixedU128 {
		let whole = mul_ratio(rate.into_inner(), self.stress_share(), Rounding::Up).unwrap_or(u128::MAX);
		FixedU128::from_inner(self.spread(whole))
	}

	/// The highest borrow rate of a position, whatever the sides and the utilisation become. Saturates.
	pub(crate) fn most_borrow_rate(&self) -> FixedU128 {
		FixedU128::from_inner(
			mul_ratio(self.borrow.most.into_inner(), self.stress_share(), Rounding::Up).unwrap_or(u128::MAX),
		)
	}

	/// `of` the larger side's value, spread over both sides: what a unit of either pays, rounded up. All of
	/// it where there is one side, half where they are equal. Saturates.
	///
	/// Either side may leave first, so both are the worst case; and no order of a few units decides who pays.
	pub(crate) fn spread(&self, of: u128) -> u128 {
		match self.long.saturating_add(self.short) {
			0 => 0,
			both => mul_div(of, self.long.max(self.short), both, Rounding::Up).unwrap_or(u128::MAX),
		}
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

	/// Trades `delta` of `position` at the fill price of now. What is closed realises its share of cost and
	/// funding; the rest keeps its own. Position and sums are those afterwards. `None` on overflow, with
	/// nothing that may be used.
	pub fn trade(&mut self, position: &mut Position, delta: Size) -> Option<Trade> {
		let price = self.fill_price(delta)?;
		let (opening, closing) = perpetual::split(delta, position.size);
		let part = |of: i128, rounding| match position.size.unsigned_abs() {
			_ if closing == 0 => Some(0),
			all if closing.unsigned_abs() == all => Some(of),
			all => mul_div_signed(of, closing.unsigned_abs(), all, rounding),
		};
		// Rounded against the trader: what is closed cost rather more and was charged rather less before.
		let (basis, charged) = (
			part(position.cost, Rounding::Up)?,
			part(position.funding, Rounding::Down)?,
		);
		let received = perpetual::cost(closing, price)?.checked_neg()?;
		let paid = perpetual::cost(opening, price)?;
		let size = position.size.checked_add(delta)?;
		let after = Position {
			market: self.id,
			size,
			cost: position.cost.checked_sub(basis)?.checked_add(paid)?,
			funding: position
				.funding
				.checked_sub(charged)?
				.checked_add(self.charge_on(opening, Rounding::Down)?)?,
		};
		let trade = self.realise(
			position,
			price,
			received.checked_sub(basis)?,
			self.charge_on(closing.checked_neg()?, Rounding::Up)?
				.checked_sub(charged)?,
			paid.checked_sub(received)?,
		)?;
		self.replace(position, &after)?;
		*position = after;
		Some(trade)
	}

	/// What `size` has been charged, in base units of kUSD. `None` on overflow.
	fn charge_on(&self, size: Size, rounding: Rounding) -> Option<i128> {
		perpetual::funding_on(size, self.carry_on(size), rounding)
	}

	/// The trade that realises a profit and funding of `position`, with its haircut.
	fn realise(
		&self,
		position: &Position,
		price: FixedU128,
		realised: i128,
		funding: i128,
		cost: i128,
	) -> Option<Trade> {
		Some(Trade {
			price,
			cost,
			realised,
			funding,
			haircut: self.haircut.of(position, realised.checked_sub(funding)?),
		})
	}

	/// Takes `position` out at the settlement price. `None` on overflow.
	pub fn pay_out(&mut self, position: &Position, price: FixedU128) -> Option<Trade> {
		let worth = perpetual::value(position.size, price, Rounding::Down)?;
		let trade = self.realise(
			position,
			price,
			worth.checked_sub(position.cost)?,
			self.funding_owed(position)?,
			worth.checked_neg()?,
		)?;
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
		// What overflows stands still.
		if let Some((rate, carry)) = self.accrued(&before, elapsed) {
			(self.rate, self.carry) = (rate, carry);
		}
		// A limit that was lowered holds from now on.
		let limit = signed(self.terms.max_funding_rate.into_inner()).unwrap_or(i128::MAX);
		self.rate = self.rate.clamp(limit.saturating_neg(), limit);
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

	/// The funding rate and both sides' charges after `elapsed` ms by `terms`. Charges begin anew while the
	/// market is empty. `None` on overflow.
	fn accrued(&self, terms: &Terms, elapsed: Moment) -> Option<(i128, Carry)> {
		let bound = PremiumCurve::new(terms.skew_scale, terms.max_premium)?.bound();
		let funding = FundingCurve {
			// A premium that never moves has no bound: one unit.
			bound: bound.max(1),
			velocity: terms.funding_velocity,
			max_rate: terms.max_funding_rate,
			decay_ms: Some(FUNDING_DECAY_MS),
		}
		.accrue(self.rate, self.price.value, self.skew(), elapsed)?;
		if self.positions == 0 {
			return Some((funding.rate, Carry::default()));
		}
		let borrow = perpetual::borrow_delta(self.borrow_rate(self.borrow.rate), self.price.value, elapsed)?;
		let borrow = signed(borrow)?;
		let funded = |carry: i128| carry.checked_add(funding.index);
		let carry = Carry {
			long: funded(self.carry.long)?.checked_add(borrow)?,
			short: funded(self.carry.short)?.checked_sub(borrow)?,
		};
		Some((funding.rate, carry))
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
