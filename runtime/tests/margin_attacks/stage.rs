//! The chain, the people on it and their books.

pub use crate::common::*;
pub use frame_support::{assert_noop, assert_ok};
pub use keel_primitives::{
	Balance, ChainParameters, Clearing as _, InsuranceFund as _, LiquidityPool as _, MarginAccountId,
	MarginAccounts as _, MarketParameters, PoolExposure as _, RiskParameters as _,
};
pub use keel_runtime::{
	InsuranceFund, LiquidityPool, Margin, Moment, Perpetuals, RiskParameters, Runtime, RuntimeEvent, System,
};
pub use pallet_perpetuals::{Error as PerpetualsError, NewOrder, Trigger, When};
pub use sp_keyring::Sr25519Keyring::{self, *};
pub use sp_runtime::{DispatchResult, FixedU128};

pub const SOL: u32 = 6;
pub const SHARES: u32 = 100;
pub const MARKETS: [u32; 4] = [BTC, ETH, DOT, SOL];
/// What an order lives, in milliseconds.
pub const LIFE: Moment = 600_000;

pub fn prices() -> Vec<(u32, f64)> {
	vec![
		(1, 1.0),
		(BTC, 60_000.0),
		(ETH, 3_000.0),
		(DOT, 6.0),
		(5, 1.0),
		(SOL, 150.0),
	]
}

pub fn bps(n: u128) -> FixedU128 {
	FixedU128::from_rational(n, 10_000)
}

pub fn ok(result: DispatchResult) {
	assert_ok!(result);
}

/// Base units of a size.
pub fn units(whole: f64) -> i128 {
	(whole * 1e8).round() as i128
}

/// Base units as kUSD.
pub fn in_kusd(amount: i128) -> f64 {
	amount as f64 / 1e6
}

pub fn account(key: Sr25519Keyring, sub: u8) -> MarginAccountId {
	Margin::account(&who(key), sub).unwrap()
}

pub fn position(key: Sr25519Keyring, sub: u8, market: u32) -> i128 {
	Margin::account(&who(key), sub).map_or(0, |a| trader(a).position(market).size)
}

pub fn open_orders(key: Sr25519Keyring, sub: u8) -> usize {
	Margin::account(&who(key), sub).map_or(0, |a| trader(a).orders.len())
}

pub fn deposit(key: Sr25519Keyring, sub: u8, amount: Balance) -> DispatchResult {
	call(
		key,
		pallet_margin::Call::<Runtime>::deposit {
			sub,
			asset: KUSD,
			amount,
		},
	)
}

pub fn withdraw(key: Sr25519Keyring, sub: u8, amount: Balance) -> DispatchResult {
	call(
		key,
		pallet_margin::Call::<Runtime>::withdraw {
			sub,
			asset: KUSD,
			amount,
		},
	)
}

pub fn withdrawable(key: Sr25519Keyring, sub: u8) -> Balance {
	Margin::withdrawable(who(key), sub, KUSD)
}

pub struct Order {
	pub sub: u8,
	pub market: u32,
	pub size: i128,
	pub trigger: Option<Trigger>,
	pub limit: Option<f64>,
	pub reduce_only: bool,
	pub life: Moment,
}

impl Order {
	pub fn new(sub: u8, market: u32, size: i128) -> Self {
		Self {
			sub,
			market,
			size,
			trigger: None,
			limit: None,
			reduce_only: false,
			life: LIFE,
		}
	}

	pub fn commit(self, key: Sr25519Keyring) -> DispatchResult {
		call(
			key,
			pallet_perpetuals::Call::<Runtime>::commit_order {
				sub: self.sub,
				order: NewOrder {
					market: self.market,
					size: self.size,
					trigger: self.trigger,
					// Without one it would be worked off in steps: one that is none, for who names no better.
					limit: Some(self.limit.map_or(no_limit(self.size), usd)),
					resting: false,
					reduce_only: self.reduce_only,
					expires_in: self.life,
				},
			},
		)
	}
}

/// A limit that every price meets.
pub fn no_limit(size: i128) -> FixedU128 {
	if size > 0 {
		usd(1e9)
	} else {
		FixedU128::from_inner(1)
	}
}

/// Buy, or sell below zero.
pub fn order(key: Sr25519Keyring, sub: u8, market: u32, size: i128) -> DispatchResult {
	Order::new(sub, market, size).commit(key)
}

/// Close all of a position.
pub fn leave(key: Sr25519Keyring, sub: u8, market: u32) -> DispatchResult {
	Order {
		reduce_only: true,
		..Order::new(sub, market, -position(key, sub, market))
	}
	.commit(key)
}

