//! Rebates, profits and margins that are not there.

use super::*;

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
	// Nearly to the end of the premium, 80 basis points.
	stage.trade(Ferdie, 0, BTC, 38.0);
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
	// Within a premium of 80 basis points, which is 80 BTC; the open interest that makes
	// margins grow lies as much lower.
	const EACH: f64 = 0.75;
	let growing = |p: &mut MarketParameters| {
		p.open_interest_lower = kusd(3_000_000);
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
	// Nor is anything gained in the requirement, but a base unit of rounding each.
	let sum: i128 = all.iter().map(|e| e.initial as i128).sum();
	assert!((0..=100).contains(&(sum - whole[0].initial as i128)), "{sum}");
	let per_unit = |e: &keel_primitives::Exposure| e.initial as f64 / e.size as f64;
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
	// And the last of them could not open on what the first did.
	assert!(all[99].initial * 10_000 > all[99].notional * 800);
}
