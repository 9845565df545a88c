//! March 2020 and May 2021 through the whole runtime: every block's `try_state`, nobody unsafe for more than five
//! blocks, the supply of kUSD to the unit; once with the workers, once with the block alone.

mod common;

use std::collections::HashMap;

use common::{bars::Series, *};
use frame_support::assert_ok;
use keel_primitives::{BranchParameters, Group, RiskParameters as _, VaultId};
use keel_runtime::{Moment, RiskParameters, Runtime, RuntimeEvent};
use sp_keyring::Sr25519Keyring::{self, *};

struct Crash {
	begin: &'static str,
	from: u64,
	blocks: u64,
	spacing: u64,
	price: Box<dyn Fn(u64) -> [f64; 3]>,
}

fn march_2020() -> Crash {
	let btc = Series::load("btcusdt_binance_2020-03_1h");
	let eth = Series::load("ethusd_coinapi-unnamed_2020-03-12_10m");
	// 12 March 2020, 09:00 UTC to 15:00: the ten-minute bars in which ETH fell by 40 %.
	let from = 1_583_971_200 + 9 * 3_600;
	let start = eth.price(from);
	Crash {
		begin: "12 March 2020",
		from,
		blocks: 360,
		spacing: 60,
		// DOT was not traded yet: its feed makes ETH's moves.
		price: Box::new(move |t| [btc.price(t), eth.price(t), 4.5 * eth.price(t) / start]),
	}
}

fn may_2021() -> Crash {
	let series = ["btc", "eth", "dot"].map(|s| Series::load(&format!("{s}usdt_binance_2021-05-17_5m")));
	Crash {
		begin: "19 May 2021",
		// 19 May 2021, 10:00 UTC to 15:00.
		from: 1_621_382_400 + 10 * 3_600,
		blocks: 300,
		spacing: 60,
		price: Box::new(move |t| [series[0].price(t), series[1].price(t), series[2].price(t)]),
	}
}

#[derive(Debug, Default)]
struct Outcome {
	vaults: usize,
	found: usize,
	worst: u64,
	by_worker: usize,
	by_block: usize,
	absorbed: u128,
	auctioned: u128,
}

