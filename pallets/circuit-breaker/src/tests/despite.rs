//! What stays open although one fuse holds a subject: the remedy of what that fuse measures.

use super::*;

fn refusal(subject: BreakerSubject) -> Option<&'static str> {
	<CircuitBreaker as CircuitBreakerT>::ensure_despite(subject, Action::Discretionary, Fuse::Drawdown)
		.err()
		.map(Into::into)
}

/// The chain is held by the drawdown alone.
fn drawn(reading: u128) {
	read(CHAIN, Fuse::Drawdown, reading);
	block(SECOND);
}

#[test]
fn the_fuse_named_is_no_obstacle_and_others_are() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(refusal(BTC), None);
		drawn(percent(60));
		assert_eq!(level(CHAIN), Level::Halted);
		assert_eq!(refusal(CHAIN), None);
		assert_eq!(refusal(BTC), None);
		// Whoever does not name it is refused as ever.
		assert!(<CircuitBreaker as CircuitBreakerT>::ensure(BTC, Action::Discretionary).is_err());
		// The branch's own fuse holds it.
		deviate(percent(10));
		block(SECOND);
		assert_eq!(refusal(BTC), Some("SubjectReduceOnly"));
		assert_eq!(refusal(ETH), None);
		deviate(percent(30));
		block(SECOND);
		assert_eq!(refusal(BTC), Some("SubjectHalted"));
	});
}

#[test]
fn what_guardians_or_a_referendum_set_holds_beside_the_fuse() {
	// Before the fuse: remembered, though the fuse is the cause now.
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(trip(CHAIN, Level::ReduceOnly));
		drawn(percent(60));
		assert_eq!(state(CHAIN).unwrap().cause, Cause::Fuse(Fuse::Drawdown));
		assert_eq!(level(CHAIN), Level::Halted);
		assert_eq!(refusal(BTC), Some("SubjectReduceOnly"));
		// It goes down with the level, as it would have alone.
		read(CHAIN, Fuse::Drawdown, 0);
		blocks(3 * (DWELL + COOLDOWN), MINUTE);
		assert_eq!(refusal(BTC), None);
	});
	// After it.
	ExtBuilder::default().build_and_execute(|| {
		drawn(percent(25));
		assert_eq!(refusal(BTC), None);
		assert_ok!(trip(CHAIN, Level::Halted));
		assert_eq!(refusal(BTC), Some("SubjectHalted"));
		block(SECOND);
		assert_eq!(refusal(BTC), Some("SubjectHalted"));
	});
}

#[test]
fn another_fuse_of_the_same_subject_holds_it() {
	ExtBuilder::default().build_and_execute(|| {
		Measured::mutate(|all| {
			all.get_mut(&CHAIN).unwrap().push(Gauge {
				fuse: Fuse::UnexplainedSupply,
				reading: percent(10),
				triggers: DEVIATION,
			})
		});
		drawn(percent(60));
		assert_eq!(level(CHAIN), Level::Halted);
		assert_eq!(refusal(BTC), Some("SubjectReduceOnly"));
		read(CHAIN, Fuse::UnexplainedSupply, 0);
		block(SECOND);
		assert_eq!(refusal(BTC), None);
	});
}
