// Operators that lie, stop, or are nobody.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BRANCH, FEED, fixed, price, units } from "../lib/chain.js";
import { fixture, PRICES } from "../lib/fixture.js";
import { signedFeed } from "../lib/general.js";

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
		await chain.pass(62_000);
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

	it("nobody but an operator feeds, and raw values are closed", async () => {
		await assert.rejects(chain.feed("Ferdie", PRICES), /1010.*signing address/i);
		await assert.rejects(chain.send(tx.oracle.feedValues([[FEED.ETH, 1n]]), "Alice"), /system\.CallFiltered/);
	});

	it("a newer feed replaces the older one in the pool, and an older one is refused", async () => {
		await chain.feedAll(PRICES, ["Alice", "Bob", "Charlie"]);
		await chain.feedAll({ ...PRICES, ETH: 3_030 }, ["Alice", "Bob", "Charlie"]);
		chain.observed.Alice -= 10_000;
		await assert.rejects(chain.feed("Alice", PRICES), /1014/);
		await chain.seal();
		assert.equal(await value(FEED.ETH), 3_030);
		await assert.rejects(
			chain.rpc("author_submitExtrinsic", signedFeed(chain.api, chain.accounts.Alice.address, chain.accounts.Alice, 1, [[FEED.ETH, 1n]])),
			/outdated/,
		);
	});

	it("a hot key feeds for its operator, and takes neither nonce nor KEEL", async () => {
		const { Alice, Ferdie } = chain.accounts;
		await chain.send(tx.prices.setFeeder(Ferdie.address), "Alice");
		await assert.rejects(chain.feed("Alice", PRICES), /bad signature/i);
		const before = (await chain.api.query.system.account(Alice.address)).toHex();
		const observedAt = Number(await chain.rpc("dev_time"));
		const feed = signedFeed(chain.api, Alice.address, Ferdie, observedAt, [[FEED.ETH, price(3_030)]]);
		await chain.rpc("author_submitExtrinsic", feed);
		const events = await chain.eventsAt(await chain.seal());
		assert.ok(events.some(({ event }) => chain.api.events.prices.Fed.is(event)));
		assert.equal((await chain.api.query.system.account(Alice.address)).toHex(), before);
		await chain.send(tx.prices.setFeeder(null), "Alice");
	});
});
