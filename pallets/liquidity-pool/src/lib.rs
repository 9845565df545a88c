//! # Liquidity pool
//!
//! The pool on the other side of every perpetual trade. Who provides liquidity gets shares of it: of the fees and of what
//! traders lose, and of what they win.
//!
//! ## What a share is worth
//!
//! `equity = cash − owed`: what the pool has realised, less what it owes traders at the last prices
//! ([`PoolExposure::owed`](keel_primitives::PoolExposure::owed)). With `S` shares and an offset `V` of one whole share
//! and one kUSD that nobody owns ([`shares::OFFSET`]):
//!
//! - whoever comes in is given `amount × (S + V) / (equity + V)` shares,
//! - whoever leaves is paid `shares × min((equity + V) / (S + V), equity / S)`,
//!
//! both rounded down. The offset makes it senseless to blow up the value of a share before others come in: of whatever a
//! first depositor gives away, the offset gets its part. As it stands for nothing that was ever paid in, it pays for nobody: where a
//! share is worth less than one kUSD, leaving is pro rata. So nobody's coming or going ever lowers what a share of the
//! others would be paid.
//!
//! ## Nobody chooses his price
//!
//! - **A deposit waits** for prices that were all made after it
//!   ([`Priced::since`](keel_primitives::Priced::since)): nobody buys shares at prices he has seen move. If
//!   it would get fewer shares than it asked for, it goes back.
//! - **A withdrawal waits** for the cooldown, and then for prices made after its end: at the time of the request nobody
//!   knows them. Its shares gain and lose with the others until then.
//! - Both happen in `on_poll`, before transactions, first come, first served, as many a block as orders of a market.
//!
//! ## A dead feed
//!
//! A price that is refused makes requests wait for its feed to return. One that has been refused for as long
//! as halts its market is not waited for: what the pool owes there is between the last price's and its worst
//! case, either way, one more for each day begun ([`Priced::unpriced`](keel_primitives::Priced::unpriced)).
//! Those who leave are paid as if the pool owed the most, those who come in pay as if it owed the least:
//! neither buys from the others what nobody can price. Worked: 0.07 SOL at 150 with a stress of 20 % hide 2.2
//! kUSD of 2 M on the first day; an exit of 100,000 is paid 0.11 kUSD less.
//!
//! Where that is more than a hundredth of the equity an exit waits for a second cooldown, in which it can be
//! cancelled: nobody who looks away is paid half of what the last prices say.
//!
//! ## What may leave
//!
//! - After every payment the worst case of the markets fits into the governed share of what is left:
//!   `worst_case ≤ pool_stress × equity`.
//! - Only what is realised and there is paid: never more than the pool's cash, however much traders owe, less
//!   what of that is lent to accounts beyond the lending reserve
//!   ([`overdrawn`](keel_primitives::Clearing::overdrawn)). So the kUSD in custody that is not traders'
//!   own cash always suffices. The interest on what is lent is the pool's, collected in every block.
//! - A withdrawal larger than that is paid in part, at least `MinimumDeposit` at a time, and stays first in the queue with the
//!   rest: whatever becomes free is its, and then the next one's. A large one delays those behind it and starves nobody, itself
//!   included.
//! - Whose account can't be paid (blocked, say) goes to the end of the queue and holds up nobody, as does a
//!   deposit that should go back while the kUSD for it is not there. If it is not the account's fault, all
//!   wait for the next block.
//!
//! Withdrawals never ask the circuit breaker. A withdrawal may be cancelled at any time. A deposit may be taken back when it has waited
//! for as long as a withdrawal, which happens only while there are no prices: sooner it would be a bet without a stake.
//!
//! ## Queues that can't be filled to keep others out
//!
//! Each holds at most `MaxWaiting`. With `n` withdrawals waiting, one more has to be of at least
//! `4·S·n³ / MaxWaiting⁴` shares: next to nothing while few wait, more the more do, and so much that all shares together
//! just fill the queue. Deposits leave their queue with the next prices.
//!
//! ## Accounting
//!
//! The kUSD is in the custody of the margin pallet. [`PoolState::cash`] and [`PoolState::waiting`] are this pool's
//! claim on it. The pallet's own account holds nothing but [`PoolState::leaving`], the shares of those who wait to leave.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod impl_liquidity_pool;
mod queue;
mod requests;
pub mod shares;
mod try_state;
pub mod types;
mod views;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

