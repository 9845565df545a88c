//! Random operations: every invariant holds after each of them, and nothing comes from nowhere.

use std::cell::RefCell;

use frame_support::storage::with_transaction;
use keel_math::FixedU128;
use keel_primitives::{BreakerSubject, Level, MarketId, PoolExposure, PriceFor};
use proptest::{prelude::*, test_runner::TestRunner};
use sp_runtime::{DispatchError, Permill, TransactionOutcome};

use crate::{mock::*, Event, Markets, Trigger, When, NOTICE_MS};

#[derive(Clone, Debug)]
enum Op {
	Commit {
		who: u8,
		market: u8,
		size: i64,
		trigger: Option<(i8, bool)>,
		limit: Option<i8>,
		reduce_only: bool,
		life: u32,
	},
	Cancel {
		who: u8,
		order: u8,
	},
	Block {
		moves: [i8; 4],
		ms: u32,
	},
	Crash {
		market: u8,
		percent: u8,
		up: bool,
	},
	Liquidate {
		who: u8,
	},
	Reduce {
		who: u8,
		share: u8,
	},
	Refuse(u8),
	Level {
		market: u8,
		level: u8,
	},
	Delist {
		market: u8,
	},
	PayOut {
		who: u8,
		market: u8,
	},
	Leave {
		who: u8,
		part: u8,
	},
	Deposit {
		who: u8,
	},
	Price {
		market: u8,
	},
	Drain {
		part: u8,
	},
	Claim {
		who: u8,
	},
}

fn op() -> impl Strategy<Value = Op> {
	let commit = (
		any::<u8>(),
		any::<u8>(),
		any::<i64>(),
		prop::option::weighted(0.3, any::<(i8, bool)>()),
		prop::option::weighted(0.2, any::<i8>()),
		prop::bool::weighted(0.2),
		20_000u32..2_000_000,
	)
		.prop_map(
			|(who, market, size, trigger, limit, reduce_only, life)| Op::Commit {
				who,
				market,
				size,
				trigger,
				limit,
				reduce_only,
				life,
			},
		);
	prop_oneof![
		30 => commit,
		5 => any::<(u8, u8)>().prop_map(|(who, order)| Op::Cancel { who, order }),
		30 => (any::<[i8; 4]>(), 1_000u32..8_000).prop_map(|(moves, ms)| Op::Block { moves, ms }),
		4 => (any::<[i8; 4]>(), 100_000u32..4_000_000).prop_map(|(moves, ms)| Op::Block { moves, ms }),
		8 => (any::<u8>(), 2u8..20, any::<bool>())
			.prop_map(|(market, percent, up)| Op::Crash { market, percent, up }),
		16 => any::<u8>().prop_map(|who| Op::Liquidate { who }),
		4 => any::<(u8, u8)>().prop_map(|(who, share)| Op::Reduce { who, share }),
		2 => any::<u8>().prop_map(Op::Refuse),
		3 => any::<(u8, u8)>().prop_map(|(market, level)| Op::Level { market, level }),
		3 => any::<u8>().prop_map(|market| Op::Delist { market }),
		6 => any::<(u8, u8)>().prop_map(|(who, market)| Op::PayOut { who, market }),
		8 => (any::<u8>(), 128u8..=255).prop_map(|(who, part)| Op::Leave { who, part }),
		2 => any::<u8>().prop_map(|who| Op::Deposit { who }),
		2 => any::<u8>().prop_map(|market| Op::Price { market }),
		2 => any::<u8>().prop_map(|part| Op::Drain { part }),
		4 => any::<u8>().prop_map(|who| Op::Claim { who }),
	]
}

fn someone(who: u8) -> crate::mock::AccountId {
	ALL[usize::from(who) % 4]
}

fn some_market(market: u8) -> MarketId {
	MARKETS[usize::from(market) % 4]
}

/// A price moved by so many ten thousandths.
fn moved(price: FixedU128, ten_thousandths: i64) -> FixedU128 {
	let factor = u128::try_from(10_000 + ten_thousandths).unwrap();
	FixedU128::from_inner(price.into_inner() / 10_000 * factor + 7)
}

