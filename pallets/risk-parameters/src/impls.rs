//! What the calls and views do.

use alloc::{
	collections::{btree_map::BTreeMap, btree_set::BTreeSet},
	vec::Vec,
};
use frame_support::{
	ensure,
	pallet_prelude::DispatchError,
	traits::{EnsureOrigin, Time},
};
use keel_primitives::{
	AssetId, Balance, BranchId, BranchParameters, ChainParameters, CircuitBreaker, CollateralParameters,
	ImpactGauge, Level, LiveFacts, MarketId, MarketParameters, Moment,
};
use sp_runtime::traits::BadOrigin;

use crate::{
	constraints::Broken, limits, types::*, Bounds, Branches, Chain, Collaterals, Config, Error, Event,
	LastLoosened, Markets, Pallet,
};

impl<T> From<Broken> for Error<T> {
	fn from(broken: Broken) -> Self {
		match broken {
			Broken::RatioWithinPenalty => Error::RatioWithinPenalty,
			Broken::TargetTooClose => Error::TargetTooClose,
			Broken::BonusAbovePenalty => Error::BonusAbovePenalty,
			Broken::CapBelowRatio => Error::CapBelowRatio,
			Broken::AuctionMissesReserve => Error::AuctionMissesReserve,
			Broken::AgesOutOfOrder => Error::AgesOutOfOrder,
			Broken::ConfidencesOutOfOrder => Error::ConfidencesOutOfOrder,
			Broken::LiquidateAgeAboveOracleAge => Error::LiquidateAgeAboveOracleAge,
			Broken::DeviationOutOfOrder => Error::DeviationOutOfOrder,
			Broken::RefusedOutOfOrder => Error::RefusedOutOfOrder,
			Broken::LiquidatedOutOfOrder => Error::LiquidatedOutOfOrder,
			Broken::LeavingOutOfOrder => Error::LeavingOutOfOrder,
			Broken::DrawdownOutOfOrder => Error::DrawdownOutOfOrder,
			Broken::LendingOutOfOrder => Error::LendingOutOfOrder,
			Broken::CapBelowMaintenance => Error::CapBelowMaintenance,
			Broken::ExitNotCovered => Error::ExitNotCovered,
			Broken::PremiumStepAboveMaximum => Error::PremiumStepAboveMaximum,
			Broken::MaxPremiumTooWide => Error::MaxPremiumTooWide,
			Broken::LiquidationFeeTooLarge => Error::LiquidationFeeTooLarge,
			Broken::MakerAboveTaker => Error::MakerAboveTaker,
			Broken::RebateTooLarge => Error::RebateTooLarge,
			Broken::PremiumStepAboveFees => Error::PremiumStepAboveFees,
			Broken::OpenInterestOutOfOrder => Error::OpenInterestOutOfOrder,
			Broken::DiscountNotBelowHaircut => Error::DiscountNotBelowHaircut,
		}
	}
}

/// Bounds that moved: key, old, new.
pub(crate) type MovedBounds = Vec<(Key, Range, Range)>;

// Reading.
impl<T: Config> Pallet<T> {
	/// The numbers of `subject` as everybody reads them: inside their limits, whatever is stored. Storage
	/// says something else after an upgrade that narrowed a limit, or where Root wrote past this pallet
	/// (`system.set_storage`).
	pub(crate) fn set_of(subject: Subject) -> Result<ParameterSet, Error<T>> {
		Self::stored(subject).map(ParameterSet::within_limits)
	}

	/// The numbers of `subject` as they are stored.
	pub(crate) fn stored(subject: Subject) -> Result<ParameterSet, Error<T>> {
		match subject {
			Subject::Chain => Ok(ParameterSet::Chain(Chain::<T>::get())),
			Subject::Branch(branch) => Branches::<T>::get(branch)
				.map(|set| ParameterSet::Branch(branch, set))
				.ok_or(Error::<T>::UnknownBranch),
			Subject::Market(market) => Markets::<T>::get(market)
				.map(|set| ParameterSet::Market(market, set))
				.ok_or(Error::<T>::UnknownMarket),
			Subject::Collateral(asset) => Collaterals::<T>::get(asset)
				.map(|set| ParameterSet::Collateral(asset, set))
				.ok_or(Error::<T>::UnknownCollateral),
		}
	}

