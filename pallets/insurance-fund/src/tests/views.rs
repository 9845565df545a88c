//! What a user sees.

use keel_primitives::{Coverage, InsuranceFund as _};

use crate::{mock::*, Books, Readings, Tranche};

#[test]
fn show_every_number() {
	ExtBuilder::default()
		.shared(40 * USD)
		.treasury(60 * USD)
		.build_and_execute(|| {
			InsuranceFund::cover(25 * USD, 0).unwrap();
			InsuranceFund::buy(&ALICE, ETH, 1, 5 * USD).unwrap();
			InsuranceFund::pay(&BOB, 12 * USD).unwrap();
			InsuranceFund::cover(8 * USD, 0).unwrap();
			InsuranceFund::spend(RuntimeOrigin::root(), BOB, 3 * USD).unwrap();
			InsuranceFund::take_collateral(&ALICE, ETH, 6).unwrap();
			InsuranceFund::take_collateral(&ALICE, BTC, 9).unwrap();
			InsuranceFund::release_collateral(&ALICE, BTC, 9).unwrap();
			let balances = InsuranceFund::balances();
			assert_eq!((balances.shared, balances.treasury), (0, 47 * USD));
			assert_eq!(InsuranceFund::shared(), 0);
			assert_eq!(InsuranceFund::bad_debt_recorded(), 0);
			assert_eq!(
				InsuranceFund::meters(),
				Readings {
					drawn: 45 * USD,
					fees_minted: 0,
					treasury_paid: 10 * USD
				}
			);
			assert_eq!(InsuranceFund::collateral_held(ETH), 7);
			assert_eq!(InsuranceFund::collateral_held(DOT), 0);
			assert_eq!(InsuranceFund::collateral_list(), vec![(ETH, 7)]);
			assert_eq!(
				InsuranceFund::totals(),
				Books {
					shared: Tranche {
						inflow: 40 * USD,
						outflow: 40 * USD
					},
					treasury: Tranche {
						inflow: 60 * USD,
						outflow: 13 * USD
					},
					shortfalls: 33 * USD,
					covered: 33 * USD,
					claims: 12 * USD,
					purchases: 5 * USD,
					spent: 3 * USD,
				}
			);
		});
}

#[test]
fn a_quote_is_what_happens() {
	ExtBuilder::default()
		.shared(40 * USD)
		.treasury(600 * USD)
		.build_and_execute(|| {
			let quote = InsuranceFund::quote_cover(200 * USD);
			assert_eq!(
				quote,
				Some(Coverage {
					covered: 140 * USD,
					bad_debt: 60 * USD
				})
			);
			assert_eq!(InsuranceFund::cover(200 * USD, 0).ok(), quote);
			assert_eq!(InsuranceFund::quote_cover(u128::MAX), None);
			assert_eq!(InsuranceFund::quote_cover(0), Some(Coverage::default()));
		});
	ExtBuilder::default()
		.shared(40 * USD)
		.treasury(600 * USD)
		.build_and_execute(|| {
			assert_eq!(InsuranceFund::quote_pay(0), Some(0));
			assert_eq!(InsuranceFund::quote_pay(u128::MAX), Some(140 * USD));
			assert_eq!(InsuranceFund::quote_pay(200 * USD), Some(140 * USD));
			assert_eq!(InsuranceFund::pay(&BOB, 200 * USD), Ok(140 * USD));
			assert_eq!(InsuranceFund::quote_pay(200 * USD), Some(0));
		});
}
