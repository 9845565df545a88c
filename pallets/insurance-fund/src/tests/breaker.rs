//! What the breaker forbids, what the windows let through, and what the meters tell.

use frame_support::{assert_noop, assert_ok};
use keel_math::ONE;
use keel_primitives::{
	Action, Balance, BreakerSubject, Fuse, Gauge, Gauges, IncomeSource, InsuranceFund as _, Level, MintPath,
	Triggers,
};
use sp_runtime::{DispatchError, FixedU128};

use crate::{mock::*, Error, Readings, LEAST_FEE_WINDOW};

const FEES: BreakerSubject = BreakerSubject::Mint(MintPath::StabilityFees);
const LEVELS: [(Level, bool); 4] = [
	(Level::Normal, true),
	(Level::Guarded, true),
	(Level::ReduceOnly, false),
	(Level::Halted, false),
];

fn mint(amount: Balance) -> sp_runtime::DispatchResult {
	InsuranceFund::mint(amount, IncomeSource::StabilityFee)
}

/// The one gauge of a subject.
fn gauge(subject: BreakerSubject) -> Gauge {
	let [gauge] = InsuranceFund::gauges(subject)[..] else {
		panic!("not one gauge")
	};
	gauge
}

fn drawdown() -> u128 {
	gauge(BreakerSubject::Chain).reading
}

/// Destroy all kUSD of the users but this much of Alice's.
fn leave(left: Balance) {
	use frame_support::traits::{
		fungibles::Mutate,
		tokens::{Fortitude::Force, Precision::Exact, Preservation::Expendable},
	};
	for (who, left) in [(ALICE, left), (BOB, 0)] {
		let burned = Assets::balance(KUSD, who) - left;
		Assets::burn_from(KUSD, &who, burned, Expendable, Exact, Force).unwrap();
	}
}

/// Destroy all kUSD there is.
fn burn_everything() {
	leave(0);
	assert_eq!(supply(), 0);
}

mod levels {
	use super::*;

	#[test]
	fn spending_waits_from_reduce_only_on() {
		for (level, open) in LEVELS {
			ExtBuilder::default().treasury(5 * USD).build_and_execute(|| {
				BreakerLevel::set(level);
				let spend = || InsuranceFund::spend(RuntimeOrigin::root(), BOB, USD);
				if open {
					assert_ok!(spend());
				} else {
					assert_noop!(spend(), DispatchError::Other("breaker raised"));
				}
				assert_eq!(Asked::get(), vec![(BreakerSubject::Chain, Action::Discretionary)]);
			});
		}
	}

	#[test]
	fn minting_waits_from_reduce_only_on() {
		for (level, open) in LEVELS {
			ExtBuilder::default().build_and_execute(|| {
				BreakerLevel::set(level);
				if open {
					assert_ok!(mint(USD));
				} else {
					assert_noop!(mint(USD), DispatchError::Other("breaker raised"));
					// Nothing to mint is nothing to ask for.
					assert_ok!(mint(0));
				}
				assert_eq!(Asked::get(), vec![(FEES, Action::AddRisk)]);
				assert_eq!(InsuranceFund::fee_room() > 0, open);
			});
		}
	}

	#[test]
	fn nothing_else_ever_asks() {
		for (level, _) in LEVELS {
			ExtBuilder::default()
				.shared(10 * USD)
				.treasury(50 * USD)
				.build_and_execute(|| {
					BreakerLevel::set(level);
					assert_ok!(InsuranceFund::donate(RuntimeOrigin::signed(ALICE), USD));
					assert_ok!(InsuranceFund::receive(&ALICE, USD, IncomeSource::Penalty));
					TreasuryCap::set(0);
					assert_eq!(InsuranceFund::pay(&BOB, USD), Ok(USD));
					assert_ok!(InsuranceFund::buy(&ALICE, BTC, 5, USD));
					assert_ok!(InsuranceFund::cover(20 * USD, 0));
					assert_ok!(InsuranceFund::pay_bad_debt(RuntimeOrigin::root(), USD));
					assert_ok!(InsuranceFund::take_collateral(&ALICE, BTC, 5));
					assert_ok!(InsuranceFund::release_collateral(&BOB, BTC, 5));
					assert_eq!(Asked::get(), vec![], "at {level:?}");
				});
		}
	}
}

mod window {
	use super::*;