/// All that `key` has in kUSD: wallet, margin accounts with their positions closed at the fill price of now, what is held for
/// orders, shares of the pool and of the lending reserve. In base units.
pub fn wealth(key: Sr25519Keyring) -> i128 {
	let mut sum = balance(KUSD, key) as i128;
	for (sub, id) in Margin::accounts_of(who(key)) {
		let statement = Margin::statement(id).unwrap();
		sum += statement.cash as i128 - statement.debt as i128;
		for held in &statement.collateral {
			sum += held.value as i128;
		}
		for exposure in &statement.exposures {
			let closing = NewOrder {
				market: exposure.market,
				size: -exposure.size,
				limit: Some(no_limit(-exposure.size)),
				reduce_only: true,
				..Default::default()
			};
			let closed = Perpetuals::preview_order(who(key), sub, closing);
			sum += closed.map_or(exposure.unrealised, |p| {
				p.fill.realised - p.fill.funding - p.fill.fee
			});
		}
	}
	let shares = LiquidityPool::holding_of(who(key));
	let lent = Margin::lender(who(key)).unwrap().worth;
	sum + (shares.value.unwrap_or(0) + shares.waiting + lent) as i128
}

/// What the liquidity pool is worth at the last prices.
pub fn pool_equity() -> i128 {
	LiquidityPool::cash() - Perpetuals::owed().unwrap()
}

/// What the insurance fund has and is due, the markets' tranches and rebates among it.
pub fn fund() -> i128 {
	let balances = InsuranceFund::balances();
	let due = Perpetuals::pots().fund_due;
	let pots: Balance = MARKETS
		.iter()
		.map(|m| Perpetuals::market(*m).unwrap())
		.map(|m| m.rebates + m.tranche)
		.sum();
	(balances.shared + balances.treasury + due + pots) as i128
}

/// The skew of a market, in whole units.
pub fn skew(market: u32) -> f64 {
	let m = Perpetuals::market(market).unwrap();
	(m.long as f64 - m.short as f64) / 1e8
}

/// Everybody's books at one time.
#[derive(Clone)]
pub struct Books {
	pub attackers: i128,
	pub victims: i128,
	pub pool: i128,
	pub fund: i128,
}

/// A chain on which everybody has kUSD and the pool has two million of it, with the markets' numbers said outright.
pub struct Stage {
	pub chain: Chain,
	pub now: Moment,
	pub prices: Vec<(u32, f64)>,
	pub attackers: Vec<Sr25519Keyring>,
	pub victims: Vec<Sr25519Keyring>,
}

impl Stage {
	pub fn new() -> Self {
		Self::at(prices())
	}

	/// The same at other prices than the usual.
	pub fn at(prices: Vec<(u32, f64)>) -> Self {
		let mut stage = Self::without_pool_at(prices);
		stage.fed(|| {
			for key in [Alice, Bob] {
				let amount = kusd(1_000_000);
				assert_ok!(call(
					key,
					pallet_liquidity_pool::Call::<Runtime>::provide {
						amount,
						least_shares: 0
					}
				));
			}
		});
		stage.blocks(3);
		assert!(stage.chain.state(pool_equity) >= kusd(2_000_000) as i128);
		stage
	}

	pub fn without_pool() -> Self {
		Self::without_pool_at(prices())
	}

	fn without_pool_at(prices: Vec<(u32, f64)>) -> Self {
		let mut stage = Self {
			chain: Chain::new(),
			now: BEGIN,
			prices,
			attackers: vec![Eve, Ferdie],
			victims: vec![Charlie, Dave],
		};
		stage.blocks(4);
		stage.chain.state(|| {
			let numbers = RiskParameters::branch(BTC).unwrap();
			RiskParameters::set_branch(
				BTC,
				keel_primitives::BranchParameters {
					debt_ceiling: kusd(90_000_000),
					..numbers
				},
			);
			for (market, scale) in MARKETS.into_iter().zip([10_000, 150_000, 25_000_000, 2_000_000]) {
				let numbers = RiskParameters::market(market).unwrap();
				RiskParameters::set_market(
					market,
					MarketParameters {
						skew_scale: scale * 100_000_000,
						// About the widest that a maintenance margin of 2.5 % covers.
						max_premium: bps(80),
						premium_step: bps(3),
						taker_fee: bps(5),
						maker_fee: bps(2),
						rebate: bps(2),
						..numbers
					},
				);
			}
		});
		stage.fed(|| {
			for key in [Alice, Bob, Charlie, Dave, Eve, Ferdie] {
				assert_ok!(call(
					key,
					pallet_vaults::Call::<Runtime>::open {
						branch: BTC,
						collateral: 150 * 100_000_000,
						debt: kusd(4_000_000),
					}
				));
			}
		});
		stage
	}

	/// A block in which the operators feed, then `body`.
	pub fn fed<R>(&mut self, body: impl FnOnce() -> R) -> R {
		self.now += 2_000;
		let prices = self.prices.clone();
		self.chain.block(self.now, || {
			feed_all(&prices);
			body()
		})
	}

