//! Stops of the chain: no block is made for a while, and nobody can act. What every clock of the runtime does
//! then is in `docs/clocks.md`; what there is money in is tested here, on the whole runtime.

mod common;
#[allow(dead_code, unused_imports)]
#[path = "margin_attacks/stage.rs"]
mod stage;

use keel_math::{interest, SECONDS_PER_YEAR};
use keel_primitives::{
	AuctionId, BranchParameters, BreakerSubject, CircuitBreaker as _, CollateralParameters, Level, MintPath,
	Price, PriceFor, PriceProvider, Recovery as _, VaultId,
};
use keel_runtime::{governance::pallet_origins::Origin, Auctions, CircuitBreaker, Prices};
use pallet_circuit_breaker::{Cause, Error as BreakerError};
use pallet_perpetuals::Status;
use stage::*;

const ONE_BTC: Balance = 100_000_000;
const ONE_ETH: Balance = 1_000_000_000_000_000_000;
const MINUTE: Moment = 60_000;
const HOUR: Moment = 60 * MINUTE;
const DAY: Moment = 24 * HOUR;
/// The stops of `docs/clocks.md`.
const STOPS: [Moment; 3] = [MINUTE, HOUR, DAY];

fn with_eth_at(price: f64) -> Vec<(u32, f64)> {
	let mut all = prices();
	all.iter_mut().find(|(feed, _)| *feed == ETH).unwrap().1 = price;
	all
}

/// A chain with ten calm minutes behind it.
fn calm() -> Chain {
	let mut chain = Chain::new();
	for half_minute in 1..=20 {
		chain.fed_block(BEGIN + half_minute * 30_000, &prices());
	}
	chain
}

/// A block two seconds after the last one, with these prices.
fn next(chain: &mut Chain, prices: &[(u32, f64)]) {
	let now = chain.now() + 2_000;
	chain.fed_block(now, prices);
}

fn try_open(key: Sr25519Keyring, branch: u32, collateral: Balance, debt: Balance) -> DispatchResult {
	let open = pallet_vaults::Call::<Runtime>::open {
		branch,
		collateral,
		debt,
	};
	call(key, open)
}

fn open(key: Sr25519Keyring, branch: u32, collateral: Balance, debt: Balance) -> VaultId {
	assert_ok!(try_open(key, branch, collateral, debt));
	*pallet_vaults::Pallet::<Runtime>::vaults_of(who(key))
		.last()
		.unwrap()
}

fn branch(id: u32) -> pallet_vaults::Branch {
	pallet_vaults::Branches::<Runtime>::get(id).unwrap()
}

fn set_branch(id: u32, change: impl FnOnce(&mut BranchParameters)) {
	let mut numbers = RiskParameters::branch(id).unwrap();
	change(&mut numbers);
	RiskParameters::set_branch(id, numbers);
}

fn level(subject: BreakerSubject) -> Level {
	CircuitBreaker::level(subject)
}

fn chain_level() -> Level {
	level(BreakerSubject::Chain)
}

/// What a consumer of the ETH price gets.
fn ask(purpose: PriceFor) -> Result<Price, sp_runtime::DispatchError> {
	<Prices as PriceProvider>::price(ETH, purpose)
}

fn price(auction: AuctionId) -> f64 {
	let view = Auctions::auction(auction).expect("the auction runs");
	assert!(view.open, "{view:?}");
	view.price.into_inner() as f64 / 1e18
}

/// A vault of 10 ETH that owes 15,000 kUSD is liquidated at 2,100 while the stability pool is empty: an
/// auction of 2.8827 ETH that starts at 2,310. Bob has kUSD to buy with.
fn auction() -> (Chain, AuctionId) {
	let mut chain = calm();
	let now = chain.now() + 2_000;
	chain.block(now, || {
		feed_all(&prices());
		open(Alice, ETH, 10 * ONE_ETH, kusd(15_000));
		open(Bob, BTC, ONE_BTC, kusd(20_000));
	});
	while chain.state(pallet_auctions::NextAuctionId::<Runtime>::get) == 0 {
		next(&mut chain, &with_eth_at(2_100.0));
	}
	chain.state(|| {
		let view = Auctions::auction(0).unwrap();
		// The liquidation sells ETH for the debt and the penalty on it.
		assert_eq!((view.collateral + ONE_ETH / 20_000) / (ONE_ETH / 10_000), 28_827);
		assert_eq!((view.needed + 5_000) / 10_000, 605_357);
		assert_eq!(price(0), 2_310.0);
	});
	(chain, 0)
}