	#[test]
	fn lets_a_share_of_the_supply_through() {
		ExtBuilder::default().build_and_execute(|| {
			// 1 % of two million.
			assert_eq!(InsuranceFund::fee_room(), 20_000 * USD);
			assert_noop!(mint(20_000 * USD + 1), Error::<Test>::FeeWindowFull);
			assert_ok!(mint(15_000 * USD));
			// The supply has grown by it.
			assert_eq!(InsuranceFund::fee_room(), 5_150 * USD);
			assert_noop!(mint(5_150 * USD + 1), Error::<Test>::FeeWindowFull);
			assert_ok!(mint(5_150 * USD));
			assert_eq!(InsuranceFund::meters().fees_minted, 20_150 * USD);
		});
	}

	#[test]
	fn is_one_for_every_source() {
		ExtBuilder::default().build_and_execute(|| {
			for source in [
				IncomeSource::StabilityFee,
				IncomeSource::Penalty,
				IncomeSource::Collateral,
				IncomeSource::Donation,
				IncomeSource::Trading,
			] {
				assert_noop!(
					InsuranceFund::mint(20_000 * USD + 1, source),
					Error::<Test>::FeeWindowFull
				);
				assert_ok!(InsuranceFund::mint(USD, source));
			}
			assert_eq!(InsuranceFund::meters().fees_minted, 5 * USD);
		});
	}

	#[test]
	fn opens_again_as_the_meter_fades() {
		ExtBuilder::default().build_and_execute(|| {
			FundShare::set(FixedU128::from_u32(0));
			assert_ok!(mint(20_000 * USD));
			assert_eq!(InsuranceFund::fee_room(), 200 * USD);
			advance(HOUR);
			// 20,000/e, rounded up to a base unit.
			assert_eq!(InsuranceFund::meters().fees_minted, 7_357_588_824);
			assert_eq!(InsuranceFund::fee_room(), 20_200 * USD - 7_357_588_824);
			advance(100 * HOUR);
			assert!(InsuranceFund::meters().fees_minted <= 1);
			assert!(InsuranceFund::fee_room() >= 20_200 * USD - 1);
		});
	}

	#[test]
	fn when_income_comes_otherwise_should_not_count_it() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(InsuranceFund::receive(
				&ALICE,
				100 * USD,
				IncomeSource::StabilityFee
			));
			assert_ok!(InsuranceFund::donate(RuntimeOrigin::signed(ALICE), 100 * USD));
			assert_eq!(InsuranceFund::meters(), Readings::default());
		});
	}

	#[test]
	fn when_bad_debt_takes_it_all_should_count_it_just_so() {
		ExtBuilder::default().bad_debt(10 * USD).build_and_execute(|| {
			assert_ok!(mint(8 * USD));
			assert_eq!(InsuranceFund::bad_debt(), 2 * USD);
			assert_eq!(InsuranceFund::meters().fees_minted, 8 * USD);
		});
	}

	#[test]
	fn of_a_tiny_supply_is_a_kusd() {
		ExtBuilder::default().build_and_execute(|| {
			burn_everything();
			assert_eq!(InsuranceFund::fee_room(), LEAST_FEE_WINDOW);
			assert_noop!(mint(USD + 1), Error::<Test>::FeeWindowFull);
			assert_ok!(mint(1));
			assert_eq!(InsuranceFund::fee_room(), USD - 1);
			assert_ok!(mint(USD - 1));
			assert_noop!(mint(1), Error::<Test>::FeeWindowFull);
			advance(HOUR);
			assert_eq!(InsuranceFund::fee_room(), USD - 367_880);
		});
	}

	#[test]
	fn is_never_in_the_way_of_a_fee_there_is() {
		ExtBuilder::default().build_and_execute(|| {
			// 100 % a year every minute for a day, on whatever there is: a percent is never near.
			for _ in 0..1_440 {
				advance(60_000);
				assert_ok!(mint(supply() / 525_600 + 1));
			}
			let minted = InsuranceFund::meters().fees_minted;
			assert!(minted < supply() / 5_000, "{minted}");
		});
	}

	#[test]
	fn when_no_number_is_large_enough_should_limit_nothing() {
		ExtBuilder::default().build_and_execute(|| {
			FeeWindow::set(FixedU128::from_inner(u128::MAX));
			let huge = ONE;
			assert_ok!(mint(huge));
			// The share of the supply is beyond 128 bits now.
			assert_eq!(InsuranceFund::fee_room(), u128::MAX - huge);
			assert_ok!(mint(huge));
		});
	}

	#[test]
	fn when_the_mint_fails_should_not_be_used_up() {
		ExtBuilder::default().build_and_execute(|| {
			crate::Ledger::<Test>::mutate(|accounts| {
				accounts.books.shared.inflow = u128::MAX;
				accounts.books.shared.outflow = u128::MAX;
				accounts.books.purchases = u128::MAX;
			});
			assert_noop!(mint(USD), sp_runtime::ArithmeticError::Overflow);
			assert_eq!(InsuranceFund::fee_room(), 20_000 * USD);
		});
	}
}

