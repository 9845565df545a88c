use keel_primitives::{BranchParameters, ChainParameters};
use sp_runtime::{BuildStorage, FixedU128};

use super::*;
use crate::{limits, GenesisConfig};

#[test]
fn without_words_has_the_chains_defaults_and_no_branch() {
	let storage = GenesisConfig::<Test>::default().build_storage().unwrap();
	sp_io::TestExternalities::from(storage).execute_with(|| {
		assert_eq!(Chain::<Test>::get(), limits::default_chain());
		assert!(Chain::<Test>::exists());
		assert_eq!(Branches::<Test>::iter().count(), 0);
		assert_eq!(Bounds::<Test>::iter().count(), ChainKey::ALL.len());
		RiskParameters::do_try_state().unwrap();
	});
}

#[test]
fn stores_branches_and_the_bounds_of_every_key() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(Branches::<Test>::get(BTC), Some(limits::default_branch()));
		assert_eq!(Branches::<Test>::get(DOT), Some(dot()));
		assert_eq!(
			Bounds::<Test>::iter().count(),
			ChainKey::ALL.len() + 2 * BranchKey::ALL.len()
		);
		for subject in RiskParameters::subjects() {
			for key in subject.keys() {
				assert_eq!(Bounds::<Test>::get(subject, key), Some(policy(key).bounds));
			}
		}
	});
}

#[test]
fn the_ceiling_of_a_new_branch_does_not_bind_it() {
	let ceiling = policy(b(BranchKey::DebtCeiling)).bounds.max;
	assert!(ceiling > limits::NEW_BRANCH_CEILING);
	let large = BranchParameters {
		debt_ceiling: ceiling,
		..limits::default_branch()
	};
	ExtBuilder::default()
		.branches(vec![(BTC, large.clone())])
		.build_and_execute(|| {
			assert_eq!(Branches::<Test>::get(BTC), Some(large));
		});
}

#[test]
fn survives_json() {
	let genesis = GenesisConfig::<Test> {
		branches: vec![(DOT, dot())],
		..Default::default()
	};
	let json = serde_json::to_string(&genesis).unwrap();
	let back: GenesisConfig<Test> = serde_json::from_str(&json).unwrap();
	assert_eq!(back.chain, genesis.chain);
	assert_eq!(back.branches, genesis.branches);
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
#[should_panic(expected = "genesis: branch 2 is there twice")]
fn panics_on_a_branch_twice() {
	ExtBuilder::default()
		.branches(vec![(BTC, limits::default_branch()), (BTC, dot())])
		.build();
}
