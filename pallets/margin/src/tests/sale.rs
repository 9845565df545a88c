//! Collateral that neither stability pool nor insurance fund can pay for: anybody may buy it, at a price that falls, and nobody gets
//! it for less than it counts for.

use super::*;
use frame_support::hypothetically;
use keel_math::{mul_div, FixedU128, Rounding, ONE};
use proptest::prelude::*;
use sp_runtime::{traits::BadOrigin, DispatchResult};

use crate::{after_haircut, Offer, SALE_FALL, SALE_STEP_MS};

const MINUTE: u64 = 60_000;

/// An account of ALICE's that owes `debt` against `amount` of BTC at 50,000, every price newer than its last risk. Nobody has
/// money to buy it.
fn indebted(amount: u128, debt: u128) -> u64 {
	let id = pay_in(&ALICE, 0, BTC, amount);
	assert_ok!(settle(id, -(debt as i128)));
	assert_ok!(acted(id, Act::Involuntary));
	refresh_prices();
	id
}

/// The same, after the liquidation that finds no buyer.
fn for_sale(amount: u128, debt: u128) -> u64 {
	let id = indebted(amount, debt);
	assert_ok!(liquidate(id));
	assert!(account(id).for_sale_since.is_some());
	id
}

fn buy(who: &AccountId, id: u64, asset: u32, most: u128, pay_at_most: u128) -> DispatchResult {
	Margin::buy_collateral(signed(who), id, asset, most, pay_at_most)
}

fn offer(id: u64, asset: u32) -> Offer {
	Margin::collateral_offer(id, asset).unwrap()
}

/// What `amount` costs now.
fn quote(id: u64, asset: u32, amount: u128) -> u128 {
	crate::mock::offer(id, asset, amount).unwrap().pays
}

fn since(id: u64) -> Option<u64> {
	account(id).for_sale_since
}

fn wait(ms: u64) {
	Now::mutate(|now| *now += ms);
}

/// What of a BTC at 50,000 counts with a haircut of 10 %.
const FLOOR: u128 = 45_000 * ONE;

mod price {
	use super::*;

