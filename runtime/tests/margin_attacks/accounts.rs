//! What moves without a trade: gifts, settlements, top-ups.

use super::*;

/// Gifts to the protocol's accounts would leave the books saying less than there is.
#[test]
fn nothing_is_given_to_protocol_accounts() {
	let mut stage = Stage::new();
	let before = stage.books();
	let custody = Margin::custody_account();
	stage.fed(|| {
		let target = custody.clone();
		let attempts: Vec<keel_runtime::RuntimeCall> = vec![
			pallet_assets::Call::<Runtime>::transfer {
				id: KUSD,
				target: target.clone().into(),
				amount: 1,
			}
			.into(),
			pallet_assets::Call::<Runtime>::transfer_keep_alive {
				id: BTC,
				target: target.clone().into(),
				amount: 1,
			}
			.into(),
			pallet_assets::Call::<Runtime>::transfer_all {
				id: ETH,
				dest: target.clone().into(),
				keep_alive: false,
			}
			.into(),
			pallet_balances::Call::<Runtime>::transfer_allow_death {
				dest: target.clone().into(),
				value: 1,
			}
			.into(),
		];
		for attempt in attempts {
			let filtered = Err(frame_system::Error::<Runtime>::CallFiltered.into());
			assert_eq!(call(Eve, attempt.clone()), filtered);
			// In a batch too.
			let batch = pallet_utility::Call::<Runtime>::batch_all { calls: vec![attempt] };
			assert_eq!(call(Eve, batch), filtered);
		}
	});
	let gain = stage.report("gifts to the custody", &before);
	assert_eq!(gain, 0);
}

/// Trades between own accounts on the last hour of a market: it is settled at the average, without a premium.
#[test]
fn a_settlement_pays_no_premium() {
	let mut stage = Stage::new();
	stage.chain.try_state = false;
	stage.deposit(Eve, 0, 500_000);
	stage.deposit(Eve, 1, 500_000);
	stage.deposit(Ferdie, 0, 500_000);
	let before = stage.books();
	// A premium of a fifth of a percent before it is announced, one account long, the other short.
	stage.trade(Eve, 0, SOL, 4_000.0);
	stage.trade(Eve, 1, SOL, -500.0);
	let settle_at = stage.now + 3_700_000;
	stage.chain.state(|| {
		assert_ok!(as_root(pallet_perpetuals::Call::<Runtime>::delist {
			market: SOL,
			settle_at
		}));
	});
	stage.fed(|| {
		assert_noop!(
			order(Ferdie, 0, SOL, units(10.0)),
			PerpetualsError::<Runtime>::MarketClosing
		);
	});
	stage.pass(61);
	// At the end the index is pushed for a moment: the average hardly moves.
	stage.set(SOL, 156.0);
	stage.now = settle_at - 4_000;
	stage.blocks(4);
	let settled = stage.chain.state(|| Perpetuals::market(SOL).unwrap());
	let pallet_perpetuals::Status::Settled { price } = settled.status else {
		panic!("{:?}", settled.status);
	};
	println!("  settled at {price:?} after a last-second price of 156");
	assert!(price < usd(150.7), "{price:?}");
	stage.fed(|| {
		for sub in [0, 1] {
			let pay_out = pallet_perpetuals::Call::<Runtime>::pay_out {
				account: account(Eve, sub),
				market: SOL,
			};
			assert_ok!(call(Bob, pay_out));
		}
	});
	stage.chain.state(check_state);
	let gain = stage.report("self-trading around a settlement", &before);
	assert!(gain < 0, "{gain}");
}

/// A top-up comes out of the owner's own accounts, keeps what the giver needs, and does not go round.
#[test]
fn top_ups_take_nothing_from_others_and_do_not_go_round() {
	let mut stage = Stage::new();
	stage.deposit(Eve, 0, 9_000);
	stage.deposit(Eve, 1, 9_000);
	stage.deposit(Ferdie, 1, 500_000);
	stage.trade(Eve, 0, BTC, 2.9);
	stage.trade(Eve, 1, BTC, 2.9);
	let before = stage.books();
	let rich = stage.chain.state(|| wealth(Ferdie));
	stage.fed(|| {
		let set = |sub, from| pallet_margin::Call::<Runtime>::set_top_up {
			sub,
			top_up: Some((from, kusd(1_000_000))),
		};
		assert_ok!(call(Eve, set(0, 1)));
		assert_ok!(call(Eve, set(1, 0)));
	});
	let mut called = 0;
	for step in 1..=10 {
		stage.set(BTC, 60_000.0 * (1.0 - 0.0025 * step as f64));
		stage.blocks(2);
		called += stage.chain.state(|| {
			events()
				.into_iter()
				.filter(|e| matches!(e, RuntimeEvent::Margin(pallet_margin::Event::MarginCalled { .. })))
				.count()
		});
	}
	stage.blocks(3);
	stage
		.chain
		.state(|| assert_eq!(wealth(Ferdie), rich, "another owner's account of that number"));
	println!("  {called} margin calls");
	for sub in [0, 1] {
		stage.close(Eve, sub, BTC);
	}
	let gain = stage.report("two accounts that top each other up", &before);
	// 5.8 BTC and 2.5 %.
	assert!(gain < -(kusd(8_000) as i128), "{gain}");
	assert_eq!(stage.chain.state(InsuranceFund::bad_debt), 0);
}
