//! How fast a premium goes away after somebody has bought 5 % of the skew scale and holds it.

use keel_math::FixedU128;

use crate::{
	market::{float, percent, price, Market, Position, Terms},
	svg::{self, Chart, Colour, Line},
	traders::{Arbitrageur, Crowd, Noise, Random, DAY_MS},
};

pub const SEEDS: u64 = 25;
const BLOCK_MS: u64 = 2_000;
const BLOCKS_PER_MINUTE: u64 = 60_000 / BLOCK_MS;
const WARM_UP_MINUTES: u64 = 240;
const AFTER_MINUTES: u64 = 24 * 60;
const SHOCK: f64 = 0.05;
/// What of the premium step the buyer orders per block: somebody else's order still fits.
const PIECE: f64 = 0.8;
const VOLATILITY: f64 = 0.6;
/// Hours the arbitrageurs mean to hold.
const HORIZONS: (f64, f64) = (0.5, 6.0);
const VARIED_AFTER_MINUTES: u64 = 12 * 60;

const WITH: &str = "Funding and rebates";
const WITHOUT: &str = "Funding, no rebates";
const NO_FUNDING: &str = "Rebates, velocity 0";
const CONTROL: &str = "No arbitrageurs";

struct Scenario {
	terms: Terms,
	/// What arbitrageurs have, out of what they usually have: capacity, pace, the edge at which they use all of it.
	means: Option<(f64, f64, f64)>,
	after_minutes: u64,
}

/// One seed.
struct Run {
	/// Mean premium of each minute, the shock at `WARM_UP_MINUTES`.
	premium: Vec<f64>,
	/// Minutes until the premium is at half of the shock, for good.
	half_life: Option<f64>,
	/// kUSD since the start.
	rebates: f64,
	result: f64,
}

pub struct Outcome {
	name: &'static str,
	colour: Colour,
	runs: Vec<Run>,
}

pub struct Study {
	outcomes: Vec<Outcome>,
	/// With rebates, without.
	variations: Vec<(Outcome, Outcome)>,
}

impl Study {
	pub fn run() -> Self {
		let full = Terms::development();
		let usual = Some((1.0, 1.0, 1.0));
		let outcome = |name, terms, means, colour| Outcome::of(name, terms, means, AFTER_MINUTES, colour);
		let outcomes = vec![
			outcome(WITH, full, usual, svg::BLUE),
			outcome(WITHOUT, full.without_rebates(), usual, svg::ORANGE),
			outcome(NO_FUNDING, full.without_funding(), usual, svg::GREEN),
			outcome(
				"Neither",
				full.without_funding().without_rebates(),
				usual,
				svg::PURPLE,
			),
			outcome(CONTROL, full, None, svg::GREY),
		];
		let small_step = full.with_step(percent(3, 100));
		let variations = [
			("Half the capacity", full, (0.5, 1.0, 1.0)),
			("Twice the capacity", full, (2.0, 1.0, 1.0)),
			("Half the pace", full, (1.0, 0.5, 1.0)),
			("Twice the pace", full, (1.0, 2.0, 1.0)),
			("Half the edge for all of it", full, (1.0, 1.0, 0.5)),
			("Twice the edge for all of it", full, (1.0, 1.0, 2.0)),
			("A premium step of 0.03 % a block", small_step, (1.0, 1.0, 1.0)),
		]
		.into_iter()
		.map(|(name, terms, means)| {
			let of = |terms| Outcome::of(name, terms, Some(means), VARIED_AFTER_MINUTES, svg::GREY);
			(of(terms), of(terms.without_rebates()))
		})
		.collect();
		Self { outcomes, variations }
	}

	fn outcome(&self, name: &str) -> &Outcome {
		self.outcomes
			.iter()
			.find(|outcome| outcome.name == name)
			.expect("asked by a name from above")
	}

	fn with(&self) -> &Outcome {
		self.outcome(WITH)
	}

	fn without(&self) -> &Outcome {
		self.outcome(WITHOUT)
	}

	/// What went against what the mechanisms are for.
	pub fn failures(&self) -> Vec<String> {
		let (with, without) = (self.with().half_life(0.5), self.without().half_life(0.5));
		let mut failures = Vec::new();
		if !is_shorter(with, without) {
			failures.push(format!(
				"median half-life with rebates {} is not shorter than without {}",
				minutes(with),
				minutes(without)
			));
		}
		if !is_shorter(with, self.outcome(NO_FUNDING).half_life(0.5)) {
			failures.push("the half-life is not shorter than with a velocity of zero".into());
		}
		let control = self.outcome(CONTROL).reached();
		if control > 0 {
			failures.push(format!(
				"without arbitrageurs {control} seeds reached half of the shock"
			));
		}
		failures
	}