	#[test]
	fn begins_at_that_of_pool_and_fund_and_falls_every_full_minute() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			let begin = mul_div(50_000 * ONE, ONE, 105 * ONE / 100, Rounding::Down).unwrap();
			let start = Now::get();
			for (after, fallen) in [
				(0, 0),
				(59_000, 0),
				(59_999, 0),
				(60_000, 500),
				(119_999, 500),
				(120_000, 1_000),
				(180_000, 1_500),
			] {
				Now::set(start + after);
				let offer = offer(id, BTC);
				assert_eq!(offer.price.into_inner(), begin - fallen * ONE, "after {after} ms");
				// All of it repays what is owed, with its interest, and no less.
				let owed = statement(id).debt;
				assert_eq!(offer.floor.into_inner(), owed * (ONE / USD));
				assert_eq!(offer.falls_for, (start + 4 * MINUTE).saturating_sub(Now::get()));
			}
			// The fourth fall is cut short, and there are no more.
			for after in [240_000, 420_000, HOUR, 100 * MINUTE] {
				Now::set(start + after);
				let owed = statement(id).debt;
				assert_eq!(
					offer(id, BTC).price.into_inner(),
					owed * (ONE / USD),
					"after {after} ms"
				);
			}
			// A clock that went back does not raise it beyond the beginning.
			Now::set(start - 1_000);
			assert_eq!(offer(id, BTC).price.into_inner(), begin);
			Now::set(start + 365 * DAY);
		});
	}

	#[test]
	fn follows_the_feed_and_the_haircut() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			wait(MINUTE);
			set_price(BTC, dollars(40_000));
			let begin = mul_div(40_000 * ONE, ONE, 105 * ONE / 100, Rounding::Down).unwrap();
			// It repays no more what is owed.
			assert_eq!(offer(id, BTC).price.into_inner(), begin);
			assert_eq!(offer(id, BTC).floor.into_inner(), begin);
			set_price(BTC, dollars(49_500));
			let begin = mul_div(49_500 * ONE, ONE, 105 * ONE / 100, Rounding::Down).unwrap();
			assert_eq!(offer(id, BTC).price.into_inner(), begin - 495 * ONE);
			// A haircut says no more than when it is for sale.
			let floor = offer(id, BTC).floor;
			set_collateral(BTC, |p| p.haircut = percent(20));
			for _ in 0..3 {
				poll();
			}
			assert_eq!(offer(id, BTC).floor, floor);
		});
	}

	/// Where what it begins at does not repay what is owed, it does not fall: others would pay for every bit of that.
	#[test]
	fn does_not_fall_where_it_begins_with_too_little() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 48_000 * USD);
			let begin = mul_div(50_000 * ONE, ONE, 105 * ONE / 100, Rounding::Down).unwrap();
			for _ in 0..10 {
				let offer = offer(id, BTC);
				assert_eq!(
					(offer.price.into_inner(), offer.floor.into_inner()),
					(begin, begin)
				);
				assert_eq!(offer.falls_for, 0);
				wait(MINUTE);
			}
		});
	}

	/// With several collaterals each has to bring its share, but never less than it counts for.
	#[test]
	fn falls_to_a_share_of_what_is_owed() {
		ExtBuilder::default().build_and_execute(|| {
			let id = pay_in(&ALICE, 0, BTC, ONE_BTC);
			pay_in(&ALICE, 0, DOT, 10_000 * ONE_DOT);
			let shown = statement(id);
			let value: u128 = shown.collateral.iter().map(|holding| holding.value).sum();
			let counted: u128 = shown.collateral.iter().map(|holding| holding.counted).sum();
			assert_ok!(settle(id, -((counted + 100 * USD) as i128)));
			assert_ok!(acted(id, Act::Involuntary));
			refresh_prices();
			assert_ok!(liquidate(id));
			wait(HOUR);
			let mut brings = 0;
			for holding in &statement(id).collateral {
				let offer = offer(id, holding.asset);
				let share = mul_div(
					holding.price.into_inner(),
					statement(id).debt,
					value,
					Rounding::Up,
				)
				.unwrap();
				let counts = mul_div(
					holding.price.into_inner(),
					holding.counted,
					holding.value,
					Rounding::Up,
				)
				.unwrap();
				assert!(offer.price.into_inner() >= share.max(counts) - 1);
				brings += mul_div(
					holding.value,
					offer.price.into_inner(),
					holding.price.into_inner(),
					Rounding::Down,
				)
				.unwrap();
			}
			assert!(brings + 2 >= statement(id).debt, "{brings}");
		});
	}

	/// Where a discount would be larger than the haircut there is nothing to fall.
	#[test]
	fn is_never_below_what_counts() {
		ExtBuilder::default().build_and_execute(|| {
			set_collateral(BTC, |p| p.sale_discount = percent(50));
			let id = for_sale(ONE_BTC, 46_000 * USD);
			for _ in 0..10 {
				let offer = offer(id, BTC);
				assert_eq!(
					(offer.price.into_inner(), offer.floor.into_inner()),
					(FLOOR, FLOOR)
				);
				assert_eq!(offer.falls_for, 0);
				wait(MINUTE / 2);
			}
			// Nor do pool and fund have it for less.
			mint(KUSD, &POOL, 4_500 * USD);
			assert_ok!(liquidate(id));
			assert_eq!(Assets::balance(BTC, &POOL), ONE_BTC / 10);
		});
	}

	/// With numbers that divide by nothing: the price is at its floor from the end of `falls_for` on, and not
	/// a step before.
	#[test]
	fn is_at_its_floor_when_it_is_said_to_be() {
		ExtBuilder::default().build_and_execute(|| {
			for (price, discount, haircut) in [
				(FixedU128::from_inner(48_123_456_789_012_345_678_901), 487, 1_313),
				(FixedU128::from_inner(49_999_999_999_999_999_999_999), 1, 950),
				(FixedU128::from_inner(33_333_333_333_333_333_333_333), 100, 5_000),
				(dollars(40_000), 0, 100),
				(dollars(40_000), 0, 101),
			] {
				hypothetically!({
					set_collateral(BTC, |p| p.sale_discount = bps(discount));
					Collaterals::<Test>::mutate(|all| {
						all[0].haircut = bps(haircut);
						all[0].haircut_target = bps(haircut);
					});
					set_price(BTC, price);
					// A little more than it counts for.
					let counts = after_haircut(price.into_inner() / (ONE / USD), bps(haircut));
					let id = for_sale(ONE_BTC, counts + counts / 1_000 + USD);
					let until = Now::get() + offer(id, BTC).falls_for;
					let begin = Now::get();
					assert!(until > begin && (until - begin).is_multiple_of(SALE_STEP_MS));
					// What it falls by is rounded down.
					let first = offer(id, BTC);
					let fallen = first.price.into_inner() - price.into_inner() / 100;
					Now::set(begin + MINUTE);
					// The floor grows with what is owed.
					let then = offer(id, BTC);
					assert!(then.floor >= first.floor);
					assert_eq!(then.price.into_inner(), fallen.max(then.floor.into_inner()));
					Now::set(until - 1);
					assert!(offer(id, BTC).price > offer(id, BTC).floor);
					Now::set(until);
					assert_eq!(offer(id, BTC).price, offer(id, BTC).floor);
					Now::set(begin);
				});
			}
			set_collateral(BTC, |p| p.sale_discount = percent(5));
			assert_eq!(SALE_FALL, percent(1));
		});
	}
}

mod purchase {
	use super::*;

