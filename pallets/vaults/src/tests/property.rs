//! Random operations: every invariant holds after each of them, and previews tell the truth.

use std::cell::RefCell;

use keel_math::FixedU128;
use keel_primitives::{Balance, BranchId, PositionLedger, PriceFor, VaultId};
use proptest::{prelude::*, test_runner::TestRunner};
use sp_runtime::DispatchError;

use crate::{mock::*, Change, Error, Preview};

#[derive(Clone, Debug)]
enum Op {
	Open {
		who: u8,
		branch: u8,
		collateral: u32,
		share: u8,
	},
	Adjust {
		vault: u8,
		collateral: Side,
		debt: Side,
	},
	Close {
		vault: u8,
	},
	Repay {
		who: u8,
		vault: u8,
		share: u8,
	},
	TopUp {
		who: u8,
		vault: u8,
		amount: u32,
	},
	Pass {
		ms: u32,
	},
	Years {
		tenths: u8,
	},
	Price {
		branch: u8,
		percent: u16,
	},
	Volatility {
		branch: u8,
		percent: u16,
	},
	Fee {
		branch: u8,
		percent: u8,
	},
	Minimum {
		branch: u8,
		dollars: u8,
	},
	FundPool {
		vault: u8,
		share: u8,
	},
	Liquidate {
		branch: u8,
	},
	LiquidateAny {
		vault: u8,
	},
	Settle {
		who: u8,
	},
	Outage {
		purposes: u8,
	},
	Failures {
		which: u8,
	},
}

#[derive(Clone, Copy, Debug)]
enum Side {
	Keep,
	/// Up by this share of 64 of what there is, and one.
	Up(u8),
	/// Down by this share of 64 of what there is.
	Down(u8),
	All,
	Tiny(bool),
	Huge(bool),
}

impl Side {
	fn of(self, held: Balance) -> Change {
		match self {
			Side::Keep => Change::Keep,
			Side::Up(share) => Change::Increase(held / 64 * Balance::from(share) + 1),
			Side::Down(share) => Change::Decrease(held / 64 * Balance::from(share)),
			Side::All => Change::Decrease(Balance::MAX),
			Side::Tiny(up) if up => Change::Increase(1),
			Side::Tiny(_) => Change::Decrease(1),
			Side::Huge(up) if up => Change::Increase(Balance::MAX / 3),
			Side::Huge(_) => Change::Decrease(Balance::MAX / 3),
		}
	}
}

fn side() -> impl Strategy<Value = Side> {
	prop_oneof![
		3 => Just(Side::Keep),
		4 => (0..64u8).prop_map(Side::Up),
		4 => (0..70u8).prop_map(Side::Down),
		1 => Just(Side::All),
		1 => any::<bool>().prop_map(Side::Tiny),
		1 => any::<bool>().prop_map(Side::Huge),
	]
}

fn op() -> impl Strategy<Value = Op> {
	prop_oneof![
		6 => (any::<u8>(), any::<u8>(), any::<u32>(), any::<u8>())
			.prop_map(|(who, branch, collateral, share)| Op::Open { who, branch, collateral, share }),
		8 => (any::<u8>(), side(), side())
			.prop_map(|(vault, collateral, debt)| Op::Adjust { vault, collateral, debt }),
		1 => any::<u8>().prop_map(|vault| Op::Close { vault }),
		2 => (any::<u8>(), any::<u8>(), any::<u8>())
			.prop_map(|(who, vault, share)| Op::Repay { who, vault, share }),
		1 => (any::<u8>(), any::<u8>(), any::<u32>())
			.prop_map(|(who, vault, amount)| Op::TopUp { who, vault, amount }),
		4 => (0..120_000u32).prop_map(|ms| Op::Pass { ms }),
		1 => (1..10u8).prop_map(|tenths| Op::Years { tenths }),
		5 => (any::<u8>(), prop_oneof![4 => 70..130u16, 1 => Just(10u16), 1 => Just(1_000u16)])
			.prop_map(|(branch, percent)| Op::Price { branch, percent }),
		1 => (any::<u8>(), 0..800u16).prop_map(|(branch, percent)| Op::Volatility { branch, percent }),
		1 => (any::<u8>(), 0..51u8).prop_map(|(branch, percent)| Op::Fee { branch, percent }),
		1 => (any::<u8>(), 0..200u8).prop_map(|(branch, dollars)| Op::Minimum { branch, dollars }),
		2 => (any::<u8>(), any::<u8>()).prop_map(|(vault, share)| Op::FundPool { vault, share }),
		6 => any::<u8>().prop_map(|branch| Op::Liquidate { branch }),
		1 => any::<u8>().prop_map(|vault| Op::LiquidateAny { vault }),
		2 => any::<u8>().prop_map(|who| Op::Settle { who }),
		1 => any::<u8>().prop_map(|purposes| Op::Outage { purposes }),
		1 => any::<u8>().prop_map(|which| Op::Failures { which }),
	]
}

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
		(Err(previewed), called) => assert_eq!(called, Err(previewed)),
	}
}

fn liquidate(branch: BranchId, id: VaultId) {
	let quoted = Vaults::deficit(branch, id);
	let before = vault(id);
	let owed = debt(id);
	match Vaults::liquidate(branch, id) {
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
		Op::Years { tenths } => pass(YEAR / 10 * u64::from(tenths)),
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
			if Vaults::threshold(branch).is_ok() {
				for id in unsafe_vaults(branch) {
					liquidate(branch, id);
				}
			}
		}
		Op::LiquidateAny { vault: id } => {
			if let Some(id) = some_vault(id) {
				if Vaults::threshold(vault(id).branch).is_ok() {
					liquidate(vault(id).branch, id);
				} else {
					let refusal = Vaults::liquidate(vault(id).branch, id).unwrap_err();
					let safe: DispatchError = Error::<Test>::VaultSafe.into();
					assert!(refusal == refused() || refusal == safe);
				}
			}
		}
		Op::Settle { who } => settle(who),
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
		cases: 64,
		..ProptestConfig::with_source_file(file!())
	};
	let cases = prop::collection::vec(op(), 120..160);
	let run = TestRunner::new(config).run(&cases, |ops| {
		ExtBuilder::default().build_and_execute(|| {
			for op in ops {
				let shown = format!("{op:?}");
				apply(op);
				if let Err(error) = Vaults::do_try_state() {
					panic!("after {shown}: {error:?}");
				}
				seen(|seen| seen.operations += 1);
			}
			seen(|seen| {
				seen.opened += crate::NextVaultId::<Test>::get();
				seen.income += kusd(&FUND);
			});
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
	] {
		assert!(count > 0, "{all:?}");
	}
	assert!(all.opened > 0 && all.income > 0);
}
