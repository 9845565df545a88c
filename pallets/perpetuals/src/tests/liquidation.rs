//! Liquidations: how much, at what price, for what fee, and how fast.

use frame_support::{assert_noop, assert_ok};
use keel_math::margin::Risk;
use keel_primitives::{Closed, Positions, PriceFor};
use proptest::prelude::*;
use sp_runtime::{DispatchError, Permill};

use crate::{
	liquidate::{close_part, smallest_restoring},
	mock::*,
	Error, Event, Market, Markets, Position, ALWAYS_LIQUIDATED, PARTS,
};

/// ALICE has 40 BTC and 84 500 kUSD, and the price fell by two percent.
fn unsafe_alice() {
	trade(ALICE, BTC, 40 * UNIT);
	leave(ALICE, 84_500 * USD);
	move_to(BTC, dollars(49_000));
	assert!(risk(account(ALICE)).is_unsafe());
}

#[test]
fn closes_the_smallest_part_that_restores_the_account() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| numbers.liquidation_limit = ratio(1, 1));
		unsafe_alice();
		let (before, there, whole) = (position(ALICE, BTC), market(BTC), risk(account(ALICE)));
		let (pool, money) = (PoolCash::get(), cash(ALICE));
		let tranche = there.tranche + Markets::<Test>::get().fund_due;
		let closed = liquidate(ALICE, BTC).unwrap();
		let after = position(ALICE, BTC);
		let delta = after.size - before.size;
		assert!(after.size > 0 && delta < 0);
		assert!(risk(account(ALICE)).is_restored());
		// One part less would not do.
		let less = delta + before.size / i128::from(PARTS);
		let p = numbers(50_000);
		let part = close_part(&there, &before, less, &whole, p.liquidation_fee).unwrap();
		assert!(!part.after.is_restored());
		// What was foreseen is what happened.
		let part = close_part(&there, &before, delta, &whole, p.liquidation_fee).unwrap();
		assert_eq!(part.after, risk(account(ALICE)));
		assert_eq!((part.notional, part.fee), (closed.notional, closed.fee));
		// A hundredth of what was closed.
		assert_eq!(closed.fee, closed.notional.div_ceil(100));
		assert_eq!(
			market(BTC).tranche + Markets::<Test>::get().fund_due,
			tranche + closed.fee
		);
		assert_eq!(market(BTC).liquidated.reading(Now::get()), closed.notional);
		// The price is everybody's: the mean of the marks.
		let gain = part.trade.realised - part.trade.funding;
		assert_eq!(cash(ALICE), money + gain - closed.fee as i128);
		assert_eq!(PoolCash::get(), pool - gain);
		assert!(events().iter().any(|event| matches!(
			event,
			Event::PositionLiquidated { size, fee, .. } if *size == delta && *fee == closed.fee
		)));
	});
}

#[test]
fn is_refused_without_a_price_made_after_the_last_change() {
	ExtBuilder.build_and_execute(|| {
		unsafe_alice();
		let id = account(ALICE);
		let made = market(BTC).price.at;
		let whole = risk(id);
		let call = |changed_at| close_at(id, BTC, whole, changed_at);
		assert_noop!(call(made), Error::<Test>::PriceNotNewer);
		assert_noop!(close_at(id, ETH, whole, 0), Error::<Test>::NoPosition);
		assert_noop!(close_at(id, 9, whole, 0), Error::<Test>::UnknownMarket);
		RefusedFor::set(vec![PriceFor::Liquidate]);
		tick();
		assert_noop!(call(0), Error::<Test>::PriceRefused);
		assert_eq!(mark_of(BTC), Err(Error::<Test>::PriceRefused.into()));
		RefusedFor::set(vec![]);
		tick();
		assert!(call(made).is_ok());
	});
}

#[test]
fn goes_as_far_as_the_window_has_room() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| numbers.liquidation_limit = ratio(5, 100));
		trade(BOB, BTC, -40 * UNIT);
		trade(BOB, BTC, -40 * UNIT);
		unsafe_alice();
		// A twentieth of the shorts: 80·49 000.
		let room = 80 * 49_000 * USD / 20;
		let first = liquidate(ALICE, BTC).unwrap();
		assert!(
			first.notional <= room && first.notional > room - 100 * USD,
			"{first:?}"
		);
		assert!(!risk(account(ALICE)).is_restored());
		// What is left of the room is taken too, and no more.
		let mut total = first.notional;
		while let Ok(more) = liquidate(ALICE, BTC) {
			total += more.notional;
		}
		assert!(total <= room && room - total < 100 * USD, "{total}");
		assert_noop!(liquidate(ALICE, BTC), Error::<Test>::LiquidationsFull);
		// It goes on as that fades.
		set_price(BTC, dollars(49_000));
		block_after(HOUR / 2);
		tick();
		let second = liquidate(ALICE, BTC).unwrap();
		assert!(second.notional > room / 4 && second.notional < room / 2);
	});
}

