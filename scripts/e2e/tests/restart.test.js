// The node stops in the middle of an auction and comes back: nothing is lost.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Chain, BRANCH, price, until, units } from "../lib/chain.js";
import { event, fixture, PRICES, supplyGap } from "../lib/fixture.js";

describe("a restart in the middle of an auction", () => {
	let world, chain, api;
	before(async () => {
		world = await fixture();
		({ chain } = world);
		({ api } = chain);
	});
	after(() => world?.end());

	it("loses nothing", async () => {
		await chain.send(api.tx.vaults.open(BRANCH.BTC, units(5, "BTC"), units(60_000, "kUSD")), "Alice");
		await chain.freshPrices(PRICES, 1);
		await chain.send(api.tx.vaults.open(BRANCH.ETH, units(10, "ETH"), units(15_000, "kUSD")), "Bob");
		await until("an auction has started", async () => {
			await chain.feedAll({ ...PRICES, ETH: 2_000 });
			await chain.seal();
			return (await api.query.auctions.auctions.keys()).length > 0;
		});
		const [[key, stored]] = await api.query.auctions.auctions.entries();
		const id = key.args[0].toBigInt();
		const height = await chain.height();
		const before = {
			auction: stored.toHex(),
			debt: (await api.query.auctions.debt()).toBigInt(),
			supply: await chain.supply("kUSD"),
			time: await chain.now(),
		};
		assert.ok(before.debt > 0n);

		await chain.disconnect();
		await world.node.stop("SIGKILL");
		await world.node.start();
		chain = world.chain = await Chain.connect(world.node.url);
		({ api } = chain);

		assert.ok((await chain.height()) >= height - 1, "at most the block being written is lost");
		assert.equal((await api.query.auctions.auctions(id)).toHex(), before.auction);
		assert.equal((await api.query.auctions.debt()).toBigInt(), before.debt);
		assert.equal(await chain.supply("kUSD"), before.supply);
		assert.equal(await chain.now(), before.time);

		// And it goes on: time passes, the price falls below spot, somebody takes all of it.
		await chain.pass(300_000);
		const auction = (await api.query.auctions.auctions(id)).unwrap();
		const events = await chain.send(api.tx.auctions.take(id, auction.collateral, price(2_000)), "Alice");
		const taken = event(events, api.events.auctions.Taken);
		assert.ok(taken.paid.toBigInt() >= before.debt, "the debt was raised");
		assert.equal((await api.query.auctions.debt()).toBigInt(), 0n);
		assert.equal(await supplyGap(chain), 0n);
	});
});
