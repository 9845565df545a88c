//! Every invariant notices what it is there for.

use sp_runtime::TryRuntimeError;

use crate::{mock::*, Book, NextOrder, Order, Orders, Queue, TraderOf, Traders, Trigger, Waiting, When};

/// A state with everything in it, corrupted, fails with `message`.
fn fails_with(message: &'static str, corrupt: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		fund_pool(POOL);
		ALL.iter().for_each(|who| deposit(account(*who), PURSE));
		tick();
		trade(ALICE, BTC, 10 * UNIT);
		trade(ALICE, ETH, -10 * UNIT);
		trade(BOB, BTC, -5 * UNIT);
		set_price(BTC, dollars(51_000));
		block_after(HOUR);
		tick();
		commit(ALICE, BTC, UNIT);
		try_commit(BOB, BTC, UNIT, stop()).unwrap();
		assert_eq!(Perpetuals::do_try_state(), Ok(()));
		corrupt();
		assert_eq!(Perpetuals::do_try_state(), Err(TryRuntimeError::Other(message)));
	});
}

fn stop() -> Terms {
	Terms {
		trigger: Some(Trigger {
			price: dollars(90_000),
			when: When::Above,
		}),
		..Default::default()
	}
}

fn change(who: crate::mock::AccountId, change: impl FnOnce(&mut TraderOf<Test>)) {
	Traders::<Test>::mutate(account(who), change);
}

/// The order in the queue, and the one that waits.
fn ids() -> (u64, u64) {
	(next_order() - 2, next_order() - 1)
}

fn change_order(id: u64, change: impl FnOnce(&mut Order)) {
	Orders::<Test>::mutate(id, |order| change(order.as_mut().unwrap()));
}

#[test]
fn markets() {
	fails_with("two markets of one number", || {
		let again = market(BTC);
		Book::<Test>::mutate(|book| book.markets.try_push(again).unwrap());
	});
	fails_with("a funding rate beyond its limit", || {
		change_market(BTC, |market| market.rate = ratio(11, 100).into_inner() as i128);
	});
	fails_with("a funding rate beyond its limit", || {
		change_market(BTC, |market| market.rate = -(ratio(11, 100).into_inner() as i128));
	});
	fails_with("a market without a skew scale", || {
		change_market(BTC, |market| market.terms.skew_scale = 0);
	});
	fails_with("an initial rate below the maintenance rate", || {
		change_market(BTC, |market| market.rates.initial = Default::default());
	});
}

#[test]
fn sums() {
	fails_with("open interest is not the sum of sizes", || {
		change_market(BTC, |market| market.long += 1);
	});
	fails_with("open interest is not the sum of sizes", || {
		change_market(BTC, |market| market.short -= 1);
	});
	fails_with("the cost is not the sum of costs", || {
		change_market(BTC, |market| market.cost += 1);
	});
	fails_with("the cost is not the sum of costs", || {
		change(ALICE, |trader| trader.positions[0].cost += 1);
	});
	fails_with("the funding debt is not the sum of funding at entry", || {
		change_market(BTC, |market| market.funding_debt -= 1);
	});
	fails_with("the number of positions is wrong", || {
		change_market(BTC, |market| market.positions += 1);
	});
	// Sizes beyond what a skew can say.
	fails_with("the skew is not longs less shorts", || {
		change(BOB, |trader| trader.positions[0].size = i128::MAX);
		change_market(BTC, |market| {
			market.long += i128::MAX as u128;
			market.short = 0;
		});
	});
}

#[test]
fn positions() {
	fails_with("a trader with nothing", || {
		Traders::<Test>::insert(account(DAVE), TraderOf::<Test>::default());
	});
	fails_with("a position of size zero", || {
		change(ALICE, |trader| trader.positions[0].size = 0);
	});
	fails_with("two positions of one account in one market", || {
		change(ALICE, |trader| trader.positions[1].market = BTC);
	});
	fails_with("a position in no market", || {
		change(ALICE, |trader| trader.positions[1].market = 9);
	});
}

#[test]
fn orders() {
	fails_with("an order from the future", || NextOrder::<Test>::put(ids().0));
	fails_with("an order in no market", || {
		change_order(ids().0, |order| order.market = 9)
	});
	fails_with("an order its account does not know", || {
		change(ALICE, |trader| trader.orders.clear());
	});
	fails_with("an order does not wait where it should", || {
		change_order(ids().1, |order| {
			order.trigger = Some(Trigger {
				price: dollars(1),
				when: When::Above,
			})
		});
	});
	fails_with("an order without a trigger waits", || {
		change_order(ids().0, |order| order.queued_at = None);
	});
	fails_with("an order is not in the queue", || {
		change_order(ids().1, |order| order.queued_at = Some(1));
	});
	fails_with("the fees held are not the sum of the orders'", || {
		Book::<Test>::mutate(|book| book.order_fees += 1);
	});
	fails_with("the fees held are not the sum of the orders'", || {
		change_order(ids().0, |order| order.fee += 1);
	});
	fails_with("the queue has what is no order", || {
		Queue::<Test>::insert(BTC, 99u64.to_be_bytes(), ());
	});
	fails_with("something waits that is no order", || {
		Waiting::<Test>::insert((BTC, When::Below), [0; 24], ());
	});
	fails_with("an account knows an order twice", || {
		change(ALICE, |trader| trader.orders.try_push(ids().0).unwrap());
	});
	fails_with("an account knows an order that is not its own", || {
		change(ALICE, |trader| trader.orders.try_push(ids().1).unwrap());
	});
	fails_with("an account knows an order that is not its own", || {
		change(ALICE, |trader| trader.orders.try_push(77).unwrap());
	});
}

#[test]
fn money() {
	const MORE: &str = "clearing is more than the pool's and the pots";
	const LESS: &str = "clearing is less than the pool's and the pots";
	fails_with(MORE, || Clearing::mutate(|clearing| *clearing += 1));
	fails_with(LESS, || Clearing::mutate(|clearing| *clearing -= 1));
	fails_with(MORE, || PoolCash::mutate(|cash| *cash -= 1));
	fails_with(LESS, || change_market(BTC, |market| market.rebates += 1));
	fails_with(LESS, || change_market(BTC, |market| market.tranche += 1));
	fails_with(LESS, || Book::<Test>::mutate(|book| book.fund_due += 1));
}
