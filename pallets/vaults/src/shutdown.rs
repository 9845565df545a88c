//! The last resort: a branch is shut down, its vaults are settled at a locked price, and what they gave is redeemed.
//!
//! An hour after the lock, in which owners may leave, vaults are settled: each gives collateral worth its
//! debt at the locked price, rounded up, or all it has. What that pot is short of the kUSD in existence
//! because of the branch is the insurance fund's: burned out of it or on its books as bad debt, which later
//! income pays down. So kUSD is redeemed at the locked price. Only if the fund fails does every kUSD that is
//! redeemed bear the hole alike. A pot that is not redeemed in time is the fund's too, and sold by it; the
//! kUSD that was not redeemed stays in circulation and goes on the fund's books in the same way.

use frame_support::{
	ensure,
	storage::{with_storage_layer, with_transaction},
	traits::{
		fungibles::Mutate as _,
		tokens::{Fortitude, Precision, Preservation},
		Get, Time,
	},
	weights::{Weight, WeightMeter},
};
use keel_math::{value, FixedU128, Rounding};
use keel_primitives::{
	AssetRegistry, Balance, BranchId, Coverage, Group, InsuranceFund, PriceFor, PriceProvider, TriggerIndex,
	VaultId,
};
use sp_runtime::{DispatchError, DispatchResult, TransactionOutcome};

use crate::{
	overflow, Branch, BranchList, Branches, Config, Error, Event, Pallet, PastIssued, Redemption, Settlement,
	Vaults, WeightInfo, REDEEM_MS,
};

/// The most vaults a block settles by itself.
pub(crate) const SETTLED_PER_BLOCK: u32 = 50;

impl<T: Config> Pallet<T> {
	/// What vaults of `branch` will be settled at: the feed's price while it has one, what was `named` if it
	/// has none. A dead feed's last price may be days old, and who settles at it gives far too much or too
	/// little.
	fn lock_price(branch: &Branch, named: Option<FixedU128>) -> Result<FixedU128, DispatchError> {
		let known = || T::Prices::price(branch.feed, PriceFor::ReduceRisk);
		match named {
			Some(price) => {
				ensure!(known().is_err(), Error::<T>::PriceIsKnown);
				ensure!(price > FixedU128::default(), Error::<T>::NoPriceToSettleAt);
				Ok(price)
			}
			// Nothing will be settled at it.
			None if branch.total_normalised == 0 => Ok(Self::last_price(branch).unwrap_or_default()),
			None => known().map(|price| price.value.min(price.twap)),
		}
	}

	/// Lock the price and let nothing but exits happen from now on.
	pub(crate) fn do_shut_down(id: BranchId, named: Option<FixedU128>) -> DispatchResult {
		let mut branch = Self::running(id)?;
		// Interest that waits is minted as far as there is room.
		Self::mint_income(&mut branch);
		let price = Self::lock_price(&branch, named)?;
		branch.settlement = Some(Settlement::new(price, T::Time::now(), T::ActiveTime::now()));
		T::Registry::end_branch(branch.collateral);
		Self::deposit_event(Event::BranchShutDown {
			branch: id,
			price,
			debt: branch.debt()?,
			collateral: branch.total_collateral,
		});
		Self::finish(id, &mut branch)?;
		Self::put(id, branch);
		Ok(())
	}

	/// Write a branch that was shut down; one that is over leaves the list, and makes room for another.
	fn put(id: BranchId, branch: Branch) {
		if branch.settlement.as_ref().is_some_and(Settlement::is_over) {
			let listed = BranchList::<T>::mutate(|list| {
				let before = list.len();
				list.retain(|listed| *listed != id);
				list.len() < before
			});
			if listed {
				// Saturates far beyond any supply.
				PastIssued::<T>::mutate(|issued| *issued = issued.saturating_add(branch.issued));
				Self::deposit_event(Event::BranchOver { branch: id });
			}
		}
		Branches::<T>::insert(id, branch);
	}

