//! Windows, levels and parameters on a whole chain: what one account can take from others and for how long,
//! and what a changed number does to those who are in already.

mod common;

use common::*;
use frame_support::{
	assert_noop, assert_ok,
	storage::{with_transaction, TransactionOutcome},
	traits::fungibles::Mutate as _,
};
use keel_primitives::{
	BranchKey, BreakerSubject, ChainParameters, CircuitBreaker as _, Group, Level, MintPath,
	PositionLedger as _, RiskParameters as _, VaultId,
};
use keel_runtime::{
	governance::pallet_origins::Origin, Assets, Balance, CircuitBreaker, Moment, RiskParameters, Runtime,
	RuntimeEvent, Vaults,
};
use pallet_risk_parameters::{policy, reach, Change as Set, Key, Reach, Subject};
use pallet_vaults::Change::{self, Decrease, Increase, Keep};
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{DispatchError, DispatchResult};

const ONE_BTC: u128 = 100_000_000;
const ONE_ETH: u128 = 1_000_000_000_000_000_000;
const ONE_DOT: u128 = 10_000_000_000;
const MINUTE: Moment = 60_000;
const HOUR: Moment = 60 * MINUTE;

fn prices() -> Vec<(u32, f64)> {
	vec![
		(1, 1.0),
		(BTC, 60_000.0),
		(ETH, 3_000.0),
		(DOT, 6.0),
		(5, 1.0),
		(6, 150.0),
	]
}

fn with(feed: u32, price: f64) -> Vec<(u32, f64)> {
	prices()
		.into_iter()
		.map(|(f, p)| (f, if f == feed { price } else { p }))
		.collect()
}

/// The chain's numbers with a fallback that waits as long as it can.
fn never_by_the_block() -> ChainParameters {
	ChainParameters {
		fallback_blocks: 16,
		..RiskParameters::chain()
	}
}

/// A chain with ten calm minutes behind it, on which everybody named has collateral and kUSD for fees.
fn calm(owners: &[Sr25519Keyring]) -> (Chain, Moment) {
	let mut chain = Chain::new();
	chain.try_state = false;
	let mut now = BEGIN;
	for _ in 0..20 {
		now += 30_000;
		chain.fed_block(now, &prices());
	}
	chain.state(|| {
		for owner in owners {
			assert_ok!(Assets::mint_into(DOT, &who(*owner), 1_000_000 * ONE_DOT));
			assert_ok!(Assets::mint_into(BTC, &who(*owner), 1_000 * ONE_BTC));
			assert_ok!(Assets::mint_into(ETH, &who(*owner), 1_000 * ONE_ETH));
		}
	});
	now += 2_000;
	chain.block(now, || {
		for owner in owners {
			assert_ok!(open(*owner, ETH, 100 * ONE_ETH, kusd(10_000)));
		}
	});
	chain.state(check_state);
	(chain, now)
}

/// Fed blocks of the same prices every half minute for `time`. Returns the time after.
fn wait(chain: &mut Chain, mut now: Moment, time: Moment) -> Moment {
	let until = now + time;
	while now < until {
		now = (now + 30_000).min(until);
		chain.fed_block(now, &prices());
	}
	now
}

fn open(owner: Sr25519Keyring, branch: u32, collateral: Balance, debt: Balance) -> DispatchResult {
	let open = pallet_vaults::Call::<Runtime>::open {
		branch,
		collateral,
		debt,
	};
	call(owner, open)
}

fn adjust(owner: Sr25519Keyring, vault: VaultId, collateral: Change, debt: Change) -> DispatchResult {
	let adjust = pallet_vaults::Call::<Runtime>::adjust {
		vault,
		collateral,
		debt,
	};
	call(owner, adjust)
}

fn close(owner: Sr25519Keyring, vault: VaultId) -> DispatchResult {
	call(owner, pallet_vaults::Call::<Runtime>::close { vault })
}

fn newest(owner: Sr25519Keyring) -> VaultId {
	*Vaults::vaults_of(who(owner)).last().unwrap()
}

fn mint_room() -> Balance {
	Vaults::mint_room(DOT).unwrap()
}

fn exit_room() -> Balance {
	Vaults::exit_room(BTC).unwrap()
}

/// The levels of the DOT branch and of what may be minted in it.
fn levels() -> [Level; 2] {
	[
		BreakerSubject::Branch(DOT),
		BreakerSubject::Mint(MintPath::Vaults(DOT)),
	]
	.map(CircuitBreaker::level)
}

