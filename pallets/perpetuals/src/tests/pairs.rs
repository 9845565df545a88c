//! Brackets, trailing triggers, and what is done to many orders at once.

use frame_support::assert_ok;
use keel_math::FixedU128;
use keel_primitives::Moment;
use proptest::prelude::*;

use crate::{mock::*, Error, Event, NewOrder, OrderTerms, Ratchets, Stage, Trigger, When, LOCK_MS, MAX_SIZE};

fn when(price: u128, when: When) -> Option<Trigger> {
	Some(Trigger {
		price: dollars(price),
		when,
		trail: None,
	})
}

fn closing(trigger: Option<Trigger>) -> Terms {
	Terms {
		trigger,
		reduce_only: true,
		..Default::default()
	}
}

fn commit_pair(
	who: AccountId,
	first: NewOrder,
	second: NewOrder,
) -> Result<[u64; 2], sp_runtime::DispatchError> {
	let id = next_order();
	frame_support::storage::with_storage_layer(|| {
		Perpetuals::commit_pair(RuntimeOrigin::signed(who), 0, first, second)
	})?;
	Ok([id, id + 1])
}

fn bracket(who: AccountId, size: i128) -> [u64; 2] {
	let profit = closing(when(55_000, When::Above)).of(BTC, size);
	let loss = closing(when(45_000, When::Below)).of(BTC, size);
	commit_pair(who, profit, loss).unwrap()
}

mod a_pair {
	use super::*;

	#[test]
	fn takes_the_profit_and_forgets_the_loss() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			let before = cash(ALICE);
			let [profit, loss] = bracket(ALICE, -UNIT);
			assert!(events().contains(&Event::OrdersPaired {
				first: profit,
				second: loss
			}));
			assert_eq!((cash(ALICE), held(account(ALICE))), (before, 2 * ORDER_FEE));
			move_to(BTC, dollars(55_500));
			ticks();
			let fill = filled(profit);
			assert_eq!((fill.position, order(loss)), (0, None));
			// The other one costs nothing.
			assert_eq!(cash(ALICE), before + fill.realised - fill.funding - fill.fee);
			assert_ok!(Perpetuals::do_try_state());
		});
	}

	#[test]
	fn stops_the_loss_and_forgets_the_profit() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			let [profit, loss] = bracket(ALICE, -UNIT);
			move_to(BTC, dollars(44_000));
			ticks();
			assert_eq!((filled(loss).position, order(profit)), (0, None));
		});
	}

	/// In one batch with the order that opens.
	#[test]
	fn is_attached_to_an_order_that_is_not_filled_yet() {
		ExtBuilder.build_and_execute(|| {
			let alone = closing(when(55_000, When::Above));
			assert_eq!(
				try_commit(ALICE, BTC, -UNIT, alone),
				Err(Error::<Test>::NothingToReduce.into())
			);
			let opens = commit(ALICE, BTC, UNIT);
			let [profit, loss] = bracket(ALICE, -UNIT);
			// The other way round there is nothing to reduce.
			let wrong = closing(when(55_000, When::Above));
			assert_eq!(
				try_commit(ALICE, BTC, UNIT, wrong),
				Err(Error::<Test>::NothingToReduce.into())
			);
			ticks();
			filled(opens);
			move_to(BTC, dollars(56_000));
			ticks();
			assert_eq!((filled(profit).position, order(loss)), (0, None));
		});
	}

	#[test]
	fn both_in_the_queue_fill_once() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			let buys = |trigger| {
				Terms {
					trigger,
					..Default::default()
				}
				.of(BTC, UNIT)
			};
			let [above, below] = commit_pair(
				ALICE,
				buys(when(55_000, When::Above)),
				buys(when(45_000, When::Below)),
			)
			.unwrap();
			move_to(BTC, dollars(56_000));
			move_to(BTC, dollars(44_000));
			ticks();
			filled(above);
			assert_eq!((order(below), position(ALICE, BTC).size), (None, 2 * UNIT));
			assert_ok!(Perpetuals::do_try_state());
		});
	}

	#[test]
	fn one_stays_when_the_other_is_cancelled() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			let [profit, loss] = bracket(ALICE, -UNIT);
			assert_ok!(cancel(ALICE, profit));
			move_to(BTC, dollars(44_000));
			ticks();
			assert_eq!(filled(loss).position, 0);
		});
	}

	#[test]
	fn is_of_one_market_and_all_or_nothing() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			let before = cash(ALICE);
			let one = closing(when(55_000, When::Above)).of(BTC, -UNIT);
			let elsewhere = closing(when(45_000, When::Below)).of(ETH, -UNIT);
			assert_eq!(
				commit_pair(ALICE, one, elsewhere),
				Err(Error::<Test>::NotAPair.into())
			);
			let zero = NewOrder { size: 0, ..one };
			assert_eq!(commit_pair(ALICE, one, zero), Err(Error::<Test>::ZeroSize.into()));
			assert_eq!((cash(ALICE), order(next_order())), (before, None));
			assert_ok!(Perpetuals::do_try_state());
		});
	}
}

