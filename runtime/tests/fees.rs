//! Fees through the real pipeline: signed extrinsics, applied by the executive.

mod common;

use common::*;
use frame_support::{
	assert_ok,
	dispatch::GetDispatchInfo,
	traits::{
		fungible::{Inspect as _, Mutate as _, MutateHold as _},
		fungibles::Inspect as _,
	},
};
use keel_primitives::{BreakerSubject, CircuitBreaker as _, Level};
use keel_runtime::{
	fees::{self, kusd},
	AccountId, Assets, Balance, Balances, CircuitBreaker, Executive, InsuranceFund, Moment, Runtime,
	RuntimeCall, RuntimeEvent, RuntimeHoldReason, RuntimeOrigin, System, Vaults, KEEL, MILLI_KEEL,
};
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{
	traits::{AccountIdConversion, Dispatchable},
	transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
	DispatchResult, FixedU128,
};

const ONE_ETH: u128 = 1_000_000_000_000_000_000;

fn prices() -> Vec<(u32, f64)> {
	with(1, 1.0)
}

fn with(feed: u32, price: f64) -> Vec<(u32, f64)> {
	let mut all = vec![
		(1, 1.0),
		(BTC, 60_000.0),
		(ETH, 3_000.0),
		(DOT, 6.0),
		(5, 1.0),
		(6, 150.0),
	];
	all.iter_mut()
		.filter(|(f, _)| *f == feed)
		.for_each(|one| one.1 = price);
	all
}

fn remark() -> RuntimeCall {
	frame_system::Call::<Runtime>::remark { remark: vec![] }.into()
}

fn pay(asset: u32, to: Sr25519Keyring, amount: Balance) -> RuntimeCall {
	pallet_assets::Call::<Runtime>::transfer {
		id: asset,
		target: who(to).into(),
		amount,
	}
	.into()
}

/// The transaction as a block applies it: refused, or executed with this result.
fn apply(
	key: Sr25519Keyring,
	what: impl Into<RuntimeCall>,
	asset: Option<u32>,
) -> Result<DispatchResult, TransactionValidityError> {
	Executive::apply_extrinsic(signed(key, what, 0, asset))
}

/// The transaction as a pool judges it, and then as a block does: both must agree.
fn refusal(key: Sr25519Keyring, what: impl Into<RuntimeCall>, asset: Option<u32>) -> InvalidTransaction {
	let transaction = signed(key, what, 0, asset);
	let pool = Executive::validate_transaction(
		TransactionSource::External,
		transaction.clone(),
		System::block_hash(0),
	)
	.map(|_| ());
	let block = Executive::apply_extrinsic(transaction).map(|_| ());
	assert_eq!(pool, block);
	match block {
		Err(TransactionValidityError::Invalid(why)) => why,
		other => panic!("{other:?}"),
	}
}

/// What the last transaction paid in kUSD: fee and tip.
fn paid() -> (Balance, Balance) {
	events()
		.into_iter()
		.rev()
		.find_map(|event| match event {
			RuntimeEvent::AssetTxPayment(pallet_asset_tx_payment::Event::AssetTxFeePaid {
				actual_fee,
				tip,
				asset_id: Some(KUSD),
				..
			}) => Some((actual_fee, tip)),
			_ => None,
		})
		.expect("a fee was paid in kUSD")
}

/// The fee of `transaction` in KEEL before it is executed.
fn fee_in_keel(transaction: &keel_runtime::UncheckedExtrinsic) -> Balance {
	let length = codec::Encode::encoded_size(transaction) as u32;
	keel_runtime::TransactionPayment::compute_fee(length, &transaction.get_dispatch_info(), 0)
}

fn fund() -> Balance {
	Assets::balance(KUSD, InsuranceFund::account())
}

/// A calm chain on which `One` has 100 kUSD and nothing else.
fn with_kusd_only() -> (Chain, Moment) {
	let mut chain = Chain::new();
	chain.workers = false;
	let mut now = BEGIN;
	for _ in 0..20 {
		now += 30_000;
		chain.fed_block(now, &prices());
	}
	now += 2_000;
	chain.block(now, || {
		feed_all(&prices());
		assert_ok!(call(
			Bob,
			pallet_vaults::Call::<Runtime>::open {
				branch: ETH,
				collateral: 20 * ONE_ETH,
				debt: kusd(15_000),
			}
		));
		assert_ok!(call(Bob, pay(KUSD, One, kusd(100))));
	});
	chain.state(|| {
		assert_eq!(Balances::total_balance(&who(One)), 0);
		assert_eq!(balance(KUSD, One), kusd(100));
	});
	(chain, now + 2_000)
}

/// An account without KEEL can do nothing: it can neither move its kUSD nor repay with it.
mod only_kusd {
	use super::*;

