//! What comes in and goes out.

use super::*;

mod deposit {
	use super::*;

	#[test]
	fn opens_an_account_and_holds_its_deposit() {
		ExtBuilder::default().build_and_execute(|| {
			let before = kusd(&ALICE);
			let id = fund(&ALICE, 3, 100 * USD);
			assert_eq!(kusd(&ALICE), before - 100 * USD);
			assert_eq!(
				(account(id).cash, account(id).debt, held(&ALICE)),
				(100 * USD, 0, DEPOSIT)
			);
			assert_eq!(
				events(),
				vec![
					Event::AccountOpened {
						account: id,
						owner: ALICE,
						sub: 3,
						deposit: DEPOSIT
					},
					Event::Deposited {
						account: id,
						asset: KUSD,
						amount: 100 * USD,
						repaid: 0
					},
				]
			);
			assert_eq!(fund(&ALICE, 3, USD), id);
			assert_eq!(held(&ALICE), DEPOSIT);
			assert!(account(id).triggers.is_empty());
		});
	}

	#[test]
	fn repays_debt_first() {
		ExtBuilder::default().build_and_execute(|| {
			let id = pay_in(&ALICE, 0, BTC, ONE_BTC);
			assert_ok!(settle(id, -(1_000 * USD as i128)));
			assert_eq!((account(id).cash, debt(id)), (0, 1_000 * USD));
			fund(&ALICE, 0, 400 * USD);
			assert_eq!((account(id).cash, debt(id)), (0, 600 * USD));
			fund(&ALICE, 0, 700 * USD);
			assert_eq!((account(id).cash, account(id).debt), (100 * USD, 0));
			assert_eq!(
				last_event(),
				Event::Deposited {
					account: id,
					asset: KUSD,
					amount: 700 * USD,
					repaid: 600 * USD
				}
			);
		});
	}

	#[test]
	fn fails_for_what_does_not_fit() {
		ExtBuilder::default().build_and_execute(|| {
			let pay = |asset, amount| Margin::deposit(signed(&ALICE), 0, asset, amount);
			assert_noop!(pay(KUSD, 0), Error::<Test>::NothingChanged);
			assert_noop!(
				pay(USDC, USD),
				DispatchError::from(Error::<Test>::UnknownCollateral)
			);
			set_collateral(BTC, |p| p.deposit_cap = 50_000 * USD);
			assert_noop!(pay(BTC, ONE_BTC + 1), Error::<Test>::DepositCapReached);
			assert_ok!(pay(BTC, ONE_BTC));
			assert_noop!(
				Margin::deposit(signed(&BOB), 0, BTC, 1),
				Error::<Test>::DepositCapReached
			);
			PriceTable::mutate(|all| all.remove(&DOT));
			assert_noop!(pay(DOT, 1), Error::<Test>::NoPrice);
			assert!(Margin::deposit(signed(&PAUPER), 0, KUSD, USD).is_err());
		});
	}

	#[test]
	fn fails_for_more_assets_than_an_account_holds() {
		ExtBuilder::default().build_and_execute(|| {
			set_collateral(USDC, |_| ());
			assert_ok!(Margin::list_collateral(RuntimeOrigin::root(), USDC, USDC));
			for asset in [BTC, ETH, DOT] {
				pay_in(&ALICE, 0, asset, 1_000_000);
			}
			assert_noop!(
				Margin::deposit(signed(&ALICE), 0, USDC, 1),
				Error::<Test>::TooManyHeld
			);
			pay_in(&ALICE, 0, DOT, 1);
			fund(&ALICE, 0, 1);
		});
	}

	#[test]
	fn is_open_at_every_level_of_the_breaker() {
		ExtBuilder::default().build_and_execute(|| {
			raise(BreakerSubject::Chain, Level::Halted);
			fund(&ALICE, 0, USD);
			pay_in(&ALICE, 0, BTC, ONE_BTC);
		});
	}

	#[test]
	fn does_not_move_the_time_of_the_last_risk() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fund(&ALICE, 0, 10_000 * USD);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
			let at = account(id).changed_at;
			pass(10_000);
			fund(&ALICE, 0, 1);
			assert_eq!(account(id).changed_at, at);
			assert_ok!(Margin::withdraw(signed(&ALICE), 0, KUSD, 1));
			assert_eq!(account(id).changed_at, Now::get());
		});
	}
}

mod withdraw {
	use super::*;

