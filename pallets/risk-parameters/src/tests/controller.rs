//! A machine moves few numbers, a little at a time.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError::BadOrigin;

use super::*;
use Direction::{Loosened, Tightened};

const FEE: Key = Key::Branch(BranchKey::StabilityFee);

#[test]
fn moves_the_stability_fee_and_nothing_else() {
	ExtBuilder::default().build_and_execute(|| {
		let mut others = 0;
		for subject in KINDS {
			for info in RiskParameters::parameters(subject) {
				assert_eq!(info.policy.controller, info.key == FEE, "{:?}", info.key);
				if info.key == FEE {
					continue;
				}
				for direction in [Tightened, Loosened] {
					let value = moved(info.key, info.value, direction, 1).unwrap();
					assert_noop!(
						set(CONTROLLER, subject, &[(info.key, value)]),
						Error::<Test>::NotForControllers
					);
					others += 1;
				}
			}
		}
		assert_eq!(others, 2 * (KEYS - 1));
		// Nor beside what it may.
		assert_noop!(
			set(
				CONTROLLER,
				BRANCH,
				&[(FEE, pct(2) + 1), (b(BranchKey::DebtCeiling), 0)]
			),
			Error::<Test>::NotForControllers
		);
	});
}

#[test]
fn when_it_moves_should_store_announce_and_start_the_cooldown() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set(CONTROLLER, BRANCH, &[(FEE, bps(190))]));
		assert_eq!(get(BRANCH, FEE), bps(190));
		assert_eq!(LastLoosened::<Test>::get(BRANCH, FEE), Some(START));
		System::assert_last_event(
			Event::ParameterChanged {
				subject: BRANCH,
				key: FEE,
				old: bps(200),
				new: bps(190),
				direction: Loosened,
			}
			.into(),
		);
	});
}

#[test]
fn takes_a_quarter_of_the_step() {
	// Up: half of the value or 1 %, so an eighth or 0.25 %. Down: a quarter or 0.5 %, so a sixteenth or 0.125 %.
	for (value, up, down) in [
		(0, bps(25), 0),
		(bps(100), bps(25), ONE / 800),
		(bps(200), bps(25), ONE / 800),
		(bps(400), bps(50), bps(25)),
		(bps(1_600), bps(200), bps(100)),
	] {
		let parameters = keel_primitives::BranchParameters {
			stability_fee: sp_runtime::FixedU128::from_inner(value),
			..crate::limits::default_branch()
		};
		let builder = || ExtBuilder::default().branches(vec![(BTC, parameters.clone())]);
		builder().build_and_execute(|| {
			assert_noop!(
				set(CONTROLLER, BRANCH, &[(FEE, value + up + 1)]),
				Error::<Test>::TightenedTooFar
			);
			assert_ok!(set(ADJUSTER, BRANCH, &[(FEE, value + up + 1)]));
		});
		builder().build_and_execute(|| {
			assert_ok!(set(CONTROLLER, BRANCH, &[(FEE, value + up)]));
		});
		if down == 0 {
			continue;
		}
		builder().build_and_execute(|| {
			assert_noop!(
				set(CONTROLLER, BRANCH, &[(FEE, value - down - 1)]),
				Error::<Test>::LoosenedTooFar
			);
			assert_ok!(set(ADJUSTER, BRANCH, &[(FEE, value - down - 1)]));
		});
		builder().build_and_execute(|| {
			assert_ok!(set(CONTROLLER, BRANCH, &[(FEE, value - down)]));
		});
	}
}