	/// Has `subject` numbers? Also where they do not decode.
	pub(crate) fn is_listed(subject: Subject) -> bool {
		match subject {
			Subject::Chain => true,
			Subject::Branch(branch) => Branches::<T>::contains_key(branch),
			Subject::Market(market) => Markets::<T>::contains_key(market),
			Subject::Collateral(asset) => Collaterals::<T>::contains_key(asset),
		}
	}

	/// The numbers of a fresh subject.
	pub(crate) fn default_set(subject: Subject) -> ParameterSet {
		match subject {
			Subject::Chain => ParameterSet::Chain(limits::default_chain()),
			Subject::Branch(branch) => ParameterSet::Branch(branch, limits::default_branch()),
			Subject::Market(market) => ParameterSet::Market(market, limits::default_market()),
			Subject::Collateral(asset) => ParameterSet::Collateral(asset, limits::default_collateral()),
		}
	}

	/// The chain, then every branch, every market and every asset. Walks them all: for views and checks only.
	pub(crate) fn all_subjects() -> Vec<Subject> {
		core::iter::once(Subject::Chain)
			.chain(Branches::<T>::iter_keys().map(Subject::Branch))
			.chain(Markets::<T>::iter_keys().map(Subject::Market))
			.chain(Collaterals::<T>::iter_keys().map(Subject::Collateral))
			.collect()
	}

	/// The stored bounds of `key`, or the table's where an upgrade brought the key and no bounds yet.
	pub(crate) fn stored_bounds(subject: Subject, key: Key) -> Range {
		Bounds::<T>::get(subject, key).unwrap_or(policy(key).bounds)
	}

	/// What a value must be inside: the bounds, and the limits even if an upgrade narrowed them below the bounds.
	pub(crate) fn binding_bounds(subject: Subject, key: Key) -> Range {
		Self::stored_bounds(subject, key).intersection(&policy(key).limits)
	}

	/// From when `key` may be loosened; zero if it never was.
	pub(crate) fn loosen_from(subject: Subject, key: Key) -> Moment {
		// A moment past the end of time is never.
		LastLoosened::<T>::get(subject, key).map_or(0, |last| last.saturating_add(policy(key).cooldown))
	}

	/// Is the subject's breaker above `Normal`, by itself or by the chain's?
	pub(crate) fn breaker_raised(subject: Subject) -> bool {
		T::CircuitBreaker::level(subject.breaker()) > Level::Normal
	}

	/// What moving `keys` from `before` to `after` would do to those who are in already. The gauge is only asked about a branch,
	/// and where one of them can make somebody unsafe; the error is the gauge's, which can't tell while the price is refused.
	pub(crate) fn impact_of(
		before: &ParameterSet,
		after: &ParameterSet,
		keys: impl IntoIterator<Item = Key>,
	) -> Result<ImpactReport, DispatchError> {
		let impact = match (before, after) {
			(ParameterSet::Branch(branch, before), ParameterSet::Branch(_, after))
				if keys.into_iter().any(|key| policy(key).moves_existing) =>
			{
				T::Impact::impact(*branch, before, after)?
			}
			_ => None,
		};
		let chain = limits::clamp_chain(Chain::<T>::get());
		Ok(ImpactReport::new(impact, chain.impact_limit))
	}
}

// Writing.
impl<T: Config> Pallet<T> {
	/// On whose word `origin` moves values: the widest power it has.
	pub(crate) fn authority_of(origin: T::RuntimeOrigin) -> Result<Authority, BadOrigin> {
		T::AdjustOrigin::try_origin(origin)
			.map(|_| Authority::Adjuster)
			.or_else(|origin| T::GuardianOrigin::try_origin(origin).map(|_| Authority::Guardian))
			.or_else(|origin| T::ControllerOrigin::try_origin(origin).map(|_| Authority::Controller))
			.map_err(|_| BadOrigin)
	}

