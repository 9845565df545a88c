//! What is shown is what is done.

use super::*;
use proptest::prelude::*;

#[test]
fn a_statement_shows_all_of_an_account() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 7, 10_000 * USD);
		pay_in(&ALICE, 7, ETH, 2 * ONE_ETH);
		assert_ok!(trade(id, BTC_MARKET, -ONE_SIZE));
		set_market(BTC_MARKET, |market| market.funding_bps = -10);
		let shown = Margin::statement_of(ALICE, 7).unwrap();
		assert_eq!(Some(shown.clone()), Margin::statement(id));
		assert_eq!((shown.account, shown.owner, shown.sub), (id, ALICE, 7));
		assert_eq!((shown.cash, shown.debt, shown.called), (10_000 * USD, 0, false));
		assert_eq!(shown.equity, 14_500 * USD as i128);
		assert_eq!(
			(shown.collateral[0].value, shown.collateral[0].counted),
			(5_000 * USD, 4_500 * USD)
		);
		assert_eq!(shown.exposures.len(), 1);
		assert_eq!(shown.initial, 2 * shown.maintenance);
		// A short pays when funding is below zero.
		assert!(shown.breach_in_ms.is_some());
		assert_eq!(Margin::accounts_of(ALICE), vec![(7, id)]);
		fund(&ALICE, 3, 1);
		assert_eq!(Margin::accounts_of(ALICE), vec![(3, id + 1), (7, id)]);
		assert_eq!(
			(Margin::statement(99), Margin::statement_of(BOB, 0)),
			(None, None)
		);
	});
}

#[test]
fn at_a_liquidation_price_an_account_is_unsafe_and_one_unit_before_it_is_not() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 4_000 * USD);
		pay_in(&ALICE, 0, DOT, 1_000 * ONE_DOT);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE / 2));
		assert_ok!(trade(id, ETH_MARKET, -8 * ONE_SIZE));
		let prices = Margin::liquidation_prices(id);
		assert_eq!(prices.len(), 3);
		for shown in prices {
			let at = shown.at.unwrap_or_default();
			let is_unsafe = |price: u128| {
				frame_support::hypothetically!({
					let price = keel_math::FixedU128::from_inner(price);
					match shown.leg {
						Leg::Market(market) => set_mark(market, price),
						Leg::Collateral(asset) => set_price(asset, price),
					}
					let answer = Margin::preview_shock(id, vec![]).unwrap().is_unsafe;
					match shown.leg {
						Leg::Market(market) => set_mark(market, shown.now),
						Leg::Collateral(asset) => set_price(asset, shown.now),
					}
					answer
				})
			};
			match shown.leg {
				Leg::Market(BTC_MARKET) => {
					assert!(at < shown.now);
					// The requirement is scaled, and may be rounded by a unit of kUSD more: a millionth dollar of a price.
					let near = 10u128.pow(14);
					assert!(is_unsafe(at.into_inner() - near) && !is_unsafe(at.into_inner() + near));
				}
				Leg::Market(_) => {
					assert!(at > shown.now);
					let near = 10u128.pow(14);
					assert!(is_unsafe(at.into_inner() + near) && !is_unsafe(at.into_inner() - near));
				}
				Leg::Collateral(_) => {
					// Cash alone is enough.
					assert_eq!(shown.at, None);
				}
			}
		}
		assert!(Margin::liquidation_prices(99).is_empty());
	});
}

#[test]
fn the_liquidation_price_of_collateral_is_exact() {
	ExtBuilder::default().build_and_execute(|| {
		let id = pay_in(&ALICE, 0, DOT, 1_000 * ONE_DOT);
		assert_ok!(settle(id, -(3_000 * USD as i128)));
		assert_ok!(acted(id, Act::Involuntary));
		let shown = Margin::liquidation_prices(id)[0];
		assert_eq!((shown.leg, shown.now), (Leg::Collateral(DOT), dollars(5)));
		// 3,000 / 900.
		let at = shown.at.unwrap();
		set_price(DOT, at);
		assert!(Margin::preview_shock(id, vec![]).unwrap().is_unsafe);
		set_price(DOT, keel_math::FixedU128::from_inner(at.into_inner() + 1));
		assert!(!Margin::preview_shock(id, vec![]).unwrap().is_unsafe);
		assert!((at.to_float() - 3_000.0 / 900.0).abs() < 1e-6);
	});
}

