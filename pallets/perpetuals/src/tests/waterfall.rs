//! Who carries what is missing.

use keel_primitives::{Moment, PoolExposure, PriceFor, Priced, Waterfall};

use crate::{mock::*, Event, Markets};

/// The tranche of a market holds this, out of nowhere but the books.
fn fill_tranche(id: u32, amount: u128) {
	change_market(id, |market| market.tranche += amount);
	let amount = amount as i128;
	Clearing::mutate(|clearing| *clearing += amount);
	Custody::mutate(|custody| *custody += amount);
	Brought::mutate(|brought| *brought += amount);
}

fn broke(by: u128) {
	let have = cash(ALICE) as u128;
	withdraw(account(ALICE), have + by);
}

fn cover(markets: &[u32], deficit: u128) -> Waterfall {
	crate::mock::cover(account(ALICE), markets, deficit).unwrap()
}

#[test]
fn tranches_then_the_fund_then_the_pool() {
	ExtBuilder.build_and_execute(|| {
		fill_tranche(BTC, 100 * USD);
		fill_tranche(ETH, 200 * USD);
		fund_fund(500 * USD);
		broke(1_000 * USD);
		let pool = PoolCash::get();
		let carried = cover(&[ETH, BTC], 1_000 * USD);
		let expected = Waterfall {
			claim: 0,
			tranche: 300 * USD,
			fund: 500 * USD,
			pool: 200 * USD,
		};
		assert_eq!(carried, expected);
		assert_eq!((cash(ALICE), FundCash::get()), (0, 0));
		assert_eq!(PoolCash::get(), pool - 200 * USD as i128);
		assert_eq!((market(BTC).tranche, market(ETH).tranche), (0, 0));
		assert_eq!(
			events().last(),
			Some(&Event::DeficitCovered {
				account: account(ALICE),
				claim: 0,
				tranche: 300 * USD,
				fund: 500 * USD,
				pool: 200 * USD
			})
		);
	});
}

#[test]
fn tranches_in_order_and_of_no_other_market() {
	ExtBuilder.build_and_execute(|| {
		for id in [BTC, ETH, DOT] {
			fill_tranche(id, 100 * USD);
		}
		broke(150 * USD);
		let carried = cover(&[DOT, BTC, 99], 150 * USD);
		assert_eq!((carried.tranche, carried.fund, carried.pool), (150 * USD, 0, 0));
		let left = [BTC, ETH, DOT].map(|id| market(id).tranche);
		assert_eq!(left, [50 * USD, 100 * USD, 0]);
	});
}

#[test]
fn what_the_fund_is_due_comes_to_it_first() {
	ExtBuilder.build_and_execute(|| {
		trade(BOB, BTC, 40 * UNIT);
		let due = Markets::<Test>::get().fund_due;
		assert!(due > 0);
		broke(due);
		let carried = cover(&[], due);
		assert_eq!((carried.fund, carried.pool), (due, 0));
		assert_eq!(Markets::<Test>::get().fund_due, 0);
	});
}

#[test]
fn a_fund_that_fails_stops_nothing() {
	ExtBuilder.build_and_execute(|| {
		fund_fund(500 * USD);
		FundFails::set(true);
		broke(100 * USD);
		let carried = cover(&[BTC], 100 * USD);
		assert_eq!((carried.fund, carried.pool), (0, 100 * USD));
		assert!(events()
			.iter()
			.any(|event| matches!(event, Event::FundFailed { .. })));
	});
}

