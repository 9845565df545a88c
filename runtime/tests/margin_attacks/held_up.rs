//! What holds up those who leave: a market nobody can price, and kUSD that is owed instead of there.

use super::*;
use keel_primitives::Level;

const HOUR: Moment = 3_600_000;
const ONE_BTC: Balance = 100_000_000;

fn provide(key: Sr25519Keyring, amount: Balance) -> DispatchResult {
	let least_shares = 0;
	call(
		key,
		pallet_liquidity_pool::Call::<Runtime>::provide { amount, least_shares },
	)
}

fn ask_back(key: Sr25519Keyring, shares: Balance) {
	let call_ = pallet_liquidity_pool::Call::<Runtime>::request_withdrawal { shares };
	assert_ok!(call(key, call_));
}

/// Payments of the pool that failed in the last block.
fn failed_payments() -> usize {
	events()
		.into_iter()
		.filter(|event| {
			matches!(
				event,
				RuntimeEvent::LiquidityPool(pallet_liquidity_pool::Event::PaymentFailed { .. })
			)
		})
		.count()
}

/// The kUSD in the custody.
fn custody() -> Balance {
	keel_runtime::Assets::balance(KUSD, Margin::custody_account())
}

/// The kind: one market holds up all. An account whose only market has a dead feed is unsafe, and nothing can be
/// done about it; it is in line to be looked at, and orders that open wait for that line. Others open as before.
#[test]
fn by_an_account_nobody_can_liquidate_is_nobody_else() {
	let mut stage = Stage::new();
	stage.deposit(Eve, 0, 100);
	stage.deposit(Charlie, 0, 10_000);
	stage.trade(Eve, 0, SOL, 5.0);
	stage.prices.retain(|(feed, _)| *feed != SOL);
	stage.chain.try_state = false;
	stage.pass(20);
	let stuck = || {
		let id = account(Eve, 0);
		let statement = Margin::statement(id).unwrap();
		statement.equity < statement.maintenance as i128 && Margin::can_liquidate(id).is_err()
	};
	stage.chain.state(|| {
		let loss = kusd(80) as i128;
		ok(settle(account(Eve, 0), -loss));
		ok(LiquidityPool::settle(loss));
		assert!(stuck());
	});
	stage.blocks(10);
	assert!(stage.chain.state(stuck));
	stage.trade(Charlie, 0, BTC, 0.1);
	assert_eq!(stage.chain.state(|| position(Charlie, 0, BTC)), units(0.1));
	assert!(stage.chain.state(stuck));
	stage.chain.state(check_state);
}

/// The kind: one market holds up all. 0.07 SOL are open and the feed of SOL dies. An exit of 100,000 is paid
/// but for what those 10.5 kUSD may hide, and a trader who has as much there takes out the rest: both were
/// held up for as long as nobody settled the market.
#[test]
fn by_a_dead_feed_is_only_what_stands_on_it() {
	let mut stage = Stage::new();
	stage.chain_parameters(|p| p.pool_cooldown = HOUR);
	stage.deposit(Charlie, 0, 10_000);
	stage.trade(Charlie, 0, SOL, 0.07);
	let worth = stage.chain.state(|| {
		let shares = kusd(100_000);
		let preview = LiquidityPool::preview_withdrawal(shares).unwrap();
		ask_back(Alice, shares);
		ok(provide(Dave, kusd(1_000)));
		preview.value
	});
	// The deposit's price was made before.
	stage.prices.retain(|(feed, _)| *feed != SOL);
	let before = stage.chain.state(|| (balance(KUSD, Alice), wealth(Bob)));
	stage.chain.try_state = false;
	stage.pass(20);
	stage
		.chain
		.state(|| assert_eq!(LiquidityPool::pool().deposits, 1));
	stage.pass(45);
	stage.chain.try_state = true;
	stage.blocks(1);
	let (paid, others) = stage.chain.state(|| {
		let market = Perpetuals::market(SOL).unwrap();
		assert_eq!((market.level, market.fit.add_risk), (Level::Halted, false));
		let pool = LiquidityPool::pool();
		assert_eq!((pool.deposits, pool.withdrawals), (0, 0));
		// 10.5 · (1.008 · 1.35 − 1), with a stress of 35 %.
		assert_eq!(pool.unpriced, Some(3_788_400));
		(balance(KUSD, Alice) - before.0, wealth(Bob))
	});
	println!(
		"  worth {:.6} at the last prices, paid {:.6}",
		in_kusd(worth as i128),
		in_kusd(paid as i128)
	);
	assert!(paid > worth - kusd(1) && paid < worth, "{paid} of {worth}");
	// And those who stay have not paid for it.
	assert!(others + 4_000_000 > before.1, "{others} {}", before.1);
	stage.chain.state(|| {
		let free = withdrawable(Charlie, 0);
		assert!((kusd(9_980)..kusd(9_990)).contains(&free), "{free}");
		assert_noop!(
			withdraw(Charlie, 0, free + 1),
			pallet_margin::Error::<Runtime>::InitialRequirement
		);
		assert_ok!(withdraw(Charlie, 0, free));
	});
	// It is back three times as high, and the account that stood there pays or is paid.
	stage.prices.push((SOL, 450.0));
	stage.blocks(20);
	stage.close(Charlie, 0, SOL);
}

