//! From the command line to a running node, or to one of the subcommands.

use keel_runtime::opaque::Block;
use sc_cli::{Result, SubstrateCli};
use sc_network::{config::NetworkBackendType, Litep2pNetworkBackend, NetworkWorker};
use sc_service::{ChainType, Configuration, PartialComponents, Role, TaskManager};

use crate::{
	chain_spec,
	cli::{Cli, Sealing, Subcommand},
	sealing, service,
};

impl SubstrateCli for Cli {
	fn impl_name() -> String {
		"Keel Node".into()
	}

	fn impl_version() -> String {
		env!("SUBSTRATE_CLI_IMPL_VERSION").into()
	}

	fn description() -> String {
		env!("CARGO_PKG_DESCRIPTION").into()
	}

	fn author() -> String {
		env!("CARGO_PKG_AUTHORS").into()
	}

	fn support_url() -> String {
		concat!(env!("CARGO_PKG_REPOSITORY"), "/issues").into()
	}

	fn copyright_start_year() -> i32 {
		2026
	}

	/// `dev`, `local` (also when nothing is named), or the path of a chain specification in JSON.
	fn load_spec(&self, id: &str) -> std::result::Result<Box<dyn sc_service::ChainSpec>, String> {
		Ok(match id {
			"dev" => Box::new(chain_spec::development()?),
			"" | "local" => Box::new(chain_spec::local_testnet()?),
			path => Box::new(chain_spec::ChainSpec::from_json_file(path.into())?),
		})
	}
}

/// Parses the command line and does what it says.
pub fn run() -> Result<()> {
	let cli = Cli::from_args();

	match &cli.subcommand {
		None => {
			let runner = cli.create_runner(&cli.run)?;
			runner.run_node_until_exit(|config| async move { start(config, cli.sealing) })
		}
		Some(Subcommand::Key(cmd)) => cmd.run(&cli),
		Some(Subcommand::BuildSpec(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.sync_run(|config| cmd.run(config.chain_spec, config.network))
		}
		Some(Subcommand::ExportChainSpec(cmd)) => cmd.run(cli.load_spec(&cmd.chain)?),
		Some(Subcommand::CheckBlock(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.async_run(|config| {
				let PartialComponents {
					client,
					task_manager,
					import_queue,
					..
				} = service::new_partial(&config)?;
				Ok((cmd.run(client, import_queue), task_manager))
			})
		}
		Some(Subcommand::ExportBlocks(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.async_run(|config| {
				let PartialComponents {
					client, task_manager, ..
				} = service::new_partial(&config)?;
				Ok((cmd.run(client, config.database), task_manager))
			})
		}
		Some(Subcommand::ExportState(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.async_run(|config| {
				let PartialComponents {
					client, task_manager, ..
				} = service::new_partial(&config)?;
				Ok((cmd.run(client, config.chain_spec), task_manager))
			})
		}
		Some(Subcommand::ImportBlocks(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.async_run(|config| {
				let PartialComponents {
					client,
					task_manager,
					import_queue,
					..
				} = service::new_partial(&config)?;
				Ok((cmd.run(client, import_queue), task_manager))
			})
		}
		Some(Subcommand::PurgeChain(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.sync_run(|config| cmd.run(config.database))
		}
		Some(Subcommand::Revert(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.async_run(|config| {
				let PartialComponents {
					client,
					task_manager,
					backend,
					..
				} = service::new_partial(&config)?;
				let revert_grandpa = Box::new(|client, _, blocks| {
					sc_consensus_grandpa::revert(client, blocks)?;
					Ok(())
				});
				Ok((cmd.run(client, backend, Some(revert_grandpa)), task_manager))
			})
		}
		Some(Subcommand::ChainInfo(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.sync_run(|config| cmd.run::<Block>(&config))
		}
	}
}

/// Starts the node on the network backend and with the block author the command line asks for.
fn start(config: Configuration, sealing: Option<Sealing>) -> Result<TaskManager> {
	if sealing.is_some() {
		check_sealing(&config.chain_spec.chain_type(), config.role)?;
	}
	let tasks = match (config.network.network_backend, sealing) {
		(NetworkBackendType::Libp2p, None) => service::new_full::<NetworkWorker<_, _>>(config),
		(NetworkBackendType::Litep2p, None) => service::new_full::<Litep2pNetworkBackend>(config),
		(NetworkBackendType::Libp2p, Some(sealing)) => {
			sealing::new_full::<NetworkWorker<_, _>>(config, sealing)
		}
		(NetworkBackendType::Litep2p, Some(sealing)) => {
			sealing::new_full::<Litep2pNetworkBackend>(config, sealing)
		}
	}?;
	Ok(tasks)
}

/// Sealing on demand skips consensus and lets the caller move the chain's time: never where others depend on either.
fn check_sealing(chain_type: &ChainType, role: Role) -> Result<()> {
	if *chain_type != ChainType::Development {
		return Err(sc_cli::Error::Input(format!(
			"`--sealing` works on a development chain only, and this chain's type is {chain_type:?}: use `--dev`, a \
			 chain specification with `\"chainType\": \"Development\"`, or leave `--sealing` out",
		)));
	}
	if !role.is_authority() {
		return Err(sc_cli::Error::Input(
			"`--sealing` makes this node the author of the blocks: add `--dev` or `--validator`".into(),
		));
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn sealing_needs_a_development_chain() {
		let refusal = |chain_type| check_sealing(&chain_type, Role::Authority).map_err(|e| e.to_string());
		assert_eq!(refusal(ChainType::Development), Ok(()));
		for other in [
			ChainType::Local,
			ChainType::Live,
			ChainType::Custom("Fork".into()),
		] {
			assert!(refusal(other).is_err_and(|e| e.contains("use `--dev`")));
		}
	}

	#[test]
	fn sealing_needs_an_author() {
		let refusal = check_sealing(&ChainType::Development, Role::Full).map_err(|e| e.to_string());
		assert!(refusal.is_err_and(|e| e.contains("--validator")));
	}
}