	#[test]
	fn transacts_and_the_fund_books_the_fee() {
		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			assert_eq!(refusal(One, remark(), None), InvalidTransaction::Payment);
			let (supply, before) = (Assets::total_issuance(KUSD), fund());
			let transaction = signed(One, pay(KUSD, Two, kusd(1)), 0, Some(KUSD));
			let entries = fees::state::new_entries(&pay(KUSD, Two, kusd(1)));
			let all = kusd::quote(KUSD, fee_in_keel(&transaction) + entries).unwrap();
			assert_eq!(Executive::apply_extrinsic(transaction), Ok(Ok(())));
			let (fee, tip) = paid();
			assert!(fee > 0 && fee < all && tip == 0);
			assert_eq!(balance(KUSD, One), kusd(99) - all);
			assert_eq!(balance(KUSD, Two), kusd(1));
			assert_eq!(fund(), before + all);
			assert_eq!(Assets::total_issuance(KUSD), supply);
			assert_eq!(System::account_nonce(who(One)), 1);
			println!("a transfer costs {:.6} kUSD", fee as f64 / 1e6);
			// And a second time, from who was paid.
			assert_eq!(apply(Two, remark(), Some(KUSD)), Ok(Ok(())));
		});
	}

	#[test]
	fn pays_the_tip_in_kusd_too() {
		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			assert_eq!(
				Executive::apply_extrinsic(signed(One, remark(), KEEL, Some(KUSD))),
				Ok(Ok(()))
			);
			let (fee, tip) = paid();
			assert_eq!(tip, kusd::quote(KUSD, KEEL).unwrap());
			assert!(
				(1_250_000..1_250_010).contains(&tip),
				"a KEEL at 1 USD and a margin of 1.25: {tip}"
			);
			assert!(fee > tip);
		});
	}

	/// What the call did not use comes back in kUSD.
	#[test]
	fn gets_back_what_the_call_did_not_use() {
		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			// Stops at its first call: what the other hundred would have weighed is refunded.
			let mut calls = vec![pay(KUSD, Bob, kusd(1_000))];
			calls.extend(vec![pay(KUSD, Bob, kusd(1)); 100]);
			let batch: RuntimeCall = pallet_utility::Call::<Runtime>::batch { calls }.into();
			let transaction = signed(One, batch, 0, Some(KUSD));
			let most = kusd::quote(KUSD, fee_in_keel(&transaction)).unwrap();
			let before = (balance(KUSD, One), fund());
			assert_eq!(Executive::apply_extrinsic(transaction), Ok(Ok(())));
			let (fee, _) = paid();
			assert!(fee < most / 4, "{fee} of {most}");
			assert_eq!(balance(KUSD, One), before.0 - fee);
			assert_eq!(fund(), before.1 + fee);
		});
	}

	/// An account that its own transaction empties is gone: the refund would bring it back with its nonce at
	/// zero.
	#[test]
	fn that_leaves_with_everything_gets_no_refund_and_nothing_is_lost() {
		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			let (supply, before, bob) = (Assets::total_issuance(KUSD), fund(), balance(KUSD, Bob));
			let all = pallet_assets::Call::<Runtime>::transfer_all {
				id: KUSD,
				dest: who(Bob).into(),
				keep_alive: false,
			};
			let batch = pallet_utility::Call::<Runtime>::batch {
				calls: [vec![all.into(), pay(KUSD, Bob, kusd(1_000))], vec![remark(); 50]].concat(),
			};
			assert_eq!(apply(One, batch, Some(KUSD)), Ok(Ok(())));
			assert!(!System::account_exists(&who(One)));
			let (fee, _) = paid();
			assert_eq!(balance(KUSD, Bob), bob + kusd(100) - fee);
			assert_eq!(fund(), before + fee);
			assert_eq!(Assets::total_issuance(KUSD), supply);
		});
	}

	/// The last unit of an account pays no fee, or its nonce would start again.
	#[test]
	fn just_short_is_refused_and_one_unit_more_is_not() {
		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			let transaction = signed(One, remark(), 0, Some(KUSD));
			let fee = kusd::quote(KUSD, fee_in_keel(&transaction)).unwrap();
			let rest = balance(KUSD, One) - fee;
			assert_ok!(call(One, pay(KUSD, Two, rest)));
			assert_eq!(refusal(One, remark(), Some(KUSD)), InvalidTransaction::Payment);
			assert_ok!(call(Two, pay(KUSD, One, 1)));
			assert_eq!(Executive::apply_extrinsic(transaction), Ok(Ok(())));
			assert_eq!(balance(KUSD, One), 1);
		});
	}
}

mod accounts {
	use super::*;

	/// Bob has both and says which.
	#[test]
	fn with_both_pay_in_the_one_they_name() {
		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			let before = (Balances::balance(&who(Bob)), balance(KUSD, Bob));
			assert_eq!(apply(Bob, remark(), None), Ok(Ok(())));
			let after = (Balances::balance(&who(Bob)), balance(KUSD, Bob));
			assert!(after.0 < before.0 && after.1 == before.1);
			assert_eq!(apply(Bob, remark(), Some(KUSD)), Ok(Ok(())));
			assert_eq!(Balances::balance(&who(Bob)), after.0);
			assert_eq!(balance(KUSD, Bob), after.1 - paid().0);
		});
	}

	#[test]
	fn with_keel_only_pay_in_keel_only() {
		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			assert_eq!(apply(Ferdie, remark(), None), Ok(Ok(())));
			assert_eq!(refusal(Ferdie, remark(), Some(KUSD)), InvalidTransaction::Payment);
		});
	}

	#[test]
	fn with_neither_pay_nothing_and_get_nothing() {
		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			for asset in [None, Some(KUSD)] {
				assert_eq!(refusal(Two, remark(), asset), InvalidTransaction::Payment);
			}
			// ETH makes an account, and pays no fee.
			assert_ok!(call(Bob, pay(ETH, Two, ONE_ETH)));
			for asset in [None, Some(KUSD)] {
				assert_eq!(refusal(Two, remark(), asset), InvalidTransaction::Payment);
			}
			assert_eq!(
				refusal(Two, remark(), Some(ETH)),
				InvalidTransaction::Custom(kusd::ASSET_REFUSED)
			);
		});
	}

	#[test]
	fn whose_kusd_is_frozen_pay_in_keel() {
		let (mut chain, now) = with_kusd_only();
		let keeper: AccountId = frame_support::PalletId(*b"keel/ast").into_account_truncating();
		chain.block(now, || {
			let freeze: RuntimeCall = pallet_assets::Call::<Runtime>::freeze {
				id: KUSD,
				who: who(Bob).into(),
			}
			.into();
			assert_ok!(freeze.dispatch(RuntimeOrigin::signed(keeper)));
			assert_eq!(refusal(Bob, remark(), Some(KUSD)), InvalidTransaction::Payment);
			assert_eq!(apply(Bob, remark(), None), Ok(Ok(())));
		});
	}

	/// Their KEEL is held as a deposit.
	#[test]
	fn whose_keel_is_held_pay_in_kusd() {
		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			assert_ok!(Balances::mint_into(&who(One), KEEL + MILLI_KEEL));
			let reason = RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);
			assert_ok!(Balances::hold(&reason, &who(One), KEEL));
			assert_eq!(refusal(One, remark(), None), InvalidTransaction::Payment);
			assert_eq!(apply(One, remark(), Some(KUSD)), Ok(Ok(())));
			assert_eq!(Balances::total_balance(&who(One)), KEEL + MILLI_KEEL);
		});
	}
}

/// The price of fees in kUSD: never refused for being old, never below KEEL's.
mod price {
	use super::*;

	fn rate() -> f64 {
		kusd::quote(KUSD, 1_000_000 * KEEL).unwrap() as f64 / 1e12
	}

	#[test]
	fn is_the_last_one_with_a_margin_and_rounded_up() {
		let (mut chain, mut now) = with_kusd_only();
		for _ in 0..20 {
			chain.fed_block(now, &with(1, 1.5));
			now += 30_000;
		}
		chain.state(|| {
			// 0.02 KEEL at 1.50 USD.
			let fee = kusd::quote(KUSD, 20 * MILLI_KEEL).unwrap();
			assert!((37_500..=37_510).contains(&fee), "{fee}");
			assert_eq!(kusd::quote(KUSD, 1).unwrap(), 1, "a fee is never nothing");
			assert_eq!(kusd::quote(KUSD, 0).unwrap(), 0);
			assert_eq!(
				kusd::quote(KUSD, Balance::MAX),
				Err(InvalidTransaction::Payment.into())
			);
		});
	}

