//! One perpetual market as the chain keeps it: every price, fee and funding comes from `keel_math`.

use keel_math::{
	mul_ratio,
	perpetual::{cost, funding_on, notional, split, value, FundingCurve, PremiumCurve, FUNDING_DECAY_MS},
	FixedU128, Rounding, ONE,
};

/// What cannot happen with the sizes and prices of this study.
const FITS: &str = "sizes, prices and rates of this study fit";

/// The governed numbers of a market.
#[derive(Clone, Copy)]
pub struct Terms {
	/// `K`, base units of a size.
	pub scale: u128,
	pub max_premium: FixedU128,
	pub premium_step: FixedU128,
	pub taker_fee: FixedU128,
	pub maker_fee: FixedU128,
	pub rebate: FixedU128,
	pub rebate_band: FixedU128,
	pub rebate_share: FixedU128,
	/// Per day and day.
	pub velocity: FixedU128,
	/// Per day.
	pub max_rate: FixedU128,
}

impl Terms {
	/// The defaults of the development chain, with a `K` of 10,000 whole units.
	pub fn development() -> Self {
		Self {
			scale: 1_000_000_000_000,
			max_premium: percent(6, 1),
			premium_step: percent(1, 2),
			taker_fee: percent(5, 100),
			maker_fee: percent(2, 100),
			rebate: percent(2, 100),
			rebate_band: percent(1, 10),
			rebate_share: percent(30, 1),
			// 9 per day and day at a premium of 100 %.
			velocity: percent(54, 1),
			max_rate: percent(5, 1),
		}
	}

	pub fn without_rebates(self) -> Self {
		Self {
			rebate: FixedU128::from_u32(0),
			rebate_band: FixedU128::from_u32(u32::MAX),
			..self
		}
	}

	pub fn with_step(self, premium_step: FixedU128) -> Self {
		Self { premium_step, ..self }
	}

	pub fn without_funding(self) -> Self {
		Self {
			velocity: FixedU128::from_u32(0),
			..self
		}
	}
}

/// `part / whole` per cent.
pub fn percent(part: u128, whole: u128) -> FixedU128 {
	FixedU128::from_inner(part * ONE / (100 * whole))
}

/// A price with eight decimals, as feeds carry it.
pub fn price(price: f64) -> FixedU128 {
	FixedU128::from_inner((price * 1e8) as u128 * 10_000_000_000)
}

/// A ratio for decisions and plots.
pub fn float(ratio: FixedU128) -> f64 {
	ratio.into_inner() as f64 / ONE as f64
}

/// A position and the money its owner has paid, below zero received, in base units of kUSD.
#[derive(Clone, Copy, Default)]
pub struct Position {
	pub size: i128,
	pub cost: i128,
	/// Funding debt: what hung on the position at the funding index of its trades.
	pub funding: i128,
	/// Fees less rebates.
	pub fees: i128,
	/// What the opposite spot has cost.
	pub hedge: i128,
}

pub struct Market {
	pub terms: Terms,
	pub index: FixedU128,
	pub skew: i128,
	/// Per day, 18 decimals.
	pub rate: i128,
	/// USD per whole unit, 18 decimals.
	pub funding: i128,
	/// Set aside for rebates.
	pub pot: u128,
	pub rebates: u128,
	skew_at_start: i128,
}

impl Market {
	pub fn new(terms: Terms, index: FixedU128) -> Self {
		Self {
			terms,
			index,
			skew: 0,
			rate: 0,
			funding: 0,
			pot: 0,
			rebates: 0,
			skew_at_start: 0,
		}
	}

	/// A block: funding accrues, then everything in it trades at the new index. Answers with the funding of the time between
	/// as a share of the price.
	pub fn next_block(&mut self, index: FixedU128, elapsed_ms: u64) -> f64 {
		let accrued = FundingCurve {
			bound: self.curve().bound().max(1),
			velocity: self.terms.velocity,
			max_rate: self.terms.max_rate,
			decay_ms: Some(FUNDING_DECAY_MS),
		}
		.accrue(self.rate, index, self.skew, elapsed_ms)
		.expect(FITS);
		self.rate = accrued.rate;
		self.funding += accrued.index;
		self.index = index;
		self.skew_at_start = self.skew;
		accrued.index as f64 / index.into_inner() as f64
	}

