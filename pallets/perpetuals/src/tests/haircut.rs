//! Gains haircut: what the pool can't pay is missing from every gain alike, and comes back out of fees.

use frame_support::{assert_noop, assert_ok, hypothetically, traits::Hooks, weights::WeightMeter};
use keel_math::{mul_ratio, FixedU128, Rounding};
use keel_primitives::{Balance, MarketId, Positions};

use crate::{mock::*, Claims, Error, Event, Ladders, Markets, Status, WeightInfo};

const EVE: crate::mock::AccountId = 5;
const WINNERS: [(crate::mock::AccountId, MarketId); 3] = [(ALICE, BTC), (BOB, BTC), (CAROL, ETH)];
/// Base units that rounding may be off by for the positions of the crowd.
const ROUNDING: u128 = 4 * 7;

/// Winners and losers of several sizes on both sides, before anything moved.
fn crowd() {
	deposit(account(EVE), PURSE);
	trade(ALICE, BTC, 40 * UNIT);
	trade(BOB, BTC, 7 * UNIT + 3);
	trade(DAVE, BTC, -20 * UNIT - 1);
	trade(CAROL, ETH, -300 * UNIT);
	trade(ALICE, ETH, 100 * UNIT + 7);
	trade(EVE, SOL, 1_000 * UNIT);
	set_price(BTC, dollars(50_000));
	block_after(HOUR);
}

/// The prices at which the longs of BTC and the shorts of ETH win, and SOL moves by less than a bin.
fn jump() {
	set_price(ETH, dollars(2_000));
	set_price(SOL, ratio(10_001, 100));
	move_to(BTC, dollars(60_000));
}

/// The crowd, and a pool that can't pay it.
fn crash(left: u128) {
	crowd();
	drain_pool((left * USD) as i128);
	jump();
}

fn all() -> impl Iterator<Item = (crate::mock::AccountId, crate::Position)> {
	ALL.into_iter().chain([EVE]).flat_map(|who| {
		TraderMap::get(account(who))
			.positions
			.into_iter()
			.map(move |p| (who, p))
	})
}

/// What closing at the mark would realise without a haircut.
fn uncut(position: &crate::Position) -> i128 {
	market(position.market).unrealised(position).unwrap()
}

/// The same with it, as margin sees it.
fn seen(who: crate::mock::AccountId, id: MarketId) -> i128 {
	exposures(account(who))
		.iter()
		.find(|exposure| exposure.market == id)
		.map_or(0, |exposure| exposure.unrealised - exposure.haircut as i128)
}

/// The haircuts that were announced: deficit, gains, rate.
fn announced() -> Vec<(Balance, Balance, FixedU128)> {
	events()
		.into_iter()
		.filter_map(|event| match event {
			Event::GainsHaircut { deficit, gains, rate } => Some((deficit, gains, rate)),
			_ => None,
		})
		.collect()
}

fn equity() -> i128 {
	Perpetuals::pool_equity(&Markets::<Test>::get()).unwrap()
}

fn rate() -> FixedU128 {
	market(BTC).haircut.rate
}

/// Another block at the same prices: no funding, for that moves what is owed.
fn same_again() {
	for id in MARKETS {
		change_market(id, |market| market.at = Now::get() + BLOCK);
	}
	tick();
}

fn claim(who: crate::mock::AccountId) -> Result<(), sp_runtime::DispatchError> {
	// By somebody who has nothing to do with it.
	frame_support::storage::with_storage_layer(|| {
		Perpetuals::claim_recovery(RuntimeOrigin::signed(77), account(who))
	})
}

/// Settle every market at the price at which all could leave, so that closing moves nothing.
fn settle_all() {
	for id in MARKETS {
		let there = market(id);
		let price = there
			.curve()
			.unwrap()
			.fill_price(there.index(), 0, there.skew())
			.unwrap();
		change_market(id, |market| market.status = Status::Settled { price });
	}
	Markets::<Test>::mutate(Perpetuals::follow_deficit);
}

/// Pays `who` out of `id`: what was paid.
fn paid_out(who: crate::mock::AccountId, id: MarketId) -> i128 {
	let had = cash(who);
	assert_ok!(Perpetuals::pay_out(RuntimeOrigin::signed(who), account(who), id));
	cash(who) - had
}

