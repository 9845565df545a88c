//! What others lost money on, tried on this chain: for each attack what is lost, and the bound that held.

mod common;

use common::*;
use frame_support::{
	assert_noop, assert_ok,
	traits::fungibles::{Inspect as _, Mutate as _},
};
use keel_primitives::{
	BranchKey, BreakerSubject, ChainKey, CircuitBreaker as _, Level, MintPath, RiskParameters as _, VaultId,
};
use keel_runtime::{
	governance::pallet_origins::Origin, Assets, Balance, CircuitBreaker, Moment, RiskParameters, Runtime,
	RuntimeCall, RuntimeOrigin,
};
use pallet_risk_parameters::{Change as Set, Error as RiskError, Key, Subject};
use pallet_vaults::Change;
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{traits::Dispatchable, FixedU128};

const ONE_ETH: u128 = 1_000_000_000_000_000_000;
const FAKE: u32 = 77;

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
	let mut all = prices();
	match all.iter_mut().find(|(f, _)| *f == feed) {
		Some(one) => one.1 = price,
		None => all.push((feed, price)),
	}
	all
}

/// A chain with ten calm minutes behind it.
fn calm() -> (Chain, Moment) {
	let mut chain = Chain::new();
	let mut now = BEGIN;
	for _ in 0..20 {
		now += 30_000;
		chain.fed_block(now, &prices());
	}
	(chain, now)
}

fn open(branch: u32, collateral: Balance, debt: Balance) -> pallet_vaults::Call<Runtime> {
	pallet_vaults::Call::open {
		branch,
		collateral,
		debt,
	}
}

fn set(branch: u32, changes: &[(BranchKey, FixedU128)]) -> pallet_risk_parameters::Call<Runtime> {
	pallet_risk_parameters::Call::set_values {
		subject: Subject::Branch(branch),
		changes: changes
			.iter()
			.map(|(key, value)| Set {
				key: Key::Branch(*key),
				value: value.into_inner(),
			})
			.collect::<Vec<_>>()
			.try_into()
			.unwrap(),
	}
}

fn percent(n: u128) -> FixedU128 {
	FixedU128::from_rational(n, 100)
}

fn level(branch: u32) -> Level {
	CircuitBreaker::level(BreakerSubject::Branch(branch))
}

fn vaults_of(key: Sr25519Keyring) -> Vec<VaultId> {
	pallet_vaults::Pallet::<Runtime>::vaults_of(who(key))
}

/// What a listing starts with: the table's numbers and the largest ceiling a new branch may have.
fn listing() -> keel_primitives::BranchParameters {
	pallet_risk_parameters::limits::new_branch()
}

/// Root lists an asset of `who`'s making, with the default numbers.
fn list_fake(owner: Sr25519Keyring) {
	let root = RuntimeOrigin::root;
	assert_ok!(Assets::force_create(root(), FAKE, who(owner).into(), true, 1));
	assert_ok!(Assets::force_set_metadata(
		root(),
		FAKE,
		b"Fake".to_vec(),
		b"FAKE".to_vec(),
		6,
		false
	));
	assert_ok!(Assets::mint(
		RuntimeOrigin::signed(who(owner)),
		FAKE,
		who(owner).into(),
		1_000_000_000_000_000
	));
	assert_ok!(pallet_prices::Pallet::<Runtime>::add_feed(
		root(),
		FAKE,
		b"FAKE".to_vec().try_into().unwrap(),
		percent(100),
	));
	assert_ok!(pallet_risk_parameters::Pallet::<Runtime>::add_branch(
		root(),
		FAKE,
		Box::new(listing()),
		Default::default(),
	));
	assert_ok!(pallet_vaults::Pallet::<Runtime>::add_branch(
		root(),
		FAKE,
		FAKE,
		FAKE
	));
}

