//! All numbers of one subject, by key.

use alloc::vec::Vec;
use keel_primitives::{
	AssetId, BranchId, BranchKey, BranchParameters, ChainKey, ChainParameters, CollateralKey,
	CollateralParameters, MarketId, MarketKey, MarketParameters,
};

use super::{Key, Subject};
use crate::{
	constraints::{self, Broken},
	limits,
};

/// All numbers of one subject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ParameterSet {
	/// Of the chain.
	Chain(ChainParameters),
	/// Of a branch.
	Branch(BranchId, BranchParameters),
	/// Of a perpetual market.
	Market(MarketId, MarketParameters),
	/// Of an asset as collateral of margin accounts.
	Collateral(AssetId, CollateralParameters),
}

impl ParameterSet {
	/// Whose numbers they are.
	pub const fn subject(&self) -> Subject {
		match self {
			Self::Chain(_) => Subject::Chain,
			Self::Branch(branch, _) => Subject::Branch(*branch),
			Self::Market(market, _) => Subject::Market(*market),
			Self::Collateral(asset, _) => Subject::Collateral(*asset),
		}
	}

	/// Every key with its raw number, in order.
	pub fn values(&self) -> Vec<(Key, u128)> {
		fn all<K: Copy>(keys: &[K], key: impl Fn(K) -> Key, value: impl Fn(K) -> u128) -> Vec<(Key, u128)> {
			keys.iter().map(|each| (key(*each), value(*each))).collect()
		}
		match self {
			Self::Chain(set) => all(ChainKey::ALL, Key::Chain, |key| set.get(key)),
			Self::Branch(_, set) => all(BranchKey::ALL, Key::Branch, |key| set.get(key)),
			Self::Market(_, set) => all(MarketKey::ALL, Key::Market, |key| set.get(key)),
			Self::Collateral(_, set) => all(CollateralKey::ALL, Key::Collateral, |key| set.get(key)),
		}
	}

	/// The raw number under `key`; `None` for a key of another kind of subject.
	pub fn get(&self, key: Key) -> Option<u128> {
		match (self, key) {
			(Self::Chain(set), Key::Chain(key)) => Some(set.get(key)),
			(Self::Branch(_, set), Key::Branch(key)) => Some(set.get(key)),
			(Self::Market(_, set), Key::Market(key)) => Some(set.get(key)),
			(Self::Collateral(_, set), Key::Collateral(key)) => Some(set.get(key)),
			_ => None,
		}
	}

	/// Write the raw number under `key`; `None`, and nothing written, if it does not fit its type or the key is of
	/// another kind of subject.
	pub fn set(&mut self, key: Key, raw: u128) -> Option<()> {
		match (self, key) {
			(Self::Chain(set), Key::Chain(key)) => set.set(key, raw),
			(Self::Branch(_, set), Key::Branch(key)) => set.set(key, raw),
			(Self::Market(_, set), Key::Market(key)) => set.set(key, raw),
			(Self::Collateral(_, set), Key::Collateral(key)) => set.set(key, raw),
			_ => None,
		}
	}

	/// The same numbers, each one outside its limits moved to the nearest inside.
	pub fn within_limits(self) -> Self {
		match self {
			Self::Chain(set) => Self::Chain(limits::clamp_chain(set)),
			Self::Branch(id, set) => Self::Branch(id, limits::clamp_branch(set)),
			Self::Market(id, set) => Self::Market(id, limits::clamp_market(set)),
			Self::Collateral(id, set) => Self::Collateral(id, limits::clamp_collateral(set)),
		}
	}

	/// Do the numbers go together?
	pub fn check(&self) -> Result<(), Broken> {
		match self {
			Self::Chain(set) => constraints::chain(set),
			Self::Branch(_, set) => constraints::branch(set),
			Self::Market(_, set) => constraints::market(set),
			Self::Collateral(_, set) => constraints::collateral(set),
		}
	}

	/// Does it let in more than what is listed may start with? Not for the chain, which nobody lists.
	pub const fn starts_too_large(&self) -> bool {
		match self {
			Self::Chain(_) => false,
			Self::Branch(_, set) => set.debt_ceiling > limits::NEW_BRANCH_CEILING,
			Self::Market(_, set) => set.max_open_interest > limits::NEW_MARKET_CEILING,
			Self::Collateral(_, set) => set.deposit_cap > limits::NEW_COLLATERAL_CEILING,
		}
	}

	/// Would the numbers go together with `raw` under `key`?
	pub fn fits_with(&self, key: Key, raw: u128) -> bool {
		self.with(key, raw).is_some_and(|changed| changed.check().is_ok())
	}

	/// The numbers with `raw` under `key`; `None` if it does not fit its type or the key is of another kind of subject.
	fn with(&self, key: Key, raw: u128) -> Option<ParameterSet> {
		let mut changed = self.clone();
		changed.set(key, raw).map(|()| changed)
	}

	/// The value nearest to `wanted`, from the present one on, with which the numbers go together; the others stay.
	/// `None` for a key of another kind of subject.
	pub fn nearest_fit(&self, key: Key, wanted: u128) -> Option<u128> {
		self.nearest_where(key, wanted, |changed| changed.check().is_ok())
	}

	/// The value nearest to `wanted`, from the present one on, with which the numbers are `accepted`; the others stay.
	/// `None` for a key of another kind of subject.
	///
	/// Halves the way at most 128 times, so it relies on `accepted` to hold on one unbroken range around the present
	/// value: every constraint does, and so does the impact, which only grows with the distance.
	pub fn nearest_where(
		&self,
		key: Key,
		wanted: u128,
		accepted: impl Fn(&ParameterSet) -> bool,
	) -> Option<u128> {
		let mut fits = self.get(key)?;
		let accepts = |raw| self.with(key, raw).is_some_and(|changed| accepted(&changed));
		if accepts(wanted) {
			return Some(wanted);
		}
		let mut fails = wanted;
		while fits.abs_diff(fails) > 1 {
			let low = fits.min(fails);
			// The middle of two numbers is at most the larger.
			let middle = low.saturating_add(fits.abs_diff(fails) / 2);
			if accepts(middle) {
				fits = middle;
			} else {
				fails = middle;
			}
		}
		Some(fits)
	}
}