fn replay(crash: Crash, workers: bool) -> Outcome {
	let mut chain = Chain::new();
	let mut random = Random(7);
	let mut outcome = Outcome::default();
	chain.workers = workers;
	let prices = |p: [f64; 3]| {
		vec![
			(1, 1.0),
			(BTC, p[0]),
			(ETH, p[1]),
			(DOT, p[2]),
			(5, 1.0),
			(6, 10.0),
		]
	};
	let first = (crash.price)(crash.from);

	// Before: prices, vaults near the edge, a pool that is too small.
	let mut time: Moment = (crash.from - 1_200) * 1_000;
	let mut tick = || {
		time += 2_000;
		time
	};
	for _ in 0..4 {
		chain.fed_block(tick(), &prices(first));
	}
	// Room for as much debt as in the other branches, so that what is opened within minutes here is little of it.
	chain.state(|| {
		let dot = RiskParameters::branch(DOT).unwrap();
		let debt_ceiling = RiskParameters::branch(ETH).unwrap().debt_ceiling;
		RiskParameters::set_branch(DOT, BranchParameters { debt_ceiling, ..dot });
	});
	let owners = [Alice, Bob, Charlie, Dave, Eve, Ferdie];
	let decimals = [8u32, 18, 10];
	for round in 0..17 {
		let at = tick();
		chain.block(at, || {
			feed_all(&prices(first));
			for i in 0..30 {
				let branch = i % 3;
				let required = [1.6, 1.6, 1.75][branch];
				let u = random.next();
				let ratio = match u {
					u if u < 0.5 => required * (1.01 + 0.15 * random.next()),
					u if u < 0.85 => required * (1.16 + 0.5 * random.next()),
					_ => required * (1.66 + 1.5 * random.next()),
				};
				let debt = 150.0 * (random.next() * 3.0).exp();
				let units = debt * ratio / (first[branch] * 0.999);
				let collateral = (units * 1e8) as u128 * 10u128.pow(decimals[branch]) / 100_000_000;
				assert_ok!(call(
					owners[(round + i) % 6],
					pallet_vaults::Call::<Runtime>::open {
						branch: branch as u32 + 2,
						collateral,
						debt: (debt * 1e6) as u128,
					},
				));
				outcome.vaults += 1;
			}
		});
	}
	let deposit = balance_of(&mut chain, Alice) / 2;
	let at = tick();
	chain.block(at, || {
		feed_all(&prices(first));
		assert_ok!(call(
			Alice,
			pallet_stability_pool::Call::<Runtime>::deposit { amount: deposit }
		));
	});

	chain.let_deposits_join(&prices(first));

	// The crash.
	let mut since: HashMap<VaultId, u64> = HashMap::new();
	for block in 0..crash.blocks {
		let t = crash.from + block * crash.spacing;
		let now = (crash.price)(t);
		let delayed = (crash.price)((t - 180).max(crash.from));
		let mut noisy = |p: [f64; 3]| p.map(|v| v * (1.0 + 0.0004 * (random.next() - 0.5)));
		let feeds = [
			(Alice, noisy(now)),
			(Bob, noisy(now)),
			(Charlie, noisy(now)),
			(Dave, noisy(delayed)),
			(Eve, first),
		];
		chain.block(t * 1_000, || {
			for (operator, p) in feeds {
				assert_ok!(feed(operator, &prices(p)));
			}
			bid(now);
		});
		chain.state(|| {
			for event in events() {
				if let RuntimeEvent::Liquidations(pallet_liquidations::Event::Liquidated {
					position,
					by,
					outcome: o,
					..
				}) = event
				{
					// Safe at the price of then. If this block's price makes it unsafe again, that begins anew.
					if let Some(began) = since.remove(&position) {
						outcome.worst = outcome.worst.max(block - began);
					}
					match by {
						pallet_liquidations::LiquidatedBy::Worker => outcome.by_worker += 1,
						pallet_liquidations::LiquidatedBy::Block => outcome.by_block += 1,
					}
					outcome.absorbed += o.absorbed;
					outcome.auctioned += o.auctioned;
				}
			}
			let mut unsafe_now = Vec::new();
			for branch in [BTC, ETH, DOT] {
				unsafe_now.extend(
					pallet_liquidations::Pallet::<Runtime>::unsafe_positions(Group::Branch(branch), 1_000)
						.into_iter()
						.map(|p| p.position),
				);
			}
			for vault in &unsafe_now {
				if since
					.insert(*vault, *since.get(vault).unwrap_or(&block))
					.is_none()
				{
					outcome.found += 1;
				}
			}
			since.retain(|vault, began| {
				let still = unsafe_now.contains(vault);
				outcome.worst = outcome.worst.max(block - *began);
				still
			});
		});
	}
	println!("{}, workers {workers}: {outcome:?}", crash.begin);
	outcome
}

/// Somebody with kUSD takes what is at least 3 % below spot.
fn bid(spot: [f64; 3]) {
	let running: Vec<_> = pallet_auctions::Auctions::<Runtime>::iter().collect();
	for (id, auction) in running {
		let limit = usd(spot[auction.asset as usize - 2] * 0.97);
		// Too early, or no more money: somebody else, later, or the fund.
		let _ = call(
			Bob,
			pallet_auctions::Call::<Runtime>::take {
				auction: id,
				max_collateral: auction.collateral,
				max_price: limit,
			},
		);
	}
}

fn balance_of(chain: &mut Chain, key: Sr25519Keyring) -> u128 {
	chain.state(|| balance(KUSD, key))
}

fn check(outcome: &Outcome) {
	assert!(outcome.vaults >= 500);
	assert!(
		outcome.found >= 100,
		"the crash must have made many vaults unsafe: {outcome:?}"
	);
	assert!(
		outcome.worst <= 5,
		"nobody stays unsafe for more than five blocks: {outcome:?}"
	);
	assert!(
		outcome.absorbed > 0 && outcome.auctioned > 0,
		"both buyers were needed: {outcome:?}"
	);
}

#[test]
fn march_2020_with_workers() {
	let outcome = replay(march_2020(), true);
	check(&outcome);
	assert!(outcome.by_worker > 0);
}

#[test]
fn march_2020_without_workers() {
	let outcome = replay(march_2020(), false);
	check(&outcome);
	assert_eq!(outcome.by_worker, 0);
	assert!(outcome.by_block > 0);
}

#[test]
fn may_2021_with_workers() {
	let outcome = replay(may_2021(), true);
	check(&outcome);
	assert!(outcome.by_worker > 0);
}

#[test]
fn may_2021_without_workers() {
	let outcome = replay(may_2021(), false);
	check(&outcome);
	assert_eq!(outcome.by_worker, 0);
}
