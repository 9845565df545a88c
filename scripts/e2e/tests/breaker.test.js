// A market misbehaves: the chain slows it down by rule, keeps the exits open, and recovers by itself.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ASSET, BRANCH, units } from "../lib/chain.js";
import { event, fixture, PRICES, supplyGap } from "../lib/fixture.js";
import { ORIGIN, guardian, referendum } from "../lib/governance.js";
import { tryState } from "../lib/state.js";

const ETH = { Branch: BRANCH.ETH };
const MINUTE = 60_000;

describe("the circuit breaker", () => {
	let world, chain, tx, events, vault;
	before(async () => {
		world = await fixture();
		({ chain } = world);
		({ tx, events } = chain.api);
		const opened = await chain.send(tx.vaults.open(BRANCH.ETH, units(20, "ETH"), units(10_000, "kUSD")), "Bob");
		vault = event(opened, events.vaults.VaultOpened).vault;
	});
	after(() => world?.end());

	const status = async (subject = ETH) => (await chain.view("CircuitBreaker", "status", subject)).unwrap();
	const level = async (subject = ETH) => (await status(subject)).level.toString();
	const open = (branch = BRANCH.ETH, symbol = "ETH", collateral = 5, debt = 2_000) =>
		tx.vaults.open(branch, units(collateral, symbol), units(debt, "kUSD"));
	/** Prices every half minute for that long. */
	const pass = async (minutes, prices) => {
		for (let i = 0; i < minutes * 2; i++) {
			await chain.setTime((await chain.now()) + MINUTE / 2);
			await chain.feedAll(prices);
			await chain.seal();
		}
	};

	it("is Normal in calm times, and every fuse tells how full it is", async () => {
		assert.equal(await level(), "Normal");
		const { fuses } = await status();
		assert.deepEqual(fuses.map((f) => f.fuse.toString()).sort(), ["Leaving", "Liquidated", "PriceDeviation", "PriceRefused"]);
	});

	it("a fall of 12 % stops new risk in that market in the next block, and nothing else", async () => {
		const fallen = { ...PRICES, ETH: PRICES.ETH * 0.88 };
		await chain.freshPrices(fallen, 2);
		assert.equal(await level(), "ReduceOnly");
		assert.equal((await status()).cause.toString(), '{"fuse":"PriceDeviation"}');
		await assert.rejects(chain.send(open(), "Eve"), /circuitBreaker\.\w*ReduceOnly/);
		await assert.rejects(chain.send(tx.vaults.adjust(vault, "Keep", { Increase: 1_000_000n }), "Bob"), /circuitBreaker\.\w*ReduceOnly/);
		await assert.rejects(chain.send(tx.vaults.adjust(vault, { Decrease: units(1, "ETH") }, "Keep"), "Bob"), /circuitBreaker\.\w*ReduceOnly/);
		// The preview says the same as the call.
		const preview = await chain.view("Vaults", "preview_open", BRANCH.ETH, units(5, "ETH"), units(2_000, "kUSD"));
		assert.match(chain.errorName(preview.asErr), /circuitBreaker\.\w*ReduceOnly/);
		// Another market goes on.
		await chain.freshPrices(fallen, 1);
		await chain.send(open(BRANCH.BTC, "BTC", 1, 10_000), "Eve");
	});

	it("the way out stays open: repay, top up, withdraw what is free, close", async () => {
		await chain.send(tx.vaults.repay(vault, units(500, "kUSD")), "Bob");
		await chain.send(tx.vaults.topUp(vault, units(1, "ETH")), "Bob");
		// Repaying more than is taken out adds no risk.
		await chain.send(tx.vaults.adjust(vault, { Decrease: units(1, "ETH") }, { Decrease: units(2_000, "kUSD") }), "Bob");
		const [other] = await chain.view("Vaults", "vaults_of", chain.accounts.Eve.address);
		// The stability fee since she opened it.
		await chain.send(tx.assets.transfer(ASSET.kUSD, chain.accounts.Eve.address, units(1, "kUSD")), "Bob");
		await chain.send(tx.vaults.close(other), "Eve");
	});

	it("nobody loosens that market's numbers meanwhile, and no guardian lowers the level", async () => {
		const loosen = tx.riskParameters.setValues(ETH, [[{ Branch: "StabilityFee" }, 19n * 10n ** 15n]]);
		const fallen = { ...PRICES, ETH: PRICES.ETH * 0.88 };
		const outcome = await referendum(chain, ORIGIN.RiskAdjust, loosen, { each: () => chain.feedAll(fallen) });
		assert.equal(outcome.error, "riskParameters.BreakerRaised");
		await assert.rejects(guardian(chain, tx.circuitBreaker.setLevel(ETH, "Normal")), /BadOrigin/);
		await assert.rejects(guardian(chain, tx.circuitBreaker.trip(ETH, "Guarded")), /circuitBreaker\.NotAbove/);
	});

	it("recovers without anyone, one level at a time, not before its dwell", async () => {
		const fallen = { ...PRICES, ETH: PRICES.ETH * 0.88 };
		const seen = ["ReduceOnly"];
		const since = (await status()).since.unwrap().toNumber();
		for (let i = 0; i < 60 && seen.at(-1) !== "Normal"; i++) {
			await pass(0.5, fallen);
			const now = await level();
			if (now !== seen.at(-1)) {
				const elapsed = (await chain.now()) - since;
				assert.ok(elapsed >= 10 * MINUTE * seen.length, `${now} after ${elapsed / MINUTE} min`);
				seen.push(now);
			}
		}
		assert.deepEqual(seen, ["ReduceOnly", "Guarded", "Normal"]);
		await chain.send(open(), "Eve");
	});

	it("an outage of the feeds closes the market in steps, and its return reopens it", async () => {
		const fallen = { ...PRICES, ETH: PRICES.ETH * 0.88 };
		// Blocks half a minute apart: a stop of the chain is no outage of the feeds.
		const silent = async (ms) => {
			for (let left = ms; left > 0; left -= 30_000) {
				await chain.setTime((await chain.now()) + Math.min(left, 30_000));
				await chain.seal();
			}
			await chain.seal();
			return level();
		};
		assert.equal(await silent(70_000), "Guarded");
		assert.equal(await silent(2 * MINUTE), "ReduceOnly");
		assert.equal(await silent(28 * MINUTE), "Halted");
		await chain.send(tx.vaults.repay(vault, units(100, "kUSD")), "Bob");
		await assert.rejects(chain.send(tx.vaults.adjust(vault, { Decrease: 1n }, { Decrease: units(200, "kUSD") }), "Bob"), /circuitBreaker\.\w*Halted|prices\./);
		await pass(31, fallen);
		assert.equal(await level(), "Normal");
	});

	it("a guardian trips at once; only a referendum lowers early", async () => {
		const fallen = { ...PRICES, ETH: PRICES.ETH * 0.88 };
		await guardian(chain, tx.circuitBreaker.trip({ Branch: BRANCH.BTC }, "Halted"));
		assert.equal(await level({ Branch: BRANCH.BTC }), "Halted");
		await chain.freshPrices(fallen, 1);
		await assert.rejects(chain.send(open(BRANCH.BTC, "BTC", 1, 10_000), "Eve"), /circuitBreaker\.\w*Halted/);
		await assert.rejects(chain.send(tx.circuitBreaker.trip(ETH, "Halted"), "Ferdie"), /BadOrigin/);
		await assert.rejects(guardian(chain, tx.circuitBreaker.trip({ Branch: 99 }, "Halted")), /circuitBreaker\.UnknownSubject/);
		const each = () => chain.feedAll(fallen);
		const lowered = await referendum(chain, ORIGIN.RiskAdjust, tx.circuitBreaker.setLevel({ Branch: BRANCH.BTC }, "Normal"), { each });
		assert.equal(lowered.error, null);
		assert.equal(await level({ Branch: BRANCH.BTC }), "Normal");
		await chain.send(open(BRANCH.BTC, "BTC", 1, 10_000), "Eve");
	});

	it("after all of it every invariant holds", async () => {
		assert.ok((await tryState(chain)) > 100);
		assert.equal(await supplyGap(chain), 0n);
	});
});
