// General transactions: extrinsic version 5 without a signature of its own. polkadot.js 16 builds bare and signed ones only.

import { compactAddLength, hexToU8a, stringToU8a, u8aConcat, u8aToHex } from "@polkadot/util";
import { decodeAddress } from "@polkadot/util-crypto";

/** Version 5 with the two bits that say *general*. */
const PREAMBLE = 0b0100_0101;
/** The version of the runtime's list of transaction extensions. */
const EXTENSIONS = 0;
/** What a feeder signs begins with this; `FEED_DOMAIN` of the prices pallet. */
const FEED_DOMAIN = stringToU8a("keel/feed");

/**
 * `call` as a general transaction, ready for `author_submitExtrinsic`: its length, the preamble, the version of the extensions, what
 * each extension in the metadata's list carries, and the call. Every extension carries the default of its type: immortal, nonce
 * zero, no tip, no metadata hash. A runtime whose list changes is served as long as those defaults mean nothing to it.
 */
export function generalTransaction(api, call) {
	const { registry } = api;
	const { transactionExtensions } = api.runtimeMetadata.asV16.extrinsic;
	const carried = transactionExtensions.map(({ type }) => registry.createType(registry.createLookupType(type)).toU8a());
	return u8aToHex(compactAddLength(u8aConcat([PREAMBLE, EXTENSIONS], ...carried, call.method.toU8a())));
}

/**
 * A feed of `operator`, signed by `key` (a keyring pair: the operator's feeder, or the operator itself) as a general transaction.
 * `values` are pairs of feed and FixedU128's inner value; `observedAt` is in milliseconds since 1970.
 */
export function signedFeed(api, operator, key, observedAt, values) {
	const { registry } = api;
	const payload = u8aConcat(
		FEED_DOMAIN,
		hexToU8a(api.genesisHash.toHex()),
		decodeAddress(operator),
		registry.createType("u64", observedAt).toU8a(),
		registry.createType("Vec<(u32, u128)>", values).toU8a(),
	);
	// With the byte that names the scheme: a MultiSignature.
	const signature = key.sign(payload, { withType: true });
	return generalTransaction(api, api.tx.prices.feed(operator, observedAt, values, signature));
}
