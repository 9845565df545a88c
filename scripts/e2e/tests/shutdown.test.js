// Emergency shutdown of a branch: prices lock, debt is settled, kUSD redeems for collateral, owners take the rest.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BRANCH, units } from "../lib/chain.js";
import { fixture, PRICES, supplyGap } from "../lib/fixture.js";
import { ORIGIN, guardian, referendum } from "../lib/governance.js";
import { tryState } from "../lib/state.js";

describe("emergency shutdown", () => {
	let world, chain, tx;
	before(async () => {
		world = await fixture();
		({ chain } = world);
		({ tx } = chain.api);
		await chain.send(tx.vaults.open(BRANCH.ETH, units(10, "ETH"), units(12_000, "kUSD")), "Bob");
		await chain.send(tx.vaults.open(BRANCH.ETH, units(20, "ETH"), units(15_000, "kUSD")), "Charlie");
		await chain.send(tx.vaults.open(BRANCH.BTC, units(1, "BTC"), units(20_000, "kUSD")), "Dave");
	});
	after(() => world?.end());

	it("is a matter for Root by referendum, and for nobody else", async () => {
		await assert.rejects(chain.send(tx.vaults.shutDown(BRANCH.ETH, null), "Alice"), /BadOrigin/);
		await assert.rejects(guardian(chain, tx.vaults.shutDown(BRANCH.ETH, null)), /BadOrigin/);
		const each = () => chain.feedAll(PRICES);
		const other = await referendum(chain, ORIGIN.RiskAdjust, tx.vaults.shutDown(BRANCH.ETH, null), { each });
		assert.equal(other.error, "BadOrigin");
		const outcome = await referendum(chain, ORIGIN.Root, tx.vaults.shutDown(BRANCH.ETH, null), { each });
		assert.equal(outcome.error, null);
	});

	it("names no price while there is one", async () => {
		const named = await chain.view("Vaults", "shutdown", BRANCH.BTC);
		assert.ok(named.isNone);
		const each = () => chain.feedAll(PRICES);
		const outcome = await referendum(chain, ORIGIN.Root, tx.vaults.shutDown(BRANCH.BTC, 10n ** 18n), { each });
		assert.equal(outcome.error, "vaults.PriceIsKnown");
	});

	it("leaves owners an hour to repay, top up and close", async () => {
		await assert.rejects(chain.send(tx.vaults.settle(0), "Eve"), /vaults\.GracePeriod/);
		await chain.send(tx.vaults.repay(0, units(100, "kUSD")), "Bob");
		await chain.send(tx.vaults.topUp(0, units(1, "ETH")), "Bob");
		await assert.rejects(chain.send(tx.vaults.adjust(0, "Keep", { Increase: units(10, "kUSD") }), "Bob"), /vaults\.BranchShutDown/);
		await assert.rejects(chain.send(tx.vaults.redeem(BRANCH.ETH, units(10, "kUSD")), "Bob"), /vaults\.NotSettled/);
	});

	it("then settles every vault by itself, at the locked price", async () => {
		for (let minute = 0; minute < 60; minute++) {
			await chain.setTime((await chain.now()) + 60_000);
			await chain.feedAll(PRICES);
			await chain.seal();
		}
		// Whatever the market does from here on.
		await chain.freshPrices({ ...PRICES, ETH: 1_000 }, 3);
		const view = (await chain.view("Vaults", "shutdown", BRANCH.ETH)).unwrap();
		assert.equal(view.price.toBigInt(), BigInt(PRICES.ETH) * 10n ** 18n);
		for (const id of [0, 1]) assert.equal((await chain.view("Vaults", "health", id)).unwrap().debt.toBigInt(), 0n);
		assert.equal(await supplyGap(chain), 0n);
	});

	it("pays kUSD out in collateral at the locked price", async () => {
		const [eth, kusd] = await Promise.all(["ETH", "kUSD"].map((s) => chain.balance(s, chain.accounts.Dave.address)));
		await chain.send(tx.vaults.redeem(BRANCH.ETH, units(3_000, "kUSD")), "Dave");
		const [eth2, kusd2] = await Promise.all(["ETH", "kUSD"].map((s) => chain.balance(s, chain.accounts.Dave.address)));
		assert.equal(kusd - kusd2, units(3_000, "kUSD"));
		const got = eth2 - eth;
		// 1 ETH, give or take the rounding of two vaults' interest.
		assert.ok(got >= units(1, "ETH") && got < units(1, "ETH") + 10n ** 13n, `${got}`);
	});

	it("gives owners the rest, without a price and without kUSD", async () => {
		for (const [name, id] of [["Bob", 0], ["Charlie", 1]]) {
			const before = await chain.balance("ETH", chain.accounts[name].address);
			await chain.send(tx.vaults.close(id), name);
			assert.ok((await chain.balance("ETH", chain.accounts[name].address)) > before);
		}
	});

	it("nothing is stuck: the last claim empties the pot", async () => {
		for (const name of ["Bob", "Charlie", "Dave"]) {
			const have = await chain.balance("kUSD", chain.accounts[name].address);
			if (have > 0n) await chain.send(tx.vaults.redeem(BRANCH.ETH, have), name).catch((e) => assert.match(e.message, /vaults\./));
		}
		const branch = (await chain.view("Vaults", "branch", BRANCH.ETH)).unwrap();
		const held = await chain.balance("ETH", branch.account.toString());
		assert.equal(held, 0n);
	});

	it("no new vault there; the others go on", async () => {
		await chain.freshPrices(PRICES, 4);
		await assert.rejects(chain.send(tx.vaults.open(BRANCH.ETH, units(10, "ETH"), units(1_000, "kUSD")), "Eve"), /vaults\.BranchShutDown/);
		await chain.send(tx.vaults.open(BRANCH.BTC, units(1, "BTC"), units(10_000, "kUSD")), "Eve");
		assert.equal(await supplyGap(chain), 0n);
		assert.ok((await tryState(chain)) > 100);
	});
});
