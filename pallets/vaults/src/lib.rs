//! # Vaults
//!
//! Collateralised debt: an owner locks collateral and mints the synthetic, kUSD, against it.
//!
//! ## Overview
//!
//! - A **branch** is one collateral asset against kUSD, with its own account, parameters, rate index and
//!   totals.
//! - A **vault** is one owner's collateral and debt in a branch. Debt is stored divided by the branch's *rate
//!   index*, so that interest reaches every vault without touching it.
//! - A vault's **trigger** is its normalised debt per whole unit of collateral. It is unsafe iff its trigger
//!   is above `price / (rate index × liquidation ratio)`. Only acting on the vault moves its trigger.
//! - **Adding risk** (minting, or anything that raises the trigger) needs a strict price and a collateral
//!   ratio above the liquidation ratio plus a margin. Leaving stays open: repaying, topping up and whatever
//!   ends without debt need no price at all.
//! - **Interest** advances on a clock in `on_initialize` and `on_poll`, always and at the fee in force; what
//!   the insurance fund may not mint of it yet waits. A fee that changes is charged from the next visit on.
//!   The **liquidation ratio** of existing vaults moves there too, slowly, towards what volatility asks for;
//!   new risk meets that target at once.
//! - A **liquidation** restores a vault, not more, and its penalty stays below the buffer the ramped ratio
//!   left. The stability pool buys first, an auction sells the rest, the insurance fund carries what is
//!   short.
//! - The **circuit breaker** is asked where risk is added or collateral leaves a debt behind. Repaying,
//!   topping up and closing never ask. Its fuse *leaving* reads collateral that backed debt, that left and
//!   stayed away for minutes: what no debt stands on, and what is back soon, raises nothing.
//! - **Windows** of an hour bound what may be minted, and withdrawn under a debt. They refuse what is beyond
//!   their limit and raise no level. Repaying gives room to mint; a deposit gives back what the same vault
//!   withdrew, and no more.
//! - A changed parameter reaches existing vaults on a ramp or not at all: ratio, penalty and target margin on
//!   the ramp, the minimum debt when a vault mints.
//! - A **shutdown** is the last resort: a price is locked; an hour later every vault that still owes gives
//!   collateral worth its debt, by itself within some blocks, and kUSD is redeemed for it. What is short is
//!   the insurance fund's, what is over stays the owners'. What nobody has redeemed [`REDEEM_MS`] later is
//!   sold by the fund, and a branch that is over makes room for another.
//!
//! Rounding always favours the protocol: a vault owes at least what was minted and is relieved of at most what was
//! burned.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod gauges;
mod impact;
mod impls;
mod liquidate;
mod rules;
mod shutdown;
pub mod types;
mod views;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, fungibles, EnsureOrigin, Time},
		weights::WeightMeter,
		PalletId,
	};
	use frame_system::pallet_prelude::*;
	use keel_math::FixedU128;
	use keel_primitives::{
		AssetId, AssetRegistry, Auctions, Balance, BranchId, CircuitBreaker, FeedId, InsuranceFund, Moment,
		PriceProvider, RiskParameters, StabilityPool, TriggerIndex, VaultId,
	};

	type Answer<A> = Result<A, DispatchError>;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// Collateral and the synthetic.
		type Assets: fungibles::Mutate<Self::AccountId, AssetId = AssetId, Balance = Balance>
			+ fungibles::metadata::Inspect<Self::AccountId>;

		/// kUSD.
		#[pallet::constant]
		type Synthetic: Get<AssetId>;
		/// The overarching hold reason.
		type RuntimeHoldReason: From<HoldReason>;

		/// KEEL, which the storage deposit is held in.
		type Currency: fungible::Inspect<Self::AccountId, Balance = Balance>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;
		/// Held from the owner of a new vault until it is removed, in base units of KEEL.
		#[pallet::constant]
		type VaultDeposit: Get<Balance>;

		/// The registry of assets: feed, decimals and live branch of every collateral.
		type Registry: AssetRegistry;
		/// Who knows prices.
		type Prices: PriceProvider;
		/// Who keeps the branches' parameters.
		type RiskParameters: RiskParameters;
		/// Who knows how far breakers are raised.
		type CircuitBreaker: CircuitBreaker;
		/// Who keeps the triggers.
		type Triggers: TriggerIndex;
		/// First buyer of liquidated collateral.
		type StabilityPool: StabilityPool<Self::AccountId>;
		/// Second buyer.
		type Auctions: Auctions<Self::AccountId>;
		/// Who gets the interest and carries what is short.
		type InsuranceFund: InsuranceFund<Self::AccountId>;

		/// The chain's time, in ms.
		type Time: Time<Moment = Moment>;
		/// Active time, in ms: the clock of the grace period after a shutdown. It stands still while no block
		/// is made.
		type ActiveTime: Time<Moment = Moment>;
		/// Who may list collateral.
		type BranchOrigin: EnsureOrigin<Self::RuntimeOrigin>;
		/// Who may shut a branch down for good.
		type ShutdownOrigin: EnsureOrigin<Self::RuntimeOrigin>;
		/// The source of the branches' accounts.
		#[pallet::constant]
		type PalletId: Get<PalletId>;
		/// The most branches.
		#[pallet::constant]
		type MaxBranches: Get<u32>;

		/// How often interest accrues and the liquidation ratio moves, in ms; at least a second.
		#[pallet::constant]
		type AccrualPeriod: Get<Moment>;
		/// Weights of the calls.
		type WeightInfo: WeightInfo;
		/// Set-up of benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: crate::BenchmarkHelper<Self::AccountId>;
	}

	/// A reason for this pallet to hold KEEL.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The storage deposit of a vault.
		#[codec(index = 0)]
		VaultDeposit,
	}

	/// The branches that are not over, in the order they were listed.
	#[pallet::storage]
	pub type BranchList<T: Config> = StorageValue<_, BoundedVec<BranchId, T::MaxBranches>, ValueQuery>;

	/// What branches that are over have issued, in base units of kUSD: at most zero, for interest that
	/// rounding took and that was repaid.
	#[pallet::storage]
	pub type PastIssued<T: Config> = StorageValue<_, i128, ValueQuery>;

	/// Each branch. One that is over stays, so that its number is never given again and its owners can fetch
	/// what is theirs.
	#[pallet::storage]
	pub type Branches<T: Config> = StorageMap<_, Twox64Concat, BranchId, Branch>;

	/// Each vault.
	#[pallet::storage]
	pub type Vaults<T: Config> = StorageMap<_, Twox64Concat, VaultId, Vault<T::AccountId>>;

	/// The vaults of an owner.
	#[pallet::storage]
	pub type OwnerVaults<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, VaultId, ()>;

	/// The next vault's number.
	#[pallet::storage]
	pub type NextVaultId<T: Config> = StorageValue<_, VaultId, ValueQuery>;

	/// Branches to begin with. Assets with their metadata and the branches' parameters have to be built before.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Branch, collateral asset, feed.
		pub branches: Vec<(BranchId, AssetId, FeedId)>,
		#[serde(skip)]
		pub _config: PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			for (branch, collateral, feed) in &self.branches {
				Pallet::<T>::do_add_branch(*branch, *collateral, *feed)
					.expect("a genesis branch has parameters and a sufficient asset of at most 18 decimals");
			}
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A collateral was listed.
		BranchAdded {
			branch: BranchId,
			collateral: AssetId,
			feed: FeedId,
		},
		/// A vault was opened. Amounts in base units.
		VaultOpened {
			vault: VaultId,
			owner: T::AccountId,
			branch: BranchId,
			collateral: Balance,
			debt: Balance,
		},
		/// A vault was adjusted by its owner: what moved, and what it has and owes now.
		VaultAdjusted {
			vault: VaultId,
			deposited: Balance,
			withdrawn: Balance,
			minted: Balance,
			repaid: Balance,
			collateral: Balance,
			debt: Balance,
		},
		/// A vault was closed: debt repaid, collateral and deposit returned.
		VaultClosed {
			vault: VaultId,
			owner: T::AccountId,
			collateral: Balance,
			repaid: Balance,
			deposit: Balance,
		},
		/// Debt was repaid. `debt` is what is left.
		DebtRepaid {
			vault: VaultId,
			by: T::AccountId,
			amount: Balance,
			debt: Balance,
		},
		/// Collateral was added. `collateral` is what there is now.
		CollateralAdded {
			vault: VaultId,
			by: T::AccountId,
			amount: Balance,
			collateral: Balance,
		},
		/// The rate index advanced. `income` was minted to the insurance fund; `unminted` of the interest
		/// that is owed waits until the fund may mint more. Both in base units of kUSD.
		InterestAccrued {
			branch: BranchId,
			rate_index: u128,
			income: Balance,
			unminted: Balance,
		},
		/// The rate index could not advance, or the branch's parameters are missing. The next visit tries
		/// again for the whole time.
		AccrualFailed { branch: BranchId, error: DispatchError },
		/// The liquidation ratio of existing vaults moved towards its target.
		LiquidationRatioMoved {
			branch: BranchId,
			ratio: FixedU128,
			target: FixedU128,
		},
		/// The stability pool failed to buy; all of the lot goes to auction.
		PoolFailed { vault: VaultId, error: DispatchError },
		/// A vault was liquidated at `price`: debt and collateral that left it, the penalty its sale should bring,
		/// and who carries the debt.
		Liquidated {
			vault: VaultId,
			owner: T::AccountId,
			branch: BranchId,
			price: FixedU128,
			debt: Balance,
			collateral: Balance,
			penalty: Balance,
			absorbed: Balance,
			auctioned: Balance,
			shortfall: Balance,
		},
		/// A branch was shut down. Its vaults, with this debt and collateral, are settled at `price`, USD per whole unit.
		BranchShutDown {
			branch: BranchId,
			price: FixedU128,
			debt: Balance,
			collateral: Balance,
		},
		/// A vault's debt is gone for the collateral `given`. `collateral` is left to its owner: `close` returns it.
		VaultSettled {
			vault: VaultId,
			owner: T::AccountId,
			branch: BranchId,
			debt: Balance,
			given: Balance,
			collateral: Balance,
		},
		/// The insurance fund failed to carry what the pot of a branch is short of; the settlement goes on
		/// without it, and every kUSD redeemed gets the same share of the pot.
		CoverFailed { branch: BranchId, error: DispatchError },
		/// Every vault is settled: `claims` of kUSD may be redeemed for the `pot` of collateral. Of what that
		/// was short of the fund burned `covered` and recorded `bad_debt`.
		SettlementDone {
			branch: BranchId,
			pot: Balance,
			claims: Balance,
			covered: Balance,
			bad_debt: Balance,
		},
		/// A pot that nobody had a claim on went to the insurance fund.
		PotTaken { branch: BranchId, collateral: Balance },
		/// The time to redeem is over. The pot went to the insurance fund, to be sold; of the kUSD that was
		/// not redeemed the fund burned `covered` out of its own and recorded `bad_debt`.
		PotExpired {
			branch: BranchId,
			collateral: Balance,
			claims: Balance,
			covered: Balance,
			bad_debt: Balance,
		},
		/// Everything was settled and redeemed. The branch takes no place in `branchList` any more.
		BranchOver { branch: BranchId },
		/// kUSD was burned for a share of the pot.
		Redeemed {
			branch: BranchId,
			who: T::AccountId,
			burned: Balance,
			collateral: Balance,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// There is no such branch. Branches are listed in `branchList`.
		UnknownBranch,
		/// The branch number was given before, perhaps to a branch that is over. Choose one that never was in
		/// `branches`.
		BranchExists,
		/// There are as many branches as the chain allows. None can be added until one of them is over.
		TooManyBranches,
		/// kUSD can't back itself. Choose another asset.
		CollateralIsSynthetic,
		/// There is no such asset. Create it first.
		UnknownCollateral,
		/// The asset has more than 18 decimals. Only assets with 0 to 18 can be collateral.
		TooManyDecimals,
		/// The asset's minimum balance is above one base unit, so dust would be lost. Lower it to one first.
		MinimumBalanceTooHigh,
		/// A new account can't receive the asset, nor could a buyer. Make it sufficient (`assets.forceAssetStatus`) first.
		CollateralNotSufficient,
		/// There is no such vault. `vaultsOf` lists those of an account.
		UnknownVault,
		/// The vault belongs to another branch. Name the branch it was opened in.
		WrongBranch,
		/// Only the owner may do this. Anyone may `repay` and `topUp`.
		NotOwner,
		/// Nothing would move: the amounts are zero, or nothing is left to repay, settle or redeem. Give an amount above zero.
		NothingChanged,
		/// More collateral than the vault has. Withdraw what it has at most, or the largest number for all.
		CollateralExceedsVault,
		/// More than the vault owes. Repay what it owes at most, or the largest number for all.
		RepaymentExceedsDebt,
		/// The debt would be below the minimum. Mint up to the branch's minimum at least; repay down to the
		/// `minimumDebt` that `health` shows, or everything.
		DebtBelowMinimum,
		/// The branch would have issued more than its ceiling. `branch` shows what is left.
		CeilingReached,
		/// The collateral would be worth too little for the debt. Add collateral or mint less: `maximumMintable` says how much.
		RatioTooLow,
		/// The vault is safe at the current price. Only unsafe ones are liquidated.
		VaultSafe,
		/// The price is not newer than the risk its owner last added. Wait for the next price.
		PriceNotNewer,
		/// The vault is unsafe by rounding alone and needs no sale to reach its target. A target margin above zero rules it out.
		TargetUnreachable,
		/// The insurance fund did not account for all of a shortfall. Nothing was liquidated; a settlement
		/// goes on without the fund.
		ShortfallNotCarried,
		/// More kUSD than the branch lets out within an hour. Mint `mintRoom` at most, or wait: it grows with time and repayments.
		MintWindowFull,
		/// More collateral than the branch lets out within an hour of vaults that go on owing. Withdraw at
		/// most `exitRoom` and what this vault put in within the hour, or a fifth of `ExitLimit` of what it
		/// held, which is always free; or wait, or repay everything: then all of it is free.
		ExitWindowFull,
		/// The branch was shut down. Only repaying, topping up a vault that owes and withdrawing from one that ends without debt
		/// work; `shutdown` shows how far its settlement is.
		BranchShutDown,
		/// The branch was not shut down, so there is nothing to settle or to redeem.
		NotShutDown,
		/// Vaults of the branch still owe. They are settled by themselves once the grace period is over;
		/// `settle` is quicker. Then try again.
		NotSettled,
		/// The price named is zero. Name what a whole unit of the collateral is worth, in USD with 18 decimals.
		NoPriceToSettleAt,
		/// The feed has a price, so none may be named. Leave it out: the lower of spot and its average is locked.
		PriceIsKnown,
		/// The branch was shut down less than an hour ago: its owners may still repay, top up and close.
		/// Settle from the time on that `shutdown` shows.
		GracePeriod,
		/// The amount is worth less than one base unit of collateral. Redeem more at once: `quoteRedeem` says what it gets.
		RedemptionTooSmall,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Visits the branches that are due: interest accrues, the liquidation ratio moves. Sees the time of
		/// the block before.
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			Self::visit_all()
		}

		/// The same at the block's own time and before its transactions: after a stop of the chain nobody
		/// repays, and nobody is judged, without the interest of the stop. Without weight for all branches it
		/// is left to the next `on_initialize`.
		fn on_poll(_: BlockNumberFor<T>, meter: &mut WeightMeter) {
			let most = T::MaxBranches::get();
			let reads = T::DbWeight::get().reads(u64::from(most).saturating_add(2));
			let weight = T::WeightInfo::on_initialize(most).saturating_add(reads);
			if meter.can_consume(weight) {
				meter.consume(Self::visit_all());
			}
		}

		/// Settles the vaults of branches that were shut down.
		fn on_idle(_: BlockNumberFor<T>, limit: Weight) -> Weight {
			Self::settle_idle(limit)
		}

		fn integrity_test() {
			Self::check_config()
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Open a vault: lock collateral and mint kUSD against it.
		///
		/// ## Origin
		///
		/// Signed; the sender becomes the owner.
		///
		/// ## Details
		///
		/// Moves `collateral` (base units) from the sender to the branch, mints `debt` (base units of kUSD) to the
		/// sender and holds the storage deposit until the vault is removed. The price has to be fit for adding risk.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownBranch`]: there is no such branch
		/// - [`Error::DebtBelowMinimum`]: `debt` is zero or below the branch's minimum
		/// - [`Error::CeilingReached`], [`Error::MintWindowFull`]: the branch has not that much left, at all or this hour
		/// - [`Error::RatioTooLow`]: the collateral is worth too little
		/// - [`Error::BranchShutDown`]: the branch was shut down
		/// - an error of the circuit breaker if it forbids minting, of the prices pallet if the price is refused
		///
		/// ## Events
		///
		/// - [`Event::VaultOpened`]
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::open())]
		pub fn open(
			origin: OriginFor<T>,
			branch: BranchId,
			#[pallet::compact] collateral: Balance,
			#[pallet::compact] debt: Balance,
		) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			let (vault, plan) = Self::do_open(owner, branch, collateral, debt)?;
			Self::deposit_event(Event::opened(vault, plan));
			Ok(())
		}

		/// Move a vault's collateral and debt, each in any direction, in one go.
		///
		/// ## Origin
		///
		/// Signed by the vault's owner.
		///
		/// ## Details
		///
		/// Risk is added if kUSD is minted or the vault's trigger (debt per collateral) rises: then the price has to be
		/// fit for it and the collateral ratio above the liquidation ratio plus the safety margin, the collateral counted at
		/// the lower of spot minus confidence and the five-minute average; while the breaker is raised, the margin is wider and the
		/// ceiling lower, or risk is closed. Withdrawing without adding risk only needs a price lenient enough for leaving. Repaying,
		/// topping up and whatever ends without debt need no price and ask no breaker. `Decrease` of the largest number is all of it.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownVault`], [`Error::NotOwner`]: it is not the sender's vault
		/// - [`Error::NothingChanged`]: both sides stay
		/// - [`Error::CollateralExceedsVault`], [`Error::RepaymentExceedsDebt`]: more than there is
		/// - [`Error::DebtBelowMinimum`]: debt is minted up to less than the branch's minimum, or repaid down
		///   to something between zero and the minimum the vault keeps
		/// - [`Error::CeilingReached`], [`Error::MintWindowFull`]: the branch has not that much left to mint,
		///   at all or this hour
		/// - [`Error::ExitWindowFull`]: more than this vault put in this hour and the branch lets out, more
		///   than is its own, and the vault would go on owing
		/// - [`Error::RatioTooLow`]: risk is added and the collateral is worth too little
		/// - [`Error::BranchShutDown`]: the branch was shut down and something else than leaving is asked for
		/// - an error of the circuit breaker if it forbids this, of the prices pallet if a price is needed
		///   and refused
		///
		/// ## Events
		///
		/// - [`Event::VaultAdjusted`]
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::adjust())]
		pub fn adjust(
			origin: OriginFor<T>,
			#[pallet::compact] vault: VaultId,
			collateral: Change,
			debt: Change,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let plan = Self::do_adjust(&who, vault, collateral, debt)?;
			Self::deposit_event(Event::adjusted(vault, plan));
			Ok(())
		}

		/// Close a vault: repay everything, get the collateral and the deposit back.
		///
		/// ## Origin
		///
		/// Signed by the vault's owner.
		///
		/// ## Details
		///
		/// Needs no price. The sender needs as much kUSD as the vault owes.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownVault`], [`Error::NotOwner`]: it is not the sender's vault
		///
		/// ## Events
		///
		/// - [`Event::VaultClosed`]
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::close())]
		pub fn close(origin: OriginFor<T>, #[pallet::compact] vault: VaultId) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			let plan = Self::do_close(&owner, vault)?;
			Self::deposit_event(Event::closed(vault, plan));
			Ok(())
		}

		/// Repay debt of anybody's vault.
		///
		/// ## Origin
		///
		/// Signed; the sender pays.
		///
		/// ## Details
		///
		/// Burns `amount` base units of kUSD, or what the vault owes if that is less. Needs no price.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownVault`]: there is no such vault
		/// - [`Error::NothingChanged`]: it owes nothing, or `amount` is zero
		/// - [`Error::DebtBelowMinimum`]: something between zero and the minimum would be left
		///
		/// ## Events
		///
		/// - [`Event::DebtRepaid`]
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::repay())]
		pub fn repay(
			origin: OriginFor<T>,
			#[pallet::compact] vault: VaultId,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let by = ensure_signed(origin)?;
			let plan = Self::do_repay(&by, vault, amount)?;
			Self::deposit_event(Event::repaid(vault, by, plan));
			Ok(())
		}

		/// Add collateral to anybody's vault.
		///
		/// ## Origin
		///
		/// Signed; the sender pays.
		///
		/// ## Details
		///
		/// Moves `amount` base units of the branch's collateral into the vault. Needs no price.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownVault`]: there is no such vault
		/// - [`Error::NothingChanged`]: `amount` is zero
		/// - [`Error::BranchShutDown`]: the branch was shut down and the vault owes nothing
		///
		/// ## Events
		///
		/// - [`Event::CollateralAdded`]
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::top_up())]
		pub fn top_up(
			origin: OriginFor<T>,
			#[pallet::compact] vault: VaultId,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let by = ensure_signed(origin)?;
			let plan = Self::do_top_up(&by, vault, amount)?;
			Self::deposit_event(Event::topped_up(vault, by, plan));
			Ok(())
		}

		/// List a collateral.
		///
		/// ## Origin
		///
		/// [`Config::BranchOrigin`].
		///
		/// ## Details
		///
		/// The branch needs parameters first; its liquidation ratio starts at the base, its clock now. The
		/// asset must be and stay *sufficient*: else the pool, the auctions and the fund could not receive
		/// it, and nobody could be liquidated. An asset whose branch was shut down may be listed again under
		/// a new number.
		///
		/// ## Errors
		///
		/// - [`Error::BranchExists`], [`Error::TooManyBranches`]: the number is taken or there are too many
		/// - [`Error::CollateralIsSynthetic`], [`Error::UnknownCollateral`], [`Error::TooManyDecimals`],
		///   [`Error::MinimumBalanceTooHigh`], [`Error::CollateralNotSufficient`]: the asset does not fit
		/// - the registry's own if the feed is unknown, the asset has another feed or a branch that runs, or
		///   too many assets are registered
		/// - an error of the risk parameters pallet if the branch has no parameters
		///
		/// ## Events
		///
		/// - [`Event::BranchAdded`]
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::add_branch())]
		pub fn add_branch(
			origin: OriginFor<T>,
			branch: BranchId,
			collateral: AssetId,
			feed: FeedId,
		) -> DispatchResult {
			T::BranchOrigin::ensure_origin(origin)?;
			Self::do_add_branch(branch, collateral, feed)?;
			Self::deposit_event(Event::added(branch, collateral, feed));
			Ok(())
		}

		/// Shut a branch down for good. The last resort.
		///
		/// ## Origin
		///
		/// [`Config::ShutdownOrigin`].
		///
		/// ## Details
		///
		/// Without `price`, locks the lower of spot and its five-minute average, which have to be fit for
		/// leaving. If the feed is dead and there is debt, name a price: USD per whole unit with 18 decimals.
		/// It is only taken if the feed has none.
		///
		/// From now on nothing is minted, liquidated or charged; owners may repay, top up and close until
		/// their vault is settled: an hour from now at the earliest, by the chain itself, the worst first, or
		/// by `settle`. The branch stays listed and is never opened again; its collateral may be listed anew
		/// under another number.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownBranch`], [`Error::BranchShutDown`]: there is no such branch, or it was shut down before
		/// - [`Error::PriceIsKnown`]: a price is named and the feed has one
		/// - [`Error::NoPriceToSettleAt`]: the price named is zero
		/// - an error of the prices pallet if no price is named, there is debt and the feed has no price fit
		///   for leaving
		///
		/// ## Events
		///
		/// - [`Event::BranchShutDown`], and [`Event::SettlementDone`] for a branch without debt
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::shut_down())]
		pub fn shut_down(origin: OriginFor<T>, branch: BranchId, price: Option<FixedU128>) -> DispatchResult {
			T::ShutdownOrigin::ensure_origin(origin)?;
			Self::do_shut_down(branch, price)
		}

		/// Settle anybody's vault in a branch that was shut down.
		///
		/// ## Origin
		///
		/// Signed by anyone.
		///
		/// ## Details
		///
		/// The vault gives collateral worth its debt at the locked price, rounded up, or all it has, and owes
		/// nothing any more. Its owner takes the rest with `close`. With the last vault the insurance fund
		/// takes over what the pot is short of, and `redeem` opens.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownVault`], [`Error::NotShutDown`]: there is no such vault, or its branch was not shut down
		/// - [`Error::NothingChanged`]: the vault owes nothing
		/// - [`Error::GracePeriod`]: the shutdown is less than an hour old
		///
		/// ## Events
		///
		/// - [`Event::VaultSettled`], and [`Event::SettlementDone`] with the last one
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::settle())]
		pub fn settle(origin: OriginFor<T>, #[pallet::compact] vault: VaultId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_settle(vault)
		}

		/// Burn kUSD for a share of what a settled branch's vaults gave.
		///
		/// ## Origin
		///
		/// Signed by anyone with kUSD.
		///
		/// ## Details
		///
		/// Burns `amount` base units of kUSD, or what may still be claimed if that is less, and pays the same
		/// share of the pot, rounded down. Every kUSD gets the same, now or later; the last one empties the
		/// pot. [`REDEEM_MS`] after the last vault was settled the rest of the pot goes to the insurance fund
		/// and is sold; the view `shutdown` says when.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownBranch`], [`Error::NotShutDown`], [`Error::NotSettled`]: there is nothing to redeem, or not yet
		/// - [`Error::NothingChanged`]: `amount` is zero, or everything was redeemed
		/// - [`Error::RedemptionTooSmall`]: `amount` would get no collateral
		///
		/// ## Events
		///
		/// - [`Event::Redeemed`]
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::redeem())]
		pub fn redeem(
			origin: OriginFor<T>,
			branch: BranchId,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let share = Self::do_redeem(&who, branch, amount)?;
			Self::deposit_event(Event::redeemed(branch, who, share));
			Ok(())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// How a vault is: what it has and owes, its ratio, the price below which it is unsafe. Nothing for an unknown vault.
		pub fn health(vault: VaultId) -> Option<Health> {
			Self::view_health(vault)
		}

		/// The price below which a vault is unsafe, USD per whole unit with 18 decimals, at the liquidation ratio
		/// of now. Nothing for an unknown vault or one without debt.
		pub fn liquidation_price(vault: VaultId) -> Option<FixedU128> {
			Self::view_liquidation_price(vault)
		}

		/// The most kUSD, in base units, a new vault with this much collateral could mint now; zero if that is below the
		/// minimum debt. The error says why nobody can mint now.
		pub fn maximum_mintable(branch: BranchId, collateral: Balance) -> Answer<Balance> {
			Self::view_maximum_mintable(branch, collateral)
		}

		/// The most kUSD, in base units, this vault could mint on top of what it owes, with the collateral it has.
		pub fn maximum_mintable_by(vault: VaultId) -> Answer<Balance> {
			Self::view_maximum_mintable_by(vault)
		}

		/// What `open` would do, or the error it would fail with. The sender's means are not looked at.
		pub fn preview_open(branch: BranchId, collateral: Balance, debt: Balance) -> Answer<Preview> {
			Self::view_preview_open(branch, collateral, debt)
		}

		/// What `adjust` by the owner would do, or the error it would fail with. The owner's means are not looked at.
		pub fn preview_adjust(vault: VaultId, collateral: Change, debt: Change) -> Answer<Preview> {
			Self::view_preview_adjust(vault, collateral, debt)
		}

		/// The numbers of an account's vaults.
		pub fn vaults_of(owner: T::AccountId) -> Vec<VaultId> {
			Self::view_vaults_of(owner)
		}

		/// A branch: its totals, what is left under its ceiling, its ratios and rates. Nothing for an unknown branch.
		pub fn branch(branch: BranchId) -> Option<BranchSummary<T::AccountId>> {
			Self::view_branch(branch)
		}

		/// How much kUSD, in base units, the window of an hour lets be minted in a branch now. The ceiling and the collateral
		/// bind too: `maximumMintable` looks at all. Nothing for an unknown branch.
		pub fn mint_room(branch: BranchId) -> Option<Balance> {
			Self::view_rooms(branch).map(|(mint, _)| mint)
		}

		/// How much collateral, in base units, the window of an hour lets out of a branch's vaults that go on
		/// owing. What a vault put in within the hour goes out beside it, a fifth of `ExitLimit` of what it
		/// held whatever the room is, and a vault that repays everything needs no room. Nothing for an
		/// unknown branch.
		pub fn exit_room(branch: BranchId) -> Option<Balance> {
			Self::view_rooms(branch).map(|(_, exit)| exit)
		}

		/// How the settlement of a branch goes. Nothing for one that was not shut down.
		pub fn shutdown(branch: BranchId) -> Option<ShutdownView> {
			Self::view_shutdown(branch)
		}

		/// What `redeem` would burn and pay, or the error it would fail with. The sender's means are not looked at.
		pub fn quote_redeem(branch: BranchId, amount: Balance) -> Answer<Redemption> {
			Self::view_quote_redeem(branch, amount)
		}
	}
}
