use frame_support::{assert_noop, assert_ok, weights::Weight};
use keel_math::{liquidation, value, FixedU128, Rounding};
use keel_primitives::{
	Auctions, InsuranceFund, LiquidationOutcome, PositionLedger, PriceFor, StabilityPool, VaultId,
};
use sp_runtime::DispatchError;

use crate::{mock::*, Change, Error, Event, OwnerVaults, Vaults as VaultMap};

/// One BTC at 50,000 with 35,000 kUSD against it: unsafe below 45,500.
pub(super) fn risky() -> VaultId {
	open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD)
}

/// What the maths says about the risky vault at `price`.
fn expected(price: FixedU128) -> liquidation::Size {
	liquidation::size(
		35_000 * USD,
		ONE_BTC,
		price,
		branch(BTC_BRANCH).divisor,
		percent(135),
		percent(10),
		100 * USD,
	)
	.unwrap()
}

pub(super) fn liquidate(id: VaultId) -> Result<LiquidationOutcome, DispatchError> {
	let outcome = Vaults::liquidate(Group::Branch(vault(id).branch), id);
	Vaults::do_try_state().unwrap();
	outcome
}

/// The kind: a parameter reaches what exists without the gate and the ramp. Before: with the minimum raised
/// above it, a vault was liquidated whole where a part restored it.
#[test]
fn a_raised_minimum_debt_takes_no_vault_whole_that_a_part_restores() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC / 200, 150 * USD);
		set_parameters(BTC_BRANCH, |p| p.minimum_debt = 200 * USD);
		move_price(BTC, dollars(38_800));
		let outcome = liquidate(id).unwrap();
		// (1.35 · 150 − 194) / (1.35 − 1.10)
		assert!(outcome.debt >= 34 * USD && outcome.debt < 35 * USD, "{outcome:?}");
		// What is left is held to what it was opened under.
		assert_eq!(vault(id).minimum_debt, 100 * USD);
		let rest = debt(id);
		move_price(BTC, dollars(30_000));
		// A part would leave less than a hundred.
		assert_eq!(liquidate(id).unwrap().debt, rest);
		assert_eq!(vault(id).minimum_debt, 0);
	});
}

mod refuses {
	use super::*;

