//! A development chain whose blocks are sealed on demand and whose clock can be moved.
//!
//! No consensus runs: this node alone authors, and what it seals is final. The blocks carry Aura's slots all the same,
//! so the runtime is the one every other node runs.

use std::{
	fmt,
	num::NonZeroU64,
	sync::{
		atomic::{AtomicU64, Ordering},
		Arc,
	},
	time::Duration,
};

use codec::Decode;
use futures::{
	channel::{mpsc, oneshot},
	stream::{self, BoxStream},
	StreamExt,
};
use keel_runtime::{opaque::Block, Hash};
use sc_client_api::{StorageKey, StorageProvider};
use sc_consensus_manual_seal::{
	consensus::aura::AuraConsensusDataProvider, run_manual_seal, CreatedBlock, EngineCommand,
	Error as SealError, ManualSealParams,
};
use sc_network::{config::FullNetworkConfiguration, NetworkBackend};
use sc_service::{error::Error, Configuration, PartialComponents, SpawnTaskHandle, TaskManager};
use sc_telemetry::Telemetry;
use sc_transaction_pool_api::TransactionPool as _;
use sp_blockchain::HeaderBackend;
use sp_io::hashing::twox_128;
use sp_timestamp::{InherentDataProvider, Timestamp};

use crate::{
	cli::Sealing,
	rpc,
	service::{self, FullBackend, FullClient, TransactionPool},
};

/// The last time a JavaScript `Date` can hold, so the last one a client can show. Far from overflowing anything here.
const LATEST_TIME: u64 = 8_640_000_000_000_000;

/// Commands of `engine_*` that may wait while a block is being sealed.
const COMMAND_BUFFER: usize = 1_000;

/// Starts the only node of a development chain.
pub fn new_full<N: NetworkBackend<Block, Hash>>(
	config: Configuration,
	sealing: Sealing,
) -> Result<TaskManager, Error> {
	let PartialComponents {
		client,
		backend,
		mut task_manager,
		import_queue: (),
		keystore_container,
		select_chain,
		transaction_pool,
		other: mut telemetry,
	} = service::foundation(&config)?;

	let prometheus_registry = config.prometheus_registry().cloned();
	let import_queue = sc_consensus_manual_seal::import_queue(
		Box::new(client.clone()),
		&task_manager.spawn_essential_handle(),
		prometheus_registry.as_ref(),
	);

	let (network, system_rpc_tx, tx_handler_controller, sync_service, _bitswap) =
		sc_service::build_network(sc_service::BuildNetworkParams {
			net_config: FullNetworkConfiguration::<Block, Hash, N>::new(
				&config.network,
				prometheus_registry.clone(),
			),
			config: &config,
			client: client.clone(),
			transaction_pool: transaction_pool.clone(),
			spawn_handle: task_manager.spawn_handle(),
			spawn_essential_handle: task_manager.spawn_essential_handle(),
			import_queue,
			block_announce_validator_builder: None,
			warp_sync_config: None,
			block_relay: None,
			metrics: N::register_notification_metrics(prometheus_registry.as_ref()),
			gap_sync_body_policy: None,
		})?;

	service::spawn_offchain_workers(
		&config,
		&task_manager,
		&client,
		&backend,
		&keystore_container,
		&transaction_pool,
		&network,
	)?;

	let slot_duration = sc_consensus_aura::slot_duration(&*client)?;
	let pace = match sealing {
		Sealing::Manual => Pace::Stepwise,
		Sealing::Instant | Sealing::Interval(_) => Pace::WallClock,
	};
	let clock = Arc::new(Clock::new(client.clone(), slot_duration.as_millis(), pace));
	let (commands, requests) = mpsc::channel(COMMAND_BUFFER);

	let rpc_builder = {
		let client = client.clone();
		let pool = transaction_pool.clone();
		let sealing = rpc::SealingDeps {
			commands,
			clock: clock.clone(),
		};
		Box::new(move |_| {
			let mut module = rpc::common(client.clone(), pool.clone())?;
			rpc::add_sealing(&mut module, &sealing)?;
			Ok(module)
		})
	};

	sc_service::spawn_tasks(sc_service::SpawnTasksParams {
		config,
		client: client.clone(),
		backend,
		task_manager: &mut task_manager,
		keystore: keystore_container.keystore(),
		transaction_pool: transaction_pool.clone(),
		rpc_builder,
		network,
		system_rpc_tx,
		tx_handler_controller,
		sync_service,
		telemetry: telemetry.as_mut(),
		tracing_execute_block: None,
	})?;

	let proposer_factory = sc_basic_authorship::ProposerFactory::new(
		task_manager.spawn_handle(),
		client.clone(),
		transaction_pool.clone(),
		prometheus_registry.as_ref(),
		telemetry.as_ref().map(Telemetry::handle),
	);
	let triggers = triggers(sealing, &transaction_pool, task_manager.spawn_handle());
	let author = run_manual_seal::<_, _, FullBackend, _, _, _, _, _, _>(ManualSealParams {
		block_import: client.clone(),
		env: proposer_factory,
		client,
		pool: transaction_pool,
		commands_stream: stream::select(requests, triggers),
		select_chain,
		consensus_data_provider: Some(Box::new(AuraConsensusDataProvider::new_with_slot_duration(
			slot_duration,
		))),
		create_inherent_data_providers: move |parent, ()| {
			let time = clock.next_after(parent);
			async move { Ok(InherentDataProvider::new(Timestamp::new(time?))) }
		},
	});
	task_manager
		.spawn_essential_handle()
		.spawn_blocking("sealing", Some("block-authoring"), author);

	Ok(task_manager)
}

