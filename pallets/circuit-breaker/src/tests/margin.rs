//! Markets and the lending to margin accounts: subjects like any other, below the chain and beside the branches.

use super::*;

fn held_to(subject: BreakerSubject) -> Level {
	<CircuitBreaker as CircuitBreakerT>::level(subject)
}

mod market {
	use super::*;

	#[test]
	fn is_raised_by_what_was_liquidated_and_recovers() {
		ExtBuilder::default().build_and_execute(|| {
			read(MARKET, Fuse::Liquidated, percent(20) - 1);
			block(SECOND);
			assert!(!Raised::<Test>::exists());
			read(MARKET, Fuse::Liquidated, percent(40));
			block(SECOND);
			let cause = Cause::Fuse(Fuse::Liquidated);
			let event = raised_event(MARKET, Level::Normal, Level::ReduceOnly, cause, Some(percent(40)));
			assert_eq!(events(), vec![event]);
			assert_noop!(
				CircuitBreaker::ensure(MARKET, Action::AddRisk),
				Error::<Test>::SubjectReduceOnly
			);
			assert_ok!(CircuitBreaker::ensure(MARKET, Action::Withdraw));
			// The underlying's branch, another market and the rest are not touched.
			for other in [CHAIN, BTC, ETH, NOBODYS, BTC_MINT, FEES, LENDING] {
				assert_eq!(held_to(other), Level::Normal, "{other:?}");
			}
			// At 70 % of the trigger it holds, below it does not.
			read(MARKET, Fuse::Liquidated, percent(28));
			blocks(DAY, HOUR);
			assert_eq!(level(MARKET), Level::ReduceOnly);
			read(MARKET, Fuse::Liquidated, 0);
			block(SECOND);
			for expected in [Level::Guarded, Level::Normal] {
				block(COOLDOWN - 1);
				assert_eq!(level(MARKET).lower(), expected);
				block(1);
				assert_eq!(level(MARKET), expected);
				assert_eq!(events().len(), 1);
			}
			assert!(!Raised::<Test>::exists());
		});
	}

	#[test]
	fn is_raised_by_its_price_to_halted() {
		ExtBuilder::default().build_and_execute(|| {
			read(MARKET, Fuse::PriceDeviation, percent(25));
			block(SECOND);
			assert_eq!(
				state(MARKET),
				Some(State {
					level: Level::Halted,
					since: START + SECOND,
					cause: Cause::Fuse(Fuse::PriceDeviation),
					calm_since: None,
					by_hand: Level::Normal,
					others: Level::Normal,
				})
			);
			assert_noop!(
				CircuitBreaker::ensure(MARKET, Action::Withdraw),
				Error::<Test>::SubjectHalted
			);
		});
	}

	#[test]
	fn guardians_may_raise() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(trip(MARKET, Level::ReduceOnly));
			assert_eq!(
				events(),
				vec![raised_event(
					MARKET,
					Level::Normal,
					Level::ReduceOnly,
					Cause::Guardian,
					None
				)]
			);
			// A pause of its own, and none for a market nobody measures.
			assert_eq!(CircuitBreaker::trip_from(MARKET), START + TRIP_PAUSE_MS);
			assert_eq!(CircuitBreaker::trip_from(LENDING), 0);
			assert_noop!(trip(NOBODYS, Level::Guarded), Error::<Test>::UnknownSubject);
			begin();
			block(COOLDOWN);
			block(COOLDOWN);
			assert_eq!(level(MARKET), Level::Normal);
			assert_noop!(trip(MARKET, Level::Guarded), Error::<Test>::TrippedRecently);
		});
	}
}

mod lending {
	use super::*;

	#[test]
	fn is_raised_by_its_utilisation_and_recovers() {
		ExtBuilder::default().build_and_execute(|| {
			for (reading, expected) in [
				(percent(50) - 1, Level::Normal),
				(percent(50), Level::Guarded),
				(percent(80) - 1, Level::Guarded),
				(percent(80), Level::ReduceOnly),
				// All of it and more never halts: who borrowed may still pay and leave.
				(percent(100), Level::ReduceOnly),
				(u128::MAX, Level::ReduceOnly),
			] {
				read(LENDING, Fuse::Utilisation, reading);
				block(SECOND);
				assert_eq!(level(LENDING), expected, "{reading}");
			}
			assert_eq!(
				state(LENDING).map(|state| state.cause),
				Some(Cause::Fuse(Fuse::Utilisation))
			);
			assert_noop!(
				CircuitBreaker::ensure(LENDING, Action::AddRisk),
				Error::<Test>::SubjectReduceOnly
			);
			assert_ok!(CircuitBreaker::ensure(LENDING, Action::Deposit));
			for other in [CHAIN, BTC, MARKET, BTC_MINT, FEES] {
				assert_eq!(held_to(other), Level::Normal, "{other:?}");
			}
			read(LENDING, Fuse::Utilisation, percent(30));
			block(SECOND);
			block(COOLDOWN);
			assert_eq!(level(LENDING), Level::Guarded);
			block(COOLDOWN);
			assert!(!Raised::<Test>::exists());
		});
	}