	/// A fall reaches fees when the average has followed; a rise at once.
	#[test]
	fn is_the_higher_of_last_and_average() {
		let (mut chain, now) = with_kusd_only();
		chain.fed_block(now, &with(1, 0.5));
		chain.state(|| assert!(rate() > 1.2, "{}", rate()));
		let (mut chain, now) = with_kusd_only();
		chain.fed_block(now, &with(1, 2.0));
		chain.state(|| assert!(rate() >= 2.5, "{}", rate()));
	}

	/// Within the margin a wrong price gives nobody a discount.
	#[test]
	fn covers_a_price_that_lags_by_a_quarter() {
		let (mut chain, _) = with_kusd_only();
		chain.state(|| {
			let due = |truth: f64| truth * 1e6;
			let paid = kusd::quote(KUSD, KEEL).unwrap() as f64;
			assert!(paid >= due(1.25), "the chain believes 1.00");
			assert!(paid < due(1.26));
		});
	}

	#[test]
	fn that_is_stale_is_used_with_a_larger_margin() {
		let (mut chain, now) = with_kusd_only();
		let fresh = chain.state(rate);
		chain.block(now + 3 * 3_600_000, || {
			assert!(rate() >= fresh * 1.599, "{} after {fresh}", rate());
			assert_eq!(apply(One, remark(), Some(KUSD)), Ok(Ok(())));
		});
	}

	#[test]
	fn that_never_was_is_named() {
		let mut chain = Chain::new();
		chain.block(BEGIN, || {
			assert_eq!(
				refusal(Alice, remark(), Some(KUSD)),
				InvalidTransaction::Custom(kusd::NO_PRICE)
			);
			assert_eq!(apply(Alice, remark(), None), Ok(Ok(())));
		});
	}

	/// A transaction whose price went away while it ran has been paid: it must not undo the block.
	#[test]
	fn that_goes_away_during_execution_refunds_nothing_and_fails_nothing() {
		use pallet_asset_tx_payment::OnChargeAssetTransaction as Charge;

		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			let (supply, before, info) = (Assets::total_issuance(KUSD), fund(), remark().get_dispatch_info());
			let fee = 20 * MILLI_KEEL;
			let paid =
				<kusd::InKusd as Charge<Runtime>>::withdraw_fee(&who(One), &remark(), &info, KUSD, fee, 0)
					.unwrap();
			let amount = balance(KUSD, One);
			let state = pallet_prices::Feeds::<Runtime>::take(1);
			let (charged, tip) = <kusd::InKusd as Charge<Runtime>>::correct_and_deposit_fee(
				&who(One),
				&info,
				&Default::default(),
				fee / 2,
				0,
				paid,
			)
			.unwrap();
			pallet_prices::Feeds::<Runtime>::set(1, state);
			assert_eq!((charged, tip), (kusd(100) - amount, 0));
			assert_eq!(balance(KUSD, One), amount);
			assert_eq!(fund(), before + charged);
			assert_eq!(Assets::total_issuance(KUSD), supply);
		});
	}

	/// Fees in kUSD stand on it.
	#[test]
	fn cannot_be_removed() {
		let (mut chain, _) = with_kusd_only();
		chain.state(|| {
			assert_eq!(
				as_root(pallet_prices::Call::<Runtime>::remove_feed { feed: 1 }),
				Err(pallet_prices::Error::<Runtime>::FeedInUse.into())
			);
		});
	}
}

/// An exit that needs KEEL is none for an account that has only kUSD.
mod exits {
	use super::*;

	/// `One` has a vault, a deposit in the stability pool, a margin account with a position and shares of the
	/// pool. All its KEEL is what it must leave as deposits.
	fn invested() -> (Chain, Moment) {
		let (mut chain, mut now) = with_kusd_only();
		chain.block(now, || {
			feed_all(&prices());
			assert_ok!(call(Bob, pay(KUSD, One, kusd(5_000))));
			assert_ok!(call(Bob, pay(ETH, One, 20 * ONE_ETH)));
			// The deposits of a vault and of a margin account, and what must stay.
			let account = <<Runtime as pallet_margin::Config>::AccountDeposit>::get();
			let deposits = keel_runtime::fees::state::price(3, 300) + account;
			assert_ok!(Balances::mint_into(&who(One), deposits + MILLI_KEEL));
			assert_ok!(call(
				Bob,
				pallet_liquidity_pool::Call::<Runtime>::provide {
					amount: kusd(5_000),
					least_shares: 0
				}
			));
			for what in [
				pallet_vaults::Call::<Runtime>::open {
					branch: ETH,
					collateral: 10 * ONE_ETH,
					debt: kusd(1_000),
				}
				.into(),
				RuntimeCall::from(pallet_stability_pool::Call::<Runtime>::deposit { amount: kusd(500) }),
				pallet_margin::Call::<Runtime>::deposit {
					sub: 0,
					asset: KUSD,
					amount: kusd(1_000),
				}
				.into(),
				pallet_liquidity_pool::Call::<Runtime>::provide {
					amount: kusd(500),
					least_shares: 0,
				}
				.into(),
				pallet_margin::Call::<Runtime>::supply { amount: kusd(100) }.into(),
			] {
				assert_eq!(apply(One, what, Some(KUSD)), Ok(Ok(())));
			}
		});
		for _ in 0..20 {
			now += 30_000;
			chain.fed_block(now, &prices());
		}
		now += 2_000;
		chain.block(now, || {
			feed_all(&prices());
			assert_eq!(apply(One, order(1_000_000), Some(KUSD)), Ok(Ok(())));
		});
		for _ in 0..3 {
			now += 2_000;
			chain.fed_block(now, &prices());
		}
		chain.state(|| {
			let account =
				<keel_runtime::Margin as keel_primitives::MarginAccounts<AccountId>>::account(&who(One), 0)
					.unwrap();
			let trader = trader(account);
			assert_eq!(trader.position(ETH).size, 1_000_000, "the order was filled");
			assert!(Assets::balance(100, who(One)) > 0, "shares were issued");
		});
		(chain, now)
	}

	fn order(size: i128) -> RuntimeCall {
		pallet_perpetuals::Call::<Runtime>::commit_order {
			sub: 0,
			order: pallet_perpetuals::NewOrder {
				market: ETH,
				size,
				limit: Some(if size > 0 {
					usd(1e9)
				} else {
					FixedU128::from_inner(1)
				}),
				reduce_only: size < 0,
				expires_in: 600_000,
				..Default::default()
			},
		}
		.into()
	}

