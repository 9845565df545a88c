//! The parts of a node and how they are put together: Aura authors, GRANDPA finalises.

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use keel_runtime::{apis::RuntimeApi, opaque::Block, Hash};
use sc_client_api::Backend;
use sc_consensus::DefaultImportQueue;
use sc_consensus_aura::{SlotProportion, StartAuraParams};
use sc_consensus_grandpa::{
	FinalityProofProvider, GrandpaBlockImport, GrandpaPruningFilter, LinkHalf, SharedVoterState,
	VotingRulesBuilder,
};
use sc_executor::WasmExecutor;
use sc_network::{config::FullNetworkConfiguration, service::traits::NetworkService, NetworkBackend};
use sc_service::{
	error::Error, Configuration, KeystoreContainer, PartialComponents, TFullBackend, TFullClient,
	TaskManager, WarpSyncConfig,
};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool::TransactionPoolHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_blockchain::HeaderBackend;
use sp_consensus_aura::sr25519::AuthorityPair as AuraPair;

use crate::rpc;

pub type FullClient = TFullClient<Block, RuntimeApi, WasmExecutor<sp_io::SubstrateHostFunctions>>;
pub type FullBackend = TFullBackend<Block>;
pub type TransactionPool = TransactionPoolHandle<Block, FullClient>;

type SelectChain = sc_consensus::LongestChain<FullBackend, Block>;
type BlockImport = GrandpaBlockImport<FullBackend, Block, FullClient, SelectChain>;
type GrandpaLink = LinkHalf<Block, FullClient, SelectChain>;

/// The parts both kinds of node stand on; they differ in how blocks are imported and authored.
pub type Foundation =
	PartialComponents<FullClient, FullBackend, SelectChain, (), TransactionPool, Option<Telemetry>>;

/// The foundation with an import queue that asks for Aura's seal and GRANDPA's justification.
pub type Partial = PartialComponents<
	FullClient,
	FullBackend,
	SelectChain,
	DefaultImportQueue<Block>,
	TransactionPool,
	(BlockImport, GrandpaLink, Option<Telemetry>),
>;

/// Blocks between two justifications kept on disk. Less is a faster proof, more is less disk.
const JUSTIFICATION_PERIOD: u32 = 512;

/// How long a GRANDPA message is expected to need through the network; the SDK's choice.
const GOSSIP_DURATION: Duration = Duration::from_millis(333);

/// The client, its database, the keystore, the transaction pool and telemetry.
pub fn foundation(config: &Configuration) -> Result<Foundation, Error> {
	let telemetry = config
		.telemetry_endpoints
		.clone()
		.filter(|endpoints| !endpoints.is_empty())
		.map(|endpoints| -> Result<_, sc_telemetry::Error> {
			let worker = TelemetryWorker::new(16)?;
			let telemetry = worker.handle().new_telemetry(endpoints);
			Ok((worker, telemetry))
		})
		.transpose()?;

	let executor = sc_service::new_wasm_executor(&config.executor);
	let (client, backend, keystore_container, task_manager) =
		sc_service::new_full_parts::<Block, RuntimeApi, _>(
			config,
			telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
			executor,
			// A pruned node can still serve warp sync.
			vec![Arc::new(GrandpaPruningFilter)],
		)?;
	let client = Arc::new(client);

	let telemetry = telemetry.map(|(worker, telemetry)| {
		task_manager.spawn_handle().spawn("telemetry", None, worker.run());
		telemetry
	});

	let transaction_pool = sc_transaction_pool::Builder::new(
		task_manager.spawn_essential_handle(),
		client.clone(),
		config.role.is_authority().into(),
	)
	.with_options(config.transaction_pool.clone())
	.with_prometheus(config.prometheus_registry())
	.build();

	Ok(PartialComponents {
		select_chain: sc_consensus::LongestChain::new(backend.clone()),
		client,
		backend,
		task_manager,
		import_queue: (),
		keystore_container,
		transaction_pool: Arc::new(transaction_pool),
		other: telemetry,
	})
}

