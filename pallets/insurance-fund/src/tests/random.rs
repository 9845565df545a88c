//! Random operations against an account kept by hand: whatever the order, no unit appears or is lost.

use keel_math::ONE;
use keel_primitives::{
	AssetId, Balance, BreakerSubject, Gauges, IncomeSource, InsuranceFund as _, Level, Meter, Moment, Window,
};
use proptest::prelude::*;
use sp_runtime::FixedU128;

use crate::mock::*;

#[derive(Clone, Debug)]
enum Op {
	Receive(AccountId, Balance, IncomeSource),
	Mint(Balance, IncomeSource),
	Donate(AccountId, Balance),
	Cover(Balance),
	Spend(AccountId, Balance),
	PayBadDebt(Balance),
	Pay(AccountId, Balance),
	Buy(AccountId, AssetId, Balance, Balance),
	Take(AccountId, AssetId, Balance),
	Release(AccountId, AssetId, Balance),
	Share(u32),
	Cap(Balance),
	Window(u32),
	Level(Level),
	Wait(Moment),
}

/// What must have come of it.
#[derive(Default)]
struct Model {
	minted: Balance,
	short: Balance,
	claims: Balance,
	purchases: Balance,
	given: Balance,
	taken: Balance,
	drawn: Meter,
	fees: Window,
}

fn amount() -> impl Strategy<Value = Balance> {
	prop_oneof![0..4u128, 0..1_000 * USD, 0..ENDOWMENT, Just(u128::MAX)]
}

/// What a fund can bear more often than not.
fn small() -> impl Strategy<Value = Balance> {
	prop_oneof![0..4u128, 0..1_000 * USD]
}

fn who() -> impl Strategy<Value = AccountId> {
	prop_oneof![4 => Just(ALICE), 4 => Just(BOB), 1 => Just(InsuranceFund::account())]
}

fn source() -> impl Strategy<Value = IncomeSource> {
	prop_oneof![
		Just(IncomeSource::StabilityFee),
		Just(IncomeSource::Penalty),
		Just(IncomeSource::Collateral),
		Just(IncomeSource::Trading)
	]
}

fn op() -> impl Strategy<Value = Op> {
	prop_oneof![
		3 => (who(), amount(), source()).prop_map(|(w, a, s)| Op::Receive(w, a, s)),
		3 => (amount(), source()).prop_map(|(a, s)| Op::Mint(a, s)),
		1 => (who(), amount()).prop_map(|(w, a)| Op::Donate(w, a)),
		1 => amount().prop_map(Op::Cover),
		2 => small().prop_map(Op::Cover),
		1 => (who(), amount()).prop_map(|(w, a)| Op::Pay(w, a)),
		2 => (who(), small()).prop_map(|(w, a)| Op::Pay(w, a)),
		1 => (who(), KUSD..=DOT, amount(), amount()).prop_map(|(w, asset, a, p)| Op::Buy(w, asset, a, p)),
		3 => (who(), BTC..=DOT, small(), small()).prop_map(|(w, asset, a, p)| Op::Buy(w, asset, a, p)),
		2 => (who(), amount()).prop_map(|(w, a)| Op::Spend(w, a)),
		2 => amount().prop_map(Op::PayBadDebt),
		2 => (who(), KUSD..=DOT, amount()).prop_map(|(w, asset, a)| Op::Take(w, asset, a)),
		2 => (who(), KUSD..=DOT, amount()).prop_map(|(w, asset, a)| Op::Release(w, asset, a)),
		1 => (0..150u32).prop_map(Op::Share),
		1 => amount().prop_map(Op::Cap),
		1 => (0..300u32).prop_map(Op::Window),
		2 => prop_oneof![
			5 => Just(Level::Normal),
			1 => Just(Level::Guarded),
			1 => Just(Level::ReduceOnly),
			1 => Just(Level::Halted),
		]
		.prop_map(Op::Level),
		3 => prop_oneof![0..60_000u64, 0..2 * HOUR].prop_map(Op::Wait),
	]
}

/// Nothing flowing leaves a meter as it was.
fn flowed(meter: &mut Meter, amount: Balance) {
	if amount > 0 {
		meter.add(Now::get(), amount);
	}
}

