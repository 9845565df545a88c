//! What the calls and the hook do.

use frame_support::{
	ensure,
	storage::with_storage_layer,
	traits::{
		fungible::MutateHold as _,
		fungibles::{metadata::Inspect as _, Inspect as _, Mutate as _},
		tokens::{DepositConsequence, Fortitude, Precision, Preservation, Provenance},
		Get, Time,
	},
	weights::Weight,
};
use keel_math::{interest, value, FixedU128};
use keel_primitives::{
	AssetId, AssetRegistry, Balance, BranchId, BranchParameters, Entry, FeedId, Group, IncomeSource,
	InsuranceFund, Listing, Moment, PriceProvider, RiskParameters, TriggerIndex, VaultId,
};
use sp_runtime::{traits::AccountIdConversion, DispatchError, DispatchResult};

use crate::{
	overflow, Branch, BranchList, Branches, Change, Config, Error, Event, HoldReason, NextVaultId,
	OwnerVaults, Pallet, PastIssued, Plan, Redemption, Vault, Vaults, WeightInfo,
};

impl<T: Config> Event<T> {
	pub(crate) fn opened(vault: VaultId, plan: Plan<T::AccountId>) -> Self {
		Self::VaultOpened {
			vault,
			owner: plan.vault.owner,
			branch: plan.vault.branch,
			collateral: plan.vault.collateral,
			debt: plan.debt,
		}
	}

	pub(crate) fn adjusted(vault: VaultId, plan: Plan<T::AccountId>) -> Self {
		Self::VaultAdjusted {
			vault,
			deposited: plan.deposited,
			withdrawn: plan.withdrawn,
			minted: plan.minted,
			repaid: plan.repaid,
			collateral: plan.vault.collateral,
			debt: plan.debt,
		}
	}

	pub(crate) fn closed(vault: VaultId, plan: Plan<T::AccountId>) -> Self {
		Self::VaultClosed {
			vault,
			owner: plan.vault.owner,
			collateral: plan.withdrawn,
			repaid: plan.repaid,
			deposit: plan.vault.deposit,
		}
	}

	pub(crate) fn added(branch: BranchId, collateral: AssetId, feed: FeedId) -> Self {
		Self::BranchAdded {
			branch,
			collateral,
			feed,
		}
	}

	pub(crate) fn redeemed(branch: BranchId, who: T::AccountId, share: Redemption) -> Self {
		Self::Redeemed {
			branch,
			who,
			burned: share.burned,
			collateral: share.collateral,
		}
	}

	pub(crate) fn repaid(vault: VaultId, by: T::AccountId, plan: Plan<T::AccountId>) -> Self {
		Self::DebtRepaid {
			vault,
			by,
			amount: plan.repaid,
			debt: plan.debt,
		}
	}