	/// The table, in Markdown.
	pub fn table(&self) -> String {
		let mut table = String::from(
			"| | Half-life: lower quartile | median | upper quartile | Seeds that reach half | Premium after 1 h | after 6 h | after 24 h | Rebates, kUSD | Arbitrageurs' result, kUSD |\n\
			 |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
		);
		for outcome in &self.outcomes {
			let after = |hours: u64| {
				let minute = (WARM_UP_MINUTES + hours * 60 - 1) as usize;
				format!("{:.2} %", 100.0 * outcome.premium(minute, 0.5))
			};
			table += &format!(
				"| {} | {} | {} | {} | {} of {} | {} | {} | {} | {:.0} | {:.0} |\n",
				outcome.name,
				minutes(outcome.half_life(0.25)),
				minutes(outcome.half_life(0.5)),
				minutes(outcome.half_life(0.75)),
				outcome.reached(),
				SEEDS,
				after(1),
				after(6),
				after(24),
				quantile(outcome.runs.iter().map(|run| run.rebates), 0.5),
				quantile(outcome.runs.iter().map(|run| run.result), 0.5),
			);
		}
		table
	}

	/// Seed by seed, the same people and prices: in how many rebates shorten the half-life, and by what share in the middle.
	pub fn comparison(&self) -> String {
		let (shorter, equal, saved) = compare(self.with(), self.without());
		format!(
			"Seed by seed, with the same prices and people, rebates shorten the half-life in {shorter} of {SEEDS} runs, leave it \
			 the same in {equal}, and save {:.0} % of it in the median.",
			100.0 * saved
		)
	}

	/// Half-lives with other numbers, in Markdown.
	pub fn sensitivity(&self) -> String {
		let mut table = String::from(
			"| Instead | Half-life with rebates | without | Shorter in | Saved |\n|---|--:|--:|--:|--:|\n",
		);
		for (with, without) in &self.variations {
			let (shorter, _, saved) = compare(with, without);
			table += &format!(
				"| {} | {} | {} | {shorter} of {SEEDS} | {:.0} % |\n",
				with.name,
				minutes(with.half_life(0.5)),
				minutes(without.half_life(0.5)),
				100.0 * saved
			);
		}
		table
	}

	pub fn chart(&self) -> String {
		let hours = |minute: usize| (minute as f64 + 0.5 - WARM_UP_MINUTES as f64) / 60.0;
		let shown = (WARM_UP_MINUTES - 60) as usize..(WARM_UP_MINUTES + AFTER_MINUTES) as usize;
		let path = |outcome: &Outcome, part: f64| -> svg::Points {
			shown
				.clone()
				.step_by(3)
				.map(|minute| (hours(minute), 100.0 * outcome.premium(minute, part)))
				.collect()
		};
		let lines = self
			.outcomes
			.iter()
			.map(|outcome| Line {
				name: outcome.name.into(),
				colour: outcome.colour,
				points: path(outcome, 0.5),
				band: Some((path(outcome, 0.25), path(outcome, 0.75))),
				..Line::default()
			})
			.collect();
		Chart {
			title: "A 5 % skew shock".into(),
			subtitle: format!(
				"Median of {SEEDS} seeds, shaded from the lower to the upper quartile; one-minute means"
			),
			x: "hours after the shock".into(),
			left: "premium, %".into(),
			right: None,
			lines,
		}
		.to_svg()
	}
}

impl Outcome {
	fn of(
		name: &'static str,
		terms: Terms,
		means: Option<(f64, f64, f64)>,
		after_minutes: u64,
		colour: Colour,
	) -> Self {
		let scenario = Scenario {
			terms,
			means,
			after_minutes,
		};
		Self {
			name,
			colour,
			runs: (1..=SEEDS).map(|seed| scenario.run(seed)).collect(),
		}
	}

	fn half_life(&self, part: f64) -> Option<f64> {
		let lengths = self.runs.iter().map(|run| run.half_life.unwrap_or(f64::INFINITY));
		Some(quantile(lengths, part)).filter(|length| length.is_finite())
	}

