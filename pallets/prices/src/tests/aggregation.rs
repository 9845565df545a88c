//! Who counts, who is dropped, what is left.

use super::*;
use crate::aggregation::{assess, combine};
use keel_primitives::ChainParameters;
use sp_runtime::DispatchError;

const SECOND: Moment = 1_000;

fn judge(values: &[FixedU128]) -> Result<Aggregate, NoQuorum> {
	let raw: Vec<_> = values.iter().map(|v| (*v, START)).collect();
	let parameters = default_parameters();
	combine(&assess(&raw, START, &parameters), &parameters)
}

fn judge_usd(values: &[f64]) -> Result<Aggregate, NoQuorum> {
	judge(&values.iter().map(|v| usd(*v)).collect::<Vec<_>>())
}

mod median {
	use super::*;

	#[test]
	fn of_agreeing_operators_with_their_spread() {
		let made = judge_usd(&[100.0, 100.1, 99.9, 100.2, 99.8]).unwrap();
		assert_eq!(made.value, usd(100.0));
		assert_eq!((made.fresh, made.used), (5, 5));
		// The deviations are 0, 0.1, 0.1, 0.2, 0.2.
		let sigma = made.confidence.into_inner().abs_diff(usd(0.14826).into_inner());
		assert!(sigma < 100_000, "{:?}", made.confidence);
	}

	#[test]
	fn of_equal_values_has_the_smallest_confidence_there_is() {
		let made = judge_usd(&[100.0; 4]).unwrap();
		assert_eq!(made.value, usd(100.0));
		assert_eq!(made.confidence, FixedU128::from_inner(1));
	}

	#[test]
	fn of_two_camps_lies_between_and_is_uncertain() {
		// Nobody is an outlier of a half-and-half split.
		let made = judge_usd(&[100.0, 100.0, 106.0, 106.0]).unwrap();
		assert_eq!(made.value, usd(103.0));
		assert!(made.confidence > usd(4.4));
	}

	#[test]
	fn of_two_camps_nobody_could_act_on_is_none() {
		assert_eq!(
			judge_usd(&[100.0, 100.0, 110.0, 110.0]),
			Err(NoQuorum { fresh: 4, used: 4 })
		);
		assert_eq!(
			judge_usd(&[100.0, 100.0, 1e11, 1e11]),
			Err(NoQuorum { fresh: 4, used: 4 })
		);
	}

	#[test]
	fn is_made_up_to_the_governed_spread_and_not_a_unit_beyond() {
		let values = [100.0, 100.0, 103.0, 103.0].map(usd);
		let raw = values.map(|v| (v, START));
		let made = judge(&values).unwrap();
		let within = |reduce_risk_confidence| {
			let parameters = ChainParameters {
				reduce_risk_confidence,
				..default_parameters()
			};
			combine(&assess(&raw, START, &parameters), &parameters)
		};
		// The spread over the value, rounded up, and the next ratio below.
		let ratio = (made.confidence.into_inner() * 1_000).div_ceil(101_500);
		let exact = FixedU128::from_inner(ratio);
		assert!(
			keel_math::mul_ratio(made.value.into_inner(), exact, keel_math::Rounding::Down)
				.is_some_and(|limit| limit >= made.confidence.into_inner())
		);
		assert_eq!(within(exact), Ok(made));
		assert_eq!(
			within(FixedU128::from_inner(ratio - 1)),
			Err(NoQuorum { fresh: 4, used: 4 })
		);
	}

	#[test]
	fn does_not_depend_on_the_order() {
		let values = [103.0, 99.0, 100.0, 250.0, 101.0];
		let expected = judge_usd(&values).unwrap();
		for turn in 1..values.len() {
			let mut turned = values;
			turned.rotate_left(turn);
			assert_eq!(judge_usd(&turned).unwrap(), expected);
		}
	}
}

mod outliers {
	use super::*;

	#[test]
	fn three_honest_operators_beat_two_liars_in_either_direction() {
		for lies in [
			[1.0, 1.0],
			[1_000_000.0, 1_000_000.0],
			[1.0, 1_000_000.0],
			[90.0, 90.0],
			[110.0, 110.0],
		] {
			let made = judge_usd(&[100.0, 100.1, 99.9, lies[0], lies[1]]).unwrap();
			assert_eq!((made.fresh, made.used), (5, 3), "{lies:?}");
			assert_eq!(made.value, usd(100.0), "{lies:?}");
		}
	}