	#[test]
	fn is_what_was_quoted_to_the_unit() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			for (after, most) in [
				(0, 1),
				(30_000, 1_234_567),
				(MINUTE, 20_000_000),
				(9 * MINUTE, u128::MAX),
			] {
				wait(after);
				let quoted = crate::mock::offer(id, BTC, most).unwrap();
				let (has, btc) = (kusd(&BOB), Assets::balance(BTC, &BOB));
				assert_ok!(buy(&BOB, id, BTC, most, quoted.pays));
				assert_eq!(has - kusd(&BOB), quoted.pays);
				assert_eq!(Assets::balance(BTC, &BOB) - btc, quoted.amount);
				assert_eq!(
					last_event(),
					Event::CollateralBought {
						account: id,
						buyer: BOB,
						asset: BTC,
						amount: quoted.amount,
						price: quoted.pays
					}
				);
			}
		});
	}

	#[test]
	fn of_all_that_is_offered_leaves_nothing_owed_and_nothing_for_sale() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			wait(3 * MINUTE);
			let (owed, shown) = (debt(id), offer(id, BTC));
			assert!(shown.amount < ONE_BTC);
			assert_ok!(buy(&BOB, id, BTC, u128::MAX, u128::MAX));
			let left = account(id);
			assert_eq!((left.debt, left.for_sale_since), (0, None));
			assert_eq!(left.held(BTC), ONE_BTC - shown.amount);
			// No more is sold than repays it, to the price of a base unit.
			assert_eq!(left.cash, shown.pays - owed);
			assert!(left.cash < 500);
			assert!(left.triggers.is_empty());
			assert_eq!(Margin::collateral_offer(id, BTC), None);
			assert_eq!(statement(id).for_sale_for, None);
			assert_noop!(buy(&BOB, id, BTC, 1, u128::MAX), Error::<Test>::AccountSafe);
			// What is left is its owner's.
			assert_ok!(Margin::withdraw(signed(&ALICE), 0, BTC, left.held(BTC)));
		});
	}

	/// What a part brings may be enough: the rest is the owner's to keep.
	#[test]
	fn of_a_part_that_makes_it_safe_ends_the_sale() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 45_100 * USD);
			assert_ok!(buy(&BOB, id, BTC, ONE_BTC / 10, u128::MAX));
			assert!(debt(id) > 40_000 * USD);
			assert!(!statement(id).equity.is_negative());
			assert_eq!(since(id), None);
			assert!(crossed(id).is_empty());
			assert_noop!(buy(&BOB, id, BTC, 1, u128::MAX), Error::<Test>::AccountSafe);
			assert_eq!(Margin::collateral_offer(id, BTC), None);
		});
	}

	#[test]
	fn costs_no_more_than_the_buyer_pays_at_most() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			let pays = quote(id, BTC, ONE_BTC / 3);
			assert_noop!(
				buy(&BOB, id, BTC, ONE_BTC / 3, pays - 1),
				Error::<Test>::CostsMore
			);
			assert_noop!(buy(&BOB, id, BTC, ONE_BTC / 3, 0), Error::<Test>::CostsMore);
			// The price rose in between.
			set_price(BTC, dollars(50_001));
			assert_noop!(buy(&BOB, id, BTC, ONE_BTC / 3, pays), Error::<Test>::CostsMore);
			set_price(BTC, dollars(50_000));
			assert_ok!(buy(&BOB, id, BTC, ONE_BTC / 3, pays));
		});
	}

	#[test]
	fn of_nothing_is_refused() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			assert_noop!(buy(&BOB, id, BTC, 0, u128::MAX), Error::<Test>::NothingChanged);
			// At a price of nothing it is not given away.
			set_price(BTC, FixedU128::from_inner(0));
			assert_eq!(Margin::collateral_offer(id, BTC), None);
			assert_noop!(
				buy(&BOB, id, BTC, u128::MAX, u128::MAX),
				Error::<Test>::NothingChanged
			);
		});
	}

	/// Custody and lending reserve move by what was sold and paid, and by nothing else.
	#[test]
	fn moves_what_it_says_and_nothing_else() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			pay_in(&BOB, 0, BTC, 7);
			wait(HOUR);
			refresh_prices();
			let custody = Margin::custody();
			let look = || {
				let totals = Totals::<Test>::get();
				(
					kusd(&custody),
					Assets::balance(BTC, &custody),
					Collaterals::<Test>::get()[0].total,
					(totals.idle, totals.clearing, totals.shares),
				)
			};
			let lenders = Margin::lender(CHARLIE).unwrap().worth;
			let (cash, btc, counted, (idle, clearing, shares)) = look();
			let owed = debt(id);
			let pays = quote(id, BTC, ONE_BTC / 4);
			assert_ok!(buy(&BOB, id, BTC, ONE_BTC / 4, u128::MAX));
			assert_eq!(
				look(),
				(
					cash + pays,
					btc - ONE_BTC / 4,
					counted - ONE_BTC / 4,
					(idle + pays as i128, clearing, shares)
				)
			);
			// Relief is rounded down, by two units at most.
			assert!((owed - pays..=owed - pays + 2).contains(&debt(id)));
			assert!(Margin::lender(CHARLIE).unwrap().worth >= lenders);
			let money = money();
			assert_eq!(money.lent, account(id).debt);
		});
	}

	#[test]
	fn is_open_at_every_level_of_the_breaker() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			raise(BreakerSubject::Chain, Level::Halted);
			raise(BreakerSubject::Lending, Level::Halted);
			assert_ok!(buy(&BOB, id, BTC, ONE_BTC / 2, u128::MAX));
		});
	}
}

mod is_refused {
	use super::*;