/// A window refills with every block. What that lets be closed is worth a liquidation or waits; and the
/// question says which.
#[test]
fn what_refills_in_a_block_is_no_reason_to_liquidate() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| numbers.liquidation_limit = ratio(5, 100));
		trade(BOB, BTC, -40 * UNIT);
		trade(BOB, BTC, -40 * UNIT);
		unsafe_alice();
		let id = account(ALICE);
		while liquidate(ALICE, BTC).is_ok() {}
		let mut done = 0;
		// 196,000 kUSD an hour are 6,500 in 120 s.
		for _ in 0..60 {
			set_price(BTC, dollars(49_000));
			block_after(BLOCK);
			let asked = can_liquidate(id, BTC, risk(id), 0);
			assert_eq!(liquidate(ALICE, BTC), asked);
			if let Ok(closed) = asked {
				assert!(closed.notional >= ALWAYS_LIQUIDATED, "{closed:?}");
				done += 1;
			}
		}
		assert!((4..=6).contains(&done), "{done}");
	});
}

#[test]
fn no_window_keeps_an_account_waiting_that_is_down_to_three_quarters_of_its_requirement() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| numbers.liquidation_limit = ratio(1, 1_000_000));
		trade(ALICE, BTC, 40 * UNIT);
		leave(ALICE, 85_000 * USD);
		move_to(BTC, dollars(49_000));
		let held_back = risk(account(ALICE));
		assert!(held_back.is_unsafe() && held_back.net * 4 > held_back.maintenance as i128 * 3);
		// The room there is is hardly any.
		while liquidate(ALICE, BTC).is_ok() {}
		assert!(position(ALICE, BTC).size > 39 * UNIT);
		assert_noop!(liquidate(ALICE, BTC), Error::<Test>::LiquidationsFull);
		move_to(BTC, dollars(48_650));
		let urgent = risk(account(ALICE));
		let maintenance = urgent.maintenance as i128;
		assert!(
			urgent.net * 2 > maintenance && urgent.net * 4 < maintenance * 3,
			"{urgent:?}"
		);
		assert!(liquidate(ALICE, BTC).unwrap().notional > 0);
		assert!(risk(account(ALICE)).is_restored());
	});
}

#[test]
fn a_small_position_is_liquidated_whatever_the_window_says() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| numbers.liquidation_limit = ratio(1, 1_000_000));
		let size = UNIT / 50;
		trade(ALICE, BTC, size);
		leave(ALICE, 20 * USD);
		move_to(BTC, dollars(49_500));
		assert!(risk(account(ALICE)).is_unsafe());
		let closed = liquidate(ALICE, BTC).unwrap();
		assert!(closed.notional > 500 * USD && closed.notional <= ALWAYS_LIQUIDATED);
		assert!(position(ALICE, BTC).size < size);
	});
}

#[test]
fn an_account_without_equity_pays_no_fee() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| numbers.liquidation_limit = ratio(2, 1));
		trade(ALICE, BTC, 40 * UNIT);
		leave(ALICE, 80_000 * USD);
		move_to(BTC, dollars(47_000));
		assert!(risk(account(ALICE)).net < 0);
		let closed = liquidate(ALICE, BTC).unwrap();
		assert_eq!((closed.fee, position(ALICE, BTC).size), (0, 0));
		assert!(cash(ALICE) < 0);
	});
}

#[test]
fn a_short_is_bought_back() {
	ExtBuilder.build_and_execute(|| {
		set_numbers(BTC, |numbers| numbers.liquidation_limit = ratio(1, 1));
		trade(ALICE, BTC, -40 * UNIT);
		leave(ALICE, 85_000 * USD);
		move_to(BTC, dollars(51_000));
		assert!(risk(account(ALICE)).is_unsafe());
		liquidate(ALICE, BTC).unwrap();
		assert!((-40 * UNIT..0).contains(&position(ALICE, BTC).size));
		assert!(risk(account(ALICE)).is_restored());
	});
}

mod reduce {
	use super::*;

	fn reduce(share: Permill) -> Result<Closed, DispatchError> {
		crate::mock::reduce(account(ALICE), share, 0)
	}