/// The kind: a limit of a window is the trigger of a level, so a round trip closes a door to all. Before:
/// Bob's mints succeeded 0 of 269 times in two hours, at a cost of 0.078 kUSD to Eve.
#[test]
fn opening_and_closing_again_holds_nobody_out() {
	let (mut chain, begin) = calm(&[Eve, Bob]);
	let limit = chain.state(mint_room);
	assert_eq!(limit, kusd(200_000));
	let mut now = begin + 2_000;
	chain.block(now, || {
		assert_ok!(open(Bob, DOT, 100_000 * ONE_DOT, kusd(1_000)));
	});
	let bobs = chain.state(|| newest(Bob));
	let cost = chain.state(|| balance(KUSD, Eve));
	let (mut tried, mut minted) = (0u32, 0u32);
	let mut next = now;
	while now < begin + 2 * HOUR {
		let mut attempt = |chain: &mut Chain, now| {
			chain.fed_block(now, &prices());
			chain.block(now + 2_000, || {
				tried += 1;
				minted += u32::from(adjust(Bob, bobs, Keep, Increase(kusd(10))).is_ok());
				assert_eq!(levels(), [Level::Normal; 2]);
			});
		};
		if now >= next {
			next = now + 10 * MINUTE;
			now += 2_000;
			chain.block(now, || {
				assert_ok!(open(Eve, DOT, 200_000 * ONE_DOT, mint_room()));
			});
			assert_eq!(chain.state(mint_room), 0);
			// While she is in, all of it is hers: for a block.
			now += 2_000;
			chain.block(now, || {
				assert_ok!(close(Eve, newest(Eve)));
				assert!(mint_room() >= limit - kusd(3_000), "{}", mint_room());
			});
		}
		now += 25_000;
		attempt(&mut chain, now);
		now += 2_000;
	}
	assert!(tried >= 250 && minted == tried, "{minted} of {tried}");
	println!(
		"open and close: Bob minted {minted} of {tried} times, Eve paid {} base units of kUSD",
		cost - chain.state(|| balance(KUSD, Eve))
	);
	chain.state(check_state);
}

/// The kind: who takes what is offered closes it to others for longer than it is taken. Before: the mint path
/// went to `ReduceOnly`.
#[test]
fn minting_all_of_the_room_raises_nothing() {
	let (mut chain, mut now) = calm(&[Eve]);
	now += 2_000;
	chain.block(now, || {
		assert_ok!(open(Eve, DOT, 200_000 * ONE_DOT, mint_room()));
	});
	for _ in 0..60 {
		now = wait(&mut chain, now, MINUTE);
		assert_eq!(chain.state(levels), [Level::Normal; 2]);
	}
	// And again, all that came back: the rate is bounded, and nothing else.
	chain.block(now + 2_000, || {
		assert_ok!(adjust(Eve, newest(Eve), Keep, Increase(mint_room())));
	});
	wait(&mut chain, now + 2_000, 10 * MINUTE);
	assert_eq!(chain.state(levels), [Level::Normal; 2]);
	chain.state(check_state);
}

/// Squatting, stated: an account that takes all of the room and stays leaves others what refills, 63 % of the
/// limit within the hour at once or all of it bit by bit, whether it sits still, repays and mints again, or
/// closes and opens again. Holding the room takes more debt every hour, until the ceiling is reached, each
/// kUSD of it collateralised and charged the stability fee.
#[test]
fn squatting_leaves_others_what_refills() {
	type Squat = fn(VaultId) -> DispatchResult;
	let still: Squat = |_| Ok(());
	let again: Squat = |id| {
		adjust(Eve, id, Keep, Decrease(kusd(199_000)))?;
		adjust(Eve, id, Keep, Increase(kusd(199_000)))
	};
	let anew: Squat = |id| {
		close(Eve, id)?;
		open(Eve, DOT, 200_000 * ONE_DOT, kusd(200_000))
	};
	for (name, squat) in [("sits", still), ("repays", again), ("closes", anew)] {
		let (mut chain, mut now) = calm(&[Eve, Bob]);
		let limit = chain.state(mint_room);
		now += 2_000;
		chain.block(now, || {
			assert_ok!(open(Bob, DOT, 500_000 * ONE_DOT, kusd(100)));
			assert_ok!(open(Eve, DOT, 200_000 * ONE_DOT, mint_room()));
		});
		let (bobs, mut minted) = chain.state(|| (newest(Bob), 0));
		for _ in 0..6 {
			now = wait(&mut chain, now, 10 * MINUTE);
			now += 2_000;
			chain.block(now, || {
				assert_ok!(squat(newest(Eve)));
				let room = mint_room();
				assert_ok!(adjust(Bob, bobs, Keep, Increase(room)));
				minted += room;
			});
		}
		let share = minted * 1_000 / limit;
		println!("Eve {name}: others mint {share} of 1000 parts of the limit within the hour");
		// Taken as it refills, it is an hour's share of the limit.
		assert!((900..=1_000).contains(&share), "{name}: {share}");
		assert_eq!(chain.state(levels), [Level::Normal; 2]);
		chain.state(check_state);
	}
}

