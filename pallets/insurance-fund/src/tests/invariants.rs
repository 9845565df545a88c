//! `do_try_state` sees each kind of damage.

use frame_support::traits::fungibles::Mutate;
use keel_primitives::InsuranceFund as _;
use sp_runtime::TryRuntimeError;

use crate::{mock::*, Books, Collateral, Ledger, Tranche};

/// A sound state, then `damage`, then the message that must come.
fn sees(damage: impl FnOnce(), message: &'static str) {
	new_test_ext().execute_with(|| {
		InsuranceFund::mint(100 * USD, keel_primitives::IncomeSource::StabilityFee).unwrap();
		InsuranceFund::take_collateral(&ALICE, BTC, BITCOIN).unwrap();
		InsuranceFund::do_try_state().expect("sound before the damage");
		damage();
		assert_eq!(
			InsuranceFund::do_try_state(),
			Err(TryRuntimeError::Other(message))
		);
	});
}

fn books(damage: impl FnOnce(&mut Books)) {
	Ledger::<Test>::mutate(|accounts| damage(&mut accounts.books))
}

#[test]
fn a_negative_shared_tranche() {
	sees(
		|| books(|books| books.shared.outflow = books.shared.inflow + 1),
		"the shared tranche is negative",
	);
}

#[test]
fn a_negative_treasury_tranche() {
	sees(
		|| books(|books| books.treasury.outflow = books.treasury.inflow + 1),
		"the treasury tranche is negative",
	);
}

#[test]
fn more_covered_than_short() {
	sees(
		|| books(|books| books.covered += 1),
		"more was covered than was short",
	);
}

#[test]
fn bad_debt_beside_shared_money() {
	sees(
		|| books(|books| books.shortfalls += 1),
		"bad debt is recorded while the shared tranche has money",
	);
}

#[test]
fn less_gone_than_accounted() {
	let message = "less left the tranches than was burned, paid and spent";
	for claim in [
		|books: &mut Books| books.claims += 1,
		|books: &mut Books| books.purchases += 1,
		|books: &mut Books| books.spent += 1,
		|books: &mut Books| (books.shortfalls, books.covered) = (1, 1),
	] {
		sees(|| books(claim), message);
	}
}

#[test]
fn more_gone_than_accounted() {
	let message = "more left the tranches than was burned, paid and spent";
	sees(|| books(|books| books.shared.outflow += 1), message);
	sees(|| books(|books| books.treasury.outflow += 1), message);
}

#[test]
fn more_gone_or_paid_than_any_balance() {
	let all = Tranche {
		inflow: u128::MAX,
		outflow: u128::MAX,
	};
	sees(
		|| books(|books| (books.shared, books.treasury.outflow) = (all, 1)),
		"more left the tranches than a balance can be",
	);
	sees(
		|| books(|books| (books.claims, books.spent) = (u128::MAX, 1)),
		"more was paid out than a balance can be",
	);
}

#[test]
fn meters_that_run_backwards() {
	sees(
		|| Ledger::<Test>::mutate(|accounts| accounts.drawn.sub(Now::get(), 1)),
		"shortfalls flowed backwards",
	);
	sees(
		|| Ledger::<Test>::mutate(|accounts| accounts.fees_minted.refund(Now::get(), 101 * USD)),
		"fees flowed backwards",
	);
}

#[test]
fn more_fees_than_income() {
	sees(
		|| Ledger::<Test>::mutate(|accounts| accounts.fees_minted.add(Now::get(), 1)),
		"more fees were minted than came in",
	);
}

#[test]
fn tranches_beyond_any_balance() {
	sees(
		|| {
			books(|books| {
				books.shared = Tranche {
					inflow: u128::MAX,
					outflow: 0,
				};
				books.treasury = Tranche {
					inflow: 1,
					outflow: 0,
				};
			})
		},
		"the tranches are more than a balance can be",
	);
}

#[test]
fn too_little_kusd() {
	sees(
		|| books(|books| books.shared.inflow += 1),
		"the fund holds less kUSD than its tranches",
	);
}

#[test]
fn too_much_kusd() {
	sees(
		|| assert_eq!(Assets::mint_into(KUSD, &InsuranceFund::account(), 1), Ok(1)),
		"the fund holds more kUSD than its tranches",
	);
}

#[test]
fn too_many_collaterals() {
	sees(
		|| {
			Collateral::<Test>::insert(ETH, Tranche::default());
			Collateral::<Test>::insert(DOT, Tranche::default());
		},
		"the fund holds too many collaterals",
	);
}

#[test]
fn the_synthetic_as_collateral() {
	sees(
		|| {
			Collateral::<Test>::remove(BTC);
			Collateral::<Test>::insert(KUSD, Tranche::default());
		},
		"the fund holds kUSD as collateral",
	);
}

#[test]
fn a_negative_collateral() {
	sees(
		|| {
			Collateral::<Test>::insert(
				BTC,
				Tranche {
					inflow: 0,
					outflow: 1,
				},
			)
		},
		"a collateral is negative",
	);
}

#[test]
fn too_little_collateral() {
	sees(
		|| {
			Collateral::<Test>::insert(
				BTC,
				Tranche {
					inflow: BITCOIN + 1,
					outflow: 0,
				},
			)
		},
		"the fund holds less collateral than booked",
	);
}

#[test]
fn too_much_collateral() {
	sees(
		|| assert_eq!(Assets::mint_into(BTC, &InsuranceFund::account(), 1), Ok(1)),
		"the fund holds more collateral than booked",
	);
}

#[test]
fn a_collateral_that_is_sold_out() {
	sees(
		|| {
			Collateral::<Test>::insert(
				ETH,
				Tranche {
					inflow: 7,
					outflow: 7,
				},
			)
		},
		"a collateral that is sold out is on record",
	);
}

#[test]
fn a_collateral_that_cannot_be_sold() {
	sees(
		|| RegisteredAssets::mutate(|all| all.retain(|asset| *asset != BTC)),
		"the fund holds what is not registered and can't be sold",
	);
}

#[test]
fn a_collateral_that_is_not_on_record() {
	sees(
		|| assert_eq!(Assets::mint_into(DOT, &InsuranceFund::account(), 1), Ok(1)),
		"the fund holds collateral that is not on record",
	);
}

#[test]
fn a_treasury_that_paid_more_than_it_had() {
	sees(
		|| Ledger::<Test>::mutate(|accounts| assert!(accounts.treasury_paid.take(Now::get(), u128::MAX, 1))),
		"the treasury tranche paid more than left it",
	);
}
