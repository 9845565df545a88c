//! Cover 2: what would be missing from whom in each stress scenario. And what a block does without being asked.
//!
//! A shortfall is an account's. One trader may be many accounts, of one key or of many, and each of them
//! shows its own part alone. So the target has a floor that depends on open interest and not on who has it:
//! half of the worst case of one market, which is at least what a trader with all of a side can fall short
//! of. Splitting a position that is the two largest shortfalls, over whatever accounts and keys, lowers the
//! target by at most half. Sums per key would add nothing: keys are free. Worked: 20 M of longs in one
//! account on the least margin of 4.5 % are short of 3.1 M in a fall by 20 %; in a hundred accounts they show
//! 62,000, and the floor is 2.06 M.

use alloc::{collections::BTreeSet, vec::Vec};
use frame_support::{traits::Time, weights::WeightMeter, BoundedVec};
use frame_system::pallet_prelude::BlockNumberFor;
use keel_math::{mul_ratio, Rounding};
use keel_primitives::{Balance, Exposure, MarginAccountId, Moment, Positions, RiskParameters};
use sp_runtime::{traits::SaturatedConversion, FixedU128};

use crate::{
	AccountData, Accounts, Collaterals, Config, CoverView, Health, Losses, NextId, Pallet, Scenario, Stress,
	Totals, WeightInfo, MAX_WORST,
};

/// How many accounts of the stress lists are measured again in a block.
const MEASURED_PER_BLOCK: u64 = 2;
/// How many of all accounts, one after the other: a hundred thousand in about 14 hours. Prices may move one
/// that nobody looks at into the lists. Numbers of closed accounts have their turn too.
const SWEPT_PER_BLOCK: u64 = 4;
/// The floor of the fund's target is the worst case of one market over this.
const FLOOR_PART: Balance = 2;
/// How old the debt index may grow before a block accrues interest by itself, in ms.
const ACCRUAL_PERIOD: Moment = 60_000;

/// What a position gains as its market rises by its stress, and loses as it falls by it, rounded against the account. Saturates:
/// what is beyond 128 bits is beyond every fund.
fn shock(exposure: &Exposure, falls: bool) -> i128 {
	let gains = (exposure.size < 0) == falls;
	let rounding = if gains { Rounding::Down } else { Rounding::Up };
	let change = mul_ratio(exposure.notional, exposure.stress, rounding).unwrap_or(Balance::MAX);
	if gains {
		0i128.saturating_add_unsigned(change)
	} else {
		0i128.saturating_sub_unsigned(change)
	}
}

/// What is missing from an account of this worth.
fn missing(net: i128) -> Balance {
	if net < 0 {
		net.unsigned_abs()
	} else {
		0
	}
}

/// The shortfall of an account in each scenario it has something to do with, and in every other one.
pub(crate) fn shortfalls(health: &Health) -> (Vec<(Scenario, Balance)>, Balance) {
	let net = health.risk.net;
	let mut all = Vec::new();
	let (mut down, mut up) = (net, net);
	for exposure in &health.exposures {
		let (fall, rise) = (shock(exposure, true), shock(exposure, false));
		down = down.saturating_add(fall);
		up = up.saturating_add(rise);
		all.push((Scenario::Down(exposure.market), missing(net.saturating_add(fall))));
		all.push((Scenario::Up(exposure.market), missing(net.saturating_add(rise))));
	}
	// Another haircut: as much again of the value as does not count anyway, or all that counts.
	let haircuts = health.holdings.iter().fold(0, |sum: Balance, holding| {
		let cut = holding.value.saturating_sub(holding.counted);
		sum.saturating_add(cut.min(holding.counted))
	});
	all.push((Scenario::AllDown, missing(down.saturating_sub_unsigned(haircuts))));
	all.push((Scenario::AllUp, missing(up)));
	(all, missing(net))
}

/// Put `account` where its `shortfall` belongs in a scenario's list; nowhere if it is zero. Whether anything changed.
fn place(losses: &mut Losses, account: MarginAccountId, shortfall: Balance) -> bool {
	let listed = losses.worst.iter().find(|(id, _)| *id == account);
	if listed.map_or(0, |(_, old)| *old) == shortfall {
		return false;
	}
	let mut worst: Vec<_> = losses
		.worst
		.iter()
		.copied()
		.filter(|(id, _)| *id != account)
		.collect();
	if shortfall > 0 {
		let at = worst.partition_point(|(id, other)| (*other, account) > (shortfall, *id));
		worst.insert(at, (account, shortfall));
	}
	worst.truncate(MAX_WORST as usize);
	let changed = worst != losses.worst.as_slice();
	losses.worst = BoundedVec::truncate_from(worst);
	changed
}

/// The sum of a scenario's two largest shortfalls. Saturates: a fund can't hold more.
fn two_largest(losses: &Losses) -> Balance {
	losses
		.worst
		.iter()
		.take(2)
		.fold(0, |sum: Balance, (_, loss)| sum.saturating_add(*loss))
}