	#[test]
	fn to_whoever_does_not_sign_and_to_the_custody() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
				assert_noop!(Margin::buy_collateral(origin, id, BTC, 1, u128::MAX), BadOrigin);
			}
			assert_noop!(
				buy(&Margin::custody(), id, BTC, 1, u128::MAX),
				Error::<Test>::OwnAccount
			);
		});
	}

	#[test]
	fn to_whoever_can_not_pay() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			let nobody = AccountId::new([77; 32]);
			assert!(buy(&nobody, id, BTC, ONE_BTC / 2, u128::MAX).is_err());
			mint(KUSD, &nobody, quote(id, BTC, ONE_BTC / 2) - 1);
			let before = (account(id), Totals::<Test>::get());
			assert!(buy(&nobody, id, BTC, ONE_BTC / 2, u128::MAX).is_err());
			assert_eq!((account(id), Totals::<Test>::get()), before);
			// With all the kUSD that one has, and an account that ends with it.
			mint(KUSD, &nobody, 1);
			assert_ok!(buy(&nobody, id, BTC, ONE_BTC / 2, u128::MAX));
			assert_eq!((kusd(&nobody), Assets::balance(BTC, &nobody)), (0, ONE_BTC / 2));
		});
	}

	#[test]
	fn for_a_safe_or_unknown_account_and_for_what_it_does_not_hold() {
		ExtBuilder::default().build_and_execute(|| {
			let id = indebted(ONE_BTC, 44_000 * USD);
			assert_noop!(buy(&BOB, id, BTC, 1, u128::MAX), Error::<Test>::AccountSafe);
			assert_noop!(buy(&BOB, 99, BTC, 1, u128::MAX), Error::<Test>::UnknownAccount);
			assert_eq!(Margin::collateral_offer(99, BTC), None);
			let rich = fund(&BOB, 0, USD);
			assert_noop!(buy(&BOB, rich, KUSD, 1, u128::MAX), Error::<Test>::AccountSafe);
			set_price(BTC, dollars(48_000));
			assert_ok!(liquidate(id));
			for asset in [ETH, KUSD, USDC, 12_345] {
				assert_noop!(buy(&BOB, id, asset, 1, u128::MAX), Error::<Test>::NotHeld);
				assert_eq!(Margin::collateral_offer(id, asset), None);
			}
		});
	}

	#[test]
	fn before_a_liquidation_was_tried() {
		ExtBuilder::default().build_and_execute(|| {
			let id = indebted(ONE_BTC, 46_000 * USD);
			wait(DAY);
			assert_noop!(buy(&BOB, id, BTC, 1, u128::MAX), Error::<Test>::NotForSale);
			assert_eq!(Margin::collateral_offer(id, BTC), None);
			assert_ok!(liquidate(id));
			assert_eq!(since(id), Some(Now::get()));
			assert_ok!(buy(&BOB, id, BTC, 1, u128::MAX));
		});
	}

	#[test]
	fn while_positions_are_open() {
		ExtBuilder::default().build_and_execute(|| {
			let id = pay_in(&ALICE, 0, ETH, 4 * ONE_ETH);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
			assert_ok!(settle(id, -(1_000 * USD as i128)));
			move_mark(BTC_MARKET, dollars(42_000));
			PriceTable::mutate(|all| all.get_mut(&ETH).unwrap().since = Now::get());
			assert_noop!(buy(&BOB, id, ETH, 1, u128::MAX), Error::<Test>::PositionsOpen);
			// One that can't be closed is not gone either, and nothing is put up for sale.
			set_market(BTC_MARKET, |market| market.refused = true);
			assert_noop!(liquidate(id), refused());
			assert_noop!(buy(&BOB, id, ETH, 1, u128::MAX), Error::<Test>::PositionsOpen);
			// One that is closed in part neither.
			set_market(BTC_MARKET, |market| {
				market.refused = false;
				market.window = 4_200 * USD;
			});
			assert_ok!(liquidate(id));
			assert!(size_of(id, BTC_MARKET) > 0);
			assert_noop!(buy(&BOB, id, ETH, 1, u128::MAX), Error::<Test>::PositionsOpen);
			assert_eq!(since(id), None);
			set_market(BTC_MARKET, |market| market.window = u128::MAX);
			assert_ok!(liquidate(id));
			assert_eq!(size_of(id, BTC_MARKET), 0);
			assert_ok!(buy(&BOB, id, ETH, ONE_ETH, u128::MAX));
		});
	}

	#[test]
	fn at_a_price_that_is_not_fit_or_not_newer_than_the_last_risk() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			refuse(BTC, PriceFor::Liquidate);
			assert_noop!(buy(&BOB, id, BTC, 1, u128::MAX), refused());
			assert_eq!(Margin::collateral_offer(id, BTC), None);
			RefusedFor::set(vec![]);
			Accounts::<Test>::mutate(id, |account| account.as_mut().unwrap().changed_at = Now::get());
			assert_noop!(buy(&BOB, id, BTC, 1, u128::MAX), Error::<Test>::PriceNotNewer);
			assert_eq!(Margin::collateral_offer(id, BTC), None);
			refresh_prices();
			assert_ok!(buy(&BOB, id, BTC, 1, u128::MAX));
		});
	}

	/// Each by its own.
	#[test]
	fn whatever_other_prices_are() {
		ExtBuilder::default().build_and_execute(|| {
			pay_in(&ALICE, 0, ETH, ONE_ETH);
			let id = for_sale(ONE_BTC, 50_000 * USD);
			Accounts::<Test>::mutate(id, |account| account.as_mut().unwrap().changed_at = Now::get());
			wait(2_000);
			set_price(BTC, dollars(50_000));
			assert_ok!(buy(&BOB, id, BTC, 1, u128::MAX));
			assert_noop!(buy(&BOB, id, ETH, 1, u128::MAX), Error::<Test>::PriceNotNewer);
			refuse(BTC, PriceFor::Liquidate);
			set_price(ETH, dollars(2_500));
			assert_noop!(buy(&BOB, id, BTC, 1, u128::MAX), refused());
			assert_ok!(buy(&BOB, id, ETH, 1, u128::MAX));
		});
	}
}

mod clock {
	use super::*;

