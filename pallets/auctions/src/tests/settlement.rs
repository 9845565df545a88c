//! What nobody bought.

use frame_support::{assert_noop, assert_ok, traits::fungibles::Mutate, weights::Weight};
use keel_primitives::Auctions as _;
use sp_runtime::{DispatchError, FixedU128};

use crate::{mock::*, Auctions as Running, EndQueue, Error, Event, WeightInfo, RETRY_AFTER_MS};

/// To the end of an auction of this length.
fn expire() {
	advance(61 * 20);
}

#[test]
fn the_owner_keeps_what_is_worth_more_than_the_claim_at_the_reserve() {
	ExtBuilder::default().fund(1_000 * USD).build_and_execute(|| {
		let before = supply();
		let id = start(10 * BITCOIN, 500 * USD, 40 * USD);
		expire();
		assert_ok!(settle(id));
		// 540 at 60 are nine.
		assert_eq!(gained(BTC, OWNER), BITCOIN);
		assert_eq!(Assets::balance(BTC, FUND), 9 * BITCOIN);
		// The fund pays the debt; the penalty would be its own income.
		assert_eq!(Assets::balance(KUSD, FUND), 500 * USD);
		assert_eq!(supply(), before - 500 * USD);
		assert_eq!((Auctions::debt(), BadDebt::get()), (0, 0));
		assert_eq!(
			events().last(),
			Some(&Event::Settled {
				auction: id,
				collateral: 9 * BITCOIN,
				returned: BITCOIN,
				covered: 500 * USD,
				bad_debt: 0
			})
		);
	});
}

#[test]
fn the_funds_part_is_rounded_up() {
	ExtBuilder::default().fund(USD).build_and_execute(|| {
		// A base unit at 60 USD is 0.6 base units of kUSD.
		let id = start(10 * BITCOIN, 1, 0);
		expire();
		assert_ok!(settle(id));
		assert_eq!(Assets::balance(BTC, FUND), 2);
		assert_eq!(gained(BTC, OWNER), 10 * BITCOIN - 2);
	});
}

#[test]
fn when_the_collateral_is_worth_less_all_of_it_goes() {
	ExtBuilder::default().fund(1_000 * USD).build_and_execute(|| {
		let id = start(BITCOIN, 500 * USD, 40 * USD);
		expire();
		assert_ok!(settle(id));
		assert_eq!((gained(BTC, OWNER), Assets::balance(BTC, FUND)), (0, BITCOIN));
		assert_eq!(BadDebt::get(), 0);
	});
}

/// Kind: a value read off a feed that died. What the fund takes counts at the reserve price, at the price fit
/// for leaving where that is lower, and as nothing where there is none.
#[test]
fn what_the_fund_takes_counts_at_the_least_price_there_is() {
	// One bitcoin, 500 kUSD of debt; the reserve is 60.
	for (spot, worth) in [(Some(100), 60 * USD), (Some(50), 50 * USD), (None, 0)] {
		ExtBuilder::default().fund(1_000 * USD).build_and_execute(|| {
			let id = start(BITCOIN, 500 * USD, 0);
			expire();
			Spot::set(spot.map(usd));
			assert_ok!(settle(id));
			assert_eq!(Beside::get(), worth);
		});
	}
}

#[test]
fn when_the_fund_is_poor_the_rest_is_bad_debt() {
	ExtBuilder::default().fund(120 * USD).build_and_execute(|| {
		let before = supply();
		let id = start(10 * BITCOIN, 500 * USD, 40 * USD);
		expire();
		assert_ok!(settle(id));
		assert_eq!((BadDebt::get(), Auctions::debt()), (380 * USD, 0));
		assert_eq!(supply(), before - 120 * USD);
		// It gets the collateral whatever it paid.
		assert_eq!(Assets::balance(BTC, FUND), 9 * BITCOIN);
	});
}

#[test]
fn when_the_fund_is_empty_everything_is_bad_debt() {
	ExtBuilder::default().build_and_execute(|| {
		let before = supply();
		let id = start(10 * BITCOIN, 500 * USD, 40 * USD);
		expire();
		assert_ok!(settle(id));
		assert_eq!((BadDebt::get(), supply()), (500 * USD, before));
	});
}

#[test]
fn only_the_rest_of_a_partly_sold_auction_is_settled() {
	ExtBuilder::default().fund(1_000 * USD).build_and_execute(|| {
		let id = start(10 * BITCOIN, 500 * USD, 40 * USD);
		assert_ok!(take(ALICE, id, 4 * BITCOIN, ANY));
		expire();
		assert_ok!(settle(id));
		// 100 at 60 USD, rounded up.
		assert_eq!(Assets::balance(BTC, FUND), 166_666_667);
		assert_eq!(gained(BTC, OWNER), 6 * BITCOIN - 166_666_667);
		assert_eq!(Assets::balance(KUSD, FUND), 940 * USD);
	});
}

