//! What the insurance fund holds, what it may do with it, and how it gets rid of it: whatever it holds has a
//! price, is sold by rule, and pays bad debt down.

mod common;

use common::*;
use frame_support::{
	assert_noop, assert_ok,
	traits::{fungibles::Mutate as _, Contains, Get},
};
use keel_primitives::{
	AssetRegistry as _, AuctionId, BreakerSubject, CircuitBreaker as _, InsuranceFund as FundDoor, Level,
	PriceFor, PriceProvider,
};
use keel_runtime::{
	adapters::{FeedsInUse, ProtocolAccounts},
	governance::pallet_origins::Origin,
	AccountId, AssetRegistry, Assets, Auctions, Balance, CircuitBreaker, InsuranceFund, Margin, Moment,
	Prices, Runtime, RuntimeCall, RuntimeOrigin, StabilityPool, Vaults,
};
use pallet_auctions::{Auctions as Running, FundSales, Kind};
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::FixedU128;

const USDC: u32 = 5;
const ONE_BTC: Balance = 100_000_000;
const ONE_DOT: Balance = 10_000_000_000;
const DAY: Moment = 86_400_000;

fn prices() -> Vec<(u32, f64)> {
	vec![
		(1, 1.0),
		(BTC, 60_000.0),
		(ETH, 3_000.0),
		(DOT, 6.0),
		(USDC, 1.0),
		(6, 150.0),
	]
}

fn with(feed: u32, price: f64) -> Vec<(u32, f64)> {
	let mut all = prices();
	all.iter_mut().find(|(f, _)| *f == feed).unwrap().1 = price;
	all
}

/// A chain with ten calm minutes behind it.
fn calm() -> (Chain, Moment) {
	let mut chain = Chain::new();
	let mut now = BEGIN;
	for _ in 0..20 {
		now += 30_000;
		chain.fed_block(now, &prices());
	}
	(chain, now)
}

/// The fund takes collateral, beside no shortfall.
fn give_fund(from: Sr25519Keyring, asset: u32, amount: Balance) {
	assert_ok!(<InsuranceFund as FundDoor<AccountId>>::take_collateral(
		&who(from),
		asset,
		amount
	));
}

fn held(asset: u32) -> Balance {
	InsuranceFund::collateral_held(asset)
}

fn sale(asset: u32) -> Option<AuctionId> {
	FundSales::<Runtime>::get(asset)
}

fn sell(asset: u32) -> frame_support::dispatch::DispatchResult {
	call(
		Ferdie,
		pallet_auctions::Call::<Runtime>::sell_fund_collateral { asset },
	)
}

fn open(key: Sr25519Keyring, branch: u32, collateral: Balance, debt: Balance) {
	assert_ok!(call(
		key,
		pallet_vaults::Call::<Runtime>::open {
			branch,
			collateral,
			debt,
		}
	));
}

/// Bidders who know what the fund's collateral is worth, and buy it where it costs no more; nobody else's.
fn bid(key: Sr25519Keyring) -> Balance {
	let mut paid = 0;
	let sales: Vec<(AuctionId, u32)> = Running::<Runtime>::iter()
		.filter(|(_, auction)| auction.kind == Kind::FundSale)
		.map(|(id, auction)| (id, auction.feed))
		.collect();
	for (id, feed) in sales {
		let Ok(spot) = <Prices as PriceProvider>::price(feed, PriceFor::Liquidate) else {
			continue;
		};
		let Ok(quote) = Auctions::quote_take(id, Balance::MAX) else {
			continue;
		};
		if quote.price <= spot.value && quote.paid <= balance(KUSD, key) {
			paid += quote.paid;
			assert_ok!(call(
				key,
				pallet_auctions::Call::<Runtime>::take {
					auction: id,
					max_collateral: Balance::MAX,
					max_price: spot.value,
				}
			));
		}
	}
	paid
}

