use frame_support::assert_ok;

use super::*;
use crate::mock;
use Direction::{Loosened, Tightened};

fn preview(subject: Subject, key: Key, value: u128) -> bool {
	RiskParameters::preview(subject, changes(&[(key, value)]), Authority::Adjuster).is_ok()
}

#[test]
fn subjects_are_the_chain_and_everything_listed() {
	ExtBuilder::default().build_and_execute(|| {
		let mut subjects = RiskParameters::subjects();
		subjects.sort();
		assert_eq!(
			subjects,
			vec![
				Subject::Chain,
				Subject::Branch(BTC),
				Subject::Branch(DOT),
				Subject::Market(BTC),
				Subject::Market(SOL),
				Subject::Collateral(BTC),
				Subject::Collateral(USDC),
			]
		);
	});
}

#[test]
fn parameter_tells_everything() {
	ExtBuilder::default().build_and_execute(|| {
		let key = b(BranchKey::LiquidationRatio);
		assert_ok!(set(ADJUSTER, BRANCH, &[(key, pct(148))]));
		assert_ok!(set_bounds(BRANCH, &[(key, pct(147), pct(250))]));
		let info = RiskParameters::parameter(BRANCH, key).unwrap();
		assert_eq!(
			info,
			ParameterInfo {
				key,
				value: pct(148),
				bounds: Range {
					min: pct(147),
					max: pct(250)
				},
				policy: policy(key),
				tighten: Range {
					min: pct(148),
					max: pct(148) + pct(148) / 10
				},
				loosen: Range {
					min: pct(147),
					max: pct(148)
				},
				last_loosened: Some(START),
				loosen_from: START + DAY,
				breaker_raised: false,
			}
		);
		assert_eq!(info.policy.unit, Unit::Ratio);
		assert!(info.policy.guardian && info.policy.moves_existing && !info.policy.controller);
		let penalty = RiskParameters::parameter(BRANCH, b(BranchKey::LiquidationPenalty)).unwrap();
		assert!(!penalty.policy.guardian);
		let fee = RiskParameters::parameter(BRANCH, b(BranchKey::StabilityFee)).unwrap();
		assert!(fee.policy.controller && !fee.policy.moves_existing);
	});
}

#[test]
fn parameters_lists_every_key_once_and_unknown_subjects_are_empty() {
	ExtBuilder::default().build_and_execute(|| {
		for subject in KINDS {
			let infos = RiskParameters::parameters(subject);
			assert_eq!(
				infos.iter().map(|info| info.key).collect::<Vec<_>>(),
				subject.keys()
			);
			for info in infos {
				assert_eq!(RiskParameters::parameter(subject, info.key), Some(info));
			}
		}
		for unknown in [
			Subject::Branch(99),
			Subject::Market(99),
			Subject::Collateral(99),
			// A branch, but neither a market nor an asset of accounts.
			Subject::Market(DOT),
			Subject::Collateral(DOT),
		] {
			assert!(RiskParameters::parameters(unknown).is_empty());
			assert!(RiskParameters::headroom(unknown).is_empty());
			for key in unknown.keys() {
				assert_eq!(RiskParameters::parameter(unknown, key), None);
				assert_eq!(RiskParameters::nearest_allowed(unknown, key, 0), None);
			}
		}
		assert_eq!(RiskParameters::parameter(MARKET, b(BranchKey::PoolBonus)), None);
		assert_eq!(RiskParameters::parameter(COLLATERAL, m(MarketKey::Stress)), None);
		let unknown = Subject::Branch(99);
		assert_eq!(RiskParameters::parameter(unknown, b(BranchKey::PoolBonus)), None);
		assert_eq!(RiskParameters::parameter(BRANCH, c(ChainKey::OracleQuorum)), None);
		assert_eq!(
			RiskParameters::nearest_allowed(unknown, b(BranchKey::PoolBonus), 0),
			None
		);
		assert_eq!(
			RiskParameters::nearest_allowed(Subject::Chain, b(BranchKey::PoolBonus), 0),
			None
		);
	});
}

