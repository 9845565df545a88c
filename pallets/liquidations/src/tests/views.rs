//! What a user is shown.

use frame_support::assert_ok;
use frame_system::RawOrigin;
use keel_primitives::Entry;
use sp_runtime::{DispatchError, FixedU128};

use crate::{mock::*, *};

#[test]
fn unsafe_positions_are_listed_worst_first() {
	let given = [(1, 1, 1_500), (1, 2, 3_000), (1, 3, 1_000), (1, 4, 1_500)];
	ExtBuilder::default().positions(given).build_and_execute(|| {
		TooFresh::set([(b(1), 4)].into());
		let position = |position, trigger, deficit| UnsafePosition {
			position,
			trigger,
			deficit,
		};
		let all = vec![
			position(2, 3_000, Some(2_000)),
			position(1, 1_500, Some(500)),
			position(4, 1_500, None),
		];
		assert_eq!(Liquidations::unsafe_positions(b(1), 10), all.clone());
		assert_eq!(Liquidations::unsafe_positions(b(1), 2), all[..2].to_vec());
		assert_eq!(Liquidations::unsafe_positions(b(1), 0), vec![]);
		assert_eq!(Liquidations::unsafe_positions(b(2), 10), vec![]);
	});
}

#[test]
fn unsafe_positions_are_bounded() {
	ExtBuilder::default()
		.positions((0..1_100).map(|i| (1, i, 2_000)))
		.build_and_execute(|| {
			assert_eq!(
				Liquidations::unsafe_positions(b(1), u32::MAX).len(),
				MAX_LISTED as usize
			);
		});
}

#[test]
fn a_listed_deficit_is_what_a_liquidation_takes() {
	ExtBuilder::default()
		.positions([(1, 1, 1_700)])
		.build_and_execute(|| {
			let quoted = Liquidations::unsafe_positions(b(1), 1)[0].deficit.unwrap();
			assert_ok!(Liquidations::liquidate(RawOrigin::Authorized.into(), b(1), 1));
			let taken = System::events()
				.into_iter()
				.find_map(|record| match record.event {
					RuntimeEvent::Liquidations(Event::Liquidated { outcome, .. }) => Some(outcome.debt),
					_ => None,
				});
			assert_eq!(taken, Some(quoted));
		});
}

#[test]
fn a_refused_price_is_an_error_and_nobody_is_listed() {
	ExtBuilder::default()
		.positions([(1, 1, 1_700)])
		.build_and_execute(|| {
			assert_eq!(Liquidations::threshold(b(1)), Ok(1_000));
			refuse(1);
			assert_eq!(Liquidations::threshold(b(1)), Err(PRICE_REFUSED_ERROR));
			assert_eq!(Liquidations::unsafe_positions(b(1), 10), vec![]);
			assert_eq!(Liquidations::threshold(b(9)), Err(DispatchError::CannotLookup));
		});
}

#[test]
fn the_debt_profile_tells_how_much_hangs_where() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(Liquidations::debt_profile(b(1)), vec![]);
		// 1,000 and 1,003 share a tick of 4, 1,004 is in the next.
		for (position, trigger, debt) in [(1, 1_003, 5), (2, 1_000, 7), (3, 1_004, 11), (4, 9, 13)] {
			set_entry(1, position, Entry { trigger, debt });
		}
		set_entry(
			2,
			1,
			Entry {
				trigger: u128::MAX,
				debt: 1,
			},
		);
		assert_eq!(
			Liquidations::debt_profile(b(1)),
			vec![(9, 13), (1_000, 12), (1_004, 11)]
		);
		assert_eq!(Liquidations::debt_profile(b(2)), vec![(255 << 120, 1)]);
		(1..5).for_each(|position| unset(1, position));
		assert_eq!(Liquidations::debt_profile(b(1)), vec![]);
	});
}