	/// The numbers before and after `changes`, and the moves, if these are changes of `subject` at all. No rule is asked.
	fn wanted(
		subject: Subject,
		changes: &Changes,
	) -> Result<(ParameterSet, ParameterSet, Vec<Move>), Error<T>> {
		ensure!(!changes.is_empty(), Error::<T>::NoChanges);
		let before = Self::set_of(subject)?;
		let mut after = before.clone();
		let mut seen = BTreeSet::new();
		let mut moves = Vec::with_capacity(changes.len());
		for Change { key, value: new } in changes.iter().copied() {
			let old = before.get(key).ok_or(Error::<T>::KeyOfAnotherSubject)?;
			ensure!(seen.insert(key), Error::<T>::DuplicateKey);
			after.set(key, new).ok_or(Error::<T>::ValueDoesNotFit)?;
			let direction = policy(key).direction(old, new).ok_or(Error::<T>::Unchanged)?;
			moves.push(Move {
				key,
				old,
				new,
				direction,
			});
		}
		Ok((before, after, moves))
	}

	/// The numbers after `changes`, and the moves, or the first rule they break. Writes nothing.
	pub(crate) fn plan(
		subject: Subject,
		changes: &Changes,
		authority: Authority,
	) -> Result<(ParameterSet, Vec<Move>), DispatchError> {
		for change in changes {
			let policy = policy(change.key);
			match authority {
				Authority::Adjuster => (),
				Authority::Guardian => ensure!(policy.guardian, Error::<T>::NotForGuardians),
				Authority::Controller => ensure!(policy.controller, Error::<T>::NotForControllers),
			}
		}
		let (before, after, moves) = Self::wanted(subject, changes)?;
		let now = T::Time::now();
		for change in &moves {
			Self::ensure_may_move(subject, change, authority, now)?;
		}
		let loosens = moves.iter().any(|change| change.direction == Direction::Loosened);
		ensure!(
			!loosens || !Self::breaker_raised(subject),
			Error::<T>::BreakerRaised
		);
		Self::fits(Some(&before), &after)?;
		let impact = Self::impact_of(&before, &after, moves.iter().map(|change| change.key))?;
		ensure!(impact.allowed, Error::<T>::WouldMakeUnsafe);
		Ok((after, moves))
	}

	/// Checks that the numbers go together, and with the facts they rely on. A number that is beyond a fact
	/// already may come nearer. Facts are looked up for numbers that move.
	pub(crate) fn fits(before: Option<&ParameterSet>, after: &ParameterSet) -> Result<(), Error<T>> {
		after.check()?;
		match (before, after) {
			(Some(ParameterSet::Chain(before)), ParameterSet::Chain(after)) => ensure!(
				after.oracle_quorum <= before.oracle_quorum
					|| after.oracle_quorum <= T::LiveFacts::operators(),
				Error::<T>::QuorumAboveOperators
			),
			(before, ParameterSet::Branch(_, after)) => {
				let least = match before {
					Some(ParameterSet::Branch(_, before)) => before.minimum_debt,
					_ => Balance::MAX,
				};
				ensure!(
					after.minimum_debt >= least || after.minimum_debt >= T::LiveFacts::minimum_balance(),
					Error::<T>::DebtBelowMinimumBalance
				)
			}
			_ => (),
		}
		Ok(())
	}

	/// Is this one move inside bounds, `authority`'s step and the cooldown?
	fn ensure_may_move(
		subject: Subject,
		change: &Move,
		authority: Authority,
		now: Moment,
	) -> Result<(), Error<T>> {
		let Move {
			key,
			old,
			new,
			direction,
		} = *change;
		let policy = policy(key);
		Self::ensure_inside(new, Self::binding_bounds(subject, key))?;
		let within_step = old.abs_diff(new) <= policy.step_for(authority, direction).of(old);
		match direction {
			Direction::Tightened => ensure!(within_step, Error::<T>::TightenedTooFar),
			Direction::Loosened => {
				ensure!(
					authority != Authority::Guardian,
					Error::<T>::GuardianMayOnlyTighten
				);
				ensure!(within_step, Error::<T>::LoosenedTooFar);
				ensure!(now >= Self::loosen_from(subject, key), Error::<T>::CoolingDown);
			}
		}
		Ok(())
	}

