use frame_support::{
	assert_ok,
	traits::Hooks,
	weights::{Weight, WeightMeter},
};
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
			income,
			unminted: 0,
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
			// The next visit sees it.
			pass(PERIOD);
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

/// Kind: what can't be minted now is not owed, so that who leaves meanwhile pays nothing.
#[test]
fn when_the_mint_fails_should_be_owed_all_the_same_and_minted_later() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		FundFails::set(true);
		pass(PERIOD);
		let index = interest::compound(RAY, percent(2), 30).unwrap();
		let owed = interest::accrued(20_000 * USD, RAY, index).unwrap();
		assert_eq!(branch(BTC_BRANCH).rate_index, index);
		assert_eq!(branch(BTC_BRANCH).accrued_at, START + PERIOD);
		assert!(events().contains(&Event::InterestAccrued {
			branch: BTC_BRANCH,
			rate_index: index,
			income: 0,
			unminted: owed,
		}));
		assert_eq!(branch(BTC_BRANCH).unminted, owed);
		assert_eq!(Vaults::branch(BTC_BRANCH).unwrap().unminted, owed);
		assert_eq!(debt(id), interest::debt_of(20_000 * USD, index).unwrap());
		// Not minted, not even in part.
		assert_eq!(
			(kusd(&FUND), branch(BTC_BRANCH).issued),
			(0, 20_000 * USD as i128)
		);
		assert_ok!(Vaults::do_try_state());

		FundFails::set(false);
		pass(PERIOD);
		assert_eq!(branch(BTC_BRANCH).unminted, 0);
		let index = interest::compound(index, percent(2), 30).unwrap();
		let all = interest::accrued(20_000 * USD, RAY, index).unwrap();
		assert!((all - 1..=all).contains(&kusd(&FUND)));
		assert_eq!(branch(BTC_BRANCH).issued, (20_000 * USD + kusd(&FUND)) as i128);
	});
}

#[test]
fn is_minted_as_far_as_there_is_room_and_the_rest_waits() {
	ExtBuilder::default().build_and_execute(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		FeeRoom::set(5);
		for n in 1..=3u64 {
			pass(PERIOD);
			assert_eq!(kusd(&FUND), 5 * u128::from(n));
		}
		let waits = branch(BTC_BRANCH).unminted;
		assert!(waits > 0);
		FeeRoom::set(0);
		pass(PERIOD);
		assert!(branch(BTC_BRANCH).unminted > waits);
		assert_eq!(kusd(&FUND), 15);
		FeeRoom::set(u128::MAX);
		pass(PERIOD);
		assert_eq!(branch(BTC_BRANCH).unminted, 0);
	});
}

/// Kind: who closes while the fee path is closed pays no interest. The interest is paid, and minted once it
/// can be.
#[test]
fn is_paid_by_who_leaves_while_it_can_not_be_minted() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		open(&BOB, BTC_BRANCH, 10 * ONE_BTC, 20_000 * USD);
		FeeRoom::set(0);
		pass_hours(6);
		let owed = debt(id) - 20_000 * USD;
		// Six hours at 2 % a year.
		assert!((270_000..280_000).contains(&owed), "{owed}");
		assert_ok!(Assets::transfer(signed(&BOB), KUSD, ALICE, owed));
		assert_ok!(Vaults::close(signed(&ALICE), id));
		assert_eq!(kusd(&ALICE), 0);
		assert_ok!(Vaults::do_try_state());
		// All of it has been burned more than was issued, until it is minted to the fund.
		let waits = branch(BTC_BRANCH).unminted;
		assert!(waits >= 2 * owed - 8);
		FeeRoom::set(u128::MAX);
		pass(PERIOD);
		assert!(kusd(&FUND) >= waits);
		assert_eq!(branch(BTC_BRANCH).unminted, 0);
	});
}

/// Kind: a rate that changes is charged for the time before the change.
///
/// With the fee path closed for six hours and the fee voted from 2 % to 25 % meanwhile, the index grew by
/// 1.734e-4 instead of 1.387e-5.
#[test]
fn of_a_changed_fee_is_charged_from_the_change_on() {
	ExtBuilder::default().build_and_execute(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		FeeRoom::set(0);
		// 21,873 seconds, in visits and in one.
		for stop in [false, true] {
			let before = branch(BTC_BRANCH).rate_index;
			if stop {
				Now::mutate(|now| *now += 21_873_000);
				set_parameters(BTC_BRANCH, |p| p.stability_fee = percent(25));
				pass(0);
			} else {
				for _ in 0..729 {
					pass(PERIOD);
				}
				pass(3_000);
				set_parameters(BTC_BRANCH, |p| p.stability_fee = percent(25));
				pass(PERIOD - 3_000);
			}
			let growth = branch(BTC_BRANCH).rate_index - before;
			let expected =
				interest::compound(before, percent(2), if stop { 21_873 } else { 21_900 }).unwrap();
			assert!(expected - before > growth - 1_000_000 && expected - before < growth + 1_000_000);
			// 1.387e-5, to four digits.
			assert!(
				(13_860..13_900).contains(&(growth / (before / 1_000_000_000))),
				"{growth}"
			);
			// From here on the new one.
			let before = branch(BTC_BRANCH).rate_index;
			pass(PERIOD);
			let expected = interest::compound(before, percent(25), 30).unwrap();
			assert_eq!(branch(BTC_BRANCH).rate_index, expected);
			set_parameters(BTC_BRANCH, |p| p.stability_fee = percent(2));
			pass(PERIOD);
		}
	});
}

