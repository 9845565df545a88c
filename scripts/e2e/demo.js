// Keeps a development chain alive for looking at: five operators feed prices that wander, and on the first run a few
// vaults, a stability-pool deposit and a risky vault are set up. Prints what to open and try.

import { Chain, ASSET, BRANCH, OPERATORS, units, until } from "./lib/chain.js";
import { random } from "./crash/bars.js";

const url = process.argv[2] ?? "ws://127.0.0.1:9944";
const START = { KEEL: 1, BTC: 65_000, ETH: 3_200, DOT: 6.5, USDC: 1, SOL: 150 };
const VOLATILITY = { KEEL: 1, BTC: 0.6, ETH: 0.8, DOT: 1, USDC: 0.01, SOL: 1 };
const BLOCK_MS = 2_000;

await until("the node answers", () => fetch(url.replace("ws", "http") + "/health").then((r) => r.ok, () => false), 60_000);
const chain = await Chain.connect(url);
await until("the first block", async () => (await chain.height()) > 0, 60_000);
console.log(`    first block at ${new Date(await chain.now()).toISOString()}`);

const next = random(Date.now());
const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
const prices = { ...START };
async function feed() {
	for (const symbol of Object.keys(prices)) {
		const step = VOLATILITY[symbol] * Math.sqrt(BLOCK_MS / 1000 / 31_536_000) * normal();
		prices[symbol] = symbol === "USDC" ? 1 : prices[symbol] * Math.exp(step);
	}
	await Promise.all(
		OPERATORS.map((name) => {
			const own = Object.fromEntries(Object.entries(prices).map(([s, p]) => [s, p * (1 + 0.0001 * normal())]));
			// The next one comes in seconds.
			return chain.feed(name, own).catch((error) => console.error(`    ${name}'s feed was not accepted: ${error.message}`));
		}),
	);
}

// With every block: an order is filled at the first price that all have made after it, in the second block.
let feeding = false;
const stop = await chain.api.rpc.chain.subscribeNewHeads(async () => {
	if (feeding) return;
	feeding = true;
	await feed();
	feeding = false;
});
const usable = () => chain.view("Prices", "price", 2).then((p) => JSON.stringify(p).includes("value"));
await until("prices are there", usable, 60_000);
await new Promise((r) => setTimeout(r, 20_000)); // three fresh prices

const tx = chain.api.tx;
const existing = (await chain.api.query.vaults.vaults.keys()).length;
if (existing === 0) {
	console.log("    opening demonstration vaults");
	const own = (name, calls) => chain.submit(tx.utility.batchAll(calls), name);
	const open = (branch, symbol, collateral, debt) =>
		tx.vaults.open(BRANCH[branch], units(collateral, symbol), units(debt, "kUSD"));
	await own("Alice", [open("BTC", "BTC", 2, 50_000), open("ETH", "ETH", 40, 30_000), tx.stabilityPool.deposit(units(20_000, "kUSD"))]);
	await own("Bob", [open("ETH", "ETH", 10, 15_000), open("DOT", "DOT", 2_000, 5_000)]);
	await own("Charlie", [open("BTC", "BTC", 0.5, 15_000)]);
	await until("the vaults are open", async () => (await chain.api.query.vaults.vaults.keys()).length >= 5, 30_000);
}

const encoded = encodeURIComponent(url);
console.log(`
  Keel is running. ${(await chain.api.query.vaults.vaults.keys()).length} vaults, prices from five operators with every block.

  Open     https://polkadot.js.org/apps/?rpc=${encoded}#/explorer
  Look     Developer > Chain state: vaults.vaults, prices.feeds, stabilityPool.state, insuranceFund.ledger
  Try      Developer > Extrinsics, as Ferdie:
             vaults.open(branch ${BRANCH.ETH}, collateral ${units(5, "ETH")}, debt ${units(5_000, "kUSD")})      5 ETH, 5,000 kUSD
             vaults.adjust(vault, Keep, Decrease ${units(1_000, "kUSD")})                     repay 1,000 kUSD
             stabilityPool.deposit(${units(1_000, "kUSD")})                                buy liquidations
             vaults.close(vault)                                                 needs a little more kUSD than minted: the fee
  Assets   ${Object.entries(ASSET).map(([s, i]) => `${i} ${s}`).join(", ")}
  Crash    scripts/crash.sh march-2020, in another terminal, on a chain of its own

  Ctrl-C stops it.
`);
process.on("SIGINT", () => { stop(); process.exit(0); });
