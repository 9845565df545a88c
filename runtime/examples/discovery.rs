//! What finding ten unsafe positions costs among a thousand, ten thousand, a hundred thousand and a million, as
//! ratios in one run: vaults, then margin accounts.
//!
//! ```sh
//! . .keel/env && SKIP_WASM_BUILD=1 cargo run -p keel-runtime --example discovery --features
//! runtime-benchmarks,try-runtime
//! ```
//!
//! Other numbers than those four are given as arguments, each at least ten: `-- 100 1000`.
//!
//! Measured is what a validator's worker asks: the threshold, the walk through the index, and for each candidate the
//! check the call makes; on the development chain's state, in a trie over a hash table, as a node's database is one.
//! (`frame-omni-bencher` keeps its trie in an ordered map, whose every access slows with the size of the whole state.)
//!
//! Margin accounts are looked for in every group of theirs, after all prices fell by a hundredth: up to ten
//! times leveraged, and as highly as the fall leaves safe; with one position each, whose trigger is exact, and
//! two in five with two. Whose trigger is crossed and who is safe all the same is looked at once more; the last
//! column counts them.

#[path = "../tests/common/mod.rs"]
mod common;

use std::{
	collections::BTreeSet,
	time::{Duration, Instant},
};

use common::{Chain, Random, BTC, DOT, ETH};
use frame_support::{traits::Hooks, weights::WeightMeter};
use keel_primitives::{
	Group, LiquidityPool as _, MarginAccounts as _, MarketId, PositionLedger, Positions as _,
	PriceProvider as _, RiskParameters as _,
};
use keel_runtime::{
	AccountId, Liquidations, LiquidityPool, Margin, Perpetuals, Prices, RiskParameters, Runtime, System,
	Vaults, SLOT_DURATION,
};
use sp_runtime::FixedU128;

const UNSAFE: u32 = 10;
const ROUNDS: usize = 2_000;

/// How many vaults, then accounts: the arguments, or those of the study.
fn totals() -> Vec<u32> {
	let arguments: Vec<u32> = std::env::args()
		.skip(1)
		.map(|argument| {
			argument
				.parse()
				.ok()
				.filter(|total| *total >= UNSAFE)
				.unwrap_or_else(|| panic!("`{argument}` is no whole number from {UNSAFE} on"))
		})
		.collect();
	if arguments.is_empty() {
		vec![1_000, 10_000, 100_000, 1_000_000]
	} else {
		arguments
	}
}

/// The median time of one discovery among `total` vaults.
fn discovery(total: u32) -> Duration {
	let mut chain = Chain::new();
	let branch = chain.state(|| Vaults::create_positions(total, UNSAFE));
	chain.commit();
	let mut times: Vec<Duration> = (0..ROUNDS)
		.map(|_| {
			chain.state(|| {
				let begin = Instant::now();
				let found = Liquidations::unsafe_positions(branch, 100);
				let time = begin.elapsed();
				assert_eq!(found.len(), UNSAFE as usize);
				assert!(found.iter().all(|position| position.deficit.is_some()));
				time
			})
		})
		.collect();
	times.sort();
	times[ROUNDS / 2]
}

/// Market, price in USD.
const MARKETS: [(MarketId, f64); 4] = [(BTC, 60_000.0), (ETH, 3_000.0), (DOT, 6.0), (6, 150.0)];

fn feeds() -> Vec<(u32, f64)> {
	let mut all = MARKETS.to_vec();
	all.extend([(1, 1.0), (5, 1.0)]);
	all
}

/// A market's maintenance margin.
fn maintenance(market: MarketId) -> f64 {
	let parameters = RiskParameters::market(market).expect("the development chain lists it");
	parameters.maintenance_margin.to_float()
}

/// What was seen on the way to the unsafe accounts.
#[derive(Default)]
struct Found {
	/// Keys of the index that were read.
	visited: u32,
	/// Accounts with a crossed trigger.
	crossed: BTreeSet<u64>,
	/// Those of them that are unsafe.
	liquidatable: Vec<u64>,
}

/// The unsafe ones, through every group of margin accounts.
fn find() -> Found {
	let mut found = Found::default();
	for (group, threshold) in Margin::thresholds() {
		let Ok(threshold) = threshold else {
			continue;
		};
		let walk = Liquidations::walk(group, None, threshold, u32::MAX);
		found.visited += walk.visited;
		for key in walk.keys {
			let account = key.position();
			if found.crossed.insert(account) && Margin::deficit(group, account).is_ok() {
				found.liquidatable.push(account);
			}
		}
	}
	found
}

/// How highly the others may be leveraged in a market: so that nobody of them is crossed, or just so that nobody is unsafe.
#[derive(Clone, Copy)]
enum Leverage {
	UpToTen,
	UpToTheEdge,
}

impl Leverage {
	fn most(self, maintenance: f64) -> f64 {
		match self {
			Self::UpToTen => Self::UpToTheEdge.most(maintenance).min(10.0),
			Self::UpToTheEdge => 1.0 / (maintenance + 0.0125),
		}
	}
}

