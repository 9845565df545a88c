//! Every level against every action, raised on every subject that binds a branch.

use frame_support::{assert_noop, assert_ok, dispatch::DispatchResult};
use keel_primitives::{BreakerSubject, Level, MintPath, PositionLedger, VaultId};

use crate::{
	mock::*,
	Change::{Decrease, Increase, Keep},
	Error,
};

const LEVELS: [Level; 4] = [Level::Normal, Level::Guarded, Level::ReduceOnly, Level::Halted];
const BRANCH: BreakerSubject = BreakerSubject::Branch(BTC_BRANCH);
const PATH: BreakerSubject = BreakerSubject::Mint(MintPath::Vaults(BTC_BRANCH));

fn opened() -> VaultId {
	open(&ALICE, BTC_BRANCH, 10 * ONE_BTC, 20_000 * USD)
}

/// Do `action` on a vault with `subject` at each level; it has to go through up to `highest` and be refused above.
fn goes_up_to(subject: BreakerSubject, highest: Level, action: impl Fn(VaultId) -> DispatchResult) {
	for level in LEVELS {
		ExtBuilder::default().build_and_execute(|| {
			let id = opened();
			raise(subject, level);
			if level <= highest {
				assert_ok!(action(id));
			} else {
				assert_noop!(action(id), raised());
			}
		});
	}
}

mod minting {
	use super::*;

	#[test]
	fn into_a_new_vault_ends_below_reduce_only() {
		for subject in [BreakerSubject::Chain, BRANCH, PATH] {
			goes_up_to(subject, Level::Guarded, |_| {
				Vaults::open(signed(&BOB), BTC_BRANCH, ONE_BTC, 1_000 * USD)
			});
		}
	}

	#[test]
	fn more_ends_below_reduce_only_whatever_comes_with_it() {
		for subject in [BreakerSubject::Chain, BRANCH, PATH] {
			for collateral in [Keep, Increase(100 * ONE_BTC), Decrease(ONE_BTC)] {
				goes_up_to(subject, Level::Guarded, |id| {
					Vaults::adjust(signed(&ALICE), id, collateral, Increase(1))
				});
			}
		}
	}
}

#[test]
fn withdrawing_that_adds_risk_ends_below_reduce_only() {
	for subject in [BreakerSubject::Chain, BRANCH] {
		for debt in [Keep, Decrease(1)] {
			goes_up_to(subject, Level::Guarded, |id| {
				Vaults::adjust(signed(&ALICE), id, Decrease(ONE_BTC), debt)
			});
		}
	}
	// Nothing is minted: the mint path does not forbid it.
	goes_up_to(PATH, Level::Halted, |id| {
		Vaults::adjust(signed(&ALICE), id, Decrease(ONE_BTC), Keep)
	});
}

#[test]
fn withdrawing_in_proportion_ends_below_halted() {
	for subject in [BreakerSubject::Chain, BRANCH] {
		goes_up_to(subject, Level::ReduceOnly, |id| {
			Vaults::adjust(signed(&ALICE), id, Decrease(ONE_BTC), Decrease(2_000 * USD))
		});
	}
	goes_up_to(PATH, Level::Halted, |id| {
		Vaults::adjust(signed(&ALICE), id, Decrease(ONE_BTC), Decrease(2_000 * USD))
	});
}

#[test]
fn the_exits_never_end() {
	for subject in [BreakerSubject::Chain, BRANCH, PATH] {
		goes_up_to(subject, Level::Halted, |id| {
			Vaults::repay(signed(&ALICE), id, 1_000 * USD)
		});
		goes_up_to(subject, Level::Halted, |id| Vaults::top_up(signed(&BOB), id, 1));
		goes_up_to(subject, Level::Halted, |id| {
			Vaults::adjust(signed(&ALICE), id, Increase(1), Decrease(1))
		});
		goes_up_to(subject, Level::Halted, |id| {
			Vaults::adjust(signed(&ALICE), id, Decrease(u128::MAX), Decrease(u128::MAX))
		});
		goes_up_to(subject, Level::Halted, |id| {
			Vaults::repay(signed(&ALICE), id, u128::MAX)?;
			Vaults::adjust(signed(&ALICE), id, Decrease(ONE_BTC), Keep)
		});
		goes_up_to(subject, Level::Halted, |id| Vaults::close(signed(&ALICE), id));
	}
}

#[test]
fn liquidations_never_ask() {
	for subject in [BreakerSubject::Chain, BRANCH, PATH] {
		goes_up_to(subject, Level::Halted, |id| {
			move_price(BTC, dollars(2_500));
			assert_ok!(Vaults::threshold(Group::Branch(BTC_BRANCH)));
			assert_ok!(Vaults::deficit(Group::Branch(BTC_BRANCH), id));
			Vaults::liquidate(Group::Branch(BTC_BRANCH), id).map(|_| ())
		});
	}
}

