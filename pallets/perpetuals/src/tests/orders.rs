//! Orders: committed, queued, filled or failed, cancelled.

use frame_support::{
	assert_noop, assert_ok,
	traits::Hooks,
	weights::{Weight, WeightMeter},
};
use keel_primitives::{BreakerSubject, Level, MarginAccounts};
use sp_runtime::DispatchError;

use crate::{
	mock::*, Error, Event, Markets, Queue, Trigger, WeightInfo, When, LOCK_MS, MAX_LIFE_MS, MAX_SIZE,
};

/// An error of a mock: an event keeps no words.
const LOST: DispatchError = DispatchError::Other("");

mod commit {
	use super::*;

	#[test]
	fn holds_the_fee_and_waits_for_a_price() {
		ExtBuilder.build_and_execute(|| {
			let id = commit(ALICE, BTC, UNIT);
			assert_eq!(cash(ALICE), PURSE as i128);
			let order = order(id).unwrap();
			assert_eq!((order.size, order.fee), (UNIT, ORDER_FEE));
			assert_eq!(held(account(ALICE)), order.margin + ORDER_FEE);
			assert_eq!(queued_at(id), Some(Now::get()));
			assert_eq!(Perpetuals::orders(account(ALICE)), vec![order]);
			assert!(events().iter().any(|event| matches!(
				event,
				Event::OrderCommitted { order, terms, .. } if *order == id && terms.size == UNIT
			)));
		});
	}

	#[test]
	fn fills_at_the_first_price_made_after_it() {
		ExtBuilder.build_and_execute(|| {
			let id = commit(ALICE, BTC, UNIT);
			// Made in the block of the commitment: it could be seen coming.
			move_to(BTC, dollars(40_000));
			assert!(order(id).is_some());
			assert_eq!(market(BTC).price.at, order(id).unwrap().committed_at);
			move_to(BTC, dollars(60_000));
			let fill = filled(id);
			// 60 000·(1 + 0.5/10 000).
			assert_eq!(fill.price, dollars(60_003));
			assert_eq!(position(ALICE, BTC).size, UNIT);
			assert_eq!((order(id), held(account(ALICE))), (None, 0));
			// Not the order's fee beside it; the taker fee is a thousandth.
			assert_eq!(fill.fee, 60_003_000);
			assert_eq!(cash(ALICE), PURSE as i128 - 60_003_000);
			assert_eq!(
				LastAct::get(),
				Some((account(ALICE), keel_primitives::Act::Opened))
			);
		});
	}

	#[test]
	fn fails_with_numbers_no_order_can_have() {
		ExtBuilder.build_and_execute(|| {
			let refused = |size, life| {
				let terms = Terms {
					life: Some(life),
					..Default::default()
				};
				try_commit(ALICE, BTC, size, terms).unwrap_err()
			};
			assert_eq!(refused(0, HOUR), Error::<Test>::ZeroSize.into());
			assert_eq!(refused(UNIT, 0), Error::<Test>::OutOfRange.into());
			assert_eq!(refused(UNIT, MAX_LIFE_MS + 1), Error::<Test>::OutOfRange.into());
			assert_eq!(
				refused(MAX_SIZE as i128 + 1, HOUR),
				Error::<Test>::OutOfRange.into()
			);
			assert_eq!(refused(i128::MIN, HOUR), Error::<Test>::OutOfRange.into());
			assert_eq!(
				refused(MAX_SIZE as i128, HOUR),
				Error::<Test>::NotEnoughMargin.into()
			);
			// 10 kUSD are 0.0002 BTC.
			assert_eq!(refused(19_999, HOUR), Error::<Test>::OrderTooSmall.into());
			assert_ok!(try_commit(ALICE, BTC, 20_000, Terms::default()));
			assert_ok!(try_commit(ALICE, BTC, 50 * UNIT, Terms::default()));
		});
	}

