//! Buying.

use frame_support::{assert_noop, assert_ok};
use keel_primitives::Auctions as _;
use sp_runtime::{ArithmeticError, DispatchError, FixedU128, TokenError};

use crate::{mock::*, Auctions as Running, Claims, Error, Event};

#[test]
fn burns_the_debt_first_and_then_pays_the_penalty() {
	ExtBuilder::default().build_and_execute(|| {
		let before = supply();
		let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
		// Four at 110 are all burned.
		assert_ok!(take(ALICE, id, 4 * BITCOIN, ANY));
		assert_eq!(supply(), before - 440 * USD);
		assert_eq!(Auctions::debt(), 55 * USD);
		assert_eq!(Assets::balance(KUSD, FUND), 0);
		// The fifth pays what is left of the debt and the penalty, and ends it.
		assert_ok!(take(BOB, id, BITCOIN, ANY));
		assert_eq!(supply(), before - 495 * USD);
		assert_eq!(Auctions::debt(), 0);
		assert_eq!(Assets::balance(KUSD, FUND), 55 * USD);
		assert_eq!(
			(gained(BTC, ALICE), gained(BTC, BOB), gained(BTC, OWNER)),
			(4 * BITCOIN, BITCOIN, 5 * BITCOIN)
		);
		assert_eq!(
			events()[1..],
			[
				Event::Taken {
					auction: id,
					buyer: ALICE,
					price: usd(110),
					collateral: 4 * BITCOIN,
					paid: 440 * USD,
					burned: 440 * USD,
					surplus: 0
				},
				Event::Taken {
					auction: id,
					buyer: BOB,
					price: usd(110),
					collateral: BITCOIN,
					paid: 110 * USD,
					burned: 55 * USD,
					surplus: 0
				},
				Event::Closed {
					auction: id,
					returned: 5 * BITCOIN,
					covered: 0,
					bad_debt: 0
				},
			]
		);
		assert_noop!(take(BOB, id, 1, ANY), Error::<Test>::UnknownAuction);
	});
}

#[test]
fn several_buyers_pay_falling_prices() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
		assert_ok!(take(ALICE, id, BITCOIN, ANY));
		advance(20);
		assert_ok!(take(BOB, id, BITCOIN, ANY));
		advance(20);
		assert_ok!(take(CHARLIE, id, BITCOIN, ANY));
		assert_eq!(spent(KUSD, ALICE), 110 * USD);
		assert_eq!(spent(KUSD, BOB), 108_900_000);
		assert_eq!(spent(KUSD, CHARLIE), 107_811_000);
		let auction = Running::<Test>::get(id).unwrap();
		assert_eq!(auction.collateral, 7 * BITCOIN);
		assert_eq!(
			auction.needed(),
			550 * USD - 110 * USD - 108_900_000 - 107_811_000
		);
	});
}

#[test]
fn an_over_ask_gets_what_is_needed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
		assert_ok!(take(ALICE, id, u128::MAX, ANY));
		assert_eq!((gained(BTC, ALICE), spent(KUSD, ALICE)), (5 * BITCOIN, 550 * USD));
	});
}

#[test]
fn the_last_base_unit_is_paid_in_full() {
	ExtBuilder::default().build_and_execute(|| {
		// One base unit at 110 USD is 1.1 base units of kUSD.
		let id = start(10 * BITCOIN, 100 * USD, 1);
		assert_ok!(take(ALICE, id, u128::MAX, ANY));
		let (bought, paid) = (gained(BTC, ALICE), spent(KUSD, ALICE));
		assert_eq!(bought, 90_909_092);
		assert_eq!(paid, 100_000_002);
		assert_eq!(Assets::balance(KUSD, FUND), 2);
	});
}

#[test]
fn when_the_collateral_runs_out_the_fund_carries_the_rest() {
	ExtBuilder::default().fund(100 * USD).build_and_execute(|| {
		let before = supply();
		let id = start(BITCOIN, 500 * USD, 50 * USD);
		assert_ok!(take(ALICE, id, BITCOIN, ANY));
		assert_eq!(spent(KUSD, ALICE), 110 * USD);
		// 390 were not raised: the fund burned what it had, the penalty is forgotten.
		assert_eq!(BadDebt::get(), 290 * USD);
		assert_eq!(Auctions::debt(), 0);
		assert_eq!(supply(), before - 210 * USD);
		assert_eq!(
			events().last(),
			Some(&Event::Closed {
				auction: id,
				returned: 0,
				covered: 100 * USD,
				bad_debt: 290 * USD
			})
		);
	});
}