#[test]
fn the_next_one_comes_with_its_distance() {
	ExtBuilder::default()
		.positions([(1, 5, 900), (1, 6, 800)])
		.build_and_execute(|| {
			let next = |ratio: Option<FixedU128>| {
				Some(NextToLiquidate {
					position: 5,
					trigger: 900,
					ratio,
				})
			};
			assert_eq!(
				Liquidations::next_to_liquidate(b(1)),
				next(Some(FixedU128::from_rational(9, 10)))
			);
			// At nine tenths of the price it stands at its limit; a bit below it is unsafe.
			set_threshold(1, 900);
			assert_eq!(Liquidations::next_to_liquidate(b(1)), next(Some(1.into())));
			assert_eq!(Liquidations::unsafe_positions(b(1), 1), vec![]);
			set_threshold(1, 899);
			assert_eq!(Liquidations::unsafe_positions(b(1), 1).len(), 1);
			// Without a price, or at none, the position is still the next.
			set_threshold(1, 0);
			assert_eq!(Liquidations::next_to_liquidate(b(1)), next(None));
			refuse(1);
			assert_eq!(Liquidations::next_to_liquidate(b(1)), next(None));
			assert_eq!(Liquidations::next_to_liquidate(b(2)), None);
		});
}

#[test]
fn crossed_accounts_are_listed_and_only_the_unsafe_have_a_deficit() {
	ExtBuilder::default().accounts().build_and_execute(|| {
		stale(1, [LONG]);
		broke(2, [LONG, COLLATERAL]);
		let found = Liquidations::unsafe_positions(LONG, 10);
		let found = found
			.into_iter()
			.map(|position| (position.position, position.deficit.is_some()))
			.collect::<Vec<_>>();
		assert_eq!(found, vec![(1, false), (2, true)]);
		assert_eq!(Liquidations::unsafe_positions(COLLATERAL, 10)[0].position, 2);
		assert_eq!(Liquidations::unsafe_positions(SHORT, 10), vec![]);
		assert_eq!(Liquidations::debt_profile(LONG), vec![]);
	});
}

#[test]
fn the_next_account_comes_with_its_distance_whichever_way_it_loses() {
	ExtBuilder::default().accounts().build_and_execute(|| {
		System::set_block_number(900);
		// What is unsafe here nobody asks about.
		(1..4).for_each(|id| stale(id, []));
		misplace(LONG, 1, 900);
		misplace(SHORT, 2, !1_250);
		misplace(DEADLINE, 3, !1_000);
		let ratio = |group| {
			let next = Liquidations::next_to_liquidate(group).unwrap();
			(next.position, next.ratio.unwrap())
		};
		let tenths = |tenths| FixedU128::from_rational(tenths, 10);
		assert_eq!(ratio(LONG), (1, tenths(9)));
		// At today's price over 0.8.
		assert_eq!(ratio(SHORT), (2, tenths(8)));
		assert_eq!(ratio(DEADLINE), (3, tenths(9)));
		// Above 1 exactly where the trigger is crossed.
		set_price(LONG, 900);
		assert_eq!(ratio(LONG), (1, tenths(10)));
		set_price(LONG, 1_250);
		assert_eq!(ratio(SHORT), (2, tenths(10)));
		System::set_block_number(1_000);
		assert_eq!(ratio(DEADLINE), (3, tenths(10)));
		for group in [LONG, SHORT, DEADLINE] {
			assert_eq!(Liquidations::unsafe_positions(group, 1), vec![]);
		}
		set_price(LONG, 899);
		assert!(ratio(LONG).1 > tenths(10));
		assert_eq!(Liquidations::unsafe_positions(LONG, 1).len(), 1);
		set_price(LONG, 1_251);
		System::set_block_number(1_001);
		for group in [SHORT, DEADLINE] {
			assert!(ratio(group).1 > tenths(10));
			assert_eq!(Liquidations::unsafe_positions(group, 1).len(), 1);
		}
		refuse(SHORT);
		assert_eq!(Liquidations::next_to_liquidate(SHORT).unwrap().ratio, None);
		(1..4)
			.zip([LONG, SHORT, DEADLINE])
			.for_each(|(id, group)| unset(group, id));
	});
}
