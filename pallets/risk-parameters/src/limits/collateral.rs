//! The rules of the keys of an asset that margin accounts hold.

use keel_primitives::{BranchKey, CollateralKey};

use super::*;
use crate::types::{Policy, Safer::*, Unit::*};

/// The rule of an asset's `key`.
pub const fn rule(key: CollateralKey) -> Policy {
	match key {
		// Accounts meet it on the ramp, but nobody counts whom it would make unsafe, so it is not for guardians: they lower the cap.
		CollateralKey::Haircut => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(1_000),
			bounds: range(bps(200), bps(5_000)),
			limits: range(bps(100), bps(9_500)),
			tighten: step(200, bps(200)),
			loosen: step(50, bps(50)),
			cooldown: DAY,
			..REST
		},
		// The owners' time to react, as a branch's.
		CollateralKey::HaircutRamp => branch(BranchKey::RampPerHour),
		// Down to zero at once, which only stops new deposits; up slowly.
		CollateralKey::DepositCap => Policy {
			unit: Amount,
			safer: Lower,
			guardian: true,
			default: kusd(10_000_000),
			bounds: range(0, kusd(100_000_000)),
			limits: range(0, kusd(10_000_000_000)),
			tighten: step(1_000, kusd(100_000)),
			loosen: step(200, kusd(50_000)),
			cooldown: DAY,
			..REST
		},
		// Brings a buyer when one is needed; those who are liquidated pay for it, at once. Without any, nobody comes.
		CollateralKey::SaleDiscount => Policy {
			unit: Ratio,
			safer: Higher,
			guardian: false,
			default: bps(500),
			bounds: range(bps(100), bps(1_000)),
			limits: range(bps(10), bps(2_500)),
			tighten: step(200, bps(50)),
			loosen: step(100, bps(20)),
			cooldown: DAY,
			..REST
		},
	}
}
