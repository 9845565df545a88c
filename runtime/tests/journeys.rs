//! Walks through the whole runtime: genesis, the door every call passes, liquidation as a transaction, a year of
//! interest, and chance.

mod common;

use common::*;
use frame_support::{
	assert_noop, assert_ok,
	dispatch::{DispatchClass, GetDispatchInfo},
	traits::fungibles::{metadata::Inspect as Metadata, roles::Inspect as Roles, Inspect},
	weights::Weight,
};
use frame_system::offchain::CreateAuthorizedTransaction;
use keel_primitives::{Group, PositionLedger};
use keel_runtime::{
	AccountId, Assets, Balances, Executive, Moment, Runtime, RuntimeCall, RuntimeEvent, System,
	TechnicalCollective, Vaults, SLOT_DURATION,
};
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Eve};
use sp_runtime::{
	traits::AccountIdConversion,
	transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
	MultiAddress,
};

const CALM: [(u32, f64); 6] = [
	(1, 1.0),
	(2, 60_000.0),
	(3, 3_000.0),
	(4, 6.0),
	(5, 1.0),
	(6, 150.0),
];
const ONE_ETH: u128 = 1_000_000_000_000_000_000;

fn with_eth(price: f64) -> Vec<(u32, f64)> {
	CALM.iter()
		.map(|(f, p)| (*f, if *f == ETH { price } else { *p }))
		.collect()
}

/// A chain with prices everybody may act on, and the time of its last block.
fn calm() -> (Chain, Moment) {
	let mut chain = Chain::new();
	let mut time = BEGIN;
	for _ in 0..4 {
		time += SLOT_DURATION;
		chain.fed_block(time, &CALM);
	}
	(chain, time)
}

fn open(branch: u32, collateral: u128, debt: u128) -> pallet_vaults::Call<Runtime> {
	pallet_vaults::Call::open {
		branch,
		collateral,
		debt,
	}
}

/// Bob's vault: 10 ETH against 15,000 kUSD, unsafe below 2,250.
fn with_risky_vault() -> (Chain, Moment, u64) {
	let (mut chain, mut time) = calm();
	time += SLOT_DURATION;
	let vault = chain.block(time, || {
		feed_all(&CALM);
		assert_ok!(call(Bob, open(ETH, 10 * ONE_ETH, kusd(15_000))));
		Vaults::vaults_of(who(Bob))[0]
	});
	(chain, time, vault)
}

fn liquidation(vault: u64) -> keel_runtime::UncheckedExtrinsic {
	let call = pallet_liquidations::Call::<Runtime>::liquidate {
		group: Group::Branch(ETH),
		position: vault,
	};
	<Runtime as CreateAuthorizedTransaction<pallet_liquidations::Call<Runtime>>>::create_authorized_transaction(
		call.into(),
	)
}

mod genesis {
	use super::*;

	#[test]
	fn both_presets_build() {
		for preset in keel_runtime::genesis_presets::names() {
			let mut ext = sp_io::TestExternalities::new_empty();
			ext.execute_with(|| {
				frame_support::genesis_builder_helper::build_state::<keel_runtime::RuntimeGenesisConfig>(
					super::genesis(preset.as_ref()),
				)
				.unwrap();
				check_state();
			});
		}
	}

	#[test]
	fn the_development_chain_has_the_documented_assets() {
		let mut chain = Chain::new();
		chain.state(|| {
			for (id, symbol, decimals) in [
				(1, "kUSD", 6),
				(2, "BTC", 8),
				(3, "ETH", 18),
				(4, "DOT", 10),
				(5, "USDC", 6),
				(100, "kLP", 6),
			] {
				assert_eq!(<Assets as Metadata<AccountId>>::symbol(id), symbol.as_bytes());
				assert_eq!(<Assets as Metadata<AccountId>>::decimals(id), decimals);
			}
			assert_eq!(
				<Assets as Inspect<AccountId>>::total_issuance(KUSD),
				0,
				"nobody starts with kUSD"
			);
			assert_eq!(Vaults::groups(), [BTC, ETH, DOT].map(Group::Branch));
		});
	}

