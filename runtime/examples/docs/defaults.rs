//! `docs/defaults.md`: the numbers of the markets, why they are what they are, and what recorded prices say
//! of them.

use std::{fmt::Write as _, io::Read, path::Path};

use keel_math::{lending::Curve, margin, mul_ratio, perpetual::PremiumCurve, Rounding, ONE};
use keel_primitives::MarketParameters;
use keel_runtime::genesis_presets::market_parameters;
use pallet_risk_parameters::limits::default_chain;
use sp_runtime::FixedU128;

/// Markets in the order of the data's columns: number, name, a price of its time in USD.
const MARKETS: [(u32, &str, u32); 4] = [
	(2, "BTC", 60_000),
	(3, "ETH", 3_000),
	(4, "DOT", 6),
	(6, "SOL", 150),
];

/// The chain's volatility average, in hours.
const TAU: f64 = 6.0;

const HOURS_PER_YEAR: f64 = 365.0 * 24.0;

/// One hour of one market: lowest, highest and last price as a share of the last price before, less one.
type Hour = [f64; 3];

/// Every hour of every market, and whether it follows the one before it.
struct Hours(Vec<(bool, [Hour; 4])>);

impl Hours {
	fn load(folder: &Path) -> Result<Self, String> {
		let file = "hours_binance_2022-2026.csv.gz";
		let bytes = std::fs::File::open(folder.join(file)).map_err(|e| format!("{file}: {e}"))?;
		let mut text = String::new();
		flate2::read::GzDecoder::new(bytes)
			.read_to_string(&mut text)
			.map_err(|e| format!("{file}: {e}"))?;
		let mut before = 0;
		let mut hours = Vec::new();
		for line in text
			.lines()
			.filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
		{
			let cells: Vec<i64> = line.split(',').filter_map(|cell| cell.parse().ok()).collect();
			let [hour, moves @ ..] = &cells[..] else {
				return Err(format!("{file}: an empty line"));
			};
			if moves.len() != 12 {
				return Err(format!("{file}: 13 numbers are missing in {line}"));
			}
			let mut each = [[0.0; 3]; 4];
			for (cell, bps) in each.iter_mut().flatten().zip(moves) {
				*cell = *bps as f64 / 1e4;
			}
			hours.push((*hour == before + 1, each));
			before = *hour;
		}
		Ok(Self(hours))
	}

	/// How many hours there are.
	fn len(&self) -> usize {
		self.0.len()
	}

	/// The shares of hours in which a position in `market`, at its maintenance margin when the hour begins,
	/// is worth nothing at the hour's worst price and at its last, over both sides; and in which volatility
	/// asks for more than the base.
	fn beyond(&self, market: usize, p: &MarketParameters) -> [f64; 3] {
		let weight = (-1.0 / TAU).exp();
		let (mut variance, mut counts, mut count) = (None::<f64>, [0u32; 3], 0u32);
		for (follows, each) in &self.0 {
			let [low, high, close] = each[market];
			if let Some(variance) = variance.filter(|_| *follows) {
				let volatility = (variance * HOURS_PER_YEAR).sqrt();
				let rate = share(maintenance(p, volatility));
				let sides = |down: f64, up: f64| u32::from(-down > rate) + u32::from(up > rate);
				counts[0] += sides(low, high);
				counts[1] += sides(close, close);
				counts[2] += 2 * u32::from(rate > share(p.maintenance_margin));
				count += 2;
			}
			let square = (1.0 + close).ln().powi(2);
			variance = Some(variance.map_or(square, |old| weight * old + (1.0 - weight) * square));
		}
		counts.map(|of| f64::from(of) / f64::from(count.max(1)))
	}
}

fn share(ratio: FixedU128) -> f64 {
	ratio.into_inner() as f64 / ONE as f64
}

/// The maintenance rate at a volatility of so much a year: the chain's own arithmetic.
fn maintenance(p: &MarketParameters, volatility: f64) -> FixedU128 {
	let volatility = FixedU128::from_inner((volatility * ONE as f64) as u128);
	margin::maintenance_rate(
		p.maintenance_margin,
		p.maintenance_cap,
		p.volatility_multiple,
		volatility,
		p.volatility_horizon,
	)
	.unwrap_or_default()
}

/// The initial rate where a side's open interest is `value`.
fn initial(p: &MarketParameters, value: u128) -> f64 {
	margin::initial_rate(
		p.maintenance_margin,
		p.initial_multiple,
		value,
		p.open_interest_lower,
		p.open_interest_upper,
	)
	.map_or(1.0, share)
}

/// What a million kUSD bought from a skew of zero at `price` costs, in basis points.
fn depth(p: &MarketParameters, price: u32) -> Option<f64> {
	let size = 1_000_000i128 * 100_000_000 / i128::from(price);
	let index = FixedU128::from_u32(price);
	let fill = PremiumCurve::new(p.skew_scale, p.max_premium)?.fill_price(index, 0, size)?;
	Some((share(fill) / f64::from(price) - 1.0) * 1e4)
}

fn percent(ratio: f64) -> String {
	format!("{:.2} %", ratio * 100.0)
}

