//! Liquidations: what goes first, how much, who buys, who carries what is missing.

use super::*;
use keel_primitives::Waterfall;

/// A long of one BTC with this much cash, its mark at 47,000.
fn fallen(cash: u128) -> u64 {
	let id = fund(&ALICE, 0, cash);
	assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
	move_mark(BTC_MARKET, dollars(47_000));
	id
}

/// An account that owes `debt` against `amount` of BTC at 50,000, every price newer than its last risk.
fn indebted(amount: u128, debt: u128) -> u64 {
	let id = pay_in(&ALICE, 0, BTC, amount);
	assert_ok!(settle(id, -(debt as i128)));
	assert_ok!(acted(id, Act::Involuntary));
	refresh_prices();
	id
}

#[test]
fn a_safe_account_is_left_alone() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen(5_700 * USD);
		assert_eq!(
			Margin::deficit(line(id), id),
			Err(Error::<Test>::AccountSafe.into())
		);
		assert_eq!(liquidate(id), Err(Error::<Test>::AccountSafe.into()));
		assert_eq!(liquidate(99), Err(Error::<Test>::UnknownAccount.into()));
	});
}

/// What a liquidation brings account `id` to.
fn restored(id: u64) -> i128 {
	(statement(id).maintenance * 12 / 10) as i128
}

#[test]
fn the_smallest_part_that_restores_is_closed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen(5_300 * USD);
		// 2,300 is left, 2,350 is required, 4,700 to begin with.
		let maintenance = statement(id).maintenance;
		assert_eq!(Margin::deficit(line(id), id), Ok(maintenance - 2_300 * USD));
		let outcome = liquidate(id).unwrap();
		// x: 2,300 − 470·x ≥ 1.2·2,350·(1 − x): 23 hundredths, whatever new risk would need.
		assert_eq!(outcome.closed, 47_000 * USD * 23 / 100);
		assert_eq!(size_of(id, BTC_MARKET), ONE_SIZE * 77 / 100);
		assert!(statement(id).equity >= restored(id));
		assert_eq!((outcome.debt, outcome.collateral, outcome.shortfall), (0, 0, 0));
		let now = statement(id);
		assert_eq!(
			last_event(),
			Event::AccountLiquidated {
				account: id,
				owner: ALICE,
				closed: outcome.closed,
				fees: outcome.closed / 100,
				collateral: 0,
				debt: 0,
				absorbed: 0,
				shortfall: 0,
				equity: now.equity,
				maintenance: now.maintenance
			}
		);
		assert_eq!(now.equity, (2_300 * USD - outcome.closed / 100) as i128);
		assert!(crossed(id).is_empty());
		assert_eq!(liquidate(id), Err(Error::<Test>::AccountSafe.into()));
	});
}

#[test]
fn the_largest_requirement_goes_first_and_nothing_more_than_needed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 15_000 * USD);
		assert_ok!(trade(id, ETH_MARKET, 4 * ONE_SIZE));
		assert_ok!(trade(id, BTC_MARKET, 2 * ONE_SIZE));
		move_mark(BTC_MARKET, dollars(44_990));
		set_mark(ETH_MARKET, dollars(2_500));
		// 4,980 is left, 4,499 + 500 required.
		assert!(Margin::deficit(line(id), id).is_ok());
		assert_ok!(liquidate(id));
		assert_eq!(size_of(id, ETH_MARKET), 4 * ONE_SIZE);
		// Two ninths of 2 BTC, and a little for the fee.
		assert!((150..160).contains(&(size_of(id, BTC_MARKET) * 100 / ONE_SIZE)));
		let least = restored(id);
		assert!((least..least + 20 * USD as i128).contains(&statement(id).equity));
	});
}

#[test]
fn a_market_that_refuses_is_skipped() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 15_000 * USD);
		assert_ok!(trade(id, ETH_MARKET, 4 * ONE_SIZE));
		assert_ok!(trade(id, BTC_MARKET, 2 * ONE_SIZE));
		move_mark(BTC_MARKET, dollars(44_700));
		set_mark(ETH_MARKET, dollars(2_500));
		set_market(BTC_MARKET, |market| market.refused = true);
		assert_ok!(liquidate(id));
		assert_eq!(
			(size_of(id, ETH_MARKET), size_of(id, BTC_MARKET)),
			(0, 2 * ONE_SIZE)
		);
		// Nothing else can be closed now, and nothing is owed.
		assert_eq!(liquidate(id), Err(refused()));
	});
}

