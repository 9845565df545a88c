//! Gains haircut, the last step of the waterfall: what the pool can't pay is missing from all gains alike.
//!
//! While the pool owes traders more than it has, whoever realises a gain is paid `1 − deficit / gains` of it,
//! `gains` being the unrealised gains of all positions at the prices of now ([`Ladder`]). The rest becomes a
//! claim on fees to come.
//!
//! The share is the same for every gain in a block, and closing does not change it: closing a gain `g` takes
//! `g` off the gains and `g·deficit/gains` off the deficit. So the order of closing does not matter, what is
//! cut in the end is the deficit, and closing and reopening around a haircut only fixes the share of that
//! block. A gain that is not realised is not cut for good: the share follows prices and is gone with the
//! deficit.
//!
//! Worked: the pool is short of 30 k, longs gain 100 k and shorts 20 k. Everybody who closes is paid 75 %.
//!
//! Rounded in favour of the pool, which must not be left below zero for ever: the share up, and what it takes
//! of each gain up.

use alloc::vec::Vec;
use keel_math::{mul_div, FixedU128, Rounding, ONE};
use keel_primitives::{Balance, MarginAccountId, MarginAccounts, MarketId};

use crate::{
	answers::HaircutView, ladder::bin, Config, Event, Haircut, Ladder, Ladders, Market, MarketsStateOf,
	Pallet, Position,
};

const LOG: &str = "runtime::perpetuals";

/// A position that became another one: what the ladder of its market has to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved {
	pub market: MarketId,
	/// The index price.
	pub index: FixedU128,
	pub old: Position,
	pub new: Position,
}

impl Moved {
	/// Of `old` to `new` in `market`.
	pub(crate) fn of(market: &Market, old: &Position, new: &Position) -> Self {
		Self {
			market: market.id,
			index: market.index(),
			old: *old,
			new: *new,
		}
	}

	/// Moves it in the `ladder` of its market. One that does not fit stays what it is, which `try_state`
	/// finds: it must not keep anybody from closing.
	pub(crate) fn shift_in(&self, ladder: &mut Ladder) {
		let mut shifted = ladder.clone();
		match shifted.shift(self.index, &self.old, &self.new) {
			Some(()) => *ladder = shifted,
			None => log::error!(target: LOG, "the ladder does not fit {self:?}"),
		}
	}
}

/// The unrealised gains of a market, and how its positions are told apart. Nothing on overflow.
fn gains_in(market: &Market, ladder: &Ladder) -> Option<(Balance, Haircut)> {
	let (long, short) = market.exit_prices()?;
	let edges = Haircut {
		rate: FixedU128::default(),
		bits: ladder.bits,
		long: bin(long, ladder.bits),
		short: bin(short, ladder.bits),
	};
	Some((ladder.gains(long, short)?, edges))
}

impl<T: Config> Pallet<T> {
	/// The gains of all markets with positions, in base units of kUSD, and each market's edges. What
	/// overflows is left out.
	fn gains(state: &MarketsStateOf<T>) -> (Balance, Vec<(MarketId, Haircut)>) {
		let open = state.markets.iter().filter(|market| market.positions > 0);
		let each: Vec<_> = open
			.filter_map(|market| Some((market.id, gains_in(market, &Ladders::<T>::get(market.id))?)))
			.collect();
		// Saturates where the share is nothing.
		let sum = each
			.iter()
			.fold(0u128, |sum, (_, (gains, _))| sum.saturating_add(*gains));
		let edges = each.into_iter().map(|(id, (_, edges))| (id, edges)).collect();
		(sum, edges)
	}

	/// The share of `gains` that `deficit` is, rounded up, at most all.
	fn share(deficit: Balance, gains: Balance) -> FixedU128 {
		// Nothing of no gains; what does not fit is more than all.
		let share = match gains {
			0 => 0,
			gains => mul_div(deficit, ONE, gains, Rounding::Up).unwrap_or(ONE),
		};
		FixedU128::from_inner(share.min(ONE))
	}

	/// What the pool owes traders beyond what it has.
	fn deficit(state: &MarketsStateOf<T>) -> Balance {
		// What overflows has no sign.
		match Self::pool_equity(state) {
			Ok(equity) if equity < 0 => equity.unsigned_abs(),
			_ => 0,
		}
	}

	/// Whether there is anything for [`Self::follow_deficit`] to do: prices move deficit and gains.
	pub(crate) fn has_deficit(state: &MarketsStateOf<T>) -> bool {
		state.deficit > 0 || Self::deficit(state) > 0
	}

	/// Sets every market's haircut by what the pool is short of now. `state` is the caller's to write.
	pub(crate) fn follow_deficit(state: &mut MarketsStateOf<T>) {
		let deficit = Self::deficit(state);
		if deficit == 0 && state.deficit == 0 {
			return;
		}
		let (gains, edges) = match deficit {
			0 => Default::default(),
			_ => Self::gains(state),
		};
		let rate = Self::share(deficit, gains);
		for market in state.markets.iter_mut() {
			let edges = edges.iter().find(|(id, _)| *id == market.id);
			market.haircut = edges.map_or(Haircut::default(), |(_, edges)| Haircut { rate, ..*edges });
		}
		state.deficit = deficit;
		Self::deposit_event(Event::GainsHaircut { deficit, gains, rate });
	}

	/// The gains in `market` now. Nothing for an unknown one.
	pub(crate) fn view_gains(id: MarketId) -> Balance {
		let state = Self::state();
		let market = state.market(id).filter(|market| market.positions > 0);
		let gains = market.and_then(|market| gains_in(market, &Ladders::<T>::get(id)));
		gains.map_or(0, |(gains, _)| gains)
	}

	/// What closing all that `account` has at the mark would be cut by if the pool were short of `deficit`
	/// now.
	pub(crate) fn view_haircut(account: MarginAccountId, deficit: Balance) -> HaircutView {
		let state = Self::state();
		let (gains, edges) = Self::gains(&state);
		let rate = Self::share(deficit, gains);
		let cut = |position: &Position| {
			let (_, edges) = edges.iter().find(|(id, _)| *id == position.market)?;
			let gain = state.market(position.market)?.unrealised(position)?;
			Some(Haircut { rate, ..*edges }.of(position, gain))
		};
		let positions = T::Accounts::load(account)
			.map(|account| T::Accounts::trader(&account).positions.clone())
			.unwrap_or_default();
		let cost = positions
			.iter()
			.filter_map(cut)
			.fold(0u128, |sum, cost| sum.saturating_add(cost));
		HaircutView { rate, cost }
	}

	/// Moves a position in its market's ladder.
	pub(crate) fn shift(moved: &Moved) {
		let mut ladder = Ladders::<T>::get(moved.market);
		moved.shift_in(&mut ladder);
		Self::put_ladder(moved.market, &ladder);
	}

	/// Writes the ladder of market `id`; none where nobody is in.
	pub(crate) fn put_ladder(id: MarketId, ladder: &Ladder) {
		match ladder.is_empty() {
			true => Ladders::<T>::remove(id),
			false => Ladders::<T>::insert(id, ladder),
		}
	}
}
