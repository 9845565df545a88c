//! Random operations: every invariant holds after each of them, and previews tell the truth.

use std::cell::RefCell;

use frame_support::weights::Weight;
use keel_math::{value, FixedU128, Rounding, RAY};
use keel_primitives::{
	Balance, BranchId, BreakerSubject, Level, MintPath, PositionLedger, PriceFor, VaultId,
};
use proptest::{prelude::*, test_runner::TestRunner};
use sp_runtime::DispatchError;

use crate::{mock::*, Change, Error, Preview, GRACE_MS};

mod ops;
use ops::{op, Op};

fn someone(who: u8) -> AccountId {
	[ALICE, BOB, CHARLIE][usize::from(who) % 3].clone()
}

fn some_branch(branch: u8) -> BranchId {
	1 + BranchId::from(branch) % 4
}

fn some_vault(vault: u8) -> Option<VaultId> {
	let mut vaults: Vec<_> = crate::Vaults::<Test>::iter_keys().collect();
	vaults.sort_unstable();
	(!vaults.is_empty()).then(|| vaults[usize::from(vault) % vaults.len()])
}

fn share_of(amount: Balance, share: u8) -> Balance {
	amount / 255 * Balance::from(share)
}

/// Call what was previewed: the same numbers or the same error, but for means the owner lacks.
fn adjust_as_previewed(id: VaultId, collateral: Change, debt_change: Change) {
	let owner = vault(id).owner;
	let index = vault(id).branch;
	let asset = branch(index).collateral;
	let before = (Assets::balance(asset, &owner), kusd(&owner));
	let preview = Vaults::preview_adjust(id, collateral, debt_change);
	let called = Vaults::adjust(signed(&owner), id, collateral, debt_change);
	match (preview, called) {
		(
			Ok(Preview {
				deposited,
				withdrawn,
				minted,
				repaid,
				collateral,
				debt: owed,
				adds_risk,
				..
			}),
			Ok(()),
		) => {
			seen(|seen| seen.previewed += 1);
			assert_eq!((vault(id).collateral, debt(id)), (collateral, owed));
			assert_eq!(Assets::balance(asset, &owner), before.0 + withdrawn - deposited);
			assert_eq!(kusd(&owner), before.1 + minted - repaid);
			assert_eq!(Vaults::liquidation_price(id), preview.unwrap().liquidation_price);
			if adds_risk || minted > 0 {
				let health = Vaults::health(id).unwrap();
				// Safe wherever the price that allowed it is the one that would liquidate.
				assert!(health.safe != Ok(false), "{health:?}");
			}
		}
		(Ok(preview), Err(error)) => {
			let lacks = preview.deposited > before.0 || preview.repaid > before.1;
			assert!(lacks, "{preview:?} but {error:?}");
		}
		(Err(previewed), called) => {
			let is = |error: Error<Test>| u32::from(previewed == error.into());
			seen(|seen| {
				seen.raised += u32::from(previewed == raised());
				seen.windows_full += is(Error::MintWindowFull) + is(Error::ExitWindowFull);
			});
			assert_eq!(called, Err(previewed));
		}
	}
}

/// Take the collateral worth its debt out of a vault, no more.
fn settle_vault(id: VaultId) {
	let (before, owed, index) = (vault(id), debt(id), vault(id).branch);
	let settlement = branch(index).settlement;
	let settled = Vaults::settle(signed(&PAUPER), id);
	let Some(settlement) = settlement else {
		assert_eq!(settled, Err(Error::<Test>::NotShutDown.into()));
		return;
	};
	if owed == 0 {
		assert_eq!(settled, Err(Error::<Test>::NothingChanged.into()));
		return;
	}
	if Now::get() < settlement.at + GRACE_MS {
		assert_eq!(settled, Err(Error::<Test>::GracePeriod.into()));
		seen(|seen| seen.waited += 1);
		return;
	}
	assert_eq!(settled, Ok(()));
	let given = before.collateral - vault(id).collateral;
	let worth = |amount| {
		let divisor = branch(index).divisor;
		value::value_of(amount, settlement.price, divisor, Rounding::Down).unwrap()
	};
	// Enough, and not a base unit more; or all there was.
	assert!(worth(given) >= owed || vault(id).collateral == 0);
	assert!(given == 0 || worth(given - 1) < owed);
	assert_eq!(debt(id), 0);
	seen(|seen| seen.settled += 1);
}

