//! Operators, their keys, and the feeds they sign.

use super::*;
use frame_support::{
	pallet_prelude::{TransactionSource, TransactionValidityError, ValidTransaction},
	traits::Authorize,
};
use sp_runtime::{testing::TestSignature, traits::BadOrigin, transaction_validity::InvalidTransaction};

const SECOND: Moment = 1_000;
const STRANGER: u64 = 77;
const HOT: u64 = 1_001;

use TransactionSource::{External, InBlock};

/// A feed of `operator`, signed by `key`.
fn signed(operator: u64, key: u64, observed_at: Moment, values: &[(FeedId, FixedU128)]) -> Call<Test> {
	let values: FeedValues<Test> = values.to_vec().try_into().unwrap();
	let signature = TestSignature(key, Prices::feed_payload(&operator, observed_at, &values));
	Call::feed {
		operator,
		observed_at,
		values,
		signature,
	}
}

/// What the pool or the block says to it.
fn validate(source: TransactionSource, call: &Call<Test>) -> Result<ValidTransaction, InvalidTransaction> {
	let answer = RuntimeCall::from(call.clone())
		.authorize(source)
		.expect("it is authorised");
	answer.map(|(valid, _)| valid).map_err(|error| match error {
		TransactionValidityError::Invalid(invalid) => invalid,
		other => panic!("{other:?}"),
	})
}

/// As a block does it: judge, then dispatch.
fn include(call: Call<Test>) -> Result<(), InvalidTransaction> {
	use sp_runtime::traits::Dispatchable;
	validate(InBlock, &call)?;
	RuntimeCall::from(call)
		.dispatch(frame_system::RawOrigin::Authorized.into())
		.expect("what is valid is dispatched");
	Ok(())
}

fn btc(price: f64) -> [(FeedId, FixedU128); 1] {
	[(BTC, usd(price))]
}

fn root() -> RuntimeOrigin {
	RuntimeOrigin::root()
}

mod a_feed {
	use super::*;

	/// The kind: a call that carries many things fails for one of them. Six feeds are fed by all; one that
	/// nobody uses is removed; the other five go on.
	#[test]
	fn goes_on_without_a_feed_that_is_gone() {
		let six = [1, BTC, ETH, 4, USDC, 6].map(|feed| (feed, usd(100.0)));
		let feeds = six.map(|(feed, _)| (feed, b"F".to_vec(), FixedU128::from_u32(1)));
		ExtBuilder::default().feeds(feeds.to_vec()).build_and_execute(|| {
			let all = || (1..=5).try_for_each(|who| include(signed(who, who, Timestamp::get(), &six)));
			block(START + 2 * SECOND, || assert_eq!(all(), Ok(())));
			assert_eq!(stored(1).at, START + 2 * SECOND);
			block(START + 4 * SECOND, || {
				assert_ok!(Prices::remove_feed(root(), 1));
				assert_eq!(all(), Ok(()));
			});
			for (feed, _) in &six[1..] {
				assert_eq!(stored(*feed).at, START + 4 * SECOND);
			}
			assert_eq!(pallet_oracle::RawValues::<Test>::get(1, 1), None);
		});
	}

	/// What operators said of a removed feed goes with it.
	#[test]
	fn leaves_nothing_behind_when_it_is_removed() {
		ExtBuilder::default().build_and_execute(|| {
			block_with(START + 2 * SECOND, BTC, &[60_000.0; 5]);
			assert_eq!(pallet_oracle::RawValues::<Test>::iter().count(), 5);
			assert_ok!(Prices::remove_feed(root(), BTC));
			assert_eq!(pallet_oracle::RawValues::<Test>::iter().count(), 0);
		});
	}

	#[test]
	fn needs_no_account_and_is_signed_by_nobody() {
		ExtBuilder::default().build_and_execute(|| {
			block(START + 2 * SECOND, || {
				assert_eq!(System::account(1), Default::default());
				let Call::feed {
					operator,
					observed_at,
					values,
					signature,
				} = signed(1, 1, Timestamp::get(), &btc(100.0))
				else {
					unreachable!()
				};
				for origin in [RuntimeOrigin::signed(1), root(), RuntimeOrigin::none()] {
					assert_noop!(
						Prices::feed(origin, operator, observed_at, values.clone(), signature.clone()),
						BadOrigin
					);
				}
				assert_eq!(include(signed(1, 1, observed_at, &btc(100.0))), Ok(()));
				assert_eq!(System::account(1), Default::default());
				System::assert_last_event(
					Event::Fed {
						operator: 1,
						observed_at,
						values: btc(100.0).to_vec(),
					}
					.into(),
				);
			});
		});
	}

