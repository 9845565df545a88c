//! What a fill asks for, and what it does to a position.

use frame_support::assert_ok;
use keel_math::{perpetual, FixedU128};
use keel_primitives::{Act, BreakerSubject, Level, PriceFor};
use proptest::prelude::*;
use sp_runtime::DispatchError;

use crate::{mock::*, Error, Market, Position};

/// An error of a mock: an event keeps no words.
const LOST: DispatchError = DispatchError::Other("");

fn error(error: Error<Test>) -> Option<DispatchError> {
	Some(error.into())
}

#[test]
fn the_fill_price_is_the_mean_of_the_marks() {
	ExtBuilder.build_and_execute(|| {
		let before = market(BTC).mark();
		let fill = trade(ALICE, BTC, 40 * UNIT);
		let after = market(BTC).mark();
		assert_eq!(before, dollars(50_000));
		// 50 000·(1 + 40/10 000).
		assert_eq!(after, dollars(50_200));
		assert_eq!(fill.price, dollars(50_100));
		let position = position(ALICE, BTC);
		assert_eq!(position.cost, 40 * 50_100 * USD as i128);
	});
}

#[test]
fn reducing_realises_in_proportion() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 40 * UNIT);
		let fill = trade(ALICE, BTC, -10 * UNIT);
		// Sold from 50 200 to 50 150, bought at 50 100.
		assert_eq!(fill.price, dollars(50_175));
		assert_eq!(fill.realised, 10 * 75 * USD as i128);
		assert_eq!(position(ALICE, BTC).cost, 30 * 50_100 * USD as i128);
		assert_eq!(LastAct::get(), Some((account(ALICE), Act::Reduced)));
	});
}

#[test]
fn a_flip_closes_and_opens_at_one_price() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 10 * UNIT);
		let fill = trade(ALICE, BTC, -30 * UNIT);
		// The skew goes from 10 to −20: the mean is −5.
		assert_eq!(fill.price, dollars(49_975));
		// Bought at 50 025.
		assert_eq!(fill.realised, -10 * 50 * USD as i128);
		let position = position(ALICE, BTC);
		assert_eq!(
			(position.size, position.cost),
			(-20 * UNIT, -20 * 49_975 * USD as i128)
		);
		let market = market(BTC);
		assert_eq!(
			(market.long, market.short, market.positions),
			(0, 20 * UNIT as u128, 1)
		);
		assert_eq!(LastAct::get(), Some((account(ALICE), Act::Opened)));
	});
}

#[test]
fn reduce_only_takes_no_more_than_there_is() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 10 * UNIT);
		let first = commit_reduce(ALICE, BTC, -8 * UNIT);
		let second = commit_reduce(ALICE, BTC, -8 * UNIT);
		let third = commit_reduce(ALICE, BTC, -8 * UNIT);
		ticks();
		assert_eq!(filled(first).size, -8 * UNIT);
		assert_eq!((filled(second).size, filled(second).position), (-2 * UNIT, 0));
		assert_eq!(failed(third), error(Error::NothingToReduce));
		assert_eq!(market(BTC).positions, 0);
	});
}

#[test]
fn a_limit_is_the_worst_price() {
	ExtBuilder.build_and_execute(|| {
		let order = |size, limit| {
			let terms = Terms {
				limit: Some(limit),
				..Default::default()
			};
			try_commit(ALICE, BTC, size, terms).unwrap()
		};
		let exact = order(UNIT, dollars(50_000) + FixedU128::from_rational(25, 10));
		ticks();
		assert_eq!(filled(exact).position, UNIT);
		let low = order(UNIT, dollars(50_007));
		ticks();
		assert_eq!(failed(low), error(Error::LimitNotMet));
		let high = order(-UNIT, dollars(50_003));
		ticks();
		assert_eq!(failed(high), error(Error::LimitNotMet));
		assert_eq!(position(ALICE, BTC).size, UNIT);
	});
}

#[test]
fn opening_needs_a_strict_price_and_reducing_a_lenient_one() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, UNIT);
		RefusedFor::set(vec![PriceFor::AddRisk]);
		let opens = commit(BOB, BTC, UNIT);
		let reduces = commit_reduce(ALICE, BTC, -UNIT);
		ticks();
		// It does not hold up who leaves.
		assert_eq!(failed(opens), error(Error::PriceRefused));
		assert_eq!(filled(reduces).position, 0);
	});
}

