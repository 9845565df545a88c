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

/// Kind: a remedy that nobody can stop. Beside a fuse that holds the subject already, guardians and a
/// referendum hold what that fuse leaves open, and neither the level nor its time moves.
#[test]
fn guardians_hold_it_when_the_fuse_has_raised_it_already() {
	ExtBuilder::default().build_and_execute(|| {
		drawn(percent(60));
		let before = state(CHAIN).unwrap();
		assert_eq!(refusal(BTC), None);
		assert_ok!(trip(CHAIN, Level::ReduceOnly));
		assert_eq!(refusal(BTC), Some("SubjectReduceOnly"));
		let after = state(CHAIN).unwrap();
		assert_eq!(
			(after.level, after.since, after.cause),
			(before.level, before.since, before.cause)
		);
		// Once is once, and the pause holds for it too.
		assert_noop!(trip(CHAIN, Level::ReduceOnly), Error::<Test>::NotAbove);
		block(SECOND);
		assert_eq!(refusal(BTC), Some("SubjectReduceOnly"));
		read(CHAIN, Fuse::Drawdown, 0);
		blocks(3 * (DWELL + COOLDOWN), MINUTE);
		assert_eq!(level(CHAIN), Level::Normal);
		drawn(percent(60));
		assert_noop!(trip(CHAIN, Level::ReduceOnly), Error::<Test>::TrippedRecently);
	});
	ExtBuilder::default().build_and_execute(|| {
		drawn(percent(60));
		let by_hand = || CircuitBreaker::status(CHAIN).unwrap().by_hand;
		assert_eq!(by_hand(), Level::Normal);
		for _ in 0..2 {
			assert_ok!(CircuitBreaker::do_set_level(CHAIN, Level::Halted));
		}
		assert_eq!((refusal(BTC), by_hand()), (Some("SubjectHalted"), Level::Halted));
		// It is said, and once.
		let held = Event::HeldByHand {
			subject: CHAIN,
			level: Level::Halted,
		};
		let said = System::events()
			.into_iter()
			.filter(|record| record.event == held.clone().into());
		assert_eq!(said.count(), 1);
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