	#[test]
	fn safe_vaults_even_exactly_at_the_threshold() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			move_price(BTC, dollars(45_500));
			assert_eq!(
				Vaults::threshold(Group::Branch(BTC_BRANCH)),
				Ok(35_000 * keel_math::ONE)
			);
			assert_noop!(
				Vaults::liquidate(Group::Branch(BTC_BRANCH), id),
				Error::<Test>::VaultSafe
			);
			assert_noop!(
				Vaults::deficit(Group::Branch(BTC_BRANCH), id),
				Error::<Test>::VaultSafe
			);
			assert_eq!(Vaults::health(id).unwrap().safe, Ok(true));
			// One unit of the price's last place below it.
			move_price(BTC, FixedU128::from_inner(dollars(45_500).into_inner() - 2));
			assert_eq!(unsafe_vaults(BTC_BRANCH), vec![id]);
			assert_eq!(Vaults::health(id).unwrap().safe, Ok(false));
			assert_ok!(Vaults::deficit(Group::Branch(BTC_BRANCH), id));
			assert_ok!(liquidate(id));
		});
	}

	#[test]
	fn unknown_vaults_wrong_branches_and_no_debt() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			move_price(BTC, dollars(1));
			assert_noop!(
				Vaults::liquidate(Group::Branch(BTC_BRANCH), 77),
				Error::<Test>::UnknownVault
			);
			assert_noop!(
				Vaults::liquidate(Group::Branch(ETH_BRANCH), id),
				Error::<Test>::WrongBranch
			);
			assert_noop!(Vaults::threshold(Group::Branch(77)), Error::<Test>::UnknownBranch);
			assert_ok!(Vaults::repay(signed(&ALICE), id, u128::MAX));
			assert_noop!(
				Vaults::liquidate(Group::Branch(BTC_BRANCH), id),
				Error::<Test>::VaultSafe
			);
			assert_eq!(Vaults::groups(), [1, 2, 3, 4].map(Group::Branch).to_vec());
		});
	}

	#[test]
	fn groups_of_anything_but_vaults() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			move_price(BTC, dollars(40_000));
			assert_ok!(Vaults::deficit(Group::Branch(BTC_BRANCH), id));
			for group in [
				Group::Long(BTC_BRANCH),
				Group::Short(BTC_BRANCH),
				Group::Collateral(BTC_BRANCH),
				Group::Deadline,
			] {
				assert_noop!(Vaults::threshold(group), Error::<Test>::UnknownBranch);
				assert_noop!(Vaults::deficit(group, id), Error::<Test>::UnknownBranch);
				assert_noop!(Vaults::liquidate(group, id), Error::<Test>::UnknownBranch);
				assert_noop!(Vaults::refresh(group, id), Error::<Test>::UnknownBranch);
			}
		});
	}

	/// A trigger that is exact has nothing to be looked at again for, whether the vault is safe or not.
	#[test]
	fn to_look_at_a_vault_again() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			let refresh = |id| Vaults::refresh(Group::Branch(BTC_BRANCH), id);
			assert_noop!(refresh(id), Error::<Test>::NothingChanged);
			move_price(BTC, dollars(40_000));
			assert_noop!(refresh(id), Error::<Test>::NothingChanged);
			assert_noop!(refresh(77), Error::<Test>::NothingChanged);
			assert_eq!(Vaults::refresh_weight(), Weight::zero());
		});
	}

	#[test]
	fn a_refused_price() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			move_price(BTC, dollars(40_000));
			RefusedFor::set(vec![PriceFor::Liquidate]);
			assert_noop!(Vaults::liquidate(Group::Branch(BTC_BRANCH), id), refused());
			assert_noop!(Vaults::deficit(Group::Branch(BTC_BRANCH), id), refused());
			assert_noop!(Vaults::threshold(Group::Branch(BTC_BRANCH)), refused());
			RefusedFor::set(vec![PriceFor::AddRisk, PriceFor::ReduceRisk]);
			assert_ok!(liquidate(id));
		});
	}

	#[test]
	fn a_price_its_owner_could_not_have_seen() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			// Same time as the vault's last risk.
			set_price(BTC, dollars(40_000));
			assert_noop!(
				Vaults::liquidate(Group::Branch(BTC_BRANCH), id),
				Error::<Test>::PriceNotNewer
			);
			Now::mutate(|now| *now += 1);
			assert_noop!(
				Vaults::liquidate(Group::Branch(BTC_BRANCH), id),
				Error::<Test>::PriceNotNewer
			);
			set_price(BTC, dollars(40_000));
			assert_ok!(liquidate(id));
		});
	}

	#[test]
	fn a_vault_that_rounding_alone_makes_unsafe() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, 3 * ONE_BTC, 100_000 * USD);
			// Worth 130 % of the debt and 2·10⁻¹⁸ dollars, while the trigger is a third of a unit too high.
			move_price(BTC, FixedU128::from_inner(43_333_333_333_333_333_333_334));
			assert_eq!(unsafe_vaults(BTC_BRANCH), vec![id]);
			set_parameters(BTC_BRANCH, |p| p.target_margin = percent(0));
			assert_noop!(
				Vaults::liquidate(Group::Branch(BTC_BRANCH), id),
				Error::<Test>::TargetUnreachable
			);
			set_parameters(BTC_BRANCH, |p| p.target_margin = percent(5));
			assert_ok!(liquidate(id));
		});
	}
}

/// Neither debt nor collateral, and the trigger is gone with the debt.
fn assert_empty(id: VaultId) {
	let vault = VaultMap::<Test>::get(id).unwrap();
	assert_eq!((vault.normalised_debt, vault.collateral), (0, 0));
}

mod by_the_pool {
	use super::*;

