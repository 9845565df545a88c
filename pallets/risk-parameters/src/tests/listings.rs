//! Markets and assets are listed as branches are: inside the table, small, by referenda.

use frame_support::{assert_noop, assert_ok, dispatch::DispatchResult};
use sp_runtime::{
	DispatchError::{self, BadOrigin},
	FixedU128,
};

use super::*;
use crate::limits;

const NEW: [Subject; 2] = [Subject::Market(3), Subject::Collateral(3)];
const MILLION: u128 = 1_000_000_000_000;

fn fresh(subject: Subject) -> ParameterSet {
	match subject {
		Subject::Market(id) => ParameterSet::Market(id, limits::new_market()),
		Subject::Collateral(id) => ParameterSet::Collateral(id, limits::new_collateral()),
		_ => panic!("tested elsewhere"),
	}
}

/// Fresh, with `changes` on top.
fn with(subject: Subject, changes: &[(Key, u128)]) -> ParameterSet {
	let mut set = fresh(subject);
	for (key, value) in changes {
		set.set(*key, *value).unwrap();
	}
	set
}

fn add_as(origin: RuntimeOrigin, set: ParameterSet, list: &[(Key, u128, u128)]) -> DispatchResult {
	match set {
		ParameterSet::Market(id, set) => RiskParameters::add_market(origin, id, Box::new(set), bounds(list)),
		ParameterSet::Collateral(id, set) => {
			RiskParameters::add_collateral(origin, id, Box::new(set), bounds(list))
		}
		_ => panic!("tested elsewhere"),
	}
}

fn add(set: ParameterSet, list: &[(Key, u128, u128)]) -> DispatchResult {
	add_as(RuntimeOrigin::root(), set, list)
}

/// What it may be worth at most.
fn ceiling(subject: Subject) -> Key {
	match subject {
		Subject::Market(_) => m(MarketKey::MaxOpenInterest),
		Subject::Collateral(_) => a(CollateralKey::DepositCap),
		_ => panic!("tested elsewhere"),
	}
}

fn whole_limits(subject: Subject) -> Vec<(Key, u128, u128)> {
	subject
		.keys()
		.into_iter()
		.map(|key| (key, policy(key).limits.min, policy(key).limits.max))
		.collect()
}

#[test]
fn when_listed_should_store_values_and_bounds_of_every_key_and_announce_them() {
	for subject in NEW {
		ExtBuilder::default().build_and_execute(|| {
			let ceiling = ceiling(subject);
			let (old, new) = (
				policy(ceiling).bounds,
				Range {
					min: 1,
					max: 20 * MILLION,
				},
			);
			assert_ok!(add(fresh(subject), &[(ceiling, new.min, new.max)]));
			assert_eq!(RiskParameters::parameters(subject).len(), subject.keys().len());
			for info in RiskParameters::parameters(subject) {
				let (value, bounds) = if info.key == ceiling {
					(MILLION, new)
				} else {
					(info.policy.default, info.policy.bounds)
				};
				assert_eq!((info.value, info.loosen_from), (value, 0));
				assert_eq!(Bounds::<Test>::get(subject, info.key), Some(bounds));
			}
			assert!(RiskParameters::subjects().contains(&subject));
			let added = match subject {
				Subject::Market(market) => Event::MarketAdded {
					market,
					parameters: Box::new(limits::new_market()),
				},
				Subject::Collateral(asset) => Event::CollateralAdded {
					asset,
					parameters: Box::new(limits::new_collateral()),
				},
				_ => panic!("tested elsewhere"),
			};
			let moved = Event::BoundsChanged {
				subject,
				key: ceiling,
				old,
				new,
			};
			let events: Vec<_> = System::events().into_iter().map(|record| record.event).collect();
			assert_eq!(events, vec![added.into(), moved.into()]);
			// From here it moves like any other.
			assert_ok!(set(GUARDIAN, subject, &[(ceiling, 1)]));
			assert_noop!(
				set(GUARDIAN, subject, &[(ceiling, 0)]),
				Error::<Test>::BelowBounds
			);
		});
	}
}

