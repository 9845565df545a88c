//! The end of a branch, from the lock of the price to the last kUSD redeemed.

use frame_support::{assert_noop, assert_ok, weights::Weight};
use keel_math::{FixedU128, ONE, RAY};
use keel_primitives::{Auctions, Balance, InsuranceFund, Moment, PositionLedger, PriceFor, VaultId};
use sp_runtime::DispatchError;

use crate::{
	mock::*,
	BranchList,
	Change::{Decrease, Increase, Keep},
	Error, Event, Redemption, Settlement, ShutdownView, WeightInfo, GRACE_MS, REDEEM_MS,
};

mod access;
mod by_itself;
mod deadline;
mod grace;
mod price;

const ALL: Balance = Balance::MAX;
const WEEK: Moment = 7 * 86_400_000;

fn checked() {
	assert_ok!(Vaults::do_try_state());
}

fn shut_down() {
	shut_down_btc();
	checked();
}

/// Shut down, and let the owners' hour pass.
fn shut_down_and_wait() {
	shut_down();
	pass_grace();
}

/// Let the chain settle everything by itself, once it may.
fn settle_all() {
	let wait = view().settles_in;
	Now::mutate(|now| *now += wait);
	idle(Weight::MAX);
	checked();
	assert_eq!(branch(BTC_BRANCH).total_normalised, 0);
}

fn settlement() -> Settlement {
	branch(BTC_BRANCH).settlement.unwrap()
}

fn view() -> ShutdownView {
	Vaults::shutdown(BTC_BRANCH).unwrap()
}

fn btc(who: &AccountId) -> Balance {
	Assets::balance(BTC, who)
}

/// Redeem as quoted, and say what was paid.
fn redeem(who: &AccountId, amount: Balance) -> Balance {
	let quote = Vaults::quote_redeem(BTC_BRANCH, amount).unwrap();
	let before = (kusd(who), btc(who), Assets::total_supply(KUSD));
	assert_ok!(Vaults::redeem(signed(who), BTC_BRANCH, amount));
	assert_eq!(
		last_event(),
		Event::Redeemed {
			branch: BTC_BRANCH,
			who: who.clone(),
			burned: quote.burned,
			collateral: quote.collateral
		}
	);
	assert_eq!(kusd(who), before.0 - quote.burned);
	assert_eq!(btc(who), before.1 + quote.collateral);
	assert_eq!(Assets::total_supply(KUSD), before.2 - quote.burned);
	checked();
	quote.collateral
}

/// Everybody did what there was to do: nothing is left anywhere.
fn assert_nothing_left() {
	let branch = branch(BTC_BRANCH);
	let settlement = settlement();
	assert_eq!((branch.total_normalised, branch.total_collateral), (0, 0));
	assert_eq!((settlement.pot, settlement.claims), (0, Some(0)));
	assert_eq!(btc(&Vaults::branch_account(BTC_BRANCH)), 0);
	assert!(branch.issued <= 0);
	let vaults = crate::Vaults::<Test>::iter_values();
	assert_eq!(vaults.filter(|vault| vault.branch == BTC_BRANCH).count(), 0);
}

mod of_a_healthy_branch {
	use super::*;