#[test]
fn waits_for_the_end_and_happens_once() {
	ExtBuilder::default().fund(1_000 * USD).build_and_execute(|| {
		let id = start(10 * BITCOIN, 500 * USD, 40 * USD);
		assert_noop!(settle(id), Error::<Test>::NotExpired);
		assert_noop!(settle(id + 1), Error::<Test>::UnknownAuction);
		Now::set(Running::<Test>::get(id).unwrap().active_end - 1);
		assert_noop!(settle(id), Error::<Test>::NotExpired);
		idle();
		assert!(Running::<Test>::get(id).is_some());
		advance(1);
		assert_noop!(
			Auctions::settle(RuntimeOrigin::root(), id),
			DispatchError::BadOrigin
		);
		assert_ok!(settle(id));
		assert_noop!(settle(id), Error::<Test>::UnknownAuction);
		idle();
		assert_noop!(take(ALICE, id, 1, ANY), Error::<Test>::UnknownAuction);
	});
}

#[test]
fn an_owner_who_cannot_receive_does_not_hold_it_up() {
	ExtBuilder::default().fund(1_000 * USD).build_and_execute(|| {
		assert_ok!(Assets::block(RuntimeOrigin::signed(ISSUER), BTC, OWNER));
		let id = start(10 * BITCOIN, 500 * USD, 40 * USD);
		expire();
		idle();
		assert!(Running::<Test>::get(id).is_none());
		assert_eq!(Auctions::claim_of(OWNER, BTC), BITCOIN);
		assert_eq!(Assets::balance(BTC, FUND), 9 * BITCOIN);
	});
}

mod weight {
	use super::*;

	/// Keys a settlement writes that needs all there is, besides those that are free.
	fn written(blocked: bool) -> u64 {
		const NEWCOMER: AccountId = 77;
		let mut ext = new_test_ext();
		let id = ext.execute_with(|| {
			assert_ok!(Assets::mint_into(KUSD, &FUND, 120 * USD));
			if blocked {
				// An account has to be there to be blocked.
				assert_ok!(Assets::mint_into(BTC, &NEWCOMER, 1));
				assert_ok!(Assets::block(RuntimeOrigin::signed(ISSUER), BTC, NEWCOMER));
			}
			let lot = keel_primitives::Lot {
				owner: NEWCOMER,
				..lot(10 * BITCOIN, 500 * USD, 40 * USD)
			};
			let id = Auctions::start(&VAULTS, lot, usd(100)).unwrap();
			expire();
			id
		});
		ext.commit_all().unwrap();
		ext.execute_with(|| {
			assert_ok!(settle(id));
			// Burned what there was, recorded the rest, and the owner has one or the other.
			assert_eq!((Assets::balance(KUSD, FUND), BadDebt::get()), (0, 380 * USD));
			assert_eq!(Auctions::claim_of(NEWCOMER, BTC) > 0, blocked);
			assert_eq!(Assets::balance(BTC, NEWCOMER) > 1, !blocked);
			Auctions::do_try_state().unwrap();
		});
		let free = |key: &[u8]| {
			let events = frame_support::storage::storage_prefix(b"System", b"Events");
			let count = frame_support::storage::storage_prefix(b"System", b"EventCount");
			key == events || key == count
		};
		let writes = ext
			.overlayed_changes()
			.changes()
			.filter(|(key, _)| !free(key))
			.count();
		writes as u64
	}

	#[test]
	fn covers_new_accounts_dead_ones_and_a_claim() {
		use frame_support::weights::constants::RocksDbWeight;
		for blocked in [false, true] {
			let writes = written(blocked);
			assert!(writes >= 10, "{writes} are not all there is");
			// What is written was read, and so were the clock and the fund's parameters.
			let database = RocksDbWeight::get().reads_writes(writes + 2, writes);
			assert!(<() as WeightInfo>::settle().all_gte(database), "{writes} writes");
			let hook = <() as WeightInfo>::settle_due(1).saturating_sub(<() as WeightInfo>::settle_due(0));
			assert!(hook.all_gte(database), "{writes} writes");
		}
	}
}

mod idle {
	use super::*;

	#[test]
	fn settles_the_earliest_first_and_no_more_than_it_may() {
		ExtBuilder::default().fund(1_000 * USD).build_and_execute(|| {
			MaxSettlePerBlock::set(2);
			Branch::mutate(|p| p.auction_duration = 300);
			let late = start(BITCOIN, USD, 0);
			Branch::mutate(|p| p.auction_duration = 200);
			let middle = start(BITCOIN, USD, 0);
			Branch::mutate(|p| p.auction_duration = 100);
			let early = start(BITCOIN, USD, 0);
			let running = || [early, middle, late].map(|id| Running::<Test>::get(id).is_some());

			advance(100);
			crate::mock::idle();
			assert_eq!(running(), [false, true, true]);
			Branch::mutate(|p| p.auction_duration = 1);
			let last = start(BITCOIN, USD, 0);
			advance(300);
			assert_eq!(Auctions::expired(), vec![last, middle, late]);
			crate::mock::idle();
			assert_eq!(running(), [false, false, true]);
			assert!(Running::<Test>::get(last).is_none());
			crate::mock::idle();
			assert_eq!(running(), [false, false, false]);
			assert_eq!(EndQueue::<Test>::iter().count(), 0);
		});
	}

