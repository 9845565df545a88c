//! Each invariant, broken.

use frame_support::{assert_ok, storage::unhashed};
use keel_math::ladder::TICKS;

use crate::{ladder::Rung, mock::*, *};

/// Break something in a healthy state; the invariant must say so.
fn broken(corrupt: impl FnOnce(), message: &'static str) {
	ExtBuilder::default()
		.accounts()
		.positions([(1, 1, 2_000), (2, 2, 500)])
		.build()
		.execute_with(|| {
			// In two groups, under the number of a vault.
			stale(2, [LONG, COLLATERAL]);
			pass(3);
			assert_ok!(Liquidations::do_try_state());
			corrupt();
			assert_eq!(Liquidations::do_try_state(), Err(message.into()));
		});
}

#[test]
fn key_of_an_unknown_group() {
	broken(
		|| Index::<Test>::insert(b(77), TriggerKey::new(1, 1), 1),
		"Index: a key's group is unknown to the ledger",
	);
}

#[test]
fn position_with_two_keys() {
	broken(
		|| Index::<Test>::insert(b(2), TriggerKey::new(501, 2), 1),
		"Index: a position has two keys in a group",
	);
}

#[test]
fn account_with_two_keys_in_a_group() {
	broken(
		|| Index::<Test>::insert(LONG, TriggerKey::new(501, 2), 0),
		"Index: a position has two keys in a group",
	);
}

#[test]
fn account_with_debt() {
	let message = "Index: a position of a group that is no branch has debt";
	for group in ESTIMATES {
		broken(
			|| Index::<Test>::insert(group, TriggerKey::new(501, 3), 1),
			message,
		);
	}
}

#[test]
fn ladder_of_a_group_that_is_no_branch() {
	let message = "Ladders: a group that is no branch has a ladder";
	for group in ESTIMATES {
		broken(
			|| Ladders::<Test>::insert(group, Ladders::<Test>::get(b(2)).unwrap()),
			message,
		);
	}
}

#[test]
fn key_of_the_wrong_length() {
	let key = Index::<Test>::hashed_key_for(b(1), TriggerKey::new(1, 9));
	let (longer, shorter) = ([&key[..], &[0]].concat(), key[..key.len() - 1].to_vec());
	broken(
		move || unhashed::put_raw(&longer, &[]),
		"Index: a key is malformed",
	);
	broken(
		move || unhashed::put_raw(&shorter, &[]),
		"Index: a key is malformed",
	);
}

#[test]
fn debt_of_the_wrong_length() {
	let key = Index::<Test>::hashed_key_for(b(2), TriggerKey::new(500, 2));
	let longer = key.clone();
	broken(
		move || unhashed::put_raw(&key, &[1; 15]),
		"Index: a debt is malformed",
	);
	broken(
		move || unhashed::put_raw(&longer, &[1; 17]),
		"Index: a debt is malformed",
	);
}

#[test]
fn position_without_debt() {
	broken(
		|| Index::<Test>::insert(b(2), TriggerKey::new(500, 2), 0),
		"Index: a position has no debt",
	);
}

#[test]
fn debt_beyond_its_type() {
	broken(
		|| Index::<Test>::insert(b(2), TriggerKey::new(500, 3), u128::MAX),
		"Index: the debt of a tick overflows",
	);
}

/// Change the ladder of group 2, whose one position has its debt on the tick of 500.
fn mutate_ladder(mutate: impl FnOnce(&mut Vec<Rung>)) {
	Ladders::<Test>::mutate(b(2), |ladder| {
		let mut rungs = ladder.take().unwrap().rungs().to_vec();
		mutate(&mut rungs);
		*ladder = Some(Ladder(rungs.try_into().unwrap()));
	});
}

#[test]
fn ladder_under_a_key_of_the_wrong_length() {
	let key = [&Ladders::<Test>::hashed_key_for(b(2))[..], &[0]].concat();
	broken(
		move || unhashed::put_raw(&key, &[]),
		"Ladders: a key is malformed",
	);
}

#[test]
fn ladder_that_does_not_decode() {
	use codec::Encode;
	let longer = (
		Ladders::<Test>::hashed_key_for(b(2)),
		[&vec![Rung { tick: 500, debt: 1 }].encode()[..], &[0]].concat(),
	);
	broken(
		|| unhashed::put_raw(&Ladders::<Test>::hashed_key_for(b(2)), &[4, 1]),
		"Ladders: a ladder does not decode",
	);
	broken(
		move || unhashed::put_raw(&longer.0, &longer.1),
		"Ladders: a ladder does not decode",
	);
}

#[test]
fn ladder_beyond_its_bound() {
	use codec::Encode;
	let rungs = vec![Rung { tick: 1, debt: 1 }; TICKS as usize + 1].encode();
	broken(
		move || unhashed::put_raw(&Ladders::<Test>::hashed_key_for(b(2)), &rungs),
		"Ladders: a ladder does not decode",
	);
}