	/// Make `changes`, all or none.
	pub(crate) fn do_set_values(
		subject: Subject,
		changes: &Changes,
		authority: Authority,
	) -> Result<Vec<Move>, DispatchError> {
		let (set, moves) = Self::plan(subject, changes, authority)?;
		Self::write(set);
		let now = T::Time::now();
		for change in moves
			.iter()
			.filter(|change| change.direction == Direction::Loosened)
		{
			LastLoosened::<T>::insert(subject, change.key, now);
		}
		Ok(moves)
	}

	/// Move bounds, all or none.
	pub(crate) fn do_set_bounds(
		subject: Subject,
		changes: &BoundsChanges,
	) -> Result<MovedBounds, DispatchError> {
		ensure!(!changes.is_empty(), Error::<T>::NoChanges);
		let set = Self::set_of(subject)?;
		let mut moved = Vec::with_capacity(changes.len());
		for (key, new) in Self::ranges(subject, changes)? {
			let value = set.get(key).ok_or(Error::<T>::KeyOfAnotherSubject)?;
			let old = Self::stored_bounds(subject, key);
			ensure!(
				old != new || !Bounds::<T>::contains_key(subject, key),
				Error::<T>::Unchanged
			);
			ensure!(new.contains(value), Error::<T>::BoundsExcludeValue);
			moved.push((key, old, new));
		}
		for (key, _, new) in &moved {
			Bounds::<T>::insert(subject, key, new);
		}
		Ok(moved)
	}

	/// Give a subject its first numbers, `set`, and bounds: `bounds` where it names a key, else the table's. Every number starts
	/// inside both: a vote that may set bounds must not list anything past them, at once and with no step.
	pub(crate) fn do_list(set: ParameterSet, bounds: &BoundsChanges) -> Result<MovedBounds, DispatchError> {
		let subject = set.subject();
		ensure!(!Self::is_listed(subject), Error::<T>::AlreadyListed);
		let ranges = Self::ranges(subject, bounds)?;
		let range_of = |key| ranges.get(&key).copied().unwrap_or(policy(key).bounds);
		for (key, value) in set.values() {
			Self::ensure_inside(value, range_of(key).intersection(&policy(key).bounds))?;
		}
		ensure!(!set.starts_too_large(), Error::<T>::ListedTooLarge);
		Self::fits(None, &set)?;
		for key in subject.keys() {
			Bounds::<T>::insert(subject, key, range_of(key));
		}
		Self::write(set);
		Ok(ranges
			.into_iter()
			.map(|(key, new)| (key, policy(key).bounds, new))
			.collect())
	}

	/// Announce bounds that moved.
	pub(crate) fn announce_bounds(subject: Subject, moved: MovedBounds) {
		for (key, old, new) in moved {
			Self::deposit_event(Event::BoundsChanged {
				subject,
				key,
				old,
				new,
			});
		}
	}

	/// Write a genesis subject with the table's bounds. Panics, naming what is wrong. It may start with any ceiling inside
	/// them: whoever writes a genesis writes the whole chain, and nobody has lent or traded on it yet.
	pub(crate) fn build_subject(set: ParameterSet) {
		let subject = set.subject();
		assert!(
			subject == Subject::Chain || !Self::is_listed(subject),
			"genesis: {subject:?} is there twice"
		);
		for (key, value) in set.values() {
			let range = policy(key).bounds;
			assert!(
				range.contains(value),
				"genesis: {key:?} of {subject:?} is {value}, outside its bounds {} to {}",
				range.min,
				range.max,
			);
			Bounds::<T>::insert(subject, key, range);
		}
		if let Err(broken) = set.check() {
			panic!("genesis: {subject:?}: {}", broken.message());
		}
		Self::write(set);
	}

