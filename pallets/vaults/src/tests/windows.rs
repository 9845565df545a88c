//! The windows of an hour, and the meters behind them.

use frame_support::{assert_noop, assert_ok};
use keel_primitives::{BreakerSubject, Level, PositionLedger, VaultId};

use crate::{
	mock::*,
	Change::{Decrease, Increase, Keep},
	Error,
};

const HOUR: u64 = 3_600_000;

mod of_mints {
	use super::*;

	/// 40 % of ten million.
	const LIMIT: u128 = 4_000_000 * USD;

	fn limited() {
		set_parameters(BTC_BRANCH, |p| p.minted_reduce_only = percent(40));
	}

	fn room() -> u128 {
		Vaults::mint_room(BTC_BRANCH).unwrap()
	}

	#[test]
	fn stop_a_mint_a_hundred_times_too_large() {
		ExtBuilder::default().build_and_execute(|| {
			limited();
			let id = open(&ALICE, BTC_BRANCH, 10 * ONE_BTC, 50_000 * USD);
			assert_eq!(room(), LIMIT - 50_000 * USD);
			assert_noop!(
				Vaults::adjust(
					signed(&ALICE),
					id,
					Increase(10_000 * ONE_BTC),
					Increase(5_000_000 * USD)
				),
				Error::<Test>::MintWindowFull
			);
			assert_noop!(
				Vaults::open(signed(&BOB), BTC_BRANCH, 10_000 * ONE_BTC, room() + 1),
				Error::<Test>::MintWindowFull
			);
			assert_eq!(
				Vaults::preview_open(BTC_BRANCH, 10_000 * ONE_BTC, room() + 1),
				Err(Error::<Test>::MintWindowFull.into())
			);
			// To the unit what is left, and the view says so.
			assert_eq!(Vaults::maximum_mintable(BTC_BRANCH, 10_000 * ONE_BTC), Ok(room()));
			open(&BOB, BTC_BRANCH, 10_000 * ONE_BTC, room());
			assert_eq!(room(), 0);
			assert_noop!(
				Vaults::adjust(signed(&ALICE), id, Keep, Increase(1)),
				Error::<Test>::MintWindowFull
			);
			assert_eq!(Vaults::maximum_mintable_by(id), Ok(0));
			// Another branch has its own window.
			open(&BOB, ETH_BRANCH, 100 * ONE_ETH, 1_000 * USD);
		});
	}

	#[test]
	fn are_not_opened_by_splitting() {
		ExtBuilder::default().build_and_execute(|| {
			limited();
			let mut minted = 0;
			for _ in 0..50 {
				let amount = 100_000 * USD;
				let opened = Vaults::open(signed(&ALICE), BTC_BRANCH, 100 * ONE_BTC, amount);
				minted += if opened.is_ok() { amount } else { 0 };
			}
			assert_eq!(minted, LIMIT);
		});
	}

	#[test]
	fn add_nothing_for_going_to_and_fro() {
		ExtBuilder::default().build_and_execute(|| {
			limited();
			let id = open(&ALICE, BTC_BRANCH, 1_000 * ONE_BTC, 1_000_000 * USD);
			for _ in 0..20 {
				assert_ok!(Vaults::adjust(
					signed(&ALICE),
					id,
					Keep,
					Increase(3_000_000 * USD)
				));
				assert_eq!(room(), 0);
				assert_ok!(Vaults::repay(signed(&ALICE), id, 3_000_000 * USD));
				assert_eq!(room(), LIMIT - 1_000_000 * USD);
			}
		});
	}

	#[test]
	fn gain_room_by_whoever_repays() {
		ExtBuilder::default().build_and_execute(|| {
			limited();
			let id = open(&ALICE, BTC_BRANCH, 1_000 * ONE_BTC, LIMIT);
			open(&BOB, ETH_BRANCH, 1_000 * ONE_ETH, 500_000 * USD);
			assert_ok!(Vaults::repay(signed(&BOB), id, 500_000 * USD));
			assert_eq!(room(), 500_000 * USD);
			assert_ok!(Vaults::repay(signed(&ALICE), id, 1));
			assert_eq!(room(), 500_000 * USD + 1);
		});
	}

	#[test]
	fn refill_with_time() {
		ExtBuilder::default().build_and_execute(|| {
			limited();
			let id = open(&ALICE, BTC_BRANCH, 1_000 * ONE_BTC, LIMIT);
			assert_eq!(room(), 0);
			Now::mutate(|now| *now += HOUR);
			// 4·10¹²/e = 1,471,517,764,685.769, rounded up to the last of e⁻¹'s 18 digits.
			let faded = LIMIT - room();
			assert!(
				(1_471_517_764_686..=1_471_517_764_688).contains(&faded),
				"{faded}"
			);
			assert_ok!(Vaults::adjust(signed(&ALICE), id, Keep, Increase(room())));
			assert_eq!(room(), 0);
			Now::mutate(|now| *now += 100 * HOUR);
			assert!(room() >= LIMIT - 1);
		});
	}

