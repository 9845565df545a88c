//! Worst cases of every call and of the hook.

use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{
	assert_ok,
	traits::{fungibles::Inspect as _, fungibles::Mutate as _, EnsureOrigin, Get, Hooks, Time},
};
use frame_system::RawOrigin;
use keel_math::{div_ratio, interest, mul_ratio, value, FixedU128, Rounding};
use keel_primitives::{
	AssetId, AssetRegistry, Balance, BranchId, BranchParameters, BreakerSubject, ChainParameters,
	CircuitBreaker, FeedId, Group, IncomeSource, InsuranceFund, Level, Moment, PriceProvider, RiskParameters,
	StabilityPool, TriggerIndex, VaultId,
};

use crate::{Branch, BranchList, Branches, Call, Change, Config, Pallet, Plan, Vault, Vaults, GRACE_MS};

/// What benchmarks need and no trait here offers.
pub trait BenchmarkHelper<AccountId> {
	/// A fungible asset with 10 decimals and a minimum balance of one, never listed before, and a feed for it.
	fn create_collateral(seed: u32) -> (AssetId, FeedId);
	/// Give `who` KEEL for deposits.
	fn endow(who: &AccountId);
	/// Set the chain's time, in ms.
	fn set_time(now: Moment);
}

/// The first branch of a benchmark: far from those of a genesis.
const BRANCH: BranchId = 1_000;
/// A time for a chain that has none.
const NOW: Moment = 1_800_000_000_000;
/// A thousand whole units of a collateral with 10 decimals.
const COLLATERAL: Balance = 10_000_000_000_000;

fn percent(percent: u32) -> FixedU128 {
	FixedU128::from_rational(percent.into(), 100)
}

fn price() -> FixedU128 {
	FixedU128::from_u32(100)
}

fn parameters() -> BranchParameters {
	BranchParameters {
		liquidation_ratio: percent(150),
		liquidation_ratio_cap: percent(200),
		ramp_per_hour: percent(1),
		safety_margin: percent(10),
		target_margin: percent(5),
		liquidation_penalty: percent(10),
		pool_bonus: percent(5),
		stability_fee: percent(2),
		debt_ceiling: 10u128.pow(30),
		minimum_debt: 1_000_000,
		volatility_multiple: percent(233),
		volatility_horizon: 86_400,
		auction_start: percent(110),
		auction_cut: percent(99),
		auction_step: 20,
		auction_reserve: percent(60),
		auction_duration: 7_200,
		guarded_margin: percent(10),
		guarded_ceiling: percent(50),
		deviation_guarded: percent(5),
		deviation_reduce_only: percent(10),
		deviation_halted: percent(25),
		refused_guarded: 60_000,
		refused_reduce_only: 180_000,
		refused_halted: 1_800_000,
		liquidated_guarded: percent(5),
		liquidated_reduce_only: percent(15),
		liquidated_halted: percent(40),
		mint_limit: percent(40),
		leaving_guarded: percent(10),
		leaving_reduce_only: percent(20),
		exit_limit: percent(20),
	}
}

/// Branch number `BRANCH + seed`, listed with a price; as it is if it was listed before.
fn list_branch<T: Config>(seed: u32) -> BranchId {
	let id = BRANCH.saturating_add(seed);
	if T::Time::now() == 0 {
		T::BenchmarkHelper::set_time(NOW);
	}
	if !Branches::<T>::contains_key(id) {
		let (asset, feed) = T::BenchmarkHelper::create_collateral(seed);
		T::RiskParameters::set_branch(id, parameters());
		// A branch that was forgotten ran.
		T::Registry::end_branch(asset);
		Pallet::<T>::do_add_branch(id, asset, feed).expect("the branch can be listed");
	}
	T::Prices::set_price(branch::<T>(id).feed, price());
	id
}

fn branch<T: Config>(id: BranchId) -> Branch {
	Branches::<T>::get(id).expect("the branch is listed")
}

fn forget_branches<T: Config>() {
	BranchList::<T>::kill();
	let _ = Branches::<T>::clear(u32::MAX, None);
}

/// What `COLLATERAL` is worth over `ratio`, in base units of the synthetic.
fn debt_at<T: Config>(id: BranchId, ratio: FixedU128) -> Balance {
	value::value_of(COLLATERAL, price(), branch::<T>(id).divisor, Rounding::Down)
		.and_then(|worth| div_ratio(worth, ratio, Rounding::Down))
		.expect("small numbers")
}