mod a_trailing_trigger {
	use super::*;

	fn trailing(price: FixedU128, side: When, trail: FixedU128) -> Terms {
		closing(Some(Trigger {
			price,
			when: side,
			trail: Some(trail),
		}))
	}

	fn stands(id: u64) -> FixedU128 {
		order(id).unwrap().trigger.unwrap().price
	}

	#[test]
	fn follows_up_and_never_down() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			let id = try_commit(ALICE, BTC, -UNIT, trailing(dollars(0), When::Below, ratio(1, 10))).unwrap();
			assert_eq!(stands(id), dollars(45_000));
			// Less than a sixteenth of a tenth.
			move_to(BTC, dollars(50_300));
			assert_eq!(stands(id), dollars(45_000));
			move_to(BTC, dollars(60_000));
			assert_eq!(stands(id), dollars(54_000));
			move_to(BTC, dollars(54_500));
			assert_eq!(
				(stands(id), order(id).unwrap().stage),
				(dollars(54_000), Stage::Waiting)
			);
			move_to(BTC, dollars(54_000));
			assert!(order(id).unwrap().is_queued());
			assert_eq!(Ratchets::<Test>::iter_keys().count(), 0);
			ticks();
			assert_eq!(filled(id).position, 0);
		});
	}

	#[test]
	fn of_a_short_follows_down() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, -UNIT);
			let far = FixedU128::from_inner(u128::MAX);
			let id = try_commit(ALICE, BTC, UNIT, trailing(far, When::Above, ratio(1, 10))).unwrap();
			assert_eq!(stands(id), dollars(55_000));
			move_to(BTC, dollars(40_000));
			assert_eq!(stands(id), dollars(44_000));
			move_to(BTC, dollars(44_000));
			ticks();
			assert_eq!(filled(id).position, 0);
		});
	}

	#[test]
	fn begins_where_its_owner_says_if_that_is_nearer() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			let id = try_commit(
				ALICE,
				BTC,
				-UNIT,
				trailing(dollars(48_000), When::Below, ratio(1, 10)),
			)
			.unwrap();
			assert_eq!(stands(id), dollars(48_000));
			// From 53,333 on it is a tenth below.
			move_to(BTC, dollars(53_000));
			assert_eq!(stands(id), dollars(48_000));
			move_to(BTC, dollars(54_000));
			assert_eq!(stands(id), dollars(48_600));
		});
	}

	#[test]
	fn has_a_distance_of_a_thousandth_to_a_half() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			for (trail, fits) in [
				(ratio(1, 1_001), false),
				(ratio(1, 1_000), true),
				(ratio(1, 2), true),
				(ratio(51, 100), false),
			] {
				let committed = try_commit(ALICE, BTC, -UNIT, trailing(dollars(0), When::Below, trail));
				assert_eq!(committed.is_ok(), fits, "{committed:?}");
				assert!(fits || committed == Err(Error::<Test>::OutOfRange.into()));
			}
		});
	}

	/// A crowd of them is written no more often than a block may, and those left follow in the next.
	#[test]
	fn of_many_follows_within_what_a_block_may() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			set_chain(|chain| chain.orders_per_block = 2);
			let ids: Vec<_> = (0..5)
				.map(|_| {
					try_commit(ALICE, BTC, -UNIT, trailing(dollars(0), When::Below, ratio(1, 10))).unwrap()
				})
				.collect();
			move_to(BTC, dollars(60_000));
			let moved = || ids.iter().filter(|id| stands(**id) == dollars(54_000)).count();
			assert_eq!(moved(), 2);
			ticks();
			assert_eq!(moved(), 5);
			assert_ok!(Perpetuals::do_try_state());
		});
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(64))]

		/// Never farther from the best price than its distance and a sixteenth, and never back.
		#[test]
		fn is_within_a_step_of_its_distance(
			moves in prop::collection::vec(-300i64..300, 1..30), trail in 1u128..500, short: bool,
		) {
			ExtBuilder.build_and_execute(|| {
				let (size, side) = if short { (-UNIT, When::Above) } else { (UNIT, When::Below) };
				trade(ALICE, BTC, size);
				let trail = ratio(trail, 1_000);
				let start = if short { FixedU128::from_inner(u128::MAX) } else { dollars(0) };
				let id = try_commit(ALICE, BTC, -size, trailing(start, side, trail)).unwrap();
				let (mut best, mut price, mut last) = (50_000i128, 50_000i128, stands(id));
				for step in moves {
					price = (price * (10_000 + i128::from(step)) / 10_000).max(1_000);
					best = if short { best.min(price) } else { best.max(price) };
					move_to(BTC, dollars(price as u128));
					let Some(now) = order(id) else { break };
					let at = now.trigger.unwrap().price;
					assert!(if short { at <= last } else { at >= last });
					last = at;
					if now.is_queued() {
						break;
					}
					let (at, best) = (at.to_float(), best as f64);
					let (near, step) = (trail.to_float(), trail.to_float() / 16.0);
					let far = if short { (1.0 + near) / (1.0 - step) - 1.0 } else { 1.0 - (1.0 - near) / (1.0 + step) };
					let distance = (at / best - 1.0).abs();
					assert!(distance >= near * 0.999 && distance <= far + 0.001, "{distance} {near} {far}");
				}
				assert_ok!(Perpetuals::do_try_state());
			});
		}
	}
}