	/// Take collateral worth its debt out of vault `id` and the debt with it. Writes the vault and the index, and changes
	/// `branch` for the caller to write; an error changes nothing.
	fn settle_vault(id: VaultId, group: BranchId, branch: &mut Branch) -> DispatchResult {
		let vault = Self::vault_of(id)?;
		ensure!(vault.branch == group, Error::<T>::WrongBranch);
		let mut settlement = branch.settlement.clone().ok_or(Error::<T>::NotShutDown)?;
		ensure!(vault.normalised_debt > 0, Error::<T>::NothingChanged);
		ensure!(
			settlement.settles_in(T::ActiveTime::now()) == 0,
			Error::<T>::GracePeriod
		);
		let debt = vault.debt(branch.rate_index)?;
		let given = value::amount_for(debt, settlement.price, branch.divisor, Rounding::Up)
			// More than the type holds, or no price at all: more than any vault has.
			.map_or(vault.collateral, |worth| worth.min(vault.collateral));
		let less = |from: u128, amount: u128| from.checked_sub(amount).ok_or_else(overflow);
		let more = |to: u128, amount: u128| to.checked_add(amount).ok_or_else(overflow);
		let mut after = vault.clone();
		after.normalised_debt = 0;
		after.collateral = less(vault.collateral, given)?;
		after.minimum_debt = 0;
		let total_normalised = less(branch.total_normalised, vault.normalised_debt)?;
		let total_collateral = less(branch.total_collateral, given)?;
		settlement.pot = more(settlement.pot, given)?;
		settlement.settled = more(settlement.settled, vault.normalised_debt)?;

		branch.rehold(&vault, &after).ok_or_else(overflow)?;
		branch.trim_credit(T::Time::now(), &mut after);
		branch.total_normalised = total_normalised;
		branch.total_collateral = total_collateral;
		branch.settlement = Some(settlement);
		Self::retrigger(group, id, vault.entry(branch.divisor), None);
		Self::deposit_event(Event::VaultSettled {
			vault: id,
			owner: vault.owner,
			branch: group,
			debt,
			given,
			collateral: after.collateral,
		});
		Vaults::<T>::insert(id, after);
		Ok(())
	}

	/// Settle vault `id`.
	pub(crate) fn do_settle(id: VaultId) -> DispatchResult {
		let group = Self::vault_of(id)?.branch;
		let mut branch = Self::branch_of(group)?;
		Self::settle_vault(id, group, &mut branch)?;
		Self::finish(group, &mut branch)?;
		Self::put(group, branch);
		Ok(())
	}

	/// Once no vault of `branch` owes anything: fix what may be redeemed, after the fund has taken over what
	/// the pot is short of. A pot without claims is the fund's, and so is one whose time is over. Changes
	/// `branch` for the caller to write.
	fn finish(id: BranchId, branch: &mut Branch) -> DispatchResult {
		let Some(mut settlement) = branch.settlement.clone() else {
			return Ok(());
		};
		if branch.total_normalised > 0 {
			return Ok(());
		}
		if settlement.claims.is_none() {
			// Interest the fund still may not mint is waived: what vaults gave for it is the redeemers'.
			Self::mint_income(branch);
			branch.unminted = 0;
			// Below zero is interest that rounding took from owners: nobody has a claim on it.
			let issued = Balance::try_from(branch.issued).unwrap_or(0);
			// An overflow is worth more than there is kUSD.
			let worth = value::value_of(settlement.pot, settlement.price, branch.divisor, Rounding::Down)
				.unwrap_or(Balance::MAX);
			let Coverage { covered, bad_debt } = Self::cover(id, issued.saturating_sub(worth));
			let carried = covered.checked_add(bad_debt).ok_or_else(overflow)?;
			if carried > 0 {
				branch.retire(carried)?;
			}
			let claims = issued.checked_sub(carried).ok_or_else(overflow)?;
			settlement.claims = Some(claims);
			// Saturates where time ends.
			settlement.active_until = T::ActiveTime::now().saturating_add(REDEEM_MS);
			Self::deposit_event(Event::SettlementDone {
				branch: id,
				pot: settlement.pot,
				claims,
				covered,
				bad_debt,
			});
		}
		if settlement.claims == Some(0) && settlement.pot > 0 {
			let account = Self::branch_account(id);
			let taken = with_storage_layer(|| {
				T::InsuranceFund::take_collateral(&account, branch.collateral, settlement.pot)
			});
			// The next block tries again.
			if taken.is_ok() {
				Self::deposit_event(Event::PotTaken {
					branch: id,
					collateral: settlement.pot,
				});
				settlement.pot = 0;
			}
		}
		if settlement.is_expired(T::ActiveTime::now()) {
			// The next block tries again.
			let _ = with_storage_layer(|| Self::expire(id, branch, &mut settlement));
		}
		branch.settlement = Some(settlement);
		Ok(())
	}

	/// Hand the pot of a settled branch to the fund, to be sold, and what was not redeemed as a shortfall:
	/// that kUSD stays in circulation, and what the fund can't burn of its own instead is bad debt, which the
	/// proceeds pay down. Changes `branch` and `settlement` only if it succeeds.
	fn expire(id: BranchId, branch: &mut Branch, settlement: &mut Settlement) -> DispatchResult {
		let (pot, claims) = (settlement.pot, settlement.claims.unwrap_or(0));
		let price = Self::last_price(branch).map_or(settlement.price, |last| last.min(settlement.price));
		// An overflow is more than is short.
		let worth = value::value_of(pot, price, branch.divisor, Rounding::Down).unwrap_or(Balance::MAX);
		let Coverage { covered, bad_debt } = Self::carry(claims, worth)?;
		T::InsuranceFund::take_collateral(&Self::branch_account(id), branch.collateral, pot)?;
		branch.retire(claims)?;
		(settlement.pot, settlement.claims) = (0, Some(0));
		Self::deposit_event(Event::PotExpired {
			branch: id,
			collateral: pot,
			claims,
			covered,
			bad_debt,
		});
		Ok(())
	}