#[test]
fn nothing_fills_without_a_price_to_leave_at() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, UNIT);
		let id = commit_reduce(ALICE, BTC, -UNIT);
		RefusedFor::set(vec![PriceFor::ReduceRisk]);
		ticks();
		assert!(order(id).is_some());
		RefusedFor::set(vec![]);
		tick();
		assert_eq!(filled(id).position, 0);
	});
}

#[test]
fn opening_asks_the_breaker_when_it_fills() {
	ExtBuilder.build_and_execute(|| {
		let id = commit(ALICE, BTC, UNIT);
		raise(BreakerSubject::Market(BTC), Level::ReduceOnly);
		ticks();
		assert_eq!(failed(id), Some(LOST));
	});
}

#[test]
fn initial_margin_is_asked_for_at_the_end() {
	ExtBuilder.build_and_execute(|| {
		leave(ALICE, 110_000 * USD);
		// 40 BTC need a twentieth of two millions, and the fee.
		let id = commit(ALICE, BTC, 40 * UNIT);
		withdraw(account(ALICE), 15_000 * USD);
		ticks();
		assert_eq!(failed(id), Some(LOST));
		assert_eq!(position(ALICE, BTC).size, 0);
		assert_eq!(cash(ALICE), (95_000 * USD - ORDER_FEE) as i128);
		assert_eq!((market(BTC).long, market(BTC).positions), (0, 0));
	});
}

#[test]
fn open_interest_is_capped_by_side_and_halved_while_guarded() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| numbers.max_open_interest = 2_000_000 * USD);
		trade(ALICE, BTC, 40 * UNIT);
		let id = commit(BOB, BTC, UNIT);
		ticks();
		assert_eq!(failed(id), error(Error::OpenInterestFull));
		raise(BreakerSubject::Market(BTC), Level::Guarded);
		trade(BOB, BTC, -20 * UNIT);
		let id = commit(BOB, BTC, -UNIT);
		ticks();
		assert_eq!(failed(id), error(Error::OpenInterestFull));
		// Leaving is free.
		trade(BOB, BTC, 20 * UNIT);
	});
}

#[test]
fn the_premium_is_capped_where_it_widens() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| {
			numbers.max_premium = FixedU128::from_rational(4, 1_000)
		});
		trade(ALICE, BTC, 30 * UNIT);
		let id = commit(BOB, BTC, 11 * UNIT);
		ticks();
		assert_eq!(failed(id), error(Error::PremiumTooWide));
		trade(BOB, BTC, 10 * UNIT);
		raise(BreakerSubject::Market(BTC), Level::Guarded);
		let id = commit(CAROL, BTC, UNIT);
		ticks();
		assert_eq!(failed(id), error(Error::PremiumTooWide));
		// What narrows it may open.
		trade(CAROL, BTC, -UNIT);
	});
}

#[test]
fn the_premium_widens_by_a_step_a_block_and_the_rest_waits() {
	ExtBuilder.build_and_execute(|| {
		let first = commit(ALICE, BTC, 30 * UNIT);
		let second = commit(BOB, BTC, 30 * UNIT);
		let third = commit(CAROL, BTC, -UNIT);
		let elsewhere = commit(DAVE, ETH, UNIT);
		ticks();
		filled(first);
		// That side of the queue stops, in this market.
		assert!(order(second).is_some());
		filled(third);
		filled(elsewhere);
		tick();
		assert_eq!(filled(second).position, 30 * UNIT);
	});
}