/// How often something happened over all cases.
#[derive(Default, Debug)]
struct Seen {
	ops: u32,
	filled: u32,
	failed: u32,
	triggered: u32,
	liquidated: u32,
	covered: u32,
	reduced: u32,
	settled: u32,
	paid_out: u32,
	haircuts: u32,
	ended: u32,
	cut: u32,
	claimed: u32,
}

thread_local! {
	static SEEN: RefCell<Seen> = RefCell::new(Seen::default());
}

fn liquidate_if_unsafe(who: crate::mock::AccountId) {
	let account = account(who);
	if !risk(account).is_unsafe() {
		return;
	}
	cancel_orders(account).unwrap();
	for id in MARKETS {
		let before = risk(account);
		if !before.is_unsafe() {
			return;
		}
		if let Ok(closed) = liquidate(who, id) {
			let after = risk(account);
			// It never needs more afterwards, and the fee never takes what is not there.
			assert!(after.maintenance <= before.maintenance, "{before:?} {after:?}");
			assert!(closed.fee == 0 || before.net > 0, "{closed:?} {before:?}");
		}
	}
	if exposures(account).is_empty() && cash(who) < 0 {
		let deficit = cash(who).unsigned_abs();
		let carried = cover(account, &MARKETS, deficit).unwrap();
		assert_eq!(
			carried.claim + carried.tranche + carried.fund + carried.pool,
			deficit
		);
		assert_eq!(cash(who), 0);
	}
}

fn commit_as_told(op: Op) {
	let Op::Commit {
		who,
		market,
		size,
		trigger,
		limit,
		reduce_only,
		life,
	} = op
	else {
		return;
	};
	let (who, id) = (someone(who), some_market(market));
	let price = price_of(id);
	// A little above the premium step at most, either way.
	let scale = numbers(1).skew_scale as i128 * dollars(1).into_inner() as i128;
	let scale = scale / price.into_inner() as i128;
	let size = scale / 180 * i128::from(size % 1_000) / 1_000 + i128::from(size % 7);
	let terms = Terms {
		trigger: trigger.map(|(off, above)| Trigger {
			price: moved(price, i64::from(off)),
			when: if above { When::Above } else { When::Below },
			trail: (off % 3 == 0).then(|| ratio(u128::from(off.unsigned_abs()) + 1, 1_000)),
		}),
		limit: limit.map(|off| moved(price, i64::from(off) * 2)),
		resting: limit.is_some() && life % 2 == 0,
		reduce_only,
		life: Some(life.into()),
	};
	let before = (cash(who), Markets::<Test>::get());
	if try_commit(who, id, size, terms).is_err() {
		assert_eq!((cash(who), Markets::<Test>::get()), before);
	}
}

