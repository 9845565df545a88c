//! Accounts that can't be liquidated now: what they cost the others, and when it is their turn.

use super::*;
use keel_primitives::PositionLedger as _;

/// What the last block weighed, of what it may.
fn fullness() -> f64 {
	let used = System::block_weight().total();
	let most = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
	used.ref_time() as f64 / most.ref_time() as f64
}

/// Liquidations that were carried out in the last block, and dispatches that failed.
fn done_and_failed() -> (usize, usize) {
	let all = events();
	let count = |is: fn(&RuntimeEvent) -> bool| all.iter().filter(|event| is(event)).count();
	(
		count(|event| {
			matches!(
				event,
				RuntimeEvent::Liquidations(pallet_liquidations::Event::Liquidated { .. })
			)
		}),
		count(|event| {
			matches!(
				event,
				RuntimeEvent::System(frame_system::Event::ExtrinsicFailed { .. })
					| RuntimeEvent::Liquidations(pallet_liquidations::Event::FallbackFailed { .. })
			)
		}),
	)
}

/// How many of the first sub-accounts of `key` are below their requirement.
fn unsafe_ones(key: Sr25519Keyring, subs: u8) -> usize {
	(0..subs)
		.filter_map(|sub| Margin::statement(account(key, sub)))
		.filter(|statement| statement.equity < statement.maintenance as i128)
		.count()
}

/// 122 accounts that a window has no room for, each with more than what is liquidated whatever it says.
/// Nobody sends what would fail, blocks stay empty, and as the window refills they are liquidated one after
/// the other.
#[test]
fn a_full_window_costs_no_blocks() {
	const SUBS: u8 = 122;
	let mut stage = Stage::new();
	stage.chain.try_state = false;
	stage.parameters(BTC, |p| p.liquidation_limit = bps(1_000));
	for sub in 0..SUBS {
		stage.deposit(Eve, sub, 80);
	}
	for first in (0..SUBS).step_by(30) {
		stage.fed(|| {
			for sub in first..SUBS.min(first + 30) {
				assert_ok!(order(Eve, sub, BTC, units(0.025)));
			}
		});
	}
	stage.blocks(12);
	let price = stage.chain.state(|| {
		for sub in 0..SUBS {
			assert_eq!(position(Eve, sub, BTC), units(0.025));
			assert_ok!(withdraw(Eve, sub, withdrawable(Eve, sub)));
		}
		// To about 85 % of what is required: no emergency that the window would not bind.
		let statement = Margin::statement(account(Eve, 0)).unwrap();
		let loses = statement.equity as f64 - 0.85 * statement.maintenance as f64;
		60_000.0 - loses / 1e6 / 0.025
	});
	stage.set(BTC, price);
	// The window is filled, and what was sent for it is through.
	stage.blocks(12);
	let left = stage.chain.state(|| unsafe_ones(Eve, SUBS));
	let (mut sent, mut done, mut failed, mut fullest) = (0, 0, 0, 0f64);
	for _ in 0..30 {
		stage.blocks(1);
		sent += stage.chain.pending();
		let (more, wrong) = stage.chain.state(done_and_failed);
		(done, failed) = (done + more, failed + wrong);
		fullest = fullest.max(stage.chain.state(fullness));
	}
	println!(
		"  {left} of {SUBS} wait at {price:.0}: in 30 blocks {sent} sent, {done} done, {failed} failed; a block was {:.1} % full",
		fullest * 100.0
	);
	assert!(left > 60, "{left}");
	assert_eq!(failed, 0);
	assert!(sent <= 1 && done <= 1, "{sent} {done}");
	// Each is looked at in each block, who may be found safe.
	assert!(fullest < 0.3, "{fullest}");
	// Each is told why.
	stage.chain.state(|| {
		let waiting = (0..SUBS)
			.map(|sub| account(Eve, sub))
			.filter(|id| {
				let asked = Margin::can_liquidate(*id);
				let group = pallet_margin::Accounts::<Runtime>::get(*id).unwrap().triggers[0].0;
				assert_eq!(asked.map(|view| view.deficit), Margin::deficit(group, *id));
				asked == Err(PerpetualsError::<Runtime>::LiquidationsFull.into())
			})
			.count();
		assert!(waiting >= left - 1, "{waiting} of {left}");
	});

	let mut hours = 0;
	let mut before = left;
	while before > 0 {
		let (mut done, mut failed) = (0, 0);
		for _ in 0..120 {
			stage.now += 28_000;
			stage.blocks(1);
			let (more, wrong) = stage.chain.state(done_and_failed);
			(done, failed) = (done + more, failed + wrong);
		}
		hours += 1;
		let now = stage.chain.state(|| unsafe_ones(Eve, SUBS));
		println!("  after {hours} hours {now} wait: {done} done, {failed} failed");
		assert_eq!(failed, 0);
		assert!(done > 0 && now < before, "{now} of {before}");
		before = now;
		assert!(hours < 12);
	}
	// Numbers past the rule are no invariant's.
	stage.parameters(BTC, |p| p.liquidation_limit = bps(6_000));
	stage.chain.state(check_state);
}

/// A position in a market that came to its end, worth less than its account has: it is realised as part of
/// the liquidation, and what is missing is carried like any other deficit.
#[test]
fn a_settled_market_is_paid_out_in_a_liquidation() {
	let mut stage = Stage::new();
	// Numbers past the rule are no invariant's.
	stage.chain.try_state = false;
	stage.deposit(Eve, 0, 15_000);
	stage.trade(Eve, 0, SOL, 600.0);
	stage.chain.state(|| {
		let free = withdrawable(Eve, 0);
		assert_ok!(withdraw(Eve, 0, free));
	});
	let end = stage.now + 3_700_000;
	stage.chain.state(|| {
		assert_ok!(as_root(pallet_perpetuals::Call::<Runtime>::delist {
			market: SOL,
			settle_at: end,
		}));
	});
	stage.pass(55);
	// Nobody is liquidated while it falls.
	let usual = stage.chain.state(|| RiskParameters::chain().liquidate_age);
	stage.chain_parameters(|chain| chain.liquidate_age = 0);
	stage.chain.workers = false;
	stage.set(SOL, 115.0);
	while stage.now < end - 2_000 {
		stage.now += 28_000;
		stage.blocks(1);
	}
	let books = stage.books();
	stage.chain_parameters(|chain| chain.liquidate_age = usual);
	stage.blocks(1);
	let id = stage.chain.state(|| account(Eve, 0));
	let before = stage.chain.state(|| {
		let market = Perpetuals::market(SOL).unwrap();
		assert!(matches!(market.status, pallet_perpetuals::Status::Settled { .. }));
		Margin::statement(id).unwrap()
	});
	assert!(before.equity < -(kusd(5_000) as i128), "{}", before.equity);
	assert_eq!(before.maintenance, 0);
	stage.chain.workers = true;
	stage.blocks(4);
	let after = stage.chain.state(|| Margin::statement(id).unwrap());
	println!(
		"  equity {:.2} in a settled market; afterwards {:.2}, {} positions, {} owed",
		in_kusd(before.equity),
		in_kusd(after.equity),
		after.exposures.len(),
		after.debt
	);
	assert_eq!((after.exposures.len(), after.debt, after.equity), (0, 0, 0));
	let now = stage.books();
	let carried = now.pool + now.fund - books.pool - books.fund;
	println!("  pool and fund {:+.2} kUSD", in_kusd(carried));
	stage.chain.state(check_state);
}
