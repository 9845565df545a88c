//! What a user sees.

use frame_support::assert_ok;
use keel_primitives::{Auctions as _, Lot};

use crate::{mock::*, Auctions as Running, Error, MAX_PAGE};

#[test]
fn show_the_price_now_and_what_is_needed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
		advance(20);
		assert_ok!(take(ALICE, id, BITCOIN, ANY));
		let view = Auctions::auction(id).unwrap();
		assert!(view.open);
		assert_eq!(view.price, sp_runtime::FixedU128::from_rational(1089, 10));
		assert_eq!(
			(view.collateral, view.needed),
			(9 * BITCOIN, 550 * USD - 108_900_000)
		);
		assert_eq!(view.ends_in, 60 * 20_000);
		assert_eq!(Some(view.details), Running::<Test>::get(id));
		assert_eq!(Auctions::carried_debt(), 495 * USD - 108_900_000);

		advance(60 * 20);
		let view = Auctions::auction(id).unwrap();
		assert!(!view.open && view.price < usd(60));
		assert_eq!(view.ends_in, 0);
		assert_eq!(Auctions::expired(), vec![id]);
		assert_eq!(Auctions::auction(id + 1), None);
	});
}

#[test]
fn a_buyer_pays_exactly_the_quote() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 495 * USD, 55 * USD);
		for (seconds, amount) in [(0, 1), (7, 12_345_678), (40, BITCOIN), (100, u128::MAX)] {
			advance(seconds);
			let before = [KUSD, BTC].map(|asset| Assets::balance(asset, ALICE));
			let quote = Auctions::quote_take(id, amount).unwrap();
			assert_ok!(take(ALICE, id, amount, quote.price));
			let after = [KUSD, BTC].map(|asset| Assets::balance(asset, ALICE));
			assert_eq!(
				(before[0] - after[0], after[1] - before[1]),
				(quote.paid, quote.collateral)
			);
			assert_eq!(quote.paid, quote.burned + quote.income);
		}
		assert_eq!(
			Auctions::quote_take(id, 1),
			Err(Error::<Test>::UnknownAuction.into())
		);
	});
}

#[test]
fn a_quote_fails_as_the_purchase_would() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(BITCOIN, 500 * USD, 0);
		assert_eq!(
			Auctions::quote_take(id, 0),
			Err(Error::<Test>::NothingAsked.into())
		);
		assert_eq!(
			Auctions::quote_take(id, BITCOIN - 1),
			Err(Error::<Test>::DustLeft.into())
		);
		advance(61 * 20);
		assert_eq!(
			Auctions::quote_take(id, 1),
			Err(Error::<Test>::AuctionExpired.into())
		);
	});
}

#[test]
fn page_through_the_auctions_of_a_branch() {
	ExtBuilder::default().build_and_execute(|| {
		for index in 0..7 {
			let lot = Lot {
				branch: index % 2,
				..lot(BITCOIN, USD, 0)
			};
			Auctions::start(&VAULTS, lot, usd(100)).unwrap();
		}
		let numbers =
			|page: &crate::AuctionPage<u64>| page.auctions.iter().map(|a| a.auction).collect::<Vec<_>>();
		let page = Auctions::running(Some(0), 0, 3);
		assert_eq!((numbers(&page), page.next), (vec![0, 2, 4], Some(5)));
		let page = Auctions::running(Some(0), 5, 3);
		assert_eq!((numbers(&page), page.next), (vec![6], None));
		let page = Auctions::running(Some(1), 2, u32::MAX);
		assert_eq!((numbers(&page), page.next), (vec![3, 5], None));
		// Of every branch, and of none.
		let page = Auctions::running(None, 3, 3);
		assert_eq!((numbers(&page), page.next), (vec![3, 4, 5], Some(6)));
		assert_eq!(Auctions::running(Some(0), 0, 0).next, Some(0));
		assert_eq!(Auctions::running(Some(0), u64::MAX, 9).next, None);
		assert!(Auctions::running(Some(9), 0, 9).auctions.is_empty());
	});
}

#[test]
fn a_page_looks_no_further_than_its_bound() {
	ExtBuilder::default().build_and_execute(|| {
		let first = start(BITCOIN, USD, 0);
		crate::NextAuctionId::<Test>::put(u64::from(MAX_PAGE) + 5);
		let last = start(BITCOIN, USD, 0);
		let page = Auctions::running(Some(1), 0, u32::MAX);
		assert_eq!((page.auctions.len(), page.auctions[0].auction), (1, first));
		assert_eq!(page.next, Some(MAX_PAGE.into()));
		let page = Auctions::running(Some(1), MAX_PAGE.into(), u32::MAX);
		assert_eq!(
			(page.auctions.len(), page.auctions[0].auction, page.next),
			(1, last, None)
		);
	});
}