	/// Every exit of what was invested.
	fn all() -> Vec<(&'static str, RuntimeCall)> {
		let vault = Vaults::vaults_of(who(One))[0];
		vec![
			(
				"vaults.repay",
				pallet_vaults::Call::<Runtime>::repay {
					vault,
					amount: kusd(10),
				}
				.into(),
			),
			(
				"vaults.top_up",
				pallet_vaults::Call::<Runtime>::top_up { vault, amount: 1 }.into(),
			),
			(
				"stability_pool.withdraw",
				pallet_stability_pool::Call::<Runtime>::withdraw { amount: kusd(500) }.into(),
			),
			("perpetuals.commit_order", order(-1_000_000)),
			(
				"margin.deposit",
				pallet_margin::Call::<Runtime>::deposit {
					sub: 0,
					asset: KUSD,
					amount: kusd(1),
				}
				.into(),
			),
			(
				"margin.redeem",
				pallet_margin::Call::<Runtime>::redeem { shares: kusd(1) }.into(),
			),
			(
				"liquidity_pool.request_withdrawal",
				pallet_liquidity_pool::Call::<Runtime>::request_withdrawal { shares: kusd(100) }.into(),
			),
			(
				"vaults.close",
				pallet_vaults::Call::<Runtime>::close { vault }.into(),
			),
		]
	}

	fn every_exit_is_paid_and_executed() {
		for (name, what) in all() {
			let before = fund();
			assert_eq!(apply(One, what, Some(KUSD)), Ok(Ok(())), "{name}");
			assert!(fund() > before, "{name} paid");
		}
		assert_eq!(Vaults::vaults_of(who(One)), Vec::<u64>::new());
	}

	fn add_kusd(chain: &mut Chain, now: Moment) {
		chain.block(now, || {
			assert_ok!(call(Bob, pay(KUSD, One, kusd(1_000))));
		});
	}

	#[test]
	fn are_payable_in_calm_times() {
		let (mut chain, now) = invested();
		add_kusd(&mut chain, now + 2_000);
		chain.block(now + 4_000, || {
			feed_all(&prices());
			every_exit_is_paid_and_executed();
		});
	}

	/// Half an hour without a price: everything stands at `Halted`.
	#[test]
	fn are_payable_with_stale_prices_and_while_halted() {
		let (mut chain, mut now) = invested();
		add_kusd(&mut chain, now + 2_000);
		for _ in 0..40 {
			now += 60_000;
			chain.block(now, || ());
		}
		chain.block(now + 2_000, || {
			assert_eq!(CircuitBreaker::level(BreakerSubject::Branch(ETH)), Level::Halted);
			assert!(kusd::quote(KUSD, KEEL).unwrap() >= kusd(2));
			every_exit_is_paid_and_executed();
		});
	}

	/// Guardians hold the whole chain, and safe mode is on.
	#[test]
	fn are_payable_when_everything_is_stopped() {
		let (mut chain, now) = invested();
		add_kusd(&mut chain, now + 2_000);
		chain.block(now + 4_000, || {
			feed_all(&prices());
			assert_ok!(as_guardian(pallet_circuit_breaker::Call::<Runtime>::trip {
				subject: BreakerSubject::Chain,
				level: Level::Halted,
			}));
			let half =
				pallet_collective::RawOrigin::<AccountId, keel_runtime::TechnicalCollective>::Members(2, 3);
			let stop: RuntimeCall = pallet_safe_mode::Call::<Runtime>::force_enter {}.into();
			assert_ok!(stop.dispatch(RuntimeOrigin::from(half)));
			assert_eq!(
				apply(One, pay(KUSD, Two, 1), Some(KUSD)),
				Ok(Err(frame_system::Error::<Runtime>::CallFiltered.into()))
			);
			every_exit_is_paid_and_executed();
		});
	}
}

/// The runtime API that wallets ask goes on answering, whatever asset a transaction names.
#[test]
fn the_payment_api_answers_for_transactions_in_either_asset() {
	let (mut chain, _) = with_kusd_only();
	chain.state(|| {
		for asset in [None, Some(KUSD)] {
			let transaction = signed(One, remark(), 0, asset);
			let length = codec::Encode::encoded_size(&transaction) as u32;
			let fee = fee_in_keel(&transaction);
			let info = keel_runtime::TransactionPayment::query_info(transaction, length);
			assert_eq!(info.partial_fee, fee);
			assert!(info.partial_fee > 0);
		}
	});
}

/// Bytes and weight have a price that rises while blocks are full of either, and falls afterwards.
mod load {
	use super::*;
	use frame_support::{
		traits::Hooks,
		weights::{constants::WEIGHT_REF_TIME_PER_MILLIS, Weight},
	};
	use keel_runtime::{configs::BlockLength, TransactionPayment};

	/// What normal transactions may use of a block.
	const WEIGHT: Weight = Weight::from_parts(750 * WEIGHT_REF_TIME_PER_MILLIS, 0);
	const HOUR: u32 = 1_800;

	fn bytes() -> u32 {
		*BlockLength::get()
			.max
			.get(frame_support::dispatch::DispatchClass::Normal)
	}

	fn multiplier() -> f64 {
		TransactionPayment::next_fee_multiplier().to_float()
	}

	/// `blocks` blocks of this weight and length. What their weight and bytes cost together, in KEEL.
	fn blocks(blocks: u32, weight: Weight, length: u32) -> f64 {
		let mut cost = 0.0;
		for _ in 0..blocks {
			cost += TransactionPayment::length_to_fee(length) as f64;
			cost += multiplier() * TransactionPayment::weight_to_fee(weight) as f64;
			System::set_block_consumed_resources(weight, length as usize);
			TransactionPayment::on_finalize(System::block_number());
		}
		cost / KEEL as f64
	}

	fn calm() -> Chain {
		let mut chain = Chain::new();
		chain.state(|| {
			blocks(24 * HOUR, Weight::zero(), 0);
			assert_eq!(multiplier(), 0.1, "an idle chain is at the least");
		});
		chain
	}

	/// The bound: an hour of blocks full of bytes costs 70,000 KEEL and a day of them more than there is. It
	/// cost 39.3 KEEL a block for ever: 1.7 million a day.
	#[test]
	fn keeping_blocks_full_of_bytes_costs_more_every_hour() {
		let mut chain = calm();
		chain.state(|| {
			let hours: Vec<f64> = (0..24).map(|_| blocks(HOUR, Weight::zero(), bytes())).collect();
			let day: f64 = hours.iter().sum();
			println!(
				"full of bytes: first hour {:.0} KEEL, sixth {:.0}, day {day:.3e}",
				hours[0], hours[5]
			);
			assert!(hours[0] >= 70_000.0, "{}", hours[0]);
			assert!(hours[5] >= 4.0 * hours[0], "{}", hours[5]);
			assert!(day > 1e10, "{day}");
		});
	}

