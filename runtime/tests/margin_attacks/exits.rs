//! The order in which positions are closed.

use super::*;

/// All orders of three.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// The kind: safety that rests on numbers that happen to fit. One owner is long in one account and short in
/// two others, far beyond where the premium ends, each on the least margin; the index does not move. Whatever
/// the order in which the three leave, nobody else pays for it, at any price of the underlying: each exit is
/// within the bound of the index, and the requirement covers it.
///
/// Where only opening was bounded, the second to leave did so at the premium the first had left behind, owed
/// more than it had, and the third took that.
#[test]
fn takes_nothing_from_anybody_whatever_it_is() {
	for (market, price, whole) in [
		(DOT, 0.01, 300_000.0),
		(DOT, 1.0, 300_000.0),
		(DOT, 10.0, 300_000.0),
		(ETH, 1_500.0, 1_600.0),
	] {
		for exits in ORDERS {
			let mut all = prices();
			all.iter_mut().find(|(feed, _)| *feed == market).unwrap().1 = price;
			let mut stage = Stage::at(all);
			let value = (whole * price) as u128;
			// What the pool could bear is not what stops it.
			stage.widen_pool();
			let margin = value / 8 + 1_000;
			let accounts = [(Eve, 0, whole), (Eve, 1, -whole / 2.0), (Ferdie, 0, -whole / 2.0)];
			for (key, sub, _) in accounts {
				stage.deposit(key, sub, margin);
			}
			let before = stage.books();
			// Side against side, so that the skew stays near zero.
			let steps = 40;
			for _ in 0..steps {
				for (key, sub, size) in accounts {
					stage.fed(|| ok(order(key, sub, market, units(size / f64::from(steps)))));
				}
			}
			for (key, sub, _) in accounts {
				stage.fill(key, sub);
			}
			for (key, sub, size) in accounts {
				stage.chain.state(|| {
					assert_eq!(position(key, sub, market), units(size));
					let free = withdrawable(key, sub);
					assert_ok!(withdraw(key, sub, free));
				});
			}
			let mut widest: f64 = 0.0;
			for (key, sub, _) in exits.map(|which| accounts[which]) {
				stage.close(key, sub, market);
				let view = stage.chain.state(|| Perpetuals::market(market).unwrap());
				widest = widest.max((view.premium as f64 / 1e18).abs());
			}
			let gain = stage.report(&format!("{market} at {price}, leaving as {exits:?}"), &before);
			assert!(gain < 0, "{gain}");
			let after = stage.books();
			assert!(after.pool + after.fund >= before.pool + before.fund);
			assert!(widest < 0.0081, "{widest}");
			// Both shorts before the long: the skew is beyond where the premium ends.
			assert!(exits[2] != 0 || widest > 0.0079, "{widest}");
			stage.chain.state(|| {
				let covered = events().into_iter().any(|e| {
					matches!(
						e,
						RuntimeEvent::Margin(pallet_margin::Event::DeficitCovered { .. })
					)
				});
				assert!(!covered);
			});
		}
	}
}