/// Mango 2022, Drift 2026: a collateral somebody controls is pumped tenfold within minutes, and all that can be had is
/// minted against it; then the price goes to nothing.
#[test]
fn pumped_fake_collateral_gets_one_window_and_no_more() {
	let (mut chain, mut now) = calm();
	chain.state(|| list_fake(Eve));
	let ceiling = chain.state(|| RiskParameters::branch(FAKE).unwrap().debt_ceiling);
	for _ in 0..20 {
		now += 30_000;
		chain.fed_block(now, &with(FAKE, 1.0));
	}
	let mut minted = 0;
	let mut worst = Level::Normal;
	let attempts = |minted: &mut Balance| {
		// As much as is let through, in ever smaller bites.
		let mut bite = ceiling;
		while bite >= kusd(100) {
			match call(Eve, open(FAKE, 50_000_000_000_000, bite)) {
				Ok(()) => *minted += bite,
				Err(_) => bite /= 2,
			}
		}
	};
	// Pumped by 8 % every half minute: tenfold in a quarter of an hour. And held for an hour.
	let mut price = 1.0f64;
	for _ in 0..150 {
		now += 28_000;
		price = (price * 1.08).min(10.0);
		chain.fed_block(now, &with(FAKE, price));
		now += 2_000;
		chain.block(now, || attempts(&mut minted));
		worst = worst.max(chain.state(|| level(FAKE)));
	}
	assert!(worst >= Level::ReduceOnly, "the jump was noticed: {worst:?}");
	// An hour and a quarter: what a window lets through, and its share of the time. Never near the ceiling at once.
	let bound = ceiling * 4 / 10 * 9 / 4;
	assert!(minted <= bound && minted < ceiling, "{minted} of {ceiling}");
	// It is worth nothing now. All of it is bad debt, in the worst case.
	for _ in 0..400 {
		now += 30_000;
		chain.fed_block(now, &with(FAKE, 0.000_001));
	}
	let lost = chain.state(|| fund_bad_debt() + auction_debt());
	println!(
		"pumped collateral: minted {} of a ceiling of {}, lost {}",
		minted / 1_000_000,
		ceiling / 1_000_000,
		lost / 1_000_000
	);
	assert!(lost <= minted + minted / 100);
	// The other markets never noticed.
	chain.state(|| {
		for branch in [BTC, ETH, DOT] {
			assert_eq!(
				pallet_circuit_breaker::Pallet::<Runtime>::status(BreakerSubject::Branch(branch))
					.unwrap()
					.level,
				Level::Normal
			);
		}
	});
}

/// Acala 2022: a mint path pays out a hundred times what it should. Through a door of this chain: its window stops it.
#[test]
fn a_mint_path_that_mints_a_hundredfold_gets_one_window() {
	let (mut chain, mut now) = calm();
	// Every operator is wrong by a factor of a hundred, and stays so until the average believes it and the breaker has
	// come down again: an hour and forty minutes in which nobody can mint.
	for _ in 0..200 {
		now += 30_000;
		chain.fed_block(now, &with(DOT, 600.0));
	}
	let set = chain.state(|| RiskParameters::branch(DOT).unwrap());
	now += 2_000;
	let minted = chain.block(now, || {
		let mut minted = 0;
		let mut bite = set.debt_ceiling;
		while bite >= kusd(100) {
			match call(Eve, open(DOT, 100_000_000_000_000, bite)) {
				Ok(()) => minted += bite,
				Err(_) => bite /= 2,
			}
		}
		minted
	});
	let window = set.debt_ceiling * 4 / 10;
	println!(
		"hundredfold: minted {} of a window of {}",
		minted / 1_000_000,
		window / 1_000_000
	);
	assert!(minted > 0 && minted <= window, "{minted} of {window}");
	now += 2_000;
	chain.fed_block(now, &with(DOT, 600.0));
	// The window is full, and nobody mints more than what refills of it.
	let refilled = window / 200;
	chain.state(|| {
		assert!(pallet_vaults::Pallet::<Runtime>::mint_room(DOT).unwrap() <= refilled);
		assert!(call(Eve, open(DOT, 100_000_000_000_000, window / 100)).is_err());
	});
}

