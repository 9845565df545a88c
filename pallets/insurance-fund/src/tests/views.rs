//! What a user sees.

use keel_primitives::{Coverage, InsuranceFund as _};

use crate::{mock::*, Books, Readings, Tranche};

#[test]
fn show_every_number() {
	ExtBuilder::default()
		.shared(40 * USD)
		.treasury(60 * USD)
		.build_and_execute(|| {
			InsuranceFund::cover(50 * USD).unwrap();
			InsuranceFund::take_collateral(&ALICE, ETH, 7).unwrap();
			InsuranceFund::take_collateral(&ALICE, BTC, 9).unwrap();
			InsuranceFund::release_collateral(&ALICE, BTC, 9).unwrap();
			let balances = InsuranceFund::balances();
			assert_eq!((balances.shared, balances.treasury), (0, 50 * USD));
			assert_eq!(InsuranceFund::bad_debt_recorded(), 0);
			assert_eq!(
				InsuranceFund::meters(),
				Readings {
					drawn: 50 * USD,
					fees_minted: 0
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
						outflow: 10 * USD
					},
					shortfalls: 50 * USD,
					covered: 50 * USD,
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
			assert_eq!(InsuranceFund::cover(200 * USD).ok(), quote);
			assert_eq!(InsuranceFund::quote_cover(u128::MAX), None);
			assert_eq!(InsuranceFund::quote_cover(0), Some(Coverage::default()));
		});
}
