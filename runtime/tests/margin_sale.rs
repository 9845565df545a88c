//! A liquidation for which neither the stability pool nor the insurance fund has money, on the whole runtime: real prices, orders,
//! workers, and `try_state` after every block. Anybody buys what is left, at a price that falls.

mod common;
#[allow(dead_code, unused_imports)]
#[path = "margin_attacks/stage.rs"]
mod stage;

use keel_runtime::StabilityPool;
use pallet_margin::{Error as MarginError, Event as MarginEvent, Offer, SALE_STEP_MS};
use stage::*;

const ONE_ETH: Balance = 1_000_000_000_000_000_000;

/// What of margin happened in the last block.
fn margin_events(stage: &mut Stage) -> Vec<MarginEvent<Runtime>> {
	stage.chain.state(|| {
		events()
			.into_iter()
			.filter_map(|event| match event {
				RuntimeEvent::Margin(event) => Some(event),
				_ => None,
			})
			.collect()
	})
}

fn buy(key: Sr25519Keyring, id: MarginAccountId, most: Balance, pay_at_most: Balance) -> DispatchResult {
	call(
		key,
		pallet_margin::Call::<Runtime>::buy_collateral {
			account: id,
			asset: ETH,
			most,
			pay_at_most,
		},
	)
}

fn offer(id: MarginAccountId) -> Option<Offer> {
	Margin::collateral_offer(id, ETH)
}

/// Since when it is for sale. No block is missed here, so that active time runs with the wall clock.
fn for_sale_since(stage: &mut Stage, id: MarginAccountId) -> Moment {
	let now = stage.chain.now();
	let elapsed = stage.chain.state(|| Margin::statement(id).unwrap().for_sale_for);
	now - elapsed.expect("it is for sale")
}

fn near(price: FixedU128, dollars: f64) -> bool {
	(price.into_inner() as f64 / 1e18 - dollars).abs() < 1e-6
}

/// Charlie lends, and Dave is long six BTC against ten ETH at 3,000; then BTC falls by 7.6 %. The worker closes the position, which
/// leaves a debt of five hundred kUSD more than the ETH count for, and nobody has money to buy any.
fn left_over() -> (Stage, MarginAccountId) {
	let mut stage = Stage::new();
	stage.chain.state(|| {
		let amount = kusd(500_000);
		ok(call(Charlie, pallet_margin::Call::<Runtime>::supply { amount }));
		let deposit = pallet_margin::Call::<Runtime>::deposit {
			sub: 0,
			asset: ETH,
			amount: 10 * ONE_ETH,
		};
		ok(call(Dave, deposit));
	});
	stage.trade(Dave, 0, BTC, 6.0);
	let id = stage.chain.state(|| account(Dave, 0));
	stage.set(BTC, 55_450.0);
	for _ in 0..10 {
		stage.blocks(1);
		let events = margin_events(&mut stage);
		if !events.contains(&MarginEvent::CollateralForSale { account: id }) {
			continue;
		}
		stage.chain.state(|| {
			assert_eq!(StabilityPool::capacity(), 0);
			assert!(balance_of_fund() < kusd(1), "{}", balance_of_fund());
			assert_eq!(position(Dave, 0, BTC), 0);
			let statement = Margin::statement(id).unwrap();
			assert!((-(kusd(700) as i128)..-(kusd(300) as i128)).contains(&statement.equity));
		});
		return (stage, id);
	}
	let statement = stage.chain.state(|| Margin::statement(id));
	panic!("it is not put up for sale: {statement:?}");
}

fn balance_of_fund() -> Balance {
	InsuranceFund::balances().shared
}

/// Blocks half a minute apart, until the one at or just after `time`.
fn wait_until(stage: &mut Stage, time: Moment) {
	while stage.now < time {
		stage.now = (stage.now + 28_000).min(time - 2_000);
		stage.blocks(1);
	}
	assert!(stage.now >= time && stage.now < time + 2_000);
}

