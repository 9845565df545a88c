//! Anything in any order, with the invariants checked after every block.

use super::*;
use keel_primitives::Price;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
	/// An operator feeds some of the feeds.
	Feed {
		who: u64,
		feeds: u8,
		value: u128,
		repeated: bool,
		lag: u64,
	},
	/// The block ends and the next one begins that many milliseconds later.
	Block {
		wait: u64,
	},
	/// Governance adds or removes a feed.
	Add {
		feed: FeedId,
	},
	Remove {
		feed: FeedId,
	},
	/// Governance adds or removes an operator, an operator names its key.
	Join {
		who: u64,
	},
	Leave {
		who: u64,
	},
	Key {
		who: u64,
		feeder: Option<u64>,
	},
	/// Governance moves the quorum.
	Quorum {
		quorum: u32,
	},
	/// Governance moves the confidence risk may be added on.
	Confidence {
		per_mille: u32,
	},
	/// From now on somebody stands on these feeds, and on no other.
	Stand {
		feeds: Vec<FeedId>,
	},
}

fn step() -> impl Strategy<Value = Step> {
	let value = prop_oneof![
		20 => 90u128..110,
		4 => 1u128..1_000,
		1 => Just(0u128),
	]
	.prop_map(|v| v * 1_000_000_000_000_000_000);
	let value = prop_oneof![
		30 => value,
		1 => prop_oneof![Just(1u128), Just(u128::MAX)],
	];
	let lag = prop_oneof![8 => Just(0u64), 2 => 0u64..70_000];
	prop_oneof![
		60 => (0u64..8, any::<u8>(), value, prop::bool::weighted(0.1), lag)
			.prop_map(|(who, feeds, value, repeated, lag)| Step::Feed { who, feeds, value, repeated, lag }),
		1 => (0u64..8).prop_map(|who| Step::Join { who }),
		1 => (0u64..8).prop_map(|who| Step::Leave { who }),
		1 => (0u64..8, prop::option::of(0u64..12)).prop_map(|(who, feeder)| Step::Key { who, feeder }),
		14 => prop_oneof![6 => Just(2_000u64), 1 => Just(0), 2 => 1u64..61_000, 1 => 61_000u64..4_000_000]
			.prop_map(|wait| Step::Block { wait }),
		1 => (1u32..9).prop_map(|feed| Step::Add { feed }),
		1 => (1u32..9).prop_map(|feed| Step::Remove { feed }),
		1 => (0u32..5).prop_map(|quorum| Step::Quorum { quorum }),
		1 => (0u32..60).prop_map(|per_mille| Step::Confidence { per_mille }),
		1 => prop::collection::vec(1u32..9, 0..4).prop_map(|feeds| Step::Stand { feeds }),
	]
}

fn run(steps: Vec<Step>) {
	ExtBuilder::default().build_and_execute(|| {
		let mut now = START;
		let mut steps = steps.into_iter().peekable();
		while steps.peek().is_some() {
			let before: Vec<(FeedId, Price, Moment, u32)> = Feeds::<Test>::iter()
				.map(|(f, s)| (f, s.price, s.fit_at, s.streak))
				.collect();
			let mut removed = vec![];
			block(now, || {
				for step in steps.by_ref() {
					match step {
						Step::Block { wait } => {
							now += wait;
							break;
						}
						Step::Feed {
							who,
							feeds,
							value,
							repeated,
							lag,
						} => {
							let value = FixedU128::from_inner(value);
							let ids = (1..9u32).filter(|f| feeds & (1 << (f - 1)) != 0);
							let mut values: Vec<_> = ids.map(|f| (f, value)).collect();
							if repeated {
								values.extend(values.clone());
							}
							// A stranger, or somebody who fed in this block already, changes nothing.
							let pending = Pending::<Test>::get();
							let done = match lag {
								0 => feed(who, &values),
								_ => feed_at(who, Timestamp::get() - lag, &values),
							};
							if done.is_err() {
								assert_eq!(Pending::<Test>::get(), pending);
							}
						}
						Step::Add { feed } => {
							let symbol = Symbol::truncate_from(b"X".to_vec());
							let _ = Prices::add_feed(RuntimeOrigin::root(), feed, symbol, usd(0.5));
						}
						Step::Remove { feed } => {
							let free = Feeds::<Test>::contains_key(feed) && !Used::get().contains(&feed);
							let done = Prices::remove_feed(RuntimeOrigin::root(), feed).is_ok();
							assert_eq!(done, free);
							if done {
								removed.push(feed);
							}
						}
						Step::Join { who } => {
							let _ = Prices::add_operator(RuntimeOrigin::root(), who);
						}
						Step::Leave { who } => {
							let _ = Prices::remove_operator(RuntimeOrigin::root(), who);
						}
						Step::Key { who, feeder } => {
							let _ = Prices::set_feeder(RuntimeOrigin::signed(who), feeder);
						}
						Step::Quorum { quorum } => {
							Parameters::mutate(|p| p.oracle_quorum = quorum.min(Prices::operator_count()))
						}
						Step::Stand { feeds } => Used::set(feeds),
						Step::Confidence { per_mille } => Parameters::mutate(|p| {
							p.add_risk_confidence = FixedU128::from_rational(per_mille.into(), 1_000)
						}),
					}
				}
			});
			check(&before, &removed);
		}
	});
}