	#[test]
	fn guardians_may_raise() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(trip(LENDING, Level::Halted));
			assert_noop!(
				CircuitBreaker::ensure(LENDING, Action::Withdraw),
				Error::<Test>::SubjectHalted
			);
			begin();
			for expected in [Level::ReduceOnly, Level::Guarded, Level::Normal] {
				block(COOLDOWN);
				assert_eq!(level(LENDING), expected);
			}
			assert_noop!(trip(LENDING, Level::Halted), Error::<Test>::TrippedRecently);
		});
	}

	#[test]
	fn when_nobody_measures_it_can_not_be_raised() {
		ExtBuilder::default().build_and_execute(|| {
			Measured::mutate(|measured| measured.remove(&LENDING));
			assert_noop!(trip(LENDING, Level::Guarded), Error::<Test>::UnknownSubject);
			assert_noop!(set_level(LENDING, Level::Guarded), Error::<Test>::UnknownSubject);
			assert_eq!(CircuitBreaker::status(LENDING), None);
			assert_eq!(held_to(LENDING), Level::Normal);
		});
	}
}

#[test]
fn the_chain_binds_them_and_nothing_else_does() {
	for subject in [MARKET, LENDING] {
		ExtBuilder::default().build_and_execute(|| {
			for other in [BTC, ETH, BTC_MINT, FEES, MARKET, LENDING] {
				if other != subject {
					assert_ok!(set_level(other, Level::Halted));
				}
			}
			assert_eq!(held_to(subject), Level::Normal);
			assert_ok!(set_level(CHAIN, Level::ReduceOnly));
			assert_noop!(
				CircuitBreaker::ensure(subject, Action::AddRisk),
				Error::<Test>::SubjectReduceOnly
			);
			let status = CircuitBreaker::status(subject).unwrap();
			assert_eq!(
				(status.level, status.binding, status.bound_by),
				(Level::Normal, Level::ReduceOnly, CHAIN)
			);
			assert_ok!(set_level(subject, Level::Halted));
			assert_eq!(CircuitBreaker::status(subject).unwrap().bound_by, subject);
			assert_noop!(
				CircuitBreaker::ensure(subject, Action::Deposit),
				Error::<Test>::SubjectHalted
			);
			// Theirs binds nothing above them.
			assert_eq!(held_to(CHAIN), Level::ReduceOnly);
		});
	}
}

#[test]
fn they_show_what_their_fuses_read() {
	ExtBuilder::default().build_and_execute(|| {
		read(LENDING, Fuse::Utilisation, percent(60));
		read(MARKET, Fuse::Liquidated, percent(10));
		block(SECOND);
		let fills = |subject| {
			let status = CircuitBreaker::status(subject).unwrap();
			let fill = |fuse: &crate::FuseStatus| (fuse.fuse, fuse.fill.into_inner());
			(status.level, status.fuses.iter().map(fill).collect::<Vec<_>>())
		};
		// Of the next trigger: 60 of 80, and 10 of 20.
		assert_eq!(
			fills(LENDING),
			(Level::Guarded, vec![(Fuse::Utilisation, percent(75))])
		);
		assert_eq!(
			fills(MARKET),
			(
				Level::Normal,
				vec![(Fuse::PriceDeviation, 0), (Fuse::Liquidated, percent(50))]
			)
		);
	});
}

#[test]
fn all_that_are_measured_have_room_at_once() {
	ExtBuilder::default().build_and_execute(|| {
		let all: Vec<_> = Measured::get().into_keys().collect();
		MaxSubjects::set(all.len() as u32);
		for subject in &all {
			assert_ok!(set_level(*subject, Level::ReduceOnly));
		}
		begin();
		assert_eq!(Raised::<Test>::get().len(), all.len());
		assert!(all.iter().all(|subject| level(*subject) == Level::ReduceOnly));
	});
}
