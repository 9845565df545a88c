//! RPC methods beside the ones every node has.

use std::sync::Arc;

use futures::channel::mpsc;
use jsonrpsee::{
	core::RpcResult,
	proc_macros::rpc,
	types::{error::INVALID_PARAMS_CODE, ErrorObjectOwned},
	RpcModule,
};
use keel_runtime::{opaque::Block, AccountId, Balance, BlockNumber, Hash, Nonce};
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use sc_consensus_grandpa::{
	FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_consensus_manual_seal::{
	rpc::{ManualSeal, ManualSealApiServer},
	EngineCommand,
};
use sc_rpc::SubscriptionTaskExecutor;
use substrate_frame_rpc_system::{System, SystemApiServer};

use crate::{
	sealing::{Clock, ClockError},
	service::{FullBackend, FullClient, TransactionPool},
};

/// What the finality methods ask.
pub struct GrandpaDeps {
	pub authority_set: SharedAuthoritySet<Hash, BlockNumber>,
	pub voter_state: SharedVoterState,
	pub justification_stream: GrandpaJustificationStream<Block>,
	pub finality_proofs: Arc<FinalityProofProvider<FullBackend, Block>>,
}

/// What the methods of a chain sealed on demand ask.
pub struct SealingDeps {
	pub commands: mpsc::Sender<EngineCommand<Hash>>,
	pub clock: Arc<Clock>,
}

/// `system_accountNextIndex`, `system_dryRun` and `payment_*`.
pub fn common(
	client: Arc<FullClient>,
	pool: Arc<TransactionPool>,
) -> Result<RpcModule<()>, sc_service::Error> {
	let mut module = RpcModule::new(());
	merge(
		&mut module,
		SystemApiServer::<_, AccountId, Nonce>::into_rpc(System::new(client.clone(), pool)),
	)?;
	merge(
		&mut module,
		TransactionPaymentApiServer::<_, pallet_transaction_payment::RuntimeDispatchInfo<Balance>>::into_rpc(
			TransactionPayment::<_, Block>::new(client),
		),
	)?;
	Ok(module)
}

/// Adds `grandpa_*`.
pub fn add_grandpa(
	module: &mut RpcModule<()>,
	executor: SubscriptionTaskExecutor,
	deps: &GrandpaDeps,
) -> Result<(), sc_service::Error> {
	let grandpa = Grandpa::new(
		executor,
		deps.authority_set.clone(),
		deps.voter_state.clone(),
		deps.justification_stream.clone(),
		deps.finality_proofs.clone(),
	);
	merge(module, grandpa.into_rpc())
}

/// Adds `engine_*` and `dev_*`.
pub fn add_sealing(module: &mut RpcModule<()>, deps: &SealingDeps) -> Result<(), sc_service::Error> {
	merge(module, ManualSeal::new(deps.commands.clone()).into_rpc())?;
	merge(
		module,
		Dev {
			clock: deps.clock.clone(),
		}
		.into_rpc(),
	)
}

fn merge<T>(module: &mut RpcModule<()>, methods: RpcModule<T>) -> Result<(), sc_service::Error> {
	module
		.merge(methods)
		.map_err(|e| sc_service::Error::Application(Box::new(e)))
}

/// The clock of a chain sealed on demand. All times are milliseconds since 1970-01-01 UTC.
#[rpc(server)]
pub trait DevApi {
	/// The time the next block on the best block will carry, if it is sealed now.
	#[method(name = "dev_time")]
	fn time(&self) -> RpcResult<u64>;

	/// Sets the time of the next block; returns it. From then on the clock leaves the machine's: without another
	/// call, each further block comes one slot after its parent.
	///
	/// At least one slot after the best block; the error names the earliest time that works.
	#[method(name = "dev_setTime")]
	fn set_time(&self, milliseconds: u64) -> RpcResult<u64>;
}

struct Dev {
	clock: Arc<Clock>,
}

impl DevApiServer for Dev {
	fn time(&self) -> RpcResult<u64> {
		Ok(self.clock.next()?)
	}

	fn set_time(&self, milliseconds: u64) -> RpcResult<u64> {
		Ok(self.clock.set(milliseconds)?)
	}
}

impl From<ClockError> for ErrorObjectOwned {
	fn from(error: ClockError) -> Self {
		ErrorObjectOwned::owned(INVALID_PARAMS_CODE, error.to_string(), None::<()>)
	}
}