	/// What an order needs is there when it is committed and stays there: nobody lets it fail, or fill, with the price in sight.
	#[test]
	fn holds_the_margin_it_needs() {
		ExtBuilder.build_and_execute(|| {
			let held = || crate::mock::held(account(ALICE));
			// Two BTC at a mark of 50 010, a twentieth of it; a thousandth of what they cost.
			let needs = 5_001 * USD + 100 * USD + USD / 100;
			leave(ALICE, needs - 1);
			let short = Err(Error::<Test>::NotEnoughMargin.into());
			assert_eq!(try_commit(ALICE, BTC, 2 * UNIT, Terms::default()), short);
			deposit(account(ALICE), 1);
			let id = commit(ALICE, BTC, 2 * UNIT);
			assert_eq!(held(), needs);
			// Nothing is left for another one, in any market, waiting or not; nor for a preview.
			let waits = Terms {
				trigger: Some(Trigger {
					price: dollars(4_000),
					when: When::Above,
					trail: None,
				}),
				..Default::default()
			};
			assert_eq!(try_commit(ALICE, ETH, UNIT, Terms::default()), short);
			assert_eq!(try_commit(ALICE, ETH, UNIT, waits), short);
			let preview = crate::mock::preview(ALICE, ETH, UNIT, Terms::default());
			assert_eq!(
				preview.map(|p| p.fill),
				Err(Error::<Test>::NotEnoughMargin.into())
			);
			deposit(account(ALICE), 1_000 * USD);
			let waiting = try_commit(ALICE, ETH, UNIT, waits).unwrap();
			let for_it = held() - needs;
			assert!(for_it > 125 * USD && for_it < 130 * USD, "{for_it}");
			// What is filled holds nothing, what only closes needs nothing.
			ticks();
			assert_eq!((filled(id).position, held()), (2 * UNIT, for_it));
			assert_ok!(cancel(ALICE, waiting));
			deposit(account(ALICE), 5_000 * USD);
			let closes = commit(ALICE, BTC, -2 * UNIT);
			assert_eq!(held(), ORDER_FEE);
			// Once that is filled, this opens.
			let opens = commit(ALICE, BTC, -UNIT);
			assert!(held() > 2_500 * USD && held() < 2_600 * USD, "{}", held());
			ticks();
			assert_eq!((filled(closes).position, filled(opens).position), (0, -UNIT));
			assert_eq!(held(), 0);
			// What turns a position over needs what the new one needs beyond the old one, here nothing, and the fees of what it opens.
			commit(ALICE, BTC, 2 * UNIT);
			assert!(held() > 50 * USD && held() < 70 * USD, "{}", held());
			commit(ALICE, BTC, UNIT);
			assert!(held() > 2_550 * USD && held() < 2_670 * USD, "{}", held());
			ticks();
			assert_eq!(position(ALICE, BTC).size, 2 * UNIT);
		});
	}