	#[test]
	fn starts_with_the_liquidation_that_finds_no_buyer() {
		ExtBuilder::default().build_and_execute(|| {
			let id = indebted(ONE_BTC, 46_000 * USD);
			assert_eq!(since(id), None);
			let before = statement(id);
			assert_eq!(liquidate(id), Ok(Default::default()));
			assert_eq!(since(id), Some(Now::get()));
			assert_eq!(statement(id).for_sale_for, Some(0));
			let events = events();
			assert_eq!(events[events.len() - 2], Event::CollateralForSale { account: id });
			assert!(matches!(
				events[events.len() - 1],
				Event::AccountLiquidated {
					debt: 0,
					collateral: 0,
					..
				}
			));
			// Nothing else happened, and it waits where it did.
			assert_eq!(statement(id).equity, before.equity);
			assert_eq!(trigger(id, Group::Deadline), Some(u128::MAX));
		});
	}

	#[test]
	fn starts_for_what_pool_and_fund_leave() {
		ExtBuilder::default().build_and_execute(|| {
			mint(KUSD, &POOL, 1_000 * USD);
			mint(KUSD, &FUND, 2_000 * USD);
			let id = indebted(ONE_BTC, 46_000 * USD);
			let outcome = liquidate(id).unwrap();
			assert!(outcome.debt > 2_999 * USD && outcome.debt <= 3_000 * USD);
			assert_eq!(since(id), Some(Now::get()));
			assert_ok!(buy(&BOB, id, BTC, u128::MAX, u128::MAX));
			assert_eq!(account(id).debt, 0);
		});
	}

	#[test]
	fn starts_whatever_else_goes() {
		ExtBuilder::default().build_and_execute(|| {
			// A rest nobody pays for, which the fund takes last.
			pay_in(&ALICE, 0, DOT, 1);
			let id = for_sale(ONE_BTC, 46_000 * USD);
			assert_eq!(Assets::balance(DOT, &FUND), 1);
			assert!(offer(id, BTC).amount > 0);
		});
	}

	/// What they paid for was enough: there is nothing to sell any more.
	#[test]
	fn does_not_start_for_an_account_that_is_safe_then() {
		ExtBuilder::default().build_and_execute(|| {
			mint(KUSD, &FUND, 20_000 * USD);
			let id = indebted(ONE_BTC, 45_500 * USD);
			assert_ok!(liquidate(id));
			assert!(account(id).debt > 0 && account(id).held(BTC) > 0);
			assert_eq!(since(id), None);
			assert!(!events()
				.iter()
				.any(|event| matches!(event, Event::CollateralForSale { .. })));
		});
	}

	/// What could not be offered to anybody did not fail to find a buyer.
	#[test]
	fn does_not_start_where_prices_are_refused() {
		ExtBuilder::default().build_and_execute(|| {
			pay_in(&ALICE, 0, ETH, ONE_ETH);
			mint(KUSD, &POOL, 1_000_000 * USD);
			let id = indebted(ONE_BTC, 60_000 * USD);
			refuse(ETH, PriceFor::Liquidate);
			assert_ok!(liquidate(id));
			assert_eq!((account(id).held(BTC), account(id).held(ETH)), (0, ONE_ETH));
			assert_eq!(since(id), None);
			assert_eq!(Margin::collateral_offer(id, ETH), None);
			assert_noop!(liquidate(id), refused());
		});
	}