mod gauges {
	use super::*;

	#[test]
	fn are_of_the_chain_and_of_the_fees() {
		ExtBuilder::default().build_and_execute(|| {
			assert_eq!(InsuranceFund::subjects(), vec![BreakerSubject::Chain, FEES]);
			for subject in [
				BreakerSubject::Branch(1),
				BreakerSubject::Market(1),
				BreakerSubject::Mint(MintPath::Vaults(1)),
				BreakerSubject::Lending,
			] {
				assert_eq!(InsuranceFund::gauges(subject), vec![]);
			}
			let percent = |percent| ONE / 100 * percent;
			assert_eq!(
				gauge(BreakerSubject::Chain),
				Gauge {
					fuse: Fuse::Drawdown,
					reading: 0,
					triggers: Triggers {
						guarded: percent(10),
						reduce_only: percent(25),
						halted: Some(percent(50)),
					},
				}
			);
			// A window refuses; it is no fuse.
			assert_ok!(mint(InsuranceFund::fee_room()));
			assert_eq!(InsuranceFund::gauges(FEES), vec![]);
		});
	}

	#[test]
	fn read_a_shortfall_over_what_there_was_to_carry_it() {
		ExtBuilder::default()
			.shared(30_000 * USD)
			.treasury(50_000 * USD)
			.build_and_execute(|| {
				assert_ok!(InsuranceFund::cover(20_000 * USD, 0));
				assert_eq!(drawdown(), ONE / 4);
				// Another tenth of what there was.
				assert_ok!(InsuranceFund::cover(8_000 * USD, 0));
				assert_eq!(drawdown(), ONE / 100 * 35);
			});
	}

	#[test]
	fn read_all_of_a_shortfall_also_what_nobody_paid() {
		ExtBuilder::default()
			.treasury(200_000 * USD)
			.build_and_execute(|| {
				// The cap lets 10,000 through: 40,000 over 190,000 + 40,000, and 10,000 more over 180,000 + 50,000.
				TreasuryCap::set(10_000 * USD);
				assert_ok!(InsuranceFund::cover(40_000 * USD, 0));
				assert_eq!(drawdown(), 173_913_043_478_260_870);
				TreasuryCap::set(20_000 * USD);
				assert_eq!(
					InsuranceFund::cover(10_000 * USD, 0).unwrap().covered,
					10_000 * USD
				);
				assert_eq!(drawdown(), 217_391_304_347_826_087);
				assert_eq!(InsuranceFund::meters().drawn, 50_000 * USD);
			});
		ExtBuilder::default().shared(1_000 * USD).build_and_execute(|| {
			// More than the fund had, the floor and a hundredth of all kUSD.
			assert_eq!(
				InsuranceFund::cover(30_000 * USD, 0).unwrap().covered,
				1_000 * USD
			);
			assert_eq!(drawdown(), ONE, "all there was and more is all");
			assert_eq!(InsuranceFund::meters().drawn, 30_000 * USD);
		});
	}

	/// Collateral taken beside a shortfall is worth something: the drawdown counts the shortfall less that.
	#[test]
	fn read_a_shortfall_less_the_worth_of_what_came_beside_it() {
		ExtBuilder::default().shared(1_000 * USD).build_and_execute(|| {
			let carried = InsuranceFund::cover(5_357_140_000, 4_000 * USD).unwrap();
			assert_eq!(carried.covered + carried.bad_debt, 5_357_140_000);
			assert_eq!(InsuranceFund::meters().drawn, 1_357_140_000);
			// Worth more than was short: nothing was drawn.
			assert_ok!(InsuranceFund::cover(10 * USD, 11 * USD));
			assert_eq!(InsuranceFund::meters().drawn, 1_357_140_000);
		});
	}

	/// Kind: a net loss measured against what a gross payment left. What was paid for collateral of that
	/// worth counts as what the fund had.
	#[test]
	fn read_a_net_shortfall_over_what_there_was_before_it() {
		// The mock's floor is 10,000 kUSD.
		for (held, shortfall, worth, reads) in [
			(100_000u128, 80_000u128, 54_000u128, 26u128),
			(100_000, 100_000, 95_000, 5),
			(1_000_000, 1_000_000, 950_000, 5),
		] {
			ExtBuilder::default().shared(held * USD).build_and_execute(|| {
				assert_ok!(InsuranceFund::cover(shortfall * USD, worth * USD));
				assert_eq!(drawdown(), reads * ONE / 100, "{shortfall} of {held}");
			});
		}
	}