/// What a node of the network has before it joins the network, and what the subcommands work on.
pub fn new_partial(config: &Configuration) -> Result<Partial, Error> {
	let PartialComponents {
		client,
		backend,
		task_manager,
		import_queue: (),
		keystore_container,
		select_chain,
		transaction_pool,
		other: telemetry,
	} = foundation(config)?;

	let (block_import, grandpa_link) = sc_consensus_grandpa::block_import(
		client.clone(),
		JUSTIFICATION_PERIOD,
		&client,
		select_chain.clone(),
		telemetry.as_ref().map(Telemetry::handle),
	)?;

	let runtime = client.clone();
	let import_queue =
		sc_consensus_aura::import_queue::<AuraPair, _, _, _, _, _>(sc_consensus_aura::ImportQueueParams {
			block_import: block_import.clone(),
			justification_import: Some(Box::new(block_import.clone())),
			client: client.clone(),
			create_inherent_data_providers: move |parent, ()| {
				let slot_duration = sc_consensus_aura::standalone::slot_duration_at(&*runtime, parent);
				async move { Ok(inherents(slot_duration?)) }
			},
			spawner: &task_manager.spawn_essential_handle(),
			registry: config.prometheus_registry(),
			check_for_equivocation: Default::default(),
			telemetry: telemetry.as_ref().map(Telemetry::handle),
			compatibility_mode: Default::default(),
		})?;

	Ok(PartialComponents {
		client,
		backend,
		task_manager,
		import_queue,
		keystore_container,
		select_chain,
		transaction_pool,
		other: (block_import, grandpa_link, telemetry),
	})
}

/// What a block is told from outside: the slot and the time, both from the machine's clock.
fn inherents(
	slot_duration: sp_consensus_aura::SlotDuration,
) -> (
	sp_consensus_aura::inherents::InherentDataProvider,
	sp_timestamp::InherentDataProvider,
) {
	let time = sp_timestamp::InherentDataProvider::from_system_time();
	let slot = sp_consensus_aura::inherents::InherentDataProvider::from_timestamp_and_slot_duration(
		*time,
		slot_duration,
	);
	(slot, time)
}

/// Runs the offchain workers, if this node is to: they see its keys, its pool and the web.
///
/// What they submit goes through the pool like any other transaction, and is gossiped from there if its validity says
/// that it propagates.
pub fn spawn_offchain_workers(
	config: &Configuration,
	task_manager: &TaskManager,
	client: &Arc<FullClient>,
	backend: &Arc<FullBackend>,
	keystore: &KeystoreContainer,
	transaction_pool: &Arc<TransactionPool>,
	network: &Arc<dyn NetworkService>,
) -> Result<(), Error> {
	if !config.offchain_worker.enabled {
		return Ok(());
	}
	let workers = sc_offchain::OffchainWorkers::new(sc_offchain::OffchainWorkerOptions {
		runtime_api_provider: client.clone(),
		is_validator: config.role.is_authority(),
		keystore: Some(keystore.keystore()),
		offchain_db: backend.offchain_storage(),
		transaction_pool: Some(OffchainTransactionPoolFactory::new(transaction_pool.clone())),
		network_provider: Arc::new(network.clone()),
		enable_http_requests: true,
		custom_extensions: |_| vec![],
	})?;
	task_manager.spawn_handle().spawn(
		"offchain-workers-runner",
		"offchain-worker",
		workers.run(client.clone(), task_manager.spawn_handle()).boxed(),
	);
	Ok(())
}

