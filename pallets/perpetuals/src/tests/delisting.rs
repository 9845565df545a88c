//! The beginning and the end of a market.

use frame_support::{assert_noop, assert_ok};
use keel_math::FixedU128;
use keel_primitives::{PoolExposure, Positions, PriceFor};
use sp_runtime::DispatchError;

use crate::{mock::*, Error, Event, Markets, Status, Trigger, When, AVERAGE_MS, NOTICE_MS};

fn delist(id: u32, at: u64) {
	assert_ok!(Perpetuals::delist(RuntimeOrigin::root(), id, at));
}

fn pay_out(who: crate::mock::AccountId, id: u32) -> sp_runtime::DispatchResult {
	Perpetuals::pay_out(RuntimeOrigin::signed(DAVE), account(who), id)
}

/// Let the notice pass; the prices are then those of the last block.
fn settle(id: u32) {
	delist(id, Now::get() + NOTICE_MS);
	Now::mutate(|now| *now += NOTICE_MS);
	tick();
}

mod list {
	use super::*;

	#[test]
	fn needs_origin_parameters_and_a_price() {
		ExtBuilder.build_and_execute(|| {
			let list = |id, feed| Perpetuals::list_market(RuntimeOrigin::root(), id, feed);
			assert_noop!(
				Perpetuals::list_market(RuntimeOrigin::signed(ALICE), 5, 1),
				DispatchError::BadOrigin
			);
			assert_noop!(list(5, 9), Error::<Test>::NoPrice);
			assert_noop!(list(5, 1), DispatchError::Other("no parameters"));
			Numbers::mutate(|all| all.insert(5, numbers(50_000)));
			set_numbers(5, |numbers| numbers.skew_scale = 0);
			assert_noop!(list(5, 1), Error::<Test>::NoSkewScale);
			set_numbers(5, |numbers| numbers.skew_scale = 1_000_000_000_000);
			assert_noop!(list(BTC, 1), Error::<Test>::MarketExists);
			assert_ok!(list(5, 1));
			assert_eq!(events().last(), Some(&Event::MarketListed { market: 5, feed: 1 }));
			trade(ALICE, 5, UNIT);
			Numbers::mutate(|all| {
				all.insert(6, numbers(50_000));
				all.insert(7, numbers(50_000))
			});
			assert_ok!(list(6, 1));
			assert_noop!(list(7, 1), Error::<Test>::TooManyMarkets);
			assert_eq!(Perpetuals::markets(), [1, 2, 3, 4, 5, 6]);
		});
	}
}

#[test]
fn a_market_is_announced_ahead_and_may_be_moved() {
	ExtBuilder.build_and_execute(|| {
		let now = Now::get();
		let call = |id, at| Perpetuals::delist(RuntimeOrigin::root(), id, at);
		assert_noop!(
			Perpetuals::delist(RuntimeOrigin::signed(ALICE), BTC, now + NOTICE_MS),
			DispatchError::BadOrigin
		);
		assert_noop!(call(BTC, now + NOTICE_MS - 1), Error::<Test>::NoticeTooShort);
		assert_noop!(call(9, now + NOTICE_MS), Error::<Test>::UnknownMarket);
		delist(BTC, now + NOTICE_MS);
		delist(BTC, now + 2 * NOTICE_MS);
		assert_eq!(
			market(BTC).status,
			Status::Closing {
				settle_at: now + 2 * NOTICE_MS
			}
		);
	});
}

#[test]
fn a_closing_market_only_shrinks() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, UNIT);
		let opens = commit(BOB, BTC, UNIT);
		delist(BTC, Now::get() + NOTICE_MS);
		assert_eq!(
			try_commit(BOB, BTC, UNIT, Terms::default()),
			Err(Error::<Test>::MarketClosing.into())
		);
		let reduces = commit_reduce(ALICE, BTC, -UNIT / 2);
		ticks();
		assert_eq!(failed(opens), Some(Error::<Test>::MarketClosing.into()));
		assert_eq!(filled(reduces).position, UNIT / 2);
	});
}

