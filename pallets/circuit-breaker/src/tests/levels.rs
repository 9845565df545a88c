//! What a level means to those who ask.

use super::*;

const LEVELS: [Level; 4] = [Level::Normal, Level::Guarded, Level::ReduceOnly, Level::Halted];

fn held_to(subject: BreakerSubject) -> Level {
	<CircuitBreaker as CircuitBreakerT>::level(subject)
}

/// The error it ends in, if it does. The view says what the door does.
fn refusal(subject: BreakerSubject, action: Action) -> Option<&'static str> {
	let answer = <CircuitBreaker as CircuitBreakerT>::ensure(subject, action);
	assert_eq!(CircuitBreaker::allows(subject, action), answer);
	answer.err().map(Into::into)
}

#[test]
fn each_level_forbids_what_the_one_below_does_and_more() {
	let reduce_only = Some("SubjectReduceOnly");
	let halted = Some("SubjectHalted");
	for (action, expected) in [
		(Action::AddRisk, [None, None, reduce_only, halted]),
		(Action::Discretionary, [None, None, reduce_only, halted]),
		(Action::Deposit, [None, None, None, halted]),
		(Action::Withdraw, [None, None, None, halted]),
	] {
		ExtBuilder::default().build_and_execute(|| {
			let answers = LEVELS.map(|to| {
				assert_ok!(set_level(BTC, to));
				refusal(BTC, action)
			});
			assert_eq!(answers, expected, "{action:?}");
		});
	}
}

#[test]
fn a_parent_binds_those_below_it() {
	let cases = [
		(CHAIN, [CHAIN, BTC, ETH, MARKET, BTC_MINT, LENDING].to_vec()),
		(BTC, [BTC, BTC_MINT].to_vec()),
		(BTC_MINT, [BTC_MINT].to_vec()),
		(FEES, [FEES].to_vec()),
		(MARKET, [MARKET].to_vec()),
		(LENDING, [LENDING].to_vec()),
	];
	for (raised, bound) in cases {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(set_level(raised, Level::ReduceOnly));
			for subject in [CHAIN, BTC, ETH, MARKET, BTC_MINT, FEES, LENDING] {
				let expected = if bound.contains(&subject) {
					Level::ReduceOnly
				} else {
					Level::Normal
				};
				assert_eq!(held_to(subject), expected, "{subject:?} below {raised:?}");
				assert_eq!(
					refusal(subject, Action::AddRisk).is_some(),
					bound.contains(&subject)
				);
			}
			// Also those that nobody measures.
			let market = if raised == CHAIN {
				Level::ReduceOnly
			} else {
				Level::Normal
			};
			assert_eq!(held_to(NOBODYS), market);
		});
	}
}

#[test]
fn the_highest_on_the_way_up_binds() {
	for chain in LEVELS {
		for branch in LEVELS {
			for mint in LEVELS {
				ExtBuilder::default().build_and_execute(|| {
					assert_ok!(set_level(CHAIN, chain));
					assert_ok!(set_level(BTC, branch));
					assert_ok!(set_level(BTC_MINT, mint));
					assert_eq!(held_to(BTC_MINT), chain.max(branch).max(mint));
					assert_eq!(held_to(BTC), chain.max(branch));
					assert_eq!(held_to(CHAIN), chain);
				});
			}
		}
	}
}

#[test]
fn the_error_is_of_the_level_that_binds() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set_level(BTC_MINT, Level::ReduceOnly));
		assert_ok!(set_level(CHAIN, Level::Halted));
		assert_noop!(
			CircuitBreaker::ensure(BTC_MINT, Action::AddRisk),
			Error::<Test>::SubjectHalted
		);
		assert_ok!(set_level(CHAIN, Level::Normal));
		assert_noop!(
			CircuitBreaker::ensure(BTC_MINT, Action::AddRisk),
			Error::<Test>::SubjectReduceOnly
		);
	});
}

#[cfg(feature = "runtime-benchmarks")]
#[test]
fn raise_for_benchmarks_sets_any_level_of_anything() {
	ExtBuilder::default().build_and_execute(|| {
		<CircuitBreaker as CircuitBreakerT>::raise(NOBODYS, Level::Halted);
		assert_eq!(held_to(NOBODYS), Level::Halted);
		<CircuitBreaker as CircuitBreakerT>::raise(NOBODYS, Level::Guarded);
		assert_eq!(held_to(NOBODYS), Level::Guarded);
		<CircuitBreaker as CircuitBreakerT>::raise(NOBODYS, Level::Normal);
		assert!(!Raised::<Test>::exists());
	});
}