/// Starts a node of the network.
pub fn new_full<N: NetworkBackend<Block, Hash>>(config: Configuration) -> Result<TaskManager, Error> {
	let PartialComponents {
		client,
		backend,
		mut task_manager,
		import_queue,
		keystore_container,
		select_chain,
		transaction_pool,
		other: (block_import, grandpa_link, mut telemetry),
	} = new_partial(&config)?;

	let prometheus_registry = config.prometheus_registry().cloned();
	let mut net_config =
		FullNetworkConfiguration::<Block, Hash, N>::new(&config.network, prometheus_registry.clone());
	let metrics = N::register_notification_metrics(prometheus_registry.as_ref());

	let grandpa_protocol_name =
		sc_consensus_grandpa::protocol_standard_name(&client.info().genesis_hash, &config.chain_spec);
	let (grandpa_protocol_config, grandpa_notifications) =
		sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
			grandpa_protocol_name.clone(),
			metrics.clone(),
			net_config.peer_store_handle(),
		);
	net_config.add_notification_protocol(grandpa_protocol_config);

	let warp_sync = Arc::new(sc_consensus_grandpa::warp_proof::NetworkProvider::new(
		backend.clone(),
		grandpa_link.shared_authority_set().clone(),
		Vec::new(),
	));

	let (network, system_rpc_tx, tx_handler_controller, sync_service, _bitswap) =
		sc_service::build_network(sc_service::BuildNetworkParams {
			config: &config,
			net_config,
			client: client.clone(),
			transaction_pool: transaction_pool.clone(),
			spawn_handle: task_manager.spawn_handle(),
			spawn_essential_handle: task_manager.spawn_essential_handle(),
			import_queue,
			block_announce_validator_builder: None,
			warp_sync_config: Some(WarpSyncConfig::WithProvider(warp_sync)),
			block_relay: None,
			metrics,
			gap_sync_body_policy: None,
		})?;

	spawn_offchain_workers(
		&config,
		&task_manager,
		&client,
		&backend,
		&keystore_container,
		&transaction_pool,
		&network,
	)?;

	let role = config.role;
	let force_authoring = config.force_authoring;
	let disable_grandpa = config.disable_grandpa;
	let name = config.network.node_name.clone();

	let voter_state = SharedVoterState::empty();
	let rpc_builder = {
		let client = client.clone();
		let pool = transaction_pool.clone();
		let grandpa = rpc::GrandpaDeps {
			authority_set: grandpa_link.shared_authority_set().clone(),
			voter_state: voter_state.clone(),
			justification_stream: grandpa_link.justification_stream(),
			finality_proofs: FinalityProofProvider::new_for_service(
				backend.clone(),
				Some(grandpa_link.shared_authority_set().clone()),
			),
		};
		Box::new(move |executor| {
			let mut module = rpc::common(client.clone(), pool.clone())?;
			rpc::add_grandpa(&mut module, executor, &grandpa)?;
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
		network: network.clone(),
		system_rpc_tx,
		tx_handler_controller,
		sync_service: sync_service.clone(),
		telemetry: telemetry.as_mut(),
		tracing_execute_block: None,
	})?;

	if role.is_authority() {
		let proposer_factory = sc_basic_authorship::ProposerFactory::new(
			task_manager.spawn_handle(),
			client.clone(),
			transaction_pool.clone(),
			prometheus_registry.as_ref(),
			telemetry.as_ref().map(Telemetry::handle),
		);
		let slot_duration = sc_consensus_aura::slot_duration(&*client)?;
		let aura =
			sc_consensus_aura::start_aura::<AuraPair, _, _, _, _, _, _, _, _, _, _>(StartAuraParams {
				slot_duration,
				client,
				select_chain,
				block_import,
				proposer_factory,
				create_inherent_data_providers: move |_: Hash, ()| async move { Ok(inherents(slot_duration)) },
				force_authoring,
				backoff_authoring_blocks: None::<()>,
				keystore: keystore_container.keystore(),
				sync_oracle: sync_service.clone(),
				justification_sync_link: sync_service.clone(),
				// The rest of the slot is for the block to reach the next author.
				block_proposal_slot_portion: SlotProportion::new(2f32 / 3f32),
				max_block_proposal_slot_portion: None,
				telemetry: telemetry.as_ref().map(Telemetry::handle),
				compatibility_mode: Default::default(),
			})?;
		task_manager
			.spawn_essential_handle()
			.spawn_blocking("aura", Some("block-authoring"), aura);
	}

	if !disable_grandpa {
		let voter = sc_consensus_grandpa::run_grandpa_voter(sc_consensus_grandpa::GrandpaParams {
			config: sc_consensus_grandpa::Config {
				gossip_duration: GOSSIP_DURATION,
				justification_generation_period: JUSTIFICATION_PERIOD,
				observer_enabled: false,
				local_role: role,
				name: Some(name),
				// Only an authority votes; the others follow.
				keystore: role.is_authority().then(|| keystore_container.keystore()),
				telemetry: telemetry.as_ref().map(Telemetry::handle),
				protocol_name: grandpa_protocol_name,
			},
			link: grandpa_link,
			network,
			sync: sync_service,
			notification_service: grandpa_notifications,
			voting_rule: VotingRulesBuilder::default().build(),
			prometheus_registry,
			shared_voter_state: voter_state,
			telemetry: telemetry.as_ref().map(Telemetry::handle),
			offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(transaction_pool),
		})?;
		task_manager
			.spawn_essential_handle()
			.spawn_blocking("grandpa-voter", None, voter);
	}

	Ok(task_manager)
}
