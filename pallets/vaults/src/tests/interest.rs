use frame_support::assert_ok;
use keel_math::{interest, RAY};
use keel_primitives::{InsuranceFund, PositionLedger};
use sp_runtime::DispatchError;

use crate::{mock::*, Change, Event};

#[test]
fn is_minted_to_the_fund_as_the_index_advances() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		pass(PERIOD - 1);
		assert_eq!(branch(BTC_BRANCH).rate_index, RAY);
		pass(1);
		let index = interest::compound(RAY, percent(2), 30).unwrap();
		assert_eq!(branch(BTC_BRANCH).rate_index, index);
		let income = interest::accrued(20_000 * USD, RAY, index).unwrap();
		assert!(income > 0);
		assert!(events().contains(&Event::InterestAccrued {
			branch: BTC_BRANCH,
			rate_index: index,
			income
		}));
		assert_eq!(kusd(&FUND), income);
		assert_eq!(debt(id), interest::debt_of(20_000 * USD, index).unwrap());
		assert_eq!(branch(BTC_BRANCH).issued, (20_000 * USD + income) as i128);
		// Nobody owes anything in the other branches, so nothing is minted for them.
		assert_eq!(branch(ETH_BRANCH).rate_index, index);
		assert_eq!(branch(ETH_BRANCH).operations, 1);
		assert_eq!(Assets::total_supply(KUSD), 20_000 * USD + income);
	});
}

#[test]
fn of_a_year_untouched_is_the_annual_fee_compounded() {
	for (fee, low, high) in [
		// e^0.02 and e^0.5, per second being all but continuous.
		(2, 20_404_026_000, 20_404_028_000),
		(50, 32_974_425_000, 32_974_427_000),
	] {
		ExtBuilder::default().build_and_execute(|| {
			set_parameters(BTC_BRANCH, |p| p.stability_fee = percent(fee));
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
			pass_hours(8_760);
			assert!((low..high).contains(&debt(id)), "{}", debt(id));
			// Each of the visits may have rounded one unit away.
			let interest = debt(id) - 20_000 * USD;
			assert!((interest - 8_761..interest).contains(&kusd(&FUND)));
		});
	}
}

#[test]
fn in_many_steps_is_interest_in_one_but_for_rounding() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		for _ in 0..500 {
			pass(PERIOD);
		}
		let once = interest::compound(RAY, percent(2), 500 * 30).unwrap();
		assert!(branch(BTC_BRANCH).rate_index.abs_diff(once) < 100_000);
		assert!(debt(id) - 20_000 * USD - kusd(&FUND) <= 500);
	});
}

#[test]
fn counts_whole_seconds_and_loses_none() {
	ExtBuilder::default().build_and_execute(|| {
		pass(PERIOD + 999);
		assert_eq!(branch(BTC_BRANCH).accrued_at, START + PERIOD);
		assert_eq!(branch(BTC_BRANCH).ramped_at, START + PERIOD + 999);
		pass(PERIOD + 1);
		assert_eq!(branch(BTC_BRANCH).accrued_at, START + 2 * PERIOD + 1_000);
		assert_eq!(
			branch(BTC_BRANCH).rate_index,
			interest::compound(interest::compound(RAY, percent(2), 30).unwrap(), percent(2), 31).unwrap()
		);
	});
}

#[test]
fn pays_down_bad_debt_first() {
	ExtBuilder::default().build_and_execute(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 35_000 * USD);
		open(&BOB, BTC_BRANCH, 100 * ONE_BTC, 100_000 * USD);
		// The pool takes everything for less than the debt.
		fund_pool(50_000 * USD);
		move_price(BTC, dollars(20_000));
		assert!(Vaults::liquidate(Group::Branch(BTC_BRANCH), 0).unwrap().shortfall > 0);
		let bad = MockFund::bad_debt();
		assert!(bad > 0);
		pass(YEAR);
		assert!(MockFund::bad_debt() < bad);
	});
}

