//! What the block does itself.

use frame_support::{assert_ok, traits::Get, weights::Weight};
use frame_system::RawOrigin;
use keel_primitives::LiquidationOutcome;
use proptest::prelude::*;

use crate::{mock::*, *};

fn base() -> Weight {
	let groups = Groups::get().len() as u64;
	<() as WeightInfo>::on_idle_base()
		.saturating_add(<() as WeightInfo>::observe_group().saturating_mul(groups - 1))
}

fn each() -> Weight {
	Liquidations::walk_weight(1).saturating_add(<() as WeightInfo>::liquidate_in_block())
}

mod timing {
	use super::*;

	#[test]
	fn waits_exactly_the_fallback_blocks() {
		for blocks in 1..6 {
			ExtBuilder::default()
				.positions([(1, 1, 900)])
				.build_and_execute(|| {
					Chain::mutate(|chain| chain.fallback_blocks = blocks);
					pass(8);
					set_threshold(1, 800);
					pass(blocks - 1);
					assert_eq!(Liquidated::get(), vec![]);
					pass(1);
					assert_eq!(Liquidated::get(), vec![(b(1), 1)]);
				});
		}
	}

	#[test]
	fn starts_again_when_the_position_was_safe_for_a_block() {
		ExtBuilder::default()
			.positions([(1, 1, 900)])
			.build_and_execute(|| {
				for threshold in [800, 800, 900, 800, 800] {
					set_threshold(1, threshold);
					pass(1);
				}
				assert_eq!(Liquidated::get(), vec![]);
				pass(1);
				assert_eq!(Liquidated::get(), vec![(b(1), 1)]);
			});
	}

	#[test]
	fn starts_again_after_a_block_it_did_not_see() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_and_execute(|| {
				pass(2);
				assert_eq!(ring_of(1), Some(vec![1_000, 1_000]));
				next_block();
				pass(2);
				assert_eq!(Liquidated::get(), vec![]);
				assert_eq!(ring_of(1), Some(vec![1_000, 1_000]));
				pass(1);
				assert_eq!(Liquidated::get(), vec![(b(1), 1)]);
			});
	}

	#[test]
	fn keeps_no_more_than_it_needs() {
		ExtBuilder::default().build_and_execute(|| {
			for threshold in 0..10 {
				set_threshold(1, threshold);
				pass(1);
			}
			assert_eq!(ring_of(1), Some(vec![7, 8, 9]));
			// Fewer blocks, and more than a ring holds.
			Chain::mutate(|chain| chain.fallback_blocks = 0);
			pass(1);
			assert_eq!(ring_of(1), Some(vec![9]));
			Chain::mutate(|chain| chain.fallback_blocks = 1_000);
			pass(30);
			assert_eq!(ring_of(1), Some(vec![9; 16]));
		});
	}

	#[test]
	fn forgets_a_group_that_is_gone() {
		ExtBuilder::default().build_and_execute(|| {
			pass(2);
			Groups::set(vec![b(1), b(3)]);
			pass(1);
			assert_eq!(ring_of(2), None);
			assert_eq!(ring_of(3), Some(vec![1_000; 3]));
		});
	}
}

mod price {
	use super::*;

	#[test]
	fn refused_means_nothing_and_an_empty_ring() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000), (2, 1, 900)])
			.build_and_execute(|| {
				pass(2);
				refuse(1);
				pass(5);
				assert_eq!(Liquidated::get(), vec![]);
				assert_eq!(ring_of(1), None);
				// The other group goes on.
				assert_eq!(ring_of(2), Some(vec![1_000; 3]));
				// And the count starts from nothing.
				Refused::set(Default::default());
				pass(2);
				assert_eq!(Liquidated::get(), vec![]);
				pass(1);
				assert_eq!(Liquidated::get(), vec![(b(1), 1)]);
			});
	}

	#[test]
	fn refused_stops_every_path() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_offchain_and_execute(|take| {
				let early = transaction(1, 1);
				pass(3);
				Liquidated::set(vec![]);
				set(1, 1, 3_000);
				refuse(1);
				for _ in 0..5 {
					Liquidations::run_worker(System::block_number());
					pass(1);
				}
				assert_eq!(take(), Vec::<Vec<u8>>::new());
				assert!(apply(&early).is_err());
				assert!(Liquidations::liquidate(RawOrigin::Authorized.into(), b(1), 1).is_err());
				assert_eq!(Liquidated::get(), vec![]);
				assert_eq!(index_of(1), vec![(3_000, 1)]);
			});
	}
}

