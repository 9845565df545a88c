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
	AssetId, AuctionId, Auctions as AuctionHouse, Balance, BranchId, BranchParameters, FeedId, IncomeSource,
	InsuranceFund, Lot, PriceProvider, RiskParameters,
};

use crate::{
	types::queue_key, Auctions, Call, Claims, Config, Debt, EndQueue, Feeds, FundSales, NextAuctionId, Pallet,
};

const BRANCH: BranchId = 1;
const COLLATERAL: AssetId = 2;
const FEED: FeedId = 2;
/// A price at which any decimals give room between one base unit and all that is sold.
const SPOT: FixedU128 = FixedU128::from_u32(100);
const AMOUNT: Balance = 1_000_000_000_000_000_000;
const DEBT: Balance = 1_000_000;

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
		collateral: AMOUNT,
		debt: DEBT,
		penalty: DEBT / 10,
		owner: account("owner", index, 0),
	};
	Pallet::<T>::start(&seller, lot, SPOT).expect("an auction can start")
}

/// An auction that is over.
fn expired<T: Config>(index: u32) -> AuctionId
where
	T::Assets: Create<T::AccountId>,
{
	let id = start::<T>(index);
	let now = T::Time::now();
	Auctions::<T>::mutate(id, |auction| {
		let auction = auction.as_mut().expect("it was started");
		EndQueue::<T>::remove(queue_key(auction.due, id));
		auction.ends_at = now;
		auction.due = now;
		EndQueue::<T>::insert(queue_key(now, id), ());
	});
	// The fund can pay, and has to burn.
	T::InsuranceFund::mint(DEBT, IncomeSource::StabilityFee).expect("the fund can receive");
	id
}

#[benchmarks(where T::Assets: Create<T::AccountId>)]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn take() {
		let buyer: T::AccountId = whitelisted_caller();
		// The last purchase: debt and penalty are raised and the owner gets the rest.
		let id = start::<T>(0);
		prepare::<T>(&buyer);

		#[extrinsic_call]
		_(
			RawOrigin::Signed(buyer),
			id,
			Balance::MAX,
			FixedU128::from_inner(u128::MAX),
		);

		assert!(!Auctions::<T>::contains_key(id));
		assert_eq!(Debt::<T>::get(), 0);
	}

	#[benchmark]
	fn settle() {
		let caller: T::AccountId = whitelisted_caller();
		let id = expired::<T>(0);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id);

		assert!(!Auctions::<T>::contains_key(id));
	}

	#[benchmark]
	fn sell_fund_collateral() {
		let caller: T::AccountId = whitelisted_caller();
		prepare::<T>(&caller);
		T::InsuranceFund::take_collateral(&caller, COLLATERAL, AMOUNT).expect("the fund can take");
		T::Prices::set_price(FEED, SPOT);
		Feeds::<T>::insert(BRANCH, COLLATERAL, FEED);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), BRANCH, COLLATERAL, AMOUNT);

		assert!(FundSales::<T>::contains_key(COLLATERAL));
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
		}

		assert_eq!(done, n);
		assert!((0..started).all(|id| !Auctions::<T>::contains_key(id)));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
