//! A morning on which one quote currency lost its peg: six markets as six operators (data and provenance in `data/`).

use super::*;

const CLOSES: &str = include_str!("data/btc_2023-03-11_1m.csv");

/// Columns of markets quoted in USD or in a USDT that kept its peg.
const HONEST: core::ops::Range<usize> = 0..4;
/// Bitcoin in USDC, on Binance.US and on Bybit: fed as if a USDC were a dollar.
const USDC_BINANCE_US: usize = 4;
const USDC_BYBIT: usize = 5;

/// Each minute: when, and each market's close; `None` where there is no bar.
fn minutes() -> Vec<(Moment, Vec<Option<FixedU128>>)> {
	CLOSES
		.lines()
		.skip(1)
		.map(|line| {
			let mut cells = line.split(',');
			let seconds: Moment = cells.next().unwrap().parse().unwrap();
			let closes = cells
				.map(|cell| (!cell.is_empty()).then(|| usd(cell.parse().unwrap())))
				.collect();
			(seconds * 1_000, closes)
		})
		.collect()
}

#[test]
fn the_price_never_leaves_the_honest_markets_range() {
	ExtBuilder::default().build_and_execute(|| {
		operators(1..=6);
		let minutes = minutes();
		assert_eq!(minutes.len(), 180);
		let (mut dropped, mut fresh, mut furthest_mean) = ([0; 6], 0, 0.0f64);
		for (at, closes) in &minutes {
			block(*at, || {
				for (who, close) in (1..).zip(closes) {
					if let Some(close) = close {
						assert_ok!(feed(who, &[(BTC, *close)]));
					}
				}
			});
			let price = stored(BTC);
			assert_eq!(price.at, *at, "a price every minute");
			let values = Prices::operator_values(BTC);
			assert_eq!(values.len(), 6);
			for (count, value) in dropped.iter_mut().zip(&values) {
				*count += value.outlier as u32;
			}
			let counted: Vec<_> = values
				.iter()
				.filter(|v| v.fresh)
				.map(|v| v.value.to_float())
				.collect();
			fresh += counted.len();
			let honest: Vec<_> = values[HONEST]
				.iter()
				.filter(|v| v.fresh)
				.map(|v| v.value)
				.collect();
			assert!(honest.len() >= 3);
			let (lowest, highest) = (honest.iter().min().unwrap(), honest.iter().max().unwrap());
			assert!((lowest..=highest).contains(&&price.value), "{price:?} at {at}");
			// Calm enough for every purpose, all morning, from the third price of the feed on.
			let recovered = Prices::price(BTC).unwrap().streak >= 3;
			assert_eq!(ask(BTC, PriceFor::AddRisk).is_ok(), recovered);
			// What a mean would have said.
			let mean = counted.iter().sum::<f64>() / counted.len() as f64;
			furthest_mean = furthest_mean.max((mean / price.value.to_float() - 1.0).abs());
		}
		// A market without a bar in a minute counts with the last one's close, which is just young enough.
		assert_eq!(fresh, 1_079);
		// No honest market was dropped in any minute; Bybit's was in all of them, Binance.US's in all but 34 of the
		// first 70, in which it was within five deviations: outvoted then, as the median of five is an honest one.
		assert_eq!(dropped[HONEST], [0; 4]);
		assert_eq!(dropped[USDC_BYBIT], 180);
		assert_eq!(dropped[USDC_BINANCE_US], 146);
		assert!(furthest_mean > 0.04, "{furthest_mean}");
	});
}
