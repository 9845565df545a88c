//! Prices somebody has seen already.

use super::*;

/// The feeds stop, everybody sees the new price elsewhere, and the attacker has an order in the queue for each block.
#[test]
fn price_fills_nothing_and_the_newer_one_is_no_bargain() {
	let mut stage = Stage::new();
	stage.deposit(Eve, 0, 200_000);
	let before = stage.books();
	for _ in 0..5 {
		stage.silent(|| ok(order(Eve, 0, BTC, units(1.0))));
	}
	stage.blocks(0);
	for _ in 0..4 {
		stage.silent(|| ());
		assert_eq!(
			stage.chain.state(|| position(Eve, 0, BTC)),
			0,
			"filled at a price he had seen"
		);
	}
	stage.set(BTC, 61_200.0);
	stage.blocks(6);
	assert_eq!(stage.chain.state(|| position(Eve, 0, BTC)), units(5.0));
	stage.close(Eve, 0, BTC);
	let gain = stage.report("stale price, 2 % away", &before);
	// Five and two basis points of 306,000.
	assert!(gain <= -(kusd(200) as i128), "{gain}");
}

/// The operators' values wait in the pool of transactions; his order is put before them in the block, or behind.
#[test]
fn values_seen_before_the_block_are_of_no_use() {
	for before_them in [true, false] {
		let mut stage = Stage::new();
		stage.deposit(Eve, 0, 200_000);
		let before = stage.books();
		stage.set(BTC, 61_200.0);
		let prices = stage.prices.clone();
		stage.silent(|| {
			if before_them {
				assert_ok!(order(Eve, 0, BTC, units(3.0)));
			}
			feed_all(&prices);
			if !before_them {
				assert_ok!(order(Eve, 0, BTC, units(3.0)));
			}
		});
		stage.blocks(1);
		assert_eq!(stage.chain.state(|| position(Eve, 0, BTC)), 0);
		stage.blocks(2);
		assert_eq!(stage.chain.state(|| position(Eve, 0, BTC)), units(3.0));
		stage.close(Eve, 0, BTC);
		let gain = stage.report("values in the pool of transactions", &before);
		assert!(gain < -(kusd(100) as i128), "{gain}");
	}
}

/// The market has moved by 2 %, and old values are made to look new: one operator sends an old one, or the new ones of two
/// arrive before those of the others. No price of that counts as newer than the order. It is filled when most operators have
/// spoken, and at what they say.
#[test]
fn old_values_made_new_fill_nothing() {
	let (old, new) = (60_000.0, 61_200.0);
	let new_of = |operators: &[Sr25519Keyring]| operators.iter().map(|o| (*o, new)).collect::<Vec<_>>();
	for (early, spoken) in [
		(vec![], false),
		(vec![(Eve, old)], false),
		(new_of(&[Alice, Bob]), false),
		(new_of(&[Alice, Bob, Charlie]), true),
	] {
		let mut stage = Stage::new();
		stage.deposit(Eve, 0, 200_000);
		let before = stage.books();
		stage.silent(|| ok(order(Eve, 0, BTC, units(3.0))));
		stage.silent(|| {
			for (operator, value) in &early {
				assert_ok!(feed(*operator, &[(BTC, *value)]));
			}
		});
		let who: Vec<_> = early.iter().map(|(operator, _)| *operator).collect();
		for _ in 0..3 {
			stage.silent(|| ());
			let filled = stage.chain.state(|| position(Eve, 0, BTC));
			assert_eq!(
				filled,
				if spoken { units(3.0) } else { 0 },
				"filled with values of {who:?}"
			);
		}
		stage.set(BTC, new);
		stage.blocks(4);
		assert_eq!(stage.chain.state(|| position(Eve, 0, BTC)), units(3.0));
		stage.close(Eve, 0, BTC);
		let gain = stage.report(&format!("2 % known, values in time of {who:?}"), &before);
		// The fees of 183,600, in and out: the move was no part of it.
		assert!(gain < -(kusd(100) as i128), "{gain}");
	}
}

