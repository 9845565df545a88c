use keel_primitives::{BranchParameters, ChainParameters, CollateralParameters, MarketParameters};
use sp_runtime::{BuildStorage, FixedU128};

use super::*;
use crate::{limits, GenesisConfig};

#[test]
fn without_words_has_the_chains_defaults_and_nothing_listed() {
	let storage = GenesisConfig::<Test>::default().build_storage().unwrap();
	sp_io::TestExternalities::from(storage).execute_with(|| {
		assert_eq!(Chain::<Test>::get(), limits::default_chain());
		assert!(Chain::<Test>::exists());
		assert_eq!(Branches::<Test>::iter().count(), 0);
		assert_eq!(Markets::<Test>::iter().count(), 0);
		assert_eq!(Collaterals::<Test>::iter().count(), 0);
		assert_eq!(Bounds::<Test>::iter().count(), ChainKey::ALL.len());
		RiskParameters::do_try_state().unwrap();
	});
}

#[test]
fn stores_what_is_listed_and_the_bounds_of_every_key() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(Branches::<Test>::get(BTC), Some(limits::default_branch()));
		assert_eq!(Branches::<Test>::get(DOT), Some(dot()));
		assert_eq!(Markets::<Test>::get(BTC), Some(limits::default_market()));
		assert_eq!(Markets::<Test>::get(SOL), Some(sol()));
		assert_eq!(Collaterals::<Test>::get(BTC), Some(limits::default_collateral()));
		assert_eq!(Collaterals::<Test>::get(USDC), Some(usdc()));
		assert_eq!(Bounds::<Test>::iter().count(), 2 * KEYS - ChainKey::ALL.len());
		for subject in RiskParameters::subjects() {
			for key in subject.keys() {
				assert_eq!(Bounds::<Test>::get(subject, key), Some(policy(key).bounds));
			}
		}
	});
}

#[test]
fn the_ceiling_of_what_is_listed_does_not_bind_it() {
	let (ceiling, open, cap) = (
		policy(b(BranchKey::DebtCeiling)).bounds.max,
		policy(m(MarketKey::MaxOpenInterest)).bounds.max,
		policy(a(CollateralKey::DepositCap)).bounds.max,
	);
	assert!(ceiling > limits::NEW_BRANCH_CEILING);
	assert!(open > limits::NEW_MARKET_CEILING);
	assert!(cap > limits::NEW_COLLATERAL_CEILING);
	let large = BranchParameters {
		debt_ceiling: ceiling,
		..limits::default_branch()
	};
	let busy = MarketParameters {
		max_open_interest: open,
		..limits::default_market()
	};
	let full = CollateralParameters {
		deposit_cap: cap,
		..limits::default_collateral()
	};
	ExtBuilder::default()
		.branches(vec![(BTC, large.clone())])
		.markets(vec![(BTC, busy.clone())])
		.collaterals(vec![(BTC, full.clone())])
		.build_and_execute(|| {
			assert_eq!(Branches::<Test>::get(BTC), Some(large));
			assert_eq!(Markets::<Test>::get(BTC), Some(busy));
			assert_eq!(Collaterals::<Test>::get(BTC), Some(full));
		});
}

#[test]
fn survives_json() {
	let genesis = GenesisConfig::<Test> {
		branches: vec![(DOT, dot())],
		markets: vec![(SOL, sol())],
		collaterals: vec![(USDC, usdc())],
		..Default::default()
	};
	let json = serde_json::to_string(&genesis).unwrap();
	let back: GenesisConfig<Test> = serde_json::from_str(&json).unwrap();
	assert_eq!(back.chain, genesis.chain);
	assert_eq!(back.branches, genesis.branches);
	assert_eq!(back.markets, genesis.markets);
	assert_eq!(back.collaterals, genesis.collaterals);
}

#[test]
fn an_empty_storage_still_reads_as_the_default_chain() {
	sp_io::TestExternalities::default().execute_with(|| {
		assert_eq!(Chain::<Test>::get(), limits::default_chain());
	});
}

#[test]
#[should_panic(expected = "genesis: Chain(OracleQuorum) of Chain is 1, outside its bounds 2 to 7")]
fn panics_out_of_bounds() {
	ExtBuilder::default()
		.chain(ChainParameters {
			oracle_quorum: 1,
			..limits::default_chain()
		})
		.build();
}

#[test]
#[should_panic(
	expected = "genesis: Branch(DebtCeiling) of Branch(2) is 340282366920938463463374607431768211455"
)]
fn panics_on_a_branch_out_of_bounds() {
	let endless = BranchParameters {
		debt_ceiling: u128::MAX,
		..limits::default_branch()
	};
	ExtBuilder::default().branches(vec![(BTC, endless)]).build();
}

#[test]
#[should_panic(expected = "genesis: Branch(2): pool bonus is above the penalty")]
fn panics_where_numbers_do_not_go_together() {
	let generous = BranchParameters {
		pool_bonus: FixedU128::from_rational(14, 100),
		..limits::default_branch()
	};
	ExtBuilder::default().branches(vec![(BTC, generous)]).build();
}

#[test]
#[should_panic(expected = "genesis: Branch(2) is there twice")]
fn panics_on_a_branch_twice() {
	ExtBuilder::default()
		.branches(vec![(BTC, limits::default_branch()), (BTC, dot())])
		.build();
}

#[test]
#[should_panic(expected = "genesis: Market(Stress) of Market(6) is 900000000000000001, outside its bounds")]
fn panics_on_a_market_out_of_bounds() {
	let wild = MarketParameters {
		stress: FixedU128::from_inner(pct(90) + 1),
		..sol()
	};
	ExtBuilder::default().markets(vec![(SOL, wild)]).build();
}

#[test]
#[should_panic(expected = "genesis: Market(6): rebate is above half of the taker fee")]
fn panics_where_the_numbers_of_a_market_do_not_go_together() {
	let generous = MarketParameters {
		rebate: FixedU128::from_inner(bps(3)),
		..sol()
	};
	ExtBuilder::default().markets(vec![(SOL, generous)]).build();
}

#[test]
#[should_panic(expected = "genesis: Market(6) is there twice")]
fn panics_on_a_market_twice() {
	ExtBuilder::default()
		.markets(vec![(SOL, sol()), (BTC, sol()), (SOL, sol())])
		.build();
}

#[test]
#[should_panic(
	expected = "genesis: Collateral(DepositCap) of Collateral(5) is 100000000000001, outside its bounds"
)]
fn panics_on_an_asset_out_of_bounds() {
	let endless = CollateralParameters {
		deposit_cap: 100_000_000_000_001,
		..usdc()
	};
	ExtBuilder::default().collaterals(vec![(USDC, endless)]).build();
}

#[test]
#[should_panic(expected = "genesis: Collateral(5): sale discount is not below the haircut")]
fn panics_where_the_numbers_of_an_asset_do_not_go_together() {
	let cheap = CollateralParameters {
		sale_discount: FixedU128::from_inner(pct(6)),
		..usdc()
	};
	ExtBuilder::default().collaterals(vec![(USDC, cheap)]).build();
}

#[test]
#[should_panic(expected = "genesis: Collateral(5) is there twice")]
fn panics_on_an_asset_twice() {
	ExtBuilder::default()
		.collaterals(vec![(USDC, usdc()), (USDC, usdc())])
		.build();
}
