//! More subjects than there is room for: a mistake of the runtime's, that stops nothing and hides nothing.

use super::*;

fn left_out(subject: BreakerSubject, level: Level) -> Event<Test> {
	Event::LeftOut { subject, level }
}

#[test]
fn keeps_the_highest_levels_and_says_what_it_left_out() {
	ExtBuilder::default().build().execute_with(|| {
		MaxSubjects::set(2);
		deviate(percent(10));
		read(CHAIN, Fuse::Drawdown, percent(10));
		read(FEES, Fuse::Utilisation, percent(40));
		read(ETH, Fuse::PriceDeviation, percent(5));
		block_unchecked(SECOND);
		assert_eq!(
			[CHAIN, BTC, ETH, FEES].map(level),
			[Level::Normal, Level::ReduceOnly, Level::Normal, Level::ReduceOnly]
		);
		assert_eq!(
			events(),
			vec![
				raised_event(
					BTC,
					Level::Normal,
					Level::ReduceOnly,
					Cause::Fuse(Fuse::PriceDeviation),
					Some(percent(10))
				),
				raised_event(
					FEES,
					Level::Normal,
					Level::ReduceOnly,
					Cause::Fuse(Fuse::Utilisation),
					Some(percent(40))
				),
				left_out(CHAIN, Level::Guarded),
				left_out(ETH, Level::Guarded),
			]
		);
		// As long as it lasts.
		block_unchecked(SECOND);
		assert_eq!(
			events(),
			vec![left_out(CHAIN, Level::Guarded), left_out(ETH, Level::Guarded)]
		);
		// With room again everything is as it should be.
		MaxSubjects::set(8);
		block(SECOND);
		assert_eq!([CHAIN, ETH].map(level), [Level::Guarded; 2]);
		assert_eq!(events().len(), 2);
	});
}

#[test]
fn among_equals_keeps_the_chain_first() {
	ExtBuilder::default().build().execute_with(|| {
		MaxSubjects::set(1);
		deviate(percent(25));
		read(CHAIN, Fuse::Drawdown, percent(50));
		block_unchecked(SECOND);
		assert_eq!((level(CHAIN), level(BTC)), (Level::Halted, Level::Normal));
		// What the chain's level forbids is forbidden below, too.
		assert_eq!(<CircuitBreaker as CircuitBreakerT>::level(BTC), Level::Halted);
	});
}

#[test]
fn what_was_raised_makes_room_for_what_is_higher() {
	ExtBuilder::default().build().execute_with(|| {
		MaxSubjects::set(1);
		deviate(percent(5));
		block_unchecked(SECOND);
		read(ETH, Fuse::PriceDeviation, percent(25));
		block_unchecked(SECOND);
		assert_eq!((level(BTC), level(ETH)), (Level::Normal, Level::Halted));
		assert_eq!(
			events(),
			vec![
				lowered_event(BTC, Level::Guarded, Level::Normal),
				raised_event(
					ETH,
					Level::Normal,
					Level::Halted,
					Cause::Fuse(Fuse::PriceDeviation),
					Some(percent(25))
				),
				left_out(BTC, Level::Guarded),
			]
		);
	});
}

#[cfg(feature = "runtime-benchmarks")]
#[test]
fn raising_for_benchmarks_keeps_the_highest() {
	ExtBuilder::default().build().execute_with(|| {
		MaxSubjects::set(1);
		<CircuitBreaker as CircuitBreakerT>::raise(BTC, Level::Guarded);
		<CircuitBreaker as CircuitBreakerT>::raise(ETH, Level::Halted);
		assert_eq!((level(BTC), level(ETH)), (Level::Normal, Level::Halted));
	});
}

/// A block while there are more subjects than room, which the invariants do not like.
fn block_unchecked(ms: Moment) {
	later(ms);
	System::reset_events();
	CircuitBreaker::evaluate(now());
	assert_eq!(
		CircuitBreaker::do_try_state(),
		Err("circuit breaker: more subjects are measured than may be raised".into())
	);
}
