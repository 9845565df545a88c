//! Funding over the week of 17 May 2021 by the rules here, beside what Binance's perpetual paid.
//!
//! Data: the price, and Binance's funding. Model: who trades. One number is fitted, the trend followers' weight.

use crate::{
	market::{price, Market, Position, Terms},
	svg::{self, Chart, Line},
	traders::{Arbitrageur, Crowd, DAY_MS},
};

const BARS: &str = include_str!("../data/btcusdt_binance_2021-05-17_5m.csv");
const FUNDING: &str = include_str!("../data/funding_btcusdt_binance_2021-05-17.csv");

const STEP_MS: u64 = 10_000;
/// Of a five-minute bar, a third for each of the three legs between its four prices.
const STEPS_PER_LEG: u64 = 10;
const STEPS_PER_BAR: usize = 3 * STEPS_PER_LEG as usize;
/// Of eight hours.
const STEPS_PER_INTERVAL: usize = 8 * 12 * STEPS_PER_BAR;
const SEED: u64 = 1;
/// Funding of a few basis points pays the way in and out only for those who mean to hold for days; here in hours. Chosen, not
/// fitted.
const HORIZONS: (f64, f64) = (24.0, 168.0);
/// What Binance's formula settles on while its premium is small.
const BINANCE_INTEREST: f64 = 1.0;
/// What trend followers compare the price with: its average over this many hours. Chosen, not fitted.
const LOOK_BACK: f64 = 24.0;
const OTHER_LOOK_BACKS: [f64; 4] = [1.0, 4.0, 8.0, 72.0];
/// What they trade at most per step, in skew scales.
const PACE: f64 = 0.0005;

/// The week as the market sees it.
struct Week {
	prices: Vec<f64>,
	/// Basis points per eight hours.
	binance: Vec<f64>,
}

pub struct Study {
	week: Week,
	fitted: Fit,
	others: Vec<Fit>,
}

/// What the model says with the weight that makes its funding as large as Binance's on average.
struct Fit {
	look_back: f64,
	/// Skew scales held per 100 % between price and average.
	weight: f64,
	/// Basis points per eight hours.
	funding: Vec<f64>,
	widest: f64,
}

impl Study {
	pub fn run() -> Self {
		let week = Week::read();
		Self {
			fitted: Fit::new(&week, LOOK_BACK),
			others: OTHER_LOOK_BACKS
				.map(|look_back| Fit::new(&week, look_back))
				.into(),
			week,
		}
	}

	/// Does the model not have the size it is fitted to?
	pub fn failures(&self) -> Vec<String> {
		let wanted = mean_size(&self.week.binance);
		let is_off = |fit: &&Fit| (mean_size(&fit.funding) / wanted - 1.0).abs() > 0.05;
		let misses = self.others.iter().chain([&self.fitted]).filter(is_off);
		misses
			.map(|fit| format!("no weight fits a look-back of {} h", fit.look_back))
			.collect()
	}

	pub fn table(&self) -> String {
		let mut table = String::from(
			"| May 2021, UTC, until | Binance, bp per 8 h | Here, bp per 8 h |\n|---|--:|--:|\n",
		);
		for (interval, (binance, here)) in self.week.binance.iter().zip(&self.fitted.funding).enumerate() {
			let hours = 8 * (interval + 1);
			table += &format!(
				"| {} {:02}:00 | {binance:.2} | {here:.2} |\n",
				17 + hours / 24,
				hours % 24
			);
		}
		table
	}