/// Do it as a dispatch would: a failure changes nothing.
fn apply(op: &Op, model: &mut Model) {
	let root = sp_io::storage::root(sp_runtime::StateVersion::V1);
	let open = BreakerLevel::get() <= Level::Guarded;
	let done = match op.clone() {
		Op::Receive(who, amount, source) => {
			let done = InsuranceFund::receive(&who, amount, source).is_ok();
			model.given += if done { amount } else { 0 };
			done
		}
		Op::Mint(amount, source) => {
			let room = InsuranceFund::fee_room();
			assert!(open || room == 0);
			let done = InsuranceFund::mint(amount, source).is_ok();
			assert_eq!(done, amount <= room, "exactly what the view says");
			if done {
				model.minted += amount;
				model.fees.add(Now::get(), amount);
			}
			done
		}
		Op::Donate(who, amount) => {
			let done = InsuranceFund::donate(RuntimeOrigin::signed(who), amount).is_ok();
			model.given += if done { amount } else { 0 };
			done
		}
		Op::Cover(shortfall) => {
			let quote = InsuranceFund::quote_cover(shortfall);
			let result = InsuranceFund::cover(shortfall, 0).ok();
			assert_eq!(result, quote);
			if let Some(coverage) = result {
				assert_eq!(coverage.covered + coverage.bad_debt, shortfall);
				model.short += shortfall;
				flowed(&mut model.drawn, shortfall);
			}
			result.is_some()
		}
		Op::Spend(to, amount) => {
			let done = InsuranceFund::spend(RuntimeOrigin::root(), to, amount).is_ok();
			assert!(open || !done, "spent while raised");
			model.taken += if done { amount } else { 0 };
			done
		}
		Op::PayBadDebt(amount) => InsuranceFund::pay_bad_debt(RuntimeOrigin::root(), amount).is_ok(),
		Op::Pay(to, claim) => {
			let (quote, shared) = (InsuranceFund::quote_pay(claim), InsuranceFund::shared());
			let before = Assets::balance(KUSD, to);
			let result = InsuranceFund::pay(&to, claim).ok();
			if let Some(paid) = result {
				assert_eq!(result, quote);
				assert!(paid >= claim.min(shared) && paid <= claim);
				assert_eq!(Assets::balance(KUSD, to), before + paid);
				model.claims += paid;
				flowed(&mut model.drawn, claim);
			} else {
				assert_eq!(to, InsuranceFund::account(), "only the fund itself is refused");
			}
			result.is_some()
		}
		Op::Buy(seller, asset, amount, price) => {
			let (before, shared) = (Assets::balance(KUSD, seller), InsuranceFund::shared());
			let done = InsuranceFund::buy(&seller, asset, amount, price).is_ok();
			if done {
				assert!(price <= shared && amount > 0);
				assert_eq!(Assets::balance(KUSD, seller), before + price);
				model.purchases += price;
			}
			done
		}
		Op::Take(who, asset, amount) => InsuranceFund::take_collateral(&who, asset, amount).is_ok(),
		Op::Release(who, asset, amount) => InsuranceFund::release_collateral(&who, asset, amount).is_ok(),
		Op::Share(percent) => {
			FundShare::set(FixedU128::from_rational(percent.into(), 100));
			true
		}
		Op::Cap(cap) => {
			TreasuryCap::set(cap);
			true
		}
		Op::Window(per_mille) => {
			FeeWindow::set(FixedU128::from_rational(per_mille.into(), 1_000));
			true
		}
		Op::Level(level) => {
			BreakerLevel::set(level);
			true
		}
		Op::Wait(ms) => {
			advance(ms);
			true
		}
	};
	if !done {
		assert_eq!(
			sp_io::storage::root(sp_runtime::StateVersion::V1),
			root,
			"{op:?} failed and left a trace"
		);
	}
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 2_000, ..Default::default() })]

	#[test]
	fn conserve_every_unit(ops in prop::collection::vec(op(), 250)) {
		new_test_ext().execute_with(|| {
			let start = supply();
			let mut model = Model::default();
			for op in &ops {
				apply(op, &mut model);
				let Model { minted, short, given, taken, claims, purchases, .. } = model;
				InsuranceFund::do_try_state().expect("sound after every operation");
				let (totals, balances) = (InsuranceFund::totals(), InsuranceFund::balances());
				// Everything covered was burned, and nothing else was.
				assert_eq!(supply() + totals.covered, start + minted);
				assert_eq!(totals.shortfalls, short);
				assert_eq!(InsuranceFund::bad_debt() + totals.covered, short);
				assert_eq!((totals.claims, totals.purchases, totals.spent), (claims, purchases, taken));
				let gone = totals.covered + claims + purchases + taken;
				assert_eq!(balances.shared + balances.treasury + gone, minted + given);
				assert_eq!(InsuranceFund::shared(), balances.shared);
				let (meters, now) = (InsuranceFund::meters(), Now::get());
				assert_eq!(meters.drawn, model.drawn.reading(now));
				assert_eq!(meters.fees_minted, model.fees.used(now));
				let gauges = InsuranceFund::gauges(BreakerSubject::Chain);
				assert_eq!(gauges.len(), 1);
				let drawdown = gauges[0].reading;
				assert!(drawdown <= ONE, "{drawdown}");
				assert_eq!(drawdown == 0, meters.drawn == 0);
				for asset in [BTC, ETH, DOT] {
					let users = Assets::balance(asset, ALICE) + Assets::balance(asset, BOB);
					assert_eq!(users + InsuranceFund::collateral(asset), 2 * ENDOWMENT);
				}
			}
		});
	}
}
