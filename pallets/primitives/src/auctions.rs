//! The buyer of what the stability pool could not take.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::pallet_prelude::DispatchError;
use scale_info::TypeInfo;

use crate::{AssetId, AuctionId, Balance, BranchId, FeedId};

/// A liquidated lot of collateral, for sale by auction.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Lot<AccountId> {
	/// The branch it was liquidated in, whose parameters the auction follows.
	pub branch: BranchId,
	/// The asset.
	pub asset: AssetId,
	/// Its feed.
	pub feed: FeedId,
	/// Turns amount times price into base units of kUSD; see `keel_math::value`.
	pub divisor: u128,
	/// How much of it, in base units.
	pub collateral: Balance,
	/// kUSD to raise and burn: debt that was taken off a vault and is not yet repaid.
	pub debt: Balance,
	/// kUSD to raise on top for the insurance fund: the penalty.
	pub penalty: Balance,
	/// The account that gets what is left.
	pub owner: AccountId,
}

/// Whoever sells collateral at a falling price.
pub trait Auctions<AccountId> {
	/// Start an auction: takes `lot.collateral` from `seller` and carries `lot.debt` until it is raised, covered or
	/// recorded as bad. `spot` is USD per whole unit.
	fn start(
		seller: &AccountId,
		lot: Lot<AccountId>,
		spot: sp_arithmetic::FixedU128,
	) -> Result<AuctionId, DispatchError>;

	/// Debt carried by running auctions, in base units of kUSD.
	fn debt() -> Balance;
}