#[test]
fn interest_and_the_ramp_never_ask() {
	ExtBuilder::default().build_and_execute(|| {
		opened();
		raise(BreakerSubject::Chain, Level::Halted);
		set_volatility(BTC, percent(500));
		pass(PERIOD);
		assert!(branch(BTC_BRANCH).rate_index > keel_math::RAY);
		assert!(branch(BTC_BRANCH).ramped_ratio > percent(130));
	});
}

#[test]
fn another_branch_is_another_subject() {
	ExtBuilder::default().build_and_execute(|| {
		raise(BRANCH, Level::Halted);
		assert_ok!(Vaults::open(
			signed(&ALICE),
			ETH_BRANCH,
			100 * ONE_ETH,
			1_000 * USD
		));
		raise(BreakerSubject::Mint(MintPath::StabilityFees), Level::Halted);
		assert_ok!(Vaults::open(
			signed(&ALICE),
			ETH_BRANCH,
			100 * ONE_ETH,
			1_000 * USD
		));
	});
}

#[test]
fn previews_and_maxima_meet_the_same_breaker() {
	ExtBuilder::default().build_and_execute(|| {
		let id = opened();
		raise(PATH, Level::ReduceOnly);
		assert_eq!(Vaults::maximum_mintable(BTC_BRANCH, ONE_BTC), Err(raised()));
		assert_eq!(Vaults::maximum_mintable_by(id), Err(raised()));
		assert_eq!(
			Vaults::preview_open(BTC_BRANCH, ONE_BTC, 1_000 * USD),
			Err(raised())
		);
		assert_eq!(Vaults::preview_adjust(id, Keep, Increase(1)), Err(raised()));
		assert_ok!(Vaults::preview_adjust(id, Decrease(1), Keep));
		raise(BRANCH, Level::Halted);
		assert_eq!(Vaults::preview_adjust(id, Decrease(1), Keep), Err(raised()));
		let proportional = (Decrease(ONE_BTC), Decrease(2_000 * USD));
		assert_eq!(
			Vaults::preview_adjust(id, proportional.0, proportional.1),
			Err(raised())
		);
		let summary = Vaults::branch(BTC_BRANCH).unwrap();
		assert_eq!(
			(summary.level, summary.mint_level),
			(Level::Halted, Level::Halted)
		);
	});
}

mod while_guarded {
	use super::*;

	/// 50,000 / 1.5, a unit less for the confidence.
	const MOST: u128 = 33_333_333_332;

	#[test]
	fn new_risk_needs_the_guarded_margin_on_top() {
		for subject in [BreakerSubject::Chain, BRANCH, PATH] {
			ExtBuilder::default().build_and_execute(|| {
				let before = open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
				raise(subject, Level::Guarded);
				assert_eq!(Vaults::branch(BTC_BRANCH).unwrap().required_ratio, percent(150));
				assert_eq!(Vaults::maximum_mintable(BTC_BRANCH, ONE_BTC), Ok(MOST));
				assert_noop!(
					Vaults::open(signed(&ALICE), BTC_BRANCH, ONE_BTC, MOST + 1),
					Error::<Test>::RatioTooLow
				);
				let id = open(&ALICE, BTC_BRANCH, ONE_BTC, MOST);
				// Raising the trigger without minting is new risk as well.
				assert_noop!(
					Vaults::adjust(signed(&ALICE), id, Decrease(ONE_BTC / 100), Keep),
					Error::<Test>::RatioTooLow
				);
				// Those who are in already are held to what they were.
				assert_eq!(Vaults::health(before).unwrap().safe, Ok(true));
				assert_eq!(Vaults::maximum_mintable_by(before), Ok(0));
			});
		}
	}

	#[test]
	fn a_part_of_the_ceiling_is_the_ceiling() {
		ExtBuilder::default().build_and_execute(|| {
			// Half of it, rounded down, is 20,000.
			set_parameters(BTC_BRANCH, |p| p.debt_ceiling = 40_000 * USD + 1);
			raise(PATH, Level::Guarded);
			assert_eq!(Vaults::branch(BTC_BRANCH).unwrap().ceiling_left, 20_000 * USD);
			assert_eq!(
				Vaults::maximum_mintable(BTC_BRANCH, 10 * ONE_BTC),
				Ok(20_000 * USD)
			);
			assert_noop!(
				Vaults::open(signed(&ALICE), BTC_BRANCH, 10 * ONE_BTC, 20_000 * USD + 1),
				Error::<Test>::CeilingReached
			);
			let id = opened();
			assert_noop!(
				Vaults::adjust(signed(&ALICE), id, Keep, Increase(1)),
				Error::<Test>::CeilingReached
			);
			raise(PATH, Level::Normal);
			assert_ok!(Vaults::adjust(
				signed(&ALICE),
				id,
				Keep,
				Increase(20_000 * USD + 1)
			));
			// Above the part: only minting is closed.
			raise(PATH, Level::Guarded);
			assert_ok!(Vaults::adjust(signed(&ALICE), id, Decrease(ONE_BTC), Keep));
			assert_ok!(Vaults::repay(signed(&ALICE), id, 1_000 * USD));
		});
	}
}