	/// The same of weight, which starts ten times cheaper on an idle chain.
	#[test]
	fn keeping_blocks_full_of_weight_costs_more_every_hour() {
		let mut chain = calm();
		chain.state(|| {
			let hours: Vec<f64> = (0..24).map(|_| blocks(HOUR, WEIGHT, 0)).collect();
			let day: f64 = hours.iter().sum();
			println!(
				"full of weight: first hour {:.0} KEEL, sixth {:.0}, day {day:.3e}",
				hours[0], hours[5]
			);
			assert!(hours[0] >= 18_000.0, "{}", hours[0]);
			assert!(hours
				.windows(2)
				.all(|pair| pair[1] > 1.9 * pair[0] && pair[1] < 2.0 * pair[0]));
			assert!(day > 1e10, "{day}");
		});
	}

	/// A quarter of either leaves the multiplier alone, less lowers it, and the scarcer of the two counts.
	#[test]
	fn the_scarcer_of_weight_and_bytes_counts() {
		let mut chain = Chain::new();
		chain.state(|| {
			let after = |weight: Weight, length: u32| {
				pallet_transaction_payment::NextFeeMultiplier::<Runtime>::put(FixedU128::from_u32(1));
				blocks(100, weight, length);
				multiplier()
			};
			assert_eq!(after(WEIGHT / 4, bytes() / 4), 1.0);
			assert_eq!(after(WEIGHT / 4, 0), 1.0);
			assert_eq!(after(Weight::zero(), bytes() / 4), 1.0);
			assert!(after(Weight::zero(), bytes() / 8) < 1.0);
			assert!(after(Weight::zero(), bytes() / 2) > 1.0);
			assert_eq!(after(WEIGHT, bytes()), after(WEIGHT, 0));
			assert_eq!(after(Weight::zero(), bytes()), after(WEIGHT, 0));
		});
	}

	/// Fees come down within hours when the flood is over.
	#[test]
	fn falls_again() {
		let mut chain = calm();
		chain.state(|| {
			blocks(6 * HOUR, WEIGHT, 0);
			let high = multiplier();
			blocks(4 * HOUR, Weight::zero(), 0);
			assert!(high > 5.0 && multiplier() < high / 2.0, "{high} {}", multiplier());
		});
	}

	/// Real blocks of real transactions.
	#[test]
	fn a_real_flood_of_bytes_raises_the_fee_of_the_next() {
		let (mut chain, mut now) = with_kusd_only();
		chain.try_state = false;
		let big: RuntimeCall = frame_system::Call::<Runtime>::remark {
			remark: vec![0; 900_000],
		}
		.into();
		let mut before = 0.0;
		for block in 0..3 {
			chain.block(now, || {
				if block == 0 {
					before = multiplier();
				}
				for _ in 0..4 {
					assert_eq!(apply(Alice, big.clone(), None), Ok(Ok(())));
				}
			});
			now += 2_000;
		}
		chain.state(|| assert!(multiplier() > before, "{} then {}", before, multiplier()));
	}
}

/// The maker of an entry in storage pays for it: a fee where it need not be removed again, a deposit
/// elsewhere.
mod state {
	use super::*;
	use keel_runtime::fees::state::{self, ACCOUNT, ASSET_ACCOUNT};

	/// An account without a key, the `n`th.
	fn fresh(n: u32) -> AccountId {
		let mut id = [7u8; 32];
		id[..4].copy_from_slice(&n.to_le_bytes());
		id.into()
	}

	fn send(to: AccountId) -> RuntimeCall {
		pallet_assets::Call::<Runtime>::transfer {
			id: ETH,
			target: to.into(),
			amount: 1,
		}
		.into()
	}

	fn batch(calls: Vec<RuntimeCall>) -> RuntimeCall {
		pallet_utility::Call::<Runtime>::batch_all { calls }.into()
	}

	/// A thousand accounts with one unit of ETH each cost 29 KEEL, for ever.
	#[test]
	fn a_thousand_sufficient_accounts_cost_what_their_state_does() {
		let (mut chain, now) = with_kusd_only();
		chain.try_state = false;
		chain.block(now, || {
			let before = Balances::balance(&who(Alice));
			for part in 0..10 {
				let calls = (0..100).map(|n| send(fresh(100 * part + n))).collect();
				assert_eq!(apply(Alice, batch(calls), None), Ok(Ok(())));
			}
			let cost = before - Balances::balance(&who(Alice));
			println!("a thousand accounts cost {:.1} KEEL", cost as f64 / KEEL as f64);
			assert!(cost >= 259 * KEEL, "{cost}");
			assert!(System::account_exists(&fresh(999)));
			// A GiB of such accounts, at the size they are priced with.
			let each = (ACCOUNT + ASSET_ACCOUNT) / state::BYTE;
			assert!((1u128 << 30) / each * (ACCOUNT + ASSET_ACCOUNT) >= 536_800 * KEEL);
		});
	}

	/// The price is the same through whatever the transfer is wrapped in, and in whatever way it is sent.
	#[test]
	fn a_new_account_costs_the_same_through_every_wrapper() {
		let (mut chain, _) = with_kusd_only();
		chain.state(|| {
			let to = fresh(1);
			let boxed = || Box::new(send(to.clone()));
			let (first, second) = (ACCOUNT + ASSET_ACCOUNT, ACCOUNT);
			let dest: keel_runtime::Address = to.clone().into();
			let transfers: Vec<RuntimeCall> = vec![
				send(to.clone()),
				pallet_assets::Call::<Runtime>::transfer_keep_alive {
					id: ETH,
					target: dest.clone(),
					amount: 1,
				}
				.into(),
				pallet_assets::Call::<Runtime>::transfer_all {
					id: ETH,
					dest: dest.clone(),
					keep_alive: true,
				}
				.into(),
				pallet_assets::Call::<Runtime>::transfer_approved {
					id: ETH,
					owner: who(Bob).into(),
					destination: dest.clone(),
					amount: 1,
				}
				.into(),
				pallet_utility::Call::<Runtime>::batch {
					calls: vec![send(to.clone())],
				}
				.into(),
				batch(vec![send(to.clone()), send(to.clone())]),
				pallet_utility::Call::<Runtime>::force_batch {
					calls: vec![batch(vec![send(to.clone())])],
				}
				.into(),
				pallet_utility::Call::<Runtime>::as_derivative {
					index: 0,
					call: boxed(),
				}
				.into(),
				pallet_utility::Call::<Runtime>::if_else {
					main: Box::new(remark()),
					fallback: boxed(),
				}
				.into(),
				pallet_utility::Call::<Runtime>::if_else {
					main: boxed(),
					fallback: Box::new(remark()),
				}
				.into(),
				pallet_multisig::Call::<Runtime>::as_multi_threshold_1 {
					other_signatories: vec![who(Bob)],
					call: boxed(),
				}
				.into(),
				pallet_multisig::Call::<Runtime>::as_multi {
					threshold: 2,
					other_signatories: vec![who(Bob)],
					maybe_timepoint: None,
					call: boxed(),
					max_weight: Default::default(),
				}
				.into(),
				pallet_proxy::Call::<Runtime>::proxy {
					real: who(Bob).into(),
					force_proxy_type: None,
					call: boxed(),
				}
				.into(),
				pallet_proxy::Call::<Runtime>::proxy_announced {
					delegate: who(Alice).into(),
					real: who(Bob).into(),
					force_proxy_type: None,
					call: boxed(),
				}
				.into(),
			];
			for what in transfers {
				assert_eq!(state::new_entries(&what), first, "{what:?}");
				assert!(state::weigh(&what).ref_time() > 0, "{what:?}");
			}
			for what in [
				RuntimeCall::from(pallet_balances::Call::<Runtime>::transfer_allow_death {
					dest: dest.clone(),
					value: KEEL,
				}),
				pallet_balances::Call::<Runtime>::transfer_keep_alive {
					dest: dest.clone(),
					value: KEEL,
				}
				.into(),
				pallet_balances::Call::<Runtime>::transfer_all {
					dest,
					keep_alive: true,
				}
				.into(),
			] {
				assert_eq!(state::new_entries(&what), second, "{what:?}");
			}
		});
	}

