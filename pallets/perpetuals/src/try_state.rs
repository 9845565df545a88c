//! What must hold after every block.

use alloc::collections::{BTreeMap, BTreeSet};
use frame_support::ensure;
use keel_math::{product_sum::MINIMUM, ONE};
use keel_primitives::{Clearing, LiquidityPool, MarginAccounts, MarketId};
use sp_runtime::TryRuntimeError;

use crate::{
	Claims, Config, Ladder, Ladders, Markets, NextOrder, Pallet, Queue, Ratchets, Removed, Resting, Stage,
	Waiting,
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
		Self::check_claims()?;
		Self::check_money()
	}

	/// Positions are what the state's sums say.
	fn check_positions() -> Result<(), TryRuntimeError> {
		let state = Markets::<T>::get();
		let mut sums = BTreeMap::<MarketId, Sums>::new();
		for market in &state.markets {
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
		for (_, trader) in T::Accounts::traders() {
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
		for market in &state.markets {
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

	/// Every order is where it waits, and nothing else is.
	fn check_orders() -> Result<(), TryRuntimeError> {
		let state = Markets::<T>::get();
		let next = NextOrder::<T>::get();
		let mut known = BTreeSet::new();
		let (mut queued, mut waiting, mut resting, mut trailing) = (0, 0, 0, 0);
		let traders = T::Accounts::traders();
		let orders = traders
			.iter()
			.flat_map(|(account, trader)| trader.orders.iter().map(|order| (*account, order)));
		for (account, order) in orders {
			let id = order.id;
			ensure!(known.insert(id), "two orders of one number");
			ensure!(id < next, "an order from the future");
			ensure!(order.size != 0, "an order of size zero");
			ensure!(state.market(order.market).is_some(), "an order in no market");
			match order.stage {
				Stage::Waiting => {
					let trigger = order.trigger.ok_or("an order waits without a trigger")?;
					ensure!(
						Waiting::<T>::get((order.market, trigger.when), trigger.key(id)) == Some(account),
						"an order does not wait where it should"
					);
					waiting += 1;
					if let Some(ratchet) = trigger.ratchet() {
						ensure!(
							Ratchets::<T>::get((order.market, ratchet.when), ratchet.key(id))
								== Some(account),
							"a trailing trigger does not move on where it should"
						);
						trailing += 1;
					}
				}
				Stage::Resting => {
					let limit = order.rests_for().ok_or("an order rests without a limit")?;
					ensure!(
						Resting::<T>::get((order.market, limit.when), limit.key(id)) == Some(account),
						"an order does not rest where it should"
					);
					resting += 1;
				}
				Stage::Queued { place, .. } => {
					ensure!(place < next, "an order from the future");
					ensure!(
						Queue::<T>::get(order.market, place.to_be_bytes()) == Some((account, id)),
						"an order is not in the queue"
					);
					queued += 1;
				}
			}
		}
		ensure!(
			Queue::<T>::iter_keys().count() == queued,
			"the queue has what is no order"
		);
		ensure!(
			Waiting::<T>::iter_keys().count() == waiting,
			"something waits that is no order"
		);
		ensure!(
			Resting::<T>::iter_keys().count() == resting,
			"something rests that is no order"
		);
		ensure!(
			Ratchets::<T>::iter_keys().count() == trailing,
			"something trails that is no order"
		);
		Ok(())
	}

	/// Every ladder has the sums of its market's positions, bin by bin, and a haircut is a share of what is
	/// short.
	fn check_ladders() -> Result<(), TryRuntimeError> {
		let state = Markets::<T>::get();
		let mut counted = BTreeMap::<MarketId, Ladder>::new();
		let positions = T::Accounts::traders()
			.into_iter()
			.flat_map(|(_, trader)| trader.positions);
		for position in positions.filter(|position| !position.is_dust()) {
			let ladder = counted.entry(position.market).or_insert_with(|| Ladder {
				bits: Ladders::<T>::get(position.market).bits,
				..Default::default()
			});
			ladder.add(&position).ok_or("a ladder overflows")?;
		}
		for (market, ladder) in Ladders::<T>::iter() {
			ensure!(
				counted.remove(&market) == Some(ladder),
				"a ladder is not what positions make it"
			);
		}
		ensure!(counted.is_empty(), "positions are in no ladder");
		for market in &state.markets {
			let rate = market.haircut.rate.into_inner();
			ensure!(
				rate <= ONE && (rate == 0 || state.deficit > 0),
				"a haircut of more than all, or for nothing"
			);
		}
		Ok(())
	}

	/// The claims add up to what haircuts took and fees have not repaid, and what is due of them to what was
	/// repaid.
	fn check_claims() -> Result<(), TryRuntimeError> {
		let state = Markets::<T>::get();
		ensure!(
			(MINIMUM..=keel_math::product_sum::ONE).contains(&state.unrepaid.p),
			"the share that is not repaid is out of range"
		);
		let (mut owed, mut due, mut count) = (0u128, 0u128, 0u128);
		for claim in Claims::<T>::iter_values() {
			ensure!(claim.owed > 0 || claim.due > 0, "a claim of nothing");
			let (left, payable) = claim.at(state.unrepaid).ok_or("a claim from the future")?;
			owed = owed.saturating_add(left);
			due = due.saturating_add(payable);
			count = count.saturating_add(1);
		}
		let most = count.saturating_add(state.roundings.into());
		ensure!(
			owed >= state.claims && owed <= state.claims.saturating_add(most),
			"what is claimed is not the sum of claims"
		);
		ensure!(
			due.saturating_add(most) >= state.recovery && due <= state.recovery.saturating_add(count),
			"what was repaid is not the sum of what is due"
		);
		Ok(())
	}

	/// Clearing is the pool's and the pots', to the unit.
	fn check_money() -> Result<(), TryRuntimeError> {
		let state = Markets::<T>::get();
		let pots = state
			.markets
			.iter()
			.try_fold(0u128, |sum, market| {
				sum.checked_add(market.rebates)?.checked_add(market.tranche)
			})
			.and_then(|sum| sum.checked_add(state.fund_due))
			.and_then(|sum| sum.checked_add(state.recovery))
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
