//! What others paid for, tried here.

use frame_support::{assert_noop, assert_ok};

use super::*;
use Direction::{Loosened, Tightened};

/// Aave's CAPO, March 2026: of two numbers that had to move together, one was cut to what its rule allowed and the other
/// applied in full; healthy positions were liquidated at the difference.
mod half_of_a_coupled_update {
	use super::*;

	const RATIO: Key = Key::Branch(BranchKey::LiquidationRatio);
	const CAP: Key = Key::Branch(BranchKey::LiquidationRatioCap);

	#[test]
	fn a_part_that_goes_too_far_takes_the_other_down_with_it() {
		ExtBuilder::default().build_and_execute(|| {
			let penalty = b(BranchKey::LiquidationPenalty);
			let bonus = b(BranchKey::PoolBonus);
			for (list, error) in [
				// Two points more than a step, which would be 165 %.
				(
					vec![(RATIO, pct(167)), (CAP, pct(190))],
					Error::<Test>::TightenedTooFar,
				),
				(
					vec![(CAP, pct(190)), (RATIO, pct(167))],
					Error::<Test>::TightenedTooFar,
				),
				(
					vec![(penalty, pct(15)), (bonus, pct(16))],
					Error::<Test>::AboveBounds,
				),
				(
					vec![(bonus, pct(9)), (penalty, pct(11))],
					Error::<Test>::LoosenedTooFar,
				),
			] {
				let before = root();
				assert_noop!(set(ADJUSTER, BRANCH, &list), error);
				// Neither cut to size nor applied in part.
				assert_eq!(root(), before);
				assert_eq!(get(BRANCH, RATIO), pct(150));
				assert_eq!(get(BRANCH, CAP), pct(180));
				assert_eq!(get(BRANCH, penalty), pct(13));
				assert_eq!(get(BRANCH, bonus), pct(8));
			}
			assert_ok!(set(ADJUSTER, BRANCH, &[(RATIO, pct(165)), (CAP, pct(190))]));
			assert_eq!((get(BRANCH, RATIO), get(BRANCH, CAP)), (pct(165), pct(190)));
		});
	}

	#[test]
	fn one_of_two_numbers_that_go_together_is_refused_alone() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(set(ADJUSTER, BRANCH, &[(RATIO, pct(165))]));
			assert_ok!(set(ADJUSTER, BRANCH, &[(RATIO, pct(178))]));
			let both = [(RATIO, pct(190)), (CAP, pct(195))];
			assert_noop!(set(ADJUSTER, BRANCH, &both[..1]), Error::<Test>::CapBelowRatio);
			assert_ok!(set(ADJUSTER, BRANCH, &both));

			// A fuse's triggers: the one for `ReduceOnly` alone would come before the one for `Guarded`.
			let (guarded, reduce_only) = (b(BranchKey::DeviationGuarded), b(BranchKey::DeviationReduceOnly));
			for value in [pct(8), pct(7), pct(6), pct(5)] {
				assert_ok!(set(GUARDIAN, BRANCH, &[(reduce_only, value)]));
			}
			assert_ok!(set_bounds(BRANCH, &[(reduce_only, pct(4), pct(20))]));
			let both = [(reduce_only, pct(4)), (guarded, pct(4))];
			assert_noop!(
				set(GUARDIAN, BRANCH, &both[..1]),
				Error::<Test>::DeviationOutOfOrder
			);
			assert_ok!(set(GUARDIAN, BRANCH, &both));
		});
	}

	#[test]
	fn the_impact_of_one_takes_all_down() {
		ExtBuilder::default().build_and_execute(|| {
			Verdict::set(Ok(Some(keel_primitives::Impact {
				newly_unsafe: 11,
				total: 100,
				exact: true,
			})));
			let list = [
				(b(BranchKey::StabilityFee), pct(3)),
				(b(BranchKey::SafetyMargin), pct(12)),
				(RATIO, pct(152)),
			];
			assert_noop!(set(ADJUSTER, BRANCH, &list), Error::<Test>::WouldMakeUnsafe);
			assert_eq!(get(BRANCH, list[0].0), pct(2));
			assert_eq!(get(BRANCH, list[1].0), pct(10));
		});
	}
}