/// What makes the node seal a block by itself.
fn triggers(
	sealing: Sealing,
	pool: &Arc<TransactionPool>,
	spawner: SpawnTaskHandle,
) -> BoxStream<'static, EngineCommand<Hash>> {
	match sealing {
		Sealing::Manual => stream::pending().boxed(),
		Sealing::Instant => pool
			.import_notification_stream()
			.map(move |_| seal(false, &spawner))
			.boxed(),
		Sealing::Interval(milliseconds) => stream::unfold((), move |()| wait(milliseconds))
			.map(move |()| seal(true, &spawner))
			.boxed(),
	}
}

/// One step of a stream that ticks. The wait begins when the block before is sealed, so ticks do not pile up.
async fn wait(milliseconds: NonZeroU64) -> Option<((), ())> {
	futures_timer::Delay::new(Duration::from_millis(milliseconds.get())).await;
	Some(((), ()))
}

/// The command to seal a final block on the best one, and a task that logs what came of it.
fn seal(create_empty: bool, spawner: &SpawnTaskHandle) -> EngineCommand<Hash> {
	let (sender, outcome) = oneshot::channel::<Result<CreatedBlock<Hash>, SealError>>();
	spawner.spawn("sealing-outcome", Some("block-authoring"), async move {
		match outcome.await {
			Ok(Ok(block)) => log::debug!("Sealed {:?}", block.hash),
			// Its transaction went into the block before, together with another.
			Ok(Err(SealError::EmptyTransactionPool)) => {}
			Ok(Err(error)) => log::error!("Could not seal a block: {error}"),
			// The node is shutting down.
			Err(oneshot::Canceled) => {}
		}
	});
	EngineCommand::SealNewBlock {
		create_empty,
		finalize: true,
		parent_hash: None,
		sender: Some(sender),
	}
}

/// How time passes as long as nobody sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
	/// With the machine's clock, but at least a slot a block.
	WallClock,
	/// One slot a block, so that a run can be repeated exactly. The first block takes the machine's time.
	Stepwise,
}

/// The time blocks carry. All times are milliseconds since 1970-01-01 UTC.
///
/// It keeps nothing but the time last set: the rest it reads from the state of the parent, so it is right on every
/// fork and after a restart, and a block that fails to be sealed uses nothing up.
pub struct Clock {
	client: Arc<FullClient>,
	slot_duration: u64,
	pace: Pace,
	/// 0 until it is set.
	set: AtomicU64,
}

impl Clock {
	fn new(client: Arc<FullClient>, slot_duration: u64, pace: Pace) -> Self {
		Self {
			client,
			slot_duration,
			pace,
			set: AtomicU64::new(0),
		}
	}

