//! Do premiums go away, and what would funding have been? A simulation of the perpetual markets' rules.
//!
//! `cargo run -p keel-math --example convergence` prints the tables and fails if the mechanisms don't do what they are for;
//! with the argument `docs` it writes `docs/convergence.md` and its plots too.

use std::process::ExitCode;

#[path = "convergence/market.rs"]
mod market;
#[path = "convergence/may_2021.rs"]
mod may_2021;
#[path = "convergence/shock.rs"]
mod shock;
#[path = "convergence/svg.rs"]
mod svg;
#[path = "convergence/traders.rs"]
mod traders;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");

fn main() -> ExitCode {
	let shock = shock::Study::run();
	println!(
		"{}\n{}\n\n{}",
		shock.table(),
		shock.comparison(),
		shock.sensitivity()
	);
	let may = may_2021::Study::run();
	println!("{}\n{}\n{}", may.table(), may.summary(), may.sensitivity());
	if std::env::args().any(|argument| argument == "docs") {
		if let Err(error) = write_docs(&shock, &may) {
			eprintln!("{DOCS}: {error}");
			return ExitCode::FAILURE;
		}
	}
	let failures = [shock.failures(), may.failures()].concat();
	for failure in &failures {
		eprintln!("{failure}");
	}
	if failures.is_empty() {
		ExitCode::SUCCESS
	} else {
		ExitCode::FAILURE
	}
}

fn write_docs(shock: &shock::Study, may: &may_2021::Study) -> std::io::Result<()> {
	let text = include_str!("convergence/convergence.md")
		.replace("{shock}", shock.table().trim_end())
		.replace("{comparison}", &shock.comparison())
		.replace("{means}", shock.sensitivity().trim_end())
		.replace("{may}", may.summary().trim_end())
		.replace("{sensitivity}", may.sensitivity().trim_end());
	std::fs::write(format!("{DOCS}/convergence.md"), text)?;
	std::fs::write(format!("{DOCS}/convergence.svg"), shock.chart())?;
	std::fs::write(format!("{DOCS}/funding_may_2021.svg"), may.chart())
}
