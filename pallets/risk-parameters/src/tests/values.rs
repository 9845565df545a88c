use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError::BadOrigin;

use super::*;
use Direction::{Loosened, Tightened};

#[test]
fn when_adjusted_should_store_announce_and_start_the_cooldown() {
	ExtBuilder::default().build_and_execute(|| {
		let (fee, ratio) = (b(BranchKey::StabilityFee), b(BranchKey::LiquidationRatio));
		assert_ok!(set(ADJUSTER, BRANCH, &[(fee, pct(3)), (ratio, pct(149))]));
		let stored = Branches::<Test>::get(BTC).unwrap();
		assert_eq!(stored.stability_fee.into_inner(), pct(3));
		assert_eq!(stored.liquidation_ratio.into_inner(), pct(149));
		assert_eq!(Branches::<Test>::get(DOT).unwrap(), dot());
		assert_eq!(LastLoosened::<Test>::get(BRANCH, fee), None);
		assert_eq!(LastLoosened::<Test>::get(BRANCH, ratio), Some(START));
		let events: Vec<_> = System::events().into_iter().map(|record| record.event).collect();
		assert_eq!(
			events,
			vec![
				Event::ParameterChanged {
					subject: BRANCH,
					key: fee,
					old: pct(2),
					new: pct(3),
					direction: Tightened
				}
				.into(),
				Event::ParameterChanged {
					subject: BRANCH,
					key: ratio,
					old: pct(150),
					new: pct(149),
					direction: Loosened
				}
				.into(),
			]
		);
	});
}

#[test]
fn all_keys_of_a_subject_can_move_in_one_call() {
	for subject in KINDS {
		ExtBuilder::default().build_and_execute(|| {
			// One raw unit the safer way each; the accepted ages and the outage's age move together.
			let list: Vec<_> = RiskParameters::parameters(subject)
				.into_iter()
				.map(|info| (info.key, moved(info.key, info.value, Tightened, 1).unwrap()))
				.collect();
			assert_ok!(set(ADJUSTER, subject, &list));
			for (key, value) in list {
				assert_eq!(get(subject, key), value);
			}
		});
	}
}

mod origins {
	use super::*;

	#[test]
	fn values_are_for_adjusters_and_guardians() {
		ExtBuilder::default().build_and_execute(|| {
			let list = [(b(BranchKey::SafetyMargin), pct(11))];
			assert_noop!(set(STRANGER, BRANCH, &list), BadOrigin);
			assert_noop!(
				RiskParameters::set_values(RuntimeOrigin::root(), BRANCH, changes(&list)),
				BadOrigin
			);
			assert_noop!(
				RiskParameters::set_values(RuntimeOrigin::none(), BRANCH, changes(&list)),
				BadOrigin
			);
			assert_ok!(set(GUARDIAN, BRANCH, &list));
			assert_ok!(set(ADJUSTER, BRANCH, &[(b(BranchKey::SafetyMargin), pct(12))]));
		});
	}

	#[test]
	fn a_guardian_tightens_what_is_for_guardians_and_moves_nothing_else() {
		ExtBuilder::default().build_and_execute(|| {
			let (mut theirs, mut others) = (0, 0);
			for subject in KINDS {
				for info in RiskParameters::parameters(subject) {
					assert_eq!(info.policy.guardian, policy(info.key).guardian);
					let tighter = moved(info.key, info.value, Tightened, 1).unwrap();
					let looser = moved(info.key, info.value, Loosened, 1).unwrap();
					if info.policy.guardian {
						theirs += 1;
						assert_ok!(set(GUARDIAN, subject, &[(info.key, tighter)]));
						assert_eq!(get(subject, info.key), tighter);
						continue;
					}
					others += 1;
					for value in [tighter, looser, info.value] {
						assert_noop!(
							set(GUARDIAN, subject, &[(info.key, value)]),
							Error::<Test>::NotForGuardians
						);
					}
				}
			}
			assert_eq!((theirs, others), (48, 66));
		});
	}

