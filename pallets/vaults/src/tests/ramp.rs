use keel_math::{interest, FixedU128};
use keel_primitives::PositionLedger;

use crate::{mock::*, Event};

/// What the liquidation ratio may move in a period, at a point per hour.
fn step(periods: u64) -> u128 {
	interest::ramp(dollars(0), dollars(9), percent(1), PERIOD * periods).into_inner()
}

#[test]
fn moves_towards_what_volatility_asks_for_and_stops_there() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(branch(BTC_BRANCH).ramped_ratio, percent(130));
		set_volatility(BTC, percent(500));
		let target = Vaults::branch(BTC_BRANCH).unwrap().liquidation_ratio_target;
		assert!(target > percent(170) && target < percent(172));
		pass(PERIOD);
		let after_one = FixedU128::from_inner(percent(130).into_inner() + step(1));
		assert_eq!(branch(BTC_BRANCH).ramped_ratio, after_one);
		assert!(events().contains(&Event::LiquidationRatioMoved {
			branch: BTC_BRANCH,
			ratio: after_one,
			target
		}));
		// A point per hour: 41 points take 41 hours and a bit.
		for _ in 0..40 * 120 {
			pass(PERIOD);
		}
		assert!(branch(BTC_BRANCH).ramped_ratio < target);
		for _ in 0..2 * 120 {
			pass(PERIOD);
		}
		assert_eq!(branch(BTC_BRANCH).ramped_ratio, target);
		// And back down, no faster.
		set_volatility(BTC, percent(10));
		pass(PERIOD);
		assert_eq!(
			branch(BTC_BRANCH).ramped_ratio.into_inner(),
			target.into_inner() - step(1)
		);
	});
}

#[test]
fn when_the_chain_stood_still_should_not_jump() {
	ExtBuilder::default().build_and_execute(|| {
		set_volatility(BTC, percent(500));
		pass(YEAR);
		assert_eq!(
			branch(BTC_BRANCH).ramped_ratio.into_inner(),
			percent(130).into_inner() + step(2)
		);
		assert_eq!(branch(BTC_BRANCH).ramped_at, START + YEAR);
	});
}

#[test]
fn moves_even_while_interest_cannot() {
	ExtBuilder::default().build_and_execute(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		crate::Branches::<Test>::mutate(BTC_BRANCH, |branch| {
			branch.as_mut().unwrap().fee = FixedU128::from_inner(u128::MAX)
		});
		set_volatility(BTC, percent(500));
		pass(PERIOD);
		assert_eq!(
			branch(BTC_BRANCH).ramped_ratio.into_inner(),
			percent(130).into_inner() + step(1)
		);
		assert_eq!(branch(BTC_BRANCH).rate_index, keel_math::RAY);
	});
}

#[test]
fn never_passes_the_cap_nor_falls_below_the_base() {
	ExtBuilder::default().build_and_execute(|| {
		set_parameters(BTC_BRANCH, |p| p.ramp_per_hour = dollars(1_000));
		set_volatility(BTC, FixedU128::from_inner(u128::MAX));
		pass(PERIOD);
		assert_eq!(branch(BTC_BRANCH).ramped_ratio, percent(200));
		set_volatility(BTC, dollars(0));
		pass(PERIOD);
		assert_eq!(branch(BTC_BRANCH).ramped_ratio, percent(130));
		// No volatility known: the base.
		PriceTable::set(Default::default());
		pass(PERIOD);
		assert_eq!(branch(BTC_BRANCH).ramped_ratio, percent(130));
	});
}

#[test]
fn makes_vaults_unsafe_without_touching_them() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
		Now::set(START + 1_000);
		set_price(BTC, dollars(50_000));
		assert!(unsafe_vaults(BTC_BRANCH).is_empty());
		set_parameters(BTC_BRANCH, |p| p.liquidation_ratio = percent(150));
		// New risk meets the new ratio at once, existing vaults do not.
		assert!(unsafe_vaults(BTC_BRANCH).is_empty());
		assert!(Vaults::deficit(Group::Branch(BTC_BRANCH), id).is_err());
		for _ in 0..13 * 120 {
			pass(PERIOD);
		}
		assert_eq!(unsafe_vaults(BTC_BRANCH), vec![id]);
		assert!(Vaults::deficit(Group::Branch(BTC_BRANCH), id).is_ok());
	});
}