#[test]
fn exact_exhaustion_leaves_nothing_behind() {
	ExtBuilder::default().fund(100 * USD).build_and_execute(|| {
		let id = start(5 * BITCOIN, 495 * USD, 55 * USD);
		assert_ok!(take(ALICE, id, 5 * BITCOIN, ANY));
		assert_eq!((gained(BTC, OWNER), BadDebt::get(), Auctions::debt()), (0, 0, 0));
		assert_eq!(Assets::balance(KUSD, FUND), 155 * USD);
		assert_eq!(Assets::balance(BTC, Auctions::account()), 0);
	});
}

#[test]
fn respects_the_limit_price() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
		let limit = FixedU128::from_rational(1089, 10);
		assert_noop!(take(ALICE, id, BITCOIN, limit), Error::<Test>::PriceAboveLimit);
		advance(20);
		let below = FixedU128::from_inner(limit.into_inner() - 1);
		assert_noop!(take(ALICE, id, BITCOIN, below), Error::<Test>::PriceAboveLimit);
		assert_ok!(take(ALICE, id, BITCOIN, limit));
	});
}

#[test]
fn fails_for_what_is_not_there() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
		assert_noop!(take(ALICE, id + 1, BITCOIN, ANY), Error::<Test>::UnknownAuction);
		assert_noop!(take(ALICE, u64::MAX, BITCOIN, ANY), Error::<Test>::UnknownAuction);
		assert_noop!(take(ALICE, id, 0, ANY), Error::<Test>::NothingAsked);
		assert_noop!(take(Auctions::account(), id, 1, ANY), Error::<Test>::OwnAccount);
		assert_noop!(
			Auctions::take(RuntimeOrigin::root(), id, 1, ANY),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn fails_without_the_money() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
		assert_noop!(take(77, id, BITCOIN, ANY), TokenError::FundsUnavailable);
		// Enough for the debt but not for the penalty: nothing happens either.
		assert_ok!(Assets::transfer(
			RuntimeOrigin::signed(ALICE),
			KUSD,
			77,
			500 * USD
		));
		assert_noop!(take(77, id, u128::MAX, ANY), TokenError::FundsUnavailable);
		assert_ok!(take(77, id, 2 * BITCOIN, ANY));
	});
}

#[test]
fn fails_for_a_buyer_who_cannot_receive_or_pay() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
		assert_ok!(Assets::block(RuntimeOrigin::signed(ISSUER), BTC, ALICE));
		assert_noop!(take(ALICE, id, BITCOIN, ANY), TokenError::Blocked);
		assert_ok!(Assets::freeze(RuntimeOrigin::signed(ISSUER), KUSD, BOB));
		assert!(take(BOB, id, BITCOIN, ANY).is_err());
		assert_eq!(Auctions::debt(), 495 * USD);
	});
}

#[test]
fn the_end_is_sharp() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
		let end = Running::<Test>::get(id).unwrap().active_end;
		Now::set(end);
		assert_noop!(take(ALICE, id, BITCOIN, ANY), Error::<Test>::AuctionExpired);
		Now::set(u64::MAX);
		assert_noop!(take(ALICE, id, BITCOIN, ANY), Error::<Test>::AuctionExpired);
		Now::set(end - 1);
		assert_ok!(take(ALICE, id, BITCOIN, ANY));
		assert!(spent(KUSD, ALICE) >= 60 * USD);
	});
}

#[test]
fn numbers_beyond_range_are_refused_not_wrapped() {
	ExtBuilder::default().build_and_execute(|| {
		let lot = keel_primitives::Lot {
			divisor: 10u128.pow(12),
			..lot(ENDOWMENT, u128::MAX, 0)
		};
		let price = FixedU128::from_inner(u128::MAX / 2);
		let id = Auctions::start(&VAULTS, lot, price).unwrap();
		assert_noop!(take(ALICE, id, u128::MAX, ANY), ArithmeticError::Overflow);
		// A base unit costs more than anybody has.
		assert_noop!(take(ALICE, id, 1, ANY), TokenError::FundsUnavailable);
	});
}

mod dust {
	use super::*;

