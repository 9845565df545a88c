//! Each check fails on a storage that breaks it.

use super::*;

fn corrupted(corrupt: impl FnOnce(), message: &'static str) {
	ExtBuilder::default().build().execute_with(|| {
		RiskParameters::do_try_state().unwrap();
		corrupt();
		assert_eq!(RiskParameters::do_try_state(), Err(message.into()));
	});
}

fn put_branch(list: &[(BranchKey, u128)]) {
	Branches::<Test>::mutate(BTC, |set| {
		for (key, value) in list {
			set.as_mut().unwrap().set(*key, *value).unwrap();
		}
	});
}

fn put_chain(list: &[(ChainKey, u128)]) {
	Chain::<Test>::mutate(|set| {
		for (key, value) in list {
			set.set(*key, *value).unwrap();
		}
	});
}

#[test]
fn sees_a_value_out_of_bounds_for_every_key() {
	for subject in KINDS {
		for key in subject.keys() {
			let put = |value| put(subject, key, value);
			let Range { min, max } = policy(key).bounds;
			corrupted(|| put(max + 1), "risk parameters: value above bounds");
			if let Some(below) = min.checked_sub(1) {
				corrupted(|| put(below), "risk parameters: value below bounds");
			}
		}
	}
}

#[test]
fn sees_bounds_that_leave_the_limits_or_are_inverted_for_every_key() {
	let message = "risk parameters: bounds outside limits";
	for subject in KINDS {
		for key in subject.keys() {
			let Range { min, max } = policy(key).limits;
			let put = |min, max| Bounds::<Test>::insert(subject, key, Range { min, max });
			corrupted(|| put(min, max + 1), message);
			if let Some(below) = min.checked_sub(1) {
				corrupted(|| put(below, max), message);
			}
			corrupted(|| put(max, min), message);
		}
	}
}

#[test]
fn sees_a_number_without_bounds_for_every_key() {
	for subject in KINDS {
		for key in subject.keys() {
			corrupted(
				|| Bounds::<Test>::remove(subject, key),
				"risk parameters: a number without bounds",
			);
		}
	}
}

#[test]
fn sees_bounds_of_nothing() {
	let message = "risk parameters: bounds of nothing";
	let range = Range { min: 0, max: 1 };
	let fee = b(BranchKey::StabilityFee);
	corrupted(
		|| Bounds::<Test>::insert(Subject::Branch(99), fee, range),
		message,
	);
	corrupted(|| Bounds::<Test>::insert(Subject::Chain, fee, range), message);
	corrupted(
		|| Bounds::<Test>::insert(BRANCH, c(ChainKey::OracleQuorum), range),
		message,
	);
	for (subject, key) in [
		(Subject::Market(99), m(MarketKey::Stress)),
		(Subject::Market(DOT), m(MarketKey::Stress)),
		(MARKET, a(CollateralKey::Haircut)),
		(MARKET, fee),
		(Subject::Collateral(99), a(CollateralKey::Haircut)),
		(COLLATERAL, m(MarketKey::Stress)),
	] {
		corrupted(|| Bounds::<Test>::insert(subject, key, range), message);
		corrupted(
			|| LastLoosened::<Test>::insert(subject, key, START),
			"risk parameters: a loosening of nothing",
		);
	}
	// What is left of a subject whose numbers are gone.
	for subject in [MARKET, COLLATERAL] {
		corrupted(
			|| match subject {
				Subject::Market(id) => Markets::<Test>::remove(id),
				_ => Collaterals::<Test>::remove(BTC),
			},
			message,
		);
	}
}

#[test]
fn sees_a_loosening_of_nothing_or_in_the_future() {
	let fee = b(BranchKey::StabilityFee);
	let nothing = "risk parameters: a loosening of nothing";
	corrupted(
		|| LastLoosened::<Test>::insert(Subject::Branch(99), fee, START),
		nothing,
	);
	corrupted(
		|| LastLoosened::<Test>::insert(Subject::Chain, fee, START),
		nothing,
	);
	corrupted(
		|| LastLoosened::<Test>::insert(BRANCH, fee, START + 1),
		"risk parameters: loosened in the future",
	);
}

