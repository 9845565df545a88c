//! Benchmarks: every call and the hook at their most expensive.

use frame_benchmarking::v2::*;
use frame_support::{
	traits::{
		fungibles::{Create, Inspect, Mutate},
		Get, Time,
	},
	weights::{Weight, WeightMeter},
};
use frame_system::RawOrigin;
use keel_math::FixedU128;
use keel_primitives::{
	AssetId, AssetRegistry, AuctionId, Auctions as AuctionHouse, Balance, BranchId, BranchParameters, FeedId,
	IncomeSource, InsuranceFund, Lot, PriceProvider, RegisteredAsset, RiskParameters,
};

use crate::{
	types::queue_key, Auctions, Call, Claims, Config, Debt, EndQueue, FundSales, NextAuctionId, NextSales,
	Pallet,
};

const BRANCH: BranchId = 1;
const COLLATERAL: AssetId = 2;
const FEED: FeedId = 2;
/// A price at which any decimals give room between one base unit and all that is sold.
const SPOT: FixedU128 = FixedU128::from_u32(100);
const AMOUNT: Balance = 1_000_000_000_000_000_000;
const DEBT: Balance = 1_000_000;
/// Of a base unit that is a whole one: what is over is paid to the owner.
const DIVISOR: u128 = 1_000_000_000_000;
/// The most kinds of collateral the hook is measured with.
const KINDS: u32 = 10;

/// Assets and parameters an auction needs.
fn prepare<T: Config>(who: &T::AccountId)
where
	T::Assets: Create<T::AccountId>,
{
	for asset in [T::Synthetic::get(), COLLATERAL] {
		if !T::Assets::asset_exists(asset) {
			T::Assets::create(asset, who.clone(), true, 1).expect("a new asset can be created");
		}
		T::Assets::mint_into(asset, who, AMOUNT).expect("assets can be minted");
	}
	let parameters = BranchParameters {
		auction_start: FixedU128::from_rational(11, 10),
		auction_cut: FixedU128::from_rational(99, 100),
		auction_step: 20,
		auction_reserve: FixedU128::from_rational(6, 10),
		auction_duration: 7_200,
		minimum_debt: 10,
		..T::RiskParameters::branch(BRANCH).unwrap_or_default()
	};
	T::RiskParameters::set_branch(BRANCH, parameters);
}

/// A running auction of `index`'s owner.
fn start<T: Config>(index: u32) -> AuctionId
where
	T::Assets: Create<T::AccountId>,
{
	let seller: T::AccountId = account("seller", index, 0);
	prepare::<T>(&seller);
	let lot = Lot {
		branch: BRANCH,
		asset: COLLATERAL,
		feed: FEED,
		divisor: DIVISOR,
		collateral: AMOUNT,
		debt: DEBT,
		penalty: DEBT / 10,
		owner: owner::<T>(index),
	};
	Pallet::<T>::start(&seller, lot, SPOT).expect("an auction can start")
}

/// Number `index` of auctions that are over, whose settlement does all there is to do: the fund's and the
/// owner's accounts are created, the auctions' last balance dies, the fund burns the debt and pays the owner
/// what it takes beyond that.
fn expired<T: Config>(index: u32) -> AuctionId
where
	T::Assets: Create<T::AccountId>,
{
	let id = start::<T>(index);
	// What the fund takes is counted at a price that is fit.
	T::Prices::set_price(FEED, SPOT);
	let now = T::ActiveTime::now();
	Auctions::<T>::mutate(id, |auction| {
		let auction = auction.as_mut().expect("it was started");
		EndQueue::<T>::remove(queue_key(auction.active_due, id));
		auction.active_end = now;
		auction.active_due = now;
		EndQueue::<T>::insert(queue_key(now, id), ());
	});
	let payer: T::AccountId = account("seller", index, 0);
	T::InsuranceFund::receive(&payer, 1_000 * DEBT, IncomeSource::Donation).expect("the fund can receive");
	id
}

/// The fund holds `asset` of `from`'s, registered and with a calm price.
fn hold<T: Config>(from: &T::AccountId, asset: AssetId) {
	T::Prices::set_price(FEED, SPOT);
	T::Registry::insert(
		asset,
		RegisteredAsset {
			feed: FEED,
			decimals: 0,
			branch: Some(BRANCH),
			margin: false,
		},
	);
	T::InsuranceFund::take_collateral(from, asset, AMOUNT).expect("the fund can take");
}

/// The owner of the `index`th auction, who has nothing.
fn owner<T: Config>(index: u32) -> T::AccountId {
	account("owner", index, 0)
}

