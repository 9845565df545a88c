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
		assert_ok!(add(ETH, limits::new_branch(), &[(ceiling, new.min, new.max)]));
		let subject = Subject::Branch(ETH);
		for info in RiskParameters::parameters(subject) {
			let first = if info.key == ceiling {
				limits::NEW_BRANCH_CEILING
			} else {
				info.policy.default
			};
			assert_eq!(info.value, first);
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
					parameters: Box::new(limits::new_branch())
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
				RiskParameters::add_branch(origin, ETH, Box::new(limits::new_branch()), Default::default()),
				BadOrigin
			);
		}
	});
}

#[test]
fn refuses_what_is_there_or_out_of_bounds() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(add(BTC, limits::new_branch(), &[]), Error::<Test>::AlreadyListed);
		for key in BranchKey::ALL {
			let Range { min, max } = policy(b(*key)).bounds;
			let mut parameters = limits::new_branch();
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
		let parameters = limits::new_branch;
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
			..limits::new_branch()
		};
		assert_noop!(add(ETH, parameters, &[]), Error::<Test>::CapBelowRatio);
	});
}

/// A track that is captured lists a branch and lends on it before anybody can act.
mod captured_listing {
	use super::*;

	/// The loosest the limits let a number be, and the strictest.
	fn ends(key: Key) -> [u128; 2] {
		let Policy { limits, .. } = policy(key);
		[limits.min, limits.max]
	}

	fn whole_limits() -> Vec<(Key, u128, u128)> {
		Subject::Branch(ETH)
			.keys()
			.into_iter()
			.map(|key| (key, policy(key).limits.min, policy(key).limits.max))
			.collect()
	}

	#[test]
	fn with_every_number_at_its_limit_is_refused() {
		ExtBuilder::default().build_and_execute(|| {
			let mut worst = limits::new_branch();
			for key in BranchKey::ALL {
				let policy = policy(b(*key));
				let loosest = match policy.safer {
					Safer::Higher => policy.limits.min,
					Safer::Lower => policy.limits.max,
				};
				worst.set(*key, loosest).unwrap();
			}
			assert_eq!(worst.debt_ceiling, 10_000_000_000_000_000);
			assert_eq!(worst.mint_limit, FixedU128::from_u32(1));
			assert_eq!(worst.liquidation_ratio, FixedU128::from_rational(105, 100));
			let before = root();
			assert!(add(ETH, worst.clone(), &whole_limits()).is_err());
			// Nor so that the numbers go together.
			worst.liquidation_penalty = FixedU128::from_rational(2, 100);
			worst.target_margin = FixedU128::from_rational(50, 100);
			worst.pool_bonus = FixedU128::from_rational(2, 100);
			worst.auction_cut = limits::new_branch().auction_cut;
			worst.auction_step = limits::new_branch().auction_step;
			worst.auction_duration = limits::new_branch().auction_duration;
			worst.auction_reserve = limits::new_branch().auction_reserve;
			worst.auction_start = limits::new_branch().auction_start;
			assert_ok!(crate::constraints::branch(&worst));
			assert_noop!(add(ETH, worst, &whole_limits()), Error::<Test>::BelowBounds);
			assert_eq!(root(), before);
			assert_eq!(Branches::<Test>::get(ETH), None);
		});
	}

	#[test]
	fn reaches_past_the_table_with_no_key_whatever_bounds_it_brings() {
		ExtBuilder::default().build_and_execute(|| {
			let mut tried = 0;
			for key in BranchKey::ALL {
				let Policy { bounds, limits, .. } = policy(b(*key));
				let whole = [(b(*key), limits.min, limits.max)];
				for value in ends(b(*key))
					.into_iter()
					.chain([bounds.min.saturating_sub(1), bounds.max + 1])
					.filter(|value| !bounds.contains(*value) && limits.contains(*value))
				{
					let mut parameters = limits::new_branch();
					parameters.set(*key, value).unwrap();
					let refusal = if value < bounds.min {
						Error::<Test>::BelowBounds
					} else {
						Error::<Test>::AboveBounds
					};
					assert_noop!(add(ETH, parameters.clone(), &whole), refusal);
					// Nor with bounds of nothing but that value.
					assert!(add(ETH, parameters, &[(b(*key), value, value)]).is_err());
					tried += 1;
				}
			}
			assert!(tried > 2 * BranchKey::ALL.len(), "only {tried} values");
		});
	}

