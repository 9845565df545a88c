//! Random operations: whatever the order, no unit of kUSD or collateral appears or is lost, and nothing is sold below its
//! reserve.

use std::collections::BTreeMap;

use frame_support::{
	storage::with_storage_layer,
	traits::{fungibles::Mutate, Hooks},
};
use keel_math::{value, Rounding};
use keel_primitives::{AssetId, Auctions as _, Balance, Level, Lot};
use proptest::prelude::*;
use sp_runtime::FixedU128;

use crate::{mock::*, types::LEAST_PORTION, Auctions as Running, Event, WeightInfo};

#[derive(Clone, Debug)]
enum Op {
	Start {
		asset: AssetId,
		collateral: Balance,
		debt: Balance,
		penalty: Balance,
		spot: u32,
	},
	Take {
		who: u64,
		pick: usize,
		amount: Balance,
		any_price: bool,
	},
	Advance(u64),
	Idle(u32),
	Settle(usize),
	Sell(AssetId),
	Claim {
		who: u64,
		asset: AssetId,
	},
	Block {
		asset: AssetId,
		blocked: bool,
	},
	FundBroken(bool),
	Breaker(Level),
	FundMint(Balance),
	Parameters {
		cut: u32,
		step: u64,
		reserve: u32,
		duration: u64,
		minimum: Balance,
	},
}

fn asset() -> impl Strategy<Value = AssetId> {
	BTC..=DOT
}

fn who() -> impl Strategy<Value = u64> {
	prop_oneof![Just(ALICE), Just(BOB), Just(CHARLIE), Just(OWNER)]
}

fn amount() -> impl Strategy<Value = Balance> {
	prop_oneof![
		2 => 0..10u128,
		4 => 1..1_000 * BITCOIN,
		2 => 1..100_000_000_000_000_000_000u128,
		2 => Just(Balance::MAX),
	]
}

fn op() -> impl Strategy<Value = Op> {
	let money = || prop_oneof![0..10u128, 0..100 * USD, 0..100_000 * USD];
	prop_oneof![
		5 => (asset(), amount(), money(), money(), 0..2_000u32).prop_map(
			|(asset, collateral, debt, penalty, spot)| Op::Start { asset, collateral, debt, penalty, spot }
		),
		10 => (who(), any::<usize>(), amount(), any::<bool>())
			.prop_map(|(who, pick, amount, any_price)| Op::Take { who, pick, amount, any_price }),
		4 => prop_oneof![6 => 0..60u64, 1 => 0..2_000u64].prop_map(Op::Advance),
		2 => (0..4u32).prop_map(Op::Idle),
		2 => any::<usize>().prop_map(Op::Settle),
		3 => asset().prop_map(Op::Sell),
		1 => (who(), asset()).prop_map(|(who, asset)| Op::Claim { who, asset }),
		1 => (asset(), any::<bool>()).prop_map(|(asset, blocked)| Op::Block { asset, blocked }),
		1 => (0..6u32).prop_map(|n| Op::FundBroken(n == 0)),
		1 => prop_oneof![
			3 => Just(Level::Normal),
			1 => Just(Level::Guarded),
			1 => Just(Level::ReduceOnly),
			1 => Just(Level::Halted),
		]
		.prop_map(Op::Breaker),
		1 => money().prop_map(Op::FundMint),
		1 => (prop_oneof![1 => 0..900u32, 5 => 950..=1_000u32], 0..100u64, 1..110u32, prop_oneof![1 => 1..500u64, 3 => 500..4_000u64], prop_oneof![Just(0), 0..200 * USD]).prop_map(
			|(cut, step, reserve, duration, minimum)| Op::Parameters { cut, step, reserve, duration, minimum }
		),
	]
}

/// The `pick`th of the running auctions, or one that is not.
fn picked(pick: usize) -> u64 {
	let mut ids: Vec<_> = Running::<Test>::iter_keys().collect();
	ids.sort_unstable();
	ids.push(u64::MAX);
	ids[pick % ids.len()]
}

/// What the world held besides the auctions: kUSD that must still be accounted for.
#[derive(Default)]
struct Model {
	/// Debt handed to auctions.
	started: Balance,
	/// kUSD minted to the fund.
	minted: Balance,
	/// Successful operations by name, so that a run in which nothing happens is seen.
	done: BTreeMap<&'static str, u32>,
}