	#[test]
	fn read_claims_as_they_read_shortfalls() {
		ExtBuilder::default()
			.treasury(200_000 * USD)
			.build_and_execute(|| {
				TreasuryCap::set(10_000 * USD);
				assert_eq!(InsuranceFund::pay(&BOB, 40_000 * USD), Ok(10_000 * USD));
				// As much as a shortfall of that size, though nothing was burned.
				assert_eq!(drawdown(), 173_913_043_478_260_870);
				assert_eq!(supply(), 2_200_000 * USD);
				TreasuryCap::set(20_000 * USD);
				assert_eq!(
					InsuranceFund::cover(10_000 * USD, 0).unwrap().covered,
					10_000 * USD
				);
				assert_eq!(drawdown(), 217_391_304_347_826_087);
				assert_eq!(InsuranceFund::meters().drawn, 50_000 * USD);
			});
		ExtBuilder::default().build_and_execute(|| {
			// An empty fund pays nothing, and the meter tells of it all the same: 10,000 over a hundredth of two million.
			assert_eq!(InsuranceFund::pay(&BOB, 10_000 * USD), Ok(0));
			assert_eq!(drawdown(), ONE / 2);
			assert_eq!(InsuranceFund::pay(&BOB, u128::MAX), Ok(0));
			assert_eq!(drawdown(), ONE);
		});
	}

	#[test]
	fn read_nothing_of_what_was_bought() {
		ExtBuilder::default().shared(40_000 * USD).build_and_execute(|| {
			assert_ok!(InsuranceFund::buy(&ALICE, BTC, 5, 30_000 * USD));
			assert_eq!((drawdown(), InsuranceFund::meters().drawn), (0, 0));
		});
	}

	/// The kind: what there was before a loss, measured with less or more than there was. A fund that bought
	/// collateral is no smaller by it, and one that sold it again no larger.
	#[test]
	fn measure_against_what_there_was_with_collateral_once() {
		let fund = || ExtBuilder::default().shared(1_000_000 * USD);
		fund().build_and_execute(|| {
			assert_ok!(InsuranceFund::buy(&ALICE, BTC, 5, 800_000 * USD));
			assert_ok!(InsuranceFund::cover(100_000 * USD, 0));
			// Not of the 200,000 that are left in cash.
			assert_eq!(drawdown(), ONE / 10);
		});
		fund().build_and_execute(|| {
			assert_ok!(InsuranceFund::buy(&ALICE, BTC, 5, 800_000 * USD));
			assert_ok!(InsuranceFund::do_receive(
				&ALICE,
				800_000 * USD,
				IncomeSource::Collateral
			));
			assert_ok!(InsuranceFund::cover(600_000 * USD, 0));
			// Not of 1,800,000.
			assert_eq!(drawdown(), ONE * 6 / 10);
		});
		fund().build_and_execute(|| {
			assert_ok!(InsuranceFund::cover(800_000 * USD, 800_000 * USD));
			// More than was counted for it is income like any other.
			assert_ok!(InsuranceFund::do_receive(
				&ALICE,
				900_000 * USD,
				IncomeSource::Collateral
			));
			assert_ok!(InsuranceFund::cover(550_000 * USD, 0));
			assert_eq!(drawdown(), ONE / 2);
		});
	}

	#[test]
	fn measure_a_young_fund_against_the_floor() {
		ExtBuilder::default().build_and_execute(|| {
			// Of so little kUSD a hundredth is 40.
			leave(4_000 * USD);
			assert_ok!(InsuranceFund::cover(100 * USD, 0));
			assert_eq!(drawdown(), ONE / 10);
			DrawdownFloor::set(100 * USD);
			assert_eq!(drawdown(), ONE);
			DrawdownFloor::set(0);
			assert_eq!(drawdown(), ONE);
		});
		ExtBuilder::default().build_and_execute(|| {
			burn_everything();
			DrawdownFloor::set(0);
			assert_eq!(drawdown(), 0, "nothing of nothing");
		});
	}