#[test]
fn a_full_window_closes_a_part_now_and_the_rest_later() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen(5_100 * USD);
		set_market(BTC_MARKET, |market| market.window = 4_700 * USD);
		assert_eq!(liquidate(id).unwrap().closed, 4_700 * USD);
		assert_eq!(size_of(id, BTC_MARKET), ONE_SIZE * 9 / 10);
		assert_eq!(crossed(id), [Group::SoleLong(BTC_MARKET)]);
		assert_noop!(liquidate(id), DispatchError::Exhausted);
		set_market(BTC_MARKET, |market| market.window = u128::MAX);
		assert_ok!(liquidate(id));
		assert!(statement(id).equity >= restored(id));
	});
}

#[test]
fn no_price_up_to_the_last_risk_liquidates() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 5_100 * USD);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		// A price of the moment of the act itself.
		set_mark(BTC_MARKET, dollars(47_000));
		assert_eq!(
			Margin::deficit(line(id), id),
			Err(Error::<Test>::PriceNotNewer.into())
		);
		assert_eq!(liquidate(id), Err(Error::<Test>::PriceNotNewer.into()));
		move_mark(BTC_MARKET, dollars(47_000));
		assert_ok!(liquidate(id));
	});
}

#[test]
fn orders_go_first_and_what_they_held_is_no_more_than_it_was() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen(5_300 * USD);
		order(id, 100 * USD);
		assert_eq!(statement(id).held_for_orders, 100 * USD);
		let equity = statement(id).equity;
		let outcome = liquidate(id).unwrap();
		assert_eq!((trader(id).orders, statement(id).held_for_orders), (0, 0));
		assert!(outcome.closed > 0 && statement(id).equity < equity);
	});
}

mod collateral {
	use super::*;

	#[test]
	fn is_sold_to_the_stability_pool_for_just_what_is_owed() {
		ExtBuilder::default().build_and_execute(|| {
			mint(KUSD, &POOL, 1_000_000 * USD);
			let id = indebted(ONE_BTC, 46_000 * USD);
			assert_eq!(
				Margin::deficit(line(id), id),
				Ok(1_000 * USD + debt(id) - 46_000 * USD)
			);
			let owed = debt(id);
			let outcome = liquidate(id).unwrap();
			assert_eq!(
				(outcome.debt, outcome.absorbed, outcome.shortfall),
				(owed, owed, 0)
			);
			// 50,000 over 1.05 a unit.
			let sold = ONE_BTC - account(id).held(BTC);
			assert_eq!(sold, 96_600_001);
			assert_eq!(Assets::balance(BTC, &POOL), sold);
			assert_eq!(account(id).debt, 0);
			assert!(account(id).cash < 1_000);
			assert!(account(id).triggers.is_empty());
			assert_eq!(money().lent, 0);
		});
	}

	#[test]
	fn goes_to_the_fund_where_the_pool_has_no_more() {
		ExtBuilder::default().build_and_execute(|| {
			mint(KUSD, &POOL, 10_000 * USD);
			mint(KUSD, &FUND, 1_000_000 * USD);
			let id = indebted(ONE_BTC, 46_000 * USD);
			let owed = debt(id);
			let outcome = liquidate(id).unwrap();
			assert_eq!(outcome.debt, owed);
			assert!(outcome.absorbed <= 10_000 * USD && outcome.absorbed > 9_999 * USD);
			assert_eq!(account(id).debt, 0);
			let (pool, fund) = (Assets::balance(BTC, &POOL), Assets::balance(BTC, &FUND));
			assert_eq!(pool + fund + account(id).held(BTC), ONE_BTC);
			assert!(pool > 20_000_000 && fund > 70_000_000);
			assert!(matches!(
				events()[events().len() - 2],
				Event::CollateralSold {
					to_pool: false,
					asset: BTC,
					..
				}
			));
		});
	}

