//! Every invariant, broken on purpose.

use super::*;
use crate::{AccountData, Collateral, Losses, Money};
use frame_support::{hypothetically, traits::fungible::MutateHold};
use keel_math::RAY;

/// Two accounts with positions, collateral, debt, lenders and stress lists; then `corrupt` them.
fn after(corrupt: impl FnOnce()) -> &'static str {
	let mut message = "";
	ExtBuilder::default().build_and_execute(|| {
		let rich = fund(&ALICE, 0, 6_000 * USD);
		assert_ok!(trade(rich, BTC_MARKET, ONE_SIZE));
		let poor = pay_in(&ALICE, 1, ETH, ONE_ETH);
		pay_in(&ALICE, 1, BTC, ONE_BTC);
		assert_ok!(settle(poor, -(1_000 * USD as i128)));
		assert_ok!(trade(poor, BTC_MARKET, 6 * ONE_SIZE));
		let third = fund(&BOB, 0, 6_000 * USD);
		assert_ok!(trade(third, BTC_MARKET, ONE_SIZE));
		assert_eq!((rich, poor, third), (0, 1, 2));
		assert_ok!(Margin::do_try_state());
		message = hypothetically!({
			corrupt();
			match Margin::do_try_state() {
				Err(DispatchError::Other(message)) => message,
				other => panic!("the corruption went unnoticed: {other:?}"),
			}
		});
		Now::set(START);
	});
	message
}

fn change(id: u64, change: impl FnOnce(&mut AccountData<Test>)) -> impl FnOnce() {
	move || Accounts::<Test>::mutate(id, |account| change(account.as_mut().unwrap()))
}

fn totals(change: impl FnOnce(&mut Money)) -> impl FnOnce() {
	|| Totals::<Test>::mutate(change)
}

fn ether(change: impl FnOnce(&mut Collateral)) -> impl FnOnce() {
	|| Collaterals::<Test>::mutate(|all| change(&mut all[1]))
}

fn worst(change: impl FnOnce(&mut Losses)) -> impl FnOnce() {
	|| {
		Stress::<Test>::mutate(|all| {
			change(
				all.iter_mut()
					.find(|losses| losses.scenario == Scenario::AllDown)
					.unwrap(),
			)
		})
	}
}

#[test]
fn kusd_in_custody_is_what_is_claimed() {
	const LESS: &str = "the custody holds less kUSD than is claimed";
	const MORE: &str = "the custody holds more kUSD than is claimed";
	assert_eq!(after(totals(|money| money.clearing += 1)), LESS);
	assert_eq!(after(totals(|money| money.clearing -= 1)), MORE);
	assert_eq!(after(totals(|money| money.earned += 1)), LESS);
	assert_eq!(after(totals(|money| money.idle += 1)), LESS);
	assert_eq!(after(totals(|money| money.idle -= 1)), MORE);
	assert_eq!(after(change(0, |account| account.cash += 1)), LESS);
	assert_eq!(after(change(0, |account| account.cash -= 1)), MORE);
	assert_eq!(after(|| mint(KUSD, &Margin::custody(), 1)), MORE);
	assert_eq!(after(|| send(KUSD, &Margin::custody(), &BOB, 1).unwrap()), LESS);
	assert_eq!(
		after(totals(|money| money.clearing = i128::MAX)),
		"the claims on the custody overflow"
	);
}

#[test]
fn what_is_lent_is_what_accounts_owe() {
	const MORE: &str = "more is lent than accounts owe";
	const LESS: &str = "less is lent than accounts owe";
	assert_eq!(after(totals(|money| money.lent += 1)), MORE);
	assert_eq!(after(totals(|money| money.lent -= 1)), LESS);
	assert_eq!(after(change(1, |account| account.debt += 1)), LESS);
	assert_eq!(after(change(1, |account| account.debt -= 1)), MORE);
}

#[test]
fn the_index_grows_and_is_not_ahead() {
	assert_eq!(
		after(totals(|money| money.index = RAY - 1)),
		"the debt index is below one"
	);
	assert_eq!(
		after(totals(|money| money.index_at = START + 1)),
		"the debt index is ahead of the chain's clock"
	);
}

#[test]
fn nobody_has_cash_and_debt() {
	assert_eq!(
		after(change(1, |account| account.cash = 1)),
		"an account has both cash and debt"
	);
}

#[test]
fn collateral_is_counted() {
	const HELD: &str = "the accounts' collateral is not what is counted";
	assert_eq!(
		after(ether(|ether| ether.total += 1)),
		"the custody holds less of a collateral than is counted"
	);
	assert_eq!(
		after(ether(|ether| ether.total -= 1)),
		"the custody holds more of a collateral than is counted"
	);
	assert_eq!(after(change(1, |account| account.collateral[0].1 += 1)), HELD);
	assert_eq!(after(change(1, |account| account.collateral[0].1 -= 1)), HELD);
	assert_eq!(
		after(change(1, |account| account.collateral[0].1 = 0)),
		"an account holds nothing of an asset"
	);
	assert_eq!(
		after(change(1, |account| account.collateral[0].0 = BTC)),
		"an account holds an asset twice"
	);
	assert_eq!(
		after(change(0, |account| account.set_held(USDC, 1).unwrap())),
		"an account holds what is no collateral"
	);
	assert_eq!(
		after(ether(|ether| ether.asset = BTC)),
		"a collateral is listed twice"
	);
	assert_eq!(
		after(ether(|ether| ether.haircut_active = START + 1)),
		"a haircut is ahead of the chain's clock"
	);
}

