//! Who may act on which price, and what is said when there is none.

use super::*;
use sp_runtime::DispatchError;

const SECOND: Moment = 1_000;

fn refused(error: Error<Test>) -> Result<keel_primitives::Price, DispatchError> {
	Err(error.into())
}

/// Five agreeing operators, three prices: nothing is recovering after it. Returns the last price's time.
fn settle() -> Moment {
	for n in 0..3 {
		block_with(START + n * 2 * SECOND, BTC, &[100.0; 5]);
	}
	START + 4 * SECOND
}

mod age {
	use super::*;

	#[test]
	fn a_price_nobody_made_is_missing() {
		ExtBuilder::default().build_and_execute(|| {
			for purpose in [PriceFor::AddRisk, PriceFor::ReduceRisk, PriceFor::Liquidate] {
				assert_eq!(ask(BTC, purpose), refused(Error::PriceMissing));
				assert_eq!(ask(NOTHING, purpose), refused(Error::UnknownFeed));
			}
			assert_eq!(Prices::volatility(BTC), None);
			assert_eq!(Prices::volatility(NOTHING), None);
		});
	}

	#[test]
	fn each_purpose_refuses_at_its_own_when_the_quorum_is_lost() {
		ExtBuilder::default().build_and_execute(|| {
			let at = settle();
			// (seconds since the last price, who may still act)
			let cases = [
				(30, [true, true, true]),
				(31, [false, true, true]),
				(60, [false, true, true]),
				(61, [false, true, false]),
				(300, [false, true, false]),
				(301, [false, false, false]),
			];
			for (age, expected) in cases {
				// Two of five go on feeding, which doesn't help once the others' values are too old. Until then no
				// block has a new value: it would make a price.
				let now = at + age * SECOND;
				if age > 60 {
					block_with(now, BTC, &[100.0; 2]);
				} else {
					block(now, || ());
				}
				assert_eq!(stored(BTC).at, at);
				let purposes = [PriceFor::AddRisk, PriceFor::ReduceRisk, PriceFor::Liquidate];
				for (purpose, fine) in purposes.into_iter().zip(expected) {
					let answer = ask(BTC, purpose);
					if fine {
						assert_eq!(answer.unwrap(), stored(BTC));
					} else {
						assert_eq!(answer, refused(Error::PriceTooOld), "{purpose:?} after {age} s");
					}
				}
			}
			assert_eq!(
				Prices::price(BTC).unwrap().add_risk,
				Err(Refusal::TooOld {
					age: 301_000,
					limit: 30_000
				})
			);
		});
	}

	#[test]
	fn limits_are_the_governed_ones() {
		ExtBuilder::default().build_and_execute(|| {
			settle();
			Parameters::mutate(|p| p.add_risk_age = 1_999);
			block(START + 6 * SECOND, || ());
			assert_eq!(ask(BTC, PriceFor::AddRisk), refused(Error::PriceTooOld));
			Parameters::mutate(|p| p.add_risk_age = 2_000);
			assert_ok!(ask(BTC, PriceFor::AddRisk));
		});
	}
}

mod confidence {
	use super::*;

	/// A confidence of about `percent` of the price: five values with the given median deviation.
	fn spread(percent: f64) -> [f64; 5] {
		let mad = percent / 1.4826;
		[
			100.0,
			100.0 + mad,
			100.0 - mad,
			100.0 + 2.0 * mad,
			100.0 - 2.0 * mad,
		]
	}

	#[test]
	fn each_purpose_refuses_at_its_own() {
		ExtBuilder::default().build_and_execute(|| {
			settle();
			let cases = [
				(0.99, [true, true, true]),
				(1.01, [false, true, true]),
				(1.99, [false, true, true]),
				(2.01, [false, true, false]),
				(4.99, [false, true, false]),
			];
			for (n, (percent, expected)) in (3..).zip(cases) {
				block_with(START + n * 2 * SECOND, BTC, &spread(percent));
				let purposes = [PriceFor::AddRisk, PriceFor::ReduceRisk, PriceFor::Liquidate];
				for (purpose, fine) in purposes.into_iter().zip(expected) {
					let answer = ask(BTC, purpose);
					if fine {
						assert_ok!(answer);
					} else {
						assert_eq!(
							answer,
							refused(Error::PriceTooUncertain),
							"{purpose:?} at {percent} %"
						);
					}
				}
			}
			// A limit that tightens meets prices that were published before.
			Parameters::mutate(|p| p.reduce_risk_confidence = FixedU128::from_rational(49, 1_000));
			assert_eq!(ask(BTC, PriceFor::ReduceRisk), refused(Error::PriceTooUncertain));
			let Err(Refusal::TooUncertain { confidence, limit }) = Prices::price(BTC).unwrap().reduce_risk
			else {
				panic!("not refused for its confidence")
			};
			assert_eq!((confidence, limit), (stored(BTC).confidence, usd(4.9)));
		});
	}

