//! `do_try_state` sees each kind of damage.

use frame_support::{assert_ok, traits::fungibles::Mutate};
use keel_primitives::Auctions as _;
use keel_primitives::Lot;
use sp_runtime::{FixedU128, TryRuntimeError};

use crate::{
	mock::*, types::queue_key, Auction, Auctions as Running, Claims, Debt, EndQueue, FundSales, NextAuctionId,
};

/// A liquidation (0), a sale of the fund's (1) and a claim; then `damage`, then the message that must come.
fn sees(damage: impl FnOnce(), message: &'static str) {
	new_test_ext().execute_with(|| {
		assert_ok!(Assets::block(RuntimeOrigin::signed(ISSUER), ETH, OWNER));
		assert_ok!(Assets::transfer(
			RuntimeOrigin::signed(ALICE),
			BTC,
			FUND,
			10 * BITCOIN
		));
		start(10 * BITCOIN, 500 * USD, 50 * USD);
		Spot::set(Some(usd(100)));
		assert_ok!(sell(BTC));
		let lot = Lot {
			asset: ETH,
			feed: 3,
			divisor: 10u128.pow(30),
			..lot(1_000_000_000_000_000_000, USD, 0)
		};
		let id = Auctions::start(&VAULTS, lot, usd(100)).unwrap();
		assert_ok!(take(ALICE, id, u128::MAX, ANY));
		assert!(Auctions::claim_of(OWNER, ETH) > 0);
		Auctions::do_try_state().expect("sound before the damage");
		damage();
		assert_eq!(Auctions::do_try_state(), Err(TryRuntimeError::Other(message)));
	});
}

fn change(id: u64, change: impl FnOnce(&mut Auction<u64>)) {
	Running::<Test>::mutate(id, |auction| change(auction.as_mut().unwrap()));
}

#[test]
fn less_collateral_than_promised() {
	sees(
		|| change(0, |auction| auction.collateral += 1),
		"less collateral is held than auctions and claims say",
	);
}

#[test]
fn more_collateral_than_promised() {
	sees(
		|| assert_eq!(Assets::mint_into(BTC, &Auctions::account(), 1), Ok(1)),
		"more collateral is held than auctions and claims say",
	);
}

#[test]
fn a_claim_too_large() {
	sees(
		|| Claims::<Test>::mutate(OWNER, ETH, |claim| *claim += 1),
		"less collateral is held than auctions and claims say",
	);
}

#[test]
fn a_claim_too_small() {
	sees(
		|| Claims::<Test>::mutate(OWNER, ETH, |claim| *claim -= 1),
		"more collateral is held than auctions and claims say",
	);
}

#[test]
fn a_claim_forgotten() {
	sees(
		|| Claims::<Test>::remove(OWNER, ETH),
		"more collateral is held than auctions and claims say",
	);
}

#[test]
fn an_empty_claim() {
	sees(
		|| Claims::<Test>::insert(ALICE, ETH, 0),
		"an empty claim is on record",
	);
}

#[test]
fn more_collateral_than_can_be_counted() {
	sees(
		|| change(0, |auction| auction.collateral = u128::MAX),
		"a collateral is more than a balance can be",
	);
}

#[test]
fn a_collateral_that_is_not_registered() {
	sees(
		|| RegisteredAssets::set(vec![ETH, DOT]),
		"what is for sale or claimed is not registered",
	);
}

#[test]
fn a_price_that_rises() {
	sees(
		|| {
			change(0, |auction| {
				auction.cut = FixedU128::from_inner(1_000_000_000_000_000_001)
			})
		},
		"the price of an auction rises",
	);
}

#[test]
fn kusd_that_nobody_may_claim() {
	sees(
		|| assert_eq!(Assets::mint_into(KUSD, &Auctions::account(), 1), Ok(1)),
		"more collateral is held than auctions and claims say",
	);
}

#[test]
fn a_synthetic_for_sale() {
	sees(
		|| change(0, |auction| auction.asset = KUSD),
		"an auction sells the synthetic",
	);
}

#[test]
fn more_debt_than_the_total() {
	sees(
		|| Debt::<Test>::mutate(|debt| *debt -= 1),
		"auctions carry more debt than the total says",
	);
}

#[test]
fn less_debt_than_the_total() {
	sees(
		|| Debt::<Test>::mutate(|debt| *debt += 1),
		"auctions carry less debt than the total says",
	);
}

#[test]
fn more_debt_than_can_be_counted() {
	sees(
		|| {
			let one = Running::<Test>::get(0).unwrap();
			change(0, |auction| auction.debt = u128::MAX);
			NextAuctionId::<Test>::put(10);
			EndQueue::<Test>::insert(queue_key(one.active_due, 9), ());
			Running::<Test>::insert(9, one);
		},
		"debts are more than a balance can be",
	);
}

#[test]
fn an_auction_out_of_the_queue() {
	sees(
		|| EndQueue::<Test>::remove(queue_key(Running::<Test>::get(0).unwrap().active_due, 0)),
		"an auction is not in the queue",
	);
}

#[test]
fn an_auction_under_another_time() {
	sees(
		|| change(0, |auction| auction.active_due += 1),
		"an auction is not in the queue",
	);
}

#[test]
fn a_stray_in_the_queue() {
	sees(
		|| EndQueue::<Test>::insert(queue_key(START, 77), ()),
		"the queue holds what is not running",
	);
}

#[test]
fn an_auction_due_too_early() {
	sees(
		|| change(0, |auction| auction.active_due -= 1),
		"an auction is due before it ends",
	);
}

#[test]
fn an_auction_that_ends_before_it_starts() {
	sees(
		|| change(0, |auction| auction.active_start = auction.active_end),
		"an auction ends before it starts",
	);
}

#[test]
fn a_start_below_the_reserve() {
	sees(
		|| {
			change(0, |auction| {
				auction.start_price = FixedU128::from_inner(auction.reserve_price.into_inner() - 1)
			})
		},
		"an auction starts below its reserve",
	);
}

#[test]
fn no_reserve() {
	sees(
		|| change(0, |auction| auction.reserve_price = FixedU128::from_inner(0)),
		"an auction has no reserve",
	);
}

#[test]
fn an_auction_without_collateral() {
	sees(
		|| change(0, |auction| auction.collateral = 0),
		"an auction without collateral is running",
	);
}

#[test]
fn an_auction_with_nothing_to_raise() {
	sees(
		|| change(0, |auction| (auction.debt, auction.penalty) = (0, 0)),
		"an auction with nothing to raise is running",
	);
}

#[test]
fn a_number_never_given() {
	sees(
		|| NextAuctionId::<Test>::put(0),
		"an auction has a number that was never given",
	);
}

#[test]
fn a_sale_of_the_funds_with_debt() {
	sees(
		|| change(1, |auction| auction.penalty = 1),
		"a sale of the fund's carries debt",
	);
}

#[test]
fn a_sale_of_the_funds_off_the_record() {
	sees(
		|| FundSales::<Test>::remove(BTC),
		"a sale of the fund's is not on record",
	);
}

#[test]
fn a_sale_on_record_that_does_not_run() {
	sees(
		|| FundSales::<Test>::insert(ETH, 1),
		"a sale on record is not running",
	);
}
