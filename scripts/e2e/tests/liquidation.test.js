// A price falls, and the node's own worker liquidates exactly the vault that became unsafe.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BRANCH, until, units } from "../lib/chain.js";
import { event, fixture, PRICES, supplyGap } from "../lib/fixture.js";

describe("a price fall", () => {
	let world, chain, tx, api;
	const vaults = {};
	const fallen = { ...PRICES, ETH: 2_000 };
	before(async () => {
		world = await fixture();
		({ chain } = world);
		({ api } = chain);
		({ tx } = api);
		const open = async (name, branch, symbol, collateral, debt) => {
			await chain.freshPrices(PRICES, 1);
			const events = await chain.send(tx.vaults.open(BRANCH[branch], units(collateral, symbol), units(debt, "kUSD")), name);
			return event(events, api.events.vaults.VaultOpened).vault.toBigInt();
		};
		vaults.risky = await open("Bob", "ETH", "ETH", 10, 15_000); // 200 %: 133 % after the fall
		vaults.careful = await open("Charlie", "ETH", "ETH", 10, 10_000); // 300 %: 200 % after it
		vaults.other = await open("Alice", "BTC", "BTC", 2, 50_000);
		await chain.send(tx.stabilityPool.deposit(units(40_000, "kUSD")), "Alice");
		// What was deposited joins after two to four minutes.
		for (let i = 0; i < 10; i++) {
			await chain.setTime((await chain.now()) + 30_000);
			await chain.freshPrices(PRICES, 1);
		}
	});
	after(() => world?.end());

	let block;
	it("makes the worker liquidate the unsafe vault, and that one only", async () => {
		await chain.feedAll(fallen);
		await chain.seal();
		const unsafe = await chain.view("Liquidations", "unsafe_positions", { Branch: BRANCH.ETH }, 10);
		assert.deepEqual(unsafe.map((p) => p.position.toBigInt()), [vaults.risky]);
		const found = [];
		for (let i = 0; i < 2 && found.length === 0; i++) {
			// The worker runs beside the block; a pool busy with that block may want it said twice.
			await until("the worker has sent", async () => (await chain.rpc("author_pendingExtrinsics")).length > 0, 2_000).catch(() => {});
			block = await chain.seal();
			found.push(...(await chain.eventsAt(block)).map((e) => e.event).filter((e) => api.events.liquidations.Liquidated.is(e)));
		}
		const liquidated = event(found, api.events.liquidations.Liquidated);
		assert.equal(liquidated.position.toBigInt(), vaults.risky);
		assert.ok(liquidated.by.isWorker);
		assert.ok(liquidated.outcome.absorbed.toBigInt() > 0n);
		assert.equal(liquidated.outcome.auctioned.toBigInt(), 0n, "the pool was large enough");
		assert.equal(liquidated.outcome.shortfall.toBigInt(), 0n);
	});

	it("restores that vault to its target and leaves the others alone", async () => {
		const health = (await chain.view("Vaults", "health", vaults.risky)).unwrap();
		assert.ok(health.safe.asOk.isTrue);
		const ratio = Number(health.ratio.unwrap().toBigInt()) / 1e18;
		const target = Number(health.liquidationRatio.toBigInt()) / 1e18 + 0.05;
		assert.ok(Math.abs(ratio - target) < 0.001, `restored to ${target}, not ${ratio}`);
		const careful = (await chain.view("Vaults", "health", vaults.careful)).unwrap();
		assert.equal(careful.collateral.toBigInt(), units(10, "ETH"));
	});

	it("gives the pool's depositors the collateral", async () => {
		const stake = (await chain.view("StabilityPool", "deposit_of", chain.accounts.Alice.address)).unwrap();
		assert.ok(stake.deposit.toBigInt() < units(40_000, "kUSD"));
		const eth = await chain.balance("ETH", chain.accounts.Alice.address);
		await chain.send(tx.stabilityPool.claimAll(), "Alice");
		assert.ok((await chain.balance("ETH", chain.accounts.Alice.address)) > eth);
		assert.equal(await supplyGap(chain), 0n);
	});

	it("does not liquidate twice: the replayed transaction is refused by the pool", async () => {
		const { block: sealed } = await api.rpc.chain.getBlock(block);
		const index = sealed.extrinsics.findIndex((x) => x.method.section === "liquidations");
		assert.ok(index >= 0, "the block holds the worker's transaction");
		const raw = (await chain.rpc("chain_getBlock", block)).block.extrinsics[index];
		await assert.rejects(chain.rpc("author_submitExtrinsic", raw), /1010: Invalid Transaction|1012: Transaction is temporarily banned|1013/);
	});

	it("refuses a liquidation that somebody signs", async () => {
		await assert.rejects(chain.send(tx.liquidations.liquidate({ Branch: BRANCH.ETH }, vaults.careful), "Eve"), /BadOrigin|Invalid|1010/);
	});
});

describe("without a worker", () => {
	let world, chain, api;
	before(async () => {
		world = await fixture();
		({ chain } = world);
		({ api } = chain);
		await chain.rpc("offchain_localStorageSet", "PERSISTENT", "0x" + Buffer.from("keel/liquidations/off").toString("hex"), "0x01");
	});
	after(() => world?.end());

	it("the block itself liquidates, and says so", async () => {
		const events = await chain.send(api.tx.vaults.open(BRANCH.ETH, units(10, "ETH"), units(15_000, "kUSD")), "Bob");
		const vault = event(events, api.events.vaults.VaultOpened).vault.toBigInt();
		for (let i = 0; i < 6; i++) {
			await chain.feedAll({ ...PRICES, ETH: 2_000 });
			const hash = await chain.seal();
			const all = (await chain.eventsAt(hash)).map((e) => e.event);
			const done = all.find((e) => api.events.liquidations.Liquidated.is(e));
			if (done) {
				assert.equal(done.data.position.toBigInt(), vault);
				assert.ok(done.data.by.isBlock);
				assert.ok(done.data.outcome.auctioned.toBigInt() > 0n, "the pool is empty: everything goes to auction");
				assert.equal(await supplyGap(chain), 0n);
				return;
			}
		}
		assert.fail("nobody liquidated within six blocks");
	});
});
