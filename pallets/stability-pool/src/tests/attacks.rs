use super::*;

mod when_someone_joins_just_before_a_liquidation {
	use super::*;

	#[test]
	fn and_leaves_after_it_should_get_the_fair_share_only() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 1_000 * USD)])
			.build_and_execute(|| {
				// 550 kUSD worth of collateral for 500.
				assert_ok!(deposit(BOB, 9_000 * USD));
				assert_ok!(absorb(ETH, 550 * ONE_ETH, 495 * USD, 5 * USD));
				assert_ok!(withdraw(BOB, u128::MAX));
				assert_ok!(claim_all(BOB));
				assert_eq!(PURSE - balance(KUSD, BOB), 450 * USD);
				assert_eq!(balance(ETH, BOB), 495 * ONE_ETH);
				assert_eq!(stake(ALICE).deposit, 950 * USD);
				assert_eq!(gain(ALICE, ETH), 55 * ONE_ETH);
			});
	}

	#[test]
	fn in_many_accounts_should_get_no_more_than_in_one() {
		let run = |parts: &[u64]| {
			let mut got = (0, 0);
			ExtBuilder::default()
				.deposits(&[(ALICE, 1_003 * USD)])
				.build_and_execute(|| {
					for who in parts {
						assert_ok!(deposit(*who, 3_000 * USD / parts.len() as u128));
					}
					assert_ok!(absorb(ETH, 77 * ONE_ETH + 5, 71 * USD + 3, 0));
					for who in parts {
						got.0 += stake(*who).deposit;
						got.1 += gain(*who, ETH);
					}
				});
			got
		};
		let (one, many) = (run(&[BOB]), run(&[BOB, CAROL, DAVE]));
		assert!(many.0 <= one.0 && one.0 - many.0 <= 3);
		assert!(many.1 <= one.1 && one.1 - many.1 <= 3);
	}
}

#[test]
fn when_someone_joins_after_a_liquidation_should_get_nothing_of_it() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 1_000 * USD)])
		.build_and_execute(|| {
			assert_ok!(absorb(ETH, ONE_ETH, 500 * USD, 0));
			assert_ok!(deposit(BOB, 1_000_000 * USD));
			assert_eq!(gain(BOB, ETH), 0);
			assert_noop!(claim_all(BOB), Error::<Test>::NothingToClaim);
			assert_eq!(gain(ALICE, ETH), ONE_ETH);
			assert_ok!(withdraw(BOB, u128::MAX));
			assert_eq!(balance(KUSD, BOB), PURSE);
		});
}

#[test]
fn when_someone_tops_up_before_a_claim_should_not_enlarge_the_gain() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD), (BOB, 100 * USD)])
		.build_and_execute(|| {
			assert_ok!(absorb(BTC, ONE_BTC, 10 * USD, 0));
			assert_ok!(deposit(BOB, PURSE - 100 * USD));
			assert_eq!(gain(BOB, BTC), ONE_BTC / 2);
			assert_ok!(claim(BOB, BTC));
			assert_eq!(gain(ALICE, BTC), ONE_BTC / 2);
		});
}

#[test]
fn when_dust_is_deposited_should_refuse_and_leave_gains_alone() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 1_000 * USD)])
		.build_and_execute(|| {
			for amount in [1, 100, USD, 10 * USD - 1] {
				assert_noop!(deposit(BOB, amount), Error::<Test>::BelowMinimum);
			}
			assert_ok!(absorb(ETH, ONE_ETH, USD, 0));
			assert_eq!(gain(ALICE, ETH), ONE_ETH);
		});
}