	#[test]
	fn measure_a_young_or_empty_fund_against_a_hundredth_of_all_kusd() {
		// 100 are a tenth of the floor, and all or more than all these funds have; of two million they are nothing much.
		for shared in [0, 50, 100] {
			ExtBuilder::default().shared(shared * USD).build_and_execute(|| {
				assert_ok!(InsuranceFund::cover(100 * USD, 0));
				assert_eq!(supply(), 2_000_000 * USD);
				assert_eq!(drawdown(), ONE / 200);
				// What they are of less kUSD: of 20,000 a hundredth is 200, below the floor.
				leave(500_000 * USD);
				assert_eq!(drawdown(), ONE / 50);
				leave(20_000 * USD);
				assert_eq!(drawdown(), ONE / 10);
				DrawdownFloor::set(0);
				assert_eq!(drawdown(), ONE / 2);
			});
		}
	}

	#[test]
	fn when_an_empty_fund_is_hit_often_should_reach_the_trigger_at_a_tenth_of_the_hundredth() {
		ExtBuilder::default().build_and_execute(|| {
			let Gauge { triggers, .. } = gauge(BreakerSubject::Chain);
			for hit in 1..=20 {
				assert!(drawdown() < triggers.guarded, "before hit {hit}");
				assert_ok!(InsuranceFund::cover(100 * USD, 0));
				assert_eq!(drawdown(), ONE / 200 * hit);
			}
			assert_eq!(drawdown(), triggers.guarded);
			// And to the highest one at half of it, in a single blow.
			assert_ok!(InsuranceFund::cover(8_000 * USD, 0));
			assert_eq!(Some(drawdown()), triggers.halted);
		});
	}

	#[test]
	fn measure_against_the_largest_of_the_three() {
		ExtBuilder::default().shared(30_000 * USD).build_and_execute(|| {
			assert_ok!(InsuranceFund::cover(3_000 * USD, 0));
			// A hundredth of all kUSD is 20,270.
			assert_eq!(drawdown(), ONE / 10);
			DrawdownFloor::set(30_000 * USD + 1);
			assert_eq!(drawdown(), (3_000 * USD * ONE).div_ceil(30_000 * USD + 1));
			DrawdownFloor::set(60_000 * USD);
			assert_eq!(drawdown(), ONE / 20);
			// What the fund loses otherwise leaves it to the hundredth.
			DrawdownFloor::set(0);
			crate::Ledger::<Test>::mutate(|accounts| accounts.books.shared.outflow += 27_000 * USD);
			assert_eq!(drawdown(), (3_000 * USD * ONE).div_ceil(20_270 * USD));
			crate::Ledger::<Test>::mutate(|accounts| accounts.books.shared.outflow -= 27_000 * USD);
		});
	}

	#[test]
	fn round_the_hundredth_down() {
		ExtBuilder::default().build_and_execute(|| {
			leave(ENDOWMENT - 1);
			assert_ok!(InsuranceFund::cover(2_000 * USD, 0));
			// 9,999.99999999 and not 10,000.
			assert_eq!(drawdown(), (2_000 * USD * ONE).div_ceil(9_999_999_999));
			assert!(drawdown() > ONE / 5);
		});
	}

	#[test]
	fn when_there_is_as_much_kusd_as_can_be_should_read_the_least() {
		ExtBuilder::default().build_and_execute(|| {
			use frame_support::traits::fungibles::Mutate;
			assert_ok!(Assets::mint_into(KUSD, &BOB, u128::MAX - supply()));
			assert_ok!(InsuranceFund::cover(USD, 0));
			assert_eq!(drawdown(), 1);
		});
	}

	#[test]
	fn round_up() {
		ExtBuilder::default().shared(30_000 * USD).build_and_execute(|| {
			assert_ok!(InsuranceFund::cover(10_000 * USD, 0));
			assert_eq!(drawdown(), ONE / 3 + 1);
		});
	}

	#[test]
	fn fade_over_an_hour() {
		ExtBuilder::default().shared(40_000 * USD).build_and_execute(|| {
			assert_ok!(InsuranceFund::cover(10_000 * USD, 0));
			assert_ok!(mint(10_000 * USD));
			// The fund holds 40,000 again.
			assert_eq!(drawdown(), ONE / 5);
			advance(HOUR);
			// 10,000/e, rounded up to a base unit.
			let left = 3_678_794_412;
			assert_eq!(
				InsuranceFund::meters(),
				Readings {
					drawn: left,
					fees_minted: left,
					treasury_paid: 0
				}
			);
			assert_eq!(drawdown(), (left * ONE).div_ceil(40_000 * USD + left));
			// A second shortfall adds to what is left of the first.
			assert_ok!(InsuranceFund::cover(1_000 * USD, 0));
			assert_eq!(InsuranceFund::meters().drawn, left + 1_000 * USD);
		});
	}
}
