//! Every invariant, broken on purpose.

use super::*;
use crate::{Collateral, DepositOf, PoolStateOf, Progress};
use frame_support::{hypothetically, traits::fungibles::Mutate};
use keel_math::product_sum::{DUST_UNIT, MINIMUM, ONE};
use sp_core::U256;

/// A pool with two depositors, one from a past scale, and gains of two kinds; then `corrupt` it.
fn after(corrupt: impl FnOnce()) -> &'static str {
	let mut message = "";
	ExtBuilder::default()
		.deposits(&[(ALICE, 100_000 * USD), (BOB, 50_000 * USD)])
		.build_and_execute(|| {
			assert_ok!(absorb(BTC, ONE_BTC, 100 * USD, USD));
			assert_ok!(absorb(ETH, ONE_ETH, capacity() - 100, 0));
			assert_ok!(deposit(BOB, 20 * USD));
			assert_ok!(deposit(CAROL, 50 * USD));
			assert_ok!(absorb(ETH, ONE_ETH, 10 * USD, 0));
			assert_ok!(deposit(CAROL, 50 * USD));
			assert_ok!(StabilityPool::do_try_state());
			message = hypothetically!({
				corrupt();
				match StabilityPool::do_try_state() {
					Err(DispatchError::Other(message)) => message,
					other => panic!("the corruption went unnoticed: {other:?}"),
				}
			});
		});
	message
}

fn pool(change: impl FnOnce(&mut PoolStateOf<Test>)) -> impl FnOnce() {
	|| State::<Test>::mutate(change)
}

fn ether(change: impl FnOnce(&mut Collateral)) -> impl FnOnce() {
	pool(|pool| change(pool.collaterals.get_mut(&ETH).unwrap()))
}

fn stake_of(who: AccountId, change: impl FnOnce(&mut DepositOf<Test>)) -> impl FnOnce() {
	move || Deposits::<Test>::mutate(who, |deposit| change(deposit.as_mut().unwrap()))
}

#[test]
fn kusd_held_is_what_is_deposited() {
	const MESSAGE: &str = "the kUSD held is not what is deposited";
	assert_eq!(after(pool(|pool| pool.deposits += 1)), MESSAGE);
	assert_eq!(after(pool(|pool| pool.deposits -= 1)), MESSAGE);
	assert_eq!(
		after(|| {
			Assets::mint_into(KUSD, &pool_account(), 1).unwrap();
		}),
		MESSAGE
	);
}

#[test]
fn the_product_is_in_range() {
	const MESSAGE: &str = "the running product is out of range";
	assert_eq!(after(pool(|pool| pool.product.p = MINIMUM - 1)), MESSAGE);
	assert_eq!(after(pool(|pool| pool.product.p = ONE + 1)), MESSAGE);
}

#[test]
fn collateral_held_is_what_was_bought_less_what_was_claimed() {
	const MESSAGE: &str = "the collateral held is not what was bought less what was claimed";
	assert_eq!(after(ether(|ether| ether.held += 1)), MESSAGE);
	assert_eq!(after(ether(|ether| ether.held -= 1)), MESSAGE);
	assert_eq!(
		after(|| {
			Assets::mint_into(ETH, &pool_account(), 1).unwrap();
		}),
		MESSAGE
	);
}

#[test]
fn past_sums_are_past() {
	const MESSAGE: &str = "past sums of a time that is not over";
	let sums = || State::<Test>::get().sums();
	let now = || State::<Test>::get().product;
	assert_eq!(
		after(|| PastSums::<Test>::insert(now().epoch, now().scale, sums())),
		MESSAGE
	);
	assert_eq!(
		after(|| PastSums::<Test>::insert(now().epoch + 1, 0, sums())),
		MESSAGE
	);
}

#[test]
fn a_stake_is_of_something() {
	let empty = DepositOf::<Test> {
		since: Progress::default(),
		..Default::default()
	};
	assert_eq!(
		after(|| Deposits::<Test>::insert(DAVE, empty)),
		"a stake of nothing"
	);
}

