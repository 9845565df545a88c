//! Who may do what once a branch was shut down.

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
			assert_ok!(Vaults::deficit(Group::Branch(BTC_BRANCH), id));
			shut_down();
			let shut: DispatchError = Error::<Test>::BranchShutDown.into();
			assert_noop!(Vaults::threshold(Group::Branch(BTC_BRANCH)), shut);
			assert_noop!(Vaults::deficit(Group::Branch(BTC_BRANCH), id), shut);
			assert_noop!(Vaults::liquidate(Group::Branch(BTC_BRANCH), id), shut);
			assert_eq!(Vaults::groups(), [1, 2, 3, 4].map(Group::Branch).to_vec());
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
			assert_noop!(
				Vaults::shut_down(RuntimeOrigin::root(), BTC_BRANCH, None),
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
				p.mint_limit = percent(0);
			});
			assert_ok!(Vaults::shut_down(
				RuntimeOrigin::root(),
				BTC_BRANCH,
				Some(dollars(50_000))
			));
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
				assert_noop!(
					Vaults::shut_down(origin, BTC_BRANCH, None),
					DispatchError::BadOrigin
				);
			}
			assert_noop!(
				Vaults::shut_down(RuntimeOrigin::root(), 9, None),
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
			assert_noop!(Vaults::settle(signed(&ALICE), id), Error::<Test>::GracePeriod);
			pass_grace();
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

mod lets_the_collateral_be_listed_again {
	use super::*;

	#[test]
	fn under_a_new_number_with_everything_apart() {
		ExtBuilder::default().build_and_execute(|| {
			let add = |id| Vaults::add_branch(RuntimeOrigin::root(), id, BTC, BTC);
			Parameters::mutate(|all| all.insert(9, default_parameters()));
			assert_noop!(add(9), pallet_asset_registry::Error::<Test>::BranchRuns);
			let old = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			shut_down();
			// At once: it does not wait for the settlement, nor does that notice it.
			assert_ok!(add(9));
			assert_eq!(last_event(), Event::added(9, BTC, BTC));
			let new = open(&BOB, 9, 3 * ONE_BTC, 30_000 * USD);
			checked();
			settle_all();
			assert_eq!(
				(settlement().pot, settlement().claims),
				(ONE_BTC * 2 / 5, Some(20_000 * USD))
			);
			assert_eq!(
				(debt(new), branch(9).total_collateral),
				(30_000 * USD, 3 * ONE_BTC)
			);
			// kUSD is kUSD: Bob's is as good for the old pot.
			redeem(&BOB, ALL);
			assert_ok!(Vaults::close(signed(&ALICE), old));
			assert_nothing_left();
			assert_eq!(btc(&Vaults::branch_account(9)), 3 * ONE_BTC);
			move_price(BTC, dollars(10_000));
			assert_ok!(Vaults::liquidate(Group::Branch(9), new));
		});
	}

	#[test]
	fn but_once() {
		ExtBuilder::default().build_and_execute(|| {
			let add = |id| Vaults::add_branch(RuntimeOrigin::root(), id, BTC, BTC);
			for id in [9, 10] {
				Parameters::mutate(|all| all.insert(id, default_parameters()));
			}
			shut_down();
			assert_ok!(add(9));
			assert_noop!(add(10), pallet_asset_registry::Error::<Test>::BranchRuns);
			assert_noop!(add(BTC_BRANCH), Error::<Test>::BranchExists);
			assert_ok!(Vaults::shut_down(RuntimeOrigin::root(), 9, None));
			assert_ok!(add(10));
		});
	}

	/// One feed of an asset, and one number of a branch, for good.
	#[test]
	fn with_its_feed_and_under_no_number_that_was_given() {
		ExtBuilder::default().build_and_execute(|| {
			Parameters::mutate(|all| all.insert(9, default_parameters()));
			let old = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			assert_ok!(Vaults::close(signed(&ALICE), old));
			shut_down();
			assert!(!BranchList::<Test>::get().contains(&BTC_BRANCH), "it is over");
			let add = |id, feed| Vaults::add_branch(RuntimeOrigin::root(), id, BTC, feed);
			assert_noop!(add(9, ETH), pallet_asset_registry::Error::<Test>::FeedDiffers);
			assert_noop!(add(BTC_BRANCH, BTC), Error::<Test>::BranchExists);
			assert_ok!(add(9, BTC));
		});
	}

	/// A branch counts for how many there may be until everything is settled and redeemed.
	#[test]
	fn when_a_branch_is_over_there_is_room_for_another() {
		ExtBuilder::default().build_and_execute(|| {
			for id in [9, 10] {
				Parameters::mutate(|all| all.insert(id, default_parameters()));
			}
			assert_ok!(Assets::force_create(RuntimeOrigin::root(), 20, ALICE, true, 1));
			let add = |id, asset| Vaults::add_branch(RuntimeOrigin::root(), id, asset, asset);
			let vault = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			shut_down();
			assert_ok!(add(9, BTC));
			assert_noop!(add(10, 20), Error::<Test>::TooManyBranches);
			settle_all();
			assert_noop!(add(10, 20), Error::<Test>::TooManyBranches);
			redeem(&ALICE, ALL);
			assert!(events().contains(&Event::BranchOver { branch: BTC_BRANCH }));
			assert_ok!(add(10, 20));
			checked();
			// What is the owner's stays the owner's.
			assert_ok!(Vaults::close(signed(&ALICE), vault));
			assert_nothing_left();
		});
	}
}