	#[test]
	fn pays_every_kusd_in_full_and_every_owner_the_rest() {
		ExtBuilder::default().build_and_execute(|| {
			let before = [ALICE, BOB].map(|who| btc(&who));
			let a = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			let b = open(&BOB, BTC_BRANCH, 2 * ONE_BTC, 30_000 * USD);
			assert_eq!(Vaults::shutdown(BTC_BRANCH), None);
			shut_down();
			assert_eq!(
				last_event(),
				Event::BranchShutDown {
					branch: BTC_BRANCH,
					price: dollars(50_000),
					debt: 50_000 * USD,
					collateral: 3 * ONE_BTC
				}
			);
			let started = ShutdownView {
				price: dollars(50_000),
				at: START,
				settles_in: GRACE_MS,
				vaults_left: true,
				debt_left: 50_000 * USD,
				pot: 0,
				claims: None,
				redeem_in: None,
				rate: None,
			};
			assert_eq!(view(), started);

			System::reset_events();
			settle_all();
			let settled = |vault, owner, debt: u128, given, collateral| Event::VaultSettled {
				vault,
				owner,
				branch: BTC_BRANCH,
				debt: debt * USD,
				given,
				collateral,
			};
			assert_eq!(
				events(),
				vec![
					settled(a, ALICE, 20_000, 4 * ONE_BTC / 10, 6 * ONE_BTC / 10),
					settled(b, BOB, 30_000, 6 * ONE_BTC / 10, 14 * ONE_BTC / 10),
					Event::SettlementDone {
						branch: BTC_BRANCH,
						pot: ONE_BTC,
						claims: 50_000 * USD,
						covered: 0,
						bad_debt: 0
					},
				]
			);
			let done = ShutdownView {
				vaults_left: false,
				debt_left: 0,
				pot: ONE_BTC,
				claims: Some(50_000 * USD),
				redeem_in: Some(REDEEM_MS),
				rate: Some(dollars(1)),
				settles_in: 0,
				..started
			};
			assert_eq!(view(), done);
			// Nothing more to do by itself.
			System::reset_events();
			settle_all();
			assert_eq!(events(), vec![]);

			assert_eq!(redeem(&ALICE, 20_000 * USD), 4 * ONE_BTC / 10);
			assert_ok!(Vaults::close(signed(&BOB), b));
			checked();
			assert_eq!(redeem(&BOB, ALL), 6 * ONE_BTC / 10);
			assert_ok!(Vaults::close(signed(&ALICE), a));
			assert_eq!([ALICE, BOB].map(|who| btc(&who)), before);
			assert_eq!((held(&ALICE), held(&BOB)), (0, 0));
			assert_eq!((Assets::total_supply(KUSD), branch(BTC_BRANCH).issued), (0, 0));
			assert_nothing_left();
		});
	}

	#[test]
	fn rounds_what_a_vault_gives_up_and_what_is_redeemed_down() {
		ExtBuilder::default().build_and_execute(|| {
			set_index(BTC_BRANCH, RAY * 13 / 10 + 7);
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 10_000 * USD + 1);
			set_price(BTC, dollars(47_003));
			let owed = debt(id);
			shut_down_and_wait();
			assert_ok!(Vaults::settle(signed(&CHARLIE), id));
			checked();
			// owed · 10²⁰ / 47,003·10¹⁸, rounded up
			let given = (owed * 100).div_ceil(47_003);
			assert_eq!(settlement().pot, given);
			assert_eq!(vault(id).collateral, ONE_BTC - given);
			let claims = settlement().claims.unwrap();
			assert_eq!(claims, 10_000 * USD + 1);
			assert_eq!(redeem(&ALICE, 333_333), given * 333_333 / claims);
			redeem(&ALICE, ALL);
			assert_ok!(Vaults::close(signed(&ALICE), id));
			assert_nothing_left();
		});
	}
}

mod of_an_underwater_branch {
	use super::*;

	/// At 30,000 the first vault's BTC is worth 5,000 less than its debt.
	fn underwater(fund: Balance) -> [VaultId; 2] {
		let a = open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
		let b = open(&BOB, BTC_BRANCH, 10 * ONE_BTC, 30_000 * USD);
		if fund > 0 {
			fund_fund(fund);
		}
		move_price(BTC, dollars(30_000));
		shut_down();
		[a, b]
	}

	/// Of 65,000 issued the pot is worth 60,000.
	fn done(claims: Balance, covered: Balance, bad_debt: Balance) -> Event<Test> {
		Event::SettlementDone {
			branch: BTC_BRANCH,
			pot: 2 * ONE_BTC,
			claims: claims * USD,
			covered: covered * USD,
			bad_debt: bad_debt * USD,
		}
	}