mod order {
	use super::*;

	#[test]
	fn is_worst_first_up_to_the_limit() {
		let given = (0..30).map(|i| (1, i, 2_000 + i as u128));
		ExtBuilder::default().positions(given).build_and_execute(|| {
			pass(3);
			assert_eq!(
				Liquidated::get(),
				(20..30).rev().map(|i| (b(1), i)).collect::<Vec<_>>()
			);
			pass(1);
			assert_eq!(Liquidated::get().len(), 20);
			assert_eq!(Liquidated::get()[10], (b(1), 19));
		});
	}

	#[test]
	fn turns_from_group_to_group() {
		let given = (1..4).flat_map(|group| (0..20).map(move |i| (group, i, 2_000)));
		ExtBuilder::default().positions(given).build_and_execute(|| {
			pass(3);
			Liquidated::set(vec![]);
			let mut first = std::collections::BTreeSet::new();
			for _ in 0..3 {
				set_per_block(3);
				pass(1);
				let groups = Liquidated::take()
					.into_iter()
					.map(|(group, _)| group)
					.collect::<Vec<_>>();
				assert_eq!(groups.len(), 3);
				first.insert(groups[0]);
			}
			assert_eq!(first.len(), 3);
		});
	}

	#[test]
	fn shares_the_limit_with_the_workers() {
		ExtBuilder::default()
			.positions((0..30).map(|i| (1, i, 2_000)))
			.build_and_execute(|| {
				pass(2);
				for i in 20..27 {
					assert_ok!(Liquidations::liquidate(RawOrigin::Authorized.into(), b(1), i));
				}
				idle();
				assert_eq!(Liquidated::get()[7..], [(b(1), 0), (b(1), 1), (b(1), 2)]);
				assert_eq!(LiquidatedInBlock::<Test>::get(), Some((3, 10)));
			});
	}

	#[test]
	fn tells_that_it_was_the_block() {
		ExtBuilder::default()
			.positions([(3, 7, 1_200)])
			.build_and_execute(|| {
				pass(3);
				let outcome = LiquidationOutcome {
					debt: 200,
					collateral: 200,
					absorbed: 200,
					..Default::default()
				};
				System::assert_has_event(
					Event::Liquidated {
						group: b(3),
						position: 7,
						by: LiquidatedBy::Block,
						outcome,
					}
					.into(),
				);
			});
	}
}

mod failure {
	use super::*;

	#[test]
	fn does_not_block_the_others() {
		ExtBuilder::default()
			.positions((0..5).map(|i| (1, i, 2_000)))
			.build_and_execute(|| {
				fail(1, 0);
				fail(1, 2);
				pass(3);
				assert_eq!(Liquidated::get(), vec![(b(1), 1), (b(1), 3), (b(1), 4)]);
				System::assert_has_event(
					Event::FallbackFailed {
						group: b(1),
						position: 2,
						error: FAILING_ERROR,
					}
					.into(),
				);
				// What failed moved nothing, and is tried again.
				assert_eq!(sp_io::storage::get(LITTER), None);
				assert_eq!(index_of(1)[..2], [(2_000, 0), (2_000, 2)]);
				Failing::set(Default::default());
				pass(1);
				assert_eq!(Liquidated::get()[3..], [(b(1), 0), (b(1), 2)]);
			});
	}

	#[test]
	fn of_many_delays_the_others_by_blocks_at_most() {
		let failing = 3 * MAX_FAILURES as u64 + 1;
		let given = (0..failing + 2).map(|i| (1, i, 2_000));
		ExtBuilder::default().positions(given).build_and_execute(|| {
			(0..failing).for_each(|i| fail(1, i));
			pass(3 + 2);
			assert_eq!(Liquidated::get(), vec![]);
			pass(1);
			assert_eq!(Liquidated::get(), vec![(b(1), failing), (b(1), failing + 1)]);
			// The end was reached: the next block begins at the front again.
			System::reset_events();
			pass(1);
			System::assert_has_event(
				Event::FallbackFailed {
					group: b(1),
					position: 0,
					error: FAILING_ERROR,
				}
				.into(),
			);
		});
	}