/// Clearing gets `amount` in fees of BTC. What of it is the pool's.
fn earn(amount: Balance) -> Balance {
	let mut state = Markets::<Test>::get();
	let fees = crate::fees::Fees {
		maker: amount,
		..Default::default()
	};
	let pool = Perpetuals::split_fee(&mut state, BTC, &numbers(50_000), &fees).unwrap();
	Markets::<Test>::put(state);
	fund_pool(amount);
	PoolCash::mutate(|cash| *cash -= (amount - pool) as i128);
	pool
}

#[test]
fn takes_the_same_share_of_every_gain_and_of_nothing_else() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		let [(deficit, gains, rate)] = announced()[..] else {
			panic!("{:?}", announced());
		};
		assert_eq!(equity(), -(deficit as i128));
		assert!(rate > ratio(30, 100) && rate < ratio(80, 100), "{rate:?}");
		let mut sum = 0;
		for (who, position) in all() {
			let (before, after) = (uncut(&position), seen(who, position.market));
			let lost = (before - after).unsigned_abs();
			let wins = WINNERS.contains(&(who, position.market));
			assert_eq!(wins, before > 1_000 * USD as i128);
			if who == EVE {
				// Within a bin or two of breaking even.
				assert!(lost <= before.unsigned_abs());
				continue;
			}
			let expected = match wins {
				true => mul_ratio(before.unsigned_abs(), rate, Rounding::Up).unwrap(),
				false => 0,
			};
			assert_eq!(lost, expected);
			sum += lost;
		}
		// All gains at the price at which all could leave, a little below the mark.
		assert_eq!(gains, MARKETS.map(Perpetuals::gains_in).iter().sum::<u128>());
		assert!(sum >= deficit && sum - deficit < deficit / 50, "{sum} {deficit}");
	});
}

#[test]
fn is_the_deficit_in_any_order_of_closing() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		settle_all();
		let (deficit, before) = (Markets::<Test>::get().deficit, rate());
		let rests: Vec<_> = all()
			.filter(|(who, p)| !WINNERS.contains(&(*who, p.market)))
			.collect();
		let closed = |order: [usize; 3], losers_first: bool| {
			hypothetically!({
				// Time is not taken back with the rest.
				Markets::<Test>::mutate(|state| state.refreshed_at = Now::get());
				let rest = || {
					rests.iter().for_each(|(who, p)| {
						paid_out(*who, p.market);
					})
				};
				if losers_first {
					rest();
				}
				let mut paid = [0; 3];
				for index in order {
					let (who, id) = WINNERS[index];
					paid[index] = paid_out(who, id);
					// The share of the others is the same, in this block and in the next.
					same_again();
					let share = Markets::<Test>::get().deficit > ROUNDING;
					let now = Markets::<Test>::get()
						.markets
						.iter()
						.map(|m| m.haircut.rate)
						.max()
						.unwrap();
					let off = now.into_inner().abs_diff(before.into_inner());
					assert!(!share || off < 1_000_000_000_000, "{index}: {now:?} {before:?}");
				}
				if !losers_first {
					rest();
				}
				let state = Markets::<Test>::get();
				assert!((0..=ROUNDING as i128).contains(&equity()), "{}", equity());
				assert!(
					state.claims.abs_diff(deficit) <= ROUNDING,
					"{} {deficit}",
					state.claims
				);
				assert_ok!(Perpetuals::do_try_state());
				paid
			})
		};
		let first = closed([0, 1, 2], false);
		for (order, losers_first) in [([2, 1, 0], false), ([1, 2, 0], true), ([0, 2, 1], true)] {
			let other = closed(order, losers_first);
			for (paid, same) in first.iter().zip(other) {
				assert!((paid - same).abs() <= ROUNDING as i128, "{first:?} {other:?}");
			}
		}
	});
}