/// Orders without a limit move the mark by no more than a step a block, whichever way and whoever gives them: closing too.
#[test]
fn what_has_no_limit_moves_the_mark_by_a_step_a_block() {
	ExtBuilder.build_and_execute(|| {
		for _ in 0..3 {
			trade(ALICE, BTC, 30 * UNIT);
		}
		let limited = |size, reduce_only| {
			let terms = Terms {
				limit: Some(dollars(1)),
				reduce_only,
				..Default::default()
			};
			try_commit(ALICE, BTC, size, terms).unwrap()
		};
		// A step is 50.
		let first = commit_reduce(ALICE, BTC, -40 * UNIT);
		let second = commit_reduce(ALICE, BTC, -11 * UNIT);
		let small = commit(BOB, BTC, -UNIT);
		let same_side = limited(-UNIT, false);
		let exit = limited(-15 * UNIT, true);
		let other_side = commit(CAROL, BTC, UNIT);
		ticks();
		filled(first);
		// Behind one that waits its side waits, but who leaves at a price he named does not, nor does the other side.
		assert!([second, small, same_side].iter().all(|id| order(*id).is_some()));
		// Of who only leaves, the part that fits is through.
		assert_eq!((filled(second).size, filled(second).left), (-10 * UNIT, -UNIT));
		assert_eq!((filled(exit).size, filled(other_side).size), (-15 * UNIT, UNIT));
		tick();
		for id in [second, small, same_side] {
			filled(id);
		}
		assert_eq!(market(BTC).skew(), 23 * UNIT);
	});
}

/// Kind: an order that was accepted fails by somebody else's act, and its account is liquidated instead.
///
/// A stop of 40 fitted the step of 50; governance lowered that to 10, and the stop failed with its fee.
#[test]
fn a_stop_is_filled_in_parts_when_the_step_has_shrunk() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 40 * UNIT);
		let terms = Terms {
			trigger: Some(crate::Trigger {
				price: dollars(49_500),
				when: crate::When::Below,
				trail: None,
			}),
			reduce_only: true,
			..Default::default()
		};
		let stop = try_commit(ALICE, BTC, -40 * UNIT, terms).unwrap();
		set_numbers(BTC, |numbers| numbers.premium_step = ratio(1, 1_000));
		move_to(BTC, dollars(49_400));
		let behind = commit(BOB, BTC, -UNIT);
		tick();
		let mut left = 40 * UNIT;
		while left > 0 {
			tick();
			// The other one has its turn after the first part: what is left goes on behind it.
			let has_turn = left < 40 * UNIT && left > 30 * UNIT - UNIT;
			left = (left - if has_turn { 9 * UNIT } else { 10 * UNIT }).max(0);
			let fill = filled(stop);
			assert_eq!((fill.left, fill.position), (-left, left));
			assert_eq!(order(behind).is_none(), left < 30 * UNIT);
			// What was held for it is not held any more.
			let waits = order(stop).map(|order| (order.size, order.fee));
			assert_eq!(waits, (left > 0).then_some((-left, 0)));
			assert_ok!(Perpetuals::do_try_state());
		}
		assert_eq!(filled(behind).size, -UNIT);
		assert_eq!(failed(stop), None);
	});
}

/// What is left of it ends like any other order: with its expiry, and without a fee, which went into the
/// first part.
#[test]
fn what_is_left_of_a_stop_expires_with_it() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 40 * UNIT);
		let stop = commit_reduce(ALICE, BTC, -40 * UNIT);
		set_numbers(BTC, |numbers| numbers.premium_step = ratio(1, 1_000));
		ticks();
		assert_eq!(filled(stop).left, -30 * UNIT);
		let before = cash(ALICE);
		set_price(BTC, dollars(50_000));
		block_after(HOUR);
		tick();
		assert_eq!(failed(stop), error(Error::Expired));
		assert_eq!((cash(ALICE), held(account(ALICE))), (before, 0));
		assert_eq!(position(ALICE, BTC).size, 30 * UNIT);
	});
}

#[test]
fn a_block_looks_at_four_orders_for_each_it_may_try() {
	ExtBuilder.build_and_execute(|| {
		set_chain(|chain| chain.orders_per_block = 3);
		let others: Vec<_> = (1..=3).map(|sub| account_of(ALICE, sub)).collect();
		others.iter().for_each(|id| deposit(*id, PURSE));
		commit(BOB, BTC, 50 * UNIT);
		// Fourteen that have to wait for the step, and one on the other side.
		for sub in [1, 2, 3] {
			for _ in 0..5 {
				let origin = RuntimeOrigin::signed(ALICE);
				let order = Terms::default().of(BTC, UNIT);
				assert_ok!(Perpetuals::commit_order(origin, sub, order));
			}
		}
		let behind = commit(CAROL, BTC, -UNIT);
		ticks();
		assert_eq!(position(BOB, BTC).size, 50 * UNIT);
		assert!(order(behind).is_some(), "the sixteenth is not looked at");
		// They move on, three a block.
		(0..3).for_each(|_| tick());
		assert!(order(behind).is_some());
		(0..3).for_each(|_| tick());
		filled(behind);
	});
}

