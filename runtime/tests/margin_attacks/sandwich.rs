//! Trades around somebody else's.

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

/// Somebody leaves with much in several orders without a limit, or stops of several go off at one price: together they move the mark
/// by a step a block, so that at one price there is nothing to stand around.
#[test]
fn around_many_orders_without_a_limit_loses() {
	for stops in [false, true] {
		let mut stage = Stage::new();
		stage.deposit(Eve, 0, 1_000_000);
		for key in [Charlie, Dave] {
			stage.deposit(key, 0, 1_000_000);
			stage.trade(key, 0, BTC, 14.0);
		}
		let leaves = move |key| {
			for _ in 0..5 {
				let part = pallet_perpetuals::Call::<Runtime>::commit_order {
					sub: 0,
					order: NewOrder {
						market: BTC,
						size: -units(2.8),
						trigger: stops.then_some(Trigger {
							price: usd(59_900.0),
							when: When::Below,
							trail: None,
						}),
						reduce_only: true,
						expires_in: LIFE,
						..Default::default()
					},
				};
				assert_ok!(call(key, part));
			}
		};
		if stops {
			stage.fed(|| [Charlie, Dave].into_iter().for_each(leaves));
			stage.blocks(2);
			stage.set(BTC, 59_880.0);
			// In the block before the one that triggers them: he is first.
			stage.fed(|| ());
		}
		let before = stage.books();
		let skew_before = stage.chain.state(|| skew(BTC));
		stage.fed(|| {
			assert_ok!(order(Eve, 0, BTC, -units(28.0)));
			if !stops {
				[Charlie, Dave].into_iter().for_each(leaves);
			}
			// In parts, each of which could be too large where the skew is now.
			for _ in 0..10 {
				assert_ok!(order(Eve, 0, BTC, units(2.8)));
			}
		});
		stage.fill(Eve, 0);
		let (at, mine) = stage.chain.state(|| (skew(BTC), position(Eve, 0, BTC)));
		assert_eq!(mine, 0);
		let gain = stage.report(&format!("around 28 BTC in ten orders, stops {stops}"), &before);
		assert!(gain < 0, "{gain}");
		// Everybody comes to an end, a step a block.
		let mut blocks = 0;
		while stage
			.chain
			.state(|| open_orders(Charlie, 0) + open_orders(Dave, 0))
			> 0
		{
			stage.blocks(1);
			blocks += 1;
			assert!(blocks < 30, "never");
		}
		let left = stage
			.chain
			.state(|| [Charlie, Dave].map(|key| position(key, 0, BTC)));
		assert_eq!(left, [0, 0]);
		println!("  skew {skew_before:.1}, {at:.1} when he was out; they were out {blocks} blocks later");
	}
}