	/// Kind: what is held for an order keeps an account from giving risk back.
	#[test]
	fn lets_who_is_short_of_margin_reduce_with_every_order() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			trade(ALICE, ETH, UNIT);
			// What it is worth pays the fees, and nothing else.
			leave(ALICE, 1_000 * USD);
			let reduces = Terms {
				reduce_only: true,
				..Default::default()
			};
			let stop = |price, when| Terms {
				trigger: Some(Trigger {
					price: dollars(price),
					when,
					trail: None,
				}),
				..reduces
			};
			let [profit, loss] = [
				stop(60_000, When::Above).of(BTC, -UNIT),
				stop(40_000, When::Below).of(BTC, -UNIT),
			];
			assert_ok!(Perpetuals::commit_pair(
				RuntimeOrigin::signed(ALICE),
				0,
				profit,
				loss
			));
			assert_ok!(try_commit(ALICE, ETH, -UNIT, reduces));
			assert_ok!(Perpetuals::close_all(RuntimeOrigin::signed(ALICE), 0, 600_000));
			assert_eq!(held(account(ALICE)), 5 * ORDER_FEE);
			let short = Err(Error::<Test>::NotEnoughMargin.into());
			assert_eq!(try_commit(ALICE, ETH, UNIT, Terms::default()), short);
			deposit(account(ALICE), 10_000 * USD);
		});
	}

	/// Kind: fees of later orders, small as they are, come out of what an earlier one holds, and it fails
	/// with the price in sight.
	#[test]
	fn takes_no_fee_from_what_is_held_for_others() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, ETH, 4 * UNIT);
			let opening = commit(ALICE, BTC, 2 * UNIT);
			let free = || {
				MockAccounts::risk(&MockAccounts::load(account(ALICE)).unwrap())
					.unwrap()
					.free()
			};
			withdraw(account(ALICE), free() as u128);
			let short = Err(Error::<Test>::NotEnoughMargin.into());
			let reduces = Terms {
				reduce_only: true,
				..Default::default()
			};
			assert_eq!(try_commit(ALICE, ETH, -UNIT, reduces), short);
			assert_eq!(try_commit(ALICE, ETH, -UNIT, Terms::default()), short);
			// What is beside it pays for one.
			deposit(account(ALICE), 2 * ORDER_FEE - 1);
			assert_ok!(try_commit(ALICE, ETH, -UNIT, reduces));
			assert_eq!(try_commit(ALICE, ETH, -UNIT, reduces), short);
			assert_eq!(try_commit(ALICE, ETH, -UNIT, Terms::default()), short);
			ticks();
			assert_eq!(filled(opening).position, 2 * UNIT);
			// Nothing is held any more. Now it may reduce, whatever it is worth.
			leave(ALICE, ORDER_FEE);
			assert!(free() < 0);
			assert_ok!(try_commit(ALICE, ETH, -UNIT, reduces));
		});
	}

	#[test]
	fn fails_if_it_is_to_fill_as_a_whole_and_is_more_than_a_step() {
		ExtBuilder.build_and_execute(|| {
			let limited = Terms {
				limit: Some(dollars(60_000)),
				..Default::default()
			};
			// The step of half a percent of 10 000 BTC is 50.
			assert_ok!(try_commit(ALICE, BTC, 50 * UNIT, limited));
			let too_large = Err(Error::<Test>::OrderTooLarge.into());
			assert_eq!(try_commit(BOB, BTC, 51 * UNIT, limited), too_large);
			for other in [
				Terms::default(),
				Terms {
					resting: true,
					..limited
				},
			] {
				assert_ok!(try_commit(BOB, BTC, 51 * UNIT, other));
			}
			let without = Terms {
				resting: true,
				..Default::default()
			};
			assert_eq!(
				try_commit(BOB, BTC, UNIT, without),
				Err(Error::<Test>::LimitNeeded.into())
			);
		});
	}

	#[test]
	fn fails_for_who_or_what_is_unknown() {
		ExtBuilder.build_and_execute(|| {
			let terms = Terms::default();
			assert_eq!(
				try_commit(9, BTC, UNIT, terms),
				Err(Error::<Test>::UnknownAccount.into())
			);
			assert_eq!(
				try_commit(ALICE, 9, UNIT, terms),
				Err(Error::<Test>::UnknownMarket.into())
			);
		});
	}

	#[test]
	fn fails_to_reduce_what_is_not_there() {
		ExtBuilder.build_and_execute(|| {
			let reduce = Terms {
				reduce_only: true,
				..Default::default()
			};
			let nothing = Err(Error::<Test>::NothingToReduce.into());
			assert_eq!(try_commit(ALICE, BTC, -UNIT, reduce), nothing);
			trade(ALICE, BTC, UNIT);
			assert_eq!(try_commit(ALICE, BTC, UNIT, reduce), nothing);
			assert_ok!(try_commit(ALICE, BTC, -1, reduce));
		});
	}

	#[test]
	fn fails_without_margin_unless_it_reduces() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, 10 * UNIT);
			leave(ALICE, 20_000 * USD);
			assert_eq!(
				try_commit(ALICE, BTC, UNIT, Terms::default()),
				Err(Error::<Test>::NotEnoughMargin.into())
			);
			commit_reduce(ALICE, BTC, -UNIT);
		});
	}

	#[test]
	fn fails_beyond_the_orders_an_account_may_have() {
		ExtBuilder.build_and_execute(|| {
			for _ in 0..6 {
				commit(ALICE, BTC, UNIT);
			}
			assert_eq!(
				try_commit(ALICE, BTC, UNIT, Terms::default()),
				Err(Error::<Test>::TooManyOrders.into())
			);
			commit(BOB, BTC, UNIT);
		});
	}

	#[test]
	fn asks_the_breaker_to_open_at_once_and_not_to_reduce() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			raise(BreakerSubject::Market(BTC), Level::ReduceOnly);
			assert_eq!(
				try_commit(ALICE, BTC, UNIT, Terms::default()),
				Err(DispatchError::Other("breaker raised"))
			);
			let id = commit_reduce(ALICE, BTC, -UNIT);
			ticks();
			assert_eq!(filled(id).position, 0);
		});
	}

	#[test]
	fn fails_before_there_is_a_price() {
		ExtBuilder.build_and_execute(|| {
			change_market(BTC, |market| market.price = Default::default());
			assert_eq!(
				try_commit(ALICE, BTC, UNIT, Terms::default()),
				Err(Error::<Test>::NoPrice.into())
			);
		});
	}
}

