//! What is suspended makes no price, and its absence gives nobody a majority.

use super::*;
use crate::Withheld;

const SECOND: Moment = 1_000;

fn honest(who: impl IntoIterator<Item = u64>) {
	for who in who {
		let _ = feed(who, &[(BTC, usd(100.0))]);
	}
}

fn fit() -> [bool; 3] {
	[PriceFor::AddRisk, PriceFor::Liquidate, PriceFor::ReduceRisk].map(|purpose| ask(BTC, purpose).is_ok())
}

/// Enough prices for liquidations.
fn settled() -> Moment {
	let mut now = START;
	for _ in 0..10 {
		now += 2 * SECOND;
		block(now, || honest(1..=5));
	}
	assert_eq!(fit(), [true; 3]);
	now
}

/// Kind: bad operators whose values count until somebody removes them. Three of five made the price;
/// suspended, what they fed already counts no more within the block.
#[test]
fn suspended_operators_do_not_count_from_this_moment_on() {
	ExtBuilder::default().build_and_execute(|| {
		let now = settled();
		let bad = || {
			for who in 1..=3 {
				let _ = feed(who, &[(BTC, usd(103.0))]);
			}
			honest(4..=5);
		};
		block(now + 2 * SECOND, bad);
		assert_eq!(stored(BTC).value, usd(103.0));
		block(now + 4 * SECOND, || {
			for who in 1..=3 {
				assert_ok!(Prices::suspend_operator(&who, true));
			}
			assert_eq!(fit(), [false, false, true]);
			assert_noop!(feed(1, &[(BTC, usd(103.0))]), Error::<Test>::OperatorSuspended);
			honest(4..=5);
		});
		assert_eq!(fit(), [false, false, true]);
		assert_eq!(
			ask(BTC, PriceFor::AddRisk),
			Err(Error::<Test>::PriceWithheld.into())
		);
		assert_eq!(Prices::operator_values(BTC).len(), 2);
		for who in 1..=3 {
			assert_ok!(Prices::suspend_operator(&who, false));
		}
		// Not by being let go alone: it takes a price.
		assert_eq!(fit(), [false, false, true]);
		block(now + 6 * SECOND, || honest(1..=5));
		assert_eq!(stored(BTC).value, usd(100.0));
		assert_eq!(fit(), [true; 3]);
	});
}

/// Kind: a power to stop that is a power to choose. With one of five suspended the other four make the price;
/// with two honest ones suspended, two liars and one honest operator would be a majority of liars, and make
/// none.
#[test]
fn suspending_honest_operators_makes_no_majority_of_liars() {
	ExtBuilder::default().build_and_execute(|| {
		let now = settled();
		block(now + 2 * SECOND, || {
			assert_ok!(Prices::suspend_operator(&1, true));
			honest(2..=5);
		});
		assert_eq!(fit(), [true; 3]);
		block(now + 4 * SECOND, || {
			assert_ok!(Prices::suspend_operator(&2, true));
			honest(3..=3);
			for liar in 4..=5 {
				assert_ok!(feed(liar, &[(BTC, usd(150.0))]));
			}
		});
		assert_eq!(stored(BTC).value, usd(100.0));
		assert_eq!(fit(), [false, false, true]);
	});
}

/// The same with more operators than twice the quorum, where a quorum is no majority: five liars of eleven,
/// with two honest operators suspended, are as many as the quorum, and more than the honest ones that feed.
#[test]
fn suspending_some_of_many_makes_no_price_of_a_minority() {
	for (all, liars, suspended) in [(11, 5, 2), (11, 5, 1), (8, 4, 1), (16, 7, 2), (5, 2, 2)] {
		ExtBuilder::default().build_and_execute(|| {
			for who in 6..=all {
				assert_ok!(Prices::add_operator(RuntimeOrigin::root(), who));
			}
			let mut now = START;
			let block = |now: &mut Moment, lie: Option<f64>| {
				*now += 2 * SECOND;
				super::block(*now, || {
					for who in 1..=all {
						let price = lie.filter(|_| who <= liars).unwrap_or(100.0);
						let _ = feed(who, &[(BTC, usd(price))]);
					}
				});
			};
			(0..10).for_each(|_| block(&mut now, None));
			assert_eq!((stored(BTC).value, fit()), (usd(100.0), [true; 3]));
			for who in all - suspended + 1..=all {
				assert_ok!(Prices::suspend_operator(&who, true));
			}
			for _ in 0..10 {
				block(&mut now, Some(50.0));
				assert_eq!(
					stored(BTC).value,
					usd(100.0),
					"{liars} of {all}, {suspended} suspended"
				);
				assert_eq!(fit(), [false, false, true]);
			}
			// As many honest ones as are more than half of all make one.
			for who in all - suspended + 1..=all {
				assert_ok!(Prices::suspend_operator(&who, false));
			}
			(0..3).for_each(|_| block(&mut now, None));
			assert_eq!((stored(BTC).value, fit()), (usd(100.0), [true; 3]));
		});
	}
}

#[test]
fn a_suspended_feed_has_no_price_but_for_leaving() {
	ExtBuilder::default().build_and_execute(|| {
		let mut now = settled();
		block(now + 2 * SECOND, || {
			assert_ok!(Prices::suspend_feed(BTC, true));
			assert_noop!(Prices::suspend_feed(NOTHING, true), Error::<Test>::UnknownFeed);
			assert_eq!(fit(), [false, false, true]);
		});
		now += 2 * SECOND;
		let last = stored(BTC);
		let leaving = Parameters::get().reduce_risk_age;
		while now < last.at + leaving + 10 * SECOND {
			now += 10 * SECOND;
			block(now, || {
				for who in 1..=5 {
					assert_ok!(feed(who, &[(BTC, usd(90.0))]));
				}
			});
			assert_eq!(stored(BTC).value, last.value);
			// Leaving goes by age as ever.
			assert_eq!(fit(), [false, false, now <= last.since + leaving]);
		}
		assert_ok!(Prices::suspend_feed(BTC, false));
		block(now + 2 * SECOND, || honest(1..=5));
		assert_eq!(Feeds::<Test>::get(BTC).unwrap().withheld, Withheld::No);
		// As after any outage: leaving at once, the rest after some prices.
		assert_eq!(fit(), [false, false, true]);
		for n in 2..=3u64 {
			block(now + 2 * n * SECOND, || honest(1..=5));
		}
		assert_eq!(fit(), [true; 3]);
	});
}

/// An operator's suspension leaves a feed's as it is.
#[test]
fn a_feed_stays_suspended_whatever_becomes_of_operators() {
	ExtBuilder::default().build_and_execute(|| {
		let now = settled();
		block(now + 2 * SECOND, || {
			assert_ok!(Prices::suspend_feed(BTC, true));
			assert_ok!(Prices::suspend_operator(&1, true));
			honest(2..=5);
		});
		assert_ok!(Prices::suspend_operator(&1, false));
		block(now + 4 * SECOND, || honest(1..=5));
		assert_eq!(Feeds::<Test>::get(BTC).unwrap().withheld, Withheld::Suspended);
		assert_noop!(Prices::suspend_operator(&99, true), Error::<Test>::NotOperator);
	});
}