#[test]
fn nearest_is_accepted_and_nothing_nearer_is() {
	ExtBuilder::default().build_and_execute(|| {
		let mut stopped = 0;
		for subject in KINDS {
			for info in RiskParameters::parameters(subject) {
				let Policy { limits, bounds, .. } = info.policy;
				let wishes = [0, 1, limits.min, limits.max, bounds.min, bounds.max, u128::MAX];
				let near = [
					1,
					2,
					info.policy.loosen.of(info.value),
					info.policy.tighten.of(info.value),
				];
				let around = near
					.iter()
					.flat_map(|by| [info.value.saturating_sub(*by), info.value.saturating_add(*by)]);
				for wanted in wishes.into_iter().chain(around) {
					let nearest = RiskParameters::nearest_allowed(subject, info.key, wanted).unwrap();
					assert_eq!(nearest.direction, info.policy.direction(info.value, wanted));
					assert_eq!(nearest.now, nearest.then);
					let moves = nearest.now != info.value;
					assert_eq!(
						preview(subject, info.key, nearest.now),
						moves,
						"{:?} {wanted}",
						info.key
					);
					// On the way from the present value to the wanted one.
					assert!(nearest.now >= info.value.min(wanted) && nearest.now <= info.value.max(wanted));
					if nearest.now != wanted {
						let next = if wanted > nearest.now {
							nearest.now + 1
						} else {
							nearest.now - 1
						};
						assert!(
							!preview(subject, info.key, next),
							"{:?} {wanted} {nearest:?}",
							info.key
						);
						stopped += 1;
					}
				}
			}
		}
		assert!(stopped > 300, "only {stopped} wishes were out of reach");
	});
}

#[test]
fn nearest_tells_when_a_cooldown_is_over() {
	ExtBuilder::default().build_and_execute(|| {
		let key = b(BranchKey::LiquidationRatio);
		let nearest = |wanted| RiskParameters::nearest_allowed(BRANCH, key, wanted).unwrap();
		assert_eq!(
			nearest(pct(120)),
			Nearest {
				now: pct(147),
				then: pct(147),
				from: 0,
				direction: Some(Loosened)
			}
		);
		assert_ok!(set(ADJUSTER, BRANCH, &[(key, pct(147))]));
		let waiting = nearest(pct(146));
		assert_eq!(
			waiting,
			Nearest {
				now: pct(147),
				then: pct(146),
				from: START + DAY,
				direction: Some(Loosened)
			}
		);
		assert!(!preview(BRANCH, key, waiting.then));
		later(DAY - 1);
		assert_eq!(nearest(pct(146)).now, pct(147));
		later(1);
		assert_eq!(nearest(pct(146)).now, pct(146));
		assert!(preview(BRANCH, key, waiting.then));
		// Tightening does not wait.
		assert_eq!(
			nearest(pct(150)),
			Nearest {
				now: pct(150),
				then: pct(150),
				from: 0,
				direction: Some(Tightened)
			}
		);
		assert_eq!(
			nearest(pct(147)),
			Nearest {
				now: pct(147),
				then: pct(147),
				from: 0,
				direction: None
			}
		);
	});
}

#[test]
fn nearest_minds_the_neighbours() {
	ExtBuilder::default().build_and_execute(|| {
		let liquidate = c(ChainKey::LiquidateAge);
		let nearest = RiskParameters::nearest_allowed(Subject::Chain, liquidate, 70_000).unwrap();
		assert_eq!(nearest.now, 60_000);
		// A branch's ratio on its way up ends at the cap.
		let ratio = b(BranchKey::LiquidationRatio);
		assert_ok!(set(GUARDIAN, BRANCH, &[(ratio, pct(165))]));
		assert_ok!(set(GUARDIAN, BRANCH, &[(ratio, pct(178))]));
		assert_eq!(
			RiskParameters::nearest_allowed(BRANCH, ratio, pct(190))
				.unwrap()
				.now,
			pct(180)
		);
	});
}

#[test]
fn headroom_ends_at_bounds_or_neighbours() {
	ExtBuilder::default().build_and_execute(|| {
		for subject in KINDS {
			let set = RiskParameters::set_of(subject).unwrap();
			let rooms = RiskParameters::headroom(subject);
			assert_eq!(rooms.len(), subject.keys().len());
			for Headroom {
				key,
				value,
				tighten,
				loosen,
			} in rooms
			{
				assert_eq!(value, get(subject, key));
				let bounds = policy(key).bounds;
				for (direction, room) in [(Tightened, tighten), (Loosened, loosen)] {
					let end = moved(key, value, direction, room).unwrap();
					assert!(
						bounds.contains(end) && set.fits_with(key, end),
						"{key:?} {direction:?}"
					);
					let beyond = moved(key, value, direction, room + 1);
					let open = beyond.is_some_and(|v| bounds.contains(v) && set.fits_with(key, v));
					assert!(!open, "{key:?} {direction:?}");
				}
			}
		}
		let room = |subject, key| {
			RiskParameters::headroom(subject)
				.into_iter()
				.find(|room| room.key == key)
				.unwrap()
		};
		// The cap is 1.80, the bounds end at 1.20.
		let ratio = room(BRANCH, b(BranchKey::LiquidationRatio));
		assert_eq!((ratio.tighten, ratio.loosen), (pct(30), pct(30)));
		let liquidate = room(Subject::Chain, c(ChainKey::LiquidateAge));
		assert_eq!((liquidate.tighten, liquidate.loosen), (30_000, 0));
		// The step is what the taker fee leaves above the rebate already; the bounds are below.
		for (key, tighten) in [
			(MarketKey::PremiumStep, bps(2)),
			(MarketKey::TakerFee, bps(15)),
			(MarketKey::Rebate, bps(2)),
		] {
			let room = room(MARKET, m(key));
			assert_eq!((room.tighten, room.loosen), (tighten, 0), "{key:?}");
		}
		// The largest premium has what the margin leaves above the fees and the gap; the multiple has nearly
		// all of its bounds.
		let (premium, margin, multiple) = (bps(50), bps(250), bps(18_000));
		let largest = room(MARKET, m(MarketKey::MaxPremium));
		let wider = edge(premium, ONE, |premium| covers_exit(premium, margin, bps(55))) - premium;
		assert_eq!((largest.tighten, largest.loosen), (bps(25), wider));
		let least = edge(margin, 0, |margin| covers_exit(premium, margin, bps(55)));
		let fewest = least_multiple(premium, margin);
		for (key, tighten, loosen) in [
			(
				MarketKey::MaintenanceMargin,
				bps(750),
				(margin - least).min(margin - bps(200)),
			),
			(MarketKey::InitialMultiple, bps(32_000), multiple - fewest),
		] {
			let room = room(MARKET, m(key));
			assert_eq!((room.tighten, room.loosen), (tighten, loosen), "{key:?}");
		}
		let discount = room(COLLATERAL, a(CollateralKey::SaleDiscount));
		assert_eq!((discount.tighten, discount.loosen), (pct(5) - 1, pct(4)));
	});
}

