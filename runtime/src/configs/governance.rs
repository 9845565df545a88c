//! OpenGov: preimages, referenda, conviction voting, the technical committee, the treasury.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	ensure,
	pallet_prelude::DispatchError,
	parameter_types,
	traits::{
		fungible::HoldConsideration,
		tokens::{currency::ActiveIssuanceOf, PayFromAccount, UnityAssetBalanceConversion},
		AsEnsureOriginWithArg, Consideration, ConstU32, EitherOf, EnsureOrigin, EqualPrivilegeOnly,
		LinearStoragePrice, MaybeConsideration,
	},
	weights::Weight,
	PalletId,
};
use frame_system::{EnsureNever, EnsureRoot, EnsureSigned, EnsureWithSuccess};
use pallet_collective::Instance1;
use pallet_membership::Instance2;
use sp_runtime::{traits::IdentityLookup, Perbill, Permill};

use super::BlockWeights;
use crate::{
	extensions::MOTION_WEIGHT,
	governance::{
		enactment::{self, MaximumSchedulerWeight},
		pallet_origins,
		powers::Seats,
		tracks::{MotionDuration, PayoutPeriod, Tracks, UndecidingTimeout, VoteLockingPeriod},
		ReferendumCanceller, ReferendumKiller, RootOrTreasurer, SilenceIsNay, TwoThirdsOfCommittee,
		WhitelistedCaller,
	},
	AccountId, Balance, Balances, BlockNumber, OriginCaller, Preimage, Referenda, Runtime, RuntimeCall,
	RuntimeEvent, RuntimeHoldReason, RuntimeOrigin, System, TechnicalCommittee, TechnicalMembership,
	Treasury, KEEL,
};

impl pallet_origins::Config for Runtime {}

parameter_types! {
	pub const PreimageBase: Balance = KEEL;
	pub const PreimageByte: Balance = crate::fees::state::BYTE;
	pub const PreimageHoldReason: RuntimeHoldReason =
		RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);
	/// What each entry of a block's agenda costs who fills it, until the referendum is over.
	pub const SubmissionDeposit: Balance = 100 * KEEL;
	pub const AlarmInterval: BlockNumber = 1;
	/// A motion may weigh what closing it may ([`MOTION_WEIGHT`]), less the closing itself.
	pub MaxProposalWeight: Weight = MOTION_WEIGHT * Perbill::from_percent(80) * BlockWeights::get().max_block;
	pub const TreasuryPalletId: PalletId = PalletId(*b"py/trsry");
	pub TreasuryAccount: AccountId = Treasury::account_id();
	pub const SpendPeriod: BlockNumber = 43_200;
	/// Nothing that is not spent is burned.
	pub const TreasuryBurn: Permill = Permill::zero();
	pub const MaxSpend: Balance = Balance::MAX;
	/// A day.
	pub const DeferredDispatchExpiration: BlockNumber = 43_200;
}

impl pallet_preimage::Config for Runtime {
	type Consideration = HoldConsideration<
		AccountId,
		Balances,
		PreimageHoldReason,
		LinearStoragePrice<PreimageBase, PreimageByte, Balance>,
	>;
	type Currency = Balances;
	type ManagerOrigin = EnsureRoot<AccountId>;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_preimage::weights::SubstrateWeight<Runtime>;
}

impl pallet_scheduler::Config for Runtime {
	type BlockNumberProvider = System;
	type MaxScheduledPerBlock = ConstU32<{ enactment::MAX_SCHEDULED }>;
	type MaximumWeight = MaximumSchedulerWeight;
	type OriginPrivilegeCmp = EqualPrivilegeOnly;
	type PalletsOrigin = OriginCaller;
	type Preimages = Preimage;
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type RuntimeOrigin = RuntimeOrigin;
	type ScheduleOrigin = EnsureRoot<AccountId>;
	type WeightInfo = pallet_scheduler::weights::SubstrateWeight<Runtime>;
}

impl pallet_conviction_voting::Config for Runtime {
	type BlockNumberProvider = System;
	type Currency = Balances;
	type MaxTurnout = ActiveIssuanceOf<Balances, AccountId>;
	type MaxVotes = ConstU32<128>;
	type Polls = Referenda;
	type RuntimeEvent = RuntimeEvent;
	type VoteLockingPeriod = VoteLockingPeriod;
	type VotingHooks = ();
	type WeightInfo = pallet_conviction_voting::weights::SubstrateWeight<Runtime>;
}

impl pallet_referenda::Config for Runtime {
	type AlarmInterval = AlarmInterval;
	type BlockNumberProvider = System;
	type CancelOrigin = EitherOf<EnsureRoot<AccountId>, ReferendumCanceller>;
	type Currency = Balances;
	type KillOrigin = EitherOf<EnsureRoot<AccountId>, ReferendumKiller>;
	type MaxQueued = ConstU32<100>;
	type Preimages = Preimage;
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type Scheduler = enactment::Agenda;
	type Slash = Treasury;
	type SubmissionDeposit = SubmissionDeposit;
	type SubmitOrigin = AsEnsureOriginWithArg<EnsureSigned<AccountId>>;
	type Tally = pallet_conviction_voting::TallyOf<Runtime>;
	type Tracks = Tracks;
	type UndecidingTimeout = UndecidingTimeout;
	type Votes = pallet_conviction_voting::VotesOf<Runtime>;
	type WeightInfo = enactment::ReferendaWeights;
}

