//! March 2020, May 2021 and March 2023 through a thousand leveraged margin accounts on the whole runtime: how long a
//! liquidation waits, how much more than needed it closes, what the fund, the pool and, if it comes to that, the winners pay;
//! the books to the unit in every block.

mod common;

use std::collections::{BTreeMap, HashMap};

use common::{bars::Series, *};
use frame_support::assert_ok;
use keel_math::margin::Risk;
use keel_primitives::{
	BranchParameters, LiquidityPool as _, MarginAccountId, MarginAccounts as _, PoolExposure as _,
	PositionLedger as _, RiskParameters as _,
};
use keel_runtime::{LiquidityPool, Margin, Moment, Perpetuals, RiskParameters, Runtime, RuntimeEvent};
use sp_keyring::Sr25519Keyring::{self, *};

const SOL: u32 = 6;
const MARKETS: [u32; 4] = [BTC, ETH, DOT, SOL];
const OWNERS: [Sr25519Keyring; 6] = [Alice, Bob, Charlie, Dave, Eve, Ferdie];
const ACCOUNTS: usize = 1_000;

struct Crash {
	name: &'static str,
	/// Unix seconds.
	from: u64,
	blocks: u64,
	/// Seconds from block to block.
	spacing: u64,
	/// BTC, ETH, DOT, SOL.
	price: Box<dyn Fn(u64) -> [f64; 4]>,
}

fn march_2020() -> Crash {
	let btc = Series::load("btcusdt_binance_2020-03_1h");
	let eth = Series::load("ethusd_coinapi-unnamed_2020-03-12_10m");
	let from = 1_583_971_200 + 9 * 3_600;
	let start = eth.price(from);
	Crash {
		name: "12 March 2020, 09:00 UTC",
		from,
		blocks: 900,
		spacing: 20,
		// DOT and SOL were not traded yet: their feeds make ETH's moves.
		price: Box::new(move |t| {
			let eth = eth.price(t);
			[btc.price(t), eth, 4.5 * eth / start, 20.0 * eth / start]
		}),
	}
}

fn may_2021() -> Crash {
	let series =
		["btc", "eth", "dot", "sol"].map(|s| Series::load(&format!("{s}usdt_binance_2021-05-17_5m")));
	Crash {
		name: "19 May 2021, 11:00 UTC",
		from: 1_621_382_400 + 11 * 3_600,
		blocks: 720,
		spacing: 20,
		price: Box::new(move |t| [0, 1, 2, 3].map(|i: usize| series[i].price(t))),
	}
}

fn march_2023() -> Crash {
	let btc = Series::load("btcusd_kraken_2023-03-09_1m");
	let from = 1_678_482_000;
	let start = btc.price(from);
	Crash {
		name: "10 March 2023, 21:00 UTC",
		from,
		blocks: 720,
		spacing: 60,
		// Only BTC was recorded by the minute: the others make its moves, larger.
		price: Box::new(move |t| {
			let btc = btc.price(t);
			let beta = |b: f64| (btc / start).powf(b);
			[btc, 1_400.0 * beta(1.2), 5.5 * beta(1.5), 17.0 * beta(1.8)]
		}),
	}
}

#[derive(Debug, Default)]
struct Outcome {
	accounts: usize,
	positions: usize,
	liquidations: usize,
	/// Blocks from the first in which an account was unsafe to the one in which it no longer was.
	delays: BTreeMap<u64, usize>,
	/// Notional closed by liquidations, and what of it was not needed to reach the initial requirement.
	closed: u128,
	beyond: u128,
	deficits: u128,
	tranches: u128,
	fund: u128,
	pool: u128,
	haircut: u128,
	pool_before: i128,
	pool_after: i128,
	refreshed: usize,
	calls: usize,
	/// Of each account that was liquidated: its equity before the first time, and the fees of all.
	fees: BTreeMap<MarginAccountId, (i128, u128)>,
	/// Why an account that was unsafe for two blocks was not liquidated in the third, account by account and block by block.
	waiting: BTreeMap<String, usize>,
}

impl Outcome {
	/// What fees took of the equity that a liquidated account had before, in the median; all, of one that had
	/// nothing left.
	fn fee_share(&self) -> f64 {
		let mut shares: Vec<f64> = self
			.fees
			.values()
			.map(|(had, fees)| if *had > 0 { *fees as f64 / *had as f64 } else { 1.0 })
			.collect();
		shares.sort_by(f64::total_cmp);
		shares.get(shares.len() / 2).copied().unwrap_or(0.0)
	}
}