/// A price that is not of this block is the one there was, and one that is of this block is what the operators say.
fn check(before: &[(FeedId, Price, Moment, u32)], removed: &[FeedId]) {
	let said = events();
	for (feed, state) in Feeds::<Test>::iter() {
		let old = before
			.iter()
			.find(|(f, ..)| *f == feed && !removed.contains(f))
			.map(|(_, price, fit_at, streak)| (price, *fit_at, *streak));
		let updated = said.iter().find_map(|e| match e {
			Event::PriceUpdated {
				feed: f,
				value,
				confidence,
				fresh,
				used,
			} if *f == feed => Some((*value, *confidence, *fresh, *used)),
			_ => None,
		});
		let Some((value, confidence, fresh, used)) = updated else {
			let same = |p: &Price| (p.value, p.confidence, p.at, p.twap);
			if let Some((old, fit_at, _)) = old {
				assert_eq!(same(old), same(&state.price));
				assert_eq!(fit_at, state.fit_at);
			}
			continue;
		};
		assert_eq!((value, confidence), (state.price.value, state.price.confidence));
		assert!(used >= Parameters::get().oracle_quorum && used * 2 >= fresh && used >= 1);
		assert_ok!(ask(feed, PriceFor::ReduceRisk));
		assert_eq!(<Prices as PriceProvider>::last(feed), Some(state.price));
		// By its confidence alone: how long ago it was observed is what `fit_at` says. One that has an outage
		// before it has recovered from the last counts again when it has.
		let fit = confidence <= crate::aggregation::tolerated(value, Parameters::get().add_risk_confidence);
		let earlier = old.map_or(0, |(_, fit_at, _)| fit_at);
		let expected = if fit { earlier.max(state.observed) } else { earlier };
		let needed = Parameters::get().recovery_prices;
		let recovers =
			state.streak < needed && old.is_some_and(|(_, _, streak)| (1..needed).contains(&streak));
		assert_eq!(state.fit_at, if recovers { earlier } else { expected });
		let young = Timestamp::get() - state.observed <= Parameters::get().add_risk_age;
		let recovered = state.streak >= Parameters::get().recovery_prices;
		assert_eq!(ask(feed, PriceFor::AddRisk).is_ok(), fit && young && recovered);
		let values = Prices::operator_values(feed);
		assert_eq!(values.iter().filter(|v| v.fresh).count() as u32, fresh);
		let kept: Vec<_> = values
			.iter()
			.filter(|v| v.fresh && !v.outlier)
			.map(|v| v.value)
			.collect();
		assert_eq!(kept.len() as u32, used);
		assert!(kept.iter().min() <= Some(&value) && Some(&value) <= kept.iter().max());
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(20))]

	#[test]
	fn operations_keep_the_invariants(steps in prop::collection::vec(step(), 250)) {
		run(steps);
	}
}