#[test]
fn when_someone_farms_rounding_should_lose_and_cost_nobody_else() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 1_000 * USD), (BOB, 20 * USD)])
		.build_and_execute(|| {
			let (mut paid, mut bought) = (0, 0);
			for round in 0..500u128 {
				let price = 1_000 + round % 7;
				assert_ok!(absorb(BTC, 13, price, 0));
				(paid, bought) = (paid + price, bought + 13);
				// Every action rounds Bob's stake down, and his quarter of a unit of gain away.
				assert_ok!(deposit(BOB, 1));
				assert_noop!(claim(BOB, BTC), Error::<Test>::NothingToClaim);
			}
			// A 1/51 part of all losses would be fair.
			let bob = stake(BOB).deposit;
			assert!(bob <= 20 * USD + 500 - paid / 51, "{bob}");
			// Alice loses and gains hers, to the unit; more only what Bob's additions and roundings bore.
			let fair = 1_000 * USD - paid * 50 / 51;
			assert!(stake(ALICE).deposit + 1 >= fair && stake(ALICE).deposit <= fair + 10);
			assert!(gain(ALICE, BTC) + 2 >= bought * 50 / 51 && gain(ALICE, BTC) <= bought * 50 / 51);
		});
}

#[test]
fn when_emptied_twice_in_a_row_should_owe_old_depositors_exactly_their_gains() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD), (BOB, 300 * USD)])
		.build_and_execute(|| {
			assert_ok!(absorb(ETH, 4 * ONE_ETH, 400 * USD, 0));
			assert_ok!(deposit(CAROL, 50 * USD));
			assert_ok!(absorb(ETH, 8 * ONE_ETH, 45 * USD, 5 * USD));
			assert_ok!(deposit(DAVE, 20 * USD));
			assert_eq!(StabilityPool::totals().epoch, 2);
			for (who, ether) in [(ALICE, 1), (BOB, 3), (CAROL, 8), (DAVE, 0)] {
				assert_eq!(gain(who, ETH), ether * ONE_ETH);
			}
			for who in [ALICE, BOB, CAROL] {
				assert_eq!(stake(who).deposit, 0);
				assert_ok!(claim_all(who));
				assert_eq!(Deposits::<Test>::get(who), None);
			}
			assert_eq!(balance(ETH, pool_account()), 0);
			assert_eq!(stake(DAVE).deposit, 20 * USD);
			// Somebody from an old epoch comes back.
			assert_ok!(deposit(ALICE, 20 * USD));
			assert_ok!(absorb(BTC, 2 * ONE_BTC, 10 * USD, 0));
			assert_eq!(gain(ALICE, BTC), ONE_BTC);
			assert_eq!(gain(ALICE, ETH), 0);
		});
}

#[test]
fn when_an_emptied_depositor_tops_up_should_keep_the_gains_of_the_old_epoch() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD)])
		.build_and_execute(|| {
			assert_ok!(absorb(ETH, ONE_ETH, 100 * USD, 0));
			assert_ok!(deposit(ALICE, 10 * USD));
			assert_ok!(absorb(ETH, ONE_ETH, 10 * USD, 0));
			assert_ok!(deposit(ALICE, 10 * USD));
			assert_eq!(gain(ALICE, ETH), 2 * ONE_ETH);
		});
}

#[test]
fn when_the_scale_changes_should_share_as_before() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100_000_000 * USD), (BOB, 300_000_000 * USD)])
		.build_and_execute(|| {
			// Four times down to a 4·10⁻¹⁰ part, two scales at most every time, refilled by Carol.
			assert_ok!(absorb(DOT, 40 * ONE_DOT, 400_000_000 * USD - 160_000, 0));
			assert_eq!(StabilityPool::totals().scale, 1);
			assert_eq!((stake(ALICE).deposit, stake(BOB).deposit), (40_000, 120_000));
			assert_eq!((gain(ALICE, DOT), gain(BOB, DOT)), (10 * ONE_DOT, 30 * ONE_DOT));
			assert_ok!(absorb(BTC, 16 * ONE_BTC, 80_000, 0));
			assert_eq!((gain(ALICE, BTC), gain(BOB, BTC)), (4 * ONE_BTC, 12 * ONE_BTC));
			// Carol holds nearly all from here on: what the old ones gain is in proportion.
			assert_ok!(deposit(CAROL, 400_000_000 * USD - 80_000));
			assert_ok!(absorb(ETH, 400_000_000 * ONE_ETH, 100_000_000 * USD, 0));
			assert_eq!(
				(gain(ALICE, ETH), gain(BOB, ETH)),
				(ONE_ETH / 50, 3 * ONE_ETH / 50)
			);
			assert_eq!((stake(ALICE).deposit, stake(BOB).deposit), (15_000, 45_000));
			assert_ok!(absorb(ETH, ONE_ETH, capacity() - 20_000, 0));
			assert_eq!(StabilityPool::totals().scale, 2);
			assert!(stake(CAROL).deposit <= 20_000 && stake(CAROL).deposit >= 19_998);
			assert_eq!((stake(ALICE).deposit, stake(BOB).deposit), (0, 0));
			for who in [ALICE, BOB, CAROL] {
				assert_ok!(claim_all(who));
			}
		});
}