	/// The calls of the runtime that have a field for which `is` holds of its type: `Pallet.call`.
	fn calls_with(
		is: impl Fn(&scale_info::PortableRegistry, u32, u32) -> bool,
	) -> std::collections::BTreeSet<String> {
		use scale_info::TypeDef::Variant;

		let mut registry = scale_info::Registry::new();
		let call = registry.register_type(&scale_info::meta_type::<RuntimeCall>()).id;
		let types: scale_info::PortableRegistry = registry.into();
		let variants = |id: u32| match &types.resolve(id).unwrap().type_def {
			Variant(enumeration) => enumeration.variants.clone(),
			_ => Vec::new(),
		};
		variants(call)
			.into_iter()
			.flat_map(|pallet| {
				variants(pallet.fields[0].ty.id)
					.into_iter()
					.filter(|one| one.fields.iter().any(|field| is(&types, field.ty.id, call)))
					.map(|one| format!("{}.{}", pallet.name, one.name))
					.collect::<Vec<_>>()
			})
			.collect()
	}

	fn names(all: &[&str]) -> std::collections::BTreeSet<String> {
		all.iter().map(|name| name.to_string()).collect()
	}

	/// A wrapper nobody looks into would make accounts for nothing: every call that carries a call is on one
	/// of these lists.
	#[test]
	fn every_call_that_carries_a_call_is_looked_into() {
		/// See `a_new_account_costs_the_same_through_every_wrapper`.
		const LOOKED_INTO: [&str; 9] = [
			"Utility.batch",
			"Utility.batch_all",
			"Utility.force_batch",
			"Utility.as_derivative",
			"Utility.if_else",
			"Multisig.as_multi_threshold_1",
			"Multisig.as_multi",
			"Proxy.proxy",
			"Proxy.proxy_announced",
		];
		/// What they carry is not sent by a signature: it is Root's, or a member's of the committee, which
		/// can send nothing.
		const NOT_SIGNED: [&str; 10] = [
			"Scheduler.schedule",
			"Scheduler.schedule_after",
			"Scheduler.schedule_named",
			"Scheduler.schedule_named_after",
			"TechnicalCommittee.execute",
			"TechnicalCommittee.propose",
			"Utility.dispatch_as",
			"Utility.dispatch_as_fallible",
			"Utility.with_weight",
			"Whitelist.dispatch_whitelisted_call_with_preimage",
		];

		fn carries(types: &scale_info::PortableRegistry, id: u32, call: u32) -> bool {
			use scale_info::TypeDef::*;
			id == call
				|| match &types.resolve(id).unwrap().type_def {
					Sequence(of) => carries(types, of.type_param.id, call),
					Composite(of) => of.fields.iter().any(|field| carries(types, field.ty.id, call)),
					_ => false,
				}
		}
		let listed: std::collections::BTreeSet<String> =
			names(&LOOKED_INTO).union(&names(&NOT_SIGNED)).cloned().collect();
		assert_eq!(calls_with(carries), listed);
	}

	/// And of the pallets in which an account can be given something by hand, every call that names one is on
	/// one of these.
	#[test]
	fn every_gift_is_priced() {
		/// See `a_new_account_costs_the_same_through_every_wrapper`.
		const PRICED: [&str; 10] = [
			"Assets.force_transfer",
			"Assets.mint",
			"Assets.transfer",
			"Assets.transfer_all",
			"Assets.transfer_approved",
			"Assets.transfer_keep_alive",
			"Balances.transfer_all",
			"Balances.transfer_allow_death",
			"Balances.transfer_keep_alive",
			"ConvictionVoting.delegate",
		];
		/// Root's, with a deposit of the caller's, or about what exists.
		const FREE: [&str; 18] = [
			"Assets.approve_transfer",
			"Assets.block",
			"Assets.burn",
			"Assets.cancel_approval",
			"Assets.create",
			"Assets.force_asset_status",
			"Assets.force_cancel_approval",
			"Assets.force_create",
			"Assets.freeze",
			"Assets.refund_other",
			"Assets.set_team",
			"Assets.thaw",
			"Assets.touch_other",
			"Assets.transfer_ownership",
			"Balances.force_set_balance",
			"Balances.force_transfer",
			"Balances.force_unreserve",
			"ConvictionVoting.remove_other_vote",
		];
		let gives = |name: &String| {
			["Assets.", "Balances.", "ConvictionVoting."]
				.iter()
				.any(|pallet| name.starts_with(pallet))
		};
		let named: std::collections::BTreeSet<String> = calls_with(|types, id, _| {
			types
				.resolve(id)
				.unwrap()
				.path
				.segments
				.last()
				.is_some_and(|name| name == "MultiAddress")
		})
		.into_iter()
		.filter(gives)
		.filter(|name| name != "ConvictionVoting.unlock")
		.collect();
		let listed: std::collections::BTreeSet<String> =
			names(&PRICED).union(&names(&FREE)).cloned().collect();
		assert_eq!(named, listed);
	}