/// The same past every door: kUSD that no ledger knows of. The next block stops the chain's new risk, to the unit.
#[test]
fn kusd_from_nowhere_is_seen_in_the_next_block() {
	let (mut chain, mut now) = calm();
	chain.try_state = false;
	now += 2_000;
	chain.block(now, || {
		assert_ok!(call(Bob, open(ETH, 10 * ONE_ETH, kusd(10_000))));
		assert_ok!(call(Alice, open(ETH, 10 * ONE_ETH, kusd(10_000))));
		let fee = pallet_assets::Call::<Runtime>::transfer {
			id: KUSD,
			target: who(Bob).into(),
			amount: kusd(10),
		};
		assert_ok!(call(Alice, fee));
	});
	chain.state(|| {
		assert_ok!(Assets::mint_into(KUSD, &who(Eve), kusd(1_000_000)));
	});
	now += 2_000;
	chain.fed_block(now, &prices());
	chain.state(|| {
		let status = pallet_circuit_breaker::Pallet::<Runtime>::status(BreakerSubject::Chain).unwrap();
		assert_eq!(status.level, Level::Halted);
	});
	now += 2_000;
	chain.block(now, || {
		let vault = vaults_of(Bob)[0];
		assert!(call(Eve, open(ETH, 10 * ONE_ETH, kusd(1_000))).is_err());
		assert!(call(
			Eve,
			pallet_stability_pool::Call::<Runtime>::deposit { amount: kusd(1_000) }
		)
		.is_err());
		// Whoever owes can still leave.
		assert_ok!(call(Bob, pallet_vaults::Call::<Runtime>::close { vault }));
	});
	// Until the books are right again; then it recovers by itself.
	chain.state(|| {
		assert_ok!(Assets::burn_from(
			KUSD,
			&who(Eve),
			kusd(1_000_000),
			frame_support::traits::tokens::Preservation::Expendable,
			frame_support::traits::tokens::Precision::Exact,
			frame_support::traits::tokens::Fortitude::Force,
		));
	});
	for _ in 0..140 {
		now += 30_000;
		chain.fed_block(now, &prices());
	}
	chain.state(|| assert_eq!(CircuitBreaker::level(BreakerSubject::Chain), Level::Normal));
	chain.state(check_state);
}

/// Aave CAPO 2026: one half of a coupled update.
#[test]
fn half_of_a_coupled_update_does_not_happen() {
	let (mut chain, now) = calm();
	chain.block(now + 2_000, || {
		let chain = |changes: &[(ChainKey, u64)]| pallet_risk_parameters::Call::<Runtime>::set_values {
			subject: Subject::Chain,
			changes: changes
				.iter()
				.map(|(key, value)| Set {
					key: Key::Chain(*key),
					value: u128::from(*value),
				})
				.collect::<Vec<_>>()
				.try_into()
				.unwrap(),
		};
		// An outage has to end what liquidations accept: one goes with the other, or neither goes.
		let (age, outage) = ((ChainKey::LiquidateAge, 50_000), (ChainKey::OracleMaxAge, 50_000));
		assert_eq!(
			as_referendum(Origin::RiskAdjust, chain(&[outage])),
			Err(RiskError::<Runtime>::LiquidateAgeAboveOracleAge.into())
		);
		assert_eq!(
			RiskParameters::chain(),
			pallet_risk_parameters::limits::default_chain()
		);
		assert_ok!(could(|| as_referendum(Origin::RiskAdjust, chain(&[outage, age]))));
		// Nothing is clipped to what would fit: the good one of two goes down with the bad one.
		let two = set(
			ETH,
			&[
				(BranchKey::SafetyMargin, percent(11)),
				(BranchKey::PoolBonus, percent(20)),
			],
		);
		assert!(as_referendum(Origin::RiskAdjust, two).is_err());
		// In two calls of one batch the first is undone with the second.
		let halves = pallet_utility::Call::<Runtime>::batch_all {
			calls: vec![
				set(ETH, &[(BranchKey::SafetyMargin, percent(11))]).into(),
				set(ETH, &[(BranchKey::PoolBonus, percent(20))]).into(),
			],
		};
		assert!(as_referendum(Origin::RiskAdjust, halves).is_err());
		assert_eq!(
			RiskParameters::branch(ETH).unwrap(),
			pallet_risk_parameters::limits::default_branch()
		);
	});
}