	#[test]
	fn that_nobody_buys_stays_and_is_tried_again() {
		ExtBuilder::default().build_and_execute(|| {
			let id = indebted(ONE_BTC, 46_000 * USD);
			// For sale to anybody from now on, which is done once.
			assert_eq!(liquidate(id), Ok(Default::default()));
			assert_noop!(liquidate(id), Error::<Test>::NothingDone);
			mint(KUSD, &FUND, 10_000 * USD);
			// Part of it, and then again.
			let outcome = liquidate(id).unwrap();
			assert!(outcome.debt > 9_999 * USD);
			assert!(account(id).debt > 0 && account(id).held(BTC) > 0);
		});
	}

	#[test]
	fn a_buyer_that_fails_leaves_it_to_the_next() {
		ExtBuilder::default().build_and_execute(|| {
			mint(KUSD, &POOL, 1_000_000 * USD);
			mint(KUSD, &FUND, 1_000_000 * USD);
			PoolFails::set(true);
			let id = indebted(ONE_BTC, 46_000 * USD);
			let outcome = liquidate(id).unwrap();
			assert_eq!((outcome.absorbed, Assets::balance(BTC, &POOL)), (0, 0));
			assert_eq!(kusd(&POOL), 1_000_000 * USD);
			assert_eq!(account(id).debt, 0);
		});
	}

	#[test]
	fn what_counts_most_is_sold_first() {
		ExtBuilder::default().build_and_execute(|| {
			mint(KUSD, &POOL, 1_000_000 * USD);
			let id = pay_in(&ALICE, 0, ETH, 4 * ONE_ETH);
			pay_in(&ALICE, 0, DOT, 100 * ONE_DOT);
			let id = {
				indebted(ONE_BTC, 54_500 * USD);
				id
			};
			assert_ok!(liquidate(id));
			// All of the BTC, some of the ETH, none of the DOT.
			assert_eq!((account(id).held(BTC), account(id).held(DOT)), (0, 100 * ONE_DOT));
			assert!(account(id).held(ETH) < 4 * ONE_ETH && account(id).held(ETH) > 0);
			assert_eq!(account(id).debt, 0);
		});
	}

	#[test]
	fn is_not_sold_while_positions_can_be_closed() {
		ExtBuilder::default().build_and_execute(|| {
			mint(KUSD, &POOL, 1_000_000 * USD);
			let id = pay_in(&ALICE, 0, ETH, 4 * ONE_ETH);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
			// 9,000 counts, 6,700 is lost, 2,165 required.
			move_mark(BTC_MARKET, dollars(43_100));
			assert_ok!(liquidate(id));
			assert_eq!(account(id).held(ETH), 4 * ONE_ETH);
			assert!(account(id).debt > 0);
			assert!(statement(id).equity >= restored(id));
		});
	}

	#[test]
	fn is_sold_for_what_is_owed_where_no_position_can_be_closed() {
		ExtBuilder::default().build_and_execute(|| {
			mint(KUSD, &POOL, 1_000_000 * USD);
			let id = pay_in(&ALICE, 0, ETH, 4 * ONE_ETH);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
			assert_ok!(settle(id, -(1_000 * USD as i128)));
			move_mark(BTC_MARKET, dollars(44_000));
			PriceTable::mutate(|all| all.get_mut(&ETH).unwrap().since = Now::get());
			set_market(BTC_MARKET, |market| market.refused = true);
			let (before, owed) = (statement(id).equity, debt(id));
			let outcome = liquidate(id).unwrap();
			assert_eq!((outcome.debt, outcome.closed), (owed, 0));
			// Sold for more than it counted: the account is worth no less.
			assert!(statement(id).equity >= before);
			assert_eq!(account(id).debt, 0);
		});
	}

	#[test]
	fn is_never_sold_for_less_than_it_counts() {
		ExtBuilder::default().build_and_execute(|| {
			mint(KUSD, &POOL, 1_000_000 * USD);
			set_collateral(BTC, |p| p.sale_discount = percent(50));
			let id = indebted(ONE_BTC, 45_100 * USD);
			let before = statement(id).equity;
			assert_ok!(liquidate(id));
			assert!(statement(id).equity >= before);
		});
	}

	#[test]
	fn with_a_refused_or_old_price_is_kept() {
		ExtBuilder::default().build_and_execute(|| {
			mint(KUSD, &POOL, 1_000_000 * USD);
			let id = indebted(ONE_BTC, 46_000 * USD);
			Accounts::<Test>::mutate(id, |account| account.as_mut().unwrap().changed_at = Now::get());
			assert_noop!(liquidate(id), Error::<Test>::PriceNotNewer);
			refresh_prices();
			refuse(BTC, PriceFor::Liquidate);
			assert_noop!(liquidate(id), refused());
			RefusedFor::set(vec![]);
			assert_ok!(liquidate(id));
		});
	}

