use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError::BadOrigin;

use super::*;

const FEE: Key = Key::Branch(BranchKey::StabilityFee);

#[test]
fn when_set_should_store_announce_and_leave_the_value() {
	ExtBuilder::default().build_and_execute(|| {
		let old = Bounds::<Test>::get(BRANCH, FEE).unwrap();
		let values = Branches::<Test>::get(BTC);
		assert_ok!(set_bounds(BRANCH, &[(FEE, pct(1), pct(2))]));
		let new = Range {
			min: pct(1),
			max: pct(2),
		};
		assert_eq!(Bounds::<Test>::get(BRANCH, FEE), Some(new));
		assert_eq!(Branches::<Test>::get(BTC), values);
		System::assert_last_event(
			Event::BoundsChanged {
				subject: BRANCH,
				key: FEE,
				old,
				new,
			}
			.into(),
		);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(FEE, pct(2) + 1)]),
			Error::<Test>::AboveBounds
		);
		// Another branch keeps its own.
		assert_eq!(Bounds::<Test>::get(Subject::Branch(DOT), FEE), Some(old));
		// So do another market and another asset of the same number.
		let (premium, haircut) = (m(MarketKey::MaxPremium), a(CollateralKey::Haircut));
		assert_ok!(set_bounds(MARKET, &[(premium, bps(50), pct(2))]));
		assert_ok!(set_bounds(COLLATERAL, &[(haircut, pct(9), pct(11))]));
		for (held, other, key) in [
			(MARKET, Subject::Market(SOL), premium),
			(COLLATERAL, Subject::Collateral(USDC), haircut),
		] {
			assert_eq!(Bounds::<Test>::get(other, key), Some(policy(key).bounds));
			assert_ne!(Bounds::<Test>::get(held, key), Some(policy(key).bounds));
			assert_ne!(
				RiskParameters::parameter(held, key).unwrap().bounds,
				policy(key).bounds
			);
		}
	});
}

#[test]
fn wider_bounds_let_the_value_go_further_but_no_faster() {
	ExtBuilder::default().build_and_execute(|| {
		let quorum = c(ChainKey::OracleQuorum);
		assert_ok!(set_bounds(Subject::Chain, &[(quorum, 2, 16)]));
		assert_noop!(
			set(ADJUSTER, Subject::Chain, &[(quorum, 5)]),
			Error::<Test>::TightenedTooFar
		);
		for n in 4..=8 {
			assert_ok!(set(ADJUSTER, Subject::Chain, &[(quorum, n)]));
		}
	});
}

#[test]
fn every_key_can_have_its_whole_limits_and_not_a_unit_more() {
	ExtBuilder::default().build_and_execute(|| {
		for subject in KINDS {
			for info in RiskParameters::parameters(subject) {
				let Range { min, max } = info.policy.limits;
				assert_noop!(
					set_bounds(subject, &[(info.key, min, max + 1)]),
					Error::<Test>::BoundsOutsideLimits
				);
				if let Some(below) = min.checked_sub(1) {
					assert_noop!(
						set_bounds(subject, &[(info.key, below, max)]),
						Error::<Test>::BoundsOutsideLimits
					);
				}
				assert_ok!(set_bounds(subject, &[(info.key, min, max)]));
			}
		}
	});
}

#[test]
fn must_contain_the_present_value() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			set_bounds(BRANCH, &[(FEE, pct(2) + 1, pct(5))]),
			Error::<Test>::BoundsExcludeValue
		);
		assert_noop!(
			set_bounds(BRANCH, &[(FEE, 0, pct(2) - 1)]),
			Error::<Test>::BoundsExcludeValue
		);
		assert_ok!(set_bounds(BRANCH, &[(FEE, pct(2), pct(2))]));
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(FEE, pct(2) + 1)]),
			Error::<Test>::AboveBounds
		);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(FEE, pct(2) - 1)]),
			Error::<Test>::BelowBounds
		);
	});
}

#[test]
fn are_for_referenda_only() {
	ExtBuilder::default().build_and_execute(|| {
		for origin in [ADJUSTER, GUARDIAN, STRANGER].map(RuntimeOrigin::signed) {
			assert_noop!(
				RiskParameters::set_bounds(origin, BRANCH, bounds(&[(FEE, 0, pct(5))])),
				BadOrigin
			);
		}
	});
}

#[test]
fn refuses_lists_that_make_no_sense() {
	ExtBuilder::default().build_and_execute(|| {
		let now = Bounds::<Test>::get(BRANCH, FEE).unwrap();
		assert_noop!(set_bounds(BRANCH, &[]), Error::<Test>::NoChanges);
		assert_noop!(
			set_bounds(BRANCH, &[(FEE, now.min, now.max)]),
			Error::<Test>::Unchanged
		);
		assert_noop!(
			set_bounds(BRANCH, &[(FEE, pct(3), pct(1))]),
			Error::<Test>::BoundsInverted
		);
		assert_noop!(
			set_bounds(BRANCH, &[(FEE, 0, pct(3)), (FEE, 0, pct(4))]),
			Error::<Test>::DuplicateKey
		);
		assert_noop!(
			set_bounds(BRANCH, &[(c(ChainKey::OracleQuorum), 2, 5)]),
			Error::<Test>::KeyOfAnotherSubject
		);
		assert_noop!(
			set_bounds(Subject::Chain, &[(FEE, 0, pct(3))]),
			Error::<Test>::KeyOfAnotherSubject
		);
		assert_noop!(
			set_bounds(Subject::Branch(99), &[(FEE, 0, pct(3))]),
			Error::<Test>::UnknownBranch
		);
		assert_noop!(
			set_bounds(MARKET, &[(FEE, 0, pct(3))]),
			Error::<Test>::KeyOfAnotherSubject
		);
		assert_noop!(
			set_bounds(Subject::Market(99), &[(m(MarketKey::MakerFee), 0, 1)]),
			Error::<Test>::UnknownMarket
		);
		assert_noop!(
			set_bounds(COLLATERAL, &[(m(MarketKey::MakerFee), 0, 1)]),
			Error::<Test>::KeyOfAnotherSubject
		);
		assert_noop!(
			set_bounds(Subject::Collateral(99), &[(a(CollateralKey::DepositCap), 0, 1)]),
			Error::<Test>::UnknownCollateral
		);
	});
}

#[test]
fn one_bad_change_undoes_all() {
	ExtBuilder::default().build_and_execute(|| {
		let list = [
			(FEE, 0, pct(3)),
			(b(BranchKey::SafetyMargin), pct(5), pct(20)),
			(b(BranchKey::AuctionReserve), pct(50), pct(100)),
		];
		assert_noop!(set_bounds(BRANCH, &list), Error::<Test>::BoundsOutsideLimits);
		assert_ok!(set_bounds(BRANCH, &list[..2]));
	});
}

#[test]
fn missing_ones_fall_back_to_the_table_and_can_be_stored() {
	ExtBuilder::default().build_and_execute(|| {
		Bounds::<Test>::remove(BRANCH, FEE);
		let table = policy(FEE).bounds;
		assert_eq!(RiskParameters::parameter(BRANCH, FEE).unwrap().bounds, table);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(FEE, table.max + 1)]),
			Error::<Test>::AboveBounds
		);
		assert_ok!(set(ADJUSTER, BRANCH, &[(FEE, pct(3))]));
		assert_ok!(set_bounds(BRANCH, &[(FEE, table.min, table.max)]));
		assert_eq!(Bounds::<Test>::get(BRANCH, FEE), Some(table));
	});
}
