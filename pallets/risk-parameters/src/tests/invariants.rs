//! No sequence of permitted calls takes a number out of its bounds or its compile-time limits, or moves it faster than
//! step and cooldown allow.
//!
//! The moves are watched from outside: a history of every number, checked against the table's figures by arithmetic of
//! its own, not by the functions that made the moves.

use frame_support::assert_ok;
use keel_primitives::Impact;
use proptest::prelude::*;
use sp_runtime::DispatchError;
use std::{cell::RefCell, collections::BTreeMap};

use super::*;
use crate::limits;

/// The last four are listed on the way.
const SUBJECTS: [Subject; 11] = [
	Subject::Chain,
	Subject::Branch(BTC),
	Subject::Branch(DOT),
	MARKET,
	Subject::Market(SOL),
	COLLATERAL,
	Subject::Collateral(USDC),
	Subject::Branch(3),
	Subject::Branch(5),
	Subject::Market(3),
	Subject::Collateral(3),
];
/// How many of them are there from the beginning.
const LISTED: usize = 7;

/// Those that hold a subject, and some that hold none.
const BREAKERS: [BreakerSubject; 9] = [
	BreakerSubject::Chain,
	BreakerSubject::Mint(MintPath::StabilityFees),
	BreakerSubject::Branch(BTC),
	BreakerSubject::Mint(MintPath::Vaults(BTC)),
	BreakerSubject::Branch(DOT),
	BreakerSubject::Mint(MintPath::Vaults(3)),
	BreakerSubject::Market(BTC),
	BreakerSubject::Market(3),
	BreakerSubject::Lending,
];

const CASES: u32 = 13;
const CALLS: usize = 600;

/// Keys that are taken more often than others, so that moves of the same number meet.
const HOT_BRANCH: [BranchKey; 4] = [
	BranchKey::LiquidationRatio,
	BranchKey::SafetyMargin,
	BranchKey::DebtCeiling,
	BranchKey::DeviationGuarded,
];
const HOT_CHAIN: [ChainKey; 4] = [
	ChainKey::ImpactLimit,
	ChainKey::AddRiskAge,
	ChainKey::DrawdownGuarded,
	ChainKey::BreakerRelease,
];

const HOT_MARKET: [MarketKey; 4] = [
	MarketKey::MaintenanceMargin,
	MarketKey::MaxOpenInterest,
	MarketKey::PremiumStep,
	MarketKey::TakerFee,
];
const HOT_COLLATERAL: [CollateralKey; 4] = [
	CollateralKey::Haircut,
	CollateralKey::HaircutRamp,
	CollateralKey::DepositCap,
	CollateralKey::SaleDiscount,
];

/// Which key of a subject.
#[derive(Clone, Debug)]
enum Pick {
	Any(usize),
	Hot(usize),
	Fee,
}

impl Pick {
	fn key(&self, subject: Subject) -> Key {
		match (self, subject) {
			(Pick::Any(index), _) => {
				let keys = subject.keys();
				keys[index % keys.len()]
			}
			(Pick::Hot(index), Subject::Chain) => c(HOT_CHAIN[*index]),
			(Pick::Hot(index), Subject::Branch(_)) => b(HOT_BRANCH[*index]),
			(Pick::Hot(index), Subject::Market(_)) => m(HOT_MARKET[*index]),
			(Pick::Hot(index), Subject::Collateral(_)) => a(HOT_COLLATERAL[*index]),
			(Pick::Fee, _) => b(BranchKey::StabilityFee),
		}
	}
}

/// How a wanted value is made from the present one.
#[derive(Clone, Debug)]
enum Wish {
	/// The whole step of whoever asks, and so many units more.
	Step {
		tighten: bool,
		more: u128,
	},
	Nudge {
		up: bool,
		by: u128,
	},
	Nearest(u128),
	/// What would be accepted in calm weather after the cooldown.
	Soon(u128),
	InLimits(u64),
	Raw(u128),
}

