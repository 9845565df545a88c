//! One record per asset, its listings, and its end.

use frame_support::{assert_noop, assert_ok};
use keel_primitives::{AssetId, AssetRegistry as Door, FeedId, Listing, RegisteredAsset};
use sp_runtime::DispatchResult;

use crate::{mock::*, Error, Event, Registry};

fn list(asset: AssetId, feed: FeedId, listing: Listing) -> DispatchResult {
	<AssetRegistry as Door>::list(asset, feed, 8, listing)
}

fn forget(asset: AssetId) -> DispatchResult {
	AssetRegistry::forget(RuntimeOrigin::root(), asset)
}

#[test]
fn listings_of_an_asset_share_one_record() {
	build_and_execute(|| {
		assert_noop!(<AssetRegistry as Door>::asset(2), Error::<Test>::UnknownAsset);
		assert_ok!(list(2, 2, Listing::Branch(7)));
		assert_ok!(list(2, 2, Listing::Margin));
		let facts = RegisteredAsset {
			feed: 2,
			decimals: 8,
			branch: Some(7),
			margin: true,
		};
		assert_eq!(<AssetRegistry as Door>::asset(2), Ok(facts));
		assert_eq!(AssetRegistry::assets(), vec![(2, facts)]);
		// It was registered once.
		let registered: Vec<_> = System::events().into_iter().map(|record| record.event).collect();
		assert_eq!(
			registered,
			vec![RuntimeEvent::AssetRegistry(Event::Registered {
				asset: 2,
				feed: 2,
				decimals: 8
			})]
		);
	});
}

/// One truth: an asset is never priced by two feeds or counted in two units.
#[test]
fn a_second_listing_with_other_facts_is_refused() {
	build_and_execute(|| {
		assert_ok!(list(2, 2, Listing::Branch(7)));
		assert_noop!(list(2, 3, Listing::Margin), Error::<Test>::FeedDiffers);
		assert_noop!(
			<AssetRegistry as Door>::list(2, 2, 6, Listing::Margin),
			Error::<Test>::DecimalsDiffer
		);
		assert_noop!(list(2, 2, Listing::Branch(8)), Error::<Test>::BranchRuns);
		assert_noop!(list(3, 10, Listing::Margin), Error::<Test>::UnknownFeed);
		// A shutdown ends the listing; the feed stays.
		<AssetRegistry as Door>::end_branch(2);
		assert_noop!(list(2, 3, Listing::Branch(8)), Error::<Test>::FeedDiffers);
		assert_ok!(list(2, 2, Listing::Branch(8)));
		assert_ok!(list(2, 2, Listing::Margin));
		assert_noop!(list(2, 2, Listing::Margin), Error::<Test>::MarginListed);
	});
}

/// What anybody holds counts as in use: its record and its feed stay.
#[test]
fn what_is_listed_or_held_is_not_forgotten() {
	build_and_execute(|| {
		assert_noop!(forget(2), Error::<Test>::UnknownAsset);
		assert_ok!(list(2, 5, Listing::Branch(7)));
		assert_noop!(
			AssetRegistry::forget(RuntimeOrigin::signed(1), 2),
			sp_runtime::DispatchError::BadOrigin
		);
		assert_noop!(forget(2), Error::<Test>::StillListed);
		<AssetRegistry as Door>::end_branch(2);
		HeldAssets::set(vec![2]);
		assert_noop!(forget(2), Error::<Test>::StillHeld);
		assert!(AssetRegistry::uses_feed(5));
		HeldAssets::set(Vec::new());
		assert_ok!(forget(2));
		assert!(!AssetRegistry::uses_feed(5));
		System::assert_last_event(Event::Forgotten { asset: 2 }.into());
		// Nothing is known of it any more.
		assert_ok!(list(2, 6, Listing::Margin));
	});
}

/// The bound holds over both kinds of listing, and what is forgotten makes room.
#[test]
fn no_more_assets_than_fund_and_pool_have_room_for() {
	build_and_execute(|| {
		assert_ok!(list(1, 1, Listing::Branch(1)));
		assert_ok!(list(2, 2, Listing::Margin));
		assert_ok!(list(3, 3, Listing::Branch(3)));
		assert_noop!(list(4, 4, Listing::Margin), Error::<Test>::TooManyAssets);
		// A second listing takes no room.
		assert_ok!(list(3, 3, Listing::Margin));
		<AssetRegistry as Door>::end_branch(1);
		assert_ok!(forget(1));
		assert_ok!(list(4, 4, Listing::Margin));
		assert_eq!(<AssetRegistry as Door>::capacity(), 3);
	});
}

#[test]
fn ending_the_branch_of_an_unknown_asset_changes_nothing() {
	build_and_execute(|| {
		<AssetRegistry as Door>::end_branch(2);
		assert_eq!(AssetRegistry::asset(2), None);
	});
}

mod corruption {
	use super::*;

	fn corrupt(damage: impl FnOnce()) -> String {
		new_test_ext().execute_with(|| {
			assert_ok!(list(2, 2, Listing::Branch(7)));
			AssetRegistry::do_try_state().unwrap();
			damage();
			format!("{:?}", AssetRegistry::do_try_state().unwrap_err())
		})
	}

	fn facts(feed: FeedId, branch: Option<u32>) -> RegisteredAsset {
		RegisteredAsset {
			feed,
			decimals: 8,
			branch,
			margin: false,
		}
	}

	#[test]
	fn of_a_feed_that_is_gone() {
		let error = corrupt(|| Registry::<Test>::insert(3, facts(99, None)));
		assert!(error.contains("does not exist"), "{error}");
	}

	#[test]
	fn of_a_branch_with_two_assets() {
		let error = corrupt(|| Registry::<Test>::insert(3, facts(3, Some(7))));
		assert!(error.contains("two assets"), "{error}");
	}

	#[test]
	fn of_more_assets_than_fit() {
		let error = corrupt(|| (10..13).for_each(|asset| Registry::<Test>::insert(asset, facts(3, None))));
		assert!(error.contains("more assets"), "{error}");
	}
}