	#[test]
	fn is_refused_without_a_registered_feed_or_with_one_twice() {
		ExtBuilder::default().build_and_execute(|| {
			block(START + 2 * SECOND, || {
				let now = Timestamp::get();
				let refused = [
					vec![],
					vec![(NOTHING, usd(1.0))],
					vec![(BTC, usd(100.0)), (ETH, usd(10.0)), (BTC, usd(200.0))],
					vec![(BTC, usd(100.0)), (NOTHING, usd(1.0)), (NOTHING, usd(1.0))],
				];
				for values in refused {
					for source in [External, InBlock] {
						let call = signed(1, 1, now, &values);
						assert_eq!(
							validate(source, &call),
							Err(InvalidTransaction::Call),
							"{values:?}"
						);
					}
				}
				assert_noop!(feed(1, &[]), Error::<Test>::NothingToFeed);
				assert_noop!(
					feed(1, &[(BTC, usd(1.0)), (BTC, usd(2.0))]),
					Error::<Test>::DuplicateFeed
				);
			});
		});
	}

	/// Zero withdraws an operator's value; no price overflows.
	#[test]
	fn of_zero_or_the_largest_number_moves_nothing() {
		ExtBuilder::default().build_and_execute(|| {
			block(START + 2 * SECOND, || {
				for who in 1..=3 {
					assert_ok!(feed(who, &btc(100.0)));
				}
				assert_ok!(feed(4, &btc(0.0)));
				assert_ok!(feed(5, &[(BTC, FixedU128::from_inner(u128::MAX))]));
			});
			assert_eq!(
				(stored(BTC).value, stored(BTC).at),
				(usd(100.0), START + 2 * SECOND)
			);
			let fresh: Vec<_> = Prices::operator_values(BTC).iter().map(|v| v.fresh).collect();
			assert_eq!(fresh, [true, true, true, false, true]);
		});
	}
}

mod its_time {
	use super::*;

	#[test]
	fn is_newer_than_the_last_and_neither_old_nor_ahead() {
		ExtBuilder::default().build_and_execute(|| {
			let now = START + 3_600 * SECOND;
			block(now, || {
				let old = Parameters::get().oracle_max_age;
				let judged = |at| validate(InBlock, &signed(1, 1, at, &btc(100.0))).map(|_| ());
				let future = Err(InvalidTransaction::Custom(FROM_THE_FUTURE));
				assert_eq!(judged(now - old), Ok(()));
				assert_eq!(judged(now - old - 1), Err(InvalidTransaction::Stale));
				assert_eq!(judged(0), Err(InvalidTransaction::Stale));
				assert_eq!(judged(now + CLOCK_SKEW), Ok(()));
				assert_eq!(judged(now + CLOCK_SKEW + 1), future);
				assert_eq!(judged(Moment::MAX), future);
				assert_noop!(
					feed_at(1, now - old - 1, &btc(1.0)),
					Error::<Test>::ObservedTooLongAgo
				);
				assert_noop!(
					feed_at(1, now + CLOCK_SKEW + 1, &btc(1.0)),
					Error::<Test>::ObservedInTheFuture
				);
				assert_eq!(include(signed(1, 1, now - 5 * SECOND, &btc(100.0))), Ok(()));
			});
			block(now + 2 * SECOND, || {
				let judged = |at| validate(InBlock, &signed(1, 1, at, &btc(100.0))).map(|_| ());
				assert_eq!(judged(now - 5 * SECOND), Err(InvalidTransaction::Stale));
				assert_eq!(judged(now - 6 * SECOND), Err(InvalidTransaction::Stale));
				assert_eq!(judged(now - 5 * SECOND + 1), Ok(()));
				assert_noop!(feed_at(1, now - 5 * SECOND, &btc(1.0)), Error::<Test>::NotNewer);
			});
		});
	}

