//! Anything in any order: the rules of going up and down hold at every evaluation, and calm ends everything.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SUBJECTS: [BreakerSubject; 7] = [CHAIN, BTC, ETH, MARKET, BTC_MINT, FEES, LENDING];
const LEVELS: [Level; 4] = [Level::Normal, Level::Guarded, Level::ReduceOnly, Level::Halted];

#[derive(Clone, Debug)]
enum Op {
	/// A fuse moves.
	Read {
		subject: usize,
		fuse: usize,
		percent: u128,
	},
	/// Everything is quiet.
	Calm,
	/// A block this much later.
	Block { ms: Moment },
	/// A guardian tries.
	Trip { subject: usize, level: usize },
	/// A referendum passes.
	Set { subject: usize, level: usize },
	/// Governance moves the times.
	Times { dwell: Moment, cooldown: Moment },
	/// A ledger stops or begins to measure a subject.
	Measure { subject: usize },
}

fn op() -> impl Strategy<Value = Op> {
	let ms = prop_oneof![
		1 => Just(0),
		6 => 1..2 * MINUTE,
		6 => MINUTE..40 * MINUTE,
		1 => HOUR..2 * DAY,
	];
	let times = || prop_oneof![1 => Just(0), 8 => 0..HOUR, 1 => HOUR..4 * HOUR];
	prop_oneof![
		5 => (0..7usize, 0..2usize, 0..90u128)
			.prop_map(|(subject, fuse, percent)| Op::Read { subject, fuse, percent }),
		2 => Just(Op::Calm),
		20 => ms.prop_map(|ms| Op::Block { ms }),
		2 => (0..7usize, 0..4usize).prop_map(|(subject, level)| Op::Trip { subject, level }),
		1 => (0..7usize, 0..4usize).prop_map(|(subject, level)| Op::Set { subject, level }),
		1 => (times(), times()).prop_map(|(dwell, cooldown)| Op::Times { dwell, cooldown }),
		1 => (0..7usize).prop_map(|subject| Op::Measure { subject }),
	]
}

fn quiet() {
	Measured::mutate(|measured| {
		for gauge in measured.values_mut().flatten() {
			gauge.reading = 0;
		}
	});
}

/// Dwell and cooldown.
fn times() -> (Moment, Moment) {
	let parameters = Parameters::get();
	(parameters.breaker_dwell, parameters.breaker_cooldown)
}

fn gauges_of(subject: BreakerSubject) -> Vec<Gauge> {
	<MockGauges as keel_primitives::Gauges>::gauges(subject)
}

/// The highest level a fuse demands, counted the plain way.
fn demand(subject: BreakerSubject) -> Level {
	let mut highest = Level::Normal;
	for Gauge {
		reading, triggers, ..
	} in gauges_of(subject)
	{
		if reading >= triggers.guarded {
			highest = highest.max(Level::Guarded);
		}
		if reading >= triggers.reduce_only {
			highest = highest.max(Level::ReduceOnly);
		}
		if triggers.halted.is_some_and(|halted| reading >= halted) {
			highest = highest.max(Level::Halted);
		}
	}
	highest
}

/// Does a fuse that has a trigger for the level read 70 % of it or more? Exact: the triggers are whole percents.
fn held(subject: BreakerSubject, level: Level) -> bool {
	gauges_of(subject).iter().any(|gauge| {
		let trigger = match level {
			Level::Normal => return false,
			Level::Guarded => gauge.triggers.guarded,
			Level::ReduceOnly => gauge.triggers.reduce_only,
			Level::Halted => match gauge.triggers.halted {
				Some(halted) => halted,
				None => return false,
			},
		};
		gauge.reading * 10 >= trigger * 7
	})
}

/// When a subject's level was reached, and when the calm began, as seen from outside.
#[derive(Default)]
struct Watch(BTreeMap<BreakerSubject, (Moment, Option<Moment>)>);

impl Watch {
	/// The level moved, by whomever.
	fn reached(&mut self, subject: BreakerSubject) {
		self.0.insert(subject, (now(), None));
	}

