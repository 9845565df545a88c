//! What the pool can't pay is taken from profits, the same share of each, and comes back out of fees.

use frame_support::{assert_noop, assert_ok, hypothetically, traits::Hooks, weights::WeightMeter};
use keel_math::{mul_ratio, FixedU128, Rounding};
use keel_primitives::{Balance, MarketId, Positions};

use crate::{haircut::Plan, mock::*, Book, Claims, Cuts, Error, Event, Ladders, Status, Traders, WeightInfo};

const EVE: crate::mock::AccountId = 5;
/// How far rounding may be off for the positions of the crowd.
const ROUNDING: u128 = 4 * 6;

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

/// The prices at which the longs of BTC and the shorts of ETH win, and SOL moves by a little.
fn jump() {
	set_price(ETH, dollars(2_000));
	set_price(SOL, ratio(1_001, 10));
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
		Traders::<Test>::get(account(who))
			.positions
			.into_iter()
			.map(move |p| (who, p))
	})
}

/// What closing at the mark would realise without cuts.
fn uncut(position: &crate::Position) -> i128 {
	market(position.market).unrealised(position).unwrap()
}

/// The same as margin sees it.
fn seen(who: crate::mock::AccountId, id: MarketId) -> i128 {
	Perpetuals::exposures(account(who))
		.iter()
		.find(|exposure| exposure.market == id)
		.map_or(0, |exposure| exposure.unrealised)
}

/// The cuts that were announced: number, deficit, rate, taken.
fn applied() -> Vec<(u32, Balance, FixedU128, Balance)> {
	events()
		.into_iter()
		.filter_map(|event| match event {
			Event::HaircutApplied {
				number,
				deficit,
				rate,
				taken,
			} => Some((number, deficit, rate, taken)),
			_ => None,
		})
		.collect()
}

fn insolvent() -> usize {
	let named = |event: &Event<Test>| matches!(event, Event::PoolInsolvent { .. });
	events().iter().filter(|event| named(event)).count()
}

fn equity() -> i128 {
	Perpetuals::pool_equity(&Book::<Test>::get()).unwrap()
}

fn claim(who: crate::mock::AccountId) -> Result<(), sp_runtime::DispatchError> {
	// By somebody who has nothing to do with it.
	frame_support::storage::with_storage_layer(|| {
		Perpetuals::claim_recovery(RuntimeOrigin::signed(77), account(who))
			.map(|_| ())
			.map_err(|failed| failed.error)
	})
}

/// Take what is cut out of everybody's positions.
fn touch_all() {
	for who in ALL.into_iter().chain([EVE]) {
		let _ = claim(who);
	}
}

/// Clearing gets `amount` in fees of BTC.
fn earn(amount: Balance) -> Balance {
	let mut book = Book::<Test>::get();
	let fees = crate::fees::Fees {
		maker: amount,
		..Default::default()
	};
	let pool = Perpetuals::split_fee(&mut book, BTC, &numbers(50_000), &fees).unwrap();
	Book::<Test>::put(book);
	fund_pool(amount);
	PoolCash::mutate(|cash| *cash -= (amount - pool) as i128);
	pool
}

#[test]
fn every_winner_loses_the_same_share_and_nobody_else_loses() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		let [(number, deficit, rate, taken)] = applied()[..] else {
			panic!("{:?}", applied());
		};
		assert_eq!((number, insolvent()), (0, 0));
		assert!(rate > ratio(30, 100) && rate < ratio(80, 100), "{rate:?}");
		let (mut sum, mut winners) = (0, 0);
		for (who, position) in all() {
			let (before, after) = (uncut(&position), seen(who, position.market));
			let lost = (before - after).unsigned_abs();
			let wins = matches!((who, position.market), (ALICE, BTC) | (BOB, BTC) | (CAROL, ETH));
			if wins {
				assert!(before > 0);
				assert_eq!(
					lost,
					mul_ratio(before.unsigned_abs(), rate, Rounding::Down).unwrap()
				);
				winners += 1;
			} else {
				assert_eq!(lost, 0);
			}
			sum += lost;
		}
		// The tiny profit of EVE stays.
		assert!(uncut(&position(EVE, SOL)) > 0);
		assert_eq!(winners, 3);
		assert!(sum <= deficit && sum >= deficit - ROUNDING, "{sum} {deficit}");
		assert!(taken <= sum);
		// Announced is not owed, from the beginning.
		assert!(equity() <= 0 && equity() >= -2 * ROUNDING as i128, "{}", equity());
		assert_eq!(Book::<Test>::get().cut_outstanding, taken);
		let before = equity();
		touch_all();
		assert_eq!(
			(
				Cuts::<Test>::get()[0].collected,
				Book::<Test>::get().cut_outstanding
			),
			(sum, 0)
		);
		// What is collected beyond what was announced is the pool's.
		assert_eq!(equity() - before, (sum - taken) as i128);
		assert!(equity() <= 0);
		assert_eq!(
			market(BTC).cost,
			all()
				.filter(|(_, p)| p.market == BTC)
				.map(|(_, p)| p.cost)
				.sum::<i128>()
		);
		// What rounding left is no reason to go on.
		tick();
		assert_eq!((applied().len(), insolvent()), (1, 0));
	});
}

