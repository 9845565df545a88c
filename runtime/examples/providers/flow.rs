//! The traders. Decisions are made with floats at one price and filled at the next; prices are never theirs.

use keel_math::{perpetual::FUNDING_DECAY_MS, FixedU128};
use keel_primitives::MarketParameters;

use crate::{
	pool::{float, Account, Desk, Group, KUSD, UNIT},
	random::Random,
};

const DAY: f64 = 86_400.0;
const HOUR: f64 = 3_600.0;
const YEAR: f64 = 365.0 * DAY;
const BASIS_POINT: f64 = 1e-4;
/// How long the funding rate takes to decay, seconds.
const DECAY: f64 = FUNDING_DECAY_MS as f64 / 1e3;

/// What capital and the trouble of a hedge cost arbitrageurs, a year.
const CARRY: f64 = 0.10;

/// What of a run's flow there is. Sizes are shares of a market's cap on open interest.
#[derive(Clone)]
pub struct Flow {
	/// How many, and the mean value of a position.
	pub uninformed: (usize, f64),
	/// How many, and what they can hold together.
	pub arbitrageurs: (usize, f64),
	/// How many, and what they can hold together.
	pub crowd: (usize, f64),
	/// What the crowd holds when the price stands still, and for each move of 1 %, as shares of what it can
	/// hold.
	pub crowd_bias: f64,
	pub crowd_weight: f64,
	/// How many with each of the leads, the value of a position, and how often they are right.
	pub informed: (usize, f64),
	pub right: f64,
	/// Seconds.
	pub leads: [f64; 2],
	/// Whether somebody fills both sides of a market as far as the chain lets them, and which.
	pub squatted: Option<usize>,
}

impl Flow {
	pub fn everybody() -> Self {
		Self {
			uninformed: (100, 0.0054),
			arbitrageurs: (10, 0.5),
			crowd: (12, 0.15),
			crowd_bias: 0.1,
			crowd_weight: 0.05,
			informed: (1, 0.02),
			right: 0.575,
			leads: [300.0, 3_600.0],
			squatted: None,
		}
	}

	pub fn uninformed() -> Self {
		Self {
			crowd: (0, 0.0),
			..Self::with_crowd()
		}
	}

	pub fn with_crowd() -> Self {
		Self {
			informed: (0, 0.0),
			..Self::everybody()
		}
	}

	pub fn squatted(market: usize) -> Self {
		Self {
			squatted: Some(market),
			..Self::everybody()
		}
	}
}

/// What a trader sees of a market when it decides.
pub struct View<'a> {
	/// From the first price on to the one of now, and beyond: only the informed look there.
	pub prices: &'a [f64],
	pub now: usize,
	/// Seconds from a price to the next.
	pub step: f64,
	pub premium: f64,
	/// Funding a day: as it is, where the skew of now would take it, and the most there is.
	pub rate: f64,
	pub settles: f64,
	pub most: f64,
	/// The borrow fee as a share of a position's value, a year.
	pub rent: f64,
	/// What widens and what narrows the skew costs, as shares of the value. Below zero a rebate.
	pub taker: f64,
	pub maker: f64,
	/// The skew scale's value.
	pub depth: f64,
	/// The cap on open interest.
	pub cap: f64,
	/// Squatters' longs less their shorts, base units.
	pub squatted: i128,
}

impl<'a> View<'a> {
	pub fn new(desk: &Desk, p: &MarketParameters, prices: &'a [f64], now: usize, step: f64) -> Self {
		let premium = desk.premium();
		let rate = |fee: FixedU128| float(fee);
		let maker = if premium.abs() <= float(p.rebate_band) {
			rate(p.maker_fee)
		} else if desk.market.rebates == 0 {
			0.0
		} else {
			-rate(p.rebate)
		};
		Self {
			prices,
			now,
			step,
			premium,
			rate: desk.rate(),
			settles: premium / float(p.max_premium) * float(p.funding_velocity) * DECAY / DAY,
			most: float(p.max_funding_rate),
			rent: desk.rent,
			taker: rate(p.taker_fee),
			maker,
			depth: p.skew_scale as f64 / UNIT * prices[now],
			cap: p.max_open_interest as f64 / KUSD,
			squatted: desk.groups[Group::Squatter as usize].skew(),
		}
	}

	fn price(&self) -> f64 {
		self.prices[self.now]
	}

	/// What a trade of this side costs as a share of its value.
	fn fee(&self, buys: bool) -> f64 {
		if buys == (self.premium < 0.0) {
			self.maker
		} else {
			self.taker
		}
	}

