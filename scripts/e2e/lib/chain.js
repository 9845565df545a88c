// One way to talk to the chain for tests, the demo and the replays.

import { ApiPromise, WsProvider, Keyring } from "@polkadot/api";
import { u8aConcat, u8aToHex, hexToU8a } from "@polkadot/util";
import { cryptoWaitReady } from "@polkadot/util-crypto";

import { signedFeed } from "./general.js";

export const ASSET = { kUSD: 1, BTC: 2, ETH: 3, DOT: 4, USDC: 5, kLP: 100 };
export const FEED = { KEEL: 1, BTC: 2, ETH: 3, DOT: 4, USDC: 5, SOL: 6 };
export const BRANCH = { BTC: 2, ETH: 3, DOT: 4 };
export const MARKET = { BTC: 2, ETH: 3, DOT: 4, SOL: 6 };
/** `size`: of a perpetual position, in every market. */
export const DECIMALS = { kUSD: 6, BTC: 8, ETH: 18, DOT: 10, USDC: 6, kLP: 6, size: 8 };
export const OPERATORS = ["Alice", "Bob", "Charlie", "Dave", "Eve"];

/** `12.5` of an asset in its base units, without going through a float's last digits. */
export function units(amount, symbol) {
	const [whole, fraction = ""] = String(amount).split(".");
	const decimals = DECIMALS[symbol];
	return BigInt(whole + fraction.slice(0, decimals).padEnd(decimals, "0"));
}

/** A USD price as the inner value of a FixedU128. */
export function price(usd) {
	const [whole, fraction = ""] = Number(usd).toFixed(12).split(".");
	return BigInt(whole + fraction.padEnd(18, "0"));
}

/** A FixedU128's inner value as a number, for printing. */
export const fixed = (inner) => Number(BigInt(inner)) / 1e18;

export class Chain {
	static async connect(url) {
		await cryptoWaitReady();
		const provider = new WsProvider(url, 500, {}, 60_000);
		const api = await ApiPromise.create({
			provider,
			noInitWarn: true,
			throwOnConnect: false,
			// `signAndSend(who, { assetId: ASSET.kUSD })` pays the fee in kUSD.
			types: { TAssetConversion: "Option<AssetId>" },
			// None of them carries anything in a signed transaction.
			signedExtensions: {
				AuthorizeCall: { extrinsic: {}, payload: {} },
				ProtocolFirst: { extrinsic: {}, payload: {} },
				WeightReclaim: { extrinsic: {}, payload: {} },
			},
		});
		return new Chain(api, provider);
	}

	constructor(api, provider) {
		this.api = api;
		this.provider = provider;
		const keyring = new Keyring({ type: "sr25519" });
		this.accounts = Object.fromEntries(
			["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"].map((name) => [name, keyring.addFromUri(`//${name}`)]),
		);
		this.nonces = {};
		this.observed = {};
	}

	disconnect() {
		return this.api.disconnect();
	}

	rpc(method, ...params) {
		return this.provider.send(method, params);
	}

	// ---- blocks and time (manual sealing) ----

	/** Seal a block with what is in the pool, finalise it, and wait until the pool knows. */
	async seal() {
		const { hash } = await this.rpc("engine_createBlock", true, true, null);
		const { block } = await this.rpc("chain_getBlock", hash);
		const included = new Set(block.extrinsics);
		// A pool under load may keep a copy a little longer; the next block drops it.
		await until("the pool has let go of what the block holds", async () => {
			const pending = await this.rpc("author_pendingExtrinsics");
			return !pending.some((extrinsic) => included.has(extrinsic));
		}, 300).catch(() => {});
		return hash;
	}

	/** Milliseconds since 1970 of the last block. */
	async now() {
		return Number(await this.api.query.timestamp.now());
	}

	/** The next block's time, in milliseconds since 1970. */
	setTime(ms) {
		return this.rpc("dev_setTime", ms);
	}

	/** Let `ms` milliseconds pass with a block a minute: a time without blocks is no time in which somebody could act. */
	async pass(ms) {
		for (let left = ms; left > 0; left -= 60_000) {
			await this.setTime((await this.now()) + Math.min(left, 60_000));
			await this.seal();
		}
	}

	async height() {
		return (await this.api.rpc.chain.getHeader()).number.toNumber();
	}

	// ---- transactions ----

