//! Repaying those who were cut: out of fees, the oldest cut first, before anybody else gets of them.
//!
//! What the pool earns on its own account is its providers', who lost everything before a profit was cut.

use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{
	ensure,
	storage::{with_storage_layer, with_transaction},
};
use keel_math::{mul_div, Rounding};
use keel_primitives::{Act, Balance, MarginAccountId, MarginAccounts};
use scale_info::TypeInfo;
use sp_runtime::{DispatchError, DispatchResult, TransactionOutcome};

use crate::{
	answers::{HaircutView, RecoveryView},
	haircut::{after, Plan},
	overflow, Book, BookOf, Claims, Config, CutOf, Cuts, Error, Event, Pallet, Traders,
};

/// What an account lost to a cut, in base units of kUSD.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Claim {
	/// What was cut.
	pub cut: Balance,
	/// What was paid back.
	pub paid: Balance,
}

impl<T: Config> Pallet<T> {
	/// Of an income of `amount`, what those who were cut are still to be repaid is theirs. What is left of it. `None` on
	/// overflow. Callers hold a storage layer.
	pub(crate) fn repay(book: &mut BookOf<T>, amount: Balance) -> Option<Balance> {
		let part = amount.min(book.unrepaid);
		if part == 0 {
			return Some(amount);
		}
		let left = Cuts::<T>::mutate(|cuts| {
			cuts.iter_mut().fold(part, |left, cut| {
				let part = cut.unrepaid().min(left);
				// At most what there is, both times.
				cut.repaid = cut.repaid.saturating_add(part);
				left.saturating_sub(part)
			})
		});
		let repaid = part.checked_sub(left)?;
		book.unrepaid = book.unrepaid.checked_sub(repaid)?;
		book.recovery = book.recovery.checked_add(repaid)?;
		amount.checked_sub(repaid)
	}

	/// What `claim` on `cut` can get now: its share of what was repaid, less what it got; never more than there is. `None` on overflow.
	fn payable(cut: &CutOf<T>, claim: &Claim) -> Option<Balance> {
		let share = match cut.to_repay() {
			0 => 0,
			all => mul_div(claim.cut, cut.repaid, all, Rounding::Down)?,
		};
		Some(
			share
				.saturating_sub(claim.paid)
				.min(cut.repaid.checked_sub(cut.paid)?),
		)
	}

	/// The claims of `account`, oldest first. At most as many as there are cuts.
	fn claims(account: MarginAccountId) -> Vec<(u32, Claim)> {
		let mut claims: Vec<_> = Claims::<T>::iter_prefix(account).collect();
		claims.sort_unstable_by_key(|(number, _)| *number);
		claims
	}

	/// Take what is cut out of the positions of `account`. Did anything change?
	fn bring_up_all(account: MarginAccountId) -> bool {
		let (mut book, mut trader) = (Book::<T>::get(), Traders::<T>::get(account));
		let mut any = false;
		for position in trader.positions.iter_mut() {
			let now = Self::bring_up(&mut book, account, position);
			if now != *position {
				Self::shift(position, &now);
				*position = now;
				any = true;
			}
		}
		if any {
			Book::<T>::put(book);
			Self::put_trader(account, &trader);
		}
		any
	}

	/// Bring the positions of `account` up to date with the cuts, and pay what its claims can get. How many claims there were.
	pub(crate) fn do_claim(account: MarginAccountId) -> Result<u32, DispatchError> {
		with_storage_layer(|| {
			let changed = Self::bring_up_all(account);
			let claims = Self::claims(account);
			let count = claims.len() as u32;
			let amount = if count == 0 {
				0
			} else {
				Self::pay_claims(account, claims)?
			};
			ensure!(changed || amount > 0, Error::<T>::NothingToClaim);
			if amount > 0 {
				T::Accounts::settle(account, amount.try_into().map_err(|_| overflow())?)?;
				Self::deposit_event(Event::RecoveryClaimed { account, amount });
			}
			T::Accounts::acted(account, Act::Suffered)?;
			Ok(count)
		})
	}

	/// Take what `claims` can get out of the pot: how much that is.
	fn pay_claims(account: MarginAccountId, claims: Vec<(u32, Claim)>) -> Result<Balance, DispatchError> {
		let mut cuts = Cuts::<T>::get();
		let mut total = 0u128;
		for (number, mut claim) in claims {
			let Some(cut) = cuts.iter_mut().find(|cut| cut.number == number) else {
				continue;
			};
			let amount = Self::payable(cut, &claim).ok_or_else(overflow)?;
			if amount == 0 {
				continue;
			}
			cut.paid = cut.paid.checked_add(amount).ok_or_else(overflow)?;
			claim.paid = claim.paid.checked_add(amount).ok_or_else(overflow)?;
			total = total.checked_add(amount).ok_or_else(overflow)?;
			if claim.paid >= claim.cut {
				cut.open = cut.open.saturating_sub(1);
				Claims::<T>::remove(account, number);
			} else {
				Claims::<T>::insert(account, number, claim);
			}
		}
		if total > 0 {
			Cuts::<T>::put(cuts);
			Book::<T>::try_mutate(|book| -> DispatchResult {
				book.recovery = book.recovery.checked_sub(total).ok_or_else(overflow)?;
				Ok(())
			})?;
		}
		Ok(total)
	}

	/// What `account` claims, with the cuts its positions have not seen.
	pub(crate) fn view_recoveries(account: MarginAccountId) -> Vec<RecoveryView> {
		with_transaction(|| {
			Self::bring_up_all(account);
			let cuts = Cuts::<T>::get();
			let all = Self::claims(account)
				.into_iter()
				.filter_map(|(number, claim)| {
					let cut = cuts.iter().find(|cut| cut.number == number)?;
					Some(RecoveryView {
						number,
						at: cut.at,
						cut: claim.cut,
						paid: claim.paid,
						claimable: Self::payable(cut, &claim)?,
					})
				})
				.collect();
			TransactionOutcome::Rollback(Ok::<Vec<_>, DispatchError>(all))
		})
		.unwrap_or_default()
	}

	/// What a cut for `deficit` would take from `account` now. Nothing where there would be none.
	pub(crate) fn view_haircut(account: MarginAccountId, deficit: Balance) -> HaircutView {
		let book = Book::<T>::get();
		let Plan::Cut(cuts) = Self::plan(&book, deficit) else {
			return HaircutView::default();
		};
		let Some(last) = cuts.last() else {
			return HaircutView::default();
		};
		let cost = Traders::<T>::get(account)
			.positions
			.iter()
			.flat_map(|position| after(&cuts, position).1)
			.filter(|(number, _)| *number == last.number)
			.fold(0u128, |sum, (_, share)| sum.saturating_add(share));
		HaircutView {
			rate: last.rate,
			cost,
		}
	}
}
