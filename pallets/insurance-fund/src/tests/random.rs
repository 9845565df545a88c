//! Random operations against an account kept by hand: whatever the order, no unit appears or is lost.

use keel_primitives::{AssetId, Balance, IncomeSource, InsuranceFund as _};
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
	Take(AccountId, AssetId, Balance),
	Release(AccountId, AssetId, Balance),
	Share(u32),
	Cap(Balance),
}

fn amount() -> impl Strategy<Value = Balance> {
	prop_oneof![0..4u128, 0..1_000 * USD, 0..ENDOWMENT, Just(u128::MAX)]
}

fn who() -> impl Strategy<Value = AccountId> {
	prop_oneof![4 => Just(ALICE), 4 => Just(BOB), 1 => Just(InsuranceFund::account())]
}

fn source() -> impl Strategy<Value = IncomeSource> {
	prop_oneof![
		Just(IncomeSource::StabilityFee),
		Just(IncomeSource::Penalty),
		Just(IncomeSource::Collateral)
	]
}

fn op() -> impl Strategy<Value = Op> {
	prop_oneof![
		3 => (who(), amount(), source()).prop_map(|(w, a, s)| Op::Receive(w, a, s)),
		3 => (amount(), source()).prop_map(|(a, s)| Op::Mint(a, s)),
		1 => (who(), amount()).prop_map(|(w, a)| Op::Donate(w, a)),
		4 => amount().prop_map(Op::Cover),
		2 => (who(), amount()).prop_map(|(w, a)| Op::Spend(w, a)),
		2 => amount().prop_map(Op::PayBadDebt),
		2 => (who(), KUSD..=DOT, amount()).prop_map(|(w, asset, a)| Op::Take(w, asset, a)),
		2 => (who(), KUSD..=DOT, amount()).prop_map(|(w, asset, a)| Op::Release(w, asset, a)),
		1 => (0..150u32).prop_map(Op::Share),
		1 => amount().prop_map(Op::Cap),
	]
}

/// Do it as a dispatch would: a failure changes nothing. `true` if it succeeded.
fn apply(op: &Op) -> bool {
	let root = sp_io::storage::root(sp_runtime::StateVersion::V1);
	let done = match op.clone() {
		Op::Receive(who, amount, source) => InsuranceFund::receive(&who, amount, source).is_ok(),
		Op::Mint(amount, source) => InsuranceFund::mint(amount, source).is_ok(),
		Op::Donate(who, amount) => InsuranceFund::donate(RuntimeOrigin::signed(who), amount).is_ok(),
		Op::Cover(shortfall) => {
			let quote = InsuranceFund::quote_cover(shortfall);
			let result = InsuranceFund::cover(shortfall).ok();
			assert_eq!(result, quote);
			if let Some(coverage) = result {
				assert_eq!(coverage.covered + coverage.bad_debt, shortfall);
			}
			result.is_some()
		}
		Op::Spend(to, amount) => InsuranceFund::spend(RuntimeOrigin::root(), to, amount).is_ok(),
		Op::PayBadDebt(amount) => InsuranceFund::pay_bad_debt(RuntimeOrigin::root(), amount).is_ok(),
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
	};
	if !done {
		assert_eq!(
			sp_io::storage::root(sp_runtime::StateVersion::V1),
			root,
			"{op:?} failed and left a trace"
		);
	}
	done
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 2_000, ..Default::default() })]

	#[test]
	fn conserve_every_unit(ops in prop::collection::vec(op(), 250)) {
		new_test_ext().execute_with(|| {
			let start = supply();
			let (mut minted, mut short, mut given, mut taken) = (0u128, 0u128, 0u128, 0u128);
			for op in &ops {
				if apply(op) {
					match op {
						Op::Mint(amount, _) => minted += amount,
						Op::Cover(amount) => short += amount,
						Op::Receive(_, amount, _) | Op::Donate(_, amount) => given += amount,
						Op::Spend(_, amount) => taken += amount,
						_ => (),
					}
				}
				InsuranceFund::do_try_state().expect("sound after every operation");
				let (totals, balances) = (InsuranceFund::totals(), InsuranceFund::balances());
				// Everything covered was burned, and nothing else was.
				assert_eq!(supply() + totals.covered, start + minted);
				assert_eq!(totals.shortfalls, short);
				assert_eq!(InsuranceFund::bad_debt() + totals.covered, short);
				assert_eq!(balances.shared + balances.treasury + totals.covered + taken, minted + given);
				for asset in [BTC, ETH, DOT] {
					let users = Assets::balance(asset, ALICE) + Assets::balance(asset, BOB);
					assert_eq!(users + InsuranceFund::collateral(asset), 2 * ENDOWMENT);
				}
			}
		});
	}
}