mod guardian_gone_rogue {
	use super::*;

	/// Everything a guardian can do on a day, over and over until nothing moves: each key on its own as far the safer way
	/// as one call takes it, one unit the other way, and all keys of a subject at once. Returns how much was accepted.
	pub fn rampage() -> usize {
		let mut accepted = 0;
		loop {
			let mut moved_now = 0;
			for subject in KINDS {
				for key in subject.keys() {
					let value = get(subject, key);
					let safest = match policy(key).safer {
						Safer::Higher => u128::MAX,
						Safer::Lower => 0,
					};
					let near = nearest(subject, key, safest).now;
					if near != value {
						moved_now += usize::from(set(GUARDIAN, subject, &[(key, near)]).is_ok());
					}
					if let Some(looser) = moved(key, get(subject, key), Loosened, 1) {
						assert!(set(GUARDIAN, subject, &[(key, looser)]).is_err(), "{key:?}");
					}
				}
				let all: Vec<_> = subject
					.keys()
					.into_iter()
					.filter(|key| policy(*key).guardian)
					.filter_map(|key| Some((key, moved(key, get(subject, key), Tightened, 1)?)))
					.collect();
				moved_now += usize::from(set(GUARDIAN, subject, &all).is_ok());
			}
			if moved_now == 0 {
				return accepted;
			}
			accepted += moved_now;
		}
	}

	fn month() {
		let first = rampage();
		assert!(first > 60, "only {first} calls went through");
		let reached = KINDS.map(RiskParameters::parameters);
		for _ in 1..30 {
			later(DAY);
			assert_eq!(rampage(), 0, "patience is worth something to a guardian");
		}
		assert_eq!(KINDS.map(RiskParameters::parameters), reached);
	}

	/// What it can reach. Nobody loses a position or its collateral by it: what vaults meet, they meet on the ramp, if
	/// the impact allows it at all.
	fn reach() -> Vec<(Key, u128)> {
		use BranchKey::*;
		use ChainKey::*;
		vec![
			// Existing vaults, on the ramp, a share of them at a time, as far as the cap.
			(b(LiquidationRatio), pct(180)),
			// No new debt.
			(b(SafetyMargin), pct(50)),
			(b(DebtCeiling), 0),
			(b(GuardedMargin), pct(50)),
			(b(GuardedCeiling), pct(20)),
			// A slower, dearer auction that still reaches its reserve in six hours.
			(b(AuctionStart), 1_355_254_775_963_139_188),
			(b(AuctionCut), bps(9_980)),
			(b(AuctionStep), 53),
			(b(AuctionDuration), 21_600),
			// Fuses that are not a halt trip sooner; not on a calm day.
			(b(DeviationGuarded), pct(3)),
			(b(DeviationReduceOnly), pct(5)),
			(b(RefusedGuarded), 40_000),
			(b(RefusedReduceOnly), 90_000),
			(b(LiquidatedGuarded), pct(3)),
			(b(LiquidatedReduceOnly), pct(8)),
			(b(MintLimit), pct(20)),
			(b(LeavingGuarded), pct(5)),
			(b(LeavingReduceOnly), pct(10)),
			(c(DrawdownGuarded), pct(5)),
			(c(DrawdownReduceOnly), pct(10)),
			// Stricter prices before somebody adds risk, wider ones for who leaves.
			(c(AddRiskAge), 10_000),
			(c(ReduceRiskAge), 3_600_000),
			(c(ReduceRiskConfidence), pct(20)),
			// More for whoever buys last, more liquidations in a block.
			(c(FundShare), ONE),
			(c(TreasuryCap), 5_000_000_000_000),
			(c(FallbackBlocks), 1),
			(c(LiquidationsPerBlock), 400),
			// Less of an unrealised profit to open or to borrow against; all of it for who closes.
			(c(ProfitShare), pct(50)),
			(c(ProfitCap), 10_000_000_000),
			// A faster line.
			(c(OrdersPerBlock), 2_000),
			(c(RefreshesPerBlock), 400),
			// No new debt of accounts.
			(c(LendingCap), pct(60)),
			(c(LendingGuarded), pct(75)),
			(c(LendingReduceOnly), pct(85)),
			// No new positions, and none that pushes the mark far in a block.
			(m(MarketKey::MaxOpenInterest), 0),
			(m(MarketKey::PremiumStep), bps(1)),
			(m(MarketKey::GuardedCaps), pct(10)),
			// No rebates, and more for the market's own tranche, from fees to come.
			(m(MarketKey::Rebate), 0),
			(m(MarketKey::RebateBand), pct(1)),
			(m(MarketKey::RebateShare), 0),
			(m(MarketKey::TrancheTarget), 500_000_000_000),
			(m(MarketKey::DeviationGuarded), pct(3)),
			(m(MarketKey::DeviationReduceOnly), pct(5)),
			(m(MarketKey::RefusedGuarded), 40_000),
			(m(MarketKey::RefusedReduceOnly), 90_000),
			(m(MarketKey::LiquidatedGuarded), pct(3)),
			(m(MarketKey::LiquidatedReduceOnly), pct(8)),
			// No new deposits.
			(a(CollateralKey::DepositCap), 0),
		]
	}