mod amending {
	use super::*;

	fn amend(who: AccountId, id: u64, new: NewOrder) -> Result<(), sp_runtime::DispatchError> {
		frame_support::storage::with_storage_layer(|| {
			Perpetuals::amend_order(RuntimeOrigin::signed(who), 0, id, new)
		})
	}

	#[test]
	fn moves_a_stop_and_costs_nothing() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			let [profit, loss] = bracket(ALICE, -UNIT);
			let before = cash(ALICE);
			let nearer = closing(when(49_000, When::Below)).of(BTC, -UNIT);
			assert_ok!(amend(ALICE, loss, nearer));
			assert_eq!(cash(ALICE), before);
			let terms: OrderTerms = order(loss).unwrap().terms();
			assert!(events().contains(&Event::OrderAmended {
				order: loss,
				account: account(ALICE),
				terms
			}));
			move_to(BTC, dollars(48_900));
			ticks();
			// It still is one of a pair.
			assert_eq!((filled(loss).position, order(profit)), (0, None));
			assert_ok!(Perpetuals::do_try_state());
		});
	}

	#[test]
	fn checks_the_margin_of_what_it_becomes() {
		ExtBuilder.build_and_execute(|| {
			leave(ALICE, 30_000 * USD);
			let terms = Terms {
				limit: Some(dollars(48_000)),
				resting: true,
				..Default::default()
			};
			let id = try_commit(ALICE, BTC, 10 * UNIT, terms).unwrap();
			ticks();
			assert_eq!(
				amend(ALICE, id, terms.of(BTC, 40 * UNIT)),
				Err(Error::<Test>::NotEnoughMargin.into())
			);
			assert_ok!(amend(ALICE, id, terms.of(BTC, 11 * UNIT)));
			assert_eq!(order(id).unwrap().size, 11 * UNIT);
		});
	}

	/// Kind: an order without a fee in the queue, which is tried and cancelled there for nothing.
	#[test]
	fn holds_a_fee_anew_once_a_fill_has_taken_it() {
		ExtBuilder.build_and_execute(|| {
			let terms = Terms {
				limit: Some(dollars(50_100)),
				resting: true,
				..Default::default()
			};
			let id = try_commit(ALICE, BTC, 40 * UNIT, terms).unwrap();
			ticks();
			tick();
			assert_eq!(order(id).unwrap().fee, 0);
			let before = cash(ALICE);
			assert_ok!(amend(ALICE, id, Terms::default().of(BTC, 20 * UNIT)));
			assert_eq!(order(id).unwrap().fee, ORDER_FEE);
			assert_eq!(cash(ALICE), before, "held, not taken");
			Now::mutate(|now| *now += crate::LOCK_MS);
			assert_ok!(Perpetuals::cancel_order(
				RuntimeOrigin::signed(ALICE),
				account(ALICE),
				id
			));
			assert_eq!(cash(ALICE), before - ORDER_FEE as i128);
			assert_ok!(Perpetuals::do_try_state());
		});
	}

	#[test]
	fn is_for_the_owner_of_what_is_not_about_to_fill() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			let [_, loss] = bracket(ALICE, -UNIT);
			let new = closing(when(49_000, When::Below)).of(BTC, -UNIT);
			assert_eq!(amend(BOB, loss, new), Err(Error::<Test>::UnknownOrder.into()));
			assert_eq!(amend(ALICE, 99, new), Err(Error::<Test>::UnknownOrder.into()));
			move_to(BTC, dollars(44_000));
			assert_eq!(
				amend(ALICE, loss, new),
				Err(Error::<Test>::TooEarlyToCancel.into())
			);
		});
	}
}