	#[test]
	fn nobody_holds_the_key_to_an_asset() {
		let mut chain = Chain::new();
		let keeper: AccountId = frame_support::PalletId(*b"keel/ast").into_account_truncating();
		chain.state(|| {
			for id in 1..=5 {
				assert_eq!(<Assets as Roles<AccountId>>::owner(id), Some(keeper.clone()));
				assert_eq!(<Assets as Roles<AccountId>>::issuer(id), Some(keeper.clone()));
			}
			assert_noop!(
				call(
					Alice,
					pallet_assets::Call::<Runtime>::mint {
						id: KUSD,
						beneficiary: MultiAddress::Id(who(Alice)),
						amount: 1,
					},
				),
				pallet_assets::Error::<Runtime>::NoPermission
			);
		});
	}
}

mod filter {
	use super::*;

	/// A name that is no call would close what it was meant to keep open.
	#[test]
	fn what_is_always_open_exists() {
		use frame_support::traits::GetCallMetadata;

		let pallets = RuntimeCall::get_module_names();
		for (pallet, calls) in keel_runtime::configs::AlwaysOpen::OPEN {
			assert!(pallets.contains(&pallet), "there is no pallet {pallet}");
			for call in calls {
				assert!(
					RuntimeCall::get_call_names(pallet).contains(call),
					"{pallet} has no call {call}"
				);
			}
		}
	}

	fn stray() -> RuntimeCall {
		let target = Vaults::branch(ETH).unwrap().account;
		pallet_assets::Call::<Runtime>::transfer {
			id: ETH,
			target: MultiAddress::Id(target),
			amount: 1,
		}
		.into()
	}

	#[test]
	fn nothing_is_sent_to_a_protocol_account_by_hand() {
		let (mut chain, _) = calm();
		chain.state(|| {
			let filtered: sp_runtime::DispatchError = frame_system::Error::<Runtime>::CallFiltered.into();
			assert_noop!(call(Alice, stray()), filtered);
			let dest = MultiAddress::Id(Vaults::branch(ETH).unwrap().account);
			assert_noop!(
				call(
					Alice,
					pallet_balances::Call::<Runtime>::transfer_allow_death { dest, value: 1 }
				),
				filtered
			);
			assert_noop!(
				call(
					Alice,
					pallet_utility::Call::<Runtime>::batch_all { calls: vec![stray()] }
				),
				filtered
			);
			assert_ok!(call(
				Alice,
				pallet_proxy::Call::<Runtime>::add_proxy {
					delegate: MultiAddress::Id(who(Bob)),
					proxy_type: Default::default(),
					delay: 0,
				},
			));
			assert_ok!(call(
				Bob,
				pallet_proxy::Call::<Runtime>::proxy {
					real: MultiAddress::Id(who(Alice)),
					force_proxy_type: None,
					call: Box::new(stray()),
				},
			));
			System::assert_last_event(RuntimeEvent::Proxy(pallet_proxy::Event::ProxyExecuted {
				result: Err(filtered),
			}));
		});
	}

	#[test]
	fn nobody_burns_an_asset_behind_the_books() {
		let (mut chain, time) = calm();
		chain.block(time + SLOT_DURATION, || {
			feed_all(&CALM);
			assert_ok!(call(Bob, open(ETH, 10 * ONE_ETH, kusd(10_000))));
			let refund = |allow_burn| pallet_assets::Call::<Runtime>::refund { id: KUSD, allow_burn };
			assert_noop!(
				call(Bob, refund(true)),
				frame_system::Error::<Runtime>::CallFiltered
			);
		});
	}

	#[test]
	fn the_oracles_own_combined_value_stays_empty() {
		let (mut chain, _) = calm();
		chain.state(|| assert_eq!(pallet_oracle::Values::<Runtime>::iter().count(), 0));
	}
}

mod liquidation_transactions {
	use super::*;

	fn validate(vault: u64) -> Result<(), TransactionValidityError> {
		Executive::validate_transaction(
			TransactionSource::External,
			liquidation(vault),
			System::block_hash(0),
		)
		.map(|_| ())
	}