	#[test]
	fn of_no_value_goes_to_the_fund_and_does_not_stop_a_cover() {
		ExtBuilder::default().build_and_execute(|| {
			pay_in(&ALICE, 0, DOT, 1);
			set_price(BTC, dollars(1));
			mint(KUSD, &POOL, 1_000_000 * USD);
			let id = indebted(100, 1_000);
			assert_ok!(liquidate(id));
			assert!(account(id).collateral.is_empty());
			assert_eq!((account(id).debt, Assets::balance(DOT, &FUND)), (0, 1));
			assert_eq!(covered().len(), 1);
		});
	}
}

mod shortfall {
	use super::*;

	#[test]
	fn is_covered_by_the_markets_it_was_in() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fund(&ALICE, 0, 5_100 * USD);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
			move_mark(BTC_MARKET, dollars(40_000));
			let outcome = liquidate(id).unwrap();
			// 4,900 of loss beyond its cash, and the fee.
			assert_eq!(outcome.shortfall, 4_900 * USD + 400 * USD);
			assert_eq!(covered(), vec![(vec![BTC_MARKET], outcome.shortfall)]);
			assert_eq!((account(id).cash, account(id).debt), (0, 0));
			assert!(account(id).triggers.is_empty());
			assert!(events().contains(&Event::DeficitCovered {
				account: id,
				deficit: outcome.shortfall,
				by: Waterfall {
					claim: 0,
					pool: outcome.shortfall,
					..Default::default()
				}
			}));
			assert_eq!(money().idle, 10_000_000 * USD as i128);
			assert_eq!(Margin::cover_target(), 0);
			assert_ok!(Margin::close_account(signed(&ALICE), 0));
		});
	}

	#[test]
	fn comes_after_all_collateral() {
		ExtBuilder::default().build_and_execute(|| {
			mint(KUSD, &POOL, 1_000_000 * USD);
			let id = indebted(ONE_BTC, 60_000 * USD);
			let owed = debt(id);
			let outcome = liquidate(id).unwrap();
			// 50,000 / 1.05.
			assert_eq!(outcome.debt, 47_619_047_619);
			assert_eq!(outcome.collateral, 50_000 * USD);
			// What is relieved is rounded down.
			assert!((0..=1).contains(&(outcome.shortfall + outcome.debt - owed)));
			assert!(account(id).collateral.is_empty());
			assert_eq!(account(id).debt, 0);
		});
	}

	#[test]
	fn that_nobody_carries_does_not_stop_the_closing() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fund(&ALICE, 0, 5_100 * USD);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
			move_mark(BTC_MARKET, dollars(40_000));
			CoverFails::set(true);
			let outcome = liquidate(id).unwrap();
			assert_eq!((outcome.shortfall, size_of(id, BTC_MARKET)), (0, 0));
			assert_eq!(debt(id), 5_300 * USD);
			assert!(events().contains(&Event::CoverFailed {
				account: id,
				deficit: 5_300 * USD,
				error: DispatchError::Corruption
			}));
			assert_noop!(liquidate(id), DispatchError::Corruption);
			CoverFails::set(false);
			CoverForgets::set(true);
			assert_noop!(liquidate(id), Error::<Test>::DeficitNotCovered);
			CoverForgets::set(false);
			assert_eq!(liquidate(id).unwrap().shortfall, debt(id) + 5_300 * USD);
		});
	}

	#[test]
	fn waits_for_positions_that_can_not_be_closed() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fund(&ALICE, 0, 6_000 * USD);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
			assert_ok!(trade(id, DOT_MARKET, ONE_SIZE));
			move_mark(BTC_MARKET, dollars(40_000));
			assert_ok!(liquidate(id));
			assert_eq!(size_of(id, BTC_MARKET), 0);
			assert!(covered().is_empty());
			set_mark(DOT_MARKET, dollars(5));
			assert_ok!(liquidate(id));
			assert_eq!(covered().len(), 1);
		});
	}
}

/// What validation, worker, dispatch and view ask.
mod question {
	use super::*;

	fn first(id: u64) -> Result<FirstStep, DispatchError> {
		Margin::can_liquidate(id).map(|view| view.first)
	}

