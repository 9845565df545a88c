//! Spells end by themselves, and no holder keeps a power for more than a quarter of the time.

use frame_support::{assert_noop, assert_ok, storage::with_storage_layer, traits::EnsureOrigin};
use proptest::prelude::*;
use sp_runtime::{BoundedVec, DispatchError};

use crate::{mock::*, Error, Event, Power, Spell, Spells, Spends, Subject, Suspended};
use Subject::{Feed, Member, Operator};

type Pauses = Spends<Test, Committee, Calls>;

fn pause(who: u64) -> Result<u64, RuntimeOrigin> {
	Pauses::try_origin(RuntimeOrigin::signed(who))
}

fn ready_at(power: Power) -> u64 {
	let view = Emergency::powers().into_iter().find(|view| view.power == power);
	view.expect("every power is shown").ready_at
}

#[test]
fn a_spell_ends_by_itself_and_the_power_rests() {
	build_and_execute(|| {
		assert_ok!(suspend(HALF, Operator(7)));
		assert_eq!(stopped(), [Operator(7)]);
		System::assert_has_event(
			Event::SpellSet {
				power: Power::Prices,
				since: 1,
				until: 101,
			}
			.into(),
		);
		to(100);
		assert_eq!(stopped(), [Operator(7)]);
		to(101);
		assert_eq!(stopped(), []);
		System::assert_last_event(
			Event::SpellEnded {
				power: Power::Prices,
				ready_at: 401,
			}
			.into(),
		);
		assert_eq!(ready_at(Power::Prices), 401);
		to(400);
		assert_noop!(suspend(HALF, Operator(8)), Error::<Test>::PowerResting);
		assert_noop!(suspend(TWO_THIRDS, Feed(1)), Error::<Test>::PowerResting);
		// Another power is another spell.
		assert_ok!(suspend(HALF, Member(3)));
		to(401);
		assert_ok!(suspend(HALF, Operator(8)));
	});
}

#[test]
fn what_joins_a_spell_ends_with_it() {
	build_and_execute(|| {
		assert_ok!(suspend(HALF, Operator(1)));
		to(90);
		assert_ok!(suspend(HALF, Operator(2)));
		assert_ok!(suspend(HALF, Feed(2)));
		assert_noop!(suspend(HALF, Feed(2)), Error::<Test>::AlreadySuspended);
		to(101);
		assert_eq!(stopped(), []);
	});
}

#[test]
fn a_stricter_origin_lengthens_the_spell_from_its_beginning() {
	build_and_execute(|| {
		assert_ok!(suspend(HALF, Operator(1)));
		to(50);
		assert_ok!(suspend(TWO_THIRDS, Operator(1)));
		assert_noop!(suspend(TWO_THIRDS, Operator(1)), Error::<Test>::AlreadySuspended);
		// Not shortened by a weaker one.
		assert_ok!(suspend(HALF, Feed(1)));
		to(400);
		assert_eq!(stopped(), [Operator(1), Feed(1)]);
		to(401);
		assert_eq!(stopped(), []);
		assert_eq!(ready_at(Power::Prices), 1_601);
	});
}

#[test]
fn resuming_the_last_one_ends_the_spell_and_shortens_the_rest() {
	build_and_execute(|| {
		assert_ok!(suspend(HALF, Operator(1)));
		assert_ok!(suspend(HALF, Operator(2)));
		to(11);
		assert_ok!(resume(REFERENDUM, Operator(1)));
		assert_noop!(resume(REFERENDUM, Operator(1)), Error::<Test>::NotSuspended);
		assert_eq!(stopped(), [Operator(2)]);
		assert_ok!(resume(REFERENDUM, Operator(2)));
		assert_eq!(ready_at(Power::Prices), 41);
		to(40);
		assert_noop!(suspend(HALF, Operator(1)), Error::<Test>::PowerResting);
		to(41);
		assert_ok!(suspend(HALF, Operator(1)));
	});
}

#[test]
fn stopping_and_resuming_within_a_block_counts_as_one() {
	build_and_execute(|| {
		assert_ok!(suspend(HALF, Operator(1)));
		assert_ok!(resume(HALF, Operator(1)));
		assert_noop!(suspend(HALF, Operator(1)), Error::<Test>::PowerResting);
		assert_eq!(ready_at(Power::Prices), 5);
	});
}