	#[test]
	fn are_valid_only_while_the_vault_is_unsafe() {
		let (mut chain, time, vault) = with_risky_vault();
		chain.workers = false;
		assert!(chain.state(|| validate(vault)).is_err(), "a safe vault: forged");
		assert!(chain.state(|| validate(999)).is_err(), "no such vault: forged");
		chain.fed_block(time + SLOT_DURATION, &with_eth(2_000.0));
		assert_eq!(chain.state(|| validate(vault)), Ok(()));
		let sent = chain.state(|| liquidation(vault));
		chain.block(time + 2 * SLOT_DURATION, || {
			feed_all(&with_eth(2_000.0));
			assert_ok!(Executive::apply_extrinsic(sent.clone()).unwrap());
			// The same again in the same block.
			assert!(matches!(
				Executive::apply_extrinsic(sent),
				Err(TransactionValidityError::Invalid(InvalidTransaction::Stale))
					| Err(TransactionValidityError::Invalid(InvalidTransaction::Custom(_)))
			));
		});
		assert!(chain.state(|| validate(vault)).is_err(), "replayed");
	}

	#[test]
	fn cost_nobody_a_fee() {
		let (mut chain, time, vault) = with_risky_vault();
		chain.workers = false;
		chain.fed_block(time + SLOT_DURATION, &with_eth(2_000.0));
		let before = chain.state(Balances::total_issuance);
		let sent = chain.state(|| liquidation(vault));
		chain.block(time + 2 * SLOT_DURATION, || {
			assert_ok!(Executive::apply_extrinsic(sent).unwrap());
		});
		assert_eq!(chain.state(Balances::total_issuance), before);
	}

	#[test]
	fn fit_into_a_block_full_of_normal_transactions() {
		let (mut chain, time, vault) = with_risky_vault();
		chain.workers = false;
		chain.fed_block(time + SLOT_DURATION, &with_eth(2_000.0));
		let sent = chain.state(|| liquidation(vault));
		chain.block(time + 2 * SLOT_DURATION, || {
			let limits = <Runtime as frame_system::Config>::BlockWeights::get();
			let normal = limits.get(DispatchClass::Normal).max_total.unwrap();
			System::register_extra_weight_unchecked(normal, DispatchClass::Normal);
			let call: RuntimeCall = pallet_liquidations::Call::<Runtime>::liquidate {
				group: Group::Branch(ETH),
				position: vault,
			}
			.into();
			assert_eq!(call.get_dispatch_info().class, DispatchClass::Operational);
			assert_ok!(Executive::apply_extrinsic(sent).unwrap());
		});
	}

	/// Alice signs `call`.
	fn signed(call: RuntimeCall) -> keel_runtime::UncheckedExtrinsic {
		common::signed(Alice, call, 0, None)
	}

	#[test]
	fn cannot_be_signed_and_their_weight_cannot_be_bought() {
		let (mut chain, time, vault) = with_risky_vault();
		chain.workers = false;
		chain.fed_block(time + SLOT_DURATION, &with_eth(2_000.0));
		chain.state(|| {
			let liquidate: RuntimeCall = pallet_liquidations::Call::<Runtime>::liquidate {
				group: Group::Branch(ETH),
				position: vault,
			}
			.into();
			let batch: RuntimeCall = pallet_utility::Call::<Runtime>::force_batch {
				calls: vec![liquidate.clone(); 3],
			}
			.into();
			let remark: RuntimeCall = frame_system::Call::<Runtime>::remark { remark: vec![] }.into();
			let answer = |call: RuntimeCall| {
				Executive::validate_transaction(
					TransactionSource::External,
					signed(call),
					System::block_hash(0),
				)
				.map(|_| ())
			};
			assert_eq!(answer(remark), Ok(()), "the signature is good");
			// Root's own calls weigh what their sender says. And an upgrade nobody authorised has no claim to a full block.
			let kill: RuntimeCall = frame_system::Call::<Runtime>::kill_prefix {
				prefix: vec![],
				subkeys: 15_000,
			}
			.into();
			let upgrade: RuntimeCall =
				frame_system::Call::<Runtime>::apply_authorized_upgrade { code: vec![0; 1_000] }.into();
			// The committee's word is for the committee, and a motion that fills a block is for nobody.
			let motion: RuntimeCall = pallet_collective::Call::<Runtime, TechnicalCollective>::close {
				proposal_hash: Default::default(),
				index: 0,
				proposal_weight_bound: Weight::from_parts(500_000_000_000, 0),
				length_bound: 0,
			}
			.into();
			for call in [liquidate, batch, kill, upgrade, motion] {
				assert_eq!(call.get_dispatch_info().class, DispatchClass::Operational);
				assert_eq!(answer(call), Err(InvalidTransaction::Call.into()));
			}
		});
	}

