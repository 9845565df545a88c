//! The heart: as long as nothing has crossed its trigger and the deadline is not over, an account can't be unsafe.

use super::*;
use keel_math::{margin::saturating_signed, mul_ratio, FixedU128, Rounding};
use proptest::prelude::*;

const MARKETS: [u32; 3] = [BTC_MARKET, ETH_MARKET, DOT_MARKET];
const ASSETS: [u32; 3] = [BTC, ETH, DOT];

/// One market and an account's position in it.
#[derive(Clone, Debug)]
struct Side {
	/// In thousandths of a kUSD of value at entry; below zero short.
	value: i64,
	/// Where it was entered, over today's mark, in percent.
	entry: u128,
	rate_bps: u128,
	funding_bps: u128,
	ramp_bps: u128,
	/// How far to the trigger its mark goes, in hundredths of the way; below zero away from it.
	goes: i32,
}

#[derive(Clone, Debug)]
struct Held {
	/// Its value in thousandths of a kUSD.
	value: u128,
	haircut: u128,
	ramp_bps: u128,
	goes: i32,
}

#[derive(Clone, Debug)]
struct Case {
	sides: Vec<Option<Side>>,
	held: Vec<Option<Held>>,
	/// What it is worth above its level, in thousandths of that level and ten kUSD.
	above: u128,
	/// Whether its owner set a measure.
	measured: bool,
	called: bool,
	call: u128,
	/// How much of the time to the deadline passes, in hundredths.
	waits: u64,
}

fn goes() -> impl Strategy<Value = i32> {
	prop_oneof![4 => Just(100), 4 => 0..=100i32, 1 => -100..0i32]
}

fn side() -> impl Strategy<Value = Side> {
	(
		prop_oneof![
			-1_000_000_000i64..1_000_000_000,
			-1_000_000..1_000_000i64,
			-2_000..2_000i64
		],
		50..200u128,
		50..6_000u128,
		0..20u128,
		0..100u128,
		goes(),
	)
		.prop_map(|(value, entry, rate_bps, funding_bps, ramp_bps, goes)| Side {
			value,
			entry,
			rate_bps,
			funding_bps,
			ramp_bps,
			goes,
		})
}

fn holding() -> impl Strategy<Value = Held> {
	(
		prop_oneof![0..1_000_000_000u128, 0..1_000_000u128, 0..100u128],
		0..60u128,
		0..500u128,
		goes(),
	)
		.prop_map(|(value, haircut, ramp_bps, goes)| Held {
			value,
			haircut,
			ramp_bps,
			goes,
		})
}

fn case() -> impl Strategy<Value = Case> {
	(
		prop::collection::vec(prop::option::of(side()), 3),
		prop::collection::vec(prop::option::of(holding()), 3),
		prop_oneof![0..3_000u128, 0..20u128, Just(0)],
		any::<bool>(),
		any::<bool>(),
		100..200u128,
		prop_oneof![Just(100u64), 0..=100u64],
	)
		.prop_map(|(sides, held, above, measured, called, call, waits)| Case {
			sides,
			held,
			above,
			measured,
			called,
			call,
			waits,
		})
}

/// What account `id` has to be worth for its triggers to be right.
fn level(id: u64) -> u128 {
	let multiple = match account(id).called || !account(id).has_measures() {
		true => percent(100),
		false => ChainNumbers::get().margin_call,
	};
	mul_ratio(statement(id).maintenance, multiple, Rounding::Up).unwrap()
}

