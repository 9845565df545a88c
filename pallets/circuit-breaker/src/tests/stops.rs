//! The chain made no block for a while.

use frame_support::weights::Weight;
use keel_primitives::OnGap;

use super::*;

/// What a subject is held to.
fn held(subject: BreakerSubject) -> Level {
	<CircuitBreaker as CircuitBreakerT>::level(subject)
}

/// Kind: after a stop nobody knows yet what happened, and nothing may be risked on what was known before.
#[test]
fn holds_the_chain_and_all_it_binds_to_reduce_only_until_it_has_recovered() {
	ExtBuilder::default().build_and_execute(|| {
		BlocksNeeded::set(3);
		for subject in [CHAIN, BTC, ETH, MARKET, BTC_MINT, LENDING] {
			assert_eq!(held(subject), Level::ReduceOnly);
			for action in [Action::AddRisk, Action::Discretionary] {
				assert_noop!(
					<CircuitBreaker as CircuitBreakerT>::ensure(subject, action),
					Error::<Test>::SubjectReduceOnly
				);
			}
			for action in [Action::Deposit, Action::Withdraw] {
				assert_ok!(<CircuitBreaker as CircuitBreakerT>::ensure(subject, action));
			}
		}
		// Fees are owed whatever the chain's level.
		assert_eq!(held(FEES), Level::Normal);
		// At once over, without dwell and cooldown.
		BlocksNeeded::set(0);
		assert_eq!(held(BTC_MINT), Level::Normal);
	});
}

#[test]
fn is_seen_with_its_cause_and_with_what_it_takes() {
	ExtBuilder::default().build_and_execute(|| {
		BlocksNeeded::set(2);
		let chain = CircuitBreaker::status(CHAIN).unwrap();
		assert_eq!(
			(chain.level, chain.binding),
			(Level::ReduceOnly, Level::ReduceOnly)
		);
		assert_eq!((chain.cause, chain.blocks_needed), (Some(Cause::Stop), 2));
		assert_eq!(
			(chain.since, chain.lower_from, chain.normal_from),
			(None, None, None)
		);
		let branch = CircuitBreaker::status(BTC).unwrap();
		assert_eq!(
			(branch.level, branch.cause, branch.blocks_needed),
			(Level::Normal, None, 0)
		);
		assert_eq!((branch.binding, branch.bound_by), (Level::ReduceOnly, CHAIN));
		BlocksNeeded::set(0);
		let chain = CircuitBreaker::status(CHAIN).unwrap();
		assert_eq!(
			(chain.level, chain.cause, chain.blocks_needed),
			(Level::Normal, None, 0)
		);
	});
}

#[test]
fn neither_lowers_a_level_nor_is_lowered_by_anybody() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(trip(CHAIN, Level::Halted));
		BlocksNeeded::set(3);
		let chain = CircuitBreaker::status(CHAIN).unwrap();
		assert_eq!((chain.level, chain.cause), (Level::Halted, Some(Cause::Guardian)));
		assert_ok!(set_level(CHAIN, Level::Guarded));
		let chain = CircuitBreaker::status(CHAIN).unwrap();
		assert_eq!((chain.level, chain.cause), (Level::ReduceOnly, Some(Cause::Stop)));
		// What is stored is there with its times.
		assert_eq!(chain.since, Some(now()));
		assert_ok!(set_level(CHAIN, Level::Normal));
		assert_eq!(held(CHAIN), Level::ReduceOnly);
		assert!(!Raised::<Test>::exists());
	});
}

/// Kind: a time that runs by the wall clock counts what nobody saw.
///
/// A stop of an hour took a branch down a level in the first block after it.
#[test]
fn is_neither_dwell_nor_calm() {
	ExtBuilder::default().build_and_execute(|| {
		deviate(percent(25));
		block(SECOND);
		deviate(0);
		blocks(10 * MINUTE, MINUTE);
		assert_eq!(level(BTC), Level::Halted);
		let before = CircuitBreaker::status(BTC).unwrap();

		later(HOUR);
		let weight = <CircuitBreaker as OnGap>::on_gap(HOUR);
		assert!(weight.any_gt(Weight::zero()));
		begin();
		assert_eq!(level(BTC), Level::Halted);
		let after = CircuitBreaker::status(BTC).unwrap();
		let shifted = |at: Option<Moment>| at.map(|at| at + HOUR);
		assert_eq!(after.since, shifted(before.since));
		assert_eq!(after.calm_since, shifted(before.calm_since));
		assert_eq!(after.lower_from, shifted(before.lower_from));

		// The calm of before goes on: nine minutes, of thirty.
		blocks(20 * MINUTE, MINUTE);
		assert_eq!(level(BTC), Level::Halted);
		block(MINUTE);
		assert_eq!(level(BTC), Level::ReduceOnly);
	});
}

/// A level that stands still with the chain would else be held up by a trip that does not.
#[test]
fn does_not_shorten_the_guardians_pause() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(trip(BTC, Level::Guarded));
		let before = CircuitBreaker::trip_from(BTC);
		later(DAY);
		<CircuitBreaker as OnGap>::on_gap(DAY);
		begin();
		assert_eq!(CircuitBreaker::trip_from(BTC), before + DAY);
		set_level(BTC, Level::Normal).unwrap();
		assert_noop!(trip(BTC, Level::Guarded), Error::<Test>::TrippedRecently);
	});
}

#[test]
fn leaves_nothing_where_nothing_is_raised() {
	ExtBuilder::default().build_and_execute(|| {
		<CircuitBreaker as OnGap>::on_gap(HOUR);
		assert!(!Raised::<Test>::exists());
	});
}