/// The kind: collateral that no auction ever sold has no price on record. 30,000 USDC bought from a margin
/// account were frozen for good; the fund sells them like everything else, and anybody may start the sale.
#[test]
fn collateral_bought_from_a_margin_account_is_saleable() {
	let (mut chain, now) = calm();
	let amount = 30_000_000_000;
	chain.state(|| give_fund(Eve, USDC, amount));
	chain.block(now + 6_000, || {
		feed_all(&prices());
		assert_ok!(sell(USDC));
	});
	let id = chain.state(|| sale(USDC)).expect("it is for sale");
	chain.state(|| {
		let auction = Running::<Runtime>::get(id).unwrap();
		assert_eq!(
			(auction.collateral, auction.branch, auction.feed),
			(amount, None, USDC)
		);
		assert_eq!(held(USDC), 0);
	});
	chain.block(now + 12_000, || {
		feed_all(&prices());
		open(Bob, BTC, 2 * ONE_BTC, kusd(40_000));
		assert_ok!(call(
			Bob,
			pallet_auctions::Call::<Runtime>::take {
				auction: id,
				max_collateral: amount,
				max_price: usd(1.1),
			}
		));
	});
	let totals = chain.state(InsuranceFund::balances);
	assert_eq!(totals.shared + totals.treasury, kusd(33_000));
}

/// The kind: the same fact in two places. The number of a branch that was shut down named its parameters and
/// its breaker, past the halted branch that had taken its place.
#[test]
fn a_halted_branch_holds_the_sale_of_its_collateral() {
	let (mut chain, mut now) = calm();
	chain.state(|| {
		assert_ok!(pallet_risk_parameters::Pallet::<Runtime>::add_branch(
			RuntimeOrigin::root(),
			9,
			Box::new(pallet_risk_parameters::limits::new_branch()),
			Default::default(),
		));
		assert_ok!(Vaults::shut_down(RuntimeOrigin::root(), BTC, None));
		assert_ok!(Vaults::add_branch(RuntimeOrigin::root(), 9, BTC, BTC));
		give_fund(Eve, BTC, ONE_BTC);
		assert_ok!(CircuitBreaker::set_level(
			RuntimeOrigin::root(),
			BreakerSubject::Branch(9),
			Level::Halted
		));
	});
	for _ in 0..6 {
		now += 30_000;
		chain.block(now, || {
			feed_all(&prices());
			assert_noop!(sell(BTC), pallet_circuit_breaker::Error::<Runtime>::SubjectHalted);
		});
		assert_eq!(chain.state(|| sale(BTC)), None, "nor does the block sell it");
	}
	chain.state(|| {
		assert_eq!(AssetRegistry::asset(BTC).unwrap().branch, Some(9));
		assert_ok!(CircuitBreaker::set_level(
			RuntimeOrigin::root(),
			BreakerSubject::Branch(9),
			Level::Normal
		));
	});
	for _ in 0..3 {
		now += 30_000;
		chain.fed_block(now, &prices());
	}
	assert!(chain.state(|| sale(BTC)).is_some());
}

