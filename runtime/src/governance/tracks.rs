//! The tracks: how long each power takes and how many votes. `docs/governance.md` is written from this table.

use alloc::{borrow::Cow, vec::Vec};
use frame_support::traits::Get;
use pallet_referenda::{Curve, Track, TrackInfo, TracksInfo};
use sp_arithmetic::FixedI64;
use sp_runtime::str_array;

use super::origins::pallet_origins::{Origin, Pace, ReferendaPace};
use crate::{Balance, BlockNumber, OriginCaller, Runtime, RuntimeOrigin, KEEL, SLOT_DURATION};

/// Blocks of a minute.
const MINUTES: BlockNumber = 60_000 / SLOT_DURATION as BlockNumber;
const HOURS: BlockNumber = 60 * MINUTES;
const DAYS: BlockNumber = 24 * HOURS;

const fn percent(x: i32) -> FixedI64 {
	FixedI64::from_rational(x as u128, 100)
}

/// The periods of one track, in blocks: prepare, decide, confirm, enact.
type Periods = [BlockNumber; 4];

/// One row of the table.
struct Row {
	id: u16,
	name: &'static str,
	origin: Power,
	max_deciding: u32,
	decision_deposit: Balance,
	serious: Periods,
	rehearsal: Periods,
	approval: Curve,
	support: Curve,
}

/// What a track decides as.
enum Power {
	Root,
	Custom(Origin),
}

/// Approval from 100 % to 50 % over the decision.
const MAJORITY: Curve = Curve::make_linear(28, 28, percent(50), percent(100));
/// Approval that falls quickly to 60 % and then slowly to 50 %.
const QUICK_MAJORITY: Curve = Curve::make_reciprocal(4, 28, percent(60), percent(50), percent(100));
/// Support from half of all KEEL to 2 %, linearly: what few care about takes the whole decision period.
const WIDE_SUPPORT: Curve = Curve::make_linear(28, 28, percent(2), percent(50));
/// Support that falls quickly to 5 % and then slowly to 1 %.
const NARROW_SUPPORT: Curve = Curve::make_reciprocal(7, 28, percent(5), percent(1), percent(50));

const TABLE: [Row; 7] = [
	Row {
		id: 0,
		name: "root",
		origin: Power::Root,
		max_deciding: 1,
		decision_deposit: 10_000 * KEEL,
		serious: [DAYS, 14 * DAYS, 2 * DAYS, 7 * DAYS],
		rehearsal: [2, 20, 3, 10],
		approval: MAJORITY,
		support: WIDE_SUPPORT,
	},
	// As strong as Root, so hardly quicker: what can't wait half a day is for guardians, who can't loosen anything.
	Row {
		id: 1,
		name: "whitelisted_caller",
		origin: Power::Custom(Origin::WhitelistedCaller),
		max_deciding: 10,
		decision_deposit: 1_000 * KEEL,
		serious: [30 * MINUTES, 7 * DAYS, 6 * HOURS, 12 * HOURS],
		rehearsal: [2, 20, 3, 5],
		approval: QUICK_MAJORITY,
		support: NARROW_SUPPORT,
	},
	Row {
		id: 10,
		name: "risk_bounds",
		origin: Power::Custom(Origin::RiskBounds),
		max_deciding: 5,
		decision_deposit: 5_000 * KEEL,
		serious: [DAYS, 10 * DAYS, DAYS, 4 * DAYS],
		rehearsal: [2, 20, 3, 4],
		approval: MAJORITY,
		support: WIDE_SUPPORT,
	},
	Row {
		id: 11,
		name: "risk_adjust",
		origin: Power::Custom(Origin::RiskAdjust),
		max_deciding: 10,
		decision_deposit: 1_000 * KEEL,
		serious: [2 * HOURS, 5 * DAYS, 6 * HOURS, 12 * HOURS],
		rehearsal: [2, 20, 3, 3],
		approval: QUICK_MAJORITY,
		support: NARROW_SUPPORT,
	},
	Row {
		id: 20,
		name: "treasurer",
		origin: Power::Custom(Origin::Treasurer),
		max_deciding: 10,
		decision_deposit: 1_000 * KEEL,
		serious: [2 * HOURS, 14 * DAYS, DAYS, DAYS],
		rehearsal: [2, 20, 3, 3],
		approval: QUICK_MAJORITY,
		support: WIDE_SUPPORT,
	},
	Row {
		id: 30,
		name: "referendum_canceller",
		origin: Power::Custom(Origin::ReferendumCanceller),
		max_deciding: 20,
		decision_deposit: 5_000 * KEEL,
		serious: [2 * HOURS, 3 * DAYS, 3 * HOURS, 10 * MINUTES],
		rehearsal: [2, 20, 3, 2],
		approval: QUICK_MAJORITY,
		support: NARROW_SUPPORT,
	},
	Row {
		id: 31,
		name: "referendum_killer",
		origin: Power::Custom(Origin::ReferendumKiller),
		max_deciding: 20,
		decision_deposit: 10_000 * KEEL,
		serious: [2 * HOURS, 3 * DAYS, 3 * HOURS, 10 * MINUTES],
		rehearsal: [2, 20, 3, 2],
		approval: QUICK_MAJORITY,
		support: NARROW_SUPPORT,
	},
];

