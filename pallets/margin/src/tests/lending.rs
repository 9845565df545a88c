//! The reserve: interest against exact maths, shares, limits.

use super::*;
use keel_math::{interest, lending::Curve, RAY};

const MINUTE: u64 = 60_000;

fn supply(amount: u128) -> sp_runtime::DispatchResult {
	Margin::supply(signed(&BOB), amount)
}

fn redeem(shares: u128) -> sp_runtime::DispatchResult {
	Margin::redeem(signed(&BOB), shares)
}

/// An account of ALICE's that owes `amount`.
fn borrower(amount: u128) -> u64 {
	let id = pay_in(&ALICE, 0, BTC, 1_000 * ONE_BTC);
	settle(id, -(amount as i128)).unwrap();
	acted(id, Act::Involuntary).unwrap();
	id
}

#[test]
fn a_supply_is_worth_what_was_paid() {
	ExtBuilder::default().reserve(0).build_and_execute(|| {
		let before = kusd(&BOB);
		assert_ok!(supply(1_000 * USD));
		let shares = Lenders::<Test>::get(BOB);
		assert_eq!(shares, 1_000 * USD * crate::VIRTUAL_SHARES);
		assert_eq!(Margin::lender(BOB).unwrap().worth, 1_000 * USD);
		assert_ok!(redeem(shares / 4));
		assert_eq!(kusd(&BOB), before - 750 * USD);
		assert_ok!(redeem(shares - shares / 4));
		assert_eq!((kusd(&BOB), Totals::<Test>::get().shares), (before, 0));
		assert!(!Lenders::<Test>::contains_key(BOB));
	});
}

#[test]
fn fails_for_nothing_and_for_more_than_there_is() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(supply(0), Error::<Test>::NothingChanged);
		assert_noop!(redeem(0), Error::<Test>::NothingChanged);
		assert_noop!(redeem(1), Error::<Test>::ExceedsShares);
		assert_ok!(supply(USD));
		assert_noop!(redeem(1), Error::<Test>::RedemptionTooSmall);
		raise(BreakerSubject::Chain, Level::Halted);
		assert_noop!(supply(USD), raised());
		// Whoever is in gets out.
		assert_ok!(redeem(Lenders::<Test>::get(BOB)));
	});
}

#[test]
fn lent_money_can_not_be_redeemed() {
	ExtBuilder::default().reserve(0).build_and_execute(|| {
		assert_ok!(supply(1_000 * USD));
		let id = borrower(600 * USD);
		let shares = Lenders::<Test>::get(BOB);
		assert_noop!(redeem(shares), Error::<Test>::ReserveLent);
		let view = Margin::lender(BOB).unwrap();
		assert_noop!(redeem(view.redeemable + 10_000_000), Error::<Test>::ReserveLent);
		assert_ok!(redeem(view.redeemable));
		assert_eq!(money().idle, 0);
		fund(&ALICE, 0, 600 * USD);
		assert_eq!(account(id).debt, 0);
		assert_ok!(redeem(Lenders::<Test>::get(BOB)));
	});
}

#[test]
fn debt_grows_by_the_curve_and_lenders_earn_all_of_it() {
	ExtBuilder::default()
		.reserve(1_000_000 * USD)
		.build_and_execute(|| {
			let id = borrower(500_000 * USD);
			let curve = Curve {
				base: percent(1),
				slope: percent(10),
				kink: percent(80),
				jump: percent(200),
			};
			// Half is lent.
			assert_eq!(curve.rate(percent(50)), Some(percent(6)));
			assert_eq!(Margin::lending().unwrap().rate, percent(6));
			assert_eq!(Margin::lending().unwrap().earned, percent(3));
			Now::mutate(|now| *now += 10 * DAY);
			let index = interest::compound(RAY, percent(6), 864_000).unwrap();
			assert_eq!(money().index, index);
			let owed = interest::debt_of(500_000 * USD, index).unwrap();
			assert_eq!(debt(id), owed);
			// 500,000 · e^(0.06 · 10/365) − 500,000 is 822.59…
			assert_eq!((owed - 500_000 * USD) / USD, 822);
			// All but what rounding takes.
			let earned = 500_000 * USD + owed - Margin::lender(CHARLIE).unwrap().worth;
			assert!((1..=2).contains(&earned), "{earned}");
			// Written once a minute is over, and only then.
			assert_eq!(Totals::<Test>::get().index, RAY);
			poll();
			assert_eq!(Totals::<Test>::get().index, index);
			pass(59_999);
			assert_eq!(Totals::<Test>::get().index, index);
			pass(1);
			assert!(Totals::<Test>::get().index > index);
			fund(&ALICE, 0, 600_000 * USD);
			assert_eq!((money().lent, account(id).debt), (0, 0));
			assert!(account(id).cash < 600_000 * USD - (owed - 500_000 * USD));
		});
}

#[test]
fn no_interest_accrues_while_nothing_is_lent() {
	ExtBuilder::default().build_and_execute(|| {
		pass(365 * DAY);
		let id = borrower(1_000 * USD);
		assert_eq!(
			(money().index, money().index_at, debt(id)),
			(RAY, Now::get(), 1_000 * USD)
		);
	});
}