	#[test]
	fn a_guardian_can_neither_stop_prices_nor_raise_what_existing_vaults_pay() {
		ExtBuilder::default().build_and_execute(|| {
			let (penalty, bonus) = (b(BranchKey::LiquidationPenalty), b(BranchKey::PoolBonus));
			let attacks: [(Subject, &[(Key, u128)]); 5] = [
				(Subject::Chain, &[(c(ChainKey::OracleQuorum), 4)]),
				(Subject::Chain, &[(c(ChainKey::RecoveryPrices), 4)]),
				(BRANCH, &[(penalty, pct(15))]),
				(BRANCH, &[(bonus, pct(9))]),
				// Nor among what it may.
				(
					BRANCH,
					&[
						(b(BranchKey::DebtCeiling), 0),
						(penalty, pct(15)),
						(bonus, pct(9)),
					],
				),
			];
			for (subject, list) in attacks {
				assert_noop!(set(GUARDIAN, subject, list), Error::<Test>::NotForGuardians);
				assert_eq!(
					RiskParameters::preview(subject, changes(list), Authority::Guardian),
					Err(Error::<Test>::NotForGuardians.into())
				);
				assert_ok!(RiskParameters::preview(
					subject,
					changes(list),
					Authority::Adjuster
				));
			}
		});
	}

	#[test]
	fn a_guardian_cannot_loosen_any_key() {
		ExtBuilder::default().build_and_execute(|| {
			let mut keys = 0;
			for subject in KINDS {
				for info in RiskParameters::parameters(subject) {
					let looser = moved(info.key, info.value, Loosened, 1).unwrap();
					let error = if info.policy.guardian {
						Error::<Test>::GuardianMayOnlyTighten
					} else {
						Error::<Test>::NotForGuardians
					};
					assert_noop!(set(GUARDIAN, subject, &[(info.key, looser)]), error);
					keys += 1;
				}
			}
			assert_eq!(keys, KEYS);
		});
	}

	#[test]
	fn a_guardian_cannot_hide_a_loosening_among_tightenings() {
		ExtBuilder::default().build_and_execute(|| {
			let list = [
				(b(BranchKey::SafetyMargin), pct(11)),
				(b(BranchKey::DebtCeiling), 0),
				(b(BranchKey::LiquidationRatio), pct(150) - 1),
			];
			assert_noop!(
				set(GUARDIAN, BRANCH, &list),
				Error::<Test>::GuardianMayOnlyTighten
			);
		});
	}

	#[test]
	fn a_guardian_at_its_worst_stays_inside_the_bounds() {
		ExtBuilder::default().build_and_execute(|| {
			let before: Vec<_> = KINDS.map(RiskParameters::parameters).concat();
			let mut moves = 0;
			for _ in 0..60 {
				for subject in KINDS {
					for key in subject.keys() {
						let info = RiskParameters::parameter(subject, key).unwrap();
						let end = match info.policy.safer {
							Safer::Higher => u128::MAX,
							Safer::Lower => 0,
						};
						let nearest = RiskParameters::nearest_allowed(subject, key, end).unwrap();
						if nearest.now == info.value {
							continue;
						}
						let result = set(GUARDIAN, subject, &[(key, nearest.now)]);
						if info.policy.guardian {
							assert_ok!(result);
							moves += 1;
						} else {
							assert_eq!(result, Err(Error::<Test>::NotForGuardians.into()));
						}
					}
				}
				assert_ok!(RiskParameters::do_try_state());
			}
			assert!(moves > 60, "only {moves} moves");
			let after: Vec<_> = KINDS.map(RiskParameters::parameters).concat();
			for (before, after) in before.into_iter().zip(after) {
				let direction = before.policy.direction(before.value, after.value);
				assert_ne!(direction, Some(Loosened), "{:?}", after.key);
				assert!(direction.is_none() || after.policy.guardian, "{:?}", after.key);
				assert!(after.bounds.contains(after.value));
			}
		});
	}
}

mod steps {
	use super::*;

