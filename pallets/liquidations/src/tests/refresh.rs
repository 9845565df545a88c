//! Accounts that are looked at again, because a trigger of theirs is crossed.

use std::collections::{BTreeMap, BTreeSet};

use frame_support::weights::Weight;
use keel_primitives::{Group, TriggerIndex};
use proptest::prelude::*;

use crate::{mock::*, *};

/// What observing all groups weighs.
fn base() -> Weight {
	let groups = Groups::get().len() as u64;
	<() as WeightInfo>::on_idle_base()
		.saturating_add(<() as WeightInfo>::observe_group().saturating_mul(groups - 1))
}

/// Looks of a block by group.
fn looks_by_group() -> BTreeMap<Group, usize> {
	let mut all = BTreeMap::new();
	for (group, ..) in Looks::take() {
		*all.entry(group).or_default() += 1;
	}
	all
}

mod look {
	use super::*;

	#[test]
	fn moves_the_triggers_of_who_is_safe() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			stale(1, [LONG]);
			let account = Accounts::get()[&1];
			idle();
			assert_eq!(Looks::get(), vec![(LONG, 1, true)]);
			// 2,600 to lose with a size of one: never.
			assert_eq!(index_of(LONG), vec![(0, 1)]);
			assert_eq!(Accounts::get()[&1], account);
			assert_eq!(Liquidated::get(), vec![]);
			assert_eq!(System::events(), vec![]);
		});
	}

	#[test]
	fn leaves_who_is_unsafe_and_undoes_what_was_begun() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			broke(1, [LONG]);
			let before = index_of(LONG);
			idle();
			assert_eq!(Looks::get(), vec![(LONG, 1, false)]);
			assert_eq!(index_of(LONG), before);
			assert_eq!(sp_io::storage::get(LITTER), None);
			assert_eq!(System::events(), vec![]);
		});
	}

	#[test]
	fn is_for_what_is_crossed_now_and_no_other() {
		ExtBuilder::default()
			.accounts()
			.positions([(1, 1, 2_000)])
			.build_and_execute(|| {
				// A long of one with 200 to lose: its trigger is at 800.
				let account = Account {
					cash: -800,
					size: 1,
					..Default::default()
				};
				set_account(1, Some(account));
				assert_eq!(index_of(LONG), vec![(800, 1)]);
				for price in [900, 800] {
					set_price(LONG, price);
					pass(1);
					assert_eq!(Looks::get(), vec![]);
				}
				// Below, even if it was not so in the blocks before.
				set_account(1, Some(Account { cash: 0, ..account }));
				misplace(LONG, 1, 800);
				set_price(LONG, 799);
				pass(1);
				assert_eq!(Looks::take(), vec![(LONG, 1, true)]);
				assert_eq!(index_of(LONG), vec![(0, 1)]);
				pass(3);
				assert_eq!(Looks::get(), vec![]);
				// The vault never was looked at.
				assert_eq!(Liquidated::get(), vec![(b(1), 1)]);
			});
	}

	#[test]
	fn follows_a_price_that_rises_against_a_short() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			// A short of two with 200 to lose.
			let account = Account {
				cash: 2_200,
				size: -2,
				..Default::default()
			};
			set_account(1, Some(account));
			assert_eq!(index_of(SHORT), vec![(!1_100, 1)]);
			set_price(LONG, 1_100);
			pass(1);
			assert_eq!(Looks::get(), vec![]);
			// Funding came in, so that it is safe beyond its trigger.
			Accounts::mutate(|accounts| accounts.get_mut(&1).unwrap().cash += 100);
			set_price(LONG, 1_101);
			pass(1);
			assert_eq!(Looks::get(), vec![(SHORT, 1, true)]);
			// 98 to lose: 49 each.
			assert_eq!(index_of(SHORT), vec![(!1_150, 1)]);
		});
	}

	#[test]
	fn comes_when_a_deadline_is_over() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			// 400 to lose, a quarter of it for time, 10 a block: until block 11.
			let account = Account {
				cash: 400,
				drift: 10,
				since: 1,
				..Default::default()
			};
			set_account(1, Some(account));
			assert_eq!(index_of(DEADLINE), vec![(!11, 1)]);
			pass(11);
			assert_eq!((System::block_number(), Looks::get()), (12, vec![]));
			pass(1);
			assert_eq!(Looks::take(), vec![(DEADLINE, 1, true)]);
			// 290 to lose: 7 blocks more.
			assert_eq!(index_of(DEADLINE), vec![(!19, 1)]);
			pass(7);
			assert_eq!(Looks::get(), vec![]);
			pass(1);
			assert_eq!(Looks::take(), vec![(DEADLINE, 1, true)]);
			// In the end nothing is left, and the looks end with a liquidation.
			Closing::set(true);
			pass(40);
			assert_eq!(Liquidated::get(), vec![(DEADLINE, 1)]);
		});
	}

	#[test]
	fn comes_once_to_an_account_that_is_crossed_in_several_groups() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			stale(1, [LONG, COLLATERAL, DEADLINE]);
			broke(2, [LONG, COLLATERAL, DEADLINE]);
			stale(3, [SHORT]);
			for block in 0..2 {
				idle();
				let mut looks = Looks::take();
				looks.sort_by_key(|(_, id, _)| *id);
				let ids = looks.iter().map(|(_, id, safe)| (*id, *safe)).collect::<Vec<_>>();
				let expected = vec![(1, true), (2, false), (3, true)];
				assert_eq!(ids, if block == 0 { expected } else { vec![(2, false)] });
				next_block();
			}
			for group in [LONG, COLLATERAL, DEADLINE] {
				assert_eq!(Liquidations::first(group, 1), vec![2]);
				assert_eq!(Liquidations::unsafe_positions(group, 9).len(), 1);
			}
		});
	}

	/// The ledger moved the key of another account on the way: nothing is left to look at there.
	#[test]
	fn does_not_come_to_a_key_that_is_gone() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			(0..3).for_each(|id| stale(id, [LONG]));
			Helped::set(Some((0, 1)));
			idle();
			assert_eq!(refreshed(), vec![0, 2]);
			assert_eq!(index_of(LONG), vec![(0, 0), (0, 1), (0, 2)]);
		});
	}

	#[test]
	fn is_worst_first() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			(0..5).for_each(|id| stale(id, [LONG]));
			set_looks(3);
			idle();
			assert_eq!(refreshed(), vec![0, 1, 2]);
		});
	}

	#[test]
	fn does_not_come_on_a_refused_price() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			stale(1, [LONG]);
			stale(2, [COLLATERAL]);
			refuse(LONG);
			pass(3);
			assert_eq!(Looks::take(), vec![(COLLATERAL, 2, true)]);
			Refused::set(Default::default());
			pass(1);
			assert_eq!(Looks::take(), vec![(LONG, 1, true)]);
		});
	}
}