	/// The wanted ranges by key, each in order, inside the limits, and named once.
	fn ranges(subject: Subject, changes: &BoundsChanges) -> Result<BTreeMap<Key, Range>, Error<T>> {
		let mut ranges = BTreeMap::new();
		for BoundsChange { key, min, max } in changes.iter().copied() {
			ensure!(subject.has(key), Error::<T>::KeyOfAnotherSubject);
			ensure!(min <= max, Error::<T>::BoundsInverted);
			let range = Range { min, max };
			ensure!(
				range.is_inside(&policy(key).limits),
				Error::<T>::BoundsOutsideLimits
			);
			ensure!(ranges.insert(key, range).is_none(), Error::<T>::DuplicateKey);
		}
		Ok(ranges)
	}

	fn ensure_inside(value: u128, range: Range) -> Result<(), Error<T>> {
		ensure!(value >= range.min, Error::<T>::BelowBounds);
		ensure!(value <= range.max, Error::<T>::AboveBounds);
		Ok(())
	}

	fn write(set: ParameterSet) {
		match set {
			ParameterSet::Chain(set) => Chain::<T>::put(set),
			ParameterSet::Branch(branch, set) => Branches::<T>::insert(branch, set),
			ParameterSet::Market(market, set) => Markets::<T>::insert(market, set),
			ParameterSet::Collateral(asset, set) => Collaterals::<T>::insert(asset, set),
		}
	}
}

// What the table promises.
impl<T: Config> Pallet<T> {
	/// Panics, naming the number, where the table's rules and defaults do not go together.
	pub(crate) fn check_table() {
		for listed in [
			ParameterSet::Branch(0, limits::new_branch()),
			ParameterSet::Market(0, limits::new_market()),
			ParameterSet::Collateral(0, limits::new_collateral()),
		] {
			assert!(
				listed.check().is_ok() && !listed.starts_too_large(),
				"{:?} could not be listed with the numbers it should have",
				listed.subject()
			);
		}
		for subject in [
			Subject::Chain,
			Subject::Branch(0),
			Subject::Market(0),
			Subject::Collateral(0),
		] {
			let mut set = Self::default_set(subject);
			assert!(
				set.check().is_ok(),
				"the default numbers of {subject:?} do not go together"
			);
			for (key, value) in set.values() {
				let policy = policy(key);
				assert!(policy.is_sane(), "the policy of {key:?} makes no sense");
				assert!(value == policy.default, "the default of {key:?} does not fit");
				assert!(
					set.set(key, policy.limits.max).is_some(),
					"the upper limit of {key:?} does not fit"
				);
			}
		}
	}
}

// What the views answer.
impl<T: Config> Pallet<T> {
	pub(crate) fn info(subject: Subject, key: Key, value: u128) -> ParameterInfo {
		let policy = policy(key);
		let binding = Self::binding_bounds(subject, key);
		ParameterInfo {
			key,
			value,
			bounds: Self::stored_bounds(subject, key),
			policy,
			tighten: policy.reach(value, Direction::Tightened, binding),
			loosen: policy.reach(value, Direction::Loosened, binding),
			last_loosened: LastLoosened::<T>::get(subject, key),
			loosen_from: Self::loosen_from(subject, key),
			breaker_raised: Self::breaker_raised(subject),
		}
	}

	pub(crate) fn infos(subject: Subject) -> Vec<ParameterInfo> {
		Self::set_of(subject)
			.map(|set| {
				set.values()
					.into_iter()
					.map(|(key, value)| Self::info(subject, key, value))
					.collect()
			})
			.unwrap_or_default()
	}

