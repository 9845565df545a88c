// The invariants of every pallet, checked on the state of a running node.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Run `try_state` of all pallets on the state of the last block: every key and value is handed to the checker that is built
 * beside the runtime's tests. Throws what it found. Returns the number of keys it looked at.
 */
export async function tryState(chain) {
	const checker = process.env.KEEL_TRY_STATE;
	if (!checker) throw new Error("KEEL_TRY_STATE must name the try_state checker; scripts/e2e/run.sh sets it");
	const hash = (await chain.api.rpc.chain.getHeader()).hash.toHex();
	const pairs = [];
	for (let from = undefined; ; ) {
		const keys = await chain.rpc("state_getKeysPaged", "0x", 1_000, from, hash);
		const [{ changes }] = keys.length ? await chain.rpc("state_queryStorageAt", keys, hash) : [{ changes: [] }];
		pairs.push(...changes);
		if (keys.length < 1_000) break;
		from = keys.at(-1);
	}
	const folder = await mkdtemp(join(tmpdir(), "keel-state-"));
	try {
		const file = join(folder, "state.json");
		await writeFile(file, JSON.stringify(pairs));
		await run(checker, [file]);
		return pairs.length;
	} catch (error) {
		throw new Error(`the state at ${hash} breaks an invariant: ${error.stderr || error.message}`);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}
