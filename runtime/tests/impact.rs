//! The impact gate on ten thousand real vaults: its number is a full recount's, and what it reads does not grow with them.

mod common;

use common::*;
use frame_support::assert_ok;
use keel_primitives::{BranchParameters, ImpactGauge, RiskParameters as _};
use keel_runtime::{Moment, RiskParameters, Runtime, RuntimeOrigin, Vaults};
use pallet_risk_parameters::{Change, Error, Key, Subject};
use sp_keyring::Sr25519Keyring::*;
use sp_runtime::FixedU128;

const PRICE: f64 = 3_000.0;

fn prices() -> Vec<(u32, f64)> {
	vec![
		(1, 1.0),
		(BTC, 60_000.0),
		(ETH, PRICE),
		(DOT, 6.0),
		(5, 1.0),
		(6, 150.0),
	]
}

fn percent(n: u128) -> FixedU128 {
	FixedU128::from_rational(n, 100)
}

/// A chain with `count` vaults of ETH between 165 % and 400 %, most of them near the lower end.
fn chain_of(count: u32) -> Chain {
	let mut chain = Chain::new();
	chain.try_state = false;
	let mut now: Moment = BEGIN;
	for _ in 0..4 {
		now += 2_000;
		chain.fed_block(now, &prices());
	}
	let calm = chain.state(|| {
		let calm = RiskParameters::branch(ETH).unwrap();
		RiskParameters::set_branch(
			ETH,
			BranchParameters {
				mint_limit: FixedU128::from_u32(1_000),
				minimum_debt: kusd(10),
				..calm.clone()
			},
		);
		calm
	});
	let mut seed = 1u64;
	let mut next = || {
		seed = seed
			.wrapping_mul(6_364_136_223_846_793_005)
			.wrapping_add(1_442_695_040_888_963_407);
		(seed >> 11) as f64 / (1u64 << 53) as f64
	};
	let mut left = count;
	while left > 0 {
		now += 2_000;
		chain.block(now, || {
			feed_all(&prices());
			for _ in 0..left.min(1_000) {
				let ratio = 1.65 + 2.35 * next().powi(3);
				let debt = 20.0 * (next() * 4.0).exp();
				let collateral = (debt * ratio / (PRICE * 0.999) * 1e12) as u128 * 1_000_000;
				assert_ok!(call(
					Bob,
					pallet_vaults::Call::<Runtime>::open {
						branch: ETH,
						collateral,
						debt: (debt * 1e6) as u128,
					},
				));
			}
		});
		left = left.saturating_sub(1_000);
	}
	// A minute later, so that rates have moved and the index is not one.
	for _ in 0..4 {
		now += 20_000;
		chain.fed_block(now, &prices());
	}
	chain.state(|| {
		RiskParameters::set_branch(ETH, calm);
		check_state();
	});
	chain
}

/// Which vaults are safe at the ratio they are held to and would not be at `ratio`: every one of them is looked at.
fn recount(ratio: FixedU128) -> u128 {
	let branch = pallet_vaults::Branches::<Runtime>::get(ETH).unwrap();
	let price = usd(PRICE);
	let at = |ratio| keel_math::value::threshold(price, branch.rate_index, ratio).unwrap();
	let (held, asked) = (at(branch.ramped_ratio), at(ratio));
	let debt: u128 = pallet_vaults::Vaults::<Runtime>::iter()
		.filter(|(_, vault)| vault.branch == ETH)
		.filter(|(_, vault)| {
			let trigger = vault.trigger(branch.divisor).unwrap();
			trigger <= held && trigger > asked
		})
		.map(|(_, vault)| vault.normalised_debt)
		.sum();
	keel_math::interest::debt_of(debt, branch.rate_index).unwrap()
}

fn tightened(ratio: u128) -> (BranchParameters, BranchParameters) {
	let before = RiskParameters::branch(ETH).unwrap();
	let after = BranchParameters {
		liquidation_ratio: percent(ratio),
		liquidation_ratio_cap: before.liquidation_ratio_cap.max(percent(ratio)),
		..before.clone()
	};
	(before, after)
}

#[test]
fn the_number_is_a_full_recount_over_ten_thousand_vaults() {
	let mut chain = chain_of(10_000);
	chain.state(|| {
		assert_eq!(pallet_vaults::Vaults::<Runtime>::iter().count(), 10_000);
		for ratio in [
			151, 155, 160, 165, 166, 170, 175, 180, 200, 225, 250, 300, 400, 500,
		] {
			let (before, after) = tightened(ratio);
			let impact = Vaults::impact(ETH, &before, &after).unwrap();
			let expected = recount(percent(ratio));
			match impact {
				Some(impact) => {
					assert!(impact.exact, "at {ratio} %");
					assert_eq!(impact.newly_unsafe, expected, "at {ratio} %");
					println!(
						"{ratio} %: {} of {} kUSD newly unsafe",
						impact.newly_unsafe / 1_000_000,
						impact.total / 1_000_000
					);
				}
				None => assert_eq!(expected, 0, "at {ratio} %"),
			}
		}
	});
}

#[test]
fn what_it_reads_does_not_grow_with_the_vaults() {
	let reads = [500u32, 5_000, 10_000].map(|count| {
		let mut chain = chain_of(count);
		let (reads, writes) = chain.tally(|| {
			let (before, after) = tightened(170);
			Vaults::impact(ETH, &before, &after).unwrap();
		});
		assert_eq!(writes, 0);
		println!("{count} vaults: {reads} reads");
		reads
	});
	// The edges of two ticks are walked, at most 512 keys each; everything between is one value.
	assert!(reads.iter().all(|reads| *reads <= 2 * 513 + 12), "{reads:?}");
	assert!(reads[2] < 400, "{reads:?}");
}

#[test]
fn the_gate_refuses_what_the_view_foretells() {
	let mut chain = chain_of(1_000);
	// ETH falls by 6 %: many stand below 165 % now.
	let now = chain.now();
	for i in 1..=3 {
		let mut fallen = prices();
		fallen[2].1 = PRICE * 0.94;
		chain.fed_block(now + i * 2_000, &fallen);
	}
	chain.state(|| {
		let limit = RiskParameters::chain().impact_limit;
		let mut refused = 0;
		let mut accepted = 0;
		for ratio in (151..=165).step_by(2) {
			let change = Change {
				key: Key::Branch(keel_primitives::BranchKey::LiquidationRatio),
				value: percent(ratio).into_inner(),
			};
			let changes: pallet_risk_parameters::Changes = vec![change].try_into().unwrap();
			let report =
				pallet_risk_parameters::Pallet::<Runtime>::impact(Subject::Branch(ETH), changes.clone())
					.unwrap();
			let outcome = could(|| {
				pallet_risk_parameters::Pallet::<Runtime>::set_values(
					RuntimeOrigin::root(),
					Subject::Branch(ETH),
					changes,
				)
			});
			assert_eq!(report.limit, limit);
			match report.allowed {
				true => {
					assert_ok!(outcome);
					accepted += 1;
				}
				false => {
					assert_eq!(outcome, Err(Error::<Runtime>::WouldMakeUnsafe.into()));
					refused += 1;
				}
			}
		}
		println!("accepted {accepted}, refused {refused}");
		assert!(accepted > 0 && refused > 0);
	});
}