	pub(crate) fn nearest(subject: Subject, key: Key, wanted: u128) -> Option<Nearest> {
		let set = Self::set_of(subject).ok()?;
		let value = set.get(key)?;
		let policy = policy(key);
		let Some(direction) = policy.direction(value, wanted) else {
			return Some(Nearest {
				now: value,
				then: value,
				from: 0,
				direction: None,
			});
		};
		let reach = policy.reach(value, direction, Self::binding_bounds(subject, key));
		let accepted = |changed: &ParameterSet| {
			Self::fits(Some(&set), changed).is_ok()
				&& Self::impact_of(&set, changed, [key]).is_ok_and(|impact| impact.allowed)
		};
		let then = set.nearest_where(key, wanted.max(reach.min).min(reach.max), accepted)?;
		let (from, raised) = match direction {
			Direction::Tightened => (0, false),
			Direction::Loosened => (Self::loosen_from(subject, key), Self::breaker_raised(subject)),
		};
		let now = if T::Time::now() >= from && !raised {
			then
		} else {
			value
		};
		Some(Nearest {
			now,
			then,
			from,
			direction: Some(direction),
		})
	}

	/// What `changes` would do to those who are in already, whatever the other rules say to them.
	pub(crate) fn judge(subject: Subject, changes: &Changes) -> Result<ImpactReport, DispatchError> {
		let (before, after, moves) = Self::wanted(subject, changes)?;
		Self::impact_of(&before, &after, moves.iter().map(|change| change.key))
	}

	pub(crate) fn headroom_of(subject: Subject) -> Vec<Headroom> {
		let Ok(set) = Self::set_of(subject) else {
			return Vec::new();
		};
		let room = |(key, value): (Key, u128)| {
			let bounds = Self::binding_bounds(subject, key);
			let fits = |changed: &ParameterSet| Self::fits(Some(&set), changed).is_ok();
			let up = set
				.nearest_where(key, bounds.max.max(value), fits)?
				.abs_diff(value);
			let down = set
				.nearest_where(key, bounds.min.min(value), fits)?
				.abs_diff(value);
			let (tighten, loosen) = match policy(key).safer {
				Safer::Higher => (up, down),
				Safer::Lower => (down, up),
			};
			Some(Headroom {
				key,
				value,
				tighten,
				loosen,
			})
		};
		set.values().into_iter().filter_map(room).collect()
	}
}

/// Every number is inside its limits, whatever is stored.
impl<T: Config> keel_primitives::RiskParameters for Pallet<T> {
	fn branch(branch: BranchId) -> Result<BranchParameters, DispatchError> {
		Branches::<T>::get(branch)
			.map(limits::clamp_branch)
			.ok_or_else(|| Error::<T>::UnknownBranch.into())
	}

	fn chain() -> ChainParameters {
		limits::clamp_chain(Chain::<T>::get())
	}

	fn market(market: MarketId) -> Result<MarketParameters, DispatchError> {
		Markets::<T>::get(market)
			.map(limits::clamp_market)
			.ok_or_else(|| Error::<T>::UnknownMarket.into())
	}

	fn collateral(asset: AssetId) -> Result<CollateralParameters, DispatchError> {
		Collaterals::<T>::get(asset)
			.map(limits::clamp_collateral)
			.ok_or_else(|| Error::<T>::UnknownCollateral.into())
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(branch: BranchId, parameters: BranchParameters) {
		Self::overwrite(ParameterSet::Branch(branch, parameters));
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_market(market: MarketId, parameters: MarketParameters) {
		Self::overwrite(ParameterSet::Market(market, parameters));
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_collateral(asset: AssetId, parameters: CollateralParameters) {
		Self::overwrite(ParameterSet::Collateral(asset, parameters));
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_chain(parameters: ChainParameters) {
		Self::overwrite(ParameterSet::Chain(parameters));
	}
}

#[cfg(feature = "runtime-benchmarks")]
impl<T: Config> Pallet<T> {
	/// Write the numbers past every rule, and the table's bounds where none are stored.
	fn overwrite(set: ParameterSet) {
		let subject = set.subject();
		for key in subject.keys() {
			Bounds::<T>::insert(subject, key, Self::stored_bounds(subject, key));
		}
		Self::write(set);
	}
}