	/// Once it runs, no liquidation is done for nothing, and none is sent.
	#[test]
	fn that_runs_is_no_reason_to_liquidate_again() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			let began = since(id);
			for _ in 0..3 {
				wait(2_000);
				assert_noop!(liquidate(id), Error::<Test>::NothingDone);
				assert_eq!(
					Margin::deficit(Group::Deadline, id),
					Err(Error::<Test>::NothingDone.into())
				);
			}
			// Less than a kUSD is not worth it.
			mint(KUSD, &POOL, USD - 1);
			mint(KUSD, &FUND, USD - 1);
			assert_noop!(liquidate(id), Error::<Test>::NothingDone);
			mint(KUSD, &POOL, 10_000 * USD);
			assert_ok!(Margin::deficit(Group::Deadline, id));
			assert!(liquidate(id).unwrap().absorbed > 9_999 * USD);
			// The fund pays what it has, at the same price; and the clock runs on. 5.8 % of 15,000 are not enough.
			mint(KUSD, &FUND, 5_000 * USD);
			assert!(liquidate(id).unwrap().debt > 4_999 * USD);
			assert_noop!(liquidate(id), Error::<Test>::NothingDone);
			assert_eq!(since(id), began);
		});
	}

	/// What pays for all that is left is enough, however little that is.
	#[test]
	fn that_runs_does_not_keep_small_accounts_from_a_buyer() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(1_000, USD / 2 - 30_000);
			mint(KUSD, &POOL, 1_000);
			assert_noop!(liquidate(id), Error::<Test>::NothingDone);
			mint(KUSD, &POOL, USD / 2);
			assert_ok!(liquidate(id));
			assert_eq!(account(id).debt, 0);
		});
	}

	/// A buyer that does not keep its word leaves it for sale.
	#[test]
	fn starts_where_buyers_fail() {
		ExtBuilder::default().build_and_execute(|| {
			mint(KUSD, &POOL, 1_000_000 * USD);
			mint(KUSD, &FUND, 1_000_000 * USD);
			PoolFails::set(true);
			FundFails::set(true);
			let id = for_sale(ONE_BTC, 46_000 * USD);
			assert_noop!(liquidate(id), Error::<Test>::NothingDone);
			assert_ok!(buy(&BOB, id, BTC, ONE_BTC / 2, u128::MAX));
		});
	}

	/// Whatever its owner does that does not bring the account to its requirement leaves it alone.
	#[test]
	fn is_not_set_back_by_the_owner() {
		ExtBuilder::default().build_and_execute(|| {
			fund(&ALICE, 1, 1_000 * USD);
			let id = for_sale(ONE_BTC, 46_000 * USD);
			let began = since(id);
			let owner = || signed(&ALICE);
			let paid = |sub, asset, amount| Margin::deposit(owner(), sub, asset, amount).is_ok();
			let attempts: [(&dyn Fn() -> bool, bool); 12] = [
				(&|| paid(0, KUSD, 1), true),
				(&|| paid(0, KUSD, 100 * USD), true),
				(&|| paid(0, DOT, 1), true),
				(&|| paid(0, BTC, 100), true),
				(&|| Margin::transfer(owner(), 1, 0, 10 * USD).is_ok(), true),
				(&|| Margin::transfer(owner(), 0, 1, 1).is_ok(), false),
				(&|| Margin::withdraw(owner(), 0, BTC, 1).is_ok(), false),
				(&|| Margin::withdraw(owner(), 0, DOT, 1).is_ok(), false),
				(&|| Margin::set_top_up(owner(), 0, Some((1, USD))).is_ok(), true),
				(&|| trade(id, BTC_MARKET, 1).is_ok(), false),
				(&|| Margin::close_account(owner(), 0).is_ok(), false),
				(&|| buy(&ALICE, id, BTC, 1, u128::MAX).is_ok(), true),
			];
			for (attempt, works) in attempts {
				wait(MINUTE);
				refresh_prices();
				assert_eq!(attempt(), works);
				assert_eq!(since(id), began);
				let _ = liquidate(id);
				assert_eq!(since(id), began);
				for act in [Act::Involuntary, Act::Reduced] {
					assert_ok!(acted(id, act));
				}
				assert_eq!(refresh(id), Err(Error::<Test>::AccountUnsafe.into()));
				assert_eq!(since(id), began);
			}
			assert_eq!(offer(id, BTC).price, offer(id, BTC).floor);
		});
	}

	#[test]
	fn ends_when_the_account_meets_its_requirement_again() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			hypothetically!({
				// Its owner pays in what is missing.
				fund(&ALICE, 0, 999 * USD);
				assert!(since(id).is_some());
				fund(&ALICE, 0, 2 * USD);
				assert_eq!(since(id), None);
				// From the beginning if it is short again.
				wait(DAY);
				set_price(BTC, dollars(49_000));
				assert_noop!(buy(&BOB, id, BTC, 1, u128::MAX), Error::<Test>::NotForSale);
				assert_ok!(liquidate(id));
				assert_eq!(since(id), Some(Now::get()));
				Margin::do_try_state().unwrap();
			});
			// The price does.
			wait(2_000);
			set_price(BTC, dollars(52_000));
			assert_noop!(buy(&BOB, id, BTC, 1, u128::MAX), Error::<Test>::AccountSafe);
			assert!(since(id).is_some());
			assert_ok!(refresh(id));
			assert_eq!(since(id), None);
		});
	}

	/// Debt that is repaid behind the pallet's back, by what markets owe the account.
	#[test]
	fn ends_with_the_debt() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			assert_ok!(settle(id, 1_000));
			assert!(since(id).is_some());
			assert_ok!(settle(id, 50_000 * USD as i128));
			assert_eq!(since(id), None);
			assert_ok!(acted(id, Act::Involuntary));
		});
	}

	/// Who takes on risk again had to be healthy for it, even if nobody looked at the account since.
	#[test]
	fn ends_with_a_new_position() {
		ExtBuilder::default().build_and_execute(|| {
			pay_in(&ALICE, 0, ETH, ONE_ETH);
			let id = for_sale(ONE_BTC, 50_000 * USD);
			wait(2_000);
			set_price(BTC, dollars(60_000));
			assert!(since(id).is_some());
			frame_support::storage::with_storage_layer(|| {
				give(id, ETH_MARKET, ONE_SIZE);
				act(id, Act::Opened)
			})
			.unwrap();
			assert_eq!(since(id), None);
		});
	}
}

mod deficit {
	use super::*;

