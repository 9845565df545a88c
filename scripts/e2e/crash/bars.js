// The recorded bars, and the path a price takes through them.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { join, dirname } from "node:path";
import { fileURLToPath } from "node:url";

const DATA = join(dirname(fileURLToPath(import.meta.url)), "data");

export const DATASETS = {
	"march-2020": {
		title: "11–13 March 2020, hourly",
		files: { BTC: "btcusdt_binance_2020-03_1h", ETH: "ethusdt_binance_2020-03_1h" },
		barSeconds: 3600,
		from: "2020-03-11T12:00:00Z",
		to: "2020-03-13T12:00:00Z",
		// DOT was not traded yet: its feed makes ETH's moves from this price.
		dotFromEth: 4.5,
	},
	"black-thursday": {
		title: "12 March 2020, ten minutes (ETH), with hourly BTC",
		files: { BTC: "btcusdt_binance_2020-03_1h", ETH: "ethusd_coinapi-unnamed_2020-03-12_10m" },
		barSeconds: 600,
		from: "2020-03-12T00:00:00Z",
		to: "2020-03-13T00:00:00Z",
		dotFromEth: 4.5,
	},
	"may-2021": {
		title: "19 May 2021, five minutes",
		files: {
			BTC: "btcusdt_binance_2021-05-17_5m",
			ETH: "ethusdt_binance_2021-05-17_5m",
			DOT: "dotusdt_binance_2021-05-17_5m",
		},
		barSeconds: 300,
		from: "2021-05-19T06:00:00Z",
		to: "2021-05-20T00:00:00Z",
	},
};

function load(file) {
	const rows = gunzipSync(readFileSync(join(DATA, `${file}.csv.gz`))).toString().trim().split("\n").slice(1);
	return rows.map((row) => {
		const [time, open, high, low, close] = row.split(",").map(Number);
		return { time, open, high, low, close };
	});
}

/**
 * Through a bar as such bars are made: against the close first, then to the other extreme, then to the close.
 */
function within(bar, fraction) {
	const { open, high, low, close } = bar;
	const points = close >= open ? [open, low, high, close] : [open, high, low, close];
	const position = Math.min(Math.max(fraction, 0), 1) * 3;
	const segment = Math.min(Math.floor(position), 2);
	return points[segment] + (points[segment + 1] - points[segment]) * (position - segment);
}

/**
 * Seconds between two blocks. At more than the oldest price the chain takes for fresh every step would be an
 * outage.
 */
export const SPACING = { least: 2, most: 60 };

/**
 * Steps `{ time, prices, bar }` of at most `spacing` seconds; `time` in seconds. The days of the crash, `all`
 * that was recorded, or the `hours` before ETH's lowest price.
 */
export function steps(name, { all = false, spacing = SPACING.most, hours } = {}) {
	const set = DATASETS[name];
	if (!set) throw new Error(`no dataset ${name}; there are: ${Object.keys(DATASETS).join(", ")}`);
	const series = Object.fromEntries(Object.entries(set.files).map(([symbol, file]) => [symbol, load(file)]));
	const perBar = Math.ceil(set.barSeconds / spacing);
	const step = set.barSeconds / perBar;
	const earliest = Math.max(...Object.values(series).map((s) => s[0].time));
	const last = Math.min(...Object.values(series).map((s) => s.at(-1).time));
	let begin = all ? earliest : Date.parse(set.from) / 1000;
	let end = all ? last : Math.min(Date.parse(set.to) / 1000, last);
	if (hours) {
		const inside = series.ETH.filter((bar) => bar.time >= begin && bar.time < end);
		const lowest = inside.reduce((least, bar) => (bar.low < least.low ? bar : least));
		end = Math.min(lowest.time + set.barSeconds, last);
		begin = Math.max(end - hours * 3600, earliest);
	}
	const priceAt = (bars, time) => {
		let low = 0;
		let high = bars.length - 1;
		while (low < high) {
			const middle = (low + high + 1) >> 1;
			if (bars[middle].time <= time) low = middle;
			else high = middle - 1;
		}
		const length = bars.length > 1 ? bars[1].time - bars[0].time : set.barSeconds;
		return within(bars[low], (time - bars[low].time) / length);
	};
	const ethStart = priceAt(series.ETH, begin);
	const result = [];
	for (let time = begin; time < end; time += step) {
		const prices = Object.fromEntries(Object.entries(series).map(([symbol, bars]) => [symbol, priceAt(bars, time)]));
		prices.DOT ??= (set.dotFromEth * prices.ETH) / ethStart;
		result.push({ time: Math.round(time), prices, bar: Math.floor((time - begin) / set.barSeconds) });
	}
	return { title: set.title, barSeconds: set.barSeconds, perBar, steps: result };
}

/** A small reproducible generator of uniform numbers in [0, 1). */
export function random(seed) {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}