/// Kind: a price that falls by the wall clock falls while nobody can buy.
///
/// Ten minutes without a block took the first price to 1,708.71 and left 412.59 kUSD of bad debt; twenty-five
/// gave all of it to the fund, with 5,357.14 of bad debt and the chain `Halted`.
#[test]
fn a_stop_costs_an_auction_at_most_three_steps() {
	for stop in [MINUTE, 10 * MINUTE, 25 * MINUTE, HOUR, DAY] {
		let (mut chain, id) = auction();
		let now = chain.now() + stop;
		let prices = with_eth_at(2_100.0);
		let paid = chain.block(now, || {
			feed_all(&prices);
			// 2,310 × 0.99³.
			assert!((price(id) - 2_241.390_69).abs() < 1e-6, "{}", price(id));
			let before = balance(KUSD, Bob);
			let take = pallet_auctions::Call::<Runtime>::take {
				auction: id,
				max_collateral: Balance::MAX,
				max_price: FixedU128::from_u32(10_000),
			};
			assert_ok!(call(Bob, take));
			before - balance(KUSD, Bob)
		});
		// Debt and penalty to the unit, and one unit of collateral's price at most.
		assert_eq!((paid + 5_000) / 10_000, 605_357);
		for _ in 0..3 {
			next(&mut chain, &prices);
		}
		chain.state(|| {
			assert_eq!(fund_bad_debt(), 0);
			assert_eq!(auction_debt(), 0);
			assert_eq!(chain_level(), Level::Normal);
		});
	}
}

/// Kind: a process that ends by the wall clock ends while nobody can act.
///
/// Blocks that come rarely, one in ten minutes, cost an auction three steps each and no more: it lasts as
/// many blocks as its curve has three-step parts.
#[test]
fn an_auction_lasts_for_blocks_in_which_somebody_could_buy() {
	let (mut chain, id) = auction();
	let prices = with_eth_at(2_100.0);
	// 1.1 × 0.99⁶¹ is the first step below the reserve of 0.6, the twenty-first block of three steps each.
	for _ in 0..20 {
		let now = chain.now() + 10 * MINUTE;
		chain.fed_block(now, &prices);
		chain.state(|| assert!(Auctions::auction(id).unwrap().open));
	}
	chain.state(|| assert_eq!(fund_bad_debt(), 0));
}

/// Kind: a rate that changes is charged for the time before the change; and who leaves while interest can't
/// be minted pays none.
///
/// The index grew by 1.734e-4 instead of 1.387e-5, and who closed meanwhile paid nothing.
#[test]
fn a_new_fee_is_not_charged_for_the_time_before_it() {
	const FEES: BreakerSubject = BreakerSubject::Mint(MintPath::StabilityFees);
	let mut chain = calm();
	let now = chain.now() + 2_000;
	let id = chain.block(now, || {
		feed_all(&prices());
		open(Bob, BTC, ONE_BTC, kusd(20_000));
		open(Alice, ETH, 10 * ONE_ETH, kusd(10_000))
	});
	// Visited, so that the index stands at a known time.
	for _ in 0..2 {
		let now = chain.now() + 30_000;
		chain.fed_block(now, &prices());
	}
	let closed = || {
		let close = pallet_circuit_breaker::Call::set_level {
			subject: FEES,
			level: Level::Halted,
		};
		ok(as_referendum(Origin::RiskAdjust, close));
	};
	let (before, fund) = chain.state(|| {
		closed();
		(branch(ETH), InsuranceFund::balances())
	});
	chain.try_state = false;
	let begin = before.accrued_at;
	while chain.now() < begin + 21_873_000 {
		let now = (chain.now() + 30_000).min(begin + 21_873_000);
		chain.block(now, || {
			feed_all(&prices());
			// Closed all the time.
			closed();
		});
	}
	chain.state(|| {
		set_branch(ETH, |numbers| {
			numbers.stability_fee = FixedU128::from_rational(25, 100)
		})
	});
	// The visit of this block sees the new fee, and the time of the block before.
	next(&mut chain, &prices());
	let now = chain.now() + 30_000;
	chain.try_state = true;
	chain.fed_block(now, &prices());
	chain.state(|| {
		let after = branch(ETH);
		let growth = (after.rate_index - before.rate_index) as f64 / before.rate_index as f64;
		let seconds = (after.accrued_at - begin) as f64 / 1e3;
		let expected = 0.02 * seconds / SECONDS_PER_YEAR as f64;
		assert!((growth / expected - 1.0).abs() < 0.002, "{growth} for {expected}");
		assert!((growth - 1.387e-5).abs() < 3e-8, "{growth}");
		assert_eq!(after.fee, FixedU128::from_rational(25, 100));
		// Nothing was minted, and all of it is owed.
		assert_eq!(InsuranceFund::balances(), fund);
		assert!(after.unminted >= 138_000, "{}", after.unminted);
	});
	// Closing costs it, and Bob, who still has some, lends Alice what is missing.
	let now = chain.now() + 2_000;
	chain.block(now, || {
		feed_all(&prices());
		let owed = pallet_vaults::Pallet::<Runtime>::health(id).unwrap().debt;
		assert!(owed >= kusd(10_000) + 138_000);
		let pay = pallet_assets::Call::<Runtime>::transfer {
			id: KUSD,
			target: who(Alice).into(),
			amount: kusd(1),
		};
		assert_ok!(call(Bob, pay));
		assert_ok!(call(Alice, pallet_vaults::Call::<Runtime>::close { vault: id }));
		assert_eq!(balance(KUSD, Alice), kusd(10_001) - owed);
	});
	// The path opens by itself, and the fund gets it.
	let waits = chain.state(|| branch(ETH).unminted);
	let reopen = pallet_circuit_breaker::Call::set_level {
		subject: FEES,
		level: Level::Normal,
	};
	chain.state(|| ok(as_referendum(Origin::RiskAdjust, reopen)));
	for _ in 0..2 {
		let now = chain.now() + 30_000;
		chain.fed_block(now, &prices());
	}
	chain.state(|| {
		assert_eq!(branch(ETH).unminted, 0);
		let balances = InsuranceFund::balances();
		assert!(balances.shared + balances.treasury >= fund.shared + fund.treasury + waits);
	});
}