#[test]
fn when_the_mint_fails_should_keep_the_index_and_make_up_for_it_later() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		FundFails::set(true);
		pass(PERIOD);
		assert!(events().contains(&Event::AccrualFailed {
			branch: BTC_BRANCH,
			error: DispatchError::Corruption
		}));
		assert_eq!(branch(BTC_BRANCH).rate_index, RAY);
		assert_eq!(branch(BTC_BRANCH).accrued_at, START);
		assert_eq!((kusd(&FUND), debt(id)), (0, 20_000 * USD));
		assert_ok!(Vaults::do_try_state());
		// Tries again after a period, not every block.
		let failures = || {
			events()
				.iter()
				.filter(|e| matches!(e, Event::AccrualFailed { .. }))
				.count()
		};
		assert_eq!(failures(), 1);
		pass(2_000);
		assert_eq!(failures(), 1);

		FundFails::set(false);
		pass(PERIOD - 2_000);
		assert_eq!(
			branch(BTC_BRANCH).rate_index,
			interest::compound(RAY, percent(2), 60).unwrap()
		);
		assert_eq!(branch(BTC_BRANCH).accrued_at, START + 2 * PERIOD);
		assert!(kusd(&FUND) > 0);
	});
}

#[test]
fn when_parameters_are_missing_or_overflow_should_keep_the_index() {
	ExtBuilder::default().build_and_execute(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		set_parameters(BTC_BRANCH, |p| {
			p.stability_fee = keel_math::FixedU128::from_inner(u128::MAX)
		});
		Parameters::mutate(|all| all.remove(&ETH_BRANCH));
		pass(PERIOD);
		let failed: Vec<_> = events()
			.into_iter()
			.filter_map(|event| match event {
				Event::AccrualFailed { branch, error } => Some((branch, error)),
				_ => None,
			})
			.collect();
		assert_eq!(
			failed,
			vec![
				(BTC_BRANCH, sp_runtime::ArithmeticError::Overflow.into()),
				(ETH_BRANCH, DispatchError::CannotLookup)
			]
		);
		assert_eq!(
			(branch(BTC_BRANCH).rate_index, branch(ETH_BRANCH).rate_index),
			(RAY, RAY)
		);
		assert!(branch(DOT_BRANCH).rate_index > RAY);
	});
}

#[test]
fn a_mint_at_a_grown_index_owes_at_least_what_was_minted() {
	ExtBuilder::default().build_and_execute(|| {
		let grown = interest::compound(RAY, percent(50), 31_536_000 + 12_345).unwrap();
		set_index(BTC_BRANCH, grown);
		for amount in [100 * USD, 100 * USD + 1, 12_345_678_901, 33_333_333] {
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, amount.max(100 * USD));
			let owed = debt(id);
			assert!(
				owed >= amount && owed <= amount.max(100 * USD) + 1,
				"{amount} {owed}"
			);
			assert_ok!(Vaults::adjust(
				signed(&ALICE),
				id,
				Change::Keep,
				Change::Increase(7)
			));
			assert!(debt(id) >= owed + 7);
		}
	});
}

#[test]
fn of_a_long_outage_comes_an_hour_per_visit_and_all_of_it() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		let hours = |n: u32| {
			(0..n).fold(RAY, |index, _| {
				interest::compound(index, percent(2), 3_600).unwrap()
			})
		};
		let outage = 100 * 3_600_000;
		pass(outage);
		assert_eq!(branch(BTC_BRANCH).rate_index, hours(1));
		assert_eq!(branch(BTC_BRANCH).accrued_at, START + 3_600_000);
		assert_eq!(branch(BTC_BRANCH).ramped_at, START + outage);
		// What one visit mints is what an hour does, and interest on the interest.
		let first = kusd(&FUND);
		assert_eq!(first, interest::accrued(20_000 * USD, RAY, hours(1)).unwrap());
		for _ in 0..99 {
			let before = kusd(&FUND);
			pass(PERIOD);
			assert!(kusd(&FUND) - before <= first + first / 1_000);
		}
		assert_eq!(branch(BTC_BRANCH).rate_index, hours(100));
		assert_eq!(branch(BTC_BRANCH).accrued_at, START + 100 * 3_600_000);
		// The time it took to catch up is owed too, and then nothing is behind.
		pass(PERIOD);
		let owed = interest::compound(hours(100), percent(2), 100 * PERIOD / 1_000).unwrap();
		assert_eq!(branch(BTC_BRANCH).rate_index, owed);
		assert_eq!(branch(BTC_BRANCH).accrued_at, Now::get());
		let interest = debt(id) - 20_000 * USD;
		assert!((interest - 102..=interest).contains(&kusd(&FUND)));
	});
}
