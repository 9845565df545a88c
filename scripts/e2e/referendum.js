// Walks a referendum through on a running development chain and says what happens:
// `node scripts/e2e/referendum.js`. It raises ETH's stability fee by a tenth of a point, as anybody could propose
// and everybody vote on.

import { Chain, BRANCH, fixed, until } from "./lib/chain.js";
import { ORIGIN } from "./lib/governance.js";

const url = process.argv[2] ?? "ws://127.0.0.1:9944";
const KEEL = 10n ** 12n;
const chain = await Chain.connect(url);
const { tx, query } = chain.api;
const begin = Date.now();
const say = (what) => console.log(`  ${((Date.now() - begin) / 1000).toFixed(0).padStart(4)} s  ${what}`);

const subject = { Branch: BRANCH.ETH };
const key = { Branch: "StabilityFee" };
const fee = async () => (await chain.view("RiskParameters", "parameter", subject, key)).unwrap().value.toBigInt();
const old = await fee();
const call = tx.riskParameters.setValues(subject, [[key, old + 10n ** 15n]]);

const preview = await chain.view("RiskParameters", "preview", subject, [[key, old + 10n ** 15n]], "Adjuster");
if (preview.isErr) throw new Error(`it would end in ${chain.errorName(preview.asErr)}`);
say(`ETH's stability fee is ${(100 * fixed(old)).toFixed(2)} %; the preview says the change would be accepted`);

/**
 * Submit, and again while `done` does not come true: beside others who sign for the same accounts a
 * transaction may lose its place to one with the same nonce.
 */
async function submit(what, call, name, done, timeout = 20_000) {
	for (let tries = 1; ; tries++) {
		delete chain.nonces[name];
		const refused = await chain.submit(call, name).then(() => null, (error) => error);
		try {
			return await until(what, done, refused ? 3_000 : timeout / 2);
		} catch (error) {
			if (tries === 6) throw refused ?? error;
		}
	}
}

const index = (await query.referenda.referendumCount()).toNumber();
const info = async () => (await query.referenda.referendumInfoFor(index)).unwrapOr(null);
const ongoing = async () => {
	const found = await info();
	return found?.isOngoing ? found.asOngoing : null;
};
const proposal = { Inline: call.method.toHex() };
await submit("it is submitted", tx.referenda.submit(ORIGIN.RiskAdjust, proposal, { After: 0 }), "Alice", info);
say(`referendum ${index} is submitted on track risk_adjust`);
await submit("its deposit is placed", tx.referenda.placeDecisionDeposit(index), "Alice", async () => (await ongoing())?.decisionDeposit.isSome);
const vote = { Standard: { vote: { aye: true, conviction: "Locked1x" }, balance: 900_000n * KEEL } };
const voters = ["Alice", "Bob", "Charlie"].map((name) => {
	const counts = async () => {
		const votes = await query.convictionVoting.votingFor.entries(chain.accounts[name].address);
		const counted = votes.some(([, v]) => v.isCasting && v.asCasting.votes.some(([poll]) => poll.toNumber() === index));
		// One vote may be enough, and then the others come too late.
		return counted || !(await ongoing());
	};
	return submit(`${name}'s vote counts`, tx.convictionVoting.vote(index, vote), name, counts);
});
await Promise.all(voters);
say("the decision deposit is placed, three have voted aye");
await until("it is being decided", async () => !(await ongoing()) || (await ongoing()).deciding.isSome, 60_000);
say("it is being decided");
await until("it is approved", async () => !(await info()).isOngoing, 120_000);
if (!(await info()).isApproved) throw new Error(`it was not approved: ${(await info()).type}`);
say("approved; now everybody can see what will be enacted, and when (scheduler.agenda)");
await until("it is enacted", async () => (await fee()) !== old, 60_000);
say(`enacted: the fee is ${(100 * fixed(await fee())).toFixed(2)} %`);
await chain.disconnect();