#[test]
fn what_is_shown_is_what_is_paid() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		for (who, id) in [(ALICE, BTC), (CAROL, ETH), (DAVE, BTC), (EVE, SOL)] {
			hypothetically!({
				let before = (seen(who, id), Perpetuals::position(account(who), id).unwrap());
				let _ = claim(who);
				assert_eq!(
					(seen(who, id), Perpetuals::position(account(who), id).unwrap()),
					before
				);
				assert_eq!(position(who, id).cuts_seen, if claimed(who) { 1 } else { 0 });
			});
			// Settled at the mark, so that closing moves nothing.
			hypothetically!({
				let price = market(id).mark();
				change_market(id, |market| market.status = Status::Settled { price });
				let (worth, had) = (seen(who, id), cash(who));
				assert_ok!(Perpetuals::pay_out(RuntimeOrigin::signed(77), account(who), id));
				assert_eq!(cash(who) - had, worth);
				assert_ok!(Perpetuals::do_try_state());
			});
		}
	});
}

/// Had it something that was brought up to date?
fn claimed(who: crate::mock::AccountId) -> bool {
	Traders::<Test>::get(account(who))
		.positions
		.iter()
		.any(|p| p.cuts_seen > 0)
}

#[test]
fn closing_is_the_same_before_and_after_touching() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		set_price(BTC, dollars(64_000));
		tick();
		assert_eq!(applied().len(), 2);
		let close = || {
			fill_now(ALICE, BTC, -40 * UNIT).unwrap();
			cash(ALICE)
		};
		// All but what was claimed.
		let state = || {
			let cuts: Vec<_> = Cuts::<Test>::get()
				.iter()
				.map(|cut| (cut.collected, cut.repaid))
				.collect();
			let book = Book::<Test>::get();
			let markets: Vec<_> = book.markets.into_inner();
			(
				PoolCash::get(),
				markets,
				book.cut_outstanding,
				book.unrepaid,
				cuts,
			)
		};
		let last = hypothetically!({
			touch_all();
			(close(), state())
		});
		let first = hypothetically!({
			let cash = close();
			assert_ok!(Perpetuals::do_try_state());
			touch_all();
			(cash, state())
		});
		assert_eq!(first, last);
	});
}

#[test]
fn a_second_cut_counts_what_the_first_left() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		// One of them is touched in between, the others are not.
		assert_ok!(claim(BOB));
		assert_eq!(Ladders::<Test>::iter_prefix(BTC).count(), 2);
		let held: Vec<_> = all()
			.map(|(who, p)| (who, p.market, seen(who, p.market)))
			.collect();
		set_price(BTC, dollars(66_000));
		tick();
		let [_, (1, deficit, rate, taken)] = applied()[..] else {
			panic!("{:?}", applied());
		};
		let collected = |all: bool| {
			hypothetically!({
				if all {
					touch_all();
				}
				Cuts::<Test>::get()[1].collected
			})
		};
		assert_eq!(collected(false), 0);
		let sum = collected(true);
		assert!(sum <= deficit && sum >= deficit - 3 * ROUNDING, "{sum} {deficit}");
		assert!(
			taken <= sum && equity() <= 0 && equity() >= -4 * ROUNDING as i128,
			"{}",
			equity()
		);
		// Of what the first left and the price added, everybody the same share.
		for (who, id, before) in held {
			let wins = matches!((who, id), (ALICE, BTC) | (BOB, BTC) | (CAROL, ETH));
			let move_of_it = if id == BTC {
				position(who, id).size * (66_000 - 60_000) / 100
			} else {
				0
			};
			let whole = before + move_of_it;
			// The premium moves with the price: a per cent of the move is enough room.
			let expected = if wins {
				let kept = FixedU128::from_inner(ratio(1, 1).into_inner() - rate.into_inner());
				mul_ratio(whole.unsigned_abs(), kept, Rounding::Down).unwrap() as i128
			} else {
				whole
			};
			let off = (seen(who, id) - expected).abs();
			assert!(
				off <= move_of_it.abs() / 100 + 2 * USD as i128,
				"{who} {id} {off}"
			);
		}
		touch_all();
		let numbers: Vec<_> = Claims::<Test>::iter_prefix(account(ALICE))
			.map(|(number, _)| number)
			.collect();
		assert_eq!(numbers.len(), 2);
	});
}