	#[test]
	fn one_step_passes_and_one_unit_more_is_refused_both_ways_for_every_key() {
		let mut tried = 0;
		for subject in KINDS {
			for key in subject.keys() {
				for direction in [Tightened, Loosened] {
					ExtBuilder::default().build_and_execute(|| {
						let policy = policy(key);
						let value = policy.default;
						let step = policy.step(direction).of(value);
						let (Some(exact), Some(more)) = (
							moved(key, value, direction, step),
							moved(key, value, direction, step + 1),
						) else {
							return;
						};
						// Widen the bounds, so that the step is what stops it.
						let limits = policy.limits;
						if !limits.contains(more) {
							return;
						}
						assert_ok!(set_bounds(subject, &[(key, limits.min, limits.max)]));
						let refusal = match direction {
							Tightened => Error::<Test>::TightenedTooFar,
							Loosened => Error::<Test>::LoosenedTooFar,
						};
						assert_noop!(set(ADJUSTER, subject, &[(key, more)]), refusal);
						tried += 1;
						let fits = RiskParameters::set_of(subject).unwrap().fits_with(key, exact);
						let result = set(ADJUSTER, subject, &[(key, exact)]);
						assert_eq!(result.is_ok(), fits, "{key:?} {direction:?}");
						if fits {
							assert_eq!(get(subject, key), exact);
						}
					});
				}
			}
		}
		assert!(tried >= 110, "only {tried} edges");
	}

	#[test]
	fn zero_is_no_trap() {
		ExtBuilder::default().build_and_execute(|| {
			let ceiling = b(BranchKey::DebtCeiling);
			assert_ok!(set(GUARDIAN, BRANCH, &[(ceiling, 0)]));
			let least = 50_000_000_000;
			assert_noop!(
				set(ADJUSTER, BRANCH, &[(ceiling, least + 1)]),
				Error::<Test>::LoosenedTooFar
			);
			assert_ok!(set(ADJUSTER, BRANCH, &[(ceiling, least)]));
			assert_noop!(
				set(ADJUSTER, BRANCH, &[(ceiling, least + 1)]),
				Error::<Test>::CoolingDown
			);
		});
	}

	#[test]
	fn zero_is_refused_where_bounds_forbid_it() {
		ExtBuilder::default().build_and_execute(|| {
			for subject in KINDS {
				for key in subject
					.keys()
					.into_iter()
					.filter(|key| policy(*key).bounds.min > 0)
				{
					assert_noop!(set(ADJUSTER, subject, &[(key, 0)]), Error::<Test>::BelowBounds);
				}
			}
		});
	}
}

mod bounds_and_types {
	use super::*;

	#[test]
	fn a_value_beyond_its_bounds_is_refused() {
		ExtBuilder::default().build_and_execute(|| {
			for subject in KINDS {
				for info in RiskParameters::parameters(subject) {
					assert_noop!(
						set(ADJUSTER, subject, &[(info.key, info.bounds.max + 1)]),
						Error::<Test>::AboveBounds
					);
					if let Some(below) = info.bounds.min.checked_sub(1) {
						assert_noop!(
							set(ADJUSTER, subject, &[(info.key, below)]),
							Error::<Test>::BelowBounds
						);
					}
				}
			}
		});
	}

	#[test]
	fn a_number_too_large_for_its_type_is_refused() {
		ExtBuilder::default().build_and_execute(|| {
			let too_large = |key, value| {
				assert_noop!(
					set(ADJUSTER, Subject::Chain, &[(key, value)]),
					Error::<Test>::ValueDoesNotFit
				);
			};
			too_large(c(ChainKey::OracleQuorum), u32::MAX as u128 + 1);
			// Would be 3, the present value, if it wrapped.
			too_large(c(ChainKey::OracleQuorum), (1 << 32) + 3);
			too_large(c(ChainKey::OracleQuorum), u128::MAX);
			too_large(c(ChainKey::AddRiskAge), u64::MAX as u128 + 1);
			too_large(c(ChainKey::AddRiskAge), u128::MAX);
			assert_noop!(
				set(ADJUSTER, Subject::Chain, &[(c(ChainKey::TreasuryCap), u128::MAX)]),
				Error::<Test>::AboveBounds
			);
			assert_noop!(
				set(ADJUSTER, BRANCH, &[(b(BranchKey::LiquidationRatio), u128::MAX)]),
				Error::<Test>::AboveBounds
			);
		});
	}