/// One operator says the old price again as soon as the order is there, and others the new one, one after another. With two or
/// three operators who have not spoken yet, the old price has the middle: such a price counts as no newer than the order. It is
/// filled when so many have spoken that he cannot hold the middle any more.
#[test]
fn an_operator_who_repeats_the_old_price_gains_nothing() {
	for new in [61_200.0, 60_300.0, 60_060.0] {
		for spoken in [1, 2, 3] {
			let mut stage = Stage::new();
			stage.deposit(Eve, 0, 200_000);
			let before = stage.books();
			stage.silent(|| ok(order(Eve, 0, BTC, units(3.0))));
			let honest = [Alice, Bob, Charlie];
			stage.silent(|| {
				let old = [(Eve, 60_000.0)];
				let said = old
					.into_iter()
					.chain(honest[..spoken].iter().map(|key| (*key, new)));
				for (operator, value) in said {
					ok(feed(operator, &[(BTC, value)]));
				}
			});
			stage.silent(|| ());
			let (filled, index) = stage
				.chain
				.state(|| (position(Eve, 0, BTC), Perpetuals::market(BTC).unwrap().index));
			assert!(filled == 0 || index == usd(new), "{filled} at {index:?}");
			stage.set(BTC, new);
			stage.blocks(4);
			assert_eq!(stage.chain.state(|| position(Eve, 0, BTC)), units(3.0));
			stage.close(Eve, 0, BTC);
			let gain = stage.report(
				&format!("{new} known, an old value of Eve and new ones of {spoken}, {filled} filled"),
				&before,
			);
			// The fees, in and out.
			assert!(gain < -(kusd(100) as i128), "{gain}");
		}
	}
}

/// One order on each side, and the market is seen to move while the operators' values are on their way: the one on the wrong side
/// can't be cancelled, and its margin can't be taken away from it, by whatever door.
#[test]
fn an_order_can_not_be_dropped_with_the_price_in_sight() {
	for jump in [0.000_5, 0.001, 0.005, -0.005] {
		let mut stage = Stage::new();
		stage.deposit(Eve, 0, 9_000);
		stage.deposit(Eve, 1, 9_000);
		stage.deposit(Eve, 2, 9_000);
		let before = stage.books();
		stage.fed(|| {
			assert_ok!(order(Eve, 0, BTC, units(2.9)));
			assert_ok!(order(Eve, 1, BTC, -units(2.9)));
		});
		let wrong = if jump > 0.0 { 1 } else { 0 };
		stage.fed(|| {
			let (id, account) = (Perpetuals::orders(account(Eve, wrong))[0].id, account(Eve, wrong));
			assert_noop!(
				call(
					Eve,
					pallet_perpetuals::Call::<Runtime>::cancel_order { account, order: id }
				),
				PerpetualsError::<Runtime>::TooEarlyToCancel
			);
			let free = withdrawable(Eve, wrong);
			assert!(free < kusd(2_000), "{free}");
			let refused = pallet_margin::Error::<Runtime>::InitialRequirement;
			assert_noop!(withdraw(Eve, wrong, free + 1), refused);
			let transfer = pallet_margin::Call::<Runtime>::transfer {
				from: wrong,
				to: 3,
				amount: free + 1,
			};
			assert_noop!(
				call(Eve, transfer),
				pallet_margin::Error::<Runtime>::InitialRequirement
			);
			assert_noop!(
				order(Eve, wrong, ETH, units(30.0)),
				PerpetualsError::<Runtime>::NotEnoughMargin
			);
			assert!(call(Eve, pallet_margin::Call::<Runtime>::close_account { sub: wrong }).is_err());
			// All that is left does not make it fail.
			assert_ok!(withdraw(Eve, wrong, free));
		});
		stage.set(BTC, 60_000.0 * (1.0 + jump));
		stage.blocks(3);
		for (sub, size) in [(0, 2.9), (1, -2.9)] {
			assert_eq!(stage.chain.state(|| position(Eve, sub, BTC)), units(size));
			stage.close(Eve, sub, BTC);
		}
		let gain = stage.report(&format!("both sides with {jump} in sight"), &before);
		// The fees of 174,000 twice, in and out.
		assert!(gain < -(kusd(200) as i128), "{gain}");
	}
}

/// Nor does one wait for its margin: whoever could pay it in with the price in sight, or not, would have the choice too.
#[test]
fn an_order_needs_its_margin_when_it_is_committed() {
	let mut stage = Stage::new();
	stage.deposit(Eve, 0, 5_000);
	stage.fed(|| {
		let before = wealth(Eve);
		for trigger in [
			None,
			Some(Trigger {
				price: usd(60_001.0),
				when: When::Above,
				trail: None,
			}),
		] {
			let refused = Order {
				trigger,
				..Order::new(0, BTC, units(2.9))
			};
			assert_noop!(refused.commit(Eve), PerpetualsError::<Runtime>::NotEnoughMargin);
		}
		assert_eq!(wealth(Eve), before);
		// What each of two could do alone they can't both, though one would close what the other opens.
		assert_ok!(order(Eve, 0, BTC, units(1.5)));
		assert_noop!(
			order(Eve, 0, BTC, -units(1.5)),
			PerpetualsError::<Runtime>::NotEnoughMargin
		);
	});
}