/// Kind: who trades while a part of the settlement price is known trades against who set it.
///
/// With four of five minutes past, four fifths of the average are known and orders filled at the index of
/// now.
#[test]
fn nothing_trades_within_the_average_it_is_settled_at() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| numbers.liquidation_limit = ratio(1, 1));
		trade(BOB, BTC, UNIT);
		trade(ALICE, BTC, 40 * UNIT);
		leave(ALICE, 84_500 * USD);
		let end = Now::get() + NOTICE_MS;
		delist(BTC, end);
		Now::set(end - AVERAGE_MS - 2 * BLOCK);
		tick();
		let before = cash(BOB);
		let queued = commit_reduce(BOB, BTC, -UNIT / 2);
		tick();
		assert_eq!(Now::get(), end - AVERAGE_MS);
		let stopped: DispatchError = Error::<Test>::MarketStopped.into();
		let reduces = Terms {
			reduce_only: true,
			limit: Some(dollars(1)),
			..Default::default()
		};
		assert_noop!(try_commit(BOB, BTC, -UNIT, reduces), stopped);
		assert_noop!(fill_now(BOB, BTC, -UNIT), stopped);
		let half = sp_runtime::Permill::from_percent(50);
		assert_noop!(reduce(account(BOB), half, 0), Error::<Test>::PriceRefused);
		let preview = crate::mock::preview(
			BOB,
			BTC,
			-UNIT,
			Terms {
				reduce_only: true,
				..Default::default()
			},
		);
		assert_eq!(preview.err(), Some(stopped));
		ticks();
		assert!(order(queued).is_some() && failed(queued).is_none());
		// But who has to be liquidated is, and other markets trade.
		move_to(BTC, dollars(49_000));
		assert!(liquidate(ALICE, BTC).is_ok());
		trade(CAROL, ETH, UNIT);
		// A stop of the chain puts the end off, and with it this.
		<Perpetuals as keel_primitives::OnGap>::on_gap(2 * AVERAGE_MS);
		frame_support::hypothetically!({
			tick();
			assert_eq!(filled(queued).position, UNIT / 2);
		});
		Now::set(end + 2 * AVERAGE_MS);
		tick();
		assert!(market(BTC).is_settled());
		let gain = exposures(account(BOB))[0].unrealised;
		assert_ok!(pay_out(BOB, BTC));
		assert_eq!(cash(BOB), before + gain);
	});
}

#[test]
fn everybody_is_paid_out_at_the_average() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 40 * UNIT);
		trade(BOB, BTC, -10 * UNIT);
		let waits = Terms {
			trigger: Some(Trigger {
				price: dollars(90_000),
				when: When::Above,
				trail: None,
			}),
			..Default::default()
		};
		try_commit(ALICE, BTC, UNIT, waits).unwrap();
		let carols = try_commit(CAROL, BTC, UNIT, waits).unwrap();
		delist(BTC, Now::get() + NOTICE_MS);
		assert_noop!(pay_out(ALICE, BTC), Error::<Test>::NotSettled);
		Now::mutate(|now| *now += NOTICE_MS);
		set_price(BTC, dollars(52_000));
		PriceTable::mutate(|table| table.get_mut(&BTC).unwrap().twap = dollars(51_000));
		block_after(BLOCK);
		let price = dollars(51_000);
		assert_eq!(market(BTC).status, Status::Settled { price });
		assert!(events().contains(&Event::MarketSettled { market: BTC, price }));

		// No premium, nothing required, nothing drifts.
		let exposure = exposures(account(ALICE))[0];
		assert_eq!(
			(exposure.mark, exposure.initial, exposure.maintenance),
			(price, 0, 0)
		);
		assert_eq!((exposure.drift_per_hour, exposure.funding_per_hour), (0, 0));
		assert_eq!(Perpetuals::worst_case(), 0);
		let owed = Perpetuals::owed().unwrap();
		let unrealised: i128 = [ALICE, BOB]
			.iter()
			.map(|who| exposures(account(*who))[0].unrealised)
			.sum();
		assert!((0..=2).contains(&(owed - unrealised)));
		// Who is in has triggers there until looked at again, at the price it was settled at.
		assert_eq!(<Perpetuals as Positions>::markets(), MARKETS);
		assert_eq!(mark_of(BTC), Ok(price));
		assert!(!Perpetuals::uses_feed(BTC) && Perpetuals::uses_feed(ETH));
		// A liquidation pays out too, and the question says so.
		let asked = can_liquidate(account(ALICE), BTC, risk(account(ALICE)), 0).unwrap();
		frame_support::hypothetically!({
			let before = cash(ALICE);
			assert_eq!(liquidate(ALICE, BTC), Ok(asked));
			assert_eq!((asked.notional, asked.fee), (40 * 51_000 * USD, 0));
			assert_eq!(cash(ALICE), before + exposure.unrealised);
			assert_eq!(position(ALICE, BTC).size, 0);
			assert_noop!(liquidate(ALICE, BTC), Error::<Test>::NoPosition);
		});
		// Not in a block that did not bring the state up to date: what the pool can't pay is not known.
		frame_support::hypothetically!({
			Now::mutate(|now| *now += BLOCK);
			assert_noop!(liquidate(ALICE, BTC), Error::<Test>::PriceRefused);
			let asked = can_liquidate(account(ALICE), BTC, risk(account(ALICE)), 0);
			assert_eq!(asked, Err(Error::<Test>::PriceRefused.into()));
		});
		assert_noop!(fill_now(ALICE, BTC, -UNIT), Error::<Test>::MarketSettled);
		assert_eq!(
			try_commit(CAROL, BTC, UNIT, Terms::default()),
			Err(Error::<Test>::MarketSettled.into())
		);

		// What funding there was stays what it was.
		let carry = market(BTC).carry;
		tick();
		assert_eq!(market(BTC).carry, carry);
		let before = cash(ALICE);
		assert_ok!(pay_out(ALICE, BTC));
		assert_eq!(cash(ALICE), before + exposure.unrealised);
		assert_noop!(pay_out(ALICE, BTC), Error::<Test>::NothingToPayOut);
		assert_noop!(
			Perpetuals::remove(RuntimeOrigin::root(), BTC),
			Error::<Test>::MarketInUse
		);
		assert_ok!(pay_out(BOB, BTC));
		// An order alone keeps it, and anybody may cancel it.
		assert_noop!(
			Perpetuals::remove(RuntimeOrigin::root(), BTC),
			Error::<Test>::MarketInUse
		);
		assert_ok!(cancel(BOB, carols));
		assert_eq!(cash(CAROL), PURSE as i128);
		let (pots, due) = (
			market(BTC).rebates + market(BTC).tranche,
			Markets::<Test>::get().fund_due,
		);
		assert!(pots > 0);
		assert_ok!(Perpetuals::remove(RuntimeOrigin::root(), BTC));
		assert_eq!(Markets::<Test>::get().fund_due, due + pots);
		assert!(Markets::<Test>::get().market(BTC).is_none());
		assert_eq!(<Perpetuals as Positions>::markets(), [ETH, DOT, SOL]);
		assert_eq!(events().last(), Some(&Event::MarketRemoved { market: BTC, pots }));
	});
}