	/// A clock that is ahead makes no value newer than its block, and steps of a millisecond one feed a
	/// block.
	#[test]
	fn ahead_of_the_block_counts_as_the_blocks() {
		ExtBuilder::default().build_and_execute(|| {
			for n in 1..=3 {
				let now = START + n * 2 * SECOND;
				block(now, || {
					assert_ok!(feed_at(1, now + CLOCK_SKEW - 1, &btc(100.0)));
					assert_noop!(
						feed_at(1, now + CLOCK_SKEW, &btc(101.0)),
						Error::<Test>::AlreadyFed
					);
				});
				let said = Prices::operator_values(BTC);
				assert_eq!((said[0].at, said[0].fresh), (now, true));
			}
		});
	}

	/// A minority can neither make an old price new nor a new one old.
	#[test]
	fn of_a_minority_makes_no_price_new_or_old() {
		ExtBuilder::default().build_and_execute(|| {
			for n in 1..=3 {
				block_with(START + n * 2 * SECOND, BTC, &[100.0; 5]);
			}
			// An author includes the newest feeds of two, and of nobody else: the price ages with the others.
			let old = START + 6 * SECOND;
			block_with(old + 31 * SECOND, BTC, &[100.0; 2]);
			assert_eq!(Feeds::<Test>::get(BTC).unwrap().observed, old);
			assert_eq!(
				ask(BTC, PriceFor::AddRisk),
				Err(Error::<Test>::PriceTooOld.into())
			);
			// Two are as late as may be, in every block: the price is as new as the others.
			for n in 1..=20 {
				let now = old + (70 + n * 2) * SECOND;
				block(now, || {
					for who in 1..=3 {
						assert_ok!(feed(who, &btc(100.0)));
					}
					for who in 4..=5 {
						assert_ok!(feed_at(who, now - 59 * SECOND, &btc(100.0)));
					}
				});
				assert_ok!(ask(BTC, PriceFor::AddRisk));
				assert_eq!(<Prices as PriceProvider>::fit_at(BTC), Some(now));
			}
		});
	}

	/// The kind: data that waited taken for fresh. A price is as old as what it says, for every purpose.
	#[test]
	fn makes_a_price_as_old_as_its_observation() {
		ExtBuilder::default().build_and_execute(|| {
			for n in 1..=3 {
				block_with(START + n * 2 * SECOND, BTC, &[100.0; 5]);
			}
			// Forty seconds without a block; what was observed five seconds in is in the first one.
			let (observed, now) = (START + 11 * SECOND, START + 46 * SECOND);
			block(now, || {
				for who in 1..=5 {
					assert_ok!(feed_at(who, observed, &btc(90.0)));
				}
			});
			let price = stored(BTC);
			assert_eq!((price.value, price.at, price.since), (usd(90.0), now, observed));
			assert_eq!(
				ask(BTC, PriceFor::AddRisk),
				Err(Error::<Test>::PriceTooOld.into())
			);
			assert_eq!(Prices::price(BTC).unwrap().age, Some(35 * SECOND));
			assert_ok!(ask(BTC, PriceFor::ReduceRisk));
			assert_eq!(<Prices as PriceProvider>::fit_at(BTC), Some(observed));
			// A minute after their observation the values count for nothing, however late they came.
			block(observed + 61 * SECOND, || ());
			assert!(Prices::operator_values(BTC).iter().all(|v| !v.fresh));
			assert_eq!(
				ask(BTC, PriceFor::Liquidate),
				Err(Error::<Test>::PriceTooOld.into())
			);
		});
	}
}

mod the_pool {
	use super::*;

	/// One operator's feeds have one tag, and a newer one has the higher priority: it replaces the older one.
	#[test]
	fn keeps_one_feed_of_an_operator_the_newest() {
		ExtBuilder::default().build_and_execute(|| {
			let at = |who, at| validate(External, &signed(who, who, at, &btc(100.0))).unwrap();
			let (first, second) = (at(1, START + 10), at(1, START + 11));
			assert_eq!(first.provides, second.provides);
			assert_eq!(first.provides.len(), 1);
			assert!(first.requires.is_empty() && first.propagate && first.longevity <= LONGEVITY);
			assert!(second.priority > first.priority);
			assert_ne!(at(2, START + 10).provides, first.provides);
		});
	}

	/// 410 feeds of one operator wait, or are thrown at the block by its author: one of them is in it.
	#[test]
	fn gives_an_operator_one_feed_a_block() {
		ExtBuilder::default().build_and_execute(|| {
			block(START + 2 * SECOND, || {
				let now = Timestamp::get();
				let calls: Vec<_> = (0..410)
					.map(|n| signed(1, 1, now - 410 + n, &btc(100.0)))
					.collect();
				assert_eq!(include(calls[0].clone()), Ok(()));
				for call in &calls[1..] {
					// It waits for the next block.
					assert_eq!(include(call.clone()), Err(InvalidTransaction::ExhaustsResources));
				}
			});
			block(START + 4 * SECOND, || {
				assert_eq!(include(signed(1, 1, Timestamp::get(), &btc(100.0))), Ok(()));
			});
		});
	}

