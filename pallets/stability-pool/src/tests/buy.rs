//! Collateral bought at a price that goes to the seller.

use super::*;
use crate::mock::absorb;
use keel_primitives::StabilityPool as _;

#[test]
fn works() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD), (BOB, 300 * USD)])
		.build_and_execute(|| {
			let issued = Assets::total_supply(KUSD);
			assert_ok!(sell(ETH, 4 * ONE_ETH, 40 * USD));
			assert_eq!(
				last_event(),
				Event::Bought {
					seller: SELLER,
					asset: ETH,
					collateral: 4 * ONE_ETH,
					price: 40 * USD,
					deposits: 360 * USD
				}
			);
			assert_eq!(Assets::total_supply(KUSD), issued, "nothing is burned");
			assert!(Received::get().is_empty(), "the fund gets nothing");
			assert_eq!(balance(KUSD, SELLER), 40 * USD);
			assert_eq!(balance(KUSD, pool_account()), 360 * USD);
			assert_eq!(balance(ETH, pool_account()), 4 * ONE_ETH);
			assert_eq!(balance(ETH, SELLER), STOCK - 4 * ONE_ETH);
			assert_eq!(capacity(), 360 * USD);
			assert_eq!((stake(ALICE).deposit, stake(BOB).deposit), (90 * USD, 270 * USD));
			assert_eq!((gain(ALICE, ETH), gain(BOB, ETH)), (ONE_ETH, 3 * ONE_ETH));
		});
}

#[test]
fn books_to_the_unit_what_an_absorption_books() {
	// Ordinary ones, one to the last unit, which ends a scale, and one of everything, which ends an epoch.
	let prices = [
		(BTC, 7 * ONE_BTC + 3, Some(71 * USD + 5)),
		(ETH, 13, Some(0)),
		(ETH, 5 * ONE_ETH + 1, Some(333 * USD + 1)),
		(DOT, 999, None),
		(BTC, 1, Some(1)),
	];
	let run = |one: fn(u32, u128, u128) -> sp_runtime::DispatchResult| {
		let mut seen = Vec::new();
		ExtBuilder::default()
			.deposits(&[(ALICE, 1_003 * USD), (BOB, 77 * USD + 7)])
			.build_and_execute(|| {
				for (asset, collateral, price) in prices {
					assert_ok!(one(asset, collateral, price.unwrap_or(capacity() - 1)));
					seen.push((State::<Test>::get(), stake(ALICE), stake(BOB)));
				}
				assert_eq!(StabilityPool::totals().epoch, 1);
				assert_eq!(PastSums::<Test>::iter().count(), 2);
			});
		seen
	};
	let bought = run(sell);
	assert_eq!(
		bought,
		run(|asset, collateral, price| absorb(asset, collateral, price, 0))
	);
	assert_eq!(
		bought,
		run(|asset, collateral, price| absorb(asset, collateral, price / 2, price - price / 2))
	);
}

#[test]
fn of_the_whole_capacity_works() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD)])
		.build_and_execute(|| {
			assert_ok!(sell(ETH, 1, 100 * USD));
			assert_eq!((capacity(), StabilityPool::totals().epoch), (0, 1));
			assert_eq!(balance(KUSD, SELLER), 100 * USD);
			assert_ok!(deposit(BOB, 100 * USD));
			assert_ok!(sell(ETH, 1, 100 * USD));
			assert_eq!((gain(ALICE, ETH), gain(BOB, ETH)), (1, 1));
		});
}

#[test]
fn when_the_price_is_nothing_should_share_the_collateral() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD)])
		.build_and_execute(|| {
			assert_ok!(sell(ETH, 500, 0));
			assert_eq!(stake(ALICE).deposit, 100 * USD);
			assert_eq!((gain(ALICE, ETH), balance(KUSD, SELLER)), (500, 0));
		});
}

#[test]
fn a_seller_that_is_a_depositor_pays_its_part() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD), (BOB, 100 * USD)])
		.build_and_execute(|| {
			assert_ok!(sell(ETH, 8, 0));
			assert_ok!(claim(ALICE, ETH));
			assert_ok!(StabilityPool::buy(&ALICE, ETH, 4, 50 * USD));
			assert_eq!(balance(KUSD, ALICE), PURSE - 50 * USD);
			assert_eq!((stake(ALICE).deposit, stake(BOB).deposit), (75 * USD, 75 * USD));
			assert_eq!((gain(ALICE, ETH), gain(BOB, ETH)), (2, 6));
		});
}

#[test]
fn what_waits_pays_nothing_and_gains_nothing() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD)])
		.build_and_execute(|| {
			JoinDelay::set(MINUTE);
			assert_ok!(deposit(BOB, 300 * USD));
			assert_noop!(sell(ETH, 1, 100 * USD + 1), Error::<Test>::CapacityExceeded);
			assert_ok!(sell(ETH, 10, 100 * USD));
			assert_eq!(
				(stake(BOB).deposit, gain(BOB, ETH), gain(ALICE, ETH)),
				(300 * USD, 0, 10)
			);
		});
}

mod fails {
	use super::*;

	#[test]
	fn beyond_capacity() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_noop!(sell(ETH, 1, 100 * USD + 1), Error::<Test>::CapacityExceeded);
				assert_noop!(sell(ETH, 1, u128::MAX), Error::<Test>::CapacityExceeded);
			});
	}

	#[test]
	fn when_nobody_is_in() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(sell(ETH, 1, 1), Error::<Test>::CapacityExceeded);
			assert_noop!(sell(ETH, 1, 0), Error::<Test>::PoolEmpty);
		});
	}

	#[test]
	fn for_nothing() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_noop!(sell(ETH, 0, 1), Error::<Test>::NothingBought);
				assert_noop!(sell(ETH, 0, 0), Error::<Test>::NothingBought);
			});
	}

	#[test]
	fn for_kusd_or_from_the_pool_itself() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_noop!(sell(KUSD, 1, 1), Error::<Test>::NotForSale);
				assert_ok!(sell(ETH, 10, 1));
				assert_noop!(
					StabilityPool::buy(&pool_account(), ETH, 10, 1),
					Error::<Test>::NotForSale
				);
			});
	}

	#[test]
	fn when_the_seller_has_too_little() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_noop!(StabilityPool::buy(&BOB, ETH, 1, 1), TokenError::FundsUnavailable);
				assert_noop!(sell(ETH, STOCK + 1, 1), ArithmeticError::Underflow);
			});
	}

	#[test]
	fn when_the_seller_can_not_be_paid() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_ok!(sell(ETH, 1, 1));
				assert_ok!(Assets::block(RuntimeOrigin::signed(OWNER), KUSD, SELLER));
				assert_noop!(sell(ETH, 5, 1), TokenError::Blocked);
				// For nothing it need not be.
				assert_ok!(sell(ETH, 5, 0));
			});
	}

	#[test]
	fn when_the_kinds_are_used_up() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				MaxCollaterals::set(1);
				assert_ok!(sell(ETH, 5, 1));
				assert_noop!(sell(DOT, 5, 1), Error::<Test>::TooManyCollaterals);
				assert_ok!(absorb(ETH, 5, 1, 0));
			});
	}

	#[test]
	fn when_a_number_overflows() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_ok!(sell(ETH, 5, 1));
				let sound = State::<Test>::get();
				State::<Test>::mutate(|pool| {
					pool.collaterals.get_mut(&ETH).unwrap().sum = sp_core::U256::MAX
				});
				assert_noop!(sell(ETH, 5, 1), ArithmeticError::Overflow);
				State::<Test>::put(sound);
			});
	}
}