#[test]
fn fees_repay_exactly_and_no_more() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		let due = Book::<Test>::get().fund_due;
		let lost: Vec<_> = [ALICE, BOB, CAROL]
			.map(|who| {
				let id = if who == CAROL { ETH } else { BTC };
				(who, (uncut(&position(who, id)) - seen(who, id)).unsigned_abs())
			})
			.into();
		let total: u128 = lost.iter().map(|(_, lost)| lost).sum();
		// A third comes back: neither fund nor pool gets a unit of it.
		assert_eq!(earn(total / 3), 0);
		assert_eq!(
			(Book::<Test>::get().fund_due, Book::<Test>::get().recovery),
			(due, total / 3)
		);
		let had: Vec<_> = lost.iter().map(|(who, _)| cash(*who)).collect();
		// What the view says is what is paid, to an account that has not moved.
		let said = Perpetuals::recoveries(account(ALICE));
		assert_eq!((said.len(), said[0].cut, said[0].paid), (1, lost[0].1, 0));
		assert_ok!(claim(ALICE));
		assert_eq!(cash(ALICE) - had[0], said[0].claimable as i128);
		assert!(said[0].claimable.abs_diff(lost[0].1 / 3) <= ROUNDING);
		assert_eq!(Perpetuals::recoveries(account(ALICE))[0].claimable, 0);
		assert!(Perpetuals::is_owed(account(ALICE)) && !Perpetuals::is_owed(account(DAVE)));
		assert_noop!(claim(ALICE), Error::<Test>::NothingToClaim);
		assert_noop!(claim(DAVE_WITHOUT_ANYTHING), Error::<Test>::NothingToClaim);
		// The rest and more: the rest is the fund's and the pool's.
		touch_all();
		let before = PoolCash::get();
		let extra = 1_000_000;
		let pool = earn(Book::<Test>::get().unrepaid + extra);
		assert_eq!(Book::<Test>::get().unrepaid, 0);
		assert_eq!(PoolCash::get() - before, pool as i128);
		let tranche = market(BTC).tranche;
		assert!(pool <= extra && pool + tranche + Book::<Test>::get().fund_due >= extra);
		for (who, _) in &lost {
			let _ = claim(*who);
		}
		for ((who, lost), had) in lost.iter().zip(had) {
			assert_eq!(cash(*who) - had, *lost as i128);
		}
		assert_eq!(
			(Book::<Test>::get().recovery, Claims::<Test>::iter().count()),
			(0, 0)
		);
		assert_noop!(claim(ALICE), Error::<Test>::NothingToClaim);
		// It is over: the next one is remembered alone.
		drain_pool(PoolCash::get() - equity() - 50_000 * USD as i128);
		tick();
		assert_eq!(applied().last().unwrap().0, 1);
		assert_eq!(Cuts::<Test>::get().len(), 1);
	});
}

const DAVE_WITHOUT_ANYTHING: crate::mock::AccountId = 99;

#[test]
fn trades_and_liquidations_repay_too() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		let before = (Book::<Test>::get(), PoolCash::get(), market(BTC).rebates);
		fund_pool(POOL);
		let fill = fill_now(DAVE, BTC, 10 * UNIT).unwrap();
		let fee = fill.fee.unsigned_abs();
		let book = Book::<Test>::get();
		assert!(fill.fee > 0);
		assert_eq!(book.fund_due, before.0.fund_due);
		assert_eq!(book.recovery, fee - (market(BTC).rebates - before.2));
		assert_eq!(before.0.unrepaid - book.unrepaid, book.recovery);
		let pool = PoolCash::get() - before.1 - POOL as i128;
		assert_eq!(pool, fill.funding - fill.realised);
		leave(DAVE, 60_000 * USD);
		set_price(BTC, dollars(65_000));
		tick();
		let had = (
			Book::<Test>::get().recovery,
			Book::<Test>::get().fund_due,
			market(BTC).tranche,
		);
		let closed = liquidate(DAVE, BTC).unwrap();
		assert!(closed.notional > 0);
		let now = (
			Book::<Test>::get().recovery,
			Book::<Test>::get().fund_due,
			market(BTC).tranche,
		);
		assert_eq!(now, (had.0 + closed.fee, had.1, had.2));
	});
}