/// Kind: what somebody owes, or has to meet, jumps while nobody can act.
#[test]
fn vaults_owe_the_interest_of_a_stop_and_meet_a_minute_of_the_ramp() {
	for stop in STOPS {
		let mut chain = calm();
		let now = chain.now() + 2_000;
		let id = chain.block(now, || {
			feed_all(&prices());
			open(Alice, BTC, ONE_BTC, kusd(20_000))
		});
		for _ in 0..2 {
			let now = chain.now() + 30_000;
			chain.fed_block(now, &prices());
		}
		let before = chain.state(|| branch(BTC));
		let fee = chain.state(|| {
			set_branch(BTC, |numbers| {
				numbers.liquidation_ratio = FixedU128::from_rational(190, 100);
				numbers.liquidation_ratio_cap = FixedU128::from_rational(250, 100);
			});
			RiskParameters::branch(BTC).unwrap().stability_fee
		});
		let now = chain.now() + stop;
		chain.block(now, || {
			feed_all(&prices());
			// A vote that is enacted in this very block changes nothing of what was owed.
			set_branch(BTC, |numbers| {
				numbers.stability_fee = FixedU128::from_rational(25, 100)
			});
			let owed = pallet_vaults::Pallet::<Runtime>::health(id).unwrap().debt;
			let seconds = (now - before.accrued_at) / 1_000;
			let index = interest::compound(before.rate_index, fee, seconds).unwrap();
			let vault = pallet_vaults::Vaults::<Runtime>::get(id).unwrap();
			assert_eq!(Some(owed), interest::debt_of(vault.normalised_debt, index));
		});
		next(&mut chain, &prices());
		chain.state(|| {
			let after = branch(BTC);
			let seconds = (after.accrued_at - before.accrued_at) / 1_000;
			assert_eq!(
				Some(after.rate_index),
				interest::compound(before.rate_index, fee, seconds)
			);
			let numbers = RiskParameters::branch(BTC).unwrap();
			let moved = after.ramped_ratio.into_inner() - before.ramped_ratio.into_inner();
			let minute = numbers.ramp_per_hour.into_inner() / 60;
			assert!(moved > 0 && moved <= minute, "{moved} in {stop} ms");
			// The fund has it.
			assert_eq!(after.unminted, 0);
		});
	}
}

