//! The pool against its calls' promises, against attackers, and against an exact ledger.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::{ArithmeticError, DispatchError, TokenError};

use crate::{mock::*, Deposits, Error, Event, JoinedGroups, PastSums, State};

mod absorb;
mod attacks;
mod breaker;
mod buy;
mod calls;
mod corruption;
mod properties;
mod reference;
mod waiting;

/// The pool's events, in order.
fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::StabilityPool(event) => Some(event),
			_ => None,
		})
		.collect()
}

fn last_event() -> Event<Test> {
	events().pop().expect("an event")
}

/// Forbid every movement of `asset`.
fn freeze(asset: keel_primitives::AssetId) {
	assert_ok!(Assets::freeze_asset(RuntimeOrigin::signed(OWNER), asset));
}
