//! The chains one can start: `development` and `local_testnet`.

use alloc::{vec, vec::Vec};
use frame_support::{build_struct_json_patch, PalletId};
use keel_primitives::{BranchParameters, ChainParameters, CollateralParameters, MarketParameters};
use serde_json::Value;
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_core::crypto::get_public_from_string_or_panic;
use sp_genesis_builder::PresetId;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{traits::AccountIdConversion, BoundedVec, FixedU128};

use crate::{
	configs::TreasuryAccount,
	governance::pallet_origins::{self, Pace},
	AccountId, Balance, RuntimeGenesisConfig, KEEL,
};

/// Assets of the development chain: `(id, name, symbol, decimals, endowment in whole units)`.
const ASSETS: [(u32, &str, &str, u8, u128); 6] = [
	(1, "Keel USD", "kUSD", 6, 0),
	(2, "Bitcoin", "BTC", 8, 1_000),
	(3, "Ether", "ETH", 18, 20_000),
	(4, "Polkadot", "DOT", 10, 2_000_000),
	(5, "USD Coin", "USDC", 6, 50_000_000),
	(100, "Keel liquidity", "kLP", 6, 0),
];

/// Feeds, all in USD: `(id, symbol, volatility in percent the averages start from)`.
const FEEDS: [(u32, &str, u32); 6] = [
	(1, "KEEL", 100),
	(2, "BTC", 60),
	(3, "ETH", 80),
	(4, "DOT", 100),
	(5, "USDC", 5),
	(6, "SOL", 100),
];

/// Branches: `(id and collateral asset, feed)`.
const BRANCHES: [(u32, u32); 3] = [(2, 2), (3, 3), (4, 4)];

/// What margin accounts may hold beside kUSD: `(asset, feed, decimals, haircut in percent)`.
const COLLATERALS: [(u32, u32, u8, u32); 4] = [(2, 2, 8, 10), (3, 3, 18, 10), (4, 4, 10, 20), (5, 5, 6, 6)];

/// Perpetual markets: `(id and feed, K in whole units, maintenance margin and stress in basis points, the
/// most open interest of a side in millions of kUSD)`. At prices of the last years a million of BTC moves the
/// price by three basis points, of ETH by five, and the premium ends at a skew of 9 M of BTC, 5 M of ETH, 1.5
/// M of DOT and 3 M of SOL.
const MARKETS: [(u32, u128, u32, u32, u128); 4] = [
	(2, 30_000, 250, 2_000, 20),
	(3, 350_000, 350, 2_500, 20),
	(4, 50_000_000, 400, 3_500, 5),
	(6, 4_000_000, 450, 3_500, 5),
];

fn endowed() -> Vec<AccountId> {
	use Sr25519Keyring::*;
	[Alice, Bob, Charlie, Dave, Eve, Ferdie]
		.into_iter()
		.map(|k| k.to_account_id())
		.collect()
}

fn operators() -> Vec<AccountId> {
	use Sr25519Keyring::*;
	[Alice, Bob, Charlie, Dave, Eve]
		.into_iter()
		.map(|k| k.to_account_id())
		.collect()
}

/// Owner and admin of every asset: an account without a key, so that nobody mints, freezes or moves by hand.
fn asset_keeper() -> AccountId {
	PalletId(*b"keel/ast").into_account_truncating()
}

/// The technical committee: a third of it, one of these, guards.
fn committee() -> Vec<AccountId> {
	use Sr25519Keyring::*;
	let mut all: Vec<AccountId> = [Dave, Eve, Ferdie]
		.into_iter()
		.map(|k| k.to_account_id())
		.collect();
	all.sort();
	all
}

/// Parameters of the perpetual markets.
pub fn market_parameters() -> Vec<(u32, MarketParameters)> {
	MARKETS
		.iter()
		.map(|(id, scale, maintenance, stress, millions)| {
			let numbers = MarketParameters {
				maintenance_margin: FixedU128::from_rational((*maintenance).into(), 10_000),
				stress: FixedU128::from_rational((*stress).into(), 10_000),
				skew_scale: scale.saturating_mul(100_000_000),
				max_open_interest: millions.saturating_mul(1_000_000_000_000),
				..pallet_risk_parameters::limits::default_market()
			};
			(*id, numbers)
		})
		.collect()
}