mod limit {
	use super::*;

	#[test]
	fn is_of_all_groups_together() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			(0..120).for_each(|id| stale(id, [ESTIMATES[id as usize % 4]]));
			set_looks(7);
			for _ in 0..17 {
				idle();
				assert_eq!(refreshed().len(), 7);
				next_block();
			}
			idle();
			assert_eq!(refreshed().len(), 1);
			for group in ESTIMATES {
				assert_eq!(Liquidations::unsafe_positions(group, 9), vec![]);
			}
		});
	}

	#[test]
	fn of_zero_is_none() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			set_looks(0);
			stale(1, [LONG]);
			pass(2);
			assert_eq!(Looks::get(), vec![]);
		});
	}

	#[test]
	fn is_shared_evenly() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			(0..40).for_each(|id| stale(id, [ESTIMATES[id as usize % 4]]));
			set_looks(8);
			idle();
			assert_eq!(looks_by_group(), ESTIMATES.map(|group| (group, 2)).into());
		});
	}

	#[test]
	fn that_one_does_not_need_is_for_the_others() {
		for few in ESTIMATES {
			ExtBuilder::default().accounts().build_and_execute(|| {
				let many = if few == LONG { SHORT } else { LONG };
				(0..20).for_each(|id| stale(id, [many]));
				stale(20, [few]);
				set_looks(10);
				idle();
				assert_eq!(looks_by_group(), [(few, 1), (many, 9)].into());
			});
		}
	}

	#[test]
	fn of_less_than_there_are_groups_turns() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			(0..40).for_each(|id| stale(id, [ESTIMATES[id as usize % 4]]));
			set_looks(1);
			let mut seen = BTreeSet::new();
			for _ in 0..Groups::get().len() {
				idle();
				let looks = looks_by_group();
				assert_eq!(looks.values().sum::<usize>(), 1);
				seen.extend(looks.into_keys());
				next_block();
			}
			assert_eq!(seen, ESTIMATES.into());
		});
	}
}

