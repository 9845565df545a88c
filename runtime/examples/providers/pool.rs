//! The pool and its markets by the chain's own arithmetic: [`Market`] refreshes, trades and says what is
//! owed, [`Fees`] charges. What only the pallet's storage layer does (caps, the split of fees, the waterfall)
//! is done here on plain values.

use keel_math::{
	cover::fee_share,
	margin::smallest_part,
	mul_ratio,
	perpetual::{funding_on, notional, split, value, YEAR_MS},
	signed::mul_div_signed,
	statistics::{ewma_covariance, ln_ratio, volatility},
	FixedU128, Rounding, ONE,
};
use keel_primitives::{ChainParameters, Level, MarketParameters, Price};
use pallet_perpetuals::{Borrow, Fees, Fit, Market, Position, Trade};

use crate::paths::{Path, REFERENCE};

/// What cannot happen with the sizes and prices of this study.
pub const FITS: &str = "sizes, prices and rates of this study fit";

/// kUSD in base units.
pub const KUSD: f64 = 1e6;

/// Whole units in base units of a size.
pub const UNIT: f64 = 1e8;

/// What the volatility averages begin with, as in the development genesis.
const VOLATILITIES: [u128; 4] = [60, 80, 100, 100];

/// The insurance fund's target before it is measured.
const UNMEASURED: u128 = 1 << 100;

/// Parts of a position that a liquidation tries.
const PARTS: u32 = 128;

/// The governed numbers of a run.
#[derive(Clone)]
pub struct Rules {
	pub chain: ChainParameters,
	pub markets: Vec<MarketParameters>,
	/// What providers gave, in kUSD.
	pub equity: f64,
	/// What the insurance fund has when the first day is over, as a share of its target.
	pub coverage: f64,
}

impl Rules {
	/// Those of the development genesis. The pool is as large as the worst case of all caps together asks
	/// for.
	pub fn development() -> Self {
		let preset = keel_runtime::genesis_presets::get(&"development".into()).expect("the preset exists");
		let genesis: serde_json::Value = serde_json::from_slice(&preset).expect("a preset is JSON");
		let risk = &genesis["riskParameters"];
		let markets: Vec<(u32, MarketParameters)> =
			serde_json::from_value(risk["markets"].clone()).expect("a preset has markets");
		Self {
			chain: serde_json::from_value(risk["chain"].clone()).expect("a preset has a chain"),
			markets: markets.into_iter().map(|(_, parameters)| parameters).collect(),
			equity: 20e6,
			coverage: 1.0,
		}
	}
}

/// Where the pool's equity comes from, in kUSD. Losses are below zero.
#[derive(Clone, Copy, Default)]
pub struct Sources {
	/// The pool's share of fees.
	pub fees: f64,
	/// Premiums paid less received, less what is to be given back if everybody leaves.
	pub premium: f64,
	pub funding: f64,
	pub borrow: f64,
	/// What traders lost on the index.
	pub price: f64,
	/// What accounts with nothing left were short of, and the fund did not pay.
	pub deficits: f64,
}

impl Sources {
	pub fn all(&self) -> [f64; 6] {
		[
			self.fees,
			self.premium,
			self.funding,
			self.borrow,
			self.price,
			self.deficits,
		]
	}

	pub fn total(&self) -> f64 {
		self.all().iter().sum()
	}

	/// What traders pay for trading and holding, whatever the index does.
	pub fn income(&self) -> f64 {
		self.fees + self.premium + self.funding + self.borrow
	}

	pub fn plus(self, other: &Self) -> Self {
		Self {
			fees: self.fees + other.fees,
			premium: self.premium + other.premium,
			funding: self.funding + other.funding,
			borrow: self.borrow + other.borrow,
			price: self.price + other.price,
			deficits: self.deficits + other.deficits,
		}
	}
}

/// What a group of traders did in a market, in kUSD.
#[derive(Clone, Copy, Default)]
pub struct Dealings {
	/// Sums of the sizes above and below zero, without their signs, in base units.
	pub long: u128,
	pub short: u128,
	pub volume: f64,
	/// What the index gave it.
	pub price: f64,
	/// Premiums paid less received.
	pub premium: f64,
	/// Funding and borrow fees, as they were settled.
	pub charged: f64,
	/// Borrow fees, as they accrued.
	pub borrow: f64,
	/// Paid less rebates.
	pub fees: f64,
	/// What was not filled for caps.
	pub refused: f64,
	pub liquidations: u32,
}

impl Dealings {
	/// Longs less shorts.
	pub fn skew(&self) -> i128 {
		self.long as i128 - self.short as i128
	}