	pub(crate) fn topped_up(vault: VaultId, by: T::AccountId, plan: Plan<T::AccountId>) -> Self {
		Self::CollateralAdded {
			vault,
			by,
			amount: plan.deposited,
			collateral: plan.vault.collateral,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The account that holds the collateral of `branch`.
	pub fn branch_account(branch: BranchId) -> T::AccountId {
		T::PalletId::get().into_sub_account_truncating(branch)
	}

	/// kUSD in existence because of branches, those that are over included, in base units. Saturates far
	/// beyond any supply.
	pub fn issued() -> i128 {
		BranchList::<T>::get()
			.into_iter()
			.filter_map(Branches::<T>::get)
			.fold(PastIssued::<T>::get(), |sum, branch| {
				sum.saturating_add(branch.issued)
			})
	}

	pub(crate) fn branch_of(branch: BranchId) -> Result<Branch, DispatchError> {
		Branches::<T>::get(branch).ok_or_else(|| Error::<T>::UnknownBranch.into())
	}

	/// `branch`, unless it was shut down.
	pub(crate) fn running(branch: BranchId) -> Result<Branch, DispatchError> {
		let branch = Self::branch_of(branch)?;
		ensure!(branch.settlement.is_none(), Error::<T>::BranchShutDown);
		Ok(branch)
	}

	pub(crate) fn vault_of(vault: VaultId) -> Result<Vault<T::AccountId>, DispatchError> {
		Vaults::<T>::get(vault).ok_or_else(|| Error::<T>::UnknownVault.into())
	}

	/// Work out what a change does to `vault`, and whether it is allowed. Pure: reads parameters and prices, writes
	/// nothing.
	///
	/// Minting counts as adding risk even where enough collateral comes with it to keep the trigger: without a price nobody knows
	/// what that collateral is worth.
	pub(crate) fn plan(
		branch: &Branch,
		vault: &Vault<T::AccountId>,
		collateral: Change,
		debt: Change,
	) -> Result<Plan<T::AccountId>, DispatchError> {
		let index = branch.rate_index;
		let owed = vault.debt(index)?;
		let (deposited, withdrawn) = match collateral {
			Change::Keep => (0, 0),
			Change::Increase(amount) => (amount, 0),
			Change::Decrease(Balance::MAX) => (0, vault.collateral),
			Change::Decrease(amount) => {
				ensure!(amount <= vault.collateral, Error::<T>::CollateralExceedsVault);
				(0, amount)
			}
		};
		let (minted, repaid) = match debt {
			Change::Keep => (0, 0),
			Change::Increase(amount) => (amount, 0),
			Change::Decrease(Balance::MAX) => (0, owed),
			Change::Decrease(amount) => {
				ensure!(amount <= owed, Error::<T>::RepaymentExceedsDebt);
				(0, amount)
			}
		};

		let gained = interest::normalise_up(minted, index).ok_or_else(overflow)?;
		let relieved = Self::relieved(vault, owed, repaid, index)?;
		let moved = |total: Balance, plus: Balance, minus: Balance| {
			total
				.checked_add(plus)
				.and_then(|t| t.checked_sub(minus))
				.ok_or_else(overflow)
		};
		let mut after = vault.clone();
		after.collateral = moved(vault.collateral, deposited, withdrawn)?;
		after.normalised_debt = moved(vault.normalised_debt, gained, relieved)?;
		let now = T::Time::now();
		let mut branch_after = branch.clone();
		branch_after.total_collateral = moved(branch.total_collateral, deposited, withdrawn)?;
		branch_after.total_normalised = moved(branch.total_normalised, gained, relieved)?;
		if minted > 0 {
			branch_after.issue(minted)?;
			branch_after.minted.add(now, minted);
		}
		if repaid > 0 {
			branch_after.retire(repaid)?;
			branch_after.minted.refund(now, repaid);
		}
		let owes = after.debt(index)?;
		// Without debt nothing is backed, and no price has to be read.
		let last = if owed > 0 || owes > 0 {
			Self::last_price(branch)
		} else {
			None
		};
		if let Some(price) = last {
			let backing = branch.backing(vault.collateral, owed, price);
			branch_after.count_backing(now, backing, branch.backing(after.collateral, owes, price));
		}
		branch_after.rehold(vault, &after).ok_or_else(overflow)?;
		branch_after.count_exit(now, vault, &mut after);
		let mut plan = Plan {
			old_entry: vault.entry(branch.divisor),
			new_entry: after.entry(branch.divisor),
			debt: owes,
			vault: after,
			branch: branch_after,
			deposited,
			withdrawn,
			minted,
			repaid,
		};
		let minimum = Self::ensure_allowed(branch, &plan, last, now)?;
		plan.vault.minimum_debt = if owes > 0 { minimum } else { 0 };
		if plan.adds_risk() {
			plan.vault.risk_added_at = now;
		}
		Ok(plan)
	}

	/// The last price of the feed of `branch`, however old: what meters measure at. Without one they count nothing.
	pub(crate) fn last_price(branch: &Branch) -> Option<FixedU128> {
		T::Prices::last(branch.feed).map(|price| price.value)
	}

	/// The plan of a call that has to move something.
	pub(crate) fn plan_change(
		branch: &Branch,
		vault: &Vault<T::AccountId>,
		collateral: Change,
		debt: Change,
	) -> Result<Plan<T::AccountId>, DispatchError> {
		let plan = Self::plan(branch, vault, collateral, debt)?;
		ensure!(!plan.is_empty(), Error::<T>::NothingChanged);
		Ok(plan)
	}

	/// The plan of a new vault of `owner`.
	pub(crate) fn plan_open(
		owner: T::AccountId,
		id: BranchId,
		collateral: Balance,
		debt: Balance,
	) -> Result<Plan<T::AccountId>, DispatchError> {
		let branch = Self::branch_of(id)?;
		ensure!(debt > 0, Error::<T>::DebtBelowMinimum);
		let vault = Vault {
			owner,
			branch: id,
			collateral: 0,
			normalised_debt: 0,
			risk_added_at: 0,
			deposit: T::VaultDeposit::get(),
			minimum_debt: 0,
			exits: Default::default(),
		};
		Self::plan_change(
			&branch,
			&vault,
			Change::Increase(collateral),
			Change::Increase(debt),
		)
	}

	/// Normalised debt that repaying `amount` of `owed` takes off `vault`: all of it for all, else rounded down.
	pub(crate) fn relieved(
		vault: &Vault<T::AccountId>,
		owed: Balance,
		amount: Balance,
		index: u128,
	) -> Result<u128, DispatchError> {
		if amount == owed {
			return Ok(vault.normalised_debt);
		}
		interest::normalise_down(amount, index).ok_or_else(overflow)
	}

	/// Do what `plan` says, paid by `payer`; what goes out goes to the owner.
	fn execute(id: VaultId, plan: &Plan<T::AccountId>, payer: &T::AccountId) -> DispatchResult {
		let Plan { vault, branch, .. } = plan;
		let account = Self::branch_account(vault.branch);
		let asset = branch.collateral;
		if plan.deposited > 0 {
			T::Assets::transfer(asset, payer, &account, plan.deposited, Preservation::Expendable)?;
		}
		if plan.repaid > 0 {
			T::Assets::burn_from(
				T::Synthetic::get(),
				payer,
				plan.repaid,
				Preservation::Expendable,
				Precision::Exact,
				Fortitude::Polite,
			)?;
		}
		if plan.withdrawn > 0 {
			T::Assets::transfer(
				asset,
				&account,
				&vault.owner,
				plan.withdrawn,
				Preservation::Expendable,
			)?;
		}
		if plan.minted > 0 {
			T::Assets::mint_into(T::Synthetic::get(), &vault.owner, plan.minted)?;
		}
		Self::retrigger(vault.branch, id, plan.old_entry, plan.new_entry);
		Branches::<T>::insert(vault.branch, branch);
		Vaults::<T>::insert(id, vault);
		Ok(())
	}

	/// Tell the index of a trigger or a debt that changed.
	pub(crate) fn retrigger(branch: BranchId, id: VaultId, old: Option<Entry>, new: Option<Entry>) {
		if old != new {
			T::Triggers::moved(Group::Branch(branch), id, old, new);
		}
	}

	/// Remove a vault that has and owes nothing, and release its deposit.
	pub(crate) fn remove(id: VaultId, vault: &Vault<T::AccountId>) -> DispatchResult {
		Vaults::<T>::remove(id);
		OwnerVaults::<T>::remove(&vault.owner, id);
		// Best effort: nobody stays in debt, or unliquidated, because a deposit is short.
		T::Currency::release(
			&HoldReason::VaultDeposit.into(),
			&vault.owner,
			vault.deposit,
			Precision::BestEffort,
		)?;
		Ok(())
	}

	pub(crate) fn do_open(
		owner: T::AccountId,
		branch: BranchId,
		collateral: Balance,
		debt: Balance,
	) -> Result<(VaultId, Plan<T::AccountId>), DispatchError> {
		let plan = Self::plan_open(owner, branch, collateral, debt)?;
		let id = Self::create(&plan)?;
		Ok((id, plan))
	}

	/// Number a new vault, hold its deposit and do its plan.
	pub(crate) fn create(plan: &Plan<T::AccountId>) -> Result<VaultId, DispatchError> {
		let owner = &plan.vault.owner;
		let id = NextVaultId::<T>::get();
		NextVaultId::<T>::put(id.checked_add(1).ok_or_else(overflow)?);
		T::Currency::hold(&HoldReason::VaultDeposit.into(), owner, plan.vault.deposit)?;
		OwnerVaults::<T>::insert(owner, id, ());
		Self::execute(id, plan, owner)?;
		Ok(id)
	}

	pub(crate) fn do_adjust(
		who: &T::AccountId,
		id: VaultId,
		collateral: Change,
		debt: Change,
	) -> Result<Plan<T::AccountId>, DispatchError> {
		let vault = Self::vault_of(id)?;
		ensure!(vault.owner == *who, Error::<T>::NotOwner);
		let branch = Self::branch_of(vault.branch)?;
		let plan = Self::plan_change(&branch, &vault, collateral, debt)?;
		Self::execute(id, &plan, who)?;
		Ok(plan)
	}

	pub(crate) fn do_close(who: &T::AccountId, id: VaultId) -> Result<Plan<T::AccountId>, DispatchError> {
		let vault = Self::vault_of(id)?;
		ensure!(vault.owner == *who, Error::<T>::NotOwner);
		let branch = Self::branch_of(vault.branch)?;
		let all = Change::Decrease(Balance::MAX);
		let plan = Self::plan(&branch, &vault, all, all)?;
		Self::execute(id, &plan, who)?;
		Self::remove(id, &plan.vault)?;
		Ok(plan)
	}

	pub(crate) fn do_repay(
		by: &T::AccountId,
		id: VaultId,
		amount: Balance,
	) -> Result<Plan<T::AccountId>, DispatchError> {
		let vault = Self::vault_of(id)?;
		let branch = Self::branch_of(vault.branch)?;
		let capped = amount.min(vault.debt(branch.rate_index)?);
		let plan = Self::plan_change(&branch, &vault, Change::Keep, Change::Decrease(capped))?;
		Self::execute(id, &plan, by)?;
		Ok(plan)
	}

	pub(crate) fn do_top_up(
		by: &T::AccountId,
		id: VaultId,
		amount: Balance,
	) -> Result<Plan<T::AccountId>, DispatchError> {
		let vault = Self::vault_of(id)?;
		let branch = Self::branch_of(vault.branch)?;
		let plan = Self::plan_change(&branch, &vault, Change::Increase(amount), Change::Keep)?;
		Self::execute(id, &plan, by)?;
		Ok(plan)
	}

	pub(crate) fn do_add_branch(id: BranchId, collateral: AssetId, feed: FeedId) -> DispatchResult {
		ensure!(!Branches::<T>::contains_key(id), Error::<T>::BranchExists);
		let parameters = T::RiskParameters::branch(id)?;
		let synthetic = T::Synthetic::get();
		ensure!(collateral != synthetic, Error::<T>::CollateralIsSynthetic);
		ensure!(T::Assets::asset_exists(collateral), Error::<T>::UnknownCollateral);
		ensure!(
			T::Assets::minimum_balance(collateral) <= 1,
			Error::<T>::MinimumBalanceTooHigh
		);
		ensure!(
			Self::is_sufficient(collateral),
			Error::<T>::CollateralNotSufficient
		);
		let mut list = BranchList::<T>::get();
		let decimals = T::Assets::decimals(collateral);
		let divisor = value::price_divisor(decimals, T::Assets::decimals(synthetic))
			.ok_or(Error::<T>::TooManyDecimals)?;
		list.try_push(id).map_err(|_| Error::<T>::TooManyBranches)?;
		T::Registry::list(collateral, feed, decimals, Listing::Branch(id))?;
		BranchList::<T>::put(list);
		// So that the account can hold the asset even if it should cease to keep an account alive by itself.
		frame_system::Pallet::<T>::inc_providers(&Self::branch_account(id));
		Branches::<T>::insert(
			id,
			Branch::new(collateral, feed, divisor, &parameters, T::Time::now()),
		);
		Ok(())
	}

	/// Can an account without anything receive one base unit of `asset`? No trait asks the asset itself.
	///
	/// The account that is asked about comes from the parent's hash, so that nobody gave it anything to live on before.
	fn is_sufficient(asset: AssetId) -> bool {
		let stranger: T::AccountId =
			T::PalletId::get().into_sub_account_truncating(frame_system::Pallet::<T>::parent_hash());
		let can = T::Assets::can_deposit(asset, &stranger, 1, Provenance::Extant);
		can == DepositConsequence::Success
	}

	/// What `integrity_test` asserts of [`Config`].
	pub(crate) fn check_config() {
		assert!(T::MaxBranches::get() > 0, "no branch could be listed");
		assert!(T::AccrualPeriod::get() >= 1_000, "interest compounds per second");
		assert_ne!(
			Self::branch_account(0),
			Self::branch_account(1),
			"account ids are too short to tell branches apart"
		);
	}

	/// Visit every branch that is due. Before the block's timestamp is set the time is that of the block
	/// before, and none before the first one: a branch's clock starts with the first time there is.
	pub(crate) fn visit_all() -> Weight {
		let now = T::Time::now();
		let branches = BranchList::<T>::get();
		let visited = if now == 0 {
			0
		} else {
			// At most `MaxBranches`, a `u32`.
			branches
				.iter()
				.filter(|branch| Self::visit(**branch, now))
				.count() as u32
		};
		T::WeightInfo::on_initialize(visited)
			.saturating_add(T::DbWeight::get().reads((branches.len() as u64).saturating_add(2)))
	}

	/// Bring branch `id` up to `now` if it is due. Says whether it wrote anything. One that was shut down is never due.
	///
	/// The ramp moves for two periods at most, so that a chain that stood still does not wake up with a jump. Interest is owed
	/// for all of the time, at the fee that was in force; a new fee is charged from here on.
	pub(crate) fn visit(id: BranchId, now: Moment) -> bool {
		let Some(mut branch) = Branches::<T>::get(id) else {
			return false;
		};
		if branch.settlement.is_some() {
			return false;
		}
		if branch.ramped_at == 0 {
			branch.ramped_at = now;
			branch.accrued_at = now;
			if let Ok(parameters) = T::RiskParameters::branch(id) {
				branch.fee = parameters.stability_fee;
			}
			Branches::<T>::insert(id, branch);
			return true;
		}
		// Time does not run backwards; if it did, nothing would be due.
		let elapsed = now.saturating_sub(branch.ramped_at);
		let period = T::AccrualPeriod::get();
		if elapsed < period {
			return false;
		}
		branch.ramped_at = now;
		let accrued = branch.accrue(now);
		let parameters = T::RiskParameters::branch(id);
		if let Ok(parameters) = &parameters {
			// Also where the index could not advance: else nothing that is voted would ever free it.
			branch.fee = parameters.stability_fee;
			// Saturates at "no cap", for a period of millions of years.
			let most = period.saturating_mul(2);
			Self::ramp(id, &mut branch, parameters, elapsed.min(most));
		}
		if let Err(error) = accrued.and(parameters.map(|_| 0)) {
			Self::deposit_event(Event::AccrualFailed { branch: id, error });
		}
		let income = Self::mint_income(&mut branch);
		if income > 0 || accrued.is_ok_and(|interest| interest > 0) {
			Self::deposit_event(Event::InterestAccrued {
				branch: id,
				rate_index: branch.rate_index,
				income,
				unminted: branch.unminted,
			});
		}
		Branches::<T>::insert(id, branch);
		true
	}

	/// Mint as much of the interest of `branch` that waits as there is room for, and book it; how much, in
	/// base units. The rest, and all of it if the fund fails, waits for the next visit.
	pub(crate) fn mint_income(branch: &mut Branch) -> Balance {
		if branch.unminted == 0 {
			return 0;
		}
		let income = branch.unminted.min(T::InsuranceFund::mint_room());
		if income == 0 {
			return 0;
		}
		let minted = with_storage_layer(|| {
			let mut after = branch.clone();
			after.mint_interest(income)?;
			T::InsuranceFund::mint(income, IncomeSource::StabilityFee)?;
			Ok::<_, DispatchError>(after)
		});
		match minted {
			Ok(after) => {
				*branch = after;
				income
			}
			Err(_) => 0,
		}
	}

	/// Moves what existing vaults are held to towards the governed numbers: the ratio both ways, penalty and
	/// target margin up on the ramp and down at once.
	fn ramp(id: BranchId, branch: &mut Branch, parameters: &BranchParameters, elapsed: Moment) {
		// A feed that never had a price adds nothing to the base, and nobody can mint on it.
		let volatility = T::Prices::volatility(branch.feed).unwrap_or_default();
		let target = Self::target_ratio(parameters, volatility);
		let towards = |from, to| interest::ramp(from, to, parameters.ramp_per_hour, elapsed);
		let (penalty, margin) = (parameters.liquidation_penalty, parameters.target_margin);
		branch.ramped_penalty = towards(branch.ramped_penalty, penalty).min(penalty);
		branch.ramped_margin = towards(branch.ramped_margin, margin).min(margin);
		let ratio = towards(branch.ramped_ratio, target);
		if ratio != branch.ramped_ratio {
			branch.ramped_ratio = ratio;
			Self::deposit_event(Event::LiquidationRatioMoved {
				branch: id,
				ratio,
				target,
			});
		}
	}
}
