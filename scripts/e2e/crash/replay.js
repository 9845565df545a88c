// Replays a recorded crash against a real node: real prices through five operators (one stuck, one delayed),
// vaults near the edge, a stability pool that is too small, a bidder at the auctions. Chain time follows the
// data's time.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Chain, ASSET, BRANCH, DECIMALS, FEED, fixed, price, units, until } from "../lib/chain.js";
import { KeelNode } from "../lib/node.js";
import { DATASETS, SPACING, random, steps } from "./bars.js";
import { html } from "./report.js";

const USAGE = `usage: scripts/crash.sh [${Object.keys(DATASETS).join(" | ")}] [--workers-off] [--vaults N] [--all] [--hours N] [--spacing SECONDS]`;

/** Ends with what was wrong and what would work. */
function refuse(reason) {
	console.error(`${reason}\n${USAGE}`);
	process.exit(2);
}

/** The whole number of an option, inside its range. */
function number(name, least, most) {
	const value = Number(options[name]);
	if (options[name] === "" || !Number.isInteger(value) || value < least || value > most) {
		refuse(`--${name} is \`${options[name]}\`; a whole number from ${least} to ${most} works`);
	}
	return value;
}

let options, positionals;
try {
	({ values: options, positionals } = parseArgs({
		allowPositionals: true,
		options: {
			"workers-off": { type: "boolean", default: false },
			all: { type: "boolean", default: false },
			hours: { type: "string" },
			vaults: { type: "string", default: "540" },
			spacing: { type: "string", default: String(SPACING.most) },
			help: { type: "boolean", default: false },
		},
	}));
} catch (error) {
	refuse(error.message);
}
if (options.help) {
	console.log(USAGE);
	process.exit(0);
}
const dataset = positionals[0] ?? "march-2020";
if (!Object.hasOwn(DATASETS, dataset)) refuse(`there is no recording \`${dataset}\``);
if (positionals.length > 1) refuse(`one recording at a time, not ${positionals.length}`);
// A view lists a thousand unsafe ones of a branch at most.
const vaults = number("vaults", 1, 3_000);
const spacing = number("spacing", SPACING.least, SPACING.most);
const hours = options.hours === undefined ? undefined : number("hours", 1, 1_000);

const SYMBOLS = ["BTC", "ETH", "DOT"];
const HONEST = ["Alice", "Bob", "Charlie"];
const DELAYED = "Dave";
const STUCK = "Eve";
const DELAY_STEPS = 3;
const NOISE = 0.0002;
const BIDDER = "Ferdie";
const next = random(20200312);
const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
const kusd = (base) => Number(base) / 1e6;
const percent = (x) => `${(100 * x).toFixed(1)} %`;

// The auctions that run, and the prices of the block being made.
let running = new Map();
let spot = {};

const script = steps(dataset, { all: options.all, spacing, hours });
console.log(`Keel, replay of a crash: ${script.title}`);
console.log(`${script.steps.length} blocks of ${+(script.barSeconds / script.perBar).toFixed(2)} s, ${script.perBar} a bar; liquidation workers ${options["workers-off"] ? "off" : "on"}`);

const node = await new KeelNode({ sealing: "manual" }).start();
let chain;
let failed = false;
try {
	chain = await Chain.connect(node.url);
	await replay();
} catch (error) {
	failed = true;
	console.error(error);
	console.error(node.tail.slice(-3000));
} finally {
	await chain?.disconnect();
	await node.destroy();
}
process.exit(failed ? 1 : 0);