	#[test]
	fn small_differences_are_none_however_close_the_others_are() {
		// Half a percent of the median is always inside.
		let made = judge_usd(&[100.0, 100.0, 100.0, 100.5, 99.5]).unwrap();
		assert_eq!(made.used, 5);
		let made = judge_usd(&[100.0, 100.0, 100.0, 100.51, 99.5]).unwrap();
		assert_eq!(made.used, 4);
	}

	#[test]
	fn five_deviations_are_inside() {
		// m = 100, MAD = 1: the limit is 5.
		assert_eq!(judge_usd(&[99.0, 100.0, 101.0, 105.0, 99.5]).unwrap().used, 5);
		assert_eq!(judge_usd(&[99.0, 100.0, 101.0, 105.1, 99.0]).unwrap().used, 4);
	}

	#[test]
	fn too_many_of_them_leave_no_price() {
		// A majority of liars that disagree: two camps of two around an honest one.
		let parameters = ChainParameters {
			outlier_deviations: FixedU128::from_rational(1, 2),
			..default_parameters()
		};
		let raw: Vec<_> = [100.0, 90.0, 90.0, 110.0, 110.0]
			.iter()
			.map(|v| (usd(*v), START))
			.collect();
		let missed = combine(&assess(&raw, START, &parameters), &parameters).unwrap_err();
		assert_eq!(missed, NoQuorum { fresh: 5, used: 1 });
	}

	#[test]
	fn a_quorum_that_is_less_than_half_makes_no_price() {
		let parameters = ChainParameters {
			oracle_quorum: 1,
			outlier_deviations: FixedU128::from_u32(0),
			..default_parameters()
		};
		let raw: Vec<_> = [100.0, 90.0, 91.0, 110.0, 111.0]
			.iter()
			.map(|v| (usd(*v), START))
			.collect();
		let missed = combine(&assess(&raw, START, &parameters), &parameters).unwrap_err();
		assert_eq!(missed, NoQuorum { fresh: 5, used: 1 });
	}
}

mod quorum {
	use super::*;

	#[test]
	fn two_of_five_are_too_few() {
		assert_eq!(judge_usd(&[100.0, 100.0]), Err(NoQuorum { fresh: 2, used: 0 }));
		assert_eq!(judge_usd(&[]), Err(NoQuorum { fresh: 0, used: 0 }));
	}

	#[test]
	fn a_price_of_zero_is_never_counted() {
		assert_eq!(
			judge_usd(&[0.0, 0.0, 100.0, 100.0]),
			Err(NoQuorum { fresh: 2, used: 0 })
		);
		let made = judge_usd(&[0.0, 100.0, 100.0, 100.0]).unwrap();
		assert_eq!((made.value, made.fresh, made.used), (usd(100.0), 3, 3));
	}

	#[test]
	fn parameters_that_ask_for_nobody_still_need_somebody() {
		let parameters = ChainParameters::default();
		assert_eq!(
			combine(&assess(&[], START, &parameters), &parameters),
			Err(NoQuorum { fresh: 0, used: 0 })
		);
		let raw = [(usd(0.0), START)];
		assert!(combine(&assess(&raw, START, &parameters), &parameters).is_err());
	}

	#[test]
	fn values_count_up_to_the_maximum_age_and_not_from_the_future() {
		let parameters = default_parameters();
		let raw = [
			(usd(100.0), START),
			(usd(100.0), START - 60_000),
			(usd(100.0), START - 60_001),
			(usd(100.0), START + 1),
		];
		let fresh: Vec<bool> = assess(&raw, START, &parameters).iter().map(|v| v.fresh).collect();
		assert_eq!(fresh, [true, true, false, false]);
	}

	#[test]
	fn all_operators_and_root_count() {
		ExtBuilder::default().build_and_execute(|| {
			operators(1..=16);
			block(START, || {
				for who in 1..=16 {
					assert_ok!(feed(who, &[(BTC, usd(100.0 + who as f64 / 100.0))]));
				}
				let values = vec![(BTC, usd(100.17))].try_into().unwrap();
				assert_ok!(Oracle::feed_values(RuntimeOrigin::root(), values).map_err(|e| e.error));
			});
			assert_eq!(Prices::operator_values(BTC).len(), 17);
			assert_eq!(stored(BTC).value, usd(100.0 + 9.0 / 100.0));
		});
	}
}

