//! What an owner's act has to meet.

use super::*;

#[test]
fn opening_meets_the_initial_requirement_to_the_unit() {
	ExtBuilder::default().build_and_execute(|| {
		let required = {
			let id = fund(&BOB, 0, 1_000_000 * USD);
			assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
			statement(id).initial
		};
		let id = fund(&ALICE, 0, required - 1);
		assert_noop!(trade(id, BTC_MARKET, ONE_SIZE), Error::<Test>::InitialRequirement);
		fund(&ALICE, 0, 1);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		assert_eq!(account(id).changed_at, Now::get());
		assert_eq!(Margin::risk(&account(id)).unwrap().free(), 0);
	});
}

#[test]
fn reducing_and_suffering_meet_nothing_and_do_not_move_the_time_of_risk() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 6_000 * USD);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		let at = account(id).changed_at;
		move_mark(BTC_MARKET, dollars(45_000));
		assert_ok!(trade(id, BTC_MARKET, -ONE_SIZE / 10));
		assert_ok!(acted(id, Act::Involuntary));
		assert_eq!(account(id).changed_at, at);
		assert_noop!(trade(id, BTC_MARKET, 1), Error::<Test>::InitialRequirement);
		assert_noop!(act(99, Act::Reduced), Error::<Test>::UnknownAccount);
	});
}

#[test]
fn profit_counts_by_its_share_and_up_to_its_cap() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 10_000 * USD);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		move_mark(BTC_MARKET, dollars(60_000));
		let statement = statement(id);
		assert_eq!(statement.equity, 20_000 * USD as i128);
		assert_eq!(statement.free, 18_000 * USD as i128 - statement.initial as i128);
		// The cap is of the profit that the share is of.
		set_chain(|chain| chain.profit_cap = 3_000 * USD);
		assert_eq!(
			Margin::risk(&account(id)).unwrap().free(),
			12_400 * USD as i128 - statement.initial as i128
		);
		// A tenth of the longs: a tenth of the cap.
		set_market(BTC_MARKET, |market| market.share = percent(10));
		assert_eq!(Margin::risk(&account(id)).unwrap().net, 10_240 * USD as i128);
		// A loss counts in full.
		move_mark(BTC_MARKET, dollars(49_000));
		assert_eq!(Margin::risk(&account(id)).unwrap().net, 9_000 * USD as i128);
	});
}

#[test]
fn losses_and_profits_of_positions_net_before_profit_is_cut() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 20_000 * USD);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		assert_ok!(trade(id, ETH_MARKET, -20 * ONE_SIZE));
		move_mark(BTC_MARKET, dollars(55_000));
		set_mark(ETH_MARKET, dollars(2_750));
		// Five thousand up, five thousand down.
		assert_eq!(Margin::risk(&account(id)).unwrap().net, 20_000 * USD as i128);
	});
}

#[test]
fn a_settled_market_needs_nothing_and_has_no_price_trigger() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 10_000 * USD);
		pay_in(&ALICE, 0, ETH, ONE_ETH);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		assert!(trigger(id, Group::Long(BTC_MARKET)).is_some());
		set_market(BTC_MARKET, |market| market.settled = true);
		assert_ok!(acted(id, Act::Involuntary));
		assert_eq!(statement(id).maintenance, 0);
		assert_eq!(trigger(id, Group::Long(BTC_MARKET)), None);
		assert!(trigger(id, Group::Deadline).is_some());
	});
}

#[test]
fn one_position_in_a_settled_market_is_unsafe_once_it_owes() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 10_000 * USD);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		let sole = Group::SoleLong(BTC_MARKET);
		assert_eq!(bankruptcy_level(id), 39_999_999_996_000_000_000_000);
		set_market(BTC_MARKET, |market| {
			market.settled = true;
			market.refused = true;
			market.mark = dollars(40_001);
		});
		assert_eq!((crossed(id), statement(id).maintenance), (vec![], 0));
		set_market(BTC_MARKET, |market| market.mark = dollars(39_999));
		assert_eq!(crossed(id), [sole]);
		assert_ok!(Margin::deficit(sole, id), USD);
	});
}

