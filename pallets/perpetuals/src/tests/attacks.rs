//! What somebody could try.

use frame_support::assert_ok;
use keel_math::FixedU128;
use keel_primitives::PriceFor;

use crate::{fees::Fees, mock::*, Error, Market, Markets, Position, Queue};

fn gain(who: crate::mock::AccountId) -> i128 {
	cash(who) - PURSE as i128
}

#[test]
fn nobody_trades_on_a_price_they_have_seen() {
	ExtBuilder.build_and_execute(|| {
		// The operators feed 51 000 in this block: whoever sees that buys at once.
		let id = commit(ALICE, BTC, 10 * UNIT);
		move_to(BTC, dollars(51_000));
		// Their price is the next one. It is the same, and they bought what it is worth.
		tick();
		let fill = filled(id);
		assert!(fill.price > dollars(51_000));
		fill_now(ALICE, BTC, -10 * UNIT).unwrap();
		assert!(gain(ALICE) < 0);
	});
}

#[test]
fn an_outage_of_prices_gives_nothing_to_choose_from() {
	ExtBuilder.build_and_execute(|| {
		// No price for a while; the world moves, everybody knows.
		block_after(20_000);
		let id = commit(ALICE, BTC, 10 * UNIT);
		block_after(BLOCK);
		// The old price is still fit for adding risk, and older than the order.
		assert!(market(BTC).fit.add_risk && order(id).is_some());
		assert_eq!(cancel(ALICE, id), Err(Error::<Test>::TooEarlyToCancel.into()));
		move_to(BTC, dollars(60_000));
		assert!(filled(id).price > dollars(60_000));
	});
}

#[test]
fn a_sandwich_costs_more_than_it_brings_where_the_step_is_below_the_fees() {
	ExtBuilder.build_and_execute(|| {
		// The most two orders of a block add to the premium is less than taker and maker fee.
		set_numbers(BTC, |numbers| numbers.premium_step = ratio(1, 1_000));
		tick();
		for share in [1, 3, 5, 7, 9] {
			let before = gain(ALICE);
			let (own, other) = (share * UNIT, (10 - share) * UNIT);
			let opens = commit(ALICE, BTC, own);
			let victim = commit(BOB, BTC, other);
			let closes = commit(ALICE, BTC, -own);
			ticks();
			// All three at one index price.
			assert!(filled(opens).price < filled(victim).price);
			assert_eq!(filled(closes).position, 0);
			assert!(filled(closes).realised > 0);
			assert!(gain(ALICE) < before, "{share}: {}", gain(ALICE) - before);
			trade(BOB, BTC, -other);
		}
	});
}

#[test]
fn a_limit_keeps_out_of_a_sandwich() {
	ExtBuilder.build_and_execute(|| {
		commit(ALICE, BTC, 20 * UNIT);
		// At most a basis point above the fill price of now.
		let terms = Terms {
			limit: Some(dollars(50_030)),
			..Default::default()
		};
		let victim = try_commit(BOB, BTC, 10 * UNIT, terms).unwrap();
		commit(ALICE, BTC, -20 * UNIT);
		ticks();
		assert_eq!(failed(victim), Some(Error::<Test>::LimitNotMet.into()));
		assert!(gain(ALICE) < 0);
	});
}

#[test]
fn whoever_closes_without_a_limit_is_worth_no_sandwich() {
	// Seven basis points are less than a taker and a maker fee after a rebate, 10 + 2 − 3.
	const STEP: i128 = 7 * UNIT;
	let attack = |own: i128, victim: i128| {
		let mut gained = 0;
		ExtBuilder.build_and_execute(|| {
			for _ in 0..3 {
				trade(BOB, BTC, 40 * UNIT);
			}
			set_numbers(BTC, |numbers| numbers.premium_step = ratio(7, 10_000));
			tick();
			// In before, out behind, at the same index price: past the queue, as if the order had been let in.
			let before = gain(ALICE);
			fill_now(ALICE, BTC, -own).unwrap();
			fill_now(BOB, BTC, -victim).unwrap();
			// What widens goes by the step.
			while position(ALICE, BTC).size < 0 {
				fill_now(ALICE, BTC, STEP.min(-position(ALICE, BTC).size)).unwrap();
			}
			assert_eq!(position(ALICE, BTC).size, 0);
			gained = gain(ALICE) - before;
		});
		gained
	};
	for own in [UNIT, STEP, 60 * UNIT] {
		for victim in [UNIT, STEP / 2, STEP] {
			assert!(attack(own, victim) < 0, "{own} against {victim}");
		}
		// It is the rule that does it: of such an order a block fills a step.
		assert!(attack(own, 4 * STEP) > 0, "{own}");
	}
}

