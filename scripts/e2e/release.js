// What a release's chain says of itself: `KEEL_NODE=… node release.js WASM`. Starts the node on a chain of
// its own.
//
// The metadata hash (RFC 78) is computed from the metadata by a library that is not the SDK's, and a
// transaction signed over it is offered to the chain: accepted, the Wasm carries the same hash.

import { readFileSync } from "node:fs";
import { merkleizeMetadata } from "@polkadot-api/merkleize-metadata";
import { u8aEq, u8aToHex } from "@polkadot/util";
import { Chain } from "./lib/chain.js";
import { KeelNode } from "./lib/node.js";

/** Storage key of the runtime's code. */
const CODE = "0x3a636f6465";
const note = (name, value) => console.log(`    ${name.padEnd(20)} ${value}`);

const wasm = readFileSync(process.argv[2]);
const node = await new KeelNode().start();
let chain;
let failed = true;
try {
	chain = await Chain.connect(node.url);
	const { api } = chain;
	const { specName, specVersion, transactionVersion } = api.runtimeVersion;
	note("runtime", `${specName} ${specVersion}, transactions ${transactionVersion}`);

	const answer = await chain.rpc("state_call", "Metadata_metadata_at_version", u8aToHex(api.createType("u32", 15).toU8a()));
	const metadata = api.createType("Option<Bytes>", answer).unwrap();
	const { tokenSymbol, tokenDecimals } = await chain.rpc("system_properties");
	const digest = u8aToHex(
		merkleizeMetadata(metadata.toU8a(true), { tokenSymbol, decimals: tokenDecimals }).digest(),
	);
	const signed = await api.tx.system
		.remark("0x")
		.signAsync(chain.accounts.Alice, { nonce: 0, era: 0, mode: 1, metadataHash: digest });
	const carried = await chain.rpc("author_submitExtrinsic", signed.toHex()).then(
		() => "",
		(error) => `, but the Wasm does not carry it: ${error.message}`,
	);
	note("metadata hash", `${digest}${carried}`);

	if (!u8aEq(await chain.rpc("state_getStorage", CODE), wasm)) {
		throw new Error(`the node's runtime is another than ${process.argv[2]}: name the Wasm that was built with it`);
	}
	// A build without the feature `metadata-hash` is refused as CannotLookup; a wrong hash as a bad
	// signature.
	if (/bad signature/i.test(carried)) throw new Error("the Wasm carries another metadata hash than its metadata has");
	if (carried && process.env.KEEL_METADATA_HASH !== "no") {
		throw new Error("a release carries its metadata hash: build it with the feature `metadata-hash`");
	}
	failed = false;
} catch (error) {
	console.error(`error: ${error.message}`);
} finally {
	await chain?.disconnect();
	await node.destroy();
}
process.exit(failed ? 1 : 0);
