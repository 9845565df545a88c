//! Who trades: arbitrageurs who hold the opposite spot, and noise. They decide with floats, but never a price.

use keel_math::perpetual::FUNDING_DECAY_MS;

use crate::market::{float, Market, Position};

pub const DAY_MS: f64 = 86_400_000.0;
const HOUR_MS: f64 = 3_600_000.0;
const BASIS_POINT: f64 = 1e-4;

/// What capital and the trouble of a hedge cost, a year.
pub const CARRY: f64 = 0.10;

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, the same everywhere.
pub struct Random(u64);

impl Random {
	/// Streams of one seed don't depend on each other.
	pub fn new(seed: u64, stream: u64) -> Self {
		let mut random =
			Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03));
		random.next();
		random
	}

	fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
		let mut mixed = self.0;
		mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
		mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
		mixed ^ (mixed >> 31)
	}

	pub fn unit(&mut self) -> f64 {
		(self.next() >> 11) as f64 / (1u64 << 53) as f64
	}

	pub fn between(&mut self, low: f64, high: f64) -> f64 {
		low + (high - low) * self.unit()
	}

	/// Near enough to normal: twelve uniform numbers less six. No logarithm, so that every platform draws the same.
	pub fn normal(&mut self) -> f64 {
		(0..12).map(|_| self.unit()).sum::<f64>() - 6.0
	}
}

/// Someone who holds a perpetual and the opposite spot.
pub struct Arbitrageur {
	pub position: Position,
	/// The largest position, in skew scales.
	capacity: f64,
	/// The edge at which all of it is used: less edge, less position.
	full_edge: f64,
	/// How long it means to hold.
	horizon_ms: f64,
	/// The share of today's premium it expects to be gone by then.
	fades: f64,
	/// Required on top of costs to enter.
	profit: f64,
	/// How often it looks, and what it trades at most per millisecond, in skew scales.
	every_ms: u64,
	pace: f64,
	next_look: u64,
}

impl Arbitrageur {
	/// Twenty of them can take about 8 % of the skew scale. They mean to hold for so many hours.
	pub fn twenty(seed: u64, horizons: (f64, f64)) -> Vec<Self> {
		let mut random = Random::new(seed, 3);
		(0..20)
			.map(|_| Self {
				position: Position::default(),
				capacity: random.between(0.001, 0.007),
				full_edge: random.between(20.0, 60.0) * BASIS_POINT,
				horizon_ms: random.between(horizons.0, horizons.1) * HOUR_MS,
				fades: random.between(0.0, 0.05),
				profit: random.between(1.0, 8.0) * BASIS_POINT,
				every_ms: 2_000 * random.between(1.0, 15.0) as u64,
				pace: random.between(0.5, 2.0) * BASIS_POINT / 60_000.0,
				next_look: 0,
			})
			.collect()
	}

	/// The same with other means.
	pub fn scaled(self, capacity: f64, pace: f64, full_edge: f64) -> Self {
		Self {
			capacity: self.capacity * capacity,
			pace: self.pace * pace,
			full_edge: self.full_edge * full_edge,
			..self
		}
	}

	/// What to order now: towards the position that premium and funding pay for, or back from one they no longer do.
	pub fn decide(&mut self, market: &Market, now: u64, step_ms: u64) -> i128 {
		if now < self.next_look {
			return 0;
		}
		self.next_look = now + self.every_ms;
		let held = self.position.size as f64 / market.terms.scale as f64;
		let premium = market.premium();
		let taker = float(market.terms.taker_fee);
		// What holding one unit long costs over the horizon: the premium that fades, and funding.
		let long_pays = self.fades * premium + self.expected_funding(market, premium);
		let carry = CARRY * self.horizon_ms / (365.0 * DAY_MS);
		let fee = |buys: bool| {
			if buys == (premium < 0.0) {
				market.narrowing_fee()
			} else {
				taker
			}
		};
		let position_for = |edge: f64| self.capacity * (edge / self.full_edge).clamp(0.0, 1.0);
		let best = if long_pays > 0.0 { -1.0 } else { 1.0 };
		let gain = long_pays.abs() - carry;
		// Leaving is expected to cost the taker fee.
		let wanted = position_for(gain - fee(best > 0.0) - taker - self.profit);
		// What is held already pays for being kept, or for leaving now rather than later.
		let side = if held < 0.0 { -1.0 } else { 1.0 };
		let keeping = -side * long_pays - carry;
		let kept = position_for(keeping + fee(side < 0.0) - taker + self.profit);
		let target = if wanted > 0.0 && wanted > best * held {
			best * wanted
		} else if held.abs() > kept {
			side * kept
		} else {
			return 0;
		};
		let most = self.pace * self.every_ms.max(step_ms) as f64;
		market.size((target - held).clamp(-most, most))
	}

