//! Nothing is loosened in a storm.

use frame_support::{assert_noop, assert_ok};

use super::*;
use Direction::{Loosened, Tightened};
use Level::{Guarded, Halted, Normal, ReduceOnly};

const RAISED: [Level; 3] = [Guarded, ReduceOnly, Halted];

const CHAIN: BreakerSubject = BreakerSubject::Chain;
const FEES: BreakerSubject = BreakerSubject::Mint(MintPath::StabilityFees);

fn branch(id: u32) -> BreakerSubject {
	BreakerSubject::Branch(id)
}

fn vaults(id: u32) -> BreakerSubject {
	BreakerSubject::Mint(MintPath::Vaults(id))
}

/// One raw unit the other way, which nothing else stops.
fn loosening(subject: Subject) -> (Key, u128) {
	match subject {
		Subject::Chain => (c(ChainKey::FundShare), get(subject, c(ChainKey::FundShare)) - 1),
		Subject::Branch(_) => (
			b(BranchKey::SafetyMargin),
			get(subject, b(BranchKey::SafetyMargin)) - 1,
		),
		Subject::Market(_) => (m(MarketKey::Stress), get(subject, m(MarketKey::Stress)) - 1),
		Subject::Collateral(_) => (
			a(CollateralKey::Haircut),
			get(subject, a(CollateralKey::Haircut)) - 1,
		),
	}
}

#[test]
fn when_raised_should_refuse_every_loosening_and_let_every_tightening_through() {
	for (subject, breaker) in [
		(Subject::Chain, CHAIN),
		(BRANCH, CHAIN),
		(BRANCH, branch(BTC)),
		(MARKET, CHAIN),
		(MARKET, BreakerSubject::Market(BTC)),
		(COLLATERAL, CHAIN),
	] {
		for raised in RAISED {
			ExtBuilder::default().build_and_execute(|| {
				level(breaker, raised);
				let mut refused = 0;
				for info in RiskParameters::parameters(subject) {
					let looser = moved(info.key, info.value, Loosened, 1).unwrap();
					assert_noop!(
						set(ADJUSTER, subject, &[(info.key, looser)]),
						Error::<Test>::BreakerRaised
					);
					refused += 1;
				}
				assert_eq!(refused, subject.keys().len());
				let tighter: Vec<_> = RiskParameters::parameters(subject)
					.into_iter()
					.map(|info| (info.key, moved(info.key, info.value, Tightened, 1).unwrap()))
					.collect();
				assert_ok!(set(ADJUSTER, subject, &tighter));
				for (key, value) in tighter {
					assert_eq!(get(subject, key), value);
				}
			});
		}
	}
}

#[test]
fn each_subject_minds_its_own_breaker_and_the_chains() {
	let subjects = [
		Subject::Chain,
		Subject::Branch(BTC),
		Subject::Branch(DOT),
		Subject::Market(BTC),
		Subject::Market(SOL),
		Subject::Collateral(BTC),
	];
	// Which of them a breaker holds: what has the same number is something else.
	let cases = [
		(CHAIN, [true; 6]),
		(FEES, [false; 6]),
		(BreakerSubject::Lending, [false; 6]),
		(branch(BTC), [false, true, false, false, false, false]),
		(vaults(BTC), [false; 6]),
		(branch(DOT), [false, false, true, false, false, false]),
		(vaults(DOT), [false; 6]),
		(
			BreakerSubject::Market(BTC),
			[false, false, false, true, false, false],
		),
		(
			BreakerSubject::Market(SOL),
			[false, false, false, false, true, false],
		),
		(branch(99), [false; 6]),
		(BreakerSubject::Market(99), [false; 6]),
	];
	for (breaker, held) in cases {
		for raised in RAISED {
			ExtBuilder::default().build_and_execute(|| {
				level(breaker, raised);
				for (subject, held) in subjects.into_iter().zip(held) {
					let change = loosening(subject);
					let info = RiskParameters::parameter(subject, change.0).unwrap();
					assert_eq!(info.breaker_raised, held, "{breaker:?} {subject:?}");
					if held {
						assert_noop!(set(ADJUSTER, subject, &[change]), Error::<Test>::BreakerRaised);
					} else {
						assert_ok!(set(ADJUSTER, subject, &[change]));
					}
				}
			});
		}
	}
}

/// Minting up to a window costs nothing but the fee and is repaid in the next block; so does whoever wants to keep a number
/// where it is, in the block before it would move.
#[test]
fn nobody_vetoes_an_enactment_by_minting_or_borrowing() {
	for raised in RAISED {
		ExtBuilder::default().build_and_execute(|| {
			for path in [FEES, vaults(BTC), vaults(DOT), BreakerSubject::Lending] {
				level(path, raised);
			}
			for subject in [Subject::Chain, BRANCH, Subject::Branch(DOT), MARKET, COLLATERAL] {
				for info in RiskParameters::parameters(subject) {
					assert!(!info.breaker_raised);
				}
				let change = loosening(subject);
				assert_eq!(nearest(subject, change.0, change.1).now, change.1);
				assert_ok!(RiskParameters::preview(
					subject,
					changes(&[change]),
					Authority::Adjuster
				));
				assert_ok!(set(ADJUSTER, subject, &[change]));
				assert_eq!(get(subject, change.0), change.1);
			}
			let fee = (b(BranchKey::StabilityFee), bps(199));
			assert_ok!(set(CONTROLLER, BRANCH, &[fee]));
			// The branch itself still holds it, whatever its mint path says.
			level(path_above(), raised);
			later(DAY);
			assert_noop!(
				set(ADJUSTER, BRANCH, &[loosening(BRANCH)]),
				Error::<Test>::BreakerRaised
			);
		});
	}
}