	#[test]
	fn restores_the_target_and_not_more() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			fund_pool(50_000 * USD);
			move_price(BTC, dollars(43_000));
			let size = expected(dollars(43_000));
			assert!(size.debt < 35_000 * USD);
			assert_eq!(Vaults::deficit(Group::Branch(BTC_BRANCH), id), Ok(size.debt));
			let capacity = MockPool::capacity();
			let purchase = liquidation::purchase(
				&size,
				dollars(43_000),
				branch(BTC_BRANCH).divisor,
				percent(5),
				capacity,
			)
			.unwrap();

			let outcome = liquidate(id).unwrap();
			assert_eq!(
				outcome,
				LiquidationOutcome {
					debt: size.debt,
					collateral: size.collateral,
					absorbed: size.debt,
					auctioned: 0,
					shortfall: 0,
					closed: 0,
				}
			);
			assert_eq!(
				last_event(),
				Event::Liquidated {
					vault: id,
					owner: ALICE,
					branch: BTC_BRANCH,
					price: dollars(43_000),
					debt: size.debt,
					collateral: size.collateral,
					penalty: size.penalty,
					absorbed: size.debt,
					auctioned: 0,
					shortfall: 0,
				}
			);
			assert_eq!(purchase.burn, size.debt);
			assert_eq!(capacity - MockPool::capacity(), purchase.burn + purchase.income);
			assert_eq!(kusd(&FUND), purchase.income);
			assert_eq!(Assets::balance(BTC, &POOL), size.collateral);
			// The owner keeps the rest, at the target ratio to the last digits.
			let rest = vault(id);
			assert_eq!(rest.collateral, ONE_BTC - size.collateral);
			assert_eq!(debt(id), 35_000 * USD - size.debt);
			let ratio = Vaults::health(id).unwrap().ratio.unwrap();
			assert!(ratio >= percent(135) && ratio < FixedU128::from_rational(13_501, 10_000));
			assert!(unsafe_vaults(BTC_BRANCH).is_empty());
			assert_eq!(branch(BTC_BRANCH).issued, (35_000 * USD - size.debt) as i128);
			// Collateral and kUSD the owner has otherwise are untouched.
			assert_eq!(kusd(&ALICE), 35_000 * USD);
			assert_eq!(held(&ALICE), DEPOSIT);
		});
	}

	#[test]
	fn of_a_whole_vault_leaves_the_owner_what_is_over() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC / 100, 350 * USD);
			fund_pool(50_000 * USD);
			// What restores it would leave less than the minimum.
			move_price(BTC, dollars(40_000));
			let outcome = liquidate(id).unwrap();
			assert_eq!(outcome.debt, 350 * USD);
			assert_eq!(debt(id), 0);
			// 350 · 1.1 / 40,000 BTC were taken.
			assert_eq!(vault(id).collateral, ONE_BTC / 100 - 962_500);
			assert_eq!(outcome.collateral, 962_500);
			assert_ok!(Vaults::close(signed(&ALICE), id));
			assert_eq!(held(&ALICE), 0);
		});
	}

	#[test]
	fn after_interest_takes_the_whole_debt_exactly() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			fund_pool(100_000 * USD);
			pass(YEAR);
			move_price(BTC, dollars(38_000));
			let owed = debt(id);
			assert!(owed > 35_000 * USD);
			let outcome = liquidate(id).unwrap();
			assert_eq!(outcome.debt, owed);
			assert_eq!(branch(BTC_BRANCH).total_normalised, 0);
		});
	}

	#[test]
	fn an_underwater_vault_goes_whole_and_the_fund_covers() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			fund_pool(50_000 * USD);
			fund_fund(2_000 * USD);
			move_price(BTC, dollars(30_000));
			let outcome = liquidate(id).unwrap();
			// 30,000 / 1.05 rounded up, all of it burned.
			let paid = 28_571_428_572;
			assert_eq!(
				outcome,
				LiquidationOutcome {
					debt: 35_000 * USD,
					collateral: ONE_BTC,
					absorbed: paid,
					auctioned: 0,
					shortfall: 35_000 * USD - paid,
					closed: 0,
				}
			);
			assert_eq!(kusd(&FUND), 0);
			assert_eq!(MockFund::bad_debt(), 33_000 * USD - paid);
			// Nothing is left in it: its owner closes it and has the deposit back.
			assert_empty(id);
			assert_ok!(Vaults::close(signed(&ALICE), id));
			assert!(!VaultMap::<Test>::contains_key(id));
			assert!(!OwnerVaults::<Test>::contains_key(&ALICE, id));
			assert_eq!(held(&ALICE), 0);
			assert_eq!(branch(BTC_BRANCH).issued, 0);
		});
	}
}

