// Referenda and the technical committee, from a script.

import { event } from "./fixture.js";

/** The origins a referendum may ask for. */
export const ORIGIN = {
	Root: { system: "Root" },
	WhitelistedCaller: { Origins: "WhitelistedCaller" },
	RiskBounds: { Origins: "RiskBounds" },
	RiskAdjust: { Origins: "RiskAdjust" },
	Treasurer: { Origins: "Treasurer" },
	ReferendumCanceller: { Origins: "ReferendumCanceller" },
	ReferendumKiller: { Origins: "ReferendumKiller" },
};

const KEEL = 10n ** 12n;

/** Put `call` to a referendum of `origin`, with its decision deposit, by `who`. Returns the referendum's index. */
export async function propose(chain, origin, call, who = "Alice") {
	const { tx, query, events } = chain.api;
	const bytes = call.method.toU8a();
	let proposal = { Inline: call.method.toHex() };
	if (bytes.length > 128) {
		await chain.send(tx.preimage.notePreimage(call.method.toHex()), who);
		proposal = { Lookup: { hash: call.method.hash, len: bytes.length } };
	}
	const index = (await query.referenda.referendumCount()).toNumber();
	const submitted = await chain.send(tx.referenda.submit(origin, proposal, { After: 0 }), who);
	event(submitted, events.referenda.Submitted);
	await chain.send(tx.referenda.placeDecisionDeposit(index), who);
	return index;
}

/** Vote aye with `keel` whole KEEL. */
export function aye(chain, index, who, keel = 900_000n) {
	const vote = { Standard: { vote: { aye: true, conviction: "Locked1x" }, balance: keel * KEEL } };
	return chain.send(chain.api.tx.convictionVoting.vote(index, vote), who);
}

/** What says that something approved was not, or not yet, done. Each is an error wherever it shows. */
function lost(kinds, e) {
	const { scheduler, origins, utility, whitelist } = kinds;
	// The scheduler calls that one dispatched.
	const inner = whitelist.WhitelistedCallDispatched.is(e) && e.data.result.isErr;
	const bad = [
		scheduler.CallUnavailable,
		scheduler.PermanentlyOverweight,
		scheduler.RetryFailed,
		scheduler.PeriodicFailed,
		scheduler.AgendaIncomplete,
		origins.NotScheduled,
		utility.BatchInterrupted,
		utility.ItemFailed,
	];
	return inner || bad.some((kind) => kind.is(e)) ? `${e.section}.${e.method} ${JSON.stringify(e.data.toHuman())}` : null;
}

/**
 * Make blocks until referendum `index` has been enacted. Returns `{ ok, error, blocks, events }`: what became of its call, by
 * name. `each` runs before every block (to keep prices fresh, say). Throws if the scheduler or the agenda says that something was
 * not enacted, and if the referendum was approved and nothing was dispatched within `most` blocks.
 */
export async function enact(chain, index, { each = async () => {}, most = 100 } = {}) {
	const kinds = chain.api.events;
	let confirmed = false;
	for (let blocks = 1; blocks <= most; blocks++) {
		await each();
		const events = (await chain.eventsAt(await chain.seal())).map((record) => record.event);
		for (const e of events) {
			const mine = e.section === "referenda" && e.data.index?.toNumber() === index;
			if (mine && (kinds.referenda.Rejected.is(e) || kinds.referenda.TimedOut.is(e))) {
				return { ok: false, error: `referenda.${e.method}`, blocks, events };
			}
			if (mine && kinds.referenda.Confirmed.is(e)) confirmed = true;
			const missed = lost(kinds, e);
			if (missed) throw new Error(`referendum ${index}: ${missed}`);
			// What enacts a referendum is a named task; its alarms are not.
			if (confirmed && kinds.scheduler.Dispatched.is(e) && e.data.id.isSome) {
				const { result } = e.data;
				return { ok: result.isOk, error: result.isErr ? chain.errorName(result.asErr) : null, blocks, events };
			}
		}
	}
	const what = confirmed ? "was approved and not dispatched" : "was not decided";
	throw new Error(`referendum ${index} ${what} within ${most} blocks`);
}

/** Propose, vote and enact. */
export async function referendum(chain, origin, call, options = {}) {
	const index = await propose(chain, origin, call);
	for (const who of options.voters ?? ["Alice", "Bob", "Charlie"]) await aye(chain, index, who);
	return enact(chain, index, options);
}

/**
 * The technical committee does `call` on the word of one member, a third of it. Throws the call's error by name, as `send`
 * does.
 */
export async function guardian(chain, call, who = "Ferdie") {
	const { tx, events } = chain.api;
	const done = await chain.send(tx.technicalCommittee.propose(1, call, call.method.encodedLength), who);
	const { result } = event(done, events.technicalCommittee.Executed);
	if (result.isErr) throw new Error(chain.errorName(result.asErr));
	return done;
}

/** The whole committee votes `call` through. Throws the call's error by name. */
export async function committee(chain, call, members = ["Dave", "Eve", "Ferdie"]) {
	const { tx, events } = chain.api;
	const length = call.method.encodedLength;
	const proposed = await chain.send(tx.technicalCommittee.propose(members.length, call, length), members[0]);
	const { proposalIndex, proposalHash } = event(proposed, events.technicalCommittee.Proposed);
	for (const member of members) await chain.send(tx.technicalCommittee.vote(proposalHash, proposalIndex, true), member);
	const weight = { refTime: 90_000_000_000n, proofSize: 1_000_000n };
	const closed = await chain.send(tx.technicalCommittee.close(proposalHash, proposalIndex, weight, length), members[0]);
	const { result } = event(closed, events.technicalCommittee.Executed);
	if (result.isErr) throw new Error(chain.errorName(result.asErr));
	return closed;
}
