//! The pool against its calls' promises, against attackers, and against chance.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, TokenError};

use crate::{mock::*, Error, Event, QueueName};

mod attacks;
mod cash;
mod corruption;
mod maths;
mod provide;
mod queues;
mod random;
mod unpriced;
mod views;
mod withdraw;

/// The pool's events, in order.
fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::LiquidityPool(event) => Some(event),
			_ => None,
		})
		.collect()
}

fn last_event() -> Event<Test> {
	events().pop().expect("an event")
}

/// Let nothing come to `who` of `asset` and nothing go, as its keeper may.
fn block(asset: keel_primitives::AssetId, who: AccountId) {
	assert_ok!(Assets::block(RuntimeOrigin::signed(OWNER), asset, who));
}

fn unblock(asset: keel_primitives::AssetId, who: AccountId) {
	assert_ok!(Assets::thaw(RuntimeOrigin::signed(OWNER), asset, who));
}
