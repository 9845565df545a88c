//! # Asset registry
//!
//! The facts about every asset the protocol takes: price feed, decimals, live branch, margin collateral.
//!
//! ## Overview
//!
//! Listing an asset as collateral of a branch or of margin accounts registers it. All listings of an asset
//! share one feed and one number of decimals, which stay as long as it is registered: a second listing with
//! others is refused. Branches, margin accounts, auctions, the insurance fund and the check whether a feed
//! may be removed all read this record.
//!
//! A shutdown of its branch ends a listing, not the registration: pots, auctions and the fund may still hold
//! the asset, and it has to be sold at the price of its feed. [`forget`](Pallet::forget) removes a record
//! once nothing lists the asset and nobody named by [`Config::Held`] holds any of it.
//!
//! ## Bound
//!
//! At most [`Config::MaxAssets`] assets are registered. The insurance fund and the stability pool have room
//! for as many kinds of collateral.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use frame_support::{ensure, pallet_prelude::*, traits::Contains};
	use frame_system::pallet_prelude::*;
	use keel_primitives::{AssetId, AssetRegistry, FeedId, Listing, RegisteredAsset};

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// The feeds there are.
		type Feeds: Contains<FeedId>;

		/// The assets of which a pallet that needs their price holds some: the insurance fund, branches and
		/// their pots, auctions and their claims, margin accounts.
		type Held: Contains<AssetId>;

		/// Origin that may remove a record.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// The most assets that are registered at a time.
		#[pallet::constant]
		type MaxAssets: Get<u32>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// The facts about each registered asset.
	#[pallet::storage]
	pub type Registry<T: Config> = CountedStorageMap<_, Twox64Concat, AssetId, RegisteredAsset>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An asset was registered with its feed and decimals.
		Registered {
			asset: AssetId,
			feed: FeedId,
			decimals: u8,
		},
		/// The record of an asset was removed: nothing lists it and nobody holds it.
		Forgotten { asset: AssetId },
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The asset is not registered. List it as collateral of a branch or of margin accounts first.
		UnknownAsset,
		/// There is no such feed. Add it with `prices.addFeed` first, or name another.
		UnknownFeed,
		/// The asset is registered with another feed. Name that one; the view `asset` shows it.
		FeedDiffers,
		/// The asset was registered with other decimals. Restore them in its metadata; the view `asset` shows
		/// them.
		DecimalsDiffer,
		/// A branch that runs takes the asset. Shut that down first; a collateral has one.
		BranchRuns,
		/// Margin accounts may hold the asset already. There is nothing to list.
		MarginListed,
		/// As many assets are registered as the chain allows. `forget` one that nobody holds first.
		TooManyAssets,
		/// A branch or margin accounts take the asset. Only an asset without a listing can be forgotten.
		StillListed,
		/// The insurance fund, a branch, an auction, a claim or a margin account holds some of the asset.
		/// Wait until it is sold or claimed.
		StillHeld,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::MaxAssets::get() > 0, "an asset must be able to be registered");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// Feed, decimals and listings of an asset. Nothing for one that is not registered.
		pub fn asset(asset: AssetId) -> Option<RegisteredAsset> {
			Registry::<T>::get(asset)
		}

		/// All registered assets with their facts, in no particular order; at most `MaxAssets`.
		pub fn assets() -> Vec<(AssetId, RegisteredAsset)> {
			Registry::<T>::iter().collect()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Remove the record of an asset that nothing lists and nobody holds, so that its feed may be removed
		/// and another asset takes its place.
		///
		/// ## Origin
		///
		/// [`Config::AdminOrigin`].
		///
		/// ## Errors
		///
		/// - [`Error::UnknownAsset`]: it is not registered.
		/// - [`Error::StillListed`]: a branch or margin accounts take it.
		/// - [`Error::StillHeld`]: some of it is held.
		///
		/// ## Events
		///
		/// - [`Event::Forgotten`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::forget())]
		pub fn forget(origin: OriginFor<T>, asset: AssetId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			let facts = Registry::<T>::get(asset).ok_or(Error::<T>::UnknownAsset)?;
			ensure!(facts.branch.is_none() && !facts.margin, Error::<T>::StillListed);
			ensure!(!T::Held::contains(&asset), Error::<T>::StillHeld);
			Registry::<T>::remove(asset);
			Self::deposit_event(Event::Forgotten { asset });
			Ok(())
		}
	}

	impl<T: Config> Pallet<T> {
		/// Whether a registered asset is priced by `feed`: such a feed must not be removed.
		pub fn uses_feed(feed: FeedId) -> bool {
			// At most `MaxAssets`.
			Registry::<T>::iter_values().any(|facts| facts.feed == feed)
		}

		/// - No more assets are registered than may be.
		/// - Every registered asset has a feed that exists.
		/// - No branch has two assets.
		#[cfg(any(test, feature = "try-runtime"))]
		pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
			ensure!(
				Registry::<T>::iter().count() as u32 <= T::MaxAssets::get(),
				"more assets are registered than may be"
			);
			let mut branches = alloc::collections::BTreeSet::new();
			for facts in Registry::<T>::iter_values() {
				ensure!(
					T::Feeds::contains(&facts.feed),
					"the feed of a registered asset does not exist"
				);
				ensure!(
					facts.branch.is_none_or(|branch| branches.insert(branch)),
					"a branch has two assets"
				);
			}
			Ok(())
		}
	}

	impl<T: Config> AssetRegistry for Pallet<T> {
		fn asset(asset: AssetId) -> Result<RegisteredAsset, DispatchError> {
			Registry::<T>::get(asset).ok_or_else(|| Error::<T>::UnknownAsset.into())
		}

		fn assets() -> Vec<AssetId> {
			Registry::<T>::iter_keys().collect()
		}

		fn list(asset: AssetId, feed: FeedId, decimals: u8, listing: Listing) -> DispatchResult {
			let known = Registry::<T>::get(asset);
			let mut facts = known.unwrap_or(RegisteredAsset {
				feed,
				decimals,
				branch: None,
				margin: false,
			});
			ensure!(T::Feeds::contains(&feed), Error::<T>::UnknownFeed);
			ensure!(facts.feed == feed, Error::<T>::FeedDiffers);
			ensure!(facts.decimals == decimals, Error::<T>::DecimalsDiffer);
			match listing {
				Listing::Branch(branch) => {
					ensure!(facts.branch.is_none(), Error::<T>::BranchRuns);
					facts.branch = Some(branch);
				}
				Listing::Margin => {
					ensure!(!facts.margin, Error::<T>::MarginListed);
					facts.margin = true;
				}
			}
			if known.is_none() {
				ensure!(
					Registry::<T>::count() < T::MaxAssets::get(),
					Error::<T>::TooManyAssets
				);
				Self::deposit_event(Event::Registered {
					asset,
					feed,
					decimals,
				});
			}
			Registry::<T>::insert(asset, facts);
			Ok(())
		}

		fn end_branch(asset: AssetId) {
			Registry::<T>::mutate(asset, |facts| {
				if let Some(facts) = facts {
					facts.branch = None;
				}
			});
		}

		fn capacity() -> u32 {
			T::MaxAssets::get()
		}

		#[cfg(feature = "runtime-benchmarks")]
		fn insert(asset: AssetId, facts: RegisteredAsset) {
			Registry::<T>::insert(asset, facts);
		}
	}
}