	/// Claims are what is left of what the branch issued, worth the locked price, and all kUSD there is
	/// stands in some book.
	fn assert_carried(covered: Balance, bad_debt: Balance, fund: Balance) {
		assert_eq!(last_event(), done(60_000, covered, bad_debt));
		assert_eq!(settlement().claims, Some(60_000 * USD));
		assert_eq!(branch(BTC_BRANCH).issued, 60_000 * USD as i128);
		assert_eq!(view().rate, Some(dollars(1)));
		assert_eq!((kusd(&FUND), MockFund::bad_debt()), (fund * USD, bad_debt * USD));
		let issued = (branch(BTC_BRANCH).issued + branch(ETH_BRANCH).issued) as u128;
		assert_eq!(Assets::total_supply(KUSD), issued + bad_debt * USD);
	}

	/// The two holders redeem what they can, the owner with something left closes.
	fn redeem_all(ids: [VaultId; 2]) -> (Balance, Balance) {
		assert_ok!(Vaults::close(signed(&ALICE), ids[0]));
		let paid = (redeem(&ALICE, 35_000 * USD), redeem(&BOB, ALL));
		assert_eq!(paid.0 + paid.1, 2 * ONE_BTC);
		let before = btc(&BOB);
		assert_ok!(Vaults::close(signed(&BOB), ids[1]));
		assert_eq!(btc(&BOB), before + 9 * ONE_BTC);
		assert_nothing_left();
		paid
	}

	#[test]
	fn without_a_fund_the_hole_is_bad_debt_that_later_income_pays_down() {
		ExtBuilder::default().build_and_execute(|| {
			let ids = underwater(0);
			settle_all();
			assert_carried(0, 5_000, 0);
			assert_eq!(vault(ids[0]).collateral, 0);
			// 2 BTC · 35/60, and the rest for 25 of Bob's 30.
			assert_eq!(redeem_all(ids), (116_666_666, 83_333_334));
			assert_eq!(
				(kusd(&BOB), Assets::total_supply(KUSD)),
				(5_000 * USD, 5_000 * USD)
			);
			use keel_primitives::IncomeSource::Donation;
			assert_ok!(MockFund::receive(&BOB, 5_000 * USD, Donation));
			assert_eq!((Assets::total_supply(KUSD), MockFund::bad_debt()), (0, 0));
		});
	}

	#[test]
	fn a_fund_with_a_part_burns_it_and_records_the_rest() {
		ExtBuilder::default().build_and_execute(|| {
			let ids = underwater(2_000 * USD);
			settle_all();
			assert_carried(2_000, 3_000, 0);
			redeem_all(ids);
			// The other branch's kUSD is out there as before, and what is bad debt.
			assert_eq!(branch(ETH_BRANCH).issued, 2_000 * USD as i128);
			assert_eq!(kusd(&BOB), 5_000 * USD);
		});
	}

	#[test]
	fn a_fund_with_enough_pays_all_and_keeps_the_rest() {
		ExtBuilder::default().build_and_execute(|| {
			let ids = underwater(10_000 * USD);
			settle_all();
			assert_carried(5_000, 0, 5_000);
			redeem_all(ids);
		});
	}

	#[test]
	fn a_fund_that_fails_or_does_not_add_up_is_gone_on_without_and_every_kusd_gets_the_same_share() {
		for (fails, boasts, forgets) in [(true, false, false), (false, true, false), (false, false, true)] {
			ExtBuilder::default().build_and_execute(|| {
				let ids = underwater(2_000 * USD);
				FundFails::set(fails);
				FundBoasts::set(boasts);
				FundForgets::set(forgets);
				settle_all();
				assert_eq!(last_event(), done(65_000, 0, 0));
				let error = match fails {
					true => DispatchError::Corruption,
					false => Error::<Test>::ShortfallNotCarried.into(),
				};
				assert!(events().contains(&Event::CoverFailed {
					branch: BTC_BRANCH,
					error
				}));
				// What it had burned and recorded halfway is undone.
				assert_eq!((kusd(&FUND), MockFund::bad_debt()), (2_000 * USD, 0));
				// 60 of 65, rounded down.
				assert_eq!(view().rate, Some(FixedU128::from_inner(923_076_923_076_923_076)));
				// 2 BTC · 35/65
				assert_eq!(redeem_all(ids), (107_692_307, 92_307_693));
			});
		}
	}

