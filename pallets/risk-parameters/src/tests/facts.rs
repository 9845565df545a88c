//! The kind: a number that relies on something outside the numbers, which is not there.

use frame_support::{assert_noop, assert_ok};
use keel_primitives::BranchParameters;

use super::*;
use crate::limits;

const QUORUM: Key = Key::Chain(ChainKey::OracleQuorum);
const DEBT: Key = Key::Branch(BranchKey::MinimumDebt);

/// A quorum of fifty where five operators exist: no price would be made, and lowering it again takes a week a
/// step.
#[test]
fn no_quorum_is_voted_that_cannot_be_met() {
	ExtBuilder::default().build_and_execute(|| {
		OperatorCount::set(5);
		for quorum in [4, 5] {
			assert_ok!(set(ADJUSTER, Subject::Chain, &[(QUORUM, quorum)]));
		}
		assert_noop!(
			set(ADJUSTER, Subject::Chain, &[(QUORUM, 6)]),
			Error::<Test>::QuorumAboveOperators
		);
		// The views name what would fit.
		assert_eq!(nearest(Subject::Chain, QUORUM, 6).now, 5);
		let room = RiskParameters::headroom(Subject::Chain);
		assert_eq!(room.iter().find(|h| h.key == QUORUM).unwrap().tighten, 0);
		OperatorCount::set(6);
		assert_ok!(set(ADJUSTER, Subject::Chain, &[(QUORUM, 6)]));
		// Not even with bounds as wide as they go.
		let most = policy(QUORUM).limits.max;
		assert_eq!(most, 16);
		assert_ok!(set_bounds(Subject::Chain, &[(QUORUM, 2, most)]));
		assert_noop!(
			set(ADJUSTER, Subject::Chain, &[(QUORUM, 7)]),
			Error::<Test>::QuorumAboveOperators
		);
	});
}

/// A number that is beyond the facts already moves towards them, and the others move as they like.
#[test]
fn what_is_beyond_the_facts_comes_back_to_them() {
	ExtBuilder::default().build_and_execute(|| {
		put(Subject::Chain, QUORUM, 7);
		OperatorCount::set(3);
		let other = c(ChainKey::RecoveryPrices);
		assert_ok!(set(ADJUSTER, Subject::Chain, &[(other, 4)]));
		assert_ok!(set(ADJUSTER, Subject::Chain, &[(QUORUM, 6)]));
		assert_noop!(
			set(ADJUSTER, Subject::Chain, &[(QUORUM, 7)]),
			Error::<Test>::QuorumAboveOperators
		);
		later(7 * DAY);
		assert_ok!(set(ADJUSTER, Subject::Chain, &[(QUORUM, 5)]));
	});
}

#[test]
fn no_debt_is_allowed_that_cannot_be_paid_out() {
	ExtBuilder::default().build_and_execute(|| {
		let least = get(BRANCH, DEBT);
		LeastBalance::set(least);
		assert_noop!(
			set(ADJUSTER, BRANCH, &[(DEBT, least - 1)]),
			Error::<Test>::DebtBelowMinimumBalance
		);
		assert_eq!(nearest(BRANCH, DEBT, least - 1).now, least);
		assert_ok!(set(ADJUSTER, BRANCH, &[(DEBT, least + 1)]));
		later(DAY);
		assert_ok!(set(ADJUSTER, BRANCH, &[(DEBT, least)]));
		// What is newly listed relies on it from the start.
		let listed = |minimum_debt| {
			let parameters = Box::new(BranchParameters {
				minimum_debt,
				..limits::new_branch()
			});
			RiskParameters::add_branch(RuntimeOrigin::root(), 9, parameters, Default::default())
		};
		assert_noop!(listed(least - 1), Error::<Test>::DebtBelowMinimumBalance);
		assert_ok!(listed(least));
	});
}