/// KEEL for deposits and collateral for two vaults and more, so that no account is created or dies in a measurement.
fn endow<T: Config>(who: &T::AccountId, asset: AssetId) {
	T::BenchmarkHelper::endow(who);
	T::Assets::mint_into(asset, who, COLLATERAL * 4).expect("collateral can be minted");
}

/// A vault at `ratio`, whatever the rules say about it.
fn create_vault<T: Config>(id: BranchId, owner: &T::AccountId, ratio: FixedU128) -> VaultId {
	let mut branch = branch::<T>(id);
	endow::<T>(owner, branch.collateral);
	let debt = debt_at::<T>(id, ratio);
	let vault = Vault {
		owner: owner.clone(),
		branch: id,
		collateral: COLLATERAL,
		normalised_debt: interest::normalise_up(debt, branch.rate_index).expect("small numbers"),
		risk_added_at: 0,
		deposit: T::VaultDeposit::get(),
		minimum_debt: 1_000_000,
		exits: Default::default(),
	};
	branch.total_normalised += vault.normalised_debt;
	branch.total_collateral += vault.collateral;
	branch.held += vault.collateral;
	branch.issue(debt).expect("small numbers");
	let plan = Plan {
		old_entry: None,
		new_entry: vault.entry(branch.divisor),
		debt,
		vault,
		branch,
		deposited: COLLATERAL,
		withdrawn: 0,
		minted: debt,
		repaid: 0,
	};
	Pallet::<T>::create(&plan).expect("the vault can be created")
}

/// Branch `id` at its most expensive for new risk: guarded, and with windows that have to fade first.
fn guard<T: Config>(id: BranchId) {
	T::CircuitBreaker::raise(BreakerSubject::Branch(id), Level::Guarded);
	let before = T::Time::now().saturating_sub(1_234_567);
	Branches::<T>::mutate(id, |branch| {
		if let Some(branch) = branch {
			branch.minted.add(before, 1_000);
			branch.leaving.left(before, 1_000);
			branch.entered.add(before, 1_000);
			branch.withdrawn.add(before, 1_000);
		}
	});
}

/// A price at which the collateral of all vaults here is worth nothing, yet far above its confidence.
fn nothing() -> FixedU128 {
	FixedU128::from_inner(1_000_000)
}

/// Branch `id` with `vaults` vaults at 200 %, shut down at `locked`, its grace period over, and a fund with
/// kUSD for a `share` of all debt. At [`nothing`] the last settlement covers, and hands over the pot.
fn shut_down<T: Config>(vaults: u32, locked: FixedU128, share: FixedU128) -> (BranchId, Vec<VaultId>) {
	let id = list_branch::<T>(0);
	// All that the fund has is there for one shortfall.
	T::RiskParameters::set_chain(ChainParameters {
		treasury_cap: Balance::MAX,
		..T::RiskParameters::chain()
	});
	let donor: T::AccountId = account("donor", 0, 0);
	let ids = (0..vaults)
		.map(|seed| create_vault::<T>(id, &account("owner", seed, 0), percent(200)))
		.collect();
	let debt = branch::<T>(id).debt().expect("small numbers");
	let gift = mul_ratio(debt, share, Rounding::Down).expect("small numbers");
	T::Assets::mint_into(T::Synthetic::get(), &donor, gift).expect("the synthetic can be minted");
	T::InsuranceFund::receive(&donor, gift, IncomeSource::Donation).expect("the fund takes gifts");
	T::Prices::set_price(branch::<T>(id).feed, locked);
	Pallet::<T>::do_shut_down(id, None).expect("there is a price");
	T::BenchmarkHelper::set_time(T::Time::now().saturating_add(GRACE_MS));
	(id, ids)
}

/// An unsafe vault whose liquidation does all there is to do: the pool buys half, an auction sells the rest, the vault is
/// emptied.
pub(crate) fn create_unsafe_position<T: Config>(seed: u32) -> (Group, VaultId) {
	let id = list_branch::<T>(0);
	let owner: T::AccountId = account("owner", seed, 0);
	let vault = create_vault::<T>(id, &owner, percent(105));
	let half = debt_at::<T>(id, percent(200));
	let missing = half.saturating_sub(T::StabilityPool::capacity());
	if missing > 0 {
		T::StabilityPool::fund(missing);
	}
	(Group::Branch(id), vault)
}

