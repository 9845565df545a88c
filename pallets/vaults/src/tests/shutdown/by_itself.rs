//! The settlement goes on without anybody, and does not wait where somebody was faster.

use super::*;

mod within_a_weight {
	use super::*;

	fn owing() -> usize {
		crate::Vaults::<Test>::iter_values()
			.filter(|vault| vault.normalised_debt > 0)
			.count()
	}

	#[test]
	fn settles_fifty_vaults_a_block() {
		ExtBuilder::default().build_and_execute(|| {
			for i in 0..60 {
				open(&ALICE, BTC_BRANCH, ONE_BTC, (1_000 + i) * USD);
			}
			shut_down_and_wait();
			assert_eq!(idle(Weight::zero()), Weight::zero());
			assert_eq!(owing(), 60);
			idle(Weight::MAX);
			checked();
			// The worst were first.
			assert_eq!(owing(), 10);
			assert_eq!((debt(9), debt(10)), (1_009 * USD, 0));
			assert!(view().vaults_left);
			idle(Weight::MAX);
			assert_eq!((owing(), settlement().claims.is_some()), (0, true));
		});
	}

	#[test]
	fn two_branches_share_the_fifty() {
		ExtBuilder::default().build_and_execute(|| {
			for _ in 0..40 {
				open(&ALICE, BTC_BRANCH, ONE_BTC, 1_000 * USD);
				open(&ALICE, ETH_BRANCH, ONE_ETH, 1_000 * USD);
			}
			shut_down();
			assert_ok!(Vaults::shut_down(RuntimeOrigin::root(), ETH_BRANCH, None));
			pass_grace();
			idle(Weight::MAX);
			assert_eq!(owing(), 30);
			assert!(!view().vaults_left);
			idle(Weight::MAX);
			assert_eq!(owing(), 0);
		});
	}

	#[test]
	fn goes_on_after_a_restart_with_what_weight_there_is() {
		let mut ext = ExtBuilder::default().build();
		let three = <() as WeightInfo>::settle_worst(3)
			.saturating_add(frame_support::weights::constants::RocksDbWeight::get().reads(3));
		ext.execute_with(|| {
			for i in 0..7 {
				open(&ALICE, BTC_BRANCH, ONE_BTC, (10_000 + i) * USD);
			}
			shut_down_and_wait();
			let used = idle(three);
			assert!(used.all_lte(three));
			checked();
			assert_eq!(owing(), 4);
		});
		ext.commit_all().unwrap();
		ext.execute_with(|| {
			// A week later, without a price, and with one that is no longer asked for.
			RefusedFor::set(vec![PriceFor::AddRisk, PriceFor::ReduceRisk, PriceFor::Liquidate]);
			set_price(BTC, dollars(1));
			pass(WEEK);
			idle(three);
			checked();
			assert_eq!(owing(), 1);
			assert_eq!(settlement().claims, None);
		});
		ext.commit_all().unwrap();
		ext.execute_with(|| {
			idle(three);
			checked();
			let debt = 70_021 * USD;
			assert_eq!(settlement().claims, Some(debt));
			assert_eq!(settlement().pot, debt * 100 / 50_000);
			assert_eq!(view().rate, Some(dollars(1)));
		});
	}

	#[test]
	fn costs_nothing_but_reads_without_a_shutdown() {
		ExtBuilder::default().build_and_execute(|| {
			open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			let root = sp_io::storage::root(sp_runtime::StateVersion::V1);
			let reads = frame_support::weights::constants::RocksDbWeight::get().reads(6);
			assert_eq!(idle(Weight::MAX), reads);
			assert_eq!(sp_io::storage::root(sp_runtime::StateVersion::V1), root);
		});
	}
}

mod when_the_last_debt_is_repaid {
	use super::*;

	fn last_repaid() -> [VaultId; 2] {
		let a = open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
		let b = open(&BOB, BTC_BRANCH, 10 * ONE_BTC, 30_000 * USD);
		fund_fund(2_000 * USD);
		move_price(BTC, dollars(30_000));
		shut_down_and_wait();
		assert_ok!(Vaults::settle(signed(&CHARLIE), a));
		assert_ok!(Vaults::close(signed(&BOB), b));
		checked();
		assert_eq!(settlement().claims, None);
		assert!(!view().vaults_left);
		[a, b]
	}

	#[test]
	fn the_next_block_should_fix_the_claims() {
		ExtBuilder::default().build_and_execute(|| {
			let [a, _] = last_repaid();
			settle_all();
			assert_eq!(
				last_event(),
				Event::SettlementDone {
					branch: BTC_BRANCH,
					pot: ONE_BTC,
					claims: 30_000 * USD,
					covered: 2_000 * USD,
					bad_debt: 3_000 * USD
				}
			);
			redeem(&ALICE, ALL);
			assert_ok!(Vaults::close(signed(&ALICE), a));
			assert_nothing_left();
		});
	}

	#[test]
	fn redeeming_should_not_have_to_wait_for_it() {
		ExtBuilder::default().build_and_execute(|| {
			let [a, _] = last_repaid();
			let root = sp_io::storage::root(sp_runtime::StateVersion::V1);
			assert_eq!(
				Vaults::quote_redeem(BTC_BRANCH, 11_000 * USD),
				Ok(Redemption {
					burned: 11_000 * USD,
					collateral: ONE_BTC * 11 / 30
				})
			);
			// The quote left no trace.
			assert_eq!(sp_io::storage::root(sp_runtime::StateVersion::V1), root);
			let before = (btc(&ALICE), Assets::total_supply(KUSD));
			assert_ok!(Vaults::redeem(signed(&ALICE), BTC_BRANCH, 11_000 * USD));
			checked();
			assert_eq!(btc(&ALICE), before.0 + ONE_BTC * 11 / 30);
			// What the fund burned besides.
			assert_eq!(Assets::total_supply(KUSD), before.1 - 13_000 * USD);
			assert_eq!(kusd(&FUND), 0);
			redeem(&ALICE, ALL);
			assert_ok!(Vaults::close(signed(&ALICE), a));
			assert_nothing_left();
		});
	}
}