/// Redeem what was quoted: the same numbers or the same error, but for means somebody lacks.
fn redeem_as_quoted(who: &AccountId, index: BranchId, amount: Balance) {
	let asset = branch(index).collateral;
	let before = (Assets::balance(asset, who), kusd(who), kusd(&FUND));
	let quote = Vaults::quote_redeem(index, amount);
	// A quote leaves no trace.
	assert_eq!(kusd(&FUND), before.2);
	match (quote, Vaults::redeem(signed(who), index, amount)) {
		(Ok(quote), Ok(())) => {
			assert_eq!(Assets::balance(asset, who), before.0 + quote.collateral);
			assert_eq!(kusd(who), before.1 - quote.burned);
			assert!(quote.burned > 0 && quote.collateral > 0);
			seen(|seen| seen.redeemed += 1);
		}
		(Ok(quote), Err(error)) => assert!(quote.burned > before.1, "{error:?}"),
		(Err(quoted), called) => assert_eq!(called, Err(quoted)),
	}
}

fn liquidate(branch: BranchId, id: VaultId) {
	let quoted = Vaults::deficit(Group::Branch(branch), id);
	let before = vault(id);
	let owed = debt(id);
	match Vaults::liquidate(Group::Branch(branch), id) {
		Ok(outcome) => {
			assert_eq!(quoted, Ok(outcome.debt));
			assert_eq!(
				outcome.absorbed + outcome.auctioned + outcome.shortfall,
				outcome.debt
			);
			assert!(outcome.debt <= owed && outcome.collateral <= before.collateral);
			seen(|seen| {
				seen.partial += u32::from(outcome.debt < owed);
				seen.whole += u32::from(outcome.debt == owed);
				seen.absorbed += u32::from(outcome.absorbed > 0);
				seen.auctioned += u32::from(outcome.auctioned > 0);
				seen.short += u32::from(outcome.shortfall > 0);
			});
			match crate::Vaults::<Test>::get(id) {
				Some(after) => {
					assert_eq!(after.collateral, before.collateral - outcome.collateral);
					assert!(debt(id) >= owed - outcome.debt);
					assert!(!unsafe_vaults(branch).contains(&id));
				}
				None => assert_eq!((outcome.debt, outcome.collateral), (owed, before.collateral)),
			}
		}
		Err(error) => {
			// What the check lets through only its neighbours can stop.
			if quoted.is_ok() {
				assert!(AuctionsFail::get() || FundFails::get(), "{error:?}");
			} else {
				assert_eq!(quoted, Err(error));
			}
		}
	}
}