fn feeds(p: [f64; 4]) -> Vec<(u32, f64)> {
	vec![
		(1, 1.0),
		(BTC, p[0]),
		(ETH, p[1]),
		(DOT, p[2]),
		(5, 1.0),
		(SOL, p[3]),
	]
}

/// What the pool is worth at the last prices.
fn pool_equity() -> i128 {
	LiquidityPool::cash() - Perpetuals::owed().unwrap()
}

/// kUSD for everybody, by minting it: nobody starts with any.
fn mint(chain: &mut Chain, tick: &mut dyn FnMut() -> Moment, prices: &[(u32, f64)]) {
	chain.state(|| {
		for branch in [BTC, ETH, DOT] {
			let numbers = RiskParameters::branch(branch).unwrap();
			RiskParameters::set_branch(
				branch,
				BranchParameters {
					debt_ceiling: kusd(90_000_000),
					..numbers
				},
			);
		}
	});
	let at = tick();
	chain.block(at, || {
		feed_all(prices);
		for owner in OWNERS {
			let btc = prices[1].1;
			let debt = (150.0 * btc / 2.2) as u128;
			assert_ok!(call(
				owner,
				pallet_vaults::Call::<Runtime>::open {
					branch: BTC,
					collateral: 150 * 100_000_000,
					debt: kusd(debt)
				}
			));
		}
	});
}

/// What an account is worth and needs, for a liquidation.
fn health(account: MarginAccountId) -> Risk {
	let statement = Margin::statement(account).unwrap();
	Risk {
		net: statement.equity,
		initial: statement.initial,
		maintenance: statement.maintenance,
	}
}

fn positions(account: MarginAccountId) -> usize {
	trader(account).positions.len()
}