	async #nonce(name) {
		this.nonces[name] ??= (await this.api.rpc.system.accountNextIndex(this.accounts[name].address)).toNumber();
		return this.nonces[name]++;
	}

	/** Sign and put into the pool; no block yet. `options` as Polkadot.js takes them: `{ assetId: ASSET.kUSD }`, `{ tip }`. */
	async submit(call, name, options = {}) {
		const nonce = await this.#nonce(name);
		try {
			const signed = await call.signAsync(this.accounts[name], { nonce, era: 0, ...options });
			await this.rpc("author_submitExtrinsic", signed.toHex());
			return signed.hash.toHex();
		} catch (error) {
			delete this.nonces[name];
			throw error;
		}
	}

	/** Sign, seal and return the transaction's events; throws `Pallet.Error` by name if it failed. */
	async send(call, name, options = {}) {
		const hash = await this.submit(call, name, options);
		const block = await this.seal();
		return this.outcome(block, hash);
	}

	/** The events of a transaction in a block; throws `Pallet.Error` by name if it failed. */
	async outcome(blockHash, txHash) {
		const [{ block }, events] = await Promise.all([
			this.api.rpc.chain.getBlock(blockHash),
			this.eventsAt(blockHash),
		]);
		const index = block.extrinsics.findIndex((x) => x.hash.toHex() === txHash);
		if (index < 0) throw new Error(`transaction ${txHash} is not in block ${blockHash}`);
		const own = events.filter(({ phase }) => phase.isApplyExtrinsic && phase.asApplyExtrinsic.toNumber() === index);
		for (const { event } of own) {
			if (this.api.events.system.ExtrinsicFailed.is(event)) throw new Error(this.errorName(event.data[0]));
		}
		return own.map(({ event }) => event);
	}

	errorName(dispatchError) {
		if (!dispatchError.isModule) return dispatchError.toString();
		const { section, name } = this.api.registry.findMetaError(dispatchError.asModule);
		return `${section}.${name}`;
	}

	async eventsAt(blockHash) {
		const at = await this.api.at(blockHash);
		return [...(await at.query.system.events())];
	}

	// ---- prices ----

	/** One operator's feed of `{ BTC: 9188, … }`, observed now, into the pool. Takes no nonce and costs nothing. */
	async feed(name, prices) {
		const values = Object.entries(prices).map(([symbol, usd]) => [FEED[symbol], price(usd)]);
		// A feed must be newer than the operator's last, also if no time has passed.
		const observedAt = Math.max(await this.#clock(), (this.observed[name] ?? 0) + 1);
		this.observed[name] = observedAt;
		const key = this.accounts[name];
		return this.rpc("author_submitExtrinsic", signedFeed(this.api, key.address, key, observedAt, values));
	}

	/** What an operator's clock shows: the next block's time where blocks are made on demand, else the machine's. */
	async #clock() {
		this.onDemand ??= (await this.rpc("rpc_methods")).methods.includes("dev_time");
		return this.onDemand ? Number(await this.rpc("dev_time")) : Date.now();
	}

	/** All five operators feed the same prices; no block yet. */
	async feedAll(prices, names = OPERATORS) {
		await Promise.all(names.map((name) => this.feed(name, prices)));
	}

	/** A fresh price of every symbol that anybody may act on: feed and seal until no purpose refuses. */
	async freshPrices(prices, blocks = 3) {
		for (let i = 0; i < blocks; i++) {
			await this.feedAll(prices);
			await this.seal();
		}
	}

	// ---- reading ----

	async balance(symbol, address) {
		const account = await this.api.query.assets.account(ASSET[symbol], address);
		return account.isSome ? account.unwrap().balance.toBigInt() : 0n;
	}

	async supply(symbol) {
		return (await this.api.query.assets.asset(ASSET[symbol])).unwrap().supply.toBigInt();
	}

	/**
	 * Call a view function by name, as `view("Vaults", "health", 1)`; decoded by the metadata's own types.
	 */
	async view(pallet, name, ...args) {
		const { viewFunctions } = this.#pallet(pallet);
		const fn = viewFunctions.find((f) => f.name.toString() === name);
		if (!fn) throw new Error(`${pallet} has no view function ${name}; it has ${viewFunctions.map((f) => f.name)}`);
		const registry = this.api.registry;
		const typeName = (id) => registry.createLookupType(id);
		const encoded = u8aConcat(...fn.inputs.map((input, i) => registry.createType(typeName(input.type), args[i]).toU8a()));
		const query = u8aConcat(fn.id.toU8a(), registry.createType("Bytes", u8aToHex(encoded)).toU8a());
		const answer = await this.rpc("state_call", "RuntimeViewFunction_execute_view_function", u8aToHex(query));
		const bytes = hexToU8a(answer);
		if (bytes[0] !== 0) throw new Error(`view ${pallet}.${name} was refused: ${answer}`);
		const payload = registry.createType("Bytes", bytes.subarray(1));
		return registry.createType(typeName(fn.output), payload.toU8a(true));
	}

	#pallet(name) {
		const pallet = this.api.runtimeMetadata.asV16.pallets.find((p) => p.name.toString() === name);
		if (!pallet) throw new Error(`no pallet ${name} in the metadata`);
		return pallet;
	}
}

/** Poll `check` until it answers something true. */
export async function until(what, check, timeout = 20_000) {
	const begin = Date.now();
	for (;;) {
		const answer = await check();
		if (answer) return answer;
		if (Date.now() - begin > timeout) throw new Error(`timed out waiting until ${what}`);
		await new Promise((r) => setTimeout(r, 10));
	}
}