/// The kind: what somebody holds counts as not in use. After a shutdown the feed was removed and its number
/// given to something worth nothing: 24,893 units worth 21,657 kUSD were sold for 0.27.
#[test]
fn the_feed_of_what_is_held_stays_and_no_number_is_given_twice() {
	let (mut chain, now) = calm();
	let remove = |feed| as_root(pallet_prices::Call::<Runtime>::remove_feed { feed });
	let forget = |asset| as_root(pallet_asset_registry::Call::<Runtime>::forget { asset });
	chain.state(|| {
		// An asset that only a branch lists: feed 77, at 0.87.
		let root = RuntimeOrigin::root;
		assert_ok!(Assets::force_create(root(), 77, who(Eve).into(), true, 1));
		assert_ok!(Assets::force_set_metadata(
			root(),
			77,
			b"Thin".to_vec(),
			b"THIN".to_vec(),
			6,
			false
		));
		Assets::mint_into(77, &who(Eve), 100_000_000_000).unwrap();
		assert_ok!(Prices::add_feed(
			root(),
			77,
			b"THIN".to_vec().try_into().unwrap(),
			FixedU128::from_u32(1),
		));
		assert_ok!(pallet_risk_parameters::Pallet::<Runtime>::add_branch(
			root(),
			77,
			Box::new(pallet_risk_parameters::limits::new_branch()),
			Default::default(),
		));
		assert_ok!(Vaults::add_branch(root(), 77, 77, 77));
	});
	let thin: Vec<(u32, f64)> = prices().into_iter().chain([(77, 0.87)]).collect();
	let mut time = now;
	for _ in 0..12 {
		time += 30_000;
		chain.fed_block(time, &thin);
	}
	chain.state(|| {
		give_fund(Eve, 77, 24_893_000_000);
		// Its owner can't destroy what the protocol holds, and clear the way for another asset of that
		// number.
		assert_noop!(
			call(Eve, pallet_assets::Call::<Runtime>::start_destroy { id: 77 }),
			frame_system::Error::<Runtime>::CallFiltered
		);
		assert_ok!(Vaults::shut_down(RuntimeOrigin::root(), 77, None));
		assert!(FeedsInUse::contains(&77));
		assert_noop!(remove(77), pallet_prices::Error::<Runtime>::FeedInUse);
		assert_noop!(forget(77), pallet_asset_registry::Error::<Runtime>::StillHeld);
	});
	// Sold at what it is worth, by rule.
	let mut paid = 0;
	for step in 0..60 {
		time += 20_000;
		chain.block(time, || {
			feed_all(&thin);
			if step == 0 {
				open(Bob, BTC, 2 * ONE_BTC, kusd(40_000));
			}
			paid += bid(Bob);
		});
	}
	assert!(
		(kusd(20_500)..=kusd(21_657)).contains(&paid),
		"21,657 kUSD worth were sold for {paid}"
	);
	chain.state(|| {
		assert_eq!(held(77), 0);
		assert_noop!(remove(77), pallet_prices::Error::<Runtime>::FeedInUse);
		assert_ok!(forget(77));
		assert_ok!(remove(77));
		// Neither number is given to anything else.
		assert_noop!(
			Prices::add_feed(
				RuntimeOrigin::root(),
				77,
				b"JUNK".to_vec().try_into().unwrap(),
				FixedU128::from_u32(1),
			),
			pallet_prices::Error::<Runtime>::FeedExists
		);
		assert_noop!(
			Vaults::add_branch(RuntimeOrigin::root(), 77, 77, BTC),
			pallet_vaults::Error::<Runtime>::BranchExists
		);
	});
}

/// An asset is priced by one feed, whoever lists it.
#[test]
fn a_second_listing_needs_the_same_feed() {
	let (mut chain, _) = calm();
	chain.state(|| {
		assert_ok!(pallet_risk_parameters::Pallet::<Runtime>::add_branch(
			RuntimeOrigin::root(),
			USDC,
			Box::new(pallet_risk_parameters::limits::new_branch()),
			Default::default(),
		));
		assert_noop!(
			Vaults::add_branch(RuntimeOrigin::root(), USDC, USDC, BTC),
			pallet_asset_registry::Error::<Runtime>::FeedDiffers
		);
		assert_ok!(Vaults::add_branch(RuntimeOrigin::root(), USDC, USDC, USDC));
		let facts = AssetRegistry::asset(USDC).unwrap();
		assert!(facts.margin && facts.branch == Some(USDC));
	});
}

/// The kind: a bound on what ever was, beside lists that go on growing. More kinds than there can be branches
/// are held at once, and the fund and the pool take them all.
#[test]
fn every_kind_that_can_be_listed_can_be_held() {
	let (mut chain, _) = calm();
	let most = <<Runtime as pallet_asset_registry::Config>::MaxAssets as Get<u32>>::get();
	assert!(most >= 32, "as many as branches and margin accounts may list");
	chain.state(|| {
		let registered = AssetRegistry::assets().len() as u32;
		for asset in 200..200 + most - registered {
			assert_ok!(Assets::force_create(
				RuntimeOrigin::root(),
				asset,
				who(Eve).into(),
				true,
				1
			));
			Assets::mint_into(asset, &who(Eve), 1_000).unwrap();
			assert_ok!(AssetRegistry::list(
				asset,
				BTC,
				0,
				keel_primitives::Listing::Margin
			));
		}
		assert_noop!(
			AssetRegistry::list(999, BTC, 0, keel_primitives::Listing::Margin),
			pallet_asset_registry::Error::<Runtime>::TooManyAssets
		);
		// The seventeenth and all the others.
		for (asset, _) in AssetRegistry::assets() {
			give_fund(Eve, asset, 1_000);
		}
		assert_eq!(
			<InsuranceFund as FundDoor<AccountId>>::collaterals().len() as u32,
			most
		);
		let pool = <<Runtime as pallet_stability_pool::Config>::MaxCollaterals as Get<u32>>::get();
		assert!(pool >= most);
	});
}

