//! The Keel node: Aura authors blocks, GRANDPA finalises them, offchain workers feed prices and send liquidations.
//!
//! The node holds no business rules; they are all in the runtime. A development chain can also be sealed on demand,
//! with a clock one can move: see [`sealing`].

use std::process::ExitCode;

mod chain_spec;
mod cli;
mod command;
mod rpc;
mod sealing;
mod service;

fn main() -> ExitCode {
	match command::run() {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("Error: {error}");
			ExitCode::FAILURE
		}
	}
}