#[test]
fn listing_touches_nothing_of_the_same_number() {
	ExtBuilder::default().build_and_execute(|| {
		for subject in NEW {
			assert_ok!(add(fresh(subject), &[]));
		}
		assert_eq!(Branches::<Test>::get(3), None);
		assert_eq!(Markets::<Test>::get(3), Some(limits::new_market()));
		assert_eq!(Collaterals::<Test>::get(3), Some(limits::new_collateral()));
		assert_eq!(Bounds::<Test>::iter_key_prefix(Subject::Branch(3)).count(), 0);
		assert_ok!(set(ADJUSTER, NEW[0], &[(m(MarketKey::Stress), pct(25))]));
		assert_eq!(Collaterals::<Test>::get(3), Some(limits::new_collateral()));
	});
}

#[test]
fn is_for_referenda_only() {
	ExtBuilder::default().build_and_execute(|| {
		for subject in NEW {
			for origin in [ADJUSTER, GUARDIAN, CONTROLLER, STRANGER].map(RuntimeOrigin::signed) {
				assert_noop!(add_as(origin, fresh(subject), &[]), BadOrigin);
			}
			assert_noop!(add_as(RuntimeOrigin::none(), fresh(subject), &[]), BadOrigin);
		}
	});
}

#[test]
fn refuses_what_is_there() {
	ExtBuilder::default().build_and_execute(|| {
		for subject in [MARKET, COLLATERAL] {
			assert_noop!(add(fresh(subject), &[]), Error::<Test>::AlreadyListed);
		}
		// Also where an upgrade left numbers nobody can read.
		for (subject, key) in [
			(NEW[0], Markets::<Test>::hashed_key_for(3)),
			(NEW[1], Collaterals::<Test>::hashed_key_for(3)),
		] {
			frame_support::storage::unhashed::put_raw(&key, &[1, 2, 3]);
			assert_noop!(add(fresh(subject), &[]), Error::<Test>::AlreadyListed);
			frame_support::storage::unhashed::kill(&key);
			assert_ok!(add(fresh(subject), &[]));
		}
	});
}

#[test]
fn reaches_past_the_table_with_no_key_whatever_bounds_it_brings() {
	ExtBuilder::default().build_and_execute(|| {
		let mut tried = 0;
		for subject in NEW {
			for key in subject.keys() {
				let Policy { bounds, limits, .. } = policy(key);
				let beyond = [
					Some(limits.min),
					Some(limits.max),
					bounds.min.checked_sub(1),
					Some(bounds.max + 1),
				];
				for value in beyond
					.into_iter()
					.flatten()
					.filter(|value| !bounds.contains(*value))
				{
					let set = with(subject, &[(key, value)]);
					let refusal: DispatchError = if value < bounds.min {
						Error::<Test>::BelowBounds.into()
					} else {
						Error::<Test>::AboveBounds.into()
					};
					assert_noop!(add(set.clone(), &[]), refusal);
					assert_noop!(add(set.clone(), &whole_limits(subject)), refusal);
					// Nor with bounds of nothing but that value.
					assert!(add(set, &[(key, value, value)]).is_err());
					tried += 1;
				}
			}
		}
		assert!(tried > 100, "only {tried} values");
	});
}

#[test]
fn reaches_the_edge_of_the_table_with_every_key_that_fits() {
	let mut listed = 0;
	for subject in NEW {
		for key in subject.keys() {
			let Policy { bounds, .. } = policy(key);
			for value in [bounds.min, bounds.max] {
				ExtBuilder::default().build_and_execute(|| {
					let set = with(subject, &[(key, value)]);
					let result = add(set.clone(), &[]);
					if key == ceiling(subject) && value > MILLION {
						assert_eq!(result, Err(Error::<Test>::ListedTooLarge.into()));
					} else if let Err(broken) = set.check() {
						assert_eq!(result, Err(Error::<Test>::from(broken).into()));
					} else {
						assert_ok!(result);
						assert_eq!(get(subject, key), value);
						listed += 1;
					}
				});
			}
		}
	}
	assert!(listed > 50, "only {listed} edges");
}