#[test]
fn without_a_fit_price_it_is_settled_at_the_last_one() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, UNIT);
		delist(BTC, Now::get() + NOTICE_MS);
		RefusedFor::set(vec![PriceFor::ReduceRisk]);
		PriceTable::mutate(|table| table.get_mut(&BTC).unwrap().twap = dollars(1));
		block_after(NOTICE_MS);
		assert_eq!(
			market(BTC).status,
			Status::Settled {
				price: dollars(50_000)
			}
		);
		assert_noop!(
			Perpetuals::delist(RuntimeOrigin::root(), BTC, Now::get() + NOTICE_MS),
			Error::<Test>::MarketSettled
		);
	});
}

/// Kind: a notice that runs by the wall clock is over before anybody could act on it.
///
/// A stop longer than the notice settled the market in the first block after it, at the price of before.
#[test]
fn a_stop_does_not_count_as_notice() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, UNIT);
		let end = Now::get() + NOTICE_MS;
		delist(BTC, end);
		let stop = 24 * HOUR;
		assert!(<Perpetuals as keel_primitives::OnGap>::on_gap(stop).any_gt(Default::default()));
		block_after(24 * HOUR);
		assert_eq!(
			market(BTC).status,
			Status::Closing {
				settle_at: end + stop
			}
		);
		set_price(BTC, dollars(50_000));
		block_after(NOTICE_MS - 1);
		assert!(!market(BTC).is_settled());
		block_after(1);
		assert!(market(BTC).is_settled());
		assert_eq!(market(ETH).status, Status::Open);
	});
}

#[test]
fn an_order_in_the_queue_of_a_settled_market_gets_its_fee_back() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, UNIT);
		RefusedFor::set(vec![PriceFor::ReduceRisk, PriceFor::AddRisk]);
		delist(BTC, Now::get() + NOTICE_MS);
		Now::mutate(|now| *now += NOTICE_MS - AVERAGE_MS - BLOCK);
		let before = cash(ALICE);
		let id = commit_reduce(ALICE, BTC, -UNIT);
		block_after(AVERAGE_MS + BLOCK);
		assert!(market(BTC).is_settled() && order(id).is_some());
		tick();
		assert!(order(id).is_some());
		assert_ok!(cancel(BOB, id));
		assert_eq!(cash(ALICE), before);
	});
}

#[test]
fn only_a_settled_market_without_anybody_is_removed() {
	ExtBuilder.build_and_execute(|| {
		assert_noop!(
			Perpetuals::remove(RuntimeOrigin::root(), 9),
			Error::<Test>::UnknownMarket
		);
		assert_noop!(
			Perpetuals::remove(RuntimeOrigin::root(), BTC),
			Error::<Test>::NotSettled
		);
		assert_noop!(
			Perpetuals::remove(RuntimeOrigin::signed(ALICE), BTC),
			DispatchError::BadOrigin
		);
		settle(BTC);
		assert_ok!(Perpetuals::remove(RuntimeOrigin::root(), BTC));
		// A number is never given twice.
		assert_noop!(
			Perpetuals::list_market(RuntimeOrigin::root(), BTC, BTC),
			Error::<Test>::MarketExists
		);
	});
}

#[test]
fn a_market_of_the_genesis_waits_for_its_first_price() {
	ExtBuilder.build_and_execute(|| {
		Numbers::mutate(|all| all.insert(5, numbers(50_000)));
		assert_ok!(crate::Pallet::<Test>::do_list(5, 50));
		tick();
		assert_eq!(
			try_commit(ALICE, 5, UNIT, Terms::default()),
			Err(Error::<Test>::NoPrice.into())
		);
		assert_eq!(market(5).mark(), FixedU128::default());
		set_price(50, dollars(50_000));
		tick();
		trade(ALICE, 5, UNIT);
	});
}
