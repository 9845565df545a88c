//! March 2020, May 2021 and the USDC depeg of March 2023 with the breakers on and off: who was held at which level and
//! when, whether the exits were open in every block, whether everything recovered without anyone, and what the
//! breakers saved.

mod common;

use std::collections::BTreeMap;

use common::{bars::Series, *};
use frame_support::assert_ok;
use keel_primitives::{BreakerSubject, CircuitBreaker as _, Level, MintPath, RiskParameters as _, VaultId};
use keel_runtime::{Assets, CircuitBreaker, Moment, RiskParameters, Runtime, RuntimeOrigin};
use pallet_vaults::Change;
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{DispatchError, FixedU128};

const USDC: u32 = 5;

struct Market {
	branch: u32,
	decimals: u32,
}

struct Scenario {
	name: &'static str,
	/// Unix seconds.
	from: u64,
	hours: u64,
	markets: Vec<Market>,
	/// kUSD of the bidder at the auctions.
	bidder: f64,
	price: Box<dyn Fn(u64) -> Vec<f64>>,
}

const BTC_ETH_DOT: [(u32, u32); 3] = [(BTC, 8), (ETH, 18), (DOT, 10)];

fn markets(all: &[(u32, u32)]) -> Vec<Market> {
	all.iter()
		.map(|(branch, decimals)| Market {
			branch: *branch,
			decimals: *decimals,
		})
		.collect()
}

fn march_2020() -> Scenario {
	let btc = Series::load("btcusdt_binance_2020-03_1h");
	let eth = Series::load("ethusd_coinapi-unnamed_2020-03-12_10m");
	let from = 1_583_971_200 + 9 * 3_600;
	let start = eth.price(from);
	Scenario {
		name: "12 March 2020, 09:00 UTC",
		from,
		hours: 15,
		markets: markets(&BTC_ETH_DOT),
		bidder: 1_200_000.0,
		// DOT was not traded yet: its feed makes ETH's moves.
		price: Box::new(move |t| vec![btc.price(t), eth.price(t), 4.5 * eth.price(t) / start]),
	}
}

fn may_2021() -> Scenario {
	let series = ["btc", "eth", "dot"].map(|s| Series::load(&format!("{s}usdt_binance_2021-05-17_5m")));
	Scenario {
		name: "19 May 2021, 10:00 UTC",
		from: 1_621_382_400 + 10 * 3_600,
		hours: 10,
		markets: markets(&BTC_ETH_DOT),
		bidder: 1_200_000.0,
		price: Box::new(move |t| series.iter().map(|s| s.price(t)).collect()),
	}
}

fn march_2023() -> Scenario {
	let (btc, usdc) = (
		Series::load("btcusd_kraken_2023-03-09_1m"),
		Series::load("usdcusd_kraken_2023-03-09_1m"),
	);
	Scenario {
		name: "10 March 2023, 21:00 UTC",
		from: 1_678_482_000,
		hours: 18,
		markets: markets(&[(BTC, 8), (USDC, 6)]),
		bidder: 1_200_000.0,
		price: Box::new(move |t| vec![btc.price(t), usdc.price(t)]),
	}
}

#[derive(Debug, Default)]
struct Outcome {
	/// Minutes since the beginning, subject, level.
	changes: Vec<(u64, BreakerSubject, Level)>,
	/// Blocks at each level, over all subjects.
	blocks_at: BTreeMap<Level, u64>,
	minted_in_the_crash: u128,
	refused_mints: u64,
	liquidated: u128,
	bad_debt: u128,
	fund_paid: u128,
	exits_tried: u64,
	last_above_normal: u64,
}

fn subjects(scenario: &Scenario) -> Vec<BreakerSubject> {
	let branches = scenario.markets.iter().flat_map(|m| {
		[
			BreakerSubject::Branch(m.branch),
			BreakerSubject::Mint(MintPath::Vaults(m.branch)),
		]
	});
	[
		BreakerSubject::Chain,
		BreakerSubject::Mint(MintPath::StabilityFees),
	]
	.into_iter()
	.chain(branches)
	.collect()
}