	#[test]
	fn has_room_for_all_operators_and_no_seventeenth() {
		ExtBuilder::default().build_and_execute(|| {
			operators(1..=16);
			assert_noop!(Prices::add_operator(root(), 17), Error::<Test>::TooManyOperators);
			block(START + 2 * SECOND, || {
				let now = Timestamp::get();
				for who in 1..=16 {
					assert_eq!(include(signed(who, who, now, &btc(100.0))), Ok(()));
				}
				assert_eq!(
					include(signed(17, 17, now, &btc(1.0))),
					Err(InvalidTransaction::BadSigner)
				);
				assert_eq!(
					include(signed(16, 16, now + 1, &btc(1.0))),
					Err(InvalidTransaction::ExhaustsResources)
				);
			});
			assert_eq!(stored(BTC).value, usd(100.0));
		});
	}

	/// The pool knows only the last block's time. During a stop feeds look as if they came from the future;
	/// the pool takes them, keeps the newest, and the first block refuses what has become too old.
	#[test]
	fn takes_feeds_during_a_stop_and_the_block_judges_them() {
		ExtBuilder::default().build_and_execute(|| {
			block_with(START + 2 * SECOND, BTC, &[3_000.0; 5]);
			let hour = START + 3_602 * SECOND;
			let waited = |who, at, price| signed(who, who, at, &btc(price));
			// The pool validates on the state of the last block.
			System::set_block_number(System::block_number() + 1);
			for at in [START + 600 * SECOND, START + 1_800 * SECOND, hour] {
				assert!(validate(External, &waited(1, at, 3_000.0)).is_ok());
			}
			System::set_block_number(System::block_number() - 1);
			block(hour, || {
				for who in 1..=5 {
					// An author may include what it likes: the old ones are no feeds any more.
					for (minutes, price) in [(10, 3_000.0), (30, 2_500.0)] {
						assert_eq!(
							include(waited(who, START + minutes * 60 * SECOND, price)),
							Err(InvalidTransaction::Stale)
						);
					}
					assert_eq!(include(waited(who, hour - SECOND, 1_800.0)), Ok(()));
				}
			});
			assert_eq!(
				(stored(BTC).value, stored(BTC).since),
				(usd(1_800.0), hour - SECOND)
			);
		});
	}
}

mod its_signature {
	use super::*;

	#[test]
	fn is_of_the_operators_key_and_of_every_argument() {
		ExtBuilder::default().build_and_execute(|| {
			block(START + 2 * SECOND, || {
				let now = Timestamp::get();
				let judged = |call: &Call<Test>| {
					let pool = validate(External, call).map(|_| ());
					assert_eq!(pool, validate(InBlock, call).map(|_| ()));
					pool
				};
				let bad = Err(InvalidTransaction::BadProof);
				assert_eq!(judged(&signed(1, 1, now, &btc(100.0))), Ok(()));
				assert_eq!(judged(&signed(1, STRANGER, now, &btc(100.0))), bad);
				// Another operator's key is a stranger's too.
				assert_eq!(judged(&signed(1, 2, now, &btc(100.0))), bad);
				assert_eq!(
					judged(&signed(STRANGER, STRANGER, now, &btc(100.0))),
					Err(InvalidTransaction::BadSigner)
				);
				let Call::feed { signature: good, .. } = signed(1, 1, now, &btc(100.0)) else {
					unreachable!()
				};
				let other = |who, at, price| match signed(who, who, at, &btc(price)) {
					Call::feed {
						operator,
						observed_at,
						values,
						..
					} => Call::feed {
						operator,
						observed_at,
						values,
						signature: good.clone(),
					},
					_ => unreachable!(),
				};
				assert_eq!(judged(&other(1, now, 100.0)), Ok(()));
				assert_eq!(judged(&other(1, now, 101.0)), bad);
				assert_eq!(judged(&other(1, now - 1, 100.0)), bad);
				assert_eq!(judged(&other(2, now, 100.0)), bad);
			});
		});
	}

