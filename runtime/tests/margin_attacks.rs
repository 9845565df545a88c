//! What others lost money on in margin, perpetuals and pools, tried on this chain: for each attack what it brings the attacker
//! and takes from the others, in kUSD, and the bound that held.

mod common;

use common::*;
use frame_support::{assert_noop, assert_ok};
use keel_primitives::{
	Balance, ChainParameters, InsuranceFund as _, LiquidityPool as _, MarginAccountId, MarginAccounts as _,
	MarketParameters, PoolExposure as _, RiskParameters as _,
};
use keel_runtime::{
	InsuranceFund, LiquidityPool, Margin, Moment, Perpetuals, RiskParameters, Runtime, RuntimeEvent, System,
};
use pallet_perpetuals::{Error as PerpetualsError, Trigger, When};
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{DispatchResult, FixedU128};

const SOL: u32 = 6;
const SHARES: u32 = 100;
const MARKETS: [u32; 4] = [BTC, ETH, DOT, SOL];
/// What an order lives, in milliseconds.
const LIFE: Moment = 600_000;

fn prices() -> Vec<(u32, f64)> {
	vec![
		(1, 1.0),
		(BTC, 60_000.0),
		(ETH, 3_000.0),
		(DOT, 6.0),
		(5, 1.0),
		(SOL, 150.0),
	]
}

fn bps(n: u128) -> FixedU128 {
	FixedU128::from_rational(n, 10_000)
}

fn ok(result: DispatchResult) {
	assert_ok!(result);
}

/// Base units of a size.
fn units(whole: f64) -> i128 {
	(whole * 1e8).round() as i128
}

/// Base units as kUSD.
fn in_kusd(amount: i128) -> f64 {
	amount as f64 / 1e6
}

fn account(key: Sr25519Keyring, sub: u8) -> MarginAccountId {
	Margin::account(&who(key), sub).unwrap()
}

fn position(key: Sr25519Keyring, sub: u8, market: u32) -> i128 {
	Margin::account(&who(key), sub).map_or(0, |a| {
		pallet_perpetuals::Traders::<Runtime>::get(a)
			.position(market)
			.size
	})
}

fn open_orders(key: Sr25519Keyring, sub: u8) -> usize {
	Margin::account(&who(key), sub).map_or(0, |a| pallet_perpetuals::Traders::<Runtime>::get(a).orders.len())
}

fn deposit(key: Sr25519Keyring, sub: u8, amount: Balance) -> DispatchResult {
	call(
		key,
		pallet_margin::Call::<Runtime>::deposit {
			sub,
			asset: KUSD,
			amount,
		},
	)
}

fn withdraw(key: Sr25519Keyring, sub: u8, amount: Balance) -> DispatchResult {
	call(
		key,
		pallet_margin::Call::<Runtime>::withdraw {
			sub,
			asset: KUSD,
			amount,
		},
	)
}

fn withdrawable(key: Sr25519Keyring, sub: u8) -> Balance {
	Margin::withdrawable(who(key), sub, KUSD)
}

struct Order {
	sub: u8,
	market: u32,
	size: i128,
	trigger: Option<Trigger>,
	limit: Option<f64>,
	reduce_only: bool,
	life: Moment,
}