#[test]
fn sees_numbers_that_do_not_decode() {
	corrupted(
		|| {
			let key = Branches::<Test>::hashed_key_for(BTC);
			frame_support::storage::unhashed::put_raw(&key, &[1, 2, 3]);
		},
		"risk parameters: numbers do not decode",
	);
	corrupted(
		|| {
			let key = Markets::<Test>::hashed_key_for(SOL);
			frame_support::storage::unhashed::put_raw(&key, &[1, 2, 3]);
		},
		"risk parameters: numbers do not decode",
	);
	corrupted(
		|| {
			let key = Collaterals::<Test>::hashed_key_for(USDC);
			frame_support::storage::unhashed::put_raw(&key, &[1, 2, 3]);
		},
		"risk parameters: numbers do not decode",
	);
}

#[test]
fn sees_branch_numbers_that_do_not_go_together() {
	use BranchKey::*;
	corrupted(
		|| put_branch(&[(LiquidationRatio, pct(120)), (LiquidationPenalty, pct(20))]),
		"liquidation ratio is not above 1 + penalty",
	);
	corrupted(
		|| {
			let limits = policy(b(TargetMargin)).limits;
			Bounds::<Test>::insert(BRANCH, b(TargetMargin), limits);
			put_branch(&[
				(LiquidationRatio, pct(120)),
				(LiquidationPenalty, pct(19)),
				(TargetMargin, pct(1) - 1),
			]);
		},
		"liquidation target is too close to 1 + penalty",
	);
	corrupted(
		|| put_branch(&[(PoolBonus, pct(13) + 1)]),
		"pool bonus is above the penalty",
	);
	corrupted(
		|| put_branch(&[(LiquidationRatioCap, pct(150) - 1)]),
		"liquidation ratio cap is below the liquidation ratio",
	);
	corrupted(
		|| put_branch(&[(AuctionStep, 120), (AuctionDuration, 1_800)]),
		"auction ends before its price reaches the reserve",
	);
	let deviation = "price deviation triggers are not in the order of their levels";
	corrupted(
		|| put_branch(&[(DeviationGuarded, pct(10)), (DeviationReduceOnly, pct(10) - 1)]),
		deviation,
	);
	corrupted(
		|| put_branch(&[(DeviationReduceOnly, pct(20)), (DeviationHalted, pct(20) - 1)]),
		deviation,
	);
	let refused = "refused price triggers are not in the order of their levels";
	corrupted(
		|| put_branch(&[(RefusedGuarded, 200_000), (RefusedReduceOnly, 199_999)]),
		refused,
	);
	corrupted(
		|| {
			Bounds::<Test>::insert(BRANCH, b(RefusedReduceOnly), policy(b(RefusedReduceOnly)).limits);
			put_branch(&[(RefusedReduceOnly, 900_001), (RefusedHalted, 900_000)]);
		},
		refused,
	);
	let liquidated = "liquidated triggers are not in the order of their levels";
	corrupted(
		|| put_branch(&[(LiquidatedGuarded, pct(15)), (LiquidatedReduceOnly, pct(15) - 1)]),
		liquidated,
	);
	corrupted(
		|| put_branch(&[(LiquidatedReduceOnly, pct(30)), (LiquidatedHalted, pct(30) - 1)]),
		liquidated,
	);
	corrupted(
		|| put_branch(&[(LeavingReduceOnly, pct(10)), (LeavingGuarded, pct(10) + 1)]),
		"leaving triggers are not in the order of their levels",
	);
}

#[test]
fn sees_chain_numbers_that_do_not_go_together() {
	use ChainKey::*;
	let ages = "price ages are not in the order AddRisk, Liquidate, ReduceRisk";
	corrupted(|| put_chain(&[(AddRiskAge, 60_001)]), ages);
	corrupted(
		|| {
			put_chain(&[
				(OracleMaxAge, 150_000),
				(LiquidateAge, 150_000),
				(ReduceRiskAge, 149_999),
			])
		},
		ages,
	);
	let confidences = "price confidences are not in the order AddRisk, Liquidate, ReduceRisk";
	corrupted(|| put_chain(&[(AddRiskConfidence, pct(2) + 1)]), confidences);
	corrupted(
		|| put_chain(&[(LiquidateConfidence, pct(5)), (ReduceRiskConfidence, pct(5) - 1)]),
		confidences,
	);
	corrupted(
		|| put_chain(&[(LiquidateAge, 60_001)]),
		"liquidations accept a price older than an outage",
	);
	let drawdown = "drawdown triggers are not in the order of their levels";
	corrupted(
		|| put_chain(&[(DrawdownGuarded, pct(20)), (DrawdownReduceOnly, pct(20) - 1)]),
		drawdown,
	);
	corrupted(
		|| put_chain(&[(DrawdownReduceOnly, pct(40)), (DrawdownHalted, pct(40) - 1)]),
		drawdown,
	);
	corrupted(
		|| put_chain(&[(LendingGuarded, pct(90)), (LendingReduceOnly, pct(90) - 1)]),
		"lending triggers are not in the order of their levels",
	);
}