	#[test]
	fn is_good_once_and_on_one_chain() {
		ExtBuilder::default().build_and_execute(|| {
			frame_system::BlockHash::<Test>::insert(0, sp_core::H256::repeat_byte(1));
			let call = signed(1, 1, START + 2 * SECOND, &btc(100.0));
			block(START + 2 * SECOND, || {
				frame_system::BlockHash::<Test>::insert(0, sp_core::H256::repeat_byte(2));
				assert_eq!(include(call.clone()), Err(InvalidTransaction::BadProof));
				frame_system::BlockHash::<Test>::insert(0, sp_core::H256::repeat_byte(1));
				assert_eq!(include(call.clone()), Ok(()));
				assert_eq!(include(call.clone()), Err(InvalidTransaction::Stale));
			});
			block(START + 4 * SECOND, || {
				assert_eq!(include(call.clone()), Err(InvalidTransaction::Stale));
			});
		});
	}
}

mod a_feeder {
	use super::*;

	#[test]
	fn is_the_operators_own_account_until_it_names_one() {
		ExtBuilder::default().build_and_execute(|| {
			block(START + 2 * SECOND, || {
				let judged = |key, at| validate(InBlock, &signed(1, key, at, &btc(100.0))).map(|_| ());
				let now = Timestamp::get();
				let bad = Err(InvalidTransaction::BadProof);
				assert_eq!((judged(1, now), judged(HOT, now)), (Ok(()), bad));
				assert_ok!(Prices::set_feeder(RuntimeOrigin::signed(1), Some(HOT)));
				System::assert_last_event(
					Event::FeederSet {
						operator: 1,
						feeder: Some(HOT),
					}
					.into(),
				);
				// What the old key signed is void.
				assert_eq!((judged(1, now), judged(HOT, now)), (bad, Ok(())));
				assert_ok!(Prices::set_feeder(RuntimeOrigin::signed(1), Some(HOT + 1)));
				assert_eq!((judged(HOT, now), judged(HOT + 1, now)), (bad, Ok(())));
				assert_ok!(Prices::set_feeder(RuntimeOrigin::signed(1), None));
				assert_eq!((judged(1, now), judged(HOT + 1, now)), (Ok(()), bad));
			});
		});
	}

	/// Kind: one who is to be replaced keeps the newcomer out. An operator's own account outranks its name as
	/// a feeder.
	#[test]
	fn keeps_no_operator_out() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(Prices::set_feeder(RuntimeOrigin::signed(1), Some(HOT)));
			assert_ok!(Prices::add_operator(root(), HOT));
			let operators = crate::Operators::<Test>::get();
			assert_eq!(operators.get(&1).unwrap().feeder, None);
			assert_eq!(operators.get(&HOT).unwrap().feeder, None);
			// And it stays its own.
			assert_noop!(
				Prices::set_feeder(RuntimeOrigin::signed(1), Some(HOT)),
				Error::<Test>::FeederTaken
			);
		});
	}

	#[test]
	fn serves_one_operator() {
		ExtBuilder::default().build_and_execute(|| {
			let set = |who, key| Prices::set_feeder(RuntimeOrigin::signed(who), Some(key));
			assert_ok!(set(1, HOT));
			assert_ok!(set(1, HOT));
			assert_noop!(set(2, HOT), Error::<Test>::FeederTaken);
			// An operator's account signs for itself.
			assert_noop!(set(2, 3), Error::<Test>::FeederTaken);
			assert_noop!(set(STRANGER, STRANGER), Error::<Test>::NotOperator);
			assert_noop!(Prices::set_feeder(root(), Some(HOT)), BadOrigin);
			// Free again when its operator is gone or has another.
			assert_ok!(Prices::remove_operator(root(), 1));
			assert_ok!(set(2, HOT));
			assert_ok!(set(2, 2));
			assert_ok!(set(3, HOT));
		});
	}
}

mod membership {
	use super::*;