	#[test]
	fn reaches_the_edge_of_the_table_with_every_key() {
		let mut listed = 0;
		for key in BranchKey::ALL {
			let Policy { bounds, .. } = policy(b(*key));
			for value in [bounds.min, bounds.max] {
				ExtBuilder::default().build_and_execute(|| {
					let mut parameters = limits::new_branch();
					parameters.set(*key, value).unwrap();
					let result = add(ETH, parameters.clone(), &[]);
					if parameters.debt_ceiling > limits::NEW_BRANCH_CEILING {
						assert_eq!(result, Err(Error::<Test>::ListedTooLarge.into()));
					} else if let Err(broken) = crate::constraints::branch(&parameters) {
						assert_eq!(result, Err(Error::<Test>::from(broken).into()));
					} else {
						assert_ok!(result);
						assert_eq!(Branches::<Test>::get(ETH), Some(parameters));
						listed += 1;
					}
				});
			}
		}
		assert!(listed > BranchKey::ALL.len(), "only {listed} edges");
	}

	#[test]
	fn bounds_beside_the_table_fit_no_value() {
		ExtBuilder::default().build_and_execute(|| {
			let ratio = b(BranchKey::LiquidationRatio);
			let beside = [(ratio, pct(105), pct(115))];
			for percent in [105, 110, 115, 119] {
				let parameters = BranchParameters {
					liquidation_ratio: FixedU128::from_inner(pct(percent)),
					..limits::new_branch()
				};
				assert_noop!(add(ETH, parameters, &beside), Error::<Test>::BelowBounds);
			}
			for percent in [120, 150] {
				let parameters = BranchParameters {
					liquidation_ratio: FixedU128::from_inner(pct(percent)),
					..limits::new_branch()
				};
				assert_noop!(add(ETH, parameters, &beside), Error::<Test>::AboveBounds);
			}
		});
	}

	#[test]
	fn costs_a_million_at_most() {
		ExtBuilder::default().build_and_execute(|| {
			assert_eq!(limits::NEW_BRANCH_CEILING, 1_000_000_000_000);
			let ceiling = b(BranchKey::DebtCeiling);
			let Policy {
				limits: widest,
				bounds: table,
				..
			} = policy(ceiling);
			let with = |debt_ceiling| BranchParameters {
				debt_ceiling,
				..limits::new_branch()
			};
			for bounds in [vec![], vec![(ceiling, widest.min, widest.max)]] {
				for too_high in [
					limits::NEW_BRANCH_CEILING + 1,
					limits::default_branch().debt_ceiling,
					table.max,
				] {
					assert_noop!(add(ETH, with(too_high), &bounds), Error::<Test>::ListedTooLarge);
				}
			}
			// It grows from there by a step a day, however wide the bounds.
			assert_ok!(add(
				ETH,
				with(limits::NEW_BRANCH_CEILING),
				&[(ceiling, widest.min, widest.max)]
			));
			let subject = Subject::Branch(ETH);
			let mut expected = limits::NEW_BRANCH_CEILING;
			for _ in 0..3 {
				expected += expected / 5;
				assert_noop!(
					set(ADJUSTER, subject, &[(ceiling, expected + 1)]),
					Error::<Test>::LoosenedTooFar
				);
				assert_ok!(set(ADJUSTER, subject, &[(ceiling, expected)]));
				assert_noop!(
					set(ADJUSTER, subject, &[(ceiling, expected + 1)]),
					Error::<Test>::CoolingDown
				);
				later(DAY);
			}
		});
	}
}
