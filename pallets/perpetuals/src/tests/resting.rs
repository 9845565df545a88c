//! Orders that rest for their limit, and orders that are worked off in parts.

use frame_support::assert_ok;
use keel_math::FixedU128;

use crate::{mock::*, Error, Event, Markets, Resting, Stage, Waiting, When, LOCK_MS, MAX_LIFE_MS};

fn resting(limit: FixedU128) -> Terms {
	Terms {
		limit: Some(limit),
		resting: true,
		..Default::default()
	}
}

fn stage(id: u64) -> Stage {
	order(id).unwrap().stage
}

fn averages(id: u64) -> Vec<FixedU128> {
	let of = |event| match event {
		Event::OrderFilled { order, average, .. } if order == id => Some(average),
		_ => None,
	};
	events().into_iter().filter_map(of).collect()
}

mod resting_orders {
	use super::*;

	#[test]
	fn fill_at_the_first_price_if_their_limit_is_met() {
		ExtBuilder.build_and_execute(|| {
			let id = try_commit(ALICE, BTC, UNIT, resting(dollars(50_100))).unwrap();
			ticks();
			let fill = filled(id);
			assert_eq!((fill.size, fill.left), (UNIT, 0));
			assert!(order(id).is_none());
		});
	}

	/// Waits, joins the queue at the price that meets it, and fills at the one after that: nobody cancels, or
	/// lets fill, with that in sight.
	#[test]
	fn rest_until_the_mark_comes_and_fill_at_the_next_price() {
		ExtBuilder.build_and_execute(|| {
			let cash_before = cash(ALICE);
			let id = try_commit(ALICE, BTC, UNIT, resting(dollars(48_000))).unwrap();
			ticks();
			assert_eq!(stage(id), Stage::Resting);
			assert!(events().contains(&Event::OrderRests {
				order: id,
				market: BTC
			}));
			assert_eq!(position(ALICE, BTC).size, 0);
			// Waiting costs nothing.
			assert_eq!(cash(ALICE), cash_before);
			for _ in 0..5 {
				move_to(BTC, dollars(49_000));
			}
			assert_eq!(stage(id), Stage::Resting);
			move_to(BTC, dollars(47_900));
			assert_eq!(queued_at(id), Some(Now::get()));
			assert_eq!(cancel(ALICE, id), Err(Error::<Test>::TooEarlyToCancel.into()));
			tick();
			move_to(BTC, dollars(47_000));
			assert!(filled(id).price < dollars(47_100));
			assert_eq!(position(ALICE, BTC).size, UNIT);
		});
	}

	#[test]
	fn rest_again_if_the_price_went_away() {
		ExtBuilder.build_and_execute(|| {
			let id = try_commit(ALICE, BTC, -UNIT, resting(dollars(52_000))).unwrap();
			ticks();
			for _ in 0..3 {
				move_to(BTC, dollars(52_100));
				assert!(order(id).unwrap().is_queued());
				move_to(BTC, dollars(51_000));
				tick();
				assert_eq!(stage(id), Stage::Resting);
			}
			assert_eq!(order(id).unwrap().fee, ORDER_FEE);
			assert_ok!(Perpetuals::do_try_state());
		});
	}

	/// As far as the mark is no worse than the limit, not the mean of what they trade.
	#[test]
	fn fill_as_far_as_their_limit_lets_them() {
		ExtBuilder.build_and_execute(|| {
			// The premium is a hundredth of a percent for each BTC: 20 of them are 0.2 %.
			let id = try_commit(ALICE, BTC, 40 * UNIT, resting(dollars(50_100))).unwrap();
			ticks();
			let fill = filled(id);
			assert_eq!((fill.size, fill.left), (20 * UNIT, 20 * UNIT));
			assert_eq!(fill.price, dollars(50_050));
			let mark = Markets::<Test>::get().market(BTC).unwrap().mark();
			assert_eq!(mark, dollars(50_100));
			// The rest of it rests, holding half of the margin, and no fee.
			tick();
			assert_eq!(stage(id), Stage::Resting);
			assert_eq!((order(id).unwrap().size, order(id).unwrap().fee), (20 * UNIT, 0));
			move_to(BTC, dollars(49_900));
			ticks();
			// At an index of 49,900 the limit is a premium of 0.4 %.
			let second = filled(id);
			assert!(second.left < UNIT / 10 && second.size > 19 * UNIT, "{second:?}");
			let average = averages(id).pop().unwrap();
			assert!(average > second.price.min(fill.price) && average < second.price.max(fill.price));
			assert_ok!(Perpetuals::do_try_state());
		});
	}

	#[test]
	fn get_their_fee_back_when_they_are_cancelled_or_expire() {
		ExtBuilder.build_and_execute(|| {
			let before = cash(ALICE);
			let id = try_commit(ALICE, BTC, UNIT, resting(dollars(48_000))).unwrap();
			ticks();
			assert_ok!(cancel(ALICE, id));
			assert_eq!(cash(ALICE), before);
			let short = Terms {
				life: Some(60_000),
				..resting(dollars(48_000))
			};
			let id = try_commit(ALICE, BTC, UNIT, short).unwrap();
			ticks();
			block_after(60_000);
			// By anybody; or by itself once it is met.
			frame_support::hypothetically!({
				assert_ok!(cancel(BOB, id));
				assert_eq!(cash(ALICE), before);
			});
			move_to(BTC, dollars(47_000));
			ticks();
			assert!(order(id).is_none() && failed(id).is_none());
			assert_eq!((cash(ALICE), position(ALICE, BTC).size), (before, 0));
		});
	}

