//! Figures and tables of runs.

use keel_math::{perpetual::PremiumCurve, FixedU128};

use crate::{
	paths::{Path, REFERENCE, SYMBOLS},
	pool::{float, Dealings, Group, Rules, Sources, FITS, GROUPS, UNIT},
	study::Run,
	svg::{self, Chart, Line},
	Runs, Studied,
};

/// How a curve of results went, as shares of what providers gave.
#[derive(Default)]
struct Curve {
	drawdown: f64,
	/// Of daily returns, a year.
	sharpe: f64,
	worst_day: f64,
}

impl Curve {
	/// Of results in kUSD by the hour.
	fn of(results: &[f64], equity: f64) -> Self {
		let (mut peak, mut drawdown) = (f64::MIN, 0.0f64);
		for result in results {
			peak = peak.max(*result);
			drawdown = drawdown.max((peak - result) / (equity + peak));
		}
		let days: Vec<f64> = results.iter().copied().step_by(24).collect();
		let returns: Vec<f64> = days
			.windows(2)
			.map(|day| (day[1] - day[0]) / (equity + day[0]))
			.collect();
		let mean = mean(returns.iter().copied());
		let variance = self::mean(returns.iter().map(|r| (r - mean) * (r - mean)));
		Self {
			drawdown,
			sharpe: mean / variance.sqrt() * 365f64.sqrt(),
			worst_day: returns.iter().copied().fold(0.0, f64::min),
		}
	}
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
	let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
	sum / count
}

/// `-12345` as `-12,345`.
fn grouped(value: f64) -> String {
	let digits = format!("{:.0}", value.abs());
	let mut out = String::new();
	for (i, digit) in digits.chars().enumerate() {
		if i > 0 && (digits.len() - i).is_multiple_of(3) {
			out.push(',');
		}
		out.push(digit);
	}
	if value < 0.0 && digits != "0" {
		format!("-{out}")
	} else {
		out
	}
}

/// Thousands of kUSD.
fn thousands(amount: f64) -> String {
	grouped(amount / 1e3)
}

/// With two decimals, and no sign of zero.
fn percent(share: f64) -> String {
	let text = format!("{:.2} %", 100.0 * share);
	if text == "-0.00 %" {
		"0.00 %".into()
	} else {
		text
	}
}

impl Run {
	/// The sources of one market, or of all, by the hour.
	fn sources(&self, market: Option<usize>) -> Vec<Sources> {
		let of = |hour: &Vec<Sources>| match market {
			Some(market) => hour[market],
			None => hour
				.iter()
				.fold(Sources::default(), |sum, sources| sum.plus(sources)),
		};
		self.hours.iter().map(of).collect()
	}

	/// In the end, in kUSD.
	fn end(&self, market: Option<usize>) -> Sources {
		self.sources(market)[self.hours.len() - 1]
	}

	fn curve(&self, market: Option<usize>) -> Curve {
		let results: Vec<f64> = self.sources(market).iter().map(Sources::total).collect();
		Curve::of(&results, self.equity)
	}

	/// Of one market or all, of one group or all.
	fn dealt(&self, market: Option<usize>, group: Option<Group>, of: impl Fn(&Dealings) -> f64) -> f64 {
		let markets = self.dealings.iter().enumerate();
		let of_group = |groups: &[Dealings]| match group {
			Some(group) => of(&groups[group as usize]),
			None => groups.iter().map(&of).sum(),
		};
		markets
			.filter(|(id, _)| market.is_none_or(|market| market == *id))
			.map(|(_, groups)| of_group(groups))
			.sum()
	}
}

impl Runs {
	fn mean(&self, of: impl Fn(&Run) -> f64) -> f64 {
		mean(self.runs.iter().map(of))
	}

	/// As a share of what providers gave, a year.
	fn yearly(&self, amount: f64) -> f64 {
		amount / self.runs[0].equity / self.runs[0].days * 365.0
	}

	/// What each market gave, and all.
	fn table(&self) -> String {
		let mut table = String::from(
			"| | Volume a day | Fees | Premium | Funding | Borrow | Index | Deficits | Total | Largest drawdown | Sharpe | \
			 Worst day |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
		);
		let markets = self.runs[0].dealings.len();
		for market in (0..markets).map(Some).chain([None]) {
			let cells: Vec<String> = (0..6)
				.map(|source| self.mean(|run| run.end(market).all()[source]))
				.chain([self.mean(|run| run.end(market).total())])
				.map(|amount| format!("{} ({})", thousands(amount), percent(self.yearly(amount))))
				.collect();
			table += &format!(
				"| {} | {} | {} | {} | {:.2} | {} |\n",
				market.map_or("All", |id| SYMBOLS[id]),
				thousands(self.mean(|run| run.dealt(market, None, |d| d.volume) / run.days)),
				cells.join(" | "),
				percent(self.mean(|run| run.curve(market).drawdown)),
				self.mean(|run| run.curve(market).sharpe),
				percent(self.mean(|run| run.curve(market).worst_day)),
			);
		}
		table
	}