	#[test]
	fn less_than_a_tenth_of_the_minimum_debt_may_not_be_left_to_raise() {
		ExtBuilder::default().build_and_execute(|| {
			// 110 USD each; 10 USD is the least that may be left.
			let id = start(10 * BITCOIN, 110 * USD, 0);
			let almost = BITCOIN - BITCOIN / 11 - 1;
			assert_ok!(Auctions::quote_take(id, almost));
			assert_noop!(take(ALICE, id, almost + 1, ANY), Error::<Test>::DustLeft);
			assert_noop!(take(ALICE, id, BITCOIN - 1, ANY), Error::<Test>::DustLeft);
			assert_ok!(take(ALICE, id, BITCOIN, ANY));
			assert!(Running::<Test>::get(id).is_none());
		});
	}

	#[test]
	fn nor_collateral_worth_less() {
		ExtBuilder::default().build_and_execute(|| {
			let id = start(BITCOIN, 500 * USD, 0);
			assert_noop!(take(ALICE, id, BITCOIN - 1, ANY), Error::<Test>::DustLeft);
			assert_ok!(take(ALICE, id, BITCOIN / 2, ANY));
			assert_noop!(take(ALICE, id, BITCOIN / 2 - 1, ANY), Error::<Test>::DustLeft);
			assert_ok!(take(ALICE, id, BITCOIN / 2, ANY));
		});
	}

	#[test]
	fn a_lot_below_the_minimum_is_bought_whole() {
		ExtBuilder::default().build_and_execute(|| {
			let id = start(BITCOIN, USD, 0);
			assert_noop!(take(ALICE, id, 1, ANY), Error::<Test>::DustLeft);
			assert_ok!(take(ALICE, id, BITCOIN, ANY));
			// The last base unit brings one more than was needed.
			assert_eq!(spent(KUSD, ALICE), USD + 1);
		});
	}

	#[test]
	fn without_a_minimum_anything_may_be_left() {
		ExtBuilder::default()
			.parameters(|p| p.minimum_debt = 9)
			.build_and_execute(|| {
				let id = start(BITCOIN, 110 * USD, 0);
				assert_ok!(take(ALICE, id, BITCOIN - 1, ANY));
				assert_eq!(Running::<Test>::get(id).unwrap().collateral, 1);
				assert_ok!(take(ALICE, id, 1, ANY));
			});
	}
}

mod owner {
	use super::*;

	#[test]
	fn who_cannot_receive_has_a_claim() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(Assets::block(RuntimeOrigin::signed(ISSUER), BTC, OWNER));
			let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
			assert_ok!(take(ALICE, id, u128::MAX, ANY));
			assert_eq!(Claims::<Test>::get(OWNER, BTC), 5 * BITCOIN);
			assert_eq!(Assets::balance(BTC, Auctions::account()), 5 * BITCOIN);
			assert!(events().contains(&Event::ClaimRecorded {
				owner: OWNER,
				asset: BTC,
				amount: 5 * BITCOIN
			}));
			// A second one adds up.
			let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
			assert_ok!(take(ALICE, id, u128::MAX, ANY));
			assert_eq!(Auctions::claim_of(OWNER, BTC), 10 * BITCOIN);

			assert_noop!(claim(OWNER, BTC), TokenError::Blocked);
			assert_noop!(claim(ALICE, BTC), Error::<Test>::NothingToClaim);
			assert_noop!(claim(OWNER, ETH), Error::<Test>::NothingToClaim);
			assert_ok!(Assets::thaw(RuntimeOrigin::signed(ISSUER), BTC, OWNER));
			assert_ok!(claim(OWNER, BTC));
			assert_eq!(gained(BTC, OWNER), 10 * BITCOIN);
			assert_eq!(
				events().last(),
				Some(&Event::Claimed {
					owner: OWNER,
					asset: BTC,
					amount: 10 * BITCOIN
				})
			);
			assert_noop!(claim(OWNER, BTC), Error::<Test>::NothingToClaim);
		});
	}

	#[test]
	fn who_is_only_frozen_still_receives() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(Assets::freeze(RuntimeOrigin::signed(ISSUER), BTC, OWNER));
			let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
			assert_ok!(take(ALICE, id, u128::MAX, ANY));
			assert_eq!(gained(BTC, OWNER), 5 * BITCOIN);
		});
	}

	#[test]
	fn may_buy_it_back() {
		ExtBuilder::default().build_and_execute(|| {
			let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
			assert_ok!(take(OWNER, id, u128::MAX, ANY));
			assert_eq!(
				(gained(BTC, OWNER), spent(KUSD, OWNER)),
				(10 * BITCOIN, 550 * USD)
			);
		});
	}
}

/// What rounding to whole base units brings beyond debt and penalty is the owner's.
mod surplus {
	use super::*;
	use keel_primitives::Lot;

