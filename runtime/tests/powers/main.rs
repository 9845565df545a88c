//! What governance promises, tried on this chain: what is approved is enacted or said not to be, thresholds
//! are what `docs/governance.md` says, and what acts at once ends by itself.

#[path = "../common/mod.rs"]
mod common;

mod enactment;
mod table;
mod thresholds;

use common::*;
use frame_support::{assert_ok, dispatch::DispatchResult, traits::schedule::DispatchTime};
use keel_runtime::{
	governance::pallet_origins::Origin, AccountId, BlockNumber, OriginCaller, Runtime, RuntimeCall,
	RuntimeEvent, RuntimeOrigin, System, TechnicalCollective, KEEL, SLOT_DURATION,
};
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::traits::Dispatchable;

/// The development chain after its first block, without `try_state` after every block.
fn chain() -> Chain {
	let mut chain = Chain::new();
	chain.try_state = false;
	chain.block(BEGIN, || ());
	chain
}

/// The next block.
fn next<R>(chain: &mut Chain, body: impl FnOnce() -> R) -> R {
	let now = chain.now() + SLOT_DURATION;
	chain.block(now, body)
}

/// The number of the last block.
fn height(chain: &mut Chain) -> BlockNumber {
	chain.state(System::block_number)
}

/// Blocks up to and with `number`, and the events of all of them.
fn run_to(chain: &mut Chain, number: BlockNumber) -> Vec<(BlockNumber, RuntimeEvent)> {
	let mut seen = Vec::new();
	while height(chain) < number {
		next(chain, || ());
		let at = height(chain);
		seen.extend(chain.state(events).into_iter().map(|event| (at, event)));
	}
	seen
}

fn dispatch(origin: RuntimeOrigin, call: impl Into<RuntimeCall>) -> DispatchResult {
	call.into().dispatch(origin).map(|_| ()).map_err(|e| e.error)
}

/// `ayes` of `seats` members of the committee.
fn committee(ayes: u32, seats: u32) -> RuntimeOrigin {
	pallet_collective::RawOrigin::<AccountId, TechnicalCollective>::Members(ayes, seats).into()
}

fn root() -> OriginCaller {
	frame_system::RawOrigin::Root.into()
}