	/// Funding paid, once everybody has left.
	pub fn funding(&self) -> f64 {
		self.charged - self.borrow
	}

	/// The result of its perpetuals.
	pub fn result(&self) -> f64 {
		self.price - self.premium - self.charged - self.fees
	}

	/// Count a position of `new` instead of `old`.
	fn replace(&mut self, old: i128, new: i128) {
		let long = |size: i128| u128::try_from(size).unwrap_or(0);
		let short = |size: i128| u128::try_from(-size).unwrap_or(0);
		self.long = self.long - long(old) + long(new);
		self.short = self.short - short(old) + short(new);
	}
}

/// What a whole unit was charged between two refreshes, in kUSD.
#[derive(Default)]
struct Charged {
	/// Above zero longs paid.
	funding: f64,
	/// Of either side.
	borrow: f64,
}

impl Charged {
	/// By the market's own charges: funding is what they have in common, the borrow fee what makes them
	/// differ.
	fn between(before: &Market, after: &Market) -> Self {
		if before.positions == 0 {
			return Self::default();
		}
		let grown = |after: i128, before: i128| (after - before) as f64 / ONE as f64;
		let long = grown(after.carry.long, before.carry.long);
		let short = grown(after.carry.short, before.carry.short);
		Self {
			funding: (long + short) / 2.0,
			borrow: (long - short) / 2.0,
		}
	}

	/// Borrow fees of sizes in base units.
	fn borrow_on(&self, long: u128, short: u128) -> f64 {
		(long + short) as f64 / UNIT * self.borrow
	}
}

/// The kinds of traders.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Group {
	Uninformed,
	Arbitrageurs,
	Crowd,
	Informed,
	Squatter,
}

pub const GROUPS: [(Group, &str); 5] = [
	(Group::Uninformed, "Uninformed"),
	(Group::Arbitrageurs, "Arbitrageurs"),
	(Group::Crowd, "Crowd"),
	(Group::Informed, "Informed"),
	(Group::Squatter, "Squatter"),
];

/// An account with a position in one market.
#[derive(Clone)]
pub struct Account {
	pub group: Group,
	pub position: Position,
	/// Deposits and what was settled since it was last empty, in base units of kUSD.
	pub cash: i128,
	/// Deposits over the value opened.
	pub margin: f64,
	/// Whether it adds margin in time, so that it is never liquidated.
	pub adds_margin: bool,
}

impl Account {
	/// `margin`: what it deposits over the value it opens, at least the initial requirement.
	pub fn new(group: Group, margin: f64) -> Self {
		Self {
			group,
			position: Position::default(),
			cash: 0,
			margin,
			adds_margin: matches!(group, Group::Arbitrageurs | Group::Squatter),
		}
	}
}

/// A market and the books of it.
#[derive(Clone)]
pub struct Desk {
	pub market: Market,
	pub groups: [Dealings; GROUPS.len()],
	/// Settled, in base units of kUSD: the pool's fees, premiums, funding with borrow fees.
	fees: i128,
	premium: i128,
	charged: i128,
	deficits: i128,
	/// Borrow fees as they accrued, in kUSD.
	borrow: f64,
	/// Funding of a whole unit, in kUSD, since the study began.
	pub funding_index: f64,
	/// What the borrow fee was last, as a share of a position's value, a year.
	pub rent: f64,
	/// What traders lost on the index, in kUSD.
	price: f64,
	variance: i128,
	/// The largest share of its worst case and of its premium that was used.
	pub widest: f64,
	pub busiest: u128,
}

pub struct Pool {
	pub rules: Rules,
	/// In base units of kUSD.
	pub cash: i128,
	pub desks: Vec<Desk>,
	/// What the insurance fund and the markets' tranches have and should have, in base units of kUSD.
	pub fund: u128,
	pub target: u128,
	/// The targets of all days, and how many there were.
	pub targets: (f64, u32),
	share: FixedU128,
	/// Skew scales at the reference prices.
	scales: Vec<u128>,
}

/// A price as a feed gives it.
fn fed(price: f64) -> FixedU128 {
	FixedU128::from_inner((price * 1e8) as u128 * 10_000_000_000)
}

pub fn float(ratio: FixedU128) -> f64 {
	ratio.into_inner() as f64 / ONE as f64
}

fn kusd(amount: i128) -> f64 {
	amount as f64 / KUSD
}

/// What the pool is owed of funding and borrow fees by all positions of `market`, in base units of kUSD.
fn accrued(market: &Market) -> i128 {
	let on = |size: i128, charged| funding_on(size, charged, Rounding::Down).expect(FITS);
	let (long, short) = (market.long as i128, market.short as i128);
	on(long, market.carry.long) + on(-short, market.carry.short) - market.funding_debt
}

