//! Orders that wait for the index price.

use keel_math::FixedU128;
use proptest::prelude::*;

use crate::{mock::*, order::read_key, Error, Event, Trigger, Waiting, When};

fn at(price: u128, when: When) -> Trigger {
	Trigger {
		price: dollars(price),
		when,
		trail: None,
	}
}

fn waiting(trigger: Trigger, reduce_only: bool) -> Terms {
	Terms {
		trigger: Some(trigger),
		reduce_only,
		..Default::default()
	}
}

#[test]
fn a_stop_loss_waits_and_closes() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, UNIT);
		let id = try_commit(ALICE, BTC, -2 * UNIT, waiting(at(45_000, When::Below), true)).unwrap();
		move_to(BTC, dollars(45_001));
		tick();
		assert_eq!(queued_at(id), None);
		move_to(BTC, dollars(44_000));
		// Triggered, and filled at the first price made after that.
		assert_eq!(queued_at(id), Some(Now::get()));
		tick();
		assert_eq!(position(ALICE, BTC).size, UNIT, "at the price that met it");
		move_to(BTC, dollars(43_000));
		let fill = filled(id);
		assert_eq!((fill.size, fill.position), (-UNIT, 0));
		// 43 000·(1 + 0.5/10 000).
		assert_eq!(fill.price, dollars(43_000) + FixedU128::from_rational(215, 100));
		assert!(events().contains(&Event::OrderTriggered {
			order: id,
			market: BTC,
			price: dollars(44_000)
		}));
	});
}

#[test]
fn a_profit_is_taken_once_the_trigger_is_met() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, UNIT);
		let id = try_commit(ALICE, BTC, -UNIT, waiting(at(55_000, When::Above), true)).unwrap();
		tick();
		move_to(BTC, dollars(55_000));
		ticks();
		assert!(filled(id).realised > 4_900 * USD as i128);
	});
}

#[test]
fn what_is_triggered_can_not_be_taken_back() {
	ExtBuilder.build_and_execute(|| {
		let id = try_commit(ALICE, BTC, UNIT, waiting(at(55_000, When::Above), false)).unwrap();
		// Known to whoever watches the operators when it was committed.
		move_to(BTC, dollars(56_000));
		assert_eq!(queued_at(id), Some(Now::get()));
		assert_eq!(position(ALICE, BTC).size, 0);
		// In the queue it can't be taken back.
		assert_eq!(cancel(ALICE, id), Err(Error::<Test>::TooEarlyToCancel.into()));
		tick();
		move_to(BTC, dollars(50_000));
		assert_eq!(
			filled(id).price,
			dollars(50_000) + FixedU128::from_rational(25, 10)
		);
	});
}

#[test]
fn the_nearest_come_first_and_a_block_takes_no_more_than_it_may() {
	ExtBuilder.build_and_execute(|| {
		let above = [56_000, 54_000, 55_000]
			.map(|price| try_commit(ALICE, BTC, UNIT, waiting(at(price, When::Above), false)).unwrap());
		let below = [44_000, 46_000]
			.map(|price| try_commit(BOB, BTC, UNIT, waiting(at(price, When::Below), false)).unwrap());
		tick();
		set_chain(|chain| chain.orders_per_block = 2);
		move_to(BTC, dollars(60_000));
		let queued = |id| order(id).map(|order| order.is_queued());
		// The nearest two of the three were triggered.
		assert_eq!(above.map(queued), [Some(false), Some(true), Some(true)]);
		assert_eq!(below.map(queued), [Some(false), Some(false)]);
		tick();
		assert_eq!(above.map(queued), [Some(true), Some(true), Some(true)]);
		tick();
		assert_eq!(above.map(queued), [Some(true), None, None]);
		tick();
		assert_eq!(above.map(queued), [None, None, None]);
		move_to(BTC, dollars(46_000));
		ticks();
		assert_eq!(below.map(queued), [Some(false), None]);
	});
}

#[test]
fn an_unfit_price_triggers_nothing() {
	ExtBuilder.build_and_execute(|| {
		let id = try_commit(ALICE, BTC, UNIT, waiting(at(55_000, When::Above), false)).unwrap();
		tick();
		RefusedFor::set(vec![keel_primitives::PriceFor::ReduceRisk]);
		move_to(BTC, dollars(60_000));
		assert_eq!(queued_at(id), None);
	});
}

#[test]
fn an_old_order_joins_the_queue_behind_what_is_there_when_it_is_triggered() {
	ExtBuilder.build_and_execute(|| {
		let stop = try_commit(ALICE, BTC, UNIT, waiting(at(55_000, When::Above), false)).unwrap();
		tick();
		let before = commit(BOB, BTC, UNIT);
		move_to(BTC, dollars(56_000));
		assert_eq!((place(before), place(stop)), (1, 2));
		let behind = commit(CAROL, BTC, UNIT);
		ticks();
		assert!(filled(before).price < filled(stop).price);
		assert!(filled(stop).price < filled(behind).price);
	});
}

proptest! {
	#[test]
	fn keys_say_what_they_were_made_of_and_are_in_order(
		a in any::<u128>(), b in any::<u128>(), first in any::<u64>(), second in any::<u64>(),
	) {
		for when in [When::Above, When::Below] {
			let trigger = |price| Trigger { price: FixedU128::from_inner(price), when, trail: None };
			let (one, other) = (trigger(a).key(first), trigger(b).key(second));
			prop_assert_eq!(read_key(when, &one), (trigger(a), first));
			let nearer = match when {
				When::Above => (a, first) < (b, second),
				When::Below => (u128::MAX - a, first) < (u128::MAX - b, second),
			};
			prop_assert_eq!(one < other, nearer);
		}
	}
}

#[test]
fn the_trie_keeps_the_order() {
	ExtBuilder.build_and_execute(|| {
		for price in [1u128, 300, 255, 256, 70_000, 65_535] {
			let trigger = Trigger {
				price: FixedU128::from_inner(price),
				when: When::Above,
				trail: None,
			};
			Waiting::<Test>::insert((77, When::Above), trigger.key(price as u64), 0);
		}
		let read: Vec<_> = Waiting::<Test>::iter_key_prefix((77, When::Above))
			.map(|key| read_key(When::Above, &key).1)
			.collect();
		assert_eq!(read, [1, 255, 256, 300, 65_535, 70_000]);
		let _ = Waiting::<Test>::clear_prefix((77, When::Above), 10, None);
	});
}
