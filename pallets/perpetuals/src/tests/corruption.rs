//! Every invariant notices what it is there for.

use sp_runtime::TryRuntimeError;

use crate::{
	mock::*, Claims, Ladders, Markets, NextOrder, Order, Queue, Ratchets, Resting, Stage, TraderOf, Trigger,
	Waiting, When,
};

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
			trail: None,
		}),
		..Default::default()
	}
}

fn change(who: crate::mock::AccountId, change: impl FnOnce(&mut TraderOf<Test>)) {
	TraderMap::mutate(account(who), change);
}

/// The order in the queue, and the one that waits.
fn ids() -> (u64, u64) {
	(next_order() - 2, next_order() - 1)
}

fn change_order(id: u64, change: impl FnOnce(&mut Order)) {
	let (owner, mut trader) = TraderMap::iter()
		.find(|(_, trader)| trader.order(id).is_some())
		.unwrap();
	let mut order = *trader.order(id).unwrap();
	change(&mut order);
	trader.put_order(order);
	TraderMap::insert(owner, trader);
}

#[test]
fn markets() {
	fails_with("two markets of one number", || {
		let again = market(BTC);
		Markets::<Test>::mutate(|state| state.markets.try_push(again).unwrap());
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
	fails_with("an order of size zero", || {
		change_order(ids().0, |order| order.size = 0)
	});
	fails_with("two orders of one number", || {
		change(ALICE, |trader| trader.orders.try_push(trader.orders[0]).unwrap());
	});
	fails_with("an order is not in the queue", || {
		let order = order(ids().0).unwrap();
		change(BOB, |trader| trader.orders.try_push(order).unwrap());
	});
	fails_with("the queue has what is no order", || {
		change(ALICE, |trader| trader.orders.clear())
	});
	fails_with("an order is not in the queue", || {
		change_order(ids().0, |order| order.market = ETH)
	});
	fails_with("an order does not wait where it should", || {
		change_order(ids().1, |order| {
			order.trigger = Some(Trigger {
				price: dollars(1),
				when: When::Above,
				trail: None,
			})
		});
	});
	fails_with("an order waits without a trigger", || {
		change_order(ids().0, |order| order.stage = Stage::Waiting);
	});
	fails_with("an order rests without a limit", || {
		change_order(ids().0, |order| order.stage = Stage::Resting);
	});
	fails_with("an order does not rest where it should", || {
		change_order(ids().0, |order| {
			(order.stage, order.resting, order.limit) = (Stage::Resting, true, Some(dollars(1)));
		});
	});
	fails_with("an order is not in the queue", || {
		change_order(ids().1, |order| {
			order.stage = Stage::Queued { since: 1, place: 0 }
		});
	});
	fails_with("a trailing trigger does not move on where it should", || {
		change_order(ids().1, |order| {
			let trigger = order.trigger.unwrap();
			order.trigger = Some(Trigger {
				trail: Some(ratio(1, 10)),
				..trigger
			});
		});
	});
	fails_with("something rests that is no order", || {
		Resting::<Test>::insert((BTC, When::Below), [0; 24], 0);
	});
	fails_with("something trails that is no order", || {
		Ratchets::<Test>::insert((BTC, When::Below), [0; 24], 0);
	});
	fails_with("the queue has what is no order", || {
		Queue::<Test>::insert(BTC, 99u64.to_be_bytes(), (account(ALICE), 99));
	});
	fails_with("something waits that is no order", || {
		Waiting::<Test>::insert((BTC, When::Below), [0; 24], 0);
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
	fails_with(LESS, || Markets::<Test>::mutate(|state| state.fund_due += 1));
}

/// The same after a haircut, some of it repaid and paid.
fn cut_fails_with(message: &'static str, corrupt: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		fund_pool(POOL);
		ALL.iter().for_each(|who| deposit(account(*who), PURSE));
		tick();
		trade(ALICE, BTC, 10 * UNIT);
		trade(BOB, BTC, 5 * UNIT);
		trade(CAROL, BTC, 5 * UNIT);
		drain_pool(100_000 * USD as i128);
		move_to(BTC, dollars(60_000));
		fill_now(ALICE, BTC, -10 * UNIT).unwrap();
		fill_now(BOB, BTC, -5 * UNIT).unwrap();
		// Its fees repay a little.
		fund_pool(POOL);
		fill_now(DAVE, BTC, 10 * UNIT).unwrap();
		Perpetuals::claim_recovery(RuntimeOrigin::signed(77), account(ALICE)).unwrap();
		assert_eq!(Perpetuals::do_try_state(), Ok(()));
		let state = Markets::<Test>::get();
		assert!(state.deficit > 0 && state.claims > 0 && state.recovery > 0);
		corrupt();
		assert_eq!(Perpetuals::do_try_state(), Err(TryRuntimeError::Other(message)));
	});
}

fn change_book(change: impl FnOnce(&mut crate::MarketsStateOf<Test>)) {
	Markets::<Test>::mutate(change);
}

fn change_claim(who: crate::mock::AccountId, change: impl FnOnce(&mut crate::Claim)) {
	Claims::<Test>::mutate(account(who), change);
}

#[test]
fn ladders() {
	const WRONG: &str = "a ladder is not what positions make it";
	let change = |change: fn(&mut crate::Ladder)| move || Ladders::<Test>::mutate(BTC, change);
	fails_with(WRONG, change(|ladder| ladder.long[0].size += 1));
	fails_with(WRONG, change(|ladder| ladder.short[0].basis -= 1));
	fails_with(WRONG, change(|ladder| ladder.long[0].at += 1));
	fails_with(WRONG, || Ladders::<Test>::insert(SOL, crate::Ladder::default()));
	fails_with("positions are in no ladder", || Ladders::<Test>::remove(ETH));
}

#[test]
fn haircuts() {
	const NOTHING: &str = "a haircut of more than all, or for nothing";
	let rate = |rate| change_book(|state| state.markets[0].haircut.rate = rate);
	fails_with(NOTHING, || rate(ratio(1, 2)));
	cut_fails_with(NOTHING, || rate(ratio(101, 100)));
	cut_fails_with(NOTHING, || change_book(|state| state.deficit = 0));
}

#[test]
fn claims() {
	const CLAIMED: &str = "what is claimed is not the sum of claims";
	const DUE: &str = "what was repaid is not the sum of what is due";
	cut_fails_with("a claim of nothing", || {
		change_claim(BOB, |claim| (claim.owed, claim.due) = (0, 0))
	});
	cut_fails_with("a claim from the future", || {
		change_claim(BOB, |claim| claim.since.epoch += 1)
	});
	cut_fails_with("the share that is not repaid is out of range", || {
		change_book(|state| state.unrepaid.p = 0)
	});
	cut_fails_with(CLAIMED, || Claims::<Test>::remove(account(BOB)));
	cut_fails_with(CLAIMED, || change_claim(BOB, |claim| claim.owed -= 2));
	cut_fails_with(CLAIMED, || change_claim(BOB, |claim| claim.owed += 2_000));
	cut_fails_with(DUE, || change_claim(BOB, |claim| claim.due += 2_000));
	cut_fails_with(CLAIMED, || change_book(|state| state.claims += 2));
}

#[test]
fn the_recovery_pot() {
	// In step with the claims, but not with clearing.
	cut_fails_with("clearing is less than the pool's and the pots", || {
		change_book(|state| state.recovery += 1)
	});
}

#[test]
fn no_number_is_given_twice() {
	fails_with("a market has the number of one that was removed", || {
		crate::Removed::<Test>::insert(BTC, ())
	});
}