mod all_of_an_account {
	use super::*;

	fn cancel_all(who: AccountId, market: Option<u32>) -> Result<(), sp_runtime::DispatchError> {
		frame_support::storage::with_storage_layer(|| {
			Perpetuals::cancel_all(RuntimeOrigin::signed(who), 0, market)
				.map(|_| ())
				.map_err(|error| error.error)
		})
	}

	#[test]
	fn is_cancelled_but_for_what_is_about_to_fill() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			trade(ALICE, ETH, UNIT);
			let before = cash(ALICE);
			let [profit, loss] = bracket(ALICE, -UNIT);
			let other = try_commit(ALICE, ETH, -UNIT, closing(when(1, When::Below))).unwrap();
			assert_ok!(cancel_all(ALICE, Some(ETH)));
			assert_eq!((order(other), order(profit).is_some()), (None, true));
			let queued = commit(ALICE, BTC, UNIT);
			assert_ok!(cancel_all(ALICE, None));
			assert_eq!([profit, loss].map(order), [None, None]);
			assert!(order(queued).is_some());
			assert_eq!(cash(ALICE), before);
			let nothing = Err(Error::<Test>::NothingToCancel.into());
			assert_eq!(cancel_all(ALICE, None), nothing);
			Now::mutate(|now| *now += LOCK_MS as Moment);
			assert_ok!(cancel_all(ALICE, None));
			// In the queue it costs its fee, as by a cancel of its own.
			assert_eq!(cash(ALICE), before - ORDER_FEE as i128);
			assert_ok!(Perpetuals::do_try_state());
		});
	}

	#[test]
	fn is_closed_market_by_market() {
		ExtBuilder.build_and_execute(|| {
			let close = |who| {
				frame_support::storage::with_storage_layer(|| {
					Perpetuals::close_all(RuntimeOrigin::signed(who), 0, HOUR)
						.map(|_| ())
						.map_err(|error| error.error)
				})
			};
			assert_eq!(close(ALICE), Err(Error::<Test>::NothingToReduce.into()));
			for _ in 0..2 {
				trade(ALICE, BTC, 40 * UNIT);
			}
			trade(ALICE, ETH, -UNIT);
			assert_ok!(close(ALICE));
			ticks();
			assert_eq!(
				(position(ALICE, BTC).size, position(ALICE, ETH).size),
				(30 * UNIT, 0)
			);
			tick();
			assert_eq!(position(ALICE, BTC).size, 0);
			assert!(MAX_SIZE > 0 && order(next_order() - 1).is_none());
			assert_ok!(Perpetuals::do_try_state());
		});
	}
}