/// The kind: an inflow that leaves again widens a window. Before: of 100 BTC and a limit of a half, 95.03
/// were let out after a second vault of 30 was opened, which was closed afterwards.
#[test]
fn collateral_that_leaves_in_the_same_block_widens_no_exit_window() {
	let (mut chain, mut now) = calm(&[Eve, Bob]);
	now += 2_000;
	chain.block(now, || {
		assert_ok!(open(Eve, BTC, 80 * ONE_BTC, kusd(1_000)));
		assert_ok!(open(Bob, BTC, 20 * ONE_BTC, kusd(500_000)));
	});
	let main = chain.state(|| newest(Eve));
	// Past the hours in which it counts as new.
	now = wait(&mut chain, now, 10 * HOUR);
	let room = chain.state(exit_room);
	// Half of the hundred.
	assert!(room > 4_999 * ONE_BTC / 100 && room <= 50 * ONE_BTC, "{room}");
	now += 2_000;
	let out = chain.block(now, || {
		let room = exit_room();
		assert_ok!(open(Eve, BTC, 30 * ONE_BTC, kusd(1_000)));
		let second = newest(Eve);
		assert_eq!(exit_room(), room);
		// What faded least of her own of ten hours ago goes out beside it: 0.0036 BTC.
		let own = pallet_vaults::Vaults::<Runtime>::get(main)
			.unwrap()
			.exits
			.credit(keel_runtime::Timestamp::get());
		assert!(own < ONE_BTC / 250, "{own}");
		let all = room + own;
		assert_noop!(
			adjust(Eve, main, Decrease(all + 1), Keep),
			pallet_vaults::Error::<Runtime>::ExitWindowFull
		);
		assert_ok!(adjust(Eve, main, Decrease(all), Keep));
		// Her own of this hour is hers to take, by either door; the rest stays.
		assert_noop!(
			adjust(Eve, second, Decrease(30 * ONE_BTC - 1), Keep),
			pallet_vaults::Error::<Runtime>::RatioTooLow
		);
		assert_ok!(adjust(Eve, second, Decrease(20 * ONE_BTC), Keep));
		assert_ok!(close(Eve, second));
		// To the rounding of what fades.
		assert_noop!(
			adjust(Eve, main, Decrease(10), Keep),
			pallet_vaults::Error::<Runtime>::ExitWindowFull
		);
		all
	});
	println!("exit window: {out} of {} base units left", 100 * ONE_BTC);
	// Repaying everything is open, whatever the window says.
	now += 2_000;
	chain.block(now, || {
		assert_ok!(close(Eve, main));
	});
	chain.state(check_state);
}

fn set_branch(branch: u32, key: BranchKey, value: u128) -> DispatchResult {
	let changes = vec![Set {
		key: Key::Branch(key),
		value,
	}];
	let subject = Subject::Branch(branch);
	let set = pallet_risk_parameters::Call::<Runtime>::set_values {
		subject,
		changes: changes.try_into().unwrap(),
	};
	as_referendum(Origin::RiskAdjust, set)
}

/// What a vault of 150 can do and what is done to it, with `key` at `value`: whether it repays 10 and closes,
/// and what a liquidation takes.
fn fate(id: VaultId, key: BranchKey, value: u128) -> [Result<(u128, u128), DispatchError>; 3] {
	let attempt = |what: &dyn Fn() -> DispatchResult| {
		with_transaction(|| {
			let mut set = RiskParameters::branch(ETH).unwrap();
			set.set(key, value).unwrap();
			RiskParameters::set_branch(ETH, set);
			let done = what().map(|()| {
				pallet_vaults::Vaults::<Runtime>::get(id)
					.map_or((0, 0), |vault| (vault.collateral, vault.normalised_debt))
			});
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(done))
		})
		.unwrap()
	};
	[
		attempt(&|| adjust(Eve, id, Keep, Decrease(kusd(10)))),
		attempt(&|| close(Eve, id)),
		attempt(&|| Vaults::liquidate(Group::Branch(ETH), id).map(|_| ())),
	]
}

