//! Margin calls and what owners asked for when called.

use super::*;

/// A long of one BTC by ALICE's sub-account 0 with this much cash, its mark at 47,000: 3,000 lost, 2,350 required.
fn fallen(cash: u128) -> u64 {
	let id = fund(&ALICE, 0, cash);
	assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
	move_mark(BTC_MARKET, dollars(47_000));
	id
}

/// The same, with a measure that cannot do anything: there is no sub-account 9.
fn fallen_with_measure(cash: u128) -> u64 {
	let id = fallen(cash);
	assert_ok!(Margin::set_top_up(signed(&ALICE), 0, Some((9, USD))));
	id
}

fn called(id: u64) -> Option<Event<Test>> {
	events()
		.into_iter()
		.find(|event| matches!(event, Event::MarginCalled { account, .. } if *account == id))
}

#[test]
fn an_account_close_to_its_requirement_is_called_once() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen_with_measure(5_700 * USD);
		let maintenance = statement(id).maintenance;
		assert_ok!(refresh(id));
		assert!(account(id).called);
		assert_eq!(
			called(id),
			Some(Event::MarginCalled {
				account: id,
				owner: ALICE,
				equity: 2_700 * USD as i128,
				maintenance,
				breach_in_ms: None
			})
		);
		System::reset_events();
		pass(1);
		assert_ok!(refresh(id));
		assert_eq!(called(id), None);
		// From now on its slack is measured against the maintenance requirement.
		assert!(crossed(id).is_empty());
		assert!(trigger(id, Group::Long(BTC_MARKET)).unwrap() < dollars(47_000).into_inner());
	});
}

#[test]
fn an_account_far_from_it_is_not() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen_with_measure(6_000 * USD);
		assert_ok!(refresh(id));
		assert!(!account(id).called);
		assert_eq!(called(id), None);
	});
}

#[test]
fn an_account_without_measures_is_looked_at_when_it_is_unsafe_and_not_before() {
	ExtBuilder::default().build_and_execute(|| {
		// Nothing moves by itself.
		set_market(BTC_MARKET, |market| {
			market.ramp = bps(0);
			market.max_funding = bps(0);
		});
		let id = fallen(5_700 * USD);
		assert_ok!(refresh(id));
		assert!(!account(id).called);
		assert_eq!(called(id), None);
		// What is left meets 5 % of the price at 44,300 / 0.95 = 46,631.58.
		move_mark(BTC_MARKET, dollars(46_632));
		assert_eq!(crossed(id), []);
		move_mark(BTC_MARKET, dollars(46_631));
		assert_eq!(crossed(id), [Group::SoleLong(BTC_MARKET)]);
	});
}

#[test]
fn the_call_says_how_long_funding_and_interest_leave() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen_with_measure(5_700 * USD);
		// 10 basis points of 47,000 an hour.
		set_market(BTC_MARKET, |market| market.funding_bps = 10);
		let slack = 2_700 * USD - statement(id).maintenance;
		let expected = slack * u128::from(HOUR) / (47 * USD);
		assert_eq!(statement(id).breach_in_ms, Some(expected as u64));
		assert_ok!(refresh(id));
		let Some(Event::MarginCalled { breach_in_ms, .. }) = called(id) else {
			panic!("not called")
		};
		assert_eq!(breach_in_ms, Some(expected as u64));
	});
}

#[test]
fn an_unsafe_or_unknown_account_is_not_refreshed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen(5_000 * USD + 100_000);
		assert_eq!(refresh(id), Err(Error::<Test>::AccountUnsafe.into()));
		assert_eq!(refresh(99), Err(Error::<Test>::UnknownAccount.into()));
		let group = Group::Long(ETH_MARKET);
		assert_eq!(
			<Margin as PositionLedger>::refresh(group, id),
			Err(Error::<Test>::NotInGroup.into())
		);
		fund(&ALICE, 0, 1);
		assert_eq!(Margin::deficit(group, id), Err(Error::<Test>::NotInGroup.into()));
	});
}

#[test]
fn meeting_the_initial_requirement_ends_a_call() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen_with_measure(5_700 * USD);
		assert_ok!(refresh(id));
		fund(&ALICE, 0, 1_000 * USD);
		assert!(account(id).called);
		fund(&ALICE, 0, 1_100 * USD);
		assert!(!account(id).called);
		assert!(events().iter().any(|event| matches!(
			event,
			Event::MarginRestored { account, .. } if *account == id
		)));
	});
}

#[test]
fn a_top_up_brings_it_to_its_initial_requirement_and_no_further() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen(5_700 * USD);
		let from = fund(&ALICE, 5, 10_000 * USD);
		assert_ok!(Margin::set_top_up(signed(&ALICE), 0, Some((5, 50_000 * USD))));
		assert_eq!(
			last_event(),
			Event::TopUpSet {
				account: id,
				top_up: Some((5, 50_000 * USD))
			}
		);
		let missing = statement(id).initial - 2_700 * USD;
		assert_ok!(refresh(id));
		assert_eq!(account(from).cash, 10_000 * USD - missing);
		assert_eq!(statement(id).equity, statement(id).initial as i128);
		assert!(!account(id).called);
		assert!(events().contains(&Event::ToppedUp {
			account: id,
			from,
			amount: missing
		}));
	});
}