/// Lowers whatever the block's evaluation raised: breakers that are off. Limits keep every fuse from being
/// set so that it never blows.
fn lower_all() {
	pallet_circuit_breaker::Raised::<Runtime>::kill();
}

/// Fuses and windows as wide as their limits let them be.
fn without_breakers(scenario: &Scenario) {
	const NEVER: FixedU128 = FixedU128::from_u32(1_000_000);
	for market in &scenario.markets {
		let mut set = RiskParameters::branch(market.branch).unwrap();
		for fuse in [
			&mut set.deviation_guarded,
			&mut set.deviation_reduce_only,
			&mut set.deviation_halted,
			&mut set.liquidated_guarded,
			&mut set.liquidated_reduce_only,
			&mut set.liquidated_halted,
			&mut set.mint_limit,
			&mut set.leaving_guarded,
			&mut set.leaving_reduce_only,
			&mut set.exit_limit,
		] {
			*fuse = NEVER;
		}
		set.refused_guarded = u64::MAX;
		set.refused_reduce_only = u64::MAX;
		set.refused_halted = u64::MAX;
		RiskParameters::set_branch(market.branch, set);
	}
	let mut chain = RiskParameters::chain();
	for fuse in [
		&mut chain.drawdown_guarded,
		&mut chain.drawdown_reduce_only,
		&mut chain.drawdown_halted,
	] {
		*fuse = NEVER;
	}
	RiskParameters::set_chain(chain);
}

/// As calm as at the beginning: wide enough to open hundreds of vaults within minutes, for both runs alike.
fn open_doors(scenario: &Scenario, open: bool) {
	for market in &scenario.markets {
		let mut set = RiskParameters::branch(market.branch).unwrap();
		let ordinary = pallet_risk_parameters::limits::default_branch();
		set.mint_limit = match open {
			true => FixedU128::from_u32(1_000),
			false => ordinary.mint_limit,
		};
		RiskParameters::set_branch(market.branch, set);
	}
}

fn open(
	owner: Sr25519Keyring,
	market: &Market,
	price: f64,
	debt: f64,
	ratio: f64,
) -> Result<VaultId, DispatchError> {
	let units = debt * ratio / price;
	let collateral = (units * 1e6) as u128 * 10u128.pow(market.decimals) / 1_000_000;
	let id = pallet_vaults::NextVaultId::<Runtime>::get();
	call(
		owner,
		pallet_vaults::Call::<Runtime>::open {
			branch: market.branch,
			collateral,
			debt: (debt * 1e6) as u128,
		},
	)
	.map(|()| id)
}

