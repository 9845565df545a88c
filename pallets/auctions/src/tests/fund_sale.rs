//! Selling what the fund had to buy.

use frame_support::{assert_noop, assert_ok};
use keel_primitives::{Action, Auctions as _, BreakerSubject, Level};
use sp_runtime::{DispatchError, FixedU128};

use crate::{mock::*, Auctions as Running, Error, Event, FundSales, Kind};

/// The fund holds ten bitcoin and 1,000 kUSD of bad debt. Spot is 100.
fn burdened(test: impl FnOnce()) {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 1_000 * USD, 0);
		advance(61 * 20);
		assert_ok!(settle(id));
		assert_eq!(
			(Assets::balance(BTC, FUND), BadDebt::get()),
			(10 * BITCOIN, 1_000 * USD)
		);
		Spot::set(Some(usd(100)));
		System::reset_events();
		test();
	});
}

#[test]
fn raises_money_that_pays_bad_debt_down() {
	burdened(|| {
		let before = supply();
		assert_ok!(sell(BTC));
		let id = FundSales::<Test>::get(BTC).unwrap();
		assert_eq!(Assets::balance(BTC, FUND), 0);
		assert!(matches!(
			events()[..],
			[Event::Started { auction, kind: Kind::FundSale, debt: 0, penalty: 0, .. }] if auction == id
		));
		assert_ok!(take(ALICE, id, 5 * BITCOIN, ANY));
		assert_eq!((BadDebt::get(), supply()), (450 * USD, before - 550 * USD));
		// The rest brings more than is bad: the fund keeps it.
		assert_ok!(take(BOB, id, u128::MAX, ANY));
		assert_eq!((BadDebt::get(), supply()), (0, before - 1_000 * USD));
		assert_eq!(Assets::balance(KUSD, FUND), 100 * USD);
		assert_eq!((gained(BTC, ALICE), gained(BTC, BOB)), (5 * BITCOIN, 5 * BITCOIN));
		assert_eq!(
			events().last(),
			Some(&Event::Closed {
				auction: id,
				returned: 0,
				covered: 0,
				bad_debt: 0
			})
		);
		assert_eq!(FundSales::<Test>::get(BTC), None);
		assert_eq!(Auctions::debt(), 0);
	});
}

#[test]
fn what_is_not_sold_returns_to_the_fund() {
	burdened(|| {
		assert_ok!(sell(BTC));
		let id = FundSales::<Test>::get(BTC).unwrap();
		assert_ok!(take(ALICE, id, 3 * BITCOIN, ANY));
		let (bad_debt, before) = (BadDebt::get(), supply());
		advance(61 * 20);
		crate::mock::idle();
		assert_eq!(Assets::balance(BTC, FUND), 7 * BITCOIN);
		assert_eq!((BadDebt::get(), supply()), (bad_debt, before));
		assert_eq!(
			events().last(),
			Some(&Event::Settled {
				auction: id,
				collateral: 7 * BITCOIN,
				returned: 0,
				covered: 0,
				bad_debt: 0
			})
		);
		// And may be sold again.
		assert_ok!(sell(BTC));
	});
}

#[test]
fn one_sale_of_an_asset_at_a_time() {
	burdened(|| {
		assert_ok!(sell(BTC));
		assert_noop!(sell(BTC), Error::<Test>::SaleRunning);
		// The fund buys more while the sale runs: that waits for the next one.
		assert_ok!(Assets::transfer(RuntimeOrigin::signed(ALICE), BTC, FUND, BITCOIN));
		assert_noop!(sell(BTC), Error::<Test>::SaleRunning);
		let id = FundSales::<Test>::get(BTC).unwrap();
		assert_ok!(take(BOB, id, u128::MAX, ANY));
		assert_ok!(sell(BTC));
		let id = FundSales::<Test>::get(BTC).unwrap();
		assert_eq!(Running::<Test>::get(id).unwrap().collateral, BITCOIN);
	});
}

#[test]
fn nobody_can_slow_it_down_by_offering_a_part() {
	// Whatever it is worth: a fortune, or less than a sale's smallest rest.
	for price in [1_000_000, 100, 1] {
		burdened(|| {
			Spot::set(Some(usd(price)));
			let held = Assets::balance(BTC, FUND);
			assert_ok!(sell(BTC));
			let id = FundSales::<Test>::get(BTC).unwrap();
			assert_eq!(Running::<Test>::get(id).unwrap().collateral, held);
			assert_eq!(Assets::balance(BTC, FUND), 0);
		});
	}
}