/// What of `fees` is set aside for rebates, is the fund's, and is the pool's, as `pallet_perpetuals` splits
/// them where no profits were cut. The rebate is paid out of the pot.
fn split_fees(
	market: &mut Market,
	p: &MarketParameters,
	fees: &Fees,
	share: FixedU128,
) -> Option<(u128, u128)> {
	let aside = mul_ratio(fees.taker, p.rebate_share, Rounding::Down)?.min(fees.taker);
	market.rebates = market.rebates.checked_sub(fees.rebate)?.checked_add(aside)?;
	let rest = fees.taker.checked_add(fees.maker)?.checked_sub(aside)?;
	let fund = mul_ratio(rest, share, Rounding::Up)?.min(rest);
	Some((fund, rest.checked_sub(fund)?))
}

impl Desk {
	fn of(&mut self, group: Group) -> &mut Dealings {
		&mut self.groups[group as usize]
	}

	/// What would be given back of premiums if everybody left, in base units of kUSD.
	fn premium_due(&self) -> i128 {
		let (market, skew) = (&self.market, self.market.skew());
		let whole = market
			.curve()
			.and_then(|curve| curve.owed(market.index(), skew, 0))
			.expect(FITS);
		whole - value(skew, market.index(), Rounding::Up).expect(FITS)
	}

	pub fn sources(&self) -> Sources {
		let charged = kusd(self.charged + accrued(&self.market));
		Sources {
			fees: kusd(self.fees),
			premium: kusd(self.premium - self.premium_due()),
			funding: charged - self.borrow,
			borrow: self.borrow,
			price: self.price,
			deficits: -kusd(self.deficits),
		}
	}

	/// What the squatter holds on both sides, in kUSD.
	pub fn squatted(&self) -> f64 {
		let held = &self.groups[Group::Squatter as usize];
		kusd(
			value(
				(held.long + held.short) as i128,
				self.market.index(),
				Rounding::Down,
			)
			.expect(FITS),
		)
	}

	/// The premium of now.
	pub fn premium(&self) -> f64 {
		let curve = self.market.curve().expect(FITS);
		curve.premium(self.market.skew()).expect(FITS) as f64 / ONE as f64
	}

	/// The funding rate a day.
	pub fn rate(&self) -> f64 {
		self.market.rate as f64 / ONE as f64
	}
}

impl Pool {
	pub fn new(rules: &Rules, path: &Path) -> Self {
		let desks = rules.markets[..path.markets]
			.iter()
			.enumerate()
			.map(|(id, parameters)| Desk {
				market: Market::new(id as u32, id as u32, parameters, path.segments[0].from * 1_000),
				groups: Default::default(),
				fees: 0,
				premium: 0,
				charged: 0,
				deficits: 0,
				borrow: 0.0,
				funding_index: 0.0,
				rent: 0.0,
				price: 0.0,
				variance: (VOLATILITIES[id] * VOLATILITIES[id] * (ONE / 10_000)) as i128,
				widest: 0.0,
				busiest: 0,
			});
		Self {
			cash: (rules.equity * KUSD) as i128,
			desks: desks.collect(),
			// Covered by definition until the first day says what the target is.
			fund: (UNMEASURED as f64 * rules.coverage) as u128,
			target: UNMEASURED,
			targets: (0.0, 0),
			share: FixedU128::default(),
			scales: rules.markets.iter().map(|p| p.skew_scale).collect(),
			rules: rules.clone(),
		}
	}

	/// After time that is left out: nobody is in any market, and funding has come to rest.
	pub fn resume(&mut self, now_ms: u64) {
		for (id, desk) in self.desks.iter_mut().enumerate() {
			assert_eq!(
				(desk.market.positions, desk.market.cost),
				(0, 0),
				"everybody has left"
			);
			let rebates = desk.market.rebates;
			desk.market = Market::new(id as u32, id as u32, &self.rules.markets[id], now_ms);
			desk.market.rebates = rebates;
		}
	}

	/// What governance does from time to time: a skew scale that is worth as much as at the reference price.
	/// The chain goes there by a hundredth an hour.
	pub fn rescale(&mut self, prices: impl Fn(usize) -> f64) {
		for (id, p) in self.rules.markets[..self.desks.len()].iter_mut().enumerate() {
			p.skew_scale = (self.scales[id] as f64 * REFERENCE[id] / prices(id)) as u128;
		}
	}