#[test]
fn a_limit_keeps_who_closes_much_out_of_a_sandwich() {
	ExtBuilder.build_and_execute(|| {
		for _ in 0..2 {
			trade(BOB, BTC, 40 * UNIT);
		}
		let before = gain(ALICE);
		let opens = commit(ALICE, BTC, -20 * UNIT);
		// The price of now for all of it is 50 000·(1 + 40/10 000).
		let terms = Terms {
			limit: Some(dollars(50_190)),
			reduce_only: true,
			..Default::default()
		};
		let victim = try_commit(BOB, BTC, -80 * UNIT, terms).unwrap();
		let closes = commit(ALICE, BTC, 20 * UNIT);
		ticks();
		assert_eq!(failed(victim), Some(Error::<Test>::LimitNotMet.into()));
		assert_eq!((filled(opens).size, filled(closes).position), (-20 * UNIT, 0));
		assert!(gain(ALICE) < before);
		// Left alone, it is filled at that.
		let alone = try_commit(BOB, BTC, -80 * UNIT, terms).unwrap();
		ticks();
		assert_eq!(
			(filled(alone).price, filled(alone).position),
			(dollars(50_200), 0)
		);
	});
}

#[test]
fn neither_a_liquidation_nor_a_reduction_agreed_before_is_worked_off_in_steps() {
	let with_eighty = |test: fn()| {
		ExtBuilder.build_and_execute(|| {
			set_numbers(BTC, |numbers| numbers.liquidation_limit = ratio(1, 1));
			for _ in 0..2 {
				trade(ALICE, BTC, 40 * UNIT);
			}
			// More than the step of 50.
			tick();
			test();
			assert_eq!(position(ALICE, BTC).size, 0);
		})
	};
	with_eighty(|| {
		let all = sp_runtime::Permill::one();
		reduce(account(ALICE), all, 0).unwrap();
	});
	with_eighty(|| {
		leave(ALICE, 300_000 * USD);
		move_to(BTC, dollars(46_000));
		liquidate(ALICE, BTC).unwrap();
	});
}

#[test]
fn opening_before_another_and_closing_later_bears_the_market() {
	ExtBuilder.build_and_execute(|| {
		// What the trader ahead gains is what the one behind paid for the premium: nothing comes out of the pool.
		let pool = PoolCash::get();
		let stays = Markets::<Test>::get();
		for who in [ALICE, BOB] {
			fill_now(who, BTC, 20 * UNIT).unwrap();
		}
		for who in [ALICE, BOB] {
			fill_now(who, BTC, -20 * UNIT).unwrap();
		}
		let state = Markets::<Test>::get();
		let pots = |state: &crate::MarketsStateOf<Test>| {
			(state.markets.iter().map(|m| m.rebates + m.tranche).sum::<u128>() + state.fund_due) as i128
		};
		let fees = pots(&state) - pots(&stays) + PoolCash::get() - pool;
		assert_eq!(gain(ALICE) + gain(BOB), -fees);
		assert!(PoolCash::get() >= pool);
	});
}

#[test]
fn washing_for_rebates_loses() {
	ExtBuilder.build_and_execute(|| {
		// Somebody else's skew makes the rebate.
		trade(CAROL, BTC, 40 * UNIT);
		let pot = market(BTC).rebates;
		assert!(pot > 0);
		for _ in 0..100 {
			let before = gain(ALICE) + gain(BOB);
			// Two accounts of one owner, or one, to and fro.
			fill_now(ALICE, BTC, -10 * UNIT).unwrap();
			fill_now(BOB, BTC, 10 * UNIT).unwrap();
			fill_now(BOB, BTC, -10 * UNIT).unwrap();
			fill_now(ALICE, BTC, 10 * UNIT).unwrap();
			assert!(gain(ALICE) + gain(BOB) < before);
		}
	});
}