	/// What only rests pays nothing, so it gets a quarter of a block's orders at most.
	#[test]
	fn keep_nobody_waiting() {
		ExtBuilder.build_and_execute(|| {
			set_chain(|chain| chain.orders_per_block = 4);
			for sub in 1..=5 {
				deposit(account_of(ALICE, sub), PURSE);
				for _ in 0..4 {
					let order = resting(dollars(49_000)).of(BTC, UNIT);
					assert_ok!(Perpetuals::commit_order(RuntimeOrigin::signed(ALICE), sub, order));
				}
			}
			(0..8).for_each(|_| tick());
			assert_eq!(Resting::<Test>::iter_keys().count(), 20);
			// The mark goes to and fro around the limit of all of them.
			for _ in 0..4 {
				let honest = [0, 1, 2].map(|_| commit(BOB, BTC, UNIT));
				move_to(BTC, dollars(48_990));
				move_to(BTC, dollars(49_100));
				tick();
				for id in honest {
					filled(id);
				}
			}
		});
	}

	#[test]
	fn wait_for_their_trigger_first() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			let terms = Terms {
				trigger: Some(crate::Trigger {
					price: dollars(49_000),
					when: When::Below,
					trail: None,
				}),
				reduce_only: true,
				..resting(dollars(48_800))
			};
			let id = try_commit(ALICE, BTC, -UNIT, terms).unwrap();
			assert_eq!(stage(id), Stage::Waiting);
			move_to(BTC, dollars(48_000));
			ticks();
			assert_eq!(
				(stage(id), Waiting::<Test>::iter_keys().count()),
				(Stage::Resting, 0)
			);
			move_to(BTC, dollars(48_900));
			ticks();
			assert_eq!(filled(id).position, 0);
		});
	}
}

mod without_a_limit {
	use super::*;

	/// In steps of half a percent of 10,000 BTC, one for each price.
	#[test]
	fn a_large_order_is_worked_off_block_by_block() {
		ExtBuilder.build_and_execute(|| {
			set_numbers(BTC, |numbers| numbers.max_open_interest = u128::MAX);
			let id = commit(ALICE, BTC, 90 * UNIT);
			let behind = commit(BOB, BTC, UNIT);
			let against = commit(CAROL, BTC, -UNIT);
			ticks();
			let first = filled(id);
			assert_eq!((first.size, first.left), (50 * UNIT, 40 * UNIT));
			// The other side goes on, the same waits.
			assert!(filled(against).size < 0 && order(behind).is_some());
			tick();
			let second = filled(id);
			assert_eq!(
				(second.size, second.left, second.position),
				(40 * UNIT, 0, 90 * UNIT)
			);
			tick();
			filled(behind);
			let [one, all] = averages(id)[..] else {
				panic!("two parts")
			};
			assert_eq!(one, first.price);
			let mean = (first.price.into_inner() * 5 + second.price.into_inner() * 4) / 9;
			assert!(all.into_inner().abs_diff(mean) <= 10u128.pow(13), "{all:?}");
			assert_ok!(Perpetuals::do_try_state());
		});
	}

	/// Kind: who trades before and behind somebody at one price earns what that moves it by.
	#[test]
	fn who_stands_around_a_large_order_gains_less_than_the_fees() {
		ExtBuilder.build_and_execute(|| {
			// Seven basis points are less than a taker and a maker fee.
			set_numbers(BTC, |numbers| numbers.premium_step = ratio(7, 10_000));
			let before = cash(BOB);
			let opens = commit(BOB, BTC, 3 * UNIT);
			commit(ALICE, BTC, 100 * UNIT);
			let closes = commit(BOB, BTC, -3 * UNIT);
			(0..8).for_each(|_| tick());
			filled(opens);
			filled(closes);
			assert_eq!(position(BOB, BTC).size, 0);
			assert!(cash(BOB) < before, "{} {before}", cash(BOB));
		});
	}

	#[test]
	fn holds_margin_for_what_is_left_alone() {
		ExtBuilder.build_and_execute(|| {
			let id = commit(ALICE, BTC, 80 * UNIT);
			let held = || TraderMap::get(account(ALICE)).held_margin();
			// The fee goes into that of the first part.
			let all = held() - ORDER_FEE;
			ticks();
			assert_eq!(filled(id).left, 30 * UNIT);
			assert!(
				held() * 80 >= all * 30 && held() * 80 <= all * 30 + 80,
				"{} {all}",
				held()
			);
		});
	}

	#[test]
	fn without_a_step_it_waits_and_ends_with_its_expiry() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, 40 * UNIT);
			set_numbers(BTC, |numbers| numbers.premium_step = ratio(0, 1));
			let reduces = Terms {
				reduce_only: true,
				life: Some(LOCK_MS),
				..Default::default()
			};
			let id = try_commit(ALICE, BTC, -40 * UNIT, reduces).unwrap();
			ticks();
			assert!(order(id).is_some() && failed(id).is_none());
			block_after(MAX_LIFE_MS);
			tick();
			assert_eq!(failed(id), Some(Error::<Test>::Expired.into()));
		});
	}

	/// A guardian may take the step to where it is worth less than an order has to be.
	#[test]
	fn a_step_worth_little_is_no_reason_to_wait() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT / 10);
			// A ten-millionth of 10,000 BTC: a thousandth, 50 USD; and a hundredth of that.
			for step in [ratio(1, 10_000_000), ratio(1, 1_000_000_000)] {
				set_numbers(BTC, |numbers| numbers.premium_step = step);
				let reduces = Terms {
					reduce_only: true,
					..Default::default()
				};
				let before = position(ALICE, BTC).size;
				let id = try_commit(ALICE, BTC, -UNIT / 20, reduces).unwrap();
				ticks();
				assert!(position(ALICE, BTC).size < before && filled(id).left != 0);
				block_after(LOCK_MS);
				assert_ok!(cancel(ALICE, id));
			}
		});
	}
}
