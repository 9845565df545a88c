//! What a block does by itself, before its transactions.

use alloc::vec::Vec;
use frame_support::{
	traits::{Get, Time},
	weights::{Weight, WeightMeter},
};
use frame_system::pallet_prelude::BlockNumberFor;
use keel_math::{perpetual, FixedU128};
use keel_primitives::{MarginAccounts, MarketId, Moment, RiskParameters, MARKETS_PART};
use sp_runtime::traits::UniqueSaturatedInto;

use crate::{
	order::read_key, orders::Tried, Config, Ladder, Ladders, Markets, MarketsStateOf, Order, Pallet, Queue,
	Ratchets, Resting, Stage, Waiting, WeightInfo, When,
};

/// How many orders a block looks at for each one it may try: those that have to wait are passed.
const LOOKS_PER_TRY: u32 = 4;

/// What part of a block's orders may be resting ones. Who only rests pays nothing, and must not keep others
/// waiting.
const RESTING_PART: u32 = 4;

/// What is left to do with in a block.
pub(crate) struct Budget<'a> {
	/// Orders that may be looked at.
	pub looks: u32,
	/// Orders that may be tried.
	pub tries: u32,
	/// Orders that may be triggered, and trailing triggers that may be moved.
	pub triggers: u32,
	/// Resting orders that may join the queue.
	pub resting: u32,
	/// Whether accounts wait to be looked at for what they did: what opens waits for them.
	pub behind: bool,
	pub meter: &'a mut WeightMeter,
}

impl<T: Config> Pallet<T> {
	/// Bring the state up to date, pay the fund, trigger and fill orders, a market after the other, another
	/// one first in every block. One block in [`MARKETS_PART`] is the most it takes.
	pub(crate) fn poll(block: BlockNumberFor<T>, meter: &mut WeightMeter) {
		let part = T::BlockWeights::get().max_block / MARKETS_PART;
		let mut own = WeightMeter::with_limit(meter.remaining().min(part));
		Self::work_block(block, &mut own);
		meter.consume(own.consumed());
	}

	fn work_block(block: BlockNumberFor<T>, meter: &mut WeightMeter) {
		// At most `MaxMarkets`.
		let count = Markets::<T>::get().markets.len() as u32;
		if meter.try_consume(T::WeightInfo::refresh(count)).is_err() {
			return;
		}
		let now = T::Time::now();
		Self::refresh(now);
		if Self::has_deficit(&Markets::<T>::get()) {
			if meter.try_consume(T::WeightInfo::follow_deficit(count)).is_err() {
				// Without the share that the pool can pay no gain is paid: the state is not up to date.
				Markets::<T>::mutate(|state| state.refreshed_at = 0);
				return;
			}
			Markets::<T>::mutate(Self::follow_deficit);
		}
		if Self::is_sweep_due(now) && meter.try_consume(T::WeightInfo::sweep()).is_ok() {
			Self::sweep(now);
		}
		let mut markets: Vec<_> = Markets::<T>::get()
			.markets
			.iter()
			.filter(|market| market.fit.reduce_risk && !market.is_settled() && !market.has_stopped(now))
			.map(|market| (market.id, market.index(), market.mark(), market.price.since))
			.collect();
		if markets.is_empty() {
			return;
		}
		let block: usize = block.unique_saturated_into();
		let first = block % markets.len();
		markets.rotate_left(first);
		let most = T::RiskParameters::chain().orders_per_block;
		let mut budget = Budget {
			looks: most.saturating_mul(LOOKS_PER_TRY),
			tries: most,
			triggers: most,
			resting: most.div_ceil(RESTING_PART),
			behind: T::Accounts::is_behind(),
			meter,
		};
		// The first of the line, and its account.
		if budget.meter.try_consume(T::DbWeight::get().reads(3)).is_err() {
			return;
		}
		// Read once, and written once for all orders of the block.
		let mut state = Self::state();
		for (market, index, mark, made_at) in markets {
			// The heads of both sides of those that trail, wait and rest.
			if budget.meter.try_consume(T::DbWeight::get().reads(6)).is_err() {
				break;
			}
			Self::ratchet(market, index, &mut budget);
			Self::fire(market, index, now, &mut budget);
			Self::wake(market, mark, now, &mut budget);
			Self::work(&mut state, market, made_at, &mut budget);
		}
		Markets::<T>::put(state);
	}

	/// What taking an order from one list to another weighs, with the next head, and the place where it
	/// trails.
	fn step_weight() -> Weight {
		T::WeightInfo::trigger_order().saturating_add(T::DbWeight::get().reads_writes(1, 1))
	}

	/// What working off the queue of a market weighs before the first order is tried.
	fn queue_weight() -> Weight {
		T::WeightInfo::fill_orders(0).max(T::WeightInfo::fail_orders(0))
	}

	/// What trying `order` weighs among others of its market: one of a pair may end the other, and while the
	/// pool is short a gain leaves a claim.
	fn order_weight(order: &Order, is_short: bool) -> Weight {
		let fills = T::WeightInfo::fill_orders(1).saturating_sub(T::WeightInfo::fill_orders(0));
		let fails = T::WeightInfo::fail_orders(1).saturating_sub(T::WeightInfo::fail_orders(0));
		let claim = match is_short {
			true => T::DbWeight::get().reads_writes(1, 1),
			false => Weight::zero(),
		};
		let alone = fills.max(fails).saturating_add(claim);
		match order.twin {
			Some(_) => alone.saturating_add(Self::weight_of_cancel()),
			None => alone,
		}
	}

	/// The weight of committing an order, which may trail.
	pub(crate) fn weight_of_commit() -> Weight {
		T::WeightInfo::commit_order().saturating_add(T::DbWeight::get().writes(1))
	}