mod by_auction {
	use super::*;

	#[test]
	fn when_the_pool_is_empty_should_sell_all_of_the_lot() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			move_price(BTC, dollars(43_000));
			let size = expected(dollars(43_000));
			let outcome = liquidate(id).unwrap();
			assert_eq!(
				(outcome.absorbed, outcome.auctioned, outcome.shortfall),
				(0, size.debt, 0)
			);
			let lot = lots().pop().unwrap();
			assert_eq!(
				(lot.branch, lot.asset, lot.feed, &lot.owner),
				(BTC_BRANCH, BTC, BTC, &ALICE)
			);
			assert_eq!(
				(lot.collateral, lot.debt, lot.penalty),
				(size.collateral, size.debt, size.penalty)
			);
			assert_eq!(Assets::balance(BTC, &AUCTIONS), size.collateral);
			assert_eq!(MockAuctions::debt(), size.debt);
			// The kUSD is still out there, the auction answers for it.
			assert_eq!(Assets::total_supply(KUSD), 35_000 * USD);
			settle_auction(&ALICE);
			assert_eq!(Assets::total_supply(KUSD), 35_000 * USD - size.debt);
		});
	}

	#[test]
	fn when_the_pool_has_too_little_should_sell_the_rest_in_proportion() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			fund_pool(5_000 * USD);
			move_price(BTC, dollars(43_000));
			let size = expected(dollars(43_000));
			let outcome = liquidate(id).unwrap();
			assert_eq!(MockPool::capacity(), 0);
			assert_eq!(outcome.absorbed + outcome.auctioned, size.debt);
			assert!(outcome.absorbed > 0 && outcome.auctioned > 0);
			assert_eq!(outcome.collateral, size.collateral);
			let lot = lots().pop().unwrap();
			assert_eq!(lot.collateral + Assets::balance(BTC, &POOL), size.collateral);
			assert_eq!(lot.debt, outcome.auctioned);
			// A tenth of the debt, as for the whole, to what a base unit of collateral is worth.
			assert!(lot.penalty.abs_diff(lot.debt / 10) <= 430);
			assert!(unsafe_vaults(BTC_BRANCH).is_empty());
		});
	}

	#[test]
	fn when_the_pool_fails_should_sell_all_of_the_lot() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			fund_pool(50_000 * USD);
			PoolFails::set(true);
			move_price(BTC, dollars(43_000));
			let outcome = liquidate(id).unwrap();
			assert!(events().contains(&Event::PoolFailed {
				vault: id,
				error: DispatchError::Exhausted
			}));
			assert_eq!((outcome.absorbed, outcome.auctioned), (0, outcome.debt));
			// What it had burned halfway is back.
			assert_eq!(MockPool::capacity(), 50_000 * USD);
		});
	}

	#[test]
	fn when_it_cannot_start_should_liquidate_nothing() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			fund_pool(5_000 * USD);
			AuctionsFail::set(true);
			move_price(BTC, dollars(43_000));
			assert_noop!(
				Vaults::liquidate(Group::Branch(BTC_BRANCH), id),
				DispatchError::Unavailable
			);
			assert_eq!(MockPool::capacity(), 5_000 * USD);
			assert_eq!(vault(id).collateral, ONE_BTC);
		});
	}

	#[test]
	fn worthless_collateral_is_not_forced_on_the_pool() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			fund_pool(50_000 * USD);
			move_price(BTC, dollars(0));
			assert_eq!(Vaults::threshold(Group::Branch(BTC_BRANCH)), Ok(0));
			let outcome = liquidate(id).unwrap();
			assert_eq!((outcome.absorbed, outcome.auctioned), (0, 35_000 * USD));
			assert_eq!(outcome.collateral, ONE_BTC);
			assert_eq!(MockPool::capacity(), 50_000 * USD);
		});
	}
}