	/// Two indivisible units at 45.9k, a debt of 71k and a penalty of 7.1k.
	fn indivisible() -> Lot<u64> {
		Lot {
			divisor: 10u128.pow(12),
			..lot(2, 71_000 * USD, 7_100 * USD)
		}
	}

	/// The price is 45.9k, with 100 % of spot for a start.
	fn started() -> u64 {
		Branch::mutate(|p| p.auction_start = FixedU128::from_u32(1));
		Auctions::start(&VAULTS, indivisible(), usd(45_900)).unwrap()
	}

	#[test]
	fn of_an_indivisible_unit_goes_to_the_owner() {
		ExtBuilder::default().build_and_execute(|| {
			let id = started();
			let quote = Auctions::quote_take(id, u128::MAX).unwrap();
			assert_eq!(
				(quote.paid, quote.burned, quote.income, quote.surplus),
				(91_800 * USD, 71_000 * USD, 7_100 * USD, 13_700 * USD)
			);
			assert_ok!(take(ALICE, id, u128::MAX, ANY));
			assert_eq!(Assets::balance(KUSD, FUND), 7_100 * USD);
			assert_eq!(gained(KUSD, OWNER), 13_700 * USD);
			assert_eq!(spent(KUSD, ALICE), 91_800 * USD);
		});
	}

	#[test]
	fn waits_for_an_owner_who_can_not_receive_it() {
		ExtBuilder::default().build_and_execute(|| {
			let id = started();
			assert_ok!(Assets::block(RuntimeOrigin::signed(ISSUER), KUSD, OWNER));
			assert_ok!(take(ALICE, id, u128::MAX, ANY));
			assert_eq!(Auctions::claim_of(OWNER, KUSD), 13_700 * USD);
			assert_ok!(Assets::thaw(RuntimeOrigin::signed(ISSUER), KUSD, OWNER));
			assert_ok!(claim(OWNER, KUSD));
			assert_eq!(gained(KUSD, OWNER), 13_700 * USD);
		});
	}

	/// A takeover of the second unit, worth 5k more than is owed at the reserve of 27k, by a fund of so much,
	/// at this price. Returns what the owner is paid.
	fn taken_over(spot: Option<u32>) -> u128 {
		Branch::mutate(|p| p.auction_start = FixedU128::from_u32(1));
		let lot = Lot {
			debt: 20_000 * USD,
			penalty: 2_000 * USD,
			..indivisible()
		};
		let id = Auctions::start(&VAULTS, lot, usd(45_000)).unwrap();
		advance(7_200);
		Spot::set(spot.map(usd));
		assert_ok!(settle(id));
		assert_eq!((Assets::balance(BTC, FUND), gained(BTC, OWNER)), (1, 1));
		gained(KUSD, OWNER)
	}

	/// The last buyer rounds to whole units too: it pays the owner for it, as far as it can.
	#[test]
	fn of_a_takeover_is_paid_for_by_the_fund() {
		for (fund, pays) in [(100_000, 5_000), (22_000, 2_000), (20_000, 0), (0, 0)] {
			ExtBuilder::default().fund(fund * USD).build_and_execute(|| {
				assert_eq!(taken_over(Some(45_000)), pays * USD, "of {fund}");
				let covered = fund.min(20_000);
				assert_eq!(Assets::balance(KUSD, FUND), (fund - covered - pays) * USD);
				assert_eq!(BadDebt::get(), (20_000 - covered) * USD);
			});
		}
	}

	/// Kind: a unit is paid for at a price that no longer holds. At 24k the unit that was 27k at the reserve
	/// is worth 2k more than is owed, at 10k nothing, and as little where nobody knows.
	#[test]
	fn of_a_takeover_is_worth_what_the_unit_is_now() {
		for (spot, pays) in [(Some(24_000), 2_000), (Some(10_000), 0), (None, 0)] {
			ExtBuilder::default().fund(100_000 * USD).build_and_execute(|| {
				assert_eq!(taken_over(spot), pays * USD, "at {spot:?}");
			});
		}
	}

	#[test]
	fn below_a_cent_is_the_funds() {
		ExtBuilder::default().build_and_execute(|| {
			// A base unit of bitcoin at 110 is worth 1.1 base units of kUSD.
			let id = start(BITCOIN, 1_000_001, 1);
			let quote = Auctions::quote_take(id, u128::MAX).unwrap();
			assert_eq!((quote.surplus, quote.income), (0, quote.paid - 1_000_001));
			assert_ok!(take(ALICE, id, u128::MAX, ANY));
			assert_eq!(gained(KUSD, OWNER), 0);
		});
	}
}
