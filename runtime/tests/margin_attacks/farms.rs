//! Rounding, a unit at a time.

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
