//! At which price a branch ends.

use super::*;

const EVERYTHING: [PriceFor; 3] = [PriceFor::AddRisk, PriceFor::ReduceRisk, PriceFor::Liquidate];

fn call(price: Option<FixedU128>) -> frame_support::dispatch::DispatchResult {
	Vaults::shut_down(RuntimeOrigin::root(), BTC_BRANCH, price)
}

fn owing() -> VaultId {
	open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD)
}

mod of_a_living_feed {
	use super::*;

	#[test]
	fn is_the_lower_of_spot_and_its_average() {
		for (value, twap) in [(50_000, 40_000), (40_000, 50_000)] {
			ExtBuilder::default().build_and_execute(|| {
				owing();
				PriceTable::mutate(|table| {
					let price = table.get_mut(&BTC).unwrap();
					(price.value, price.twap) = (dollars(value), dollars(twap));
				});
				shut_down();
				assert_eq!(view().price, dollars(40_000));
				// A price that comes later changes nothing.
				move_price(BTC, dollars(1));
				settle_all();
				assert_eq!(settlement().pot, ONE_BTC / 2);
			});
		}
	}

	#[test]
	fn has_to_be_fit_for_leaving_and_no_more() {
		ExtBuilder::default().build_and_execute(|| {
			owing();
			RefusedFor::set(vec![PriceFor::ReduceRisk]);
			assert_noop!(call(None), refused());
			RefusedFor::set(vec![PriceFor::AddRisk, PriceFor::Liquidate]);
			assert_ok!(call(None));
			assert_eq!(view().price, dollars(50_000));
		});
	}

	#[test]
	fn is_nobodys_to_name() {
		ExtBuilder::default().build_and_execute(|| {
			let id = owing();
			RefusedFor::set(vec![PriceFor::AddRisk, PriceFor::Liquidate]);
			for price in [0, 1, 50_000, 1_000_000] {
				assert_noop!(call(Some(dollars(price))), Error::<Test>::PriceIsKnown);
			}
			// Nor is it without debt.
			assert_ok!(Vaults::close(signed(&ALICE), id));
			assert_noop!(call(Some(dollars(50_000))), Error::<Test>::PriceIsKnown);
		});
	}
}

mod of_a_dead_feed {
	use super::*;

	#[test]
	fn is_the_one_named_and_not_that_of_a_week_ago() {
		ExtBuilder::default().build_and_execute(|| {
			let id = owing();
			RefusedFor::set(EVERYTHING.to_vec());
			pass(WEEK);
			let owed = debt(id);
			assert_noop!(call(None), refused());
			assert_noop!(call(Some(dollars(0))), Error::<Test>::NoPriceToSettleAt);
			assert_ok!(call(Some(dollars(30_000))));
			assert_eq!(
				last_event(),
				Event::BranchShutDown {
					branch: BTC_BRANCH,
					price: dollars(30_000),
					debt: owed,
					collateral: ONE_BTC
				}
			);
			assert_eq!((view().price, view().at), (dollars(30_000), START + WEEK));
			// The feed is back, too late.
			RefusedFor::set(vec![]);
			settle_all();
			assert_eq!(settlement().pot, (owed * 100).div_ceil(30_000));
		});
	}

	#[test]
	fn may_be_named_if_there_never_was_one() {
		ExtBuilder::default().build_and_execute(|| {
			owing();
			PriceTable::mutate(|table| table.remove(&BTC));
			assert_noop!(call(None), DispatchError::Other("no price"));
			assert_ok!(call(Some(FixedU128::from_inner(1))));
			settle_all();
			// Worth nothing to the unit: the fund takes it all, and the debt.
			assert_eq!((settlement().pot, MockFund::collateral(BTC)), (0, ONE_BTC));
			assert_eq!(
				(settlement().claims, MockFund::bad_debt()),
				(Some(0), 20_000 * USD)
			);
		});
	}
}

#[test]
fn is_not_asked_for_where_nobody_owes() {
	for known in [true, false] {
		ExtBuilder::default().build_and_execute(|| {
			let id = owing();
			assert_ok!(Vaults::repay(signed(&ALICE), id, ALL));
			RefusedFor::set(EVERYTHING.to_vec());
			if !known {
				PriceTable::mutate(|table| table.remove(&BTC));
			}
			shut_down();
			assert_eq!(view().price, dollars(if known { 50_000 } else { 0 }));
			assert!(events().contains(&Event::SettlementDone {
				branch: BTC_BRANCH,
				pot: 0,
				claims: 0,
				covered: 0,
				bad_debt: 0
			}));
			// There was nothing to settle.
			assert_eq!(last_event(), Event::BranchOver { branch: BTC_BRANCH });
			assert_ok!(Vaults::close(signed(&ALICE), id));
			assert_nothing_left();
		});
	}
}

#[test]
fn of_nothing_takes_everything_and_leaves_the_hole_to_the_fund() {
	ExtBuilder::default().build_and_execute(|| {
		let id = owing();
		move_price(BTC, dollars(0));
		shut_down();
		settle_all();
		assert_eq!(vault(id).collateral, 0);
		assert_eq!((settlement().pot, MockFund::collateral(BTC)), (0, ONE_BTC));
		assert_eq!(
			(settlement().claims, MockFund::bad_debt()),
			(Some(0), 20_000 * USD)
		);
		assert_noop!(
			Vaults::redeem(signed(&ALICE), BTC_BRANCH, 5_000 * USD),
			Error::<Test>::NothingChanged
		);
		// Nothing is in the vault, and the deposit comes back.
		assert_ok!(Vaults::close(signed(&ALICE), id));
		assert_nothing_left();
	});
}