fn apply(op: Op) {
	match op {
		Op::Open {
			who,
			branch: index,
			collateral,
			share,
		} => {
			let index = some_branch(index);
			// Around a hundred thousand dollars' worth at the first prices.
			let unit = [20, ONE_BTC, 20 * ONE_ETH, 10_000 * ONE_DOT, 1][index as usize];
			let collateral = unit * Balance::from(collateral % 100) + Balance::from(collateral % 7);
			let most = Vaults::maximum_mintable(index, collateral).unwrap_or_default();
			// Sometimes a little too much.
			let debt = share_of(most, share.saturating_mul(2)) + Balance::from(share % 2);
			let preview = Vaults::preview_open(index, collateral, debt).map(|_| ());
			let opened = Vaults::open(signed(&someone(who)), index, collateral, debt);
			if preview.is_err() || opened.is_ok() {
				assert_eq!(opened, preview);
			}
		}
		Op::Adjust {
			vault: id,
			collateral,
			debt: side,
		} => {
			if let Some(id) = some_vault(id) {
				adjust_as_previewed(id, collateral.of(vault(id).collateral), side.of(debt(id)));
			}
		}
		Op::Close { vault: id } => {
			if let Some(id) = some_vault(id) {
				let (owner, owed) = (vault(id).owner, debt(id));
				let means = kusd(&owner);
				assert_eq!(Vaults::close(signed(&owner), id).is_ok(), means >= owed);
			}
		}
		Op::Repay {
			who,
			vault: id,
			share,
		} => {
			if let Some(id) = some_vault(id) {
				let (who, before) = (someone(who), debt(id));
				let means = kusd(&who);
				if Vaults::repay(signed(&who), id, share_of(means, share)).is_ok() {
					let paid = means - kusd(&who);
					assert!(paid <= before && debt(id) >= before - paid);
				}
			}
		}
		Op::TopUp {
			who,
			vault: id,
			amount,
		} => {
			if let Some(id) = some_vault(id) {
				let _ = Vaults::top_up(signed(&someone(who)), id, amount.into());
			}
		}
		Op::Pass { ms } => pass(ms.into()),
		Op::Hour => pass(3_600_000),
		Op::Years { tenths } => {
			pass(YEAR / 10 * u64::from(tenths));
			// An hour of it follows with every visit.
			(0..tenths).for_each(|_| pass(PERIOD));
		}
		Op::Price {
			branch: index,
			percent: change,
		} => {
			let feed = branch(some_branch(index)).feed;
			let old = PriceTable::get()[&feed].value.into_inner();
			let new =
				(old / 100 * u128::from(change)).clamp(keel_math::ONE / 100, keel_math::ONE * 1_000_000);
			move_price(feed, FixedU128::from_inner(new));
		}
		Op::Volatility {
			branch: index,
			percent: volatility,
		} => set_volatility(branch(some_branch(index)).feed, percent(volatility.into())),
		Op::Fee { branch, percent: fee } => {
			set_parameters(some_branch(branch), |p| p.stability_fee = percent(fee.into()))
		}
		Op::Minimum { branch, dollars } => set_parameters(some_branch(branch), |p| {
			p.minimum_debt = USD * Balance::from(dollars)
		}),
		Op::FundPool { vault: id, share } => {
			if let Some(id) = some_vault(id) {
				let owner = vault(id).owner;
				let amount = share_of(kusd(&owner), share);
				if amount > 0 {
					Assets::transfer(signed(&owner), KUSD, POOL, amount).unwrap();
				}
			}
		}
		Op::Liquidate { branch } => {
			let branch = some_branch(branch);
			if Vaults::threshold(Group::Branch(branch)).is_ok() {
				for id in unsafe_vaults(branch) {
					liquidate(branch, id);
				}
			}
		}
		Op::LiquidateAny { vault: id } => {
			if let Some(id) = some_vault(id) {
				if Vaults::threshold(Group::Branch(vault(id).branch)).is_ok() {
					liquidate(vault(id).branch, id);
				} else {
					let refusal = Vaults::liquidate(Group::Branch(vault(id).branch), id).unwrap_err();
					let safe: DispatchError = Error::<Test>::VaultSafe.into();
					let shut: DispatchError = Error::<Test>::BranchShutDown.into();
					assert!(refusal == refused() || refusal == safe || refusal == shut);
				}
			}
		}
		Op::Settle { who } => settle(who),
		Op::Level { subject, level } => {
			let index = some_branch(subject / 4);
			let subject = match subject % 4 {
				0 => BreakerSubject::Chain,
				1 => BreakerSubject::Branch(index),
				_ => BreakerSubject::Mint(MintPath::Vaults(index)),
			};
			// Mostly normal: a raised level passes.
			let level = match level {
				0..50 => Level::Guarded,
				50..80 => Level::ReduceOnly,
				80..100 => Level::Halted,
				_ => Level::Normal,
			};
			raise(subject, level);
		}
		Op::Windows {
			branch,
			minted,
			exits,
		} => set_parameters(some_branch(branch), |p| {
			p.mint_limit = percent(u128::from(minted) / 2);
			p.exit_limit = percent(u128::from(exits) / 2);
		}),
		Op::ShutDown { branch: index, price } => {
			// Seldom: most of a run has most branches.
			if index < 96 {
				let named = (price < 32).then(|| dollars(u128::from(price) * 2_000));
				shut_down(some_branch(index), named);
			}
		}
		Op::SettleVault { vault: id } => {
			if let Some(id) = some_vault(id) {
				settle_vault(id);
			}
		}
		Op::Idle { vaults } => {
			let limit = <() as crate::WeightInfo>::settle_worst(u32::from(vaults) % 4);
			let waiting = in_grace();
			assert!(idle(limit).all_lte(limit));
			assert_eq!(in_grace(), waiting);
		}
		Op::Redeem { who, branch, share } => {
			let who = someone(who);
			// Sometimes a little more than there is.
			let amount = share_of(kusd(&who), share) + Balance::from(share % 2);
			redeem_as_quoted(&who, some_branch(branch), amount);
		}
		Op::Outage { purposes } => {
			let all = [PriceFor::AddRisk, PriceFor::ReduceRisk, PriceFor::Liquidate];
			// Mostly none: an outage passes.
			let refused = |i: &usize| purposes < 64 && purposes & (1 << i) > 0;
			RefusedFor::set((0..3).filter(refused).map(|i| all[i]).collect());
		}
		Op::Failures { which } => {
			PoolFails::set(which < 80 && which & 1 > 0);
			AuctionsFail::set(which < 80 && which & 2 > 0);
			FundFails::set(which < 80 && which & 4 > 0);
		}
	}
}

