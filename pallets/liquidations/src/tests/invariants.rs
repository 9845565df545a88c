//! Each invariant, broken.

use frame_support::{assert_ok, storage::unhashed};

use crate::{mock::*, *};

/// Break something in a healthy state; the invariant must say so.
fn broken(corrupt: impl FnOnce(), message: &'static str) {
	ExtBuilder::default()
		.positions([(1, 1, 2_000), (2, 2, 500)])
		.build()
		.execute_with(|| {
			pass(3);
			assert_ok!(Liquidations::do_try_state());
			corrupt();
			assert_eq!(Liquidations::do_try_state(), Err(message.into()));
		});
}

#[test]
fn key_of_an_unknown_group() {
	broken(
		|| Index::<Test>::insert(77, TriggerKey::new(1, 1), ()),
		"Index: a key's group is unknown to the ledger",
	);
}

#[test]
fn position_with_two_keys() {
	broken(
		|| Index::<Test>::insert(2, TriggerKey::new(501, 2), ()),
		"Index: a position has two keys",
	);
}

#[test]
fn key_of_the_wrong_length() {
	let key = Index::<Test>::hashed_key_for(1, TriggerKey::new(1, 9));
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
fn rings_that_do_not_decode() {
	broken(
		|| unhashed::put_raw(&Thresholds::<Test>::hashed_key(), &[1, 2, 3]),
		"Thresholds: the rings do not decode",
	);
}

#[test]
fn ring_beyond_its_bound() {
	use codec::Encode;
	let rings = vec![(1u32, vec![5u128; RING as usize + 1], None::<TriggerKey>)];
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
		|| mutate_rings(|history| history.rings[0].group = 77),
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