	/// A block without feeds.
	pub fn silent<R>(&mut self, body: impl FnOnce() -> R) -> R {
		self.now += 2_000;
		self.chain.block(self.now, body)
	}

	/// Some fed blocks.
	pub fn blocks(&mut self, count: usize) {
		for _ in 0..count {
			self.fed(|| ());
		}
	}

	/// Fed blocks half a minute apart.
	pub fn pass(&mut self, minutes: u64) {
		for _ in 0..minutes * 2 {
			self.now += 28_000;
			self.blocks(1);
		}
	}

	pub fn set(&mut self, feed: u32, price: f64) {
		self.prices.iter_mut().find(|(f, _)| *f == feed).unwrap().1 = price;
	}

	pub fn parameters(&mut self, market: u32, change: impl FnOnce(&mut MarketParameters)) {
		self.chain.state(|| {
			let mut numbers = RiskParameters::market(market).unwrap();
			change(&mut numbers);
			RiskParameters::set_market(market, numbers);
		});
	}

	pub fn chain_parameters(&mut self, change: impl FnOnce(&mut ChainParameters)) {
		self.chain.state(|| {
			let mut numbers = RiskParameters::chain();
			change(&mut numbers);
			RiskParameters::set_chain(numbers);
		});
	}

	pub fn deposit(&mut self, key: Sr25519Keyring, sub: u8, amount: u128) {
		self.chain.state(|| ok(deposit(key, sub, kusd(amount))));
	}

	/// Three millions more in the pool, so that what it can bear is not what stops an attack.
	pub fn widen_pool(&mut self) {
		self.chain.state(|| {
			for key in [Alice, Bob] {
				let amount = kusd(1_500_000);
				assert_ok!(call(
					key,
					pallet_liquidity_pool::Call::<Runtime>::provide {
						amount,
						least_shares: 0
					}
				));
			}
		});
		self.blocks(3);
	}

	/// Fed blocks until `key` has no open orders.
	pub fn fill(&mut self, key: Sr25519Keyring, sub: u8) {
		for _ in 0..200 {
			if self.chain.state(|| open_orders(key, sub)) == 0 {
				return;
			}
			self.blocks(1);
		}
		panic!("orders that are never filled");
	}

	/// Trade `whole` units in orders that fit the premium step, and wait until they are filled.
	pub fn trade(&mut self, key: Sr25519Keyring, sub: u8, market: u32, whole: f64) {
		let step = self.chain.state(|| {
			let p = RiskParameters::market(market).unwrap();
			p.skew_scale as f64 / 1e8 * (p.premium_step.into_inner() as f64 / 1e18) * 0.999
		});
		let before = self.chain.state(|| position(key, sub, market));
		let count = (whole.abs() / step).ceil() as i128;
		let mut left = units(whole);
		for done in 0..count {
			let part = left / (count - done);
			left -= part;
			if self.chain.state(|| open_orders(key, sub)) == 16 {
				self.fill(key, sub);
			}
			self.chain.state(|| ok(order(key, sub, market, part)));
		}
		self.fill(key, sub);
		let after = self.chain.state(|| position(key, sub, market));
		assert_eq!(
			after - before,
			units(whole),
			"an order of {key:?} failed: {:?}",
			self.failures()
		);
	}

	/// Close a position with one order without a limit.
	pub fn close(&mut self, key: Sr25519Keyring, sub: u8, market: u32) {
		if self.chain.state(|| position(key, sub, market)) == 0 {
			return;
		}
		self.fed(|| ok(leave(key, sub, market)));
		self.fill(key, sub);
		assert_eq!(self.chain.state(|| position(key, sub, market)), 0);
	}

	/// The orders that failed in the last block.
	pub fn failures(&mut self) -> Vec<RuntimeEvent> {
		self.chain.state(|| {
			events()
				.into_iter()
				.filter(|e| {
					matches!(
						e,
						RuntimeEvent::Perpetuals(pallet_perpetuals::Event::OrderFailed { .. })
					)
				})
				.collect()
		})
	}

	pub fn books(&mut self) -> Books {
		let (attackers, victims) = (self.attackers.clone(), self.victims.clone());
		self.chain.state(|| Books {
			attackers: attackers.into_iter().map(wealth).sum(),
			victims: victims.into_iter().map(wealth).sum(),
			pool: pool_equity(),
			fund: fund(),
		})
	}

	/// Say what became of everybody since `before`; the attackers' gain, in base units.
	pub fn report(&mut self, name: &str, before: &Books) -> i128 {
		let after = self.books();
		let gain = after.attackers - before.attackers;
		println!(
			"{name}: attackers {:+.6}, victims {:+.6}, pool {:+.6}, fund and pots {:+.6} kUSD",
			in_kusd(gain),
			in_kusd(after.victims - before.victims),
			in_kusd(after.pool - before.pool),
			in_kusd(after.fund - before.fund),
		);
		gain
	}
}
