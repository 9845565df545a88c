// A self-contained HTML page with the charts and the tables of a replay.

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const COLOURS = ["#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce", "#b91c1c"];

function short(value) {
	const size = Math.abs(value);
	if (size >= 1e6) return `${(value / 1e6).toFixed(2)}M`;
	if (size >= 1e4) return `${(value / 1e3).toFixed(1)}k`;
	return size >= 100 ? value.toFixed(0) : value.toFixed(2);
}

/** A line chart as SVG: `lines` are `{ name, points: [[seconds, value], …] }`. */
function chart(title, unit, lines) {
	const [width, height, left, bottom, top] = [860, 240, 64, 26, 14];
	const drawn = lines.filter((line) => line.points.length > 1);
	if (drawn.length === 0) return "";
	const all = drawn.flatMap((line) => line.points);
	const [t0, t1] = [all[0][0], Math.max(...all.map((p) => p[0]))];
	let [low, high] = [Math.min(...all.map((p) => p[1])), Math.max(...all.map((p) => p[1]))];
	if (low === high) [low, high] = [low - 1, high + 1];
	const x = (t) => left + ((t - t0) / (t1 - t0 || 1)) * (width - left - 10);
	const y = (v) => height - bottom - ((v - low) / (high - low)) * (height - bottom - top);
	const ticks = [0, 1, 2, 3, 4].map((i) => low + ((high - low) * i) / 4);
	const times = [0, 1, 2, 3, 4].map((i) => t0 + ((t1 - t0) * i) / 4);
	return `<figure><figcaption>${escape(title)} <span>${escape(unit)}</span></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">
${ticks.map((v) => `<line class="grid" x1="${left}" x2="${width - 10}" y1="${y(v)}" y2="${y(v)}"/><text x="${left - 6}" y="${y(v) + 4}" text-anchor="end">${short(v)}</text>`).join("\n")}
${times.map((t, i) => `<text x="${x(t)}" y="${height - 8}" text-anchor="${["start", "middle", "middle", "middle", "end"][i]}">${new Date(t * 1000).toISOString().slice(5, 16).replace("T", " ")}</text>`).join("\n")}
${drawn.map((line, i) => `<polyline fill="none" stroke="${COLOURS[i % COLOURS.length]}" stroke-width="1.6" points="${line.points.map(([t, v]) => `${x(t).toFixed(1)},${y(v).toFixed(1)}`).join(" ")}"/>`).join("\n")}
</svg>
<p class="legend">${drawn.map((line, i) => `<span style="color:${COLOURS[i % COLOURS.length]}">&#9632; ${escape(line.name)}</span>`).join(" ")}</p></figure>`;
}

const table = (head, rows) =>
	`<table><thead><tr>${head.map((h) => `<th>${escape(h)}</th>`).join("")}</tr></thead><tbody>${rows
		.map((row) => `<tr>${row.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`)
		.join("")}</tbody></table>`;

export function html({ title, summary, rows, head }) {
	const line = (name, key) => ({ name, points: rows.map((r) => [r.time, r[key]]) });
	const relative = (symbol) => ({
		name: symbol,
		points: rows.map((r) => [r.time, (100 * r.prices[symbol]) / rows[0].prices[symbol]]),
	});
	return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Keel: ${escape(title)}</title><style>
body{font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:2rem auto;padding:0 1rem;color:#1c1917}
h1{font-size:1.4rem}figure{margin:1.6rem 0}figcaption{font-weight:600}figcaption span{font-weight:400;color:#78716c}
svg{width:100%;height:auto}svg text{font-size:10px;fill:#57534e}.grid{stroke:#e7e5e4}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;margin:1rem 0;display:block;overflow-x:auto}
th,td{padding:.2rem .6rem;border-bottom:1px solid #e7e5e4;text-align:right;white-space:nowrap}th:first-child,td:first-child{text-align:left}
.legend span{margin-right:1rem;font-size:13px}</style></head><body>
<h1>Keel, replay of a crash: ${escape(title)}</h1>
${table(["", ""], summary)}
${chart("Prices", "start = 100", ["BTC", "ETH", "DOT"].map(relative))}
${chart("Collateral ratio of the worst and the median vault", "%", [line("worst", "worstRatio"), line("median", "medianRatio"), line("highest liquidation ratio", "liquidationRatio")])}
${chart("Unsafe vaults at the end of a step", "vaults", [line("unsafe", "unsafe")])}
${chart("Stability pool", "kUSD", [line("deposits", "pool")])}
${chart("Debt in auctions", "kUSD", [line("debt", "auctionDebt")])}
${chart("Insurance fund and bad debt", "kUSD", [line("fund", "fund"), line("bad debt", "badDebt")])}
${chart("kUSD in existence and what stands behind it", "kUSD", [line("supply", "supply"), line("backing", "backing")])}
<h2>Step by step</h2>${table(head, rows.map((r) => r.cells))}
</body></html>`;
}