fn replay(crash: Crash, workers: bool) -> Outcome {
	let mut chain = Chain::new();
	let mut random = Random(20_210_519);
	let mut outcome = Outcome::default();
	chain.workers = workers;
	// Every tenth block, and at the end: a thousand accounts take a while to add up.
	chain.try_state = false;
	let first = (crash.price)(crash.from);
	let mut time: Moment = crash.from * 1_000 - 1_800_000;
	let mut tick = move || {
		time += 2_000;
		time
	};
	for _ in 0..4 {
		chain.fed_block(tick(), &feeds(first));
	}
	mint(&mut chain, &mut tick, &feeds(first));
	// A pool of 1.5 million.
	let at = tick();
	chain.block(at, || {
		feed_all(&feeds(first));
		for owner in OWNERS {
			assert_ok!(call(
				owner,
				pallet_liquidity_pool::Call::<Runtime>::provide {
					amount: kusd(250_000),
					least_shares: 0
				}
			));
		}
	});
	// Who buys collateral.
	let at = tick();
	chain.block(at, || {
		feed_all(&feeds(first));
		for owner in OWNERS {
			let deposit = pallet_stability_pool::Call::<Runtime>::deposit { amount: kusd(20_000) };
			assert_ok!(call(owner, deposit));
		}
	});
	for _ in 0..3 {
		chain.fed_block(tick(), &feeds(first));
	}
	assert!(chain.state(pool_equity) >= kusd(1_499_999) as i128);

	// A thousand accounts from 2x to 20x, most of them long as before every crash, in one market or two, one in five on BTC or
	// ETH instead of kUSD.
	let mut accounts: Vec<MarginAccountId> = Vec::new();
	for round in 0..50 {
		let at = tick();
		chain.block(at, || {
			feed_all(&feeds(first));
			for i in 0..ACCOUNTS / 50 {
				let n = round * (ACCOUNTS / 50) + i;
				let (owner, sub) = (OWNERS[n % 6], (n / 6) as u8);
				let equity = 50.0 * (random.next() * 3.0).exp();
				let leverage = 2.0 * (random.next() * 2.25).exp();
				let asset = match random.next() {
					u if u < 0.1 => BTC,
					u if u < 0.2 => ETH,
					_ => KUSD,
				};
				// With what does not count made up for.
				let amount = match asset {
					KUSD => (equity * 1e6) as u128,
					BTC => (equity / 0.89 / first[0] * 1e8) as u128,
					_ => (equity / 0.89 / first[1] * 1e9) as u128 * 1_000_000_000,
				};
				let deposit = pallet_margin::Call::<Runtime>::deposit { sub, asset, amount };
				assert_ok!(call(owner, deposit));
				// For the orders' fees.
				if asset != KUSD {
					let deposit = pallet_margin::Call::<Runtime>::deposit {
						sub,
						asset: KUSD,
						amount: kusd(1),
					};
					assert_ok!(call(owner, deposit));
				}
				let two = random.next() < 0.4;
				for leg in 0..if two { 2 } else { 1 } {
					let market = (n + leg) % 4;
					let long = random.next() < 0.58;
					let notional = equity * leverage * 0.97 / if two { 2.0 } else { 1.0 };
					// In parts that fit a block's premium step.
					let parts = (notional / 7_000.0).ceil();
					let units = (notional / parts / first[market] * 1e8) as i128;
					for _ in 0..parts as usize {
						let committed = call(
							owner,
							pallet_perpetuals::Call::<Runtime>::commit_order {
								sub,
								order: pallet_perpetuals::NewOrder {
									market: MARKETS[market],
									size: if long { units } else { -units },
									expires_in: 600_000,
									..Default::default()
								},
							},
						);
						// As far as its margin goes: DOT and SOL ask for more.
						let short = pallet_perpetuals::Error::<Runtime>::NotEnoughMargin.into();
						if committed == Err(short) {
							break;
						}
						assert_ok!(committed);
					}
				}
				accounts.push(Margin::account(&who(owner), sub).unwrap());
			}
		});
	}
	for _ in 0..60 {
		chain.fed_block(tick(), &feeds(first));
	}
	// What was deposited into the stability pool joins after two to four minutes.
	chain.let_deposits_join(&feeds(first));
	chain.state(check_state);
	outcome.accounts = accounts.len();
	outcome.positions = chain.state(|| accounts.iter().map(|a| positions(*a)).sum());
	outcome.pool_before = chain.state(pool_equity);

	// The crash.
	let mut since: HashMap<MarginAccountId, u64> = HashMap::new();
	for block in 0..crash.blocks {
		let t = crash.from + block * crash.spacing;
		let now = (crash.price)(t);
		let delayed = (crash.price)((t - 60).max(crash.from));
		let mut noisy = |p: [f64; 4]| p.map(|v| v * (1.0 + 0.0004 * (random.next() - 0.5)));
		let fed = [
			(Alice, noisy(now)),
			(Bob, noisy(now)),
			(Charlie, noisy(now)),
			(Dave, noisy(delayed)),
		];
		chain.block(t * 1_000, || {
			for (operator, p) in fed {
				assert_ok!(feed(operator, &feeds(p)));
			}
		});
		chain.state(|| {
			for event in events() {
				match event {
					RuntimeEvent::Liquidations(pallet_liquidations::Event::Liquidated {
						position,
						outcome: o,
						group,
						..
					}) if group.is_of_accounts() => {
						outcome.liquidations += 1;
						outcome.closed += o.closed;
						let risk = health(position);
						// Unless it had nothing left.
						if risk.free() > 0 && positions(position) > 0 {
							// Equity above the requirement, as notional at the least initial rate there is.
							outcome.beyond += (risk.free() as u128 * 1_000 / 45).min(o.closed);
						}
					}
					RuntimeEvent::Perpetuals(pallet_perpetuals::Event::GainsHaircut { deficit, .. }) => {
						outcome.haircut += deficit;
					}
					RuntimeEvent::Margin(pallet_margin::Event::MarginCalled { .. }) => outcome.calls += 1,
					RuntimeEvent::Margin(pallet_margin::Event::AccountLiquidated {
						account,
						fees,
						equity,
						..
					}) => {
						let had = equity + fees as i128;
						outcome.fees.entry(account).or_insert((had, 0)).1 += fees;
					}
					RuntimeEvent::Perpetuals(pallet_perpetuals::Event::DeficitCovered {
						tranche,
						fund,
						pool,
						..
					}) => {
						outcome.deficits += tranche + fund + pool;
						outcome.tranches += tranche;
						outcome.fund += fund;
						outcome.pool += pool;
					}
					_ => (),
				}
			}
			// An exact trigger is crossed a few base units late.
			let is_unsafe = |account: &MarginAccountId| health(*account).slack() < -10;
			for account in &accounts {
				match (is_unsafe(account), since.contains_key(account)) {
					(true, false) => {
						since.insert(*account, block);
					}
					(true, true) if block - since[account] >= 2 => {
						let groups = pallet_margin::Accounts::<Runtime>::get(account).unwrap().triggers;
						let group = groups.first().unwrap().0;
						let error = could(|| Margin::liquidate(group, *account).map(|_| ()));
						let why = error
							.err()
							.map_or("nothing: it could be".into(), |e| format!("{e:?}"));
						*outcome.waiting.entry(why).or_default() += 1;
					}
					(false, true) => {
						let began = since.remove(account).unwrap();
						*outcome.delays.entry(block - began).or_default() += 1;
					}
					_ => (),
				}
			}
			if block % 25 == 0 {
				check_state();
			}
		});
	}
	chain.state(check_state);
	for (account, began) in &since {
		println!("account {account} is unsafe since block {began}");
	}
	outcome.pool_after = chain.state(pool_equity);
	report(crash.name, workers, &outcome, since.len());
	assert!(
		since.values().all(|began| crash.blocks - began < 6),
		"nobody stays unsafe"
	);
	outcome
}

