//! One trader as many accounts: what is capped or measured per account is so as often as there are accounts.

use super::*;

/// Trade `each` units of BTC in each of so many sub-accounts, with `margin` kUSD in each.
fn split(stage: &mut Stage, key: Sr25519Keyring, subs: u8, each: f64, margin: u128) {
	for sub in 0..subs {
		stage.deposit(key, sub, margin);
	}
	// A block's premium step bears three.
	for sub in 0..subs {
		stage.trade(key, sub, BTC, each);
	}
}

/// What of the profit of an account counts for what leaves it.
fn counted(key: Sr25519Keyring, sub: u8) -> i128 {
	let id = account(key, sub);
	Margin::risk(&Margin::load(id).unwrap()).unwrap().net - Margin::statement(id).unwrap().cash as i128
}

/// The same position in one account and in fifteen, after a rise by a tenth: the profit that counts is the
/// same, and of all together no more than the cap.
#[test]
fn profit_counts_no_more_for_many_accounts() {
	const SUBS: u8 = 15;
	let mut stage = Stage::new();
	stage.chain.try_state = false;
	stage.widen_pool();
	stage.deposit(Eve, 0, 250_000);
	stage.trade(Eve, 0, BTC, 30.0);
	split(&mut stage, Ferdie, SUBS, 2.0, 20_000);
	stage.set(BTC, 66_000.0);
	stage.blocks(2);
	let (one, many, won) = stage.chain.state(|| {
		let many: i128 = (0..SUBS).map(|sub| counted(Ferdie, sub)).sum();
		let won = Margin::statement(account(Eve, 0)).unwrap().exposures[0].unrealised;
		(counted(Eve, 0), many, won)
	});
	let chain = stage.chain.state(RiskParameters::chain);
	println!(
		"  of a profit of {:.0} counts {:.2} in one account, {:.2} in {SUBS}; the cap is {:.0}",
		in_kusd(won),
		in_kusd(one),
		in_kusd(many),
		in_kusd(chain.profit_cap as i128)
	);
	assert!(won > chain.profit_cap as i128);
	// To the unit of a rounding for each.
	assert!((one - many).abs() <= 2 * i128::from(SUBS) + 2, "{one} {many}");
	let most = chain.profit_share.into_inner() as f64 / 1e18 * chain.profit_cap as f64;
	assert!((one + many) as f64 <= most, "{one} + {many} of {most}");
	stage.chain.state(check_state);
}

/// Seventy BTC in one account, in seventy of one owner, and in those of two owners: the fund's target falls
/// by half at most.
#[test]
fn the_funds_target_knows_who_splits() {
	let target = |owners: &[Sr25519Keyring], subs: u8, each: f64| {
		let mut stage = Stage::new();
		stage.chain.try_state = false;
		stage.widen_pool();
		for owner in owners {
			split(&mut stage, *owner, subs, each, (each * 5_000.0) as u128);
		}
		stage.blocks(2);
		stage.chain.state(|| {
			check_state();
			let market = Perpetuals::market(BTC).unwrap();
			assert_eq!(market.long, units(70.0) as u128);
			let cover = Margin::cover();
			let largest = cover.scenarios.iter().map(|(_, sum)| *sum).max().unwrap_or(0);
			println!(
				"  {} owners, {subs} accounts each: two largest {:.0}, floor {:.0}, target {:.0}",
				owners.len(),
				in_kusd(largest as i128),
				in_kusd(cover.floor as i128),
				in_kusd(cover.target as i128)
			);
			assert_eq!(cover.target, Margin::cover_target());
			cover.target
		})
	};
	let one = target(&[Eve], 1, 70.0);
	let same = target(&[Eve], 70, 1.0);
	let different = target(&[Eve, Ferdie], 35, 1.0);
	assert!(one > kusd(300_000), "{one}");
	for split in [same, different] {
		assert!(split >= one / 2, "{split} of {one}");
	}
}