	#[test]
	fn beyond_the_most_lenient_there_is_no_price_and_the_old_one_ages() {
		ExtBuilder::default().build_and_execute(|| {
			let at = settle();
			let before = Feeds::<Test>::get(BTC).unwrap();
			block_with(at + 2 * SECOND, BTC, &spread(5.01));
			let lost = Event::QuorumLost {
				feed: BTC,
				fresh: 5,
				used: 5,
			};
			assert_eq!(events(), [lost]);
			let after = Feeds::<Test>::get(BTC).unwrap();
			assert!(!after.quorum);
			assert_eq!((after.price, after.streak), (before.price, before.streak));
			block_with(at + 4 * SECOND, BTC, &spread(5.01));
			assert_eq!(events(), [], "said once");
			assert_ok!(ask(BTC, PriceFor::Liquidate));
			block_with(at + 62 * SECOND, BTC, &spread(5.01));
			assert_eq!(ask(BTC, PriceFor::Liquidate), refused(Error::PriceTooOld));
			assert_ok!(ask(BTC, PriceFor::ReduceRisk));
			block_with(at + 64 * SECOND, BTC, &spread(4.99));
			assert_eq!(events()[0], Event::QuorumRestored { feed: BTC });
			assert_eq!(stored(BTC).at, at + 64 * SECOND);
			assert_eq!(Feeds::<Test>::get(BTC).unwrap().streak, 1, "it was an outage");
		});
	}

	#[test]
	fn a_price_of_one_unit_is_all_uncertainty_and_none() {
		ExtBuilder::default().build_and_execute(|| {
			for n in 0..3 {
				block(START + n * 2 * SECOND, || {
					for who in 1..=5 {
						assert_ok!(feed(who, &[(BTC, FixedU128::from_inner(1))]));
					}
				});
			}
			assert_eq!(ask(BTC, PriceFor::ReduceRisk), refused(Error::PriceMissing));
			assert_eq!(Prices::price(BTC).unwrap().confidence_ratio, None);
		});
	}
}

mod fitness {
	use super::*;

	fn fit_at() -> Option<Moment> {
		<Prices as PriceProvider>::fit_at(BTC)
	}

	fn last() -> Option<keel_primitives::Price> {
		<Prices as PriceProvider>::last(BTC)
	}

	/// Five values whose confidence is exactly `1.4826·mad`, around 100.
	fn around(mad: f64) -> [f64; 5] {
		[
			100.0,
			100.0 + mad,
			100.0 - mad,
			100.0 + 2.0 * mad,
			100.0 - 2.0 * mad,
		]
	}

	#[test]
	fn of_a_feed_without_a_price_is_never() {
		ExtBuilder::default().build_and_execute(|| {
			for feed in [BTC, NOTHING] {
				assert_eq!(<Prices as PriceProvider>::last(feed), None);
				assert_eq!(<Prices as PriceProvider>::fit_at(feed), None);
			}
			assert_eq!(Prices::price(BTC).unwrap().fit_at, None);
			// Values that make no price leave it so.
			block_with(START, BTC, &[100.0; 2]);
			assert_eq!((last(), fit_at()), (None, None));
		});
	}

	#[test]
	fn is_of_the_last_price_that_agreed_enough() {
		ExtBuilder::default().build_and_execute(|| {
			let at = settle();
			assert_eq!((last(), fit_at()), (Some(stored(BTC)), Some(at)));
			// At 1.4 %: good for leaving and for liquidating, not for adding risk.
			for n in 1..=3 {
				let now = at + n * 2 * SECOND;
				block_with(now, BTC, &around(0.95));
				assert_eq!(ask(BTC, PriceFor::AddRisk), refused(Error::PriceTooUncertain));
				assert_eq!(last().map(|p| p.at), Some(now));
				assert_eq!(fit_at(), Some(at));
				assert_eq!(Prices::price(BTC).unwrap().fit_at, Some(at));
			}
			block_with(at + 8 * SECOND, BTC, &around(0.1));
			assert_eq!(fit_at(), Some(at + 8 * SECOND));
		});
	}

