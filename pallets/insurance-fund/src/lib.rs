//! # Insurance fund
//!
//! Carries what a liquidation could not raise, records what it could not carry, and pays that record back first. Pays what
//! others can't of what they owe, as far as it can.
//!
//! ## Overview
//!
//! One account holds the fund's kUSD, and the books split it in two tranches:
//!
//! - **shared**: pays every shortfall and claim, without limit, first; and buys collateral;
//! - **treasury**: pays what the shared tranche could not, at most `treasury_cap` within an hour, however
//!   many shortfalls and claims there are. Its surplus belongs to governance, which may
//!   [`spend`](Pallet::spend) it while no bad debt is recorded.
//!
//! A **shortfall** is kUSD that was minted and not repaid: what is paid of it is burned. What neither tranche
//! pays is **bad debt**: kUSD in circulation without anything behind it. All income (stability fees,
//! penalties, fees of markets, proceeds of collateral, gifts) burns recorded bad debt first; the rest is
//! split by `fund_share`, but gifts and proceeds, which are the shared tranche's. So there is never bad debt
//! and money in the shared tranche at once.
//!
//! A **claim** is kUSD somebody was promised and that is missing elsewhere: what is paid of it goes to the account that owes
//! it. Nothing was minted for it, so that what is left of it is no bad debt but the asker's to carry.
//!
//! The same account keeps the collateral the fund had to buy as the last buyer, until it is sold. Some of it comes
//! beside the shortfall it was to pay; some the fund buys at a price, out of the shared tranche alone and only as a whole, and
//! so never while bad debt is recorded.
//!
//! ## Books
//!
//! Everything is cumulative and only grows: a tranche's balance is `inflow − outflow`, bad debt is
//! `shortfalls − covered`. The account's kUSD is the sum of the two tranches, and what left them is what was burned against
//! shortfalls, paid against claims, paid for collateral and spent by governance: both exactly.
//!
//! ## What is measured, and what waits
//!
//! A meter of about an hour is kept beside the books: shortfalls and claims that came to the fund, a
//! shortfall less the least value of the collateral the fund took beside it. The circuit breaker reads it
//! over what the fund had as the chain's *drawdown*. A drawdown is measured against at least `drawdown_floor`
//! and [`DRAWDOWN_SHARE`] of all kUSD: what is little against all kUSD is no reason to stop a chain, also
//! when the fund is young or empty.
//!
//! Fees are minted only while the breaker holds their path below `ReduceOnly`, and no more than `fee_limit`
//! of all kUSD in a window, or [`LEAST_FEE_WINDOW`] where that is more. A mint that does not fit fails as a
//! whole and is to be asked for again: the window refuses and raises nothing. The least window is for a young
//! chain: no fee there is, annually tens of percent, comes near a percent an hour, but a percent of hardly
//! anything is rounded to nothing.
//!
//! Governance spends nothing while the chain is held to `ReduceOnly` or more. Shortfalls are covered, claims paid, collateral
//! bought, income and gifts come in, and bad debt is paid at every level.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod impls;
pub mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;

pub use pallet::*;
pub use types::{Accounts, Books, Claim, Income, Payment, Readings, Tranche, TrancheBalances};
pub use weights::WeightInfo;

/// What a window lets be minted of stability fees however little kUSD there is, in base units: one kUSD.
pub const LEAST_FEE_WINDOW: keel_primitives::Balance = 1_000_000;

/// The share of all kUSD a drawdown is measured against at least: 1 %. What is little against all kUSD is no reason to
/// stop a chain, also when the fund is young or empty and any shortfall is more than it has.
pub const DRAWDOWN_SHARE: keel_math::FixedU128 = keel_math::FixedU128::from_inner(keel_math::ONE / 100);

#[frame_support::pallet]
pub mod pallet {
	use alloc::vec::Vec;
	use frame_support::{
		pallet_prelude::*,
		traits::{fungibles, Contains, Time},
		PalletId,
	};
	use frame_system::pallet_prelude::*;
	use keel_primitives::{AssetId, AssetRegistry, Balance, Coverage, IncomeSource, Moment};

	use super::*;

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// The assets: the synthetic and the collateral.
		type Assets: fungibles::Inspect<Self::AccountId, AssetId = AssetId, Balance = Balance>
			+ fungibles::Mutate<Self::AccountId>;

		/// kUSD.
		#[pallet::constant]
		type Synthetic: Get<AssetId>;

		/// Where `fund_share`, `treasury_cap`, the window of fees and the triggers are governed.
		type RiskParameters: keel_primitives::RiskParameters;

		/// The registry of assets: everything the fund holds is on it, and so can be sold.
		type Registry: keel_primitives::AssetRegistry;