/// Compound 2020: one venue prints 1.30 for a stablecoin.
#[test]
fn one_venue_printing_130_moves_nothing() {
	let (mut chain, mut now) = calm();
	for wrong in [1.3, 0.7] {
		for _ in 0..20 {
			now += 30_000;
			chain.block(now, || {
				for operator in [Alice, Bob, Charlie, Dave] {
					assert_ok!(feed(operator, &prices()));
				}
				assert_ok!(feed(Eve, &with(5, wrong)));
			});
			chain.state(|| {
				let price = <keel_runtime::Prices as keel_primitives::PriceProvider>::last(5).unwrap();
				assert_eq!(price.value, FixedU128::from_u32(1));
			});
		}
	}
	// All of them at once, from the same source: nobody acts on it before the breaker has seen it.
	chain.state(|| {
		let root = RuntimeOrigin::root;
		assert_ok!(pallet_risk_parameters::Pallet::<Runtime>::add_branch(
			root(),
			5,
			Box::new(listing()),
			Default::default(),
		));
		assert_ok!(pallet_vaults::Pallet::<Runtime>::add_branch(root(), 5, 5, 5));
	});
	now += 30_000;
	chain.fed_block(now, &prices());
	now += 30_000;
	chain.fed_block(now, &with(5, 1.3));
	now += 2_000;
	chain.block(now, || {
		assert_eq!(level(5), Level::Halted);
		assert!(call(Eve, open(5, 10_000_000_000, kusd(5_000))).is_err());
	});
}

/// An outage of the oracle, and the first price after it far below: nobody is liquidated on it, and the market opens again
/// only step by step.
#[test]
fn an_outage_then_a_price() {
	let (mut chain, mut now) = calm();
	now += 2_000;
	chain.block(now, || {
		assert_ok!(call(Bob, open(ETH, 10 * ONE_ETH, kusd(18_000))));
	});
	// Blocks go on, half a minute apart: a stop of the chain is no outage of the oracle.
	for minutes in [2u64, 2, 10, 20] {
		for _ in 0..2 * minutes {
			now += 30_000;
			chain.block(now, || ());
		}
		now += 2_000;
		chain.block(now, || {
			let vault = vaults_of(Bob)[0];
			assert_ok!(call(
				Bob,
				pallet_vaults::Call::<Runtime>::repay {
					vault,
					amount: kusd(10)
				}
			));
			assert!(call(Bob, open(ETH, 10 * ONE_ETH, kusd(1_000))).is_err());
		});
	}
	chain.state(|| assert_eq!(level(ETH), Level::Halted));
	let debt = |chain: &mut Chain| {
		chain.state(|| {
			pallet_vaults::Pallet::<Runtime>::health(vaults_of(Bob)[0])
				.unwrap()
				.debt
		})
	};
	let owed = debt(&mut chain);
	// One price at half, gone with the next.
	now += 2_000;
	chain.fed_block(now, &with(ETH, 1_500.0));
	now += 2_000;
	chain.fed_block(now, &prices());
	for _ in 0..6 {
		now += 2_000;
		chain.fed_block(now, &prices());
	}
	assert!(debt(&mut chain) >= owed, "nobody was liquidated");
	for _ in 0..150 {
		now += 30_000;
		chain.fed_block(now, &prices());
	}
	chain.state(|| assert_eq!(level(ETH), Level::Normal));
}