	/// Delegating and taking it back would leave an entry with every account there could be.
	#[test]
	fn a_delegation_to_a_stranger_is_paid_for() {
		let (mut chain, _) = with_kusd_only();
		chain.state(|| {
			let delegate = |to: AccountId| {
				RuntimeCall::from(pallet_conviction_voting::Call::<Runtime>::delegate {
					class: 0,
					to: to.into(),
					conviction: pallet_conviction_voting::Conviction::None,
					balance: KEEL,
				})
			};
			assert_eq!(state::new_entries(&delegate(fresh(1))), state::VOTING);
			assert_ok!(call(Alice, delegate(fresh(1))));
			assert_eq!(state::new_entries(&delegate(fresh(1))), 0);
		});
	}

	/// Each deposit is at least the price of what it is held for, at its largest.
	#[test]
	fn deposits_cover_what_they_are_held_for() {
		use frame_support::traits::StorageInfoTrait;
		use keel_runtime::AllPalletsWithSystem;

		Chain::new().state(|| {
			let all = AllPalletsWithSystem::storage_info();
			let price = |names: &[(&str, &str)]| {
				let bytes = names.iter().map(|(pallet, storage)| {
					all.iter()
						.find(|info| {
							info.pallet_name == pallet.as_bytes() && info.storage_name == storage.as_bytes()
						})
						.and_then(|info| info.max_size)
						.unwrap_or_else(|| panic!("{pallet}.{storage}"))
				});
				let price = state::price(names.len() as u32, bytes.sum());
				println!("{names:?}: {:.3} KEEL", price as f64 / KEEL as f64);
				price
			};
			assert!(ACCOUNT >= price(&[("System", "Account")]));
			assert!(ASSET_ACCOUNT >= price(&[("Assets", "Account")]));
			assert!(
				<<Runtime as pallet_assets::Config>::ApprovalDeposit>::get()
					>= price(&[("Assets", "Approvals")])
			);
			assert!(
				<<Runtime as pallet_assets::Config>::AssetAccountDeposit>::get()
					>= price(&[("Assets", "Account")])
			);
			let vault = price(&[
				("Vaults", "Vaults"),
				("Vaults", "OwnerVaults"),
				("Liquidations", "Index"),
			]);
			assert!(<<Runtime as pallet_vaults::Config>::VaultDeposit>::get() >= vault);
			// With all the positions and orders there may be.
			let account = price(&[("Margin", "AccountOf"), ("Margin", "Accounts")]);
			assert!(<<Runtime as pallet_margin::Config>::AccountDeposit>::get() >= account);
			let proxies = <<Runtime as pallet_proxy::Config>::ProxyDepositBase>::get()
				+ 32 * <<Runtime as pallet_proxy::Config>::ProxyDepositFactor>::get();
			assert!(proxies >= price(&[("Proxy", "Proxies")]));
			assert!(proxies >= price(&[("Proxy", "Announcements")]));
			let multisig = <<Runtime as pallet_multisig::Config>::DepositBase>::get()
				+ 100 * <<Runtime as pallet_multisig::Config>::DepositFactor>::get();
			assert!(multisig >= price(&[("Multisig", "Multisigs")]));
		});
	}

	/// What exists is free; what an account did not hold yet costs one entry.
	#[test]
	fn an_account_that_exists_costs_nothing_more() {
		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			assert_eq!(state::new_entries(&send(who(Bob))), 0);
			assert_eq!(state::new_entries(&pay(KUSD, Ferdie, 1)), ASSET_ACCOUNT);
			assert_eq!(state::new_entries(&send(fresh(1))), ACCOUNT + ASSET_ACCOUNT);
			assert_eq!(apply(Alice, send(fresh(1)), None), Ok(Ok(())));
			assert_eq!(state::new_entries(&send(fresh(1))), 0);
			assert_eq!(
				state::new_entries(&batch(vec![send(fresh(2)), send(fresh(3))])),
				2 * (ACCOUNT + ASSET_ACCOUNT)
			);
		});
	}

	/// An account with kUSD only pays for new entries in kUSD, and all of it is booked.
	#[test]
	fn is_paid_in_kusd_too() {
		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			let (supply, before, all) = (Assets::total_issuance(KUSD), fund(), balance(KUSD, One));
			assert_eq!(apply(One, pay(KUSD, Two, kusd(1)), Some(KUSD)), Ok(Ok(())));
			let price = kusd::quote(KUSD, ACCOUNT + ASSET_ACCOUNT).unwrap();
			let spent = all - kusd(1) - balance(KUSD, One);
			assert!(spent > price, "{spent} of which {price}");
			assert_eq!(fund(), before + spent);
			assert_eq!(Assets::total_issuance(KUSD), supply);
			// An account that cannot pay for the entries makes none.
			let rest = balance(KUSD, One) - price / 2;
			assert_ok!(call(One, pay(KUSD, Bob, rest)));
			let new: RuntimeCall = pallet_assets::Call::<Runtime>::transfer {
				id: KUSD,
				target: fresh(1).into(),
				amount: 1,
			}
			.into();
			assert_eq!(refusal(One, new, Some(KUSD)), InvalidTransaction::Payment);
		});
	}

	/// What the protocol owes reaches its owner, whatever the owner holds.
	#[test]
	fn the_protocols_own_payments_are_free() {
		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			feed_all(&prices());
			let vault = Vaults::vaults_of(who(Bob))[0];
			let all = pallet_assets::Call::<Runtime>::transfer_all {
				id: ETH,
				dest: who(Alice).into(),
				keep_alive: false,
			};
			assert_ok!(call(Bob, all));
			assert_eq!(balance(ETH, Bob), 0);
			assert_ok!(call(
				Alice,
				pallet_vaults::Call::<Runtime>::open {
					branch: ETH,
					collateral: 10 * ONE_ETH,
					debt: kusd(1_000),
				}
			));
			assert_ok!(call(Alice, pay(KUSD, Bob, kusd(200))));
			let close: RuntimeCall = pallet_vaults::Call::<Runtime>::close { vault }.into();
			assert_eq!(state::new_entries(&close), 0);
			assert_eq!(apply(Bob, close, None), Ok(Ok(())));
			assert_eq!(balance(ETH, Bob), 20 * ONE_ETH);
		});
	}

	/// The wallet sees the whole price beforehand.
	#[test]
	fn is_part_of_the_quoted_fee() {
		use pallet_transaction_payment_rpc_runtime_api::runtime_decl_for_transaction_payment_api::TransactionPaymentApi as Api;

		let (mut chain, now) = with_kusd_only();
		chain.block(now, || {
			let transaction = signed(Ferdie, send(fresh(1)), 0, None);
			let length = codec::Encode::encoded_size(&transaction) as u32;
			let quoted =
				<Runtime as Api<keel_runtime::Block, Balance>>::query_info(transaction.clone(), length);
			let details = <Runtime as Api<keel_runtime::Block, Balance>>::query_fee_details(
				transaction.clone(),
				length,
			);
			assert_eq!(details.final_fee(), quoted.partial_fee);
			let before = Balances::balance(&who(Ferdie));
			assert_eq!(Executive::apply_extrinsic(transaction), Ok(Ok(())));
			assert_eq!(before - Balances::balance(&who(Ferdie)), quoted.partial_fee);
		});
	}
}

