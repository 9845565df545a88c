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
//! - **facts** it relies on: no quorum above the number of operators, no debt that could not be paid out
//!   ([`Config::LiveFacts`]);
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
//! A new branch, market or asset gets its numbers from [`Config::BoundsOrigin`], every one of them inside the table's bounds,
//! and starts small ([`limits::NEW_BRANCH_CEILING`], [`limits::NEW_MARKET_CEILING`], [`limits::NEW_COLLATERAL_CEILING`]). From
//! there it moves like any other.
//!
//! ## The impact of a change
//!
//! A few numbers of a branch ([`Policy::moves_existing`]) make the liquidation ratio of positions that exist. Before one of them moves,
//! the ledger is asked how much debt is safe now and would not be once the ramp has run; more than `ImpactLimit` of the
//! branch's debt, and the call fails with [`Error::WouldMakeUnsafe`]. While the price is refused that can't be known, and
//! the call fails with the reason. What remains then: a wider safety margin, a lower ceiling, a raised breaker. The view
//! `impact` tells the number beforehand. The chain's numbers move nobody at once: `VolatilityTau` only says how volatility
//! is averaged from now on. What the numbers of a market or an asset do to margin accounts is not counted but slow: those who
//! keep them ramp the maintenance margin and the haircut.
//!
//! All numbers of a subject (the chain, a branch, a market, an asset) are one storage value, so that whoever needs them reads once.
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
	use keel_primitives::{
		AssetId, BranchId, BranchParameters, ChainParameters, CircuitBreaker, CollateralParameters,
		ImpactGauge, LiveFacts, MarketId, MarketParameters, Moment,
	};

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

		/// Sets bounds and adds branches, markets and assets: referenda.
		type BoundsOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Nothing is loosened while it is raised.
		type CircuitBreaker: CircuitBreaker;

		/// Says whom a change would make unsafe.
		type Impact: ImpactGauge;

		/// What the numbers rely on outside this pallet.
		type LiveFacts: LiveFacts;

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

	/// The numbers of each perpetual market.
	#[pallet::storage]
	pub type Markets<T: Config> = StorageMap<_, Twox64Concat, MarketId, MarketParameters>;

	/// The numbers of each asset that margin accounts may hold.
	#[pallet::storage]
	pub type Collaterals<T: Config> = StorageMap<_, Twox64Concat, AssetId, CollateralParameters>;

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
		/// The numbers of each perpetual market.
		pub markets: Vec<(MarketId, MarketParameters)>,
		/// The numbers of each asset that margin accounts may hold.
		pub collaterals: Vec<(AssetId, CollateralParameters)>,
		#[serde(skip)]
		pub _config: PhantomData<T>,
	}

	impl<T: Config> Default for GenesisConfig<T> {
		fn default() -> Self {
			Self {
				chain: limits::default_chain(),
				branches: Vec::new(),
				markets: Vec::new(),
				collaterals: Vec::new(),
				_config: PhantomData,
			}
		}
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		/// Panics, naming the number, where a value is out of bounds or a constraint does not hold, or a subject is there
		/// twice. How large a subject may be listed does not bind here.
		fn build(&self) {
			Pallet::<T>::build_subject(ParameterSet::Chain(self.chain.clone()));
			for (branch, parameters) in &self.branches {
				Pallet::<T>::build_subject(ParameterSet::Branch(*branch, parameters.clone()));
			}
			for (market, parameters) in &self.markets {
				Pallet::<T>::build_subject(ParameterSet::Market(*market, parameters.clone()));
			}
			for (asset, parameters) in &self.collaterals {
				Pallet::<T>::build_subject(ParameterSet::Collateral(*asset, parameters.clone()));
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
		/// A perpetual market got its first numbers.
		MarketAdded {
			market: MarketId,
			parameters: Box<MarketParameters>,
		},
		/// An asset that margin accounts may hold got its first numbers.
		CollateralAdded {
			asset: AssetId,
			parameters: Box<CollateralParameters>,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The branch has no numbers. Use one that `branches` lists, or add it first with `add_branch`.
		UnknownBranch,
		/// The market has no numbers. Use one that `markets` lists, or add it first with `add_market`.
		UnknownMarket,
		/// The asset has no numbers as collateral of margin accounts. Use one that `collaterals` lists, or add it first
		/// with `add_collateral`.
		UnknownCollateral,
		/// The branch, market or asset has numbers already. Move them with `set_values`, or choose another id.
		AlreadyListed,
		/// It would start with more than 1,000,000 kUSD: the debt ceiling of a branch, the most open interest of a market, the
		/// deposit cap of an asset. List it with that or less, and raise the number with `set_values`, a step and a
		/// cooldown at a time.
		ListedTooLarge,
		/// A key of one kind of subject was used on another. Take a key of the subject's own kind: the view `parameters` lists
		/// them.
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
		/// referendum. In what is newly listed, also at or above `policy.bounds.min`, whatever bounds it is given: list it there,
		/// and move it afterwards.
		BelowBounds,
		/// The value is above its bounds. Stay at or below `bounds.max` of the view `parameter`, or move the bounds by
		/// referendum. In what is newly listed, also at or below `policy.bounds.max`, whatever bounds it is given: list it there,
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
		/// `LeavingGuarded` must stay at or below `LeavingReduceOnly`. Move both in the same call.
		LeavingOutOfOrder,
		/// The triggers must stay in the order `DrawdownGuarded`, `DrawdownReduceOnly`, `DrawdownHalted`, smallest first.
		/// Move the neighbours in the same call.
		DrawdownOutOfOrder,
		/// `LendingGuarded` must stay at or below `LendingReduceOnly`. Move both in the same call.
		LendingOutOfOrder,
		/// The cap of the maintenance margin would be below the margin. Raise the cap or lower the margin in the same call.
		CapBelowMaintenance,
		/// With `p` for `MaxPremium`, `MaintenanceMargin × (1 − p)` would be below `2p + LiquidationFee +
		/// TakerFee + 0.25 %`: others could leave so that a position at its margin cannot be closed without a
		/// loss for the pool. Raise the margin, or lower `MaxPremium` or a fee, in the same call.
		ExitNotCovered,
		/// `PremiumStep` would be above `MaxPremium`. Lower the step or raise the maximum in the same call.
		PremiumStepAboveMaximum,
		/// With `p` for `MaxPremium`, `2p` would be above `MaintenanceMargin × (InitialMultiple × (1 − p) −
		/// (1 + p))`: pushing the mark from one end of its range to the other could take an account from its
		/// initial to its maintenance margin. Lower `MaxPremium`, or raise the multiple or the margin, in the
		/// same call.
		MaxPremiumTooWide,
		/// `LiquidationFee` would be above a quarter of `MaintenanceMargin`. Lower the fee or raise the
		/// margin in the same call.
		LiquidationFeeTooLarge,
		/// `MakerFee` would be above `TakerFee`. Lower the one or raise the other in the same call.
		MakerAboveTaker,
		/// `Rebate` would be above half of `TakerFee`: trading back and forth would begin to pay. Lower the rebate or raise the
		/// fee in the same call.
		RebateTooLarge,
		/// `PremiumStep` would be above `TakerFee − Rebate`: going in before somebody else's order and out behind it would pay.
		/// Lower the step or the rebate, or raise the fee, in the same call.
		PremiumStepAboveFees,
		/// `OpenInterestLower` must stay at or below `OpenInterestUpper`. Move both in the same call.
		OpenInterestOutOfOrder,
		/// `SaleDiscount` would not be below `Haircut`: a sale would leave an account with less than its collateral counted.
		/// Lower the discount or raise the haircut in the same call.
		DiscountNotBelowHaircut,
		/// `OracleQuorum` would be above the number of operators, and no price could be made. The largest
		/// that fits is that number: the view `nearest_allowed` answers it. Or have operators added first.
		QuorumAboveOperators,
		/// `MinimumDebt` would be below the minimum balance of kUSD, and such a debt could not be paid out.
		/// The smallest that fits is that balance: the view `nearest_allowed` answers it.
		DebtBelowMinimumBalance,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			Self::check_table();
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_n: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// Who has numbers: the chain, then every branch, every market and every asset of margin accounts.
		pub fn subjects() -> Vec<Subject> {
			Self::all_subjects()
		}

		/// One number: its value, bounds, limits, unit, safer direction, who may move it, steps, where a move may take it
		/// now, from when it may be loosened, and whether the breaker refuses that now. Nothing for an unknown subject or a
		/// key of another kind.
		pub fn parameter(subject: Subject, key: Key) -> Option<ParameterInfo> {
			let value = Self::set_of(subject).ok()?.get(key)?;
			Some(Self::info(subject, key, value))
		}

		/// Every number of a subject, as `parameter` has it. Empty for an unknown one.
		pub fn parameters(subject: Subject) -> Vec<ParameterInfo> {
			Self::infos(subject)
		}

		/// The value nearest to the wanted raw value that `set_values` would accept with all other numbers as they
		/// are: now, and once the cooldown is over and the breaker back at `Normal`. From `AdjustOrigin`; a guardian's only
		/// if it tightens a number whose policy says `guardian`. Minds the impact on those who are in as it is now; while
		/// that can't be known, a number that is judged by it stays where it is. Nothing for an unknown subject or a key of
		/// another kind.
		pub fn nearest_allowed(subject: Subject, key: Key, wanted: u128) -> Option<Nearest> {
			Self::nearest(subject, key, wanted)
		}

		/// How far every number of a subject could go in each direction before its bounds or the other numbers stop
		/// it, however many steps that takes, with no breaker raised and nobody made unsafe. Empty for an unknown subject.
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
		/// unsafe, as of the chain, a market or an asset; an error while the price is refused, because then nobody can tell.
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
		/// Values are raw: ratios and rates with 18 decimals, kUSD with 6, sizes with 8, times and counts plain. Each change must
		/// stay inside the number's bounds and within one step of its present value. Loosening waits for the
		/// number's cooldown, counted from its last loosening, and for the subject's breaker to be at `Normal`;
		/// tightening does not wait. The numbers are checked against each other after all changes, so numbers that
		/// depend on each other go in one call. Where a number makes the liquidation ratio of existing positions, the
		/// change must not make more than `ImpactLimit` of the branch's debt unsafe, whoever calls. Ask the views
		/// `preview`, `nearest_allowed` and `impact` first.
		///
		/// ## Errors
		///
		/// `NoChanges`, `DuplicateKey`, `Unchanged`, `KeyOfAnotherSubject`, `UnknownBranch`, `UnknownMarket`,
		/// `UnknownCollateral`, `ValueDoesNotFit`; `BelowBounds`, `AboveBounds`; `TightenedTooFar`,
		/// `LoosenedTooFar`, `CoolingDown`, `BreakerRaised`, `GuardianMayOnlyTighten`, `NotForGuardians`,
		/// `NotForControllers`; for numbers that would not go together `RatioWithinPenalty`,
		/// `TargetTooClose`, `BonusAbovePenalty`, `CapBelowRatio`, `AuctionMissesReserve`, `AgesOutOfOrder`,
		/// `ConfidencesOutOfOrder`, `LiquidateAgeAboveOracleAge`, `DeviationOutOfOrder`, `RefusedOutOfOrder`,
		/// `LiquidatedOutOfOrder`, `LeavingOutOfOrder`, `DrawdownOutOfOrder`, `LendingOutOfOrder`,
		/// `CapBelowMaintenance`, `ExitNotCovered`, `PremiumStepAboveMaximum`, `MaxPremiumTooWide`,
		/// `LiquidationFeeTooLarge`, `MakerAboveTaker`, `RebateTooLarge`, `PremiumStepAboveFees`,
		/// `OpenInterestOutOfOrder`, `DiscountNotBelowHaircut`; for numbers that rely on what is not there
		/// `QuorumAboveOperators`, `DebtBelowMinimumBalance`; `WouldMakeUnsafe`, or why the price is refused
		/// where the impact can't be judged.
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
		/// `NoChanges`, `DuplicateKey`, `Unchanged`, `KeyOfAnotherSubject`, `UnknownBranch`, `UnknownMarket`,
		/// `UnknownCollateral`, `BoundsInverted`, `BoundsOutsideLimits`, `BoundsExcludeValue`.
		///
		/// ## Events
		///
		/// `BoundsChanged` for every change.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::set_bounds(changes.len() as u32))]
		pub fn set_bounds(origin: OriginFor<T>, subject: Subject, changes: BoundsChanges) -> DispatchResult {
			T::BoundsOrigin::ensure_origin(origin)?;
			let moved = Self::do_set_bounds(subject, &changes)?;
			Self::announce_bounds(subject, moved);
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
		/// `AlreadyListed`, `DuplicateKey`, `KeyOfAnotherSubject`, `BoundsInverted`, `BoundsOutsideLimits`,
		/// `BelowBounds`, `AboveBounds`, `ListedTooLarge`, and the errors for numbers that do not go together (see `set_values`).
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
			let moved = Self::do_list(ParameterSet::Branch(branch, (*parameters).clone()), &bounds)?;
			Self::deposit_event(Event::BranchAdded { branch, parameters });
			Self::announce_bounds(Subject::Branch(branch), moved);
			Ok(())
		}

		/// Give a new perpetual market its numbers and bounds.
		///
		/// ## Origin
		///
		/// `BoundsOrigin`.
		///
		/// ## Details
		///
		/// As `add_branch`; the most open interest of a side is 1,000,000 kUSD at most. Choose `SkewScale` by the market's own
		/// price and depth: the table can only guess.
		///
		/// ## Errors
		///
		/// Those of `add_branch`.
		///
		/// ## Events
		///
		/// `MarketAdded`, then `BoundsChanged` for every key of `bounds`, from the table's.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::add_market(bounds.len() as u32))]
		pub fn add_market(
			origin: OriginFor<T>,
			market: MarketId,
			parameters: Box<MarketParameters>,
			bounds: BoundsChanges,
		) -> DispatchResult {
			T::BoundsOrigin::ensure_origin(origin)?;
			let moved = Self::do_list(ParameterSet::Market(market, (*parameters).clone()), &bounds)?;
			Self::deposit_event(Event::MarketAdded { market, parameters });
			Self::announce_bounds(Subject::Market(market), moved);
			Ok(())
		}

		/// Give an asset its numbers and bounds as collateral of margin accounts.
		///
		/// ## Origin
		///
		/// `BoundsOrigin`.
		///
		/// ## Details
		///
		/// As `add_branch`; the deposit cap is 1,000,000 kUSD at most.
		///
		/// ## Errors
		///
		/// Those of `add_branch`.
		///
		/// ## Events
		///
		/// `CollateralAdded`, then `BoundsChanged` for every key of `bounds`, from the table's.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::add_collateral(bounds.len() as u32))]
		pub fn add_collateral(
			origin: OriginFor<T>,
			asset: AssetId,
			parameters: Box<CollateralParameters>,
			bounds: BoundsChanges,
		) -> DispatchResult {
			T::BoundsOrigin::ensure_origin(origin)?;
			let moved = Self::do_list(ParameterSet::Collateral(asset, (*parameters).clone()), &bounds)?;
			Self::deposit_event(Event::CollateralAdded { asset, parameters });
			Self::announce_bounds(Subject::Collateral(asset), moved);
			Ok(())
		}
	}
}
