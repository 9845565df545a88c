//! Who decides what, how many of them it takes, and how long everybody else has to see it coming.
//!
//! | Who | What | How fast |
//! |---|---|---|
//! | `Root` | upgrades, shutdowns, memberships | the slowest track |
//! | `RiskBounds` | bounds of risk parameters, listings | slow |
//! | `RiskAdjust` | values inside bounds; lowers a breaker early | days |
//! | a third of the technical committee | tightens values, trips breakers | at once |
//! | half of it | suspends operators and feeds, pauses calls, safe mode: for hours ([`powers`]) | at once |
//! | two thirds of the others | suspends a member of it, for a day | at once |
//! | two thirds of it | whitelists a call for the quick track | at once; the vote is still the public's |
//!
//! Nobody moves a number past its bounds, and nobody but a new runtime moves a limit.

pub mod enactment;
pub mod origins;
pub mod powers;
pub mod tracks;

use frame_support::traits::{EitherOf, EitherOfDiverse};
use frame_system::EnsureRoot;
use pallet_collective::{DefaultVote, EnsureProportionAtLeast, MemberCount};

use crate::{AccountId, TechnicalCollective};
pub use origins::{
	pallet_origins, ReferendumCanceller, ReferendumKiller, RiskAdjust, RiskBounds, RiskController, Treasurer,
	WhitelistedCaller,
};

/// Root, or a referendum on bounds.
pub type RootOrRiskBounds = EitherOf<EnsureRoot<AccountId>, RiskBounds>;
/// Root, or a referendum on values.
pub type RootOrRiskAdjust = EitherOf<EnsureRoot<AccountId>, RiskAdjust>;
/// Root, or a referendum on money.
pub type RootOrTreasurer = EitherOf<EnsureRoot<AccountId>, Treasurer>;

/// Silence of a committee member counts as a nay: a motion passes by the ayes that were given. The prime's
/// vote weighs what every other member's does.
pub struct SilenceIsNay;

impl DefaultVote for SilenceIsNay {
	fn default_vote(_: Option<bool>, _: MemberCount, _: MemberCount, _: MemberCount) -> bool {
		false
	}
}

/// A third of the technical committee: enough to make things safer.
pub type Guardians = EnsureProportionAtLeast<AccountId, TechnicalCollective, 1, 3>;
/// Half of it, or Root: to stop what is outside the breaker's reach.
pub type HalfOfCommittee =
	EitherOfDiverse<EnsureRoot<AccountId>, EnsureProportionAtLeast<AccountId, TechnicalCollective, 1, 2>>;
/// Two thirds of it, or Root: to vouch that a call is urgent.
pub type TwoThirdsOfCommittee =
	EitherOfDiverse<EnsureRoot<AccountId>, EnsureProportionAtLeast<AccountId, TechnicalCollective, 2, 3>>;