/// What is written in place of the return when an owner can't receive. A settlement does one or the other; measuring the
/// return to a new account and this bounds both.
fn claim_too<T: Config>(index: u32) {
	for asset in [COLLATERAL, T::Synthetic::get()] {
		Pallet::<T>::record_claim(&owner::<T>(index), asset, 1).expect("a claim can be recorded");
	}
}

#[benchmarks(where T::Assets: Create<T::AccountId>)]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn take() {
		let buyer: T::AccountId = whitelisted_caller();
		// The last purchase: debt and penalty are raised, the buyer's and the owner's accounts are created.
		let id = start::<T>(0);
		T::Assets::mint_into(T::Synthetic::get(), &buyer, AMOUNT).expect("kUSD can be minted");

		#[block]
		{
			let origin = RawOrigin::Signed(buyer.clone()).into();
			Pallet::<T>::take(origin, id, Balance::MAX, FixedU128::from_inner(u128::MAX))
				.expect("it is open");
			claim_too::<T>(0);
		}

		assert!(!Auctions::<T>::contains_key(id));
		assert_eq!(Debt::<T>::get(), 0);
		assert!(T::Assets::balance(COLLATERAL, &buyer) > 0);
		assert!(T::Assets::balance(COLLATERAL, &owner::<T>(0)) > 0);
		assert!(T::Assets::balance(T::Synthetic::get(), &owner::<T>(0)) > 0);
	}

	#[benchmark]
	fn settle() {
		let caller: T::AccountId = whitelisted_caller();
		let id = expired::<T>(0);
		assert_eq!(T::Assets::balance(COLLATERAL, &owner::<T>(0)), 0);

		#[block]
		{
			Pallet::<T>::settle(RawOrigin::Signed(caller).into(), id).expect("it is over");
			claim_too::<T>(0);
		}

		assert!(!Auctions::<T>::contains_key(id));
		assert!(T::Assets::balance(COLLATERAL, &owner::<T>(0)) > 0);
		assert!(T::InsuranceFund::collateral(COLLATERAL) > 0);
		assert!(T::Assets::balance(T::Synthetic::get(), &owner::<T>(0)) > 0);
		assert_eq!(Claims::<T>::get(owner::<T>(0), COLLATERAL), 1);
	}

	#[benchmark]
	fn sell_fund_collateral() {
		let caller: T::AccountId = whitelisted_caller();
		prepare::<T>(&caller);
		hold::<T>(&caller, COLLATERAL);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), COLLATERAL);

		assert!(FundSales::<T>::contains_key(COLLATERAL));
	}

	#[benchmark]
	fn sell_due(n: Linear<0, KINDS>) {
		let caller: T::AccountId = whitelisted_caller();
		prepare::<T>(&caller);
		for index in 0..n {
			let asset = 1_000_000 + index;
			T::Assets::create(asset, caller.clone(), true, 1).expect("a new asset can be created");
			T::Assets::mint_into(asset, &caller, AMOUNT).expect("assets can be minted");
			hold::<T>(&caller, asset);
		}
		let mut meter = WeightMeter::with_limit(Weight::MAX);

		let started;
		#[block]
		{
			started = Pallet::<T>::sell_due(&mut meter);
		}

		assert_eq!(started, n);
		assert!(NextSales::<T>::get() > T::ActiveTime::now());
	}

	#[benchmark]
	fn claim() {
		let owner: T::AccountId = whitelisted_caller();
		prepare::<T>(&owner);
		T::Assets::mint_into(COLLATERAL, &Pallet::<T>::account(), AMOUNT).expect("assets can be minted");
		Claims::<T>::insert(&owner, COLLATERAL, AMOUNT);

		#[extrinsic_call]
		_(RawOrigin::Signed(owner.clone()), COLLATERAL);

		assert_eq!(T::Assets::balance(COLLATERAL, &owner), 2 * AMOUNT);
	}

	#[benchmark]
	fn settle_due(n: Linear<0, 10>) {
		let n = n.min(T::MaxSettlePerBlock::get());
		for index in 0..n {
			expired::<T>(index);
		}
		let started = NextAuctionId::<T>::get();
		let mut meter = WeightMeter::with_limit(Weight::MAX);

		let done;
		#[block]
		{
			done = Pallet::<T>::settle_due(&mut meter);
			for index in 0..n {
				claim_too::<T>(index);
			}
		}

		assert_eq!(done, n);
		assert!((0..started).all(|id| !Auctions::<T>::contains_key(id)));
		assert!((0..n).all(|index| T::Assets::balance(COLLATERAL, &owner::<T>(index)) > 0));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
