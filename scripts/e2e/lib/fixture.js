// A chain for one test file: a node of its own, manual blocks, prices that everybody may act on.

import { Chain } from "./chain.js";
import { KeelNode } from "./node.js";

export const PRICES = { KEEL: 1, BTC: 60_000, ETH: 3_000, DOT: 6, USDC: 1, SOL: 150 };

export async function fixture(options = {}) {
	const node = await new KeelNode(options).start();
	const world = {
		node,
		async end() {
			await world.chain?.disconnect();
			await node.destroy();
		},
	};
	try {
		world.chain = await Chain.connect(node.url);
		if (node.sealing === "manual") await world.chain.freshPrices(PRICES, 4);
		return world;
	} catch (error) {
		await world.end();
		throw error;
	}
}

/** kUSD in existence minus what the branches issued, auctions carry and the fund recorded as bad: zero, always. */
export async function supplyGap({ api }) {
	let issued = 0n;
	for (const [, branch] of await api.query.vaults.branches.entries()) issued += branch.unwrap().issued.toBigInt();
	const { books: ledger } = await api.query.insuranceFund.ledger();
	const bad = ledger.shortfalls.toBigInt() - ledger.covered.toBigInt();
	const supply = (await api.query.assets.asset(1)).unwrap().supply.toBigInt();
	return supply - issued - (await api.query.auctions.debt()).toBigInt() - bad;
}

/** The one event of this kind in a list, its data by name. */
export function event(events, kind) {
	const found = events.filter((e) => kind.is(e));
	if (found.length !== 1) {
		throw new Error(`expected one event, found ${found.length} in ${events.map((e) => `${e.section}.${e.method}`)}`);
	}
	return found[0].data;
}
