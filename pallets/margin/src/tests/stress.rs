//! Cover 2.

use super::*;

/// The list of a scenario.
fn list(scenario: Scenario) -> Vec<(u64, u128)> {
	Stress::<Test>::get()
		.into_iter()
		.find(|losses| losses.scenario == scenario)
		.map_or(vec![], |losses| losses.worst.into_inner())
}

fn long(sub: u8, cash: u128, size: i128) -> u64 {
	let id = fund(&ALICE, sub, cash);
	assert_ok!(trade(id, BTC_MARKET, size));
	id
}

#[test]
fn shortfalls_are_what_is_missing_after_the_move() {
	ExtBuilder::default().build_and_execute(|| {
		// 20 % of 50,000 is 10,000.
		let a = long(0, 6_000 * USD, ONE_SIZE);
		let b = long(1, 30_000 * USD, 5 * ONE_SIZE);
		let c = long(2, 60_000 * USD, ONE_SIZE);
		assert_eq!(
			list(Scenario::Down(BTC_MARKET)),
			vec![(b, 20_000 * USD), (a, 4_000 * USD)]
		);
		assert_eq!(list(Scenario::AllDown), list(Scenario::Down(BTC_MARKET)));
		assert!(list(Scenario::Up(BTC_MARKET)).is_empty());
		assert_eq!(Margin::cover_target(), 24_000 * USD);
		// What is added takes it off again.
		fund(&ALICE, 1, 15_000 * USD);
		assert_eq!(list(Scenario::AllDown), vec![(b, 5_000 * USD), (a, 4_000 * USD)]);
		assert_ok!(trade(b, BTC_MARKET, -5 * ONE_SIZE));
		assert_eq!(list(Scenario::AllDown), vec![(a, 4_000 * USD)]);
		assert!(!list(Scenario::AllDown).iter().any(|(id, _)| *id == c));
		assert_eq!(
			Margin::cover().scenarios,
			vec![
				(Scenario::Down(BTC_MARKET), 4_000 * USD),
				(Scenario::AllDown, 4_000 * USD)
			]
		);
		assert_eq!(Margin::cover().target, 4_000 * USD);
	});
}

#[test]
fn all_markets_move_together_and_collateral_counts_less() {
	ExtBuilder::default().build_and_execute(|| {
		let id = pay_in(&ALICE, 0, ETH, 10 * ONE_ETH);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		assert_ok!(trade(id, ETH_MARKET, 10 * ONE_SIZE));
		// 22,500 counts; 10,000 and 5,000 are lost; another 2,500 of haircut.
		assert!(list(Scenario::AllDown).is_empty());
		assert_ok!(settle(id, -(10_000 * USD as i128)));
		assert_ok!(acted(id, Act::Involuntary));
		assert_eq!(list(Scenario::AllDown), vec![(id, 5_000 * USD)]);
		assert!(list(Scenario::Down(BTC_MARKET)).is_empty());
		// A hedge: one loses what the other gains.
		let hedged = fund(&BOB, 0, 11_100 * USD);
		assert_ok!(trade(hedged, BTC_MARKET, ONE_SIZE));
		assert_ok!(trade(hedged, ETH_MARKET, -20 * ONE_SIZE));
		assert_eq!(list(Scenario::AllDown), vec![(id, 5_000 * USD)]);
		assert!(list(Scenario::AllUp).is_empty());
		assert_ok!(trade(hedged, ETH_MARKET, -4 * ONE_SIZE));
		assert_eq!(list(Scenario::Up(ETH_MARKET)), vec![(hedged, 900 * USD)]);
		assert!(list(Scenario::AllUp).is_empty());
	});
}

/// Kind: one trader as a hundred accounts, each of which falls short of a hundredth.
#[test]
fn no_splitting_lowers_the_target_below_half_of_a_market() {
	ExtBuilder::default().build_and_execute(|| {
		WorstMarket::set(60_000 * USD);
		assert_eq!(Margin::cover_target(), 30_000 * USD);
		// 20 % of 250,000, less the margin.
		let whole = long(0, 30_000 * USD, 5 * ONE_SIZE);
		assert_eq!(Margin::cover_target(), 30_000 * USD);
		WorstMarket::set(20_000 * USD);
		let cover = Margin::cover();
		assert_eq!((cover.target, cover.floor), (20_000 * USD, 10_000 * USD));
		assert_ok!(trade(whole, BTC_MARKET, -5 * ONE_SIZE));
		assert_eq!(Margin::cover_target(), 10_000 * USD);
	});
}

#[test]
fn a_list_keeps_the_eight_largest() {
	ExtBuilder::default().build_and_execute(|| {
		for sub in 0..10u8 {
			long(sub, 6_000 * USD + u128::from(sub % 5) * 100 * USD, ONE_SIZE);
		}
		let worst = list(Scenario::AllDown);
		assert_eq!(worst.len(), 8);
		assert_eq!(
			worst.iter().map(|(_, loss)| loss / USD).collect::<Vec<_>>(),
			vec![4_000, 4_000, 3_900, 3_900, 3_800, 3_800, 3_700, 3_700]
		);
	});
}

#[test]
fn a_block_measures_two_of_the_listed_again_in_turn() {
	ExtBuilder::default().build_and_execute(|| {
		let all: Vec<_> = (0..4).map(|sub| long(sub, 6_000 * USD, ONE_SIZE)).collect();
		// None of them has its turn among all there are.
		crate::NextId::<Test>::put(1_000_000);
		move_mark(BTC_MARKET, dollars(49_000));
		let moved = || {
			list(Scenario::AllDown)
				.iter()
				.filter(|(_, loss)| *loss > 4_000 * USD)
				.count()
		};
		poll();
		assert_eq!(moved(), 2);
		poll();
		assert_eq!(moved(), 4);
		assert_eq!(
			list(Scenario::AllDown),
			all.iter().map(|id| (*id, 4_800 * USD)).collect::<Vec<_>>()
		);
		// What is safe again is off.
		move_mark(BTC_MARKET, dollars(60_000));
		poll();
		poll();
		poll();
		assert!(Stress::<Test>::get().is_empty());
	});
}

/// Its trigger is exact, so nothing but its turn brings it up.
#[test]
fn who_nobody_looks_at_is_measured_in_turn() {
	ExtBuilder::default().build_and_execute(|| {
		long(0, 12_000 * USD, ONE_SIZE);
		assert!(Stress::<Test>::get().is_empty());
		move_mark(BTC_MARKET, dollars(46_000));
		assert_eq!(Margin::cover_target(), 0);
		// Another 9,200 of what is 8,000.
		poll();
		assert_eq!(Margin::cover_target(), 1_200 * USD);
	});
}

#[test]
fn a_block_without_weight_does_nothing() {
	use frame_support::traits::Hooks;
	ExtBuilder::default().build_and_execute(|| {
		long(0, 6_000 * USD, ONE_SIZE);
		move_mark(BTC_MARKET, dollars(49_000));
		Margin::on_poll(7, &mut no_weight());
		assert_eq!(Margin::cover_target(), 4_000 * USD);
	});
}

#[test]
fn who_leaves_is_off_all_lists() {
	ExtBuilder::default().build_and_execute(|| {
		let id = long(0, 6_000 * USD, ONE_SIZE);
		assert_ok!(trade(id, BTC_MARKET, -ONE_SIZE));
		assert_eq!((Margin::cover_target(), Stress::<Test>::get().len()), (0, 0));
	});
}