fn apply(op: Op, model: &mut Model) {
	let root = sp_io::storage::root(sp_runtime::StateVersion::V1);
	let (name, done) = match op.clone() {
		Op::Start {
			asset,
			collateral,
			debt,
			penalty,
			spot,
		} => {
			let lot = Lot {
				branch: asset - 1,
				asset,
				feed: asset,
				divisor: divisor(asset),
				collateral,
				debt,
				penalty,
				owner: OWNER,
			};
			let result = Auctions::start(&VAULTS, lot, usd(spot));
			if result.is_ok() {
				model.started += debt;
			}
			("start", result.is_ok())
		}
		Op::Take {
			who,
			pick,
			amount,
			any_price,
		} => {
			let id = picked(pick);
			let running = Running::<Test>::get(id);
			let quote = Auctions::quote_take(id, amount);
			let limit = if any_price { ANY } else { usd(500) };
			let before = (
				Assets::balance(KUSD, who),
				running.as_ref().map(|a| Assets::balance(a.asset, who)),
			);
			let result = take(who, id, amount, limit);
			if result.is_ok() {
				let (running, quote) = (running.unwrap(), quote.unwrap());
				// An owner who buys pays its own surplus to itself, if it can be paid.
				let spent = before.0 - Assets::balance(KUSD, who);
				assert!(spent == quote.paid || (who == OWNER && spent == quote.paid - quote.surplus));
				let floor = value::value_of(
					quote.collateral,
					running.reserve_price,
					running.divisor,
					Rounding::Up,
				);
				assert!(quote.paid >= floor.unwrap(), "sold below the reserve");
				assert!(quote.price >= running.reserve_price && quote.price <= limit);
				let got = Assets::balance(running.asset, who) - before.1.unwrap();
				assert_eq!(quote.paid, quote.burned + quote.income + quote.surplus);
				let own = if who == OWNER { quote.returned } else { 0 };
				assert_eq!(got, quote.collateral + own);
			}
			("take", result.is_ok())
		}
		Op::Advance(seconds) => {
			advance(seconds);
			("advance", true)
		}
		Op::Idle(n) => {
			let limit = <() as WeightInfo>::settle_due(n).saturating_add(<() as WeightInfo>::sell_due(n));
			Spot::set(Some(usd(100)));
			assert!(Auctions::on_idle(1, limit).all_lte(limit));
			("idle", true)
		}
		Op::Settle(pick) => ("settle", settle(picked(pick)).is_ok()),
		Op::Sell(asset) => {
			let held = Assets::balance(asset, FUND);
			let done = sell_from(asset);
			let left = Assets::balance(asset, FUND);
			let sold = value::value_of(held - left, usd(100), divisor(asset), Rounding::Up);
			assert!(!done || left == 0 || sold >= Some(LEAST_PORTION), "sold a crumb");
			assert!(!done || held - left >= held / 4, "sold less than a quarter");
			assert!(
				!done || BreakerLevel::get() <= Level::Guarded,
				"sold while raised"
			);
			("sell", done)
		}
		Op::Claim { who, asset } => ("claim", claim(who, asset).is_ok()),
		Op::Block { asset, blocked } => {
			let issuer = RuntimeOrigin::signed(ISSUER);
			let done = match blocked {
				true => Assets::block(issuer, asset, OWNER),
				false => Assets::thaw(issuer, asset, OWNER),
			};
			("block", done.is_ok())
		}
		Op::FundBroken(broken) => {
			FundBroken::set(broken);
			("break", true)
		}
		Op::Breaker(level) => {
			BreakerLevel::set(level);
			("breaker", true)
		}
		Op::FundMint(amount) => {
			Assets::mint_into(KUSD, &FUND, amount).unwrap();
			model.minted += amount;
			("mint", true)
		}
		Op::Parameters {
			cut,
			step,
			reserve,
			duration,
			minimum,
		} => {
			Branch::mutate(|p| {
				p.auction_cut = FixedU128::from_rational(cut.into(), 1_000);
				p.auction_step = step;
				p.auction_reserve = FixedU128::from_rational(reserve.into(), 100);
				p.auction_duration = duration;
				p.minimum_debt = minimum;
			});
			("parameters", true)
		}
	};
	if done {
		*model.done.entry(name).or_default() += 1;
	} else {
		assert_eq!(
			sp_io::storage::root(sp_runtime::StateVersion::V1),
			root,
			"{op:?} failed and left a trace"
		);
	}
}

fn sell_from(asset: AssetId) -> bool {
	Spot::set(Some(usd(100)));
	with_storage_layer(|| Auctions::sell_fund_collateral(RuntimeOrigin::signed(ALICE), asset)).is_ok()
}

/// What turns amount times price into kUSD.
fn divisor(asset: AssetId) -> u128 {
	10u128.pow(match asset {
		BTC => 20,
		ETH => 30,
		_ => 22,
	})
}

fn run(ops: Vec<Op>) -> Model {
	let mut model = Model::default();
	new_test_ext().execute_with(|| {
		let start = supply();
		for op in ops {
			apply(op, &mut model);
			Auctions::do_try_state().expect("sound after every operation");
			// Debt is with the auctions, recorded as bad, or burned.
			assert_eq!(
				supply() + model.started,
				start + model.minted + Auctions::debt() + BadDebt::get(),
				"kUSD appeared or was lost"
			);
			for asset in COLLATERALS {
				let everybody = [ALICE, BOB, CHARLIE, OWNER, VAULTS, FUND, Auctions::account()];
				let held: Balance = everybody.iter().map(|who| Assets::balance(asset, *who)).sum();
				assert_eq!(held, 5 * ENDOWMENT, "collateral appeared or was lost");
			}
		}
		for event in events() {
			let name = match event {
				Event::Settled { .. } => "settled",
				Event::Closed { .. } => "closed",
				Event::ClaimRecorded { .. } => "claim recorded",
				Event::SettlementPostponed { .. } => "postponed",
				_ => continue,
			};
			*model.done.entry(name).or_default() += 1;
		}
	});
	model
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 2_000, ..Default::default() })]

	#[test]
	fn conserve_every_unit(ops in prop::collection::vec(op(), 250)) {
		run(ops);
	}
}

#[test]
fn every_path_is_walked() {
	use proptest::{strategy::ValueTree, test_runner::TestRunner};
	let mut runner = TestRunner::deterministic();
	let ops = prop::collection::vec(op(), 2_500)
		.new_tree(&mut runner)
		.unwrap()
		.current();
	let done = run(ops).done;
	for name in [
		"start",
		"take",
		"settle",
		"sell",
		"claim",
		"settled",
		"closed",
		"claim recorded",
		"postponed",
	] {
		assert!(done.contains_key(name), "no {name} in {done:?}");
	}
	for name in ["start", "take"] {
		assert!(done[name] >= 50, "hardly any {name} in {done:?}");
	}
}