#[test]
fn follows_the_price_and_the_parameters_of_its_start() {
	burdened(|| {
		Spot::set(Some(usd(80)));
		assert_ok!(sell(BTC));
		let auction = Running::<Test>::get(FundSales::<Test>::get(BTC).unwrap()).unwrap();
		assert_eq!((auction.start_price, auction.reserve_price), (usd(88), usd(48)));
		assert_eq!((auction.feed, auction.branch), (2, 1));
	});
}

#[test]
fn fails_without_a_price() {
	burdened(|| {
		Spot::set(None);
		assert_noop!(sell(BTC), DispatchError::Other("price too old"));
	});
}

#[test]
fn fails_for_what_the_fund_does_not_have() {
	burdened(|| {
		assert_noop!(sell(ETH), Error::<Test>::UnknownCollateral);
		assert_noop!(sell(KUSD), Error::<Test>::UnknownCollateral);
		assert_noop!(
			Auctions::sell_fund_collateral(RuntimeOrigin::signed(ALICE), 2, BTC),
			Error::<Test>::UnknownCollateral
		);
		assert_noop!(
			Auctions::sell_fund_collateral(RuntimeOrigin::root(), 1, BTC),
			DispatchError::BadOrigin
		);
		assert_ok!(sell(BTC));
		let id = FundSales::<Test>::get(BTC).unwrap();
		assert_ok!(take(ALICE, id, u128::MAX, ANY));
		assert_noop!(sell(BTC), Error::<Test>::FundHoldsNone);
	});
}

#[test]
fn fails_where_the_parameters_make_no_curve() {
	burdened(|| {
		Branch::mutate(|p| p.auction_cut = FixedU128::from_u32(2));
		assert_noop!(sell(BTC), Error::<Test>::InvalidParameters);
	});
}

#[test]
fn leaves_no_dust() {
	burdened(|| {
		assert_ok!(sell(BTC));
		let id = FundSales::<Test>::get(BTC).unwrap();
		assert_noop!(take(ALICE, id, 10 * BITCOIN - 1, ANY), Error::<Test>::DustLeft);
		assert_ok!(take(ALICE, id, 9 * BITCOIN, ANY));
		assert_ok!(take(ALICE, id, BITCOIN, ANY));
	});
}

mod breaker {
	use super::*;

	#[test]
	fn is_asked_for_the_branch_before_a_sale() {
		burdened(|| {
			assert_eq!(Asked::get(), vec![], "nobody asks to liquidate or to settle");
			assert_ok!(sell(BTC));
			assert_eq!(
				Asked::get(),
				vec![(BreakerSubject::Branch(1), Action::Discretionary)]
			);
		});
	}

	#[test]
	fn lets_a_sale_start_up_to_guarded() {
		for (level, open) in [
			(Level::Normal, true),
			(Level::Guarded, true),
			(Level::ReduceOnly, false),
			(Level::Halted, false),
		] {
			burdened(|| {
				BreakerLevel::set(level);
				if open {
					assert_ok!(sell(BTC));
					return;
				}
				assert_noop!(sell(BTC), DispatchError::Other("breaker raised"));
				assert_eq!(Assets::balance(BTC, FUND), 10 * BITCOIN);
				// It was only put off.
				BreakerLevel::set(Level::Normal);
				assert_ok!(sell(BTC));
			});
		}
	}

	#[test]
	fn stops_nothing_else_at_any_level() {
		for level in [Level::Guarded, Level::ReduceOnly, Level::Halted] {
			burdened(|| {
				assert_ok!(sell(BTC));
				let sale = FundSales::<Test>::get(BTC).unwrap();
				Asked::set(vec![]);
				BreakerLevel::set(level);
				// A sale that runs, and an auction that starts.
				assert_ok!(take(ALICE, sale, BITCOIN, ANY));
				let (one, two) = (start(BITCOIN, 50 * USD, 0), start(BITCOIN, 50 * USD, 0));
				assert_ok!(take(BOB, one, u128::MAX, ANY));
				assert_ok!(Assets::block(RuntimeOrigin::signed(ISSUER), BTC, OWNER));
				advance(7_200);
				assert_ok!(settle(two));
				idle();
				assert_eq!(Running::<Test>::iter().count(), 0);
				assert_ok!(Assets::thaw(RuntimeOrigin::signed(ISSUER), BTC, OWNER));
				assert_ok!(claim(OWNER, BTC));
				assert_eq!(Asked::get(), vec![], "at {level:?}");
			});
		}
	}
}