fn replay(scenario: &Scenario, breakers: bool) -> Outcome {
	let mut chain = Chain::new();
	chain.try_state = false;
	let mut random = Random(11);
	let mut outcome = Outcome::default();
	let feeds = |p: &[f64]| -> Vec<(u32, f64)> {
		let mut all = vec![
			(1, 1.0),
			(BTC, 60_000.0),
			(ETH, 3_000.0),
			(DOT, 6.0),
			(USDC, 1.0),
			(6, 10.0),
		];
		for (market, price) in scenario.markets.iter().zip(p) {
			all.iter_mut().find(|(feed, _)| *feed == market.branch).unwrap().1 = *price;
		}
		all
	};
	let first = (scenario.price)(scenario.from);
	let mut time: Moment = (scenario.from - 7_200) * 1_000;
	chain.fed_block(time, &feeds(&first));

	// Before: prices, a USDC branch where there is none, vaults near the edge, a pool that is too small, and Ferdie, who is
	// safe and tries every exit in every block.
	chain.state(|| {
		if scenario.markets.iter().any(|m| m.branch == USDC) {
			let origin = RuntimeOrigin::from(keel_runtime::governance::pallet_origins::Origin::RiskBounds);
			let numbers = pallet_risk_parameters::limits::default_branch();
			assert_ok!(pallet_risk_parameters::Pallet::<Runtime>::add_branch(
				origin.clone(),
				USDC,
				Box::new(keel_primitives::BranchParameters {
					// A stablecoin's: what it lost in March 2023 has to fit into the buffer of most.
					liquidation_ratio: FixedU128::from_rational(120, 100),
					debt_ceiling: pallet_risk_parameters::limits::NEW_BRANCH_CEILING,
					liquidation_ratio_cap: FixedU128::from_rational(150, 100),
					liquidation_penalty: FixedU128::from_rational(8, 100),
					pool_bonus: FixedU128::from_rational(5, 100),
					// Five points are a lot for what should be worth one dollar.
					deviation_guarded: FixedU128::from_rational(3, 100),
					deviation_reduce_only: FixedU128::from_rational(5, 100),
					deviation_halted: FixedU128::from_rational(15, 100),
					..numbers
				}),
				Default::default(),
			));
			assert_ok!(pallet_vaults::Pallet::<Runtime>::add_branch(
				origin, USDC, USDC, USDC
			));
		}
		if !breakers {
			without_breakers(scenario);
		}
		open_doors(scenario, true);
	});
	let mut tick = |chain: &mut Chain, body: &mut dyn FnMut()| {
		time += 2_000;
		chain.block(time, || {
			feed_all(&feeds(&first));
			body()
		});
	};
	for _ in 0..4 {
		tick(&mut chain, &mut || ());
	}
	let owners = [Alice, Bob, Charlie, Dave, Eve];
	let mut safe: Vec<VaultId> = Vec::new();
	for round in 0..10 {
		tick(&mut chain, &mut || {
			for i in 0..24 {
				let index = i % scenario.markets.len();
				let market = &scenario.markets[index];
				let required = chain_required(market.branch);
				let u = random.next();
				let ratio = match u {
					u if u < 0.5 => required * (1.01 + 0.15 * random.next()),
					u if u < 0.85 => required * (1.16 + 0.5 * random.next()),
					_ => required * (1.66 + 1.5 * random.next()),
				};
				let debt = 150.0 * (random.next() * 3.0).exp();
				assert_ok!(open(
					owners[(round + i) % 5],
					market,
					first[index] * 0.999,
					debt,
					ratio
				));
			}
		});
	}
	tick(&mut chain, &mut || {
		for (market, price) in scenario.markets.iter().zip(&first) {
			safe.push(open(Ferdie, market, *price, 2_000.0, 6.0).unwrap());
		}
		// Who buys at auctions: money that is there before the crash.
		if scenario.bidder > 0.0 {
			open(Charlie, &scenario.markets[0], first[0], scenario.bidder, 5.0).unwrap();
		}
		let amount = balance(KUSD, Alice) / 3;
		assert_ok!(call(
			Alice,
			pallet_stability_pool::Call::<Runtime>::deposit { amount }
		));
	});
	chain.state(|| open_doors(scenario, !breakers));
	// An hour and a half for what was opened to fade from the meters.
	let calm = scenario.from * 1_000 - 60_000;
	while time < calm {
		time += 60_000;
		chain.fed_block(time.min(calm), &feeds(&first));
	}
	for (subject, level) in levels(&mut chain, scenario) {
		assert_eq!(level, Level::Normal, "{subject:?} before the crash");
	}

	// The crash, and four hours of its last price.
	let mut now_at: BTreeMap<BreakerSubject, Level> = BTreeMap::new();
	let step = 60;
	let steps = (scenario.hours + 4) * 3_600 / step;
	for n in 0..steps {
		let t = scenario.from + n * step;
		let p = (scenario.price)(t.min(scenario.from + scenario.hours * 3_600));
		chain.block(t * 1_000, || {
			if !breakers {
				lower_all();
			}
			for operator in OPERATORS {
				let own: Vec<f64> = p
					.iter()
					.map(|v| v * (1.0 + 0.0004 * (random.next() - 0.5)))
					.collect();
				assert_ok!(feed(operator, &feeds(&own)));
			}
		});
		chain.state(|| note_liquidations(&mut outcome));
		// Numbers that switch the breakers off are outside their bounds.
		chain.try_state = breakers && n % 120 == 0;
		chain.block(t * 1_000 + 2_000, || {
			if !breakers {
				lower_all();
			}
			bid(scenario, &p);
			// Those who buy the dip with borrowed money.
			for (market, price) in scenario.markets.iter().zip(&p) {
				let debt = 400.0;
				match open(
					Bob,
					market,
					*price * 0.999,
					debt,
					chain_required(market.branch) * 1.01,
				) {
					Ok(_) => outcome.minted_in_the_crash += debt as u128 * 1_000_000,
					Err(_) => outcome.refused_mints += 1,
				}
			}
			for vault in &safe {
				exits(*vault, &mut outcome);
			}
		});
		chain.try_state = false;
		chain.state(|| note_liquidations(&mut outcome));
		for (subject, level) in levels(&mut chain, scenario) {
			*outcome.blocks_at.entry(level).or_default() += 1;
			if level > Level::Normal {
				outcome.last_above_normal = n * step / 60;
			}
			if now_at.insert(subject, level).unwrap_or_default() != level {
				outcome.changes.push((n * step / 60, subject, level));
			}
		}
	}
	chain.state(|| {
		check_supply();
		outcome.bad_debt = fund_bad_debt();
	});
	for (subject, level) in levels(&mut chain, scenario) {
		assert_eq!(level, Level::Normal, "{subject:?} recovers without anyone");
	}
	outcome
}

