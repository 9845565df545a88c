//! A change that would make too many of those who are in unsafe is refused, whoever wants it.

use frame_support::{assert_noop, assert_ok};
use keel_primitives::{BranchParameters, Impact};
use sp_runtime::{DispatchError, FixedU128};

use super::*;
use crate::mock;

const REFUSED: DispatchError = DispatchError::Other("the price is refused");
const RATIO: Key = Key::Branch(BranchKey::LiquidationRatio);

fn says(newly_unsafe: u128, total: u128) {
	Verdict::set(Ok(Some(Impact {
		newly_unsafe,
		total,
		exact: true,
	})));
}

fn impact(subject: Subject, list: &[(Key, u128)]) -> Result<ImpactReport, DispatchError> {
	RiskParameters::impact(subject, changes(list))
}

/// Half of the debt becomes unsafe between 150 % and 200 %, evenly: a point more is a percent.
fn evenly(_: &BranchParameters, after: &BranchParameters) -> mock::Answer {
	let over = after.liquidation_ratio.into_inner().saturating_sub(pct(150));
	Ok((over > 0).then_some(Impact {
		newly_unsafe: over / 1_000_000_000,
		total: ONE / 1_000_000_000,
		exact: true,
	}))
}

#[test]
fn the_gauge_sees_the_whole_sets_before_and_after() {
	ExtBuilder::default().build_and_execute(|| {
		let before = Branches::<Test>::get(DOT).unwrap();
		let subject = Subject::Branch(DOT);
		let list = [
			(b(BranchKey::DebtCeiling), 0),
			(RATIO, pct(170)),
			(b(BranchKey::LiquidationRatioCap), pct(200)),
		];
		assert_ok!(set(ADJUSTER, subject, &list));
		let after = Branches::<Test>::get(DOT).unwrap();
		assert_eq!(after.debt_ceiling, 0);
		assert_eq!(Asked::get(), Some((DOT, before, after)));
	});
}

#[test]
fn is_asked_for_what_reaches_existing_positions_and_for_nothing_else() {
	let mut asked = 0;
	for subject in KINDS {
		for key in subject.keys() {
			ExtBuilder::default().build_and_execute(|| {
				Verdict::set(Err(REFUSED));
				let value = moved(key, get(subject, key), Direction::Tightened, 1).unwrap();
				let alone = set(ADJUSTER, subject, &[(key, value)]);
				let constrained = !RiskParameters::set_of(subject).unwrap().fits_with(key, value);
				if policy(key).moves_existing {
					asked += 1;
					assert_eq!(alone, Err(REFUSED), "{key:?}");
					assert!(Asked::get().is_some());
				} else {
					assert_eq!(alone.is_err(), constrained, "{key:?}");
					assert_eq!(Asked::get(), None, "{key:?}");
				}
			});
		}
	}
	assert_eq!(asked, 5);
}

#[test]
fn the_limit_is_the_chains_rounded_down() {
	ExtBuilder::default().build_and_execute(|| {
		let list = [(RATIO, pct(151))];
		// A tenth of 1,000,009 is 100,000.9.
		for (newly_unsafe, total, allowed) in [
			(100_000, 1_000_009, true),
			(100_001, 1_000_009, false),
			(0, 0, true),
			(1, 0, false),
			(0, 9, true),
			(1, 9, false),
			(1, 10, true),
			(u128::MAX / 10, u128::MAX, true),
			(u128::MAX / 10 + 1, u128::MAX, false),
			(u128::MAX, u128::MAX, false),
			(u128::MAX, 1, false),
			(u128::MAX, 0, false),
		] {
			says(newly_unsafe, total);
			assert_eq!(impact(BRANCH, &list).unwrap().allowed, allowed);
			if allowed {
				frame_support::hypothetically_ok!(set(ADJUSTER, BRANCH, &list));
			} else {
				assert_noop!(set(ADJUSTER, BRANCH, &list), Error::<Test>::WouldMakeUnsafe);
			}
		}
		says(60_000, 1_000_000);
		frame_support::hypothetically_ok!(set(ADJUSTER, BRANCH, &list));
		assert_ok!(set(
			ADJUSTER,
			Subject::Chain,
			&[(c(ChainKey::ImpactLimit), pct(6) - 1)]
		));
		assert_noop!(set(ADJUSTER, BRANCH, &list), Error::<Test>::WouldMakeUnsafe);
		// Nobody at all may always become unsafe.
		Verdict::set(Ok(None));
		assert_ok!(set(ADJUSTER, BRANCH, &list));
	});
}