	/// What each market and all of them gave, a year, in few words.
	fn short(&self) -> String {
		let mut table = String::from(
			"| A year, of what providers gave | Fees | Funding | Borrow | Index and deficits | Total | Largest drawdown | Sharpe |\n\
			 |---|--:|--:|--:|--:|--:|--:|--:|\n",
		);
		for market in (0..self.runs[0].dealings.len()).map(Some).chain([None]) {
			let share = |of: fn(&Sources) -> f64| percent(self.yearly(self.mean(|run| of(&run.end(market)))));
			table += &format!(
				"| {} | {} | {} | {} | {} | {} | {} | {:.1} |\n",
				market.map_or("All", |id| SYMBOLS[id]),
				share(|s| s.fees),
				share(|s| s.premium + s.funding),
				share(|s| s.borrow),
				share(|s| s.price + s.deficits),
				share(Sources::total),
				percent(self.mean(|run| run.curve(market).drawdown)),
				self.mean(|run| run.curve(market).sharpe),
			);
		}
		table
	}

	/// One line about all markets.
	fn line(&self, name: &str) -> String {
		let source = |source: usize| percent(self.yearly(self.mean(|run| run.end(None).all()[source])));
		let totals = || self.runs.iter().map(|run| self.yearly(run.end(None).total()));
		format!(
			"| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} – {} | {} | {:.2} | {} |\n",
			thousands(self.mean(|run| run.dealt(None, None, |d| d.volume) / run.days)),
			source(0),
			source(1),
			source(2),
			source(3),
			source(4),
			source(5),
			percent(mean(totals())),
			percent(totals().fold(f64::MAX, f64::min)),
			percent(totals().fold(f64::MIN, f64::max)),
			percent(self.mean(|run| run.curve(None).drawdown)),
			self.mean(|run| run.curve(None).sharpe),
			percent(self.mean(|run| run.curve(None).worst_day)),
		)
	}

	/// What each kind of trader paid the pool, all markets together.
	fn groups(&self) -> String {
		let mut table = String::from(
			"| | Volume a day | Index | Premium | Funding | Borrow | Fees | Result | Refused a day | Liquidations a day |\n\
			 |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
		);
		for (group, name) in GROUPS {
			let sum = |of: fn(&Dealings) -> f64| self.mean(|run| run.dealt(None, Some(group), of));
			let days = self.runs[0].days;
			if sum(|d| d.volume + d.refused) == 0.0 {
				continue;
			}
			table += &format!(
				"| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {:.1} |\n",
				thousands(sum(|d| d.volume) / days),
				thousands(sum(|d| d.price)),
				thousands(-sum(|d| d.premium)),
				thousands(-sum(|d| d.funding())),
				thousands(-sum(|d| d.borrow)),
				thousands(-sum(|d| d.fees)),
				thousands(sum(|d| d.result())),
				thousands(sum(|d| d.refused) / days),
				sum(|d| f64::from(d.liquidations)) / days,
			);
		}
		table
	}

	/// How far the markets went.
	fn extent(&self) -> String {
		let list = |of: &dyn Fn(usize) -> String| {
			let markets = 0..self.runs[0].dealings.len();
			markets.map(of).collect::<Vec<_>>().join(", ")
		};
		let widest = list(&|id| percent(self.mean(|run| run.widest[id])));
		let busiest = list(&|id| format!("{:.1} M", self.mean(|run| run.busiest[id]) / 1e6));
		format!(
			"Widest premiums {widest}; largest sides {busiest}; worst case over equity {:.0} % on average, {:.0} % at most; \
			 the fund's target {} on average; in the end it had {}, and {} were set aside for rebates that nobody had earned.",
			100.0 * self.mean(|run| run.utilisation.0),
			100.0 * self.mean(|run| run.utilisation.1),
			thousands(self.mean(|run| run.fund.1)),
			thousands(self.mean(|run| run.fund.0)),
			thousands(self.mean(|run| run.pots)),
		)
	}