mod extremes {
	use super::*;

	#[test]
	fn the_smallest_price_there_is() {
		// One unit of confidence is at most 5 % of it.
		let made = judge(&[FixedU128::from_inner(20); 3]).unwrap();
		assert_eq!((made.value.into_inner(), made.confidence.into_inner()), (20, 1));
		for value in [1, 2, 19] {
			assert_eq!(
				judge(&[FixedU128::from_inner(value); 3]),
				Err(NoQuorum { fresh: 3, used: 3 })
			);
		}
	}

	#[test]
	fn the_largest_price_there_is() {
		let made = judge(&[FixedU128::from_inner(u128::MAX); 3]).unwrap();
		assert_eq!(
			(made.value.into_inner(), made.confidence.into_inner()),
			(u128::MAX, 1)
		);
	}

	#[test]
	fn the_widest_spread_there_is() {
		let (least, most) = (FixedU128::from_inner(1), FixedU128::from_inner(u128::MAX));
		// MAD times 5 and MAD times 1.4826 are beyond 128 bits: nobody is an outlier, and the price is none.
		assert_eq!(
			judge(&[least, least, most, most]),
			Err(NoQuorum { fresh: 4, used: 4 })
		);
		// One of three that lies leaves two: fewer than a quorum.
		assert_eq!(judge(&[least, most, most]), Err(NoQuorum { fresh: 3, used: 2 }));
	}

	#[test]
	fn whole_blocks_of_them_do_not_panic() {
		ExtBuilder::default().build_and_execute(|| {
			let extremes = [
				1,
				2,
				u128::MAX,
				u128::MAX - 1,
				1,
				10u128.pow(18),
				u128::MAX / 2,
				1,
			];
			let mut last = 0;
			for (n, value) in extremes.into_iter().cycle().take(40).enumerate() {
				block(START + n as Moment * 61 * SECOND, || {
					for who in 1..=5 {
						assert_ok!(feed(
							who,
							&[(BTC, FixedU128::from_inner(value)), (ETH, usd(2_000.0))]
						));
					}
				});
				// Of one or two units, the unit of confidence is too much: the price before stays.
				last = if value > 2 { value } else { last };
				assert_eq!(stored(BTC).value.into_inner(), last);
				assert_eq!(Prices::twap(ETH, 1), (n > 0).then(|| usd(2_000.0)));
			}
		});
	}
}

mod operators {
	use super::*;

	#[test]
	fn one_is_stuck_and_outvoted() {
		ExtBuilder::default().build_and_execute(|| {
			for n in 0..40 {
				let price = 100.0 + n as f64;
				block_with(START + n * 2 * SECOND, BTC, &[price, price, price, price, 100.0]);
				assert_eq!(stored(BTC).value, usd(price));
			}
			let last = Prices::operator_values(BTC);
			assert_eq!(last.iter().filter(|v| v.outlier).count(), 1);
			assert!(last[4].fresh && last[4].outlier && last[4].value == usd(100.0));
		});
	}

	#[test]
	fn one_is_delayed_counts_until_it_is_too_old_and_again_when_it_is_back() {
		ExtBuilder::default().build_and_execute(|| {
			let fresh = |now: Moment, values: &[f64]| {
				block_with(now, BTC, values);
				Prices::operator_values(BTC).iter().filter(|v| v.fresh).count()
			};
			assert_eq!(fresh(START, &[100.0; 5]), 5);
			assert_eq!(fresh(START + 30 * SECOND, &[100.0; 4]), 5);
			assert_eq!(fresh(START + 60 * SECOND, &[100.0; 4]), 5);
			assert_eq!(fresh(START + 62 * SECOND, &[100.0; 4]), 4);
			assert_eq!(fresh(START + 64 * SECOND, &[100.0; 5]), 5);
		});
	}

	#[test]
	fn a_jump_by_all_is_a_price() {
		ExtBuilder::default().build_and_execute(|| {
			block_with(START, BTC, &[10_000.0, 10_001.0, 9_999.0]);
			block_with(START + 2 * SECOND, BTC, &[1_000.0, 1_000.1, 999.9]);
			assert_eq!(stored(BTC).value, usd(1_000.0));
			assert_eq!(stored(BTC).at, START + 2 * SECOND);
			block_with(START + 4 * SECOND, BTC, &[10_000.0, 10_001.0, 9_999.0]);
			assert_eq!(stored(BTC).value, usd(10_000.0));
		});
	}