	#[test]
	fn reaches_this_in_a_day_and_no_more_in_thirty() {
		ExtBuilder::default().build_and_execute(|| {
			month();
			let reach = reach();
			for subject in KINDS {
				for (key, value) in RiskParameters::set_of(subject).unwrap().values() {
					let expected = reach
						.iter()
						.find(|(reached, _)| *reached == key)
						.map_or(policy(key).default, |(_, value)| *value);
					assert_eq!(value, expected, "{key:?}");
					assert!(policy(key).bounds.contains(value));
				}
			}
			assert_eq!(
				reach.len(),
				KINDS
					.into_iter()
					.flat_map(Subject::keys)
					.filter(|key| policy(*key).guardian)
					.count()
			);
			// Governance takes it back, slowly, as after any tightening.
			assert_ok!(set(
				ADJUSTER,
				BRANCH,
				&[(b(BranchKey::DebtCeiling), 50_000_000_000)]
			));
		});
	}

	#[test]
	fn reaches_nobody_who_is_in_where_the_impact_is_too_large() {
		ExtBuilder::default().build_and_execute(|| {
			Verdict::set(Ok(Some(keel_primitives::Impact {
				newly_unsafe: 101,
				total: 1_000,
				exact: true,
			})));
			month();
			for (key, value) in reach() {
				let subject = KINDS.into_iter().find(|subject| subject.has(key)).unwrap();
				let reached = get(subject, key);
				let expected = if policy(key).moves_existing {
					policy(key).default
				} else {
					value
				};
				assert_eq!(reached, expected, "{key:?}");
			}
		});
	}

	#[test]
	fn opens_nothing_by_raising_a_breaker_first() {
		ExtBuilder::default().build_and_execute(|| {
			for raised in [Level::Guarded, Level::ReduceOnly, Level::Halted] {
				level(BreakerSubject::Chain, raised);
				let before = root();
				for subject in KINDS {
					for key in subject.keys() {
						let value = get(subject, key);
						let step = policy(key).loosen.of(value);
						for by in [1, step, step + 1] {
							if let Some(looser) = moved(key, value, Loosened, by) {
								assert!(set(GUARDIAN, subject, &[(key, looser)]).is_err());
							}
						}
					}
				}
				assert_eq!(root(), before);
			}
		});
	}
}

/// Numbers moved in calm weather, where they make nobody unsafe, that would liquidate everybody in the next storm.
mod armed_for_the_next_storm {
	use super::*;
	use keel_math::{liquidation::liquidation_ratio, FixedU128};
	use keel_primitives::{BranchParameters, Impact};

	/// A year's volatility on a calm day, and in March 2020.
	const CALM: u128 = 40;
	const STORM: u128 = 200;