/// What new risk has to meet in `branch`, as a number.
fn chain_required(branch: u32) -> f64 {
	pallet_vaults::Pallet::<Runtime>::branch(branch)
		.unwrap()
		.required_ratio
		.to_float()
}

fn levels(chain: &mut Chain, scenario: &Scenario) -> Vec<(BreakerSubject, Level)> {
	chain.state(|| {
		subjects(scenario)
			.into_iter()
			.map(|subject| {
				let own = pallet_circuit_breaker::Pallet::<Runtime>::status(subject).map(|s| s.level);
				(subject, own.unwrap_or_default())
			})
			.collect()
	})
}

/// Repaying, topping up and closing work in every block, whatever the level; taking out what is free up to ReduceOnly.
fn exits(vault: VaultId, outcome: &mut Outcome) {
	use pallet_vaults::Call;
	let branch = pallet_vaults::Vaults::<Runtime>::get(vault).unwrap().branch;
	let level = CircuitBreaker::level(BreakerSubject::Branch(branch));
	outcome.exits_tried += 1;
	let attempt = |what: Call<Runtime>| could(|| call(Ferdie, what));
	assert_ok!(attempt(Call::repay {
		vault,
		amount: kusd(100)
	}));
	assert_ok!(attempt(Call::top_up { vault, amount: 1_000 }));
	// The fee is little more than what Ferdie minted elsewhere.
	assert_ok!(could(|| {
		let short = kusd(1_000);
		<Assets as frame_support::traits::fungibles::Mutate<_>>::transfer(
			KUSD,
			&who(Alice),
			&who(Ferdie),
			short,
			frame_support::traits::tokens::Preservation::Expendable,
		)?;
		call(Ferdie, Call::close { vault })
	}));
	let free = attempt(Call::adjust {
		vault,
		collateral: Change::Decrease(1_000),
		debt: Change::Decrease(kusd(100)),
	});
	assert_eq!(free.is_ok(), level <= Level::ReduceOnly, "{level:?}: {free:?}");
}

fn note_liquidations(outcome: &mut Outcome) {
	use keel_runtime::RuntimeEvent::*;
	for event in events() {
		match event {
			Liquidations(pallet_liquidations::Event::Liquidated { outcome: o, .. }) => {
				outcome.liquidated += o.debt;
			}
			InsuranceFund(pallet_insurance_fund::Event::ShortfallCovered { shared, treasury, .. }) => {
				outcome.fund_paid += shared + treasury;
			}
			_ => {}
		}
	}
}

