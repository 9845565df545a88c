use frame_support::{assert_noop, assert_ok};
use keel_primitives::{Balance, PriceFor, VaultId};

use crate::{
	mock::*,
	Change::{Decrease, Increase, Keep},
	Error, Event,
};

const ALL: Balance = Balance::MAX;

fn opened() -> VaultId {
	open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD)
}

#[test]
fn moves_both_sides_in_one_go() {
	ExtBuilder::default().build_and_execute(|| {
		let id = opened();
		assert_ok!(Vaults::adjust(
			signed(&ALICE),
			id,
			Increase(ONE_BTC),
			Increase(5_000 * USD)
		));
		assert_eq!(
			last_event(),
			Event::VaultAdjusted {
				vault: id,
				deposited: ONE_BTC,
				withdrawn: 0,
				minted: 5_000 * USD,
				repaid: 0,
				collateral: 2 * ONE_BTC,
				debt: 25_000 * USD
			}
		);
		assert_ok!(Vaults::adjust(
			signed(&ALICE),
			id,
			Decrease(ONE_BTC),
			Decrease(10_000 * USD)
		));
		assert_eq!((vault(id).collateral, debt(id)), (ONE_BTC, 15_000 * USD));
		assert_ok!(Vaults::adjust(
			signed(&ALICE),
			id,
			Increase(ONE_BTC),
			Decrease(1_000 * USD)
		));
		assert_ok!(Vaults::adjust(
			signed(&ALICE),
			id,
			Decrease(ONE_BTC),
			Increase(1_000 * USD)
		));
		assert_eq!((vault(id).collateral, debt(id)), (ONE_BTC, 15_000 * USD));
		assert_eq!(kusd(&ALICE), 15_000 * USD);
		assert_eq!(branch(BTC_BRANCH).issued, 15_000 * USD as i128);
	});
}

#[test]
fn only_the_owner_may() {
	ExtBuilder::default().build_and_execute(|| {
		let id = opened();
		assert_noop!(
			Vaults::adjust(signed(&BOB), id, Increase(1), Keep),
			Error::<Test>::NotOwner
		);
		assert_noop!(
			Vaults::adjust(signed(&ALICE), id + 1, Increase(1), Keep),
			Error::<Test>::UnknownVault
		);
	});
}

#[test]
fn fails_when_nothing_moves_or_more_than_there_is() {
	ExtBuilder::default().build_and_execute(|| {
		let id = opened();
		let adjust = |collateral, debt| Vaults::adjust(signed(&ALICE), id, collateral, debt);
		for (collateral, debt) in [
			(Keep, Keep),
			(Increase(0), Decrease(0)),
			(Decrease(0), Increase(0)),
		] {
			assert_noop!(adjust(collateral, debt), Error::<Test>::NothingChanged);
		}
		assert_noop!(
			adjust(Decrease(ONE_BTC + 1), Keep),
			Error::<Test>::CollateralExceedsVault
		);
		assert_noop!(
			adjust(Keep, Decrease(20_000 * USD + 1)),
			Error::<Test>::RepaymentExceedsDebt
		);
		assert_ok!(adjust(Keep, Decrease(20_000 * USD)));
		assert_noop!(adjust(Keep, Decrease(1)), Error::<Test>::RepaymentExceedsDebt);
		assert_noop!(adjust(Keep, Decrease(ALL)), Error::<Test>::NothingChanged);
	});
}

#[test]
fn the_largest_number_is_all_of_it() {
	ExtBuilder::default().build_and_execute(|| {
		let id = opened();
		assert_ok!(Vaults::adjust(signed(&ALICE), id, Decrease(ALL), Decrease(ALL)));
		assert_eq!((vault(id).collateral, debt(id)), (0, 0));
		// An empty vault keeps its deposit until it is closed, and can be used again.
		assert_eq!(held(&ALICE), DEPOSIT);
		assert_ok!(Vaults::adjust(
			signed(&ALICE),
			id,
			Increase(ONE_BTC),
			Increase(100 * USD)
		));
	});
}

#[test]
fn the_minimum_debt_binds_when_debt_changes() {
	ExtBuilder::default().build_and_execute(|| {
		let id = opened();
		let adjust = |collateral, debt| Vaults::adjust(signed(&ALICE), id, collateral, debt);
		assert_noop!(
			adjust(Keep, Decrease(20_000 * USD - 1)),
			Error::<Test>::DebtBelowMinimum
		);
		assert_ok!(adjust(Keep, Decrease(19_900 * USD)));

		// Governance raises it above what the vault owes: it keeps its own, and meets the new one when it
		// mints.
		set_parameters(BTC_BRANCH, |p| p.minimum_debt = 200 * USD);
		assert_ok!(adjust(Increase(1), Keep));
		assert_ok!(adjust(Decrease(1), Keep));
		assert_noop!(adjust(Keep, Decrease(1)), Error::<Test>::DebtBelowMinimum);
		assert_noop!(adjust(Keep, Increase(99 * USD)), Error::<Test>::DebtBelowMinimum);
		assert_ok!(adjust(Keep, Increase(100 * USD)));
		assert_noop!(adjust(Keep, Decrease(1)), Error::<Test>::DebtBelowMinimum);
		assert_ok!(adjust(Keep, Decrease(ALL)));
	});
}

