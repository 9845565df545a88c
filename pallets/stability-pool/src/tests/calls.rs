use super::*;

mod deposit {
	use super::*;

	#[test]
	fn works() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(deposit(ALICE, 10 * USD));
			assert_eq!(
				last_event(),
				Event::Deposited {
					who: ALICE,
					amount: 10 * USD,
					deposit: 10 * USD,
					joins_at: None
				}
			);
			assert_ok!(deposit(ALICE, 1));
			assert_eq!(
				last_event(),
				Event::Deposited {
					who: ALICE,
					amount: 1,
					deposit: 10 * USD + 1,
					joins_at: None
				}
			);
			assert_eq!(stake(ALICE).deposit, 10 * USD + 1);
			assert_eq!(capacity(), 10 * USD + 1);
			assert_eq!(balance(KUSD, pool_account()), 10 * USD + 1);
			assert_eq!(balance(KUSD, ALICE), PURSE - 10 * USD - 1);
		});
	}

	#[test]
	fn when_everything_is_deposited_should_still_come_back() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(deposit(ALICE, PURSE));
			assert_eq!(balance(KUSD, ALICE), 0);
			assert_ok!(withdraw(ALICE, PURSE));
			assert_eq!(balance(KUSD, ALICE), PURSE);
		});
	}

	#[test]
	fn shows_losses_and_keeps_gains() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_ok!(absorb(ETH, ONE_ETH, 40 * USD, 0));
				assert_ok!(deposit(ALICE, 20 * USD));
				assert_eq!(
					last_event(),
					Event::Deposited {
						who: ALICE,
						amount: 20 * USD,
						deposit: 80 * USD,
						joins_at: None
					}
				);
				assert_eq!(gain(ALICE, ETH), ONE_ETH);
				assert_eq!(
					Deposits::<Test>::get(ALICE).unwrap().gains.get(&ETH),
					Some(&ONE_ETH)
				);
			});
	}

	#[test]
	fn fails_for_zero() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 10 * USD)])
			.build_and_execute(|| {
				assert_noop!(deposit(ALICE, 0), Error::<Test>::ZeroAmount);
			});
	}

	#[test]
	fn fails_below_minimum() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(deposit(ALICE, 10 * USD - 1), Error::<Test>::BelowMinimum);
			assert_ok!(deposit(ALICE, 10 * USD));
			// What losses have left counts, not what was paid in.
			assert_ok!(absorb(ETH, ONE_ETH, 5 * USD, 0));
			assert_noop!(deposit(ALICE, 5 * USD - 1), Error::<Test>::BelowMinimum);
			assert_ok!(deposit(ALICE, 5 * USD));
		});
	}

	#[test]
	fn fails_without_kusd_or_origin() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(deposit(ALICE, PURSE + 1), TokenError::FundsUnavailable);
			assert_noop!(
				StabilityPool::deposit(RuntimeOrigin::root(), 10 * USD),
				DispatchError::BadOrigin
			);
		});
	}
}

mod withdraw {
	use super::*;