	fn reached(&self) -> usize {
		self.runs.iter().filter(|run| run.half_life.is_some()).count()
	}

	fn premium(&self, minute: usize, part: f64) -> f64 {
		quantile(self.runs.iter().map(|run| run.premium[minute]), part)
	}
}

impl Scenario {
	fn run(&self, seed: u64) -> Run {
		let arbitrageurs = self.means.map_or(Vec::new(), |(capacity, pace, edge)| {
			let usual = Arbitrageur::twenty(seed, HORIZONS).into_iter();
			usual
				.map(|arbitrageur| arbitrageur.scaled(capacity, pace, edge))
				.collect()
		});
		let mut crowd = Crowd::new(arbitrageurs, Some(Noise::new(seed)));
		let mut index = Index::new(seed);
		let mut market = Market::new(self.terms, index.next());
		let mut buyer = Position::default();
		let mut ordered = 0;
		let mut premium = Vec::new();
		for block in 1..=(WARM_UP_MINUTES + self.after_minutes) * BLOCKS_PER_MINUTE {
			market.next_block(index.next(), BLOCK_MS);
			market.fill(ordered, &mut buyer);
			crowd.trade(&mut market, block * BLOCK_MS, BLOCK_MS);
			if block >= WARM_UP_MINUTES * BLOCKS_PER_MINUTE {
				ordered = (market.size(SHOCK) - buyer.size)
					.min(market.size(PIECE * float(self.terms.premium_step)));
			}
			premium.push(market.premium());
		}
		let minute = BLOCKS_PER_MINUTE as usize;
		let mean = |blocks: &[f64]| blocks.iter().sum::<f64>() / minute as f64;
		let after: Vec<f64> = premium
			.windows(minute)
			.map(mean)
			.skip(minute * WARM_UP_MINUTES as usize)
			.collect();
		Run {
			half_life: half_life(&after),
			premium: premium.chunks(minute).map(mean).collect(),
			rebates: market.rebates as f64 / 1e6,
			result: crowd.result(&market) as f64 / 1e6,
		}
	}
}

/// The index: a geometric random walk.
struct Index {
	random: Random,
	price: f64,
	step: f64,
}

impl Index {
	fn new(seed: u64) -> Self {
		Self {
			random: Random::new(seed, 1),
			price: 40_000.0,
			step: VOLATILITY * (BLOCK_MS as f64 / (365.0 * DAY_MS)).sqrt(),
		}
	}

	fn next(&mut self) -> FixedU128 {
		self.price *= 1.0 + self.step * self.random.normal();
		price(self.price)
	}
}

/// How many of the seeds' half-lives are shorter with than without, how many the same, and the median share that is saved.
fn compare(with: &Outcome, without: &Outcome) -> (usize, usize, f64) {
	let pairs = || {
		let length = |run: &Run| run.half_life.unwrap_or(f64::INFINITY);
		with.runs
			.iter()
			.zip(&without.runs)
			.map(move |(with, without)| (length(with), length(without)))
	};
	let saved = pairs().map(|(with, without)| {
		if with == without {
			0.0
		} else {
			1.0 - with / without
		}
	});
	(
		pairs().filter(|(with, without)| with < without).count(),
		pairs().filter(|(with, without)| with == without).count(),
		quantile(saved, 0.5),
	)
}

/// Minutes from the shock to the end of the last minute above half of it, given one minute from each block after it on. `None`
/// if that is the last one there is.
fn half_life(premium: &[f64]) -> Option<f64> {
	let above = premium.iter().rposition(|premium| *premium > SHOCK / 2.0)?;
	let blocks = above as u64 + BLOCKS_PER_MINUTE;
	(above + 1 < premium.len()).then_some(blocks as f64 / BLOCKS_PER_MINUTE as f64)
}

/// Linear between the two nearest.
fn quantile(values: impl Iterator<Item = f64>, part: f64) -> f64 {
	let mut sorted: Vec<f64> = values.collect();
	sorted.sort_by(f64::total_cmp);
	let place = part * (sorted.len() - 1) as f64;
	let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
	if low == high {
		return low;
	}
	low + (high - low) * place.fract()
}

fn is_shorter(this: Option<f64>, other: Option<f64>) -> bool {
	this.unwrap_or(f64::INFINITY) < other.unwrap_or(f64::INFINITY)
}

fn minutes(length: Option<f64>) -> String {
	length.map_or("never".into(), |length| format!("{length:.1} min"))
}