/// Stops on both sides, cancelled as long as they wait: which side is right is seen in the block before they are triggered. But what
/// is triggered fills at the first price made after that, and can't be cancelled any more.
#[test]
fn stops_gain_nothing_by_how_far_the_price_lags() {
	for lag in [0.0, 0.001, 0.005] {
		let mut stage = Stage::new();
		stage.deposit(Eve, 0, 200_000);
		let before = stage.books();
		let stop = |size: f64, price: f64, when| Order {
			trigger: Some(Trigger {
				price: usd(price),
				when,
				trail: None,
			}),
			..Order::new(0, BTC, units(size))
		};
		stage.fed(|| {
			assert_ok!(stop(3.0, 60_060.0, When::Above).commit(Eve));
			assert_ok!(stop(-3.0, 59_940.0, When::Below).commit(Eve));
		});
		stage.blocks(3);
		// Up by a tenth of a percent as the operators saw it, and a bit more where he looks.
		stage.set(BTC, 60_066.0);
		stage.blocks(1);
		let ids = stage.chain.state(|| {
			Perpetuals::orders(account(Eve, 0))
				.into_iter()
				.map(|order| order.id)
				.collect::<Vec<_>>()
		});
		stage.set(BTC, 60_066.0 * (1.0 + lag));
		stage.fed(|| {
			let account = account(Eve, 0);
			let cancel = |order| {
				call(
					Eve,
					pallet_perpetuals::Call::<Runtime>::cancel_order { account, order },
				)
			};
			assert_noop!(cancel(ids[0]), PerpetualsError::<Runtime>::TooEarlyToCancel);
			assert_ok!(cancel(ids[1]));
		});
		assert_eq!(
			stage.chain.state(|| position(Eve, 0, BTC)),
			0,
			"at the price that triggered it"
		);
		stage.blocks(2);
		assert_eq!(stage.chain.state(|| position(Eve, 0, BTC)), units(3.0));
		stage.close(Eve, 0, BTC);
		let gain = stage.report(&format!("stops on both sides, the price {lag} behind"), &before);
		// The fees, in and out, of 180,000.
		assert!(gain < -(kusd(100) as i128), "{gain}");
	}
}

/// The kind: something leaves on a price that is refused. Nothing of an account with a position leaves while
/// that position's feed is silent, by whatever door and at whatever level, but what its owner has beside all
/// that the position could still lose.
#[test]
fn price_lets_nothing_leave() {
	type Refused = pallet_margin::Error<Runtime>;
	let mut stage = Stage::new();
	stage.deposit(Ferdie, 0, 60_000);
	stage.trade(Ferdie, 0, BTC, 1.0);
	stage.deposit(Ferdie, 1, 10);
	let silence = stage.now;
	let level = |stage: &mut Stage| stage.chain.state(|| Perpetuals::market(BTC).unwrap().level);
	let takes = |amount: u128| withdraw(Ferdie, 0, amount);
	// As much as could always go, on the price that everybody knows.
	let usual = stage.chain.state(|| withdrawable(Ferdie, 0));
	assert!(usual > kusd(55_000), "{usual}");
	let mut seen = Vec::new();
	for minutes in [2, 20, 40] {
		while stage.now < silence + minutes * 60_000 {
			stage.now += 4_000;
			stage.silent(|| ());
		}
		seen.push(level(&mut stage));
		stage.chain.state(|| {
			assert_eq!(withdrawable(Ferdie, 0), 0);
			assert_noop!(takes(kusd(1)), Refused::InitialRequirement);
			let over = pallet_margin::Call::<Runtime>::transfer {
				from: 0,
				to: 1,
				amount: kusd(1),
			};
			assert_noop!(call(Ferdie, over), Refused::InitialRequirement);
			// Nor into new risk elsewhere.
			assert!(order(Ferdie, 0, ETH, units(5.0)).is_err());
			// What is put in beside it does not free it either, and an account without a position goes on.
			assert_ok!(withdraw(Ferdie, 1, kusd(1)));
		});
	}
	use keel_primitives::Level::*;
	assert_eq!(seen, [Guarded, ReduceOnly, Halted]);
	// It is back a quarter lower, and the account pays for that itself.
	let before = stage.books();
	stage.set(BTC, 45_000.0);
	stage.blocks(20);
	let equity = stage
		.chain
		.state(|| Margin::statement(account(Ferdie, 0)).unwrap().equity);
	assert!(equity > kusd(40_000) as i128, "{equity}");
	let after = stage.books();
	assert!(after.pool + after.fund >= before.pool + before.fund);
}