async function replay() {
	const { api } = chain;
	const tx = api.tx;
	const first = script.steps[0];
	const withOthers = (prices) => ({ ...prices, KEEL: 1, USDC: 1, SOL: 10 });

	// ---- the stage: prices, vaults, a small pool, a bidder ----
	const begin = first.time * 1000;
	// Long before: what may be minted within an hour is limited. No gap is longer than between two blocks of
	// the crash.
	//
	// A bidder for all that may come under the hammer needs as much as the vaults owe, some 3,300 kUSD each.
	const ROUNDS = Math.min(Math.ceil(vaults / 90), 6);
	const ROUND = 1_200_000;
	const BATCH = 15;
	const BATCH_TIME = 300_000;
	const RAISED = 1_800_000;
	const UNFED = 10_000;
	const preparation = ROUNDS * ROUND + Math.ceil(vaults / BATCH) * BATCH_TIME + RAISED;
	await chain.setTime(begin - preparation);
	await chain.freshPrices(withOthers(first.prices), 4);
	if (options["workers-off"]) {
		await chain.rpc("offchain_localStorageSet", "PERSISTENT", stringHex("keel/liquidations/off"), "0x01");
	}

	const opened = [];
	const ratios = await requiredRatios();
	await setUpBidder();
	await openVaults(vaults);
	await setUpPool();
	await advance(begin - SPACING.most * 1000);
	console.log(`${opened.length} vaults over ${SYMBOLS.length} branches, ${kusd(await debtOutstanding()).toFixed(0)} kUSD of debt, pool ${kusd(await poolDeposits()).toFixed(0)} kUSD`);

	// ---- the crash ----
	const unsafeSince = new Map();
	const delays = [];
	const totals = { found: 0, worker: 0, block: 0, absorbed: 0n, auctioned: 0n, shortfall: 0n, takes: [], refused: 0 };
	let step = { ...zeroStep() };
	const rows = [];
	const history = [];
	const levelsSeen = new Set();
	const fundBefore = kusd((await fund()).balance);
	const head = ["UTC", "BTC", "ETH", "DOT", "unsafe", "worker", "block", "absorbed", "auctioned", "sold", "discount", "fund", "bad debt", "supply", "levels"];
	console.log(line(head));

	for (let i = 0; i < script.steps.length; i++) {
		const { time, prices, bar } = script.steps[i];
		history.push(prices);
		await chain.setTime(time * 1000);
		const noisy = (p) => Object.fromEntries(Object.entries(p).map(([s, v]) => [s, v * (1 + NOISE * normal())]));
		const feeds = [
			...HONEST.map((name) => chain.feed(name, withOthers(noisy(prices)))),
			chain.feed(DELAYED, withOthers(noisy(history[Math.max(0, i - DELAY_STEPS)]))),
			chain.feed(STUCK, withOthers(first.prices)),
		];
		await Promise.all(feeds);
		await bid(prices);
		const hash = await chain.seal();
		await observe(hash, i);
		await track(i);

		const endOfBar = i + 1 === script.steps.length || script.steps[i + 1].bar !== bar;
		if (endOfBar) {
			const row = await snapshot(time, prices);
			rows.push(row);
			console.log(line(row.cells));
			step = zeroStep();
		}
	}
	// Let what is still under the hammer come to its end.
	for (let i = 0; i < 10 && unsafeSince.size > 0; i++) {
		const last = script.steps.at(-1);
		await chain.setTime((last.time + (i + 1) * 30) * 1000);
		await chain.feedAll(withOthers(last.prices), HONEST);
		await observe(await chain.seal(), script.steps.length + i);
		await track(script.steps.length + i);
	}

	// ---- what came of it ----
	delays.sort((a, b) => a - b);
	const median = delays.length ? delays[Math.floor(delays.length / 2)] : 0;
	const worst = delays.at(-1) ?? 0;
	const end = await snapshot(script.steps.at(-1).time, script.steps.at(-1).prices);
	const sold = totals.takes.reduce((sum, t) => sum + t.paid, 0);
	const worth = totals.takes.reduce((sum, t) => sum + t.worth, 0);
	const gap = await supplyGap();
	const summary = [
		["Vaults", opened.length],
		["Times a vault was found unsafe", totals.found],
		["Liquidations by the workers", totals.worker],
		["Liquidations by the block itself", totals.block],
		["Debt absorbed by the stability pool", `${kusd(totals.absorbed).toFixed(2)} kUSD`],
		["Debt sent to auction", `${kusd(totals.auctioned).toFixed(2)} kUSD`],
		["Sold at auction", `${sold.toFixed(2)} kUSD for collateral worth ${worth.toFixed(2)} (${worth ? percent(1 - sold / worth) : "0 %"} below spot)`],
		["Blocks from unsafe to safe: median, worst", `${median}, ${worst}`],
		["Still unsafe at the end", unsafeSince.size],
		["Insurance fund before, after", `${fundBefore.toFixed(2)}, ${end.fund.toFixed(2)} kUSD`],
		["Recorded bad debt", `${end.badDebt.toFixed(2)} kUSD`],
		["Levels seen (BTC, ETH, DOT, chain)", [...levelsSeen].join(" ")],
		["kUSD supply", `${end.supply.toFixed(6)}`],
		["… minus what is issued, auctioned and bad", `${gap} base units`],
		["Value of collateral behind it", `${end.backing.toFixed(2)} (${percent(end.backing / end.supply)})`],
	];
	console.log("");
	for (const [name, value] of summary) console.log(`  ${String(name).padEnd(46)} ${value}`);

	const file = join(process.env.KEEL_REPORTS ?? ".", `${dataset}${options["workers-off"] ? "-workers-off" : ""}.html`);
	writeFileSync(file, html({ title: script.title, summary, rows, head }));
	console.log(`\nReport: ${file}`);

	if (gap !== 0n) throw new Error(`the books do not balance: ${gap} base units of kUSD`);
	if (worst > 5) throw new Error(`a vault stayed unsafe for ${worst} blocks; at most 5 were promised`);
	if (unsafeSince.size > 0) throw new Error(`${unsafeSince.size} vaults are still unsafe`);
	if (options["workers-off"] && totals.worker > 0) throw new Error("a worker liquidated although the workers were off");

	// ---- helpers ----

	function zeroStep() {
		return { worker: 0, block: 0, absorbed: 0n, auctioned: 0n, takes: [] };
	}

	function line(cells) {
		return cells.map((c, i) => String(c).padStart(i === 0 ? 0 : 10).padEnd(i === 0 ? 12 : 0)).join(" ");
	}

	async function requiredRatios() {
		const all = {};
		for (const symbol of SYMBOLS) {
			const parameters = (await api.query.riskParameters.branches(BRANCH[symbol])).unwrap();
			all[symbol] = fixed(parameters.liquidationRatio) + fixed(parameters.safetyMargin);
		}
		return all;
	}

	/**
	 * Blocks with the first prices until the chain's time is `time`, none later than the chain takes a price
	 * for fresh; a block that brings no prices may have been made since the last.
	 */
	async function advance(time) {
		for (let now = await chain.now(); now < time; ) {
			now = Math.min(now + SPACING.most * 1000 - UNFED, time);
			await chain.setTime(now);
			await chain.freshPrices(withOthers(first.prices), 1);
		}
	}

	/** kUSD for the bidder, over two hours: out of vaults that stay safe at the lowest price to come. */
	async function setUpBidder() {
		for (let i = 1; i <= ROUNDS; i++) {
			await advance(begin - preparation + i * ROUND);
			for (const symbol of ["BTC", "ETH"]) {
				const lowest = Math.min(...script.steps.map((step) => step.prices[symbol]));
				const ratio = (1.3 * ratios[symbol] * first.prices[symbol]) / lowest;
				// A tenth stays in hand, and a round takes its share of what is left.
				const held = Number(await chain.balance(symbol, chain.accounts[BIDDER].address)) / 10 ** DECIMALS[symbol];
				const collateral = (0.9 * held) / (ROUNDS + 1 - i);
				// Well inside what the branch lets everybody mint.
				const room = kusd((await chain.view("Vaults", "mint_room", BRANCH[symbol])).unwrap().toBigInt());
				const debt = Math.min(500_000, room / 4, (collateral * first.prices[symbol]) / ratio);
				const lock = ((debt * ratio) / first.prices[symbol]).toFixed(8);
				await chain.send(tx.vaults.open(BRANCH[symbol], units(lock, symbol), units(debt.toFixed(2), "kUSD")), BIDDER);
			}
		}
	}

	async function openVaults(count) {
		// Half within a quarter above what opening asks for, a third up to twice that, the rest far above.
		const ratio = (required) => {
			const u = next();
			if (u < 0.5) return required * (1.01 + 0.15 * next());
			if (u < 0.85) return required * (1.16 + 0.5 * next());
			return required * (1.66 + 1.5 * next());
		};
		const owners = ["Alice", "Bob", "Charlie", "Dave", "Eve"];
		// DOT's ceiling is low, and with many vaults a branch takes the next one's.
		const left = {};
		for (const symbol of SYMBOLS) {
			const { debtCeiling } = (await api.query.riskParameters.branches(BRANCH[symbol])).unwrap();
			const { issued } = (await api.query.vaults.branches(BRANCH[symbol])).unwrap();
			left[symbol] = 0.8 * kusd(debtCeiling.toBigInt()) - kusd(issued.toBigInt());
		}
		const start = await chain.now();
		let batch = [];
		let batches = 0;
		for (let i = 0; i < count; i++) {
			let symbol = SYMBOLS[i % 3];
			let debt = Math.exp(Math.log(300) + next() * Math.log(symbol === "DOT" ? 10 : 60));
			if (debt > left[symbol]) symbol = SYMBOLS[i % 2];
			left[symbol] -= debt;
			const collateral = (debt * ratio(ratios[symbol])) / (first.prices[symbol] * 0.999);
			batch.push(tx.vaults.open(BRANCH[symbol], units(collateral.toFixed(8), symbol), units(debt.toFixed(2), "kUSD")));
			if (batch.length === BATCH || i === count - 1) {
				const owner = owners[batches++ % owners.length];
				await advance(start + batches * BATCH_TIME);
				const events = await chain.send(tx.utility.batchAll(batch), owner);
				for (const event of events) {
					if (api.events.vaults.VaultOpened.is(event)) opened.push(event.data.vault.toBigInt());
				}
				batch = [];
				if (process.stdout.isTTY) process.stdout.write(`\r  ${opened.length} of ${count} vaults`);
			}
		}
		if (process.stdout.isTTY) process.stdout.write("\n");
		if (opened.length !== count) throw new Error(`${opened.length} of ${count} vaults were opened`);
	}

	/** A twentieth of the debt, by those of three who have kUSD. */
	async function setUpPool() {
		const share = (await debtOutstanding()) / 60n;
		for (const name of ["Alice", "Bob", "Charlie"]) {
			const half = (await chain.balance("kUSD", chain.accounts[name].address)) / 2n;
			const amount = share < half ? share : half;
			if (amount > 0n) await chain.send(tx.stabilityPool.deposit(amount), name);
		}
	}

	async function debtOutstanding() {
		return (await api.query.assets.asset(ASSET.kUSD)).unwrap().supply.toBigInt();
	}

	async function poolDeposits() {
		return (await api.query.stabilityPool.state()).deposits.toBigInt();
	}

	async function fund() {
		const { books: ledger } = await api.query.insuranceFund.ledger();
		const tranche = (t) => t.inflow.toBigInt() - t.outflow.toBigInt();
		return {
			balance: tranche(ledger.shared) + tranche(ledger.treasury),
			badDebt: ledger.shortfalls.toBigInt() - ledger.covered.toBigInt(),
		};
	}

	/** What every block did. */
	async function observe(hash, height) {
		for (const { event } of await chain.eventsAt(hash)) {
			if (api.events.liquidations.Liquidated.is(event)) {
				const { by, outcome, position } = event.data;
				// Safe at the price of then. If this block's price makes it unsafe again, that begins anew.
				const since = unsafeSince.get(position.toString());
				if (since !== undefined) {
					delays.push(height - since);
					unsafeSince.delete(position.toString());
				}
				step[by.isWorker ? "worker" : "block"]++;
				totals[by.isWorker ? "worker" : "block"]++;
				step.absorbed += outcome.absorbed.toBigInt();
				step.auctioned += outcome.auctioned.toBigInt();
				totals.absorbed += outcome.absorbed.toBigInt();
				totals.auctioned += outcome.auctioned.toBigInt();
				totals.shortfall += outcome.shortfall.toBigInt();
			} else if (api.events.auctions.Taken.is(event)) {
				const auction = running.get(event.data.auction.toString());
				const symbol = SYMBOLS.find((s) => ASSET[s] === auction?.asset);
				if (!symbol) continue;
				const amount = Number(event.data.collateral.toBigInt()) / 10 ** DECIMALS[symbol];
				const take = { paid: kusd(event.data.paid.toBigInt()), worth: amount * spot[symbol] };
				step.takes.push(take);
				totals.takes.push(take);
			}
		}
	}

	/** Which vaults are unsafe after this block, and for how long they were. */
	async function track(height) {
		const now = new Set();
		for (const symbol of SYMBOLS) {
			for (const entry of await chain.view("Liquidations", "unsafe_positions", { Branch: BRANCH[symbol] }, 1_000)) {
				now.add(entry.position.toString());
			}
		}
		for (const vault of now) {
			if (!unsafeSince.has(vault)) {
				unsafeSince.set(vault, height);
				totals.found++;
			}
		}
		for (const [vault, since] of unsafeSince) {
			if (!now.has(vault)) {
				delays.push(height - since);
				unsafeSince.delete(vault);
			}
		}
		if (now.size > 0 && !options["workers-off"]) {
			// The worker runs beside the block; give it the moment it would have on a chain with 2-second
			// blocks.
			await until("the worker has sent", async () => (await chain.rpc("author_pendingExtrinsics")).length > 0, 400).catch(() => {});
			await new Promise((wait) => setTimeout(wait, 50));
		}
	}

	/** A bidder who takes what is at least 3 % below spot. */
	async function bid(prices) {
		running = new Map();
		spot = prices;
		for (const [key, value] of await api.query.auctions.auctions.entries()) {
			const id = key.args[0].toString();
			const auction = value.unwrap();
			running.set(id, { asset: auction.asset.toNumber() });
			const symbol = SYMBOLS.find((s) => ASSET[s] === auction.asset.toNumber());
			const view = await chain.view("Auctions", "auction", id);
			if (!view.isSome || !symbol) continue;
			const now = fixed(view.unwrap().price ?? view.unwrap().priceNow);
			if (now <= 0.97 * prices[symbol]) {
				await chain
					.submit(tx.auctions.take(id, auction.collateral.toBigInt(), price(now * 1.0001)), BIDDER)
					.catch(() => totals.refused++);
			}
		}
	}

	async function snapshot(time, prices) {
		const vaults = (await api.query.vaults.vaults.entries()).map(([, v]) => v.unwrap());
		const branches = {};
		for (const symbol of SYMBOLS) branches[symbol] = (await api.query.vaults.branches(BRANCH[symbol])).unwrap();
		const all = [];
		let backing = 0;
		for (const vault of vaults) {
			const symbol = SYMBOLS.find((s) => BRANCH[s] === vault.branch.toNumber());
			const worth = (Number(vault.collateral.toBigInt()) / 10 ** DECIMALS[symbol]) * prices[symbol];
			backing += worth;
			const debt = kusd(vault.normalisedDebt.toBigInt()) * (Number(branches[symbol].rateIndex.toBigInt()) / 1e27);
			if (debt > 0) all.push(worth / debt);
		}
		all.sort((a, b) => a - b);
		const { balance, badDebt } = await fund();
		const supply = kusd((await api.query.assets.asset(ASSET.kUSD)).unwrap().supply.toBigInt());
		const auctionDebt = kusd((await api.query.auctions.debt()).toBigInt());
		for (const [, value] of await api.query.auctions.auctions.entries()) {
			const symbol = SYMBOLS.find((s) => ASSET[s] === value.unwrap().asset.toNumber());
			backing += (Number(value.unwrap().collateral.toBigInt()) / 10 ** DECIMALS[symbol]) * prices[symbol];
		}
		const paid = step.takes.reduce((sum, t) => sum + t.paid, 0);
		const worth = step.takes.reduce((sum, t) => sum + t.worth, 0);
		const row = {
			time,
			prices,
			worstRatio: 100 * (all[0] ?? 0),
			medianRatio: 100 * (all[Math.floor(all.length / 2)] ?? 0),
			liquidationRatio: 100 * Math.max(...SYMBOLS.map((s) => fixed(branches[s].rampedRatio))),
			unsafe: unsafeSince.size,
			pool: kusd(await poolDeposits()),
			auctionDebt,
			fund: kusd(balance),
			badDebt: kusd(badDebt),
			supply,
			backing,
		};
		row.cells = [
			new Date(time * 1000).toISOString().slice(5, 16).replace("T", " "),
			prices.BTC.toFixed(0), prices.ETH.toFixed(2), prices.DOT.toFixed(2),
			row.unsafe, step.worker, step.block,
			kusd(step.absorbed).toFixed(0), kusd(step.auctioned).toFixed(0), paid.toFixed(0),
			worth ? percent(1 - paid / worth) : "-",
			row.fund.toFixed(0), row.badDebt.toFixed(0), supply.toFixed(0), await levels(),
		];
		return row;
	}

	/**
	 * The breakers of BTC, ETH, DOT and the chain: Normal, Guarded, ReduceOnly or Halted, by their first
	 * letters.
	 */
	async function levels() {
		const subjects = [...SYMBOLS.map((s) => ({ Branch: BRANCH[s] })), "Chain"];
		const all = await Promise.all(subjects.map((s) => chain.view("CircuitBreaker", "status", s)));
		const letters = all.map((status) => status.unwrap().level.toString()[0]).join("");
		levelsSeen.add(letters);
		return letters;
	}

	/**
	 * kUSD in existence minus what is issued by the branches, carried by auctions and recorded as bad: must
	 * be zero.
	 */
	async function supplyGap() {
		let issued = 0n;
		for (const [, branch] of await api.query.vaults.branches.entries()) issued += branch.unwrap().issued.toBigInt();
		const supply = (await api.query.assets.asset(ASSET.kUSD)).unwrap().supply.toBigInt();
		return supply - issued - (await api.query.auctions.debt()).toBigInt() - (await fund()).badDebt;
	}
}

function stringHex(text) {
	return "0x" + Buffer.from(text).toString("hex");
}
