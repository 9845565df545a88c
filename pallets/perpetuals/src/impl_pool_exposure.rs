//! What the liquidity pool asks of the markets: [`PoolExposure`].

use frame_support::{
	traits::{Get, Time},
	weights::Weight,
};
use keel_primitives::{Balance, Moment, PoolExposure, PriceProvider, Priced, RiskParameters};
use sp_runtime::DispatchError;

use crate::{Config, Market, Markets, Pallet};

/// How long a market's stress stands for a move of a price nobody sees, in ms: a day.
const STRESS_MS: Moment = 86_400_000;

impl<T: Config> Pallet<T> {
	/// How many times its stress the price of `market`, which is unfit, may have moved since it was fit: once
	/// for each day begun. `None` while the feed counts as alive: until its price has been refused for as
	/// long as halts a market.
	///
	/// Settling at the last price bounds nothing, as the feed may come back at any other, and margins bound
	/// the losing side alone. The stress is a move that a day hardly makes; that many days each make it, and
	/// all to one side, is far beyond a random walk, which moves as the root of time. Worked: 0.1 SOL at 150,
	/// a stress of 20 % and a premium of 0.5 %: 3.09 kUSD on the first day, 6.18 on the second.
	fn stresses(market: &Market, now: Moment) -> Option<Balance> {
		let refused = now.saturating_sub(T::Prices::fit_at(market.feed)?);
		let dead_after = T::RiskParameters::market(market.id).ok()?.refused_halted;
		(refused >= dead_after).then(|| Balance::from(refused / STRESS_MS).saturating_add(1))
	}
}

impl<T: Config> PoolExposure for Pallet<T> {
	fn owed() -> Result<i128, DispatchError> {
		Self::owed_by(&Markets::<T>::get())
	}

	fn worst_case() -> u128 {
		Self::worst_case_of(&Markets::<T>::get())
	}

	fn priced() -> Priced {
		let now = T::Time::now();
		let all = Self::state();
		let in_use = all
			.markets
			.iter()
			.filter(|market| market.positions > 0 && !market.is_settled());
		in_use.fold(Priced::default(), |sum, market| {
			if market.fit.add_risk {
				let since = sum.since.map(|since| since.min(market.price.since));
				return Priced { since, ..sum };
			}
			match Self::stresses(market, now) {
				Some(stresses) => Priced {
					// Saturates where nothing can leave.
					unpriced: sum
						.unpriced
						.saturating_add(market.worst_case().saturating_mul(stresses)),
					..sum
				},
				None => Priced { since: None, ..sum },
			}
		})
	}

	fn priced_weight() -> Weight {
		// Of each market: since when its feed is silent, and its parameters.
		T::DbWeight::get().reads(u64::from(T::MaxMarkets::get()).saturating_mul(2))
	}
}