#[test]
fn sees_market_numbers_that_do_not_go_together() {
	use MarketKey::*;
	const WIDE: &str =
		"pushing the mark through its range takes more than the initial margin is above maintenance";
	const EXIT: &str =
		"maintenance margin does not cover twice the largest premium, the fees and the gap of a way out";
	let (premium, margin) = (bps(50), bps(250));
	let widest = edge(premium, ONE, |premium| covers_exit(premium, margin, bps(55)));
	let least = edge(margin, 0, |margin| covers_exit(premium, margin, bps(45)));
	let fewest = least_multiple(premium, margin);
	let cases: [(&[(MarketKey, u128)], &'static str); 19] = [
		(
			&[(MaintenanceMargin, pct(5) + 1), (MaintenanceCap, pct(5))],
			"maintenance cap is below the maintenance margin",
		),
		(&[(LiquidationFee, bps(50) + 3), (MaxPremium, widest)], EXIT),
		(
			&[(MaintenanceMargin, pct(2)), (LiquidationFee, bps(50) + 1)],
			"liquidation fee is above a quarter of the maintenance margin",
		),
		(&[(MakerFee, bps(5) + 1)], "maker fee is above the taker fee"),
		(
			&[(Rebate, bps(25) / 10 + 1)],
			"rebate is above half of the taker fee",
		),
		(
			&[
				(OpenInterestUpper, 50_000_000_000_000),
				(OpenInterestLower, 50_000_000_000_001),
			],
			"open interest thresholds are not in order",
		),
		(
			&[(DeviationGuarded, pct(10)), (DeviationReduceOnly, pct(10) - 1)],
			"price deviation triggers are not in the order of their levels",
		),
		(
			&[(DeviationReduceOnly, pct(20)), (DeviationHalted, pct(20) - 1)],
			"price deviation triggers are not in the order of their levels",
		),
		(
			&[(RefusedGuarded, 200_000), (RefusedReduceOnly, 199_999)],
			"refused price triggers are not in the order of their levels",
		),
		(
			&[(LiquidatedGuarded, pct(15)), (LiquidatedReduceOnly, pct(15) - 1)],
			"liquidated triggers are not in the order of their levels",
		),
		(
			&[(LiquidatedReduceOnly, pct(30)), (LiquidatedHalted, pct(30) - 1)],
			"liquidated triggers are not in the order of their levels",
		),
		(
			&[(TakerFee, bps(4) - 1), (MakerFee, bps(2))],
			"rebate is above half of the taker fee",
		),
		(
			&[(PremiumStep, bps(3) + 1)],
			"premium step is above the taker fee less the rebate",
		),
		(
			&[(TakerFee, bps(5) - 1)],
			"premium step is above the taker fee less the rebate",
		),
		(
			&[(Rebate, bps(2) + 1)],
			"premium step is above the taker fee less the rebate",
		),
		(
			&[(MaxPremium, bps(25)), (PremiumStep, bps(25) + 1)],
			"premium step is above the largest premium",
		),
		(&[(MaxPremium, widest + 1)], EXIT),
		(&[(MaintenanceMargin, least - 1), (LiquidationFee, bps(40))], EXIT),
		(&[(InitialMultiple, fewest - 1)], WIDE),
	];
	for (numbers, message) in cases {
		corrupted(
			|| {
				for (key, value) in numbers {
					put(MARKET, m(*key), *value);
				}
			},
			message,
		);
	}
}

#[test]
fn sees_collateral_numbers_that_do_not_go_together() {
	corrupted(
		|| put(COLLATERAL, a(CollateralKey::Haircut), pct(5)),
		"sale discount is not below the haircut",
	);
}