impl<T: Config> Pallet<T> {
	/// Bring the stress lists up to date with account `id`; written only if something changed.
	///
	/// An account that falls off a full list is back with its next measurement, which is when it acts, is
	/// looked at, or has its turn: the lists are an estimate that is exact for the largest as long as nothing
	/// leaves them.
	pub(crate) fn measure(id: MarginAccountId, account: &AccountData<T>, health: &Health) {
		let (own, otherwise) = match Self::is_bare(account, &health.exposures) {
			true => (Vec::new(), 0),
			false => shortfalls(health),
		};
		let mut lists = Stress::<T>::get();
		let mut changed = false;
		for losses in lists.iter_mut() {
			let shortfall = own
				.iter()
				.find(|(scenario, _)| *scenario == losses.scenario)
				.map_or(otherwise, |(_, shortfall)| *shortfall);
			changed |= place(losses, id, shortfall);
		}
		for (scenario, shortfall) in own {
			if shortfall == 0 || lists.iter().any(|losses| losses.scenario == scenario) {
				continue;
			}
			let mut losses = Losses {
				scenario,
				worst: BoundedVec::new(),
			};
			place(&mut losses, id, shortfall);
			// There is room for the scenarios of every market there may be.
			changed |= lists.try_push(losses).is_ok();
		}
		if changed {
			lists.retain(|losses| !losses.worst.is_empty());
			Stress::<T>::put(lists);
		}
	}

	/// Take account `id` off all stress lists.
	pub(crate) fn forget_stress(id: MarginAccountId) {
		let mut lists = Stress::<T>::get();
		let mut changed = false;
		for losses in lists.iter_mut() {
			changed |= place(losses, id, 0);
		}
		if changed {
			lists.retain(|losses| !losses.worst.is_empty());
			Stress::<T>::put(lists);
		}
	}

	/// What the insurance fund should hold: the two largest shortfalls of the worst scenario, at least half
	/// of the worst case of one market.
	pub(crate) fn target() -> Balance {
		Self::target_of(&Stress::<T>::get())
	}

	fn target_of(lists: &[Losses]) -> Balance {
		let largest = lists.iter().map(two_largest).max().unwrap_or(0);
		largest.max(Self::floor())
	}

	/// What no splitting lowers the target below.
	fn floor() -> Balance {
		T::Positions::worst_market() / FLOOR_PART
	}

	pub(crate) fn view_cover() -> CoverView {
		let lists = Stress::<T>::get();
		let mut scenarios: Vec<_> = lists
			.iter()
			.map(|losses| (losses.scenario, two_largest(losses)))
			.collect();
		scenarios.sort_unstable();
		CoverView {
			target: Self::target_of(&lists),
			floor: Self::floor(),
			scenarios,
		}
	}

	/// Interest once a minute, the haircut of one collateral, a few accounts measured: of the stress lists and of
	/// all.
	pub(crate) fn do_poll(block: BlockNumberFor<T>, meter: &mut WeightMeter) {
		if meter.try_consume(T::WeightInfo::on_poll_base()).is_err() {
			return;
		}
		let block: u64 = block.saturated_into();
		Self::accrue();
		Self::follow_haircut(block);

		let listed: BTreeSet<_> = Stress::<T>::get()
			.iter()
			.flat_map(|losses| losses.worst.iter().map(|(id, _)| *id))
			.collect();
		let listed: Vec<_> = listed.into_iter().collect();
		// In turn; none of nothing.
		let turn = |many: u64, i: u64, all: u64| block.wrapping_mul(many).wrapping_add(i).checked_rem(all);
		let count = (listed.len() as u64).min(MEASURED_PER_BLOCK);
		let again = (0..count).filter_map(|i| {
			let index = turn(MEASURED_PER_BLOCK, i, listed.len() as u64)?;
			listed.get(index as usize).copied()
		});
		let all = NextId::<T>::get();
		let swept = (0..all.min(SWEPT_PER_BLOCK)).filter_map(|i| turn(SWEPT_PER_BLOCK, i, all));
		for id in again.chain(swept) {
			let each = T::WeightInfo::restress().saturating_add(T::Positions::view_weight());
			if meter.try_consume(each).is_err() {
				return;
			}
			Self::restress(id);
		}
	}

	fn accrue() {
		let money = Self::money();
		let stored = Totals::<T>::get();
		let is_due = money.index_at.saturating_sub(stored.index_at) >= ACCRUAL_PERIOD;
		// A curve that changed is in force from now on.
		if stored.lent > 0 && (is_due || money.curve != stored.curve) {
			Totals::<T>::put(money);
		}
	}

	/// Where governance moved a haircut or its pace, the way from what is in force begins anew. One collateral a block, in turn.
	fn follow_haircut(block: u64) {
		let mut list = Collaterals::<T>::get();
		let Some(turn) = block.checked_rem(list.len() as u64) else {
			return;
		};
		let Some(collateral) = list.get_mut(turn as usize) else {
			return;
		};
		let Ok(parameters) = T::RiskParameters::collateral(collateral.asset) else {
			return;
		};
		let (target, ramp) = (parameters.haircut, parameters.haircut_ramp);
		if (collateral.haircut_target, collateral.haircut_ramp) == (target, ramp) {
			return;
		}
		let now = T::ActiveTime::now();
		let haircut: FixedU128 = collateral.haircut(now);
		collateral.haircut = haircut;
		collateral.haircut_active = now;
		collateral.haircut_target = target;
		collateral.haircut_ramp = ramp;
		Collaterals::<T>::put(list);
	}

	/// Measure account `id` again at the prices of now.
	pub(crate) fn restress(id: MarginAccountId) {
		let health = Accounts::<T>::get(id).and_then(|account| {
			let health = Self::health(&account, &Self::money()).ok()?;
			Some((account, health))
		});
		if let Some((account, health)) = health {
			Self::measure(id, &account, &health);
		}
	}
}