#[test]
fn tiny_trades_never_earn() {
	ExtBuilder.build_and_execute(|| {
		// A skew, funding and a price that divide nothing evenly.
		set_price(BTC, FixedU128::from_inner(50_123_456_789_012_345_678_901));
		set_price(DOT, FixedU128::from_inner(4_999_999_999_999_999_999));
		tick();
		trade(CAROL, BTC, 33 * UNIT + 333);
		trade(DAVE, DOT, -333_333 * UNIT - 7);
		set_price(BTC, price_of(BTC));
		block_after(HOUR);
		tick();
		let (mut last, mut flat) = (gain(ALICE), 0);
		let mut seed = 1u64;
		for round in 0..200_000u32 {
			seed = seed
				.wrapping_mul(6_364_136_223_846_793_005)
				.wrapping_add(1_442_695_040_888_963_407);
			let id = if round % 2 == 0 { BTC } else { DOT };
			let held = position(ALICE, id).size;
			let size = match held {
				0 => (seed >> 33) as i128 % 41 - 20,
				_ => -held.signum() * (1 + (seed >> 33) as i128 % held.abs()),
			};
			if size != 0 {
				assert_ok!(fill_now(ALICE, id, size));
			}
			if [BTC, DOT].iter().all(|id| position(ALICE, *id).size == 0) {
				// All it has is cash: never more than when it last had nothing else.
				assert!(gain(ALICE) <= last, "{round}");
				last = gain(ALICE);
				flat += 1;
			}
		}
		assert!(flat > 1_000, "{flat}");
		for id in [BTC, DOT] {
			let held = position(ALICE, id).size;
			if held != 0 {
				assert_ok!(fill_now(ALICE, id, -held));
			}
		}
		assert!(gain(ALICE) < 0, "{}", gain(ALICE));
	});
}

#[test]
fn a_flooded_queue_is_worked_off_in_order() {
	ExtBuilder.build_and_execute(|| {
		set_chain(|chain| chain.orders_per_block = 5);
		for sub in 1..=10 {
			deposit(account_of(ALICE, sub), 20_000 * USD);
			for _ in 0..6 {
				let origin = RuntimeOrigin::signed(ALICE);
				// Below every price: each will fail, and cost its fee.
				let limited = Terms {
					limit: Some(dollars(1)),
					..Default::default()
				};
				assert_ok!(Perpetuals::commit_order(origin, sub, limited.of(BTC, UNIT)));
			}
		}
		let honest = commit(BOB, BTC, UNIT);
		let elsewhere = commit(BOB, ETH, UNIT);
		tick();
		let mut blocks = 0;
		while order(honest).is_some() {
			tick();
			blocks += 1;
			let queued = Queue::<Test>::iter_key_prefix(BTC).count();
			assert!(blocks <= 61 / 5 + 3, "{queued}");
			if blocks == 4 {
				// The other market had its turn.
				assert_eq!(filled(elsewhere).position, UNIT);
			}
		}
		assert_eq!(filled(honest).position, UNIT);
		let lost: i128 = (1..=10)
			.map(|sub| 20_000 * USD as i128 - Cash::get(account_of(ALICE, sub)).unwrap())
			.sum();
		assert_eq!(lost, 60 * ORDER_FEE as i128);
	});
}

#[test]
fn committing_does_not_put_off_a_liquidation() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 10 * UNIT);
		commit_reduce(ALICE, BTC, -UNIT);
		assert_eq!(
			LastAct::get(),
			Some((account(ALICE), keel_primitives::Act::Ordered))
		);
	});
}

