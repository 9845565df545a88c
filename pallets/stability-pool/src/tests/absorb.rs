use super::*;
use crate::mock::absorb;
use keel_primitives::{IncomeSource, StabilityPool as _};
use std::collections::BTreeMap;

#[test]
fn works() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD)])
		.build_and_execute(|| {
			let issued = Assets::total_supply(KUSD);
			assert_ok!(absorb(ETH, 3 * ONE_ETH, 30 * USD, 2 * USD));
			assert_eq!(
				last_event(),
				Event::Absorbed {
					asset: ETH,
					collateral: 3 * ONE_ETH,
					burn: 30 * USD,
					income: 2 * USD,
					surplus: 0,
					deposits: 68 * USD
				}
			);
			assert_eq!(Assets::total_supply(KUSD), issued - 30 * USD);
			assert_eq!(balance(KUSD, FUND), 2 * USD);
			assert_eq!(Received::get(), vec![(2 * USD, IncomeSource::Penalty)]);
			assert_eq!(balance(KUSD, pool_account()), 68 * USD);
			assert_eq!(balance(ETH, pool_account()), 3 * ONE_ETH);
			assert_eq!(balance(ETH, SELLER), STOCK - 3 * ONE_ETH);
			assert_eq!(capacity(), 68 * USD);
			assert_eq!(stake(ALICE).deposit, 68 * USD);
			assert_eq!(gain(ALICE, ETH), 3 * ONE_ETH);
		});
}

#[test]
fn of_the_whole_capacity_works_by_burn_or_by_income_alone() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD)])
		.build_and_execute(|| {
			assert_ok!(absorb(ETH, 1, capacity(), 0));
			assert_eq!(capacity(), 0);
			assert!(Received::get().is_empty());
			assert_ok!(deposit(BOB, 100 * USD));
			assert_ok!(absorb(ETH, 1, 0, capacity()));
			assert_eq!(capacity(), 0);
			assert_eq!(balance(KUSD, FUND), 100 * USD);
			assert_eq!(StabilityPool::totals().epoch, 2);
		});
}

#[test]
fn when_the_payment_is_nothing_should_share_the_collateral() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD)])
		.build_and_execute(|| {
			assert_ok!(absorb(ETH, 500, 0, 0));
			assert_eq!(stake(ALICE).deposit, 100 * USD);
			assert_eq!(gain(ALICE, ETH), 500);
		});
}

mod fails {
	use super::*;

	#[test]
	fn beyond_capacity() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_noop!(absorb(ETH, 1, 100 * USD, 1), Error::<Test>::CapacityExceeded);
				assert_noop!(absorb(ETH, 1, u128::MAX, 0), Error::<Test>::CapacityExceeded);
				assert_noop!(absorb(ETH, 1, u128::MAX, 1), ArithmeticError::Overflow);
			});
	}

	#[test]
	fn when_nobody_is_in() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(absorb(ETH, 1, 1, 0), Error::<Test>::CapacityExceeded);
			assert_noop!(absorb(ETH, 1, 0, 0), Error::<Test>::PoolEmpty);
		});
	}

	#[test]
	fn for_nothing() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_noop!(absorb(ETH, 0, 1, 0), Error::<Test>::NothingBought);
				assert_noop!(absorb(ETH, 0, 0, 0), Error::<Test>::NothingBought);
			});
	}

	#[test]
	fn for_kusd_or_its_own_collateral() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_noop!(absorb(KUSD, 1, 1, 0), Error::<Test>::NotForSale);
				assert_ok!(absorb(ETH, 10, 1, 0));
				assert_noop!(
					StabilityPool::absorb(&pool_account(), ETH, 10, 1, 0, &OWNER, 0),
					Error::<Test>::NotForSale
				);
			});
	}

	#[test]
	fn when_the_seller_has_too_little() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_noop!(
					StabilityPool::absorb(&BOB, ETH, 1, 1, 1, &OWNER, 0),
					TokenError::FundsUnavailable
				);
				assert_noop!(absorb(ETH, STOCK + 1, 1, 1), ArithmeticError::Underflow);
			});
	}

	#[test]
	fn when_the_fund_refuses() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				FundRefuses::set(true);
				assert_noop!(absorb(ETH, 5, 1, 1), DispatchError::Other("the fund refuses"));
				// Without income the fund isn't asked.
				assert_ok!(absorb(ETH, 5, 1, 0));
			});
	}

	#[test]
	fn when_the_kinds_are_used_up() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				MaxCollaterals::set(2);
				assert_ok!(absorb(ETH, 5, 1, 0));
				assert_ok!(absorb(BTC, 5, 1, 0));
				assert_noop!(absorb(DOT, 5, 1, 0), Error::<Test>::TooManyCollaterals);
				// A kind that was bought can be bought again, also when nothing of it is left.
				assert_ok!(claim_all(ALICE));
				assert_noop!(absorb(DOT, 5, 1, 0), Error::<Test>::TooManyCollaterals);
				assert_ok!(absorb(ETH, 5, 1, 0));
			});
	}

	#[test]
	fn when_a_number_overflows() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_ok!(absorb(ETH, 5, 1, 0));
				let sound = State::<Test>::get();
				State::<Test>::mutate(|pool| {
					pool.collaterals.get_mut(&ETH).unwrap().sum = sp_core::U256::MAX
				});
				assert_noop!(absorb(ETH, 5, 1, 0), ArithmeticError::Overflow);
				State::<Test>::put(sound.clone());
				State::<Test>::mutate(|pool| pool.collaterals.get_mut(&ETH).unwrap().held = u128::MAX);
				assert_noop!(absorb(ETH, 5, 1, 0), ArithmeticError::Overflow);
				State::<Test>::put(sound.clone());
				State::<Test>::mutate(|pool| pool.product.epoch = u64::MAX);
				assert_noop!(absorb(ETH, 5, capacity(), 0), ArithmeticError::Overflow);
				State::<Test>::put(sound);
			});
	}
}