pub fn defaults(folder: &Path) -> Result<String, String> {
	let hours = Hours::load(folder)?;
	let (chain, all) = (default_chain(), market_parameters());
	let mut out = String::from(
		"# Why the numbers of the markets are what they are\n\n\
		Written by `scripts/docs.sh` from the genesis of the development chain; CI fails when it is stale. Arithmetic is the chain's \
		(`keel_math`), prices are recorded ones.\n\n",
	);
	let _ = write!(
		out,
		"Data: `runtime/examples/docs/data`, hourly bars of Binance spot from 2022 to 2026, {} hours of each asset with the one before. \
		Volatility is an average of squared hourly returns over 6 hours, as the chain keeps it of minutes.\n\n\
		## Margin\n\n\
		A liquidation takes one block while the market's window has room, and longer when it is full (`runtime/tests/perpetual_replay.rs`). \
		The margin is measured against more than that: against an hour in which nobody \
		is liquidated at all: *beyond* is the share of hours, over longs and shorts, in which an account that had exactly the maintenance margin when \
		the hour began was worth less than nothing at the hour's worst price. The aim is 0.5 %.\n\n\
		| Market | Maintenance | Beyond, worst price | Beyond, last price | Hours in which volatility asks for more | Leverage | Leverage at the cap | \
		Liquidation fee over maintenance | Exit covered |\n|---|---|---|---|---|---|---|---|---|\n",
		hours.len(),
	);
	let mut depths = String::new();
	for (column, (id, name, price)) in MARKETS.into_iter().enumerate() {
		let (_, p) = all
			.iter()
			.find(|(of, _)| *of == id)
			.ok_or(format!("market {id} is not in the preset"))?;
		let [worst, last, asks] = hours.beyond(column, p);
		let (m, mm) = (share(p.max_premium), share(p.maintenance_margin));
		let needs = 2.0 * m + share(p.liquidation_fee) + share(p.taker_fee) + 0.0025;
		let _ = writeln!(
			out,
			"| {name} | {} | {} | {} | {} | {:.1}× | {:.1}× | {} | {} ≥ {} |",
			percent(mm),
			percent(worst),
			percent(last),
			percent(asks),
			1.0 / initial(p, 0),
			1.0 / initial(p, p.max_open_interest),
			percent(share(p.liquidation_fee) / mm),
			percent(mm * (1.0 - m)),
			percent(needs),
		);
		let moves = depth(p, price).ok_or("a depth that does not fit")?;
		let bound = share(p.max_premium) * (p.skew_scale as f64 / 1e8) * f64::from(price) / 1e6;
		let _ = writeln!(
			depths,
			"| {name} | {} | {} | {moves:.1} bp | {bound:.1} M | {} | {} M | {} |",
			p.skew_scale / 100_000_000,
			price,
			percent(share(p.stress)),
			p.max_open_interest / 1_000_000_000_000,
			percent(((1.0 + share(p.stress)) * (1.0 + m) - 1.0) * p.max_open_interest as f64 / 1e6 / 20e6),
		);
	}
	out.push_str(
		"\n- *Maintenance* is the base; `2.33·σ·√(1 h)` where that is more. It differs by asset because prices do.\n\
		- *Leverage* is one over the initial margin: not below 10× at the cap on open interest, so that a market that is full is still one. The initial \
		margin grows on a line towards 100 % at `OpenInterestUpper`, far above the cap.\n\
		- *Liquidation fee*: at most a quarter of maintenance (`LiquidationFeeTooLarge`), so that three quarters are there for the price to move in.\n\
		- *Exit covered*: `mm·(1 − M) ≥ 2M + liquidation fee + taker fee + 0.25 %` (`ExitNotCovered`): in whatever order others leave, an account at its \
		maintenance margin owes nothing while the index stands still (`docs/decisions/bounded-premium.md`).\n\n\
		## Depth and the pool\n\n\
		A million kUSD of BTC may cost 3 bp and of ETH 5, and the pool must be able to bear what it holds for that: the premium ends at the skew of the \
		fifth column. The last column is the worst case of one side at its cap, of a pool of 20 M kUSD, of which at most `PoolStress` may be at risk \
		over all markets together. Whether that pays is `docs/providers.md`'s question.\n\n\
		| Market | `K` | At a price of | A million costs | The premium ends at a skew of | Stress | Cap of a side | Worst case at the cap, of 20 M |\n\
		|---|---|---|---|---|---|---|---|\n",
	);
	out.push_str(&depths);
	let curve = Curve {
		base: FixedU128::default(),
		slope: chain.borrow_slope,
		kink: chain.borrow_kink,
		jump: chain.borrow_jump,
	};
	out.push_str(
		"\n## Borrow fee\n\n\
		A rent for the worst case that a market is to the pool, spread over both its sides, for either may leave first. It rises with the share of the pool in use: \
		whoever holds the whole of it, hedged and without a risk of its own, pays the last column every day.\n\n\
		| Utilisation of `PoolStress` | A year, of the worst case | A year, of the value of the larger side of BTC | A day, of the pool's equity |\n|---|---|---|---|\n",
	);
	let (_, btc) = all.iter().find(|(of, _)| *of == 2).ok_or("no BTC market")?;
	let of_value = (1.0 + share(btc.stress)) * (1.0 + share(btc.max_premium)) - 1.0;
	for used in [25u128, 50, 60, 80, 100] {
		let utilisation = FixedU128::from_inner(used * ONE / 100);
		let rate = share(curve.rate(utilisation).ok_or("a rate that does not fit")?);
		let of_pool = mul_ratio(used * ONE / 100, chain.pool_stress, Rounding::Down)
			.ok_or("a share that does not fit")?;
		let _ = writeln!(
			out,
			"| {used} % | {} | {} | {} |",
			percent(rate),
			percent(rate * of_value),
			percent(rate * of_pool as f64 / ONE as f64 / 365.0),
		);
	}
	Ok(out)
}
