//! Who may do what once a branch was shut down, and at which price it ends.

use super::*;

mod closes {
	use super::*;

	#[test]
	fn everything_that_is_not_an_exit() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			let free = open(&ALICE, BTC_BRANCH, ONE_BTC, 1_000 * USD);
			assert_ok!(Vaults::repay(signed(&ALICE), free, ALL));
			shut_down();
			let shut: DispatchError = Error::<Test>::BranchShutDown.into();
			let adjust = |id, collateral, debt| Vaults::adjust(signed(&ALICE), id, collateral, debt);
			assert_noop!(Vaults::open(signed(&BOB), BTC_BRANCH, ONE_BTC, 1_000 * USD), shut);
			for (collateral, debt) in [
				(Keep, Increase(1)),
				(Increase(ONE_BTC), Increase(1)),
				(Decrease(1), Keep),
				(Decrease(ONE_BTC / 2), Decrease(19_000 * USD)),
			] {
				assert_noop!(adjust(id, collateral, debt), shut);
				assert_eq!(
					Vaults::preview_adjust(id, collateral, debt),
					Err(Error::<Test>::BranchShutDown.into())
				);
			}
			// Nothing comes into a vault that owes nothing.
			assert_noop!(Vaults::top_up(signed(&BOB), free, 1), shut);
			assert_noop!(adjust(free, Increase(1), Keep), shut);
			let err = || Err(Error::<Test>::BranchShutDown.into());
			assert_eq!(Vaults::maximum_mintable(BTC_BRANCH, ONE_BTC), err());
			assert_eq!(Vaults::maximum_mintable_by(id), err());
			assert_eq!(
				Vaults::preview_open(BTC_BRANCH, ONE_BTC, 1_000 * USD).map(|_| 0),
				err()
			);
			let summary = Vaults::branch(BTC_BRANCH).unwrap();
			assert!(summary.shut_down);
			assert_eq!((summary.mint_room, summary.exit_room), (0, 0));
			assert_eq!(Vaults::liquidation_price(id), None);
			assert_eq!(
				Vaults::health(id).unwrap().safe,
				Err(Error::<Test>::BranchShutDown.into())
			);
			// Other branches run on.
			open(&BOB, ETH_BRANCH, 10 * ONE_ETH, 1_000 * USD);
		});
	}

	#[test]
	fn liquidations() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
			move_price(BTC, dollars(43_000));
			assert_ok!(Vaults::deficit(BTC_BRANCH, id));
			shut_down();
			let shut: DispatchError = Error::<Test>::BranchShutDown.into();
			assert_noop!(Vaults::threshold(BTC_BRANCH), shut);
			assert_noop!(Vaults::deficit(BTC_BRANCH, id), shut);
			assert_noop!(Vaults::liquidate(BTC_BRANCH, id), shut);
			assert_eq!(Vaults::groups(), vec![1, 2, 3, 4]);
		});
	}

	#[test]
	fn interest_and_the_ramp() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			shut_down();
			set_volatility(BTC, percent(500));
			pass_hours(24);
			let branch = branch(BTC_BRANCH);
			assert_eq!((branch.rate_index, branch.ramped_ratio), (RAY, percent(130)));
			assert_eq!((debt(id), kusd(&FUND)), (20_000 * USD, 0));
			assert!(crate::Branches::<Test>::get(ETH_BRANCH).unwrap().rate_index > RAY);
		});
	}

	#[test]
	fn the_branch_for_good() {
		ExtBuilder::default().build_and_execute(|| {
			shut_down();
			settle_all();
			let add = |id, asset| Vaults::add_branch(RuntimeOrigin::root(), id, asset, asset);
			assert_noop!(add(BTC_BRANCH, BTC), Error::<Test>::BranchExists);
			Parameters::mutate(|all| all.insert(9, default_parameters()));
			assert_noop!(add(9, BTC), Error::<Test>::CollateralListed);
			assert_noop!(
				Vaults::shut_down(RuntimeOrigin::root(), BTC_BRANCH),
				Error::<Test>::BranchShutDown
			);
		});
	}
}

mod leaves_open {
	use super::*;

	#[test]
	fn repaying_topping_up_and_closing_until_settled_at_any_level_without_a_price() {
		use keel_primitives::{BreakerSubject, Level};
		ExtBuilder::default().build_and_execute(|| {
			let ids = [(); 3].map(|_| open(&ALICE, BTC_BRANCH, ONE_BTC, 10_000 * USD));
			raise(BreakerSubject::Chain, Level::Halted);
			RefusedFor::set(vec![PriceFor::AddRisk, PriceFor::ReduceRisk, PriceFor::Liquidate]);
			set_parameters(BTC_BRANCH, |p| {
				p.exit_limit = percent(0);
				p.minted_reduce_only = percent(0);
			});
			shut_down();
			assert_ok!(Vaults::close(signed(&ALICE), ids[0]));
			assert_ok!(Vaults::top_up(signed(&BOB), ids[1], 5));
			assert_ok!(Vaults::repay(signed(&ALICE), ids[1], 1));
			assert_ok!(Vaults::adjust(signed(&ALICE), ids[1], Increase(1), Decrease(1)));
			assert_ok!(Vaults::adjust(
				signed(&ALICE),
				ids[1],
				Decrease(ALL),
				Decrease(ALL)
			));
			checked();
			settle_all();
			// The settled one: all at once or bit by bit.
			assert_ok!(Vaults::adjust(signed(&ALICE), ids[2], Decrease(1), Keep));
			assert_ok!(Vaults::close(signed(&ALICE), ids[2]));
			assert_ok!(Vaults::close(signed(&ALICE), ids[1]));
			redeem(&ALICE, ALL);
			assert_nothing_left();
		});
	}
}

