//! # Margin
//!
//! Cross-margin accounts: what traders own, what they owe, and whether that is enough.
//!
//! ## Overview
//!
//! - An **account** is one of an owner's 256 sub-accounts. It has cash (kUSD), other collateral, positions that the markets
//!   keep, and a debt. Sub-accounts share nothing: what one loses, no other pays.
//! - The **custody** is one account of the chain that holds all kUSD and collateral of the derivatives side. Its kUSD stands
//!   for three claims: cash of accounts, the idle part of the lending reserve, and *clearing*, which the liquidity
//!   pool and the markets share. A trade moves numbers between them and no money.
//! - What an account can't pay in cash it **borrows** from the reserve that lenders supply, at a rate with a kink. Debt is
//!   stored divided by an index; interest is theirs whose kUSD is lent, and nothing is minted for it.
//! - **Health**: equity is cash less debt, plus collateral less its haircut, plus unrealised profit and loss. To take on
//!   risk it has to meet the initial requirement, with profit counted only in part and collateral at a conservative value; what its
//!   open orders need is held on top, so that nothing that is for them is withdrawn. Below the maintenance requirement the account
//!   is liquidated.
//! - **Triggers**: an account with kUSD and one position has one, its bankruptcy level, which nothing but its
//!   own acts moves; it is unsafe where that is beyond the market's maintenance level. Of any other account
//!   the slack is spread over everything that can move against it: as long as no price has crossed its
//!   trigger and the deadline is not over, the account can't be unsafe, so nobody has to look at it. A fill
//!   leaves triggers where they are and puts the account in line: the block looks at it once for all it did.
//! - A **margin call** comes first where its owner set a measure: below a multiple of the maintenance
//!   requirement cash comes from another account of the owner's, then a share of the positions is closed.
//!   Nobody else is looked at before it must be.
//! - A **liquidation** cancels orders, closes positions, largest requirement first, until the account is
//!   worth 120 % of its maintenance requirement, sells collateral for what is still owed, to the stability
//!   pool and then to the insurance fund, and hands what is missing to the waterfall.
//! - What neither of the two can pay for is **for sale** to anybody ([`Pallet::buy_collateral`]). The price begins at what they
//!   would have paid and falls by a hundredth of the feed's with every minute, down to what repays the debt and no further:
//!   nothing is sold for nothing, no sale makes an account worth less, and what the collateral could repay nobody else pays. The clock runs until the account owes nothing or meets its initial requirement; nothing
//!   else its owner does stops it or sets it back.
//! - What is lent **beyond the reserve** is clearing's kUSD. The interest on it is clearing's too, and while
//!   it is more than a tenth of what clearing has, accounts that owe repay it out of their collateral though
//!   they are safe.
//! - **Cover 2**: for each stress scenario the largest shortfalls are kept; the two largest of the worst one are what the
//!   insurance fund should hold, and no less than half of the worst case of one market.
//!
//! Rounding always favours the protocol: an account owes at least what it borrowed and is worth at most what it has.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod accounts;
mod health;
mod impl_clearing;
mod impl_margin_accounts;
mod impl_position_ledger;
mod lending;
mod liquidate;
mod overdraft;
mod sale;
mod stress;
mod triggers;
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
	use keel_primitives::{
		AssetId, AssetRegistry, Balance, CircuitBreaker, FeedId, InsuranceFund, MarginAccountId, Moment,
		Positions, PriceProvider, RiskParameters, StabilityPool, TriggerIndex, Waterfall,
	};
	use sp_runtime::Permill;

	type Answer<A> = Result<A, DispatchError>;
	/// An account as this runtime stores it.
	pub type AccountData<T> = Account<
		<T as frame_system::Config>::AccountId,
		<T as Config>::MaxHeld,
		<<T as Config>::Positions as Positions>::Trader,
	>;

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
		/// Held from the owner of a new account until it is closed, in base units of KEEL.
		#[pallet::constant]
		type AccountDeposit: Get<Balance>;

		/// The registry of assets: one feed and one number of decimals for every listing.
		type Registry: AssetRegistry;
		/// Who knows prices.
		type Prices: PriceProvider;
		/// Who keeps the governed numbers.
		type RiskParameters: RiskParameters;
		/// Who knows how far breakers are raised.
		type CircuitBreaker: CircuitBreaker;
		/// Who keeps markets and positions.
		type Positions: Positions;
		/// Who keeps the triggers.
		type Triggers: TriggerIndex;
		/// First buyer of liquidated collateral.
		type StabilityPool: StabilityPool<Self::AccountId>;
		/// Last buyer.
		type InsuranceFund: InsuranceFund<Self::AccountId>;

		/// The chain's time, in ms.
		type Time: Time<Moment = Moment>;
		/// Active time, in ms: the clock of sales and of haircuts that move. It stands still while no block
		/// is made.
		type ActiveTime: Time<Moment = Moment>;
		/// Who may list collateral.
		type ListOrigin: EnsureOrigin<Self::RuntimeOrigin>;
		/// The source of the custody's account.
		#[pallet::constant]
		type PalletId: Get<PalletId>;
		/// The most assets that can be collateral.
		#[pallet::constant]
		type MaxCollaterals: Get<u32>;
		/// The most of them one account holds; at most [`MAX_HELD`].
		#[pallet::constant]
		type MaxHeld: Get<u32>;
		/// Weights of the calls.
		type WeightInfo: WeightInfo;
		/// Set-up of benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: crate::BenchmarkHelper<Self::AccountId>;
	}

	/// A reason for this pallet to hold KEEL.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The storage deposit of an account.
		#[codec(index = 0)]
		AccountDeposit,
	}

	/// The number of an owner's sub-account.
	#[pallet::storage]
	pub type AccountOf<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, u8, MarginAccountId>;

	/// Each account.
	#[pallet::storage]
	pub type Accounts<T: Config> = StorageMap<_, Twox64Concat, MarginAccountId, AccountData<T>>;

	/// The next account's number.
	#[pallet::storage]
	pub type NextId<T: Config> = StorageValue<_, MarginAccountId, ValueQuery>;

	/// The money no account owns.
	#[pallet::storage]
	pub type Totals<T: Config> = StorageValue<_, Money, ValueQuery>;

	/// The lenders' shares of the reserve.
	#[pallet::storage]
	pub type Lenders<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u128, ValueQuery>;

	/// What accounts may hold beside kUSD, in the order it was listed.
	#[pallet::storage]
	pub type Collaterals<T: Config> = StorageValue<_, BoundedVec<Collateral, T::MaxCollaterals>, ValueQuery>;

	/// The largest shortfalls of each scenario; none for a scenario in which nothing would be missing.
	#[pallet::storage]
	pub type Stress<T: Config> = StorageValue<_, BoundedVec<Losses, ConstU32<MAX_SCENARIOS>>, ValueQuery>;

	/// Collateral to begin with. Its parameters have to be built before.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Asset, feed, decimals.
		pub collaterals: Vec<(AssetId, FeedId, u8)>,
		#[serde(skip)]
		pub _config: PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			Pallet::<T>::keep_custody();
			for (asset, feed, decimals) in &self.collaterals {
				Pallet::<T>::add_collateral(*asset, *feed, *decimals)
					.expect("a genesis collateral has parameters and at most 18 decimals");
			}
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account was opened by its first deposit or transfer.
		AccountOpened {
			account: MarginAccountId,
			owner: T::AccountId,
			sub: u8,
			deposit: Balance,
		},
		/// An account was closed and its storage deposit released.
		AccountClosed {
			account: MarginAccountId,
			owner: T::AccountId,
			sub: u8,
			deposit: Balance,
		},
		/// Something was paid in, in base units of the asset. Of kUSD, `repaid` went against debt.
		Deposited {
			account: MarginAccountId,
			asset: AssetId,
			amount: Balance,
			repaid: Balance,
		},
		/// Something was paid out, in base units of the asset.
		Withdrawn {
			account: MarginAccountId,
			asset: AssetId,
			amount: Balance,
		},
		/// Cash moved between two sub-accounts of an owner. `repaid` of it went against debt.
		Transferred {
			from: MarginAccountId,
			to: MarginAccountId,
			amount: Balance,
			repaid: Balance,
		},
		/// kUSD was supplied to the lending reserve.
		Supplied {
			who: T::AccountId,
			amount: Balance,
			shares: u128,
		},
		/// Shares of the lending reserve were redeemed.
		Redeemed {
			who: T::AccountId,
			amount: Balance,
			shares: u128,
		},
		/// What is moved into an account when it is called was set.
		TopUpSet {
			account: MarginAccountId,
			top_up: Option<(u8, Balance)>,
		},
		/// What share of an account's positions is closed when it is called was set.
		ReduceSet {
			account: MarginAccountId,
			reduce: Option<Permill>,
		},
		/// A collateral was listed.
		CollateralListed { asset: AssetId, feed: FeedId },
		/// An account whose owner set a measure came close to its maintenance requirement. At today's
		/// prices, funding and interest it is unsafe in `breach_in_ms`; none if those do not bring it
		/// there.
		MarginCalled {
			account: MarginAccountId,
			owner: T::AccountId,
			equity: i128,
			maintenance: Balance,
			breach_in_ms: Option<u64>,
		},
		/// An account that was called meets its initial requirement again.
		MarginRestored {
			account: MarginAccountId,
			equity: i128,
			initial: Balance,
		},
		/// As its owner asked for, a called account got cash from another of the owner's.
		ToppedUp {
			account: MarginAccountId,
			from: MarginAccountId,
			amount: Balance,
		},
		/// As its owner asked for, a share of a called account's positions was closed.
		PositionsReduced {
			account: MarginAccountId,
			share: Permill,
			notional: Balance,
			fee: Balance,
		},
		/// A measure of a called account could not be carried out; the call stands.
		MeasureFailed {
			account: MarginAccountId,
			error: DispatchError,
		},
		/// An account was liquidated, in base units of kUSD: notional closed and the fees for it, collateral sold at its value, debt
		/// repaid with that, of which the stability pool paid `absorbed`; what was missing; and how the account stands now.
		AccountLiquidated {
			account: MarginAccountId,
			owner: T::AccountId,
			closed: Balance,
			fees: Balance,
			collateral: Balance,
			debt: Balance,
			absorbed: Balance,
			shortfall: Balance,
			equity: i128,
			maintenance: Balance,
		},
		/// The liquidity pool and the markets lent too much to accounts, so collateral of one that owes was
		/// sold though it is safe: its value at the last prices, and the debt repaid with it, in base units
		/// of kUSD.
		DebtRecalled {
			account: MarginAccountId,
			owner: T::AccountId,
			collateral: Balance,
			debt: Balance,
		},
		/// Some collateral of a liquidated account was sold for `price` base units of kUSD, to the stability pool or the
		/// insurance fund.
		CollateralSold {
			account: MarginAccountId,
			asset: AssetId,
			amount: Balance,
			price: Balance,
			to_pool: bool,
		},
		/// Neither the stability pool nor the insurance fund could pay for what is left of a liquidated account. From now on anybody may
		/// buy it.
		CollateralForSale { account: MarginAccountId },
		/// Somebody bought collateral of an account, in base units of the asset, for `price` base units of kUSD.
		CollateralBought {
			account: MarginAccountId,
			buyer: T::AccountId,
			asset: AssetId,
			amount: Balance,
			price: Balance,
		},
		/// What was missing from an account that has nothing left, and who carried it.
		DeficitCovered {
			account: MarginAccountId,
			deficit: Balance,
			by: Waterfall,
		},
		/// Nobody could be made to carry what is missing from an account; it is tried again.
		CoverFailed {
			account: MarginAccountId,
			deficit: Balance,
			error: DispatchError,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// There is no such account. `accountsOf` lists those of an owner; a deposit opens one.
		UnknownAccount,
		/// Nothing would move: the amount is zero. Give an amount above zero.
		NothingChanged,
		/// The asset is no collateral. Deposit kUSD or what `collaterals` lists.
		UnknownCollateral,
		/// The collateral has no price yet, so nobody can say what it is worth. Wait for its first price.
		NoPrice,
		/// All accounts together would hold more of the asset than its deposit cap. Deposit less, or another asset.
		DepositCapReached,
		/// The account holds as many assets as it can. Withdraw all of one first, or use another sub-account.
		TooManyHeld,
		/// More than the account has of the asset. `withdrawable` says how much it can give; withdrawing never borrows.
		ExceedsBalance,
		/// The account would be worth less than its initial requirement and what is held for its orders. Add collateral, close
		/// something, or wait until the orders are filled; `statement` shows `free` and `heldForOrders`.
		InitialRequirement,
		/// The lending reserve would be used beyond its cap. Deposit kUSD instead of going into debt, or take on less.
		LendingCapReached,
		/// Both are the same sub-account. Name two different ones.
		SameAccount,
		/// The account still has cash, collateral, debt, positions or orders, or is to be repaid what was cut from its profits. Close,
		/// claim and withdraw everything, then try again.
		NotEmpty,
		/// The amount buys less than one share. Supply more at once.
		SupplyTooSmall,
		/// The shares are worth less than one base unit of kUSD. Redeem more at once.
		RedemptionTooSmall,
		/// More shares than the lender has. `lender` shows how many there are.
		ExceedsShares,
		/// Accounts have borrowed what these shares stand for. Redeem what `lender` shows as redeemable, or wait for
		/// repayments: high utilisation makes borrowing dear.
		ReserveLent,
		/// kUSD counts in full and is not listed. Choose another asset.
		CollateralIsSynthetic,
		/// As many assets are listed as the chain allows. None can be added.
		TooManyCollaterals,
		/// There is no such asset. Create it first.
		UnknownAsset,
		/// The asset has more than 18 decimals. Only assets with 0 to 18 can be collateral.
		TooManyDecimals,
		/// The asset's minimum balance is above one base unit, so dust would be lost. Lower it to one first.
		MinimumBalanceTooHigh,
		/// A new account can't receive the asset, nor could a buyer. Make it sufficient (`assets.forceAssetStatus`) first.
		CollateralNotSufficient,
		/// The account is not registered in that group. The trigger index lists who is.
		NotInGroup,
		/// The group is kept by another ledger, or there is no such market or collateral. `groups` lists those there are.
		UnknownGroup,
		/// The account is safe. Only unsafe ones are liquidated.
		AccountSafe,
		/// The account is unsafe, so looking at it is not enough. Liquidate it.
		AccountUnsafe,
		/// No price is newer than the risk the account's owner last added. Wait for the next price.
		PriceNotNewer,
		/// Nothing of the account could be closed or sold: prices are refused, windows full or stability pool and insurance fund out
		/// of money. It is tried again when that changes; what `statement` shows as for sale anybody may buy with `buyCollateral`.
		NothingDone,
		/// Not all of what is missing from the account was carried. It is tried again.
		DeficitNotCovered,
		/// The account would have more triggers than fit. Close a position or withdraw all of an asset.
		TooManyTriggers,
		/// The account still has positions, and its collateral is for sale once they are closed. Wait for its liquidation.
		PositionsOpen,
		/// The account's collateral was not offered to the stability pool and the insurance fund yet, who come first. Liquidate it
		/// (`liquidations.liquidate`, which validators send); what is left then is for sale.
		NotForSale,
		/// The account has nothing of the asset. Buy one that `statement` lists.
		NotHeld,
		/// It costs more than the buyer would pay at most. Pay more, buy less, or wait: the price falls every minute, and
		/// `collateralOffer` shows it.
		CostsMore,
		/// The custody's own account can't buy. Use another one.
		OwnAccount,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Interest, one collateral's haircut, and some of the accounts in the stress lists.
		fn on_poll(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
			Self::do_poll(now, meter);
		}

		fn integrity_test() {
			assert!(T::MaxCollaterals::get() > 0, "no collateral could be listed");
			assert!(
				T::MaxHeld::get() <= MAX_HELD,
				"an account could have more triggers than fit"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Pay something into an account.
		///
		/// ## Origin
		///
		/// Signed; the sender pays, into sub-account `sub` of its own.
		///
		/// ## Details
		///
		/// Moves `amount` base units of `asset` into custody. kUSD repays debt first, the rest is cash. The first deposit opens
		/// the account and holds its storage deposit in KEEL. Open at every level of the breaker.
		///
		/// ## Errors
		///
		/// - [`Error::NothingChanged`]: `amount` is zero
		/// - [`Error::UnknownCollateral`], [`Error::NoPrice`], [`Error::DepositCapReached`], [`Error::TooManyHeld`]: the asset does
		///   not fit
		///
		/// ## Events
		///
		/// - [`Event::Deposited`], and [`Event::AccountOpened`] the first time
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::deposit().saturating_add(T::Positions::view_weight()))]
		pub fn deposit(
			origin: OriginFor<T>,
			sub: u8,
			asset: AssetId,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			let (account, repaid) = Self::do_deposit(&owner, sub, asset, amount)?;
			Self::deposit_event(Event::Deposited {
				account,
				asset,
				amount,
				repaid,
			});
			Ok(())
		}

		/// Take something out of an account.
		///
		/// ## Origin
		///
		/// Signed by the owner.
		///
		/// ## Details
		///
		/// Moves `amount` base units of `asset` to the owner. An account without positions, debt and orders
		/// may always be emptied. With any of them, the initial requirement and what is held for the orders
		/// has to be met afterwards, with collateral at its conservative value, and the chain's breaker has
		/// to let go. kUSD is paid out of cash: withdrawing never borrows. `withdrawable` says how much.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownAccount`], [`Error::NothingChanged`], [`Error::ExceedsBalance`]: there is nothing to move
		/// - [`Error::InitialRequirement`]: what is left would not be enough
		/// - an error of the circuit breaker if it is raised
		///
		/// ## Events
		///
		/// - [`Event::Withdrawn`]
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::withdraw().saturating_add(T::Positions::view_weight()))]
		pub fn withdraw(
			origin: OriginFor<T>,
			sub: u8,
			asset: AssetId,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			let account = Self::do_withdraw(&owner, sub, asset, amount)?;
			Self::deposit_event(Event::Withdrawn {
				account,
				asset,
				amount,
			});
			Ok(())
		}

		/// Move cash between two of the sender's sub-accounts.
		///
		/// ## Origin
		///
		/// Signed by the owner of both.
		///
		/// ## Details
		///
		/// `amount` base units of kUSD leave `from` under the rules of a withdrawal and arrive at `to` as a deposit would: debt
		/// first. `to` is opened if there is none.
		///
		/// ## Errors
		///
		/// - as of [`Pallet::withdraw`]; [`Error::SameAccount`]: the two are one
		///
		/// ## Events
		///
		/// - [`Event::Transferred`], and [`Event::AccountOpened`] for a new one
		#[pallet::call_index(2)]
		#[pallet::weight(
			T::WeightInfo::transfer().saturating_add(T::Positions::view_weight().saturating_mul(2))
		)]
		pub fn transfer(
			origin: OriginFor<T>,
			from: u8,
			to: u8,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			let (from, to, repaid) = Self::do_transfer(&owner, from, to, amount)?;
			Self::deposit_event(Event::Transferred {
				from,
				to,
				amount,
				repaid,
			});
			Ok(())
		}

		/// Lend kUSD to margin accounts.
		///
		/// ## Origin
		///
		/// Signed; the sender pays and becomes a lender.
		///
		/// ## Details
		///
		/// `amount` base units of kUSD buy shares of the reserve at their present worth, rounded down. Interest that accounts
		/// pay raises it.
		///
		/// ## Errors
		///
		/// - [`Error::NothingChanged`], [`Error::SupplyTooSmall`]: too little for a share
		/// - an error of the circuit breaker if the chain is halted
		///
		/// ## Events
		///
		/// - [`Event::Supplied`]
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::supply())]
		pub fn supply(origin: OriginFor<T>, #[pallet::compact] amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let shares = Self::do_supply(&who, amount)?;
			Self::deposit_event(Event::Supplied { who, amount, shares });
			Ok(())
		}

		/// Redeem shares of the lending reserve.
		///
		/// ## Origin
		///
		/// Signed by a lender.
		///
		/// ## Details
		///
		/// Pays what `shares` are worth, rounded down, out of what is not lent. Open at every level of the breaker.
		///
		/// ## Errors
		///
		/// - [`Error::NothingChanged`], [`Error::ExceedsShares`], [`Error::RedemptionTooSmall`]: there is nothing to redeem
		/// - [`Error::ReserveLent`]: more than is idle
		///
		/// ## Events
		///
		/// - [`Event::Redeemed`]
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::redeem())]
		pub fn redeem(origin: OriginFor<T>, #[pallet::compact] shares: u128) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let amount = Self::do_redeem(&who, shares)?;
			Self::deposit_event(Event::Redeemed { who, amount, shares });
			Ok(())
		}

		/// Say what to move into an account when it is called.
		///
		/// ## Origin
		///
		/// Signed by the owner.
		///
		/// ## Details
		///
		/// `top_up` is the sub-account to take from and the most to take each time, in base units of kUSD; none to stop it. A call
		/// moves what brings the account to its initial requirement, as far as the other can give it and keep its own.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownAccount`], [`Error::SameAccount`], [`Error::NothingChanged`]: a `most` of zero
		///
		/// ## Events
		///
		/// - [`Event::TopUpSet`]
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::set_top_up().saturating_add(Pallet::<T>::weight_of_refresh()))]
		pub fn set_top_up(origin: OriginFor<T>, sub: u8, top_up: Option<(u8, Balance)>) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			let account = Self::do_set_top_up(&owner, sub, top_up)?;
			Self::deposit_event(Event::TopUpSet { account, top_up });
			Ok(())
		}

		/// Say what share of an account's positions to close when it is called and topping up was not enough.
		///
		/// ## Origin
		///
		/// Signed by the owner.
		///
		/// ## Details
		///
		/// `reduce` is in millionths; none to stop it. Closing pays the fee of a trade, not that of a liquidation.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownAccount`], [`Error::NothingChanged`]: a share of zero
		///
		/// ## Events
		///
		/// - [`Event::ReduceSet`]
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::set_reduce().saturating_add(Pallet::<T>::weight_of_refresh()))]
		pub fn set_reduce(origin: OriginFor<T>, sub: u8, reduce: Option<Permill>) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			let account = Self::do_set_reduce(&owner, sub, reduce)?;
			Self::deposit_event(Event::ReduceSet { account, reduce });
			Ok(())
		}

		/// Close an empty account.
		///
		/// ## Origin
		///
		/// Signed by the owner.
		///
		/// ## Details
		///
		/// Releases the storage deposit. Cancels no orders. The number is never used again; a deposit opens
		/// a new account.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownAccount`]
		/// - [`Error::NotEmpty`]: it has cash, collateral, debt, positions or orders, or is to be repaid what was cut from its profits
		///
		/// ## Events
		///
		/// - [`Event::AccountClosed`]
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::close_account().saturating_add(T::Positions::view_weight()))]
		pub fn close_account(origin: OriginFor<T>, sub: u8) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			let (account, deposit) = Self::do_close(&owner, sub)?;
			Self::deposit_event(Event::AccountClosed {
				account,
				owner,
				sub,
				deposit,
			});
			Ok(())
		}

		/// List an asset as collateral.
		///
		/// ## Origin
		///
		/// [`Config::ListOrigin`].
		///
		/// ## Details
		///
		/// Its parameters have to be set first and its feed needs a price. The haircut starts at the governed one. The
		/// asset must be and stay *sufficient*: else no buyer could receive it.
		///
		/// ## Errors
		///
		/// - [`Error::TooManyCollaterals`], [`Error::CollateralIsSynthetic`], [`Error::UnknownAsset`],
		///   [`Error::TooManyDecimals`], [`Error::MinimumBalanceTooHigh`], [`Error::CollateralNotSufficient`],
		///   [`Error::NoPrice`]: the asset does not fit
		/// - the registry's own if it is listed already, has another feed, or too many assets are registered
		/// - an error of the risk parameters pallet if the asset has no parameters
		///
		/// ## Events
		///
		/// - [`Event::CollateralListed`]
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::list_collateral())]
		pub fn list_collateral(origin: OriginFor<T>, asset: AssetId, feed: FeedId) -> DispatchResult {
			T::ListOrigin::ensure_origin(origin)?;
			Self::do_list_collateral(asset, feed)?;
			Self::deposit_event(Event::CollateralListed { asset, feed });
			Ok(())
		}

		/// Buy collateral of a liquidated account that neither the stability pool nor the insurance fund could pay for.
		///
		/// ## Origin
		///
		/// Signed; the sender pays from their wallet and receives it there.
		///
		/// ## Details
		///
		/// `asset` of account `account` is sold: at most `most` base units of it, and no more than what repays all that is owed, at the
		/// price of this moment, for `pay_at_most` base units of kUSD at most; `collateral_offer` says what that is. Per whole unit it
		/// begins at what pool and fund would pay, `price / (1 + discount)`, and falls by [`SALE_FALL`] of the feed's price with every full
		/// [`SALE_STEP_MS`] since a liquidation found no buyer, down to what repays the debt, where it began above that, and never below
		/// what the collateral counts for. What is to be paid is rounded up, so that the account is worth no less than before. It repays the account's debt, what is more becomes its cash; if all is
		/// sold and something is still owed, the waterfall covers that, now or with the next liquidation. Open at every level of the breaker.
		///
		/// While the liquidity pool and the markets lend more than a tenth of what they have, safe accounts
		/// that owe sell too, with their positions: as much as repays that, at the price pool and fund would
		/// pay, which does not fall then.
		///
		/// ## Errors
		///
		/// - [`Error::UnknownAccount`], [`Error::NotHeld`], [`Error::NothingChanged`]: there is nothing to buy
		/// - [`Error::AccountSafe`], [`Error::PositionsOpen`], [`Error::NotForSale`]: it is not for sale
		/// - [`Error::CostsMore`]: more than `pay_at_most`
		/// - [`Error::OwnAccount`]: the buyer is the custody
		/// - [`Error::PriceNotNewer`], or an error of the prices pallet: no price is fit to sell by
		/// - those of the assets pallet where the buyer's kUSD does not suffice
		///
		/// ## Events
		///
		/// - [`Event::CollateralBought`], and [`Event::DeficitCovered`] or [`Event::CoverFailed`] if something is missing in the end
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::buy_collateral().saturating_add(T::Positions::view_weight()))]
		pub fn buy_collateral(
			origin: OriginFor<T>,
			#[pallet::compact] account: MarginAccountId,
			asset: AssetId,
			#[pallet::compact] most: Balance,
			#[pallet::compact] pay_at_most: Balance,
		) -> DispatchResult {
			let buyer = ensure_signed(origin)?;
			let (amount, price) = Self::do_buy_collateral(&buyer, account, asset, most, pay_at_most)?;
			Self::deposit_event(Event::CollateralBought {
				account,
				buyer,
				asset,
				amount,
				price,
			});
			Ok(())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The sub-accounts of an owner: sub-account and account number.
		pub fn accounts_of(owner: T::AccountId) -> Vec<(u8, MarginAccountId)> {
			Self::view_accounts_of(owner)
		}

		/// All about an account, by its number. Nothing for an unknown one.
		pub fn statement(account: MarginAccountId) -> Option<Statement<T::AccountId>> {
			Self::view_statement(account)
		}

		/// All about an account, by its owner and sub-account. Nothing for an unknown one.
		pub fn statement_of(owner: T::AccountId, sub: u8) -> Option<Statement<T::AccountId>> {
			Self::view_statement(AccountOf::<T>::get(owner, sub)?)
		}

		/// For each position and collateral the price at which the account is unsafe if only that moves.
		pub fn liquidation_prices(account: MarginAccountId) -> Vec<LiquidationPrice> {
			Self::view_liquidation_prices(account)
		}

		/// The most of an asset, in base units, that `withdraw` would pay now.
		pub fn withdrawable(owner: T::AccountId, sub: u8, asset: AssetId) -> Balance {
			Self::view_withdrawable(owner, sub, asset)
		}

		/// What `withdraw` would leave, or the error it would fail with.
		pub fn preview_withdrawal(
			owner: T::AccountId,
			sub: u8,
			asset: AssetId,
			amount: Balance,
		) -> Answer<WithdrawalPreview> {
			Self::view_preview_withdrawal(owner, sub, asset, amount)
		}

		/// What an account would be worth and need if feeds moved by so many basis points (−2000 is a fall by 20 %), with the marks
		/// of their markets and the collateral they price. Nothing for an unknown account.
		pub fn preview_shock(account: MarginAccountId, moves: Vec<(FeedId, i32)>) -> Option<RiskView> {
			Self::view_preview_shock(account, moves)
		}

		/// What anybody may buy of a collateral of an account now, what for, and how far and until when the price falls: what
		/// `buy_collateral` goes by. Nothing if it is not for sale.
		pub fn collateral_offer(account: MarginAccountId, asset: AssetId) -> Option<Offer> {
			let (account, health) = Self::look(account).ok()?;
			Self::offer(&account, &health, asset, Balance::MAX).ok()
		}

		/// Whether an account can be liquidated now: what is missing and what is done first, or why nothing
		/// can be. What validation, the validators' workers and the dispatch go by.
		pub fn can_liquidate(account: MarginAccountId) -> Answer<LiquidationView> {
			Self::view_can_liquidate(account)
		}

		/// The lending reserve: utilisation, rates, share price.
		pub fn lending() -> Answer<LendingState> {
			Self::view_lending()
		}

		/// What a lender has in the reserve.
		pub fn lender(who: T::AccountId) -> Answer<LenderView> {
			Self::view_lender(who)
		}

		/// What the insurance fund should hold, and why.
		pub fn cover() -> CoverView {
			Self::view_cover()
		}

		/// What can be collateral, with the haircut in force.
		pub fn collaterals() -> Vec<Collateral> {
			Self::view_collaterals()
		}
	}
}