#[test]
fn refuses_numbers_and_bounds_that_make_no_sense() {
	ExtBuilder::default().build_and_execute(|| {
		let [market, asset] = NEW;
		assert_noop!(
			add(
				with(
					market,
					&[
						(m(MarketKey::LiquidationFee), bps(51)),
						(m(MarketKey::MaintenanceMargin), pct(2))
					]
				),
				&[]
			),
			Error::<Test>::LiquidationFeeTooLarge
		);
		assert_noop!(
			add(with(asset, &[(a(CollateralKey::Haircut), pct(5))]), &[]),
			Error::<Test>::DiscountNotBelowHaircut
		);
		for (subject, key) in [(market, m(MarketKey::Stress)), (asset, a(CollateralKey::Haircut))] {
			let Range { min, max } = policy(key).limits;
			let fee = b(BranchKey::StabilityFee);
			for (list, error) in [
				(vec![(key, min, max + 1)], Error::<Test>::BoundsOutsideLimits),
				(vec![(key, min - 1, max)], Error::<Test>::BoundsOutsideLimits),
				(vec![(key, max, min)], Error::<Test>::BoundsInverted),
				(
					vec![(key, min, max), (key, min, max)],
					Error::<Test>::DuplicateKey,
				),
				(vec![(fee, 0, ONE)], Error::<Test>::KeyOfAnotherSubject),
				(vec![(key, min, min)], Error::<Test>::AboveBounds),
				(vec![(key, max, max)], Error::<Test>::BelowBounds),
			] {
				assert_noop!(add(fresh(subject), &list), error);
			}
		}
	});
}

#[test]
fn costs_a_million_at_most_and_grows_by_a_step_a_day() {
	assert_eq!(limits::NEW_MARKET_CEILING, MILLION);
	assert_eq!(limits::NEW_COLLATERAL_CEILING, MILLION);
	for subject in NEW {
		ExtBuilder::default().build_and_execute(|| {
			let ceiling = ceiling(subject);
			let Policy {
				limits: widest,
				bounds: table,
				default,
				..
			} = policy(ceiling);
			assert!(default > MILLION);
			for list in [vec![], vec![(ceiling, widest.min, widest.max)]] {
				for too_large in [MILLION + 1, default, table.max] {
					assert_noop!(
						add(with(subject, &[(ceiling, too_large)]), &list),
						Error::<Test>::ListedTooLarge
					);
				}
			}
			assert_ok!(add(fresh(subject), &[(ceiling, widest.min, widest.max)]));
			let mut expected = MILLION;
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

/// A track that is captured lists a market without a premium and an asset without a haircut, and takes what the pool has
/// before anybody can act.
#[test]
fn a_captured_listing_with_every_number_at_its_loosest_is_refused() {
	ExtBuilder::default().build_and_execute(|| {
		for subject in NEW {
			let loosest: Vec<_> = subject
				.keys()
				.into_iter()
				.map(|key| match policy(key) {
					Policy {
						safer: Safer::Higher,
						limits,
						..
					} => (key, limits.min),
					Policy { limits, .. } => (key, limits.max),
				})
				.collect();
			let before = root();
			assert!(add(with(subject, &loosest), &whole_limits(subject)).is_err());
			assert_eq!(root(), before);
		}
		// Nor so that the numbers go together.
		let mut worst = crate::limits::new_market();
		worst.maintenance_margin = FixedU128::from_inner(bps(50));
		worst.max_premium = FixedU128::from_inner(bps(10));
		worst.liquidation_fee = FixedU128::from_inner(0);
		worst.taker_fee = FixedU128::from_inner(bps(4));
		worst.rebate = FixedU128::from_inner(0);
		worst.skew_scale = policy(m(MarketKey::SkewScale)).limits.max;
		worst.max_open_interest = policy(m(MarketKey::MaxOpenInterest)).limits.max;
		assert_ok!(crate::constraints::market(&worst));
		assert_noop!(
			add(ParameterSet::Market(3, worst), &whole_limits(NEW[0])),
			Error::<Test>::BelowBounds
		);
		let mut worst = crate::limits::new_collateral();
		worst.haircut = FixedU128::from_inner(pct(1));
		worst.sale_discount = FixedU128::from_inner(bps(10));
		worst.deposit_cap = policy(a(CollateralKey::DepositCap)).limits.max;
		assert_ok!(crate::constraints::collateral(&worst));
		assert_noop!(
			add(ParameterSet::Collateral(3, worst), &whole_limits(NEW[1])),
			Error::<Test>::BelowBounds
		);
	});
}