use keel_primitives::{AssetId, Balance};

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{
		pallet_prelude::*,
		traits::{
			fungibles::{Create, Inspect, Mutate},
			Time,
		},
		weights::WeightMeter,
		PalletId,
	};
	use frame_system::pallet_prelude::*;
	use keel_primitives::{CircuitBreaker, Clearing, Moment, PoolExposure, RiskParameters};

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// Where the shares are.
		type Assets: Inspect<Self::AccountId, AssetId = AssetId, Balance = Balance>
			+ Mutate<Self::AccountId>
			+ Create<Self::AccountId>;

		/// The shares: an asset with the decimals of kUSD that exists from genesis on and that only this pallet mints.
		#[pallet::constant]
		type Shares: Get<AssetId>;

		/// Who keeps the kUSD.
		type Accounts: Clearing<Self::AccountId>;

		/// What the pool owes and can lose.
		type Exposure: PoolExposure;

		/// The cooldown, the utilisation limit, and how many requests a block handles.
		type RiskParameters: RiskParameters;

		/// Asked before a deposit comes in.
		type CircuitBreaker: CircuitBreaker;

		/// The clock, in milliseconds.
		type Time: Time<Moment = Moment>;

		/// What the account is derived from that holds the shares of those who wait to leave.
		#[pallet::constant]
		type PalletId: Get<PalletId>;

		/// The least deposit, and the least part of a withdrawal that is paid, in base units of kUSD.
		#[pallet::constant]
		type MinimumDeposit: Get<Balance>;

		/// The most deposits that wait at a time, and the most withdrawals.
		#[pallet::constant]
		type MaxWaiting: Get<u32>;

		/// Weights of the calls and of the hook.
		type WeightInfo: WeightInfo;
	}

	/// The pool as a whole.
	#[pallet::storage]
	pub type State<T: Config> = StorageValue<_, PoolState, ValueQuery>;

	/// Deposits that wait to become shares. [`PoolState::deposits`] knows their order.
	#[pallet::storage]
	pub type Deposits<T: Config> =
		StorageMap<_, Twox64Concat, RequestId, Queued<Deposit<T::AccountId>>, OptionQuery>;

	/// Withdrawals that wait to be paid. [`PoolState::withdrawals`] knows their order.
	#[pallet::storage]
	pub type Withdrawals<T: Config> =
		StorageMap<_, Twox64Concat, RequestId, Queued<Withdrawal<T::AccountId>>, OptionQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// `who` handed over `amount` kUSD, which waits for newer prices to become at least `least_shares` shares.
		DepositRequested {
			id: RequestId,
			who: T::AccountId,
			amount: Balance,
			least_shares: Balance,
		},
		/// The deposit `id` of `amount` kUSD became `shares` of `who`. The pool is worth `equity` now, in `supply` shares.
		Provided {
			id: RequestId,
			who: T::AccountId,
			amount: Balance,
			shares: Balance,
			equity: i128,
			supply: Balance,
		},
		/// The deposit `id` could not become shares for `reason`; `amount` kUSD went back to `who`.
		DepositRefunded {
			id: RequestId,
			who: T::AccountId,
			amount: Balance,
			reason: DispatchError,
		},
		/// `who` took the deposit `id` of `amount` kUSD back, which had waited too long.
		DepositCancelled {
			id: RequestId,
			who: T::AccountId,
			amount: Balance,
		},
		/// `who` handed over `shares`, to be paid for at the first prices made after `due`.
		WithdrawalRequested {
			id: RequestId,
			who: T::AccountId,
			shares: Balance,
			due: Moment,
		},
		/// Of the withdrawal `id`, `shares` were burned and `amount` kUSD was paid to `who`; `left` shares of it wait on. The pool
		/// is worth `equity` now, in `supply` shares.
		Withdrawn {
			id: RequestId,
			who: T::AccountId,
			shares: Balance,
			amount: Balance,
			left: Balance,
			equity: i128,
			supply: Balance,
		},
		/// `who` cancelled the withdrawal `id` and has its `shares` back.
		WithdrawalCancelled {
			id: RequestId,
			who: T::AccountId,
			shares: Balance,
		},
		/// The `shares` of the withdrawal `id` are worth less than one base unit of kUSD; `who` has them back.
		SharesReturned {
			id: RequestId,
			who: T::AccountId,
			shares: Balance,
		},
		/// `amount` kUSD of interest on what of the pool's cash is lent to traders became the pool's.
		InterestCollected { amount: Balance },
		/// `amount` kUSD or shares of the request `id` could not be given to `who`. The request stays where it is; so do all
		/// behind it.
		PaymentFailed {
			queue: QueueName,
			id: RequestId,
			who: T::AccountId,
			error: DispatchError,
		},
		/// The account of `who` could not be paid for the request `id`, which went to the end of its queue and is as if made
		/// now.
		MovedToEnd {
			queue: QueueName,
			id: RequestId,
			who: T::AccountId,
			error: DispatchError,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The deposit is below `MinimumDeposit`. Provide at least that.
		BelowMinimum,
		/// Zero shares. Name at least one base unit.
		ZeroShares,
		/// As many requests wait as may. Try again when some are done: deposits with the next prices, withdrawals as they
		/// fall due.
		QueueFull,
		/// So many withdrawals wait that one of so few shares is not taken. The view `pool` shows the `least_withdrawal`; ask
		/// for at least that, or wait until some are done.
		TooFewForQueue,
		/// There is no such request: it was done, taken back, or never made. The view `requests_of` lists yours.
		UnknownRequest,
		/// The request is somebody else's. The view `requests_of` lists yours.
		NotYours,
		/// A deposit can be taken back only when it has waited for `pool_cooldown`. Until then it becomes shares, or comes back,
		/// with the next prices.
		TooEarly,
		/// The deposit would have become fewer shares than it asked for. Provide again and ask for fewer.
		TooFewShares,
		/// The pool owes traders at least what it has, so that a share has no value. Provide when its `equity` is above
		/// zero again; the view `pool` shows it.
		NoEquity,
		/// The worst case of the markets is more than four times what the pool has: a deposit would take part
		/// in a rebound whose fall others bore. Provide when `worstCase` is at most four times `equity`
		/// again; the view `pool` shows both.
		EquityNearlyGone,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Deposits become shares and withdrawals are paid.
		fn on_poll(_: BlockNumberFor<T>, meter: &mut WeightMeter) {
			Self::serve(meter);
		}

		fn integrity_test() {
			assert!(
				(1..=1_000_000).contains(&T::MaxWaiting::get()),
				"a queue holds something, and its length to the fourth power fits"
			);
			assert!(T::MinimumDeposit::get() > 0, "a deposit is something");
			let block = T::BlockWeights::get().max_block;
			let least = Self::poll_weight()
				.saturating_add(T::Exposure::priced_weight())
				.saturating_add(Self::deposit_weight())
				.saturating_add(T::WeightInfo::withdraw_next());
			assert!(
				least.saturating_mul(4).all_lte(block),
				"a quarter of a block is enough for one request of each kind"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Provide `amount` base units of kUSD, for at least `least_shares` base units of shares.
		///
		/// ## Origin
		///
		/// Signed, by the provider.
		///
		/// ## Details
		///
		/// The kUSD is taken at once and waits in a queue. At the beginning of the first block in which all prices are newer
		/// than this request it becomes shares, at what they are worth then. If that would be fewer than `least_shares`, or the
		/// pool is worth nothing, all of it comes back. The view `preview_provide` shows the shares at the prices of now.
		///
		/// ## Errors
		///
		/// - [`Error::BelowMinimum`], [`Error::QueueFull`].
		/// - the circuit breaker's own, while it holds the chain to `Halted`: wait until it is lowered.
		/// - the asset's own, if the kUSD cannot be moved.
		///
		/// ## Events
		///
		/// [`Event::DepositRequested`]; later [`Event::Provided`] or [`Event::DepositRefunded`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::provide())]
		pub fn provide(
			origin: OriginFor<T>,
			#[pallet::compact] amount: Balance,
			#[pallet::compact] least_shares: Balance,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let id = Self::do_provide(&who, amount, least_shares)?;
			Self::deposit_event(Event::DepositRequested {
				id,
				who,
				amount,
				least_shares,
			});
			Ok(())
		}

		/// Ask to be paid for `shares` base units of shares.
		///
		/// ## Origin
		///
		/// Signed, by the owner of the shares.
		///
		/// ## Details
		///
		/// The shares are taken at once and wait in a queue. They are paid for, in order, at the first prices
		/// made after the cooldown, at what they are worth then, as far as the pool's risk allows and kUSD is
		/// there: perhaps in parts. Until then they gain and lose with all others, and
		/// [`cancel_withdrawal`](Pallet::cancel_withdrawal) gives them back. Always open. What markets with a
		/// dead feed hide counts as lost; where that is more than a hundredth of the equity they wait for a
		/// second cooldown. The view `preview_withdrawal` shows what they would bring at the prices of now.
		///
		/// ## Errors
		///
		/// [`Error::ZeroShares`], [`Error::QueueFull`], [`Error::TooFewForQueue`], or the asset's own, if you have fewer
		/// shares.
		///
		/// ## Events
		///
		/// [`Event::WithdrawalRequested`]; later [`Event::Withdrawn`], once or more often.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::request_withdrawal())]
		pub fn request_withdrawal(
			origin: OriginFor<T>,
			#[pallet::compact] shares: Balance,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let (id, due) = Self::do_request_withdrawal(&who, shares)?;
			Self::deposit_event(Event::WithdrawalRequested { id, who, shares, due });
			Ok(())
		}

		/// Cancel the withdrawal `id` and have its shares back: those not paid for yet.
		///
		/// ## Origin
		///
		/// Signed, by whoever made the request.
		///
		/// ## Details
		///
		/// Always open. A new request waits for the whole cooldown again.
		///
		/// ## Errors
		///
		/// [`Error::UnknownRequest`], [`Error::NotYours`], or the asset's own, if the shares cannot be moved.
		///
		/// ## Events
		///
		/// [`Event::WithdrawalCancelled`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::cancel_withdrawal())]
		pub fn cancel_withdrawal(origin: OriginFor<T>, #[pallet::compact] id: RequestId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let shares = Self::do_cancel_withdrawal(&who, id)?;
			Self::deposit_event(Event::WithdrawalCancelled { id, who, shares });
			Ok(())
		}

		/// Take the deposit `id` back, which found no newer prices for a whole `pool_cooldown`.
		///
		/// ## Origin
		///
		/// Signed, by whoever made the request.
		///
		/// ## Details
		///
		/// Always open. So that nobody's kUSD is locked in where a market has no price.
		///
		/// ## Errors
		///
		/// [`Error::UnknownRequest`], [`Error::NotYours`], [`Error::TooEarly`], or the custody's own, if it can't pay.
		///
		/// ## Events
		///
		/// [`Event::DepositCancelled`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::cancel_deposit())]
		pub fn cancel_deposit(origin: OriginFor<T>, #[pallet::compact] id: RequestId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let amount = Self::do_cancel_deposit(&who, id)?;
			Self::deposit_event(Event::DepositCancelled { id, who, amount });
			Ok(())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The pool now: what it has and owes, what a share is worth, how much of its risk is used, what waits, and what may
		/// leave. Money in base units of kUSD.
		pub fn pool() -> PoolSummary {
			Self::summary()
		}

		/// The pool if all markets moved against it at once by their stress: its loss, what it and a share would be worth then,
		/// and how much more there may be to lose. Nothing while a price is missing.
		pub fn worst_case() -> Option<WorstCase> {
			Self::in_worst_case()
		}

		/// What `amount` base units of kUSD would become at the prices of now, or the error that [`provide`](Pallet::provide)
		/// would fail with, or for which the kUSD would come back.
		pub fn preview_provide(amount: Balance) -> Result<ProvidePreview, DispatchError> {
			Self::provide_preview(amount)
		}

		/// What `shares` base units of shares would bring if asked for now, at the prices of now, and when they would be paid at
		/// the earliest; or the error that [`request_withdrawal`](Pallet::request_withdrawal) would fail with.
		pub fn preview_withdrawal(shares: Balance) -> Result<WithdrawalPreview, DispatchError> {
			Self::withdrawal_preview(shares)
		}

		/// The deposits and withdrawals of `who` that wait, with what waits before each.
		pub fn requests_of(who: T::AccountId) -> Requests {
			Self::requests(&who)
		}

		/// The shares of `who`, in hand and waiting to leave, and what they are worth now and in the worst case.
		pub fn holding_of(who: T::AccountId) -> Holding {
			Self::holding(&who)
		}
	}
}