	/// The price of so many seconds ago over that of now, or the first.
	fn past(&self, seconds: f64) -> f64 {
		self.prices[self.now.saturating_sub((seconds / self.step) as usize)]
	}

	/// A value in kUSD as a size.
	fn size(&self, value: f64) -> i128 {
		(value / self.price() * UNIT) as i128
	}

	/// What longs are expected to pay in funding within `seconds` as a share of their value, if the skew goes
	/// away with a time constant of `lasts`: the rate of now decays, what the skew of now pushes comes in its
	/// place.
	fn funding(&self, seconds: f64, lasts: f64) -> f64 {
		let within = |time: f64| time * seconds / (time + seconds);
		let paid = (self.rate * within(DECAY) + self.settles * within(lasts)) / DAY;
		let most = self.most * seconds / DAY;
		paid.clamp(-most, most)
	}

	/// Longs less shorts, their value.
	fn skew(&self) -> f64 {
		self.premium * self.depth
	}

	fn happens(&self, random: &mut Random, every_seconds: f64) -> bool {
		random.unit() < self.step / every_seconds
	}
}

enum Kind {
	/// Opens either way, holds, closes.
	Uninformed { value: f64 },
	Arbitrageur {
		/// The largest position's value.
		capacity: f64,
		/// The edge at which all of it is used.
		full_edge: f64,
		/// How long it means to hold, seconds.
		horizon: f64,
		/// The share of today's premium it expects to be gone by then.
		fades: f64,
		/// How long it expects the skew to last, seconds.
		lasts: f64,
		/// Required on top of costs to enter.
		profit: f64,
		/// What it trades at most in a second.
		pace: f64,
	},
	/// Follows the move of its look-back.
	Crowd {
		capacity: f64,
		look_back: f64,
		bias: f64,
		weight: f64,
	},
	Informed {
		value: f64,
		right: f64,
		lead: f64,
		until: usize,
	},
	/// One leg of a pair that wants all there is.
	Squatter { side: f64 },
}

pub struct Trader {
	pub account: Account,
	/// What is committed.
	pub order: i128,
	kind: Kind,
	random: Random,
}

/// How long the uninformed hold, and how long they stay away, on average.
const HELD: f64 = 3.0 * DAY;
const AWAY: f64 = DAY;
/// How often each of the informed has a signal.
const SIGNAL: f64 = DAY / 4.0;
/// How often each of the crowd looks.
const LOOKS: f64 = 4.0 * HOUR;
/// What each arbitrageur takes of the skew at most, in a step.
const SHARE: f64 = 0.1;
/// How much of a target has to be missing for the crowd to trade, of its capacity.
const SLACK: f64 = 0.1;

impl Trader {
	/// Everybody in a market with a cap of `cap`.
	pub fn all(flow: &Flow, cap: f64, market: usize, seed: u64) -> Vec<Self> {
		let mut stream = 1_000 * market as u64;
		let mut random = || {
			stream += 1;
			Random::new(seed, stream)
		};
		let mut traders = Vec::new();
		let mut add = |group, margin, kind, random| {
			traders.push(Self {
				account: Account::new(group, margin),
				order: 0,
				kind,
				random,
			})
		};
		for _ in 0..flow.uninformed.0 {
			let mut random = random();
			// From two to ten times.
			let margin = 1.0 / random.between(2.0, 10.0);
			let value = flow.uninformed.1 * cap;
			add(Group::Uninformed, margin, Kind::Uninformed { value }, random);
		}
		for _ in 0..flow.crowd.0 {
			let mut random = random();
			let kind = Kind::Crowd {
				capacity: flow.crowd.1 * cap / flow.crowd.0 as f64,
				look_back: random.between(0.5, 1.5) * DAY,
				bias: flow.crowd_bias,
				weight: 100.0 * flow.crowd_weight * random.between(0.5, 1.5),
			};
			add(Group::Crowd, 1.0 / random.between(2.0, 6.0), kind, random);
		}
		for _ in 0..flow.informed.0 {
			for lead in flow.leads {
				let kind = Kind::Informed {
					value: flow.informed.1 * cap,
					right: flow.right,
					lead,
					until: 0,
				};
				add(Group::Informed, 0.2, kind, random());
			}
		}
		for _ in 0..flow.arbitrageurs.0 {
			let mut random = random();
			let capacity = flow.arbitrageurs.1 * cap / flow.arbitrageurs.0 as f64;
			let kind = Kind::Arbitrageur {
				capacity: capacity * random.between(0.5, 1.5),
				full_edge: random.between(20.0, 60.0) * BASIS_POINT,
				horizon: random.between(1.0, 7.0) * DAY,
				fades: random.between(0.0, 0.3),
				lasts: random.between(2.0, 24.0) * HOUR,
				profit: random.between(1.0, 8.0) * BASIS_POINT,
				// All of it in one to four hours.
				pace: capacity / (random.between(1.0, 4.0) * HOUR),
			};
			// Hedged, and margin is added in time.
			add(Group::Arbitrageurs, 0.5, kind, random);
		}
		if flow.squatted == Some(market) {
			for side in [1.0, -1.0] {
				add(Group::Squatter, 0.5, Kind::Squatter { side }, random());
			}
		}
		traders
	}