	/// Where the liquidation ratio is heading at a volatility in percent.
	fn heading(set: &BranchParameters, volatility: u128) -> u128 {
		liquidation_ratio(
			set.liquidation_ratio,
			set.liquidation_ratio_cap,
			set.liquidation_penalty,
			set.volatility_multiple,
			FixedU128::from_inner(pct(volatility)),
			set.volatility_horizon,
		)
		.unwrap()
		.into_inner()
	}

	/// All debt stands on the ratio of a calm day.
	fn calm_day(before: &BranchParameters, after: &BranchParameters) -> Answer {
		Ok((heading(after, CALM) > heading(before, CALM)).then_some(Impact {
			newly_unsafe: 1,
			total: 1,
			exact: true,
		}))
	}

	fn arms() -> [(Subject, (Key, u128)); 5] {
		[
			(BRANCH, (b(BranchKey::LiquidationRatioCap), pct(198))),
			(BRANCH, (b(BranchKey::VolatilityMultiple), pct(270))),
			(BRANCH, (b(BranchKey::VolatilityHorizon), 129_600)),
			(Subject::Chain, (c(ChainKey::VolatilityTau), 16_200)),
			(Subject::Chain, (c(ChainKey::AddRiskConfidence), bps(50))),
		]
	}

	#[test]
	fn is_not_for_guardians_in_any_weather() {
		ExtBuilder::default().build_and_execute(|| {
			for raised in [Level::Normal, Level::Guarded, Level::Halted] {
				level(BreakerSubject::Chain, raised);
				for (subject, (key, value)) in arms() {
					let now = get(subject, key);
					let other = match subject {
						Subject::Chain => (c(ChainKey::AddRiskAge), 29_000),
						_ => (b(BranchKey::DebtCeiling), 0),
					};
					for value in [value, moved(key, now, Tightened, 1).unwrap()] {
						for list in [vec![(key, value)], vec![other, (key, value)]] {
							assert_noop!(set(GUARDIAN, subject, &list), Error::<Test>::NotForGuardians);
							assert_eq!(
								RiskParameters::preview(subject, changes(&list), Authority::Guardian),
								Err(Error::<Test>::NotForGuardians.into())
							);
							// Nothing but whose hand it is stands in the way.
							frame_support::hypothetically_ok!(set(ADJUSTER, subject, &list));
						}
					}
				}
			}
		});
	}

	#[test]
	fn a_guardians_month_leaves_the_storm_as_it_was() {
		ExtBuilder::default().build_and_execute(|| {
			Judge::set(Some(calm_day));
			let set_now = || Branches::<Test>::get(BTC).unwrap();
			let before = set_now();
			for _ in 0..30 {
				super::guardian_gone_rogue::rampage();
				later(DAY);
			}
			let after = set_now();
			assert_ne!(before, after);
			for volatility in [0, CALM, 80, 120, STORM, 1_000] {
				assert_eq!(heading(&after, volatility), heading(&before, volatility));
			}

			// The same calm day lets all of it pass, in one day and with nobody unsafe: it is the storm that pays.
			for (subject, (key, _)) in arms() {
				while subject == BRANCH && nearest(subject, key, u128::MAX).now != get(subject, key) {
					let further = nearest(subject, key, u128::MAX).now;
					assert_ok!(set(ADJUSTER, subject, &[(key, further)]));
				}
			}
			assert_eq!(heading(&set_now(), CALM), heading(&before, CALM));
			assert!(heading(&before, STORM) == pct(150) && heading(&set_now(), STORM) > pct(220));
		});
	}
}

mod governance_loosening_during_a_crash {
	use super::*;