#[test]
fn an_order_that_grew_too_large_fails_and_stops_nobody() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, -40 * UNIT);
		// Narrows 40 and widens 50.
		let terms = Terms {
			limit: Some(dollars(60_000)),
			..Default::default()
		};
		let flips = try_commit(BOB, BTC, 90 * UNIT, terms).unwrap();
		let next = commit(CAROL, BTC, UNIT);
		tick();
		// What it would have narrowed goes away.
		set_numbers(BTC, |numbers| {
			numbers.premium_step = FixedU128::from_rational(4, 1_000)
		});
		tick();
		assert_eq!(failed(flips), error(Error::OrderTooLarge));
		assert_eq!(filled(next).position, UNIT);
	});
}

#[test]
fn the_pool_must_bear_the_stress() {
	ExtBuilder.build_and_execute(|| {
		// Half of its equity against the stress and the premium on the larger side: 40 BTC need 2·(1.05·1.25
		// − 1) of two millions.
		let equity = 1_260_000 * USD as i128;
		let spare = PoolCash::get() - equity;
		PoolCash::put(equity);
		Clearing::mutate(|clearing| *clearing -= spare);
		Custody::mutate(|custody| *custody -= spare);
		Brought::mutate(|brought| *brought -= spare);
		let long = trade(ALICE, BTC, 40 * UNIT);
		let more = commit(BOB, BTC, UNIT);
		ticks();
		assert_eq!(failed(more), error(Error::PoolStressed));
		// The other side takes none of it, and gives none back: it may leave first.
		trade(BOB, BTC, -UNIT);
		let more = commit(CAROL, BTC, UNIT);
		ticks();
		assert_eq!(failed(more), error(Error::PoolStressed));
		assert_eq!(long.position, 40 * UNIT);
		// Whoever leaves is not asked.
		let id = commit_reduce(BOB, BTC, UNIT);
		ticks();
		assert_eq!(filled(id).position, 0);
	});
}

#[test]
fn an_account_has_so_many_positions() {
	ExtBuilder.build_and_execute(|| {
		for id in [BTC, ETH, DOT] {
			trade(ALICE, id, UNIT.max(100 * UNIT * i128::from(id == DOT)));
		}
		let id = commit(ALICE, SOL, UNIT);
		ticks();
		assert_eq!(failed(id), error(Error::TooManyPositions));
	});
}

#[test]
fn guarded_doubles_the_initial_margin_alone() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, UNIT);
		let before = market(BTC).rates;
		raise(BreakerSubject::Market(BTC), Level::Guarded);
		tick();
		let after = market(BTC).rates;
		assert_eq!(before.initial, ratio(5, 100));
		assert_eq!(
			(after.initial, after.maintenance),
			(ratio(10, 100), before.maintenance)
		);
	});
}

#[test]
fn the_initial_rate_rises_with_every_fill() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| {
			numbers.open_interest_lower = 1_000_000 * USD;
			numbers.open_interest_upper = 3_000_000 * USD;
		});
		tick();
		assert_eq!(market(BTC).rates.initial, ratio(5, 100));
		fill_now(ALICE, BTC, 30 * UNIT).unwrap();
		// A quarter of the way from 5 % to all of it.
		assert_eq!(market(BTC).rates.initial, ratio(2_875, 10_000));
	});
}

#[test]
fn existing_positions_meet_a_ramp() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, UNIT);
		let calm = market(BTC).rates;
		PriceTable::mutate(|table| table.get_mut(&BTC).unwrap().volatility = ratio(10, 1));
		tick();
		let stormy = market(BTC).rates;
		// 2.33·10·√(600 s of a year) is 10.2 %.
		assert!(stormy.target > ratio(10, 100) && stormy.target < ratio(11, 100));
		assert_eq!(stormy.initial.into_inner(), 2 * stormy.target.into_inner());
		let moved = stormy.maintenance.into_inner() - calm.maintenance.into_inner();
		assert_eq!(moved, ratio(1, 100).into_inner() * BLOCK as u128 / HOUR as u128);
		// At most a minute of it, however long nothing happened.
		set_price(BTC, dollars(50_000));
		block_after(10 * HOUR);
		let later = market(BTC).rates.maintenance.into_inner();
		assert_eq!(
			later - stormy.maintenance.into_inner(),
			ratio(1, 100).into_inner() / 60
		);
	});
}

