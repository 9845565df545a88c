//! What must hold after every block.

use alloc::collections::{BTreeMap, BTreeSet};
use frame_support::ensure;
use keel_math::ONE;
use keel_primitives::{LiquidityPool, MarginAccounts, MarketId};
use sp_runtime::TryRuntimeError;

use crate::{
	haircut::after, Book, Claims, Config, Cuts, Ladders, NextOrder, Orders, Pallet, Position, Profits, Queue,
	Removed, Traders, Waiting,
};

/// The sums over the positions of one market.
#[derive(Default, PartialEq)]
struct Sums {
	long: u128,
	short: u128,
	cost: i128,
	funding: i128,
	count: u32,
}

impl<T: Config> Pallet<T> {
	/// Check every invariant. Walks all positions and all orders.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_positions()?;
		Self::check_orders()?;
		Self::check_ladders()?;
		Self::check_cuts()?;
		Self::check_claims()?;
		Self::check_money()
	}

	/// Positions are what the book's sums say.
	fn check_positions() -> Result<(), TryRuntimeError> {
		let book = Book::<T>::get();
		let mut sums = BTreeMap::<MarketId, Sums>::new();
		for market in &book.markets {
			ensure!(
				sums.insert(market.id, Sums::default()).is_none(),
				"two markets of one number"
			);
			ensure!(
				!Removed::<T>::contains_key(market.id),
				"a market has the number of one that was removed"
			);
			ensure!(
				market.rate.unsigned_abs() <= market.terms.max_funding_rate.into_inner(),
				"a funding rate beyond its limit"
			);
			ensure!(market.terms.skew_scale > 0, "a market without a skew scale");
			ensure!(
				market.rates.initial >= market.rates.maintenance,
				"an initial rate below the maintenance rate"
			);
		}
		for (_, trader) in Traders::<T>::iter() {
			ensure!(!trader.is_empty(), "a trader with nothing");
			let mut seen = BTreeSet::new();
			for position in &trader.positions {
				ensure!(position.size != 0, "a position of size zero");
				ensure!(
					seen.insert(position.market),
					"two positions of one account in one market"
				);
				let sum = sums.get_mut(&position.market).ok_or("a position in no market")?;
				let side = if position.size > 0 {
					&mut sum.long
				} else {
					&mut sum.short
				};
				*side = side
					.checked_add(position.size.unsigned_abs())
					.ok_or("sizes overflow")?;
				sum.cost = sum.cost.checked_add(position.cost).ok_or("costs overflow")?;
				sum.funding = sum
					.funding
					.checked_add(position.funding)
					.ok_or("funding overflows")?;
				sum.count = sum.count.checked_add(1).ok_or("positions overflow")?;
			}
		}
		for market in &book.markets {
			let sum = sums.get(&market.id).ok_or("a market is lost")?;
			ensure!(
				(sum.long, sum.short) == (market.long, market.short),
				"open interest is not the sum of sizes"
			);
			ensure!(sum.cost == market.cost, "the cost is not the sum of costs");
			ensure!(
				sum.funding == market.funding_debt,
				"the funding debt is not the sum of funding at entry"
			);
			ensure!(sum.count == market.positions, "the number of positions is wrong");
			ensure!(
				i128::try_from(sum.long)
					.ok()
					.zip(i128::try_from(sum.short).ok())
					.and_then(|(long, short)| long.checked_sub(short))
					== Some(market.skew()),
				"the skew is not longs less shorts"
			);
		}
		Ok(())
	}

	/// Every order is in its account, and in the queue or among the waiting, and nothing else is.
	fn check_orders() -> Result<(), TryRuntimeError> {
		let book = Book::<T>::get();
		let next = NextOrder::<T>::get();
		let (mut fees, mut queued, mut waiting) = (0u128, 0usize, 0usize);
		for (id, order) in Orders::<T>::iter() {
			ensure!(id < next && order.place < next, "an order from the future");
			ensure!(book.market(order.market).is_some(), "an order in no market");
			ensure!(
				Traders::<T>::get(order.account).orders.iter().any(|placed| (
					placed.id,
					placed.market,
					placed.size
				) == (
					id,
					order.market,
					order.size
				)),
				"an order its account does not know"
			);
			fees = fees.checked_add(order.fee).ok_or("order fees overflow")?;
			match order.trigger {
				Some(trigger) if order.queued_at.is_none() => {
					ensure!(
						Waiting::<T>::contains_key((order.market, trigger.when), trigger.key(id)),
						"an order does not wait where it should"
					);
					waiting += 1;
				}
				_ => {
					ensure!(order.queued_at.is_some(), "an order without a trigger waits");
					ensure!(
						Queue::<T>::get(order.market, order.place.to_be_bytes()) == Some(id),
						"an order is not in the queue"
					);
					queued += 1;
				}
			}
		}
		ensure!(
			fees == book.order_fees,
			"the fees held are not the sum of the orders'"
		);
		ensure!(
			Queue::<T>::iter_keys().count() == queued,
			"the queue has what is no order"
		);
		ensure!(
			Waiting::<T>::iter_keys().count() == waiting,
			"something waits that is no order"
		);
		for (account, trader) in Traders::<T>::iter() {
			let known: BTreeSet<_> = trader.orders.iter().map(|placed| placed.id).collect();
			ensure!(
				known.len() == trader.orders.len(),
				"an account knows an order twice"
			);
			for id in known {
				ensure!(
					Orders::<T>::get(id).is_some_and(|order| order.account == account),
					"an account knows an order that is not its own"
				);
			}
		}
		Ok(())
	}

	/// The ladders are what the positions make them.
	fn check_ladders() -> Result<(), TryRuntimeError> {
		let book = Book::<T>::get();
		let mut counted = BTreeMap::<(MarketId, u32), Profits>::new();
		for position in Traders::<T>::iter_values().flat_map(|trader| trader.positions) {
			ensure!(
				position.cuts_seen <= book.cuts,
				"a position has seen a cut from the future"
			);
			counted
				.entry((position.market, position.cuts_seen))
				.or_default()
				.shift(&Position::default(), &position)
				.ok_or("a ladder overflows")?;
		}
		for (market, seen, ladder) in Ladders::<T>::iter() {
			ensure!(
				counted.remove(&(market, seen)) == Some(ladder),
				"a ladder is not what positions make it"
			);
		}
		ensure!(counted.is_empty(), "positions are in no ladder");
		Ok(())
	}

	/// What is announced is taken in the end; what is repaid is no more than what was taken.
	fn check_cuts() -> Result<(), TryRuntimeError> {
		let (book, cuts) = (Book::<T>::get(), Cuts::<T>::get());
		let mut next = 0;
		let (mut outstanding, mut unrepaid, mut recovery) = (0u128, 0u128, 0u128);
		for cut in &cuts {
			ensure!(
				cut.number >= next && cut.number < book.cuts,
				"cuts are not in order"
			);
			next = cut.number.saturating_add(1);
			ensure!(cut.rate.into_inner() <= ONE, "a cut of more than all");
			ensure!(cut.repaid <= cut.to_repay(), "more is repaid than was cut");
			outstanding = outstanding.saturating_add(cut.outstanding());
			unrepaid = unrepaid.saturating_add(cut.unrepaid());
			recovery = recovery.saturating_add(
				cut.repaid
					.checked_sub(cut.paid)
					.ok_or("more is paid than was repaid")?,
			);
		}
		ensure!(
			book.cut_outstanding == outstanding,
			"what is not taken yet is not the sum of cuts"
		);
		ensure!(
			book.unrepaid == unrepaid,
			"what is to be repaid is not the sum of cuts"
		);
		ensure!(
			book.recovery == recovery,
			"what was repaid is not the sum of cuts"
		);
		let mut pending = BTreeMap::<u32, u128>::new();
		for position in Traders::<T>::iter_values().flat_map(|trader| trader.positions) {
			let open = book
				.market(position.market)
				.is_some_and(|market| !market.is_settled());
			ensure!(
				!open
					|| (position.cuts_seen..book.cuts)
						.all(|number| cuts.iter().any(|cut| cut.number == number)),
				"a position has not seen a cut that is forgotten"
			);
			for (number, share) in after(&cuts, &position).1 {
				let sum = pending.entry(number).or_default();
				*sum = sum.saturating_add(share);
			}
		}
		for cut in &cuts {
			let left = pending.get(&cut.number).copied().unwrap_or(0);
			ensure!(
				left >= cut.outstanding(),
				"positions have less to give than was announced"
			);
		}
		Ok(())
	}

	/// Claims are on what was taken, and got no more than was paid.
	fn check_claims() -> Result<(), TryRuntimeError> {
		let cuts = Cuts::<T>::get();
		let mut sums = BTreeMap::<u32, (u128, u128, u32)>::new();
		for (_, number, claim) in Claims::<T>::iter() {
			ensure!(claim.paid < claim.cut, "a claim of nothing");
			let sum = sums.entry(number).or_default();
			sum.0 = sum.0.saturating_add(claim.cut);
			sum.1 = sum.1.saturating_add(claim.paid);
			sum.2 = sum.2.saturating_add(1);
		}
		for cut in &cuts {
			let (claimed, paid, count) = sums.remove(&cut.number).unwrap_or_default();
			ensure!(claimed <= cut.collected, "more is claimed than was taken");
			ensure!(paid <= cut.paid, "claims got more than was paid");
			// Those that are gone got all they lost.
			ensure!(
				cut.collected.saturating_sub(claimed) == cut.paid.saturating_sub(paid),
				"a claim is lost"
			);
			ensure!(count == cut.open, "the number of claims is wrong");
		}
		ensure!(sums.is_empty(), "a claim on a cut that is over");
		Ok(())
	}

	/// Clearing is the pool's and the pots', to the unit.
	fn check_money() -> Result<(), TryRuntimeError> {
		let book = Book::<T>::get();
		let pots = book
			.markets
			.iter()
			.try_fold(0u128, |sum, market| {
				sum.checked_add(market.rebates)?.checked_add(market.tranche)
			})
			.and_then(|sum| sum.checked_add(book.fund_due))
			.and_then(|sum| sum.checked_add(book.order_fees))
			.and_then(|sum| sum.checked_add(book.recovery))
			.ok_or("the pots overflow")?;
		let claimed = T::Pool::held()
			.checked_add_unsigned(pots)
			.ok_or("the claims on clearing overflow")?;
		ensure!(
			T::Accounts::clearing() <= claimed,
			"clearing is more than the pool's and the pots"
		);
		ensure!(
			T::Accounts::clearing() >= claimed,
			"clearing is less than the pool's and the pots"
		);
		Ok(())
	}
}