	/// One evaluation, and everything that must be true of it.
	fn evaluate(&mut self) {
		let (dwell, cooldown) = times();
		let before: Vec<_> = SUBJECTS
			.map(|subject| (subject, level(subject), CircuitBreaker::status(subject)))
			.into();
		begin();
		for (subject, from, status) in before {
			let to = level(subject);
			let demanded = demand(subject);
			assert!(to >= demanded, "{subject:?} at {to:?} below {demanded:?}");
			assert!(to >= from.lower(), "{subject:?} fell from {from:?} to {to:?}");
			let moved: Vec<_> = events()
				.into_iter()
				.filter(|event| {
					let (Event::LevelRaised { subject: of, .. }
					| Event::LevelLowered { subject: of, .. }
					| Event::LeftOut { subject: of, .. }) = event
					else {
						return false;
					};
					*of == subject
				})
				.collect();
			assert_eq!(moved.len(), usize::from(to != from), "{moved:?}");
			let calm = !held(subject, from);
			if to > from {
				assert_eq!(to, demanded);
				self.reached(subject);
				continue;
			}
			if from == Level::Normal {
				continue;
			}
			let (since, calm_since) = self.0[&subject];
			let calm_since = calm.then(|| calm_since.unwrap_or(now()));
			let due =
				calm_since.is_some_and(|calm_since| now() >= since + dwell && now() >= calm_since + cooldown);
			assert_eq!(to < from, due, "{subject:?} at {from:?}: {since} {calm_since:?}");
			// What was foretold, at the time it is evaluated for.
			let lower_from = status.and_then(|status| status.lower_from).unwrap();
			if calm {
				assert_eq!(lower_from <= now(), due);
			} else {
				assert_eq!(lower_from, now().max(since + dwell).max(now() + cooldown));
			}
			let calm_after = if due {
				(!held(subject, to)).then_some(now())
			} else {
				calm_since
			};
			let since_after = if due { now() } else { since };
			self.0.insert(subject, (since_after, calm_after));
			if let Some(state) = state(subject) {
				assert_eq!((state.since, state.calm_since), self.0[&subject]);
			}
		}
	}
}

fn run(ops: Vec<Op>) {
	ExtBuilder::default().build_and_execute(|| {
		let mut watch = Watch::default();
		for op in ops {
			match op {
				Op::Read {
					subject,
					fuse,
					percent: n,
				} => Measured::mutate(|measured| {
					if let Some(gauges) = measured.get_mut(&SUBJECTS[subject]) {
						let fuse = fuse % gauges.len();
						gauges[fuse].reading = percent(n);
					}
				}),
				Op::Calm => quiet(),
				Op::Block { ms } => {
					later(ms);
					watch.evaluate();
				}
				Op::Trip { subject, level: to } => {
					let (subject, to) = (SUBJECTS[subject], LEVELS[to]);
					let from = level(subject);
					let last = LastTrip::<Test>::get(subject);
					let escalates = from > Level::Normal && last.is_some_and(|last| to > last.level);
					let rested = now() >= CircuitBreaker::trip_from(subject);
					let measured = Measured::get().contains_key(&subject);
					// What the drawdown holds already is held by hand too, up to its level.
					let beside = state(subject).is_some_and(|state| {
						state.cause == Cause::Fuse(Fuse::Drawdown) && state.by_hand < to && to <= from
					});
					let expected = measured && (to > from || beside) && (escalates || rested);
					assert_eq!(trip(subject, to).is_ok(), expected);
					assert_eq!(level(subject), if expected { to.max(from) } else { from });
					if expected && beside {
						assert_eq!(state(subject).unwrap().by_hand, to);
					} else if expected {
						watch.reached(subject);
					} else {
						assert_eq!(LastTrip::<Test>::get(subject), last);
					}
				}
				Op::Set { subject, level: to } => {
					let (subject, to) = (SUBJECTS[subject], LEVELS[to]);
					let from = level(subject);
					if set_level(subject, to).is_ok() {
						assert_eq!(level(subject), to);
						if to != from {
							watch.reached(subject);
						}
					} else {
						assert_eq!((CircuitBreaker::status(subject), level(subject)), (None, from));
					}
				}
				Op::Times { dwell, cooldown } => {
					Parameters::mutate(|p| (p.breaker_dwell, p.breaker_cooldown) = (dwell, cooldown))
				}
				Op::Measure { subject } => Measured::mutate(|measured| {
					let subject = SUBJECTS[subject];
					if measured.remove(&subject).is_none() {
						measured.insert(subject, calm_gauges().remove(&subject).unwrap());
					}
				}),
			}
			CircuitBreaker::do_try_state().unwrap();
		}
		// Nobody does anything any more, and nothing moves.
		quiet();
		let (dwell, cooldown) = times();
		let each = 2 * MINUTE;
		// A block for the calm to begin, and for each level one for the step.
		let until = now() + 3 * (dwell + cooldown) + 4 * each;
		while now() < until {
			later(each);
			watch.evaluate();
		}
		assert!(!Raised::<Test>::exists());
		assert!(SUBJECTS
			.iter()
			.all(|subject| <CircuitBreaker as CircuitBreakerT>::level(*subject) == Level::Normal));
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(24))]

	#[test]
	fn operations_keep_the_rules(ops in prop::collection::vec(op(), 200)) {
		run(ops);
	}
}