mod starvation {
	use super::*;

	/// A flood of unsafe accounts that nobody liquidates, and one that is safe behind them.
	#[test]
	fn of_the_safe_by_the_unsafe_before_them() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			set_per_block(0);
			set_looks(4);
			(0..100).for_each(|id| broke(id, [LONG]));
			for _ in 0..3 {
				stale(100, [LONG]);
				// Once around the hundred, from wherever the walk was.
				pass(2 * 100 / 4);
				assert_eq!(refreshed(), vec![100]);
			}
		});
	}

	#[test]
	fn of_one_group_by_the_unsafe_of_another() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			set_per_block(0);
			set_looks(4);
			(0..100).for_each(|id| broke(id, [LONG, COLLATERAL]));
			for id in 100..110 {
				stale(id, [SHORT]);
				pass(1);
				assert_eq!(refreshed(), vec![id]);
			}
		});
	}

	/// The walk does not begin at the front before it was at the end, and then it does, in the same block if
	/// there are looks left.
	#[test]
	fn ends_where_the_walk_goes_on() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			set_per_block(0);
			set_looks(4);
			(0..10).for_each(|id| broke(id, [LONG]));
			let behind = || ring(LONG).unwrap().resume.map(|key| key.position());
			let ids = || Looks::take().into_iter().map(|(_, id, _)| id).collect::<Vec<_>>();
			for expected in [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1], [2, 3, 4, 5]] {
				pass(1);
				assert_eq!((ids(), behind()), (expected.to_vec(), expected.last().copied()));
			}
			// A price that comes back empties the front; the next walk begins there.
			(0..10).for_each(|id| set_account(id, None));
			pass(1);
			assert_eq!((ids(), behind()), (vec![], None));
		});
	}

	/// Where it went on is forgotten with the ring.
	#[test]
	fn begins_at_the_front_after_a_refused_price_or_an_unseen_block() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			set_per_block(0);
			set_looks(4);
			(0..10).for_each(|id| broke(id, [LONG]));
			for unseen in [true, false] {
				pass(1);
				Looks::take();
				match unseen {
					true => next_block(),
					false => {
						refuse(LONG);
						pass(1);
						Refused::set(Default::default());
					}
				}
				pass(1);
				let ids = Looks::take().into_iter().map(|(_, id, _)| id);
				assert_eq!(ids.collect::<Vec<_>>(), vec![0, 1, 2, 3]);
				next_block();
			}
		});
	}

	/// More to look at than a block has weight for; the fallback still gets its half.
	#[test]
	fn of_liquidations_by_looks() {
		ExtBuilder::default()
			.accounts()
			.positions((0..100).map(|i| (1, i, 2_000)))
			.build_and_execute(|| {
				set_looks(1_000);
				(0..200).for_each(|id| stale(id, [LONG]));
				(200..210).for_each(|id| broke(id, [COLLATERAL]));
				// A look weighs what a liquidation does, and there is room for eight of the two together.
				LookWeight::set(<() as WeightInfo>::liquidate_in_block());
				let weight = base().saturating_add(Liquidations::refresh_step().saturating_mul(8));
				let mut by_block = vec![];
				for _ in 0..12 {
					let used = idle_with(weight);
					assert!(used.all_lte(weight));
					let looks = Looks::take().len();
					assert!((1..=4).contains(&looks), "{looks}");
					by_block.push(Liquidated::take().len());
					next_block();
				}
				// From the third block on there is something to liquidate, and half of the weight is for that.
				assert!(by_block[2..].iter().all(|done| *done >= 3), "{by_block:?}");
			});
	}

	/// Too much to liquidate for the weight there is: who is safe is looked at all the same.
	#[test]
	fn of_looks_by_liquidations() {
		ExtBuilder::default()
			.accounts()
			.positions((1..4).flat_map(|branch| (0..100).map(move |i| (branch, i, 2_000))))
			.build_and_execute(|| {
				(0..40).for_each(|id| stale(id, [LONG]));
				let one = Liquidations::walk_weight(20)
					.saturating_add(Liquidations::refresh_step())
					.saturating_add(<() as WeightInfo>::liquidate_in_block());
				let weight = base().saturating_add(one.saturating_mul(2));
				for _ in 0..10 {
					idle_with(weight);
					assert!(!refreshed().is_empty());
					next_block();
				}
				assert!(!Liquidated::get().is_empty());
			});
	}
}

