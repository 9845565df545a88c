//! The margin account that the benchmarks liquidate has all that an account can have, and its liquidation does all that one
//! can do: what an account is charged is no less than what any costs.
#![cfg(feature = "runtime-benchmarks")]

mod common;

use common::{events, Chain};
use frame_support::{
	assert_ok,
	dispatch::{DispatchClass, GetDispatchInfo},
	traits::{Authorize, Get},
};
use frame_system::RawOrigin;
use keel_primitives::{Group, PositionId, PositionLedger, TriggerIndex};
use keel_runtime::{
	adapters::Ledgers, configs::BlockWeights, Liquidations, Runtime, RuntimeCall, RuntimeEvent, System,
};
use sp_runtime::transaction_validity::TransactionSource;

/// As the benchmarks do, in a block that has events.
fn with_dearest(test: impl FnOnce(Group, PositionId)) {
	Chain::new().state(|| {
		System::set_block_number(1);
		let (group, id) = Ledgers::create_unsafe_account().expect("margin makes one");
		System::reset_events();
		test(group, id);
	});
}

fn call(group: Group, position: PositionId) -> RuntimeCall {
	RuntimeCall::Liquidations(pallet_liquidations::Call::liquidate { group, position })
}

/// How many events are of this kind.
fn count(is: impl Fn(&RuntimeEvent) -> bool) -> u32 {
	events().iter().filter(|event| is(event)).count() as u32
}

#[test]
fn has_all_that_an_account_can_have() {
	with_dearest(|_, id| {
		let trader = common::trader(id);
		let account = pallet_margin::Accounts::<Runtime>::get(id).unwrap();
		let most: (u32, u32, u32) = (
			<Runtime as pallet_perpetuals::Config>::MaxPositions::get(),
			<Runtime as pallet_perpetuals::Config>::MaxOrders::get(),
			<Runtime as pallet_margin::Config>::MaxHeld::get(),
		);
		assert_eq!(
			(
				trader.positions.len() as u32,
				trader.orders.len() as u32,
				account.collateral.len() as u32
			),
			most
		);
		// A haircut is on already.
		assert!(pallet_perpetuals::Markets::<Runtime>::get().deficit > 0);

		// One for each, a deadline, and a place in line.
		let triggers = trader.positions.len() + account.collateral.len() + 2;
		assert_eq!(account.triggers.len(), triggers);
		let lists = pallet_margin::Stress::<Runtime>::get();
		assert_eq!(lists.len() as u32, pallet_margin::MAX_SCENARIOS);
		assert!(lists
			.iter()
			.all(|losses| losses.worst.iter().any(|(listed, _)| *listed == id)));
	});
}

#[test]
fn loses_all_of_it() {
	use pallet_margin::Event::*;
	use pallet_perpetuals::Event::{GainsHaircut, OrderCancelled, PositionLiquidated};
	with_dearest(|group, id| {
		let trader = common::trader(id);
		let account = pallet_margin::Accounts::<Runtime>::get(id).unwrap();
		let (positions, orders) = (trader.positions.len() as u32, trader.orders.len() as u32);
		let held = account.collateral.len() as u32;
		assert_ok!(call(group, id)
			.authorize(TransactionSource::InBlock)
			.expect("it is authorised"));
		assert_ok!(Liquidations::liquidate(RawOrigin::Authorized.into(), group, id));

		let perpetuals = |is: fn(&pallet_perpetuals::Event<Runtime>) -> bool| {
			count(|event| matches!(event, RuntimeEvent::Perpetuals(event) if is(event)))
		};
		assert_eq!(perpetuals(|event| matches!(event, OrderCancelled { .. })), orders);
		assert_eq!(
			perpetuals(|event| matches!(event, PositionLiquidated { position: 0, .. })),
			positions
		);
		// What is covered is a deficit of the pool: the haircut is set anew.
		assert_eq!(perpetuals(|event| matches!(event, GainsHaircut { .. })), 1);

		let sold = |pool: bool| {
			count(
				|event| matches!(event, RuntimeEvent::Margin(CollateralSold { to_pool, .. }) if *to_pool == pool),
			)
		};
		let (to_pool, to_fund) = (sold(true), sold(false));
		assert!(to_pool > 0 && to_fund > 0);
		// One of them is divided.
		assert_eq!(to_pool + to_fund, held + 1);
		let covered = events().into_iter().find_map(|event| match event {
			RuntimeEvent::Margin(DeficitCovered { by, .. }) => Some(by),
			_ => None,
		});
		let by = covered.expect("something was missing");
		assert!(by.tranche > 0 && by.fund > 0 && by.pool > 0, "{by:?}");

		assert!(common::trader(id).positions.is_empty());
		let left = pallet_margin::Accounts::<Runtime>::get(id).unwrap();
		assert!(left.debt == 0 && left.collateral.is_empty() && left.triggers.is_empty());
		for (of, trigger) in account.triggers {
			let entry = keel_primitives::Entry { trigger, debt: 0 };
			assert!(!Liquidations::contains(of, id, entry));
		}
		assert!(pallet_margin::Stress::<Runtime>::get()
			.iter()
			.all(|losses| losses.worst.iter().all(|(listed, _)| *listed != id)));
	});
}

/// It is dearer than a vault, and several of them fit a block that is full of other transactions.
#[test]
fn is_charged_for_it() {
	let weight = |group| call(group, 0).get_dispatch_info().call_weight;
	let (vault, account) = (weight(Group::Branch(2)), weight(Group::Deadline));
	// Of time; how large a proof would be depends on what else is stored.
	assert!(account.ref_time() > vault.ref_time());
	let limits = BlockWeights::get();
	let normal = limits.get(DispatchClass::Normal).max_total.unwrap();
	let rest = limits.max_block.saturating_sub(normal);
	assert!(account.saturating_mul(2).all_lte(rest));
}
