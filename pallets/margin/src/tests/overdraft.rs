//! What clearing lends beyond the reserve: whose interest it is, and how it comes back.

use super::*;
use frame_support::hypothetically;
use keel_math::{interest, mul_div, FixedU128, Rounding, ONE};
use keel_primitives::LiquidationOutcome;

use crate::{OVERDRAFT_LOOK_MS, SALE_STEP_MS};

/// An account of ALICE's with ten BTC at 50,000 and a position, that realised a loss of `debt`. Every price
/// is newer.
fn indebted(debt: u128) -> u64 {
	let id = pay_in(&ALICE, 0, BTC, 10 * ONE_BTC);
	assert_ok!(trade(id, ETH_MARKET, 2 * ONE_SIZE));
	assert_ok!(settle(id, -(debt as i128)));
	assert_ok!(acted(id, Act::Involuntary));
	refresh_prices();
	id
}

/// Clearing has `amount` from now on: the rest was paid out.
fn leave_clearing(amount: u128) {
	let rest = Margin::clearing() - amount as i128;
	assert_ok!(Margin::pay_out(&MAKER, rest as u128));
}

fn endow(who: &AccountId, amount: u128) {
	assert_ok!(send(KUSD, &CHARLIE, who, amount));
}

/// What the stability pool and the fund pay for a BTC.
fn price() -> FixedU128 {
	FixedU128::from_inner(mul_div(50_000 * ONE, ONE, 105 * ONE / 100, Rounding::Down).unwrap())
}

mod interest_on_it {
	use super::*;

	/// The kind: one lends, another earns. All of the interest went to the lenders of 200, 116 of which
	/// others lent.
	#[test]
	fn is_clearings_by_its_share_of_what_is_lent() {
		ExtBuilder::default()
			.reserve(200_000 * USD)
			.build_and_execute(|| {
				let id = indebted(316_000 * USD);
				// Written up to now.
				pass(60_000);
				let before = Totals::<Test>::get();
				let lenders = Margin::lender(CHARLIE).unwrap().worth;
				assert_eq!(Margin::overdrawn() / (10 * USD), 11_600);
				Now::set(before.index_at + 10 * DAY);
				// At 100 %, 1 + 8 + 40 per cent a year.
				let index = interest::compound(before.index, percent(49), 864_000).unwrap();
				let whole = debt(id) - before.debt_of(account(id).debt).unwrap();
				// 316,000.29 · (e^(0.49 · 10/365) − 1) is 4,270.8…
				assert_eq!((money().index, whole / USD), (index, 4_270));
				poll();
				let all = Totals::<Test>::get().earned;
				let earned = all - before.earned;
				// 4,270.8 · 116/316.
				assert_eq!(earned / USD, 1_567);
				let more = Margin::lender(CHARLIE).unwrap().worth - lenders;
				assert!(
					(whole - 3..=whole).contains(&(earned + more)),
					"{earned} {more} {whole}"
				);
				// It is lent too, so that it bears interest.
				assert_eq!(Margin::overdrawn(), before.overdrawn() + earned);
				assert_ok!(Margin::do_try_state());

				let clearing = Margin::clearing();
				assert_eq!(Margin::collect(), Ok(all));
				assert_eq!(Margin::clearing(), clearing + all as i128);
				assert_eq!(Margin::collect(), Ok(0));
			});
	}

	#[test]
	fn is_the_lenders_alone_while_the_reserve_suffices() {
		ExtBuilder::default().build_and_execute(|| {
			indebted(316_000 * USD);
			pass(10 * DAY);
			assert_eq!((Totals::<Test>::get().earned, Margin::overdrawn()), (0, 0));
		});
	}

	#[test]
	fn is_all_clearings_where_nobody_lends() {
		ExtBuilder::default().reserve(0).build_and_execute(|| {
			let id = indebted(100_000 * USD);
			pass(10 * DAY);
			let earned = Totals::<Test>::get().earned;
			let whole = debt(id) - 100_000 * USD;
			assert!((whole - 2..=whole).contains(&earned), "{earned} {whole}");
			// Lenders who come take the loan over.
			assert_ok!(Margin::supply(signed(&BOB), 200_000 * USD));
			assert_eq!(Margin::overdrawn(), 0);
			let worth = Margin::lender(BOB).unwrap().worth;
			assert!(worth + 2 >= 200_000 * USD, "{worth}");
		});
	}
}

mod recall {
	use super::*;

	/// One with 100,000 lent by clearing that has 900,000: too much by 10,000.
	fn too_far(test: impl FnOnce(u64)) {
		ExtBuilder::default().reserve(0).build_and_execute(|| {
			let id = indebted(100_000 * USD);
			leave_clearing(900_000 * USD);
			test(id);
		});
	}