/// The kind: what is owed is taken for what is there. A trader with BTC ends owing 116,000 that nobody lent
/// but the pool. The first provider was paid everything, the second nothing of the 944,000 that were there,
/// and a request of 107 behind stood stuck; the lenders, who had lent nothing of it, earned the interest.
#[test]
fn by_what_is_owed_is_nobody_beyond_that() {
	let mut stage = Stage::new();
	stage.chain_parameters(|p| p.pool_cooldown = HOUR);
	stage.fed(|| {
		ok(provide(Dave, kusd(107)));
		let deposit = pallet_margin::Call::<Runtime>::deposit {
			sub: 0,
			asset: BTC,
			amount: 10 * ONE_BTC,
		};
		ok(call(Charlie, deposit));
		ok(call(
			Ferdie,
			pallet_stability_pool::Call::<Runtime>::deposit {
				amount: kusd(300_000),
			},
		));
	});
	stage.deposit(Charlie, 0, 5_000);
	stage.trade(Charlie, 0, ETH, 1_000.0);
	stage.chain.state(|| {
		for key in [Alice, Bob, Dave] {
			ask_back(key, balance(SHARES, key));
		}
	});
	stage.set(ETH, 2_880.0);
	stage.blocks(3);
	stage.close(Charlie, 0, ETH);
	let (cash, lent, before) = stage.chain.state(|| {
		let pool = LiquidityPool::pool();
		let owed = Margin::statement(account(Charlie, 0)).unwrap().debt;
		let there = pool.cash - pool.available as i128;
		assert!((owed as i128 - there).abs() <= 2, "{owed} {there}");
		assert_eq!(pool.free, Some(pool.available));
		// Custody has that much of kUSD that is nobody's cash, and the pots of the markets.
		assert!(custody() >= pool.available);
		println!(
			"  cash {:.0}, there {:.0}, lent {:.0}",
			in_kusd(pool.cash),
			in_kusd(pool.available as i128),
			in_kusd(owed as i128)
		);
		(pool.cash, owed, [Alice, Bob, Dave].map(|key| balance(KUSD, key)))
	});
	assert!((kusd(100_000)..kusd(130_000)).contains(&lent), "{lent}");
	let paid = |stage: &mut Stage| {
		stage.chain.state(|| {
			let now = [Alice, Bob, Dave].map(|key| balance(KUSD, key));
			[0, 1, 2].map(|i| now[i] - before[i])
		})
	};
	stage.chain.try_state = false;
	// Until the end of the cooldown, and the first payments.
	for _ in 0..125 {
		if paid(&mut stage)[0] > 0 {
			break;
		}
		stage.now += 28_000;
		stage.blocks(1);
		stage.chain.state(|| assert_eq!(failed_payments(), 0));
	}
	let [alice, bob, dave] = paid(&mut stage);
	println!(
		"  first paid {:.0}, {:.0}, {:.0}",
		in_kusd(alice as i128),
		in_kusd(bob as i128),
		in_kusd(dave as i128)
	);
	let half = (cash / 2) as u128;
	assert!(
		alice > half - kusd(200) && alice < half + kusd(200),
		"{alice} {half}"
	);
	assert!(alice - bob > lent - kusd(300) && alice - bob < lent + kusd(300));
	assert_eq!(dave, 0);
	stage.chain.state(|| {
		let pool = LiquidityPool::pool();
		assert_eq!(pool.withdrawals, 2);
		assert!(pool.available < kusd(1), "{pool:?}");
		// The hour's interest on what it lent is the pool's.
		assert!(custody() < kusd(5_000));
	});
	// It lends more than a tenth of what it has: in ten minutes the trader repays out of the BTC, down to
	// half of that; and when the pool is smaller by what left, in ten more the rest.
	stage.chain.try_state = true;
	stage.pass(12);
	let [_, bob, _] = paid(&mut stage);
	assert!(bob + kusd(6_000) > alice, "{alice} {bob}");
	stage.pass(12);
	let [_, bob, dave] = paid(&mut stage);
	println!("  then {:.0}, {:.3}", in_kusd(bob as i128), in_kusd(dave as i128));
	assert!(bob + kusd(10) > alice && bob < alice + kusd(10), "{alice} {bob}");
	assert!((kusd(107)..kusd(120)).contains(&dave), "{dave}");
	stage.chain.state(|| {
		let pool = LiquidityPool::pool();
		assert_eq!((pool.withdrawals, pool.leaving), (0, 0));
		let trader = Margin::statement(account(Charlie, 0)).unwrap();
		assert!(trader.debt < 10, "{trader:?}");
		// Sold for 5 % less than their price, no more than repays the debt.
		let sold = 600_000.0 - in_kusd(trader.collateral[0].value as i128);
		let ratio = sold / in_kusd(lent as i128);
		assert!((1.049..1.052).contains(&ratio), "{ratio}");
		// All the interest was the pool's, which earned by being left.
		let all = alice + bob + dave;
		println!("  interest and fees {:.6}", in_kusd(all as i128 - cash));
		assert!(all as i128 > cash + kusd(4) as i128);
		assert!(LiquidityPool::cash() >= 0);
	});
}