/// All of storage.
fn snapshot() -> BTreeMap<Vec<u8>, Vec<u8>> {
	let (mut all, mut key) = (BTreeMap::new(), Vec::new());
	while let Some(next) = sp_io::storage::next_key(&key) {
		all.insert(next.clone(), sp_io::storage::get(&next).unwrap().to_vec());
		key = next;
	}
	all
}

/// Keys of `pallet` that `action` writes, counting those whose value changes.
fn written(pallets: &[&str], action: impl FnOnce() -> sp_runtime::DispatchResult) -> usize {
	let before = snapshot();
	assert_ok!(action());
	let after = snapshot();
	let mine = |key: &&Vec<u8>| {
		pallets
			.iter()
			.any(|pallet| key.starts_with(&sp_io::hashing::twox_128(pallet.as_bytes())))
	};
	let changed = after
		.iter()
		.filter(|(key, value)| mine(key) && before.get(*key) != Some(value))
		.count();
	changed
		+ before
			.keys()
			.filter(|key| mine(key) && !after.contains_key(*key))
			.count()
}

#[test]
fn writes_one_value_of_its_own_and_two_at_the_end_of_a_scale_or_epoch() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 10_000 * USD)])
		.build_and_execute(|| {
			assert_ok!(absorb(ETH, 5 * ONE_ETH, USD, USD));
			let own = ["StabilityPool"];
			assert_eq!(written(&own, || absorb(ETH, ONE_ETH, USD, USD)), 1);
			assert_eq!(written(&own, || absorb(BTC, ONE_BTC, USD, USD)), 1);
			assert_eq!(written(&own, || absorb(ETH, 1, capacity() - 1, 0)), 2);
			assert_eq!(written(&own, || absorb(ETH, 1, 1, 0)), 2);
			// The supply of kUSD, the pool's and the fund's; the seller's and the pool's collateral. The
			// collateral itself is written as it was.
			assert_ok!(deposit(ALICE, 100 * USD));
			assert_eq!(written(&["Assets"], || absorb(ETH, ONE_ETH, USD, USD)), 5);
		});
}