#[derive(Clone, Debug)]
enum Call {
	Values {
		who: u64,
		subject: usize,
		wishes: Vec<(Pick, Wish)>,
	},
	Bounds {
		subject: usize,
		pick: Pick,
		low: u64,
		high: u64,
	},
	List {
		subject: usize,
		key: usize,
		share: u64,
	},
}

/// What happens around a call.
#[derive(Clone, Debug)]
enum Weather {
	Same,
	Later(u64),
	Raise(usize, Level),
	Calm,
	/// The gauge's answer from now on: a share of a million, nobody, or that it can't tell.
	Unsafe(u128),
	Nobody,
	NoPrice,
}

fn wish() -> impl Strategy<Value = Wish> {
	prop_oneof![
		4 => (any::<bool>(), 0..2u128).prop_map(|(tighten, more)| Wish::Step { tighten, more }),
		4 => (any::<bool>(), 0..3u128).prop_map(|(up, by)| Wish::Nudge { up, by }),
		4 => any::<u128>().prop_map(Wish::Nearest),
		3 => Just(Wish::Nearest(0)),
		3 => prop_oneof![Just(0), Just(u128::MAX)].prop_map(Wish::Soon),
		2 => any::<u64>().prop_map(Wish::InLimits),
		1 => prop_oneof![Just(0), Just(u128::MAX), any::<u128>()].prop_map(Wish::Raw),
	]
}

fn pick() -> impl Strategy<Value = Pick> {
	prop_oneof![
		2 => (0..ChainKey::ALL.len()).prop_map(Pick::Any),
		4 => (0..HOT_BRANCH.len()).prop_map(Pick::Hot),
	]
}

fn call() -> impl Strategy<Value = Call> {
	let subject = || prop_oneof![4 => 0..3usize, 3 => 3..LISTED, 1 => LISTED..SUBJECTS.len()];
	// Only branches have a fee.
	let branches = prop_oneof![6 => 1..3usize, 1 => 1..SUBJECTS.len()];
	let who = prop_oneof![10 => Just(ADJUSTER), 5 => Just(GUARDIAN), 1 => Just(STRANGER)];
	let some = prop_oneof![
		3 => prop::collection::vec((pick(), wish()), 1..2),
		1 => prop::collection::vec((pick(), wish()), 2..4),
	];
	prop_oneof![
		16 => (who, subject(), some)
			.prop_map(|(who, subject, wishes)| Call::Values { who, subject, wishes }),
		3 => (branches, prop_oneof![6 => Just(Pick::Fee), 1 => pick()], wish()).prop_map(
			|(subject, pick, wish)| Call::Values {
				who: CONTROLLER,
				subject,
				wishes: vec![(pick, wish)],
			}
		),
		2 => (subject(), pick(), any::<u64>(), any::<u64>())
			.prop_map(|(subject, pick, low, high)| Call::Bounds { subject, pick, low, high }),
		1 => (1..SUBJECTS.len(), 0..MarketKey::ALL.len(), any::<u64>())
			.prop_map(|(subject, key, share)| Call::List { subject, key, share }),
	]
}

fn weather() -> impl Strategy<Value = Weather> {
	let levels = prop_oneof![
		Just(Level::Guarded),
		Just(Level::ReduceOnly),
		Just(Level::Halted),
		Just(Level::Normal),
	];
	prop_oneof![
		10 => Just(Weather::Same),
		4 => prop_oneof![Just(1), Just(DAY - 1), Just(DAY), 0..2 * DAY, 0..DAY / 24]
			.prop_map(Weather::Later),
		1 => (0..BREAKERS.len(), levels).prop_map(|(breaker, level)| Weather::Raise(breaker, level)),
		1 => Just(Weather::Calm),
		2 => (0..200_000u128).prop_map(Weather::Unsafe),
		1 => Just(Weather::Nobody),
		1 => Just(Weather::NoPrice),
	]
}

/// The point `share / 2^64` of the way from `from` to `to`.
fn between(from: u128, to: u128, share: u64) -> u128 {
	from + ((to - from) >> 32) * (share as u128 >> 32)
}