	#[test]
	fn ends_exactly_at_the_limit() {
		ExtBuilder::default().build_and_execute(|| {
			let at = settle();
			block_with(at + 2 * SECOND, BTC, &around(0.5));
			let ratio = Prices::price(BTC).unwrap().confidence_ratio.unwrap();
			let below = ratio - FixedU128::from_inner(1);
			for (n, limit, fit) in [(2, ratio, true), (3, below, false)] {
				Parameters::mutate(|p| p.add_risk_confidence = limit);
				let now = at + n * 2 * SECOND;
				block_with(now, BTC, &around(0.5));
				assert_eq!(fit_at() == Some(now), fit);
				assert_eq!(ask(BTC, PriceFor::AddRisk).is_ok(), fit);
			}
		});
	}

	#[test]
	fn when_the_price_ages_should_stay_with_the_last_one_whatever_its_age() {
		ExtBuilder::default().build_and_execute(|| {
			let at = settle();
			let price = stored(BTC);
			block(at + 86_400 * SECOND, || ());
			assert_eq!(ask(BTC, PriceFor::ReduceRisk), refused(Error::PriceTooOld));
			let before = |p: keel_primitives::Price| (p.value, p.confidence, p.at, p.twap);
			assert_eq!(last().map(before), Some(before(price)));
			assert_eq!(fit_at(), Some(at));
		});
	}

	#[test]
	fn when_the_limit_moves_should_not_be_rewritten() {
		ExtBuilder::default().build_and_execute(|| {
			let at = settle();
			block_with(at + 2 * SECOND, BTC, &around(0.95));
			assert_eq!(fit_at(), Some(at));
			Parameters::mutate(|p| p.add_risk_confidence = FixedU128::from_rational(2, 100));
			// Risk may be added on it now; that it was not fit when it was made stays so.
			assert_ok!(ask(BTC, PriceFor::AddRisk));
			assert_eq!(fit_at(), Some(at));
			Parameters::mutate(|p| p.add_risk_confidence = FixedU128::from_inner(0));
			assert_eq!(fit_at(), Some(at));
			block_with(at + 4 * SECOND, BTC, &[100.0; 5]);
			assert_eq!(fit_at(), Some(at));
		});
	}

	/// Kind: a feed on which nobody may act counts as one that is there. Three operators of five, once a
	/// minute and a bit.
	#[test]
	fn is_not_renewed_by_a_feed_that_always_recovers() {
		ExtBuilder::default().build_and_execute(|| {
			let mut now = settle();
			let seldom = Parameters::get().oracle_max_age + 10 * SECOND;
			now += seldom;
			let first = now;
			for _ in 0..60 {
				block_with(now, BTC, &[80.0; 5]);
				block_with(now + 2 * SECOND, BTC, &[80.0; 5]);
				assert_eq!(ask(BTC, PriceFor::Liquidate), refused(Error::PriceRecovering));
				assert_eq!(fit_at(), Some(first));
				now += seldom + 2 * SECOND;
			}
			for block in 0..3 {
				block_with(now + block * 2 * SECOND, BTC, &[80.0; 5]);
			}
			assert_ok!(ask(BTC, PriceFor::Liquidate));
			assert_eq!(fit_at(), Some(now + 4 * SECOND));
		});
	}

	#[test]
	fn is_not_put_off_by_a_recovery() {
		ExtBuilder::default().build_and_execute(|| {
			let back = settle() + 3_600 * SECOND;
			block_with(back, BTC, &[80.0; 5]);
			assert_eq!(ask(BTC, PriceFor::Liquidate), refused(Error::PriceRecovering));
			assert_eq!(fit_at(), Some(back));
		});
	}

	#[test]
	fn goes_with_its_feed() {
		ExtBuilder::default().build_and_execute(|| {
			settle();
			assert_ok!(Prices::remove_feed(RuntimeOrigin::root(), BTC));
			assert_eq!((last(), fit_at()), (None, None));
		});
	}
}

