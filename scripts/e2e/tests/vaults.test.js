// The life of a vault, as its owner lives it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BRANCH, fixed, units } from "../lib/chain.js";
import { event, fixture, PRICES, supplyGap } from "../lib/fixture.js";

describe("a vault", () => {
	let world, chain, tx, vault;
	before(async () => {
		world = await fixture();
		chain = world.chain;
		tx = chain.api.tx;
	});
	after(() => world?.end());

	it("opens: collateral goes in, kUSD comes out", async () => {
		const eth = await chain.balance("ETH", chain.accounts.Ferdie.address);
		const events = await chain.send(tx.vaults.open(BRANCH.ETH, units(5, "ETH"), units(5_000, "kUSD")), "Ferdie");
		const opened = event(events, chain.api.events.vaults.VaultOpened);
		vault = opened.vault.toBigInt();
		assert.equal(opened.debt.toBigInt(), units(5_000, "kUSD"));
		assert.equal(await chain.balance("kUSD", chain.accounts.Ferdie.address), units(5_000, "kUSD"));
		assert.equal(await chain.balance("ETH", chain.accounts.Ferdie.address), eth - units(5, "ETH"));
		assert.equal(await chain.supply("kUSD"), units(5_000, "kUSD"));
		assert.equal(await supplyGap(chain), 0n);
	});

	it("shows its health", async () => {
		const health = (await chain.view("Vaults", "health", vault)).unwrap();
		assert.equal(health.collateral.toBigInt(), units(5, "ETH"));
		assert.ok(health.debt.toBigInt() >= units(5_000, "kUSD"));
		const ratio = fixed(health.ratio.unwrap());
		assert.ok(Math.abs(ratio - 3) < 0.01, `5 ETH at 3,000 over 5,000 is 300 %, not ${ratio}`);
		assert.ok(health.safe.asOk.isTrue);
	});

	it("previews an adjustment and then does exactly that", async () => {
		const change = [{ Increase: units(1, "ETH") }, { Increase: units(1_000, "kUSD") }];
		const preview = (await chain.view("Vaults", "preview_adjust", vault, ...change)).asOk;
		const events = await chain.send(tx.vaults.adjust(vault, ...change), "Ferdie");
		const adjusted = event(events, chain.api.events.vaults.VaultAdjusted);
		for (const field of ["deposited", "withdrawn", "minted", "repaid", "collateral", "debt"]) {
			assert.equal(adjusted[field].toString(), preview[field].toString(), field);
		}
		assert.equal(await chain.balance("kUSD", chain.accounts.Ferdie.address), units(6_000, "kUSD"));
	});

	it("moves both at once, in opposite directions", async () => {
		const events = await chain.send(
			tx.vaults.adjust(vault, { Decrease: units(2, "ETH") }, { Decrease: units(3_000, "kUSD") }),
			"Ferdie",
		);
		const adjusted = event(events, chain.api.events.vaults.VaultAdjusted);
		assert.equal(adjusted.withdrawn.toBigInt(), units(2, "ETH"));
		assert.equal(adjusted.repaid.toBigInt(), units(3_000, "kUSD"));
		assert.equal(await supplyGap(chain), 0n);
	});

	it("lets somebody else repay and top up", async () => {
		await chain.freshPrices(PRICES, 1);
		await chain.send(tx.vaults.open(BRANCH.BTC, units(1, "BTC"), units(10_000, "kUSD")), "Alice");
		const events = await chain.send(tx.vaults.repay(vault, units(500, "kUSD")), "Alice");
		assert.equal(event(events, chain.api.events.vaults.DebtRepaid).amount.toBigInt(), units(500, "kUSD"));
		const more = await chain.send(tx.vaults.topUp(vault, units(1, "ETH")), "Alice");
		assert.equal(event(more, chain.api.events.vaults.CollateralAdded).amount.toBigInt(), units(1, "ETH"));
	});

	it("charges interest as time goes by, and mints it to the insurance fund", async () => {
		const before = (await chain.view("Vaults", "health", vault)).unwrap().debt.toBigInt();
		await chain.setTime((await chain.now()) + 3_600_000);
		for (let i = 0; i < 3; i++) await chain.seal();
		const after = (await chain.view("Vaults", "health", vault)).unwrap().debt.toBigInt();
		const hour = Number(after - before) / Number(before);
		assert.ok(Math.abs(hour - 0.02 / 8_760) < 2e-8, `an hour at 2 % a year, not ${hour}`);
		const { books: ledger } = await chain.api.query.insuranceFund.ledger();
		assert.ok(ledger.shared.inflow.toBigInt() > 0n);
		assert.equal(await supplyGap(chain), 0n);
	});

	it("closes without any price: everything back, nothing left", async () => {
		const owed = (await chain.view("Vaults", "health", vault)).unwrap();
		const eth = await chain.balance("ETH", chain.accounts.Ferdie.address);
		const events = await chain.send(tx.vaults.close(vault), "Ferdie");
		const closed = event(events, chain.api.events.vaults.VaultClosed);
		assert.equal(closed.collateral.toBigInt(), owed.collateral.toBigInt());
		assert.equal(await chain.balance("ETH", chain.accounts.Ferdie.address), eth + owed.collateral.toBigInt());
		assert.ok((await chain.api.query.vaults.vaults(vault)).isNone);
		assert.equal(await supplyGap(chain), 0n);
	});
});