#[test]
fn an_upper_bound_counts_in_full() {
	ExtBuilder::default().build_and_execute(|| {
		Verdict::set(Ok(Some(Impact {
			newly_unsafe: 11,
			total: 100,
			exact: false,
		})));
		let report = impact(BRANCH, &[(RATIO, pct(151))]).unwrap();
		assert!(!report.exact && !report.allowed);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(RATIO, pct(151))]),
			Error::<Test>::WouldMakeUnsafe
		);
	});
}

#[test]
fn binds_every_authority() {
	ExtBuilder::default().build_and_execute(|| {
		says(11, 100);
		for (who, authority) in [(ADJUSTER, Authority::Adjuster), (GUARDIAN, Authority::Guardian)] {
			let list = [(RATIO, pct(151))];
			assert_noop!(set(who, BRANCH, &list), Error::<Test>::WouldMakeUnsafe);
			assert_eq!(
				RiskParameters::preview(BRANCH, changes(&list), authority),
				Err(Error::<Test>::WouldMakeUnsafe.into())
			);
		}
		// Also hidden among what reaches nobody.
		assert_noop!(
			set(
				GUARDIAN,
				BRANCH,
				&[
					(b(BranchKey::DebtCeiling), 0),
					(RATIO, pct(151)),
					(b(BranchKey::SafetyMargin), pct(11)),
				]
			),
			Error::<Test>::WouldMakeUnsafe
		);
	});
}

#[test]
fn while_the_price_is_refused_what_keeps_new_risk_out_stays_open() {
	ExtBuilder::default().build_and_execute(|| {
		Verdict::set(Err(REFUSED));
		for who in [ADJUSTER, GUARDIAN] {
			assert_noop!(set(who, BRANCH, &[(RATIO, pct(151))]), REFUSED);
		}
		assert_eq!(impact(BRANCH, &[(RATIO, pct(151))]), Err(REFUSED));
		assert_ok!(set(
			GUARDIAN,
			BRANCH,
			&[
				(b(BranchKey::SafetyMargin), pct(15)),
				(b(BranchKey::GuardedMargin), pct(15)),
				(b(BranchKey::DebtCeiling), 0),
				(b(BranchKey::DeviationGuarded), pct(4)),
			]
		));
		Verdict::set(Ok(None));
		assert_ok!(set(GUARDIAN, BRANCH, &[(RATIO, pct(151))]));
	});
}

#[test]
fn other_rules_are_named_first() {
	ExtBuilder::default().build_and_execute(|| {
		says(100, 100);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(RATIO, pct(170))]),
			Error::<Test>::TightenedTooFar
		);
		assert_noop!(
			set(GUARDIAN, BRANCH, &[(b(BranchKey::LiquidationPenalty), pct(14))]),
			Error::<Test>::NotForGuardians
		);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(b(BranchKey::LiquidationRatioCap), pct(174))]),
			Error::<Test>::LoosenedTooFar
		);
		assert_eq!(Asked::get(), None);
	});
}

mod view {
	use super::*;

	#[test]
	fn tells_the_number_beforehand() {
		ExtBuilder::default().build_and_execute(|| {
			Judge::set(Some(evenly));
			let before = root();
			let report = impact(BRANCH, &[(RATIO, pct(157))]).unwrap();
			assert_eq!(
				report,
				ImpactReport {
					newly_unsafe: 70_000_000,
					total: 1_000_000_000,
					share: FixedU128::from_inner(pct(7)),
					limit: FixedU128::from_inner(pct(10)),
					exact: true,
					allowed: true,
				}
			);
			// Further than a step goes.
			let report = impact(BRANCH, &[(RATIO, pct(172))]).unwrap();
			assert_eq!(report.share, FixedU128::from_inner(pct(22)));
			assert!(!report.allowed);
			assert_eq!(before, root());
		});
	}