	/// The kind: something leaves on a price that is refused. The position counts as losing all of its value
	/// from where it is, a profit as none; what an account has beyond that is free as ever.
	#[test]
	fn lets_nothing_go_on_a_price_that_is_refused() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fund(&ALICE, 0, 60_000 * USD);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
			let can = || Margin::withdrawable(ALICE, 0, KUSD);
			// An initial margin of a tenth.
			assert_eq!(can(), 55_000 * USD);
			set_market(BTC_MARKET, |market| market.refused = true);
			assert_eq!(can(), 5_000 * USD);
			set_mark(BTC_MARKET, dollars(54_000));
			assert_eq!(can(), 600 * USD);
			set_mark(BTC_MARKET, dollars(49_000));
			// 60,000 − 1,000 − 49,000 − 4,900.
			assert_eq!(can(), 5_100 * USD);
			for door in [
				|amount| Margin::withdraw(signed(&ALICE), 0, KUSD, amount),
				|amount| Margin::transfer(signed(&ALICE), 0, 1, amount),
			] {
				assert_noop!(door(5_100 * USD + 1), Error::<Test>::InitialRequirement);
				frame_support::hypothetically!({
					assert_ok!(door(5_100 * USD));
				});
			}
			assert_eq!(Margin::risk(&account(id)).unwrap().free(), 5_100 * USD as i128);
			// A market that is halted holds back as much, and no more.
			set_market(BTC_MARKET, |market| market.refused = false);
			assert_eq!(can(), 54_100 * USD);
			raise(BreakerSubject::Market(BTC_MARKET), Level::Halted);
			assert_eq!(can(), 5_100 * USD);
			for door in [
				|amount| Margin::withdraw(signed(&ALICE), 0, KUSD, amount),
				|amount| Margin::transfer(signed(&ALICE), 0, 1, amount),
			] {
				assert_noop!(door(5_100 * USD + 1), Error::<Test>::InitialRequirement);
				frame_support::hypothetically!({
					assert_ok!(door(5_100 * USD));
				});
				// A chain that is halted holds back all.
				raise(BreakerSubject::Chain, Level::Halted);
				assert_noop!(door(1), raised());
				raise(BreakerSubject::Chain, Level::Normal);
			}
			// Without a position there it is nobody's business.
			raise(BreakerSubject::Market(BTC_MARKET), Level::Normal);
			raise(BreakerSubject::Market(ETH_MARKET), Level::Halted);
			assert_eq!(can(), 54_100 * USD);
		});
	}

	#[test]
	fn empties_an_account_without_risk_whatever_the_breaker_and_prices_say() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fund(&ALICE, 0, 10 * USD);
			pay_in(&ALICE, 0, BTC, ONE_BTC);
			raise(BreakerSubject::Chain, Level::Halted);
			refuse(BTC, PriceFor::AddRisk);
			let before = (kusd(&ALICE), Assets::balance(BTC, &ALICE));
			assert_ok!(Margin::withdraw(signed(&ALICE), 0, KUSD, 10 * USD));
			assert_ok!(Margin::withdraw(signed(&ALICE), 0, BTC, ONE_BTC));
			assert_eq!(kusd(&ALICE), before.0 + 10 * USD);
			assert_eq!(Assets::balance(BTC, &ALICE), before.1 + ONE_BTC);
			assert!(account(id).collateral.is_empty());
		});
	}

	#[test]
	fn fails_beyond_what_there_is() {
		ExtBuilder::default().build_and_execute(|| {
			fund(&ALICE, 0, 10 * USD);
			let take = |asset, amount| Margin::withdraw(signed(&ALICE), 0, asset, amount);
			assert_noop!(take(KUSD, 0), Error::<Test>::NothingChanged);
			assert_noop!(take(KUSD, 10 * USD + 1), Error::<Test>::ExceedsBalance);
			assert_noop!(take(BTC, 1), Error::<Test>::ExceedsBalance);
			assert_noop!(
				Margin::withdraw(signed(&ALICE), 1, KUSD, 1),
				Error::<Test>::UnknownAccount
			);
			assert_noop!(
				Margin::withdraw(signed(&BOB), 0, KUSD, 1),
				Error::<Test>::UnknownAccount
			);
		});
	}

	#[test]
	fn leaves_the_initial_requirement_to_the_unit() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fund(&ALICE, 0, 10_000 * USD);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
			let free = statement(id).free as u128;
			assert_eq!(free, 10_000 * USD - statement(id).initial);
			assert_noop!(
				Margin::withdraw(signed(&ALICE), 0, KUSD, free + 1),
				Error::<Test>::InitialRequirement
			);
			assert_ok!(Margin::withdraw(signed(&ALICE), 0, KUSD, free));
			assert_eq!(statement(id).free, 0);
		});
	}

	#[test]
	fn counts_collateral_at_its_conservative_value() {
		ExtBuilder::default().build_and_execute(|| {
			let id = pay_in(&ALICE, 0, ETH, 10 * ONE_ETH);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE / 10));
			// 25,000 less a tenth.
			assert!(statement(id).equity <= 22_500 * USD as i128);
			PriceTable::mutate(|all| all.get_mut(&ETH).unwrap().confidence = dollars(500));
			assert_eq!(
				statement(id).free,
				(18_000 * USD) as i128 - statement(id).initial as i128
			);
			// New risk meets a governed haircut at once.
			set_collateral(ETH, |p| p.haircut = percent(50));
			assert_eq!(
				statement(id).free,
				(10_000 * USD) as i128 - statement(id).initial as i128
			);
			// A price that is not fit counts nothing.
			refuse(ETH, PriceFor::AddRisk);
			assert!(statement(id).free < 0);
			assert_noop!(
				Margin::withdraw(signed(&ALICE), 0, ETH, 1),
				Error::<Test>::InitialRequirement
			);
		});
	}

	#[test]
	fn asks_the_breaker_when_something_is_at_stake() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fund(&ALICE, 0, 10_000 * USD);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE / 10));
			raise(BreakerSubject::Chain, Level::ReduceOnly);
			assert_ok!(Margin::withdraw(signed(&ALICE), 0, KUSD, 1));
			raise(BreakerSubject::Chain, Level::Halted);
			assert_noop!(Margin::withdraw(signed(&ALICE), 0, KUSD, 1), raised());
			assert_eq!(Margin::withdrawable(ALICE, 0, KUSD), 0);
		});
	}

	#[test]
	fn never_borrows() {
		ExtBuilder::default().build_and_execute(|| {
			pay_in(&ALICE, 0, BTC, 100 * ONE_BTC);
			assert_noop!(
				Margin::withdraw(signed(&ALICE), 0, KUSD, 1),
				Error::<Test>::ExceedsBalance
			);
		});
	}
}