#[test]
fn an_insolvent_pool_without_winners_is_named_and_cuts_nothing() {
	ExtBuilder.build_and_execute(|| {
		trade(BOB, BTC, 40 * UNIT);
		// The pool loses everything and more, and nobody is in profit.
		drain_pool(-500_000 * USD as i128);
		move_to(BTC, dollars(49_900));
		let owed = Perpetuals::owed().unwrap();
		let named = events().into_iter().find_map(|event| match event {
			Event::GainsHaircut { deficit, gains, rate } => Some((deficit, gains, rate)),
			_ => None,
		});
		let deficit = (500_000 * USD as i128 + owed).unsigned_abs();
		assert_eq!(named, Some((deficit, 0, Default::default())));
		let fill = fill_now(BOB, BTC, -40 * UNIT).unwrap();
		assert!(fill.realised < 0 && fill.haircut == 0);
	});
}

#[test]
fn the_pool_sees_what_it_owes_and_could_lose() {
	ExtBuilder.build_and_execute(|| {
		assert_eq!((Perpetuals::owed(), Perpetuals::worst_case()), (Ok(0), 0));
		fill_now(ALICE, BTC, 40 * UNIT).unwrap();
		fill_now(BOB, ETH, -400 * UNIT).unwrap();
		// Opening owes nothing but rounding.
		assert!((0..=2).contains(&Perpetuals::owed().unwrap()));
		// 1.05·1.25 − 1, with the largest premium of 5 %, of 40·50 000 and of 400·2 500.
		assert_eq!(Perpetuals::worst_case(), 937_500 * USD);
		// The kind: risk measured on the net. The other side takes nothing off it, for it may leave first.
		fill_now(CAROL, BTC, -40 * UNIT).unwrap();
		assert_eq!(Perpetuals::worst_case(), 937_500 * USD);
		fill_now(CAROL, BTC, 40 * UNIT).unwrap();
		assert_eq!(Perpetuals::worst_case(), 937_500 * USD);
		let made = market(BTC).price.since;
		let priced = |since, unpriced| Priced { since, unpriced };
		assert_eq!(Perpetuals::priced(), priced(Some(made), 0));
		// A market nobody is in does not matter; one somebody is in does.
		change_market(DOT, |market| market.fit = Default::default());
		assert_eq!(Perpetuals::priced(), priced(Some(made), 0));
		change_market(ETH, |market| market.price.since = made - 1);
		assert_eq!(Perpetuals::priced(), priced(Some(made - 1), 0));
		change_market(ETH, |market| market.fit.add_risk = false);
		assert_eq!(Perpetuals::priced(), priced(None, 0));
	});
}

/// The kind: one market without a price holds up all. It is waited for until it would be halted for that, and
/// then stands at its worst case, one more for each day begun.
#[test]
fn a_dead_feed_is_not_waited_for() {
	ExtBuilder.build_and_execute(|| {
		fill_now(ALICE, BTC, 40 * UNIT).unwrap();
		fill_now(BOB, ETH, -400 * UNIT).unwrap();
		let worst = market(ETH).worst_case();
		assert_eq!(worst, 312_500 * USD);
		let fit_at = FitAt::get()[&ETH];
		let silent = |ms: Moment| {
			Now::set(fit_at + ms);
			set_price(BTC, price_of(BTC));
			block_after(0);
			Perpetuals::priced()
		};
		const HALTED: Moment = 1_800_000;
		const DAY: Moment = 24 * HOUR;
		for (ms, unpriced) in [
			(60_000, None),
			(HALTED - 1, None),
			(HALTED, Some(1)),
			(DAY - 1, Some(1)),
			(DAY, Some(2)),
			(30 * DAY, Some(31)),
		] {
			let expected = match unpriced {
				None => Priced {
					since: None,
					unpriced: 0,
				},
				Some(times) => Priced {
					since: Some(fit_at + ms),
					unpriced: times * worst,
				},
			};
			assert_eq!(silent(ms), expected, "after {ms} ms");
		}
		// A feed that is back is alive, however long it was away: on its way to a fit price it is waited for.
		set_price(ETH, price_of(ETH));
		RefusedFor::set(vec![PriceFor::AddRisk]);
		block_after(0);
		assert_eq!(
			Perpetuals::priced(),
			Priced {
				since: None,
				unpriced: 0
			}
		);
	});
}
