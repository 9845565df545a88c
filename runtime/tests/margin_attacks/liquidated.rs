//! Liquidations made to happen.

use super::*;

/// Both sides of the market, one of them thin, and another account that pushes the premium against the thin one. From end to
/// end of the premium's range that is less than what the initial margin is above maintenance; in a range six times as wide it
/// liquidates him, and costs him more.
#[test]
fn by_himself_he_only_loses() {
	for widest in [80, 600] {
		let mut stage = Stage::new();
		stage.widen_pool();
		let usual = stage
			.chain
			.state(|| RiskParameters::market(BTC).unwrap().max_premium);
		assert_eq!(usual, bps(80));
		// Numbers past the rule are no invariant's.
		stage.chain.try_state = widest == 80;
		stage.parameters(BTC, |p| p.max_premium = bps(widest));
		stage.deposit(Ferdie, 0, 3_500_000);
		let before = stage.books();
		// 20 BTC short on little more than the least.
		stage.deposit(Eve, 0, 120_000);
		stage.trade(Eve, 0, BTC, -20.0);
		stage.chain.state(|| {
			let free = withdrawable(Eve, 0);
			assert_ok!(withdraw(Eve, 0, free));
		});
		// Pushed three basis points a block, until it gives way or the premium's range ends.
		let most = (widest as f64 + 20.0).min(76.0 * 2.9);
		let mut pushed = 0;
		while f64::from(pushed + 1) * 2.9 <= most && stage.fed(|| order(Ferdie, 0, BTC, units(2.9)).is_ok()) {
			pushed += 1;
			if stage.chain.state(|| position(Eve, 0, BTC)) > -units(19.9) {
				break;
			}
		}
		stage.fill(Ferdie, 0);
		let (left, at) = stage.chain.state(|| (position(Eve, 0, BTC), skew(BTC)));
		if widest == 80 {
			assert_eq!(left, -units(20.0), "nothing of it was liquidated");
			assert!(at > 77.0, "the premium's range was used: {at}");
		} else {
			assert!(left > -units(19.9), "it was liquidated: {left}, {pushed}");
		}
		stage.parameters(BTC, |p| p.max_premium = usual);
		stage.chain.state(check_state);
		let (equity, debt) = stage.chain.state(|| {
			let statement = Margin::statement(account(Eve, 0)).unwrap();
			(statement.equity, statement.debt)
		});
		assert!(equity > 0, "something is left of its margin: {equity}");
		stage.close(Ferdie, 0, BTC);
		stage.close(Eve, 0, BTC);
		println!(
			"  {pushed} pushes to a skew of {at:.1}; {:.3} BTC left of 20, equity {:.2}, debt {:.2}",
			-left as f64 / 1e8,
			in_kusd(equity),
			in_kusd(debt as i128)
		);
		let gain = stage.report(
			&format!("pushing against himself, premium up to {widest} bps"),
			&before,
		);
		assert!(gain < 0, "{gain}");
		assert!(stage.chain.state(InsuranceFund::bad_debt) == 0);
	}
}

/// Long and short in equal parts on the least margin, again and again: a wide move leaves one of them with less than
/// nothing. What that brings follows from the move alone, and moves like that are not his.
#[test]
fn both_sides_of_a_jump() {
	for (jump, pays) in [(1.01, false), (1.03, false), (1.09, true)] {
		let mut stage = Stage::new();
		for sub in [0, 1] {
			stage.deposit(Eve, sub, 60_000);
		}
		let before = stage.books();
		for _ in 0..7 {
			stage.fed(|| {
				assert_ok!(order(Eve, 0, BTC, units(2.8)));
				assert_ok!(order(Eve, 1, BTC, -units(2.8)));
			});
		}
		stage.blocks(3);
		stage.chain.state(|| {
			for sub in [0, 1] {
				assert_eq!(position(Eve, sub, BTC).abs(), units(19.6));
				let free = withdrawable(Eve, sub);
				assert_ok!(withdraw(Eve, sub, free));
			}
		});
		stage.set(BTC, 60_000.0 * jump);
		stage.blocks(8);
		stage.close(Eve, 0, BTC);
		stage.close(Eve, 1, BTC);
		let gain = stage.report(&format!("both sides of a jump to {jump}"), &before);
		// What the jump took beyond the initial margin of the short, of 19.6 BTC, and what closing it moved
		// the price by.
		let beyond = (jump - 1.0 - 0.045).max(0.0) + 19.6 / (2.0 * 10_000.0) * jump;
		let bound = (19.6 * 60_000.0 * beyond * 1e6) as i128;
		println!("  the gap beyond the margin: {:.2} kUSD", in_kusd(bound));
		assert!(gain <= bound, "{gain} of {bound}");
		assert_eq!(gain > 0, pays, "{gain}");
	}
}