	/// The weight of cancelling an order, which may trail.
	pub(crate) fn weight_of_cancel() -> Weight {
		// The place where it trails; and what taking it out of the queue for its fee adds.
		T::WeightInfo::cancel_order().saturating_add(T::DbWeight::get().reads_writes(3, 5))
	}

	/// Have trailing triggers follow the index price, those that are farthest behind first.
	fn ratchet(market: MarketId, index: FixedU128, budget: &mut Budget) {
		for when in [When::Above, When::Below] {
			let mut all = Ratchets::<T>::iter_prefix((market, when));
			while budget.triggers > 0 {
				let Some((key, account)) = all.next() else {
					break;
				};
				let (at, id) = read_key(when, &key);
				if !at.is_met(index) {
					break;
				}
				// Its own lists instead of the queue: one more.
				let follow = Self::step_weight().saturating_add(T::DbWeight::get().writes(1));
				if budget.meter.try_consume(follow).is_err() {
					return;
				}
				budget.triggers = budget.triggers.saturating_sub(1);
				// Also if the order does nothing: what is met must not stay in front.
				Ratchets::<T>::remove((market, when), key);
				Self::follow(account, id, index);
			}
		}
	}

	/// Move the orders whose triggers are met at `index` into the queue, the nearest triggers first.
	fn fire(market: MarketId, index: FixedU128, now: Moment, budget: &mut Budget) {
		for when in [When::Above, When::Below] {
			let mut all = Waiting::<T>::iter_prefix((market, when));
			while budget.triggers > 0 {
				let Some((key, account)) = all.next() else {
					break;
				};
				let (met, id) = read_key(when, &key);
				if !met.is_met(index) {
					break;
				}
				if budget.meter.try_consume(Self::step_weight()).is_err() {
					return;
				}
				budget.triggers = budget.triggers.saturating_sub(1);
				Waiting::<T>::remove((market, when), key);
				Self::trigger(account, id, index, now);
			}
		}
	}

	/// Move the orders to whose limits the mark has come into the queue, the best limits first.
	fn wake(market: MarketId, mark: FixedU128, now: Moment, budget: &mut Budget) {
		for when in [When::Above, When::Below] {
			let mut all = Resting::<T>::iter_prefix((market, when));
			while budget.resting > 0 {
				let Some((key, account)) = all.next() else {
					break;
				};
				let (limit, id) = read_key(when, &key);
				if !limit.is_met(mark) {
					break;
				}
				if budget.meter.try_consume(Self::step_weight()).is_err() {
					return;
				}
				budget.resting = budget.resting.saturating_sub(1);
				Resting::<T>::remove((market, when), key);
				Self::trigger(account, id, mark, now);
			}
		}
	}

	/// Try the orders that joined the queue before the price was made, first come, first served.
	///
	/// Where one has to wait because the premium moves no further that way, all behind it that would move it the same way
	/// wait too; only a reduction with a limit meets no step, and passes. The other side goes on.
	///
	/// The market's gains ladder is read with the first of them and written after the last.
	pub(crate) fn work(
		state: &mut MarketsStateOf<T>,
		market: MarketId,
		made_at: Moment,
		budget: &mut Budget,
	) {
		let mut ladder = None;
		Self::work_off(state, &mut ladder, market, made_at, budget);
		if let Some(ladder) = ladder {
			Self::put_ladder(market, &ladder);
		}
	}

	fn work_off(
		state: &mut MarketsStateOf<T>,
		ladder: &mut Option<Ladder>,
		market: MarketId,
		made_at: Moment,
		budget: &mut Budget,
	) {
		let (mut buys_wait, mut sells_wait, mut last) = (false, false, None);
		while budget.tries > 0 && budget.looks > 0 {
			// The key, and the account.
			if budget.meter.try_consume(T::DbWeight::get().reads(2)).is_err() {
				return;
			}
			budget.looks = budget.looks.saturating_sub(1);
			// From behind the last one, whatever became of it: a walk from the front would pass all that
			// were removed.
			let next = match last {
				Some(key) => {
					Queue::<T>::iter_prefix_from(market, Queue::<T>::hashed_key_for(market, key)).next()
				}
				None => Queue::<T>::iter_prefix(market).next(),
			};
			let Some((key, (id, number))) = next else {
				return;
			};
			last = Some(key);
			let loaded = T::Accounts::load(id).ok();
			let order = loaded
				.as_ref()
				.and_then(|account| T::Accounts::trader(account).order(number).copied());
			let (Some(account), Some(order)) = (loaded, order) else {
				// No order, nothing to wait for.
				Queue::<T>::remove(market, key);
				continue;
			};
			if matches!(order.stage, Stage::Queued { since, .. } if made_at <= since) {
				return;
			}
			let waits = if order.size > 0 {
				&mut buys_wait
			} else {
				&mut sells_wait
			};
			let passes = order.reduce_only && order.limit.is_some();
			let held = T::Accounts::trader(&account).position(market).size;
			let opens = !order.reduce_only && perpetual::split(order.size, held).0 != 0;
			if (*waits && !passes) || (budget.behind && opens) {
				continue;
			}
			let begins = match ladder {
				Some(_) => Weight::zero(),
				None => Self::queue_weight(),
			};
			let weighs = Self::order_weight(&order, state.deficit > 0).saturating_add(begins);
			if budget.meter.try_consume(weighs).is_err() {
				return;
			}
			budget.tries = budget.tries.saturating_sub(1);
			let ladder = ladder.get_or_insert_with(|| Ladders::<T>::get(market));
			if Self::try_order(state, ladder, id, account, &order) == Tried::Waits {
				*waits = true;
			}
		}
	}
}