/// Kind: the first block after a stop is made before any hook has seen its time, and who acts in it acts on
/// the state of before.
#[test]
fn of_a_stop_is_owed_in_the_first_block_after_it() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		open(&BOB, ETH_BRANCH, 100 * ONE_ETH, 1_000 * USD);
		pass(PERIOD);
		let index = interest::compound(branch(BTC_BRANCH).rate_index, percent(2), 86_400).unwrap();
		// The block begins with the time of the one before; the hook after its timestamp sees its own.
		Vaults::on_initialize(System::block_number() + 1);
		Now::mutate(|now| *now += 86_400_000);
		Vaults::on_poll(System::block_number() + 1, &mut WeightMeter::new());
		let owed = interest::debt_of(20_000 * USD, index).unwrap();
		assert_eq!(Vaults::health(id).unwrap().debt, owed);
		assert_ok!(Assets::transfer(signed(&BOB), KUSD, ALICE, 10 * USD));
		let before = kusd(&ALICE);
		assert_ok!(Vaults::repay(signed(&ALICE), id, u128::MAX));
		assert_eq!(before - kusd(&ALICE), owed);
		assert_eq!(branch(BTC_BRANCH).rate_index, index);
		assert_ok!(Vaults::do_try_state());
		assert!(kusd(&FUND) > 0);
		// The next block finds nothing more for that time.
		pass(0);
		assert_eq!(branch(BTC_BRANCH).rate_index, index);
	});
}

#[test]
fn without_weight_is_left_to_the_next_block() {
	ExtBuilder::default().build_and_execute(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		Now::mutate(|now| *now += PERIOD);
		let mut meter = WeightMeter::with_limit(Weight::from_parts(1_000, u64::MAX));
		Vaults::on_poll(2, &mut meter);
		assert_eq!(
			(branch(BTC_BRANCH).rate_index, meter.consumed()),
			(RAY, Weight::zero())
		);
		let mut meter = WeightMeter::new();
		Vaults::on_poll(2, &mut meter);
		assert!(branch(BTC_BRANCH).rate_index > RAY);
		assert!(meter.consumed().any_gt(Weight::zero()));
	});
}

#[test]
fn when_parameters_are_missing_or_overflow_should_go_on_at_the_fee_in_force_or_wait() {
	ExtBuilder::default().build_and_execute(|| {
		open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		set_parameters(BTC_BRANCH, |p| {
			p.stability_fee = keel_math::FixedU128::from_inner(u128::MAX)
		});
		Parameters::mutate(|all| all.remove(&ETH_BRANCH));
		let failed = || -> Vec<_> {
			events()
				.into_iter()
				.filter_map(|event| match event {
					Event::AccrualFailed { branch, error } => Some((branch, error)),
					_ => None,
				})
				.collect()
		};
		let missing = (ETH_BRANCH, DispatchError::CannotLookup);
		pass(PERIOD);
		let once = interest::compound(RAY, percent(2), 30).unwrap();
		assert_eq!(failed(), vec![missing]);
		assert_eq!(
			(branch(BTC_BRANCH).rate_index, branch(ETH_BRANCH).rate_index),
			(once, once)
		);
		pass(PERIOD);
		let overflow = (BTC_BRANCH, sp_runtime::ArithmeticError::Overflow.into());
		assert_eq!(failed(), vec![missing, overflow, missing]);
		assert_eq!(branch(BTC_BRANCH).rate_index, once);
		assert_eq!(branch(BTC_BRANCH).accrued_at, START + PERIOD);
		let twice = interest::compound(once, percent(2), 30).unwrap();
		assert_eq!(
			(branch(ETH_BRANCH).rate_index, branch(DOT_BRANCH).rate_index),
			(twice, twice)
		);
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
fn of_a_long_stop_comes_all_of_it_with_the_first_visit() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
		let stop = 100 * 3_600_000;
		pass(stop);
		let index = interest::compound(RAY, percent(2), stop / 1_000).unwrap();
		assert_eq!(branch(BTC_BRANCH).rate_index, index);
		assert_eq!(branch(BTC_BRANCH).accrued_at, START + stop);
		assert_eq!(branch(BTC_BRANCH).ramped_at, START + stop);
		assert_eq!(kusd(&FUND), interest::accrued(20_000 * USD, RAY, index).unwrap());
		assert!(debt(id) - 20_000 * USD - kusd(&FUND) <= 1);
	});
}