/// The first design lost its gains where what was charged came near to the price: the first to close took
/// everything.
#[test]
fn is_exact_whatever_was_charged() {
	for charged in [-200_000i128, -1, 0, 40_000, 59_999, 60_000, 61_000, 300_000] {
		ExtBuilder.build_and_execute(|| {
			// Enters at what was charged before, as after months of funding.
			let charged = charged * dollars(1).into_inner() as i128;
			trade(DAVE, BTC, -UNIT);
			change_market(BTC, |market| {
				market.funding_debt += (charged / 10i128.pow(20)) * -UNIT;
				(market.carry.long, market.carry.short) = (charged, charged);
			});
			TraderMap::mutate(account(DAVE), |trader| {
				let held = trader.positions[0];
				let now = crate::Position {
					funding: held.funding + (charged / 10i128.pow(20)) * -UNIT,
					..held
				};
				trader.positions[0] = now;
				Perpetuals::shift(&crate::haircut::Moved::of(&market(BTC), &held, &now));
			});
			assert_ok!(Perpetuals::do_try_state());
			trade(ALICE, BTC, 40 * UNIT);
			trade(BOB, BTC, 20 * UNIT);
			drain_pool(100_000 * USD as i128);
			move_to(BTC, dollars(60_000));
			let [(deficit, gains, _)] = announced()[..] else {
				panic!("{charged}: {:?}", announced());
			};
			assert!(
				gains > 580_000 * USD && gains < 610_000 * USD,
				"{charged}: {gains}"
			);
			settle_all();
			let (alice, bob) = (paid_out(ALICE, BTC), paid_out(BOB, BTC));
			// BOB came at a premium that ALICE had raised: his gain is half of hers but for that.
			assert!((alice - 2 * bob).abs() < alice / 20, "{alice} {bob}");
			paid_out(DAVE, BTC);
			let claims = Markets::<Test>::get().claims;
			assert!(
				claims.abs_diff(deficit) <= deficit / 1_000,
				"{charged}: {claims} {deficit}"
			);
			assert!(equity().abs() <= 100, "{charged}: {}", equity());
		});
	}
}

#[test]
fn cuts_what_is_closed_and_no_more() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		fund_pool(10 * USD);
		let whole = hypothetically!(fill_now(ALICE, BTC, -40 * UNIT).unwrap());
		let (first, second) = hypothetically!({
			let first = fill_now(ALICE, BTC, -15 * UNIT).unwrap();
			(first, fill_now(ALICE, BTC, -25 * UNIT).unwrap())
		});
		let gain = |fill: &crate::Fill| fill.realised - fill.funding;
		assert!((gain(&whole) - gain(&first) - gain(&second)).abs() <= 5);
		assert!(whole.haircut.abs_diff(first.haircut + second.haircut) <= 5);
		assert_eq!(
			whole.haircut,
			mul_ratio(gain(&whole).unsigned_abs(), rate(), Rounding::Up).unwrap()
		);
		// What opens realises nothing, its funding neither.
		let more = hypothetically!({
			fund_pool(POOL);
			let fill = fill_now(BOB, BTC, UNIT).unwrap();
			assert!(position(BOB, BTC).funding > 0);
			fill
		});
		assert_eq!((more.realised, more.funding, more.haircut), (0, 0, 0));
		// A loss is paid in full.
		let loss = fill_now(DAVE, BTC, 20 * UNIT + 1).unwrap();
		assert!(loss.realised < 0 && loss.haircut == 0);
	});
}

#[test]
fn what_is_shown_is_what_is_paid() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		for (who, id) in WINNERS.into_iter().chain([(DAVE, BTC), (EVE, SOL)]) {
			hypothetically!({
				// Settled at the mark, so that closing moves nothing.
				let price = market(id).mark();
				change_market(id, |market| market.status = Status::Settled { price });
				let worth = seen(who, id);
				assert_eq!(paid_out(who, id), worth);
				assert_ok!(Perpetuals::do_try_state());
			});
		}
	});
}

#[test]
fn follows_prices_and_is_gone_with_the_deficit() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		let high = rate();
		move_to(BTC, dollars(66_000));
		assert!(rate() > high);
		move_to(BTC, dollars(51_000));
		set_price(ETH, dollars(3_000));
		tick();
		assert_eq!(
			(rate(), Markets::<Test>::get().deficit),
			(FixedU128::default(), 0)
		);
		assert!(equity() > 0);
		let last = announced().last().copied().unwrap();
		assert_eq!((last.0, last.2), (0, FixedU128::default()));
		let fill = fill_now(BOB, BTC, -UNIT).unwrap();
		assert!(fill.realised > 0 && fill.haircut == 0 && Claims::<Test>::iter().count() == 0);
		// Said once.
		let count = announced().len();
		tick();
		assert_eq!(announced().len(), count);
	});
}