/// Money is never sent to an account nobody owns.
#[test]
fn nobody_pays_to_an_account_of_the_protocol() {
	let (mut chain, _) = calm();
	chain.state(|| {
		let own = [
			InsuranceFund::account(),
			Auctions::account(),
			StabilityPool::account_id(),
			Margin::custody_account(),
			Vaults::branch_account(BTC),
			Vaults::branch_account(9),
		];
		for to in own {
			assert!(ProtocolAccounts::contains(&to));
			assert_noop!(
				as_referendum(
					Origin::Treasurer,
					pallet_insurance_fund::Call::<Runtime>::spend {
						to: to.clone(),
						amount: 1,
					}
				),
				pallet_insurance_fund::Error::<Runtime>::ProtocolAccount
			);
			let filtered = || frame_system::Error::<Runtime>::CallFiltered;
			assert_noop!(
				as_referendum(
					Origin::Treasurer,
					pallet_treasury::Call::<Runtime>::spend_local {
						amount: 1,
						beneficiary: to.clone().into(),
					}
				),
				filtered()
			);
			assert_noop!(
				as_referendum(
					Origin::Treasurer,
					pallet_treasury::Call::<Runtime>::spend {
						asset_kind: Box::new(()),
						amount: 1,
						beneficiary: Box::new(to.clone()),
						valid_from: None,
					}
				),
				filtered()
			);
			assert_noop!(
				call(
					Eve,
					RuntimeCall::Assets(pallet_assets::Call::transfer {
						id: BTC,
						target: to.into(),
						amount: 1,
					})
				),
				filtered()
			);
		}
	});
}

/// A pot that nobody redeems is sold after 30 days, and the kUSD that stays in circulation is on the fund's
/// books: the supply identity holds to the unit in every block.
#[test]
fn a_pot_that_nobody_redeems_is_sold_and_the_hole_recorded() {
	let (mut chain, mut now) = calm();
	now += 6_000;
	chain.block(now, || {
		feed_all(&prices());
		open(Alice, DOT, 100_000 * ONE_DOT, kusd(100_000));
		open(Bob, BTC, 5 * ONE_BTC, kusd(100_000));
	});
	now += 6_000;
	chain.block(now, || {
		feed_all(&prices());
		assert_ok!(Vaults::shut_down(RuntimeOrigin::root(), DOT, None));
	});
	// The grace period, and then the settlement.
	for _ in 0..64 {
		now += 60_000;
		chain.fed_block(now, &with(DOT, 4.0));
	}
	let view = chain.state(|| Vaults::shutdown(DOT)).unwrap();
	let (pot, claims) = (view.pot, view.claims.expect("it is settled"));
	assert!(pot > 0 && claims >= kusd(100_000));
	// A month later, as if blocks had been made in it, at two thirds of the price that was locked.
	now += 30 * DAY;
	chain.fed_block(now, &with(DOT, 4.0));
	chain.state(|| pallet_clock::Last::<Runtime>::mutate(|last| last.active += 30 * DAY - 60_000));
	for _ in 0..20 {
		now += 30_000;
		chain.fed_block(now, &with(DOT, 4.0));
	}
	let bad_debt = chain.state(|| {
		assert!(!pallet_vaults::BranchList::<Runtime>::get().contains(&DOT));
		assert_eq!(Vaults::shutdown(DOT).unwrap().claims, Some(0));
		fund_bad_debt()
	});
	assert!(
		bad_debt > kusd(90_000),
		"what was not redeemed is on record: {bad_debt}"
	);
	// And pays it down.
	let mut paid = 0;
	for _ in 0..120 {
		now += 20_000;
		chain.block(now, || {
			feed_all(&with(DOT, 4.0));
			paid += bid(Bob);
		});
	}
	let left = chain.state(|| (held(DOT), fund_bad_debt()));
	assert_eq!(left.0, 0, "all of the pot is sold");
	// And so did the stability fees of these minutes.
	assert!(
		left.1 <= bad_debt - paid && left.1 + kusd(100) >= bad_debt - paid,
		"{bad_debt} less {paid} is {}",
		left.1
	);
	// 16,667 DOT worth 66,667 kUSD; the first sale had fallen for minutes before anybody bid.
	assert!(paid > kusd(50_000), "{paid}");
}

