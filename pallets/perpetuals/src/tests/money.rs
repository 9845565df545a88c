//! Where every unit goes: fees, rebates, funding, what the fund is due.

use keel_math::{perpetual, FixedU128, Rounding};

use crate::{mock::*, Event, Markets};

#[test]
fn a_taker_fee_is_split_between_rebates_tranche_fund_and_pool() {
	ExtBuilder.build_and_execute(|| {
		let pool = PoolCash::get();
		// Nothing held and nothing needed: all is the fund's.
		let fill = trade(ALICE, BTC, 40 * UNIT);
		// A thousandth of 40·50 100.
		assert_eq!(fill.fee, 2_004 * USD as i128);
		let market = market(BTC);
		assert_eq!(market.rebates, 2_004 * USD / 5);
		// The tranche takes up to its target, the fund is due the rest.
		assert_eq!(market.tranche, 1_000 * USD);
		assert_eq!(Markets::<Test>::get().fund_due, 2_004 * USD * 4 / 5 - 1_000 * USD);
		assert_eq!(PoolCash::get(), pool);

		// Money and no target: a tenth is.
		tick();
		assert_eq!(Markets::<Test>::get().fund_share, ratio(1, 10));
		let due = Markets::<Test>::get().fund_due;
		let fill = trade(BOB, ETH, UNIT);
		let fee = u128::try_from(fill.fee).unwrap();
		let rest = fee - fee / 5;
		assert_eq!(crate::mock::market(ETH).tranche, rest.div_ceil(10));
		assert_eq!(PoolCash::get(), pool + (rest - rest.div_ceil(10)) as i128);
		assert_eq!(Markets::<Test>::get().fund_due, due);
	});
}

#[test]
fn narrowing_pays_the_maker_fee_inside_the_band() {
	ExtBuilder.build_and_execute(|| {
		// A premium of 0.2 %: at the band, not beyond it.
		trade(ALICE, BTC, 20 * UNIT);
		let fill = trade(BOB, BTC, -UNIT);
		let price = fill.price;
		let worth = perpetual::notional(UNIT, price, Rounding::Up).unwrap();
		assert_eq!(fill.fee, (worth * 2).div_ceil(10_000) as i128);
	});
}

#[test]
fn narrowing_is_rebated_outside_the_band_out_of_the_pot() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 40 * UNIT);
		let pot = market(BTC).rebates;
		let fill = trade(BOB, BTC, -10 * UNIT);
		let worth = perpetual::notional(10 * UNIT, fill.price, Rounding::Down).unwrap();
		let rebate = worth * 3 / 10_000;
		// The order fee is the least it costs.
		assert_eq!(fill.fee, ORDER_FEE as i128 - rebate as i128);
		assert_eq!(market(BTC).rebates, pot - rebate + ORDER_FEE / 5);
		assert_eq!(cash(BOB), (PURSE + rebate - ORDER_FEE) as i128);
	});
}

#[test]
fn a_fill_costs_at_least_the_order_fee() {
	ExtBuilder.build_and_execute(|| {
		// 50 and 99.99 kUSD: a thousandth of that is less than the fee; of 100 and a bit it is more.
		for (size, fee) in [
			(UNIT / 1_000, ORDER_FEE),
			(UNIT / 500 - 100_000, ORDER_FEE),
			(UNIT / 500, 0),
		] {
			let before = cash(ALICE);
			let fill = trade(ALICE, BTC, size);
			let worth = perpetual::notional(size, fill.price, Rounding::Up).unwrap();
			let expected = worth.div_ceil(1_000).max(fee);
			assert_eq!(fill.fee, expected as i128);
			assert_eq!(cash(ALICE), before - expected as i128 - fill.funding);
		}
	});
}

#[test]
fn a_rebate_is_at_most_what_the_pot_has() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| numbers.rebate_share = FixedU128::default());
		trade(ALICE, BTC, 40 * UNIT);
		let fill = trade(BOB, BTC, -10 * UNIT);
		assert_eq!((fill.fee, market(BTC).rebates), (ORDER_FEE as i128, 0));
		set_numbers(BTC, |numbers| numbers.rebate_share = ratio(20, 100));
		// What widens beyond zero is a taker's: 30 narrow, 10 widen.
		let fill = trade(CAROL, BTC, -40 * UNIT);
		let worth = perpetual::notional(10 * UNIT, fill.price, Rounding::Up).unwrap();
		assert_eq!(fill.fee, worth.div_ceil(1_000) as i128);
	});
}