/// Closing and opening again fixes the share of that block, and gains nothing by itself.
#[test]
fn closing_and_reopening_gains_nothing() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		settle_all();
		let (before, cut) = (seen(BOB, BTC), uncut(&position(BOB, BTC)) - seen(BOB, BTC));
		assert_eq!(paid_out(BOB, BTC), before);
		assert_eq!(Claims::<Test>::get(account(BOB)).owed as i128, cut);
		assert_eq!(Perpetuals::recovery(account(BOB)).unwrap().owed as i128, cut);
	});
}

#[test]
fn fees_repay_all_claims_pro_rata_and_no_more() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		settle_all();
		let due = Markets::<Test>::get().fund_due;
		WINNERS.iter().take(2).for_each(|(who, id)| {
			paid_out(*who, *id);
		});
		let lost = |who| Claims::<Test>::get(account(who)).owed;
		let (alice, bob) = (lost(ALICE), lost(BOB));
		assert!(alice > 2 * bob && bob > 0);
		// A third comes back: neither fund nor pool gets a unit of it.
		assert_eq!(earn((alice + bob) / 3), 0);
		let state = Markets::<Test>::get();
		assert_eq!(
			(state.fund_due, state.recovery, state.claims),
			(due, (alice + bob) / 3, alice + bob - (alice + bob) / 3)
		);
		let said = Perpetuals::recovery(account(ALICE)).unwrap();
		let had = cash(ALICE);
		assert_ok!(claim(ALICE));
		assert_eq!((cash(ALICE) - had) as u128, said.claimable);
		assert!(said.claimable.abs_diff(alice / 3) <= 2);
		assert_eq!(Perpetuals::recovery(account(ALICE)).unwrap().claimable, 0);
		assert!(Perpetuals::is_owed(account(ALICE)) && !Perpetuals::is_owed(account(DAVE)));
		assert_noop!(claim(ALICE), Error::<Test>::NothingToClaim);
		assert_noop!(claim(99), Error::<Test>::NothingToClaim);
		// One that comes later gets nothing of what was repaid before, and its share from then on.
		paid_out(CAROL, ETH);
		let carol = lost(CAROL);
		assert_noop!(claim(CAROL), Error::<Test>::NothingToClaim);
		earn(1_000 * USD);
		let all = alice + bob - (alice + bob) / 3 + carol;
		let expected = 1_000 * USD * carol / all;
		let said = Perpetuals::recovery(account(CAROL)).unwrap();
		assert!(said.claimable.abs_diff(expected) <= 2, "{said:?} {expected}");
		// The rest and more: the rest is the fund's and the pool's.
		let (extra, cash_before) = (1_000_000, PoolCash::get());
		let pool = earn(Markets::<Test>::get().claims + extra);
		assert_eq!(Markets::<Test>::get().claims, 0);
		assert_eq!(PoolCash::get() - cash_before, pool as i128);
		for (who, id) in WINNERS {
			let gone = Claims::<Test>::get(account(who));
			assert_ok!(claim(who));
			assert!(
				gone.owed > 0 && !Claims::<Test>::contains_key(account(who)),
				"{who} {id}"
			);
		}
		assert!(Markets::<Test>::get().recovery <= 3);
		assert_noop!(claim(ALICE), Error::<Test>::NothingToClaim);
		assert_eq!(Perpetuals::recovery(account(ALICE)), None);
	});
}

#[test]
fn trades_and_liquidations_repay_too() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		fund_pool(POOL);
		Markets::<Test>::mutate(|state| {
			Perpetuals::claim_more(state, account(ALICE), 100_000 * USD).unwrap()
		});
		let before = (Markets::<Test>::get(), PoolCash::get(), market(BTC).rebates);
		let fill = fill_now(DAVE, BTC, 10 * UNIT).unwrap();
		let state = Markets::<Test>::get();
		assert!(fill.fee > 0);
		assert_eq!(state.fund_due, before.0.fund_due);
		assert_eq!(
			state.recovery,
			fill.fee.unsigned_abs() - (market(BTC).rebates - before.2)
		);
		assert_eq!(before.0.claims - state.claims, state.recovery);
		assert_eq!(PoolCash::get() - before.1, fill.funding - fill.realised);
		leave(DAVE, 60_000 * USD);
		set_price(BTC, dollars(65_000));
		tick();
		let had = (Markets::<Test>::get(), market(BTC).tranche);
		let closed = liquidate(DAVE, BTC).unwrap();
		assert!(closed.notional > 0);
		let now = Markets::<Test>::get();
		assert_eq!(
			(now.recovery, now.fund_due, market(BTC).tranche),
			(had.0.recovery + closed.fee, had.0.fund_due, had.1)
		);
	});
}

