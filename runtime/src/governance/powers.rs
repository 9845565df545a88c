//! Emergency powers: who has them, what they stop, and the table of them (`docs/powers.md` is written from
//! it, and `tests/powers` tries every row).

use alloc::vec::Vec;
use frame_support::{
	parameter_types,
	traits::{
		ChangeMembers, Contains, EitherOf, EnsureOrigin, Get, OriginTrait, SafeModeNotify, SortedMembers,
		TransactionPause,
	},
	PalletId,
};
use frame_system::{EnsureRoot, EnsureWithSuccess};
use pallet_collective::{EnsureProportionAtLeast, RawOrigin};
use pallet_emergency::{Power, Spends, Stops, Subject, REST};
use sp_runtime::{traits::AccountIdConversion, DispatchResult};

use super::{
	tracks::{self, LongSpell, SafeModeDuration, ShortSpell},
	HalfOfCommittee, RootOrRiskAdjust, TwoThirdsOfCommittee,
};
use crate::{
	AccountId, BlockNumber, Emergency, OriginCaller, Prices, Runtime, RuntimeOrigin, SafeMode,
	TechnicalCollective, TechnicalCommittee, TechnicalMembership, TxPause,
};

parameter_types! {
	pub ShortFor: BlockNumber = ShortSpell::get();
	pub LongFor: BlockNumber = LongSpell::get();
	pub SafeModeFor: BlockNumber = SafeModeDuration::get();
	pub const CallsPower: Power = Power::Calls;
	pub const SafeModePower: Power = Power::SafeMode;
	/// Seats of suspended members.
	pub const EmptySeats: PalletId = PalletId(*b"keel/sea");
}

/// Two thirds of the committee or Root for the long spell, half of it for the short one.
pub type Granted = EitherOf<
	EnsureWithSuccess<TwoThirdsOfCommittee, AccountId, LongFor>,
	EnsureWithSuccess<HalfOfCommittee, AccountId, ShortFor>,
>;
/// Pauses a call, and spends the power to.
pub type Pauses = Spends<Runtime, Granted, CallsPower>;
/// Enters safe mode, and spends the power to.
pub type EntersSafeMode =
	Spends<Runtime, EnsureWithSuccess<HalfOfCommittee, AccountId, SafeModeFor>, SafeModePower>;
/// Ends what was stopped before its time: a referendum on values, Root, or two thirds of the committee. Half
/// of it could undo what the other half did.
pub type Ends = EitherOf<RootOrRiskAdjust, EnsureProportionAtLeast<AccountId, TechnicalCollective, 2, 3>>;

/// Root, or two thirds of the committee's other seats and more than half of all. One of two cannot suspend
/// the other.
pub struct OtherMembers;

impl OtherMembers {
	/// Ayes it takes to suspend one of `seats` members. Example: 2 of 3, 3 of 5, 4 of 7, 10 of 16.
	pub const fn ayes(seats: u32) -> u32 {
		let two_thirds = (2 * seats.saturating_sub(1)).div_ceil(3);
		let majority = seats / 2 + 1;
		if two_thirds > majority {
			two_thirds
		} else {
			majority
		}
	}
}

impl EnsureOrigin<RuntimeOrigin> for OtherMembers {
	type Success = ();