mod queue {
	use super::*;

	#[test]
	fn is_first_come_first_served() {
		ExtBuilder.build_and_execute(|| {
			let ids = ALL.map(|who| commit(who, BTC, UNIT));
			ticks();
			let prices = ids.map(|id| filled(id).price);
			// Each pays for those before it.
			assert!(prices.windows(2).all(|pair| pair[0] < pair[1]), "{prices:?}");
		});
	}

	#[test]
	fn is_bounded_by_orders_and_every_market_has_its_turn() {
		ExtBuilder.build_and_execute(|| {
			set_chain(|chain| chain.orders_per_block = 1);
			let btc = [commit(ALICE, BTC, UNIT), commit(ALICE, BTC, UNIT)];
			let eth = [commit(BOB, ETH, UNIT), commit(BOB, ETH, UNIT)];
			let open = || btc.iter().chain(&eth).filter(|id| order(**id).is_some()).count();
			tick();
			// Four markets take turns; the two that have orders come first, or next, in every second block at least.
			let mut left = vec![open()];
			for _ in 0..4 {
				tick();
				left.push(open());
			}
			assert_eq!(left, [4, 3, 2, 1, 0]);
			let filled_in_order = btc.iter().chain(&eth).all(|id| failed(*id).is_none());
			assert!(filled_in_order);
		});
	}

	#[test]
	fn does_nothing_without_weight_for_the_book() {
		ExtBuilder.build_and_execute(|| {
			let id = commit(ALICE, BTC, UNIT);
			tick();
			set_price(BTC, dollars(50_000));
			let before = Markets::<Test>::get();
			Now::mutate(|now| *now += BLOCK);
			let mut meter = WeightMeter::with_limit(
				<() as WeightInfo>::refresh(4).saturating_sub(Weight::from_parts(1, 0)),
			);
			Perpetuals::on_poll(9, &mut meter);
			assert_eq!(
				(Markets::<Test>::get(), meter.consumed()),
				(before, Default::default())
			);
			// Nothing in the state is good for anything then.
			assert!(Perpetuals::state()
				.markets
				.iter()
				.all(|market| market.fit == Default::default()));
			assert_eq!(mark_of(BTC), Err(Error::<Test>::PriceRefused.into()));
			// Weight for the state and no order.
			let mut meter = WeightMeter::with_limit(<() as WeightInfo>::refresh(4));
			Perpetuals::on_poll(9, &mut meter);
			assert_eq!(market(BTC).at, Now::get());
			assert!(order(id).is_some());
		});
	}

