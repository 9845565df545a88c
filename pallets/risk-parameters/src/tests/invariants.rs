//! No sequence of calls takes a value out of its limits or bounds, or moves it faster than step and cooldown allow.

use frame_support::assert_ok;
use proptest::prelude::*;
use std::collections::BTreeMap;

use super::*;

const SUBJECTS: [Subject; 3] = [Subject::Chain, Subject::Branch(BTC), Subject::Branch(DOT)];

/// How a wanted value is made from the present one.
#[derive(Clone, Debug)]
enum Wish {
	Step { tighten: bool, more: u128 },
	Nudge { up: bool, by: u128 },
	Nearest(u128),
	InLimits(u64),
	Raw(u128),
}

#[derive(Clone, Debug)]
enum Operation {
	Values {
		who: u64,
		subject: usize,
		wishes: Vec<(usize, Wish)>,
	},
	Bounds {
		subject: usize,
		key: usize,
		low: u64,
		high: u64,
	},
	Wait(u64),
}

fn wish() -> impl Strategy<Value = Wish> {
	prop_oneof![
		4 => (any::<bool>(), 0..2u128).prop_map(|(tighten, more)| Wish::Step { tighten, more }),
		4 => (any::<bool>(), 0..3u128).prop_map(|(up, by)| Wish::Nudge { up, by }),
		6 => any::<u128>().prop_map(Wish::Nearest),
		2 => Just(Wish::Nearest(0)),
		2 => any::<u64>().prop_map(Wish::InLimits),
		1 => prop_oneof![Just(0), Just(u128::MAX), any::<u128>()].prop_map(Wish::Raw),
	]
}

fn operation() -> impl Strategy<Value = Operation> {
	prop_oneof![
		12 => (
			prop_oneof![4 => Just(ADJUSTER), 3 => Just(GUARDIAN), 1 => Just(STRANGER)],
			0..SUBJECTS.len(),
			prop::collection::vec((0..17usize, wish()), 1..4),
		)
			.prop_map(|(who, subject, wishes)| Operation::Values { who, subject, wishes }),
		2 => (0..SUBJECTS.len(), 0..17usize, any::<u64>(), any::<u64>())
			.prop_map(|(subject, key, low, high)| Operation::Bounds { subject, key, low, high }),
		4 => prop_oneof![Just(0), Just(DAY - 1), Just(DAY), 0..2 * DAY].prop_map(Operation::Wait),
	]
}

/// The point `share / 2^64` of the way from `from` to `to`.
fn between(from: u128, to: u128, share: u64) -> u128 {
	from + ((to - from) >> 32) * (share as u128 >> 32)
}

fn value_for(subject: Subject, key: Key, wish: &Wish) -> u128 {
	let info = RiskParameters::parameter(subject, key).unwrap();
	match wish {
		Wish::Step { tighten, more } => {
			let direction = if *tighten {
				Direction::Tightened
			} else {
				Direction::Loosened
			};
			let by = info.policy.step(direction).of(info.value) + more;
			moved(key, info.value, direction, by).unwrap_or(0)
		}
		Wish::Nudge { up: true, by } => info.value + by,
		Wish::Nudge { up: false, by } => info.value.saturating_sub(*by),
		Wish::Nearest(wanted) => {
			RiskParameters::nearest_allowed(subject, key, *wanted)
				.unwrap()
				.now
		}
		Wish::InLimits(share) => between(info.policy.limits.min, info.policy.limits.max, *share),
		Wish::Raw(raw) => *raw,
	}
}

type Values = BTreeMap<(Subject, Key), u128>;

fn values() -> Values {
	let of = |subject: Subject| {
		subject
			.keys()
			.into_iter()
			.map(move |key| ((subject, key), get(subject, key)))
	};
	SUBJECTS.into_iter().flat_map(of).collect()
}

fn in_limits_and_bounds(values: &Values) {
	for ((subject, key), value) in values {
		let bounds = Bounds::<Test>::get(subject, key).unwrap();
		let limits = policy(*key).limits;
		assert!(
			bounds.min <= *value && *value <= bounds.max,
			"{key:?} left its bounds"
		);
		assert!(
			limits.min <= bounds.min && bounds.max <= limits.max,
			"{key:?} left its limits"
		);
	}
}