	#[test]
	fn is_roots_to_change() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(Prices::add_operator(RuntimeOrigin::signed(1), 6), BadOrigin);
			assert_noop!(Prices::remove_operator(RuntimeOrigin::signed(1), 1), BadOrigin);
			assert_noop!(Prices::add_operator(root(), 1), Error::<Test>::AlreadyOperator);
			assert_noop!(Prices::remove_operator(root(), 6), Error::<Test>::NotOperator);
			assert_ok!(Prices::add_operator(root(), 6));
			System::assert_last_event(Event::OperatorAdded { operator: 6 }.into());
			assert_ok!(Prices::remove_operator(root(), 1));
			System::assert_last_event(Event::OperatorRemoved { operator: 1 }.into());
			assert_eq!(Prices::operator_count(), 5);
		});
	}

	/// The kind: a threshold nobody can reach. Operators below the quorum are not removed.
	#[test]
	fn never_falls_below_the_quorum() {
		ExtBuilder::default().build_and_execute(|| {
			for operator in [1, 2] {
				assert_ok!(Prices::remove_operator(root(), operator));
			}
			assert_noop!(Prices::remove_operator(root(), 3), Error::<Test>::TooFewOperators);
			// To replace one, the other comes first.
			assert_ok!(Prices::add_operator(root(), 6));
			assert_ok!(Prices::remove_operator(root(), 3));
			assert_noop!(Prices::remove_operator(root(), 6), Error::<Test>::TooFewOperators);
		});
	}

	/// Fed and removed in the same block, before or after the feed: its values are gone at once, and it feeds
	/// no more.
	#[test]
	fn ends_with_its_values_and_its_key() {
		ExtBuilder::default().build_and_execute(|| {
			block_with(START + 2 * SECOND, BTC, &[100.0, 100.0, 100.0, 101.0, 101.0]);
			assert_ok!(Prices::set_feeder(RuntimeOrigin::signed(5), Some(HOT)));
			block(START + 4 * SECOND, || {
				let now = Timestamp::get();
				assert_eq!(
					include(signed(5, HOT, now, &[(BTC, usd(102.0)), (ETH, usd(9.0))])),
					Ok(())
				);
				assert_ok!(Prices::remove_operator(root(), 5));
				for feed in [BTC, ETH] {
					assert_eq!(pallet_oracle::RawValues::<Test>::get(5, feed), None);
				}
				for key in [5, HOT] {
					assert_eq!(
						include(signed(5, key, now + 1, &btc(102.0))),
						Err(InvalidTransaction::BadSigner)
					);
				}
			});
			assert_eq!(Prices::operator_values(BTC).len(), 4);
			// Back again, it starts anew: its own account signs, and what it signed before is too old.
			let before = signed(5, 5, START + 5 * SECOND, &btc(50.0));
			block(START + 6 * SECOND, || {
				assert_ok!(Prices::add_operator(root(), 5));
				assert_eq!(include(before.clone()), Err(InvalidTransaction::Stale));
				assert_eq!(include(signed(5, 5, Timestamp::get() + 1, &btc(100.0))), Ok(()));
			});
		});
	}

	#[test]
	fn ends_without_the_values_root_feeds() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(Prices::add_operator(root(), root_operator()));
			block(START + 2 * SECOND, || {
				let values = btc(100.0).to_vec().try_into().unwrap();
				assert_ok!(Oracle::feed_values(root(), values).map_err(|e| e.error));
				assert_ok!(Prices::remove_operator(root(), root_operator()));
			});
			assert_eq!(Prices::operator_values(BTC).len(), 1);
		});
	}

	#[test]
	fn is_the_oracles_too() {
		use frame_support::traits::SortedMembers;
		ExtBuilder::default().build_and_execute(|| {
			assert_eq!(<Prices as SortedMembers<u64>>::sorted_members(), [1, 2, 3, 4, 5]);
			assert!(<Prices as SortedMembers<u64>>::contains(&5));
			assert!(!<Prices as SortedMembers<u64>>::contains(&6));
			assert_eq!(<Prices as SortedMembers<u64>>::count(), 5);
		});
	}
}

/// A dispatch error is what a wallet shows; the pool's answers are as in the documentation of the call.
#[test]
fn every_refusal_of_a_feed_has_its_answer_in_the_pool() {
	let expected: [(Error<Test>, InvalidTransaction); 7] = [
		(Error::NotOperator, InvalidTransaction::BadSigner),
		(Error::NotNewer, InvalidTransaction::Stale),
		(Error::ObservedTooLongAgo, InvalidTransaction::Stale),
		(Error::ObservedInTheFuture, InvalidTransaction::Custom(2)),
		(Error::AlreadyFed, InvalidTransaction::ExhaustsResources),
		(Error::NothingToFeed, InvalidTransaction::Call),
		(Error::DuplicateFeed, InvalidTransaction::Call),
	];
	for (error, answer) in expected {
		assert_eq!(InvalidTransaction::from(error), answer);
	}
}