#[test]
fn a_quote_is_what_is_charged() {
	ExtBuilder.build_and_execute(|| {
		crowd();
		jump();
		let deficit = 123_456 * USD + 789;
		assert!(announced().is_empty());
		let quotes = ALL.map(|who| (who, Perpetuals::haircut_of(account(who), deficit)));
		let before = [BTC, ETH, SOL].map(|id| ALL.map(|who| seen(who, id)));
		drain_pool(PoolCash::get() - equity() - deficit as i128);
		Markets::<Test>::mutate(Perpetuals::follow_deficit);
		assert_eq!((announced()[0].0, announced()[0].2), (deficit, quotes[0].1.rate));
		let after = [BTC, ETH, SOL].map(|id| ALL.map(|who| seen(who, id)));
		for (index, (_, quote)) in quotes.iter().enumerate() {
			let lost: i128 = (0..3).map(|id| before[id][index] - after[id][index]).sum();
			assert_eq!(lost as u128, quote.cost);
		}
		assert!(quotes[0].1.cost > quotes[1].1.cost && quotes[2].1.cost > 0);
		assert_eq!(quotes[3].1.cost, 0);
		assert_eq!(Perpetuals::gains_in(99), 0);
	});
}

#[test]
fn takes_no_more_than_all() {
	ExtBuilder.build_and_execute(|| {
		crowd();
		drain_pool(-2_000_000 * USD as i128);
		jump();
		assert_eq!(rate(), ratio(1, 1));
		for (who, id) in WINNERS {
			assert_eq!(seen(who, id), 0);
			let gain = uncut(&position(who, id));
			let fill = fill_now(who, id, -position(who, id).size).unwrap();
			assert!(gain > 0 && fill.haircut as i128 == fill.realised - fill.funding);
		}
		assert!(equity() < 0);
	});
}

#[test]
fn is_set_anew_by_a_deficit_that_the_pool_covers() {
	ExtBuilder.build_and_execute(|| {
		crowd();
		jump();
		drain_pool(PoolCash::get() - equity());
		assert_eq!((equity(), rate()), (0, FixedU128::default()));
		let missing = 10_000 * USD;
		withdraw(account(EVE), cash(EVE) as u128 + missing);
		// What is due to the fund comes to it first.
		let by = cover(account(EVE), &[], missing).unwrap();
		assert_eq!((announced()[0].0, by.fund + by.pool), (by.pool, missing));
		let first = rate().into_inner();
		withdraw(account(EVE), missing);
		assert_ok!(cover(account(EVE), &[], missing));
		let expected = first / by.pool * (by.pool + missing);
		assert!(rate().into_inner().abs_diff(expected) <= first / 1_000_000);
	});
}

#[test]
fn without_weight_for_it_nothing_is_paid() {
	ExtBuilder.build_and_execute(|| {
		crowd();
		jump();
		drain_pool(PoolCash::get() - equity() - 10_000 * USD as i128);
		Now::mutate(|now| *now += BLOCK);
		MARKETS.iter().for_each(|id| set_price(*id, price_of(*id)));
		let all = <() as WeightInfo>::refresh(4).saturating_add(<() as WeightInfo>::follow_deficit(4));
		let poll = |weight| Perpetuals::on_poll(9, &mut WeightMeter::with_limit(weight));
		hypothetically!({
			poll(all.saturating_sub(frame_support::weights::Weight::from_parts(1, 0)));
			assert!(announced().is_empty());
			assert_noop!(fill_now(ALICE, BTC, -UNIT), Error::<Test>::PriceRefused);
			tick();
			assert_eq!(announced().len(), 1);
		});
		poll(all);
		assert_eq!(announced().len(), 1);
		assert!(market(BTC).fit.reduce_risk);
	});
}