/// A guardian gone rogue, for a week: everything a third of the committee can do, every hour.
#[test]
fn a_rogue_guardian_can_keep_new_risk_out_and_nothing_else() {
	let (mut chain, mut now) = calm();
	now += 2_000;
	chain.block(now, || {
		assert_ok!(call(Bob, open(ETH, 10 * ONE_ETH, kusd(10_000))));
	});
	let before = chain.state(|| pallet_vaults::Pallet::<Runtime>::health(vaults_of(Bob)[0]).unwrap());
	let (mut open_hours, mut hours) = (0, 0);
	chain.try_state = false;
	for hour in 0..168 {
		for _ in 0..2 {
			now += 30 * 60_000;
			// A price just before and at the moment that counts.
			chain.fed_block(now - 2_000, &prices());
			chain.fed_block(now, &prices());
		}
		now += 2_000;
		chain.block(now, || {
			hours += 1;
			open_hours += u32::from(could(|| call(Eve, open(BTC, 100_000_000, kusd(1_000)))).is_ok());
			let vault = vaults_of(Bob)[0];
			assert_ok!(could(|| call(
				Bob,
				pallet_vaults::Call::<Runtime>::repay {
					vault,
					amount: kusd(10)
				}
			)));
			assert_ok!(could(|| call(
				Bob,
				pallet_vaults::Call::<Runtime>::top_up { vault, amount: 1 }
			)));
			// Everything in its power, in the direction it likes.
			for subject in [
				BreakerSubject::Chain,
				BreakerSubject::Branch(ETH),
				BreakerSubject::Branch(BTC),
				BreakerSubject::Mint(MintPath::Vaults(BTC)),
				BreakerSubject::Mint(MintPath::StabilityFees),
			] {
				let _ = as_guardian(pallet_circuit_breaker::Call::<Runtime>::trip {
					subject,
					level: Level::Halted,
				});
				assert!(as_guardian(pallet_circuit_breaker::Call::<Runtime>::set_level {
					subject,
					level: Level::Normal,
				})
				.is_err());
			}
			for subject in pallet_risk_parameters::Pallet::<Runtime>::subjects() {
				for info in pallet_risk_parameters::Pallet::<Runtime>::parameters(subject) {
					for value in [
						info.tighten.min,
						info.tighten.max,
						info.loosen.min,
						info.loosen.max,
					] {
						let done = as_guardian(pallet_risk_parameters::Call::<Runtime>::set_values {
							subject,
							changes: vec![Set { key: info.key, value }].try_into().unwrap(),
						});
						if done.is_ok() {
							assert!(info.policy.guardian, "{:?}", info.key);
							assert_eq!(
								info.policy.direction(info.value, value),
								Some(pallet_risk_parameters::Direction::Tightened),
							);
						}
					}
				}
			}
			// Nor anything else.
			let eve = who(Eve);
			for what in [
				RuntimeCall::from(pallet_insurance_fund::Call::<Runtime>::spend {
					to: eve.clone(),
					amount: 1,
				}),
				pallet_vaults::Call::<Runtime>::shut_down {
					branch: ETH,
					price: None,
				}
				.into(),
				frame_system::Call::<Runtime>::set_code { code: vec![] }.into(),
				pallet_assets::Call::<Runtime>::force_asset_status {
					id: KUSD,
					owner: eve.clone().into(),
					issuer: eve.clone().into(),
					admin: eve.clone().into(),
					freezer: eve.clone().into(),
					min_balance: 1,
					is_sufficient: true,
					is_frozen: false,
				}
				.into(),
				pallet_membership::Call::<Runtime, pallet_membership::Instance2>::add_member {
					who: eve.into(),
				}
				.into(),
			] {
				assert!(as_guardian(what).is_err());
			}
			for set in [RiskParameters::branch(ETH), RiskParameters::branch(BTC)] {
				assert!(set.unwrap().liquidation_ratio <= percent(250));
			}
		});
		if hour % 24 == 0 {
			chain.state(check_state);
		}
	}
	chain.state(|| {
		check_state();
		let after = pallet_vaults::Pallet::<Runtime>::health(vaults_of(Bob)[0]).unwrap();
		// 300 % at the beginning: nothing was taken from Bob but the fee.
		assert_eq!(after.collateral, before.collateral);
		assert!(after.debt < before.debt + before.debt / 1_000);
		println!(
			"rogue guardian: nothing lost; new risk was open {open_hours} of {hours} hours; ETH's ratio is {:?}, was {:?}",
			after.liquidation_ratio, before.liquidation_ratio
		);
		assert!(fund_bad_debt() == 0);
	});
}