	#[test]
	fn works() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_ok!(withdraw(ALICE, 30 * USD));
				assert_eq!(
					last_event(),
					Event::Withdrawn {
						who: ALICE,
						amount: 30 * USD,
						deposit: 70 * USD
					}
				);
				assert_eq!(balance(KUSD, ALICE), PURSE - 70 * USD);
				assert_eq!(stake(ALICE).deposit, 70 * USD);
				assert_eq!(capacity(), 70 * USD);
			});
	}

	#[test]
	fn of_the_maximum_pays_all_and_forgets_the_stake() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_ok!(withdraw(ALICE, u128::MAX));
				assert_eq!(
					last_event(),
					Event::Withdrawn {
						who: ALICE,
						amount: 100 * USD,
						deposit: 0
					}
				);
				assert_eq!(Deposits::<Test>::get(ALICE), None);
				assert_eq!(StabilityPool::deposit_of(ALICE), None);
				assert_eq!(capacity(), 0);
				assert_noop!(withdraw(ALICE, 1), Error::<Test>::NothingDeposited);
			});
	}

	#[test]
	fn pays_what_losses_have_left_and_keeps_gains() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD), (BOB, 300 * USD)])
			.build_and_execute(|| {
				assert_ok!(absorb(BTC, ONE_BTC, 90 * USD, 10 * USD));
				assert_ok!(withdraw(ALICE, u128::MAX));
				assert_eq!(
					last_event(),
					Event::Withdrawn {
						who: ALICE,
						amount: 75 * USD,
						deposit: 0
					}
				);
				assert_eq!(gain(ALICE, BTC), ONE_BTC / 4);
				assert_ok!(claim(ALICE, BTC));
				assert_eq!(Deposits::<Test>::get(ALICE), None);
			});
	}

	#[test]
	fn fails_where_less_than_the_minimum_would_stay() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 15 * USD)])
			.build_and_execute(|| {
				assert_noop!(withdraw(ALICE, 5 * USD + 1), Error::<Test>::BelowMinimum);
				assert_noop!(withdraw(ALICE, 15 * USD - 1), Error::<Test>::BelowMinimum);
				assert_ok!(withdraw(ALICE, 5 * USD));
				assert_ok!(withdraw(ALICE, 10 * USD));
			});
	}

	#[test]
	fn when_losses_leave_less_than_the_minimum_should_pay_all() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 10 * USD)])
			.build_and_execute(|| {
				assert_ok!(absorb(BTC, ONE_BTC, 10 * USD - 7, 0));
				assert_noop!(withdraw(ALICE, 1), Error::<Test>::BelowMinimum);
				assert_ok!(withdraw(ALICE, 7));
				assert_eq!(balance(KUSD, ALICE), PURSE - 10 * USD + 7);
			});
	}

	#[test]
	fn fails_for_zero_nothing_and_after_a_loss_of_all() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 10 * USD)])
			.build_and_execute(|| {
				assert_noop!(withdraw(ALICE, 0), Error::<Test>::ZeroAmount);
				assert_noop!(withdraw(BOB, 1), Error::<Test>::NothingDeposited);
				assert_ok!(absorb(BTC, ONE_BTC, 10 * USD, 0));
				assert_noop!(withdraw(ALICE, 1), Error::<Test>::NothingDeposited);
				assert_noop!(
					StabilityPool::withdraw(RuntimeOrigin::root(), 1),
					DispatchError::BadOrigin
				);
			});
	}

	#[test]
	fn when_a_collateral_is_frozen_should_still_pay() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_ok!(absorb(BTC, ONE_BTC, 50 * USD, 0));
				freeze(BTC);
				assert_ok!(withdraw(ALICE, u128::MAX));
				assert_eq!(balance(KUSD, ALICE), PURSE - 50 * USD);
				assert_eq!(gain(ALICE, BTC), ONE_BTC);
			});
	}

	#[test]
	fn changes_nothing_when_kusd_is_frozen() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_ok!(absorb(BTC, ONE_BTC, 50 * USD, 0));
				freeze(KUSD);
				assert_noop!(withdraw(ALICE, u128::MAX), TokenError::Frozen);
			});
	}
}

mod claim {
	use super::*;

	#[test]
	fn works() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD), (BOB, 100 * USD)])
			.build_and_execute(|| {
				assert_ok!(absorb(DOT, 7 * ONE_DOT, 20 * USD, 0));
				assert_eq!(gain(ALICE, DOT), 35 * ONE_DOT / 10);
				assert_ok!(claim(ALICE, DOT));
				assert_eq!(
					last_event(),
					Event::GainsClaimed {
						who: ALICE,
						asset: DOT,
						amount: 35 * ONE_DOT / 10
					}
				);
				assert_eq!(balance(DOT, ALICE), 35 * ONE_DOT / 10);
				assert_eq!(stake(ALICE).deposit, 90 * USD);
				assert_eq!(gain(BOB, DOT), 35 * ONE_DOT / 10);
				assert_noop!(claim(ALICE, DOT), Error::<Test>::NothingToClaim);
			});
	}

	#[test]
	fn fails_for_strangers_and_other_assets() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_ok!(absorb(DOT, ONE_DOT, USD, 0));
				assert_noop!(claim(BOB, DOT), Error::<Test>::NothingToClaim);
				assert_noop!(claim(ALICE, BTC), Error::<Test>::NothingToClaim);
				assert_noop!(claim(ALICE, KUSD), Error::<Test>::NothingToClaim);
				assert_noop!(claim(ALICE, 999), Error::<Test>::NothingToClaim);
				assert_noop!(
					StabilityPool::claim(RuntimeOrigin::root(), DOT),
					DispatchError::BadOrigin
				);
			});
	}

	#[test]
	fn when_the_asset_is_frozen_should_stay_claimable() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				assert_ok!(absorb(DOT, ONE_DOT, USD, 0));
				freeze(DOT);
				assert_noop!(claim(ALICE, DOT), TokenError::Frozen);
				assert_ok!(Assets::thaw_asset(RuntimeOrigin::signed(OWNER), DOT));
				assert_ok!(claim(ALICE, DOT));
				assert_eq!(balance(DOT, ALICE), ONE_DOT);
			});
	}
}