	pub fn summary(&self) -> String {
		let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
		let here = Comparison::new(&self.fitted.funding, &self.week.binance);
		format!(
			"| | Binance | Here |\n|---|--:|--:|\n\
			 | Mean and mean size, bp per 8 h | {:.2}, {:.2} | {:.2}, {:.2} (fitted) |\n\
			 | Lowest and highest | {:.2}, {:.2} | {:.2}, {:.2} |\n\
			 | Correlation | | {:.2} |\n| Correlation with Binance eight hours before | | {:.2} |\n\
			 | Correlation of the changes | | {:.2} |\n\
			 | Same sign | | {} of {} |\n| Same sign where Binance is not at 1 bp | | {} of {} |\n\
			 | Same side of neutral there (1 bp, here 0) | | {} of {} |\n\
			 | Widest premium, fitted weight | | {:.2} %, {:.3} |\n",
			mean(&self.week.binance),
			mean_size(&self.week.binance),
			mean(&self.fitted.funding),
			mean_size(&self.fitted.funding),
			lowest(&self.week.binance),
			highest(&self.week.binance),
			lowest(&self.fitted.funding),
			highest(&self.fitted.funding),
			here.correlation,
			here.late,
			here.changes,
			here.same_sign.0,
			here.same_sign.1,
			here.same_sign_moving.0,
			here.same_sign_moving.1,
			here.same_side.0,
			here.same_side.1,
			100.0 * self.fitted.widest,
			self.fitted.weight,
		)
	}

	pub fn sensitivity(&self) -> String {
		let mut table = String::from(
			"| Look-back | Weight | Correlation | of the changes | Same sign | where Binance moves |\n|--:|--:|--:|--:|--:|--:|\n",
		);
		let mut fits: Vec<&Fit> = self.others.iter().chain([&self.fitted]).collect();
		fits.sort_by(|one, other| one.look_back.total_cmp(&other.look_back));
		for fit in fits {
			let here = Comparison::new(&fit.funding, &self.week.binance);
			table += &format!(
				"| {} h | {:.3} | {:.2} | {:.2} | {} of {} | {} of {} |\n",
				fit.look_back,
				fit.weight,
				here.correlation,
				here.changes,
				here.same_sign.0,
				here.same_sign.1,
				here.same_sign_moving.0,
				here.same_sign_moving.1,
			);
		}
		table
	}

	pub fn chart(&self) -> String {
		let stairs = |values: &[f64]| -> svg::Points {
			let last = values.last().copied();
			values
				.iter()
				.copied()
				.chain(last)
				.enumerate()
				.map(|(interval, value)| (17.0 + interval as f64 / 3.0, value))
				.collect()
		};
		let day = |step: usize| 17.0 + (step as u64 * STEP_MS) as f64 / DAY_MS;
		let line = |name: &str, colour, funding| Line {
			name: name.into(),
			colour,
			points: stairs(funding),
			steps: true,
			..Line::default()
		};
		Chart {
			title: "Funding in the week of 17 May 2021".into(),
			subtitle: "Binance's BTC perpetual: data. By the rules here: model traders on the real price, one weight fitted".into(),
			x: "May 2021, UTC".into(),
			left: "funding of eight hours, basis points".into(),
			right: Some("BTC, thousand USDT".into()),
			lines: vec![
				line("Binance", svg::ORANGE, &self.week.binance),
				line("By the rules here", svg::BLUE, &self.fitted.funding),
				Line {
					name: "BTC spot".into(),
					colour: svg::FAINT,
					points: (0..self.week.prices.len())
						.step_by(2 * STEPS_PER_BAR)
						.map(|step| (day(step), self.week.prices[step] / 1e3))
						.collect(),
					right: true,
					..Line::default()
				},
			],
		}
		.to_svg()
	}
}

impl Week {
	fn read() -> Self {
		let mut prices = Vec::new();
		for bar in rows(BARS) {
			let [_, open, high, low, close] = bar[..] else {
				panic!("a bar has five columns");
			};
			// The order of the extremes is not known: against the bar's direction first, as is usual.
			let (first, second) = if close < open { (high, low) } else { (low, high) };
			for (from, to) in [(open, first), (first, second), (second, close)] {
				let leg = 0..STEPS_PER_LEG;
				prices.extend(leg.map(|step| from + (to - from) * (step + 1) as f64 / STEPS_PER_LEG as f64));
			}
		}
		let binance: Vec<f64> = rows(FUNDING).map(|row| row[1] * 1e4).collect();
		assert_eq!(
			prices.len(),
			binance.len() * STEPS_PER_INTERVAL,
			"bars cover the intervals"
		);
		Self { prices, binance }
	}
}