/// What the calls did, by a second account of the rules.
#[derive(Default)]
struct Witness {
	loosened: BTreeMap<(Subject, Key), u64>,
	moves: usize,
	loosenings: usize,
	refusals: usize,
}

impl Witness {
	fn check(&mut self, who: u64, asked: &BTreeMap<(Subject, Key), u128>, before: &Values, after: &Values) {
		let now = Timestamp::get();
		for (at, old) in before {
			let new = after[at];
			assert_eq!(new, *asked.get(at).unwrap_or(old), "{at:?} is not what was asked");
			if new == *old {
				continue;
			}
			self.moves += 1;
			let policy = policy(at.1);
			let up = new > *old;
			let looser = up == (policy.safer == Safer::Lower);
			let step = if looser { policy.loosen } else { policy.tighten };
			let share = old * step.relative.deconstruct() as u128 / 1_000_000;
			let distance = if up { new - old } else { old - new };
			assert!(
				distance <= share.max(step.least),
				"{at:?} moved {distance} from {old}"
			);
			if looser {
				self.loosenings += 1;
				assert_eq!(who, ADJUSTER, "{at:?} was loosened by a guardian");
				if let Some(last) = self.loosened.insert(*at, now) {
					assert!(now - last >= policy.cooldown, "{at:?} did not wait");
				}
			} else {
				assert!(
					who == ADJUSTER || who == GUARDIAN && policy.guardian,
					"{at:?} was moved by {who}"
				);
			}
		}
	}
}

fn run(operations: &[Operation]) {
	let mut witness = Witness::default();
	ExtBuilder::default().build_and_execute(|| {
		for operation in operations {
			let before = values();
			let state = root();
			match operation {
				Operation::Wait(ms) => later(*ms),
				Operation::Values { who, subject, wishes } => {
					let subject = SUBJECTS[*subject];
					let keys = subject.keys();
					let list: Vec<_> = wishes
						.iter()
						.map(|(index, wish)| {
							let key = keys[index % keys.len()];
							(key, value_for(subject, key, wish))
						})
						.collect();
					let authority = if *who == GUARDIAN {
						Authority::Guardian
					} else {
						Authority::Adjuster
					};
					let planned = RiskParameters::preview(subject, changes(&list), authority);
					let result = set(*who, subject, &list);
					if *who == STRANGER {
						assert!(result.is_err());
					} else {
						assert_eq!(planned.map(|_| ()), result, "the preview was wrong");
					}
					if result.is_ok() {
						let asked = list
							.into_iter()
							.map(|(key, value)| ((subject, key), value))
							.collect();
						witness.check(*who, &asked, &before, &values());
					} else {
						witness.refusals += 1;
						assert_eq!(state, root(), "a refused call moved something");
					}
				}
				Operation::Bounds {
					subject,
					key,
					low,
					high,
				} => {
					let subject = SUBJECTS[*subject];
					let keys = subject.keys();
					let info = RiskParameters::parameter(subject, keys[key % keys.len()]).unwrap();
					let limits = info.policy.limits;
					// Half of them around the value, the rest wherever.
					let (min, max) = if low % 2 == 0 {
						(
							between(limits.min, info.value, *low),
							between(info.value, limits.max, *high),
						)
					} else {
						(
							between(limits.min, limits.max, *low),
							between(limits.min, limits.max, *high),
						)
					};
					if set_bounds(subject, &[(info.key, min, max)]).is_err() {
						assert_eq!(state, root(), "a refused call moved something");
					}
					assert_eq!(before, values(), "bounds moved a value");
				}
			}
			in_limits_and_bounds(&values());
			assert_ok!(RiskParameters::do_try_state());
		}
	});
	assert!(
		witness.moves > operations.len() / 10,
		"only {} moves",
		witness.moves
	);
	assert!(witness.loosenings > 0 && witness.refusals > 0);
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(16))]

	#[test]
	fn no_sequence_of_calls_escapes_the_rules(operations in prop::collection::vec(operation(), 200..201)) {
		run(&operations);
	}
}