	#[test]
	fn knows_the_window() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fallen(5_100 * USD);
			set_market(BTC_MARKET, |market| market.window = 0);
			let full = DispatchError::Exhausted;
			assert_eq!(Margin::deficit(line(id), id), Err(full));
			assert_eq!(first(id), Err(full));
			assert_noop!(liquidate(id), full);
			set_market(BTC_MARKET, |market| market.window = 4_700 * USD);
			let view = Margin::can_liquidate(id).unwrap();
			assert_eq!(Ok(view.deficit), Margin::deficit(line(id), id));
			assert_eq!(
				view.first,
				FirstStep::Close {
					market: BTC_MARKET,
					notional: 4_700 * USD,
					fee: 47 * USD
				}
			);
			assert_eq!(liquidate(id).unwrap().closed, 4_700 * USD);
		});
	}

	#[test]
	fn is_nothing_for_one_that_is_safe_or_unknown() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fallen(5_400 * USD);
			order(id, 100 * USD);
			assert_eq!(first(id), Err(Error::<Test>::AccountSafe.into()));
			assert_eq!(first(99), Err(Error::<Test>::UnknownAccount.into()));
		});
	}

	/// A price that is refused is no reason to try: collateral beside it is sold only to somebody who can
	/// pay.
	#[test]
	fn needs_a_buyer_beside_positions_that_can_not_be_closed() {
		ExtBuilder::default().build_and_execute(|| {
			let id = pay_in(&ALICE, 0, ETH, 20 * ONE_ETH);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
			assert_ok!(settle(id, -(43_000 * USD as i128)));
			assert_ok!(acted(id, Act::Involuntary));
			refresh_prices();
			move_mark(BTC_MARKET, dollars(49_000));
			set_market(BTC_MARKET, |market| market.refused = true);
			assert_eq!(first(id), Err(refused()));
			assert_noop!(liquidate(id), refused());
			mint(KUSD, &POOL, 10_000 * USD);
			let owed = debt(id);
			assert_eq!(first(id), Ok(FirstStep::SellCollateral { owed }));
			assert!(liquidate(id).unwrap().debt > 9_999 * USD);
			assert_eq!(first(id), Err(refused()));
			assert_noop!(liquidate(id), refused());
		});
	}

	#[test]
	fn says_what_comes_when_positions_are_closed() {
		ExtBuilder::default().build_and_execute(|| {
			let id = indebted(ONE_BTC, 60_000 * USD);
			let owed = debt(id);
			assert_eq!(first(id), Ok(FirstStep::OfferCollateral { owed }));
			assert_ok!(liquidate(id));
			assert_eq!(first(id), Err(Error::<Test>::NothingDone.into()));
			mint(KUSD, &FUND, 1_000_000 * USD);
			assert_eq!(first(id), Ok(FirstStep::SellCollateral { owed: debt(id) }));
			CoverFails::set(true);
			assert_ok!(liquidate(id));
			assert_eq!(first(id), Ok(FirstStep::Cover { owed: debt(id) }));
			CoverFails::set(false);
			assert_ok!(liquidate(id));
		});
	}

	/// The account has 750 left and a loss of 10,000 in a market that came to its end, which requires
	/// nothing: it is realised, and what is missing is carried.
	#[test]
	fn pays_out_what_is_in_a_settled_market() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fund(&ALICE, 0, 5_750 * USD);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
			assert_ok!(settle(id, -(5_000 * USD as i128)));
			move_mark(BTC_MARKET, dollars(40_000));
			set_market(BTC_MARKET, |market| market.settled = true);
			let now = statement(id);
			assert_eq!((now.equity, now.maintenance), (-(9_250 * USD as i128), 0));
			assert_eq!(
				Margin::can_liquidate(id),
				Ok(LiquidationView {
					deficit: 9_250 * USD,
					first: FirstStep::Close {
						market: BTC_MARKET,
						notional: 40_000 * USD,
						fee: 0
					}
				})
			);
			assert_eq!(liquidate(id).unwrap().shortfall, 9_250 * USD);
			assert_eq!(covered(), vec![(vec![BTC_MARKET], 9_250 * USD)]);
			assert_eq!((account(id).debt, size_of(id, BTC_MARKET)), (0, 0));
			assert!(account(id).triggers.is_empty());
		});
	}
}
