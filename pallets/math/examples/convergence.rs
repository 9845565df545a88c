//! Do premiums go away, and what would funding have been? A simulation of the perpetual markets' rules.
//!
//! `cargo run -p keel-math --example convergence` prints the tables and fails if the mechanisms don't do what
//! they are for; with the argument `docs` it writes `docs/convergence.md` and its plots too, and with `check`
//! it fails if they are not what it would write.

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
	let mut failures = [shock.failures(), may.failures()].concat();
	for argument in std::env::args().skip(1) {
		for (name, text) in docs(&shock, &may) {
			let file = format!("{DOCS}/{name}");
			match argument.as_str() {
				"docs" => {
					if let Err(error) = std::fs::write(&file, text) {
						failures.push(format!("{file}: {error}"));
					}
				}
				"check" => {
					if std::fs::read_to_string(&file).ok().as_deref() != Some(text.as_str()) {
						failures.push(format!("{file} is stale: run this with `docs`"));
					}
				}
				other => failures.push(format!("`{other}` is neither `docs` nor `check`")),
			}
		}
	}
	for failure in &failures {
		eprintln!("{failure}");
	}
	if failures.is_empty() {
		ExitCode::SUCCESS
	} else {
		ExitCode::FAILURE
	}
}

/// The files of `docs/` that are written from the studies, by name.
fn docs(shock: &shock::Study, may: &may_2021::Study) -> [(&'static str, String); 3] {
	let text = include_str!("convergence/template.txt")
		.replace("{shock}", shock.table().trim_end())
		.replace("{comparison}", &shock.comparison())
		.replace("{means}", shock.sensitivity().trim_end())
		.replace("{may}", may.summary().trim_end())
		.replace("{sensitivity}", may.sensitivity().trim_end());
	[
		("convergence.md", text),
		("convergence.svg", shock.chart()),
		("funding_may_2021.svg", may.chart()),
	]
}