#[test]
fn when_a_scale_or_an_epoch_ends_should_archive_its_sums() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 1_000_000 * USD)])
		.build_and_execute(|| {
			assert_ok!(absorb(ETH, ONE_ETH, USD, 0));
			assert_eq!(PastSums::<Test>::iter().count(), 0);
			assert_ok!(absorb(BTC, ONE_BTC, capacity() - 1, 0));
			assert_eq!(PastSums::<Test>::get(0, 0).len(), 2);
			assert_eq!(StabilityPool::totals().scale, 1);
			assert!(State::<Test>::get().sums().values().all(|sum| sum.is_zero()));
			assert_ok!(absorb(ETH, ONE_ETH, 1, 0));
			assert!(!PastSums::<Test>::get(0, 1)[&ETH].is_zero());
			assert_eq!(PastSums::<Test>::iter().count(), 2);
			assert_eq!(
				(StabilityPool::totals().epoch, StabilityPool::totals().scale),
				(1, 0)
			);
			// All of it is one depositor's, less what was rounded away.
			assert!(2 * ONE_ETH - gain(ALICE, ETH) <= 2);
			assert!(ONE_BTC - gain(ALICE, BTC) <= 1);
		});
}

#[cfg(feature = "runtime-benchmarks")]
#[test]
fn funding_for_benchmarks_keeps_the_books() {
	ExtBuilder::default().build_and_execute(|| {
		<StabilityPool as keel_primitives::StabilityPool<AccountId>>::fund(5);
		<StabilityPool as keel_primitives::StabilityPool<AccountId>>::fund(7);
		assert_eq!(capacity(), 12);
	});
}

/// What rounding to whole base units cost beyond debt and penalty is the owner's.
#[test]
fn pays_the_surplus_to_the_owner() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD)])
		.build_and_execute(|| {
			let before = balance(KUSD, CAROL);
			assert_ok!(StabilityPool::absorb(
				&SELLER,
				ETH,
				ONE_ETH,
				50 * USD,
				5 * USD,
				&CAROL,
				7 * USD
			));
			assert_eq!(balance(KUSD, CAROL), before + 7 * USD);
			assert_eq!(capacity(), 38 * USD);
			assert_noop!(
				StabilityPool::absorb(&SELLER, ETH, ONE_ETH, 38 * USD, 0, &CAROL, 1),
				Error::<Test>::CapacityExceeded
			);
		});
}

mod a_kind_is_forgotten {
	use super::*;

	fn kinds() -> Vec<u32> {
		State::<Test>::get().collaterals.keys().copied().collect()
	}

	/// The bound is on what is held, not on what ever was: the kind makes room, and comes back without owing
	/// anybody anything.
	#[test]
	fn once_all_of_it_is_claimed_and_the_sums_begin_anew() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				MaxCollaterals::set(2);
				// Numbers that divide without a rest.
				assert_ok!(absorb(ETH, 10, 50 * USD, 0));
				assert_eq!(gain(ALICE, ETH), 10);
				assert_ok!(claim(ALICE, ETH));
				// Snapshots know its sum still.
				assert_eq!(kinds(), vec![ETH]);
				// The pool is emptied: a new epoch, in which nobody has a snapshot.
				assert_ok!(absorb(BTC, 8, capacity(), 0));
				assert_eq!(kinds(), vec![BTC]);
				assert_ok!(deposit(CAROL, 100 * USD));
				assert_ok!(absorb(DOT, 6, 20 * USD, 0));
				assert_noop!(absorb(ETH, 4, 1, 0), Error::<Test>::TooManyCollaterals);
				// A kind of which nothing is left goes with its claim, where its sum is zero.
				assert_eq!(gain(ALICE, BTC), 8);
				assert_ok!(claim(ALICE, BTC));
				assert_eq!(kinds(), vec![DOT]);
				assert_ok!(absorb(ETH, 4, 40 * USD, 0));
				assert_eq!((gain(ALICE, ETH), gain(CAROL, ETH)), (0, 4));
				assert_eq!(gain(CAROL, DOT), 6);
				assert_ok!(claim_all(CAROL));
			});
	}

	#[test]
	fn but_not_while_anybody_is_owed_some_of_it() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 50 * USD), (BOB, 50 * USD)])
			.build_and_execute(|| {
				assert_ok!(absorb(ETH, 10, 50 * USD, 0));
				assert_ok!(claim(ALICE, ETH));
				assert_ok!(absorb(BTC, 8, capacity(), 0));
				assert_eq!(kinds(), vec![BTC, ETH]);
				assert_eq!(gain(BOB, ETH), 5);
				assert_ok!(claim(BOB, ETH));
				assert_eq!(kinds(), vec![BTC]);
				assert_eq!(gain(BOB, BTC), 4);
			});
	}
}
