//! The command line.

use std::{num::NonZeroU64, str::FromStr};

use sc_cli::RunCmd;

#[derive(Debug, clap::Parser)]
pub struct Cli {
	#[command(subcommand)]
	pub subcommand: Option<Subcommand>,

	#[clap(flatten)]
	pub run: RunCmd,

	/// Seal blocks on demand instead of running Aura and GRANDPA. Development chains only.
	///
	/// `instant`: a block per transaction. `manual`: a block per `engine_createBlock` call. A number: a block every
	/// so many milliseconds. All three accept `engine_createBlock`, `engine_finalizeBlock`, `dev_setTime` and
	/// `dev_time`.
	#[arg(long, value_name = "instant|manual|MILLISECONDS")]
	pub sealing: Option<Sealing>,
}

/// What makes the node seal a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
	/// A transaction that becomes ready.
	Instant,
	/// A call of `engine_createBlock`.
	Manual,
	/// The passing of so many milliseconds.
	Interval(NonZeroU64),
}

impl FromStr for Sealing {
	type Err = String;

	fn from_str(value: &str) -> Result<Self, String> {
		match value {
			"instant" => Ok(Self::Instant),
			"manual" => Ok(Self::Manual),
			milliseconds => milliseconds
				.parse()
				.map(Self::Interval)
				.map_err(|_| "expected `instant`, `manual` or a number of milliseconds of at least 1".into()),
		}
	}
}

#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant)] // Parsed once; the variants are the SDK's.
pub enum Subcommand {
	/// Key management utilities
	#[command(subcommand)]
	Key(sc_cli::KeySubcommand),

	/// Build a chain specification, with this machine as boot node
	BuildSpec(sc_cli::BuildSpecCmd),

	/// Export the chain specification
	ExportChainSpec(sc_cli::ExportChainSpecCmd),

	/// Validate blocks
	CheckBlock(sc_cli::CheckBlockCmd),

	/// Export blocks
	ExportBlocks(sc_cli::ExportBlocksCmd),

	/// Export the state of a given block into a chain spec
	ExportState(sc_cli::ExportStateCmd),

	/// Import blocks
	ImportBlocks(sc_cli::ImportBlocksCmd),

	/// Remove the whole chain
	PurgeChain(sc_cli::PurgeChainCmd),

	/// Revert the chain to a previous state
	Revert(sc_cli::RevertCmd),

	/// Show what the database knows of the chain
	ChainInfo(sc_cli::ChainInfoCmd),
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::{CommandFactory, Parser};

	#[test]
	fn command_line_is_consistent() {
		Cli::command().debug_assert();
	}

	#[test]
	fn sealing_parses() {
		let sealing = |args: &[&str]| {
			Cli::try_parse_from([&["keel-node"], args].concat())
				.map(|cli| cli.sealing)
				.map_err(|e| e.to_string())
		};
		assert_eq!(sealing(&[]), Ok(None));
		assert_eq!(
			sealing(&["--dev", "--sealing", "instant"]),
			Ok(Some(Sealing::Instant))
		);
		assert_eq!(sealing(&["--dev", "--sealing=manual"]), Ok(Some(Sealing::Manual)));
		assert_eq!(
			sealing(&["--sealing", "500"]).ok().flatten(),
			NonZeroU64::new(500).map(Sealing::Interval)
		);
		for wrong in ["0", "-1", "1.5", "never", ""] {
			let answer = sealing(&[&format!("--sealing={wrong}")]);
			assert!(
				answer.is_err_and(|e| e.contains("--sealing")),
				"`{wrong}` should be refused"
			);
		}
	}
}