/// `total` vaults of one branch, the first `unsafe_ones` of them at 105 %, the others from 200 % on, all different. Only
/// what discovery reads is there: the vaults and their triggers.
pub(crate) fn create_positions<T: Config>(total: u32, unsafe_ones: u32) -> Group {
	let id = list_branch::<T>(0);
	let divisor = branch::<T>(id).divisor;
	let owner: T::AccountId = account("owner", 0, 0);
	let (risky, safe) = (debt_at::<T>(id, percent(105)), debt_at::<T>(id, percent(200)));
	for i in 0..total {
		let debt = if i < unsafe_ones { risky } else { safe };
		let vault = Vault {
			owner: owner.clone(),
			branch: id,
			collateral: COLLATERAL,
			normalised_debt: debt - Balance::from(i),
			risk_added_at: 0,
			deposit: 0,
			minimum_debt: 0,
			exits: Default::default(),
		};
		T::Triggers::moved(Group::Branch(id), i.into(), None, vault.entry(divisor));
		Vaults::<T>::insert(VaultId::from(i), vault);
	}
	Group::Branch(id)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// A first vault beside another's, while guarded: the accounts exist, the branch's totals are not zero.
	#[benchmark]
	fn open() {
		let id = list_branch::<T>(0);
		create_vault::<T>(id, &account("other", 0, 0), percent(500));
		guard::<T>(id);
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller, branch::<T>(id).collateral);
		let debt = debt_at::<T>(id, percent(500));

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), id, COLLATERAL, debt);

		assert_eq!(Pallet::<T>::view_vaults_of(caller).len(), 1);
	}

	/// Withdraw and mint while guarded, with the trigger rising: every check, both windows, every asset account.
	#[benchmark]
	fn adjust() {
		let id = list_branch::<T>(0);
		let caller: T::AccountId = whitelisted_caller();
		let vault = create_vault::<T>(id, &caller, percent(900));
		guard::<T>(id);
		let debt = debt_at::<T>(id, percent(500));

		#[extrinsic_call]
		_(
			RawOrigin::Signed(caller),
			vault,
			Change::Decrease(COLLATERAL / 100),
			Change::Increase(debt),
		);

		assert_eq!(
			Vaults::<T>::get(vault).map(|v| v.collateral),
			Some(COLLATERAL - COLLATERAL / 100)
		);
	}

	#[benchmark]
	fn close() {
		let id = list_branch::<T>(0);
		create_vault::<T>(id, &account("other", 0, 0), percent(500));
		let caller: T::AccountId = whitelisted_caller();
		let vault = create_vault::<T>(id, &caller, percent(500));

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), vault);

		assert!(Vaults::<T>::get(vault).is_none());
		assert_eq!(
			T::Assets::balance(branch::<T>(id).collateral, &caller),
			COLLATERAL * 4
		);
	}

	#[benchmark]
	fn repay() {
		let id = list_branch::<T>(0);
		let vault = create_vault::<T>(id, &account("other", 0, 0), percent(500));
		let caller: T::AccountId = whitelisted_caller();
		create_vault::<T>(id, &caller, percent(500));
		let half = debt_at::<T>(id, percent(1_000));
		let before = Vaults::<T>::get(vault).map(|v| v.normalised_debt);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), vault, half);

		assert!(Vaults::<T>::get(vault).map(|v| v.normalised_debt) < before);
	}

	#[benchmark]
	fn top_up() {
		let id = list_branch::<T>(0);
		let vault = create_vault::<T>(id, &account("other", 0, 0), percent(500));
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller, branch::<T>(id).collateral);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), vault, COLLATERAL);

		assert_eq!(
			Vaults::<T>::get(vault).map(|v| v.collateral),
			Some(COLLATERAL * 2)
		);
	}

	/// The last branch there is room for: all others are looked at.
	#[benchmark]
	fn add_branch() -> Result<(), BenchmarkError> {
		forget_branches::<T>();
		let last = T::MaxBranches::get().saturating_sub(1);
		for seed in 0..last {
			list_branch::<T>(seed);
		}
		let origin = T::BranchOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		let (asset, feed) = T::BenchmarkHelper::create_collateral(last);
		let id = BRANCH.saturating_add(last);
		T::RiskParameters::set_branch(id, parameters());
		T::Registry::end_branch(asset);

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, id, asset, feed);

		assert_eq!(branch::<T>(id).collateral, asset);
		Ok(())
	}

	#[benchmark]
	fn shut_down() -> Result<(), BenchmarkError> {
		let id = list_branch::<T>(0);
		create_vault::<T>(id, &account("other", 0, 0), percent(200));
		let origin = T::ShutdownOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, id, None);

		assert!(branch::<T>(id).settlement.is_some());
		Ok(())
	}

	/// The last vault: the fund covers all claims and takes the pot.
	#[benchmark]
	fn settle() {
		let (id, vaults) = super::shut_down::<T>(2, nothing(), percent(100));
		Pallet::<T>::do_settle(vaults[0]).expect("it owes");
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), vaults[1]);

		let settlement = branch::<T>(id).settlement.expect("it was shut down");
		assert_eq!((settlement.claims, settlement.pot), (Some(0), 0));
	}

	/// The first one after the last debt was repaid: the fund covers a part and records the rest, then the
	/// sender is paid.
	#[benchmark]
	fn redeem() {
		let (id, vaults) = super::shut_down::<T>(2, price(), percent(25));
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller, branch::<T>(id).collateral);
		Pallet::<T>::do_settle(vaults[0]).expect("it owes");
		let debt = debt_at::<T>(id, percent(200));
		// The other one's debt is gone and its kUSD is not: the pot is short of half, and the fund has a half of that.
		Branches::<T>::mutate(id, |branch| {
			if let Some(branch) = branch {
				branch.total_normalised = 0;
			}
		});
		T::Assets::mint_into(T::Synthetic::get(), &caller, debt).expect("the synthetic can be minted");
		let pot = branch::<T>(id).settlement.map_or(0, |settlement| settlement.pot);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id, debt / 2);

		let settlement = branch::<T>(id).settlement.expect("it was shut down");
		assert!(settlement
			.claims
			.is_some_and(|claims| claims > 0 && claims < debt));
		assert!(settlement.pot > 0 && settlement.pot < pot);
		assert!(T::InsuranceFund::bad_debt() > 0);
	}

	/// What the end of a block does to a branch that was shut down: `n` vaults, the last of them as in `settle`.
	#[benchmark]
	fn settle_worst(n: Linear<1, { crate::shutdown::SETTLED_PER_BLOCK }>) {
		let (id, _) = super::shut_down::<T>(n, nothing(), percent(100));
		let before = branch::<T>(id);

		#[block]
		{
			assert_ok!(Pallet::<T>::settle_worst(id, before, n));
		}

		let settlement = branch::<T>(id).settlement.expect("it was shut down");
		assert_eq!((settlement.claims, settlement.pot), (Some(0), 0));
	}

	/// `b` branches due, each with debt, income and a ratio that moves, over a time with many bits.
	#[benchmark]
	fn on_initialize(b: Linear<0, { T::MaxBranches::get() }>) {
		forget_branches::<T>();
		if T::Time::now() == 0 {
			T::BenchmarkHelper::set_time(NOW);
		}
		let now = T::Time::now();
		let ids: Vec<_> = (0..b).map(|seed| list_branch::<T>(seed)).collect();
		for id in &ids {
			create_vault::<T>(*id, &account("owner", *id, 0), percent(500));
			Branches::<T>::mutate(id, |branch| {
				if let Some(branch) = branch {
					// Eleven of twelve bits: no time up to an hour has more.
					branch.accrued_at = now.saturating_sub(3_583_000);
					branch.ramped_at = branch.accrued_at;
					branch.ramped_ratio = percent(300);
				}
			});
		}

		#[block]
		{
			Pallet::<T>::on_initialize(1u32.into());
		}

		for id in &ids {
			assert!(branch::<T>(*id).rate_index > keel_math::RAY);
			assert_eq!(branch::<T>(*id).ramped_at, now);
		}
	}

	/// Not a call: that the position the liquidations pallet benchmarks with is what it asked for.
	#[benchmark(extra)]
	fn liquidate() {
		use keel_primitives::PositionLedger;
		let (group, position) = create_unsafe_position::<T>(0);

		#[block]
		{
			assert_ok!(<Pallet<T> as PositionLedger>::liquidate(group, position));
		}

		assert_eq!(
			Vaults::<T>::get(position).map(|vault| (vault.normalised_debt, vault.collateral)),
			Some((0, 0))
		);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