	/// How the fund carries `shortfall`: all of it, or nothing if it fails, whatever the reason: the
	/// settlement does not wait for it.
	fn cover(id: BranchId, shortfall: Balance) -> Coverage {
		if shortfall == 0 {
			return Coverage::default();
		}
		with_storage_layer(|| Self::carry(shortfall, 0)).unwrap_or_else(|error| {
			Self::deposit_event(Event::CoverFailed { branch: id, error });
			Coverage::default()
		})
	}

	/// Go on with the settlement of branch `id`: up to `most` vaults, the worst first. All or nothing, but a vault that
	/// can't be settled does not hold up the others. How many were.
	pub(crate) fn settle_worst(id: BranchId, mut branch: Branch, most: u32) -> Result<u32, DispatchError> {
		let mut settled = 0u32;
		if branch.total_normalised > 0 {
			for vault in T::Triggers::first(Group::Branch(id), most) {
				let done = Self::settle_vault(vault, id, &mut branch).is_ok();
				// At most `most`.
				settled = settled.saturating_add(u32::from(done));
			}
		}
		Self::finish(id, &mut branch)?;
		Self::put(id, branch);
		Ok(settled)
	}

	/// Settle what `limit` has weight for, in branches whose grace period is over.
	pub(crate) fn settle_idle(limit: Weight) -> Weight {
		let mut meter = WeightMeter::with_limit(limit);
		// The list and the time, then each branch.
		let read = T::DbWeight::get().reads(1);
		if meter.try_consume(T::DbWeight::get().reads(2)).is_err() {
			return meter.consumed();
		}
		let active = T::ActiveTime::now();
		let mut left = SETTLED_PER_BLOCK;
		for id in BranchList::<T>::get() {
			if meter.try_consume(read).is_err() {
				break;
			}
			let Some(branch) = Branches::<T>::get(id) else {
				continue;
			};
			let is_due = |settlement: &Settlement| {
				let waits = branch.total_normalised > 0 && settlement.settles_in(active) > 0;
				settlement.is_open(active) && !waits
			};
			if !branch.settlement.as_ref().is_some_and(is_due) {
				continue;
			}
			let affordable = |most: &u32| meter.can_consume(T::WeightInfo::settle_worst(*most));
			let (least, wanted) = if branch.total_normalised > 0 {
				(1, left)
			} else {
				(0, 0)
			};
			let Some(most) = (least..=wanted).rev().find(affordable) else {
				break;
			};
			meter.consume(T::WeightInfo::settle_worst(most));
			// Only numbers beyond their types fail; the next block tries again.
			let settled = with_storage_layer(|| Self::settle_worst(id, branch, most)).unwrap_or(most);
			// At most `left`.
			left = left.saturating_sub(settled);
		}
		meter.consumed()
	}

	/// What redeeming `amount` from branch `id` burns and pays, and the branch afterwards. Fixes the claims if the last debt
	/// was repaid and no block has got to it yet.
	fn plan_redeem(id: BranchId, amount: Balance) -> Result<(Branch, Redemption), DispatchError> {
		let mut branch = Self::branch_of(id)?;
		ensure!(branch.settlement.is_some(), Error::<T>::NotShutDown);
		Self::finish(id, &mut branch)?;
		let mut settlement = branch.settlement.clone().ok_or(Error::<T>::NotShutDown)?;
		let claims = settlement.claims.ok_or(Error::<T>::NotSettled)?;
		let share = settlement.share(amount).ok_or_else(overflow)?;
		ensure!(share.burned > 0, Error::<T>::NothingChanged);
		// Nobody gives kUSD for nothing.
		ensure!(share.collateral > 0, Error::<T>::RedemptionTooSmall);
		settlement.claims = claims.checked_sub(share.burned);
		settlement.pot = settlement
			.pot
			.checked_sub(share.collateral)
			.ok_or_else(overflow)?;
		branch.settlement = Some(settlement);
		branch.retire(share.burned)?;
		Ok((branch, share))
	}

	/// Burn `who`'s kUSD for its share of the pot.
	pub(crate) fn do_redeem(
		who: &T::AccountId,
		id: BranchId,
		amount: Balance,
	) -> Result<Redemption, DispatchError> {
		let (branch, share) = Self::plan_redeem(id, amount)?;
		T::Assets::burn_from(
			T::Synthetic::get(),
			who,
			share.burned,
			Preservation::Expendable,
			Precision::Exact,
			Fortitude::Polite,
		)?;
		T::Assets::transfer(
			branch.collateral,
			&Self::branch_account(id),
			who,
			share.collateral,
			Preservation::Expendable,
		)?;
		Self::put(id, branch);
		Ok(share)
	}

	/// What [`Self::do_redeem`] would do, done and undone.
	pub(crate) fn view_quote_redeem(id: BranchId, amount: Balance) -> Result<Redemption, DispatchError> {
		with_transaction(|| {
			TransactionOutcome::Rollback(Self::plan_redeem(id, amount).map(|(_, share)| share))
		})
	}
}