	/// The time a block on the best block carries.
	pub fn next(&self) -> Result<u64, ClockError> {
		self.next_after(self.client.info().best_hash)
	}

	/// Makes `time` the next block's, and returns it.
	pub fn set(&self, time: u64) -> Result<u64, ClockError> {
		check_set(
			self.timestamp(self.client.info().best_hash)?,
			time,
			self.slot_duration,
		)?;
		self.set.store(time, Ordering::Relaxed);
		self.next()
	}

	/// The time a block on `parent` carries.
	fn next_after(&self, parent: Hash) -> Result<u64, ClockError> {
		let set = Some(self.set.load(Ordering::Relaxed)).filter(|time| *time != 0);
		let now = Timestamp::current().as_millis();
		Ok(next_timestamp(
			self.timestamp(parent)?,
			set,
			self.pace,
			now,
			self.slot_duration,
		))
	}

	/// The time of a block, 0 for genesis. The header has the slot only; a block's time may be anywhere in it.
	fn timestamp(&self, block: Hash) -> Result<u64, ClockError> {
		let key = StorageKey([twox_128(b"Timestamp"), twox_128(b"Now")].concat());
		let now = self
			.client
			.storage(block, &key)
			.map_err(|e| ClockError::Unreadable(e.to_string()))?;
		match now {
			Some(data) => u64::decode(&mut &data.0[..]).map_err(|e| ClockError::Unreadable(e.to_string())),
			None if block == self.client.info().genesis_hash => Ok(0),
			None => Err(ClockError::Unreadable(
				"`Timestamp::Now` is not in the state".into(),
			)),
		}
	}
}

/// The time of a block whose parent has the time `parent` (0 for genesis).
///
/// A slot or more after the parent: Aura demands a new slot for each block, the timestamp pallet a pause. No later
/// than it must be for that, unless a later time was `set`, or the clock follows the machine's, which reads `now`.
fn next_timestamp(parent: u64, set: Option<u64>, pace: Pace, now: u64, slot_duration: u64) -> u64 {
	let wanted = match (set, pace) {
		(Some(set), _) => set,
		(None, Pace::WallClock) => now,
		(None, Pace::Stepwise) if parent == 0 => now,
		(None, Pace::Stepwise) => 0,
	};
	earliest(parent, slot_duration).max(wanted)
}

/// Refuses a time the next block cannot carry.
fn check_set(parent: u64, time: u64, slot_duration: u64) -> Result<(), ClockError> {
	let earliest = earliest(parent, slot_duration);
	if time < earliest {
		return Err(ClockError::TooEarly {
			time,
			parent,
			earliest,
		});
	}
	if time > LATEST_TIME {
		return Err(ClockError::TooLate { time });
	}
	Ok(())
}

/// The first time a child of a block with the time `parent` can carry.
fn earliest(parent: u64, slot_duration: u64) -> u64 {
	// Never saturates: times are at most `LATEST_TIME` and a slot for each block since.
	parent.saturating_add(slot_duration)
}

/// Why the clock did not answer, or was not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClockError {
	/// The time is before the first one the next block can carry.
	TooEarly { time: u64, parent: u64, earliest: u64 },
	/// The time is after the last one a client can show.
	TooLate { time: u64 },
	/// The time of a block is not to be had from its state.
	Unreadable(String),
}

impl std::error::Error for ClockError {}

impl fmt::Display for ClockError {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		match self {
			Self::TooEarly {
				time,
				parent,
				earliest,
			} => write!(
				f,
				"{time} is too early: the best block's time is {parent}, and blocks are at least a slot apart; the \
				 earliest accepted is {earliest}",
			),
			Self::TooLate { time } => write!(f, "{time} is too late: the latest accepted is {LATEST_TIME}"),
			Self::Unreadable(reason) => write!(f, "the block's time cannot be read from its state: {reason}"),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const SLOT: u64 = 2_000;
	const NOW: u64 = 1_800_000_000_123;