	#[test]
	fn it_makes_no_difference_who_settles_in_which_order() {
		let run = |order: [usize; 2]| {
			let mut paid = None;
			ExtBuilder::default().build_and_execute(|| {
				let ids = underwater(1_000 * USD);
				pass_grace();
				for i in order {
					assert_ok!(Vaults::settle(signed(&PAUPER), ids[i]));
					checked();
				}
				paid = Some(redeem_all(ids));
			});
			paid
		};
		assert_eq!(run([0, 1]), run([1, 0]));
	}

	#[test]
	fn top_ups_and_repayments_before_the_settlement_count() {
		ExtBuilder::default().build_and_execute(|| {
			let ids = underwater(0);
			assert_ok!(Vaults::top_up(signed(&CHARLIE), ids[0], ONE_BTC / 6));
			// Down to what no minimum would have let through.
			assert_ok!(Vaults::repay(signed(&BOB), ids[1], 29_999 * USD));
			assert_eq!(debt(ids[1]), USD);
			checked();
			settle_all();
			assert_eq!(settlement().claims, Some(35_001 * USD));
			// A sixth of a BTC, but for the rounding of it: nothing is short.
			assert!(view().rate >= Some(dollars(1)));
			assert_eq!(MockFund::bad_debt(), 0);
		});
	}
}

#[test]
fn shares_are_pro_rata_to_the_unit() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, 777_777, 100 * USD + 7);
		move_price(BTC, dollars(10_007));
		shut_down();
		settle_all();
		let (pot, claims) = (settlement().pot, settlement().claims.unwrap());
		// At 10,007 all of it is worth 77.83 of the 100 it owed.
		assert_eq!((pot, claims), (777_777, 77_832_144));
		let (mut burned, mut paid) = (0, 0);
		for amount in [1_000, 777, 50 * USD, 3_333_333, 1_001, 20 * USD + 1, 131_313] {
			assert_ok!(Assets::transfer(signed(&ALICE), KUSD, CHARLIE, amount));
			paid += redeem(&CHARLIE, amount);
			burned += amount;
			// Never more than the share of what was burned, and what rounding kept is the others', a unit per redemption.
			assert!(paid <= pot * burned / claims);
			assert!(paid + 7 >= pot * burned / claims);
		}
		assert_eq!(redeem(&ALICE, ALL), pot - paid);
		assert_ok!(Vaults::close(signed(&ALICE), id));
		assert_nothing_left();
	});
}

#[test]
fn what_would_get_nothing_burns_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		open(&ALICE, DEED_BRANCH, 1, 35_000 * USD);
		open(&BOB, DEED_BRANCH, 1, 10_000 * USD);
		assert_ok!(Vaults::shut_down(RuntimeOrigin::root(), DEED_BRANCH, None));
		pass_grace();
		idle(Weight::MAX);
		checked();
		// Two deeds for 45,000: half of that buys one.
		let redeems = |who, amount| Vaults::redeem(signed(&who), DEED_BRANCH, amount);
		for amount in [1, 10_000 * USD] {
			assert_noop!(redeems(BOB, amount), Error::<Test>::RedemptionTooSmall);
			assert_eq!(
				Vaults::quote_redeem(DEED_BRANCH, amount),
				Err(Error::<Test>::RedemptionTooSmall.into())
			);
		}
		assert_ok!(redeems(ALICE, 22_500 * USD));
		checked();
		assert_noop!(redeems(ALICE, 12_500 * USD), Error::<Test>::RedemptionTooSmall);
		assert_ok!(Assets::transfer(signed(&BOB), KUSD, ALICE, 10_000 * USD));
		assert_ok!(redeems(ALICE, ALL));
		assert_eq!(Assets::balance(DEED, Vaults::branch_account(DEED_BRANCH)), 0);
	});
}

mod without_claims {
	use super::*;