	fn curve(&self) -> PremiumCurve {
		PremiumCurve::new(self.terms.scale, self.terms.max_premium).expect(FITS)
	}

	pub fn premium(&self) -> f64 {
		self.curve().premium(self.skew).expect(FITS) as f64 / ONE as f64
	}

	pub fn rate(&self) -> f64 {
		self.rate as f64 / ONE as f64
	}

	/// `share` of the skew scale as a size.
	pub fn size(&self, share: f64) -> i128 {
		(share * self.terms.scale as f64) as i128
	}

	/// What narrowing the skew costs now, as a share of the value: the maker fee, or below zero the rebate.
	pub fn narrowing_fee(&self) -> f64 {
		if !self.is_outside_band() {
			float(self.terms.maker_fee)
		} else if self.pot == 0 {
			0.0
		} else {
			-float(self.terms.rebate)
		}
	}

	/// Fill an order at the price the skew gives. False if it would widen the premium too far; then nothing changes.
	pub fn fill(&mut self, size: i128, position: &mut Position) -> bool {
		let after = self.skew + size;
		if size == 0 || !(is_leaving(size, position.size) || self.may_open(size)) {
			return false;
		}
		let price = self.curve().fill_price(self.index, self.skew, size).expect(FITS);
		position.fees += self.charge(size, price);
		position.size += size;
		position.cost += cost(size, price).expect(FITS);
		position.funding += funding_on(size, self.funding, Rounding::Down).expect(FITS);
		position.hedge -= value(size, self.index, Rounding::Down).expect(FITS);
		self.skew = after;
		true
	}

	/// What a hedged position has earned if closed at the mark, in base units of kUSD.
	pub fn result(&self, position: &Position) -> i128 {
		let mark = self.curve().mark(self.index, self.skew).expect(FITS);
		let worth = value(position.size, mark, Rounding::Down).expect(FITS);
		let owes = funding_on(position.size, self.funding, Rounding::Up).expect(FITS) - position.funding;
		let hedge = value(-position.size, self.index, Rounding::Down).expect(FITS) - position.hedge;
		worth - position.cost - owes - position.fees + hedge
	}

	/// Who opens may not take the premium beyond its largest, nor farther than a step from where the block started or zero.
	fn may_open(&self, size: i128) -> bool {
		let size_of = |ratio| mul_ratio(self.terms.scale, ratio, Rounding::Down).expect(FITS);
		let (after, step) = (self.skew + size, size_of(self.terms.premium_step));
		let widens = after.unsigned_abs() > self.skew.unsigned_abs();
		let farther = if size > 0 {
			after - self.skew_at_start.max(0)
		} else {
			self.skew_at_start.min(0) - after
		};
		!(widens && after.unsigned_abs() > self.curve().bound())
			&& split(size, self.skew).0.unsigned_abs() <= step
			&& farther <= step as i128
	}

	/// Taker fee on what widens; on what narrows the maker fee, or outside the band a rebate as far as the pot goes.
	fn charge(&mut self, size: i128, price: FixedU128) -> i128 {
		let (widening, narrowing) = split(size, self.skew);
		let worth = |size, rounding| notional(size, price, rounding).expect(FITS);
		let taker = mul_ratio(worth(widening, Rounding::Up), self.terms.taker_fee, Rounding::Up).expect(FITS);
		let aside = mul_ratio(taker, self.terms.rebate_share, Rounding::Down).expect(FITS);
		if self.is_outside_band() {
			let earned = mul_ratio(
				worth(narrowing, Rounding::Down),
				self.terms.rebate,
				Rounding::Down,
			)
			.expect(FITS);
			let rebate = earned.min(self.pot);
			self.pot = self.pot - rebate + aside;
			self.rebates += rebate;
			return taker as i128 - rebate as i128;
		}
		self.pot += aside;
		let maker =
			mul_ratio(worth(narrowing, Rounding::Up), self.terms.maker_fee, Rounding::Up).expect(FITS);
		(taker + maker) as i128
	}

	fn is_outside_band(&self) -> bool {
		let premium = self.curve().premium(self.skew).expect(FITS);
		premium.unsigned_abs() > self.terms.rebate_band.into_inner()
	}
}

/// Does `size` only close what is held?
fn is_leaving(size: i128, held: i128) -> bool {
	(size < 0) != (held < 0) && size.unsigned_abs() <= held.unsigned_abs()
}