#[test]
fn the_oldest_cut_is_repaid_first() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		move_to(BTC, dollars(66_000));
		let of = || {
			let cuts = Cuts::<Test>::get();
			(cuts[0].repaid, cuts[1].repaid)
		};
		let first = Cuts::<Test>::get()[0].taken;
		earn(first - 1);
		assert_eq!(of(), (first - 1, 0));
		earn(11);
		assert_eq!(of(), (first, 10));
		// More was taken than announced: that comes first again.
		touch_all();
		let more = Cuts::<Test>::get()[0].collected - first;
		assert!(more > 0);
		earn(more + 5);
		assert_eq!(of(), (first + more, 15));
	});
}

#[test]
fn a_quote_is_what_is_charged() {
	ExtBuilder.build_and_execute(|| {
		crowd();
		jump();
		let deficit = 123_456 * USD + 789;
		assert!(applied().is_empty());
		let quotes =
			[ALICE, BOB, CAROL, DAVE, EVE].map(|who| (who, Perpetuals::haircut_of(account(who), deficit)));
		let before = [BTC, ETH, SOL].map(|id| ALL.map(|who| seen(who, id)));
		drain_pool(PoolCash::get() - equity() - deficit as i128);
		assert_eq!(equity(), -(deficit as i128));
		Perpetuals::check_pool(None);
		assert_eq!((applied()[0].1, applied()[0].2), (deficit, quotes[0].1.rate));
		let after = [BTC, ETH, SOL].map(|id| ALL.map(|who| seen(who, id)));
		for (index, (_, quote)) in quotes.iter().take(4).enumerate() {
			let lost: i128 = (0..3).map(|id| before[id][index] - after[id][index]).sum();
			assert_eq!(lost as u128, quote.cost);
		}
		assert!(quotes[0].1.cost > quotes[1].1.cost && quotes[2].1.cost > 0);
		assert_eq!((quotes[3].1.cost, quotes[4].1.cost), (0, 0));
		let profit: u128 = MARKETS.map(Perpetuals::profit_in).iter().sum();
		let (_, deficit, rate, _) = applied()[0];
		// What is left in profit is what was not cut.
		let kept = ratio(1, 1).into_inner() - rate.into_inner();
		let whole = profit * ratio(1, 1).into_inner() / kept;
		assert!(
			(whole - profit).abs_diff(deficit) <= 2 * ROUNDING,
			"{whole} {profit}"
		);
		assert_eq!(Perpetuals::profit_in(99), 0);
	});
}

#[test]
fn more_than_all_profit_is_not_there() {
	ExtBuilder.build_and_execute(|| {
		crowd();
		drain_pool(-2_000_000 * USD as i128);
		jump();
		assert_eq!(
			(applied().len(), applied()[0].2, insolvent()),
			(1, ratio(1, 1), 0)
		);
		for (who, id) in [(ALICE, BTC), (BOB, BTC), (CAROL, ETH)] {
			assert_eq!(seen(who, id), 0);
		}
		assert!(equity() < 0);
		// Nothing is left to take.
		tick();
		assert_eq!((applied().len(), insolvent()), (1, 1));
		assert_eq!(Perpetuals::haircut_of(account(ALICE), USD), Default::default());
	});
}

#[test]
fn once_a_block_and_with_the_cover() {
	ExtBuilder.build_and_execute(|| {
		crowd();
		jump();
		let spare = equity();
		drain_pool(PoolCash::get() - spare);
		assert_eq!(equity(), 0);
		let missing = 10_000 * USD;
		withdraw(account(EVE), cash(EVE) as u128 + missing);
		let cover = || Perpetuals::cover(account(EVE), &[], missing).map(|_| ());
		assert_ok!(cover());
		assert_eq!((applied().len(), insolvent()), (1, 0));
		assert!(equity() <= 0 && equity() >= -2 * ROUNDING as i128);
		withdraw(account(EVE), missing);
		assert_ok!(cover());
		assert_eq!((applied().len(), insolvent()), (1, 1));
		tick();
		assert_eq!((applied().len(), insolvent()), (2, 1));
	});
}