fn value_for(who: u64, subject: Subject, key: Key, wish: &Wish) -> u128 {
	let Some(info) = RiskParameters::parameter(subject, key) else {
		return 1;
	};
	match wish {
		Wish::Step { tighten, more } => {
			let direction = if *tighten {
				Direction::Tightened
			} else {
				Direction::Loosened
			};
			let by = largest_step(who, key, info.value, !tighten) + more;
			moved(key, info.value, direction, by).unwrap_or(0)
		}
		Wish::Nudge { up: true, by } => info.value + by,
		Wish::Nudge { up: false, by } => info.value.saturating_sub(*by),
		Wish::Nearest(wanted) => nearest(subject, key, *wanted).now,
		Wish::Soon(wanted) => nearest(subject, key, *wanted).then,
		Wish::InLimits(share) => between(info.policy.limits.min, info.policy.limits.max, *share),
		Wish::Raw(raw) => *raw,
	}
}

/// How far `who` may move `old` at once, by the table's figures.
fn largest_step(who: u64, key: Key, old: u128, looser: bool) -> u128 {
	let policy = policy(key);
	let step = if looser { policy.loosen } else { policy.tighten };
	let millionths = step.relative.deconstruct() as u128;
	if who == CONTROLLER {
		(old * (millionths / 4) / 1_000_000).max(step.least / 4).max(1)
	} else {
		(old * millionths / 1_000_000).max(step.least)
	}
}

fn is_looser(key: Key, old: u128, new: u128) -> bool {
	(new > old) == (policy(key).safer == Safer::Lower)
}

type Values = BTreeMap<(Subject, Key), u128>;

