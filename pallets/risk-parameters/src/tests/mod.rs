mod attacks;
mod bounds;
mod branches;
mod breaker;
mod controller;
mod coupled;
mod facts;
mod genesis;
mod impact;
mod invariants;
mod listings;
mod policies;
mod try_state;
mod values;
mod views;

use frame_support::dispatch::DispatchResult;
use keel_primitives::{BranchKey, BreakerSubject, ChainKey, CollateralKey, Level, MarketKey, MintPath};
use sp_core::U256;

use crate::{mock::*, types::*, Bounds, Branches, Chain, Collaterals, Error, Event, LastLoosened, Markets};

pub const ONE: u128 = 1_000_000_000_000_000_000;
pub const BRANCH: Subject = Subject::Branch(BTC);
pub const MARKET: Subject = Subject::Market(BTC);
pub const COLLATERAL: Subject = Subject::Collateral(BTC);
/// One of each kind, with the table's numbers.
pub const KINDS: [Subject; 4] = [Subject::Chain, BRANCH, MARKET, COLLATERAL];
/// The numbers of all of them together.
pub const KEYS: usize =
	ChainKey::ALL.len() + BranchKey::ALL.len() + MarketKey::ALL.len() + CollateralKey::ALL.len();

pub fn b(key: BranchKey) -> Key {
	Key::Branch(key)
}

pub fn c(key: ChainKey) -> Key {
	Key::Chain(key)
}

pub fn m(key: MarketKey) -> Key {
	Key::Market(key)
}

pub fn a(key: CollateralKey) -> Key {
	Key::Collateral(key)
}

/// Write a number past every rule.
pub fn put(subject: Subject, key: Key, value: u128) {
	match (subject, key) {
		(Subject::Chain, Key::Chain(key)) => Chain::<Test>::mutate(|set| set.set(key, value)),
		(Subject::Branch(id), Key::Branch(key)) => {
			Branches::<Test>::mutate(id, |set| set.as_mut().unwrap().set(key, value))
		}
		(Subject::Market(id), Key::Market(key)) => {
			Markets::<Test>::mutate(id, |set| set.as_mut().unwrap().set(key, value))
		}
		(Subject::Collateral(id), Key::Collateral(key)) => {
			Collaterals::<Test>::mutate(id, |set| set.as_mut().unwrap().set(key, value))
		}
		_ => panic!("a key of another subject"),
	}
	.unwrap();
}

pub fn pct(n: u128) -> u128 {
	n * ONE / 100
}

/// `n` hundredths of a percent.
pub fn bps(n: u128) -> u128 {
	n * ONE / 10_000
}

pub fn changes(list: &[(Key, u128)]) -> Changes {
	list.iter()
		.map(|(key, value)| Change {
			key: *key,
			value: *value,
		})
		.collect::<Vec<_>>()
		.try_into()
		.unwrap()
}

pub fn bounds(list: &[(Key, u128, u128)]) -> BoundsChanges {
	list.iter()
		.map(|(key, min, max)| BoundsChange {
			key: *key,
			min: *min,
			max: *max,
		})
		.collect::<Vec<_>>()
		.try_into()
		.unwrap()
}

pub fn set(who: u64, subject: Subject, list: &[(Key, u128)]) -> DispatchResult {
	RiskParameters::set_values(RuntimeOrigin::signed(who), subject, changes(list))
}

pub fn set_bounds(subject: Subject, list: &[(Key, u128, u128)]) -> DispatchResult {
	RiskParameters::set_bounds(RuntimeOrigin::root(), subject, bounds(list))
}

pub fn get(subject: Subject, key: Key) -> u128 {
	RiskParameters::parameter(subject, key).unwrap().value
}

pub fn nearest(subject: Subject, key: Key, wanted: u128) -> Nearest {
	RiskParameters::nearest_allowed(subject, key, wanted).unwrap()
}

/// `value` moved by `by` in `direction`, if that is a number.
pub fn moved(key: Key, value: u128, direction: Direction, by: u128) -> Option<u128> {
	let up = (policy(key).safer == Safer::Higher) == (direction == Direction::Tightened);
	if up {
		value.checked_add(by)
	} else {
		value.checked_sub(by)
	}
}

/// `2p ≤ r·(m·(1 − p) − (1 + p))` in integers of 256 bits, the right rounded down: not by the function under
/// test.
pub fn survives_range(premium: u128, margin: u128, multiple: u128) -> bool {
	let [p, r, m, one] = [premium, margin, multiple, ONE].map(U256::from);
	if p >= one || m * (one - p) <= one * (one + p) {
		return false;
	}
	p * 2 <= r * (m * (one - p) - one * (one + p)) / one / one
}

/// `2p + fees + 0.25 % ≤ r·(1 − p)` in the same way.
pub fn covers_exit(premium: u128, margin: u128, fees: u128) -> bool {
	let [p, r, fees, gap, one] = [premium, margin, fees, bps(25), ONE].map(U256::from);
	p <= one && p * 2 + fees + gap <= r * (one - p) / one
}

/// The last number on the way from `good` to `bad` for which it `holds`.
pub fn edge(good: u128, bad: u128, holds: impl Fn(u128) -> bool) -> u128 {
	assert!(holds(good) && !holds(bad), "no edge between {good} and {bad}");
	let (mut good, mut bad) = (good, bad);
	while good.abs_diff(bad) > 1 {
		let middle = good.min(bad) + good.abs_diff(bad) / 2;
		if holds(middle) {
			good = middle;
		} else {
			bad = middle;
		}
	}
	good
}

/// The widest premium that a margin and a multiple leave room for.
pub fn widest_premium(margin: u128, multiple: u128) -> u128 {
	edge(0, ONE, |premium| survives_range(premium, margin, multiple))
}

/// The least margin that leaves room for a premium.
pub fn least_margin(premium: u128, multiple: u128) -> u128 {
	edge(ONE, 0, |margin| survives_range(premium, margin, multiple))
}

/// The least multiple that leaves room for a premium.
pub fn least_multiple(premium: u128, margin: u128) -> u128 {
	edge(1_000 * ONE, 0, |multiple| {
		survives_range(premium, margin, multiple)
	})
}

/// The state, to see that nothing moved.
pub fn root() -> Vec<u8> {
	sp_io::storage::root(sp_core::storage::StateVersion::V1)
}
