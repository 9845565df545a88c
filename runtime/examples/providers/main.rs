//! What liquidity providers earn: the pool of the development chain through recorded prices, against modelled
//! traders.
//!
//! `cargo run -p keel-runtime --example providers` prints the tables; with the argument `docs` it writes
//! `docs/providers.md` and its plots too, and with `check` it fails if they are not what it would write.

mod flow;
mod paths;
mod pool;
mod random;
mod report;
mod study;
#[path = "../../../pallets/math/examples/convergence/svg.rs"]
#[allow(dead_code)]
mod svg;

use std::process::ExitCode;

use flow::Flow;
use keel_math::FixedU128;
use paths::Path;
use pool::Rules;
use study::Run;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

/// A path and what was made of it.
pub struct Studied {
	pub path: Path,
	pub everybody: Runs,
	/// Other flow, other rules.
	pub others: Vec<Runs>,
	pub changed: Vec<Runs>,
	/// BTC squatted, other rules.
	pub squatted: Vec<Runs>,
}

/// The same with several seeds.
pub struct Runs {
	pub name: &'static str,
	pub runs: Vec<Run>,
}

fn scaled(ratio: FixedU128, part: u128, whole: u128) -> FixedU128 {
	FixedU128::from_inner(ratio.into_inner() * part / whole)
}

/// The rules with each market's numbers changed.
fn with(rules: &Rules, change: impl Fn(&mut keel_primitives::MarketParameters)) -> Rules {
	let mut rules = rules.clone();
	rules.markets.iter_mut().for_each(change);
	rules
}

/// The rules with another borrow curve.
fn with_curve(rules: &Rules, slope: u32, kink: u32) -> Rules {
	let mut rules = rules.clone();
	rules.chain.borrow_slope = FixedU128::from_rational(slope.into(), 100);
	rules.chain.borrow_kink = FixedU128::from_rational(kink.into(), 100);
	rules
}

/// Other numbers against a squatter.
fn curves(rules: &Rules) -> Changes {
	vec![
		(
			"… with a slope of 50 %",
			with_curve(rules, 50, 60),
			Flow::squatted(0),
		),
		(
			"… and a kink at 30 %",
			with_curve(rules, 50, 30),
			Flow::squatted(0),
		),
	]
}

/// Other numbers for the longest path.
fn sensitivities(rules: &Rules) -> Changes {
	let all = Flow::everybody;
	vec![
		("Skew scale halved", with(rules, |p| p.skew_scale /= 2), all()),
		("Skew scale doubled", with(rules, |p| p.skew_scale *= 2), all()),
		(
			"Fees of 8 bp and 3 bp",
			with(rules, |p| {
				p.taker_fee = scaled(p.taker_fee, 8, 5);
				p.maker_fee = scaled(p.maker_fee, 3, 2);
			}),
			all(),
		),
		(
			"A rebate share of 30 %",
			with(rules, |p| p.rebate_share = FixedU128::from_rational(30, 100)),
			all(),
		),
		("A borrow slope of 50 %", with_curve(rules, 50, 60), all()),
		(
			"Funding velocity halved",
			with(rules, |p| p.funding_velocity = scaled(p.funding_velocity, 1, 2)),
			all(),
		),
		(
			"Funding velocity doubled",
			with(rules, |p| p.funding_velocity = scaled(p.funding_velocity, 2, 1)),
			all(),
		),
		(
			"Three times the informed",
			rules.clone(),
			Flow {
				informed: (3, 0.02),
				..all()
			},
		),
		(
			"A crowd that fades moves",
			rules.clone(),
			Flow {
				crowd_weight: -0.1,
				..all()
			},
		),
	]
}

/// What is run beside the usual.
type Changes = Vec<(&'static str, Rules, Flow)>;

fn study(path: Path, rules: &Rules, seeds: u64, changed: Changes, squatted: Changes) -> Studied {
	let run = |name: &'static str, rules: &Rules, flow: &Flow, seeds: u64| {
		let start = std::time::Instant::now();
		let runs = std::thread::scope(|scope| {
			let path = &path;
			let all: Vec<_> = (0..seeds)
				.map(|seed| scope.spawn(move || Run::new(path, rules, flow, seed)))
				.collect();
			all.into_iter()
				.map(|one| one.join().expect("a run ends"))
				.collect()
		});
		eprintln!(
			"{}, {name}: {} seeds in {} ms",
			path.name,
			seeds,
			start.elapsed().as_millis()
		);
		Runs { name, runs }
	};
	let empty = Rules {
		coverage: 0.0,
		..rules.clone()
	};
	let everybody = run("With the informed: everybody", rules, &Flow::everybody(), seeds);
	let others = vec![
		run("Uninformed and arbitrageurs", rules, &Flow::uninformed(), seeds),
		run("With the crowd", rules, &Flow::with_crowd(), seeds),
		run("Everybody, an empty fund", &empty, &Flow::everybody(), seeds),
		run("Everybody, BTC squatted", rules, &Flow::squatted(0), seeds),
	];
	let each = |changes: Changes| {
		changes
			.iter()
			.map(|(name, rules, flow)| run(name, rules, flow, seeds))
			.collect()
	};
	let (changed, squatted) = (each(changed), each(squatted));
	Studied {
		path,
		everybody,
		others,
		changed,
		squatted,
	}
}

fn main() -> ExitCode {
	let rules = Rules::development();
	let years = sensitivities(&rules);
	let studies = [
		study(Path::march_2020(), &rules, 8, Vec::new(), Vec::new()),
		study(Path::may_2021(), &rules, 8, Vec::new(), Vec::new()),
		study(Path::years(), &rules, 2, years, curves(&rules)),
	];
	let text = report::document(&rules, &studies);
	println!("{text}");
	let mut failures = report::failures(&rules, &studies);
	let mut files = vec![("providers.md".to_string(), text)];
	for studied in &studies {
		files.push((format!("{}.svg", studied.path.file), studied.chart()));
	}
	for argument in std::env::args().skip(1) {
		for (name, text) in &files {
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