mod recovery {
	use super::*;

	/// What the first prices after an outage are no market for.
	const WAITING: [PriceFor; 2] = [PriceFor::AddRisk, PriceFor::Liquidate];

	#[test]
	fn nobody_is_liquidated_and_no_risk_is_added_before_the_third_price_of_a_new_feed() {
		ExtBuilder::default().build_and_execute(|| {
			for n in 0..3 {
				block_with(START + n * 2 * SECOND, BTC, &[100.0; 3]);
				assert_ok!(ask(BTC, PriceFor::ReduceRisk));
				if n < 2 {
					assert!(WAITING
						.map(|p| ask(BTC, p))
						.iter()
						.all(|a| *a == refused(Error::PriceRecovering)));
				}
			}
			for purpose in WAITING {
				assert_ok!(ask(BTC, purpose));
			}
		});
	}

	/// Kind: the first price after an outage is made of values that waited, and is no reason to act on.
	///
	/// Risk was added on it, at 187,000 kUSD against 180,000 of collateral.
	#[test]
	fn nobody_is_liquidated_and_no_risk_is_added_before_the_third_price_after_all_operators_were_gone() {
		ExtBuilder::default().build_and_execute(|| {
			let at = settle();
			assert_ok!(ask(BTC, PriceFor::Liquidate));
			let back = at + 3_600 * SECOND;
			for n in 0..3 {
				block_with(back + n * 2 * SECOND, BTC, &[80.0; 5]);
				assert_eq!(stored(BTC).value, usd(80.0));
				assert_ok!(ask(BTC, PriceFor::ReduceRisk));
				if n < 2 {
					assert!(WAITING
						.map(|p| ask(BTC, p))
						.iter()
						.all(|a| *a == refused(Error::PriceRecovering)));
					let view = Prices::price(BTC).unwrap();
					let prices = n as u32 + 1;
					let recovering = Err(Refusal::Recovering { prices, needed: 3 });
					assert_eq!((view.add_risk, view.liquidate), (recovering, recovering));
				}
			}
			for purpose in WAITING {
				assert_ok!(ask(BTC, purpose));
			}
		});
	}

	#[test]
	fn a_gap_of_exactly_the_maximum_age_is_none() {
		ExtBuilder::default().build_and_execute(|| {
			let at = settle();
			block_with(at + 60 * SECOND, BTC, &[100.0; 5]);
			assert_ok!(ask(BTC, PriceFor::Liquidate));
			block_with(at + 120 * SECOND + 1, BTC, &[100.0; 5]);
			assert_eq!(ask(BTC, PriceFor::Liquidate), refused(Error::PriceRecovering));
		});
	}

	#[test]
	fn two_blocks_of_one_moment_are_one_price() {
		ExtBuilder::default().build_and_execute(|| {
			for price in [100.0, 101.0, 102.0, 103.0] {
				block_with(START, BTC, &[price; 3]);
				assert_eq!(stored(BTC).value, usd(price));
				assert_eq!(stored(BTC).twap, usd(price));
				assert_eq!(Feeds::<Test>::get(BTC).unwrap().streak, 1);
			}
			assert_eq!(History::<Test>::get(BTC).len(), 1);
			assert_eq!(ask(BTC, PriceFor::Liquidate), refused(Error::PriceRecovering));
		});
	}
}

/// A stop of the chain, as the clock tells of it.
mod stops {
	use super::*;
	use crate::Recovering;
	use keel_primitives::{OnGap, Recovery};

	fn needed() -> u32 {
		<Prices as Recovery>::blocks_needed()
	}

	/// A block after a stop of an hour, told before its transactions.
	fn stop(values: &[f64]) -> Moment {
		let now = settle() + 3_600 * SECOND;
		block(now, || {
			<Prices as OnGap>::on_gap(3_600 * SECOND);
			for (who, value) in (1..).zip(values) {
				assert_ok!(feed(who, &[(BTC, usd(*value))]));
			}
		});
		now
	}

