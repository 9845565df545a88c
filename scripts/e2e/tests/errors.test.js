// What a user is likely to do wrong, and what the chain answers, by name.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ASSET, BRANCH, units } from "../lib/chain.js";
import { event, fixture, PRICES, supplyGap } from "../lib/fixture.js";

describe("mistakes", () => {
	let world, chain, tx, vault;
	before(async () => {
		world = await fixture();
		({ chain } = world);
		({ tx } = chain.api);
		const events = await chain.send(tx.vaults.open(BRANCH.ETH, units(5, "ETH"), units(5_000, "kUSD")), "Ferdie");
		vault = event(events, chain.api.events.vaults.VaultOpened).vault.toBigInt();
	});
	after(() => world?.end());

	const kusd = (amount) => units(amount, "kUSD");
	const cases = [
		["minting too much", "Ferdie", () => tx.vaults.adjust(vault, "Keep", { Increase: kusd(5_000) }), /vaults\.\w*(Ratio|Unsafe)\w*/],
		["withdrawing too much", "Ferdie", () => tx.vaults.adjust(vault, { Decrease: units(3, "ETH") }, "Keep"), /vaults\.\w*(Ratio|Unsafe)\w*/],
		["too small a debt", "Ferdie", () => tx.vaults.open(BRANCH.ETH, units(5, "ETH"), kusd(1)), /vaults\.\w*Minimum\w*/],
		["leaving dust", "Ferdie", () => tx.vaults.adjust(vault, "Keep", { Decrease: kusd(4_990) }), /vaults\.\w*Minimum\w*/],
		["somebody else's vault", "Alice", () => tx.vaults.adjust(vault, { Decrease: 1n }, "Keep"), /vaults\.\w*Owner\w*/],
		["closing somebody else's vault", "Alice", () => tx.vaults.close(vault), /vaults\.\w*Owner\w*/],
		["no such vault", "Alice", () => tx.vaults.close(999), /vaults\.\w*Vault\w*/],
		["no such branch", "Alice", () => tx.vaults.open(99, 1n, kusd(1_000)), /\.\w*Branch\w*/],
		["above the ceiling", "Alice", () => tx.vaults.open(BRANCH.DOT, units(1_000_000, "DOT"), kusd(600_000)), /vaults\.\w*Ceiling\w*/],
		["more collateral than one has", "Alice", () => tx.vaults.open(BRANCH.BTC, units(100_000, "BTC"), kusd(1_000)), /FundsUnavailable|Underflow|assets\.\w+/],
		["repaying without kUSD", "Eve", () => tx.vaults.repay(vault, kusd(10)), /NoAccount|BalanceLow|NoFunds|FundsUnavailable|assets\.\w+/],
		["withdrawing from an empty pool", "Eve", () => tx.stabilityPool.withdraw(kusd(1)), /stabilityPool\.\w+/],
		["no such auction", "Eve", () => tx.auctions.take(7, 1n, 1n), /auctions\.\w+/],
		["setting a parameter", "Alice", () => tx.riskParameters.setValues("Chain", [[{ Chain: "OracleQuorum" }, 4]]), /BadOrigin/],
		["minting kUSD", "Alice", () => tx.assets.mint(ASSET.kUSD, chain.accounts.Alice.address, kusd(1)), /assets\.NoPermission/],
	];
	for (const [what, who, call, expected] of cases) {
		it(`${what}: ${expected.source}`, async () => {
			await chain.freshPrices(PRICES, 1);
			await assert.rejects(chain.send(call(), who), expected);
		});
	}

	it("sending to the protocol by hand is refused before anything is lost", async () => {
		const branch = (await chain.view("Vaults", "branch", BRANCH.ETH)).unwrap();
		await assert.rejects(chain.send(tx.assets.transfer(ASSET.ETH, branch.account.toString(), 1n), "Alice"), /system\.CallFiltered/);
		await assert.rejects(
			chain.send(tx.utility.batchAll([tx.assets.transfer(ASSET.ETH, branch.account.toString(), 1n)]), "Alice"),
			/system\.CallFiltered/,
		);
	});

	it("after all of it the books balance", async () => {
		assert.equal(await supplyGap(chain), 0n);
	});
});