	/// A block with new prices.
	pub fn refresh(&mut self, now_ms: u64, prices: impl Fn(usize) -> f64) {
		for (id, desk) in self.desks.iter_mut().enumerate() {
			let (before, now) = (desk.market.price, fed(prices(id)));
			let passed = now_ms.saturating_sub(before.at);
			let known = before.value > FixedU128::default();
			// Time that is left out says nothing about volatility.
			if known && (1..3_600_000).contains(&passed) {
				let moved = ln_ratio(now, before.value).expect(FITS);
				let tau = self.rules.chain.volatility_tau;
				desk.variance = ewma_covariance(desk.variance, moved, moved, passed, tau).expect(FITS);
			}
			let price = Price {
				value: now,
				confidence: FixedU128::from_inner(1),
				at: now_ms,
				since: now_ms,
				twap: now,
				volatility: volatility(desk.variance),
			};
			let fit = Fit {
				add_risk: true,
				reduce_risk: true,
				liquidate: true,
			};
			let p = &self.rules.markets[id];
			let was = desk.market;
			desk.market
				.refresh(now_ms, Some(price), fit, Level::Normal, Some(p));
			let charged = Charged::between(&was, &desk.market);
			desk.borrow += charged.borrow_on(was.long, was.short);
			desk.funding_index += charged.funding;
			let value_years = float(now) * now_ms.saturating_sub(was.at) as f64 / YEAR_MS as f64;
			desk.rent = charged.borrow / value_years;
			for group in &mut desk.groups {
				group.borrow += charged.borrow_on(group.long, group.short);
			}
			if known {
				let change = float(now) - float(before.value);
				for group in &mut desk.groups {
					let gained = group.skew() as f64 / UNIT * change;
					group.price += gained;
					desk.price -= gained;
				}
			}
			desk.widest = desk.widest.max(desk.premium().abs());
			desk.busiest = desk.busiest.max(desk.market.open_interest());
		}
		let chain = &self.rules.chain;
		let most = FixedU128::from_inner(ONE - chain.pool_fee_floor.into_inner());
		self.share = fee_share(self.fund, self.target).min(most);
		let equity = u128::try_from(self.equity()).unwrap_or(0);
		let borrow = Borrow::of(self.worst_case(), equity, chain);
		self.desks.iter_mut().for_each(|desk| desk.market.borrow = borrow);
	}

	fn worst_case(&self) -> u128 {
		self.desks.iter().map(|desk| desk.market.worst_case()).sum()
	}

	/// What the pool has above what it owes, in base units of kUSD.
	pub fn equity(&self) -> i128 {
		let owed = |desk: &Desk| desk.market.owed().expect(FITS);
		self.cash - self.desks.iter().map(owed).sum::<i128>()
	}

	/// What the pool loses at most, over its equity.
	pub fn utilisation(&self) -> f64 {
		self.worst_case() as f64 / self.equity().max(1) as f64
	}

	/// Whether the chain lets `after`, with a position of `size`, be opened by `delta`. Steps of a block are
	/// left out: a step of this study is dozens of blocks.
	fn lets_open(&self, id: usize, after: &Market, delta: i128, size: i128) -> bool {
		let (before, p) = (&self.desks[id].market, &self.rules.markets[id]);
		let side = if size > 0 { after.long } else { after.short };
		if after.side_value(side) > after.cap(p.max_open_interest, p.guarded_caps) {
			return false;
		}
		let widens = split(delta, before.skew()).0 != 0;
		let bound = after.curve().expect(FITS).bound();
		if widens && after.skew().unsigned_abs() > bound {
			return false;
		}
		if after.worst_case() <= before.worst_case() {
			return true;
		}
		let others = self.desks.iter().enumerate().filter(|(other, _)| *other != id);
		let worst: u128 = others.map(|(_, desk)| desk.market.worst_case()).sum();
		let equity = u128::try_from(self.equity()).unwrap_or(0);
		let most = mul_ratio(equity, self.rules.chain.pool_stress, Rounding::Down).expect(FITS);
		worst + after.worst_case() <= most
	}

