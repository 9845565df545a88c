// A changed runtime goes through a referendum on the running chain; everybody can see it coming; state survives.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { blake2AsHex } from "@polkadot/util-crypto";
import { u8aToHex } from "@polkadot/util";
import { BRANCH, Chain, units } from "../lib/chain.js";
import { event, fixture, PRICES, supplyGap } from "../lib/fixture.js";
import { ORIGIN, guardian, referendum } from "../lib/governance.js";
import { tryState } from "../lib/state.js";

describe("an upgrade", () => {
	let world, chain, tx, code, hash;
	before(async () => {
		const file = process.env.KEEL_NEXT_RUNTIME;
		assert.ok(file, "KEEL_NEXT_RUNTIME must name the rehearsal runtime; scripts/e2e/run.sh sets it");
		code = await readFile(file);
		hash = blake2AsHex(code);
		world = await fixture();
		({ chain } = world);
		({ tx } = chain.api);
	});
	after(() => world?.end());

	const version = async () => (await chain.rpc("state_getRuntimeVersion")).specVersion;
	const snapshot = async () => ({
		vault: (await chain.view("Vaults", "health", 0)).toJSON(),
		branches: (await chain.api.query.vaults.branches.entries()).length,
		supply: await chain.supply("kUSD"),
		bob: await chain.balance("ETH", chain.accounts.Bob.address),
		pool: (await chain.api.query.stabilityPool.state()).toHex(),
		margin: (await chain.view("RiskParameters", "parameter", { Branch: BRANCH.ETH }, { Branch: "SafetyMargin" })).toHex(),
	});

	it("is authorised by referendum after the longest delay, applied by anybody, and keeps the state", async () => {
		await chain.send(tx.vaults.open(BRANCH.ETH, units(10, "ETH"), units(12_000, "kUSD")), "Bob");
		await chain.send(tx.stabilityPool.deposit(units(1_000, "kUSD")), "Bob");
		await guardian(chain, tx.riskParameters.setValues({ Branch: BRANCH.ETH }, [[{ Branch: "SafetyMargin" }, 12n * 10n ** 16n]]));

		// Not without a vote: not by a signer, not by the committee.
		await assert.rejects(chain.send(tx.system.authorizeUpgrade(hash), "Alice"), /BadOrigin|1010/);
		await assert.rejects(guardian(chain, tx.system.authorizeUpgrade(hash)), /BadOrigin/);
		await assert.rejects(chain.send(tx.system.applyAuthorizedUpgrade(u8aToHex(code)), "Alice"), /NothingAuthorized|1010|Invalid/);

		const before = await version();
		const outcome = await referendum(chain, ORIGIN.Root, tx.system.authorizeUpgrade(hash), {
			each: () => chain.feedAll(PRICES),
		});
		assert.equal(outcome.error, null);
		assert.equal(event(outcome.events, chain.api.events.system.UpgradeAuthorized).codeHash.toHex(), hash);
		assert.equal(await version(), before);

		assert.ok((await tryState(chain)) > 100);
		const [was, supply] = [await snapshot(), await chain.supply("kUSD")];

		// Somebody else's code does not pass.
		await assert.rejects(chain.send(tx.system.applyAuthorizedUpgrade("0x00"), "Eve"), /Unauthorized|1010|Invalid/);
		await chain.submit(tx.system.applyAuthorizedUpgrade(u8aToHex(code)), "Eve");
		// The block that carries it, and the first one of the new runtime.
		await chain.seal();
		await chain.seal();
		assert.equal(await version(), before + 1);

		// As anybody's client does: look at the new metadata.
		await chain.disconnect();
		world.chain = chain = await Chain.connect(world.node.url);
		({ tx } = chain.api);
		// The new runtime's migration ran, once.
		assert.equal(await chain.rpc("state_getStorage", u8aToHex(new TextEncoder().encode(":keel:rehearsal"))), "0x01000000");
		const is = await snapshot();
		assert.deepEqual({ ...is, vault: null, supply: null }, { ...was, vault: null, supply: null });
		assert.equal(is.vault.collateral, was.vault.collateral);
		assert.ok(BigInt(is.vault.debt) >= BigInt(was.vault.debt), "debt only grows by its fee");
		assert.ok((await chain.supply("kUSD")) >= supply);
		assert.ok((await tryState(chain)) > 100);
	});

	it("goes on as before", async () => {
		await chain.freshPrices(PRICES, 4);
		await chain.send(tx.vaults.adjust(0, { Increase: units(1, "ETH") }, { Increase: units(500, "kUSD") }), "Bob");
		await chain.send(tx.vaults.open(BRANCH.BTC, units(1, "BTC"), units(10_000, "kUSD")), "Eve");
		assert.equal(await supplyGap(chain), 0n);
		assert.ok((await tryState(chain)) > 100);
	});
});
