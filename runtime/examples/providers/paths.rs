//! Recorded prices and funding, as the study walks through them.

use std::{collections::BTreeMap, io::Read};

use crate::random::Random;

/// Symbols of the markets, in the order of the development genesis.
pub const SYMBOLS: [&str; 4] = ["BTC", "ETH", "DOT", "SOL"];

/// Prices at which the development chain's skew scales were chosen: a million of BTC moves the price by 2.8
/// bp, of ETH by 5 bp. Every path is scaled to begin there, as governance would set the scale for the day's
/// price.
pub const REFERENCE: [f64; 4] = [60_000.0, 2_857.0, 6.0, 150.0];

/// How much of the variation between two recorded prices of bars, which go through their extremes, is left
/// for between them.
const WITHIN_BARS: f64 = 0.5;

/// Time without a gap.
pub struct Segment {
	/// Unix seconds of the first price.
	pub from: u64,
	/// Of each market, the prices `step` seconds apart.
	pub prices: Vec<Vec<f64>>,
}

pub struct Path {
	pub name: &'static str,
	pub file: &'static str,
	/// Seconds from a price to the next.
	pub step: u64,
	/// How many of [`SYMBOLS`] there are.
	pub markets: usize,
	pub segments: Vec<Segment>,
	/// Of BTC and ETH, by the unix seconds at which it was paid: basis points of the eight hours before.
	pub funding: [BTreeMap<u64, f64>; 2],
}

/// The numbers of a compressed table, by line, without those that begin with no number.
fn rows(file: &str) -> Vec<Vec<f64>> {
	let path = format!("{}/{file}.csv.gz", env!("CARGO_MANIFEST_DIR"));
	let bytes = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
	let mut text = String::new();
	flate2::read::GzDecoder::new(bytes)
		.read_to_string(&mut text)
		.unwrap_or_else(|error| panic!("{path}: {error}"));
	text.lines()
		.map(|line| line.split(',').map_while(|cell| cell.parse().ok()).collect())
		.filter(|row: &Vec<f64>| !row.is_empty())
		.collect()
}

/// Opens, extremes and closes of bars of `seconds`, a third of a bar apart: against the close first, then to
/// the other extreme, then to the close, as bars are made. With the time of the first, for each time without
/// a gap.
fn through_bars(file: &str, seconds: f64) -> Vec<(u64, Vec<f64>)> {
	let bars = rows(&format!("../scripts/e2e/crash/data/{file}"));
	bars.chunk_by(|one, next| next[0] - one[0] <= seconds)
		.map(|bars| {
			let mut knots = vec![bars[0][1]];
			for bar in bars {
				let (open, high, low, close) = (bar[1], bar[2], bar[3], bar[4]);
				let extremes = if close >= open { [low, high] } else { [high, low] };
				knots.extend([extremes[0], extremes[1], close]);
			}
			(bars[0][0] as u64, knots)
		})
		.collect()
}

/// Segments of markets that were recorded at the same times, with what makes prices of a segment's knots.
fn segments(
	markets: Vec<Vec<(u64, Vec<f64>)>>,
	mut fine: impl FnMut(usize, &[f64]) -> Vec<f64>,
) -> Vec<Segment> {
	(0..markets[0].len())
		.map(|segment| {
			let from = markets[0][segment].0;
			let prices = markets.iter().enumerate().map(|(id, segments)| {
				assert_eq!(segments[segment].0, from, "all markets have the same gaps");
				fine(id, &segments[segment].1)
			});
			Segment {
				from,
				prices: prices.collect(),
			}
		})
		.collect()
}