	#[test]
	fn waits_until_clearing_lends_more_than_a_tenth() {
		ExtBuilder::default().reserve(0).build_and_execute(|| {
			let id = indebted(100_000 * USD);
			endow(&POOL, 1_000_000 * USD);
			leave_clearing(1_001_000 * USD);
			assert_ok!(refresh(id));
			assert_noop!(liquidate(id), Error::<Test>::AccountSafe);
			leave_clearing(999_000 * USD);
			assert_noop!(refresh(id), Error::<Test>::AccountUnsafe);
			assert_eq!(<Margin as PositionLedger>::deficit(Group::Deadline, id), Ok(0));
			assert_ok!(liquidate(id));
		});
	}

	#[test]
	fn sells_collateral_of_a_safe_account_and_touches_nothing_else() {
		too_far(|id| {
			order(id, USD);
			endow(&POOL, 40_000 * USD);
			endow(&FUND, 100_000 * USD);
			let before = statement(id);
			// Down to half of what is too much: that is no more than one account has to lose.
			let recalled = money().to_recall();
			assert!(recalled > 50_000 * USD && recalled < before.debt);
			let outcome = liquidate(id).unwrap();
			let sold = mul_div(recalled, ONE * 100, price().into_inner(), Rounding::Up).unwrap();
			assert_eq!(
				outcome,
				LiquidationOutcome {
					debt: outcome.debt,
					collateral: outcome.collateral,
					absorbed: outcome.absorbed,
					..Default::default()
				}
			);
			assert!((39_999 * USD..=40_000 * USD).contains(&outcome.absorbed));
			// A unit of a rounding may be left.
			assert!(outcome.debt.abs_diff(recalled) <= 1);
			// 5 % more than the debt, which is what the buyers gain.
			assert_eq!(outcome.collateral / USD, recalled * 105 / 100 / USD);
			let after = statement(id);
			let left = account(id).held(BTC);
			assert!((10 * ONE_BTC - left).abs_diff(sold) <= 2, "{left} {sold}");
			assert!((after.debt + outcome.debt).abs_diff(before.debt) <= 1_000);
			assert_eq!(after.exposures, before.exposures);
			assert_eq!(money().to_recall(), 0);
			assert_eq!((exposures(id).len(), trader(id).orders), (1, 1));
			// It counts for no less than before.
			assert!(
				after.equity + 1 >= before.equity,
				"{} {}",
				after.equity,
				before.equity
			);
			assert_eq!(
				last_event(),
				Event::DebtRecalled {
					account: id,
					owner: ALICE,
					collateral: outcome.collateral,
					debt: outcome.debt,
				}
			);
		});
	}

	#[test]
	fn takes_no_more_than_what_is_lent_beyond_a_twentieth() {
		ExtBuilder::default().reserve(70_000 * USD).build_and_execute(|| {
			let id = indebted(100_000 * USD);
			leave_clearing(200_000 * USD);
			endow(&POOL, 1_000_000 * USD);
			let owed = debt(id);
			assert_eq!(money().overdrawn() / USD, 30_000);
			// Of 200,000.
			let recalled = 20_000 * USD;
			let outcome = liquidate(id).unwrap();
			assert!(
				outcome.debt.abs_diff(recalled) <= 1_000,
				"{} {recalled}",
				outcome.debt
			);
			assert!(debt(id).abs_diff(owed - recalled) <= 1_000);
			assert_noop!(liquidate(id), Error::<Test>::AccountSafe);
		});
	}

	#[test]
	fn spares_an_owner_who_repays() {
		too_far(|id| {
			endow(&POOL, 1_000_000 * USD);
			assert_noop!(refresh(id), Error::<Test>::AccountUnsafe);
			fund(&ALICE, 0, 10_000 * USD + debt(id) - 100_000 * USD);
			assert!(Margin::overdrawn().abs_diff(90_000 * USD) <= 2);
			assert_ok!(refresh(id));
			assert_noop!(liquidate(id), Error::<Test>::AccountSafe);
		});
	}

	#[test]
	fn leaves_alone_who_owes_nothing() {
		too_far(|_| {
			endow(&POOL, 1_000_000 * USD);
			let other = pay_in(&BOB, 0, BTC, ONE_BTC);
			assert_ok!(trade(other, ETH_MARKET, ONE_SIZE));
			assert_ok!(refresh(other));
			assert_noop!(liquidate(other), Error::<Test>::AccountSafe);
		});
	}