	/// Fill `delta` for `account` in market `id`. False if the chain refuses it; then nothing changes but
	/// that count.
	pub fn fill(&mut self, id: usize, account: &mut Account, delta: i128) -> bool {
		let before = self.desks[id].market;
		let p = &self.rules.markets[id];
		let (mut market, mut position) = (before, account.position);
		let trade = market.trade(&mut position, delta).expect(FITS);
		let opening = split(delta, account.position.size).0;
		let worth = notional(delta, before.index(), Rounding::Up).expect(FITS);
		if opening != 0 && !self.lets_open(id, &market, delta, position.size) {
			self.desks[id].of(account.group).refused += worth as f64 / KUSD;
			return false;
		}
		market.update_initial();
		let fees = Fees::of(&before, p, delta, trade.price)
			.and_then(|fees| fees.at_least(self.rules.chain.order_fee))
			.expect(FITS);
		let (fund, pool) = split_fees(&mut market, p, &fees, self.share).expect(FITS);
		self.fund += fund;
		self.book(
			id,
			account,
			market,
			position,
			delta,
			&trade,
			fees.net().expect(FITS),
			pool,
		);
		if opening != 0 {
			let opened = notional(opening, before.index(), Rounding::Up).expect(FITS) as f64;
			let risk = self.desks[id].market.risk(&position).expect(FITS);
			let missing = risk.initial as i128 - (account.cash + risk.net);
			account.cash += missing.max((opened * account.margin) as i128).max(0);
		}
		true
	}

	/// Write what a trade did.
	#[allow(clippy::too_many_arguments)]
	fn book(
		&mut self,
		id: usize,
		account: &mut Account,
		market: Market,
		position: Position,
		delta: i128,
		trade: &Trade,
		fee: i128,
		pool: u128,
	) {
		let desk = &mut self.desks[id];
		let premium = trade.cost - value(delta, market.index(), Rounding::Down).expect(FITS);
		let gain = trade.gain().expect(FITS);
		self.cash += pool as i128 - gain;
		account.cash += gain - fee;
		let held = account.position.size;
		account.position = position;
		desk.market = market;
		desk.fees += pool as i128;
		desk.premium += premium;
		desk.charged += trade.funding;
		let dealings = desk.of(account.group);
		dealings.replace(held, position.size);
		dealings.volume += kusd(value(delta, market.index(), Rounding::Down).expect(FITS)).abs();
		dealings.premium += kusd(premium);
		dealings.charged += kusd(trade.funding);
		dealings.fees += kusd(fee);
		if position.size == 0 {
			self.part(id, account);
		}
	}

	/// What an account without a position has left is taken out; what is missing is carried by the fund, then
	/// the pool.
	fn part(&mut self, id: usize, account: &mut Account) {
		if account.cash < 0 && !account.adds_margin {
			let missing = account.cash.unsigned_abs();
			let paid = missing.min(self.fund);
			self.fund -= paid;
			let left = (missing - paid) as i128;
			self.cash -= left;
			self.desks[id].deficits += left;
		}
		account.cash = 0;
	}

	/// Close what an account can't bear: the smallest part that brings it to 120 % of its requirement.
	pub fn liquidate(&mut self, id: usize, account: &mut Account) {
		let before = self.desks[id].market;
		let rate = self.rules.markets[id].liquidation_fee;
		let held = account.position;
		let risk = before.risk(&held).expect(FITS);
		if account.cash + risk.net >= risk.maintenance as i128 {
			return;
		}
		let close = |parts: u32| {
			let delta = mul_div_signed(-held.size, parts.into(), PARTS.into(), Rounding::Down).expect(FITS);
			let (mut market, mut rest) = (before, held);
			let trade = market.trade(&mut rest, delta).expect(FITS);
			market.update_initial();
			let risk = market.risk(&rest).expect(FITS);
			let left = account.cash + risk.net + trade.gain().expect(FITS);
			let fee = mul_ratio(trade.cost.unsigned_abs(), rate, Rounding::Up).expect(FITS);
			// No more than there is.
			let fee = (fee as i128).min(left.max(0));
			(delta, market, rest, trade, fee, left - fee, risk.maintenance)
		};
		let parts = smallest_part(PARTS, |parts| {
			let (.., left, maintenance) = close(parts);
			left * 10 >= maintenance as i128 * 12
		});
		let (delta, market, rest, trade, fee, ..) = close(parts);
		self.fund += fee as u128;
		self.desks[id].of(account.group).liquidations += 1;
		self.book(id, account, market, rest, delta, &trade, fee, 0);
	}

	/// Measure what the insurance fund should have: the two largest shortfalls of the worst scenario.
	/// `shortfalls` of all markets' falls and rises, in kUSD. With it the first day is over.
	pub fn measure(&mut self, scenarios: Vec<Vec<f64>>) {
		let cover = scenarios.into_iter().map(|mut shortfalls| {
			shortfalls.sort_by(|one, other| other.total_cmp(one));
			shortfalls.iter().take(2).sum::<f64>()
		});
		let first = self.target == UNMEASURED;
		self.target = (cover.fold(0.0, f64::max) * KUSD) as u128;
		self.targets = (self.targets.0 + self.target as f64 / KUSD, self.targets.1 + 1);
		if first {
			self.fund = (self.target as f64 * self.rules.coverage) as u128;
		}
	}
}