#[test]
fn without_weight_it_is_named_and_done_later() {
	ExtBuilder.build_and_execute(|| {
		crowd();
		jump();
		drain_pool(PoolCash::get() - equity() - 10_000 * USD as i128);
		Now::mutate(|now| *now += BLOCK);
		let refresh = <() as WeightInfo>::refresh(4);
		let all = refresh.saturating_add(<() as WeightInfo>::apply_haircut(4));
		let poll = |weight| Perpetuals::on_poll(9, &mut WeightMeter::with_limit(weight));
		hypothetically!({
			poll(all.saturating_sub(frame_support::weights::Weight::from_parts(1, 0)));
			assert_eq!((applied().len(), insolvent()), (0, 1));
			tick();
			assert_eq!(applied().len(), 1);
		});
		poll(all);
		assert_eq!((applied().len(), insolvent()), (1, 0));
	});
}

#[test]
fn orders_weigh_what_their_positions_may_not_have_seen() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		fund_pool(POOL);
		let id = commit(BOB, BTC, UNIT);
		Now::mutate(|now| *now += BLOCK);
		set_price(BTC, dollars(60_000));
		Now::mutate(|now| *now += BLOCK);
		let heads = <Test as frame_system::Config>::DbWeight::get().reads(4 * 3 + 2);
		let usual = <() as WeightInfo>::refresh(4)
			.saturating_add(<() as WeightInfo>::fill_order())
			.saturating_add(heads);
		let poll = |weight| {
			// The market of the order comes first.
			Perpetuals::on_poll(4, &mut WeightMeter::with_limit(weight));
			order(id).is_none()
		};
		// A sweep is not due.
		Book::<Test>::mutate(|book| book.swept_at = Now::get());
		hypothetically!(assert!(!poll(usual)));
		hypothetically!({
			// Without a cut that would do.
			Cuts::<Test>::kill();
			assert!(poll(usual));
		});
		assert!(poll(usual.saturating_add(<() as WeightInfo>::claim_recovery(1))));
	});
}

#[test]
fn the_more_cuts_the_larger_the_next_and_there_is_an_end() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		let book = Book::<Test>::get();
		let plans = |deficit| matches!(Perpetuals::plan(&book, deficit), Plan::Cut(_));
		let profit: u128 = MARKETS.map(Perpetuals::profit_in).iter().sum();
		assert!(!plans(profit / 2_010) && plans(profit / 1_990));
		let one = Cuts::<Test>::get()[0].clone();
		let more = |count: u32| {
			let cuts: Vec<_> = (0..count)
				.map(|number| crate::Cut {
					number,
					rate: if number == 0 { one.rate } else { Default::default() },
					..one.clone()
				})
				.collect();
			Cuts::<Test>::put(crate::CutsOf::<Test>::try_from(cuts).unwrap());
			let book = Book::<Test>::mutate(|book| {
				book.cuts = count;
				book.clone()
			});
			matches!(Perpetuals::plan(&book, profit / 10), Plan::Cut(_))
		};
		hypothetically!(assert!(more(63)));
		hypothetically!(assert!(!more(64)));
	});
}

#[test]
fn a_settled_market_is_left_alone() {
	ExtBuilder.build_and_execute(|| {
		crowd();
		jump();
		let price = market(ETH).mark();
		change_market(ETH, |market| market.status = Status::Settled { price });
		let before = seen(CAROL, ETH);
		assert_eq!(Perpetuals::profit_in(ETH), 0);
		drain_pool(PoolCash::get() - equity() - 10_000 * USD as i128);
		tick();
		assert_eq!(applied().len(), 1);
		assert_eq!(seen(CAROL, ETH), before);
		assert!(seen(ALICE, BTC) < uncut(&position(ALICE, BTC)));
		assert_ok!(Perpetuals::pay_out(
			RuntimeOrigin::signed(77),
			account(CAROL),
			ETH
		));
		assert_ok!(Perpetuals::pay_out(
			RuntimeOrigin::signed(77),
			account(ALICE),
			ETH
		));
	});
}

#[test]
fn who_comes_later_is_not_cut() {
	ExtBuilder.build_and_execute(|| {
		crash(100_000);
		fund_pool(POOL);
		let fill = fill_now(EVE, BTC, UNIT).unwrap();
		assert_eq!(fill.position, UNIT);
		assert_eq!(
			(position(EVE, BTC).cuts_seen, position(EVE, SOL).cuts_seen),
			(1, 0)
		);
		assert!(uncut(&position(EVE, BTC)) == seen(EVE, BTC));
		// Who adds to a winner adds to what is left of it.
		let before = seen(BOB, BTC);
		let fill = fill_now(BOB, BTC, UNIT).unwrap();
		assert_eq!((fill.realised, position(BOB, BTC).cuts_seen), (0, 1));
		let gained = seen(BOB, BTC) - before + fill.funding;
		assert!(gained.abs() <= 200 * USD as i128, "{gained}");
	});
}