fn values() -> Values {
	let mut all = Values::new();
	for subject in SUBJECTS {
		if let Ok(set) = RiskParameters::set_of(subject) {
			all.extend(
				set.values()
					.into_iter()
					.map(|(key, value)| ((subject, key), value)),
			);
		}
	}
	all
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

/// Is something loosened on `subject` now that must not be? By the levels that were set, not by the pallet's question.
fn stormy(subject: Subject) -> bool {
	let up = |breaker| {
		Levels::get()
			.get(&breaker)
			.is_some_and(|level| *level != Level::Normal)
	};
	up(BreakerSubject::Chain)
		|| match subject {
			Subject::Chain | Subject::Collateral(_) => false,
			Subject::Branch(id) => up(BreakerSubject::Branch(id)),
			Subject::Market(id) => up(BreakerSubject::Market(id)),
		}
}

/// Must a change of the liquidation ratio's parts fail now?
fn too_many_would_be_unsafe(values: &Values) -> bool {
	let limit = values[&(Subject::Chain, c(ChainKey::ImpactLimit))];
	match Verdict::get() {
		Ok(None) => false,
		// Both far below 2⁶⁴.
		Ok(Some(impact)) => impact.newly_unsafe * ONE > limit * impact.total,
		Err(_) => true,
	}
}

/// One move that was seen.
struct Seen {
	at: u64,
	old: u128,
	new: u128,
}

/// What was seen over the whole run.
#[derive(Default)]
struct Totals {
	calls: usize,
	accepted: usize,
	refused: BTreeMap<String, usize>,
	/// By authority: moves the safer way and the other way.
	moves: BTreeMap<u64, (usize, usize)>,
	listed: BTreeMap<&'static str, usize>,
	bounds: usize,
	windows: usize,
}

thread_local! {
	static TOTALS: RefCell<Totals> = RefCell::default();
}

fn total(note: impl FnOnce(&mut Totals)) {
	TOTALS.with(|totals| note(&mut totals.borrow_mut()));
}

fn note_result(result: Result<(), DispatchError>) {
	total(|totals| {
		totals.calls += 1;
		match result {
			Ok(()) => totals.accepted += 1,
			Err(error) => {
				let name: &'static str = error.into();
				*totals.refused.entry(name.into()).or_default() += 1;
			}
		}
	});
}

/// The history of every number of one sequence.
#[derive(Default)]
struct Witness {
	history: BTreeMap<(Subject, Key), Vec<Seen>>,
}

impl Witness {
	/// A call of `who`'s went through: every number that moved was asked to, and moved as it may.
	fn check(&mut self, who: u64, asked: &Values, before: &Values, after: &Values) {
		let now = Timestamp::get();
		for (at, old) in before {
			let (subject, key) = *at;
			let new = after[at];
			assert_eq!(new, *asked.get(at).unwrap_or(old), "{at:?} is not what was asked");
			if new == *old {
				continue;
			}
			let looser = is_looser(key, *old, new);
			let distance = new.abs_diff(*old);
			assert!(
				distance <= largest_step(who, key, *old, looser),
				"{at:?} moved {distance} from {old} by {who}"
			);
			assert!(
				match who {
					ADJUSTER => true,
					GUARDIAN => !looser && policy(key).guardian,
					CONTROLLER => key == b(BranchKey::StabilityFee),
					_ => false,
				},
				"{at:?} was moved by {who}"
			);
			assert!(!looser || !stormy(subject), "{at:?} was loosened in a storm");
			assert!(
				!reaches_existing(key) || !too_many_would_be_unsafe(before),
				"{at:?} made too many unsafe"
			);
			total(|totals| {
				let moves = totals.moves.entry(who).or_default();
				if looser {
					moves.1 += 1;
				} else {
					moves.0 += 1;
				}
			});
			self.history.entry(*at).or_default().push(Seen {
				at: now,
				old: *old,
				new,
			});
		}
	}

	/// Over every window between two moves of a number: at most one loosening per cooldown and one more, and where it is
	/// at the end is no looser than so many whole steps from where it was at the beginning, whatever was tightened
	/// between.
	fn check_windows(&self) {
		for ((subject, key), seen) in &self.history {
			let cooldown = policy(*key).cooldown;
			let loosened = |seen: &Seen| is_looser(*key, seen.old, seen.new);
			for (first, start) in seen.iter().enumerate() {
				let mut loosenings = 0u64;
				let (mut furthest, mut steps, mut sum) = (start.old, 0u64, 0u128);
				let mut most_at_once = 0;
				for end in &seen[first..] {
					let most = (end.at - start.at) / cooldown + 1;
					if loosened(end) {
						loosenings += 1;
						sum += end.new.abs_diff(end.old);
						most_at_once = most_at_once.max(largest_step(ADJUSTER, *key, end.old, true));
					}
					assert!(loosenings <= most, "{subject:?} {key:?} did not wait");
					assert!(sum <= most_at_once * most as u128, "{subject:?} {key:?} ran");
					while steps < most {
						let step = largest_step(ADJUSTER, *key, furthest, true);
						// Past every bound, more makes no difference.
						furthest = moved(*key, furthest, Direction::Loosened, step)
							.unwrap_or(0)
							.min(policy(*key).limits.max * 2);
						steps += 1;
					}
					assert!(
						end.new == furthest || !is_looser(*key, furthest, end.new),
						"{subject:?} {key:?} went from {} to {} in {} ms",
						start.old,
						end.new,
						end.at - start.at
					);
					total(|totals| totals.windows += 1);
				}
			}
		}
	}
}

/// The parts of the liquidation ratio, named here once more.
fn reaches_existing(key: Key) -> bool {
	matches!(
		key,
		Key::Branch(
			BranchKey::LiquidationRatio
				| BranchKey::LiquidationRatioCap
				| BranchKey::LiquidationPenalty
				| BranchKey::VolatilityMultiple
				| BranchKey::VolatilityHorizon
		)
	)
}

fn change_weather(weather: &Weather) {
	match weather {
		Weather::Same => (),
		Weather::Later(ms) => later(*ms),
		Weather::Raise(breaker, to) => level(BREAKERS[*breaker], *to),
		Weather::Calm => {
			Levels::set(BTreeMap::new());
			Verdict::set(Ok(None));
		}
		Weather::Unsafe(newly_unsafe) => Verdict::set(Ok(Some(Impact {
			newly_unsafe: *newly_unsafe,
			total: 1_000_000,
			exact: true,
		}))),
		Weather::Nobody => Verdict::set(Ok(None)),
		Weather::NoPrice => Verdict::set(Err(DispatchError::Other("the price is refused"))),
	}
}

fn set_values(witness: &mut Witness, who: u64, subject: Subject, wishes: &[(Pick, Wish)]) {
	let (before, state) = (values(), root());
	let list: Vec<_> = wishes
		.iter()
		.map(|(pick, wish)| {
			let key = pick.key(subject);
			(key, value_for(who, subject, key, wish))
		})
		.collect();
	let authority = match who {
		GUARDIAN => Authority::Guardian,
		CONTROLLER => Authority::Controller,
		_ => Authority::Adjuster,
	};
	let planned = RiskParameters::preview(subject, changes(&list), authority);
	let result = set(who, subject, &list);
	if who == STRANGER {
		assert_eq!(result, Err(DispatchError::BadOrigin));
	} else {
		assert_eq!(planned.map(|_| ()), result, "the preview was wrong");
	}
	note_result(result);
	if result.is_err() {
		assert_eq!(state, root(), "a refused call moved something");
		return;
	}
	let asked = list
		.into_iter()
		.map(|(key, value)| ((subject, key), value))
		.collect();
	witness.check(who, &asked, &before, &values());
}

fn move_bounds(subject: Subject, key: Key, low: u64, high: u64) {
	let (before, state) = (values(), root());
	let limits = policy(key).limits;
	let value = before.get(&(subject, key)).copied().unwrap_or(limits.min);
	// Half of them around the value, the rest wherever.
	let (min, max) = if low.is_multiple_of(2) {
		(between(limits.min, value, low), between(value, limits.max, high))
	} else {
		(
			between(limits.min, limits.max, low),
			between(limits.min, limits.max, high),
		)
	};
	let result = set_bounds(subject, &[(key, min, max)]);
	note_result(result);
	if result.is_err() {
		assert_eq!(state, root(), "a refused call moved something");
	} else {
		total(|totals| totals.bounds += 1);
	}
	assert_eq!(before, values(), "bounds moved a value");
}

/// What is listed as small as it may be, what it is listed as at genesis, and the number that says how large it is.
fn listing(subject: Subject) -> (ParameterSet, ParameterSet, Key, &'static str) {
	use ParameterSet::*;
	match subject {
		Subject::Chain => panic!("nobody lists the chain"),
		Subject::Branch(id) => (
			Branch(id, limits::new_branch()),
			Branch(id, limits::default_branch()),
			b(BranchKey::DebtCeiling),
			"branch",
		),
		Subject::Market(id) => (
			Market(id, limits::new_market()),
			Market(id, limits::default_market()),
			m(MarketKey::MaxOpenInterest),
			"market",
		),
		Subject::Collateral(id) => (
			Collateral(id, limits::new_collateral()),
			Collateral(id, limits::default_collateral()),
			a(CollateralKey::DepositCap),
			"asset",
		),
	}
}

fn list(subject: Subject, key: usize, share: u64) {
	let (before, state) = (values(), root());
	let keys = subject.keys();
	let key = keys[key % keys.len()];
	let Policy { limits, .. } = policy(key);
	// A quarter as they may be listed, a quarter as large as at genesis, the rest with one number anywhere in its limits, and
	// with bounds to match.
	let (small, large, ceiling, kind) = listing(subject);
	let mut set = if share % 4 == 1 { large } else { small };
	let mut wide = vec![];
	if share.is_multiple_of(2) {
		set.set(key, between(limits.min, limits.max, share)).unwrap();
		wide.push((key, limits.min, limits.max));
	}
	let (origin, wide) = (RuntimeOrigin::root(), bounds(&wide));
	let result = match set {
		ParameterSet::Branch(id, set) => RiskParameters::add_branch(origin, id, Box::new(set), wide),
		ParameterSet::Market(id, set) => RiskParameters::add_market(origin, id, Box::new(set), wide),
		ParameterSet::Collateral(id, set) => RiskParameters::add_collateral(origin, id, Box::new(set), wide),
		ParameterSet::Chain(_) => panic!("nobody lists the chain"),
	};
	note_result(result);
	let after = values();
	if result.is_err() {
		assert_eq!(state, root(), "a refused call moved something");
	} else {
		total(|totals| *totals.listed.entry(kind).or_default() += 1);
		assert_eq!(after.len(), before.len() + keys.len());
		for key in keys {
			let value = after[&(subject, key)];
			let table = policy(key).bounds;
			assert!(
				table.min <= value && value <= table.max,
				"{key:?} was listed outside the table"
			);
		}
		assert!(
			after[&(subject, ceiling)] <= 1_000_000_000_000,
			"{subject:?} was listed too large"
		);
	}
	for (at, value) in before {
		assert_eq!(after[&at], value, "a listing moved {at:?}");
	}
}

fn run(sequence: &[(Weather, Call)]) {
	let mut witness = Witness::default();
	ExtBuilder::default().build_and_execute(|| {
		for (weather, call) in sequence {
			change_weather(weather);
			match call {
				Call::Values { who, subject, wishes } => {
					set_values(&mut witness, *who, SUBJECTS[*subject], wishes)
				}
				Call::Bounds {
					subject,
					pick,
					low,
					high,
				} => {
					let subject = SUBJECTS[*subject];
					move_bounds(subject, pick.key(subject), *low, *high)
				}
				Call::List { subject, key, share } => list(SUBJECTS[*subject], *key, *share),
			}
			in_limits_and_bounds(&values());
			assert_ok!(RiskParameters::do_try_state());
		}
	});
	witness.check_windows();
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(CASES))]

	/// Called by the test below, which looks at all sequences together.
	fn every_sequence(sequence in prop::collection::vec((weather(), call()), CALLS..CALLS + 1)) {
		run(&sequence);
	}
}

