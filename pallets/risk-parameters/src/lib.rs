//! # Risk parameters
//!
//! The governed numbers, and the rules by which they move. A number stands, from the outside in, inside
//!
//! - **limits**, fixed at compile time: what nobody can vote for;
//! - **bounds**, changed only by [`Config::BoundsOrigin`] (a referendum), always inside the limits and around the
//!   present value;
//! - a **step**: the largest move at once, large in the *safer* direction, small in the other;
//! - a **cooldown** between two moves in the other direction;
//! - the **breaker**: while the subject's or the chain's is above `Normal`, nothing is loosened
//!   ([`Config::CircuitBreaker`]);
//! - **constraints** with its neighbours: numbers that must go together move in one call, all or nothing;
//! - the **impact** on those who are in already: a change that would make too much debt unsafe is refused, whoever wants
//!   it ([`Config::Impact`]).
//!
//! Nothing is clipped. What does not fit is refused, and the views say what would fit, and when.
//!
//! ## Who moves what
//!
//! | | which numbers | which way | step |
//! |---|---|---|---|
//! | [`Config::AdjustOrigin`] | all | both | whole |
//! | [`Config::GuardianOrigin`] | [`Policy::guardian`] | the safer one | whole |
//! | [`Config::ControllerOrigin`] | [`Policy::controller`] | both | [`CONTROLLER_STEP`] |
//!
//! Not for guardians are the numbers where safer for one is a loss for another, now or in the next storm, or could stop
//! the chain. All of them meet the same bounds, cooldowns, constraints, breaker and impact.
//!
//! A new branch gets its numbers from [`Config::BoundsOrigin`], every one of them inside the table's bounds, and a debt
//! ceiling of at most [`limits::NEW_BRANCH_CEILING`]. From there it moves like any other.
//!
//! ## The impact of a change
//!
//! A few numbers ([`Policy::moves_existing`]) make the liquidation ratio of positions that exist. Before one of them moves,
//! the ledger is asked how much debt is safe now and would not be once the ramp has run; more than `ImpactLimit` of the
//! branch's debt, and the call fails with [`Error::WouldMakeUnsafe`]. While the price is refused that can't be known, and
//! the call fails with the reason. What remains then: a wider safety margin, a lower ceiling, a raised breaker. The view
//! `impact` tells the number beforehand. The chain's numbers move nobody at once: `VolatilityTau` only says how volatility
//! is averaged from now on.
//!
//! All numbers of a subject (the chain, or one branch) are one storage value, so that whoever needs them reads once.
//! The rules of every key are in [`limits`], the constraints in [`constraints`].

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod constraints;
mod impls;
pub mod limits;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
mod try_state;
pub mod types;
pub mod weights;

#[frame_support::pallet]
pub mod pallet {
	use alloc::{boxed::Box, vec::Vec};
	use frame_support::{pallet_prelude::*, traits::Time};
	use frame_system::pallet_prelude::*;
	use keel_primitives::{BranchId, BranchParameters, ChainParameters, CircuitBreaker, ImpactGauge, Moment};

	use super::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// The clock cooldowns go by.
		type Time: Time<Moment = Moment>;

		/// Moves values both ways, inside bounds, step and cooldown.
		type AdjustOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Moves the values that are for guardians in the safer direction only, without waiting.
		type GuardianOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Moves the values that are for controllers, both ways, in smaller steps: a machine.
		type ControllerOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Sets bounds and adds branches: referenda.
		type BoundsOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Nothing is loosened while it is raised.
		type CircuitBreaker: CircuitBreaker;

		/// Says whom a change would make unsafe.
		type Impact: ImpactGauge;

		/// Prepares what benchmarks need.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper;

