//! Shares of the pool around a price.

use super::*;

fn provide(key: Sr25519Keyring, amount: Balance) -> DispatchResult {
	call(
		key,
		pallet_liquidity_pool::Call::<Runtime>::provide {
			amount,
			least_shares: 0,
		},
	)
}

fn ask_back(key: Sr25519Keyring) {
	let shares = balance(SHARES, key);
	assert_ok!(call(
		key,
		pallet_liquidity_pool::Call::<Runtime>::request_withdrawal { shares }
	));
}

/// Traders are long; the price is about to fall and the pool to win. In before, out after.
#[test]
fn shares_bought_before_a_known_move_have_no_part_in_it() {
	let mut stage = Stage::new();
	stage.chain_parameters(|p| p.pool_cooldown = 3_600_000);
	stage.deposit(Charlie, 0, 1_000_000);
	stage.trade(Charlie, 0, BTC, 60.0);
	stage.blocks(2);
	let before = stage.books();
	// The new values wait in the pool of transactions: his deposit is put before them.
	stage.set(BTC, 58_800.0);
	let prices = stage.prices.clone();
	stage.silent(|| {
		assert_ok!(provide(Eve, kusd(2_000_000)));
		feed_all(&prices);
	});
	stage.blocks(3);
	stage.chain.state(|| assert!(balance(SHARES, Eve) > 0));
	let gain = stage.report("shares bought before a fall of 2 %", &before);
	// Funding of some blocks is all there is to share in.
	assert!(gain < kusd(3) as i128, "{gain}");
	stage.chain.state(|| ask_back(Eve));
	// And back up, which costs the pool: whoever asked to leave stays in it.
	stage.set(BTC, 60_000.0);
	stage.pass(1);
	stage
		.chain
		.state(|| assert_eq!(balance(KUSD, Eve), kusd(2_000_000)));
	let gain = stage.report("asked to leave before it rises again", &before);
	assert!(gain < -(kusd(10_000) as i128), "{gain}");
	stage.chain.try_state = false;
	stage.pass(65);
	stage.chain.state(|| assert_eq!(balance(SHARES, Eve), 0));
	let gain = stage.report("left after the cooldown", &before);
	assert!(gain < -(kusd(10_000) as i128), "{gain}");
}

/// The same, with old values made new: one operator sends an old one after the deposit. It waits until most have spoken, and
/// is priced at what they say.
#[test]
fn shares_are_not_bought_on_old_values_made_new() {
	let mut stage = Stage::new();
	stage.deposit(Charlie, 0, 1_000_000);
	stage.trade(Charlie, 0, BTC, 60.0);
	stage.blocks(2);
	let before = stage.books();
	let old = stage.prices.clone();
	stage.silent(|| ok(provide(Eve, kusd(2_000_000))));
	stage.silent(|| ok(feed(Eve, &old)));
	for _ in 0..2 {
		stage.silent(|| ());
		stage
			.chain
			.state(|| assert_eq!(balance(SHARES, Eve), 0, "priced on one operator's word"));
	}
	stage.set(BTC, 58_800.0);
	stage.blocks(3);
	stage.chain.state(|| assert!(balance(SHARES, Eve) > 0));
	let gain = stage.report("shares bought on old values before a fall of 2 %", &before);
	let lost = before.victims - stage.books().victims;
	assert!(lost > kusd(50_000) as i128, "{lost}");
	// Funding of some blocks is all there is to share in.
	assert!(gain.abs() < kusd(3) as i128, "{gain} of {lost}");
}

/// The premium is pushed up, shares are bought, the premium is let down; and the other way round.
#[test]
fn shares_are_worth_the_same_at_any_premium() {
	for first in [1.0, -1.0] {
		let mut stage = Stage::new();
		stage.deposit(Ferdie, 0, 1_000_000);
		let before = stage.books();
		stage.trade(Ferdie, 0, BTC, 60.0 * first);
		stage.fed(|| ok(provide(Eve, kusd(2_000_000))));
		stage.blocks(3);
		let pumped = stage
			.chain
			.state(|| (LiquidityPool::holding_of(who(Eve)).value.unwrap(), pool_equity()));
		stage.close(Ferdie, 0, BTC);
		let after = stage
			.chain
			.state(|| (LiquidityPool::holding_of(who(Eve)).value.unwrap(), pool_equity()));
		println!(
			"  share of two millions {:.6} at the premium, {:.6} without",
			in_kusd(pumped.0 as i128),
			in_kusd(after.0 as i128)
		);
		let gain = stage.report("shares bought at a pushed premium", &before);
		// Half of the pool's part of the fees of his own closing comes back to him; the fees were his.
		assert!(gain < -(kusd(1_000) as i128), "{gain}");
	}
}

/// The first share is bought for the least there is, and the pool then made worth more by gifts and fees.
#[test]
fn first_shares_can_not_be_blown_up() {
	let mut stage = Stage::without_pool();
	let custody = Margin::custody_account();
	let before = stage.books();
	stage.fed(|| {
		assert_noop!(
			call(
				Eve,
				pallet_liquidity_pool::Call::<Runtime>::provide {
					amount: kusd(1) - 1,
					least_shares: 0
				}
			),
			pallet_liquidity_pool::Error::<Runtime>::BelowMinimum
		);
		assert_ok!(provide(Eve, kusd(1)));
	});
	stage.blocks(2);
	stage.fed(|| {
		// All but one unit out, and gifts in.
		let shares = balance(SHARES, Eve) - 1;
		assert_ok!(call(
			Eve,
			pallet_liquidity_pool::Call::<Runtime>::request_withdrawal { shares }
		));
		for target in [custody.clone(), LiquidityPool::account_id()] {
			for id in [KUSD, SHARES, BTC] {
				let gift = pallet_assets::Call::<Runtime>::transfer {
					id,
					target: target.clone().into(),
					amount: 1,
				};
				assert_eq!(
					call(Eve, gift),
					Err(frame_system::Error::<Runtime>::CallFiltered.into())
				);
			}
		}
		assert_ok!(provide(Charlie, 1_000_000_001));
		assert_ok!(provide(Dave, 1_999_999));
	});
	stage.blocks(2);
	stage.chain.state(|| {
		for (key, amount) in [(Charlie, 1_000_000_001u128), (Dave, 1_999_999)] {
			let value = LiquidityPool::holding_of(who(key)).value.unwrap();
			assert!(value + 2 >= amount, "{key:?}: {value} of {amount}");
		}
	});
	let gain = stage.report("first shares", &before);
	assert!(gain <= 0, "{gain}");
}