/// The settlement price may be beyond a trigger that no mark was: the account has to be looked at again, by a group that is
/// still observed.
#[test]
fn a_settlement_beyond_the_trigger_is_noticed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 10_000 * USD);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		assert_ok!(trade(id, ETH_MARKET, ONE_SIZE));
		assert_eq!(crossed(id), []);
		set_market(BTC_MARKET, |market| {
			market.settled = true;
			market.refused = true;
			market.mark = dollars(41_000);
		});
		let group = Group::Long(BTC_MARKET);
		assert!(Margin::groups().contains(&group));
		assert_eq!(Margin::threshold(group), Ok(dollars(41_000).into_inner()));
		assert_eq!(crossed(id), [group]);
		assert_ok!(refresh(id));
		// What is left to watch is the other market.
		assert_eq!(trigger(id, group), None);
		assert!(trigger(id, Group::Long(ETH_MARKET)).is_some());
		assert_eq!(crossed(id), []);
	});
}

#[test]
fn one_position_and_kusd_have_one_trigger_that_nothing_else_moves() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 10_000 * USD);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		let sole = account(id).triggers;
		assert_eq!(
			sole.iter().map(|(group, _)| *group).collect::<Vec<_>>(),
			[Group::SoleLong(BTC_MARKET)]
		);
		pass(2 * DAY);
		move_mark(BTC_MARKET, dollars(70_000));
		set_market(BTC_MARKET, |market| market.index = 1_000_000_000_000_000_000);
		assert_ok!(acted(id, Act::Involuntary));
		assert_eq!(account(id).triggers, sole);
		// A second position, a collateral, a measure: any of them ends that.
		let is_sole = || !account(id).triggers.iter().any(|(group, _)| group.is_estimate());
		assert_ok!(trade(id, ETH_MARKET, -ONE_SIZE));
		assert!(!is_sole());
		assert_ok!(trade(id, ETH_MARKET, ONE_SIZE));
		assert!(is_sole());
		pay_in(&ALICE, 0, ETH, ONE_ETH);
		assert!(!is_sole());
		assert_ok!(Margin::withdraw(signed(&ALICE), 0, ETH, ONE_ETH));
		assert!(is_sole());
		assert_ok!(Margin::set_reduce(
			signed(&ALICE),
			0,
			Some(Permill::from_percent(10))
		));
		assert!(!is_sole());
		assert_ok!(Margin::set_reduce(signed(&ALICE), 0, None));
		assert!(is_sole());
		// Cash moves it by as much a unit.
		let before = bankruptcy_level(id);
		pay_in(&ALICE, 0, KUSD, 7 * USD);
		assert_eq!(before - bankruptcy_level(id), 7_000_000_000_000_000_000);
		assert_ok!(trade(id, BTC_MARKET, -ONE_SIZE));
		assert_ok!(trade(id, BTC_MARKET, -ONE_SIZE));
		assert!(trigger(id, Group::SoleShort(BTC_MARKET)).is_some() && account(id).triggers.len() == 1);
	});
}

#[test]
fn closing_everything_leaves_no_trigger() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 10_000 * USD);
		pay_in(&ALICE, 0, ETH, ONE_ETH);
		assert!(account(id).triggers.is_empty());
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		assert_ok!(trade(id, ETH_MARKET, -ONE_SIZE));
		assert!(trigger(id, Group::Long(BTC_MARKET)).is_some());
		assert!(trigger(id, Group::Short(ETH_MARKET)).is_some());
		assert!(trigger(id, Group::Deadline).is_some());
		assert_ok!(trade(id, BTC_MARKET, -ONE_SIZE));
		assert_ok!(trade(id, ETH_MARKET, ONE_SIZE));
		assert!(account(id).triggers.is_empty());
	});
}

#[test]
fn who_begins_to_owe_is_looked_at_in_the_same_block() {
	ExtBuilder::default().build_and_execute(|| {
		let id = pay_in(&ALICE, 0, BTC, ONE_BTC);
		assert_ok!(settle(id, -1));
		let due = (Group::Due, u128::MAX - u128::from(Now::get()));
		assert_eq!(account(id).triggers.to_vec(), [due]);
		assert_eq!(crossed(id), [Group::Due]);
		assert_ok!(refresh(id));
		assert!(trigger(id, Group::Deadline).unwrap() < u128::MAX - u128::from(Now::get()));
		pass(1);
		assert!(crossed(id).is_empty());
	});
}

#[test]
fn only_triggers_that_changed_are_told() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 10_000 * USD);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		// The mock does not take an entry that did not move.
		assert_ok!(acted(id, Act::Involuntary));
		assert_ok!(acted(id, Act::Reduced));
	});
}