/// The kind: a parameter reaches what exists without the gate and the ramp. Before: with the minimum at 200,
/// a vault of 150 opened under 100 could not repay 10.
#[test]
fn a_raised_minimum_does_not_reach_a_vault_that_does_not_mint() {
	ExtBuilder::default().build_and_execute(|| {
		let opened = |debt| open(&ALICE, BTC_BRANCH, ONE_BTC, debt);
		let (small, large) = (opened(150 * USD), opened(350 * USD));
		set_parameters(BTC_BRANCH, |p| p.minimum_debt = 300 * USD);
		let adjust = |id, collateral, debt| Vaults::adjust(signed(&ALICE), id, collateral, debt);
		assert_ok!(adjust(small, Keep, Decrease(10 * USD)));
		assert_ok!(adjust(small, Decrease(ONE_BTC / 10), Decrease(10 * USD)));
		assert_ok!(adjust(large, Keep, Decrease(250 * USD)));
		for id in [small, large] {
			// No lower than what it was opened under.
			assert_noop!(
				adjust(id, Keep, Decrease(31 * USD)),
				Error::<Test>::DebtBelowMinimum
			);
			assert_noop!(adjust(id, Keep, Increase(1)), Error::<Test>::DebtBelowMinimum);
			assert_eq!(vault(id).minimum_debt, 100 * USD);
		}
		// A lower one reaches it at once and is kept.
		set_parameters(BTC_BRANCH, |p| p.minimum_debt = 50 * USD);
		assert_ok!(adjust(large, Keep, Decrease(50 * USD)));
		set_parameters(BTC_BRANCH, |p| p.minimum_debt = 300 * USD);
		assert_eq!(Vaults::health(large).unwrap().minimum_debt, 50 * USD);
		// Without a debt there is none to keep.
		assert_ok!(adjust(small, Keep, Decrease(ALL)));
		assert_eq!(vault(small).minimum_debt, 0);
		assert_noop!(
			adjust(small, Keep, Increase(299 * USD)),
			Error::<Test>::DebtBelowMinimum
		);
		assert_ok!(adjust(small, Keep, Increase(300 * USD)));
	});
}

#[test]
fn every_mint_meets_the_ceiling() {
	ExtBuilder::default().build_and_execute(|| {
		let id = opened();
		set_parameters(BTC_BRANCH, |p| p.debt_ceiling = 21_000 * USD);
		assert_noop!(
			Vaults::adjust(signed(&ALICE), id, Keep, Increase(1_000 * USD + 1)),
			Error::<Test>::CeilingReached
		);
		assert_ok!(Vaults::adjust(signed(&ALICE), id, Keep, Increase(1_000 * USD)));
		// Below what is issued already: nothing but minting is closed.
		set_parameters(BTC_BRANCH, |p| p.debt_ceiling = 0);
		assert_noop!(
			Vaults::adjust(signed(&ALICE), id, Increase(ONE_BTC), Increase(1)),
			Error::<Test>::CeilingReached
		);
		assert_ok!(Vaults::adjust(signed(&ALICE), id, Increase(ONE_BTC), Keep));
		assert_ok!(Vaults::adjust(signed(&ALICE), id, Decrease(ONE_BTC), Keep));
		assert_ok!(Vaults::adjust(signed(&ALICE), id, Keep, Decrease(ALL)));
	});
}

#[test]
fn withdrawing_meets_the_ratio_to_the_unit() {
	ExtBuilder::default().build_and_execute(|| {
		let id = opened();
		// 20,000 · 1.4 / 50,000 = 0.56 BTC, one base unit more for the confidence.
		let least = 56_000_001;
		assert_noop!(
			Vaults::adjust(signed(&ALICE), id, Decrease(ONE_BTC - least + 1), Keep),
			Error::<Test>::RatioTooLow
		);
		assert_ok!(Vaults::adjust(
			signed(&ALICE),
			id,
			Decrease(ONE_BTC - least),
			Keep
		));
		assert_noop!(
			Vaults::adjust(signed(&ALICE), id, Decrease(ALL), Keep),
			Error::<Test>::RatioTooLow
		);
	});
}

mod when_the_price_is_refused {
	use super::*;

	#[test]
	fn for_adding_risk_should_close_minting_and_net_withdrawing() {
		ExtBuilder::default().build_and_execute(|| {
			let id = opened();
			let adjust = |collateral, debt| Vaults::adjust(signed(&ALICE), id, collateral, debt);
			RefusedFor::set(vec![PriceFor::AddRisk]);
			assert_noop!(adjust(Keep, Increase(1)), refused());
			assert_noop!(adjust(Decrease(1), Keep), refused());
			assert_noop!(adjust(Decrease(ONE_BTC / 2), Decrease(9_000 * USD)), refused());
			// Minting with collateral that keeps the trigger down: nobody knows what it is worth.
			assert_noop!(adjust(Increase(10 * ONE_BTC), Increase(20_000 * USD)), refused());
			// In proportion, it reduces risk.
			assert_ok!(adjust(Decrease(ONE_BTC / 2), Decrease(10_000 * USD)));
		});
	}