/// Shut a branch down at the price its feed has, or at `named` if it has none.
fn shut_down(index: BranchId, named: Option<FixedU128>) {
	let before = branch(index);
	let shut = before.settlement.is_some();
	let dead = RefusedFor::get().contains(&PriceFor::ReduceRisk);
	let called = Vaults::shut_down(RuntimeOrigin::root(), index, named);
	let error = match named {
		_ if shut => Some(Error::<Test>::BranchShutDown.into()),
		Some(_) if !dead => Some(Error::<Test>::PriceIsKnown.into()),
		Some(price) if price == dollars(0) => Some(Error::<Test>::NoPriceToSettleAt.into()),
		None if dead && before.total_normalised > 0 => Some(refused()),
		_ => None,
	};
	assert_eq!(called, error.map_or(Ok(()), Err));
	if called.is_ok() {
		let price = PriceTable::get()[&before.feed];
		let locked = Vaults::shutdown(index).unwrap().price;
		assert_eq!(locked, named.unwrap_or(price.value.min(price.twap)));
		seen(|seen| seen.named += u32::from(named.is_some()));
	}
}

/// What the vaults of branches in their grace period owe.
fn in_grace() -> Vec<u128> {
	(BTC_BRANCH..=DEED_BRANCH)
		.map(branch)
		.filter(|branch| {
			let from = branch
				.settlement
				.as_ref()
				.map(|settlement| settlement.at + GRACE_MS);
			from.is_some_and(|from| Now::get() < from)
		})
		.map(|branch| branch.total_normalised)
		.collect()
}

/// Whatever state a run ends in, shutting everything down ends well: every vault closes, the claims are redeemed by whoever
/// holds the kUSD, and no collateral stays without a claim on it.
fn end() {
	FundFails::set(false);
	for index in BTC_BRANCH..=DEED_BRANCH {
		if branch(index).settlement.is_none() {
			let named = RefusedFor::get().contains(&PriceFor::ReduceRisk);
			shut_down(index, named.then(|| dollars(1_000)));
		}
	}
	pass_grace();
	idle(Weight::MAX);
	idle(Weight::MAX);
	Vaults::do_try_state().unwrap();
	for (id, vault) in crate::Vaults::<Test>::iter().collect::<Vec<_>>() {
		Vaults::close(signed(&vault.owner), id).unwrap();
	}
	for who in [BOB, CHARLIE, POOL, FUND] {
		let amount = kusd(&who);
		if amount > 0 {
			Assets::transfer(signed(&who), KUSD, ALICE, amount).unwrap();
		}
	}
	let (mut lost, mut open, mut too_small) = (0, 0, false);
	for index in BTC_BRANCH..=DEED_BRANCH {
		let claims = Vaults::shutdown(index).unwrap().claims.unwrap();
		let amount = claims.min(kusd(&ALICE));
		if amount > 0 {
			let redeemed = Vaults::redeem(signed(&ALICE), index, amount);
			// Of an indivisible pot the last unit goes with the last claim alone.
			let small: DispatchError = Error::<Test>::RedemptionTooSmall.into();
			assert!(redeemed.is_ok() || redeemed == Err(small) && amount < claims);
			too_small |= redeemed.is_err();
		}
		Vaults::do_try_state().unwrap();
		let left = Vaults::shutdown(index).unwrap().claims.unwrap();
		let held = Assets::balance(branch(index).collateral, Vaults::branch_account(index));
		assert_eq!(left == 0, held == 0);
		seen(|seen| seen.finished += u32::from(left == 0));
		open += left;
		lost += u128::try_from(-branch(index).issued).unwrap_or(0);
	}
	// What rounding took from owners of one branch they repaid with kUSD of another: so much of it is missing at the end.
	assert!(too_small || open <= lost, "{open} {lost}");
}