/// What an order costs does not grow with what its account has: that only comes to the head of the line
/// besides, however often it acts, and the block looks at it.
#[test]
fn who_acted_is_looked_at_by_the_end_of_the_block() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 20_000 * USD);
		pay_in(&ALICE, 0, ETH, ONE_ETH);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		let before = account(id).triggers;
		assert_eq!(before.len(), 3);
		give(id, ETH_MARKET, -ONE_SIZE);
		assert_ok!(act(id, Act::Opened));
		let mut due = before.clone();
		due.try_push((Group::Due, u128::MAX - u128::from(Now::get())))
			.unwrap();
		assert_eq!(account(id).triggers, due);
		assert_eq!(crossed(id), vec![Group::Due]);
		// Once it is in line, nothing moves: the mock does not take an entry that did not.
		assert_ok!(act(id, Act::Reduced));
		assert_eq!(account(id).triggers, due);
		assert_ok!(refresh(id));
		assert_eq!(super::trigger(id, Group::Due), None);
		assert!(super::trigger(id, Group::Short(ETH_MARKET)).is_some());
		assert_eq!((account(id).triggers.len(), crossed(id)), (4, vec![]));
		// The more it risks the nearer they are.
		assert!(super::trigger(id, Group::Collateral(ETH)) > find(&before, Group::Collateral(ETH)));
	});
}

/// An account that acted stands in line until it is looked at; more than three blocks of that stop all
/// opening.
#[test]
fn a_line_that_is_not_worked_off_is_told() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 10_000 * USD);
		assert!(!Margin::is_behind());
		give(id, BTC_MARKET, ONE_SIZE);
		assert_ok!(act(id, Act::Opened));
		pass(6_000);
		assert!(!Margin::is_behind());
		pass(1);
		assert!(Margin::is_behind());
		refresh_prices();
		assert_ok!(refresh(id));
		assert!(!Margin::is_behind());
	});
}

/// Kind: one account about which nothing can be done stops all opening, in every market and for as long as
/// it lasts.
#[test]
fn an_account_that_is_unsafe_keeps_nobody_in_line_waiting() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 6_000 * USD);
		pay_in(&ALICE, 0, ETH, ONE_ETH / 1_000);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		move_mark(BTC_MARKET, dollars(45_000));
		assert_ok!(act(id, Act::Involuntary));
		// Its market's feed is dead.
		set_market(BTC_MARKET, |market| market.refused = true);
		pass(7_000);
		assert!(Margin::is_behind());
		assert_ok!(<Margin as PositionLedger>::refresh(Group::Due, id));
		assert!(!Margin::is_behind());
		// Before everybody else among the deadlines, where it is known as unsafe.
		assert_eq!(trigger(id, Group::Deadline), Some(u128::MAX));
		assert_eq!(trigger(id, Group::Due), None);
		assert_eq!(
			<Margin as PositionLedger>::refresh(Group::Deadline, id),
			Err(Error::<Test>::AccountUnsafe.into())
		);
		// Acting puts it in line no more.
		assert_ok!(act(id, Act::Reduced));
		assert!(!Margin::is_behind());
	});
}

/// Whoever is unsafe is before everybody else in line, and no act of his changes that.
#[test]
fn acting_does_not_make_who_is_unsafe_wait() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 10_000 * USD);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		assert_ok!(trade(id, ETH_MARKET, ONE_SIZE));
		move_mark(BTC_MARKET, dollars(41_000));
		assert_ok!(act(id, Act::Involuntary));
		let due = super::trigger(id, Group::Due);
		assert!(due.is_some());
		pass(60_000);
		assert_ok!(act(id, Act::Reduced));
		assert_eq!(super::trigger(id, Group::Due), due, "in line since then");
		// Its price triggers are where they were.
		assert!(crossed(id).contains(&Group::Long(BTC_MARKET)));
		assert_noop!(refresh(id), Error::<Test>::AccountUnsafe);
	});
}

fn find(triggers: &[(Group, u128)], group: Group) -> Option<u128> {
	triggers
		.iter()
		.find(|(of, _)| *of == group)
		.map(|(_, trigger)| *trigger)
}