/// Somebody with kUSD takes what is at least 3 % below spot.
fn bid(scenario: &Scenario, p: &[f64]) {
	let running: Vec<_> = pallet_auctions::Auctions::<Runtime>::iter().collect();
	for (id, auction) in running {
		let index = scenario
			.markets
			.iter()
			.position(|m| Some(m.branch) == auction.branch)
			.unwrap();
		let _ = call(
			Charlie,
			pallet_auctions::Call::<Runtime>::take {
				auction: id,
				max_collateral: auction.collateral,
				max_price: usd(p[index] * 0.97),
			},
		);
	}
}

/// Both runs side by side, and what must be true of them.
fn compare(scenario: &Scenario, expected: &[(BreakerSubject, Level)]) -> (Outcome, Outcome) {
	let (on, off) = (replay(scenario, true), replay(scenario, false));
	println!("\n{}", scenario.name);
	println!("  minute  subject  level");
	for (minute, subject, level) in &on.changes {
		println!("  {minute:>6}  {subject:?}  {level:?}");
	}
	println!("  blocks at each level: {:?}", on.blocks_at);
	println!("                               breakers on       off");
	let row = |what: &str, on: u128, off: u128| {
		println!(
			"  {what:<26} {:>14.2} {:>9.2} kUSD",
			on as f64 / 1e6,
			off as f64 / 1e6
		)
	};
	row(
		"minted in the crash",
		on.minted_in_the_crash,
		off.minted_in_the_crash,
	);
	row("debt liquidated", on.liquidated, off.liquidated);
	row("paid by the fund", on.fund_paid, off.fund_paid);
	row("bad debt", on.bad_debt, off.bad_debt);
	println!("  mints refused {} / {}", on.refused_mints, off.refused_mints);
	println!("  exits tried and open in every block: {}", on.exits_tried);
	println!("  last minute above Normal: {}", on.last_above_normal);

	for (subject, level) in expected {
		assert!(
			on.changes.iter().any(|(_, s, l)| s == subject && l >= level),
			"{subject:?} reached {level:?}"
		);
	}
	assert!(off.changes.is_empty(), "off is off: {:?}", off.changes);
	assert!(on.exits_tried > 100);
	assert!(on.bad_debt <= off.bad_debt);
	assert!(on.minted_in_the_crash <= off.minted_in_the_crash);
	assert!(on.liquidated <= off.liquidated);
	(on, off)
}

#[test]
fn black_thursday() {
	compare(
		&march_2020(),
		&[
			(BreakerSubject::Branch(ETH), Level::ReduceOnly),
			(BreakerSubject::Branch(BTC), Level::Guarded),
		],
	);
}

#[test]
fn nineteenth_of_may() {
	compare(&may_2021(), &[(BreakerSubject::Branch(ETH), Level::ReduceOnly)]);
}

/// The same, and hardly anybody has kUSD to bid with: what nobody buys becomes bad debt, the less of it the less was minted.
#[test]
fn nineteenth_of_may_without_buyers() {
	let scenario = Scenario {
		name: "19 May 2021, 10:00 UTC, hardly a bidder",
		bidder: 0.0,
		..may_2021()
	};
	let (on, off) = compare(
		&scenario,
		&[
			(BreakerSubject::Branch(ETH), Level::ReduceOnly),
			// The drawdown counts what the fund took as worth its reserve: less than half of what there was.
			(BreakerSubject::Chain, Level::ReduceOnly),
		],
	);
	assert!(on.bad_debt < off.bad_debt && on.minted_in_the_crash < off.minted_in_the_crash);
}

#[test]
#[ignore = "takes minutes: scripts/studies.sh"]
fn usdc_depeg() {
	compare(&march_2023(), &[(BreakerSubject::Branch(USDC), Level::Guarded)]);
}