#[test]
fn when_liquidations_are_tiny_and_many_should_round_away_next_to_nothing() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 333 * USD + 1), (BOB, 1_000 * USD)])
		.build_and_execute(|| {
			let before = capacity();
			for _ in 0..20_000 {
				assert_ok!(absorb(BTC, 3, 1, 0));
			}
			let (alice, bob) = (stake(ALICE), stake(BOB));
			// One unit each for reading; twenty thousand roundings of the product do not make another.
			assert!(before - 20_000 - alice.deposit - bob.deposit <= 2);
			assert!(60_000 - gain(ALICE, BTC) - gain(BOB, BTC) <= 2);
			assert!(State::<Test>::get().dust < keel_math::product_sum::DUST_UNIT);
		});
}

#[test]
fn when_three_collaterals_come_in_turn_should_share_each_by_its_own_moment() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD)])
		.build_and_execute(|| {
			assert_ok!(absorb(BTC, ONE_BTC, 20 * USD, 0));
			assert_ok!(deposit(BOB, 80 * USD));
			assert_ok!(absorb(ETH, ONE_ETH, 40 * USD, 0));
			assert_ok!(withdraw(ALICE, u128::MAX));
			assert_ok!(absorb(DOT, ONE_DOT, 30 * USD, 0));
			assert_eq!(stake(ALICE).gains, vec![(BTC, ONE_BTC), (ETH, ONE_ETH / 2)]);
			assert_eq!(stake(BOB).gains, vec![(ETH, ONE_ETH / 2), (DOT, ONE_DOT)]);
			assert_eq!(stake(BOB).deposit, 30 * USD);
		});
}

#[test]
fn when_everybody_left_should_lose_what_rounding_left_and_go_on() {
	ExtBuilder::default()
		.deposits(&[(ALICE, 100 * USD), (BOB, 100 * USD + 1), (CAROL, 100 * USD)])
		.build_and_execute(|| {
			assert_ok!(absorb(BTC, 1_001, 100 * USD, 0));
			for who in [ALICE, BOB, CAROL] {
				assert_ok!(withdraw(who, u128::MAX));
				assert_ok!(claim_all(who));
			}
			let dust = capacity();
			assert!(dust > 0 && dust <= 3);
			// Nobody's dust buys nobody's collateral, and the next depositor is none the worse.
			assert_ok!(absorb(BTC, 10, dust, 0));
			assert_eq!(capacity(), 0);
			assert_ok!(deposit(DAVE, 10 * USD));
			assert_eq!(gain(DAVE, BTC), 0);
			assert_ok!(absorb(BTC, 10, USD, 0));
			assert_eq!(gain(DAVE, BTC), 10);
		});
}

#[test]
fn when_amounts_are_the_largest_should_still_settle() {
	ExtBuilder::default()
		.deposits(&[(ALICE, PURSE), (BOB, PURSE)])
		.build_and_execute(|| {
			assert_ok!(absorb(ETH, STOCK, 2 * PURSE - 1, 0));
			let gains = gain(ALICE, ETH) + gain(BOB, ETH);
			assert_eq!(gains, STOCK);
			assert_ok!(claim_all(ALICE));
			assert_ok!(claim_all(BOB));
			assert_noop!(withdraw(ALICE, 1), Error::<Test>::NothingDeposited);
			assert_eq!(capacity(), 1);
		});
}
