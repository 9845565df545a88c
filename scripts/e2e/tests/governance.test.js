// Referenda move numbers inside bounds, and bounds inside limits; the committee makes things safer and nothing else.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BRANCH, units } from "../lib/chain.js";
import { event, fixture, PRICES, supplyGap } from "../lib/fixture.js";
import { ORIGIN, aye, committee, enact, guardian, propose, referendum } from "../lib/governance.js";
import { tryState } from "../lib/state.js";

const PERCENT = 10n ** 16n;
const ETH = { Branch: BRANCH.ETH };

describe("governance", () => {
	let world, chain, tx, events;
	before(async () => {
		world = await fixture();
		({ chain } = world);
		({ tx, events } = chain.api);
		await chain.send(tx.vaults.open(BRANCH.ETH, units(10, "ETH"), units(10_000, "kUSD")), "Bob");
	});
	after(() => world?.end());

	const key = (name) => ({ Branch: name });
	const values = (name, value) => tx.riskParameters.setValues(ETH, [[key(name), value]]);
	const bounds = (name, min, max) => tx.riskParameters.setBounds(ETH, [[key(name), min, max]]);
	const parameter = async (name) => (await chain.view("RiskParameters", "parameter", ETH, key(name))).unwrap();
	const each = () => chain.feedAll(PRICES);

	it("a referendum moves a bound, and then another one the value, within two minutes of blocks", async () => {
		const wide = await referendum(chain, ORIGIN.RiskBounds, bounds("StabilityFee", 0n, 30n * PERCENT), { each });
		assert.equal(wide.error, null);
		const [, , before, after] = event(wide.events, events.riskParameters.BoundsChanged);
		assert.equal(before.max.toBigInt(), 25n * PERCENT);
		assert.equal(after.max.toBigInt(), 30n * PERCENT);

		const raised = await referendum(chain, ORIGIN.RiskAdjust, values("StabilityFee", 3n * PERCENT), { each });
		assert.equal(raised.error, null);
		const [, , old, now] = event(raised.events, events.riskParameters.ParameterChanged);
		assert.equal(old.toBigInt(), 2n * PERCENT);
		assert.equal(now.toBigInt(), 3n * PERCENT);
		assert.equal((await parameter("StabilityFee")).value.toBigInt(), 3n * PERCENT);
		for (const { blocks } of [wide, raised]) assert.ok(blocks * 2 < 120, `${blocks} blocks of two seconds`);
	});

	it("what does not fit fails at enactment, with the reason, and nothing moves", async () => {
		const cases = [
			[ORIGIN.RiskAdjust, values("StabilityFee", 40n * PERCENT), "riskParameters.AboveBounds"],
			[ORIGIN.RiskAdjust, values("StabilityFee", 20n * PERCENT), "riskParameters.TightenedTooFar"],
			[ORIGIN.RiskAdjust, values("LiquidationRatio", 120n * PERCENT), "riskParameters.LoosenedTooFar"],
			[ORIGIN.RiskBounds, bounds("LiquidationRatio", 0n, 200n * PERCENT), "riskParameters.BoundsOutsideLimits"],
			[ORIGIN.RiskBounds, bounds("StabilityFee", 10n * PERCENT, 20n * PERCENT), "riskParameters.BoundsExcludeValue"],
			// Root is bound as everybody is.
			[ORIGIN.Root, values("StabilityFee", 40n * PERCENT), "riskParameters.AboveBounds"],
			// Each power has its own track.
			[ORIGIN.RiskAdjust, bounds("StabilityFee", 0n, 20n * PERCENT), "BadOrigin"],
			[ORIGIN.Treasurer, values("StabilityFee", 2n * PERCENT), "BadOrigin"],
		];
		for (const [origin, call, expected] of cases) {
			const outcome = await referendum(chain, origin, call, { each });
			assert.equal(outcome.ok, false);
			assert.equal(outcome.error, expected);
		}
		assert.equal((await parameter("StabilityFee")).value.toBigInt(), 3n * PERCENT);
		assert.equal((await parameter("LiquidationRatio")).value.toBigInt(), 150n * PERCENT);
	});

	it("the view says beforehand what a change would end in", async () => {
		const changes = [[key("StabilityFee"), 40n * PERCENT]];
		const preview = await chain.view("RiskParameters", "preview", ETH, changes, "Adjuster");
		assert.equal(chain.errorName(preview.asErr), "riskParameters.AboveBounds");
		const nearest = (await chain.view("RiskParameters", "nearest_allowed", ETH, key("StabilityFee"), 40n * PERCENT)).unwrap();
		assert.equal(nearest.now.toBigInt(), (3n * PERCENT * 3n) / 2n);
	});

	it("a second loosening waits for its cooldown, and the view says until when", async () => {
		const first = await referendum(chain, ORIGIN.RiskAdjust, values("StabilityFee", 29n * 10n ** 15n), { each });
		assert.equal(first.error, null);
		const second = await referendum(chain, ORIGIN.RiskAdjust, values("StabilityFee", 28n * 10n ** 15n), { each });
		assert.equal(second.error, "riskParameters.CoolingDown");
		const info = await parameter("StabilityFee");
		assert.equal(info.loosenFrom.toNumber() - info.lastLoosened.unwrap().toNumber(), 86_400_000);
	});

	it("without support a referendum is rejected", async () => {
		const index = await propose(chain, ORIGIN.RiskAdjust, values("StabilityFee", 30n * 10n ** 15n), "Eve");
		await aye(chain, index, "Eve", 100n);
		const outcome = await enact(chain, index, { each });
		assert.equal(outcome.error, "referenda.Rejected");
	});

	it("a guardian tightens at once, and cannot loosen, nor touch what costs those who are in", async () => {
		const done = await guardian(chain, values("SafetyMargin", 11n * PERCENT));
		event(done, events.riskParameters.ParameterChanged);
		await assert.rejects(guardian(chain, values("SafetyMargin", 10n * PERCENT)), /riskParameters\.GuardianMayOnlyTighten/);
		await assert.rejects(guardian(chain, values("LiquidationPenalty", 14n * PERCENT)), /riskParameters\.NotForGuardians/);
		await assert.rejects(guardian(chain, bounds("SafetyMargin", 5n * PERCENT, 20n * PERCENT)), /BadOrigin/);
	});

	it("nobody acts for the committee alone or from outside", async () => {
		await assert.rejects(chain.send(values("SafetyMargin", 12n * PERCENT), "Ferdie"), /BadOrigin/);
		const call = values("SafetyMargin", 12n * PERCENT);
		await assert.rejects(
			chain.send(tx.technicalCommittee.propose(1, call, call.method.encodedLength), "Alice"),
			/1010|Invalid Transaction|Transaction call is not expected/,
		);
	});

	it("the committee whitelists, the public still votes", async () => {
		const call = tx.insuranceFund.payBadDebt(0);
		await committee(chain, tx.whitelist.whitelistCall(call.method.hash));
		const done = await referendum(
			chain,
			ORIGIN.WhitelistedCaller,
			tx.whitelist.dispatchWhitelistedCallWithPreimage(call),
			{ each },
		);
		assert.equal(done.error, null);
		event(done.events, events.whitelist.WhitelistedCallDispatched);
		const other = await referendum(
			chain,
			ORIGIN.WhitelistedCaller,
			tx.whitelist.dispatchWhitelistedCallWithPreimage(tx.insuranceFund.payBadDebt(1)),
			{ each },
		);
		// Voted through, but not vouched for: it waits for the committee, and expires.
		assert.equal(other.error, null);
		event(other.events, events.whitelist.DispatchDeferred);
		assert.ok(!other.events.some((e) => events.whitelist.WhitelistedCallDispatched.is(e)));
	});

	it("the treasury pays what a referendum says", async () => {
		const { address } = chain.accounts.Ferdie;
		const spend = await referendum(chain, ORIGIN.Treasurer, tx.treasury.spend(null, 5n * 10n ** 12n, address, null), { each });
		assert.equal(spend.error, null);
		const { index } = event(spend.events, events.treasury.AssetSpendApproved);
		await chain.send(tx.treasury.payout(index), "Eve");
	});

	it("a referendum stops another one", async () => {
		const bad = await propose(chain, ORIGIN.Root, tx.system.remark("0x00"));
		const outcome = await referendum(chain, ORIGIN.ReferendumCanceller, tx.referenda.cancel(bad), { each });
		assert.equal(outcome.error, null);
		assert.ok((await chain.api.query.referenda.referendumInfoFor(bad)).unwrap().isCancelled);
	});

	it("safe mode and paused calls stop what is outside, never a way out", async () => {
		const vault = (await chain.view("Vaults", "vaults_of", chain.accounts.Bob.address))[0];
		await committee(chain, tx.safeMode.forceEnter());
		await assert.rejects(chain.send(tx.balances.transferKeepAlive(chain.accounts.Eve.address, 1n), "Bob"), /system\.CallFiltered/);
		await assert.rejects(chain.send(tx.vaults.open(BRANCH.ETH, units(5, "ETH"), units(5_000, "kUSD")), "Bob"), /system\.CallFiltered/);
		await chain.feedAll(PRICES);
		await chain.send(tx.vaults.repay(vault, units(100, "kUSD")), "Bob");
		await chain.send(tx.vaults.topUp(vault, units(1, "ETH")), "Bob");
		// By itself, after its time.
		for (let i = 0; i < 31; i++) await chain.seal();
		await chain.send(tx.balances.transferKeepAlive(chain.accounts.Eve.address, 10n ** 12n), "Bob");

		await committee(chain, tx.txPause.pause(["Vaults", "open"]));
		await chain.freshPrices(PRICES, 4);
		await assert.rejects(chain.send(tx.vaults.open(BRANCH.ETH, units(5, "ETH"), units(5_000, "kUSD")), "Bob"), /system\.CallFiltered/);
		await assert.rejects(committee(chain, tx.txPause.pause(["Vaults", "repay"])), /txPause\.Unpausable/);
		await assert.rejects(committee(chain, tx.txPause.pause(["Referenda", "submit"])), /txPause\.Unpausable/);
		// Safe mode was used a moment ago: the power rests.
		await assert.rejects(committee(chain, tx.safeMode.forceEnter()), /BadOrigin/);
		await committee(chain, tx.txPause.unpause(["Vaults", "open"]));
		await chain.freshPrices(PRICES, 1);
		await chain.send(tx.vaults.open(BRANCH.ETH, units(5, "ETH"), units(5_000, "kUSD")), "Bob");
	});

	it("what could not be enacted is refused when it is submitted", async () => {
		const one = values("StabilityFee", 2n * PERCENT);
		const heavy = tx.utility.batchAll(Array(33).fill(one));
		await assert.rejects(propose(chain, ORIGIN.RiskAdjust, heavy), /exhaust the block limits|CallFiltered/);
	});

	it("an operator, a feed and a guardian are suspended at once, and go on by themselves", async () => {
		const { address } = chain.accounts.Dave;
		const suspended = async () => (await chain.api.query.emergency.suspended()).length;
		await committee(chain, tx.emergency.suspend({ Feed: BRANCH.ETH }));
		await committee(chain, tx.emergency.suspend({ Member: address }));
		assert.equal(await suspended(), 2);
		await assert.rejects(chain.send(tx.vaults.open(BRANCH.ETH, units(5, "ETH"), units(5_000, "kUSD")), "Bob"), /prices\./);
		for (let i = 0; i < 61; i++) await chain.seal();
		assert.equal(await suspended(), 0);
		await assert.rejects(committee(chain, tx.emergency.suspend({ Feed: BRANCH.ETH })), /emergency\.PowerResting/);
	});

	it("after all of it every invariant holds", async () => {
		assert.ok((await tryState(chain)) > 100);
		assert.equal(await supplyGap(chain), 0n);
	});
});