	#[test]
	fn is_covered_once_when_all_collateral_is_bought() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 60_000 * USD);
			wait(10 * MINUTE);
			assert_eq!(offer(id, BTC).amount, ONE_BTC);
			assert_ok!(buy(&BOB, id, BTC, ONE_BTC / 2, u128::MAX));
			assert!(covered().is_empty());
			let owed = debt(id);
			let pays = quote(id, BTC, u128::MAX);
			assert_ok!(buy(&BOB, id, BTC, u128::MAX, u128::MAX));
			let left = account(id);
			assert!(left.collateral.is_empty() && left.triggers.is_empty());
			assert_eq!((left.cash, left.debt, left.for_sale_since), (0, 0, None));
			let [(markets, deficit)] = &covered()[..] else {
				panic!("covered once")
			};
			assert!(markets.is_empty());
			assert!((owed - pays..=owed - pays + 2).contains(deficit));
			assert!(events().contains(&Event::DeficitCovered {
				account: id,
				deficit: *deficit,
				by: keel_primitives::Waterfall {
					claim: 0,
					pool: *deficit,
					..Default::default()
				}
			}));
			assert_eq!(Margin::cover_target(), 0);
			assert_noop!(buy(&BOB, id, BTC, 1, u128::MAX), Error::<Test>::AccountSafe);
			assert_eq!(covered().len(), 1);
			assert_ok!(Margin::close_account(signed(&ALICE), 0));
		});
	}

	#[test]
	fn waits_for_the_last_collateral() {
		ExtBuilder::default().build_and_execute(|| {
			pay_in(&ALICE, 0, ETH, ONE_ETH);
			let id = for_sale(ONE_BTC, 60_000 * USD);
			assert_ok!(buy(&BOB, id, BTC, u128::MAX, u128::MAX));
			assert!(covered().is_empty());
			assert!(since(id).is_some());
			assert_ok!(buy(&CHARLIE, id, ETH, u128::MAX, u128::MAX));
			assert_eq!(covered().len(), 1);
			assert_eq!(account(id).debt, 0);
		});
	}

	/// The buyer has bought; what nobody carries now is tried again.
	#[test]
	fn that_nobody_carries_does_not_undo_the_purchase() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 60_000 * USD);
			CoverFails::set(true);
			assert_ok!(buy(&BOB, id, BTC, u128::MAX, u128::MAX));
			let owed = debt(id);
			assert!(owed > 0 && account(id).collateral.is_empty());
			assert_eq!(since(id), None);
			assert!(events().contains(&Event::CoverFailed {
				account: id,
				deficit: owed,
				error: DispatchError::Corruption
			}));
			assert_noop!(buy(&BOB, id, BTC, 1, u128::MAX), Error::<Test>::NotForSale);
			assert_noop!(liquidate(id), DispatchError::Corruption);
			CoverFails::set(false);
			assert_eq!(liquidate(id).unwrap().shortfall, owed);
		});
	}

	/// A rest that nobody pays for does not keep it waiting, though neither pool nor fund has anything.
	#[test]
	fn is_not_kept_waiting_by_dust() {
		ExtBuilder::default().build_and_execute(|| {
			// A base unit of BTC at a dollar is worth a hundredth of one of kUSD.
			set_price(BTC, dollars(1));
			let id = for_sale(1_000, 1_000);
			let amount = offer(id, BTC).amount;
			assert_eq!(amount, 1_000);
			assert_ok!(buy(&BOB, id, BTC, 999, u128::MAX));
			assert_eq!(account(id).held(BTC), 1);
			assert_ok!(liquidate(id));
			assert_eq!(Assets::balance(BTC, &FUND), 1);
			assert_eq!((account(id).debt, covered().len()), (0, 1));
		});
	}
}

mod attack {
	use super::*;

	/// The debt index has grown to a number that divides nothing.
	fn odd(id: u64) {
		wait(97 * DAY + 12_347);
		refresh_prices();
		assert!(since(id).is_some());
		assert!(money().index > keel_math::RAY);
	}

	/// `parts` purchases of `amount` against one of all of it: what each costs.
	fn in_parts(id: u64, asset: u32, amount: u128, parts: u128) -> (u128, u128) {
		let before = kusd(&BOB);
		let one = hypothetically!({
			assert_ok!(buy(&BOB, id, asset, amount * parts, u128::MAX));
			before - kusd(&BOB)
		});
		let many = hypothetically!({
			for _ in 0..parts {
				assert_ok!(buy(&BOB, id, asset, amount, u128::MAX));
			}
			before - kusd(&BOB)
		});
		(one, many)
	}