	fn try_origin(origin: RuntimeOrigin) -> Result<(), RuntimeOrigin> {
		match origin.caller() {
			OriginCaller::TechnicalCommittee(RawOrigin::Members(ayes, seats))
				if *ayes >= Self::ayes(*seats) =>
			{
				Ok(())
			}
			_ => EnsureRoot::<AccountId>::try_origin(origin),
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin() -> Result<RuntimeOrigin, ()> {
		Ok(RuntimeOrigin::root())
	}
}

/// Origin that may suspend a subject; its success is the length of the spell, in blocks.
pub struct Suspends;

impl frame_support::traits::EnsureOriginWithArg<RuntimeOrigin, Subject<AccountId>> for Suspends {
	type Success = BlockNumber;

	fn try_origin(origin: RuntimeOrigin, subject: &Subject<AccountId>) -> Result<BlockNumber, RuntimeOrigin> {
		match subject.power() {
			Power::Committee => OtherMembers::try_origin(origin).map(|()| LongSpell::get()),
			_ => <Granted as EnsureOrigin<_>>::try_origin(origin),
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin(_: &Subject<AccountId>) -> Result<RuntimeOrigin, ()> {
		Ok(RuntimeOrigin::root())
	}
}

/// Origin that may resume a subject before its time.
pub struct Resumes;

impl frame_support::traits::EnsureOriginWithArg<RuntimeOrigin, Subject<AccountId>> for Resumes {
	type Success = ();

	fn try_origin(origin: RuntimeOrigin, subject: &Subject<AccountId>) -> Result<(), RuntimeOrigin> {
		match subject.power() {
			Power::Committee => {
				OtherMembers::try_origin(origin).or_else(<RootOrRiskAdjust as EnsureOrigin<_>>::try_origin)
			}
			_ => <Ends as EnsureOrigin<_>>::try_origin(origin),
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin(_: &Subject<AccountId>) -> Result<RuntimeOrigin, ()> {
		Ok(RuntimeOrigin::root())
	}
}

/// Operators that are suspended now.
pub struct SuspendedOperators;

impl Contains<AccountId> for SuspendedOperators {
	fn contains(who: &AccountId) -> bool {
		Emergency::is_suspended(&Subject::Operator(who.clone()))
	}
}

/// Safe mode that ends before its time, or by it.
pub struct OnSafeMode;

impl SafeModeNotify for OnSafeMode {
	fn entered() {}

	fn exited() {
		Emergency::end(Power::SafeMode);
	}
}

/// Effects of emergency powers.
pub struct Effects;

/// Calls released in one block at most.
const RELEASED: usize = 16;

impl Stops<AccountId> for Effects {
	fn suspended(subject: &Subject<AccountId>) -> DispatchResult {
		let unknown = pallet_emergency::Error::<Runtime>::UnknownSubject;
		match subject {
			Subject::Operator(who) => Prices::suspend_operator(who, true)?,
			Subject::Feed(feed) => Prices::suspend_feed(*feed, true)?,
			Subject::Member(who) => {
				frame_support::ensure!(TechnicalMembership::sorted_members().contains(who), unknown);
				Seats::fill();
			}
		}
		Ok(())
	}

	fn resumed(subject: &Subject<AccountId>) {
		match subject {
			// What was removed meanwhile has nothing to go on with.
			Subject::Operator(who) => drop(Prices::suspend_operator(who, false)),
			Subject::Feed(feed) => drop(Prices::suspend_feed(*feed, false)),
			Subject::Member(_) => Seats::fill(),
		}
	}

	fn release(power: Power) -> (u32, bool) {
		match power {
			Power::Calls => {
				let mut paused: Vec<_> = pallet_tx_pause::PausedCalls::<Runtime>::iter_keys()
					.take(RELEASED + 1)
					.collect();
				let all = paused.len() <= RELEASED;
				paused.truncate(RELEASED);
				for name in &paused {
					if <TxPause as TransactionPause>::unpause(name.clone()).is_err() {
						// Always open since an upgrade: not paused, but stored.
						pallet_tx_pause::PausedCalls::<Runtime>::remove(name);
					}
				}
				(paused.len() as u32, all)
			}
			Power::SafeMode => {
				let _ = <SafeMode as frame_support::traits::SafeMode>::exit();
				(1, true)
			}
			Power::Prices | Power::Committee => (0, true),
		}
	}

	/// The committee, the operators and the feeds, each as many as there may be.
	#[cfg(feature = "runtime-benchmarks")]
	fn subjects() -> Vec<Subject<AccountId>> {
		use crate::configs::MaxFeeds;
		// What is there already, or is one too many, is refused.
		for n in 0..MaxFeeds::get() {
			let who = |name| frame_benchmarking::account::<AccountId>(name, n, 0);
			let _ = TechnicalMembership::add_member(RuntimeOrigin::root(), who("member").into());
			let _ = Prices::add_operator(RuntimeOrigin::root(), who("operator"));
			let symbol = pallet_prices::Symbol::truncate_from(b"FEED".to_vec());
			let volatility = sp_runtime::FixedU128::from_u32(1);
			let _ = Prices::add_feed(RuntimeOrigin::root(), 1_000 + n, symbol, volatility);
		}
		TechnicalMembership::sorted_members()
			.into_iter()
			.map(Subject::Member)
			.chain(Prices::sorted_members().into_iter().map(Subject::Operator))
			.chain(pallet_prices::Feeds::<Runtime>::iter_keys().map(Subject::Feed))
			.collect()
	}
}

/// The committee as it votes: a suspended member's seat is held by an account without a key, so that it stays
/// silent and every threshold where it was.
pub struct Seats;

impl Seats {
	fn of(members: &[AccountId]) -> Vec<AccountId> {
		let mut seats: Vec<AccountId> = members
			.iter()
			.map(
				|who| match Emergency::is_suspended(&Subject::Member(who.clone())) {
					true => EmptySeats::get().into_sub_account_truncating(who),
					false => who.clone(),
				},
			)
			.collect();
		seats.sort();
		seats
	}

	/// Seat the members. Those without a seat lose the votes they gave.
	fn fill() {
		let seats = Self::of(&TechnicalMembership::sorted_members());
		let before = pallet_collective::Members::<Runtime, TechnicalCollective>::get();
		TechnicalCommittee::set_members_sorted(&seats, &before);
	}
}

impl ChangeMembers<AccountId> for Seats {
	fn change_members_sorted(_: &[AccountId], _: &[AccountId], members: &[AccountId]) {
		let before = pallet_collective::Members::<Runtime, TechnicalCollective>::get();
		TechnicalCommittee::set_members_sorted(&Self::of(members), &before);
	}
}

/// A row of the table.
pub struct Row {
	/// What is stopped.
	pub stops: &'static str,
	/// By whom.
	pub by: &'static str,
	/// With which call.
	pub call: &'static str,
	/// How it ends by itself: after so many blocks, of which the second number with two thirds of the
	/// committee.
	pub ends: End,
	/// What stays open, beside the exits.
	pub open: &'static str,
}

/// How what was stopped goes on by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
	/// After the spell, in blocks: the one that half of the committee is granted, and two thirds.
	Spell {
		/// Granted to the least share that may.
		short: BlockNumber,
		/// Granted to two thirds.
		long: BlockNumber,
	},
	/// The breaker's levels: one level at a time after dwell and cooldown, while nothing holds them.
	Levels,
}

/// What can be stopped at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
	/// Prices of one feed.
	Feed,
	/// Liquidations of one branch or market.
	Liquidations,
	/// An operator.
	Operator,
	/// Minting on one branch.
	Minting,
	/// New risk everywhere.
	NewRisk,
	/// One call.
	Call,
	/// Transfers, and all else that is not an exit.
	Transfers,
	/// A guardian.
	Guardian,
}

impl Stopped {
	/// Every row.
	pub const ALL: [Stopped; 8] = [
		Stopped::Feed,
		Stopped::Liquidations,
		Stopped::Operator,
		Stopped::Minting,
		Stopped::NewRisk,
		Stopped::Call,
		Stopped::Transfers,
		Stopped::Guardian,
	];

	/// Its row.
	pub const fn row(self) -> Row {
		const HALF: &str = "half of the committee";
		const SPELL: End = End::Spell {
			short: tracks::SHORT_SPELL,
			long: tracks::LONG_SPELL,
		};
		match self {
			Stopped::Feed => Row {
				stops: "prices of one feed",
				by: HALF,
				call: "`emergency.suspend(Feed)`",
				ends: SPELL,
				open: "exits that need a price, on the last one as long as `ReduceRiskAge` allows",
			},
			Stopped::Liquidations => Row {
				stops: "liquidations of one branch or market",
				by: HALF,
				call: "`emergency.suspend(Feed)` of its feed; no call stops liquidations alone",
				ends: SPELL,
				open: "liquidations on other feeds",
			},
			Stopped::Operator => Row {
				stops: "an operator: its values, those given already included",
				by: HALF,
				call: "`emergency.suspend(Operator)`",
				ends: SPELL,
				open:
					"prices, while those not suspended are `OracleQuorum` and as many more as are suspended, and more than half of all",
			},
			Stopped::Minting => Row {
				stops: "minting on one branch",
				by: "a third of the committee",
				call: "`circuitBreaker.trip(Mint(Vaults(b)))`",
				ends: End::Levels,
				open: "everything but new debt",
			},
			Stopped::NewRisk => Row {
				stops: "new risk on a branch, a market or the chain",
				by: "a third of the committee",
				call: "`circuitBreaker.trip(subject)`",
				ends: End::Levels,
				open: "liquidations",
			},
			Stopped::Call => Row {
				stops: "a call with a bug",
				by: HALF,
				call: "`txPause.pause`",
				ends: SPELL,
				open: "everything else; calls of `AlwaysOpen` cannot be paused",
			},
			Stopped::Transfers => Row {
				stops: "transfers, and all else that is not in `AlwaysOpen`",
				by: HALF,
				call: "`safeMode.forceEnter`",
				ends: End::Spell {
					short: tracks::SAFE_MODE,
					long: tracks::SAFE_MODE,
				},
				open: "prices, liquidations, governance",
			},
			Stopped::Guardian => Row {
				stops: "a member of the committee: its votes, those given already included",
				by: "two thirds of the other members, and more than half of all",
				call: "`emergency.suspend(Member)`",
				ends: End::Spell {
					short: tracks::LONG_SPELL,
					long: tracks::LONG_SPELL,
				},
				open: "the committee: the seat counts as silent",
			},
		}
	}
}

/// The largest share of the time that a power is in use, in percent: one spell of every `1 + REST`.
pub const LARGEST_SHARE: u32 = 100 / (1 + REST);
