//! Adding, removing, genesis, views.

use super::*;
use frame_support::{dispatch::GetDispatchInfo, weights::Weight};
use sp_runtime::{BuildStorage, DispatchError};

fn symbol(text: &[u8]) -> Symbol {
	Symbol::try_from(text.to_vec()).unwrap()
}

/// Add a feed as root.
fn add(feed: FeedId, text: &[u8], volatility: f64) -> sp_runtime::DispatchResult {
	Prices::add_feed(RuntimeOrigin::root(), feed, symbol(text), usd(volatility))
}

mod add_feed {
	use super::*;

	#[test]
	fn works() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(add(6, b"SOL", 0.9));
			let initial_volatility = usd(0.9);
			assert_eq!(
				events(),
				[Event::FeedAdded {
					feed: 6,
					symbol: symbol(b"SOL"),
					initial_volatility
				}]
			);
			block_with(START, 6, &[20.0; 3]);
			assert_eq!(ask(6, PriceFor::ReduceRisk).unwrap().value, usd(20.0));
		});
	}

	#[test]
	fn is_for_the_admin() {
		ExtBuilder::default().build_and_execute(|| {
			let call = |origin| Prices::add_feed(origin, 6, symbol(b"SOL"), usd(0.9));
			assert_noop!(call(RuntimeOrigin::signed(1)), DispatchError::BadOrigin);
			assert_noop!(call(RuntimeOrigin::none()), DispatchError::BadOrigin);
		});
	}

	#[test]
	fn fails_for_a_taken_id() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(add(BTC, b"SOL", 0.9), Error::<Test>::FeedExists);
		});
	}

	#[test]
	fn fails_for_a_symbol_nobody_can_read() {
		ExtBuilder::default().build_and_execute(|| {
			for text in [&b""[..], b"S OL", b"SOL\n", "SØL".as_bytes(), &[0]] {
				assert_noop!(add(6, text, 0.9), Error::<Test>::InvalidSymbol);
			}
			assert_ok!(add(6, b"ABCDEFGHIJKLMNOP", 0.9));
		});
	}

	#[test]
	fn fails_above_the_highest_volatility() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(add(6, b"SOL", 100.1), Error::<Test>::VolatilityTooHigh);
			let most = FixedU128::from_inner(u128::MAX);
			assert_noop!(
				Prices::add_feed(RuntimeOrigin::root(), 6, symbol(b"SOL"), most),
				Error::<Test>::VolatilityTooHigh
			);
			assert_ok!(add(6, b"SOL", 100.0));
		});
	}

	#[test]
	fn fails_when_there_is_no_room() {
		ExtBuilder::default().build_and_execute(|| {
			for feed in 100..113 {
				assert_ok!(add(feed, b"X", 1.0));
			}
			assert_eq!(Feeds::<Test>::count(), MaxFeeds::get());
			assert_noop!(add(113, b"X", 1.0), Error::<Test>::TooManyFeeds);
			// All of them can be pending at once.
			let all: Vec<_> = Feeds::<Test>::iter_keys().map(|f| (f, usd(1.0))).collect();
			block(START, || {
				for who in 1..=3 {
					assert_ok!(feed(who, &all));
				}
				assert_eq!(Pending::<Test>::get().len(), 16);
			});
			assert!(Feeds::<Test>::iter_values().all(|s| s.has_price()));
		});
	}
}

mod remove_feed {
	use super::*;

	#[test]
	fn forgets_everything_about_it() {
		ExtBuilder::default().build_and_execute(|| {
			block(START, || {
				for who in 1..=3 {
					assert_ok!(feed(who, &[(BTC, usd(100.0)), (ETH, usd(10.0))]));
				}
			});
			block(START + 60_000, || {
				for who in 1..=3 {
					assert_ok!(feed(
						who,
						&[(BTC, usd(110.0)), (ETH, usd(11.0)), (USDC, usd(1.0))]
					));
				}
			});
			let kept = (Prices::covariance(ETH, ETH), Prices::covariance(ETH, USDC));
			block(START + 62_000, || {
				// In the middle of a block in which it is pending.
				assert_ok!(feed(1, &[(BTC, usd(100.0))]));
				assert_ok!(Prices::remove_feed(RuntimeOrigin::root(), BTC));
				assert!(Pending::<Test>::get().is_empty());
			});
			assert_eq!(events(), [Event::FeedRemoved { feed: BTC }]);
			assert!(!History::<Test>::contains_key(BTC));
			assert_eq!(Prices::covariance(BTC, BTC), None);
			assert_eq!(
				(Prices::covariance(ETH, ETH), Prices::covariance(ETH, USDC)),
				kept
			);
			assert_eq!(
				ask(BTC, PriceFor::ReduceRisk),
				Err(Error::<Test>::UnknownFeed.into())
			);
			// Its values are still with the oracle, and whoever kept its number would take them for
			// another's: no number is given twice.
			assert_noop!(add(BTC, b"BTC", 0.5), Error::<Test>::FeedExists);
			assert_ok!(add(7, b"BTC", 0.5));
			assert_eq!(
				ask(7, PriceFor::ReduceRisk),
				Err(Error::<Test>::PriceMissing.into())
			);
			assert_eq!(Prices::covariance(7, ETH).map(|c| c.into_inner()), Some(0));
		});
	}