mod transfer {
	use super::*;

	#[test]
	fn moves_cash_and_repays() {
		ExtBuilder::default().build_and_execute(|| {
			let from = fund(&ALICE, 0, 1_000 * USD);
			let to = pay_in(&ALICE, 1, BTC, ONE_BTC);
			assert_ok!(settle(to, -(300 * USD as i128)));
			assert_ok!(Margin::transfer(signed(&ALICE), 0, 1, 400 * USD));
			assert_eq!(
				(account(from).cash, account(to).cash, debt(to)),
				(600 * USD, 100 * USD, 0)
			);
			assert_eq!(
				last_event(),
				Event::Transferred {
					from,
					to,
					amount: 400 * USD,
					repaid: 300 * USD
				}
			);
			assert_ok!(Margin::transfer(signed(&ALICE), 0, 2, USD));
			assert_eq!(held(&ALICE), 3 * DEPOSIT);
		});
	}

	#[test]
	fn is_bound_like_a_withdrawal() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fund(&ALICE, 0, 6_000 * USD);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
			let send = |amount| Margin::transfer(signed(&ALICE), 0, 1, amount);
			assert_noop!(send(1_000 * USD + 1), Error::<Test>::InitialRequirement);
			assert_noop!(send(0), Error::<Test>::NothingChanged);
			assert_noop!(
				Margin::transfer(signed(&ALICE), 0, 0, 1),
				Error::<Test>::SameAccount
			);
			assert_noop!(
				Margin::transfer(signed(&ALICE), 7, 0, 1),
				Error::<Test>::UnknownAccount
			);
			raise(BreakerSubject::Chain, Level::Halted);
			assert_noop!(send(1), raised());
		});
	}
}

mod close {
	use super::*;