	#[test]
	fn nothing_is_loosened_until_it_is_over_and_then_one_step_a_day() {
		ExtBuilder::default().build_and_execute(|| {
			let breaker = BreakerSubject::Branch(BTC);
			let ratio = b(BranchKey::LiquidationRatio);
			let started = RiskParameters::parameters(BRANCH);
			// Prices fall; the vote is to "give borrowers room", again and again.
			for raised in [
				Level::Guarded,
				Level::ReduceOnly,
				Level::Halted,
				Level::ReduceOnly,
				Level::Guarded,
			] {
				level(breaker, raised);
				for info in &started {
					let step = info.policy.loosen.of(info.value);
					for by in [1, step] {
						let Some(looser) = moved(info.key, info.value, Loosened, by)
							.filter(|looser| info.bounds.contains(*looser))
						else {
							continue;
						};
						assert_noop!(
							set(ADJUSTER, BRANCH, &[(info.key, looser)]),
							Error::<Test>::BreakerRaised
						);
					}
				}
				// A referendum on the bounds moves the bounds, not the value.
				let bounds = Bounds::<Test>::get(BRANCH, ratio).unwrap();
				assert_ok!(set_bounds(BRANCH, &[(ratio, bounds.min - 1, bounds.max)]));
				assert_noop!(
					set(ADJUSTER, BRANCH, &[(ratio, pct(149))]),
					Error::<Test>::BreakerRaised
				);
				later(DAY);
			}
			for (before, now) in started.iter().zip(RiskParameters::parameters(BRANCH)) {
				assert_eq!(before.value, now.value);
			}
			// What makes the branch safer goes through meanwhile, and is not taken back in the storm either.
			assert_ok!(set(ADJUSTER, BRANCH, &[(b(BranchKey::SafetyMargin), pct(15))]));
			assert_noop!(
				set(ADJUSTER, BRANCH, &[(b(BranchKey::SafetyMargin), pct(15) - 1)]),
				Error::<Test>::BreakerRaised
			);
			// The gate's own limit is a number of the chain, and held by the chain's breaker.
			let limit = c(ChainKey::ImpactLimit);
			level(BreakerSubject::Chain, Level::Guarded);
			assert_noop!(
				set(ADJUSTER, Subject::Chain, &[(limit, pct(11))]),
				Error::<Test>::BreakerRaised
			);
			level(BreakerSubject::Chain, Level::Normal);

			// Over: days of waiting do not add up to more than a step.
			level(breaker, Level::Normal);
			assert_noop!(
				set(ADJUSTER, BRANCH, &[(ratio, pct(147) - 1)]),
				Error::<Test>::LoosenedTooFar
			);
			assert_ok!(set(ADJUSTER, BRANCH, &[(ratio, pct(147))]));
			assert_noop!(
				set(ADJUSTER, BRANCH, &[(ratio, pct(146))]),
				Error::<Test>::CoolingDown
			);
		});
	}
}

/// Numbers that move against those who stand in a market, while nobody counts whom they make unsafe.
mod squeeze_of_a_market {
	use super::*;
	use keel_math::{margin, FixedU128};

	/// What a position of 100,000 kUSD has to be worth to open, to stand, and where its liquidation would stop.
	fn asked() -> (u128, u128, u128) {
		let set = Markets::<Test>::get(BTC).unwrap();
		let volatility = FixedU128::from_inner(pct(200));
		let rate = margin::maintenance_rate(
			set.maintenance_margin,
			set.maintenance_cap,
			set.volatility_multiple,
			volatility,
			set.volatility_horizon,
		)
		.unwrap();
		let open = 2_000_000_000_000;
		let initial = margin::initial_rate(
			rate,
			set.initial_multiple,
			open,
			set.open_interest_lower,
			set.open_interest_upper,
		)
		.unwrap();
		let guarded = initial.into_inner() * set.guarded_multiple.into_inner() / ONE;
		(rate.into_inner(), initial.into_inner(), guarded)
	}