mod when_the_fund {
	use super::*;

	#[test]
	fn fails_should_liquidate_nothing() {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			fund_pool(50_000 * USD);
			move_price(BTC, dollars(30_000));
			FundFails::set(true);
			assert_noop!(
				Vaults::liquidate(Group::Branch(BTC_BRANCH), id),
				DispatchError::Corruption
			);
			FundFails::set(false);
			FundForgets::set(true);
			assert_noop!(
				Vaults::liquidate(Group::Branch(BTC_BRANCH), id),
				Error::<Test>::ShortfallNotCarried
			);
		});
	}
}

#[test]
fn debt_without_collateral_is_the_funds() {
	ExtBuilder::default().build_and_execute(|| {
		let id = risky();
		// No call leads here: take the collateral away behind the pallet's back, in every book.
		let old = vault(id).entry(branch(BTC_BRANCH).divisor);
		VaultMap::<Test>::mutate(id, |vault| {
			let vault = vault.as_mut().unwrap();
			(vault.collateral, vault.exits) = (0, Default::default());
		});
		crate::Branches::<Test>::mutate(BTC_BRANCH, |branch| {
			let branch = branch.as_mut().unwrap();
			(branch.total_collateral, branch.held) = (0, 0);
		});
		let account = Vaults::branch_account(BTC_BRANCH);
		assert_ok!(Assets::transfer(signed(&account), BTC, BOB, ONE_BTC));
		<MockIndex as keel_primitives::TriggerIndex>::moved(
			Group::Branch(BTC_BRANCH),
			id,
			old,
			vault(id).entry(branch(BTC_BRANCH).divisor),
		);
		move_price(BTC, dollars(1_000_000));
		let outcome = Vaults::liquidate(Group::Branch(BTC_BRANCH), id).unwrap();
		assert_eq!(outcome.shortfall, 35_000 * USD);
		assert_eq!(MockFund::bad_debt(), 35_000 * USD);
		assert_empty(id);
	});
}

#[test]
fn indivisible_collateral_leaves_no_debt_without_any() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, DEED_BRANCH, 1, 35_000 * USD);
		fund_pool(100_000 * USD);
		move_price(DEED, dollars(43_000));
		// Restoring would take part of the debt and, rounded up, the only deed.
		let outcome = liquidate(id).unwrap();
		assert_eq!(
			(outcome.debt, outcome.collateral, outcome.shortfall),
			(35_000 * USD, 1, 0)
		);
		assert_empty(id);
	});
}

/// What the pool pays for a whole deed beyond debt and penalty, at its discount, is the owner's, not the
/// fund's.
#[test]
fn what_the_pool_pays_for_an_indivisible_rest_is_the_owners() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, DEED_BRANCH, 1, 35_000 * USD);
		fund_pool(100_000 * USD);
		move_price(DEED, dollars(43_000));
		let before = (kusd(&ALICE), kusd(&FUND));
		liquidate(id).unwrap();
		let penalty = events()
			.into_iter()
			.find_map(|event| match event {
				Event::Liquidated { penalty, .. } => Some(penalty),
				_ => None,
			})
			.unwrap();
		let at_discount = |claim| keel_math::div_ratio(claim, percent(105), Rounding::Up).unwrap();
		let (paid, due) = (at_discount(43_000 * USD), at_discount(35_000 * USD + penalty));
		assert!(paid > due + 1_000 * USD);
		assert_eq!(kusd(&FUND) - before.1, due - 35_000 * USD);
		assert_eq!(kusd(&ALICE) - before.0, paid - due);
	});
}

#[test]
fn many_deeds_are_taken_until_the_target_is_restored() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, DEED_BRANCH, 20, 700_000 * USD);
		fund_pool(1_000_000 * USD);
		move_price(DEED, dollars(44_000));
		let outcome = liquidate(id).unwrap();
		assert!(outcome.debt < 700_000 * USD && outcome.collateral < 20);
		assert_eq!(vault(id).collateral, 20 - outcome.collateral);
		assert!(Vaults::health(id).unwrap().ratio.unwrap() >= percent(135));
	});
}