/// The account of a case, with its triggers. `None` if the case makes none with anything at stake.
fn build(case: &Case) -> Option<u64> {
	set_chain(|chain| chain.margin_call = percent(case.call));
	let id = fund(&ALICE, 0, 1);
	if case.measured {
		Margin::set_top_up(signed(&ALICE), 0, Some((9, USD))).unwrap();
	}
	for (market_id, side) in MARKETS.into_iter().zip(&case.sides) {
		let Some(side) = side else { continue };
		let today = market(market_id).mark;
		let size = i128::from(side.value) * 1_000 * 100_000_000_000_000_000_000 / today.into_inner() as i128;
		if size == 0 {
			continue;
		}
		set_market(market_id, |market| {
			market.rate = bps(side.rate_bps);
			market.max_funding = bps(side.funding_bps);
			market.ramp = bps(side.ramp_bps);
			market.mark = FixedU128::from_inner(today.into_inner() * side.entry / 100);
		});
		give(id, market_id, size);
		set_mark(market_id, today);
	}
	for (asset, held) in ASSETS.into_iter().zip(&case.held) {
		let Some(held) = held else { continue };
		set_collateral(asset, |p| p.deposit_cap = u128::MAX);
		Collaterals::<Test>::mutate(|all| {
			let listed = all.iter_mut().find(|listed| listed.asset == asset).unwrap();
			listed.haircut = percent(held.haircut);
			// As fast as it may, as far as it goes.
			listed.haircut_target = percent(100);
			listed.haircut_ramp = bps(held.ramp_bps);
			listed.haircut_active = Now::get();
		});
		let amount = match asset {
			BTC => held.value * 1_000 * ONE_BTC / (50_000 * USD),
			ETH => held.value * 1_000 * (ONE_ETH / USD) / 2_500,
			_ => held.value * 1_000 * ONE_DOT / (5 * USD),
		};
		if amount > 0 {
			pay_in(&ALICE, 0, asset, amount);
		}
	}
	// Cash or debt that leaves it as far above its level as the case says.
	let wanted = level(id) + (level(id) + 10 * USD) * case.above / 1_000;
	settle(id, wanted as i128 - statement(id).equity).unwrap();
	Accounts::<Test>::mutate(id, |account| account.as_mut().unwrap().called = case.called);
	acted(id, Act::Involuntary).unwrap();
	(!account(id).triggers.is_empty()).then_some(id)
}

/// `from` on its way to `to`: `part` hundredths of it.
fn between(from: u128, to: u128, part: i32) -> u128 {
	if from <= to {
		from + (to - from) * part as u128 / 100
	} else {
		from - (from - to) * part as u128 / 100
	}
}

/// Returns `true` if account `id` has a trigger that is exact.
fn is_exact(id: u64) -> bool {
	account(id).triggers.iter().any(|(group, _)| !group.is_estimate())
}