mod claim_all {
	use super::*;

	fn three_gains() {
		assert_ok!(absorb(BTC, ONE_BTC, USD, 0));
		assert_ok!(absorb(ETH, ONE_ETH, USD, 0));
		assert_ok!(absorb(DOT, ONE_DOT, USD, 0));
	}

	#[test]
	fn pays_every_kind() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				three_gains();
				let promised = stake(ALICE).gains;
				assert_eq!(promised.len(), 3);
				System::reset_events();
				assert_ok!(claim_all(ALICE));
				let paid: Vec<_> = events()
					.into_iter()
					.map(|event| match event {
						Event::GainsClaimed {
							who: ALICE,
							asset,
							amount,
						} => (asset, amount),
						other => panic!("unexpected {other:?}"),
					})
					.collect();
				assert_eq!(paid, promised);
				for (asset, amount) in promised {
					assert_eq!(balance(asset, ALICE), amount);
				}
				assert_eq!(stake(ALICE).gains, vec![]);
				assert_noop!(claim_all(ALICE), Error::<Test>::NothingToClaim);
			});
	}

	#[test]
	fn when_one_is_frozen_should_pay_the_others() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 100 * USD)])
			.build_and_execute(|| {
				three_gains();
				let frozen = gain(ALICE, ETH);
				freeze(ETH);
				assert_ok!(claim_all(ALICE));
				assert!(balance(BTC, ALICE) > 0 && balance(DOT, ALICE) > 0);
				assert_eq!(balance(ETH, ALICE), 0);
				assert_eq!(stake(ALICE).gains, vec![(ETH, frozen)]);
				assert_noop!(claim_all(ALICE), TokenError::Frozen);
			});
	}

	#[test]
	fn fails_without_a_stake() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(claim_all(ALICE), Error::<Test>::NothingToClaim);
			assert_noop!(
				StabilityPool::claim_all(RuntimeOrigin::root()),
				DispatchError::BadOrigin
			);
		});
	}
}

mod views {
	use super::*;

	#[test]
	fn show_what_the_calls_pay() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 70 * USD), (BOB, 130 * USD)])
			.build_and_execute(|| {
				assert_ok!(absorb(BTC, 12_345, 3 * USD + 1, 17));
				assert_ok!(absorb(ETH, 999_999_999, 31 * USD + 7, 3));
				for who in [ALICE, BOB] {
					let shown = stake(who);
					let before = balance(KUSD, who);
					assert_ok!(claim_all(who));
					for (asset, amount) in shown.gains {
						assert_eq!(balance(asset, who), amount);
					}
					assert_eq!(stake(who).deposit, shown.deposit);
					assert_ok!(withdraw(who, u128::MAX));
					assert_eq!(balance(KUSD, who) - before, shown.deposit);
				}
			});
	}

	#[test]
	fn show_nothing_of_a_stake_that_is_used_up() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 10 * USD), (BOB, PURSE)])
			.build_and_execute(|| {
				// Alice's part of one unit of collateral, and of what is left, is less than a unit.
				assert_ok!(absorb(BTC, 1, capacity() - 5, 0));
				assert_eq!(StabilityPool::deposit_of(ALICE), None);
				assert_noop!(withdraw(ALICE, 1), Error::<Test>::NothingDeposited);
				assert_noop!(claim_all(ALICE), Error::<Test>::NothingToClaim);
				assert_ok!(deposit(ALICE, 10 * USD));
				assert_ok!(withdraw(ALICE, u128::MAX));
				assert_eq!(Deposits::<Test>::get(ALICE), None);
			});
	}

	#[test]
	fn show_totals() {
		ExtBuilder::default()
			.deposits(&[(ALICE, 70 * USD)])
			.build_and_execute(|| {
				assert_ok!(absorb(BTC, 12_345, 70 * USD, 0));
				assert_ok!(deposit(BOB, 20 * USD));
				assert_ok!(absorb(ETH, 5, USD, 0));
				let totals = StabilityPool::totals();
				assert_eq!(totals.deposits, 19 * USD);
				assert_eq!(totals.deposits, StabilityPool::capacity());
				assert_eq!(totals.collaterals, vec![(BTC, 12_345), (ETH, 5)]);
				assert_eq!((totals.epoch, totals.scale), (1, 0));
			});
	}
}