mod weight {
	use super::*;

	#[test]
	fn of_a_block_with_nothing_crossed_is_one_key_per_group() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			for (i, group) in ESTIMATES.into_iter().enumerate() {
				misplace(group, i as u64, 0);
			}
			// Short of what the fallback asks of a ring that is full.
			let used = idle_with(Weight::MAX);
			assert_eq!(
				used,
				base().saturating_add(Liquidations::walk_weight(1).saturating_mul(4))
			);
		});
	}

	#[test]
	fn for_less_than_a_look_is_none() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			stale(1, [LONG]);
			let half = Liquidations::walk_weight(1)
				.saturating_mul(4)
				.saturating_add(Liquidations::refresh_step());
			let less = half.saturating_mul(2).saturating_sub(Weight::from_parts(2, 0));
			idle_with(base().saturating_add(less));
			assert_eq!(Looks::get(), vec![]);
			next_block();
			idle_with(base().saturating_add(half.saturating_mul(2)));
			assert_eq!(refreshed(), vec![1]);
		});
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(200))]
		#[test]
		fn is_never_exceeded_and_covers_what_was_done(
			ref_time in prop_oneof![0u64..40_000_000_000, 0u64..800_000_000_000],
			proof_size in prop_oneof![Just(u64::MAX), 0u64..2_000_000],
			look in 0u64..2_000_000_000,
			safe_ones in 0u64..40,
			unsafe_ones in 0u64..40,
		) {
			ExtBuilder::default().accounts().build_and_execute(|| {
				LookWeight::set(Weight::from_parts(look, 10_000));
				for _ in 0..2 {
					idle_with(base());
					next_block();
				}
				(0..safe_ones).for_each(|id| stale(id, [ESTIMATES[id as usize % 4]]));
				(0..unsafe_ones).for_each(|id| broke(100 + id, [LONG, COLLATERAL]));
				let remaining = Weight::from_parts(ref_time, proof_size);
				let used = idle_with(remaining);
				assert!(used.all_lte(remaining), "{used:?} of {remaining:?}");
				let looks = Looks::get().len() as u64;
				let done = Liquidated::get().len() as u64;
				if looks + done > 0 {
					let least = base()
						.saturating_add(<() as WeightInfo>::refresh_in_block().saturating_mul(looks))
						.saturating_add(LookWeight::get().saturating_mul(looks))
						.saturating_add(<() as WeightInfo>::liquidate_account_in_block().saturating_mul(done));
					assert!(used.all_gte(least));
				}
				assert!(looks <= 20);
				// Half of what the observation left.
				let most = remaining.saturating_sub(base()).saturating_div(2);
				assert!(LookWeight::get().saturating_mul(looks).all_lte(most));
				// Nobody is looked at for another group.
				let accounts = Looks::get().into_iter().map(|(_, id, _)| id).collect::<BTreeSet<_>>();
				assert_eq!(accounts.len() as u64, looks);
			});
		}
	}
}