/// `parts` prices for each of `knots`: between two of them a Brownian bridge with `share` of the volatility
/// of the 24 moves before.
fn bridged(knots: &[f64], parts: usize, share: f64, random: &mut Random) -> Vec<f64> {
	let moves: Vec<f64> = knots.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect();
	let mut prices = Vec::with_capacity(knots.len() * parts);
	for (i, pair) in knots.windows(2).enumerate() {
		let recent = &moves[i.saturating_sub(24)..(i + 1).max(24).min(moves.len())];
		let variance = recent.iter().map(|r| r * r).sum::<f64>() / recent.len() as f64;
		let deviation = share * (variance / parts as f64).sqrt();
		// A random walk, and what it is off by at its end taken back evenly.
		let mut walk = vec![0.0];
		for part in 0..parts {
			walk.push(walk[part] + deviation * random.normal());
		}
		for (part, wandered) in walk.iter().take(parts).enumerate() {
			let done = part as f64 / parts as f64;
			let straight = pair[0] + (pair[1] - pair[0]) * done;
			prices.push(straight * (1.0 + wandered - walk[parts] * done));
		}
	}
	prices.push(knots[knots.len() - 1]);
	prices
}

fn funding() -> [BTreeMap<u64, f64>; 2] {
	let rows = rows("examples/providers/data/funding_binance_2020-2023");
	[1, 2].map(|column| rows.iter().map(|row| (row[0] as u64, row[column])).collect())
}

impl Path {
	/// Each market's prices times what makes its first one the reference.
	fn scaled(mut self) -> Self {
		for (market, reference) in REFERENCE.iter().enumerate().take(self.markets) {
			let factor = reference / self.segments[0].prices[market][0];
			for segment in &mut self.segments {
				segment.prices[market]
					.iter_mut()
					.for_each(|price| *price *= factor);
			}
		}
		self
	}

	/// The whole of March 2020, from hourly bars.
	pub fn march_2020() -> Self {
		let bars =
			["btc", "eth"].map(|symbol| through_bars(&format!("{symbol}usdt_binance_2020-03_1h"), 3_600.0));
		let mut random = [0, 1].map(|stream| Random::new(202_003, stream));
		Self {
			name: "March 2020",
			file: "providers_march_2020",
			step: 100,
			markets: 2,
			segments: segments(bars.into(), |id, knots| {
				bridged(knots, 12, WITHIN_BARS, &mut random[id])
			}),
			funding: funding(),
		}
		.scaled()
	}

	/// The week of 17 May 2021, from five-minute bars.
	pub fn may_2021() -> Self {
		let bars = ["btc", "eth", "dot", "sol"]
			.map(|symbol| through_bars(&format!("{symbol}usdt_binance_2021-05-17_5m"), 300.0));
		Self {
			name: "17 to 24 May 2021",
			file: "providers_may_2021",
			step: 100,
			markets: 4,
			segments: segments(bars.into(), |_, knots| knots.into()),
			funding: funding(),
		}
		.scaled()
	}

	/// The years 2022 and 2023, from closes of the hour; a gap in the record is one here.
	pub fn years() -> Self {
		let rows = rows("examples/providers/data/closes_binance_2022-2023_1h");
		let mut random: Vec<Random> = (0..4).map(|stream| Random::new(2_022, stream)).collect();
		let segments = rows
			.chunk_by(|one, next| next[0] - one[0] <= 3_600.0)
			.map(|hours| Segment {
				// The close of an hour is at its end.
				from: hours[0][0] as u64 + 3_600,
				prices: (0..4)
					.map(|market| {
						let knots: Vec<f64> = hours.iter().map(|row| row[1 + market]).collect();
						bridged(&knots, 12, 1.0, &mut random[market])
					})
					.collect(),
			})
			.collect();
		Self {
			name: "2022 and 2023",
			file: "providers_2022_2023",
			step: 300,
			markets: 4,
			segments,
			funding: funding(),
		}
		.scaled()
	}

	pub fn days(&self) -> f64 {
		let steps: usize = self
			.segments
			.iter()
			.map(|segment| segment.prices[0].len() - 1)
			.sum();
		steps as f64 * self.step as f64 / 86_400.0
	}
}