	#[test]
	fn limits_bind_even_where_stored_bounds_are_wider() {
		ExtBuilder::default().build_and_execute(|| {
			let key = b(BranchKey::AuctionReserve);
			let kept = Bounds::<Test>::get(BRANCH, key).unwrap();
			Bounds::<Test>::insert(
				BRANCH,
				key,
				Range {
					min: 0,
					max: u128::MAX,
				},
			);
			Branches::<Test>::mutate(BTC, |set| {
				set.as_mut()
					.unwrap()
					.set(BranchKey::AuctionReserve, pct(98))
					.unwrap()
			});
			assert_noop!(set(ADJUSTER, BRANCH, &[(key, ONE)]), Error::<Test>::AboveBounds);
			assert_eq!(
				RiskParameters::nearest_allowed(BRANCH, key, ONE).unwrap().now,
				pct(99)
			);
			assert_ok!(set(ADJUSTER, BRANCH, &[(key, pct(99))]));
			Bounds::<Test>::insert(BRANCH, key, Range { max: pct(99), ..kept });
		});
	}
}

mod cooldown {
	use super::*;

	#[test]
	fn every_key_waits_exactly_its_cooldown() {
		for subject in KINDS {
			for key in subject.keys() {
				ExtBuilder::default().build_and_execute(|| {
					let policy = policy(key);
					if key == c(ChainKey::LiquidateAge) {
						// It can't pass the age of an outage, where it starts.
						assert_ok!(set(ADJUSTER, subject, &[(c(ChainKey::OracleMaxAge), 62_000)]));
					}
					// The step starts where the fees end.
					let (step, fee) = (m(MarketKey::PremiumStep), m(MarketKey::TakerFee));
					if key == step {
						assert_ok!(set(ADJUSTER, subject, &[(fee, bps(6))]));
					} else if key == fee || key == m(MarketKey::Rebate) {
						assert_ok!(set(ADJUSTER, subject, &[(step, bps(2))]));
					}
					let has_room =
						moved(key, policy.default, Loosened, 2).is_some_and(|v| policy.bounds.contains(v));
					if !has_room {
						let tighter = moved(key, policy.default, Tightened, 1).unwrap();
						assert_ok!(set(ADJUSTER, subject, &[(key, tighter)]));
					}
					let value = get(subject, key);
					let first = moved(key, value, Loosened, 1).unwrap();
					let second = moved(key, value, Loosened, 2).unwrap();
					assert_ok!(set(ADJUSTER, subject, &[(key, first)]));
					assert_noop!(
						set(ADJUSTER, subject, &[(key, second)]),
						Error::<Test>::CoolingDown
					);
					later(policy.cooldown - 1);
					assert_noop!(
						set(ADJUSTER, subject, &[(key, second)]),
						Error::<Test>::CoolingDown
					);
					later(1);
					assert_ok!(set(ADJUSTER, subject, &[(key, second)]));
					let info = RiskParameters::parameter(subject, key).unwrap();
					assert_eq!(info.loosen_from, Timestamp::get() + policy.cooldown);
				});
			}
		}
	}

	#[test]
	fn is_each_keys_and_each_subjects_own() {
		ExtBuilder::default().build_and_execute(|| {
			assert_ok!(set(ADJUSTER, BRANCH, &[(b(BranchKey::StabilityFee), pct(2) - 1)]));
			assert_ok!(set(
				ADJUSTER,
				BRANCH,
				&[(b(BranchKey::SafetyMargin), pct(10) - 1)]
			));
			assert_ok!(set(
				ADJUSTER,
				Subject::Branch(DOT),
				&[(b(BranchKey::StabilityFee), pct(2) - 1)]
			));
			assert_noop!(
				set(ADJUSTER, BRANCH, &[(b(BranchKey::StabilityFee), pct(2) - 2)]),
				Error::<Test>::CoolingDown
			);
		});
	}

