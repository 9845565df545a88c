//! What somebody would try.

use super::*;

#[test]
fn nobody_borrows_against_a_profit_that_is_not_realised() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 10_000 * USD);
		assert_ok!(trade(id, DOT_MARKET, 10_000 * ONE_SIZE));
		// A thin market goes up a hundredfold.
		move_mark(DOT_MARKET, dollars(500));
		assert!(statement(id).equity > 4_900_000 * USD as i128);
		// Of what was paid in, no more than that: cash is all there is to withdraw.
		let most = Margin::withdrawable(ALICE, 0, KUSD);
		assert!(most <= 10_000 * USD);
		assert_noop!(
			Margin::withdraw(signed(&ALICE), 0, KUSD, 10_000 * USD + 1),
			Error::<Test>::ExceedsBalance
		);
		// And for more positions a share of a million of it counts.
		let risk = Margin::risk(&account(id)).unwrap();
		assert_eq!(risk.net, 810_000 * USD as i128);
	});
}

#[test]
fn an_empty_shell_can_not_keep_prices_too_old_to_liquidate_on() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 5_100 * USD);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		move_mark(BTC_MARKET, dollars(47_000));
		// In every block it tries everything that is left to an account below its requirement.
		fund(&ALICE, 0, 1);
		pay_in(&ALICE, 0, DOT, 1);
		assert_ok!(trade(id, BTC_MARKET, -1));
		fund(&ALICE, 1, 2);
		assert_ok!(Margin::transfer(signed(&ALICE), 1, 0, 1));
		assert!(Margin::withdraw(signed(&ALICE), 0, DOT, 1).is_err());
		assert!(Margin::transfer(signed(&ALICE), 0, 1, 1).is_err());
		assert!(trade(id, BTC_MARKET, 1).is_err());
		assert_ok!(liquidate(id));
	});
}

#[test]
fn sub_accounts_share_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		let rich = fund(&ALICE, 1, 1_000_000 * USD);
		let poor = fund(&ALICE, 0, 5_100 * USD);
		assert_ok!(trade(poor, BTC_MARKET, ONE_SIZE));
		move_mark(BTC_MARKET, dollars(40_000));
		assert!(liquidate(poor).unwrap().shortfall > 0);
		assert_eq!(account(rich).cash, 1_000_000 * USD);
		// And nobody takes from another's.
		assert_noop!(
			Margin::transfer(signed(&BOB), 1, 0, 1),
			Error::<Test>::UnknownAccount
		);
		// A top-up is from the owner's own, whatever number it has with others.
		let other = fund(&BOB, 0, 5_700 * USD);
		set_mark(BTC_MARKET, dollars(50_000));
		assert_ok!(trade(other, BTC_MARKET, ONE_SIZE));
		assert_ok!(Margin::set_top_up(signed(&BOB), 0, Some((1, 1_000_000 * USD))));
		move_mark(BTC_MARKET, dollars(47_000));
		assert_ok!(refresh(other));
		assert_eq!(account(rich).cash, 1_000_000 * USD);
	});
}

#[test]
fn money_does_not_come_from_going_round_in_a_circle() {
	ExtBuilder::default().build_and_execute(|| {
		let before = kusd(&ALICE);
		for round in 0..20u32 {
			fund(&ALICE, 0, 10_000 * USD + u128::from(round));
			assert_ok!(Margin::transfer(signed(&ALICE), 0, 1, 3_333 * USD));
			assert_ok!(Margin::supply(signed(&ALICE), 777 * USD + u128::from(round)));
			assert_ok!(Margin::redeem(signed(&ALICE), Lenders::<Test>::get(ALICE)));
			let id = Margin::account(&ALICE, 0).unwrap();
			assert_ok!(trade(id, ETH_MARKET, 3 * ONE_SIZE + 7));
			assert_ok!(trade(id, ETH_MARKET, -ONE_SIZE - 3));
			assert_ok!(trade(id, ETH_MARKET, -2 * ONE_SIZE - 4));
			for sub in [0, 1] {
				let has = account(Margin::account(&ALICE, sub).unwrap()).cash;
				assert_ok!(Margin::withdraw(signed(&ALICE), sub, KUSD, has));
			}
			assert!(kusd(&ALICE) <= before);
		}
		// It cost nothing but what rounding takes.
		assert!(before - kusd(&ALICE) < 200);
	});
}

#[test]
fn interest_is_not_dodged_by_borrowing_often_for_a_short_time() {
	ExtBuilder::default().build_and_execute(|| {
		let steady = pay_in(&ALICE, 0, BTC, 10 * ONE_BTC);
		let nervous = pay_in(&BOB, 0, BTC, 10 * ONE_BTC);
		assert_ok!(settle(steady, -(100_000 * USD as i128)));
		assert_ok!(settle(nervous, -(100_000 * USD as i128)));
		for _ in 0..50 {
			Now::mutate(|now| *now += 7_300);
			let owed = debt(nervous);
			assert_ok!(settle(nervous, owed as i128));
			assert_ok!(settle(nervous, -(owed as i128)));
		}
		assert!(debt(nervous) >= debt(steady));
	});
}

#[test]
fn a_self_made_debt_does_not_take_what_lenders_have() {
	ExtBuilder::default().build_and_execute(|| {
		let lenders = Margin::lender(CHARLIE).unwrap().worth;
		let id = fund(&ALICE, 0, 5_100 * USD);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		move_mark(BTC_MARKET, dollars(30_000));
		assert_ok!(liquidate(id));
		assert!(Margin::lender(CHARLIE).unwrap().worth >= lenders);
	});
}

#[test]
fn dust_of_a_dead_asset_is_no_shield() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 5_100 * USD);
		pay_in(&ALICE, 0, DOT, 1);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		refuse(DOT, PriceFor::Liquidate);
		move_mark(BTC_MARKET, dollars(47_000));
		assert_ok!(liquidate(id));
	});
}