	#[test]
	fn a_stranger_feeds_nothing() {
		ExtBuilder::default().build_and_execute(|| {
			block(START, || {
				assert_noop!(feed(77, &[(BTC, usd(1.0))]), Error::<Test>::NotOperator);
				assert!(Pending::<Test>::get().is_empty());
			});
			assert!(Prices::operator_values(BTC).is_empty());
			assert!(events().is_empty());
		});
	}

	#[test]
	fn nobody_feeds_twice_in_a_block() {
		ExtBuilder::default().build_and_execute(|| {
			block(START, || {
				assert_ok!(feed(1, &[(BTC, usd(100.0))]));
				assert_noop!(feed(1, &[(BTC, usd(101.0))]), Error::<Test>::AlreadyFed);
			});
			assert_eq!(Prices::operator_values(BTC).len(), 1);
		});
	}

	#[test]
	fn root_is_one_operator_also_when_its_account_is_a_member() {
		let by_root = || {
			let values = vec![(BTC, usd(100.0))].try_into().unwrap();
			Oracle::feed_values(RuntimeOrigin::root(), values)
				.map(|_| ())
				.map_err(|e| e.error)
		};
		ExtBuilder::default().build_and_execute(|| {
			block(START, || {
				assert_ok!(by_root());
				assert_ok!(feed(1, &[(BTC, usd(100.0))]));
			});
			assert_eq!(Prices::operator_values(BTC).len(), 2);
			assert!(!Feeds::<Test>::get(BTC).unwrap().has_price());
			// The oracle's own list counts it twice then; two and one would be a quorum.
			assert_ok!(Prices::add_operator(RuntimeOrigin::root(), root_operator()));
			block(START + 2 * SECOND, || {
				assert_ok!(by_root());
				assert_ok!(feed(1, &[(BTC, usd(100.0))]));
			});
			assert_eq!(Oracle::read_raw_values(&BTC).len(), 3);
			assert_eq!(Prices::operator_values(BTC).len(), 2);
			assert!(!Feeds::<Test>::get(BTC).unwrap().has_price());
			// With two others it is a quorum of three.
			block(START + 4 * SECOND, || {
				assert_ok!(by_root());
				assert_ok!(feed(1, &[(BTC, usd(100.0))]));
				assert_ok!(feed(2, &[(BTC, usd(100.0))]));
			});
			assert_eq!(stored(BTC).value, usd(100.0));
		});
	}

	#[test]
	fn a_feed_nobody_registered_is_ignored() {
		ExtBuilder::default().build_and_execute(|| {
			block(START, || {
				for who in 1..=5 {
					assert_noop!(feed(who, &[(NOTHING, usd(1.0))]), Error::<Test>::NothingToFeed);
				}
				assert!(Pending::<Test>::get().is_empty());
			});
			assert!(Prices::operator_values(NOTHING).is_empty());
			assert_eq!(
				ask(NOTHING, PriceFor::ReduceRisk),
				Err(DispatchError::from(Error::<Test>::UnknownFeed))
			);
		});
	}

	#[test]
	fn the_order_within_a_block_does_not_matter() {
		let run = |order: [u64; 5]| {
			let mut price = None;
			ExtBuilder::default().build_and_execute(|| {
				block(START, || {
					for who in order {
						assert_ok!(feed(who, &[(BTC, usd(100.0 + who as f64 / 10.0))]));
					}
				});
				assert_eq!(events().len(), 2);
				price = Some(stored(BTC));
			});
			price.unwrap()
		};
		let expected = run([1, 2, 3, 4, 5]);
		assert_eq!(run([5, 4, 3, 2, 1]), expected);
		assert_eq!(run([3, 1, 5, 2, 4]), expected);
	}

	#[test]
	fn nobody_sees_a_price_in_its_own_block() {
		ExtBuilder::default().build_and_execute(|| {
			block_with(START, BTC, &[100.0; 3]);
			block(START + 2 * SECOND, || {
				for who in 1..=3 {
					assert_ok!(feed(who, &[(BTC, usd(200.0))]));
				}
				assert_eq!(ask(BTC, PriceFor::ReduceRisk).unwrap().value, usd(100.0));
			});
			assert_eq!(ask(BTC, PriceFor::ReduceRisk).unwrap().value, usd(200.0));
		});
	}
}