/// What a branch's mint path is held by too.
fn path_above() -> BreakerSubject {
	vaults(BTC).parent().unwrap()
}

#[test]
fn a_loosening_among_tightenings_is_one() {
	ExtBuilder::default().build_and_execute(|| {
		level(branch(BTC), Guarded);
		let list = [
			(b(BranchKey::DebtCeiling), 0),
			loosening(BRANCH),
			(b(BranchKey::PoolBonus), pct(9)),
		];
		assert_noop!(set(ADJUSTER, BRANCH, &list), Error::<Test>::BreakerRaised);
		assert_ok!(set(ADJUSTER, BRANCH, &[list[0], list[2]]));
	});
}

#[test]
fn guardians_go_on_tightening_and_are_told_the_same_as_ever() {
	ExtBuilder::default().build_and_execute(|| {
		level(branch(BTC), Halted);
		assert_ok!(set(GUARDIAN, BRANCH, &[(b(BranchKey::SafetyMargin), pct(15))]));
		assert_noop!(
			set(GUARDIAN, BRANCH, &[(b(BranchKey::SafetyMargin), pct(14))]),
			Error::<Test>::GuardianMayOnlyTighten
		);
	});
}

#[test]
fn when_it_comes_down_should_let_the_same_loosening_through_at_once() {
	ExtBuilder::default().build_and_execute(|| {
		let change = loosening(BRANCH);
		for raised in [Halted, ReduceOnly, Guarded] {
			level(branch(BTC), raised);
			assert_noop!(set(ADJUSTER, BRANCH, &[change]), Error::<Test>::BreakerRaised);
		}
		// What was refused started no cooldown; and the level of now counts, also within a block, so that a referendum's
		// batch may lower the level and then loosen.
		level(branch(BTC), Normal);
		assert_ok!(set(ADJUSTER, BRANCH, &[change]));
		// The cooldown of what was loosened runs on through the next storm.
		level(CHAIN, Guarded);
		later(DAY);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[loosening(BRANCH)]),
			Error::<Test>::BreakerRaised
		);
		level(CHAIN, Normal);
		assert_ok!(set(ADJUSTER, BRANCH, &[loosening(BRANCH)]));
	});
}

#[test]
fn a_cooldown_is_named_before_the_breaker() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set(ADJUSTER, BRANCH, &[loosening(BRANCH)]));
		level(branch(BTC), Guarded);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[loosening(BRANCH)]),
			Error::<Test>::CoolingDown
		);
	});
}

#[test]
fn views_know_it() {
	ExtBuilder::default().build_and_execute(|| {
		let ratio = b(BranchKey::LiquidationRatio);
		let rooms = RiskParameters::headroom(BRANCH);
		level(branch(BTC), Guarded);
		for info in RiskParameters::parameters(BRANCH) {
			assert!(info.breaker_raised);
			assert_eq!(info.loosen_from, 0);
		}
		assert_eq!(
			nearest(BRANCH, ratio, pct(120)),
			Nearest {
				now: pct(150),
				then: pct(147),
				from: 0,
				direction: Some(Loosened)
			}
		);
		assert_eq!(
			RiskParameters::preview(BRANCH, changes(&[(ratio, pct(147))]), Authority::Adjuster),
			Err(Error::<Test>::BreakerRaised.into())
		);
		assert_eq!(
			nearest(BRANCH, ratio, pct(155)),
			Nearest {
				now: pct(155),
				then: pct(155),
				from: 0,
				direction: Some(Tightened)
			}
		);
		assert_eq!(RiskParameters::headroom(BRANCH), rooms);
		level(branch(BTC), Normal);
		assert_eq!(nearest(BRANCH, ratio, pct(120)).now, pct(147));
		assert!(!RiskParameters::parameter(BRANCH, ratio).unwrap().breaker_raised);
	});
}

#[test]
fn bounds_and_listings_do_not_ask() {
	ExtBuilder::default().build_and_execute(|| {
		for breaker in [CHAIN, FEES, branch(BTC), BreakerSubject::Market(3)] {
			level(breaker, Halted);
		}
		assert_ok!(RiskParameters::add_market(
			RuntimeOrigin::root(),
			3,
			Box::new(crate::limits::new_market()),
			Default::default()
		));
		assert_ok!(RiskParameters::add_collateral(
			RuntimeOrigin::root(),
			3,
			Box::new(crate::limits::new_collateral()),
			Default::default()
		));
		assert_ok!(set_bounds(BRANCH, &[(b(BranchKey::StabilityFee), 0, pct(50))]));
		assert_ok!(RiskParameters::add_branch(
			RuntimeOrigin::root(),
			3,
			Box::new(crate::limits::new_branch()),
			Default::default()
		));
		// Wider bounds move nothing.
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(b(BranchKey::StabilityFee), pct(2) - 1)]),
			Error::<Test>::BreakerRaised
		);
	});
}