#[test]
fn a_shock_is_what_would_happen() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 10_000 * USD);
		pay_in(&ALICE, 0, ETH, 4 * ONE_ETH);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		assert_ok!(trade(id, ETH_MARKET, -4 * ONE_SIZE));
		let shown = Margin::preview_shock(id, vec![(BTC, -2_000), (ETH, 1_000)]).unwrap();
		set_mark(BTC_MARKET, dollars(40_000));
		set_mark(ETH_MARKET, dollars(2_750));
		set_price(ETH, dollars(2_750));
		let is = Margin::preview_shock(id, vec![]).unwrap();
		assert_eq!((shown.equity, shown.is_unsafe), (is.equity, is.is_unsafe));
		assert!(shown.maintenance >= is.maintenance && shown.maintenance - is.maintenance <= 10);
		assert_eq!(Margin::preview_shock(99, vec![]), None);
		// A fall by more than all is a fall by all.
		assert!(Margin::preview_shock(id, vec![(BTC, -20_000)]).unwrap().is_unsafe);
	});
}

#[test]
fn a_preview_of_a_withdrawal_fails_as_it_would() {
	ExtBuilder::default().build_and_execute(|| {
		let id = fund(&ALICE, 0, 10_000 * USD);
		assert_ok!(trade(id, BTC_MARKET, ONE_SIZE));
		let shown = Margin::preview_withdrawal(ALICE, 0, KUSD, 1_000 * USD).unwrap();
		assert_eq!(
			(shown.after.equity, shown.left),
			(9_000 * USD as i128, 9_000 * USD)
		);
		assert_eq!(
			Margin::preview_withdrawal(ALICE, 0, KUSD, 6_000 * USD),
			Err(Error::<Test>::InitialRequirement.into())
		);
		assert_eq!(
			Margin::preview_withdrawal(BOB, 0, KUSD, 1),
			Err(Error::<Test>::UnknownAccount.into())
		);
		assert_eq!(Margin::withdrawable(BOB, 0, KUSD), 0);
		assert_eq!(Margin::withdrawable(ALICE, 0, ETH), 0);
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn what_is_withdrawable_can_be_withdrawn_and_not_one_unit_more(
		cash in 0..20_000u128,
		eth in 1..10_000u128,
		size in -100..100i128,
		price in 1_000..4_000u128,
		owes in 0..5_000u128,
	) {
		ExtBuilder::default().build_and_execute(|| {
			let id = pay_in(&ALICE, 0, ETH, eth * ONE_ETH / 1_000);
			if cash > 0 {
				fund(&ALICE, 0, cash * USD);
			}
			if size != 0 {
				give(id, BTC_MARKET, size * ONE_SIZE / 100);
			}
			settle(id, -((owes * USD) as i128)).unwrap();
			acted(id, Act::Involuntary).unwrap();
			set_price(ETH, dollars(price));
			for (asset, has) in [(KUSD, account(id).cash), (ETH, account(id).held(ETH))] {
				let most = Margin::withdrawable(ALICE, 0, asset);
				assert!(most <= has);
				assert!(Margin::withdraw(signed(&ALICE), 0, asset, most + 1).is_err());
				if most > 0 {
					frame_support::hypothetically!({
						assert_ok!(Margin::withdraw(signed(&ALICE), 0, asset, most));
						assert_ok!(Margin::do_try_state());
					});
				}
			}
		});
	}
}

#[test]
fn the_reserve_is_shown_as_it_is() {
	ExtBuilder::default().reserve(1_000 * USD).build_and_execute(|| {
		let shown = Margin::lending().unwrap();
		assert_eq!(
			(shown.idle, shown.lent, shown.reserve),
			(1_000 * USD as i128, 0, 1_000 * USD)
		);
		assert_eq!(shown.share_price, keel_math::FixedU128::from_u32(1));
		let id = pay_in(&ALICE, 0, BTC, ONE_BTC);
		assert_ok!(settle(id, -(900 * USD as i128)));
		Now::mutate(|now| *now += 30 * DAY);
		let shown = Margin::lending().unwrap();
		assert!(shown.lent > 900 * USD && shown.utilisation > percent(90));
		assert!(shown.share_price > keel_math::FixedU128::from_u32(1));
		assert!(shown.earned < shown.rate);
		assert_eq!(Margin::collaterals().len(), 3);
	});
}