/// The kind: a parameter reaches what exists without the gate and the ramp. Every key of a branch that is
/// said not to reach open vaults at once is moved to both ends of its bounds, past steps and cooldowns: an
/// unsafe vault repays, closes and is liquidated as before.
#[test]
fn no_key_reaches_open_vaults_at_once_that_is_not_said_to() {
	let (mut chain, mut now) = calm(&[Eve]);
	chain.workers = false;
	now += 2_000;
	chain.block(now, || {
		assert_ok!(open(Eve, ETH, ONE_ETH / 10, kusd(150)));
	});
	let id = chain.state(|| newest(Eve));
	// To just below 1.5 of 150.
	let mut price = 3_000.0;
	while price > 2_240.0 {
		price = f64::max(price * 0.995, 2_240.0);
		now += 28_000;
		chain.fed_block(now, &with(ETH, price));
		chain.state(|| RiskParameters::set_chain(never_by_the_block()));
	}
	chain.state(|| {
		let before = fate(id, BranchKey::MinimumDebt, kusd(100));
		assert!(before.iter().all(Result::is_ok), "{before:?}");
		let mut checked = 0;
		for key in BranchKey::ALL {
			let reach = reach(Key::Branch(*key));
			if reach == Reach::AtOnce {
				continue;
			}
			let bounds = policy(Key::Branch(*key)).bounds;
			for value in [bounds.min, bounds.max] {
				let mut after = fate(id, *key, value);
				// Lower ones may arrive at once: they charge and take less.
				if matches!(reach, Reach::Gate | Reach::Ramp) && after[2] != before[2] {
					let (left, debt) = after[2].unwrap();
					let (was_left, owed) = before[2].unwrap();
					assert!(left >= was_left && debt >= owed, "{key:?} at {value}: {after:?}");
					after[2] = before[2];
				}
				assert_eq!(after, before, "{key:?} at {value}");
				checked += 1;
			}
		}
		assert_eq!(checked, 2 * (BranchKey::ALL.len() - 3));
	});
}

/// The kind: a parameter reaches what exists without the gate and the ramp. Before: after the minimum debt
/// rose from 100 to 200, a vault of 150 could not repay 10, and a fall liquidated all of its 150 instead of
/// 22.
#[test]
fn a_raised_minimum_debt_does_not_reach_a_vault_that_exists() {
	let (mut chain, mut now) = calm(&[Eve]);
	now += 2_000;
	chain.block(now, || {
		assert_ok!(open(Eve, ETH, ONE_ETH / 10, kusd(160)));
	});
	let id = chain.state(|| newest(Eve));
	now += 2_000;
	chain.block(now, || {
		assert_eq!(RiskParameters::branch(ETH).unwrap().minimum_debt, kusd(100));
		assert_ok!(set_branch(ETH, BranchKey::MinimumDebt, kusd(200)));
		assert_ok!(adjust(Eve, id, Keep, Decrease(kusd(10))));
		assert_noop!(
			open(Eve, ETH, ONE_ETH, kusd(199)),
			pallet_vaults::Error::<Runtime>::DebtBelowMinimum
		);
	});
	// To just below 1.5 of 150.
	let mut price = 3_000.0;
	let mut liquidated = Vec::new();
	for _ in 0..60 {
		price = f64::max(price * 0.99, 2_240.0);
		now += 28_000;
		chain.fed_block(now, &with(ETH, price));
		now += 2_000;
		chain.block(now, || ());
		liquidated.extend(chain.state(|| {
			events()
				.into_iter()
				.filter_map(|event| match event {
					RuntimeEvent::Vaults(pallet_vaults::Event::Liquidated { vault, debt, .. })
						if vault == id =>
					{
						Some(debt)
					}
					_ => None,
				})
				.collect::<Vec<_>>()
		}));
	}
	println!("a vault of 150: liquidated {liquidated:?}");
	assert!(!liquidated.is_empty());
	let all: u128 = liquidated.iter().sum();
	assert!(all < kusd(50), "{all}");
	chain.state(check_state);
}