/// Move everything as the case says, but nothing across its trigger, and time no further than to the deadline.
fn shake(case: &Case, id: u64) {
	let deadline = u128::MAX - trigger(id, Group::Deadline).unwrap();
	let start = Now::get();
	let lasts = (deadline as u64).saturating_sub(start) * case.waits / 100;
	Now::set(start + lasts);
	for (market_id, side) in MARKETS.into_iter().zip(&case.sides) {
		let Some(side) = side else { continue };
		let size = size_of(id, market_id);
		if size == 0 {
			continue;
		}
		let now = market(market_id).mark.into_inner();
		let falls = trigger(id, Group::Long(market_id));
		let rises = trigger(id, Group::Short(market_id)).map(|trigger| u128::MAX - trigger);
		assert!(falls.is_none() || rises.is_none());
		let mark = match (falls, rises) {
			(_, Some(to)) if side.goes >= 0 => between(now, to, side.goes),
			(Some(to), _) if side.goes >= 0 => between(now, to, side.goes),
			// No price hurts it as far as it can go.
			_ if side.goes >= 0 && size > 0 => between(now, 1, side.goes),
			_ if side.goes >= 0 => now,
			// Away from the trigger.
			_ if rises.is_some() => between(now, 1, -side.goes),
			_ => between(now, 2 * now, -side.goes),
		};
		set_market(market_id, |market| {
			market.mark = FixedU128::from_inner(mark);
			// Funding and the ramp take what they said they take at most: at twice the price there was, if it is there.
			let price = now.max(mark).min(2 * now);
			let taken = price * side.funding_bps / 10_000 * u128::from(lasts) / u128::from(HOUR);
			market.index += if size > 0 { taken as i128 } else { -(taken as i128) };
			let ramped = bps(side.ramp_bps).into_inner() * u128::from(lasts) / u128::from(HOUR);
			market.rate = FixedU128::from_inner(market.rate.into_inner() + ramped);
		});
	}
	for (asset, held) in ASSETS.into_iter().zip(&case.held) {
		let Some(held) = held else { continue };
		let now = PriceTable::get()[&asset].value.into_inner();
		let to = trigger(id, Group::Collateral(asset)).unwrap_or(1);
		let price = match held.goes {
			away if away < 0 => between(now, 2 * now, -away),
			goes => between(now, to, goes),
		};
		set_price(asset, FixedU128::from_inner(price));
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(4_096))]

	#[test]
	fn while_nothing_is_crossed_an_account_is_worth_its_level(case in case()) {
		ExtBuilder::default().build_and_execute(|| {
			let Some(id) = build(&case).filter(|id| !is_exact(*id)) else {
				return;
			};
			assert!(statement(id).equity >= saturating_signed(level(id)));
			shake(&case, id);
			assert_eq!(crossed(id), vec![]);
			let (has, needs) = (statement(id).equity, saturating_signed(level(id)));
			assert!(has >= needs, "{has} is below {needs}");
			assert!(!Margin::preview_shock(id, vec![]).unwrap().is_unsafe);
		});
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(512))]

	#[test]
	fn what_was_crossed_is_refreshed_and_stands_behind_the_prices_again(case in case()) {
		ExtBuilder::default().build_and_execute(|| {
			let Some(id) = build(&case).filter(|id| !is_exact(*id)) else {
				return;
			};
			let groups: Vec<_> = account(id).triggers.iter().map(|(group, _)| *group).collect();
			for group in groups {
				// The others may have moved it, or taken it away; and no price is zero.
				let Some(trigger) = trigger(id, group).filter(|trigger| *trigger > 1) else {
					continue;
				};
				// One unit beyond.
				match group {
					Group::Long(market) => set_mark(market, FixedU128::from_inner(trigger - 1)),
					Group::Short(market) => set_mark(market, FixedU128::from_inner(u128::MAX - trigger + 1)),
					Group::Collateral(asset) => set_price(asset, FixedU128::from_inner(trigger - 1)),
					_ => Now::set((u128::MAX - trigger) as u64 + 1),
				}
				assert!(crossed(id).contains(&group), "{group:?}");
				if Margin::preview_shock(id, vec![]).unwrap().is_unsafe {
					assert_eq!(Margin::refresh(group, id), Err(Error::<Test>::AccountUnsafe.into()));
					return;
				}
				assert_ok!(<Margin as PositionLedger>::refresh(group, id));
				assert_eq!(crossed(id), vec![]);
			}
		});
	}
}

/// A position of a few units of size.
fn dust() -> impl Strategy<Value = Side> {
	(-40..40i64, 50..200u128).prop_map(|(value, entry)| Side {
		value,
		entry,
		rate_bps: 500,
		funding_bps: 0,
		ramp_bps: 0,
		goes: 0,
	})
}