	#[test]
	fn stays_within_its_weight() {
		ExtBuilder::default().fund(1_000 * USD).build_and_execute(|| {
			let ids = [
				start(BITCOIN, USD, 0),
				start(BITCOIN, USD, 0),
				start(BITCOIN, USD, 0),
			];
			expire();
			let running = || ids.iter().filter(|id| Running::<Test>::get(id).is_some()).count();
			let (base, one) = (
				<() as WeightInfo>::settle_due(0),
				<() as WeightInfo>::settle_due(1),
			);
			let idle = |limit: Weight| {
				let mut meter = frame_support::weights::WeightMeter::with_limit(limit);
				Auctions::settle_due(&mut meter);
				assert!(meter.consumed().all_lte(limit));
				meter.consumed()
			};
			assert_eq!(idle(Weight::zero()), Weight::zero());
			assert_eq!(
				idle(base.saturating_sub(Weight::from_parts(1, 0))),
				Weight::zero()
			);
			assert_eq!(idle(base), base);
			assert_eq!(idle(one.saturating_sub(Weight::from_parts(0, 1))), base);
			assert_eq!(running(), 3);
			assert_eq!(idle(one), one);
			assert_eq!(running(), 2);
			assert_eq!(idle(Weight::MAX), <() as WeightInfo>::settle_due(2));
			assert_eq!(running(), 0);
			assert_eq!(idle(Weight::MAX), base);
		});
	}

	#[test]
	fn puts_off_what_fails_and_goes_on_with_the_next() {
		ExtBuilder::default().fund(1_000 * USD).build_and_execute(|| {
			MaxSettlePerBlock::set(1);
			let stuck = start(10 * BITCOIN, 500 * USD, 40 * USD);
			let lot = keel_primitives::Lot {
				asset: ETH,
				feed: 3,
				divisor: 10u128.pow(30),
				..lot(1_000_000, USD, 0)
			};
			let fine = Auctions::start(&VAULTS, lot, usd(100)).unwrap();
			assert_ok!(Assets::freeze_asset(RuntimeOrigin::signed(ISSUER), BTC));
			expire();
			let run = crate::mock::idle;
			run();
			let due = Now::get() + RETRY_AFTER_MS;
			assert!(matches!(
				events().last(),
				Some(Event::SettlementPostponed { auction, retry_in: RETRY_AFTER_MS, .. }) if *auction == stuck
			));
			assert_eq!(Running::<Test>::get(stuck).unwrap().active_due, due);
			Auctions::do_try_state().unwrap();
			run();
			assert!(Running::<Test>::get(fine).is_none());
			run();
			assert!(Running::<Test>::get(stuck).is_some());
			// It is still over, and nobody can buy.
			assert_noop!(take(ALICE, stuck, BITCOIN, ANY), Error::<Test>::AuctionExpired);

			assert_ok!(Assets::thaw_asset(RuntimeOrigin::signed(ISSUER), BTC));
			run();
			assert!(Running::<Test>::get(stuck).is_some());
			advance(RETRY_AFTER_MS / 1000);
			run();
			assert!(Running::<Test>::get(stuck).is_none());
			assert_eq!(Auctions::debt(), 0);
		});
	}

	#[test]
	fn anybody_may_settle_what_was_put_off() {
		ExtBuilder::default().fund(1_000 * USD).build_and_execute(|| {
			let id = start(10 * BITCOIN, 500 * USD, 40 * USD);
			expire();
			FundBroken::set(true);
			assert_noop!(settle(id), DispatchError::Other("fund broken"));
			crate::mock::idle();
			assert!(Running::<Test>::get(id).is_some());
			assert_eq!(Auctions::debt(), 500 * USD);
			FundBroken::set(false);
			assert_ok!(settle(id));
			assert_eq!(EndQueue::<Test>::iter().count(), 0);
		});
	}
}

#[test]
fn a_curve_that_never_reaches_the_reserve_is_settled_after_the_duration() {
	ExtBuilder::default()
		.fund(1_000 * USD)
		.parameters(|p| p.auction_cut = FixedU128::from_u32(1))
		.build_and_execute(|| {
			let id = start(10 * BITCOIN, 500 * USD, 40 * USD);
			advance(7_200);
			assert_noop!(take(ALICE, id, BITCOIN, ANY), Error::<Test>::AuctionExpired);
			idle();
			assert!(Running::<Test>::get(id).is_none());
		});
}