/// A thin collateral falls by four fifths within ten minutes and comes half back within the hour. Nobody bids
/// in the fall, so the fund takes collateral and records bad debt; nobody calls anything afterwards either.
#[test]
fn after_a_wick_the_bad_debt_is_paid_down_by_rule() {
	let (mut chain, mut now) = calm();
	now += 6_000;
	chain.block(now, || {
		feed_all(&prices());
		for key in [Alice, Charlie, Dave] {
			open(key, DOT, 20_000 * ONE_DOT, kusd(50_000));
		}
		open(Bob, BTC, 20 * ONE_BTC, kusd(300_000));
	});
	chain.try_state = false;
	// Ten minutes down, ten at the bottom, half an hour up to the half.
	let path = |minute: f64| match minute {
		m if m < 10.0 => 6.0 - 4.8 * m / 10.0,
		m if m < 20.0 => 1.2,
		m if m < 50.0 => 1.2 + 1.8 * (m - 20.0) / 30.0,
		_ => 3.0,
	};
	let start = now;
	let (mut worst, mut held_most) = (0, 0);
	let mut paid = 0;
	let mut drawn_level = Level::Normal;
	let mut seen = Vec::new();
	// Four hours in all.
	while now < start + 4 * 3_600_000 {
		now += 20_000;
		let minute = (now - start) as f64 / 60_000.0;
		chain.block(now, || {
			feed_all(&with(DOT, path(minute)));
			// Bidders are back when the price stands still again.
			if minute >= 50.0 {
				paid += bid(Bob);
			}
		});
		chain.state(|| {
			worst = worst.max(fund_bad_debt());
			held_most = held_most.max(held(DOT));
			drawn_level = drawn_level.max(CircuitBreaker::level(BreakerSubject::Chain));
			if ((minute * 3.0) as u64).is_multiple_of(30) {
				seen.push((minute as u64, fund_bad_debt() / 1_000_000, held(DOT) / ONE_DOT));
			}
		});
	}
	chain.state(check_state);
	let (bad_debt, left, on_sale, books) = chain.state(|| {
		(
			fund_bad_debt(),
			held(DOT),
			sale(DOT).is_some(),
			InsuranceFund::balances(),
		)
	});
	println!(
		"wick: worst bad debt {} kUSD, most held {} DOT, paid for it {} kUSD, bad debt at the end {} kUSD, fund {:?}, chain at most \
		 {drawn_level:?}; (minute, bad debt, held): {seen:?}",
		worst / 1_000_000,
		held_most / ONE_DOT,
		paid / 1_000_000,
		bad_debt / 1_000_000,
		books
	);
	assert!(worst > kusd(30_000), "the wick left bad debt: {worst}");
	assert!(held_most > 10_000 * ONE_DOT, "and collateral: {held_most}");
	assert!(!on_sale && left == 0, "all of it was sold: {left} are left");
	// What it brought paid bad debt down, and nothing else did.
	assert_eq!(bad_debt, worst.saturating_sub(paid));
	// At three dollars it was worth more than the debt it stood for.
	assert_eq!(bad_debt, 0);
	assert!(books.shared > 0);
}
