// Walks a referendum through on a running development chain and says what happens: `node scripts/e2e/referendum.js`.
// It raises ETH's stability fee by a tenth of a point, as anybody could propose and everybody vote on.

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

const index = (await query.referenda.referendumCount()).toNumber();
const info = async () => (await query.referenda.referendumInfoFor(index)).unwrapOr(null);
await chain.submit(tx.referenda.submit(ORIGIN.RiskAdjust, { Inline: call.method.toHex() }, { After: 0 }), "Alice");
await until("it is submitted", info, 30_000);
say(`referendum ${index} is submitted on track risk_adjust`);
await chain.submit(tx.referenda.placeDecisionDeposit(index), "Alice");
for (const name of ["Alice", "Bob", "Charlie"]) {
	const vote = { Standard: { vote: { aye: true, conviction: "Locked1x" }, balance: 900_000n * KEEL } };
	await chain.submit(tx.convictionVoting.vote(index, vote), name);
}
await until("it is being decided", async () => (await info()).isOngoing && (await info()).asOngoing.deciding.isSome, 60_000);
say("the decision deposit is placed, three have voted aye, it is being decided");
await until("it is approved", async () => !(await info()).isOngoing, 120_000);
if (!(await info()).isApproved) throw new Error(`it was not approved: ${(await info()).type}`);
say("approved; now everybody can see what will be enacted, and when (scheduler.agenda)");
await until("it is enacted", async () => (await fee()) !== old, 60_000);
say(`enacted: the fee is ${(100 * fixed(await fee())).toFixed(2)} %`);
await chain.disconnect();
