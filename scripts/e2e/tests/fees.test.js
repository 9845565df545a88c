// Fees in kUSD, as a Polkadot.js user pays them.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Keyring } from "@polkadot/api";
import { ASSET, BRANCH, units } from "../lib/chain.js";
import { event, fixture, supplyGap } from "../lib/fixture.js";

describe("an account with kUSD and no KEEL", () => {
	let world, chain, tx;
	const inKusd = { assetId: ASSET.kUSD };
	before(async () => {
		world = await fixture();
		({ chain } = world);
		({ tx } = chain.api);
		chain.accounts.Kim = new Keyring({ type: "sr25519" }).addFromUri("//Kim");
		await chain.send(tx.vaults.open(BRANCH.ETH, units(5, "ETH"), units(5_000, "kUSD")), "Ferdie");
		await chain.send(tx.assets.transfer(ASSET.kUSD, chain.accounts.Kim.address, units(100, "kUSD")), "Ferdie");
	});
	after(() => world?.end());

	it("cannot pay in KEEL", async () => {
		await assert.rejects(chain.submit(tx.system.remark("0x00"), "Kim"), /1010.*Inability to pay/);
	});

	it("pays in kUSD, and the insurance fund gets it", async () => {
		const fund = async () => {
			const { shared, treasury } = await chain.view("InsuranceFund", "balances");
			return shared.toBigInt() + treasury.toBigInt();
		};
		const before = await fund();
		const call = tx.assets.transfer(ASSET.kUSD, chain.accounts.Ferdie.address, units(1, "kUSD"));
		const events = await chain.send(call, "Kim", inKusd);
		const { actualFee, tip } = event(events, chain.api.events.assetTxPayment.AssetTxFeePaid);
		assert.ok(actualFee.toBigInt() > 0n);
		assert.equal(tip.toBigInt(), 0n);
		assert.equal(await chain.balance("kUSD", chain.accounts.Kim.address), units(99, "kUSD") - actualFee.toBigInt());
		assert.equal(await fund(), before + actualFee.toBigInt());
		assert.equal(await supplyGap(chain), 0n);
	});

	it("repays somebody's vault with it", async () => {
		const events = await chain.send(tx.vaults.repay(0, units(10, "kUSD")), "Kim", inKusd);
		event(events, chain.api.events.vaults.DebtRepaid);
	});

	it("is told about an asset that pays no fees", async () => {
		await assert.rejects(chain.submit(tx.system.remark("0x00"), "Kim", { assetId: ASSET.ETH }), /Custom error: 101/);
	});

	it("sees the fee in KEEL before it signs", async () => {
		const call = tx.assets.transfer(ASSET.kUSD, chain.accounts.Ferdie.address, units(1, "kUSD"));
		const { partialFee } = await call.paymentInfo(chain.accounts.Kim, inKusd);
		assert.ok(partialFee.toBigInt() > 0n);
	});
});