	#[test]
	fn tightening_neither_waits_nor_resets_it() {
		ExtBuilder::default().build_and_execute(|| {
			let key = b(BranchKey::LiquidationRatio);
			assert_ok!(set(ADJUSTER, BRANCH, &[(key, pct(148))]));
			assert_ok!(set(GUARDIAN, BRANCH, &[(key, pct(152))]));
			assert_ok!(set(ADJUSTER, BRANCH, &[(key, pct(155))]));
			// The way back is a loosening like any other.
			assert_noop!(
				set(ADJUSTER, BRANCH, &[(key, pct(154))]),
				Error::<Test>::CoolingDown
			);
			later(DAY);
			assert_ok!(set(ADJUSTER, BRANCH, &[(key, pct(154))]));
		});
	}

	#[test]
	fn a_refused_loosening_does_not_start_it() {
		ExtBuilder::default().build_and_execute(|| {
			let key = b(BranchKey::LiquidationRatio);
			assert_noop!(
				set(ADJUSTER, BRANCH, &[(key, pct(140))]),
				Error::<Test>::LoosenedTooFar
			);
			assert_ok!(set(ADJUSTER, BRANCH, &[(key, pct(149))]));
		});
	}
}

mod lists {
	use super::*;

	#[test]
	fn one_bad_change_of_five_undoes_all() {
		let good = [
			(b(BranchKey::StabilityFee), pct(3)),
			(b(BranchKey::LiquidationRatio), pct(149)),
			(b(BranchKey::DebtCeiling), 0),
			(b(BranchKey::AuctionReserve), pct(62)),
		];
		let bad = [
			((b(BranchKey::SafetyMargin), pct(51)), Error::<Test>::AboveBounds),
			((b(BranchKey::SafetyMargin), pct(1)), Error::<Test>::BelowBounds),
			(
				(b(BranchKey::SafetyMargin), pct(50)),
				Error::<Test>::TightenedTooFar,
			),
			(
				(b(BranchKey::SafetyMargin), pct(5)),
				Error::<Test>::LoosenedTooFar,
			),
			((b(BranchKey::SafetyMargin), pct(10)), Error::<Test>::Unchanged),
			((b(BranchKey::StabilityFee), pct(3)), Error::<Test>::DuplicateKey),
			((c(ChainKey::OracleQuorum), 4), Error::<Test>::KeyOfAnotherSubject),
			(
				(b(BranchKey::AuctionStep), u128::MAX),
				Error::<Test>::ValueDoesNotFit,
			),
		];
		for (change, error) in bad {
			for position in 0..=good.len() {
				ExtBuilder::default().build_and_execute(|| {
					let mut list = good.to_vec();
					list.insert(position, change);
					let before = root();
					let result = set(ADJUSTER, BRANCH, &list);
					if matches!(error, Error::DuplicateKey) {
						assert_eq!(result, Err(Error::<Test>::DuplicateKey.into()));
					} else {
						assert!(result.is_err());
					}
					assert_eq!(before, root());
				});
			}
			ExtBuilder::default().build_and_execute(|| {
				let mut list = good.to_vec();
				list.push(change);
				assert_noop!(set(ADJUSTER, BRANCH, &list), error);
				assert_ok!(set(ADJUSTER, BRANCH, &good));
			});
		}
	}