#[test]
fn a_settled_market_gives_its_share() {
	ExtBuilder.build_and_execute(|| {
		crowd();
		jump();
		let price = market(ETH).mark();
		change_market(ETH, |market| market.status = Status::Settled { price });
		assert!(Perpetuals::gains_in(ETH) > 0);
		drain_pool(PoolCash::get() - equity() - 10_000 * USD as i128);
		tick();
		let whole = uncut(&position(CAROL, ETH));
		let cut = mul_ratio(whole.unsigned_abs(), rate(), Rounding::Up).unwrap();
		assert!(cut > 0);
		assert_eq!(paid_out(CAROL, ETH), whole - cut as i128);
		assert!(paid_out(ALICE, ETH) < 0);
	});
}

/// The attack: an account whose gain was cut goes bankrupt, others carry what is missing, and it collects its
/// claim from their fees afterwards.
#[test]
fn who_is_carried_by_others_claims_so_much_less() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		settle_all();
		paid_out(ALICE, BTC);
		let claimed = Claims::<Test>::get(account(ALICE)).owed;
		// A tenth is repaid and not collected.
		earn(claimed / 10);
		let due = Perpetuals::recovery(account(ALICE)).unwrap().claimable;
		assert!(due > 0);
		// It lost everything elsewhere and owes more than its claim pays.
		let missing = claimed / 2;
		withdraw(account(ALICE), cash(ALICE) as u128 + missing);
		let by = cover(account(ALICE), &[BTC], missing).unwrap();
		assert_eq!(cash(ALICE), 0);
		assert_eq!(
			(by.claim, by.claim + by.tranche + by.fund + by.pool),
			(due, missing)
		);
		let left = Perpetuals::recovery(account(ALICE)).unwrap();
		let carried = missing - due;
		assert!(left.claimable == 0 && left.owed.abs_diff(claimed - claimed / 10 - carried) <= 2);
		assert!(Markets::<Test>::get().claims.abs_diff(left.owed) <= 2);
		// More than all of it: nothing is left to claim.
		withdraw(account(ALICE), 2 * claimed);
		assert_ok!(cover(account(ALICE), &[BTC], 2 * claimed));
		assert_eq!(Perpetuals::recovery(account(ALICE)), None);
		assert!(Markets::<Test>::get().claims <= 2);
	});
}

/// The attack: what is left of positions by closing all but a few units breaks even anywhere, and makes the
/// ladder so coarse that no gain is seen.
#[test]
fn dust_is_not_counted() {
	ExtBuilder.build_and_execute(|| {
		crowd();
		let before = Ladders::<Test>::get(SOL);
		trade(DAVE, SOL, -1_000 * UNIT);
		fill_now(DAVE, SOL, 1_000 * UNIT - 3).unwrap();
		assert_eq!(position(DAVE, SOL).size, -3);
		assert_eq!(Ladders::<Test>::get(SOL), before);
		assert_ok!(Perpetuals::do_try_state());
		// Closing the rest takes nothing out that was not put in.
		fill_now(DAVE, SOL, 3).unwrap();
		assert_eq!(Ladders::<Test>::get(SOL), before);
	});
}

/// A hedged account is not liquidated for a share that may be gone in the next block.
#[test]
fn does_not_make_an_account_unsafe() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		let [exposure, ..] = &exposures(account(ALICE))[..] else {
			panic!("ALICE has positions");
		};
		let held = position(ALICE, BTC);
		assert_eq!(exposure.unrealised, uncut(&held));
		assert!(exposure.haircut > 0);
		assert_eq!(
			exposure.counted_for_leaving(Balance::MAX),
			exposure.unrealised - exposure.haircut as i128
		);
	});
}

/// The attack: somebody else has a gain paid out while the pool can pay a part of it, and waits for the
/// rebound.
#[test]
fn is_taken_by_nobody_but_the_owner() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		settle_all();
		let ask = |by| Perpetuals::pay_out(RuntimeOrigin::signed(by), account(BOB), BTC);
		assert_noop!(ask(77), Error::<Test>::OwnerOnly);
		hypothetically!({
			assert_ok!(ask(BOB));
		});
		// Nobody's absence keeps the pool short for ever.
		hypothetically!({
			change_market(BTC, |market| market.at = Now::get() - crate::PAY_OUT_GRACE_MS);
			assert_ok!(ask(77));
		});
		fund_pool(POOL);
		Markets::<Test>::mutate(Perpetuals::follow_deficit);
		assert_ok!(ask(77));
	});
}