	#[test]
	fn a_thousand_parts_cost_no_less_than_the_whole() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 55_000 * USD);
			for at_floor in [false, true] {
				if at_floor {
					odd(id);
					assert_eq!(offer(id, BTC).price, offer(id, BTC).floor);
				}
				for amount in [1, 7, 33_331] {
					let (one, many) = in_parts(id, BTC, amount, 1_000);
					assert!(many >= one, "{amount}: {many} against {one}");
					assert_eq!(Assets::balance(BTC, &BOB), 1_000_000 * ONE_BTC, "nothing stayed");
				}
			}
		});
	}

	/// Where a base unit is worth a thousandth of one of kUSD, one of them costs a thousand times what a thousand do.
	#[test]
	fn what_is_worth_less_than_can_be_paid_costs_a_unit() {
		ExtBuilder::default().build_and_execute(|| {
			let id = pay_in(&ALICE, 0, DOT, 1_000 * ONE_DOT);
			assert_ok!(settle(id, -(4_600 * USD as i128)));
			assert_ok!(acted(id, Act::Involuntary));
			refresh_prices();
			assert_ok!(liquidate(id));
			odd(id);
			let (one, many) = in_parts(id, DOT, 1, 1_000);
			assert!(one <= 3 && many >= 1_000, "{one}, {many}");
		});
	}

	/// All that ALICE has beside account `id`'s debt, at the feed's prices, collateral without a haircut.
	fn wealth(id: u64) -> i128 {
		let shown = statement(id);
		let own: u128 = shown.collateral.iter().map(|holding| holding.value).sum();
		let wallet = kusd(&ALICE) + Assets::balance(BTC, &ALICE) * 500;
		(wallet + own + shown.cash) as i128 - shown.debt as i128
	}

	/// Its owner pays a debt with the same money that buys the same collateral: what she has together is what it was, or less.
	#[test]
	fn who_buys_from_herself_gains_nothing() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			wait(3 * MINUTE + 17_000);
			assert!(money().index > keel_math::RAY);
			let (before, lenders) = (wealth(id), Margin::lender(CHARLIE).unwrap().worth);
			for amount in [1, 1_000, 333_333, 20_000_000, u128::MAX] {
				assert_ok!(buy(&ALICE, id, BTC, amount, u128::MAX));
				assert!(wealth(id) <= before, "{amount}");
			}
			assert_eq!(account(id).debt, 0);
			assert!(before - wealth(id) < 20, "and what she loses is rounding");
			assert!(covered().is_empty());
			assert!(Margin::lender(CHARLIE).unwrap().worth >= lenders);
		});
	}

	/// Whoever waits until the price falls no further has nobody else pay for it: what the collateral could repay it repays.
	#[test]
	fn waiting_makes_nobody_else_pay() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 46_000 * USD);
			odd(id);
			let before = wealth(id);
			assert_ok!(buy(&ALICE, id, BTC, u128::MAX, u128::MAX));
			assert!(covered().is_empty() && account(id).debt == 0);
			assert!(wealth(id) <= before);
		});
	}

	/// Where it could not, what others cover, and so what any buyer has above its price, is no more than was missing already by what
	/// the collateral counts for.
	#[test]
	fn nobody_gains_more_than_was_missing_already() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 49_000 * USD);
			odd(id);
			let missing = -statement(id).equity;
			assert!(missing > 4_000 * USD as i128);
			let before = wealth(id);
			assert_ok!(buy(&ALICE, id, BTC, u128::MAX, u128::MAX));
			let [(_, deficit)] = &covered()[..] else {
				panic!("covered once")
			};
			assert!(wealth(id) - before <= *deficit as i128 && *deficit as i128 <= missing);
		});
	}

	/// Buying and paying in again makes nothing, whatever the price.
	#[test]
	fn going_round_in_a_circle_makes_nothing() {
		ExtBuilder::default().build_and_execute(|| {
			let id = for_sale(ONE_BTC, 55_000 * USD);
			wait(10 * MINUTE);
			refresh_prices();
			let began = wealth(id);
			let mut rounds = 0;
			while since(id).is_some() {
				assert_ok!(buy(&ALICE, id, BTC, ONE_BTC / 10, u128::MAX));
				pay_in(&ALICE, 0, BTC, ONE_BTC / 10);
				assert!(wealth(id) <= began);
				rounds += 1;
			}
			// Ten thousand were missing, and each round repaid 4,500 of them with the same collateral.
			assert_eq!(rounds, 3);
			assert!(covered().is_empty());
		});
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(128))]

		/// In whatever parts, at whatever price, haircut and index: the account is never worth less, the price never below what counts,
		/// and what is quoted is what is done.
		#[test]
		fn no_purchase_makes_the_account_worth_less(
			price in 1u128..100_000_000_000,
			haircut in 200u128..9_500,
			discount in 10u128..2_500,
			over in 0u128..30,
			steps in prop::collection::vec((0u64..200_000, 0u32..64, any::<u64>()), 1..12),
			days in 0u64..400,
		) {
			ExtBuilder::default().reserve(1_000_000_000_000 * USD / 1_000).build_and_execute(|| {
				// From a millionth to a hundred thousand dollars.
				set_price(ETH, FixedU128::from_inner(price * 1_000_000_000_000));
				set_collateral(ETH, |p| {
					p.haircut = bps(haircut);
					p.sale_discount = bps(discount);
				});
				Collaterals::<Test>::mutate(|all| {
					all[1].haircut = bps(haircut);
					all[1].haircut_target = bps(haircut);
				});
				let id = pay_in(&ALICE, 0, ETH, 9 * ONE_ETH + 7);
				let counts = statement(id).equity as u128;
				let owes = counts * (100 + over) / 100 + 1;
				assert_ok!(settle(id, -(owes as i128)));
				assert_ok!(acted(id, Act::Involuntary));
				pass(days * DAY + 2_003);
				refresh_prices();
				if liquidate(id).is_err() || since(id).is_none() {
					// Too small for anybody to buy.
					return;
				}
				for (ms, bits, part) in steps {
					wait(ms);
					PriceTable::mutate(|all| all.get_mut(&ETH).unwrap().since = Now::get());
					// Of every magnitude.
					let most = (u128::from(part) << 64) >> (64 + bits);
					let Ok(quoted) = crate::mock::offer(id, ETH, most) else {
						continue;
					};
					let (before, has) = (statement(id), kusd(&BOB));
					assert!(quoted.price >= quoted.floor && quoted.amount <= most);
					assert_ok!(buy(&BOB, id, ETH, most, quoted.pays));
					assert_eq!(has - kusd(&BOB), quoted.pays);
					let after = statement(id);
					assert!(after.equity >= before.equity, "{quoted:?} {before:?} {after:?}");
					// Nobody pays less than the least, to the exact fraction.
					let least = counts_for(quoted.amount, quoted.floor.into_inner());
					assert!(quoted.pays >= least);
					assert_ok!(Margin::do_try_state());
				}
			});
		}
	}

	/// `amount × price` of an asset with 18 decimals in base units of kUSD, rounded up.
	fn counts_for(amount: u128, price: u128) -> u128 {
		mul_div(amount, price, 10u128.pow(30), Rounding::Up).unwrap()
	}
}