	fn next(parent: u64, set: Option<u64>, pace: Pace) -> u64 {
		next_timestamp(parent, set, pace, NOW, SLOT)
	}

	mod next_timestamp {
		use super::*;

		#[test]
		fn of_the_first_block_is_now() {
			assert_eq!(next(0, None, Pace::WallClock), NOW);
			assert_eq!(next(0, None, Pace::Stepwise), NOW);
		}

		#[test]
		fn of_the_first_block_can_be_set() {
			assert_eq!(next(0, Some(SLOT), Pace::WallClock), SLOT);
			assert_eq!(next(0, Some(NOW + 5), Pace::Stepwise), NOW + 5);
		}

		#[test]
		fn follows_the_wall_clock() {
			assert_eq!(next(NOW - 60_000, None, Pace::WallClock), NOW);
			assert_eq!(next(NOW - SLOT, None, Pace::WallClock), NOW);
		}

		#[test]
		fn is_pushed_a_slot_on_when_the_wall_clock_lags() {
			assert_eq!(next(NOW - SLOT + 1, None, Pace::WallClock), NOW + 1);
			assert_eq!(next(NOW, None, Pace::WallClock), NOW + SLOT);
			assert_eq!(
				next(NOW + 1_000_000, None, Pace::WallClock),
				NOW + 1_000_000 + SLOT
			);
		}

		#[test]
		fn steps_by_a_slot_whatever_the_wall_clock_says() {
			assert_eq!(next(1, None, Pace::Stepwise), 1 + SLOT);
			assert_eq!(next(NOW - 60_000, None, Pace::Stepwise), NOW - 60_000 + SLOT);
			assert_eq!(next(NOW + 60_000, None, Pace::Stepwise), NOW + 60_000 + SLOT);
		}

		#[test]
		fn leaves_the_wall_clock_once_set() {
			let set = 1_000_000;
			let first = next(900_000, Some(set), Pace::WallClock);
			assert_eq!(first, set);
			let second = next(first, Some(set), Pace::WallClock);
			assert_eq!(second, set + SLOT);
			assert_eq!(next(second, Some(set), Pace::WallClock), set + 2 * SLOT);
		}

		#[test]
		fn never_shares_a_slot_and_always_is_what_was_accepted() {
			for parent in [0, 1, SLOT - 1, SLOT, NOW - SLOT, NOW - 1, NOW, NOW + SLOT + 1] {
				for set in [
					None,
					Some(1),
					Some(parent + 1),
					Some(parent + SLOT),
					Some(NOW),
					Some(LATEST_TIME),
				] {
					for pace in [Pace::WallClock, Pace::Stepwise] {
						let time = next(parent, set, pace);
						assert!(time / SLOT > parent / SLOT, "{parent} {set:?} {pace:?}");
						if let Some(set) = set.filter(|set| check_set(parent, *set, SLOT).is_ok()) {
							assert_eq!(time, set);
						}
					}
				}
			}
		}
	}

	mod check_set {
		use super::*;

		#[test]
		fn accepts_from_a_slot_after_the_parent() {
			assert_eq!(check_set(NOW, NOW + SLOT, SLOT), Ok(()));
			assert_eq!(check_set(NOW, LATEST_TIME, SLOT), Ok(()));
			assert_eq!(check_set(0, SLOT, SLOT), Ok(()));
		}

		#[test]
		fn refuses_earlier_and_names_the_earliest() {
			for time in [0, NOW - 1, NOW, NOW + SLOT - 1] {
				let error = ClockError::TooEarly {
					time,
					parent: NOW,
					earliest: NOW + SLOT,
				};
				assert_eq!(check_set(NOW, time, SLOT), Err(error.clone()));
				assert!(error
					.to_string()
					.ends_with(&format!("the earliest accepted is {}", NOW + SLOT)));
			}
			assert!(
				check_set(0, 0, SLOT).is_err(),
				"0 stands for a clock that was never set"
			);
		}

		#[test]
		fn refuses_what_no_client_can_show() {
			for time in [LATEST_TIME + 1, u64::MAX] {
				assert_eq!(check_set(NOW, time, SLOT), Err(ClockError::TooLate { time }));
			}
		}
	}
}