/// Thin shorts of others, and somebody who pushes the mark until they are bought back at his price. Within
/// the premium's range of 80 basis points nothing is bought back, and it costs him, however many there are.
/// In a wider one, which the rule refuses, they are; what he gains is a part of what they lose.
#[test]
fn squeezing_others() {
	for (victims, widest) in [(2.0, 80), (30.0, 80), (2.0, 600), (6.0, 600), (30.0, 600)] {
		let mut stage = Stage::new();
		stage.widen_pool();
		let usual = stage
			.chain
			.state(|| RiskParameters::market(BTC).unwrap().max_premium);
		assert_eq!(usual, bps(80));
		// Numbers past the rule are no invariant's.
		stage.chain.try_state = widest == 80;
		stage.parameters(BTC, |p| p.max_premium = bps(widest));
		stage.deposit(Eve, 0, 3_900_000);
		stage.deposit(Charlie, 0, 6_000 * victims as u128);
		stage.trade(Charlie, 0, BTC, -victims);
		stage.chain.state(|| {
			let free = withdrawable(Charlie, 0);
			assert_ok!(withdraw(Charlie, 0, free));
		});
		let before = stage.books();
		let mut bought = 0.0;
		// As far as the rules let him.
		let most = (widest as f64 + victims).min(220.0);
		while bought + 2.9 <= most && stage.fed(|| order(Eve, 0, BTC, units(2.9)).is_ok()) {
			bought += 2.9;
		}
		stage.fill(Eve, 0);
		stage.blocks(4);
		let (left, held, at) = stage
			.chain
			.state(|| (position(Charlie, 0, BTC), position(Eve, 0, BTC), skew(BTC)));
		let market = stage.chain.state(|| Perpetuals::market(BTC).unwrap());
		println!(
			"  {victims} BTC of thin shorts: bought {:.1}, skew {at:.1}, {:.2} left, initial rate {:?}",
			held as f64 / 1e8,
			-left as f64 / 1e8,
			market.rates.initial
		);
		stage.close(Eve, 0, BTC);
		let name =
			format!("squeezing {victims} BTC of shorts on the least margin, premium up to {widest} bps");
		let gain = stage.report(&name, &before);
		let lost = before.victims - stage.books().victims;
		// What he gains he has from them, less the fees of what he had to push with.
		assert!(gain < lost.max(0), "{gain} of {lost}");
		// Where the mark can't be pushed as far as their margin goes nothing is had, and it costs; few are not worth it.
		if widest == 80 {
			assert_eq!(left, -units(victims), "nothing was bought back");
			assert!(at > 77.0, "the premium's range was used: {at}");
			assert!(gain < -(kusd(1_000) as i128), "{gain}");
		} else if victims < 3.0 {
			assert!(gain < 0, "{gain}");
		}
	}
}

/// Leaving meets no cap of the premium. So he is long and short alike in two accounts to begin with, pushes the price to the end of
/// its range with a third, and then leaves with the short one: the price goes on, past what the range's rule protects thin
/// shorts from. But the mark, by which they are judged, stays in its range.
#[test]
fn squeezing_others_by_leaving() {
	for (pairs, thin) in [(60.0, 10.0), (120.0, 10.0), (120.0, 30.0)] {
		let mut stage = Stage::new();
		stage.widen_pool();
		stage.chain.try_state = false;
		for (key, sub) in [(Eve, 0), (Eve, 1), (Ferdie, 0)] {
			stage.deposit(key, sub, 1_900_000);
		}
		stage.deposit(Charlie, 0, 6_000 * thin as u128);
		stage.trade(Charlie, 0, BTC, -thin);
		stage.chain.state(|| {
			let free = withdrawable(Charlie, 0);
			assert_ok!(withdraw(Charlie, 0, free));
		});
		let before = stage.books();
		let mut held = 0.0;
		while held < pairs {
			stage.fed(|| {
				assert_ok!(order(Eve, 0, BTC, units(2.9)));
				assert_ok!(order(Eve, 1, BTC, -units(2.9)));
			});
			held += 2.9;
		}
		stage.fill(Eve, 0);
		stage.fill(Eve, 1);
		let mut pushed = 0.0;
		while pushed + 2.9 <= 79.0 + thin && stage.fed(|| order(Ferdie, 0, BTC, units(2.9)).is_ok()) {
			pushed += 2.9;
		}
		stage.fill(Ferdie, 0);
		let at_end = stage.chain.state(|| skew(BTC));
		stage.close(Eve, 1, BTC);
		stage.blocks(4);
		let (left, at) = stage.chain.state(|| (position(Charlie, 0, BTC), skew(BTC)));
		assert!(at > 80.0 && left == -units(thin), "{left} at {at}");
		println!(
			"  {held:.1} BTC of both sides, pushed to a skew of {at_end:.1}, left to {at:.1}: {:.2} of {thin} thin shorts left",
			-left as f64 / 1e8
		);
		stage.close(Eve, 0, BTC);
		stage.close(Ferdie, 0, BTC);
		stage.chain.state(check_state);
		let gain = stage.report(&format!("squeezing {thin} BTC by leaving {held:.1}"), &before);
		assert!(gain < 0, "{gain}");
	}
}