	#[test]
	fn come_from_the_worker_and_liquidate_exactly_the_unsafe_vault() {
		let (mut chain, time, vault) = with_risky_vault();
		chain.block(time + SLOT_DURATION, || {
			feed_all(&CALM);
			assert_ok!(call(Charlie, open(ETH, 10 * ONE_ETH, kusd(10_000))));
		});
		chain.fed_block(time + 2 * SLOT_DURATION, &with_eth(2_000.0));
		assert_eq!(chain.pending(), 1);
		chain.fed_block(time + 3 * SLOT_DURATION, &with_eth(2_000.0));
		let liquidated: Vec<_> = chain.state(|| {
			events()
				.into_iter()
				.filter_map(|event| match event {
					RuntimeEvent::Liquidations(pallet_liquidations::Event::Liquidated {
						position,
						by,
						..
					}) => Some((position, by)),
					_ => None,
				})
				.collect()
		});
		assert_eq!(
			liquidated,
			vec![(vault, pallet_liquidations::LiquidatedBy::Worker)]
		);
	}

	#[test]
	fn stop_when_every_operator_is_gone() {
		let (mut chain, mut time, vault) = with_risky_vault();
		chain.fed_block(time + SLOT_DURATION, &with_eth(2_300.0));
		// Half an hour without a feed: the last price is refused, nobody is liquidated on it.
		time += 1_800_000;
		for i in 0..6 {
			chain.block(time + i * SLOT_DURATION, || ());
			assert_eq!(chain.pending(), 0);
		}
		// They come back with a price far lower: the first two fresh prices liquidate nobody.
		time += 60_000;
		for i in 0..2u64 {
			chain.fed_block(time + i * SLOT_DURATION, &with_eth(1_800.0));
			assert!(chain.state(|| Vaults::threshold(Group::Branch(ETH)).is_err()));
			assert_eq!(chain.pending(), 0);
		}
		chain.fed_block(time + 2 * SLOT_DURATION, &with_eth(1_800.0));
		assert_eq!(chain.pending(), 1);
		assert_ok!(chain.state(|| Vaults::deficit(Group::Branch(ETH), vault).map(|_| ())));
	}
}

mod time_and_prices {
	use super::*;

	#[test]
	fn a_month_of_standing_still_costs_the_fee_and_the_books_balance() {
		let (mut chain, mut time, vault) = with_risky_vault();
		let begin = time;
		let debt = |chain: &mut Chain| chain.state(|| Vaults::health(vault).unwrap().debt) as f64;
		time += 30 * 86_400_000;
		chain.block(time, || ());
		// All of it is owed in the first block, whatever of it may be minted yet.
		let years = (time - begin) as f64 / (365.0 * 86_400_000.0);
		let expected = 15_000e6 * (0.02 * years).exp();
		let owed = debt(&mut chain);
		assert!((owed / expected - 1.0).abs() < 1e-7, "{owed} is not {expected}");
		for _ in 0..240 {
			time += 30_000;
			chain.block(time, || ());
		}
		let waits = chain.state(|| pallet_vaults::Branches::<Runtime>::get(ETH).unwrap().unminted);
		assert_eq!(waits, 0, "the insurance fund has all of it");
	}

	#[test]
	fn a_tenfold_jump_up_and_down_breaks_nothing() {
		let (mut chain, mut time, vault) = with_risky_vault();
		for price in [30_000.0, 3_000.0, 300.0, 30.0, 3_000.0] {
			for _ in 0..6 {
				time += SLOT_DURATION;
				chain.fed_block(time, &with_eth(price));
			}
		}
		// At 300 the vault was worth a fifth of its debt: the pool was empty, the auction carries or carried it.
		let debt = chain.state(|| Vaults::health(vault).map_or(0, |h| h.debt));
		assert_eq!(debt, 0);
	}

	#[test]
	fn a_price_of_zero_is_no_price() {
		let (mut chain, mut time, _) = with_risky_vault();
		for _ in 0..5 {
			time += SLOT_DURATION;
			chain.fed_block(time, &with_eth(0.0));
			assert_eq!(chain.pending(), 0);
		}
		for _ in 0..4 {
			time += 30_000;
			chain.fed_block(time, &with_eth(0.0));
		}
		chain.state(|| {
			assert_noop!(
				call(Eve, open(ETH, 10 * ONE_ETH, kusd(1_000))),
				pallet_prices::Error::<Runtime>::PriceTooOld
			);
		});
	}
}
