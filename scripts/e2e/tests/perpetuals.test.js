// Perpetual futures as those live them who use them: a liquidity provider, a trader who takes a profit, one who is liquidated.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MARKET, fixed, price, units } from "../lib/chain.js";
import { booksGap, event, fixture, PRICES, supplyGap } from "../lib/fixture.js";

const MINUTE = 60_000;

describe("perpetual futures", () => {
	let world, chain, tx, api, prices;
	before(async () => {
		world = await fixture();
		({ chain } = world);
		({ api } = chain);
		({ tx } = api);
		prices = { ...PRICES };
		// Nobody starts with kUSD.
		for (const name of ["Alice", "Bob", "Charlie", "Ferdie"]) {
			await chain.send(tx.vaults.open(3, units(200, "ETH"), units(200_000, "kUSD")), name);
			await chain.freshPrices(prices, 1);
		}
	});
	after(() => world?.end());

	/** An order as its owner gives it. */
	const terms = (market, size, more = {}) => ({
		market: MARKET[market],
		size,
		trigger: null,
		limit: null,
		resting: false,
		reduceOnly: false,
		expiresIn: 10 * MINUTE,
		...more,
	});

	/** An index price to wait for. */
	const at = (dollars, when, trail = null) => ({ price: price(dollars), when, trail });

	/** Commit an order; its number. */
	async function commit(name, market, size, { sub = 0, ...more } = {}) {
		const committed = await chain.send(tx.perpetuals.commitOrder(sub, terms(market, size, more)), name);
		return event(committed, api.events.perpetuals.OrderCommitted).order;
	}

	/** The number of a margin account. */
	const numberOf = async (name, sub = 0) => (await statement(name, sub)).account;

	/** An open order of Bob's account 0; none if it is gone. */
	const open = async (id) => (await chain.view("Perpetuals", "order", await numberOf("Bob"), id)).unwrapOr(null);

	/** What of a position there is. */
	async function held(name, market, sub = 0) {
		const exposures = (await statement(name, sub)).exposures;
		return exposures.find((exposure) => exposure.market.toNumber() === MARKET[market])?.size_.toBigInt() ?? 0n;
	}

	/** Commit an order and let the next price fill it; the events of both blocks. */
	async function order(name, market, size, more = {}) {
		const { sub = 0, ...rest } = more;
		const committed = await chain.send(tx.perpetuals.commitOrder(sub, terms(market, size, rest)), name);
		const filled = await next(3);
		return { id: event(committed, api.events.perpetuals.OrderCommitted).order.toBigInt(), committed, filled };
	}

	/** Blocks with fresh prices; all their events. */
	async function next(blocks = 1) {
		const all = [];
		for (let i = 0; i < blocks; i++) {
			await chain.feedAll(prices);
			const block = await chain.seal();
			all.push(...(await chain.eventsAt(block)).map((e) => e.event));
		}
		return all;
	}

	/** From here to a price, not faster than a breaker minds. */
	async function walk(symbol, to, steps = 10) {
		const from = prices[symbol];
		const all = [];
		for (let i = 1; i <= steps; i++) {
			prices = { ...prices, [symbol]: from + ((to - from) * i) / steps };
			await chain.setTime((await chain.now()) + 50_000);
			all.push(...(await next()));
		}
		return all;
	}

	const statement = async (name, sub = 0) => (await chain.view("Margin", "statement_of", chain.accounts[name].address, sub)).unwrap();

	/** By place: `size` is what a JavaScript collection calls its length. */
	const sizeOf = (filled) => filled[3].toBigInt();

	const exact = async () => {
		assert.equal(await supplyGap(chain), 0n);
		assert.equal(await booksGap(chain), 0n);
	};

	it("takes liquidity in at the first price newer than the request", async () => {
		await chain.send(tx.liquidityPool.provide(units(100_000, "kUSD"), 0), "Alice");
		assert.equal(await chain.balance("kLP", chain.accounts.Alice.address), 0n, "not at a price she has seen");
		await next(2);
		const shares = await chain.balance("kLP", chain.accounts.Alice.address);
		assert.ok(shares > 0n);
		await exact();
	});

	it("opens an account with several collaterals", async () => {
		await chain.send(tx.margin.deposit(0, 1, units(5_000, "kUSD")), "Bob");
		await chain.send(tx.margin.deposit(0, 3, units(1, "ETH")), "Bob");
		const account = await statement("Bob");
		assert.equal(account.cash.toBigInt(), units(5_000, "kUSD"));
		// An ether counts for 90 % of its conservative value.
		const equity = Number(account.equity.toBigInt()) / 1e6;
		assert.ok(equity > 7_650 && equity <= 7_700, `${equity}`);
		await exact();
	});

	it("previews an order and fills it at exactly that, at the next price", async () => {
		const size = units(0.5, "size");
		const preview = (
			await chain.view("Perpetuals", "preview_order", chain.accounts.Bob.address, 0, terms("BTC", size))
		).asOk;
		const leverage = fixed(preview.leverage.unwrap());
		assert.ok(leverage > 3.8 && leverage < 4.2, `30,000 on 7,670, not ${leverage}`);
		assert.ok(fixed((await chain.view("Perpetuals", "market", MARKET.BTC)).unwrap().maxLeverage) > leverage);
		const { filled } = await order("Bob", "BTC", size);
		const fill = event(filled, api.events.perpetuals.OrderFilled);
		assert.equal(sizeOf(fill), size);
		assert.equal(fill.price.toString(), preview.fill.price.toString());
		assert.equal(fill.fee.toString(), preview.fill.fee.toString());
		// Half of 0.5 over K = 30,000 above the index.
		assert.ok(Math.abs(fixed(fill.price) / 60_000 - (1 + 0.25 / 30_000)) < 1e-8);
		await exact();
	});

	it("lets funding accrue while the skew stands", async () => {
		const before = await chain.view("Perpetuals", "market", MARKET.BTC);
		for (let i = 0; i < 12; i++) {
			await chain.setTime((await chain.now()) + 50_000);
			await next();
		}
		const after = await chain.view("Perpetuals", "market", MARKET.BTC);
		assert.ok(after.unwrap().fundingPerDay.toBigInt() > before.unwrap().fundingPerDay.toBigInt(), "longs pay more by the minute");
		const [exposure] = (await statement("Bob")).exposures;
		assert.ok(exposure.fundingPerHour.toBigInt() > 0n);
		// Bob is all there is on the larger side: a rent for the pool's capital, and every gain is paid in full.
		assert.ok(after.unwrap().borrowPerYear.toBigInt() > 0n);
		assert.equal(after.unwrap().haircut.toBigInt(), 0n);
		assert.ok((await chain.view("Perpetuals", "recovery", exposure.market)).isNone);
	});

	it("takes a profit by itself when the price is there", async () => {
		const target = 63_000;
		const size = -units(0.5, "size");
		await commit("Bob", "BTC", size, { trigger: at(target, "Above"), reduceOnly: true, expiresIn: 60 * MINUTE });
		const before = (await statement("Bob")).cash.toBigInt();
		const events = await walk("BTC", 63_100);
		events.push(...(await next(3)));
		const fill = event(events, api.events.perpetuals.OrderFilled);
		assert.equal(sizeOf(fill), size);
		const gain = Number((await statement("Bob")).cash.toBigInt() - before) / 1e6;
		assert.ok(gain > 1_400 && gain < 1_600, `about half of 3,000, not ${gain}`);
		await exact();
	});

	it("says what would work when an order can't", async () => {
		const refused = (size, more, error) => assert.rejects(commit("Bob", more.market ?? "BTC", size, more), error);
		const tenth = units(0.1, "size");
		await refused(0, {}, /perpetuals\.ZeroSize/);
		await refused(tenth, { sub: 9 }, /perpetuals\.UnknownAccount/);
		await refused(tenth, { market: 99 }, /perpetuals\.UnknownMarket/);
		await refused(tenth, { reduceOnly: true }, /perpetuals\.NothingToReduce/);
		await refused(tenth, { expiresIn: 0 }, /perpetuals\.OutOfRange/);
		await refused(tenth, { trigger: at(1, "Below", 10n ** 14n) }, /perpetuals\.OutOfRange/);
		await refused(tenth, { resting: true }, /perpetuals\.LimitNeeded/);
		await refused(1, {}, /perpetuals\.OrderTooSmall/);
		// As a whole or not at all, and more than a step.
		await refused(units(100, "size"), { limit: price(70_000) }, /perpetuals\.OrderTooLarge/);
		await assert.rejects(chain.send(tx.perpetuals.listMarket(9, 6), "Bob"), /BadOrigin/);
		await assert.rejects(chain.send(tx.perpetuals.cancelAll(0, null), "Bob"), /perpetuals\.NothingToCancel/);
		await assert.rejects(chain.send(tx.perpetuals.closeAll(0, MINUTE), "Bob"), /perpetuals\.NothingToReduce/);
		await assert.rejects(chain.send(tx.perpetuals.amendOrder(0, 9_999, terms("BTC", tenth)), "Bob"), /perpetuals\.UnknownOrder/);
		const pair = tx.perpetuals.commitPair(0, terms("BTC", tenth), terms("ETH", tenth));
		await assert.rejects(chain.send(pair, "Bob"), /perpetuals\.NotAPair/);
		// Far more than the account can carry: refused at once, for what an order needs is held from then on.
		await chain.send(tx.margin.deposit(1, 1, units(100, "kUSD")), "Bob");
		await refused(units(1, "size"), { sub: 1 }, /perpetuals\.NotEnoughMargin/);
		// What can't be filled at the price it finds is gone, with its fee.
		const { committed, filled } = await order("Bob", "BTC", units(0.01, "size"), { sub: 1, limit: price(1_000) });
		const failed = event(filled, api.events.perpetuals.OrderFailed);
		assert.match(chain.errorName(failed.error), /perpetuals\.LimitNotMet/);
		assert.equal(failed.fee.toBigInt(), event(committed, api.events.perpetuals.OrderCommitted).fee.toBigInt());
		assert.equal((await statement("Bob", 1)).cash.toBigInt(), units(100, "kUSD") - failed.fee.toBigInt());
		await exact();
	});

	it("does not fill on a price it has seen", async () => {
		const before = (await statement("Bob")).cash.toBigInt();
		const id = await commit("Bob", "BTC", units(0.1, "size"));
		for (let i = 0; i < 3; i++) await chain.seal();
		assert.ok(await open(id), "no newer price, no fill");
		// Nor can its owner drop it with the price in sight, by cancelling or by taking away what it needs.
		await assert.rejects(chain.send(tx.perpetuals.cancelOrder(await numberOf("Bob"), id), "Bob"), /perpetuals\.TooEarlyToCancel/);
		const { cash, heldForOrders } = await statement("Bob");
		assert.ok(heldForOrders.toBigInt() > units(250, "kUSD"), `${heldForOrders}`);
		assert.equal(cash.toBigInt(), before, "its fee is held, and not taken");
		await chain.send(tx.margin.withdraw(0, 3, units(1, "ETH")), "Bob");
		await assert.rejects(chain.send(tx.margin.withdraw(0, 1, cash.toBigInt()), "Bob"), /margin\.InitialRequirement/);
		await chain.send(tx.margin.deposit(0, 3, units(1, "ETH")), "Bob");
		const fill = event(await next(3), api.events.perpetuals.OrderFilled);
		assert.equal(await open(id), null);
		// The fee of the fill is more than what was held for the order: that is all it costs.
		const paid = before - (await statement("Bob")).cash.toBigInt();
		assert.equal(paid, fill.fee.toBigInt());
		assert.equal((await statement("Bob")).heldForOrders.toBigInt(), 0n);
		await order("Bob", "BTC", -units(0.1, "size"), { reduceOnly: true });
	});

	it("rests for a price, fills as far as its limit lets it, and costs nothing while it waits", async () => {
		prices = { ...PRICES };
		await next(3);
		const account = await numberOf("Bob");
		const before = (await statement("Bob")).cash.toBigInt();
		const away = await commit("Bob", "BTC", units(0.1, "size"), { limit: price(59_000), resting: true });
		const rested = await next(3);
		assert.ok(rested.some((e) => api.events.perpetuals.OrderRests.is(e)));
		assert.ok((await open(away)).stage.isResting);
		assert.ok((await statement("Bob")).heldForOrders.toBigInt() > 0n);
		// Its account keeps it.
		const numbers = (orders) => orders.map(({ id }) => id.toBigInt());
		assert.deepEqual(numbers(await chain.view("Perpetuals", "orders", account)), [away.toBigInt()]);
		assert.deepEqual(numbers((await api.query.margin.accounts(account)).unwrap().trader.orders), [away.toBigInt()]);
		// To a lower limit, and then not at all: for nothing.
		const lower = terms("BTC", units(0.2, "size"), { limit: price(58_000), resting: true });
		await chain.send(tx.perpetuals.amendOrder(0, away, lower), "Bob");
		await next(3);
		assert.equal((await open(away)).limit.unwrap().toString(), price(58_000).toString());
		const cancelled = await chain.send(tx.perpetuals.cancelAll(0, MARKET.BTC), "Bob");
		assert.equal(event(cancelled, api.events.perpetuals.OrderCancelled).fee.toBigInt(), 0n);
		assert.equal(await open(away), null);
		const { cash, heldForOrders } = await statement("Bob");
		assert.deepEqual([cash.toBigInt(), heldForOrders.toBigInt()], [before, 0n]);
		// The mark rises by two dollars for each BTC bought: half of one up to a limit a dollar above it.
		const { mark } = (await chain.view("Perpetuals", "market", MARKET.BTC)).unwrap();
		const { id, filled } = await order("Bob", "BTC", units(0.2, "size"), { limit: mark.toBigInt() + 2n * 10n ** 17n, resting: true });
		const part = event(filled, api.events.perpetuals.OrderFilled);
		assert.ok(Math.abs(Number(sizeOf(part)) / 1e8 - 0.1) < 0.001, `${sizeOf(part)}`);
		assert.equal(part.average.toString(), part.price.toString());
		const left = await open(id);
		assert.equal(left.size_?.toBigInt() ?? part.left.toBigInt(), part.left.toBigInt());
		prices = { ...prices, BTC: 59_900 };
		const rest = event(await next(5), api.events.perpetuals.OrderFilled);
		assert.equal(rest.left.toBigInt(), 0n);
		assert.ok(fixed(rest.average) < fixed(part.price) && fixed(rest.average) > fixed(rest.price));
		await exact();
	});

	it("leaves an order to its owner until it expires", async () => {
		const account = await numberOf("Bob");
		const rests = { limit: price(58_000), resting: true, expiresIn: 2 * MINUTE };
		const id = await commit("Bob", "BTC", units(0.1, "size"), rests);
		await next(3);
		assert.ok((await open(id)).stage.isResting);
		const cancel = () => chain.send(tx.perpetuals.cancelOrder(account, id), "Alice");
		await assert.rejects(cancel(), /perpetuals\.NotOwner/);
		// Nor is it in another account of his.
		const elsewhere = tx.perpetuals.cancelOrder(await numberOf("Bob", 1), id);
		await assert.rejects(chain.send(elsewhere, "Bob"), /perpetuals\.UnknownOrder/);
		const amend = tx.perpetuals.amendOrder(1, id, terms("BTC", units(0.1, "size"), rests));
		await assert.rejects(chain.send(amend, "Bob"), /perpetuals\.UnknownOrder/);
		// Then anybody may clear it away, and it costs nothing.
		const before = (await statement("Bob")).cash.toBigInt();
		for (let i = 0; i < 3; i++) {
			await chain.setTime((await chain.now()) + 50_000);
			await next();
		}
		const cancelled = event(await cancel(), api.events.perpetuals.OrderCancelled);
		assert.deepEqual([cancelled.order.toBigInt(), cancelled.fee.toBigInt()], [id.toBigInt(), 0n]);
		assert.equal((await statement("Bob")).cash.toBigInt(), before);
		await exact();
	});

	it("brackets a position, and trails it", async () => {
		// Take a profit at 61,000, stop the loss at 59,000: in one batch with the order that opens.
		const size = units(0.1, "size");
		const closing = (trigger) => terms("BTC", -size, { trigger, reduceOnly: true, expiresIn: 60 * MINUTE });
		const had = await held("Bob", "BTC");
		const both = tx.perpetuals.commitPair(0, closing(at(61_000, "Above")), closing(at(59_000, "Below")));
		const committed = await chain.send(tx.utility.batchAll([tx.perpetuals.commitOrder(0, terms("BTC", size)), both]), "Bob");
		const { first: profit, second: loss } = event(committed, api.events.perpetuals.OrdersPaired);
		await next(3);
		assert.equal(await held("Bob", "BTC"), had + size);
		const up = [...(await walk("BTC", 61_100)), ...(await next(3))];
		assert.equal(event(up, api.events.perpetuals.OrderFilled).order.toString(), profit.toString());
		const other = event(up, api.events.perpetuals.OrderCancelled);
		assert.deepEqual([other.order.toString(), other.fee.toBigInt()], [loss.toString(), 0n], "one cancels the other, for nothing");
		assert.deepEqual([await open(profit), await open(loss)], [null, null]);
		assert.equal(await held("Bob", "BTC"), had);
		// Two percent below the best price there was.
		const trailing = at(1, "Below", 2n * 10n ** 16n);
		const id = await commit("Bob", "BTC", -had, { trigger: trailing, reduceOnly: true, expiresIn: 60 * MINUTE });
		const stands = async () => fixed((await open(id)).trigger.unwrap().price);
		assert.ok(Math.abs((await stands()) / 61_100 - 0.98) < 1e-4);
		await walk("BTC", 62_500);
		// The block after the price follows it, in sixteenths of the distance.
		await next(2);
		const best = await stands();
		assert.ok(best >= 62_500 * 0.9787 && best <= 62_500 * 0.98 + 1, `${best}`);
		const down = [...(await walk("BTC", 61_000)), ...(await next(3))];
		assert.equal(event(down, api.events.perpetuals.OrderFilled).order.toString(), id.toString());
		assert.equal(await held("Bob", "BTC"), 0n);
		await exact();
	});

	it("closes all at once", async () => {
		await order("Bob", "BTC", units(0.1, "size"));
		await order("Bob", "ETH", -units(1, "size"));
		await chain.send(tx.perpetuals.closeAll(0, 10 * MINUTE), "Bob");
		await next(3);
		assert.deepEqual([await held("Bob", "BTC"), await held("Bob", "ETH")], [0n, 0n]);
		await exact();
	});

	it("liquidates who must be, by the worker, only as far as needed", async () => {
		prices = { ...PRICES, BTC: prices.BTC };
		await chain.send(tx.margin.deposit(0, 1, units(1_000, "kUSD")), "Ferdie");
		await order("Ferdie", "SOL", units(80, "size")); // 12,000 kUSD on 1,000
		const [before] = (await statement("Ferdie")).exposures;
		assert.equal(before.size_.toBigInt(), units(80, "size"));
		// Who has measures is called; this one asks for nearly nothing.
		await chain.send(tx.margin.setTopUp(0, [1, 1]), "Ferdie");
		const called = [...(await walk("SOL", 144.4, 8)), ...(await next(2))];
		assert.ok(called.some((e) => api.events.margin.MarginCalled.is(e)), "called before it is too late");
		const events = await walk("SOL", 143, 4);
		for (let i = 0; i < 3; i++) events.push(...(await next()));
		const done = events.filter((e) => api.events.liquidations.Liquidated.is(e));
		assert.ok(done.length >= 1, "liquidated");
		const account = await statement("Ferdie");
		assert.ok(account.equity.toBigInt() > 0n, "not everything is gone");
		const left = account.exposures[0].size_.toBigInt();
		assert.ok(left > 0n && left < units(80, "size"), `a part is closed, not all: ${left} are left`);
		await exact();
	});

	it("lets liquidity go after its cooldown, at the equity of that moment", async () => {
		const shares = await chain.balance("kLP", chain.accounts.Alice.address);
		await chain.send(tx.liquidityPool.requestWithdrawal(shares / 2n), "Alice");
		const before = await chain.balance("kUSD", chain.accounts.Alice.address);
		await next(2);
		assert.equal(await chain.balance("kUSD", chain.accounts.Alice.address), before, "it waits");
		await chain.setTime((await chain.now()) + 24 * 3_600_000 + 1_000);
		await next(4);
		const paid = await chain.balance("kUSD", chain.accounts.Alice.address) - before;
		assert.ok(paid > units(49_000, "kUSD") && paid < units(51_500, "kUSD"), `${paid}`);
		await exact();
	});

	it("closes an account and gives everything back", async () => {
		const account = await statement("Bob");
		assert.equal(account.exposures.length, 0);
		await chain.send(tx.margin.withdraw(0, 1, account.cash.toBigInt()), "Bob");
		await chain.send(tx.margin.withdraw(0, 3, units(1, "ETH")), "Bob");
		await chain.send(tx.margin.closeAccount(0), "Bob");
		const left = await chain.view("Margin", "accounts_of", chain.accounts.Bob.address);
		assert.deepEqual(left.map(([sub]) => sub.toNumber()), [1]);
		await exact();
	});
});