#[test]
fn a_capacity_one_unit_short_leaves_no_lot_without_debt() {
	// Every capacity around the cost of the lot: nothing is lost, no empty auction starts.
	let cost = {
		let mut cost = 0;
		ExtBuilder::default().build_and_execute(|| {
			risky();
			let size = expected(dollars(43_000));
			let worth = value::value_of(
				size.collateral,
				dollars(43_000),
				branch(BTC_BRANCH).divisor,
				Rounding::Up,
			);
			cost = keel_math::div_ratio(worth.unwrap(), percent(105), Rounding::Up).unwrap();
		});
		cost
	};
	for capacity in [1, 2, cost / 2, cost - 2, cost - 1, cost, cost + 1] {
		ExtBuilder::default().build_and_execute(|| {
			let id = risky();
			fund_pool(cost + 1);
			assert_ok!(Assets::transfer(
				signed(&POOL),
				KUSD,
				CHARLIE,
				cost + 1 - capacity
			));
			move_price(BTC, dollars(43_000));
			let outcome = liquidate(id).unwrap();
			assert_eq!(outcome.absorbed + outcome.auctioned, outcome.debt);
			let sold = Assets::balance(BTC, &POOL) + Assets::balance(BTC, &AUCTIONS);
			assert_eq!(sold, outcome.collateral);
			assert_eq!(sold + vault(id).collateral, ONE_BTC);
		});
	}
}

#[test]
fn can_be_repeated_as_the_price_falls() {
	ExtBuilder::default().build_and_execute(|| {
		let id = risky();
		fund_pool(200_000 * USD);
		let mut last = debt(id);
		for price in [44_000, 42_000, 40_000] {
			move_price(BTC, dollars(price));
			assert_ok!(liquidate(id));
			assert_noop!(
				Vaults::liquidate(Group::Branch(BTC_BRANCH), id),
				Error::<Test>::VaultSafe
			);
			assert!(debt(id) < last);
			last = debt(id);
		}
		// The vault is its owner's as before.
		assert_ok!(Vaults::adjust(
			signed(&ALICE),
			id,
			Change::Increase(ONE_BTC),
			Change::Keep
		));
	});
}

#[test]
fn a_tenfold_jump_either_way_ends_well() {
	ExtBuilder::default().build_and_execute(|| {
		let id = risky();
		let solid = open(&CHARLIE, BTC_BRANCH, 100 * ONE_BTC, 35_000 * USD);
		fund_pool(100_000 * USD);
		move_price(BTC, dollars(500_000));
		assert!(unsafe_vaults(BTC_BRANCH).is_empty());
		let minted = Vaults::maximum_mintable_by(id).unwrap();
		assert_ok!(Vaults::adjust(
			signed(&ALICE),
			id,
			Change::Keep,
			Change::Increase(minted)
		));
		move_price(BTC, dollars(5_000));
		assert_eq!(unsafe_vaults(BTC_BRANCH), vec![id]);
		let outcome = liquidate(id).unwrap();
		assert_eq!(outcome.debt, 35_000 * USD + minted);
		assert!(outcome.shortfall > 0);
		assert!(Vaults::health(solid).unwrap().safe.unwrap());
	});
}

#[test]
fn worst_vaults_come_first_and_are_the_only_ones() {
	ExtBuilder::default().build_and_execute(|| {
		let debts = [20_000, 35_000, 25_000, 33_000, 30_000];
		let ids = debts.map(|debt| open(&ALICE, BTC_BRANCH, ONE_BTC, debt * USD));
		move_price(BTC, dollars(39_001));
		// 39,001 / 1.3 = 30,000.8
		assert_eq!(unsafe_vaults(BTC_BRANCH), vec![ids[1], ids[3]]);
		for (id, debt) in ids.iter().zip(debts) {
			assert_eq!(
				Vaults::deficit(Group::Branch(BTC_BRANCH), *id).is_ok(),
				debt > 30_000
			);
		}
	});
}
