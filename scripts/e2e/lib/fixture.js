// A chain for one test file: a node of its own, manual blocks, prices that everybody may act on.

import { stringToU8a, u8aConcat } from "@polkadot/util";
import { encodeAddress } from "@polkadot/util-crypto";

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

/**
 * What the books of the derivatives side leave unexplained, in base units of kUSD: custody against cash, reserve and clearing, and
 * clearing against the pool and the markets' pots. Zero, always.
 */
export async function booksGap({ api }) {
	const custody = encodeAddress(u8aConcat(stringToU8a("modlkeel/mgn"), new Uint8Array(20)), api.registry.chainSS58);
	const held = (await api.query.assets.account(1, custody)).unwrapOr(null)?.balance.toBigInt() ?? 0n;
	let cash = 0n;
	for (const [, account] of await api.query.margin.accounts.entries()) cash += account.unwrap().cash.toBigInt();
	const { idle, clearing, earned } = await api.query.margin.totals();
	const pool = await api.query.liquidityPool.state();
	const book = await api.query.perpetuals.markets();
	let pots = book.fundDue.toBigInt() + book.recovery.toBigInt();
	for (const market of book.markets) pots += market.rebates.toBigInt() + market.tranche.toBigInt();
	const first = held - cash - idle.toBigInt() - clearing.toBigInt() - earned.toBigInt();
	const second = clearing.toBigInt() - pool.cash.toBigInt() - pool.waiting.toBigInt() - pots;
	return first === 0n ? second : first;
}
