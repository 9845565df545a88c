//! Selling what the fund had to buy.

use frame_support::{assert_noop, assert_ok};
use keel_primitives::{Action, Auctions as _, BreakerSubject, Fuse, Level};
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

/// The amount is not the caller's to choose: a quarter of what the fund holds, at least 100,000 kUSD worth,
/// and all where less than that would be left.
#[test]
fn offers_a_portion_that_is_worth_a_sale() {
	for (price, sold) in [
		// Ten million: a quarter.
		(1_000_000, 10 * BITCOIN / 4),
		// 300,000: a third of it is worth the least portion.
		(30_000, 333_333_334),
		// 150,000: what would be left is worth less than that.
		(15_000, 10 * BITCOIN),
		(100, 10 * BITCOIN),
		(1, 10 * BITCOIN),
	] {
		burdened(|| {
			Spot::set(Some(usd(price)));
			assert_ok!(sell(BTC));
			let id = FundSales::<Test>::get(BTC).unwrap();
			assert_eq!(Running::<Test>::get(id).unwrap().collateral, sold, "at {price}");
			assert_eq!(Assets::balance(BTC, FUND), 10 * BITCOIN - sold);
		});
	}
}

/// What the fund bought is saleable, however it came by it: no auction of the asset ever ran, and no branch
/// takes it. 30,000 USDC from a margin account.
#[test]
fn needs_no_branch_and_no_earlier_auction() {
	ExtBuilder::default().build_and_execute(|| {
		LiveBranch::set(None);
		Spot::set(Some(usd(1)));
		let usdc = 30_000 * 10_000_000_000;
		assert_ok!(Assets::transfer(RuntimeOrigin::signed(ALICE), DOT, FUND, usdc));
		assert_ok!(sell(DOT));
		let auction = Running::<Test>::get(FundSales::<Test>::get(DOT).unwrap()).unwrap();
		assert_eq!(
			(auction.collateral, auction.branch, auction.feed),
			(usdc, None, DOT)
		);
		// The pallet's own curve: 110 % to 60 %.
		assert_eq!(
			(auction.start_price, auction.reserve_price),
			(FixedU128::from_rational(11, 10), FixedU128::from_rational(6, 10))
		);
		assert_eq!(Asked::get(), vec![(BreakerSubject::Chain, Action::Discretionary)]);
		assert_eq!(Auctions::running(None, 0, 9).auctions.len(), 1);
	});
}

/// A sale that can wait does not start in a fall or a spike: spot within 2 % of its average, either way.
#[test]
fn waits_until_the_price_is_calm() {
	for (average, calm) in [
		(100, true),
		(102, true),
		(103, false),
		(97, false),
		(99, true),
		(500, false),
	] {
		burdened(|| {
			Average::set(Some(usd(average)));
			if calm {
				assert_ok!(sell(BTC));
			} else {
				assert_noop!(sell(BTC), Error::<Test>::PriceNotCalm);
			}
		});
	}
	burdened(|| {
		Average::set(Some(usd(0)));
		assert_noop!(sell(BTC), Error::<Test>::PriceNotCalm);
	});
}

mod by_rule {
	use super::*;
	use crate::{NextSales, WeightInfo, SELL_EVERY_MS};

	/// Nobody calls: the block sells what the fund holds, and the proceeds pay bad debt down.
	#[test]
	fn the_block_sells_what_is_fit_and_calm() {
		burdened(|| {
			idle_and_sell();
			let id = FundSales::<Test>::get(BTC).unwrap();
			assert_eq!(NextSales::<Test>::get(), Now::get() + SELL_EVERY_MS);
			assert_ok!(take(ALICE, id, u128::MAX, ANY));
			assert_eq!(BadDebt::get(), 0);
			assert_eq!(Assets::balance(KUSD, FUND), 100 * USD);
		});
	}

	#[test]
	fn what_can_not_be_sold_waits_and_holds_up_nothing_else() {
		burdened(|| {
			Spot::set(None);
			idle_and_sell();
			assert_eq!(FundSales::<Test>::iter().count(), 0);
			Spot::set(Some(usd(100)));
			// Not before a minute is over.
			advance(59);
			idle_and_sell();
			assert_eq!(FundSales::<Test>::iter().count(), 0);
			assert_ok!(Assets::transfer(RuntimeOrigin::signed(ALICE), ETH, FUND, 1_000));
			assert_ok!(Assets::freeze_asset(RuntimeOrigin::signed(ISSUER), BTC));
			advance(1);
			idle_and_sell();
			assert!(!FundSales::<Test>::contains_key(BTC));
			assert!(FundSales::<Test>::contains_key(ETH));
			assert_eq!(Assets::balance(BTC, FUND), 10 * BITCOIN);
		});
	}

	#[test]
	fn a_halted_branch_or_chain_holds_it() {
		burdened(|| {
			BreakerLevel::set(Level::ReduceOnly);
			idle_and_sell();
			assert_eq!(FundSales::<Test>::iter().count(), 0);
		});
	}