	#[test]
	fn keeps_the_covariances_of_the_others_in_place() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(add(6, b"SOL", 0.9));
			for n in 0..20u64 {
				let moved = |k: f64| usd(100.0 * f64::exp((n as f64 * k).sin() * 0.02));
				let values = [
					(BTC, moved(0.9)),
					(ETH, moved(1.1)),
					(USDC, moved(0.3)),
					(6, moved(2.0)),
				];
				block(START + n * 60_000, || {
					for who in 1..=3 {
						assert_ok!(feed(who, &values));
					}
				});
			}
			for gone in [BTC, ETH, USDC, 6] {
				frame_support::hypothetically!({
					let rest: Vec<_> = [BTC, ETH, USDC, 6].into_iter().filter(|f| *f != gone).collect();
					let pairs = || {
						rest.iter()
							.flat_map(|a| rest.iter().map(move |b| Prices::covariance(*a, *b).unwrap()))
							.collect::<Vec<_>>()
					};
					let before = pairs();
					assert_ok!(Prices::remove_feed(RuntimeOrigin::root(), gone));
					assert_eq!(pairs(), before);
					Prices::do_try_state().unwrap();
				});
			}
		});
	}

	#[test]
	fn fails_for_a_feed_somebody_stands_on() {
		ExtBuilder::default().build_and_execute(|| {
			Used::set(vec![BTC, NOTHING]);
			block_with(START, BTC, &[100.0; 3]);
			block(START + 2_000, || {
				assert_ok!(feed(1, &[(BTC, usd(101.0))]));
				assert_noop!(
					Prices::remove_feed(RuntimeOrigin::root(), BTC),
					Error::<Test>::FeedInUse
				);
				assert!(Pending::<Test>::get().contains(&BTC));
			});
			// Whoever stands on it can still leave.
			assert_ok!(ask(BTC, PriceFor::ReduceRisk));
			// A feed that does not exist is unknown, whoever believes to stand on it.
			assert_noop!(
				Prices::remove_feed(RuntimeOrigin::root(), NOTHING),
				Error::<Test>::UnknownFeed
			);
			// Nobody stands on the others, and when the last one has left nobody does on this one.
			assert_ok!(Prices::remove_feed(RuntimeOrigin::root(), ETH));
			Used::set(vec![]);
			assert_ok!(Prices::remove_feed(RuntimeOrigin::root(), BTC));
			assert_eq!(Feeds::<Test>::iter_keys().collect::<Vec<_>>(), [USDC]);
		});
	}

	#[test]
	fn fails_for_an_unknown_feed_and_for_anybody_else() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(
				Prices::remove_feed(RuntimeOrigin::root(), NOTHING),
				Error::<Test>::UnknownFeed
			);
			assert_noop!(
				Prices::remove_feed(RuntimeOrigin::signed(1), BTC),
				DispatchError::BadOrigin
			);
		});
	}
}

mod genesis {
	use super::*;

	fn build(feeds: Vec<(FeedId, Vec<u8>, FixedU128)>) {
		let _ = crate::GenesisConfig::<Test> {
			feeds,
			..Default::default()
		}
		.build_storage()
		.unwrap();
	}

	#[test]
	#[should_panic(expected = "the genesis feeds are valid")]
	fn fails_for_a_feed_named_twice() {
		build(vec![(1, b"A".to_vec(), usd(1.0)), (1, b"B".to_vec(), usd(1.0))]);
	}

	#[test]
	#[should_panic(expected = "a symbol has at most 16 bytes")]
	fn fails_for_a_long_symbol() {
		build(vec![(1, vec![b'A'; 17], usd(1.0))]);
	}

	#[test]
	fn makes_feeds_without_prices() {
		ExtBuilder::default().build_and_execute(|| {
			assert_eq!(Feeds::<Test>::count(), 3);
			assert!(Feeds::<Test>::iter_values().all(|s| !s.has_price()));
		});
	}
}

mod views {
	use super::*;

