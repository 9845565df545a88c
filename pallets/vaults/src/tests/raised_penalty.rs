//! Liquidations while ratio, penalty and target margin of existing vaults ramp behind raised ones.

use frame_support::{assert_noop, assert_ok};
use keel_math::FixedU128;
use keel_primitives::{InsuranceFund, PositionLedger, VaultId};

use super::liquidation::{liquidate, risky};
use crate::{mock::*, Error};

/// Governance raised ratio and penalty together; the penalty has arrived, existing vaults are still held to
/// 1.20. The risky vault's collateral is worth `ratio` percent of its debt.
fn raised(ratio: u128) -> VaultId {
	let id = risky();
	set_parameters(BTC_BRANCH, |p| {
		p.liquidation_ratio = percent(130);
		p.liquidation_penalty = percent(25);
		p.target_margin = percent(5);
		p.pool_bonus = percent(25);
	});
	crate::Branches::<Test>::mutate(BTC_BRANCH, |branch| {
		let branch = branch.as_mut().unwrap();
		branch.ramped_ratio = percent(120);
		branch.ramped_penalty = percent(25);
	});
	move_price(BTC, dollars(350 * ratio));
	id
}

/// The kind: a parameter reaches what exists without the gate and the ramp. Before: a penalty and a target
/// margin were those of the block in which they were voted, and the liquidation in the next one charged and
/// took the more.
#[test]
fn a_raised_penalty_and_target_margin_arrive_on_the_ramp() {
	ExtBuilder::default().build_and_execute(|| {
		let id = risky();
		let sold = || {
			frame_support::hypothetically!({
				move_price(BTC, dollars(350 * 129));
				let outcome = liquidate(id).unwrap();
				(outcome.debt, lots().pop().unwrap().penalty)
			})
		};
		let before = sold();
		set_parameters(BTC_BRANCH, |p| {
			p.liquidation_penalty = percent(12);
			p.target_margin = percent(8);
		});
		assert_eq!(sold(), before);
		// A point an hour: 11 % and 6 % after one, all of it after three.
		let after = |hours: u32| {
			frame_support::hypothetically!({
				pass_hours(hours);
				let branch = branch(BTC_BRANCH);
				(branch.ramped_penalty, branch.ramped_margin)
			})
		};
		// A visit moves for two periods at most: a minute of an hour.
		let minute = FixedU128::from_rational(1, 6_000);
		let (penalty, margin) = after(1);
		assert!(
			penalty <= percent(10) + minute && penalty > percent(10),
			"{penalty:?}"
		);
		assert!(margin <= percent(5) + minute && margin > percent(5), "{margin:?}");
		for _ in 0..240 {
			pass(PERIOD * 2);
		}
		let branch = branch(BTC_BRANCH);
		assert_eq!(
			(branch.ramped_penalty, branch.ramped_margin),
			(percent(12), percent(8))
		);
		// Lower ones are there at once.
		set_parameters(BTC_BRANCH, |p| {
			p.liquidation_penalty = percent(10);
			p.target_margin = percent(5);
		});
		set_price(BTC, dollars(50_000));
		let (debt, penalty) = sold();
		assert!(penalty <= debt / 10 + 1, "{penalty} of {debt}");
	});
}

#[test]
fn a_part_is_taken_where_a_part_does() {
	ExtBuilder::default().build_and_execute(|| {
		let id = raised(119);
		let outcome = liquidate(id).unwrap();
		// (1.27 · 35,000 − 41,650) / (1.27 − 1.18), to the value of a base unit of collateral.
		let part = 31_111_111_111;
		assert!(
			outcome.debt >= part && outcome.debt < part + 10_000,
			"{outcome:?}"
		);
		assert_eq!(debt(id), 35_000 * USD - outcome.debt);
		// One plus the governed penalty and the gap; the ratio and the margin would be 1.25.
		let ratio = Vaults::health(id).unwrap().ratio.unwrap();
		assert!(ratio >= percent(127) && ratio < FixedU128::from_rational(12_701, 10_000));
		assert_noop!(
			Vaults::liquidate(Group::Branch(BTC_BRANCH), id),
			Error::<Test>::VaultSafe
		);
	});
}

#[test]
fn the_owner_loses_less_than_the_buffer() {
	ExtBuilder::default().build_and_execute(|| {
		let id = raised(119);
		let outcome = liquidate(id).unwrap();
		let lot = lots().pop().unwrap();
		// 18 % and not 25 %, of the part alone.
		assert!(lot.penalty.abs_diff(outcome.debt * 18 / 100) <= 1, "{lot:?}");
		assert!(lot.penalty < 35_000 * USD * 19 / 100);
	});
}

#[test]
fn the_whole_vault_goes_where_no_part_does_and_leaves_the_owner_what_is_over() {
	ExtBuilder::default().build_and_execute(|| {
		let id = raised(118);
		assert_eq!(liquidate(id).unwrap().debt, 35_000 * USD);
		let lot = lots().pop().unwrap();
		assert!(lot.penalty <= 35_000 * USD * 18 / 100);
	});
}

#[test]
fn the_pools_discount_is_not_the_funds_to_pay() {
	ExtBuilder::default().build_and_execute(|| {
		let id = raised(119);
		fund_pool(50_000 * USD);
		let outcome = liquidate(id).unwrap();
		assert_eq!((outcome.absorbed, outcome.shortfall), (outcome.debt, 0));
		assert_eq!(MockFund::bad_debt(), 0);
	});
}

#[test]
fn numbers_that_go_together_are_charged_in_full() {
	ExtBuilder::default().build_and_execute(|| {
		let id = raised(119);
		// The ramp arrived: ratio 1.30, penalty 0.25.
		crate::Branches::<Test>::mutate(BTC_BRANCH, |branch| {
			branch.as_mut().unwrap().ramped_ratio = percent(130)
		});
		move_price(BTC, dollars(350 * 128));
		let outcome = liquidate(id).unwrap();
		let lot = lots().pop().unwrap();
		assert!(lot.penalty.abs_diff(outcome.debt / 4) <= 1, "{lot:?}");
		let ratio = Vaults::health(id).unwrap().ratio.unwrap();
		assert!(ratio >= percent(135) && ratio < FixedU128::from_rational(13_501, 10_000));
	});
}

#[test]
fn a_ratio_without_a_buffer_has_no_penalty() {
	ExtBuilder::default().build_and_execute(|| {
		let id = raised(119);
		crate::Branches::<Test>::mutate(BTC_BRANCH, |branch| {
			branch.as_mut().unwrap().ramped_ratio = percent(101)
		});
		move_price(BTC, dollars(35_175));
		assert_ok!(liquidate(id));
		assert_eq!(lots().pop().unwrap().penalty, 0);
	});
}