#[test]
fn accounts_are_found_and_deposits_held() {
	assert_eq!(
		after(|| NextId::<Test>::put(2)),
		"an account has a number that was not given out"
	);
	assert_eq!(
		after(change(0, |account| account.changed_at = START + 1)),
		"an account was changed in the future"
	);
	assert_eq!(
		after(|| AccountOf::<Test>::remove(ALICE, 0)),
		"an account is not found under its owner and sub-account"
	);
	assert_eq!(
		after(change(0, |account| account.sub = 9)),
		"an account is not found under its owner and sub-account"
	);
	assert_eq!(
		after(|| AccountOf::<Test>::insert(ALICE, 9, 0)),
		"an owner's sub-account leads to no account of theirs"
	);
	const HELD: &str = "the deposits held are not those of the owner's accounts";
	assert_eq!(after(change(0, |account| account.deposit += 1)), HELD);
	assert_eq!(after(change(0, |account| account.deposit -= 1)), HELD);
	assert_eq!(
		after(|| {
			Balances::hold(&crate::HoldReason::AccountDeposit.into(), &BOB, 1).unwrap();
		}),
		HELD
	);
}

#[test]
fn triggers_are_in_the_index_and_no_others() {
	const MISSING: &str = "an account is not in the trigger index under its trigger";
	const COUNT: &str = "the trigger index does not hold the accounts with a trigger and no others";
	assert_eq!(after(|| corrupt_index(Group::Deadline, 1, None)), MISSING);
	assert_eq!(
		after(|| corrupt_index(Group::Long(BTC_MARKET), 1, Some(1))),
		MISSING
	);
	assert_eq!(after(change(0, |account| account.triggers[0].1 += 1)), MISSING);
	assert_eq!(after(|| corrupt_index(Group::Deadline, 77, Some(1))), COUNT);
	assert_eq!(
		after(|| corrupt_index(Group::Short(ETH_MARKET), 0, Some(1))),
		COUNT
	);
	assert_eq!(after(change(0, |account| account.triggers.clear())), COUNT);
	assert_eq!(
		after(change(1, |account| account.triggers[1] = account.triggers[0])),
		"an account has two triggers in a group"
	);
	assert_eq!(
		after(change(1, |account| account.triggers.clear())),
		"an account owes and is not in the trigger index"
	);
}

#[test]
fn what_is_for_sale_is_collateral_of_who_owes_and_has_no_positions() {
	let since = |id, since| change(id, move |account| account.for_sale_since = Some(since));
	assert_eq!(
		after(since(1, START + 1)),
		"an account is for sale since the future"
	);
	assert_eq!(after(since(0, START)), "an account for sale owes nothing");
	assert_eq!(after(since(1, START)), "an account for sale has positions");
	assert_eq!(
		after(change(1, |account| {
			account.for_sale_since = Some(START);
			account.collateral.clear();
		})),
		"an account for sale has no collateral"
	);
}

#[test]
fn shares_are_the_lenders() {
	assert_eq!(
		after(totals(|money| money.shares += 1)),
		"lenders have fewer shares than there are"
	);
	assert_eq!(
		after(totals(|money| money.shares -= 1)),
		"lenders have more shares than there are"
	);
	assert_eq!(
		after(|| Lenders::<Test>::insert(BOB, 0)),
		"a lender has no shares"
	);
}

#[test]
fn stress_lists_are_sorted_and_name_who_there_is() {
	const UNSORTED: &str = "a stress list is not sorted, or names a shortfall of zero";
	assert_eq!(after(worst(|losses| losses.worst.as_mut().reverse())), UNSORTED);
	assert_eq!(
		after(worst(|losses| losses.worst.last_mut().unwrap().1 = 0)),
		UNSORTED
	);
	assert_eq!(
		after(worst(|losses| losses.worst[0].0 = 99)),
		"a stress list names an account there is not"
	);
	assert_eq!(
		after(worst(|losses| losses.worst[1].0 = losses.worst[0].0)),
		"a stress list names an account twice"
	);
	assert_eq!(
		after(worst(|losses| losses.worst.clear())),
		"a stress scenario without shortfalls is listed"
	);
	assert_eq!(
		after(worst(|losses| losses.scenario = Scenario::Down(BTC_MARKET))),
		"a stress scenario is listed twice"
	);
}

#[test]
fn the_registry_knows_every_collateral() {
	const MESSAGE: &str = "the registry does not know a collateral, or knows another feed of it";
	let facts = |change: fn(&mut keel_primitives::RegisteredAsset)| {
		move || pallet_asset_registry::Registry::<Test>::mutate(ETH, |facts| change(facts.as_mut().unwrap()))
	};
	assert_eq!(after(facts(|facts| facts.margin = false)), MESSAGE);
	assert_eq!(after(facts(|facts| facts.feed = BTC)), MESSAGE);
	assert_eq!(
		after(|| pallet_asset_registry::Registry::<Test>::remove(ETH)),
		MESSAGE
	);
}