/// What is held for orders can be neither withdrawn nor moved, by whatever door, nor ordered with again.
#[test]
fn what_orders_need_stays_in_the_account() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 1_000 * USD);
		pay_in(&ALICE, 0, ETH, ONE_ETH);
		// 2,250 of it counts, less a unit for what is uncertain of its price.
		let free = 850 * USD - 1;
		change_trader(id, |trader| trader.held = 2_400 * USD);
		assert_eq!(
			(statement(id).held_for_orders, statement(id).free),
			(2_400 * USD, free as i128)
		);
		assert_eq!(Margin::risk(&account(id)).unwrap().free(), free as i128);
		assert_eq!(Margin::withdrawable(ALICE, 0, KUSD), free);
		let eth = Margin::withdrawable(ALICE, 0, ETH);
		assert_eq!(eth / (ONE_ETH / 1_000_000), 377_777);
		let refused = || DispatchError::from(Error::<Test>::InitialRequirement);
		assert_noop!(Margin::withdraw(signed(&ALICE), 0, KUSD, free + 1), refused());
		assert_noop!(Margin::withdraw(signed(&ALICE), 0, ETH, eth + 1), refused());
		assert_noop!(Margin::transfer(signed(&ALICE), 0, 1, free + 1), refused());
		assert_eq!(
			Margin::preview_withdrawal(ALICE, 0, KUSD, free + 1),
			Err(refused())
		);
		// Nor does it go to another account that is called.
		let called = fund(&ALICE, 1, 5_700 * USD);
		assert_ok!(trade(called, BTC_MARKET, ONE_SIZE));
		assert_ok!(Margin::set_top_up(signed(&ALICE), 1, Some((0, 1_000_000 * USD))));
		move_mark(BTC_MARKET, dollars(47_000));
		assert_ok!(refresh(called));
		assert_eq!(account(id).cash, 150 * USD + 1);
		change_trader(id, |trader| trader.held = 0);
		assert_eq!(Margin::withdrawable(ALICE, 0, KUSD), 150 * USD + 1);
		assert_ok!(Margin::withdraw(signed(&ALICE), 0, ETH, ONE_ETH));
	});
}

#[test]
fn thresholds_are_what_triggers_compare_with() {
	ExtBuilder::default().build_and_execute(|| {
		let of = <Margin as PositionLedger>::threshold;
		let mark = dollars(50_000).into_inner();
		assert_eq!(of(Group::Long(BTC_MARKET)), Ok(mark));
		assert_eq!(of(Group::Short(BTC_MARKET)), Ok(u128::MAX - mark));
		assert_eq!(of(Group::Collateral(ETH)), Ok(dollars(2_500).into_inner()));
		assert_eq!(of(Group::Deadline), Ok(u128::MAX - u128::from(Now::get())));
		assert_eq!(of(Group::Branch(1)), Err(Error::<Test>::UnknownGroup.into()));
		assert_eq!(
			of(Group::Collateral(USDC)),
			Err(Error::<Test>::UnknownGroup.into())
		);
		refuse(ETH, PriceFor::Liquidate);
		assert_eq!(of(Group::Collateral(ETH)), Err(refused()));
		set_market(BTC_MARKET, |market| market.refused = true);
		assert_eq!(of(Group::Long(BTC_MARKET)), Err(refused()));
		assert_eq!(of(Group::Due), Ok(0));
		assert_eq!(Margin::groups().len(), 3 * 4 + 3 + 2);
		assert_eq!(of(Group::SoleLong(BTC_MARKET)), Err(refused()));
		set_market(BTC_MARKET, |market| {
			market.refused = false;
			market.index = 3_000_000_000_000_000_000;
		});
		// 5 % of 50,000 are 2,500, and 3 were charged.
		let level = |usd: i128| level_key(usd * 1_000_000_000_000_000_000);
		assert_eq!(of(Group::SoleLong(BTC_MARKET)), Ok(level(47_497)));
		assert_eq!(of(Group::SoleShort(BTC_MARKET)), Ok(!level(52_497)));
		assert!(Margin::refresh_weight().ref_time() > 0);
		assert_eq!(MockPositions::markets().len(), 3);
	});
}

#[test]
fn a_haircut_moves_slowly_both_ways_for_what_is_held() {
	ExtBuilder::default().build_and_execute(|| {
		let id = pay_in(&ALICE, 0, BTC, ONE_BTC);
		assert_ok!(settle(id, -(10_000 * USD as i128)));
		assert_ok!(acted(id, Act::Involuntary));
		let haircut = || statement(id).collateral[0].haircut;
		// A long time in which nothing moves is not a long ramp later.
		pass(1_000 * HOUR);
		set_collateral(BTC, |p| p.haircut = percent(30));
		assert_eq!(haircut(), percent(10));
		for _ in 0..3 {
			poll();
		}
		pass(HOUR);
		assert_eq!(haircut(), percent(11));
		pass(10 * HOUR);
		assert_eq!(haircut(), percent(21));
		set_collateral(BTC, |p| p.haircut = percent(15));
		for _ in 0..3 {
			poll();
		}
		pass(2 * HOUR);
		assert_eq!(haircut(), percent(19));
		pass(1_000 * HOUR);
		assert_eq!(haircut(), percent(15));
		assert_eq!(Margin::collaterals()[0].haircut, percent(15));
	});
}
