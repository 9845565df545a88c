//! Queues and lines full of somebody's orders and accounts.

use super::*;

/// The orders of `market` that are in the queue.
fn queued(market: u32) -> usize {
	pallet_perpetuals::Queue::<Runtime>::iter_key_prefix(market).count()
}

/// What the last block weighed, of what it may.
fn fullness() -> f64 {
	let used = System::block_weight().total();
	let most = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
	assert!(used.all_lte(most), "{used:?}");
	used.ref_time() as f64 / most.ref_time() as f64
}

/// Two thousand orders, as many in a block as that takes, of the least that an order may be worth. They
/// wait for their turn, nobody waits for more.
#[test]
fn queue_delays_by_its_length_and_no_more() {
	const SUBS: u8 = 125;
	let mut stage = Stage::new();
	stage.chain.try_state = false;
	stage.deposit(Charlie, 0, 100_000);
	stage.trade(Charlie, 0, BTC, 2.0);
	stage.trade(Charlie, 0, ETH, 2.0);
	for sub in 0..SUBS {
		stage.deposit(Eve, sub, 100);
	}
	let before = stage.books();
	let mut worst = 0f64;
	for first in (0..SUBS).step_by(75) {
		stage.fed(|| {
			for sub in first..SUBS.min(first + 75) {
				for n in 0..16 {
					let size = if n % 2 == 0 { 0.0002 } else { -0.0002 };
					assert_ok!(order(Eve, sub, BTC, units(size)));
				}
			}
		});
		worst = worst.max(stage.chain.state(fullness));
	}
	// Charlie wants to leave two markets.
	let ahead = stage.fed(|| {
		assert_ok!(leave(Charlie, 0, BTC));
		assert_ok!(leave(Charlie, 0, ETH));
		queued(BTC)
	});
	let per_block = stage.chain.state(|| RiskParameters::chain().orders_per_block) as usize;
	let (mut waited, mut elsewhere) = (0, 0);
	while stage.chain.state(|| position(Charlie, 0, BTC)) != 0 {
		stage.blocks(1);
		waited += 1;
		if stage.chain.state(|| position(Charlie, 0, ETH)) != 0 {
			elsewhere = waited;
		}
		worst = worst.max(stage.chain.state(fullness));
		assert!(waited < 200, "never");
	}
	println!(
		"  {ahead} orders ahead: {waited} blocks, in another market {elsewhere}; a block was {:.1} % full",
		worst * 100.0
	);
	assert!(ahead > 1_000);
	assert!(
		waited <= ahead.div_ceil(per_block) + 3,
		"{waited} blocks behind {ahead}"
	);
	// Another market's turn comes within as many blocks as there are markets, and two.
	assert!(elsewhere <= 6, "{elsewhere}");
	assert!(worst < 0.5);
	stage.blocks(5);
	for sub in 0..SUBS {
		if stage.chain.state(|| position(Eve, sub, BTC)) != 0 {
			stage.chain.state(|| ok(leave(Eve, sub, BTC)));
		}
	}
	stage.blocks(6);
	stage.chain.state(check_state);
	let gain = stage.report("two thousand orders", &before);
	// Each costs the order fee, though it fills.
	assert!(gain < -(kusd(199) as i128), "{gain}");
}

/// Two thousand stops at one price, crossed at once.
#[test]
fn triggers_delay_by_their_number_and_no_more() {
	const SUBS: u8 = 125;
	let mut stage = Stage::new();
	stage.chain.try_state = false;
	stage.deposit(Charlie, 0, 100_000);
	stage.trade(Charlie, 0, BTC, 2.0);
	for sub in 0..SUBS {
		stage.deposit(Eve, sub, 100);
	}
	let before = stage.books();
	for first in (0..SUBS).step_by(25) {
		stage.fed(|| {
			for sub in first..first + 25 {
				for n in 0..16 {
					let size = if n % 2 == 0 { 0.0002 } else { -0.0002 };
					let trigger = Some(Trigger {
						price: usd(60_300.0),
						when: When::Above,
						trail: None,
					});
					assert_ok!(Order {
						trigger,
						..Order::new(sub, BTC, units(size))
					}
					.commit(Eve));
				}
			}
		});
	}
	stage.set(BTC, 60_330.0);
	stage.fed(|| ok(leave(Charlie, 0, BTC)));
	let (mut waited, mut worst) = (0, 0f64);
	while stage.chain.state(|| position(Charlie, 0, BTC)) != 0 {
		stage.blocks(1);
		waited += 1;
		worst = worst.max(stage.chain.state(fullness));
		assert!(waited < 200, "never");
	}
	let per_block = stage.chain.state(|| RiskParameters::chain().orders_per_block) as usize;
	println!(
		"  2,000 stops ahead: {waited} blocks; a block was {:.1} % full",
		worst * 100.0
	);
	assert!(waited <= 2_000usize.div_ceil(per_block) + 3, "{waited}");
	assert!(worst < 0.5);
	stage.blocks(45);
	for sub in 0..SUBS {
		if stage.chain.state(|| position(Eve, sub, BTC)) != 0 {
			stage.chain.state(|| ok(leave(Eve, sub, BTC)));
		}
	}
	stage.blocks(6);
	stage.chain.state(check_state);
	let gain = stage.report("two thousand stops at one price", &before);
	assert!(gain < -(kusd(199) as i128), "{gain}");
}

/// Two hundred accounts on the least margin, whose triggers a falling price crosses again and again, and one of another that
/// has to be liquidated. Nobody sends it: the block finds it.
#[test]
fn refreshes_do_not_hide_who_is_unsafe() {
	const SUBS: u8 = 200;
	let mut stage = Stage::new();
	stage.chain.try_state = false;
	stage.chain.workers = false;
	stage.deposit(Charlie, 0, 9_000);
	stage.trade(Charlie, 0, BTC, 2.0);
	stage.chain.state(|| {
		let free = withdrawable(Charlie, 0);
		assert_ok!(withdraw(Charlie, 0, free));
	});
	for sub in 0..SUBS {
		stage.deposit(Eve, sub, 15);
	}
	for first in (0..SUBS).step_by(50) {
		stage.fed(|| (first..first + 50).for_each(|sub| ok(order(Eve, sub, BTC, units(0.0003)))));
	}
	stage.blocks(8);
	stage.chain.state(|| {
		for sub in 0..SUBS {
			assert_ne!(position(Eve, sub, BTC), 0);
			// As near to their triggers as withdrawing goes.
			let free = withdrawable(Eve, sub).saturating_sub(3);
			assert_ok!(withdraw(Eve, sub, free));
		}
	});
	let before = stage.books();
	let (mut price, mut unsafe_for, mut waited) = (60_000.0, 0u32, None);
	for _ in 0..60 {
		price *= 0.9994;
		stage.set(BTC, price);
		stage.blocks(1);
		let (bad, size) = stage.chain.state(|| {
			let statement = Margin::statement(account(Charlie, 0)).unwrap();
			(
				statement.equity < statement.maintenance as i128,
				position(Charlie, 0, BTC),
			)
		});
		if size < units(2.0) {
			waited = Some(unsafe_for);
			break;
		}
		unsafe_for += u32::from(bad);
	}
	println!("  liquidated after {waited:?} blocks among {SUBS} parked accounts");
	let most = stage.chain.state(|| RiskParameters::chain().fallback_blocks) + 3;
	assert!(
		waited.is_some_and(|blocks| blocks <= most),
		"{waited:?} of {most}"
	);
	stage.chain.state(check_state);
	let gain = stage.report("parked at their triggers", &before);
	assert!(gain < 0, "{gain}");
}