#[test]
fn liquidating_oneself_is_no_cheaper_than_closing() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| numbers.liquidation_limit = ratio(1, 1));
		for who in [ALICE, BOB] {
			trade(who, BTC, 10 * UNIT);
			leave(who, 26_000 * USD);
		}
		move_to(BTC, dollars(48_500));
		let start = cash(ALICE) + cash(BOB);
		let fund = |state: &crate::MarketsStateOf<Test>| {
			(state.market(BTC).unwrap().tranche + state.fund_due) as i128
		};
		let (before, pool) = (
			fund(&Markets::<Test>::get()) + FundCash::get() as i128,
			PoolCash::get(),
		);
		// Both are unsafe; one closes a part by itself, the other is liquidated of the same part.
		assert!(risk(account(ALICE)).is_unsafe());
		let outcome = frame_support::storage::with_transaction(|| {
			let closed = liquidate(ALICE, BTC).unwrap();
			let left = (position(ALICE, BTC).size, cash(ALICE));
			sp_runtime::TransactionOutcome::Rollback(Ok::<_, sp_runtime::DispatchError>((closed, left)))
		});
		let (closed, (size, liquidated)) = outcome.unwrap();
		assert!(closed.fee > 0 && closed.notional > 0 && size < 10 * UNIT);
		fill_now(ALICE, BTC, size - 10 * UNIT).unwrap();
		assert!(cash(ALICE) > liquidated, "a liquidation costs more");
		assert!(cash(ALICE) + cash(BOB) < start);
		assert!(fund(&Markets::<Test>::get()) + FundCash::get() as i128 >= before && PoolCash::get() > pool);
	});
}

#[test]
fn an_unfit_price_does_not_hold_up_other_markets() {
	ExtBuilder.build_and_execute(|| {
		let stuck = commit(ALICE, BTC, UNIT);
		let other = commit(BOB, ETH, UNIT);
		PriceTable::mutate(|table| table.remove(&BTC));
		ticks();
		assert!(order(stuck).is_some());
		assert_eq!(filled(other).position, UNIT);
		assert!(!RefusedFor::get().contains(&PriceFor::AddRisk));
	});
}

/// A million trades of a few base units, the way the chain makes them, at odd prices and with others' skew around them: at no time that
/// the trader is out has he won a unit, the fees left aside; with the least fee there is, he has paid for every one of them.
#[test]
fn a_million_tiny_trades_earn_no_unit() {
	let numbers = numbers(50_000);
	let mut there = Market::new(BTC, BTC, &numbers, 0);
	there.price.value = FixedU128::from_inner(50_000_123_456_789_012_345_679);
	// Others are long by a premium beyond the band, and taker fees are there to be paid out as rebates.
	let mut others = Position {
		market: BTC,
		..Default::default()
	};
	there.trade(&mut others, 37_000_000_007).unwrap();
	there.rebates = 1_000_000 * USD;
	let mut held = Position {
		market: BTC,
		..Default::default()
	};
	let (mut gain, mut fees, mut closed, mut seed) = (0i128, 0i128, 0u32, 7u64);
	for n in 0..1_000_000u32 {
		seed = seed
			.wrapping_mul(6_364_136_223_846_793_005)
			.wrapping_add(1_442_695_040_888_963_407);
		let draw = i128::from(seed >> 60);
		// A few units either way, and out again at every fourth.
		let delta = match n % 4 {
			3 if held.size != 0 => -held.size,
			_ if draw < 8 => draw + 1,
			_ => 7 - draw,
		};
		let before = there;
		let trade = there.trade(&mut held, delta).unwrap();
		gain += trade.realised - trade.funding;
		let charged = Fees::of(&before, &numbers, delta, trade.price)
			.and_then(|fees| fees.at_least(ORDER_FEE))
			.unwrap();
		fees += charged.net().unwrap();
		assert!(charged.taker + charged.maker >= ORDER_FEE);
		if held.size == 0 {
			closed += 1;
			assert!(gain <= 0, "{gain} after {n} trades");
		}
		// Funding moves now and then.
		if n % 1_000 == 0 {
			there.refresh(u64::from(n) * 2, None, before.fit, before.level, Some(&numbers));
		}
	}
	assert!(closed > 240_000, "{closed}");
	// What so small a trade is rebated is a unit at most.
	let least = 1_000_000 * (ORDER_FEE as i128 - 1);
	assert!(fees >= least && gain - fees < -least / 2, "{gain} less {fees}");
	println!("a million tiny trades: {gain} units before fees of {fees}, out {closed} times");
}