/// Where a market goes: its mark in thousandths, its charges in USD a unit, its rate.
fn elsewhere() -> impl Strategy<Value = (u128, i128, u128)> {
	(1..4_000u128, -20_000..20_000i128, 0..20_000u128)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(2_048))]

	#[test]
	fn one_position_and_kusd_are_crossed_if_and_only_if_unsafe(
		side in prop_oneof![3 => side(), 1 => dust()],
		above in prop_oneof![0..3_000u128, 0..20u128, Just(0)],
		(moves, charged, rate_bps) in elsewhere(),
	) {
		ExtBuilder::default().build_and_execute(|| {
			let case = Case {
				sides: vec![Some(side), None, None],
				held: vec![],
				above,
				measured: false,
				called: false,
				call: 100,
				waits: 0,
			};
			let Some(id) = build(&case) else { return };
			let short_of = |id| statement(id).equity - saturating_signed(statement(id).maintenance);
			assert!(crossed(id).is_empty() || short_of(id) < 0);
			// What has a debt, after a loss, is none of them.
			if account(id).debt > 0 {
				assert!(!is_exact(id));
				return;
			}
			assert!(is_exact(id) && account(id).triggers.len() == 1);
			pass(30 * DAY);
			set_market(BTC_MARKET, |market| {
				market.mark = FixedU128::from_inner(market.mark.into_inner() * moves / 1_000);
				market.index = charged * 1_000_000_000_000_000_000;
				market.rate = bps(rate_bps);
			});
			let (equity, needs) = (statement(id).equity, saturating_signed(statement(id).maintenance));
			match crossed(id).is_empty() {
				// A few units late, and never before.
				true => assert!(equity + 10 >= needs, "{equity} is below {needs}"),
				false => assert!(equity < needs, "{equity} is not below {needs}"),
			}
		});
	}
}

/// Kind: a few units of rounding are hundreds of USD a whole unit of dust, which would stand at the head of
/// its group for ever and never be unsafe: whoever liquidates would ask about it first in every block.
#[test]
fn dust_is_not_crossed_while_it_is_safe() {
	ExtBuilder::default().build_and_execute(|| {
		for (market, size) in [
			(DOT_MARKET, 1),
			(DOT_MARKET, -1),
			(BTC_MARKET, 1),
			(BTC_MARKET, -7),
		] {
			for cash in 0..60 {
				let id = fund(&ALICE, 0, 1_000 * USD);
				give(id, market, size);
				let left = statement(id).equity - cash;
				settle(id, -left).unwrap();
				acted(id, Act::Involuntary).unwrap();
				let unsafe_now = statement(id).equity < saturating_signed(statement(id).maintenance);
				assert!(crossed(id).is_empty() || unsafe_now, "{market} {size} {cash}");
				give(id, market, -size);
				acted(id, Act::Involuntary).unwrap();
			}
		}
	});
}

#[test]
fn slack_is_spread_so_that_all_prices_may_move_at_once() {
	ExtBuilder::default().build_and_execute(|| {
		set_market(BTC_MARKET, |market| {
			market.ramp = bps(0);
			market.max_funding = bps(0);
		});
		let id = fund(&ALICE, 0, 10_000 * USD);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		// One that was called is measured as others are.
		assert_ok!(Margin::set_top_up(signed(&ALICE), 0, Some((9, USD))));
		Accounts::<Test>::mutate(id, |account| account.as_mut().unwrap().called = true);
		set_chain(|chain| chain.margin_call = percent(1_000));
		assert_ok!(acted(id, Act::Involuntary));
		// Level 2,500, slack 7,500 of an exposure of 47,500: 15.79 % down.
		let at = FixedU128::from_inner(trigger(id, Group::Long(BTC_MARKET)).unwrap());
		let exact = 50_000.0 * (1.0 - 7_500.0 / 47_500.0);
		assert!((at.to_float() - exact).abs() < 0.01, "{at}");
		// Nothing moves by itself, so it is looked at in a day.
		assert_eq!(
			trigger(id, Group::Deadline),
			Some(u128::MAX - u128::from(Now::get() + DAY))
		);
	});
}

#[test]
fn an_unsafe_account_is_first_in_line() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 6_000 * USD);
		let other = fund(&BOB, 0, 60_000 * USD);
		assert_ok!(trade(other, BTC_MARKET, ONE_SIZE));
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		move_mark(BTC_MARKET, dollars(45_000));
		assert_ok!(acted(id, Act::Involuntary));
		use keel_primitives::TriggerIndex;
		let sole = Group::SoleLong(BTC_MARKET);
		assert_eq!(crossed(id), [sole]);
		assert_eq!(MockIndex::first(sole, 2), vec![id, other]);
	});
}