/// In a crash somebody wants to "help" by loosening.
#[test]
fn governance_does_not_loosen_during_a_crash() {
	let (mut chain, mut now) = calm();
	now += 2_000;
	chain.block(now, || {
		assert_ok!(call(Bob, open(ETH, 10 * ONE_ETH, kusd(15_000))));
	});
	now += 30_000;
	chain.fed_block(now, &with(ETH, 2_600.0));
	now += 2_000;
	chain.block(now, || {
		assert_eq!(level(ETH), Level::ReduceOnly);
		let before = RiskParameters::branch(ETH).unwrap();
		for (key, value) in [
			(BranchKey::LiquidationRatio, percent(149)),
			(BranchKey::SafetyMargin, FixedU128::from_rational(99, 1_000)),
			(BranchKey::StabilityFee, FixedU128::from_rational(19, 1_000)),
		] {
			for origin in [RuntimeOrigin::from(Origin::RiskAdjust), RuntimeOrigin::root()] {
				let what: RuntimeCall = set(ETH, &[(key, value)]).into();
				let refused = what.dispatch(origin).map(|_| ()).map_err(|e| e.error);
				assert_eq!(refused, Err(RiskError::<Runtime>::BreakerRaised.into()));
			}
		}
		assert_eq!(RiskParameters::branch(ETH).unwrap(), before);
		// Tightening what only new risk meets is possible at any time; another market's numbers too.
		assert_ok!(as_guardian(set(ETH, &[(BranchKey::SafetyMargin, percent(12))])));
		assert_ok!(as_referendum(
			Origin::RiskAdjust,
			set(
				BTC,
				&[(BranchKey::StabilityFee, FixedU128::from_rational(19, 1_000))]
			)
		));
	});
}

/// Going to and fro fills no window: nobody can close a market for others by minting and repaying.
#[test]
fn churning_fills_no_window() {
	let (mut chain, mut now) = calm();
	now += 2_000;
	chain.block(now, || {
		assert_ok!(call(Bob, open(DOT, 40_000_000_000_000 / 10, kusd(1_000)).clone()));
	});
	now += 2_000;
	chain.block(now, || {
		let vault = vaults_of(Bob)[0];
		let room = pallet_vaults::Pallet::<Runtime>::mint_room(DOT).unwrap();
		for _ in 0..50 {
			let adjust = |collateral, debt| pallet_vaults::Call::<Runtime>::adjust {
				vault,
				collateral,
				debt,
			};
			assert_ok!(call(
				Bob,
				adjust(
					Change::Increase(10_000_000_000_000),
					Change::Increase(kusd(20_000) / 10)
				)
			));
			assert_ok!(call(
				Bob,
				adjust(
					Change::Decrease(10_000_000_000_000),
					Change::Decrease(kusd(20_000) / 10)
				)
			));
		}
		assert_eq!(pallet_vaults::Pallet::<Runtime>::mint_room(DOT).unwrap(), room);
	});
	chain.state(|| assert_eq!(level(DOT), Level::Normal));
	chain.state(|| {
		assert_noop!(
			call(Eve, open(DOT, 1, kusd(1_000))),
			pallet_vaults::Error::<Runtime>::RatioTooLow
		);
	});
	chain.state(|| assert!(Assets::total_issuance(KUSD) > 0));
}