fn report(name: &str, workers: bool, o: &Outcome, left: usize) {
	let whole = |amount: u128| amount / 1_000_000;
	println!(
		"{name}, workers {workers}: {} accounts, {} positions",
		o.accounts, o.positions
	);
	println!(
		"  liquidations {}, refreshed {}, margin calls {}, unsafe at the end {left}",
		o.liquidations, o.refreshed, o.calls
	);
	println!("  blocks from unsafe to safe: {:?}", o.delays);
	println!(
		"  fees took {:.1} % of the equity of a liquidated account (median of {})",
		100.0 * o.fee_share(),
		o.fees.len()
	);
	println!("  why it took longer than two: {:?}", o.waiting);
	println!(
		"  closed {} kUSD, beyond what was needed {} ({:.3} %)",
		whole(o.closed),
		whole(o.beyond),
		100.0 * o.beyond as f64 / o.closed.max(1) as f64
	);
	println!(
		"  deficits {} kUSD: tranches {}, fund {}, pool {}, haircut {}",
		whole(o.deficits),
		whole(o.tranches),
		whole(o.fund),
		whole(o.pool),
		whole(o.haircut)
	);
	println!(
		"  pool {} -> {} kUSD ({:+.2} %)",
		o.pool_before / 1_000_000,
		o.pool_after / 1_000_000,
		100.0 * (o.pool_after - o.pool_before) as f64 / o.pool_before as f64
	);
}

/// `soon`: the blocks within which nearly all are liquidated. `worst`: the most blocks anybody was unsafe for;
/// who waits for a market's window is the one who waits that long. `deficits`: the most that may be left
/// uncovered by accounts, in whole kUSD.
fn check(outcome: &Outcome, soon: u64, worst: u64, deficits: u128) {
	assert_eq!(outcome.accounts, ACCOUNTS);
	assert!(outcome.positions >= ACCOUNTS, "{outcome:?}");
	assert!(
		outcome.liquidations >= 50,
		"the crash must have hit many: {outcome:?}"
	);
	let longest = outcome.delays.keys().max().copied().unwrap_or(0);
	assert!(
		longest <= worst,
		"somebody stayed unsafe for too long: {outcome:?}"
	);
	let all: usize = outcome.delays.values().sum();
	let in_time: usize = outcome.delays.range(..=soon).map(|(_, count)| count).sum();
	assert!(
		in_time * 100 >= all * 95,
		"nearly all are liquidated within {soon} blocks: {outcome:?}"
	);
	assert!(
		outcome.deficits <= kusd(deficits),
		"who is liquidated in time leaves no deficit: {outcome:?}"
	);
	assert!(
		outcome.beyond * 1_000 <= outcome.closed,
		"closed more than needed: {outcome:?}"
	);
	assert_eq!(outcome.haircut, 0, "{outcome:?}");
}

#[test]
fn march_2020_with_workers() {
	// With the first design they were 387.
	check(&replay(march_2020(), true), 2, 8, 387);
}

#[test]
fn march_2020_without_workers() {
	// `FallbackBlocks`.
	check(&replay(march_2020(), false), 3, 12, 2_500);
}

#[test]
#[ignore = "takes minutes: scripts/studies.sh"]
fn may_2021_with_workers() {
	check(&replay(may_2021(), true), 2, 8, 1_200);
}

#[test]
fn march_2023_with_workers() {
	let outcome = replay(march_2023(), true);
	assert!(outcome.liquidations >= 20, "{outcome:?}");
	assert!(outcome.beyond * 100 <= outcome.closed.max(1));
	assert_eq!(outcome.haircut, 0);
}