#[test]
fn what_nobody_can_pay_for_is_bought_by_anybody() {
	let (mut stage, id) = left_over();
	let shown = stage.chain.state(|| offer(id).unwrap());
	let since = for_sale_since(&mut stage, id);
	// It begins at what the pool would have paid and falls to what repays the debt.
	let (owed, held) = stage.chain.state(|| {
		let statement = Margin::statement(id).unwrap();
		(
			statement.debt as f64 / 1e6,
			statement.collateral[0].amount as f64 / 1e18,
		)
	});
	assert!(near(shown.price, 3_000.0 / 1.05));
	assert!(
		(owed / held - shown.floor.into_inner() as f64 / 1e18).abs() < 1e-3,
		"{shown:?} for {owed}"
	);
	assert_eq!(stage.chain.now() + shown.falls_for, since + 4 * SALE_STEP_MS);

	// Who has no money is not asked again: no worker sends anything, and nothing happens.
	for _ in 0..5 {
		stage.blocks(1);
		assert_eq!(margin_events(&mut stage), vec![]);
		assert_eq!(stage.chain.pending(), 0);
	}

	// Three minutes later it costs three hundredths of the feed's price less. Ferdie takes half of it.
	wait_until(&mut stage, since + 3 * SALE_STEP_MS);
	stage.fed(|| {
		let shown = offer(id).unwrap();
		assert!(near(shown.price, 3_000.0 / 1.05 - 90.0), "{shown:?}");
		let before = (balance(KUSD, Ferdie), balance(ETH, Ferdie));
		let equity = Margin::statement(id).unwrap().equity;
		// A part costs its share, rounded up.
		let (half, share) = (shown.amount / 2, shown.pays / 2);
		assert_noop!(
			buy(Ferdie, id, half, share - 2),
			MarginError::<Runtime>::CostsMore
		);
		ok(buy(Ferdie, id, half, share + 3));
		assert_eq!(balance(ETH, Ferdie) - before.1, half);
		assert!((share..=share + 3).contains(&(before.0 - balance(KUSD, Ferdie))));
		// 67 of each were more than they counted for.
		assert!(Margin::statement(id).unwrap().equity > equity + kusd(300) as i128);
	});
	assert_eq!(for_sale_since(&mut stage, id), since);

	// Eve takes the rest, for what was quoted, to the unit. That repays all, and some is left.
	stage.fed(|| {
		let shown = offer(id).unwrap();
		let before = (balance(KUSD, Eve), balance(ETH, Eve));
		ok(buy(Eve, id, Balance::MAX, shown.pays));
		assert_eq!(before.0 - balance(KUSD, Eve), shown.pays);
		assert_eq!(balance(ETH, Eve) - before.1, shown.amount);
		let statement = Margin::statement(id).unwrap();
		assert_eq!(
			(statement.debt, statement.for_sale_for, offer(id)),
			(0, None, None)
		);
		assert_noop!(buy(Eve, id, 1, kusd(1_000)), MarginError::<Runtime>::AccountSafe);
		// Dave has what was not needed, and Charlie what he lent.
		let left = statement.collateral[0].amount;
		assert!(left > 0 && left < ONE_ETH / 10);
		for (asset, amount) in [(ETH, left), (KUSD, statement.cash)] {
			if amount > 0 {
				ok(call(
					Dave,
					pallet_margin::Call::<Runtime>::withdraw {
						sub: 0,
						asset,
						amount,
					},
				));
			}
		}
		ok(call(
			Dave,
			pallet_margin::Call::<Runtime>::close_account { sub: 0 },
		));
		redeem_all();
	});
}

/// ETH falls too, so that all of it brings less than is owed, and nobody comes for twenty minutes, whatever the account's owner does
/// meanwhile. The price stays where it began; the waterfall covers what is missing, which is less than was missing all the time.
#[test]
fn what_is_missing_in_the_end_is_covered() {
	let (mut stage, id) = left_over();
	let since = for_sale_since(&mut stage, id);
	stage.set(ETH, 2_850.0);
	for minute in 1..20 {
		wait_until(&mut stage, since + minute * SALE_STEP_MS);
		stage.fed(|| ok(deposit(Dave, 0, kusd(1))));
	}
	wait_until(&mut stage, since + 20 * SALE_STEP_MS);
	stage.fed(|| {
		let shown = offer(id).unwrap();
		assert_eq!((shown.price, shown.falls_for), (shown.floor, 0));
		assert!(near(shown.floor, 2_850.0 / 1.05));
		// All there is; the fund had a little for some of it in between.
		let statement = Margin::statement(id).unwrap();
		assert_eq!(shown.amount, statement.collateral[0].amount);
		assert!(shown.amount > 10 * ONE_ETH * 99 / 100);
		let missing = -statement.equity;
		ok(buy(Ferdie, id, shown.amount / 3, shown.pays));
		ok(buy(Ferdie, id, Balance::MAX, shown.pays));
		let covered: Vec<_> = events()
			.into_iter()
			.filter_map(|event| match event {
				RuntimeEvent::Margin(MarginEvent::DeficitCovered { account, deficit, by }) => {
					Some((account, deficit, by))
				}
				_ => None,
			})
			.collect();
		let [(account, deficit, by)] = covered[..] else {
			panic!("covered once: {covered:?}")
		};
		assert_eq!((account, deficit), (id, by.tranche + by.fund + by.pool));
		assert!(deficit > 0 && deficit as i128 <= missing);
		let statement = Margin::statement(id).unwrap();
		assert_eq!((statement.debt, statement.collateral.len()), (0, 0));
		ok(call(
			Dave,
			pallet_margin::Call::<Runtime>::close_account { sub: 0 },
		));
		redeem_all();
	});
	stage.blocks(2);
	assert_eq!(margin_events(&mut stage), vec![]);
}

/// Kind: a price that falls by the wall clock falls while nobody can buy.
#[test]
fn a_stop_costs_a_sale_one_step() {
	for stop in [60_000, 3_600_000, 86_400_000] {
		let (mut stage, id) = left_over();
		stage.now += stop - 2_000;
		stage.fed(|| {
			let statement = Margin::statement(id).unwrap();
			assert_eq!(statement.for_sale_for, Some(60_000), "after {stop} ms");
		});
		// The sale goes on as soon as a price is fit for it.
		stage.blocks(3);
		stage.chain.state(|| {
			let shown = offer(id).unwrap();
			assert!(
				near(shown.price, 3_000.0 / 1.05 - 30.0),
				"{shown:?} after {stop} ms"
			);
		});
	}
}

/// Charlie, the only lender, gets back what he lent, and interest.
fn redeem_all() {
	let lender = Margin::lender(who(Charlie)).unwrap();
	assert!(lender.worth >= kusd(500_000));
	assert_eq!(lender.redeemable, lender.shares);
	let shares = lender.shares;
	ok(call(Charlie, pallet_margin::Call::<Runtime>::redeem { shares }));
}
