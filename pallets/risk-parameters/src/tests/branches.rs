use frame_support::{assert_noop, assert_ok, dispatch::DispatchResult};
use keel_primitives::{BranchId, BranchParameters};
use sp_runtime::{DispatchError::BadOrigin, FixedU128};

use super::*;
use crate::limits;

const ETH: BranchId = 3;

fn add(branch: BranchId, parameters: BranchParameters, list: &[(Key, u128, u128)]) -> DispatchResult {
	RiskParameters::add_branch(RuntimeOrigin::root(), branch, Box::new(parameters), bounds(list))
}

#[test]
fn when_added_should_store_values_and_bounds_of_every_key() {
	ExtBuilder::default().build_and_execute(|| {
		let ceiling = b(BranchKey::DebtCeiling);
		let new = Range {
			min: 0,
			max: 20_000_000_000_000,
		};
		assert_ok!(add(ETH, limits::default_branch(), &[(ceiling, new.min, new.max)]));
		let subject = Subject::Branch(ETH);
		for info in RiskParameters::parameters(subject) {
			assert_eq!(info.value, info.policy.default);
			assert_eq!(info.loosen_from, 0);
			let expected = if info.key == ceiling {
				new
			} else {
				info.policy.bounds
			};
			assert_eq!(Bounds::<Test>::get(subject, info.key), Some(expected));
		}
		assert!(RiskParameters::subjects().contains(&subject));
		let events: Vec<_> = System::events().into_iter().map(|record| record.event).collect();
		let old = policy(ceiling).bounds;
		assert_eq!(
			events,
			vec![
				Event::BranchAdded {
					branch: ETH,
					parameters: Box::new(limits::default_branch())
				}
				.into(),
				Event::BoundsChanged {
					subject,
					key: ceiling,
					old,
					new
				}
				.into(),
			]
		);
		assert_ok!(set(GUARDIAN, subject, &[(b(BranchKey::SafetyMargin), pct(11))]));
	});
}

#[test]
fn is_for_referenda_only() {
	ExtBuilder::default().build_and_execute(|| {
		for origin in [ADJUSTER, GUARDIAN, STRANGER].map(RuntimeOrigin::signed) {
			assert_noop!(
				RiskParameters::add_branch(
					origin,
					ETH,
					Box::new(limits::default_branch()),
					Default::default()
				),
				BadOrigin
			);
		}
	});
}

#[test]
fn refuses_what_is_there_or_out_of_bounds() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			add(BTC, limits::default_branch(), &[]),
			Error::<Test>::BranchExists
		);
		for key in BranchKey::ALL {
			let Range { min, max } = policy(b(*key)).bounds;
			let mut parameters = limits::default_branch();
			parameters.set(*key, max + 1).unwrap();
			assert_noop!(add(ETH, parameters.clone(), &[]), Error::<Test>::AboveBounds);
			if let Some(below) = min.checked_sub(1) {
				parameters.set(*key, below).unwrap();
				assert_noop!(add(ETH, parameters, &[]), Error::<Test>::BelowBounds);
			}
		}
		assert_noop!(
			add(ETH, BranchParameters::default(), &[]),
			Error::<Test>::BelowBounds
		);
	});
}

#[test]
fn refuses_bounds_that_make_no_sense() {
	ExtBuilder::default().build_and_execute(|| {
		let fee = b(BranchKey::StabilityFee);
		let parameters = limits::default_branch;
		assert_noop!(
			add(ETH, parameters(), &[(fee, 0, ONE + 1)]),
			Error::<Test>::BoundsOutsideLimits
		);
		assert_noop!(
			add(ETH, parameters(), &[(fee, 2, 1)]),
			Error::<Test>::BoundsInverted
		);
		assert_noop!(
			add(ETH, parameters(), &[(fee, 0, ONE), (fee, 0, ONE)]),
			Error::<Test>::DuplicateKey
		);
		assert_noop!(
			add(ETH, parameters(), &[(c(ChainKey::OracleQuorum), 2, 5)]),
			Error::<Test>::KeyOfAnotherSubject
		);
		assert_noop!(
			add(ETH, parameters(), &[(fee, 0, pct(1))]),
			Error::<Test>::AboveBounds
		);
	});
}

#[test]
fn refuses_numbers_that_do_not_go_together() {
	ExtBuilder::default().build_and_execute(|| {
		let parameters = BranchParameters {
			liquidation_ratio_cap: FixedU128::from_rational(149, 100),
			..limits::default_branch()
		};
		assert_noop!(add(ETH, parameters, &[]), Error::<Test>::CapBelowRatio);
	});
}