/// `total` margin accounts with one position or, `pairs` of all, two. The first ten are long and unsafe once prices fell by a
/// hundredth; of the others nobody is.
fn create_accounts(chain: &mut Chain, total: u32, leverage: Leverage, pairs: f64) {
	let mut random = Random(u64::from(total));
	let mut skews = [0i128; MARKETS.len()];
	let rates = chain.state(|| MARKETS.map(|(market, _)| maintenance(market)));
	chain.state(|| LiquidityPool::fund(100_000_000_000_000));
	for begin in (0..total).step_by(5_000) {
		chain.state(|| {
			for i in begin..total.min(begin + 5_000) {
				let doomed = i < UNSAFE;
				let first = i as usize % MARKETS.len();
				let legs = if !doomed && random.next() < pairs { 2 } else { 1 };
				let legs: Vec<usize> = (0..legs).map(|leg| (first + leg) % MARKETS.len()).collect();
				let notional = 1_000.0 + 4_000.0 * random.next();
				let maintenance = legs.iter().map(|leg| rates[*leg]).fold(0.0, f64::max);
				let cash = if doomed {
					notional * (maintenance + 0.005)
				} else {
					notional / (2.0 + (leverage.most(maintenance) - 2.0) * random.next())
				};
				let owner: AccountId = frame_benchmarking::account("trader", i / 256, 0);
				let account = Margin::create(&owner, (i % 256) as u8, (cash * 1e6) as u128);
				for leg in &legs {
					let (market, price) = MARKETS[*leg];
					let units = (notional / legs.len() as f64 / price * 1e8) as i128;
					// Against the skew, so that the mark stays at the index.
					let size = if doomed || skews[*leg] <= 0 { units } else { -units };
					skews[*leg] += size;
					Perpetuals::create(account, market, size);
				}
				common::settle(account, 0).expect("it was created");
				// As the end of its block does.
				Margin::refresh(Group::Due, account).expect("it is safe");
			}
		});
		chain.commit();
	}
}

/// All prices fall by a hundredth; the markets' part of the next block.
fn fall(chain: &mut Chain) {
	let now = chain.now() + SLOT_DURATION;
	chain.state(|| {
		pallet_timestamp::Now::<Runtime>::put(now);
		for (market, price) in MARKETS {
			Prices::set_price(market, FixedU128::from_float(price * 0.99));
		}
		Perpetuals::on_poll(System::block_number() + 1, &mut WeightMeter::new());
	});
	chain.commit();
}

/// The median time of one discovery among `total` margin accounts, and what it sees.
fn margin_discovery(total: u32, leverage: Leverage, pairs: f64, rounds: usize) -> (Duration, Found) {
	let mut chain = Chain::new();
	chain.workers = false;
	for i in 1..5 {
		chain.fed_block(common::BEGIN + i * SLOT_DURATION, &feeds());
	}
	create_accounts(&mut chain, total, leverage, pairs);
	let before = chain.state(find);
	assert!(
		before.liquidatable.is_empty(),
		"{} are unsafe before",
		before.liquidatable.len()
	);
	fall(&mut chain);
	let mut times: Vec<Duration> = (0..rounds)
		.map(|_| {
			chain.state(|| {
				let begin = Instant::now();
				let found = find();
				let time = begin.elapsed();
				assert_eq!(found.liquidatable.len(), UNSAFE as usize);
				time
			})
		})
		.collect();
	times.sort();
	(times[rounds / 2], chain.state(find))
}

fn main() {
	println!("{:>10} {:>12} {:>10}", "vaults", "median", "ratio");
	let mut first = None;
	for total in totals() {
		let time = discovery(total);
		let ratio = time.as_secs_f64() / first.get_or_insert(time).as_secs_f64();
		println!("{total:>10} {:>9.1} µs {ratio:>9.2}x", time.as_secs_f64() * 1e6);
	}
	for (name, leverage, pairs, rounds) in [
		("one position, leverage up to 10x", Leverage::UpToTen, 0.0, ROUNDS),
		(
			"one position, leverage to the edge",
			Leverage::UpToTheEdge,
			0.0,
			ROUNDS,
		),
		("two in five with two, up to 10x", Leverage::UpToTen, 0.4, ROUNDS),
		(
			"two in five with two, to the edge",
			Leverage::UpToTheEdge,
			0.4,
			20,
		),
	] {
		println!(
			"\n{:>10} {:>12} {:>10} {:>8} {:>8} {:>8}   margin accounts: {name}",
			"accounts", "median", "ratio", "keys", "crossed", "safe"
		);
		let mut first = None;
		for total in totals() {
			let (time, found) = margin_discovery(total, leverage, pairs, rounds);
			let ratio = time.as_secs_f64() / first.get_or_insert(time).as_secs_f64();
			println!(
				"{total:>10} {:>9.1} µs {ratio:>9.2}x {:>8} {:>8} {:>8}",
				time.as_secs_f64() * 1e6,
				found.visited,
				found.crossed.len(),
				found.crossed.len() - found.liquidatable.len(),
			);
		}
	}
}