#[test]
fn no_sequence_of_calls_escapes_the_rules() {
	TOTALS.with(|totals| totals.take());
	every_sequence();
	let totals = TOTALS.with(|totals| totals.take());
	let refused: usize = totals.refused.values().sum();
	assert!(totals.calls >= 5_000, "only {} calls", totals.calls);
	assert!(totals.accepted >= 1_000, "only {} accepted", totals.accepted);
	assert!(refused >= 1_000, "only {refused} refused");
	// Every power was used, every way it may go, and every rule met.
	let moves = |who| totals.moves.get(&who).copied().unwrap_or_default();
	for (who, tightened, loosened) in [(ADJUSTER, 200, 100), (GUARDIAN, 100, 0), (CONTROLLER, 20, 10)] {
		let moves = moves(who);
		assert!(
			moves.0 >= tightened && moves.1 >= loosened,
			"{who} only moved {moves:?}"
		);
	}
	assert_eq!(moves(GUARDIAN).1, 0);
	assert_eq!(moves(STRANGER), (0, 0));
	for (kind, times) in [("branch", 5), ("market", 3), ("asset", 3)] {
		let listed = totals.listed.get(kind).copied().unwrap_or(0);
		assert!(listed >= times, "only {:?} listed", totals.listed);
	}
	assert!(totals.bounds >= 50, "only {} new bounds", totals.bounds);
	assert!(totals.windows >= 1_000, "only {} windows", totals.windows);
	for error in [
		"BreakerRaised",
		"CoolingDown",
		"GuardianMayOnlyTighten",
		"NotForGuardians",
		"NotForControllers",
		"TightenedTooFar",
		"LoosenedTooFar",
		"BelowBounds",
		"AboveBounds",
		"WouldMakeUnsafe",
		"ListedTooLarge",
		"the price is refused",
	] {
		let times = totals.refused.get(error).copied().unwrap_or(0);
		assert!(times > 0, "{error} never: {:?}", totals.refused);
	}
}