	#[test]
	fn stay_those_of_the_governed_ceiling_while_guarded() {
		ExtBuilder::default().build_and_execute(|| {
			limited();
			raise(BreakerSubject::Branch(BTC_BRANCH), Level::Guarded);
			assert_eq!(room(), LIMIT);
		});
	}
}

mod of_exits {
	use super::*;

	/// Two vaults with ten BTC together and little debt, in a branch that lets 10 % out; an hour and more after they came in.
	fn limited() -> (VaultId, VaultId) {
		set_parameters(BTC_BRANCH, |p| p.exit_limit = percent(10));
		let ids = (
			open(&ALICE, BTC_BRANCH, 6 * ONE_BTC, 1_000 * USD),
			open(&BOB, BTC_BRANCH, 4 * ONE_BTC, 1_000 * USD),
		);
		Now::mutate(|now| *now += 50 * HOUR);
		set_price(BTC, dollars(50_000));
		ids
	}

	fn room() -> u128 {
		Vaults::exit_room(BTC_BRANCH).unwrap()
	}

	#[test]
	fn bound_what_leaves_a_debt_behind() {
		ExtBuilder::default().build_and_execute(|| {
			let (a, b) = limited();
			assert_eq!(room(), ONE_BTC);
			for debt in [Keep, Decrease(500 * USD), Increase(1)] {
				assert_noop!(
					Vaults::adjust(signed(&ALICE), a, Decrease(ONE_BTC + 1), debt),
					Error::<Test>::ExitWindowFull
				);
				assert_eq!(
					Vaults::preview_adjust(a, Decrease(ONE_BTC + 1), debt),
					Err(Error::<Test>::ExitWindowFull.into())
				);
			}
			assert_ok!(Vaults::adjust(signed(&ALICE), a, Decrease(ONE_BTC / 2), Keep));
			// A tenth of what there was before any of it left.
			assert_eq!(room(), ONE_BTC / 2);
			assert_ok!(Vaults::adjust(signed(&BOB), b, Decrease(ONE_BTC / 2), Keep));
			assert_eq!(room(), 0);
			assert_noop!(
				Vaults::adjust(signed(&ALICE), a, Decrease(1), Keep),
				Error::<Test>::ExitWindowFull
			);
		});
	}

	#[test]
	fn never_hold_whoever_ends_without_debt() {
		ExtBuilder::default().build_and_execute(|| {
			let (a, b) = limited();
			let c = open(&BOB, BTC_BRANCH, ONE_BTC, 1_000 * USD);
			assert_ok!(Vaults::repay(signed(&BOB), c, u128::MAX));
			assert_ok!(Vaults::adjust(
				signed(&ALICE),
				a,
				Decrease(u128::MAX),
				Decrease(u128::MAX)
			));
			assert_ok!(Vaults::adjust(signed(&BOB), c, Decrease(ONE_BTC / 2), Keep));
			assert_ok!(Vaults::close(signed(&BOB), c));
			// 7 of 11 left, and those who go on owing find a tenth of what there is, as ever.
			assert_eq!(branch(BTC_BRANCH).withdrawn.net(Now::get()), 0);
			assert_eq!(room(), 4 * ONE_BTC / 10);
			assert_noop!(
				Vaults::adjust(signed(&BOB), b, Decrease(room() + 1), Keep),
				Error::<Test>::ExitWindowFull
			);
			assert_ok!(Vaults::adjust(signed(&BOB), b, Decrease(room()), Keep));
			assert_eq!(room(), 0);
			assert_ok!(Vaults::close(signed(&BOB), b));
		});
	}

	#[test]
	fn add_nothing_for_going_to_and_fro() {
		ExtBuilder::default().build_and_execute(|| {
			let (a, _) = limited();
			for _ in 0..20 {
				assert_ok!(Vaults::adjust(signed(&ALICE), a, Decrease(ONE_BTC), Keep));
				assert_eq!(room(), 0);
				assert_ok!(Vaults::top_up(signed(&BOB), a, ONE_BTC));
				assert_eq!(room(), ONE_BTC);
			}
		});
	}