	/// Funding here beside Binance's, of BTC and ETH, first seed: means, mean sizes, correlation.
	fn funding_rows(&self, path: &Path) -> String {
		let mut rows = String::new();
		let all = self.runs[0].funding.iter().enumerate();
		for (id, pairs) in all.filter(|(_, pairs)| !pairs.is_empty()) {
			let mean = |of: &dyn Fn(&(f64, f64)) -> f64| mean(pairs.iter().map(of));
			let (theirs, ours) = (mean(&|p| p.0), mean(&|p| p.1));
			let covariance = mean(&|p| (p.0 - theirs) * (p.1 - ours));
			let deviation = mean(&|p| (p.0 - theirs).powi(2)).sqrt() * mean(&|p| (p.1 - ours).powi(2)).sqrt();
			rows += &format!(
				"| {}, {} | {} | {theirs:.2}, {:.2} | {ours:.2}, {:.2} | {:.2} |\n",
				path.name,
				SYMBOLS[id],
				pairs.len(),
				mean(&|p| p.0.abs()),
				mean(&|p| p.1.abs()),
				covariance / deviation,
			);
		}
		rows
	}

	/// What the squatter lost, in kUSD.
	fn squatter_paid(&self) -> f64 {
		-self.mean(|run| run.dealt(Some(0), Some(Group::Squatter), Dealings::result))
	}

	/// What squatting cost, as a share of what was held, a year.
	fn squatting_cost(&self, path: &Path) -> f64 {
		self.squatter_paid() / self.mean(|run| run.squatted) / path.days() * 365.0
	}

	/// What squatting BTC cost, and what it kept others from.
	fn squatting(&self, name: &str, path: &Path, without: &Self) -> String {
		let squatter =
			|of: fn(&Dealings) -> f64| self.mean(|run| run.dealt(Some(0), Some(Group::Squatter), of));
		let refused = |runs: &Self| {
			let all = runs.mean(|run| run.dealt(Some(0), None, |d| d.refused) / run.days);
			all - runs.mean(|run| run.dealt(Some(0), Some(Group::Squatter), |d| d.refused) / run.days)
		};
		let held = self.mean(|run| run.squatted);
		let paid = self.squatter_paid();
		let (fees, borrow) = (squatter(|d| d.fees), squatter(|d| d.borrow));
		format!(
			"| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
			thousands(held),
			thousands(fees),
			thousands(borrow),
			thousands(paid - fees - borrow),
			percent(self.squatting_cost(path)),
			thousands(refused(self)),
			thousands(refused(without)),
			thousands(self.mean(|run| run.end(None).total())),
			thousands(without.mean(|run| run.end(None).total())),
		)
	}
}

const LINES: &str =
	"| | Volume a day | Fees | Premium | Funding | Borrow | Index | Deficits | Total | Seeds from – to | \
	Largest drawdown | Sharpe | Worst day |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";

impl Studied {
	pub fn chart(&self) -> String {
		let run = &self.everybody.runs[0];
		let sources = run.sources(None);
		// Some hundred points.
		let every = (run.times.len() / 400).max(1);
		let thinned = |of: &dyn Fn(usize) -> f64| -> svg::Points {
			let hours = (0..run.times.len()).step_by(every);
			hours.map(|hour| (run.times[hour], of(hour))).collect()
		};
		let line = |name: &str, colour, of: fn(&Sources) -> f64| Line {
			name: name.into(),
			colour,
			points: thinned(&|hour| of(&sources[hour]) / 1e3),
			..Line::default()
		};
		Chart {
			title: format!("The pool's result, {}", self.path.name),
			subtitle: format!(
				"{} markets, everybody, first seed; providers gave {} M kUSD; gaps of the record left out",
				self.path.markets,
				run.equity / 1e6
			),
			x: "days".into(),
			left: "thousand kUSD".into(),
			right: Some("BTC, thousand kUSD, scaled".into()),
			lines: vec![
				line("Fees", svg::GREEN, |s| s.fees),
				line("Funding", svg::BLUE, |s| s.funding),
				line("Borrow", svg::PURPLE, |s| s.borrow),
				line("Index, premium, deficits", svg::ORANGE, |s| {
					s.price + s.premium + s.deficits
				}),
				line("All", svg::GREY, Sources::total),
				Line {
					name: "BTC".into(),
					colour: svg::FAINT,
					points: thinned(&|hour| run.prices[hour] / 1e3),
					right: true,
					..Line::default()
				},
			],
		}
		.to_svg()
	}