#[test]
fn a_top_up_takes_no_more_than_was_said_and_can_be_given() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen(5_700 * USD);
		let from = fund(&ALICE, 5, 1_000 * USD);
		assert_ok!(trade(from, ETH_MARKET, ONE_SIZE));
		let spare = statement(from).free as u128;
		assert_ok!(Margin::set_top_up(signed(&ALICE), 0, Some((5, 300 * USD))));
		assert_ok!(refresh(id));
		assert_eq!(account(id).cash, 6_000 * USD);
		assert!(account(id).called);
		// The next time all that the other can spare: it keeps its own initial requirement, whatever the breaker says.
		Accounts::<Test>::mutate(id, |account| account.as_mut().unwrap().called = false);
		raise(BreakerSubject::Chain, Level::Halted);
		move_mark(BTC_MARKET, dollars(46_500));
		assert_ok!(Margin::set_top_up(signed(&ALICE), 0, Some((5, 5_000 * USD))));
		assert_ok!(refresh(id));
		assert_eq!(account(id).cash, 5_700 * USD + spare);
		assert_eq!(statement(from).free, 0);
	});
}

/// The kind: a measure that is off and nobody says so. A liquidation restores less than what ends a call; it
/// ends the call itself, so that the next one carries out the owner's measures again.
#[test]
fn a_liquidation_ends_the_call() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen(5_300 * USD);
		Accounts::<Test>::mutate(id, |account| account.as_mut().unwrap().called = true);
		assert_ok!(liquidate(id));
		assert!(statement(id).equity < statement(id).initial as i128);
		assert!(!account(id).called);
		fund(&ALICE, 5, 1_000 * USD);
		assert_ok!(Margin::set_top_up(signed(&ALICE), 0, Some((5, 300 * USD))));
		let cash = account(id).cash;
		move_mark(BTC_MARKET, dollars(46_900));
		assert_ok!(refresh(id));
		assert_eq!((account(id).called, account(id).cash), (true, cash + 300 * USD));
	});
}

#[test]
fn a_top_up_repays_debt() {
	ExtBuilder::default().build_and_execute(|| {
		let id = pay_in(&ALICE, 0, BTC, ONE_BTC / 5);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE / 2));
		fund(&ALICE, 1, 10_000 * USD);
		assert_ok!(Margin::set_top_up(signed(&ALICE), 0, Some((1, 10_000 * USD))));
		// Nine thousand of collateral counts, 1,250 is required.
		assert_ok!(settle(id, -(7_600 * USD as i128)));
		assert_ok!(acted(id, Act::Involuntary));
		assert_ok!(refresh(id));
		assert!(debt(id) < 7_600 * USD);
		assert_eq!(statement(id).equity, statement(id).initial as i128);
	});
}

#[test]
fn a_share_of_the_positions_is_closed_when_topping_up_was_not_enough() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen(5_700 * USD);
		assert_ok!(Margin::set_reduce(
			signed(&ALICE),
			0,
			Some(Permill::from_percent(60))
		));
		assert_ok!(refresh(id));
		assert_eq!(size_of(id, BTC_MARKET), ONE_SIZE * 4 / 10);
		let fee = 28_200 * USD * 5 / 10_000;
		assert!(events().contains(&Event::PositionsReduced {
			account: id,
			share: Permill::from_percent(60),
			notional: 28_200 * USD,
			fee
		}));
		assert_eq!(statement(id).equity, (2_700 * USD - fee) as i128);
		assert!(!account(id).called);
	});
}

#[test]
fn a_top_up_that_is_enough_leaves_positions_alone() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen(5_700 * USD);
		fund(&ALICE, 1, 10_000 * USD);
		assert_ok!(Margin::set_top_up(signed(&ALICE), 0, Some((1, 10_000 * USD))));
		assert_ok!(Margin::set_reduce(
			signed(&ALICE),
			0,
			Some(Permill::from_percent(60))
		));
		assert_ok!(refresh(id));
		assert_eq!(size_of(id, BTC_MARKET), ONE_SIZE);
	});
}

#[test]
fn a_measure_that_fails_changes_nothing_and_the_call_stands() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fallen(5_700 * USD);
		assert_ok!(Margin::set_top_up(signed(&ALICE), 0, Some((9, USD))));
		assert_ok!(Margin::set_reduce(
			signed(&ALICE),
			0,
			Some(Permill::from_percent(60))
		));
		set_market(BTC_MARKET, |market| market.refused = true);
		let before = account(id).cash;
		assert_ok!(refresh(id));
		assert!(account(id).called);
		assert_eq!((account(id).cash, size_of(id, BTC_MARKET)), (before, ONE_SIZE));
		// An event does not keep the words of an error that is not a pallet's.
		for error in [Error::<Test>::UnknownAccount.into(), DispatchError::Other("")] {
			assert!(events().contains(&Event::MeasureFailed { account: id, error }));
		}
	});
}

#[test]
fn measures_are_set_by_their_owner_and_make_sense() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, USD);
		let top_up = |top_up| Margin::set_top_up(signed(&ALICE), 0, top_up);
		assert_noop!(top_up(Some((0, USD))), Error::<Test>::SameAccount);
		assert_noop!(top_up(Some((1, 0))), Error::<Test>::NothingChanged);
		assert_noop!(
			Margin::set_top_up(signed(&BOB), 0, None),
			Error::<Test>::UnknownAccount
		);
		assert_noop!(
			Margin::set_reduce(signed(&ALICE), 0, Some(Permill::zero())),
			Error::<Test>::NothingChanged
		);
		assert_noop!(
			Margin::set_reduce(signed(&BOB), 0, None),
			Error::<Test>::UnknownAccount
		);
		assert_ok!(top_up(Some((1, USD))));
		assert_ok!(top_up(None));
		assert_ok!(Margin::set_reduce(signed(&ALICE), 0, Some(Permill::one())));
		assert_ok!(Margin::set_reduce(signed(&ALICE), 0, None));
		assert_eq!((account(id).top_up, account(id).reduce), (None, None));
	});
}