	/// Kind: who asks to leave when a price is known leaves at that.
	#[test]
	fn leaves_at_no_price_made_before_it_was_asked_for() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, UNIT);
			let half = Permill::from_percent(50);
			let asked = || crate::mock::reduce(account(ALICE), half, Now::get());
			assert_eq!(asked(), Err(Error::<Test>::PriceRefused.into()));
			let set_at = Now::get();
			tick();
			assert_ok!(crate::mock::reduce(account(ALICE), half, set_at - 1));
		});
	}

	#[test]
	fn closes_a_share_of_everything_without_a_penalty() {
		ExtBuilder.build_and_execute(|| {
			trade(ALICE, BTC, 10 * UNIT);
			fill_now(ALICE, ETH, -101).unwrap();
			let closed = reduce(Permill::from_percent(50)).unwrap();
			assert_eq!(position(ALICE, BTC).size, 5 * UNIT);
			// Rounded up.
			assert_eq!(position(ALICE, ETH).size, -50);
			// The skew is narrowed: the maker's rate.
			let worth = 5 * 50_037 * USD + USD * 5 / 2;
			assert!(closed.notional >= worth && closed.notional < worth + USD);
			assert!(closed.fee > worth / 5_000 && closed.fee < worth / 5_000 + USD);
			let reduced = |event: &Event<Test>| matches!(event, Event::PositionReduced { .. });
			assert_eq!(events().iter().filter(|event| reduced(event)).count(), 2);
			// Whoever asked tells the account itself.
			assert_ne!(
				LastAct::get(),
				Some((account(ALICE), keel_primitives::Act::Reduced))
			);
		});
	}

	#[test]
	fn leaves_out_what_has_no_price_and_fails_if_nothing_has() {
		ExtBuilder.build_and_execute(|| {
			assert_noop!(reduce(Permill::one()), Error::<Test>::NoPosition);
			trade(ALICE, BTC, UNIT);
			trade(ALICE, ETH, UNIT);
			assert_noop!(reduce(Permill::zero()), Error::<Test>::PriceRefused);
			change_market(ETH, |market| market.fit.reduce_risk = false);
			reduce(Permill::one()).unwrap();
			assert_eq!((position(ALICE, BTC).size, position(ALICE, ETH).size), (0, UNIT));
			assert_noop!(reduce(Permill::one()), Error::<Test>::PriceRefused);
		});
	}
}

#[test]
fn exposures_say_what_margin_has_to_know() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, ETH, -10 * UNIT);
		trade(ALICE, BTC, 10 * UNIT);
		set_price(BTC, dollars(50_000));
		block_after(HOUR);
		let all = exposures(account(ALICE));
		assert_eq!(all.iter().map(|e| e.market).collect::<Vec<_>>(), [ETH, BTC]);
		let (btc, there) = (all[1], market(BTC));
		assert_eq!((btc.feed, btc.size, btc.mark), (BTC, 10 * UNIT, dollars(50_050)));
		assert_eq!(btc.notional, 500_500 * USD);
		// Bought at 50 025, less the funding.
		let owed = there.funding_owed(&position(ALICE, BTC)).unwrap();
		assert!(owed > 0);
		assert_eq!(btc.unrealised, 250 * USD as i128 - owed);
		// 5 % and 2.5 %, whatever its size.
		assert_eq!(btc.initial, 500_500 * USD / 20);
		assert_eq!(btc.maintenance, 500_500 * USD / 40);
		assert_eq!(btc.fit, there.fit.add_risk);
		// At twice the price: a tenth a day and a hundredth an hour.
		let drift = 1_000_000 * USD / 240 + 1_000_000 * USD / 100;
		assert!(btc.drift_per_hour.abs_diff(drift) <= 1, "{}", btc.drift_per_hour);
		let per_hour = 500_000 * USD as i128 * there.rate / 24 / keel_math::ONE as i128;
		assert!((btc.funding_per_hour - per_hour).abs() <= 2 && btc.funding_per_hour > 0);
		assert_eq!((btc.stress, btc.price_at), (ratio(25, 100), there.price.at));
		// The short pays, too: shorts are more.
		assert!(all[0].funding_per_hour > 0);
		assert!(all[0].funding_per_hour <= all[0].drift_per_hour as i128);
		assert!(exposures(account(BOB)).is_empty());
		assert_eq!(<Perpetuals as Positions>::markets(), MARKETS);
	});
}

/// A market at 12,000 with a scale of 30,000 and a premium of at most half a percent; a position of `size` in
/// it, and others that make the skew what it is.
fn crowded(size: i128, skew: i128) -> (Market, Position) {
	let mut there = Market::new(1, 1, &numbers(100), 0);
	there.price.value = dollars(12_000);
	there.terms.skew_scale = 30_000 * UNIT as u128;
	there.terms.max_premium = ratio(5, 1_000);
	there.rates.maintenance = ratio(25, 1_000);
	there.update_initial();
	let (mut position, mut others) = (
		Position {
			market: 1,
			..Default::default()
		},
		Position::default(),
	);
	there.trade(&mut position, size).unwrap();
	there.trade(&mut others, skew - size).unwrap();
	(there, position)
}