	#[test]
	fn goes_as_far_as_the_weight_does() {
		ExtBuilder.build_and_execute(|| {
			let ids = [
				commit(ALICE, BTC, UNIT),
				commit(BOB, BTC, UNIT),
				commit(CAROL, BTC, UNIT),
			];
			tick();
			set_price(BTC, dollars(50_000));
			Now::mutate(|now| *now += BLOCK);
			// The state, the heads of all queues, and two orders: no more than that is used.
			let first = <() as WeightInfo>::fill_orders(0);
			let each = <() as WeightInfo>::fill_orders(1) - first;
			let reads = <Test as frame_system::Config>::DbWeight::get().reads(3 + 4 * 6 + 6 * 2);
			let limit = <() as WeightInfo>::refresh(4) + first + each * 2 + reads;
			let mut meter = WeightMeter::with_limit(limit);
			Perpetuals::on_poll(9, &mut meter);
			assert!(meter.consumed().all_lte(limit));
			assert_eq!(ids.map(|id| order(id).is_some()), [false, false, true]);
		});
	}

	/// Kind: more accounts act than are looked at, and new positions are where no price finds them.
	#[test]
	fn opens_nothing_while_accounts_wait_to_be_looked_at() {
		ExtBuilder.build_and_execute(|| {
			trade(BOB, BTC, UNIT);
			let (opens, reduces) = (commit(ALICE, BTC, UNIT), commit_reduce(BOB, BTC, -UNIT));
			Behind::set(true);
			ticks();
			ticks();
			assert!(order(opens).is_some());
			assert_eq!(filled(reduces).position, 0);
			Behind::set(false);
			tick();
			assert_eq!(filled(opens).position, UNIT);
		});
	}

	/// Kind: work before transactions that leaves nothing for what comes after them.
	#[test]
	fn takes_no_more_than_its_part_of_a_block() {
		ExtBuilder.build_and_execute(|| {
			set_chain(|chain| chain.orders_per_block = 100_000);
			for sub in 0..200 {
				deposit(account_of(ALICE, sub), 10_000 * USD);
				for _ in 0..6 {
					let new = Terms::default().of(BTC, UNIT / 1_000);
					assert_ok!(Perpetuals::commit_order(RuntimeOrigin::signed(ALICE), sub, new));
				}
			}
			tick();
			set_price(BTC, dollars(50_000));
			Now::mutate(|now| *now += BLOCK);
			let mut meter = WeightMeter::new();
			Perpetuals::on_poll(9, &mut meter);
			let block = <<Test as frame_system::Config>::BlockWeights as frame_support::traits::Get<
				frame_system::limits::BlockWeights,
			>>::get()
			.max_block;
			assert!(meter.consumed().all_lte(block / keel_primitives::MARKETS_PART));
			let left = Queue::<Test>::iter_keys().count();
			assert!(left > 0 && left < 1_200, "{left}");
		});
	}

	#[test]
	fn forgets_what_is_no_order() {
		ExtBuilder.build_and_execute(|| {
			Queue::<Test>::insert(BTC, 77u64.to_be_bytes(), (account(ALICE), 77));
			Queue::<Test>::insert(BTC, 78u64.to_be_bytes(), (7_777, 78));
			let id = commit(ALICE, BTC, UNIT);
			ticks();
			assert_eq!(filled(id).position, UNIT);
			assert_eq!(Queue::<Test>::iter_keys().count(), 0);
		});
	}