	#[test]
	fn is_the_calls_own_count() {
		ExtBuilder::default().build_and_execute(|| {
			Judge::set(Some(evenly));
			let (mut open, mut closed) = (0, 0);
			for tenths in 1_501..=1_650 {
				let list = [(RATIO, tenths * ONE / 1_000)];
				let allowed = impact(BRANCH, &list).unwrap().allowed;
				let result = frame_support::hypothetically!(set(GUARDIAN, BRANCH, &list));
				if allowed {
					open += 1;
					assert_ok!(result);
				} else {
					closed += 1;
					assert_eq!(result, Err(Error::<Test>::WouldMakeUnsafe.into()));
				}
			}
			assert_eq!((open, closed), (100, 50));
		});
	}

	#[test]
	fn is_zero_where_nobody_can_become_unsafe() {
		ExtBuilder::default().build_and_execute(|| {
			let nobody = ImpactReport {
				newly_unsafe: 0,
				total: 0,
				share: FixedU128::from_inner(0),
				limit: FixedU128::from_inner(pct(10)),
				exact: true,
				allowed: true,
			};
			assert_eq!(impact(BRANCH, &[(RATIO, pct(149))]), Ok(nobody));
			Verdict::set(Err(REFUSED));
			assert_eq!(impact(BRANCH, &[(b(BranchKey::DebtCeiling), 0)]), Ok(nobody));
			assert_eq!(
				impact(Subject::Chain, &[(c(ChainKey::VolatilityTau), 7_200)]),
				Ok(nobody)
			);
		});
	}

	#[test]
	fn refuses_what_is_no_change() {
		ExtBuilder::default().build_and_execute(|| {
			let errors = [
				(BRANCH, vec![], Error::<Test>::NoChanges),
				(BRANCH, vec![(RATIO, pct(150))], Error::Unchanged),
				(
					BRANCH,
					vec![(RATIO, pct(151)), (RATIO, pct(152))],
					Error::DuplicateKey,
				),
				(
					BRANCH,
					vec![(c(ChainKey::OracleQuorum), 4)],
					Error::KeyOfAnotherSubject,
				),
				(
					BRANCH,
					vec![(b(BranchKey::VolatilityHorizon), u128::MAX)],
					Error::ValueDoesNotFit,
				),
				(Subject::Branch(99), vec![(RATIO, pct(151))], Error::UnknownBranch),
			];
			for (subject, list, error) in errors {
				assert_eq!(impact(subject, &list), Err(error.into()));
			}
		});
	}
}

#[test]
fn nearest_goes_as_far_as_the_limit() {
	ExtBuilder::default().build_and_execute(|| {
		Judge::set(Some(evenly));
		let near = nearest(BRANCH, RATIO, pct(165));
		// The gauge counts whole units of 10⁻⁹ points: up to one of them more is the same count.
		assert_eq!(near.now, pct(160) + 999_999_999);
		assert_eq!(near.now, near.then);
		assert_noop!(
			set(GUARDIAN, BRANCH, &[(RATIO, near.now + 1)]),
			Error::<Test>::WouldMakeUnsafe
		);
		assert_ok!(set(GUARDIAN, BRANCH, &[(RATIO, near.now)]));
		// A gauge that counts from the ratio in force refuses the second half of a change in two halves.
		assert_eq!(nearest(BRANCH, RATIO, pct(165)).now, near.now);
		assert_noop!(
			set(GUARDIAN, BRANCH, &[(RATIO, near.now + 1)]),
			Error::<Test>::WouldMakeUnsafe
		);
	});
}

#[test]
fn nearest_stays_where_it_is_while_nobody_can_tell() {
	ExtBuilder::default().build_and_execute(|| {
		Verdict::set(Err(REFUSED));
		for wanted in [0, pct(151), u128::MAX] {
			let near = nearest(BRANCH, RATIO, wanted);
			assert_eq!((near.now, near.then), (pct(150), pct(150)));
		}
		assert_eq!(nearest(BRANCH, b(BranchKey::SafetyMargin), pct(11)).now, pct(11));
	});
}

#[test]
fn new_branches_have_nobody_in_them() {
	ExtBuilder::default().build_and_execute(|| {
		Verdict::set(Err(REFUSED));
		assert_ok!(RiskParameters::add_branch(
			RuntimeOrigin::root(),
			3,
			Box::new(crate::limits::new_branch()),
			Default::default()
		));
		assert_eq!(Asked::get(), None);
		assert_eq!(
			<RiskParameters as keel_primitives::RiskParameters>::branch(3),
			Ok(crate::limits::new_branch())
		);
	});
}