/// The first part of all that restores the account, looked at one by one; all of it if none does.
fn first_restoring(restores: impl Fn(u32) -> bool) -> u32 {
	(1..PARTS).find(|part| restores(*part)).unwrap_or(PARTS)
}

/// What a part of an account with nothing but `position`, worth `net`, does.
fn restoring<'a>(there: &'a Market, position: &'a Position, net: i128) -> impl Fn(u32) -> bool + 'a {
	let whole = Risk {
		net,
		..there.risk(position).unwrap()
	};
	move |part| {
		let magnitude = keel_math::mul_div(
			position.size.unsigned_abs(),
			part.into(),
			PARTS.into(),
			keel_math::Rounding::Up,
		);
		let delta = keel_math::signed::with_sign(magnitude.unwrap(), position.size > 0).unwrap();
		close_part(there, position, delta, &whole, ratio(5, 1_000))
			.is_some_and(|part| part.after.is_restored())
	}
}

/// The kind: a liquidation that takes more than it must. A position so large that closing it moves the price
/// by more than it frees, in a skew beyond the bound: a fifth of it, closed at the bound, is enough. Halving
/// over all of it found nearly half.
#[test]
fn of_a_large_position_beyond_the_bound_closes_no_more_than_needed() {
	let (there, position) = crowded(1_667 * UNIT, 500 * UNIT);
	let net = there.risk(&position).unwrap().maintenance as i128 * 999 / 1_000;
	let restores = restoring(&there, &position, net);
	let part = smallest_restoring(&there, position.size, &restores);
	assert_eq!(part, first_restoring(&restores));
	assert!((820..830).contains(&part), "{part}");
	assert!(keel_math::margin::smallest_part(PARTS, &restores) > 2 * part);
	// On the other side of the skew nothing is beyond.
	assert_eq!(there.parts_beyond_bound(-UNIT), 0);
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	/// Whatever the skew: the part that is found is the first there is, within and beyond the bound, long and
	/// short.
	#[test]
	fn finds_the_first_part_that_restores(
		short in any::<bool>(), size in 1i128..3_000, skew in -2_000i128..2_000, worth in 500i128..1_000,
	) {
		let sign = if short { -1 } else { 1 };
		let (there, position) = crowded(sign * size * UNIT, skew * UNIT);
		let net = there.risk(&position).unwrap().maintenance as i128 * worth / 1_000;
		let restores = restoring(&there, &position, net);
		let part = smallest_restoring(&there, position.size, &restores);
		prop_assert_eq!(part, first_restoring(&restores));
	}
}

proptest! {
	/// Whatever the account: a liquidation never makes it worse off than closing at the fill price with a fee of what it had for
	/// the part, and its fee is bounded by its equity.
	#[test]
	fn a_part_takes_no_more_than_was_there(
		long in any::<bool>(),
		size in 1_000i128..1_000_000_000_000,
		net in -1_000_000_000_000i128..1_000_000_000_000,
		part in 1u32..=PARTS,
		fee in 1u128..500,
	) {
		let mut there = Market::new(1, 1, &numbers(100), 0);
		there.price.value = dollars(100);
		there.terms.skew_scale = 1_000_000_000_000_000;
		there.rates.maintenance = ratio(25, 1_000);
		there.update_initial();
		let mut position = Position { market: 1, ..Default::default() };
		let size = if long { size } else { -size };
		there.trade(&mut position, size).unwrap();
		let own = there.risk(&position).unwrap();
		let whole = Risk { net, ..own };
		let delta = -(size * i128::from(part) / i128::from(PARTS));
		prop_assume!(delta != 0);
		let closed = close_part(&there, &position, delta, &whole, ratio(fee, 10_000)).unwrap();
		prop_assert_eq!(closed.position.size, size + delta);
		// Within the equity there was, for the part there was.
		let share = net.max(0) as u128 * u128::from(part) / u128::from(PARTS) + 2;
		let quadratic = own.maintenance / 10;
		prop_assert!(closed.fee <= share + quadratic, "{} {}", closed.fee, share);
		if net <= 0 {
			prop_assert!(closed.fee <= 1);
		}
		prop_assert!(closed.after.net <= net + 1);
		prop_assert!(closed.after.maintenance <= own.maintenance);
		prop_assert!(closed.fee <= closed.notional * fee / 10_000 + 1);
	}
}