impl Row {
	fn track(&self, pace: Pace) -> Track<u16, Balance, BlockNumber> {
		let [prepare_period, decision_period, confirm_period, min_enactment_period] = match pace {
			Pace::Serious => self.serious,
			Pace::Rehearsal => self.rehearsal,
		};
		Track {
			id: self.id,
			info: TrackInfo {
				name: str_array(self.name),
				max_deciding: self.max_deciding,
				decision_deposit: self.decision_deposit,
				prepare_period,
				decision_period,
				confirm_period,
				min_enactment_period,
				min_approval: self.approval.clone(),
				min_support: self.support.clone(),
			},
		}
	}

	fn is_for(&self, origin: &OriginCaller) -> bool {
		match (&self.origin, origin) {
			(Power::Root, OriginCaller::system(frame_system::RawOrigin::Root)) => true,
			(Power::Custom(power), OriginCaller::Origins(origin)) => power == origin,
			_ => false,
		}
	}
}

/// Every track at `pace`.
pub fn tracks_at(pace: Pace) -> Vec<Track<u16, Balance, BlockNumber>> {
	TABLE.iter().map(|row| row.track(pace)).collect()
}

/// The tracks at this chain's pace.
pub struct Tracks;

impl TracksInfo<Balance, BlockNumber> for Tracks {
	type Id = u16;
	type RuntimeOrigin = <RuntimeOrigin as frame_support::traits::OriginTrait>::PalletsOrigin;

	fn tracks() -> impl Iterator<Item = Cow<'static, Track<u16, Balance, BlockNumber>>> {
		let pace = ReferendaPace::<Runtime>::get();
		TABLE.iter().map(move |row| Cow::Owned(row.track(pace)))
	}

	fn track_for(origin: &Self::RuntimeOrigin) -> Result<Self::Id, ()> {
		TABLE
			.iter()
			.find(|row| row.is_for(origin))
			.map(|row| row.id)
			.ok_or(())
	}
}

/// A period that depends on the pace: serious and rehearsal blocks.
pub struct Paced<const SERIOUS: BlockNumber, const REHEARSAL: BlockNumber>;

impl<const SERIOUS: BlockNumber, const REHEARSAL: BlockNumber> Get<BlockNumber>
	for Paced<SERIOUS, REHEARSAL>
{
	fn get() -> BlockNumber {
		match ReferendaPace::<Runtime>::get() {
			Pace::Serious => SERIOUS,
			Pace::Rehearsal => REHEARSAL,
		}
	}
}

/// How long a vote with the lowest conviction is locked.
pub type VoteLockingPeriod = Paced<{ 7 * DAYS }, 10>;
/// After how long a referendum without a decision deposit is dropped.
pub type UndecidingTimeout = Paced<{ 14 * DAYS }, 200>;
/// How long a motion of the committee is open.
pub type MotionDuration = Paced<{ 3 * DAYS }, 100>;
/// How long safe mode lasts if nobody ends it, in blocks.
pub const SAFE_MODE: BlockNumber = 4 * HOURS;
/// How long half of the committee may stop something, in blocks.
pub const SHORT_SPELL: BlockNumber = 6 * HOURS;
/// How long two thirds of the committee may, in blocks: longer than it takes to have the cause removed by a
/// referendum of `whitelisted_caller`.
pub const LONG_SPELL: BlockNumber = 24 * HOURS;
/// [`SAFE_MODE`] at this chain's pace.
pub type SafeModeDuration = Paced<SAFE_MODE, 30>;
/// [`SHORT_SPELL`] at this chain's pace.
pub type ShortSpell = Paced<SHORT_SPELL, 30>;
/// [`LONG_SPELL`] at this chain's pace.
pub type LongSpell = Paced<LONG_SPELL, 60>;
/// How long a payment of the treasury may be claimed.
pub type PayoutPeriod = Paced<{ 30 * DAYS }, 200>;
