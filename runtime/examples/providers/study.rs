//! A run: a path, rules and flow; what came of it hour by hour.

use pallet_perpetuals::Market;

use crate::{
	flow::{Flow, Trader, View},
	paths::Path,
	pool::{float, Account, Dealings, Desk, Pool, Rules, Sources, GROUPS, KUSD, UNIT},
};

/// Seconds from the price at which an order is committed to that at which it fills.
const DELAY: f64 = 10.0;
/// How often governance sets the skew scales for the day's prices, in seconds.
const RESCALED: u64 = 7 * 86_400;

pub struct Run {
	pub days: f64,
	pub equity: f64,
	/// Of each hour and market.
	pub hours: Vec<Vec<Sources>>,
	/// Of each hour, in days since the beginning, gaps left out.
	pub times: Vec<f64>,
	/// The first market's price.
	pub prices: Vec<f64>,
	/// Of each market and group.
	pub dealings: Vec<[Dealings; GROUPS.len()]>,
	/// Of each market: the widest premium, and the largest open interest in kUSD.
	pub widest: Vec<f64>,
	pub busiest: Vec<f64>,
	/// Of BTC and ETH: of each eight hours, what Binance's longs paid and ours did, basis points.
	pub funding: [Vec<(f64, f64)>; 2],
	/// Of the pool's equity, mean and most.
	pub utilisation: (f64, f64),
	/// What the fund had in the end, and its target on average, in kUSD.
	pub fund: (f64, f64),
	/// What the squatter held on both sides, on average, in kUSD.
	pub squatted: f64,
	/// Set aside for rebates and not paid, in kUSD.
	pub pots: f64,
	/// What the books are off by, in kUSD.
	pub off: f64,
}

impl Run {
	pub fn new(path: &Path, rules: &Rules, flow: &Flow, seed: u64) -> Self {
		let mut pool = Pool::new(rules, path);
		let mut run = Self {
			days: path.days(),
			equity: rules.equity,
			hours: vec![vec![Sources::default(); path.markets]],
			times: vec![0.0],
			prices: vec![path.segments[0].prices[0][0]],
			dealings: Vec::new(),
			widest: Vec::new(),
			busiest: Vec::new(),
			funding: Default::default(),
			utilisation: (0.0, 0.0),
			fund: (0.0, 0.0),
			squatted: 0.0,
			pots: 0.0,
			off: 0.0,
		};
		let mut traders: Vec<Vec<Trader>> = (0..path.markets)
			.map(|market| {
				let cap = rules.markets[market].max_open_interest as f64 / KUSD;
				Trader::all(flow, cap, market, seed)
			})
			.collect();
		let mut passed = 0.0;
		for segment in &path.segments {
			pool.rescale(|id| segment.prices[id][0]);
			pool.resume(segment.from * 1_000);
			run.segment(
				path,
				segment.from,
				&segment.prices,
				&mut pool,
				&mut traders,
				passed,
			);
			passed += (segment.prices[0].len() - 1) as f64 * path.step as f64 / 86_400.0;
		}
		run.utilisation.0 /= run.hours.len() as f64;
		run.squatted /= run.hours.len() as f64;
		run.fund = (
			pool.fund as f64 / KUSD,
			pool.targets.0 / f64::from(pool.targets.1),
		);
		run.pots = pool
			.desks
			.iter()
			.map(|desk| desk.market.rebates as f64 / KUSD)
			.sum();
		run.dealings = pool.desks.iter().map(|desk| desk.groups).collect();
		run.widest = pool.desks.iter().map(|desk| desk.widest).collect();
		run.busiest = pool.desks.iter().map(|desk| desk.busiest as f64 / KUSD).collect();
		let sources: f64 = pool.desks.iter().map(|desk| desk.sources().total()).sum();
		run.off = pool.equity() as f64 / KUSD - rules.equity - sources;
		run
	}

