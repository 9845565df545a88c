//! What the breaker's fuses read in a market.

use alloc::vec::Vec;
use frame_support::traits::Time;
use keel_math::{mul_div, FixedU128, Rounding, ONE};
use keel_primitives::{
	Balance, BreakerSubject, Fuse, Gauge, Gauges, MarketParameters, PriceProvider, RiskParameters, Triggers,
};

use crate::{Config, Market, Markets, Pallet, ALWAYS_LIQUIDATED};

/// `part / whole` with 18 decimals, rounded up; nothing of nothing is zero. Saturates: above every trigger.
fn ratio(part: Balance, whole: Balance) -> u128 {
	match part {
		0 => 0,
		part => mul_div(part, ONE, whole, Rounding::Up).unwrap_or(u128::MAX),
	}
}

fn gauge(fuse: Fuse, reading: u128, triggers: [FixedU128; 3]) -> Gauge {
	let [guarded, reduce_only, halted] = triggers.map(FixedU128::into_inner);
	Gauge {
		fuse,
		reading,
		triggers: Triggers {
			guarded,
			reduce_only,
			halted: Some(halted),
		},
	}
}

impl<T: Config> Pallet<T> {
	/// The least open interest liquidations are measured against: half of the cap, and ten positions that are
	/// always liquidated. The cap is what the pool was judged to bear, so what is small against it is no
	/// reason to stop a young market; and tripping the fuse with liquidations of one's own costs `floor ·
	/// trigger · liquidation fee`, whatever is open. Worked: a cap of 20 M, a trigger of 5 % and a fee of
	/// 0.5 %: 500,000 kUSD liquidated, 2,500 kUSD. Less only where a gap of the price left too little for the
	/// fee; a market that gaps through margins is one to stop.
	fn floor(p: &MarketParameters) -> Balance {
		(p.max_open_interest / 2).max(ALWAYS_LIQUIDATED * 10)
	}

	fn market_gauges(market: &Market, p: &MarketParameters) -> Vec<Gauge> {
		let now = T::Time::now();
		let deviation = T::Prices::last(market.feed).map(|price| {
			let (value, twap) = (price.value.into_inner(), price.twap.into_inner());
			gauge(
				Fuse::PriceDeviation,
				ratio(value.abs_diff(twap), twap),
				[p.deviation_guarded, p.deviation_reduce_only, p.deviation_halted],
			)
		});
		// A feed that never had a price lets nobody in anyway.
		let refused = T::Prices::fit_at(market.feed).map(|at| Gauge {
			fuse: Fuse::PriceRefused,
			reading: now.saturating_sub(at).into(),
			triggers: Triggers {
				guarded: p.refused_guarded.into(),
				reduce_only: p.refused_reduce_only.into(),
				halted: Some(p.refused_halted.into()),
			},
		});
		let liquidated = market.liquidated.reading(now);
		// What was liquidated was open interest before. Saturates where no money is.
		let whole = market
			.open_interest()
			.saturating_add(liquidated)
			.max(Self::floor(p));
		let liquidated = gauge(
			Fuse::Liquidated,
			ratio(liquidated, whole),
			[
				p.liquidated_guarded,
				p.liquidated_reduce_only,
				p.liquidated_halted,
			],
		);
		[deviation, refused, Some(liquidated)]
			.into_iter()
			.flatten()
			.collect()
	}
}

impl<T: Config> Gauges for Pallet<T> {
	fn subjects() -> Vec<BreakerSubject> {
		Markets::<T>::get()
			.markets
			.iter()
			.filter(|market| !market.is_settled())
			.map(|market| BreakerSubject::Market(market.id))
			.collect()
	}

	fn gauges(subject: BreakerSubject) -> Vec<Gauge> {
		let BreakerSubject::Market(id) = subject else {
			return Vec::new();
		};
		let state = Markets::<T>::get();
		let market = state.market(id).filter(|market| !market.is_settled());
		match (market, T::RiskParameters::market(id)) {
			(Some(market), Ok(p)) => Self::market_gauges(market, &p),
			_ => Vec::new(),
		}
	}
}