#[test]
fn a_stakes_product_is_in_range() {
	const MESSAGE: &str = "a stake's product is out of range";
	assert_eq!(after(stake_of(ALICE, |stake| stake.since.p = ONE + 1)), MESSAGE);
	assert_eq!(
		after(stake_of(ALICE, |stake| stake.since.p = MINIMUM - 1)),
		MESSAGE
	);
}

#[test]
fn a_stake_is_not_ahead_of_the_pool() {
	const MESSAGE: &str = "a stake is ahead of the pool";
	assert_eq!(after(stake_of(CAROL, |stake| stake.since.p -= 1)), MESSAGE);
	assert_eq!(after(stake_of(CAROL, |stake| stake.since.scale += 1)), MESSAGE);
	assert_eq!(after(stake_of(CAROL, |stake| stake.since.epoch += 1)), MESSAGE);
}

#[test]
fn a_stakes_sum_is_not_ahead_of_the_pools() {
	const MESSAGE: &str = "a stake's sum is ahead of the pool's";
	let ahead = |stake: &mut DepositOf<Test>| stake.sums.try_insert(ETH, U256::MAX).map(drop).unwrap();
	// Of the current scale, and of a past one.
	assert_eq!(after(stake_of(CAROL, ahead)), MESSAGE);
	assert_eq!(after(stake_of(ALICE, ahead)), MESSAGE);
	assert_eq!(after(ether(|ether| ether.sum = U256::zero())), MESSAGE);
}

#[test]
fn gains_are_of_collaterals_that_were_bought() {
	assert_eq!(
		after(stake_of(CAROL, |stake| stake
			.gains
			.try_insert(DOT, 1)
			.map(drop)
			.unwrap())),
		"a gain of a collateral that was never bought"
	);
}

#[test]
fn depositors_do_not_own_more_kusd_than_there_is() {
	assert_eq!(
		after(stake_of(CAROL, |stake| stake.amount += 10)),
		"depositors own more kUSD than the pool holds"
	);
}

#[test]
fn no_more_kusd_is_without_an_owner_than_rounding_explains() {
	const MESSAGE: &str = "more kUSD without an owner than rounding explains";
	assert_eq!(after(stake_of(CAROL, |stake| stake.amount -= 10)), MESSAGE);
	assert_eq!(after(|| Deposits::<Test>::remove(CAROL)), MESSAGE);
	assert_eq!(
		after(|| {
			State::<Test>::mutate(|pool| {
				pool.deposits += 10 * USD;
				pool.dust += DUST_UNIT;
			});
			Assets::mint_into(KUSD, &pool_account(), 10 * USD).unwrap();
		}),
		MESSAGE
	);
}

#[test]
fn depositors_do_not_own_more_collateral_than_there_is() {
	assert_eq!(
		after(stake_of(CAROL, |stake| *stake.gains.get_mut(&ETH).unwrap() += ONE_ETH)),
		"depositors own more collateral than the pool holds"
	);
}

#[test]
fn no_more_collateral_is_without_an_owner_than_rounding_explains() {
	const MESSAGE: &str = "more collateral without an owner than rounding explains";
	assert_eq!(
		after(stake_of(CAROL, |stake| {
			stake.gains.remove(&ETH);
		})),
		MESSAGE
	);
	assert_eq!(after(|| PastSums::<Test>::remove(0, 0)), MESSAGE);
	assert_eq!(
		after(|| {
			State::<Test>::mutate(|pool| pool.collaterals.get_mut(&BTC).unwrap().held += 1_000);
			Assets::mint_into(BTC, &pool_account(), 1_000).unwrap();
		}),
		MESSAGE
	);
}

#[test]
fn nothing_of_nothing_is_on_record() {
	assert_eq!(
		after(pool(|pool| {
			pool.collaterals.try_insert(DOT, Collateral::default()).unwrap();
		})),
		"a collateral of nothing that should be forgotten"
	);
	assert_eq!(
		after(stake_of(BOB, |stake| {
			stake.gains.try_insert(BTC, 0).unwrap();
		})),
		"a stake has a gain of nothing"
	);
}
