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
					assert_eq!(Liquidated::get(), vec![(1, 1)]);
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
				assert_eq!(Liquidated::get(), vec![(1, 1)]);
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
				assert_eq!(Liquidated::get(), vec![(1, 1)]);
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
			Groups::set(vec![1, 3]);
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
				assert_eq!(Liquidated::get(), vec![(1, 1)]);
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
				assert!(Liquidations::liquidate(RawOrigin::Authorized.into(), 1, 1).is_err());
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
				(20..30).rev().map(|i| (1, i)).collect::<Vec<_>>()
			);
			pass(1);
			assert_eq!(Liquidated::get().len(), 20);
			assert_eq!(Liquidated::get()[10], (1, 19));
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
					assert_ok!(Liquidations::liquidate(RawOrigin::Authorized.into(), 1, i));
				}
				idle();
				assert_eq!(Liquidated::get()[7..], [(1, 0), (1, 1), (1, 2)]);
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
						group: 3,
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
				assert_eq!(Liquidated::get(), vec![(1, 1), (1, 3), (1, 4)]);
				System::assert_has_event(
					Event::FallbackFailed {
						group: 1,
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
				assert_eq!(Liquidated::get()[3..], [(1, 0), (1, 2)]);
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
			assert_eq!(Liquidated::get(), vec![(1, failing), (1, failing + 1)]);
			// The end was reached: the next block begins at the front again.
			System::reset_events();
			pass(1);
			System::assert_has_event(
				Event::FallbackFailed {
					group: 1,
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
				assert_eq!(Liquidated::get(), vec![(1, 1), (1, 2)]);
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
				let resume = || {
					Thresholds::<Test>::get()
						.unwrap()
						.rings
						.iter()
						.find(|r| r.group == 1)
						.map(|r| r.resume)
				};
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
				assert_eq!(Liquidated::get(), vec![(1, 1)]);
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
			Groups::set((1..9).collect());
			(1..9).for_each(|group| set_threshold(group, 5));
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