	#[test]
	fn releases_the_deposit_and_forgets_the_number() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fund(&ALICE, 0, USD);
			assert_noop!(Margin::close_account(signed(&ALICE), 0), Error::<Test>::NotEmpty);
			assert_ok!(Margin::withdraw(signed(&ALICE), 0, KUSD, USD));
			assert_ok!(Margin::close_account(signed(&ALICE), 0));
			assert_eq!((held(&ALICE), Accounts::<Test>::get(id)), (0, None));
			assert_ne!(fund(&ALICE, 0, USD), id);
		});
	}

	#[test]
	fn fails_with_anything_left() {
		ExtBuilder::default().build_and_execute(|| {
			let close = || Margin::close_account(signed(&ALICE), 0);
			assert_noop!(close(), Error::<Test>::UnknownAccount);
			let id = pay_in(&ALICE, 0, DOT, 1);
			assert_noop!(close(), Error::<Test>::NotEmpty);
			assert_ok!(Margin::withdraw(signed(&ALICE), 0, DOT, 1));
			// No order is cancelled for it.
			order(id, 0);
			assert_noop!(close(), Error::<Test>::NotEmpty);
			change_trader(id, |trader| trader.orders = 0);
			give(id, BTC_MARKET, 1);
			assert_noop!(close(), Error::<Test>::NotEmpty);
			give(id, BTC_MARKET, -1);
		});
	}

	#[test]
	fn fails_while_profits_that_were_cut_are_to_be_repaid() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fund(&ALICE, 0, USD);
			assert_ok!(Margin::withdraw(signed(&ALICE), 0, KUSD, USD));
			Owed::put(id);
			assert_noop!(Margin::close_account(signed(&ALICE), 0), Error::<Test>::NotEmpty);
			Owed::kill();
			assert_ok!(Margin::close_account(signed(&ALICE), 0));
		});
	}
}

mod custody {
	use super::*;

	#[test]
	fn clearing_comes_in_and_goes_out() {
		ExtBuilder::default().build_and_execute(|| {
			let before = Margin::clearing();
			assert_ok!(Margin::bring_in(&ALICE, 100));
			assert_ok!(Margin::pay_out(&BOB, 40));
			assert_eq!(Margin::clearing(), before + 60);
			// Paid by the fund without a transfer from here, and the other way round.
			assert_ok!(send(KUSD, &ALICE, &Margin::custody(), 7));
			assert_ok!(Margin::note(7));
			assert_ok!(send(KUSD, &Margin::custody(), &BOB, 5));
			assert_ok!(Margin::release(5));
			assert_eq!(Margin::clearing(), before + 62);
		});
	}

	#[test]
	fn settling_moves_numbers_only() {
		ExtBuilder::default().build_and_execute(|| {
			let id = fund(&ALICE, 0, 100);
			let (all, clearing) = (kusd(&Margin::custody()), Margin::clearing());
			assert_ok!(settle(id, -70));
			assert_eq!((account(id).cash, Margin::clearing()), (30, clearing + 70));
			assert_ok!(settle(id, -50));
			assert_eq!((account(id).cash, debt(id)), (0, 20));
			assert_eq!(
				(money().idle, Margin::clearing()),
				(10_000_000 * USD as i128 - 20, clearing + 120)
			);
			assert_ok!(settle(id, 45));
			assert_eq!((account(id).cash, account(id).debt), (25, 0));
			assert_ok!(settle(id, 0));
			assert_eq!(kusd(&Margin::custody()), all);
			assert_noop!(settle(99, 1), Error::<Test>::UnknownAccount);
			assert_eq!(Margin::owner(&Margin::load(id).unwrap()), &ALICE);
			assert!(Margin::load(99).is_err());
		});
	}
}

mod list {
	use super::*;

	#[test]
	fn lists_what_fits_and_nothing_else() {
		ExtBuilder::default().build_and_execute(|| {
			let list = |asset, feed| Margin::list_collateral(RuntimeOrigin::root(), asset, feed);
			assert_noop!(
				Margin::list_collateral(signed(&ALICE), USDC, USDC),
				DispatchError::BadOrigin
			);
			assert_noop!(list(USDC, USDC), DispatchError::CannotLookup);
			for asset in [KUSD, USDC, WIDE, LUMPY, NEEDY, 77] {
				set_collateral(asset, |_| ());
			}
			assert_noop!(list(77, USDC), Error::<Test>::UnknownAsset);
			assert_noop!(list(KUSD, USDC), Error::<Test>::CollateralIsSynthetic);
			assert_noop!(list(WIDE, USDC), Error::<Test>::TooManyDecimals);
			assert_noop!(list(LUMPY, USDC), Error::<Test>::MinimumBalanceTooHigh);
			assert_noop!(list(NEEDY, USDC), Error::<Test>::CollateralNotSufficient);
			assert_noop!(list(BTC, BTC), pallet_asset_registry::Error::<Test>::MarginListed);
			assert_noop!(list(USDC, 99), Error::<Test>::NoPrice);
			assert!(!AssetRegistry::uses_feed(USDC));
			assert_ok!(list(USDC, USDC));
			assert!(AssetRegistry::uses_feed(USDC));
			assert_eq!(Margin::collaterals().last().unwrap().haircut, percent(10));
		});
	}
}