	#[test]
	fn of_the_first_does_not_eat_the_weight_of_every_block() {
		ExtBuilder::default()
			.positions((0..3).map(|i| (1, i, 2_000)))
			.build_and_execute(|| {
				fail(1, 0);
				for _ in 0..5 {
					// Room for one attempt, and a look at the other groups if they come first.
					idle_with(
						base()
							.saturating_add(each())
							.saturating_add(Liquidations::walk_weight(1).saturating_mul(2)),
					);
					next_block();
				}
				assert_eq!(Liquidated::get(), vec![(b(1), 1), (b(1), 2)]);
			});
	}

	#[test]
	fn forgets_where_it_was_when_the_price_is_refused() {
		ExtBuilder::default()
			.positions((0..3).map(|i| (1, i, 2_000)))
			.build_and_execute(|| {
				fail(1, 0);
				for _ in 0..3 {
					idle_with(base().saturating_add(each()));
					next_block();
				}
				let resume = || ring(1).map(|ring| ring.resume);
				assert_eq!(resume(), Some(Some(TriggerKey::new(2_000, 0))));
				refuse(1);
				pass(1);
				Refused::set(Default::default());
				pass(1);
				assert_eq!(resume(), Some(None));
			});
	}
}

mod weight {
	use super::*;

	#[test]
	fn too_little_means_nothing_at_all() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_and_execute(|| {
				pass(2);
				let before = Thresholds::<Test>::get();
				let tiny = <() as WeightInfo>::on_idle_base().saturating_sub(Weight::from_parts(1, 0));
				assert_eq!(idle_with(Weight::zero()), Weight::zero());
				assert_eq!(idle_with(tiny), Weight::zero());
				// Enough to ask for the groups, not to observe them.
				let used = idle_with(base().saturating_sub(Weight::from_parts(1, 0)));
				assert_eq!(used, <() as WeightInfo>::on_idle_base());
				assert_eq!(Thresholds::<Test>::get(), before);
				assert_eq!(Liquidated::get(), vec![]);
			});
	}

	#[test]
	fn for_the_observation_alone_keeps_the_count_going() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_and_execute(|| {
				for _ in 0..5 {
					assert_eq!(idle_with(base()), base());
					next_block();
				}
				assert_eq!(Liquidated::get(), vec![]);
				assert_eq!(ring_of(1), Some(vec![1_000; 3]));
				idle_with(base().saturating_add(each()));
				assert_eq!(Liquidated::get(), vec![(b(1), 1)]);
			});
	}

	#[test]
	fn of_an_idle_block_is_the_observation_and_one_key_per_group() {
		ExtBuilder::default()
			.positions((0..500).map(|i| (1, i, 1_000)))
			.build_and_execute(|| {
				pass(5);
				let look = Liquidations::walk_weight(1).saturating_mul(2);
				// An empty group is found empty with one look, one with positions with its first key.
				let used = idle_with(Weight::MAX);
				assert!(used.all_gte(base()));
				assert!(used.all_lte(base().saturating_add(look.saturating_mul(3))));
				assert_eq!(DeficitCalls::get(), 0);
			});
	}

	/// Each kind by its own weight: what is enough for a vault does nothing to an account.
	#[test]
	fn for_a_vault_is_not_enough_for_an_account() {
		ExtBuilder::default()
			.accounts()
			.positions([(1, 1, 2_000), (1, 2, 2_000)])
			.build_and_execute(|| {
				Groups::set(vec![b(1), LONG]);
				broke(1, [LONG]);
				pass(2);
				Looks::take();
				let account = <() as WeightInfo>::liquidate_account_in_block();
				// For the account alone, but for the last bit.
				let short = base()
					.saturating_add(account)
					.saturating_sub(Weight::from_parts(1, 0));
				let before = Accounts::get();
				let used = idle_with(short);
				assert!(used.all_lte(short));
				assert_eq!(Looks::take(), vec![(LONG, 1, false)]);
				assert_eq!(Liquidated::take(), vec![(b(1), 1), (b(1), 2)]);
				assert_eq!(Accounts::get(), before);
				next_block();

				// For the account, once its look, the question and the keys on the way are paid.
				let keys = Liquidations::walk_weight(1).saturating_mul(6);
				let spent = Liquidations::look_weight()
					.saturating_add(Liquidations::authorize_weight(LONG))
					.saturating_add(keys);
				let used = idle_with(base().saturating_add(spent).saturating_add(account));
				assert!(used.all_gte(base().saturating_add(account)));
				assert_eq!(Liquidated::take(), vec![(LONG, 1)]);
			});
	}

	/// What its ledger says of an account is what it takes of the block, and no more than the dearest does.
	#[test]
	fn of_an_account_is_that_of_what_it_has() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			Groups::set(vec![LONG]);
			for id in 1..=3 {
				broke(id, [LONG]);
			}
			pass(2);
			Looks::take();
			let own = Weight::from_parts(1_000_000_000, 1_000);
			AccountWeight::set(Some(own));
			let each = own.saturating_add(<() as WeightInfo>::liquidate_in_block());
			let asked = Liquidations::authorize_weight(LONG);
			let dearest = <() as WeightInfo>::liquidate_account_in_block();
			assert!(each.saturating_mul(3).all_lt(dearest));
			let keys = Liquidations::walk_weight(1).saturating_mul(6);
			let looks = Liquidations::look_weight().saturating_mul(3).saturating_add(keys);
			// Half of what is there is for looking.
			let room = base()
				.saturating_add(looks.saturating_mul(2))
				.saturating_add(each.saturating_add(asked).saturating_mul(2));
			assert!(idle_with(room).all_lte(room));
			assert_eq!(Liquidated::take().len(), 2);
			assert_eq!(Liquidations::weight_of(LONG, 3), each);
			AccountWeight::set(Some(dearest));
			assert_eq!(Liquidations::weight_of(LONG, 3), dearest);
			AccountWeight::set(None);
			assert_eq!(Liquidations::weight_of(LONG, 3), dearest);
			assert_eq!(
				Liquidations::weight_of(b(1), 3),
				<() as WeightInfo>::liquidate_in_block()
			);
		});
	}

	#[test]
	fn of_an_account_is_not_asked_for_a_vault() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_and_execute(|| {
				pass(2);
				let used = idle_with(base().saturating_add(each()));
				assert!(used.all_lte(base().saturating_add(each())));
				assert!(each().all_lt(<() as WeightInfo>::liquidate_account_in_block()));
				assert_eq!(Liquidated::get(), vec![(b(1), 1)]);
			});
	}

	#[test]
	fn without_groups_is_that_of_asking() {
		ExtBuilder::default().build_and_execute(|| {
			Groups::set(vec![]);
			assert_eq!(idle_with(Weight::MAX), <() as WeightInfo>::on_idle_base());
			assert_eq!(Thresholds::<Test>::get(), None);
		});
	}

	#[test]
	fn bounds_the_groups_too() {
		ExtBuilder::default().build_and_execute(|| {
			Groups::set((1..13).map(b).collect());
			(1..13).for_each(|group| set_threshold(group, 5));
			let used = idle_with(Weight::MAX);
			let groups: u32 = <Test as Config>::MaxGroups::get();
			let groups = u64::from(groups);
			assert_eq!(Thresholds::<Test>::get().unwrap().rings.len() as u64, groups);
			let most = <() as WeightInfo>::on_idle_base()
				.saturating_add(<() as WeightInfo>::observe_group().saturating_mul(groups - 1));
			assert_eq!(used, most);
		});
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(300))]
		#[test]
		fn is_never_exceeded_and_covers_what_was_done(
			ref_time in 0u64..60_000_000_000,
			proof_size in prop_oneof![Just(u64::MAX), 0u64..1_000_000],
			unsafe_ones in 0u64..40,
			failing in 0u64..10,
		) {
			ExtBuilder::default().positions((0..unsafe_ones).map(|i| (1 + i as u32 % 3, i, 2_000))).build_and_execute(|| {
				for _ in 0..2 {
					idle_with(base());
					next_block();
				}
				for i in 0..failing {
					fail(1 + i as u32 % 3, i);
				}
				System::reset_events();
				let remaining = Weight::from_parts(ref_time, proof_size);
				let used = idle_with(remaining);
				assert!(used.all_lte(remaining), "{used:?} of {remaining:?}");
				let done = Liquidated::get().len() as u64;
				let tried = System::events().len() as u64;
				assert!(done <= 10);
				assert!(done <= tried);
				if tried > 0 {
					let least = <() as WeightInfo>::liquidate_in_block().saturating_mul(tried).saturating_add(base());
					assert!(used.all_gte(least));
				}
				// What would have fitted was done.
				if remaining.all_gte(base().saturating_add(each().saturating_mul(60))) {
					assert!(done >= unsafe_ones.saturating_sub(failing).min(10));
				}
			});
		}
	}
}