#[test]
fn parts_of_seconds_are_not_lost() {
	ExtBuilder::default().build_and_execute(|| {
		borrower(1_000_000 * USD);
		for _ in 0..10 {
			Now::mutate(|now| *now += 700);
			let money = money();
			Totals::<Test>::put(money);
		}
		assert_eq!(money().index_at, START + 7_000);
	});
}

#[test]
fn utilisation_above_all_there_is_is_read_as_it_is() {
	use keel_primitives::{Fuse, Gauges};
	ExtBuilder::default().reserve(1_000 * USD).build_and_execute(|| {
		let read = || Margin::gauges(BreakerSubject::Lending)[0];
		assert_eq!(Margin::subjects(), vec![BreakerSubject::Lending]);
		assert!(Margin::gauges(BreakerSubject::Chain).is_empty());
		assert_eq!((read().fuse, read().reading), (Fuse::Utilisation, 0));
		let id = borrower(500 * USD);
		assert_eq!(read().reading, percent(50).into_inner());
		assert_eq!(read().triggers.guarded, percent(92).into_inner());
		assert_eq!(read().triggers.reduce_only, percent(97).into_inner());
		assert_eq!(read().triggers.halted, None);
		// A loss nobody's cash can pay.
		assert_ok!(settle(id, -(1_000 * USD as i128)));
		assert_eq!(money().idle, -(500 * USD as i128));
		assert_eq!(read().reading, percent(150).into_inner());
		assert_eq!(Margin::lending().unwrap().rate, percent(49));
	});
	ExtBuilder::default().reserve(0).build_and_execute(|| {
		borrower(500 * USD);
		// All of the reserve is what this account owes.
		assert_eq!(Margin::gauges(BreakerSubject::Lending)[0].reading, u128::MAX);
	});
}

#[test]
fn opening_in_debt_asks_the_breaker_and_the_cap() {
	ExtBuilder::default().reserve(1_000 * USD).build_and_execute(|| {
		let id = borrower(880 * USD);
		assert_ok!(trade(id, BTC_MARKET, 1_000));
		raise(BreakerSubject::Lending, Level::ReduceOnly);
		assert_noop!(trade(id, BTC_MARKET, 1_000), raised());
		// Reducing never asks.
		assert_ok!(trade(id, BTC_MARKET, -500));
		raise(BreakerSubject::Lending, Level::Normal);
		assert_ok!(settle(id, -(30 * USD as i128)));
		assert_noop!(trade(id, BTC_MARKET, 1_000), Error::<Test>::LendingCapReached);
		assert_ok!(trade(id, BTC_MARKET, -500));
		// Without debt nobody asks.
		let other = fund(&BOB, 0, 1_000 * USD);
		assert_ok!(trade(other, BTC_MARKET, 1_000));
	});
}

#[test]
fn the_first_lender_can_not_raise_the_price_of_a_share_for_the_second() {
	ExtBuilder::default().reserve(0).build_and_execute(|| {
		// The smallest share there is, then interest as large as can be: a reserve much larger than its shares.
		assert_ok!(Margin::supply(signed(&CHARLIE), 1));
		Totals::<Test>::mutate(|money| {
			money.idle += (10_000 * USD) as i128;
			money.clearing -= (10_000 * USD) as i128;
		});
		assert_ok!(supply(5_000 * USD));
		let bob = Margin::lender(BOB).unwrap().worth;
		// The victim loses less than a millionth, the attacker nearly half of what was given.
		assert!(bob >= 4_995 * USD, "{bob}");
		assert!(Margin::lender(CHARLIE).unwrap().worth <= 5_001 * USD);
	});
}

#[test]
fn what_buys_no_share_is_refused() {
	ExtBuilder::default().reserve(0).build_and_execute(|| {
		Totals::<Test>::mutate(|money| {
			money.idle += (1_000_000 * USD) as i128;
			money.clearing -= (1_000_000 * USD) as i128;
		});
		assert_noop!(supply(USD / 2), Error::<Test>::SupplyTooSmall);
		assert_ok!(supply(2 * USD));
	});
}

/// Kind: a rate that changes is charged for the time before the change.
#[test]
fn a_curve_that_changes_is_charged_from_the_change_on() {
	ExtBuilder::default()
		.reserve(1_000_000 * USD)
		.build_and_execute(|| {
			borrower(500_000 * USD);
			let curve = |base| {
				set_chain(|chain| {
					chain.lending_base = percent(base);
					chain.lending_slope = percent(0);
					chain.lending_jump = percent(0);
				})
			};
			curve(2);
			pass(MINUTE);
			let begin = Totals::<Test>::get().index;
			// A stop of six hours, in which a vote is enacted before anybody sees the new time.
			Now::mutate(|now| *now += 6 * HOUR);
			curve(25);
			pass(0);
			let owed = interest::compound(begin, percent(2), 6 * 3_600).unwrap();
			assert_eq!(Totals::<Test>::get().index, owed);
			pass(MINUTE);
			let owed = interest::compound(owed, percent(25), 60).unwrap();
			assert_eq!(Totals::<Test>::get().index, owed);
		});
}