/// Kind: as above, on the derivatives side: what was had is charged by the numbers there were, and nothing
/// else jumps.
#[test]
fn accounts_owe_the_interest_of_a_stop_and_meet_a_minute_of_the_ramps() {
	let mut funding = Vec::new();
	for stop in STOPS {
		let mut stage = Stage::new();
		stage.chain.state(|| {
			let amount = kusd(500_000);
			ok(call(Charlie, pallet_margin::Call::<Runtime>::supply { amount }));
			let deposit = pallet_margin::Call::<Runtime>::deposit {
				sub: 0,
				asset: ETH,
				amount: 100 * ONE_ETH,
			};
			ok(call(Dave, deposit));
		});
		stage.trade(Dave, 0, BTC, 6.0);
		// Beyond what may be voted in one step.
		stage.chain.try_state = false;
		stage.parameters(BTC, |numbers| {
			numbers.maintenance_margin = bps(500);
			numbers.maintenance_cap = bps(2_000);
			numbers.skew_scale *= 2;
		});
		stage.chain.state(|| {
			let numbers = RiskParameters::collateral(ETH).unwrap();
			RiskParameters::set_collateral(
				ETH,
				CollateralParameters {
					haircut: bps(5_000),
					..numbers
				},
			)
		});
		// Every collateral is looked at in turn.
		stage.blocks(16);
		let market = || Perpetuals::market(BTC).unwrap();
		let terms = || {
			pallet_perpetuals::Markets::<Runtime>::get()
				.market(BTC)
				.copied()
				.unwrap()
		};
		let haircut = || {
			let all = Margin::collaterals();
			all.into_iter().find(|one| one.asset == ETH).unwrap()
		};
		let (money, before, cut, rate) = stage.chain.state(|| {
			let money = pallet_margin::Totals::<Runtime>::get();
			(money, terms(), haircut(), Margin::lending().unwrap().rate)
		});
		assert!(money.lent > 0 && rate > FixedU128::from_inner(0));
		// A vote that is enacted during the stop changes nothing of what was owed.
		stage.chain_parameters(|chain| chain.lending_base = FixedU128::from_rational(25, 100));
		stage.now += stop - 2_000;
		stage.blocks(1);
		stage.chain.state(|| {
			let after = pallet_margin::Totals::<Runtime>::get();
			let seconds = (after.index_at - money.index_at) / 1_000;
			let expected = money.curve.rate(money.utilisation().unwrap()).unwrap();
			assert_eq!(
				Some(after.index),
				interest::compound(money.index, expected, seconds)
			);
			assert!(seconds >= stop / 1_000 - 60);

			let moved = haircut().haircut.into_inner() - cut.haircut.into_inner();
			let minute = cut.haircut_ramp.into_inner() / 60;
			// Steps that were rounded down leave a unit to the next.
			assert!(moved > 0 && moved <= minute + 1, "{moved} in {stop} ms");

			let after = terms();
			let moved = after.rates.maintenance.into_inner() - before.rates.maintenance.into_inner();
			let minute = before.terms.ramp_per_hour.into_inner() / 60;
			// Steps that were rounded down leave a unit to the next.
			assert!(moved > 0 && moved <= minute + 1, "{moved} in {stop} ms");
			let moved = after.terms.skew_scale - before.terms.skew_scale;
			assert!(moved > 0 && moved <= before.terms.skew_scale / 6_000);
			funding.push((after.rate - before.rate, after.carry.long - before.carry.long));
			// Nobody is called or liquidated for a stop.
			assert!(!Margin::statement(account(Dave, 0)).unwrap().called);
			assert!(market().funding_per_day >= 0);
		});
	}
	// An hour of funding at most.
	assert!(funding[0].0 < funding[1].0 && funding[0].1 < funding[1].1);
	assert_eq!(funding[1], funding[2]);
}

/// Kind: a time in which people may act runs while nobody can.
#[test]
fn grace_and_notice_wait_for_blocks() {
	for stop in STOPS {
		let mut stage = Stage::new();
		stage.deposit(Dave, 0, 10_000);
		stage.trade(Dave, 0, SOL, 5.0);
		let delist = pallet_perpetuals::Call::<Runtime>::delist {
			market: SOL,
			settle_at: stage.now + 2_000 + HOUR,
		};
		stage.fed(|| {
			assert_ok!(as_root(delist));
			assert_ok!(as_root(pallet_vaults::Call::<Runtime>::shut_down {
				branch: BTC,
				price: None
			}));
			assert_eq!(
				pallet_vaults::Pallet::<Runtime>::shutdown(BTC)
					.unwrap()
					.settles_in,
				HOUR
			);
		});
		let settle_at = stage.now + HOUR;
		stage.now += stop - 2_000;
		let id = stage
			.chain
			.state(|| pallet_vaults::Pallet::<Runtime>::vaults_of(who(Eve))[0]);
		stage.fed(|| {
			let view = pallet_vaults::Pallet::<Runtime>::shutdown(BTC).unwrap();
			assert_eq!(view.settles_in, HOUR - MINUTE);
			// In the first block already.
			ok(call(
				Eve,
				pallet_vaults::Call::<Runtime>::repay {
					vault: id,
					amount: kusd(1_000),
				},
			));
		});
		stage.chain.state(|| {
			let book = pallet_perpetuals::Markets::<Runtime>::get();
			let moved = if stop > MINUTE { stop } else { 0 };
			assert_eq!(
				book.market(SOL).unwrap().status,
				Status::Closing {
					settle_at: settle_at + moved
				}
			);
			assert!(branch(BTC).total_normalised > 0);
		});
	}
}