impl pallet_whitelist::Config for Runtime {
	type BlockNumberProvider = System;
	type DeferredDispatchExpiration = DeferredDispatchExpiration;
	type DispatchWhitelistedOrigin = EitherOf<EnsureRoot<AccountId>, WhitelistedCaller>;
	type Preimages = Preimage;
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_whitelist::weights::SubstrateWeight<Runtime>;
	type WhitelistOrigin = TwoThirdsOfCommittee;
}

/// Whose seats the membership pallet fills.
pub type TechnicalCollective = Instance1;

/// The most members of the committee.
pub type MaxCommittee = ConstU32<16>;

/// The fewest members of the committee: of two, one alone would be half of it.
pub const LEAST_COMMITTEE: usize = 3;

/// Root, while the committee has more members than [`LEAST_COMMITTEE`]. Refused as `BadOrigin` otherwise: add
/// another member first, or swap.
pub struct RootToRemoveMember;

impl EnsureOrigin<RuntimeOrigin> for RootToRemoveMember {
	type Success = ();

	fn try_origin(origin: RuntimeOrigin) -> Result<(), RuntimeOrigin> {
		if TechnicalMembership::members().len() > LEAST_COMMITTEE {
			<EnsureRoot<AccountId> as EnsureOrigin<RuntimeOrigin>>::try_origin(origin)
		} else {
			Err(origin)
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin() -> Result<RuntimeOrigin, ()> {
		Ok(RuntimeOrigin::root())
	}
}

/// The most motions one member may have open: all members' together fit among [`MaxProposals`].
pub const MOTIONS_OF_ONE: usize = 3;
/// The most motions open at a time.
pub type MaxProposals = ConstU32<48>;

/// Record of who proposed an open motion. It holds no money: it keeps one member from filling the committee's
/// agenda.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, scale_info::TypeInfo,
)]
pub struct Proposer;

impl Consideration<AccountId, u32> for Proposer {
	fn new(who: &AccountId, _: u32) -> Result<Self, DispatchError> {
		use pallet_collective::{CostOf, Error, Proposals};

		// The motion itself is listed already and has no record yet.
		let own = Proposals::<Runtime, TechnicalCollective>::get()
			.iter()
			.filter_map(CostOf::<Runtime, TechnicalCollective>::get)
			.filter(|(by, _)| by == who)
			.count();
		ensure!(
			own < MOTIONS_OF_ONE,
			Error::<Runtime, TechnicalCollective>::TooManyProposals
		);
		Ok(Proposer)
	}

	fn update(self, _: &AccountId, _: u32) -> Result<Self, DispatchError> {
		Ok(self)
	}

	fn drop(self, _: &AccountId) -> Result<(), DispatchError> {
		Ok(())
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn ensure_successful(_: &AccountId, _: u32) {}
}

impl MaybeConsideration<AccountId, u32> for Proposer {
	fn is_none(&self) -> bool {
		false
	}
}

impl pallet_collective::Config<TechnicalCollective> for Runtime {
	type Consideration = Proposer;
	type DefaultVote = SilenceIsNay;
	type DisapproveOrigin = EnsureRoot<AccountId>;
	type KillOrigin = EnsureRoot<AccountId>;
	type MaxMembers = MaxCommittee;
	type MaxProposalWeight = MaxProposalWeight;
	type MaxProposals = MaxProposals;
	type MotionDuration = MotionDuration;
	type Proposal = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type RuntimeOrigin = RuntimeOrigin;
	// Its membership pallet fills it.
	type SetMembersOrigin = EnsureNever<()>;
	type WeightInfo = pallet_collective::weights::SubstrateWeight<Runtime>;
}

impl pallet_membership::Config<Instance2> for Runtime {
	type AddOrigin = EnsureRoot<AccountId>;
	type MaxMembers = MaxCommittee;
	type MembershipChanged = Seats;
	type MembershipInitialized = TechnicalCommittee;
	type PrimeOrigin = EnsureRoot<AccountId>;
	type RemoveOrigin = RootToRemoveMember;
	// It could leave fewer than `LEAST_COMMITTEE`: members come and go one by one.
	type ResetOrigin = EnsureNever<()>;
	type RuntimeEvent = RuntimeEvent;
	type SwapOrigin = EnsureRoot<AccountId>;
	type WeightInfo = pallet_membership::weights::SubstrateWeight<Runtime>;
}

impl pallet_treasury::Config for Runtime {
	type AssetKind = ();
	type BalanceConverter = UnityAssetBalanceConversion;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::adapters::TreasuryBenchmarks;
	type Beneficiary = AccountId;
	type BeneficiaryLookup = IdentityLookup<AccountId>;
	type BlockNumberProvider = System;
	type Burn = TreasuryBurn;
	type BurnDestination = ();
	type Currency = Balances;
	type MaxApprovals = ConstU32<100>;
	type PalletId = TreasuryPalletId;
	type Paymaster = PayFromAccount<Balances, TreasuryAccount>;
	type PayoutPeriod = PayoutPeriod;
	type RejectOrigin = RootOrTreasurer;
	type RuntimeEvent = RuntimeEvent;
	type SpendFunds = ();
	type SpendOrigin = EnsureWithSuccess<RootOrTreasurer, AccountId, MaxSpend>;
	type SpendPeriod = SpendPeriod;
	type WeightInfo = pallet_treasury::weights::SubstrateWeight<Runtime>;
}