mod estimates {
	use super::*;

	/// A long of one that loses all it has at a price of 800, and is unsafe below.
	fn risky(id: u64) {
		let account = Account {
			cash: -800,
			size: 1,
			..Default::default()
		};
		set_account(id, Some(account));
		assert_eq!(index_of(LONG), vec![(800, id)]);
	}

	#[test]
	fn wait_exactly_the_fallback_blocks() {
		for blocks in 1..6 {
			ExtBuilder::default().accounts().build_and_execute(|| {
				Chain::mutate(|chain| chain.fallback_blocks = blocks);
				risky(1);
				pass(8);
				set_price(LONG, 700);
				pass(blocks - 1);
				assert_eq!(Liquidated::get(), vec![]);
				pass(1);
				assert_eq!(Liquidated::get(), vec![(LONG, 1)]);
			});
		}
	}

	#[test]
	fn start_again_when_the_trigger_was_not_crossed_for_a_block() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			risky(1);
			for price in [700, 700, 800, 700, 700] {
				set_price(LONG, price);
				pass(1);
			}
			assert_eq!(Liquidated::get(), vec![]);
			pass(1);
			assert_eq!(Liquidated::get(), vec![(LONG, 1)]);
		});
	}

	#[test]
	fn are_liquidated_with_all_they_have() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			risky(1);
			set_price(LONG, 700);
			pass(3);
			let outcome = LiquidationOutcome {
				closed: 1,
				shortfall: 100,
				..Default::default()
			};
			System::assert_has_event(
				Event::Liquidated {
					group: LONG,
					position: 1,
					by: LiquidatedBy::Block,
					outcome,
				}
				.into(),
			);
			// New triggers behind the price: 100 to lose.
			assert_eq!(index_of(LONG), vec![(600, 1)]);
		});
	}

	#[test]
	fn of_a_deadline_are_liquidated_too() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			broke(1, [DEADLINE]);
			pass(2);
			assert_eq!(Liquidated::get(), vec![]);
			pass(1);
			assert_eq!(Liquidated::get(), vec![(DEADLINE, 1)]);
		});
	}

	/// Whoever was not looked at may be safe: no attempt, and no failure.
	#[test]
	fn wait_for_their_look() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			set_looks(0);
			stale(1, [LONG, COLLATERAL]);
			broke(2, [LONG]);
			pass(5);
			assert_eq!((Looks::get(), Liquidated::get()), (vec![], vec![]));
			assert_eq!(System::events(), vec![]);
			set_looks(1);
			pass(1);
			assert_eq!((refreshed(), Liquidated::get()), (vec![1], vec![]));
			pass(1);
			assert_eq!((refreshed(), Liquidated::get()), (vec![], vec![(LONG, 2)]));
			assert_eq!(System::events().len(), 1);
		});
	}

	/// Its look was before the others' liquidations, and these moved the price: no failure, and new triggers
	/// with the next block.
	#[test]
	fn that_became_safe_within_the_block_are_no_failure() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			broke(1, [LONG]);
			broke(2, [LONG]);
			Rescued::set(Some((1, 2)));
			pass(3);
			assert_eq!(Liquidated::get(), vec![(LONG, 1)]);
			assert_eq!(System::events().len(), 1);
			pass(1);
			assert_eq!(Looks::take().last(), Some(&(LONG, 2, true)));
			assert_eq!(System::events().len(), 1);
			assert_eq!(Liquidations::unsafe_positions(LONG, 9), vec![]);
		});
	}

	/// What can't be liquidated now, though it is unsafe, weighs the question, and nobody is told of it in
	/// every block.
	#[test]
	fn that_have_to_wait_weigh_the_question() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			Groups::set(vec![LONG]);
			(0..5).for_each(|id| broke(id, [LONG]));
			TooFresh::set((0..5).map(|id| (LONG, id)).collect());
			pass(2);
			DeficitCalls::set(0);
			let used = idle_with(Weight::MAX);
			assert_eq!((DeficitCalls::get(), System::events()), (5, vec![]));
			let asked = Liquidations::authorize_weight(LONG)
				.saturating_add(Liquidations::refresh_step())
				.saturating_mul(5);
			let most = base()
				.saturating_add(asked)
				.saturating_add(Liquidations::walk_weight(2));
			assert!(used.all_lte(most), "{used:?} {most:?}");
			next_block();
			TooFresh::set(Default::default());
			pass(1);
			assert_eq!(Liquidated::get().len(), 5);
		});
	}

	#[test]
	fn that_fail_weigh_their_liquidation() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			Groups::set(vec![LONG]);
			broke(1, [LONG]);
			fail(LONG, 1);
			pass(2);
			let used = idle_with(Weight::MAX);
			let least = base().saturating_add(<() as WeightInfo>::liquidate_account_in_block());
			assert!(used.all_gte(least));
			assert_eq!(System::events().len(), 1);
		});
	}

	#[test]
	fn behind_many_that_are_safe_come_when_these_have_moved() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			set_looks(4);
			(0..25).for_each(|id| stale(id, [LONG]));
			broke(25, [LONG]);
			pass(6);
			assert_eq!(Liquidated::get(), vec![]);
			pass(1);
			assert_eq!(Liquidated::get(), vec![(LONG, 25)]);
			assert_eq!(refreshed().len(), 25);
		});
	}

	#[test]
	fn more_than_may_be_looked_at_are_all_liquidated() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			set_looks(4);
			(0..30).for_each(|id| broke(id, [LONG]));
			(0..3).for_each(|id| fail(LONG, id));
			pass(2);
			for _ in 0..9 {
				pass(1);
			}
			let done = Liquidated::get().into_iter().map(|(_, id)| id);
			assert_eq!(done.collect::<std::collections::BTreeSet<_>>(), (3..30).collect());
		});
	}

	#[test]
	fn that_fail_are_told_and_left() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			broke(1, [LONG]);
			broke(2, [LONG]);
			fail(LONG, 1);
			let before = index_of(LONG)[0];
			pass(3);
			System::assert_has_event(
				Event::FallbackFailed {
					group: LONG,
					position: 1,
					error: FAILING_ERROR,
				}
				.into(),
			);
			assert_eq!(sp_io::storage::get(LITTER), None);
			assert_eq!(index_of(LONG)[0], before);
			assert_eq!(Liquidated::get(), vec![(LONG, 2)]);
		});
	}

	/// Three groups, one account: one attempt in a block, whichever group comes first.
	#[test]
	fn crossed_in_several_groups_are_tried_once_in_a_block() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			broke(1, [LONG, COLLATERAL, DEADLINE]);
			[LONG, COLLATERAL, DEADLINE]
				.iter()
				.for_each(|group| fail(*group, 1));
			pass(2);
			let mut groups = std::collections::BTreeSet::new();
			for _ in 0..7 {
				System::reset_events();
				pass(1);
				let failed = System::events().into_iter().map(|record| match record.event {
					RuntimeEvent::Liquidations(Event::FallbackFailed {
						group, position: 1, ..
					}) => group,
					other => panic!("{other:?}"),
				});
				let failed = failed.collect::<Vec<_>>();
				assert_eq!(failed.len(), 1);
				groups.extend(failed);
			}
			// It is not always the same group that tries, so one that fails alone does not decide.
			assert_eq!(groups.len(), 3);
			Failing::set([(LONG, 1), (COLLATERAL, 1)].into());
			pass(7);
			assert_eq!(Liquidated::get(), vec![(DEADLINE, 1)]);
		});
	}

	#[test]
	fn have_numbers_of_their_own() {
		ExtBuilder::default()
			.accounts()
			.positions([(1, 1, 2_000), (2, 1, 2_000)])
			.build_and_execute(|| {
				broke(1, [LONG, DEADLINE]);
				pass(3);
				let done = Liquidated::get().into_iter().map(|(group, id)| holder(group, id));
				assert_eq!(
					done.collect::<std::collections::BTreeSet<_>>(),
					[(None, 1), (Some(1), 1), (Some(2), 1)].into()
				);
				assert_eq!(Liquidated::get().len(), 3);
			});
	}
}