	/// What a long pays if the premium fades evenly: `rh + v·p/M·h²(1/2 − c/6)` less what decays of it,
	/// within the highest rate.
	fn expected_funding(&self, market: &Market, premium: f64) -> f64 {
		let days = self.horizon_ms / DAY_MS;
		let pushed = premium / float(market.terms.max_premium);
		let growth = float(market.terms.velocity) * pushed * days * (0.5 - self.fades / 6.0);
		let most = float(market.terms.max_rate);
		// The mean over the horizon of what decays.
		let decays = self.horizon_ms / FUNDING_DECAY_MS as f64;
		let left = (1.0 - (-decays).exp()) / decays;
		((market.rate() + growth) * left).clamp(-most, most) * days
	}
}

/// People who buy and sell for reasons of their own, and go again after a while. What they do does not depend on the market.
pub struct Noise {
	random: Random,
	/// When to close what.
	open: Vec<(u64, i128)>,
}

impl Noise {
	/// One order in this time on average, …
	pub const EVERY_MS: f64 = 20_000.0;
	/// … up to this part of the skew scale, …
	pub const SIZE: f64 = 0.0002;
	/// … held up to this long.
	pub const HELD_MS: f64 = 4.0 * HOUR_MS;

	pub fn new(seed: u64) -> Self {
		Self {
			random: Random::new(seed, 2),
			open: Vec::new(),
		}
	}

	pub fn decide(&mut self, market: &Market, now: u64, step_ms: u64) -> i128 {
		let mut order = 0;
		self.open.retain(|(until, size)| {
			let stays = *until > now;
			if !stays {
				order -= size;
			}
			stays
		});
		if self.random.unit() < step_ms as f64 / Self::EVERY_MS {
			let size = market.size(self.random.between(-Self::SIZE, Self::SIZE));
			let until = now + self.random.between(0.0, Self::HELD_MS) as u64;
			self.open.push((until, size));
			order += size;
		}
		order
	}
}

/// Orders decided in one block and filled in the next, first come, first served.
#[derive(Default)]
pub struct Orders {
	noise: i128,
	arbitrageurs: Vec<i128>,
}

/// Everybody of one run.
pub struct Crowd {
	arbitrageurs: Vec<Arbitrageur>,
	noise: Option<Noise>,
	noise_position: Position,
	orders: Orders,
}

impl Crowd {
	pub fn new(arbitrageurs: Vec<Arbitrageur>, noise: Option<Noise>) -> Self {
		Self {
			arbitrageurs,
			noise,
			noise_position: Position::default(),
			orders: Orders::default(),
		}
	}

	/// Fill what was ordered before, then order anew. A noise order that is refused is tried again.
	pub fn trade(&mut self, market: &mut Market, now: u64, step_ms: u64) {
		if market.fill(self.orders.noise, &mut self.noise_position) {
			self.orders.noise = 0;
		}
		for (arbitrageur, order) in self.arbitrageurs.iter_mut().zip(&self.orders.arbitrageurs) {
			market.fill(*order, &mut arbitrageur.position);
		}
		if let Some(noise) = &mut self.noise {
			self.orders.noise += noise.decide(market, now, step_ms);
		}
		self.orders.arbitrageurs.clear();
		for arbitrageur in &mut self.arbitrageurs {
			self.orders
				.arbitrageurs
				.push(arbitrageur.decide(market, now, step_ms));
		}
	}

	/// What the arbitrageurs have earned, in base units of kUSD, hedges included, the cost of carry not.
	pub fn result(&self, market: &Market) -> i128 {
		self.arbitrageurs
			.iter()
			.map(|arbitrageur| market.result(&arbitrageur.position))
			.sum()
	}
}