/// The exit windows of the vaults add up to their branch's after `operations`, but for what each rounded:
/// what vaults that are still there took is no more than it counts, and their credits are what it counts as
/// come in.
fn check_windows(operations: u128) {
	let now = Now::get();
	for index in BTC_BRANCH..=DEED_BRANCH {
		let (mut used, mut credit, mut slack) = (0u128, 0u128, 2 * operations);
		for vault in crate::Vaults::<Test>::iter_values().filter(|vault| vault.branch == index) {
			used += vault.exits.used(now);
			credit += vault.exits.credit(now);
			slack += 2;
		}
		let branch = branch(index);
		// What fades in two steps fades by the last of 18 digits more or less than in one: a thousandth of a
		// billionth of an ETH.
		slack += if index == ETH_BRANCH { 1_000_000 } else { 0 };
		let counted = branch.withdrawn.used(now);
		assert!(used <= counted + slack, "{index}: {used} of {counted}");
		let entered = branch.entered.used(now);
		assert!(
			entered.abs_diff(credit) <= slack,
			"{index}: {entered} of {credit}"
		);
		seen(|seen| seen.credited += u32::from(credit > 1_000_000));
	}
}

fn settle(who: u8) {
	if !FundFails::get() {
		settle_auction(&someone(who));
	}
}

/// What happened over all cases, so that a run that exercised nothing fails.
#[derive(Debug, Default)]
struct Seen {
	operations: u32,
	opened: u64,
	partial: u32,
	whole: u32,
	absorbed: u32,
	auctioned: u32,
	short: u32,
	previewed: u32,
	raised: u32,
	windows_full: u32,
	credited: u32,
	waited: u32,
	named: u32,
	settled: u32,
	redeemed: u32,
	finished: u32,
	income: Balance,
}

thread_local! {
	static SEEN: RefCell<Seen> = RefCell::default();
}

fn seen(count: impl FnOnce(&mut Seen)) {
	SEEN.with_borrow_mut(count);
}

#[test]
fn every_invariant_holds_after_every_operation() {
	let config = ProptestConfig {
		cases: 128,
		..ProptestConfig::with_source_file(file!())
	};
	let cases = prop::collection::vec(op(), 120..160);
	let run = TestRunner::new(config).run(&cases, |ops| {
		ExtBuilder::default().build_and_execute(|| {
			// Indices of all sizes, as years of interest would have left them.
			set_index(ETH_BRANCH, RAY * 3 / 2 + 1);
			set_index(DOT_BRANCH, RAY * 37 / 10 + 12_345);
			set_index(DEED_BRANCH, RAY * 123 / 10 + 7);
			for (done, op) in ops.into_iter().enumerate() {
				let shown = format!("{op:?}");
				apply(op);
				if let Err(error) = Vaults::do_try_state() {
					panic!("after {shown}: {error:?}");
				}
				check_windows(done as u128 + 1);
				seen(|seen| seen.operations += 1);
			}
			seen(|seen| {
				seen.opened += crate::NextVaultId::<Test>::get();
				seen.income += kusd(&FUND);
			});
			end();
		});
		Ok(())
	});
	if let Err(error) = run {
		panic!("{error}");
	}
	let all = SEEN.take();
	println!("{all:?}");
	assert!(all.operations >= 2_000);
	for count in [
		all.partial,
		all.whole,
		all.absorbed,
		all.auctioned,
		all.short,
		all.previewed,
		all.raised,
		all.windows_full,
		all.credited,
		all.waited,
		all.named,
		all.settled,
		all.redeemed,
		all.finished,
	] {
		assert!(count > 0, "{all:?}");
	}
	assert!(all.opened > 0 && all.income > 0);
}