	#[test]
	fn refuses_nothing_to_do() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(set(ADJUSTER, BRANCH, &[]), Error::<Test>::NoChanges);
			for subject in KINDS {
				for info in RiskParameters::parameters(subject) {
					assert_noop!(
						set(ADJUSTER, subject, &[(info.key, info.value)]),
						Error::<Test>::Unchanged
					);
				}
			}
		});
	}

	#[test]
	fn refuses_keys_of_every_other_kind() {
		ExtBuilder::default().build_and_execute(|| {
			let keys = [
				c(ChainKey::OracleQuorum),
				b(BranchKey::StabilityFee),
				m(MarketKey::TakerFee),
				a(CollateralKey::Haircut),
			];
			for (own, subject) in KINDS.into_iter().enumerate() {
				for (kind, key) in keys.into_iter().enumerate() {
					assert_eq!(subject.has(key), kind == own);
					if kind != own {
						assert_noop!(
							set(ADJUSTER, subject, &[(key, 1)]),
							Error::<Test>::KeyOfAnotherSubject
						);
					}
				}
			}
		});
	}

	#[test]
	fn refuses_keys_of_the_other_kind_and_unknown_subjects() {
		ExtBuilder::default().build_and_execute(|| {
			assert_noop!(
				set(ADJUSTER, Subject::Chain, &[(b(BranchKey::StabilityFee), pct(3))]),
				Error::<Test>::KeyOfAnotherSubject
			);
			assert_noop!(
				set(ADJUSTER, BRANCH, &[(c(ChainKey::OracleQuorum), 4)]),
				Error::<Test>::KeyOfAnotherSubject
			);
			assert_noop!(
				set(
					ADJUSTER,
					Subject::Branch(99),
					&[(b(BranchKey::StabilityFee), pct(3))]
				),
				Error::<Test>::UnknownBranch
			);
			assert_noop!(
				set(ADJUSTER, Subject::Market(99), &[(m(MarketKey::Stress), pct(30))]),
				Error::<Test>::UnknownMarket
			);
			assert_noop!(
				set(
					ADJUSTER,
					Subject::Collateral(99),
					&[(a(CollateralKey::Haircut), pct(11))]
				),
				Error::<Test>::UnknownCollateral
			);
		});
	}
}

#[test]
fn the_trait_reads_what_is_stored() {
	use keel_primitives::RiskParameters as Trait;
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set(ADJUSTER, Subject::Chain, &[(c(ChainKey::OracleQuorum), 4)]));
		assert_eq!(<RiskParameters as Trait>::chain().oracle_quorum, 4);
		assert_eq!(<RiskParameters as Trait>::chain(), Chain::<Test>::get());
		assert_eq!(<RiskParameters as Trait>::branch(DOT), Ok(dot()));
		assert_eq!(
			<RiskParameters as Trait>::branch(99),
			Err(Error::<Test>::UnknownBranch.into())
		);
		assert_ok!(set(ADJUSTER, MARKET, &[(m(MarketKey::Stress), pct(25))]));
		assert_eq!(
			<RiskParameters as Trait>::market(BTC)
				.unwrap()
				.stress
				.into_inner(),
			pct(25)
		);
		assert_eq!(<RiskParameters as Trait>::market(SOL), Ok(sol()));
		assert_eq!(
			<RiskParameters as Trait>::market(99),
			Err(Error::<Test>::UnknownMarket.into())
		);
		assert_ok!(set(ADJUSTER, COLLATERAL, &[(a(CollateralKey::Haircut), pct(12))]));
		assert_eq!(
			<RiskParameters as Trait>::collateral(BTC)
				.unwrap()
				.haircut
				.into_inner(),
			pct(12)
		);
		assert_eq!(<RiskParameters as Trait>::collateral(USDC), Ok(usdc()));
		assert_eq!(
			<RiskParameters as Trait>::collateral(99),
			Err(Error::<Test>::UnknownCollateral.into())
		);
	});
}

#[cfg(feature = "runtime-benchmarks")]
#[test]
fn the_trait_writes_past_every_rule_with_the_bounds_of_the_table() {
	use crate::limits;
	use keel_primitives::{CollateralParameters, MarketParameters, RiskParameters as Trait};
	// What is past the limits reads as the limit:
	// `what_is_written_past_the_pallet_is_read_inside_the_limits`.
	ExtBuilder::default().build().execute_with(|| {
		let deep = MarketParameters {
			skew_scale: 1,
			..limits::default_market()
		};
		let free = CollateralParameters {
			haircut: 0.into(),
			..limits::default_collateral()
		};
		// New and known ones.
		for id in [BTC, 77] {
			<RiskParameters as Trait>::set_market(id, deep.clone());
			<RiskParameters as Trait>::set_collateral(id, free.clone());
			assert_eq!(Markets::<Test>::get(id), Some(deep.clone()));
			assert_eq!(Collaterals::<Test>::get(id), Some(free.clone()));
			for subject in [Subject::Market(id), Subject::Collateral(id)] {
				for key in subject.keys() {
					assert_eq!(Bounds::<Test>::get(subject, key), Some(policy(key).bounds));
				}
			}
		}
	});
}
