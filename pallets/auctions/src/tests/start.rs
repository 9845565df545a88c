//! What may be sold.

use frame_support::{assert_noop, assert_ok};
use keel_primitives::{Auctions as _, Lot};
use sp_runtime::{ArithmeticError, DispatchError, FixedU128, TokenError};

use crate::{mock::*, Auctions as Running, Debt, Error, Event, Kind};

#[test]
fn takes_the_collateral_and_carries_the_debt() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 500 * USD, 50 * USD);
		assert_eq!(spent(BTC, VAULTS), 10 * BITCOIN);
		assert_eq!(Assets::balance(BTC, Auctions::account()), 10 * BITCOIN);
		assert_eq!(Auctions::debt(), 500 * USD);
		assert_eq!(
			events(),
			vec![Event::Started {
				auction: id,
				kind: Kind::Liquidation { owner: OWNER },
				branch: Some(1),
				asset: BTC,
				collateral: 10 * BITCOIN,
				debt: 500 * USD,
				penalty: 50 * USD,
				start_price: usd(110),
				reserve_price: usd(60),
				ends_in: 61 * 20_000,
			}]
		);
		assert_eq!(start(BITCOIN, 1, 0), id + 1);
		assert_eq!(Auctions::debt(), 500 * USD + 1);
	});
}

#[test]
fn numbers_are_never_reused() {
	ExtBuilder::default().build_and_execute(|| {
		let first = start(10 * BITCOIN, 500 * USD, 0);
		assert_ok!(take(ALICE, first, u128::MAX, ANY));
		assert_eq!(start(10 * BITCOIN, 500 * USD, 0), first + 1);
	});
}

#[test]
fn fails_with_nothing_to_sell_or_to_raise() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Auctions::start(&VAULTS, lot(0, 1, 1), usd(100)),
			Error::<Test>::EmptyLot
		);
		assert_noop!(
			Auctions::start(&VAULTS, lot(1, 0, 0), usd(100)),
			Error::<Test>::EmptyLot
		);
	});
}

#[test]
fn a_penalty_alone_is_something_to_raise() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 0, 50 * USD);
		assert_ok!(take(ALICE, id, u128::MAX, ANY));
		assert!(Assets::balance(KUSD, FUND) >= 50 * USD);
	});
}

#[test]
fn fails_where_the_money_would_go_in_circles() {
	ExtBuilder::default().build_and_execute(|| {
		let own = Auctions::account();
		assert_noop!(
			Auctions::start(&own, lot(1, 1, 1), usd(100)),
			Error::<Test>::InvalidLot
		);
		let lot_of_own = Lot {
			owner: own,
			..lot(1, 1, 1)
		};
		assert_noop!(
			Auctions::start(&VAULTS, lot_of_own, usd(100)),
			Error::<Test>::InvalidLot
		);
		let lot_of_kusd = Lot {
			asset: KUSD,
			..lot(1, 1, 1)
		};
		assert_noop!(
			Auctions::start(&VAULTS, lot_of_kusd, usd(100)),
			Error::<Test>::InvalidLot
		);
	});
}

#[test]
fn fails_where_parameters_or_price_make_no_curve() {
	let refused = |change: fn(&mut keel_primitives::BranchParameters), spot| {
		ExtBuilder::default().parameters(change).build_and_execute(|| {
			assert_noop!(
				Auctions::start(&VAULTS, lot(1, 1, 1), spot),
				Error::<Test>::InvalidParameters
			);
		});
	};
	refused(|p| p.auction_reserve = FixedU128::from_u32(2), usd(100));
	refused(|p| p.auction_reserve = FixedU128::from_u32(0), usd(100));
	refused(
		|p| p.auction_cut = FixedU128::from_inner(1_000_000_000_000_000_001),
		usd(100),
	);
	refused(|p| p.auction_duration = 0, usd(100));
	refused(|_| (), usd(0));
	refused(|_| (), ANY);
}

#[test]
fn fails_for_an_unknown_branch_or_without_the_collateral() {
	ExtBuilder::default().build_and_execute(|| {
		let elsewhere = Lot {
			branch: 10,
			..lot(1, 1, 1)
		};
		assert_noop!(
			Auctions::start(&VAULTS, elsewhere, usd(100)),
			DispatchError::Other("unknown branch")
		);
		assert_noop!(
			Auctions::start(&VAULTS, lot(ENDOWMENT + 1, 1, 1), usd(100)),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn fails_beyond_what_can_be_counted() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Auctions::start(&VAULTS, lot(1, u128::MAX, 1), usd(100)),
			ArithmeticError::Overflow
		);
		start(1, 1, 1);
		assert_noop!(
			Auctions::start(&VAULTS, lot(1, u128::MAX, 0), usd(100)),
			ArithmeticError::Overflow
		);
		Branch::mutate(|p| p.auction_cut = FixedU128::from_u32(1));
		Branch::mutate(|p| p.auction_duration = u64::MAX);
		assert_noop!(
			Auctions::start(&VAULTS, lot(1, 1, 1), usd(100)),
			ArithmeticError::Overflow
		);
		assert_eq!(Debt::<Test>::get(), 1);
	});
}

#[test]
fn works_with_any_decimals_up_to_eighteen() {
	for decimals in 0..=18u8 {
		ExtBuilder::default().build_and_execute(|| {
			let unit = 10u128.pow(decimals.into());
			let lot = Lot {
				divisor: keel_math::value::price_divisor(decimals, 6).unwrap(),
				..lot(10 * unit, 500 * USD, 50 * USD)
			};
			// Ten whole units for 550 kUSD: half of them at 110.
			let id = Auctions::start(&VAULTS, lot, usd(100)).unwrap();
			assert_ok!(take(ALICE, id, u128::MAX, ANY));
			assert_eq!(gained(BTC, ALICE), 5 * unit, "with {decimals} decimals");
			assert_eq!(spent(KUSD, ALICE), 550 * USD);
			assert_eq!(gained(BTC, OWNER), 5 * unit);
			assert!(Running::<Test>::get(id).is_none());
		});
	}
}

fn set_decimals(asset: u32, decimals: u8) {
	let (name, symbol) = (b"Asset".to_vec(), b"A".to_vec());
	assert_ok!(Assets::force_set_metadata(
		RuntimeOrigin::root(),
		asset,
		name,
		symbol,
		decimals,
		false
	));
}

#[test]
fn a_running_auction_ignores_what_changes_later() {
	ExtBuilder::default().build_and_execute(|| {
		let id = start(10 * BITCOIN, 500 * USD, 50 * USD);
		let before = Running::<Test>::get(id);
		let quote = Auctions::quote_take(id, BITCOIN);
		Branch::mutate(|p| {
			p.auction_start = FixedU128::from_u32(3);
			p.auction_cut = FixedU128::from_u32(0);
			p.auction_reserve = FixedU128::from_u32(2);
			p.auction_duration = 1;
			p.minimum_debt = u128::MAX;
		});
		set_decimals(BTC, 2);
		Spot::set(Some(usd(1)));
		advance(10);
		assert_eq!(Running::<Test>::get(id), before);
		assert_eq!(Auctions::quote_take(id, BITCOIN), quote);
		assert_ok!(take(ALICE, id, BITCOIN, ANY));
	});
}