impl Order {
	fn new(sub: u8, market: u32, size: i128) -> Self {
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

	fn commit(self, key: Sr25519Keyring) -> DispatchResult {
		call(
			key,
			pallet_perpetuals::Call::<Runtime>::commit_order {
				sub: self.sub,
				market: self.market,
				size: self.size,
				trigger: self.trigger,
				// What is larger than a block's premium step has to name one: one that is none, for who names no better.
				limit: Some(self.limit.map_or(no_limit(self.size), usd)),
				reduce_only: self.reduce_only,
				expires_in: self.life,
			},
		)
	}
}

/// A limit that every price meets.
fn no_limit(size: i128) -> FixedU128 {
	if size > 0 {
		usd(1e9)
	} else {
		FixedU128::from_inner(1)
	}
}

/// Buy, or sell below zero.
fn order(key: Sr25519Keyring, sub: u8, market: u32, size: i128) -> DispatchResult {
	Order::new(sub, market, size).commit(key)
}

/// Close all of a position.
fn leave(key: Sr25519Keyring, sub: u8, market: u32) -> DispatchResult {
	Order {
		reduce_only: true,
		..Order::new(sub, market, -position(key, sub, market))
	}
	.commit(key)
}

/// All that `key` has in kUSD: wallet, margin accounts with their positions closed at the fill price of now, what is held for
/// orders, shares of the pool and of the lending reserve. In base units.
fn wealth(key: Sr25519Keyring) -> i128 {
	let mut sum = balance(KUSD, key) as i128;
	for (sub, id) in Margin::accounts_of(who(key)) {
		let statement = Margin::statement(id).unwrap();
		sum += statement.cash as i128 - statement.debt as i128;
		for held in &statement.collateral {
			sum += held.value as i128;
		}
		for exposure in &statement.exposures {
			let closed =
				Perpetuals::preview_order(who(key), sub, exposure.market, -exposure.size, None, true);
			sum += closed.map_or(exposure.unrealised, |p| {
				p.fill.realised - p.fill.funding - p.fill.fee
			});
		}
		sum += Perpetuals::orders(id)
			.iter()
			.map(|(_, order)| order.fee as i128)
			.sum::<i128>();
	}
	let shares = LiquidityPool::holding_of(who(key));
	let lent = Margin::lender(who(key)).unwrap().worth;
	sum + (shares.value.unwrap_or(0) + shares.waiting + lent) as i128
}

/// What the liquidity pool is worth at the last prices.
fn pool_equity() -> i128 {
	LiquidityPool::cash() - Perpetuals::owed().unwrap()
}

/// What the insurance fund has and is due, the markets' tranches and rebates among it.
fn fund() -> i128 {
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
fn skew(market: u32) -> f64 {
	let m = Perpetuals::market(market).unwrap();
	(m.long as f64 - m.short as f64) / 1e8
}

/// Everybody's books at one time.
#[derive(Clone)]
struct Books {
	attackers: i128,
	victims: i128,
	pool: i128,
	fund: i128,
}

/// A chain on which everybody has kUSD and the pool has two million of it, with the markets' numbers said outright.
struct Stage {
	chain: Chain,
	now: Moment,
	prices: Vec<(u32, f64)>,
	attackers: Vec<Sr25519Keyring>,
	victims: Vec<Sr25519Keyring>,
}

impl Stage {
	fn new() -> Self {
		let mut stage = Self::without_pool();
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

	fn without_pool() -> Self {
		let mut stage = Self {
			chain: Chain::new(),
			now: BEGIN,
			prices: prices(),
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
			for market in MARKETS {
				let numbers = RiskParameters::market(market).unwrap();
				RiskParameters::set_market(
					market,
					MarketParameters {
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
	fn fed<R>(&mut self, body: impl FnOnce() -> R) -> R {
		self.now += 2_000;
		let prices = self.prices.clone();
		self.chain.block(self.now, || {
			feed_all(&prices);
			body()
		})
	}

	/// A block without feeds.
	fn silent<R>(&mut self, body: impl FnOnce() -> R) -> R {
		self.now += 2_000;
		self.chain.block(self.now, body)
	}

	/// Some fed blocks.
	fn blocks(&mut self, count: usize) {
		for _ in 0..count {
			self.fed(|| ());
		}
	}

	/// Fed blocks half a minute apart.
	fn pass(&mut self, minutes: u64) {
		for _ in 0..minutes * 2 {
			self.now += 28_000;
			self.blocks(1);
		}
	}

	fn set(&mut self, feed: u32, price: f64) {
		self.prices.iter_mut().find(|(f, _)| *f == feed).unwrap().1 = price;
	}

	fn parameters(&mut self, market: u32, change: impl FnOnce(&mut MarketParameters)) {
		self.chain.state(|| {
			let mut numbers = RiskParameters::market(market).unwrap();
			change(&mut numbers);
			RiskParameters::set_market(market, numbers);
		});
	}

	fn chain_parameters(&mut self, change: impl FnOnce(&mut ChainParameters)) {
		self.chain.state(|| {
			let mut numbers = RiskParameters::chain();
			change(&mut numbers);
			RiskParameters::set_chain(numbers);
		});
	}

	fn deposit(&mut self, key: Sr25519Keyring, sub: u8, amount: u128) {
		self.chain.state(|| ok(deposit(key, sub, kusd(amount))));
	}

	/// Three millions more in the pool, so that what it can bear is not what stops an attack.
	fn widen_pool(&mut self) {
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
	fn fill(&mut self, key: Sr25519Keyring, sub: u8) {
		for _ in 0..200 {
			if self.chain.state(|| open_orders(key, sub)) == 0 {
				return;
			}
			self.blocks(1);
		}
		panic!("orders that are never filled");
	}

	/// Trade `whole` units in orders that fit the premium step, and wait until they are filled.
	fn trade(&mut self, key: Sr25519Keyring, sub: u8, market: u32, whole: f64) {
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
	fn close(&mut self, key: Sr25519Keyring, sub: u8, market: u32) {
		if self.chain.state(|| position(key, sub, market)) == 0 {
			return;
		}
		self.fed(|| ok(leave(key, sub, market)));
		self.fill(key, sub);
		assert_eq!(self.chain.state(|| position(key, sub, market)), 0);
	}

	/// The orders that failed in the last block.
	fn failures(&mut self) -> Vec<RuntimeEvent> {
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

	fn books(&mut self) -> Books {
		let (attackers, victims) = (self.attackers.clone(), self.victims.clone());
		self.chain.state(|| Books {
			attackers: attackers.into_iter().map(wealth).sum(),
			victims: victims.into_iter().map(wealth).sum(),
			pool: pool_equity(),
			fund: fund(),
		})
	}

	/// Say what became of everybody since `before`; the attackers' gain, in base units.
	fn report(&mut self, name: &str, before: &Books) -> i128 {
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

mod stale {
	use super::*;

	/// The feeds stop, everybody sees the new price elsewhere, and the attacker has an order in the queue for each block.
	#[test]
	fn price_fills_nothing_and_the_newer_one_is_no_bargain() {
		let mut stage = Stage::new();
		stage.deposit(Eve, 0, 200_000);
		let before = stage.books();
		for _ in 0..5 {
			stage.silent(|| ok(order(Eve, 0, BTC, units(1.0))));
		}
		stage.blocks(0);
		for _ in 0..4 {
			stage.silent(|| ());
			assert_eq!(
				stage.chain.state(|| position(Eve, 0, BTC)),
				0,
				"filled at a price he had seen"
			);
		}
		stage.set(BTC, 61_200.0);
		stage.blocks(6);
		assert_eq!(stage.chain.state(|| position(Eve, 0, BTC)), units(5.0));
		stage.close(Eve, 0, BTC);
		let gain = stage.report("stale price, 2 % away", &before);
		// Five and two basis points of 306,000.
		assert!(gain <= -(kusd(200) as i128), "{gain}");
	}

	/// The operators' values wait in the pool of transactions; his order is put before them in the block, or behind.
	#[test]
	fn values_seen_before_the_block_are_of_no_use() {
		for before_them in [true, false] {
			let mut stage = Stage::new();
			stage.deposit(Eve, 0, 200_000);
			let before = stage.books();
			stage.set(BTC, 61_200.0);
			let prices = stage.prices.clone();
			stage.silent(|| {
				if before_them {
					assert_ok!(order(Eve, 0, BTC, units(3.0)));
				}
				feed_all(&prices);
				if !before_them {
					assert_ok!(order(Eve, 0, BTC, units(3.0)));
				}
			});
			stage.blocks(1);
			assert_eq!(stage.chain.state(|| position(Eve, 0, BTC)), 0);
			stage.blocks(2);
			assert_eq!(stage.chain.state(|| position(Eve, 0, BTC)), units(3.0));
			stage.close(Eve, 0, BTC);
			let gain = stage.report("values in the pool of transactions", &before);
			assert!(gain < -(kusd(100) as i128), "{gain}");
		}
	}

	/// The market has moved by 2 %, and old values are made to look new: one operator sends an old one, or the new ones of two
	/// arrive before those of the others. No price of that counts as newer than the order. It is filled when most operators have
	/// spoken, and at what they say.
	#[test]
	fn old_values_made_new_fill_nothing() {
		let (old, new) = (usd(60_000.0), 61_200.0);
		let new_of =
			|operators: &[Sr25519Keyring]| operators.iter().map(|o| (*o, usd(new))).collect::<Vec<_>>();
		for (early, spoken) in [
			(vec![], false),
			(vec![(Eve, old)], false),
			(new_of(&[Alice, Bob]), false),
			(new_of(&[Alice, Bob, Charlie]), true),
		] {
			let mut stage = Stage::new();
			stage.deposit(Eve, 0, 200_000);
			let before = stage.books();
			stage.silent(|| ok(order(Eve, 0, BTC, units(3.0))));
			stage.silent(|| {
				for (operator, value) in &early {
					let values = vec![(BTC, *value)].try_into().unwrap();
					assert_ok!(call(
						*operator,
						pallet_oracle::Call::<Runtime>::feed_values { values }
					));
				}
			});
			let who: Vec<_> = early.iter().map(|(operator, _)| *operator).collect();
			for _ in 0..3 {
				stage.silent(|| ());
				let filled = stage.chain.state(|| position(Eve, 0, BTC));
				assert_eq!(
					filled,
					if spoken { units(3.0) } else { 0 },
					"filled with values of {who:?}"
				);
			}
			stage.set(BTC, new);
			stage.blocks(4);
			assert_eq!(stage.chain.state(|| position(Eve, 0, BTC)), units(3.0));
			stage.close(Eve, 0, BTC);
			let gain = stage.report(&format!("2 % known, values in time of {who:?}"), &before);
			// The fees of 183,600, in and out: the move was no part of it.
			assert!(gain < -(kusd(100) as i128), "{gain}");
		}
	}

	/// One operator's old value and the new ones of two others are most of five; with the two that have not spoken yet, the old
	/// price still has the middle. New values far from it are outliers, which no majority is made of. Nearer ones let it pay for
	/// one premium step of the move a block, and it takes an operator's key.
	#[test]
	fn an_operator_who_repeats_the_old_price_gains_no_more_than_a_step_of_the_move() {
		for (new, outlier) in [(61_200.0, true), (60_300.0, false)] {
			let mut stage = Stage::new();
			stage.deposit(Eve, 0, 200_000);
			let before = stage.books();
			stage.silent(|| ok(order(Eve, 0, BTC, units(3.0))));
			stage.silent(|| {
				for (operator, value) in [(Eve, 60_000.0), (Alice, new), (Bob, new)] {
					let values = vec![(BTC, usd(value))].try_into().unwrap();
					ok(call(
						operator,
						pallet_oracle::Call::<Runtime>::feed_values { values },
					));
				}
			});
			stage.silent(|| ());
			let filled = stage.chain.state(|| position(Eve, 0, BTC));
			assert!(!outlier || filled == 0, "{filled}");
			stage.set(BTC, new);
			stage.blocks(4);
			assert_eq!(stage.chain.state(|| position(Eve, 0, BTC)), units(3.0));
			stage.close(Eve, 0, BTC);
			let gain = stage.report(
				&format!("{new} known, an old value of Eve among the first three, {filled} filled"),
				&before,
			);
			// The move on three basis points of 10,000 BTC, less the fees; or the fees alone.
			let most = if filled == 0 {
				-100.0
			} else {
				3.0 * (new - 60_000.0) - 100.0
			};
			assert!(gain < (most * 1e6) as i128, "{gain} of {most}");
		}
	}

	/// An order in the queue can't be cancelled; its owner can make it fail by taking the margin out. He has one on each side,
	/// sees the market move while the operators' values are on their way, and drops the wrong one, or both.
	#[test]
	fn dropping_an_order_costs_its_fee() {
		for jump in [0.0, 0.000_5, 0.001, 0.005] {
			let mut stage = Stage::new();
			stage.deposit(Eve, 0, 100_000);
			stage.deposit(Eve, 1, 100_000);
			let before = stage.books();
			stage.fed(|| {
				assert_ok!(order(Eve, 0, BTC, units(3.0)));
				assert_ok!(order(Eve, 1, BTC, -units(3.0)));
			});
			let id = stage.chain.state(|| Perpetuals::orders(account(Eve, 1))[0].0);
			stage.fed(|| {
				assert_noop!(
					call(
						Eve,
						pallet_perpetuals::Call::<Runtime>::cancel_order { order: id }
					),
					PerpetualsError::<Runtime>::TooEarlyToCancel
				);
				for sub in if jump > 0.0 { 1..=1 } else { 0..=1 } {
					let all = withdrawable(Eve, sub);
					assert_ok!(withdraw(Eve, sub, all));
				}
			});
			stage.set(BTC, 60_000.0 * (1.0 + jump));
			stage.blocks(3);
			assert_eq!(stage.chain.state(|| position(Eve, 1, BTC)), 0);
			stage.close(Eve, 0, BTC);
			let gain = stage.report(&format!("dropped with {jump} in sight"), &before);
			// Of 180,000 the move, the taker fee in and the maker fee out; and the fee of the order that was dropped.
			let bound = if jump == 0.0 {
				0.0
			} else {
				180_000.0 * (jump - 0.000_7)
			};
			assert!(
				gain <= (bound * 1e6) as i128 - kusd(1) as i128 / 10,
				"{gain} of {bound}"
			);
			if jump == 0.0 {
				assert_eq!(gain, -(kusd(2) as i128 / 10));
			}
		}
	}

	/// Stops on both sides, cancelled as long as they wait: which side is right is seen in the block before they are triggered.
	#[test]
	fn stops_gain_no_more_than_the_price_lags() {
		for lag in [0.0, 0.001, 0.005] {
			let mut stage = Stage::new();
			stage.deposit(Eve, 0, 200_000);
			let before = stage.books();
			let stop = |size: f64, price: f64, when| Order {
				trigger: Some(Trigger {
					price: usd(price),
					when,
				}),
				..Order::new(0, BTC, units(size))
			};
			stage.fed(|| {
				assert_ok!(stop(3.0, 60_060.0, When::Above).commit(Eve));
				assert_ok!(stop(-3.0, 59_940.0, When::Below).commit(Eve));
			});
			stage.blocks(3);
			// Up by a tenth of a percent as the operators saw it, and a bit more where he looks.
			stage.set(BTC, 60_066.0);
			stage.blocks(1);
			let sell = stage.chain.state(|| Perpetuals::orders(account(Eve, 0))[1].0);
			stage.set(BTC, 60_066.0 * (1.0 + lag));
			stage.fed(|| {
				ok(call(
					Eve,
					pallet_perpetuals::Call::<Runtime>::cancel_order { order: sell },
				))
			});
			// At the price that triggered it, not at what it waited at.
			assert_eq!(stage.chain.state(|| position(Eve, 0, BTC)), units(3.0));
			stage.blocks(1);
			stage.close(Eve, 0, BTC);
			let gain = stage.report(&format!("stops on both sides, the price {lag} behind"), &before);
			// The taker fee in and the maker fee out, of 180,000.
			let bound = 3.0 * 60_066.0 * (lag - 0.000_7);
			assert!(gain <= (bound * 1e6) as i128, "{gain} of {bound}");
		}
	}
}

mod sandwich {
	use super::*;

	/// Eve buys before Charlie's order and sells behind it, all three at one index price. What it brings.
	fn around_an_opening(step: u128, front: f64, victim: f64, outside: bool) -> i128 {
		let mut stage = Stage::new();
		stage.deposit(Eve, 0, 1_000_000);
		stage.deposit(Charlie, 0, 1_000_000);
		stage.deposit(Dave, 0, 1_000_000);
		if outside {
			// A premium beyond the band, so that selling earns a rebate, and a pot to pay it from.
			stage.trade(Dave, 0, BTC, 20.0);
		}
		stage.parameters(BTC, |p| p.premium_step = bps(step));
		// Numbers past the rule are no invariant's.
		stage.chain.try_state = step <= 3;
		let before = stage.books();
		stage.fed(|| {
			assert_ok!(order(Eve, 0, BTC, units(front)));
			assert_ok!(order(Charlie, 0, BTC, units(victim)));
			assert_ok!(order(Eve, 0, BTC, -units(front)));
		});
		stage.blocks(2);
		let done = stage
			.chain
			.state(|| (position(Eve, 0, BTC), position(Charlie, 0, BTC)));
		assert_eq!(done, (0, units(victim)));
		let name = format!("sandwich of {victim} BTC with {front} BTC, step {step} bps, outside {outside}");
		stage.report(&name, &before)
	}

	#[test]
	fn around_an_opening_loses_because_the_step_is_below_the_fees() {
		for outside in [false, true] {
			for (front, victim) in [(1.5, 1.5), (0.5, 2.49), (2.49, 0.5), (0.05, 2.94)] {
				let gain = around_an_opening(3, front, victim, outside);
				assert!(gain < 0, "{gain}");
			}
		}
		// Past the rule it pays: that is why there is one.
		assert!(around_an_opening(50, 25.0, 24.9, false) > 0);
		assert!(around_an_opening(50, 25.0, 24.9, true) > 0);
	}

	/// Dave leaves with 60 BTC at once; Eve sells before him and buys back behind him.
	fn around_a_closing(limit: Option<f64>) -> (i128, i128) {
		let mut stage = Stage::new();
		stage.deposit(Eve, 0, 1_000_000);
		stage.deposit(Dave, 0, 1_000_000);
		stage.trade(Dave, 0, BTC, 60.0);
		let before = stage.books();
		stage.fed(|| {
			assert_ok!(order(Eve, 0, BTC, -units(30.0)));
			assert_ok!(Order {
				reduce_only: true,
				limit,
				..Order::new(0, BTC, -units(60.0))
			}
			.commit(Dave));
			// In parts, each of which could be too large where the skew is now.
			for _ in 0..12 {
				assert_ok!(order(Eve, 0, BTC, units(2.5)));
			}
		});
		stage.blocks(1);
		stage.fill(Eve, 0);
		stage.close(Eve, 0, BTC);
		let gain = stage.report(
			&format!("sandwich of a close of 60 BTC, limit {limit:?}"),
			&before,
		);
		let after = stage.books();
		(gain, after.victims - before.victims)
	}

	#[test]
	fn around_a_closing_takes_at_most_the_impact_it_did_not_limit() {
		// From 60 basis points to nothing on 60 BTC, the premium of which half is the impact.
		let (gain, lost) = around_a_closing(None);
		assert!(
			gain <= -lost && gain <= kusd(60 * 60_000 * 60 / 10_000) as i128,
			"{gain} of {lost}"
		);
		// What it would fill at alone, 30 basis points above the index, and five less.
		let (gain, lost) = around_a_closing(Some(60_150.0));
		assert!(gain < 0, "{gain}");
		assert!(lost >= -(kusd(100) as i128), "{lost}");
	}
}

/// Trades between his own accounts, to be paid rebates for them.
#[test]
fn wash_trading_earns_no_rebate() {
	for outside in [false, true] {
		let mut stage = Stage::new();
		stage.deposit(Eve, 0, 500_000);
		stage.deposit(Eve, 1, 500_000);
		stage.deposit(Dave, 0, 500_000);
		if outside {
			stage.trade(Dave, 0, BTC, 30.0);
		}
		let before = stage.books();
		let mut last = before.attackers;
		for _ in 0..8 {
			// In and out again, one widening what the other narrows.
			stage.fed(|| {
				assert_ok!(order(Eve, 0, BTC, units(2.9)));
				assert_ok!(order(Eve, 1, BTC, -units(2.9)));
			});
			stage.blocks(2);
			stage.fed(|| {
				assert_ok!(leave(Eve, 1, BTC));
				assert_ok!(leave(Eve, 0, BTC));
			});
			stage.blocks(2);
			// The other way round: paid first, out of what others left in the pot.
			stage.fed(|| {
				assert_ok!(order(Eve, 1, BTC, -units(2.9)));
				assert_ok!(order(Eve, 0, BTC, units(2.9)));
			});
			stage.blocks(2);
			stage.fed(|| {
				assert_ok!(leave(Eve, 0, BTC));
				assert_ok!(leave(Eve, 1, BTC));
			});
			stage.blocks(2);
			let now = stage.books().attackers;
			assert!(now < last, "a round that earned");
			last = now;
		}
		let flat = stage
			.chain
			.state(|| (position(Eve, 0, BTC), position(Eve, 1, BTC)));
		assert_eq!(flat, (0, 0));
		let gain = stage.report(&format!("wash trading, outside the band {outside}"), &before);
		// 16 times in and out, 174,000 each time: three basis points at least.
		assert!(gain < -(kusd(1_600) as i128), "{gain}");
	}
}

/// Mango 2022: a thin position is pumped by a second account, and what it says it has won is taken out.
#[test]
fn unrealised_profit_buys_nothing_but_own_cash() {
	let mut stage = Stage::new();
	stage.deposit(Eve, 0, 200_000);
	stage.deposit(Ferdie, 0, 1_500_000);
	let before = stage.books();
	stage.trade(Eve, 0, BTC, 40.0);
	// Nearly to the end of the premium's range, 100 basis points.
	stage.trade(Ferdie, 0, BTC, 58.0);
	let (taken, cash, won) = stage.fed(|| {
		let statement = Margin::statement(account(Eve, 0)).unwrap();
		let exposure = statement.exposures[0];
		let chain = RiskParameters::chain();
		assert!(exposure.unrealised > kusd(10_000) as i128, "{exposure:?}");
		let counted =
			keel_math::margin::counted_profit(exposure.unrealised, chain.profit_share, chain.profit_cap);
		let free = statement.cash as i128 + counted - exposure.initial as i128;
		let can = withdrawable(Eve, 0);
		assert_eq!(
			can as i128,
			free.min(statement.cash as i128),
			"no more than the rules count"
		);
		assert!(can <= statement.cash);
		assert!(withdraw(Eve, 0, can + 1).is_err());
		assert_ok!(withdraw(Eve, 0, can));
		(can, statement.cash, exposure.unrealised)
	});
	println!(
		"  pumped: a profit of {:.2}, {:.2} of {:.2} cash taken out",
		in_kusd(won),
		in_kusd(taken as i128),
		in_kusd(cash as i128)
	);
	// He leaves it behind: what pushed the mark up is sold, the market falls by 2.5 % besides.
	stage.close(Ferdie, 0, BTC);
	let gain = stage.report("pumped and left", &before);
	assert!(gain < 0, "{gain}");
	stage.set(BTC, 58_500.0);
	stage.blocks(12);
	stage.close(Eve, 0, BTC);
	let gain = stage.report("pumped, left, and 2.5 % down", &before);
	assert!(gain < 0, "{gain}");
	stage
		.chain
		.state(|| assert_eq!(Margin::lending().unwrap().lent, 0));
}

/// dYdX 2023: a hundred accounts instead of one.
#[test]
fn a_hundred_accounts_need_what_one_would() {
	// Within a premium of 100 basis points, which is 100 BTC; the open interest that makes
	// margins grow lies as much lower.
	const EACH: f64 = 0.9;
	let growing = |p: &mut MarketParameters| {
		p.open_interest_lower = kusd(3_750_000);
		p.open_interest_upper = kusd(37_500_000);
	};
	let mut many = Stage::new();
	many.widen_pool();
	many.parameters(BTC, growing);
	many.chain.try_state = false;
	for sub in 0..100 {
		many.deposit(Eve, sub, 30_000);
	}
	// Two fit a block.
	for pair in 0..50 {
		many.fed(|| {
			assert_ok!(order(Eve, pair * 2, BTC, units(EACH)));
			assert_ok!(order(Eve, pair * 2 + 1, BTC, units(EACH)));
		});
	}
	many.blocks(3);
	let mut one = Stage::new();
	one.widen_pool();
	one.parameters(BTC, growing);
	one.chain.try_state = false;
	one.deposit(Eve, 0, 3_000_000);
	for _ in 0..50 {
		one.fed(|| ok(order(Eve, 0, BTC, units(2.0 * EACH))));
	}
	one.blocks(3);
	let look = |stage: &mut Stage| {
		stage.chain.state(|| {
			check_state();
			let market = Perpetuals::market(BTC).unwrap();
			let all: Vec<_> = Margin::accounts_of(who(Eve))
				.into_iter()
				.map(|(_, id)| Margin::statement(id).unwrap().exposures[0])
				.collect();
			(market, all)
		})
	};
	let ((market, all), (alone, whole)) = (look(&mut many), look(&mut one));
	assert_eq!((all.len(), whole.len()), (100, 1));
	assert_eq!((market.long, market.mark), (alone.long, alone.mark));
	assert_eq!(
		market.rates.initial, alone.rates.initial,
		"the rate is that of all together"
	);
	assert!(market.rates.initial > bps(450 + 300), "{:?}", market.rates);
	// What is left to gain is what closing moves the price: `q²/2K` each instead of all at once.
	let closing = |size: i128| {
		let worth = keel_math::perpetual::notional(size, market.mark, keel_math::Rounding::Up).unwrap();
		worth * size.unsigned_abs() / (2 * market.skew_scale)
	};
	let by_rate = |e: &keel_primitives::Exposure| e.initial as i128 - closing(e.size) as i128;
	let sum: i128 = all.iter().map(by_rate).sum();
	assert!(
		(sum - by_rate(&whole[0])).abs() <= 300,
		"{sum} for {}",
		by_rate(&whole[0])
	);
	let per_unit = |e: &keel_primitives::Exposure| by_rate(e) as f64 / e.size as f64;
	let (last, big) = (per_unit(all.last().unwrap()), per_unit(&whole[0]));
	assert!((last / big - 1.0).abs() < 1e-6, "{last} for {big}");
	println!(
		"a hundred accounts: {} of {:.0} kUSD of open interest; initial rate {:?}; one account needs {:.0}, a hundred {:.0} kUSD",
		all.len(),
		in_kusd(market.long_value as i128),
		market.rates.initial,
		in_kusd(whole[0].initial as i128),
		in_kusd(all.iter().map(|e| e.initial as i128).sum()),
	);
	let saved = whole[0].initial - all.iter().map(|e| e.initial).sum::<u128>();
	assert!(saved <= closing(whole[0].size), "{saved}");
	// And the last of them could not open on what the first did.
	assert!(all[99].initial * 10_000 > all[99].notional * 900);
}

mod liquidated {
	use super::*;

	/// Both sides of the market, one of them thin, and another account that pushes the premium against the thin one. From end to
	/// end of the premium's range that is less than what the initial margin is above maintenance; in a range six times as wide it
	/// liquidates him, and costs him more.
	#[test]
	fn by_himself_he_only_loses() {
		for widest in [100, 600] {
			let mut stage = Stage::new();
			stage.widen_pool();
			let usual = stage
				.chain
				.state(|| RiskParameters::market(BTC).unwrap().max_premium);
			assert_eq!(usual, bps(100));
			// Numbers past the rule are no invariant's.
			stage.chain.try_state = widest == 100;
			stage.parameters(BTC, |p| p.max_premium = bps(widest));
			stage.deposit(Ferdie, 0, 3_500_000);
			let before = stage.books();
			// 20 BTC short on little more than the least.
			stage.deposit(Eve, 0, 120_000);
			stage.trade(Eve, 0, BTC, -20.0);
			stage.chain.state(|| {
				let free = withdrawable(Eve, 0);
				assert_ok!(withdraw(Eve, 0, free));
			});
			// Pushed three basis points a block, until it gives way or the premium's range ends.
			let most = (widest as f64 + 20.0).min(76.0 * 2.9);
			let mut pushed = 0;
			while f64::from(pushed + 1) * 2.9 <= most
				&& stage.fed(|| order(Ferdie, 0, BTC, units(2.9)).is_ok())
			{
				pushed += 1;
				if stage.chain.state(|| position(Eve, 0, BTC)) > -units(19.9) {
					break;
				}
			}
			stage.fill(Ferdie, 0);
			let (left, at) = stage.chain.state(|| (position(Eve, 0, BTC), skew(BTC)));
			if widest == 100 {
				assert_eq!(left, -units(20.0), "nothing of it was liquidated");
				assert!(at > 97.0, "the premium's range was used: {at}");
			} else {
				assert!(left > -units(19.9), "it was liquidated: {left}, {pushed}");
			}
			stage.parameters(BTC, |p| p.max_premium = usual);
			stage.chain.state(check_state);
			let (equity, debt) = stage.chain.state(|| {
				let statement = Margin::statement(account(Eve, 0)).unwrap();
				(statement.equity, statement.debt)
			});
			assert!(equity > 0, "something is left of its margin: {equity}");
			stage.close(Ferdie, 0, BTC);
			stage.close(Eve, 0, BTC);
			println!(
				"  {pushed} pushes to a skew of {at:.1}; {:.3} BTC left of 20, equity {:.2}, debt {:.2}",
				-left as f64 / 1e8,
				in_kusd(equity),
				in_kusd(debt as i128)
			);
			let gain = stage.report(
				&format!("pushing against himself, premium up to {widest} bps"),
				&before,
			);
			assert!(gain < 0, "{gain}");
			assert!(stage.chain.state(InsuranceFund::bad_debt) == 0);
		}
	}

	/// Long and short in equal parts on the least margin, again and again: a wide move leaves one of them with less than
	/// nothing. What that brings follows from the move alone, and moves like that are not his.
	#[test]
	fn both_sides_of_a_jump() {
		for (jump, pays) in [(1.01, false), (1.03, false), (1.09, true)] {
			let mut stage = Stage::new();
			for sub in [0, 1] {
				stage.deposit(Eve, sub, 60_000);
			}
			let before = stage.books();
			for _ in 0..7 {
				stage.fed(|| {
					assert_ok!(order(Eve, 0, BTC, units(2.8)));
					assert_ok!(order(Eve, 1, BTC, -units(2.8)));
				});
			}
			stage.blocks(3);
			stage.chain.state(|| {
				for sub in [0, 1] {
					assert_eq!(position(Eve, sub, BTC).abs(), units(19.6));
					let free = withdrawable(Eve, sub);
					assert_ok!(withdraw(Eve, sub, free));
				}
			});
			stage.set(BTC, 60_000.0 * jump);
			stage.blocks(8);
			stage.close(Eve, 0, BTC);
			stage.close(Eve, 1, BTC);
			let gain = stage.report(&format!("both sides of a jump to {jump}"), &before);
			// What the jump took beyond the initial margin of the short, of 19.6 BTC.
			let bound = (19.6 * 60_000.0 * (jump - 1.0 - 0.045).max(0.0) * 1e6) as i128;
			println!("  the gap beyond the margin: {:.2} kUSD", in_kusd(bound));
			assert!(gain <= bound, "{gain} of {bound}");
			assert_eq!(gain > 0, pays, "{gain}");
		}
	}

	/// Thin shorts of others, and somebody who pushes the mark until they are bought back at his price. Within the premium's range
	/// of 100 basis points that costs him, however many there are. In one six times as wide it would bring him a part of what they
	/// lose: that is why there is a rule for it.
	#[test]
	fn squeezing_others() {
		for (victims, widest) in [(2.0, 100), (30.0, 100), (2.0, 600), (6.0, 600), (30.0, 600)] {
			let mut stage = Stage::new();
			stage.widen_pool();
			let usual = stage
				.chain
				.state(|| RiskParameters::market(BTC).unwrap().max_premium);
			assert_eq!(usual, bps(100));
			// Numbers past the rule are no invariant's.
			stage.chain.try_state = widest == 100;
			stage.parameters(BTC, |p| p.max_premium = bps(widest));
			stage.deposit(Eve, 0, 3_900_000);
			stage.deposit(Charlie, 0, 6_000 * victims as u128);
			stage.trade(Charlie, 0, BTC, -victims);
			stage.chain.state(|| {
				let free = withdrawable(Charlie, 0);
				assert_ok!(withdraw(Charlie, 0, free));
			});
			let before = stage.books();
			let mut bought = 0.0;
			// As far as the rules let him.
			let most = (widest as f64 + victims).min(220.0);
			while bought + 2.9 <= most && stage.fed(|| order(Eve, 0, BTC, units(2.9)).is_ok()) {
				bought += 2.9;
			}
			stage.fill(Eve, 0);
			stage.blocks(4);
			let (left, held, at) = stage
				.chain
				.state(|| (position(Charlie, 0, BTC), position(Eve, 0, BTC), skew(BTC)));
			let market = stage.chain.state(|| Perpetuals::market(BTC).unwrap());
			println!(
				"  {victims} BTC of thin shorts: bought {:.1}, skew {at:.1}, {:.2} left, initial rate {:?}",
				held as f64 / 1e8,
				-left as f64 / 1e8,
				market.rates.initial
			);
			stage.close(Eve, 0, BTC);
			let name =
				format!("squeezing {victims} BTC of shorts on the least margin, premium up to {widest} bps");
			let gain = stage.report(&name, &before);
			let lost = before.victims - stage.books().victims;
			// What he gains he has from them, less the fees of what he had to push with.
			assert!(gain < lost.max(0), "{gain} of {lost}");
			// Where the mark can't be pushed as far as their margin goes nothing is had, and it costs; few are not worth it.
			if widest == 100 {
				assert_eq!(left, -units(victims), "nothing was bought back");
				assert!(at > 97.0, "the premium's range was used: {at}");
				assert!(gain < -(kusd(1_000) as i128), "{gain}");
			} else if victims < 3.0 {
				assert!(gain < 0, "{gain}");
			} else if victims < 10.0 {
				assert!(gain > 0, "{gain}");
			}
		}
	}
}

mod flooded {
	use super::*;

	/// The orders of `market` that are in the queue.
	fn queued(market: u32) -> usize {
		pallet_perpetuals::Queue::<Runtime>::iter_key_prefix(market).count()
	}

	/// What the last block weighed, of what it may.
	fn fullness() -> f64 {
		let used = System::block_weight().total();
		let most = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
		assert!(used.all_lte(most), "{used:?}");
		used.ref_time() as f64 / most.ref_time() as f64
	}

	/// Two thousand orders, 300 a block, of the least that an order may be worth. They wait for their turn, nobody waits for more.
	#[test]
	fn queue_delays_by_its_length_and_no_more() {
		const SUBS: u8 = 125;
		let mut stage = Stage::new();
		stage.chain.try_state = false;
		stage.deposit(Charlie, 0, 100_000);
		stage.trade(Charlie, 0, BTC, 2.0);
		stage.trade(Charlie, 0, ETH, 2.0);
		for sub in 0..SUBS {
			stage.deposit(Eve, sub, 100);
		}
		let before = stage.books();
		let mut worst = 0f64;
		for first in (0..SUBS).step_by(25) {
			stage.fed(|| {
				for sub in first..first + 25 {
					for n in 0..16 {
						let size = if n % 2 == 0 { 0.0002 } else { -0.0002 };
						assert_ok!(order(Eve, sub, BTC, units(size)));
					}
				}
			});
			worst = worst.max(stage.chain.state(fullness));
		}
		// Charlie wants to leave two markets.
		let ahead = stage.fed(|| {
			assert_ok!(leave(Charlie, 0, BTC));
			assert_ok!(leave(Charlie, 0, ETH));
			queued(BTC)
		});
		let per_block = stage.chain.state(|| RiskParameters::chain().orders_per_block) as usize;
		let (mut waited, mut elsewhere) = (0, 0);
		while stage.chain.state(|| position(Charlie, 0, BTC)) != 0 {
			stage.blocks(1);
			waited += 1;
			if stage.chain.state(|| position(Charlie, 0, ETH)) != 0 {
				elsewhere = waited;
			}
			worst = worst.max(stage.chain.state(fullness));
			assert!(waited < 200, "never");
		}
		println!("  {ahead} orders ahead: {waited} blocks, in another market {elsewhere}; a block was {:.1} % full", worst * 100.0);
		assert!(ahead > 1_000);
		assert!(
			waited <= ahead.div_ceil(per_block) + 3,
			"{waited} blocks behind {ahead}"
		);
		// Another market's turn comes within as many blocks as there are markets, and two.
		assert!(elsewhere <= 6, "{elsewhere}");
		assert!(worst < 0.5);
		stage.blocks(5);
		for sub in 0..SUBS {
			if stage.chain.state(|| position(Eve, sub, BTC)) != 0 {
				stage.chain.state(|| ok(leave(Eve, sub, BTC)));
			}
		}
		stage.blocks(6);
		stage.chain.state(check_state);
		let gain = stage.report("two thousand orders", &before);
		assert!(gain < -(kusd(5) as i128), "{gain}");
	}

	/// Two thousand stops at one price, crossed at once.
	#[test]
	fn triggers_delay_by_their_number_and_no_more() {
		const SUBS: u8 = 125;
		let mut stage = Stage::new();
		stage.chain.try_state = false;
		stage.deposit(Charlie, 0, 100_000);
		stage.trade(Charlie, 0, BTC, 2.0);
		for sub in 0..SUBS {
			stage.deposit(Eve, sub, 100);
		}
		let before = stage.books();
		for first in (0..SUBS).step_by(25) {
			stage.fed(|| {
				for sub in first..first + 25 {
					for n in 0..16 {
						let size = if n % 2 == 0 { 0.0002 } else { -0.0002 };
						let trigger = Some(Trigger {
							price: usd(60_300.0),
							when: When::Above,
						});
						assert_ok!(Order {
							trigger,
							..Order::new(sub, BTC, units(size))
						}
						.commit(Eve));
					}
				}
			});
		}
		stage.set(BTC, 60_330.0);
		stage.fed(|| ok(leave(Charlie, 0, BTC)));
		let (mut waited, mut worst) = (0, 0f64);
		while stage.chain.state(|| position(Charlie, 0, BTC)) != 0 {
			stage.blocks(1);
			waited += 1;
			worst = worst.max(stage.chain.state(fullness));
			assert!(waited < 200, "never");
		}
		let per_block = stage.chain.state(|| RiskParameters::chain().orders_per_block) as usize;
		println!(
			"  2,000 stops ahead: {waited} blocks; a block was {:.1} % full",
			worst * 100.0
		);
		assert!(waited <= 2_000usize.div_ceil(per_block) + 3, "{waited}");
		assert!(worst < 0.5);
		stage.blocks(45);
		for sub in 0..SUBS {
			if stage.chain.state(|| position(Eve, sub, BTC)) != 0 {
				stage.chain.state(|| ok(leave(Eve, sub, BTC)));
			}
		}
		stage.blocks(6);
		stage.chain.state(check_state);
		let gain = stage.report("two thousand stops at one price", &before);
		assert!(gain < -(kusd(5) as i128), "{gain}");
	}

	/// Two hundred accounts on the least margin, whose triggers a falling price crosses again and again, and one of another that
	/// has to be liquidated. Nobody sends it: the block finds it.
	#[test]
	fn refreshes_do_not_hide_who_is_unsafe() {
		const SUBS: u8 = 200;
		let mut stage = Stage::new();
		stage.chain.try_state = false;
		stage.chain.workers = false;
		stage.deposit(Charlie, 0, 9_000);
		stage.trade(Charlie, 0, BTC, 2.0);
		stage.chain.state(|| {
			let free = withdrawable(Charlie, 0);
			assert_ok!(withdraw(Charlie, 0, free));
		});
		for sub in 0..SUBS {
			stage.deposit(Eve, sub, 15);
		}
		for first in (0..SUBS).step_by(50) {
			stage.fed(|| (first..first + 50).for_each(|sub| ok(order(Eve, sub, BTC, units(0.0003)))));
		}
		stage.blocks(8);
		stage.chain.state(|| {
			for sub in 0..SUBS {
				assert_ne!(position(Eve, sub, BTC), 0);
				// As near to their triggers as withdrawing goes.
				let free = withdrawable(Eve, sub).saturating_sub(3);
				assert_ok!(withdraw(Eve, sub, free));
			}
		});
		let before = stage.books();
		let (mut price, mut unsafe_for, mut waited) = (60_000.0, 0u32, None);
		for _ in 0..60 {
			price *= 0.9994;
			stage.set(BTC, price);
			stage.blocks(1);
			let (bad, size) = stage.chain.state(|| {
				let statement = Margin::statement(account(Charlie, 0)).unwrap();
				(
					statement.equity < statement.maintenance as i128,
					position(Charlie, 0, BTC),
				)
			});
			if size < units(2.0) {
				waited = Some(unsafe_for);
				break;
			}
			unsafe_for += u32::from(bad);
		}
		println!("  liquidated after {waited:?} blocks among {SUBS} parked accounts");
		let most = stage.chain.state(|| RiskParameters::chain().fallback_blocks) + 3;
		assert!(
			waited.is_some_and(|blocks| blocks <= most),
			"{waited:?} of {most}"
		);
		stage.chain.state(check_state);
		let gain = stage.report("parked at their triggers", &before);
		assert!(gain < 0, "{gain}");
	}
}

mod pool {
	use super::*;

	fn provide(key: Sr25519Keyring, amount: Balance) -> DispatchResult {
		call(
			key,
			pallet_liquidity_pool::Call::<Runtime>::provide {
				amount,
				least_shares: 0,
			},
		)
	}

	fn ask_back(key: Sr25519Keyring) {
		let shares = balance(SHARES, key);
		assert_ok!(call(
			key,
			pallet_liquidity_pool::Call::<Runtime>::request_withdrawal { shares }
		));
	}

	/// Traders are long; the price is about to fall and the pool to win. In before, out after.
	#[test]
	fn shares_bought_before_a_known_move_have_no_part_in_it() {
		let mut stage = Stage::new();
		stage.chain_parameters(|p| p.pool_cooldown = 3_600_000);
		stage.deposit(Charlie, 0, 1_000_000);
		stage.trade(Charlie, 0, BTC, 60.0);
		stage.blocks(2);
		let before = stage.books();
		// The new values wait in the pool of transactions: his deposit is put before them.
		stage.set(BTC, 58_800.0);
		let prices = stage.prices.clone();
		stage.silent(|| {
			assert_ok!(provide(Eve, kusd(2_000_000)));
			feed_all(&prices);
		});
		stage.blocks(3);
		stage.chain.state(|| assert!(balance(SHARES, Eve) > 0));
		let gain = stage.report("shares bought before a fall of 2 %", &before);
		// Funding of some blocks is all there is to share in.
		assert!(gain < kusd(3) as i128, "{gain}");
		stage.chain.state(|| ask_back(Eve));
		// And back up, which costs the pool: whoever asked to leave stays in it.
		stage.set(BTC, 60_000.0);
		stage.pass(1);
		stage
			.chain
			.state(|| assert_eq!(balance(KUSD, Eve), kusd(2_000_000)));
		let gain = stage.report("asked to leave before it rises again", &before);
		assert!(gain < -(kusd(10_000) as i128), "{gain}");
		stage.chain.try_state = false;
		stage.pass(65);
		stage.chain.state(|| assert_eq!(balance(SHARES, Eve), 0));
		let gain = stage.report("left after the cooldown", &before);
		assert!(gain < -(kusd(10_000) as i128), "{gain}");
	}

	/// The same, with old values made new: one operator sends an old one after the deposit. It waits until most have spoken, and
	/// is priced at what they say.
	#[test]
	fn shares_are_not_bought_on_old_values_made_new() {
		let mut stage = Stage::new();
		stage.deposit(Charlie, 0, 1_000_000);
		stage.trade(Charlie, 0, BTC, 60.0);
		stage.blocks(2);
		let before = stage.books();
		let old = stage.prices.clone();
		stage.silent(|| ok(provide(Eve, kusd(2_000_000))));
		stage.silent(|| ok(feed(Eve, &old)));
		for _ in 0..2 {
			stage.silent(|| ());
			stage
				.chain
				.state(|| assert_eq!(balance(SHARES, Eve), 0, "priced on one operator's word"));
		}
		stage.set(BTC, 58_800.0);
		stage.blocks(3);
		stage.chain.state(|| assert!(balance(SHARES, Eve) > 0));
		let gain = stage.report("shares bought on old values before a fall of 2 %", &before);
		let lost = before.victims - stage.books().victims;
		assert!(lost > kusd(50_000) as i128, "{lost}");
		// Funding of some blocks is all there is to share in.
		assert!(gain.abs() < kusd(3) as i128, "{gain} of {lost}");
	}

	/// The premium is pushed up, shares are bought, the premium is let down; and the other way round.
	#[test]
	fn shares_are_worth_the_same_at_any_premium() {
		for first in [1.0, -1.0] {
			let mut stage = Stage::new();
			stage.deposit(Ferdie, 0, 1_000_000);
			let before = stage.books();
			stage.trade(Ferdie, 0, BTC, 60.0 * first);
			stage.fed(|| ok(provide(Eve, kusd(2_000_000))));
			stage.blocks(3);
			let pumped = stage
				.chain
				.state(|| (LiquidityPool::holding_of(who(Eve)).value.unwrap(), pool_equity()));
			stage.close(Ferdie, 0, BTC);
			let after = stage
				.chain
				.state(|| (LiquidityPool::holding_of(who(Eve)).value.unwrap(), pool_equity()));
			println!(
				"  share of two millions {:.6} at the premium, {:.6} without",
				in_kusd(pumped.0 as i128),
				in_kusd(after.0 as i128)
			);
			let gain = stage.report("shares bought at a pushed premium", &before);
			// Half of the pool's part of the fees of his own closing comes back to him; the fees were his.
			assert!(gain < -(kusd(1_000) as i128), "{gain}");
		}
	}

	/// The first share is bought for the least there is, and the pool then made worth more by gifts and fees.
	#[test]
	fn first_shares_can_not_be_blown_up() {
		let mut stage = Stage::without_pool();
		let custody = Margin::custody();
		let before = stage.books();
		stage.fed(|| {
			assert_noop!(
				call(
					Eve,
					pallet_liquidity_pool::Call::<Runtime>::provide {
						amount: kusd(1) - 1,
						least_shares: 0
					}
				),
				pallet_liquidity_pool::Error::<Runtime>::BelowMinimum
			);
			assert_ok!(provide(Eve, kusd(1)));
		});
		stage.blocks(2);
		stage.fed(|| {
			// All but one unit out, and gifts in.
			let shares = balance(SHARES, Eve) - 1;
			assert_ok!(call(
				Eve,
				pallet_liquidity_pool::Call::<Runtime>::request_withdrawal { shares }
			));
			for target in [custody.clone(), LiquidityPool::account_id()] {
				for id in [KUSD, SHARES, BTC] {
					let gift = pallet_assets::Call::<Runtime>::transfer {
						id,
						target: target.clone().into(),
						amount: 1,
					};
					assert_eq!(
						call(Eve, gift),
						Err(frame_system::Error::<Runtime>::CallFiltered.into())
					);
				}
			}
			assert_ok!(provide(Charlie, 1_000_000_001));
			assert_ok!(provide(Dave, 1_999_999));
		});
		stage.blocks(2);
		stage.chain.state(|| {
			for (key, amount) in [(Charlie, 1_000_000_001u128), (Dave, 1_999_999)] {
				let value = LiquidityPool::holding_of(who(key)).value.unwrap();
				assert!(value + 2 >= amount, "{key:?}: {value} of {amount}");
			}
		});
		let gain = stage.report("first shares", &before);
		assert!(gain <= 0, "{gain}");
	}
}

/// Gifts to the protocol's accounts would leave the books saying less than there is.
#[test]
fn nothing_is_given_to_protocol_accounts() {
	let mut stage = Stage::new();
	let before = stage.books();
	let custody = Margin::custody();
	stage.fed(|| {
		let target = custody.clone();
		let attempts: Vec<keel_runtime::RuntimeCall> = vec![
			pallet_assets::Call::<Runtime>::transfer {
				id: KUSD,
				target: target.clone().into(),
				amount: 1,
			}
			.into(),
			pallet_assets::Call::<Runtime>::transfer_keep_alive {
				id: BTC,
				target: target.clone().into(),
				amount: 1,
			}
			.into(),
			pallet_assets::Call::<Runtime>::transfer_all {
				id: ETH,
				dest: target.clone().into(),
				keep_alive: false,
			}
			.into(),
			pallet_balances::Call::<Runtime>::transfer_allow_death {
				dest: target.clone().into(),
				value: 1,
			}
			.into(),
		];
		for attempt in attempts {
			let filtered = Err(frame_system::Error::<Runtime>::CallFiltered.into());
			assert_eq!(call(Eve, attempt.clone()), filtered);
			// In a batch too.
			let batch = pallet_utility::Call::<Runtime>::batch_all { calls: vec![attempt] };
			assert_eq!(call(Eve, batch), filtered);
		}
	});
	let gain = stage.report("gifts to the custody", &before);
	assert_eq!(gain, 0);
}

mod farms {
	use super::*;

	/// Deposits, withdrawals, transfers, lending and shares of a unit or a few.
	#[test]
	fn of_round_trips_earn_no_unit() {
		let mut stage = Stage::new();
		stage.deposit(Eve, 0, 1_000);
		stage.deposit(Ferdie, 0, 100);
		// A reserve whose shares are worth an odd number: somebody owes what he lost, on BTC, and interest has come in.
		stage.chain.state(|| {
			ok(call(
				Dave,
				pallet_margin::Call::<Runtime>::supply {
					amount: kusd(100_000),
				},
			))
		});
		stage.chain.state(|| {
			ok(call(
				Ferdie,
				pallet_margin::Call::<Runtime>::deposit {
					sub: 0,
					asset: BTC,
					amount: 3 * 100_000_000,
				},
			))
		});
		stage.trade(Ferdie, 0, ETH, 70.0);
		stage.set(ETH, 2_850.0);
		stage.blocks(2);
		stage.close(Ferdie, 0, ETH);
		stage.pass(10);
		stage.chain.state(|| {
			let lending = Margin::lending().unwrap();
			assert!(lending.lent > kusd(10_000), "{}", lending.lent);
			assert!(lending.reserve > kusd(100_000), "{}", lending.reserve);
		});
		let start = stage.books();
		let mut random = Random(7);
		for _ in 0..25 {
			let before = stage.chain.state(|| wealth(Eve));
			stage.fed(|| {
				for _ in 0..8 {
					let n = 1 + (random.next() * 7.0) as u128;
					assert_ok!(deposit(Eve, 0, n));
					assert_ok!(call(
						Eve,
						pallet_margin::Call::<Runtime>::transfer {
							from: 0,
							to: 1,
							amount: n
						}
					));
					assert_ok!(withdraw(Eve, 1, n));
					let _ = call(Eve, pallet_margin::Call::<Runtime>::supply { amount: n });
					let shares = Margin::lender(who(Eve)).unwrap().shares;
					let _ = call(Eve, pallet_margin::Call::<Runtime>::redeem { shares: shares / 2 });
					let _ = call(Eve, pallet_margin::Call::<Runtime>::redeem { shares: 1 });
				}
			});
			let after = stage.chain.state(|| wealth(Eve));
			assert!(after <= before, "{after} after {before}");
		}
		let gain = stage.report("two hundred round trips of units", &start);
		assert!(gain <= 0, "{gain}");
	}

	/// Positions opened at once and closed by the least there is, and at odd sizes.
	#[test]
	fn of_tiny_trades_earn_no_unit() {
		let mut stage = Stage::new();
		stage.deposit(Eve, 0, 1_000);
		let before = stage.books();
		let mut random = Random(11);
		let mut last = before.attackers;
		for round in 0..25 {
			let (market, price) = [(BTC, 60_000.0), (ETH, 3_000.0), (DOT, 6.0), (SOL, 150.0)][round % 4];
			let size = units((10.0 + random.next()) / price) + 1;
			let size = if round % 2 == 0 { size } else { -size };
			stage.fed(|| ok(order(Eve, 0, market, size)));
			stage.blocks(2);
			stage.fed(|| {
				for n in 1..=14 {
					let part = Order {
						reduce_only: true,
						..Order::new(0, market, -size.signum() * n)
					};
					assert_ok!(part.commit(Eve));
				}
			});
			stage.blocks(2);
			stage.close(Eve, 0, market);
			let now = stage.books().attackers;
			assert!(now < last, "round {round}: {now} after {last}");
			last = now;
		}
		stage.report("four hundred tiny trades", &before);
	}
}

/// Trades between own accounts on the last hour of a market: it is settled at the average, without a premium.
#[test]
fn a_settlement_pays_no_premium() {
	let mut stage = Stage::new();
	stage.chain.try_state = false;
	stage.deposit(Eve, 0, 500_000);
	stage.deposit(Eve, 1, 500_000);
	stage.deposit(Ferdie, 0, 500_000);
	let before = stage.books();
	// A premium of a fifth of a percent before it is announced, one account long, the other short.
	stage.trade(Eve, 0, SOL, 4_000.0);
	stage.trade(Eve, 1, SOL, -500.0);
	let settle_at = stage.now + 3_700_000;
	stage.chain.state(|| {
		assert_ok!(as_root(pallet_perpetuals::Call::<Runtime>::delist {
			market: SOL,
			settle_at
		}));
	});
	stage.fed(|| {
		assert_noop!(
			order(Ferdie, 0, SOL, units(10.0)),
			PerpetualsError::<Runtime>::MarketClosing
		);
	});
	stage.pass(61);
	// At the end the index is pushed for a moment: the average hardly moves.
	stage.set(SOL, 156.0);
	stage.now = settle_at - 4_000;
	stage.blocks(4);
	let settled = stage.chain.state(|| Perpetuals::market(SOL).unwrap());
	let pallet_perpetuals::Status::Settled { price } = settled.status else {
		panic!("{:?}", settled.status);
	};
	println!("  settled at {price:?} after a last-second price of 156");
	assert!(price < usd(150.7), "{price:?}");
	stage.fed(|| {
		for sub in [0, 1] {
			let pay_out = pallet_perpetuals::Call::<Runtime>::pay_out {
				account: account(Eve, sub),
				market: SOL,
			};
			assert_ok!(call(Bob, pay_out));
		}
	});
	stage.chain.state(check_state);
	let gain = stage.report("self-trading around a settlement", &before);
	assert!(gain < 0, "{gain}");
}

/// A top-up comes out of the owner's own accounts, keeps what the giver needs, and does not go round.
#[test]
fn top_ups_take_nothing_from_others_and_do_not_go_round() {
	let mut stage = Stage::new();
	stage.deposit(Eve, 0, 9_000);
	stage.deposit(Eve, 1, 9_000);
	stage.deposit(Ferdie, 1, 500_000);
	stage.trade(Eve, 0, BTC, 2.9);
	stage.trade(Eve, 1, BTC, 2.9);
	let before = stage.books();
	let rich = stage.chain.state(|| wealth(Ferdie));
	stage.fed(|| {
		let set = |sub, from| pallet_margin::Call::<Runtime>::set_top_up {
			sub,
			top_up: Some((from, kusd(1_000_000))),
		};
		assert_ok!(call(Eve, set(0, 1)));
		assert_ok!(call(Eve, set(1, 0)));
	});
	let mut called = 0;
	for step in 1..=10 {
		stage.set(BTC, 60_000.0 * (1.0 - 0.0025 * step as f64));
		stage.blocks(2);
		called += stage.chain.state(|| {
			events()
				.into_iter()
				.filter(|e| matches!(e, RuntimeEvent::Margin(pallet_margin::Event::MarginCalled { .. })))
				.count()
		});
	}
	stage.blocks(3);
	stage
		.chain
		.state(|| assert_eq!(wealth(Ferdie), rich, "another owner's account of that number"));
	println!("  {called} margin calls");
	for sub in [0, 1] {
		stage.close(Eve, sub, BTC);
	}
	let gain = stage.report("two accounts that top each other up", &before);
	// 5.8 BTC and 2.5 %.
	assert!(gain < -(kusd(8_000) as i128), "{gain}");
	assert_eq!(stage.chain.state(InsuranceFund::bad_debt), 0);
}