#[test]
fn funding_flows_between_traders_and_the_pool_to_the_unit() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 40 * UNIT);
		trade(BOB, BTC, -15 * UNIT - 7);
		for _ in 0..5 {
			set_price(BTC, dollars(50_000));
			block_after(HOUR);
		}
		tick();
		let there = market(BTC);
		assert!(there.rate > 0 && there.carry.long > 0 && there.carry.long == there.carry.short);
		// The same price: what moves is funding alone, and fees.
		let before = (
			cash(ALICE),
			cash(BOB),
			PoolCash::get(),
			there.rebates,
			there.tranche,
		);
		let due = Markets::<Test>::get().fund_due;
		let long = fill_now(ALICE, BTC, -40 * UNIT).unwrap();
		let short = fill_now(BOB, BTC, 15 * UNIT + 7).unwrap();
		assert!(long.funding > 0 && short.funding < 0);
		let (after, pool) = (market(BTC), PoolCash::get());
		// Trader by trader.
		assert_eq!(cash(ALICE) - before.0, long.realised - long.funding - long.fee);
		assert_eq!(cash(BOB) - before.1, short.realised - short.funding - short.fee);
		let pots = (after.rebates + after.tranche + Markets::<Test>::get().fund_due) as i128
			- (before.3 + before.4 + due) as i128;
		let fees = long.fee + short.fee;
		let realised = long.realised + short.realised;
		// The pool: what traders paid, less what they received, and its part of the fees, to the unit.
		assert_eq!(
			pool - before.2,
			long.funding + short.funding - realised + fees - pots
		);
		// The longs' funding is the shorts' and the pool's, which keeps what rounding leaves: a unit for each at most.
		let owed = perpetual::funding_on(25 * UNIT - 7, there.carry.long, Rounding::Down).unwrap();
		let kept = long.funding + short.funding - (owed - there.funding_debt);
		assert!((0..=3).contains(&kept), "{kept}");
		assert_eq!((after.cost, after.funding_debt), (0, 0));
	});
}

#[test]
fn nobody_pays_for_more_than_an_hour_of_an_outage() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 40 * UNIT);
		let before = market(BTC);
		set_price(BTC, dollars(50_000));
		block_after(100 * HOUR);
		let after = market(BTC);
		// dr/dt is 8 % per day and day, and an eighth of the decay's time passed: in an hour r =
		// 0.08/24/1.125.
		let grown = after.rate - before.rate;
		assert!(
			(grown - ratio(8, 2_700).into_inner() as i128).abs() <= 2,
			"{grown}"
		);
		// The mean rate over an hour of 50 000.
		let most = 50_000 * after.rate / 24 + 1;
		assert!(after.carry.long - before.carry.long <= most);
		assert_eq!(after.at, Now::get());
	});
}

/// Kind: a rate that changes is charged for the time before the change.
#[test]
fn numbers_of_funding_that_change_count_from_the_change_on() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 40 * UNIT);
		let before = market(BTC).rate;
		set_price(BTC, dollars(50_000));
		set_numbers(BTC, |numbers| numbers.funding_velocity = ratio(10, 1));
		block_after(HOUR);
		// 8 % per day and day, as it was in that hour, less what decays of it.
		let grown = market(BTC).rate - before;
		assert!(
			(grown - ratio(8, 2_700).into_inner() as i128).abs() <= 2,
			"{grown}"
		);
		let before = market(BTC).rate;
		block_after(HOUR);
		let expected = (before + ratio(80, 2_400).into_inner() as i128) * 8 / 9;
		let rate = market(BTC).rate;
		assert!((rate - expected).abs() <= 20, "{rate}");
	});
}

#[test]
fn the_fund_is_paid_once_an_hour() {
	ExtBuilder.build_and_execute(|| {
		// Nothing is due and it was never paid: the first fees go with the next block.
		trade(ALICE, BTC, 40 * UNIT);
		let due = Markets::<Test>::get().fund_due;
		assert_eq!(due, 603_200_000);
		tick();
		assert_eq!(FundCash::get(), due);
		assert!(events().contains(&Event::FundPaid { amount: due }));
		CoverTarget::set(1_000_000_000_000 * USD);
		tick();
		trade(BOB, BTC, 10 * UNIT);
		let more = Markets::<Test>::get().fund_due;
		assert!(more > 0);
		tick();
		assert_eq!(Markets::<Test>::get().fund_due, more);
		block_after(HOUR);
		assert_eq!(
			(Markets::<Test>::get().fund_due, FundCash::get()),
			(0, due + more)
		);
	});
}

#[test]
fn a_fund_that_fails_is_paid_later() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 40 * UNIT);
		let due = Markets::<Test>::get().fund_due;
		FundFails::set(true);
		tick();
		assert_eq!(Markets::<Test>::get().fund_due, due);
		assert!(matches!(
			events().last(),
			Some(Event::SweepFailed { amount, .. }) if *amount == due
		));
		FundFails::set(false);
		block_after(HOUR);
		assert_eq!(FundCash::get(), due);
	});
}

#[test]
fn the_share_of_the_fund_falls_with_what_it_has() {
	ExtBuilder.build_and_execute(|| {
		CoverTarget::set(1_000 * USD);
		fund_fund(400 * USD);
		tick();
		assert_eq!(Markets::<Test>::get().fund_share, ratio(1, 1));
		fund_fund(600 * USD);
		tick();
		assert_eq!(Markets::<Test>::get().fund_share, ratio(55, 100));
		// The markets' tranches count.
		change_market(BTC, |market| market.tranche = 500 * USD);
		Clearing::mutate(|clearing| *clearing += 500 * USD as i128);
		Custody::mutate(|custody| *custody += 500 * USD as i128);
		Brought::mutate(|brought| *brought += 500 * USD as i128);
		tick();
		assert_eq!(Markets::<Test>::get().fund_share, ratio(1, 10));
		let pots = Perpetuals::pots();
		assert_eq!((pots.fund_share, pots.fund_due), (ratio(1, 10), 0));
	});
}
