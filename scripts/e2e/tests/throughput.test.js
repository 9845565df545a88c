// Three thousand orders, committed and filled, beside as many transfers: how many a block takes, and how long it takes a block.
//
// What it prints is what this machine measures; nothing is asserted of time.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Keyring } from "@polkadot/keyring";
import { MARKET, units } from "../lib/chain.js";
import { booksGap, fixture, PRICES } from "../lib/fixture.js";

const ORDERS = 3_000;
/** Orders of an account: one fewer than there may be. */
const EACH = 15;
const SUBS = ORDERS / EACH;
const LIFE = 3_600_000;

describe("three thousand orders", () => {
	let world, chain, tx, api;
	before(async () => {
		world = await fixture();
		({ chain } = world);
		({ api } = chain);
		({ tx } = api);
		for (const name of ["Alice", "Bob"]) {
			await chain.send(tx.vaults.open(3, units(300, "ETH"), units(300_000, "kUSD")), name);
			await chain.freshPrices(PRICES, 1);
		}
		await chain.send(tx.liquidityPool.provide(units(200_000, "kUSD"), 0), "Alice");
		for (let sub = 0; sub < SUBS; sub += 50) {
			const deposits = Array.from({ length: 50 }, (_, i) => tx.margin.deposit(sub + i, 1, units(1_000, "kUSD")));
			await chain.send(tx.utility.batchAll(deposits), "Bob");
			await chain.freshPrices(PRICES, 1);
		}
	});
	after(() => world?.end());

	/** Signs all before any is sent, so that what is timed is the node. */
	async function submitAll(calls, name) {
		for (let i = 0; i < calls.length; i += 500) await Promise.all(calls.slice(i, i + 500).map((call) => chain.submit(call, name)));
	}

	/** Seals until `done`; of each block what `count` says, and the milliseconds it took. */
	async function seal(count, done, feed = false) {
		const blocks = [];
		while (!(await done())) {
			assert.ok(blocks.length < 60, "it comes to an end");
			if (feed) await chain.feedAll(PRICES);
			const begin = performance.now();
			const { hash } = await chain.rpc("engine_createBlock", true, true, null);
			const ms = performance.now() - begin;
			blocks.push({ items: count(await chain.eventsAt(hash)), ms });
		}
		return blocks.filter(({ items }) => items > 0);
	}

	const report = (what, blocks) => {
		const items = blocks.reduce((sum, block) => sum + block.items, 0);
		const ms = blocks.reduce((sum, block) => sum + block.ms, 0);
		for (const block of blocks) console.log(`  ${what.padEnd(10)} ${String(block.items).padStart(5)} in a block of ${block.ms.toFixed(0).padStart(5)} ms`);
		console.log(`  ${what.padEnd(10)} ${String(items).padStart(5)} in ${blocks.length} blocks, ${(ms / items).toFixed(3)} ms each`);
		return items;
	};
	const counts = (kind) => (events) => events.filter(({ event }) => kind().is(event)).length;
	const pending = async () => (await chain.rpc("author_pendingExtrinsics")).length;

	it("are committed and filled, and so many transfers are made", async () => {
		const someone = new Keyring({ type: "sr25519" }).addFromUri("//Somebody").address;
		await chain.send(tx.balances.transferKeepAlive(someone, 10n * 10n ** 12n), "Bob");
		const transfers = Array.from({ length: ORDERS }, () => tx.balances.transferKeepAlive(someone, 1_000_000n));
		await submitAll(transfers, "Bob");
		const moved = await seal(counts(() => api.events.balances.Transfer), async () => (await pending()) === 0);

		// One buys what the next one sells: the premium stays where it is.
		const orders = Array.from({ length: ORDERS }, (_, i) => tx.perpetuals.commitOrder(i % SUBS, {
			market: MARKET.BTC, size: units(0.001, "size") * (i % 2 === 0 ? 1n : -1n), trigger: null, limit: null, resting: false, reduceOnly: false, expiresIn: LIFE,
		}));
		await submitAll(orders, "Bob");
		const committed = await seal(counts(() => api.events.perpetuals.OrderCommitted), async () => (await pending()) === 0);
		const queued = async () => (await api.query.perpetuals.queue.keys(MARKET.BTC)).length;
		const waiting = await queued();
		const filled = await seal(counts(() => api.events.perpetuals.OrderFilled), async () => (await queued()) === 0, true);

		report("transfers", moved);
		assert.equal(report("commits", committed), ORDERS);
		assert.equal(report("fills", filled), waiting);
		assert.equal(await booksGap(chain), 0n);
	});
});