	#[test]
	fn are_no_narrower_than_those_of_a_branch_as_large_as_the_floor() {
		ExtBuilder::default().build_and_execute(|| {
			set_parameters(BTC_BRANCH, |p| p.exit_limit = percent(10));
			let id = open(&ALICE, BTC_BRANCH, ONE_BTC, 1_000 * USD);
			Now::mutate(|now| *now += 50 * HOUR);
			set_price(BTC, dollars(50_000));
			// A tenth of 100,000 kUSD's worth, not of the one BTC.
			assert_eq!(room(), ONE_BTC / 5);
			set_price(BTC, dollars(20_000));
			assert_eq!(room(), ONE_BTC / 2);
			assert_eq!(
				Vaults::preview_adjust(id, Decrease(ONE_BTC / 2 + 1), Keep),
				Err(Error::<Test>::ExitWindowFull.into())
			);
			assert_ok!(Vaults::adjust(signed(&ALICE), id, Decrease(ONE_BTC / 2), Keep));
			assert_eq!(room(), 0);
			// The floor of a low ceiling is lower.
			set_parameters(BTC_BRANCH, |p| p.debt_ceiling = 10_000 * USD);
			Now::mutate(|now| *now += 50 * HOUR);
			// Half a BTC is left, five times the floor.
			assert_eq!(room(), ONE_BTC / 20);
			// Without a price there is none.
			set_parameters(BTC_BRANCH, |p| p.debt_ceiling = 10_000_000 * USD);
			PriceTable::mutate(|table| table.remove(&BTC));
			assert_eq!(room(), ONE_BTC / 20);
		});
	}

	#[test]
	fn gain_room_by_what_comes_in_and_with_time() {
		ExtBuilder::default().build_and_execute(|| {
			let (a, b) = limited();
			assert_ok!(Vaults::adjust(signed(&ALICE), a, Decrease(ONE_BTC), Keep));
			assert_ok!(Vaults::adjust(signed(&BOB), b, Increase(3 * ONE_BTC), Keep));
			// A tenth of twelve, and the two that came in on balance.
			assert_eq!(room(), 32 * ONE_BTC / 10);
			assert_ok!(Vaults::adjust(signed(&BOB), b, Decrease(room()), Keep));
			assert_eq!(room(), 0);
			Now::mutate(|now| *now += HOUR);
			// 1.2 left; what is left of that is 1.2/e = 0.44145533, and the limit a tenth of 8.8 and that: 0.92414553.
			let left = room();
			assert!((48_269_020..=48_269_021).contains(&left), "{left}");
		});
	}
}

#[test]
fn meters_count_what_moves() {
	ExtBuilder::default().build_and_execute(|| {
		let id = open(&ALICE, BTC_BRANCH, 10 * ONE_BTC, 200_000 * USD);
		let meters = || {
			let (branch, now) = (branch(BTC_BRANCH), Now::get());
			(
				branch.minted.net(now),
				branch.leaving.net(now),
				branch.withdrawn.net(now),
				branch.liquidated.net(now),
			)
		};
		let (usd, btc) = (USD as i128, ONE_BTC as i128);
		// 1.3 · 200,000 / 50,000
		assert_eq!(meters(), (200_000 * usd, -52 * btc / 10, -10 * btc, 0));
		assert_ok!(Vaults::adjust(
			signed(&ALICE),
			id,
			Decrease(ONE_BTC),
			Increase(50_000 * USD)
		));
		assert_eq!(meters(), (250_000 * usd, -65 * btc / 10, -9 * btc, 0));
		assert_ok!(Vaults::repay(signed(&ALICE), id, 10_000 * USD));
		assert_ok!(Vaults::top_up(signed(&BOB), id, ONE_BTC));
		let before = (240_000 * usd, -624 * btc / 100, -10 * btc);
		assert_eq!(meters(), (before.0, before.1, before.2, 0));
		set_price(BTC, dollars(30_000));
		PriceTable::mutate(|table| table.get_mut(&BTC).unwrap().since = Now::get() + 1);
		let outcome = Vaults::liquidate(Group::Branch(BTC_BRANCH), id).unwrap();
		// Nothing was repaid by anybody, nothing withdrawn: it was liquidated.
		let liquidated = outcome.debt as i128;
		assert_eq!(meters(), (before.0, before.1, before.2, liquidated));
		let rest = (debt(id), vault(id).collateral);
		assert_ok!(Vaults::close(signed(&ALICE), id));
		let backing = (rest.0 * 13).div_ceil(10) * ONE_BTC;
		let backing = rest.1.min(backing.div_ceil(30_000 * USD));
		assert_eq!(
			meters(),
			(
				before.0 - rest.0 as i128,
				before.1 + backing as i128,
				before.2 + rest.1 as i128,
				liquidated
			)
		);
	});
}
