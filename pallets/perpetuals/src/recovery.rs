//! Claims of those whose gains were cut: repaid out of fees, before anybody else gets of them, all claims pro
//! rata.
//!
//! What the pool earns on its own account is its providers', who lost everything before a gain was cut.
//!
//! Every repayment leaves the same share of every claim, so one running product tells what is left of each
//! ([`product_sum`]).

use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{ensure, storage::with_storage_layer};
use keel_math::product_sum;
use keel_primitives::{Act, Balance, MarginAccountId, MarginAccounts, Progress};
use scale_info::TypeInfo;
use sp_runtime::DispatchResult;

use crate::{answers::RecoveryView, overflow, Claims, Config, Error, Event, Markets, MarketsStateOf, Pallet};

/// What haircuts took from an account, in base units of kUSD.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Claim {
	/// What was not repaid at `since`.
	pub owed: Balance,
	/// The running product at that time.
	pub since: Progress,
	/// What had been repaid until then and not paid out.
	pub due: Balance,
	/// What was paid out of what was repaid since.
	pub paid: Balance,
}

impl Claim {
	/// What is not repaid at `now`, rounded up to the unit, and what can be paid out. `None` on overflow.
	pub fn at(&self, now: Progress) -> Option<(Balance, Balance)> {
		let left = product_sum::compounded(self.owed, self.since.into(), now.into())?;
		// Rounded down, so a unit more may be left; all is repaid where an epoch ended.
		let left = match self.since.epoch < now.epoch || now == self.since {
			true => left,
			false => left.saturating_add(1).min(self.owed),
		};
		let repaid = self.owed.checked_sub(left)?.checked_sub(self.paid)?;
		Some((left, self.due.checked_add(repaid)?))
	}
}

impl<T: Config> Pallet<T> {
	/// Keeps the claim of `account` to `owed` and `due`, as of now. One of nothing is forgotten.
	fn put_claim(state: &mut MarketsStateOf<T>, account: MarginAccountId, owed: Balance, due: Balance) {
		if owed == 0 && due == 0 {
			return Claims::<T>::remove(account);
		}
		// It is rounded up by less than a unit from now on.
		state.roundings = state.roundings.saturating_add(1);
		let claim = Claim {
			owed,
			since: state.unrepaid,
			due,
			paid: 0,
		};
		Claims::<T>::insert(account, claim);
	}

	/// A haircut took `amount` from `account`, which claims it. `None` on overflow. Callers hold a storage
	/// layer.
	pub(crate) fn claim_more(
		state: &mut MarketsStateOf<T>,
		account: MarginAccountId,
		amount: Balance,
	) -> Option<()> {
		if amount == 0 {
			return Some(());
		}
		let (owed, due) = Claims::<T>::get(account).at(state.unrepaid)?;
		state.claims = state.claims.checked_add(amount)?;
		Self::put_claim(state, account, owed.checked_add(amount)?, due);
		Some(())
	}

	/// `account` is short of `deficit`, which others are about to carry: what was repaid of its claim comes
	/// first, and is returned; the claim is less by what others carry then, so that nobody gains by what
	/// others lose. `None` on overflow. Callers hold a storage layer.
	pub(crate) fn take_claim(
		state: &mut MarketsStateOf<T>,
		account: MarginAccountId,
		deficit: Balance,
	) -> Option<Balance> {
		let Ok(claim) = Claims::<T>::try_get(account) else {
			return Some(0);
		};
		let (owed, due) = claim.at(state.unrepaid)?;
		let paid = due.min(state.recovery).min(deficit);
		state.recovery = state.recovery.checked_sub(paid)?;
		let given_up = owed.min(deficit.checked_sub(paid)?);
		// Rounded up by a unit.
		state.claims = state.claims.saturating_sub(given_up);
		Self::put_claim(
			state,
			account,
			owed.checked_sub(given_up)?,
			due.checked_sub(paid)?,
		);
		Some(paid)
	}

	/// Of an income of `amount`, what is claimed goes to those whose gains were cut. What is left of it.
	/// `None` on overflow.
	pub(crate) fn repay(state: &mut MarketsStateOf<T>, amount: Balance) -> Option<Balance> {
		let part = amount.min(state.claims);
		if part > 0 {
			state.unrepaid = product_sum::offset(state.claims, part, state.unrepaid.into())?.into();
			state.claims = state.claims.checked_sub(part)?;
			state.recovery = state.recovery.checked_add(part)?;
		}
		amount.checked_sub(part)
	}

	/// Pays `account` what was repaid of its claim.
	pub(crate) fn do_claim(account: MarginAccountId) -> DispatchResult {
		with_storage_layer(|| {
			let mut state = Markets::<T>::get();
			let mut claim = Claims::<T>::get(account);
			let (owed, due) = claim.at(state.unrepaid).ok_or_else(overflow)?;
			// Rounding may leave the last one a unit short for every claim there was.
			let amount = due.min(state.recovery);
			ensure!(amount > 0, Error::<T>::NothingToClaim);
			state.recovery = state.recovery.checked_sub(amount).ok_or_else(overflow)?;
			if owed == 0 {
				Claims::<T>::remove(account);
			} else {
				// What is left is not rounded again: it is counted from the same moment.
				let before = claim.due.min(amount);
				claim.due = claim.due.checked_sub(before).ok_or_else(overflow)?;
				claim.paid = amount
					.checked_sub(before)
					.and_then(|since| claim.paid.checked_add(since))
					.ok_or_else(overflow)?;
				Claims::<T>::insert(account, claim);
			}
			Markets::<T>::put(state);
			let credit = amount.try_into().map_err(|_| overflow())?;
			Self::deposit_event(Event::RecoveryClaimed { account, amount });
			T::Accounts::commit(
				account,
				T::Accounts::load(account)?,
				credit,
				Act::Involuntary,
				&[],
			)
		})
	}

	/// What `account` claims now; nothing without a claim.
	pub(crate) fn view_recovery(account: MarginAccountId) -> Option<RecoveryView> {
		let state = Markets::<T>::get();
		let (owed, due) = Claims::<T>::try_get(account).ok()?.at(state.unrepaid)?;
		Some(RecoveryView {
			owed,
			claimable: due.min(state.recovery),
		})
	}
}