	#[test]
	fn by_a_guardian_leaves_what_is_asked_of_positions_as_it_was() {
		ExtBuilder::default().build_and_execute(|| {
			let (before, asked_before) = (Markets::<Test>::get(BTC).unwrap(), asked());
			let collateral = Collaterals::<Test>::get(BTC).unwrap();
			for _ in 0..30 {
				super::guardian_gone_rogue::rampage();
				later(DAY);
			}
			let after = Markets::<Test>::get(BTC).unwrap();
			assert_ne!(before, after);
			assert_eq!(asked(), asked_before);
			// Nor what they are charged, what leaving costs, and the price they leave at.
			assert_eq!(after.max_funding_rate, before.max_funding_rate);
			assert_eq!(after.funding_velocity, before.funding_velocity);
			assert_eq!(after.liquidation_fee, before.liquidation_fee);
			assert_eq!(after.taker_fee, before.taker_fee);
			assert_eq!(after.maker_fee, before.maker_fee);
			assert_eq!(after.skew_scale, before.skew_scale);
			assert_eq!(after.max_premium, before.max_premium);
			let (kept, chain) = (Collaterals::<Test>::get(BTC).unwrap(), Chain::<Test>::get());
			assert_eq!(kept.haircut, collateral.haircut);
			assert_eq!(kept.sale_discount, collateral.sale_discount);
			assert_eq!(chain.pool_cooldown, DAY);
			assert_eq!(chain.pool_stress.into_inner(), pct(80));
			assert_eq!(chain.order_fee, 100_000);
		});
	}

	#[test]
	fn by_a_vote_in_a_storm_cannot_let_new_risk_in() {
		ExtBuilder::default().build_and_execute(|| {
			for raised in [Level::Guarded, Level::ReduceOnly, Level::Halted] {
				level(BreakerSubject::Market(BTC), raised);
				for (key, value) in [
					(m(MarketKey::MaxOpenInterest), 24_000_000_000_000),
					(m(MarketKey::InitialMultiple), pct(175)),
					(m(MarketKey::MaxPremium), bps(55)),
					(m(MarketKey::SkewScale), 102_000_000_000_000),
					(m(MarketKey::MaxFundingRate), bps(550)),
				] {
					assert_noop!(
						set(ADJUSTER, MARKET, &[(key, value)]),
						Error::<Test>::BreakerRaised
					);
					frame_support::hypothetically!({
						level(BreakerSubject::Market(BTC), Level::Normal);
						assert_ok!(set(ADJUSTER, MARKET, &[(key, value)]));
						level(BreakerSubject::Market(BTC), raised);
					});
				}
			}
		});
	}
}

/// Kind: a limit that holds only for those who come through the door. Root's `system.set_storage` writes
/// 2,000 % where the limit is 1,000 %; every reader gets the limit, and the next move starts from it.
#[test]
fn what_is_written_past_the_pallet_is_read_inside_the_limits() {
	use keel_primitives::RiskParameters as _;

	ExtBuilder::default().build().execute_with(|| {
		let ratio = b(BranchKey::LiquidationRatio);
		assert_eq!(policy(ratio).limits.max, 10 * ONE);
		put(BRANCH, ratio, 20 * ONE);
		assert_eq!(
			RiskParameters::branch(BTC)
				.unwrap()
				.liquidation_ratio
				.into_inner(),
			10 * ONE
		);
		for subject in KINDS {
			for key in subject.keys() {
				let Range { min, max } = policy(key).limits;
				let read = || {
					let set = match subject {
						Subject::Chain => ParameterSet::Chain(RiskParameters::chain()),
						Subject::Branch(id) => ParameterSet::Branch(id, RiskParameters::branch(id).unwrap()),
						Subject::Market(id) => ParameterSet::Market(id, RiskParameters::market(id).unwrap()),
						Subject::Collateral(id) => {
							ParameterSet::Collateral(id, RiskParameters::collateral(id).unwrap())
						}
					};
					set.get(key).unwrap()
				};
				put(subject, key, max + 1);
				assert_eq!(read(), max, "{key:?}");
				assert_eq!(RiskParameters::parameter(subject, key).unwrap().value, max);
				if let Some(below) = min.checked_sub(1) {
					put(subject, key, below);
					assert_eq!(read(), min, "{key:?}");
				}
				for inside in [min, max] {
					put(subject, key, inside);
					assert_eq!(read(), inside, "{key:?}");
				}
			}
		}
	});
}