	#[test]
	fn spends_no_more_than_it_is_given_and_goes_on_in_the_next_block() {
		use frame_support::traits::Hooks;
		burdened(|| {
			assert_ok!(Assets::transfer(RuntimeOrigin::signed(ALICE), ETH, FUND, 1_000));
			let limit = <() as WeightInfo>::settle_due(0).saturating_add(<() as WeightInfo>::sell_due(1));
			assert!(Auctions::on_idle(1, limit).all_lte(limit));
			assert_eq!(FundSales::<Test>::iter().count(), 1);
			assert_eq!(NextSales::<Test>::get(), 0, "it was not through");
			idle_and_sell();
			assert_eq!(FundSales::<Test>::iter().count(), 2);
		});
	}

	/// A portion after the other, until nothing is left, however often nobody buys.
	#[test]
	fn sells_all_of_it_in_the_end() {
		burdened(|| {
			Spot::set(Some(usd(1_000_000)));
			let mut sales = 0;
			while Assets::balance(BTC, FUND) > 0 || FundSales::<Test>::contains_key(BTC) {
				idle_and_sell();
				if let Some(id) = FundSales::<Test>::get(BTC) {
					if sales == 2 {
						// Unsold: it comes back and is offered again.
						advance(7_200);
						idle_and_sell();
					} else {
						assert_ok!(take(ALICE, id, u128::MAX, ANY));
					}
					sales += 1;
				}
				advance(60);
				assert!(sales < 40, "it does not end");
			}
			assert_eq!(gained(BTC, ALICE), 10 * BITCOIN);
		});
	}
}

/// Root's door for what has no price.
mod at_a_named_price {
	use super::*;
	use frame_support::storage::with_storage_layer;

	fn sell_at(price: FixedU128) -> sp_runtime::DispatchResult {
		with_storage_layer(|| Auctions::sell_fund_collateral_at(RuntimeOrigin::root(), BTC, price))
	}

	#[test]
	fn sells_all_of_it_on_the_same_curve_at_any_level() {
		burdened(|| {
			Spot::set(None);
			// A feed without a price holds its branch.
			BreakerLevel::set(Level::Halted);
			assert_ok!(sell_at(usd(80)));
			let auction = Running::<Test>::get(FundSales::<Test>::get(BTC).unwrap()).unwrap();
			assert_eq!(auction.collateral, 10 * BITCOIN);
			assert_eq!((auction.start_price, auction.reserve_price), (usd(88), usd(48)));
			assert_noop!(sell_at(usd(80)), Error::<Test>::SaleRunning);
		});
	}

	#[test]
	fn is_closed_while_the_feed_has_one() {
		burdened(|| {
			assert_noop!(sell_at(usd(80)), Error::<Test>::PriceIsKnown);
			Spot::set(None);
			assert_noop!(sell_at(usd(0)), Error::<Test>::InvalidParameters);
			assert_noop!(
				Auctions::sell_fund_collateral_at(RuntimeOrigin::signed(ALICE), BTC, usd(80)),
				DispatchError::BadOrigin
			);
			assert_noop!(
				Auctions::sell_fund_collateral_at(RuntimeOrigin::root(), KUSD, usd(1)),
				DispatchError::Other("not registered")
			);
			assert_noop!(
				Auctions::sell_fund_collateral_at(RuntimeOrigin::root(), ETH, usd(1)),
				Error::<Test>::FundHoldsNone
			);
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
		assert_eq!((auction.feed, auction.branch), (2, Some(1)));
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
		assert_noop!(sell(ETH), Error::<Test>::FundHoldsNone);
		assert_noop!(sell(KUSD), DispatchError::Other("not registered"));
		assert_noop!(
			Auctions::sell_fund_collateral(RuntimeOrigin::root(), BTC),
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

	/// The remedy does not wait for the illness: what the drawdown alone holds is open.
	#[test]
	fn lets_a_sale_start_that_the_drawdown_alone_holds() {
		for (held_by, open) in [
			(None, false),
			(Some(Fuse::Drawdown), true),
			(Some(Fuse::PriceDeviation), false),
		] {
			burdened(|| {
				BreakerLevel::set(Level::Halted);
				HeldBy::set(held_by);
				assert_eq!(sell(BTC).is_ok(), open, "{held_by:?}");
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

/// Kind: what is sold at the price of the bottom after it has risen. Nothing of the fund's goes below its
/// reserve share of the price of now; a feed without a price refuses nothing.
#[test]
fn is_not_sold_at_a_price_that_is_overtaken() {
	burdened(|| {
		assert_ok!(sell(BTC));
		let id = FundSales::<Test>::get(BTC).unwrap();
		// From 110 at a spot of 100; the reserve is 60 %.
		Spot::set(Some(usd(300)));
		assert_noop!(take(ALICE, id, BITCOIN, ANY), Error::<Test>::PriceOvertaken);
		Spot::set(Some(usd(150)));
		assert_ok!(take(ALICE, id, BITCOIN, ANY));
		Spot::set(None);
		assert_ok!(take(ALICE, id, BITCOIN, ANY));
	});
}