	#[test]
	fn asks_for_a_price_that_is_fit() {
		too_far(|id| {
			endow(&POOL, 1_000_000 * USD);
			refuse(BTC, PriceFor::Liquidate);
			assert_ok!(refresh(id));
			assert_noop!(liquidate(id), Error::<Test>::AccountSafe);
			RefusedFor::set(Vec::new());
			assert_ok!(liquidate(id));
		});
	}

	/// The kind: whoever acts in every block is never touched.
	#[test]
	fn is_not_dodged_by_acting() {
		too_far(|id| {
			assert_ok!(Margin::withdraw(signed(&ALICE), 0, BTC, 1));
			assert_eq!(account(id).changed_at, Now::get());
			assert!(Margin::collateral_offer(id, BTC).is_some());
			endow(&POOL, 1_000_000 * USD);
			assert_ok!(liquidate(id));
		});
	}

	/// An account is found by its deadline, however well it stands.
	#[test]
	fn looks_at_who_owes_every_ten_minutes() {
		ExtBuilder::default().reserve(0).build_and_execute(|| {
			let id = indebted(100_000 * USD);
			let looks_at = |id| u128::MAX - trigger(id, Group::Deadline).unwrap();
			assert!(looks_at(id) <= u128::from(Now::get() + OVERDRAFT_LOOK_MS));
			assert_ok!(Margin::supply(signed(&BOB), 200_000 * USD));
			assert_ok!(refresh(id));
			assert!(looks_at(id) > u128::from(Now::get() + HOUR));
		});
	}

	/// The kind: what is worth nothing is swept along.
	#[test]
	fn sells_what_is_worth_something_alone() {
		too_far(|id| {
			pay_in(&ALICE, 0, ETH, 1);
			endow(&POOL, 1_000_000 * USD);
			refresh_prices();
			assert_ok!(liquidate(id));
			assert_eq!(account(id).held(ETH), 1);
		});
	}

	/// What neither of the two pays for anybody may buy, at their price, which does not fall.
	#[test]
	fn has_anybody_for_a_third_buyer() {
		too_far(|id| {
			assert_ok!(refresh(id));
			let recalled = money().to_recall();
			let offer = Margin::collateral_offer(id, BTC).unwrap();
			assert_eq!((offer.price, offer.floor, offer.falls_for), (price(), price(), 0));
			assert!(
				offer.pays.abs_diff(recalled) <= 1_000,
				"{} {recalled}",
				offer.pays
			);
			Now::mutate(|now| *now += 3 * SALE_STEP_MS);
			refresh_prices();
			assert_eq!(Margin::collateral_offer(id, BTC).unwrap().price, price());
			let before = statement(id);
			hypothetically!({
				// The two come first.
				endow(&POOL, 1_000 * USD);
				assert_noop!(
					Margin::buy_collateral(signed(&BOB), id, BTC, 1_000, USD),
					Error::<Test>::NotForSale
				);
			});
			assert_ok!(Margin::buy_collateral(
				signed(&BOB),
				id,
				BTC,
				ONE_BTC,
				50_000 * USD
			));
			let after = statement(id);
			assert!(after.equity >= before.equity);
			assert_eq!(after.exposures, before.exposures);
			assert!(before.debt - after.debt >= 47_600 * USD);
			// It is no longer too much.
			assert_eq!(Margin::collateral_offer(id, BTC), None);
			assert_noop!(
				Margin::buy_collateral(signed(&BOB), id, BTC, 1_000, USD),
				Error::<Test>::AccountSafe
			);
		});
	}

	/// The kind: a deficit is covered that is none. All collateral of an account goes, and its profit is what
	/// it has left.
	#[test]
	fn covers_nothing_of_an_account_whose_profit_is_enough() {
		ExtBuilder::default().reserve(0).build_and_execute(|| {
			let id = pay_in(&ALICE, 0, BTC, ONE_BTC);
			assert_ok!(trade(id, ETH_MARKET, 100 * ONE_SIZE));
			assert_ok!(settle(id, -((60_000 * USD) as i128)));
			move_mark(ETH_MARKET, dollars(4_000));
			assert_ok!(acted(id, Act::Involuntary));
			leave_clearing(100_000 * USD);
			refresh_prices();
			assert!(statement(id).equity > 100_000 * USD as i128);
			assert_ok!(Margin::buy_collateral(
				signed(&BOB),
				id,
				BTC,
				ONE_BTC,
				50_000 * USD
			));
			assert!(account(id).collateral.is_empty() && debt(id) > 12_000 * USD);
			assert!(covered().is_empty());
			assert_ok!(refresh(id));
		});
	}
}
