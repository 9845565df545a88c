// The node's own manners: two commands' worth of sealing, and what it refuses.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { fixture, PRICES } from "../lib/fixture.js";
import { until } from "../lib/chain.js";

const run = (...args) => spawnSync(process.env.KEEL_NODE, args, { encoding: "utf8", timeout: 60_000 });

describe("the node", () => {
	it("refuses --sealing outside a development chain and says why", () => {
		const { status, stderr } = run("--chain", "local", "--alice", "--tmp", "--unsafe-force-node-key-generation", "--sealing", "manual", "--port", "0", "--rpc-port", "0");
		assert.notEqual(status, 0);
		assert.match(stderr, /sealing/);
		assert.match(stderr, /development|--dev/);
	});

	it("refuses to set the clock back", async () => {
		const world = await fixture();
		try {
			await assert.rejects(world.chain.setTime(1), /time|earliest/i);
		} finally {
			await world.end();
		}
	});

	it("produces and finalises blocks with Aura and GRANDPA", async () => {
		const world = await fixture({ sealing: null });
		try {
			await until("a block is finalised", async () => {
				const head = await world.chain.api.rpc.chain.getFinalizedHead();
				return (await world.chain.api.rpc.chain.getHeader(head)).number.toNumber() >= 1;
			}, 60_000);
		} finally {
			await world.end();
		}
	});

	it("seals instantly when asked to", async () => {
		const world = await fixture({ sealing: "instant" });
		try {
			await world.chain.feed("Alice", PRICES);
			await until("the transaction made a block", async () => (await world.chain.height()) === 1);
		} finally {
			await world.end();
		}
	});
});