	#[test]
	fn an_expired_order_costs_its_fee() {
		ExtBuilder.build_and_execute(|| {
			let terms = Terms {
				life: Some(BLOCK),
				..Default::default()
			};
			let pool = PoolCash::get();
			let id = try_commit(ALICE, BTC, UNIT, terms).unwrap();
			ticks();
			assert_eq!(failed(id), Some(Error::<Test>::Expired.into()));
			assert_eq!(cash(ALICE), (PURSE - ORDER_FEE) as i128);
			// A fifth for rebates; of the rest all is the fund's while it has nothing.
			assert_eq!(market(BTC).rebates, ORDER_FEE / 5);
			assert_eq!(market(BTC).tranche, ORDER_FEE - ORDER_FEE / 5);
			assert_eq!(PoolCash::get(), pool);
		});
	}
}

mod cancel {
	use super::*;
	use crate::{Trigger, When};

	fn stop() -> Terms {
		Terms {
			trigger: Some(Trigger {
				price: dollars(60_000),
				when: When::Above,
				trail: None,
			}),
			..Default::default()
		}
	}

	#[test]
	fn is_no_option_on_the_coming_price() {
		ExtBuilder.build_and_execute(|| {
			let id = commit(ALICE, BTC, UNIT);
			assert_noop!(cancel(ALICE, id), Error::<Test>::TooEarlyToCancel);
			// Without a price to fill at.
			block_after(LOCK_MS - 1);
			assert_noop!(cancel(ALICE, id), Error::<Test>::TooEarlyToCancel);
			block_after(1);
			assert_ok!(cancel(ALICE, id));
			// Even then it costs the fee.
			assert_eq!(cash(ALICE), (PURSE - ORDER_FEE) as i128);
			assert_noop!(cancel(ALICE, id), Error::<Test>::UnknownOrder);
		});
	}

	#[test]
	fn returns_the_fee_of_what_waits_for_its_trigger() {
		ExtBuilder.build_and_execute(|| {
			let id = try_commit(ALICE, BTC, UNIT, stop()).unwrap();
			assert_noop!(cancel(BOB, id), Error::<Test>::NotOwner);
			assert_ok!(cancel(ALICE, id));
			assert_eq!(cash(ALICE), PURSE as i128);
			assert_eq!(
				events().last(),
				Some(&Event::OrderCancelled {
					order: id,
					account: account(ALICE),
					market: BTC,
					fee: 0
				})
			);
		});
	}

	#[test]
	fn an_expired_order_is_anyones() {
		ExtBuilder.build_and_execute(|| {
			let waits = try_commit(ALICE, BTC, UNIT, stop()).unwrap();
			let queued = commit(ALICE, BTC, UNIT);
			block_after(HOUR);
			assert_ok!(cancel(BOB, waits));
			assert_ok!(cancel(BOB, queued));
			// The fee of the one that only waited.
			assert_eq!(cash(ALICE), (PURSE - ORDER_FEE) as i128);
		});
	}

	#[test]
	fn all_of_an_account_return_their_fees() {
		ExtBuilder.build_and_execute(|| {
			try_commit(ALICE, BTC, UNIT, stop()).unwrap();
			commit(ALICE, ETH, UNIT);
			assert_ok!(cancel_orders(account(ALICE)));
			assert_eq!(cash(ALICE), PURSE as i128);
			assert!(Perpetuals::orders(account(ALICE)).is_empty());
			assert_eq!(held(account(ALICE)), 0);
		});
	}
}

#[test]
fn an_order_whose_account_is_gone_costs_its_fee() {
	ExtBuilder.build_and_execute(|| {
		let id = commit(ALICE, BTC, UNIT);
		tick();
		AccountsFail::set(true);
		tick();
		AccountsFail::set(false);
		assert_eq!(failed(id), Some(LOST));
		assert_eq!(position(ALICE, BTC).size, 0);
	});
}

#[test]
fn without_parameters_the_fee_of_a_failed_order_is_the_funds() {
	ExtBuilder.build_and_execute(|| {
		let id = commit(ALICE, BTC, UNIT);
		Numbers::mutate(|all| all.remove(&BTC));
		ticks();
		assert_eq!(failed(id), Some(LOST));
		assert_eq!(Markets::<Test>::get().fund_due, ORDER_FEE);
	});
}