	fn segment(
		&mut self,
		path: &Path,
		from: u64,
		prices: &[Vec<f64>],
		pool: &mut Pool,
		traders: &mut [Vec<Trader>],
		passed: f64,
	) {
		let step = path.step as f64;
		let last = prices[0].len() - 1;
		let mut funding: Vec<f64> = pool.desks.iter().map(|desk| desk.funding_index).collect();
		for now in 0..last {
			let seconds = from + now as u64 * path.step;
			// Everybody decides at this price, …
			for (id, traders) in traders.iter_mut().enumerate() {
				let view = View::new(&pool.desks[id], &pool.rules.markets[id], &prices[id], now, step);
				for trader in traders {
					if now + 1 == last {
						trader.leave();
					} else {
						trader.decide(&view);
					}
				}
			}
			// … and trades at the next one.
			let at = |id: usize| prices[id][now] + (prices[id][now + 1] - prices[id][now]) * DELAY / step;
			pool.refresh(seconds * 1_000 + (DELAY * 1e3) as u64, at);
			for (id, traders) in traders.iter_mut().enumerate() {
				let count = traders.len();
				let glance = Glance::new(&pool.desks[id].market);
				for turn in 0..count {
					// Another one first each time.
					let trader = &mut traders[(turn + now) % count];
					if !trader.account.adds_margin && glance.may_be_unsafe(&trader.account) {
						let held = trader.account.position.size;
						pool.liquidate(id, &mut trader.account);
						if trader.account.position.size != held {
							// What it wanted before; in the end everybody leaves.
							trader.order = 0;
							if now + 1 == last {
								trader.leave();
							}
						}
					}
					if trader.order != 0 {
						pool.fill(id, &mut trader.account, trader.order);
						trader.order = 0;
					}
				}
			}
			let seconds = seconds + path.step;
			if seconds.is_multiple_of(3_600) {
				self.hours
					.push(pool.desks.iter().map(|desk| desk.sources()).collect());
				self.times.push(passed + (now + 1) as f64 * step / 86_400.0);
				self.prices.push(prices[0][now + 1]);
				self.squatted += pool.desks.iter().map(Desk::squatted).sum::<f64>();
				let used = pool.utilisation();
				self.utilisation = (self.utilisation.0 + used, self.utilisation.1.max(used));
			}
			if seconds.is_multiple_of(28_800) {
				for (id, index) in funding.iter_mut().enumerate().take(2) {
					let desk = &pool.desks[id];
					let paid = (desk.funding_index - *index) / float(desk.market.index()) * 1e4;
					let is_whole = now as u64 * path.step >= 28_000;
					if let Some(binance) = path.funding[id].get(&seconds).filter(|_| is_whole) {
						self.funding[id].push((*binance, paid));
					}
					*index = desk.funding_index;
				}
			}
			if seconds.is_multiple_of(RESCALED) {
				pool.rescale(|id| prices[id][now + 1]);
			}
			if seconds.is_multiple_of(86_400) {
				pool.measure(scenarios(pool, traders));
			}
		}
	}
}

/// A market in floats, for a first look at accounts.
struct Glance {
	mark: f64,
	carry: (f64, f64),
	maintenance: f64,
}

impl Glance {
	fn new(market: &Market) -> Self {
		Self {
			mark: float(market.mark()),
			carry: (market.carry.long as f64 / 1e18, market.carry.short as f64 / 1e18),
			maintenance: float(market.rates.maintenance),
		}
	}

	/// Whether an exact look could say that it must be liquidated; rather too often.
	fn may_be_unsafe(&self, account: &Account) -> bool {
		let Account { cash, position, .. } = account;
		let size = position.size as f64 / UNIT;
		let worth = size * self.mark;
		let carry = if size < 0.0 { self.carry.1 } else { self.carry.0 };
		let owes = size * carry - position.funding as f64 / KUSD;
		let left = (cash - position.cost) as f64 / KUSD + worth - owes;
		position.size != 0 && left < 1.1 * worth.abs() * self.maintenance
	}
}

/// What would be missing from each account if a market fell, and if it rose, by its stress: of each market
/// and way, then of all together.
fn scenarios(pool: &Pool, traders: &[Vec<Trader>]) -> Vec<Vec<f64>> {
	let missing = |id: usize, sign: f64| {
		let market = &pool.desks[id].market;
		let price = float(market.mark()) * (1.0 + sign * float(pool.rules.markets[id].stress));
		traders[id]
			.iter()
			.filter(|trader| trader.account.position.size != 0 && !trader.account.adds_margin)
			.map(|trader| {
				let Account { cash, position, .. } = &trader.account;
				let left = (cash - position.cost) as f64 / KUSD + position.size as f64 / UNIT * price;
				(-left).max(0.0)
			})
			.collect::<Vec<_>>()
	};
	let mut all = Vec::new();
	for sign in [-1.0, 1.0] {
		let single: Vec<_> = (0..traders.len()).map(|id| missing(id, sign)).collect();
		all.push(single.concat());
		all.extend(single);
	}
	all
}
