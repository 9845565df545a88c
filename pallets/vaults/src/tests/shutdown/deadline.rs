//! A pot that nobody redeems does not lie for ever.

use super::*;

/// A vault of 20,000 kUSD on one BTC, settled at 50,000: the pot is 0.4 BTC.
fn settled() -> VaultId {
	let vault = open(&ALICE, BTC_BRANCH, ONE_BTC, 20_000 * USD);
	shut_down_and_wait();
	settle_all();
	assert_eq!(
		(settlement().pot, settlement().claims),
		(ONE_BTC * 2 / 5, Some(20_000 * USD))
	);
	vault
}

fn issued_and_bad() -> (i128, Balance) {
	(Vaults::issued(), MockFund::bad_debt())
}

/// After 30 days the pot is the fund's to sell, and the kUSD that stays in circulation is on its books: the
/// supply identity holds to the unit.
#[test]
fn the_rest_goes_to_the_fund_and_the_hole_is_recorded() {
	ExtBuilder::default().build_and_execute(|| {
		let vault = settled();
		let until = settlement().active_until;
		assert_eq!(
			(until, view().redeem_in),
			(Now::get() + REDEEM_MS, Some(REDEEM_MS))
		);
		// A quarter is redeemed in time; the fund has 3,000 of its own.
		redeem(&ALICE, 5_000 * USD);
		fund_fund(3_000 * USD);
		let supply = Assets::total_supply(KUSD);
		Now::set(until - 1);
		idle(Weight::MAX);
		checked();
		assert_eq!(settlement().claims, Some(15_000 * USD));
		Now::set(until);
		idle(Weight::MAX);
		checked();
		assert!(events().contains(&Event::PotExpired {
			branch: BTC_BRANCH,
			collateral: ONE_BTC * 3 / 10,
			claims: 15_000 * USD,
			covered: 3_000 * USD,
			bad_debt: 12_000 * USD,
		}));
		assert_eq!((settlement().pot, settlement().claims), (0, Some(0)));
		assert_eq!(Assets::balance(BTC, &FUND), ONE_BTC * 3 / 10);
		assert_eq!(issued_and_bad().1, 12_000 * USD);
		assert_eq!(Assets::total_supply(KUSD), supply - 3_000 * USD);
		// It is over, and nothing can be redeemed any more.
		assert!(!BranchList::<Test>::get().contains(&BTC_BRANCH));
		assert_noop!(
			Vaults::redeem(signed(&ALICE), BTC_BRANCH, 1_000 * USD),
			Error::<Test>::NothingChanged
		);
		assert_ok!(Vaults::close(signed(&ALICE), vault));
		assert_nothing_left();
	});
}

#[test]
fn whoever_comes_too_late_gets_nothing_even_before_the_block_has_acted() {
	ExtBuilder::default().build_and_execute(|| {
		settled();
		Now::set(settlement().active_until);
		let redeem = || Vaults::redeem(signed(&ALICE), BTC_BRANCH, 1_000 * USD);
		assert_noop!(redeem(), Error::<Test>::NothingChanged);
		assert_eq!(
			Vaults::quote_redeem(BTC_BRANCH, 1_000 * USD),
			Err(Error::<Test>::NothingChanged.into())
		);
	});
}

#[test]
fn a_fund_that_fails_is_tried_again() {
	ExtBuilder::default().build_and_execute(|| {
		settled();
		Now::set(settlement().active_until);
		FundFails::set(true);
		idle(Weight::MAX);
		checked();
		assert_eq!(
			(settlement().pot, settlement().claims),
			(ONE_BTC * 2 / 5, Some(20_000 * USD))
		);
		FundFails::set(false);
		idle(Weight::MAX);
		checked();
		assert_eq!((settlement().pot, settlement().claims), (0, Some(0)));
	});
}

/// A fund's own kUSD is burned for what was not redeemed, and no bad debt is left if it suffices.
#[test]
fn a_fund_that_can_pay_leaves_no_bad_debt() {
	ExtBuilder::default().build_and_execute(|| {
		settled();
		fund_fund(30_000 * USD);
		Now::set(settlement().active_until);
		idle(Weight::MAX);
		checked();
		assert_eq!(issued_and_bad().1, 0);
		assert_eq!(Assets::balance(KUSD, &FUND), 10_000 * USD);
	});
}
