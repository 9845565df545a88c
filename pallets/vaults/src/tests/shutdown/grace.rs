//! The hour between the lock of the price and the first settlement.

use super::*;

fn all_wait(ids: &[VaultId]) {
	for id in ids {
		for who in [ALICE, PAUPER] {
			assert_noop!(Vaults::settle(signed(&who), *id), Error::<Test>::GracePeriod);
		}
	}
	let root = sp_io::storage::root(sp_runtime::StateVersion::V1);
	idle(Weight::MAX);
	assert_eq!(sp_io::storage::root(sp_runtime::StateVersion::V1), root);
	checked();
}

#[test]
fn lasts_an_hour_to_the_millisecond() {
	ExtBuilder::default().build_and_execute(|| {
		let ids = [(); 3].map(|_| open(&ALICE, BTC_BRANCH, ONE_BTC, 10_000 * USD));
		pass(12_345);
		shut_down();
		assert_eq!(view().settles_in, 3_600_000);
		all_wait(&ids);
		Now::mutate(|now| *now += view().settles_in - 1);
		all_wait(&ids);
		Now::mutate(|now| *now += 1);
		assert_ok!(Vaults::settle(signed(&PAUPER), ids[0]));
		checked();
		settle_all();
		assert_eq!(ids.map(debt), [0; 3]);
	});
}

#[test]
fn lets_owners_save_what_the_lock_would_take() {
	ExtBuilder::default().build_and_execute(|| {
		let ids = [(); 3].map(|_| open(&ALICE, BTC_BRANCH, ONE_BTC, 10_000 * USD));
		// Locked at a fifth of what it is worth.
		move_price(BTC, dollars(10_000));
		shut_down();
		set_price(BTC, dollars(50_000));
		Now::mutate(|now| *now += view().settles_in - 1);
		let before = btc(&ALICE);
		assert_ok!(Vaults::close(signed(&ALICE), ids[0]));
		assert_ok!(Vaults::adjust(
			signed(&ALICE),
			ids[1],
			Decrease(ALL),
			Decrease(ALL)
		));
		assert_eq!(btc(&ALICE), before + 2 * ONE_BTC);
		assert_ok!(Vaults::top_up(signed(&BOB), ids[2], 1));
		assert_ok!(Vaults::repay(signed(&ALICE), ids[2], 9_000 * USD));
		all_wait(&ids[2..]);
		settle_all();
		assert_eq!(settlement().pot, ONE_BTC / 10);
		assert_eq!(MockFund::bad_debt(), 0);
	});
}

#[test]
fn ends_at_once_for_a_branch_where_nobody_owes_any_more() {
	ExtBuilder::default().build_and_execute(|| {
		let ids = [(); 2].map(|_| open(&ALICE, BTC_BRANCH, ONE_BTC, 10_000 * USD));
		shut_down();
		for id in ids {
			assert_eq!(settlement().claims, None);
			assert_ok!(Vaults::repay(signed(&ALICE), id, ALL));
		}
		// Settled ones or none at all: there is nothing to wait for.
		assert_noop!(
			Vaults::settle(signed(&BOB), ids[0]),
			Error::<Test>::NothingChanged
		);
		idle(Weight::MAX);
		checked();
		assert_eq!(settlement().claims, Some(0));
		for id in ids {
			assert_ok!(Vaults::close(signed(&ALICE), id));
		}
		assert_nothing_left();
	});
}

#[test]
fn is_each_branchs_own() {
	ExtBuilder::default().build_and_execute(|| {
		let a = open(&ALICE, BTC_BRANCH, ONE_BTC, 10_000 * USD);
		let b = open(&ALICE, ETH_BRANCH, 10 * ONE_ETH, 10_000 * USD);
		assert_ok!(Vaults::shut_down(RuntimeOrigin::root(), ETH_BRANCH, None));
		Now::mutate(|now| *now += GRACE_MS - 1);
		shut_down();
		Now::mutate(|now| *now += 1);
		// The one that waits comes first in the list, and does not hold up the other.
		idle(Weight::MAX);
		checked();
		assert_eq!((debt(a), debt(b)), (10_000 * USD, 0));
		assert_noop!(Vaults::settle(signed(&BOB), a), Error::<Test>::GracePeriod);
		settle_all();
		assert_eq!(debt(a), 0);
	});
}