	#[test]
	fn are_over_after_as_many_blocks_with_a_price_as_a_feed_needs() {
		ExtBuilder::default().build_and_execute(|| {
			let now = stop(&[80.0; 5]);
			assert_eq!(needed(), 2);
			// Blocks without a price are no progress, whichever feed has one is.
			block(now + 2 * SECOND, || ());
			block_with(now + 4 * SECOND, BTC, &[]);
			assert_eq!(needed(), 2);
			block_with(now + 6 * SECOND, ETH, &[3_000.0; 5]);
			assert_eq!(needed(), 1);
			assert!(!events().contains(&Event::ChainRecovered));
			block_with(now + 8 * SECOND, BTC, &[80.0; 5]);
			assert_eq!(needed(), 0);
			assert!(events().contains(&Event::ChainRecovered));
			assert!(!Recovering::<Test>::exists());
			block_with(now + 10 * SECOND, BTC, &[80.0; 5]);
			assert!(!events().contains(&Event::ChainRecovered));
		});
	}

	#[test]
	fn begin_anew_with_the_next_one_and_follow_the_governed_number() {
		ExtBuilder::default().build_and_execute(|| {
			stop(&[80.0; 5]);
			Parameters::mutate(|p| p.recovery_prices = 5);
			<Prices as OnGap>::on_gap(0);
			assert_eq!(needed(), 5);
			Parameters::mutate(|p| p.recovery_prices = 0);
			<Prices as OnGap>::on_gap(0);
			assert_eq!(needed(), 0);
			assert!(!Recovering::<Test>::exists());
		});
	}

	/// Kind: a fuse that reads time counts a stop as if something had gone wrong all the while.
	#[test]
	fn are_no_time_without_a_fit_price() {
		ExtBuilder::default().build_and_execute(|| {
			// The operators come back a block late.
			let now = stop(&[]);
			assert_eq!(<Prices as PriceProvider>::fit_at(BTC), Some(now));
			// Feeds that never had a price still have none.
			assert_eq!(<Prices as PriceProvider>::fit_at(ETH), None);
			block_with(now + 2 * SECOND, BTC, &[80.0; 5]);
			assert_eq!(<Prices as PriceProvider>::fit_at(BTC), Some(now + 2 * SECOND));
		});
	}
}

mod quorum {
	use super::*;

	fn lost(fresh: u32) -> Event<Test> {
		Event::QuorumLost {
			feed: BTC,
			fresh,
			used: 0,
		}
	}

	#[test]
	fn its_loss_and_its_return_are_said_once() {
		ExtBuilder::default().build_and_execute(|| {
			block_with(START, BTC, &[100.0; 2]);
			assert_eq!(events(), [], "a feed that never had a quorum does not lose it");
			block_with(START + 2 * SECOND, BTC, &[100.0; 5]);
			let updated = Event::PriceUpdated {
				feed: BTC,
				value: usd(100.0),
				confidence: FixedU128::from_inner(1),
				fresh: 5,
				used: 5,
			};
			assert_eq!(events(), [Event::QuorumRestored { feed: BTC }, updated.clone()]);
			block_with(START + 4 * SECOND, BTC, &[100.0; 2]);
			assert_eq!(events(), std::slice::from_ref(&updated).to_vec());
			for n in 0..10 {
				block_with(START + (70 + n * 2) * SECOND, BTC, &[100.0; 2]);
				assert_eq!(events(), if n == 0 { vec![lost(2)] } else { vec![] });
			}
			block_with(START + 100 * SECOND, BTC, &[100.0; 5]);
			assert_eq!(events(), [Event::QuorumRestored { feed: BTC }, updated]);
		});
	}

	#[test]
	fn its_loss_is_noticed_when_everybody_is_silent() {
		ExtBuilder::default().build_and_execute(|| {
			let at = settle();
			let mut said = vec![];
			for n in 1..=100 {
				block(at + n * 2 * SECOND, || ());
				said.extend(events().into_iter().map(|e| (n * 2, e)));
			}
			let [(after, event)] = &said[..] else {
				panic!("{said:?}")
			};
			assert_eq!(*event, lost(0));
			// The operators' values count for a minute, and samples are a minute apart.
			assert!(*after > 60 && *after <= 121, "{after}");
			assert!(!Prices::price(BTC).unwrap().quorum);
		});
	}