mod refuses {
	use super::*;

	#[test]
	fn whoever_may_not() {
		ExtBuilder::default().build_and_execute(|| {
			for origin in [signed(&ALICE), RuntimeOrigin::none()] {
				assert_noop!(Vaults::shut_down(origin, BTC_BRANCH), DispatchError::BadOrigin);
			}
			assert_noop!(
				Vaults::shut_down(RuntimeOrigin::root(), 9),
				Error::<Test>::UnknownBranch
			);
			assert_noop!(Vaults::settle(RuntimeOrigin::none(), 0), DispatchError::BadOrigin);
			assert_noop!(
				Vaults::redeem(RuntimeOrigin::root(), BTC_BRANCH, 1),
				DispatchError::BadOrigin
			);
		});
	}

	#[test]
	fn what_comes_too_early_or_too_late() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			let other = open(&BOB, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			let redeems = |amount| Vaults::redeem(signed(&ALICE), BTC_BRANCH, amount);
			let quote = |amount| Vaults::quote_redeem(BTC_BRANCH, amount).map(|_| ());
			let both = |amount, error: Error<Test>| {
				assert_eq!(quote(amount), Err(DispatchError::from(error)));
				redeems(amount)
			};
			assert_noop!(Vaults::settle(signed(&ALICE), id), Error::<Test>::NotShutDown);
			assert_noop!(both(1, Error::<Test>::NotShutDown), Error::<Test>::NotShutDown);
			assert_noop!(Vaults::redeem(signed(&ALICE), 9, 1), Error::<Test>::UnknownBranch);
			shut_down();
			assert_noop!(
				both(20_000 * USD, Error::<Test>::NotSettled),
				Error::<Test>::NotSettled
			);
			assert_noop!(Vaults::settle(signed(&ALICE), 99), Error::<Test>::UnknownVault);
			assert_ok!(Vaults::settle(signed(&CHARLIE), id));
			checked();
			assert_noop!(
				Vaults::settle(signed(&CHARLIE), id),
				Error::<Test>::NothingChanged
			);
			assert_noop!(
				both(20_000 * USD, Error::<Test>::NotSettled),
				Error::<Test>::NotSettled
			);
			assert_ok!(Vaults::settle(signed(&CHARLIE), other));
			assert_noop!(
				both(0, Error::<Test>::NothingChanged),
				Error::<Test>::NothingChanged
			);
			// More than she has.
			assert!(redeems(20_000 * USD + 1).is_err());
			checked();
			redeem(&ALICE, 20_000 * USD);
			redeem(&BOB, 20_000 * USD);
			assert_noop!(
				both(1, Error::<Test>::NothingChanged),
				Error::<Test>::NothingChanged
			);
			assert_eq!(view().rate, None);
		});
	}
}

mod at_the_last_price {
	use super::*;

	#[test]
	fn however_long_ago_it_was() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			RefusedFor::set(vec![PriceFor::AddRisk, PriceFor::ReduceRisk, PriceFor::Liquidate]);
			pass(WEEK);
			let owed = debt(id);
			shut_down();
			assert_eq!((view().price, view().at), (dollars(50_000), START + WEEK));
			// A price that comes later changes nothing.
			move_price(BTC, dollars(1));
			settle_all();
			assert_eq!(settlement().pot, (owed * 100).div_ceil(50_000));
		});
	}

	#[test]
	fn fails_if_there_never_was_one_and_somebody_owes() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			PriceTable::mutate(|table| table.remove(&BTC));
			assert_noop!(
				Vaults::shut_down(RuntimeOrigin::root(), BTC_BRANCH),
				Error::<Test>::NoPriceToSettleAt
			);
			assert_ok!(Vaults::close(signed(&ALICE), id));
			shut_down();
			assert_eq!(
				last_event(),
				Event::SettlementDone {
					branch: BTC_BRANCH,
					pot: 0,
					claims: 0,
					covered: 0
				}
			);
			assert_eq!(view().price, dollars(0));
			assert_nothing_left();
		});
	}

	#[test]
	fn of_nothing_takes_everything() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			move_price(BTC, dollars(0));
			shut_down();
			settle_all();
			assert_eq!((settlement().pot, vault(id).collateral), (ONE_BTC, 0));
			assert_eq!(view().rate, Some(dollars(0)));
			assert_eq!(redeem(&ALICE, 5_000 * USD), ONE_BTC / 4);
			// Nothing is in the vault, and the deposit comes back.
			assert_ok!(Vaults::close(signed(&ALICE), id));
			redeem(&ALICE, ALL);
			assert_nothing_left();
		});
	}
}