		/// The protocol's own accounts, to which the treasury tranche is never paid: nobody could spend it
		/// there.
		type ProtocolAccounts: Contains<Self::AccountId>;

		/// Asked before fees are minted and before the treasury tranche is spent.
		type CircuitBreaker: keel_primitives::CircuitBreaker;

		/// The clock, in milliseconds.
		type Time: Time<Moment = Moment>;

		/// The fund's account is derived from this.
		#[pallet::constant]
		type PalletId: Get<PalletId>;

		/// Who decides about the treasury tranche.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// The most kinds of collateral the fund holds at a time; at least as many as may be registered.
		#[pallet::constant]
		type MaxCollaterals: Get<u32>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// The kUSD books: both tranches, shortfalls and what was covered of them, what was paid otherwise, cumulative, in base units; and the meters.
	#[pallet::storage]
	pub type Ledger<T: Config> = StorageValue<_, Accounts, ValueQuery>;

	/// The collateral books: what came in and went out of each asset since the fund last held none of it, in
	/// its base units.
	#[pallet::storage]
	pub type Collateral<T: Config> = CountedStorageMap<_, Twox64Concat, AssetId, Tranche>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// `amount` kUSD came in: `burned` of it paid bad debt down, the rest went to the tranches.
		IncomeReceived {
			source: IncomeSource,
			amount: Balance,
			burned: Balance,
			shared: Balance,
			treasury: Balance,
		},
		/// A shortfall was carried: `shared` and `treasury` were burned, `bad_debt` was recorded.
		ShortfallCovered {
			shortfall: Balance,
			shared: Balance,
			treasury: Balance,
			bad_debt: Balance,
		},
		/// The fund paid `shared + treasury` to `to`, which was short of `shortfall`. The rest is not the fund's.
		ClaimPaid {
			to: T::AccountId,
			shortfall: Balance,
			shared: Balance,
			treasury: Balance,
		},
		/// `amount` of the treasury tranche was burned against bad debt; `bad_debt` is left.
		BadDebtPaid { amount: Balance, bad_debt: Balance },
		/// `amount` of the treasury tranche was paid out.
		TreasurySpent { to: T::AccountId, amount: Balance },
		/// The fund took collateral as the last buyer, beside the shortfall it was to pay.
		CollateralTaken {
			from: T::AccountId,
			asset: AssetId,
			amount: Balance,
		},
		/// The fund bought `amount` of `asset` for `price` kUSD of its shared tranche, as the last buyer.
		CollateralBought {
			seller: T::AccountId,
			asset: AssetId,
			amount: Balance,
			price: Balance,
		},
		/// The fund gave collateral away to be sold.
		CollateralReleased {
			to: T::AccountId,
			asset: AssetId,
			amount: Balance,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The treasury tranche holds less than this. Ask for at most its balance (view `balances`).
		TreasuryTooSmall,
		/// Bad debt is recorded, and comes before spending. Pay it with `pay_bad_debt`, or wait until income has.
		BadDebtOutstanding,
		/// Less bad debt than this is recorded. Pay at most what the view `bad_debt_recorded` says.
		ExceedsBadDebt,
		/// The shared tranche holds less than the price, and nothing while bad debt is recorded. Sell for at most its balance
		/// (view `balances`).
		SharedTooSmall,
		/// A price without collateral in return. Hand over at least one base unit of it.
		NothingBought,
		/// The fund can't pay itself. Name another account.
		OwnAccount,
		/// The receiver is an account of the protocol, where nobody could spend the money. Name another
		/// account.
		ProtocolAccount,
		/// kUSD is not collateral. Donate it instead, or name the asset that was seized.
		NotCollateral,
		/// The fund holds less of this collateral. Ask for at most what the view `collateral_held` says.
		CollateralTooSmall,
		/// The fund holds as many kinds of collateral as it may. Sell one of them first.
		TooManyCollaterals,
		/// The asset could not be moved in this exact amount: a rest would fall below its minimum balance. Lower the asset's
		/// minimum balance to one.
		NotExact,
		/// More stability fees would be minted in an hour than may be. Nothing is lost: ask again for at most what the view
		/// `fee_room` says, or later, when it says more.
		FeeWindowFull,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(
				T::MaxCollaterals::get() >= T::Registry::capacity(),
				"the fund must be able to hold every asset that may be registered"
			);
			assert!(
				T::ProtocolAccounts::contains(&Self::account()),
				"the fund's own account is one of the protocol's"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The kUSD in each tranche, in base units.
		pub fn balances() -> TrancheBalances {
			let books = Ledger::<T>::get().books;
			TrancheBalances {
				shared: books.shared.balance(),
				treasury: books.treasury.balance(),
			}
		}

		/// Recorded bad debt: kUSD in circulation without backing, in base units.
		pub fn bad_debt_recorded() -> Balance {
			Ledger::<T>::get().books.bad_debt()
		}

		/// How much of `asset` the fund holds, in the asset's base units.
		pub fn collateral_held(asset: AssetId) -> Balance {
			Collateral::<T>::get(asset).unwrap_or_default().balance()
		}

		/// All collateral the fund holds: (asset, amount in its base units). Assets that are sold out are left out.
		pub fn collateral_list() -> Vec<(AssetId, Balance)> {
			Collateral::<T>::iter()
				.map(|(asset, books)| (asset, books.balance()))
				.filter(|(_, amount)| *amount > 0)
				.collect()
		}

		/// Everything that ever came in and went out, all shortfalls and what was covered of them, and what was paid against
		/// claims, for collateral and by governance, in base units of kUSD.
		pub fn totals() -> Books {
			Ledger::<T>::get().books
		}

		/// What came to the fund as shortfalls and claims, what it minted as stability fees, and what the
		/// treasury tranche paid, in about the last hour, in base units of kUSD. Each fades by
		/// `e^(−Δt/hour)`. The circuit breaker reads the first over what the fund had, or `drawdown_floor` or
		/// 1 % of all kUSD where that is more, and the second over all kUSD.
		pub fn meters() -> Readings {
			let (accounts, now) = (Ledger::<T>::get(), T::Time::now());
			Readings {
				drawn: accounts.drawn.reading(now),
				fees_minted: accounts.fees_minted.used(now),
				treasury_paid: accounts.treasury_paid.used(now),
			}
		}

		/// How many base units of kUSD may be minted as stability fees now. Zero while the circuit breaker forbids it.
		pub fn fee_room() -> Balance {
			Self::room_now()
		}

		/// How the fund would carry a shortfall of this many base units of kUSD now. Nothing, if it is too large to book.
		pub fn quote_cover(shortfall: Balance) -> Option<Coverage> {
			Self::preview_cover(shortfall, 0)
				.ok()
				.map(|(_, payment)| payment.coverage())
		}

		/// How many base units of kUSD the fund would pay now to somebody who is short of this many. Nothing, if it is too much
		/// to book.
		pub fn quote_pay(shortfall: Balance) -> Option<Balance> {
			Self::preview_pay(shortfall).ok().map(|(_, claim)| claim.paid())
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Give `amount` kUSD to the shared tranche.
		///
		/// ## Origin
		///
		/// Signed, by whoever pays.
		///
		/// ## Details
		///
		/// Recorded bad debt is paid down first: that part is burned.
		///
		/// ## Errors
		///
		/// - [`Error::OwnAccount`]: the fund can't give to itself.
		/// - those of the assets pallet when the balance is too small or frozen.
		///
		/// ## Events
		///
		/// - [`Event::IncomeReceived`], unless `amount` is zero.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::donate())]
		pub fn donate(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_receive(&who, amount, IncomeSource::Donation).map(|_| ())
		}

		/// Pay `amount` kUSD out of the treasury tranche.
		///
		/// ## Origin
		///
		/// [`Config::AdminOrigin`].
		///
		/// ## Details
		///
		/// Not while the circuit breaker holds the chain to `ReduceOnly` or more: what the fund has may be needed.
		///
		/// ## Errors
		///
		/// - the circuit breaker's own, while it holds the chain to `ReduceOnly` or more: wait until it is lowered.
		/// - [`Error::BadDebtOutstanding`]: while bad debt is recorded nothing is spent.
		/// - [`Error::TreasuryTooSmall`]: the tranche holds less.
		/// - [`Error::ProtocolAccount`]: `to` is an account of the protocol.
		///
		/// ## Events
		///
		/// - [`Event::TreasurySpent`], unless `amount` is zero.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::spend())]
		pub fn spend(origin: OriginFor<T>, to: T::AccountId, amount: Balance) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::do_spend(&to, amount)
		}

		/// Burn `amount` kUSD of the treasury tranche against recorded bad debt, beyond the cap that holds
		/// within an hour.
		///
		/// ## Origin
		///
		/// [`Config::AdminOrigin`].
		///
		/// ## Errors
		///
		/// - [`Error::ExceedsBadDebt`]: less bad debt is recorded.
		/// - [`Error::TreasuryTooSmall`]: the tranche holds less.
		///
		/// ## Events
		///
		/// - [`Event::BadDebtPaid`], unless `amount` is zero.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::pay_bad_debt())]
		pub fn pay_bad_debt(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::do_pay_bad_debt(amount)
		}
	}
}