	#[test]
	fn disagreement_loses_it_too() {
		ExtBuilder::default().build_and_execute(|| {
			settle();
			Parameters::mutate(|p| p.outlier_deviations = FixedU128::from_rational(1, 2));
			block_with(START + 6 * SECOND, BTC, &[100.0, 90.0, 90.0, 110.0, 110.0]);
			assert_eq!(
				events(),
				[Event::QuorumLost {
					feed: BTC,
					fresh: 5,
					used: 1
				}]
			);
			assert_eq!(stored(BTC).at, START + 4 * SECOND);
		});
	}
}

mod reads {
	use super::*;
	use frame_support::hypothetically;

	/// Every key of the state.
	fn keys() -> Vec<Vec<u8>> {
		core::iter::successors(sp_io::storage::next_key(&[]), |key| sp_io::storage::next_key(key)).collect()
	}

	#[test]
	fn an_answer_takes_the_feed_and_the_clock_and_nothing_else_that_is_stored() {
		ExtBuilder::default().build_and_execute(|| {
			let at = settle();
			block(at + 61 * SECOND, || ());
			// The governed numbers come from the mock, not from storage.
			let feed_key = Feeds::<Test>::hashed_key_for(BTC);
			let clock_key = pallet_timestamp::Now::<Test>::hashed_key().to_vec();
			let answer = refused(Error::PriceTooOld);
			assert_eq!(ask(BTC, PriceFor::Liquidate), answer);
			hypothetically!({
				for key in keys()
					.iter()
					.filter(|key| **key != feed_key && **key != clock_key)
				{
					sp_io::storage::clear(key);
				}
				assert_eq!(keys().len(), 2);
				assert_eq!(ask(BTC, PriceFor::Liquidate), answer);
				assert_ok!(ask(BTC, PriceFor::ReduceRisk));
			});
			for key in [feed_key, clock_key] {
				hypothetically!({
					sp_io::storage::clear(&key);
					assert_ne!(ask(BTC, PriceFor::Liquidate), answer);
				});
			}
		});
	}
}

mod since {
	use super::*;

	#[test]
	fn a_price_is_as_new_as_what_more_than_three_quarters_of_its_values_are() {
		ExtBuilder::default().build_and_execute(|| {
			let before = settle();
			assert_eq!((stored(BTC).at, stored(BTC).since), (before, before));
			// One who says again what he said, or two or three who are first: the price is made again, of what was said before.
			for (later, speakers) in [(10, 1), (20, 2), (21, 3)] {
				let now = before + later * SECOND;
				block_with(now, BTC, &vec![100.0; speakers]);
				assert_eq!((stored(BTC).at, stored(BTC).since), (now, before));
			}
			// Four of five.
			let now = before + 22 * SECOND;
			block_with(now, BTC, &[98.0; 4]);
			assert_eq!((stored(BTC).at, stored(BTC).since), (now, now));
		});
	}

	/// Whoever repeats the old price speaks first, honest ones follow one by one: as soon as the price counts as newer, it is
	/// theirs. From three operators to twelve, with as many liars as fit into a quarter.
	#[test]
	fn a_quarter_of_liars_cannot_make_an_old_price_new() {
		use crate::aggregation::{assess, combine};
		let chain = Parameters::get();
		let (old, new) = (usd(100.0), usd(100.4));
		for operators in 3..=12usize {
			for liars in 0..=operators / 4 {
				let (asked, spoken) = (1_000, 2_000);
				let mut counted = false;
				for honest in 0..=operators - liars {
					let values: Vec<_> = (0..operators)
						.map(|i| match i {
							_ if i < liars => (old, spoken),
							_ if i < liars + honest => (new, spoken),
							_ => (old, asked),
						})
						.collect();
					let price = combine(&assess(&values, spoken, &chain), &chain).unwrap();
					if price.since > asked {
						counted = true;
						assert_eq!(price.value, new, "{liars} of {operators} lie, {honest} spoke");
					}
				}
				assert!(counted, "{operators} operators are never heard");
			}
		}
	}

	#[test]
	fn outliers_make_nothing_newer() {
		ExtBuilder::default().build_and_execute(|| {
			let before = settle();
			let now = before + 10 * SECOND;
			// Two of five see the fall first, and are dropped.
			block_with(now, BTC, &[90.0; 2]);
			assert_eq!(
				(stored(BTC).at, stored(BTC).since, stored(BTC).value),
				(now, before, usd(100.0))
			);
		});
	}
}