/// The numbers of a table below its provenance and its header.
fn rows(table: &str) -> impl Iterator<Item = Vec<f64>> + '_ {
	table.lines().skip(2).map(|line| {
		line.split(',')
			.map(|cell| cell.parse().expect("a number"))
			.collect()
	})
}

impl Fit {
	/// Halve the range of weights, and take the one whose mean size came nearest: orders come in pieces, so that size jumps a
	/// little with weight, and the last is not always the best.
	fn new(week: &Week, look_back: f64) -> Self {
		let (mut low, mut high) = (0.0, 4.0);
		let wanted = mean_size(&week.binance);
		let miss = |fit: &Self| (mean_size(&fit.funding) - wanted).abs();
		let mut best = Self::run(week, look_back, high);
		for _ in 0..16 {
			let middle = (low + high) / 2.0;
			let fit = Self::run(week, look_back, middle);
			if mean_size(&fit.funding) < wanted {
				low = middle;
			} else {
				high = middle;
			}
			if miss(&fit) < miss(&best) {
				best = fit;
			}
		}
		best
	}

	fn run(week: &Week, look_back: f64, weight: f64) -> Self {
		let mut crowd = Crowd::new(Arbitrageur::twenty(SEED, HORIZONS), None);
		let mut market = Market::new(Terms::development(), price(week.prices[0]));
		let mut followers = Position::default();
		let (mut ordered, mut average, mut widest) = (0, week.prices[0], 0f64);
		let share = STEP_MS as f64 / (look_back / 24.0 * DAY_MS);
		let mut funding = Vec::new();
		for (step, spot) in week.prices.iter().enumerate() {
			if step % STEPS_PER_INTERVAL == 0 {
				funding.push(0.0);
			}
			let paid = market.next_block(price(*spot), STEP_MS);
			if let Some(interval) = funding.last_mut() {
				*interval += paid * 1e4;
			}
			market.fill(ordered, &mut followers);
			crowd.trade(&mut market, step as u64 * STEP_MS, STEP_MS);
			average += (spot - average) * share;
			let wanted = market.size(weight * (spot / average - 1.0));
			let most = market.size(PACE);
			ordered = (wanted - followers.size).clamp(-most, most);
			widest = widest.max(market.premium().abs());
		}
		Self {
			look_back,
			weight,
			funding,
			widest,
		}
	}
}

struct Comparison {
	correlation: f64,
	/// With the interval before.
	late: f64,
	/// Of the differences from one interval to the next.
	changes: f64,
	/// How many of how many.
	same_sign: (usize, usize),
	same_sign_moving: (usize, usize),
	/// Binance above or below its interest, here above or below zero.
	same_side: (usize, usize),
}

impl Comparison {
	fn new(here: &[f64], binance: &[f64]) -> Self {
		let changes =
			|values: &[f64]| -> Vec<f64> { values.windows(2).map(|pair| pair[1] - pair[0]).collect() };
		let same = |moving: bool, neutral: f64| {
			let counted = here
				.iter()
				.zip(binance)
				.filter(|(_, binance)| !moving || (**binance - BINANCE_INTEREST).abs() > 1e-9);
			let same = counted
				.clone()
				.filter(|(here, binance)| (**here > 0.0) == (**binance > neutral));
			(same.count(), counted.count())
		};
		Self {
			correlation: correlation(here, binance),
			late: correlation(&here[1..], &binance[..binance.len() - 1]),
			changes: correlation(&changes(here), &changes(binance)),
			same_sign: same(false, 0.0),
			same_sign_moving: same(true, 0.0),
			same_side: same(true, BINANCE_INTEREST),
		}
	}
}

fn mean_size(values: &[f64]) -> f64 {
	values.iter().map(|value| value.abs()).sum::<f64>() / values.len() as f64
}

fn highest(values: &[f64]) -> f64 {
	values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn lowest(values: &[f64]) -> f64 {
	values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Pearson's.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
	let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
	let (mean_a, mean_b) = (mean(a), mean(b));
	let sum = |of: &dyn Fn(f64, f64) -> f64| {
		a.iter()
			.zip(b)
			.map(|(a, b)| of(a - mean_a, b - mean_b))
			.sum::<f64>()
	};
	sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}