	/// What it commits now, to be filled at the next price.
	pub fn decide(&mut self, view: &View) {
		let held_size = self.account.position.size;
		let held = held_size as f64 / UNIT * view.price();
		let random = &mut self.random;
		self.order = match &mut self.kind {
			Kind::Uninformed { value } => {
				if held_size != 0 {
					if view.happens(random, HELD) {
						-held_size
					} else {
						0
					}
				} else if view.happens(random, AWAY) {
					let side = if random.unit() < 0.5 { 1.0 } else { -1.0 };
					// Many small ones and some up to four times the mean.
					let u = random.unit();
					view.size(side * *value * 4.0 * u * u * u)
				} else {
					0
				}
			}
			Kind::Crowd {
				capacity,
				look_back,
				bias,
				weight,
			} => {
				let moved = view.price() / view.past(*look_back) - 1.0;
				let target = *capacity * (*bias + *weight * moved).clamp(-1.0, 1.0);
				let looks = view.happens(random, LOOKS);
				if looks && (target - held).abs() > SLACK * *capacity {
					view.size(target - held)
				} else {
					0
				}
			}
			Kind::Informed {
				value,
				right,
				lead,
				until,
			} => {
				if held_size != 0 {
					if view.now >= *until {
						-held_size
					} else {
						0
					}
				} else {
					let ahead = view.now + (*lead / view.step).round().max(1.0) as usize;
					let signal = view
						.happens(random, SIGNAL)
						.then(|| view.prices.get(ahead))
						.flatten();
					let is_right = random.unit() < *right;
					signal.map_or(0, |then| {
						let moved = then / view.price() - 1.0;
						let side = if (moved > 0.0) == is_right { 1.0 } else { -1.0 };
						// In and out, and the half of what it moves the premium by.
						let costs = view.fee(side > 0.0) + view.taker + *value / view.depth;
						let gain = (2.0 * *right - 1.0) * moved.abs();
						*until = ahead;
						if gain > costs {
							view.size(side * *value)
						} else {
							0
						}
					})
				}
			}
			Kind::Arbitrageur {
				capacity,
				full_edge,
				horizon,
				fades,
				lasts,
				profit,
				pace,
			} => {
				// What holding costs over the horizon: the premium that fades, funding, and the borrow fee as
				// it is.
				let long_pays = *fades * view.premium + view.funding(*horizon, *lasts);
				let carry = (CARRY + view.rent) * *horizon / YEAR;
				let position_for = |edge: f64| *capacity * (edge / *full_edge).clamp(0.0, 1.0);
				let best = if long_pays > 0.0 { -1.0 } else { 1.0 };
				let gain = long_pays.abs() - carry;
				// Leaving is expected to cost the taker fee.
				let wanted = position_for(gain - view.fee(best > 0.0) - view.taker - *profit);
				// What is held already pays for being kept, or for leaving now rather than later.
				let side = if held < 0.0 { -1.0 } else { 1.0 };
				let keeping = -side * long_pays - carry;
				let kept = position_for(keeping + view.fee(side < 0.0) + *profit);
				let target = if wanted > 0.0 && wanted > best * held {
					best * wanted
				} else if held.abs() > kept {
					side * kept
				} else {
					held
				};
				// Its limit price keeps it from turning the skew round.
				let narrows = (target - held) * view.skew() < 0.0;
				let most = if narrows {
					(*pace * view.step).min(view.skew().abs() * SHARE)
				} else {
					*pace * view.step
				};
				let change = (target - held).clamp(-most, most);
				if target == 0.0 && held.abs() <= most {
					-held_size
				} else if change.abs() > 0.01 * *capacity {
					view.size(change)
				} else {
					0
				}
			}
			Kind::Squatter { side } => {
				let more = 0.0025 * view.cap;
				// A leg at a time, so that the pair stays hedged.
				if *side * held < view.cap && *side * view.squatted as f64 <= 0.0 {
					view.size(*side * more)
				} else {
					0
				}
			}
		};
	}

	/// What closes everything.
	pub fn leave(&mut self) {
		self.order = -self.account.position.size;
	}
}
