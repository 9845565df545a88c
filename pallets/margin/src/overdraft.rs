//! What clearing lends to accounts beyond the lending reserve, and how it gets it back.
//!
//! A loss is realised whether its account has kUSD or not: what is missing is borrowed from the reserve, and
//! beyond it from clearing, whose kUSD is then owed by accounts and not in custody. That is no loss, but
//! nobody can be paid with it. So it is bounded: while clearing lends more than a tenth of what it has
//! ([`OVERDRAFT`](crate::OVERDRAFT)), accounts that owe lose collateral though they are safe: as much as
//! repays their debt, and no more than brings what clearing lends to half of that. Their positions and orders
//! stay. The stability pool
//! and the insurance fund buy, and what neither can pay for anybody may buy ([`Pallet::buy_collateral`]), all
//! at the same price, which is never less than what the collateral counts for. An owner who repays before is
//! spared.
//!
//! While clearing lends anything, accounts that owe are looked at every ten minutes
//! ([`OVERDRAFT_LOOK_MS`](crate::OVERDRAFT_LOOK_MS)); one that owed before, from its next look on, within a
//! day.

use alloc::vec::Vec;
use keel_primitives::{Balance, InsuranceFund, LiquidationOutcome, MarginAccountId, StabilityPool};
use sp_runtime::DispatchError;

use crate::{liquidate::Progress, sale::Lot, AccountData, Config, Event, Health, Holding, Money, Pallet};

impl<T: Config> Pallet<T> {
	/// What of the debt of a safe account is to be repaid out of its collateral, in base units of kUSD: zero
	/// unless clearing lends too much.
	pub(crate) fn to_recall(health: &Health, money: &Money) -> Balance {
		match health.risk.is_unsafe() {
			true => 0,
			false => health.debt.min(money.to_recall()),
		}
	}

	/// The holdings that can be sold now for a debt of an account, with their lots.
	///
	/// At the price of now, whenever the owner acted last: no risk is judged by it, and none is to be dodged
	/// by acting.
	fn for_recall(health: &Health) -> Vec<(Holding, Lot)> {
		health
			.holdings
			.iter()
			.filter_map(|holding| Some((*holding, Self::lot(holding, 0).ok()?)))
			.filter(|(_, lot)| lot.whole() > 0)
			.collect()
	}

	/// Whether an account is to lose collateral now, and the stability pool or the insurance fund pays for
	/// some of it.
	pub(crate) fn is_recalled(health: &Health) -> bool {
		let owed = Self::to_recall(health, &Self::money());
		if owed == 0 {
			return false;
		}
		let most = T::StabilityPool::capacity().max(T::InsuranceFund::shared());
		Self::for_recall(health)
			.iter()
			.any(|(_, lot)| lot.has_buyer(owed, most))
	}

	/// Sell collateral of account `id`, which is safe, for what is to be repaid of its debt.
	pub(crate) fn recall(
		id: MarginAccountId,
		mut account: AccountData<T>,
		health: &Health,
	) -> Result<LiquidationOutcome, DispatchError> {
		let stays = health
			.debt
			.saturating_sub(Self::to_recall(health, &Self::money()));
		let holdings: Vec<_> = Self::for_recall(health)
			.into_iter()
			.map(|(holding, _)| holding)
			.collect();
		let mut progress = Progress::default();
		Self::sell_collateral(id, &mut account, &holdings, stays, 0, &mut progress)?;
		progress.ensure_done::<T>()?;
		let outcome = progress.outcome;
		let owner = account.owner.clone();
		Self::review(id, account)?;
		Self::deposit_event(Event::DebtRecalled {
			account: id,
			owner,
			collateral: outcome.collateral,
			debt: outcome.debt,
		});
		Ok(outcome)
	}
}