		/// What the calls cost.
		type WeightInfo: WeightInfo;
	}

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::type_value]
	pub fn DefaultChain() -> ChainParameters {
		limits::default_chain()
	}

	/// The numbers of the chain.
	#[pallet::storage]
	pub type Chain<T: Config> = StorageValue<_, ChainParameters, ValueQuery, DefaultChain>;

	/// The numbers of each branch.
	#[pallet::storage]
	pub type Branches<T: Config> = StorageMap<_, Twox64Concat, BranchId, BranchParameters>;

	/// The bounds of each number. One is stored for every key of every subject.
	#[pallet::storage]
	pub type Bounds<T: Config> = StorageDoubleMap<_, Twox64Concat, Subject, Twox64Concat, Key, Range>;

	/// When a number was last loosened, in milliseconds since 1970.
	#[pallet::storage]
	pub type LastLoosened<T: Config> = StorageDoubleMap<_, Twox64Concat, Subject, Twox64Concat, Key, Moment>;

	#[pallet::genesis_config]
	pub struct GenesisConfig<T: Config> {
		/// The numbers of the chain.
		pub chain: ChainParameters,
		/// The numbers of each branch.
		pub branches: Vec<(BranchId, BranchParameters)>,
		#[serde(skip)]
		pub _config: PhantomData<T>,
	}

	impl<T: Config> Default for GenesisConfig<T> {
		fn default() -> Self {
			Self {
				chain: limits::default_chain(),
				branches: Vec::new(),
				_config: PhantomData,
			}
		}
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		/// Panics, naming the number, where a value is out of bounds or a constraint does not hold. The ceiling of a new
		/// branch does not bind here.
		fn build(&self) {
			Pallet::<T>::build_subject(Subject::Chain, ParameterSet::Chain(self.chain.clone()));
			for (branch, parameters) in &self.branches {
				assert!(
					!Branches::<T>::contains_key(branch),
					"genesis: branch {branch} is there twice"
				);
				Pallet::<T>::build_subject(
					Subject::Branch(*branch),
					ParameterSet::Branch(*branch, parameters.clone()),
				);
			}
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A number moved.
		ParameterChanged {
			subject: Subject,
			key: Key,
			old: u128,
			new: u128,
			direction: Direction,
		},
		/// A number's bounds moved.
		BoundsChanged {
			subject: Subject,
			key: Key,
			old: Range,
			new: Range,
		},
		/// A branch got its first numbers.
		BranchAdded {
			branch: BranchId,
			parameters: Box<BranchParameters>,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The branch has no numbers. Use one that `branches` lists, or add it first with `add_branch`.
		UnknownBranch,
		/// The branch has numbers already. Move them with `set_values`, or choose another id.
		BranchExists,
		/// A new branch would start with a debt ceiling above 1,000,000 kUSD. List it with that or less, and raise the ceiling
		/// with `set_values`, a step and a cooldown at a time.
		NewBranchCeilingTooHigh,
		/// A key of the chain was used on a branch or the other way round. Take the key of the subject's own kind.
		KeyOfAnotherSubject,
		/// The list is empty. Name at least one change.
		NoChanges,
		/// A key is there twice. Name each key once.
		DuplicateKey,
		/// The new value or bounds are the present ones. Leave the key out of the list.
		Unchanged,
		/// The number is larger than its type holds. Raw values: ratios have 18 decimals, kUSD 6, times and counts none.
		ValueDoesNotFit,
		/// The value is below its bounds. Stay at or above `bounds.min` of the view `parameter`, or move the bounds by
		/// referendum. In a new branch, also at or above `policy.bounds.min`, whatever bounds it is given: list it there,
		/// and move it afterwards.
		BelowBounds,
		/// The value is above its bounds. Stay at or below `bounds.max` of the view `parameter`, or move the bounds by
		/// referendum. In a new branch, also at or below `policy.bounds.max`, whatever bounds it is given: list it there,
		/// and move it afterwards.
		AboveBounds,
		/// The value tightens by more than one step. Take what the view `nearest_allowed` answers, several times if
		/// need be: tightening does not wait.
		TightenedTooFar,
		/// The value loosens by more than one step. Take what the view `nearest_allowed` answers, and go on after the
		/// cooldown.
		LoosenedTooFar,
		/// The number was loosened too recently. It may be loosened again from `loosen_from` of the view `parameter` on.
		CoolingDown,
		/// A guardian tried to loosen. Guardians may move a number in its `safer` direction only.
		GuardianMayOnlyTighten,
		/// The number is not for guardians, in either direction: moving it could stop the chain or costs somebody who
		/// is in already, now or in the next storm. `AdjustOrigin` may move it; a guardian may tighten the numbers with `policy.guardian` in the
		/// view `parameters`.
		NotForGuardians,
		/// The number is not for controllers, in either direction. `AdjustOrigin` may move it; a controller may move the
		/// numbers with `policy.controller` in the view `parameters`.
		NotForControllers,
		/// The subject's breaker, or the chain's, is above `Normal`, and nothing is loosened in a storm. Wait until it has come down: the
		/// breaker's view `status` says when it may. Or let a referendum lower its level and then loosen, in one batch.
		/// Tightening is open.
		BreakerRaised,
		/// The change would make a larger share of the branch's debt unsafe than `ImpactLimit` allows. Take a smaller
		/// move: the view `impact` says what each would do, `nearest_allowed` how far one may go now. Go on when owners
		/// have had time to react. What keeps new risk out is open: `SafetyMargin`, `DebtCeiling`, the breaker.
		WouldMakeUnsafe,
		/// The minimum is above the maximum. Swap them.
		BoundsInverted,
		/// The bounds leave the compile-time limits. Stay inside `limits` of the view `parameter`; only a runtime
		/// upgrade can move those.
		BoundsOutsideLimits,
		/// The bounds leave out the present value. Include it, or move the value first.
		BoundsExcludeValue,
		/// The liquidation ratio would not be above `1 + liquidation_penalty`. Raise the ratio or lower the penalty in
		/// the same call.
		RatioWithinPenalty,
		/// `liquidation_ratio + target_margin` would be less than 0.02 above `1 + liquidation_penalty`. Raise the ratio
		/// or the target margin, or lower the penalty, in the same call.
		TargetTooClose,
		/// The pool's bonus would be above the penalty that pays for it. Lower the bonus or raise the penalty in the
		/// same call.
		BonusAbovePenalty,
		/// The cap of the liquidation ratio would be below the ratio. Raise the cap or lower the ratio in the same call.
		CapBelowRatio,
		/// An auction would end before its price reaches the reserve. Lengthen the duration, shorten the step, lower
		/// the start or the cut, or raise the reserve in the same call.
		AuctionMissesReserve,
		/// The accepted ages must stay in the order AddRisk, Liquidate, ReduceRisk, smallest first. Move the
		/// neighbours in the same call.
		AgesOutOfOrder,
		/// The accepted confidences must stay in the order AddRisk, Liquidate, ReduceRisk, smallest first. Move the
		/// neighbours in the same call.
		ConfidencesOutOfOrder,
		/// Liquidations would accept a price older than what counts as an outage. Keep `LiquidateAge` at or below
		/// `OracleMaxAge`.
		LiquidateAgeAboveOracleAge,
		/// The triggers must stay in the order `DeviationGuarded`, `DeviationReduceOnly`, `DeviationHalted`, smallest
		/// first. Move the neighbours in the same call.
		DeviationOutOfOrder,
		/// The triggers must stay in the order `RefusedGuarded`, `RefusedReduceOnly`, `RefusedHalted`, smallest first. Move
		/// the neighbours in the same call.
		RefusedOutOfOrder,
		/// The triggers must stay in the order `LiquidatedGuarded`, `LiquidatedReduceOnly`, `LiquidatedHalted`, smallest
		/// first. Move the neighbours in the same call.
		LiquidatedOutOfOrder,
		/// `MintedGuarded` must stay at or below `MintedReduceOnly`. Move both in the same call.
		MintedOutOfOrder,
		/// `LeavingGuarded` must stay at or below `LeavingReduceOnly`. Move both in the same call.
		LeavingOutOfOrder,
		/// The triggers must stay in the order `DrawdownGuarded`, `DrawdownReduceOnly`, `DrawdownHalted`, smallest first.
		/// Move the neighbours in the same call.
		DrawdownOutOfOrder,
		/// `FeesMintedGuarded` must stay at or below `FeesMintedReduceOnly`. Move both in the same call.
		FeesMintedOutOfOrder,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			let listed = ParameterSet::Branch(0, limits::new_branch());
			assert!(
				listed.check().is_ok(),
				"the numbers of a new branch do not go together"
			);
			for subject in [Subject::Chain, Subject::Branch(0)] {
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

		#[cfg(feature = "try-runtime")]
		fn try_state(_n: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// Who has numbers: the chain, then every branch.
		pub fn subjects() -> Vec<Subject> {
			Self::all_subjects()
		}

		/// One number: its value, bounds, limits, unit, safer direction, who may move it, steps, where a move may take it
		/// now, from when it may be loosened, and whether the breaker refuses that now. Nothing for an unknown branch or a
		/// key of the other kind.
		pub fn parameter(subject: Subject, key: Key) -> Option<ParameterInfo> {
			let value = Self::set_of(subject).ok()?.get(key)?;
			Some(Self::info(subject, key, value))
		}

		/// Every number of a subject, as `parameter` has it. Empty for an unknown branch.
		pub fn parameters(subject: Subject) -> Vec<ParameterInfo> {
			Self::set_of(subject)
				.map(|set| {
					set.values()
						.into_iter()
						.map(|(key, value)| Self::info(subject, key, value))
						.collect()
				})
				.unwrap_or_default()
		}

		/// The value nearest to the wanted raw value that `set_values` would accept with all other numbers as they
		/// are: now, and once the cooldown is over and the breaker back at `Normal`. From `AdjustOrigin`; a guardian's only
		/// if it tightens a number whose policy says `guardian`. Minds the impact on those who are in as it is now; while
		/// that can't be known, a number that is judged by it stays where it is. Nothing for an unknown branch or a key of
		/// the other kind.
		pub fn nearest_allowed(subject: Subject, key: Key, wanted: u128) -> Option<Nearest> {
			Self::nearest(subject, key, wanted)
		}

		/// How far every number of a subject could go in each direction before its bounds or the other numbers stop
		/// it, however many steps that takes, with no breaker raised and nobody made unsafe. Empty for an unknown branch.
		pub fn headroom(subject: Subject) -> Vec<Headroom> {
			Self::headroom_of(subject)
		}

		/// What `set_values` would do with these changes now: the moves it would make, or the error it would end in.
		pub fn preview(
			subject: Subject,
			changes: Changes,
			authority: Authority,
		) -> Result<Vec<Move>, DispatchError> {
			Self::plan(subject, &changes, authority).map(|(_, moves)| moves)
		}

		/// What these changes would do to those who are in already, by the same count `set_values` makes: debt that is
		/// safe now and would not be once the ramp has run, all debt, the share and its limit, and whether that is allowed.
		/// Also for changes that bounds, steps or cooldowns would refuse. Zero where none of the numbers can make anybody
		/// unsafe; an error while the price is refused, because then nobody can tell.
		pub fn impact(subject: Subject, changes: Changes) -> Result<ImpactReport, DispatchError> {
			Self::judge(subject, &changes)
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Move numbers of one subject, all or none.
		///
		/// ## Origin
		///
		/// `AdjustOrigin` (both ways), `GuardianOrigin` (the safer way only, and only numbers whose policy says
		/// `guardian`), or `ControllerOrigin` (both ways by a quarter of the step, and only numbers whose policy says
		/// `controller`).
		///
		/// ## Details
		///
		/// Values are raw: ratios and rates with 18 decimals, kUSD with 6, times and counts plain. Each change must
		/// stay inside the number's bounds and within one step of its present value. Loosening waits for the
		/// number's cooldown, counted from its last loosening, and for the subject's breaker to be at `Normal`;
		/// tightening does not wait. The numbers are checked against each other after all changes, so numbers that
		/// depend on each other go in one call. Where a number makes the liquidation ratio of existing positions, the
		/// change must not make more than `ImpactLimit` of the branch's debt unsafe, whoever calls. Ask the views
		/// `preview`, `nearest_allowed` and `impact` first.
		///
		/// ## Errors
		///
		/// `NoChanges`, `DuplicateKey`, `Unchanged`, `KeyOfAnotherSubject`, `UnknownBranch`, `ValueDoesNotFit`;
		/// `BelowBounds`, `AboveBounds`; `TightenedTooFar`, `LoosenedTooFar`, `CoolingDown`,
		/// `BreakerRaised`, `GuardianMayOnlyTighten`, `NotForGuardians`, `NotForControllers`; for numbers that would not
		/// go together `RatioWithinPenalty`, `TargetTooClose`, `BonusAbovePenalty`, `CapBelowRatio`,
		/// `AuctionMissesReserve`, `AgesOutOfOrder`, `ConfidencesOutOfOrder`, `LiquidateAgeAboveOracleAge`,
		/// `DeviationOutOfOrder`, `RefusedOutOfOrder`, `LiquidatedOutOfOrder`, `MintedOutOfOrder`, `LeavingOutOfOrder`,
		/// `DrawdownOutOfOrder`, `FeesMintedOutOfOrder`; `WouldMakeUnsafe`, or why the price is refused where the impact
		/// can't be judged.
		///
		/// ## Events
		///
		/// `ParameterChanged` for every change.
		#[pallet::call_index(0)]
		// The impact is measured by counting little; what counting can cost at most is added.
		#[pallet::weight(T::WeightInfo::set_values(changes.len() as u32).saturating_add(T::Impact::weight()))]
		pub fn set_values(origin: OriginFor<T>, subject: Subject, changes: Changes) -> DispatchResult {
			let authority = Self::authority_of(origin)?;
			for Move {
				key,
				old,
				new,
				direction,
			} in Self::do_set_values(subject, &changes, authority)?
			{
				Self::deposit_event(Event::ParameterChanged {
					subject,
					key,
					old,
					new,
					direction,
				});
			}
			Ok(())
		}

		/// Move the bounds of numbers of one subject, all or none. No value moves, so no breaker is asked.
		///
		/// ## Origin
		///
		/// `BoundsOrigin`.
		///
		/// ## Details
		///
		/// New bounds are raw, both ends included, inside the compile-time limits and around the present value.
		///
		/// ## Errors
		///
		/// `NoChanges`, `DuplicateKey`, `Unchanged`, `KeyOfAnotherSubject`, `UnknownBranch`, `BoundsInverted`,
		/// `BoundsOutsideLimits`, `BoundsExcludeValue`.
		///
		/// ## Events
		///
		/// `BoundsChanged` for every change.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::set_bounds(changes.len() as u32))]
		pub fn set_bounds(origin: OriginFor<T>, subject: Subject, changes: BoundsChanges) -> DispatchResult {
			T::BoundsOrigin::ensure_origin(origin)?;
			for (key, old, new) in Self::do_set_bounds(subject, &changes)? {
				Self::deposit_event(Event::BoundsChanged {
					subject,
					key,
					old,
					new,
				});
			}
			Ok(())
		}

		/// Give a new branch its numbers and bounds.
		///
		/// ## Origin
		///
		/// `BoundsOrigin`.
		///
		/// ## Details
		///
		/// Keys that `bounds` does not name start with the bounds of the table (`policy.bounds` of the view
		/// `parameters`). Every number must be inside its bounds and inside the table's, every bound inside the limits,
		/// and the numbers must go together. The debt ceiling is 1,000,000 kUSD at most: that is what a wrong listing
		/// can cost. Steps and cooldowns start with the first move, so wider bounds say how far a number may go, not
		/// where it starts.
		///
		/// ## Errors
		///
		/// `BranchExists`, `DuplicateKey`, `KeyOfAnotherSubject`, `BoundsInverted`, `BoundsOutsideLimits`,
		/// `BelowBounds`, `AboveBounds`, `NewBranchCeilingTooHigh`, and the errors for numbers that do not go together (see `set_values`).
		///
		/// ## Events
		///
		/// `BranchAdded`, then `BoundsChanged` for every key of `bounds`, from the table's.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::add_branch(bounds.len() as u32))]
		pub fn add_branch(
			origin: OriginFor<T>,
			branch: BranchId,
			parameters: Box<BranchParameters>,
			bounds: BoundsChanges,
		) -> DispatchResult {
			T::BoundsOrigin::ensure_origin(origin)?;
			let changed = Self::do_add_branch(branch, &parameters, &bounds)?;
			Self::deposit_event(Event::BranchAdded { branch, parameters });
			for (key, old, new) in changed {
				Self::deposit_event(Event::BoundsChanged {
					subject: Subject::Branch(branch),
					key,
					old,
					new,
				});
			}
			Ok(())
		}
	}
}