fn preset(validators: &[&str], pace: Pace) -> Value {
	let authorities: Vec<(AuraId, GrandpaId)> = validators
		.iter()
		.map(|seed| {
			(
				get_public_from_string_or_panic::<AuraId>(seed),
				get_public_from_string_or_panic::<GrandpaId>(seed),
			)
		})
		.collect();
	let accounts: Vec<(u32, AccountId, Balance)> = ASSETS
		.iter()
		.filter(|(_, _, _, _, endowment)| *endowment > 0)
		.flat_map(|(id, _, _, decimals, endowment)| {
			endowed().into_iter().map(move |who| {
				(
					*id,
					who,
					endowment.saturating_mul(10u128.saturating_pow(*decimals as u32)),
				)
			})
		})
		.collect();
	let dot = BranchParameters {
		liquidation_ratio: FixedU128::from_rational(165, 100),
		liquidation_ratio_cap: FixedU128::from_rational(200, 100),
		debt_ceiling: 500_000_000_000,
		..pallet_risk_parameters::limits::default_branch()
	};
	let branches: Vec<(u32, BranchParameters)> = vec![
		(2, pallet_risk_parameters::limits::default_branch()),
		(3, pallet_risk_parameters::limits::default_branch()),
		(4, dot),
	];
	let chain: ChainParameters = pallet_risk_parameters::limits::default_chain();
	let markets = market_parameters();
	let collaterals: Vec<(u32, CollateralParameters)> = COLLATERALS
		.iter()
		.map(|(asset, _, _, haircut)| {
			let numbers = CollateralParameters {
				haircut: FixedU128::from_rational((*haircut).into(), 100),
				..pallet_risk_parameters::limits::default_collateral()
			};
			(*asset, numbers)
		})
		.collect();

	build_struct_json_patch!(RuntimeGenesisConfig {
		aura: pallet_aura::GenesisConfig {
			authorities: authorities.iter().map(|a| a.0.clone()).collect()
		},
		grandpa: pallet_grandpa::GenesisConfig {
			authorities: authorities.iter().map(|a| (a.1.clone(), 1)).collect(),
			..Default::default()
		},
		balances: pallet_balances::GenesisConfig {
			balances: endowed()
				.into_iter()
				.chain([TreasuryAccount::get()])
				.map(|who| (who, 1_000_000 * KEEL))
				.collect(),
			..Default::default()
		},
		assets: pallet_assets::GenesisConfig {
			assets: ASSETS.iter().map(|a| (a.0, asset_keeper(), true, 1)).collect(),
			metadata: ASSETS
				.iter()
				.map(|a| (a.0, a.1.as_bytes().to_vec(), a.2.as_bytes().to_vec(), a.3))
				.collect(),
			accounts,
			..Default::default()
		},
		technical_membership: pallet_membership::GenesisConfig {
			members: BoundedVec::truncate_from(committee()),
			..Default::default()
		},
		origins: pallet_origins::GenesisConfig {
			pace,
			..Default::default()
		},
		prices: pallet_prices::GenesisConfig {
			operators: operators(),
			feeds: FEEDS
				.iter()
				.map(|f| (
					f.0,
					f.1.as_bytes().to_vec(),
					FixedU128::from_rational(f.2.into(), 100)
				))
				.collect(),
			..Default::default()
		},
		risk_parameters: pallet_risk_parameters::GenesisConfig {
			chain,
			branches,
			collaterals,
			markets,
			..Default::default()
		},
		vaults: pallet_vaults::GenesisConfig {
			branches: BRANCHES.iter().map(|b| (b.0, b.0, b.1)).collect(),
			..Default::default()
		},
		margin: pallet_margin::GenesisConfig {
			collaterals: COLLATERALS.iter().map(|c| (c.0, c.1, c.2)).collect(),
			..Default::default()
		},
		perpetuals: pallet_perpetuals::GenesisConfig {
			markets: MARKETS.iter().map(|m| (m.0, m.0)).collect(),
			..Default::default()
		},
	})
}

/// The preset called `id`, as a JSON patch of the default genesis.
pub fn get(id: &PresetId) -> Option<Vec<u8>> {
	let patch = match id.as_ref() {
		sp_genesis_builder::DEV_RUNTIME_PRESET => preset(&["Alice"], Pace::Rehearsal),
		sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET => {
			preset(&["Alice", "Bob", "Charlie"], Pace::Serious)
		}
		_ => return None,
	};
	serde_json::to_string(&patch).ok().map(Into::into)
}

/// The presets there are.
pub fn names() -> Vec<PresetId> {
	vec![
		PresetId::from(sp_genesis_builder::DEV_RUNTIME_PRESET),
		PresetId::from(sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET),
	]
}