proptest! {
	/// However an amount is split, it costs the same but for rounding, and never less for splitting it.
	#[test]
	fn the_way_does_not_matter(
		index in 1_000_000_000_000_000u128..1_000_000_000_000_000_000_000_000,
		start in -1_000_000_000i128..1_000_000_000,
		parts in prop::collection::vec(-100_000_000i128..100_000_000, 1..20),
	) {
		let whole: i128 = parts.iter().sum();
		prop_assume!(whole != 0 && parts.iter().all(|part| *part != 0));
		let mut there = Market::new(1, 1, &numbers(100), 0);
		there.price.value = FixedU128::from_inner(index);
		there.terms.skew_scale = 1_000_000_000_000;
		let mut filler = Position { market: 1, ..Default::default() };
		prop_assume!(start == 0 || there.trade(&mut filler, start).is_some());

		let (mut split, mut position) = (there, Position { market: 1, ..Default::default() });
		let mut paid = 0;
		for part in &parts {
			paid += split.trade(&mut position, *part).unwrap().cost;
		}
		let (mut at_once, mut one) = (there, Position { market: 1, ..Default::default() });
		let cost = at_once.trade(&mut one, whole).unwrap().cost;
		prop_assert_eq!(split.skew(), at_once.skew());
		// A unit for each side of a flip, and one for the price.
		let slack = 3 * parts.len() as i128 + 1;
		prop_assert!(paid >= cost - 1, "{} {}", paid, cost);
		prop_assert!(paid - cost <= slack, "{} {}", paid, cost);
	}

	/// What all could close for is never more than what the pool says it owes.
	#[test]
	fn the_pool_owes_at_least_what_closing_all_pays(
		index in 1_000_000_000_000_000u128..1_000_000_000_000_000_000_000_000,
		later in 1_000_000_000_000_000u128..1_000_000_000_000_000_000_000_000,
		funding in -1_000_000_000_000_000_000_000i128..1_000_000_000_000_000_000_000,
		sizes in prop::collection::vec(-10_000_000_000i128..10_000_000_000, 1..8),
	) {
		prop_assume!(sizes.iter().all(|size| *size != 0));
		let mut there = Market::new(1, 1, &numbers(100), 0);
		there.price.value = FixedU128::from_inner(index);
		there.terms.skew_scale = 1_000_000_000_000;
		(there.carry.long, there.carry.short) = (funding / 3, funding / 5);
		let mut positions = vec![Position { market: 1, ..Default::default() }; sizes.len()];
		for (position, size) in positions.iter_mut().zip(&sizes) {
			there.trade(position, *size).unwrap();
		}
		there.price.value = FixedU128::from_inner(later);
		(there.carry.long, there.carry.short) = (funding, funding / 2);
		let owed = there.owed().unwrap();
		let mut paid = 0;
		for position in &mut positions {
			let size = position.size;
			let trade = there.trade(position, -size).unwrap();
			paid += trade.realised - trade.funding;
		}
		prop_assert!(paid <= owed, "{} {}", paid, owed);
		prop_assert!(owed - paid <= 6 * sizes.len() as i128 + 4, "{} {}", paid, owed);
		prop_assert_eq!((there.cost, there.funding_debt, there.long, there.short, there.positions), (0, 0, 0, 0, 0));
	}

	/// A position's entry is what it cost, and a worth at the mark is what the maths says.
	#[test]
	fn unrealised_is_worth_less_cost(size in 1i128..1_000_000_000_000, price in 1u128..1_000_000) {
		let mut market = Market::new(1, 1, &numbers(100), 0);
		market.price.value = dollars(price);
		market.terms.skew_scale = 1_000_000_000_000_000;
		let mut position = Position { market: 1, ..Default::default() };
		market.trade(&mut position, size).unwrap();
		let worth = perpetual::value(size, market.mark(), keel_math::Rounding::Down).unwrap();
		prop_assert_eq!(market.unrealised(&position), Some(worth - position.cost));
	}
}
