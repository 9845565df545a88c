//! Loss waterfall of an account with nothing left: its own claim, tranches, insurance fund, pool. What the
//! pool can't bear in turn is a gains haircut.

use frame_support::{storage::with_storage_layer, traits::Time};
use keel_primitives::{
	Balance, Clearing, InsuranceFund, LiquidityPool, MarginAccountId, MarketId, Waterfall,
};
use sp_runtime::DispatchError;

use crate::{overflow, Config, Event, Markets, Pallet};

impl<T: Config> Pallet<T> {
	/// What the fund pays of `shortfall`, into clearing. Nothing if it fails: it must not stop a liquidation. What it is due
	/// comes to it first.
	fn paid_by_fund(shortfall: Balance) -> Balance {
		if shortfall == 0 {
			return 0;
		}
		Self::sweep(T::Time::now());
		let paid = with_storage_layer(|| -> Result<Balance, DispatchError> {
			let paid = T::InsuranceFund::pay(&T::Accounts::custody(), shortfall)?;
			if paid > shortfall {
				return Err(overflow());
			}
			T::Accounts::note(paid)?;
			Ok(paid)
		});
		match paid {
			Ok(paid) => paid,
			Err(error) => {
				Self::deposit_event(Event::FundFailed { error });
				0
			}
		}
	}

	/// Carries `deficit` of `account`: its own claim, the tranches of `markets` in order, the fund, the
	/// pool. Crediting it is the caller's.
	pub(crate) fn do_cover(
		account: MarginAccountId,
		markets: &[MarketId],
		deficit: Balance,
	) -> Result<Waterfall, DispatchError> {
		with_storage_layer(|| {
			let mut left = deficit;
			let claim = Markets::<T>::try_mutate(|state| {
				let claim = Self::take_claim(state, account, left).ok_or_else(overflow)?;
				left = left.saturating_sub(claim);
				for id in markets {
					if let Some(market) = state.market_mut(*id) {
						let part = market.tranche.min(left);
						// At most what there is, both times.
						market.tranche = market.tranche.saturating_sub(part);
						left = left.saturating_sub(part);
					}
				}
				Ok::<_, DispatchError>(claim)
			})?;
			let tranche = deficit.saturating_sub(claim).saturating_sub(left);
			let fund = Self::paid_by_fund(left);
			let pool = left.checked_sub(fund).ok_or_else(overflow)?;
			T::Pool::settle(0i128.checked_sub_unsigned(pool).ok_or_else(overflow)?)?;
			Self::deposit_event(Event::DeficitCovered {
				account,
				claim,
				tranche,
				fund,
				pool,
			});
			if pool > 0 {
				Markets::<T>::mutate(Self::follow_deficit);
			}
			Ok(Waterfall {
				claim,
				tranche,
				fund,
				pool,
			})
		})
	}
}