/// Kind: values that waited in the pool during a stop are stamped with the time of the block they get into,
/// and risk is added on them.
///
/// Fed 3,000, 2,500 and 1,800 during an hour without blocks, the first block published 3,000, and 187,000
/// kUSD were minted on 100 ETH worth 180,000.
#[test]
fn no_risk_is_added_before_the_prices_of_three_blocks() {
	let mut chain = calm();
	let now = chain.now() + HOUR;
	for (n, price) in [3_000.0, 2_500.0, 1_800.0].into_iter().enumerate() {
		chain.block(now + n as Moment * 2_000, || {
			feed_all(&with_eth_at(price));
			let status = CircuitBreaker::status(BreakerSubject::Chain).unwrap();
			assert_eq!(status.level, Level::ReduceOnly);
			assert_eq!(
				(status.cause, status.blocks_needed),
				(Some(Cause::Stop), 3 - n as u32)
			);
			assert_noop!(
				try_open(Eve, ETH, 100 * ONE_ETH, kusd(100_000)),
				BreakerError::<Runtime>::SubjectReduceOnly
			);
			for purpose in [PriceFor::AddRisk, PriceFor::Liquidate] {
				assert!(ask(purpose).is_err());
			}
			if n == 0 {
				let said = events().into_iter().any(|event| {
					matches!(
						event,
						RuntimeEvent::Clock(pallet_clock::Event::BlocksMissed { length: HOUR, .. })
					)
				});
				assert!(said, "the gap is an event of its own");
			} else {
				// Leaving takes the first price.
				assert_ok!(ask(PriceFor::ReduceRisk));
			}
		});
	}
	let prices = with_eth_at(1_800.0);
	let now = chain.now() + 2_000;
	chain.block(now, || {
		feed_all(&prices);
		assert_eq!(chain_level(), Level::Normal);
		assert_eq!(Prices::blocks_needed(), 0);
		assert_ok!(ask(PriceFor::AddRisk));
		assert!(try_open(Eve, ETH, 100 * ONE_ETH, kusd(187_000)).is_err());
	});
}

/// Kind: a fuse that reads time reads a stop; and a level that somebody raised comes down while nobody
/// watches.
///
/// Operators one block late after an hour without blocks halted every branch for hours.
#[test]
fn a_stop_raises_nothing_and_lowers_nothing() {
	for stop in STOPS {
		let mut chain = calm();
		let raised = BreakerSubject::Branch(DOT);
		chain.state(|| {
			let trip = pallet_circuit_breaker::Call::trip {
				subject: raised,
				level: Level::Halted,
			};
			assert_ok!(as_guardian(trip));
		});
		let before = chain.state(|| CircuitBreaker::status(raised).unwrap());
		next(&mut chain, &prices());
		let last = chain.now();
		chain.block(last + stop, || ());
		for _ in 0..6 {
			next(&mut chain, &prices());
		}
		chain.state(|| {
			for branch in [BTC, ETH] {
				let subject = BreakerSubject::Branch(branch);
				let level = level(subject);
				// The minute is no gap: the prices were refused for all of it.
				let most = if stop == MINUTE {
					Level::Guarded
				} else {
					Level::Normal
				};
				assert!(level <= most, "{subject:?} {level:?} after {stop} ms");
			}
			assert_eq!(chain_level(), Level::Normal);
			let after = CircuitBreaker::status(raised).unwrap();
			assert_eq!(after.level, Level::Halted);
			let moved = if stop > MINUTE { stop } else { 0 };
			assert_eq!(after.since, before.since.map(|at| at + moved));
		});
	}
}