fn run(op: Op) {
	match op {
		Op::Commit { .. } => commit_as_told(op),
		Op::Cancel { who, order } => {
			let ids: Vec<_> = match order % 8 {
				2..=4 => Perpetuals::orders(account(someone(who))),
				_ => TraderMap::iter_values()
					.flat_map(|trader| trader.orders)
					.collect(),
			};
			let mut ids: Vec<_> = ids.iter().map(|order| order.id).collect();
			ids.sort_unstable();
			let origin = || RuntimeOrigin::signed(someone(who));
			let before = (cash(someone(who)), Markets::<Test>::get());
			let done = frame_support::storage::with_storage_layer(|| match order % 8 {
				0 => Perpetuals::cancel_all(origin(), 0, None)
					.map(|_| ())
					.map_err(|e| e.error),
				1 => Perpetuals::close_all(origin(), 0, HOUR)
					.map(|_| ())
					.map_err(|e| e.error),
				_ if ids.is_empty() => Ok(()),
				2..=4 => {
					let id = ids[usize::from(order) % ids.len()];
					let market = crate::mock::order(id).unwrap().market;
					let terms = Terms {
						limit: Some(moved(price_of(market), i64::from(order) - 128)),
						resting: true,
						..Default::default()
					};
					let size = UNIT * (i128::from(order) - 100) / 100;
					Perpetuals::amend_order(origin(), 0, id, terms.of(market, size))
				}
				5 => {
					let close = |when| {
						let terms = Terms {
							trigger: Some(Trigger {
								price: moved(price_of(BTC), if when == When::Above { 50 } else { -50 }),
								when,
								trail: None,
							}),
							reduce_only: true,
							..Default::default()
						};
						terms.of(BTC, -position(someone(who), BTC).size)
					};
					Perpetuals::commit_pair(origin(), 0, close(When::Above), close(When::Below))
				}
				_ => cancel(someone(who), ids[usize::from(order) % ids.len()]),
			});
			if done.is_err() {
				assert_eq!((cash(someone(who)), Markets::<Test>::get()), before);
			}
		}
		Op::Block { moves, ms } => {
			for (id, ten_thousandths) in MARKETS.into_iter().zip(moves) {
				set_price(id, moved(price_of(id), i64::from(ten_thousandths) / 2));
			}
			block_after(ms.into());
		}
		Op::Crash { market, percent, up } => {
			let id = some_market(market);
			let by = i64::from(percent) * 100;
			let value = moved(price_of(id), if up { by } else { -by });
			// Prices that stay in the range of markets.
			if (dollars(1)..dollars(1_000_000)).contains(&value) {
				move_to(id, value);
				if percent % 2 == 0 {
					ALL.into_iter().for_each(liquidate_if_unsafe);
				}
			}
		}
		Op::Liquidate { who } => liquidate_if_unsafe(someone(who)),
		Op::Reduce { who, share } => {
			let share = Permill::from_percent(u32::from(share) % 101);
			let _ = reduce(account(someone(who)), share, 0);
		}
		Op::Refuse(purpose) => RefusedFor::set(match purpose % 10 {
			0 => vec![PriceFor::AddRisk],
			1 => vec![PriceFor::AddRisk, PriceFor::Liquidate],
			_ => vec![],
		}),
		Op::Level { market, level } => {
			let level =
				[Level::Normal, Level::Normal, Level::Guarded, Level::ReduceOnly][usize::from(level) % 4];
			raise(BreakerSubject::Market(some_market(market)), level);
		}
		Op::Delist { market } => {
			// One at a time, so that there is trade.
			let state = Markets::<Test>::get();
			if state
				.markets
				.iter()
				.all(|market| market.status == crate::Status::Open)
			{
				let at = Now::get() + NOTICE_MS;
				Perpetuals::delist(RuntimeOrigin::root(), some_market(market), at).unwrap();
			}
		}
		Op::PayOut { who, market } => {
			let target = account(someone(who));
			// One that is settled, if it has one.
			let id = exposures(target)
				.iter()
				.map(|exposure| exposure.market)
				.find(|id| crate::mock::market(*id).is_settled())
				.unwrap_or(some_market(market));
			// A haircut of what is paid out is claimed, not paid.
			let cut = exposures(target)
				.iter()
				.filter(|exposure| exposure.market == id)
				.fold(0, |sum, exposure| sum + exposure.haircut as i128);
			let before = risk(target).net - cut;
			let paid =
				with_transaction(
					|| match Perpetuals::pay_out(RuntimeOrigin::signed(DAVE), target, id) {
						Ok(()) => TransactionOutcome::Commit(Ok::<_, DispatchError>(())),
						Err(error) => TransactionOutcome::Rollback(Err(error)),
					},
				);
			if paid.is_ok() {
				// What it was worth is what it gets, beside the fees of its orders.
				let fees = 6 * ORDER_FEE as i128;
				assert!((0..=fees).contains(&(risk(target).net - before)));
			}
		}
		Op::Leave { who, part } => {
			let who = someone(who);
			// Never below what it needs to begin with.
			let free = risk(account(who)).free().min(cash(who));
			if free > 0 {
				withdraw(account(who), free as u128 * u128::from(part) / 255);
			}
		}
		Op::Deposit { who } => deposit(account(someone(who)), 100_000 * USD),
		Op::Price { market } => {
			let id = some_market(market);
			set_price(id, price_of(id));
		}
		Op::Drain { part } => {
			// To about what it owes, or back to where it was.
			if part % 4 == 0 {
				fund_pool(POOL);
			} else {
				let owed = Perpetuals::owed().unwrap().max(0);
				drain_pool(owed + owed * i128::from(part) / 1_000 + 1_000 * USD as i128);
			}
		}
		Op::Claim { who } => {
			let who = account(someone(who));
			let worth = risk(who).net;
			let said = Perpetuals::recovery(who).map_or(0, |claim| claim.claimable);
			let paid = frame_support::storage::with_storage_layer(|| Perpetuals::do_claim(who));
			let gained = if paid.is_ok() { said } else { 0 };
			assert_eq!(risk(who).net - worth, gained as i128);
		}
	}
}