#[test]
fn who_may_and_what_there_is() {
	build_and_execute(|| {
		assert_noop!(suspend(REFERENDUM, Operator(1)), DispatchError::BadOrigin);
		assert_noop!(suspend(9, Operator(1)), DispatchError::BadOrigin);
		assert_noop!(resume(9, Operator(1)), DispatchError::BadOrigin);
		// An error begins no spell.
		assert_noop!(
			with_storage_layer(|| suspend(HALF, Operator(100))),
			Error::<Test>::UnknownSubject
		);
		for id in 0..8 {
			assert_ok!(suspend(HALF, Operator(id)));
		}
		assert_noop!(
			with_storage_layer(|| suspend(HALF, Member(1))),
			Error::<Test>::TooManySuspended
		);
	});
}

#[test]
fn a_power_other_pallets_keep_is_spent_by_its_origin_and_released_in_steps() {
	build_and_execute(|| {
		assert!(pause(9).is_err());
		assert_eq!(pause(HALF).unwrap(), SHORT);
		PAUSED.with_borrow_mut(|paused| *paused = 5);
		to(50);
		// More calls within the spell.
		assert!(pause(HALF).is_ok());
		to(102);
		assert_eq!(PAUSED.with_borrow(|paused| *paused), 1);
		// Not while what was stopped goes on.
		assert!(pause(HALF).is_err());
		to(103);
		assert_eq!(PAUSED.with_borrow(|paused| *paused), 0);
		assert_eq!(ready_at(Power::Calls), 401);
		to(400);
		assert!(pause(TWO_THIRDS).is_err());
		to(401);
		assert!(pause(HALF).is_ok());
		// What ended without this pallet's hook.
		to(411);
		Emergency::end(Power::Calls);
		assert_eq!(ready_at(Power::Calls), 441);
	});
}

mod corruption {
	use super::*;

	fn corrupted(corrupt: impl FnOnce(), message: &'static str) {
		new_test_ext().execute_with(|| {
			assert_ok!(suspend(HALF, Operator(1)));
			Emergency::do_try_state().unwrap();
			corrupt();
			assert_eq!(Emergency::do_try_state(), Err(message.into()));
		});
	}

	fn put(since: u64, until: u64, open: bool) {
		Spells::<Test>::mutate(|spells| {
			let _ = spells.try_insert(Power::Prices, Spell { since, until, open });
		});
	}

	#[test]
	fn is_seen() {
		corrupted(|| put(5, 5, true), "emergency: a spell has no length");
		corrupted(|| put(5, 9, true), "emergency: a spell began in the future");
		corrupted(
			|| put(1, 9, false),
			"emergency: a subject is suspended without a spell",
		);
		corrupted(
			|| Suspended::<Test>::put(BoundedVec::truncate_from(vec![Operator(1), Operator(1)])),
			"emergency: a subject is suspended twice",
		);
	}
}

proptest! {
	/// Kind: a power for emergencies that its holders use all the time. Rogue holders do whatever they can,
	/// whenever they like, for ten of the longest spells: nothing is stopped for more than a quarter of the
	/// time and one spell.
	#[test]
	fn rogue_holders_stop_nothing_for_more_than_a_quarter_of_the_time(
		acts in prop::collection::vec((0u64..30, 0u8..5, 1u64..3, 0u64..3), 1..400)
	) {
		new_test_ext().execute_with(|| {
			let mut held = 0;
			let begin = System::block_number();
			let mut acts = acts.iter().cycle();
			while System::block_number() < begin + 10 * LONG {
				let (wait, act, who, id) = acts.next().expect("it is a cycle");
				let target = System::block_number() + wait;
				match act {
					0 => drop(with_storage_layer(|| suspend(*who, Operator(*id)))),
					1 => drop(with_storage_layer(|| suspend(*who, Feed(*id as u32)))),
					2 => drop(with_storage_layer(|| resume(*who, Operator(*id)))),
					3 => drop(with_storage_layer(|| resume(*who, Feed(*id as u32)))),
					// All at once.
					_ => for id in 0..3 {
						let _ = with_storage_layer(|| suspend(*who, Operator(id)));
					}
				}
				while System::block_number() < target {
					held += u64::from(!stopped().is_empty());
					to(System::block_number() + 1);
				}
				prop_assert_eq!(stopped().len(), Suspended::<Test>::get().len());
				let passed = System::block_number() - begin;
				prop_assert!(held <= passed / 4 + LONG, "{held} of {passed} blocks");
			}
			Ok(())
		})?;
	}
}