#[test]
fn preview_is_what_the_call_does_and_moves_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		let list = [
			(b(BranchKey::SafetyMargin), pct(11)),
			(b(BranchKey::LiquidationRatio), pct(149)),
		];
		let before = root();
		let planned = RiskParameters::preview(BRANCH, changes(&list), Authority::Adjuster).unwrap();
		assert_eq!(before, root());
		assert_eq!(
			RiskParameters::preview(BRANCH, changes(&list), Authority::Guardian),
			Err(Error::<Test>::GuardianMayOnlyTighten.into())
		);
		assert_eq!(
			planned[1],
			Move {
				key: list[1].0,
				old: pct(150),
				new: pct(149),
				direction: Loosened
			}
		);
		assert_ok!(set(ADJUSTER, BRANCH, &list));
		for change in planned {
			assert_eq!(get(BRANCH, change.key), change.new);
		}
	});
}

#[test]
fn a_client_reaches_them() {
	use codec::{Decode, Encode};
	use frame_support::view_functions::{DispatchViewFunction, ViewFunction};
	type View = crate::ParameterViewFunction<mock::Test>;
	ExtBuilder::default().build_and_execute(|| {
		let arguments = (BRANCH, b(BranchKey::PoolBonus)).encode();
		let mut answer = Vec::new();
		assert_ok!(RiskParameters::dispatch_view_function(
			&View::id(),
			&mut arguments.as_slice(),
			&mut answer
		));
		let info = Option::<ParameterInfo>::decode(&mut answer.as_slice())
			.unwrap()
			.unwrap();
		assert_eq!(info.value, pct(8));
	});
}

#[test]
fn units_tell_how_a_number_of_a_market_reads() {
	ExtBuilder::default().build_and_execute(|| {
		let unit = |subject, key| RiskParameters::parameter(subject, key).unwrap().policy.unit;
		for (key, expected) in [
			(MarketKey::SkewScale, Unit::Size),
			(MarketKey::MaxFundingRate, Unit::DailyRate),
			(MarketKey::FundingVelocity, Unit::DailyVelocity),
			(MarketKey::MaxOpenInterest, Unit::Amount),
			(MarketKey::VolatilityHorizon, Unit::Seconds),
			(MarketKey::RefusedHalted, Unit::Milliseconds),
			(MarketKey::TakerFee, Unit::Ratio),
		] {
			assert_eq!(unit(MARKET, m(key)), expected, "{key:?}");
		}
		assert_eq!(unit(COLLATERAL, a(CollateralKey::DepositCap)), Unit::Amount);
		assert_eq!(unit(Subject::Chain, c(ChainKey::LendingJump)), Unit::AnnualRate);
		// No gauge is asked about any of them.
		for subject in [MARKET, COLLATERAL] {
			Verdict::set(Err(sp_runtime::DispatchError::Other("not to be asked")));
			for info in RiskParameters::parameters(subject) {
				assert!(!info.policy.moves_existing);
				let tighter = moved(info.key, info.value, Tightened, 1).unwrap();
				let report = RiskParameters::impact(subject, changes(&[(info.key, tighter)])).unwrap();
				assert_eq!((report.newly_unsafe, report.total, report.allowed), (0, 0, true));
			}
		}
	});
}