#[test]
fn ladder_that_is_empty() {
	broken(|| mutate_ladder(Vec::clear), "Ladders: a ladder is empty");
	broken(
		|| Ladders::<Test>::insert(b(3), Ladder::default()),
		"Ladders: a ladder is empty",
	);
}

#[test]
fn ladder_of_a_group_without_positions() {
	broken(
		|| Ladders::<Test>::insert(b(3), Ladders::<Test>::get(b(2)).unwrap()),
		"Ladders: a group without positions has a ladder",
	);
}

#[test]
fn positions_without_a_ladder() {
	broken(
		|| Ladders::<Test>::remove(b(2)),
		"Ladders: a group with positions has no ladder",
	);
}

#[test]
fn ladder_out_of_order() {
	let rung = |tick| Rung { tick, debt: 1 };
	broken(
		move || mutate_ladder(|rungs| rungs.push(rung(1))),
		"Ladders: ticks are out of order",
	);
	broken(
		|| mutate_ladder(|rungs| rungs.push(rungs[0])),
		"Ladders: ticks are out of order",
	);
}

#[test]
fn tick_without_debt() {
	broken(
		|| mutate_ladder(|rungs| rungs.insert(0, Rung { tick: 1, debt: 0 })),
		"Ladders: a tick is empty",
	);
	broken(
		|| mutate_ladder(|rungs| rungs[0].debt = 0),
		"Ladders: a tick is empty",
	);
}

#[test]
fn tick_that_is_not_the_sum_of_its_positions() {
	let message = "Ladders: a tick's debt is not the sum of its positions'";
	broken(|| mutate_ladder(|rungs| rungs[0].debt += 1), message);
	broken(|| mutate_ladder(|rungs| rungs[0].debt -= 1), message);
	broken(|| mutate_ladder(|rungs| rungs[0].tick += 1), message);
	// A tick too many, and one too few.
	broken(
		|| mutate_ladder(|rungs| rungs.insert(0, Rung { tick: 1, debt: 1 })),
		message,
	);
	broken(
		|| {
			set(2, 7, 5_000);
			mutate_ladder(|rungs| rungs.truncate(1));
		},
		message,
	);
	// The other side: a position whose debt is not what was reported.
	broken(
		|| Index::<Test>::insert(b(2), TriggerKey::new(500, 2), DEBT - 1),
		message,
	);
}

#[test]
fn rings_that_do_not_decode() {
	broken(
		|| unhashed::put_raw(&Thresholds::<Test>::hashed_key(), &[1, 2, 3]),
		"Thresholds: the rings do not decode",
	);
}

#[test]
fn ring_beyond_its_bound() {
	use codec::{DecodeAll, Encode};
	let rings = vec![(b(1), vec![5u128; RING as usize + 1], None::<TriggerKey>)];
	// Of one less it would be right.
	let fits = vec![(b(1), vec![5u128; RING as usize], None::<TriggerKey>)];
	assert!(HistoryOf::<Test>::decode_all(&mut &(1u64, fits).encode()[..]).is_ok());
	let history = (1u64, rings).encode();
	broken(
		move || unhashed::put_raw(&Thresholds::<Test>::hashed_key(), &history),
		"Thresholds: the rings do not decode",
	);
}

fn mutate_rings(mutate: impl FnOnce(&mut HistoryOf<Test>)) {
	Thresholds::<Test>::mutate(|history| mutate(history.as_mut().unwrap()));
}

#[test]
fn ring_that_is_empty() {
	broken(
		|| mutate_rings(|history| history.rings[0].thresholds = Default::default()),
		"Thresholds: a ring is empty",
	);
}

#[test]
fn ring_of_an_unknown_group() {
	broken(
		|| mutate_rings(|history| history.rings[0].group = b(77)),
		"Thresholds: a ring's group is unknown to the ledger",
	);
}

#[test]
fn two_rings_of_a_group() {
	broken(
		|| mutate_rings(|history| history.rings[0].group = history.rings[1].group),
		"Thresholds: a group has two rings",
	);
}

#[test]
fn thresholds_from_the_future() {
	broken(
		|| mutate_rings(|history| history.at = 99),
		"Thresholds: observed in a block that has not been",
	);
}

#[test]
fn count_from_the_future() {
	broken(
		|| LiquidatedInBlock::<Test>::put((99, 1)),
		"LiquidatedInBlock: a block that has not been",
	);
}

#[test]
fn count_of_nothing() {
	broken(
		|| LiquidatedInBlock::<Test>::put((1, 0)),
		"LiquidatedInBlock: a count of nothing",
	);
}