	#[test]
	fn for_reducing_risk_should_close_withdrawing_while_debt_remains() {
		ExtBuilder::default().build_and_execute(|| {
			let id = opened();
			let adjust = |collateral, debt| Vaults::adjust(signed(&ALICE), id, collateral, debt);
			RefusedFor::set(vec![PriceFor::ReduceRisk]);
			assert_noop!(adjust(Decrease(ONE_BTC / 4), Decrease(10_000 * USD)), refused());
			assert_ok!(adjust(Keep, Increase(1_000 * USD)));
		});
	}

	#[test]
	fn for_everything_should_leave_the_exits_open() {
		ExtBuilder::default().build_and_execute(|| {
			let [a, b, c] = [opened(), opened(), opened()];
			RefusedFor::set(vec![PriceFor::AddRisk, PriceFor::ReduceRisk, PriceFor::Liquidate]);
			assert_ok!(Vaults::adjust(
				signed(&ALICE),
				a,
				Increase(1),
				Decrease(1_000 * USD)
			));
			assert_ok!(Vaults::adjust(
				signed(&ALICE),
				a,
				Decrease(ONE_BTC),
				Decrease(ALL)
			));
			// Without debt, the rest leaves freely.
			assert_ok!(Vaults::adjust(signed(&ALICE), a, Decrease(1), Keep));
			assert_ok!(Vaults::repay(signed(&ALICE), b, 1_000 * USD));
			assert_ok!(Vaults::top_up(signed(&BOB), b, 1));
			assert_ok!(Vaults::close(signed(&ALICE), c));
			// Not even parameters are needed to leave.
			Parameters::set(Default::default());
			PriceTable::set(Default::default());
			assert_ok!(Vaults::close(signed(&ALICE), a));
			assert_ok!(Vaults::top_up(signed(&ALICE), b, 1));
			assert_ok!(Vaults::adjust(signed(&ALICE), b, Keep, Decrease(ALL)));
			assert_ok!(Vaults::close(signed(&ALICE), b));
		});
	}
}

#[test]
fn risk_is_dated_only_when_the_trigger_rises() {
	ExtBuilder::default().build_and_execute(|| {
		let id = opened();
		Now::set(START + 5_000);
		for (collateral, debt) in [
			(Increase(ONE_BTC), Keep),
			(Keep, Decrease(1_000 * USD)),
			(Increase(ONE_BTC), Increase(1)),
			(Decrease(ONE_BTC), Decrease(9_000 * USD)),
		] {
			assert_ok!(Vaults::adjust(signed(&ALICE), id, collateral, debt));
			assert_eq!(vault(id).risk_added_at, START);
		}
		assert_ok!(Vaults::adjust(signed(&ALICE), id, Decrease(1), Keep));
		assert_eq!(vault(id).risk_added_at, START + 5_000);
	});
}

#[test]
fn fails_without_the_means_and_changes_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		let id = opened();
		assert_ok!(Assets::transfer(signed(&ALICE), KUSD, BOB, 15_000 * USD));
		assert!(Vaults::adjust(signed(&ALICE), id, Keep, Decrease(6_000 * USD)).is_err());
		assert!(Vaults::adjust(signed(&ALICE), id, Increase(u128::MAX / 2), Keep).is_err());
		assert_eq!((vault(id).collateral, debt(id)), (ONE_BTC, 20_000 * USD));
		assert_ok!(Vaults::do_try_state());
	});
}

#[test]
fn numbers_at_the_edge_of_the_type_fail_cleanly() {
	ExtBuilder::default().build_and_execute(|| {
		let id = opened();
		let overflow = sp_runtime::ArithmeticError::Overflow;
		let adjust = |collateral, debt| Vaults::adjust(signed(&ALICE), id, collateral, debt);
		assert_noop!(adjust(Increase(ALL), Keep), overflow);
		assert_noop!(adjust(Keep, Increase(ALL)), overflow);
		assert_noop!(adjust(Keep, Increase(ALL / 2 + 1)), overflow);
		assert_noop!(
			adjust(Keep, Decrease(ALL - 1)),
			Error::<Test>::RepaymentExceedsDebt
		);
		assert_noop!(
			adjust(Decrease(ALL - 1), Keep),
			Error::<Test>::CollateralExceedsVault
		);
		set_price(BTC, keel_math::FixedU128::from_inner(u128::MAX));
		assert_ok!(adjust(Decrease(1), Keep));
		set_parameters(BTC_BRANCH, |p| {
			p.safety_margin = keel_math::FixedU128::from_inner(u128::MAX)
		});
		assert_noop!(adjust(Decrease(1), Keep), overflow);
	});
}