	#[test]
	fn price_shows_all_there_is() {
		ExtBuilder::default().build_and_execute(|| {
			assert_eq!(Prices::price(NOTHING), None);
			let none = Prices::price(BTC).unwrap();
			assert_eq!(
				(none.age, none.confidence_ratio, none.quorum),
				(None, None, false)
			);
			assert_eq!(none.add_risk, Err(Refusal::Missing));
			block_with(START, BTC, &[100.0, 101.0, 99.0]);
			block(START + 40_000, || ());
			let view = Prices::price(BTC).unwrap();
			assert_eq!(view.symbol, symbol(b"BTC"));
			assert_eq!(view.price, stored(BTC));
			assert_eq!(view.age, Some(40_000));
			assert_eq!(
				view.confidence_ratio,
				Some(FixedU128::from_rational(14_826, 1_000_000))
			);
			assert_eq!((view.streak, view.quorum), (1, true));
			assert_eq!(
				view.add_risk,
				Err(Refusal::TooOld {
					age: 40_000,
					limit: 30_000
				})
			);
			assert_eq!(view.reduce_risk, Ok(()));
			assert_eq!(view.liquidate, Err(Refusal::Recovering { prices: 1, needed: 3 }));
		});
	}

	#[test]
	fn price_says_what_a_consumer_gets() {
		ExtBuilder::default().build_and_execute(|| {
			let agree = || {
				let view = Prices::price(BTC).unwrap();
				let shown = [view.add_risk, view.reduce_risk, view.liquidate];
				let purposes = [PriceFor::AddRisk, PriceFor::ReduceRisk, PriceFor::Liquidate];
				for (shown, purpose) in shown.into_iter().zip(purposes) {
					let expected = shown
						.map(|()| stored(BTC))
						.map_err(|r| Error::<Test>::from(r).into());
					assert_eq!(ask(BTC, purpose), expected);
				}
			};
			agree();
			for (n, wait) in [0, 2, 2, 2, 31, 61, 301, 2].into_iter().enumerate() {
				block(Timestamp::get() + wait * 1_000, || ());
				agree();
				let spread = n as f64 / 2.0;
				block_with(Timestamp::get(), BTC, &[100.0, 100.0 - spread, 100.0 + spread]);
				agree();
			}
		});
	}

	#[test]
	fn operator_values_shows_who_counts() {
		ExtBuilder::default().build_and_execute(|| {
			block_with(START, BTC, &[1.0; 5]);
			block_with(START + 61_000, BTC, &[100.0, 100.0, 100.0, 300.0]);
			let shown: Vec<_> = Prices::operator_values(BTC)
				.iter()
				.map(|v| (v.value, v.at - START, v.fresh, v.outlier))
				.collect();
			let expected = [
				(usd(100.0), 61_000, true, false),
				(usd(100.0), 61_000, true, false),
				(usd(100.0), 61_000, true, false),
				(usd(300.0), 61_000, true, true),
				(usd(1.0), 0, false, false),
			];
			assert_eq!(shown, expected);
		});
	}
}

mod weights {
	use super::*;
	use crate::WeightInfo;
	use frame_support::traits::Hooks;

	#[test]
	fn a_block_reserves_for_every_registered_feed() {
		ExtBuilder::default().build_and_execute(|| {
			let reserved = Prices::on_initialize(2);
			assert!(reserved.all_gte(<() as WeightInfo>::aggregate(3)));
			assert_ok!(add(6, b"SOL", 0.9));
			assert!(Prices::on_initialize(2).any_gt(reserved));
			let call = crate::Call::<Test>::add_feed {
				feed: 6,
				symbol: symbol(b"SOL"),
				initial_volatility: usd(1.0),
			};
			// A feed added in a block can be pending in it.
			let one = <() as WeightInfo>::aggregate(1);
			assert!(call
				.get_dispatch_info()
				.call_weight
				.all_gte(one.saturating_add(Weight::from_parts(1, 0))));
		});
	}
}

#[cfg(feature = "runtime-benchmarks")]
mod set_price {
	use super::*;

	#[test]
	fn makes_a_price_everybody_accepts() {
		ExtBuilder::default().build_and_execute(|| {
			for value in [100.0, 50.0, 0.0] {
				for feed in [BTC, 77] {
					<Prices as PriceProvider>::set_price(feed, usd(value));
					Prices::do_try_state().unwrap();
					// A price of zero is none: it becomes the smallest there is, which is all uncertainty.
					if value > 0.0 {
						for purpose in [PriceFor::AddRisk, PriceFor::ReduceRisk, PriceFor::Liquidate] {
							assert_eq!(ask(feed, purpose).unwrap().value, usd(value));
						}
					}
				}
				block(Timestamp::get() + 10_000, || ());
			}
		});
	}
}