	#[test]
	fn that_the_fund_paid_all_of_should_leave_the_pot_to_the_fund() {
		ExtBuilder::default().build_and_execute(|| {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			fund_fund(25_000 * USD);
			move_price(BTC, FixedU128::from_inner(1));
			shut_down();
			settle_all();
			assert!(events().contains(&Event::PotTaken {
				branch: BTC_BRANCH,
				collateral: ONE_BTC
			}));
			assert_eq!(last_event(), Event::BranchOver { branch: BTC_BRANCH });
			assert_eq!((kusd(&FUND), MockFund::collateral(BTC)), (5_000 * USD, ONE_BTC));
			assert_ok!(Vaults::close(signed(&ALICE), id));
			assert_nothing_left();
		});
	}

	#[test]
	fn dust_goes_to_the_fund_when_it_can() {
		ExtBuilder::default().build_and_execute(|| {
			set_parameters(BTC_BRANCH, |p| p.minimum_debt = 0);
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			for _ in 0..5 {
				pass(PERIOD);
			}
			// What rounding took from the owner was never issued, and is all she owes now.
			assert_ok!(Vaults::repay(signed(&ALICE), id, 20_000 * USD - 5));
			let issued = branch(BTC_BRANCH).issued as u128;
			open(&BOB, ETH_BRANCH, 100 * ONE_ETH, 1_000 * USD);
			assert_ok!(Vaults::repay(signed(&BOB), id, issued));
			assert!(debt(id) > 0 && branch(BTC_BRANCH).issued <= 0);
			shut_down();
			FundFails::set(true);
			settle_all();
			assert_eq!((settlement().pot, settlement().claims), (1, Some(0)));
			assert_noop!(
				Vaults::redeem(signed(&ALICE), BTC_BRANCH, 1),
				Error::<Test>::NothingChanged
			);
			settle_all();
			assert_eq!(settlement().pot, 1);
			// The fund is back: the next block tries again.
			FundFails::set(false);
			settle_all();
			assert_eq!((settlement().pot, MockFund::collateral(BTC)), (0, 1));
			assert_ok!(Vaults::close(signed(&ALICE), id));
			assert_nothing_left();
		});
	}
}

#[test]
fn a_lot_on_sale_is_not_the_branchs_any_more() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
		move_price(BTC, dollars(30_000));
		assert_ok!(Vaults::liquidate(Group::Branch(BTC_BRANCH), id));
		let other = open(&BOB, BTC_BRANCH, ONE_BTC, 10_000 * USD);
		shut_down();
		settle_all();
		assert_eq!(settlement().claims, Some(10_000 * USD));
		assert_eq!(MockAuctions::debt(), 35_000 * USD);
		// Whoever's kUSD it is, there are 10,000 of claims.
		redeem(&ALICE, ALL);
		assert_eq!(kusd(&ALICE), 25_000 * USD);
		settle_auction(&ALICE);
		checked();
		assert_ok!(Vaults::close(signed(&BOB), other));
		assert_ok!(Vaults::close(signed(&ALICE), id));
		assert_nothing_left();
	});
}

#[test]
fn a_share_is_the_same_sooner_or_later() {
	let settlement = |pot, claims| Settlement {
		pot,
		claims: Some(claims),
		..Settlement::new(dollars(1), 0, 0)
	};
	let share = |pot, claims, amount| settlement(pot, claims).share(amount).unwrap();
	assert_eq!(
		share(10, 3, 2),
		Redemption {
			burned: 2,
			collateral: 6
		}
	);
	assert_eq!(
		share(10, 3, 9),
		Redemption {
			burned: 3,
			collateral: 10
		}
	);
	assert_eq!(
		share(10, 0, 9),
		Redemption {
			burned: 0,
			collateral: 0
		}
	);
	assert_eq!(Settlement::new(dollars(1), 0, 0).share(1), None);
	assert_eq!(
		share(u128::MAX, u128::MAX, ONE),
		Redemption {
			burned: ONE,
			collateral: ONE
		}
	);
}