/// How many liquidations a block bears beside its other work, by weight and by the clock.
mod liquidations_per_block {
	use super::*;
	use frame_support::{dispatch::DispatchClass, traits::Get as _, weights::Weight};
	use frame_system::offchain::CreateAuthorizedTransaction;
	use keel_primitives::{ChainKey, Group, RiskParameters as _};
	use keel_runtime::{
		configs::{BlockWeights, MaxFeeds},
		Liquidations, RiskParameters,
	};
	use pallet_risk_parameters::limits;

	/// The weight of one liquidation of a vault as a transaction, with all that is checked around it.
	fn one() -> Weight {
		let call = pallet_liquidations::Call::<Runtime>::liquidate {
			group: Group::Branch(ETH),
			position: 0,
		};
		let sent = Chain::new().state(|| {
			<Runtime as CreateAuthorizedTransaction<pallet_liquidations::Call<Runtime>>>::create_authorized_transaction(
				call.into(),
			)
		});
		sent.get_dispatch_info().total_weight()
			+ BlockWeights::get().get(DispatchClass::Operational).base_extrinsic
	}

	/// What a block spends before anybody's transaction: hooks, the time, and five operators with as many
	/// feeds as there can be.
	fn other() -> Weight {
		let (mut chain, now) = with_kusd_only();
		let feeds: Vec<_> = (1..=MaxFeeds::get()).map(|feed| (feed, 1.0)).collect();
		chain.block(now, || {
			let sent = signed_feed(&who(Alice), Alice, now, &feeds);
			let each = sent.get_dispatch_info().total_weight()
				+ BlockWeights::get().get(DispatchClass::Operational).base_extrinsic;
			System::block_weight().total() + each * 5
		})
	}

	fn most(room: Weight) -> u32 {
		room.checked_div_per_component(&one())
			.unwrap()
			.try_into()
			.unwrap()
	}

	/// The default leaves a quarter of what normal transactions may use to them, for exits; the limit is what
	/// fits a block without any. Where normal transactions came first and filled their share, the reserve
	/// still carries a hundred.
	#[test]
	fn are_as_many_as_fit_beside_the_blocks_other_work() {
		let all = BlockWeights::get();
		let normal = all.get(DispatchClass::Normal).max_total.unwrap();
		let room = all.max_block - other();
		let (reserve, beside, alone) = (most(room - normal), most(room - normal / 4), most(room));
		let policy = limits::chain(ChainKey::LiquidationsPerBlock);
		println!(
			"one weighs {:.2} ms, the rest {:.0} ms: {reserve} beside a full normal class, {beside} beside a quarter of it, {alone} alone",
			one().ref_time() as f64 / 1e9,
			other().ref_time() as f64 / 1e9,
		);
		assert!(policy.default <= beside.into(), "{} of {beside}", policy.default);
		assert!(
			policy.default * 5 / 4 > beside.into(),
			"the machine bears more: {beside}"
		);
		assert!(
			policy.limits.max <= alone.into(),
			"{} of {alone}",
			policy.limits.max
		);
		assert!(reserve >= 100, "{reserve}");
	}

	/// A chain on which `n` vaults of the least debt have just become unsafe, and the worker has sent what it
	/// may.
	fn crowd(n: u32) -> (Chain, Moment) {
		let (mut chain, mut now) = with_kusd_only();
		chain.try_state = false;
		for _ in 0..n.div_ceil(100) {
			chain.block(now, || {
				feed_all(&prices());
				for _ in 0..100 {
					assert_ok!(call(
						Bob,
						pallet_vaults::Call::<Runtime>::open {
							branch: ETH,
							collateral: ONE_ETH * 6 / 100,
							debt: kusd(100),
						}
					));
				}
			});
			now += 30_000;
		}
		chain.workers = true;
		chain.fed_block(now, &with(ETH, 2_200.0));
		(chain, now + 2_000)
	}

	fn transfer() -> RuntimeCall {
		pay(ETH, Ferdie, 1)
	}

	/// A block with as many liquidations as the default allows has room for a quarter of the normal class,
	/// and ends in its weight.
	#[test]
	fn and_normal_load_fit_one_block() {
		let (mut chain, now) = crowd(limits::chain(ChainKey::LiquidationsPerBlock).default as u32 + 50);
		let limit = chain.state(|| RiskParameters::chain().liquidations_per_block);
		assert_eq!(
			chain.pending(),
			limit as usize,
			"the worker sends as many as a block takes"
		);
		let (done, used, transfers) = chain.block(now, || {
			let done = Liquidations::liquidated_in(System::block_number());
			let mut transfers = 0u32;
			while apply(Alice, transfer(), None) == Ok(Ok(())) {
				transfers += 1;
			}
			(done, System::block_weight(), transfers)
		});
		assert_eq!(done, limit);
		let all = BlockWeights::get();
		let normal = all.get(DispatchClass::Normal).max_total.unwrap();
		println!("{done} liquidations and {transfers} transfers");
		assert!(
			used.get(DispatchClass::Normal).ref_time() >= normal.ref_time() / 4,
			"{used:?}"
		);
		assert!(used.total().all_lte(all.max_block), "{used:?}");
		chain.state(|| {
			assert!(System::block_weight().total().all_lte(all.max_block));
			check_state();
		});
	}

	/// The block's own fallback is bounded by the same number, and by the weight that is left.
	#[test]
	fn bound_the_fallback_too() {
		let (mut chain, mut now) = crowd(450);
		chain.workers = false;
		// What the worker has sent is lost.
		chain.drop_pending();
		let mut most_in_a_block = 0;
		let mut total = 0;
		for _ in 0..8 {
			chain.fed_block(now, &with(ETH, 2_200.0));
			let (done, limit, weight) = chain.state(|| {
				(
					Liquidations::liquidated_in(System::block_number()),
					RiskParameters::chain().liquidations_per_block,
					System::block_weight().total(),
				)
			});
			assert!(done <= limit);
			assert!(weight.all_lte(BlockWeights::get().max_block));
			most_in_a_block = most_in_a_block.max(done);
			total += done;
			now += 2_000;
		}
		println!("the fallback liquidated {most_in_a_block} in a block, {total} in all");
		assert!(total >= 450);
		chain.state(check_state);
	}
}