fn count() {
	SEEN.with_borrow_mut(|seen| {
		for event in events() {
			match event {
				Event::OrderFilled { haircut, .. } => {
					seen.filled += 1;
					seen.cut += u32::from(haircut > 0);
				}
				Event::OrderFailed { .. } => seen.failed += 1,
				Event::OrderTriggered { .. } => seen.triggered += 1,
				Event::PositionLiquidated { .. } => seen.liquidated += 1,
				Event::DeficitCovered { .. } => seen.covered += 1,
				Event::PositionReduced { haircut, .. } => {
					seen.reduced += 1;
					seen.cut += u32::from(haircut > 0);
				}
				Event::MarketSettled { .. } => seen.settled += 1,
				Event::PositionPaidOut { .. } => seen.paid_out += 1,
				Event::GainsHaircut { deficit, .. } => match deficit {
					0 => seen.ended += 1,
					_ => seen.haircuts += 1,
				},
				Event::RecoveryClaimed { .. } => seen.claimed += 1,
				_ => {}
			}
		}
	});
	System::reset_events();
}

/// If everybody closed now, one after the other, the pool would pay no more than what it says it owes, less
/// what the haircut of now takes.
fn check_owed() {
	let mut state = Markets::<Test>::get();
	// Prices, trades and the pool's cash may have moved since the block began.
	Perpetuals::follow_deficit(&mut state);
	let (owed, deficit) = (Perpetuals::owed().unwrap(), state.deficit as i128);
	let (mut realised, mut cut) = (0, 0);
	let positions = |who| TraderMap::get(account(who)).positions;
	for mut position in ALL.into_iter().flat_map(positions) {
		let market = state.market_mut(position.market).unwrap();
		let trade = match market.status {
			crate::Status::Settled { price } => market.pay_out(&position, price),
			_ => {
				let size = position.size;
				market.trade(&mut position, -size)
			}
		};
		let trade = trade.unwrap();
		realised += trade.realised - trade.funding;
		cut += trade.haircut as i128;
	}
	assert!(realised <= owed, "{realised} {owed}");
	assert!(cut == 0 || deficit > 0, "{cut} {deficit}");
	// Each is cut at its own fill price, and all gains are counted at the price at which all could leave.
	// Those near to breaking even are not counted.
	let rate = state
		.markets
		.iter()
		.map(|market| market.haircut.rate)
		.max()
		.unwrap();
	if rate < FixedU128::from_u32(1) && deficit > 0 {
		let off = (cut - deficit).abs();
		assert!(
			off <= deficit / 5 + 100_000 * USD as i128,
			"{cut} {deficit} {rate:?}"
		);
	}
}

#[test]
fn every_invariant_holds_after_every_operation() {
	let config = ProptestConfig {
		cases: 400,
		..ProptestConfig::with_source_file(file!())
	};
	let mut runner = TestRunner::new(config);
	let ops = prop::collection::vec(op(), 110..150);
	let result = runner.run(&ops, |ops| {
		new_test_ext().execute_with(|| {
			fund_pool(POOL);
			ALL.iter().for_each(|who| deposit(account(*who), PURSE));
			tick();
			for op in ops {
				SEEN.with_borrow_mut(|seen| seen.ops += 1);
				let told = format!("{op:?}");
				run(op);
				count();
				check_conservation();
				check_owed();
				assert_eq!(Perpetuals::do_try_state(), Ok(()), "{told}");
			}
		});
		Ok(())
	});
	result.unwrap();
	SEEN.with_borrow(|seen| {
		println!("{seen:?}");
		assert!(seen.ops >= 40_000);
		assert!(
			seen.filled > 300 && seen.failed > 50 && seen.triggered > 10,
			"{seen:?}"
		);
		assert!(seen.liquidated > 20 && seen.reduced > 50, "{seen:?}");
		assert!(
			seen.settled > 10 && seen.paid_out > 0 && seen.covered > 0,
			"{seen:?}"
		);
		assert!(seen.haircuts > 50 && seen.ended > 10, "{seen:?}");
		assert!(seen.cut > 50 && seen.claimed > 10, "{seen:?}");
	});
}
