// Operators that lie, stop, or are nobody.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BRANCH, FEED, fixed, units } from "../lib/chain.js";
import { fixture, PRICES } from "../lib/fixture.js";

describe("prices", () => {
	let world, chain, tx;
	before(async () => {
		world = await fixture();
		({ chain } = world);
		({ tx } = chain.api);
	});
	after(() => world?.end());

	const value = async (feed) => fixed((await chain.api.query.prices.feeds(feed)).unwrap().price.value);

	it("three honest operators outvote two that lie", async () => {
		await chain.feedAll({ ...PRICES, ETH: 3_010 }, ["Alice", "Bob", "Charlie"]);
		await chain.feedAll({ ...PRICES, ETH: 30 }, ["Dave", "Eve"]);
		await chain.seal();
		assert.equal(await value(FEED.ETH), 3_010);
	});

	it("two operators alone move nothing", async () => {
		await chain.setTime((await chain.now()) + 61_000);
		await chain.feedAll({ ...PRICES, ETH: 10 }, ["Dave", "Eve"]);
		await chain.seal();
		assert.equal(await value(FEED.ETH), 3_010);
	});

	it("a stale price refuses new risk by name, and says so in the view", async () => {
		await assert.rejects(
			chain.send(tx.vaults.open(BRANCH.ETH, units(5, "ETH"), units(5_000, "kUSD")), "Ferdie"),
			/prices\.PriceTooOld/,
		);
	});

	it("comes back after the outage", async () => {
		await chain.freshPrices(PRICES, 3);
		const events = await chain.send(tx.vaults.open(BRANCH.ETH, units(5, "ETH"), units(5_000, "kUSD")), "Ferdie");
		assert.ok(events.some((e) => chain.api.events.vaults.VaultOpened.is(e)));
	});

	it("does not liquidate on the first price after an outage", async () => {
		await chain.freshPrices(PRICES, 3);
		await chain.setTime((await chain.now()) + 120_000);
		await chain.feedAll({ ...PRICES, ETH: 1_000 });
		await chain.seal();
		const answer = await chain.view("Liquidations", "threshold", { Branch: BRANCH.ETH });
		assert.ok(answer.isErr);
		assert.equal(chain.errorName(answer.asErr), "prices.PriceRecovering");
		await chain.freshPrices(PRICES, 3);
		assert.ok((await chain.view("Liquidations", "threshold", { Branch: BRANCH.ETH })).isOk);
	});

	it("nobody but an operator feeds, and only registered feeds", async () => {
		await assert.rejects(chain.send(tx.oracle.feedValues([[FEED.ETH, 1n]]), "Ferdie"), /oracle\.NoPermission/);
		await assert.rejects(chain.send(tx.oracle.feedValues([[999, 1n]]), "Alice"), /system\.CallFiltered/);
	});
});