	fn section(&self) -> String {
		let all = &self.everybody;
		let [uninformed, crowd, rest @ ..] = &self.others[..] else {
			return String::new();
		};
		let lines: String = [uninformed, crowd, all]
			.into_iter()
			.chain(rest)
			.map(|runs| runs.line(runs.name))
			.collect();
		format!(
			"## {}\n\n{}\n![The pool's result]({}.svg)\n\n{}\n\n{LINES}{lines}\nThe traders of the third line:\n\n{}\n",
			self.path.name,
			all.table(),
			self.path.file,
			all.extent(),
			all.groups(),
		)
	}
}

/// What a million costs in an empty market at the reference price, in basis points.
fn depth(rules: &Rules, market: usize) -> f64 {
	let p = &rules.markets[market];
	let curve = PremiumCurve::new(p.skew_scale, p.max_premium).expect(FITS);
	let index = FixedU128::from_inner((REFERENCE[market] * 1e18) as u128);
	let size = (1e6 / REFERENCE[market] * UNIT) as i128;
	let fill = curve.fill_price(index, 0, size).expect(FITS);
	1e4 * (float(fill) / float(index) - 1.0)
}

/// What must hold and does not.
pub fn failures(rules: &Rules, studies: &[Studied]) -> Vec<String> {
	let mut failures = Vec::new();
	for (market, most) in [(0, 3.0), (1, 5.01)] {
		let cost = depth(rules, market);
		if cost > most {
			failures.push(format!("a million of {} costs {cost:.2} bp", SYMBOLS[market]));
		}
	}
	for studied in studies {
		let name = studied.path.name;
		for runs in studied
			.others
			.iter()
			.chain(&studied.changed)
			.chain(&studied.squatted)
			.chain([&studied.everybody])
		{
			for run in runs.runs.iter().filter(|run| run.off.abs() > 1.0) {
				failures.push(format!(
					"{name}, {}: the books are off by {} kUSD",
					runs.name, run.off
				));
			}
		}
		for (id, symbol) in SYMBOLS.iter().enumerate().take(studied.path.markets) {
			let income = studied.everybody.mean(|run| run.end(Some(id)).income());
			if income <= 0.0 {
				failures.push(format!("{name}: trading {symbol} pays {income:.0} kUSD"));
			}
		}
	}
	let years = &studies[studies.len() - 1];
	for (id, symbol) in SYMBOLS.iter().enumerate() {
		let total = years.everybody.mean(|run| run.end(Some(id)).total());
		if total <= 0.0 {
			failures.push(format!(
				"{}: providers of {symbol} earn {total:.0} kUSD",
				years.path.name
			));
		}
	}
	let cost = years.others[3].squatting_cost(&years.path);
	if cost < 0.05 {
		failures.push(format!(
			"{}: squatting BTC costs {}",
			years.path.name,
			percent(cost)
		));
	}
	failures
}

/// `docs/providers.md`.
pub fn document(rules: &Rules, studies: &[Studied]) -> String {
	let sections: Vec<String> = studies.iter().map(Studied::section).collect();
	let of_all = |of: &dyn Fn(&Studied) -> String| studies.iter().map(of).collect::<String>();
	let funding = of_all(&|studied| studied.everybody.funding_rows(&studied.path));
	let last = &studies[studies.len() - 1];
	let squatting =
		of_all(&|studied| studied.others[3].squatting(studied.path.name, &studied.path, &studied.everybody))
			+ &last
				.squatted
				.iter()
				.map(|runs| runs.squatting(runs.name, &last.path, &last.everybody))
				.collect::<String>();
	let changed: String = last.changed.iter().map(|runs| runs.line(runs.name)).collect();
	let seeds: Vec<String> = studies
		.iter()
		.map(|studied| studied.everybody.runs.len().to_string())
		.collect();
	include_str!("template.txt")
		.replace("{tables}", sections.join("\n").trim_end())
		.replace("{short}", last.everybody.short().trim_end())
		.replace("{funding}", funding.trim_end())
		.replace("{squatting}", squatting.trim_end())
		.replace(
			"{changed}",
			&(LINES.to_string() + &last.everybody.line("As it is") + changed.trim_end()),
		)
		.replace("{btc}", &format!("{:.1}", depth(rules, 0)))
		.replace("{eth}", &format!("{:.1}", depth(rules, 1)))
		.replace("{equity}", &grouped(rules.equity / 1e6))
		.replace("{seeds}", &seeds.join(", "))
}