#[test]
fn shares_the_cooldown_with_everybody() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set(CONTROLLER, BRANCH, &[(FEE, bps(199))]));
		for who in [CONTROLLER, ADJUSTER] {
			assert_noop!(set(who, BRANCH, &[(FEE, bps(198))]), Error::<Test>::CoolingDown);
		}
		// Up does not wait.
		assert_ok!(set(CONTROLLER, BRANCH, &[(FEE, bps(210))]));
		later(DAY - 1);
		assert_noop!(
			set(CONTROLLER, BRANCH, &[(FEE, bps(209))]),
			Error::<Test>::CoolingDown
		);
		later(1);
		assert_ok!(set(ADJUSTER, BRANCH, &[(FEE, bps(209))]));
		assert_noop!(
			set(CONTROLLER, BRANCH, &[(FEE, bps(208))]),
			Error::<Test>::CoolingDown
		);
	});
}

#[test]
fn stays_inside_the_bounds_however_long_it_runs() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set_bounds(BRANCH, &[(FEE, bps(150), bps(300))]));
		for (wanted, end) in [(u128::MAX, bps(300)), (0, bps(150))] {
			for _ in 0..40 {
				let value = get(BRANCH, FEE);
				let policy = policy(FEE);
				let direction = policy.direction(value, wanted).unwrap();
				let step = policy.step_for(Authority::Controller, direction).of(value);
				let next = moved(FEE, value, direction, step)
					.unwrap()
					.clamp(bps(150), bps(300));
				if next != value {
					assert_ok!(set(CONTROLLER, BRANCH, &[(FEE, next)]));
				}
				later(DAY);
			}
			assert_eq!(get(BRANCH, FEE), end);
		}
		assert_noop!(
			set(CONTROLLER, BRANCH, &[(FEE, bps(150) - 1)]),
			Error::<Test>::BelowBounds
		);
		assert_noop!(
			set(CONTROLLER, BRANCH, &[(FEE, bps(300) + 1)]),
			Error::<Test>::AboveBounds
		);
	});
}

#[test]
fn minds_the_breaker() {
	ExtBuilder::default().build_and_execute(|| {
		level(BreakerSubject::Branch(BTC), Level::Guarded);
		assert_noop!(
			set(CONTROLLER, BRANCH, &[(FEE, bps(199))]),
			Error::<Test>::BreakerRaised
		);
		assert_ok!(set(CONTROLLER, Subject::Branch(DOT), &[(FEE, bps(199))]));
		assert_ok!(set(CONTROLLER, BRANCH, &[(FEE, bps(210))]));
		level(BreakerSubject::Branch(BTC), Level::Normal);
		assert_ok!(set(CONTROLLER, BRANCH, &[(FEE, bps(209))]));
	});
}

#[test]
fn preview_is_what_the_call_does() {
	ExtBuilder::default().build_and_execute(|| {
		for value in [
			bps(225),
			bps(225) + 1,
			ONE / 800 * 15,
			ONE / 800 * 15 - 1,
			bps(200),
		] {
			let list = [(FEE, value)];
			let planned = RiskParameters::preview(BRANCH, changes(&list), Authority::Controller);
			frame_support::hypothetically!({
				assert_eq!(planned.map(|_| ()), set(CONTROLLER, BRANCH, &list));
			});
		}
	});
}

#[test]
fn sets_no_bounds_and_lists_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			RiskParameters::set_bounds(
				RuntimeOrigin::signed(CONTROLLER),
				BRANCH,
				bounds(&[(FEE, 0, pct(5))])
			),
			BadOrigin
		);
		assert_noop!(
			RiskParameters::add_branch(
				RuntimeOrigin::signed(CONTROLLER),
				3,
				Box::new(crate::limits::new_branch()),
				Default::default()
			),
			BadOrigin
		);
		assert_noop!(
			RiskParameters::add_market(
				RuntimeOrigin::signed(CONTROLLER),
				3,
				Box::new(crate::limits::new_market()),
				Default::default()
			),
			BadOrigin
		);
		assert_noop!(
			RiskParameters::add_collateral(
				RuntimeOrigin::signed(CONTROLLER),
				3,
				Box::new(crate::limits::new_collateral()),
				Default::default()
			),
			BadOrigin
		);
	});
}
