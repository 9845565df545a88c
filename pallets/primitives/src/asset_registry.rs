//! The facts about an asset, in one place: feed, decimals, live branch, margin collateral.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{dispatch::DispatchResult, pallet_prelude::DispatchError};
use scale_info::TypeInfo;

use crate::{AssetId, BranchId, FeedId};
use alloc::vec::Vec;

/// A registered asset.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct RegisteredAsset {
	/// The price feed, in USD per whole unit. Never changes while the asset is registered.
	pub feed: FeedId,
	/// The decimals it was registered with.
	pub decimals: u8,
	/// The branch that takes it as collateral; `None` if none does, or its branch was shut down.
	pub branch: Option<BranchId>,
	/// Whether margin accounts may hold it.
	pub margin: bool,
}

/// What an asset is listed as.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Listing {
	/// Collateral of a branch.
	Branch(BranchId),
	/// Collateral of margin accounts.
	Margin,
}

/// The registry of assets the protocol takes.
pub trait AssetRegistry {
	/// The facts about `asset`, or the error that says it is not registered.
	fn asset(asset: AssetId) -> Result<RegisteredAsset, DispatchError>;

	/// All registered assets, in no particular order. At most [`capacity`](Self::capacity).
	fn assets() -> Vec<AssetId>;

	/// List `asset` as `listing`, and register it if it is new. Refused if the feed is unknown, if the asset
	/// is registered with another feed or other decimals, if it is listed so already, or if the registry is
	/// full.
	fn list(asset: AssetId, feed: FeedId, decimals: u8, listing: Listing) -> DispatchResult;

	/// End the live branch of `asset`. It stays registered, with its feed. No-op without one.
	fn end_branch(asset: AssetId);

	/// The most assets that can be registered: the most kinds of collateral anybody has to hold.
	fn capacity() -> u32;

	/// Register `asset` past every rule, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn insert(asset: AssetId, facts: RegisteredAsset);
}
